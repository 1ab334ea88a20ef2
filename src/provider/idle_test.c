/* idle_test.c - what the operator is told when no job comes, and of what came. */
#include "provider/provider_suite.h"

enum { STATUS, DEALS };

static void ask_as(struct stage *s, unsigned route, uint64_t conn, const char *query)
{
	struct http_req r = {.conn = {conn}, .route = route, .query = str_of(query)};

	send_event(s->b, &(struct event){.kind = EV_REQUEST, .request = &r});
}

static json_t *an_answer(void)
{
	return json_pack("{s:i, s:i, s:[]}", "waiting", 61, "lookedAt", 61, "reasons");
}

static void test_asks_the_solver(void **state)
{
	struct stage *s = *state;
	struct fx *f;
	struct tag tag;
	json_t *j;

	pass(s->b, 720);
	ask_as(s, STATUS, 7, "");
	f = need(s->b, FX_CALL, TAG_IDLE);
	assert_true(asks(f, "/idle"));
	assert_true(addr_eq(&f->audience, &s->b->addr[SOLVER]));
	assert_null(fx_of(s->b, FX_REPLY, 0, 0));
	tag = f->tag;
	/* A second one waits for the same answer. */
	ask_as(s, STATUS, 8, "");
	assert_int_equal(s->b->fx.n, 0);
	send_reply(s->b, tag, 200, an_answer());
	assert_int_equal(fx_count(s->b, FX_REPLY), 2);
	f = fx_of(s->b, FX_REPLY, 0, 1);
	assert_int_equal(f->conn.v, 8);
	j = body_of(f);
	assert_int_equal(json_integer_value(json_object_get(j, "idleSeconds")), 720);
	assert_int_equal(
	        json_integer_value(json_object_get(json_object_get(j, "idle"), "waiting")), 61);
	json_decref(j);
	/* Good for some seconds, then it is asked again. */
	pass(s->b, 4);
	ask_as(s, STATUS, 9, "");
	assert_null(fx_of(s->b, FX_CALL, TAG_IDLE, 0));
	json_decref(body_of(need(s->b, FX_REPLY, 0)));
	pass(s->b, 2);
	ask_as(s, STATUS, 10, "");
	need(s->b, FX_CALL, TAG_IDLE);
}

static void test_no_answer(void **state)
{
	struct stage *s = *state;
	json_t *j;

	ask_as(s, STATUS, 7, "");
	send_silence(s->b, need(s->b, FX_CALL, TAG_IDLE)->tag);
	j = body_of(need(s->b, FX_REPLY, 0));
	assert_true(json_is_null(json_object_get(j, "idle")));
	assert_string_equal(json_string_value(json_object_get(j, "idleUnknown")), "nobody answers");
	json_decref(j);
	/* Not for each one who asks. */
	ask_as(s, STATUS, 8, "");
	assert_null(fx_of(s->b, FX_CALL, TAG_IDLE, 0));
	pass(s->b, 6);
	ask_as(s, STATUS, 9, "");
	send_reply(s->b, need(s->b, FX_CALL, TAG_IDLE)->tag, 200, json_array());
	j = body_of(need(s->b, FX_REPLY, 0));
	assert_true(json_is_null(json_object_get(j, "idle")));
	assert_true(strlen(json_string_value(json_object_get(j, "idleUnknown"))) > 10);
	json_decref(j);
}

/* Many who ask at once are bounded: those past it get what is known. */
static void test_many_ask(void **state)
{
	struct stage *s = *state;
	struct tag tag;

	ask_as(s, STATUS, 1, "");
	tag = need(s->b, FX_CALL, TAG_IDLE)->tag;
	for (uint64_t i = 2; i <= IDLE_WAITING_MAX; i++) {
		ask_as(s, STATUS, i, "");
		assert_null(fx_of(s->b, FX_REPLY, 0, 0));
	}
	ask_as(s, STATUS, 99, "");
	assert_int_equal(need(s->b, FX_REPLY, 0)->conn.v, 99);
	send_reply(s->b, tag, 200, an_answer());
	assert_int_equal(fx_count(s->b, FX_REPLY), IDLE_WAITING_MAX);
}

static void test_busy_is_not_idle(void **state)
{
	struct stage *s = *state;
	json_t *j;

	to_running(s);
	pass(s->b, 100);
	ask_as(s, STATUS, 7, "");
	assert_null(fx_of(s->b, FX_CALL, TAG_IDLE, 0));
	j = body_of(need(s->b, FX_REPLY, 0));
	assert_int_equal(json_integer_value(json_object_get(j, "idleSeconds")), 0);
	assert_string_equal(json_string_value(json_object_get(j, "state")), "EARNING");
	json_decref(j);
	send_run(s, true);
	pass(s->b, 30);
	assert_int_equal(status_number(s, "idleSeconds"), 30);
}

static void test_jobs(void **state)
{
	struct stage *s = *state;
	char query[128], hex[HASH_TEXT_MAX];
	json_t *j, *row;

	to_ran(s);
	ask_as(s, DEALS, 7, "");
	j = body_of(need(s->b, FX_REPLY, 0));
	assert_true(json_is_false(json_object_get(j, "more")));
	assert_int_equal(json_array_size(json_object_get(j, "deals")), 1);
	row = json_array_get(json_object_get(j, "deals"), 0);
	hash_format(&s->job.module, hex);
	assert_string_equal(json_string_value(json_object_get(row, "module")), hex);
	assert_string_equal(json_string_value(json_object_get(row, "count")), "4321");
	assert_string_equal(json_string_value(json_object_get(row, "status")), "Completed");
	assert_int_equal(
	        json_integer_value(json_object_get(row, "created")), wall_seconds(s->b->wall));
	json_decref(j);
	hash_format(&s->id, hex);
	snprintf(query, sizeof query, "after=%s", hex);
	ask_as(s, DEALS, 7, query);
	j = body_of(need(s->b, FX_REPLY, 0));
	assert_int_equal(json_array_size(json_object_get(j, "deals")), 0);
	json_decref(j);
	ask_as(s, DEALS, 7, "after=12");
	assert_int_equal(need(s->b, FX_REPLY, 0)->status / 100, 4);
	ask_as(s, DEALS, 7, "before=12");
	assert_int_equal(need(s->b, FX_REPLY, 0)->status / 100, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_asks_the_solver),
	        T(test_no_answer),
	        T(test_many_ask),
	        T(test_busy_is_not_idle),
	        T(test_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
