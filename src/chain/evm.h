/* evm.h - the ledger port over the contracts on an EVM chain (protocol 8.2): actions become transactions of our
 * own account, the contract's logs become events.
 *
 * Anyone may carry a signed document (4.3), so the account that sends is always the one that pays for gas: our
 * own. Submitting is as evm_send.h says: PENDING once it is written down and sent, INCLUDED in a block, FINAL
 * `depth` blocks later; DROPPED when the dry run is refused. What has had its effect already is INCLUDED and FINAL at
 * once, and nothing is sent.
 *
 * Events are told when their block is final, in order, and never before; so is the time. A reorganisation above that
 * depth changes nothing that was told; one below it stops the port with LEDGER_DOWN (WRONG_LEDGER). A port with a ring
 * looks for one when it starts, and goes back to the last block that it has in common with the chain: the events behind
 * that are told with a seq above all that were told, and before them, for each account whose balance was told since, an
 * event with its balance as it is now.
 *
 * An event's seq is its block * 2^32 + its log's index * 2^12, and of a list's acceptances their places in it from 1;
 * its action_id is that of our own action, of others' the transaction. Of an event's balances it has those of the
 * parties and of the mediator, and where shares are paid of the author and the solver, as they are at the end of its
 * block; so it is with the sums of a channel. What our own account sends itself (settle, redeem, claim) goes without
 * its Send, which saves gas: the Send's nonce then stays unused. */
#ifndef LILYPAD_CHAIN_EVM_H
#define LILYPAD_CHAIN_EVM_H

#include <uv.h>

#include "http/client.h"
#include "port/adapters.h"

#define EVM_SUBMITS_MAX 4096 /* actions that are being made ready: BUSY past it */

struct evm_options {
	uv_loop_t *loop;
	struct http_client *client;
	const char *urls; /* of the nodes, with commas or spaces */
	uint64_t chain_id;
	struct hash genesis; /* of the chain: its block 0 */
	struct addr controller;
	struct hash domain;   /* of signatures */
	uint64_t from_block;  /* in which it was made */
	unsigned depth;       /* final when so many blocks lie on top */
	const char *dir;      /* where transactions are written down (evm_send.h) */
	struct signer signer; /* whose account pays for gas */
	struct logger log;
	const char *relay;      /* URL of one that sends for us (evm_relay.h); NULL: we send */
	struct addr relay_addr; /* its account */
	uint64_t max_fee_wei;   /* per gas */
	struct span stuck;      /* not in a block after so long: replaced */
	struct span poll;       /* how often the head is looked at; 0: 1 s */
	const char *ring; /* file of the blocks that were read (evm_ring.h); NULL: none is kept */
	/* A transaction waits since gas costs more than may be paid, or the account has too little, and a deadline
	 * comes nearer. deal zero: not known. NULL: only the log says it. */
	void (*warn)(void *ctx, const struct hash *deal, struct btime deadline, const char *text);
	void *warn_ctx;
};

/* The strings are copied. CONFIG, IO. */
MUST bool evm_open(const struct evm_options *o, struct ledger_port *out, struct err *e);
/* Stops it. The loop must run once more to close the handles. */
void evm_close(struct ledger_port *p);

/* The cursor of everything up to a block. */
uint64_t evm_seq_of(uint64_t block);

#endif
