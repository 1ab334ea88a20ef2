/* misbehave.c - the tables of what can be done wrong on purpose, and who may. */
#include "cli/misbehave.h"

#include <string.h>

#include "creator/creator.h"
#include "directory/directory.h"
#include "mediator/mediator.h"
#include "provider/provider.h"

/* clang-format off */
static const struct misbehaviour of_mediator[] = {
	{"lies",         MEDIATOR_LIES,         "rules the opposite of what it found"},
	{"dies",         MEDIATOR_DIES,         "takes a dispute up and never answers"},
	{"cannot-fetch", MEDIATOR_CANNOT_FETCH, "passes every dispute, as if no source gave anything"},
};

static const struct misbehaviour of_provider[] = {
	{"wrong-output",     PROVIDER_WRONG_OUTPUT,    "delivers an output that is not the job's"},
	{"wrong-count",      PROVIDER_WRONG_COUNT,     "charges twice the instructions"},
	{"wrong-status",     PROVIDER_WRONG_STATUS,    "says that the program trapped"},
	{"lazy",             PROVIDER_LAZY,            "runs one job and sells its output again and again"},
	{"never-publishes",  PROVIDER_NEVER_PUBLISHES, "submits results whose output no directory has"},
	{"hides",            PROVIDER_HIDES,           "shows its results to the ledger and the directory only"},
	{"declines-late",    PROVIDER_DECLINES_LATE,   "runs nothing and declines when the deadline is near"},
	{"never-signs",      PROVIDER_NEVER_SIGNS,     "leaves deals unsigned"},
	{"never-opens",      PROVIDER_NEVER_OPENS,     "signs deals and forgets them"},
	{"never-runs",       PROVIDER_NEVER_RUNS,      "takes deals and does nothing more"},
	{"never-submits",    PROVIDER_NEVER_SUBMITS,   "runs the jobs and keeps the results"},
};
static const struct misbehaviour of_creator[] = {
	{"withholds",        CREATOR_WITHHOLDS,        "offers jobs whose program and inputs nobody gets"},
	{"rejects-falsely",  CREATOR_REJECTS_FALSELY,  "disputes right results"},
	{"never-judges",     CREATOR_NEVER_JUDGES,     "neither accepts nor disputes"},
};
static const struct misbehaviour of_directory[] = {
	{"never-serves",     DIRECTORY_NEVER_SERVES,   "signs that it stores an output and gives it to nobody"},
};

static const struct {
	const char *role;
	const struct misbehaviour *rows;
	size_t n;
} roles[] = {
	{"provider",  of_provider,  COUNT(of_provider)},
	{"creator",   of_creator,   COUNT(of_creator)},
	{"directory", of_directory, COUNT(of_directory)},
	{"mediator",  of_mediator,  COUNT(of_mediator)},
};
/* clang-format on */

const struct misbehaviour *misbehaviours(const char *role, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < COUNT(roles); i++) {
		if (strcmp(roles[i].role, role) != 0)
			continue;
		*n = roles[i].n;
		return roles[i].rows;
	}
	return NULL;
}

static bool unknown(const char *role, const char *mode, struct err *e)
{
	struct buf b OWN(buf_done);
	size_t n;
	const struct misbehaviour *rows = misbehaviours(role, &n);

	buf_init(&b, ERR_HINT_MAX);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s%s", i ? ", " : "", rows[i].name);
	FAIL(e, USAGE, "--test-misbehave=%s: a %s has no such mode", mode, role);
	return err_hint(e, "there are: %s", buf_cstr(&b));
}

bool misbehave_known(
        const struct args *a, const char *role, const struct misbehaviour **out, struct err *e)
{
	const char *mode = args_get(a, "test-misbehave");
	const struct misbehaviour *rows;
	size_t n, i = 0;

	*out = NULL;
	if (!mode)
		return true;
	rows = misbehaviours(role, &n);
	while (i < n && strcmp(rows[i].name, mode) != 0)
		i++;
	if (i == n)
		return unknown(role, mode, e);
	*out = &rows[i];
	return true;
}

bool misbehave_read(const struct args *a, const char *role, const struct genesis *g,
        const struct logger *log, unsigned *out, struct err *e)
{
	const struct misbehaviour *row;

	*out = 0;
	TRY(misbehave_known(a, role, &row, e), e);
	if (!row)
		return true;
	if (!g->test)
		return FAIL(e, FORBIDDEN,
		        "--test-misbehave is for test ledgers: the genesis of \"%s\" does not say "
		        "that it is one",
		        g->name);
	log_line(log, LOG_ODD, "a test instrument: this %s %s", role, row->meaning);
	*out = row->value;
	return true;
}
