/* turn.c - event, transaction, effects (architecture.md): the heart of every daemon.
 *
 * The first write of a turn begins the transaction. While none is open, what an event asks for is done
 * at once: reads are answered without waiting. From the first write on, the effects of all events of the
 * turn wait for its commit, in order; but what an event wrote that is soft (port/port.h) waits for the commit of
 * another one, or SOFT_MS. */
#include "host/host_own.h"
#include "os/clock.h"

/* A turn that gathers so much is committed before its end. */
enum { TURN_BYTES = 8 << 20, SOFT_MS = 50 };
#define MADE_UP_NUMBERS ((uint64_t)1 << 62)

/* ---- the wrapped store --------------------------------------------------------------------------------- */

static bool begin(struct host *h, struct err *e)
{
	if (h->in_tx)
		return true;
	TRY(h->o.tx.begin(h->o.tx.self, e), e);
	h->in_tx = true;
	return true;
}

/* A role goes on to the end of its event as if all were well when the disk is full, say: nothing of that
 * counts any more. */
static bool put(void *self, const struct record *r, const void *row, struct err *e)
{
	struct host *h = self;

	h->wrote = true;
	if (host_is_lost(h))
		return true;
	return (begin(h, e) && h->store.put(h->store.self, r, row, e)) || host_lose(h, e);
}

static bool del(void *self, const struct record *r, const void *row, struct err *e)
{
	struct host *h = self;

	h->wrote = true;
	if (host_is_lost(h))
		return true;
	return (begin(h, e) && h->store.del(h->store.self, r, row, e)) || host_lose(h, e);
}

static bool next(void *self, const char *counter, uint64_t *out, struct err *e)
{
	struct host *h = self;

	h->wrote = h->bound = true;
	if (!host_is_lost(h)) {
		if (begin(h, e) && h->store.next(h->store.self, counter, out, e))
			return true;
		if (!host_lose(h, e))
			return false;
	}
	/* Higher than any that was given: so much a role may rely on. */
	*out = MADE_UP_NUMBERS + h->made_up++;
	return true;
}

static bool get(void *self, const struct record *r, void *row, struct err *e)
{
	struct host *h = self;

	return h->store.get(h->store.self, r, row, e);
}

static bool each(void *self, const struct record *r, const struct field *by, const void *row,
        bool (*cb)(void *ctx, const void *row), void *ctx, struct err *e)
{
	struct host *h = self;

	return h->store.each(h->store.self, r, by, row, cb, ctx, e);
}

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	struct host *h = self;

	h->bound = true;
	return h->signer.sign(h->signer.self, digest, out, e);
}

void host_wrap(struct host *h)
{
	h->store = h->world->store;
	h->world->store = (struct store){h, put, get, del, each, next};
	h->signer = h->world->signer;
	h->world->signer = (struct signer){h, h->signer.addr, sign};
}

void host_unwrap(struct host *h)
{
	h->world->store = h->store;
	h->world->signer = h->signer;
}

/* ---- turns --------------------------------------------------------------------------------------------- */

static void perform_all(struct host *h)
{
	const struct fx *f = h->first;

	h->first = NULL;
	h->last = &h->first;
	h->in_event = true;
	for (; f && h->phase != HOST_ENDED; f = f->next)
		host_perform(h, f);
	h->in_event = false;
	arena_reset(&h->arena);
}

static void append(struct host *h, const struct effects *fx)
{
	if (!fx->first)
		return;
	*h->last = fx->first;
	h->last = fx->last;
}

/* False: what it wrote is lost, and the turn with it. */
static bool end_turn(struct host *h)
{
	struct event now = {.wall = clock_wall(), .now = clock_mono()};
	struct effects fx;

	if (!h->o.role.on_turn)
		return true;
	fx_init(&fx, &h->arena);
	h->in_event = true;
	h->o.role.on_turn(h->o.role.self, &now, &fx);
	h->in_event = false;
	append(h, &fx);
	return !host_is_lost(h);
}

static void on_soft(uv_timer_t *t)
{
	struct host *h = t->data;

	h->firm = h->in_tx;
	host_flush(h);
}

void host_flush(struct host *h)
{
	struct err e;

	if (h->in_tx && h->firm && !end_turn(h)) {
		host_wait(h);
		return;
	}
	if (h->in_tx && h->firm) {
		h->in_tx = h->firm = false;
		h->figures.commits++;
		if (!h->o.tx.commit(h->o.tx.self, &e)) {
			if (host_lose(h, &e)) {
				host_wait(h);
				return;
			}
			/* What the role believes is no longer what is stored: only a restart mends that. */
			log_line(&h->world->log, LOG_BROKEN, "commit failed: %s", e.msg);
			h->first = NULL;
			h->last = &h->first;
			host_end(h, 1);
			return;
		}
	}
	if (h->first)
		perform_all(h);
	if (h->in_tx && !uv_is_active((uv_handle_t *)&h->soft) && h->phase == HOST_RUNNING)
		uv_timer_start(&h->soft, on_soft, SOFT_MS, 0);
}

/* An event is over. Nobody is told anything that could be otherwise after a crash: what was signed or numbered,
 * and all before it, is durable first. */
static void weigh(struct host *h, const struct effects *fx)
{
	if (h->in_tx && (h->bound || (h->wrote && !fx->soft)))
		h->firm = true;
}

void host_event(struct host *h, struct event *ev)
{
	struct effects fx;

	assert(!h->in_event);
	if (h->phase == HOST_WAITING && ev->kind == EV_TREE_IN && h->server)
		http_server_reply_err(h->server, ev->tree->conn, &h->lost);
	if (h->phase == HOST_ENDED || h->phase == HOST_WAITING ||
	        (h->phase == HOST_STOPPING && ev->kind != EV_STOP))
		return;
	ev->wall = clock_wall();
	ev->now = clock_mono();
	fx_init(&fx, &h->arena);
	h->figures.events[ev->kind]++;
	h->wrote = h->bound = false;
	h->in_event = true;
	h->asked = false;
	h->o.role.on_event(h->o.role.self, ev, &fx);
	h->in_event = false;
	if (!host_hold(h, ev))
		append(h, &fx);
	weigh(h, &fx);
	if (host_is_lost(h))
		host_wait(h);
	else if (!h->firm)
		perform_all(h);
	else if (h->arena.used > TURN_BYTES)
		host_flush(h);
}
