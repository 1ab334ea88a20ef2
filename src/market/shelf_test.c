/* shelf_test.c - the tree against a plain scan, through thousands of additions, changes and removals. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <float.h>
#include <stdlib.h>

#include "market/sample.h"
#include "market/shelf.h"

enum { ITEMS = 4000 };

struct world_ {
	struct shelf_item items[ITEMS];
	uint32_t at[ITEMS]; /* SHELF_HOLE: not on the shelf */
	struct shelf shelf;
	const struct shelf_query *q;
	double best;
	uint32_t winner;
	unsigned visits;
};

static void moved(void *ctx, uint32_t id, uint32_t at)
{
	((struct world_ *)ctx)->at[id] = at;
}

static struct shelf_item random_item(struct random_ *x, unsigned spread)
{
	struct shelf_item item = {0};

	for (unsigned d = 0; d < SHELF_BOUNDS; d++)
		item.bound[d] = shelf_down(-(double)(below_n(x, 4) << 20));
	for (unsigned c = 0; c < SHELF_COSTS; c++)
		item.cost[c] = (double)below_n(x, spread);
	return item;
}

static struct shelf_query random_query(struct random_ *x, unsigned spread)
{
	struct shelf_query q = {.cap = once_in(x, 4) ? (double)spread : 1e300};

	for (unsigned d = 0; d < SHELF_BOUNDS; d++)
		q.bound[d] = shelf_up(-(double)((once_in(x, 6) ? below_n(x, 3) : 0) << 20));
	for (unsigned c = 0; c < SHELF_COSTS; c++) {
		q.cost[c] = once_in(x, 3) ? (double)below_n(x, spread) : 1e300;
		q.weight[c] = (double)below_n(x, 5);
	}
	return q;
}

static bool is_within(const struct shelf_item *i, const struct shelf_query *q)
{
	for (unsigned d = 0; d < SHELF_BOUNDS; d++) {
		if (i->bound[d] > q->bound[d])
			return false;
	}
	for (unsigned c = 0; c < SHELF_COSTS; c++) {
		if (i->cost[c] > q->cost[c])
			return false;
	}
	return true;
}

static double score(const struct shelf_item *i, const struct shelf_query *q)
{
	double s = 0;

	for (unsigned c = 0; c < SHELF_COSTS; c++)
		s += i->cost[c] * q->weight[c];
	return s < q->cap ? s : q->cap;
}

static double visit(void *ctx, uint32_t id)
{
	struct world_ *w = ctx;
	double s = score(&w->items[id], w->q);

	assert_true(w->at[id] != SHELF_HOLE);
	assert_true(is_within(&w->items[id], w->q));
	w->visits++;
	/* Ties go to the lowest number, so that every one of them must have been seen. */
	if (s < w->best || (s == w->best && id < w->winner)) {
		w->best = s;
		w->winner = id;
	}
	return w->best;
}

static void compare(struct world_ *w, const struct shelf_query *q)
{
	uint32_t winner = SHELF_HOLE;
	double best = DBL_MAX, limit = DBL_MAX;

	for (uint32_t i = 0; i < ITEMS; i++) {
		if (w->at[i] == SHELF_HOLE || !is_within(&w->items[i], q) ||
		        score(&w->items[i], q) >= best)
			continue;
		best = score(&w->items[i], q);
		winner = i;
	}
	w->q = q;
	w->best = DBL_MAX;
	w->winner = SHELF_HOLE;
	shelf_find(&w->shelf, q, &limit, visit, w);
	assert_int_equal(w->winner, winner);
}

static void run(uint64_t seed, unsigned spread, unsigned items)
{
	struct world_ *w = calloc(1, sizeof *w);
	struct random_ x = {seed};

	assert_non_null(w);
	memset(w->at, 0xff, sizeof w->at);
	shelf_init(&w->shelf, moved, w);
	for (unsigned step = 0; step < 6 * items; step++) {
		uint32_t i = (uint32_t)below_n(&x, items);

		if (w->at[i] != SHELF_HOLE && once_in(&x, 3)) {
			shelf_remove(&w->shelf, w->at[i]);
			w->at[i] = SHELF_HOLE;
		} else {
			w->items[i] = random_item(&x, spread);
			if (w->at[i] != SHELF_HOLE)
				shelf_set(&w->shelf, w->at[i], &w->items[i]);
			else
				assert_true(shelf_add(&w->shelf, &w->items[i], i));
		}
		if (once_in(&x, items / 100 + 2)) {
			struct shelf_query q = random_query(&x, spread);

			compare(w, &q);
		}
	}
	for (uint32_t i = 0; i < items; i++) {
		if (w->at[i] != SHELF_HOLE)
			shelf_remove(&w->shelf, w->at[i]);
		w->at[i] = SHELF_HOLE;
	}
	assert_int_equal(w->shelf.live, 0);
	struct shelf_query all = random_query(&x, spread);
	compare(w, &all);
	shelf_done(&w->shelf);
	free(w);
}

static void test_against_scan(void **state)
{
	(void)state;
	run(1, 1000, ITEMS);
	run(2, 3, ITEMS); /* nearly all scores are tied */
	run(3, 1, 500);
	run(4, 1000000, 17);
	run(5, 50, 1);
}

static void test_visits_few(void **state)
{
	struct world_ *w = calloc(1, sizeof *w);
	struct random_ x = {9};
	struct shelf_query q = {.cap = 1e300, .cost = {1e300, 1e300, 1e300}, .weight = {1, 2, 3}};

	(void)state;
	assert_non_null(w);
	memset(w->at, 0xff, sizeof w->at);
	shelf_init(&w->shelf, moved, w);
	for (uint32_t i = 0; i < ITEMS; i++) {
		w->items[i] = random_item(&x, 1u << 30);
		assert_true(shelf_add(&w->shelf, &w->items[i], i));
	}
	compare(w, &q);
	assert_true(w->visits < 50);
	shelf_done(&w->shelf);
	free(w);
}

static void test_rounding(void **state)
{
	struct random_ x = {5};

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		double v = (double)(random_u64(&x) >> below_n(&x, 60));

		assert_true((double)shelf_down(v) <= v && (double)shelf_up(v) >= v);
		assert_true((double)shelf_down(-v) <= -v && (double)shelf_up(-v) >= -v);
	}
	assert_true(shelf_down(16777215) == 16777215.0f && shelf_up(0) == 0.0f);
	assert_true(shelf_up(-1000) < shelf_down(-999));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_against_scan),
	        cmocka_unit_test(test_visits_few),
	        cmocka_unit_test(test_rounding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
