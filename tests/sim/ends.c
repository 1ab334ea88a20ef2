/* ends.c - which rows of a role say that something is under way, and in which states it is not any more. */
#include "creator/creator.h"
#include "provider/provider_own.h"
#include "sim.h"

bool wire_ends(enum node_kind kind, const struct record **r, uint32_t *states)
{
	switch (kind) {
	case NODE_CREATOR:
		*r = creator_job_record();
		*states = SM_BIT(JOB_DONE) | SM_BIT(JOB_FAILED) | SM_BIT(JOB_CANCELLED);
		return true;
	case NODE_PROVIDER:
		*r = provider_work_record();
		*states = SM_BIT(WORK_DONE) | SM_BIT(WORK_LOST);
		return true;
	case NODE_SOLVER: return wire_ends_of_solver(r, states);
	case NODE_LEDGER:
	case NODE_DIRECTORY:
	case NODE_RUN: break;
	}
	return false;
}
