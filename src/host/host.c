/* host.c - the life of a role in a process. */
#include "host/host.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_own.h"
#include "os/clock.h"

enum {
	TURN_ARENA_MAX = 512 << 20,
	DRAIN_MS = 2000, /* for answers, given and awaited, when the role has stopped */
	DRAIN_LOOK_MS = 20,
	CLOSE_TURNS = 1000
};

/* ---- what arrives -------------------------------------------------------------------------------------- */

static void on_ledger(void *self, const struct ledger_note *note)
{
	host_event(self, &(struct event){.kind = EV_LEDGER, .ledger = note});
}

static void on_tree(void *self, const struct tree_done *done)
{
	host_event(self, &(struct event){.kind = EV_TREE, .tree = done});
}

static void on_run(void *self, const struct run_done *done)
{
	host_event(self, &(struct event){.kind = EV_RUN, .run = done});
}

static void on_tree_in(void *ctx, const struct tree_done *done)
{
	host_event(ctx, &(struct event){.kind = EV_TREE_IN, .tree = done});
}

/* Whoever asks again for the same tree makes no second line. */
static void on_unread(void *ctx, const struct err *e)
{
	struct host *h = ctx;

	if (strcmp(h->unread.msg, e->msg) == 0)
		return;
	h->unread = *e;
	log_line(&h->world->log, LOG_ODD, "a tree cannot be given: %s", e->msg);
}

/* ---- turns --------------------------------------------------------------------------------------------- */

static void on_server_turn(void *ctx)
{
	host_flush(ctx);
}

static void on_prepare(uv_prepare_t *p)
{
	host_flush(p->data);
}

static void on_check(uv_check_t *c)
{
	host_flush(c->data);
}

static void on_signal(uv_signal_t *s, int number)
{
	struct host *h = s->data;

	log_line(&h->world->log, LOG_INFO, "signal %d: stopping", number);
	host_stop(h);
}

/* ---- the end ------------------------------------------------------------------------------------------- */

void host_end(struct host *h, int code)
{
	if (h->phase == HOST_ENDED)
		return;
	if (!h->exited)
		h->code = code;
	h->exited = true;
	h->phase = HOST_ENDED;
	uv_stop(h->o.loop);
}

static void on_drain(uv_timer_t *t)
{
	struct host *h = t->data;

	if (h->phase == HOST_RUNNING) {
		h->firm = h->in_tx;
		host_flush(h); /* what was asked for before */
		if (h->phase == HOST_ENDED)
			return;
		h->phase = HOST_STOPPING;
		host_event(h, &(struct event){.kind = EV_STOP});
		host_flush(h);
		if (h->phase == HOST_ENDED)
			return;
		if (h->server)
			http_server_stop(h->server);
	}
	if (((!h->server || http_server_pending(h->server) == 0) && h->last_calls == 0) ||
	        mono_since(clock_mono(), h->stop_since).ms >= DRAIN_MS)
		host_end(h, 0);
}

void host_stop(struct host *h)
{
	if (h->phase == HOST_WAITING)
		host_end(h, 0); /* there is nothing to bring to an end */
	if (h->phase != HOST_RUNNING || uv_is_active((uv_handle_t *)&h->drain))
		return;
	h->stop_since = clock_mono();
	uv_timer_start(&h->drain, on_drain, 0, DRAIN_LOOK_MS);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static uint64_t random_u64(struct world *w)
{
	uint64_t v;

	w->rng.fill(w->rng.self, &v, sizeof v);
	return v;
}

static bool listen_for(struct host *h, struct err *e)
{
	struct http_server_options o = {
	        .loop = h->o.loop,
	        .ip = h->o.listen_ip,
	        .port = h->o.listen_port,
	        .routes = h->routes,
	        .blobs = h->world->blobs.put ? &h->world->blobs : NULL,
	        .auth = &h->auth,
	        .seed = random_u64(h->world),
	        .request = host_on_request,
	        .tree = on_tree_in,
	        .unread = on_unread,
	        .turn = on_server_turn,
	        .ctx = h,
	};
	char path[PATH_MAX];

	if (!h->o.listen_ip)
		return true;
	if (h->o.state_dir) {
		int n = snprintf(path, sizeof path, "%s/served", h->o.state_dir);

		if (n >= (int)sizeof path)
			return FAIL(e, CONFIG, "the path %s is too long", h->o.state_dir);
		TRY(auth_check_keep(&h->auth, path, h->start, e), e);
	}
	host_add_routes(h);
	o.routes_n = h->routes_n;
	TRY(http_server_new(&o, &h->server, e), e);
	return true;
}

static void join_loop(struct host *h)
{
	uv_loop_t *loop = h->o.loop;

	uv_prepare_init(loop, &h->prepare);
	uv_check_init(loop, &h->check);
	uv_timer_init(loop, &h->drain);
	uv_timer_init(loop, &h->look);
	uv_timer_init(loop, &h->soft);
	h->prepare.data = h->check.data = h->drain.data = h->look.data = h->soft.data = h;
	h->handles = 5;
	uv_prepare_start(&h->prepare, on_prepare);
	uv_check_start(&h->check, on_check);
	/* They end turns; they are no reason to have another one. */
	uv_unref((uv_handle_t *)&h->prepare);
	uv_unref((uv_handle_t *)&h->check);
}

static void init(struct host *h, const struct host_options *o)
{
	struct world *w = o->world;
	uint64_t seed = random_u64(w);

	h->o = *o;
	h->world = w;
	h->start = clock_wall();
	h->last = &h->first;
	h->inbox = (struct inbox){h, on_ledger, on_tree, on_run};
	h->who = (struct http_identity){w->signer, w->rng, o->domain};
	arena_init(&h->arena, TURN_ARENA_MAX);
	map_init(
	        &h->timers, sizeof(struct tag), sizeof(struct host_timer *), HOST_TIMERS_MAX, seed);
	map_init(&h->follows, sizeof(struct tag), sizeof(struct host_follow *), HOST_FOLLOWS_MAX,
	        seed);
	map_init(&h->rates, 64, 2 * sizeof(int64_t), RATE_KEYS_MAX, seed);
	auth_check_init(&h->auth, &o->domain, &w->signer.addr, h->start, seed);
}

static void release(struct host *h)
{
	map_done(&h->rates);
	auth_check_done(&h->auth);
	arena_done(&h->arena);
	free(h);
}

bool host_new(const struct host_options *o, struct host **out, struct err *e)
{
	struct host *h = calloc(1, sizeof *h);

	if (!h)
		return FAIL(e, MEMORY, "no memory for a host");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is a full disk to us */
	init(h, o);
	if (!http_client_new(o->loop, &h->who, &h->client, e)) {
		release(h);
		return false;
	}
	if (!listen_for(h, e)) {
		http_client_free(h->client);
		release(h);
		return false;
	}
	join_loop(h);
	host_wrap(h);
	host_wrap_contracts(h);
	*out = h;
	return true;
}

uint16_t host_port(const struct host *h)
{
	return h->server ? http_server_port(h->server) : 0;
}

bool host_start(struct host *h, struct err *e)
{
	const struct addr *own = &h->world->signer.addr, all = {{0}};

	assert(h->phase == HOST_NEW);
	if (!addr_is_zero(&h->o.ledger_account))
		own = &h->o.ledger_account;
	/* Before EV_START, whose effects may be for it; what it delivers comes later in any case. */
	if (h->o.ledger.start)
		TRY(h->o.ledger.start(h->o.ledger.self, h->o.ledger_cursor,
		            h->o.ledger_all ? &all : own, &h->inbox, e),
		        e);
	h->phase = HOST_RUNNING;
	host_event(h, &(struct event){.kind = EV_START});
	host_flush(h);
	return true;
}

static void watch_signals(struct host *h)
{
	uv_signal_init(h->o.loop, &h->sigterm);
	uv_signal_init(h->o.loop, &h->sigint);
	h->sigterm.data = h->sigint.data = h;
	uv_signal_start(&h->sigterm, on_signal, SIGTERM);
	uv_signal_start(&h->sigint, on_signal, SIGINT);
	uv_unref((uv_handle_t *)&h->sigterm);
	uv_unref((uv_handle_t *)&h->sigint);
	h->signals = true;
	h->handles += 2;
}

int host_run(struct host *h)
{
	struct err e;

	watch_signals(h);
	h->daemon = true;
	if (!host_start(h, &e)) {
		log_line(&h->world->log, LOG_ODD, "%s", e.msg);
		return err_exit(e.code);
	}
	if (h->phase != HOST_ENDED)
		uv_run(h->o.loop, UV_RUN_DEFAULT);
	return h->code;
}

bool host_exited(const struct host *h, int *code)
{
	*code = h->code;
	return h->exited;
}

static void on_closed(uv_handle_t *u)
{
	struct host *h = u->data;

	h->handles--;
}

static void close_handles(struct host *h)
{
	uv_close((uv_handle_t *)&h->prepare, on_closed);
	uv_close((uv_handle_t *)&h->check, on_closed);
	uv_close((uv_handle_t *)&h->drain, on_closed);
	uv_close((uv_handle_t *)&h->look, on_closed);
	uv_close((uv_handle_t *)&h->soft, on_closed);
	if (h->signals) {
		uv_close((uv_handle_t *)&h->sigterm, on_closed);
		uv_close((uv_handle_t *)&h->sigint, on_closed);
	}
	host_timers_done(h);
	/* The last turn is also where the client and the server close theirs. */
	for (int i = 0; i < CLOSE_TURNS && h->handles; i++)
		uv_run(h->o.loop, UV_RUN_NOWAIT);
}

static void stop_ports(struct host *h)
{
	if (h->o.ledger.stop)
		h->o.ledger.stop(h->o.ledger.self);
	if (h->o.tree.stop)
		h->o.tree.stop(h->o.tree.self);
	if (h->o.exec.stop)
		h->o.exec.stop(h->o.exec.self);
}

struct host *host_free(struct host *h)
{
	if (!h)
		return NULL;
	h->phase = HOST_ENDED;
	if (h->in_tx)
		h->o.tx.rollback(h->o.tx.self);
	stop_ports(h);
	host_unwrap_contracts(h);
	host_unwrap(h);
	http_client_free(h->client);
	http_server_free(h->server);
	close_handles(h);
	host_follows_done(h);
	host_calls_done(h);
	release(h);
	return NULL;
}
