/* stream.c - event streams: the log of a role's events with those who listen (http/sse.h), and followers that
 * come back with their cursor by themselves (http/client.h). One connection keeps its order. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "sim.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 5000, STEADY_S = 10, KEEPALIVE_S = 15 };

/* A follower. */
struct follow {
	uint64_t id;
	struct follow *next;
	struct node *node;
	unsigned life;
	struct follow_how how;
	char url[URL_MAX + 1], path[512];
	uint64_t cursor, told; /* told: when its connection ended last */
	int64_t backoff_ms, since;
	bool connected, lost;
	enum err_code told_down; /* why it is down, as it was told; E_NONE: it is not */
	uint64_t pipe;           /* 0: not open */
};

/* An open connection. */
struct pipe {
	uint64_t id;
	struct pipe *next;
	struct node *server, *client;
	unsigned server_life;
	uint64_t follow, cursor;
	struct hash topic;
	int64_t last_at; /* of what was sent last */
};

static struct follow *follow_of(struct sim *s, uint64_t id)
{
	struct follow *f = s->follows;

	while (f && f->id != id)
		f = f->next;
	return f && f->node->up && f->node->life == f->life ? f : NULL;
}

static struct pipe *pipe_of(struct sim *s, uint64_t id)
{
	struct pipe *p = s->pipes;

	while (p && p->id != id)
		p = p->next;
	return p;
}

/* ---- the log ------------------------------------------------------------------------------------------- */

static void frame_free(void *ctx)
{
	struct frame *f = ctx;

	free(f->name);
	free(f);
}

static struct frame *frame_copy(const struct frame *f)
{
	struct frame *c = malloc(sizeof *c);
	size_t n = strlen(f->name) + 1;

	assert(c);
	*c = *f;
	c->name = malloc(n + f->data_n + 1);
	assert(c->name);
	memcpy(c->name, f->name, n);
	c->data = c->name + n;
	memcpy(c->data, f->data, f->data_n);
	return c;
}

static void hub_done(struct hub *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->v[i].name);
	free(h->v);
	*h = (struct hub){0};
}

static void hub_keep(struct hub *h, const struct frame *f, size_t most)
{
	struct frame *copy = frame_copy(f);

	if (h->n == most) {
		h->lost_id = h->v[0].id;
		free(h->v[0].name);
		memmove(h->v, h->v + 1, --h->n * sizeof *h->v);
	}
	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 64;
		h->v = reallocarray(h->v, h->cap, sizeof *h->v);
		assert(h->v);
	}
	h->v[h->n++] = *copy;
	h->last_id = f->id;
	free(copy);
}

static bool wanted(const struct pipe *p, const struct frame *f)
{
	if (hash_is_zero(&p->topic))
		return true;
	for (size_t i = 0; i < COUNT(f->topics); i++) {
		if (hash_eq(&f->topics[i], &p->topic))
			return true;
	}
	return false;
}

/* ---- connections ---------------------------------------------------------------------------------------- */

static void connect_again(struct sim *s, struct node *n, void *id);

/* As stream_ended() of http/client.c. */
static void ended(struct node *n, struct follow *f, const struct err *why)
{
	struct sim *s = n->sim;
	int64_t delay;

	if (f->told != f->cursor || (f->connected && s->now - f->since >= STEADY_S * SEC))
		f->backoff_ms = BACKOFF_FIRST_MS;
	f->told = f->cursor;
	delay = f->backoff_ms;
	f->backoff_ms = MIN2(f->backoff_ms * 2, (int64_t)BACKOFF_MAX_MS);
	if (why->code == E_CONFLICT && f->cursor) {
		f->cursor = f->told = 0;
		f->lost = true;
		delay = 0;
	}
	f->connected = false;
	f->pipe = 0;
	sim_after(s, delay * MS, n, connect_again, (void *)(uintptr_t)f->id, NULL);
	if (f->told_down != why->code && delay) {
		f->told_down = why->code;
		if (f->how.state)
			f->how.state(n, f->how.ctx, false, false, why);
	}
}

static void on_broken(struct sim *s, struct node *n, void *id)
{
	struct follow *f = follow_of(s, (uintptr_t)id);
	struct err e;

	FAIL(&e, UNREACHABLE, "the stream ended");
	if (f && !f->pipe)
		ended(n, f, &e);
}

/* Both ends learn of it; what was on its way is gone. */
static void pipe_break(struct sim *s, struct pipe *p)
{
	struct follow *f = follow_of(s, p->follow);
	struct pipe **at = &s->pipes;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (f && f->pipe == p->id) {
		f->pipe = 0;
		sim_note(s, f->node, "  stream of %s broke", p->server->name);
		sim_after(s, sim_latency(s), f->node, on_broken, (void *)(uintptr_t)f->id, NULL);
	}
	free(p);
}

struct parcel {
	uint64_t pipe;
	struct frame *frame;
};

static void parcel_free(void *ctx)
{
	struct parcel *x = ctx;

	frame_free(x->frame);
	free(x);
}

static void on_frame(struct sim *s, struct node *n, void *ctx)
{
	struct parcel *x = ctx;
	struct pipe *p = pipe_of(s, x->pipe);
	struct follow *f = p ? follow_of(s, p->follow) : NULL;
	struct frame *fr = x->frame;

	if (!f || f->pipe != x->pipe)
		return;
	if (fr->id)
		f->cursor = fr->id;
	if (fr->data_n)
		f->how.message(n, f->how.ctx, fr->id, str_of(fr->name),
		        (struct str){fr->data, fr->data_n});
}

static void pipe_send(struct pipe *p, const struct frame *f)
{
	struct sim *s = p->server->sim;
	struct parcel *x = malloc(sizeof *x);

	assert(x);
	*x = (struct parcel){p->id, frame_copy(f)};
	p->last_at = MAX2(p->last_at + 1, s->now + sim_latency(s));
	sim_after(s, p->last_at - s->now, p->client, on_frame, x, parcel_free);
}

/* A comment that carries the last id: who hears little does not fall behind. */
static void on_keepalive(struct sim *s, struct node *server, void *id)
{
	struct pipe *p = pipe_of(s, (uintptr_t)id);
	struct frame f = {.name = (char[]){""}, .data = (char[]){""}};

	if (!p)
		return;
	if (s->now - p->last_at >= KEEPALIVE_S * SEC) {
		f.id = server->hub.last_id;
		pipe_send(p, &f);
	}
	sim_after(s, KEEPALIVE_S * SEC, server, on_keepalive, id, NULL);
}

/* ---- serving -------------------------------------------------------------------------------------------- */

static bool cursor_ok(const struct hub *h, uint64_t cursor, struct err *e)
{
	if (cursor == 0 || !h->emitted || (cursor >= h->lost_id && cursor <= h->last_id))
		return true;
	return FAIL(e, CONFLICT, "cursor %llu is not between %llu and %llu",
	        (unsigned long long)cursor, (unsigned long long)h->lost_id,
	        (unsigned long long)h->last_id);
}

void stream_open(struct node *n, const struct fx *f)
{
	struct sim *s = n->sim;
	struct pipe *p;
	struct follow *w;
	uint64_t follow;
	int64_t at;
	struct err e;

	if (!cursor_ok(&n->hub, f->id, &e)) {
		net_refuse(n, f->conn, &e);
		return;
	}
	if (!net_open_stream(n, f->conn, s->ids + 1, &follow, &at))
		return;
	w = follow_of(s, follow);
	if (!w)
		return;
	p = calloc(1, sizeof *p);
	assert(p);
	*p = (struct pipe){.id = ++s->ids,
	        .next = s->pipes,
	        .server = n,
	        .server_life = n->life,
	        .client = w->node,
	        .follow = follow,
	        .cursor = f->id,
	        .topic = f->topics[0],
	        .last_at = at};
	s->pipes = p;
	for (size_t i = 0; i < n->hub.n; i++) {
		if (n->hub.v[i].id > f->id && wanted(p, &n->hub.v[i]))
			pipe_send(p, &n->hub.v[i]);
	}
	sim_after(s, KEEPALIVE_S * SEC, n, on_keepalive, (void *)(uintptr_t)p->id, NULL);
}

/* The first event of a life: those who wait with an older cursor may have missed something. */
static void first_event(struct node *n, uint64_t id)
{
	struct sim *s = n->sim;

	n->hub.emitted = true;
	n->hub.lost_id = id - 1;
	for (struct pipe *p = s->pipes, *next; p; p = next) {
		next = p->next;
		if (p->server == n && p->cursor && p->cursor < n->hub.lost_id)
			pipe_break(s, p);
	}
}

void stream_emit(struct node *n, const struct fx *f)
{
	struct sim *s = n->sim;
	struct frame fr = {.id = f->id,
	        .name = (char *)(uintptr_t)f->name,
	        .data = (char *)(uintptr_t)f->body.p,
	        .data_n = f->body.n};

	memcpy(fr.topics, f->topics, sizeof fr.topics);
	if (f->id && n->hub.emitted && f->id <= n->hub.last_id)
		sim_fail(s, "%s emits event %llu after event %llu", n->name,
		        (unsigned long long)f->id, (unsigned long long)n->hub.last_id);
	if (f->id && !n->hub.emitted)
		first_event(n, f->id);
	for (struct pipe *p = s->pipes, *next; p; p = next) {
		next = p->next;
		if (p->server != n || !wanted(p, &fr))
			continue;
		if (sim_fault(s, FAULT_CUT))
			pipe_break(s, p);
		else
			pipe_send(p, &fr);
	}
	if (f->id)
		hub_keep(&n->hub, &fr, s->sc->backlog ? s->sc->backlog : SSE_BACKLOG_MAX);
}

/* ---- following ------------------------------------------------------------------------------------------ */

static void on_answer(struct node *n, void *ctx, const struct net_answer *a)
{
	struct sim *s = n->sim;
	struct follow *f = follow_of(s, *(uint64_t *)ctx);
	struct pipe *p = a->pipe ? pipe_of(s, a->pipe) : NULL;
	bool lost;
	struct err e = a->err;

	if (!f)
		return;
	if (!p || p->server->life != p->server_life) {
		if (!e.code)
			FAIL(&e, UNREACHABLE, "the stream ended");
		ended(n, f, &e);
		return;
	}
	f->pipe = p->id;
	f->connected = true;
	f->told_down = E_NONE;
	f->since = s->now;
	lost = f->lost;
	f->lost = false;
	if (f->how.state)
		f->how.state(n, f->how.ctx, true, lost, NULL);
}

static void connect_again(struct sim *s, struct node *n, void *id)
{
	struct follow *f = follow_of(s, (uintptr_t)id);
	uint64_t *ctx;

	if (!f || f->pipe)
		return;
	ctx = malloc(sizeof *ctx);
	assert(ctx);
	*ctx = f->id;
	net_ask(n, &(struct ask){.url = f->url,
	                   .method = "GET",
	                   .path = f->path,
	                   .audience = f->how.audience,
	                   .cursor = f->cursor,
	                   .follow = f->id,
	                   .done = on_answer,
	                   .ctx = ctx,
	                   .drop = free});
}

uint64_t stream_follow(struct node *n, const struct follow_how *how)
{
	struct sim *s = n->sim;
	struct follow *f = calloc(1, sizeof *f);

	assert(f);
	f->id = ++s->ids;
	f->next = s->follows;
	f->node = n;
	f->life = n->life;
	f->how = *how;
	f->cursor = f->told = how->cursor;
	f->backoff_ms = BACKOFF_FIRST_MS;
	snprintf(f->url, sizeof f->url, "%s", how->url);
	snprintf(f->path, sizeof f->path, "%s", how->path);
	s->follows = f;
	sim_after(s, 0, n, connect_again, (void *)(uintptr_t)f->id, NULL);
	return f->id;
}

void stream_unfollow(struct node *n, uint64_t id)
{
	struct sim *s = n->sim;

	for (struct pipe *p = s->pipes, *next; p; p = next) {
		next = p->next;
		if (p->follow == id)
			pipe_break(s, p);
	}
	for (struct follow **at = &s->follows; *at; at = &(*at)->next) {
		struct follow *f = *at;

		if (f->id != id)
			continue;
		*at = f->next;
		free(f);
		return;
	}
}

/* ---- trouble -------------------------------------------------------------------------------------------- */

void stream_crash(struct node *n)
{
	struct sim *s = n->sim;

	for (struct pipe *p = s->pipes, *next; p; p = next) {
		next = p->next;
		if (p->server == n || p->client == n)
			pipe_break(s, p);
	}
	for (struct follow **at = &s->follows, *f; (f = *at) != NULL;) {
		if (f->node == n) {
			*at = f->next;
			free(f);
		} else {
			at = &f->next;
		}
	}
	hub_done(&n->hub);
}

void stream_part(struct sim *s, const struct node *a, const struct node *b)
{
	for (struct pipe *p = s->pipes, *next; p; p = next) {
		next = p->next;
		if ((p->server == a && p->client == b) || (p->server == b && p->client == a))
			pipe_break(s, p);
	}
}

void stream_done(struct sim *s)
{
	while (s->pipes) {
		struct pipe *p = s->pipes;

		s->pipes = p->next;
		free(p);
	}
	while (s->follows) {
		struct follow *f = s->follows;

		s->follows = f->next;
		free(f);
	}
}
