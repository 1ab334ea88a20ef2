/* book_hold.c - matches and deals: what they take of machines and balances, and what they give back. */
#include <stdlib.h>

#include "market/book_own.h"

static struct hold *find_hold(const struct book *b, const struct hash *deal, uint32_t *i)
{
	const uint32_t *at = map_get(&b->by_deal, deal);

	if (!at)
		return NULL;
	*i = *at;
	return hold_at(b, *at);
}

/* The machine's offer as its capacity is now. */
static bool renew(struct book *b, uint32_t machine)
{
	uint32_t r = machine_at(b, machine)->resource;

	return r == SLAB_NONE || resource_shelve(b, r);
}

static bool take_machine(struct book *b, const struct hold *h)
{
	struct machine *m = machine_at(b, h->machine);

	m->cpu += h->cpu;
	m->ram += h->ram;
	m->disk += h->disk;
	m->gpus += h->gpus;
	return renew(b, h->machine);
}

static bool give_machine(struct book *b, const struct hold *h)
{
	struct machine *m = machine_at(b, h->machine);

	m->cpu -= h->cpu;
	m->ram -= h->ram;
	m->disk -= h->disk;
	m->gpus -= h->gpus;
	if (m->resource)
		dirty_resource(b, m->resource);
	return renew(b, h->machine);
}

/* File a hold whose references are taken already, of a deal that is not there: both callers have looked. */
static bool add_hold(struct book *b, const struct hold *h, struct err *e)
{
	bool fresh;
	uint32_t *at = map_put(&b->by_deal, &h->deal, &fresh);
	uint32_t i;

	assert(!at || fresh);
	i = at ? slab_take(&b->holds) : SLAB_NONE;
	if (i == SLAB_NONE) {
		if (at)
			map_del(&b->by_deal, &h->deal);
		return FAIL(e, BUSY, "the book holds %u deals, its maximum", b->holds.live);
	}
	*at = i;
	*hold_at(b, i) = *h;
	if (h->job) {
		struct job *j = job_at(b, h->job);

		if (!job_unwait(b, h->job))
			return book_no_memory(e);
		j->taken = true;
		j->hold = i;
	}
	if (!reserve(b, h->creator, h->jc_lock) || !reserve(b, h->provider, h->rp_lock) ||
	        !take_machine(b, h))
		return book_no_memory(e);
	return true;
}

static void unref_hold(struct book *b, const struct hold *h)
{
	machine_unref(b, h->machine);
	account_unref(b, h->creator);
	account_unref(b, h->provider);
}

bool book_take(struct book *b, const struct hash *deal, const struct hash *job,
        const struct hash *resource, struct err *e)
{
	const uint32_t *j = map_get(&b->by_offer, job);
	const uint32_t *r = map_get(&b->by_offer, resource);

	if (!j || *j & HEAP_RESOURCE || job_at(b, *j)->taken)
		return FAIL(e, NOT_FOUND, "the job offer does not wait in the book");
	if (!r || !(*r & HEAP_RESOURCE))
		return FAIL(e, NOT_FOUND, "the resource offer is not in the book");
	const struct resource *offer = resource_at(b, *r & ~HEAP_RESOURCE);
	const struct queue_spec *q = &queue_at(b, job_at(b, *j)->queue)->spec;
	const struct demand *d = demand_at(b, q->demand);
	struct hold h = {
	        .deal = *deal,
	        .job = *j,
	        .machine = offer->machine,
	        .creator = q->creator,
	        .provider = offer->provider,
	        .jc_lock = d->jc_lock,
	        .rp_lock = d->rp_lock,
	        .cpu = (uint32_t)q->cpu,
	        .ram = q->ram,
	        .disk = q->disk,
	        .gpus = (uint16_t)q->gpus,
	};

	if (find_hold(b, deal, &(uint32_t){0}))
		return FAIL(e, CONFLICT, "the deal is in the book already");
	machine_at(b, h.machine)->refs++;
	account_at(b, h.creator)->refs++;
	account_at(b, h.provider)->refs++;
	if (add_hold(b, &h, e))
		return true;
	if (!find_hold(b, deal, &(uint32_t){0}))
		unref_hold(b, &h);
	return false;
}

bool book_restore(struct book *b, const struct book_hold *s, struct err *e)
{
	const uint32_t *j = map_get(&b->by_offer, &s->job);
	bool waits = j && !(*j & HEAP_RESOURCE) && !job_at(b, *j)->taken;
	struct hold h = {
	        .deal = s->deal,
	        .job = waits ? *j : SLAB_NONE,
	        .cpu = s->taken.cpu,
	        .ram = s->taken.ram,
	        .disk = s->taken.disk,
	        .gpus = s->taken.gpus,
	};

	if (find_hold(b, &s->deal, &(uint32_t){0}))
		return FAIL(e, CONFLICT, "the deal is in the book already");
	if (!amount_fits_document(s->jc_lock) || !amount_fits_document(s->rp_lock))
		return FAIL(e, RANGE, "a lock of 2^96 or more");
	h.jc_lock = wide_of(s->jc_lock);
	h.rp_lock = wide_of(s->rp_lock);
	h.creator = account_ref(b, &s->job_creator);
	h.provider = account_ref(b, &s->provider);
	h.machine = machine_ref(b, &s->provider, &s->machine);
	if (!h.creator || !h.provider || !h.machine) {
		unref_hold(b, &h);
		return book_no_memory(e);
	}
	if (add_hold(b, &h, e))
		return true;
	if (!find_hold(b, &s->deal, &(uint32_t){0}))
		unref_hold(b, &h);
	return false;
}

static bool release_money(struct book *b, struct hold *h)
{
	wide jc = h->jc_lock, rp = h->rp_lock;
	bool ok;

	h->jc_lock = h->rp_lock = 0;
	ok = unreserve(b, h->creator, jc);
	return unreserve(b, h->provider, rp) && ok;
}

bool book_opened(struct book *b, const struct hash *deal)
{
	uint32_t i;
	struct hold *h = find_hold(b, deal, &i);

	if (!h)
		return false;
	if (h->job) {
		job_drop(b, h->job);
		h->job = SLAB_NONE;
	}
	(void)release_money(
	        b, h); /* what fails is the renewal of bounds, which then are only loose */
	return true;
}

bool book_end(struct book *b, const struct hash *deal, bool back)
{
	uint32_t i;
	struct hold *h = find_hold(b, deal, &i);

	if (!h)
		return false;
	(void)release_money(b, h);
	(void)give_machine(b, h);
	if (h->job && !(back && job_wait(b, h->job)))
		job_drop(b, h->job);
	map_del(&b->by_deal, deal);
	unref_hold(b, h);
	slab_give(&b->holds, i);
	return true;
}

bool book_hold_of(const struct book *b, const struct hash *deal, struct book_hold *out)
{
	uint32_t i;
	const struct hold *h = find_hold(b, deal, &i);

	if (!h)
		return false;
	*out = (struct book_hold){
	        .deal = *deal,
	        .provider = account_at(b, h->provider)->addr,
	        .machine = machine_at(b, h->machine)->key.machine,
	        .taken = {.cpu = h->cpu, .ram = h->ram, .disk = h->disk, .gpus = h->gpus},
	        .job_creator = account_at(b, h->creator)->addr,
	        .jc_lock = amount_of_wide(h->jc_lock),
	        .rp_lock = amount_of_wide(h->rp_lock),
	};
	if (h->job)
		out->job = job_at(b, h->job)->id;
	return true;
}

bool book_exclude(
        struct book *b, const struct hash *job, const struct hash *resource, struct err *e)
{
	const uint32_t *at = map_get(&b->by_offer, job);
	const uint32_t *r = map_get(&b->by_offer, resource);
	uint32_t i, queue;
	struct job *j;
	uint64_t *v;

	if (!at || *at & HEAP_RESOURCE)
		return FAIL(e, NOT_FOUND, "the job offer is not in the book");
	if (!r || !(*r & HEAP_RESOURCE))
		return true; /* it is gone: it will not be matched again */
	i = *at;
	j = job_at(b, i);
	if (j->excluded_n >= BOOK_EXCLUDED_MAX)
		return FAIL(e, LIMITS, "%u providers would not take this job", j->excluded_n);
	v = realloc(j->excluded, (j->excluded_n + 1) * sizeof *v);
	if (!v)
		return book_no_memory(e);
	j->excluded = v;
	/* From now on it differs from the others of its queue. */
	queue = queue_ref_again(b, j->queue, &j->id);
	if (queue == SLAB_NONE || (!j->taken && !job_unwait(b, i))) {
		queue_unref(b, queue);
		return book_no_memory(e);
	}
	v[j->excluded_n++] = resource_at(b, *r & ~HEAP_RESOURCE)->sequence;
	queue_unref(b, j->queue);
	j->queue = queue;
	return j->taken || job_wait(b, i) || book_no_memory(e);
}

/* The job offer keeps the queue of its own. */
bool book_pardon(struct book *b, const struct hash *job, const struct hash *resource)
{
	const uint32_t *at = map_get(&b->by_offer, job);
	const uint32_t *r = map_get(&b->by_offer, resource);
	struct job *j;
	uint64_t sequence;

	if (!at || *at & HEAP_RESOURCE || !r || !(*r & HEAP_RESOURCE))
		return false;
	j = job_at(b, *at);
	sequence = resource_at(b, *r & ~HEAP_RESOURCE)->sequence;
	for (uint32_t i = 0; i < j->excluded_n; i++) {
		if (j->excluded[i] != sequence)
			continue;
		j->excluded[i] = j->excluded[--j->excluded_n];
		if (!j->taken)
			dirty_queue(b, j->queue);
		return true;
	}
	return false;
}
