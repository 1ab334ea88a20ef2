/* book.c - offers in and out of the order book, and the deals that take their capacity. */
#include <math.h>
#include <stdlib.h>

#include "market/book_own.h"

/* ---- the whole --------------------------------------------------------------------------------- */

struct book *book_new(const struct addr *solver, uint32_t max, uint64_t seed)
{
	struct book *b = calloc(1, sizeof *b);
	/* Names: what the largest offers bring with them, but not without end. */
	uint32_t names =
	        (uint32_t)MIN2((uint64_t)max * 64 + 65536, (uint64_t)LEDGER_ACCOUNTS_MAX * 4);

	if (!b)
		return NULL;
	assert(max > 0 && max <= BOOK_OFFERS_MAX);
	b->solver = *solver;
	b->max = max;
	slab_init(&b->accounts, sizeof(struct account), names);
	slab_init(&b->things, sizeof(struct thing), names);
	slab_init(&b->machines, sizeof(struct machine), 4 * max);
	slab_init(&b->supplies, sizeof(struct supply), 4 * max);
	slab_init(&b->resources, sizeof(struct resource), max);
	slab_init(&b->demands, sizeof(struct demand), max + COLD_MAX + 1);
	slab_init(&b->queues, sizeof(struct queue), max + COLD_MAX + 1);
	slab_init(&b->jobs, sizeof(struct job), max);
	slab_init(&b->holds, sizeof(struct hold), 4 * max);
	map_init(&b->by_addr, sizeof(struct addr), sizeof(uint32_t), names, seed);
	map_init(&b->by_thing, sizeof(struct hash), sizeof(uint32_t), names, seed);
	map_init(&b->by_machine, sizeof(struct machine_key), sizeof(uint32_t), 4 * (size_t)max,
	        seed);
	map_init(&b->by_supply, sizeof(struct hash), sizeof(uint32_t), 4 * (size_t)max, seed);
	map_init(&b->by_demand, sizeof(struct hash), sizeof(uint32_t), SIZE_MAX, seed);
	map_init(&b->by_queue, sizeof(struct hash), sizeof(uint32_t), SIZE_MAX, seed);
	map_init(&b->by_offer, sizeof(struct hash), sizeof(uint32_t), 2 * (size_t)max, seed);
	map_init(&b->by_deal, sizeof(struct hash), sizeof(uint32_t), 4 * (size_t)max, seed);
	map_init(&b->reputation, sizeof(struct opinion), sizeof(uint32_t), LEDGER_ACCOUNTS_MAX,
	        seed);
	b->solver_id = account_ref(b, solver);
	return b->solver_id == SLAB_NONE ? book_free(b) : b;
}

struct book *book_free(struct book *b)
{
	if (!b)
		return NULL;
	for (uint32_t i = 1; i < b->supplies.n; i++)
		shelf_done(&supply_at(b, i)->shelf);
	for (uint32_t i = 1; i < b->demands.n; i++) {
		shelf_done(&demand_at(b, i)->shelf);
		free(demand_at(b, i)->fits);
	}
	for (uint32_t i = 1; i < b->resources.n; i++) {
		free(resource_at(b, i)->asks);
		free(resource_at(b, i)->own);
		free(resource_at(b, i)->deny.v);
	}
	for (uint32_t i = 1; i < b->jobs.n; i++)
		free(job_at(b, i)->excluded);
	struct slab *slabs[] = {&b->accounts, &b->things, &b->machines, &b->supplies, &b->resources,
	        &b->demands, &b->queues, &b->jobs, &b->holds};
	struct map *maps[] = {&b->by_addr, &b->by_thing, &b->by_machine, &b->by_supply,
	        &b->by_demand, &b->by_queue, &b->by_offer, &b->by_deal, &b->reputation};
	for (size_t i = 0; i < COUNT(slabs); i++)
		slab_done(slabs[i]);
	for (size_t i = 0; i < COUNT(maps); i++)
		map_done(maps[i]);
	free(b->born);
	free(b->roots);
	free(b->scores);
	free(b->active);
	free(b->expiries.v);
	free(b);
	return NULL;
}

bool book_no_memory(struct err *e)
{
	return FAIL(e, MEMORY, "no memory for the order book");
}

/* ---- expiry: a binary heap --------------------------------------------------------------------- */

static uint64_t expiry_of(const struct book *b, uint32_t h)
{
	return h & HEAP_RESOURCE ? resource_at(b, h & ~HEAP_RESOURCE)->expiry
	                         : job_at(b, h)->expiry;
}

static void heap_put(struct book *b, uint32_t at, uint32_t h)
{
	b->expiries.v[at] = h;
	if (h & HEAP_RESOURCE)
		resource_at(b, h & ~HEAP_RESOURCE)->heap_at = at;
	else
		job_at(b, h)->heap_at = at;
}

static void heap_sink(struct book *b, uint32_t at, uint32_t h)
{
	struct expiries *x = &b->expiries;
	uint64_t t = expiry_of(b, h);

	while (at > 0 && expiry_of(b, x->v[(at - 1) / 2]) > t) {
		heap_put(b, at, x->v[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < x->n && expiry_of(b, x->v[child + 1]) < expiry_of(b, x->v[child]))
			child++;
		if (child >= x->n || expiry_of(b, x->v[child]) >= t)
			break;
		heap_put(b, at, x->v[child]);
		at = child;
	}
	heap_put(b, at, h);
}

static bool heap_add(struct book *b, uint32_t h)
{
	struct expiries *x = &b->expiries;

	if (x->n == x->cap) {
		uint32_t cap = x->cap ? 2 * x->cap : 256;
		uint32_t *v = realloc(x->v, cap * sizeof *v);

		if (!v)
			return false;
		x->v = v;
		x->cap = cap;
	}
	x->n++;
	heap_sink(b, x->n - 1, h);
	return true;
}

static void heap_remove(struct book *b, uint32_t at)
{
	uint32_t last = b->expiries.v[--b->expiries.n];

	if (at < b->expiries.n)
		heap_sink(b, at, last);
}

/* ---- money ------------------------------------------------------------------------------------- */

/* Whether a waiting job offer wants a provider to lock more than that. */
static bool bond_above(const struct book *b, wide funds)
{
	for (uint32_t k = 0; k < b->active_n; k++) {
		if (demand_at(b, b->active[k])->rp_lock > funds)
			return true;
	}
	return false;
}

/* The next power of two, so that shelves need not follow every payment. */
static float funds_bound(wide w)
{
	int exponent;

	if (w == 0)
		return 0;
	(void)frexp((double)w * (1 + 1e-12), &exponent);
	return (float)ldexp(1, exponent);
}

/* After a's available balance changed from `before`. */
static bool money_moved(struct book *b, uint32_t i, wide before)
{
	struct account *a = account_at(b, i);
	wide now = available(a);
	float funds = funds_bound(now);
	uint32_t next;
	/* Most accounts have no offer to be called: the walk over all demands is for the others. */
	bool ok = true, wake = a->resources.n > 0 && now > before && bond_above(b, before);

	if (funds != a->funds || wake) {
		bool renew = funds != a->funds;

		a->funds = funds;
		for (uint32_t r = a->resources.head; r != SLAB_NONE;
		        r = resource_at(b, r)->of_provider.next) {
			ok = (!renew || resource_shelve(b, r)) && ok;
			if (wake)
				dirty_resource(b, r);
		}
	}
	for (uint32_t q = a->poor.head; now > before && q != SLAB_NONE; q = next) {
		next = queue_at(b, q)->wait.next;
		if (now < demand_at(b, queue_at(b, q)->spec.demand)->jc_lock)
			continue;
		ok = queue_place(b, q) && ok;
		dirty_queue(b, q);
	}
	return ok;
}

bool reserve(struct book *b, uint32_t account, wide sum)
{
	wide before = available(account_at(b, account));

	account_at(b, account)->reserved += sum;
	return money_moved(b, account, before);
}

bool unreserve(struct book *b, uint32_t account, wide sum)
{
	wide before = available(account_at(b, account));

	assert(account_at(b, account)->reserved >= sum);
	account_at(b, account)->reserved -= sum;
	return money_moved(b, account, before);
}

bool book_set_balance(struct book *b, const struct addr *account, struct amount free, struct err *e)
{
	uint32_t i = account_find(b, account);
	wide w, before, had;

	if (!amount_fits_document(free))
		return FAIL(e, RANGE, "a balance of 2^96 or more");
	w = wide_of(free);
	/* An account with a balance is one more reference; without one it is as unknown. */
	if (i == SLAB_NONE && w == 0)
		return true;
	i = account_ref(b, account);
	if (i == SLAB_NONE)
		return book_no_memory(e);
	had = account_at(b, i)->free;
	before = available(account_at(b, i));
	account_at(b, i)->free = w;
	bool ok = money_moved(b, i, before);
	if (had > 0)
		account_unref(b, i);
	if (w == 0)
		account_unref(b, i);
	return ok || book_no_memory(e);
}

struct amount book_available(const struct book *b, const struct addr *account)
{
	uint32_t i = account_find(b, account);

	return i == SLAB_NONE ? amount_of(0) : amount_of_wide(available(account_at(b, i)));
}

bool book_set_reputation(
        struct book *b, const struct addr *jc, const struct addr *rp, uint32_t good, struct err *e)
{
	struct opinion key = {account_ref(b, jc), account_ref(b, rp)};
	bool fresh = false;
	uint32_t *at = NULL;

	if (key.jc && key.rp)
		at = good ? map_put(&b->reputation, &key, &fresh) : map_get(&b->reputation, &key);
	if (at && good)
		*at = good;
	if (fresh) {
		account_at(b, key.jc)->reputed++;
		return true; /* both accounts stay as long as the opinion */
	}
	if (at && !good) {
		map_del(&b->reputation, &key);
		account_at(b, key.jc)->reputed--;
		account_unref(b, key.jc);
		account_unref(b, key.rp);
	}
	account_unref(b, key.jc);
	account_unref(b, key.rp);
	return at || !good || book_no_memory(e);
}

uint32_t book_reputation(const struct book *b, const struct addr *jc, const struct addr *rp)
{
	return opinion_of(b, account_find(b, jc), account_find(b, rp));
}

/* ---- job offers -------------------------------------------------------------------------------- */

/* Every amount of a record, nested ones included, is below 2^96. */
static bool amounts_fit(const struct record *r, const void *row, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];

		if (f->kind == K_AMOUNT &&
		        !amount_fits_document(*(const struct amount *)field_at(row, f)))
			return FAIL(e, RANGE, "%s.%s is 2^96 or more", r->type, f->name);
		if (f->kind == K_REC)
			TRY(amounts_fit(f->rec(), field_at(row, f), e), e);
	}
	return true;
}

static bool check_new(const struct book *b, const struct hash *id, const struct addr *solver,
        const struct slab *s, struct err *e)
{
	if (!addr_eq(solver, &b->solver))
		return FAIL(e, PARTY, "the offer is for another solver");
	if (map_get(&b->by_offer, id))
		return FAIL(e, CONFLICT, "the offer is in the book already");
	if (s->live >= s->max)
		return FAIL(e, BUSY, "the book is full: %u offers", s->live);
	return true;
}

/* Into its queue in order of sequence: a job offer that comes back is among the first. */
bool job_wait(struct book *b, uint32_t i)
{
	struct job *j = job_at(b, i);
	struct queue *q = queue_at(b, j->queue);
	uint32_t before = SLAB_NONE;
	bool first;

	if (q->jobs.n > 0 && job_at(b, q->jobs.tail)->sequence > j->sequence) {
		before = q->jobs.head;
		while (job_at(b, before)->sequence < j->sequence)
			before = job_at(b, before)->wait.next;
	}
	chain_insert(&q->jobs, &b->jobs, LINK(job, wait), before, i);
	j->taken = false;
	b->waiting++;
	first = q->jobs.head == i;
	if (!first)
		return true;
	/* Behind another it would get what that one could not get. */
	dirty_queue(b, j->queue);
	return queue_place(b, j->queue);
}

bool job_unwait(struct book *b, uint32_t i)
{
	struct job *j = job_at(b, i);
	struct queue *q = queue_at(b, j->queue);
	bool first = q->jobs.head == i;

	chain_remove(&q->jobs, &b->jobs, LINK(job, wait), i);
	b->waiting--;
	return !first || queue_place(b, j->queue);
}

void job_drop(struct book *b, uint32_t i)
{
	struct job *j = job_at(b, i);

	/* Fewer items on a shelf need no memory, and one that stays there neither. */
	if (!j->taken)
		(void)job_unwait(b, i);
	heap_remove(b, j->heap_at);
	map_del(&b->by_offer, &j->id);
	queue_unref(b, j->queue);
	free(j->excluded);
	j->excluded = NULL;
	slab_give(&b->jobs, i);
}

bool book_add_job(struct book *b, const struct hash *id, const struct job_offer *offer,
        uint64_t sequence, struct err *e)
{
	uint32_t *at, i;
	struct job *j;

	TRY(check_new(b, id, &offer->solver, &b->jobs, e), e);
	TRY(amounts_fit(job_offer_record(), offer, e), e);
	i = slab_take(&b->jobs);
	if (i == SLAB_NONE)
		return book_no_memory(e);
	j = job_at(b, i);
	*j = (struct job){.id = *id, .sequence = sequence, .expiry = offer->expiry.s};
	j->queue = queue_ref(b, offer, NULL);
	at = j->queue ? map_put(&b->by_offer, id, NULL) : NULL;
	if (!at || !heap_add(b, i)) {
		if (at)
			map_del(&b->by_offer, id);
		queue_unref(b, j->queue);
		slab_give(&b->jobs, i);
		return book_no_memory(e);
	}
	*at = i;
	if (job_wait(b, i))
		return true;
	job_drop(b, i);
	return book_no_memory(e);
}

/* ---- resource offers --------------------------------------------------------------------------- */

uint32_t machine_ref(struct book *b, const struct addr *provider, const struct hash *machine)
{
	struct machine_key key = {account_ref(b, provider), *machine};
	bool fresh;
	uint32_t *at = key.provider ? map_put(&b->by_machine, &key, &fresh) : NULL;

	if (at && !fresh) {
		account_unref(b, key.provider);
		machine_at(b, *at)->refs++;
		return *at;
	}
	uint32_t i = at ? slab_take(&b->machines) : SLAB_NONE;
	if (i == SLAB_NONE) {
		if (at)
			map_del(&b->by_machine, &key);
		account_unref(b, key.provider);
		return SLAB_NONE;
	}
	*at = i;
	machine_at(b, i)->key = key;
	machine_at(b, i)->refs = 1;
	return i;
}

void machine_unref(struct book *b, uint32_t i)
{
	struct machine *m;

	if (i == SLAB_NONE)
		return;
	m = machine_at(b, i);
	assert(m->refs > 0);
	if (--m->refs > 0)
		return;
	map_del(&b->by_machine, &m->key);
	account_unref(b, m->key.provider);
	slab_give(&b->machines, i);
}

static uint32_t standing(const struct book *b, const struct resource_offer *r)
{
	struct machine_key key = {account_find(b, &r->provider), r->machine};
	const uint32_t *at = key.provider ? map_get(&b->by_machine, &key) : NULL;

	return at ? machine_at(b, *at)->resource : SLAB_NONE;
}

/* Everything that it has references of. */
static void unbuild(struct book *b, struct resource *r)
{
	for (uint32_t k = 0; k < r->asks_n; k++)
		supply_unref(b, r->asks[k].supply);
	for (uint32_t k = 0; k < r->own_n; k++)
		thing_unref(b, r->own[k].module);
	free(r->asks);
	free(r->own);
	accounts_unref(b, &r->deny);
	machine_unref(b, r->machine);
	account_unref(b, r->provider);
	memset(r, 0, sizeof *r);
}

static void resource_drop(struct book *b, uint32_t i)
{
	struct resource *r = resource_at(b, i);
	struct account *a = account_at(b, r->provider);

	resource_unshelve(b, i);
	if (r->is_dirty)
		chain_remove(&b->dirty_resources, &b->resources, LINK(resource, dirty), i);
	chain_remove(&a->resources, &b->resources, LINK(resource, of_provider), i);
	heap_remove(b, r->heap_at);
	map_del(&b->by_offer, &r->id);
	machine_at(b, r->machine)->resource = SLAB_NONE;
	unbuild(b, r);
	slab_give(&b->resources, i);
}

static void prices_of(const struct prices *p, wide out[3])
{
	out[0] = WIDE(p->base);
	out[1] = WIDE(p->per_instruction);
	out[2] = WIDE(p->per_byte);
}

/* Prices of single modules; the first of several for one module counts. */
static bool add_own(struct book *b, struct resource *r, const struct resource_offer *offer)
{
	prices_of(&offer->prices, r->price);
	if (offer->module_prices.n == 0)
		return true;
	r->own = calloc(offer->module_prices.n, sizeof *r->own);
	for (uint32_t k = 0; r->own && k < offer->module_prices.n; k++) {
		const struct module_price *p = &offer->module_prices.v[k];
		uint32_t module = thing_ref(b, &p->module);
		bool again = false;

		if (module == SLAB_NONE)
			return false;
		for (uint32_t l = 0; l < r->own_n; l++)
			again = again || r->own[l].module == module;
		if (again) {
			thing_unref(b, module);
			continue;
		}
		r->own[r->own_n].module = module;
		prices_of(&p->prices, r->own[r->own_n++].price);
	}
	return r->own != NULL;
}

/* Inserted in order of module; one that is there already stays. */
static bool add_ask(
        struct book *b, struct resource *r, const struct resource_offer *offer, uint32_t module)
{
	const wide *price = r->price;
	uint32_t at = r->asks_n;

	while (at > 0 && r->asks[at - 1].module >= module)
		at--;
	if (at < r->asks_n && r->asks[at].module == module)
		return true;
	for (uint32_t k = 0; module && k < r->own_n; k++)
		price = r->own[k].module == module ? r->own[k].price : price;
	memmove(&r->asks[at + 1], &r->asks[at], (r->asks_n - at) * sizeof *r->asks);
	r->asks[at] = (struct ask){
	        supply_ref(b, offer, module), module, SHELF_HOLE, {price[0], price[1], price[2]}};
	r->asks_n++;
	return r->asks[at].supply != SLAB_NONE;
}

/* Every module of the allow-list; without one the default, and those with prices of their own. */
static bool add_asks(struct book *b, struct resource *r, const struct resource_offer *offer)
{
	uint32_t n = offer->modules.n ? offer->modules.n : 1 + r->own_n;
	bool ok;

	r->asks = calloc(n, sizeof *r->asks);
	if (!r->asks)
		return false;
	ok = offer->modules.n > 0 || add_ask(b, r, offer, 0);
	for (uint32_t k = 0; ok && offer->modules.n == 0 && k < r->own_n; k++)
		ok = add_ask(b, r, offer, r->own[k].module);
	for (uint32_t k = 0; ok && k < offer->modules.n; k++) {
		uint32_t module = thing_ref(b, &offer->modules.v[k]);

		ok = module != SLAB_NONE && add_ask(b, r, offer, module);
		thing_unref(b, module); /* its supply has its own reference */
	}
	return ok;
}

static struct resource resource_of(
        const struct hash *id, const struct resource_offer *r, uint64_t sequence)
{
	return (struct resource){
	        .id = *id,
	        .sequence = sequence,
	        .nonce = r->nonce,
	        .expiry = r->expiry.s,
	        .instruction_limit = r->instruction_limit,
	        .byte_limit = r->byte_limit,
	        .picoseconds = r->time_per_instruction,
	        .cpu = r->free.cpu,
	        .ram = r->free.ram,
	        .disk = r->free.disk,
	        .gpus = r->free.gpus,
	        .vram = r->free.vram,
	};
}

/* The new offer as a whole, not in any index yet; false: nothing is left of it. */
static bool build(struct book *b, struct resource *r, const struct resource_offer *offer)
{
	r->provider = account_ref(b, &offer->provider);
	r->machine = r->provider ? machine_ref(b, &offer->provider, &offer->machine) : SLAB_NONE;
	if (r->machine && accounts_ref(b, offer->deny.v, offer->deny.n, &r->deny) &&
	        add_own(b, r, offer) && add_asks(b, r, offer))
		return true;
	unbuild(b, r);
	return false;
}

static bool put_in(struct book *b, uint32_t i)
{
	struct resource *r = resource_at(b, i);
	uint32_t *at = map_put(&b->by_offer, &r->id, NULL);

	if (!at || !heap_add(b, i | HEAP_RESOURCE)) {
		if (at)
			map_del(&b->by_offer, &r->id);
		unbuild(b, r);
		slab_give(&b->resources, i);
		return false;
	}
	*at = i | HEAP_RESOURCE;
	machine_at(b, r->machine)->resource = i;
	chain_insert(&account_at(b, r->provider)->resources, &b->resources,
	        LINK(resource, of_provider), SLAB_NONE, i);
	if (resource_shelve(b, i)) {
		dirty_resource(b, i);
		return true;
	}
	resource_drop(b, i);
	return false;
}

bool book_add_resource(struct book *b, const struct hash *id, const struct resource_offer *offer,
        uint64_t sequence, struct hash *replaced, struct err *e)
{
	uint32_t old, i;

	*replaced = (struct hash){{0}};
	TRY(check_new(b, id, &offer->solver, &b->resources, e), e);
	TRY(amounts_fit(resource_offer_record(), offer, e), e);
	for (uint32_t k = 0; k < offer->module_prices.n; k++)
		TRY(amounts_fit(module_price_record(), &offer->module_prices.v[k], e), e);
	old = standing(b, offer);
	if (old && resource_at(b, old)->nonce >= offer->nonce)
		return FAIL(e, NONCE,
		        "nonce %llu of this machine's offer is not above %llu, which stands",
		        (unsigned long long)offer->nonce,
		        (unsigned long long)resource_at(b, old)->nonce);
	i = slab_take(&b->resources);
	if (i == SLAB_NONE)
		return book_no_memory(e);
	*resource_at(b, i) = resource_of(id, offer, sequence);
	if (!build(b, resource_at(b, i), offer)) {
		slab_give(&b->resources, i);
		return book_no_memory(e);
	}
	/* The old one goes when the new one is whole, and before it is shelved: it takes its place. */
	if (old) {
		*replaced = resource_at(b, old)->id;
		resource_drop(b, old);
	}
	return put_in(b, i) || book_no_memory(e);
}

/* ---- out ------------------------------------------------------------------------------------ */

bool book_remove(struct book *b, const struct hash *id)
{
	const uint32_t *at = map_get(&b->by_offer, id);
	uint32_t h;

	if (!at)
		return false;
	h = *at;
	if (h & HEAP_RESOURCE) {
		resource_drop(b, h & ~HEAP_RESOURCE);
		return true;
	}
	if (job_at(b, h)->taken)
		hold_at(b, job_at(b, h)->hold)->job = SLAB_NONE;
	job_drop(b, h);
	return true;
}

bool book_expire(struct book *b, struct btime now, struct hash *id)
{
	uint32_t h;

	if (b->expiries.n == 0 || expiry_of(b, b->expiries.v[0]) > now.s)
		return false;
	h = b->expiries.v[0];
	*id = h & HEAP_RESOURCE ? resource_at(b, h & ~HEAP_RESOURCE)->id : job_at(b, h)->id;
	return book_remove(b, id);
}
