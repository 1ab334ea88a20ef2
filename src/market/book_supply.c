/* book_supply.c - what resource offers have in common, and their numbers on its shelf. */
#include <stdlib.h>

#include "crypto/keccak.h"
#include "market/book_own.h"

/* The numbers of an item on a supply's shelf, and of a query to it. Capacity is negative, so that every
 * bound reads "at most". */
enum { B_CPU, B_RAM, B_DISK, B_GPUS, B_VRAM, B_INSTRUCTIONS, B_BYTES, B_SLOW, B_FUNDS };

/* Sort, and drop names that stand twice. */
static void set_close(struct id_set *s, struct book *b)
{
	uint32_t n = 0;

	ids_sort(s->v, s->n);
	for (uint32_t i = 0; i < s->n; i++) {
		if (n > 0 && s->v[n - 1] == s->v[i])
			account_unref(b, s->v[i]);
		else
			s->v[n++] = s->v[i];
	}
	memset(s->v + n, 0, (s->n - n) * sizeof s->v[0]);
	s->n = n;
}

static bool set_of_accounts(struct book *b, const struct addr *v, uint32_t n, struct id_set *out)
{
	for (; out->n < n; out->n++) {
		out->v[out->n] = account_ref(b, &v[out->n]);
		if (out->v[out->n] == SLAB_NONE)
			return false;
	}
	set_close(out, b);
	return true;
}

static void spec_unref(struct book *b, const struct supply_spec *s)
{
	thing_unref(b, s->engine);
	thing_unref(b, s->model);
	thing_unref(b, s->module);
	for (uint32_t i = 0; i < s->mediators.n; i++)
		account_unref(b, s->mediators.v[i]);
	for (uint32_t i = 0; i < s->directories.n; i++)
		account_unref(b, s->directories.v[i]);
	for (uint32_t i = 0; i < s->issuers.n; i++)
		account_unref(b, s->issuers.v[i]);
}

static bool spec_of(
        struct book *b, const struct resource_offer *r, uint32_t module, struct supply_spec *s)
{
	memset(s, 0, sizeof *s);
	s->engine = thing_of_text(b, r->engine);
	s->model = thing_of_text(b, r->free.gpu_model);
	s->module = module;
	if (module)
		thing_keep(b, module);
	s->listed = r->modules.n > 0;
	s->min_mutual = pair_min_mutual(r->min_mutual, r->mediators.n);
	s->determinisms = r->determinisms;
	s->settlements = r->settlements;
	s->mediations = r->mediations;
#define R(name, value, clause, sentence)
#define T(name, value, member, sentence)                                                           \
	s->least[TERM_##name] = WIDE(r->least.member);                                             \
	s->most[TERM_##name] = WIDE(r->most.member);
#include "market/reasons.def"
#undef R
#undef T
	if (set_of_accounts(b, r->mediators.v, r->mediators.n, &s->mediators) &&
	        set_of_accounts(b, r->directories.v, r->directories.n, &s->directories) &&
	        set_of_accounts(b, r->issuers.v, r->issuers.n, &s->issuers))
		return true;
	spec_unref(b, s);
	return false;
}

static void moved(void *ctx, uint32_t id, uint32_t at)
{
	struct supply *s = ctx;
	struct resource *r = resource_at(s->book, id);

	for (uint32_t i = 0; i < r->asks_n; i++) {
		if (supply_at(s->book, r->asks[i].supply) == s)
			r->asks[i].at = at;
	}
}

static bool bear(struct book *b, uint32_t i)
{
	if (b->born_n == b->born_cap) {
		uint32_t cap = b->born_cap ? 2 * b->born_cap : 64;
		struct born *v = realloc(b->born, cap * sizeof *v);

		if (!v)
			return false;
		b->born = v;
		b->born_cap = cap;
	}
	supply_at(b, i)->serial = ++b->serial;
	b->born[b->born_n++] = (struct born){b->serial, i};
	return true;
}

static bool roots_room(struct book *b, uint32_t i)
{
	uint32_t cap = MAX2(64u, i + i / 2 + 1);
	struct root *v;

	if (i < b->roots_cap)
		return true;
	v = realloc(b->roots, cap * sizeof *v);
	if (!v)
		return false;
	memset(v + b->roots_cap, 0, (cap - b->roots_cap) * sizeof *v);
	b->roots = v;
	b->roots_cap = cap;
	return true;
}

uint32_t supply_ref(struct book *b, const struct resource_offer *r, uint32_t module)
{
	struct supply_spec spec;
	struct supply *s;
	struct hash key;
	uint32_t *at, i;
	bool fresh;

	if (!spec_of(b, r, module, &spec))
		return SLAB_NONE;
	keccak256(&spec, sizeof spec, &key);
	at = map_put(&b->by_supply, &key, &fresh);
	if (at && !fresh) {
		spec_unref(b, &spec);
		supply_at(b, *at)->refs++;
		return *at;
	}
	i = at ? slab_take(&b->supplies) : SLAB_NONE;
	if (i == SLAB_NONE || !roots_room(b, i) || !bear(b, i)) {
		if (i != SLAB_NONE)
			slab_give(&b->supplies, i);
		if (at)
			map_del(&b->by_supply, &key);
		spec_unref(b, &spec);
		return SLAB_NONE;
	}
	*at = i;
	s = supply_at(b, i);
	s->key = key;
	s->refs = 1;
	s->spec = spec;
	s->book = b;
	shelf_init(&s->shelf, moved, s);
	b->roots[i] = (struct root){s->serial, s->shelf.root};
	return i;
}

void supply_unref(struct book *b, uint32_t i)
{
	struct supply *s;
	uint32_t n = 0;

	if (i == SLAB_NONE)
		return;
	s = supply_at(b, i);
	assert(s->refs > 0);
	if (--s->refs > 0)
		return;
	map_del(&b->by_supply, &s->key);
	shelf_done(&s->shelf);
	spec_unref(b, &s->spec);
	s->serial = b->roots[i].serial = 0;
	slab_give(&b->supplies, i);
	if (++b->born_dead <= 64 + b->born_n / 2)
		return;
	for (uint32_t k = 0; k < b->born_n; k++) {
		if (supply_at(b, b->born[k].supply)->serial == b->born[k].serial)
			b->born[n++] = b->born[k];
	}
	b->born_n = n;
	b->born_dead = 0;
}

/* ---- resource offers on shelves ---------------------------------------------------------------------- */

static struct shelf_item item_of(
        const struct book *b, const struct resource *r, const struct ask *a)
{
	const struct machine *m = machine_at(b, r->machine);
	struct shelf_item item = {0};

	item.bound[B_CPU] = shelf_down(-(double)left(r->cpu, m->cpu));
	item.bound[B_RAM] = shelf_down(-(double)left(r->ram, m->ram));
	item.bound[B_DISK] = shelf_down(-(double)left(r->disk, m->disk));
	item.bound[B_GPUS] = shelf_down(-(double)left(r->gpus, m->gpus));
	item.bound[B_VRAM] = shelf_down(-(double)r->vram);
	item.bound[B_INSTRUCTIONS] = shelf_down(-(double)r->instruction_limit);
	item.bound[B_BYTES] = shelf_down(-(double)r->byte_limit);
	item.bound[B_SLOW] = shelf_down((double)r->picoseconds);
	item.bound[B_FUNDS] = -account_at(b, r->provider)->funds;
	for (unsigned c = 0; c < SHELF_COSTS; c++)
		item.cost[c] = (double)a->price[c] * (1 - 1e-15);
	return item;
}

bool resource_shelve(struct book *b, uint32_t i)
{
	struct resource *r = resource_at(b, i);

	for (uint32_t k = 0; k < r->asks_n; k++) {
		struct ask *a = &r->asks[k];
		struct shelf *shelf = &supply_at(b, a->supply)->shelf;
		struct shelf_item item = item_of(b, r, a);

		if (a->at != SHELF_HOLE)
			shelf_set(shelf, a->at, &item);
		else if (!shelf_add(shelf, &item, i))
			return false;
		b->roots[a->supply].item = shelf->root;
	}
	return true;
}

void resource_unshelve(struct book *b, uint32_t i)
{
	struct resource *r = resource_at(b, i);

	for (uint32_t k = 0; k < r->asks_n; k++) {
		struct shelf *shelf = &supply_at(b, r->asks[k].supply)->shelf;

		if (r->asks[k].at == SHELF_HOLE)
			continue;
		shelf_remove(shelf, r->asks[k].at);
		r->asks[k].at = SHELF_HOLE;
		b->roots[r->asks[k].supply].item = shelf->root;
	}
}

void queue_query(const struct book *b, const struct queue *q, struct shelf_query *out)
{
	const struct queue_spec *s = &q->spec;
	const struct demand *d = demand_at(b, s->demand);
	bool fixed = s->pricing == PRICING_FIXED;

	*out = (struct shelf_query){.cap = (double)d->spec.term[TERM_PAY]};
	out->bound[B_CPU] = shelf_up(-(double)s->cpu);
	out->bound[B_RAM] = shelf_up(-(double)s->ram);
	out->bound[B_DISK] = shelf_up(-(double)s->disk);
	out->bound[B_GPUS] = shelf_up(-(double)s->gpus);
	out->bound[B_VRAM] = shelf_up(-(double)s->vram);
	out->bound[B_INSTRUCTIONS] = shelf_up(-(double)s->instruction_limit);
	out->bound[B_BYTES] = shelf_up(-(double)s->byte_limit);
	out->bound[B_SLOW] = shelf_up((double)q->slowest);
	out->bound[B_FUNDS] = shelf_up(-(double)d->rp_lock);
	for (unsigned c = 0; c < SHELF_COSTS; c++)
		out->cost[c] = (double)s->ceiling[c] * (1 + 1e-15);
	/* A fixed price is the same whoever runs the job: all are tied. */
	if (!fixed) {
		out->weight[0] = 1;
		out->weight[1] = (double)s->instruction_limit;
		out->weight[2] = (double)s->byte_limit;
	}
}
