/* deal_rules.h - what 4.2 and 5.14 ask of the numbers of a deal: for the ledger that opens it, and for those
 * who sign what they want to be opened; and what a result costs and an ending pays, for the ledger and those
 * who check it. */
#ifndef LILYPAD_MODEL_DEAL_RULES_H
#define LILYPAD_MODEL_DEAL_RULES_H

#include "model/model.h"

/* The numbers of 3.16 that a deal carries; tolerance, which its spec has, is zero. */
struct terms terms_of_hot(const struct hot *h);
/* m > 0: JB ≥ max(Cj, Φ + D) and RB ≥ max(Cs, Φ + D); m = 0: JB ≥ Cj, RB ≥ Cs. BONDS, naming both values. */
MUST bool bonds_valid(const struct terms *t, struct err *e);
/* Every timeout at least MIN, the longest life of a deal at most LIFE. CLOCKS. Any times: sums never wrap. */
MUST bool timeouts_valid(const struct terms *t, const struct genesis *g, struct err *e);
/* COST (5): base + perInstruction * count + perByte * bytes, at most PAY. Any amounts: sums never wrap. */
struct amount deal_cost(const struct hot *h, uint64_t count, uint64_t bytes);
/* How much of COST a deal pays that ends in that state (5.2 to 5.13); of any other state: nothing. */
struct amount deal_paid(unsigned state, struct amount cost);
/* What of PAY + JB and of RB goes back where it came from, in a final state that paid `paid` of COST; the rest is
 * earned by somebody, or goes to the sink (5.2 to 5.13). Of any other state: nothing. */
void deal_back(const struct hot *h, unsigned state, struct amount paid, struct amount *jc,
        struct amount *rp);
/* The enum deal_state that a ruling ends a deal in (5.10 to 5.12); 0: CannotRule, which rules nothing. */
uint8_t deal_ruled(unsigned ruling);

#endif
