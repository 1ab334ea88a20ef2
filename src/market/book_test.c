/* book_test.c - the order book against the plain reading of protocol 3, through random lives of small books. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "market/book.h"
#include "market/sample.h"

enum { JOBS = 24, RESOURCES = 24, JCS = 4, RPS = 8, DEALS = 64 };

/* ---- the plain market -------------------------------------------------------------------------------- */

struct plain_job {
	bool there, taken;
	struct job_offer o;
	struct hash id;
	uint64_t sequence;
	struct hash excluded[BOOK_EXCLUDED_MAX];
	unsigned excluded_n;
};
struct plain_resource {
	bool there;
	struct resource_offer o;
	struct hash id;
};
struct plain_deal {
	bool there, opened;
	struct hash id, job;
	struct addr jc, rp;
	struct hash machine;
	struct resources taken;
	uint64_t jc_lock, rp_lock;
};
struct plain {
	struct book *b;
	struct random_ x;
	uint64_t sequence;
	struct plain_job jobs[JOBS];
	struct plain_resource resources[RESOURCES];
	struct plain_deal deals[DEALS];
	uint64_t jc_free[JCS], rp_free[RPS];
	uint32_t good[JCS][RPS];
	unsigned choices, matches, ties, next;
};

static uint64_t sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t *balance_of(struct plain *w, const struct addr *a)
{
	for (uint32_t i = 0; i < JCS; i++) {
		struct addr jc = addr_no(JC_NO + i);

		if (addr_eq(a, &jc))
			return &w->jc_free[i];
	}
	for (uint32_t i = 0; i < RPS; i++) {
		struct addr rp = addr_no(RP_NO + i);

		if (addr_eq(a, &rp))
			return &w->rp_free[i];
	}
	return NULL;
}

static uint64_t available_to(struct plain *w, const struct addr *a)
{
	uint64_t reserved = 0;

	for (unsigned i = 0; i < DEALS; i++) {
		const struct plain_deal *d = &w->deals[i];

		if (!d->there || d->opened)
			continue;
		reserved += addr_eq(&d->jc, a) ? d->jc_lock : 0;
		reserved += addr_eq(&d->rp, a) ? d->rp_lock : 0;
	}
	return sub(*balance_of(w, a), reserved);
}

/* The resource offer with what its deals leave of it. */
static void what_is_left(
        const struct plain *w, const struct plain_resource *r, struct resource_offer *out)
{
	struct resources sum = {0};

	*out = r->o;
	for (unsigned i = 0; i < DEALS; i++) {
		const struct plain_deal *d = &w->deals[i];

		if (!d->there || !addr_eq(&d->rp, &r->o.provider) ||
		        !hash_eq(&d->machine, &r->o.machine))
			continue;
		sum.cpu += d->taken.cpu;
		sum.ram += d->taken.ram;
		sum.disk += d->taken.disk;
		sum.gpus = (uint16_t)(sum.gpus + d->taken.gpus);
	}
	out->free.cpu = (uint32_t)sub(r->o.free.cpu, sum.cpu);
	out->free.ram = sub(r->o.free.ram, sum.ram);
	out->free.disk = sub(r->o.free.disk, sum.disk);
	out->free.gpus = (uint16_t)sub(r->o.free.gpus, sum.gpus);
}

static enum pair_reason plain_reason(struct plain *w, const struct plain_job *j,
        const struct plain_resource *r, struct pair_gap *gap)
{
	struct pair_money money = {amount_of(available_to(w, &j->o.job_creator)),
	        amount_of(available_to(w, &r->o.provider))};
	struct resource_offer left;

	what_is_left(w, r, &left);
	if (pair_refusal(&j->o, &left, (struct btime){SAMPLE_NOW}, &money, gap) != PAIR_NONE)
		return gap->reason;
	for (unsigned i = 0; i < j->excluded_n; i++) {
		if (hash_eq(&j->excluded[i], &r->id))
			*gap = (struct pair_gap){.reason = PAIR_DENIED};
	}
	return gap->reason;
}

static uint32_t opinion(const struct plain *w, const struct addr *jc, const struct addr *rp)
{
	return w->good[jc->b[19] - JC_NO][rp->b[19] - RP_NO];
}

/* 3.13, read literally. NULL: nothing matches. */
static const struct plain_resource *plain_choice(
        struct plain *w, const struct plain_job *j, struct amount *cost, bool *tied)
{
	const struct plain_resource *best = NULL;
	struct hash rank, best_rank = {{0}};
	struct pair_gap gap;

	*tied = false;
	for (unsigned i = 0; i < RESOURCES; i++) {
		const struct plain_resource *r = &w->resources[i];

		if (!r->there || plain_reason(w, j, r, &gap) != PAIR_NONE)
			continue;
		struct prices p = pair_prices(&j->o, &r->o);
		struct amount c = pair_cost(&j->o, &p);
		pair_rank(&j->id, &r->id, &rank);
		if (best) {
			int order = amount_cmp(c, *cost);
			uint32_t mine = opinion(w, &j->o.job_creator, &r->o.provider);
			uint32_t theirs = opinion(w, &j->o.job_creator, &best->o.provider);

			if (order > 0 || (order == 0 && mine < theirs))
				continue;
			*tied = order == 0 && mine == theirs;
			if (*tied && hash_cmp(&rank, &best_rank) > 0)
				continue;
		}
		best = r;
		*cost = c;
		best_rank = rank;
	}
	return best;
}

/* ---- comparing ------------------------------------------------------------------------------------------ */

static void check_match(struct plain *w, const struct plain_job *j, const struct book_match *m)
{
	bool tied;
	struct amount cost;
	const struct plain_resource *want = plain_choice(w, j, &cost, &tied);

	assert_non_null(want);
	assert_memory_equal(&m->job, &j->id, sizeof m->job);
	assert_memory_equal(&m->resource, &want->id, sizeof m->resource);
	assert_true(amount_eq(m->cost, cost));
	assert_int_equal(m->tied, tied);
	assert_int_equal(m->reputation, opinion(w, &j->o.job_creator, &want->o.provider));
	w->matches++;
	w->ties += tied;
}

static void check_choice(struct plain *w, const struct plain_job *j)
{
	struct book_match m;
	struct amount cost;
	bool tied;

	w->choices++;
	if (book_match_job(w->b, &j->id, (struct btime){SAMPLE_NOW}, &m)) {
		assert_false(j->taken);
		check_match(w, j, &m);
	} else {
		assert_true(j->taken || !plain_choice(w, j, &cost, &tied));
	}
}

struct explaining {
	struct plain *w;
	const struct plain_job *j;
	unsigned n;
};

static bool check_reason(
        void *ctx, const struct hash *id, const struct addr *provider, const struct pair_gap *gap)
{
	struct explaining *x = ctx;

	x->n++;
	for (unsigned i = 0; i < RESOURCES; i++) {
		const struct plain_resource *r = &x->w->resources[i];
		struct pair_gap want;

		if (!r->there || !hash_eq(&r->id, id))
			continue;
		assert_string_equal(pair_reason_name(gap->reason),
		        pair_reason_name(plain_reason(x->w, x->j, r, &want)));
		assert_int_equal(gap->move, want.move);
		assert_true(gap->move == PAIR_FIXED ||
		            (amount_eq(gap->have, want.have) && amount_eq(gap->need, want.need)));
		assert_true(addr_eq(provider, &r->o.provider));
		return true;
	}
	fail_msg("a resource offer that is not there");
	return false;
}

static void check_explain(struct plain *w, const struct plain_job *j)
{
	struct explaining x = {w, j, 0};
	struct book_why why;
	unsigned n = 0;
	uint64_t sum = 0;
	struct err e;

	assert_true(book_explain(w->b, &j->id, (struct btime){SAMPLE_NOW}, check_reason, &x, &e));
	for (unsigned i = 0; i < RESOURCES; i++)
		n += w->resources[i].there;
	assert_int_equal(x.n, n);
	assert_true(book_why(w->b, &j->id, (struct btime){SAMPLE_NOW}, &why, &e));
	for (unsigned i = 0; i < PAIR_REASONS; i++)
		sum += why.count[i];
	assert_int_equal(sum, n);
	assert_int_equal(why.offers, n);
}

static void check_sizes(struct plain *w)
{
	struct book_size s = book_size(w->b);
	uint32_t jobs = 0, waiting = 0, resources = 0, holds = 0;

	for (unsigned i = 0; i < JOBS; i++) {
		const struct plain_job *j = &w->jobs[i];

		jobs += j->there;
		waiting += j->there && !j->taken;
		if (j->there)
			assert_int_equal(
			        book_state_of(w->b, &j->id), j->taken ? BOOK_TAKEN : BOOK_WAITING);
	}
	for (unsigned i = 0; i < RESOURCES; i++)
		resources += w->resources[i].there;
	for (unsigned i = 0; i < DEALS; i++)
		holds += w->deals[i].there;
	assert_int_equal(s.jobs, jobs);
	assert_int_equal(s.waiting, waiting);
	assert_int_equal(s.resources, resources);
	assert_int_equal(s.holds, holds);
}

/* ---- random lives ------------------------------------------------------------------------------------------ */

static void add_job(struct plain *w)
{
	struct plain_job *j = &w->jobs[below_n(&w->x, JOBS)];
	struct err e;

	if (j->there)
		return;
	*j = (struct plain_job){.there = true, .o = random_job(&w->x, JCS)};
	j->id = job_id(&j->o);
	if (!book_add_job(w->b, &j->id, &j->o, ++w->sequence, &e))
		fail_msg("%s", e.msg);
	j->sequence = w->sequence;
	assert_false(book_add_job(w->b, &j->id, &j->o, w->sequence + 1, &e));
	assert_int_equal(e.code, E_CONFLICT);
}

static void add_resource(struct plain *w)
{
	struct plain_resource *r = &w->resources[below_n(&w->x, RESOURCES)];
	struct resource_offer o = random_resource(&w->x, RPS);
	struct hash replaced, id;
	struct err e;

	if (r->there) {
		/* Renewed: the machine stays, the nonce rises, some of the rest changes. */
		if (once_in(&w->x, 2)) {
			struct prices p = o.prices;

			o = r->o;
			o.prices = p;
		}
		o.provider = r->o.provider;
		o.machine = r->o.machine;
		o.nonce = r->o.nonce + below_n(&w->x, 3);
		o.created_at.s++;
	}
	id = resource_id(&o);
	if (!book_add_resource(w->b, &id, &o, w->sequence + 1, &replaced, &e)) {
		assert_true(r->there && o.nonce == r->o.nonce);
		assert_true(e.code == E_NONCE || e.code == E_CONFLICT);
		return;
	}
	w->sequence++;
	assert_true(r->there ? hash_eq(&replaced, &r->id) : hash_is_zero(&replaced));
	*r = (struct plain_resource){true, o, id};
}

static void remove_offer(struct plain *w)
{
	struct plain_job *j = &w->jobs[below_n(&w->x, JOBS)];
	struct plain_resource *r = &w->resources[below_n(&w->x, RESOURCES)];

	if (once_in(&w->x, 2)) {
		assert_int_equal(book_remove(w->b, &r->id), r->there);
		r->there = false;
		return;
	}
	assert_int_equal(book_remove(w->b, &j->id), j->there);
	for (unsigned i = 0; j->there && i < DEALS; i++) {
		if (hash_eq(&w->deals[i].job, &j->id))
			w->deals[i].job = (struct hash){{0}};
	}
	j->there = false;
}

static void move_money(struct plain *w)
{
	uint64_t v = once_in(&w->x, 4) ? 0 : 1500000 * below_n(&w->x, 8);
	bool jc = once_in(&w->x, 2);
	uint32_t i = (uint32_t)below_n(&w->x, jc ? JCS : RPS);
	struct addr a = addr_no((jc ? JC_NO : RP_NO) + i);
	struct err e;

	*(jc ? &w->jc_free[i] : &w->rp_free[i]) = v;
	assert_true(book_set_balance(w->b, &a, amount_of(v), &e));
	assert_true(amount_eq(book_available(w->b, &a), amount_of(available_to(w, &a))));
}

static void judge(struct plain *w)
{
	uint32_t jc = (uint32_t)below_n(&w->x, JCS), rp = (uint32_t)below_n(&w->x, RPS);
	struct addr a = addr_no(JC_NO + jc), b = addr_no(RP_NO + rp);
	struct err e;

	w->good[jc][rp] = (uint32_t)below_n(&w->x, 3);
	assert_true(book_set_reputation(w->b, &a, &b, w->good[jc][rp], &e));
	assert_int_equal(book_reputation(w->b, &a, &b), w->good[jc][rp]);
}

static struct plain_job *job_by_id(struct plain *w, const struct hash *id)
{
	for (unsigned i = 0; i < JOBS; i++) {
		if (w->jobs[i].there && hash_eq(&w->jobs[i].id, id))
			return &w->jobs[i];
	}
	return NULL;
}

static bool take(struct plain *w, const struct book_match *m)
{
	struct plain_job *j = job_by_id(w, &m->job);
	struct plain_deal *d = NULL;
	struct err e;

	for (unsigned i = 0; !d && i < DEALS; i++)
		d = w->deals[i].there ? NULL : &w->deals[i];
	if (!d)
		return false;
	*d = (struct plain_deal){
	        .there = true, .job = j->id, .jc = j->o.job_creator, .taken = j->o.resources};
	for (unsigned i = 0; i < RESOURCES; i++) {
		if (w->resources[i].there && hash_eq(&w->resources[i].id, &m->resource)) {
			d->rp = w->resources[i].o.provider;
			d->machine = w->resources[i].o.machine;
		}
	}
	d->id = hash_no((uint32_t)random_u64(&w->x));
	uint8_t be[32];
	amount_to_be(j->o.terms.pay, be);
	d->jc_lock = (uint64_t)be[30] << 8 | be[31]; /* PAY of a random job fits two bytes */
	d->jc_lock += 2000000;
	d->rp_lock = 2000000;
	if (!book_take(w->b, &d->id, &m->job, &m->resource, &e))
		fail_msg("%s", e.msg);
	j->taken = true;
	return true;
}

static void exclude(struct plain *w, const struct hash *job, const struct hash *resource)
{
	struct plain_job *j = job_by_id(w, job);
	struct err e;
	bool full = j->excluded_n == BOOK_EXCLUDED_MAX;

	assert_int_equal(book_exclude(w->b, job, resource, &e), !full);
	if (!full)
		j->excluded[j->excluded_n++] = *resource;
	if (!full && once_in(&w->x, 3) && book_pardon(w->b, job, resource))
		j->excluded_n--;
}

static void finish(struct plain *w)
{
	struct plain_deal *d = &w->deals[below_n(&w->x, DEALS)];
	struct plain_job *j;
	bool back = once_in(&w->x, 2);

	if (!d->there)
		return;
	j = hash_is_zero(&d->job) ? NULL : job_by_id(w, &d->job);
	if (!d->opened && once_in(&w->x, 2)) {
		assert_true(book_opened(w->b, &d->id));
		d->opened = true;
		d->job = (struct hash){{0}};
		if (j)
			j->there = false;
		return;
	}
	assert_true(book_end(w->b, &d->id, back));
	assert_false(book_end(w->b, &d->id, back));
	d->there = false;
	if (j && back)
		j->taken = false;
	else if (j)
		j->there = false;
}

static void expire(struct plain *w)
{
	struct hash id;

	while (book_expire(w->b, (struct btime){SAMPLE_NOW}, &id)) {
		struct plain_job *j = job_by_id(w, &id);

		for (unsigned i = 0; j && i < DEALS; i++) {
			if (hash_eq(&w->deals[i].job, &id))
				w->deals[i].job = (struct hash){{0}};
		}
		if (j)
			j->there = false;
		for (unsigned i = 0; i < RESOURCES; i++) {
			if (hash_eq(&w->resources[i].id, &id))
				w->resources[i].there = false;
		}
	}
}

/* Make every match that the book wants to be made; then nothing that waits can be matched. */
static void settle(struct plain *w)
{
	struct book_match m;
	struct amount cost;
	bool tied;

	expire(w);
	while (book_next(w->b, (struct btime){SAMPLE_NOW}, &m)) {
		w->next++;
		check_match(w, job_by_id(w, &m.job), &m);
		if (once_in(&w->x, 5))
			exclude(w, &m.job, &m.resource);
		else if (!take(w, &m)) {
			assert_true(book_remove(w->b, &m.job));
			job_by_id(w, &m.job)->there = false;
		}
	}
	for (unsigned i = 0; i < JOBS; i++) {
		const struct plain_job *j = &w->jobs[i];

		if (j->there && !j->taken)
			assert_null(plain_choice(w, j, &cost, &tied));
	}
}

static void live(uint64_t seed, unsigned steps, bool settles, unsigned totals[4])
{
	struct plain *w = calloc(1, sizeof *w);
	struct addr solver = addr_no(SOLVER_NO);

	assert_non_null(w);
	w->x.s = seed;
	w->b = book_new(&solver, 1000, seed);
	assert_non_null(w->b);
	for (unsigned i = 0; i < 40; i++)
		move_money(w);
	for (unsigned i = 0; i < steps; i++) {
		struct plain_job *j = &w->jobs[below_n(&w->x, JOBS)];

		switch (below_n(&w->x, 8)) {
		case 0:
		case 1: add_job(w); break;
		case 2:
		case 3: add_resource(w); break;
		case 4: move_money(w); break;
		case 5: once_in(&w->x, 2) ? remove_offer(w) : judge(w); break;
		default: finish(w); break;
		}
		if (settles)
			settle(w);
		if (!j->there)
			continue;
		check_choice(w, j);
		check_explain(w, j);
		check_sizes(w);
	}
	totals[0] += w->choices;
	totals[1] += w->matches;
	totals[2] += w->ties;
	totals[3] += w->next;
	w->b = book_free(w->b);
	free(w);
}

static void test_choice_is_the_plain_one(void **state)
{
	unsigned totals[4] = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		live(seed, 1500, false, totals);
	assert_true(totals[0] > 10000 && totals[1] > 2000 && totals[2] > 100);
}

static void test_nothing_waits_in_vain(void **state)
{
	unsigned totals[4] = {0};

	(void)state;
	for (uint64_t seed = 101; seed <= 120; seed++)
		live(seed, 1500, true, totals);
	assert_true(totals[3] > 1000);
}

/* ---- single stories ------------------------------------------------------------------------------------------ */

static struct book *rich_book(void)
{
	struct addr solver = addr_no(SOLVER_NO), jc = addr_no(JC_NO), rp = addr_no(RP_NO);
	struct book *b = book_new(&solver, 100, 1);
	struct err e;

	assert_non_null(b);
	assert_true(book_set_balance(b, &jc, amount_of(1000000000), &e));
	assert_true(book_set_balance(b, &rp, amount_of(1000000000), &e));
	return b;
}

static const struct btime now = {SAMPLE_NOW};

static void test_one_offer_serves_many(void **state)
{
	struct book *b = rich_book();
	struct resource_offer r = sample_resource();
	struct job_offer j = sample_job();
	struct hash rid = resource_id(&r), replaced, jid[6];
	struct book_match m;
	struct resources left;
	struct err e;

	(void)state;
	assert_true(book_add_resource(b, &rid, &r, 1, &replaced, &e));
	for (uint32_t i = 0; i < 6; i++) {
		j.nonce = i;
		jid[i] = job_id(&j);
		assert_true(book_add_job(b, &jid[i], &j, 10 + i, &e));
	}
	/* 4 000 milli-cores hold four jobs, in order of sequence; the others wait. */
	for (uint32_t i = 0; i < 4; i++) {
		struct hash deal = hash_no(i);

		assert_true(book_next(b, now, &m));
		assert_true(hash_eq(&m.job, &jid[i]));
		assert_true(book_take(b, &deal, &m.job, &m.resource, &e));
	}
	assert_false(book_next(b, now, &m));
	assert_true(book_free_capacity(b, &rid, &left));
	assert_int_equal(left.cpu, 0);
	/* A renewed offer has the deals of the one before. */
	r.nonce++;
	rid = resource_id(&r);
	assert_true(book_add_resource(b, &rid, &r, 20, &replaced, &e));
	assert_false(book_next(b, now, &m));
	assert_true(book_free_capacity(b, &rid, &left));
	assert_int_equal(left.cpu, 0);
	/* The second deal is over: the fifth job gets its place. */
	struct hash second = hash_no(1);
	assert_true(book_opened(b, &second));
	assert_int_equal(book_state_of(b, &jid[1]), BOOK_ABSENT);
	assert_true(book_end(b, &second, false));
	assert_true(book_next(b, now, &m));
	assert_true(hash_eq(&m.job, &jid[4]) && hash_eq(&m.resource, &rid));
	/* A dissolved one comes back before those that came later. */
	struct hash third = hash_no(2);
	assert_true(book_end(b, &third, true));
	assert_true(book_next(b, now, &m));
	assert_true(hash_eq(&m.job, &jid[2]));
	book_free(b);
}

static void test_funds_decide(void **state)
{
	struct book *b = rich_book();
	struct resource_offer r = sample_resource();
	struct job_offer j = sample_job();
	struct hash rid = resource_id(&r), jid = job_id(&j), deal = hash_no(1), replaced;
	struct addr jc = addr_no(JC_NO), rp = addr_no(RP_NO);
	struct book_match m;
	struct err e;
	(void)state;
	assert_true(book_set_balance(b, &jc, amount_of(2999999), &e));
	assert_true(book_set_balance(b, &rp, amount_of(1999999), &e));
	assert_true(book_add_resource(b, &rid, &r, 1, &replaced, &e));
	assert_true(book_add_job(b, &jid, &j, 2, &e));
	assert_false(book_next(b, now, &m));
	assert_true(book_set_balance(b, &jc, amount_of(3000000), &e));
	assert_false(book_next(b, now, &m));
	assert_true(book_set_balance(b, &rp, amount_of(2000000), &e));
	assert_true(book_next(b, now, &m));
	assert_true(book_take(b, &deal, &m.job, &m.resource, &e));
	assert_true(amount_is_zero(book_available(b, &jc)));
	assert_true(amount_is_zero(book_available(b, &rp)));
	/* The ledger's balances follow; only then is nothing reserved any more. */
	assert_true(book_set_balance(b, &jc, amount_of(0), &e));
	assert_true(book_set_balance(b, &rp, amount_of(5), &e));
	assert_true(book_opened(b, &deal));
	assert_true(amount_is_zero(book_available(b, &jc)));
	assert_true(amount_eq(book_available(b, &rp), amount_of(5)));
	book_free(b);
}

static void test_offers_expire(void **state)
{
	struct book *b = rich_book();
	struct resource_offer r = sample_resource();
	struct job_offer j = sample_job();
	struct hash rid, jid, replaced, gone;
	struct book_match m;
	struct err e;
	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		r.machine = hash_no(i);
		r.expiry.s = SAMPLE_NOW + 10 + i * 7 % 40;
		r.free.cpu = 0;
		rid = resource_id(&r);
		assert_true(book_add_resource(b, &rid, &r, 100 + i, &replaced, &e));
		j.nonce = i;
		j.expiry.s = SAMPLE_NOW + 10 + i * 11 % 40;
		jid = job_id(&j);
		assert_true(book_add_job(b, &jid, &j, 200 + i, &e));
	}
	assert_false(book_next(b, now, &m));
	assert_false(book_expire(b, (struct btime){SAMPLE_NOW + 9}, &gone));
	for (uint64_t t = SAMPLE_NOW + 10; t < SAMPLE_NOW + 50; t++) {
		uint32_t before = book_size(b).jobs + book_size(b).resources;
		assert_true(book_expire(b, (struct btime){t}, &gone));
		assert_int_equal(book_state_of(b, &gone), BOOK_ABSENT);
		assert_true(book_expire(b, (struct btime){t}, &gone));
		assert_false(book_expire(b, (struct btime){t}, &gone));
		assert_int_equal(book_size(b).jobs + book_size(b).resources, before - 2);
	}
	assert_int_equal(book_size(b).jobs + book_size(b).resources, 0);
	book_free(b);
}

static void test_restores(void **state)
{
	struct book *b = rich_book(), *c = rich_book();
	struct resource_offer r = sample_resource();
	struct job_offer j = sample_job();
	struct hash rid = resource_id(&r), jid = job_id(&j), deal = hash_no(1), replaced;
	struct addr jc = addr_no(JC_NO);
	struct book_match m;
	struct book_hold h, g;
	struct err e;
	(void)state;
	assert_true(book_add_resource(b, &rid, &r, 1, &replaced, &e));
	assert_true(book_add_job(b, &jid, &j, 2, &e));
	assert_true(book_next(b, now, &m));
	assert_true(book_take(b, &deal, &m.job, &m.resource, &e));
	assert_true(book_hold_of(b, &deal, &h));
	/* Offers may come before or after the deals that they led to. */
	assert_true(book_add_job(c, &jid, &j, 2, &e));
	assert_true(book_restore(c, &h, &e));
	assert_false(book_restore(c, &h, &e));
	assert_true(book_add_resource(c, &rid, &r, 1, &replaced, &e));
	assert_false(book_next(c, now, &m));
	assert_int_equal(book_state_of(c, &jid), BOOK_TAKEN);
	assert_true(book_hold_of(c, &deal, &g));
	assert_memory_equal(&g.taken, &h.taken, sizeof g.taken);
	assert_true(amount_eq(g.jc_lock, h.jc_lock) && hash_eq(&g.job, &h.job));
	assert_true(amount_eq(book_available(c, &jc), book_available(b, &jc)));
	assert_true(book_end(c, &deal, true));
	assert_true(book_next(c, now, &m));
	book_free(b);
	book_free(c);
}

static void test_refuses_what_is_wrong(void **state)
{
	struct book *b = rich_book();
	struct resource_offer r = sample_resource();
	struct job_offer j = sample_job();
	struct hash rid = resource_id(&r), jid = job_id(&j), deal = hash_no(1), replaced;
	uint8_t be[32] = {0};
	struct err e;

	(void)state;
	be[19] = 1; /* 2^96 */
	j.terms.fee = amount_from_be(be);
	assert_false(book_add_job(b, &jid, &j, 1, &e));
	assert_int_equal(e.code, E_RANGE);
	assert_string_equal(e.msg, "Terms.fee is 2^96 or more");
	r.module_prices.n = 1;
	r.module_prices.v[0].prices.per_byte = amount_from_be(be);
	assert_false(book_add_resource(b, &rid, &r, 1, &replaced, &e));
	assert_int_equal(e.code, E_RANGE);
	j = sample_job();
	j.solver = addr_no(2);
	assert_false(book_add_job(b, &jid, &j, 1, &e));
	assert_int_equal(e.code, E_PARTY);
	assert_false(book_take(b, &deal, &jid, &rid, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
	assert_false(book_exclude(b, &jid, &rid, &e));
	assert_false(book_remove(b, &jid));
	j = sample_job();
	for (uint32_t i = 0; i < 100; i++) {
		j.nonce = i;
		jid = job_id(&j);
		assert_true(book_add_job(b, &jid, &j, 1 + i, &e));
	}
	j.nonce = 100;
	jid = job_id(&j);
	assert_false(book_add_job(b, &jid, &j, 1000, &e));
	assert_int_equal(e.code, E_BUSY);
	book_free(b);
}

/* What came with offers that are gone takes no memory: the same number of names after ten thousand. */
static void test_forgets(void **state)
{
	struct addr solver = addr_no(SOLVER_NO);
	struct book *b = book_new(&solver, 3000, 3);
	struct hash replaced, rid;
	struct err e;

	(void)state;
	assert_non_null(b);
	for (uint32_t i = 0; i < 10000; i++) {
		struct resource_offer r = sample_resource();
		struct job_offer j = sample_job();
		struct hash jid;

		r.provider = addr_no(100000 + i);
		r.directories.v[0] = addr_no(200000 + i);
		r.mediators.v[3] = addr_no(300000 + i);
		rid = resource_id(&r);
		assert_true(book_add_resource(b, &rid, &r, 2 * i + 1, &replaced, &e));
		j.job_creator = addr_no(400000 + i);
		j.module = hash_no(i);
		j.deny.n = 1;
		j.deny.v[0] = addr_no(500000 + i);
		jid = job_id(&j);
		assert_true(book_add_job(b, &jid, &j, 2 * i + 2, &e));
		assert_true(book_remove(b, &rid));
		assert_true(book_remove(b, &jid));
	}
	struct book_size s = book_size(b);
	assert_int_equal(s.jobs + s.resources + s.supplies + s.waiting, 0);
	assert_true(s.demands <= 2048 && s.queues <= 1024); /* kept for the next job offer */
	book_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_choice_is_the_plain_one),
	        cmocka_unit_test(test_nothing_waits_in_vain),
	        cmocka_unit_test(test_one_offer_serves_many),
	        cmocka_unit_test(test_funds_decide),
	        cmocka_unit_test(test_offers_expire),
	        cmocka_unit_test(test_restores),
	        cmocka_unit_test(test_refuses_what_is_wrong),
	        cmocka_unit_test(test_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
