/* compare.c - the first member in which the two sides differ. */
#include "compare.h"

#include <stdarg.h>
#include <stdio.h>

#include "chain/contracts.h"
#include "channel_compare.h"
#include "codec/hex.h"

static const char *const who_is[] = {
        "operator", "JC", "RP", "solver", "author", "mediator", "mallory"};

bool differ(struct told *t, const char *fmt, ...)
{
	va_list ap;

	if (!t->differs) {
		va_start(ap, fmt);
		vsnprintf(t->what, sizeof t->what, fmt, ap);
		va_end(ap);
	}
	t->differs = true;
	return false;
}

bool same_u64(struct told *t, const char *of, const char *what, uint64_t a, uint64_t b)
{
	return a == b || differ(t, "%s: %s is %llu, on the chain %llu", of, what,
	                         (unsigned long long)a, (unsigned long long)b);
}

bool same_amount(struct told *t, const char *of, const char *what, struct amount a, struct amount b)
{
	char x[AMOUNT_DEC_MAX], y[AMOUNT_DEC_MAX];

	amount_format(a, x);
	amount_format(b, y);
	return amount_eq(a, b) || differ(t, "%s: %s is %s, on the chain %s", of, what, x, y);
}

bool same_addr(struct told *t, const char *of, const char *what, const struct addr *a,
        const struct addr *b)
{
	char x[ADDR_TEXT_MAX], y[ADDR_TEXT_MAX];

	addr_format(a, x);
	addr_format(b, y);
	return addr_eq(a, b) || differ(t, "%s: %s is %s, on the chain %s", of, what, x, y);
}

bool same_hash(struct told *t, const char *of, const char *what, const struct hash *a,
        const struct hash *b)
{
	char x[HASH_TEXT_MAX], y[HASH_TEXT_MAX];

	hash_format(a, x);
	hash_format(b, y);
	return hash_eq(a, b) || differ(t, "%s: %s is %s, on the chain %s", of, what, x, y);
}

/* ---- state -------------------------------------------------------------------------------------- */

static bool bit(const uint8_t words[32], unsigned n)
{
	return words[31 - n / 8] >> n % 8 & 1;
}

static bool same_nonces(
        const struct sides *w, const struct chain_view *v, unsigned i, struct told *t)
{
	for (unsigned n = 0; n < 256; n++) {
		bool used = ledger_nonce_used(w->p.l, &w->p.who[i], n);

		if (used != bit(v->who[i].nonces, n))
			return differ(t, "%s: nonce %u is %s, on the chain it is not", who_is[i], n,
			        used ? "used" : "free");
	}
	return true;
}

static bool same_balances(
        const struct sides *w, const struct chain_view *v, unsigned i, struct told *t)
{
	struct ledger_account a;
	const char *is = who_is[i];

	ledger_account(w->p.l, &w->p.who[i], w->p.now, &a);
	return same_amount(t, is, "free", a.free, v->who[i].free) &&
	       same_amount(t, is, "locked", a.locked, v->who[i].locked) &&
	       same_amount(t, is, "withdrawing", a.withdrawing, v->who[i].withdrawing) &&
	       same_amount(t, is, "stake", a.stake, v->who[i].stake) &&
	       same_u64(t, is, "withdraw_at", a.withdraw_at.s, v->who[i].withdraw_at.s) &&
	       same_u64(t, is, "paused", a.paused, v->who[i].paused) &&
	       same_u64(t, is, "send_nonce", a.send_nonce - w->uncounted[i], v->who[i].send_nonce);
}

/* The operator holds what nobody has deposited, and that is not of this market. */
static bool same_payout(
        const struct sides *w, const struct chain_view *v, unsigned i, struct told *t)
{
	struct ledger_account a;
	const char *is = who_is[i];

	ledger_account(w->p.l, &w->p.who[i], w->p.now, &a);
	return same_addr(t, is, "payout", &a.payout, &v->who[i].payout) &&
	       same_addr(t, is, "next payout", &a.next_payout, &v->who[i].next_payout) &&
	       same_u64(t, is, "payout_at", a.payout_at.s, v->who[i].payout_at.s) &&
	       same_amount(t, is, "tokens", w->outside[i], v->who[i].tokens);
}

static bool same_deal(const struct sides *w, const struct chain_view *v, unsigned i, struct told *t)
{
	static const struct agreement none;
	const struct agreement *d = ledger_agreement(w->p.l, &w->ids[i]);
	char of[16];

	snprintf(of, sizeof of, "deal %u", i);
	d = d ? d : &none;
	return same_u64(t, of, "state", d->state, v->deals[i].state) &&
	       same_u64(t, of, "state in the logs", w->seen[i].state, v->deals[i].state) &&
	       same_u64(t, of, "rp_agreed", d->rp_agreed, v->deals[i].rp_agreed) &&
	       same_u64(t, of, "deadline", d->deadline.s, v->deals[i].deadline.s);
}

bool compare_state(const struct sides *w, const struct chain_view *v, struct told *t)
{
	struct ledger_totals sums;

	ledger_totals(w->p.l, &sums);
	for (unsigned i = 0; i < DEALS; i++) {
		if (!same_deal(w, v, i, t))
			return false;
	}
	for (unsigned i = 0; i < PARTIES; i++) {
		if (!same_balances(w, v, i, t) || !same_payout(w, v, i, t) ||
		        !same_nonces(w, v, i, t))
			return false;
	}
	if (!same_channels(w, v, t))
		return false;
	return same_amount(t, "the sink", "balance", sums.sink, v->sink) &&
	       same_amount(t, "the sink", "account", sums.sink, v->sink_account) &&
	       same_amount(t, "the ledger", "supply", sums.supply, v->supply) &&
	       same_amount(t, "the ledger", "tokens held", sums.supply, v->held);
}

/* ---- the event ---------------------------------------------------------------------------------- */

static enum contract_event kind_of(const struct evm_log *l)
{
	return l->topics_n ? contract_event_of(&l->topics[0]) : EVENT_UNKNOWN;
}

/* Of a claim there are two: the deal is opened, and more. */
static bool is_claim(const struct ledger_event *ev)
{
	return ev->action == ACTION_CLAIM || ev->action == ACTION_CLAIM_CHECK;
}

/* Whether that may be the last log of a deal's event. */
static bool log_fits(const struct ledger_event *ev, enum contract_event k)
{
	if (ev->action == ACTION_CLAIM_CHECK)
		return k == EVENT_ClaimChecked;
	if (ev->from == 0 && !is_claim(ev))
		return k == EVENT_Opened;
	if (ev->to == DEAL_RESULTS_SUBMITTED)
		return k == EVENT_Submitted;
	if (ev->to == DEAL_RESULTS_CHECKED)
		return k == EVENT_Checked;
	/* By a result that came along, or by the one submitted. */
	return k == EVENT_Moved || (k == EVENT_Accepted && ev->to == DEAL_RESULTS_ACCEPTED);
}

static bool same_terms(const struct evm_deal *s, const struct agreement *d, struct told *t)
{
	const char *of = "the deal's logs";

	return same_addr(t, of, "JC", &d->jc, &s->jc) && same_addr(t, of, "RP", &d->rp, &s->rp) &&
	       same_u64(t, of, "nonce", d->nonce, s->nonce) &&
	       same_hash(t, of, "result", &d->result, &s->result) &&
	       same_u64(t, of, "status", d->status, s->status) &&
	       same_u64(t, of, "count", d->count, s->count) &&
	       same_u64(t, of, "bytes", d->bytes, s->bytes) &&
	       same_amount(t, of, "COST", d->cost, s->cost) &&
	       same_hash(t, of, "check", &d->check, &s->check) &&
	       (hash_is_zero(&d->check) ||
	               same_addr(t, of, "mediator", &d->mediator, &s->mediator));
}

struct told_step {
	const struct evm_deal *deal;
	const struct hot *hot;
	struct evm_deal_step step;
};

/* What a client makes of the log, which says of some states only that they began. */
static bool same_step(const struct sides *w, const struct told_step *s, struct told *t)
{
	const struct ledger_event *ev = &w->p.ev;
	struct btime due = s->deal->deadline;
	unsigned from = is_claim(ev) ? DEAL_AGREED : ev->from;

	if (s->step.timed)
		due = evm_deal_due(s->hot, s->step.to, w->p.now);
	return same_u64(t, "the event", "from", from, s->step.from) &&
	       same_u64(t, "the event", "to", ev->to, s->step.to) &&
	       same_amount(t, "the event", "paid", ev->amount, s->step.paid) &&
	       same_u64(t, "the event", "deadline", ev->deadline.s, due.s);
}

static bool same_deal_event(const struct sides *w, const struct outcome *o, struct told *t)
{
	const struct ledger_event *ev = &w->p.ev;
	size_t n = is_claim(ev) ? 2 : 1;
	enum contract_event k = o->n ? kind_of(&o->logs[o->n - 1]) : EVENT_UNKNOWN;
	int i = sides_deal(w, &ev->deal);
	struct told_step s;

	if (o->n != n || i < 0 || !log_fits(ev, k) ||
	        (n == 2 && kind_of(&o->logs[0]) != EVENT_Opened))
		return differ(t, "%zu logs, the last of kind %d, of a deal's move from %u to %u",
		        o->n, (int)k, ev->from, ev->to);
	s = (struct told_step){&w->seen[i], &w->deals[i].hot, w->step};
	return same_step(w, &s, t) && same_terms(s.deal, ledger_agreement(w->p.l, &ev->deal), t);
}

/* clang-format off */
static const struct account_log {
	uint8_t send;
	enum contract_event log;
	int amount, account, time; /* which word of the data; -1: none */
} account_logs[] = {
	{SEND_MINT,              EVENT_Deposited,          0, -1, -1},
	{SEND_REQUEST_WITHDRAW,  EVENT_WithdrawRequested,  0, -1,  1},
	{SEND_WITHDRAW,          EVENT_Withdrawn,          1,  0, -1},
	{SEND_SET_PAYOUT,        EVENT_PayoutSet,         -1,  0,  1},
	{SEND_CANCEL_NONCE,      EVENT_NonceCancelled,    -1, -1, -1},
	{SEND_REGISTER_MEDIATOR, EVENT_MediatorRegistered, 0, -1, -1},
	{SEND_PAUSE_MEDIATOR,    EVENT_MediatorPaused,    -1, -1, -1},
	{SEND_UNBOND_STAKE,      EVENT_StakeUnbonded,      0, -1,  1},
};
/* clang-format on */

static uint64_t word_of(const struct evm_log *l, unsigned i)
{
	return u256_from_be(l->data + 32 * i).w[0];
}

/* What the body says and the event does not. */
static bool same_body(const struct sides *w, const struct evm_log *l, struct told *t)
{
	const struct action *a = &w->p.a;

	if (a->send.kind == SEND_CANCEL_NONCE)
		return same_u64(t, "the event", "nonce", a->body.nonce_cancel.nonce, word_of(l, 0));
	if (a->send.kind == SEND_PAUSE_MEDIATOR)
		return same_u64(t, "the event", "paused", a->body.pause.paused, word_of(l, 0));
	return true;
}

static bool same_words(
        const struct sides *w, const struct account_log *k, const struct evm_log *l, struct told *t)
{
	const struct ledger_event *ev = &w->p.ev;
	struct ledger_account a;
	struct addr to;
	uint64_t from;

	ledger_account(w->p.l, &ev->account, w->p.now, &a);
	/* A withdrawal of nothing starts a clock that nothing shows. */
	from = k->send == SEND_SET_PAYOUT ? a.payout_at.s : w->p.now.s + w->p.genesis.unbonding.s;
	if (k->amount >= 0 && !same_amount(t, "the event", "amount", ev->amount,
	                              amount_from_be(l->data + 32 * k->amount)))
		return false;
	if (k->time >= 0 && !same_u64(t, "the event", "time", from, word_of(l, (unsigned)k->time)))
		return false;
	if (k->account >= 0) {
		memcpy(to.b, l->data + 32 * k->account + 12, sizeof to.b);
		return same_addr(t, "the event", "to",
		        k->send == SEND_SET_PAYOUT ? &w->p.a.body.payout.to : &a.payout, &to);
	}
	return same_body(w, l, t);
}

static bool same_account_event(const struct sides *w, const struct outcome *o, struct told *t)
{
	const struct ledger_event *ev = &w->p.ev;
	const struct evm_log *l = &o->logs[0];
	const struct account_log *k = account_logs;
	struct addr who;

	while (k->send != w->p.a.send.kind) {
		k++;
		assert(k < account_logs + COUNT(account_logs));
	}
	if (o->n != 1 || kind_of(l) != k->log || l->topics_n < 2)
		return differ(t, "%zu logs, the first of kind %d, not %d", o->n, (int)kind_of(l),
		        (int)k->log);
	memcpy(who.b, l->topics[1].b + 12, sizeof who.b);
	return same_addr(t, "the event", "account", &ev->account, &who) && same_words(w, k, l, t);
}

static bool same_change(const struct sides *w, const struct chain_view *v,
        const struct balance_change *c, struct told *t)
{
	unsigned k = 0;

	if (addr_is_zero(&c->account))
		return same_amount(t, "the event", "sink", c->free, v->sink);
	while (k < PARTIES && !addr_eq(&w->p.who[k], &c->account))
		k++;
	if (k == PARTIES)
		return differ(t, "the event changes a stranger's balance");
	return same_amount(t, "the event", "free", c->free, v->who[k].free) &&
	       same_amount(t, "the event", "locked", c->locked, v->who[k].locked) &&
	       same_amount(t, "the event", "withdrawing", c->withdrawing, v->who[k].withdrawing);
}

/* Whether an event after number i changes the account as well. */
static bool changed_later(const struct sides *w, size_t i, const struct addr *who)
{
	for (i++; i < w->p.n; i++) {
		for (uint32_t k = 0; k < w->events[i].changes_n; k++) {
			if (addr_eq(&w->events[i].changes[k].account, who))
				return true;
		}
	}
	return false;
}

/* The balances that the events of src/ledger carry: of each account the last. */
static bool same_changes(const struct sides *w, const struct chain_view *v, struct told *t)
{
	for (size_t i = 0; i < w->p.n; i++) {
		const struct ledger_event *ev = &w->events[i];

		for (uint32_t k = 0; k < ev->changes_n; k++) {
			if (!changed_later(w, i, &ev->changes[k].account) &&
			        !same_change(w, v, &ev->changes[k], t))
				return false;
		}
	}
	return same_channel_changes(w, v, t);
}

bool compare_event(
        const struct sides *w, const struct outcome *o, const struct chain_view *v, struct told *t)
{
	bool of_deal = !hash_is_zero(&w->p.ev.deal);

	if (of_channel(w))
		return same_channel_event(w, o, t) && same_changes(w, v, t);
	return (of_deal ? same_deal_event(w, o, t) : same_account_event(w, o, t)) &&
	       same_changes(w, v, t);
}
