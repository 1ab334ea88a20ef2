/* node.c - the host of a role (src/host), as far as a role can tell: events, one transaction a turn, effects
 * after its commit; and the ways in which a process ends. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "sim.h"

enum {
	TURN_ARENA_MAX = 64 << 20,
	DRAIN_MS = 2000,
	TIMERS_MAX = 65536,
	FOLLOWS_MAX = 64,
	EXIT_MS = 1,
	SOFT_MS = 50
};

#define MADE_UP_NUMBERS ((uint64_t)1 << 62)

/* ---- the store ----------------------------------------------------------------------------------------- */

static bool begin(struct node *n, struct err *e)
{
	struct store_tx tx = store_memory_tx(n->account->rows);

	if (n->in_tx)
		return true;
	TRY(tx.begin(tx.self, e), e);
	n->in_tx = true;
	return true;
}

/* A full disk: the role goes on to the end of its event as if all were well, and nothing of it counts
 * (host/lost.c). */
static bool is_lost(struct node *n)
{
	if (!n->lost && sim_fault(n->sim, FAULT_FULL)) {
		sim_note(n->sim, n, "has no space left");
		n->lost = true;
	}
	return n->lost;
}

static bool put(void *self, const struct record *r, const void *row, struct err *e)
{
	struct node *n = self;
	struct store s = store_memory_port(n->account->rows);

	n->wrote = true;
	if (is_lost(n))
		return true;
	TRY(begin(n, e), e);
	return s.put(s.self, r, row, e);
}

static bool del(void *self, const struct record *r, const void *row, struct err *e)
{
	struct node *n = self;
	struct store s = store_memory_port(n->account->rows);

	n->wrote = true;
	if (is_lost(n))
		return true;
	TRY(begin(n, e), e);
	return s.del(s.self, r, row, e);
}

static bool next(void *self, const char *counter, uint64_t *out, struct err *e)
{
	struct node *n = self;
	struct store s = store_memory_port(n->account->rows);

	n->wrote = n->bound = true;
	if (is_lost(n)) {
		*out = MADE_UP_NUMBERS + n->token++;
		return true;
	}
	TRY(begin(n, e), e);
	return s.next(s.self, counter, out, e);
}

static bool get(void *self, const struct record *r, void *row, struct err *e)
{
	struct node *n = self;
	struct store s = store_memory_port(n->account->rows);

	return s.get(s.self, r, row, e);
}

static bool each(void *self, const struct record *r, const struct field *by, const void *row,
        bool (*cb)(void *ctx, const void *row), void *ctx, struct err *e)
{
	struct node *n = self;
	struct store s = store_memory_port(n->account->rows);

	return s.each(s.self, r, by, row, cb, ctx, e);
}

/* ---- the rest of the world ----------------------------------------------------------------------------- */

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	struct node *n = self;

	n->bound = true;
	return secp_sign(&n->account->key, digest, out, e);
}

static void fill(void *self, void *out, size_t size)
{
	struct node *n = self;
	uint8_t *p = out;

	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)sim_draw(n->sim, 256);
}

static void say(void *self, enum log_level level, const char *text)
{
	struct node *n = self;

	if (level >= LOG_INFO)
		sim_note(n->sim, n, "  # %s", text);
	if (level == LOG_BROKEN)
		sim_fail(n->sim, "%s says that something is broken: %s", n->name, text);
}

struct wall node_wall(const struct node *n)
{
	/* The clocks of this world begin at 2027-01-15, in UTC. */
	return (struct wall){1800000000000 + n->sim->now / MS + n->skew_ms};
}

/* ---- effects ------------------------------------------------------------------------------------------- */

struct timer {
	struct tag tag;
	uint64_t token;
};

static void on_timer(struct sim *s, struct node *n, void *ctx)
{
	const struct timer *t = ctx;
	uint64_t *token = map_get(&n->timers, &t->tag);
	struct event ev = {.kind = EV_TIMER, .timer = t->tag};

	(void)s;
	if (!token || *token != t->token)
		return; /* replaced */
	map_del(&n->timers, &t->tag);
	node_event(n, &ev);
}

static void set_timer(struct node *n, const struct fx *f)
{
	uint64_t *token = map_put(&n->timers, &f->tag, NULL);
	struct timer *t = malloc(sizeof *t);

	assert(token && t);
	*token = ++n->token;
	*t = (struct timer){f->tag, *token};
	sim_after(n->sim, MAX2(f->delay.ms, (int64_t)0) * MS + (int64_t)sim_draw(n->sim, MS), n,
	        on_timer, t, free);
}

static void on_reply(struct node *n, void *ctx, const struct net_answer *a)
{
	const struct tag *tag = ctx;
	struct reply r = {
	        .tag = *tag, .ok = a->ok, .status = a->status, .body = a->body, .err = a->err};
	struct event ev = {.kind = EV_REPLY, .reply = &r};

	node_event(n, &ev);
}

static void call(struct node *n, const struct fx *f)
{
	struct tag *tag = malloc(sizeof *tag);

	assert(tag);
	*tag = f->tag;
	net_ask(n, &(struct ask){.url = f->url,
	                   .method = f->method,
	                   .path = f->path ? f->path : "",
	                   .body = f->body,
	                   .audience = f->audience,
	                   .deadline = f->delay,
	                   .done = on_reply,
	                   .ctx = tag,
	                   .drop = free});
}

static void give_message(struct node *n, const struct tag *tag, struct message *m)
{
	struct event ev = {.kind = EV_MESSAGE, .message = m};

	m->tag = *tag;
	node_event(n, &ev);
}

static void on_message(struct node *n, void *ctx, uint64_t id, struct str name, struct str data)
{
	struct message m = {.id = id, .name = name, .data = data};

	give_message(n, ctx, &m);
}

static void on_state(struct node *n, void *ctx, bool connected, bool lost, const struct err *why)
{
	struct message m = {.connected = connected, .lost = lost, .why = why};

	if (!connected)
		sim_note(n->sim, n, "  # event stream: %s", why->msg);
	give_message(n, ctx, &m);
}

struct followed {
	uint64_t number;
	struct tag tag;
};

static void follow(struct node *n, const struct fx *f)
{
	struct followed **slot = map_put(&n->follows, &f->tag, NULL);

	assert(slot);
	if (*slot)
		stream_unfollow(n, (*slot)->number);
	else
		*slot = malloc(sizeof **slot);
	assert(*slot);
	(*slot)->tag = f->tag;
	(*slot)->number = stream_follow(n, &(struct follow_how){.url = f->url,
	                                           .path = f->path,
	                                           .audience = f->audience,
	                                           .cursor = f->id,
	                                           .message = on_message,
	                                           .state = on_state,
	                                           .ctx = &(*slot)->tag});
}

static void on_exit_asked(struct sim *s, struct node *n, void *ctx)
{
	(void)s, (void)ctx;
	node_stop(n, 0);
}

static bool done_at_the_end(const struct fx *f)
{
	return f->kind == FX_REPLY || f->kind == FX_REPLY_RAW || f->kind == FX_EMIT ||
	       f->kind == FX_GIVE_TREE || f->kind == FX_CALL;
}

static void perform(struct node *n, const struct fx *f)
{
	if (n->stopping && !done_at_the_end(f))
		return;
	n->sim->n.effects++;
	switch (f->kind) {
	case FX_REPLY:
	case FX_REPLY_RAW: net_reply(n, f); break;
	case FX_STREAM: stream_open(n, f); break;
	case FX_EMIT: stream_emit(n, f); break;
	case FX_TAKE_TREE: net_take_tree(n, f); break;
	case FX_GIVE_TREE: net_give_tree(n, f); break;
	case FX_CALL: call(n, f); break;
	case FX_FOLLOW: follow(n, f); break;
	case FX_SUBMIT:
		sim_note(n->sim, n, "submits %s", enum_name(&action_kind_names, f->action->kind));
		n->sim->submits++;
		n->ledger.submit(n->ledger.self, f->action, &f->action_id);
		break;
	case FX_FETCH: tree_fetch(n, f); break;
	case FX_PUSH: tree_push(n, f); break;
	case FX_RUN: executor_run(n, f); break;
	case FX_KILL_RUN: executor_kill(n, f); break;
	case FX_TIMER: set_timer(n, f); break;
	case FX_EXIT:
		n->code = f->status;
		sim_note(n->sim, n, "exits with %d", f->status);
		sim_after(n->sim, EXIT_MS * MS, n, on_exit_asked, NULL, NULL);
		break;
	}
}

/* ---- turns --------------------------------------------------------------------------------------------- */

/* A place at which a process may end: true when it did. */
static bool crashes_here(struct node *n)
{
	struct sim *s = n->sim;
	bool each = strcmp(n->name, s->sc->each) == 0;

	/* What is left then is no part of any deal. */
	if (s->settled_at)
		return false;
	n->boundaries++;
	if (each && s->o.crash_at == n->boundaries) {
		node_crash(n, s->sc->each_down.ms * MS);
		return true;
	}
	if (!sim_fault(s, FAULT_CRASH))
		return false;
	node_crash(n, (int64_t)sim_draw(s, (uint64_t)s->sc->down.ms * MS + 1) + 10 * MS);
	return true;
}

static void perform_all(struct node *n)
{
	const struct fx *f = n->first;
	unsigned life = n->life;

	n->first = NULL;
	n->last = &n->first;
	n->in_event = true;
	for (; f && n->life == life && n->up; f = f->next) {
		if (crashes_here(n))
			return;
		perform(n, f);
	}
	n->in_event = false;
	if (n->life == life && n->up)
		arena_reset(&n->arena);
}

static void append(struct node *n, const struct effects *fx)
{
	if (!fx->first)
		return;
	*n->last = fx->first;
	n->last = fx->last;
}

static void last_of_turn(struct node *n)
{
	struct event now = {.wall = node_wall(n), .now.ns = n->sim->now};
	struct effects fx;

	if (!n->in_tx || !n->firm || !n->role.on_turn)
		return;
	fx_init(&fx, &n->arena);
	n->in_event = true;
	n->role.on_turn(n->role.self, &now, &fx);
	n->in_event = false;
	append(n, &fx);
}

static void flush(struct node *n)
{
	struct store_tx tx = store_memory_tx(n->account->rows);
	struct err e;

	n->flush_set = false;
	last_of_turn(n);
	if (n->in_tx) {
		if (crashes_here(n))
			return;
		n->in_tx = n->firm = false;
		if (!tx.commit(tx.self, &e))
			sim_fail(n->sim, "%s cannot commit: %s", n->name, e.msg);
		if (n == n->sim->ledger)
			check_block(n->sim);
	}
	if (n->first)
		perform_all(n);
}

static void on_flush(struct sim *s, struct node *n, void *ctx)
{
	(void)s, (void)ctx;
	flush(n);
}

static void on_soft(struct sim *s, struct node *n, void *ctx)
{
	(void)s, (void)ctx;
	n->soft_set = false;
	if (n->in_tx && !n->firm)
		flush(n);
}

/* What need not be durable at once. */
static void soon(struct node *n)
{
	if (!n->up || !n->in_tx || n->soft_set)
		return;
	n->soft_set = true;
	sim_after(n->sim, SOFT_MS * MS, n, on_soft, NULL, NULL);
}

/* Several events may come in one turn. A store that is shared is not held: others wait for it. */
static void end_turn(struct node *n)
{
	bool shared = n->kind == NODE_CREATOR || n->kind == NODE_RUN;

	if (n->lost) {
		node_crash(n, (int64_t)sim_draw(n->sim, (uint64_t)n->sim->sc->down.ms * MS + 1));
	} else if (!n->firm) {
		perform_all(n);
		soon(n);
	} else if (shared || n->stopping || sim_chance(n->sim, 700)) {
		flush(n);
	} else if (!n->flush_set) {
		n->flush_set = true;
		sim_after(n->sim, (int64_t)sim_draw(n->sim, 3 * MS), n, on_flush, NULL, NULL);
	}
}

void node_event(struct node *n, struct event *ev)
{
	struct effects fx;

	assert(!n->in_event || !n->up);
	if (!n->up || !n->started || (n->stopping && ev->kind != EV_STOP))
		return;
	ev->wall = node_wall(n);
	ev->now.ns = n->sim->now;
	fx_init(&fx, &n->arena);
	n->sim->n.events++;
	n->wrote = n->bound = false;
	n->in_event = true;
	n->role.on_event(n->role.self, ev, &fx);
	n->in_event = false;
	append(n, &fx);
	n->firm = n->firm || (n->in_tx && (n->bound || (n->wrote && !fx.soft)));
	end_turn(n);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

struct node *node_new(struct sim *s, const struct party *p, const struct wanted_job *j)
{
	struct node *n = calloc(1, sizeof *n);

	assert(n && s->nodes_n < NODES_MAX);
	n->sim = s;
	n->party = p;
	n->job = j;
	n->kind = j ? NODE_RUN : p->kind;
	if (j)
		snprintf(n->name, sizeof n->name, "%.50s-%u", p->name, j->number);
	else
		snprintf(n->name, sizeof n->name, "%s", p->name);
	snprintf(n->url, sizeof n->url, "http://%s.sim", n->name);
	s->nodes[s->nodes_n++] = n;
	return n;
}

/* What a life leaves behind; freed when nothing can be looking at it any more. */
struct corpse {
	void *self;
	void (*free)(void *self);
	struct client *client;
	struct blobs_memory *blobs;
	struct arena arena;
	struct map timers, follows;
};

static void corpse_free(void *ctx)
{
	struct corpse *c = ctx;

	if (c->free)
		c->free(c->self);
	client_free(c->client);
	blobs_memory_free(c->blobs);
	arena_done(&c->arena);
	map_done(&c->timers);
	map_done_owned(&c->follows);
	free(c);
}

static void nothing(struct sim *s, struct node *n, void *ctx)
{
	(void)s, (void)n, (void)ctx;
}

static void end_life(struct node *n)
{
	struct store_tx tx = store_memory_tx(n->account->rows);
	struct corpse *c = calloc(1, sizeof *c);

	assert(c);
	if (n->in_tx)
		tx.rollback(tx.self);
	if (n->ledger.stop)
		n->ledger.stop(n->ledger.self);
	net_crash(n);
	stream_crash(n);
	*c = (struct corpse){n->self, n->free, n->client, n->account->blobs ? NULL : n->blobs,
	        n->arena, n->timers, n->follows};
	n->up = n->started = n->stopping = n->in_event = n->in_tx = n->flush_set = n->lost = false;
	n->firm = n->soft_set = false;
	n->life++;
	n->self = NULL;
	n->client = NULL;
	n->blobs = NULL;
	n->ledger = (struct ledger_port){0};
	n->first = NULL;
	n->runs = 0;
	sim_after(n->sim, 0, NULL, nothing, c, corpse_free);
}

void node_start(struct node *n)
{
	struct sim *s = n->sim;

	if (n->up)
		return;
	sim_note(s, n, "starts");
	n->up = true;
	n->code = 0;
	n->last = &n->first;
	n->blobs = n->account->blobs ? n->account->blobs : blobs_memory_new(BLOCKS_MAX);
	arena_init(&n->arena, TURN_ARENA_MAX);
	map_init(&n->timers, sizeof(struct tag), sizeof(uint64_t), TIMERS_MAX, 1);
	map_init(&n->follows, sizeof(struct tag), sizeof(struct followed *), FOLLOWS_MAX, 1);
	n->world = (struct world){
	        .store = {n, put, get, del, each, next},
	        .blobs = blobs_memory_port(n->blobs),
	        .signer = {n, n->account->addr, sign},
	        .rng = {n, fill},
	        .log = {n, say},
	};
	wire_open(n);
}

static void on_restart(struct sim *s, struct node *none, void *ctx)
{
	struct node *n = ctx;

	(void)s, (void)none;
	n->restarts--;
	node_start(n);
}

static void restart(struct node *n, int64_t down_ns)
{
	n->restarts++;
	sim_after(n->sim, MAX2(down_ns, MS), NULL, on_restart, n, NULL);
}

void node_quit(struct node *n)
{
	sim_note(n->sim, n, "ends");
	end_life(n);
	n->over = true;
}

void node_retry(struct node *n, int64_t down_ns)
{
	end_life(n);
	restart(n, down_ns);
}

void node_crash(struct node *n, int64_t down_ns)
{
	if (!n->up)
		return;
	n->crashes++;
	n->sim->n.crashes++;
	sim_note(n->sim, n, "CRASHES%s at its boundary %llu", n->in_tx ? " before its commit" : "",
	        (unsigned long long)n->boundaries);
	end_life(n);
	if (n->kind == NODE_RUN && !(n->job->again.ms && n->job->key[0]))
		return; /* nobody watches over it */
	if (n->kind == NODE_RUN)
		down_ns = n->job->again.ms * MS;
	restart(n, down_ns);
}

struct stopping {
	struct node *node;
	int64_t down_ns;
};

static void on_stopped(struct sim *s, struct node *n, void *ctx)
{
	const struct stopping *x = ctx;

	sim_note(s, n, "ends");
	end_life(n);
	n->over = x->down_ns == 0;
	if (x->down_ns)
		restart(n, x->down_ns);
}

void node_stop(struct node *n, int64_t down_ns)
{
	struct stopping *x;
	unsigned life = n->life;

	if (!n->up || !n->started || n->stopping)
		return;
	sim_note(n->sim, n, "is stopped");
	if (n->in_tx)
		flush(n);
	if (!n->up || n->life != life)
		return;
	n->stopping = true;
	node_event(n, &(struct event){.kind = EV_STOP});
	if (!n->up || n->life != life)
		return;
	x = malloc(sizeof *x);
	assert(x);
	*x = (struct stopping){n, down_ns};
	sim_after(n->sim, DRAIN_MS * MS, n, on_stopped, x, free);
}

void node_go(struct node *n)
{
	n->started = true;
	node_event(n, &(struct event){.kind = EV_START});
}

void node_end(struct node *n)
{
	if (n->up)
		end_life(n);
}
