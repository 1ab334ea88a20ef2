/* channel_test.c - deals that draw on a channel: which job offers are filed for one, what a deal of one says, and
 * that it goes from both signatures to the acceptance without the ledger. */
#include "model/channel_rules.h"
#include "model/deal_rules.h"
#include "solver/solver_suite.h"

struct chan {
	struct channel_id id;
	struct hash hash;
};

static struct chan channel_of(struct bench *b, enum channel_kind kind)
{
	struct chan c = {.id = {b->addr[JC], b->addr[RP], 1, (uint8_t)kind}};

	eip712_hash(channel_id_record(), &c.id, &c.hash);
	return c;
}

/* What the ledger tells of it. */
static void ledger_channel(struct bench *b, const struct hash *id, uint64_t job, uint64_t provider,
        uint64_t close_at, bool closed)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};

	n.event.seq = ++b->seq;
	n.event.time = b->ledger;
	n.event.channel = (struct channel_change){.id = *id,
	        .job = amount_of(job),
	        .provider = amount_of(provider),
	        .close_at = {close_at},
	        .closed = closed};
	ledger_note_of(b, &n);
}

static struct job_offer channel_job(struct bench *b)
{
	struct job_offer j = job_of(b, JC);

	j.settlement = SETTLEMENT_CHANNEL;
	j.target = b->addr[RP];
	return j;
}

static int post(struct bench *b, const struct job_offer *j, const struct chan *c, uint64_t number)
{
	struct sig sig = sign_as(b, JC, job_offer_record(), j);

	return ask(b, PARTIES, "POST", "/v1/job-offers",
	        text_of(b, json_pack("{s:o, s:o, s:o, s:o}", "offer",
	                           record_to_json(job_offer_record(), j), "signature",
	                           json_of_sig(&sig), "channel",
	                           record_to_json(channel_id_record(), &c->id), "number",
	                           json_of_u64(number))));
}

static void provider_of_channels(struct bench *b)
{
	struct resource_offer r = resource_of(b, RP);

	r.settlements |= 1 << SETTLEMENT_CHANNEL;
	assert_int_equal(post_resource(b, RP, &r), 200);
}

/* Matched, though neither has a free balance: what the deal draws is in the channel. */
static struct hash matched_in(
        struct bench *b, const struct chan *c, uint64_t number, struct deal *d)
{
	struct job_offer j = channel_job(b);

	ledger_channel(b, &c->hash, 100000000, 100000000, 0, false);
	balance(b, JC, 0);
	balance(b, RP, 0);
	provider_of_channels(b);
	assert_int_equal(post(b, &j, c, number), 200);
	return published(b, d);
}

static struct result result_for(const struct hash *deal)
{
	return (struct result){.deal = *deal,
	        .status = STATUS_COMPLETED,
	        .count = 1000,
	        .bytes = 500,
	        .output.tree = hash_no(77)};
}

static void deliver(struct bench *b, const struct hash *deal)
{
	struct result res = result_for(deal);
	struct stored st = {*deal, hash_no(77), 400, {NOW_S + 700000}};
	struct sig a = sign_as(b, RP, result_record(), &res);
	struct sig c = sign_as(b, DIRECTORY, stored_record(), &st);

	assert_int_equal(ask(b, PARTIES, "POST", path_of("/v1/deals/%s/result", deal),
	                         text_of(b, json_pack("{s:o, s:o, s:o, s:o}", "result",
	                                            record_to_json(result_record(), &res),
	                                            "signature", json_of_sig(&a), "stored",
	                                            record_to_json(stored_record(), &st),
	                                            "storedSignature", json_of_sig(&c)))),
	        200);
}

static struct channel_acceptance acceptance_for(const struct hash *deal, const struct deal *d)
{
	struct result res = result_for(deal);
	struct channel_acceptance a;
	struct hash hash;

	eip712_hash(result_record(), &res, &hash);
	channel_acceptance_of(&d->hot, deal, &hash, deal_cost(&d->hot, res.count, res.bytes), &a);
	return a;
}

static int accept_as(struct bench *b, enum party who, const struct hash *deal,
        const struct channel_acceptance *a)
{
	return ask(b, PARTIES, "POST", path_of("/v1/deals/%s/acceptance", deal),
	        signed_text(b, "acceptance", channel_acceptance_record(), a, who));
}

static void test_from_offer_to_acceptance(void **state)
{
	struct bench *b = *state;
	struct chan c = channel_of(b, CHANNEL_ACCEPTANCES);
	struct channel_acceptance a;
	struct deal d;
	struct hash id = matched_in(b, &c, 7, &d), seen;
	struct err e;
	json_t *j;

	assert_true(hash_eq(&d.hot.channel, &c.hash));
	assert_int_equal(d.hot.nonce, 7);
	/* Time for both signatures, and for the work itself. */
	assert_int_equal(d.hot.open_by.s, NOW_S + 80 + 600);
	assert_int_equal(ask(b, PARTIES, "GET", path_of("/v1/channels/%s", &c.hash), ""), 200);
	assert_string_equal(json_string_value(json_object_get(b->reply, "lastNumber")), "7");
	assert_int_equal(post_signature(b, JC, &id, &d), 200);
	assert_int_equal(post_signature(b, RP, &id, &d), 200);
	assert_string_equal(state_of(b), "OPEN");
	assert_true(told(fx_of(b, FX_EMIT, "signed", 0), &b->addr[JC]));
	a = acceptance_for(&id, &d);
	accept_as(b, JC, &id, &a);
	assert_err(b, E_STATE); /* there is no result yet */
	deliver(b, &id);
	assert_int_equal(accept_as(b, JC, &id, &a), 200);
	assert_string_equal(state_of(b), "ENDED");
	j = said(b, "accepted");
	assert_true(told(fx_of(b, FX_EMIT, "accepted", 0), &b->addr[RP]));
	assert_true(json_get_hash(j, "id", &seen, &e) && hash_eq(&seen, &id));
	json_decref(j);
	/* Told again to a provider that asks for what it has missed. */
	assert_int_equal(ask(b, RP, "GET", path_of("/v1/deals/%s", &id), ""), 200);
	assert_non_null(json_object_get(b->reply, "accepted"));
	assert_int_equal(ask(b, STRANGER, "GET", path_of("/v1/deals/%s", &id), ""), 200);
	assert_null(json_object_get(b->reply, "accepted"));
}

static void test_what_is_no_acceptance(void **state)
{
	struct bench *b = *state;
	struct chan c = channel_of(b, CHANNEL_ACCEPTANCES);
	struct channel_acceptance a, less;
	struct deal d;
	struct hash id = matched_in(b, &c, 1, &d);

	sign_both(b, &id, &d);
	deliver(b, &id);
	less = a = acceptance_for(&id, &d);
	less.cost = amount_of(1);
	accept_as(b, JC, &id, &less);
	assert_err(b, E_RESULT);
	accept_as(b, RP, &id, &a);
	assert_err(b, E_SIGNATURE);
	assert_string_equal(deal_state(b, &id), "OPEN");
}

static void test_offers_that_do_not_fit_a_channel(void **state)
{
	struct bench *b = *state;
	struct chan c = channel_of(b, CHANNEL_ACCEPTANCES), v = channel_of(b, CHANNEL_VOUCHERS);
	struct job_offer j = channel_job(b);

	post(b, &j, &c, 1);
	assert_err(b, E_NOT_FOUND); /* the ledger has not told of it */
	ledger_channel(b, &c.hash, 3000000, 2000000, 0, false);
	ledger_channel(b, &v.hash, 3000000, 2000000, 0, false);
	post(b, &j, &c, 0);
	assert_err(b, E_NONCE);
	post(b, &j, &v, 1);
	assert_err(b, E_SHARES);
	j.target = b->addr[RP2];
	post(b, &j, &c, 1);
	assert_err(b, E_PARTY);
	j = channel_job(b);
	ledger_channel(b, &c.hash, 2999999, 2000000, 0, false);
	post(b, &j, &c, 1);
	assert_err(b, E_FUNDS);
	ledger_channel(b, &c.hash, 3000000, 1999999, 0, false);
	post(b, &j, &c, 1);
	assert_err(b, E_FUNDS);
	ledger_channel(b, &c.hash, 3000000, 2000000, NOW_S + 100, false);
	post(b, &j, &c, 1);
	assert_err(b, E_STATE);
	ledger_channel(b, &c.hash, 3000000, 2000000, 0, true);
	post(b, &j, &c, 1);
	assert_err(b, E_STATE);
	ledger_channel(b, &c.hash, 3000000, 2000000, 0, false);
	assert_int_equal(post(b, &j, &c, 1), 200);
}

static void test_a_refused_number_is_not_matched_again(void **state)
{
	struct bench *b = *state;
	struct chan c = channel_of(b, CHANNEL_ACCEPTANCES);
	struct deal d;
	struct hash id = matched_in(b, &c, 1, &d);

	assert_int_equal(post_signature(b, JC, &id, &d), 200);
	assert_int_equal(ask(b, RP, "POST", path_of("/v1/deals/%s/refuse", &id),
	                         "{\"reason\":{\"code\":\"TERMS\",\"message\":\"not today\"}}"),
	        200);
	assert_non_null(fx_of(b, FX_EMIT, "dissolved", 0));
	assert_null(fx_of(b, FX_EMIT, "deal", 0));
	assert_int_equal(
	        ask(b, JC, "GET", path_of("/v1/job-offers/%s", &d.cold.job_offer), ""), 200);
	assert_string_equal(state_of(b), "refused");
}

static void test_nothing_in_time(void **state)
{
	struct bench *b = *state;
	struct chan c = channel_of(b, CHANNEL_ACCEPTANCES);
	struct deal d;
	struct hash id = matched_in(b, &c, 1, &d);

	sign_both(b, &id, &d);
	pass(b, (int64_t)(channel_claim_until(&d.hot).s - NOW_S) - 1);
	clock_note(b);
	timer(b, TAG_UNSIGNED, &id);
	assert_non_null(fx_of(b, FX_TIMER, NULL, 0)); /* it looks again */
	assert_string_equal(deal_state(b, &id), "OPEN");
	pass(b, 1);
	clock_note(b);
	timer(b, TAG_UNSIGNED, &id);
	assert_string_equal(deal_state(b, &id), "ENDED");
}

static void test_paid_on_the_ledger_without_us(void **state)
{
	struct bench *b = *state;
	struct chan c = channel_of(b, CHANNEL_ACCEPTANCES);
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};
	struct deal d;
	struct hash id = matched_in(b, &c, 1, &d);

	sign_both(b, &id, &d);
	n.event.seq = ++b->seq;
	n.event.time = b->ledger;
	n.event.action = ACTION_SETTLE;
	n.event.deal = id;
	n.event.amount = amount_of(500);
	ledger_note_of(b, &n);
	assert_string_equal(deal_state(b, &id), "ENDED");
	assert_string_equal(json_string_value(json_object_get(b->reply, "cost")), "500");
}

static void test_a_restart_forgets_nothing(void **state)
{
	struct bench *b = *state;
	struct chan c = channel_of(b, CHANNEL_ACCEPTANCES);
	struct job_offer j = channel_job(b);
	struct channel_acceptance a;
	struct deal d;
	struct hash id;

	ledger_channel(b, &c.hash, 100000000, 100000000, 0, false);
	assert_int_equal(post(b, &j, &c, 3), 200);
	restart(b);
	provider_of_channels(b);
	id = published(b, &d);
	assert_int_equal(d.hot.nonce, 3);
	sign_both(b, &id, &d);
	deliver(b, &id);
	restart(b);
	timer(b, TAG_AGAIN, NULL);
	assert_true(told(fx_of(b, FX_EMIT, "result", 0), &b->addr[JC]));
	a = acceptance_for(&id, &d);
	assert_int_equal(accept_as(b, JC, &id, &a), 200);
	assert_string_equal(state_of(b), "ENDED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_from_offer_to_acceptance),
	        T(test_what_is_no_acceptance),
	        T(test_offers_that_do_not_fit_a_channel),
	        T(test_a_refused_number_is_not_matched_again),
	        T(test_nothing_in_time),
	        T(test_paid_on_the_ledger_without_us),
	        T(test_a_restart_forgets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
