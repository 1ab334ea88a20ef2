/* json_record.c - the walkers between records and JSON (protocol 2.0.3; shapes in base/field.h). */
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bounds.h"
#include "codec/canonical.h"
#include "codec/cid.h"
#include "codec/hex.h"
#include "codec/json_own.h"
#include "codec/json_show.h"

/* Where the walker is: a chain on the stack from the member up to the document. */
struct spot {
	const struct spot *up;
	const char *name; /* of a member; NULL: an item of the list above */
	size_t index;     /* of an item */
};

#define PATH_SHOW_MAX 160
#define RIGHT_MAX     240

/* "terms.pay", "modulePrices[3].prices.base"; "" for the document itself. */
static void path_text(const struct spot *s, char out[PATH_SHOW_MAX])
{
	size_t n;

	out[0] = '\0';
	if (!s)
		return;
	path_text(s->up, out);
	n = strlen(out);
	if (s->name)
		snprintf(out + n, PATH_SHOW_MAX - n, "%s%s", n ? "." : "", s->name);
	else
		snprintf(out + n, PATH_SHOW_MAX - n, "[%zu]", s->index);
}

static bool wrong(const struct spot *s, const json_t *v, const char *right, struct err *e)
{
	char path[PATH_SHOW_MAX], shown[JSON_SHOW_MAX];

	path_text(s, path);
	json_show(v, shown);
	return FAIL(e, JSON_VALUE, "%s%s%s is not %s", path, path[0] ? ": " : "", shown, right);
}

/* What would be right for a field, as words that follow "is not". */
static void right_of(const struct field *f, char out[RIGHT_MAX])
{
	size_t n;

	switch (f->kind) {
	case K_ADDR:
		snprintf(out, RIGHT_MAX,
		        "an address: 0x and 40 hex digits with the EIP-55 checksum");
		break;
	case K_HASH: snprintf(out, RIGHT_MAX, "0x and 64 hex digits"); break;
	case K_CIDRAW:
		snprintf(out, RIGHT_MAX, "a CIDv1 in base32 with the raw codec (bafk…)");
		break;
	case K_CIDTREE:
		snprintf(out, RIGHT_MAX, "a CIDv1 in base32 with the dag-pb codec (bafy…)");
		break;
	case K_AMOUNT: snprintf(out, RIGHT_MAX, "a decimal amount below 2^96"); break;
	case K_U64:
		snprintf(out, RIGHT_MAX, "a decimal string below 2^64 without leading zeros");
		break;
	case K_U32: snprintf(out, RIGHT_MAX, "an integer from 0 to %u", UINT32_MAX); break;
	case K_U16: snprintf(out, RIGHT_MAX, "an integer from 0 to %u", UINT16_MAX); break;
	case K_U8: snprintf(out, RIGHT_MAX, "an integer from 0 to %u", UINT8_MAX); break;
	case K_TIME: snprintf(out, RIGHT_MAX, "an integer of seconds below 2^40"); break;
	case K_BOOL: snprintf(out, RIGHT_MAX, "true or false"); break;
	case K_NONCE: snprintf(out, RIGHT_MAX, "0x and 32 hex digits"); break;
	case K_TEXT:
		snprintf(out, RIGHT_MAX, "a string of at most %u bytes without NUL",
		        (unsigned)f->bound);
		break;
	case K_ADDRS:
	case K_HASHES:
	case K_RECS:
		snprintf(out, RIGHT_MAX, "an array of at most %u items", (unsigned)f->bound);
		break;
	case K_REC: snprintf(out, RIGHT_MAX, "an object: %s", f->rec()->type); break;
	case K_SIG: snprintf(out, RIGHT_MAX, "a signature: 0x and 130 or 128 hex digits"); break;
	case K_ENUM:
		snprintf(out, RIGHT_MAX, "one of");
		for (size_t i = 0; i < f->names->n && (n = strlen(out)) < RIGHT_MAX - 1; i++)
			snprintf(out + n, RIGHT_MAX - n, "%s %u (%s)", i ? "," : "",
			        f->names->v[i].value, f->names->v[i].name);
		break;
	}
}

/* ---- scalars --------------------------------------------------------------------------------------- */

static bool cid_of_text(struct str s, enum cid_codec codec, struct hash *out)
{
	char again[CID_TEXT_MAX];
	struct cid cid;
	struct err why;

	if (s.n == 0)
		return true;
	/* One text per id: other bases and versions name the same bytes, and are refused. The digest of
	 * zeros would be read back as "none". */
	if (!cid_parse(s, &cid, &why) || cid.codec != codec || hash_is_zero(&cid.digest))
		return false;
	if (!str_eq(s, (struct str){again, cid_format(&cid, again)}))
		return false;
	*out = cid.digest;
	return true;
}

static bool amount_of_text(struct str s, struct amount *out)
{
	struct amount a;

	if (!amount_parse(s, &a) || !amount_fits_document(a))
		return false;
	*out = a;
	return true;
}

static bool text_of_text(struct str s, uint64_t bound, char *out)
{
	if (s.n > bound || (s.n && memchr(s.p, '\0', s.n)))
		return false;
	if (s.n)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

/* "0x" stands for a signature that is not there yet, as in a stored row. */
static bool sig_of_text(struct str s, struct sig *out)
{
	struct err why;
	size_t n;

	if (!hex_parse_upto(s, out->b, sizeof out->b, &n, &why) || (n != 0 && n != 64 && n != 65))
		return false;
	out->n = (uint8_t)n;
	return true;
}

bool field_is_string(const struct field *f)
{
	switch (f->kind) {
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_AMOUNT:
	case K_U64:
	case K_NONCE:
	case K_TEXT:
	case K_SIG: return true;
	case K_U32:
	case K_U16:
	case K_U8:
	case K_TIME:
	case K_ENUM:
	case K_BOOL:
	case K_ADDRS:
	case K_HASHES:
	case K_REC:
	case K_RECS: break;
	}
	return false;
}

bool field_of_text(const struct field *f, struct str s, void *out)
{
	struct err why;

	switch (f->kind) {
	case K_ADDR: return addr_parse(s, out, &why);
	case K_HASH: return hash_parse(s, out, &why);
	case K_CIDRAW: return cid_of_text(s, CID_RAW, out);
	case K_CIDTREE: return cid_of_text(s, CID_DAG_PB, out);
	case K_AMOUNT: return amount_of_text(s, out);
	case K_U64: return str_u64(s, UINT64_MAX, out);
	case K_NONCE: return hex_parse(s, out, f->size, &why);
	case K_TEXT: return text_of_text(s, f->bound, out);
	case K_SIG: return sig_of_text(s, out);
	case K_U32:
	case K_U16:
	case K_U8:
	case K_TIME:
	case K_ENUM:
	case K_BOOL:
	case K_ADDRS:
	case K_HASHES:
	case K_REC:
	case K_RECS: break;
	}
	assert(false); /* not a string */
	return false;
}

uint64_t field_integer_max(const struct field *f)
{
	return f->kind == K_TIME  ? BTIME_MAX
	       : f->kind == K_U32 ? UINT32_MAX
	       : f->kind == K_U16 ? UINT16_MAX
	                          : UINT8_MAX;
}

bool field_of_integer(const struct field *f, uint64_t n, void *out)
{
	assert(n <= field_integer_max(f));
	if (f->kind == K_TIME)
		((struct btime *)out)->s = n;
	else if (f->kind == K_U32)
		*(uint32_t *)out = (uint32_t)n;
	else if (f->kind == K_U16)
		*(uint16_t *)out = (uint16_t)n;
	else
		*(uint8_t *)out = (uint8_t)n;
	/* An optional one that is absent is 0, and may say so. */
	return f->kind != K_ENUM || enum_has(f->names, (unsigned)n) ||
	       (n == 0 && (f->flags & FF_OPTIONAL));
}

/* Everything that is one JSON string, number or boolean; the caller says what was wrong. */
static bool take_scalar(const struct field *f, const json_t *v, void *out)
{
	json_int_t n;

	if (field_is_string(f))
		return json_is_string(v) && field_of_text(f, json_text_of(v), out);
	if (f->kind == K_BOOL) {
		*(bool *)out = json_is_true(v);
		return json_is_boolean(v);
	}
	n = json_integer_value(v);
	return json_is_integer(v) && n >= 0 && (uint64_t)n <= field_integer_max(f) &&
	       field_of_integer(f, (uint64_t)n, out);
}

/* ---- in -------------------------------------------------------------------------------------------- */

static bool take_record(
        const struct record *r, const json_t *j, const struct spot *s, void *row, struct err *e);

static bool take_item(
        const struct field *f, const json_t *v, const struct spot *s, void *items, struct err *e)
{
	size_t i = s->index, size = field_item_size(f);
	uint8_t *at = (uint8_t *)items + i * size;
	struct err why;

	if (f->kind == K_RECS)
		return take_record(f->rec(), v, s, at, e);
	if (f->kind == K_ADDRS && !addr_parse(json_text_of(v), (struct addr *)at, &why))
		return wrong(s, v, "an address: 0x and 40 hex digits with the EIP-55 checksum", e);
	if (f->kind == K_HASHES && !hash_parse(json_text_of(v), (struct hash *)at, &why))
		return wrong(s, v, "0x and 64 hex digits", e);
	/* Addresses and hashes are big-endian numbers: bytes compare as they do. */
	if ((f->flags & FF_SORTED) && i > 0 && memcmp(at - size, at, size) >= 0)
		return wrong(
		        s, v, "above the item before it: the list must be strictly ascending", e);
	return true;
}

static bool take_list(
        const struct field *f, const json_t *v, const struct spot *s, void *member, struct err *e)
{
	void *items = (uint8_t *)member + field_items_at(f);
	char path[PATH_SHOW_MAX], right[RIGHT_MAX];
	size_t n = json_array_size(v);

	if (!json_is_array(v)) {
		right_of(f, right);
		return wrong(s, v, right, e);
	}
	if (n > f->bound) {
		path_text(s, path);
		return FAIL(e, JSON_VALUE, "%s has %zu items: at most %u are allowed", path, n,
		        (unsigned)f->bound);
	}
	for (size_t i = 0; i < n; i++) {
		struct spot item = {s, NULL, i};

		TRY(take_item(f, json_array_get(v, i), &item, items, e), e);
	}
	*(uint32_t *)member = (uint32_t)n;
	return true;
}

static bool missing(const struct field *f, const struct spot *s, struct err *e)
{
	char path[PATH_SHOW_MAX], right[RIGHT_MAX];

	path_text(s, path);
	right_of(f, right);
	FAIL(e, JSON_VALUE, "%s is missing", path);
	return err_hint(e, "give %s", right);
}

/* There are more members than fields: name one that is no field, and the fields. */
static bool unknown_member(
        const struct record *r, const json_t *j, const struct spot *s, struct err *e)
{
	char path[PATH_SHOW_MAX], shown[JSON_SHOW_MAX], names[ERR_HINT_MAX];
	json_t *obj = (json_t *)(uintptr_t)j;
	void *it = json_object_iter(obj);
	size_t n = 0;

	while (it && record_field(r,
	                     (struct str){json_object_iter_key(it), json_object_iter_key_len(it)}))
		it = json_object_iter_next(obj, it);
	assert(it);
	path_text(s, path);
	json_show_text((struct str){json_object_iter_key(it), json_object_iter_key_len(it)}, shown);
	FAIL(e, JSON_VALUE, "%s%s%s is not a member of %s", path, path[0] ? ": " : "", shown,
	        r->type);
	for (size_t i = 0; i < r->n && n < sizeof names - 1; i++) {
		snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", r->f[i].name);
		n = strlen(names);
	}
	return err_hint(e, "its members: %.*s", (int)(sizeof names - 16), names);
}

static bool take_field(
        const struct field *f, const json_t *v, const struct spot *s, void *at, struct err *e)
{
	char right[RIGHT_MAX];

	if (f->kind == K_REC)
		return take_record(f->rec(), v, s, at, e);
	if (f->kind == K_RECS || f->kind == K_ADDRS || f->kind == K_HASHES)
		return take_list(f, v, s, at, e);
	if (take_scalar(f, v, at))
		return true;
	right_of(f, right);
	return wrong(s, v, right, e);
}

static bool take_record(
        const struct record *r, const json_t *j, const struct spot *s, void *row, struct err *e)
{
	size_t seen = 0;

	if (!json_is_object(j)) {
		char right[RIGHT_MAX];

		snprintf(right, sizeof right, "an object: %s", r->type);
		return wrong(s, j, right, e);
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];
		const json_t *v = json_object_get(j, f->name);
		struct spot here = {s, f->name, 0};

		if (!v && (f->flags & FF_OPTIONAL))
			continue;
		if (!v)
			return missing(f, &here, e);
		seen++;
		TRY(take_field(f, v, &here, field_in(row, f), e), e);
	}
	return seen == json_object_size(j) || unknown_member(r, j, s, e);
}

static void free_row(void **row)
{
	free(*row);
}

static bool from_spot(
        const struct record *r, const json_t *j, const struct spot *s, void *row, struct err *e)
{
	/* Rows can be hundreds of kilobytes: too much for the stack. */
	OWN(free_row) void *fresh = calloc(1, r->size);

	if (!fresh)
		return FAIL(e, MEMORY, "out of memory for a %s of %zu bytes", r->type, r->size);
	TRY(take_record(r, j, s, fresh, e), e);
	memcpy(row, fresh, r->size);
	return true;
}

bool record_from_json(const struct record *r, const json_t *j, void *row, struct err *e)
{
	if (!j)
		return FAIL(e, JSON_VALUE, "nothing where a %s should be", r->type);
	TRY(from_spot(r, j, NULL, row, e), e);
	return true;
}

bool json_get_record(
        const json_t *obj, const char *key, const struct record *r, void *row, struct err *e)
{
	const struct spot here = {NULL, key, 0};
	const json_t *v = json_object_get(obj, key);

	if (!v)
		return FAIL(e, JSON_VALUE, "%s is missing: an object, %s", key, r->type);
	TRY(from_spot(r, v, &here, row, e), e);
	return true;
}

static json_t *give_cid(const struct hash *h, enum cid_codec codec)
{
	struct cid cid = {hash_is_zero(h) ? CID_NONE : (uint8_t)codec, *h};
	char text[CID_TEXT_MAX];

	cid_format(&cid, text);
	return json_string_nocheck(text);
}

static json_t *give_list(const struct field *f, const void *member)
{
	const uint8_t *items = (const uint8_t *)member + field_items_at(f);
	uint32_t n = *(const uint32_t *)member;
	json_t *list = json_array();

	assert(n <= f->bound);
	for (uint32_t i = 0; list && i < n; i++) {
		const void *at = items + i * field_item_size(f);
		json_t *v = f->kind == K_RECS    ? record_to_json(f->rec(), at)
		            : f->kind == K_ADDRS ? json_of_addr(at)
		                                 : json_of_hash(at);

		if (json_array_append_new(list, v) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *give_text(const char *z, uint64_t bound)
{
	return json_of_str((struct str){z, strnlen(z, bound)});
}

static json_t *give_nonce(const void *p, size_t n)
{
	char text[2 * 16 + 3];

	assert(n <= 16);
	hex_format(p, n, text);
	return json_string_nocheck(text);
}

static json_t *give_field(const struct field *f, const void *p)
{
	switch (f->kind) {
	case K_ADDR: return json_of_addr(p);
	case K_HASH: return json_of_hash(p);
	case K_CIDRAW: return give_cid(p, CID_RAW);
	case K_CIDTREE: return give_cid(p, CID_DAG_PB);
	case K_AMOUNT: return json_of_amount(*(const struct amount *)p);
	case K_U64: return json_of_u64(*(const uint64_t *)p);
	case K_U32: return json_integer(*(const uint32_t *)p);
	case K_U16: return json_integer(*(const uint16_t *)p);
	case K_U8:
	case K_ENUM: return json_integer(*(const uint8_t *)p);
	case K_TIME: return json_integer((json_int_t)((const struct btime *)p)->s);
	case K_BOOL: return json_boolean(*(const bool *)p);
	case K_NONCE: return give_nonce(p, f->size);
	case K_TEXT: return give_text(p, f->bound);
	case K_SIG: return json_of_sig(p);
	case K_REC: return record_to_json(f->rec(), p);
	case K_ADDRS:
	case K_HASHES:
	case K_RECS: return give_list(f, p);
	}
	assert(false); /* all kinds are above */
	return NULL;
}

json_t *record_to_json(const struct record *r, const void *row)
{
	json_t *j = json_object();

	for (size_t i = 0; j && i < r->n; i++) {
		if (json_object_set_new_nocheck(
		            j, r->f[i].name, give_field(&r->f[i], field_at(row, &r->f[i])))) {
			json_decref(j);
			return NULL;
		}
	}
	return j;
}

void record_canonical(const struct record *r, const void *row, struct buf *out)
{
	canonical_write(r, row, out);
}

bool record_parse(const struct record *r, struct str text, void *row, struct err *e)
{
	OWN(json_own) json_t *j = NULL;

	if (canonical_read(r, text, row))
		return true;
	TRY(json_parse(text, &j, e), e);
	TRY(record_from_json(r, j, row, e), e);
	return true;
}

bool record_parse_signed(const char *member, const struct record *r, struct str text, void *row,
        struct sig *sig, struct err *e)
{
	OWN(json_own) json_t *j = NULL;

	if (canonical_read_signed(member, r, text, row, sig))
		return true;
	TRY(json_parse(text, &j, e), e);
	TRY(json_get_record(j, member, r, row, e), e);
	TRY(json_get_sig(j, "signature", sig, e), e);
	return true;
}
