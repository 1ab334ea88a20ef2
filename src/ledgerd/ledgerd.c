/* ledgerd.c - the embedded ledger's step function and its clock. */
#include "ledgerd/ledgerd.h"

#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "ledgerd/ledgerd_own.h"
#include "port/action_json.h"

enum {
	HEARTBEAT_MS = 25000, /* 8.1: a block at least every 30 s */
	HEARTBEAT_LEAST_MS = 250,
	REFILL = 200 /* events that a stream finds again after a restart */
};

/* Deadlines are noticed by block time: on a test ledger with short ones it must tick faster. */
static struct span heartbeat(const struct ledgerd *d)
{
	int64_t ms = (int64_t)MIN2(ledger_genesis(d->l)->min.s, (uint64_t)HEARTBEAT_MS) * 1000 / 4;

	return span_ms(MIN2(MAX2(ms, (int64_t)HEARTBEAT_LEAST_MS), (int64_t)HEARTBEAT_MS));
}

/* 8.1: block time advances by the time served since the last block, at most 60 s. Each event counts the
 * time since the event before it, and between blocks no more than the 60 s. */
static void advance(struct ledgerd *d, const struct event *ev)
{
	uint64_t most = (d->head.time.s + BLOCK_STEP_S) * 1000;
	int64_t ms = mono_since(ev->now, d->served).ms;

	if (d->serving && ms <= 0)
		return;
	if (d->serving && d->time_ms < most)
		d->time_ms = MIN2(d->time_ms + (uint64_t)ms, most);
	d->served = ev->now;
	d->serving = true;
}

/* Those who come back with a recent cursor find their events in the stream's log. */
static void refill(struct ledgerd *d, struct effects *fx)
{
	uint64_t last = ledger_seq(d->l);

	for (uint64_t seq = last > REFILL ? last - REFILL + 1 : 1; seq <= last; seq++) {
		const struct journal_action *row;
		struct entry x = {0};
		struct err e;

		if (!journal_by_seq(d, seq, &row, &e)) {
			ledgerd_give_up(d, &e, fx);
			return;
		}
		x.event.seq = seq;
		x.concerned_n = row->concerned.n;
		memcpy(x.concerned, row->concerned.v, x.concerned_n * sizeof x.concerned[0]);
		x.text = str_bytes(str_of(fx_text(fx, "%s", row->event)));
		ledgerd_emit(&x, fx);
	}
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct ledgerd *d = self;

	advance(d, ev);
	switch (ev->kind) {
	case EV_START:
		refill(d, fx);
		fx_add(fx, FX_TIMER, (struct tag){.what = 1})->delay = heartbeat(d);
		break;
	case EV_TIMER:
		fx_add(fx, FX_TIMER, (struct tag){.what = 1})->delay = heartbeat(d);
		ledgerd_beat(d, fx);
		break;
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

static bool make(
        struct world *w, const struct genesis *g, bool check, struct ledgerd **out, struct err *e)
{
	struct ledgerd *d = calloc(1, sizeof *d);
	struct ledger_options o = {0};

	if (!d)
		return FAIL(e, MEMORY, "no memory for the ledger");
	d->world = w;
	d->row = calloc(1, sizeof *d->row);
	d->part = calloc(1, sizeof *d->part);
	d->events = calloc(LEDGER_EVENTS_MAX, sizeof *d->events);
	w->rng.fill(w->rng.self, &o.seed, sizeof o.seed);
	if (!d->row || !d->part || !d->events || !ledger_new(g, &o, &d->l, e) ||
	        !journal_replay(d, check, e)) {
		if (!d->row || !d->part || !d->events)
			FAIL(e, MEMORY, "no memory for the ledger");
		ledgerd_free(d);
		return false;
	}
	*out = d;
	return true;
}

bool ledgerd_new(struct world *w, const struct genesis *g, struct ledgerd **out, struct err *e)
{
	char is[ADDR_TEXT_MAX], must[ADDR_TEXT_MAX];

	addr_format(&w->signer.addr, is);
	addr_format(&g->operator_, must);
	if (!addr_eq(&w->signer.addr, &g->operator_))
		return FAIL(e, PARTY, "the key is that of %s, and the operator of the ledger is %s",
		        is, must);
	return make(w, g, false, out, e);
}

struct role ledgerd_role(struct ledgerd *d)
{
	return (struct role){
	        "ledger", ledgerd_routes, ledgerd_routes_n, ledgerd_tables, d, on_event, NULL};
}

struct ledgerd *ledgerd_free(struct ledgerd *d)
{
	if (!d)
		return NULL;
	ledger_free(d->l);
	free(d->row);
	free(d->part);
	free(d->events);
	free(d);
	return NULL;
}

void ledgerd_summary(const struct ledgerd *d, struct ledgerd_summary *out)
{
	*out = (struct ledgerd_summary){
	        d->head.number, ledger_seq(d->l), d->head.time, d->head_hash};
}

bool ledgerd_check(const struct ledgerd *d, struct err *e)
{
	return ledger_check(d->l, e);
}

bool ledgerd_verify(
        struct world *w, const struct genesis *g, struct ledgerd_summary *out, struct err *e)
{
	struct ledgerd *d;
	bool ok;

	TRY(make(w, g, true, &d, e), e);
	ok = ledgerd_check(d, e);
	if (ok)
		ledgerd_summary(d, out);
	ledgerd_free(d);
	return ok;
}

void ledgerd_metrics(void *ctx, struct buf *out)
{
	const struct ledgerd *d = ctx;
	struct ledger_totals t;

	ledger_totals(d->l, &t);
	buf_fmt(out, "# TYPE lilypad_ledger_blocks gauge\nlilypad_ledger_blocks %llu\n",
	        (unsigned long long)d->head.number);
	buf_fmt(out, "# TYPE lilypad_ledger_actions gauge\nlilypad_ledger_actions %llu\n",
	        (unsigned long long)ledger_seq(d->l));
	buf_fmt(out, "# TYPE lilypad_ledger_accounts gauge\nlilypad_ledger_accounts %zu\n",
	        t.accounts);
	buf_fmt(out, "# TYPE lilypad_ledger_deals gauge\nlilypad_ledger_deals %zu\n", t.deals);
	buf_fmt(out, "# TYPE lilypad_ledger_channels gauge\nlilypad_ledger_channels %zu\n",
	        t.opened);
	buf_fmt(out, "# TYPE lilypad_ledger_time_seconds gauge\nlilypad_ledger_time_seconds %llu\n",
	        (unsigned long long)d->head.time.s);
}
