/* settle.c - what the ledger says of a job, and the deadlines from which its creator profits. */
#include "codec/json.h"
#include "creator/creator_own.h"

enum { ASK_AGAIN_S = 30 };

/* The provider never delivered: what it cost it is ours, and the next one is tried. */
static void let_down(struct creator *c, struct job *j, const struct ledger_event *le,
        const struct event *ev, struct effects *fx)
{
	struct err e;

	if (le->to == DEAL_DECLINED)
		FAIL(&e, DECLINED, "the provider declined after it had signed");
	else
		FAIL(&e, PROVIDER_LATE, "the provider let its submit deadline pass");
	if (j->j.state == JOB_FETCHING || j->j.state == JOB_AGREED)
		job_next_provider(c, j, &e, ev, fx);
	else
		job_end(c, j, JOB_FAILED, &e, ev, fx, e.msg);
}

static void on_final(struct creator *c, struct job *j, const struct ledger_event *le,
        const struct event *ev, struct effects *fx)
{
	char cost[AMOUNT_DEC_MAX];
	struct err e;

	j->j.cost = le->amount;
	amount_format(le->amount, cost);
	if (le->to == DEAL_TIMEOUT_SUBMIT || le->to == DEAL_DECLINED) {
		let_down(c, j, le, ev, fx);
		return;
	}
	if (le->to == DEAL_CANCELLED || le->to == DEAL_TIMEOUT_AGREE) {
		FAIL(&e, CANCELLED, "the deal ended without a result: %s",
		        sm_name(&deal_states, le->to));
		if (j->j.state == JOB_SUBMITTED)
			job_move(c, j, JOB_FETCHING, ev, fx, "the deal ended");
		job_end(c, j, JOB_FAILED, &e, ev, fx, e.msg);
		return;
	}
	if (le->to == DEAL_MEDIATION_REJECTED) {
		FAIL(&e, REJECTED, "the result was rejected and the payment returned");
		j->j.error = E_REJECTED;
		job_end(c, j, JOB_DONE, &e, ev, fx, e.msg);
		return;
	}
	job_end(c, j, JOB_DONE, NULL, ev, fx,
	        fx_text(fx, "%s: paid %s", sm_name(&deal_states, le->to), cost));
}

static void on_deal_event(struct creator *c, const struct ledger_event *le, const struct event *ev,
        struct effects *fx)
{
	struct job *j = job_by_deal(c, &le->deal);

	if (!j)
		return;
	j->j.ledger = le->to;
	j->j.deadline = le->deadline;
	if (sm_is_final(&deal_states, le->to)) {
		on_final(c, j, le, ev, fx);
		return;
	}
	if (le->to == DEAL_AGREED && j->j.state == JOB_MATCHED) {
		job_move(c, j, JOB_AGREED, ev, fx, "money is locked; the provider runs the job");
		return;
	}
	if (le->to == DEAL_RESULTS_SUBMITTED && j->j.state == JOB_AGREED) {
		job_move(c, j, JOB_SUBMITTED, ev, fx, "a result is on the ledger");
		return;
	}
	creator_keep(c, j);
}

static struct job *by_action(struct creator *c, const struct hash *action)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&c->jobs, &i, &key, &val);) {
		struct job *j = *(struct job **)val;

		if (hash_eq(&j->action, action))
			return j;
	}
	return NULL;
}

static void on_dropped(
        struct creator *c, const struct ledger_note *n, const struct event *ev, struct effects *fx)
{
	struct job *j = by_action(c, &n->action_id);

	if (!j)
		return;
	if (n->err.code == E_UNREACHABLE || n->err.code == E_TIMEOUT || n->err.code == E_BUSY) {
		j->tries = 0;
		if (job_again(j, fx))
			log_line(&c->world->log, LOG_ODD, "ledger: %s", n->err.msg);
		return;
	}
	job_note(c, j, ev, fx, "LEDGER_REFUSED", "%s", n->err.msg);
}

/* 5.5: past the submit deadline anyone ends the deal; it is the JC who profits. */
static void on_time(struct creator *c, struct effects *fx)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&c->jobs, &i, &key, &val) && fx->n < EFFECTS_MAX / 2;) {
		struct job *j = *(struct job **)val;
		bool mine = j->j.ledger == DEAL_AGREED || j->j.ledger == DEAL_NEGOTIATING ||
		            j->j.ledger == DEAL_RESULTS_CHECKED;

		if (!mine || j->j.deadline.s == 0 || c->ledger_time.s < j->j.deadline.s ||
		        c->ledger_time.s < j->asked_s + ASK_AGAIN_S)
			continue;
		j->asked_s = c->ledger_time.s;
		job_submit(fx, j, job_action(fx, ACTION_TIMEOUT));
	}
}

void job_on_ledger(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct ledger_note *n = ev->ledger;

	if (n->time.s > c->ledger_time.s)
		c->ledger_time = n->time;
	switch (n->stage) {
	case LEDGER_EVENT: on_deal_event(c, &n->event, ev, fx); break;
	case LEDGER_INCLUDED:
	case LEDGER_FINAL:
		if (n->failed)
			on_dropped(c, n, ev, fx);
		break;
	case LEDGER_DROPPED: on_dropped(c, n, ev, fx); break;
	case LEDGER_DOWN: log_line(&c->world->log, LOG_ODD, "ledger: %s", n->err.msg); break;
	case LEDGER_UP:
	case LEDGER_PENDING:
	case LEDGER_CLOCK: break;
	}
	on_time(c, fx);
}
