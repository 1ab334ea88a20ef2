/* both.c - the action on the rules of src/ledger, its call on the contracts, and whether both agree. */
#include "both.h"

#include <stdio.h>

#include "chain/evm_call.h"
#include "chain/evm_tx.h"
#include "channel_call.h"
#include "codec/eip712.h"
#include "compare.h"
#include "own.h"
#include "ledger/ledger_own.h"
#include "port/action_json.h"

/* One action at hand. */
struct turn {
	struct sides *w;
	const struct action *a;
	int deal; /* -1: none of ours */
	bool ok;  /* of src/ledger */
	struct outcome chain;
	bool on_chain; /* it has a counterpart there */
	bool unsaid;   /* it has none, since no call can say it: the rules refuse it */
};

/* ---- the chain's side --------------------------------------------------------------------------- */

/* A mint is the operator's deposit (5.16). One that fails as a Send has no counterpart: a chain knows no such
 * Send. */
static bool is_mint(const struct action *a)
{
	return a->kind == ACTION_SEND && a->send.kind == SEND_MINT;
}

static bool mint_is_deposit(const struct turn *t)
{
	enum err_code c = t->w->p.e.code;

	return t->ok || (c != E_SIGNATURE && c != E_NONCE && c != E_STALE && c != E_CONFLICT &&
	                        c != E_PARTY);
}

/* The deal as the call shows it: of a ruling with the Cold that came along. */
static void shown(const struct turn *t, struct deal *out)
{
	*out = t->w->deals[t->deal];
	if (t->a->kind == ACTION_VERDICT || t->a->kind == ACTION_PASS)
		out->cold = t->a->deal.cold;
}

/* What the client cannot put into a call it refuses with the code that the ledger would give. */
static bool make_call(struct turn *t, struct buf *data, struct err *e)
{
	struct sides *w = t->w;
	struct channel_id channel = channel_shown(w);
	struct deal whole = {0};
	const struct evm_shown show = {.deal = t->deal >= 0 ? &w->seen[t->deal] : NULL,
	        .whole = t->deal >= 0 ? &whole : NULL,
	        .channel = &channel,
	        .by = w->own ? &w->for_chain.send.account : NULL,
	        .domain = w->own ? &w->c->domain : NULL};
	uint64_t gas_max;

	t->unsaid = !channel_said(w, e);
	if (t->unsaid)
		return false;
	TRY(channel_in_bounds(w, t->deal, e), e);
	if (w->own && w->for_chain.kind == ACTION_SEND)
		return own_call(&w->for_chain, &channel, data, e);
	if (t->deal >= 0)
		shown(t, &whole);
	return evm_call(&w->for_chain, &show, data, &gas_max, e);
}

static bool call(struct turn *t, struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct outcome *o = &t->chain;
	enum hand by;

	buf_init(&data, EVM_DATA_MAX);
	if (evm_call_shows_deal(t->a) && t->deal < 0) {
		t->on_chain = false;
		return chain_idle(t->w->c, t->w->p.now, e);
	}
	o->ok = make_call(t, &data, &o->why);
	t->on_chain = !t->unsaid;
	if (!o->ok)
		return chain_idle(t->w->c, t->w->p.now, e);
	by = t->w->sent ? hand_of(t->w->sender) : CARRIER;
	return chain_play(t->w->c, by, buf_bytes(&data), t->w->p.now, o, e);
}

static bool play_chain(struct turn *t, struct err *e)
{
	const struct mint *m = &t->a->body.mint;

	t->on_chain = true;
	if (!is_mint(t->a))
		return call(t, e);
	t->on_chain = mint_is_deposit(t);
	if (!t->on_chain)
		return chain_idle(t->w->c, t->w->p.now, e);
	return chain_deposit(t->w->c, &m->to, m->amount, t->w->p.now, &t->chain, e);
}

static bool take_logs(struct turn *t, struct err *e)
{
	struct hash deal;

	for (size_t i = 0; t->chain.ok && i < t->chain.n; i++) {
		int at;

		evm_log_deal(&t->chain.logs[i], &deal);
		at = sides_deal(t->w, &deal);
		if (at >= 0)
			TRY(evm_deal_take(&t->w->seen[at], &t->chain.logs[i], &t->w->step, e), e);
	}
	return true;
}

/* ---- where they may differ ---------------------------------------------------------------------- */

/* On a chain a deal is named by its Hot and the hash of its Cold: another Cold is another deal. */
static bool other_cold(const struct turn *t)
{
	return (t->a->kind == ACTION_VERDICT || t->a->kind == ACTION_PASS) && !t->ok &&
	       t->w->p.e.code == E_CONFLICT && !t->chain.ok && t->chain.why.code == E_NOT_FOUND;
}

static const char *outcome_text(bool ok, size_t events, const struct err *why, char out[200])
{
	if (!ok)
		snprintf(out, 200, "%s (%.150s)", err_name(why->code), why->msg);
	else
		snprintf(out, 200, "%s", events ? "an effect" : "no effect");
	return out;
}

static bool agree(const struct turn *t, struct told *out)
{
	const struct play *p = &t->w->p;
	const struct outcome *o = &t->chain;
	char a[200], b[200];
	bool same = t->ok == o->ok;

	if (same && t->ok)
		same = (p->n == 0) == (o->n == 0);
	else if (same)
		same = p->e.code == o->why.code;
	if (same)
		return true;
	return differ(out, "src/ledger: %s; contracts: %s", outcome_text(t->ok, p->n, &p->e, a),
	        outcome_text(o->ok, o->n, &o->why, b));
}

/* ---- the move ----------------------------------------------------------------------------------- */

static void say(const struct turn *t, struct told *out)
{
	if (!t->on_chain || other_cold(t))
		out->result = BY_ONE;
	else if (!t->ok)
		out->result = REFUSED;
	else
		out->result = t->w->p.n ? HAD_EFFECT : HAD_NONE;
	out->code = t->ok ? 0 : t->w->p.e.code;
}

/* What the rules do not keep: tokens that left, and Sends that are none on a chain. */
static void account_for(struct turn *t, const struct addr *payout)
{
	const struct action *a = t->a;

	for (unsigned i = 0; i < PARTIES; i++) {
		if ((is_mint(a) || t->w->own) && addr_eq(&a->send.account, &t->w->p.who[i]))
			t->w->uncounted[i]++;
		if (a->kind == ACTION_SEND && a->send.kind == SEND_WITHDRAW &&
		        addr_eq(payout, &t->w->p.who[i]))
			t->w->outside[i] = amount_plus(t->w->outside[i], t->w->p.ev.amount);
	}
}

/* uncounted: before the action. */
static void keep(struct sides *w, const uint64_t uncounted[PARTIES])
{
	struct kept *k = &w->kept[w->kept_n++ % KEPT];

	*k = (struct kept){.a = w->p.a,
	        .for_chain = w->for_chain,
	        .sent = w->sent,
	        .own = w->own,
	        .sender = w->sender};
	memcpy(k->items, w->items, sizeof k->items);
	if (k->a.items)
		k->a.items = k->for_chain.items = k->items;
	for (unsigned i = 0; i < PARTIES; i++) {
		if (addr_eq(&w->p.who[i], &w->p.a.send.account))
			k->uncounted = uncounted[i];
	}
}

static bool judge(struct turn *t, struct told *out, struct err *e)
{
	struct chain_view v;

	say(t, out);
	if (out->result != BY_ONE && !agree(t, out))
		return true;
	if (t->unsaid && t->ok && !differ(out, "src/ledger takes what no call can say"))
		return true;
	TRY(take_logs(t, e), e);
	TRY(chain_read(t->w->c, t->w->ids, t->w->channels, &v, e), e);
	if (compare_state(t->w, &v, out) && out->result == HAD_EFFECT &&
	        compare_event(t->w, &t->chain, &v, out))
		return true;
	return true;
}

bool both_play(struct sides *w, const struct move *m, struct told *out, struct err *e)
{
	struct turn t = {.w = w, .a = &w->p.a};
	uint64_t uncounted[PARTIES];
	struct ledger_account who;
	struct hash deal;

	memcpy(uncounted, w->uncounted, sizeof uncounted);
	*out = (struct told){.result = HAD_NONE};
	if (!move_make(w, m))
		return true;
	action_deal(t.a, &deal);
	t.deal = sides_deal(w, &deal);
	ledger_account(w->p.l, &t.a->send.account, w->p.now, &who);
	t.ok = play_do(&w->p);
	if (t.ok && w->p.n)
		account_for(&t, &who.payout);
	TRY(play_chain(&t, e), e);
	TRY(judge(&t, out, e), e);
	if (m->what != DO_AGAIN)
		keep(w, uncounted);
	return true;
}
