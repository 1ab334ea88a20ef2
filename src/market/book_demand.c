/* book_demand.c - what job offers have in common, their queues, and which supplies go with them. */
#include <stdlib.h>

#include "crypto/keccak.h"
#include "market/book_own.h"

/* ---- demands ---------------------------------------------------------------------------------------- */

static void spec_unref(struct book *b, const struct demand_spec *s)
{
	thing_unref(b, s->engine);
	thing_unref(b, s->model);
	thing_unref(b, s->module);
	account_unref(b, s->directory);
	account_unref(b, s->issuer);
	account_unref(b, s->target);
	for (uint32_t i = 0; i < s->mediators_n; i++)
		account_unref(b, s->mediators[i]);
}

/* Every mediator once, without the solver: it can sit on no panel of its deals. */
static bool take_mediators(struct book *b, const struct job_offer *j, struct demand_spec *s)
{
	for (uint32_t i = 0; i < j->mediators.n; i++) {
		uint32_t id = account_ref(b, &j->mediators.v[i]);

		if (id == SLAB_NONE)
			return false;
		if (id == b->solver_id || id_in(s->mediators, s->mediators_n, id))
			account_unref(b, id);
		else
			s->mediators[s->mediators_n++] = id;
	}
	return true;
}

static bool spec_of(struct book *b, const struct job_offer *j, struct demand_spec *s)
{
	bool issuer = !addr_is_zero(&j->issuer), target = !addr_is_zero(&j->target);

	memset(s, 0, sizeof *s);
	s->engine = thing_of_text(b, j->engine);
	s->model = j->resources.gpus ? thing_of_text(b, j->resources.gpu_model) : 0;
	s->module = thing_ref(b, &j->module);
	s->directory = account_ref(b, &j->directory);
	s->issuer = issuer ? account_ref(b, &j->issuer) : 0;
	s->target = target ? account_ref(b, &j->target) : 0;
	s->determinism = j->determinism;
	s->settlement = j->settlement;
	s->mediation = j->mediation;
	s->wasm = str_starts(str_of(j->engine), "wasm/");
	if (j->mediation == MEDIATION_CONSORTIUM) {
		s->min_mutual = pair_min_mutual(j->min_mutual, j->mediators.n);
		s->need = pair_panel_least(j->terms.seats, j->terms.appeal);
	}
#define R(name, value, clause, sentence)
#define T(name, value, member, sentence) s->term[TERM_##name] = WIDE(j->terms.member);
#include "market/reasons.def"
#undef R
#undef T
	if (take_mediators(b, j, s) && s->module && s->directory && (!issuer || s->issuer) &&
	        (!target || s->target))
		return true;
	spec_unref(b, s);
	return false;
}

static void forget_fits(struct book *b, struct demand *d, uint32_t i)
{
	if (!d->fits)
		return;
	chain_remove(&b->cached, &b->demands, LINK(demand, cached), i);
	b->fittings -= d->fits_cap;
	free(d->fits);
	d->fits = NULL;
	d->fits_n = d->fits_cap = 0;
	d->seen = 0;
}

static void demand_free(struct book *b, uint32_t i)
{
	struct demand *d = demand_at(b, i);

	assert(d->refs == 0 && d->active_at == 0);
	map_del(&b->by_demand, &d->key);
	forget_fits(b, d, i);
	shelf_done(&d->shelf);
	spec_unref(b, &d->spec);
	slab_give(&b->demands, i);
}

static void demand_unref(struct book *b, uint32_t i)
{
	struct demand *d;

	if (i == SLAB_NONE)
		return;
	d = demand_at(b, i);
	assert(d->refs > 0);
	if (--d->refs > 0)
		return;
	chain_insert(&b->cold_demands, &b->demands, LINK(demand, cold), SLAB_NONE, i);
	if (b->cold_demands.n > COLD_MAX) {
		i = b->cold_demands.head;
		chain_remove(&b->cold_demands, &b->demands, LINK(demand, cold), i);
		demand_free(b, i);
	}
}

static void demand_keep(struct book *b, uint32_t i)
{
	struct demand *d = demand_at(b, i);

	if (d->refs++ == 0)
		chain_remove(&b->cold_demands, &b->demands, LINK(demand, cold), i);
}

static void moved(void *ctx, uint32_t id, uint32_t at)
{
	struct demand *d = ctx;

	queue_at(d->book, id)->at = at;
}

static uint32_t demand_ref(struct book *b, const struct job_offer *j)
{
	struct demand_spec spec;
	struct demand *d;
	struct hash key;
	uint32_t *at, i;
	bool fresh;

	if (!spec_of(b, j, &spec))
		return SLAB_NONE;
	keccak256(&spec, sizeof spec, &key);
	at = map_put(&b->by_demand, &key, &fresh);
	if (at && !fresh) {
		spec_unref(b, &spec);
		demand_keep(b, *at);
		return *at;
	}
	i = at ? slab_take(&b->demands) : SLAB_NONE;
	if (i == SLAB_NONE) {
		if (at)
			map_del(&b->by_demand, &key);
		spec_unref(b, &spec);
		return SLAB_NONE;
	}
	*at = i;
	d = demand_at(b, i);
	d->key = key;
	d->refs = 1;
	d->spec = spec;
	/* In a channel nothing is taken from free balances: both sides watch its sums (8.3). */
	if (spec.settlement != SETTLEMENT_CHANNEL) {
		d->jc_lock = spec.term[TERM_PAY] + spec.term[TERM_JOB_BOND];
		d->rp_lock = spec.term[TERM_RESULT_BOND];
	}
	d->book = b;
	shelf_init(&d->shelf, moved, d);
	return i;
}

/* ---- demand and supply -------------------------------------------------------------------------------- */

unsigned mutual_of(const struct demand_spec *d, const struct supply_spec *s, uint32_t creator,
        uint32_t provider)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < d->mediators_n; i++) {
		uint32_t id = d->mediators[i];

		n += id != creator && id != provider && set_has(&s->mediators, id);
	}
	return n;
}

unsigned mutual_need(const struct demand_spec *d, const struct supply_spec *s)
{
	unsigned need = 1;

	if (d->mediation == MEDIATION_NONE)
		return 0;
	if (d->mediation == MEDIATION_CONSORTIUM) {
		need = MAX2(d->need, d->min_mutual);
		need = MAX2(need, s->min_mutual);
	}
	return need;
}

/* All that does not depend on numbers of the offers or on who makes them. */
static bool go_together(const struct demand_spec *d, const struct supply_spec *s, uint32_t *mutual)
{
	if (d->engine != s->engine || (d->model && d->model != s->model) ||
	        (s->module && s->module != d->module) || (!s->listed && !d->wasm))
		return false;
	if (!set_has(&s->directories, d->directory) ||
	        (d->issuer && !set_has(&s->issuers, d->issuer)))
		return false;
	if (d->mediation > 7 || !(s->mediations >> d->mediation & 1) || d->determinism > 7 ||
	        !(s->determinisms >> d->determinism & 1) || d->settlement > 7 ||
	        !(s->settlements >> d->settlement & 1))
		return false;
	for (unsigned t = 0; t < TERMS; t++) {
		if (d->term[t] < s->least[t] || d->term[t] > s->most[t])
			return false;
	}
	*mutual = mutual_of(d, s, SLAB_NONE, SLAB_NONE);
	return *mutual >= mutual_need(d, s);
}

static bool alive(const struct book *b, const struct fitting *f)
{
	return supply_at(b, f->supply)->serial == f->serial;
}

static bool fits_room(struct book *b, struct demand *d, uint32_t i)
{
	struct fitting *v;
	uint32_t cap, n = 0;

	for (uint32_t k = 0; k < d->fits_n; k++) {
		if (alive(b, &d->fits[k]))
			d->fits[n++] = d->fits[k];
	}
	d->fits_n = n;
	if (2 * n < d->fits_cap)
		return true;
	cap = d->fits_cap ? 2 * d->fits_cap : 8;
	v = realloc(d->fits, cap * sizeof *v);
	if (!v)
		return false;
	if (!d->fits)
		chain_insert(&b->cached, &b->demands, LINK(demand, cached), SLAB_NONE, i);
	b->fittings += cap - d->fits_cap;
	d->fits = v;
	d->fits_cap = cap;
	while (b->fittings > FITTINGS_MAX && b->cached.head != i)
		forget_fits(b, demand_at(b, b->cached.head), b->cached.head);
	return true;
}

bool demand_sync(struct book *b, uint32_t i)
{
	struct demand *d = demand_at(b, i);
	uint32_t lo = 0, hi = b->born_n;

	if (d->seen == b->serial)
		return true;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (b->born[mid].serial <= d->seen)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < b->born_n; lo++) {
		const struct born *born = &b->born[lo];
		const struct supply *s = supply_at(b, born->supply);
		uint32_t mutual;

		if (s->serial == born->serial && go_together(&d->spec, &s->spec, &mutual)) {
			if (d->fits_n == d->fits_cap && !fits_room(b, d, i))
				return false;
			d->fits[d->fits_n++] = (struct fitting){born->serial, born->supply, mutual};
		}
		d->seen = born->serial;
	}
	d->seen = b->serial;
	return true;
}

const struct fitting *demand_fits(struct book *b, uint32_t demand, uint32_t supply)
{
	const struct demand *d = demand_at(b, demand);
	uint64_t serial = supply_at(b, supply)->serial;
	uint32_t lo = 0, hi = d->fits_n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (d->fits[mid].serial == serial)
			return &d->fits[mid];
		if (d->fits[mid].serial < serial)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* ---- queues ------------------------------------------------------------------------------------------- */

static void queue_spec_unref(struct book *b, const struct queue_spec *s)
{
	demand_unref(b, s->demand);
	account_unref(b, s->creator);
	for (uint32_t i = 0; i < s->deny_n; i++)
		account_unref(b, s->deny[i]);
}

static bool queue_spec_of(
        struct book *b, const struct job_offer *j, const struct hash *alone, struct queue_spec *s)
{
	memset(s, 0, sizeof *s);
	s->demand = demand_ref(b, j);
	s->creator = account_ref(b, &j->job_creator);
	s->instruction_limit = j->instruction_limit;
	s->byte_limit = j->byte_limit;
	s->cpu = j->resources.cpu;
	s->ram = j->resources.ram;
	s->disk = j->resources.disk;
	s->gpus = j->resources.gpus;
	s->vram = j->resources.gpus ? j->resources.vram : 0;
	s->ceiling[0] = WIDE(j->prices.base);
	s->ceiling[1] = WIDE(j->prices.per_instruction);
	s->ceiling[2] = WIDE(j->prices.per_byte);
	s->pricing = j->pricing;
	if (alone)
		s->alone = *alone;
	for (; s->deny_n < j->deny.n; s->deny_n++) {
		s->deny[s->deny_n] = account_ref(b, &j->deny.v[s->deny_n]);
		if (s->deny[s->deny_n] == SLAB_NONE)
			break;
	}
	ids_sort(s->deny, s->deny_n);
	if (s->demand && s->creator && s->deny_n == j->deny.n)
		return true;
	queue_spec_unref(b, s);
	return false;
}

static void queue_free(struct book *b, uint32_t i)
{
	struct queue *q = queue_at(b, i);

	assert(q->refs == 0 && q->jobs.n == 0 && q->at == SHELF_HOLE && !q->is_dirty &&
	        !q->is_poor);
	map_del(&b->by_queue, &q->key);
	queue_spec_unref(b, &q->spec);
	slab_give(&b->queues, i);
}

void queue_unref(struct book *b, uint32_t i)
{
	struct queue *q;

	if (i == SLAB_NONE)
		return;
	q = queue_at(b, i);
	assert(q->refs > 0);
	if (--q->refs > 0)
		return;
	if (q->is_dirty) {
		q->is_dirty = false;
		chain_remove(&b->dirty_queues, &b->queues, LINK(queue, dirty), i);
	}
	if (!hash_is_zero(&q->spec.alone)) {
		queue_free(b, i);
		return;
	}
	chain_insert(&b->cold_queues, &b->queues, LINK(queue, wait), SLAB_NONE, i);
	if (b->cold_queues.n > COLD_MAX) {
		i = b->cold_queues.head;
		chain_remove(&b->cold_queues, &b->queues, LINK(queue, wait), i);
		queue_free(b, i);
	}
}

/* Takes the references of the spec. */
static uint32_t queue_of(struct book *b, const struct queue_spec *spec)
{
	uint64_t seconds;
	struct hash key;
	struct queue *q;
	uint32_t *at, i;
	bool fresh;

	keccak256(spec, sizeof *spec, &key);
	at = map_put(&b->by_queue, &key, &fresh);
	if (at && !fresh) {
		queue_spec_unref(b, spec);
		q = queue_at(b, *at);
		if (q->refs++ == 0)
			chain_remove(&b->cold_queues, &b->queues, LINK(queue, wait), *at);
		return *at;
	}
	i = at ? slab_take(&b->queues) : SLAB_NONE;
	if (i == SLAB_NONE) {
		if (at)
			map_del(&b->by_queue, &key);
		queue_spec_unref(b, spec);
		return SLAB_NONE;
	}
	*at = i;
	q = queue_at(b, i);
	q->key = key;
	q->refs = 1;
	q->at = SHELF_HOLE;
	q->spec = *spec;
	seconds = (uint64_t)demand_at(b, spec->demand)->spec.term[TERM_SUBMIT_TIMEOUT];
	q->slowest = pair_slowest(seconds, spec->instruction_limit);
	return i;
}

uint32_t queue_ref(struct book *b, const struct job_offer *j, const struct hash *alone)
{
	struct queue_spec spec;

	return queue_spec_of(b, j, alone, &spec) ? queue_of(b, &spec) : SLAB_NONE;
}

uint32_t queue_ref_again(struct book *b, uint32_t i, const struct hash *alone)
{
	struct queue_spec spec = queue_at(b, i)->spec;

	spec.alone = *alone;
	demand_keep(b, spec.demand);
	account_at(b, spec.creator)->refs++;
	for (uint32_t k = 0; k < spec.deny_n; k++)
		account_at(b, spec.deny[k])->refs++;
	return queue_of(b, &spec);
}

/* ---- waiting queues on the demand's shelf --------------------------------------------------------------- */

enum { B_CPU, B_RAM, B_DISK, B_GPUS, B_VRAM, B_INSTRUCTIONS, B_BYTES, B_SLOW, B_CEILING };

static struct shelf_item item_of(const struct book *b, const struct queue *q)
{
	const struct queue_spec *s = &q->spec;
	struct shelf_item item = {0};

	item.bound[B_CPU] = shelf_down((double)s->cpu);
	item.bound[B_RAM] = shelf_down((double)s->ram);
	item.bound[B_DISK] = shelf_down((double)s->disk);
	item.bound[B_GPUS] = shelf_down((double)s->gpus);
	item.bound[B_VRAM] = shelf_down((double)s->vram);
	item.bound[B_INSTRUCTIONS] = shelf_down((double)s->instruction_limit);
	item.bound[B_BYTES] = shelf_down((double)s->byte_limit);
	item.bound[B_SLOW] = shelf_down(-(double)q->slowest);
	for (unsigned c = 0; c < SHELF_COSTS; c++)
		item.bound[B_CEILING + c] = shelf_down(-(double)s->ceiling[c]);
	item.cost[0] = (double)job_at(b, q->jobs.head)->sequence;
	return item;
}

void resource_query(const struct book *b, const struct resource *r, const struct ask *a,
        struct shelf_query *out)
{
	const struct machine *m = machine_at(b, r->machine);

	*out = (struct shelf_query){.cap = 1e300, .cost[0] = 1e300, .weight[0] = 1};
	out->bound[B_CPU] = shelf_up((double)left(r->cpu, m->cpu));
	out->bound[B_RAM] = shelf_up((double)left(r->ram, m->ram));
	out->bound[B_DISK] = shelf_up((double)left(r->disk, m->disk));
	out->bound[B_GPUS] = shelf_up((double)left(r->gpus, m->gpus));
	out->bound[B_VRAM] = shelf_up((double)r->vram);
	out->bound[B_INSTRUCTIONS] = shelf_up((double)r->instruction_limit);
	out->bound[B_BYTES] = shelf_up((double)r->byte_limit);
	out->bound[B_SLOW] = shelf_up(-(double)r->picoseconds);
	for (unsigned c = 0; c < SHELF_COSTS; c++)
		out->bound[B_CEILING + c] = shelf_up(-(double)a->price[c]);
}

static bool activate(struct book *b, uint32_t i)
{
	struct demand *d = demand_at(b, i);

	if (d->active_at)
		return true;
	if (b->active_n == b->active_cap) {
		uint32_t cap = b->active_cap ? 2 * b->active_cap : 64;
		uint32_t *v = realloc(b->active, cap * sizeof *v);

		if (!v)
			return false;
		b->active = v;
		b->active_cap = cap;
	}
	b->active[b->active_n++] = i;
	d->active_at = b->active_n;
	return true;
}

static void deactivate(struct book *b, uint32_t i)
{
	struct demand *d = demand_at(b, i);
	uint32_t last = b->active[--b->active_n];

	b->active[d->active_at - 1] = last;
	demand_at(b, last)->active_at = d->active_at;
	d->active_at = 0;
}

static void make_poor(struct book *b, uint32_t i, bool poor)
{
	struct queue *q = queue_at(b, i);
	struct chain *c = &account_at(b, q->spec.creator)->poor;

	if (q->is_poor == poor)
		return;
	q->is_poor = poor;
	if (poor)
		chain_insert(c, &b->queues, LINK(queue, wait), SLAB_NONE, i);
	else
		chain_remove(c, &b->queues, LINK(queue, wait), i);
}

bool queue_place(struct book *b, uint32_t i)
{
	struct queue *q = queue_at(b, i);
	struct demand *d = demand_at(b, q->spec.demand);
	bool waits = q->jobs.n > 0;
	bool rich = available(account_at(b, q->spec.creator)) >= d->jc_lock;
	struct shelf_item item;

	make_poor(b, i, waits && !rich);
	if (!waits || !rich) {
		if (q->at == SHELF_HOLE)
			return true;
		shelf_remove(&d->shelf, q->at);
		q->at = SHELF_HOLE;
		if (d->shelf.live == 0)
			deactivate(b, q->spec.demand);
		return true;
	}
	item = item_of(b, q);
	if (q->at != SHELF_HOLE) {
		shelf_set(&d->shelf, q->at, &item);
		return true;
	}
	return activate(b, q->spec.demand) && shelf_add(&d->shelf, &item, i);
}
