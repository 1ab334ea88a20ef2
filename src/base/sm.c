/* sm.c - table-driven state machines. */
#include "base/sm.h"

const struct sm_state *sm_state(const struct sm *m, unsigned value)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->states[i].value == value)
			return &m->states[i];
	}
	return NULL;
}

const char *sm_name(const struct sm *m, unsigned value)
{
	const struct sm_state *s = sm_state(m, value);
	return s ? s->name : "?";
}

bool sm_is_final(const struct sm *m, unsigned value)
{
	const struct sm_state *s = sm_state(m, value);
	return s && (s->flags & SM_FINAL);
}

bool sm_may(const struct sm *m, unsigned from, unsigned to)
{
	const struct sm_state *s = sm_state(m, from);
	return s && to < SM_STATES_MAX && (s->next & SM_BIT(to));
}

bool sm_move(const struct sm *m, uint8_t *state, unsigned to, struct err *e)
{
	if (!sm_may(m, *state, to))
		return FAIL(e, STATE, "%s cannot go from %s to %s", m->name, sm_name(m, *state),
		        sm_name(m, to));
	*state = (uint8_t)to;
	return true;
}
