/* sim.h - the whole market in one process, on a virtual clock. Every role is the real one; its host, its
 * net, its ledger port, its store, its blocks and its executor are those of this folder. Whatever happens,
 * and in which order, follows from the scenario and the seed: a run can be repeated exactly.
 *
 * A node is a process: it has a life that a crash ends, and an account with the store and the blocks that
 * outlive it. Nothing calls a role but the queue, one event at a time. */
#ifndef LILYPAD_SIM_SIM_H
#define LILYPAD_SIM_SIM_H

#include "base/buf.h"
#include "base/map.h"
#include "blobs/memory.h"
#include "crypto/secp.h"
#include "port/adapters.h"
#include "port/peer.h"
#include "scenario.h"
#include "store/memory.h"

#define NODES_MAX    64 /* of one market; a scenario that wants more is refused */
#define ACCOUNTS_MAX 32
#define BLOCKS_MAX   65536
#define TRACE_LINES  60 /* that a failure shows */
#define TRACE_WIDTH  220

#define MS  ((int64_t)1000000) /* in nanoseconds */
#define SEC (1000 * MS)

struct sim;
struct node;

/* ---- queue.c: what happens next ---------------------------------------------------------------------- */

typedef void step_fn(struct sim *s, struct node *n, void *ctx);

struct item {
	int64_t at; /* ns */
	uint64_t tie, number;
	struct node *node; /* NULL: whoever lives */
	unsigned life;
	step_fn *fn;
	void *ctx;
	void (*drop)(void *ctx); /* always, after fn or instead of it; NULL: nothing */
};

struct queue {
	struct item *v;
	size_t n, cap;
	uint64_t number;
};

/* After delay_ns, unless that life of the node is over by then. Two steps of one instant come in any order. */
void sim_after(struct sim *s, int64_t delay_ns, struct node *n, step_fn *fn, void *ctx,
        void (*drop)(void *ctx));
/* False: nothing is left. */
MUST bool sim_step(struct sim *s);
void queue_done(struct queue *q);

/* ---- chance.c: what the seed decides ------------------------------------------------------------------- */

uint64_t sim_draw(struct sim *s, uint64_t n); /* 0 to n - 1 */
bool sim_chance(struct sim *s, unsigned per_mille);
/* The same while faults are let in; counted when it hits. */
bool sim_fault(struct sim *s, enum fault_kind which);
int64_t sim_latency(struct sim *s); /* of one message, ns */

/* ---- trace.c ------------------------------------------------------------------------------------------- */

void sim_note(struct sim *s, const struct node *n, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The first failure counts. */
void sim_fail(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sim_show(const struct sim *s);
const char *sim_short(const struct hash *h, char out[16]);

/* ---- net.c: requests and their answers ----------------------------------------------------------------- */

struct net_answer {
	bool ok;
	int status;
	struct bytes body;
	struct err err;
	struct cid tree; /* given, where `ask.fetch` was set */
	uint64_t tree_bytes;
	uint64_t pipe; /* a stream was opened */
};

struct ask {
	const char *url, *method, *path;
	struct bytes body;
	struct bytes deal; /* JSON: header Lilypad-Deal */
	struct addr audience;
	uint64_t cursor;
	struct span deadline;   /* 0: 30 s */
	const struct cid *push; /* a tree that is the body */
	const struct cid *fetch;
	uint64_t max;    /* bytes of it */
	uint64_t follow; /* who opens a stream; 0: nobody */
	void (*done)(struct node *n, void *ctx, const struct net_answer *a);
	void *ctx;
	void (*drop)(void *ctx); /* always, with the call; NULL: nothing */
};
/* All is copied. done is called later, once, unless the life of `from` ends. */
void net_ask(struct node *from, const struct ask *a);
/* Answers of a role: connections that are gone are ignored. */
void net_reply(struct node *n, const struct fx *f);
void net_take_tree(struct node *n, const struct fx *f);
void net_give_tree(struct node *n, const struct fx *f);
/* The connection that waits for an answer, as the one that asked for a stream, and when it hears that the stream
 * is open; false: it is gone. */
MUST bool net_open_stream(
        struct node *n, struct conn_id conn, uint64_t pipe, uint64_t *follow, int64_t *at);
void net_refuse(struct node *n, struct conn_id conn, const struct err *e);
/* Everything that the node has under way, on either side. */
void net_crash(struct node *n);
void net_done(struct sim *s);
struct node *net_node(struct sim *s, const char *url);
MUST bool net_apart(const struct sim *s, const struct node *a, const struct node *b);

/* ---- stream.c: event streams --------------------------------------------------------------------------- */

struct frame {
	uint64_t id;
	struct hash topics[8];
	char *name, *data; /* one allocation: name */
	size_t data_n;
};

/* What a role has emitted in this life, as far as it is kept. */
struct hub {
	struct frame *v;
	size_t n, cap;
	bool emitted;
	uint64_t last_id, lost_id;
};

struct follow_how {
	const char *url, *path;
	struct addr audience;
	uint64_t cursor;
	void (*message)(struct node *n, void *ctx, uint64_t id, struct str name, struct str data);
	void (*state)(struct node *n, void *ctx, bool connected, bool lost, const struct err *why);
	void *ctx; /* borrowed */
};
/* Its number. Reconnects by itself for as long as the node lives. */
uint64_t stream_follow(struct node *n, const struct follow_how *how);
void stream_unfollow(struct node *n, uint64_t follow);
void stream_emit(struct node *n, const struct fx *f);
/* FX_STREAM: answers a request by opening it. */
void stream_open(struct node *n, const struct fx *f);
/* Connections break: all of the node, those between two, or one by chance. */
void stream_crash(struct node *n);
void stream_part(struct sim *s, const struct node *a, const struct node *b);
void stream_done(struct sim *s);

/* ---- tree.c: trees between block stores ---------------------------------------------------------------- */

void tree_push(struct node *n, const struct fx *f);
void tree_fetch(struct node *n, const struct fx *f);
/* As an honest directory does it. stop_after: blocks after which the connection breaks; 0: never. */
MUST bool tree_copy(struct node *from, struct node *to, const struct cid *root, uint64_t max,
        size_t stop_after, uint64_t *bytes, struct err *e);

/* ---- executor.c ---------------------------------------------------------------------------------------- */

void executor_run(struct node *n, const struct fx *f);
void executor_kill(struct node *n, const struct fx *f);
/* What every honest machine computes. blobs NULL: only the ids. */
MUST bool executor_outcome(
        const struct job_spec *spec, struct blobs *blobs, struct run_done *out, struct err *e);

/* ---- client.c: the ledger port over the routes of ledgerd ------------------------------------------------ */

struct client;
void client_port(struct node *n, struct ledger_port *out);
void client_free(struct client *c); /* may be NULL */

/* ---- node.c: a host ------------------------------------------------------------------------------------ */

struct account {
	char name[NAME_MAX_ + 1];
	struct seckey key;
	struct addr addr;
	struct store_memory *rows;
	struct blobs_memory *blobs; /* NULL: those of the process go with it */
};

struct node {
	struct sim *sim;
	enum node_kind kind;
	const struct party *party;
	const struct wanted_job *job; /* of a `run` */
	struct account *account;
	char name[NAME_MAX_ + 1], url[URL_MAX + 1];
	struct peer peer;

	/* Of one life. */
	unsigned life;
	bool up, started, stopping, in_event, in_tx, flush_set, lost;
	bool firm, soft_set; /* a commit is due before anything else, or soon (host/turn.c) */
	bool wrote, bound;   /* in the present event */
	bool over;           /* it ended by itself and is not started again */
	int code;
	struct world world;
	struct role role;
	void *self;
	void (*free)(void *self);
	struct ledger_port ledger, chain_port; /* the latter for all lives */
	struct inbox inbox;
	struct client *client;
	struct blobs_memory *blobs;
	struct arena arena;
	struct fx *first, **last; /* effects that wait for the commit */
	struct map timers;        /* tag -> token of the one that counts */
	uint64_t token;
	struct map follows; /* tag -> number */
	struct hub hub;
	unsigned runs;
	unsigned restarts; /* that are coming */
	bool begun;
	uint8_t owner[16]; /* of a `run`: the token that says that it lives */

	/* Of all lives. */
	uint64_t boundaries; /* at which it could have crashed */
	int64_t skew_ms;     /* of its wall clock */
	uint64_t events, effects, crashes;
};

struct node *node_new(struct sim *s, const struct party *p, const struct wanted_job *j);
void node_start(struct node *n);
void node_crash(struct node *n, int64_t down_ns);
void node_stop(struct node *n, int64_t down_ns); /* SIGTERM; down 0: for good */
void node_event(struct node *n, struct event *ev);
/* The process ends for good, of its own accord; or it ends and is started again. */
void node_quit(struct node *n);
void node_retry(struct node *n, int64_t down_ns);
/* At the end of the market. */
void node_end(struct node *n);
struct wall node_wall(const struct node *n);
/* EV_START: wiring is done. */
void node_go(struct node *n);

/* ---- wire.c: roles as the commands wire them ------------------------------------------------------------- */

void wire_market(struct sim *s);
/* The tables that an account's store has. */
const struct record *(*const *wire_tables(enum node_kind kind))(void);
void wire_open(struct node *n);
#define WIRE_ALLOCATION 1000000000000000 /* what a party has at first, token units */
/* The spec of a job; its program and input go into blobs. */
MUST bool wire_spec(const struct sim *s, const struct wanted_job *j, struct blobs *blobs,
        struct job_spec *out, struct err *e);
/* The table whose rows must be in one of these states at the end; false: none. */
MUST bool wire_ends(enum node_kind kind, const struct record **r, uint32_t *states);
MUST bool wire_ends_of_solver(const struct record **r, uint32_t *states);
MUST bool wire_ends_of_mediator(const struct record **r, uint32_t *states);
/* What the party does wrong, of its role's enumeration; 0: nothing. */
unsigned wire_mode(const struct party *p);
MUST bool wire_modes_known(const struct scenario *sc, struct err *e);

/* ---- market.c -------------------------------------------------------------------------------------------- */

struct fake;
struct ledger;
/* The rules as they stand; NULL: the ledger is down. */
const struct ledger *market_rules(const struct sim *s);
/* The ledger is a chain (chain/fake.h). */
void market_chain(struct sim *s);
void market_port(struct node *n, struct ledger_port *out);
void market_reorg(struct sim *s, unsigned blocks, unsigned lose);
void market_pass(struct sim *s, uint64_t seconds);
void market_done(struct sim *s);

/* ---- check.c -------------------------------------------------------------------------------------------- */

/* After each block. */
void check_block(struct sim *s);
/* Whether everything has come to its end. */
MUST bool check_settled(struct sim *s, char *why, size_t size);
/* At the end: the truth, the money. */
void check_end(struct sim *s);

/* ---- sim.c ---------------------------------------------------------------------------------------------- */

struct figures {
	uint64_t steps, events, effects, crashes, faults[FAULT_KINDS];
	uint64_t jobs, done, deals, runs;
};

struct options {
	bool trace;
	uint64_t crash_at; /* boundary of the scenario's `each` node; 0: none */
};

struct sim {
	const struct scenario *sc;
	unsigned rates[FAULT_KINDS];   /* per mille */
	struct mishap drawn[WILD_MAX]; /* of a wild scenario */
	struct options o;
	uint64_t seed, chance;
	int64_t now; /* ns */
	struct queue queue;
	struct account accounts[ACCOUNTS_MAX];
	size_t accounts_n;
	struct node *nodes[NODES_MAX];
	size_t nodes_n;
	struct node *ledger, *solver, *directory;
	struct genesis genesis;
	struct hash domain;
	struct fake *chain;
	struct call *calls;
	struct pipe *pipes;
	struct follow *follows;
	uint64_t ids; /* of calls, pipes, follows */
	bool apart[NODES_MAX][NODES_MAX];
	struct figures n;
	bool failed;
	char why[512];
	char trace[TRACE_LINES][TRACE_WIDTH];
	uint64_t trace_n;
	uint64_t digest; /* of all that was noted */
	uint64_t submits, settled_submits, asks, settled_asks;
	int64_t settled_at;
	bool over;
	char open[256]; /* what is not settled yet */
};

/* What a run leaves. */
struct ending {
	uint64_t boundaries; /* of the scenario's `each` node */
	uint64_t digest;     /* of every step: that of the same run again is the same */
};
/* One run. False: something is wrong, and it was shown what. */
MUST bool sim_run(const struct scenario *sc, uint64_t seed, const struct options *o,
        struct figures *sum, struct ending *out);

#endif
