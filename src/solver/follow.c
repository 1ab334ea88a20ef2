/* follow.c - what the ledger says: balances, deals that opened and ended, who served whom well. */
#include "solver/solver_own.h"

#define LOCKED "both have agreed, all is locked"

static void broken(struct solver *s, const struct err *e)
{
	log_line(&s->world->log, LOG_BROKEN, "ledger's event not taken up: %s", e->msg);
}

/* ---- balances ---------------------------------------------------------------------------------------- */

static void take_balances(struct solver *s, const struct ledger_event *le)
{
	for (uint32_t i = 0; i < le->changes_n && i < LEDGER_CHANGES_MAX; i++) {
		struct solver_account row = {le->changes[i].account, le->changes[i].free};
		struct err e;

		solver_put(s, solver_account_record(), &row);
		if (contract_known(s, &row.account))
			continue; /* it pays from what it keeps itself */
		if (!book_set_balance(s->book, &row.account, row.free, &e))
			broken(s, &e);
	}
}

/* ---- opinions (3.13) --------------------------------------------------------------------------------- */

static void judge(struct solver *s, const struct solver_deal *d, uint8_t end)
{
	struct solver_opinion row = {.job_creator = d->job_creator, .provider = d->provider};
	bool good = end == DEAL_RESULTS_ACCEPTED || end == DEAL_MEDIATION_ACCEPTED;
	bool fault = end == DEAL_TIMEOUT_SUBMIT || end == DEAL_DECLINED ||
	             end == DEAL_MEDIATION_REJECTED;
	struct err e;

	if (!good && !fault)
		return;
	row.good = book_reputation(s->book, &row.job_creator, &row.provider);
	row.good = fault ? 0 : row.good + (row.good < UINT32_MAX);
	solver_put(s, solver_opinion_record(), &row);
	if (!book_set_reputation(s->book, &row.job_creator, &row.provider, row.good, &e))
		broken(s, &e);
}

/* ---- deals ------------------------------------------------------------------------------------------- */

/* A match that was given up and opened all the same. What its job offer got since then cannot be opened
 * any more: the nonce is used. */
static void opened_after_all(
        struct solver *s, const struct solver_deal *d, const struct event *ev, struct effects *fx)
{
	struct solver_offer row = {.id = d->deal.cold.job_offer};
	struct solver_deal other = {0};
	struct solver_step step = {0};
	struct err e;

	if (!solver_get(s, solver_offer_record(), &row))
		return;
	other.id = step.id = row.deal;
	if (row.state == OFFER_TAKEN && !hash_eq(&row.deal, &d->id) && deal_read(s, &other) &&
	        step_read(s, &step) && step.state != MATCH_OPEN && step.state != MATCH_DISSOLVED &&
	        step.state != MATCH_ENDED)
		deal_dissolve(s, &other, &step, OFFER_DONE,
		        "an earlier deal of the same job offer was opened", ev, fx);
	book_remove(s->book, &d->deal.cold.job_offer);
	if (!deal_restore(s, d, true, &e))
		broken(s, &e);
}

void deal_opened(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx, const char *text)
{
	if (step->state == MATCH_OPEN)
		return;
	if (step->state == MATCH_DISSOLVED)
		opened_after_all(s, d, ev, fx);
	solver_move(s, step, MATCH_OPEN, ev, fx, "%s", text);
	book_opened(s->book, &d->id);
	past_keep(s, &d->deal.cold.job_offer, &d->provider);
	offer_forget(s, &d->deal.cold.job_offer, OFFER_DONE);
	s->n.opened++;
}

void deal_ended(struct solver *s, struct solver_deal *d, struct solver_step *step, uint8_t state,
        struct amount paid, const struct event *ev, struct effects *fx)
{
	char cost[AMOUNT_DEC_MAX];

	if (step->state != MATCH_OPEN)
		deal_opened(s, d, step, ev, fx, LOCKED);
	step->end_ms = (uint64_t)ev->wall.ms;
	step->cost = paid;
	amount_format(paid, cost);
	solver_move(
	        s, step, MATCH_ENDED, ev, fx, "%s, paid %s", sm_name(&deal_states, state), cost);
	book_end(s->book, &d->id, false);
	judge(s, d, state);
}

static void follow_deal(
        struct solver *s, const struct ledger_event *le, const struct event *ev, struct effects *fx)
{
	struct solver_deal d = {.id = le->deal};
	struct solver_step step = {.id = le->deal};

	if (!step_read(s, &step) || step.state == MATCH_ENDED || step.ledger == le->to ||
	        !deal_read(s, &d))
		return;
	step.ledger = le->to;
	if (sm_is_final(&deal_states, le->to)) {
		deal_ended(s, &d, &step, le->to, le->amount, ev, fx);
		return;
	}
	/* While one party alone has agreed, nothing is decided. */
	if (le->to != DEAL_NEGOTIATING)
		deal_opened(s, &d, &step, ev, fx, LOCKED);
	solver_note(s, &step, ev, fx, sm_name(&deal_states, le->to), "block %llu",
	        (unsigned long long)le->block);
}

/* A deal that never was on the ledger, paid from its channel. */
static void follow_settled(
        struct solver *s, const struct ledger_event *le, const struct event *ev, struct effects *fx)
{
	struct solver_deal d = {.id = le->deal};
	struct solver_step step = {.id = le->deal};

	if (le->action == ACTION_SETTLE && step_read(s, &step) && step.state != MATCH_ENDED &&
	        deal_read(s, &d))
		deal_ended(s, &d, &step, DEAL_RESULTS_ACCEPTED, le->amount, ev, fx);
}

static void on_ledger_event(
        struct solver *s, const struct ledger_event *le, const struct event *ev, struct effects *fx)
{
	struct solver_cursor row = {.which = CURSOR_LEDGER, .cursor = le->seq};

	if (le->seq <= s->ledger_cursor)
		return; /* taken up before */
	/* Balances first: what a match has reserved is given free only when the ledger has locked it. */
	take_balances(s, le);
	channel_note(s, &le->channel);
	if (le->to)
		follow_deal(s, le, ev, fx);
	else if (!hash_is_zero(&le->deal))
		follow_settled(s, le, ev, fx);
	s->ledger_cursor = le->seq;
	solver_put(s, solver_cursor_record(), &row);
}

void on_ledger(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct ledger_note *n = ev->ledger;

	if (n->time.s > s->ledger_time.s)
		s->ledger_time = n->time;
	switch (n->stage) {
	case LEDGER_EVENT: on_ledger_event(s, &n->event, ev, fx); break;
	case LEDGER_CLOCK: s->ledger_clock = true; break;
	case LEDGER_UP: break;
	case LEDGER_DOWN: log_line(&s->world->log, LOG_ODD, "ledger: %s", n->err.msg); break;
	case LEDGER_PENDING:
	case LEDGER_INCLUDED:
	case LEDGER_FINAL:
	case LEDGER_DROPPED: break; /* a solver submits nothing */
	}
}
