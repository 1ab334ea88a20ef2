/* evm_input.h - the documents that a transaction brought to our contract (chain/evm_call.h), found in its input
 * wherever the call lies in it: it may have come through another contract. What is found is not checked; who signed
 * it is seen by its signature. */
#ifndef LILYPAD_CHAIN_EVM_INPUT_H
#define LILYPAD_CHAIN_EVM_INPUT_H

#include "chain/evm_view.h"
#include "port/action.h"

/* Takes the action of that kind on the deal: ACTION_RESULT, DECLINE, ACCEPT, VERDICT or PASS, with its document and
 * signature. NOT_FOUND: the input has no such call. */
MUST bool evm_input_find(struct bytes input, uint8_t kind, const struct deal *deal,
        struct action *out, struct err *e);
/* The input of a transaction. NOT_FOUND: the chain has no such transaction. */
MUST bool evm_input_ask(
        const struct evm_place *p, const struct hash *tx, struct buf *out, struct err *e);

#endif
