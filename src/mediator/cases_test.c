/* cases_test.c - what a mediator tells, and whom. */
#include "mediator/mediator_suite.h"

static const char *id_text(struct stage *s)
{
	static char text[HASH_TEXT_MAX];

	hash_format(&s->id, text);
	return text;
}

static const char *tree_text(const struct cid *cid)
{
	static char text[CID_TEXT_MAX];

	cid_format(cid, text);
	return text;
}

static void refused(
        struct stage *s, unsigned route, const char *param, enum party who, enum err_code code)
{
	struct fx *f = request(s, route, param, who);
	json_t *j;

	assert_non_null(f);
	assert_int_equal(f->kind, FX_REPLY);
	j = body_of(f);
	assert_int_equal(f->status, err_http(code));
	assert_string_equal(json_text(j, "code"), err_name(code));
	json_decref(j);
}

static void info(void **state)
{
	struct stage *s = *state;
	json_t *j;

	s->config.fee = amount_of(5);
	s->config.version = "9.9";
	restart(s);
	j = body_of(request(s, ROUTE_INFO_NO, "", STRANGER));
	assert_string_equal(json_text(j, "fee"), "5");
	assert_string_equal(json_text(j, "version"), "9.9");
	assert_string_equal(
	        json_string_value(json_array_get(json_object_get(j, "engines"), 0)), ENGINE);
	json_decref(j);
}

static void case_file(void **state)
{
	struct stage *s = *state;
	const enum party readers[] = {JC, RP, MEDIATOR};
	struct verdict v;
	struct sig sig;
	struct err e;

	differ(s, "mo0\n");
	to_answer(s);
	for (unsigned over = 0; over < 2; over++) {
		for (size_t i = 0; i < COUNT(readers); i++) {
			json_t *j = body_of(request(s, ROUTE_CASE_NO, id_text(s), readers[i]));
			const json_t *d = json_object_get(j, "difference");

			assert_string_equal(json_text(j, "ruling"), "ResultWrong");
			assert_string_equal(json_text(d, "path"), "outputs/a.txt");
			assert_string_equal(json_text(d, "kind"), "bytes");
			assert_string_equal(json_text(d, "offset"), "2");
			assert_string_equal(json_text(json_object_get(j, "run"), "output"),
			        tree_text(&s->own.cid));
			assert_string_equal(json_text(json_object_get(j, "provider"), "output"),
			        tree_text(&s->output.cid));
			assert_true(json_get_record(j, "verdict", verdict_record(), &v, &e));
			assert_true(json_get_sig(j, "verdictSignature", &sig, &e));
			assert_true(signed_check(&s->b->domain, verdict_record(), &v, &sig,
			        &s->b->addr[MEDIATOR], &e));
			assert_non_null(json_object_get(j, "deal"));
			assert_non_null(json_object_get(j, "result"));
			assert_non_null(json_object_get(j, "storedSignature"));
			assert_string_equal(json_text(j, "earned"), over ? "77" : "0");
			json_decref(j);
		}
		refused(s, ROUTE_CASE_NO, id_text(s), STRANGER, E_FORBIDDEN);
		refused(s, ROUTE_CASE_NO, id_text(s), SOLVER, E_FORBIDDEN);
		send_state(s, &s->id, DEAL_MEDIATION_REJECTED, &s->result_hash, 0);
	}
	refused(s, ROUTE_CASE_NO, "0x12", JC, E_ENCODING);
	s->id = hash_no(44);
	refused(s, ROUTE_CASE_NO, id_text(s), JC, E_NOT_FOUND);
}

/* A pass is shown as one: nothing was ruled. */
static void case_that_was_passed(void **state)
{
	struct stage *s = *state;
	json_t *j;

	to_ready(s);
	pass(s->b, MEDIATE_S - 32);
	send_clock(s->b);
	assert_pass(s, "no time left");
	j = body_of(request(s, ROUTE_CASE_NO, id_text(s), JC));
	assert_string_equal(json_text(j, "ruling"), "CannotRule");
	assert_null(json_object_get(j, "verdict"));
	assert_non_null(json_object_get(j, "passSignature"));
	assert_null(json_object_get(j, "run"));
	json_decref(j);
}

/* 6.8: the parties get the output that was judged, and what it should have been. */
static void trees(void **state)
{
	struct stage *s = *state;
	const enum party readers[] = {JC, RP};
	struct cid other = cid_tree(&s->spec.program);
	struct fx *f;

	differ(s, "mo0\n");
	to_answer(s);
	send_state(s, &s->id, DEAL_MEDIATION_REJECTED, &s->result_hash, 0);
	for (size_t i = 0; i < COUNT(readers); i++) {
		f = request(s, ROUTE_TREE_NO, tree_text(&s->output.cid), readers[i]);
		assert_int_equal(f->kind, FX_GIVE_TREE);
		assert_true(cid_eq(&f->root, &s->output.cid));
		f = request(s, ROUTE_TREE_NO, tree_text(&s->own.cid), readers[i]);
		assert_int_equal(f->kind, FX_GIVE_TREE);
	}
	refused(s, ROUTE_TREE_NO, tree_text(&s->output.cid), STRANGER, E_FORBIDDEN);
	refused(s, ROUTE_TREE_NO, tree_text(&s->own.cid), RP2, E_FORBIDDEN);
	/* The program is here as well, and no output. */
	refused(s, ROUTE_TREE_NO, tree_text(&other), JC, E_NOT_FOUND);
	refused(s, ROUTE_TREE_NO, "bafy", JC, E_ENCODING);
	blobs_clear(s->b);
	refused(s, ROUTE_TREE_NO, tree_text(&s->own.cid), JC, E_NOT_FOUND);
}

static json_t *listed(struct stage *s, const char *query)
{
	struct http_req r = {.route = ROUTE_CASES_NO, .query = str_of(query)};

	send_event(s->b, &(struct event){.kind = EV_REQUEST, .request = &r});
	return body_of(need(s->b, FX_REPLY, 0));
}

static void figures(void **state)
{
	struct stage *s = *state;
	struct buf b OWN(buf_done);

	buf_init(&b, 1 << 16);
	to_answer(s);
	send_state(s, &s->id, DEAL_MEDIATION_ACCEPTED, &s->result_hash, 0);
	make_deal(s);
	make_result(s);
	to_ready(s);
	mediator_metrics(s->m, &b);
	assert_non_null(strstr(buf_cstr(&b), "\nlilypad_mediator_cases_total 2\n"));
	assert_non_null(strstr(buf_cstr(&b), "\nlilypad_mediator_ruled_total 1\n"));
	assert_non_null(strstr(buf_cstr(&b), "\nlilypad_mediator_unanswered_cases 1\n"));
	assert_non_null(strstr(buf_cstr(&b), "\nlilypad_mediator_running_jobs 1\n"));
}

static void list(void **state)
{
	struct stage *s = *state;
	char query[128];
	json_t *j, *all;

	to_answer(s);
	send_state(s, &s->id, DEAL_MEDIATION_ACCEPTED, &s->result_hash, 0);
	make_deal(s);
	make_result(s);
	to_ready(s);
	j = listed(s, "");
	all = json_object_get(j, "cases");
	assert_int_equal(json_array_size(all), 2);
	assert_true(json_is_false(json_object_get(j, "more")));
	for (size_t i = 0; i < 2; i++) {
		const json_t *one = json_array_get(all, i);
		bool second = strcmp(json_text(one, "id"), id_text(s)) == 0;

		assert_string_equal(json_text(one, "state"), second ? "RUNNING" : "OVER");
		assert_string_equal(json_text(one, "ruling"), second ? "" : "ResultCorrect");
		assert_null(json_object_get(one, "deal"));
	}
	snprintf(query, sizeof query, "after=%s", json_text(json_array_get(all, 0), "id"));
	json_decref(j);
	j = listed(s, query);
	assert_int_equal(json_array_size(json_object_get(j, "cases")), 1);
	json_decref(j);
	j = listed(s, "before=1");
	assert_string_equal(json_text(j, "code"), "RANGE");
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(info), T(case_file), T(case_that_was_passed), T(trees), T(figures), T(list)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
