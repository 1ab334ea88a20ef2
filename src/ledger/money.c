/* money.c - what each row of protocol 5 moves. A row takes all that the deal has locked and gives all of
 * it to somebody; split_sum() in deals.c asserts it to the unit. */
#include "ledger/ledger_own.h"

static struct amount plus(struct amount a, struct amount b)
{
	struct amount r = a;
	bool ok = amount_add(a, b, &r);

	assert(ok); /* amounts are below 2^96 and few are added */
	return r;
}

static struct amount minus(struct amount a, struct amount b)
{
	struct amount r = a;
	bool ok = amount_sub(a, b, &r);

	assert(ok); /* 5.14 has seen to it when the deal was opened */
	return r;
}

struct amount deal_jc_lock(const struct hot *h)
{
	return plus(h->pay, h->job_bond);
}

/* base + price * count + byte price * bytes, saturating at PAY. */
struct amount ledger_cost(const struct hot *h, uint64_t count, uint64_t bytes)
{
	struct amount by_count, by_bytes, sum;

	if (!amount_mul(h->per_instruction, count, &by_count) || !amount_mul(h->per_byte, bytes, &by_bytes) ||
		!amount_add(h->base, by_count, &sum) || !amount_add(sum, by_bytes, &sum))
		return h->pay;
	return amount_min(sum, h->pay);
}

/* COST to RP, author and solver (5.6): shares are rounded down, RP gets the remainder; a share without
 * an account is RP's. */
static void pay_cost(const struct hot *h, struct amount cost, struct split *out)
{
	if (!addr_is_zero(&h->author))
		out->author = amount_per_mille(cost, h->royalty);
	if (!addr_is_zero(&h->solver))
		out->solver = amount_per_mille(cost, h->solver_share);
	out->rp = plus(out->rp, minus(cost, plus(out->author, out->solver)));
}

/* A bond that is lost: fees for the vote, D to the other side, the rest to the sink (5.10 to 5.12). */
static void lose_bond(const struct hot *h, struct amount bond, struct amount *winner, struct split *out)
{
	struct amount rest = minus(minus(bond, h->fee), h->damages);

	out->mediator = h->fee;
	*winner = plus(*winner, h->damages);
	out->sink = rest;
}

/* 5.13: half paid, the bonds back less FEE per revealed vote, half from each, the odd unit from JB. */
static void half(const struct hot *h, struct amount cost, bool voted, struct split *out)
{
	struct amount fee = voted ? h->fee : amount_of(0);
	struct amount from_rp = amount_half(fee);
	struct amount from_jc = minus(fee, from_rp);

	out->rp = plus(amount_half(cost), minus(h->result_bond, from_rp));
	out->jc = plus(minus(h->pay, amount_half(cost)), minus(h->job_bond, from_jc));
	out->mediator = fee;
}

void split_row(const struct hot *h, bool rp_locked, enum deal_state to, struct amount cost, bool voted,
	struct split *out)
{
	struct amount rb = rp_locked ? h->result_bond : amount_of(0);

	*out = (struct split){0};
	switch (to) {
	case DEAL_TIMEOUT_AGREE: /* 5.2 */
	case DEAL_CANCELLED:     /* 5.3 */
		out->jc = deal_jc_lock(h);
		out->rp = rb;
		break;
	case DEAL_TIMEOUT_SUBMIT: /* 5.5 */
	case DEAL_DECLINED:
		out->jc = plus(deal_jc_lock(h), h->late_submit);
		out->rp = minus(rb, h->late_submit);
		break;
	case DEAL_RESULTS_ACCEPTED: /* 5.6 */
		out->rp = rb;
		pay_cost(h, cost, out);
		out->jc = plus(minus(h->pay, cost), h->job_bond);
		break;
	case DEAL_TIMEOUT_JUDGE: /* 5.7 */
		out->rp = plus(rb, h->late_judge);
		pay_cost(h, cost, out);
		out->jc = plus(minus(h->pay, cost), minus(h->job_bond, h->late_judge));
		break;
	case DEAL_MEDIATION_ACCEPTED: /* 5.10 */
		out->rp = rb;
		pay_cost(h, cost, out);
		out->jc = minus(h->pay, cost);
		lose_bond(h, h->job_bond, &out->rp, out);
		break;
	case DEAL_MEDIATION_JOB_FAULTY: /* 5.11 */
		out->jc = h->pay;
		out->rp = rb;
		lose_bond(h, h->job_bond, &out->rp, out);
		break;
	case DEAL_MEDIATION_REJECTED: /* 5.12 */
		out->jc = deal_jc_lock(h);
		lose_bond(h, rb, &out->jc, out);
		break;
	case DEAL_TIMEOUT_MEDIATE: /* 5.13 */
		half(h, cost, voted, out);
		break;
	case DEAL_NEGOTIATING:
	case DEAL_AGREED:
	case DEAL_RESULTS_SUBMITTED:
	case DEAL_RESULTS_CHECKED:
	case DEAL_RULED:
		assert(!"only a final state moves money");
	}
}
