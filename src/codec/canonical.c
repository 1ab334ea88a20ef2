/* canonical.c - one walk over the rows of a record each way. */
#include "codec/canonical.h"

#include <stdlib.h>

#include "codec/cid.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/json_own.h"

enum { FIELDS_MAX = 64, ORDERS_MAX = 128 };

/* The fields of a record sorted by name. */
struct order {
	const struct record *r;
	uint8_t at[FIELDS_MAX];
};

static void sort(const struct record *r, struct order *o)
{
	assert(r->n <= FIELDS_MAX);
	o->r = r;
	for (size_t i = 0; i < r->n; i++) {
		size_t k = i;

		for (; k > 0 && strcmp(r->f[o->at[k - 1]].name, r->f[i].name) > 0; k--)
			o->at[k] = o->at[k - 1];
		o->at[k] = (uint8_t)i;
	}
}

/* Records are static tables, so their addresses are keys that stay; `own` is for one that finds no room. */
static const struct order *order_of(const struct record *r, struct order *own)
{
	static _Thread_local struct order kept[ORDERS_MAX];
	size_t at = (size_t)(((uint64_t)(uintptr_t)r * 0x9e3779b97f4a7c15u) >> 57) % ORDERS_MAX;

	for (size_t tries = 0; tries < ORDERS_MAX / 2; tries++, at = (at + 1) % ORDERS_MAX) {
		if (kept[at].r == r)
			return &kept[at];
		if (!kept[at].r) {
			sort(r, &kept[at]);
			return &kept[at];
		}
	}
	sort(r, own);
	return own;
}

/* ---- out ------------------------------------------------------------------------------------------- */

static void put_text(const char *z, uint64_t bound, struct buf *out)
{
	struct str s = {z, strnlen(z, bound)};
	json_t *j OWN(json_own) = NULL;

	if (str_is_utf8(s)) {
		json_put_string(s, out);
		return;
	}
	j = json_of_str(s);
	if (j)
		json_canonical(j, out);
	else
		out->bad = true;
}

static void put_quoted(const char *text, size_t n, struct buf *out)
{
	uint8_t *to = buf_room(out, n + 2);

	if (!to)
		return;
	to[0] = '"';
	memcpy(to + 1, text, n);
	to[n + 1] = '"';
}

static void put_cid(const struct hash *h, enum cid_codec codec, struct buf *out)
{
	struct cid cid = {hash_is_zero(h) ? CID_NONE : (uint8_t)codec, *h};
	char text[CID_TEXT_MAX];

	put_quoted(text, cid_format(&cid, text), out);
}

enum { U64_DIGITS = 20 };

/* The digits end where the room does. */
static char *digits(uint64_t v, char *end)
{
	do
		*--end = (char)('0' + v % 10);
	while (v /= 10);
	return end;
}

static void put_number(uint64_t v, struct buf *out)
{
	char text[U64_DIGITS], *from = digits(v, text + sizeof text);

	buf_put(out, from, (size_t)(text + sizeof text - from));
}

static void put_hex(const void *p, size_t n, struct buf *out)
{
	char text[2 * sizeof(struct sig) + 3];

	assert(n <= sizeof(struct sig));
	put_quoted(text, hex_format(p, n, text), out);
}

static void put_addr(const struct addr *a, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	put_quoted(text, addr_format(a, text), out);
}

static void put_list(const struct field *f, const void *member, struct buf *out)
{
	const uint8_t *item = (const uint8_t *)member + field_items_at(f);
	uint32_t n = *(const uint32_t *)member;

	assert(n <= f->bound);
	buf_byte(out, '[');
	for (uint32_t i = 0; i < n; i++, item += field_item_size(f)) {
		if (i)
			buf_byte(out, ',');
		if (f->kind == K_RECS)
			canonical_write(f->rec(), item, out);
		else if (f->kind == K_ADDRS)
			put_addr((const struct addr *)item, out);
		else
			put_hex(item, sizeof(struct hash), out);
	}
	buf_byte(out, ']');
}

static void put_amount(const struct amount *a, struct buf *out)
{
	char text[AMOUNT_DEC_MAX];

	put_quoted(text, amount_format(*a, text), out);
}

static void put_u64(uint64_t v, struct buf *out)
{
	char text[U64_DIGITS], *from = digits(v, text + sizeof text);

	put_quoted(from, (size_t)(text + sizeof text - from), out);
}

static void put_value(const struct field *f, const void *p, struct buf *out)
{
	switch (f->kind) {
	case K_ADDR: put_addr(p, out); break;
	case K_HASH: put_hex(p, sizeof(struct hash), out); break;
	case K_CIDRAW: put_cid(p, CID_RAW, out); break;
	case K_CIDTREE: put_cid(p, CID_DAG_PB, out); break;
	case K_AMOUNT: put_amount(p, out); break;
	case K_U64: put_u64(*(const uint64_t *)p, out); break;
	case K_U32: put_number(*(const uint32_t *)p, out); break;
	case K_U16: put_number(*(const uint16_t *)p, out); break;
	case K_U8:
	case K_ENUM: put_number(*(const uint8_t *)p, out); break;
	case K_TIME: put_number(((const struct btime *)p)->s, out); break;
	case K_BOOL: buf_z(out, *(const bool *)p ? "true" : "false"); break;
	case K_NONCE: put_hex(p, f->size, out); break;
	case K_TEXT: put_text(p, f->bound, out); break;
	case K_SIG: put_hex(((const struct sig *)p)->b, ((const struct sig *)p)->n, out); break;
	case K_REC: canonical_write(f->rec(), p, out); break;
	case K_ADDRS:
	case K_HASHES:
	case K_RECS: put_list(f, p, out); break;
	}
}

/* "{" or ",", and the name of a member, which needs no escaping. */
static void put_name(char before, const char *name, struct buf *out)
{
	size_t n = strlen(name);
	uint8_t *to = buf_room(out, n + 4);

	if (!to)
		return;
	to[0] = (uint8_t)before;
	to[1] = '"';
	memcpy(to + 2, name, n);
	to[n + 2] = '"';
	to[n + 3] = ':';
}

void canonical_write(const struct record *r, const void *row, struct buf *out)
{
	struct order own;
	const struct order *o = order_of(r, &own);

	if (r->n == 0)
		buf_byte(out, '{');
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[o->at[i]];

		put_name(i ? ',' : '{', f->name, out);
		put_value(f, field_at(row, f), out);
	}
	buf_byte(out, '}');
}

/* ---- in -------------------------------------------------------------------------------------------- */

struct scan {
	const char *p, *end;
};

static bool skip(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool skip_text(struct scan *s, const char *text, size_t n)
{
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n) != 0)
		return false;
	s->p += n;
	return true;
}

/* A string of printable ASCII without escapes: any other goes the long way. */
static bool take_string(struct scan *s, struct str *out)
{
	const char *from = s->p + 1;

	if (!skip(s, '"'))
		return false;
	for (; s->p < s->end; s->p++) {
		unsigned char c = (unsigned char)*s->p;

		if (c == '"') {
			*out = (struct str){from, (size_t)(s->p - from)};
			s->p++;
			return true;
		}
		if (c < 0x20 || c >= 0x7f || c == '\\')
			return false;
	}
	return false;
}

static bool take_integer(struct scan *s, uint64_t max, uint64_t *out)
{
	const char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return str_u64((struct str){from, (size_t)(s->p - from)}, max, out);
}

static bool take_bool(struct scan *s, bool *out)
{
	*out = skip_text(s, "true", 4);
	return *out || skip_text(s, "false", 5);
}

static bool take_record(struct scan *s, const struct record *r, void *row);

static bool take_item(struct scan *s, const struct field *f, void *at)
{
	struct err why;
	struct str text;

	if (f->kind == K_RECS)
		return take_record(s, f->rec(), at);
	if (!take_string(s, &text))
		return false;
	return f->kind == K_ADDRS ? addr_parse(text, at, &why) : hash_parse(text, at, &why);
}

static bool take_list(struct scan *s, const struct field *f, void *member)
{
	uint8_t *at = (uint8_t *)member + field_items_at(f);
	size_t size = field_item_size(f);
	uint32_t n = 0;

	if (!skip(s, '['))
		return false;
	while (!skip(s, ']')) {
		if (n == f->bound || (n && !skip(s, ',')) || !take_item(s, f, at))
			return false;
		if (n && (f->flags & FF_SORTED) && memcmp(at - size, at, size) >= 0)
			return false;
		at += size;
		n++;
	}
	*(uint32_t *)member = n;
	return true;
}

static bool take_value(struct scan *s, const struct field *f, void *at)
{
	struct str text;
	uint64_t n;

	if (f->kind == K_REC)
		return take_record(s, f->rec(), at);
	if (f->kind == K_RECS || f->kind == K_ADDRS || f->kind == K_HASHES)
		return take_list(s, f, at);
	if (f->kind == K_BOOL)
		return take_bool(s, at);
	if (field_is_string(f))
		return take_string(s, &text) && field_of_text(f, text, at);
	return take_integer(s, field_integer_max(f), &n) && field_of_integer(f, n, at);
}

static bool take_name(struct scan *s, char before, const char *name)
{
	return skip(s, before) && skip(s, '"') && skip_text(s, name, strlen(name)) &&
	       skip(s, '"') && skip(s, ':');
}

static bool take_record(struct scan *s, const struct record *r, void *row)
{
	struct order own;
	const struct order *o = order_of(r, &own);

	if (r->n == 0 && !skip(s, '{'))
		return false;
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[o->at[i]];

		if (!take_name(s, i ? ',' : '{', f->name) || !take_value(s, f, field_in(row, f)))
			return false;
	}
	return skip(s, '}');
}

static bool read_all(
        const char *member, const struct record *r, struct str text, void *row, struct sig *sig)
{
	struct scan s = {text.p, text.p + text.n};
	struct err why;
	struct str hex;
	size_t n;

	if (!text.n)
		return false;
	if (!member)
		return take_record(&s, r, row) && s.p == s.end;
	if (!take_name(&s, '{', member) || !take_record(&s, r, row) ||
	        !take_name(&s, ',', "signature") || !take_string(&s, &hex) || !skip(&s, '}') ||
	        s.p != s.end || !hex_parse_upto(hex, sig->b, sizeof sig->b, &n, &why))
		return false;
	sig->n = (uint8_t)n;
	return n == 64 || n == 65;
}

bool canonical_read_signed(
        const char *member, const struct record *r, struct str text, void *row, struct sig *sig)
{
	/* Rows can be hundreds of kilobytes: too much for the stack. */
	void *fresh = calloc(1, r->size);
	struct sig s = {0};
	bool ok = fresh && read_all(member, r, text, fresh, &s);

	if (ok) {
		memcpy(row, fresh, r->size);
		if (sig)
			*sig = s;
	}
	free(fresh);
	return ok;
}

bool canonical_read(const struct record *r, struct str text, void *row)
{
	return canonical_read_signed(NULL, r, text, row, NULL);
}
