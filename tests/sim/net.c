/* net.c - requests on their way, and their answers: what client and server of src/http are to a role. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "sim.h"

enum { CALL_S = 30, ANSWER_S = 90, AUTH_WINDOW_S = 60, CONNECT_S = 10, PARAMS_MAX = 4 };

struct call {
	uint64_t id;
	struct call *next;
	struct node *from; /* NULL: nobody waits */
	unsigned from_life;
	struct node *to;
	unsigned to_life;
	char *method, *path;
	struct buf body, deal, said; /* said: the answer's */
	struct addr account;
	int64_t signed_ms;
	uint64_t cursor, follow, max;
	struct cid push, fetch;
	bool arrived, answered;
	struct net_answer answer;
	void (*done)(struct node *n, void *ctx, const struct net_answer *a);
	void *ctx;
	void (*drop)(void *ctx);
};

/* ---- calls --------------------------------------------------------------------------------------------- */

static struct call *call_of(struct sim *s, uint64_t id)
{
	struct call *c = s->calls;

	while (c && c->id != id)
		c = c->next;
	return c;
}

static void call_free(struct sim *s, struct call *c)
{
	struct call **at = &s->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	buf_done(&c->body);
	buf_done(&c->deal);
	buf_done(&c->said);
	free(c->method);
	free(c->path);
	if (c->drop)
		c->drop(c->ctx);
	free(c);
}

static void call_step(struct sim *s, int64_t delay, step_fn *fn, const struct call *c)
{
	sim_after(s, delay, NULL, fn, (void *)(uintptr_t)c->id, NULL);
}

static void deliver(struct sim *s, struct node *none, void *id)
{
	struct call *c = call_of(s, (uintptr_t)id);
	struct node *n = c ? c->from : NULL;

	(void)none;
	if (!c)
		return;
	if (n && n->up && n->life == c->from_life && c->done) {
		c->answer.body = buf_bytes(&c->said);
		c->done(n, c->ctx, &c->answer);
	}
	call_free(s, c);
}

/* The first outcome counts. */
static void finish(struct sim *s, struct call *c, int64_t delay)
{
	if (c->answered)
		return;
	c->answered = true;
	call_step(s, delay, deliver, c);
}

static void fail_call(struct sim *s, struct call *c, const struct err *e, int64_t delay)
{
	if (c->answered)
		return;
	c->answer = (struct net_answer){.err = *e};
	finish(s, c, delay);
}

static void unreachable(struct sim *s, struct call *c, const char *how, int64_t delay)
{
	struct err e;

	FAIL(&e, UNREACHABLE, "%s: %s", c->to ? c->to->url : "?", how);
	sim_note(s, c->from, "  %s %s: %s", c->method, c->path, how);
	fail_call(s, c, &e, delay);
}

static void on_deadline(struct sim *s, struct node *none, void *id)
{
	struct call *c = call_of(s, (uintptr_t)id);
	struct err e;

	(void)none;
	if (!c)
		return;
	FAIL(&e, TIMEOUT, "%s: no answer in time", c->to ? c->to->url : "?");
	fail_call(s, c, &e, 0);
}

/* ---- routes -------------------------------------------------------------------------------------------- */

/* Does the path match, segment by segment? {…} takes one. */
static bool matches(const struct route *r, struct str path, struct str params[PARAMS_MAX])
{
	struct str want = str_of(r->path);
	unsigned n = 0;

	while (want.n && path.n) {
		struct str w, p;

		want = (struct str){want.p + 1, want.n - 1};
		path = (struct str){path.p + 1, path.n - 1};
		w = str_cut(want, '/', &want);
		p = str_cut(path, '/', &path);
		want = want.n ? (struct str){want.p - 1, want.n + 1} : want;
		path = path.n ? (struct str){path.p - 1, path.n + 1} : path;
		if (w.n && w.p[0] == '{') {
			assert(n < PARAMS_MAX);
			params[n++] = p;
		} else if (!str_eq(w, p)) {
			return false;
		}
	}
	return want.n == 0 && path.n == 0;
}

static bool find_route(const struct call *c, struct http_req *r, struct err *e)
{
	const struct role *role = &c->to->role;
	struct str query, path = str_cut(str_of(c->path), '?', &query);

	for (size_t i = 0; i < role->routes_n; i++) {
		memset(r->params, 0, sizeof r->params);
		if (strcmp(role->routes[i].method, c->method) != 0 ||
		        !matches(&role->routes[i], path, r->params))
			continue;
		r->route = (unsigned)i;
		r->query = query;
		return true;
	}
	return FAIL(e, NOT_FOUND, "there is nothing at %s", c->path);
}

/* 9.1: signed by the caller at a time within 60 s of the server's. */
static bool authenticate(const struct call *c, struct http_req *r, struct err *e)
{
	const struct route *route = &c->to->role.routes[r->route];
	int64_t apart = node_wall(c->to).ms - c->signed_ms;

	if (route->auth == AUTH_NONE)
		return true;
	if (addr_is_zero(&c->account)) {
		if (route->auth == AUTH_OPTIONAL)
			return true;
		return FAIL(e, SIGNATURE, "%s must be signed", c->path);
	}
	if (apart > AUTH_WINDOW_S * 1000 || apart < -AUTH_WINDOW_S * 1000)
		return FAIL(e, STALE, "signed %lld ms from the time here", (long long)apart);
	r->account = c->account;
	return true;
}

static void refuse(struct sim *s, struct call *c, const struct err *e)
{
	struct buf text OWN(buf_done);
	json_t *j = err_to_json(e);

	buf_init(&text, HTTP_BODY_MAX);
	json_canonical(j, &text);
	json_decref(j);
	buf_reset(&c->said);
	buf_str(&c->said, buf_view(&text));
	c->answer = (struct net_answer){.ok = true, .status = err_http(e->code), .err = *e};
	finish(s, c, sim_latency(s));
}

/* ---- arrival ------------------------------------------------------------------------------------------- */

static void hand_over(struct sim *s, struct call *c)
{
	struct http_req r = {.conn = {c->id}, .path = str_of(c->path), .cursor = c->cursor};
	struct event ev = {.kind = EV_REQUEST, .request = &r};
	struct err e;

	r.body = buf_bytes(&c->body);
	r.deal = buf_view(&c->deal);
	snprintf(r.peer, sizeof r.peer, "%s", c->from ? c->from->name : "again");
	if (strcmp(c->path, "/v1/health") == 0) {
		c->answer = (struct net_answer){.ok = true, .status = 200};
		finish(s, c, sim_latency(s));
	} else if (!find_route(c, &r, &e) || !authenticate(c, &r, &e)) {
		refuse(s, c, &e);
	} else {
		node_event(c->to, &ev);
	}
}

static void arrive(struct sim *s, struct node *none, void *id)
{
	struct call *c = call_of(s, (uintptr_t)id);

	(void)none;
	if (!c || c->answered)
		return;
	if (c->from && net_apart(s, c->from, c->to)) {
		unreachable(s, c, "no route to it", (int64_t)sim_draw(s, CONNECT_S) * SEC);
		return;
	}
	if (!c->to->up || !c->to->started || c->to->stopping) {
		unreachable(s, c, "connection refused", sim_latency(s));
		return;
	}
	c->to_life = c->to->life;
	c->arrived = true;
	if (!c->from)
		sim_note(s, c->to, "%s %s came once more", c->method, c->path);
	hand_over(s, c);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

struct node *net_node(struct sim *s, const char *url)
{
	for (size_t i = 0; i < s->nodes_n; i++) {
		if (strcmp(s->nodes[i]->url, url) == 0)
			return s->nodes[i];
	}
	return NULL;
}

static size_t place_of(const struct sim *s, const struct node *n)
{
	size_t i = 0;

	while (i < s->nodes_n && s->nodes[i] != n)
		i++;
	return i;
}

bool net_apart(const struct sim *s, const struct node *a, const struct node *b)
{
	size_t i = place_of(s, a), k = place_of(s, b);

	return i < s->nodes_n && k < s->nodes_n && (s->apart[i][k] || s->apart[k][i]);
}

static struct call *call_new(struct node *from, const struct ask *a)
{
	struct sim *s = from->sim;
	struct call *c = calloc(1, sizeof *c);

	assert(c);
	*c = (struct call){.id = ++s->ids,
	        .next = s->calls,
	        .from = from,
	        .from_life = from->life,
	        .to = net_node(s, a->url),
	        .method = strdup(a->method),
	        .path = strdup(a->path),
	        .signed_ms = node_wall(from).ms,
	        .cursor = a->cursor,
	        .follow = a->follow,
	        .max = a->max};
	assert(c->method && c->path);
	buf_init(&c->body, HTTP_BODY_MAX);
	buf_init(&c->deal, HTTP_BODY_MAX);
	buf_init(&c->said, (size_t)4 * HTTP_BODY_MAX);
	buf_put(&c->body, a->body.p, a->body.n);
	buf_put(&c->deal, a->deal.p, a->deal.n);
	if (!addr_is_zero(&a->audience))
		c->account = from->account->addr;
	if (a->push)
		c->push = *a->push;
	if (a->fetch)
		c->fetch = *a->fetch;
	s->calls = c;
	return c;
}

/* What travels twice is only what carries no Request: that has a nonce, and is refused the second time. */
static void send_twice(struct node *from, const struct ask *a)
{
	struct sim *s = from->sim;
	struct call *c;

	if (!addr_is_zero(&a->audience) || a->push || a->fetch || a->follow ||
	        !sim_fault(s, FAULT_TWICE))
		return;
	c = call_new(from, a);
	c->from = NULL;
	call_step(s, (int64_t)sim_draw(s, 20 * SEC), arrive, c);
	call_step(s, ANSWER_S * SEC, on_deadline, c);
}

void net_ask(struct node *from, const struct ask *a)
{
	struct sim *s = from->sim;
	int64_t wait = a->deadline.ms ? a->deadline.ms * MS : CALL_S * SEC;
	struct call *c;

	/* Asked for by a life that has ended meanwhile. */
	if (!from->up) {
		if (a->drop)
			a->drop(a->ctx);
		return;
	}
	s->asks++;
	c = call_new(from, a);
	c->done = a->done;
	c->ctx = a->ctx;
	c->drop = a->drop;
	sim_note(s, from, "-> %s %s %s", c->to ? c->to->name : a->url, c->method, c->path);
	call_step(s, wait, on_deadline, c);
	if (!c->to) {
		unreachable(s, c, "no such host", sim_latency(s));
	} else if (net_apart(s, from, c->to)) {
		unreachable(s, c, "no route to it", (int64_t)sim_draw(s, CONNECT_S) * SEC);
	} else if (sim_fault(s, FAULT_LOSE) || from->party->silent) {
		unreachable(s, c, "the connection failed", sim_latency(s));
	} else {
		send_twice(from, a);
		call_step(s, sim_latency(s), arrive, c);
	}
}

/* ---- answering ----------------------------------------------------------------------------------------- */

/* The connection of that number at this server, unanswered. */
static struct call *asked(struct node *n, struct conn_id conn)
{
	struct call *c = call_of(n->sim, conn.v);

	return c && c->to == n && c->arrived && c->to_life == n->life && !c->answered ? c : NULL;
}

static void garbage(struct sim *s, struct call *c)
{
	static const char text[] = "<html><body>gateway</body></html>";

	sim_note(s, c->to, "  answers %s with garbage", c->path);
	buf_reset(&c->said);
	buf_z(&c->said, text);
	c->answer = (struct net_answer){.ok = true, .status = sim_chance(s, 500) ? 200 : 500};
	if (c->answer.status == 500)
		FAIL(&c->answer.err, PEER, "%s: status 500 without a reason", c->to->url);
}

/* On its way back it can still be lost. */
static void send_back(struct sim *s, struct call *c)
{
	if (c->from && (net_apart(s, c->from, c->to) || sim_fault(s, FAULT_UNANSWERED))) {
		unreachable(s, c, "the connection broke before its answer", sim_latency(s));
		return;
	}
	if (c->from && sim_fault(s, FAULT_GARBAGE))
		garbage(s, c);
	finish(s, c, sim_latency(s));
}

void net_reply(struct node *n, const struct fx *f)
{
	struct call *c = asked(n, f->conn);

	if (!c)
		return;
	c->answer = (struct net_answer){.ok = true, .status = f->status ? f->status : 200};
	buf_reset(&c->said);
	buf_put(&c->said, f->body.p, f->body.n);
	if (c->answer.status >= 400 && !err_from_json(buf_view(&c->said), &c->answer.err))
		FAIL(&c->answer.err, PEER, "%s: status %d", n->url, c->answer.status);
	sim_note(n->sim, n, "<- %s: %d%s%s", c->path, c->answer.status,
	        c->answer.status >= 400 ? " " : "",
	        c->answer.status >= 400 ? c->answer.err.msg : "");
	send_back(n->sim, c);
}

void net_refuse(struct node *n, struct conn_id conn, const struct err *e)
{
	struct call *c = asked(n, conn);

	if (c)
		refuse(n->sim, c, e);
}

bool net_open_stream(
        struct node *n, struct conn_id conn, uint64_t pipe, uint64_t *follow, int64_t *at)
{
	struct call *c = asked(n, conn);
	int64_t delay = sim_latency(n->sim);

	if (!c || !c->follow)
		return false;
	*follow = c->follow;
	c->answer = (struct net_answer){.ok = true, .status = 200, .pipe = pipe};
	*at = n->sim->now + delay;
	finish(n->sim, c, delay);
	return true;
}

/* ---- trees --------------------------------------------------------------------------------------------- */

/* The tree of an upload has come, or its sender has gone in the middle. */
static void tree_came(struct sim *s, struct node *to, void *id)
{
	struct call *c = call_of(s, (uintptr_t)id);
	struct tree_done t = {0};
	struct event ev = {.kind = EV_TREE_IN, .tree = &t};

	if (!c || c->to != to || c->to_life != to->life)
		return;
	t.conn.v = c->id;
	t.root = c->push;
	if (c->answered || !c->from || !c->from->up || c->from->life != c->from_life ||
	        net_apart(s, c->from, to))
		FAIL(&t.err, ENCODING, "the tree was cut off");
	else
		t.ok = tree_copy(c->from, to, &c->push, c->max,
		        sim_fault(s, FAULT_CUT) ? 1 + (size_t)sim_draw(s, 4) : 0, &t.bytes, &t.err);
	if (!t.ok && t.err.code == E_UNREACHABLE) {
		unreachable(s, c, "the connection broke while the tree was sent", 0);
		t.err.code = E_ENCODING;
	}
	node_event(to, &ev);
}

void net_take_tree(struct node *n, const struct fx *f)
{
	struct call *c = asked(n, f->conn);

	if (!c || !c->push.codec)
		return;
	c->max = f->limit ? f->limit : HTTP_TREE_MAX;
	sim_after(n->sim, sim_latency(n->sim), n, tree_came, (void *)(uintptr_t)c->id, NULL);
}

/* Copied when it has arrived whole: what the receiver has of a broken one it verifies by itself. */
static void tree_given(struct sim *s, struct node *from, void *id)
{
	struct call *c = call_of(s, (uintptr_t)id);
	struct net_answer *a;

	if (!c || c->answered || !c->from || !c->from->up || c->from->life != c->from_life)
		return;
	a = &c->answer;
	*a = (struct net_answer){.ok = true, .status = 200, .tree = c->fetch};
	if (net_apart(s, c->from, from) ||
	        !tree_copy(from, c->from, &c->fetch, c->max,
	                sim_fault(s, FAULT_CUT) ? 1 + (size_t)sim_draw(s, 4) : 0, &a->tree_bytes,
	                &a->err)) {
		if (!a->err.code)
			FAIL(&a->err, UNREACHABLE, "the connection broke in the middle of a tree");
		a->ok = false;
		a->status = 0;
	}
	finish(s, c, 0);
}

void net_give_tree(struct node *n, const struct fx *f)
{
	struct call *c = asked(n, f->conn);

	if (c && c->fetch.codec)
		sim_after(
		        n->sim, sim_latency(n->sim), n, tree_given, (void *)(uintptr_t)c->id, NULL);
}

/* ---- the end ------------------------------------------------------------------------------------------- */

void net_crash(struct node *n)
{
	for (struct call *c = n->sim->calls; c; c = c->next) {
		if (c->to == n && c->arrived && !c->answered)
			unreachable(n->sim, c, "the connection was reset", sim_latency(n->sim));
	}
}

void net_done(struct sim *s)
{
	while (s->calls)
		call_free(s, s->calls);
}
