/* evm_channel.h - what a chain's logs tell of channels (protocol 8.3), and what the calls that wrote them tell
 * besides. */
#ifndef LILYPAD_CHAIN_EVM_CHANNEL_H
#define LILYPAD_CHAIN_EVM_CHANNEL_H

#include "chain/evm_json.h"
#include "codec/abi.h"
#include "port/action.h"

#define EVM_ITEMS_MAX 4095 /* acceptances of one list that are told: those past it are not */

/* What one log tells: the action that wrote it, and what it did. */
struct evm_channel_step {
	uint8_t action;      /* enum action_kind */
	struct hash channel; /* zero: a list, of which each item names its own */
	struct hash deal;    /* that was settled or cancelled; zero: none */
	struct addr account; /* who acted; zero: the parties of the channel say */
	uint64_t number;     /* of the deal; 0: none */
	struct amount amount;
};

/* The log is about channels. */
MUST bool evm_log_of_channel(const struct evm_log *l);
/* PEER: a log that our contract does not write. */
MUST bool evm_channel_take(const struct evm_log *l, struct evm_channel_step *out, struct err *e);
/* Of the log that opened a channel: the parts of its id, whose hash the log names. PEER. */
MUST bool evm_channel_parts(const struct evm_log *l, struct channel_id *out, struct err *e);
/* The leaves of the contract's answer about a channel. False: it does not know the channel. */
MUST bool evm_channel_state(
        const struct abi_leaf *l, size_t n, const struct hash *id, struct channel_change *out);

/* The acceptance that the step settled, in the input of its transaction, wherever it lies in it. False: it is not
 * there. Its signature and its channel are not looked at. */
MUST bool evm_settled_find(
        struct bytes input, const struct evm_channel_step *s, struct settle_item *out);
/* What the list settled whose log this is, from the `nth` list of its kind in the input, from 0, in order; *n items, at
 * most max. False: the input does not show it, or not as a list. */
MUST bool evm_list_find(struct bytes input, const struct evm_log *l, unsigned nth,
        struct settle_item *out, size_t max, size_t *n);

#endif
