/* accounts.c - balances. Every movement has two sides and keeps the counters of 5.15 (a) beside it. */
#include "codec/hex.h"
#include "ledger/ledger_own.h"

struct amount amount_plus(struct amount a, struct amount b)
{
	struct amount out;
	bool ok = amount_add(a, b, &out);

	assert(ok);
	return out;
}

struct amount amount_less(struct amount a, struct amount b)
{
	struct amount out;
	bool ok = amount_sub(a, b, &out);

	assert(ok);
	return out;
}

static void more(struct amount *at, struct amount n)
{
	*at = amount_plus(*at, n);
}

static void less(struct amount *at, struct amount n)
{
	*at = amount_less(*at, n);
}

struct account *account_get(const struct ledger *l, const struct addr *who)
{
	return map_get(&l->accounts, who);
}

static struct account *known(const struct ledger *l, const struct addr *who)
{
	struct account *a = account_get(l, who);

	assert(a);
	return a;
}

bool account_ready(struct ledger *l, const struct addr *who, struct err *e)
{
	/* The sink is no account. */
	if (addr_is_zero(who) || map_put(&l->accounts, who, NULL))
		return true;
	return FAIL(e, BUSY, "this ledger has no room for another account beside its %zu",
	        l->accounts.n);
}

bool account_covers(const struct ledger *l, const struct addr *who, struct amount need,
        const char *what, struct err *e)
{
	const struct account *a = account_get(l, who);
	struct amount has = a ? a->free : amount_of(0);
	char name[ADDR_TEXT_MAX], have[AMOUNT_DEC_MAX], want[AMOUNT_DEC_MAX];

	if (amount_cmp(has, need) >= 0)
		return true;
	addr_format(who, name);
	amount_format(has, have);
	amount_format(need, want);
	return FAIL(e, FUNDS, "%s has %s free, %s takes %s", name, have, what, want);
}

void account_touch(struct ledger *l, const struct addr *who)
{
	for (uint32_t i = 0; i < l->touched_n; i++) {
		if (addr_eq(&l->touched[i], who))
			return;
	}
	assert(l->touched_n < LEDGER_CHANGES_MAX);
	l->touched[l->touched_n++] = *who;
}

void money_deposit(struct ledger *l, const struct addr *to, struct amount n)
{
	more(&l->totals.supply, n);
	money_credit(l, to, n);
	account_touch(l, to);
}

void money_lock(struct ledger *l, const struct addr *who, struct amount n)
{
	struct account *a = known(l, who);

	less(&a->free, n);
	less(&l->totals.free, n);
	more(&a->locked, n);
	more(&l->totals.locked, n);
	account_touch(l, who);
}

void money_unlock(struct ledger *l, const struct addr *who, struct amount n)
{
	struct account *a = known(l, who);

	less(&a->locked, n);
	less(&l->totals.locked, n);
	account_touch(l, who);
}

void money_credit(struct ledger *l, const struct addr *to, struct amount n)
{
	if (amount_is_zero(n))
		return;
	if (addr_is_zero(to)) {
		more(&l->totals.sink, n);
	} else {
		more(&known(l, to)->free, n);
		more(&l->totals.free, n);
	}
	account_touch(l, to);
}

void money_to_withdrawing(struct ledger *l, const struct addr *who, struct amount n)
{
	struct account *a = known(l, who);

	less(&a->free, n);
	less(&l->totals.free, n);
	more(&a->withdrawing, n);
	more(&l->totals.withdrawing, n);
	account_touch(l, who);
}

void money_withdraw(struct ledger *l, const struct addr *who, struct amount n)
{
	struct account *a = known(l, who);

	less(&a->withdrawing, n);
	less(&l->totals.withdrawing, n);
	less(&l->totals.supply, n);
	account_touch(l, who);
}

void money_to_channel(struct ledger *l, const struct addr *who, struct amount n)
{
	struct account *a = known(l, who);

	less(&a->free, n);
	less(&l->totals.free, n);
	more(&a->channels, n);
	more(&l->totals.channels, n);
	account_touch(l, who);
}

void money_from_channel(struct ledger *l, const struct addr *who, struct amount n)
{
	less(&known(l, who)->channels, n);
	less(&l->totals.channels, n);
	account_touch(l, who);
}

void money_to_stake(struct ledger *l, const struct addr *who, struct amount n)
{
	struct account *a = known(l, who);

	less(&a->free, n);
	less(&l->totals.free, n);
	more(&a->stake, n);
	more(&l->totals.stakes, n);
	account_touch(l, who);
}

void money_from_stake(struct ledger *l, const struct addr *who, struct amount n)
{
	struct account *a = known(l, who);

	less(&a->stake, n);
	less(&l->totals.stakes, n);
	more(&a->withdrawing, n);
	more(&l->totals.withdrawing, n);
	account_touch(l, who);
}

void ledger_account(const struct ledger *l, const struct addr *who, struct btime now,
        struct ledger_account *out)
{
	const struct account *a = account_get(l, who);
	bool changed;

	*out = (struct ledger_account){.payout = *who, .job_nonce = 1};
	if (addr_is_zero(who))
		out->free = l->totals.sink;
	if (!a)
		return;
	out->free = a->free;
	out->locked = a->locked;
	out->withdrawing = a->withdrawing;
	out->stake = a->stake;
	out->channels = a->channels;
	out->withdraw_at = amount_is_zero(a->withdrawing) ? (struct btime){0} : a->withdraw_at;
	out->send_nonce = a->send_nonce;
	out->job_nonce = MAX2(a->job_nonce, (uint64_t)1);
	out->paused = a->paused;
	changed = !addr_is_zero(&a->next_payout) && now.s >= a->payout_at.s;
	if (changed)
		out->payout = a->next_payout;
	else if (!addr_is_zero(&a->payout))
		out->payout = a->payout;
	if (!changed && !addr_is_zero(&a->next_payout)) {
		out->next_payout = a->next_payout;
		out->payout_at = a->payout_at;
	}
}
