/* evm_send_own.h - what the two halves of evm_send share: the records on disk, and what is asked for them. */
#ifndef LILYPAD_CHAIN_EVM_SEND_OWN_H
#define LILYPAD_CHAIN_EVM_SEND_OWN_H

#include "chain/evm_json.h"
#include "chain/evm_send.h"
#include "chain/evm_tx.h"

enum { SEND_PATH_MAX = 1200 };

struct attempt {
	struct buf raw;
	struct hash hash;
	uint64_t max_fee_wei, tip_wei;
};

enum sending_step {
	SEND_ESTIMATE, /* nothing is signed yet */
	SEND_FEES,
	SEND_BALANCE,
	SEND_NONCE,
	SEND_SENT /* in the folder, with a nonce */
};

struct sending {
	struct evm_send *s;
	struct sending *next, **at;
	struct hash id;
	bool creates;
	struct addr to;
	struct u256 value;
	struct buf data;
	uint64_t gas_max, gas;
	struct btime since, deadline;
	struct hash deal;
	uint64_t cap_wei;      /* at which the newest attempt was looked at; 0: not yet */
	uint64_t dear_cap_wei; /* at which it was told that it waits; 0: it was not */
	bool poor;             /* it was told that coin is missing */
	enum sending_step step;
	bool busy; /* a question is out */
	uint64_t base_wei, tip_wei, max_fee_wei;
	/* sent */
	uint64_t nonce;
	struct attempt attempts[EVM_ATTEMPTS_MAX];
	unsigned attempts_n, looked; /* which receipt is asked for next */
	struct mono sent_at, bumped_at;
	bool bumping;
	/* in a block */
	bool included, failed, explained;
	struct evm_receipt receipt;
	struct err why;
};

struct evm_send {
	struct evm_send_options o;
	char dir[SEND_PATH_MAX];
	struct sending *first;
	size_t n;
	uint64_t head;
	struct btime time;
};

/* ---- evm_send_keep.c ---- */
/* Gives the next nonce, at least `least`, signs at it and writes it down, all under the folder's lock. */
MUST bool sending_begin(struct sending *x, uint64_t least, struct err *e);
/* One more attempt at the same nonce, unless another process has replaced it. */
MUST bool sending_replace(struct sending *x, uint64_t max_fee_wei, uint64_t tip_wei, struct err *e);
void sending_forget(struct sending *x);
/* Every file of the folder. */
MUST bool sendings_load(struct evm_send *s, struct err *e);
struct sending *sending_new(struct evm_send *s);
void sending_free(struct sending *x);

#endif
