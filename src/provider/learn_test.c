/* learn_test.c - a store that is older than the deals that the ledger has open (protocol 9.5). */
#include "provider/provider_suite.h"

/* A deal that both have signed, which this store has never heard of. */
static void strange_deal(struct stage *s, enum deal_state to)
{
	make_deal(s);
	send_deal_event(s->b, &s->id, to, 0, s->b->ledger.s + 600);
	assert_null(
	        fx_of(s->b, FX_CALL, TAG_LEARN, 0)); /* it may have ended: there are more events */
}

static json_t *shown(struct stage *s, enum party provider)
{
	struct sig jc = sign_as(s->b, JC, deal_record(), &s->deal);
	struct sig rp = sign_as(s->b, provider, deal_record(), &s->deal);

	return json_pack("{s:o, s:o, s:o}", "deal", record_to_json(deal_record(), &s->deal),
	        "jobCreatorSignature", json_of_sig(&jc), "providerSignature", json_of_sig(&rp));
}

static void answer(struct stage *s, json_t *j)
{
	struct fx *f = need(s->b, FX_CALL, TAG_LEARN);

	assert_true(addr_eq(&f->audience, &s->b->addr[SOLVER]));
	send_reply(s->b, f->tag, 200, j);
}

static void runs_and_submits(struct stage *s)
{
	serve_all(s);
	assert_non_null(fx_of(s->b, FX_RUN, TAG_RUN, 0));
	assert_int_equal(work_row(s).state, WORK_RUNNING);
	send_run(s, true);
	assert_int_equal(work_row(s).state, WORK_RAN);
}

static void goes_on_with_a_running_job(void **state)
{
	struct stage *s = *state;

	strange_deal(s, DEAL_AGREED);
	send_clock(s->b);
	answer(s, shown(s, RP));
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0)); /* nothing is signed or opened again */
	runs_and_submits(s);
}

/* The solver's stream begins again where the old store was: the deal's signature came before the ledger. */
static void refused_before_the_ledger_was_read(void **state)
{
	struct stage *s = *state;

	make_deal(s);
	s->deal.cold.resource_offer.b[0] ^= 1; /* of an offer that this store has not */
	send_signed_by(s, JC);
	assert_refused(s, "does not stand any more");
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	send_clock(s->b);
	answer(s, shown(s, RP));
	runs_and_submits(s);
}

static void fetching_when_the_ledger_is_read(void **state)
{
	struct stage *s = *state;
	struct tree_done t = {.ok = true};
	uint64_t bytes;
	struct err e;

	make_deal(s);
	send_signed_by(s, JC);
	t.tag = need(s->b, FX_FETCH, TAG_FETCH_SPEC)->tag;
	t.root = need(s->b, FX_FETCH, TAG_FETCH_SPEC)->root;
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	send_clock(s->b);
	answer(s, shown(s, RP));
	assert_true(blobs_copy(s->b->remote, s->b->local, &t.root, BLOCK_MAX, &bytes, &e));
	send_event(s->b, &(struct event){.kind = EV_TREE, .tree = &t});
	runs_and_submits(s);
}

/* Over before all was read: nobody is asked. */
static void ended_long_ago(void **state)
{
	struct stage *s = *state;

	strange_deal(s, DEAL_AGREED);
	send_deal_event(s->b, &s->id, DEAL_RESULTS_SUBMITTED, 0, s->b->ledger.s + 600);
	send_deal_event(s->b, &s->id, DEAL_RESULTS_ACCEPTED, 1000, 0);
	send_clock(s->b);
	assert_null(fx_of(s->b, FX_CALL, TAG_LEARN, 0));
}

/* Until it is known, the ledger's cursor stays behind it: a crash forgets nothing. */
static void asked_until_it_is_shown(void **state)
{
	struct stage *s = *state;

	strange_deal(s, DEAL_AGREED);
	send_clock(s->b);
	send_silence(s->b, need(s->b, FX_CALL, TAG_LEARN)->tag);
	assert_int_equal(need(s->b, FX_TIMER, TAG_LEARN)->delay.ms, 1000);
	send_timer(s->b, (struct tag){.what = TAG_LEARN, .key = s->id});
	answer(s, shown(s, STRANGER)); /* not what we signed */
	assert_int_equal(need(s->b, FX_TIMER, TAG_LEARN)->delay.ms, 2000);
	for (unsigned i = 0; i < 2 * CURSOR_BEHIND_MAX; i++)
		send_deal_event(s->b, &(struct hash){{9}}, DEAL_RESULTS_ACCEPTED, 0, 0);
	restart(s);
	s->b->seq = 0;
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	send_clock(s->b);
	answer(s, shown(s, RP));
	runs_and_submits(s);
}

static void cursor_stands(void **state)
{
	struct stage *s = *state;
	uint64_t cursor;
	struct err e;

	strange_deal(s, DEAL_AGREED);
	for (unsigned i = 0; i < 2 * CURSOR_BEHIND_MAX; i++)
		send_deal_event(s->b, &(struct hash){{9}}, DEAL_RESULTS_ACCEPTED, 0, 0);
	assert_true(provider_start_cursor(s->p, &cursor, &e));
	assert_int_equal(cursor, 0);
}

/* The result was given already: it goes to the ledger as it is, and no second one is signed. */
static void its_result_is_submitted_as_it_was(void **state)
{
	struct stage *s = *state;
	struct result r = {.status = STATUS_COMPLETED,
	        .count = 77,
	        .bytes = 5,
	        .secret_hash = hash_no(44),
	        .output.tree = hash_no(45)};
	struct stored st = {.output = r.output.tree, .bytes = 5};
	const struct action *a;
	struct sig sig;
	json_t *j;

	strange_deal(s, DEAL_AGREED);
	send_clock(s->b);
	r.deal = st.deal = s->id;
	j = shown(s, RP);
	sig = sign_as(s->b, RP, result_record(), &r);
	json_object_set_new(j, "result", record_to_json(result_record(), &r));
	json_object_set_new(j, "signature", json_of_sig(&sig));
	json_object_update_missing_new(j, stored_json(s->b, &st, DIRECTORY));
	sig = sign_as(s->b, DIRECTORY, stored_record(), &st);
	json_object_set_new(j, "storedSignature", json_of_sig(&sig));
	answer(s, j);
	a = submitted(s->b, ACTION_RESULT);
	assert_non_null(a);
	assert_memory_equal(&a->result.secret_hash, &r.secret_hash, sizeof r.secret_hash);
	sig = sign_as(s->b, RP, result_record(), &r);
	assert_memory_equal(&a->result_sig, &sig, sizeof sig);
	assert_int_equal(work_row(s).state, WORK_STORED);
	assert_null(fx_of(s->b, FX_RUN, 0, 0));
	send_deal_event(s->b, &s->id, DEAL_RESULTS_ACCEPTED, 1000, 0);
	assert_int_equal(work_row(s).state, WORK_DONE);
	assert_true(amount_eq(work_row(s).earned, left_of_1000(s)));
}

/* What was submitted and is not shown is waited for, and paid by the clock (5.7). */
static void submitted_and_not_shown(void **state)
{
	struct stage *s = *state;

	strange_deal(s, DEAL_RESULTS_SUBMITTED);
	send_clock(s->b);
	answer(s, shown(s, RP));
	assert_int_equal(work_row(s).state, WORK_STORED);
	assert_null(fx_of(s->b, FX_RUN, 0, 0));
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0));
	pass(s->b, 601);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_TIMEOUT));
}

/* The old store has the job running, the ledger has its result: it is not run and signed again. */
static void running_here_and_submitted_there(void **state)
{
	struct stage *s = *state;

	to_running(s);
	send_deal_event(s->b, &s->id, DEAL_RESULTS_SUBMITTED, 0, s->b->ledger.s + 600);
	send_run(s, true);
	assert_int_equal(work_row(s).state, WORK_RUNNING);
	send_clock(s->b);
	answer(s, shown(s, RP));
	assert_int_equal(work_row(s).state, WORK_STORED);
}

/* No time is left, or the parts are gone: it is declined, which costs what silence would. */
static void too_late(void **state)
{
	struct stage *s = *state;

	strange_deal(s, DEAL_AGREED);
	send_clock(s->b);
	answer(s, shown(s, RP));
	need(s->b, FX_FETCH, TAG_FETCH_SPEC);
	pass(s->b, 598);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_DECLINE));
}

static void parts_that_are_gone(void **state)
{
	struct stage *s = *state;
	unsigned n = 0;

	strange_deal(s, DEAL_AGREED);
	send_clock(s->b);
	answer(s, shown(s, RP));
	for (; n < 20 && !submitted(s->b, ACTION_DECLINE); n++) {
		send_tree_failed(
		        s->b, (struct tag){.what = TAG_FETCH_SPEC, .key = s->id}, E_NOT_FOUND);
		if (fx_of(s->b, FX_TIMER, TAG_RETRY, 0))
			send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->id});
	}
	assert_int_equal(work_row(s).state, WORK_DECLINING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(goes_on_with_a_running_job),
	        T(refused_before_the_ledger_was_read),
	        T(fetching_when_the_ledger_is_read),
	        T(ended_long_ago),
	        T(asked_until_it_is_shown),
	        T(cursor_stands),
	        T(its_result_is_submitted_as_it_was),
	        T(submitted_and_not_shown),
	        T(running_here_and_submitted_there),
	        T(too_late),
	        T(parts_that_are_gone),
	};

	return cmocka_run_group_tests_name("learn", tests, NULL, NULL);
}
