/* deals.c - what moves a deal: messages of the solver, fetched trees, ended runs, the ledger. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "market/deal_of.h"
#include "port/outcome.h"
#include "port/warn.h"
#include "provider/provider_own.h"

enum {
	TRIES_MAX = 5,    /* of one step that a peer fails */
	RETRY_MS = 500,   /* doubled each time */
	ASK_AGAIN_S = 30, /* before a passed deadline is acted on again */
	SPARE_S = 3 /* seconds before the submit deadline at which an unfinished job is declined */
};

/* ---- a new deal --------------------------------------------------------------------------------- */

/* The JC has signed: does the deal follow from our offer, and is the signature its own? */
static bool check_deal(
        const struct provider *p, const struct deal *d, const struct sig *jc_sig, struct err *e)
{
	if (!addr_eq(&d->hot.provider, &p->world->signer.addr))
		return FAIL(e, PARTY, "the deal names another provider");
	if (!hash_eq(&d->cold.resource_offer, &p->offer.id))
		return FAIL(e, TERMS, "the deal is made on an offer that does not stand any more");
	TRY(deal_follows_resource_offer(d, &p->offer.offer, e), e);
	TRY(world_check(p->world, &p->c.domain, deal_record(), d, d->hot.nonce, jc_sig,
	            &d->hot.job_creator, NULL, e),
	        e);
	return true;
}

static void take_deal(
        struct provider *p, const json_t *j, const struct event *ev, struct effects *fx)
{
	struct provider_deal row = {.created.s = wall_seconds(ev->wall)};
	struct store *s = &p->world->store;
	struct work *k;
	struct err e, no;
	bool ok;

	if (!json_get_record(j, "deal", deal_record(), &row.deal, &e) ||
	        !json_get_sig(j, "jobCreatorSignature", &row.jc_sig, &e)) {
		log_line(&p->world->log, LOG_ODD, "the solver sent a deal that cannot be read: %s",
		        e.msg);
		return;
	}
	eip712_hash(deal_record(), &row.deal, &row.id);
	if (provider_work_get(p, &row.id) || provider_is_strange(p, &row.id))
		return;
	if (s->get(s->self, provider_work_record(), &(struct provider_work){.id = row.id}, &e)) {
		/* Ended before. A solver that asks for a signature again has not heard that there is none. */
		step_refuse_again(p, &row.id, fx);
		return;
	}
	ok = check_deal(p, &row.deal, &row.jc_sig, &no);
	if (!ok && no.code == E_BUSY)
		return; /* comes again */
	k = provider_work_new(p, &row.id);
	if (!k) {
		log_line(&p->world->log, LOG_ODD,
		        "too many unfinished deals: one more is not taken");
		return;
	}
	k->deal = row;
	k->w.state = WORK_FETCHING;
	k->w.status = STATUS_COMPLETED;
	provider_keep_deal(p, &k->deal);
	provider_keep(p, k);
	p->totals.jobs++;
	if (!ok)
		step_refuse(p, k, &no, fx);
	else
		step_fetch(p, k, fx);
}

static void on_dissolved(struct provider *p, const json_t *j)
{
	struct hash id;
	struct work *k;
	struct err e;

	if (!json_get_hash(j, "id", &id, &e))
		return;
	k = provider_work_get(p, &id);
	if (k && k->w.state == WORK_FETCHING)
		provider_finish(p, k, WORK_LOST, "the solver dissolved the match");
}

void provider_on_message(struct provider *p, const struct event *ev, struct effects *fx)
{
	const struct message *m = ev->message;
	json_t *j OWN(json_own) = NULL;
	struct err e;

	if (m->why)
		return; /* the host has said it, and tries again */
	if (m->connected) {
		/* After a gap the solver may have forgotten the offer. */
		provider_post_offer(p, ev, fx);
		return;
	}
	if (!json_parse(m->data, &j, &e)) {
		log_line(&p->world->log, LOG_ODD, "the solver's event %llu is no JSON: %s",
		        (unsigned long long)m->id, e.msg);
		return;
	}
	if (str_is(m->name, "signed"))
		take_deal(p, j, ev, fx);
	else if (str_is(m->name, "accepted"))
		draws_on_accepted(p, j, fx);
	else if (str_is(m->name, "dissolved"))
		on_dissolved(p, j);
	provider_saw(p, CURSOR_SOLVER, m->id);
}

/* ---- effects that ended ------------------------------------------------------------------------- */

/* Repeat the step after a while; true when it has been tried too often. */
static bool again(struct work *k, struct effects *fx)
{
	if (++k->tries > TRIES_MAX)
		return true;
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_RETRY, .key = k->w.id})->delay =
	        span_ms((int64_t)RETRY_MS << (k->tries - 1));
	return false;
}

/* What it costs to decline is due in any case, once the submit timeout is near. */
static void no_part(struct provider *p, struct work *k, const struct err *why, struct effects *fx)
{
	if (err_passes(why->code))
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_RETRY, .key = k->w.id})->delay =
		        span_ms((int64_t)RETRY_MS << TRIES_MAX);
	else
		step_decline(p, k, REASON_JOB_NOT_FOUND, why->msg, fx);
}

static void on_fetched(
        struct provider *p, struct work *k, const struct tree_done *t, struct effects *fx)
{
	if (k->waiting)
		k->waiting--;
	if (k->w.state == WORK_RUNNING && t->ok)
		step_run(p, k, fx);
	else if (k->w.state == WORK_RUNNING && k->waiting == 0 && again(k, fx))
		no_part(p, k, &t->err, fx);
	if (k->w.state != WORK_FETCHING || provider_is_strange(p, &k->w.id))
		return;
	if (!t->ok) {
		if (k->waiting == 0 && again(k, fx))
			step_refuse(p, k, &t->err, fx);
		return;
	}
	step_fetch(p, k, fx);
}

/* The directory has the output: its Stored is what makes it published (6.8). */
static bool read_stored(const struct provider *p, const struct work *k, struct bytes body,
        struct stored *out, struct sig *sig, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	TRY(json_parse(bytes_str(body), &j, e), e);
	TRY(json_get_record(j, "stored", stored_record(), out, e), e);
	TRY(json_get_sig(j, "signature", sig, e), e);
	TRY(signed_check(&p->c.domain, stored_record(), out, sig, &k->deal.deal.cold.directory, e),
	        e);
	if (!hash_eq(&out->deal, &k->w.id) || !hash_eq(&out->output, &k->w.tree))
		return FAIL(e, PEER, "the directory signed for another deal or another output");
	if (out->keep_until.s < p->ledger_time.s + p->c.genesis.life.s)
		return FAIL(e, PEER,
		        "the directory keeps the output until %llu only: less than LIFE ahead",
		        (unsigned long long)out->keep_until.s);
	return true;
}

static void on_pushed(
        struct provider *p, struct work *k, const struct tree_done *t, struct effects *fx)
{
	struct stored st;
	struct err e = t->err;

	if (k->w.state != WORK_RAN)
		return;
	if (!t->ok || !read_stored(p, k, t->body, &st, &k->w.stored_sig, &e)) {
		if (!t->ok && err_passes(e.code))
			p->no_directory_s = p->ledger_time.s;
		if (!again(k, fx))
			return;
		/* What it costs to decline is due in any case, once the submit timeout is near. */
		if (!t->ok && err_passes(e.code))
			fx_add(fx, FX_TIMER, (struct tag){.what = TAG_RETRY, .key = k->w.id})
			        ->delay = span_ms((int64_t)RETRY_MS << TRIES_MAX);
		else
			step_decline(p, k, REASON_DIRECTORY_UNAVAILABLE, e.msg, fx);
		return;
	}
	p->no_directory_s = 0;
	k->w.keep_until = st.keep_until;
	k->w.tree_bytes = st.bytes;
	if (!step_sign_result(p, k, &e)) {
		step_decline(p, k, REASON_HOST_FAILURE, e.msg, fx);
		return;
	}
	provider_move(p, k, WORK_STORED);
	step_submit(p, k, fx);
}

void provider_on_tree(struct provider *p, const struct event *ev, struct effects *fx)
{
	const struct tree_done *t = ev->tree;
	struct work *k = provider_work_get(p, &t->tag.key);

	if (!k)
		return;
	if (t->tag.what == TAG_PUSH)
		on_pushed(p, k, t, fx);
	else
		on_fetched(p, k, t, fx);
}

/* Fill in the outcome of a run: what is charged is what 2.5 says. */
static void outcome(struct work *k, const struct run_done *r)
{
	struct outcome o;

	outcome_of_run(r, k->deal.deal.hot.byte_limit, &o);
	k->w.status = o.status;
	k->w.count = o.count;
	k->w.wall_us = r->wall_us;
	k->w.tree = o.tree;
	k->w.bytes = o.bytes;
}

/* A slot is free: the deals that wait for one are started. */
static void start_waiting(struct provider *p, struct effects *fx)
{
	const void *key;
	void *val;

	for (size_t i = 0; p->running < p->c.parallel && map_next(&p->works, &i, &key, &val);) {
		struct work *k = *(struct work **)val;

		if (k->w.state == WORK_RUNNING && !k->running && !k->pausing)
			step_run(p, k, fx);
	}
}

void provider_on_run(struct provider *p, const struct event *ev, struct effects *fx)
{
	const struct run_done *r = ev->run;
	struct work *k = provider_work_get(p, &r->tag.key);
	struct err e = r->err;

	if (r->tag.what == TAG_TRY) {
		assert(p->trying > 0);
		p->trying--;
		if (k)
			step_tried(p, k, r, fx);
		return;
	}
	assert(p->running > 0);
	p->running--;
	if (k)
		k->running = false;
	/* Otherwise it was declined, or is over: how the run ended tells nothing any more. */
	if (k && k->w.state == WORK_RUNNING && !provider_is_strange(p, &k->w.id)) {
		if (r->ok) {
			outcome(k, r);
			provider_move(p, k, WORK_RAN);
			step_push(p, k, fx);
		} else if (again(k, fx)) {
			step_decline(p, k, REASON_HOST_FAILURE, e.msg, fx);
		} else {
			k->pausing = true;
		}
	}
	start_waiting(p, fx);
}

/* ---- the ledger ---------------------------------------------------------------------------------- */

void provider_paid(
        struct provider *p, struct work *k, const struct ledger_event *le, struct effects *fx)
{
	const struct hot *h = &k->deal.deal.hot;
	struct amount shares = {{{0}}};
	bool paid = provider_count(p, le->to);

	step_kill(k, fx);
	k->w.ledger = le->to;
	if (paid) {
		bool ok = amount_add(amount_per_mille(le->amount, h->royalty),
		        amount_per_mille(le->amount, h->solver_share), &shares);

		ok = ok && amount_sub(le->amount, shares, &k->w.earned);
		ok = ok && amount_add(p->totals.earned, k->w.earned, &p->totals.earned);
		if (!ok)
			log_line(&p->world->log, LOG_BROKEN, "shares above the cost of a deal");
	}
	provider_finish(p, k, WORK_DONE, paid ? "" : sm_name(&deal_states, le->to));
}

/* Paid from its channel, without having been on the ledger. */
static void on_settled(
        struct provider *p, struct work *k, const struct ledger_event *le, struct effects *fx)
{
	struct ledger_event end = *le;

	end.to = DEAL_RESULTS_ACCEPTED;
	provider_paid(p, k, &end, fx);
}

/* Its JC has opened a deal of a channel: from now on it runs by the ledger's clocks. */
static void on_opened_in(struct provider *p, struct work *k, struct effects *fx)
{
	provider_keep(p, k);
	if (k->w.state == WORK_STORED || k->w.state == WORK_ACCEPTED)
		step_submit(p, k, fx);
	else if (k->w.state == WORK_DECLINING)
		step_decline(p, k, (uint8_t)k->w.count, k->w.why, fx);
}

static void on_deal_event(struct provider *p, const struct ledger_event *le, struct effects *fx)
{
	bool strange = provider_note_strange(p, le);
	struct work *k = provider_work_get(p, &le->deal);

	if (!k || strange)
		return;
	if (!le->to) {
		if (le->action == ACTION_SETTLE)
			on_settled(p, k, le, fx);
		return;
	}
	k->w.deadline = le->deadline;
	k->w.ledger = le->to;
	if (sm_is_final(&deal_states, le->to)) {
		if (k->w.state == WORK_FETCHING)
			provider_finish(p, k, WORK_LOST, "the deal ended before we signed");
		else
			provider_paid(p, k, le, fx);
		return;
	}
	if (le->to == DEAL_AGREED && k->w.state == WORK_SIGNED) {
		provider_move(p, k, WORK_RUNNING);
		step_run(p, k, fx);
		return;
	}
	if (le->to == DEAL_AGREED && work_draws(k)) {
		on_opened_in(p, k, fx);
		return;
	}
	provider_keep(p, k);
}

/* An action of ours will not be in a block: unless the ledger was only out of reach, that decides. */
static void on_dropped(struct provider *p, const struct ledger_note *n, struct effects *fx)
{
	struct work *k = NULL;
	const void *key;
	void *val;

	settle_on_dropped(p, n);
	for (size_t i = 0; !k && map_next(&p->works, &i, &key, &val);) {
		struct work *one = *(struct work **)val;

		if (hash_eq(&one->action, &n->action_id))
			k = one;
	}
	if (!k)
		return;
	if (err_passes(n->err.code)) {
		k->tries = 0;
		(void)again(k, fx);
		return;
	}
	log_line(&p->world->log, LOG_ODD, "the ledger refused: %s", n->err.msg);
	/* Our signature is out: until open_by whoever has both may still open the deal. */
	if (k->w.state == WORK_SIGNED && k->w.ledger == 0 &&
	        p->ledger_time.s >= k->deal.deal.hot.open_by.s)
		step_refuse(p, k, &n->err, fx);
}

/* Of a job that has run only its output is not published. */
static uint8_t missing_reason(const struct work *k)
{
	return k->w.state == WORK_RAN ? REASON_DIRECTORY_UNAVAILABLE : REASON_OUT_OF_TIME;
}

/* Whoever profits from a deadline triggers it: the provider is paid, or has what is left of its bond
 * back. What cannot be finished is declined in time. */
static void act_in_time(struct provider *p, struct work *k, struct effects *fx)
{
	uint64_t now = p->ledger_time.s, due = k->w.deadline.s;

	if (work_off_ledger(k))
		return; /* settle.c knows its instants */
	bool waits = k->w.ledger == DEAL_AGREED || k->w.ledger == DEAL_RESULTS_SUBMITTED ||
	             k->w.ledger == DEAL_RESULTS_CHECKED;

	if (k->w.ledger == 0 && now >= k->deal.deal.hot.open_by.s) {
		/* Asked once more, the ledger says that it is open, or never will be. */
		k->asked_s = now;
		step_open(p, k, fx);
	} else if (waits && due && now >= due) {
		k->asked_s = now;
		step_timeout(k, fx);
	} else if (k->w.ledger == DEAL_AGREED && k->w.state < WORK_STORED && due &&
	           now + p->c.confirm_s + SPARE_S >= due) {
		k->asked_s = now;
		fx_warn(fx, &p->world->log, "provider", &k->w.id, k->w.deadline,
		        "a job is not ready and its submit deadline is near: it is declined");
		step_decline(p, k, missing_reason(k), "the submit timeout is near", fx);
	}
}

static void on_time(struct provider *p, struct effects *fx)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&p->works, &i, &key, &val) && fx->n < EFFECTS_MAX / 2;) {
		struct work *k = *(struct work **)val;

		if (k->w.state != WORK_FETCHING &&
		        p->ledger_time.s >= k->asked_s + (k->asked_s ? ASK_AGAIN_S : 0))
			act_in_time(p, k, fx);
	}
	settle_on_time(p, fx);
}

static void note_balance(struct provider *p, const struct ledger_event *le)
{
	for (uint32_t i = 0; i < le->changes_n; i++) {
		if (!addr_eq(&le->changes[i].account, &p->world->signer.addr))
			continue;
		p->free_balance = le->changes[i].free;
		p->balance_known = true;
	}
}

/* Deadlines that nobody watches. */
static void warn_blind(struct provider *p, struct effects *fx)
{
	struct btime first = {0};
	unsigned deals = 0;
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&p->works, &i, &key, &val);) {
		const struct work *k = *(struct work **)val;

		if (k->w.deadline.s == 0)
			continue;
		deals++;
		if (first.s == 0 || k->w.deadline.s < first.s)
			first = k->w.deadline;
	}
	if (deals)
		fx_warn_blind(fx, &p->world->log, "provider", deals, first);
}

void provider_on_ledger(struct provider *p, const struct event *ev, struct effects *fx)
{
	const struct ledger_note *n = ev->ledger;

	if (n->time.s > p->ledger_time.s)
		p->ledger_time = n->time;
	switch (n->stage) {
	case LEDGER_EVENT:
		note_balance(p, &n->event);
		provider_note_channel(p, &n->event);
		settle_on_event(p, &n->event);
		voucher_on_redeemed(p, &n->event, fx);
		on_deal_event(p, &n->event, fx);
		if (p->strange.n == 0)
			provider_saw(p, CURSOR_LEDGER, n->event.seq);
		break;
	case LEDGER_INCLUDED:
	case LEDGER_FINAL:
		if (n->failed)
			on_dropped(p, n, fx);
		break;
	case LEDGER_DROPPED: on_dropped(p, n, fx); break;
	case LEDGER_DOWN:
		log_line(&p->world->log, LOG_ODD, "ledger: %s", n->err.msg);
		warn_blind(p, fx);
		break;
	case LEDGER_UP: log_line(&p->world->log, LOG_INFO, "ledger is back"); break;
	case LEDGER_CLOCK: provider_ask_strange(p, fx); break;
	case LEDGER_PENDING: break;
	}
	on_time(p, fx);
}

/* ---- again ---------------------------------------------------------------------------------------- */

/* Does what the state of a deal asks for, now or again. */
static void resume(struct provider *p, struct work *k, struct effects *fx)
{
	switch ((enum work_state)k->w.state) {
	case WORK_FETCHING: step_fetch(p, k, fx); break;
	case WORK_SIGNED: step_open(p, k, fx); break;
	case WORK_RUNNING: step_run(p, k, fx); break;
	case WORK_RAN: step_push(p, k, fx); break;
	case WORK_ACCEPTED:
	case WORK_STORED:
		if (work_off_ledger(k) && k->w.state == WORK_STORED)
			draws_look(p, k, fx);
		else if (work_off_ledger(k))
			draws_room(p, k);
		/* What the ledger has, the JC may still wait for: only the solver tells it the Output. */
		if (k->w.ledger == DEAL_AGREED)
			step_submit(p, k, fx);
		else
			step_tell(p, k, fx);
		break;
	case WORK_DECLINING: step_decline(p, k, (uint8_t)k->w.count, k->w.why, fx); break;
	case WORK_DONE:
	case WORK_LOST: break;
	}
}

void provider_on_retry(struct provider *p, const struct event *ev, struct effects *fx)
{
	struct work *k = provider_work_get(p, &ev->timer.key);

	if (!k)
		return;
	k->pausing = false;
	resume(p, k, fx);
}

/* In a channel the JC knows of it by the solver alone, and then the job is run; one that the solver has given up is
 * not, unless its JC opens it. */
void provider_told_signature(struct provider *p, struct work *k, bool taken, struct effects *fx)
{
	k->told_signature = true;
	if (!taken || !work_off_ledger(k) || k->w.state != WORK_SIGNED)
		return;
	provider_move(p, k, WORK_RUNNING);
	step_run(p, k, fx);
}

void provider_on_tell(struct provider *p, const struct event *ev, struct effects *fx)
{
	struct work *k = provider_work_get(p, &ev->timer.key);

	if (k && k->w.rp_sig.n)
		step_tell(p, k, fx);
}
