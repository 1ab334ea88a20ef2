/* book_find.c - the best resource offer for a job offer, and the job offer that a resource offer takes. */
#include <float.h>
#include <stdlib.h>

#include "market/book_own.h"
#include "market/rank.h"

/* Prices as doubles are off by less than that. */
#define ABOVE(price) ((double)(price) * (1 + 1e-12))

void dirty_queue(struct book *b, uint32_t i)
{
	struct queue *q = queue_at(b, i);

	if (q->is_dirty)
		return;
	q->is_dirty = true;
	chain_insert(&b->dirty_queues, &b->queues, LINK(queue, dirty), SLAB_NONE, i);
}

void dirty_resource(struct book *b, uint32_t i)
{
	struct resource *r = resource_at(b, i);

	if (r->is_dirty)
		return;
	r->is_dirty = true;
	chain_insert(&b->dirty_resources, &b->resources, LINK(resource, dirty), SLAB_NONE, i);
}

const struct ask *ask_for(const struct resource *r, uint32_t module)
{
	uint32_t lo = 0, hi = r->asks_n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (r->asks[mid].module == module)
			return &r->asks[mid];
		if (r->asks[mid].module < module)
			lo = mid + 1;
		else
			hi = mid;
	}
	return r->asks_n > 0 && r->asks[0].module == 0 ? &r->asks[0] : NULL;
}

/* ---- one pair, the part that a fitting does not decide -------------------------------------------------- */

static bool numbers_fit(
        const struct book *b, const struct queue *q, const struct resource *r, const struct ask *a)
{
	const struct queue_spec *s = &q->spec;
	const struct machine *m = machine_at(b, r->machine);

	return s->cpu <= left(r->cpu, m->cpu) && s->ram <= left(r->ram, m->ram) &&
	       s->disk <= left(r->disk, m->disk) && s->gpus <= left(r->gpus, m->gpus) &&
	       s->vram <= r->vram && s->instruction_limit <= r->instruction_limit &&
	       s->byte_limit <= r->byte_limit && r->picoseconds <= q->slowest &&
	       a->price[0] <= s->ceiling[0] && a->price[1] <= s->ceiling[1] &&
	       a->price[2] <= s->ceiling[2];
}

static bool persons_fit(const struct book *b, const struct queue *q, const struct job *j,
        const struct resource *r, const struct fitting *f)
{
	const struct queue_spec *s = &q->spec;
	const struct demand *d = demand_at(b, s->demand);
	const struct supply *supply = supply_at(b, f->supply);
	unsigned need = mutual_need(&d->spec, &supply->spec);

	if (r->provider == s->creator || (d->spec.target && d->spec.target != r->provider) ||
	        id_in(s->deny, s->deny_n, r->provider) || id_in(r->deny.v, r->deny.n, s->creator))
		return false;
	if (available(account_at(b, r->provider)) < d->rp_lock || job_excludes(j, r))
		return false;
	/* JC and RP may themselves stand among the mutual mediators. */
	return need == 0 || f->mutual >= need + 2 ||
	       mutual_of(&d->spec, &supply->spec, s->creator, r->provider) >= need;
}

/* ---- the best resource offer for a job offer ------------------------------------------------------------- */

struct find {
	struct book *b;
	const struct queue *q;
	const struct job *j;
	const struct fitting *f;
	struct btime now;
	uint32_t best; /* SLAB_NONE: none yet */
	wide cost;
	uint32_t reputation;
	bool ranked, tied;
	struct hash rank;
	bool reputed; /* the JC has a good opinion of somebody */
	/* As good as the best so far but for the hash: hashed together when there are enough. */
	uint32_t even[RANK_LANES];
	unsigned even_n;
};

/* a * n, at most most; most < 2^96. */
static wide times(wide a, uint64_t n, wide most)
{
	wide p;

	if (a >> 64 && n >> 32)
		return most;
	p = a * n;
	return p < most ? p : most;
}

static wide cost_of(const struct find *f, const struct ask *a)
{
	const struct queue_spec *s = &f->q->spec;
	const wide *price = s->pricing == PRICING_FIXED ? s->ceiling : a->price;
	wide pay = demand_at(f->b, s->demand)->spec.term[TERM_PAY];
	wide sum = price[0] + times(price[1], s->instruction_limit, pay) +
	           times(price[2], s->byte_limit, pay);

	return sum < pay ? sum : pay;
}

static uint32_t reputation_of(const struct find *f, const struct resource *r)
{
	return f->reputed ? opinion_of(f->b, f->q->spec.creator, r->provider) : 0;
}

/* The lowest hash among the best and those that are even with it. */
static void rank_even(struct find *f)
{
	const struct hash *ids[RANK_LANES];
	struct hash ranks[RANK_LANES];

	if (f->even_n == 0)
		return;
	if (!f->ranked)
		pair_rank(&f->j->id, &resource_at(f->b, f->best)->id, &f->rank);
	f->ranked = true;
	for (unsigned i = 0; i < f->even_n; i++)
		ids[i] = &resource_at(f->b, f->even[i])->id;
	rank_many(&f->j->id, ids, f->even_n, ranks);
	for (unsigned i = 0; i < f->even_n; i++) {
		if (hash_cmp(&ranks[i], &f->rank) >= 0)
			continue;
		f->rank = ranks[i];
		f->best = f->even[i];
	}
	f->even_n = 0;
}

/* 3.13 between i and the best so far. */
static void compare(struct find *f, uint32_t i, wide cost, uint32_t reputation)
{
	bool better = f->best == SLAB_NONE || cost < f->cost ||
	              (cost == f->cost && reputation > f->reputation);

	if (better) {
		f->best = i;
		f->cost = cost;
		f->reputation = reputation;
		f->ranked = f->tied = false;
		f->even_n = 0;
		return;
	}
	if (cost > f->cost || reputation < f->reputation)
		return;
	f->tied = true;
	f->even[f->even_n++] = i;
	if (f->even_n == RANK_LANES)
		rank_even(f);
}

static void consider(struct find *f, uint32_t i)
{
	struct resource *r = resource_at(f->b, i);
	const struct ask *a = ask_for(r, demand_at(f->b, f->q->spec.demand)->spec.module);

	/* Its default prices do not count for a module with prices of its own. */
	if (!a || a->supply != f->f->supply || f->now.s >= r->expiry ||
	        !numbers_fit(f->b, f->q, r, a) || !persons_fit(f->b, f->q, f->j, r, f->f))
		return;
	compare(f, i, cost_of(f, a), reputation_of(f, r));
}

static double visit(void *ctx, uint32_t i)
{
	struct find *f = ctx;

	consider(f, i);
	return f->best == SLAB_NONE ? DBL_MAX : ABOVE(f->cost);
}

static void find_target(struct find *f, uint32_t target)
{
	const struct account *a = account_at(f->b, target);
	uint32_t demand = f->q->spec.demand, next;

	for (uint32_t i = a->resources.head; i != SLAB_NONE; i = next) {
		const struct resource *r = resource_at(f->b, i);
		const struct ask *ask = ask_for(r, demand_at(f->b, demand)->spec.module);

		next = r->of_provider.next;
		f->f = ask ? demand_fits(f->b, demand, ask->supply) : NULL;
		if (f->f)
			consider(f, i);
	}
}

/* The least score that each fitting supply can have; the number of the lowest. */
static uint32_t score_all(struct book *b, const struct demand *d, const struct shelf_query *q)
{
	uint32_t best = d->fits_n;

	for (uint32_t k = 0; k < d->fits_n; k++) {
		const struct root *r = &b->roots[d->fits[k].supply];

		b->scores[k] = r->serial == d->fits[k].serial ? shelf_least(&r->item, q) : -1;
		if (b->scores[k] >= 0 && (best == d->fits_n || b->scores[k] < b->scores[best]))
			best = k;
	}
	return best;
}

static bool scores_room(struct book *b, uint32_t n)
{
	double *v;

	if (n <= b->scores_cap)
		return true;
	v = realloc(b->scores, (n + n / 2) * sizeof *v);
	if (!v)
		return false;
	b->scores = v;
	b->scores_cap = n + n / 2;
	return true;
}

static bool find_all(struct find *f)
{
	struct demand *d = demand_at(f->b, f->q->spec.demand);
	struct shelf_query q;
	double limit = DBL_MAX;
	uint32_t best;

	if (!scores_room(f->b, d->fits_n))
		return false;
	queue_query(f->b, f->q, &q);
	best = score_all(f->b, d, &q);
	/* The most promising supply first: it sets a limit that passes over most of the others. */
	for (uint32_t n = 0; best < d->fits_n && n <= d->fits_n; n++) {
		uint32_t k = n == 0 ? best : n - 1;

		if ((n > 0 && k == best) || f->b->scores[k] < 0 || f->b->scores[k] > limit)
			continue;
		f->f = &d->fits[k];
		shelf_find(&supply_at(f->b, f->f->supply)->shelf, &q, &limit, visit, f);
	}
	return true;
}

static bool find(struct book *b, uint32_t job, struct btime now, struct book_match *out)
{
	const struct job *j = job_at(b, job);
	const struct queue *q = queue_at(b, j->queue);
	const struct demand *d = demand_at(b, q->spec.demand);
	const struct account *jc = account_at(b, q->spec.creator);
	struct find f = {.b = b, .q = q, .j = j, .now = now, .reputed = jc->reputed > 0};

	if (now.s >= j->expiry || available(jc) < d->jc_lock || !demand_sync(b, q->spec.demand))
		return false;
	if (d->spec.target)
		find_target(&f, d->spec.target);
	else if (!find_all(&f))
		return false;
	if (f.best == SLAB_NONE)
		return false;
	rank_even(&f);
	*out = (struct book_match){
	        .job = j->id,
	        .resource = resource_at(b, f.best)->id,
	        .cost = amount_of_wide(f.cost),
	        .reputation = f.reputation,
	        .tied = f.tied,
	};
	return true;
}

bool book_match_job(
        struct book *b, const struct hash *job, struct btime now, struct book_match *out)
{
	const uint32_t *at = map_get(&b->by_offer, job);

	if (!at || *at & HEAP_RESOURCE || job_at(b, *at)->taken)
		return false;
	return find(b, *at, now, out);
}

/* ---- the job offer that has waited longest for a resource offer ------------------------------------------ */

struct seek {
	struct book *b;
	uint32_t resource;
	const struct ask *a;
	const struct fitting *f;
	struct btime now;
	uint32_t best; /* queue */
	uint64_t sequence;
	uint32_t poor[16]; /* queues met whose JC lacks the money now: they will wait elsewhere */
	unsigned poor_n;
};

static double visit_queue(void *ctx, uint32_t i)
{
	struct seek *s = ctx;
	const struct queue *q = queue_at(s->b, i);
	const struct job *j = job_at(s->b, q->jobs.head);
	const struct resource *r = resource_at(s->b, s->resource);
	bool rich = available(account_at(s->b, q->spec.creator)) >=
	            demand_at(s->b, q->spec.demand)->jc_lock;
	bool fits = rich && s->now.s < j->expiry && numbers_fit(s->b, q, r, s->a) &&
	            persons_fit(s->b, q, j, r, s->f);

	if (!rich && s->poor_n < COUNT(s->poor))
		s->poor[s->poor_n++] = i;
	if (fits && (s->best == SLAB_NONE || j->sequence < s->sequence)) {
		s->best = i;
		s->sequence = j->sequence;
	}
	return s->best == SLAB_NONE ? DBL_MAX : (double)s->sequence;
}

static void seek(struct seek *s)
{
	struct book *b = s->b;
	const struct resource *r = resource_at(b, s->resource);
	double limit = DBL_MAX;

	s->best = SLAB_NONE;
	s->poor_n = 0;
	for (uint32_t k = 0; k < b->active_n; k++) {
		struct demand *d = demand_at(b, b->active[k]);
		struct shelf_query q;

		if (d->spec.target && d->spec.target != r->provider)
			continue;
		s->a = ask_for(r, d->spec.module);
		s->f = s->a && demand_sync(b, b->active[k])
		               ? demand_fits(b, b->active[k], s->a->supply)
		               : NULL;
		if (!s->f)
			continue;
		resource_query(b, r, s->a, &q);
		shelf_find(&d->shelf, &q, &limit, visit_queue, s);
	}
}

static uint32_t longest_waiting(struct book *b, uint32_t resource, struct btime now)
{
	struct seek s = {.b = b, .resource = resource, .now = now};

	if (now.s >= resource_at(b, resource)->expiry)
		return SLAB_NONE;
	/* Whoever was passed over for lack of money waits for money from now on: it would not be called
	 * otherwise when some comes. */
	do {
		seek(&s);
		for (unsigned k = 0; k < s.poor_n; k++)
			(void)queue_place(b, s.poor[k]); /* taking off a shelf needs no memory */
	} while (s.poor_n == COUNT(s.poor));
	return s.best;
}

/* ---- what is to be done next -------------------------------------------------------------------------------- */

static bool next_of_queue(struct book *b, uint32_t i, struct btime now, struct book_match *out)
{
	struct queue *q = queue_at(b, i);

	if (q->jobs.n > 0 && find(b, q->jobs.head, now, out))
		return true;
	q->is_dirty = false;
	chain_remove(&b->dirty_queues, &b->queues, LINK(queue, dirty), i);
	(void)queue_place(b, i); /* it may be money that it waits for */
	return false;
}

static bool next_of_resource(struct book *b, uint32_t i, struct btime now, struct book_match *out)
{
	struct resource *r = resource_at(b, i);
	uint32_t queue = longest_waiting(b, i, now);

	if (queue != SLAB_NONE && find(b, queue_at(b, queue)->jobs.head, now, out))
		return true;
	r->is_dirty = false;
	chain_remove(&b->dirty_resources, &b->resources, LINK(resource, dirty), i);
	return false;
}

bool book_next(struct book *b, struct btime now, struct book_match *out)
{
	while (b->dirty_queues.n > 0) {
		if (next_of_queue(b, b->dirty_queues.head, now, out))
			return true;
	}
	while (b->dirty_resources.n > 0) {
		if (next_of_resource(b, b->dirty_resources.head, now, out))
			return true;
	}
	return false;
}
