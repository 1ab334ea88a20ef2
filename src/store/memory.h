/* memory.h - the store of port/port.h in memory, for tests and the simulator: same order, same errors,
 * same transactions as the SQLite store; nothing outlives it. */
#ifndef LILYPAD_STORE_MEMORY_H
#define LILYPAD_STORE_MEMORY_H

#include "port/port.h"

struct store_memory;

/* tables as for store_sqlite_open(). NULL: out of memory. */
MUST struct store_memory *store_memory_new(const struct record *(*const *tables)(void));
struct store_memory *store_memory_free(struct store_memory *s); /* returns NULL */

struct store store_memory_port(struct store_memory *s);
struct store_tx store_memory_tx(struct store_memory *s);

/* How many rows a table has. */
MUST size_t store_memory_count(const struct store_memory *s, const struct record *r);

#endif
