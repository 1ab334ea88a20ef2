/* deal_rules.c - protocol 4.2, the bonds of 5.14, COST of 5 and what becomes of it. */
#include "model/deal_rules.h"

struct terms terms_of_hot(const struct hot *h)
{
	return (struct terms){
	        .pay = h->pay,
	        .job_bond = h->job_bond,
	        .result_bond = h->result_bond,
	        .late_judge = h->late_judge,
	        .late_submit = h->late_submit,
	        .damages = h->damages,
	        .fee = h->fee,
	        .seats = h->seats,
	        .appeal = h->appeal,
	        .royalty = h->royalty,
	        .solver_share = h->solver_share,
	        .agree_timeout = h->agree_timeout,
	        .submit_timeout = h->submit_timeout,
	        .judge_timeout = h->judge_timeout,
	        .mediate_timeout = h->mediate_timeout,
	};
}

static bool covers(
        struct amount bond, struct amount least, const char *what, const char *why, struct err *e)
{
	char have[AMOUNT_DEC_MAX], need[AMOUNT_DEC_MAX];

	if (amount_cmp(bond, least) >= 0)
		return true;
	amount_format(bond, have);
	amount_format(least, need);
	return FAIL(e, BONDS, "%s is %s, below the %s of %s", what, have, need, why);
}

/* Φ + D. Φ: what all votes of a first panel and an appeal can cost the loser (5). */
static bool dispute_costs(const struct terms *t, struct amount *out)
{
	return amount_mul(t->fee, t->appeal ? 3u * t->seats + 1u : t->seats, out) &&
	       amount_add(*out, t->damages, out);
}

bool bonds_valid(const struct terms *t, struct err *e)
{
	struct amount dispute;

	TRY(covers(t->job_bond, t->late_judge, "jobBond", "lateJudge", e), e);
	TRY(covers(t->result_bond, t->late_submit, "resultBond", "lateSubmit", e), e);
	if (t->seats == 0)
		return true;
	if (!dispute_costs(t, &dispute))
		return FAIL(e, BONDS, "fees and damages overflow");
	TRY(covers(t->job_bond, dispute, "jobBond", "fees and damages", e), e);
	TRY(covers(t->result_bond, dispute, "resultBond", "fees and damages", e), e);
	return true;
}

bool timeouts_valid(const struct terms *t, const struct genesis *g, struct err *e)
{
	const struct {
		const char *name;
		struct btime t;
		unsigned often; /* at most, in the life of a deal */
	} clocks[] = {
	        {"agreeTimeout", t->agree_timeout, 1},
	        {"submitTimeout", t->submit_timeout, 1},
	        {"judgeTimeout", t->judge_timeout, 2},
	        {"mediateTimeout", t->mediate_timeout, t->appeal ? 8 : 6},
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNT(clocks); i++) {
		if (clocks[i].t.s < g->min.s)
			return FAIL(e, CLOCKS, "%s is %llu s, below this ledger's MIN of %llu s",
			        clocks[i].name, (unsigned long long)clocks[i].t.s,
			        (unsigned long long)g->min.s);
	}
	for (size_t i = 0; i < COUNT(clocks) && sum != UINT64_MAX; i++)
		sum = clocks[i].t.s > BTIME_MAX ? UINT64_MAX
		                                : sum + clocks[i].often * clocks[i].t.s;
	if (sum > g->life.s)
		return FAIL(e, CLOCKS,
		        "the timeouts add up to %llu s, above this ledger's LIFE of %llu s",
		        (unsigned long long)sum, (unsigned long long)g->life.s);
	return true;
}

struct amount deal_cost(const struct hot *h, uint64_t count, uint64_t bytes)
{
	struct amount by_count, by_bytes, cost;

	/* What passes 256 bits, as a forged deal may, is above PAY as well. */
	if (amount_mul(h->per_instruction, count, &by_count) &&
	        amount_mul(h->per_byte, bytes, &by_bytes) && amount_add(h->base, by_count, &cost) &&
	        amount_add(cost, by_bytes, &cost))
		return amount_min(cost, h->pay);
	return h->pay;
}

struct amount deal_paid(unsigned state, struct amount cost)
{
	switch (state) {
	case DEAL_RESULTS_ACCEPTED:
	case DEAL_TIMEOUT_JUDGE:
	case DEAL_MEDIATION_ACCEPTED: return cost;
	case DEAL_TIMEOUT_MEDIATE: return amount_half(cost);
	default: return amount_of(0);
	}
}

static struct amount less(struct amount a, struct amount b)
{
	struct amount out = amount_of(0);

	return amount_sub(a, b, &out) ? out : amount_of(0);
}

static struct amount plus(struct amount a, struct amount b)
{
	struct amount out;
	bool ok = amount_add(a, b, &out);

	assert(ok);
	return out;
}

void deal_back(const struct hot *h, unsigned state, struct amount paid, struct amount *jc,
        struct amount *rp)
{
	struct amount left = less(h->pay, paid), none = amount_of(0);

	*jc = plus(left, h->job_bond);
	*rp = h->result_bond;
	switch ((enum deal_state)state) {
	case DEAL_TIMEOUT_AGREE:
	case DEAL_CANCELLED:
	case DEAL_RESULTS_ACCEPTED:
	case DEAL_TIMEOUT_MEDIATE: break;
	case DEAL_TIMEOUT_SUBMIT:
	case DEAL_DECLINED: *rp = less(h->result_bond, h->late_submit); break;
	case DEAL_TIMEOUT_JUDGE: *jc = less(*jc, h->late_judge); break;
	case DEAL_MEDIATION_ACCEPTED:
	case DEAL_MEDIATION_JOB_FAULTY: *jc = left; break;
	case DEAL_MEDIATION_REJECTED: *rp = none; break;
	case DEAL_NEGOTIATING:
	case DEAL_AGREED:
	case DEAL_RESULTS_SUBMITTED:
	case DEAL_RESULTS_CHECKED:
	case DEAL_RULED: *jc = *rp = none; break;
	}
}

uint8_t deal_ruled(unsigned ruling)
{
	switch (ruling) {
	case RULING_RESULT_CORRECT: return DEAL_MEDIATION_ACCEPTED;
	case RULING_JOB_FAULTY: return DEAL_MEDIATION_JOB_FAULTY;
	case RULING_RESULT_NOT_FOUND:
	case RULING_STATUS_WRONG:
	case RULING_RESULT_WRONG:
	case RULING_TOO_MUCH_CHARGED: return DEAL_MEDIATION_REJECTED;
	default: return 0;
	}
}
