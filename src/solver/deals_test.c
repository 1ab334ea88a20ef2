/* deals_test.c - a match from its publication to its end, and every way in which it can fail. */
#include "solver/solver_suite.h"

static struct hash signed_by_both(struct bench *b, struct deal *d)
{
	struct hash id = matched(b, d);

	sign_both(b, &id, d);
	return id;
}

static uint32_t resources_open(struct bench *b)
{
	ask(b, PARTIES, "GET", "/v1/offers", "");
	return (uint32_t)json_integer_value(json_object_get(b->reply, "resourceOffers"));
}

static uint32_t waiting(struct bench *b)
{
	ask(b, PARTIES, "GET", "/v1/offers", "");
	return (uint32_t)json_integer_value(json_object_get(b->reply, "waiting"));
}

/* ---- the way it should go ------------------------------------------------------------------------------ */

static void test_match_is_published(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct match m;
	struct sig sig;
	struct err e;
	struct hash id = matched(b, &d);
	json_t *j = said(b, "deal");

	assert_true(json_get_record(j, "match", match_record(), &m, &e));
	assert_true(json_get_sig(j, "matchSignature", &sig, &e));
	assert_true(signed_check(&b->domain, match_record(), &m, &sig, &b->addr[SOLVER], &e));
	assert_true(hash_eq(&m.deal, &id));
	assert_true(hash_eq(&m.job_offer, &d.cold.job_offer));
	assert_true(hash_eq(&m.resource_offer, &d.cold.resource_offer));
	assert_int_equal(m.sequence, 2);
	assert_int_equal(d.hot.open_by.s, NOW_S + 80);
	assert_true(told(fx_of(b, FX_EMIT, "deal", 0), &b->addr[JC]));
	assert_true(told(fx_of(b, FX_EMIT, "deal", 0), &b->addr[RP]));
	assert_false(told(fx_of(b, FX_EMIT, "deal", 0), &b->addr[JC2]));
	/* The signature is waited for. */
	assert_non_null(fx_of(b, FX_TIMER, NULL, 0));
	json_decref(j);
	/* The book of the match is the published one: both offers, in order. */
	struct hash root;
	assert_int_equal(ask(b, PARTIES, "GET", "/v1/book", ""), 200);
	assert_true(json_get_hash(b->reply, "root", &root, &e));
	assert_true(hash_eq(&root, &m.book_root));
	assert_int_equal(json_array_size(json_object_get(b->reply, "offers")), 2);
}

static void test_signatures_are_relayed(void **state)
{
	struct bench *b = *state;
	struct deal d, seen;
	struct sig sig;
	struct err e;
	struct hash id = matched(b, &d);
	json_t *j;

	post_signature(b, RP, &id, &d);
	assert_err(b, E_STATE); /* the JC first */
	assert_int_equal(post_signature(b, JC, &id, &d), 200);
	assert_string_equal(state_of(b), "JC_SIGNED");
	j = said(b, "signed");
	assert_true(told(fx_of(b, FX_EMIT, "signed", 0), &b->addr[RP]));
	assert_false(told(fx_of(b, FX_EMIT, "signed", 0), &b->addr[JC]));
	assert_true(json_get_record(j, "deal", deal_record(), &seen, &e));
	assert_true(json_get_sig(j, "jobCreatorSignature", &sig, &e));
	assert_true(signed_check(&b->domain, deal_record(), &seen, &sig, &b->addr[JC], &e));
	json_decref(j);
	assert_int_equal(post_signature(b, JC, &id, &d), 200); /* again */
	assert_int_equal(private_events(b), 0);
	assert_int_equal(post_signature(b, RP, &id, &d), 200);
	assert_string_equal(state_of(b), "RP_SIGNED");
	j = said(b, "signed");
	assert_true(told(fx_of(b, FX_EMIT, "signed", 0), &b->addr[JC]));
	assert_true(json_get_sig(j, "providerSignature", &sig, &e));
	json_decref(j);
	assert_int_equal(post_signature(b, RP, &id, &d), 200);
	assert_int_equal(private_events(b), 0);
}

static void test_bad_signatures(void **state)
{
	struct bench *b = *state;
	struct deal d, other;
	struct hash id = matched(b, &d), none = hash_no(1);
	static const char *const bodies[] = {
	        "", "{}", "{\"signature\":1}", "{\"signature\":\"0x12\"}"};

	post_signature(b, STRANGER, &id, &d);
	assert_err(b, E_SIGNATURE);
	other = d;
	other.hot.pay = amount_of(1);
	post_signature(b, JC, &id, &other); /* over another deal: somebody else's, as it seems */
	assert_err(b, E_SIGNATURE);
	post_signature(b, JC, &none, &d);
	assert_err(b, E_NOT_FOUND);
	for (size_t i = 0; i < COUNT(bodies); i++) {
		ask(b, PARTIES, "POST", path_of("/v1/deals/%s/signature", &id), bodies[i]);
		assert_true(b->status >= 400);
		ask(b, PARTIES, "POST", path_of("/v1/deals/%s/result", &id), bodies[i]);
		assert_true(b->status >= 400);
		ask(b, PARTIES, "POST", path_of("/v1/deals/%s/decline", &id), bodies[i]);
		assert_true(b->status >= 400);
		ask(b, RP, "POST", path_of("/v1/deals/%s/refuse", &id), bodies[i]);
		assert_true(b->status >= 400);
	}
	assert_string_equal(deal_state(b, &id), "MATCHED");
}

/* ---- results ------------------------------------------------------------------------------------------- */

struct delivery {
	struct result result;
	struct stored stored;
	enum party rp, directory;
};

static struct delivery delivery_of(const struct hash *deal)
{
	return (struct delivery){
	        .result = {.deal = *deal,
	                .status = STATUS_COMPLETED,
	                .count = 5,
	                .bytes = 6,
	                .output = {.tree = hash_no(3)}},
	        .stored = {.deal = *deal,
	                .output = hash_no(3),
	                .bytes = 7,
	                .keep_until = {NOW_S + 700000}},
	        .rp = RP,
	        .directory = DIRECTORY,
	};
}

static int deliver(struct bench *b, const struct hash *id, const struct delivery *d)
{
	struct sig sig = sign_as(b, d->rp, result_record(), &d->result);
	struct sig stored = sign_as(b, d->directory, stored_record(), &d->stored);

	return ask(b, PARTIES, "POST", path_of("/v1/deals/%s/result", id),
	        text_of(b, json_pack("{s:o, s:o, s:o, s:o}", "result",
	                           record_to_json(result_record(), &d->result), "signature",
	                           json_of_sig(&sig), "stored",
	                           record_to_json(stored_record(), &d->stored), "storedSignature",
	                           json_of_sig(&stored))));
}

static void test_result_is_relayed(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = signed_by_both(b, &d);
	struct delivery x = delivery_of(&id);
	struct result seen;
	struct err e;
	json_t *j;

	assert_int_equal(deliver(b, &id, &x), 200);
	j = said(b, "result");
	assert_true(json_get_record(j, "result", result_record(), &seen, &e));
	json_decref(j);
	assert_true(told(fx_of(b, FX_EMIT, "result", 0), &b->addr[JC]));
	assert_false(told(fx_of(b, FX_EMIT, "result", 0), &b->addr[JC2]));
	assert_int_equal(deliver(b, &id, &x), 200); /* again: once is enough */
	assert_int_equal(private_events(b), 0);
	x.result.count = 4;
	deliver(b, &id, &x); /* another one */
	assert_err(b, E_RESULT);
	/* The content id is for members only (2.5). */
	ask(b, JC, "GET", path_of("/v1/deals/%s", &id), "");
	assert_non_null(json_object_get(b->reply, "result"));
	ask(b, RP, "GET", path_of("/v1/deals/%s", &id), "");
	assert_non_null(json_object_get(b->reply, "stored"));
	ask(b, STRANGER, "GET", path_of("/v1/deals/%s", &id), "");
	assert_null(json_object_get(b->reply, "result"));
	assert_null(json_object_get(b->reply, "jobCreatorSignature"));
	ask(b, PARTIES, "GET", path_of("/v1/deals/%s", &id), "");
	assert_null(json_object_get(b->reply, "stored"));
}

/* The mediators of a deal become its members when the ledger shows a dispute (9.2). */
static void test_mediators_of_a_dispute(void **state)
{
	static const enum deal_state disputed[] = {DEAL_RESULTS_CHECKED, DEAL_MEDIATION_REJECTED};
	struct bench *b = *state;
	struct deal d;
	struct hash id = signed_by_both(b, &d);
	struct delivery x = delivery_of(&id);

	assert_true(addr_eq(&d.cold.mediators.v[0], &b->addr[MEDIATOR]) || d.cold.mediators.n > 1);
	deliver(b, &id, &x);
	ledger_deal(b, &id, DEAL_AGREED, 0);
	ledger_deal(b, &id, DEAL_RESULTS_SUBMITTED, 0);
	ask(b, MEDIATOR, "GET", path_of("/v1/deals/%s", &id), "");
	assert_null(json_object_get(b->reply, "result"));
	assert_null(json_object_get(b->reply, "providerSignature"));
	for (size_t i = 0; i < COUNT(disputed); i++) {
		ledger_deal(b, &id, disputed[i], 0);
		ask(b, MEDIATOR, "GET", path_of("/v1/deals/%s", &id), "");
		assert_non_null(json_object_get(b->reply, "result"));
		assert_non_null(json_object_get(b->reply, "storedSignature"));
		assert_non_null(json_object_get(b->reply, "jobCreatorSignature"));
		assert_non_null(json_object_get(b->reply, "providerSignature"));
		ask(b, STRANGER, "GET", path_of("/v1/deals/%s", &id), "");
		assert_null(json_object_get(b->reply, "result"));
	}
}

/* A deal that ends without one stays between its parties. */
static void test_mediators_without_a_dispute(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = signed_by_both(b, &d);
	struct delivery x = delivery_of(&id);

	deliver(b, &id, &x);
	ledger_deal(b, &id, DEAL_AGREED, 0);
	ledger_deal(b, &id, DEAL_RESULTS_ACCEPTED, 5);
	ask(b, MEDIATOR, "GET", path_of("/v1/deals/%s", &id), "");
	assert_null(json_object_get(b->reply, "result"));
}

static void test_bad_results(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = matched(b, &d);
	struct delivery x = delivery_of(&id);

	deliver(b, &id, &x);
	assert_err(b, E_STATE); /* nobody has signed */
	sign_both(b, &id, &d);
#define BAD(code, change)                                                                          \
	do {                                                                                       \
		x = delivery_of(&id);                                                              \
		change;                                                                            \
		deliver(b, &id, &x);                                                               \
		assert_err(b, code);                                                               \
		assert_int_equal(b->fx.n, 1);                                                      \
	} while (0)
	BAD(E_SIGNATURE, x.rp = RP2);
	BAD(E_SIGNATURE, x.directory = STRANGER);
	BAD(E_RESULT, x.result.deal = hash_no(5));
	BAD(E_RESULT, x.stored.deal = hash_no(5));
	BAD(E_RESULT, x.stored.output = hash_no(4));
	BAD(E_LIMITS, x.result.count = d.hot.instruction_limit + 1);
	BAD(E_LIMITS, x.result.bytes = d.hot.byte_limit + 1);
#undef BAD
}

static void test_decline_is_relayed(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = signed_by_both(b, &d);
	struct decline doc = {id, REASON_HOST_FAILURE}, other = {hash_no(4), REASON_HOST_FAILURE};
	json_t *j;

	ask(b, PARTIES, "POST", path_of("/v1/deals/%s/decline", &id),
	        signed_text(b, "decline", decline_record(), &doc, JC));
	assert_err(b, E_SIGNATURE);
	ask(b, PARTIES, "POST", path_of("/v1/deals/%s/decline", &id),
	        signed_text(b, "decline", decline_record(), &other, RP));
	assert_err(b, E_JSON_VALUE);
	assert_int_equal(ask(b, PARTIES, "POST", path_of("/v1/deals/%s/decline", &id),
	                         signed_text(b, "decline", decline_record(), &doc, RP)),
	        200);
	j = said(b, "declined");
	assert_string_equal(json_string_value(json_object_get(j, "reason")), "HostFailure");
	json_decref(j);
	ask(b, PARTIES, "POST", path_of("/v1/deals/%s/decline", &id),
	        signed_text(b, "decline", decline_record(), &doc, RP));
	assert_int_equal(private_events(b), 0);
}

/* ---- matches that are given up ---------------------------------------------------------------------------- */

static int refuse(struct bench *b, enum party who, const struct hash *id, const char *why)
{
	return ask(b, who, "POST", path_of("/v1/deals/%s/refuse", id),
	        text_of(b, json_pack("{s:{s:s}}", "reason", "message", why)));
}

/* RP is matched and the JC has signed; RP2, which is dearer, would be the next. */
static struct hash signed_with_a_next(struct bench *b, struct deal *d)
{
	struct resource_offer dear = resource_of(b, RP2);
	struct hash id;

	dear.prices.base = amount_of(50);
	assert_int_equal(post_resource(b, RP2, &dear), 200);
	id = matched(b, d);
	assert_true(addr_eq(&d->hot.provider, &b->addr[RP]));
	assert_int_equal(post_signature(b, JC, &id, d), 200);
	return id;
}

static void test_refusal_tries_the_next(void **state)
{
	struct bench *b = *state;
	struct deal d, next;
	struct hash id = signed_with_a_next(b, &d), next_id;

	refuse(b, STRANGER, &id, "because");
	assert_err(b, E_FORBIDDEN);
	refuse(b, JC, &id, "I thought again");
	assert_err(b, E_STATE); /* its signature is out */
	assert_int_equal(refuse(b, RP, &id, "the input is larger than it says"), 200);
	assert_string_equal(state_of(b), "DISSOLVED");
	json_t *j = said(b, "dissolved");
	assert_string_equal(json_string_value(json_object_get(j, "reason")),
	        "the input is larger than it says");
	json_decref(j);
	next_id = published(b, &next); /* in the same event */
	assert_true(addr_eq(&next.hot.provider, &b->addr[RP2]));
	assert_true(hash_eq(&next.cold.job_offer, &d.cold.job_offer));
	assert_int_equal(post_signature(b, JC, &next_id, &next), 200);
	post_signature(b, RP, &id, &d);
	assert_err(b, E_STATE);
	assert_int_equal(refuse(b, RP, &id, "once more"), 200); /* no harm */
	assert_int_equal(private_events(b), 0);
	/* RP's capacity is free for others, not for this job. */
	assert_int_equal(refuse(b, RP2, &next_id, "neither do I"), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	assert_int_equal(waiting(b), 1);
	struct job_offer k = job_of(b, JC2);
	assert_int_equal(post_job(b, JC2, &k), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
}

/* A provider that had no room just then is tried again after a while; one that will not have the job is not. */
static void test_busy_provider_is_tried_again(void **state)
{
	static const struct {
		const char *code;
		bool again;
	} rows[] = {{"BUSY", true}, {"UNREACHABLE", true}, {"TERMS", false}, {"NONSENSE", false}};
	struct bench *b = *state;
	struct deal d;
	struct hash id = matched(b, &d);

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(post_signature(b, JC, &id, &d), 200);
		assert_int_equal(ask(b, RP, "POST", path_of("/v1/deals/%s/refuse", &id),
		                         text_of(b, json_pack("{s:{s:s, s:s}}", "reason", "code",
		                                            rows[i].code, "message", "no"))),
		        200);
		assert_int_equal(fx_count(b, FX_TIMER, NULL), rows[i].again);
		assert_int_equal(waiting(b), 1);
		if (!rows[i].again)
			break;
		timer(b, TAG_PARDON, &id);
		id = published(b, &d);
		assert_true(addr_eq(&d.hot.provider, &b->addr[RP]));
	}
}

/* It says only after its time was over that the directory was away: it may be matched again all the same. */
static void test_provider_that_speaks_too_late(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = matched(b, &d);

	assert_int_equal(post_signature(b, JC, &id, &d), 200);
	pass(b, 80);
	clock_note(b);
	timer(b, TAG_UNSIGNED, &id);
	assert_int_equal(fx_count(b, FX_EMIT, "dissolved"), 1);
	assert_int_equal(ask(b, RP, "POST", path_of("/v1/deals/%s/refuse", &id),
	                         text_of(b, json_pack("{s:{s:s, s:s}}", "reason", "code",
	                                            "UNREACHABLE", "message", "no directory"))),
	        200);
	assert_int_equal(waiting(b), 1);
	timer(b, TAG_PARDON, &id);
	published(b, &d);
	assert_true(addr_eq(&d.hot.provider, &b->addr[RP]));
}

static void test_creator_that_does_not_sign(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = matched(b, &d);
	struct job_offer j = job_of(b, JC);

	pass(b, 10);
	timer(b, TAG_UNSIGNED, &id);
	assert_int_equal(fx_count(b, FX_EMIT, "dissolved"), 1);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	assert_int_equal(waiting(b), 0);
	ask(b, PARTIES, "GET", path_of("/v1/job-offers/%s", &d.cold.job_offer), "");
	assert_string_equal(state_of(b), "silent");
	post_signature(b, JC, &id, &d);
	assert_err(b, E_STATE);
	assert_string_equal(deal_state(b, &id), "DISSOLVED");
	/* The provider is free for the next. */
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
}

static void test_silent_offer_posted_again(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);
	struct job_offer j = job_of(b, JC);
	struct deal d;
	struct hash id;
	struct ack ack;
	struct err e;

	assert_int_equal(post_resource(b, RP, &r), 200);
	assert_int_equal(post_job(b, JC, &j), 200);
	id = published(b, &d);
	pass(b, 10);
	timer(b, TAG_UNSIGNED, &id);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_true(json_get_record(b->reply, "ack", ack_record(), &ack, &e));
	assert_int_equal(ack.sequence, 3);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
}

static void test_provider_that_does_not_sign(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = matched(b, &d);
	struct job_offer j = job_of(b, JC2);

	assert_int_equal(post_signature(b, JC, &id, &d), 200);
	pass(b, 60);
	timer(b, TAG_UNSIGNED, &id);
	/* It may still open the deal: until then the job offer is not given to another. */
	assert_int_equal(fx_count(b, FX_EMIT, "dissolved"), 0);
	assert_int_equal(fx_count(b, FX_TIMER, NULL), 1);
	pass(b, 20);
	clock_note(b);
	timer(b, TAG_UNSIGNED, &id);
	assert_int_equal(fx_count(b, FX_EMIT, "dissolved"), 1);
	assert_int_equal(waiting(b), 1); /* the same two are not matched again */
	assert_int_equal(resources_open(b), 1);
	/* The second time its offer leaves the book. */
	assert_int_equal(post_job(b, JC2, &j), 200);
	id = published(b, &d);
	assert_int_equal(post_signature(b, JC2, &id, &d), 200);
	pass(b, 80);
	clock_note(b);
	timer(b, TAG_UNSIGNED, &id);
	assert_int_equal(resources_open(b), 0);
}

static void test_cancel_before_the_signature(void **state)
{
	struct bench *b = *state;
	struct deal d, next;
	struct hash id = matched(b, &d), job = d.cold.job_offer;

	assert_int_equal(post_cancel(b, &job, &job, JC), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "dissolved"), 1);
	assert_string_equal(deal_state(b, &id), "DISSOLVED");
	/* Once it is signed, it is too late for that. */
	struct job_offer j = job_of(b, JC);
	assert_int_equal(post_job(b, JC, &j), 200);
	id = published(b, &next);
	assert_int_equal(post_signature(b, JC, &id, &next), 200);
	job = next.cold.job_offer;
	post_cancel(b, &job, &job, JC);
	assert_err(b, E_STATE);
}

/* ---- the ledger -------------------------------------------------------------------------------------------- */

static void test_capacity_comes_back(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);
	struct hash ids[4];
	struct deal d[4];

	assert_int_equal(post_resource(b, RP, &r), 200);
	for (unsigned i = 0; i < 4; i++) { /* 4 000 milli-cores, 1 000 each */
		struct job_offer j = job_of(b, JC);

		assert_int_equal(post_job(b, JC, &j), 200);
		ids[i] = published(b, &d[i]);
		sign_both(b, &ids[i], &d[i]);
		ledger_deal(b, &ids[i], DEAL_AGREED, 0);
	}
	struct job_offer j = job_of(b, JC2);
	assert_int_equal(post_job(b, JC2, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	ledger_deal(b, &ids[2], DEAL_RESULTS_SUBMITTED, 0);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	ledger_deal(b, &ids[2], DEAL_RESULTS_ACCEPTED, 12345);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1); /* at once, in the same event */
	assert_string_equal(deal_state(b, &ids[2]), "ENDED");
	assert_string_equal(json_string_value(json_object_get(b->reply, "cost")), "12345");
	assert_string_equal(
	        json_string_value(json_object_get(b->reply, "ledger")), "RESULTS_ACCEPTED");
	/* Its timeline says when what happened. */
	json_t *line = json_object_get(b->reply, "timeline");
	const char *const want[] = {"MATCHED", "JC_SIGNED", "RP_SIGNED", "OPEN", "AGREED",
	        "RESULTS_SUBMITTED", "ENDED"};
	assert_int_equal(json_array_size(line), COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++)
		assert_string_equal(
		        json_string_value(json_object_get(json_array_get(line, i), "event")),
		        want[i]);
}

static void test_money_is_reserved_until_it_is_locked(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id;
	struct job_offer j = job_of(b, JC);

	balance(b, JC, 5000000); /* one deal locks 3 000 000 */
	id = matched(b, &d);
	post_job(b, JC, &j);
	assert_err(b, E_FUNDS);
	sign_both(b, &id, &d);
	balance(b, JC, 2000000);
	ledger_deal(b, &id, DEAL_AGREED, 0);
	post_job(b, JC, &j);
	assert_err(b, E_FUNDS);
	balance(b, JC, 3000000);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
}

static void test_reputation_decides_between_equals(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP), r2 = resource_of(b, RP2);
	struct deal d;
	struct hash id;
	struct addr good;

	assert_int_equal(post_resource(b, RP, &r), 200);
	assert_int_equal(post_resource(b, RP2, &r2), 200);
	struct job_offer j = job_of(b, JC);
	assert_int_equal(post_job(b, JC, &j), 200);
	id = published(b, &d);
	good = d.hot.provider;
	ledger_deal(b, &id, DEAL_AGREED, 0);
	ledger_deal(b, &id, DEAL_RESULTS_ACCEPTED, 1);
	for (unsigned i = 0; i < 6; i++) {
		j = job_of(b, JC);
		assert_int_equal(post_job(b, JC, &j), 200);
		id = published(b, &d);
		assert_true(addr_eq(&d.hot.provider, &good));
		ledger_deal(b, &id, DEAL_AGREED, 0);
		ledger_deal(b, &id, i < 5 ? DEAL_RESULTS_ACCEPTED : DEAL_TIMEOUT_SUBMIT, 1);
	}
	/* After its fault it is one of two again: the hash decides, so both are chosen in time. */
	unsigned others = 0;
	for (unsigned i = 0; i < 12; i++) {
		j = job_of(b, JC);
		assert_int_equal(post_job(b, JC, &j), 200);
		id = published(b, &d);
		others += !addr_eq(&d.hot.provider, &good);
		ledger_deal(b, &id, DEAL_AGREED, 0);
		ledger_deal(b, &id, DEAL_CANCELLED, 0);
	}
	assert_true(others > 0 && others < 12);
}

static void test_opened_after_it_was_given_up(void **state)
{
	struct bench *b = *state;
	struct deal d, next;
	struct hash id = signed_with_a_next(b, &d), next_id;

	assert_int_equal(refuse(b, RP, &id, "no"), 200);
	next_id = published(b, &next);
	/* RP lied: with the JC's signature it opens the deal. The nonce is used, the next match is void. */
	ledger_deal(b, &id, DEAL_AGREED, 0);
	assert_string_equal(deal_state(b, &id), "OPEN");
	assert_string_equal(deal_state(b, &next_id), "DISSOLVED");
	assert_int_equal(waiting(b), 0);
	ask(b, PARTIES, "GET", path_of("/v1/job-offers/%s", &d.cold.job_offer), "");
	assert_string_equal(state_of(b), "done");
	ledger_deal(b, &id, DEAL_DECLINED, 0);
	assert_string_equal(deal_state(b, &id), "ENDED");
}

static void test_events_are_taken_up_once(void **state)
{
	struct bench *b = *state;
	struct ledger_note n = {.stage = LEDGER_EVENT};
	uint64_t cursor;
	struct err e;

	n.event.seq = 1; /* long ago: JC's balance was zero then */
	n.event.changes_n = 1;
	n.event.changes[0].account = b->addr[JC];
	ledger_note_of(b, &n);
	struct job_offer j = job_of(b, JC);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_true(solver_start_cursor(b->solver, &cursor, &e));
	assert_int_equal(cursor, b->seq);
}

/* ---- lists, streams, restart --------------------------------------------------------------------------------- */

static void test_lists(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = matched(b, &d);
	char path[120], who[ADDR_TEXT_MAX];

	assert_int_equal(ask(b, PARTIES, "GET", "/v1/deals?limit=10", ""), 200);
	json_t *list = json_object_get(b->reply, "deals");
	assert_int_equal(json_array_size(list), 1);
	assert_null(json_object_get(json_array_get(list, 0), "result"));
	for (unsigned i = 0; i < 2; i++) {
		addr_format(&b->addr[i ? RP : JC], who);
		snprintf(path, sizeof path, "/v1/deals?account=%s", who);
		assert_int_equal(ask(b, PARTIES, "GET", path, ""), 200);
		assert_int_equal(json_array_size(json_object_get(b->reply, "deals")), 1);
	}
	addr_format(&b->addr[STRANGER], who);
	snprintf(path, sizeof path, "/v1/deals?account=%s", who);
	ask(b, PARTIES, "GET", path, "");
	assert_int_equal(json_array_size(json_object_get(b->reply, "deals")), 0);
	assert_int_equal(ask(b, PARTIES, "GET", "/v1/info", ""), 200);
	assert_true(json_is_true(json_object_get(b->reply, "ready")));
	(void)id;
}

static void test_streams(void **state)
{
	struct bench *b = *state;
	struct hash own = account_topic(&b->addr[JC]);

	ask(b, JC, "GET", "/v1/events", "");
	assert_true(hash_eq(&fx_of(b, FX_STREAM, NULL, 0)->topics[0], &own));
	/* Unsigned: only what everybody may know, and never everything. */
	ask(b, PARTIES, "GET", "/v1/events", "");
	assert_false(hash_is_zero(&fx_of(b, FX_STREAM, NULL, 0)->topics[0]));
	struct hash common = fx_of(b, FX_STREAM, NULL, 0)->topics[0];
	struct deal d;
	(void)matched(b, &d);
	for (unsigned i = 0; i < fx_count(b, FX_EMIT, NULL); i++) {
		struct fx *f = fx_of(b, FX_EMIT, NULL, i);

		assert_int_equal(hash_eq(&f->topics[0], &common), strcmp(f->name, "state") == 0);
		assert_false(hash_is_zero(&f->topics[0]));
	}
}

static void test_restart(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);
	struct job_offer jobs[3];
	struct deal d[3];
	struct hash id[3];
	uint64_t before;

	assert_int_equal(post_resource(b, RP, &r), 200);
	for (unsigned i = 0; i < 3; i++) {
		jobs[i] = job_of(b, JC);
		assert_int_equal(post_job(b, JC, &jobs[i]), 200);
		id[i] = published(b, &d[i]);
	}
	/* One matched, one signed, one on the ledger; and a job that waits. */
	assert_int_equal(post_signature(b, JC, &id[1], &d[1]), 200);
	sign_both(b, &id[2], &d[2]);
	ledger_deal(b, &id[2], DEAL_AGREED, 0);
	struct job_offer big = job_of(b, JC2);
	big.resources.cpu = 2000;
	assert_int_equal(post_job(b, JC2, &big), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	ask(b, PARTIES, "GET", "/v1/info", "");
	struct err e;
	assert_true(json_get_u64(b->reply, "lastEvent", &before, &e));
	restart(b);
	/* Nothing was matched twice: three deals still take 3 000 of 4 000 milli-cores. */
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	assert_int_equal(waiting(b), 1);
	assert_int_equal(resources_open(b), 1);
	/* The parties are told again, with cursors that go on. */
	timer(b, TAG_AGAIN, NULL);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
	assert_int_equal(fx_count(b, FX_EMIT, "signed"), 1);
	assert_int_equal(fx_count(b, FX_TIMER, NULL), 2);
	assert_true(fx_of(b, FX_EMIT, NULL, 0)->id > before);
	/* All goes on. */
	assert_int_equal(post_signature(b, JC, &id[0], &d[0]), 200);
	assert_int_equal(post_signature(b, RP, &id[1], &d[1]), 200);
	ledger_deal(b, &id[2], DEAL_RESULTS_ACCEPTED, 1);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1); /* the big one fits now */
	assert_int_equal(post_job(b, JC, &jobs[2]), 200);  /* its old Ack */
	assert_string_equal(state_of(b), "done");
}

static void test_many_at_once(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);
	unsigned deals = 0;

	balance(b, JC, 4000000000);
	balance(b, RP, 4000000000);
	for (unsigned i = 0; i < 100; i++) {
		struct job_offer j = job_of(b, JC);

		assert_int_equal(post_job(b, JC, &j), 200);
	}
	r.free.cpu = 80000;
	r.free.ram = r.free.disk = (uint64_t)1 << 50;
	/* One event makes no more than it may; timers without delay go on. */
	assert_int_equal(post_resource(b, RP, &r), 200);
	for (unsigned turn = 0; turn < 10; turn++) {
		deals += fx_count(b, FX_EMIT, "deal");
		assert_true(b->fx.n <= EFFECTS_MAX);
		timer(b, TAG_SWEEP, NULL);
	}
	assert_int_equal(deals, 80);
	assert_int_equal(waiting(b), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_match_is_published),
	        T(test_signatures_are_relayed),
	        T(test_bad_signatures),
	        T(test_result_is_relayed),
	        T(test_mediators_of_a_dispute),
	        T(test_mediators_without_a_dispute),
	        T(test_bad_results),
	        T(test_decline_is_relayed),
	        T(test_refusal_tries_the_next),
	        T(test_busy_provider_is_tried_again),
	        T(test_provider_that_speaks_too_late),
	        T(test_creator_that_does_not_sign),
	        T(test_silent_offer_posted_again),
	        T(test_provider_that_does_not_sign),
	        T(test_cancel_before_the_signature),
	        T(test_capacity_comes_back),
	        T(test_money_is_reserved_until_it_is_locked),
	        T(test_reputation_decides_between_equals),
	        T(test_opened_after_it_was_given_up),
	        T(test_events_are_taken_up_once),
	        T(test_lists),
	        T(test_streams),
	        T(test_restart),
	        T(test_many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
