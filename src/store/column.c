/* column.c - fields as columns (base/field.h gives the types). Numbers that people look up are
 * INTEGER; what has 64 bits or more is a big-endian blob, so that SQL compares it as a number; nested
 * records are canonical JSON text; an empty text there is the zero record, which a column that was
 * added to an older table starts with. */
#include "store/column.h"

#include "codec/json.h"

#include <inttypes.h>

#define NESTED_TEXT_MAX (4u << 20) /* bytes of a nested record's JSON: STORE past it */

static bool is_integer(const struct field *f)
{
	return f->kind == K_U32 || f->kind == K_U16 || f->kind == K_U8 || f->kind == K_TIME ||
	       f->kind == K_ENUM || f->kind == K_BOOL;
}

static bool is_text(const struct field *f)
{
	return f->kind == K_TEXT || f->kind == K_REC || f->kind == K_RECS;
}

/* Bytes of a blob of fixed length; 0: it varies. */
static int blob_size(const struct field *f)
{
	switch (f->kind) {
	case K_ADDR: return 20;
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_AMOUNT: return 32;
	case K_U64: return 8;
	case K_NONCE: return 16;
	case K_U32:
	case K_U16:
	case K_U8:
	case K_TIME:
	case K_ENUM:
	case K_BOOL:
	case K_TEXT:
	case K_ADDRS:
	case K_HASHES:
	case K_REC:
	case K_RECS:
	case K_SIG: break;
	}
	return 0;
}

void column_declare(const struct field *f, struct buf *out)
{
	buf_fmt(out, "\"%s\" ", f->name);
	if (is_integer(f)) {
		buf_z(out, "INTEGER NOT NULL DEFAULT 0");
	} else if (is_text(f)) {
		buf_z(out, "TEXT NOT NULL DEFAULT ''");
	} else {
		buf_z(out, "BLOB NOT NULL DEFAULT x'");
		for (int i = 0; i < blob_size(f); i++)
			buf_z(out, "00");
		buf_z(out, "'");
	}
}

static int64_t integer_of(const struct field *f, const void *at)
{
	if (f->kind == K_TIME)
		return (int64_t)((const struct btime *)at)->s;
	if (f->kind == K_U32)
		return *(const uint32_t *)at;
	if (f->kind == K_U16)
		return *(const uint16_t *)at;
	return *(const uint8_t *)at;
}

static int bind_blob(sqlite3_stmt *st, int i, const struct field *f, const void *at)
{
	const uint8_t *p = at;
	uint8_t be[32];
	uint64_t v;
	uint32_t n;

	switch (f->kind) {
	case K_AMOUNT:
		amount_to_be(*(const struct amount *)at, be);
		return sqlite3_bind_blob(st, i, be, 32, SQLITE_TRANSIENT);
	case K_U64:
		v = __builtin_bswap64(*(const uint64_t *)at);
		return sqlite3_bind_blob(st, i, &v, 8, SQLITE_TRANSIENT);
	case K_SIG:
		return sqlite3_bind_blob(st, i, ((const struct sig *)at)->b,
		        ((const struct sig *)at)->n, SQLITE_STATIC);
	case K_ADDRS:
	case K_HASHES:
		n = *(const uint32_t *)at;
		return sqlite3_bind_blob(
		        st, i, p + field_items_at(f), (int)(n * field_item_size(f)), SQLITE_STATIC);
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_NONCE: return sqlite3_bind_blob(st, i, at, blob_size(f), SQLITE_STATIC);
	case K_U32:
	case K_U16:
	case K_U8:
	case K_TIME:
	case K_ENUM:
	case K_BOOL:
	case K_TEXT:
	case K_REC:
	case K_RECS: break;
	}
	assert(false && "not a blob");
	return SQLITE_MISUSE;
}

static void nested_text(const struct field *f, const void *at, struct buf *out)
{
	const uint8_t *p = at;

	if (f->kind == K_REC) {
		record_canonical(f->rec(), at, out);
		return;
	}
	buf_byte(out, '[');
	for (uint32_t i = 0, n = *(const uint32_t *)at; i < n; i++) {
		if (i)
			buf_byte(out, ',');
		record_canonical(f->rec(), p + field_items_at(f) + i * field_item_size(f), out);
	}
	buf_byte(out, ']');
}

static bool bind_nested(sqlite3_stmt *st, int i, const struct record *r, const struct field *f,
        const void *at, struct err *e)
{
	OWN(buf_done) struct buf text;

	buf_init(&text, NESTED_TEXT_MAX);
	nested_text(f, at, &text);
	if (!buf_ok(&text))
		return FAIL(e, STORE, "%s.%s is above %u bytes of JSON, or memory is short", r->tag,
		        f->name, NESTED_TEXT_MAX);
	if (sqlite3_bind_text(st, i, (const char *)text.p, (int)text.n, SQLITE_TRANSIENT))
		return FAIL(e, MEMORY, "no memory for %s.%s", r->tag, f->name);
	return true;
}

bool column_bind(sqlite3_stmt *st, int at, const struct record *r, const struct field *f,
        const void *row, struct err *e)
{
	const void *p = field_at(row, f);
	int rc;

	if (f->kind == K_REC || f->kind == K_RECS)
		return bind_nested(st, at, r, f, p, e);
	if (f->kind == K_TEXT)
		rc = sqlite3_bind_text(st, at, p, -1, SQLITE_STATIC);
	else if (is_integer(f))
		rc = sqlite3_bind_int64(st, at, integer_of(f, p));
	else
		rc = bind_blob(st, at, f, p);
	if (rc)
		return FAIL(
		        e, STORE, "%s.%s cannot be bound: %s", r->tag, f->name, sqlite3_errstr(rc));
	return true;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static bool read_integer(const struct field *f, int64_t v, void *at)
{
	static const int64_t most[] = {[K_U32] = UINT32_MAX,
	        [K_U16] = UINT16_MAX,
	        [K_U8] = UINT8_MAX,
	        [K_TIME] = INT64_MAX,
	        [K_ENUM] = UINT8_MAX,
	        [K_BOOL] = 1};

	if (v < 0 || v > most[f->kind])
		return false;
	if (f->kind == K_TIME)
		((struct btime *)at)->s = (uint64_t)v;
	else if (f->kind == K_U32)
		*(uint32_t *)at = (uint32_t)v;
	else if (f->kind == K_U16)
		*(uint16_t *)at = (uint16_t)v;
	else
		*(uint8_t *)at = (uint8_t)v;
	return true;
}

static bool read_list(const struct field *f, struct bytes b, void *at)
{
	size_t size = field_item_size(f);

	if (b.n % size != 0 || b.n / size > f->bound)
		return false;
	*(uint32_t *)at = (uint32_t)(b.n / size);
	if (b.n)
		memcpy((uint8_t *)at + field_items_at(f), b.p, b.n);
	return true;
}

static bool read_blob(const struct field *f, struct bytes b, void *at)
{
	uint64_t v;

	if (f->kind == K_ADDRS || f->kind == K_HASHES)
		return read_list(f, b, at);
	if (f->kind == K_SIG) {
		if (b.n != 0 && b.n != 64 && b.n != 65)
			return false;
		((struct sig *)at)->n = (uint8_t)b.n;
		if (b.n)
			memcpy(((struct sig *)at)->b, b.p, b.n);
		return true;
	}
	if (b.n != (size_t)blob_size(f))
		return false;
	if (f->kind == K_AMOUNT) {
		*(struct amount *)at = amount_from_be(b.p);
	} else if (f->kind == K_U64) {
		memcpy(&v, b.p, sizeof v);
		*(uint64_t *)at = __builtin_bswap64(v);
	} else {
		memcpy(at, b.p, b.n);
	}
	return true;
}

static bool read_records(const struct field *f, struct str text, void *at, struct err *e)
{
	OWN(json_own) json_t *list = NULL;
	size_t i, n;
	json_t *item;

	TRY(json_parse(text, &list, e), e);
	n = json_array_size(list);
	if (!json_is_array(list) || n > f->bound)
		return FAIL(e, STORE, "not a list of at most %" PRIu64, f->bound);
	json_array_foreach (list, i, item) {
		void *to = (uint8_t *)at + field_items_at(f) + i * field_item_size(f);

		TRY(record_from_json(f->rec(), item, to, e), e);
	}
	*(uint32_t *)at = (uint32_t)n;
	return true;
}

static bool read_text(const struct field *f, struct str text, void *at, struct err *e)
{
	if (f->kind == K_TEXT) {
		if (text.n > f->bound || (text.n && memchr(text.p, 0, text.n)))
			return FAIL(e, STORE, "above %" PRIu64 " bytes", f->bound);
		if (text.n)
			memcpy(at, text.p, text.n);
		return true;
	}
	if (text.n == 0)
		return true;
	return f->kind == K_REC ? record_parse(f->rec(), text, at, e)
	                        : read_records(f, text, at, e);
}

bool column_read(sqlite3_stmt *st, int at, const struct record *r, const struct field *f, void *row,
        struct err *e)
{
	void *p = field_in(row, f);
	const void *got;
	size_t n;

	if (is_integer(f)) {
		int64_t v = sqlite3_column_int64(st, at);

		if (read_integer(f, v, p))
			return true;
		return FAIL(
		        e, STORE, "the store is damaged: %s.%s holds %" PRId64, r->tag, f->name, v);
	}
	got = is_text(f) ? (const void *)sqlite3_column_text(st, at) : sqlite3_column_blob(st, at);
	n = (size_t)sqlite3_column_bytes(st, at);
	if (n && !got)
		return FAIL(e, MEMORY, "no memory to read %s.%s", r->tag, f->name);
	if (!is_text(f)) {
		if (read_blob(f, bytes_of(got, n), p))
			return true;
		return FAIL(e, STORE, "the store is damaged: %s.%s holds %zu bytes", r->tag,
		        f->name, n);
	}
	if (read_text(f, (struct str){got, n}, p, e))
		return true;
	if (e->code != E_MEMORY)
		e->code = E_STORE;
	err_prefix(e, "the store is damaged: %s.%s: ", r->tag, f->name);
	return false;
}
