/* deals.c - what happens to a deal that is on the ledger: protocol 5.3 to 5.13 and 6.6. Each function
 * is one row: is it the state, the party, the time, the document; then the move. */
#include <stdlib.h>

#include "codec/eip712.h"
#include "ledger/ledger_own.h"
#include "port/action_json.h"

struct slot *slot_of(struct ledger *l, const struct hash *deal)
{
	return map_get(&l->deals, deal);
}

static struct amount sum_of(const struct split *p)
{
	const struct amount *parts[] = {&p->jc, &p->rp, &p->author, &p->solver, &p->mediator, &p->sink};
	struct amount sum = amount_of(0);

	for (size_t i = 0; i < COUNT(parts); i++) {
		bool ok = amount_add(sum, *parts[i], &sum);

		assert(ok);
	}
	return sum;
}

/* Into a final state: all locks are released, once, and everything that was locked is given away. */
static void finish(struct step *s, struct slot *slot, enum deal_state to, bool voted,
	const struct addr *mediator)
{
	struct agreement *live = slot->live;
	const struct hot *h = &live->hot;
	struct amount locked = deal_jc_lock(h);
	bool pays = to == DEAL_RESULTS_ACCEPTED || to == DEAL_TIMEOUT_JUDGE || to == DEAL_MEDIATION_ACCEPTED ||
		to == DEAL_TIMEOUT_MEDIATE;
	struct amount cost = pays ? ledger_cost(h, slot->count, slot->bytes) : amount_of(0);
	struct split p;
	struct err e;
	bool ok;

	split_row(h, live->rp_locked, to, cost, voted, &p);
	if (live->rp_locked) {
		ok = amount_add(locked, h->result_bond, &locked);
		assert(ok);
	}
	assert(amount_eq(sum_of(&p), locked)); /* 5.15 (b) */
	ok = sm_move(&deal_states, &slot->state, to, &e);
	assert(ok);
	slot->live = NULL;
	slot->cost = to == DEAL_TIMEOUT_MEDIATE ? amount_half(cost) : cost;
	slot->deadline.s = 0;
	s->l->live--;
	s->ev->amount = slot->cost;
	account_unlock(s, &h->job_creator, deal_jc_lock(h));
	if (live->rp_locked)
		account_unlock(s, &h->provider, h->result_bond);
	account_credit(s, &h->job_creator, p.jc);
	account_credit(s, &h->provider, p.rp);
	account_credit(s, &h->author, p.author);
	account_credit(s, &h->solver, p.solver);
	if (mediator)
		account_credit(s, mediator, p.mediator);
	else
		assert(amount_is_zero(p.mediator));
	account_credit(s, &sink_account, p.sink);
	free(live);
}

static void move(struct step *s, struct slot *slot, enum deal_state to, uint64_t timeout_s)
{
	struct err e;
	bool ok = sm_move(&deal_states, &slot->state, to, &e);

	assert(ok);
	slot->deadline.s = s->now.s + timeout_s;
}

static bool in_time(const struct step *s, const struct slot *slot, const char *what, struct err *e)
{
	if (s->now.s < slot->deadline.s)
		return true;
	return FAIL(e, TOO_LATE, "the %s timeout passed at %llu, it is %llu", what,
		(unsigned long long)slot->deadline.s, (unsigned long long)s->now.s);
}

static bool wrong_state(const struct slot *slot, const char *what, struct err *e)
{
	return FAIL(e, STATE, "a deal that is %s takes no %s", sm_name(&deal_states, slot->state), what);
}

/* 5.3: both signatures, before a result. */
static bool cancel(struct step *s, struct slot *slot, struct err *e)
{
	const struct cancel *c = &s->a->cancel;

	if (slot->state == DEAL_CANCELLED)
		return true;
	if (slot->state != DEAL_NEGOTIATING && slot->state != DEAL_AGREED)
		return wrong_state(slot, "cancel", e);
	if (s->now.s >= c->expiry.s)
		return FAIL(e, TOO_LATE, "the cancel expired at %llu, it is %llu",
			(unsigned long long)c->expiry.s, (unsigned long long)s->now.s);
	TRY(ledger_signed(s->l, cancel_record(), c, &s->a->jc_sig, &slot->job_creator, e), e);
	TRY(ledger_signed(s->l, cancel_record(), c, &s->a->rp_sig, &slot->provider, e), e);
	finish(s, slot, DEAL_CANCELLED, false, NULL);
	return true;
}

/* The Result of an action: RP's signature and the limits of 5.4. */
static bool check_result(struct step *s, const struct slot *slot, struct hash *hash, struct err *e)
{
	const struct hot *h = &slot->live->hot;
	const struct result *r = &s->a->result;
	struct hash digest;

	action_result_hash(s->a, hash);
	if (r->count > h->instruction_limit)
		return FAIL(e, LIMITS, "%llu instructions, the limit is %llu", (unsigned long long)r->count,
			(unsigned long long)h->instruction_limit);
	if (r->bytes > h->byte_limit)
		return FAIL(e, LIMITS, "%llu bytes, the limit is %llu", (unsigned long long)r->bytes,
			(unsigned long long)h->byte_limit);
	eip712_digest(&s->l->domain, hash, &digest);
	if (!s->l->verify(&digest, &s->a->result_sig, &slot->provider, e)) {
		err_prefix(e, "Result: ");
		return false;
	}
	return true;
}

static void take_result(struct step *s, struct slot *slot, const struct hash *hash)
{
	slot->result = *hash;
	slot->status = s->a->result.status;
	slot->count = s->a->result.count;
	slot->bytes = s->a->result.bytes;
}

/* 5.4 */
static bool result(struct step *s, struct slot *slot, struct err *e)
{
	struct hash hash;

	action_result_hash(s->a, &hash);
	if (slot->state != DEAL_AGREED) {
		if (hash_eq(&slot->result, &hash))
			return true; /* 4.3 */
		return wrong_state(slot, "other result", e);
	}
	TRY(in_time(s, slot, "submit", e), e);
	TRY(check_result(s, slot, &hash, e), e);
	take_result(s, slot, &hash);
	move(s, slot, DEAL_RESULTS_SUBMITTED, slot->live->hot.judge_timeout.s);
	return true;
}

/* 5.5 */
static bool decline(struct step *s, struct slot *slot, struct err *e)
{
	if (slot->state == DEAL_DECLINED)
		return true;
	if (slot->state != DEAL_AGREED)
		return wrong_state(slot, "decline", e);
	TRY(in_time(s, slot, "submit", e), e);
	TRY(ledger_signed(s->l, decline_record(), &s->a->decline, &s->a->doc_sig, &slot->provider, e), e);
	finish(s, slot, DEAL_DECLINED, false, NULL);
	return true;
}

/* 5.6 with 2.6: the submitted result, or one that comes along signed by RP. */
static bool accept(struct step *s, struct slot *slot, struct err *e)
{
	const struct acceptance *acc = &s->a->acceptance;
	bool same = hash_eq(&acc->result, &slot->result);
	struct hash hash;

	if (slot->state == DEAL_RESULTS_ACCEPTED && same)
		return true;
	if (slot->state != DEAL_AGREED && slot->state != DEAL_RESULTS_SUBMITTED)
		return wrong_state(slot, "acceptance", e);
	TRY(in_time(s, slot, slot->state == DEAL_AGREED ? "submit" : "judge", e), e);
	if (slot->state == DEAL_AGREED || !same) {
		if (s->a->result_sig.n == 0)
			return FAIL(e, RESULT, "the acceptance names a result that is not submitted");
		TRY(check_result(s, slot, &hash, e), e);
		if (!hash_eq(&hash, &acc->result))
			return FAIL(e, RESULT, "the acceptance names another result than the one that comes with it");
	}
	TRY(ledger_signed(s->l, acceptance_record(), acc, &s->a->doc_sig, &slot->job_creator, e), e);
	if (slot->state == DEAL_AGREED || !same)
		take_result(s, slot, &hash);
	finish(s, slot, DEAL_RESULTS_ACCEPTED, false, NULL);
	return true;
}

/* 5.8 */
static bool check(struct step *s, struct slot *slot, struct err *e)
{
	struct hash hash;

	eip712_hash(check_record(), &s->a->check, &hash);
	if (slot->live && slot->state == DEAL_RESULTS_CHECKED && hash_eq(&slot->live->check, &hash))
		return true;
	if (slot->state != DEAL_RESULTS_SUBMITTED)
		return wrong_state(slot, "check", e);
	TRY(in_time(s, slot, "judge", e), e);
	if (slot->live->hot.seats == 0)
		return FAIL(e, PANEL, "m is 0: nobody can rule on this deal");
	if (!hash_eq(&s->a->check.result, &slot->result))
		return FAIL(e, RESULT, "the check names another result than the one submitted");
	TRY(ledger_signed(s->l, check_record(), &s->a->check, &s->a->doc_sig, &slot->job_creator, e), e);
	slot->live->check = hash;
	move(s, slot, DEAL_RESULTS_CHECKED, slot->live->hot.mediate_timeout.s);
	return true;
}

/* 6.6: the one name in the deal's Cold, which is shown again and must have the recorded hash. */
static bool single(struct step *s, struct slot *slot, const struct addr *who, struct err *e)
{
	const struct cold *c = &s->a->deal.cold;
	struct hash h;

	if (slot->state != DEAL_RESULTS_CHECKED)
		return wrong_state(slot, "ruling", e);
	TRY(in_time(s, slot, "mediate", e), e);
	eip712_hash(cold_record(), c, &h);
	if (!hash_eq(&h, &slot->live->cold))
		return FAIL(e, TERMS, "that is not the deal's Cold");
	if (c->mediators.n != 1 || !addr_eq(&c->mediators.v[0], who))
		return FAIL(e, PARTY, "the deal names another mediator");
	return true;
}

static enum deal_state ruled(uint8_t ruling)
{
	switch ((enum ruling)ruling) {
	case RULING_RESULT_CORRECT: return DEAL_MEDIATION_ACCEPTED;
	case RULING_JOB_FAULTY: return DEAL_MEDIATION_JOB_FAULTY;
	case RULING_CANNOT_RULE: return DEAL_TIMEOUT_MEDIATE;
	case RULING_RESULT_NOT_FOUND:
	case RULING_STATUS_WRONG:
	case RULING_RESULT_WRONG:
	case RULING_TOO_MUCH_CHARGED: break;
	}
	return DEAL_MEDIATION_REJECTED;
}

/* 5.10 to 5.12: with SingleMediator a = 0, the verdict ends the dispute at once. */
static bool verdict(struct step *s, struct slot *slot, struct err *e)
{
	const struct verdict *v = &s->a->verdict;
	enum deal_state to = ruled(v->ruling);

	if (v->round != 0)
		return FAIL(e, STATE, "SingleMediator has no appeal: the round is 0");
	TRY(single(s, slot, &v->mediator, e), e);
	TRY(ledger_signed(s->l, verdict_record(), v, &s->a->doc_sig, &v->mediator, e), e);
	finish(s, slot, to, false, to == DEAL_TIMEOUT_MEDIATE ? NULL : &v->mediator);
	return true;
}

static bool pass(struct step *s, struct slot *slot, struct err *e)
{
	TRY(single(s, slot, &s->a->pass.mediator, e), e);
	TRY(ledger_signed(s->l, pass_record(), &s->a->pass, &s->a->doc_sig, &s->a->pass.mediator, e), e);
	finish(s, slot, DEAL_TIMEOUT_MEDIATE, false, NULL);
	return true;
}

/* 5.2, 5.5, 5.7, 5.13: whichever deadline has passed; anyone. */
static bool timeout(struct step *s, struct slot *slot, struct err *e)
{
	static const struct {
		uint8_t from, to;
	} rows[] = {{DEAL_NEGOTIATING, DEAL_TIMEOUT_AGREE}, {DEAL_AGREED, DEAL_TIMEOUT_SUBMIT},
		{DEAL_RESULTS_SUBMITTED, DEAL_TIMEOUT_JUDGE}, {DEAL_RESULTS_CHECKED, DEAL_TIMEOUT_MEDIATE}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (slot->state == rows[i].to)
			return true;
		if (slot->state != rows[i].from)
			continue;
		if (s->now.s < slot->deadline.s)
			return FAIL(e, TOO_EARLY, "the deadline is %llu, it is %llu",
				(unsigned long long)slot->deadline.s, (unsigned long long)s->now.s);
		finish(s, slot, (enum deal_state)rows[i].to, false, NULL);
		return true;
	}
	return wrong_state(slot, "timeout", e);
}

static bool apply(struct step *s, struct slot *slot, struct err *e)
{
	switch ((enum action_kind)s->a->kind) {
	case ACTION_CANCEL: return cancel(s, slot, e);
	case ACTION_RESULT: return result(s, slot, e);
	case ACTION_DECLINE: return decline(s, slot, e);
	case ACTION_ACCEPT: return accept(s, slot, e);
	case ACTION_CHECK: return check(s, slot, e);
	case ACTION_VERDICT: return verdict(s, slot, e);
	case ACTION_PASS: return pass(s, slot, e);
	case ACTION_TIMEOUT: return timeout(s, slot, e);
	case ACTION_SEND:
	case ACTION_OPEN:
	case ACTION_SETTLE:
	case ACTION_REDEEM:
	case ACTION_CLAIM:
	case ACTION_CLAIM_CHECK:
	case ACTION_OPEN_CHANNEL:
	case ACTION_CLOSE_CHANNEL: break;
	}
	return FAIL(e, STATE, "this ledger does not offer %s yet", enum_name(&action_kind_names, s->a->kind));
}

bool deal_apply(struct step *s, struct err *e)
{
	struct slot *slot;
	struct hash id;
	uint8_t from;

	action_deal(s->a, &id);
	slot = slot_of(s->l, &id);
	if (!slot)
		return FAIL(e, NOT_FOUND, "the ledger knows no such deal");
	from = slot->state;
	TRY(apply(s, slot, e), e);
	slot = slot_of(s->l, &id);
	if (slot->state == from)
		return true; /* a repetition: no event */
	s->ev->deal = id;
	s->ev->from = from;
	s->ev->to = slot->state;
	s->ev->deadline = slot->deadline;
	s->ev->result = slot->result;
	return true;
}
