/* ruling_test.c - every row of protocol 2.9, and that an upper one hides all below it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "verify/ruling.h"

/* A dispute in which the provider is right. */
static struct ruling_case right_case(void)
{
	return (struct ruling_case){
	        .job = SUPPLY_GIVEN,
	        .part = "the program",
	        .stored = SUPPLY_GIVEN,
	        .output = SUPPLY_GIVEN,
	        .status = STATUS_COMPLETED,
	        .count = 1000,
	        .bytes = 500,
	        .ran = true,
	        .failure = "",
	        .own_status = STATUS_COMPLETED,
	        .own_count = 1000,
	        .executor = EXECUTOR_WASM,
	        .tolerance = 100,
	        .outputs = SAMENESS_SAME,
	        .difference = "outputs/a differs from byte 3 on",
	        .due_bytes = 500,
	};
}

/* What makes a case of each row, from top to bottom. */
static void no_job(struct ruling_case *c)
{
	c->job = SUPPLY_NONE;
}
static void silent_job(struct ruling_case *c)
{
	c->job = SUPPLY_SILENT;
}
static void not_stored(struct ruling_case *c)
{
	c->stored = SUPPLY_NONE;
}
static void silent_stored(struct ruling_case *c)
{
	c->stored = SUPPLY_SILENT;
}
static void no_output(struct ruling_case *c)
{
	c->output = SUPPLY_NONE;
}
static void not_run(struct ruling_case *c)
{
	c->ran = false;
	c->failure = "no executor";
}
static void other_status(struct ruling_case *c)
{
	c->own_status = STATUS_MEMORY_EXCEEDED;
}
static void other_output(struct ruling_case *c)
{
	c->outputs = SAMENESS_DIFFERENT;
}
static void no_comparator(struct ruling_case *c)
{
	c->outputs = SAMENESS_UNKNOWN;
}
static void more_count(struct ruling_case *c)
{
	c->count = 1001;
}
static void more_bytes(struct ruling_case *c)
{
	c->bytes = 501;
}
static void nothing(struct ruling_case *c)
{
	(void)c;
}

static const struct {
	const char *name;
	void (*change)(struct ruling_case *c);
	uint8_t ruling;
	const char *word;
} rows[] = {
        {"a part that no source gives", no_job, RULING_JOB_FAULTY, "the program"},
        {"a part whose source is silent", silent_job, RULING_CANNOT_RULE, "the program"},
        {"an output that nobody signed for", not_stored, RULING_RESULT_NOT_FOUND, "not published"},
        {"a silent directory", silent_stored, RULING_CANNOT_RULE, "published"},
        {"an output that no source gives", no_output, RULING_RESULT_NOT_FOUND, "bytes"},
        {"no run", not_run, RULING_CANNOT_RULE, "no executor"},
        {"another status", other_status, RULING_STATUS_WRONG, "MemoryExceeded"},
        {"another output", other_output, RULING_RESULT_WRONG, "byte 3"},
        {"a comparator that is not there", no_comparator, RULING_CANNOT_RULE, "compared"},
        {"instructions", more_count, RULING_TOO_MUCH_CHARGED, "1001 instructions"},
        {"bytes", more_bytes, RULING_TOO_MUCH_CHARGED, "501 bytes"},
        {"nothing", nothing, RULING_RESULT_CORRECT, "output"},
};

static void check(const struct ruling_case *c, uint8_t ruling, const char *word)
{
	struct decision r;

	ruling_of(c, &r);
	if (r.ruling != ruling || !strstr(r.why, word))
		fail_msg("ruled %s: %s", enum_name(&ruling_names, r.ruling), r.why);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ruling_case c = right_case();

		print_message("           %s\n", rows[i].name);
		rows[i].change(&c);
		check(&c, rows[i].ruling, rows[i].word);
	}
}

/* Whatever two things are wrong, the upper one decides. Two of one row (a part that is missing and one that
 * is silent) cannot be put into one case. */
static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t k = i + 1; k < COUNT(rows); k++) {
			struct ruling_case c = right_case();

			if ((rows[i].change == no_job && rows[k].change == silent_job) ||
			        (rows[i].change == not_stored && rows[k].change == silent_stored) ||
			        (rows[i].change == other_output && rows[k].change == no_comparator))
				continue;
			rows[k].change(&c);
			rows[i].change(&c);
			check(&c, rows[i].ruling, rows[i].word);
		}
	}
}

/* Bytes that are here by another way, or that nobody needs, decide nothing. */
static void test_silent_output(void **state)
{
	struct ruling_case c = right_case();

	(void)state;
	c.output = SUPPLY_SILENT;
	check(&c, RULING_RESULT_CORRECT, "right");
	c.outputs = SAMENESS_UNKNOWN;
	check(&c, RULING_CANNOT_RULE, "");
}

static void test_other_statuses_have_no_output(void **state)
{
	struct ruling_case c = right_case();

	(void)state;
	c.status = c.own_status = STATUS_EXCEPTION_OCCURRED;
	c.outputs = SAMENESS_DIFFERENT;
	check(&c, RULING_RESULT_CORRECT, "status, instructions");
	c.count = 1001;
	check(&c, RULING_TOO_MUCH_CHARGED, "instructions");
}

/* What is charged less than due is the provider's own loss. */
static void test_too_little_charged(void **state)
{
	struct ruling_case c = right_case();

	(void)state;
	c.count = c.bytes = 0;
	check(&c, RULING_RESULT_CORRECT, "right");
}

static void test_containers(void **state)
{
	struct ruling_case c = right_case();

	(void)state;
	c.executor = EXECUTOR_DOCKER;
	c.count = 2000; /* CPU time is not repeatable */
	check(&c, RULING_RESULT_CORRECT, "right");
	c.status = STATUS_TIME_EXCEEDED;
	c.own_use = 899;
	check(&c, RULING_STATUS_WRONG, "TimeExceeded");
	c.own_use = 900;
	check(&c, RULING_RESULT_CORRECT, "right");
	/* Only limits have a tolerance, and only in containers. */
	c.status = STATUS_EXCEPTION_OCCURRED;
	check(&c, RULING_STATUS_WRONG, "ExceptionOccurred");
	c.status = STATUS_TIME_EXCEEDED;
	c.executor = EXECUTOR_WASM;
	check(&c, RULING_STATUS_WRONG, "TimeExceeded");
}

static void test_bytes(void **state)
{
	(void)state;
	assert_int_equal(ruling_bytes(STATUS_COMPLETED, 200, 300), 500);
	assert_int_equal(ruling_bytes(STATUS_EXCEPTION_OCCURRED, 200, 300), 200);
	assert_true(ruling_bytes(STATUS_COMPLETED, UINT64_MAX, 1) == UINT64_MAX);
}

/* 5.10 to 5.12, and a mediator that failed stands on nobody's side. */
static void test_sides(void **state)
{
	(void)state;
	assert_int_equal(ruling_side(RULING_RESULT_CORRECT), SIDE_PROVIDER);
	assert_int_equal(ruling_side(RULING_RESULT_NOT_FOUND), SIDE_FAULT);
	assert_int_equal(ruling_side(RULING_TOO_MUCH_CHARGED), SIDE_FAULT);
	assert_int_equal(ruling_side(RULING_JOB_FAULTY), SIDE_NONE);
	assert_int_equal(ruling_side(RULING_CANNOT_RULE), SIDE_NONE);
}

/* A sentence from foreign words is cut between characters. */
static void test_long_words(void **state)
{
	char words[600];
	struct ruling_case c = right_case();
	struct decision r;

	(void)state;
	for (size_t i = 0; i + 2 < sizeof words; i += 2)
		memcpy(words + i, "\303\274", 3);
	c.outputs = SAMENESS_DIFFERENT;
	c.difference = words;
	ruling_of(&c, &r);
	assert_true(strlen(r.why) > RULING_WHY_MAX - 4);
	assert_true(str_is_utf8(str_of(r.why)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
	        cmocka_unit_test(test_order), cmocka_unit_test(test_silent_output),
	        cmocka_unit_test(test_other_statuses_have_no_output),
	        cmocka_unit_test(test_too_little_charged), cmocka_unit_test(test_containers),
	        cmocka_unit_test(test_bytes), cmocka_unit_test(test_sides),
	        cmocka_unit_test(test_long_words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
