/* channel_call.h - what channels add to making a call of an action: which one is shown, what a party sends itself, and
 * what no call can say. */
#ifndef LILYPAD_DIFF_CHANNEL_CALL_H
#define LILYPAD_DIFF_CHANNEL_CALL_H

#include "base/buf.h"
#include "sides.h"

/* What the channel that w->for_chain names is made of, where it is one of ours, or the like with one of its parties in
 * one place; zeros: nobody's, and the contract looks it up by its id first. */
struct channel_id channel_shown(const struct sides *w);

/* False: a ledger could refuse it, but no call can say it: its Send, which a packed call carries without its body, is
 * of another body (CONFLICT), or has a signature that does not go into 64 bytes (SIGNATURE). */
MUST bool channel_said(const struct sides *w, struct err *e);

/* RANGE: the documents of an action whose call would show less than all of them are out of bounds. deal: which of ours
 * it is of; -1: none. */
MUST bool channel_in_bounds(const struct sides *w, int deal, struct err *e);

#endif
