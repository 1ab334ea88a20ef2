/* own.h - what a party sends itself, as a call without a Send (protocol 2.0.4). */
#ifndef LILYPAD_DIFF_OWN_H
#define LILYPAD_DIFF_OWN_H

#include "base/buf.h"
#include "port/action.h"

/* a: a Send, of which kind and body count; ch: the channel that it names. RANGE: the body does not fit a call. */
MUST bool own_call(
        const struct action *a, const struct channel_id *ch, struct buf *out, struct err *e);

#endif
