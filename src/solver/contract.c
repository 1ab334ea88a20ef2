/* contract.c - job creators that are contracts (protocol 1.1): another key signs for them and listens, and the money of
 * a job that is not open yet is with them, not on the ledger. */
#include "codec/hex.h"
#include "port/peer.h"
#include "solver/solver_own.h"

/* More than any deal locks: the contract itself lets a job have what was ordered for it and no more. */
static struct amount no_limit(void)
{
	uint8_t be[32] = {0};

	memset(be + 20, 0xff, 12);
	return amount_from_be(be);
}

bool contract_known(const struct solver *s, const struct addr *account)
{
	return map_get(&s->contracts, account) != NULL;
}

bool contract_remember(struct solver *s, const struct addr *account, struct err *e)
{
	if (!map_put(&s->contracts, account, NULL))
		return FAIL(e, BUSY, "more than %d contracts that buy jobs", CONTRACTS_MAX);
	return book_set_balance(s->book, account, no_limit(), e);
}

bool contract_recall(
        struct solver *s, const struct hash *offer, const struct job_offer *o, struct err *e)
{
	struct solver_offer row = {.id = *offer};
	struct addr key;

	if (!s->world->contracts.ask || !solver_get(s, solver_offer_record(), &row))
		return true;
	key = key_of(&s->c.domain, job_offer_record(), o, &row.sig);
	return addr_eq(&key, &o->job_creator) || contract_remember(s, &o->job_creator, e);
}

bool contract_pays(struct solver *s, const struct job_offer *o, struct amount funds, struct err *e)
{
	char n[AMOUNT_DEC_MAX], h[AMOUNT_DEC_MAX];
	struct amount need;

	if (!amount_add(o->terms.pay, o->terms.job_bond, &need))
		return FAIL(e, RANGE, "PAY + JB overflows");
	if (amount_cmp(funds, need) >= 0)
		return contract_remember(s, &o->job_creator, e);
	amount_format(need, n);
	amount_format(funds, h);
	return FAIL(e, FUNDS, "the job locks %s (PAY + JB), %s was ordered for it", n, h);
}

struct addr jc_key(struct solver *s, const struct solver_deal *d)
{
	struct solver_offer row = {.id = d->deal.cold.job_offer};
	struct solver_filed job;

	if (!contract_known(s, &d->job_creator) || !solver_get(s, solver_offer_record(), &row))
		return d->job_creator;
	if (!job_document(s, &row.id, &job))
		return d->job_creator;
	return key_of(&s->c.domain, job_offer_record(), &job.offer, &row.sig);
}

bool is_jc(struct solver *s, const struct solver_deal *d, const struct addr *who)
{
	struct addr key;

	if (addr_eq(who, &d->job_creator))
		return true;
	key = jc_key(s, d);
	return !addr_is_zero(who) && addr_eq(who, &key);
}
