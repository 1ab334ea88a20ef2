/* packed.h - a list of acceptances as contracts take it: packed, in groups of one channel (protocol 8.3). Its
 * hash is what the provider's Send of a list names, so that a carrier can change neither order nor items. */
#ifndef LILYPAD_PORT_PACKED_H
#define LILYPAD_PORT_PACKED_H

#include "base/buf.h"
#include "port/action.h"

#define PACKED_LIST_MAX (ACTION_SETTLE_MAX * (29 + 192)) /* bytes of a list */

/* Appends a list; one with a cost that is not below 2^96 makes the buffer bad. */
void packed_list_put(const struct settle_item *items, uint32_t n, struct buf *out);
/* Appends the terms of an acceptance, without its channel and signature: the 128 bytes of an item. */
void packed_terms_put(const struct channel_acceptance *d, struct buf *out);
/* Keccak-256 of the packed items. Items of one channel that follow each other are a group: JC (20 bytes),
 * serial (8), number of items (1), then each item: deal, result, number, cost (12), royalty (2), author,
 * solverShare (2), solver, signature (64, EIP-2098). Integers are big-endian. At most ACTION_SETTLE_MAX
 * items, their cost below 2^96. */
void packed_list_hash(const struct settle_item *items, uint32_t n, struct hash *out);

#endif
