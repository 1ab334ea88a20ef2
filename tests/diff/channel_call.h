/* channel_call.h - actions of channels as calls of the contracts (contracts/src/Channels.sol). */
#ifndef LILYPAD_DIFF_CHANNEL_CALL_H
#define LILYPAD_DIFF_CHANNEL_CALL_H

#include "base/buf.h"
#include "sides.h"

/* Whether w->for_chain is one, or an action of a channel's deal that has a call of its own. deal: which of ours it is
 * of; -1: none. */
MUST bool channel_call_is(const struct sides *w, int deal);
/* *unsaid: it cannot be put into a call that a ledger could refuse: the Send that comes with it, which a packed call
 * carries without its body, is of another body, or its signature does not go into 64 bytes. RANGE. */
MUST bool channel_call(
        const struct sides *w, int deal, struct buf *out, bool *unsaid, struct err *e);

#endif
