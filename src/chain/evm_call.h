/* evm_call.h - the call of our contract that an action becomes (protocol 8: one vocabulary, two ledgers). */
#ifndef LILYPAD_CHAIN_EVM_CALL_H
#define LILYPAD_CHAIN_EVM_CALL_H

#include "chain/evm_deal.h"
#include "port/action.h"

/* What a call shows besides the action's own documents. */
struct evm_shown {
	const struct evm_deal *deal;      /* as the logs leave it */
	const struct deal *whole;         /* its documents */
	const struct channel_id *channel; /* of evm_call_channel() */
	/* Who sends the transaction, and the domain of signatures; NULL: not known. What that account has signed itself
	 * is not shown: for the contract the sender has signed, and a Send of kinds 13 to 15 need not be carried. */
	const struct addr *by;
	const struct hash *domain;
};

/* Whether the call shows the deal again, so that `deal` and `whole` must be known. */
MUST bool evm_call_shows_deal(const struct action *a);
/* The channel whose parts the call shows, so that `channel` must be known; zero: none. */
void evm_call_channel(const struct action *a, struct hash *out);
/* Appends the input of the transaction; of deal->jobs an OPEN is for the JC, all else for the Controller. What the
 * call does not show may be NULL. *gas_max is the most gas that this method can need. STATE: what is not offered on
 * a chain, or not by this client; RANGE: a number that does not fit, a list of none or too many, a signature whose
 * length the call cannot carry. */
MUST bool evm_call(const struct action *a, const struct evm_shown *w, struct buf *out,
        uint64_t *gas_max, struct err *e);

#endif
