/* sse_reader.h - the receiving side of server-sent events (WHATWG HTML 9.2.6), from pieces of any
 * size. */
#ifndef LILYPAD_HTTP_SSE_READER_H
#define LILYPAD_HTTP_SSE_READER_H

#include "base/bounds.h"
#include "base/buf.h"
#include "base/err.h"

#define SSE_NAME_MAX 63 /* bytes of an event's name; longer ones are cut */

struct sse_reader {
	struct buf line;
	struct buf data;
	bool has_data;
	bool after_cr; /* a line break of two bytes may be cut in the middle */
	bool begun;    /* past a byte order mark */
	char name[SSE_NAME_MAX + 1];
	uint64_t id; /* the last one that came: the cursor to come back with */
	void *self;
	void (*event)(void *self, uint64_t id, struct str name, struct str data);
};

/* cursor: id until the first one comes. Events without data are not told, as the standard says; one
 * without a name is "message". An id that is no number is ignored. */
void sse_reader_init(struct sse_reader *r, uint64_t cursor,
        void (*event)(void *self, uint64_t id, struct str name, struct str data), void *self);
void sse_reader_done(struct sse_reader *r);
/* A new connection: forgets an event that was cut off, keeps the cursor. */
void sse_reader_restart(struct sse_reader *r);
/* PEER: an event above HTTP_BODY_MAX. */
MUST bool sse_reader_feed(struct sse_reader *r, struct bytes piece, struct err *e);

#endif
