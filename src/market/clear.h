/* clear.h - the uniform price of a batch (protocol 3.14, `cleared`): a double auction over pairs that match.
 *
 * The rule, so that anyone can clear a published batch again: job offers bid their ceilings, best bid first
 * (clear_before); each takes what 3.13 chooses of the resource offers that are left, which ask their prices.
 * Of the pairs of one engine class, whose unit is the same, the last is dropped until every bid covers every
 * ask; the price of each component is the middle between the highest ask and the lowest bid. A pair alone
 * always clears, so that a batch of pairs makes at least one deal. Pure. */
#ifndef LILYPAD_MARKET_CLEAR_H
#define LILYPAD_MARKET_CLEAR_H

#include "model/model.h"

struct clear_pair {
	struct prices bid; /* the job offer's ceilings */
	struct prices ask; /* the resource offer's, for that module; none above the bid (3.4) */
};

/* The order of bids: the higher ceiling per instruction, then per job, then per byte, then the lower id. */
MUST bool clear_before(const struct prices *a, const struct hash *a_id, const struct prices *b,
        const struct hash *b_id);

/* How many of the first pairs clear, 1 to n, and the price that they all pay. n is at least 1. */
size_t clear_pairs(const struct clear_pair *v, size_t n, struct prices *out);

#endif
