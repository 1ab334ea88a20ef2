/* deal.c - what the solver says about a job: a match, the provider's signature, a result. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "creator/creator_own.h"
#include "market/deal_of.h"

enum { CLOCK_WAIT_MS = 100 };

/* ---- a match ---------------------------------------------------------------------------------------- */

static bool check_match(struct creator *c, const struct job *j, const struct creator_offer *o,
        const struct creator_deal *d, struct err *e)
{
	TRY(signed_check(
	            &c->c.domain, match_record(), &d->match, &d->match_sig, &c->c.solver.addr, e),
	        e);
	if (!hash_eq(&d->match.deal, &d->id) || !hash_eq(&d->match.job_offer, &o->id))
		return FAIL(e, PEER, "the match names another deal or another offer");
	if (!hash_eq(&d->deal.cold.job_offer, &o->id) ||
	        !hash_eq(&d->deal.cold.resource_offer, &d->match.resource_offer))
		return FAIL(e, TERMS, "the deal names other offers than the match");
	TRY(deal_follows_job_offer(&d->deal, &o->offer, e), e);
	TRY(deal_open_in_time(&d->deal, &c->c.genesis, c->ledger_time, e), e);
	if (in_channel(j))
		TRY(channel_may(c, j, d, e), e);
	return true;
}

static bool read_deal(const json_t *data, struct creator_deal *out, struct err *e)
{
	TRY(json_get_record(data, "deal", deal_record(), &out->deal, e), e);
	TRY(json_get_record(data, "match", match_record(), &out->match, e), e);
	TRY(json_get_sig(data, "matchSignature", &out->match_sig, e), e);
	eip712_hash(deal_record(), &out->deal, &out->id);
	return true;
}

static void send_signature(
        struct creator *c, struct job *j, const struct creator_deal *d, struct effects *fx)
{
	fx_call(fx, (struct tag){.what = TAG_SIGNATURE, .key = j->j.id}, &c->book, "POST",
	        fx_path(fx, "/v1/deals/", &d->id, "/signature"),
	        json_pack("{s:o}", "signature", json_of_sig(&d->jc_sig)));
}

static void on_deal(
        struct creator *c, const json_t *data, const struct event *ev, struct effects *fx)
{
	struct creator_deal d = {0};
	struct creator_offer o;
	char who[ADDR_TEXT_MAX];
	struct job *j;
	struct err e;

	if (!read_deal(data, &d, &e)) {
		log_line(&c->world->log, LOG_ODD, "the solver sent a deal that cannot be read: %s",
		        e.msg);
		return;
	}
	j = job_by_offer(c, &d.deal.cold.job_offer);
	if (!j || j->j.state != JOB_POSTED || j->cancelling)
		return;
	o = (struct creator_offer){.id = j->j.offer};
	if (!creator_get(c, creator_offer_record(), &o))
		return;
	/* After a start the ledger's time is not known at once, and without it nothing is signed. */
	if (c->ledger_time.s == 0) {
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_LOOK, .key = j->j.id})->delay =
		        span_ms(CLOCK_WAIT_MS);
		return;
	}
	if (!check_match(c, j, &o, &d, &e) ||
	        !world_sign(c->world, &c->c.domain, deal_record(), &d.deal, &d.jc_sig, &e)) {
		job_note(c, j, ev, fx, "REFUSED", "deal not signed: %s", e.msg);
		fx_call(fx, (struct tag){.what = TAG_SIGNATURE, .key = j->j.id}, &c->c.solver,
		        "POST", fx_path(fx, "/v1/deals/", &d.id, "/refuse"),
		        json_pack("{s:o}", "reason", err_to_json(&e)));
		return;
	}
	d.job = j->j.id;
	creator_put(c, creator_deal_record(), &d);
	if (in_channel(j))
		channel_signed(c, j, &d);
	j->j.deal = d.id;
	j->j.provider = d.deal.hot.provider;
	addr_format(&j->j.provider, who);
	job_index(c, j);
	job_move(c, j, JOB_MATCHED, ev, fx, "matched with %s; signed", who);
	send_signature(c, j, &d, fx);
}

void job_sign(struct creator *c, struct job *j, struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};

	if (creator_get(c, creator_deal_record(), &d))
		send_signature(c, j, &d, fx);
}

/* ---- the provider ----------------------------------------------------------------------------------- */

static void on_signed(struct creator *c, struct job *j, const json_t *data, const struct event *ev,
        struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};
	struct sig sig;
	struct err e;

	if (j->later.rp_sig.n || !creator_get(c, creator_deal_record(), &d) || d.rp_sig.n)
		return;
	if (!json_object_get(data, "providerSignature") ||
	        !json_get_sig(data, "providerSignature", &sig, &e))
		return; /* the JC's own signature, told to both */
	if (!signed_check(&c->c.domain, deal_record(), &d.deal, &sig, &d.deal.hot.provider, &e)) {
		log_line(&c->world->log, LOG_ODD, "the provider's signature: %s", e.msg);
		return;
	}
	j->later.rp_sig = sig;
	creator_keep_later(c, j, fx);
	if (in_channel(j))
		channel_agreed(c, j, ev, fx);
}

static void on_dissolved(struct creator *c, struct job *j, const json_t *data,
        const struct event *ev, struct effects *fx)
{
	const char *why = json_string_value(json_object_get(data, "reason"));

	/* The solver dissolves only what is not open: if the ledger already shows it, it is. */
	if (j->j.state != JOB_MATCHED || j->j.ledger)
		return;
	creator_keep(c, j); /* what waits belongs to this deal */
	map_del(&c->by_deal, &j->j.deal);
	j->j.deal = (struct hash){{0}};
	j->j.provider = (struct addr){{0}};
	j->open_by = 0;
	job_move(c, j, JOB_POSTED, ev, fx, "the match was dissolved: %s",
	        why ? why : "no reason given");
	/* Acknowledged again, the offer is known to be in the book, and its queue time runs. */
	job_post(c, j, ev, fx);
}

/* Why the provider declined: the ledger does not tell. */
static void on_declined(struct creator *c, struct job *j, const json_t *data)
{
	struct decline doc;
	struct sig sig;
	struct err e;

	if (!json_get_record(data, "decline", decline_record(), &doc, &e) ||
	        !json_get_sig(data, "signature", &sig, &e) ||
	        !signed_check(&c->c.domain, decline_record(), &doc, &sig, &j->j.provider, &e)) {
		log_line(&c->world->log, LOG_ODD, "the provider's decline: %s", e.msg);
		return;
	}
	if (hash_eq(&doc.deal, &j->j.deal))
		j->reason = doc.reason;
}

static void on_about_deal(struct creator *c, const struct message *m, const json_t *data,
        const struct event *ev, struct effects *fx)
{
	struct hash id;
	struct job *j;
	struct err e;

	if (!json_get_hash(data, "id", &id, &e))
		return;
	j = job_by_deal(c, &id);
	if (!j)
		return;
	if (str_is(m->name, "signed"))
		on_signed(c, j, data, ev, fx);
	else if (str_is(m->name, "result"))
		job_on_result(c, j, data, ev, fx);
	else if (str_is(m->name, "dissolved"))
		on_dissolved(c, j, data, ev, fx);
	else if (str_is(m->name, "declined") && in_channel(j))
		channel_on_declined(c, j, ev, fx);
	else if (str_is(m->name, "declined"))
		on_declined(c, j, data);
}

void job_on_message(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct message *m = ev->message;
	json_t *j OWN(json_own) = NULL;
	struct err e;

	if (!json_parse(m->data, &j, &e)) {
		log_line(&c->world->log, LOG_ODD, "the solver's event %llu is no JSON: %s",
		        (unsigned long long)m->id, e.msg);
		return;
	}
	if (str_is(m->name, "deal"))
		on_deal(c, j, ev, fx);
	else if (str_is(m->name, "expired"))
		job_on_expired(c, j, ev, fx);
	else
		on_about_deal(c, m, j, ev, fx);
}

/* What the solver knows of a job that is taken over: the same messages, all at once. */
void job_on_look(struct creator *c, const struct event *ev, struct effects *fx)
{
	struct job *j = job_by_id(c, &ev->reply->tag.key);
	json_t *body OWN(json_own) = NULL;
	struct err e;

	const char *state;

	if (!j)
		return;
	if (!ev->reply->ok || ev->reply->status >= 400 ||
	        !json_parse(bytes_str(ev->reply->body), &body, &e)) {
		j->looks += !ev->reply->ok;
		/* What was to be heard may be told by nobody else. */
		if (!ev->reply->ok || ev->reply->status < 400 || err_passes(ev->reply->err.code))
			job_look_later(j, fx);
		return;
	}
	j->looks = 0;
	state = json_string_value(json_object_get(body, "state"));
	if (j->j.state >= JOB_MATCHED)
		on_signed(c, j, body, ev, fx);
	if (j->j.state == JOB_MATCHED && state && strcmp(state, "DISSOLVED") == 0) {
		json_object_set(body, "reason", json_object_get(body, "why"));
		on_dissolved(c, j, body, ev, fx);
		return;
	}
	if (j->j.state == JOB_POSTED && state && strcmp(state, "silent") == 0)
		job_post(c, j, ev, fx); /* a match of it was given up before we heard of it */
	else if (j->j.state == JOB_POSTED && json_object_get(body, "deal") &&
	         !(state && strcmp(state, "open") == 0)) /* else its last match was given up */
		on_deal(c, body, ev, fx);
	if (j->j.state >= JOB_MATCHED && json_object_get(body, "result"))
		job_on_result(c, j, body, ev, fx);
	else if (j->j.state == JOB_SUBMITTED)
		job_look_later(j, fx); /* the provider has not brought it there yet */
}
