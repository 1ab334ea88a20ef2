/* relay_test.c - what is handed in, what the ledger says of it, and what is counted. */
#include "port/world_suite.h"

#include "port/action_json.h"
#include "relay/relay.h"

enum { QUOTA = 3, QUOTA_ALL = 5 };

struct stage {
	struct bench *b;
	struct relay_config config;
	struct relay *r;
	uint64_t conn;
};

static void open_relay(struct stage *s)
{
	struct err e;

	if (!relay_new(&s->b->world, &s->config, &s->r, &e))
		fail_msg("%s", e.msg);
	s->b->role = relay_role(s->r);
	send_start(s->b);
}

static int set_up(void **state)
{
	struct stage *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->b = bench_new(SOLVER, relay_tables);
	s->config = (struct relay_config){.quota = QUOTA, .quota_all = QUOTA_ALL, .queue = 4};
	open_relay(s);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *s = *state;

	relay_free(s->r);
	bench_free(s->b);
	free(s);
	return 0;
}

/* The end of a deadline of some deal: an action that anybody may send. */
static json_t *action_of(uint8_t deal, struct hash *id)
{
	struct action a = {.kind = ACTION_TIMEOUT, .deal_id = {{deal}}};

	action_id(&a, id);
	return action_to_json(&a);
}

static void request(struct stage *s, enum party who, unsigned route, const char *param, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("");
	struct http_req q = {.conn.v = ++s->conn,
	        .route = route,
	        .account = s->b->addr[who],
	        .params = {str_of(param)},
	        .body = str_bytes(str_of(text))};

	send_event(s->b, &(struct event){.kind = EV_REQUEST, .request = &q});
	json_decref(j);
	free(text);
}

static struct hash hand_in(struct stage *s, enum party who, uint8_t deal)
{
	struct hash id;
	json_t *a = action_of(deal, &id);

	request(s, who, 0, "", json_pack("{s:o}", "action", a));
	return id;
}

static void say(struct stage *s, const struct hash *id, enum ledger_stage stage, enum err_code code)
{
	struct ledger_note n = {
	        .stage = stage, .action_id = *id, .failed = code && stage != LEDGER_DROPPED};

	if (stage == LEDGER_INCLUDED || stage == LEDGER_FINAL)
		n.tx.b[0] = 0x77;
	if (code)
		(void)err_set(&n.err, code, 0, __FILE__, __LINE__, "says the ledger");
	send_note(s->b, &n);
}

/* The answer of the last event, of the connection that it is for. */
static void expect(struct stage *s, uint64_t conn, int status, const char *key, const char *value)
{
	struct fx *f = need(s->b, FX_REPLY, 0);
	json_t *j = body_of(f);

	assert_int_equal(f->conn.v, conn);
	assert_int_equal(f->status, status);
	assert_string_equal(json_text(j, key), value);
	json_decref(j);
}

static void expect_state(struct stage *s, const struct hash *id, const char *state)
{
	char text[HASH_TEXT_MAX];

	hash_format(id, text);
	request(s, STRANGER, 1, text, NULL);
	expect(s, s->conn, 200, "state", state);
}

static void expect_used(struct stage *s, enum party who, int used)
{
	json_t *j;

	request(s, who, 2, "", NULL);
	j = body_of(need(s->b, FX_REPLY, 0));
	assert_int_equal(json_number(j, "used"), used);
	json_decref(j);
}

static void test_carried(void **state)
{
	struct stage *s = *state;
	struct hash id = hand_in(s, JC, 1);

	/* No answer until the ledger has tried it. */
	assert_int_equal(fx_count(s->b, FX_REPLY), 0);
	assert_non_null(submitted(s->b, ACTION_TIMEOUT));
	say(s, &id, LEDGER_PENDING, E_NONE);
	expect(s, 1, 200, "state", "pending");
	say(s, &id, LEDGER_INCLUDED, E_NONE);
	assert_int_equal(fx_count(s->b, FX_REPLY), 0);
	expect_state(s, &id, "included");
	say(s, &id, LEDGER_FINAL, E_NONE);
	expect_state(s, &id, "final");
	/* What is over stays as it is, and the same again is the same. */
	say(s, &id, LEDGER_DROPPED, E_NONCE);
	expect_state(s, &id, "final");
	hand_in(s, RP, 1);
	assert_int_equal(fx_count(s->b, FX_SUBMIT), 0);
	expect(s, s->conn, 200, "state", "final");
	expect_used(s, JC, 1);
	expect_used(s, RP, 0);
}

/* Twice while it is tried: both are answered, it is submitted once. */
static void test_twice_at_once(void **state)
{
	struct stage *s = *state;
	struct hash id = hand_in(s, JC, 1);

	hand_in(s, JC, 1);
	assert_int_equal(fx_count(s->b, FX_SUBMIT), 0);
	expect(s, 1, 200, "state", "taken");
	say(s, &id, LEDGER_PENDING, E_NONE);
	expect(s, 2, 200, "state", "pending");
	expect_used(s, JC, 1);
}

static void test_refused_by_the_contract(void **state)
{
	struct stage *s = *state;
	struct hash id = hand_in(s, JC, 1);

	say(s, &id, LEDGER_DROPPED, E_NONCE);
	expect(s, 1, err_http(E_NONCE), "code", "NONCE");
	expect_state(s, &id, "dropped");
	expect_used(s, JC, 1);
	/* It may be handed in again, and is tried again. */
	hand_in(s, JC, 1);
	assert_int_equal(fx_count(s->b, FX_SUBMIT), 1);
	say(s, &id, LEDGER_PENDING, E_NONE);
	expect(s, s->conn, 200, "state", "pending");
	/* Included, and refused there: over all the same. */
	say(s, &id, LEDGER_INCLUDED, E_STATE);
	say(s, &id, LEDGER_FINAL, E_STATE);
	expect_state(s, &id, "failed");
}

static void test_the_chain_is_away(void **state)
{
	struct stage *s = *state;
	struct hash id = hand_in(s, JC, 1);

	say(s, &id, LEDGER_DROPPED, E_UNREACHABLE);
	expect(s, 1, err_http(E_UNREACHABLE), "code", "UNREACHABLE");
	expect_used(s, JC, 0);
}

static void test_quota(void **state)
{
	struct stage *s = *state;
	struct hash id;

	for (uint8_t i = 0; i < QUOTA; i++) {
		id = hand_in(s, JC, i);
		say(s, &id, LEDGER_FINAL, E_NONE);
	}
	hand_in(s, JC, 100);
	expect(s, s->conn, err_http(E_QUOTA), "code", "QUOTA");
	/* Others have theirs, until all together have had what there is. */
	for (uint8_t i = QUOTA; i < QUOTA_ALL; i++) {
		id = hand_in(s, RP, i);
		say(s, &id, LEDGER_FINAL, E_NONE);
	}
	hand_in(s, RP2, 101);
	expect(s, s->conn, err_http(E_QUOTA), "code", "QUOTA");
	pass(s->b, 86400);
	hand_in(s, JC, 100);
	assert_int_equal(fx_count(s->b, FX_SUBMIT), 1);
	expect_used(s, JC, 1);
}

static void test_queue(void **state)
{
	struct stage *s = *state;
	enum party who[] = {JC, RP, RP2, MEDIATOR};

	for (uint8_t i = 0; i < 4; i++)
		hand_in(s, who[i], i);
	hand_in(s, DIRECTORY, 9);
	expect(s, s->conn, err_http(E_BUSY), "code", "BUSY");
}

static void test_listed(void **state)
{
	struct stage *s = *state;

	relay_free(s->r);
	s->config.accounts = &s->b->addr[JC];
	s->config.accounts_n = 1;
	open_relay(s);
	hand_in(s, RP, 1);
	expect(s, s->conn, err_http(E_FORBIDDEN), "code", "FORBIDDEN");
	hand_in(s, JC, 1);
	assert_int_equal(fx_count(s->b, FX_SUBMIT), 1);
}

static void test_garbage(void **state)
{
	struct stage *s = *state;
	static const char *const bad[] = {"{}", "[]", "5", "{\"action\":5}", "{\"action\":{}}",
	        "{\"action\":{\"kind\":\"timeout\"}}", "{\"action\":{\"kind\":\"mint\"}}",
	        "{\"action\":{\"kind\":\"timeout\",\"dealId\":\"0x1\"}}"};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e;
		json_t *j;

		assert_true(json_parse(str_of(bad[i]), &j, &e));
		request(s, JC, 0, "", j);
		assert_int_equal(fx_count(s->b, FX_SUBMIT), 0);
		expect(s, s->conn, 400, "code", "JSON_VALUE");
	}
	expect_used(s, JC, 0);
}

/* What was on its way is submitted again; what was over is not. */
static void test_restart(void **state)
{
	struct stage *s = *state;
	struct hash a = hand_in(s, JC, 1), b = hand_in(s, JC, 2), c = hand_in(s, JC, 3);

	say(s, &b, LEDGER_PENDING, E_NONE);
	say(s, &c, LEDGER_FINAL, E_NONE);
	relay_free(s->r);
	open_relay(s);
	assert_int_equal(fx_count(s->b, FX_SUBMIT), 2);
	say(s, &a, LEDGER_PENDING, E_NONE);
	assert_int_equal(fx_count(s->b, FX_REPLY), 0); /* who waited has gone with the process */
	say(s, &b, LEDGER_FINAL, E_NONE);
	expect_state(s, &a, "pending");
	expect_state(s, &b, "final");
	expect_used(s, JC, 3);
}

/* An answer that takes too long says what is known. */
static void test_slow(void **state)
{
	struct stage *s = *state;
	struct fx *f;

	hand_in(s, JC, 1);
	f = need(s->b, FX_TIMER, 0);
	pass(s->b, 20);
	send_timer(s->b, f->tag);
	expect(s, 1, 200, "state", "taken");
}

static void test_what_ended_goes(void **state)
{
	struct stage *s = *state;
	struct hash a = hand_in(s, JC, 1), b = hand_in(s, JC, 2);
	struct relay_action row = {.id = a};
	struct err e;

	say(s, &a, LEDGER_FINAL, E_NONE);
	pass(s->b, 8 * 86400);
	send_timer(s->b, (struct tag){.what = 2});
	assert_false(kept_get(s->b, relay_action_record(), &row, &e));
	/* What is still on its way stays. */
	expect_state(s, &b, "taken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_carried, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_twice_at_once, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_refused_by_the_contract, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_the_chain_is_away, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_quota, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_queue, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_listed, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_garbage, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_slow, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_what_ended_goes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
