/* settle.c - deals of channels come to their money (protocol 8.3): acceptances are settled, many at once where that
 * can wait; what the job creator is silent about is claimed while it can be. Each is a Send of ours, and Sends
 * have consecutive nonces: one is under way at a time. */
#include "codec/eip712.h"
#include "crypto/secp.h"
#include "model/channel_rules.h"
#include "model/deal_rules.h"
#include "port/packed.h"
#include "provider/provider_own.h"

enum {
	SEND_LIFE_S = 600,
	UNANSWERED_S = 60, /* an action that the ledger says nothing of is sent anew */
	LIST_S = 2,  /* after a list was included: what its events have not told it has skipped */
	PAUSE_S = 1, /* after one that was dropped */
	SPARE_MAX_S = 60, /* before the last claim instant */
	OVER_SPARE_S = 5, /* after it */
	LOOK_S = 20       /* between two questions to the solver */
};

/* ---- one Send ------------------------------------------------------------------------------------ */

/* The action is signed, and is under way. */
static void send_it(struct provider *p, struct action *a, enum send_kind kind,
        const struct hash *body, const struct hash *deal, struct effects *fx)
{
	struct sending *s = &p->sending;
	struct err e;

	a->send = (struct send){.account = p->world->signer.addr,
	        .kind = (uint8_t)kind,
	        .body = *body,
	        .nonce = s->nonce,
	        .expiry.s = p->ledger_time.s + SEND_LIFE_S};
	if (!world_sign(p->world, &p->c.domain, send_record(), &a->send, &a->send_sig, &e)) {
		log_line(&p->world->log, LOG_BROKEN, "cannot sign a Send: %s", e.msg);
		return;
	}
	s->deal = *deal;
	s->left = a->items_n;
	s->included_s = 0;
	s->since_s = p->ledger_time.s;
	s->action = fx_submit(fx, a, deal);
}

static void over(struct provider *p)
{
	p->sending.action = p->sending.deal = (struct hash){{0}};
}

static bool may_send(struct provider *p)
{
	struct sending *s = &p->sending;

	if (!hash_is_zero(&s->action) &&
	        (p->ledger_time.s >= s->since_s + UNANSWERED_S ||
	                (s->included_s && p->ledger_time.s > s->included_s + LIST_S)))
		over(p);
	return hash_is_zero(&s->action) && p->ledger_time.s >= s->pause_s;
}

/* ---- acceptances --------------------------------------------------------------------------------- */

static bool waits(const struct work *k)
{
	return work_off_ledger(k) && k->w.state == WORK_ACCEPTED && !k->unsettled;
}

static uint64_t spare_of(const struct provider *p, const struct hot *h)
{
	return p->c.confirm_s + MAX2(1u, MIN2((uint64_t)SPARE_MAX_S, h->submit_timeout.s / 4));
}

/* Its last claim instant is near, or the channel is being left. */
static bool hurries(struct provider *p, const struct work *k)
{
	const struct hot *h = &k->deal.deal.hot;
	struct provider_channel row;
	struct err e;

	return p->ledger_time.s + 2 * spare_of(p, h) >= channel_claim_until(h).s ||
	       (channel_row(p, &h->channel, &row, &e) && row.close_at.s);
}

static bool item_of(struct provider *p, const struct work *k, struct settle_item *x)
{
	const struct hot *h = &k->deal.deal.hot;
	struct provider_channel row;
	struct result result;
	struct hash hash;
	struct err e;

	if (!channel_row(p, &h->channel, &row, &e) || row.channel.id.kind != CHANNEL_ACCEPTANCES)
		return false;
	work_result(k, &result);
	eip712_hash(result_record(), &result, &hash);
	x->job_creator = h->job_creator;
	x->serial = row.channel.id.serial;
	x->sig = k->w.accept_sig;
	channel_acceptance_of(h, &k->w.id, &hash, deal_cost(h, k->w.count, k->w.bytes), &x->doc);
	return true;
}

static void settle_one(struct provider *p, const struct work *k, struct effects *fx)
{
	struct settle_item *x = ARENA_NEW(fx->arena, struct settle_item);
	struct action *a = fx_action(fx, ACTION_SETTLE);
	struct hash body;

	assert(x);
	if (!item_of(p, k, x))
		return;
	a->items = x;
	a->items_n = 1;
	eip712_hash(channel_acceptance_record(), &x->doc, &body);
	send_it(p, a, SEND_SETTLE, &body, &k->w.id, fx);
}

struct waiting {
	struct work *v[ACTION_SETTLE_MAX];
	uint32_t n;
	uint32_t all;     /* those that did not fit as well */
	struct work *odd; /* was in a list, and not settled by it */
	bool due;
	bool vouchers; /* one can be redeemed, in that channel */
	struct provider_channel channel;
};

/* A voucher is for its channel what a list is for many. */
static bool by_voucher(struct provider *p, const struct work *k, struct waiting *w)
{
	struct provider_channel row;
	struct err e;

	if (k->w.accept_sig.n || !channel_row(p, &k->deal.deal.hot.channel, &row, &e) ||
	        row.channel.id.kind != CHANNEL_VOUCHERS)
		return false;
	if (!w->vouchers)
		w->vouchers = voucher_to_redeem(p, &row.id, &w->channel);
	return true;
}

static void redeem(struct provider *p, const struct provider_channel *row, struct effects *fx)
{
	struct action *a = fx_action(fx, ACTION_REDEEM);
	static const struct hash none;
	struct hash body;

	a->voucher = row->voucher;
	a->doc_sig = row->voucher_sig;
	eip712_hash(voucher_record(), &row->voucher, &body);
	send_it(p, a, SEND_REDEEM, &body, &none, fx);
}

static void gather(struct provider *p, struct waiting *w)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&p->works, &i, &key, &val);) {
		struct work *k = *(struct work **)val;

		if (!waits(k))
			continue;
		w->all++;
		w->due =
		        w->due || hurries(p, k) ||
		        p->ledger_time.s >= k->w.accepted.s + (uint64_t)p->c.settle_after.ms / 1000;
		if (by_voucher(p, k, w))
			continue;
		if (k->listed)
			w->odd = k;
		else if (w->n < ACTION_SETTLE_MAX)
			w->v[w->n++] = k;
	}
	w->due = w->due || w->all >= MAX2(p->c.settle_count, 1u) || (w->all && p->room_wanted);
}

static void settle_list(struct provider *p, struct waiting *w, struct effects *fx)
{
	struct settle_item *items = arena_alloc(fx->arena, w->n * sizeof *items);
	struct action *a = fx_action(fx, ACTION_SETTLE);
	static const struct hash none;
	struct hash body;

	assert(items);
	for (uint32_t i = 0; i < w->n; i++) {
		if (!item_of(p, w->v[i], &items[a->items_n]))
			continue;
		sig_compact(&items[a->items_n++].sig);
		w->v[i]->listed = true;
	}
	if (a->items_n == 0)
		return;
	a->items = items;
	packed_list_hash(items, a->items_n, &body);
	send_it(p, a, SEND_SETTLE, &body, &none, fx);
}

/* True: something is under way. */
static bool settle_some(struct provider *p, struct effects *fx)
{
	struct waiting *w = ARENA_NEW(fx->arena, struct waiting);

	assert(w);
	memset(w, 0, sizeof *w);
	gather(p, w);
	if (!w->due)
		return false;
	if (w->odd)
		settle_one(p, w->odd, fx);
	else if (w->n == 1)
		settle_one(p, w->v[0], fx);
	else if (w->n)
		settle_list(p, w, fx);
	else if (w->vouchers)
		redeem(p, &w->channel, fx);
	p->room_wanted = false;
	return !hash_is_zero(&p->sending.action);
}

/* ---- claims -------------------------------------------------------------------------------------- */

static void claim(struct provider *p, const struct work *k, struct effects *fx)
{
	struct action *a = fx_action(fx, ACTION_CLAIM);
	struct hash body;

	a->deal = k->deal.deal;
	a->jc_sig = k->deal.jc_sig;
	a->rp_sig = k->w.rp_sig;
	work_result(k, &a->result);
	eip712_hash(output_record(), &a->result.output, &a->output_hash);
	a->result_sig = k->w.result_sig;
	eip712_hash(result_record(), &a->result, &body);
	send_it(p, a, SEND_CLAIM, &body, &k->w.id, fx);
}

/* The job creator is silent for as long as it may be about a result on the ledger, or the last instant is near; or
 * what it has signed cannot be settled. */
static bool is_claimed_now(struct provider *p, const struct work *k)
{
	const struct hot *h = &k->deal.deal.hot;
	uint64_t now = p->ledger_time.s, until = channel_claim_until(h).s;
	bool late = now + spare_of(p, h) >= until;

	if (now >= until || !work_off_ledger(k))
		return false;
	if (k->w.state == WORK_ACCEPTED)
		return k->unsettled || late;
	return k->w.state == WORK_STORED &&
	       (late || (k->told_s && now >= k->told_s + h->judge_timeout.s));
}

/* A deal whose last claim instant has passed: what is accepted can be settled still. */
static bool is_past(const struct provider *p, const struct work *k)
{
	uint64_t until = channel_claim_until(&k->deal.deal.hot).s;

	return work_off_ledger(k) && k->w.state != WORK_FETCHING && k->w.state != WORK_ACCEPTED &&
	       p->ledger_time.s >= until + p->c.confirm_s + OVER_SPARE_S;
}

static void watch(struct provider *p, struct work *k, struct effects *fx)
{
	uint64_t now = p->ledger_time.s;

	if (!work_off_ledger(k) || k->w.state != WORK_STORED)
		return;
	if (!k->told_s)
		k->told_s = now;
	if (now >= k->told_s + LOOK_S && now >= k->asked_jc_s + LOOK_S)
		draws_look(p, k, fx);
}

void settle_on_time(struct provider *p, struct effects *fx)
{
	struct work *past = NULL, *now = NULL;
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&p->works, &i, &key, &val) && fx->n < EFFECTS_MAX / 2;) {
		struct work *k = *(struct work **)val;

		if (is_past(p, k))
			past = k; /* one at a time: the map changes */
		else if (is_claimed_now(p, k))
			now = k;
		watch(p, k, fx);
	}
	if (past)
		step_kill(past, fx);
	if (past)
		provider_finish(p, past, WORK_LOST,
		        past->w.state == WORK_SIGNED
		                ? "the job creator never heard of our signature"
		                : "nothing was accepted or claimed before its last claim instant");
	if (!may_send(p))
		return;
	if (now)
		claim(p, now, fx);
	else
		(void)settle_some(p, fx);
}

/* ---- the ledger ---------------------------------------------------------------------------------- */

void settle_on_event(struct provider *p, const struct ledger_event *le)
{
	struct sending *s = &p->sending;

	for (uint32_t i = 0; i < le->changes_n && i < LEDGER_CHANGES_MAX; i++) {
		if (addr_eq(&le->changes[i].account, &p->world->signer.addr))
			s->nonce = MAX2(s->nonce, le->changes[i].send_nonce);
	}
	if (hash_is_zero(&s->action) || !hash_eq(&le->action_id, &s->action))
		return;
	s->included_s = MAX2(le->time.s, 1u);
	if (s->left && !hash_is_zero(&le->deal))
		s->left--;
	if (s->left == 0)
		over(p);
}

void settle_on_dropped(struct provider *p, const struct ledger_note *n)
{
	struct sending *s = &p->sending;
	struct work *k;

	if (hash_is_zero(&s->action) || !hash_eq(&n->action_id, &s->action))
		return;
	k = hash_is_zero(&s->deal) ? NULL : provider_work_get(p, &s->deal);
	s->pause_s = p->ledger_time.s + PAUSE_S;
	over(p);
	log_line(&p->world->log, LOG_ODD, "the ledger did not take it: %s", n->err.msg);
	/* NONCE may be that of the Send, which an event corrects. */
	if (k && k->w.state == WORK_ACCEPTED && !err_passes(n->err.code) && n->err.code != E_NONCE)
		k->unsettled = true;
}
