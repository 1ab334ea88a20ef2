/* open.c - a deal comes on the ledger: the refusals of protocol 5.14, 5.1, 5.2. */
#include <stdlib.h>

#include "codec/eip712.h"
#include "ledger/ledger_own.h"

static bool check_terms(const struct hot *h, struct err *e)
{
	struct amount votes, need, jb, rb;

	if (h->seats != 0 && h->seats % 2 == 0)
		return FAIL(e, PANEL, "m is %u; it must be 0 or odd", h->seats);
	if ((h->seats == 0) != (h->mediation == MEDIATION_NONE))
		return FAIL(e, PANEL, "m is %u with mediation %s", h->seats,
			enum_name(&mediation_names, h->mediation));
	if (h->appeal > 1 || (h->seats == 0 && h->appeal))
		return FAIL(e, PANEL, "a is %u with m = %u", h->appeal, h->seats);
	/* Phi: the fees of one panel, or of both with an appeal. */
	if (!amount_mul(h->fee, h->appeal ? 3u * h->seats + 1 : h->seats, &votes) ||
		!amount_add(votes, h->seats ? h->damages : amount_of(0), &need))
		return FAIL(e, BONDS, "fees and damages overflow");
	jb = amount_max(need, h->late_judge);
	rb = amount_max(need, h->late_submit);
	if (amount_cmp(h->job_bond, jb) < 0)
		return FAIL(e, BONDS, "JB does not cover Cj, fees and damages");
	if (amount_cmp(h->result_bond, rb) < 0)
		return FAIL(e, BONDS, "RB does not cover Cs, fees and damages");
	if (h->royalty + h->solver_share > 1000)
		return FAIL(e, SHARES, "royalty %u and solver share %u exceed 1 000 per mille", h->royalty,
			h->solver_share);
	return true;
}

/* 4.2: each at least MIN, the whole at most LIFE. Times are below 2^40: no overflow in 64 bits. */
static bool check_clocks(const struct genesis *g, const struct hot *h, struct err *e)
{
	uint64_t sum = h->agree_timeout.s + h->submit_timeout.s + 2 * h->judge_timeout.s +
		(h->appeal ? 8 : 6) * h->mediate_timeout.s;

	if (h->agree_timeout.s < g->min.s || h->submit_timeout.s < g->min.s ||
		h->judge_timeout.s < g->min.s || h->mediate_timeout.s < g->min.s)
		return FAIL(e, CLOCKS, "a timeout is below MIN, %llu s", (unsigned long long)g->min.s);
	if (sum > g->life.s)
		return FAIL(e, CLOCKS, "the timeouts add up to %llu s, LIFE is %llu s", (unsigned long long)sum,
			(unsigned long long)g->life.s);
	return true;
}

static bool check_panel(const struct deal *d, struct err *e)
{
	const struct hot *h = &d->hot;
	const struct cold *c = &d->cold;
	uint32_t least = h->mediation == MEDIATION_CONSORTIUM ? (h->appeal ? 3u * h->seats + 4 : h->seats + 3u) : 0;

	if ((c->determinism == DETERMINISM_NONE) != (h->seats == 0))
		return FAIL(e, PANEL, "m is %u in class %s", h->seats,
			enum_name(&determinism_names, c->determinism));
	if (h->mediation == MEDIATION_CONSORTIUM)
		return FAIL(e, STATE, "this ledger does not offer the consortium yet");
	if (h->mediation == MEDIATION_SINGLE && (c->mediators.n != 1 || h->seats != 1 || h->appeal))
		return FAIL(e, PANEL, "SingleMediator has one name, m = 1 and a = 0");
	if (c->mediators.n < least || c->mediators.n > MEDIATORS_MAX)
		return FAIL(e, PANEL, "%u mediators; at least %u and at most %d", c->mediators.n, least,
			MEDIATORS_MAX);
	for (uint32_t i = 0; i < c->mediators.n; i++) {
		const struct addr *m = &c->mediators.v[i];

		if (i > 0 && addr_cmp(&c->mediators.v[i - 1], m) >= 0)
			return FAIL(e, PANEL, "the mediators are not sorted");
		if (addr_eq(m, &h->job_creator) || addr_eq(m, &h->provider) || addr_eq(m, &h->solver) ||
			addr_is_zero(m))
			return FAIL(e, PANEL, "a mediator is a party of the deal, its solver or nobody");
	}
	return true;
}

bool open_valid(const struct ledger *l, const struct deal *d, struct btime now, struct err *e)
{
	const struct hot *h = &d->hot;
	struct nonce_key key = {.jc = h->job_creator, .nonce = h->nonce};

	TRY(check_terms(h, e), e);
	TRY(check_clocks(&l->g, h, e), e);
	if (now.s >= h->open_by.s)
		return FAIL(e, TOO_LATE, "open_by is %llu, it is %llu", (unsigned long long)h->open_by.s,
			(unsigned long long)now.s);
	if (!hash_is_zero(&h->channel))
		return FAIL(e, STATE, "this ledger does not offer channels yet");
	if (map_get(&l->nonces, &key))
		return FAIL(e, NONCE, "nonce %llu of the job creator is used or burnt",
			(unsigned long long)h->nonce);
	if (addr_eq(&h->job_creator, &h->provider))
		return FAIL(e, PARTY, "job creator and provider are the same account");
	if (addr_is_zero(&h->job_creator) || addr_is_zero(&h->provider))
		return FAIL(e, PARTY, "a party is the zero account");
	TRY(check_panel(d, e), e);
	return true;
}

/* Room for everything that a later row must be able to credit, so that nothing can fail then. */
static bool reserve(struct ledger *l, const struct deal *d, struct err *e)
{
	const struct addr *who[] = {&d->hot.job_creator, &d->hot.provider, &d->hot.solver, &d->hot.author,
		&sink_account};

	for (size_t i = 0; i < COUNT(who); i++) {
		if (!account_of(l, who[i]))
			return FAIL(e, BUSY, "the ledger holds as many accounts as it can");
	}
	for (uint32_t i = 0; i < d->cold.mediators.n; i++) {
		if (!account_of(l, &d->cold.mediators.v[i]))
			return FAIL(e, BUSY, "the ledger holds as many accounts as it can");
	}
	return true;
}

/* A new entry; false leaves nothing behind but empty accounts. */
static bool enter(struct step *s, const struct deal *d, const struct hash *id, struct slot **out,
	struct err *e)
{
	struct nonce_key key = {.jc = d->hot.job_creator, .nonce = d->hot.nonce};
	struct agreement *live = calloc(1, sizeof *live);
	struct slot *slot = live ? map_put(&s->l->deals, id, NULL) : NULL;
	struct hash *owner = slot ? map_put(&s->l->nonces, &key, NULL) : NULL;

	if (!owner) {
		if (slot)
			map_del(&s->l->deals, id);
		free(live);
		return FAIL(e, BUSY, "the ledger holds as many deals as it can");
	}
	*owner = *id;
	live->hot = d->hot;
	eip712_hash(cold_record(), &d->cold, &live->cold);
	*slot = (struct slot){.live = live, .job_creator = d->hot.job_creator, .provider = d->hot.provider,
		.nonce = d->hot.nonce};
	s->l->live++;
	*out = slot;
	return true;
}

static void leave(struct step *s, const struct deal *d, const struct hash *id)
{
	struct nonce_key key = {.jc = d->hot.job_creator, .nonce = d->hot.nonce};
	struct slot *slot = slot_of(s->l, id);

	free(slot->live);
	map_del(&s->l->deals, id);
	map_del(&s->l->nonces, &key);
	s->l->live--;
}

static void event(struct step *s, const struct hash *id, const struct slot *slot, uint8_t from)
{
	s->ev->deal = *id;
	s->ev->from = from;
	s->ev->to = slot->state;
	s->ev->deadline = slot->deadline;
}

/* 5.1, `open`: anyone, with both signatures. */
bool open_apply(struct step *s, struct err *e)
{
	const struct deal *d = &s->a->deal;
	const struct hot *h = &d->hot;
	struct slot *slot;
	struct hash id;

	eip712_hash(deal_record(), d, &id);
	slot = slot_of(s->l, &id);
	if (slot && slot->state != DEAL_NEGOTIATING)
		return true; /* 4.3: a repetition */
	if (slot)
		return FAIL(e, STATE, "the job creator has agreed by itself: the provider does the same");
	TRY(open_valid(s->l, d, s->now, e), e);
	TRY(ledger_signed(s->l, deal_record(), d, &s->a->jc_sig, &h->job_creator, e), e);
	TRY(ledger_signed(s->l, deal_record(), d, &s->a->rp_sig, &h->provider, e), e);
	TRY(reserve(s->l, d, e), e);
	TRY(enter(s, d, &id, &slot, e), e);
	if (!account_lock(s, &h->job_creator, deal_jc_lock(h), "PAY + JB", e)) {
		leave(s, d, &id);
		return false;
	}
	if (!account_lock(s, &h->provider, h->result_bond, "RB", e)) {
		account_unlock(s, &h->job_creator, deal_jc_lock(h));
		account_credit(s, &h->job_creator, deal_jc_lock(h));
		leave(s, d, &id);
		return false;
	}
	slot = slot_of(s->l, &id);
	slot->live->rp_locked = true;
	slot->state = DEAL_AGREED;
	slot->deadline.s = s->now.s + h->submit_timeout.s;
	event(s, &id, slot, 0);
	return true;
}

/* 5.1, `agree`: the party itself sends it, the JC first. */
bool agree_apply(struct step *s, struct err *e)
{
	const struct deal *d = &s->a->deal;
	const struct hot *h = &d->hot;
	const struct addr *who = &s->a->send.account;
	struct slot *slot;
	struct hash id;

	eip712_hash(deal_record(), d, &id);
	slot = slot_of(s->l, &id);
	if (addr_eq(who, &h->job_creator)) {
		if (slot)
			return FAIL(e, STATE, "the deal is %s already", sm_name(&deal_states, slot->state));
		TRY(open_valid(s->l, d, s->now, e), e);
		TRY(reserve(s->l, d, e), e);
		TRY(enter(s, d, &id, &slot, e), e);
		if (!account_lock(s, who, deal_jc_lock(h), "PAY + JB", e)) {
			leave(s, d, &id);
			return false;
		}
		slot = slot_of(s->l, &id);
		slot->state = DEAL_NEGOTIATING;
		slot->deadline.s = MIN2(s->now.s + h->agree_timeout.s, h->open_by.s);
		event(s, &id, slot, 0);
		return true;
	}
	if (!addr_eq(who, &h->provider))
		return FAIL(e, PARTY, "only the job creator and the provider agree");
	if (!slot || slot->state != DEAL_NEGOTIATING)
		return FAIL(e, STATE, "the job creator has not agreed, or the deal has gone on");
	if (s->now.s >= slot->deadline.s)
		return FAIL(e, TOO_LATE, "the agree timeout has passed");
	TRY(account_lock(s, who, h->result_bond, "RB", e), e);
	slot->live->rp_locked = true;
	slot->state = DEAL_AGREED;
	slot->deadline.s = s->now.s + h->submit_timeout.s;
	event(s, &id, slot, DEAL_NEGOTIATING);
	return true;
}
