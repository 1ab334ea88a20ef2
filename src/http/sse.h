/* sse.h - the log of a role's events and those who listen to it (server-sent events, WHATWG HTML
 * 9.2). An event is framed once; its bytes are shared by all who get it. The log keeps the last
 * SSE_BACKLOG_MAX events for those who come back with a cursor. Knows no sockets. */
#ifndef LILYPAD_HTTP_SSE_H
#define LILYPAD_HTTP_SSE_H

#include "base/bounds.h"
#include "base/err.h"
#include "base/map.h"

#define SSE_TOPICS      8
#define SSE_KEEPALIVE_S 15 /* a silent stream carries a comment that often */

struct sse_hub;
struct sse_sub;

MUST bool sse_hub_new(uint64_t seed, struct sse_hub **out, struct err *e);
/* All subscriptions must have ended. */
struct sse_hub *sse_hub_free(struct sse_hub *h);

/* id ascends from event to event; 0: live only, not kept and without a cursor. Zero topics count as
 * absent. INTERNAL: an id that does not ascend; MEMORY. Nobody is woken before sse_flush(). */
MUST bool sse_emit(struct sse_hub *h, uint64_t id, struct str name,
        const struct hash topics[SSE_TOPICS], struct str data, struct err *e);

struct sse_listener {
	void (*wake)(void *ctx); /* there is something to read */
	void (*cut)(void *ctx);  /* more than SSE_QUEUE_MAX bytes wait, or its place is forgotten */
	void *ctx;
};
/* topic zero: all events. cursor: events after it; 0: whatever is still kept. CONFLICT: the cursor is
 * older than what is kept, or of another log: the caller must load the state anew. BUSY: too many
 * topics. */
MUST bool sse_subscribe(struct sse_hub *h, const struct hash *topic, uint64_t cursor,
        const struct sse_listener *l, struct sse_sub **out, struct err *e);
struct sse_sub *sse_unsubscribe(struct sse_sub *s);
/* The next bytes of the stream, at most max; 0: none now. */
size_t sse_read(struct sse_sub *s, char *out, size_t max);
/* Wakes those who have something to read; once per loop turn. */
void sse_flush(struct sse_hub *h);
/* Once a second: comments for silent streams. */
void sse_tick(struct sse_hub *h);
size_t sse_subscribers(const struct sse_hub *h);
uint64_t sse_last_id(const struct sse_hub *h);

#endif
