/* eth_proof.c - headers and receipts are read as far as a proof needs them; what is behind stays unread in a header,
 * whose hash covers it, and nowhere else. */
#include "codec/eth_proof.h"

#include "codec/mpt.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"

/* Of a header's fields, by their place. */
enum {
	HEAD_RECEIPTS_ROOT = 5,
	HEAD_NUMBER = 8,
	HEAD_TIME = 11,
	HEAD_FIELDS_MIN = 15,
	HEAD_FIELDS_MAX = 32,
	BLOOM_BYTES = 256,
	TYPE_MAX = 0x7f, /* EIP-2718 */
	LOG_DATA_MAX = ETH_PATH_MAX
};

/* ---- headers ------------------------------------------------------------------------------------ */

static bool head_field(struct bytes *items, unsigned i, struct eth_head *h, struct err *e)
{
	struct bytes any;

	switch (i) {
	case HEAD_RECEIPTS_ROOT:
		return rlp_next_fixed(items, h->receipts_root.b, sizeof h->receipts_root.b, e);
	case HEAD_NUMBER: return rlp_next_u64(items, &h->number, e);
	case HEAD_TIME: return rlp_next_u64(items, &h->time_s, e);
	default: return rlp_next_bytes(items, ETH_HEADER_MAX, &any, e);
	}
}

static bool read_head(struct bytes header, struct eth_head *out, struct err *e)
{
	struct bytes rest = header, items;
	unsigned n = 0;

	TRY(rlp_next_list(&rest, &items, e), e);
	TRY(rlp_end(rest, e), e);
	for (; items.n && n < HEAD_FIELDS_MAX; n++)
		TRY(head_field(&items, n, out, e), e);
	if (items.n || n < HEAD_FIELDS_MIN)
		return FAIL(e, TAMPERED, "%u fields, where %d to %d must be", n, HEAD_FIELDS_MIN,
		        HEAD_FIELDS_MAX);
	return true;
}

bool eth_head_read(struct bytes header, struct eth_head *out, struct err *e)
{
	struct eth_head h = {0};
	struct err why;

	if (!read_head(header, &h, &why))
		return FAIL(e, TAMPERED, "no header of a block: %s", why.msg);
	*out = h;
	return true;
}

/* ---- receipts ----------------------------------------------------------------------------------- */

static bool read_log(struct bytes items, struct eth_log *out, struct err *e)
{
	struct bytes topics;

	TRY(rlp_next_fixed(&items, out->account.b, sizeof out->account.b, e), e);
	TRY(rlp_next_list(&items, &topics, e), e);
	for (out->topics_n = 0; topics.n; out->topics_n++) {
		if (out->topics_n == ETH_TOPICS_MAX)
			return FAIL(e, TAMPERED, "a log of more than %d topics", ETH_TOPICS_MAX);
		TRY(rlp_next_fixed(&topics, out->topics[out->topics_n].b, sizeof(struct hash), e),
		        e);
	}
	TRY(rlp_next_bytes(&items, LOG_DATA_MAX, &out->data, e), e);
	return rlp_end(items, e);
}

/* All of its logs are read, the one that is wanted is kept. */
static bool read_logs(struct bytes logs, uint32_t index, struct eth_log *out, struct err *e)
{
	uint32_t n = 0;

	for (; logs.n && n <= ETH_INDEX_MAX; n++) {
		struct eth_log l = {0};
		struct bytes items;

		TRY(rlp_next_list(&logs, &items, e), e);
		TRY(read_log(items, &l, e), e);
		if (n == index)
			*out = l;
	}
	if (logs.n || index >= n)
		return FAIL(e, TAMPERED, "log %u of %u", index, n);
	return true;
}

static bool read_receipt(struct bytes receipt, uint32_t index, struct eth_log *out, struct err *e)
{
	uint8_t bloom[BLOOM_BYTES];
	struct bytes items, logs;
	uint64_t status, gas;

	if (receipt.n && receipt.p[0] >= 1 && receipt.p[0] <= TYPE_MAX)
		receipt = bytes_of(receipt.p + 1, receipt.n - 1);
	TRY(rlp_next_list(&receipt, &items, e), e);
	TRY(rlp_end(receipt, e), e);
	TRY(rlp_next_u64(&items, &status, e), e);
	if (status != 1)
		return FAIL(e, TAMPERED, "its transaction did not succeed");
	TRY(rlp_next_u64(&items, &gas, e), e);
	TRY(rlp_next_fixed(&items, bloom, sizeof bloom, e), e);
	TRY(rlp_next_list(&items, &logs, e), e);
	TRY(rlp_end(items, e), e);
	return read_logs(logs, index, out, e);
}

bool eth_receipt_log(struct bytes receipt, uint32_t index, struct eth_log *out, struct err *e)
{
	struct eth_log l = {0};
	struct err why;

	if (!read_receipt(receipt, index, &l, &why))
		return FAIL(e, TAMPERED, "no receipt with such a log: %s", why.msg);
	*out = l;
	return true;
}

/* ---- proofs ------------------------------------------------------------------------------------- */

size_t eth_index_key(uint32_t index, uint8_t out[ETH_KEY_MAX])
{
	struct buf b OWN(buf_done) = {0};
	size_t n;

	buf_init(&b, ETH_KEY_MAX);
	rlp_put_u64(&b, index);
	n = b.n;
	assert(buf_ok(&b) && n);
	memcpy(out, b.p, n);
	return n;
}

bool eth_proof_hash(const struct eth_proof *p, struct err *e)
{
	struct hash h;

	keccak256(p->header, p->header_n, &h);
	return hash_eq(&h, &p->block) || FAIL(e, TAMPERED, "the header has another hash");
}

bool eth_proof_receipt(const struct eth_proof *p, const struct hash *receipts_root,
        struct bytes *receipt, struct err *e)
{
	uint8_t key[ETH_KEY_MAX];
	size_t n;

	if (p->tx > ETH_INDEX_MAX)
		return FAIL(e, TAMPERED, "transaction %u of a block", p->tx);
	n = eth_index_key(p->tx, key);
	return mpt_check(receipts_root, bytes_of(key, n), bytes_of(p->path, p->path_n), receipt, e);
}

bool eth_proof_check(
        const struct eth_proof *p, struct eth_head *head, struct eth_log *log, struct err *e)
{
	struct bytes receipt;
	struct eth_head h;

	TRY(eth_proof_hash(p, e), e);
	TRY(eth_head_read(bytes_of(p->header, p->header_n), &h, e), e);
	TRY(eth_proof_receipt(p, &h.receipts_root, &receipt, e), e);
	TRY(eth_receipt_log(receipt, p->log, log, e), e);
	*head = h;
	return true;
}
