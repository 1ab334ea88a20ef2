/* evm_call.h - the call of our contract that an action becomes (protocol 8: one vocabulary, two ledgers). */
#ifndef LILYPAD_CHAIN_EVM_CALL_H
#define LILYPAD_CHAIN_EVM_CALL_H

#include "chain/evm_deal.h"
#include "port/action.h"

/* Whether the call shows the deal again, so that its documents and state must be known: see evm_call(). */
MUST bool evm_call_shows_deal(const struct action *a);
/* Appends the input of the transaction; of d->jobs an OPEN is for the JC, all else for the Controller. d and whole
 * may be NULL unless evm_call_shows_deal(). *gas_max is the most gas that this method can need. STATE: what is not
 * offered on a chain, or not by this client; RANGE. */
MUST bool evm_call(const struct action *a, const struct evm_deal *d, const struct deal *whole,
        struct buf *out, uint64_t *gas_max, struct err *e);

#endif
