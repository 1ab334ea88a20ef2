/* effect.c - one function per kind of effect. */
#include <stdlib.h>

#include "host/host_own.h"

static void out_of_memory(struct host *h, const char *what)
{
	log_line(&h->world->log, LOG_BROKEN, "no memory for %s", what);
	host_end(h, 1);
}

/* ---- timers -------------------------------------------------------------------------------------------- */

static void timer_keep(struct host_timer *t)
{
	t->next = t->h->timers_free;
	t->h->timers_free = t;
}

static void on_timer(uv_timer_t *u)
{
	struct host_timer *t = u->data;
	struct event ev = {.kind = EV_TIMER, .timer = t->tag};
	struct host *h = t->h;

	map_del(&h->timers, &t->tag);
	timer_keep(t);
	host_event(h, &ev);
}

static struct host_timer *timer_new(struct host *h)
{
	struct host_timer *t = h->timers_free;

	if (t) {
		h->timers_free = t->next;
		return t;
	}
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->h = h;
	t->t.data = t;
	uv_timer_init(h->o.loop, &t->t);
	return t;
}

static void set_timer(struct host *h, const struct fx *f)
{
	struct host_timer **slot = map_put(&h->timers, &f->tag, NULL);
	struct host_timer *t;

	if (!slot) {
		log_line(&h->world->log, LOG_BROKEN, "more than %u timers", HOST_TIMERS_MAX);
		return;
	}
	t = *slot ? *slot : timer_new(h);
	if (!t) {
		out_of_memory(h, "a timer");
		return;
	}
	*slot = t;
	t->tag = f->tag;
	uv_timer_start(&t->t, on_timer, f->delay.ms > 0 ? (uint64_t)f->delay.ms : 0, 0);
}

static void timer_closed(uv_handle_t *u)
{
	struct host_timer *t = u->data;

	t->h->handles--;
	free(t);
}

static void timer_close(struct host_timer *t)
{
	t->h->handles++;
	uv_close((uv_handle_t *)&t->t, timer_closed);
}

void host_timers_done(struct host *h)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&h->timers, &i, &key, &val);)
		timer_close(*(struct host_timer **)val);
	map_done(&h->timers);
	while (h->timers_free) {
		struct host_timer *t = h->timers_free;

		h->timers_free = t->next;
		timer_close(t);
	}
}

/* ---- calls --------------------------------------------------------------------------------------------- */

/* A call whose answer is awaited. */
struct host_call {
	struct host *h;
	struct tag tag;
	bool last; /* asked for in EV_STOP: the end waits for it */
	struct host_call *next, *prev;
};

static struct host_call *call_new(struct host *h, const struct tag *tag)
{
	struct host_call *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	*p = (struct host_call){
	        .h = h, .tag = *tag, .last = h->phase == HOST_STOPPING, .next = h->calls};
	h->last_calls += p->last;
	if (h->calls)
		h->calls->prev = p;
	h->calls = p;
	return p;
}

static void call_free(struct host_call *p)
{
	p->h->last_calls -= p->last;
	if (p->prev)
		p->prev->next = p->next;
	else
		p->h->calls = p->next;
	if (p->next)
		p->next->prev = p->prev;
	free(p);
}

void host_calls_done(struct host *h)
{
	while (h->calls)
		call_free(h->calls);
}

static void on_answer(void *ctx, const struct http_answer *a)
{
	struct host_call *p = ctx;
	struct reply r = {
	        .tag = p->tag, .ok = a->ok, .status = a->status, .body = a->body, .err = a->err};
	struct event ev = {.kind = EV_REPLY, .reply = &r};
	struct host *h = p->h;

	call_free(p);
	host_event(h, &ev);
}

static const char *url_of(struct host *h, const struct fx *f)
{
	struct buf b OWN(buf_done) = {0};
	const char *out;

	buf_init(&b, 16 << 10);
	buf_fmt(&b, "%s%s", f->url, f->path ? f->path : "");
	out = arena_str(&h->arena, buf_view(&b));
	assert(out);
	return out;
}

static void call(struct host *h, const struct fx *f)
{
	struct host_call *p = call_new(h, &f->tag);
	struct http_call c = {.method = f->method,
	        .url = url_of(h, f),
	        .body = f->body,
	        .audience = f->audience,
	        .answer_max = (size_t)f->limit,
	        .deadline = f->delay,
	        .done = on_answer,
	        .ctx = p};

	if (p && http_client_call(h->client, &c).v)
		return;
	if (p)
		call_free(p);
	out_of_memory(h, "a call");
}

/* ---- streams ------------------------------------------------------------------------------------------- */

static void give_message(struct host_follow *w, struct message *m)
{
	struct event ev = {.kind = EV_MESSAGE, .message = m};

	m->tag = w->tag;
	host_event(w->h, &ev);
}

static void on_message(void *ctx, uint64_t id, struct str name, struct str data)
{
	struct message m = {.id = id, .name = name, .data = data};

	give_message(ctx, &m);
}

static void on_state(void *ctx, bool connected, bool lost, const struct err *why)
{
	struct message m = {.connected = connected, .lost = lost};
	struct host_follow *w = ctx;

	if (!connected)
		log_line(&w->h->world->log, LOG_ODD, "event stream: %s%s%s", why->msg,
		        why->hint[0] ? "; " : "", why->hint);
	m.why = why;
	give_message(w, &m);
}

static void unfollow(struct host *h, const struct tag *tag)
{
	struct host_follow **w = map_get(&h->follows, tag);

	if (!w)
		return;
	http_client_unfollow(h->client, (*w)->handle);
	free(*w);
	map_del(&h->follows, tag);
}

static void follow(struct host *h, const struct fx *f)
{
	struct http_follow how = {
	        .audience = f->audience, .cursor = f->id, .message = on_message, .state = on_state};
	struct host_follow **slot, *w;

	unfollow(h, &f->tag);
	slot = map_put(&h->follows, &f->tag, NULL);
	w = calloc(1, sizeof *w);
	if (!slot || !w) {
		free(w);
		out_of_memory(h, "an event stream");
		return;
	}
	*slot = w;
	*w = (struct host_follow){.h = h, .tag = f->tag};
	how.url = url_of(h, f);
	how.ctx = w;
	w->handle = http_client_follow(h->client, &how);
	if (!w->handle.v)
		out_of_memory(h, "an event stream");
}

void host_follows_done(struct host *h)
{
	map_done_owned(&h->follows);
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

static void emit(struct host *h, const struct fx *f)
{
	struct err e;

	if (h->server && !http_server_emit(h->server, f->id, f->name, f->topics, f->body, &e))
		log_line(&h->world->log, LOG_BROKEN, "%s", e.msg);
	if (h->o.on_emit)
		h->o.on_emit(h->o.emit_ctx, f->name, bytes_str(f->body));
}

static void submit(struct host *h, const struct fx *f)
{
	assert(h->o.ledger.submit);
	h->o.ledger.submit(h->o.ledger.self, f->action, &f->action_id);
}

static void move_tree(struct host *h, const struct fx *f)
{
	const struct tree_port *t = &h->o.tree;

	assert(t->fetch && t->push);
	if (f->kind == FX_FETCH)
		t->fetch(t->self, f->tag, f->url, &f->audience, &f->root, f->body,
		        f->limit ? f->limit : HTTP_TREE_MAX, &h->inbox);
	else
		t->push(t->self, f->tag, f->url, &f->audience, &f->root, f->body, &h->inbox);
}

static void answer(struct host *h, const struct fx *f)
{
	if (!h->server)
		return;
	if (f->kind == FX_STREAM)
		http_server_stream(h->server, f->conn, &f->topics[0], f->id);
	else if (f->kind == FX_TAKE_TREE)
		http_server_take_tree(h->server, f->conn, f->limit);
	else if (f->kind == FX_GIVE_TREE)
		http_server_give_tree(h->server, f->conn, &f->root);
	else
		http_server_reply(h->server, f->conn, f->status ? f->status : 200,
		        f->kind == FX_REPLY_RAW ? f->type : NULL, f->body);
}

/* What is still done once EV_STOP has been given: calls are its own, no event comes after it. */
static bool done_at_the_end(const struct fx *f)
{
	return f->kind == FX_REPLY || f->kind == FX_REPLY_RAW || f->kind == FX_EMIT ||
	       f->kind == FX_GIVE_TREE || f->kind == FX_CALL;
}

void host_perform(struct host *h, const struct fx *f)
{
	if (h->phase == HOST_STOPPING && !done_at_the_end(f))
		return;
	h->figures.effects[f->kind]++;
	switch (f->kind) {
	case FX_REPLY:
	case FX_REPLY_RAW:
	case FX_STREAM:
	case FX_TAKE_TREE:
	case FX_GIVE_TREE: answer(h, f); break;
	case FX_EMIT: emit(h, f); break;
	case FX_CALL: call(h, f); break;
	case FX_FOLLOW: follow(h, f); break;
	case FX_SUBMIT: submit(h, f); break;
	case FX_FETCH:
	case FX_PUSH: move_tree(h, f); break;
	case FX_RUN:
		assert(h->o.exec.run);
		h->o.exec.run(h->o.exec.self, f->tag, f->spec, &h->inbox);
		break;
	case FX_KILL_RUN:
		assert(h->o.exec.kill);
		h->o.exec.kill(h->o.exec.self, f->tag);
		break;
	case FX_TIMER: set_timer(h, f); break;
	case FX_EXIT:
		h->exited = true;
		h->code = f->status;
		host_stop(h);
		break;
	}
}
