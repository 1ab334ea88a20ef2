/* ledgerd.c - the embedded ledger's step function and its clock. */
#include "ledgerd/ledgerd.h"

#include <stdlib.h>

#include "codec/json.h"
#include "ledgerd/ledgerd_own.h"
#include "port/action_json.h"

enum { STEP_MS_MAX = 60000, HEARTBEAT_MS = 30000 };

static struct span heartbeat(const struct ledgerd *d)
{
	/* Deadlines are noticed by block time: on a test ledger with short ones it must tick faster. */
	int64_t ms = (int64_t)d->g.min.s * 1000 / 4;

	return span_ms(MIN2(MAX2(ms, (int64_t)250), (int64_t)HEARTBEAT_MS));
}

/* 8.1: block time advances by the time served since the last block, at most 60 s. */
static void advance(struct ledgerd *d, const struct event *ev)
{
	int64_t ms = mono_since(ev->now, d->served).ms;

	if (d->serving && ms > 0)
		d->time_ms += (uint64_t)MIN2(ms, (int64_t)STEP_MS_MAX);
	if (!d->serving || ms > 0)
		d->served = ev->now;
	d->serving = true;
}

static void beat(struct ledgerd *d, struct effects *fx)
{
	struct err e;

	fx_add(fx, FX_TIMER, (struct tag){.what = 1})->delay = heartbeat(d);
	if (ledgerd_now(d).s == d->head.time.s)
		return;
	if (!journal_seal(d, NULL, 0, fx->arena, &e)) {
		log_line(&d->world->log, LOG_BROKEN, "block not sealed: %s", e.msg);
		fx_add(fx, FX_EXIT, (struct tag){0})->status = err_exit(e.code);
		return;
	}
	ledgerd_emit_clock(d, fx);
}

/* Those who come back with a recent cursor find their events in the stream's log. */
static void refill(struct ledgerd *d, struct effects *fx)
{
	struct journal_action *row = calloc(1, sizeof *row);
	struct store *s = &d->world->store;
	struct err e;

	assert(row);
	for (uint64_t seq = d->seq > 200 ? d->seq - 199 : 1; seq <= d->seq; seq++) {
		row->seq = seq;
		if (!s->get(s->self, journal_action_record(), row, &e))
			continue;
		struct sealed one = {.id = row->id};
		json_t *j;
		if (!json_parse(str_of(row->event), &j, &e))
			continue;
		if (ledger_event_from_json(j, &one.event, &e)) {
			char *text = arena_str(fx->arena, str_of(row->event));

			assert(text);
			one.text = str_bytes(str_of(text));
			ledgerd_emit(d, &one, fx);
		}
		json_decref(j);
	}
	free(row);
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct ledgerd *d = self;

	advance(d, ev);
	switch (ev->kind) {
	case EV_START:
		refill(d, fx);
		beat(d, fx);
		break;
	case EV_TIMER: beat(d, fx); break;
	case EV_REQUEST: ledgerd_on_request(d, ev, fx); break;
	case EV_TREE_IN:
	case EV_REPLY:
	case EV_MESSAGE:
	case EV_LEDGER:
	case EV_TREE:
	case EV_RUN:
	case EV_STOP: break;
	}
}

bool ledgerd_new(struct world *w, const struct genesis *g, struct ledgerd **out, struct err *e)
{
	struct ledgerd *d = calloc(1, sizeof *d);
	uint64_t seed;

	if (!d)
		return FAIL(e, MEMORY, "no memory for the ledger");
	d->world = w;
	d->g = *g;
	w->rng.fill(w->rng.self, &seed, sizeof seed);
	if (!ledger_new(g, NULL, seed, &d->l, e) || !journal_replay(d, e)) {
		ledgerd_free(d);
		return false;
	}
	*out = d;
	return true;
}

struct role ledgerd_role(struct ledgerd *d)
{
	return (struct role){"ledger", ledgerd_routes, ledgerd_routes_n, ledgerd_tables, d, on_event};
}

struct ledgerd *ledgerd_free(struct ledgerd *d)
{
	if (!d)
		return NULL;
	ledger_free(d->l);
	free(d);
	return NULL;
}

void ledgerd_summary(const struct ledgerd *d, struct ledgerd_summary *out)
{
	*out = (struct ledgerd_summary){d->head.number, d->actions, d->head.time, d->head_hash};
}

bool ledgerd_check(const struct ledgerd *d, struct err *e)
{
	return ledger_check(d->l, e);
}
