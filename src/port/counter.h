/* counter.h - numbers that a party signs once (protocol 9.5). A store that was restored from a backup counts from
 * where it was: what the ledger or a counterpart has seen is not signed again. */
#ifndef LILYPAD_PORT_COUNTER_H
#define LILYPAD_PORT_COUNTER_H

#include "port/port.h"

#define COUNTER_BEHIND_MAX 100000 /* that an old store catches up with in one transaction */

/* The next value of a named counter that is at least `least`; those before it are skipped for good. STORE: the
 * store is further behind than COUNTER_BEHIND_MAX; as store.next says. */
MUST bool counter_next(
        const struct store *s, const char *counter, uint64_t least, uint64_t *out, struct err *e);

#endif
