/* check.c - protocol 5.15 (a) to (c) from scratch, for tests. */
#include <stdlib.h>

#include "codec/hex.h"
#include "ledger/ledger_own.h"

struct sums {
	struct amount free, locked, withdrawing, channels, stakes;
};

static bool same(struct amount is, struct amount must, const char *what, struct err *e)
{
	char a[AMOUNT_DEC_MAX], b[AMOUNT_DEC_MAX];

	if (amount_eq(is, must))
		return true;
	amount_format(is, a);
	amount_format(must, b);
	return FAIL(e, INTERNAL, "%s: %s where %s must be", what, a, b);
}

static void add_accounts(const struct ledger *l, struct sums *s)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&l->accounts, &i, &key, &val);) {
		const struct account *a = val;

		s->free = amount_plus(s->free, a->free);
		s->locked = amount_plus(s->locked, a->locked);
		s->withdrawing = amount_plus(s->withdrawing, a->withdrawing);
		s->stakes = amount_plus(s->stakes, a->stake);
		s->channels = amount_plus(s->channels, a->channels);
	}
}

/* What must be locked for a deal in its state: all of it while it lasts, nothing when it is final. */
static bool deal_locks(const struct agreement *d, struct err *e)
{
	struct amount jc = amount_of(0), rp = amount_of(0);

	if (sm_is_final(&deal_states, d->state)) {
		if (d->hot || d->deadline.s)
			return FAIL(e, INTERNAL, "a final deal keeps its terms or a deadline");
	} else {
		if (!d->hot || d->deadline.s == 0)
			return FAIL(e, INTERNAL,
			        "a deal that is not final has lost its terms or its clock");
		jc = amount_plus(d->hot->pay, d->hot->job_bond);
		if (d->state != DEAL_NEGOTIATING)
			rp = d->hot->result_bond;
	}
	TRY(same(d->jc_lock, jc, "what the job creator has locked", e), e);
	TRY(same(d->rp_lock, rp, "what the provider has locked", e), e);
	return true;
}

static void add(struct map *sums, const void *key, struct amount n)
{
	struct amount *at = map_put(sums, key, NULL);

	assert(at);
	*at = amount_plus(*at, n);
}

static struct amount sum_of(const struct map *sums, const void *key)
{
	const struct amount *at = map_get(sums, key);

	return at ? *at : amount_of(0);
}

/* What lies where, added up from deals and channels. */
struct places {
	struct map locks;    /* account -> of escrow deals */
	struct map channels; /* account -> in channels */
	struct map jc, rp;   /* channel -> locked by its deals */
};

static void places_init(struct places *p)
{
	map_init(&p->locks, sizeof(struct addr), sizeof(struct amount), SIZE_MAX / 4096, 0);
	map_init(&p->channels, sizeof(struct addr), sizeof(struct amount), SIZE_MAX / 4096, 0);
	map_init(&p->jc, sizeof(struct hash), sizeof(struct amount), SIZE_MAX / 4096, 0);
	map_init(&p->rp, sizeof(struct hash), sizeof(struct amount), SIZE_MAX / 4096, 0);
}

static void places_done(struct places *p)
{
	map_done(&p->locks);
	map_done(&p->channels);
	map_done(&p->jc);
	map_done(&p->rp);
}

static bool add_deals(const struct ledger *l, struct places *p, struct err *e)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&l->agreements, &i, &key, &val);) {
		const struct agreement *d = *(struct agreement *const *)val;

		TRY(deal_locks(d, e), e);
		if (!hash_is_zero(&d->channel)) {
			add(&p->jc, &d->channel, d->jc_lock);
			add(&p->rp, &d->channel, d->rp_lock);
			if (!ledger_number_used(l, &d->channel, d->nonce))
				return FAIL(e, INTERNAL, "a deal of a channel has no bit");
			continue;
		}
		add(&p->locks, &d->jc, d->jc_lock);
		add(&p->locks, &d->rp, d->rp_lock);
	}
	return true;
}

static bool add_channels(const struct ledger *l, struct places *p, struct err *e)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&l->channels, &i, &key, &val);) {
		const struct ledger_channel *c = val;

		TRY(same(c->job_lock, sum_of(&p->jc, key), "a channel's locks of its JC", e), e);
		TRY(same(c->rp_lock, sum_of(&p->rp, key), "a channel's locks of its RP", e), e);
		if (c->closed && (!amount_is_zero(c->job) || !amount_is_zero(c->provider)))
			return FAIL(e, INTERNAL, "a closed channel holds a sum");
		add(&p->channels, &c->jc, amount_plus(c->job, c->job_lock));
		add(&p->channels, &c->rp, amount_plus(c->provider, c->rp_lock));
	}
	return true;
}

static bool places_match(const struct ledger *l, struct places *p, struct err *e)
{
	const void *key;
	void *val;

	TRY(add_deals(l, p, e), e);
	TRY(add_channels(l, p, e), e);
	for (size_t i = 0; map_next(&l->accounts, &i, &key, &val);) {
		const struct account *a = val;

		TRY(same(a->locked, sum_of(&p->locks, key), "an account's locks", e), e);
		TRY(same(a->channels, sum_of(&p->channels, key), "an account's channels", e), e);
	}
	return true;
}

bool ledger_check(const struct ledger *l, struct err *e)
{
	struct places p OWN(places_done);
	struct sums s = {0};
	struct amount sum;

	places_init(&p);
	add_accounts(l, &s);
	TRY(same(s.free, l->totals.free, "sum of free", e), e);
	TRY(same(s.locked, l->totals.locked, "sum of locked", e), e);
	TRY(same(s.withdrawing, l->totals.withdrawing, "sum of withdrawing", e), e);
	TRY(same(s.channels, l->totals.channels, "sum of channels", e), e);
	TRY(same(s.stakes, l->totals.stakes, "sum of stakes", e), e);
	sum = amount_plus(amount_plus(s.free, s.locked), amount_plus(s.withdrawing, s.stakes));
	sum = amount_plus(sum, amount_plus(s.channels, l->totals.sink));
	TRY(same(sum, l->totals.supply, "5.15 (a)", e), e);
	TRY(places_match(l, &p, e), e);
	return true;
}
