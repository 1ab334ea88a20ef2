/* server.h - the HTTP server of a role: libmicrohttpd on the libuv loop. It routes, bounds and
 * authenticates requests, hands them over, and answers by connection id whenever the answer comes.
 *
 * Requests are handed over one by one from within the loop turn in which they arrived; an answer that
 * is given before the callback returns goes out at once, others when they are given. All functions
 * ignore a conn_id whose caller has gone. */
#ifndef LILYPAD_HTTP_SERVER_H
#define LILYPAD_HTTP_SERVER_H

#include <uv.h>

#include "http/auth.h"

struct http_server;

struct http_server_options {
	uv_loop_t *loop;
	const char *ip;             /* to listen on, IPv4 or IPv6 */
	uint16_t port;              /* 0: any free one */
	const struct route *routes; /* borrowed, as all below */
	size_t routes_n;
	const struct blobs *blobs; /* of trees; NULL: no route has them */
	struct auth_check *auth;   /* NULL: nobody can sign, routes that want it answer 401 */
	uint64_t seed;             /* random */
	unsigned
	        conns_max; /* open connections; 0: HTTP_CONNS_MAX. Past it the longest idle is closed */
	unsigned answer_s; /* an unanswered request gets TIMEOUT then; 0: HTTP_ANSWER_S */
	unsigned read_s;   /* one that has not arrived whole by then is cut; 0: HTTP_READ_S */

	/* A request is whole; on a BODY_TREE route, its headers are there. Valid in the callback. */
	void (*request)(void *ctx, const struct http_req *req);
	/* The tree of a request that was answered by http_server_take_tree() has come, or not. */
	void (*tree)(void *ctx, const struct tree_done *done);
	/* A tree that was asked for cannot be read to its end: a block is damaged or missing. NULL: not
	 * wanted. */
	void (*unread)(void *ctx, const struct err *e);
	/* After the requests of a turn. */
	void (*turn)(void *ctx);
	void *ctx;
};

/* CONFIG: no such address; IO: the port is taken. */
MUST bool http_server_new(
        const struct http_server_options *o, struct http_server **out, struct err *e);
uint16_t http_server_port(const struct http_server *s);
/* No new connections; streams end; what was asked before may still be answered. */
void http_server_stop(struct http_server *s);
/* Requests that are not answered whole yet, without streams. */
size_t http_server_pending(const struct http_server *s);
/* Cuts what is left. The loop must run once more to close the handles. */
struct http_server *http_server_free(struct http_server *s);

/* ---- answers ---- */
/* The body is copied. type NULL: application/json. 429 and 503 carry Retry-After. */
void http_server_reply(struct http_server *s, struct conn_id conn, int status, const char *type,
        struct bytes body);
/* The error object of e, with its status. */
void http_server_reply_err(struct http_server *s, struct conn_id conn, const struct err *e);
/* The error object of e for every request that its role has not answered yet. */
void http_server_fail_waiting(struct http_server *s, const struct err *e);
/* A stream of events with that topic (zero: all) after the cursor; see sse.h. */
void http_server_stream(
        struct http_server *s, struct conn_id conn, const struct hash *topic, uint64_t cursor);
/* Go on reading the tree that the request carries: at most limit bytes (0: the route's). */
void http_server_take_tree(struct http_server *s, struct conn_id conn, uint64_t limit);
/* What is read first, some 64 KiB, is read at once: where that fails its error is the answer. Where a later
 * block cannot be read the connection ends in the middle. */
void http_server_give_tree(struct http_server *s, struct conn_id conn, const struct cid *root);

/* An event for those who listen: as sse_emit(). It goes out at the end of the turn. */
MUST bool http_server_emit(struct http_server *s, uint64_t id, const char *name,
        const struct hash topics[8], struct bytes data, struct err *e);

/* Prometheus text: lilypad_http_requests_total{route,method,status}, connections, streams, bytes. */
void http_server_metrics(const struct http_server *s, struct buf *out);

#endif
