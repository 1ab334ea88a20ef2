/* held.c - events that wait for what the chain says of a contract's signature (protocol 1.1). The role was given the
 * event and asked about the signature; whatever it made of not knowing is forgotten, and it is given the event again
 * when an answer has come. It looks at signatures before it changes anything, so giving it twice has no effect. */
#include <stdlib.h>

#include "host/host_own.h"
#include "os/clock.h"

enum {
	HELD_MAX = 256,       /* events: past it a role's BUSY stands */
	HELD_MS = 15000,      /* the same after so long */
	HELD_BYTES = 4 << 20, /* of one event: the same past it */
	HELD_LOOK_MS = 500
};

struct held {
	struct held *next;
	struct arena arena; /* holds all that the event points to */
	struct event ev;
	struct mono until;
};

static enum vouch ask(void *self, const struct vouch_for *v, struct amount *funds)
{
	struct host *h = self;
	enum vouch said = h->contracts.ask(h->contracts.self, v, funds);

	if (said == VOUCH_LATER)
		h->asked = true;
	return said;
}

/* ---- copies ---------------------------------------------------------------------------------------------- */

static bool keep_str(struct arena *a, struct str *s)
{
	if (s->n)
		s->p = arena_str(a, *s);
	return s->p || !s->n;
}

static bool keep_bytes(struct arena *a, struct bytes *b)
{
	if (b->n)
		b->p = arena_copy(a, b->p, b->n);
	return b->p || !b->n;
}

static bool keep_request(struct arena *a, struct event *ev)
{
	struct http_req *r = arena_copy(a, ev->request, sizeof *r);
	bool ok = r != NULL;

	for (size_t i = 0; ok && i < COUNT(r->params); i++)
		ok = keep_str(a, &r->params[i]);
	ev->request = r;
	return ok && keep_str(a, &r->path) && keep_str(a, &r->query) && keep_str(a, &r->deal) &&
	       keep_bytes(a, &r->body);
}

static bool keep(struct arena *a, struct event *ev)
{
	struct message *m;
	struct reply *r;

	if (ev->kind == EV_REQUEST)
		return keep_request(a, ev);
	if (ev->kind == EV_MESSAGE) {
		m = arena_copy(a, ev->message, sizeof *m);
		ev->message = m;
		return m && !m->why && keep_str(a, &m->name) && keep_str(a, &m->data);
	}
	if (ev->kind != EV_REPLY)
		return false; /* of no other kind a foreign document is part */
	r = arena_copy(a, ev->reply, sizeof *r);
	ev->reply = r;
	return r && keep_bytes(a, &r->body);
}

/* ---- holding --------------------------------------------------------------------------------------------- */

static struct held *free_one(struct held *x)
{
	arena_done(&x->arena);
	free(x);
	return NULL;
}

bool host_hold(struct host *h, const struct event *ev)
{
	struct held *x;

	if (!h->asked || h->held_n >= HELD_MAX)
		return false;
	x = calloc(1, sizeof *x);
	if (!x)
		return false;
	arena_init(&x->arena, HELD_BYTES);
	x->ev = *ev;
	x->until = h->again ? h->again->until : mono_plus(clock_mono(), span_ms(HELD_MS));
	if (clock_mono().ns >= x->until.ns || !keep(&x->arena, &x->ev)) {
		free_one(x);
		return false;
	}
	*h->held_last = x;
	h->held_last = &x->next;
	h->held_n++;
	return true;
}

/* All that wait, each once: what must wait for another answer is held again behind them. */
static void give_again(struct host *h)
{
	struct held *list = h->held, *next;

	h->held = NULL;
	h->held_last = &h->held;
	h->held_n = 0;
	for (; list; list = next) {
		next = list->next;
		h->again = list;
		host_event(h, &list->ev);
		h->again = NULL;
		free_one(list);
	}
}

static void on_answered(void *ctx)
{
	struct host *h = ctx;

	if (h->held)
		give_again(h);
}

static void on_look(uv_timer_t *t)
{
	struct host *h = t->data;

	if (h->held && clock_mono().ns >= h->held->until.ns)
		give_again(h);
}

/* ---- life ------------------------------------------------------------------------------------------------ */

void host_wrap_contracts(struct host *h)
{
	h->held_last = &h->held;
	h->contracts = h->world->contracts;
	if (!h->contracts.ask)
		return;
	h->world->contracts = (struct contracts){.self = h, .ask = ask};
	h->contracts.listen(h->contracts.self, on_answered, h);
	uv_timer_start(&h->look, on_look, HELD_LOOK_MS, HELD_LOOK_MS);
	uv_unref((uv_handle_t *)&h->look);
}

void host_unwrap_contracts(struct host *h)
{
	if (h->contracts.ask) {
		h->contracts.listen(h->contracts.self, NULL, NULL);
		h->contracts.stop(h->contracts.self);
	}
	h->world->contracts = (struct contracts){.self = NULL};
	while (h->held) {
		struct held *x = h->held;

		h->held = x->next;
		free_one(x);
	}
}
