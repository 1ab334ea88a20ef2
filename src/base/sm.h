/* sm.h - state machines as tables: each state names the states it may become.
 * Only sm_move() changes a state; a test walks all pairs. */
#ifndef LILYPAD_BASE_SM_H
#define LILYPAD_BASE_SM_H

#include "base/err.h"

#define SM_STATES_MAX 32

enum sm_flags { SM_FINAL = 1, SM_FIRST = 2 };

struct sm_state {
	const char *name;
	uint8_t value;
	unsigned flags;
	uint32_t next; /* bit set of the values that may follow */
	const char *meaning;
};
struct sm {
	const char *name;
	const struct sm_state *states;
	size_t n;
};

#define SM_BIT(value) ((uint32_t)1 << (value))

const struct sm_state *sm_state(const struct sm *m, unsigned value); /* NULL when unknown */
const char *sm_name(const struct sm *m, unsigned value);
MUST bool sm_is_final(const struct sm *m, unsigned value);
MUST bool sm_may(const struct sm *m, unsigned from, unsigned to);
/* *state becomes to, or STATE names both states and *state is untouched. */
MUST bool sm_move(const struct sm *m, uint8_t *state, unsigned to, struct err *e);

#endif
