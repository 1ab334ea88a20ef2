/* embedded_test.c - the port against a server on the same loop that answers as the embedded ledger does,
 * over the pure rules, and that can be stopped, slow, forgetful or wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "chain/embedded.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "http/server.h"
#include "ledger/ledger_play.h"
#include "port/action_json.h"
#include "port/peer.h"

enum { R_ACTIONS, R_EVENTS, R_PAGE, R_CLOCK, PAGE = 3, NOTES = 16384 };

static const struct route routes[] = {
        [R_ACTIONS] = {"POST", "/v1/actions", AUTH_NONE, BODY_JSON, HTTP_BODY_MAX, ""},
        [R_EVENTS] = {"GET", "/v1/events", AUTH_NONE, BODY_NONE, 0, ""},
        [R_PAGE] = {"GET", "/v1/events/page", AUTH_NONE, BODY_NONE, 0, ""},
        [R_CLOCK] = {"GET", "/v1/clock", AUTH_NONE, BODY_NONE, 0, ""},
};

struct net {
	uv_loop_t loop;
	struct play p;
	/* The server. */
	struct http_server *server;
	uint16_t port;
	struct ledger_event events[256];
	size_t n;
	unsigned posts, largest;
	enum { WELL, MUTE, NONSENSE } mood; /* towards POST */
	bool silent; /* emits nothing: whoever wants to know must read pages */
	/* The client. */
	struct http_client *client;
	struct ledger_port ledger;
	struct inbox inbox;
	struct ledger_note notes[NOTES];
	size_t notes_n;
	bool inside; /* a call of the port is under way: no note may come */
};

/* ---- the server --------------------------------------------------------------------------------- */

static void reply(struct net *t, struct conn_id conn, int status, json_t *j)
{
	struct buf b OWN(buf_done) = {0};

	buf_init(&b, 1 << 22);
	json_canonical(j, &b);
	json_decref(j);
	http_server_reply(t->server, conn, status, NULL, buf_bytes(&b));
}

static void emit(struct net *t, const struct ledger_event *ev)
{
	struct addr who[LEDGER_CONCERNED_MAX];
	size_t n = ledger_concerned(t->p.l, ev, who);
	struct hash topics[8] = {{{0}}};
	struct buf b OWN(buf_done) = {0};
	json_t *j = ledger_event_to_json(ev);
	struct err e;

	buf_init(&b, 1 << 16);
	json_canonical(j, &b);
	json_decref(j);
	for (size_t i = 0; i < n; i++)
		topics[i] = account_topic(&who[i]);
	if (!http_server_emit(t->server, ev->seq, "event", topics, buf_bytes(&b), &e))
		fail_msg("%s", e.msg);
}

static json_t *take(struct net *t, const json_t *j)
{
	struct action *a = calloc(1, sizeof *a);
	struct ledger_event ev;
	struct arena arena;
	json_t *out;
	struct hash id;
	size_t n;
	struct err e;

	assert_non_null(a);
	arena_init(&arena, 1 << 20);
	if (!action_from_json(j, &arena, a, &e))
		fail_msg("%s", e.msg);
	action_id(a, &id);
	if (!ledger_apply(t->p.l, a, &id, t->p.now, 1, &ev, 1, &n, &e)) {
		out = json_pack("{s:s, s:o}", "stage", "dropped", "error", err_to_json(&e));
	} else {
		out = json_pack("{s:s}", "stage", "final");
		if (n)
			t->events[t->n++] = ev;
		if (n && !t->silent)
			emit(t, &ev);
	}
	arena_done(&arena);
	free(a);
	return out;
}

static void on_actions(struct net *t, const struct http_req *r)
{
	json_t *j OWN(json_own) = NULL;
	json_t *out = json_array();
	const json_t *item;
	struct err e;
	size_t i;

	t->posts++;
	assert_true(json_parse(bytes_str(r->body), &j, &e));
	t->largest = MAX2(t->largest, (unsigned)json_array_size(json_object_get(j, "actions")));
	json_array_foreach (json_object_get(j, "actions"), i, item)
		json_array_append_new(out, take(t, item));
	if (t->mood == WELL)
		reply(t, r->conn, 202,
		        json_pack("{s:O, s:I}", "results", out, "time", (json_int_t)t->p.now.s));
	else if (t->mood == NONSENSE)
		reply(t, r->conn, 202, json_pack("{s:[]}", "results"));
	json_decref(out);
}

static struct str query(const struct http_req *r, const char *key)
{
	struct str value;

	query_find(r->query, key, &value);
	return value;
}

static bool concerns(const struct net *t, const struct ledger_event *ev, const struct addr *who)
{
	struct addr all[LEDGER_CONCERNED_MAX];
	size_t n = ledger_concerned(t->p.l, ev, all);

	for (size_t i = 0; i < n; i++) {
		if (addr_eq(&all[i], who))
			return true;
	}
	return addr_is_zero(who);
}

static void on_page(struct net *t, const struct http_req *r)
{
	json_t *list = json_array();
	struct addr who = {{0}};
	uint64_t after;
	struct err e;

	assert_true(str_u64(query(r, "after"), UINT64_MAX, &after));
	if (query(r, "account").n)
		assert_true(addr_parse(query(r, "account"), &who, &e));
	uint64_t next = after;
	for (; next < t->n && next < after + PAGE; next++) {
		if (concerns(t, &t->events[next], &who))
			json_array_append_new(list, ledger_event_to_json(&t->events[next]));
	}
	reply(t, r->conn, 200,
	        json_pack("{s:o, s:o, s:o, s:I}", "events", list, "last", json_of_u64(t->n), "next",
	                json_of_u64(next), "time", (json_int_t)t->p.now.s));
}

static struct hash clock_topic(void)
{
	return (struct hash){"clock"};
}

static void on_request(void *ctx, const struct http_req *r)
{
	struct net *t = ctx;
	struct str account = query(r, "account");
	struct hash topic = {{0}};
	struct addr who;
	struct err e;

	switch (r->route) {
	case R_ACTIONS: on_actions(t, r); break;
	case R_PAGE: on_page(t, r); break;
	case R_CLOCK:
		topic = clock_topic();
		http_server_stream(t->server, r->conn, &topic, 0);
		break;
	default:
		if (account.n) {
			assert_true(addr_parse(account, &who, &e));
			topic = account_topic(&who);
		}
		http_server_stream(t->server, r->conn, &topic, r->cursor);
		break;
	}
}

static void turn_ends(void *ctx)
{
	(void)ctx;
}

static void up(struct net *t)
{
	struct http_server_options o = {.loop = &t->loop,
	        .ip = "127.0.0.1",
	        .port = t->port,
	        .routes = routes,
	        .routes_n = COUNT(routes),
	        .seed = 1,
	        .request = on_request,
	        .turn = turn_ends,
	        .ctx = t};
	struct err e;

	if (!http_server_new(&o, &t->server, &e))
		fail_msg("%s", e.msg);
	t->port = http_server_port(t->server);
}

static void down(struct net *t)
{
	t->server = http_server_free(t->server);
	uv_run(&t->loop, UV_RUN_NOWAIT);
}

/* ---- the client --------------------------------------------------------------------------------- */

static void on_note(void *self, const struct ledger_note *n)
{
	struct net *t = self;

	assert_false(t->inside);
	assert_true(t->notes_n < NOTES);
	t->notes[t->notes_n++] = *n;
}

static void client_up(struct net *t)
{
	char url[64];
	struct err e;

	t->inbox = (struct inbox){.self = t, .ledger = on_note};
	assert_true(http_client_new(&t->loop, NULL, &t->client, &e));
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", t->port);
	assert_true(embedded_open(&t->loop, t->client, url, &t->ledger, &e));
}

static struct net *net_new(void)
{
	struct net *t = calloc(1, sizeof *t);

	assert_non_null(t);
	assert_int_equal(uv_loop_init(&t->loop), 0);
	play_init(&t->p);
	up(t);
	client_up(t);
	return t;
}

static void client_down(struct net *t)
{
	embedded_close(&t->ledger);
	t->client = http_client_free(t->client);
}

static void net_free(struct net *t)
{
	if (t->ledger.self)
		client_down(t);
	if (t->server)
		down(t);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t->loop), 0);
	play_done(&t->p);
	free(t);
}

static void follow(struct net *t, uint64_t after, const struct addr *who)
{
	static const struct addr all = {{0}};
	struct err e;

	t->inside = true;
	assert_true(t->ledger.start(t->ledger.self, after, who ? who : &all, &t->inbox, &e));
	t->inside = false;
}

static void submit(struct net *t)
{
	struct hash id;

	action_id(&t->p.a, &id);
	t->inside = true;
	t->ledger.submit(t->ledger.self, &t->p.a, &id);
	t->inside = false;
}

static size_t count(const struct net *t, enum ledger_stage stage)
{
	size_t n = 0;

	for (size_t i = 0; i < t->notes_n; i++)
		n += t->notes[i].stage == stage;
	return n;
}

static const struct ledger_note *find(const struct net *t, enum ledger_stage stage, size_t skip)
{
	for (size_t i = 0; i < t->notes_n; i++) {
		if (t->notes[i].stage == stage && skip-- == 0)
			return &t->notes[i];
	}
	fail_msg("no note of stage %d", (int)stage);
	return NULL;
}

static void on_limit(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Until so many notes of a stage are there. The limit only ends a test that would hang. */
static void wait_for(struct net *t, enum ledger_stage stage, size_t n)
{
	uv_timer_t limit;
	bool late = false;

	uv_timer_init(&t->loop, &limit);
	limit.data = &late;
	uv_timer_start(&limit, on_limit, 30000, 0);
	while (!late && count(t, stage) < n)
		uv_run(&t->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&limit, NULL);
	uv_run(&t->loop, UV_RUN_NOWAIT);
	if (count(t, stage) < n)
		fail_msg("stage %d: %zu notes of %zu", (int)stage, count(t, stage), n);
}

/* The server's own: as if others had submitted it. */
static void happens(struct net *t)
{
	struct hash id;

	action_id(&t->p.a, &id);
	t->p.n = 0;
	if (!ledger_apply(t->p.l, &t->p.a, &id, t->p.now, 1, &t->p.ev, 1, &t->p.n, &t->p.e))
		fail_msg("%s", t->p.e.msg);
	assert_int_equal(t->p.n, 1);
	t->events[t->n++] = t->p.ev;
	if (t->server && !t->silent)
		emit(t, &t->p.ev);
}

static void deal_happens(struct net *t, uint64_t nonce)
{
	struct deal d = play_deal(&t->p, nonce);

	play_open(&t->p, &d);
	happens(t);
}

static void gift_happens(struct net *t, enum who to)
{
	t->p.a = (struct action){.body.mint = {.to = t->p.who[to], .amount = amount_of(1)}};
	play_send(&t->p, OPERATOR, SEND_MINT, mint_record(), &t->p.a.body);
	t->p.sends[OPERATOR]++;
	happens(t);
}

static void in_order(const struct net *t, uint64_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(find(t, LEDGER_EVENT, i)->event.seq, first + i);
	assert_int_equal(count(t, LEDGER_EVENT), n);
}

/* ---- tests -------------------------------------------------------------------------------------- */

static void test_stages(void **state)
{
	struct net *t = net_new();
	struct deal d = play_deal(&t->p, 1);
	struct hash id;

	(void)state;
	follow(t, 0, &t->p.who[JC]);
	play_open(&t->p, &d);
	action_id(&t->p.a, &id);
	submit(t);
	assert_int_equal(t->notes_n, 0);
	wait_for(t, LEDGER_FINAL, 1);
	wait_for(t, LEDGER_EVENT, 1);
	assert_int_equal(t->notes[0].stage, LEDGER_PENDING);
	assert_true(hash_eq(&find(t, LEDGER_PENDING, 0)->action_id, &id));
	assert_true(hash_eq(&find(t, LEDGER_INCLUDED, 0)->action_id, &id));
	assert_true(hash_eq(&find(t, LEDGER_FINAL, 0)->action_id, &id));
	assert_false(find(t, LEDGER_FINAL, 0)->failed);
	assert_true(hash_eq(&find(t, LEDGER_EVENT, 0)->event.action_id, &id));
	assert_true(find(t, LEDGER_EVENT, 0)->final);
	assert_int_equal(find(t, LEDGER_EVENT, 0)->time.s, t->p.now.s);
	/* Again: final, and no second event. */
	submit(t);
	wait_for(t, LEDGER_FINAL, 2);
	assert_int_equal(t->n, 1);
	/* Refused: the ledger's own error. */
	d = play_deal(&t->p, 1);
	d.hot.base = amount_of(1);
	play_open(&t->p, &d);
	submit(t);
	wait_for(t, LEDGER_DROPPED, 1);
	assert_int_equal(find(t, LEDGER_DROPPED, 0)->err.code, E_NONCE);
	assert_non_null(strstr(find(t, LEDGER_DROPPED, 0)->err.msg, "nonce 1 of 0x"));
	net_free(t);
}

/* What is submitted in one turn travels together, at most 100 at a time. */
static void test_batches(void **state)
{
	struct net *t = net_new();

	(void)state;
	follow(t, 0, NULL);
	for (uint64_t i = 0; i < 150; i++) {
		struct deal d = play_deal(&t->p, i);

		play_open(&t->p, &d);
		submit(t);
	}
	wait_for(t, LEDGER_FINAL, 150);
	wait_for(t, LEDGER_EVENT, 150);
	assert_int_equal(t->posts, 2);
	assert_int_equal(t->largest, 100);
	assert_int_equal(count(t, LEDGER_PENDING), 150);
	assert_int_equal(count(t, LEDGER_DROPPED), 0);
	in_order(t, 1, 150);
	net_free(t);
}

/* Past the bound: BUSY, and those before it go on. */
static void test_too_many(void **state)
{
	struct net *t = net_new();
	size_t busy = 0;

	(void)state;
	follow(t, 0, NULL);
	play_timeout(&t->p, &(struct hash){{1}});
	for (unsigned i = 0; i < EMBEDDED_SUBMITS_MAX + 10; i++)
		submit(t);
	wait_for(t, LEDGER_DROPPED, EMBEDDED_SUBMITS_MAX + 10);
	for (size_t i = 0; i < t->notes_n; i++)
		busy += t->notes[i].stage == LEDGER_DROPPED && t->notes[i].err.code == E_BUSY;
	assert_int_equal(busy, 10);
	assert_int_equal(count(t, LEDGER_PENDING), EMBEDDED_SUBMITS_MAX);
	submit(t);
	wait_for(t, LEDGER_PENDING, EMBEDDED_SUBMITS_MAX + 1);
	net_free(t);
}

/* Nobody answers: dropped, and the same action may be tried again. */
static void test_unreachable(void **state)
{
	struct net *t = net_new();
	struct deal d = play_deal(&t->p, 1);

	(void)state;
	down(t);
	follow(t, 0, &t->p.who[RP]);
	play_open(&t->p, &d);
	submit(t);
	wait_for(t, LEDGER_DROPPED, 1);
	assert_int_equal(find(t, LEDGER_DROPPED, 0)->err.code, E_UNREACHABLE);
	wait_for(t, LEDGER_DOWN, 1);
	up(t);
	wait_for(t, LEDGER_UP, 1);
	submit(t);
	wait_for(t, LEDGER_FINAL, 1);
	wait_for(t, LEDGER_EVENT, 1);
	assert_int_equal(count(t, LEDGER_DOWN), 1);
	net_free(t);
}

static void test_nonsense(void **state)
{
	struct net *t = net_new();
	struct deal d = play_deal(&t->p, 1);

	(void)state;
	t->mood = NONSENSE;
	follow(t, 0, NULL);
	play_open(&t->p, &d);
	submit(t);
	wait_for(t, LEDGER_DROPPED, 1);
	assert_int_equal(find(t, LEDGER_DROPPED, 0)->err.code, E_PEER);
	wait_for(t, LEDGER_EVENT, 1);
	net_free(t);
}

/* From any cursor, in pages, without gaps, then live. */
static void test_catch_up(void **state)
{
	struct net *t = net_new();

	(void)state;
	for (uint64_t i = 0; i < 11; i++)
		deal_happens(t, i);
	follow(t, 4, NULL);
	wait_for(t, LEDGER_EVENT, 7);
	deal_happens(t, 20);
	deal_happens(t, 21);
	wait_for(t, LEDGER_EVENT, 9);
	in_order(t, 5, 9);
	net_free(t);
}

/* Only what concerns the account, and others move its cursor on all the same. */
static void test_account(void **state)
{
	struct net *t = net_new();

	(void)state;
	for (int i = 0; i < 8; i++)
		gift_happens(t, MALLORY);
	deal_happens(t, 1);
	gift_happens(t, MALLORY);
	follow(t, 0, &t->p.who[RP]);
	wait_for(t, LEDGER_EVENT, 1);
	assert_int_equal(find(t, LEDGER_EVENT, 0)->event.seq, 9);
	gift_happens(t, MALLORY);
	gift_happens(t, RP);
	wait_for(t, LEDGER_EVENT, 2);
	assert_int_equal(find(t, LEDGER_EVENT, 1)->event.seq, 12);
	net_free(t);
}

/* The ledger is away while things happen; its stream has forgotten all of them. */
static void test_restart(void **state)
{
	struct net *t = net_new();

	(void)state;
	follow(t, 0, NULL);
	deal_happens(t, 1);
	wait_for(t, LEDGER_EVENT, 1);
	for (uint64_t round = 0; round < 3; round++) {
		down(t);
		wait_for(t, LEDGER_DOWN, round + 1);
		for (uint64_t i = 0; i < 5; i++)
			deal_happens(t, 10 + round * 10 + i);
		up(t);
		wait_for(t, LEDGER_UP, round + 1);
		deal_happens(t, 100 + round);
		wait_for(t, LEDGER_EVENT, 1 + 6 * (round + 1));
	}
	in_order(t, 1, 19);
	net_free(t);
}

/* Events that the stream leaves out are found with the next connection. */
static void test_silent_stream(void **state)
{
	struct net *t = net_new();

	(void)state;
	follow(t, 0, &t->p.who[JC]);
	deal_happens(t, 1);
	wait_for(t, LEDGER_EVENT, 1);
	t->silent = true;
	deal_happens(t, 2);
	t->silent = false;
	down(t);
	up(t);
	wait_for(t, LEDGER_EVENT, 2);
	in_order(t, 1, 2);
	net_free(t);
}

/* Another ledger under the same address: it is behind what we have seen. */
static void test_other_ledger(void **state)
{
	struct net *t = net_new();

	(void)state;
	deal_happens(t, 1);
	follow(t, 7, NULL);
	wait_for(t, LEDGER_DOWN, 1);
	assert_int_equal(find(t, LEDGER_DOWN, 0)->err.code, E_WRONG_LEDGER);
	for (uint64_t i = 0; i < 7; i++)
		deal_happens(t, 10 + i);
	wait_for(t, LEDGER_UP, 1);
	wait_for(t, LEDGER_EVENT, 1);
	assert_int_equal(find(t, LEDGER_EVENT, 0)->event.seq, 8);
	net_free(t);
}

/* Block time reaches one who follows a single account, also where nothing concerns it. */
static void test_clock(void **state)
{
	struct net *t = net_new();
	struct hash topics[8] = {clock_topic()};
	struct err e;
	char text[64];
	int n;

	(void)state;
	follow(t, 0, &t->p.who[JC]);
	wait_for(t, LEDGER_CLOCK, 1);
	assert_int_equal(find(t, LEDGER_CLOCK, 0)->time.s, t->p.now.s);
	deal_happens(t, 1);
	wait_for(t, LEDGER_EVENT, 1);
	n = snprintf(text, sizeof text, "{\"time\":%llu}", (unsigned long long)t->p.now.s + 25);
	assert_true(http_server_emit(t->server, 0, "clock", topics, bytes_of(text, (size_t)n), &e));
	uv_run(&t->loop, UV_RUN_NOWAIT);
	gift_happens(t, MALLORY); /* a turn of the server, which sends what was emitted */
	play_timeout(&t->p, &(struct hash){{1}});
	submit(t);
	wait_for(t, LEDGER_CLOCK, 2);
	assert_int_equal(find(t, LEDGER_CLOCK, 1)->time.s, t->p.now.s + 25);
	net_free(t);
}

/* Stopped with actions and pages on their way: nothing is told any more, nothing leaks. */
static void test_stop(void **state)
{
	struct net *t = net_new();
	struct deal d = play_deal(&t->p, 1);

	(void)state;
	t->mood = MUTE;
	follow(t, 0, NULL);
	play_open(&t->p, &d);
	submit(t);
	wait_for(t, LEDGER_EVENT, 1);
	submit(t);
	t->notes_n = 0;
	t->inside = true;
	client_down(t);
	for (int i = 0; i < 20; i++)
		uv_run(&t->loop, UV_RUN_NOWAIT);
	assert_int_equal(t->notes_n, 0);
	net_free(t);
}

static void test_bad_url(void **state)
{
	struct net *t = net_new();
	struct ledger_port p;
	struct err e;

	(void)state;
	assert_false(embedded_open(&t->loop, t->client, "", &p, &e));
	assert_int_equal(e.code, E_CONFIG);
	net_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_stages),
	        cmocka_unit_test(test_batches),
	        cmocka_unit_test(test_too_many),
	        cmocka_unit_test(test_unreachable),
	        cmocka_unit_test(test_nonsense),
	        cmocka_unit_test(test_catch_up),
	        cmocka_unit_test(test_account),
	        cmocka_unit_test(test_restart),
	        cmocka_unit_test(test_silent_stream),
	        cmocka_unit_test(test_other_ledger),
	        cmocka_unit_test(test_clock),
	        cmocka_unit_test(test_stop),
	        cmocka_unit_test(test_bad_url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
