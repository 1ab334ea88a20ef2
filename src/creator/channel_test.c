/* channel_test.c - jobs that draw on a channel: their numbers, what is signed while the sums cover it, and what is
 * signed for a result. */
#include "creator/creator_suite.h"
#include "model/channel_rules.h"
#include "model/deal_rules.h"

enum { DRAWS = 3000000, BOND = 2000000 }; /* of the sample: PAY + JB, RB */

/* The request draws on a channel that holds so many of its deals. */
static void in_a_channel(struct stage *s, uint64_t deals)
{
	struct creator_channel *row = &s->req.channel;

	row->channel = (struct channel_id){s->b->addr[JC], s->b->addr[RP], 1, CHANNEL_ACCEPTANCES};
	eip712_hash(channel_id_record(), &row->channel, &row->id);
	row->job = amount_of(deals * DRAWS);
	row->provider = amount_of(deals * BOND);
	s->req.least_number = 1;
	s->req.offer.settlement = SETTLEMENT_CHANNEL;
	s->req.offer.target = s->b->addr[RP];
	s->config.send_nonce = 7;
}

static json_t *posted_body(struct stage *s)
{
	return body_of(need(s->b, FX_CALL, TAG_OFFER));
}

/* The parts are stored, and the ledger's time is known. */
static void to_stored_parts(struct stage *s)
{
	struct tag tag;
	unsigned n;

	to_storing(s);
	tag = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag;
	n = fx_count(s->b, FX_PUSH);
	s->job = tag.key;
	send_clock(s->b);
	for (unsigned i = 0; i < n; i++)
		send_pushed(s->b, tag, NULL);
}

static void channel_posted(struct stage *s)
{
	to_stored_parts(s);
	read_posted(s);
	acknowledge(s, SOLVER, "open");
}

static void make_channel_deal(struct stage *s, uint64_t number)
{
	struct deal_making m = {.open_by.s = s->b->ledger.s + 300, .number = number};
	struct err e;

	s->offer.offer.settlement = SETTLEMENT_ESCROW; /* its own helper knows no other */
	make_deal(s, RP);
	s->offer.offer.settlement = SETTLEMENT_CHANNEL;
	s->resource.settlements |= 1 << SETTLEMENT_CHANNEL;
	m.job_offer = s->offer.id;
	m.channel = s->req.channel.id;
	eip712_hash(resource_offer_record(), &s->resource, &m.resource_offer);
	if (!deal_from_offers(&s->offer.offer, &s->resource, &m, &s->deal.deal, &e))
		fail_msg("%s", e.msg);
	s->deal.match.resource_offer = m.resource_offer;
}

static void channel_matched(struct stage *s)
{
	channel_posted(s);
	make_channel_deal(s, 1);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_state(s, JOB_MATCHED);
}

static void channel_agreed_with(struct stage *s)
{
	channel_matched(s);
	send_rp_signed(s);
	assert_state(s, JOB_AGREED);
	make_result(s, RP);
}

static struct creator_number number_row(struct stage *s, uint64_t number)
{
	struct creator_number row = {.channel = s->req.channel.id, .number = number};
	struct err e;

	if (!kept_get(s->b, creator_number_record(), &row, &e))
		row.state = 0;
	return row;
}

static void tell(struct stage *s, uint64_t job, uint64_t provider, uint64_t number, unsigned action,
        const struct hash *deal, unsigned to)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};

	n.event.seq = ++s->b->seq;
	n.event.action_id = action_no(s->b->seq);
	n.event.time = s->b->ledger;
	n.event.action = (uint8_t)action;
	n.event.to = (uint8_t)to;
	n.event.deadline.s = to ? s->b->ledger.s + 600 : 0;
	if (deal)
		n.event.deal = *deal;
	if (deal && to) {
		eip712_hash(result_record(), &s->result.result, &n.event.result);
		eip712_hash(output_record(), &s->result.result.output, &n.event.output);
		n.event.status = s->result.result.status;
		n.event.count = s->result.result.count;
		n.event.bytes = s->result.result.bytes;
	}
	n.event.channel = (struct channel_change){.id = s->req.channel.id,
	        .number = number,
	        .job = amount_of(job),
	        .provider = amount_of(provider)};
	send_note(s->b, &n);
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

static void a_number_is_drawn_and_kept(void **state)
{
	struct stage *s = *state;
	struct channel_id id;
	struct err e;
	json_t *j;

	in_a_channel(s, 5);
	s->req.least_number = 4; /* the solver knows of three */
	to_stored_parts(s);
	j = posted_body(s);
	assert_string_equal(json_text(j, "number"), "4");
	assert_true(json_get_record(j, "channel", channel_id_record(), &id, &e));
	assert_true(addr_eq(&id.provider, &s->b->addr[RP]));
	assert_int_equal(number_row(s, 4).state, NUMBER_DRAWN);
	assert_true(amount_eq(number_row(s, 4).draws, amount_of(DRAWS)));
	json_decref(j);
}

static void what_the_sums_do_not_cover_waits(void **state)
{
	struct stage *s = *state;
	struct creator_number other = {.channel = {{0}}, .number = 9, .state = NUMBER_GIVEN};
	struct store *st = &s->b->world.store;
	struct err e;

	in_a_channel(s, 1);
	other.channel = s->req.channel.id;
	other.draws = amount_of(1);
	other.until.s = NOW_S + 10000;
	assert_true(st->put(st->self, creator_number_record(), &other, &e));
	to_stored_parts(s);
	assert_null(fx_of(s->b, FX_CALL, TAG_OFFER, 0));
	assert_noted(s, "WAITS", "sum of the channel");
	/* The other one is settled: what it cost is gone, and the rest topped up. */
	tell(s, DRAWS, BOND, 9, ACTION_SETTLE, &(struct hash){{1}}, 0);
	assert_int_equal(number_row(s, 9).state, 0);
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	need(s->b, FX_CALL, TAG_OFFER);
}

static void not_for_ever(void **state)
{
	struct stage *s = *state;

	in_a_channel(s, 1);
	s->req.channel.job = amount_of(DRAWS - 1);
	to_stored_parts(s);
	assert_null(fx_of(s->b, FX_CALL, TAG_OFFER, 0));
	pass(s->b, 31);
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_FUNDS);
}

static void nothing_in_a_channel_that_is_left(void **state)
{
	struct stage *s = *state;

	in_a_channel(s, 5);
	s->req.channel.close_at.s = NOW_S + 604800;
	to_stored_parts(s);
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_STATE);
}

static void a_deal_of_another_number_is_not_signed(void **state)
{
	struct stage *s = *state;

	in_a_channel(s, 5);
	channel_posted(s);
	make_channel_deal(s, 2);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_not_signed(s, "number 2");
	assert_int_equal(number_row(s, 1).state, NUMBER_DRAWN);
}

static void a_number_that_no_deal_bears_is_let_go(void **state)
{
	struct stage *s = *state;

	in_a_channel(s, 5);
	channel_posted(s);
	creator_cancel(s->c);
	send_clock(s->b);
	assert_state(s, JOB_CANCELLED);
	assert_int_equal(number_row(s, 1).state, 0);
}

static void a_dissolved_match_is_offered_again(void **state)
{
	struct stage *s = *state;
	json_t *j;

	in_a_channel(s, 5);
	channel_matched(s);
	send_message(s->b, "dissolved",
	        json_pack("{s:o, s:s}", "id", json_of_hash(&s->deal.id), "reason", "no time"));
	acknowledge(s, SOLVER, "refused");
	assert_state(s, JOB_POSTED);
	j = posted_body(s);
	assert_string_equal(json_text(j, "number"), "2");
	json_decref(j);
	/* We are bound by the first one still. */
	assert_int_equal(number_row(s, 1).state, NUMBER_SIGNED);
	assert_int_equal(job_row(s).attempt, 2);
}

/* ---- results ------------------------------------------------------------------------------------------- */

static void accepted_off_the_ledger(void **state)
{
	struct stage *s = *state;
	struct channel_acceptance a, due;
	struct hash hash;
	struct sig sig;
	struct err e;
	json_t *j;

	in_a_channel(s, 5);
	channel_agreed_with(s);
	assert_int_equal(number_row(s, 1).state, NUMBER_SIGNED);
	assert_int_equal(number_row(s, 1).until.s, channel_claim_until(&s->deal.deal.hot).s);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	assert_int_equal(serve_fetches(s->b), 1);
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0));
	j = body_of(need(s->b, FX_CALL, TAG_ACCEPT));
	assert_true(json_get_record(j, "acceptance", channel_acceptance_record(), &a, &e));
	assert_true(json_get_sig(j, "signature", &sig, &e));
	assert_true(signed_check(
	        &s->b->domain, channel_acceptance_record(), &a, &sig, &s->b->addr[JC], &e));
	eip712_hash(result_record(), &s->result.result, &hash);
	channel_acceptance_of(&s->deal.deal.hot, &s->deal.id, &hash,
	        deal_cost(&s->deal.deal.hot, s->result.result.count, s->result.result.bytes), &due);
	assert_memory_equal(&a, &due, sizeof a);
	json_decref(j);
	assert_int_equal(number_row(s, 1).state, NUMBER_GIVEN);
	assert_state(s, JOB_JUDGED);
	send_reply(s->b, (struct tag){.what = TAG_ACCEPT, .key = s->job}, 200,
	        json_pack("{s:s}", "state", "ENDED"));
	assert_state(s, JOB_DONE);
	assert_true(amount_eq(job_row(s).cost, due.cost));
}

static void said_again_until_it_is_taken(void **state)
{
	struct stage *s = *state;

	in_a_channel(s, 5);
	channel_agreed_with(s);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	serve_fetches(s->b);
	send_silence(s->b, (struct tag){.what = TAG_ACCEPT, .key = s->job});
	need(s->b, FX_TIMER, TAG_RETRY);
	take_over(s); /* another process goes on with it */
	need(s->b, FX_CALL, TAG_ACCEPT);
	/* Or the provider has it, and settles: then nothing more is to be said. */
	tell(s, DRAWS * 4, BOND * 5, 1, ACTION_SETTLE, &s->deal.id, 0);
	assert_state(s, JOB_DONE);
	assert_int_equal(number_row(s, 1).state, 0);
}

static void a_wrong_result_is_claimed_and_checked(void **state)
{
	struct stage *s = *state;
	const struct action *a;

	in_a_channel(s, 5);
	channel_agreed_with(s);
	s->result.result.bytes += 1000; /* charged, and not due */
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	serve_fetches(s->b);
	a = submitted(s->b, ACTION_CLAIM_CHECK);
	assert_non_null(a);
	assert_int_equal(a->check.claim, RULING_TOO_MUCH_CHARGED);
	assert_true(hash_eq(&a->check.deal, &s->deal.id));
	assert_true(a->result_sig.n && a->doc_sig.n);
	assert_state(s, JOB_DISPUTED);
	tell(s, DRAWS * 4, BOND * 4, 1, ACTION_CLAIM_CHECK, &s->deal.id, DEAL_RESULTS_CHECKED);
	assert_int_equal(number_row(s, 1).state, NUMBER_ON_LEDGER);
	/* The ruling ends it; what comes back to the sums is added up. */
	send_deal_event(s->b, &s->deal.id, DEAL_MEDIATION_REJECTED, 0, 0);
	assert_state(s, JOB_DONE);
	assert_int_equal(number_row(s, 1).state, 0);
	struct creator_channel row = {.id = s->req.channel.id};
	struct err e;
	assert_true(kept_get(s->b, creator_channel_record(), &row, &e));
	assert_true(amount_eq(row.job, amount_of(DRAWS * 5)));
	assert_true(amount_eq(row.provider, amount_of(BOND * 4)));
}

static void a_claim_is_accepted_there(void **state)
{
	struct stage *s = *state;
	const struct action *a;

	in_a_channel(s, 5);
	channel_agreed_with(s);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	serve_fetches(s->b);
	tell(s, DRAWS * 4, BOND * 4, 1, ACTION_CLAIM, &s->deal.id, DEAL_RESULTS_SUBMITTED);
	a = submitted(s->b, ACTION_ACCEPT);
	assert_non_null(a);
	assert_false(amount_is_zero(a->cost));
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_ACCEPTED, 1000, 0);
	assert_state(s, JOB_DONE);
}

static void a_claim_of_what_is_over_is_accepted_there(void **state)
{
	struct stage *s = *state;

	in_a_channel(s, 5);
	channel_agreed_with(s);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	serve_fetches(s->b);
	send_reply(s->b, (struct tag){.what = TAG_ACCEPT, .key = s->job}, 200,
	        json_pack("{s:s}", "state", "ENDED"));
	assert_state(s, JOB_DONE);
	take_over(s); /* the daemon, much later */
	tell(s, DRAWS * 4, BOND * 4, 1, ACTION_CLAIM, &s->deal.id, DEAL_RESULTS_SUBMITTED);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
	assert_state(s, JOB_JUDGED);
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_ACCEPTED, 1000, 0);
	assert_state(s, JOB_DONE);
	assert_ended_by(s, s->b->seq - 1);
}

static void a_silent_provider_is_opened(void **state)
{
	struct stage *s = *state;
	const struct action *a;

	in_a_channel(s, 5);
	channel_agreed_with(s);
	pass(s->b, 279);
	send_clock(s->b);
	assert_null(submitted(s->b, ACTION_SEND));
	pass(s->b, 1);
	send_clock(s->b);
	a = submitted(s->b, ACTION_SEND);
	assert_non_null(a);
	assert_int_equal(a->send.kind, SEND_AGREE);
	assert_int_equal(a->send.nonce, 7);
	assert_true(hash_eq(&a->send.body, &s->deal.id) && a->rp_sig.n);
	tell(s, DRAWS * 4, BOND * 4, 1, ACTION_SEND, &s->deal.id, DEAL_AGREED);
	pass(s->b, 600);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_TIMEOUT));
	send_deal_event(s->b, &s->deal.id, DEAL_TIMEOUT_SUBMIT, 0, 0);
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_PROVIDER_LATE);
}

static void past_its_last_claim_instant_nothing_is_owed(void **state)
{
	struct stage *s = *state;

	in_a_channel(s, 5);
	channel_matched(s);
	pass(s->b, 300 + 600 + 5);
	send_clock(s->b);
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_PROVIDER_LATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_number_is_drawn_and_kept),
	        T(what_the_sums_do_not_cover_waits),
	        T(not_for_ever),
	        T(nothing_in_a_channel_that_is_left),
	        T(a_deal_of_another_number_is_not_signed),
	        T(a_number_that_no_deal_bears_is_let_go),
	        T(a_dissolved_match_is_offered_again),
	        T(accepted_off_the_ledger),
	        T(said_again_until_it_is_taken),
	        T(a_wrong_result_is_claimed_and_checked),
	        T(a_claim_is_accepted_there),
	        T(a_claim_of_what_is_over_is_accepted_there),
	        T(a_silent_provider_is_opened),
	        T(past_its_last_claim_instant_nothing_is_owed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
