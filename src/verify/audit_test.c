/* audit_test.c - how often a result is checked, and that cheating does not pay at that rate. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/draw_suite.h"
#include "verify/audit.h"

static void test_what_people_write(void **state)
{
	static const struct {
		const char *text, *shown;
		uint8_t mode;
		uint32_t ppm;
	} good[] = {
	        {"never", "never", AUDIT_NEVER, 0},
	        {"always", "always", AUDIT_RATE, PPM_ONE},
	        {"1", "always", AUDIT_RATE, PPM_ONE},
	        {"100%", "always", AUDIT_RATE, PPM_ONE},
	        {"0.05", "0.050000", AUDIT_RATE, 50000},
	        {"5%", "0.050000", AUDIT_RATE, 50000},
	        {"0.0001%", "0.000001", AUDIT_RATE, 1},
	        {"1/20", "0.050000", AUDIT_RATE, 50000},
	        {"1/3", "0.333334", AUDIT_RATE, 333334},
	        {"1/4294967295", "0.000001", AUDIT_RATE, 1},
	        {"certainty=0", "certainty=0.000000", AUDIT_CERTAINTY, 0},
	        {"certainty=95%", "certainty=0.950000", AUDIT_CERTAINTY, 950000},
	        {"certainty=1/2", "certainty=0.500000", AUDIT_CERTAINTY, 500000},
	};
	char shown[AUDIT_TEXT_MAX];
	struct audit_policy p, again;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(audit_parse(str_of(good[i].text), &p, &e));
		assert_int_equal(p.mode, good[i].mode);
		assert_int_equal(p.ppm, good[i].ppm);
		audit_format(&p, shown);
		assert_string_equal(shown, good[i].shown);
		assert_true(audit_parse(str_of(shown), &again, &e));
		assert_memory_equal(&p, &again, sizeof p);
	}
}

static void test_what_says_nothing_is_refused(void **state)
{
	static const char *const bad[] = {"", "%", "0", "0%", "1/0", "1/", "2", "101%", "-1",
	        "1.000001", "0.0000001", "sometimes", "NEVER", "certainty",
	        "certainty=", "certainty=2", "certainty=never", "1/4294967296", "1/2/3", " 5%",
	        "5 %"};
	struct audit_policy p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(audit_parse(str_of(bad[i]), &p, &e));
		assert_int_equal(e.code, E_USAGE);
		assert_non_null(strstr(e.msg, bad[i]));
	}
}

/* At the bound a provider that runs nothing has no more than an honest one, and with a millionth less it
 * would have: (1 - p) * COST - p * RB <= COST - share * COST, in exact numbers. */
static void test_the_bound_is_the_least_that_deters(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t cost = draw(&seed) >> (8 + draw(&seed) % 50);
		uint64_t bond = draw(&seed) >> (8 + draw(&seed) % 50);
		uint32_t share = (uint32_t)(draw(&seed) % (PPM_ONE + 1));
		uint32_t p = audit_bound(amount_of(cost), amount_of(bond), share);
		unsigned __int128 gain = (unsigned __int128)cost * share;
		unsigned __int128 stake = (unsigned __int128)cost + bond;

		assert_true(p <= PPM_ONE);
		assert_true(stake * p >= gain);
		assert_true(p == 0 || stake * (p - 1) < gain);
	}
}

static void test_extreme_amounts_have_a_bound(void **state)
{
	struct amount top = {{{UINT64_MAX, UINT32_MAX, 0, 0}}};

	(void)state;
	assert_int_equal(audit_bound(top, top, PPM_ONE), PPM_ONE / 2);
	assert_int_equal(audit_bound(top, amount_of(0), PPM_ONE), PPM_ONE);
	assert_int_equal(audit_bound(amount_of(0), top, PPM_ONE), 0);
	assert_int_equal(audit_bound(amount_of(0), amount_of(0), PPM_ONE), 0);
	assert_int_equal(audit_bound(amount_of(1), top, PPM_ONE), 1);
	assert_int_equal(audit_bound(amount_of(5), amount_of(0), PPM_ONE * 4), PPM_ONE);
}

static struct audit_case one_case(uint64_t good)
{
	return (struct audit_case){.status = STATUS_COMPLETED,
	        .cost = amount_of(100),
	        .result_bond = amount_of(900),
	        .share_ppm = PPM_ONE,
	        .good = good};
}

static void test_the_probability_of_7_6(void **state)
{
	struct audit_policy p = {AUDIT_CERTAINTY, 0};
	struct audit_case c = one_case(0);

	(void)state;
	assert_int_equal(audit_probability(&p, &c), PPM_ONE); /* 1 at n = 0 */
	c.good = 3;
	assert_int_equal(audit_probability(&p, &c), 333334);
	c.good = 1000; /* however good it was: X4 of the bound, 100 / (100 + 900) */
	assert_int_equal(audit_probability(&p, &c), 100000);
	p.ppm = 200000; /* the floor */
	assert_int_equal(audit_probability(&p, &c), 200000);
	c.result_bond = amount_of(0);
	assert_int_equal(audit_probability(&p, &c), PPM_ONE);
}

static void test_a_charged_failure_is_always_checked(void **state)
{
	struct audit_policy rate = {AUDIT_RATE, 1}, never = {AUDIT_NEVER, 0};
	struct audit_case c = one_case(1000);

	(void)state;
	for (unsigned s = STATUS_COMPLETED + 1; s <= STATUS_EXCEPTION_OCCURRED; s++) {
		c.status = (uint8_t)s;
		assert_int_equal(audit_probability(&rate, &c), PPM_ONE);
		assert_int_equal(audit_probability(&never, &c), 0);
	}
	c.cost = amount_of(0);
	assert_int_equal(audit_probability(&rate, &c), 1);
}

static void test_a_draw_follows_its_probability(void **state)
{
	static const uint32_t ppm[] = {0, 1, 50000, 333334, 999999, PPM_ONE};
	uint64_t seed = 11;

	(void)state;
	for (size_t i = 0; i < COUNT(ppm); i++) {
		unsigned n = 200000, drawn = 0;
		double share, expect = (double)ppm[i] / PPM_ONE;

		for (unsigned k = 0; k < n; k++)
			drawn += audit_drawn(ppm[i], draw(&seed));
		share = (double)drawn / n;
		assert_true(share > expect - 0.006 && share < expect + 0.006);
		assert_true(ppm[i] != 0 || drawn == 0);
		assert_true(ppm[i] != PPM_ONE || drawn == n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_people_write),
	        cmocka_unit_test(test_what_says_nothing_is_refused),
	        cmocka_unit_test(test_the_bound_is_the_least_that_deters),
	        cmocka_unit_test(test_extreme_amounts_have_a_bound),
	        cmocka_unit_test(test_the_probability_of_7_6),
	        cmocka_unit_test(test_a_charged_failure_is_always_checked),
	        cmocka_unit_test(test_a_draw_follows_its_probability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
