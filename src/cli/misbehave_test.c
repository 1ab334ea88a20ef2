/* misbehave_test.c - who may misbehave, where, and that it is said. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "cli/misbehave.h"
#include "mediator/mediator.h"

static char said[256];

static void hear(void *self, enum log_level level, const char *text)
{
	(void)self;
	assert_int_equal(level, LOG_ODD);
	snprintf(said, sizeof said, "%s", text);
}

/* What `lilypad ROLE --test-misbehave=MODE` is told; mode NULL: without the option. */
static bool asked(
        const char *role, const char *mode, bool test_ledger, unsigned *out, struct err *e)
{
	static const struct option_row row = {"test-misbehave", 0, "MODE", NULL, false, ""};
	const struct genesis g = {.name = "here", .test = test_ledger};
	const struct logger log = {NULL, hear};
	struct args a = {.given_n = 0};

	if (mode)
		a.given[a.given_n++] = (struct given){&row, mode};
	said[0] = '\0';
	return misbehave_read(&a, role, &g, &log, out, e);
}

static void test_honest(void **state)
{
	unsigned mode = 9;
	struct err e;

	(void)state;
	assert_true(asked("mediator", NULL, false, &mode, &e));
	assert_int_equal(mode, 0);
	assert_string_equal(said, "");
}

static void test_modes_are_said(void **state)
{
	unsigned mode = 0;
	struct err e;

	(void)state;
	assert_true(asked("mediator", "lies", true, &mode, &e));
	assert_int_equal(mode, MEDIATOR_LIES);
	assert_non_null(strstr(said, "test instrument"));
	assert_non_null(strstr(said, "opposite"));
	assert_true(asked("mediator", "cannot-fetch", true, &mode, &e));
	assert_int_equal(mode, MEDIATOR_CANNOT_FETCH);
}

static void test_refused(void **state)
{
	unsigned mode;
	struct err e;

	(void)state;
	assert_false(asked("mediator", "snores", true, &mode, &e));
	assert_int_equal(e.code, E_USAGE);
	assert_non_null(strstr(e.msg, "snores"));
	assert_non_null(strstr(e.hint, "cannot-fetch"));
	assert_false(asked("mediator", "lies", false, &mode, &e));
	assert_int_equal(e.code, E_FORBIDDEN);
	assert_string_equal(said, "");
	assert_false(asked("clerk", "lies", true, &mode, &e));
	assert_int_equal(e.code, E_USAGE);
}

/* Every role's rows can be told apart, and none is honest. */
static void test_tables(void **state)
{
	size_t n, none;
	const struct misbehaviour *rows = misbehaviours("mediator", &n);

	(void)state;
	assert_true(n > 0);
	assert_null(misbehaviours("clerk", &none));
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(rows[i].value, 0);
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(rows[i].name, rows[k].name);
			assert_int_not_equal(rows[i].value, rows[k].value);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_honest),
	        cmocka_unit_test(test_modes_are_said), cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_tables)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
