/* lost_test.c - what gets lost between a creator and its peers: one of several uploads, an answer, a message. */
#include "creator/creator_suite.h"

/* One part is not taken, and others arrive after that: the offer waits for all of the next round. */
static void part_is_lost(void **state)
{
	struct stage *s = *state;
	struct tag first, second;
	unsigned n;

	to_storing(s);
	first = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag;
	n = fx_count(s->b, FX_PUSH);
	assert_true(n > 1);
	s->job = first.key;
	send_tree_failed(s->b, first, E_UNREACHABLE);
	need(s->b, FX_TIMER, TAG_RETRY);
	for (unsigned i = 1; i < n; i++) {
		send_pushed(s->b, first, NULL);
		assert_null(fx_of(s->b, FX_CALL, TAG_OFFER, 0));
	}
	assert_state(s, JOB_STORING);
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	second = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag;
	assert_int_equal(fx_count(s->b, FX_PUSH), n);
	for (unsigned i = 0; i < n; i++)
		send_pushed(s->b, second, NULL);
	read_posted(s);
	assert_state(s, JOB_POSTED);
}

/* What stands between us and the directory answers for it. */
static void another_answers(void **state)
{
	struct stage *s = *state;
	struct tree_done t = {.ok = true, .body = str_bytes(STR("<html>welcome</html>"))};

	to_storing(s);
	t.tag = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag;
	s->job = t.tag.key;
	for (unsigned n = fx_count(s->b, FX_PUSH); n; n--) {
		send_event(s->b, &(struct event){.kind = EV_TREE, .tree = &t});
		assert_null(fx_of(s->b, FX_CALL, TAG_OFFER, 0));
	}
	assert_state(s, JOB_STORING);
}

/* A match says that the offer is filed, whatever became of its acknowledgement. */
static void acknowledgement_is_lost_and_the_match_is_not(void **state)
{
	struct stage *s = *state;
	struct tag offer = {.what = TAG_OFFER};

	to_matched(s);
	offer.key = s->offer.id;
	send_refusal(s->b, offer, E_INTERNAL);
	assert_state(s, JOB_MATCHED);
	send_silence(s->b, offer);
	assert_state(s, JOB_MATCHED);
	assert_int_equal(s->b->fx.n, 0);
}

static void solver_is_in_trouble(void **state)
{
	struct stage *s = *state;
	struct tag offer = {.what = TAG_OFFER};

	to_posted(s);
	offer.key = s->offer.id;
	send_refusal(s->b, offer, E_PEER);
	need(s->b, FX_TIMER, TAG_RETRY);
	assert_state(s, JOB_POSTED);
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	read_posted(s);
}

/* What it asked for after a start is told by nobody else: asked again. */
static void look_is_not_answered(void **state)
{
	struct stage *s = *state;
	struct tag look = {.what = TAG_LOOK};

	to_posted(s);
	look.key = s->job;
	send_silence(s->b, look);
	assert_true(need(s->b, FX_TIMER, TAG_LOOK)->delay.ms > 0);
	send_refusal(s->b, look, E_BUSY);
	need(s->b, FX_TIMER, TAG_LOOK);
	send_refusal(s->b, look, E_NOT_FOUND);
	assert_null(fx_of(s->b, FX_TIMER, TAG_LOOK, 0));
	/* A match was given up before we heard of it: the offer is filed once more. */
	send_reply(s->b, look, 200, json_pack("{s:s}", "state", "silent"));
	read_posted(s);
}

static void messages_are_lost(void **state)
{
	struct stage *s = *state;
	struct tag look = {.what = TAG_LOOK};

	to_posted(s);
	look.key = s->job;
	send_connected(s->b, false);
	assert_int_equal(s->b->fx.n, 0);
	send_connected(s->b, true);
	assert_memory_equal(&need(s->b, FX_TIMER, TAG_LOOK)->tag, &look, sizeof look);
	send_timer(s->b, look);
	make_deal(s, RP);
	send_reply(s->b, need(s->b, FX_CALL, TAG_LOOK)->tag, 200, deal_message(s, SOLVER));
	need(s->b, FX_CALL, TAG_SIGNATURE);
	assert_state(s, JOB_MATCHED);
}

/* The queue time ends while a match is on its way, or when its message was lost. */
static void matched_and_not_told(void **state)
{
	struct stage *s = *state;
	struct tag queue = {.what = TAG_QUEUE};
	struct fx *look;

	to_posted(s);
	queue.key = s->job;
	send_timer(s->b, queue);
	send_reply(
	        s->b, need(s->b, FX_CALL, TAG_WHY)->tag, 200, json_pack("{s:s}", "state", "taken"));
	assert_state(s, JOB_POSTED);
	assert_null(fx_of(s->b, FX_CALL, TAG_WITHDRAW, 0));
	assert_true(need(s->b, FX_TIMER, TAG_QUEUE)->delay.ms > 0);
	look = need(s->b, FX_CALL, TAG_LOOK);
	make_deal(s, RP);
	send_reply(s->b, look->tag, 200, deal_message(s, SOLVER));
	assert_state(s, JOB_MATCHED);
	send_timer(s->b, queue);
	assert_int_equal(s->b->fx.n, 0);
}

/* The stream of the solver's events does not open: a person is told why, and nothing was signed. */
static void no_stream(void **state)
{
	struct stage *s = *state;
	struct tag solver = {.what = TAG_SOLVER};
	struct err why = {0}, e;
	struct message m = {.tag = solver, .why = &why};

	stage_open(s);
	(void)FAIL(&why, STALE, "the clocks are 86400 s apart");
	send_event(s->b, &(struct event){.kind = EV_MESSAGE, .message = &m});
	assert_int_equal(s->b->fx.n, 0);
	send_timer(s->b, solver);
	assert_int_equal(need(s->b, FX_EXIT, 0)->status, err_exit(E_CLOCK));
	assert_true(err_from_json(bytes_str(need(s->b, FX_EMIT, 0)->body), &e));
	assert_int_equal(e.code, E_CLOCK);
	assert_non_null(strstr(e.msg, "http://solver"));
	assert_non_null(strstr(e.msg, "86400 s apart"));
}

/* Whatever comes of it later, once it was open a person does not lose the job for it. */
static void stream_that_opened(void **state)
{
	struct stage *s = *state;

	stage_open(s);
	send_connected(s->b, false);
	send_timer(s->b, (struct tag){.what = TAG_SOLVER});
	assert_int_equal(fx_count(s->b, FX_EXIT), 0);
}

/* 9.5: a store that was restored counts from where it was. */
static void old_store(void **state)
{
	struct stage *s = *state;

	s->config.least_nonce = 7;
	to_posted(s);
	assert_int_equal(s->offer.offer.nonce, 7);
}

static void store_far_too_old(void **state)
{
	struct stage *s = *state;
	struct err e;

	s->config.least_nonce = UINT64_MAX;
	stage_open(s);
	send_connected(s->b, false);
	assert_true(err_from_json(bytes_str(need(s->b, FX_EMIT, 0)->body), &e));
	assert_int_equal(e.code, E_STORE);
	assert_non_null(strstr(e.hint, "newer backup"));
}

/* What is refused for good is not asked for again. */
static void directory_says_no(void **state)
{
	struct stage *s = *state;
	struct tag tag;

	to_storing(s);
	tag = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag;
	s->job = tag.key;
	send_tree_failed(s->b, tag, E_QUOTA);
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_QUOTA);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
	        T(old_store),
	        T(store_far_too_old),
	        T(directory_says_no),
	        T(no_stream),
	        T(stream_that_opened),
	        T(part_is_lost),
	        T(another_answers),
	        T(acknowledgement_is_lost_and_the_match_is_not),
	        T(solver_is_in_trouble),
	        T(look_is_not_answered),
	        T(messages_are_lost),
	        T(matched_and_not_told),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
