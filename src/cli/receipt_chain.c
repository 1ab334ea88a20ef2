/* receipt_chain.c - the proof of a receipt on a chain: logs with the blocks that they are in, as text, and what they
 * say of the deal. */
#include "chain/evm_deal.h"
#include "chain/evm_prove.h"
#include "cli/receipt.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/rlp.h"

enum { PATH_NODES_MAX = 66 }; /* one for each nibble of a key, the root, and one */

static const char *const names[RECEIPT_LOGS] = {
        [RECEIPT_LOG_RESULT] = "submission", [RECEIPT_LOG_END] = "end"};

/* ---- out ------------------------------------------------------------------------------------------- */

static json_t *path_json(const struct eth_proof *p)
{
	struct bytes rest = bytes_of(p->path, p->path_n), node;
	json_t *list = json_array();
	struct err e;

	while (rest.n && rlp_next_bytes(&rest, ETH_PATH_MAX, &node, &e))
		json_array_append_new(list, evm_data(node));
	return list;
}

static json_t *log_json(const struct eth_proof *p)
{
	return json_pack("{s:o, s:o, s:I, s:I, s:o}", "blockHash", json_of_hash(&p->block),
	        "header", evm_data(bytes_of(p->header, p->header_n)), "transactionIndex",
	        (json_int_t)p->tx, "logIndex", (json_int_t)p->log, "path", path_json(p));
}

json_t *receipt_logs_to_json(const struct receipt_chain *c)
{
	json_t *j = json_object();

	if (c->submitted)
		json_object_set_new(
		        j, names[RECEIPT_LOG_RESULT], log_json(&c->log[RECEIPT_LOG_RESULT]));
	json_object_set_new(j, names[RECEIPT_LOG_END], log_json(&c->log[RECEIPT_LOG_END]));
	return j;
}

/* ---- in -------------------------------------------------------------------------------------------- */

static bool get_index(const json_t *j, const char *key, uint32_t *out, struct err *e)
{
	uint64_t v;

	TRY(json_get_u64(j, key, &v, e), e);
	if (v > ETH_INDEX_MAX)
		return FAIL(e, JSON_VALUE, "%s: %llu, more than %u", key, (unsigned long long)v,
		        ETH_INDEX_MAX);
	*out = (uint32_t)v;
	return true;
}

static bool get_path(const json_t *list, struct eth_proof *p, struct err *e)
{
	struct buf path OWN(buf_done) = {0};
	const json_t *v;
	size_t i;

	buf_init(&path, sizeof p->path);
	if (!json_is_array(list) || json_array_size(list) > PATH_NODES_MAX)
		return FAIL(e, JSON_VALUE, "path: a list of at most %d nodes", PATH_NODES_MAX);
	json_array_foreach (list, i, v) {
		struct buf node OWN(buf_done) = {0};

		buf_init(&node, sizeof p->path);
		TRY(evm_read_data(v, &node, e), e);
		rlp_put_bytes(&path, buf_bytes(&node));
	}
	if (!buf_ok(&path))
		return FAIL(e, TOO_LARGE, "path: more than %zu bytes", sizeof p->path);
	p->path_n = path.n;
	if (path.n)
		memcpy(p->path, path.p, path.n);
	return true;
}

static bool get_log(const json_t *j, struct eth_proof *p, struct err *e)
{
	struct str header;

	TRY(json_get_hash(j, "blockHash", &p->block, e), e);
	TRY(json_get_str(j, "header", &header, e), e);
	TRY(hex_parse_upto(header, p->header, sizeof p->header, &p->header_n, e), e);
	TRY(get_index(j, "transactionIndex", &p->tx, e), e);
	TRY(get_index(j, "logIndex", &p->log, e), e);
	return get_path(json_object_get(j, "path"), p, e);
}

bool receipt_logs_from_json(const json_t *j, struct receipt_chain *c, struct err *e)
{
	const json_t *first = json_object_get(j, names[RECEIPT_LOG_RESULT]);

	c->submitted = first != NULL;
	if (first && !get_log(first, &c->log[RECEIPT_LOG_RESULT], e)) {
		err_prefix(e, "%s: ", names[RECEIPT_LOG_RESULT]);
		return false;
	}
	if (get_log(json_object_get(j, names[RECEIPT_LOG_END]), &c->log[RECEIPT_LOG_END], e))
		return true;
	err_prefix(e, "%s: ", names[RECEIPT_LOG_END]);
	return false;
}

/* ---- what they say --------------------------------------------------------------------------------- */

static bool read_log(const struct eth_proof *p, struct eth_head *head, struct evm_log *out)
{
	struct bytes receipt;
	struct eth_log l;
	struct err e;

	return eth_head_read(bytes_of(p->header, p->header_n), head, &e) &&
	       eth_proof_receipt(p, &head->receipts_root, &receipt, &e) &&
	       eth_receipt_log(receipt, p->log, &l, &e) && evm_log_of(&l, out, &e);
}

void receipt_read_logs(struct receipt *r)
{
	struct ledger_event *ev = &r->event;
	struct evm_deal_step step = {0};
	struct eth_head head = {0};
	struct evm_deal d = {0};
	struct evm_log log;
	struct err e;

	*ev = (struct ledger_event){0};
	eip712_hash(deal_record(), &r->deal, &d.id);
	for (unsigned i = r->chain.submitted ? RECEIPT_LOG_RESULT : RECEIPT_LOG_END;
	        i < RECEIPT_LOGS; i++) {
		if (!read_log(&r->chain.log[i], &head, &log) || !evm_deal_take(&d, &log, &step, &e))
			return;
	}
	*ev = (struct ledger_event){.block = head.number,
	        .time = {head.time_s},
	        .action = r->end,
	        .deal = d.id,
	        .from = step.from,
	        .to = step.to,
	        .result = d.result,
	        .status = d.status,
	        .count = d.count,
	        .bytes = d.bytes,
	        .amount = step.paid};
}
