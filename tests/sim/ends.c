/* ends.c - which rows of a role say that something is under way, and in which states it is not any more. */
#include "creator/creator.h"
#include "directory/directory.h"
#include "mediator/mediator.h"
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
	case NODE_MEDIATOR: return wire_ends_of_mediator(r, states);
	case NODE_LEDGER:
	case NODE_DIRECTORY:
	case NODE_RUN: break;
	}
	return false;
}

/* ---- what is done wrong on purpose ------------------------------------------------------------------------ */

struct mode {
	enum node_kind kind;
	const char *name;
	unsigned value;
};

/* clang-format off */
static const struct mode modes[] = {
	{NODE_MEDIATOR,  "lies",            MEDIATOR_LIES},
	{NODE_MEDIATOR,  "dies",            MEDIATOR_DIES},
	{NODE_MEDIATOR,  "cannot-fetch",    MEDIATOR_CANNOT_FETCH},
	{NODE_PROVIDER,  "wrong-output",    PROVIDER_WRONG_OUTPUT},
	{NODE_PROVIDER,  "wrong-count",     PROVIDER_WRONG_COUNT},
	{NODE_PROVIDER,  "wrong-status",    PROVIDER_WRONG_STATUS},
	{NODE_PROVIDER,  "lazy",            PROVIDER_LAZY},
	{NODE_PROVIDER,  "never-publishes", PROVIDER_NEVER_PUBLISHES},
	{NODE_PROVIDER,  "hides",           PROVIDER_HIDES},
	{NODE_PROVIDER,  "declines-late",   PROVIDER_DECLINES_LATE},
	{NODE_PROVIDER,  "never-signs",     PROVIDER_NEVER_SIGNS},
	{NODE_PROVIDER,  "never-opens",     PROVIDER_NEVER_OPENS},
	{NODE_PROVIDER,  "never-runs",      PROVIDER_NEVER_RUNS},
	{NODE_PROVIDER,  "never-submits",   PROVIDER_NEVER_SUBMITS},
	{NODE_CREATOR,   "withholds",       CREATOR_WITHHOLDS},
	{NODE_CREATOR,   "rejects-falsely", CREATOR_REJECTS_FALSELY},
	{NODE_CREATOR,   "never-judges",    CREATOR_NEVER_JUDGES},
	{NODE_DIRECTORY, "never-serves",    DIRECTORY_NEVER_SERVES},
};
/* clang-format on */

bool wire_modes_known(const struct scenario *sc, struct err *e)
{
	for (size_t i = 0; i < sc->parties_n; i++) {
		const struct party *p = &sc->parties[i];

		if (p->misbehaves[0] && wire_mode(p) == 0)
			return FAIL(e, CONFIG, "%s: %s cannot misbehave as \"%s\"", sc->file,
			        p->name, p->misbehaves);
	}
	return true;
}

unsigned wire_mode(const struct party *p)
{
	for (size_t i = 0; i < COUNT(modes); i++) {
		if (modes[i].kind == p->kind && strcmp(modes[i].name, p->misbehaves) == 0)
			return modes[i].value;
	}
	return 0;
}
