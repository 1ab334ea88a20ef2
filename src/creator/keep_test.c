/* keep_test.c - what of a job is written at once and what soon, and how its steps are told and asked for. */
#include "creator/creator_suite.h"

static enum job_state written_state(struct stage *s)
{
	struct creator_job row = {.id = s->job};
	struct err e;

	assert_true(kept_get(s->b, creator_job_record(), &row, &e));
	return row.state;
}

/* What the ledger and the solver tell again costs no write of its own, and is in the store soon. */
static void what_is_told_again_waits(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	assert_int_equal(written_state(s), JOB_MATCHED);
	s->c->keep_set = false;
	send_rp_signed(s);
	assert_int_equal(need(s->b, FX_TIMER, TAG_KEEP)->delay.ms, 100);
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	assert_null(fx_of(s->b, FX_TIMER, TAG_KEEP, 0));
	assert_int_equal(written_state(s), JOB_MATCHED);
	send_timer(s->b, (struct tag){.what = TAG_KEEP});
	assert_int_equal(written_state(s), JOB_AGREED);
	make_result(s, RP);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	need(s->b, FX_TIMER, TAG_KEEP);
	assert_int_equal(written_state(s), JOB_AGREED);
	serve_fetches(s->b);
	assert_int_equal(
	        written_state(s), JOB_JUDGED); /* an acceptance is stored before it leaves */
	assert_noted(s, "FETCHING", "fetching");
}

/* An Ack that has its signature with others is stored with what proves it. */
static void an_ack_of_a_batch_is_kept(void **state)
{
	struct stage *s = *state;
	struct creator_offer row;
	struct acked a = {0};
	struct err e;

	to_posted(s);
	acknowledge_in_batch(s, SOLVER, 7);
	assert_noted(s, "ACKED", "filed as number 8");
	send_timer(s->b, (struct tag){.what = TAG_KEEP});
	row = (struct creator_offer){.id = s->offer.id};
	assert_true(kept_get(s->b, creator_offer_record(), &row, &e));
	a.ack = row.ack;
	a.batch = row.ack_batch;
	a.sig = row.ack_sig;
	memcpy(&a.path, &row.ack_path, sizeof a.path);
	assert_true(acked_check(&a, &s->b->domain, &s->b->addr[SOLVER], &e));
	assert_int_equal(a.batch.count, 7);
	assert_true(hash_eq(&a.ack.offer, &s->offer.id));
}

/* One that the solver has not signed is none. */
static void a_false_batch_is_no_ack(void **state)
{
	struct stage *s = *state;
	struct creator_offer row;
	struct err e;

	to_posted(s);
	acknowledge_in_batch(s, RP, 7);
	send_timer(s->b, (struct tag){.what = TAG_KEEP});
	row = (struct creator_offer){.id = s->offer.id};
	assert_true(kept_get(s->b, creator_offer_record(), &row, &e));
	assert_int_equal(row.ack_batch.count, 0);
	assert_int_equal(row.ack.sequence, 1); /* the first, which was good */
}

static void all_is_written_at_a_stop(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	assert_int_equal(written_state(s), JOB_MATCHED);
	send_event(s->b, &(struct event){.kind = EV_STOP});
	assert_int_equal(written_state(s), JOB_AGREED);
}

static void a_long_timeline_is_whole(void **state)
{
	struct stage *s = *state;
	struct creator_event row;
	struct err e;

	to_agreed(s);
	for (unsigned i = 0; i < 3 * CREATOR_LATER_MAX; i++) {
		make_result(s, RP);
		s->result.stored.output = hash_no(5);
		send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	}
	creator_keep_all(s->c);
	for (uint64_t n = 1; n <= 5 + 3 * CREATOR_LATER_MAX; n++) {
		row = (struct creator_event){.job = s->job, .n = n};
		assert_true(kept_get(s->b, creator_event_record(), &row, &e));
	}
}

/* Events of several jobs share a stream: none has a cursor, each says its place in its own timeline. */
static void steps_are_told_without_a_cursor(void **state)
{
	struct stage *s = *state;
	struct fx *f;
	json_t *j;

	to_matched(s);
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	f = need(s->b, FX_EMIT, 0);
	assert_int_equal(f->id, 0);
	j = body_of(f);
	assert_int_equal(json_integer_value(json_object_get(j, "n")), 5);
	assert_string_equal(json_string_value(json_object_get(j, "event")), "AGREED");
	json_decref(j);
}

/* A signed document needs no signed Request around it; a refusal is no document. */
static void documents_go_without_a_request(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	make_deal(s, RP);
	s->deal.deal.hot.nonce++;
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_true(addr_eq(&need(s->b, FX_CALL, TAG_SIGNATURE)->audience, &s->b->addr[SOLVER]));
	make_deal(s, RP);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_true(addr_is_zero(&need(s->b, FX_CALL, TAG_SIGNATURE)->audience));
	send_message(s->b, "dissolved", json_pack("{s:o}", "id", json_of_hash(&s->deal.id)));
	assert_true(addr_is_zero(&need(s->b, FX_CALL, TAG_OFFER)->audience));
	creator_cancel(s->c);
	send_timer(s->b, (struct tag){.what = TAG_CANCEL});
	assert_true(addr_is_zero(&need(s->b, FX_CALL, TAG_WITHDRAW)->audience));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(what_is_told_again_waits),
	        T(an_ack_of_a_batch_is_kept),
	        T(a_false_batch_is_no_ack),
	        T(all_is_written_at_a_stop),
	        T(a_long_timeline_is_whole),
	        T(steps_are_told_without_a_cursor),
	        T(documents_go_without_a_request),
	};

	return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
