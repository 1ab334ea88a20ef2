/* check.c - protocol 5.15 (a) to (c) from scratch, for tests. */
#include <stdlib.h>

#include "codec/hex.h"
#include "ledger/ledger_own.h"

struct sums {
	struct amount free, locked, withdrawing, stakes;
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

static void lock(struct map *locks, const struct addr *who, struct amount n)
{
	struct amount *at = map_put(locks, who, NULL);

	assert(at);
	*at = amount_plus(*at, n);
}

static bool locks_match(const struct ledger *l, struct map *locks, struct err *e)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&l->agreements, &i, &key, &val);) {
		const struct agreement *d = val;

		TRY(deal_locks(d, e), e);
		lock(locks, &d->jc, d->jc_lock);
		lock(locks, &d->rp, d->rp_lock);
	}
	for (size_t i = 0; map_next(&l->accounts, &i, &key, &val);) {
		const struct amount *at = map_get(locks, key);

		TRY(same(((const struct account *)val)->locked, at ? *at : amount_of(0),
		            "an account's locks", e),
		        e);
	}
	return true;
}

bool ledger_check(const struct ledger *l, struct err *e)
{
	struct map locks OWN(map_done) = {0};
	struct sums s = {0};
	struct amount sum;

	add_accounts(l, &s);
	TRY(same(s.free, l->totals.free, "sum of free", e), e);
	TRY(same(s.locked, l->totals.locked, "sum of locked", e), e);
	TRY(same(s.withdrawing, l->totals.withdrawing, "sum of withdrawing", e), e);
	TRY(same(s.stakes, l->totals.stakes, "sum of stakes", e), e);
	sum = amount_plus(amount_plus(s.free, s.locked), amount_plus(s.withdrawing, s.stakes));
	TRY(same(amount_plus(sum, l->totals.sink), l->totals.supply, "5.15 (a)", e), e);
	map_init(&locks, sizeof(struct addr), sizeof(struct amount), SIZE_MAX / 4096, 0);
	TRY(locks_match(l, &locks, e), e);
	return true;
}
