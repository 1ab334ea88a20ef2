/* ledgerd.h - the embedded ledger as a role: a hash-chained, signed journal over the pure rules
 * (protocol 8.1). The actions of one request become one block, which is sealed, signed and stored in the
 * transaction of that event, before anybody is told of it: an action that was answered is final. */
#ifndef LILYPAD_LEDGERD_LEDGERD_H
#define LILYPAD_LEDGERD_LEDGERD_H

#include "port/port.h"

#define LEDGERD_BATCH_MAX 128  /* actions of one request: more are refused with TOO_LARGE */
#define LEDGERD_ROWS_MAX  2048 /* events that they may have: more are refused with TOO_LARGE */
#define LEDGERD_PAGE_MAX  500  /* events that one page looks at */

struct ledgerd;

/* Replays the journal that is in the store; the world's signer must be the operator of the genesis
 * (PARTY). TAMPERED names the first block that does not follow from the one before it, is not signed by
 * the operator, or whose actions do not give its events and root. The signatures of the actions are not
 * checked again: the operator's own, over the root, vouches for them. */
MUST bool ledgerd_new(
        struct world *w, const struct genesis *g, struct ledgerd **out, struct err *e);
struct role ledgerd_role(struct ledgerd *d);
struct ledgerd *ledgerd_free(struct ledgerd *d); /* returns NULL */
extern const struct record *(*const ledgerd_tables[])(void);

struct ledgerd_summary {
	uint64_t blocks, actions;
	struct btime time;
	struct hash head; /* struct hash of the last block */
};
void ledgerd_summary(const struct ledgerd *d, struct ledgerd_summary *out);
/* A replay by somebody who trusts nobody: every signature is checked, and 5.15 (a) to (c) from scratch at
 * the end. Needs the store only. */
MUST bool ledgerd_verify(
        struct world *w, const struct genesis *g, struct ledgerd_summary *out, struct err *e);
/* Every block, then every action, as lines of JSON. `line` returns false to stop. */
MUST bool ledgerd_export(
        struct ledgerd *d, bool (*line)(void *ctx, struct str text), void *ctx, struct err *e);
/* 5.15 (a) to (c) over the present state. */
MUST bool ledgerd_check(const struct ledgerd *d, struct err *e);
/* Figures as Prometheus text; ctx is the struct ledgerd. */
void ledgerd_metrics(void *ctx, struct buf *out);

#endif
