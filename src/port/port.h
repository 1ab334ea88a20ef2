/* port.h - the waist: what a role may ask of the world and what the world tells it.
 *
 * A role is a step function: role_on_event(role, event, effects). Within one event it may call the
 * synchronous ports (store, blobs, signer, rng, log) and append effects. The host opens a store
 * transaction before the events of one loop turn, commits after them, and only then performs their
 * effects (but see `soft`). Every effect is keyed and safe to repeat: after a crash the role finds in its store what
 * is outstanding and asks again on EV_START. Time is a value in the event. */
#ifndef LILYPAD_PORT_PORT_H
#define LILYPAD_PORT_PORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/cid.h"
#include "model/model.h"
#include "port/action.h"

/* ---- synchronous ports ------------------------------------------------------------------------ */

struct rng {
	void *self;
	void (*fill)(void *self, void *out, size_t n);
};

/* One account. sign: 65-byte low-s signature of a 32-byte typed-data digest. */
struct signer {
	void *self;
	struct addr addr;
	bool (*sign)(void *self, const struct hash *digest, struct sig *out, struct err *e);
};

/* What an account that is a contract has to say of a signature. */
enum vouch {
	VOUCH_NO,
	VOUCH_YES,
	VOUCH_LATER /* the chain is being asked: the host gives the event again once it has answered */
};
/* A document that is said to be a contract's (protocol 1.1: by ERC-1271). */
struct vouch_for {
	struct addr account;
	uint64_t number;         /* of its job, offer or deal: the nonce in the document */
	struct hash doc, digest; /* struct hash; typed-data hash under the ledger's domain */
	struct sig sig;
};
/* Accounts that are contracts; `ask` NULL: there are none on this ledger. */
struct contracts {
	void *self;
	/* *funds, with VOUCH_YES: what the account keeps for that number outside the ledger, to pay and bond it
	 * with; zero: it pays from its balance, as anybody. */
	enum vouch (*ask)(void *self, const struct vouch_for *v, struct amount *funds);
	/* Who is told, on the loop, that an answer has come. */
	void (*listen)(void *self, void (*answered)(void *ctx), void *ctx);
	void (*stop)(void *self);
};

enum log_level { LOG_DEBUG, LOG_INFO, LOG_ODD, LOG_BROKEN };
struct logger {
	void *self;
	/* One line. LOG_BROKEN means a bug or a damaged store: a test that sees one fails. */
	void (*line)(void *self, enum log_level level, const char *text);
};
void log_line(const struct logger *l, enum log_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Rows of record tables, keyed by their FF_KEY fields in order. All calls are inside the host's
 * transaction. Rows are plain structs of the record. Lists, texts and signatures are stored; REC and
 * RECS are stored as canonical JSON text. */
struct store {
	void *self;
	/* Insert or replace. */
	bool (*put)(void *self, const struct record *r, const void *row, struct err *e);
	/* Fill row by its key fields. false + NOT_FOUND when absent. */
	bool (*get)(void *self, const struct record *r, void *row, struct err *e);
	bool (*del)(void *self, const struct record *r, const void *row, struct err *e);
	/* Every row in key order, or those whose indexed field `by` equals that of `row`. The callback
	 * returns false to stop. */
	bool (*each)(void *self, const struct record *r, const struct field *by, const void *row,
	        bool (*cb)(void *ctx, const void *row), void *ctx, struct err *e);
	/* The next value of a named counter, from 1, never given twice once the transaction commits, also
	 * when several processes share the store (the transaction is IMMEDIATE). */
	bool (*next)(void *self, const char *counter, uint64_t *out, struct err *e);
};

/* What a store offers to the host that drives it. */
struct store_tx {
	void *self;
	bool (*begin)(void *self, struct err *e);
	bool (*commit)(void *self, struct err *e);
	void (*rollback)(void *self);
};

/* Content-addressed blocks. */
struct blobs {
	void *self;
	bool (*has)(void *self, const struct cid *cid);
	/* Appends the verified bytes. NOT_FOUND, BLOCK_CORRUPT, IO. */
	bool (*get)(void *self, const struct cid *cid, struct buf *out, struct err *e);
	/* Verifies, then stores; durable after sync. */
	bool (*put)(void *self, const struct cid *cid, struct bytes data, struct err *e);
	bool (*sync)(void *self, struct err *e);
};

/* ---- events -------------------------------------------------------------------------------------- */

enum ev_kind {
	EV_START,   /* once, first: recover from the store */
	EV_TIMER,   /* a timer asked for by FX_TIMER */
	EV_REQUEST, /* an HTTP request to a route of this role */
	EV_TREE_IN, /* the tree of a request that was answered by FX_TAKE_TREE has arrived, or failed */
	EV_REPLY,   /* the answer to FX_CALL, or why there is none */
	EV_MESSAGE, /* one message of a stream asked for by FX_FOLLOW */
	EV_LEDGER,  /* from the ledger: stages of an action, or an event of a block */
	EV_TREE,    /* FX_FETCH or FX_PUSH ended */
	EV_RUN,     /* FX_RUN ended */
	EV_STOP     /* last: only answers, FX_EMIT and FX_CALL are performed, no event follows */
};

struct conn_id {
	uint64_t v;
};

/* What the role asked with; comes back in the answer. Keys that fit most uses. */
struct tag {
	uint32_t what; /* the role's own enumeration */
	uint32_t n;
	struct hash key; /* deal id, offer id, ... */
};

struct http_req {
	struct conn_id conn;
	unsigned route;       /* row of the role's route table */
	struct str params[4]; /* the {…} parts of its path, percent-decoded */
	struct str path;      /* as sent, with query */
	struct str query;
	struct str deal;     /* decoded JSON of the Lilypad-Deal header; empty: absent */
	struct bytes body;   /* whole, at most the route's limit; empty for stream routes */
	struct addr account; /* who signed the Request of 9.1; zero: nobody */
	char peer[64];       /* address, for rate limits */
	uint64_t cursor;     /* Last-Event-ID or ?cursor=, for streams */
};

/* Whether a query "a=1&b" has that name, and the raw text after its first "=": empty without one. */
bool query_find(struct str query, const char *name, struct str *out);

struct reply {
	struct tag tag;
	bool ok; /* an answer came, whatever its status */
	int status;
	struct bytes body;
	struct err err; /* !ok: why; ok and status >= 400: the peer's error object */
};

struct message {
	struct tag tag;
	uint64_t id; /* cursor of this message */
	struct str name;
	struct str data; /* JSON */
	bool connected;  /* true, with an empty name: the stream is (again) open */
	bool lost; /* with connected: events after the cursor are gone: reload what they told */
	/* Not NULL: no message; the stream cannot be opened, or has ended, and is tried again. Said once, and
	 * once more when there is another reason. */
	const struct err *why;
};

struct tree_done {
	struct tag tag;
	struct conn_id conn; /* EV_TREE_IN */
	bool ok;
	struct cid root;
	uint64_t bytes;    /* of all blocks */
	struct bytes body; /* FX_PUSH: what the directory answered */
	struct err err;
};

/* What an executor tells about one run (protocol 2.5, 2.8). */
struct run_done {
	struct tag tag;
	bool ok;             /* false: the host failed, see err; there is no result */
	uint8_t status;      /* enum status */
	int32_t exit_code;   /* Completed: of the program */
	uint64_t count;      /* instructions */
	struct cid tree;     /* stdout, stderr, exitCode, outputs/… in the blob store */
	uint64_t tree_bytes; /* of its blocks */
	uint64_t input_bytes;
	uint64_t wall_us;
	char trap[160]; /* ExceptionOccurred: what the engine said */
	struct err err;
};

struct event {
	enum ev_kind kind;
	struct wall wall;
	struct mono now;
	union {
		struct tag timer;
		const struct http_req *request;
		const struct tree_done *tree; /* EV_TREE, EV_TREE_IN */
		const struct reply *reply;
		const struct message *message;
		const struct ledger_note *ledger;
		const struct run_done *run;
	};
};

/* ---- effects ------------------------------------------------------------------------------------- */

enum fx_kind {
	FX_REPLY,     /* answer a request with JSON */
	FX_REPLY_RAW, /* answer with bytes of a content type */
	FX_STREAM,    /* answer a request by opening a stream of events from its cursor */
	FX_EMIT, /* append an event to the role's stream log: subscribers of its topics get it */
	FX_TAKE_TREE, /* go on reading the tree (CAR) that a stream route carries, at most `limit` bytes */
	FX_GIVE_TREE, /* answer with a tree as CAR */
	FX_CALL,      /* HTTP request to a peer, signed (9.1) when audience is set */
	FX_FOLLOW,    /* follow a peer's event stream from a cursor; reconnects by itself */
	FX_SUBMIT,    /* hand an action to the ledger */
	FX_FETCH,     /* fetch a tree from a directory into the blob store */
	FX_PUSH,      /* push a tree from the blob store to a directory */
	FX_RUN,       /* run a job */
	FX_KILL_RUN,
	FX_TIMER, /* replaces a timer with the same tag; zero delay: as soon as possible */
	FX_EXIT   /* end the process loop with a code */
};

struct fx {
	enum fx_kind kind;
	struct tag tag;
	struct conn_id conn;
	int status; /* FX_REPLY */
	struct addr
	        audience; /* FX_CALL, FX_FOLLOW, FX_FETCH, FX_PUSH: the server's account, or zero */
	const char *url;  /* base URL of the peer, no trailing slash */
	const char *method;
	const char *path;      /* with query */
	struct bytes body;     /* JSON, or raw bytes */
	const char *type;      /* content type of FX_REPLY_RAW */
	const char *name;      /* FX_EMIT: event name */
	struct hash topics[8]; /* FX_EMIT: who gets it; FX_STREAM: topics[0] filters, zero: all */
	uint64_t id;    /* FX_EMIT: its cursor, ascending; FX_STREAM, FX_FOLLOW: start after it */
	uint64_t limit; /* FX_TAKE_TREE, FX_FETCH: bytes */
	struct cid root;
	const struct action *action;
	struct hash action_id; /* FX_SUBMIT */
	const struct job_spec *spec;
	struct span delay; /* FX_TIMER; FX_CALL: deadline, 0 = 30 s */
	struct fx *next;
};

/* The effects of one event, in order, in the event's arena. */
struct effects {
	struct arena *arena;
	struct fx *first;
	struct fx **last;
	unsigned n;
	/* What this event wrote, the role would learn again after a crash (an event of the ledger, after the
	 * stored cursor) or do again: its effects do not wait for a commit, which comes soon. Not heeded
	 * where the event signed something or took the next value of a counter. */
	bool soft;
};

#define EFFECTS_MAX 256 /* of one event; a role that wants more is a bug */

void fx_init(struct effects *fx, struct arena *arena);
/* A zeroed effect at the end of the list. */
struct fx *fx_add(struct effects *fx, enum fx_kind kind, struct tag tag);

/* ---- a role ---------------------------------------------------------------------------------------- */

enum route_body { BODY_NONE, BODY_JSON, BODY_TREE };
enum route_auth { AUTH_NONE, AUTH_OPTIONAL, AUTH_REQUEST };

struct route {
	const char *method;
	const char *path; /* "/v1/deals/{id}/signature" */
	enum route_auth auth;
	enum route_body body;
	uint64_t body_max;
	const char *meaning; /* for docs/api.md */
};

struct world {
	struct store store;
	struct blobs blobs;
	struct signer signer;
	struct rng rng;
	struct logger log;
	struct contracts contracts;
};

struct role {
	const char *name;
	const struct route *routes;
	size_t routes_n;
	const struct record *(*const *tables)(void); /* what it stores; ends with NULL */
	void *self;
	void (*on_event)(void *self, const struct event *ev, struct effects *fx);
	/* NULL, or called after the last event of a turn in which something was written, before its
	 * commit, with the time alone: what is best done once for all events of a turn. Its effects
	 * come after theirs. */
	void (*on_turn)(void *self, const struct event *now, struct effects *fx);
};

#endif
