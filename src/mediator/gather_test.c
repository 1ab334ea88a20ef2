/* gather_test.c - the documents of a case: from whom, what is believed, and what is not ruled on here. */
#include "mediator/mediator_suite.h"

/* The solver's part, with one document of somebody else's making. */
static json_t *solver_with(struct stage *s, const char *key, json_t *value)
{
	json_t *j = solver_says(s);

	json_object_set_new(j, key, value);
	return j;
}

static json_t *directory_has_nothing(struct stage *s)
{
	json_t *j = deal_documents(s);

	json_object_set_new(j, "stored", json_array());
	return j;
}

/* ---- who is silent --------------------------------------------------------------------------------------- */

static void solver_is_silent(void **state)
{
	struct stage *s = *state;
	struct mediator_case c;

	send_checked(s);
	answer_with(s, TAG_SOLVER, NULL);
	answer_with(s, TAG_DIRECTORY, directory_says(s));
	c = case_row(s);
	assert_int_equal(c.state, CASE_FETCHING);
	assert_true(hash_eq(&c.tree, &s->output.cid.digest));
}

/* The first answer that is enough ends it; what comes later is not waited for. */
static void directory_is_silent(void **state)
{
	struct stage *s = *state;

	send_checked(s);
	answer_with(s, TAG_SOLVER, solver_says(s));
	assert_int_equal(case_row(s).state, CASE_FETCHING);
	assert_int_equal(fx_count(s->b, FX_FETCH), 1);
	answer_with(s, TAG_DIRECTORY, NULL);
	assert_int_equal(s->b->fx.n, 0);
}

static void all_are_silent(void **state)
{
	struct stage *s = *state;

	send_checked(s);
	for (int i = 0; i < 8; i++) {
		answer_with(s, TAG_SOLVER, NULL);
		answer_with(s, TAG_DIRECTORY, NULL);
		assert_int_equal(case_row(s).state, CASE_GATHERING);
		assert_int_equal(need(s->b, FX_TIMER, TAG_RETRY)->delay.ms, 500 << MIN2(i, 5));
		send_retry(s);
	}
	/* Without the deal there is nothing that a pass could be shown with. */
	pass(s->b, MEDIATE_S);
	send_clock(s->b);
	assert_silent(s);
	send_state(s, &s->id, DEAL_TIMEOUT_MEDIATE, &s->result_hash, 0);
	assert_int_equal(case_row(s).state, CASE_OVER);
	assert_int_equal(status_number(s, "missed"), 1);
}

/* The solver has not heard of the check, and shows what everybody may see. */
static void solver_is_behind(void **state)
{
	struct stage *s = *state;
	json_t *j;

	send_checked(s);
	answer_no(s, TAG_DIRECTORY, E_FORBIDDEN);
	j = json_pack("{s:o}", "deal", record_to_json(deal_record(), &s->deal));
	answer_with(s, TAG_SOLVER, j);
	assert_int_equal(case_row(s).state, CASE_GATHERING);
	send_retry(s);
	answer_with(s, TAG_SOLVER, solver_says(s));
	answer_with(s, TAG_DIRECTORY, NULL);
	assert_int_equal(case_row(s).state, CASE_FETCHING);
}

/* A directory that has not heard of the check has said nothing about what it stores. */
static void directory_is_behind(void **state)
{
	struct stage *s = *state;

	send_checked(s);
	for (int i = 0; i < 6; i++) {
		answer_with(s, TAG_SOLVER, deal_documents(s));
		answer_no(s, TAG_DIRECTORY, E_FORBIDDEN);
		assert_int_equal(case_row(s).state, CASE_GATHERING);
		send_retry(s);
	}
	answer_with(s, TAG_SOLVER, deal_documents(s));
	answer_with(s, TAG_DIRECTORY, directory_says(s));
	assert_int_equal(case_row(s).state, CASE_FETCHING);
}

/* Nobody can tell whether it is published: that is nobody's fault, when time runs out. */
static void directory_never_answers(void **state)
{
	struct stage *s = *state;

	send_checked(s);
	answer_with(s, TAG_SOLVER, deal_documents(s));
	answer_with(s, TAG_DIRECTORY, NULL);
	assert_int_equal(case_row(s).state, CASE_GATHERING);
	pass(s->b, MEDIATE_S - 32);
	send_clock(s->b);
	assert_pass(s, "no time left");
}

static void directory_stores_another_output(void **state)
{
	struct stage *s = *state;
	struct stored other = s->stored;
	struct sig sig;
	json_t *j;

	other.output = hash_no(66);
	sig = sign_as(s->b, DIRECTORY, stored_record(), &other);
	send_checked(s);
	for (int i = 0; i < 2; i++) {
		j = deal_documents(s);
		json_object_set_new(j, "stored",
		        json_pack("[{s:o, s:o}]", "stored", record_to_json(stored_record(), &other),
		                "signature", json_of_sig(&sig)));
		answer_with(s, TAG_SOLVER, deal_documents(s));
		answer_with(s, TAG_DIRECTORY, j);
		assert_int_equal(case_row(s).state, i ? CASE_FETCHING : CASE_GATHERING);
		if (i == 0)
			send_retry(s);
	}
	serve_fetches(s->b);
	serve_fetches(s->b);
	assert_verdict(s, RULING_RESULT_NOT_FOUND, "not published");
}

/* The solver is waited for as well, but not for ever. */
static void unpublished_and_the_solver_silent(void **state)
{
	struct stage *s = *state;
	int rounds = 0;

	send_checked(s);
	while (case_row(s).state == CASE_GATHERING) {
		assert_true(++rounds < 8);
		answer_with(s, TAG_SOLVER, NULL);
		answer_with(s, TAG_DIRECTORY, directory_has_nothing(s));
		if (case_row(s).state == CASE_GATHERING)
			send_retry(s);
	}
	assert_true(rounds >= 3);
	assert_int_equal(case_row(s).state, CASE_FETCHING);
}

/* ---- what is not believed -------------------------------------------------------------------------------- */

static json_t *sig_of(struct stage *s, enum party who, const struct record *r, const void *row)
{
	struct sig sig = sign_as(s->b, who, r, row);

	return json_of_sig(&sig);
}

static json_t *forged_deal(struct stage *s)
{
	struct deal d = s->deal;

	d.hot.fee = amount_of(1000000);
	return record_to_json(deal_record(), &d);
}

static json_t *stored_until(struct stage *s, struct btime until, json_t **sig)
{
	struct stored st = s->stored;

	st.keep_until = until;
	*sig = sig_of(s, DIRECTORY, stored_record(), &st);
	return record_to_json(stored_record(), &st);
}

/* The solver lies in one thing and the directory is silent: the case does not get on. */
static void not_believed(struct stage *s, json_t *says, const char *word)
{
	send_checked(s);
	s->b->said[0] = '\0';
	answer_with(s, TAG_SOLVER, says);
	if (!strstr(s->b->said, word))
		fail_msg("said \"%s\", not \"%s\"", s->b->said, word);
	answer_with(s, TAG_DIRECTORY, NULL);
	assert_int_equal(case_row(s).state, CASE_GATHERING);
	/* The next case is another deal. */
	send_state(s, &s->id, DEAL_TIMEOUT_MEDIATE, &s->result_hash, 0);
	s->tags_n = 0;
	make_deal(s);
	make_result(s);
}

static void lies(void **state)
{
	struct stage *s = *state;
	json_t *sig, *j;

	not_believed(s, solver_with(s, "deal", forged_deal(s)), "another deal");
	not_believed(s,
	        solver_with(s, "jobCreatorSignature", sig_of(s, STRANGER, deal_record(), &s->deal)),
	        "signed by");
	not_believed(s, solver_with(s, "providerSignature", sig_of(s, JC, deal_record(), &s->deal)),
	        "signed by");
	not_believed(s,
	        solver_with(s, "storedSignature", sig_of(s, SOLVER, stored_record(), &s->stored)),
	        "signed by");
	/* LIFE from the earliest instant at which the provider can have been told. */
	j = stored_until(
	        s, (struct btime){s->b->ledger.s - 1200 - 1 + s->config.genesis.life.s}, &sig);
	j = solver_with(s, "stored", j);
	json_object_set_new(j, "storedSignature", sig);
	not_believed(s, j, "keeps the output until");
	j = stored_until(s, (struct btime){s->b->ledger.s - 1200 + s->config.genesis.life.s}, &sig);
	j = solver_with(s, "stored", j);
	json_object_set_new(j, "storedSignature", sig);
	send_checked(s);
	answer_with(s, TAG_SOLVER, j);
	answer_with(s, TAG_DIRECTORY, NULL);
	assert_int_equal(case_row(s).state, CASE_FETCHING);
}

static void garbage(void **state)
{
	struct stage *s = *state;

	not_believed(s, json_pack("[s]", "providerSignature"), "");
	not_believed(s, json_pack("{s:s}", "providerSignature", "0x00"), "deal");
	not_believed(s, solver_with(s, "stored", json_string("x")), "stored");
	send_checked(s);
	answer_with(s, TAG_DIRECTORY, json_pack("{s:[s, i]}", "stored", "x", 3));
	answer_with(s, TAG_SOLVER, solver_says(s));
	assert_int_equal(case_row(s).state, CASE_FETCHING);
}

/* Another result than the one on the ledger is not the disputed one. */
static void another_result(void **state)
{
	struct stage *s = *state;
	struct result other = s->result;
	json_t *j;

	other.count = 1;
	j = solver_with(s, "result", record_to_json(result_record(), &other));
	json_object_set_new(j, "signature", sig_of(s, RP, result_record(), &other));
	not_believed(s, j, "another result");
}

/* ---- what is not for this mediator ----------------------------------------------------------------------- */

static void another_mediator(void **state)
{
	struct stage *s = *state;

	s->deal.cold.mediators.v[0] = s->b->addr[STRANGER];
	seal(s);
	send_checked(s);
	answer_with(s, TAG_SOLVER, solver_says(s));
	answer_with(s, TAG_DIRECTORY, directory_says(s));
	assert_int_equal(case_row(s).state, CASE_OVER);
	assert_silent(s);
	assert_int_equal(fx_count(s->b, FX_FETCH), 0);
	pass(s->b, MEDIATE_S);
	send_clock(s->b);
	assert_silent(s);
	assert_int_equal(status_number(s, "missed"), 0);
	restart(s);
	assert_int_equal(status_number(s, "missed"), 0);
}

static void passes(struct stage *s, const char *word)
{
	send_checked(s);
	answer_with(s, TAG_SOLVER, solver_says(s));
	if (case_row(s).state == CASE_GATHERING)
		answer_with(s, TAG_DIRECTORY, directory_says(s));
	while (case_row(s).state == CASE_FETCHING && serve_fetches(s->b))
		;
	assert_pass(s, word);
	assert_null(fx_of(s->b, FX_RUN, 0, 0));
	send_state(s, &s->id, DEAL_TIMEOUT_MEDIATE, &s->result_hash, 0);
	s->tags_n = 0;
}

static void low_fee(void **state)
{
	struct stage *s = *state;

	s->config.fee = amount_of(FEE + 1);
	restart(s);
	passes(s, "this mediator asks 78");
}

static void no_executor(void **state)
{
	struct stage *s = *state;

	s->config.engine[0] = '\0';
	restart(s);
	passes(s, "no executor");
}

static void another_engine(void **state)
{
	struct stage *s = *state;

	snprintf(s->deal.cold.engine, sizeof s->deal.cold.engine, "container/cpu-ms/x86_64");
	seal(s);
	passes(s, "container/cpu-ms/x86_64 is not run here");
}

static void stepped(void **state)
{
	struct stage *s = *state;

	s->result.output.checkpoint = hash_no(3);
	seal(s);
	passes(s, "stepped");
}

static void container(void **state)
{
	struct stage *s = *state;

	s->spec.executor = EXECUTOR_DOCKER;
	make_deal(s);
	make_result(s);
	passes(s, "docker");
}

static void too_much_memory(void **state)
{
	struct stage *s = *state;

	s->config.ram = s->spec.resources.ram - 1;
	restart(s);
	passes(s, "bytes of memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {T(solver_is_silent), T(directory_is_silent),
	        T(all_are_silent), T(solver_is_behind), T(directory_is_behind),
	        T(directory_never_answers), T(directory_stores_another_output),
	        T(unpublished_and_the_solver_silent), T(lies), T(garbage), T(another_result),
	        T(another_mediator), T(low_fee), T(no_executor), T(another_engine), T(stepped),
	        T(container), T(too_much_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
