/* settle.c - what the ledger says of a job, and the deadlines from which its creator profits. */
#include "codec/json.h"
#include "creator/creator_own.h"
#include "port/warn.h"

enum { ASK_AGAIN_S = 30, OPEN_SPARE_S = 5, JUDGE_SPARE_S = 30, JUDGE_AGAIN_S = 2 };

/* The provider never delivered: what it cost it is ours, and the next one is tried. */
static void let_down(struct creator *c, struct job *j, const struct deal_news *le,
        const struct event *ev, struct effects *fx)
{
	struct err e;

	if (le->to == DEAL_DECLINED)
		FAIL(&e, DECLINED, "the provider declined after it had signed");
	else
		FAIL(&e, PROVIDER_LATE, "the provider let its submit deadline pass");
	creator_keep(c, j);
	creator_record(
	        c, &j->j.provider, le->to == DEAL_DECLINED ? RECORD_DECLINED : RECORD_LATE, ev);
	if (j->j.state != JOB_SUBMITTED && j->j.state != JOB_JUDGED)
		job_next_provider(c, j, &e, ev, fx);
	else
		job_end(c, j, JOB_FAILED, &e, ev, fx, e.msg);
}

/* Where our own run is the right result, it is what the buyer gets. */
static void take_own(struct creator *c, struct job *j)
{
	if (!j->j.own_status)
		return;
	j->j.status = j->j.own_status;
	j->j.count = j->j.own_count;
	j->j.bytes = j->j.own_bytes;
	j->j.tree = j->j.own_tree;
	if (j->j.status == STATUS_COMPLETED)
		j->j.exit_code = job_exit_code(c, &j->j.tree);
}

static bool is_ruled(uint8_t state)
{
	return state == DEAL_MEDIATION_ACCEPTED || state == DEAL_MEDIATION_REJECTED ||
	       state == DEAL_MEDIATION_JOB_FAULTY || state == DEAL_TIMEOUT_MEDIATE;
}

/* 5.10 to 5.13 say who got what. */
static void why_ruled(struct creator *c, const struct job *j, struct err *out)
{
	char cost[CREATOR_AMOUNT_MAX];

	creator_amount(c, j->j.cost, cost);
	switch (j->j.ledger) {
	case DEAL_MEDIATION_REJECTED:
		FAIL(out, REJECTED,
		        "the mediator found the provider at fault (%s): the payment is back, with damages",
		        j->j.claim ? enum_name(&ruling_names, j->j.claim) : "its result");
		break;
	case DEAL_MEDIATION_ACCEPTED:
		FAIL(out, DISPUTE_LOST,
		        "the mediator found the result right: %s paid, and the bond went for its fee and the damages",
		        cost);
		break;
	case DEAL_MEDIATION_JOB_FAULTY:
		FAIL(out, JOB_FAULTY,
		        "nobody gave the mediator the job's spec, program or inputs: the bond is lost");
		break;
	case DEAL_TIMEOUT_MEDIATE:
		FAIL(out, NO_RULING, "the mediator gave no ruling: half the price, %s, was paid",
		        cost);
		break;
	default: /* the judge deadline was quicker than our dispute */
		FAIL(out, TOO_LATE, "%s before the dispute was on the ledger: %s paid",
		        sm_name(&deal_states, j->j.ledger), cost);
		break;
	}
}

void job_end_ruled(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	struct err e;

	why_ruled(c, j, &e);
	job_end(c, j, JOB_DONE, &e, ev, fx, e.msg);
}

static enum record_of record_of_ruling(uint8_t state)
{
	if (state == DEAL_MEDIATION_REJECTED)
		return RECORD_FAULT;
	return state == DEAL_MEDIATION_ACCEPTED ? RECORD_VINDICATED : RECORD_UNRULED;
}

/* The end of a dispute, or what is left of it: an output that only the mediator has. */
static void on_ruled(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	creator_keep(c, j);
	creator_record(c, &j->j.provider, record_of_ruling(j->j.ledger), ev);
	if (j->j.ledger == DEAL_MEDIATION_REJECTED)
		take_own(c, j);
	if (j->j.state == JOB_DISPUTED && job_wants_judged(c, j)) {
		job_note(c, j, ev, fx, "RULED",
		        "the mediator has ruled; it is asked for the output");
		creator_keep(c, j);
		job_judged(c, j, ev, fx);
		return;
	}
	job_end_ruled(c, j, ev, fx);
}

static void on_final(struct creator *c, struct job *j, const struct deal_news *le,
        const struct event *ev, struct effects *fx)
{
	char cost[CREATOR_AMOUNT_MAX];
	struct err e;

	j->j.cost = le->amount;
	creator_amount(c, le->amount, cost);
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
	if (j->j.state == JOB_DISPUTED || is_ruled(le->to)) {
		on_ruled(c, j, ev, fx);
		return;
	}
	if (j->j.error == E_RESULT) {
		(void)err_set(&e, E_RESULT, 0, __FILE__, __LINE__, "%s", j->j.why);
		job_end(c, j, JOB_FAILED, &e, ev, fx,
		        fx_text(fx, "%s without our acceptance: paid %s",
		                sm_name(&deal_states, le->to), cost));
		return;
	}
	if (!j->j.had) {
		FAIL(&e, TIMEOUT,
		        "%s: paid %s, though the output could not be had until then: `lilypad job get` tries again",
		        sm_name(&deal_states, le->to), cost);
		job_end(c, j, JOB_DONE, &e, ev, fx, e.msg);
		return;
	}
	job_end(c, j, JOB_DONE, NULL, ev, fx,
	        fx_text(fx, "%s: paid %s", sm_name(&deal_states, le->to), cost));
}

static void on_news(struct creator *c, struct job *j, const struct deal_news *le,
        const struct event *ev, struct effects *fx)
{
	if (le->seq <= j->j.ledger_seq)
		return; /* told again after a start */
	j->j.ledger_seq = le->seq;
	j->j.ledger = le->to;
	j->j.deadline = le->deadline;
	if (!hash_is_zero(&le->result)) {
		j->j.submitted = le->result;
		j->j.sub_status = le->status;
		j->j.sub_count = le->count;
		j->j.sub_bytes = le->bytes;
		j->j.sub_output = le->output;
	}
	if (!hash_is_zero(&le->submit_action))
		j->j.submit_action = le->submit_action;
	if (sm_is_final(&deal_states, le->to)) {
		j->j.end_action = le->action;
		on_final(c, j, le, ev, fx);
		return;
	}
	if (le->to == DEAL_AGREED && j->j.state == JOB_MATCHED) {
		job_move(c, j, JOB_AGREED, ev, fx, "money is locked; the provider runs the job");
		return;
	}
	if (le->to == DEAL_RESULTS_SUBMITTED &&
	        (j->j.state == JOB_AGREED || j->j.state == JOB_MATCHED)) {
		job_move(c, j, JOB_SUBMITTED, ev, fx, "a result is on the ledger");
		j->seen_s = c->ledger_time.s;
		return;
	}
	if (le->to == DEAL_RESULTS_SUBMITTED && j->j.state == JOB_DISPUTED)
		job_send_check(c, j, ev, fx);
	/* Claimed, though we have accepted it: what we signed has not reached the provider, or it does not care. */
	if (le->to == DEAL_RESULTS_SUBMITTED && j->j.state == JOB_JUDGED && in_channel(j))
		job_accept(c, j, fx);
	creator_keep_later(c, j, fx);
}

/* A match that the solver called dissolved was opened all the same: it is the deal of this offer, for
 * one nonce opens one deal (2.2). */
static struct job *opened_after_all(
        struct creator *c, const struct creator_deal *d, const struct event *ev, struct effects *fx)
{
	struct job *j = job_by_id(c, &d->job);

	if (!j || (j->j.state != JOB_POSTED && j->j.state != JOB_MATCHED) ||
	        !hash_eq(&d->deal.cold.job_offer, &j->j.offer))
		return NULL;
	creator_keep(c, j); /* what waits belongs to another deal */
	map_del(&c->by_deal, &j->j.deal);
	j->j.deal = d->id;
	j->j.provider = d->deal.hot.provider;
	job_index(c, j);
	if (j->j.state == JOB_POSTED)
		job_move(c, j, JOB_MATCHED, ev, fx, "the provider opened the deal after all");
	return j;
}

static void on_deal_event(struct creator *c, const struct ledger_event *le, const struct event *ev,
        struct effects *fx)
{
	struct deal_news news = {.seq = le->seq,
	        .action = le->action_id,
	        .to = le->to,
	        .amount = le->amount,
	        .deadline = le->deadline,
	        .result = le->result,
	        .output = le->output,
	        .status = le->status,
	        .count = le->count,
	        .bytes = le->bytes};
	struct creator_deal d = {.id = le->deal};
	struct job *j = job_by_deal(c, &le->deal);
	struct deal_news *kept;

	if (le->to == DEAL_RESULTS_SUBMITTED)
		news.submit_action = le->action_id;
	c->ledger_seq = MAX2(c->ledger_seq, le->seq);
	channel_on_event(c, le, fx);
	if (hash_is_zero(&le->deal))
		return;
	if (!le->to) {
		if (j && le->action == ACTION_SETTLE)
			channel_paid(c, j, le, ev, fx);
		return;
	}
	if (!j) {
		if (!creator_get(c, creator_deal_record(), &d))
			return;
		j = opened_after_all(c, &d, ev, fx);
		if (!j)
			j = channel_revive(c, &d, le, ev, fx);
	}
	if (j) {
		on_news(c, j, &news, ev, fx);
		return;
	}
	if (!c->c.alive && hash_is_zero(&c->c.resume))
		return;
	news.job = d.job;
	kept = map_put(&c->news, &le->deal, NULL);
	if (kept) {
		if (hash_is_zero(&news.submit_action))
			news.submit_action = kept->submit_action;
		*kept = news;
	} else {
		log_line(&c->world->log, LOG_ODD, "too many unfinished deals to follow");
	}
}

void job_catch_up(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	const struct deal_news *kept =
	        hash_is_zero(&j->j.deal) ? NULL : map_get(&c->news, &j->j.deal);

	if (kept)
		on_news(c, j, kept, ev, fx);
}

void creator_forget_news(struct creator *c)
{
	struct hash over[64];
	const void *key;
	void *val;
	size_t n = 0;

	for (size_t i = 0; n < COUNT(over) && map_next(&c->news, &i, &key, &val);) {
		const struct deal_news *news = val;
		struct creator_job row = {.id = news->job};

		if (!creator_get(c, creator_job_record(), &row) ||
		        sm_is_final(&job_states, row.state))
			memcpy(&over[n++], key, sizeof over[0]);
	}
	for (size_t i = 0; i < n; i++)
		map_del(&c->news, &over[i]);
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
	if (err_passes(n->err.code)) {
		j->tries = 0;
		if (job_again(j, fx))
			log_line(&c->world->log, LOG_ODD, "ledger: %s", n->err.msg);
		return;
	}
	job_note(c, j, ev, fx, "LEDGER_REFUSED", "%s", n->err.msg);
}

/* A deal that is signed and not open when open_by has passed never will be (2.4). */
static bool never_opens(struct creator *c, struct job *j)
{
	struct creator_deal d = {.id = j->j.deal};

	if (j->j.state != JOB_MATCHED || j->j.ledger || in_channel(j))
		return false;
	if (j->open_by == 0 && creator_get(c, creator_deal_record(), &d))
		j->open_by = d.deal.hot.open_by.s;
	return j->open_by && c->ledger_time.s >= j->open_by + c->c.confirm_s + OPEN_SPARE_S;
}

static uint64_t spare_of(struct creator *c, struct job *j, const struct creator_deal *d)
{
	if (j->spare_s == 0)
		j->spare_s =
		        MAX2(1u, MIN2((uint64_t)JUDGE_SPARE_S, d->deal.hot.judge_timeout.s / 4));
	return j->spare_s + c->c.confirm_s;
}

/* What is not decided is decided shortly before the judge deadline: silence pays all the same, and a fine. */
static void decide(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	switch ((enum job_state)j->j.state) {
	case JOB_SUBMITTED:
		job_accept_unchecked(c, j, JOB_AUDIT_IMPOSSIBLE, ev, fx,
		        "accepted, not checked: nobody showed us the result, and its deadline is near");
		break;
	case JOB_FETCHING:
	case JOB_CHECKING:
		if (j->j.error)
			fx_warn(fx, &c->world->log, "creator", &j->j.deal, j->j.deadline,
			        "a result that is not accepted will be paid at its deadline: nobody can rule on it");
		else
			job_accept_unchecked(c, j, JOB_AUDIT_IMPOSSIBLE, ev, fx,
			        "accepted, not checked: its deadline is near");
		break;
	case JOB_JUDGED: job_accept(c, j, fx); break;
	case JOB_DISPUTED:
		fx_warn(fx, &c->world->log, "creator", &j->j.deal, j->j.deadline,
		        "a dispute is not on the ledger, and its deadline is near");
		job_send_check(c, j, ev, fx);
		break;
	case JOB_STORING:
	case JOB_POSTED:
	case JOB_MATCHED:
	case JOB_AGREED:
	case JOB_DONE:
	case JOB_FAILED:
	case JOB_CANCELLED: break;
	}
}

static void judge_in_time(
        struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	uint64_t now = c->ledger_time.s, spare;
	struct creator_deal d = {.id = j->j.deal};

	if (j->j.ledger != DEAL_RESULTS_SUBMITTED || j->j.deadline.s == 0 ||
	        now < j->asked_s + JUDGE_AGAIN_S || !creator_get(c, creator_deal_record(), &d))
		return;
	j->asked_s = now;
	spare = spare_of(c, j, &d);
	if (j->seen_s == 0)
		j->seen_s = now;
	if (now + spare >= j->j.deadline.s)
		decide(c, j, ev, fx);
	else if (j->j.state == JOB_SUBMITTED && now >= j->seen_s + spare &&
	         !job_not_checkable(c, &d))
		job_judge(
		        c, j, true, ev, fx); /* kept from us: our own run tells what it is worth */
}

/* 5.5: past the submit deadline anyone ends the deal; it is the JC who profits. */
static void on_time(struct creator *c, const struct event *ev, struct effects *fx)
{
	struct job *unopened = NULL;
	const void *key;
	void *val;
	struct err e;

	for (size_t i = 0; map_next(&c->jobs, &i, &key, &val) && fx->n < EFFECTS_MAX / 2;) {
		struct job *j = *(struct job **)val;
		bool mine = j->j.ledger == DEAL_AGREED || j->j.ledger == DEAL_NEGOTIATING ||
		            j->j.ledger == DEAL_RESULTS_CHECKED;

		if (never_opens(c, j) || (in_channel(j) && channel_on_time(c, j, fx)))
			unopened = j; /* one at a time: the map may change */
		judge_in_time(c, j, ev, fx);
		if (!mine || j->j.deadline.s == 0 || c->ledger_time.s < j->j.deadline.s ||
		        c->ledger_time.s < j->asked_s + ASK_AGAIN_S)
			continue;
		j->asked_s = c->ledger_time.s;
		j->action = fx_submit(fx, fx_action(fx, ACTION_TIMEOUT), &j->j.deal);
	}
	if (unopened) {
		if (in_channel(unopened))
			FAIL(&e, PROVIDER_LATE, "the provider let its last claim instant pass");
		else
			FAIL(&e, PROVIDER_LATE, "the deal was not opened in time");
		job_next_provider(c, unopened, &e, ev, fx);
	}
}

/* Deadlines that nobody watches. */
static void warn_blind(struct creator *c, struct effects *fx)
{
	struct btime first = {0};
	unsigned deals = 0;
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&c->jobs, &i, &key, &val);) {
		const struct job *j = *(struct job **)val;

		if (j->j.deadline.s == 0)
			continue;
		deals++;
		if (first.s == 0 || j->j.deadline.s < first.s)
			first = j->j.deadline;
	}
	if (deals)
		fx_warn_blind(fx, &c->world->log, "creator", deals, first);
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
	case LEDGER_DOWN:
		log_line(&c->world->log, LOG_ODD, "ledger: %s", n->err.msg);
		warn_blind(c, fx);
		break;
	case LEDGER_UP:
	case LEDGER_PENDING:
	case LEDGER_CLOCK: break;
	}
	if (n->stage == LEDGER_CLOCK) {
		c->ledger_clock = true;
		on_time(c, ev, fx);
	}
}
