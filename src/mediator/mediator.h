/* mediator.h - the mediator (protocol 1, 6.6): follows the ledger to disputes that name it, gathers the case
 * from whoever has a part of it, re-executes the job, rules (2.9) and submits its verdict, or passes. Whatever
 * it submits is in its store, signed, before it is submitted: it never says two things about one deal. */
#ifndef LILYPAD_MEDIATOR_MEDIATOR_H
#define LILYPAD_MEDIATOR_MEDIATOR_H

#include "port/peer.h"

#define MEDIATOR_CASES_MAX 1024 /* unfinished disputes: more are left to the clock (5.13) */

/* What it does wrong on purpose, as a test instrument. */
enum mediator_fault {
	MEDIATOR_HONEST,
	MEDIATOR_LIES,        /* the opposite of what it found */
	MEDIATOR_DIES,        /* never answers */
	MEDIATOR_CANNOT_FETCH /* passes every case, as if no source gave anything */
};

/* How the block store gives space back; both as in blobs/folder.h. NULL: nothing is given back. */
struct mediator_collector {
	void *self;
	bool (*collect)(void *self, bool (*keep)(void *ctx, const struct cid *cid), void *ctx,
	        uint64_t *freed, struct err *e);
	bool (*compact)(void *self, bool *more, struct err *e);
};

struct mediator_config {
	struct peer solver; /* url empty: none */
	struct peer directories[DIRECTORIES_MAX];
	size_t directories_n;
	struct hash domain;               /* of the ledger */
	struct genesis genesis;           /* LIFE */
	char engine[ENGINE_NAME_MAX + 1]; /* engine class that it runs; empty: it has no executor */
	struct amount fee;                /* a deal whose FEE is lower is passed (6.1) */
	unsigned parallel;                /* runs at once, at least 1 */
	uint64_t ram;                     /* bytes that the runs together may ask for; 0: any */
	unsigned queue;                   /* disputes that may wait; one more is passed */
	unsigned confirm_s; /* how much earlier than the ledger's deadlines it acts (4.1) */
	struct span keep;   /* how long judged outputs are kept for the parties */
	struct mediator_collector collector;
	enum mediator_fault fault;
	const char *version; /* of the program, for GET /v1/info */
};

struct mediator;
MUST bool mediator_new(
        struct world *w, const struct mediator_config *c, struct mediator **out, struct err *e);
struct role mediator_role(struct mediator *m);
/* Every table of the role; ends with NULL. */
extern const struct record *(*const mediator_tables[])(void);
/* Up to which ledger event it has seen; before the host starts. */
MUST bool mediator_start_cursor(struct mediator *m, uint64_t *out, struct err *e);
struct mediator *mediator_free(struct mediator *m); /* returns NULL */
/* Its figures as Prometheus text, for host_options.metrics. */
void mediator_metrics(void *mediator, struct buf *out);

#endif
