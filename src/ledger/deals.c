/* deals.c - protocol 5.2 to 5.13: what happens to a deal that is on the ledger. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "ledger/ledger_own.h"
#include "model/deal_rules.h"
#include "model/parts.h"

static bool find(const struct step *s, const struct hash *id, struct agreement **out, struct err *e)
{
	char text[HASH_TEXT_MAX];

	*out = agreement_get(s->l, id);
	if (*out)
		return true;
	hash_format(id, text);
	return FAIL(e, NOT_FOUND, "deal %s is not on this ledger", text);
}

static bool wrong_state(const struct agreement *d, const char *what, struct err *e)
{
	return FAIL(e, STATE, "the deal is %s: %s", sm_name(&deal_states, d->state), what);
}

static bool before_deadline(
        const struct step *s, const struct agreement *d, const char *what, struct err *e)
{
	if (s->now.s < d->deadline.s)
		return true;
	return FAIL(e, TOO_LATE, "%s had to come before %llu, and it is %llu", what,
	        (unsigned long long)d->deadline.s, (unsigned long long)s->now.s);
}

/* ---- 5.3 ---------------------------------------------------------------------------------------- */

bool apply_cancel(struct step *s, struct err *e)
{
	const struct cancel *c = &s->a->cancel;
	struct agreement *d;
	struct hash h;

	TRY(document_in_bounds(cancel_record(), c, e), e);
	if (!ledger_agreement(s->l, &c->deal) && !hash_is_zero(&s->a->deal.hot.channel))
		return cancel_number(s, e);
	TRY(find(s, &c->deal, &d, e), e);
	eip712_hash(cancel_record(), c, &h);
	if (d->state == DEAL_CANCELLED && hash_eq(&d->end, &h))
		return true;
	if (d->state != DEAL_NEGOTIATING && d->state != DEAL_AGREED)
		return wrong_state(d, "a cancel comes before a result", e);
	TRY(document_signed(s->l, &h, &s->a->jc_sig, &d->jc, "Cancel", e), e);
	TRY(document_signed(s->l, &h, &s->a->rp_sig, &d->rp, "Cancel", e), e);
	if (s->now.s >= c->expiry.s)
		return FAIL(e, TOO_LATE, "the cancel was good before %llu, and it is %llu",
		        (unsigned long long)c->expiry.s, (unsigned long long)s->now.s);
	d->end = h;
	step_move(s, d, DEAL_CANCELLED, 0);
	return true;
}

/* ---- 5.4, 5.5 ----------------------------------------------------------------------------------- */

bool result_fits(const struct step *s, const struct hot *h, struct err *e)
{
	const struct result *r = &s->a->result;

	if (r->count > h->instruction_limit)
		return FAIL(e, LIMITS, "count is %llu, above the instruction limit of %llu",
		        (unsigned long long)r->count, (unsigned long long)h->instruction_limit);
	if (r->bytes > h->byte_limit)
		return FAIL(e, LIMITS, "bytes is %llu, above the byte limit of %llu",
		        (unsigned long long)r->bytes, (unsigned long long)h->byte_limit);
	return true;
}

bool result_stands(const struct agreement *d, const struct hash *h)
{
	bool kept = d->state == DEAL_RESULTS_SUBMITTED || d->state == DEAL_RESULTS_ACCEPTED ||
	            d->state == DEAL_TIMEOUT_JUDGE;

	return kept && hash_eq(&d->result, h);
}

bool check_stands(const struct agreement *d, const struct hash *h)
{
	bool passed = !hash_is_zero(&d->end);
	bool kept =
	        d->state == DEAL_RESULTS_CHECKED || (d->state == DEAL_TIMEOUT_MEDIATE && !passed);

	return kept && hash_eq(&d->check, h);
}

static void take_result(const struct step *s, struct agreement *d, const struct hash *h)
{
	d->result = *h;
	d->status = s->a->result.status;
	d->count = s->a->result.count;
	d->bytes = s->a->result.bytes;
	d->output = s->a->output_hash;
	d->cost = deal_cost(d->hot, d->count, d->bytes);
}

void submit_result(struct step *s, struct agreement *d, const struct hash *h)
{
	take_result(s, d, h);
	d->submitted = *h;
	step_move(s, d, DEAL_RESULTS_SUBMITTED, d->hot->judge_timeout.s);
}

bool apply_result(struct step *s, struct err *e)
{
	struct agreement *d;
	struct hash h;

	TRY(document_in_bounds(result_record(), &s->a->result, e), e);
	TRY(find(s, &s->a->result.deal, &d, e), e);
	result_hash_of(&s->a->result, &s->a->output_hash, &h);
	if (result_stands(d, &h))
		return true;
	if (d->state != DEAL_AGREED)
		return wrong_state(d, "no result can be submitted", e);
	TRY(document_signed(s->l, &h, &s->a->result_sig, &d->rp, "Result", e), e);
	TRY(before_deadline(s, d, "a result", e), e);
	TRY(result_fits(s, d->hot, e), e);
	submit_result(s, d, &h);
	return true;
}

bool apply_decline(struct step *s, struct err *e)
{
	const struct decline *doc = &s->a->decline;
	struct agreement *d;
	struct hash h;

	TRY(document_in_bounds(decline_record(), doc, e), e);
	TRY(find(s, &doc->deal, &d, e), e);
	eip712_hash(decline_record(), doc, &h);
	if (d->state == DEAL_DECLINED && hash_eq(&d->end, &h))
		return true;
	if (d->state != DEAL_AGREED)
		return wrong_state(d, "it cannot be declined", e);
	TRY(document_signed(s->l, &h, &s->a->doc_sig, &d->rp, "Decline", e), e);
	TRY(before_deadline(s, d, "a decline", e), e);
	d->end = h;
	step_move(s, d, DEAL_DECLINED, 0);
	return true;
}

/* ---- 5.6 ---------------------------------------------------------------------------------------- */

/* COST as what the JC signed says it (2.6): in a channel of the result that comes along, or as it is shown. */
static struct amount accepted_cost(const struct step *s, const struct agreement *d)
{
	const struct result *r = &s->a->result;

	return s->a->result_sig.n && d->hot ? deal_cost(d->hot, r->count, r->bytes) : s->a->cost;
}

/* What the JC signs to accept: in a channel it carries the deal's terms as well (2.6). */
static void acceptance_hash(const struct step *s, const struct agreement *d, struct hash *out)
{
	const struct acceptance *doc = &s->a->acceptance;
	const struct channel_acceptance in_channel = {.deal = d->id,
	        .result = doc->result,
	        .channel = d->channel,
	        .number = d->nonce,
	        .cost = accepted_cost(s, d),
	        .royalty = d->hot->royalty,
	        .author = d->author,
	        .solver_share = d->hot->solver_share,
	        .solver = d->solver};

	if (hash_is_zero(&d->channel))
		eip712_hash(acceptance_record(), doc, out);
	else
		eip712_hash(channel_acceptance_record(), &in_channel, out);
}

static bool named_cost(const struct step *s, const struct agreement *d, struct err *e)
{
	char is[AMOUNT_DEC_MAX], must[AMOUNT_DEC_MAX];
	struct amount cost = accepted_cost(s, d);

	if (hash_is_zero(&d->channel) || amount_eq(cost, d->cost))
		return true;
	amount_format(cost, is);
	amount_format(d->cost, must);
	return FAIL(e, RESULT, "the acceptance says a COST of %s, the result one of %s", is, must);
}

/* 2.6: the result that the acceptance names is the one submitted, or comes with it signed by RP and within
 * the limits; so a provider that signed two results is held to the one that it gave the JC. */
static bool named_result(const struct step *s, struct agreement *d, struct err *e)
{
	const struct action *a = s->a;
	struct hash h = {{0}};

	if (!hash_is_zero(&d->submitted) && hash_eq(&a->acceptance.result, &d->submitted))
		return named_cost(s, d, e);
	if (a->result_sig.n == 0)
		return FAIL(e, RESULT,
		        hash_is_zero(&d->submitted)
		                ? "no result is submitted, and none comes with the acceptance"
		                : "the acceptance names another result than the one submitted");
	result_hash_of(&a->result, &a->output_hash, &h);
	if (!hash_eq(&a->acceptance.result, &h) || !hash_eq(&a->result.deal, &d->id))
		return FAIL(
		        e, RESULT, "the result beside the acceptance is not the one that it names");
	TRY(document_signed(s->l, &h, &a->result_sig, &d->rp, "Result", e), e);
	TRY(result_fits(s, d->hot, e), e);
	take_result(s, d, &h);
	return true;
}

static bool accepted_before(const struct step *s, const struct agreement *d)
{
	return d->state == DEAL_RESULTS_ACCEPTED && hash_eq(&d->result, &s->a->acceptance.result) &&
	       (hash_is_zero(&d->channel) || s->a->result_sig.n || amount_eq(s->a->cost, d->cost));
}

bool apply_accept(struct step *s, struct err *e)
{
	const struct acceptance *doc = &s->a->acceptance;
	struct agreement *d;
	struct hash h;

	if (s->a->result_sig.n)
		TRY(document_in_bounds(result_record(), &s->a->result, e), e);
	if (!amount_fits_document(s->a->cost))
		return FAIL(e, RANGE, "cost is not below 2^96");
	TRY(find(s, &doc->deal, &d, e), e);
	if (accepted_before(s, d))
		return true;
	if (d->state != DEAL_AGREED && d->state != DEAL_RESULTS_SUBMITTED)
		return wrong_state(d, "it cannot be accepted", e);
	acceptance_hash(s, d, &h);
	TRY(document_signed(s->l, &h, &s->a->doc_sig, &d->jc, "Acceptance", e), e);
	TRY(before_deadline(s, d, d->state == DEAL_AGREED ? "a result" : "an acceptance", e), e);
	TRY(named_result(s, d, e), e);
	step_move(s, d, DEAL_RESULTS_ACCEPTED, 0);
	return true;
}

/* ---- 5.8, 5.10 to 5.13 with a single mediator --------------------------------------------------- */

void record_check(
        struct step *s, struct agreement *d, const struct hash *result, const struct hash *check)
{
	if (hash_is_zero(&d->result)) {
		take_result(s, d, result);
		d->submitted = *result;
	}
	d->check = *check;
	step_move(s, d, DEAL_RESULTS_CHECKED, d->hot->mediate_timeout.s);
}

bool apply_check(struct step *s, struct err *e)
{
	const struct check *doc = &s->a->check;
	struct agreement *d;
	struct hash h;

	TRY(document_in_bounds(check_record(), doc, e), e);
	TRY(find(s, &doc->deal, &d, e), e);
	eip712_hash(check_record(), doc, &h);
	if (check_stands(d, &h))
		return true;
	if (d->state != DEAL_RESULTS_SUBMITTED)
		return wrong_state(d, "only a submitted result can be checked", e);
	TRY(document_signed(s->l, &h, &s->a->doc_sig, &d->jc, "Check", e), e);
	if (d->hot->seats == 0)
		return FAIL(e, PANEL,
		        "the deal has no mediation (m = 0): its result cannot be checked");
	TRY(before_deadline(s, d, "a check", e), e);
	if (!hash_eq(&doc->result, &d->result))
		return FAIL(e, RESULT, "the check names another result than the one submitted");
	record_check(s, d, &d->result, &h);
	return true;
}

/* What a verdict and a pass have in common, up to the state: the Cold that names the mediator. */
static bool mediated(struct step *s, const struct hash *id, const struct hash *doc,
        struct agreement **out, bool *again, struct err *e)
{
	struct agreement *d;
	struct hash cold;

	TRY(find(s, id, &d, e), e);
	eip712_hash(cold_record(), &s->a->deal.cold, &cold);
	if (!hash_eq(&cold, &d->cold))
		return FAIL(e, CONFLICT, "the Cold that comes along is not that of the deal");
	*again = hash_eq(&d->end, doc);
	*out = d;
	return *again || d->state == DEAL_RESULTS_CHECKED ||
	       wrong_state(d, "there is no dispute to rule on", e);
}

static bool by_mediator(const struct step *s, const struct agreement *d, const struct addr *who,
        unsigned round, const struct hash *doc, const char *what, struct err *e)
{
	char is[ADDR_TEXT_MAX], must[ADDR_TEXT_MAX];

	addr_format(who, is);
	addr_format(&d->mediator, must);
	if (!addr_eq(who, &d->mediator))
		return FAIL(e, PARTY, "%s is not the mediator of the deal, which is %s", is, must);
	TRY(document_signed(s->l, doc, &s->a->doc_sig, &d->mediator, what, e), e);
	TRY(before_deadline(s, d, what, e), e);
	if (round != 0)
		return FAIL(e, RANGE, "round is %u: a single mediator rules in round 0", round);
	return true;
}

bool apply_verdict(struct step *s, struct err *e)
{
	const struct verdict *v = &s->a->verdict;
	struct agreement *d;
	struct hash h;
	bool again;

	TRY(document_in_bounds(verdict_record(), v, e), e);
	eip712_hash(verdict_record(), v, &h);
	TRY(mediated(s, &v->deal, &h, &d, &again, e), e);
	if (again)
		return true;
	TRY(by_mediator(s, d, &v->mediator, v->round, &h, "Verdict", e), e);
	if (deal_ruled(v->ruling) == 0)
		return FAIL(e, RANGE, "a mediator that cannot rule sends a Pass, no Verdict");
	d->end = h;
	step_move(s, d, deal_ruled(v->ruling), 0);
	return true;
}

bool apply_pass(struct step *s, struct err *e)
{
	const struct pass *p = &s->a->pass;
	struct agreement *d;
	struct hash h;
	bool again;

	eip712_hash(pass_record(), p, &h);
	TRY(mediated(s, &p->deal, &h, &d, &again, e), e);
	if (again)
		return true;
	TRY(by_mediator(s, d, &p->mediator, p->round, &h, "Pass", e), e);
	d->end = h;
	step_move(s, d, DEAL_TIMEOUT_MEDIATE, 0);
	return true;
}

/* ---- 5.2, 5.5, 5.7, 5.13: deadlines that anyone can trigger ------------------------------------- */

static unsigned timeout_of(unsigned state)
{
	switch (state) {
	case DEAL_NEGOTIATING: return DEAL_TIMEOUT_AGREE;
	case DEAL_AGREED: return DEAL_TIMEOUT_SUBMIT;
	case DEAL_RESULTS_SUBMITTED: return DEAL_TIMEOUT_JUDGE;
	case DEAL_RESULTS_CHECKED: return DEAL_TIMEOUT_MEDIATE;
	default: return 0;
	}
}

/* Nothing tells which timeout a repetition means; one that has happened was the deal's last. A pass ends in
 * TimeoutMediate as well: to whoever wants that clock run out, it has. */
static bool timed_out(unsigned state)
{
	return state == DEAL_TIMEOUT_AGREE || state == DEAL_TIMEOUT_SUBMIT ||
	       state == DEAL_TIMEOUT_JUDGE || state == DEAL_TIMEOUT_MEDIATE;
}

bool apply_timeout(struct step *s, struct err *e)
{
	struct agreement *d;
	unsigned to;

	TRY(find(s, &s->a->deal_id, &d, e), e);
	if (timed_out(d->state))
		return true;
	to = timeout_of(d->state);
	if (to == 0)
		return wrong_state(d, "no deadline is running", e);
	if (s->now.s < d->deadline.s)
		return FAIL(e, TOO_EARLY, "the deal is %s until %llu, and it is %llu",
		        sm_name(&deal_states, d->state), (unsigned long long)d->deadline.s,
		        (unsigned long long)s->now.s);
	step_move(s, d, to, 0);
	return true;
}
