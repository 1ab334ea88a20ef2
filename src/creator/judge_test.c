/* judge_test.c - what a result must be to be accepted (protocol 2.5), and what becomes of a job whose result
 * is not. */
#include "creator/creator_suite.h"

/* The result as the test has changed it, its output fetched. */
static void deliver(struct stage *s)
{
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	assert_state(s, JOB_FETCHING);
	assert_int_equal(serve_fetches(s->b), 1);
}

static void one_byte_more(struct stage *s)
{
	s->result.result.bytes++;
}
static void one_byte_less(struct stage *s)
{
	s->result.result.bytes--;
}
static void stored_more(struct stage *s)
{
	s->result.stored.bytes++;
	s->result.result.bytes++;
}
static void output_of_a_stopped_run(struct stage *s)
{
	s->result.result.status = STATUS_INSTRUCTIONS_EXCEEDED;
}

/* A mediator is named: the charge is disputed as soon as it is on the ledger. */
static void charge_is_disputed(void **state, void (*change)(struct stage *), const char *word)
{
	struct stage *s = *state;
	const struct action *a;

	to_agreed(s);
	change(s);
	deliver(s);
	assert_null(submitted(s->b, ACTION_ACCEPT));
	assert_null(submitted(s->b, ACTION_CHECK));
	assert_noted(s, "DISPUTED", word);
	assert_int_equal(job_row(s).claim, RULING_TOO_MUCH_CHARGED);
	send_submitted(s);
	a = submitted(s->b, ACTION_CHECK);
	assert_non_null(a);
	assert_int_equal(a->check.claim, RULING_TOO_MUCH_CHARGED);
	assert_state(s, JOB_DISPUTED);
}

static void more_bytes_than_there_are(void **state)
{
	charge_is_disputed(state, one_byte_more, "charges");
}
static void directory_that_miscounts(void **state)
{
	charge_is_disputed(state, stored_more, "charges");
}
static void output_charged_though_it_is_not_completed(void **state)
{
	charge_is_disputed(state, output_of_a_stopped_run, "0 of output");
}

/* 2.9: only what is above is at fault. */
static void fewer_bytes_than_there_are(void **state)
{
	struct stage *s = *state;

	to_agreed(s);
	one_byte_less(s);
	deliver(s);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
	assert_state(s, JOB_JUDGED);
}

/* Without a mediator nothing can be disputed: it is not accepted, and kept. */
static void nobody_to_rule(void **state)
{
	struct stage *s = *state;

	no_mediator(s);
	to_agreed(s);
	one_byte_more(s);
	deliver(s);
	assert_null(submitted(s->b, ACTION_ACCEPT));
	assert_noted(s, "BAD_RESULT", "charges");
	assert_state(s, JOB_FETCHING);
	assert_int_equal(job_row(s).error, E_RESULT);
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	assert_int_equal(s->b->fx.n, 0);
	/* Another process knows it as well. */
	take_over(s);
	assert_int_equal(fx_count(s->b, FX_FETCH) + fx_count(s->b, FX_SUBMIT), 0);
	send_deal_event(s->b, &s->deal.id, DEAL_TIMEOUT_JUDGE, 9, 0);
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_RESULT);
	assert_non_null(strstr(job_row(s).why, "charges"));
	assert_true(amount_eq(job_row(s).cost, amount_of(9)));
}

static void inputs_count(void **state)
{
	struct stage *s = *state;

	s->spec.inputs.n = 2;
	s->spec.inputs.v[0].bytes = 70;
	s->spec.inputs.v[1].bytes = 30;
	to_agreed(s);
	s->result.result.bytes += 100;
	deliver(s);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
}

static void only_inputs_count_of_a_stopped_run(void **state)
{
	struct stage *s = *state;

	s->spec.inputs.n = 1;
	s->spec.inputs.v[0].bytes = 70;
	to_agreed(s);
	s->result.result.bytes = 70;
	s->result.result.status = STATUS_INSTRUCTIONS_EXCEEDED;
	deliver(s);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
}

/* The next provider starts with a clean sheet. */
static void a_bad_result_that_was_never_submitted(void **state)
{
	struct stage *s = *state;

	to_agreed(s);
	one_byte_more(s);
	deliver(s);
	send_deal_event(s->b, &s->deal.id, DEAL_TIMEOUT_SUBMIT, 0, 0);
	assert_state(s, JOB_POSTED);
	assert_int_equal(job_row(s).error, 0);
	assert_int_equal(job_row(s).attempt, 2);
}

static void no_more_is_fetched_than_the_deal_allows(void **state)
{
	struct stage *s = *state;
	uint64_t most;

	to_agreed(s);
	most = s->deal.deal.hot.byte_limit;
	s->result.stored.bytes = most + 1;
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	assert_int_equal(need(s->b, FX_FETCH, TAG_FETCH)->limit, most);
}

static void exit_code_of(struct stage *s, const char *text)
{
	const struct unixfs_path files[] = {
	        {STR("stdout"), str_bytes(STR("")), false},
	        {STR("exitCode"), str_bytes(str_of(text ? text : "")), false},
	};

	to_agreed(s);
	s->output = plant(s->b->remote, files, text ? 2 : 1);
	s->result.result.output.tree = s->result.stored.output = s->output.cid.digest;
	s->result.result.bytes = s->result.stored.bytes = s->output.tree_bytes;
	deliver(s);
	assert_state(s, JOB_JUDGED);
}

static void no_exit_code(void **state)
{
	struct stage *s = *state;

	exit_code_of(s, NULL);
	assert_int_equal(job_row(s).exit_code, UINT32_MAX);
}

static void exit_code_that_is_none(void **state)
{
	struct stage *s = *state;

	exit_code_of(s, "zero\n");
	assert_int_equal(job_row(s).exit_code, UINT32_MAX);
}

static void exit_code_zero(void **state)
{
	struct stage *s = *state;

	exit_code_of(s, "0\n");
	assert_int_equal(job_row(s).exit_code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(more_bytes_than_there_are),
	        T(fewer_bytes_than_there_are),
	        T(directory_that_miscounts),
	        T(output_charged_though_it_is_not_completed),
	        T(nobody_to_rule),
	        T(inputs_count),
	        T(only_inputs_count_of_a_stopped_run),
	        T(a_bad_result_that_was_never_submitted),
	        T(no_more_is_fetched_than_the_deal_allows),
	        T(no_exit_code),
	        T(exit_code_that_is_none),
	        T(exit_code_zero),
	};

	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
