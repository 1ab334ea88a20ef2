/* solver_suite.h - what the test programs of this folder share: a solver in a world of its own (store in
 * memory, real keys, a ledger and a clock that the test moves), and ways to ask it and to look at what it
 * answers and emits. */
#ifndef LILYPAD_SOLVER_SOLVER_SUITE_H
#define LILYPAD_SOLVER_SOLVER_SUITE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "market/sample.h"
#include "port/peer.h"
#include "solver/solver.h"
#include "store/memory.h"

#define NOW_S 2000000

enum { TAG_UNSIGNED = 1, TAG_SWEEP, TAG_AGAIN, TAG_BATCH, TAG_PARDON }; /* the timers */

enum party { SOLVER, JC, JC2, RP, RP2, DIRECTORY, STRANGER, MEDIATOR, PARTIES = MEDIATOR + 8 };

/* ---- the bench ---------------------------------------------------------------------------------------- */

struct bench {
	struct store_memory *store;
	struct seckey key[PARTIES];
	struct addr addr[PARTIES];
	struct hash domain;
	struct world world;
	struct solver_config config;
	struct solver *solver;
	struct role role;
	struct arena arena;
	struct effects fx; /* of the last event */
	struct wall wall;
	struct mono mono;
	uint64_t seq; /* of the ledger */
	struct btime ledger;
	int status; /* of the last reply */
	json_t *reply;
	uint64_t nonce;
	bool same_turn; /* the turn goes on after each event */
};

static bool bench_sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	struct bench *b = self;

	return secp_sign(&b->key[SOLVER], digest, out, e);
}

static void bench_fill(void *self, void *out, size_t n)
{
	(void)self;
	memset(out, 0x5a, n);
}

static void bench_log(void *self, enum log_level level, const char *text)
{
	(void)self;
	if (level == LOG_BROKEN)
		fail_msg("broken: %s", text);
}

static void bench_event(struct bench *b, struct event *ev)
{
	ev->wall = b->wall;
	ev->now = b->mono;
	arena_reset(&b->arena);
	fx_init(&b->fx, &b->arena);
	b->role.on_event(b->role.self, ev, &b->fx);
	if (!b->same_turn)
		b->role.on_turn(b->role.self, ev, &b->fx);
}

/* The k-th effect of a kind of the last event, of that name for FX_EMIT; NULL: none. */
static inline struct fx *fx_of(struct bench *b, enum fx_kind kind, const char *name, unsigned k)
{
	for (struct fx *f = b->fx.first; f; f = f->next) {
		if (f->kind == kind && (!name || strcmp(f->name, name) == 0) && k-- == 0)
			return f;
	}
	return NULL;
}

static inline unsigned fx_count(struct bench *b, enum fx_kind kind, const char *name)
{
	unsigned n = 0;

	while (fx_of(b, kind, name, n))
		n++;
	return n;
}

/* What an emitted event says; new reference. */
static inline json_t *said(struct bench *b, const char *name)
{
	struct fx *f = fx_of(b, FX_EMIT, name, 0);
	json_t *j = NULL;
	struct err e;

	if (!f)
		fail_msg("no event \"%s\" was emitted", name);
	else if (!json_parse(bytes_str(f->body), &j, &e))
		fail_msg("%s", e.msg);
	return j;
}

static inline bool told(const struct fx *f, const struct addr *who)
{
	struct hash topic = account_topic(who);

	for (size_t i = 0; f && i < COUNT(f->topics); i++) {
		if (hash_eq(&f->topics[i], &topic))
			return true;
	}
	return false;
}

/* Every emitted event but those of the public stream names an account. */
static inline unsigned private_events(struct bench *b)
{
	return fx_count(b, FX_EMIT, NULL) - fx_count(b, FX_EMIT, "state");
}

static void take_reply(struct bench *b)
{
	struct fx *f = fx_of(b, FX_REPLY, NULL, 0);
	struct err e;

	json_decref(b->reply);
	b->reply = NULL;
	b->status = 0;
	if (!f)
		return;
	b->status = f->status;
	assert_true(b->same_turn || !fx_of(b, FX_REPLY, NULL, 1));
	assert_true(json_parse(bytes_str(f->body), &b->reply, &e));
}

static bool path_fits(const char *route, struct str path, struct str *param)
{
	struct str r = str_of(route), p = path;

	while (r.n || p.n) {
		struct str a = str_cut(r, '/', &r), c = str_cut(p, '/', &p);

		if (a.n && a.p[0] == '{' && c.n)
			*param = c;
		else if (!str_eq(a, c))
			return false;
	}
	return true;
}

/* Ask as `who` (PARTIES: unsigned). The reply is in b->status and b->reply. */
static inline int ask(
        struct bench *b, enum party who, const char *method, const char *path, const char *body)
{
	struct http_req req = {.conn.v = 1, .path = str_of(path), .body = str_bytes(str_of(body))};
	struct event ev = {.kind = EV_REQUEST, .request = &req};
	struct str query, bare = str_cut(str_of(path), '?', &query);

	req.query = query;
	if (who != PARTIES)
		req.account = b->addr[who];
	for (req.route = 0; req.route < b->role.routes_n; req.route++) {
		const struct route *r = &b->role.routes[req.route];

		if (strcmp(r->method, method) != 0 || !path_fits(r->path, bare, &req.params[0]))
			continue;
		assert_true(r->body == BODY_NONE || req.body.n <= r->body_max);
		bench_event(b, &ev);
		take_reply(b);
		return b->status;
	}
	fail_msg("no route %s %s", method, path);
	return 0;
}

static inline void assert_err(struct bench *b, enum err_code code)
{
	const char *got = json_string_value(json_object_get(b->reply, "code"));

	assert_string_equal(got ? got : "(no error)", err_name(code));
	assert_int_equal(b->status, err_http(code));
	assert_true(strlen(json_string_value(json_object_get(b->reply, "message"))) > 10);
}

/* ---- time and the ledger ------------------------------------------------------------------------------- */

static inline void timer(struct bench *b, uint32_t what, const struct hash *key)
{
	struct event ev = {.kind = EV_TIMER, .timer.what = what};

	if (key)
		ev.timer.key = *key;
	bench_event(b, &ev);
}

static inline void pass(struct bench *b, int64_t s)
{
	b->wall.ms += s * 1000;
	b->mono.ns += s * 1000000000;
	b->ledger.s += (uint64_t)s;
}

static inline void ledger_note_of(struct bench *b, struct ledger_note *n)
{
	struct event ev = {.kind = EV_LEDGER, .ledger = n};

	n->time = b->ledger;
	bench_event(b, &ev);
}

static inline void clock_note(struct bench *b)
{
	struct ledger_note n = {.stage = LEDGER_CLOCK};

	ledger_note_of(b, &n);
}

static inline void balance(struct bench *b, enum party who, uint64_t free)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};

	n.event.seq = ++b->seq;
	n.event.time = b->ledger;
	n.event.changes_n = 1;
	n.event.changes[0] =
	        (struct balance_change){.account = b->addr[who], .free = amount_of(free)};
	ledger_note_of(b, &n);
}

static inline void ledger_deal(
        struct bench *b, const struct hash *deal, enum deal_state to, uint64_t cost)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};

	n.event.seq = ++b->seq;
	n.event.time = b->ledger;
	n.event.deal = *deal;
	n.event.to = (uint8_t)to;
	n.event.amount = amount_of(cost);
	ledger_note_of(b, &n);
}

/* ---- documents ------------------------------------------------------------------------------------------- */

static inline struct sig sign_as(
        struct bench *b, enum party who, const struct record *r, const void *row)
{
	struct hash digest;
	struct sig sig;
	struct err e;

	signed_digest(&b->domain, r, row, &digest);
	assert_true(secp_sign(&b->key[who], &digest, &sig, &e));
	return sig;
}

/* Canonical text in the last event's arena; good until the next but one. j is taken. */
static inline const char *text_of(struct bench *b, json_t *j)
{
	static char *kept[4];
	static unsigned at;
	char *text = json_dumps(j, JSON_COMPACT);

	(void)b;
	assert_non_null(text);
	json_decref(j);
	free(kept[at]);
	kept[at] = text;
	at = (at + 1) % 4;
	return text;
}

static inline const char *signed_text(struct bench *b, const char *member, const struct record *r,
        const void *row, enum party who)
{
	struct sig sig = sign_as(b, who, r, row);

	return text_of(b, json_pack("{s:o, s:o}", member, record_to_json(r, row), "signature",
	                          json_of_sig(&sig)));
}

static inline struct job_offer job_of(struct bench *b, enum party jc)
{
	struct job_offer j = sample_job();

	j.job_creator = b->addr[jc];
	j.solver = b->addr[SOLVER];
	j.directory = b->addr[DIRECTORY];
	for (uint32_t i = 0; i < 8; i++)
		j.mediators.v[i] = b->addr[MEDIATOR + i];
	j.created_at.s = wall_seconds(b->wall);
	j.expiry.s = j.created_at.s + 3600;
	j.nonce = ++b->nonce;
	return j;
}

static inline struct resource_offer resource_of(struct bench *b, enum party rp)
{
	struct resource_offer r = sample_resource();

	r.provider = b->addr[rp];
	r.solver = b->addr[SOLVER];
	r.directories.v[0] = b->addr[DIRECTORY];
	for (uint32_t i = 0; i < 8; i++)
		r.mediators.v[i] = b->addr[MEDIATOR + i];
	r.created_at.s = wall_seconds(b->wall);
	r.expiry.s = r.created_at.s + 3600;
	r.nonce = ++b->nonce;
	return r;
}

static inline int post_job(struct bench *b, enum party jc, const struct job_offer *j)
{
	return ask(b, PARTIES, "POST", "/v1/job-offers",
	        signed_text(b, "offer", job_offer_record(), j, jc));
}

static inline int post_resource(struct bench *b, enum party rp, const struct resource_offer *r)
{
	return ask(b, PARTIES, "POST", "/v1/resource-offers",
	        signed_text(b, "offer", resource_offer_record(), r, rp));
}

static inline const char *path_of(const char *fmt, const struct hash *id)
{
	static char path[4][256];
	static unsigned at;
	char hex[HASH_TEXT_MAX];

	hash_format(id, hex);
	at = (at + 1) % 4;
	/* The formats are literals of the tests, each with one %s. */
	const char *hole = strstr(fmt, "%s");
	snprintf(path[at], sizeof path[at], "%.*s%s%s", (int)(hole - fmt), fmt, hex, hole + 2);
	return path[at];
}

/* The deal that the last event published, with its id. */
static inline struct hash published(struct bench *b, struct deal *deal)
{
	json_t *j = said(b, "deal");
	struct hash id, stated;
	struct err e;

	assert_true(json_get_record(j, "deal", deal_record(), deal, &e));
	assert_true(json_get_hash(j, "id", &stated, &e));
	eip712_hash(deal_record(), deal, &id);
	assert_true(hash_eq(&id, &stated));
	json_decref(j);
	return id;
}

static inline int post_signature(
        struct bench *b, enum party who, const struct hash *id, const struct deal *d)
{
	struct sig sig = sign_as(b, who, deal_record(), d);

	return ask(b, PARTIES, "POST", path_of("/v1/deals/%s/signature", id),
	        text_of(b, json_pack("{s:o}", "signature", json_of_sig(&sig))));
}

static inline const char *state_of(struct bench *b)
{
	const char *s = json_string_value(json_object_get(b->reply, "state"));

	return s ? s : "(none)";
}

/* The OfferCancel of one offer, sent to the path of another or the same. */
static inline int post_cancel(
        struct bench *b, const struct hash *id, const struct hash *in_path, enum party who)
{
	struct offer_cancel doc = {*id, {NOW_S}};

	return ask(b, PARTIES, "POST", path_of("/v1/offers/%s/cancel", in_path),
	        signed_text(b, "cancel", offer_cancel_record(), &doc, who));
}

/* One job and one provider: matched. */
static inline struct hash matched(struct bench *b, struct deal *d)
{
	struct resource_offer r = resource_of(b, RP);
	struct job_offer j = job_of(b, JC);

	assert_int_equal(post_resource(b, RP, &r), 200);
	assert_int_equal(post_job(b, JC, &j), 200);
	return published(b, d);
}

static inline void sign_both(struct bench *b, const struct hash *id, const struct deal *d)
{
	assert_int_equal(post_signature(b, JC, id, d), 200);
	assert_int_equal(post_signature(b, RP, id, d), 200);
}

static inline const char *deal_state(struct bench *b, const struct hash *id)
{
	assert_int_equal(ask(b, PARTIES, "GET", path_of("/v1/deals/%s", id), ""), 200);
	return state_of(b);
}

/* ---- life ------------------------------------------------------------------------------------------------ */

static inline void start(struct bench *b)
{
	struct event ev = {.kind = EV_START};
	struct err e;

	assert_true(solver_new(&b->world, &b->config, &b->solver, &e));
	b->role = solver_role(b->solver);
	bench_event(b, &ev);
}

static inline void restart(struct bench *b)
{
	solver_free(b->solver);
	start(b);
	clock_note(b);
}

static inline int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	struct err e;

	assert_non_null(b);
	b->store = store_memory_new(solver_tables);
	assert_non_null(b->store);
	for (unsigned i = 0; i < PARTIES; i++) {
		memset(b->key[i].b, (int)(i + 1), sizeof b->key[i].b);
		assert_true(seckey_addr(&b->key[i], &b->addr[i], &e));
	}
	b->domain = hash_no(99);
	arena_init(&b->arena, 64 << 20);
	b->wall.ms = (int64_t)NOW_S * 1000;
	b->ledger.s = NOW_S;
	b->world = (struct world){
	        .store = store_memory_port(b->store),
	        .signer = {b, b->addr[SOLVER], bench_sign},
	        .rng = {b, bench_fill},
	        .log = {b, bench_log},
	};
	b->config = (struct solver_config){.domain = b->domain,
	        .genesis = {.min = {60}, .life = {604800}},
	        .offers_max = 1000,
	        .jc_signs_in = span_s(10),
	        .rp_signs_in = span_s(60),
	        .open_in_s = 300};
	start(b);
	clock_note(b);
	balance(b, JC, 100000000);
	balance(b, JC2, 100000000);
	balance(b, RP, 100000000);
	balance(b, RP2, 100000000);
	*state = b;
	return 0;
}

static inline int teardown(void **state)
{
	struct bench *b = *state;

	solver_free(b->solver);
	json_decref(b->reply);
	arena_done(&b->arena);
	store_memory_free(b->store);
	free(b);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
