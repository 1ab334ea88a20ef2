/* actions.h - actions that a command signs and hands to the ledger itself. */
#ifndef LILYPAD_CLI_ACTIONS_H
#define LILYPAD_CLI_ACTIONS_H

#include <jansson.h>

#include "cli/cli.h"
#include "port/action.h"

/* The Send of a body, a row of r that is in a->body: the account's next nonce and the block's time come from
 * the ledger. */
MUST bool action_send_by(const struct cli *c, const struct network_file *n, struct wallet *by,
        enum send_kind kind, const struct record *r, struct action *a, struct err *e);
/* Hands it to the ledger and waits until it is in a block, of a chain until that is final, where the wallet in use pays
 * for gas; *answer is owned by the caller. Why it was dropped comes back as the error. */
MUST bool action_submit(
        const struct cli *c, const struct action *a, json_t **answer, struct err *e);
/* The ledger's block time. */
MUST bool ledger_now(const struct cli *c, struct btime *out, struct err *e);

#endif
