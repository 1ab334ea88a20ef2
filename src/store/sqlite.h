/* sqlite.h - the store of port/port.h over one SQLite file: WAL, synchronous = FULL, so that what is
 * committed survives kill -9 and power loss. One connection; one thread. */
#ifndef LILYPAD_STORE_SQLITE_H
#define LILYPAD_STORE_SQLITE_H

#include "port/port.h"

struct store_sqlite;

/* Opens or makes the file with the tables of the list (ends with NULL; at most STORE_TABLES_MAX), and
 * locks path + ".lock" for this process alone.
 * STORE_LOCKED names the process that has it; STORE_VERSION: written by a newer version; STORE: damaged
 * or not a store; NOT_FOUND, IO: cannot be opened; DISK_FULL. */
MUST bool store_sqlite_open(const char *path, const struct record *(*const *tables)(void),
        struct store_sqlite **out, struct err *e);
/* The same for commands that share a store with each other, but not with a daemon that has it alone:
 * their transactions exclude each other, and begin waits up to STORE_BUSY_MS, then BUSY. */
MUST bool store_sqlite_open_shared(const char *path, const struct record *(*const *tables)(void),
        struct store_sqlite **out, struct err *e);
/* Returns NULL. An open transaction is rolled back. */
struct store_sqlite *store_sqlite_free(struct store_sqlite *s);

/* Valid as long as s. A call with a record that is not in the list of tables is a bug. each() may be
 * nested, and its callback may put and delete: a row that was there before and is left alone is given
 * once; what is put ahead of the walk may or may not be. Reads and writes outside a transaction
 * commit each by itself. */
struct store store_sqlite_port(struct store_sqlite *s);
struct store_tx store_sqlite_tx(struct store_sqlite *s);

/* Walks the whole file: STORE names the first damage. Takes time in proportion to its size. */
MUST bool store_sqlite_check(struct store_sqlite *s, struct err *e);
/* Writes a consistent copy to a path that must not exist, while the store is in use. */
MUST bool store_sqlite_backup(struct store_sqlite *s, const char *path, struct err *e);

#endif
