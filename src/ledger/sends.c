/* sends.c - protocol 2.0.4 and 5.16: what a party itself sends, and the actions of accounts. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "ledger/ledger_own.h"

void nonce_key(const struct addr *jc, uint64_t nonce, struct nonce_key *out)
{
	out->jc = *jc;
	for (int i = 0; i < 8; i++)
		out->be[i] = (uint8_t)(nonce >> (56 - 8 * i));
}

static uint8_t *burnt_byte(const struct ledger *l, const struct addr *jc, uint64_t nonce)
{
	struct nonce_key key;
	uint8_t *bits;

	nonce_key(jc, nonce / 256, &key);
	bits = map_get(&l->burnt, &key);
	return bits ? &bits[nonce % 256 / 8] : NULL;
}

bool ledger_nonce_used(const struct ledger *l, const struct addr *jc, uint64_t nonce)
{
	const uint8_t *burnt = burnt_byte(l, jc, nonce);
	struct nonce_key key;

	nonce_key(jc, nonce, &key);
	return map_get(&l->nonces, &key) || (burnt && *burnt >> nonce % 8 & 1);
}

void use_nonce(struct ledger *l, const struct addr *jc, uint64_t nonce)
{
	struct account *a = account_get(l, jc);

	if (nonce >= a->job_nonce)
		a->job_nonce = nonce == UINT64_MAX ? nonce : nonce + 1;
}

/* ---- bodies ------------------------------------------------------------------------------------- */

static const struct addr *sender(const struct step *s)
{
	return &s->a->send.account;
}

void told(struct step *s, const struct addr *who, struct amount n)
{
	s->ev->account = *who;
	s->ev->amount = n;
	s->changed = true;
}

/* 5.14: a deposit that would bring the counter to 2^96 is refused, so no sum overflows. */
static bool mint(struct step *s, struct err *e)
{
	const struct mint *m = &s->a->body.mint;
	struct amount after = amount_plus(s->l->totals.supply, m->amount);
	char text[AMOUNT_DEC_MAX], name[ADDR_TEXT_MAX];

	addr_format(sender(s), name);
	if (!addr_eq(sender(s), &s->l->genesis.operator_))
		return FAIL(
		        e, PARTY, "%s is not the operator of this ledger, who alone mints", name);
	amount_format(m->amount, text);
	if (!amount_fits_document(after))
		return FAIL(
		        e, RANGE, "a deposit of %s would bring all deposits to 2^96 or more", text);
	if (addr_is_zero(&m->to))
		return FAIL(e, RANGE, "a deposit to account zero");
	TRY(account_ready(s->l, &m->to, e), e);
	money_deposit(s->l, &m->to, m->amount);
	told(s, &m->to, m->amount);
	return true;
}

/* What is being withdrawn already is added to, and the clock starts anew. */
static void restart(struct step *s)
{
	account_get(s->l, sender(s))->withdraw_at.s = s->now.s + s->l->genesis.unbonding.s;
}

static bool request_withdraw(struct step *s, struct err *e)
{
	struct amount n = s->a->body.withdrawal.amount;

	TRY(account_covers(s->l, sender(s), n, "the withdrawal", e), e);
	money_to_withdrawing(s->l, sender(s), n);
	restart(s);
	told(s, sender(s), n);
	return true;
}

static bool holds(struct amount has, struct amount need, const char *what, struct err *e)
{
	char have[AMOUNT_DEC_MAX], want[AMOUNT_DEC_MAX];

	if (amount_cmp(has, need) >= 0)
		return true;
	amount_format(has, have);
	amount_format(need, want);
	return FAIL(e, FUNDS, "%s is %s, less than %s", what, have, want);
}

static bool withdraw(struct step *s, struct err *e)
{
	const struct account *a = account_get(s->l, sender(s));
	struct amount n = s->a->body.withdrawal.amount;

	TRY(holds(a->withdrawing, n, "what is being withdrawn", e), e);
	if (s->now.s < a->withdraw_at.s)
		return FAIL(e, TOO_EARLY, "the unbonding time ends at %llu, and it is %llu",
		        (unsigned long long)a->withdraw_at.s, (unsigned long long)s->now.s);
	money_withdraw(s->l, sender(s), n);
	told(s, sender(s), n);
	return true;
}

static bool set_payout(struct step *s, struct err *e)
{
	struct account *a = account_get(s->l, sender(s));
	const struct addr *to = &s->a->body.payout.to;

	if (addr_is_zero(to))
		return FAIL(e, RANGE, "withdrawals cannot go to account zero");
	if (!addr_is_zero(&a->next_payout) && s->now.s >= a->payout_at.s)
		a->payout = a->next_payout;
	a->next_payout = *to;
	a->payout_at.s = s->now.s + s->l->genesis.unbonding.s;
	told(s, sender(s), amount_of(0));
	return true;
}

static bool burn_nonce(struct step *s, struct err *e)
{
	uint64_t nonce = s->a->body.nonce_cancel.nonce;
	struct nonce_key key;
	uint8_t *bits;

	if (ledger_nonce_used(s->l, sender(s), nonce))
		return FAIL(
		        e, NONCE, "nonce %llu is used or burnt already", (unsigned long long)nonce);
	nonce_key(sender(s), nonce / 256, &key);
	bits = map_put(&s->l->burnt, &key, NULL);
	if (!bits)
		return FAIL(e, BUSY, "this ledger has no room for another burnt nonce");
	bits[nonce % 256 / 8] |= (uint8_t)(1u << nonce % 8);
	use_nonce(s->l, sender(s), nonce);
	told(s, sender(s), amount_of(0));
	return true;
}

static bool register_mediator(struct step *s, struct err *e)
{
	struct amount n = s->a->body.registration.stake;

	TRY(account_covers(s->l, sender(s), n, "the stake", e), e);
	money_to_stake(s->l, sender(s), n);
	account_get(s->l, sender(s))->paused = false;
	told(s, sender(s), n);
	return true;
}

static bool pause_mediator(struct step *s, struct err *e)
{
	(void)e;
	account_get(s->l, sender(s))->paused = s->a->body.pause.paused;
	told(s, sender(s), amount_of(0));
	return true;
}

static bool unbond_stake(struct step *s, struct err *e)
{
	struct amount n = s->a->body.withdrawal.amount;

	TRY(holds(account_get(s->l, sender(s))->stake, n, "the stake", e), e);
	money_from_stake(s->l, sender(s), n);
	restart(s);
	told(s, sender(s), n);
	return true;
}

/* clang-format off */
static const struct kind {
	uint8_t kind;
	const struct record *(*body)(void);
	bool (*apply)(struct step *s, struct err *e);
} kinds[] = {
	{SEND_MINT,              mint_record,         mint},
	{SEND_REQUEST_WITHDRAW,  withdrawal_record,   request_withdraw},
	{SEND_WITHDRAW,          withdrawal_record,   withdraw},
	{SEND_SET_PAYOUT,        payout_record,       set_payout},
	{SEND_CANCEL_NONCE,      nonce_cancel_record, burn_nonce},
	{SEND_AGREE,             deal_record,         apply_agree},
	{SEND_REGISTER_MEDIATOR, registration_record, register_mediator},
	{SEND_PAUSE_MEDIATOR,    pause_record,        pause_mediator},
	{SEND_UNBOND_STAKE,      withdrawal_record,   unbond_stake},
	{SEND_TOP_UP,            top_up_record,       apply_top_up},
	{SEND_LEAVE_CHANNEL,     leave_record,        apply_leave},
	{SEND_ANSWER,            answer_record,       no_consortium},
};
/* clang-format on */

static const struct kind *kind_of(uint8_t kind)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (kinds[i].kind == kind)
			return &kinds[i];
	}
	return NULL;
}

/* ---- the Send itself ---------------------------------------------------------------------------- */

static bool send_tested(const struct step *s, struct err *e)
{
	const struct send *m = &s->a->send;
	const struct account *a = account_get(s->l, &m->account);
	uint64_t next = a ? a->send_nonce : 0;
	struct hash h;

	eip712_hash(send_record(), m, &h);
	TRY(document_signed(s->l, &h, &s->a->send_sig, &m->account, "Send", e), e);
	if (m->nonce != next)
		return FAIL(e, NONCE, "the Send has nonce %llu, the account's next is %llu",
		        (unsigned long long)m->nonce, (unsigned long long)next);
	if (s->now.s >= m->expiry.s)
		return FAIL(e, STALE, "the Send was good before %llu, and it is %llu",
		        (unsigned long long)m->expiry.s, (unsigned long long)s->now.s);
	if (!hash_eq(&s->body, &m->body))
		return FAIL(e, CONFLICT, "the body is not the one that the Send names");
	return true;
}

bool send_fits(const struct step *s, uint8_t kind, struct err *e)
{
	const struct send *m = &s->a->send;

	TRY(document_in_bounds(send_record(), m, e), e);
	if (m->kind != kind)
		return FAIL(e, RANGE, "the Send is of kind %s, where %s is needed",
		        enum_name(&send_kind_names, m->kind), enum_name(&send_kind_names, kind));
	TRY(send_tested(s, e), e);
	return true;
}

void send_done(struct step *s)
{
	const struct addr *who = &s->a->send.account;

	account_get(s->l, who)->send_nonce++;
	account_touch(s->l, who);
}

/* Both parties' agree is on the ledger, or that of the one who sends it. A deal of a channel is there only if its JC
 * wants it, whatever brought it. */
static bool agreed_before(const struct step *s)
{
	const struct agreement *a;

	if (s->a->send.kind != SEND_AGREE)
		return false;
	a = ledger_agreement(s->l, &s->body);
	if (!a || !hash_eq(&s->a->send.body, &s->body))
		return false;
	return addr_eq(&s->a->send.account, &a->jc) ||
	       (addr_eq(&s->a->send.account, &a->rp) && a->rp_agreed && hash_is_zero(&a->channel));
}

bool apply_send(struct step *s, struct err *e)
{
	const struct send *m = &s->a->send;
	const struct kind *k = kind_of(m->kind);
	const void *row = m->kind == SEND_AGREE ? (const void *)&s->a->deal : &s->a->body;
	bool known;

	if (!k)
		return FAIL(e, RANGE, "%u is no kind of Send", m->kind);
	TRY(document_in_bounds(send_record(), m, e), e);
	TRY(document_in_bounds(k->body(), row, e), e);
	if (m->kind == SEND_AGREE)
		TRY(deal_offered(s, &s->a->deal.hot, e), e);
	eip712_hash(k->body(), row, &s->body);
	if (agreed_before(s))
		return true;
	TRY(send_tested(s, e), e);
	known = account_get(s->l, &m->account);
	TRY(account_ready(s->l, &m->account, e), e);
	if (!k->apply(s, e)) {
		/* What is refused leaves nothing, not even an account without money. */
		if (!known)
			map_del(&s->l->accounts, &m->account);
		err_note(e, __FILE__, __LINE__);
		return false;
	}
	assert(s->changed);
	send_done(s);
	if (m->kind == SEND_AGREE)
		s->ev->account = m->account;
	return true;
}
