/* check_test.c - which results are run again, and what becomes of those that differ (protocol 7.6, 7.7). */
#include "creator/creator_suite.h"
#include "port/outcome.h"

/* An engine is here, and the policy is that. */
static void checks(struct stage *s, const char *policy)
{
	struct err e;

	assert_true(audit_parse(str_of(policy), &s->req.check, &e));
	s->config.can_run = true;
	s->config.checks = 1;
	s->config.share_ppm = PPM_ONE;
}

/* The job as far as its check, which is to be run now. */
static void to_checking(struct stage *s)
{
	to_agreed(s);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	assert_int_equal(serve_fetches(s->b), 1);
	assert_state(s, JOB_CHECKING);
	need(s->b, FX_RUN, TAG_CHECK);
}

/* What our own run comes to: as the result says, unless the test changes it. */
static struct run_done own_run(struct stage *s)
{
	return (struct run_done){.tag = {.what = TAG_CHECK, .key = s->job},
	        .ok = true,
	        .status = s->result.result.status,
	        .count = s->result.result.count,
	        .tree = s->output.cid,
	        .tree_bytes = s->output.tree_bytes};
}

static void send_own(struct stage *s, const struct run_done *r)
{
	send_event(s->b, &(struct event){.kind = EV_RUN, .run = r});
}

/* Another output in our own blob store. */
static struct unixfs_node other_output(struct stage *s)
{
	const struct unixfs_path files[] = {
	        {STR("stdout"), str_bytes(STR("hallo\n")), false},
	        {STR("stderr"), str_bytes(STR("")), false},
	        {STR("exitCode"), str_bytes(STR("0\n")), false},
	};

	return plant(s->b->local, files, COUNT(files));
}

static struct creator_provider record(struct stage *s)
{
	struct creator_provider row = {.provider = s->b->addr[RP]};
	struct err e;

	creator_keep_all(s->c);
	if (!kept_get(s->b, creator_provider_record(), &row, &e))
		memset(&row, 0, sizeof row);
	return row;
}

/* It names the result as the test has it. */
static void assert_result(struct stage *s, const struct hash *named)
{
	struct hash h;

	eip712_hash(result_record(), &s->result.result, &h);
	assert_true(hash_eq(&h, named));
}

/* What the buyer gets. */
static void assert_tree(struct stage *s, struct hash tree)
{
	struct creator_job j = job_row(s);

	assert_true(hash_eq(&j.tree, &tree));
}

/* ---- the draw ------------------------------------------------------------------------------------------------ */

static void never(void **state)
{
	struct stage *s = *state;

	checks(s, "never");
	to_judged(s);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
	assert_noted(s, "JUDGED", "asked for no check");
	assert_int_equal(record(s).unchecked, 1);
	assert_int_equal(record(s).good, 0);
}

static void not_drawn(void **state)
{
	struct stage *s = *state;

	checks(s, "1/1000000");
	to_judged(s);
	assert_noted(s, "JUDGED", "not drawn for audit (1 in 1000000)");
	assert_int_equal(job_row(s).audit, JOB_AUDIT_NOT_DRAWN);
	assert_int_equal(job_row(s).audit_ppm, 1);
}

/* 7.6: 1 at n = 0. */
static void a_stranger_is_always_checked(void **state)
{
	struct stage *s = *state;

	checks(s, "certainty=0");
	to_checking(s);
	assert_int_equal(job_row(s).audit_ppm, PPM_ONE);
}

static void nothing_to_run_it_with(void **state)
{
	struct stage *s = *state;

	checks(s, "always");
	s->config.can_run = false;
	to_judged(s);
	assert_noted(s, "JUDGED", "no engine here");
}

static void without_a_mediator_nothing_is_checked(void **state)
{
	struct stage *s = *state;

	checks(s, "always");
	no_mediator(s);
	to_judged(s);
	assert_noted(s, "JUDGED", "no mediator");
}

/* ---- the run ------------------------------------------------------------------------------------------------- */

static void the_same(void **state)
{
	struct stage *s = *state;
	struct run_done r;
	const struct action *a;

	checks(s, "always");
	to_checking(s);
	r = own_run(s);
	send_own(s, &r);
	a = submitted(s->b, ACTION_ACCEPT);
	assert_non_null(a);
	assert_true(a->result_sig.n > 0);
	assert_state(s, JOB_JUDGED);
	assert_int_equal(job_row(s).audit, JOB_AUDIT_GOOD);
	assert_int_equal(job_row(s).exit_code, 3);
	assert_int_equal(record(s).good, 1);
	assert_int_equal(record(s).right, 1);
}

/* 2.9: a provider may charge less. */
static void charged_less(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	checks(s, "always");
	to_checking(s);
	r = own_run(s);
	r.count++;
	send_own(s, &r);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
}

static void differs(void **state, uint8_t claim, const char *word,
        void (*change)(struct stage *s, struct run_done *own))
{
	struct stage *s = *state;
	const struct action *a;
	struct run_done r;
	struct hash salt;

	checks(s, "always");
	to_checking(s);
	r = own_run(s);
	change(s, &r);
	send_own(s, &r);
	assert_null(submitted(s->b, ACTION_ACCEPT));
	assert_null(submitted(s->b, ACTION_CHECK));
	assert_noted(s, "DISPUTED", word);
	send_submitted(s);
	a = submitted(s->b, ACTION_CHECK);
	assert_non_null(a);
	assert_int_equal(a->check.claim, claim);
	assert_result(s, &a->check.result);
	assert_true(signed_check(&s->b->domain, check_record(), &a->check, &a->doc_sig,
	        &s->b->addr[JC], &(struct err){0}));
	salt = a->check.salt;
	assert_false(hash_is_zero(&salt));
	/* Another process, which the ledger tells the same, sends the same one. */
	take_over(s);
	s->b->seq--;
	send_submitted(s);
	a = submitted(s->b, ACTION_CHECK);
	assert_non_null(a);
	assert_true(hash_eq(&a->check.salt, &salt));
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_CHECKED, 0, s->b->ledger.s + 600);
	assert_state(s, JOB_DISPUTED);
	assert_int_equal(job_row(s).audit, JOB_AUDIT_BAD);
}

static void other_tree(struct stage *s, struct run_done *own)
{
	own->tree = other_output(s).cid;
}
static void other_status(struct stage *s, struct run_done *own)
{
	(void)s;
	own->status = STATUS_EXCEPTION_OCCURRED;
}
static void lower_count(struct stage *s, struct run_done *own)
{
	(void)s;
	own->count--;
}

static void another_output(void **state)
{
	differs(state, RULING_RESULT_WRONG, "exitCode", other_tree);
}
static void another_status(void **state)
{
	differs(state, RULING_STATUS_WRONG, "ExceptionOccurred", other_status);
}
static void charged_more(void **state)
{
	differs(state, RULING_TOO_MUCH_CHARGED, "500 instructions", lower_count);
}

/* The executor fails: tried again, and in the end what cannot be checked is accepted. */
static void it_cannot_be_run(void **state)
{
	struct stage *s = *state;
	struct run_done r = {.ok = false};
	unsigned n = 0;

	checks(s, "always");
	to_checking(s);
	r.tag = (struct tag){.what = TAG_CHECK, .key = s->job};
	(void)FAIL(&r.err, EXECUTOR, "no sandbox");
	for (; n < 20 && job_row(s).state == JOB_CHECKING; n++) {
		send_own(s, &r);
		if (fx_of(s->b, FX_TIMER, TAG_RETRY, 0))
			send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	}
	assert_int_equal(n, 7);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
	assert_noted(s, "JUDGED", "no sandbox");
	assert_int_equal(job_row(s).audit, JOB_AUDIT_IMPOSSIBLE);
}

/* Its blobs went with the process that bought it: the directory has the parts. */
static void another_process_fetches_the_parts(void **state)
{
	struct stage *s = *state;
	struct creator_job j;
	struct cid spec;
	uint64_t bytes;
	struct err e;

	checks(s, "always");
	to_checking(s);
	j = job_row(s);
	spec = cid_raw(&j.spec);
	assert_true(blobs_copy(s->b->local, s->b->remote, &spec, BLOCK_MAX, &bytes, &e));
	spec = cid_tree(&s->spec.program);
	assert_true(blobs_copy(s->b->local, s->b->remote, &spec, 1 << 20, &bytes, &e));
	blobs_clear(s->b);
	take_over(s);
	assert_int_equal(serve_fetches(s->b), 1);
	assert_int_equal(serve_fetches(s->b), 1);
	need(s->b, FX_RUN, TAG_CHECK);
}

/* The directory is away: asked until the deadline is near, and accepted only then. */
static void parts_out_of_reach(void **state)
{
	struct stage *s = *state;

	checks(s, "always");
	to_checking(s);
	send_submitted(s);
	assert_state(s, JOB_CHECKING);
	blobs_clear(s->b);
	take_over(s);
	for (unsigned i = 0; i < 20; i++) {
		send_tree_failed(
		        s->b, (struct tag){.what = TAG_PART, .key = s->job}, E_UNREACHABLE);
		assert_true(need(s->b, FX_TIMER, TAG_RETRY)->delay.ms <= 16000);
		send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
		need(s->b, FX_FETCH, TAG_PART);
	}
	assert_state(s, JOB_CHECKING);
	pass(s->b, 580);
	send_clock(s->b);
	assert_state(s, JOB_JUDGED);
	assert_noted(s, "JUDGED", "its deadline is near");
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
}

/* ---- what is kept from us --------------------------------------------------------------------------------------- */

/* The result is on the ledger and nobody shows it: our own run tells what it is worth. */
static void result_that_is_not_shown(void **state)
{
	struct stage *s = *state;
	struct run_done r;
	const struct action *a;
	uint64_t bytes;
	struct err e;

	checks(s, "never");
	to_submitted(s);
	pass(s->b, 120);
	send_clock(s->b);
	assert_state(s, JOB_CHECKING);
	need(s->b, FX_RUN, TAG_CHECK);
	assert_true(blobs_copy(s->b->remote, s->b->local, &s->output.cid, 1 << 20, &bytes, &e));
	r = own_run(s);
	send_own(s, &r);
	a = submitted(s->b, ACTION_ACCEPT);
	assert_non_null(a);
	assert_int_equal(a->result_sig.n, 0);
	assert_result(s, &a->acceptance.result);
	/* The output is here all the same. */
	assert_tree(s, s->output.cid.digest);
	assert_int_equal(job_row(s).exit_code, 3);
}

static void false_result_that_is_not_shown(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	checks(s, "never");
	to_submitted(s);
	pass(s->b, 120);
	send_clock(s->b);
	r = own_run(s);
	r.tree = other_output(s).cid;
	send_own(s, &r);
	assert_non_null(submitted(s->b, ACTION_CHECK));
	assert_state(s, JOB_DISPUTED);
}

/* One result is shown to us and another one submitted: what counts is what is paid for. */
static void shown_a_wrong_one_and_submitted_the_right_one(void **state)
{
	struct stage *s = *state;
	struct run_done r;
	const struct action *a;
	struct hash right;

	checks(s, "always");
	to_agreed(s);
	right = s->output.cid.digest;
	r = own_run(s);
	s->result.result.count += 9;
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	assert_int_equal(serve_fetches(s->b), 1);
	send_own(s, &r);
	assert_state(s, JOB_DISPUTED);
	s->result.result.count -= 9;
	send_submitted(s);
	assert_null(submitted(s->b, ACTION_CHECK));
	a = submitted(s->b, ACTION_ACCEPT);
	assert_non_null(a);
	assert_result(s, &a->acceptance.result);
	assert_tree(s, right);
	assert_state(s, JOB_JUDGED);
}

/* And the other way round: what was shown looked right, what is submitted is not. */
static void shown_the_right_one_and_submitted_a_wrong_one(void **state)
{
	struct stage *s = *state;
	struct run_done r;
	const struct action *a;

	checks(s, "always");
	to_checking(s);
	r = own_run(s);
	s->result.result.count += 9;
	send_submitted(s);
	send_own(s, &r);
	a = submitted(s->b, ACTION_CHECK);
	assert_non_null(a);
	assert_int_equal(a->check.claim, RULING_TOO_MUCH_CHARGED);
	assert_result(s, &a->check.result);
}

/* The directory gives nothing: a provider that did it right is paid, and we have the output. */
static void output_that_is_not_served(void **state)
{
	struct stage *s = *state;
	struct run_done r;
	uint64_t bytes;
	struct err e;

	checks(s, "1/1000000");
	to_fetching(s);
	for (unsigned i = 0; i < 20 && fx_of(s->b, FX_FETCH, TAG_FETCH, 0); i++) {
		send_tree_failed(s->b, need(s->b, FX_FETCH, TAG_FETCH)->tag, E_NOT_FOUND);
		if (fx_of(s->b, FX_TIMER, TAG_RETRY, 0))
			send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	}
	assert_state(s, JOB_CHECKING);
	assert_true(blobs_copy(s->b->remote, s->b->local, &s->output.cid, 1 << 20, &bytes, &e));
	r = own_run(s);
	send_own(s, &r);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
	assert_int_equal(job_row(s).exit_code, 3);
}

/* ---- deadlines -------------------------------------------------------------------------------------------------- */

static void undecided_when_the_deadline_is_near(void **state)
{
	struct stage *s = *state;

	checks(s, "always");
	to_checking(s);
	send_submitted(s);
	pass(s->b, 560);
	send_clock(s->b);
	assert_state(s, JOB_CHECKING);
	pass(s->b, 30);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
	assert_noted(s, "JUDGED", "deadline is near");
	assert_int_equal(record(s).good, 0);
}

/* Paid for at the last moment, and never seen: that is no success. */
static void paid_for_what_was_never_seen(void **state)
{
	struct stage *s = *state;

	checks(s, "always");
	s->config.can_run = false;
	to_submitted(s);
	pass(s->b, 590);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_ACCEPT));
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_ACCEPTED, 50, 0);
	assert_state(s, JOB_DONE);
	assert_int_equal(job_row(s).error, E_TIMEOUT);
	assert_true(amount_eq(job_row(s).cost, amount_of(50)));
}

/* What cannot be watched is told: how many deals, and the first deadline. */
static void ledger_out_of_reach(void **state)
{
	struct stage *s = *state;
	struct ledger_note n = {.stage = LEDGER_DOWN};
	char deadline[32];

	(void)FAIL(&n.err, UNREACHABLE, "nobody answers");
	to_submitted(s);
	snprintf(deadline, sizeof deadline, "%llu", (unsigned long long)s->b->ledger.s + 600);
	send_note(s->b, &n);
	assert_string_equal(need(s->b, FX_EMIT, 0)->name, "warning");
	assert_non_null(strstr(s->b->said, "1 deal has a deadline"));
	assert_non_null(strstr(s->b->said, deadline));
}

/* ---- rulings ---------------------------------------------------------------------------------------------------- */

static void to_disputed(struct stage *s)
{
	struct run_done r;

	checks(s, "always");
	to_checking(s);
	r = own_run(s);
	r.tree = other_output(s).cid;
	send_own(s, &r);
	send_submitted(s);
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_CHECKED, 0, s->b->ledger.s + 600);
}

static void ruled(void **state, enum deal_state to, enum err_code code)
{
	struct stage *s = *state;

	to_disputed(s);
	send_deal_event(s->b, &s->deal.id, to, 50, 0);
	assert_state(s, JOB_DONE);
	assert_int_equal(job_row(s).error, code);
	assert_ended_by(s, s->b->seq - 2);
}

static void provider_at_fault(void **state)
{
	struct stage *s = *state;

	ruled(state, DEAL_MEDIATION_REJECTED, E_REJECTED);
	assert_int_equal(record(s).faults, 1);
	assert_int_equal(record(s).good, 0);
	/* The buyer gets the right output: his own. */
	assert_tree(s, other_output(s).cid.digest);
	assert_int_equal(job_row(s).exit_code, 0);
}
static void provider_right(void **state)
{
	struct stage *s = *state;

	ruled(state, DEAL_MEDIATION_ACCEPTED, E_DISPUTE_LOST);
	assert_int_equal(record(s).vindicated, 1);
	assert_int_equal(record(s).faults, 0);
	assert_tree(s, s->output.cid.digest);
}
static void job_faulty(void **state)
{
	ruled(state, DEAL_MEDIATION_JOB_FAULTY, E_JOB_FAULTY);
}
static void no_ruling(void **state)
{
	struct stage *s = *state;

	ruled(state, DEAL_TIMEOUT_MEDIATE, E_NO_RULING);
	assert_int_equal(record(s).unruled, 1);
}

static void the_mediator_is_silent(void **state)
{
	struct stage *s = *state;

	to_disputed(s);
	pass(s->b, 601);
	send_clock(s->b);
	assert_non_null(submitted(s->b, ACTION_TIMEOUT));
}

static void the_dispute_came_too_late(void **state)
{
	struct stage *s = *state;

	to_disputed(s);
	s->b->seq++;
	send_deal_event(s->b, &s->deal.id, DEAL_TIMEOUT_JUDGE, 50, 0);
	assert_state(s, JOB_DONE);
	assert_int_equal(job_row(s).error, E_TOO_LATE);
}

/* A provider that failed to deliver while we disputed what it had shown: the next one, with a clean sheet. */
static void disputed_and_never_submitted(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	checks(s, "always");
	to_checking(s);
	r = own_run(s);
	r.count--;
	send_own(s, &r);
	assert_state(s, JOB_DISPUTED);
	send_deal_event(s->b, &s->deal.id, DEAL_TIMEOUT_SUBMIT, 0, 0);
	assert_state(s, JOB_POSTED);
	assert_int_equal(job_row(s).claim, 0);
	assert_int_equal(job_row(s).own_status, 0);
	assert_int_equal(record(s).late, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(never),
	        T(not_drawn),
	        T(a_stranger_is_always_checked),
	        T(nothing_to_run_it_with),
	        T(without_a_mediator_nothing_is_checked),
	        T(the_same),
	        T(charged_less),
	        T(another_output),
	        T(another_status),
	        T(charged_more),
	        T(it_cannot_be_run),
	        T(another_process_fetches_the_parts),
	        T(parts_out_of_reach),
	        T(result_that_is_not_shown),
	        T(false_result_that_is_not_shown),
	        T(shown_a_wrong_one_and_submitted_the_right_one),
	        T(shown_the_right_one_and_submitted_a_wrong_one),
	        T(output_that_is_not_served),
	        T(undecided_when_the_deadline_is_near),
	        T(paid_for_what_was_never_seen),
	        T(ledger_out_of_reach),
	        T(provider_at_fault),
	        T(provider_right),
	        T(job_faulty),
	        T(no_ruling),
	        T(the_mediator_is_silent),
	        T(the_dispute_came_too_late),
	        T(disputed_and_never_submitted),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
