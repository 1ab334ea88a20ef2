/* deals.c - what the parties of a match say, checked and relayed. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "solver/solver_own.h"

enum {
	LOOK_AGAIN_S = 5,
	PARDON_MS = 2000 /* until a provider that was busy is matched with the same job again */
};

bool deal_find(struct solver *s, const struct http_req *r, struct solver_deal *d,
        struct solver_step *step, struct err *e)
{
	TRY(hash_parse(r->params[0], &d->id, e), e);
	step->id = d->id;
	if (!deal_read(s, d) || !step_read(s, step))
		return FAIL(e, NOT_FOUND, "no match has the deal %.*s", STR_ARG(r->params[0]));
	return true;
}

void deal_timer(struct effects *fx, const struct hash *deal, struct span delay)
{
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_UNSIGNED, .key = *deal})->delay = delay;
}

/* *d and *step are those of the deal that the path names, *step as it is then. */
void deal_answer(struct solver *s, const struct event *ev, struct effects *fx, taker *take)
{
	struct solver_deal d = {0};
	struct solver_step step = {0};
	struct err e;

	if (!take(s, &d, &step, ev, fx, &e)) {
		fx_reply_err(fx, ev->request->conn, &e);
		return;
	}
	fx_reply(fx, ev->request->conn, 200,
	        json_pack("{s:o, s:s}", "id", json_of_hash(&step.id), "state",
	                sm_name(&match_states, step.state)));
}

static bool given_up(const struct solver_step *step, struct err *e)
{
	return FAIL(e, STATE, "the match was dissolved: %s", step->why);
}

/* ---- signatures -------------------------------------------------------------------------------------- */

static void tell_signed_by_jc(struct solver *s, const struct solver_deal *d,
        const struct solver_step *step, struct effects *fx)
{
	json_t *j = deal_json(d);

	json_object_set_new(j, "jobCreatorSignature", json_of_sig(&step->jc_sig));
	solver_emit(s, fx, "signed", j, &d->provider, NULL);
}

static void tell_signed_by_rp(struct solver *s, const struct solver_deal *d,
        const struct solver_step *step, struct effects *fx)
{
	struct addr ear = jc_key(s, d);

	solver_emit(s, fx, "signed",
	        json_pack("{s:o, s:o}", "id", json_of_hash(&d->id), "providerSignature",
	                json_of_sig(&step->rp_sig)),
	        &ear, NULL);
}

static bool jc_signed(struct solver *s, const struct solver_deal *d, struct solver_step *step,
        const struct sig *sig, const struct event *ev, struct effects *fx, struct err *e)
{
	if (step->state == MATCH_DISSOLVED)
		return given_up(step, e);
	if (step->state != MATCH_MATCHED)
		return true; /* a repetition */
	step->jc_sig = *sig;
	solver_move(s, step, MATCH_JC_SIGNED, ev, fx, "the provider fetches and verifies");
	tell_signed_by_jc(s, d, step, fx);
	deal_timer(fx, &d->id, s->c.rp_signs_in);
	return true;
}

static bool rp_signed(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct sig *sig, const struct event *ev, struct effects *fx, struct err *e)
{
	struct open_offer *r = offer_find(s, &d->deal.cold.resource_offer);

	if (step->state == MATCH_DISSOLVED)
		return given_up(step, e);
	if (step->state == MATCH_MATCHED)
		return FAIL(e, STATE, "the job creator signs first (2.4)");
	if (step->rp_sig.n)
		return true;
	if (r)
		r->strikes = 0;
	step->rp_sig = *sig;
	if (!hash_is_zero(&d->deal.hot.channel))
		channel_opened(s, d, step, ev, fx);
	else if (step->state == MATCH_JC_SIGNED)
		solver_move(s, step, MATCH_RP_SIGNED, ev, fx, "open is on its way to the ledger");
	else
		step_write(s, step);
	tell_signed_by_rp(s, d, step, fx);
	return true;
}

static bool take_signature(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx, struct err *e)
{
	const struct http_req *r = ev->request;
	json_t *j OWN(json_own) = NULL;
	struct hash digest;
	struct addr who;
	struct sig sig;

	TRY(deal_find(s, r, d, step, e), e);
	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(json_get_sig(j, "signature", &sig, e), e);
	eip712_digest(&s->c.domain, &d->id, &digest); /* its id is its struct hash */
	TRY(secp_recover(&digest, &sig, &who, e), e);
	if (addr_eq(&who, &d->job_creator))
		return jc_signed(s, d, step, &sig, ev, fx, e);
	if (addr_eq(&who, &d->provider))
		return rp_signed(s, d, step, &sig, ev, fx, e);
	if (contract_known(s, &d->job_creator)) {
		TRY(world_check(s->world, &s->c.domain, deal_record(), &d->deal, d->deal.hot.nonce,
		            &sig, &d->job_creator, NULL, e),
		        e);
		return jc_signed(s, d, step, &sig, ev, fx, e);
	}
	return FAIL(e, SIGNATURE, "the signature is that of neither party of the deal");
}

void on_signature(struct solver *s, const struct event *ev, struct effects *fx)
{
	deal_answer(s, ev, fx, take_signature);
}

/* ---- no signature ------------------------------------------------------------------------------------ */

/* What says nothing about the job is no reason never to meet again, even if it is said too late. */
static void pardon_later(const struct solver_deal *d, const json_t *refusal, struct effects *fx)
{
	const json_t *reason = json_object_get(refusal, "reason");
	const char *name = json_string_value(json_object_get(reason, "code"));
	enum err_code code = E_NONE;

	if (name && err_by_name(name, &code) && err_passes(code))
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_PARDON, .key = d->id})->delay =
		        span_ms(PARDON_MS);
}

static bool take_refusal(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx, struct err *e)
{
	const struct http_req *r = ev->request;
	json_t *j OWN(json_own) = NULL;
	const char *why;
	bool jc, rp;

	TRY(deal_find(s, r, d, step, e), e);
	TRY(json_parse(bytes_str(r->body), &j, e), e);
	jc = is_jc(s, d, &r->account);
	rp = addr_eq(&r->account, &d->provider);
	if (!jc && !rp)
		return FAIL(e, FORBIDDEN, "only the parties of a deal refuse it");
	why = json_string_value(json_object_get(json_object_get(j, "reason"), "message"));
	if (!why)
		return FAIL(e, JSON_VALUE, "reason must be an error object with a message");
	if (step->state == MATCH_DISSOLVED) {
		if (rp)
			pardon_later(d, j, fx);
		return true;
	}
	/* Whose signature is out is bound by it: the other may still open the deal. */
	if (step->state == MATCH_MATCHED || (step->state == MATCH_JC_SIGNED && rp)) {
		deal_dissolve(s, d, step, OFFER_OPEN, why, ev, fx);
		pardon_later(d, j, fx);
		return true;
	}
	return FAIL(e, STATE, "the match is %s: too late to refuse it",
	        sm_name(&match_states, step->state));
}

void on_pardon(struct solver *s, const struct hash *deal)
{
	struct solver_deal d = {.id = *deal};

	if (deal_read(s, &d))
		(void)book_pardon(s->book, &d.deal.cold.job_offer, &d.deal.cold.resource_offer);
}

void on_refuse(struct solver *s, const struct event *ev, struct effects *fx)
{
	deal_answer(s, ev, fx, take_refusal);
}

/* The provider let it slip: the job offer goes back; after some times the provider's leaves the book,
 * until it is posted again. */
static void strike(struct solver *s, const struct hash *resource)
{
	struct open_offer *r = offer_find(s, resource);

	if (!r || ++r->strikes < STRIKES_MAX)
		return;
	book_remove(s->book, resource);
	offer_forget(s, resource, OFFER_SILENT);
}

void on_unsigned(
        struct solver *s, const struct hash *deal, const struct event *ev, struct effects *fx)
{
	struct solver_deal d = {.id = *deal};
	struct solver_step step = {.id = *deal};

	if (!deal_read(s, &d) || !step_read(s, &step))
		return;
	if (step.state == MATCH_MATCHED) {
		deal_dissolve(
		        s, &d, &step, OFFER_SILENT, "the job creator did not sign in time", ev, fx);
		return;
	}
	if (step.state == MATCH_OPEN && !hash_is_zero(&d.deal.hot.channel)) {
		channel_look(s, &d, &step, ev, fx);
		return;
	}
	if (step.state != MATCH_JC_SIGNED && step.state != MATCH_RP_SIGNED)
		return;
	/* With the JC's signature out, the RP may open the deal until open_by, and only the ledger knows. */
	if (s->ledger_time.s < d.deal.hot.open_by.s) {
		deal_timer(fx, deal, span_s(LOOK_AGAIN_S));
		return;
	}
	if (step.state == MATCH_JC_SIGNED)
		strike(s, &d.deal.cold.resource_offer);
	deal_dissolve(s, &d, &step, OFFER_OPEN,
	        step.state == MATCH_JC_SIGNED ? "the provider did not sign in time"
	                                      : "the deal was not opened in time",
	        ev, fx);
}

/* ---- results ----------------------------------------------------------------------------------------- */

json_t *result_json(const struct solver_result *row)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "id", json_of_hash(&row->id), "result",
	        record_to_json(result_record(), &row->result), "signature", json_of_sig(&row->sig),
	        "stored", record_to_json(stored_record(), &row->stored), "storedSignature",
	        json_of_sig(&row->stored_sig));
}

static bool read_result(struct solver *s, const struct http_req *r, const struct solver_deal *d,
        struct solver_result *row, struct err *e)
{
	const struct hot *h = &d->deal.hot;
	json_t *j OWN(json_own) = NULL;

	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(json_get_record(j, "result", result_record(), &row->result, e), e);
	TRY(json_get_sig(j, "signature", &row->sig, e), e);
	TRY(json_get_record(j, "stored", stored_record(), &row->stored, e), e);
	TRY(json_get_sig(j, "storedSignature", &row->stored_sig, e), e);
	if (!hash_eq(&row->result.deal, &d->id) || !hash_eq(&row->stored.deal, &d->id))
		return FAIL(e, RESULT, "the result or its Stored is of another deal");
	if (!hash_eq(&row->stored.output, &row->result.output.tree))
		return FAIL(e, RESULT, "the directory stored another output than the result names");
	if (row->result.count > h->instruction_limit || row->result.bytes > h->byte_limit)
		return FAIL(e, LIMITS,
		        "the result charges %llu instructions and %llu bytes, the limits are %llu and %llu",
		        (unsigned long long)row->result.count,
		        (unsigned long long)row->result.bytes,
		        (unsigned long long)h->instruction_limit,
		        (unsigned long long)h->byte_limit);
	TRY(signed_check(&s->c.domain, result_record(), &row->result, &row->sig, &h->provider, e),
	        e);
	return signed_check(&s->c.domain, stored_record(), &row->stored, &row->stored_sig,
	        &d->deal.cold.directory, e);
}

static bool take_result(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx, struct err *e)
{
	struct solver_result row = {0}, old = {0};
	struct addr ear;
	struct hash a, b;

	TRY(deal_find(s, ev->request, d, step, e), e);
	TRY(read_result(s, ev->request, d, &row, e), e);
	if (step->state == MATCH_MATCHED)
		return FAIL(e, STATE, "the deal is not signed yet");
	row.id = old.id = d->id;
	if (solver_get(s, solver_result_record(), &old)) {
		eip712_hash(result_record(), &row.result, &a);
		eip712_hash(result_record(), &old.result, &b);
		return hash_eq(&a, &b) ||
		       FAIL(e, RESULT, "another result of this deal was relayed before");
	}
	solver_put(s, solver_result_record(), &row);
	solver_note(s, step, ev, fx, "RESULT", "%s, %llu instructions, %llu bytes",
	        enum_name(&status_names, row.result.status), (unsigned long long)row.result.count,
	        (unsigned long long)row.result.bytes);
	ear = jc_key(s, d);
	solver_emit(s, fx, "result", result_json(&row), &ear, &d->provider);
	s->n.results++;
	return true;
}

void on_result(struct solver *s, const struct event *ev, struct effects *fx)
{
	deal_answer(s, ev, fx, take_result);
}

static bool take_decline(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx, struct err *e)
{
	const struct http_req *r = ev->request;
	json_t *j OWN(json_own) = NULL;
	struct decline doc;
	struct addr ear;
	struct sig sig;

	TRY(deal_find(s, r, d, step, e), e);
	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(json_get_record(j, "decline", decline_record(), &doc, e), e);
	TRY(json_get_sig(j, "signature", &sig, e), e);
	if (!hash_eq(&doc.deal, &d->id))
		return FAIL(e, JSON_VALUE, "decline.deal is not the deal that the path names");
	TRY(signed_check(&s->c.domain, decline_record(), &doc, &sig, &d->provider, e), e);
	if (step->why[0])
		return true; /* a repetition, or too late to matter */
	json_t *told = json_pack("{s:o, s:o, s:o, s:s}", "id", json_of_hash(&d->id), "decline",
	        record_to_json(decline_record(), &doc), "signature", json_of_sig(&sig), "reason",
	        enum_name(&reason_names, doc.reason));
	memcpy(step->why, "declined", sizeof "declined");
	solver_note(s, step, ev, fx, "DECLINED", "%s", enum_name(&reason_names, doc.reason));
	ear = jc_key(s, d);
	solver_emit(s, fx, "declined", told, &ear, NULL);
	return true;
}

void on_decline(struct solver *s, const struct event *ev, struct effects *fx)
{
	deal_answer(s, ev, fx, take_decline);
}

/* ---- after a start ----------------------------------------------------------------------------------- */

void emit_again(struct solver *s, const struct hash *deal, struct effects *fx)
{
	struct solver_deal d = {.id = *deal};
	struct solver_step step = {.id = *deal};
	struct solver_result row = {.id = *deal};
	struct addr ear;

	if (!deal_read(s, &d) || !step_read(s, &step))
		return;
	ear = jc_key(s, &d);
	switch ((enum match_state)step.state) {
	case MATCH_MATCHED:
		solver_emit(s, fx, "deal", deal_json(&d), &ear, &d.provider);
		deal_timer(fx, deal, s->c.jc_signs_in);
		break;
	case MATCH_JC_SIGNED:
		tell_signed_by_jc(s, &d, &step, fx);
		deal_timer(fx, deal, s->c.rp_signs_in);
		break;
	case MATCH_RP_SIGNED:
		tell_signed_by_rp(s, &d, &step, fx);
		deal_timer(fx, deal, s->c.rp_signs_in);
		break;
	case MATCH_DISSOLVED: tell_dissolved(s, &d, step.why, fx); return;
	case MATCH_OPEN:
		if (hash_is_zero(&d.deal.hot.channel))
			break;
		tell_signed_by_rp(s, &d, &step, fx);
		deal_timer(fx, deal, span_s(LOOK_AGAIN_S));
		break;
	case MATCH_ENDED: return;
	}
	if (solver_get(s, solver_result_record(), &row))
		solver_emit(s, fx, "result", result_json(&row), &ear, &d.provider);
}
