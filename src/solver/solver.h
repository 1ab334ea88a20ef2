/* solver.h - the solver (protocol 1.2, 3): files signed offers and acknowledges them, matches on every
 * change, relays signatures and results. It can refuse and delay; it can move nothing. */
#ifndef LILYPAD_SOLVER_SOLVER_H
#define LILYPAD_SOLVER_SOLVER_H

#include "port/port.h"

struct solver_config {
	struct hash domain;
	struct genesis genesis;
	uint32_t offers_max;     /* of each side; 0: BOOK_OFFERS_MAX */
	struct span jc_signs_in; /* a match that the JC has not signed by then is dissolved */
	struct span rp_signs_in; /* the same for the RP, which fetches first */
	unsigned open_in_s;      /* open_by of a deal: so far ahead of the ledger's time */
};

struct solver;
MUST bool solver_new(
        struct world *w, const struct solver_config *c, struct solver **out, struct err *e);
struct role solver_role(struct solver *s);
struct solver *solver_free(struct solver *s);
extern const struct record *(*const solver_tables[])(void);
/* Prometheus lines. */
void solver_metrics(void *solver, struct buf *out);

#endif
