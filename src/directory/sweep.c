/* sweep.c - what has expired goes: grants and deals by the hour, then the blocks that no grant needs.
 * Every tick does a bounded piece of it. */
#include "directory/directory_own.h"

/* ---- grants ------------------------------------------------------------------------------------------ */

struct expired {
	struct directory_grant grants[EXPIRE_MAX];
	struct hash deals[EXPIRE_MAX];
	size_t grants_n, deals_n;
};

static bool note_grant(void *ctx, const void *row)
{
	struct expired *x = ctx;

	memcpy(&x->grants[x->grants_n++], row, sizeof x->grants[0]);
	return x->grants_n < EXPIRE_MAX;
}

static bool note_deal(void *ctx, const void *row)
{
	const struct directory_deal *deal = row;
	struct expired *x = ctx;

	x->deals[x->deals_n++] = deal->id;
	return x->deals_n < EXPIRE_MAX;
}

/* What goes in one hour, or as much of it as a tick may do; *all: that was all. */
static bool expire_hour(
        struct directory *d, uint32_t hour, struct arena *a, bool *all, struct err *e)
{
	const struct record *grants = directory_grant_record(), *deals = directory_deal_record();
	struct directory_grant g = {.hour = hour};
	struct directory_deal deal = {.hour = hour};
	struct expired *x = ARENA_NEW(a, struct expired);
	struct store *s = &d->world->store;

	if (!x)
		return FAIL(e, MEMORY, "no memory to expire trees");
	TRY(s->each(s->self, grants, record_field(grants, STR("hour")), &g, note_grant, x, e), e);
	for (size_t i = 0; i < x->grants_n; i++)
		TRY(grant_drop(d, &x->grants[i], e), e);
	TRY(s->each(s->self, deals, record_field(deals, STR("hour")), &deal, note_deal, x, e), e);
	for (size_t i = 0; i < x->deals_n; i++) {
		deal.id = x->deals[i];
		TRY(s->del(s->self, deals, &deal, e), e);
	}
	*all = x->grants_n < EXPIRE_MAX && x->deals_n < EXPIRE_MAX;
	return true;
}

/* The hours since the last one that was done; at its first start a directory has nothing to drop. */
static bool expire(struct directory *d, struct wall now, struct arena *a, bool *more, struct err *e)
{
	struct directory_state row = {.which = STATE_SWEPT};
	uint64_t hour = wall_seconds(now) / 3600;
	struct store *s = &d->world->store;
	bool all = true;

	*more = false;
	if (!s->get(s->self, directory_state_record(), &row, e)) {
		if (e->code != E_NOT_FOUND)
			return false;
		row.value = hour;
		TRY(s->put(s->self, directory_state_record(), &row, e), e);
	}
	if (row.value >= hour)
		return true;
	TRY(expire_hour(d, (uint32_t)(row.value + 1), a, &all, e), e);
	if (all) {
		row.value++;
		TRY(s->put(s->self, directory_state_record(), &row, e), e);
	}
	*more = !all || row.value < hour;
	return true;
}

/* ---- blocks ------------------------------------------------------------------------------------------- */

void sweep_spare(struct directory *d, const struct cid *root)
{
	struct err e;

	/* Without room for it nothing is collected this time. */
	if (d->marking && !links_add(&d->marks, root, &e))
		d->marking = false;
}

static bool note_root(void *ctx, const void *row)
{
	const struct directory_grant *g = row;
	struct cid root = {g->codec, g->root};
	struct directory *d = ctx;

	sweep_spare(d, &root);
	return d->marking;
}

static bool begin_marking(struct directory *d, struct err *e)
{
	const struct record *r = directory_grant_record();
	struct store *s = &d->world->store;

	links_done(&d->marks);
	links_init(&d->marks, MARKS_MAX);
	d->garbage = false;
	d->marking = true;
	TRY(s->each(s->self, r, NULL, NULL, note_root, d, e), e);
	return true;
}

static bool is_marked(void *ctx, const struct cid *cid)
{
	const struct directory *d = ctx;

	return map_get(&d->marks.seen, &cid->digest) != NULL;
}

static void collect(struct directory *d)
{
	const struct directory_collector *c = &d->c.collector;
	uint64_t freed;
	struct err e;

	d->marking = false;
	d->compacting = c->compact != NULL;
	if (c->collect(c->self, is_marked, d, &freed, &e))
		log_line(&d->world->log, LOG_INFO, "collected %llu bytes of blocks",
		        (unsigned long long)freed);
	else
		log_line(&d->world->log, LOG_ODD, "blocks cannot be collected: %s", e.msg);
	links_done(&d->marks);
	links_init(&d->marks, MARKS_MAX);
}

static void mark(struct directory *d)
{
	struct err e;
	bool done;

	/* A tree with a damaged block keeps what can still be reached of it. */
	if (!links_step(&d->marks, &d->world->blobs, MARK_STEP, NULL, NULL, &done, &e)) {
		log_line(&d->world->log, LOG_ODD, "a stored tree is not whole: %s", e.msg);
		d->marking = e.code != E_TOO_LARGE && e.code != E_MEMORY;
	} else if (done) {
		collect(d);
	}
}

static void compact(struct directory *d)
{
	struct err e;

	if (d->c.collector.compact(d->c.collector.self, &d->compacting, &e))
		return;
	d->compacting = false;
	log_line(&d->world->log, LOG_ODD, "disk space cannot be given back: %s", e.msg);
}

static bool blocks_step(struct directory *d, struct mono now, struct err *e)
{
	if (!d->c.collector.collect)
		return true;
	if (d->marking) {
		mark(d);
	} else if (d->compacting) {
		compact(d);
	} else if (d->garbage && mono_since(now, d->collected).ms >= COLLECT_EVERY_S * 1000) {
		d->collected = now;
		TRY(begin_marking(d, e), e);
	}
	return true;
}

void directory_on_tick(struct directory *d, const struct event *ev, struct effects *fx)
{
	bool more = false;
	struct err e;

	uploads_expire(d, ev->now, fx);
	if (!expire(d, ev->wall, fx->arena, &more, &e) || !blocks_step(d, ev->now, &e))
		log_line(&d->world->log, LOG_BROKEN, "expired trees: %s", e.msg);
	more = more || d->marking || d->compacting;
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_TICK})->delay = span_ms(more ? 1 : TICK_MS);
}
