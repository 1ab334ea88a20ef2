/* packed.c - one walk over the rows of the record each way. */
#include "codec/packed.h"

#include <stdlib.h>

/* Bytes of a kind that has a fixed number of them; 0: it has not. */
static size_t width_of(enum field_kind k)
{
	switch (k) {
	case K_ADDR: return 20;
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE: return 32;
	case K_AMOUNT: return AMOUNT_DOC_BITS / 8;
	case K_U64: return 8;
	case K_U32: return 4;
	case K_U16: return 2;
	case K_U8:
	case K_ENUM:
	case K_BOOL: return 1;
	case K_TIME: return 5;
	case K_NONCE: return 16;
	case K_TEXT:
	case K_ADDRS:
	case K_HASHES:
	case K_REC:
	case K_RECS:
	case K_SIG: return 0;
	}
	return 0;
}

/* The value of a member that is a number. */
static uint64_t number_of(const struct field *f, const void *row)
{
	const void *at = field_at(row, f);

	switch (f->size) {
	case 1: return *(const uint8_t *)at;
	case 2: return *(const uint16_t *)at;
	case 4: return *(const uint32_t *)at;
	default: return *(const uint64_t *)at;
	}
}

static void set_number(const struct field *f, void *row, uint64_t v)
{
	void *at = field_in(row, f);

	switch (f->size) {
	case 1: *(uint8_t *)at = (uint8_t)v; break;
	case 2: *(uint16_t *)at = (uint16_t)v; break;
	case 4: *(uint32_t *)at = (uint32_t)v; break;
	default: *(uint64_t *)at = v; break;
	}
}

static bool is_raw(enum field_kind k)
{
	return k == K_ADDR || k == K_HASH || k == K_CIDRAW || k == K_CIDTREE || k == K_NONCE;
}

static bool fits(const struct field *f, const void *row)
{
	if (f->kind == K_AMOUNT)
		return amount_fits_document(*(const struct amount *)field_at(row, f));
	return f->kind != K_TIME || ((const struct btime *)field_at(row, f))->s <= BTIME_MAX;
}

static void put_fixed(const struct field *f, const void *row, struct buf *out)
{
	size_t n = width_of(f->kind);
	uint8_t be[32];
	uint64_t v;

	if (!fits(f, row)) {
		out->bad = true;
	} else if (is_raw(f->kind)) {
		buf_put(out, field_at(row, f), n);
	} else if (f->kind == K_AMOUNT) {
		amount_to_be(*(const struct amount *)field_at(row, f), be);
		buf_put(out, be + sizeof be - n, n);
	} else {
		v = number_of(f, row);
		for (size_t i = 0; i < n; i++)
			buf_byte(out, (uint8_t)(v >> (8 * (n - 1 - i))));
	}
}

static void put_counted(const struct field *f, const void *row, struct buf *out)
{
	const uint8_t *at = field_at(row, f);
	struct str text;
	uint32_t n;

	if (f->kind == K_TEXT) {
		text = str_of((const char *)at);
		assert(text.n <= UINT8_MAX);
		buf_byte(out, (uint8_t)text.n);
		buf_str(out, text);
		return;
	}
	assert(f->kind == K_ADDRS);
	memcpy(&n, at, sizeof n);
	assert(n <= UINT8_MAX);
	buf_byte(out, (uint8_t)n);
	buf_put(out, at + field_items_at(f), n * field_item_size(f));
}

void packed_put(const struct record *r, const void *row, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];

		if (f->kind == K_REC)
			packed_put(f->rec(), field_at(row, f), out);
		else if (width_of(f->kind))
			put_fixed(f, row, out);
		else
			put_counted(f, row, out);
	}
}

bool packed_fits(const struct record *r, const void *row, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];

		if (f->kind == K_REC && !packed_fits(f->rec(), field_at(row, f), e)) {
			err_note(e, __FILE__, __LINE__);
			return false;
		}
		if (!fits(f, row))
			return FAIL(e, RANGE, "%s is not below 2^%d", f->name,
			        f->kind == K_AMOUNT ? AMOUNT_DOC_BITS : 40);
	}
	return true;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool take(struct bytes *rest, size_t n, const uint8_t **out, struct err *e)
{
	if (rest->n < n)
		return FAIL(e, ENCODING, "a packed document ends within a member");
	*out = rest->p;
	*rest = bytes_of(rest->p + n, rest->n - n);
	return true;
}

static bool take_fixed(const struct field *f, struct bytes *rest, void *row, struct err *e)
{
	size_t n = width_of(f->kind);
	uint8_t be[32] = {0};
	const uint8_t *p = NULL;
	uint64_t v = 0;

	TRY(take(rest, n, &p, e), e);
	if (is_raw(f->kind)) {
		memcpy(field_in(row, f), p, n);
	} else if (f->kind == K_AMOUNT) {
		memcpy(be + sizeof be - n, p, n);
		*(struct amount *)field_in(row, f) = amount_from_be(be);
	} else {
		for (size_t i = 0; i < n; i++)
			v = v << 8 | p[i];
		if (f->kind == K_BOOL && v > 1)
			return FAIL(e, ENCODING, "%s: %llu is neither 0 nor 1", f->name,
			        (unsigned long long)v);
		set_number(f, row, v);
	}
	return true;
}

static bool take_counted(const struct field *f, struct bytes *rest, void *row, struct err *e)
{
	size_t each = f->kind == K_TEXT ? 1 : field_item_size(f);
	const uint8_t *count = NULL, *p = NULL;
	uint8_t *to = field_in(row, f);
	uint32_t n;

	TRY(take(rest, 1, &count, e), e);
	n = *count;
	if (n > f->bound)
		return FAIL(e, ENCODING, "%s: %u are more than %llu", f->name, n,
		        (unsigned long long)f->bound);
	TRY(take(rest, n * each, &p, e), e);
	if (f->kind == K_TEXT) {
		struct str text = {(const char *)p, n};

		if (!str_is_utf8(text) || memchr(p, 0, n))
			return FAIL(e, ENCODING, "%s: no text", f->name);
		str_keep((char *)to, f->size, text);
		return true;
	}
	memcpy(to, &n, sizeof n);
	if (n)
		memcpy(to + field_items_at(f), p, n * each);
	return true;
}

static bool take_row(const struct record *r, struct bytes *rest, void *row, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];

		if (f->kind == K_REC)
			TRY(take_row(f->rec(), rest, field_in(row, f), e), e);
		else if (width_of(f->kind))
			TRY(take_fixed(f, rest, row, e), e);
		else
			TRY(take_counted(f, rest, row, e), e);
	}
	return true;
}

bool packed_take(const struct record *r, struct bytes *rest, void *row, struct err *e)
{
	void *fresh = calloc(1, r->size);
	struct bytes at = *rest;
	bool ok;

	if (!fresh)
		return FAIL(e, MEMORY, "no memory for a %s", r->type);
	ok = take_row(r, &at, fresh, e);
	if (ok) {
		memcpy(row, fresh, r->size);
		*rest = at;
	}
	free(fresh);
	return ok;
}
