/* row.c - order, copies and checks of rows, by walking the field table. */
#include "store/row.h"

#include <inttypes.h>

static uint32_t list_n(const void *member)
{
	uint32_t n;

	memcpy(&n, member, sizeof n);
	return n;
}

void row_copy(const struct record *r, void *dst, const void *src)
{
	memset(dst, 0, r->size);
	record_copy(r, dst, src);
}

static bool check_sig(const struct sig *s, struct err *e)
{
	if (s->n != 0 && s->n != 64 && s->n != 65)
		return FAIL(e, RANGE, " has %u bytes: a signature has 64 or 65, none has 0", s->n);
	return true;
}

static bool check_row(const struct record *r, const void *row, bool nested, struct err *e);

/* A list that JSON would refuse to read back. */
static bool check_sorted(const struct field *f, const uint8_t *items, uint32_t n, struct err *e)
{
	size_t size = field_item_size(f);

	for (uint32_t i = 1; i < n; i++) {
		if (memcmp(items + (i - 1) * size, items + i * size, size) >= 0)
			return FAIL(e, RANGE, "[%u] is not above the item before it", i);
	}
	return true;
}

static bool check_list(const struct field *f, const uint8_t *at, bool nested, struct err *e)
{
	uint32_t n = list_n(at);

	if (n > f->bound)
		return FAIL(e, RANGE, " has %u items, the bound is %" PRIu64, n, f->bound);
	at += field_items_at(f);
	if (nested && f->flags & FF_SORTED)
		return check_sorted(f, at, n, e);
	for (uint32_t i = 0; f->kind == K_RECS && i < n; i++, at += field_item_size(f)) {
		if (!check_row(f->rec(), at, true, e)) {
			err_prefix(e, "[%u].", i);
			return false;
		}
	}
	return true;
}

/* What only JSON cannot carry: columns hold it as it is. */
static bool check_nested(const struct field *f, const void *at, struct err *e)
{
	struct btime t;
	struct amount a;
	uint8_t v;

	if (f->kind == K_TEXT && !str_is_utf8(str_of(at)))
		return FAIL(e, RANGE, " is not UTF-8");
	if (f->kind == K_TIME) {
		memcpy(&t, at, sizeof t);
		if (t.s > BTIME_MAX)
			return FAIL(e, RANGE, " is %" PRIu64 ": a time is below 2^40", t.s);
	}
	if (f->kind == K_AMOUNT) {
		memcpy(&a, at, sizeof a);
		if (!amount_fits_document(a))
			return FAIL(e, RANGE, " is an amount of 2^96 or more");
	}
	if (f->kind == K_ENUM) {
		memcpy(&v, at, sizeof v);
		if (!enum_has(f->names, v) && !(v == 0 && f->flags & FF_OPTIONAL))
			return FAIL(e, RANGE, " is %u, no value of %s", v, f->names->name);
	}
	return true;
}

static bool check_field(const struct field *f, const void *at, bool nested, struct err *e)
{
	if (f->kind == K_TEXT && strnlen(at, f->size) > f->bound)
		return FAIL(e, RANGE, " has no end within its %" PRIu64 " bytes", f->bound);
	if (f->kind == K_TIME && ((const struct btime *)at)->s > INT64_MAX)
		return FAIL(e, RANGE, " is a time of 2^63 or more");
	if (f->kind == K_ADDRS || f->kind == K_HASHES || f->kind == K_RECS)
		TRY(check_list(f, at, nested, e), e);
	if (f->kind == K_REC)
		TRY(check_row(f->rec(), at, true, e), e);
	if (f->kind == K_SIG)
		TRY(check_sig(at, e), e);
	if (nested)
		TRY(check_nested(f, at, e), e);
	return true;
}

static bool check_row(const struct record *r, const void *row, bool nested, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];

		if (!check_field(f, field_at(row, f), nested, e)) {
			/* "terms.pay is 7", "prices[2].module is 7": a leaf's message starts with a space. */
			err_prefix(e, "%s%s", f->name, strchr(" [", e->msg[0]) ? "" : ".");
			return false;
		}
	}
	return true;
}

bool row_check(const struct record *r, const void *row, struct err *e)
{
	if (check_row(r, row, false, e))
		return true;
	err_prefix(e, "%s.", r->tag);
	return false;
}

static int three_way(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static uint64_t number(const struct field *f, const void *row)
{
	const void *at = field_at(row, f);

	switch (f->size) {
	case 1: return *(const uint8_t *)at;
	case 2: return *(const uint16_t *)at;
	case 4: return *(const uint32_t *)at;
	default: break;
	}
	assert(f->size == 8);
	return *(const uint64_t *)at;
}

static int sig_cmp(const struct sig *a, const struct sig *b)
{
	int c = memcmp(a->b, b->b, a->n < b->n ? a->n : b->n);

	return c ? c : three_way(a->n, b->n);
}

int field_cmp(const struct field *f, const void *a, const void *b)
{
	switch (f->kind) {
	case K_AMOUNT:
		return amount_cmp(*(const struct amount *)field_at(a, f),
		        *(const struct amount *)field_at(b, f));
	case K_U64:
	case K_U32:
	case K_U16:
	case K_U8:
	case K_TIME:
	case K_ENUM:
	case K_BOOL: return three_way(number(f, a), number(f, b));
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_NONCE: return memcmp(field_at(a, f), field_at(b, f), f->size);
	case K_TEXT: return strcmp(field_at(a, f), field_at(b, f));
	case K_SIG: return sig_cmp(field_at(a, f), field_at(b, f));
	case K_ADDRS:
	case K_HASHES:
	case K_REC:
	case K_RECS: break;
	}
	assert(false && "lists and nested records have no order");
	return 0;
}

int row_key_cmp(const struct record *r, const void *a, const void *b)
{
	for (size_t i = 0; i < r->n; i++) {
		int c = r->f[i].flags & FF_KEY ? field_cmp(&r->f[i], a, b) : 0;

		if (c)
			return c;
	}
	return 0;
}
