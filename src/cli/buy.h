/* buy.h - what `run` and the creator's daemon share: wiring of the role, the owner token of a process,
 * and the terms of a job from settings. */
#ifndef LILYPAD_CLI_BUY_H
#define LILYPAD_CLI_BUY_H

#include "cli/daemon.h"
#include "creator/creator.h"

/* Ports and configuration of the creator role; cursors begin at what servers have now. UNREACHABLE names
 * the daemon that is down; where config->patient, only the ledger has to be there. */
MUST bool buy_prepare(struct daemon *d, struct creator_config *config, struct err *e);
/* The engine, for results that are checked; without one config->can_run stays false, and what is drawn for
 * audit is accepted as it is. */
MUST bool buy_engine(struct daemon *d, struct creator_config *config, struct err *e);
/* For a process that takes over jobs of others: the ledger is followed from where the unfinished ones
 * have seen it. After buy_prepare(). */
MUST bool buy_read_on(struct daemon *d, struct creator_config *config, struct err *e);
/* A token for this process, with a lock file that lives as long as it does. */
MUST bool buy_own(struct daemon *d, uint8_t owner[16], int *lock_fd, struct err *e);
/* Does the process with that token still hold its lock? ctx: struct daemon. */
bool buy_owner_alive(void *ctx, const uint8_t owner[16]);
/* With job.channel: the request draws on it, and the ledger is followed from where the store has seen it. After
 * buy_prepare() and buy_terms(). NOT_FOUND, PARTY: it is not ours; STATE: it is closed or being left. */
MUST bool buy_channel(
        struct daemon *d, struct creator_config *config, struct creator_request *r, struct err *e);
/* Everything of an offer that settings and network decide. */
MUST bool buy_terms(
        struct daemon *d, const struct job_spec *spec, struct job_offer *out, struct err *e);

/* The same of a job that costs at most so much. */
MUST bool buy_terms_within(struct daemon *d, const struct job_spec *spec, const struct amount *most,
        struct job_offer *out, struct err *e);

#endif
