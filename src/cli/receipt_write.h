/* receipt_write.h - making the receipt of a job from what its creator stored and the ledger proves. */
#ifndef LILYPAD_CLI_RECEIPT_WRITE_H
#define LILYPAD_CLI_RECEIPT_WRITE_H

#include "cli/cli.h"
#include "cli/receipt.h"

/* Reads offer, deal and result of the job from the creator's store, asks the ledger of the network in use
 * for the proof, and writes the receipt to path. STATE: the job was not accepted (yet); NOT_FOUND: the
 * ledger has not sealed it. A receipt that does not pass its own checks is not written: TAMPERED. */
MUST bool receipt_write(struct cli *c, const struct store *store, const struct hash *job,
        const char *path, struct err *e);

#endif
