/* misbehave.c - the tables of what can be done wrong on purpose, and who may. */
#include "cli/misbehave.h"

#include <string.h>

#include "mediator/mediator.h"

/* clang-format off */
static const struct misbehaviour of_mediator[] = {
	{"lies",         MEDIATOR_LIES,         "rules the opposite of what it found"},
	{"dies",         MEDIATOR_DIES,         "takes a dispute up and never answers"},
	{"cannot-fetch", MEDIATOR_CANNOT_FETCH, "passes every dispute, as if no source gave anything"},
};

static const struct {
	const char *role;
	const struct misbehaviour *rows;
	size_t n;
} roles[] = {
	{"mediator", of_mediator, COUNT(of_mediator)},
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

bool misbehave_read(const struct args *a, const char *role, const struct genesis *g,
        const struct logger *log, unsigned *out, struct err *e)
{
	const char *mode = args_get(a, "test-misbehave");
	const struct misbehaviour *rows;
	size_t n, i = 0;

	*out = 0;
	if (!mode)
		return true;
	rows = misbehaviours(role, &n);
	while (i < n && strcmp(rows[i].name, mode) != 0)
		i++;
	if (i == n)
		return unknown(role, mode, e);
	if (!g->test)
		return FAIL(e, FORBIDDEN,
		        "--test-misbehave is for test ledgers: the genesis of \"%s\" does not say "
		        "that it is one",
		        g->name);
	log_line(log, LOG_ODD, "a test instrument: this %s %s", role, rows[i].meaning);
	*out = rows[i].value;
	return true;
}
