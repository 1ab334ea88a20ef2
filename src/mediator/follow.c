/* follow.c - the ledger: disputes that begin and end, and the clock that each of them has. */
#include "mediator/mediator_own.h"

enum {
	RETRY_MS = 500,      /* doubled each time, */
	RETRY_DOUBLINGS = 5, /* that often at most */
	TICK_MS = 1000,      /* between looks at the clock while a dispute is open */
	SPARE_S = 3,         /* before the deadline, at least, an answer is given; */
	SPARE_PART = 10,     /* of a longer mediate timeout that part of it, */
	SPARE_MAX_S = 30,    /* at most so much */
	COUNTED_MAX_S = 60   /* beyond the last block that was heard (8.1) */
};

void dispute_again(struct dispute *k, struct effects *fx)
{
	unsigned doublings = MIN2(k->tries, (unsigned)RETRY_DOUBLINGS);

	k->tries++;
	fx_add(fx, FX_TIMER, dispute_tag(k, TAG_RETRY, 0))->delay =
	        span_ms((int64_t)RETRY_MS << doublings);
}

void dispute_go(struct mediator *m, struct dispute *k, struct effects *fx)
{
	if (m->c.fault == MEDIATOR_DIES)
		return;
	switch ((enum case_state)k->c.state) {
	case CASE_GATHERING: gather_step(m, k, fx); break;
	case CASE_FETCHING: parts_step(m, k, fx); break;
	case CASE_READY: run_next(m, fx); break;
	case CASE_RAN:
		rule_step(m, k, false, fx);
		if (k->c.state == CASE_RAN)
			parts_fetch_output(m, k, fx);
		break;
	case CASE_RULING:
	case CASE_PASSING: rule_submit(m, k, fx); break;
	case CASE_OVER: break;
	}
}

/* ---- time --------------------------------------------------------------------------------------------- */

/* 4.1: block time of the confirmed head, plus what was counted since it arrived. A ledger that is down makes
 * nobody late. */
static uint64_t now_s(const struct mediator *m)
{
	int64_t since = mono_since(m->now, m->heard).ms / 1000;

	if (m->ledger_time.s == 0 || m->ledger_down || since < 0)
		return m->ledger_time.s;
	return m->ledger_time.s + (uint64_t)MIN2(since, (int64_t)COUNTED_MAX_S);
}

uint64_t dispute_time_left(const struct mediator *m, const struct dispute *k)
{
	uint64_t whole = k->c.deadline.s - MIN2(k->c.checked.s, k->c.deadline.s);
	uint64_t spare = MAX2((uint64_t)SPARE_S, MIN2(whole / SPARE_PART, (uint64_t)SPARE_MAX_S));
	uint64_t due = now_s(m) + spare + m->c.confirm_s;

	return k->c.deadline.s > due ? k->c.deadline.s - due : 0;
}

/* A case that is not decided when time runs out is ruled on by what is here, or passed. */
static void last_chance(struct mediator *m, struct dispute *k, struct effects *fx)
{
	if (k->c.state == CASE_RAN)
		rule_step(m, k, true, fx);
	else if (k->c.state < CASE_RAN)
		rule_pass(m, k, "there was no time left", fx);
}

void mediator_tick(struct mediator *m, struct effects *fx)
{
	if (m->ticking || m->disputes.n == 0)
		return;
	m->ticking = true;
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_TICK})->delay = span_ms(TICK_MS);
}

static void look_at_clock(struct mediator *m, struct effects *fx)
{
	const void *key;
	void *val;

	if (m->c.fault == MEDIATOR_DIES || m->ledger_time.s == 0)
		return;
	for (size_t i = 0; map_next(&m->disputes, &i, &key, &val) && fx->n < EFFECTS_MAX / 2;) {
		struct dispute *k = *(struct dispute **)val;

		if (k->c.state <= CASE_RAN && dispute_time_left(m, k) == 0)
			last_chance(m, k, fx);
	}
	run_next(m, fx);
}

/* One timer each, so that each has an event of its own for its effects. */
void mediator_wake(struct mediator *m, struct effects *fx)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&m->disputes, &i, &key, &val) && fx->n < EFFECTS_MAX / 2;) {
		struct dispute *k = *(struct dispute **)val;

		if (!k->woken)
			fx_add(fx, FX_TIMER, dispute_tag(k, TAG_RETRY, 0));
		k->woken = true;
	}
}

void mediator_on_tick(struct mediator *m, struct effects *fx)
{
	m->ticking = false;
	mediator_wake(m, fx);
	look_at_clock(m, fx);
	mediator_tick(m, fx);
}

/* ---- events ------------------------------------------------------------------------------------------- */

static void on_checked(struct mediator *m, const struct event *ev, struct effects *fx)
{
	const struct ledger_event *le = &ev->ledger->event;
	struct mediator_case row = {.id = le->deal};
	struct store *s = &m->world->store;
	struct dispute *k;
	struct err e;

	if (dispute_get(m, &le->deal) || s->get(s->self, mediator_case_record(), &row, &e))
		return; /* told again */
	k = dispute_new(m, &le->deal);
	if (!k) {
		log_line(&m->world->log, LOG_ODD,
		        "%d disputes are unfinished: one more is left to the clock",
		        MEDIATOR_CASES_MAX);
		return;
	}
	k->woken = true;
	k->c.state = CASE_GATHERING;
	k->c.ledger = le->to;
	k->c.result = le->result;
	k->c.checked = le->time;
	k->c.deadline = le->deadline;
	k->c.status = le->status;
	k->c.count = le->count;
	k->c.bytes = le->bytes;
	k->c.output = le->output;
	k->c.created.s = wall_seconds(ev->wall);
	m->totals.cases++;
	dispute_keep(m, k);
	dispute_go(m, k, fx);
	mediator_tick(m, fx);
}

static void on_ended(
        struct mediator *m, struct dispute *k, const struct ledger_event *le, struct effects *fx)
{
	bool ours = k->c.state == CASE_RULING && le->to != DEAL_TIMEOUT_MEDIATE;

	k->c.ledger = le->to;
	if (ours)
		k->c.earned = k->f.deal.hot.fee;
	run_kill(m, k, fx);
	dispute_finish(m, k);
	run_next(m, fx);
}

static void on_deal_event(struct mediator *m, const struct event *ev, struct effects *fx)
{
	const struct ledger_event *le = &ev->ledger->event;
	struct dispute *k;

	if (le->to == DEAL_RESULTS_CHECKED) {
		on_checked(m, ev, fx);
		return;
	}
	k = dispute_get(m, &le->deal);
	if (k && sm_is_final(&deal_states, le->to))
		on_ended(m, k, le, fx);
}

static struct dispute *by_action(struct mediator *m, const struct hash *action)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&m->disputes, &i, &key, &val);) {
		struct dispute *k = *(struct dispute **)val;

		if (k->asked && hash_eq(&k->action, action))
			return k;
	}
	return NULL;
}

/* The answer is not in a block. It is signed and stays as it is: said again where that may help. */
static void on_dropped(struct mediator *m, const struct ledger_note *n, struct effects *fx)
{
	struct dispute *k = by_action(m, &n->action_id);

	if (!k)
		return;
	k->asked = false;
	if (n->err.code != E_UNREACHABLE && n->err.code != E_TIMEOUT && n->err.code != E_BUSY)
		log_line(&m->world->log, LOG_ODD, "the ledger refused: %s", n->err.msg);
	dispute_again(k, fx);
}

void mediator_on_ledger(struct mediator *m, const struct event *ev, struct effects *fx)
{
	const struct ledger_note *n = ev->ledger;

	if (n->time.s > m->ledger_time.s) {
		m->ledger_time = n->time;
		m->heard = ev->now;
	}
	switch (n->stage) {
	case LEDGER_EVENT:
		on_deal_event(m, ev, fx);
		mediator_saw(m, n->event.seq);
		break;
	case LEDGER_INCLUDED:
	case LEDGER_FINAL:
		if (n->failed)
			on_dropped(m, n, fx);
		break;
	case LEDGER_DROPPED: on_dropped(m, n, fx); break;
	case LEDGER_DOWN:
		m->ledger_down = true;
		log_line(&m->world->log, LOG_ODD, "ledger: %s", n->err.msg);
		break;
	case LEDGER_UP:
		m->ledger_down = false;
		m->heard = ev->now;
		log_line(&m->world->log, LOG_INFO, "ledger is back");
		break;
	case LEDGER_PENDING:
	case LEDGER_CLOCK: break;
	}
	look_at_clock(m, fx);
}
