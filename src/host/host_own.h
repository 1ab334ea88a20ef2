/* host_own.h - what the files of the host share. */
#ifndef LILYPAD_HOST_HOST_OWN_H
#define LILYPAD_HOST_HOST_OWN_H

#include "base/map.h"
#include "host/host.h"
#include "http/auth.h"
#include "http/client.h"
#include "http/router.h"
#include "http/server.h"

struct host;
struct host_call;
struct held;

/* A timer of the role; kept for the next one when it has fired. */
struct host_timer {
	uv_timer_t t;
	struct host *h;
	struct tag tag;
	struct host_timer *next; /* of the free ones */
};

/* An event stream that the role follows. */
struct host_follow {
	struct host *h;
	struct tag tag;
	struct http_handle handle;
};

struct host_figures {
	uint64_t events[EV_STOP + 1];
	uint64_t effects[FX_EXIT + 1];
	uint64_t commits, limited;
};

enum host_phase {
	HOST_NEW,
	HOST_RUNNING,
	HOST_WAITING,  /* the store cannot be written: see lost.c */
	HOST_STOPPING, /* EV_STOP was given: answers are still sent, its calls answered */
	HOST_ENDED
};

struct host {
	struct host_options o;
	struct world *world;
	struct store store;             /* the world's own, below the wrapper */
	struct contracts contracts;     /* as well */
	bool asked;                     /* the event at hand waits for them: see held.c */
	struct held *held, **held_last; /* events that wait */
	struct held *again;             /* the one that is given again */
	size_t held_n;
	uv_timer_t look;
	struct inbox inbox;
	enum host_phase phase;
	bool in_event; /* the role or an effect is being run */
	bool in_tx;
	bool firm; /* what is written and not committed has to be before anything else is done */
	bool wrote, bound; /* in the present event: rows; a signature or the value of a counter */
	uv_timer_t soft;   /* what need not be durable at once is after SOFT_MS */
	struct signer signer; /* the world's own, below the wrapper */
	bool daemon;          /* of a process of its own: it may wait for better times */
	struct err lost;      /* why the store cannot be written; code E_NONE: it can */
	uint64_t made_up;     /* numbers given in a turn that does not count */
	bool exited;
	int code;
	struct arena arena; /* of the turn's events */
	struct fx *first;   /* effects that wait for the commit */
	struct fx **last;
	struct http_server *server;
	struct http_client *client;
	struct auth_check auth;
	struct http_identity who;
	struct route routes[ROUTES_MAX];
	size_t routes_n;
	struct wall start;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_timer_t drain;
	uv_signal_t sigterm, sigint;
	unsigned handles; /* open ones, without timers of the role */
	bool signals;
	struct mono stop_since;
	struct map timers; /* tag -> struct host_timer * */
	struct host_timer *timers_free;
	struct map follows; /* tag -> struct host_follow * */
	struct map rates;
	struct host_call *calls;
	unsigned last_calls; /* of them those of EV_STOP */
	struct host_figures figures;
	struct err unread; /* why a tree could not be given, the last time */
};

#define HOST_TIMERS_MAX  (4u << 20)
#define HOST_FOLLOWS_MAX 4096

/* ---- turn.c ---- */
/* Gives the role one event, with the time that it is now. Its effects are performed at once, or after the commit
 * when something was written in this turn. */
void host_event(struct host *h, struct event *ev);
/* The end of a turn: commit, then effects. */
void host_flush(struct host *h);
void host_wrap(struct host *h);
void host_unwrap(struct host *h);
void host_end(struct host *h, int code);

/* ---- lost.c ---- */
/* Whether a failed write is the world's fault and may pass. The turn does not count then: its writes are
 * said to be done, and its effects are dropped. */
MUST bool host_lose(struct host *h, const struct err *e);
MUST bool host_is_lost(const struct host *h);
/* The end of such a turn: a daemon waits until the store can be written, a command ends. */
void host_wait(struct host *h);

/* ---- held.c ---- */
void host_wrap_contracts(struct host *h);
void host_unwrap_contracts(struct host *h);
/* Whether the event that the role was given just now is to be given again; its effects are not performed then. */
MUST bool host_hold(struct host *h, const struct event *ev);

/* ---- effect.c ---- */
void host_perform(struct host *h, const struct fx *f);
void host_timers_done(struct host *h);
void host_follows_done(struct host *h);
void host_calls_done(struct host *h);

/* ---- request.c ---- */
void host_on_request(void *ctx, const struct http_req *req);
void host_add_routes(struct host *h);

#endif
