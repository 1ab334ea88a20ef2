/* rank_test.c - the hashes of many at once are those of Keccak-256 one by one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "market/rank.h"
#include "market/sample.h"

static void test_many_are_as_one(void **state)
{
	struct random_ x = {11};

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		const struct hash *list[RANK_LANES];
		struct hash job, resources[RANK_LANES], out[RANK_LANES];
		unsigned n = (unsigned)below_n(&x, RANK_LANES + 1);

		for (unsigned k = 0; k < 32; k++)
			job.b[k] = (uint8_t)random_u64(&x);
		for (unsigned i = 0; i < n; i++) {
			for (unsigned k = 0; k < 32; k++)
				resources[i].b[k] = (uint8_t)random_u64(&x);
			list[i] = &resources[i];
		}
		rank_many(&job, list, n, out);
		for (unsigned i = 0; i < n; i++) {
			struct hash want;

			pair_rank(&job, &resources[i], &want);
			assert_memory_equal(&out[i], &want, sizeof want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_are_as_one)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
