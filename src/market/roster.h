/* roster.h - the open offers in order of their sequence, with the Merkle root over their ids that a
 * Match names (protocol 1.2, 2.0.2). Only what lies behind the first change is hashed again. */
#ifndef LILYPAD_MARKET_ROSTER_H
#define LILYPAD_MARKET_ROSTER_H

#include "base/defs.h"

#define ROSTER_LEVELS 32

struct roster_line {
	uint64_t sequence;
	struct hash id;
	bool gone; /* taken out, and not closed up yet */
};

struct roster {
	struct roster_line *lines;
	size_t n, cap;
	size_t gone;
	size_t dirty; /* lines from here on have changed since the last root */
	struct hash *level[ROSTER_LEVELS];
	size_t level_cap[ROSTER_LEVELS];
	uint64_t last; /* the highest sequence that was ever added */
};

void roster_init(struct roster *r);
void roster_done(struct roster *r);
/* Sequences ascend. False: out of memory. */
MUST bool roster_add(struct roster *r, uint64_t sequence, const struct hash *id);
/* False when no open offer has that sequence. */
bool roster_remove(struct roster *r, uint64_t sequence);
/* merkle_root() of the ids in order; all zero when there are none. False: out of memory. */
MUST bool roster_root(struct roster *r, struct hash *out);
/* How many lines the next roster_root() hashes again. */
size_t roster_work(const struct roster *r);

#endif
