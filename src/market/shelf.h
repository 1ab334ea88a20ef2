/* shelf.h - items with numbers, found by bounds: those within a query, cheapest first.
 *
 * A tree of nodes with SHELF_FAN children each. For every child a node keeps the least of each number
 * below it, so a whole branch is passed over when it cannot hold an item within the query, or none
 * cheaper than the best one so far. What the tree says is a lower bound; the visitor decides exactly.
 * Finding costs O(log n) where prices spread, O(ties) where they do not; changing an item O(log n). */
#ifndef LILYPAD_MARKET_SHELF_H
#define LILYPAD_MARKET_SHELF_H

#include "base/defs.h"

#define SHELF_BOUNDS 12
#define SHELF_COSTS  3
#define SHELF_FAN    16u
#define SHELF_LEVELS 8
#define SHELF_HOLE   UINT32_MAX

struct shelf_item {
	float bound[SHELF_BOUNDS]; /* unused ones 0 */
	double cost[SHELF_COSTS];
};

/* An item is within iff each of its bounds and costs is at most the query's. Its score is the weighted
 * sum of its costs, at most cap. All numbers are finite and below FLT_MAX. */
struct shelf_query {
	float bound[SHELF_BOUNDS];
	double cost[SHELF_COSTS];
	double weight[SHELF_COSTS];
	double cap;
};

struct shelf_node {
	float bound[SHELF_BOUNDS][SHELF_FAN];
	double cost[SHELF_COSTS][SHELF_FAN];
};

struct shelf {
	struct {
		struct shelf_node *v;
		uint32_t n, cap;
	} level[SHELF_LEVELS];
	unsigned levels;
	struct shelf_item root; /* the least of everything; when empty, nothing is within it */
	uint32_t *ids;          /* by position; SHELF_HOLE: none */
	uint32_t ids_cap;
	uint32_t n; /* positions, holes included */
	uint32_t live;
	uint32_t hole; /* the latest one, or SHELF_HOLE: a renewed item takes it again */
	double hole_cost[SHELF_COSTS];
	uint32_t unsorted;          /* items added since the positions were last sorted */
	double weight[SHELF_COSTS]; /* of typical queries: decides how items are sorted */
	double sorted_by[SHELF_COSTS];
	uint32_t finds; /* since the two were compared */
	/* Told of every position that changes. */
	void (*moved)(void *ctx, uint32_t id, uint32_t at);
	void *ctx;
};

void shelf_init(struct shelf *s, void (*moved)(void *ctx, uint32_t id, uint32_t at), void *ctx);
void shelf_done(struct shelf *s);
/* False: out of memory, nothing has changed. `moved` says where it is, now and later. */
MUST bool shelf_add(struct shelf *s, const struct shelf_item *item, uint32_t id);
void shelf_set(struct shelf *s, uint32_t at, const struct shelf_item *item);
void shelf_remove(struct shelf *s, uint32_t at);

/* Call visit for the items within q in about ascending order of score, as long as their score may be
 * at most the limit; visit returns the new limit. */
void shelf_find(struct shelf *s, const struct shelf_query *q, double *limit,
        double (*visit)(void *ctx, uint32_t id), void *ctx);
/* A lower bound of the scores under such a root; a negative number when nothing there is within q. */
double shelf_least(const struct shelf_item *root, const struct shelf_query *q);

/* Bounds of integers: never above, never below x. */
float shelf_down(double x);
float shelf_up(double x);

#endif
