/* evm_prove.h - proofs of logs (codec/eth_proof.h) made of what a node answers: the header is written anew from its
 * members, the tree of receipts is built from all receipts of the block, and both must give what the block says. */
#ifndef LILYPAD_CHAIN_EVM_PROVE_H
#define LILYPAD_CHAIN_EVM_PROVE_H

#include "chain/evm_view.h"
#include "codec/eth_proof.h"

/* Which log of a deal: one transaction may write several of them. */
enum evm_log_kind {
	EVM_LOG_END,   /* with which it ended: Moved or Accepted */
	EVM_LOG_RESULT /* that says which result counts: Submitted or ClaimChecked */
};

/* Appends a header (EIP-1559, 4895, 4844, 4788, 7685: as many of their members as there are). PEER. */
MUST bool evm_put_header(const json_t *block, struct buf *out, struct err *e);
/* Appends a receipt as its block's tree holds it (EIP-658, 2718). PEER. */
MUST bool evm_put_receipt(const json_t *receipt, struct buf *out, struct err *e);
/* The proof of a log, except which: out->log is 0. receipts: all of the block, in order. PEER: the members do not give
 * the block's hash, or the receipts not its receiptsRoot; TOO_LARGE: more than a proof can hold. */
MUST bool evm_prove_receipt(const json_t *block, const json_t *receipts, uint32_t tx,
        struct eth_proof *out, struct err *e);

/* Asks for all that and finds the log. NOT_FOUND: no such transaction, or no such log in it; PEER; UNREACHABLE, … */
MUST bool evm_prove(const struct evm_place *p, const struct hash *tx, const struct hash *deal,
        enum evm_log_kind kind, struct eth_proof *out, struct err *e);
/* The log of a checked proof as the client reads it; its block, time and transaction are not set. PEER: it has more
 * data than any of ours. */
MUST bool evm_log_of(const struct eth_log *l, struct evm_log *out, struct err *e);
/* The hash of the block of that number, as the nodes have it now. NOT_FOUND. */
MUST bool evm_block_hash(
        const struct evm_place *p, uint64_t number, struct hash *out, struct err *e);

#endif
