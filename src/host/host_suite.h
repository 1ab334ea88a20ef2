/* host_suite.h - what the tests of the host share: an echo role in a small world, on a real loop, with a
 * real server and a real client. */
#ifndef LILYPAD_HOST_HOST_SUITE_H
#define LILYPAD_HOST_HOST_SUITE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/secp.h"
#include "host/host.h"
#include "http/client.h"
#include "os/clock.h"
#include "os/rng.h"
#include "port/peer.h"

enum {
	ROUTE_ECHO,
	ROUTE_POST,
	ROUTE_WRITE,
	ROUTE_WHO,
	ROUTE_SIGNED,
	ROUTE_LATER,
	ROUTE_EVENTS,
	ROUTE_EMIT,
	ROUTE_PUT_TREE,
	ROUTE_GET_TREE,
	ROUTE_REFUSE,
	ROUTE_CALL,
	ROUTE_EXIT,
	ROUTE_DEAL,
	ROUTE_SILENT,
	ROUTE_PORTS,
	ROUTE_SOFT,
	ROUTE_SOFT_SIGN
};

static const struct route echo_routes[] = {
        [ROUTE_ECHO] = {"GET", "/v1/echo/{name}", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_POST] = {"POST", "/v1/echo", AUTH_NONE, BODY_JSON, 1000, ""},
        [ROUTE_WRITE] = {"POST", "/v1/write", AUTH_NONE, BODY_JSON, 0, ""},
        [ROUTE_WHO] = {"GET", "/v1/who", AUTH_OPTIONAL, BODY_NONE, 0, ""},
        [ROUTE_SIGNED] = {"POST", "/v1/signed", AUTH_REQUEST, BODY_JSON, 0, ""},
        [ROUTE_LATER] = {"GET", "/v1/later", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_EVENTS] = {"GET", "/v1/events", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_EMIT] = {"POST", "/v1/emit/{n}", AUTH_NONE, BODY_JSON, 0, ""},
        [ROUTE_PUT_TREE] = {"PUT", "/v1/trees/{root}", AUTH_REQUEST, BODY_TREE, 4 << 20, ""},
        [ROUTE_GET_TREE] = {"GET", "/v1/trees/{root}", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_REFUSE] = {"PUT", "/v1/refused/{root}", AUTH_NONE, BODY_TREE, 0, ""},
        [ROUTE_CALL] = {"GET", "/v1/call", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_EXIT] = {"POST", "/v1/exit", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_DEAL] = {"GET", "/v1/deal", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_SILENT] = {"GET", "/v1/silent", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_PORTS] = {"POST", "/v1/ports", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_SOFT] = {"POST", "/v1/soft", AUTH_NONE, BODY_NONE, 0, ""},
        [ROUTE_SOFT_SIGN] = {"POST", "/v1/soft-sign", AUTH_NONE, BODY_NONE, 0, ""},
};

enum { TAG_LATER = 1, TAG_CALL, TAG_FOLLOW, TAG_ORDER };

/* ---- the world ------------------------------------------------------------------------------------------ */

struct kept_block {
	struct cid cid;
	struct buf data;
};

struct fixture {
	uv_loop_t loop;
	struct world world;
	struct host *host;
	struct host_options options;
	struct http_client *client;
	struct http_identity who;
	struct seckey server_key, caller_key;
	struct peer self;
	char url[600];
	/* store */
	unsigned puts, begins, commits, turns;
	bool in_tx;
	enum err_code commit_fails, put_fails; /* E_NONE: they do not */
	unsigned replies_in_tx;
	/* blobs */
	struct kept_block blocks[256];
	size_t blocks_n;
	unsigned syncs;
	/* role */
	uint64_t last_id;
	unsigned starts, stops, messages, connects, downs, lost, broken, odd;
	enum err_code down; /* why the stream was, the last time */
	uint64_t message_id;
	char message[64];
	unsigned order[8], order_n;
	bool follow_at_start, set_timers;
	struct peer last_peer; /* with a url: called in EV_STOP */
	uint64_t follow_cursor;
	struct conn_id waiting;
	const struct inbox *inbox;
	struct inbox inbox_copy;
	struct hash submitted;
	struct addr followed;
	uint64_t cursor;
	unsigned submits, fetches, pushes, runs, kills, stopped;
	unsigned notes, trees, results;
};

UNUSED static bool fake_put(void *self, const struct record *r, const void *row, struct err *e)
{
	struct fixture *f = self;

	(void)r;
	(void)row;
	assert_true(f->in_tx);
	f->puts++;
	if (f->put_fails)
		return err_set(e, f->put_fails, 0, __FILE__, __LINE__, "the test says no");
	return true;
}

UNUSED static bool fake_next(void *self, const char *counter, uint64_t *out, struct err *e)
{
	(void)counter;
	*out = 1;
	return fake_put(self, NULL, NULL, e);
}

UNUSED static bool fake_begin(void *self, struct err *e)
{
	struct fixture *f = self;

	(void)e;
	assert_false(f->in_tx);
	f->in_tx = true;
	f->begins++;
	return true;
}

UNUSED static bool fake_commit(void *self, struct err *e)
{
	struct fixture *f = self;

	assert_true(f->in_tx);
	f->in_tx = false;
	f->commits++;
	if (f->commit_fails)
		return err_set(e, f->commit_fails, 0, __FILE__, __LINE__, "no commit");
	return true;
}

UNUSED static void fake_rollback(void *self)
{
	((struct fixture *)self)->in_tx = false;
}

UNUSED static struct kept_block *find_block(struct fixture *f, const struct cid *cid)
{
	for (size_t i = 0; i < f->blocks_n; i++) {
		if (cid_eq(&f->blocks[i].cid, cid))
			return &f->blocks[i];
	}
	return NULL;
}

UNUSED static bool fake_has(void *self, const struct cid *cid)
{
	return find_block(self, cid) != NULL;
}

UNUSED static bool fake_get(void *self, const struct cid *cid, struct buf *out, struct err *e)
{
	struct kept_block *b = find_block(self, cid);

	if (!b)
		return FAIL(e, NOT_FOUND, "no block");
	buf_put(out, b->data.p, b->data.n);
	return true;
}

UNUSED static bool fake_block(void *self, const struct cid *cid, struct bytes data, struct err *e)
{
	struct fixture *f = self;
	struct kept_block *b;

	if (find_block(f, cid))
		return true;
	if (f->blocks_n == COUNT(f->blocks))
		return FAIL(e, QUOTA, "full");
	b = &f->blocks[f->blocks_n++];
	b->cid = *cid;
	buf_init(&b->data, BLOCK_MAX);
	buf_put(&b->data, data.p, data.n);
	return true;
}

UNUSED static bool fake_sync(void *self, struct err *e)
{
	(void)e;
	((struct fixture *)self)->syncs++;
	return true;
}

UNUSED static bool key_sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(self, digest, out, e);
}

UNUSED static struct signer signer_of(struct seckey *k)
{
	struct signer s = {k, {{0}}, key_sign};
	struct err e;

	assert_true(seckey_addr(k, &s.addr, &e));
	return s;
}

UNUSED static void fake_line(void *self, enum log_level level, const char *text)
{
	struct fixture *f = self;

	(void)text;
	f->broken += level == LOG_BROKEN;
	f->odd += level == LOG_ODD;
}

/* ---- the role ------------------------------------------------------------------------------------------- */

UNUSED static void answer_echo(const struct http_req *r, struct effects *fx)
{
	json_t *j = json_object();
	char cursor[32];

	snprintf(cursor, sizeof cursor, "%llu", (unsigned long long)r->cursor);
	json_object_set_new(j, "name", json_of_str(r->params[0]));
	json_object_set_new(j, "query", json_of_str(r->query));
	json_object_set_new(j, "account", json_of_addr(&r->account));
	json_object_set_new(j, "peer", json_string(r->peer));
	json_object_set_new(j, "cursor", json_string(cursor));
	fx_reply(fx, r->conn, 200, j);
}

UNUSED static void do_emit(struct fixture *f, const struct http_req *r, struct effects *fx)
{
	uint64_t n = 0;

	if (!str_u64(r->params[0], 200, &n))
		n = 0;
	for (uint64_t i = 0; i < n; i++) {
		struct fx *one = fx_add(fx, FX_EMIT, (struct tag){0});

		one->id = ++f->last_id;
		one->name = "note";
		one->body = r->body;
		one->topics[0] = (struct hash){{(uint8_t)(f->last_id % 2 + 1)}};
	}
	fx_reply(fx, r->conn, 200, json_pack("{s:I}", "last", (json_int_t)f->last_id));
}

UNUSED static void do_tree(struct fixture *f, const struct http_req *r, struct effects *fx)
{
	struct fx *one;
	struct err e;

	(void)f;
	if (r->route == ROUTE_REFUSE) {
		FAIL(&e, FORBIDDEN, "not yours");
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	one = fx_add(fx, r->route == ROUTE_PUT_TREE ? FX_TAKE_TREE : FX_GIVE_TREE, (struct tag){0});
	one->conn = r->conn;
	if (!cid_parse(r->params[0], &one->root, &e)) {
		one->kind = FX_REPLY;
		one->status = 400;
		one->body = fx_json(fx, err_to_json(&e));
	}
}

UNUSED static void use_ports(struct fixture *f, const struct http_req *r, struct effects *fx)
{
	struct job_spec *spec = ARENA_NEW(fx->arena, struct job_spec);
	struct tag tag = {.what = 9, .n = 3};
	struct fx *one;

	assert_non_null(spec);
	fx_submit(fx, fx_action(fx, ACTION_TIMEOUT), &(struct hash){{7}});
	for (int i = 0; i < 2; i++) {
		one = fx_add(fx, i ? FX_PUSH : FX_FETCH, tag);
		one->url = "http://directory";
		one->audience = f->self.addr;
		one->root = (struct cid){CID_RAW, {{4}}};
		one->body = str_bytes(STR("{}"));
	}
	fx_add(fx, FX_RUN, tag)->spec = spec;
	fx_add(fx, FX_KILL_RUN, tag);
	fx_reply(fx, r->conn, 200, json_object());
}

/* What it writes may be lost; what it signs may not be, nor what was written before. */
UNUSED static void write_softly(struct fixture *f, const struct http_req *r, struct effects *fx)
{
	struct signer *s = &f->world.signer;
	struct sig sig;
	struct err e;

	fx->soft = true;
	assert_true(f->world.store.put(f->world.store.self, request_record(), NULL, &e));
	if (r->route == ROUTE_SOFT_SIGN)
		assert_true(s->sign(s->self, &(struct hash){{1}}, &sig, &e));
	fx_reply(fx, r->conn, 200, json_pack("{s:i}", "commits", (int)f->commits));
}

UNUSED static void on_request(struct fixture *f, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct fx *one;
	struct err e;

	switch (r->route) {
	case ROUTE_ECHO:
	case ROUTE_WHO:
	case ROUTE_SIGNED: answer_echo(r, fx); break;
	case ROUTE_POST:
		one = fx_add(fx, FX_REPLY_RAW, (struct tag){0});
		one->conn = r->conn;
		one->status = 201;
		one->type = "text/plain";
		one->body = bytes_of(arena_copy(fx->arena, r->body.p, r->body.n), r->body.n);
		break;
	case ROUTE_WRITE:
		assert_true(f->world.store.put(f->world.store.self, request_record(), NULL, &e));
		fx_reply(fx, r->conn, 200, json_pack("{s:b}", "written", 1));
		break;
	case ROUTE_LATER:
		f->waiting = r->conn;
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_LATER})->delay = span_ms(30);
		break;
	case ROUTE_EVENTS:
		one = fx_add(fx, FX_STREAM, (struct tag){0});
		one->conn = r->conn;
		one->id = r->cursor;
		if (str_is(r->query, "topic=1"))
			one->topics[0] = (struct hash){{1}};
		break;
	case ROUTE_EMIT: do_emit(f, r, fx); break;
	case ROUTE_PUT_TREE:
	case ROUTE_GET_TREE:
	case ROUTE_REFUSE: do_tree(f, r, fx); break;
	case ROUTE_CALL:
		f->waiting = r->conn;
		fx_call(fx, (struct tag){.what = TAG_CALL}, &f->self, "GET", "/v1/who", NULL);
		break;
	case ROUTE_EXIT:
		fx_reply(fx, r->conn, 200, json_object());
		fx_add(fx, FX_EXIT, (struct tag){0})->status = 7;
		break;
	case ROUTE_DEAL:
		fx_reply(fx, r->conn, 200, json_pack("{s:o}", "deal", json_of_str(r->deal)));
		break;
	case ROUTE_PORTS: use_ports(f, r, fx); break;
	case ROUTE_SOFT:
	case ROUTE_SOFT_SIGN: write_softly(f, r, fx); break;
	case ROUTE_SILENT: f->waiting = r->conn; break;
	default: break;
	}
}

UNUSED static void on_start(struct fixture *f, struct effects *fx)
{
	static const int64_t delays[] = {60, 0, 20, 40};
	struct fx *one;

	f->starts++;
	for (unsigned i = 0; f->set_timers && i < COUNT(delays); i++)
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_ORDER, .n = i})->delay =
		        span_ms(delays[i]);
	/* Replaced: only the second one fires. */
	if (f->set_timers)
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_ORDER, .n = 0})->delay = span_ms(80);
	if (!f->follow_at_start)
		return;
	one = fx_add(fx, FX_FOLLOW, (struct tag){.what = TAG_FOLLOW});
	one->url = f->self.url;
	one->path = "/v1/events";
	one->id = f->follow_cursor;
}

UNUSED static void on_reply(struct fixture *f, const struct reply *r, struct effects *fx)
{
	struct fx *one = fx_add(fx, FX_REPLY, (struct tag){0});

	assert_int_equal(r->tag.what, TAG_CALL);
	one->conn = f->waiting;
	one->status = r->ok ? r->status : 502;
	one->body = bytes_of(arena_copy(fx->arena, r->body.p, r->body.n), r->body.n);
}

UNUSED static void on_tree_in(const struct tree_done *t, struct effects *fx)
{
	char text[CID_TEXT_MAX];

	if (!t->ok) {
		fx_reply_err(fx, t->conn, &t->err);
		return;
	}
	cid_format(&t->root, text);
	fx_reply(fx, t->conn, 201,
	        json_pack("{s:s, s:I}", "root", text, "bytes", (json_int_t)t->bytes));
}

UNUSED static void on_message(struct fixture *f, const struct message *m)
{
	if (m->connected) {
		f->connects++;
		f->lost += m->lost;
		return;
	}
	if (m->why) {
		f->downs++;
		f->down = m->why->code;
		return;
	}
	f->messages++;
	f->message_id = m->id;
	snprintf(f->message, sizeof f->message, "%.*s", STR_ARG(m->data));
}

UNUSED static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct fixture *f = self;

	assert_true(ev->wall.ms > 0 && ev->now.ns > 0);
	switch (ev->kind) {
	case EV_START: on_start(f, fx); break;
	case EV_REQUEST: on_request(f, ev, fx); break;
	case EV_TREE_IN: on_tree_in(ev->tree, fx); break;
	case EV_TIMER:
		if (ev->timer.what == TAG_LATER)
			fx_reply(fx, f->waiting, 200, json_pack("{s:b}", "later", 1));
		else
			f->order[f->order_n++ % COUNT(f->order)] = ev->timer.n;
		break;
	case EV_REPLY: on_reply(f, ev->reply, fx); break;
	case EV_MESSAGE: on_message(f, ev->message); break;
	case EV_STOP:
		f->stops++;
		if (f->last_peer.url[0])
			fx_call(fx, (struct tag){.what = TAG_CALL}, &f->last_peer, "POST",
			        "/v1/last", json_object());
		/* Nobody is there any more to be told. */
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_ORDER});
		break;
	case EV_LEDGER: f->notes++; break;
	case EV_TREE: f->trees++; break;
	case EV_RUN: f->results++; break;
	}
}

/* The end of a turn that wrote: it is not committed yet, and what it asks for is done after the commit. */
UNUSED static void on_turn(void *self, const struct event *now, struct effects *fx)
{
	struct fixture *f = self;

	assert_true(f->in_tx && now->wall.ms > 0);
	f->turns++;
	if (f->waiting.v) {
		fx_reply(fx, f->waiting, 200, json_pack("{s:b}", "turned", 1));
		f->waiting.v = 0;
	}
}

/* ---- set-up --------------------------------------------------------------------------------------------- */

UNUSED static void host_up(struct fixture *f, uint16_t port)
{
	struct err e;

	f->options.listen_port = port;
	assert_true(host_new(&f->options, &f->host, &e));
	snprintf(f->self.url, sizeof f->self.url, "http://127.0.0.1:%u", host_port(f->host));
	assert_true(host_start(f->host, &e));
}

UNUSED static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct err e;

	*state = f;
	f->server_key = (struct seckey){{1}};
	f->caller_key = (struct seckey){{2}};
	uv_loop_init(&f->loop);
	f->world = (struct world){
	        .store = {.self = f, .put = fake_put, .next = fake_next},
	        .blobs = {f, fake_has, fake_get, fake_block, fake_sync},
	        .signer = signer_of(&f->server_key),
	        .rng = rng_os(),
	        .log = {f, fake_line},
	};
	f->self.addr = f->world.signer.addr;
	f->who = (struct http_identity){signer_of(&f->caller_key), rng_os(), {{9}}};
	f->options = (struct host_options){
	        .loop = &f->loop,
	        .role = {"echo", echo_routes, COUNT(echo_routes), NULL, f, on_event, on_turn},
	        .world = &f->world,
	        .tx = {f, fake_begin, fake_commit, fake_rollback},
	        .domain = {{9}},
	        .listen_ip = "127.0.0.1",
	};
	return http_client_new(&f->loop, &f->who, &f->client, &e) ? 0 : -1;
}

UNUSED static int teardown(void **state)
{
	struct fixture *f = *state;

	http_client_free(f->client);
	host_free(f->host);
	for (int i = 0; i < 10; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	for (size_t i = 0; i < f->blocks_n; i++)
		buf_done(&f->blocks[i].data);
	free(f);
	return 0;
}

/* ---- calls ---------------------------------------------------------------------------------------------- */

struct got {
	bool done, ok;
	int status;
	char body[20000];
	struct err err;
};

UNUSED static void on_done(void *ctx, const struct http_answer *a)
{
	struct got *g = ctx;
	size_t n = MIN2(a->body.n, sizeof g->body - 1);

	g->done = true;
	g->ok = a->ok;
	g->status = a->status;
	g->err = a->err;
	if (n)
		memcpy(g->body, a->body.p, n);
	g->body[n] = '\0';
}

/* Turns the loop until *flag, at most for some seconds: a test that waits in vain fails. */
UNUSED static void wait_until(struct fixture *f, const bool *flag)
{
	struct mono start = clock_mono();

	while (!*flag && mono_since(clock_mono(), start).ms < 10000) {
		uv_run(&f->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
	assert_true(*flag);
}

UNUSED static void turn_for(struct fixture *f, int64_t ms)
{
	struct mono start = clock_mono();

	while (mono_since(clock_mono(), start).ms < ms) {
		uv_run(&f->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
}

UNUSED static void wait_count(struct fixture *f, const unsigned *n, unsigned want)
{
	struct mono start = clock_mono();

	while (*n < want && mono_since(clock_mono(), start).ms < 10000) {
		uv_run(&f->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
	assert_true(*n >= want);
}

UNUSED static void start_call(struct fixture *f, const char *method, const char *path,
        struct str body, bool sign, struct got *g)
{
	struct http_call c = {.method = method,
	        .url = f->url,
	        .body = str_bytes(body),
	        .done = on_done,
	        .ctx = g};

	memset(g, 0, sizeof *g);
	snprintf(f->url, sizeof f->url, "%s%s", f->self.url, path);
	if (sign)
		c.audience = f->self.addr;
	assert_true(http_client_call(f->client, &c).v != 0);
	assert_false(g->done);
}

UNUSED static void ask(struct fixture *f, const char *method, const char *path, const char *body,
        bool sign, struct got *g)
{
	start_call(f, method, path, str_of(body), sign, g);
	wait_until(f, &g->done);
}

UNUSED static void expect_err(const struct got *g, int status, enum err_code code)
{
	assert_true(g->ok);
	assert_int_equal(g->status, status);
	assert_int_equal(g->err.code, code);
	assert_true(g->err.msg[0]);
}

UNUSED static int open_socket(struct fixture *f, const char *request, int window)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(host_port(f->host))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (window)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
	assert_int_equal(connect(fd, (struct sockaddr *)(void *)&at, sizeof at), 0);
	if (request)
		assert_int_equal(send(fd, request, strlen(request), 0), (int)strlen(request));
	return fd;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
