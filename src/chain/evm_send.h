/* evm_send.h - transactions of one account on their way: written down before they are sent, sent again as they are
 * after a restart, replaced by dearer ones when they are stuck, until their block is final (protocol 8.2).
 *
 * A file for each, DIR/CHAIN-ACCOUNT/NONCE.json, holds what it is for, its nonce and the bytes of every attempt; it
 * is on disk before the first byte is sent and goes when the transaction is final. Processes that share the account
 * share the folder: nonces are given out under its lock. A nonce is never used for anything else. */
#ifndef LILYPAD_CHAIN_EVM_SEND_H
#define LILYPAD_CHAIN_EVM_SEND_H

#include "chain/evm_json.h"
#include "chain/evm_rpc.h"
#include "port/action.h"
#include "port/port.h"

#define EVM_SENDS_MAX 256 /* on their way at once: BUSY past it */
#define EVM_ATTEMPTS_MAX                                                                           \
	24 /* replacements of one transaction; then the last is sent again and again */

struct evm_send;

struct evm_send_options {
	uv_loop_t *loop;
	struct evm_rpc *rpc;
	struct signer signer;
	struct logger log;
	uint64_t chain_id;
	const char *dir;      /* where the folder is, or is made */
	unsigned depth;       /* final when so many blocks lie on top */
	uint64_t max_fee_wei; /* per gas: no more is offered, unless a deadline is near */
	struct span stuck;    /* not in a block after so long: replaced */
	/* How it goes, on the loop: PENDING once it is sent, also when it fell out of a block; INCLUDED, again when
	 * it is in another block; FINAL and DROPPED, last. failed: included, but refused by the contract: why.
	 * DROPPED: nothing was sent, or none of it can ever be in a block. receipt: INCLUDED and FINAL. */
	void (*told)(void *ctx, const struct hash *intent, enum ledger_stage stage, bool failed,
	        const struct evm_receipt *receipt, const struct err *why);
	/* It is not sent yet, though its deadline comes nearer: gas costs more than may be paid (CAP; told once for
	 * each limit that it meets), or the account has too little for it (FUNDS; told once). NULL: only the log says
	 * it. */
	void (*waits)(
	        void *ctx, const struct hash *deal, struct btime deadline, const struct err *why);
	void *ctx;
};

/* Transactions that the folder holds are sent again. IO, ENCODING: a file that is not understood. */
MUST bool evm_send_new(const struct evm_send_options *o, struct evm_send **out, struct err *e);
/* After evm_rpc_free() of its endpoints: it asks nothing any more. What is on its way stays in the folder. */
struct evm_send *evm_send_free(struct evm_send *s);

struct evm_intent {
	struct hash id; /* of the action */
	bool creates;   /* a contract: data is its code, `to` is not looked at */
	struct addr to;
	struct u256 value; /* wei */
	struct bytes data;
	uint64_t gas_max; /* CAP: an estimate above it is not sent */
	struct btime
	        deadline; /* of what it is for; 0: none. The nearer, the more may be paid for gas */
	struct btime now;
	struct hash deal; /* for whom it may be told that it waits; zero: none */
};
/* Estimates, which is the dry run: what would be refused is not sent; then signs, writes down, sends. While gas is too
 * dear, or with a deadline the account too poor, it is estimated again with every head: by then it may be too late for
 * it. The same id
 * again, while it is on its way, has no second effect. Copies. */
void evm_send_put(struct evm_send *s, const struct evm_intent *i);
MUST bool evm_send_has(const struct evm_send *s, const struct hash *id);
/* What a transaction of ours that is on its way is for. False: it is none. */
MUST bool evm_send_of(const struct evm_send *s, const struct hash *tx, struct hash *id);
/* The chain's head: looks at receipts, sends again, replaces. */
void evm_send_tick(struct evm_send *s, uint64_t head, struct btime time);
/* On their way. */
size_t evm_send_n(const struct evm_send *s);

/* For fees: what the node's fee history says; tip and base fee of the next block. */
MUST bool evm_read_fees(
        const json_t *history, uint64_t *base_wei, uint64_t *tip_wei, struct err *e);
/* What is offered at these fees within the cap. False: the cap does not cover even the next block. */
MUST bool evm_offer(uint64_t base_wei, uint64_t tip_wei, uint64_t cap_wei, uint64_t *max_fee_wei);
/* The cap when a deadline is near: doubled when half the time is gone, and again at each further half, at most 8
 * times. since, now, deadline: seconds; deadline 0: none. */
uint64_t evm_cap_at(uint64_t cap_wei, uint64_t since, uint64_t now, uint64_t deadline);
/* The fees of a replacement, which nodes want to be a tenth dearer: times 1.125, or the market's if that is more. */
void evm_dearer(
        uint64_t *max_fee_wei, uint64_t *tip_wei, uint64_t base_wei, uint64_t market_tip_wei);

#endif
