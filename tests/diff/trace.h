/* trace.h - deals and moves: played, shortened, kept in a file. */
#ifndef LILYPAD_DIFF_TRACE_H
#define LILYPAD_DIFF_TRACE_H

#include "both.h"

#define MOVES_MAX 64 /* of one trace: JSON_VALUE past it */

struct trace {
	struct deal deals[DEALS];
	struct move moves[MOVES_MAX];
	unsigned n;
};

/* What happened, by kind of move. */
struct figures {
	uint64_t traces, moves, differences;
	uint64_t effects[WHATS], nones[WHATS], refused[WHATS], by_one[WHATS];
	uint64_t codes[E_COUNT];
	uint64_t ends[32]; /* deals by the state they ended in */
};

/* Plays it on fresh sides, up to the first difference: then *at is the move's number, and out->differs. f may be
 * NULL. False: the node failed. */
MUST bool trace_play(struct sides *w, const struct trace *t, struct figures *f, unsigned *at,
        struct told *out, struct err *e);
/* The trace of a seed: drawn while it is played, so that its moves fit what happens. */
MUST bool trace_draw(struct sides *w, uint64_t seed, unsigned moves, struct trace *t,
        struct figures *f, struct told *out, struct err *e);
/* Leaves out what it can, as long as the sides still differ; *out is then its difference. */
MUST bool trace_shrink(struct sides *w, struct trace *t, struct told *out, struct err *e);

json_t *trace_to_json(const struct trace *t, const char *note);
MUST bool trace_from_json(const json_t *j, struct trace *out, struct err *e);

#endif
