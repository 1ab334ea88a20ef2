/* money.c - protocol 5: what moves in each row. A function per row, to be read beside the text; each
 * divides all that is locked for the deal, which money_settle() asserts. */
#include "ledger/ledger_own.h"
#include "model/deal_rules.h"

/* Who gets what. What goes back to where it was locked from is kept apart from what is earned: in a channel
 * the first returns to a sum, the second goes to `free` (8.3). */
struct split {
	struct amount jc, rp; /* back */
	struct amount jc_earns, rp_earns;
	struct amount author, solver, mediator, sink;
};

#define PAY  (d->hot->pay)
#define JB   (d->hot->job_bond)
#define RB   (d->hot->result_bond)
#define CJ   (d->hot->late_judge)
#define CS   (d->hot->late_submit)
#define D    (d->hot->damages)
#define FEE  (d->hot->fee)
#define COST (d->cost)

static struct amount plus(struct amount a, struct amount b)
{
	return amount_plus(a, b);
}

static struct amount less(struct amount a, struct amount b)
{
	return amount_less(a, b);
}

/* ROY and SOL are per mille of COST, each rounded down; RP gets the remainder, and the share of nobody. */
static void pay_cost(const struct agreement *d, struct split *s)
{
	if (!addr_is_zero(&d->author))
		s->author = amount_per_mille(COST, d->hot->royalty);
	if (!addr_is_zero(&d->solver))
		s->solver = amount_per_mille(COST, d->hot->solver_share);
	s->rp_earns = less(COST, plus(s->author, s->solver));
}

/* → TimeoutAgree: whoever agreed gets its lock back. */
static void row_5_2(const struct agreement *d, struct split *s)
{
	s->jc = d->jc_lock;
	s->rp = d->rp_lock;
}

/* → Cancelled: all locks back. */
static void row_5_3(const struct agreement *d, struct split *s)
{
	s->jc = d->jc_lock;
	s->rp = d->rp_lock;
}

/* → TimeoutSubmit, Declined: JC: PAY + JB + Cs; RP: RB − Cs. */
static void row_5_5(const struct agreement *d, struct split *s)
{
	s->jc = plus(PAY, JB);
	s->jc_earns = CS;
	s->rp = less(RB, CS);
}

/* → ResultsAccepted: COST to RP, author, solver; RP: RB; JC: PAY − COST + JB. */
static void row_5_6(const struct agreement *d, struct split *s)
{
	pay_cost(d, s);
	s->rp = RB;
	s->jc = plus(less(PAY, COST), JB);
}

/* → TimeoutJudge: as 5.6, and Cj of JB goes to RP. */
static void row_5_7(const struct agreement *d, struct split *s)
{
	row_5_6(d, s);
	s->rp_earns = plus(s->rp_earns, CJ);
	s->jc = less(s->jc, CJ);
}

/* → MediationAccepted: COST and RB as 5.6; JC: PAY − COST; JB: fees, D to RP, rest to the sink. */
static void row_5_10(const struct agreement *d, struct split *s)
{
	pay_cost(d, s);
	s->rp = RB;
	s->rp_earns = plus(s->rp_earns, D);
	s->jc = less(PAY, COST);
	s->mediator = FEE;
	s->sink = less(less(JB, FEE), D);
}

/* → MediationJobFaulty: JC: PAY; RP: RB; JB: fees, D to RP, rest to the sink. */
static void row_5_11(const struct agreement *d, struct split *s)
{
	s->jc = PAY;
	s->rp = RB;
	s->rp_earns = D;
	s->mediator = FEE;
	s->sink = less(less(JB, FEE), D);
}

/* → MediationRejected: JC: PAY + JB; RB: fees, D to JC, rest to the sink. */
static void row_5_12(const struct agreement *d, struct split *s)
{
	s->jc = plus(PAY, JB);
	s->jc_earns = D;
	s->mediator = FEE;
	s->sink = less(less(RB, FEE), D);
}

/* → TimeoutMediate: ⌊COST/2⌋ to RP, rest of PAY to JC; JB and RB back: a single mediator that let the
 * clock run out, or passed, has revealed no vote. */
static void row_5_13(const struct agreement *d, struct split *s)
{
	s->rp = RB;
	s->rp_earns = amount_half(COST);
	s->jc = plus(less(PAY, amount_half(COST)), JB);
}

/* clang-format off */
static const struct row {
	uint8_t to;
	void (*split)(const struct agreement *d, struct split *s);
} rows[] = {
	{DEAL_TIMEOUT_AGREE,        row_5_2},
	{DEAL_CANCELLED,            row_5_3},
	{DEAL_TIMEOUT_SUBMIT,       row_5_5},
	{DEAL_DECLINED,             row_5_5},
	{DEAL_RESULTS_ACCEPTED,     row_5_6},
	{DEAL_TIMEOUT_JUDGE,        row_5_7},
	{DEAL_MEDIATION_ACCEPTED,   row_5_10},
	{DEAL_MEDIATION_JOB_FAULTY, row_5_11},
	{DEAL_MEDIATION_REJECTED,   row_5_12},
	{DEAL_TIMEOUT_MEDIATE,      row_5_13},
};
/* clang-format on */

static struct amount sum(const struct split *s)
{
	struct amount shares = plus(s->author, s->solver), rest = plus(s->mediator, s->sink);

	struct amount earned = plus(s->jc_earns, s->rp_earns);

	return plus(plus(plus(s->jc, s->rp), earned), plus(shares, rest));
}

/* What was locked leaves the accounts; what returns to them goes where it came from. */
static void release(struct ledger *l, const struct agreement *d, const struct split *s)
{
	if (!hash_is_zero(&d->channel)) {
		channel_unlock(l, d, s->jc, s->rp);
		return;
	}
	money_unlock(l, &d->jc, d->jc_lock);
	money_unlock(l, &d->rp, d->rp_lock);
	l->deal_locks = less(l->deal_locks, plus(d->jc_lock, d->rp_lock));
	money_credit(l, &d->jc, s->jc);
	money_credit(l, &d->rp, s->rp);
}

void money_settle(struct ledger *l, struct agreement *d, unsigned to)
{
	static const struct addr sink = {{0}};
	const struct row *r = rows;
	struct split s = {0};

	while (r->to != to) {
		r++;
		assert(r < rows + COUNT(rows));
	}
	r->split(d, &s);
	assert(amount_eq(sum(&s), plus(d->jc_lock, d->rp_lock)));
	release(l, d, &s);
	d->jc_lock = d->rp_lock = amount_of(0);
	money_credit(l, &d->jc, s.jc_earns);
	money_credit(l, &d->rp, s.rp_earns);
	money_credit(l, &d->author, s.author);
	money_credit(l, &d->solver, s.solver);
	money_credit(l, &d->mediator, s.mediator);
	money_credit(l, &sink, s.sink);
	d->paid = deal_paid(to, COST);
}
