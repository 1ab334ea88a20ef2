/* schema.c - the layout of each table is kept in the file as text, so that what an older or newer
 * version wrote can be told apart, and a refusal can name the column. */
#include "store/schema.h"

#include <stdio.h>

#include "base/bounds.h"
#include "store/column.h"
#include "store/db.h"

static const char *const kind_names[] = {
        [K_ADDR] = "ADDR",
        [K_HASH] = "HASH",
        [K_CIDRAW] = "CIDRAW",
        [K_CIDTREE] = "CIDTREE",
        [K_AMOUNT] = "AMOUNT",
        [K_U64] = "U64",
        [K_U32] = "U32",
        [K_U16] = "U16",
        [K_U8] = "U8",
        [K_TIME] = "TIME",
        [K_ENUM] = "ENUM",
        [K_BOOL] = "BOOL",
        [K_NONCE] = "NONCE",
        [K_TEXT] = "TEXT",
        [K_ADDRS] = "ADDRS",
        [K_HASHES] = "HASHES",
        [K_REC] = "REC",
        [K_RECS] = "RECS",
        [K_SIG] = "SIG",
};

static void layout_field(const struct field *f, struct buf *out)
{
	buf_fmt(out, "%s %s", f->name, kind_names[f->kind]);
	if (f->flags & FF_KEY)
		buf_z(out, " KEY");
	if (f->kind != K_REC && f->kind != K_RECS)
		return;
	buf_z(out, " {");
	for (size_t i = 0; i < f->rec()->n; i++) {
		if (i)
			buf_z(out, "; ");
		layout_field(&f->rec()->f[i], out);
	}
	buf_z(out, "}");
}

void schema_layout(const struct record *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		layout_field(&r->f[i], out);
		buf_byte(out, '\n');
	}
}

/* ---- statements ---------------------------------------------------------------------------------- */

/* Rows with nested records are long, and SQLite keeps long rows better under a rowid; others live in
 * the tree of their key. */
static bool has_nested(const struct record *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->f[i].kind == K_REC || r->f[i].kind == K_RECS)
			return true;
	}
	return false;
}

static bool make_table(sqlite3 *db, const struct record *r, struct err *e)
{
	OWN(buf_done) struct buf sql;
	bool keyed = false;

	buf_init(&sql, SCHEMA_TEXT_MAX);
	buf_fmt(&sql, "CREATE TABLE \"%s\" (", r->tag);
	for (size_t i = 0; i < r->n; i++) {
		column_declare(&r->f[i], &sql);
		buf_z(&sql, ", ");
	}
	buf_z(&sql, "PRIMARY KEY (");
	for (size_t i = 0; i < r->n; i++) {
		if (!(r->f[i].flags & FF_KEY))
			continue;
		buf_fmt(&sql, "%s\"%s\"", keyed ? ", " : "", r->f[i].name);
		keyed = true;
	}
	assert(keyed);
	buf_fmt(&sql, ")) STRICT%s", has_nested(r) ? "" : ", WITHOUT ROWID");
	assert(buf_ok(&sql));
	return db_exec(db, buf_cstr(&sql), e);
}

static bool make_indexes(sqlite3 *db, const struct record *r, struct err *e)
{
	char sql[512];

	for (size_t i = 0; i < r->n; i++) {
		if (!(r->f[i].flags & FF_INDEX))
			continue;
		snprintf(sql, sizeof sql, "CREATE INDEX IF NOT EXISTS \"%s.%s\" ON \"%s\" (\"%s\")",
		        r->tag, r->f[i].name, r->tag, r->f[i].name);
		TRY(db_exec(db, sql, e), e);
	}
	return true;
}

static bool add_column(sqlite3 *db, const struct record *r, const struct field *f, struct err *e)
{
	OWN(buf_done) struct buf sql;

	buf_init(&sql, SCHEMA_TEXT_MAX);
	buf_fmt(&sql, "ALTER TABLE \"%s\" ADD COLUMN ", r->tag);
	column_declare(f, &sql);
	assert(buf_ok(&sql));
	return db_exec(db, buf_cstr(&sql), e);
}

/* ---- old and new layouts --------------------------------------------------------------------------- */

static bool has_line(struct str text, struct str line)
{
	while (text.n) {
		if (str_eq(str_cut(text, '\n', &text), line))
			return true;
	}
	return false;
}

static bool no_newer(const struct record *r, struct str old, struct str now, struct err *e)
{
	while (old.n) {
		struct str line = str_cut(old, '\n', &old);

		if (has_line(now, line))
			continue;
		FAIL(e, STORE_VERSION,
		        "the store's table %s has a column \"%.*s\" that this version does not have",
		        r->tag, STR_ARG(line));
		return err_hint(e, "run the version that wrote it, or a newer one");
	}
	return true;
}

static bool widen(
        sqlite3 *db, const struct record *r, struct str old, struct str now, struct err *e)
{
	TRY(no_newer(r, old, now, e), e);
	for (size_t i = 0; i < r->n; i++) {
		struct str line = str_cut(now, '\n', &now);

		if (has_line(old, line))
			continue;
		if (r->f[i].flags & FF_KEY)
			return FAIL(e, STORE_VERSION, "the store's table %s has no key column %s",
			        r->tag, r->f[i].name);
		TRY(add_column(db, r, &r->f[i], e), e);
	}
	return true;
}

static bool keep_layout(sqlite3 *db, const struct record *r, struct str layout, struct err *e)
{
	OWN(db_final) sqlite3_stmt *st = NULL;

	TRY(db_prepare(db, "INSERT OR REPLACE INTO lilypad_layout VALUES (?, ?)", &st, e), e);
	sqlite3_bind_text(st, 1, r->tag, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, layout.p, (int)layout.n, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_DONE)
		return db_fail(db, e, "store: layout of %s", r->tag);
	return true;
}

/* The layout that the file has; *there says whether it has the table. */
static bool old_layout(
        sqlite3 *db, const struct record *r, bool *there, struct buf *out, struct err *e)
{
	OWN(db_final) sqlite3_stmt *st = NULL;
	int rc;

	TRY(db_prepare(db, "SELECT layout FROM lilypad_layout WHERE name = ?", &st, e), e);
	sqlite3_bind_text(st, 1, r->tag, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_fail(db, e, "store: layout of %s", r->tag);
	*there = rc == SQLITE_ROW;
	if (*there)
		buf_put(out, sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0));
	return true;
}

static bool apply_table(sqlite3 *db, const struct record *r, struct err *e)
{
	OWN(buf_done) struct buf old, now;
	bool there = false;

	buf_init(&old, SCHEMA_TEXT_MAX);
	buf_init(&now, SCHEMA_TEXT_MAX);
	schema_layout(r, &now);
	TRY(old_layout(db, r, &there, &old, e), e);
	if (!buf_ok(&old) || !buf_ok(&now))
		return FAIL(e, STORE, "the layout of table %s is too long", r->tag);
	if (there && str_eq(buf_view(&old), buf_view(&now)))
		return make_indexes(db, r, e);
	if (there)
		TRY(widen(db, r, buf_view(&old), buf_view(&now), e), e);
	else
		TRY(make_table(db, r, e), e);
	TRY(make_indexes(db, r, e), e);
	return keep_layout(db, r, buf_view(&now), e);
}

/* ---- the file -------------------------------------------------------------------------------------- */

static bool check_file(sqlite3 *db, struct err *e)
{
	int64_t app, format, tables;

	TRY(db_int(db, "PRAGMA application_id", &app, e), e);
	TRY(db_int(db, "PRAGMA user_version", &format, e), e);
	TRY(db_int(db, "SELECT count(*) FROM sqlite_schema", &tables, e), e);
	if (app != SCHEMA_APP_ID && (tables != 0 || app != 0))
		return FAIL(e, STORE, "the file is a database of another program");
	if (format > SCHEMA_FORMAT) {
		FAIL(e, STORE_VERSION, "the store has format %lld, this version knows up to %d",
		        (long long)format, SCHEMA_FORMAT);
		return err_hint(e, "run the version that wrote it, or a newer one");
	}
	return true;
}

static bool apply_all(sqlite3 *db, const struct record *(*const *tables)(void), struct err *e)
{
	TRY(check_file(db, e), e);
	TRY(db_exec(db, "PRAGMA application_id = " DIGITS(SCHEMA_APP_ID), e), e);
	TRY(db_exec(db, "PRAGMA user_version = " DIGITS(SCHEMA_FORMAT), e), e);
	TRY(db_exec(db,
	            "CREATE TABLE IF NOT EXISTS lilypad_layout"
	            " (name TEXT PRIMARY KEY, layout TEXT NOT NULL) STRICT, WITHOUT ROWID",
	            e),
	        e);
	TRY(db_exec(db,
	            "CREATE TABLE IF NOT EXISTS lilypad_counter"
	            " (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
	            e),
	        e);
	for (; *tables; tables++)
		TRY(apply_table(db, (*tables)(), e), e);
	return true;
}

bool schema_apply(sqlite3 *db, const struct record *(*const *tables)(void), struct err *e)
{
	TRY(db_exec(db, "BEGIN IMMEDIATE", e), e);
	if (apply_all(db, tables, e) && db_exec(db, "COMMIT", e))
		return true;
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}
