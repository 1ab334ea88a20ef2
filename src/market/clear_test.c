/* clear_test.c - the uniform price: between every ask and every bid, for as many pairs as one price suits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "market/clear.h"
#include "market/sample.h"

static struct prices of(uint64_t base, uint64_t instruction, uint64_t byte)
{
	return (struct prices){amount_of(base), amount_of(instruction), amount_of(byte)};
}

static bool at_most(const struct prices *a, const struct prices *b)
{
	return amount_cmp(a->base, b->base) <= 0 &&
	       amount_cmp(a->per_instruction, b->per_instruction) <= 0 &&
	       amount_cmp(a->per_byte, b->per_byte) <= 0;
}

static void test_one_pair(void **state)
{
	const struct clear_pair v[] = {{of(100, 5, 4), of(51, 2, 4)}};
	struct prices p;

	(void)state;
	assert_int_equal(clear_pairs(v, 1, &p), 1);
	assert_true(amount_eq(p.base, amount_of(75)));
	assert_true(amount_eq(p.per_instruction, amount_of(3)));
	assert_true(amount_eq(p.per_byte, amount_of(4)));
}

static void test_the_marginal_pair_sets_the_price(void **state)
{
	const struct clear_pair v[] = {{of(0, 100, 0), of(0, 10, 0)}, {of(0, 60, 0), of(0, 20, 0)},
	        {of(0, 40, 0), of(0, 30, 0)}};
	struct prices p;

	(void)state;
	assert_int_equal(clear_pairs(v, 3, &p), 3);
	assert_true(amount_eq(p.per_instruction, amount_of(35)));
}

static void test_what_one_price_does_not_suit_is_dropped(void **state)
{
	/* The second bid is below what the first's provider asks. */
	const struct clear_pair v[] = {{of(0, 10, 0), of(0, 8, 0)}, {of(0, 5, 0), of(0, 3, 0)}};
	/* The same in another component, where the order does not look first. */
	const struct clear_pair w[] = {{of(9, 10, 0), of(9, 1, 0)}, {of(8, 9, 0), of(1, 1, 0)}};
	struct prices p;

	(void)state;
	assert_int_equal(clear_pairs(v, 2, &p), 1);
	assert_true(amount_eq(p.per_instruction, amount_of(9)));
	assert_int_equal(clear_pairs(w, 2, &p), 1);
	assert_true(amount_eq(p.base, amount_of(9)));
}

static void test_order_of_bids(void **state)
{
	const struct prices low = of(9, 1, 9), high = of(1, 2, 1), more_base = of(2, 2, 0);
	const struct hash a = hash_no(1), b = hash_no(2);

	(void)state;
	assert_true(clear_before(&high, &b, &low, &a));
	assert_false(clear_before(&low, &a, &high, &b));
	assert_true(clear_before(&more_base, &b, &high, &a));
	assert_true(clear_before(&high, &a, &high, &b));
	assert_false(clear_before(&high, &b, &high, &a));
	assert_false(clear_before(&high, &a, &high, &a));
}

/* For random batches: nobody pays more than it bid or gets less than it asked, and one pair more would not do. */
static void test_random_batches(void **state)
{
	struct random_ x = {3};
	size_t dropped = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct clear_pair v[8];
		size_t n = 1 + below_n(&x, COUNT(v)), k;
		struct prices p;

		for (size_t i = 0; i < n; i++) {
			uint64_t a[3], over[3];

			for (unsigned c = 0; c < 3; c++) {
				a[c] = below_n(&x, 20);
				over[c] = below_n(&x, 20);
			}
			v[i].ask = of(a[0], a[1], a[2]);
			v[i].bid = of(a[0] + over[0], a[1] + over[1], a[2] + over[2]);
		}
		k = clear_pairs(v, n, &p);
		assert_in_range(k, 1, n);
		for (size_t i = 0; i < k; i++) {
			assert_true(at_most(&v[i].ask, &p));
			assert_true(at_most(&p, &v[i].bid));
		}
		if (k < n) {
			bool fits = true;

			dropped++;
			for (size_t i = 0; i < k; i++)
				fits = fits && at_most(&v[k].ask, &v[i].bid) &&
				       at_most(&v[i].ask, &v[k].bid);
			assert_false(fits);
		}
	}
	assert_true(dropped > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_one_pair),
	        cmocka_unit_test(test_the_marginal_pair_sets_the_price),
	        cmocka_unit_test(test_what_one_price_does_not_suit_is_dropped),
	        cmocka_unit_test(test_order_of_bids),
	        cmocka_unit_test(test_random_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
