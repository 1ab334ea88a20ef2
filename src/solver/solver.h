/* solver.h - the solver (protocol 1.2, 3): files signed offers and acknowledges them, matches on every
 * change, relays signatures and results. It can refuse and delay; it can move nothing. */
#ifndef LILYPAD_SOLVER_SOLVER_H
#define LILYPAD_SOLVER_SOLVER_H

#include "port/port.h"

struct solver_config {
	struct hash domain; /* of the ledger */
	struct genesis
	        genesis;     /* MIN, LIFE; allocations are the balances of before the first event */
	uint32_t offers_max; /* of each side; 0: BOOK_OFFERS_MAX */
	uint32_t offers_each; /* of one signer, both sides together, RATE past it; 0: offers_max */
	unsigned rate_offers; /* new offers per second of one signer, RATE past it; 0: no limit */
	struct span jc_signs_in; /* a match that the JC has not signed by then is dissolved */
	struct span rp_signs_in; /* the same for the RP, which fetches first */
	struct span batch;       /* so long pairs of pricing `cleared` are gathered (3.14) */
	unsigned open_in_s;      /* open_by of a deal: at most so far ahead of the ledger's time */
};

struct solver;
MUST bool solver_new(
        struct world *w, const struct solver_config *c, struct solver **out, struct err *e);
/* The ledger's events after *out are wanted, those of all accounts; 0 on the first start. Earlier ones
 * that come all the same are passed over. */
MUST bool solver_start_cursor(struct solver *s, uint64_t *out, struct err *e);
struct role solver_role(struct solver *s);
struct solver *solver_free(struct solver *s);
extern const struct record *(*const solver_tables[])(void);
/* Prometheus lines. */
void solver_metrics(void *solver, struct buf *out);

#endif
