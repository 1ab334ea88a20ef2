/* directory_suite.h - what the tests of the directory share: a world in memory with parties that have
 * keys, and the requests that they make. */
#ifndef LILYPAD_DIRECTORY_DIRECTORY_SUITE_H
#define LILYPAD_DIRECTORY_DIRECTORY_SUITE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "blobs/memory.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "codec/unixfs.h"
#include "crypto/secp.h"
#include "directory/directory_own.h"
#include "store/memory.h"

enum { LIFE_S = 7 * 86400, QUOTA = 100000, START_S = 1800000000 };

struct party {
	struct seckey key;
	struct addr addr;
};

struct fixture {
	struct store_memory *rows;
	struct blobs_memory *blocks;
	struct party self, jc, rp, mediator, other, operator_;
	struct world world;
	struct directory_config config;
	struct directory *d;
	struct role role;
	struct arena arena;
	struct effects fx;
	struct wall wall;
	struct mono now;
	uint64_t conns;
	unsigned broken, odd;
	char *texts[64]; /* of show_deal() */
	size_t texts_n;
	/* the collector */
	unsigned collections, compactions;
	bool compact_more;
};

UNUSED static size_t suite_count(struct fixture *f, const struct record *r)
{
	return store_memory_count(f->rows, r);
}

UNUSED static bool suite_has(struct fixture *f, const struct cid *cid)
{
	return f->world.blobs.has(f->blocks, cid);
}

UNUSED static struct block_sink suite_sink(struct fixture *f)
{
	return (struct block_sink){f->blocks, f->world.blobs.put};
}

UNUSED static bool suite_collect(void *self, bool (*keep)(void *ctx, const struct cid *cid),
        void *ctx, uint64_t *freed, struct err *e)
{
	struct fixture *f = self;

	f->collections++;
	return blobs_memory_collect(f->blocks, keep, ctx, freed, e);
}

UNUSED static bool suite_compact(void *self, bool *more, struct err *e)
{
	struct fixture *f = self;

	(void)e;
	f->compactions++;
	*more = f->compact_more;
	f->compact_more = false;
	return true;
}

/* ---- the rest of the world --------------------------------------------------------------------------------- */

UNUSED static bool suite_sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(&((struct fixture *)self)->self.key, digest, out, e);
}

UNUSED static void suite_fill(void *self, void *out, size_t n)
{
	(void)self;
	memset(out, 5, n);
}

UNUSED static void suite_line(void *self, enum log_level level, const char *text)
{
	struct fixture *f = self;

	(void)text;
	f->broken += level == LOG_BROKEN;
	f->odd += level == LOG_ODD;
}

UNUSED static void make_party(struct party *p, uint8_t n)
{
	struct err e;

	memset(p->key.b, n, sizeof p->key.b);
	assert_true(seckey_addr(&p->key, &p->addr, &e));
}

UNUSED static void start_role(struct fixture *f)
{
	struct event ev = {.kind = EV_START, .wall = f->wall, .now = f->now};
	struct event first = {
	        .kind = EV_TIMER, .timer = {.what = TAG_TICK}, .wall = f->wall, .now = f->now};
	struct err e;

	f->d = directory_free(f->d);
	assert_true(directory_new(&f->world, &f->config, &f->d, &e));
	f->role = directory_role(f->d);
	arena_reset(&f->arena);
	fx_init(&f->fx, &f->arena);
	f->role.on_event(f->role.self, &ev, &f->fx);
	/* It has asked for a timer at once. */
	assert_int_equal(f->fx.first->kind, FX_TIMER);
	assert_int_equal(f->fx.first->delay.ms, 0);
	f->role.on_event(f->role.self, &first, &f->fx);
}

UNUSED static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	*state = f;
	make_party(&f->self, 1);
	make_party(&f->jc, 2);
	make_party(&f->rp, 3);
	make_party(&f->mediator, 4);
	make_party(&f->other, 5);
	make_party(&f->operator_, 6);
	f->rows = store_memory_new(directory_tables);
	f->blocks = blobs_memory_new(100000);
	assert_non_null(f->rows);
	assert_non_null(f->blocks);
	arena_init(&f->arena, 64 << 20);
	f->world = (struct world){.store = store_memory_port(f->rows),
	        .blobs = blobs_memory_port(f->blocks),
	        .signer = {f, f->self.addr, suite_sign},
	        .rng = {f, suite_fill},
	        .log = {f, suite_line}};
	f->config = (struct directory_config){.domain = {{9}},
	        .genesis = {.life = {LIFE_S}},
	        .operator_ = f->operator_.addr,
	        .quota = QUOTA,
	        .tree_max = 2 * QUOTA,
	        .version = "0.1",
	        .collector = {f, suite_collect, suite_compact}};
	f->wall.ms = (int64_t)START_S * 1000;
	f->now.ns = 1000000000;
	start_role(f);
	return 0;
}

UNUSED static int tear_down(void **state)
{
	struct fixture *f = *state;

	directory_free(f->d);
	assert_int_equal(f->broken, 0);
	store_memory_free(f->rows);
	blobs_memory_free(f->blocks);
	for (size_t i = 0; i < f->texts_n; i++)
		free(f->texts[i]);
	arena_done(&f->arena);
	free(f);
	return 0;
}

/* ---- trees, specs and deals -------------------------------------------------------------------------------- */

/* One file with n bytes of that value, in a directory. */
UNUSED static struct unixfs_node tree_of(struct fixture *f, uint8_t value, size_t n)
{
	uint8_t *data = malloc(n + 1);
	struct unixfs_path p = {STR("file"), bytes_of(data, n), false};
	struct unixfs_node node;
	struct block_sink sink = suite_sink(f);
	struct err e;

	assert_non_null(data);
	memset(data, value, n);
	assert_true(unixfs_add_tree(&sink, &p, 1, &node, &e));
	free(data);
	return node;
}

UNUSED static struct cid block_of(struct fixture *f, struct bytes b)
{
	struct cid cid = cid_of(CID_RAW, b);
	struct err e;

	assert_true(f->world.blobs.put(f->blocks, &cid, b, &e));
	return cid;
}

/* A spec that names a program, a tree and a file. */
UNUSED static struct cid spec_of(struct fixture *f, const struct cid *program,
        const struct cid *tree, const struct cid *file)
{
	struct job_spec *s = calloc(1, sizeof *s);
	OWN(buf_done) struct buf text;
	struct cid cid;

	assert_non_null(s);
	s->version = 1;
	s->executor = EXECUTOR_WASM;
	s->network = NETWORK_NONE;
	s->determinism = DETERMINISM_EXACT;
	s->comparator = COMPARATOR_BYTES;
	s->program = program->digest;
	s->inputs.n = 2;
	snprintf(s->inputs.v[0].path, sizeof s->inputs.v[0].path, "tree");
	s->inputs.v[0].tree = tree->digest;
	snprintf(s->inputs.v[1].path, sizeof s->inputs.v[1].path, "file");
	s->inputs.v[1].file = file->digest;
	buf_init(&text, BLOCK_MAX);
	record_canonical(job_spec_record(), s, &text);
	assert_true(buf_ok(&text));
	cid = block_of(f, buf_bytes(&text));
	free(s);
	return cid;
}

UNUSED static struct deal deal_of(const struct fixture *f, const struct cid *spec)
{
	struct deal d = {0};

	d.hot.job_creator = f->jc.addr;
	d.hot.provider = f->rp.addr;
	d.hot.mediation = MEDIATION_SINGLE;
	d.hot.nonce = 1;
	d.cold.spec = spec->digest;
	d.cold.determinism = DETERMINISM_EXACT;
	d.cold.directory = f->self.addr;
	d.cold.mediators.n = 1;
	d.cold.mediators.v[0] = f->mediator.addr;
	return d;
}

UNUSED static struct sig sign_deal(
        const struct fixture *f, const struct deal *d, const struct party *p)
{
	struct hash digest;
	struct sig sig;
	struct err e;

	signed_digest(&f->config.domain, deal_record(), d, &digest);
	assert_true(secp_sign(&p->key, &digest, &sig, &e));
	return sig;
}

/* The text of a Lilypad-Deal header, in the fixture's arena; rp NULL: not signed by it. */
UNUSED static struct str show_deal(
        struct fixture *f, const struct deal *d, const struct party *jc, const struct party *rp)
{
	json_t *j = json_object();
	OWN(buf_done) struct buf text;
	struct sig sig = sign_deal(f, d, jc);
	char *out;

	json_object_set_new(j, "deal", record_to_json(deal_record(), d));
	json_object_set_new(j, "jobCreatorSignature", json_of_sig(&sig));
	if (rp) {
		sig = sign_deal(f, d, rp);
		json_object_set_new(j, "providerSignature", json_of_sig(&sig));
	}
	buf_init(&text, 1 << 16);
	json_canonical(j, &text);
	json_decref(j);
	/* Not in the arena, which the next event resets. */
	out = malloc(text.n);
	assert_true(out && f->texts_n < COUNT(f->texts));
	f->texts[f->texts_n++] = out;
	memcpy(out, text.p, text.n);
	return (struct str){out, text.n};
}

/* ---- requests ------------------------------------------------------------------------------------------------ */

struct ask {
	const char *method;
	const char *path; /* of the route: "/v1/trees/{root}" */
	const struct cid *cid;
	const char *query;
	struct str deal;
	const struct party *who; /* NULL: not signed */
};

static const struct fx no_answer;

/* The one effect of an event that answers or takes. */
UNUSED static const struct fx *answer_of(const struct fixture *f)
{
	for (const struct fx *x = f->fx.first; x; x = x->next) {
		if (x->kind != FX_TIMER)
			return x;
	}
	return &no_answer;
}

UNUSED static void give_event(struct fixture *f, struct event *ev)
{
	ev->wall = f->wall;
	ev->now = f->now;
	arena_reset(&f->arena);
	fx_init(&f->fx, &f->arena);
	f->role.on_event(f->role.self, ev, &f->fx);
}

/* param: of the path, where it is no content id. */
UNUSED static const struct fx *ask_of(struct fixture *f, struct ask a, const char *param)
{
	struct http_req r = {.conn = {++f->conns}, .route = 99};
	struct event ev = {.kind = EV_REQUEST, .request = &r};

	for (unsigned i = 0; i < f->role.routes_n; i++) {
		if (strcmp(f->role.routes[i].path, a.path) == 0 &&
		        strcmp(f->role.routes[i].method, a.method) == 0)
			r.route = i;
	}
	assert_int_not_equal(r.route, 99);
	r.params[0] = str_of(param);
	r.query = a.query ? str_of(a.query) : STR("");
	r.deal = a.deal;
	if (a.who)
		r.account = a.who->addr;
	else
		assert_int_not_equal(f->role.routes[r.route].auth, AUTH_REQUEST);
	give_event(f, &ev);
	assert_int_equal(answer_of(f)->conn.v, r.conn.v);
	return answer_of(f);
}

UNUSED static const struct fx *ask(struct fixture *f, struct ask a)
{
	char text[CID_TEXT_MAX] = "";

	if (a.cid)
		cid_format(a.cid, text);
	return ask_of(f, a, text);
}

/* The tree that the last ask() was told to send has come. */
UNUSED static const struct fx *arrive(struct fixture *f, const struct unixfs_node *node)
{
	struct tree_done done = {
	        .conn = {f->conns}, .ok = true, .root = node->cid, .bytes = node->tree_bytes};
	struct event ev = {.kind = EV_TREE_IN, .tree = &done};

	give_event(f, &ev);
	return answer_of(f);
}

UNUSED static const struct fx *post(struct fixture *f, const struct unixfs_node *node,
        const struct party *who, const char *query, struct str deal)
{
	const struct fx *x =
	        ask(f, (struct ask){"POST", "/v1/trees/{root}", &node->cid, query, deal, who});

	return x->kind == FX_TAKE_TREE ? arrive(f, node) : x;
}

UNUSED static void store_private(
        struct fixture *f, const struct unixfs_node *node, const struct party *who)
{
	assert_int_equal(post(f, node, who, NULL, STR(""))->status, 201);
}

UNUSED static const struct fx *get(
        struct fixture *f, const struct cid *cid, const struct party *who, struct str deal)
{
	return ask(f, (struct ask){"GET", "/v1/trees/{root}", cid, NULL, deal, who});
}

/* The code of an error answer; E_NONE when it is none. */
UNUSED static enum err_code code_of(const struct fx *x)
{
	struct err e;

	if (x->kind == FX_GIVE_TREE || x->kind == FX_REPLY_RAW || x->kind == FX_TAKE_TREE)
		return E_NONE;
	assert_int_equal(x->kind, FX_REPLY);
	if (x->status < 400)
		return E_NONE;
	assert_true(err_from_json(bytes_str(x->body), &e));
	assert_int_equal(x->status, err_http(e.code));
	return e.code;
}

UNUSED static bool can_get(
        struct fixture *f, const struct cid *cid, const struct party *who, struct str deal)
{
	const struct fx *x = get(f, cid, who, deal);

	if (x->kind == FX_GIVE_TREE) {
		assert_true(cid_eq(&x->root, cid));
		return true;
	}
	assert_int_equal(code_of(x), E_FORBIDDEN);
	return false;
}

/* Time goes on, and the timer fires as often as it asks to. */
UNUSED static void tick(struct fixture *f, int64_t seconds)
{
	f->wall.ms += seconds * 1000;
	f->now.ns += seconds * 1000000000;
	for (int i = 0; i < 10000; i++) {
		struct event ev = {.kind = EV_TIMER, .timer = {.what = TAG_TICK}};
		const struct fx *x;

		give_event(f, &ev);
		for (x = f->fx.first; x && x->kind != FX_TIMER; x = x->next)
			continue;
		assert_non_null(x);
		if (x->delay.ms > 1)
			return;
	}
	fail_msg("the timer never rests");
}

#endif
