/* json_pool_test.c - trees of every size from the pool: what was given back is given out again, and pieces that
 * are alive never overlap. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/bounds.h"
#include "base/draw_suite.h"
#include "codec/json.h"
#include "codec/json_pool.h"

enum { PIECES = 3000, ROUNDS = 20000 };

static struct {
	uint8_t *p;
	size_t n;
	uint8_t mark;
} live[PIECES];

static void check(size_t i)
{
	for (size_t k = 0; k < live[i].n; k++)
		assert_int_equal(live[i].p[k], live[i].mark);
}

/* Any order of taking and giving back. */
static void test_pieces(void **state)
{
	json_malloc_t take;
	json_free_t give;
	uint64_t seed = 3;

	(void)state;
	json_get_alloc_funcs(&take, &give);
	for (int round = 0; round < ROUNDS; round++) {
		size_t i = draw(&seed) % PIECES;

		check(i);
		give(live[i].p);
		live[i].n = draw(&seed) % (draw(&seed) % 8 ? 300 : 5000);
		live[i].mark = (uint8_t)draw(&seed);
		live[i].p = take(live[i].n);
		assert_non_null(live[i].p);
		assert_int_equal((uintptr_t)live[i].p % 16, 0);
		memset(live[i].p, live[i].mark, live[i].n);
	}
	for (size_t i = 0; i < PIECES; i++) {
		check(i);
		give(live[i].p);
	}
	give(NULL);
}

/* More than the pool holds, at once. */
static void test_more_than_the_pool(void **state)
{
	size_t n = JSON_POOL_MAX / 16;
	json_t *list = json_array();

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(json_array_append_new(list, json_integer((json_int_t)i)), 0);
	for (size_t i = 0; i < n; i += 997)
		assert_int_equal(json_integer_value(json_array_get(list, i)), i);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pieces),
	        cmocka_unit_test(test_more_than_the_pool),
	};

	json_pool_use();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
