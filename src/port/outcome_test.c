/* outcome_test.c - what is charged for a run (protocol 2.5, 2.8). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/eip712.h"
#include "port/outcome.h"

static struct outcome of(uint8_t status, uint64_t in, uint64_t out, uint64_t limit)
{
	struct run_done r = {.ok = true,
	        .status = status,
	        .count = 7,
	        .input_bytes = in,
	        .tree_bytes = out,
	        .tree.digest.b[0] = 9};
	struct outcome o;

	outcome_of_run(&r, limit, &o);
	assert_int_equal(o.count, 7);
	assert_int_equal(o.tree.b[0], 9);
	return o;
}

static void test_bytes_are_inputs_and_output(void **state)
{
	struct outcome o = of(STATUS_COMPLETED, 40, 60, 100);

	(void)state;
	assert_int_equal(o.status, STATUS_COMPLETED);
	assert_int_equal(o.bytes, 100);
}

static void test_an_output_beyond_the_limit_is_not_charged(void **state)
{
	struct outcome o = of(STATUS_COMPLETED, 40, 61, 100);

	(void)state;
	assert_int_equal(o.status, STATUS_BANDWIDTH_EXCEEDED);
	assert_int_equal(o.bytes, 40);
	o = of(STATUS_COMPLETED, 40, UINT64_MAX, UINT64_MAX);
	assert_int_equal(o.status, STATUS_BANDWIDTH_EXCEEDED);
	assert_int_equal(o.bytes, 40);
}

static void test_a_stopped_job_charges_its_inputs(void **state)
{
	struct outcome o = of(STATUS_EXCEPTION_OCCURRED, 40, 1000, 100);

	(void)state;
	assert_int_equal(o.status, STATUS_EXCEPTION_OCCURRED);
	assert_int_equal(o.bytes, 40);
}

static void test_the_output_is_hashed_as_in_a_result(void **state)
{
	const struct output o = {.tree.b[3] = 4};
	struct hash direct, ours;

	(void)state;
	eip712_hash(output_record(), &o, &direct);
	outcome_output_hash(&o.tree, &ours);
	assert_true(hash_eq(&direct, &ours));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_bytes_are_inputs_and_output),
	        cmocka_unit_test(test_an_output_beyond_the_limit_is_not_charged),
	        cmocka_unit_test(test_a_stopped_job_charges_its_inputs),
	        cmocka_unit_test(test_the_output_is_hashed_as_in_a_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
