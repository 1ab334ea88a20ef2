/* rank.h - the last tie-break of protocol 3.13, H(job offer id ‖ resource offer id), for many resource
 * offers at once: where prices are equal it is what a match costs. */
#ifndef LILYPAD_MARKET_RANK_H
#define LILYPAD_MARKET_RANK_H

#include "base/defs.h"

#define RANK_LANES 8u

/* out[i] = Keccak-256(job ‖ *resources[i]) for i < n, n at most RANK_LANES. */
void rank_many(
        const struct hash *job, const struct hash *const *resources, unsigned n, struct hash *out);

#endif
