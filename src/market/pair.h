/* pair.h - does one job offer match one resource offer (protocol 3)? Pure; the reference that the
 * order book must agree with. */
#ifndef LILYPAD_MARKET_PAIR_H
#define LILYPAD_MARKET_PAIR_H

#include "base/buf.h"
#include "model/model.h"

enum pair_reason {
#define R(name, value, clause, sentence) PAIR_##name = (value),
#define T(name, value, member, sentence) PAIR_##name = (value),
#include "market/reasons.def"
#undef R
#undef T
	PAIR_REASONS
};

/* "PRICE_BASE", "3.4", "the provider asks more per job"; "?" for an unknown value. */
const char *pair_reason_name(unsigned reason);
const char *pair_reason_clause(unsigned reason);
const char *pair_reason_text(unsigned reason);

/* Which way the job offer's number would have to move. */
enum pair_move {
	PAIR_FIXED,   /* no number decides */
	PAIR_AT_MOST, /* need or less would match */
	PAIR_AT_LEAST /* need or more would match */
};

/* What would have matched (3.15): `have` is what the job offer says, `need` what it would have to say
 * for this condition to hold. Units are those of the field that the reason names; for MEDIATORS counts
 * of mutual mediators, for JC_FUNDS the free balance, for TOO_SLOW seconds of submit timeout. */
struct pair_gap {
	enum pair_reason reason;
	enum pair_move move;
	struct amount have;
	struct amount need;
};

/* Free balances, for 3.12. A deal of a channel draws on none: both sides watch its sums (8.3). */
struct pair_money {
	struct amount jc_free;
	struct amount rp_free;
};

/* The first condition of reasons.def that fails, or PAIR_NONE. money NULL: 3.12 is not tested. gap may
 * be NULL; it is always written. The offers are within the bounds of their records. */
MUST enum pair_reason pair_refusal(const struct job_offer *j, const struct resource_offer *r,
        struct btime now, const struct pair_money *money, struct pair_gap *gap);

/* 3.4: R's prices for a module, its own or the default. */
const struct prices *pair_ask(const struct resource_offer *r, const struct hash *module);
/* 3.14: what a deal of the two would say; for `cleared` the ask, below which no batch price may fall. */
struct prices pair_prices(const struct job_offer *j, const struct resource_offer *r);
/* 3.13: base + per instruction * limit + per byte * limit, saturating at PAY. */
struct amount pair_cost(const struct job_offer *j, const struct prices *p);
/* H(job offer id ‖ resource offer id), the last tie-break of 3.13. */
void pair_rank(const struct hash *job, const struct hash *resource, struct hash *out);

/* 3.8, the least number of mutual mediators that a side wants: its min_mutual, or two thirds of its
 * list (rounded up) where that is 0. */
unsigned pair_min_mutual(unsigned min_mutual, unsigned listed);
/* 3.8, the least number that a panel of m seats needs: m + 3, or 3m + 4 with an appeal. */
unsigned pair_panel_least(unsigned seats, unsigned appeal);
/* The mediators that stand in both offers and are none of JC, RP and solver, in the JC's order. out has
 * room for MEDIATORS_MAX, or is NULL. Returns how many. */
unsigned pair_mutual(const struct job_offer *j, const struct resource_offer *r, struct addr *out);
/* 3.5: an empty list means every WASM module. */
MUST bool pair_runs_module(
        const struct resource_offer *r, const struct hash *module, const char *engine);
/* 3.10: picoseconds * instructions, in whole seconds rounded up; saturates at UINT64_MAX. */
uint64_t pair_run_seconds(uint64_t picoseconds, uint64_t instructions);
/* The other way round: the most picoseconds per instruction that are still in time; UINT64_MAX: any. */
uint64_t pair_slowest(uint64_t seconds, uint64_t instructions);

/* "the provider asks more per job: 7 or more would match, the offer says 5" */
void pair_gap_text(const struct pair_gap *gap, struct buf *out);

#endif
