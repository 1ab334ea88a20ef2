/* batch.c - pricing `cleared` (3.14): matches of such job offers wait, their capacity and money held, until the
 * batch is over; then bids are served in their order and pay one price. A batch is in memory only: the
 * offers of one that a restart cuts off are open, and go into the next. */
#include <stdlib.h>

#include "codec/json.h"
#include "market/clear.h"
#include "solver/solver_own.h"

struct bid {
	struct book_match m;
	struct job_offer *job;
	struct clear_pair pair;
	bool done; /* its class has been cleared */
};

/* What a match holds until its deal has an id is held under the id of its job offer. */
static bool hold(struct solver *s, const struct book_match *m, struct err *e)
{
	return book_take(s->book, &m->job, &m->job, &m->resource, e);
}

static void let_go(struct solver *s, const struct hash *job)
{
	book_end(s->book, job, true);
}

bool batch_take(struct solver *s, const struct book_match *m, struct effects *fx)
{
	const struct open_offer *o = offer_find(s, &m->job);
	struct job_offer j;
	struct err e;

	if (!o)
		return false;
	offer_job(o, &j);
	if (j.pricing != PRICING_CLEARED)
		return false;
	assert(s->batch_n < BATCH_MAX);
	if (!hold(s, m, &e))
		return false; /* match_make() says why */
	s->batch[s->batch_n++] = m->job;
	if (s->batch_n == 1)
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_BATCH})->delay = s->c.batch;
	else if (s->batch_n == BATCH_MAX)
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_BATCH});
	return true;
}

/* ---- the end of a batch ------------------------------------------------------------------------------- */

static int by_bid(const void *va, const void *vb)
{
	const struct bid *a = va, *b = vb;

	return clear_before(&a->job->prices, &a->m.job, &b->job->prices, &b->m.job) ? -1 : 1;
}

/* Those that are still in the book, best bid first. */
static size_t gather(struct solver *s, struct bid *v, struct arena *arena)
{
	size_t n = 0;

	for (size_t i = 0; i < s->batch_n; i++) {
		const struct open_offer *o = offer_find(s, &s->batch[i]);

		let_go(s, &s->batch[i]);
		if (!o || book_state_of(s->book, &s->batch[i]) != BOOK_WAITING)
			continue;
		v[n].job = ARENA_NEW(arena, struct job_offer);
		assert(v[n].job);
		offer_job(o, v[n].job);
		v[n++].m.job = s->batch[i];
	}
	s->batch_n = 0;
	qsort(v, n, sizeof *v, by_bid);
	return n;
}

/* Each takes what 3.13 chooses of what those before it left. */
static size_t serve(struct solver *s, struct bid *v, size_t n, struct btime now)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct resource_offer r;
		const struct open_offer *o;
		struct err e;

		if (!book_match_job(s->book, &v[i].m.job, now, &v[i].m) || !hold(s, &v[i].m, &e))
			continue;
		o = offer_find(s, &v[i].m.resource);
		assert(o);
		offer_resource(o, &r);
		v[i].pair = (struct clear_pair){v[i].job->prices, *pair_ask(&r, &v[i].job->module)};
		v[kept++] = v[i];
	}
	for (size_t i = 0; i < kept; i++)
		let_go(s, &v[i].m.job);
	return kept;
}

static void publish(struct solver *s, struct bid *const *of, size_t n, struct solver_clearing *row)
{
	struct solver_cursor count = {.which = CURSOR_CLEARINGS, .cursor = ++s->clearings};

	row->n = s->clearings;
	row->pairs = (uint32_t)n;
	snprintf(row->engine, sizeof row->engine, "%s", of[0]->job->engine);
	solver_put(s, solver_cursor_record(), &count);
	solver_put(s, solver_clearing_record(), row);
	for (size_t i = 0; i < n; i++) {
		struct solver_cleared pair = {.clearing = row->n,
		        .n = (uint32_t)i,
		        .job = of[i]->m.job,
		        .resource = of[i]->m.resource,
		        .bid = of[i]->pair.bid,
		        .ask = of[i]->pair.ask};

		solver_put(s, solver_cleared_record(), &pair);
	}
}

/* All pairs of the first one's engine class: equal instructions are one good. */
static void clear_class(
        struct solver *s, struct bid *v, size_t n, const struct event *ev, struct effects *fx)
{
	struct solver_clearing row = {.wall_ms = (uint64_t)ev->wall.ms};
	struct clear_pair pairs[BATCH_MAX];
	struct bid *of[BATCH_MAX];
	size_t k = 0, cleared;

	for (size_t i = 0; i < n; i++) {
		if (v[i].done || strcmp(v[i].job->engine, v[0].job->engine) != 0)
			continue;
		v[i].done = true;
		pairs[k] = v[i].pair;
		of[k++] = &v[i];
	}
	cleared = clear_pairs(pairs, k, &row.price);
	row.cleared = (uint32_t)cleared;
	publish(s, of, k, &row);
	for (size_t i = 0; i < cleared; i++) {
		of[i]->m.cost = pair_cost(of[i]->job, &row.price);
		match_make(s, &of[i]->m, &row.price, ev, fx);
	}
}

void on_batch(struct solver *s, const struct event *ev, struct effects *fx)
{
	struct bid *v = arena_alloc(fx->arena, BATCH_MAX * sizeof *v);
	size_t n;

	assert(v);
	memset(v, 0, BATCH_MAX * sizeof *v);
	/* What is dropped waits in the book, and goes into the next batch. */
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP});
	n = gather(s, v, fx->arena);
	if (!solver_caught_up(s, ev))
		return;
	n = serve(s, v, n, solver_now(s, ev));
	for (size_t i = 0; i < n; i++) {
		if (!v[i].done)
			clear_class(s, v + i, n - i, ev, fx);
	}
}
