/* honest.c - protocol 5.15 (e): what an honest party does, what the others may do to it, and what it is left
 * with at worst. Everybody else does whatever a signature of its own allows. */
#include "explore.h"

/* ---- who does what ------------------------------------------------------------------------------ */

/* 2.9, tested from top to bottom. */
static unsigned truth(const struct run *r, const struct view_deal *d)
{
	if (!r->sound)
		return RULING_JOB_FAULTY;
	if (!r->served)
		return RULING_RESULT_NOT_FOUND;
	return d->result == WRONG ? RULING_RESULT_WRONG : RULING_RESULT_CORRECT;
}

static bool good(const struct run *r, unsigned result)
{
	return r->served && result == RIGHT;
}

/* It signs one deal, accepts what is right or, without mediation, whatever came, and disputes the rest. */
static bool jc_would(const struct run *r, const struct move *k)
{
	switch (k->what) {
	case DO_AGREE:
	case DO_OPEN: return k->deal == 0;
	case DO_ACCEPT: return !r->mediated || good(r, k->arg);
	case DO_ACCEPT_WITH: return good(r, k->arg);
	case DO_CHECK: return !good(r, k->arg);
	default: return true;
	}
}

/* It signs one deal and the right result. */
static bool rp_would(const struct move *k)
{
	switch (k->what) {
	case DO_AGREE:
	case DO_OPEN: return k->deal == 0;
	case DO_RESULT: return k->arg == RIGHT;
	case DO_ACCEPT_WITH: return k->arg == RIGHT;
	default: return true;
	}
}

bool run_allows(const struct run *r, const struct view *v, const struct move *k)
{
	if (r->pair)
		return k->what != DO_FORGERY && k->what != DO_DRAIN && k->arg != WRONG;
	if (r->honest == PARTIES)
		return true;
	/* That forgeries have no effect in any state is shown where all may do anything. */
	if (k->what == DO_FORGERY)
		return false;
	if (k->what == DO_VERDICT && !r->liar)
		return k->arg == truth(r, &v->deal[k->deal]);
	if (r->honest == JC && (k->actor == BY_JC || k->actor == BY_BOTH))
		return jc_would(r, k);
	if (r->honest == RP &&
	        (k->actor == BY_RP || k->actor == BY_BOTH || k->what == DO_ACCEPT_WITH))
		return rp_would(k);
	return true;
}

bool run_waits(const struct run *r, const struct view *v)
{
	const struct view_deal *d = &v->deal[0];

	if (r->honest == PARTIES || r->late || d->left != 1)
		return false;
	return d->state == (r->honest == JC ? DEAL_RESULTS_SUBMITTED : DEAL_AGREED);
}

/* ---- at worst ----------------------------------------------------------------------------------- */

static int32_t wealth(const struct view *v, unsigned holder)
{
	return v->free[holder] + v->locked[holder] + v->withdrawing[holder];
}

static int32_t after_shares(const struct graph *g, int32_t cost)
{
	const struct hot *h = &g->m.deals[0].hot;

	return cost - cost * h->royalty / 1000 - cost * h->solver_share / 1000;
}

/* False: a state that the text does not allow at all. */
static bool jc_worst(const struct graph *g, const struct view_deal *d, int32_t *worst)
{
	int32_t votes = 0; /* nobody has revealed one when a single mediator passes or is silent */

	switch (d->state) {
	case DEAL_RESULTS_ACCEPTED: *worst = -d->cost; return true;
	case DEAL_MEDIATION_REJECTED: *worst = DAMAGES; return true;
	case DEAL_MEDIATION_JOB_FAULTY: *worst = -JB; return !g->run->sound;
	case DEAL_TIMEOUT_MEDIATE: *worst = -(d->cost + 1) / 2 - votes; return true;
	case DEAL_MEDIATION_ACCEPTED: return false; /* it disputes only what is not right */
	case DEAL_TIMEOUT_JUDGE: return false;      /* it is never late */
	default: *worst = 0; return true;
	}
}

static bool rp_worst(const struct graph *g, const struct view_deal *d, int32_t *worst)
{
	int32_t paid = after_shares(g, d->cost);

	switch (d->state) {
	case DEAL_DECLINED: *worst = -CS; return true;
	case DEAL_RESULTS_ACCEPTED:
	case DEAL_TIMEOUT_JUDGE: *worst = paid; return true;
	case DEAL_MEDIATION_ACCEPTED: *worst = paid + DAMAGES; return true;
	case DEAL_MEDIATION_JOB_FAULTY: *worst = DAMAGES; return true;
	case DEAL_TIMEOUT_MEDIATE: *worst = d->cost / 2; return true;
	case DEAL_MEDIATION_REJECTED: return false; /* what it submits is right, and served */
	case DEAL_TIMEOUT_SUBMIT: return false;     /* it is never late */
	default: *worst = 0; return true;
	}
}

void check_bounds(struct graph *g, const struct step *s)
{
	const struct run *r = g->run;
	const struct view_deal *d = &s->after.deal[0];
	unsigned holder = r->honest == JC ? HOLD_JC : HOLD_RP;
	enum property p = r->honest == JC ? P_HONEST_JC : P_HONEST_RP;
	int32_t worst = 0, gain;

	if (r->honest == PARTIES)
		return;
	gain = wealth(&s->after, holder) - wealth(&g->nodes[0].v, holder);
	if (!(r->honest == JC ? jc_worst(g, d, &worst) : rp_worst(g, d, &worst)))
		holds(g, p, false, s, "the honest party ends where it cannot");
	else
		holds(g, p, gain >= worst, s, "the honest party is left with less than at worst");
}
