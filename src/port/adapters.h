/* adapters.h - the asynchronous ports: a host hands them effects, they deliver into its inbox.
 * Every call returns at once; the answer arrives later, on the loop, never from within the call. */
#ifndef LILYPAD_PORT_ADAPTERS_H
#define LILYPAD_PORT_ADAPTERS_H

#include "port/port.h"

struct inbox {
	void *self;
	void (*ledger)(void *self, const struct ledger_note *note);
	void (*tree)(void *self, const struct tree_done *done);
	void (*run)(void *self, const struct run_done *done);
};

/* A ledger (protocol 8). Notes arrive in the order of the ledger; events are those after the cursor
 * given to start, without gaps, also across reconnects and restarts of the ledger. */
struct ledger_port {
	void *self;
	/* account zero: all events; else those that name the account. */
	bool (*start)(void *self, uint64_t after_seq, const struct addr *account,
	        const struct inbox *in, struct err *e);
	/* Copies what it needs. The same action again has no second effect. */
	void (*submit)(void *self, const struct action *a, const struct hash *id);
	void (*stop)(void *self);
};

/* Moves trees between the local blob store and directories. */
struct tree_port {
	void *self;
	/* url: base of the directory; audience: its account. headers: extra request headers as
	 * "Name: value\n…" or NULL (FX body: the deal as JSON that opens a private tree). */
	void (*fetch)(void *self, struct tag tag, const char *url, const struct addr *audience,
	        const struct cid *root, struct bytes deal, uint64_t max, const struct inbox *in);
	void (*push)(void *self, struct tag tag, const char *url, const struct addr *audience,
	        const struct cid *root, struct bytes deal, const struct inbox *in);
	void (*stop)(void *self);
};

/* Runs jobs in jailed processes. Program and inputs must be in the blob store already. */
struct exec_port {
	void *self;
	void (*run)(
	        void *self, struct tag tag, const struct job_spec *spec, const struct inbox *in);
	void (*kill)(void *self, struct tag tag);
	void (*stop)(void *self);
};

#endif
