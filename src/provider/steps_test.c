/* steps_test.c - what goes wrong between the signature and the money: fetches, runs, pushes, deadlines,
 * a ledger that refuses or is away, and a process that ends at every step. */
#include "provider/provider_suite.h"

static struct tag retry_of(struct stage *s)
{
	return (struct tag){.what = TAG_RETRY, .key = s->id};
}

static void assert_declined(struct stage *s, uint8_t reason)
{
	const struct action *a = submitted(s->b, ACTION_DECLINE);
	struct err e;

	assert_non_null(a);
	assert_int_equal(a->decline.reason, reason);
	assert_true(signed_check(
	        &s->b->domain, decline_record(), &a->decline, &a->doc_sig, &s->b->addr[RP], &e));
	assert_true(asks(need(s->b, FX_CALL, TAG_DECLINE), "/decline"));
	assert_true(addr_is_zero(&need(s->b, FX_CALL, TAG_DECLINE)->audience));
	assert_int_equal(work_row(s).state, WORK_DECLINING);
}

/* ---- fetching ------------------------------------------------------------------------------------------- */

static void fetch_fails_for_good(void **state)
{
	struct stage *s = *state;
	struct tag tag;
	int64_t delay = 0;

	make_deal(s);
	send_signed_by(s, JC);
	for (unsigned i = 0; i < 5; i++) {
		tag = need(s->b, FX_FETCH, 0)->tag;
		send_tree_failed(s->b, tag, E_UNREACHABLE);
		assert_true(need(s->b, FX_TIMER, TAG_RETRY)->delay.ms > delay);
		delay = need(s->b, FX_TIMER, TAG_RETRY)->delay.ms;
		send_timer(s->b, retry_of(s));
	}
	tag = need(s->b, FX_FETCH, 0)->tag;
	send_tree_failed(s->b, tag, E_UNREACHABLE);
	assert_refused(s, "no tree");
}

static void fetch_works_the_second_time(void **state)
{
	struct stage *s = *state;
	struct tag tag;

	make_deal(s);
	send_signed_by(s, JC);
	tag = need(s->b, FX_FETCH, 0)->tag;
	send_tree_failed(s->b, tag, E_BLOCK_CORRUPT);
	send_timer(s->b, retry_of(s));
	serve_all(s);
	assert_int_equal(work_row(s).state, WORK_SIGNED);
}

/* A directory that says "done" and gave nothing is not asked for ever. */
static void fetch_that_brings_nothing(void **state)
{
	struct stage *s = *state;
	unsigned n = 0;

	make_deal(s);
	send_signed_by(s, JC);
	serve_fetches(s->b);
	while (fx_count(s->b, FX_FETCH) && ++n < 100) {
		struct tag tags[4];
		unsigned k = 0;

		for (; k < 4 && fx_of(s->b, FX_FETCH, 0, k); k++)
			tags[k] = fx_of(s->b, FX_FETCH, 0, k)->tag;
		for (unsigned i = 0; i < k; i++) {
			struct tree_done t = {.tag = tags[i], .ok = true};

			send_event(s->b, &(struct event){.kind = EV_TREE, .tree = &t});
		}
	}
	assert_true(n < 20);
	assert_refused(s, "cannot be fetched whole");
}

/* ---- compiling ------------------------------------------------------------------------------------------- */

/* A program that cannot be compiled here is none of our deals: nothing is signed, so nothing can be lost. */
static void program_that_does_not_compile(void **state)
{
	struct stage *s = *state;

	make_deal(s);
	send_signed_by(s, JC);
	while (serve_fetches(s->b))
		;
	need(s->b, FX_RUN, TAG_TRY);
	send_tried(s, false);
	assert_refused(s, "cannot be compiled");
}

static void compiled_once(void **state)
{
	struct stage *s = *state;

	to_signed(s);
	make_deal(s);
	send_signed_by(s, JC);
	while (serve_fetches(s->b))
		assert_null(fx_of(s->b, FX_RUN, TAG_TRY, 0));
	assert_int_equal(work_row(s).state, WORK_SIGNED);
}

/* The solver gives the match up meanwhile: how it ends tells nothing. */
static void dissolved_while_it_compiles(void **state)
{
	struct stage *s = *state;

	make_deal(s);
	send_signed_by(s, JC);
	while (serve_fetches(s->b))
		;
	send_message(s->b, "dissolved", json_pack("{s:o}", "id", json_of_hash(&s->id)));
	send_tried(s, true);
	assert_int_equal(s->b->fx.n, 0);
	assert_int_equal(work_row(s).state, WORK_LOST);
}

/* ---- running and publishing ----------------------------------------------------------------------------- */

static void run_fails(void **state)
{
	struct stage *s = *state;

	to_running(s);
	for (unsigned i = 0; i < 5; i++) {
		send_run(s, false);
		need(s->b, FX_TIMER, TAG_RETRY);
		assert_null(submitted(s->b, ACTION_DECLINE));
		send_timer(s->b, retry_of(s));
		need(s->b, FX_RUN, TAG_RUN);
	}
	send_run(s, false);
	assert_declined(s, REASON_HOST_FAILURE);
	assert_null(fx_of(s->b, FX_KILL_RUN, 0, 0)); /* it has ended */
	send_deal_event(s->b, &s->id, DEAL_DECLINED, 0, 0);
	assert_int_equal(work_row(s).state, WORK_DONE);
	assert_int_equal(status_number(s, "declined"), 1);
	restart(s);
	assert_int_equal(status_number(s, "declined"), 1);
}

/* A directory that says no is believed in the end. */
static void push_fails(void **state)
{
	struct stage *s = *state;
	struct tag tag;

	to_ran(s);
	for (unsigned i = 0; i < 5; i++) {
		tag = need(s->b, FX_PUSH, TAG_PUSH)->tag;
		send_tree_failed(s->b, tag, E_QUOTA);
		send_timer(s->b, retry_of(s));
	}
	tag = need(s->b, FX_PUSH, TAG_PUSH)->tag;
	send_tree_failed(s->b, tag, E_QUOTA);
	assert_declined(s, REASON_DIRECTORY_UNAVAILABLE);
}

/* One that is out of reach is tried until the submit timeout is near. */
static void push_reaches_nobody(void **state)
{
	struct stage *s = *state;
	struct tag tag;

	to_ran(s);
	for (unsigned i = 0; i < 30; i++) {
		tag = need(s->b, FX_PUSH, TAG_PUSH)->tag;
		send_tree_failed(s->b, tag, E_UNREACHABLE);
		assert_null(submitted(s->b, ACTION_DECLINE));
		assert_true(need(s->b, FX_TIMER, TAG_RETRY)->delay.ms <= 16000);
		send_timer(s->b, retry_of(s));
	}
	pass(s->b, 595);
	send_clock(s->b);
	assert_string_equal(need(s->b, FX_EMIT, 0)->name, "warning");
	assert_declined(s, REASON_DIRECTORY_UNAVAILABLE);
}

/* As long as it takes no outputs no other deal is signed, and the solver may ask again. */
static void no_deal_while_the_directory_is_away(void **state)
{
	struct stage *s = *state;

	to_ran(s);
	send_tree_failed(s->b, need(s->b, FX_PUSH, TAG_PUSH)->tag, E_UNREACHABLE);
	make_deal(s);
	send_signed_by(s, JC);
	serve_all(s);
	assert_refused(s, "does not take outputs");
	pass(s->b, 31);
	send_clock(s->b);
	to_signed(s);
}

static void stored_that_does_not_count(void **state)
{
	struct stage *s = *state;
	struct stored good, st;

	to_ran(s);
	good = st = stored_of(s);
	send_stored(s, &st, STRANGER);
	need(s->b, FX_TIMER, TAG_RETRY);
	st.deal = hash_no(5);
	send_stored(s, &st, DIRECTORY);
	st = good;
	st.output = hash_no(5);
	send_stored(s, &st, DIRECTORY);
	st = good;
	st.keep_until.s = s->b->ledger.s + s->config.genesis.life.s - 1; /* 6.8 */
	send_stored(s, &st, DIRECTORY);
	send_pushed(s->b, (struct tag){.what = TAG_PUSH, .key = s->id}, NULL);
	assert_int_equal(work_row(s).state, WORK_RAN);
	assert_null(submitted(s->b, ACTION_RESULT));
	send_stored(s, &good, DIRECTORY);
	assert_non_null(submitted(s->b, ACTION_RESULT));
}

static void output_above_the_byte_limit(void **state)
{
	struct stage *s = *state;
	struct run_done r = {.ok = true,
	        .status = STATUS_COMPLETED,
	        .count = 5,
	        .tree = {.codec = CID_DAG_PB, .digest = hash_no(77)},
	        .tree_bytes = 9901,
	        .input_bytes = 100};

	to_running(s);
	r.tag = (struct tag){.what = TAG_RUN, .key = s->id};
	send_event(s->b, &(struct event){.kind = EV_RUN, .run = &r});
	assert_int_equal(work_row(s).status, STATUS_BANDWIDTH_EXCEEDED);
	assert_int_equal(work_row(s).bytes, 100);
	assert_int_equal(work_row(s).state, WORK_RAN);
}

static void one_slot(void **state)
{
	struct stage *s = *state;
	struct hash first, second;

	to_running(s);
	first = s->id;
	to_signed(s);
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	second = s->id;
	assert_int_equal(fx_count(s->b, FX_RUN), 0);
	s->id = first;
	send_run(s, true);
	assert_true(hash_eq(&need(s->b, FX_RUN, TAG_RUN)->tag.key, &second));
	assert_true(hash_eq(&need(s->b, FX_PUSH, TAG_PUSH)->tag.key, &first));
}

/* The slot of a declined job goes to the next one as soon as its process has ended. */
static void declined_job_is_killed(void **state)
{
	struct stage *s = *state;
	struct hash first, second;
	struct fx *f;

	to_running(s);
	first = s->id;
	to_signed(s);
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 3000);
	second = s->id;
	pass(s->b, 595);
	send_clock(s->b);
	f = need(s->b, FX_KILL_RUN, TAG_RUN);
	assert_int_equal(fx_count(s->b, FX_KILL_RUN), 1);
	assert_true(hash_eq(&f->tag.key, &first));
	assert_int_equal(status_number(s, "running"), 1);
	s->id = first;
	assert_int_equal(work_row(s).state, WORK_DECLINING);
	pass(s->b, 40);
	send_timer(s->b, retry_of(s)); /* declined again: killed again as long as it runs */
	need(s->b, FX_KILL_RUN, TAG_RUN);
	send_run(s, false);
	assert_true(hash_eq(&need(s->b, FX_RUN, TAG_RUN)->tag.key, &second));
	assert_null(fx_of(s->b, FX_TIMER, TAG_RETRY, 0));
	assert_int_equal(status_number(s, "running"), 1);
	send_timer(s->b, retry_of(s));
	assert_null(fx_of(s->b, FX_KILL_RUN, 0, 0));
	assert_int_equal(work_row(s).state, WORK_DECLINING);
}

/* So does that of a deal which the ledger ends, though nobody knows its deal any more. */
static void job_of_an_ended_deal_is_killed(void **state)
{
	struct stage *s = *state;

	to_running(s);
	send_deal_event(s->b, &s->id, DEAL_TIMEOUT_SUBMIT, 0, 0);
	assert_true(hash_eq(&need(s->b, FX_KILL_RUN, TAG_RUN)->tag.key, &s->id));
	assert_int_equal(status_number(s, "running"), 1);
	send_run(s, true);
	assert_int_equal(s->b->fx.n, 0);
	assert_int_equal(status_number(s, "running"), 0);
	assert_int_equal(work_row(s).state, WORK_DONE);
}

/* ---- deadlines ------------------------------------------------------------------------------------------ */

static void submit_timeout_is_near(void **state)
{
	struct stage *s = *state;

	to_running(s);
	pass(s->b, 594);
	send_clock(s->b);
	assert_int_equal(s->b->fx.n, 0);
	pass(s->b, 1); /* 600 less two of confirmation and three to spare */
	send_clock(s->b);
	assert_declined(s, REASON_OUT_OF_TIME);
	/* The run that ends now changes nothing. */
	send_run(s, true);
	assert_int_equal(work_row(s).state, WORK_DECLINING);
	assert_null(fx_of(s->b, FX_PUSH, 0, 0));
}

static void submit_timeout_has_passed(void **state)
{
	struct stage *s = *state;

	to_stored(s);
	pass(s->b, 599);
	send_clock(s->b);
	assert_int_equal(s->b->fx.n, 0); /* a result is on its way */
	pass(s->b, 1);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_TIMEOUT)); /* what is left of the bond comes back */
	send_deal_event(s->b, &s->id, DEAL_TIMEOUT_SUBMIT, 0, 0);
	assert_int_equal(work_row(s).state, WORK_DONE);
	assert_int_equal(status_number(s, "failed"), 1);
}

static void judge_timeout_has_passed(void **state)
{
	struct stage *s = *state;

	to_stored(s);
	send_deal_event(s->b, &s->id, DEAL_RESULTS_SUBMITTED, 0, s->b->ledger.s + 600);
	pass(s->b, 599);
	send_clock(s->b);
	assert_int_equal(s->b->fx.n, 0);
	pass(s->b, 1);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_TIMEOUT));
	pass(s->b, 5);
	send_clock(s->b);
	assert_int_equal(s->b->fx.n, 0); /* asked once */
	pass(s->b, 30);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_TIMEOUT)); /* and again, should it have been lost */
	send_deal_event(s->b, &s->id, DEAL_TIMEOUT_JUDGE, 1000, 0);
	assert_true(amount_eq(work_row(s).earned, left_of_1000(s)));
	assert_int_equal(status_number(s, "paid"), 1);
}

/* ---- the ledger ----------------------------------------------------------------------------------------- */

static struct hash id_of(const struct action *a)
{
	struct hash id;

	assert_non_null(a);
	action_id(a, &id);
	return id;
}

/* Out of reach, in trouble, or the action's block vanished. */
static void ledger_is_away(void **state)
{
	static const enum err_code again[] = {E_UNREACHABLE, E_STALE, E_PEER, E_INTERNAL};
	struct stage *s = *state;
	struct hash action;

	to_signed(s);
	for (unsigned i = 0; i < 20; i++) {
		action = id_of(submitted(s->b, ACTION_OPEN));
		send_dropped(s->b, &action, again[i % COUNT(again)]);
		need(s->b, FX_TIMER, TAG_RETRY);
		send_timer(s->b, retry_of(s));
	}
	assert_non_null(submitted(s->b, ACTION_OPEN));
}

/* With both signatures out the deal may still be opened by another, until open_by. */
static void open_is_refused(void **state)
{
	struct stage *s = *state;
	struct hash action;

	to_signed(s);
	action = id_of(submitted(s->b, ACTION_OPEN));
	send_dropped(s->b, &action, E_FUNDS);
	assert_int_equal(work_row(s).state, WORK_SIGNED);
	pass(s->b, 299);
	send_clock(s->b);
	assert_int_equal(s->b->fx.n, 0);
	pass(s->b, 1);
	send_clock(s->b);
	action = id_of(submitted(s->b, ACTION_OPEN)); /* asked once more */
	send_dropped(s->b, &action, E_TOO_LATE);
	assert_int_equal(work_row(s).state, WORK_LOST);
	assert_int_equal(status_number(s, "unfinished"), 0);
}

static void open_is_refused_and_another_opens(void **state)
{
	struct stage *s = *state;
	struct hash action;

	to_signed(s);
	action = id_of(submitted(s->b, ACTION_OPEN));
	send_dropped(s->b, &action, E_FUNDS);
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	need(s->b, FX_RUN, TAG_RUN);
}

/* ---- a process that ends -------------------------------------------------------------------------------- */

static void restart_while_fetching(void **state)
{
	struct stage *s = *state;

	make_deal(s);
	send_signed_by(s, JC);
	restart(s);
	assert_true(hash_eq(&need(s->b, FX_TIMER, TAG_RETRY)->tag.key, &s->id));
	send_timer(s->b, retry_of(s));
	serve_all(s);
	/* Nothing is signed before the ledger has told its time. */
	assert_int_equal(work_row(s).state, WORK_FETCHING);
	need(s->b, FX_TIMER, TAG_RETRY);
	send_clock(s->b);
	send_timer(s->b, retry_of(s));
	assert_non_null(submitted(s->b, ACTION_OPEN));
}

static void restart_when_signed(void **state)
{
	struct stage *s = *state;
	struct sig before;

	to_signed(s);
	before = work_row(s).rp_sig;
	restart(s);
	send_timer(s->b, retry_of(s));
	assert_memory_equal(&submitted(s->b, ACTION_OPEN)->rp_sig, &before, sizeof before);
	need(s->b, FX_CALL, TAG_SIGNATURE);
}

static void restart_when_running(void **state)
{
	struct stage *s = *state;

	to_running(s);
	restart(s);
	send_timer(s->b, retry_of(s));
	need(s->b, FX_RUN, TAG_RUN); /* what ran is lost and was not charged */
	send_run(s, true);
	assert_int_equal(work_row(s).state, WORK_RAN);
}

static void restart_when_it_has_run(void **state)
{
	struct stage *s = *state;
	struct provider_work before;
	const struct action *a;
	struct stored st;

	to_ran(s);
	before = work_row(s);
	restart(s);
	send_clock(s->b);
	send_timer(s->b, retry_of(s));
	assert_int_equal(fx_count(s->b, FX_RUN), 0); /* never twice for money */
	need(s->b, FX_PUSH, TAG_PUSH);
	st = stored_of(s);
	send_stored(s, &st, DIRECTORY);
	a = submitted(s->b, ACTION_RESULT);
	assert_true(a->result.count == before.count && a->result.status == before.status);
	assert_true(hash_eq(&a->result.output.tree, &before.tree));
	/* Signed only now: of what had run before, nothing could be shown yet. */
	assert_int_equal(before.result_sig.n, 0);
	before = work_row(s);
	assert_true(a->result_sig.n > 0 && !hash_is_zero(&before.secret));
}

static void restart_when_stored(void **state)
{
	struct stage *s = *state;
	struct sig before;

	to_stored(s);
	before = submitted(s->b, ACTION_RESULT)->result_sig;
	restart(s);
	send_timer(s->b, retry_of(s));
	assert_int_equal(fx_count(s->b, FX_RUN) + fx_count(s->b, FX_PUSH), 0);
	assert_memory_equal(&submitted(s->b, ACTION_RESULT)->result_sig, &before, sizeof before);
	send_deal_event(s->b, &s->id, DEAL_RESULTS_SUBMITTED, 0, s->b->ledger.s + 600);
	restart(s);
	send_timer(s->b, retry_of(s));
	assert_null(submitted(s->b, ACTION_RESULT)); /* the ledger has it */
	need(s->b, FX_CALL, TAG_RESULT);             /* the solver may not */
}

/* Nobody but the solver tells the JC what the output is. */
static void result_is_told_until_it_is_taken(void **state)
{
	struct tag result = {.what = TAG_RESULT}, signature = {.what = TAG_SIGNATURE};
	struct tag timer = {.what = TAG_TELL};
	struct stage *s = *state;

	to_stored(s);
	timer.key = result.key = signature.key = s->id;
	send_reply(s->b, signature, 200, json_object());
	send_silence(s->b, result);
	assert_true(need(s->b, FX_TIMER, TAG_TELL)->delay.ms <= 5000);
	send_timer(s->b, timer);
	assert_int_equal(fx_count(s->b, FX_CALL), 1); /* the signature is there already */
	need(s->b, FX_CALL, TAG_RESULT);
	send_refusal(s->b, result, E_BUSY);
	need(s->b, FX_TIMER, TAG_TELL);
	send_timer(s->b, timer);
	send_reply(s->b, result, 200, json_object());
	assert_null(fx_of(s->b, FX_TIMER, TAG_TELL, 0));
	send_timer(s->b, timer);
	assert_int_equal(fx_count(s->b, FX_CALL), 0);
}

/* What it refuses for good it is not asked again. */
static void result_is_refused_by_the_solver(void **state)
{
	struct stage *s = *state;
	struct tag result = {.what = TAG_RESULT}, timer = {.what = TAG_TELL};

	to_stored(s);
	timer.key = result.key = s->id;
	send_refusal(s->b, result, E_RESULT);
	assert_null(fx_of(s->b, FX_TIMER, TAG_TELL, 0));
	send_timer(s->b, timer);
	assert_null(fx_of(s->b, FX_CALL, TAG_RESULT, 0));
}

/* More than the effects of one event: the start is spread over several. */
static void restart_with_many_deals(void **state)
{
	enum { MANY = 600 };
	struct stage *s = *state;
	struct store rows = store_memory_port(s->b->rows);
	unsigned timers = 0, events = 0;
	struct err e;

	to_stored(s);
	for (uint32_t i = 1; i < MANY; i++) {
		struct provider_work w = work_row(s);
		struct provider_deal d = {.id = w.id};

		assert_true(rows.get(rows.self, provider_deal_record(), &d, &e));
		d.id = w.id = hash_no(1000 + i);
		assert_true(rows.put(rows.self, provider_deal_record(), &d, &e));
		assert_true(rows.put(rows.self, provider_work_record(), &w, &e));
	}
	restart(s);
	for (;;) {
		bool more = fx_of(s->b, FX_TIMER, TAG_RESUME, 0) != NULL;

		assert_true(s->b->fx.n <= EFFECTS_MAX);
		events++;
		for (unsigned i = 0; fx_of(s->b, FX_TIMER, TAG_RETRY, i); i++)
			timers++;
		if (!more)
			break;
		send_timer(s->b, (struct tag){.what = TAG_RESUME});
	}
	assert_int_equal(timers, MANY);
	assert_true(events > 2);
}

static void restart_when_declining(void **state)
{
	struct stage *s = *state;

	to_running(s);
	pass(s->b, 596);
	send_clock(s->b);
	assert_declined(s, REASON_OUT_OF_TIME);
	restart(s);
	send_timer(s->b, retry_of(s));
	assert_declined(s, REASON_OUT_OF_TIME);
}

static void restart_after_the_directory_was_dropped(void **state)
{
	struct stage *s = *state;

	to_ran(s);
	s->config.directories_n = 0;
	restart(s);
	send_timer(s->b, retry_of(s));
	assert_declined(s, REASON_DIRECTORY_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(fetch_fails_for_good),
	        T(fetch_works_the_second_time),
	        T(fetch_that_brings_nothing),
	        T(program_that_does_not_compile),
	        T(compiled_once),
	        T(dissolved_while_it_compiles),
	        T(run_fails),
	        T(push_fails),
	        T(push_reaches_nobody),
	        T(no_deal_while_the_directory_is_away),
	        T(result_is_told_until_it_is_taken),
	        T(result_is_refused_by_the_solver),
	        T(stored_that_does_not_count),
	        T(output_above_the_byte_limit),
	        T(one_slot),
	        T(declined_job_is_killed),
	        T(job_of_an_ended_deal_is_killed),
	        T(submit_timeout_is_near),
	        T(submit_timeout_has_passed),
	        T(judge_timeout_has_passed),
	        T(ledger_is_away),
	        T(open_is_refused),
	        T(open_is_refused_and_another_opens),
	        T(restart_while_fetching),
	        T(restart_when_signed),
	        T(restart_when_running),
	        T(restart_when_it_has_run),
	        T(restart_when_stored),
	        T(restart_with_many_deals),
	        T(restart_when_declining),
	        T(restart_after_the_directory_was_dropped),
	};

	return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
