/* accounts.c - balances, and the actions of an account alone (protocol 5.16, 6.1). */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/signed.h"
#include "ledger/ledger_own.h"

/* What no row gives to a party goes here; no key of it is known, and the rules let it send nothing. */
const struct addr sink_account = {
	{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xde, 0xad}};

struct account *account_of(struct ledger *l, const struct addr *who)
{
	return map_put(&l->accounts, who, NULL);
}

const struct account *account_peek(const struct ledger *l, const struct addr *who)
{
	return map_get(&l->accounts, who);
}

static void must_add(struct amount *to, struct amount v)
{
	bool ok = amount_add(*to, v, to);

	assert(ok); /* the deposit rule of 5.14 keeps every sum below 2^96 */
}

static void must_sub(struct amount *from, struct amount v)
{
	bool ok = amount_sub(*from, v, from);

	assert(ok); /* 5.15 (c): no balance is negative */
}

void step_touch(struct step *s, const struct addr *who)
{
	struct ledger_event *ev = s->ev;

	for (uint32_t i = 0; i < ev->changes_n; i++) {
		if (addr_eq(&ev->changes[i].account, who))
			return;
	}
	assert(ev->changes_n < LEDGER_CHANGES_MAX);
	ev->changes[ev->changes_n++].account = *who;
}

bool account_lock(struct step *s, const struct addr *who, struct amount v, const char *what,
	struct err *e)
{
	struct account *a = account_of(s->l, who);
	char have[AMOUNT_DEC_MAX], need[AMOUNT_DEC_MAX], name[ADDR_TEXT_MAX];

	if (!a)
		return FAIL(e, BUSY, "the ledger holds as many accounts as it can");
	if (amount_cmp(a->free, v) < 0) {
		amount_format(a->free, have);
		amount_format(v, need);
		addr_format(who, name);
		return FAIL(e, FUNDS, "%s has %s free; %s needs %s", name, have, what, need);
	}
	must_sub(&a->free, v);
	must_add(&a->locked, v);
	step_touch(s, who);
	return true;
}

void account_unlock(struct step *s, const struct addr *who, struct amount v)
{
	struct account *a = account_of(s->l, who);

	assert(a);
	must_sub(&a->locked, v);
	step_touch(s, who);
}

void account_credit(struct step *s, const struct addr *who, struct amount v)
{
	struct account *a;

	if (amount_is_zero(v))
		return;
	a = account_of(s->l, who);
	assert(a); /* checked when the deal was opened: its members have accounts by then */
	must_add(&a->free, v);
	step_touch(s, who);
}

/* ---- actions ---------------------------------------------------------------------------------------- */

static bool mint(struct step *s, struct err *e)
{
	const struct mint *m = &s->a->body.mint;
	struct account *to;
	struct amount sum;

	if (!addr_eq(&s->a->send.account, &s->l->g.operator_))
		return FAIL(e, PARTY, "only the ledger's operator mints");
	if (addr_is_zero(&m->to) || addr_eq(&m->to, &sink_account))
		return FAIL(e, RANGE, "tokens cannot be minted to the zero account or the sink");
	/* 5.14: no deposit may bring the counter to 2^96, so that no sum can overflow later. */
	if (!amount_add(s->l->counter, m->amount, &sum) || !amount_fits_document(sum))
		return FAIL(e, RANGE, "with that deposit all deposits would reach 2^96");
	to = account_of(s->l, &m->to);
	if (!to)
		return FAIL(e, BUSY, "the ledger holds as many accounts as it can");
	s->l->counter = sum;
	must_add(&s->l->holdings, m->amount);
	must_add(&to->free, m->amount);
	s->ev->account = m->to;
	s->ev->amount = m->amount;
	step_touch(s, &m->to);
	return true;
}

static bool request_withdraw(struct step *s, struct account *a, struct err *e)
{
	struct amount v = s->a->body.withdrawal.amount;
	char have[AMOUNT_DEC_MAX];

	if (amount_is_zero(v))
		return FAIL(e, RANGE, "nothing cannot be withdrawn");
	if (amount_cmp(a->free, v) < 0) {
		amount_format(a->free, have);
		return FAIL(e, FUNDS, "only %s is free", have);
	}
	must_sub(&a->free, v);
	must_add(&a->withdrawing, v);
	a->withdraw_at.s = s->now.s + s->l->g.unbonding.s;
	s->ev->amount = v;
	s->ev->deadline = a->withdraw_at;
	return true;
}

static bool withdraw(struct step *s, struct account *a, struct err *e)
{
	struct amount v = s->a->body.withdrawal.amount;

	if (amount_is_zero(v) || amount_cmp(a->withdrawing, v) < 0)
		return FAIL(e, FUNDS, "less than that is withdrawing");
	if (s->now.s < a->withdraw_at.s)
		return FAIL(e, TOO_EARLY, "withdrawing until %llu, it is %llu",
			(unsigned long long)a->withdraw_at.s, (unsigned long long)s->now.s);
	must_sub(&a->withdrawing, v);
	must_sub(&s->l->counter, v);
	must_sub(&s->l->holdings, v);
	s->ev->amount = v;
	return true;
}

static bool set_payout(struct step *s, struct account *a, struct err *e)
{
	if (addr_is_zero(&s->a->body.payout.to))
		return FAIL(e, RANGE, "the zero account cannot be paid out to");
	a->payout_next = s->a->body.payout.to;
	a->payout_at.s = s->now.s + s->l->g.unbonding.s;
	s->ev->deadline = a->payout_at;
	return true;
}

static bool cancel_nonce(struct step *s, struct err *e)
{
	struct nonce_key key = {.jc = s->a->send.account, .nonce = s->a->body.nonce_cancel.nonce};
	bool fresh;

	if (!map_put(&s->l->nonces, &key, &fresh))
		return FAIL(e, BUSY, "the ledger holds as many nonces as it can");
	if (!fresh)
		return FAIL(e, NONCE, "nonce %llu is used or burnt already", (unsigned long long)key.nonce);
	return true;
}

static bool register_mediator(struct step *s, struct account *a, struct err *e)
{
	struct amount v = s->a->body.registration.stake;

	if (amount_cmp(a->free, v) < 0)
		return FAIL(e, FUNDS, "the free balance does not cover the stake");
	must_sub(&a->free, v);
	must_add(&a->stake, v);
	a->mediator = true;
	a->paused = false;
	s->ev->amount = v;
	return true;
}

static bool unbond(struct step *s, struct account *a, struct err *e)
{
	struct amount v = s->a->body.withdrawal.amount;

	/* What has finished unbonding is free before more is added. */
	if (!amount_is_zero(a->unbonding) && s->now.s >= a->unbond_at.s) {
		must_add(&a->free, a->unbonding);
		a->unbonding = amount_of(0);
	}
	if (amount_cmp(a->stake, v) < 0)
		return FAIL(e, FUNDS, "the stake is smaller than that");
	must_sub(&a->stake, v);
	must_add(&a->unbonding, v);
	a->unbond_at.s = s->now.s + s->l->g.unbonding.s;
	s->ev->amount = v;
	s->ev->deadline = a->unbond_at;
	return true;
}

static bool send_body(struct step *s, struct account *a, struct err *e)
{
	switch ((enum send_kind)s->a->send.kind) {
	case SEND_MINT: return mint(s, e);
	case SEND_REQUEST_WITHDRAW: return request_withdraw(s, a, e);
	case SEND_WITHDRAW: return withdraw(s, a, e);
	case SEND_SET_PAYOUT: return set_payout(s, a, e);
	case SEND_CANCEL_NONCE: return cancel_nonce(s, e);
	case SEND_AGREE: return agree_apply(s, e);
	case SEND_REGISTER_MEDIATOR: return register_mediator(s, a, e);
	case SEND_PAUSE_MEDIATOR:
		if (!a->mediator)
			return FAIL(e, STATE, "the account is no mediator");
		a->paused = s->a->body.pause.paused;
		return true;
	case SEND_UNBOND_STAKE: return unbond(s, a, e);
	case SEND_TOP_UP:
	case SEND_LEAVE_CHANNEL:
	case SEND_ANSWER: break;
	}
	return FAIL(e, STATE, "this ledger does not offer %s yet",
		enum_name(&send_kind_names, s->a->send.kind));
}

static const struct record *body_record(uint8_t kind)
{
	switch ((enum send_kind)kind) {
	case SEND_MINT: return mint_record();
	case SEND_REQUEST_WITHDRAW:
	case SEND_WITHDRAW:
	case SEND_UNBOND_STAKE: return withdrawal_record();
	case SEND_SET_PAYOUT: return payout_record();
	case SEND_CANCEL_NONCE: return nonce_cancel_record();
	case SEND_AGREE: return deal_record();
	case SEND_REGISTER_MEDIATOR: return registration_record();
	case SEND_PAUSE_MEDIATOR: return pause_record();
	case SEND_TOP_UP: return top_up_record();
	case SEND_LEAVE_CHANNEL: return leave_record();
	case SEND_ANSWER: return answer_record();
	}
	return NULL;
}

/* 2.0.4: signed by the account over the body's hash, in order of its nonces, before it expires. */
bool send_apply(struct step *s, struct err *e)
{
	const struct send *send = &s->a->send;
	const struct record *r = body_record(send->kind);
	const void *body = send->kind == SEND_AGREE ? (const void *)&s->a->deal : &s->a->body;
	const struct account *seen = account_peek(s->l, &send->account);
	uint64_t next = seen ? seen->send_nonce : 0;
	struct account *a;
	struct hash h;

	if (!r)
		return FAIL(e, RANGE, "%u is no kind of Send", send->kind);
	TRY(ledger_signed(s->l, send_record(), send, &s->a->send_sig, &send->account, e), e);
	eip712_hash(r, body, &h);
	if (!hash_eq(&h, &send->body))
		return FAIL(e, SIGNATURE, "the body is not the one that was signed");
	if (s->now.s >= send->expiry.s)
		return FAIL(e, TOO_LATE, "the Send expired at %llu, it is %llu",
			(unsigned long long)send->expiry.s, (unsigned long long)s->now.s);
	if (send->nonce != next)
		return FAIL(e, NONCE, "the account's next nonce is %llu, the Send has %llu",
			(unsigned long long)next, (unsigned long long)send->nonce);
	s->ev->account = send->account;
	a = account_of(s->l, &send->account);
	if (!a)
		return FAIL(e, BUSY, "the ledger holds as many accounts as it can");
	TRY(send_body(s, a, e), e);
	a = account_of(s->l, &send->account); /* the table may have moved */
	a->send_nonce = next + 1;
	step_touch(s, &send->account);
	return true;
}
