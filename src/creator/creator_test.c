/* creator_test.c - a job from its request to the money; what is not signed, not believed, not paid. */
#include "creator/creator_suite.h"

/* long: one job, step by step: its order is what is tested */
static void whole_way(void **state)
{
	struct stage *s = *state;
	struct bench *b = s->b;
	const struct action *a;
	struct creator_deal d;
	struct hash hash;
	struct sig sig;
	struct fx *f;
	struct err e;
	json_t *j;

	s->config.genesis.decimals = 2;
	snprintf(s->config.genesis.symbol, sizeof s->config.genesis.symbol, "LP");
	stage_open(s);
	assert_int_equal(fx_count(b, FX_CALL), 0);
	send_connected(b, false);
	assert_int_equal(fx_count(b, FX_PUSH), 2); /* spec and program */
	assert_int_equal(fx_count(b, FX_CALL), 0); /* no offer before its parts are stored */
	struct tag tag = need(b, FX_PUSH, TAG_PUSH_PART)->tag;
	send_pushed(b, tag, NULL);
	assert_int_equal(fx_count(b, FX_CALL), 0);
	send_pushed(b, tag, NULL);
	read_posted(s);
	assert_int_equal(s->offer.offer.nonce, 1);
	assert_int_equal(s->offer.offer.expiry.s, NOW_S + 3600);
	acknowledge(s, SOLVER, "open");
	assert_int_equal(need(b, FX_TIMER, TAG_QUEUE)->delay.ms, 30000);

	make_deal(s, RP);
	send_message(b, "deal", deal_message(s, SOLVER));
	/* Nothing is signed or refused before the ledger has told its time: asked for again. */
	assert_int_equal(fx_count(b, FX_CALL), 0);
	need(b, FX_TIMER, TAG_LOOK);
	send_clock(b);
	send_timer(b, (struct tag){.what = TAG_LOOK, .key = tag.key});
	assert_string_equal(need(b, FX_CALL, TAG_LOOK)->method, "GET");
	send_reply(b, need(b, FX_CALL, TAG_LOOK)->tag, 200, deal_message(s, SOLVER));
	f = need(b, FX_CALL, TAG_SIGNATURE);
	assert_true(asks(f, "/signature"));
	j = body_of(f);
	assert_true(json_get_sig(j, "signature", &sig, &e));
	assert_true(signed_check(&b->domain, deal_record(), &s->deal.deal, &sig, &b->addr[JC], &e));
	json_decref(j);
	send_rp_signed(s);
	d.id = s->deal.id;
	creator_keep_all(s->c);
	assert_true(kept_get(b, creator_deal_record(), &d, &e));
	assert_int_equal(d.rp_sig.n, 65);
	send_deal_event(b, &s->deal.id, DEAL_AGREED, 0, b->ledger.s + 600);
	make_result(s, RP);
	send_message(b, "result", result_message(s, RP, DIRECTORY));
	f = need(b, FX_FETCH, TAG_FETCH);
	assert_int_equal(f->limit, s->output.tree_bytes);
	j = body_of(f); /* the deal with both signatures opens the directory (9.2) */
	assert_true(json_get_sig(j, "providerSignature", &sig, &e));
	json_decref(j);
	assert_null(submitted(b, ACTION_ACCEPT));
	serve_fetches(b);
	a = submitted(b, ACTION_ACCEPT);
	assert_non_null(a);
	eip712_hash(result_record(), &s->result.result, &hash);
	assert_true(hash_eq(&a->acceptance.result, &hash));
	assert_true(signed_check(
	        &b->domain, acceptance_record(), &a->acceptance, &a->doc_sig, &b->addr[JC], &e));
	assert_int_equal(job_row(s).exit_code, 3);
	send_deal_event(b, &s->deal.id, DEAL_RESULTS_ACCEPTED, 777, 0);
	assert_state(s, JOB_DONE);
	assert_true(amount_eq(job_row(s).cost, amount_of(777)));
	assert_noted(s, "DONE", ": paid 7.77 LP");
	assert_int_equal(need(b, FX_EXIT, 0)->status, 0);
}

/* ---- one key, one job ------------------------------------------------------------------------------------- */

static void same_key(void **state)
{
	struct stage *s = *state;
	json_t *j;

	to_posted(s);
	creator_free(s->c);
	stage_open(s);
	send_connected(s->b, false);
	j = body_of(need(s->b, FX_EMIT, 0));
	assert_string_equal(json_string_value(json_object_get(j, "code")), "CONFLICT");
	json_decref(j);
	assert_int_equal(fx_count(s->b, FX_PUSH) + fx_count(s->b, FX_CALL), 0);
}

static void same_key_after_a_failure_for_nothing(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	send_refusal(s->b, (struct tag){.what = TAG_OFFER, .key = s->offer.id}, E_FUNDS);
	assert_state(s, JOB_FAILED);
	creator_free(s->c);
	stage_open(s);
	send_connected(s->b, false);
	need(s->b, FX_PUSH, TAG_PUSH_PART);
}

/* ---- the cap ---------------------------------------------------------------------------------------------- */

static void cap_per_day(void **state)
{
	struct stage *s = *state;
	struct fx *f;
	json_t *j;

	s->req.key[0] = '\0';
	s->config.cap_per_day = amount_of(1999999); /* PAY is 1 000 000 */
	to_posted(s);
	/* One more while the first may still cost its ceiling is above it. */
	creator_free(s->c);
	stage_open(s);
	send_connected(s->b, false);
	f = need(s->b, FX_EMIT, 0);
	assert_string_equal(f->name, "error");
	j = body_of(f);
	assert_string_equal(json_string_value(json_object_get(j, "code")), "CAP");
	json_decref(j);
	assert_int_equal(need(s->b, FX_EXIT, 0)->status, err_exit(E_CAP));
	assert_int_equal(fx_count(s->b, FX_PUSH) + fx_count(s->b, FX_CALL), 0);
	/* A day later it counts no more. */
	creator_free(s->c);
	pass(s->b, 86401);
	stage_open(s);
	send_connected(s->b, false);
	need(s->b, FX_PUSH, TAG_PUSH_PART);
}

static void cap_counts_what_an_ended_job_cost(void **state)
{
	struct stage *s = *state;

	s->req.key[0] = '\0';
	s->config.cap_per_day = amount_of(1000100);
	to_judged(s);
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_ACCEPTED, 100, 0);
	creator_free(s->c);
	stage_open(s);
	send_connected(s->b, false);
	need(s->b, FX_PUSH, TAG_PUSH_PART);
	creator_free(s->c);
	stage_open(s);
	send_connected(s->b, false);
	assert_int_equal(fx_count(s->b, FX_PUSH), 0);
}

/* ---- matches that are not signed ------------------------------------------------------------------------------ */

static void dearer(struct stage *s)
{
	s->deal.deal.hot.base = amount_of(101);
}
static void dearer_count(struct stage *s)
{
	s->deal.deal.hot.per_instruction = amount_of(3);
}
static void dearer_bytes(struct stage *s)
{
	s->deal.deal.hot.per_byte = amount_of(4);
}
static void more_pay(struct stage *s)
{
	s->deal.deal.hot.pay = amount_of(1000001);
}
static void more_bond(struct stage *s)
{
	s->deal.deal.hot.job_bond = amount_of(2000001);
}
static void solver_share(struct stage *s)
{
	s->deal.deal.hot.solver_share = s->offer.offer.terms.solver_share + 1;
}
static void other_author(struct stage *s)
{
	s->deal.deal.hot.author = s->b->addr[STRANGER];
}
static void other_solver(struct stage *s)
{
	s->deal.deal.hot.solver = s->b->addr[STRANGER];
}
static void other_jc(struct stage *s)
{
	s->deal.deal.hot.job_creator = s->b->addr[STRANGER];
}
static void other_spec(struct stage *s)
{
	s->deal.deal.cold.spec = hash_no(9);
}
static void other_mediator(struct stage *s)
{
	memset(s->deal.deal.cold.mediators.v[7].b, 0xff, 20);
}
static void fewer_mediators(struct stage *s)
{
	s->deal.deal.cold.mediators.n = 5;
}
static void other_directory(struct stage *s)
{
	s->deal.deal.cold.directory = s->b->addr[STRANGER];
}
static void other_nonce(struct stage *s)
{
	s->deal.deal.hot.nonce++;
}
static void less_submit_fine(struct stage *s)
{
	s->deal.deal.hot.late_submit = amount_of(999);
}
static void more_time(struct stage *s)
{
	s->deal.deal.hot.submit_timeout.s++;
}
static void past_expiry(struct stage *s)
{
	s->deal.deal.hot.open_by.s = s->offer.offer.expiry.s + 1;
}
static void other_resource(struct stage *s)
{
	s->deal.deal.cold.resource_offer = hash_no(3);
}

static void matches_that_do_not_follow(void **state)
{
	struct stage *s = *state;
	static const struct {
		void (*change)(struct stage *s);
		const char *word;
	} rows[] = {
	        {dearer, "base"},
	        {dearer_count, "perInstruction"},
	        {dearer_bytes, "perByte"},
	        {more_pay, "pay"},
	        {more_bond, "jobBond"},
	        {solver_share, "solverShare"},
	        {other_author, "author"},
	        {other_solver, "solver"},
	        {other_jc, "jobCreator"},
	        {other_spec, "spec"},
	        {other_mediator, "ediator"},
	        {fewer_mediators, "ediator"},
	        {other_directory, "directory"},
	        {other_nonce, "nonce"},
	        {less_submit_fine, "lateSubmit"},
	        {more_time, "submitTimeout"},
	        {past_expiry, "openBy"},
	        {other_resource, "other offers"},
	};

	to_posted(s);
	for (size_t i = 0; i < COUNT(rows); i++) {
		make_deal(s, RP);
		rows[i].change(s);
		send_message(s->b, "deal", deal_message(s, SOLVER));
		assert_not_signed(s, rows[i].word);
	}
	make_deal(s, RP);
	send_message(s->b, "deal", deal_message(s, STRANGER));
	assert_not_signed(s, "igned by");
}

static void match_without_a_signature(void **state)
{
	struct stage *s = *state;
	json_t *j;

	to_posted(s);
	make_deal(s, RP);
	j = deal_message(s, SOLVER);
	json_object_del(j, "matchSignature");
	send_message(s->b, "deal", j);
	assert_int_equal(s->b->fx.n, 0);
	assert_state(s, JOB_POSTED);
	assert_non_null(strstr(s->b->said, "matchSignature"));
}

static void match_for_another_offer(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	make_deal(s, RP);
	s->deal.deal.cold.job_offer = hash_no(12);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_int_equal(s->b->fx.n, 0);
}

static void second_match_of_one_offer(void **state)
{
	struct stage *s = *state;
	struct hash first;

	to_matched(s);
	first = s->deal.id;
	make_deal(s, RP2);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_int_equal(s->b->fx.n, 0);
	assert_true(hash_eq(&(struct hash){0}, &first) == false);
	struct hash now = job_row(s).deal;
	assert_true(hash_eq(&now, &first));
}

/* ---- results that are not believed -------------------------------------------------------------------------- */

static void foreign_output(struct stage *s)
{
	s->result.stored.output = hash_no(5);
}
static void foreign_deal(struct stage *s)
{
	s->result.result.deal = hash_no(5);
}
static void foreign_stored(struct stage *s)
{
	s->result.stored.deal = hash_no(5);
}
static void count_above(struct stage *s)
{
	s->result.result.count = s->deal.deal.hot.instruction_limit + 1;
}
static void bytes_above(struct stage *s)
{
	s->result.result.bytes = s->deal.deal.hot.byte_limit + 1;
}

static void results_that_do_not_count(void **state)
{
	struct stage *s = *state;
	static const struct {
		void (*change)(struct stage *s);
		enum party rp, directory;
		const char *word;
	} rows[] = {
	        {NULL, RP2, DIRECTORY, "igned by"},
	        {NULL, RP, STRANGER, "igned by"},
	        {foreign_output, RP, DIRECTORY, "another output"},
	        {foreign_deal, RP, DIRECTORY, "another deal"},
	        {foreign_stored, RP, DIRECTORY, "another deal"},
	        {count_above, RP, DIRECTORY, "above the limits"},
	        {bytes_above, RP, DIRECTORY, "above the limits"},
	};

	to_agreed(s);
	for (size_t i = 0; i < COUNT(rows); i++) {
		make_result(s, RP);
		if (rows[i].change)
			rows[i].change(s);
		send_message(s->b, "result", result_message(s, rows[i].rp, rows[i].directory));
		assert_int_equal(fx_count(s->b, FX_FETCH) + fx_count(s->b, FX_SUBMIT), 0);
		assert_noted(s, "BAD_RESULT", rows[i].word);
		assert_state(s, JOB_AGREED);
	}
	make_result(s, RP);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	need(s->b, FX_FETCH, TAG_FETCH);
}

/* Bytes that do not have the content id they are asked by are no output: nothing is accepted. */
static void output_of_other_bytes(void **state)
{
	struct stage *s = *state;
	struct tag tag;
	unsigned n = 0;

	to_fetching(s);
	for (; fx_of(s->b, FX_FETCH, TAG_FETCH, 0); n++) {
		tag = need(s->b, FX_FETCH, TAG_FETCH)->tag;
		send_tree_failed(s->b, tag, E_BLOCK_CORRUPT);
		assert_null(submitted(s->b, ACTION_ACCEPT));
		assert_noted(s, "FETCH_FAILED", "no tree");
		if (fx_of(s->b, FX_TIMER, TAG_RETRY, 0))
			send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	}
	assert_int_equal(n, 4);
	/* There is no engine here, and the directory says that it is not there: the mediator is asked. */
	assert_state(s, JOB_DISPUTED);
	assert_int_equal(job_row(s).claim, RULING_RESULT_NOT_FOUND);
}

/* ---- providers that let a job down ---------------------------------------------------------------------------- */

static void next_provider_after(struct stage *s, enum deal_state end)
{
	struct hash old = s->offer.id;
	struct creator_job row;

	to_agreed(s);
	old = s->offer.id;
	send_deal_event(s->b, &s->deal.id, end, 0, 0);
	assert_state(s, JOB_POSTED);
	read_posted(s);
	assert_false(hash_eq(&old, &s->offer.id));
	assert_int_equal(s->offer.offer.nonce, 2);
	assert_int_equal(s->offer.offer.deny.n, 1);
	assert_true(addr_eq(&s->offer.offer.deny.v[0], &s->b->addr[RP]));
	assert_int_equal(job_row(s).attempt, 2);
	row = job_row(s);
	assert_true(hash_is_zero(&row.end_action)); /* the end of another deal */
	/* A result of the first deal means nothing any more. */
	make_result(s, RP);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	assert_int_equal(s->b->fx.n, 0);
	acknowledge(s, SOLVER, "open");
	make_deal(s, RP2);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_state(s, JOB_MATCHED);
}

static void declined(void **state)
{
	next_provider_after(*state, DEAL_DECLINED);
}

static void late(void **state)
{
	next_provider_after(*state, DEAL_TIMEOUT_SUBMIT);
}

/* The one provider there is declined: that is what is told, not that it is on our own deny list. */
static void declined_and_no_other(void **state)
{
	struct stage *s = *state;

	next_provider_after(s, DEAL_DECLINED);
	send_message(s->b, "dissolved", json_pack("{s:o}", "id", json_of_hash(&s->deal.id)));
	send_timer(s->b, (struct tag){.what = TAG_QUEUE, .key = s->job});
	send_reply(s->b, need(s->b, FX_CALL, TAG_WHY)->tag, 200,
	        json_pack("{s:[{s:s, s:s, s:i}]}", "reasons", "reason", "DENIED", "text",
	                "is denied", "count", 1));
	assert_int_equal(job_row(s).error, E_DECLINED);
	assert_non_null(strstr(job_row(s).why, "declined after it had signed, and then: "));
}

/* Its directory was away, as it has signed: it is not to blame, and may take the next offer, even alone. */
static void declined_for_want_of_a_directory(void **state)
{
	static const struct {
		enum party who;
		uint8_t reason;
		bool denied;
	} rows[] = {{RP, REASON_DIRECTORY_UNAVAILABLE, false},
	        {STRANGER, REASON_DIRECTORY_UNAVAILABLE, true}};
	struct stage *s = *state;
	unsigned denied = 0;

	to_agreed(s);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct decline d = {s->deal.id, rows[i].reason};
		struct sig sig = sign_as(s->b, rows[i].who, decline_record(), &d);

		send_message(s->b, "declined",
		        json_pack("{s:o, s:o, s:o}", "id", json_of_hash(&s->deal.id), "decline",
		                record_to_json(decline_record(), &d), "signature",
		                json_of_sig(&sig)));
		send_deal_event(s->b, &s->deal.id, DEAL_DECLINED, 0, 0);
		read_posted(s);
		denied += rows[i].denied;
		assert_int_equal(s->offer.offer.deny.n, denied);
		if (denied)
			break;
		acknowledge(s, SOLVER, "open");
		make_deal(s, RP);
		send_message(s->b, "deal", deal_message(s, SOLVER));
		send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	}
	assert_int_equal(denied, 1);
}

/* An hour later the next attempt may wait for as long as the first one. */
static void next_attempt_has_its_queue_time(void **state)
{
	struct stage *s = *state;

	to_agreed(s);
	pass(s->b, 3000);
	send_deal_event(s->b, &s->deal.id, DEAL_TIMEOUT_SUBMIT, 0, 0);
	read_posted(s);
	acknowledge(s, SOLVER, "open");
	assert_int_equal(need(s->b, FX_TIMER, TAG_QUEUE)->delay.ms, 30000);
}

static json_t *expired(struct stage *s)
{
	return json_pack("{s:o}", "offer", json_of_hash(&s->offer.id));
}

/* The solver's clock is ahead: the job goes on with a fresh offer while its own queue time lasts. */
static void expired_at_the_solver(void **state)
{
	struct stage *s = *state;
	struct hash before;

	to_posted(s);
	before = s->offer.id;
	send_message(s->b, "expired", json_pack("{s:o}", "offer", json_of_hash(&s->deal.id)));
	assert_null(fx_of(s->b, FX_CALL, TAG_OFFER, 0));
	pass(s->b, 10);
	send_message(s->b, "expired", expired(s));
	read_posted(s);
	assert_false(hash_eq(&before, &s->offer.id));
	acknowledge(s, SOLVER, "open");
	assert_int_equal(need(s->b, FX_TIMER, TAG_QUEUE)->delay.ms, 20000);
	pass(s->b, 20);
	send_message(s->b, "expired", expired(s));
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_MATCH_NONE);
}

/* A job for one provider alone: an offer that denies it would wait for nobody. */
static void declined_by_the_one_it_is_for(void **state)
{
	struct stage *s = *state;

	s->req.offer.target = s->b->addr[RP];
	to_agreed(s);
	send_deal_event(s->b, &s->deal.id, DEAL_DECLINED, 0, 0);
	assert_null(fx_of(s->b, FX_CALL, TAG_OFFER, 0));
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_DECLINED);
	assert_int_equal(job_row(s).attempt, 1);
}

static void no_more_than_five(void **state)
{
	static const enum party next[] = {RP2, STRANGER, DIRECTORY, SOLVER};
	struct stage *s = *state;

	to_agreed(s);
	for (unsigned i = 0; i < CREATOR_ATTEMPTS_MAX - 1; i++) {
		send_deal_event(s->b, &s->deal.id, DEAL_DECLINED, 0, 0);
		read_posted(s);
		assert_int_equal(s->offer.offer.deny.n, i + 1);
		acknowledge(s, SOLVER, "open");
		make_deal(s, next[i]);
		send_message(s->b, "deal", deal_message(s, SOLVER));
		assert_state(s, JOB_MATCHED);
		send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	}
	assert_int_equal(job_row(s).attempt, CREATOR_ATTEMPTS_MAX);
	send_deal_event(s->b, &s->deal.id, DEAL_DECLINED, 0, 0);
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_DECLINED);
}

static void submit_timeout_is_triggered(void **state)
{
	struct stage *s = *state;

	to_agreed(s);
	pass(s->b, 599);
	send_clock(s->b);
	assert_null(submitted(s->b, ACTION_TIMEOUT));
	pass(s->b, 1);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_TIMEOUT));
	send_clock(s->b);
	assert_null(submitted(s->b, ACTION_TIMEOUT));
}

static void never_opened(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	pass(s->b, 300);
	send_clock(s->b);
	assert_state(s, JOB_MATCHED); /* an event may still be on its way */
	pass(s->b, 5);
	send_clock(s->b);
	assert_state(s, JOB_POSTED);
	read_posted(s);
	assert_int_equal(s->offer.offer.nonce, 2);
}

/* ---- no match ------------------------------------------------------------------------------------------------- */

static void nobody_takes_it(void **state)
{
	struct stage *s = *state;
	struct creator_job row;
	struct fx *f;

	to_posted(s);
	pass(s->b, 30);
	send_timer(s->b, (struct tag){.what = TAG_QUEUE, .key = s->job});
	f = need(s->b, FX_CALL, TAG_WHY);
	assert_string_equal(f->method, "GET");
	send_reply(s->b, f->tag, 200,
	        json_pack("{s:[{s:s, s:s, s:i}, {s:s, s:s, s:i}]}", "reasons", "reason", "RAM",
	                "text", "has too little memory", "count", 2, "reason", "PRICE_BASE", "text",
	                "asks a higher base price", "count", 1));
	assert_true(asks(need(s->b, FX_CALL, TAG_WITHDRAW), "/cancel"));
	assert_state(s, JOB_FAILED);
	row = job_row(s);
	assert_int_equal(row.error, E_MATCH_NONE);
	assert_non_null(strstr(row.why, "2: has too little memory; 1: asks a higher base price"));
	/* A match that comes now binds nobody. */
	make_deal(s, RP);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_int_equal(s->b->fx.n, 0);
}

static void only_the_price(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	send_timer(s->b, (struct tag){.what = TAG_QUEUE, .key = s->job});
	send_reply(s->b, need(s->b, FX_CALL, TAG_WHY)->tag, 200,
	        json_pack("{s:[{s:s, s:s, s:i}]}", "reasons", "reason", "PRICE_BASE", "text",
	                "asks a higher base price", "count", 1));
	assert_int_equal(job_row(s).error, E_PRICE_LOW);
}

static void matched_while_asking_why(void **state)
{
	struct stage *s = *state;
	struct tag tag;

	to_posted(s);
	send_timer(s->b, (struct tag){.what = TAG_QUEUE, .key = s->job});
	tag = need(s->b, FX_CALL, TAG_WHY)->tag;
	make_deal(s, RP);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	send_reply(s->b, tag, 200, json_pack("{s:[]}", "reasons"));
	assert_state(s, JOB_MATCHED);
}

/* The queue time runs on after a match that came to nothing. */
static void dissolved(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	pass(s->b, 40);
	send_timer(
	        s->b, (struct tag){.what = TAG_QUEUE, .key = s->job}); /* matched: means nothing */
	assert_int_equal(s->b->fx.n, 0);
	send_message(s->b, "dissolved",
	        json_pack("{s:o, s:s}", "id", json_of_hash(&s->deal.id), "reason", "no signature"));
	assert_state(s, JOB_POSTED);
	read_posted(s);
	assert_int_equal(s->offer.offer.nonce, 1);
	acknowledge(s, SOLVER, "open");
	assert_int_equal(need(s->b, FX_TIMER, TAG_QUEUE)->delay.ms, 0);
}

static void dissolved_and_opened_all_the_same(void **state)
{
	struct stage *s = *state;

	to_matched(s);
	send_message(s->b, "dissolved", json_pack("{s:o}", "id", json_of_hash(&s->deal.id)));
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	assert_state(s, JOB_AGREED);
	make_result(s, RP);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	assert_state(s, JOB_FETCHING);
}

/* ---- the solver and the directory fail ------------------------------------------------------------------------- */

static void solver_refuses_the_offer(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	send_refusal(s->b, (struct tag){.what = TAG_OFFER, .key = s->offer.id}, E_FUNDS);
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_FUNDS);
}

static void solver_is_starting(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	send_refusal(s->b, (struct tag){.what = TAG_OFFER, .key = s->offer.id}, E_BUSY);
	need(s->b, FX_TIMER, TAG_RETRY);
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	read_posted(s);
	assert_int_equal(s->offer.offer.nonce, 1);
}

static void forged_acknowledgement(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	acknowledge(s, STRANGER, "open");
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_SIGNATURE);
}

static void offer_fell_out_of_the_book(void **state)
{
	struct stage *s = *state;

	to_posted(s);
	acknowledge(s, SOLVER, "expired");
	read_posted(s);
	assert_int_equal(s->offer.offer.nonce, 2);
	assert_int_equal(s->offer.offer.deny.n, 0);
}

static void directory_takes_nothing(void **state)
{
	struct stage *s = *state;
	struct tag tag;

	to_storing(s);
	s->job = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag.key;
	for (unsigned i = 0; i < 7; i++) {
		tag = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag;
		send_tree_failed(s->b, tag, E_DISK_FULL);
		if (i < 6) {
			need(s->b, FX_TIMER, TAG_RETRY);
			send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
		}
	}
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_DISK_FULL);
	assert_int_equal(fx_count(s->b, FX_CALL), 0);
}

/* ---- cancel, detach --------------------------------------------------------------------------------------------- */

static void cancelled_before_a_match(void **state)
{
	struct stage *s = *state;
	struct offer_cancel doc;
	struct sig sig;
	struct err e;
	json_t *j;

	to_posted(s);
	creator_cancel(s->c);
	send_timer(s->b, (struct tag){.what = TAG_CANCEL});
	j = body_of(need(s->b, FX_CALL, TAG_WITHDRAW));
	assert_true(json_get_record(j, "cancel", offer_cancel_record(), &doc, &e));
	assert_true(json_get_sig(j, "signature", &sig, &e));
	assert_true(signed_check(
	        &s->b->domain, offer_cancel_record(), &doc, &sig, &s->b->addr[JC], &e));
	assert_true(hash_eq(&doc.offer, &s->offer.id));
	json_decref(j);
	assert_state(s, JOB_CANCELLED);
	need(s->b, FX_EXIT, 0);
}

static void too_late_to_cancel(void **state)
{
	struct stage *s = *state;

	to_agreed(s);
	creator_cancel(s->c);
	send_timer(s->b, (struct tag){.what = TAG_CANCEL});
	assert_state(s, JOB_AGREED);
	assert_noted(s, "CANCEL", "too late");
	/* But no further provider is tried. */
	send_deal_event(s->b, &s->deal.id, DEAL_DECLINED, 0, 0);
	assert_state(s, JOB_FAILED);
	assert_int_equal(job_row(s).error, E_DECLINED);
}

static void detached(void **state)
{
	struct stage *s = *state;
	static const uint8_t nobody[16];
	uint8_t owner[16];

	s->config.detach = true;
	to_posted(s);
	need(s->b, FX_EXIT, 0);
	memcpy(owner, job_row(s).owner, 16);
	assert_memory_equal(owner, nobody, 16);
	take_over(s);
	assert_noted(s, "TAKEN_OVER", "POSTED");
	read_posted(s);
	acknowledge(s, SOLVER, "taken");
	make_deal(s, RP);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_state(s, JOB_MATCHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(whole_way),
	        T(same_key),
	        T(same_key_after_a_failure_for_nothing),
	        T(cap_per_day),
	        T(cap_counts_what_an_ended_job_cost),
	        T(matches_that_do_not_follow),
	        T(match_without_a_signature),
	        T(match_for_another_offer),
	        T(second_match_of_one_offer),
	        T(results_that_do_not_count),
	        T(output_of_other_bytes),
	        T(declined),
	        T(late),
	        T(declined_and_no_other),
	        T(declined_for_want_of_a_directory),
	        T(next_attempt_has_its_queue_time),
	        T(expired_at_the_solver),
	        T(declined_by_the_one_it_is_for),
	        T(no_more_than_five),
	        T(submit_timeout_is_triggered),
	        T(never_opened),
	        T(nobody_takes_it),
	        T(only_the_price),
	        T(matched_while_asking_why),
	        T(dissolved),
	        T(dissolved_and_opened_all_the_same),
	        T(solver_refuses_the_offer),
	        T(solver_is_starting),
	        T(forged_acknowledgement),
	        T(offer_fell_out_of_the_book),
	        T(directory_takes_nothing),
	        T(cancelled_before_a_match),
	        T(too_late_to_cancel),
	        T(detached),
	};

	return cmocka_run_group_tests_name("creator", tests, NULL, NULL);
}
