/* misbehave.h - test instruments: a daemon that breaks the protocol on purpose, so that tests can see what
 * the others do about it. One table per role: what a role can do wrong is an enumeration of its own header,
 * in which 0 is honest; a row here gives it a name for `--test-misbehave=MODE`. */
#ifndef LILYPAD_CLI_MISBEHAVE_H
#define LILYPAD_CLI_MISBEHAVE_H

#include "cli/cli.h"
#include "port/port.h"

struct misbehaviour {
	const char *name;
	unsigned value; /* of the role's enumeration, never 0 */
	const char *meaning;
};

/* Rows of a role, by its command's name; *n is 0 and the result NULL when it has none. */
const struct misbehaviour *misbehaviours(const char *role, size_t *n);

/* The row that `--test-misbehave` names; NULL without it. USAGE names the modes there are. */
MUST bool misbehave_known(
        const struct args *a, const char *role, const struct misbehaviour **out, struct err *e);
/* What `--test-misbehave` asks of a role; 0 without it. A role that is to misbehave says so in its log, as
 * something odd. USAGE names the modes there are; FORBIDDEN where the genesis does not say that it is of a
 * test ledger: nobody's money is at stake there. */
MUST bool misbehave_read(const struct args *a, const char *role, const struct genesis *g,
        const struct logger *log, unsigned *out, struct err *e);

#endif
