/* shelf.c - the tree of lower bounds. Node i of level l has nodes 16i .. 16i+15 of level l - 1 as its
 * children; those of level 0 are the items themselves. */
#include "market/shelf.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

/* Scores are sums of rounded numbers: a branch is left out only if it is worse by more than that. */
#define SLACK 1e-12
/* Positions are sorted again when so many items have come since: small enough that few are out of
 * order, large enough that sorting costs little per item. */
#define UNSORTED_MAX(live) (64 + (live) / 8)

typedef float quad __attribute__((vector_size(16)));
typedef int32_t quad_mask __attribute__((vector_size(16)));
typedef double pair_ __attribute__((vector_size(16)));
typedef int64_t pair_mask __attribute__((vector_size(16)));

static const struct shelf_item nothing = {
        .bound = {FLT_MAX, FLT_MAX, FLT_MAX, FLT_MAX, FLT_MAX, FLT_MAX, FLT_MAX, FLT_MAX, FLT_MAX,
                FLT_MAX, FLT_MAX, FLT_MAX},
        .cost = {DBL_MAX, DBL_MAX, DBL_MAX},
};

void shelf_init(struct shelf *s, void (*moved)(void *ctx, uint32_t id, uint32_t at), void *ctx)
{
	/* Until there are queries: a job of some seconds and a megabyte. */
	*s = (struct shelf){
	        .hole = SHELF_HOLE, .moved = moved, .ctx = ctx, .weight = {1, 1e9, 1e6}};
	s->root = nothing;
}

void shelf_done(struct shelf *s)
{
	for (unsigned l = 0; l < SHELF_LEVELS; l++)
		free(s->level[l].v);
	free(s->ids);
	shelf_init(s, s->moved, s->ctx);
}

/* Whole numbers below 2^24 are floats as they are; larger ones move by more than they were rounded. */
float shelf_down(double x)
{
	double a = x < 0 ? -x : x;

	if (a < 16777216.0)
		return (float)x;
	return (float)(x - a * 4e-7);
}

float shelf_up(double x)
{
	return -shelf_down(-x);
}

/* ---- bounds of nodes ------------------------------------------------------------------------------ */

static void put(struct shelf_node *n, unsigned k, const struct shelf_item *item)
{
	for (unsigned d = 0; d < SHELF_BOUNDS; d++)
		n->bound[d][k] = item->bound[d];
	for (unsigned c = 0; c < SHELF_COSTS; c++)
		n->cost[c][k] = item->cost[c];
}

static struct shelf_item get(const struct shelf_node *n, unsigned k)
{
	struct shelf_item item;

	for (unsigned d = 0; d < SHELF_BOUNDS; d++)
		item.bound[d] = n->bound[d][k];
	for (unsigned c = 0; c < SHELF_COSTS; c++)
		item.cost[c] = n->cost[c][k];
	return item;
}

static float least_of(const float v[SHELF_FAN])
{
	float m = v[0];

	for (unsigned k = 1; k < SHELF_FAN; k++)
		m = v[k] < m ? v[k] : m;
	return m;
}

static struct shelf_item least(const struct shelf_node *n)
{
	struct shelf_item item;

	for (unsigned d = 0; d < SHELF_BOUNDS; d++)
		item.bound[d] = least_of(n->bound[d]);
	for (unsigned c = 0; c < SHELF_COSTS; c++) {
		double m = n->cost[c][0];

		for (unsigned k = 1; k < SHELF_FAN; k++)
			m = n->cost[c][k] < m ? n->cost[c][k] : m;
		item.cost[c] = m;
	}
	return item;
}

/* Carry a change of node i of level 0 up to the root. */
static void refresh(struct shelf *s, uint32_t i)
{
	for (unsigned l = 0; l + 1 < s->levels; l++, i /= SHELF_FAN) {
		struct shelf_item item = least(&s->level[l].v[i]);
		struct shelf_node *up = &s->level[l + 1].v[i / SHELF_FAN];
		struct shelf_item old = get(up, i % SHELF_FAN);

		if (memcmp(&old, &item, sizeof item) == 0)
			return;
		put(up, i % SHELF_FAN, &item);
	}
	s->root = least(&s->level[s->levels - 1].v[0]);
}

/* ---- room ------------------------------------------------------------------------------------------ */

static bool nodes_for(struct shelf *s, unsigned l, uint32_t n)
{
	if (n > s->level[l].cap) {
		uint32_t cap = n + n / 2;
		struct shelf_node *v = realloc(s->level[l].v, cap * sizeof *v);

		if (!v)
			return false;
		s->level[l].v = v;
		s->level[l].cap = cap;
	}
	for (; s->level[l].n < n; s->level[l].n++) {
		for (unsigned k = 0; k < SHELF_FAN; k++)
			put(&s->level[l].v[s->level[l].n], k, &nothing);
	}
	return true;
}

/* Nodes and ids for n positions. */
static bool room_for(struct shelf *s, uint32_t n)
{
	uint32_t nodes = n;
	unsigned l = 0;

	if (n > s->ids_cap) {
		uint32_t cap = MAX2(SHELF_FAN, n + n / 2);
		uint32_t *ids = realloc(s->ids, cap * sizeof *ids);

		if (!ids)
			return false;
		s->ids = ids;
		s->ids_cap = cap;
	}
	do {
		nodes = (nodes + SHELF_FAN - 1) / SHELF_FAN;
		assert(l < SHELF_LEVELS);
		if (!nodes_for(s, l, nodes))
			return false;
		l++;
	} while (nodes > 1);
	/* A new root has the old one as its first child. */
	for (; s->levels < l; s->levels++) {
		struct shelf_item item;

		if (s->levels == 0)
			continue;
		for (uint32_t i = 0; i < s->level[s->levels - 1].n; i++) {
			item = least(&s->level[s->levels - 1].v[i]);
			put(&s->level[s->levels].v[i / SHELF_FAN], i % SHELF_FAN, &item);
		}
	}
	return true;
}

/* ---- order ------------------------------------------------------------------------------------------ */

struct sorting {
	struct shelf_item *items;
	uint32_t *ids;
	double weight[SHELF_COSTS];
	uint64_t random;
};

static double number(const struct sorting *o, uint32_t i, unsigned dim)
{
	return dim < SHELF_COSTS ? o->items[i].cost[dim]
	                         : (double)o->items[i].bound[dim - SHELF_COSTS];
}

static void swap(struct sorting *o, uint32_t a, uint32_t b)
{
	struct shelf_item item = o->items[a];
	uint32_t id = o->ids[a];

	o->items[a] = o->items[b];
	o->items[b] = item;
	o->ids[a] = o->ids[b];
	o->ids[b] = id;
}

/* The number that tells the items from..to apart most: by what it does to a score, else relatively. */
static unsigned widest(const struct sorting *o, uint32_t from, uint32_t to)
{
	unsigned best = 0;
	double most = 0;

	for (unsigned d = 0; d < SHELF_COSTS + SHELF_BOUNDS; d++) {
		double lo = DBL_MAX, hi = -DBL_MAX, spread;

		if (d == SHELF_COSTS && most > 0)
			break;
		for (uint32_t i = from; i < to; i++) {
			double x = number(o, i, d);

			lo = x < lo ? x : lo;
			hi = x > hi ? x : hi;
		}
		spread = hi - lo;
		spread = d < SHELF_COSTS ? spread * o->weight[d]
		                         : spread / (1 + (lo < 0 ? -lo : lo) + (hi < 0 ? -hi : hi));
		if (spread > most) {
			most = spread;
			best = d;
		}
	}
	return best;
}

/* Quickselect: no number before mid is above one after it. Random pivots: prices are chosen by others. */
static void split(struct sorting *o, uint32_t from, uint32_t to, uint32_t mid, unsigned dim)
{
	while (from < mid && mid < to) {
		uint32_t low = from, i = from, high = to;
		double pivot;

		o->random = o->random * 6364136223846793005u + 1442695040888963407u;
		pivot = number(o, from + (uint32_t)((o->random >> 33) % (to - from)), dim);
		while (i < high) {
			double x = number(o, i, dim);

			if (x < pivot)
				swap(o, i++, low++);
			else if (x > pivot)
				swap(o, i, --high);
			else
				i++;
		}
		/* from..low are below the pivot, low..high equal it, high..to are above. */
		if (mid < low)
			to = low;
		else if (mid > high)
			from = high;
		else
			return;
	}
}

/* Halve until a node is full, at the borders of nodes of every level. */
static void sort(struct sorting *o, uint32_t from, uint32_t to)
{
	while (to - from > SHELF_FAN) {
		uint32_t block = SHELF_FAN, blocks, mid;

		while (block * SHELF_FAN < to - from)
			block *= SHELF_FAN;
		blocks = (to - from + block - 1) / block;
		mid = from + (blocks + 1) / 2 * block;
		if (mid >= to)
			mid = from + blocks / 2 * block;
		split(o, from, to, mid, widest(o, from, to));
		sort(o, mid, to);
		to = mid;
	}
}

static void gather(const struct shelf *s, struct sorting *o)
{
	uint32_t n = 0;

	for (uint32_t at = 0; at < s->n; at++) {
		if (s->ids[at] == SHELF_HOLE)
			continue;
		o->items[n] = get(&s->level[0].v[at / SHELF_FAN], at % SHELF_FAN);
		o->ids[n++] = s->ids[at];
	}
	assert(n == s->live);
}

/* Sort all positions anew and close the holes. Without memory for it the shelf stays as it is. */
static void rebuild(struct shelf *s)
{
	struct sorting o = {.random = s->live};
	uint32_t n = s->live;

	s->unsorted = 0;
	o.items = malloc((n ? n : 1) * sizeof *o.items);
	o.ids = malloc((n ? n : 1) * sizeof *o.ids);
	if (o.items && o.ids) {
		for (unsigned c = 0; c < SHELF_COSTS; c++)
			o.weight[c] = s->sorted_by[c] = s->weight[c];
		gather(s, &o);
		sort(&o, 0, n);
		for (unsigned l = 0; l < s->levels; l++)
			s->level[l].n = 0;
		s->levels = 0;
		s->n = n;
		s->hole = SHELF_HOLE;
		/* No more nodes than there were: nothing is allocated. */
		bool ok = room_for(s, MAX2(n, (uint32_t)1));
		assert(ok);
		for (uint32_t at = 0; at < n; at++) {
			s->ids[at] = o.ids[at];
			put(&s->level[0].v[at / SHELF_FAN], at % SHELF_FAN, &o.items[at]);
			s->moved(s->ctx, o.ids[at], at);
		}
		for (unsigned l = 0; l + 1 < s->levels; l++) {
			for (uint32_t i = 0; i < s->level[l].n; i++) {
				struct shelf_item item = least(&s->level[l].v[i]);

				put(&s->level[l + 1].v[i / SHELF_FAN], i % SHELF_FAN, &item);
			}
		}
		s->root = least(&s->level[s->levels - 1].v[0]);
	}
	free(o.items);
	free(o.ids);
}

/* ---- changes ---------------------------------------------------------------------------------------- */

bool shelf_add(struct shelf *s, const struct shelf_item *item, uint32_t id)
{
	uint32_t at = s->hole;

	if (at == SHELF_HOLE) {
		at = s->n;
		if (!room_for(s, at + 1))
			return false;
		s->n++;
	}
	/* Only a renewed item is where it belongs. */
	if (at + 1 == s->n || memcmp(s->hole_cost, item->cost, sizeof item->cost) != 0)
		s->unsorted++;
	s->hole = SHELF_HOLE;
	s->ids[at] = id;
	s->live++;
	s->moved(s->ctx, id, at);
	shelf_set(s, at, item);
	if (s->unsorted > UNSORTED_MAX(s->live))
		rebuild(s);
	return true;
}

void shelf_set(struct shelf *s, uint32_t at, const struct shelf_item *item)
{
	put(&s->level[0].v[at / SHELF_FAN], at % SHELF_FAN, item);
	refresh(s, at / SHELF_FAN);
}

void shelf_remove(struct shelf *s, uint32_t at)
{
	assert(at < s->n && s->ids[at] != SHELF_HOLE);
	s->ids[at] = SHELF_HOLE;
	s->live--;
	s->hole = at;
	for (unsigned c = 0; c < SHELF_COSTS; c++)
		s->hole_cost[c] = s->level[0].v[at / SHELF_FAN].cost[c][at % SHELF_FAN];
	shelf_set(s, at, &nothing);
	if (s->n - s->live > 64 + s->live)
		rebuild(s);
}

/* ---- finding ---------------------------------------------------------------------------------------- */

struct search {
	const struct shelf *s;
	const struct shelf_query *q;
	double *limit;
	double (*visit)(void *ctx, uint32_t id);
	void *ctx;
};

/* Which children may hold items within the query (bit set), and the least score of each. */
static unsigned within(
        const struct shelf_node *n, const struct shelf_query *q, double score[SHELF_FAN])
{
	quad_mask ok[SHELF_FAN / 4];
	unsigned set = 0;

	memset(ok, 0xff, sizeof ok);
	for (unsigned d = 0; d < SHELF_BOUNDS; d++) {
		float b = q->bound[d];
		quad most = {b, b, b, b};

		for (unsigned k = 0; k < SHELF_FAN / 4; k++) {
			quad v;

			memcpy(&v, &n->bound[d][4 * k], sizeof v);
			ok[k] &= v <= most;
		}
	}
	for (unsigned k = 0; k < SHELF_FAN / 4; k++) {
		for (unsigned i = 0; i < 4; i++)
			set |= (unsigned)(ok[k][i] & 1) << (4 * k + i);
	}
	if (!set)
		return 0;
	for (unsigned k = 0; k < SHELF_FAN; k++) {
		bool dear = n->cost[0][k] > q->cost[0] || n->cost[1][k] > q->cost[1] ||
		            n->cost[2][k] > q->cost[2];

		set &= ~((unsigned)dear << k);
		score[k] = n->cost[0][k] * q->weight[0] + n->cost[1][k] * q->weight[1] +
		           n->cost[2][k] * q->weight[2];
		score[k] = score[k] < q->cap ? score[k] : q->cap;
	}
	return set;
}

static void descend(const struct search *f, unsigned level, uint32_t i)
{
	double score[SHELF_FAN];
	unsigned set = within(&f->s->level[level].v[i], f->q, score);

	while (set) {
		unsigned best = (unsigned)__builtin_ctz(set);

		for (unsigned rest = set & (set - 1); rest; rest &= rest - 1) {
			unsigned k = (unsigned)__builtin_ctz(rest);

			best = score[k] < score[best] ? k : best;
		}
		if (score[best] * (1 - SLACK) > *f->limit)
			return;
		set &= ~(1u << best);
		if (level > 0)
			descend(f, level - 1, i * SHELF_FAN + best);
		else
			*f->limit = f->visit(f->ctx, f->s->ids[i * SHELF_FAN + best]);
	}
}

/* Whether the order of the items still suits what is asked: the weights relative to each other are
 * within a factor of 8 of those by which they are sorted. */
static bool suits(const struct shelf *s)
{
	for (unsigned c = 0; c < SHELF_COSTS; c++) {
		for (unsigned d = 0; d < SHELF_COSTS; d++) {
			if (s->weight[c] * s->sorted_by[d] > 8 * s->weight[d] * s->sorted_by[c])
				return false;
		}
	}
	return true;
}

static void learn(struct shelf *s, const struct shelf_query *q)
{
	double sum = 0;

	for (unsigned c = 0; c < SHELF_COSTS; c++)
		sum += q->weight[c];
	for (unsigned c = 0; sum > 0 && c < SHELF_COSTS; c++)
		s->weight[c] = MAX2(s->weight[c] + (q->weight[c] - s->weight[c]) / 16, 1e-3);
	if (++s->finds < 64 + s->live)
		return;
	s->finds = 0;
	if (!suits(s))
		rebuild(s);
}

void shelf_find(struct shelf *s, const struct shelf_query *q, double *limit,
        double (*visit)(void *ctx, uint32_t id), void *ctx)
{
	struct search f = {s, q, limit, visit, ctx};

	learn(s, q);
	if (s->levels)
		descend(&f, s->levels - 1, 0);
}

double shelf_least(const struct shelf_item *root, const struct shelf_query *q)
{
	bool out = false;
	double score = 0;

	for (unsigned d = 0; d < SHELF_BOUNDS; d++)
		out |= root->bound[d] > q->bound[d];
	for (unsigned c = 0; c < SHELF_COSTS; c++) {
		out |= root->cost[c] > q->cost[c];
		score += root->cost[c] * q->weight[c];
	}
	if (out)
		return -1;
	return (score < q->cap ? score : q->cap) * (1 - SLACK);
}
