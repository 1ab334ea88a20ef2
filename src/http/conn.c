/* conn.c - the objects of requests in progress: kept for later requests, found by id. */
#include <stdlib.h>

#include "http/server_own.h"

enum {
	CONN_ARENA_MAX = 256 << 10,
	BODY_KEEP = 64 << 10, /* a buffer above it is given back */
	FREE_MAX = 1024       /* objects that are kept */
};

static bool slot_new(struct http_server *s, struct conn *c)
{
	if (s->slots_n == s->slots_cap) {
		size_t cap = s->slots_cap ? s->slots_cap * 2 : 64;
		struct conn **slots = reallocarray(s->slots, cap, sizeof *slots);
		struct conn **freed;

		if (!slots)
			return false;
		s->slots = slots;
		freed = reallocarray(s->free, cap, sizeof *freed);
		if (!freed)
			return false;
		s->free = freed;
		s->slots_cap = cap;
	}
	c->slot = (uint32_t)s->slots_n;
	s->slots[s->slots_n++] = c;
	return true;
}

static struct conn *conn_new(struct http_server *s)
{
	struct conn *c;

	if (s->slots_n >= HTTP_CONNS_MAX * 2)
		return NULL;
	c = calloc(1, sizeof *c);
	if (!c || !slot_new(s, c)) {
		free(c);
		return NULL;
	}
	c->s = s;
	/* The slot in the low half, how often it was used in the high half; never 0. */
	c->id = (uint64_t)1 << 32 | c->slot;
	arena_init(&c->arena, CONN_ARENA_MAX);
	buf_init(&c->body, HTTP_BODY_MAX);
	return c;
}

bool conn_take(
        struct http_server *s, struct MHD_Connection *mhd, const char *uri, struct conn **out)
{
	struct conn *c = s->free_n ? s->free[--s->free_n] : conn_new(s);
	size_t n = strlen(uri);

	if (!c)
		return false;
	c->uri = (struct str){arena_copy(&c->arena, uri, n + 1), n};
	if (!c->uri.p) {
		conn_give(c);
		return false;
	}
	c->mhd = mhd;
	c->began_s = s->ticks;
	s->open++;
	*out = c;
	return true;
}

static void unlink_waiting(struct conn *c)
{
	struct http_server *s = c->s;

	if (!c->prev && s->wait_first != c)
		return;
	if (c->prev)
		c->prev->next = c->next;
	else
		s->wait_first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		s->wait_last = c->prev;
	c->next = c->prev = NULL;
}

void conn_give(struct conn *c)
{
	struct http_server *s = c->s;

	unlink_waiting(c);
	if (c->mhd)
		s->open--;
	if (c->response)
		MHD_destroy_response(c->response);
	c->tree = tree_in_free(c->tree);
	c->tree_out = tree_out_free(c->tree_out);
	buf_done(&c->tree_head);
	c->sub = sse_unsubscribe(c->sub);
	buf_reset(&c->body);
	if (c->body.cap > BODY_KEEP)
		buf_done(&c->body);
	if (s->free_n >= FREE_MAX)
		arena_done(&c->arena);
	else
		arena_reset(&c->arena);
	*c = (struct conn){.s = s,
	        .slot = c->slot,
	        .id = c->id + ((uint64_t)1 << 32),
	        .arena = c->arena,
	        .body = c->body};
	s->free[s->free_n++] = c;
}

struct conn *conn_of(struct http_server *s, struct conn_id id)
{
	uint32_t slot = (uint32_t)id.v;
	struct conn *c = slot < s->slots_n ? s->slots[slot] : NULL;

	return c && c->id == id.v && c->mhd && c->phase < CONN_ANSWERED ? c : NULL;
}

void conn_pool_done(struct http_server *s)
{
	for (size_t i = 0; i < s->slots_n; i++) {
		arena_done(&s->slots[i]->arena);
		buf_done(&s->slots[i]->body);
		free(s->slots[i]);
	}
	free(s->slots);
	free(s->free);
	s->slots = s->free = NULL;
	s->slots_n = s->free_n = s->slots_cap = 0;
}

void conn_suspend(struct conn *c)
{
	struct http_server *s = c->s;

	assert(!c->suspended);
	MHD_suspend_connection(c->mhd);
	c->suspended = true;
	if (c->sub)
		return;
	c->since_s = s->ticks;
	c->prev = s->wait_last;
	if (s->wait_last)
		s->wait_last->next = c;
	else
		s->wait_first = c;
	s->wait_last = c;
}

void conn_resume(struct conn *c)
{
	if (!c->suspended)
		return;
	unlink_waiting(c);
	c->suspended = false;
	c->s->resumed = true;
	MHD_resume_connection(c->mhd);
	if (!c->s->running)
		server_kick(c->s);
}
