/* sm_test.c - a small machine, all pairs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/sm.h"

#include <stdio.h>

enum { NEW = 1, OPEN = 3, SHUT = 31 };

static const struct sm_state states[] = {
        {"New", NEW, SM_FIRST, SM_BIT(OPEN) | SM_BIT(SHUT), "not open yet"},
        {"Open", OPEN, 0, SM_BIT(OPEN) | SM_BIT(SHUT), "open"},
        {"Shut", SHUT, SM_FINAL, 0, "over"},
};
static const struct sm door = {"door", states, COUNT(states)};

static void test_pairs(void **state)
{
	(void)state;
	for (unsigned from = 0; from < 40; from++) {
		for (unsigned to = 0; to < 300; to++) {
			bool may = (from == NEW || from == OPEN) && (to == OPEN || to == SHUT);
			uint8_t now = (uint8_t)from;
			struct err e;

			assert_int_equal(sm_may(&door, from, to), may);
			assert_int_equal(sm_move(&door, &now, to, &e), may);
			assert_int_equal(now, may ? to : from);
			if (!may)
				assert_int_equal(e.code, E_STATE);
		}
	}
}

static void test_names(void **state)
{
	uint8_t now = SHUT;
	struct err e;

	(void)state;
	assert_string_equal(sm_name(&door, OPEN), "Open");
	assert_string_equal(sm_name(&door, 2), "?");
	assert_null(sm_state(&door, 0));
	assert_string_equal(sm_state(&door, SHUT)->meaning, "over");
	assert_true(sm_is_final(&door, SHUT));
	assert_false(sm_is_final(&door, OPEN));
	assert_false(sm_is_final(&door, 99));
	assert_false(sm_move(&door, &now, OPEN, &e));
	assert_string_equal(e.msg, "door cannot go from Shut to Open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pairs),
	        cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
