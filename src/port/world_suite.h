/* world_suite.h - what the unit tests of roles share: a world in memory (store, blobs, one real key, a
 * clock that the test moves), a second blob store that stands for the directory, and ways to send a role
 * one event and to look at the effects that it asked for. */
#ifndef LILYPAD_PORT_WORLD_SUITE_H
#define LILYPAD_PORT_WORLD_SUITE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "blobs/memory.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "codec/unixfs.h"
#include "crypto/secp.h"
#include "port/peer.h"
#include "store/memory.h"

enum party { SOLVER, JC, RP, RP2, DIRECTORY, STRANGER, MEDIATOR, PARTIES };
enum { BLOCKS_MAX = 256, NOW_S = 2000000, ARENAS = 8 };

struct bench {
	struct store_memory *rows;
	struct blobs_memory *local, *remote; /* of the role, and of the directory */
	struct seckey key[PARTIES];
	struct addr addr[PARTIES];
	enum party self;
	struct hash domain;
	struct world world;
	struct role role;
	struct arena arena[ARENAS]; /* what an event asked for stays readable for a few more */
	unsigned turn;
	struct effects fx; /* of the last event */
	struct wall wall;
	struct mono mono;
	struct btime ledger;
	uint64_t seq, cursor;
	uint8_t random;
	char said[256]; /* logged last at LOG_ODD */
};

/* ---- the store and the blobs --------------------------------------------------------------------------- */

static inline bool kept_get(struct bench *b, const struct record *r, void *row, struct err *e)
{
	struct store s = store_memory_port(b->rows);

	return s.get(s.self, r, row, e);
}

static inline bool blob_put(
        struct blobs_memory *where, const struct cid *cid, struct bytes data, struct err *e)
{
	struct blobs to = blobs_memory_port(where);

	return to.put(to.self, cid, data, e);
}

/* The role's own are gone. */
static inline void blobs_clear(struct bench *b)
{
	blobs_memory_free(b->local);
	b->local = blobs_memory_new(BLOCKS_MAX);
	b->world.blobs = blobs_memory_port(b->local);
}

/* A tree of files into a blob store. */
static inline struct unixfs_node plant(
        struct blobs_memory *where, const struct unixfs_path *paths, size_t n)
{
	struct blobs to = blobs_memory_port(where);
	struct block_sink sink = {to.self, to.put};
	struct unixfs_node out;
	struct err e;

	if (!unixfs_add_tree(&sink, paths, n, &out, &e))
		fail_msg("%s", e.msg);
	return out;
}

/* A spec without inputs that goes with an offer. */
static inline void spec_for(
        const struct job_offer *j, const struct unixfs_node *program, struct job_spec *out)
{
	memset(out, 0, sizeof *out);
	out->version = 1;
	out->executor = EXECUTOR_WASM;
	snprintf(out->name, sizeof out->name, "test");
	out->module = j->module;
	out->program = program->cid.digest;
	out->program_bytes = program->tree_bytes;
	snprintf(out->entrypoint, sizeof out->entrypoint, "_start");
	out->resources = j->resources;
	out->network = NETWORK_NONE;
	out->instruction_limit = j->instruction_limit;
	out->output_limit = 1000;
	out->determinism = DETERMINISM_EXACT;
	snprintf(out->engine, sizeof out->engine, "%s", j->engine);
}

/* What an honest directory does: false when it has not the whole tree within max bytes. */
static inline bool blobs_copy(struct blobs_memory *from, struct blobs_memory *to,
        const struct cid *root, uint64_t max, uint64_t *bytes, struct err *e)
{
	struct blobs a = blobs_memory_port(from), b = blobs_memory_port(to);
	struct block_source src = {a.self, a.get};

	return unixfs_blocks(&src, root, max, b.put, b.self, bytes, e);
}

/* ---- the rest of the world ----------------------------------------------------------------------------- */

static bool bench_sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	struct bench *b = self;

	return secp_sign(&b->key[b->self], digest, out, e);
}

static void bench_fill(void *self, void *out, size_t n)
{
	struct bench *b = self;

	memset(out, ++b->random, n);
}

static void bench_log(void *self, enum log_level level, const char *text)
{
	struct bench *b = self;

	if (level == LOG_BROKEN)
		fail_msg("broken: %s", text);
	if (level == LOG_ODD)
		snprintf(b->said, sizeof b->said, "%s", text);
}

static inline struct bench *bench_new(enum party self, const struct record *(*const *tables)(void))
{
	struct bench *b = calloc(1, sizeof *b);
	struct err e;

	assert_non_null(b);
	b->self = self;
	for (unsigned i = 0; i < PARTIES; i++) {
		memset(b->key[i].b, (int)(i + 1), sizeof b->key[i].b);
		assert_true(seckey_addr(&b->key[i], &b->addr[i], &e));
	}
	memset(b->domain.b, 0x77, sizeof b->domain.b);
	b->rows = store_memory_new(tables);
	b->local = blobs_memory_new(BLOCKS_MAX);
	b->remote = blobs_memory_new(BLOCKS_MAX);
	for (unsigned i = 0; i < ARENAS; i++)
		arena_init(&b->arena[i], 64 << 20);
	b->wall.ms = (int64_t)NOW_S * 1000;
	b->ledger.s = NOW_S;
	b->world = (struct world){
	        .store = store_memory_port(b->rows),
	        .blobs = blobs_memory_port(b->local),
	        .signer = {b, b->addr[self], bench_sign},
	        .rng = {b, bench_fill},
	        .log = {b, bench_log},
	};
	return b;
}

static inline void bench_free(struct bench *b)
{
	store_memory_free(b->rows);
	blobs_memory_free(b->local);
	blobs_memory_free(b->remote);
	for (unsigned i = 0; i < ARENAS; i++)
		arena_done(&b->arena[i]);
	free(b);
}

static inline void pass(struct bench *b, int64_t s)
{
	b->wall.ms += s * 1000;
	b->mono.ns += s * 1000000000;
	b->ledger.s += (uint64_t)s;
}

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

/* ---- events ------------------------------------------------------------------------------------------- */

static inline void send_event(struct bench *b, struct event *ev)
{
	struct arena *a = &b->arena[b->turn++ % ARENAS];

	ev->wall = b->wall;
	ev->now = b->mono;
	arena_reset(a);
	fx_init(&b->fx, a);
	b->role.on_event(b->role.self, ev, &b->fx);
}

static inline void send_start(struct bench *b)
{
	send_event(b, &(struct event){.kind = EV_START});
}

static inline void send_timer(struct bench *b, struct tag tag)
{
	send_event(b, &(struct event){.kind = EV_TIMER, .timer = tag});
}

static inline void send_connected(struct bench *b, bool lost)
{
	struct message m = {.connected = true, .lost = lost};

	send_event(b, &(struct event){.kind = EV_MESSAGE, .message = &m});
}

/* j is taken. */
static inline void send_message(struct bench *b, const char *name, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);
	struct message m = {.id = ++b->cursor, .name = str_of(name), .data = str_of(text)};

	send_event(b, &(struct event){.kind = EV_MESSAGE, .message = &m});
	free(text);
	json_decref(j);
}

/* An answer of the peer; j is taken. */
static inline void send_reply(struct bench *b, struct tag tag, int status, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);
	struct reply r = {
	        .tag = tag, .ok = true, .status = status, .body = str_bytes(str_of(text))};

	if (status >= 400 && !err_from_json(str_of(text), &r.err))
		fail_msg("not an error: %s", text);
	send_event(b, &(struct event){.kind = EV_REPLY, .reply = &r});
	free(text);
	json_decref(j);
}

static inline void send_refusal(struct bench *b, struct tag tag, enum err_code code)
{
	struct err e;

	(void)err_set(&e, code, 0, __FILE__, __LINE__, "refused by the test");
	send_reply(b, tag, err_http(code), err_to_json(&e));
}

static inline void send_silence(struct bench *b, struct tag tag)
{
	struct reply r = {.tag = tag};

	(void)FAIL(&r.err, UNREACHABLE, "nobody answers");
	send_event(b, &(struct event){.kind = EV_REPLY, .reply = &r});
}

static inline void send_note(struct bench *b, struct ledger_note *n)
{
	n->time = b->ledger;
	send_event(b, &(struct event){.kind = EV_LEDGER, .ledger = n});
}

static inline void send_clock(struct bench *b)
{
	send_note(b, &(struct ledger_note){.stage = LEDGER_CLOCK});
}

/* Of the action that caused the event with that number. */
static inline struct hash action_no(uint64_t seq)
{
	return (struct hash){{0xac, [30] = (uint8_t)(seq >> 8), [31] = (uint8_t)seq}};
}

static inline void send_deal_event(
        struct bench *b, const struct hash *deal, enum deal_state to, uint64_t cost, uint64_t due)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};

	n.event.seq = ++b->seq;
	n.event.action_id = action_no(b->seq);
	n.event.time = b->ledger;
	n.event.deal = *deal;
	n.event.to = (uint8_t)to;
	n.event.amount = amount_of(cost);
	n.event.deadline.s = due;
	send_note(b, &n);
}

static inline void send_dropped(struct bench *b, const struct hash *action, enum err_code code)
{
	struct ledger_note n = {.stage = LEDGER_DROPPED, .action_id = *action};

	(void)err_set(&n.err, code, 0, __FILE__, __LINE__, "dropped by the test");
	send_note(b, &n);
}

static inline void send_tree_failed(struct bench *b, struct tag tag, enum err_code code)
{
	struct tree_done t = {.tag = tag};

	(void)err_set(&t.err, code, 0, __FILE__, __LINE__, "no tree, says the test");
	send_event(b, &(struct event){.kind = EV_TREE, .tree = &t});
}

/* ---- effects ------------------------------------------------------------------------------------------ */

/* The k-th effect of a kind of the last event; what: of that tag, 0: any. NULL: there is none. */
static inline struct fx *fx_of(struct bench *b, enum fx_kind kind, uint32_t what, unsigned k)
{
	for (struct fx *f = b->fx.first; f; f = f->next) {
		if (f->kind == kind && (what == 0 || f->tag.what == what) && k-- == 0)
			return f;
	}
	return NULL;
}

static inline struct fx *need(struct bench *b, enum fx_kind kind, uint32_t what)
{
	struct fx *f = fx_of(b, kind, what, 0);

	if (!f)
		fail_msg("no effect of kind %d and tag %u; said: %s", (int)kind, what, b->said);
	return f;
}

static inline unsigned fx_count(struct bench *b, enum fx_kind kind)
{
	unsigned n = 0;

	while (fx_of(b, kind, 0, n))
		n++;
	return n;
}

/* The action of a kind that the last event submitted, or NULL. */
static inline const struct action *submitted(struct bench *b, enum action_kind kind)
{
	struct fx *f;

	for (unsigned i = 0; (f = fx_of(b, FX_SUBMIT, 0, i)); i++) {
		if (f->action->kind == kind)
			return f->action;
	}
	return NULL;
}

/* What a call says; new reference. */
static inline json_t *body_of(const struct fx *f)
{
	json_t *j = NULL;
	struct err e;

	assert_non_null(f);
	if (!json_parse(bytes_str(f->body), &j, &e))
		fail_msg("%s", e.msg);
	return j;
}

static inline bool asks(const struct fx *f, const char *end)
{
	size_t n = f ? strlen(f->path) : 0, m = strlen(end);

	return n >= m && strcmp(f->path + n - m, end) == 0;
}

/* The call says no to a deal, and why. */
static inline void assert_says_no(const struct fx *f, const char *word)
{
	json_t *j = body_of(f);
	const char *why =
	        json_string_value(json_object_get(json_object_get(j, "reason"), "message"));

	assert_true(asks(f, "/refuse"));
	if (!why || !strstr(why, word))
		fail_msg("refused with \"%s\", not with \"%s\"", why, word);
	json_decref(j);
}

/* The directory answers every fetch of the last event. The effects afterwards are those of the last. */
static inline unsigned serve_fetches(struct bench *b)
{
	struct fx *all[16], *f;
	unsigned n = 0;

	for (; n < COUNT(all) && (f = fx_of(b, FX_FETCH, 0, n)); n++)
		all[n] = f;
	for (unsigned i = 0; i < n; i++) {
		struct tree_done t = {.tag = all[i]->tag, .root = all[i]->root};

		t.ok = blobs_copy(b->remote, b->local, &t.root, all[i]->limit, &t.bytes, &t.err);
		send_event(b, &(struct event){.kind = EV_TREE, .tree = &t});
	}
	return n;
}

/* The Stored of a directory for a push of the last event. */
static inline json_t *stored_json(struct bench *b, const struct stored *st, enum party who)
{
	struct sig sig = sign_as(b, who, stored_record(), st);

	return json_pack("{s:o, s:o}", "stored", record_to_json(stored_record(), st), "signature",
	        json_of_sig(&sig));
}

static inline void send_pushed(struct bench *b, struct tag tag, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : strdup("{}");
	struct tree_done t = {.tag = tag, .ok = true, .body = str_bytes(str_of(text))};

	send_event(b, &(struct event){.kind = EV_TREE, .tree = &t});
	free(text);
	json_decref(answer);
}

#endif
