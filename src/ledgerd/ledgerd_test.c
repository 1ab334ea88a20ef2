/* ledgerd_test.c - submitting, time, and what can be read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledgerd/ledgerd_rig.h"

/* ---- submitting --------------------------------------------------------------------------------- */

static bool has_topic(const struct fx *f, const struct addr *a)
{
	struct hash t = account_topic(a);

	for (size_t i = 0; i < COUNT(f->topics); i++) {
		if (hash_eq(&f->topics[i], &t))
			return true;
	}
	return false;
}

/* The answer says final; the event goes to both parties, the solver and the mediator, and to nobody else. */
static void test_submit(void **state)
{
	struct rig *g = rig_new();
	struct hash id = a_deal(g, 1);
	char text[HASH_TEXT_MAX], who[ADDR_TEXT_MAX];
	const struct fx *f = fx_of(g, FX_EMIT, 0);
	struct ledger_event ev;
	json_t *j;

	(void)state;
	assert_non_null(f);
	assert_string_equal(f->name, "event");
	assert_int_equal(f->id, 2);
	assert_true(has_topic(f, &g->p.who[JC]) && has_topic(f, &g->p.who[RP]));
	assert_true(has_topic(f, &g->p.who[SOLVER]) && has_topic(f, &g->p.who[MEDIATOR]));
	assert_false(has_topic(f, &g->p.who[MALLORY]));
	assert_true(json_parse(bytes_str(f->body), &j, &g->p.e));
	assert_true(ledger_event_from_json(j, &ev, &g->p.e));
	json_decref(j);
	assert_int_equal(ev.to, DEAL_RESULTS_SUBMITTED);
	assert_int_equal(ev.seq, 2);
	assert_int_equal(ev.block, 2);
	/* The reply comes before the events, and both after the rows. */
	assert_int_equal(g->fx.first->kind, FX_REPLY);
	assert_int_equal(store_memory_count(g->rows, journal_block_record()) +
	                         store_memory_count(g->rows, journal_action_record()),
	        4);
	get(g, "/v1/agreements/{deal}", hash_text(&id, text), NULL);
	assert_int_equal(g->status, 200);
	assert_string_equal(text_at(g->answer, "state"), "RESULTS_SUBMITTED");
	assert_string_equal(text_at(g->answer, "cost"), "450");
	assert_string_equal(text_at(g->answer, "status"), "Completed");
	get(g, "/v1/accounts/{account}", addr_text(g, JC, who), NULL);
	assert_string_equal(text_at(g->answer, "free"), "998500");
	assert_string_equal(text_at(g->answer, "locked"), "1500");
	assert_string_equal(text_at(g->answer, "nextJobNonce"), "2");
	rig_free(g);
}

/* A list is one block; what is refused leaves nothing in it and stops nobody. */
static void test_batch(void **state)
{
	struct rig *g = rig_new();
	struct deal d = play_deal(&g->p, 1);
	struct hash id = play_id(deal_record(), &d);
	json_t *list = json_array();
	const json_t *r;

	(void)state;
	play_open(&g->p, &d);
	json_array_append_new(list, action_to_json(&g->p.a));
	json_array_append_new(list, action_to_json(&g->p.a)); /* repeated */
	play_decline(&g->p, &id);
	g->p.a.doc_sig.b[9] ^= 1;
	json_array_append_new(list, action_to_json(&g->p.a)); /* refused */
	json_array_append_new(list, json_pack("{s:s}", "kind", "nonsense"));
	play_accept(&g->p, &id, 100, 50, true);
	json_array_append_new(list, action_to_json(&g->p.a));
	post(g, json_pack("{s:o}", "actions", list));
	assert_int_equal(g->status, 202);
	assert_string_equal(text_at(result_at(g, 0), "stage"), "final");
	assert_string_equal(text_at(result_at(g, 0), "block"), "1");
	assert_string_equal(text_at(result_at(g, 1), "stage"), "final");
	assert_true(json_is_true(json_object_get(result_at(g, 1), "repeated")));
	r = result_at(g, 2);
	assert_string_equal(text_at(r, "stage"), "dropped");
	assert_string_equal(text_at(json_object_get(r, "error"), "code"), "SIGNATURE");
	assert_string_equal(text_at(result_at(g, 3), "stage"), "dropped");
	assert_string_equal(text_at(result_at(g, 4), "stage"), "final");
	assert_int_equal(g->d->head.number, 1);
	assert_int_equal(ledger_seq(g->d->l), 2);
	assert_non_null(fx_of(g, FX_EMIT, 1));
	/* Nothing but refusals: no block. */
	play_decline(&g->p, &id);
	assert_string_equal(submit(g), "dropped");
	assert_int_equal(g->d->head.number, 1);
	assert_null(fx_of(g, FX_EMIT, 0));
	rig_free(g);
}

static void test_bad_requests(void **state)
{
	struct rig *g = rig_new();
	json_t *list = json_array();

	(void)state;
	ask(g, "POST", "/v1/actions", NULL, NULL, "{\"kind\":");
	assert_int_equal(g->status, 400);
	ask(g, "POST", "/v1/actions", NULL, NULL, "{\"actions\":[],\"more\":1}");
	assert_int_equal(g->status, 400);
	ask(g, "POST", "/v1/actions", NULL, NULL, "[1]");
	assert_string_equal(text_at(result_at(g, 0), "stage"), "dropped");
	for (int i = 0; i <= LEDGERD_BATCH_MAX; i++)
		json_array_append_new(list, json_object());
	post(g, json_pack("{s:o}", "actions", list));
	assert_int_equal(g->status, 413);
	get(g, "/v1/agreements/{deal}", "0x12", NULL);
	assert_int_equal(g->status, 400);
	get(g, "/v1/accounts/{account}", "me", NULL);
	assert_int_equal(g->status, 400);
	get(g, "/v1/blocks/{number}", "-1", NULL);
	assert_int_equal(g->status, 400);
	get(g, "/v1/blocks/{number}", "1", NULL);
	assert_int_equal(g->status, 404);
	get(g, "/v1/events/page", NULL, "after=x");
	assert_int_equal(g->status, 400);
	get(g, "/v1/events", NULL, "account=0x1");
	assert_int_equal(g->status, 400);
	rig_free(g);
}

/* A full request of the largest documents fits its effects and its rows. */
static void test_largest_batch(void **state)
{
	struct rig *g = rig_new();
	json_t *list = json_array();

	(void)state;
	for (unsigned i = 0; i < LEDGERD_BATCH_MAX; i++) {
		struct registration *r = &g->p.a.body.registration;

		g->p.a = (struct action){0};
		memset(r->url, '\x01', URL_MAX);
		for (r->classes.n = 0; r->classes.n < 16; r->classes.n++)
			memset(&r->classes.v[r->classes.n], 0xff, 32);
		play_send(&g->p, RP, SEND_REGISTER_MEDIATOR, registration_record(), &g->p.a.body);
		g->p.sends[RP]++;
		json_array_append_new(list, action_to_json(&g->p.a));
	}
	post(g, json_pack("{s:o}", "actions", list));
	assert_string_equal(text_at(result_at(g, LEDGERD_BATCH_MAX - 1), "stage"), "final");
	assert_int_equal(ledger_seq(g->d->l), LEDGERD_BATCH_MAX);
	restart(g);
	rig_free(g);
}

/* The same Send again has had its effect; another one with its nonce has none. */
static void test_send_again(void **state)
{
	struct rig *g = rig_new();
	struct action once;

	(void)state;
	g->p.a = (struct action){.body.mint = {.to = g->p.who[JC], .amount = amount_of(5)}};
	play_send(&g->p, OPERATOR, SEND_MINT, mint_record(), &g->p.a.body);
	once = g->p.a;
	assert_string_equal(submit(g), "final");
	restart(g);
	g->p.a = once;
	assert_string_equal(submit(g), "final");
	assert_true(json_is_true(json_object_get(result_at(g, 0), "repeated")));
	assert_string_equal(text_at(result_at(g, 0), "block"), "1");
	g->p.a = (struct action){.body.mint = {.to = g->p.who[JC], .amount = amount_of(6)}};
	play_send(&g->p, OPERATOR, SEND_MINT, mint_record(), &g->p.a.body);
	assert_string_equal(submit(g), "dropped");
	assert_int_equal(ledger_seq(g->d->l), 1);
	rig_free(g);
}

static bool no_space(void *self, const struct record *r, const void *row, struct err *e)
{
	(void)self, (void)r, (void)row;
	return FAIL(e, DISK_FULL, "no space left");
}

/* The rules are ahead of the journal: the process must end, and answers no success. */
static void test_journal_fails(void **state)
{
	struct rig *g = rig_new();
	struct deal d = play_deal(&g->p, 1);
	const struct fx *f;

	(void)state;
	play_open(&g->p, &d);
	g->world.store.put = no_space;
	post(g, action_to_json(&g->p.a));
	assert_int_equal(g->status, 507);
	f = fx_of(g, FX_EXIT, 0);
	assert_non_null(f);
	assert_int_equal(f->status, 1);
	assert_null(fx_of(g, FX_EMIT, 0));
	assert_int_equal(g->broken, 1);
	rig_free(g);
}

/* ---- time --------------------------------------------------------------------------------------- */

/* 8.1: block time is the time served; blocks come without actions; downtime makes nobody late. */
static void test_clock(void **state)
{
	struct rig *g = rig_new();
	uint64_t start = g->d->head.time.s;
	const struct fx *f;

	(void)state;
	pass(g, 15000);
	assert_int_equal(g->d->head.number, 1);
	assert_int_equal(g->d->head.time.s, start + 15);
	f = fx_of(g, FX_EMIT, 0);
	assert_string_equal(f->name, "clock");
	assert_int_equal(f->id, 0);
	assert_true(fx_of(g, FX_TIMER, 0)->delay.ms <= 30000);
	/* Fractions add up. */
	for (int i = 0; i < 10; i++)
		pass(g, 300);
	assert_int_equal(g->d->head.time.s, start + 18);
	/* At most 60 s from one block to the next, however long the process was held up. */
	pass(g, 86400000);
	assert_int_equal(g->d->head.time.s, start + 78);
	/* A day without a process. */
	g->now = mono_plus(g->now, span_s(86400));
	restart(g);
	assert_int_equal(ledgerd_now(g->d).s, start + 78);
	pass(g, 1000);
	assert_int_equal(g->d->head.time.s, start + 79);
	/* P11: not even with a block for every action. */
	for (uint64_t i = 0; i < 5; i++)
		a_deal(g, 1 + i);
	assert_int_equal(g->d->head.time.s, start + 79);
	get(g, "/v1/head", NULL, NULL);
	assert_int_equal(
	        json_integer_value(json_object_get(g->answer, "time")), (long long)start + 79);
	rig_free(g);
}

static void test_clock_by_hand(void **state)
{
	struct rig *g = rig_new(), *t = rig_of(true);
	uint64_t start = t->d->head.time.s;

	(void)state;
	ask(g, "POST", "/v1/clock", NULL, NULL, "{\"advance\":100}");
	assert_int_equal(g->status, 403);
	ask(t, "POST", "/v1/clock", NULL, NULL, "{\"advance\":100000}");
	assert_int_equal(t->status, 200);
	assert_int_equal(t->d->head.time.s, start + 100000);
	assert_string_equal(fx_of(t, FX_EMIT, 0)->name, "clock");
	ask(t, "POST", "/v1/clock", NULL, NULL, "{\"advance\":-1}");
	assert_int_equal(t->status, 400);
	ask(t, "POST", "/v1/clock", NULL, NULL, "{\"advance\":\"9999999999999\"}");
	assert_int_equal(t->status, 400);
	restart(t);
	assert_int_equal(t->d->head.time.s, start + 100000);
	rig_free(g);
	rig_free(t);
}

/* Who follows one account's events follows the time beside it. */
static void test_streams(void **state)
{
	struct rig *g = rig_new();
	char who[ADDR_TEXT_MAX], query[80];
	struct hash topic = account_topic(&g->p.who[JC]);
	const struct fx *f;

	(void)state;
	get(g, "/v1/events", NULL, NULL);
	f = fx_of(g, FX_STREAM, 0);
	assert_true(hash_is_zero(&f->topics[0]));
	snprintf(query, sizeof query, "account=%s", addr_text(g, JC, who));
	get(g, "/v1/events", NULL, query);
	f = fx_of(g, FX_STREAM, 0);
	assert_true(hash_eq(&f->topics[0], &topic));
	get(g, "/v1/clock", NULL, NULL);
	topic = fx_of(g, FX_STREAM, 0)->topics[0];
	pass(g, 5000);
	assert_true(hash_eq(&fx_of(g, FX_EMIT, 0)->topics[0], &topic));
	/* A block of actions moves the time as well. */
	g->now = mono_plus(g->now, span_s(3));
	a_deal(g, 1);
	assert_null(fx_of(g, FX_EMIT, 1));
	g->now = mono_plus(g->now, span_s(3));
	a_deal(g, 2);
	g->now = mono_plus(g->now, span_s(3));
	play_timeout(&g->p, &(struct hash){{0}});
	submit(g);
	a_deal(g, 3);
	rig_free(g);
}

/* ---- reading ------------------------------------------------------------------------------------ */

static size_t page(struct rig *g, const char *query)
{
	get(g, "/v1/events/page", NULL, query);
	assert_int_equal(g->status, 200);
	return json_array_size(json_object_get(g->answer, "events"));
}

static void test_pages(void **state)
{
	struct rig *g = rig_new();
	char who[ADDR_TEXT_MAX], query[160];

	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		a_deal(g, 1 + i);
	g->p.a = (struct action){.body.mint = {.to = g->p.who[MALLORY], .amount = amount_of(5)}};
	play_send(&g->p, OPERATOR, SEND_MINT, mint_record(), &g->p.a.body);
	accepted(g);
	assert_int_equal(page(g, ""), 11);
	assert_string_equal(text_at(g->answer, "last"), "11");
	assert_string_equal(text_at(g->answer, "next"), "11");
	assert_int_equal(page(g, "after=3&limit=4"), 4);
	assert_string_equal(text_at(g->answer, "next"), "7");
	assert_int_equal(page(g, "after=11"), 0);
	assert_int_equal(page(g, "after=18446744073709551615"), 0);
	snprintf(query, sizeof query, "account=%s&after=5", addr_text(g, MALLORY, who));
	assert_int_equal(page(g, query), 1);
	assert_string_equal(text_at(g->answer, "next"), "11");
	snprintf(query, sizeof query, "account=%s&limit=3", addr_text(g, MALLORY, who));
	assert_int_equal(page(g, query), 0);
	assert_string_equal(text_at(g->answer, "next"), "3");
	snprintf(query, sizeof query, "jobCreator=%s&nonce=4", addr_text(g, JC, who));
	get(g, "/v1/agreements", NULL, query);
	assert_int_equal(g->status, 200);
	assert_string_equal(text_at(g->answer, "nonce"), "4");
	snprintf(query, sizeof query, "jobCreator=%s&nonce=9", addr_text(g, JC, who));
	get(g, "/v1/agreements", NULL, query);
	assert_int_equal(g->status, 404);
	get(g, "/v1/genesis", NULL, NULL);
	assert_string_equal(text_at(g->answer, "name"), "play");
	/* After a restart the stream has the last events again. */
	restart(g);
	assert_int_equal(fx_of(g, FX_EMIT, 0)->id, 1);
	assert_true(has_topic(fx_of(g, FX_EMIT, 0), &g->p.who[JC]));
	assert_int_equal(fx_of(g, FX_EMIT, 10)->id, 11);
	rig_free(g);
}

static struct bytes canonical(const json_t *j, struct buf *b)
{
	buf_reset(b);
	json_canonical(j, b);
	return buf_bytes(b);
}

/* 8.1: what a stranger needs to see that an action is in a block: nothing but the operator's account. */
static void test_proofs(void **state)
{
	struct rig *g = rig_new();
	const struct hash *domain = ledger_domain(g->p.l);
	struct buf b OWN(buf_done);
	char text[HASH_TEXT_MAX];
	json_t *list = json_array();
	struct hash ids[5];
	struct err e;

	(void)state;
	buf_init(&b, 1 << 20);
	for (uint64_t i = 0; i < COUNT(ids); i++) {
		struct deal d = play_deal(&g->p, i);

		play_open(&g->p, &d);
		action_id(&g->p.a, &ids[i]);
		json_array_append_new(list, action_to_json(&g->p.a));
	}
	post(g, json_pack("{s:o}", "actions", list));
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct proof p;
		struct bytes event;
		struct hash id;

		get(g, "/v1/actions/{action}", hash_text(&ids[i], text), NULL);
		assert_int_equal(g->status, 200);
		assert_true(proof_from_json(g->answer, &p, &e));
		canonical(json_object_get(g->answer, "action"), &b);
		keccak256(b.p, b.n, &id);
		assert_true(hash_eq(&id, &ids[i]));
		event = canonical(json_object_get(g->answer, "event"), &b);
		if (!proof_check(&p, &id, event, &g->p.who[OPERATOR], domain, &e))
			fail_msg("%s", e.msg);
		assert_false(proof_check(&p, &id, event, &g->p.who[MALLORY], domain, &e));
		assert_int_equal(e.code, E_TAMPERED);
		assert_false(
		        proof_check(&p, &ids[(i + 1) % 5], event, &g->p.who[OPERATOR], domain, &e));
		b.p[10] ^= 1;
		assert_false(proof_check(&p, &id, event, &g->p.who[OPERATOR], domain, &e));
		b.p[10] ^= 1;
		p.block.time.s++;
		assert_false(proof_check(&p, &id, event, &g->p.who[OPERATOR], domain, &e));
	}
	get(g, "/v1/blocks/{number}", "1", NULL);
	assert_int_equal(json_array_size(json_object_get(g->answer, "actions")), 5);
	get(g, "/v1/actions/{action}", hash_text(&(struct hash){{1}}, text), NULL);
	assert_int_equal(g->status, 404);
	rig_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_submit),
	        cmocka_unit_test(test_batch),
	        cmocka_unit_test(test_bad_requests),
	        cmocka_unit_test(test_largest_batch),
	        cmocka_unit_test(test_send_again),
	        cmocka_unit_test(test_journal_fails),
	        cmocka_unit_test(test_clock),
	        cmocka_unit_test(test_clock_by_hand),
	        cmocka_unit_test(test_streams),
	        cmocka_unit_test(test_pages),
	        cmocka_unit_test(test_proofs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
