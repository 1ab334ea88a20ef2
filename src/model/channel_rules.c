/* channel_rules.c - the honest policy of 8.3, and the acceptance of 2.6. */
#include "model/channel_rules.h"

static struct amount plus(struct amount a, struct amount b)
{
	struct amount out;
	bool ok = amount_add(a, b, &out);

	assert(ok);
	return out;
}

struct btime channel_claim_until(const struct hot *h)
{
	return (struct btime){h->open_by.s + h->submit_timeout.s};
}

struct amount channel_draws(const struct hot *h)
{
	return plus(h->pay, h->job_bond);
}

void channel_load_open(struct channel_load *l, struct amount job, struct amount provider)
{
	l->job = plus(l->job, job);
	l->provider = plus(l->provider, provider);
}

void channel_load_owed(struct channel_load *l, struct amount cost)
{
	l->job = plus(l->job, cost);
}

static bool covers(struct amount has, struct amount needs, const char *whose, struct err *e)
{
	char have[AMOUNT_DEC_MAX], need[AMOUNT_DEC_MAX];

	if (amount_cmp(has, needs) >= 0)
		return true;
	amount_format(has, have);
	amount_format(needs, need);
	return FAIL(e, FUNDS, "the %s's sum of the channel is %s, and open deals draw %s on it",
	        whose, have, need);
}

bool channel_covers(const struct channel_sums *c, const struct channel_load *l, struct err *e)
{
	TRY(covers(c->job, l->job, "job creator", e), e);
	TRY(covers(c->provider, l->provider, "provider", e), e);
	return true;
}

bool channel_may_sign(const struct channel_sums *c, const struct channel_load *l,
        const struct hot *h, const struct genesis *g, struct btime now, struct err *e)
{
	uint64_t until = channel_claim_until(h).s;
	struct channel_load with = *l;

	if (c->closed)
		return FAIL(e, STATE, "the channel is closed");
	if (c->close_at.s)
		return FAIL(e, STATE, "the channel is being left: it can be closed from %llu on",
		        (unsigned long long)c->close_at.s);
	if (now.s >= h->open_by.s)
		return FAIL(e, TOO_LATE, "openBy is %llu, and it is %llu",
		        (unsigned long long)h->open_by.s, (unsigned long long)now.s);
	if (until + g->min.s > now.s + g->life.s)
		return FAIL(e, CLOCKS,
		        "the deal can be claimed until %llu, and leaving the channel takes %llu s from %llu",
		        (unsigned long long)until, (unsigned long long)g->life.s,
		        (unsigned long long)now.s);
	channel_load_open(&with, channel_draws(h), h->result_bond);
	return channel_covers(c, &with, e);
}

void channel_acceptance_of(const struct hot *h, const struct hash *deal, const struct hash *result,
        struct amount cost, struct channel_acceptance *out)
{
	*out = (struct channel_acceptance){.deal = *deal,
	        .result = *result,
	        .channel = h->channel,
	        .number = h->nonce,
	        .cost = cost,
	        .royalty = h->royalty,
	        .author = h->author,
	        .solver_share = h->solver_share,
	        .solver = h->solver};
}
