/* ledgerd_rig.h - for the tests of the role: it as its host sees it, requests in, rows and effects out. A
 * restart is a new role over the same rows. Include after cmocka.h. */
#ifndef LILYPAD_LEDGERD_LEDGERD_RIG_H
#define LILYPAD_LEDGERD_LEDGERD_RIG_H

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
#include "store/memory.h"

/* ---- a role in its world ------------------------------------------------------------------------ */

struct rig {
	struct play p; /* documents; its ledger is there for the domain */
	struct store_memory *rows;
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

static inline void real_sign(
        struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	struct seckey k = {{0}};
	bool ok;

	k.b[31] = (uint8_t)(by + 1);
	ok = secp_sign(&k, digest, out, &p->e);
	assert_true(ok);
}

static inline bool operator_signs(
        void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	struct seckey k = {{0}};

	(void)self;
	k.b[31] = OPERATOR + 1;
	return secp_sign(&k, digest, out, e);
}

static inline void count_bytes(void *self, void *out, size_t n)
{
	(void)self;
	memset(out, 0x5a, n);
}

static inline void log_broken(void *self, enum log_level level, const char *text)
{
	struct rig *g = self;

	(void)text;
	g->broken += level == LOG_BROKEN;
}

static inline void give(struct rig *g, struct event *ev)
{
	arena_reset(&g->arena);
	fx_init(&g->fx, &g->arena);
	ev->now = g->now;
	g->role.on_event(g->role.self, ev, &g->fx);
}

static inline void serve(struct rig *g)
{
	if (!ledgerd_new(&g->world, &g->p.genesis, &g->d, &g->p.e))
		fail_msg("%s", g->p.e.msg);
	g->role = ledgerd_role(g->d);
	give(g, &(struct event){.kind = EV_START});
}

static inline struct rig *rig_of(bool test)
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
	g->rows = store_memory_new(ledgerd_tables);
	assert_non_null(g->rows);
	g->world.store = store_memory_port(g->rows);
	g->world.signer = (struct signer){NULL, g->p.who[OPERATOR], operator_signs};
	g->world.rng = (struct rng){NULL, count_bytes};
	g->world.log = (struct logger){g, log_broken};
	g->now.ns = 1000000000;
	arena_init(&g->arena, 64u << 20);
	serve(g);
	return g;
}

static inline struct rig *rig_new(void)
{
	return rig_of(false);
}

static inline void restart(struct rig *g)
{
	ledgerd_free(g->d);
	serve(g);
}

static inline void rig_free(struct rig *g)
{
	json_decref(g->answer);
	ledgerd_free(g->d);
	store_memory_free(g->rows);
	arena_done(&g->arena);
	play_done(&g->p);
	free(g);
}

static inline const struct fx *fx_of(const struct rig *g, enum fx_kind kind, unsigned skip)
{
	for (const struct fx *f = g->fx.first; f; f = f->next) {
		if (f->kind == kind && skip-- == 0)
			return f;
	}
	return NULL;
}

static inline unsigned route_of(const char *method, const char *path)
{
	for (size_t i = 0; i < ledgerd_routes_n; i++) {
		if (strcmp(ledgerd_routes[i].method, method) == 0 &&
		        strcmp(ledgerd_routes[i].path, path) == 0)
			return (unsigned)i;
	}
	fail_msg("no route %s %s", method, path);
	return 0;
}

static inline void ask(struct rig *g, const char *method, const char *route, const char *param,
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

static inline void get(struct rig *g, const char *route, const char *param, const char *query)
{
	ask(g, "GET", route, param, query, NULL);
}

static inline void post(struct rig *g, json_t *j)
{
	char *text = json_dumps(j, 0);

	ask(g, "POST", "/v1/actions", NULL, NULL, text);
	free(text);
	json_decref(j);
}

static inline const char *text_at(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s)
		fail_msg("no %s", key);
	return s;
}

static inline const json_t *result_at(const struct rig *g, size_t i)
{
	return json_array_get(json_object_get(g->answer, "results"), i);
}

/* p.a, alone; its stage. */
static inline const char *submit(struct rig *g)
{
	g->p.now = ledgerd_now(g->d);
	post(g, action_to_json(&g->p.a));
	assert_int_equal(g->status, 202);
	return text_at(result_at(g, 0), "stage");
}

static inline void accepted(struct rig *g)
{
	if (strcmp(submit(g), "final") != 0)
		fail_msg("%s", text_at(json_object_get(result_at(g, 0), "error"), "message"));
	for (int i = 0; g->p.a.send_sig.n && i < PARTIES; i++)
		g->p.sends[i] += addr_eq(&g->p.who[i], &g->p.a.send.account);
}

/* A deal up to its result: two blocks. */
static inline struct hash a_deal(struct rig *g, uint64_t nonce)
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

/* Time goes on, and the heartbeat comes. */
static inline void pass(struct rig *g, int64_t ms)
{
	g->now = mono_plus(g->now, span_ms(ms));
	give(g, &(struct event){.kind = EV_TIMER});
}

static inline const char *addr_text(const struct rig *g, enum who who, char out[ADDR_TEXT_MAX])
{
	addr_format(&g->p.who[who], out);
	return out;
}

static inline const char *hash_text(const struct hash *h, char out[HASH_TEXT_MAX])
{
	hash_format(h, out);
	return out;
}

#endif
