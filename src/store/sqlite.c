/* sqlite.c - rows of record tables in a SQLite file. Statements are prepared when first used and kept:
 * four a table and one for each field that rows are looked up by. */
#include "store/sqlite.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/bounds.h"
#include "store/column.h"
#include "store/db.h"
#include "store/lock.h"
#include "store/row.h"
#include "store/schema.h"

enum op { OP_PUT, OP_GET, OP_DEL, OP_ALL, OP_BY };

struct table {
	const struct record *r;
	sqlite3_stmt *st[OP_BY];
	sqlite3_stmt **by; /* one for each field */
	void *scratch;     /* a row of r */
};

struct store_sqlite {
	sqlite3 *db;
	int lock;
	struct table *t;
	size_t n;
	sqlite3_stmt *next;
	sqlite3_stmt *begin;
	sqlite3_stmt *commit;
	sqlite3_stmt *rollback;
};

static struct table *find(struct store_sqlite *s, const struct record *r)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->t[i].r == r)
			return &s->t[i];
	}
	assert(false && "the record is in the list of tables that the store was opened with");
	return NULL;
}

/* ---- SQL text ------------------------------------------------------------------------------------ */

/* `"a", "b"`, or with a format of one %s each; all fields, keys only or others only. */
static unsigned list(struct buf *b, const struct record *r, unsigned mask, unsigned want,
        const char *sep, const char *tail)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->n; i++) {
		if ((r->f[i].flags & mask) != want)
			continue;
		buf_fmt(b, "%s\"%s\"%s", n++ ? sep : "", r->f[i].name, tail);
	}
	return n;
}

static void sql_put(struct buf *b, const struct record *r)
{
	bool any = false;

	buf_fmt(b, "INSERT INTO \"%s\" (", r->tag);
	list(b, r, 0, 0, ", ", "");
	buf_z(b, ") VALUES (");
	for (size_t i = 0; i < r->n; i++)
		buf_z(b, i ? ", ?" : "?");
	buf_z(b, ") ON CONFLICT DO ");
	for (size_t i = 0; i < r->n; i++) {
		const char *name = r->f[i].name;

		if (r->f[i].flags & FF_KEY)
			continue;
		buf_fmt(b, "%s\"%s\" = excluded.\"%s\"", any ? ", " : "UPDATE SET ", name, name);
		any = true;
	}
	if (!any)
		buf_z(b, "NOTHING");
}

static void sql_where_key(struct buf *b, const struct record *r)
{
	buf_z(b, " WHERE ");
	list(b, r, FF_KEY, FF_KEY, " AND ", " = ?");
}

static void sql_text(struct buf *b, const struct record *r, enum op op, const struct field *by)
{
	if (op == OP_PUT) {
		sql_put(b, r);
		return;
	}
	if (op == OP_DEL) {
		buf_fmt(b, "DELETE FROM \"%s\"", r->tag);
		sql_where_key(b, r);
		return;
	}
	buf_z(b, "SELECT ");
	list(b, r, 0, 0, ", ", "");
	buf_fmt(b, " FROM \"%s\"", r->tag);
	if (op == OP_GET)
		sql_where_key(b, r);
	if (op == OP_BY)
		buf_fmt(b, " WHERE \"%s\" = ?", by->name);
	if (op != OP_GET) {
		buf_z(b, " ORDER BY ");
		list(b, r, FF_KEY, FF_KEY, ", ", "");
	}
}

static bool prepare(struct store_sqlite *s, const struct record *r, enum op op,
        const struct field *by, sqlite3_stmt **out, struct err *e)
{
	OWN(buf_done) struct buf sql;

	buf_init(&sql, SCHEMA_TEXT_MAX);
	sql_text(&sql, r, op, by);
	assert(buf_ok(&sql));
	return db_prepare(s->db, buf_cstr(&sql), out, e);
}

/* The kept statement, prepared on first use. */
static bool kept(
        struct store_sqlite *s, struct table *t, enum op op, sqlite3_stmt **out, struct err *e)
{
	if (!t->st[op])
		TRY(prepare(s, t->r, op, NULL, &t->st[op], e), e);
	*out = t->st[op];
	return true;
}

/* A statement goes back reset, so that it holds no lock and no row. */
static void done(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

/* ---- rows ---------------------------------------------------------------------------------------- */

static bool bind_keys(sqlite3_stmt *st, const struct record *r, const void *row, struct err *e)
{
	int at = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->f[i].flags & FF_KEY)
			TRY(column_bind(st, ++at, r, &r->f[i], row, e), e);
	}
	return true;
}

static bool bind_all(sqlite3_stmt *st, const struct record *r, const void *row, struct err *e)
{
	for (size_t i = 0; i < r->n; i++)
		TRY(column_bind(st, (int)i + 1, r, &r->f[i], row, e), e);
	return true;
}

static bool read_row(sqlite3_stmt *st, const struct record *r, void *row, struct err *e)
{
	memset(row, 0, r->size);
	for (size_t i = 0; i < r->n; i++)
		TRY(column_read(st, (int)i, r, &r->f[i], row, e), e);
	return true;
}

/* Step a statement that gives no rows. */
static bool run(struct store_sqlite *s, sqlite3_stmt *st, const struct record *r, struct err *e)
{
	if (sqlite3_step(st) != SQLITE_DONE)
		return db_fail(s->db, e, "store: writing %s", r->tag);
	return true;
}

static bool st_put(void *self, const struct record *r, const void *row, struct err *e)
{
	struct store_sqlite *s = self;
	struct table *t = find(s, r);
	sqlite3_stmt *st;
	bool ok;

	TRY(row_check(r, row, e), e);
	TRY(kept(s, t, OP_PUT, &st, e), e);
	ok = bind_all(st, r, row, e) && run(s, st, r, e);
	done(st);
	return ok;
}

static bool st_del(void *self, const struct record *r, const void *row, struct err *e)
{
	struct store_sqlite *s = self;
	sqlite3_stmt *st;
	bool ok;

	TRY(kept(s, find(s, r), OP_DEL, &st, e), e);
	ok = bind_keys(st, r, row, e) && run(s, st, r, e);
	done(st);
	return ok;
}

static bool get_row(
        struct store_sqlite *s, sqlite3_stmt *st, struct table *t, void *row, struct err *e)
{
	int rc;

	TRY(bind_keys(st, t->r, row, e), e);
	rc = sqlite3_step(st);
	if (rc == SQLITE_DONE)
		return FAIL(e, NOT_FOUND, "no such row in %s", t->r->tag);
	if (rc != SQLITE_ROW)
		return db_fail(s->db, e, "store: reading %s", t->r->tag);
	TRY(read_row(st, t->r, t->scratch, e), e);
	memcpy(row, t->scratch, t->r->size);
	return true;
}

static bool st_get(void *self, const struct record *r, void *row, struct err *e)
{
	struct store_sqlite *s = self;
	struct table *t = find(s, r);
	sqlite3_stmt *st;
	bool ok;

	TRY(kept(s, t, OP_GET, &st, e), e);
	ok = get_row(s, st, t, row, e);
	done(st);
	return ok;
}

/* ---- walks --------------------------------------------------------------------------------------- */

static bool walk(struct store_sqlite *s, sqlite3_stmt *st, const struct record *r, void *row,
        bool (*cb)(void *ctx, const void *row), void *ctx, struct err *e)
{
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		TRY(read_row(st, r, row, e), e);
		if (!cb(ctx, row))
			return true;
	}
	if (rc != SQLITE_DONE)
		return db_fail(s->db, e, "store: reading %s", r->tag);
	return true;
}

static bool bind_sought(sqlite3_stmt *st, const struct field *by, const struct record *r,
        const void *row, void *copy, struct err *e)
{
	memcpy(field_in(copy, by), field_at(row, by), by->size);
	return column_bind(st, 1, r, by, copy, e);
}

static void free_row(void **row)
{
	free(*row);
}

static bool st_each(void *self, const struct record *r, const struct field *by, const void *row,
        bool (*cb)(void *ctx, const void *row), void *ctx, struct err *e)
{
	struct store_sqlite *s = self;
	struct table *t = find(s, r);
	sqlite3_stmt **slot = by ? &t->by[by - r->f] : &t->st[OP_ALL];
	OWN(db_final) sqlite3_stmt *own = NULL;
	/* The row that is read, and the value that is looked for: the callback may change `row`. */
	OWN(free_row) void *copy = malloc(2 * r->size);
	sqlite3_stmt *st;
	bool ok;

	assert(!by || (by >= r->f && by < r->f + r->n && by->flags & (FF_INDEX | FF_KEY)));
	if (!copy)
		return FAIL(e, MEMORY, "no memory for a row of %s", r->tag);
	if (!*slot)
		TRY(prepare(s, r, by ? OP_BY : OP_ALL, by, slot, e), e);
	st = *slot;
	/* A walk within the same walk needs a statement of its own. */
	if (sqlite3_stmt_busy(st)) {
		TRY(prepare(s, r, by ? OP_BY : OP_ALL, by, &own, e), e);
		st = own;
	}
	ok = !by || bind_sought(st, by, r, row, (uint8_t *)copy + r->size, e);
	ok = ok && walk(s, st, r, copy, cb, ctx, e);
	done(st);
	return ok;
}

static bool st_next(void *self, const char *counter, uint64_t *out, struct err *e)
{
	static const char sql[] = "INSERT INTO lilypad_counter VALUES (?, 1)"
	                          " ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value";
	struct store_sqlite *s = self;
	int64_t v = 0;
	bool ok;

	if (!s->next)
		TRY(db_prepare(s->db, sql, &s->next, e), e);
	sqlite3_bind_text(s->next, 1, counter, -1, SQLITE_STATIC);
	ok = sqlite3_step(s->next) == SQLITE_ROW;
	if (ok) {
		v = sqlite3_column_int64(s->next, 0);
		ok = sqlite3_step(s->next) == SQLITE_DONE;
	}
	if (!ok)
		db_fail(s->db, e, "store: counter %s", counter);
	done(s->next);
	if (ok)
		*out = (uint64_t)v;
	return ok;
}

/* ---- transactions -------------------------------------------------------------------------------- */

static bool simple(struct store_sqlite *s, sqlite3_stmt **st, const char *sql, struct err *e)
{
	bool ok;

	if (!*st)
		TRY(db_prepare(s->db, sql, st, e), e);
	ok = sqlite3_step(*st) == SQLITE_DONE;
	if (!ok)
		db_fail(s->db, e, "store: %s", sql);
	sqlite3_reset(*st);
	return ok;
}

static bool st_begin(void *self, struct err *e)
{
	struct store_sqlite *s = self;

	return simple(s, &s->begin, "BEGIN IMMEDIATE", e);
}

static void st_rollback(void *self)
{
	struct store_sqlite *s = self;
	struct err ignored; /* SQLite may have rolled back by itself */

	if (!sqlite3_get_autocommit(s->db) && !simple(s, &s->rollback, "ROLLBACK", &ignored))
		assert(sqlite3_get_autocommit(s->db));
}

static bool st_commit(void *self, struct err *e)
{
	struct store_sqlite *s = self;

	if (simple(s, &s->commit, "COMMIT", e))
		return true;
	st_rollback(s);
	return false;
}

struct store store_sqlite_port(struct store_sqlite *s)
{
	return (struct store){s, st_put, st_get, st_del, st_each, st_next};
}

struct store_tx store_sqlite_tx(struct store_sqlite *s)
{
	return (struct store_tx){s, st_begin, st_commit, st_rollback};
}

/* ---- opening and closing --------------------------------------------------------------------------- */

static bool add_tables(
        struct store_sqlite *s, const struct record *(*const *tables)(void), struct err *e)
{
	size_t n = 0;

	while (tables[n])
		n++;
	assert(n <= STORE_TABLES_MAX);
	s->t = calloc(n + 1, sizeof *s->t);
	if (!s->t)
		return FAIL(e, MEMORY, "no memory for %zu tables", n);
	for (; s->n < n; s->n++) {
		struct table *t = &s->t[s->n];

		t->r = tables[s->n]();
		t->scratch = malloc(t->r->size);
		t->by = calloc(t->r->n, sizeof(sqlite3_stmt *));
		if (!t->scratch || !t->by) {
			s->n++;
			return FAIL(e, MEMORY, "no memory for table %s", t->r->tag);
		}
	}
	return true;
}

/* A checkpoint copies the log's pages into the file and waits for the disk twice. Made seldom, it is
 * not in the 99th percentile of commits; the log then takes up to STORE_WAL_PAGES * 4 KiB. */
static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                               "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                               "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;"
                               "PRAGMA journal_size_limit = 67108864;"
                               "PRAGMA wal_autocheckpoint = " DIGITS(STORE_WAL_PAGES);

static bool open_db(struct store_sqlite *s, const char *path, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
	            SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;

	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK) {
		if (!s->db)
			return FAIL(e, MEMORY, "no memory to open %s", path);
		return db_fail(s->db, e, "cannot open the store %s", path);
	}
	sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* A misspelt column is an error, not a text in double quotes. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	TRY(db_exec(s->db, settings, e), e);
	return true;
}

static bool open_all(struct store_sqlite *s, const char *path, enum lock_mode mode,
        const struct record *(*const *tables)(void), struct err *e)
{
	OWN(buf_done) struct buf lock;

	buf_init(&lock, 4096);
	buf_fmt(&lock, "%s.lock", path);
	if (!buf_ok(&lock))
		return FAIL(e, RANGE, "the path of the store is too long");
	TRY(lock_take(buf_cstr(&lock), mode, &s->lock, e), e);
	lock_door(s->lock);
	TRY(open_db(s, path, e), e);
	TRY(schema_apply(s->db, tables, e), e);
	lock_door_end(s->lock);
	return add_tables(s, tables, e);
}

static bool open_as(const char *path, enum lock_mode mode,
        const struct record *(*const *tables)(void), struct store_sqlite **out, struct err *e)
{
	struct store_sqlite *s = calloc(1, sizeof *s);

	if (!s)
		return FAIL(e, MEMORY, "no memory for a store");
	s->lock = -1;
	if (!open_all(s, path, mode, tables, e)) {
		if (!strstr(e->msg, path))
			err_prefix(e, "%s: ", path);
		store_sqlite_free(s);
		return false;
	}
	*out = s;
	return true;
}

bool store_sqlite_open(const char *path, const struct record *(*const *tables)(void),
        struct store_sqlite **out, struct err *e)
{
	return open_as(path, LOCK_ALONE, tables, out, e);
}

bool store_sqlite_open_shared(const char *path, const struct record *(*const *tables)(void),
        struct store_sqlite **out, struct err *e)
{
	return open_as(path, LOCK_SHARED, tables, out, e);
}

static void free_table(struct table *t)
{
	for (size_t i = 0; i < COUNT(t->st); i++)
		sqlite3_finalize(t->st[i]);
	for (size_t i = 0; t->by && i < t->r->n; i++)
		sqlite3_finalize(t->by[i]);
	free(t->by);
	free(t->scratch);
}

struct store_sqlite *store_sqlite_free(struct store_sqlite *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		free_table(&s->t[i]);
	free(s->t);
	sqlite3_finalize(s->next);
	sqlite3_finalize(s->begin);
	sqlite3_finalize(s->commit);
	sqlite3_finalize(s->rollback);
	if (s->lock >= 0)
		lock_door(s->lock);
	sqlite3_close(s->db);
	if (s->lock >= 0)
		close(s->lock);
	free(s);
	return NULL;
}

/* ---- care ------------------------------------------------------------------------------------------ */

bool store_sqlite_check(struct store_sqlite *s, struct err *e)
{
	OWN(db_final) sqlite3_stmt *st = NULL;
	const char *said;

	TRY(db_prepare(s->db, "PRAGMA integrity_check(1)", &st, e), e);
	if (sqlite3_step(st) != SQLITE_ROW)
		return db_fail(s->db, e, "store: integrity check");
	said = (const char *)sqlite3_column_text(st, 0);
	if (!said || strcmp(said, "ok") != 0)
		return FAIL(e, STORE, "the store is damaged: %s", said ? said : "unreadable");
	return true;
}

bool store_sqlite_backup(struct store_sqlite *s, const char *path, struct err *e)
{
	OWN(db_final) sqlite3_stmt *st = NULL;

	TRY(db_prepare(s->db, "VACUUM INTO ?", &st, e), e);
	sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_DONE)
		return db_fail(s->db, e, "store: backup to %s", path);
	return true;
}
