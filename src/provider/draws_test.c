/* draws_test.c - deals that draw on a channel: what a provider signs, and how it comes to its money. */
#include "model/channel_rules.h"
#include "model/deal_rules.h"
#include "provider/provider_suite.h"

enum { R_LEAVE = 3, SEND_NONCE = 5 };

static struct channel_id channel_id_of(struct stage *s)
{
	return (struct channel_id){s->b->addr[JC], s->b->addr[RP], 1, CHANNEL_ACCEPTANCES};
}

static struct hash channel_of(struct stage *s)
{
	struct channel_id id = channel_id_of(s);
	struct hash h;

	eip712_hash(channel_id_record(), &id, &h);
	return h;
}

/* The ledger tells of a channel: as it is, or with a deal of it. */
static void tell(struct stage *s, uint64_t job, uint64_t provider, uint64_t close_at)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};

	n.event.seq = ++s->b->seq;
	n.event.time = s->b->ledger;
	n.event.channel = (struct channel_change){.id = channel_of(s),
	        .job = amount_of(job),
	        .provider = amount_of(provider),
	        .close_at = {close_at}};
	send_note(s->b, &n);
}

/* A provider with a channel on the ledger, that holds so many deals of the sample. */
static void with_channel(struct stage *s, uint64_t deals, uint32_t count)
{
	struct provider_channel row = {.channel.id = channel_id_of(s)};
	struct store *st = &s->b->world.store;
	struct err e;

	s->config.channel_sum = amount_of(1);
	s->config.offer.settlements |= 1 << SETTLEMENT_CHANNEL;
	s->config.settle_count = count;
	s->config.settle_after = span_s(100);
	s->config.offer_life = span_s(3600);
	s->config.send_nonce = SEND_NONCE;
	row.id = channel_of(s);
	assert_true(st->put(st->self, provider_channel_record(), &row, &e));
	s->config.offer.nonce = 0;
	pass(s->b, 700); /* the offer of before has expired */
	restart(s);
	send_connected(s->b, false);
	read_posted(s);
	acknowledge(s, SOLVER);
	send_clock(s->b);
	tell(s, deals * 3000000, deals * 2000000, 0);
}

static void make_draw(struct stage *s, uint64_t number)
{
	make_deal(s);
	s->deal.hot.channel = channel_of(s);
	s->deal.hot.nonce = number;
	s->deal.hot.open_by.s = s->b->ledger.s + 800;
	/* Of its offer: openBy is at most its expiry. */
	s->deal.hot.open_by.s = MIN2(s->deal.hot.open_by.s, s->offer.expiry.s);
	eip712_hash(deal_record(), &s->deal, &s->id);
}

static void told(struct stage *s, unsigned tag, int status)
{
	send_reply(s->b, (struct tag){.what = tag, .key = s->id}, status,
	        json_pack("{s:s}", "state", "OPEN"));
}

static void draw_to_running(struct stage *s, uint64_t number)
{
	make_draw(s, number);
	send_signed_by(s, JC);
	serve_all(s);
	assert_int_equal(work_row(s).state, WORK_SIGNED);
	need(s->b, FX_CALL, TAG_SIGNATURE);
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0)); /* the ledger is not told */
	told(s, TAG_SIGNATURE, 200);
	assert_int_equal(work_row(s).state, WORK_RUNNING);
	need(s->b, FX_RUN, TAG_RUN);
}

static void draw_to_stored(struct stage *s, uint64_t number)
{
	struct stored st;

	draw_to_running(s, number);
	send_run(s, true);
	st = stored_of(s);
	send_stored(s, &st, DIRECTORY);
	assert_int_equal(work_row(s).state, WORK_STORED);
	need(s->b, FX_CALL, TAG_RESULT);
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0));
	told(s, TAG_RESULT, 200);
}

static struct channel_acceptance acceptance_of(struct stage *s)
{
	struct channel_acceptance a;
	struct work *k = provider_work_get(s->p, &s->id);
	struct result r;
	struct hash h;

	assert_non_null(k);
	work_result(k, &r);
	eip712_hash(result_record(), &r, &h);
	channel_acceptance_of(
	        &s->deal.hot, &s->id, &h, deal_cost(&s->deal.hot, r.count, r.bytes), &a);
	return a;
}

static void send_accepted(struct stage *s, const struct channel_acceptance *a, enum party by)
{
	struct sig sig = sign_as(s->b, by, channel_acceptance_record(), a);

	send_message(s->b, "accepted",
	        json_pack("{s:o, s:o, s:o}", "id", json_of_hash(&s->id), "acceptance",
	                record_to_json(channel_acceptance_record(), a), "signature",
	                json_of_sig(&sig)));
}

static void draw_to_accepted(struct stage *s, uint64_t number)
{
	struct channel_acceptance a;

	draw_to_stored(s, number);
	a = acceptance_of(s);
	send_accepted(s, &a, JC);
	assert_int_equal(work_row(s).state, WORK_ACCEPTED);
}

/* One event of an action of ours; deal NULL: the own one of a list. */
static void send_settled(struct stage *s, const struct hash *action, const struct hash *deal)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};

	n.event.seq = ++s->b->seq;
	n.event.time = s->b->ledger;
	n.event.action = ACTION_SETTLE;
	n.event.action_id = *action;
	if (deal) {
		n.event.deal = *deal;
		n.event.amount = amount_of(1000);
	}
	send_note(s->b, &n);
}

static struct hash id_of_submit(struct stage *s)
{
	return need(s->b, FX_SUBMIT, 0)->action_id;
}

/* ---- what it signs ------------------------------------------------------------------------------------- */

static void a_number_is_signed_once(void **state)
{
	struct stage *s = *state;

	with_channel(s, 10, 100);
	draw_to_running(s, 1);
	make_draw(s, 1);
	send_signed_by(s, JC);
	serve_all(s);
	assert_refused(s, "number 1 of the channel was signed for another deal");
	restart(s); /* nor after a restart */
	send_clock(s->b);
	make_draw(s, 1);
	s->deal.hot.pay = amount_of(999999);
	send_signed_by(s, JC);
	serve_all(s);
	assert_int_equal(work_row(s).rp_sig.n, 0);
}

static void what_the_sums_do_not_cover_waits(void **state)
{
	struct stage *s = *state;

	with_channel(s, 1, 100);
	draw_to_running(s, 1);
	make_draw(s, 2);
	send_signed_by(s, JC);
	serve_all(s);
	assert_int_equal(work_row(s).state, WORK_FETCHING);
	need(s->b, FX_TIMER, TAG_RETRY);
	assert_null(fx_of(s->b, FX_CALL, TAG_REFUSE, 0));
	tell(s, 6000000, 4000000, 0); /* topped up */
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->id});
	assert_int_equal(work_row(s).state, WORK_SIGNED);
}

static void not_for_ever(void **state)
{
	struct stage *s = *state;

	with_channel(s, 1, 100);
	draw_to_running(s, 1);
	make_draw(s, 2);
	s->deal.hot.open_by.s = s->b->ledger.s + 60;
	send_signed_by(s, JC);
	serve_all(s);
	assert_refused(s, "sum of the channel");
}

static void nothing_in_a_channel_that_is_left(void **state)
{
	struct stage *s = *state;

	with_channel(s, 5, 100);
	tell(s, 15000000, 10000000, s->b->ledger.s + 604800);
	make_draw(s, 1);
	send_signed_by(s, JC);
	serve_all(s);
	assert_refused(s, "being left");
}

static void a_signature_that_nobody_takes_runs_nothing(void **state)
{
	struct stage *s = *state;

	with_channel(s, 5, 100);
	make_draw(s, 1);
	send_signed_by(s, JC);
	serve_all(s);
	send_refusal(s->b, (struct tag){.what = TAG_SIGNATURE, .key = s->id}, E_STATE);
	assert_int_equal(work_row(s).state, WORK_SIGNED);
	assert_null(fx_of(s->b, FX_RUN, TAG_RUN, 0));
	/* But its job creator has it, and opens the deal. */
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	assert_int_equal(work_row(s).state, WORK_RUNNING);
}

/* ---- acceptances --------------------------------------------------------------------------------------- */

static void one_is_settled_alone(void **state)
{
	struct stage *s = *state;
	const struct action *a;
	struct hash action;

	with_channel(s, 5, 1);
	draw_to_accepted(s, 1);
	a = submitted(s->b, ACTION_SETTLE);
	assert_non_null(a);
	assert_int_equal(a->items_n, 1);
	assert_int_equal(a->items[0].serial, 1);
	assert_true(hash_eq(&a->items[0].doc.deal, &s->id));
	assert_int_equal(a->send.nonce, SEND_NONCE);
	action = id_of_submit(s);
	send_settled(s, &action, &s->id);
	assert_int_equal(work_row(s).state, WORK_DONE);
	assert_true(amount_eq(work_row(s).earned, left_of_1000(s)));
	assert_int_equal(status_number(s, "paid"), 1);
}

static void many_are_settled_at_once(void **state)
{
	struct stage *s = *state;
	struct hash first, action;
	const struct action *a;

	with_channel(s, 5, 2);
	draw_to_accepted(s, 1);
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0));
	first = s->id;
	draw_to_accepted(s, 2);
	a = submitted(s->b, ACTION_SETTLE);
	assert_non_null(a);
	assert_int_equal(a->items_n, 2);
	assert_int_equal(a->items[0].sig.n, 64);
	action = id_of_submit(s);
	send_settled(s, &action, NULL);
	send_settled(s, &action, &first);
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0)); /* the other's event is on its way */
	send_settled(s, &action, &s->id);
	assert_int_equal(work_row(s).state, WORK_DONE);
	assert_int_equal(status_number(s, "unfinished"), 0);
}

static void the_oldest_waits_so_long(void **state)
{
	struct stage *s = *state;

	with_channel(s, 5, 100);
	draw_to_accepted(s, 1);
	pass(s->b, 99);
	send_clock(s->b);
	assert_null(submitted(s->b, ACTION_SETTLE));
	restart(s); /* what waits is not forgotten */
	pass(s->b, 1);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_SETTLE));
}

static void room_for_the_next_is_made(void **state)
{
	struct stage *s = *state;

	with_channel(s, 1, 100);
	draw_to_accepted(s, 1);
	assert_non_null(submitted(s->b, ACTION_SETTLE));
}

static void a_channel_that_is_left_is_settled(void **state)
{
	struct stage *s = *state;

	with_channel(s, 5, 100);
	draw_to_accepted(s, 1);
	tell(s, 15000000, 10000000, s->b->ledger.s + 604800);
	assert_non_null(submitted(s->b, ACTION_SETTLE));
}

static void what_is_no_acceptance_settles_nothing(void **state)
{
	struct stage *s = *state;
	struct channel_acceptance a, less;

	with_channel(s, 5, 1);
	draw_to_stored(s, 1);
	less = a = acceptance_of(s);
	less.cost = amount_of(1);
	send_accepted(s, &less, JC);
	assert_int_equal(work_row(s).state, WORK_STORED);
	send_accepted(s, &a, STRANGER);
	assert_int_equal(work_row(s).state, WORK_STORED);
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0));
}

static void a_nonce_that_is_used_is_corrected(void **state)
{
	struct stage *s = *state;
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};
	struct hash action;

	with_channel(s, 5, 1);
	draw_to_accepted(s, 1);
	action = id_of_submit(s);
	send_dropped(s->b, &action, E_NONCE);
	n.event.seq = ++s->b->seq;
	n.event.time = s->b->ledger;
	n.event.changes_n = 1;
	n.event.changes[0] = (struct balance_change){.account = s->b->addr[RP], .send_nonce = 9};
	send_note(s->b, &n);
	pass(s->b, 2);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_SETTLE));
	assert_int_equal(submitted(s->b, ACTION_SETTLE)->send.nonce, 9);
}

/* ---- silence ------------------------------------------------------------------------------------------- */

static void silence_is_claimed(void **state)
{
	struct stage *s = *state;
	const struct action *a;

	with_channel(s, 5, 1);
	draw_to_stored(s, 1);
	pass(s->b, 599);
	send_clock(s->b);
	assert_null(submitted(s->b, ACTION_CLAIM));
	need(s->b, FX_CALL, TAG_LOOK); /* has the solver something for us? */
	pass(s->b, 1);
	send_clock(s->b);
	a = submitted(s->b, ACTION_CLAIM);
	assert_non_null(a);
	assert_true(a->jc_sig.n && a->result_sig.n && a->send_sig.n);
	/* On the ledger it runs as any deal. */
	send_deal_event(s->b, &s->id, DEAL_RESULTS_SUBMITTED, 0, s->b->ledger.s + 600);
	pass(s->b, 600);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_TIMEOUT));
	send_deal_event(s->b, &s->id, DEAL_TIMEOUT_JUDGE, 1000, 0);
	assert_int_equal(work_row(s).state, WORK_DONE);
}

static void before_the_last_claim_instant(void **state)
{
	struct stage *s = *state;
	uint64_t until;

	with_channel(s, 5, 1);
	make_draw(s, 1);
	until = channel_claim_until(&s->deal.hot).s;
	draw_to_stored(s, 1);
	pass(s->b, (int64_t)(until - s->b->ledger.s) - 62); /* 60 s, and what confirming takes */
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_CLAIM));
}

static void what_a_list_skipped_is_claimed(void **state)
{
	struct stage *s = *state;
	struct hash action, first;

	with_channel(s, 5, 2);
	draw_to_accepted(s, 1);
	first = s->id;
	draw_to_accepted(s, 2);
	action = id_of_submit(s);
	send_settled(s, &action, NULL);
	send_settled(s, &action, &first);
	pass(s->b, 100); /* the other one is old enough now */
	send_clock(s->b);
	assert_int_equal(submitted(s->b, ACTION_SETTLE)->items_n, 1);
	action = id_of_submit(s);
	send_dropped(s->b, &action, E_SIGNATURE);
	pass(s->b, 2);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_CLAIM));
}

static void past_its_last_claim_instant_it_is_lost(void **state)
{
	struct stage *s = *state;

	with_channel(s, 5, 1);
	draw_to_running(s, 1);
	pass(s->b, (int64_t)(channel_claim_until(&s->deal.hot).s - s->b->ledger.s) + 7);
	send_clock(s->b);
	assert_int_equal(work_row(s).state, WORK_LOST);
	need(s->b, FX_KILL_RUN, TAG_RUN);
}

static void opened_by_its_job_creator(void **state)
{
	struct stage *s = *state;
	struct stored st;

	with_channel(s, 5, 1);
	draw_to_running(s, 1);
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	send_run(s, true);
	st = stored_of(s);
	send_stored(s, &st, DIRECTORY);
	assert_non_null(submitted(s->b, ACTION_RESULT)); /* the ledger's clock runs */
}

static void what_is_missed_is_asked_for(void **state)
{
	struct stage *s = *state;
	struct channel_acceptance a;
	struct sig sig;

	with_channel(s, 5, 1);
	draw_to_stored(s, 1);
	a = acceptance_of(s);
	sig = sign_as(s->b, JC, channel_acceptance_record(), &a);
	restart(s);
	send_clock(s->b);
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->id});
	send_reply(s->b, need(s->b, FX_CALL, TAG_LOOK)->tag, 200,
	        json_pack("{s:{s:o, s:o, s:o}}", "accepted", "id", json_of_hash(&s->id),
	                "acceptance", record_to_json(channel_acceptance_record(), &a), "signature",
	                json_of_sig(&sig)));
	assert_int_equal(work_row(s).state, WORK_ACCEPTED);
	assert_non_null(submitted(s->b, ACTION_SETTLE));
}

/* ---- the end of a channel ------------------------------------------------------------------------------ */

static json_t *ask_to_leave(struct stage *s, int *status)
{
	struct channel_leave doc = {channel_of(s), {s->b->ledger.s + 600}};
	struct sig sig = sign_as(s->b, JC, channel_leave_record(), &doc);
	json_t *body =
	        json_pack("{s:o, s:o}", "leave", record_to_json(channel_leave_record(), &doc),
	                "jobCreatorSignature", json_of_sig(&sig));
	char text[HASH_TEXT_MAX], *dumped = json_dumps(body, 0);
	struct http_req r = {.route = R_LEAVE, .body = str_bytes(str_of(dumped))};
	struct fx *f;

	hash_format(&doc.channel, text);
	r.params[0] = str_of(text);
	send_event(s->b, &(struct event){.kind = EV_REQUEST, .request = &r});
	f = need(s->b, FX_REPLY, 0);
	*status = f->status;
	json_decref(body);
	free(dumped);
	return body_of(f);
}

static void no_end_while_a_deal_is_open(void **state)
{
	struct stage *s = *state;
	struct hash action;
	json_t *j;
	int status;

	with_channel(s, 5, 1);
	draw_to_accepted(s, 1);
	action = id_of_submit(s);
	j = ask_to_leave(s, &status);
	assert_string_equal(json_text(j, "code"), "STATE");
	json_decref(j);
	send_settled(s, &action, &s->id);
	j = ask_to_leave(s, &status);
	assert_int_equal(status, 200);
	json_decref(j);
	/* And none is opened in it any more. */
	make_draw(s, 2);
	send_signed_by(s, JC);
	serve_all(s);
	assert_refused(s, "agreed to end the channel");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_number_is_signed_once),
	        T(what_the_sums_do_not_cover_waits),
	        T(not_for_ever),
	        T(nothing_in_a_channel_that_is_left),
	        T(a_signature_that_nobody_takes_runs_nothing),
	        T(one_is_settled_alone),
	        T(many_are_settled_at_once),
	        T(the_oldest_waits_so_long),
	        T(room_for_the_next_is_made),
	        T(a_channel_that_is_left_is_settled),
	        T(what_is_no_acceptance_settles_nothing),
	        T(a_nonce_that_is_used_is_corrected),
	        T(silence_is_claimed),
	        T(before_the_last_claim_instant),
	        T(what_a_list_skipped_is_claimed),
	        T(past_its_last_claim_instant_it_is_lost),
	        T(opened_by_its_job_creator),
	        T(what_is_missed_is_asked_for),
	        T(no_end_while_a_deal_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
