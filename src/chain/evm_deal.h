/* evm_deal.h - what a chain's logs tell of one deal, and what the calls in which it was made tell besides.
 * The contract keeps of a deal one word; who acts on it shows the rest again (docs/contracts.md). */
#ifndef LILYPAD_CHAIN_EVM_DEAL_H
#define LILYPAD_CHAIN_EVM_DEAL_H

#include "chain/evm_json.h"
#include "model/model.h"

struct evm_deal {
	struct hash id;
	uint8_t state;         /* enum deal_state; 0: it is not on the ledger */
	struct btime deadline; /* 0: it is final, or the log does not say: see evm_deal_step */
	struct addr jc, rp;
	struct addr mediator; /* zero: no check yet */
	uint64_t nonce;
	struct hash opened; /* the transaction */
	uint64_t since;     /* its block */
	struct hash result; /* that counts; zero: none yet */
	uint8_t status;
	uint64_t count, bytes;
	struct amount cost;
	struct hash submitted; /* the transaction that brought the result */
	struct hash output;    /* struct hash of its Output; zero: not known */
	struct hash check;     /* struct hash of the Check */
	struct amount paid;    /* of COST, once it is final */
	bool jobs; /* not of the logs: JC is a contract of jobs, which opens the deal itself and wants to be told
	            * the number beside what its judge signed (docs/contracts.md) */
};

/* What a log changes. */
struct evm_deal_step {
	bool moves; /* the state changed */
	bool timed; /* the deadline is that of the new state, counted from the log's block: see evm_deal_due() */
	uint8_t from, to;
	struct amount paid;
};
/* The deal that a log is about; zero: none. */
void evm_log_deal(const struct evm_log *l, struct hash *out);
/* PEER: a log that our contract does not write. *d is then as before. */
MUST bool evm_deal_take(
        struct evm_deal *d, const struct evm_log *l, struct evm_deal_step *out, struct err *e);

#define EVM_MARK_BYTES 25 /* of a mark that the contract keeps */
/* What the contract keeps of the deal's result and check (Deals.sol); zero without a result. */
void evm_deal_mark(const struct evm_deal *d, struct hash *out);
/* The mark of a document that ended the dispute upon that. */
void evm_deal_end_mark(const struct evm_deal *d, const struct hash *doc, struct hash *out);

/* When the state ends that a log of that time began. */
struct btime evm_deal_due(const struct hot *h, uint8_t state, struct btime since);

/* The documents of the deal, found in the input of the transaction that opened it wherever they lie in it, by their
 * hash. NOT_FOUND. */
MUST bool evm_deal_find(
        const struct evm_deal *d, struct bytes input, struct deal *out, struct err *e);
/* The struct hash of the Output in the input of the transaction that brought the result. False: it is not there. */
MUST bool evm_deal_output(const struct evm_deal *d, struct bytes input, struct hash *out);

#endif
