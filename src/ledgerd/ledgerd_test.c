/* ledgerd_test.c - the role as its host sees it: requests in, rows and effects out. The store is a list of
 * rows; a restart is a new role over the same rows; tampering is a change of one of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/keccak.h"
#include "crypto/secp.h"
#include "ledger/ledger_play.h"
#include "ledgerd/ledgerd_own.h"
#include "port/action_json.h"

/* ---- a store of rows ---------------------------------------------------------------------------- */

struct row {
	const struct record *r;
	void *p;
};
struct rows {
	struct row v[4096];
	size_t n;
	bool fails; /* on the next put */
};

/* The keys here are one U64. */
static uint64_t key_of(const struct record *r, const void *row)
{
	return *(const uint64_t *)field_at(row, &r->f[0]);
}

static struct row *row_find(struct rows *s, const struct record *r, const void *row)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].r == r && key_of(r, s->v[i].p) == key_of(r, row))
			return &s->v[i];
	}
	return NULL;
}

static bool rows_put(void *self, const struct record *r, const void *row, struct err *e)
{
	struct rows *s = self;
	struct row *at = row_find(s, r, row);

	if (s->fails)
		return FAIL(e, DISK_FULL, "no space left");
	if (!at) {
		assert_true(s->n < COUNT(s->v));
		at = &s->v[s->n++];
		*at = (struct row){r, malloc(r->size)};
		assert_non_null(at->p);
	}
	memcpy(at->p, row, r->size);
	return true;
}

static bool rows_get(void *self, const struct record *r, void *row, struct err *e)
{
	struct row *at = row_find(self, r, row);

	if (!at)
		return FAIL(e, NOT_FOUND, "no such row");
	memcpy(row, at->p, r->size);
	return true;
}

static bool rows_del(void *self, const struct record *r, const void *row, struct err *e)
{
	struct row *at = row_find(self, r, row);
	struct rows *s = self;

	(void)e;
	if (at) {
		free(at->p);
		*at = s->v[--s->n];
	}
	return true;
}

static bool same_field(const struct field *by, const void *a, const void *b)
{
	return !by || memcmp(field_at(a, by), field_at(b, by), by->size) == 0;
}

/* In key order: the next larger key, again and again. */
static bool rows_each(void *self, const struct record *r, const struct field *by, const void *row,
        bool (*cb)(void *ctx, const void *row), void *ctx, struct err *e)
{
	struct rows *s = self;
	uint64_t from = 0;

	(void)e;
	for (;;) {
		const void *next = NULL;

		for (size_t i = 0; i < s->n; i++) {
			const void *p = s->v[i].p;

			if (s->v[i].r == r && key_of(r, p) >= from && same_field(by, p, row) &&
			        (!next || key_of(r, p) < key_of(r, next)))
				next = p;
		}
		if (!next)
			return true;
		from = key_of(r, next) + 1;
		if (!cb(ctx, next))
			return true;
	}
}

static void rows_done(struct rows *s)
{
	while (s->n)
		free(s->v[--s->n].p);
}

/* ---- a role in its world ------------------------------------------------------------------------ */

struct rig {
	struct play p; /* documents; its ledger is there for the domain */
	struct rows rows;
	struct world world;
	struct ledgerd *d;
	struct role role;
	struct arena arena;
	struct effects fx;
	struct mono now;
	json_t *answer; /* of the last request */
	int status;
	unsigned broken; /* log lines that say so */
};

static void real_sign(struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	struct seckey k = {{0}};
	bool ok;

	k.b[31] = (uint8_t)(by + 1);
	ok = secp_sign(&k, digest, out, &p->e);
	assert_true(ok);
}

static bool operator_signs(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	struct seckey k = {{0}};

	(void)self;
	k.b[31] = OPERATOR + 1;
	return secp_sign(&k, digest, out, e);
}

static void count_bytes(void *self, void *out, size_t n)
{
	(void)self;
	memset(out, 0x5a, n);
}

static void log_broken(void *self, enum log_level level, const char *text)
{
	struct rig *g = self;

	(void)text;
	g->broken += level == LOG_BROKEN;
}

static void give(struct rig *g, struct event *ev)
{
	arena_reset(&g->arena);
	fx_init(&g->fx, &g->arena);
	ev->now = g->now;
	g->role.on_event(g->role.self, ev, &g->fx);
}

static void serve(struct rig *g)
{
	if (!ledgerd_new(&g->world, &g->p.genesis, &g->d, &g->p.e))
		fail_msg("%s", g->p.e.msg);
	g->role = ledgerd_role(g->d);
	give(g, &(struct event){.kind = EV_START});
}

static struct rig *rig_of(bool test)
{
	struct rig *g = calloc(1, sizeof *g);

	assert_non_null(g);
	for (int i = 0; i < PARTIES; i++) {
		struct seckey k = {{0}};

		k.b[31] = (uint8_t)(i + 1);
		assert_true(seckey_addr(&k, &g->p.who[i], &g->p.e));
	}
	g->p.sign = real_sign;
	play_genesis(&g->p);
	g->p.genesis.test = test;
	assert_true(ledger_new(&g->p.genesis, NULL, &g->p.l, &g->p.e));
	g->world.store = (struct store){&g->rows, rows_put, rows_get, rows_del, rows_each, NULL};
	g->world.signer = (struct signer){NULL, g->p.who[OPERATOR], operator_signs};
	g->world.rng = (struct rng){NULL, count_bytes};
	g->world.log = (struct logger){g, log_broken};
	g->now.ns = 1000000000;
	arena_init(&g->arena, 64u << 20);
	serve(g);
	return g;
}

static struct rig *rig_new(void)
{
	return rig_of(false);
}

static void restart(struct rig *g)
{
	ledgerd_free(g->d);
	serve(g);
}

static void rig_free(struct rig *g)
{
	json_decref(g->answer);
	ledgerd_free(g->d);
	rows_done(&g->rows);
	arena_done(&g->arena);
	play_done(&g->p);
	free(g);
}

static const struct fx *fx_of(const struct rig *g, enum fx_kind kind, unsigned skip)
{
	for (const struct fx *f = g->fx.first; f; f = f->next) {
		if (f->kind == kind && skip-- == 0)
			return f;
	}
	return NULL;
}

static unsigned route_of(const char *method, const char *path)
{
	for (size_t i = 0; i < ledgerd_routes_n; i++) {
		if (strcmp(ledgerd_routes[i].method, method) == 0 &&
		        strcmp(ledgerd_routes[i].path, path) == 0)
			return (unsigned)i;
	}
	fail_msg("no route %s %s", method, path);
	return 0;
}

static void ask(struct rig *g, const char *method, const char *route, const char *param,
        const char *query, const char *body)
{
	struct http_req r = {.conn = {7},
	        .route = route_of(method, route),
	        .params = {str_of(param ? param : "")},
	        .query = str_of(query ? query : ""),
	        .body = str_bytes(str_of(body ? body : ""))};
	struct event ev = {.kind = EV_REQUEST, .request = &r};
	const struct fx *f;

	give(g, &ev);
	json_decref(g->answer);
	g->answer = NULL;
	g->status = 0;
	f = fx_of(g, FX_REPLY, 0);
	if (!f)
		return;
	assert_int_equal(f->conn.v, 7);
	assert_null(fx_of(g, FX_REPLY, 1));
	g->status = f->status;
	if (!json_parse(bytes_str(f->body), &g->answer, &g->p.e))
		fail_msg("%s in %.*s", g->p.e.msg, (int)f->body.n, (const char *)f->body.p);
}

static void get(struct rig *g, const char *route, const char *param, const char *query)
{
	ask(g, "GET", route, param, query, NULL);
}

static void post(struct rig *g, json_t *j)
{
	char *text = json_dumps(j, 0);

	ask(g, "POST", "/v1/actions", NULL, NULL, text);
	free(text);
	json_decref(j);
}

static const char *text_at(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s)
		fail_msg("no %s", key);
	return s;
}

static const json_t *result_at(const struct rig *g, size_t i)
{
	return json_array_get(json_object_get(g->answer, "results"), i);
}

/* p.a, alone; its stage. */
static const char *submit(struct rig *g)
{
	g->p.now = ledgerd_now(g->d);
	post(g, action_to_json(&g->p.a));
	assert_int_equal(g->status, 202);
	return text_at(result_at(g, 0), "stage");
}

static void accepted(struct rig *g)
{
	if (strcmp(submit(g), "final") != 0)
		fail_msg("%s", text_at(json_object_get(result_at(g, 0), "error"), "message"));
	for (int i = 0; g->p.a.kind == ACTION_SEND && i < PARTIES; i++)
		g->p.sends[i] += addr_eq(&g->p.who[i], &g->p.a.send.account);
}

/* A deal up to its result: two blocks. */
static struct hash a_deal(struct rig *g, uint64_t nonce)
{
	struct deal d;
	struct hash id;

	g->p.now = ledgerd_now(g->d);
	d = play_deal(&g->p, nonce);
	id = play_id(deal_record(), &d);
	play_open(&g->p, &d);
	accepted(g);
	play_result(&g->p, &id, 100, 50);
	accepted(g);
	return id;
}

static const char *addr_text(const struct rig *g, enum who who, char out[ADDR_TEXT_MAX])
{
	addr_format(&g->p.who[who], out);
	return out;
}

static const char *hash_text(const struct hash *h, char out[HASH_TEXT_MAX])
{
	hash_format(h, out);
	return out;
}

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
	assert_int_equal(g->rows.n, 4);
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

/* The rules are ahead of the journal: the process must end, and answers no success. */
static void test_journal_fails(void **state)
{
	struct rig *g = rig_new();
	struct deal d = play_deal(&g->p, 1);
	const struct fx *f;

	(void)state;
	play_open(&g->p, &d);
	g->rows.fails = true;
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

static void pass(struct rig *g, int64_t ms)
{
	g->now = mono_plus(g->now, span_ms(ms));
	give(g, &(struct event){.kind = EV_TIMER});
}

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

/* ---- the journal -------------------------------------------------------------------------------- */

static void same_account(struct rig *g, enum who who, const struct ledger_account *before)
{
	struct ledger_account now;

	ledger_account(g->d->l, &g->p.who[who], ledgerd_now(g->d), &now);
	assert_memory_equal(&now, before, sizeof now);
}

static void test_restart(void **state)
{
	struct rig *g = rig_new();
	struct ledger_account before[PARTIES];
	struct ledgerd_summary a, b, c;
	struct hash id, burnt;
	struct err e;

	(void)state;
	id = a_deal(g, 1);
	play_accept(&g->p, &id, 100, 50, false);
	accepted(g);
	id = a_deal(g, 2);
	play_amount(&g->p, RP, SEND_REQUEST_WITHDRAW, 77);
	accepted(g);
	pass(g, 20000);
	burnt = g->d->head_hash;
	for (int i = 0; i < PARTIES; i++)
		ledger_account(g->d->l, &g->p.who[i], ledgerd_now(g->d), &before[i]);
	ledgerd_summary(g->d, &a);
	restart(g);
	ledgerd_summary(g->d, &b);
	assert_memory_equal(&a, &b, sizeof a);
	assert_true(hash_eq(&burnt, &g->d->head_hash));
	for (int i = 0; i < PARTIES; i++)
		same_account(g, (enum who)i, &before[i]);
	assert_true(ledgerd_check(g->d, &e));
	assert_true(ledgerd_verify(&g->world, &g->p.genesis, &c, &e));
	assert_memory_equal(&a, &c, sizeof a);
	/* It goes on where it was. */
	play_accept(&g->p, &id, 100, 50, false);
	accepted(g);
	assert_int_equal(ledger_seq(g->d->l), 7);
	restart(g);
	rig_free(g);
}

static void *row_at(struct rig *g, const struct record *r, uint64_t key)
{
	struct row *at = row_find(&g->rows, r, &key);

	if (!at)
		fail_msg("no row %llu of %s", (unsigned long long)key, r->tag);
	return at->p;
}

static struct journal_block *block_at(struct rig *g, uint64_t n)
{
	return row_at(g, journal_block_record(), n);
}

static struct journal_action *action_at(struct rig *g, uint64_t n)
{
	return row_at(g, journal_action_record(), n);
}

static void replace(char *text, const char *what, const char *by)
{
	char *at = strstr(text, what);

	assert_non_null(at);
	assert_int_equal(strlen(what), strlen(by));
	memcpy(at, by, strlen(by));
}

static void spoil_time(struct rig *g)
{
	block_at(g, 3)->block.time.s++;
}

static void spoil_signature(struct rig *g)
{
	block_at(g, 3)->sig.b[5] ^= 1;
}

static void spoil_root(struct rig *g)
{
	block_at(g, 3)->block.root.b[5] ^= 1;
}

static void spoil_parent(struct rig *g)
{
	block_at(g, 3)->block.parent.b[5] ^= 1;
}

/* By somebody who can change rows, and hash, but cannot sign. */
static void spoil_action(struct rig *g)
{
	struct journal_action *a = action_at(g, 3);

	replace(a->action, "\"pay\":\"1000\"", "\"pay\":\"1001\"");
	keccak256(a->action, strlen(a->action), &a->id);
}

static void spoil_id(struct rig *g)
{
	action_at(g, 3)->id.b[3] ^= 1;
}

static void spoil_event(struct rig *g)
{
	replace(action_at(g, 3)->event, "\"free\":\"9", "\"free\":\"8");
}

static void spoil_text(struct rig *g)
{
	action_at(g, 3)->action[0] = '[';
}

static void spoil_order(struct rig *g)
{
	struct journal_action *a = action_at(g, 3), *b = action_at(g, 4), keep = *a;

	*a = *b;
	*b = keep;
	a->seq = 3;
	b->seq = 4;
}

static void lose_action(struct rig *g)
{
	assert_true(rows_del(&g->rows, journal_action_record(), action_at(g, 3), &g->p.e));
}

static void lose_block(struct rig *g)
{
	assert_true(rows_del(&g->rows, journal_block_record(), block_at(g, 3), &g->p.e));
}

static void fewer_actions(struct rig *g)
{
	block_at(g, 3)->actions = 0;
}

static void more_actions(struct rig *g)
{
	block_at(g, 3)->actions = 1u << 31;
}

static void cut_tail(struct rig *g)
{
	assert_true(rows_del(&g->rows, journal_block_record(), block_at(g, 4), &g->p.e));
}

static void other_genesis(struct rig *g)
{
	g->p.genesis.life.s++;
}

/* clang-format off */
static const struct {
	void (*spoil)(struct rig *g);
	const char *block;
} spoiled[] = {
	{spoil_time, "block 3"}, {spoil_signature, "block 3"}, {spoil_root, "block 3"},
	{spoil_parent, "block 3"}, {spoil_action, "block 3"}, {spoil_id, "block 3"},
	{spoil_event, "block 3"}, {spoil_text, "block 3"}, {spoil_order, "block 3"},
	{lose_action, "block 3"}, {lose_block, "block 3"}, {fewer_actions, "block 3"},
	{more_actions, "block 3"}, {cut_tail, "block 4"}, {other_genesis, "block 1"},
};
/* clang-format on */

/* 8.1: a tampered journal is refused at the first bad link. */
static void test_tampered(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(spoiled); i++) {
		struct rig *g = rig_new();
		struct ledgerd *d = NULL;
		struct err e;

		a_deal(g, 1);
		a_deal(g, 2);
		restart(g);
		spoiled[i].spoil(g);
		if (ledgerd_new(&g->world, &g->p.genesis, &d, &e))
			fail_msg("case %zu: replayed", i);
		assert_int_equal(e.code, E_TAMPERED);
		if (!strstr(e.msg, spoiled[i].block))
			fail_msg("case %zu: %s", i, e.msg);
		rig_free(g);
	}
}

static void test_operator(void **state)
{
	struct rig *g = rig_new();
	struct ledgerd *d;
	struct err e;

	(void)state;
	g->world.signer.addr = g->p.who[MALLORY];
	assert_false(ledgerd_new(&g->world, &g->p.genesis, &d, &e));
	assert_int_equal(e.code, E_PARTY);
	rig_free(g);
}

/* An operator that makes an action up can sign the block; who verifies in full sees it. */
static void test_operator_cheats(void **state)
{
	struct rig *g = rig_new();
	struct ledgerd_summary sum;
	struct ledger_options all = {.verify = play_fake_verify};
	struct deal d = play_deal(&g->p, 1);
	struct err e;

	(void)state;
	ledger_set_verify(g->d->l, &all);
	g->p.sign = play_fake_sign;
	play_open(&g->p, &d);
	accepted(g);
	restart(g);
	assert_false(ledgerd_verify(&g->world, &g->p.genesis, &sum, &e));
	assert_int_equal(e.code, E_TAMPERED);
	assert_non_null(strstr(e.msg, "block 1: an action is refused"));
	rig_free(g);
}

static bool count_line(void *ctx, struct str text)
{
	json_t *j;
	struct err e;

	assert_true(json_parse(text, &j, &e));
	json_decref(j);
	++*(unsigned *)ctx;
	return true;
}

static void test_export(void **state)
{
	struct rig *g = rig_new();
	struct buf b OWN(buf_done);
	unsigned lines = 0;
	struct err e;

	(void)state;
	a_deal(g, 1);
	assert_true(ledgerd_export(g->d, count_line, &lines, &e));
	assert_int_equal(lines, 4);
	buf_init(&b, 4096);
	ledgerd_metrics(g->d, &b);
	assert_non_null(strstr(buf_cstr(&b), "lilypad_ledger_blocks 2\n"));
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
	        cmocka_unit_test(test_restart),
	        cmocka_unit_test(test_tampered),
	        cmocka_unit_test(test_operator),
	        cmocka_unit_test(test_operator_cheats),
	        cmocka_unit_test(test_export),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
