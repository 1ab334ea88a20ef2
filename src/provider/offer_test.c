/* offer_test.c - the standing offer: posted, renewed, refused, posted again after a gap. */
#include "provider/provider_suite.h"

static void follows_and_posts(void **state)
{
	struct stage *s = *state;
	struct fx *f;

	stage_open(s);
	f = need(s->b, FX_FOLLOW, TAG_SOLVER);
	assert_string_equal(f->url, "http://solver");
	assert_true(addr_eq(&f->audience, &s->b->addr[SOLVER]));
	assert_int_equal(fx_count(s->b, FX_CALL), 0); /* not before its answers can be heard */
	send_connected(s->b, false);
	read_posted(s);
	assert_int_equal(s->offer.nonce, 1);
	assert_int_equal(s->offer.created_at.s, NOW_S);
	assert_int_equal(s->offer.expiry.s, NOW_S + 600);
	assert_int_equal(need(s->b, FX_TIMER, TAG_RENEW)->delay.ms, 300000);
	acknowledge(s, SOLVER);
	json_t *j = status_of(s);
	assert_string_equal(json_string_value(json_object_get(j, "state")), "IDLE");
	json_decref(j);
}

static void renewed_at_half_life(void **state)
{
	struct stage *s = *state;

	pass(s->b, 299);
	send_timer(s->b, (struct tag){.what = TAG_RENEW});
	read_posted(s);
	assert_int_equal(s->offer.nonce, 1);
	/* When the timer that was set with the offer fires. */
	pass(s->b, 1);
	send_timer(s->b, (struct tag){.what = TAG_RENEW});
	read_posted(s);
	assert_int_equal(s->offer.nonce, 2);
	assert_int_equal(s->offer.expiry.s, NOW_S + 300 + 600);
}

static void same_offer_after_a_gap_and_a_restart(void **state)
{
	struct stage *s = *state;
	struct resource_offer before = s->offer;

	send_connected(s->b, true);
	read_posted(s);
	assert_memory_equal(&before, &s->offer, sizeof before);
	restart(s);
	send_connected(s->b, true);
	read_posted(s);
	assert_memory_equal(&before, &s->offer, sizeof before);
}

/* What was offered before is not what this provider would sign now. */
static void other_terms_after_a_restart(void **state)
{
	struct stage *s = *state;
	struct amount before = s->config.offer.prices.base;

	s->config.offer.free.disk -= 1;
	restart(s);
	send_connected(s->b, true);
	read_posted(s);
	assert_int_equal(s->offer.nonce, 1);
	assert_true(amount_add(before, amount_of(1), &s->config.offer.prices.base));
	restart(s);
	send_connected(s->b, true);
	read_posted(s);
	assert_int_equal(s->offer.nonce, 2);
	assert_true(amount_eq(s->offer.prices.base, s->config.offer.prices.base));
}

/* 9.5: a store that is older than what the solver has seen. */
static void above_what_the_solver_has_seen(void **state)
{
	struct stage *s = *state;

	s->config.offer.instruction_limit--;
	restart(s);
	send_connected(s->b, true);
	assert_null(fx_of(s->b, FX_CALL, TAG_POST_OFFER, 0));
	send_silence(s->b, need(s->b, FX_CALL, TAG_NONCES)->tag);
	assert_null(fx_of(s->b, FX_CALL, TAG_POST_OFFER, 0));
	assert_int_equal(need(s->b, FX_TIMER, TAG_RENEW)->delay.ms, 1000);
	send_timer(s->b, (struct tag){.what = TAG_RENEW});
	answer_nonces(s, "18446744073709551615");
	assert_null(fx_of(s->b, FX_CALL, TAG_POST_OFFER, 0));
	send_timer(s->b, (struct tag){.what = TAG_RENEW});
	answer_nonces(s, "40");
	read_posted(s);
	assert_int_equal(s->offer.nonce, 41);
	/* Further away than a store can lag: nothing is signed. */
	s->config.offer.instruction_limit--;
	restart(s);
	send_connected(s->b, true);
	answer_nonces(s, "10000000");
	assert_null(fx_of(s->b, FX_CALL, TAG_POST_OFFER, 0));
	assert_non_null(strstr(s->b->said, "seen up to 10000000"));
}

static void refused_offer_is_signed_anew(void **state)
{
	struct stage *s = *state;

	send_refusal(s->b, s->post, E_STALE);
	assert_int_equal(need(s->b, FX_TIMER, TAG_RENEW)->delay.ms, 1000);
	send_timer(s->b, (struct tag){.what = TAG_RENEW});
	read_posted(s);
	assert_int_equal(s->offer.nonce, 2);
	/* The answer to the one before means nothing any more. */
	send_refusal(s->b, (struct tag){.what = TAG_POST_OFFER}, E_STALE);
	assert_int_equal(fx_count(s->b, FX_TIMER), 0);
}

/* By the solver's clock it had expired: acknowledged again, it is in the book no more. */
static void offer_that_left_the_book_is_signed_anew(void **state)
{
	struct stage *s = *state;
	struct ack ack = {.sequence = 1, .time = {wall_seconds(s->b->wall)}};
	struct sig sig;

	eip712_hash(resource_offer_record(), &s->offer, &ack.offer);
	sig = sign_as(s->b, SOLVER, ack_record(), &ack);
	send_reply(s->b, s->post, 200,
	        json_pack("{s:o, s:o, s:s}", "ack", record_to_json(ack_record(), &ack), "signature",
	                json_of_sig(&sig), "state", "expired"));
	assert_int_equal(need(s->b, FX_TIMER, TAG_RENEW)->delay.ms, 1000);
	send_timer(s->b, (struct tag){.what = TAG_RENEW});
	read_posted(s);
	assert_int_equal(s->offer.nonce, 2);
}

static void unreachable_solver_gets_the_same_offer(void **state)
{
	struct stage *s = *state;
	json_t *j;

	send_silence(s->b, s->post);
	need(s->b, FX_TIMER, TAG_RENEW);
	j = status_of(s);
	assert_string_equal(json_string_value(json_object_get(j, "state")), "OFFLINE");
	assert_string_equal(json_string_value(json_object_get(j, "why")), "nobody answers");
	json_decref(j);
	send_timer(s->b, (struct tag){.what = TAG_RENEW});
	read_posted(s);
	assert_int_equal(s->offer.nonce, 1);
}

static void forged_acknowledgement(void **state)
{
	struct stage *s = *state;

	send_connected(s->b, false);
	read_posted(s);
	acknowledge(s, STRANGER);
	need(s->b, FX_TIMER, TAG_RENEW);
	json_t *j = status_of(s);
	assert_string_equal(json_string_value(json_object_get(j, "state")), "OFFLINE");
	json_decref(j);
}

static void send_stop(struct stage *s)
{
	send_event(s->b, &(struct event){.kind = EV_STOP});
}

static void cancelled_at_the_end(void **state)
{
	struct stage *s = *state;
	struct offer_cancel doc;
	struct hash id;
	struct sig sig;
	struct err e;
	struct fx *f;
	json_t *j;

	eip712_hash(resource_offer_record(), &s->offer, &id);
	send_stop(s);
	f = need(s->b, FX_CALL, TAG_CANCEL);
	assert_string_equal(f->method, "POST");
	assert_string_equal(f->url, "http://solver");
	assert_true(asks(f, "/cancel"));
	assert_true(addr_is_zero(&f->audience));
	j = body_of(f);
	assert_true(json_get_record(j, "cancel", offer_cancel_record(), &doc, &e));
	assert_true(json_get_sig(j, "signature", &sig, &e));
	assert_true(hash_eq(&doc.offer, &id));
	assert_int_equal(doc.time.s, NOW_S);
	assert_true(signed_check(
	        &s->b->domain, offer_cancel_record(), &doc, &sig, &s->b->addr[RP], &e));
	json_decref(j);
	/* The solver would not open that one again. */
	restart(s);
	send_connected(s->b, true);
	read_posted(s);
	assert_int_equal(s->offer.nonce, 2);
}

static void nothing_to_cancel(void **state)
{
	struct stage *s = *state;

	pass(s->b, 600); /* it has expired */
	send_stop(s);
	assert_int_equal(s->b->fx.n, 0);
	pass(s->b, 1);
	send_timer(s->b, (struct tag){.what = TAG_RENEW});
	read_posted(s);
	send_refusal(s->b, s->post, E_STALE);
	send_stop(s);
	assert_int_equal(s->b->fx.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(follows_and_posts, stage_bare, stage_teardown),
	        T(renewed_at_half_life),
	        T(same_offer_after_a_gap_and_a_restart),
	        T(other_terms_after_a_restart),
	        T(above_what_the_solver_has_seen),
	        T(refused_offer_is_signed_anew),
	        T(offer_that_left_the_book_is_signed_anew),
	        T(unreachable_solver_gets_the_same_offer),
	        T(forged_acknowledgement),
	        T(cancelled_at_the_end),
	        T(nothing_to_cancel),
	};

	return cmocka_run_group_tests_name("offer", tests, NULL, NULL);
}
