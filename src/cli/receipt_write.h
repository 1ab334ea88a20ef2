/* receipt_write.h - making the receipt of a job (protocol 9.4) from what its creator stored and the ledger
 * proves. */
#ifndef LILYPAD_CLI_RECEIPT_WRITE_H
#define LILYPAD_CLI_RECEIPT_WRITE_H

#include "cli/cli.h"
#include "cli/receipt.h"
#include "creator/creator.h"

/* Has its deal ended after both sides had signed it, with a result or without? Then there is a receipt of it. */
MUST bool receipt_is_of(const struct creator_job *j);
/* Reads offer, deal and result of the job from the creator's store, asks the ledger of the network in use
 * (on a chain its nodes) for what ended the deal and for the proof, and writes the receipt to path. STATE: see
 * receipt_is_of(); NOT_FOUND: the ledger does not know the action. A receipt that does not pass its own checks is not
 * written: TAMPERED. */
MUST bool receipt_write(struct cli *c, const struct store *store, const struct hash *job,
        const char *path, struct err *e);

#endif
