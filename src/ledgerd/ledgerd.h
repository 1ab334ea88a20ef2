/* ledgerd.h - the embedded ledger as a role: a hash-chained, signed journal over the pure rules
 * (protocol 8.1). A request's actions become one block, sealed, signed and stored in one transaction
 * before anybody is told. */
#ifndef LILYPAD_LEDGERD_LEDGERD_H
#define LILYPAD_LEDGERD_LEDGERD_H

#include "port/port.h"

#define LEDGERD_BATCH_MAX 256  /* actions of one request: more is refused with TOO_LARGE */
#define LEDGERD_PAGE_MAX  500  /* events of one page */

struct ledgerd;
/* Replays the journal: TAMPERED names the first block that does not follow from the one before. */
MUST bool ledgerd_new(struct world *w, const struct genesis *g, struct ledgerd **out, struct err *e);
struct role ledgerd_role(struct ledgerd *d);
struct ledgerd *ledgerd_free(struct ledgerd *d);
extern const struct record *(*const ledgerd_tables[])(void);

/* What a replay found; for `lilypad ledger verify`. */
struct ledgerd_summary {
	uint64_t     blocks, actions;
	struct btime time;
	struct hash  head;
};
void ledgerd_summary(const struct ledgerd *d, struct ledgerd_summary *out);
/* Every block with its actions as JSON lines. */
MUST bool ledgerd_export(struct ledgerd *d, bool (*line)(void *ctx, struct str text), void *ctx,
	struct err *e);
/* 5.15 (a) to (c) over the replayed state. */
MUST bool ledgerd_check(const struct ledgerd *d, struct err *e);

#endif
