/* take_over_test.c - another process goes on with a job whose own is gone, from every state, also when the
 * ledger, the solver or both moved on in between. */
#include "creator/creator_suite.h"

/* The solver's answer to what the new process asks about the deal. */
static void answer_look(struct stage *s, const char *state, bool with_result)
{
	struct tag tag = {.what = TAG_LOOK, .key = s->job};
	json_t *j = json_pack("{s:o, s:s}", "id", json_of_hash(&s->deal.id), "state", state);
	struct sig sig = sign_as(s->b, RP, deal_record(), &s->deal.deal);

	assert_true(fx_of(s->b, FX_CALL, TAG_LOOK, 0) != NULL);
	json_object_set_new(j, "providerSignature", json_of_sig(&sig));
	if (with_result)
		json_object_update_new(j, result_message(s, RP, DIRECTORY));
	send_reply(s->b, tag, 200, j);
}

static void finish(struct stage *s)
{
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_ACCEPTED, 5, 0);
	assert_state(s, JOB_DONE);
}

static void from_storing(void **state)
{
	struct stage *s = *state;
	struct tag tag;

	to_storing(s);
	s->job = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag.key;
	take_over(s);
	tag = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag;
	assert_int_equal(fx_count(s->b, FX_PUSH), 2);
	send_pushed(s->b, tag, NULL);
	send_pushed(s->b, tag, NULL);
	read_posted(s);
	assert_int_equal(s->offer.offer.nonce, 1);
	assert_true(hash_eq(&s->offer.id, &s->job));
}

/* Blobs are a process's own. */
static void from_storing_without_its_parts(void **state)
{
	struct stage *s = *state;

	to_storing(s);
	s->job = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag.key;
	blobs_clear(s->b);
	take_over(s);
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_IO);
	assert_non_null(strstr(job_row(s).why, "nothing was charged"));
}

static void from_posted(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	take_over(s);
	read_posted(s);
	assert_int_equal(s->offer.offer.nonce, 1);
	acknowledge(s, SOLVER, "open");
	need(s->b, FX_TIMER, TAG_QUEUE);
}

/* Matched while nobody listened: the deal comes with the answer. */
static void from_posted_with_a_match(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	make_deal(s, RP);
	take_over(s);
	assert_true(fx_of(s->b, FX_CALL, TAG_LOOK, 0) != NULL);
	send_reply(
	        s->b, (struct tag){.what = TAG_LOOK, .key = s->job}, 200, deal_message(s, SOLVER));
	assert_state(s, JOB_MATCHED);
	assert_true(asks(need(s->b, FX_CALL, TAG_SIGNATURE), "/signature"));
}

/* The offer waits again: what the solver knows of it is a match that was given up. */
static void from_posted_with_a_match_that_was_given_up(void **state)
{
	struct stage *s = *state;
	json_t *j;

	to_posted(s);
	make_deal(s, RP);
	take_over(s);
	j = deal_message(s, SOLVER);
	json_object_set_new(j, "state", json_string("open"));
	send_reply(s->b, (struct tag){.what = TAG_LOOK, .key = s->job}, 200, j);
	assert_state(s, JOB_POSTED);
	assert_null(fx_of(s->b, FX_CALL, TAG_SIGNATURE, 0));
}

/* Signed too late: the solver is asked what became of the match. */
static void signature_is_not_taken(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	send_refusal(s->b, (struct tag){.what = TAG_SIGNATURE, .key = s->job}, E_STATE);
	answer_look(s, "DISSOLVED", false);
	assert_state(s, JOB_POSTED);
}

static void from_matched(void **state)
{
	struct stage *s = *state;
	struct fx *f;

	to_matched(s);
	take_over(s);
	f = need(s->b, FX_CALL, TAG_SIGNATURE);
	assert_true(asks(f, "/signature")); /* the same deal, never another */
	answer_look(s, "RP_SIGNED", false);
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	assert_state(s, JOB_AGREED);
}

static void from_matched_and_dissolved(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	take_over(s);
	answer_look(s, "DISSOLVED", false);
	assert_state(s, JOB_POSTED);
	read_posted(s);
}

/* Everything happened in between: the ledger's events are read again from where the job had seen them. */
static void from_matched_with_the_result_there(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	make_result(s, RP);
	take_over(s);
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_SUBMITTED, 0, s->b->ledger.s + 600);
	assert_state(s, JOB_SUBMITTED);
	creator_free(s->c);
	stage_open(s);
	send_connected(s->b, false);
	answer_look(s, "OPEN", true);
	serve_fetches(s->b);
	finish(s);
}

static void from_agreed(void **state)
{
	struct stage *s = *state;

	to_agreed(s);
	take_over(s);
	answer_look(s, "OPEN", false);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	serve_fetches(s->b);
	finish(s);
}

/* Nothing of it was in the store yet: ledger and solver tell it again. */
static void from_fetching_that_was_not_written(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	send_rp_signed(s);
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	make_result(s, RP);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	need(s->b, FX_FETCH, TAG_FETCH);
	take_over(s);
	assert_noted(s, "TAKEN_OVER", "MATCHED");
	assert_true(asks(need(s->b, FX_CALL, TAG_SIGNATURE), "/signature"));
	answer_look(s, "OPEN", true);
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_SUBMITTED, 0, s->b->ledger.s + 600);
	assert_state(s, JOB_FETCHING);
}

static void from_submitted(void **state)
{
	struct stage *s = *state;

	to_submitted(s);
	take_over(s);
	answer_look(s, "OPEN", true);
	serve_fetches(s->b);
	finish(s);
}

/* Neither a solver that is away nor one that has no result yet is asked only once. */
static void from_submitted_with_the_solver_away(void **state)
{
	struct stage *s = *state;
	struct tag tag = {.what = TAG_LOOK};

	to_submitted(s);
	tag.key = s->job;
	take_over(s);
	send_silence(s->b, need(s->b, FX_CALL, TAG_LOOK)->tag);
	need(s->b, FX_TIMER, TAG_LOOK);
	send_timer(s->b, tag);
	send_refusal(s->b, need(s->b, FX_CALL, TAG_LOOK)->tag, E_BUSY);
	need(s->b, FX_TIMER, TAG_LOOK);
	send_timer(s->b, tag);
	answer_look(s, "OPEN", false);
	need(s->b, FX_TIMER, TAG_LOOK);
	send_timer(s->b, tag);
	answer_look(s, "OPEN", true);
	assert_int_equal(fx_count(s->b, FX_TIMER), 0);
	need(s->b, FX_FETCH, TAG_FETCH);
}

static void from_fetching(void **state)
{
	struct stage *s = *state;

	to_fetching(s);
	take_over(s);
	serve_fetches(s->b);
	finish(s);
}

static void from_judged(void **state)
{
	struct stage *s = *state;
	struct sig before;

	to_judged(s);
	before = submitted(s->b, ACTION_ACCEPT)->doc_sig;
	take_over(s);
	assert_memory_equal(&submitted(s->b, ACTION_ACCEPT)->doc_sig, &before, sizeof before);
	finish(s);
}

/* The daemon needs nobody but the ledger; when the solver is there, it is asked about every job. */
static void from_judged_with_the_ledger_alone(void **state)
{
	struct stage *s = *state;

	to_judged(s);
	creator_free(s->c);
	s->config.first = NULL;
	s->config.alive = nobody_lives;
	s->config.exit_when_done = false;
	s->config.patient = true;
	stage_open(s);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
	send_connected(s->b, false);
	assert_int_equal(need(s->b, FX_TIMER, TAG_LOOK)->delay.ms, 0);
	send_timer(s->b, (struct tag){.what = TAG_LOOK, .key = s->job});
	need(s->b, FX_CALL, TAG_LOOK);
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_ACCEPTED, 5, 0);
	assert_state(s, JOB_DONE);
}

/* An offer that waits for a solver that is away: posted again and again, more and more seldom, until its queue
 * time is over. */
static void from_posted_with_the_solver_away(void **state)
{
	struct stage *s = *state;
	int64_t wait = 0;

	to_posted(s);
	creator_free(s->c);
	s->config.first = NULL;
	s->config.alive = nobody_lives;
	s->config.exit_when_done = false;
	s->config.patient = true;
	stage_open(s);
	for (unsigned i = 0; i < 8; i++) {
		send_silence(s->b, (struct tag){.what = TAG_OFFER, .key = s->offer.id});
		assert_state(s, JOB_POSTED);
		assert_true(need(s->b, FX_TIMER, TAG_RETRY)->delay.ms >= wait);
		wait = need(s->b, FX_TIMER, TAG_RETRY)->delay.ms;
		send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
		need(s->b, FX_CALL, TAG_OFFER);
	}
	assert_int_equal(wait, 16000);
	pass(s->b, 31);
	send_silence(s->b, (struct tag){.what = TAG_OFFER, .key = s->offer.id});
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_UNREACHABLE);
}

/* The ledger had paid before the new process took over, and tells nobody twice. */
static void from_judged_and_paid(void **state)
{
	struct stage *s = *state;

	to_judged(s);
	creator_free(s->c);
	s->config.first = NULL;
	s->config.alive = nobody_lives;
	stage_open(s);
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_ACCEPTED, 5, 0); /* not ours yet */
	assert_state(s, JOB_JUDGED);
	send_connected(s->b, false);
	assert_state(s, JOB_DONE);
	assert_true(amount_eq(job_row(s).cost, amount_of(5)));
	assert_ended_by(s, 0);
}

static void paid_by_timeout_meanwhile(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	creator_free(s->c);
	s->config.first = NULL;
	s->config.alive = nobody_lives;
	stage_open(s);
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_SUBMITTED, 0, s->b->ledger.s + 600);
	send_deal_event(s->b, &s->deal.id, DEAL_TIMEOUT_JUDGE, 9, 0);
	send_connected(s->b, false);
	assert_state(s, JOB_DONE);
	assert_ended_by(s, s->b->seq - 1);
}

static void declined_meanwhile(void **state)
{
	struct stage *s = *state;

	to_agreed(s);
	creator_free(s->c);
	s->config.first = NULL;
	s->config.alive = nobody_lives;
	stage_open(s);
	send_deal_event(s->b, &s->deal.id, DEAL_DECLINED, 0, 0);
	send_connected(s->b, false);
	assert_state(s, JOB_POSTED);
	assert_int_equal(job_row(s).attempt, 2);
}

/* A ledger that is read again from further back moves nothing. */
static void old_events_mean_nothing(void **state)
{
	struct stage *s = *state;

	to_submitted(s);
	take_over(s);
	s->b->seq -= 2;
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	assert_state(s, JOB_SUBMITTED);
	assert_int_equal(job_row(s).ledger, DEAL_RESULTS_SUBMITTED);
}

static bool somebody_lives(void *ctx, const uint8_t owner[16])
{
	(void)ctx, (void)owner;
	return true;
}

static void not_from_a_living_process(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	creator_free(s->c);
	s->config.first = NULL;
	s->config.exit_when_done = false;
	s->config.alive = somebody_lives;
	stage_open(s);
	send_connected(s->b, false);
	assert_int_equal(fx_count(s->b, FX_CALL), 0);
	need(s->b, FX_TIMER, TAG_ADOPT); /* but it looks again */
	s->config.alive = nobody_lives;
}

/* `job cancel` of a job that nobody drives. */
static void taken_over_to_be_cancelled(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	creator_free(s->c);
	s->config.first = NULL;
	s->config.resume = s->job;
	s->config.cancel_at_once = true;
	stage_open(s);
	send_connected(s->b, false);
	assert_state(s, JOB_CANCELLED);
	assert_true(asks(need(s->b, FX_CALL, TAG_WITHDRAW), "/cancel"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(from_storing),
	        T(from_storing_without_its_parts),
	        T(from_posted),
	        T(from_posted_with_a_match),
	        T(from_posted_with_a_match_that_was_given_up),
	        T(signature_is_not_taken),
	        T(from_matched),
	        T(from_matched_and_dissolved),
	        T(from_matched_with_the_result_there),
	        T(from_agreed),
	        T(from_fetching_that_was_not_written),
	        T(from_submitted),
	        T(from_submitted_with_the_solver_away),
	        T(from_fetching),
	        T(from_judged),
	        T(from_judged_and_paid),
	        T(from_judged_with_the_ledger_alone),
	        T(from_posted_with_the_solver_away),
	        T(paid_by_timeout_meanwhile),
	        T(declined_meanwhile),
	        T(old_events_mean_nothing),
	        T(not_from_a_living_process),
	        T(taken_over_to_be_cancelled),
	};

	return cmocka_run_group_tests_name("take over", tests, NULL, NULL);
}
