/* open.c - protocol 5.1, by `open` and by `agree`, and what 5.14 refuses. */
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "ledger/ledger_own.h"
#include "model/deal_rules.h"
#include "model/parts.h"

/* ---- 5.14 --------------------------------------------------------------------------------------- */

static bool seats_fit(const struct deal *d, struct err *e)
{
	const struct hot *h = &d->hot;

	if (h->seats != 0 && h->seats % 2 == 0)
		return FAIL(e, PANEL, "seats is %u: a panel is odd", h->seats);
	if ((h->seats == 0) != (d->cold.determinism == DETERMINISM_NONE))
		return FAIL(e, PANEL, "seats is %u in class %s: 0 seats and class none go together",
		        h->seats, enum_name(&determinism_names, d->cold.determinism));
	if ((h->seats == 0) != (h->mediation == MEDIATION_NONE))
		return FAIL(e, PANEL, "seats is %u with mediation %s: 0 seats and none go together",
		        h->seats, enum_name(&mediation_names, h->mediation));
	return true;
}

/* Bonds, then shares and clocks (4.2). */
static bool numbers_fit(const struct hot *h, const struct genesis *g, struct err *e)
{
	struct terms t = terms_of_hot(h);

	if (h->seats == 0 && h->appeal != 0)
		return FAIL(e, PANEL, "appeal is %u, and there is no panel", h->appeal);
	TRY(bonds_valid(&t, e), e);
	if (h->royalty + h->solver_share > 1000)
		return FAIL(e, SHARES, "royalty %u and solverShare %u are together above 1000",
		        h->royalty, h->solver_share);
	TRY(timeouts_valid(&t, g, e), e);
	return true;
}

/* m = 1, a = 0 and one name for SingleMediator, no name without mediation; never a party. */
static bool mediators_fit(const struct deal *d, struct err *e)
{
	const struct hot *h = &d->hot;
	const struct addr *m = &d->cold.mediators.v[0];
	uint32_t want = h->mediation == MEDIATION_SINGLE ? 1 : 0;
	char name[ADDR_TEXT_MAX];

	if (d->cold.mediators.n != want)
		return FAIL(e, PANEL, "%u mediators are named, mediation %s wants %u",
		        d->cold.mediators.n, enum_name(&mediation_names, h->mediation), want);
	if (want == 0)
		return true;
	if (h->seats != 1 || h->appeal != 0)
		return FAIL(e, PANEL, "a single mediator has 1 seat and no appeal, not %u and %u",
		        h->seats, h->appeal);
	addr_format(m, name);
	if (addr_is_zero(m) || addr_eq(m, &h->job_creator) || addr_eq(m, &h->provider) ||
	        addr_eq(m, &h->solver))
		return FAIL(e, PANEL,
		        "%s cannot be the mediator: it is a party of the deal, or nobody", name);
	return true;
}

static bool nonce_free(const struct ledger *l, const struct hot *h, struct err *e)
{
	char name[ADDR_TEXT_MAX];

	if (!ledger_nonce_used(l, &h->job_creator, h->nonce))
		return true;
	addr_format(&h->job_creator, name);
	return FAIL(e, NONCE, "nonce %llu of %s is used or burnt: a job offer opens one deal",
	        (unsigned long long)h->nonce, name);
}

bool terms_admitted(const struct step *s, const struct deal *d, struct btime open_by, struct err *e)
{
	TRY(seats_fit(d, e), e);
	TRY(numbers_fit(&d->hot, &s->l->genesis, e), e);
	if (s->now.s < open_by.s)
		return true;
	return FAIL(e, TOO_LATE, "the deal had to come before %llu, and it is %llu",
	        (unsigned long long)open_by.s, (unsigned long long)s->now.s);
}

bool parties_admitted(const struct deal *d, struct err *e)
{
	if (addr_eq(&d->hot.job_creator, &d->hot.provider))
		return FAIL(e, PARTY, "job creator and provider are one account");
	TRY(mediators_fit(d, e), e);
	return true;
}

/* In the order of its text. */
static bool may_open(const struct step *s, const struct deal *d, struct err *e)
{
	TRY(terms_admitted(s, d, d->hot.open_by, e), e);
	TRY(nonce_free(s->l, &d->hot, e), e);
	TRY(parties_admitted(d, e), e);
	return true;
}

/* ---- a deal comes onto the ledger --------------------------------------------------------------- */

/* Every account that it can ever pay exists from here on. */
static bool accounts_ready(struct ledger *l, const struct deal *d, struct err *e)
{
	TRY(account_ready(l, &d->hot.job_creator, e), e);
	TRY(account_ready(l, &d->hot.provider, e), e);
	TRY(account_ready(l, &d->hot.author, e), e);
	TRY(account_ready(l, &d->hot.solver, e), e);
	if (d->cold.mediators.n)
		TRY(account_ready(l, &d->cold.mediators.v[0], e), e);
	return true;
}

static void fill(struct agreement *a, const struct deal *d, const struct hash *id)
{
	struct hot *hot = a->hot;

	*hot = d->hot;
	*a = (struct agreement){.id = *id,
	        .jc = d->hot.job_creator,
	        .rp = d->hot.provider,
	        .solver = d->hot.solver,
	        .author = d->hot.author,
	        .channel = d->hot.channel,
	        .nonce = d->hot.nonce,
	        .hot = hot};
	if (d->cold.mediators.n)
		a->mediator = d->cold.mediators.v[0];
	eip712_hash(cold_record(), &d->cold, &a->cold);
}

/* (JC, nonce) is the key of an escrow deal; a number is guarded by its bit (8.4). BUSY. */
static bool take_key(struct ledger *l, const struct hot *h, struct agreement *a, struct err *e)
{
	struct nonce_key key;
	struct agreement **of;

	if (!hash_is_zero(&h->channel))
		return number_take(l, channel_get(l, &h->channel), h->nonce, e);
	nonce_key(&h->job_creator, h->nonce, &key);
	of = map_put(&l->nonces, &key, NULL);
	if (!of)
		return FAIL(e, BUSY, "this ledger has no room for another job nonce");
	*of = a;
	use_nonce(l, &h->job_creator, h->nonce);
	return true;
}

bool deal_record_new(struct step *s, const struct deal *d, const struct hash *id,
        struct agreement **out, struct err *e)
{
	struct ledger *l = s->l;
	struct agreement *a, **at;

	TRY(accounts_ready(l, d, e), e);
	a = calloc(1, sizeof *a);
	if (a)
		a->hot = malloc(sizeof *a->hot);
	at = a && a->hot ? map_put(&l->agreements, id, NULL) : NULL;
	if (!at) {
		agreement_free(a);
		return FAIL(e, BUSY, "this ledger has no room for another deal beside its %zu",
		        l->agreements.n);
	}
	if (!take_key(l, &d->hot, a, e)) {
		map_del(&l->agreements, id);
		agreement_free(a);
		return false;
	}
	*at = a;
	fill(a, d, id);
	*out = a;
	return true;
}

static void jc_locks(struct step *s, struct agreement *a)
{
	a->jc_lock = amount_plus(a->hot->pay, a->hot->job_bond);
	s->l->deal_locks = amount_plus(s->l->deal_locks, a->jc_lock);
	money_lock(s->l, &a->jc, a->jc_lock);
}

static void rp_locks(struct step *s, struct agreement *a)
{
	a->rp_lock = a->hot->result_bond;
	a->rp_agreed = true;
	s->l->deal_locks = amount_plus(s->l->deal_locks, a->rp_lock);
	money_lock(s->l, &a->rp, a->rp_lock);
}

static bool jc_covers(const struct step *s, const struct hot *h, struct err *e)
{
	return account_covers(
	        s->l, &h->job_creator, amount_plus(h->pay, h->job_bond), "PAY + jobBond", e);
}

static bool rp_covers(const struct step *s, const struct hot *h, struct err *e)
{
	return account_covers(s->l, &h->provider, h->result_bond, "resultBond", e);
}

bool deal_offered(struct step *s, const struct hot *h, struct err *e)
{
	return h->mediation != MEDIATION_CONSORTIUM || no_consortium(s, e);
}

static bool from_negotiating(const struct agreement *a, struct err *e)
{
	if (a->state == DEAL_NEGOTIATING)
		return true;
	return FAIL(e, STATE, "the deal is %s: it cannot be agreed any more",
	        sm_name(&deal_states, a->state));
}

static bool until_agreed(const struct step *s, const struct agreement *a, struct err *e)
{
	if (s->now.s < a->deadline.s)
		return true;
	return FAIL(e, TOO_LATE, "the provider had to agree before %llu, and it is %llu",
	        (unsigned long long)a->deadline.s, (unsigned long long)s->now.s);
}

/* `open`: anyone, with both signatures; also where the JC has agreed already, whose lock stands then. */
bool apply_open(struct step *s, struct err *e)
{
	const struct deal *d = &s->a->deal;
	struct agreement *a;
	struct hash id;

	TRY(document_in_bounds(deal_record(), d, e), e);
	if (!hash_is_zero(&d->hot.channel))
		return FAIL(e, STATE,
		        "a deal of a channel needs no open, and only its job creator sends one");
	TRY(deal_offered(s, &d->hot, e), e);
	eip712_hash(deal_record(), d, &id);
	a = agreement_get(s->l, &id);
	if (a && a->rp_agreed)
		return true;
	if (a)
		TRY(from_negotiating(a, e), e);
	TRY(document_signed(s->l, &id, &s->a->jc_sig, &d->hot.job_creator, "Deal", e), e);
	TRY(document_signed(s->l, &id, &s->a->rp_sig, &d->hot.provider, "Deal", e), e);
	if (a)
		TRY(until_agreed(s, a, e), e);
	else
		TRY(jc_covers(s, &d->hot, e), e);
	TRY(rp_covers(s, &d->hot, e), e);
	if (!a) {
		TRY(may_open(s, d, e), e);
		TRY(deal_record_new(s, d, &id, &a, e), e);
		jc_locks(s, a);
	}
	rp_locks(s, a);
	step_move(s, a, DEAL_AGREED, d->hot.submit_timeout.s);
	return true;
}

static bool jc_agrees(struct step *s, struct err *e)
{
	const struct deal *d = &s->a->deal;
	uint64_t timeout = d->hot.agree_timeout.s;
	struct agreement *a;

	TRY(jc_covers(s, &d->hot, e), e);
	TRY(may_open(s, d, e), e);
	TRY(deal_record_new(s, d, &s->body, &a, e), e);
	jc_locks(s, a);
	/* 5.2: from the agree timeout, or from openBy if that is earlier. */
	step_move(s, a, DEAL_NEGOTIATING, MIN2(timeout, d->hot.open_by.s - s->now.s));
	return true;
}

/* The Send itself is in order, and the deal in bounds and offered. JC first: nobody else can take the key (JC,
 * nonce). */
bool apply_agree(struct step *s, struct err *e)
{
	const struct hot *h = &s->a->deal.hot;
	const struct addr *who = &s->a->send.account;
	bool is_jc = addr_eq(who, &h->job_creator), is_rp = addr_eq(who, &h->provider);
	char name[ADDR_TEXT_MAX];
	struct agreement *a;

	if (!hash_is_zero(&h->channel))
		return apply_open_in(s, e);
	a = agreement_get(s->l, &s->body);
	if (a && (is_jc || (is_rp && a->rp_agreed)))
		return true;
	if (a)
		TRY(from_negotiating(a, e), e);
	addr_format(who, name);
	if (!is_jc && !is_rp)
		return FAIL(e, PARTY, "%s is neither job creator nor provider of the deal", name);
	if (is_jc)
		return jc_agrees(s, e);
	if (!a)
		return FAIL(
		        e, STATE, "the job creator has not agreed: a provider cannot be the first");
	TRY(until_agreed(s, a, e), e);
	TRY(rp_covers(s, h, e), e);
	rp_locks(s, a);
	step_move(s, a, DEAL_AGREED, h->submit_timeout.s);
	return true;
}
