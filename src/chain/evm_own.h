/* evm_own.h - what the parts of the evm port share. */
#ifndef LILYPAD_CHAIN_EVM_OWN_H
#define LILYPAD_CHAIN_EVM_OWN_H

#include "base/map.h"
#include "chain/evm.h"
#include "chain/evm_call.h"
#include "chain/evm_rpc.h"
#include "chain/evm_send.h"

enum {
	SEQ_BITS = 24,
	SEEN_MAX =
	        65536, /* deals of which logs are being read: forgotten past it, and asked for again */
	WHOLES_MAX = 1024,  /* deals whose documents are kept at hand: forgotten past it */
	CHUNK_BLOCKS = 2000 /* of one question for logs; halved when the node will not answer it */
};

struct evm;

/* An action that is made ready: what its call shows is asked for. */
struct ready {
	struct evm *m;
	struct ready *next, **at;
	struct action a;
	struct hash id;
	struct evm_deal deal;
	bool begun, asked_deal, asked_state;
};

/* A deal as the logs read so far leave it. */
struct seen {
	struct evm_deal d;
	bool no_output; /* looked for, and not found */
	bool no_whole;
};

/* Reading the logs of some blocks, one after another; what one wants besides is asked for first. */
struct follow {
	bool active;
	uint64_t last;         /* blocks up to it are told */
	struct hash last_hash; /* zero: not known */
	uint64_t to;
	struct hash to_hash;
	struct btime to_time;
	uint64_t chunk;
	json_t *logs;
	size_t at;
	unsigned endpoint; /* that gave the head of this turn */
	/* of the log at hand */
	struct evm_log log;
	bool parsed, taken;
	struct evm_deal_step step;
	bool ends;           /* the transaction moves the deal on at once: only that is an event */
	uint64_t time_block; /* of which block `time` is */
	struct btime time;
	struct addr want[3]; /* whose balances */
	size_t want_n;
	struct ledger_note note;
};

struct evm {
	struct evm_options o;
	char urls[2048], dir[1024];
	struct evm_rpc *rpc;
	struct evm_send *send;
	struct inbox in;
	struct addr account; /* zero: all */
	uint64_t seq;        /* told up to it */
	struct btime time;   /* of the confirmed head */
	uint64_t head, best;
	struct btime head_time;
	struct mono head_at;                   /* when it last grew */
	uint64_t interval_s;                   /* between the last two heads, for each block */
	bool still;                            /* it was said that the head does not move */
	bool head_asked, down, wrong, started; /* wrong: told that it is another ledger */
	struct follow f;
	struct map seen;   /* deal id → struct seen * */
	struct map wholes; /* deal id → struct deal * */
	struct ready *ready;
	size_t ready_n;
	uv_timer_t poll, turn;
	unsigned closing;
};

/* ---- evm.c ---- */
void evm_note(struct evm *m, struct ledger_note *n);
void evm_stage(struct evm *m, enum ledger_stage which, const struct hash *id, bool failed,
        const struct err *why);
void evm_down(struct evm *m, const struct err *why);
void evm_up(struct evm *m);
/* "address" and topics of the logs of one deal, in blocks from..to; to 0: up to the newest. */
json_t *evm_deal_filter(const struct evm *m, const struct hash *deal, uint64_t to);
/* Adds them to *d, those before the log (block, index). */
MUST bool evm_deal_fold(
        struct evm_deal *d, const json_t *logs, uint64_t block, uint32_t index, struct err *e);

/* Keeps the documents of a deal, found in the input of the transaction that opened it. NOT_FOUND, MEMORY. */
MUST bool evm_keep_whole(
        struct evm *m, const struct evm_deal *d, struct bytes input, struct err *e);
/* Those that are kept, or NULL. */
const struct deal *evm_whole(const struct evm *m, const struct hash *deal);

/* ---- evm_follow.c ---- */
/* The head has moved: reads on, unless it is reading. */
void follow_head(struct evm *m, unsigned endpoint);
void follow_done(struct follow *f);

/* ---- evm_ready.c ---- */
void ready_submit(struct evm *m, const struct action *a, const struct hash *id);
void ready_start(struct evm *m);
void ready_free(struct ready *r);

#endif
