/* network_new.h - what the options of `network new` and `chain deploy` have in common. */
#ifndef LILYPAD_CLI_NETWORK_NEW_H
#define LILYPAD_CLI_NETWORK_NEW_H

#include "cli/cli.h"

/* Name, solver, directory and mediators. USAGE names the option. */
MUST bool network_new_parties(
        const struct cli *c, const char *name, struct network_file *n, struct err *e);
/* The constants of a new ledger. */
MUST bool network_new_genesis(const struct cli *c, const char *name, const struct addr *operator_,
        struct genesis *g, struct err *e);

#endif
