/* misbehave.h - what test instruments share. A role that breaks the protocol on purpose is the honest role
 * with something put between it and the world: events are changed before it sees them, effects are taken
 * away before they are performed. */
#ifndef LILYPAD_PORT_MISBEHAVE_H
#define LILYPAD_PORT_MISBEHAVE_H

#include "port/port.h"

/* Takes away the effects that `drop` points out. */
void fx_drop(
        struct effects *fx, bool (*drop)(const void *ctx, const struct fx *f), const void *ctx);
/* The effect submits an action of that kind (enum action_kind). */
MUST bool fx_submits(const struct fx *f, unsigned kind);
/* An output tree that looks like one and is not the job's. */
MUST bool false_output(
        const struct blobs *b, struct cid *tree, uint64_t *tree_bytes, struct err *e);

#endif
