/* keep_test.c - the process ends at any step and starts again: the same dispute, one answer, said as it was. */
#include "mediator/mediator_suite.h"

/* As it went to the ledger. */
struct said {
	struct hash id;
	struct sig sig;
};

static struct said what_was_said(struct stage *s)
{
	struct fx *f = need(s->b, FX_SUBMIT, 0);

	return (struct said){f->action_id, f->action->doc_sig};
}

static void assert_said_again(struct stage *s, const struct said *first)
{
	struct said now = what_was_said(s);

	assert_true(hash_eq(&now.id, &first->id));
	assert_memory_equal(&now.sig, &first->sig, sizeof now.sig);
}

static void while_gathering(void **state)
{
	struct stage *s = *state;

	send_checked(s);
	restart(s);
	assert_int_equal(case_row(s).state, CASE_GATHERING);
	answer_with(s, TAG_SOLVER, solver_says(s));
	assert_int_equal(case_row(s).state, CASE_FETCHING);
}

static void while_fetching(void **state)
{
	struct stage *s = *state;

	to_fetching(s);
	serve_fetches(s->b);
	restart(s);
	assert_int_equal(fx_count(s->b, FX_CALL), 0);
	/* What is here is not sent for again by the one who moves trees, but it is looked at. */
	assert_int_equal(fx_count(s->b, FX_FETCH), 1);
	serve_fetches(s->b);
	serve_fetches(s->b);
	assert_int_equal(case_row(s).state, CASE_READY);
	assert_non_null(fx_of(s->b, FX_RUN, TAG_RUN, 0));
}

/* Killed in the middle of the run: it is made again, and one verdict comes of it. */
static void while_running(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	to_ready(s);
	need(s->b, FX_RUN, TAG_RUN);
	restart(s);
	assert_silent(s);
	while (serve_fetches(s->b))
		;
	need(s->b, FX_RUN, TAG_RUN);
	r = run_of(s);
	send_run(s, &r);
	assert_verdict(s, RULING_RESULT_CORRECT, "right");
}

static void lost_blocks(void **state)
{
	struct stage *s = *state;

	to_ready(s);
	blobs_clear(s->b);
	restart(s);
	assert_int_equal(fx_count(s->b, FX_FETCH), 1);
	while (serve_fetches(s->b))
		;
	need(s->b, FX_RUN, TAG_RUN);
}

static void to_ran(struct stage *s)
{
	struct run_done r;
	struct fx *f;

	differ(s, "mo0\n");
	to_fetching(s);
	serve_fetches(s->b);
	while (case_row(s).state == CASE_FETCHING) {
		struct tag tags[4];
		unsigned n = 0;

		for (; n < COUNT(tags) && (f = fx_of(s->b, FX_FETCH, 0, n)); n++)
			tags[n] = f->tag;
		for (unsigned i = 0; i < n; i++) {
			struct tree_done t = {.tag = tags[i]};

			t.root = s->m ? dispute_get(s->m, &s->id)->parts[tags[i].n].root
			              : (struct cid){0};
			if (hash_eq(&t.root.digest, &s->output.cid.digest))
				(void)FAIL(&t.err, UNREACHABLE, "not now");
			else
				t.ok = blobs_copy(s->b->remote, s->b->local, &t.root, 1 << 20,
				        &t.bytes, &t.err);
			send_event(s->b, &(struct event){.kind = EV_TREE, .tree = &t});
		}
		if (case_row(s).state == CASE_FETCHING)
			send_retry(s);
	}
	r = run_of(s);
	send_run(s, &r);
	assert_int_equal(case_row(s).state, CASE_RAN);
}

/* Only the output is missing: it is asked for, and nothing is run twice. */
static void after_the_run(void **state)
{
	struct stage *s = *state;

	to_ran(s);
	restart(s);
	assert_int_equal(case_row(s).state, CASE_RAN);
	assert_int_equal(fx_count(s->b, FX_FETCH), 1);
	assert_true(hash_eq(&need(s->b, FX_FETCH, TAG_PART)->root.digest, &s->output.cid.digest));
	serve_fetches(s->b);
	compare_all(s);
	assert_verdict(s, RULING_RESULT_WRONG, "byte 2");
	assert_null(fx_of(s->b, FX_RUN, 0, 0));
}

/* The own output is gone: there is nothing to compare with, so the job is run again. */
static void after_the_run_without_its_output(void **state)
{
	struct stage *s = *state;

	to_ran(s);
	blobs_clear(s->b);
	restart(s);
	while (serve_fetches(s->b))
		;
	need(s->b, FX_RUN, TAG_RUN);
}

static void after_the_verdict(void **state)
{
	struct stage *s = *state;
	struct said first;

	to_answer(s);
	assert_verdict(s, RULING_RESULT_CORRECT, "right");
	first = what_was_said(s);
	/* Whatever would be found now: what is signed stands. */
	differ(s, "mo0\n");
	restart(s);
	assert_said_again(s, &first);
	assert_int_equal(fx_count(s->b, FX_SUBMIT), 1);
	restart(s);
	assert_said_again(s, &first);
	send_state(s, &s->id, DEAL_MEDIATION_ACCEPTED, &s->result_hash, 0);
	restart(s);
	assert_int_equal(fx_count(s->b, FX_SUBMIT), 0);
}

static void after_a_pass(void **state)
{
	struct stage *s = *state;
	struct said first;

	to_ready(s);
	pass(s->b, MEDIATE_S - 32);
	send_clock(s->b);
	assert_pass(s, "no time left");
	need(s->b, FX_KILL_RUN, TAG_RUN);
	first = what_was_said(s);
	restart(s);
	assert_said_again(s, &first);
}

/* The run that was given up ends all the same, and tells nothing. */
static void run_that_ends_after_a_pass(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	to_ready(s);
	pass(s->b, MEDIATE_S - 32);
	send_clock(s->b);
	r = run_of(s);
	send_run(s, &r);
	assert_silent(s);
	assert_int_equal(case_row(s).state, CASE_PASSING);
}

static void dropped(void **state)
{
	struct stage *s = *state;
	struct said first;

	to_answer(s);
	first = what_was_said(s);
	send_dropped(s->b, &first.id, E_UNREACHABLE);
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0));
	need(s->b, FX_TIMER, TAG_RETRY);
	send_retry(s);
	assert_said_again(s, &first);
	/* A drop of something else is not ours. */
	send_dropped(s->b, &s->id, E_UNREACHABLE);
	assert_null(fx_of(s->b, FX_TIMER, TAG_RETRY, 0));
}

static void told_twice(void **state)
{
	struct stage *s = *state;

	to_answer(s);
	send_checked(s);
	assert_int_equal(fx_count(s->b, FX_CALL), 0);
	assert_int_equal(case_row(s).state, CASE_RULING);
	send_state(s, &s->id, DEAL_MEDIATION_ACCEPTED, &s->result_hash, 0);
	send_state(s, &s->id, DEAL_MEDIATION_ACCEPTED, &s->result_hash, 0);
	send_checked(s);
	assert_int_equal(s->b->fx.n, 0);
	assert_int_equal(status_number(s, "cases"), 1);
	assert_int_equal(status_number(s, "ruled"), 1);
}

/* Decided by the ledger while it was being worked on. */
static void over_before_it_was_ruled(void **state)
{
	struct stage *s = *state;

	to_ready(s);
	send_state(s, &s->id, DEAL_TIMEOUT_MEDIATE, &s->result_hash, 0);
	need(s->b, FX_KILL_RUN, TAG_RUN);
	assert_int_equal(case_row(s).state, CASE_OVER);
	assert_true(amount_is_zero(case_row(s).earned));
	assert_int_equal(status_number(s, "missed"), 1);
}

/* A verdict that came too late pays nothing. */
static void verdict_that_came_too_late(void **state)
{
	struct stage *s = *state;

	to_answer(s);
	send_state(s, &s->id, DEAL_TIMEOUT_MEDIATE, &s->result_hash, 0);
	assert_true(amount_is_zero(case_row(s).earned));
	assert_int_equal(status_number(s, "missed"), 1);
	assert_int_equal(status_number(s, "ruled"), 0);
}

/* How far the ledger was read goes with what was written. */
static void cursor(void **state)
{
	struct stage *s = *state;
	uint64_t at;
	struct err e;

	for (int i = 0; i < 10; i++)
		send_state(
		        s, &(struct hash){{(uint8_t)i}}, DEAL_RESULTS_ACCEPTED, &s->result_hash, 0);
	assert_true(mediator_start_cursor(s->m, &at, &e));
	assert_int_equal(at, 0);
	send_checked(s);
	assert_true(mediator_start_cursor(s->m, &at, &e));
	assert_int_equal(at, 11);
	for (int i = 0; i <= CURSOR_BEHIND_MAX; i++)
		send_state(
		        s, &(struct hash){{(uint8_t)i}}, DEAL_RESULTS_ACCEPTED, &s->result_hash, 0);
	assert_true(mediator_start_cursor(s->m, &at, &e));
	assert_int_equal(at, 12 + CURSOR_BEHIND_MAX);
}

/* 4.1: time is what the ledger said and what was counted since, unless the ledger is down. */
static void clock_between_blocks(void **state)
{
	struct stage *s = *state;
	struct ledger_note down = {.stage = LEDGER_DOWN};
	struct tag tick = {.what = TAG_TICK};

	(void)FAIL(&down.err, UNREACHABLE, "gone, says the test");
	to_ready(s);
	pass(s->b, MEDIATE_S - 60);
	send_clock(s->b);
	assert_silent(s);
	s->b->mono.ns += 20 * 1000000000ll;
	send_timer(s->b, tick);
	assert_silent(s);
	assert_non_null(fx_of(s->b, FX_TIMER, TAG_TICK, 0));
	send_note(s->b, &down);
	s->b->mono.ns += 40 * 1000000000ll;
	send_timer(s->b, tick);
	assert_silent(s);
	send_note(s->b, &(struct ledger_note){.stage = LEDGER_UP});
	s->b->mono.ns += 29 * 1000000000ll;
	send_timer(s->b, tick);
	assert_pass(s, "no time left");
}

static void walk_states(void **state)
{
	(void)state;
	for (unsigned from = CASE_GATHERING; from <= CASE_OVER; from++) {
		assert_true(sm_may(&case_states, from, CASE_OVER) == (from != CASE_OVER));
		/* What is signed is never taken back. */
		for (unsigned to = CASE_GATHERING; from >= CASE_RULING && to < CASE_OVER; to++)
			assert_false(sm_may(&case_states, from, to));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {T(while_gathering), T(while_fetching), T(while_running),
	        T(lost_blocks), T(after_the_run), T(after_the_run_without_its_output),
	        T(after_the_verdict), T(after_a_pass), T(run_that_ends_after_a_pass), T(dropped),
	        T(told_twice), T(over_before_it_was_ruled), T(verdict_that_came_too_late),
	        T(cursor), T(clock_between_blocks), cmocka_unit_test(walk_states)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
