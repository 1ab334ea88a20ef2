/* server_own.h - what the files of the server share. */
#ifndef LILYPAD_HTTP_SERVER_OWN_H
#define LILYPAD_HTTP_SERVER_OWN_H

#include <microhttpd.h>

#include "http/router.h"
#include "http/server.h"
#include "http/sse.h"
#include "http/tree.h"

/* Statuses that are counted by themselves; the last counts all others. */
#define HTTP_STATUSES                                                                              \
	{                                                                                          \
		200, 201, 202, 204, 400, 401, 402, 403, 404, 405, 409, 413, 429, 500, 502, 503,    \
		        504, 507, 0                                                                \
	}
enum { HTTP_STATUSES_N = 19 };

enum conn_phase {
	CONN_NEW,   /* its URI is known */
	CONN_HEAD,  /* of a tree: its headers were handed over */
	CONN_BODY,  /* the body is read */
	CONN_ASKED, /* the request was handed over whole */
	CONN_ANSWERED
};

/* One request. The objects are used again for later ones. */
struct conn {
	struct http_server *s;
	struct MHD_Connection *mhd;
	uint64_t id;
	uint32_t slot;
	enum conn_phase phase;
	bool in_handler;
	bool suspended;
	bool asked_again;   /* awake without an answer once already */
	bool drop;          /* what is left of the body is not wanted */
	bool cut;           /* of a stream: ended by the server */
	struct arena arena; /* uri, decoded parameters, headers */
	struct str uri;
	const char *method;
	struct routed to;
	const struct route *route; /* NULL: none */
	uint64_t got;              /* bytes of the body */
	uint64_t dropped;          /* of them, read and forgotten */
	struct buf body;
	struct tree_in *tree;
	struct tree_out *tree_out;
	struct buf tree_head; /* of the tree: what was read before the answer began */
	struct sse_sub *sub;
	struct MHD_Response *response; /* that waits to be queued */
	int status;
	uint64_t began_s;         /* when its URI was read, in ticks of the server */
	uint64_t since_s;         /* when it was handed over */
	struct conn *next, *prev; /* of those that wait for an answer, oldest first */
};

/* One TCP connection. */
struct sock {
	char peer[64];
	int fd;
	uint64_t idle_s; /* since when no request is in progress, in ticks of the server */
	bool busy;       /* a request is in progress */
	bool closing;
	struct sock *next, *prev; /* of the idle ones, longest first */
};

struct http_server {
	struct http_server_options o;
	struct MHD_Daemon *daemon;
	struct router *router;
	struct sse_hub *hub;
	uv_poll_t poll;
	uv_timer_t tick, again;
	unsigned handles; /* that are not closed yet */
	bool resumed;     /* a connection waits for MHD_run() */
	bool running;
	bool stopping;
	uint16_t port;
	uint64_t ticks; /* seconds */
	struct conn **slots;
	size_t slots_n, slots_cap;
	struct conn **free;
	size_t free_n;
	struct conn *wait_first, *wait_last;
	struct sock *idle_first, *idle_last;
	size_t socks;
	size_t open; /* requests in progress, streams included */
	uint64_t counts[ROUTES_MAX + 1][HTTP_STATUSES_N]; /* the last row: no route */
	uint64_t bytes_in, cut_streams, cut_slow;
};

/* ---- server.c ---- */
/* Flush and run on the next turn of the loop. */
void server_kick(struct http_server *s);

/* ---- conn.c: the objects ---- */
MUST bool conn_take(
        struct http_server *s, struct MHD_Connection *mhd, const char *uri, struct conn **out);
void conn_give(struct conn *c);
struct conn *conn_of(struct http_server *s, struct conn_id id);
void conn_pool_done(struct http_server *s);
/* Sleep until resumed; counted among those that wait for an answer unless it is a stream. */
void conn_suspend(struct conn *c);
void conn_resume(struct conn *c);

/* ---- request.c: reading ---- */
enum MHD_Result server_handle(void *cls, struct MHD_Connection *mhd, const char *url,
        const char *method, const char *version, const char *data, size_t *size, void **con);

/* ---- answer.c ---- */
/* Queues c->response. */
enum MHD_Result conn_send(struct conn *c);
void conn_answer(struct conn *c, int status, const char *type, struct bytes body);
void conn_answer_err(struct conn *c, const struct err *e);

#endif
