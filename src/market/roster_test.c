/* roster_test.c - the incremental root is merkle_root() of the open offers, whatever came and went. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/merkle.h"
#include "market/roster.h"
#include "market/sample.h"

enum { MAX = 700 };

static void check(struct roster *r, const struct hash *ids, const bool *open, uint32_t n)
{
	struct hash list[MAX], scratch[MAX], want, got;
	size_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (open[i])
			list[k++] = ids[i];
	}
	merkle_root(list, k, scratch, &want);
	assert_true(roster_root(r, &got));
	assert_memory_equal(&got, &want, sizeof got);
	assert_int_equal(roster_work(r), 0);
}

static void test_against_merkle(void **state)
{
	struct hash ids[MAX];
	bool open[MAX] = {false};
	struct random_ x = {3};
	struct roster r;
	uint32_t n = 0;

	(void)state;
	roster_init(&r);
	check(&r, ids, open, 0);
	while (n < MAX) {
		ids[n] = hash_no((uint32_t)random_u64(&x));
		open[n] = true;
		assert_true(roster_add(&r, 10 + 2 * (uint64_t)n, &ids[n]));
		n++;
		for (unsigned k = 0; k < 3 && once_in(&x, 2); k++) {
			uint32_t i = once_in(&x, 2) ? n - 1 : (uint32_t)below_n(&x, n);

			assert_int_equal(roster_remove(&r, 10 + 2 * (uint64_t)i), open[i]);
			open[i] = false;
		}
		if (once_in(&x, 3))
			check(&r, ids, open, n);
	}
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(roster_remove(&r, 10 + 2 * (uint64_t)i), open[i]);
		open[i] = false;
		if (once_in(&x, 20))
			check(&r, ids, open, n);
	}
	assert_false(roster_remove(&r, 11));
	check(&r, ids, open, n);
	roster_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_merkle)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
