/* host.h - runs one role in one process: event, transaction, effects (architecture.md).
 *
 * One loop turn: the events that are there are given to the role inside one store transaction, in
 * order; the transaction commits; only then their effects are performed. A write or commit that fails makes
 * the turn as if it had not been: a daemon waits until its store can be written (HOST_AGAIN), a command ends
 * (host_failed()). HTTP requests are authenticated here
 * (protocol 9.1): Request signed by the caller, audience = this role's account, time within 60 s, nonce
 * used once; requests signed in or before the start's second are refused, unless state_dir proves
 * that none of that second was accepted before (http/served.h). */
#ifndef LILYPAD_HOST_HOST_H
#define LILYPAD_HOST_HOST_H

#include <uv.h>

#include "port/adapters.h"

struct host_options {
	uv_loop_t *loop;
	struct role role;
	struct world *world;
	struct store_tx tx;
	struct ledger_port ledger; /* self NULL: the role has no ledger */
	struct tree_port tree;     /* self NULL: none */
	struct exec_port exec;     /* self NULL: none */
	struct hash domain;        /* of the ledger: signs and checks Requests */
	const char *listen_ip;     /* NULL: no server (a hosted role such as `run`) */
	uint16_t listen_port;      /* 0: any free one */
	const char *state_dir; /* where the server keeps the last second it served; NULL: nowhere */
	uint64_t ledger_cursor;     /* events after it are wanted */
	bool ledger_all;            /* all accounts' events, not only this account's */
	struct addr ledger_account; /* zero: this account; else whose events are wanted instead */
	unsigned rate_per_s;        /* requests per second of one key or address; 0: no limit */
	unsigned rate_burst;
	/* Called for every FX_EMIT as well, after the commit: how a command that hosts a role follows it.
	 * NULL: not wanted. */
	void (*on_emit)(void *ctx, const char *name, struct str data);
	void *emit_ctx;
	/* Figures of the role's own for GET /metrics, as Prometheus text. NULL: none. */
	void (*metrics)(void *ctx, struct buf *out);
	void *metrics_ctx;
};

/* The routes that a host adds to those of its role. */
extern const struct route host_routes[];
extern const size_t host_routes_n;

struct host;
MUST bool host_new(const struct host_options *o, struct host **out, struct err *e);
uint16_t host_port(const struct host *h); /* that it listens on */
/* The server that it listens with answers GET /v1/health and GET /metrics unless the role does. world and
 * all ports are borrowed; world->store is wrapped until host_free(), so that the first write of a turn
 * begins its transaction. */
/* What host_run() returns when the role is to be made anew from its store and run again: the disk was full,
 * say, and is no more. Meanwhile requests were answered with the reason, and the role was given nothing. */
#define HOST_AGAIN (-1)
/* Give EV_START and run the loop until FX_EXIT, SIGTERM or SIGINT (EV_STOP is given then). Returns the
 * exit code. A role hosted inside a command calls host_start() and runs the loop itself. */
int host_run(struct host *h);
MUST bool host_start(struct host *h, struct err *e);
/* Ask the role to stop: EV_STOP is given on the next turn, the loop ends when every answer is out and the
 * calls that EV_STOP asked for are answered, or after 2 s. The role hears of no answer any more. */
void host_stop(struct host *h);
/* FX_EXIT or a failure ended it: the code of the first. */
MUST bool host_exited(const struct host *h, int *code);
/* Whether it ended because its store could not be written (DISK_FULL, IO, BUSY), and why. */
MUST bool host_failed(const struct host *h, struct err *out);
/* Stops the ports. Runs the loop until its own handles are closed. */
struct host *host_free(struct host *h);

#endif
