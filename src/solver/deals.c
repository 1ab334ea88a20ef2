/* deals.c - from a match to the ledger: the solver publishes, relays what parties signed, and follows. */
#include <stdio.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "market/deal_of.h"
#include "solver/solver_own.h"

enum { MATCHES_OF_A_TURN = 32 }; /* effects of one event are bounded; a zero timer goes on */

json_t *deal_json(const struct solver_deal *d)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "id", json_of_hash(&d->id), "deal",
	        record_to_json(deal_record(), &d->deal), "match",
	        record_to_json(match_record(), &d->match), "matchSignature",
	        json_of_sig(&d->match_sig));
}

static void set_timer(struct effects *fx, const struct hash *deal, struct span delay)
{
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_UNSIGNED, .key = *deal})->delay = delay;
}

/* ---- matching --------------------------------------------------------------------------------------- */

static bool make_deal(struct solver *s, const struct book_match *m, const struct event *ev,
        struct solver_deal *d, struct err *e)
{
	struct open_offer *j = offer_find(s, &m->job), *r = offer_find(s, &m->resource);
	struct deal_making making = {.job_offer = m->job, .resource_offer = m->resource};

	if (!j || !r)
		return FAIL(e, INTERNAL, "the book matched an offer that is not open");
	making.open_by.s = s->ledger_time.s + s->c.open_in_s;
	TRY(deal_from_offers(j->of.job, r->of.resource, &making, &d->deal, e), e);
	TRY(deal_open_in_time(&d->deal, &s->c.genesis, s->ledger_time, e), e);
	eip712_hash(deal_record(), &d->deal, &d->id);
	d->match = (struct match){.deal = d->id,
	        .job_offer = m->job,
	        .resource_offer = m->resource,
	        .sequence = s->sequence,
	        .time.s = wall_seconds(ev->wall)};
	if (!roster_root(&s->roster, &d->match.book_root))
		return FAIL(e, MEMORY, "no memory for the book's root");
	return world_sign(s->world, &s->c.domain, match_record(), &d->match, &d->match_sig, e);
}

static bool match_one(struct solver *s, const struct book_match *m, const struct event *ev,
        struct effects *fx, struct err *e)
{
	struct solver_deal d = {0};
	struct solver_step step = {.state = MATCH_MATCHED, .matched_ms = (uint64_t)ev->wall.ms};
	struct solver_offer row = {.id = m->job};

	TRY(make_deal(s, m, ev, &d, e), e);
	TRY(book_take(s->book, &d.id, &m->job, &m->resource, e), e);
	step.id = d.id;
	solver_put(s, solver_deal_record(), &d);
	solver_put(s, solver_step_record(), &step);
	if (solver_get(s, solver_offer_record(), &row)) {
		row.state = OFFER_TAKEN;
		row.deal = d.id;
		solver_put(s, solver_offer_record(), &row);
	}
	solver_emit(s, fx, "deal", deal_json(&d), &d.deal.hot.job_creator, NULL);
	set_timer(fx, &d.id, s->c.jc_signs_in);
	s->n.matches++;
	return true;
}

static void expire(struct solver *s, const struct event *ev)
{
	struct btime now = {wall_seconds(ev->wall)};
	struct hash id;

	for (int i = 0; i < MATCHES_OF_A_TURN && book_expire(s->book, now, &id); i++)
		offer_forget(s, &id, OFFER_EXPIRED);
}

void solver_match_all(struct solver *s, const struct event *ev, struct effects *fx)
{
	struct btime now = {wall_seconds(ev->wall)};
	struct book_match m;
	struct err e;

	if (s->ledger_time.s == 0)
		return; /* without the ledger's clock no deal has an open_by */
	expire(s, ev);
	for (int i = 0; book_next(s->book, now, &m); i++) {
		if (i == MATCHES_OF_A_TURN) {
			fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP});
			return;
		}
		if (match_one(s, &m, ev, fx, &e))
			continue;
		log_line(&s->world->log, LOG_ODD, "two offers that match make no deal: %s", e.msg);
		if (!book_exclude(s->book, &m.job, &m.resource, &e))
			book_remove(s->book, &m.job);
	}
}

/* ---- relaying --------------------------------------------------------------------------------------- */

static bool find(struct solver *s, const struct http_req *r, struct solver_deal *d,
        struct solver_step *step, struct err *e)
{
	TRY(hash_parse(r->params[0], &d->id, e), e);
	step->id = d->id;
	if (!solver_get(s, solver_deal_record(), d) || !solver_get(s, solver_step_record(), step))
		return FAIL(e, NOT_FOUND, "no match has the deal %.*s", STR_ARG(r->params[0]));
	return true;
}

static void move(struct solver *s, struct solver_step *step, enum match_state to)
{
	struct err e;
	bool ok = sm_move(&match_states, &step->state, to, &e);

	if (!ok)
		log_line(&s->world->log, LOG_BROKEN, "%s", e.msg);
	assert(ok);
	solver_put(s, solver_step_record(), step);
}

static void jc_signed(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct sig *sig, const struct event *ev, struct effects *fx)
{
	if (step->state != MATCH_MATCHED)
		return; /* a repetition */
	step->jc_sig = *sig;
	step->jc_ms = (uint64_t)ev->wall.ms;
	move(s, step, MATCH_JC_SIGNED);
	emit_again(s, step, fx);
	set_timer(fx, &d->id, s->c.rp_signs_in);
}

static void rp_signed(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct sig *sig, const struct event *ev, struct effects *fx)
{
	if (step->rp_sig.n)
		return;
	step->rp_sig = *sig;
	step->rp_ms = (uint64_t)ev->wall.ms;
	if (step->state == MATCH_JC_SIGNED)
		move(s, step, MATCH_RP_SIGNED);
	else
		solver_put(s, solver_step_record(), step);
	solver_emit(s, fx, "signed",
	        json_pack("{s:o, s:o}", "id", json_of_hash(&d->id), "providerSignature",
	                json_of_sig(sig)),
	        &d->deal.hot.job_creator, NULL);
}

static void reply_state(
        const struct http_req *r, const struct solver_step *step, struct effects *fx)
{
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:s}", "id", json_of_hash(&step->id), "state",
	                sm_name(&match_states, step->state)));
}

void on_signature(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	json_t *j OWN(json_own) = NULL;
	struct solver_deal d = {0};
	struct solver_step step = {0};
	struct addr who;
	struct sig sig;
	struct err e;

	if (!find(s, r, &d, &step, &e) || !json_parse(bytes_str(r->body), &j, &e) ||
	        !json_get_sig(j, "signature", &sig, &e) ||
	        !signed_by(&s->c.domain, deal_record(), &d.deal, &sig, &who, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	if (addr_eq(&who, &d.deal.hot.job_creator)) {
		jc_signed(s, &d, &step, &sig, ev, fx);
	} else if (addr_eq(&who, &d.deal.hot.provider)) {
		rp_signed(s, &d, &step, &sig, ev, fx);
	} else {
		FAIL(&e, SIGNATURE, "the signature is that of neither party of the deal");
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	reply_state(r, &step, fx);
}

/* Never opened: both learn why, the job offer goes back, and these two are not matched again. */
static void dissolve(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const char *why, const struct event *ev, struct effects *fx)
{
	struct solver_offer row = {.id = d->deal.cold.job_offer};
	struct err e;

	snprintf(step->why, sizeof step->why, "%s", why);
	step->end_ms = (uint64_t)ev->wall.ms;
	move(s, step, MATCH_DISSOLVED);
	book_end(s->book, &d->id, true);
	if (!book_exclude(s->book, &d->deal.cold.job_offer, &d->deal.cold.resource_offer, &e))
		log_line(&s->world->log, LOG_DEBUG, "not excluded: %s", e.msg);
	if (solver_get(s, solver_offer_record(), &row) && row.state == OFFER_TAKEN) {
		row.state = OFFER_OPEN;
		row.deal = (struct hash){{0}};
		solver_put(s, solver_offer_record(), &row);
	}
	solver_emit(s, fx, "dissolved",
	        json_pack("{s:o, s:o}", "id", json_of_hash(&d->id), "reason",
	                json_of_str(str_of(why))),
	        &d->deal.hot.job_creator, &d->deal.hot.provider);
	s->n.dissolved++;
}

void on_refuse(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	json_t *j OWN(json_own) = NULL;
	struct solver_deal d = {0};
	struct solver_step step = {0};
	const char *why;
	struct err e;

	if (!find(s, r, &d, &step, &e) || !json_parse(bytes_str(r->body), &j, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	if (!addr_eq(&r->account, &d.deal.hot.job_creator) &&
	        !addr_eq(&r->account, &d.deal.hot.provider)) {
		FAIL(&e, FORBIDDEN, "only the parties of a deal refuse it");
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	why = json_string_value(json_object_get(json_object_get(j, "reason"), "message"));
	if (step.state == MATCH_MATCHED || step.state == MATCH_JC_SIGNED ||
	        step.state == MATCH_RP_SIGNED)
		dissolve(s, &d, &step, why ? why : "refused without a reason", ev, fx);
	reply_state(r, &step, fx);
}

void on_unsigned(
        struct solver *s, const struct hash *deal, const struct event *ev, struct effects *fx)
{
	struct solver_deal d = {.id = *deal};
	struct solver_step step = {.id = *deal};

	if (!solver_get(s, solver_deal_record(), &d) || !solver_get(s, solver_step_record(), &step))
		return;
	if (step.state == MATCH_MATCHED)
		dissolve(s, &d, &step, "the job creator did not sign in time", ev, fx);
	else if (step.state == MATCH_JC_SIGNED || step.state == MATCH_RP_SIGNED) {
		/* With both signatures out the ledger decides until open_by. */
		if (s->ledger_time.s < d.deal.hot.open_by.s)
			set_timer(fx, deal, span_s(5));
		else
			dissolve(s, &d, &step, "the deal was not opened in time", ev, fx);
	}
}

static json_t *result_json(const struct solver_result *row)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "id", json_of_hash(&row->id), "result",
	        record_to_json(result_record(), &row->result), "signature", json_of_sig(&row->sig),
	        "stored", record_to_json(stored_record(), &row->stored), "storedSignature",
	        json_of_sig(&row->stored_sig));
}

void on_result(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	json_t *j OWN(json_own) = NULL;
	struct solver_deal d = {0};
	struct solver_step step = {0};
	struct solver_result row = {0}, old = {0};
	struct err e;

	if (!find(s, r, &d, &step, &e) || !json_parse(bytes_str(r->body), &j, &e) ||
	        !json_get_record(j, "result", result_record(), &row.result, &e) ||
	        !json_get_sig(j, "signature", &row.sig, &e) ||
	        !json_get_record(j, "stored", stored_record(), &row.stored, &e) ||
	        !json_get_sig(j, "storedSignature", &row.stored_sig, &e) ||
	        !signed_check(&s->c.domain, result_record(), &row.result, &row.sig,
	                &d.deal.hot.provider, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	if (!hash_eq(&row.result.deal, &d.id)) {
		FAIL(&e, RESULT, "the result is of another deal");
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	row.id = old.id = d.id;
	if (!solver_get(s, solver_result_record(), &old)) {
		step.result_ms = (uint64_t)ev->wall.ms;
		solver_put(s, solver_result_record(), &row);
		solver_put(s, solver_step_record(), &step);
		solver_emit(s, fx, "result", result_json(&row), &d.deal.hot.job_creator, NULL);
	}
	reply_state(r, &step, fx);
}

void on_decline(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	json_t *j OWN(json_own) = NULL;
	struct solver_deal d = {0};
	struct solver_step step = {0};
	struct decline doc;
	struct sig sig;
	struct err e;

	if (!find(s, r, &d, &step, &e) || !json_parse(bytes_str(r->body), &j, &e) ||
	        !json_get_record(j, "decline", decline_record(), &doc, &e) ||
	        !json_get_sig(j, "signature", &sig, &e) ||
	        !signed_check(
	                &s->c.domain, decline_record(), &doc, &sig, &d.deal.hot.provider, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	snprintf(step.why, sizeof step.why, "declined: %s", enum_name(&reason_names, doc.reason));
	solver_put(s, solver_step_record(), &step);
	solver_emit(s, fx, "declined",
	        json_pack("{s:o, s:s}", "id", json_of_hash(&d.id), "reason",
	                enum_name(&reason_names, doc.reason)),
	        &d.deal.hot.job_creator, NULL);
	reply_state(r, &step, fx);
}

/* What the parties of an unfinished deal have to know, as the last message said it. */
void emit_again(struct solver *s, const struct solver_step *step, struct effects *fx)
{
	struct solver_deal d = {.id = step->id};
	struct solver_result row = {.id = step->id};
	json_t *j;

	if (!solver_get(s, solver_deal_record(), &d))
		return;
	if (step->state == MATCH_MATCHED) {
		solver_emit(s, fx, "deal", deal_json(&d), &d.deal.hot.job_creator, NULL);
	} else if (step->state == MATCH_JC_SIGNED) {
		j = deal_json(&d);
		json_object_set_new(j, "jobCreatorSignature", json_of_sig(&step->jc_sig));
		solver_emit(s, fx, "signed", j, &d.deal.hot.provider, NULL);
	} else if (step->state == MATCH_OPEN && solver_get(s, solver_result_record(), &row)) {
		solver_emit(s, fx, "result", result_json(&row), &d.deal.hot.job_creator, NULL);
	}
}

/* ---- the ledger ------------------------------------------------------------------------------------- */

static void follow_deal(struct solver *s, const struct ledger_event *le, const struct event *ev)
{
	struct solver_deal d = {.id = le->deal};
	struct solver_step step = {.id = le->deal};
	bool final = sm_is_final(&deal_states, le->to);

	if (!solver_get(s, solver_step_record(), &step) || step.state == MATCH_ENDED ||
	        step.ledger == le->to)
		return;
	step.ledger = le->to;
	if (step.state == MATCH_DISSOLVED) {
		solver_put(s, solver_step_record(), &step);
		return;
	}
	if (!solver_get(s, solver_deal_record(), &d))
		return;
	if (step.state != MATCH_OPEN && !final) {
		move(s, &step, MATCH_OPEN);
		book_opened(s->book, &le->deal);
		offer_forget(s, &d.deal.cold.job_offer, OFFER_DONE);
		s->n.opened++;
		return;
	}
	if (!final) {
		solver_put(s, solver_step_record(), &step);
		return;
	}
	step.end_ms = (uint64_t)ev->wall.ms;
	step.cost = le->amount;
	move(s, &step, MATCH_ENDED);
	book_end(s->book, &le->deal, false);
	if (offer_find(s, &d.deal.cold.job_offer))
		offer_forget(s, &d.deal.cold.job_offer, OFFER_DONE);
	if (le->to == DEAL_RESULTS_ACCEPTED || le->to == DEAL_TIMEOUT_JUDGE)
		s->n.paid++;
}

void on_ledger(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct ledger_note *n = ev->ledger;
	struct err e;

	(void)fx;
	if (n->time.s > s->ledger_time.s)
		s->ledger_time = n->time;
	if (n->stage == LEDGER_DOWN)
		log_line(&s->world->log, LOG_ODD, "ledger: %s", n->err.msg);
	if (n->stage != LEDGER_EVENT)
		return;
	for (uint32_t i = 0; i < n->event.changes_n; i++) {
		if (!book_set_balance(
		            s->book, &n->event.changes[i].account, n->event.changes[i].free, &e))
			log_line(&s->world->log, LOG_BROKEN, "balance: %s", e.msg);
	}
	if (n->event.to)
		follow_deal(s, &n->event, ev);
}
