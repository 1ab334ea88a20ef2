/* ends_solver.c - the same for the solver, whose names of tags are others. */
#include "sim.h"
#include "solver/solver_own.h"

bool wire_ends_of_solver(const struct record **r, uint32_t *states)
{
	*r = solver_step_record();
	*states = SM_BIT(MATCH_ENDED) | SM_BIT(MATCH_DISSOLVED);
	return true;
}
