/* channel_compare.h - channels, and what their events tell, on both sides. */
#ifndef LILYPAD_DIFF_CHANNEL_COMPARE_H
#define LILYPAD_DIFF_CHANNEL_COMPARE_H

#include "both.h"

/* Sums, clocks, vouchers and numbers of all channels. False: they differ. */
MUST bool same_channels(const struct sides *w, const struct chain_view *v, struct told *t);
/* Whether the event is of a channel, and not of a deal on the ledger. */
MUST bool of_channel(const struct sides *w);
/* That event with the contracts' logs. */
MUST bool same_channel_event(const struct sides *w, const struct outcome *o, struct told *t);
/* The channels that the events of src/ledger carry. */
MUST bool same_channel_changes(const struct sides *w, const struct chain_view *v, struct told *t);

#endif
