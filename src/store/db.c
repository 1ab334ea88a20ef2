/* db.c - SQLite's result codes as this program's errors. */
#include "store/db.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "os/file.h"

static enum err_code code_of(int rc, int sys)
{
	switch (rc & 0xFF) {
	case SQLITE_FULL: return E_DISK_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return E_BUSY;
	case SQLITE_NOMEM: return E_MEMORY;
	case SQLITE_IOERR: return no_room(sys) ? E_DISK_FULL : E_IO;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY: return E_IO;
	default: return E_STORE;
	}
}

bool db_fail(sqlite3 *db, struct err *e, const char *fmt, ...)
{
	int last = errno;
	int rc = sqlite3_extended_errcode(db);
	/* SQLite does not keep the cause when a commit fails: the last failed call is that one. */
	int sys = sqlite3_system_errno(db) ? sqlite3_system_errno(db) : last;
	enum err_code code = code_of(rc, sys);
	char what[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	err_set(e, code, 0, __FILE__, __LINE__, "%s: %s", what,
	        code == E_DISK_FULL ? "no space is left on its disk" : sqlite3_errmsg(db));
	e->sys = code == E_IO || code == E_DISK_FULL ? sys : 0;
	if (code == E_DISK_FULL)
		err_hint(e, "free some space on the disk of the data folder, then try again");
	else if ((rc & 0xFF) == SQLITE_CORRUPT || (rc & 0xFF) == SQLITE_NOTADB)
		err_hint(e, "restore the file from a backup, or move it away: the daemon then "
		            "learns its state again from the ledger and its peers");
	return false;
}

bool db_exec(sqlite3 *db, const char *sql, struct err *e)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(db, e, "store: %.60s", sql);
	return true;
}

bool db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct err *e)
{
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
		return db_fail(db, e, "store: %.60s", sql);
	return true;
}

bool db_int(sqlite3 *db, const char *sql, int64_t *out, struct err *e)
{
	OWN(db_final) sqlite3_stmt *st = NULL;
	int rc;

	TRY(db_prepare(db, sql, &st, e), e);
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_fail(db, e, "store: %.60s", sql);
	*out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	return true;
}
