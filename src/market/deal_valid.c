/* deal_valid.c - protocol 4.2 and 5.14 for signers. */
#include "market/deal_valid.h"

#include "codec/hex.h"
#include "market/pair.h"
#include "model/deal_rules.h"

bool terms_valid(const struct terms *t, unsigned mediation, struct err *e)
{
	if (!enum_has(&mediation_names, mediation))
		return FAIL(e, RANGE, "mediation is %u, which is no kind of mediation", mediation);
	if (t->appeal > 1)
		return FAIL(e, RANGE, "appeal is %u, neither 0 nor 1", t->appeal);
	if ((mediation == MEDIATION_NONE) != (t->seats == 0))
		return FAIL(e, PANEL,
		        "seats is %u with mediation %s: 0 seats and `none` go together", t->seats,
		        enum_name(&mediation_names, mediation));
	if (t->seats != 0 && t->seats % 2 == 0)
		return FAIL(e, PANEL, "seats is %u: a panel is odd", t->seats);
	if (t->seats == 0 && t->appeal)
		return FAIL(e, PANEL, "an appeal without a panel");
	if (mediation == MEDIATION_SINGLE && (t->seats != 1 || t->appeal))
		return FAIL(e, PANEL, "a single mediator has 1 seat and no appeal, not %u and %u",
		        t->seats, t->appeal);
	if (mediation == MEDIATION_CONSORTIUM &&
	        pair_panel_least(t->seats, t->appeal) > MEDIATORS_MAX)
		return FAIL(e, PANEL,
		        "%u seats with appeal %u need %u mediators, at most %d can be named",
		        t->seats, t->appeal, pair_panel_least(t->seats, t->appeal), MEDIATORS_MAX);
	if (t->royalty > 1000)
		return FAIL(e, SHARES, "royalty is %u of 1000", t->royalty);
	TRY(bonds_valid(t, e), e);
	return true;
}

static bool panel_valid(const struct deal *d, struct err *e)
{
	const struct hot *h = &d->hot;
	const struct addr *v = d->cold.mediators.v;
	uint32_t n = d->cold.mediators.n;
	uint32_t least = 0;
	char a[ADDR_TEXT_MAX];

	if (h->mediation == MEDIATION_CONSORTIUM)
		least = pair_panel_least(h->seats, h->appeal);
	else if (h->mediation == MEDIATION_SINGLE)
		least = 1;
	if (n < least || n > MEDIATORS_MAX || (h->mediation == MEDIATION_NONE && n > 0) ||
	        (h->mediation == MEDIATION_SINGLE && n != 1))
		return FAIL(e, PANEL, "%u mediators are named; %s with %u seats needs %u", n,
		        enum_name(&mediation_names, h->mediation), h->seats, least);
	for (uint32_t i = 0; i < n; i++) {
		addr_format(&v[i], a);
		if (i > 0 && addr_cmp(&v[i - 1], &v[i]) >= 0)
			return FAIL(
			        e, PANEL, "the mediators are not sorted, or %s stands twice", a);
		if (addr_eq(&v[i], &h->job_creator) || addr_eq(&v[i], &h->provider) ||
		        addr_eq(&v[i], &h->solver))
			return FAIL(e, PANEL, "mediator %s is a party of the deal", a);
	}
	return true;
}

bool deal_valid(const struct deal *d, struct err *e)
{
	const struct hot *h = &d->hot;
	struct terms t = terms_of_hot(h);

	TRY(terms_valid(&t, h->mediation, e), e);
	if ((unsigned)h->royalty + h->solver_share > 1000)
		return FAIL(e, SHARES, "royalty %u and solverShare %u exceed 1000", h->royalty,
		        h->solver_share);
	if (addr_eq(&h->job_creator, &h->provider))
		return FAIL(e, PANEL, "job creator and provider are the same account");
	TRY(panel_valid(d, e), e);
	return true;
}

bool deal_open_in_time(
        const struct deal *d, const struct genesis *g, struct btime now, struct err *e)
{
	const struct hot *h = &d->hot;
	struct terms t = terms_of_hot(h);
	uint64_t ahead;

	TRY(timeouts_valid(&t, g, e), e);
	if (now.s >= h->open_by.s)
		return FAIL(e, TOO_LATE,
		        "the deal had to be opened before %llu; the ledger's time is %llu",
		        (unsigned long long)h->open_by.s, (unsigned long long)now.s);
	ahead = h->open_by.s > BTIME_MAX ? UINT64_MAX
	                                 : h->open_by.s - now.s + h->submit_timeout.s + g->min.s;
	if (ahead > g->life.s)
		return FAIL(e, CLOCKS,
		        "openBy with submit timeout and MIN lies %llu s ahead, more than LIFE, %llu s",
		        (unsigned long long)ahead, (unsigned long long)g->life.s);
	return true;
}
