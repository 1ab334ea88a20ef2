/* channel_rules_test.c - what a side of a channel signs, at each of its bounds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/channel_rules.h"

static const struct genesis genesis = {.min = {60}, .life = {10000}};

static struct hot some_deal(void)
{
	return (struct hot){.pay = amount_of(100),
	        .job_bond = amount_of(20),
	        .result_bond = amount_of(30),
	        .submit_timeout = {600},
	        .open_by = {2000},
	        .royalty = 5,
	        .solver_share = 7,
	        .nonce = 3};
}

static struct channel_sums sums(uint64_t job, uint64_t provider)
{
	return (struct channel_sums){.job = amount_of(job), .provider = amount_of(provider)};
}

static enum err_code sign(const struct channel_sums *c, const struct channel_load *l,
        const struct hot *h, uint64_t now)
{
	struct err e;

	return channel_may_sign(c, l, h, &genesis, (struct btime){now}, &e) ? E_NONE : e.code;
}

static void test_the_sums_cover_what_is_open(void **state)
{
	struct channel_sums exact = sums(120, 30), job = sums(119, 30), provider = sums(120, 29);
	struct channel_load none = {0}, one = {0}, owed = {0};
	struct hot h = some_deal();

	(void)state;
	assert_int_equal(sign(&exact, &none, &h, 1000), E_NONE);
	assert_int_equal(sign(&job, &none, &h, 1000), E_FUNDS);
	assert_int_equal(sign(&provider, &none, &h, 1000), E_FUNDS);
	channel_load_open(&one, channel_draws(&h), h.result_bond);
	exact = sums(240, 60);
	assert_int_equal(sign(&exact, &one, &h, 1000), E_NONE);
	job = sums(239, 60);
	assert_int_equal(sign(&job, &one, &h, 1000), E_FUNDS);
	provider = sums(240, 59);
	assert_int_equal(sign(&provider, &one, &h, 1000), E_FUNDS);
	/* What was accepted and is not paid yet is no longer there, however little it is. */
	channel_load_owed(&owed, amount_of(1));
	exact = sums(121, 30);
	assert_int_equal(sign(&exact, &owed, &h, 1000), E_NONE);
	exact = sums(120, 30);
	assert_int_equal(sign(&exact, &owed, &h, 1000), E_FUNDS);
}

static void test_nothing_in_a_channel_that_is_left(void **state)
{
	struct channel_sums c = sums(1000, 1000);
	struct channel_load none = {0};
	struct hot h = some_deal();

	(void)state;
	c.close_at.s = 9000;
	assert_int_equal(sign(&c, &none, &h, 1000), E_STATE);
	c.close_at.s = 0;
	c.closed = true;
	assert_int_equal(sign(&c, &none, &h, 1000), E_STATE);
}

static void test_instants(void **state)
{
	struct channel_sums c = sums(1000, 1000);
	struct channel_load none = {0};
	struct hot h = some_deal();

	(void)state;
	assert_int_equal(channel_claim_until(&h).s, 2600);
	assert_int_equal(sign(&c, &none, &h, 1999), E_NONE);
	assert_int_equal(sign(&c, &none, &h, 2000), E_TOO_LATE);
	/* 2600 + MIN is LIFE from now, or one second more. */
	h.open_by.s = 1000 + 10000 - 60 - 600;
	assert_int_equal(sign(&c, &none, &h, 1000), E_NONE);
	h.open_by.s++;
	assert_int_equal(sign(&c, &none, &h, 1000), E_CLOCKS);
}

static void test_what_an_acceptance_says(void **state)
{
	struct hash deal = {{1}}, result = {{2}};
	struct channel_acceptance a;
	struct hot h = some_deal();

	(void)state;
	h.channel.b[0] = 9;
	h.author.b[0] = 4;
	h.solver.b[0] = 6;
	channel_acceptance_of(&h, &deal, &result, amount_of(77), &a);
	assert_true(hash_eq(&a.deal, &deal) && hash_eq(&a.result, &result));
	assert_true(hash_eq(&a.channel, &h.channel) && a.number == 3);
	assert_true(amount_eq(a.cost, amount_of(77)));
	assert_true(a.royalty == 5 && addr_eq(&a.author, &h.author));
	assert_true(a.solver_share == 7 && addr_eq(&a.solver, &h.solver));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_sums_cover_what_is_open),
	        cmocka_unit_test(test_nothing_in_a_channel_that_is_left),
	        cmocka_unit_test(test_instants),
	        cmocka_unit_test(test_what_an_acceptance_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
