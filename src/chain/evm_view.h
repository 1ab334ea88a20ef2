/* evm_view.h - for commands: asking our contracts, and sending a transaction, waited for. */
#ifndef LILYPAD_CHAIN_EVM_VIEW_H
#define LILYPAD_CHAIN_EVM_VIEW_H

#include "chain/evm_channel.h"
#include "chain/evm_deal.h"
#include "codec/abi.h"
#include "chain/evm_rpc.h"
#include "chain/evm_send.h"

/* Where a ledger is: what a network file says of it. */
struct evm_place {
	char urls[2048];
	uint64_t chain_id;   /* 0: no chain, the embedded ledger */
	struct hash genesis; /* of the chain: its block 0 */
	struct addr controller;
	uint64_t from_block;
	unsigned depth;
};

/* A call that changes nothing, at the newest block: its answer's leaves, which borrow from data; *n at most max.
 * The contract's own refusal; WRONG_LEDGER: there is no contract. */
MUST bool evm_view(const struct evm_place *p, const struct addr *contract, const char *signature,
        const struct abi_leaf *args, size_t args_n, const char *answer, struct buf *data,
        struct abi_leaf *out, size_t max, size_t *n, struct err *e);
/* The newest block. */
MUST bool evm_view_head(const struct evm_place *p, struct evm_header *out, struct err *e);
MUST bool evm_view_coin(
        const struct evm_place *p, const struct addr *who, struct u256 *wei, struct err *e);
/* A deal by its logs; state 0: it is not on the ledger. */
MUST bool evm_view_deal(
        const struct evm_place *p, const struct hash *id, struct evm_deal *out, struct err *e);
/* A channel (protocol 8.3). */
struct evm_channel {
	struct channel_id parts;
	struct channel_change now;
	struct amount job_lock, provider_lock; /* what its deals on the ledger have locked */
};
/* NOT_FOUND; TOO_LARGE: its parties have opened too many deals since to look at each. */
MUST bool evm_view_channel(
        const struct evm_place *p, const struct hash *id, struct evm_channel *out, struct err *e);
/* Only the parts of its id. NOT_FOUND. */
MUST bool evm_view_channel_parts(
        const struct evm_place *p, const struct hash *id, struct channel_id *out, struct err *e);
/* What an account has in all its channels, and for the deals that draw on them. TOO_LARGE as above. */
MUST bool evm_view_channels(
        const struct evm_place *p, const struct addr *who, struct amount *out, struct err *e);
/* The chain, the contract at its place, and its domain are those expected: WRONG_LEDGER says what is not. */
MUST bool evm_view_check(const struct evm_place *p, const struct hash *domain, struct err *e);

struct evm_sender {
	const struct evm_place *place;
	struct signer signer;
	struct logger log;
	const char *dir; /* as in evm_send.h */
	uint64_t max_fee_wei;
	struct span wait; /* TIMEOUT past it: what is on its way stays on its way */
};
/* Sends and waits until it is final. The contract's refusal, FUNDS, … : nothing was sent, or it failed. */
MUST bool evm_transact(const struct evm_sender *s, const struct evm_intent *i,
        struct evm_receipt *out, struct err *e);

#endif
