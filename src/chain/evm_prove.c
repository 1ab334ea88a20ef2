/* evm_prove.c - headers and receipts from JSON to the bytes that were hashed. */
#include "chain/evm_prove.h"

#include <stdlib.h>

#include "chain/contracts.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/mpt.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"

enum {
	RECEIPTS_BYTES_MAX = 64 << 20, /* of one block, encoded */
	LOGS_MAX = ETH_INDEX_MAX + 1,
	MEMBER_MAX = 1 << 20 /* bytes of one member */
};

/* ---- header ------------------------------------------------------------------------------------- */

enum member_kind { MEMBER_DATA, MEMBER_NUMBER };

/* In the order of the encoding; those of later forks only if all before them are there. */
static const struct member {
	const char *name;
	enum member_kind kind;
	bool later;
} members[] = {
        {"parentHash", MEMBER_DATA, false}, {"sha3Uncles", MEMBER_DATA, false},
        {"miner", MEMBER_DATA, false}, {"stateRoot", MEMBER_DATA, false},
        {"transactionsRoot", MEMBER_DATA, false}, {"receiptsRoot", MEMBER_DATA, false},
        {"logsBloom", MEMBER_DATA, false}, {"difficulty", MEMBER_NUMBER, false},
        {"number", MEMBER_NUMBER, false}, {"gasLimit", MEMBER_NUMBER, false},
        {"gasUsed", MEMBER_NUMBER, false}, {"timestamp", MEMBER_NUMBER, false},
        {"extraData", MEMBER_DATA, false}, {"mixHash", MEMBER_DATA, false},
        {"nonce", MEMBER_DATA, false}, {"baseFeePerGas", MEMBER_NUMBER, true}, /* EIP-1559 */
        {"withdrawalsRoot", MEMBER_DATA, true},                                /* EIP-4895 */
        {"blobGasUsed", MEMBER_NUMBER, true},                                  /* EIP-4844 */
        {"excessBlobGas", MEMBER_NUMBER, true},                                /* EIP-4844 */
        {"parentBeaconBlockRoot", MEMBER_DATA, true},                          /* EIP-4788 */
        {"requestsHash", MEMBER_DATA, true},                                   /* EIP-7685 */
};

static bool put_member(const json_t *v, enum member_kind kind, struct buf *out, struct err *e)
{
	struct buf raw OWN(buf_done) = {0};
	struct u256 n;

	if (kind == MEMBER_NUMBER) {
		TRY(evm_read_u256(v, &n, e), e);
		rlp_put_u256(out, n);
		return true;
	}
	buf_init(&raw, MEMBER_MAX);
	TRY(evm_read_data(v, &raw, e), e);
	rlp_put_bytes(out, buf_bytes(&raw));
	return true;
}

bool evm_put_header(const json_t *block, struct buf *out, struct err *e)
{
	struct buf items OWN(buf_done) = {0};

	buf_init(&items, ETH_HEADER_MAX);
	for (size_t i = 0; i < COUNT(members); i++) {
		const json_t *v = json_object_get(block, members[i].name);

		if (members[i].later && !json_is_string(v))
			break;
		if (!put_member(v, members[i].kind, &items, e)) {
			err_prefix(e, "%s: ", members[i].name);
			return false;
		}
	}
	if (!buf_ok(&items))
		return FAIL(e, PEER, "a block whose header has more than %d bytes", ETH_HEADER_MAX);
	rlp_put_list(out, buf_bytes(&items));
	return true;
}

/* ---- receipts ----------------------------------------------------------------------------------- */

static bool put_log(const json_t *log, struct buf *out, struct err *e)
{
	const json_t *topics = json_object_get(log, "topics"), *v;
	struct buf items OWN(buf_done) = {0}, list OWN(buf_done) = {0};
	size_t i;

	buf_init(&items, MEMBER_MAX);
	buf_init(&list, MEMBER_MAX);
	if (json_array_size(topics) > ETH_TOPICS_MAX)
		return FAIL(e, PEER, "the node's answer has a log of %zu topics",
		        json_array_size(topics));
	TRY(put_member(json_object_get(log, "address"), MEMBER_DATA, &items, e), e);
	json_array_foreach (topics, i, v)
		TRY(put_member(v, MEMBER_DATA, &list, e), e);
	rlp_put_list(&items, buf_bytes(&list));
	TRY(put_member(json_object_get(log, "data"), MEMBER_DATA, &items, e), e);
	if (!buf_ok(&items) || !buf_ok(&list))
		return FAIL(
		        e, PEER, "the node's answer has a log of more than %d bytes", MEMBER_MAX);
	rlp_put_list(out, buf_bytes(&items));
	return true;
}

static bool put_logs(const json_t *logs, struct buf *out, struct err *e)
{
	struct buf list OWN(buf_done) = {0};
	const json_t *v;
	size_t i;

	buf_init(&list, RECEIPTS_BYTES_MAX);
	if (!json_is_array(logs) || json_array_size(logs) > LOGS_MAX)
		return FAIL(e, PEER, "the node's answer has a receipt without its logs");
	json_array_foreach (logs, i, v)
		TRY(put_log(v, &list, e), e);
	if (!buf_ok(&list))
		return FAIL(e, PEER, "the node's answer has a receipt of more than %d bytes",
		        RECEIPTS_BYTES_MAX);
	rlp_put_list(out, buf_bytes(&list));
	return true;
}

bool evm_put_receipt(const json_t *receipt, struct buf *out, struct err *e)
{
	static const struct member head[] = {{"status", MEMBER_NUMBER, false},
	        {"cumulativeGasUsed", MEMBER_NUMBER, false}, {"logsBloom", MEMBER_DATA, false}};
	struct buf items OWN(buf_done) = {0};
	uint64_t type = 0;

	buf_init(&items, RECEIPTS_BYTES_MAX);
	if (json_object_get(receipt, "type"))
		TRY(evm_get_quantity(receipt, "type", &type, e), e);
	if (type > 0x7f)
		return FAIL(e, PEER, "the node's answer has a receipt of type %llu",
		        (unsigned long long)type);
	for (size_t i = 0; i < COUNT(head); i++) {
		if (!put_member(json_object_get(receipt, head[i].name), head[i].kind, &items, e)) {
			err_prefix(e, "%s: ", head[i].name);
			return false;
		}
	}
	TRY(put_logs(json_object_get(receipt, "logs"), &items, e), e);
	if (type)
		buf_byte(out, (uint8_t)type);
	rlp_put_list(out, buf_bytes(&items));
	out->bad = out->bad || !buf_ok(&items);
	return true;
}

/* ---- the tree ----------------------------------------------------------------------------------- */

struct tree {
	size_t n;
	struct mpt_item *item;
	size_t *from; /* where its receipt begins */
	uint8_t (*key)[ETH_KEY_MAX];
	struct buf all;
};

static void tree_done(struct tree *t)
{
	free(t->item);
	free(t->from);
	free(t->key);
	buf_done(&t->all);
}

static bool fill(const json_t *receipts, struct tree *t, struct err *e)
{
	size_t i;
	const json_t *v;

	json_array_foreach (receipts, i, v) {
		t->from[i] = t->all.n;
		TRY(evm_put_receipt(v, &t->all, e), e);
	}
	if (!buf_ok(&t->all))
		return FAIL(e, PEER, "a block whose receipts have more than %d bytes",
		        RECEIPTS_BYTES_MAX);
	for (i = 0; i < t->n; i++) {
		size_t to = i + 1 < t->n ? t->from[i + 1] : t->all.n;

		t->item[i].key = bytes_of(t->key[i], eth_index_key((uint32_t)i, t->key[i]));
		t->item[i].value = bytes_of(t->all.p + t->from[i], to - t->from[i]);
	}
	return true;
}

static bool prove_in(
        const json_t *receipts, uint32_t tx, struct hash *root, struct buf *path, struct err *e)
{
	struct tree t OWN(tree_done) = {.n = json_array_size(receipts)};

	buf_init(&t.all, RECEIPTS_BYTES_MAX);
	if (tx >= t.n || t.n > ETH_INDEX_MAX)
		return FAIL(e, PEER, "transaction %u in a block of %zu receipts", tx, t.n);
	t.item = calloc(t.n, sizeof *t.item);
	t.from = calloc(t.n, sizeof *t.from);
	t.key = calloc(t.n, sizeof *t.key);
	if (!t.item || !t.from || !t.key)
		return FAIL(e, MEMORY, "no memory for %zu receipts", t.n);
	TRY(fill(receipts, &t, e), e);
	return mpt_prove(t.item, t.n, tx, root, path, e);
}

static bool same(const char *what, const struct hash *is, const struct hash *must,
        unsigned long long number, struct err *e)
{
	char x[HASH_TEXT_MAX], y[HASH_TEXT_MAX];

	if (hash_eq(is, must))
		return true;
	hash_format(is, x);
	hash_format(must, y);
	return FAIL(e, PEER, "block %llu as the node gives it has the %s %s, not %s", number, what,
	        x, y);
}

static bool take(struct buf *b, const char *what, void *to, size_t max, size_t *n, struct err *e)
{
	if (!buf_ok(b) || b->n > max)
		return FAIL(e, TOO_LARGE, "%s of more than %zu bytes", what, max);
	memcpy(to, b->p, b->n);
	*n = b->n;
	return true;
}

bool evm_prove_receipt(const json_t *block, const json_t *receipts, uint32_t tx,
        struct eth_proof *out, struct err *e)
{
	struct buf header OWN(buf_done) = {0}, path OWN(buf_done) = {0};
	struct hash hash, root, must;
	uint64_t number;

	buf_init(&header, ETH_HEADER_MAX);
	buf_init(&path, ETH_PATH_MAX);
	memset(out, 0, sizeof *out);
	TRY(evm_get_quantity(block, "number", &number, e), e);
	TRY(evm_get_hash(block, "hash", &out->block, e), e);
	TRY(evm_get_hash(block, "receiptsRoot", &must, e), e);
	TRY(evm_put_header(block, &header, e), e);
	TRY(take(&header, "a header", out->header, sizeof out->header, &out->header_n, e), e);
	keccak256(header.p, header.n, &hash);
	TRY(same("hash", &hash, &out->block, number, e), e);
	TRY(prove_in(receipts, tx, &root, &path, e), e);
	TRY(same("receiptsRoot", &root, &must, number, e), e);
	TRY(take(&path, "a path", out->path, sizeof out->path, &out->path_n, e), e);
	out->tx = tx;
	return true;
}

/* ---- asking ------------------------------------------------------------------------------------- */

static struct evm_rpc_options options(const struct evm_place *p)
{
	return (struct evm_rpc_options){
	        .urls = p->urls, .chain_id = p->chain_id, .genesis = p->genesis};
}

static json_t *hash_json(const struct hash *h)
{
	return evm_data(bytes_of(h->b, sizeof h->b));
}

static bool ask_receipt(
        const struct evm_rpc_options *o, const json_t *tx, json_t **out, struct err *e)
{
	TRY(evm_ask(o, "eth_getTransactionReceipt", json_pack("[O]", tx), out, e), e);
	if (json_is_object(*out))
		return true;
	json_decref(*out);
	*out = NULL;
	return FAIL(e, NOT_FOUND, "no block of the chain has the transaction %s",
	        json_string_value(tx));
}

/* A node that does not know how to give them all gives them one by one. */
static bool ask_receipts(const struct evm_rpc_options *o, const struct hash *hash,
        const json_t *txs, json_t **out, struct err *e)
{
	json_t *all OWN(json_own) = NULL;
	const json_t *v;
	size_t i;

	if (evm_ask(o, "eth_getBlockReceipts", json_pack("[o]", hash_json(hash)), &all, e) &&
	        json_array_size(all) == json_array_size(txs)) {
		*out = all;
		all = NULL;
		return true;
	}
	json_decref(all);
	all = json_array();
	json_array_foreach (txs, i, v) {
		json_t *one = NULL;

		TRY(ask_receipt(o, v, &one, e), e);
		json_array_append_new(all, one);
	}
	*out = all;
	all = NULL;
	return true;
}

bool evm_log_of(const struct eth_log *l, struct evm_log *out, struct err *e)
{
	if (l->data.n > sizeof out->data)
		return FAIL(e, PEER, "a log of %zu bytes, which is none of ours", l->data.n);
	memset(out, 0, sizeof *out);
	out->account = l->account;
	out->topics_n = l->topics_n;
	memcpy(out->topics, l->topics, sizeof out->topics);
	out->n = l->data.n;
	if (l->data.n)
		memcpy(out->data, l->data.p, l->data.n);
	return true;
}

static bool is_kind(const struct evm_log *l, enum evm_log_kind kind)
{
	enum contract_event k = contract_event_of(&l->topics[0]);

	if (kind == EVM_LOG_END)
		return k == EVENT_Moved || k == EVENT_Accepted;
	return k == EVENT_Submitted || k == EVENT_ClaimChecked;
}

/* The last one: what came before it was not the end. */
static bool find_log(const struct evm_place *p, const struct hash *deal, enum evm_log_kind kind,
        struct eth_proof *out, struct err *e)
{
	char text[HASH_TEXT_MAX];
	struct bytes receipt;
	struct eth_head head;
	struct eth_log l;
	struct evm_log log;
	struct err past;
	struct hash of;
	bool found = false;

	TRY(eth_head_read(bytes_of(out->header, out->header_n), &head, e), e);
	TRY(eth_proof_receipt(out, &head.receipts_root, &receipt, e), e);
	for (uint32_t i = 0; i < LOGS_MAX && eth_receipt_log(receipt, i, &l, &past); i++) {
		if (!evm_log_of(&l, &log, &past) || !addr_eq(&l.account, &p->controller))
			continue;
		evm_log_deal(&log, &of);
		if (!hash_eq(&of, deal) || !is_kind(&log, kind))
			continue;
		out->log = i;
		found = true;
	}
	hash_format(deal, text);
	return found || FAIL(e, NOT_FOUND, "the transaction has no such log of the deal %s", text);
}

bool evm_prove(const struct evm_place *p, const struct hash *tx, const struct hash *deal,
        enum evm_log_kind kind, struct eth_proof *out, struct err *e)
{
	struct evm_rpc_options o = options(p);
	json_t *name OWN(json_own) = hash_json(tx), *receipt OWN(json_own) = NULL;
	json_t *block OWN(json_own) = NULL, *receipts OWN(json_own) = NULL;
	struct hash hash;
	uint64_t index;

	TRY(ask_receipt(&o, name, &receipt, e), e);
	TRY(evm_get_hash(receipt, "blockHash", &hash, e), e);
	TRY(evm_get_quantity(receipt, "transactionIndex", &index, e), e);
	if (index > ETH_INDEX_MAX)
		return FAIL(e, PEER, "the node's answer has transaction %llu of a block",
		        (unsigned long long)index);
	TRY(evm_ask(&o, "eth_getBlockByHash", json_pack("[o,b]", hash_json(&hash), 0), &block, e),
	        e);
	TRY(ask_receipts(&o, &hash, json_object_get(block, "transactions"), &receipts, e), e);
	TRY(evm_prove_receipt(block, receipts, (uint32_t)index, out, e), e);
	if (!hash_eq(&hash, &out->block))
		return FAIL(e, PEER, "the node gave another block than the receipt's");
	return find_log(p, deal, kind, out, e);
}

bool evm_block_hash(const struct evm_place *p, uint64_t number, struct hash *out, struct err *e)
{
	struct evm_rpc_options o = options(p);
	json_t *j OWN(json_own) = NULL;

	TRY(evm_ask(&o, "eth_getBlockByNumber", json_pack("[o,b]", evm_quantity(number), 0), &j, e),
	        e);
	if (!json_is_object(j))
		return FAIL(
		        e, NOT_FOUND, "the chain has no block %llu", (unsigned long long)number);
	return evm_get_hash(j, "hash", out, e);
}
