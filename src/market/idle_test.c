/* idle_test.c - why a provider is idle, and what would have matched. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "market/idle.h"
#include "market/sample.h"

static const struct btime now = {SAMPLE_NOW};

static struct idle *open_idle(const struct resource_offer *r)
{
	struct idle *x = idle_new(r);

	assert_non_null(x);
	return x;
}

static void assert_step(const struct idle_reason *r, unsigned i, uint64_t value, uint32_t jobs)
{
	assert_true(i < r->steps_n);
	assert_true(amount_eq(r->steps[i].value, amount_of(value)));
	assert_int_equal(r->steps[i].jobs, jobs);
}

static void test_nothing(void **state)
{
	struct resource_offer r = sample_resource();
	struct idle_reason out[PAIR_REASONS];
	struct idle *x = open_idle(&r);
	struct job_offer j = sample_job();

	(void)state;
	idle_take(x, out);
	assert_int_equal(idle_jobs(x), 0);
	for (unsigned i = 0; i < PAIR_REASONS; i++)
		assert_int_equal(out[i].jobs, 0);
	assert_int_equal(idle_add(x, &j, now, NULL), PAIR_NONE);
	idle_take(x, out);
	assert_int_equal(out[PAIR_NONE].jobs, 1);
	assert_int_equal(out[PAIR_NONE].steps_n, 0);
	idle_free(x);
}

static void test_price(void **state)
{
	struct resource_offer r = sample_resource();
	struct idle_reason out[PAIR_REASONS];
	struct job_offer j = sample_job();
	struct idle *x;

	(void)state;
	r.prices.base = amount_of(1000);
	x = open_idle(&r);
	for (uint64_t i = 1; i <= 5; i++) {
		j.prices.base = amount_of(i * 100);
		assert_int_equal(idle_add(x, &j, now, NULL), PAIR_PRICE_BASE);
	}
	/* Another thing is wrong as well: no price alone would help. */
	j.prices.per_byte = amount_of(0);
	assert_int_equal(idle_add(x, &j, now, NULL), PAIR_PRICE_BASE);
	idle_take(x, out);
	assert_int_equal(out[PAIR_PRICE_BASE].jobs, 6);
	assert_int_equal(out[PAIR_PRICE_BASE].move, PAIR_AT_MOST);
	assert_true(amount_eq(out[PAIR_PRICE_BASE].have, amount_of(1000)));
	assert_int_equal(out[PAIR_PRICE_BASE].steps_n, 3);
	assert_step(&out[PAIR_PRICE_BASE], 0, 500, 1);
	assert_step(&out[PAIR_PRICE_BASE], 1, 300, 3);
	assert_step(&out[PAIR_PRICE_BASE], 2, 100, 5);
	idle_free(x);
}

/* A price for that module alone decides, and is the one that is changed. */
static void test_module_price(void **state)
{
	struct resource_offer r = sample_resource();
	struct idle_reason out[PAIR_REASONS];
	struct job_offer j = sample_job(), other = sample_job();
	struct idle *x;

	(void)state;
	r.module_prices.n = 1;
	r.module_prices.v[0] = (struct module_price){j.module, r.prices};
	r.module_prices.v[0].prices.base = amount_of(777);
	other.module = hash_no(4711);
	x = open_idle(&r);
	assert_int_equal(idle_add(x, &j, now, NULL), PAIR_PRICE_BASE);
	assert_int_not_equal(idle_add(x, &other, now, NULL), PAIR_PRICE_BASE);
	assert_int_equal(idle_add(x, &j, now, NULL), PAIR_PRICE_BASE);
	idle_take(x, out);
	assert_int_equal(out[PAIR_PRICE_BASE].steps_n, 1);
	assert_step(&out[PAIR_PRICE_BASE], 0, 100, 2);
	assert_true(amount_eq(out[PAIR_PRICE_BASE].have, amount_of(777)));
	idle_free(x);
}

static void test_capacity(void **state)
{
	struct resource_offer r = sample_resource();
	struct idle_reason out[PAIR_REASONS];
	struct job_offer j = sample_job();
	struct idle *x = open_idle(&r);
	const uint64_t asked[] = {8, 2, 8, 4};

	(void)state;
	for (size_t i = 0; i < COUNT(asked); i++) {
		j.resources.ram = r.free.ram * asked[i];
		assert_int_equal(idle_add(x, &j, now, NULL), PAIR_RAM);
	}
	idle_take(x, out);
	assert_int_equal(out[PAIR_RAM].move, PAIR_AT_LEAST);
	assert_int_equal(out[PAIR_RAM].steps_n, 3);
	assert_step(&out[PAIR_RAM], 0, r.free.ram * 2, 1);
	assert_step(&out[PAIR_RAM], 1, r.free.ram * 4, 2);
	assert_step(&out[PAIR_RAM], 2, r.free.ram * 8, 4);
	idle_free(x);
}

static void test_speed_and_funds(void **state)
{
	struct resource_offer r = sample_resource();
	struct idle_reason out[PAIR_REASONS];
	struct job_offer j = sample_job();
	struct pair_money money = {amount_of(UINT64_MAX), amount_of(5)};
	struct idle *x;

	(void)state;
	x = open_idle(&r);
	assert_int_equal(idle_add(x, &j, now, &money), PAIR_RP_FUNDS);
	idle_take(x, out);
	assert_int_equal(out[PAIR_RP_FUNDS].move, PAIR_AT_LEAST);
	assert_true(amount_eq(out[PAIR_RP_FUNDS].steps[0].value, j.terms.result_bond));
	idle_free(x);
	r.time_per_instruction = UINT64_MAX / 2;
	x = open_idle(&r);
	assert_int_equal(idle_add(x, &j, now, NULL), PAIR_TOO_SLOW);
	idle_take(x, out);
	/* 600 s for 100 000 instructions. */
	assert_step(&out[PAIR_TOO_SLOW], 0, 6000000000, 1);
	assert_int_equal(out[PAIR_TOO_SLOW].move, PAIR_AT_MOST);
	assert_true(amount_eq(out[PAIR_TOO_SLOW].have, amount_of(UINT64_MAX / 2)));
	idle_free(x);
}

/* Against random pairs: each step that is promised holds when the offer is really changed. */
static void set_ram_or_price(struct resource_offer *r, unsigned why, struct amount v)
{
	uint8_t be[32];

	amount_to_be(v, be);
	if (why == PAIR_PRICE_BASE) {
		r->prices.base = v;
		return;
	}
	r->free.ram = 0;
	for (unsigned i = 24; i < 32; i++)
		r->free.ram = r->free.ram << 8 | be[i];
}

static void test_promises(void **state)
{
	enum { JOBS = 300, ROUNDS = 40 };
	struct random_ rnd = {0x1234567};
	static struct job_offer jobs[JOBS];
	unsigned tried = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct resource_offer r = random_resource(&rnd, 20);
		struct idle_reason out[PAIR_REASONS];
		struct idle *x;
		uint32_t sum = 0;

		r.module_prices.n = 0;
		x = open_idle(&r);
		for (unsigned i = 0; i < JOBS; i++) {
			jobs[i] = random_job(&rnd, 20);
			sum += idle_add(x, &jobs[i], now, NULL) < PAIR_REASONS;
		}
		assert_int_equal(sum, idle_jobs(x));
		idle_take(x, out);
		for (unsigned why = 0; why < PAIR_REASONS; why++) {
			uint32_t n = 0;

			sum -= out[why].jobs;
			if (out[why].steps_n == 0 || (why != PAIR_RAM && why != PAIR_PRICE_BASE))
				continue;
			for (unsigned i = 0; i < out[why].steps_n; i++) {
				struct resource_offer changed = r;

				set_ram_or_price(&changed, why, out[why].steps[i].value);
				n = 0;
				for (unsigned k = 0; k < JOBS; k++)
					n += pair_refusal(&jobs[k], &changed, now, NULL, NULL) ==
					     PAIR_NONE;
				assert_int_equal(n, out[PAIR_NONE].jobs + out[why].steps[i].jobs);
				tried++;
			}
		}
		assert_int_equal(sum, 0);
		idle_free(x);
	}
	assert_true(tried > 5);
}

static void test_bound(void **state)
{
	struct resource_offer r = sample_resource();
	struct idle_reason out[PAIR_REASONS];
	struct job_offer j = sample_job();
	struct idle *x = open_idle(&r);

	(void)state;
	j.resources.cpu = UINT32_MAX;
	for (unsigned i = 0; i < IDLE_JOBS_MAX + 10; i++)
		assert_int_equal(idle_add(x, &j, now, NULL), PAIR_CPU);
	assert_int_equal(idle_jobs(x), IDLE_JOBS_MAX);
	idle_take(x, out);
	assert_step(&out[PAIR_CPU], 0, UINT32_MAX, IDLE_JOBS_MAX);
	idle_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nothing),
	        cmocka_unit_test(test_price),
	        cmocka_unit_test(test_module_price),
	        cmocka_unit_test(test_capacity),
	        cmocka_unit_test(test_speed_and_funds),
	        cmocka_unit_test(test_promises),
	        cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
