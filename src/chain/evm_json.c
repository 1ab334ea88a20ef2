/* evm_json.c - hex both ways. */
#include "chain/evm_json.h"

#include <stdio.h>

#include "codec/hex.h"
#include "codec/json.h"

enum { HEX_QUANTITY_MAX = 2 + 64, SHOWN = 40 };

/* ---- writing ------------------------------------------------------------------------------------ */

json_t *evm_quantity(uint64_t v)
{
	char text[2 + 16 + 1];

	snprintf(text, sizeof text, "0x%llx", (unsigned long long)v);
	return json_string(text);
}

json_t *evm_data(struct bytes b)
{
	struct buf text OWN(buf_done) = {0};

	buf_init(&text, 2 * b.n + 3);
	buf_z(&text, "0x");
	buf_hex(&text, b.p, b.n);
	return buf_ok(&text) ? json_string(buf_cstr(&text)) : NULL;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool wrong(const json_t *v, const char *what, struct err *e)
{
	struct str s = str_within(json_text_of(v), SHOWN);

	return FAIL(e, PEER, "the node's answer has \"%.*s\" where %s must be", STR_ARG(s), what);
}

bool evm_read_u256(const json_t *v, struct u256 *out, struct err *e)
{
	struct str s = json_text_of(v);
	char even[HEX_QUANTITY_MAX + 1] = "0x";
	uint8_t be[32], raw[32];
	struct err ignored;
	size_t n, odd;

	if (!str_starts(s, "0x") || s.n < 3 || s.n > HEX_QUANTITY_MAX)
		return wrong(v, "a number", e);
	odd = s.n % 2;
	if (odd)
		even[2] = '0';
	memcpy(even + 2 + odd, s.p + 2, s.n - 2);
	if (!hex_parse_upto((struct str){even, s.n + odd}, raw, sizeof raw, &n, &ignored))
		return wrong(v, "a number", e);
	memset(be, 0, sizeof be);
	memcpy(be + sizeof be - n, raw, n);
	*out = u256_from_be(be);
	return true;
}

bool evm_read_quantity(const json_t *v, uint64_t *out, struct err *e)
{
	struct u256 n;

	TRY(evm_read_u256(v, &n, e), e);
	if (u256_bits(n) > 64)
		return wrong(v, "a number of 64 bits", e);
	*out = n.w[0];
	return true;
}

bool evm_get_quantity(const json_t *obj, const char *key, uint64_t *out, struct err *e)
{
	if (evm_read_quantity(json_object_get(obj, key), out, e))
		return true;
	err_prefix(e, "%s: ", key);
	return false;
}

bool evm_get_hash(const json_t *obj, const char *key, struct hash *out, struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	struct err ignored;

	if (hash_parse(json_text_of(v), out, &ignored))
		return true;
	wrong(v, "a hash", e);
	err_prefix(e, "%s: ", key);
	return false;
}

bool evm_get_addr(const json_t *obj, const char *key, struct addr *out, struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	struct err ignored;

	if (hex_parse(json_text_of(v), out->b, sizeof out->b, &ignored))
		return true;
	wrong(v, "an account", e);
	err_prefix(e, "%s: ", key);
	return false;
}

bool evm_read_data(const json_t *v, struct buf *out, struct err *e)
{
	struct str s = json_text_of(v);
	struct err ignored;
	size_t n, len = s.n >= 2 ? (s.n - 2) / 2 : 0;
	uint8_t *to;

	if (!str_starts(s, "0x") || s.n % 2)
		return wrong(v, "bytes", e);
	if (len == 0)
		return true;
	to = buf_room(out, len);
	if (!to)
		return FAIL(e, TOO_LARGE, "the node's answer holds %zu bytes, more than %zu", len,
		        out->max);
	if (!hex_parse_upto(s, to, len, &n, &ignored))
		return wrong(v, "bytes", e);
	return true;
}

bool evm_read_header(const json_t *v, struct evm_header *out, struct err *e)
{
	struct evm_header h = {0};

	if (!json_is_object(v))
		return wrong(v, "a block", e);
	TRY(evm_get_quantity(v, "number", &h.number, e), e);
	TRY(evm_get_hash(v, "hash", &h.hash, e), e);
	TRY(evm_get_hash(v, "parentHash", &h.parent, e), e);
	TRY(evm_get_quantity(v, "timestamp", &h.time.s, e), e);
	if (json_object_get(v, "baseFeePerGas"))
		TRY(evm_get_quantity(v, "baseFeePerGas", &h.base_fee_wei, e), e);
	if (h.time.s > BTIME_MAX)
		return FAIL(e, PEER, "the node's answer has the block time %llu",
		        (unsigned long long)h.time.s);
	*out = h;
	return true;
}

static bool read_topics(const json_t *list, struct evm_log *l, struct err *e)
{
	struct err ignored;

	l->topics_n = json_array_size(list);
	if (!json_is_array(list) || l->topics_n > EVM_TOPICS_MAX)
		return wrong(list, "a log's topics", e);
	for (size_t i = 0; i < l->topics_n; i++) {
		const json_t *v = json_array_get(list, i);

		if (!hash_parse(json_text_of(v), &l->topics[i], &ignored))
			return wrong(v, "a topic", e);
	}
	return true;
}

bool evm_read_log(const json_t *v, struct evm_log *out, struct err *e)
{
	struct evm_log *l = out;
	const json_t *data = json_object_get(v, "data");
	struct err ignored;
	uint64_t index;

	memset(l, 0, offsetof(struct evm_log, data));
	l->longer = false;
	TRY(evm_get_quantity(v, "blockNumber", &l->block, e), e);
	TRY(evm_get_hash(v, "blockHash", &l->block_hash, e), e);
	TRY(evm_get_hash(v, "transactionHash", &l->tx, e), e);
	TRY(evm_get_quantity(v, "logIndex", &index, e), e);
	TRY(evm_get_addr(v, "address", &l->account, e), e);
	TRY(read_topics(json_object_get(v, "topics"), l, e), e);
	if (index >> 20)
		return FAIL(e, PEER, "the node's answer has a log with the index %llu",
		        (unsigned long long)index);
	l->index = (uint32_t)index;
	if (json_text_of(data).n > 2 + 2 * (size_t)EVM_LOG_DATA_MAX)
		l->longer = true;
	else if (!hex_parse_upto(json_text_of(data), l->data, sizeof l->data, &l->n, &ignored))
		return wrong(data, "a log's data", e);
	return true;
}

bool evm_read_receipt(const json_t *v, struct evm_receipt *out, struct err *e)
{
	struct evm_receipt r = {0};
	uint64_t status;

	TRY(evm_get_quantity(v, "blockNumber", &r.block, e), e);
	TRY(evm_get_hash(v, "blockHash", &r.block_hash, e), e);
	TRY(evm_get_hash(v, "transactionHash", &r.tx, e), e);
	TRY(evm_get_quantity(v, "status", &status, e), e);
	TRY(evm_get_quantity(v, "gasUsed", &r.gas_used, e), e);
	TRY(evm_get_quantity(v, "effectiveGasPrice", &r.gas_price_wei, e), e);
	if (json_is_string(json_object_get(v, "contractAddress")))
		TRY(evm_get_addr(v, "contractAddress", &r.created, e), e);
	r.ok = status == 1;
	*out = r;
	return true;
}
