/* claims.c - protocol 8.3: a deal of a channel comes onto the ledger, by RP's claim, by its JC's claim and
 * check or its JC's open; or it never will, by a cancel. */
#include "codec/eip712.h"
#include "ledger/ledger_own.h"
#include "model/parts.h"

/* NOT_FOUND, CONFLICT: the deal names a channel that is not there, or one of other parties. */
static bool of_parties(const struct step *s, const struct hot *h, struct err *e)
{
	const struct ledger_channel *c;

	TRY(channel_there(s, &h->channel, &c, e), e);
	if (addr_eq(&c->jc, &h->job_creator) && addr_eq(&c->rp, &h->provider))
		return true;
	return FAIL(e, CONFLICT, "the deal names a channel of other parties");
}

static bool not_there(const struct step *s, const struct hash *id, struct err *e)
{
	const struct agreement *d = ledger_agreement(s->l, id);

	return !d || FAIL(e, STATE, "the deal is %s: it is on the ledger already",
	                     sm_name(&deal_states, d->state));
}

/* In a voucher channel ROY = SOL = 0, and what a voucher has closed stays closed. */
static bool vouchers_fit(const struct ledger_channel *c, const struct hot *h, struct err *e)
{
	if (c->kind != CHANNEL_VOUCHERS)
		return true;
	if (h->royalty || h->solver_share)
		return FAIL(e, SHARES,
		        "royalty is %u and solverShare %u: a voucher has no shares, so both are 0",
		        h->royalty, h->solver_share);
	if (h->nonce > c->floor)
		return true;
	return FAIL(e, NONCE, "number %llu was closed by the voucher with number %llu",
	        (unsigned long long)h->nonce, (unsigned long long)c->floor);
}

static bool sum_locks(struct amount has, struct amount need, const char *whose, struct err *e)
{
	char have[AMOUNT_DEC_MAX], want[AMOUNT_DEC_MAX];

	if (amount_cmp(has, need) >= 0)
		return true;
	amount_format(has, have);
	amount_format(need, want);
	return FAIL(e, FUNDS, "the %s's sum of the channel is %s, the deal takes %s", whose, have,
	        want);
}

static struct amount jc_needs(const struct hot *h)
{
	return amount_plus(h->pay, h->job_bond);
}

static bool may_enter(
        const struct step *s, const struct deal *d, struct btime open_by, struct err *e)
{
	const struct hot *h = &d->hot;
	struct ledger_channel *c;

	TRY(channel_open(s, &h->channel, &c, e), e);
	TRY(vouchers_fit(c, h, e), e);
	TRY(sum_locks(c->job, jc_needs(h), "job creator", e), e);
	TRY(sum_locks(c->provider, h->result_bond, "provider", e), e);
	if (h->nonce == 0)
		return FAIL(e, NONCE, "the numbers of a channel begin at 1");
	TRY(terms_admitted(s, d, open_by, e), e);
	TRY(number_free(s->l, c, h->nonce, e), e);
	TRY(parties_admitted(d, e), e);
	return true;
}

/* What `open`, `claim` and `claim and check` have in common: 5.1, from the sums. */
static bool enter(struct step *s, const struct hash *id, struct btime open_by,
        struct agreement **out, struct err *e)
{
	const struct deal *d = &s->a->deal;
	struct ledger_channel *c;
	struct agreement *a;

	TRY(may_enter(s, d, open_by, e), e);
	c = channel_get(s->l, &d->hot.channel);
	TRY(deal_record_new(s, d, id, &a, e), e);
	a->jc_lock = jc_needs(&d->hot);
	a->rp_lock = d->hot.result_bond;
	a->rp_agreed = true;
	channel_lock(s->l, c, a->jc_lock, a->rp_lock);
	step_channel(s, c, a->nonce);
	*out = a;
	return true;
}

bool apply_open_in(struct step *s, struct err *e)
{
	const struct hot *h = &s->a->deal.hot;
	struct agreement *d;

	TRY(of_parties(s, h, e), e);
	TRY(not_there(s, &s->body, e), e);
	if (!addr_eq(&s->a->send.account, &h->job_creator))
		return FAIL(e, PARTY, "in a channel only the job creator opens a deal");
	TRY(document_signed(s->l, &s->body, &s->a->rp_sig, &h->provider, "Deal", e), e);
	TRY(enter(s, &s->body, h->open_by, &d, e), e);
	step_move(s, d, DEAL_AGREED, h->submit_timeout.s);
	return true;
}

/* ---- claims ------------------------------------------------------------------------------------- */

/* The documents of a claim are in bounds, and one deal's. */
static bool claim_shown(struct step *s, struct hash *id, struct hash *result, struct err *e)
{
	const struct action *a = s->a;

	TRY(document_in_bounds(deal_record(), &a->deal, e), e);
	TRY(document_in_bounds(result_record(), &a->result, e), e);
	if (hash_is_zero(&a->deal.hot.channel))
		return FAIL(e, STATE, "only a deal of a channel is claimed: escrow has `open`");
	TRY(deal_offered(s, &a->deal.hot, e), e);
	eip712_hash(deal_record(), &a->deal, id);
	if (!hash_eq(id, &a->result.deal))
		return FAIL(e, CONFLICT, "the result is that of another deal");
	result_hash_of(&a->result, &a->output_hash, result);
	return true;
}

/* 2.4: a claim is refused from openBy + submit timeout on. */
static struct btime claim_until(const struct hot *h)
{
	return (struct btime){h->open_by.s + h->submit_timeout.s};
}

/* The deal stands as this claim leaves it (4.3). */
static bool claimed_before(const struct step *s, const struct hash *id)
{
	const struct agreement *d = ledger_agreement(s->l, id);

	return d && result_stands(d, &s->body) && hash_eq(&s->a->send.body, &s->body) &&
	       addr_eq(&s->a->send.account, &d->rp);
}

bool apply_claim(struct step *s, struct err *e)
{
	const struct hot *h = &s->a->deal.hot;
	struct ledger_channel *c;
	struct agreement *d;
	struct hash id;

	TRY(claim_shown(s, &id, &s->body, e), e);
	if (claimed_before(s, &id))
		return true;
	TRY(send_fits(s, SEND_CLAIM, e), e);
	TRY(of_parties(s, h, e), e);
	TRY(not_there(s, &id, e), e);
	if (!addr_eq(&s->a->send.account, &h->provider))
		return FAIL(e, PARTY, "only its provider claims a deal");
	TRY(document_signed(s->l, &id, &s->a->jc_sig, &h->job_creator, "Deal", e), e);
	TRY(result_fits(s, h, e), e);
	TRY(enter(s, &id, claim_until(h), &d, e), e);
	c = channel_get(s->l, &h->channel);
	c->claims += c->kind == CHANNEL_VOUCHERS;
	step_channel(s, c, h->nonce);
	submit_result(s, d, &s->body);
	send_done(s);
	return true;
}

/* The Check stands for the JC's signature of the Deal, the Result for RP's (2.5). */
static bool disputes(const struct step *s, const struct hash *id, const struct hash *result,
        const struct hash *check, struct err *e)
{
	const struct hot *h = &s->a->deal.hot;

	TRY(of_parties(s, h, e), e);
	TRY(not_there(s, id, e), e);
	TRY(document_signed(s->l, check, &s->a->doc_sig, &h->job_creator, "Check", e), e);
	TRY(document_signed(s->l, result, &s->a->result_sig, &h->provider, "Result", e), e);
	if (h->seats == 0)
		return FAIL(e, PANEL,
		        "the deal has no mediation (m = 0): its result cannot be checked");
	TRY(result_fits(s, h, e), e);
	return true;
}

bool apply_claim_check(struct step *s, struct err *e)
{
	const struct check *doc = &s->a->check;
	const struct agreement *before;
	struct hash id, result, check;
	struct agreement *d;

	TRY(document_in_bounds(check_record(), doc, e), e);
	TRY(claim_shown(s, &id, &result, e), e);
	if (!hash_eq(&doc->deal, &id) || !hash_eq(&doc->result, &result))
		return FAIL(e, CONFLICT, "the check names another deal or result");
	eip712_hash(check_record(), doc, &check);
	before = ledger_agreement(s->l, &id);
	if (before && check_stands(before, &check))
		return true;
	TRY(disputes(s, &id, &result, &check, e), e);
	TRY(enter(s, &id, claim_until(&s->a->deal.hot), &d, e), e);
	record_check(s, d, &result, &check);
	return true;
}

/* ---- 5.3 ---------------------------------------------------------------------------------------- */

bool cancel_number(struct step *s, struct err *e)
{
	const struct cancel *doc = &s->a->cancel;
	const struct hot *h = &s->a->deal.hot;
	struct ledger_channel *c;
	struct hash id, digest;

	TRY(document_in_bounds(deal_record(), &s->a->deal, e), e);
	eip712_hash(deal_record(), &s->a->deal, &id);
	if (!hash_eq(&id, &doc->deal))
		return FAIL(e, CONFLICT, "the cancel names another deal");
	TRY(of_parties(s, h, e), e);
	eip712_hash(cancel_record(), doc, &digest);
	TRY(document_signed(s->l, &digest, &s->a->jc_sig, &h->job_creator, "Cancel", e), e);
	TRY(document_signed(s->l, &digest, &s->a->rp_sig, &h->provider, "Cancel", e), e);
	if (s->now.s >= doc->expiry.s)
		return FAIL(e, TOO_LATE, "the cancel was good before %llu, and it is %llu",
		        (unsigned long long)doc->expiry.s, (unsigned long long)s->now.s);
	TRY(channel_open(s, &h->channel, &c, e), e);
	TRY(number_free(s->l, c, h->nonce, e), e);
	TRY(number_take(s->l, c, h->nonce, e), e);
	s->ev->deal = id;
	account_touch(s->l, &c->jc);
	account_touch(s->l, &c->rp);
	step_channel(s, c, h->nonce);
	s->changed = true;
	return true;
}
