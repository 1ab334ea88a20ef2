/* mediator.c - the mediator's step function: which event goes where. */
#include "mediator/mediator.h"

#include <stdlib.h>

#include "mediator/mediator_own.h"

const struct record *(*const mediator_tables[])(void) = {mediator_case_record, mediator_deal_record,
        mediator_result_record, mediator_stored_record, mediator_answer_record,
        mediator_cursor_record, NULL};

static void on_start(struct mediator *m, const struct event *ev, struct effects *fx)
{
	struct err e;

	m->started = ev->wall;
	if (!mediator_load(m, &e)) {
		log_line(&m->world->log, LOG_BROKEN, "journal cannot be read: %s", e.msg);
		fx_add(fx, FX_EXIT, (struct tag){0})->status = err_exit(e.code);
		return;
	}
	mediator_wake(m, fx);
	mediator_tick(m, fx);
	mediator_sweep(m, ev, fx);
}

static void on_timer(struct mediator *m, const struct event *ev, struct effects *fx)
{
	struct dispute *k = dispute_get(m, &ev->timer.key);

	if (ev->timer.what == TAG_TICK) {
		mediator_on_tick(m, fx);
	} else if (ev->timer.what == TAG_SWEEP) {
		mediator_sweep(m, ev, fx);
	} else if (k && ev->timer.what == TAG_COMPARE) {
		rule_compare(m, k, fx);
	} else if (k) {
		k->pausing = false;
		dispute_go(m, k, fx);
	}
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct mediator *m = self;

	m->now = ev->now;
	switch (ev->kind) {
	case EV_START: on_start(m, ev, fx); break;
	case EV_TIMER: on_timer(m, ev, fx); break;
	case EV_REQUEST: mediator_on_request(m, ev, fx); break;
	case EV_REPLY: gather_on_reply(m, ev, fx); break;
	case EV_LEDGER: mediator_on_ledger(m, ev, fx); break;
	case EV_TREE: parts_on_tree(m, ev, fx); break;
	case EV_RUN: run_on_done(m, ev, fx); break;
	case EV_MESSAGE:
	case EV_TREE_IN:
	case EV_STOP: break;
	}
	mediator_keep_cursor(m);
}

bool mediator_new(
        struct world *w, const struct mediator_config *c, struct mediator **out, struct err *e)
{
	struct mediator *m = calloc(1, sizeof *m);
	uint64_t seed;

	if (!m)
		return FAIL(e, MEMORY, "no memory for the mediator");
	m->world = w;
	m->c = *c;
	m->c.parallel = MAX2(c->parallel, 1u);
	w->rng.fill(w->rng.self, &seed, sizeof seed);
	map_init(&m->disputes, sizeof(struct hash), sizeof(struct dispute *), MEDIATOR_CASES_MAX,
	        seed);
	*out = m;
	return true;
}

struct role mediator_role(struct mediator *m)
{
	return (struct role){
	        "mediator", mediator_routes, mediator_routes_n, mediator_tables, m, on_event, NULL};
}

bool mediator_start_cursor(struct mediator *m, uint64_t *out, struct err *e)
{
	struct mediator_cursor row = {.which = 1};
	struct store *s = &m->world->store;

	if (!s->get(s->self, mediator_cursor_record(), &row, e) && e->code != E_NOT_FOUND)
		return false;
	m->cursor = *out = row.cursor;
	return true;
}

struct mediator *mediator_free(struct mediator *m)
{
	if (!m)
		return NULL;
	mediator_forget(m);
	map_done_owned(&m->disputes);
	free(m);
	return NULL;
}
