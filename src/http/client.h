/* client.h - HTTP requests on the loop, with libcurl's multi interface: calls with a deadline, streamed
 * uploads and downloads, and event streams that reconnect by themselves. Requests to an audience are
 * signed (protocol 9.1).
 *
 * Callbacks are called on the loop, never from within the function that started the call. A failed
 * call carries UNREACHABLE, TIMEOUT or PEER naming the URL; an answer with a status of 400 or more
 * carries the peer's own error object, when it sent one. */
#ifndef LILYPAD_HTTP_CLIENT_H
#define LILYPAD_HTTP_CLIENT_H

#include <uv.h>

#include "http/auth.h"

struct http_client;

struct http_answer {
	bool ok; /* an answer came whole, whatever its status */
	int status;
	struct bytes
	        body; /* at most answer_max bytes; empty when `data` took it. Valid in the callback */
	struct err err; /* !ok: why; status >= 400: the peer's error object, or PEER */
};

struct http_call {
	const char *method;
	const char *url; /* "http://host:port/path?query"; what follows the host is signed */
	const char *unix_socket; /* path of the socket that is spoken to, NULL: TCP */
	const char *headers;     /* "Name: value\nName: value", or NULL */
	const char *type;        /* content type of the body; NULL: application/json */
	struct bytes body;
	struct addr audience; /* the server's account: the request is signed; zero: it is not */
	struct str root;      /* of a streamed body: its declared root, which is what is signed */
	size_t answer_max;    /* bytes; 0: HTTP_BODY_MAX. PEER past it */
	struct span deadline; /* of the whole call; 0: 30 s, of a streamed one none */
	struct span silence;  /* no byte moved for so long: TIMEOUT; 0: 30 s. At least a second */

	/* Upload: gives the next piece, *n = 0 at the end; false ends the call with *e. NULL: `body`. */
	bool (*read)(void *ctx, uint8_t *out, size_t max, size_t *n, struct err *e);
	/* Download: takes the pieces of an answer with a status of 200 to 299; false ends the call with
	 * *e. NULL: collected in the answer's body. */
	bool (*data)(void *ctx, struct bytes piece, struct err *e);
	/* Once, last. */
	void (*done)(void *ctx, const struct http_answer *a);
	void *ctx;
};

/* who signs; NULL or a zero account: calls to an audience fail with KEY. Copied; the ports in it are
 * borrowed. */
MUST bool http_client_new(
        uv_loop_t *loop, const struct http_identity *who, struct http_client **out, struct err *e);
/* Ends all calls without their callbacks. The loop must run once more to close the handles. */
struct http_client *http_client_free(struct http_client *c);

/* A call or stream in progress; 0 is none. */
struct http_handle {
	uint64_t v;
};

/* All texts and the body are copied. More than HTTP_CALLS_MAX calls in progress: done is given BUSY. The
 * handle is 0 when there is no memory even for that: done is not called then. */
struct http_handle http_client_call(struct http_client *c, const struct http_call *call);
/* Ends a call without its callback; no matter when it has ended already. */
void http_client_cancel(struct http_client *c, struct http_handle h);
/* Calls in progress, without streams. */
size_t http_client_pending(const struct http_client *c);

/* A server-sent event stream (text/event-stream). Reconnects after 0.1 s, doubling up to 5 s, with
 * Last-Event-ID; 45 s without a byte means dead. When the server says that the cursor is too old
 * (CONFLICT), it starts over from the oldest event there is and says `lost`. */
struct http_follow {
	const char *url;
	struct addr audience;
	uint64_t cursor; /* events after it; 0: all that the server still has */
	/* data may be empty. Texts are valid in the callback. An event above HTTP_BODY_MAX is dropped with
	 * the connection. */
	void (*message)(void *ctx, uint64_t id, struct str name, struct str data);
	/* Open (again): why NULL. Closed or not reached: why says it; once per change. NULL: not wanted. */
	void (*state)(void *ctx, bool connected, bool lost, const struct err *why);
	void *ctx;
};
struct http_handle http_client_follow(struct http_client *c, const struct http_follow *f);
void http_client_unfollow(struct http_client *c, struct http_handle h);

/* One call, waited for: for commands. who as in http_client_new(). `done` and `ctx` are not used; the
 * answer's body is put into *body. The result says whether an answer came; its status may be an error:
 * http_answer_check(). */
MUST bool http_call_sync(const struct http_identity *who, const struct http_call *call,
        struct http_answer *out, struct buf *body, struct err *e);
/* *e = a->err unless the answer came and its status is below 400. */
MUST bool http_answer_check(const struct http_answer *a, struct err *e);

#endif
