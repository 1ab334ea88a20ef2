/* fake.c - blocks over the pure rules. The rules cannot go back, so a reorganisation builds them anew from
 * the blocks that stay. */
#include "chain/fake.h"

#include <stdlib.h>

#include "port/action_json.h"

enum { BLOCK_EVERY_MS = 1000 };

/* One event, and whom it concerns. */
struct told {
	struct ledger_event event;
	struct addr concerned[LEDGER_CONCERNED_MAX];
	size_t concerned_n;
};

/* An action on its way, waiting, or in a block. */
struct item {
	struct item *next;
	struct action a;
	struct settle_item *items; /* of a list: owned */
	struct hash id;
	struct client *from;
	struct mono due;
	bool failed;
	struct err err;
	size_t events;     /* 0: refused, or a repetition */
	struct told *told; /* 1 + the items of a list: owned */
};

struct fake_block {
	uint64_t number;
	struct btime time;
	struct item *items;
};

struct client {
	struct fake *f;
	struct inbox in;
	struct addr account;
	uint64_t seq; /* of the last event that it was told, or that does not concern it */
	bool started;
};

struct fake {
	struct fake_options o;
	struct genesis genesis;
	struct ledger *l;
	uint64_t random;
	struct mono now, next_block;
	uint64_t ahead; /* seconds that block time runs ahead */
	bool down;
	struct item *coming, *waiting;
	struct fake_block *blocks;
	size_t n, cap, final; /* blocks; how many of them are final */
	struct client clients[FAKE_PORTS_MAX];
	size_t clients_n;
};

static uint64_t draw(struct fake *f, uint64_t n)
{
	uint64_t z = (f->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return n ? (z ^ (z >> 31)) % n : 0;
}

static void append(struct item **list, struct item *x)
{
	while (*list)
		list = &(*list)->next;
	x->next = NULL;
	*list = x;
}

static void item_free(struct item *x)
{
	free(x->items);
	free(x->told);
	free(x);
}

static void items_free(struct item *x)
{
	while (x) {
		struct item *next = x->next;

		item_free(x);
		x = next;
	}
}

/* ---- notes -------------------------------------------------------------------------------------- */

static struct btime confirmed(const struct fake *f)
{
	return f->final ? f->blocks[f->final - 1].time : f->genesis.time;
}

static void tell(struct client *c, struct ledger_note *n)
{
	if (!c || !c->started)
		return;
	n->time = confirmed(c->f);
	c->in.ledger(c->in.self, n);
}

static void tell_stage(const struct item *x, enum ledger_stage stage, const struct err *why)
{
	struct ledger_note n = {.stage = stage, .action_id = x->id, .failed = x->failed};

	if (why)
		n.err = *why;
	else if (x->failed)
		n.err = x->err;
	tell(x->from, &n);
}

static void tell_all(struct fake *f, enum ledger_stage stage, const struct err *why)
{
	for (size_t i = 0; i < f->clients_n; i++) {
		struct ledger_note n = {.stage = stage};

		if (why)
			n.err = *why;
		tell(&f->clients[i], &n);
	}
}

static bool concerns(const struct client *c, const struct told *t)
{
	for (size_t i = 0; i < t->concerned_n; i++) {
		if (addr_eq(&t->concerned[i], &c->account))
			return true;
	}
	return addr_is_zero(&c->account);
}

static void tell_events(struct client *c, const struct item *x)
{
	for (size_t i = 0; i < x->events; i++) {
		const struct told *t = &x->told[i];
		struct ledger_note n = {.stage = LEDGER_EVENT,
		        .action_id = x->id,
		        .event = t->event,
		        .final = true};

		if (t->event.seq <= c->seq || !c->started)
			continue;
		c->seq = t->event.seq;
		if (concerns(c, t))
			tell(c, &n);
	}
}

/* All that is final and that it has not been told. */
static void catch_up(struct fake *f, struct client *c)
{
	for (size_t i = 0; i < f->final; i++) {
		for (const struct item *x = f->blocks[i].items; x; x = x->next)
			tell_events(c, x);
	}
}

/* ---- blocks ------------------------------------------------------------------------------------- */

static void apply(struct fake *f, struct item *x, const struct fake_block *b)
{
	size_t max = 1 + x->a.items_n;
	struct ledger_event *events = calloc(max, sizeof *events);

	assert(events);
	x->events = 0;
	err_clear(&x->err);
	x->failed = !ledger_apply(
	        f->l, &x->a, &x->id, b->time, b->number, events, max, &x->events, &x->err);
	for (size_t i = 0; i < x->events; i++) {
		x->told[i].event = events[i];
		x->told[i].concerned_n = ledger_concerned(f->l, &events[i], x->told[i].concerned);
	}
	free(events);
}

static struct item *take_any(struct fake *f)
{
	struct item **at = &f->waiting, *x;
	uint64_t n = 0;

	for (x = f->waiting; x; x = x->next)
		n++;
	if (f->o.shuffle) {
		for (uint64_t skip = draw(f, n); skip; skip--)
			at = &(*at)->next;
	}
	x = *at;
	*at = x->next;
	return x;
}

static void include(struct fake *f, struct fake_block *b)
{
	while (f->waiting) {
		struct item *x = take_any(f);

		apply(f, x, b);
		if (x->failed && !f->o.keep_failed) {
			struct err why = x->err;

			x->failed = false;
			tell_stage(x, LEDGER_DROPPED, &why);
			item_free(x);
		} else {
			append(&b->items, x);
		}
	}
}

static struct btime time_at(const struct fake *f, struct mono t)
{
	int64_t s = mono_since(t, f->o.start).ms / 1000;

	return (struct btime){f->genesis.time.s + (uint64_t)MAX2(s, (int64_t)0) + f->ahead};
}

static void finalize(struct fake *f)
{
	while (f->final + f->o.depth < f->n) {
		struct fake_block *b = &f->blocks[f->final++];

		for (size_t i = 0; i < f->clients_n; i++) {
			for (const struct item *x = b->items; x; x = x->next)
				tell_events(&f->clients[i], x);
		}
		for (const struct item *x = b->items; x; x = x->next)
			tell_stage(x, LEDGER_FINAL, NULL);
		tell_all(f, LEDGER_CLOCK, NULL);
	}
}

static void make_block(struct fake *f, struct mono at)
{
	struct fake_block b = {.number = f->n + 1, .time = time_at(f, at)};

	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 64;
		f->blocks = realloc(f->blocks, f->cap * sizeof *f->blocks);
		assert(f->blocks);
	}
	include(f, &b);
	f->blocks[f->n++] = b;
	for (const struct item *x = b.items; x; x = x->next)
		tell_stage(x, LEDGER_INCLUDED, NULL);
	finalize(f);
}

/* ---- on the way --------------------------------------------------------------------------------- */

static bool is_waiting(const struct fake *f, const struct item *x)
{
	for (const struct item *w = f->waiting; w; w = w->next) {
		if (hash_eq(&w->id, &x->id))
			return true;
	}
	return false;
}

/* In a block: told again what has become of it. */
static bool is_included(const struct fake *f, const struct item *x)
{
	for (size_t i = f->n; i-- > 0;) {
		for (struct item *b = f->blocks[i].items; b; b = b->next) {
			if (!hash_eq(&b->id, &x->id) || b->failed)
				continue;
			tell_stage(x, LEDGER_INCLUDED, NULL);
			if (i < f->final)
				tell_stage(x, LEDGER_FINAL, NULL);
			return true;
		}
	}
	return false;
}

static void arrive(struct fake *f, struct item *x)
{
	struct err why;

	if (f->down) {
		FAIL(&why, UNREACHABLE, "the ledger does not answer");
		tell_stage(x, LEDGER_DROPPED, &why);
		item_free(x);
	} else if (draw(f, 100) < f->o.lose) {
		FAIL(&why, TIMEOUT, "the action was lost on its way");
		tell_stage(x, LEDGER_DROPPED, &why);
		item_free(x);
	} else {
		tell_stage(x, LEDGER_PENDING, NULL);
		if (is_waiting(f, x) || is_included(f, x))
			item_free(x);
		else
			append(&f->waiting, x);
	}
}

/* The one that is due first, of those that are due by then. */
static struct item *take_due(struct fake *f, struct mono by)
{
	struct item **first = NULL, *x;

	for (struct item **at = &f->coming; *at; at = &(*at)->next) {
		if ((*at)->due.ns <= by.ns && (!first || (*at)->due.ns < (*first)->due.ns))
			first = at;
	}
	if (!first)
		return NULL;
	x = *first;
	*first = x->next;
	return x;
}

void fake_run(struct fake *f, struct mono now)
{
	struct span every = f->o.block_every.ms ? f->o.block_every : span_ms(BLOCK_EVERY_MS);
	struct item *x;

	assert(now.ns >= f->now.ns);
	for (size_t i = 0; i < f->clients_n; i++)
		catch_up(f, &f->clients[i]);
	for (;;) {
		struct mono step = f->next_block.ns < now.ns ? f->next_block : now;

		f->now = MAX2(f->now.ns, step.ns) == step.ns ? step : f->now;
		while ((x = take_due(f, step)))
			arrive(f, x);
		if (f->next_block.ns > now.ns)
			return;
		if (!f->down)
			make_block(f, f->next_block);
		f->next_block = mono_plus(f->next_block, every);
	}
}

struct mono fake_next(const struct fake *f)
{
	struct mono next = f->next_block;

	for (const struct item *x = f->coming; x; x = x->next) {
		if (x->due.ns < next.ns)
			next = x->due;
	}
	return next;
}

/* ---- trouble ------------------------------------------------------------------------------------ */

/* The rules as they were after the first n blocks. */
static void rebuild(struct fake *f, size_t n)
{
	struct err e;
	bool ok;

	f->l = ledger_free(f->l);
	ok = ledger_new(&f->genesis, &f->o.rules, &f->l, &e);
	assert(ok);
	for (size_t i = 0; i < n; i++) {
		for (struct item *x = f->blocks[i].items; x; x = x->next)
			apply(f, x, &f->blocks[i]);
	}
	f->n = n;
}

unsigned fake_reorg(struct fake *f, unsigned n, unsigned lose)
{
	size_t keep = MAX2(f->final, f->n - MIN2((size_t)n, f->n));
	unsigned gone = (unsigned)(f->n - keep);
	struct item *back = NULL;
	struct err why;

	for (size_t i = keep; i < f->n; i++) {
		while (f->blocks[i].items) {
			struct item *x = f->blocks[i].items;

			f->blocks[i].items = x->next;
			append(&back, x);
		}
	}
	if (gone)
		rebuild(f, keep);
	FAIL(&why, STALE, "its block vanished, and with it the action");
	while (back) {
		struct item *x = back;

		back = x->next;
		x->failed = false;
		if (draw(f, 100) < lose) {
			tell_stage(x, LEDGER_DROPPED, &why);
			item_free(x);
		} else {
			tell_stage(x, LEDGER_PENDING, NULL);
			append(&f->waiting, x);
		}
	}
	return gone;
}

void fake_pass(struct fake *f, uint64_t s)
{
	f->ahead += s;
}

void fake_down(struct fake *f, bool down)
{
	struct err why;

	if (f->down == down)
		return;
	f->down = down;
	FAIL(&why, UNREACHABLE, "the ledger does not answer");
	tell_all(f, down ? LEDGER_DOWN : LEDGER_UP, down ? &why : NULL);
}

/* ---- the port ----------------------------------------------------------------------------------- */

static bool start(void *self, uint64_t after, const struct addr *account, const struct inbox *in,
        struct err *e)
{
	struct client *c = self;

	(void)e;
	c->in = *in;
	c->seq = after;
	c->account = *account;
	c->started = true;
	return true;
}

static void submit(void *self, const struct action *a, const struct hash *id)
{
	struct client *c = self;
	struct fake *f = c->f;
	struct item *x = calloc(1, sizeof *x);
	int64_t late;

	assert(x);
	x->a = *a;
	x->items = calloc((size_t)a->items_n + 1, sizeof *x->items);
	x->told = calloc((size_t)a->items_n + 1, sizeof *x->told);
	assert(x->items && x->told);
	for (uint32_t i = 0; i < a->items_n; i++)
		x->items[i] = a->items[i];
	x->a.items = x->items;
	x->id = *id;
	x->from = c;
	late = f->o.delay.ms + (int64_t)draw(f, (uint64_t)f->o.jitter.ms + 1);
	x->due = mono_plus(f->now, span_ms(late));
	append(&f->coming, x);
}

static void stop(void *self)
{
	struct client *c = self;

	c->started = false;
}

void fake_port(struct fake *f, struct ledger_port *out)
{
	struct client *c = &f->clients[f->clients_n];

	assert(f->clients_n < FAKE_PORTS_MAX);
	f->clients_n++;
	*c = (struct client){.f = f};
	*out = (struct ledger_port){c, start, submit, stop};
}

/* ---- life --------------------------------------------------------------------------------------- */

bool fake_new(const struct fake_options *o, struct fake **out, struct err *e)
{
	struct fake *f = calloc(1, sizeof *f);

	if (!f)
		return FAIL(e, MEMORY, "no memory for a ledger");
	f->o = *o;
	f->genesis = *o->genesis;
	f->o.genesis = &f->genesis;
	f->random = o->seed;
	f->now = f->next_block = o->start;
	if (!ledger_new(&f->genesis, &o->rules, &f->l, e)) {
		free(f);
		return false;
	}
	*out = f;
	return true;
}

struct fake *fake_free(struct fake *f)
{
	if (!f)
		return NULL;
	for (size_t i = 0; i < f->n; i++)
		items_free(f->blocks[i].items);
	items_free(f->coming);
	items_free(f->waiting);
	free(f->blocks);
	ledger_free(f->l);
	free(f);
	return NULL;
}

struct btime fake_time(const struct fake *f)
{
	return f->n ? f->blocks[f->n - 1].time : f->genesis.time;
}

const struct ledger *fake_rules(const struct fake *f)
{
	return f->l;
}
