/* db.h - the few SQLite calls that the schema and the rows share, and its errors as ours. */
#ifndef LILYPAD_STORE_DB_H
#define LILYPAD_STORE_DB_H

#include <sqlite3.h>

#include "base/err.h"

/* The digits of a number that is a macro, for SQL text. */
#define DIGITS_(n) #n
#define DIGITS(n)  DIGITS_(n)

/* Fills e from the connection's last failure and returns false: DISK_FULL, BUSY (another process
 * writes), MEMORY, IO, or STORE (damaged, or refused). */
bool db_fail(sqlite3 *db, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Runs statements without results. */
MUST bool db_exec(sqlite3 *db, const char *sql, struct err *e);
/* The first column of the first row, as an integer; 0 when there is none. */
MUST bool db_int(sqlite3 *db, const char *sql, int64_t *out, struct err *e);
MUST bool db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct err *e);
static inline void db_final(sqlite3_stmt **st)
{
	sqlite3_finalize(*st);
}

#endif
