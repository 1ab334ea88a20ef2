/* pair_test.c - each condition of protocol 3 alone, its gap, and the numbers beside them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/keccak.h"
#include "market/sample.h"

static const struct btime now = {SAMPLE_NOW};

static void test_sample_matches(void **state)
{
	struct job_offer j = sample_job();
	struct resource_offer r = sample_resource();
	struct pair_money rich = {amount_of(3000000), amount_of(2000000)};
	struct pair_gap gap;

	(void)state;
	assert_int_equal(pair_refusal(&j, &r, now, NULL, &gap), PAIR_NONE);
	assert_int_equal(gap.reason, PAIR_NONE);
	assert_int_equal(pair_refusal(&j, &r, now, &rich, NULL), PAIR_NONE);
}

/* One change to the offers, the reason it must give, and the gap: have, need and direction. */
#define CASE(name, change, why, direction, have_, need_)                                           \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		struct job_offer j = sample_job();                                                 \
		struct resource_offer r = sample_resource();                                       \
		struct pair_gap gap;                                                               \
		(void)state;                                                                       \
		change;                                                                            \
		assert_string_equal(                                                               \
		        pair_reason_name(pair_refusal(&j, &r, now, NULL, &gap)), #why);            \
		assert_int_equal(gap.reason, PAIR_##why);                                          \
		assert_int_equal(gap.move, PAIR_##direction);                                      \
		if (gap.move != PAIR_FIXED) {                                                      \
			assert_true(amount_eq(gap.have, amount_of(have_)));                        \
			assert_true(amount_eq(gap.need, amount_of(need_)));                        \
		}                                                                                  \
	}

/* clang-format off */
CASE(cpu, j.resources.cpu = 4001, CPU, AT_MOST, 4001, 4000)
CASE(ram, r.free.ram = 5, RAM, AT_MOST, 1 << 30, 5)
CASE(disk, r.free.disk = 6, DISK, AT_MOST, 1 << 30, 6)
CASE(gpus, j.resources.gpus = 2, GPUS, AT_MOST, 2, 1)
CASE(vram, (j.resources.gpus = 1, j.resources.vram = (uint64_t)17 << 30), VRAM, AT_MOST, (uint64_t)17 << 30, (uint64_t)16 << 30)
CASE(gpu_model, (j.resources.gpus = 1, memcpy(j.resources.gpu_model, "NVIDIA T4", 10)), GPU_MODEL, FIXED, 0, 0)
CASE(instructions, r.instruction_limit = 99999, INSTRUCTION_LIMIT, AT_MOST, 100000, 99999)
CASE(bytes, r.byte_limit = 9999, BYTE_LIMIT, AT_MOST, 10000, 9999)
CASE(base, r.prices.base = amount_of(101), PRICE_BASE, AT_LEAST, 100, 101)
CASE(per_instruction, r.prices.per_instruction = amount_of(3), PRICE_INSTRUCTION, AT_LEAST, 2, 3)
CASE(per_byte, r.prices.per_byte = amount_of(4), PRICE_BYTE, AT_LEAST, 3, 4)
CASE(own_price, (r.module_prices.n = 1, r.module_prices.v[0] = (struct module_price){hash_no(10), {amount_of(500), amount_of(1), amount_of(1)}}), PRICE_BASE, AT_LEAST, 100, 500)
CASE(module, (r.modules.n = 1, r.modules.v[0] = hash_no(11)), MODULE, FIXED, 0, 0)
CASE(module_not_wasm, (memcpy(j.engine, "container/x", 12), memcpy(r.engine, "container/x", 12)), MODULE, FIXED, 0, 0)
CASE(engine, r.engine[0] = 'v', ENGINE, FIXED, 0, 0)
CASE(solver, r.solver = addr_no(2), SOLVER, FIXED, 0, 0)
CASE(mediation, r.mediations = 1 << MEDIATION_SINGLE, MEDIATION, FIXED, 0, 0)
CASE(mediators, r.mediators.n = 5, MEDIATORS, AT_LEAST, 5, 6)
CASE(panel, (j.min_mutual = 1, r.min_mutual = 1, r.mediators.n = 5), MEDIATORS, AT_LEAST, 5, 6)
CASE(panel_with_appeal, j.terms.appeal = 1, MEDIATORS, AT_LEAST, 8, 13)
CASE(min_mutual, j.min_mutual = 9, MEDIATORS, AT_LEAST, 8, 9)
CASE(panel_without_parties, (r.mediators.v[0] = r.provider, j.mediators.v[7] = r.provider, j.mediators.v[0] = r.solver, r.mediators.v[7] = r.solver, j.min_mutual = 7), MEDIATORS, AT_LEAST, 6, 7)
CASE(single, (j.mediation = MEDIATION_SINGLE, j.terms.seats = 1, r.mediators.n = 1, r.mediators.v[0] = addr_no(9)), MEDIATORS, AT_LEAST, 0, 1)
CASE(directory, j.directory = addr_no(401), DIRECTORY, FIXED, 0, 0)
CASE(slow, r.time_per_instruction = 6000000001, TOO_SLOW, AT_LEAST, 600, 601)
CASE(self, j.job_creator = r.provider, SELF, FIXED, 0, 0)
CASE(denied_by_jc, (j.deny.n = 1, j.deny.v[0] = r.provider), DENIED, FIXED, 0, 0)
CASE(denied_by_rp, (r.deny.n = 2, r.deny.v[1] = j.job_creator), DENIED, FIXED, 0, 0)
CASE(target, j.target = addr_no(201), TARGET, FIXED, 0, 0)
CASE(expired_job, j.expiry = now, EXPIRED, FIXED, 0, 0)
CASE(expired_resource, r.expiry = now, EXPIRED, FIXED, 0, 0)
CASE(pay, r.most.pay = amount_of(5), PAY, AT_MOST, 1000000, 5)
CASE(job_bond, r.least.job_bond = amount_of(2000001), JOB_BOND, AT_LEAST, 2000000, 2000001)
CASE(result_bond, r.most.result_bond = amount_of(1), RESULT_BOND, AT_MOST, 2000000, 1)
CASE(late_judge, r.least.late_judge = amount_of(1001), LATE_JUDGE, AT_LEAST, 1000, 1001)
CASE(late_submit, r.most.late_submit = amount_of(999), LATE_SUBMIT, AT_MOST, 1000, 999)
CASE(damages, r.most.damages = amount_of(0), DAMAGES, AT_MOST, 1000000, 0)
CASE(fee, r.most.fee = amount_of(99), FEE, AT_MOST, 100, 99)
CASE(seats, r.least.seats = 5, SEATS, AT_LEAST, 3, 5)
CASE(appeal, r.least.appeal = 1, APPEAL, AT_LEAST, 0, 1)
CASE(royalty, r.most.royalty = 49, ROYALTY, AT_MOST, 50, 49)
CASE(tolerance, r.least.tolerance = 1, TOLERANCE, AT_LEAST, 0, 1)
CASE(agree, r.least.agree_timeout.s = 61, AGREE_TIMEOUT, AT_LEAST, 60, 61)
CASE(submit, r.most.submit_timeout.s = 599, SUBMIT_TIMEOUT, AT_MOST, 600, 599)
CASE(judge, r.most.judge_timeout.s = 599, JUDGE_TIMEOUT, AT_MOST, 600, 599)
CASE(mediate, r.least.mediate_timeout.s = 601, MEDIATE_TIMEOUT, AT_LEAST, 600, 601)
CASE(determinism, j.determinism = DETERMINISM_COMPARABLE, DETERMINISM, FIXED, 0, 0)
CASE(issuer, j.issuer = addr_no(500), ISSUER, FIXED, 0, 0)
CASE(settlement, j.settlement = SETTLEMENT_CHANNEL, SETTLEMENT, FIXED, 0, 0)
/* Two conditions fail: the one that stands first is the reason. */
CASE(first_reason, (r.free.cpu = 0, r.solver = addr_no(2), r.expiry = now), CPU, AT_MOST, 1000, 0)
/* clang-format on */

static void test_what_still_matches(void **state)
{
	struct job_offer j = sample_job();
	struct resource_offer r = sample_resource();

	(void)state;
	j.resources = r.free;                /* all of the machine */
	r.prices = j.prices;                 /* exactly the ceiling */
	r.time_per_instruction = 6000000000; /* exactly the submit timeout */
	j.terms.solver_share = 900;          /* a ceiling is no range */
	r.modules.n = 1;
	r.modules.v[0] = j.module;
	j.target = r.provider;
	j.expiry.s = now.s + 1;
	assert_int_equal(pair_refusal(&j, &r, now, NULL, NULL), PAIR_NONE);
	r.module_prices.n = 1; /* a dearer price of another module */
	r.module_prices.v[0] =
	        (struct module_price){hash_no(11), {amount_of(500), amount_of(9), amount_of(9)}};
	assert_int_equal(pair_refusal(&j, &r, now, NULL, NULL), PAIR_NONE);
	j.resources.gpus = 0; /* without GPUs, model and memory of none are asked */
	j.resources.vram = UINT64_MAX;
	assert_int_equal(pair_refusal(&j, &r, now, NULL, NULL), PAIR_NONE);
	j.mediation = MEDIATION_NONE;
	j.terms.seats = 0;
	j.mediators.n = 0;
	assert_int_equal(pair_refusal(&j, &r, now, NULL, NULL), PAIR_NONE);
}

static void test_funds(void **state)
{
	struct job_offer j = sample_job();
	struct resource_offer r = sample_resource();
	struct pair_money m = {amount_of(2999999), amount_of(2000000)};
	struct pair_gap gap;

	(void)state;
	assert_int_equal(pair_refusal(&j, &r, now, &m, &gap), PAIR_JC_FUNDS);
	assert_int_equal(gap.move, PAIR_AT_LEAST);
	assert_true(
	        amount_eq(gap.have, amount_of(2999999)) && amount_eq(gap.need, amount_of(3000000)));
	m = (struct pair_money){amount_of(3000000), amount_of(1999999)};
	assert_int_equal(pair_refusal(&j, &r, now, &m, &gap), PAIR_RP_FUNDS);
	assert_int_equal(gap.move, PAIR_AT_MOST);
	assert_true(
	        amount_eq(gap.have, amount_of(2000000)) && amount_eq(gap.need, amount_of(1999999)));
}

static void test_prices(void **state)
{
	struct job_offer j = sample_job();
	struct resource_offer r = sample_resource();
	struct prices p = pair_prices(&j, &r);

	(void)state;
	/* 10 + 1 * 100000 + 1 * 10000, below PAY */
	assert_true(amount_eq(pair_cost(&j, &p), amount_of(110010)));
	j.pricing = PRICING_FIXED;
	p = pair_prices(&j, &r);
	assert_true(amount_eq(pair_cost(&j, &p), amount_of(100 + 200000 + 30000)));
	j.terms.pay = amount_of(5);
	assert_true(amount_eq(pair_cost(&j, &p), amount_of(5)));
	/* The largest document values stay within 256 bits and saturate. */
	uint8_t be[32] = {0};
	memset(be + 20, 0xff, 12);
	p.per_instruction = p.per_byte = p.base = j.terms.pay = amount_from_be(be);
	j.instruction_limit = j.byte_limit = UINT64_MAX;
	assert_true(amount_eq(pair_cost(&j, &p), j.terms.pay));
}

static void test_numbers(void **state)
{
	struct hash a = hash_no(1), b = hash_no(2), rank, want;
	uint8_t both[64];

	(void)state;
	assert_int_equal(pair_min_mutual(0, 8), 6);
	assert_int_equal(pair_min_mutual(0, 3), 2);
	assert_int_equal(pair_min_mutual(0, 1), 1);
	assert_int_equal(pair_min_mutual(0, 0), 0);
	assert_int_equal(pair_min_mutual(4, 8), 4);
	assert_int_equal(pair_panel_least(3, 0), 6);
	assert_int_equal(pair_panel_least(3, 1), 13);
	assert_int_equal(pair_run_seconds(0, UINT64_MAX), 0);
	assert_int_equal(pair_run_seconds(1, 1), 1);
	assert_int_equal(pair_run_seconds(1000000000000, 7), 7);
	assert_true(pair_run_seconds(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
	memcpy(both, a.b, 32);
	memcpy(both + 32, b.b, 32);
	keccak256(both, 64, &want);
	pair_rank(&a, &b, &rank);
	assert_true(hash_eq(&rank, &want));
}

static void test_text(void **state)
{
	struct pair_gap gap = {PAIR_PRICE_BASE, PAIR_AT_LEAST, amount_of(5), amount_of(7)};
	struct buf b OWN(buf_done);

	(void)state;
	buf_init(&b, 500);
	pair_gap_text(&gap, &b);
	assert_string_equal(
	        buf_cstr(&b), "the provider asks more per job: 7 or more would match, it is 5");
	assert_string_equal(pair_reason_clause(PAIR_PRICE_BASE), "3.4");
	assert_string_equal(pair_reason_name(9999), "?");
	for (unsigned i = 0; i < PAIR_REASONS; i++)
		assert_non_null(pair_reason_text(i));
}

/* clang-format off */
#define T_(name) cmocka_unit_test(test_##name)
/* clang-format on */
int main(void)
{
	const struct CMUnitTest tests[] = {
	        T_(sample_matches),
	        T_(cpu),
	        T_(ram),
	        T_(disk),
	        T_(gpus),
	        T_(vram),
	        T_(gpu_model),
	        T_(instructions),
	        T_(bytes),
	        T_(base),
	        T_(per_instruction),
	        T_(per_byte),
	        T_(own_price),
	        T_(module),
	        T_(module_not_wasm),
	        T_(engine),
	        T_(solver),
	        T_(mediation),
	        T_(mediators),
	        T_(panel),
	        T_(panel_with_appeal),
	        T_(min_mutual),
	        T_(panel_without_parties),
	        T_(single),
	        T_(directory),
	        T_(slow),
	        T_(self),
	        T_(denied_by_jc),
	        T_(denied_by_rp),
	        T_(target),
	        T_(expired_job),
	        T_(expired_resource),
	        T_(pay),
	        T_(job_bond),
	        T_(result_bond),
	        T_(late_judge),
	        T_(late_submit),
	        T_(damages),
	        T_(fee),
	        T_(seats),
	        T_(appeal),
	        T_(royalty),
	        T_(tolerance),
	        T_(agree),
	        T_(submit),
	        T_(judge),
	        T_(mediate),
	        T_(determinism),
	        T_(issuer),
	        T_(settlement),
	        T_(first_reason),
	        T_(what_still_matches),
	        T_(funds),
	        T_(prices),
	        T_(numbers),
	        T_(text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
