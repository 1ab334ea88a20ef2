/* model_test.c - the agreement states as a graph (protocol 4): no state without an exit, ends that stay. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/model.h"

/* The states that can follow those of `set` in any number of moves, with the set itself. */
static uint32_t reach(uint32_t set)
{
	uint32_t before;

	do {
		before = set;
		for (size_t i = 0; i < deal_states.n; i++) {
			if (set & SM_BIT(deal_states.states[i].value))
				set |= deal_states.states[i].next;
		}
	} while (set != before);
	return set;
}

static void test_states(void **state)
{
	uint32_t all = 0, first = 0, final = 0;

	(void)state;
	for (size_t i = 0; i < deal_states.n; i++) {
		const struct sm_state *s = &deal_states.states[i];

		assert_true(s->value > 0 && s->value < SM_STATES_MAX);
		assert_false(all & SM_BIT(s->value));
		assert_true(s->name[0] && s->meaning[0]);
		all |= SM_BIT(s->value);
		first |= s->flags & SM_FIRST ? SM_BIT(s->value) : 0;
		final |= s->flags & SM_FINAL ? SM_BIT(s->value) : 0;
	}
	assert_int_equal(first, SM_BIT(DEAL_NEGOTIATING) | SM_BIT(DEAL_AGREED));
	assert_int_equal(reach(first), all);
	for (size_t i = 0; i < deal_states.n; i++) {
		const struct sm_state *s = &deal_states.states[i];

		assert_int_equal(s->next & ~all, 0);
		if (s->flags & SM_FINAL) {
			assert_int_equal(s->next, 0);
			continue;
		}
		/* An exit, and a way to an end from wherever it leads. */
		assert_true(s->next & ~SM_BIT(s->value));
		assert_true(reach(s->next) & final);
	}
}

static void test_all_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < deal_states.n; i++) {
		const struct sm_state *s = &deal_states.states[i];

		for (unsigned to = 0; to < SM_STATES_MAX + 8; to++) {
			bool may = to < SM_STATES_MAX && (s->next & SM_BIT(to));
			uint8_t now = s->value;
			struct err e;

			assert_int_equal(sm_may(&deal_states, s->value, to), may);
			assert_int_equal(sm_move(&deal_states, &now, to, &e), may);
			assert_int_equal(now, may ? to : s->value);
			if (!may) {
				assert_int_equal(e.code, E_STATE);
				assert_non_null(strstr(e.msg, s->name));
			}
			assert_false(may && sm_is_final(&deal_states, s->value));
		}
	}
}

/* The table of protocol 5, row by row: from, to. */
static void test_protocol_rows(void **state)
{
	static const uint8_t rows[][2] = {
	        {DEAL_NEGOTIATING, DEAL_AGREED},
	        {DEAL_NEGOTIATING, DEAL_TIMEOUT_AGREE},
	        {DEAL_NEGOTIATING, DEAL_CANCELLED},
	        {DEAL_AGREED, DEAL_CANCELLED},
	        {DEAL_AGREED, DEAL_RESULTS_SUBMITTED},
	        {DEAL_AGREED, DEAL_TIMEOUT_SUBMIT},
	        {DEAL_AGREED, DEAL_DECLINED},
	        {DEAL_AGREED, DEAL_RESULTS_ACCEPTED},
	        {DEAL_RESULTS_SUBMITTED, DEAL_RESULTS_ACCEPTED},
	        {DEAL_RESULTS_SUBMITTED, DEAL_TIMEOUT_JUDGE},
	        {DEAL_RESULTS_SUBMITTED, DEAL_RESULTS_CHECKED},
	        {DEAL_RESULTS_CHECKED, DEAL_TIMEOUT_MEDIATE},
	        {DEAL_RESULTS_CHECKED, DEAL_MEDIATION_ACCEPTED},
	        {DEAL_RESULTS_CHECKED, DEAL_MEDIATION_REJECTED},
	        {DEAL_RESULTS_CHECKED, DEAL_MEDIATION_JOB_FAULTY},
	        {DEAL_RESULTS_CHECKED, DEAL_RULED},
	        {DEAL_RULED, DEAL_MEDIATION_ACCEPTED},
	        {DEAL_RULED, DEAL_MEDIATION_REJECTED},
	        {DEAL_RULED, DEAL_MEDIATION_JOB_FAULTY},
	        {DEAL_RULED, DEAL_RESULTS_CHECKED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_true(sm_may(&deal_states, rows[i][0], rows[i][1]));
	/* An accepted or checked result is not undone, and money never moves back from an end. */
	assert_false(sm_may(&deal_states, DEAL_RESULTS_CHECKED, DEAL_RESULTS_ACCEPTED));
	assert_false(sm_may(&deal_states, DEAL_RESULTS_SUBMITTED, DEAL_CANCELLED));
	assert_false(sm_may(&deal_states, DEAL_RESULTS_SUBMITTED, DEAL_TIMEOUT_SUBMIT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_states),
	        cmocka_unit_test(test_all_pairs),
	        cmocka_unit_test(test_protocol_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
