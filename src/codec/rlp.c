/* rlp.c - one prefix byte says what follows: below 0x80 the byte itself, from 0x80 a string, from 0xc0 a
 * list; up to 55 bytes the length is in the prefix, above that it stands behind it. */
#include "codec/rlp.h"

enum {
	STRING = 0x80,
	LIST = 0xc0,
	SHORT_MAX = 55 /* bytes whose number the prefix itself holds */
};

/* ---- writing ------------------------------------------------------------------------------------ */

static void put_prefix(struct buf *out, unsigned base, size_t n)
{
	uint8_t be[sizeof(uint64_t)];
	unsigned used = 0;

	if (n <= SHORT_MAX) {
		buf_byte(out, (uint8_t)(base + n));
		return;
	}
	for (int shift = 56; shift >= 0; shift -= 8) {
		uint8_t byte = (uint8_t)((uint64_t)n >> shift);

		if (used || byte)
			be[used++] = byte;
	}
	buf_byte(out, (uint8_t)(base + SHORT_MAX + used));
	buf_put(out, be, used);
}

void rlp_put_bytes(struct buf *out, struct bytes b)
{
	if (b.n != 1 || b.p[0] >= STRING)
		put_prefix(out, STRING, b.n);
	buf_put(out, b.p, b.n);
}

void rlp_put_number(struct buf *out, const uint8_t *be, size_t n)
{
	while (n && *be == 0) {
		be++;
		n--;
	}
	rlp_put_bytes(out, bytes_of(be, n));
}

void rlp_put_u64(struct buf *out, uint64_t v)
{
	uint8_t be[8];

	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(v >> (56 - 8 * i));
	rlp_put_number(out, be, sizeof be);
}

void rlp_put_u256(struct buf *out, struct u256 v)
{
	uint8_t be[32];

	u256_to_be(v, be);
	rlp_put_number(out, be, sizeof be);
}

void rlp_put_list(struct buf *out, struct bytes items)
{
	put_prefix(out, LIST, items.n);
	buf_put(out, items.p, items.n);
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool cut_off(struct err *e)
{
	return FAIL(e, ENCODING, "RLP that ends within an item");
}

/* The length behind a prefix, in `bytes` bytes. */
static bool long_length(struct bytes *rest, size_t bytes, size_t *out, struct err *e)
{
	uint64_t n = 0;

	if (rest->n < bytes)
		return cut_off(e);
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | rest->p[i];
	if (rest->p[0] == 0 || n <= SHORT_MAX)
		return FAIL(e, ENCODING, "an RLP length that is not in its shortest form");
	*rest = bytes_of(rest->p + bytes, rest->n - bytes);
	*out = (size_t)n;
	return true;
}

bool rlp_next(struct bytes *rest, struct rlp *out, struct err *e)
{
	struct bytes at = *rest;
	size_t n = 1;
	uint8_t prefix;
	bool list;

	if (at.n == 0)
		return cut_off(e);
	prefix = at.p[0];
	list = prefix >= LIST;
	if (prefix >= STRING) {
		unsigned base = list ? LIST : STRING;

		at = bytes_of(at.p + 1, at.n - 1);
		n = prefix - base;
		if (n > SHORT_MAX)
			TRY(long_length(&at, n - SHORT_MAX, &n, e), e);
	}
	if (at.n < n)
		return cut_off(e);
	if (prefix == STRING + 1 && at.p[0] < STRING)
		return FAIL(e, ENCODING, "an RLP byte that is not in its shortest form");
	*out = (struct rlp){list, {at.p, n}};
	*rest = bytes_of(at.p + n, at.n - n);
	return true;
}

bool rlp_next_bytes(struct bytes *rest, size_t max, struct bytes *out, struct err *e)
{
	struct bytes at = *rest;
	struct rlp item;

	TRY(rlp_next(&at, &item, e), e);
	if (item.list)
		return FAIL(e, ENCODING, "an RLP list where a string must be");
	if (item.b.n > max)
		return FAIL(e, ENCODING, "an RLP string of %zu bytes where at most %zu may be",
		        item.b.n, max);
	*rest = at;
	*out = item.b;
	return true;
}

bool rlp_next_list(struct bytes *rest, struct bytes *items, struct err *e)
{
	struct bytes at = *rest;
	struct rlp item;

	TRY(rlp_next(&at, &item, e), e);
	if (!item.list)
		return FAIL(e, ENCODING, "an RLP string where a list must be");
	*rest = at;
	*items = item.b;
	return true;
}

bool rlp_next_fixed(struct bytes *rest, void *out, size_t n, struct err *e)
{
	struct bytes at = *rest, b;

	TRY(rlp_next_bytes(&at, n, &b, e), e);
	if (b.n != n)
		return FAIL(e, ENCODING, "an RLP string of %zu bytes where %zu must be", b.n, n);
	if (n)
		memcpy(out, b.p, n);
	*rest = at;
	return true;
}

bool rlp_next_u256(struct bytes *rest, struct u256 *out, struct err *e)
{
	struct bytes at = *rest, b;
	uint8_t be[32] = {0};

	TRY(rlp_next_bytes(&at, sizeof be, &b, e), e);
	if (b.n && b.p[0] == 0)
		return FAIL(e, ENCODING, "an RLP number with a leading zero");
	if (b.n)
		memcpy(be + sizeof be - b.n, b.p, b.n);
	*rest = at;
	*out = u256_from_be(be);
	return true;
}

bool rlp_next_u64(struct bytes *rest, uint64_t *out, struct err *e)
{
	struct bytes at = *rest;
	struct u256 v;

	TRY(rlp_next_u256(&at, &v, e), e);
	if (u256_bits(v) > 64)
		return FAIL(e, ENCODING, "an RLP number above 64 bits");
	*rest = at;
	*out = v.w[0];
	return true;
}

bool rlp_end(struct bytes rest, struct err *e)
{
	if (rest.n)
		return FAIL(e, ENCODING, "%zu bytes behind the last RLP item", rest.n);
	return true;
}
