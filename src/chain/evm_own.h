/* evm_own.h - what the parts of the evm port share. */
#ifndef LILYPAD_CHAIN_EVM_OWN_H
#define LILYPAD_CHAIN_EVM_OWN_H

#include "base/map.h"
#include "chain/evm.h"
#include "chain/evm_call.h"
#include "chain/evm_channel.h"
#include "chain/evm_relay.h"
#include "chain/evm_ring.h"
#include "chain/evm_rpc.h"
#include "chain/evm_send.h"

enum {
	ITEM_BITS = 12, /* of a list the acceptance */
	SEQ_BITS = 32,  /* and above them the log's index */
	SEEN_MAX =
	        65536, /* deals of which logs are being read: forgotten past it, and asked for again */
	WHOLES_MAX =
	        1024, /* deals whose documents, channels whose parts are kept at hand: forgotten past it */
	OURS_MAX = 4096,    /* transactions whose actions are known: forgotten past it */
	MEMO_MAX = 64,      /* balances of one block that are not asked for twice */
	CHUNK_BLOCKS = 2000 /* of one question for logs; halved when the node will not answer it */
};

struct evm;

/* An action that is made ready: what its call shows is asked for. */
struct ready {
	struct evm *m;
	struct ready *next, **at;
	struct action a;
	struct hash id;
	struct settle_item *items; /* of a: owned */
	struct evm_deal deal;
	struct hash channel; /* that the call shows; zero: none */
	struct hash mark;    /* what the contract keeps of it: EVM_MARK_BYTES count */
	bool begun, asked_deal, asked_state, asked_jc;
	bool on_chain; /* the contract knows the deal */
};

/* A deal as the logs read so far leave it. */
struct seen {
	struct evm_deal d;
	bool no_output; /* looked for, and not found */
	bool no_whole;
	bool asked_mark, passed; /* a Pass ended it, no clock */
	bool claimed;            /* opened by the transaction whose next log is the event */
	/* of the last log: it may be looked at again, and is taken once */
	uint64_t block;
	uint32_t index;
	struct evm_deal_step step;
};

/* What one log tells, one event after another: more than one only of a list. */
struct telling {
	struct evm_channel_step step;
	struct settle_item *items; /* owned */
	size_t items_n, item;      /* 0: the log's own event */
	bool asked_input;
	bool has_channel; /* its state is known */
};

/* Balances at the end of a block. */
struct memo {
	uint64_t block;
	size_t n;
	struct balance_change b[MEMO_MAX];
	struct channel_change channel;
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
	bool parsed;
	struct evm_deal_step step;
	struct telling t;
	uint64_t time_block; /* of which block `time` is */
	struct btime time;
	struct addr want[LEDGER_CHANGES_MAX]; /* whose balances */
	size_t want_n;
	struct memo memo;
	struct ledger_note note;
	bool touched;   /* balances of this range were told */
	bool unsure;    /* whether the chain still has the blocks that were read */
	size_t ring_at; /* the block of the ring that is asked for */
	size_t mend_at; /* accounts of the ring before it have been told of */
	struct mono saved;
};

struct evm {
	struct evm_options o;
	char urls[2048], dir[1024], ring_path[1200];
	struct evm_ring ring;
	struct evm_rpc *rpc;
	struct evm_send *send;
	struct evm_relay *relay; /* instead of it; NULL: we send */
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
	struct map seen;     /* deal id → struct seen * */
	struct map wholes;   /* deal id → struct deal * */
	struct map channels; /* channel id → struct channel_id */
	struct map ours;     /* transaction of ours that was in a block → the action's id */
	struct look *looks;
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
/* Adds them to *d, those before the log (block, index). */
MUST bool evm_deal_fold(
        struct evm_deal *d, const json_t *logs, uint64_t block, uint32_t index, struct err *e);

/* Keeps the documents of a deal, found in the input of the transaction that opened it. NOT_FOUND, MEMORY. */
MUST bool evm_keep_whole(
        struct evm *m, const struct evm_deal *d, struct bytes input, struct err *e);
/* Those that are kept, or NULL. */
const struct deal *evm_whole(const struct evm *m, const struct hash *deal);

/* ---- evm_look.c ---- */
/* logs: in their order, valid in the callback; NULL: why not. */
typedef void (*look_done)(void *ctx, const json_t *logs, const struct evm_answer *why);
/* The logs about a deal or a channel up to block `to` (0: up to the newest), back to the one that opened it, or to
 * block `least`. False: no memory, done is not called. */
bool look_back(struct evm *m, const struct hash *about, bool channel, uint64_t to, uint64_t least,
        look_done done, void *ctx);
void look_stop(struct evm *m);
/* The parts of a channel's id that are kept, or NULL; valid until the next is kept. */
const struct channel_id *evm_channel_of(const struct evm *m, const struct hash *id);
/* Of the log that opened it. PEER, MEMORY. */
MUST bool evm_keep_channel(
        struct evm *m, const struct hash *id, const struct evm_log *l, struct err *e);
/* The same, one of those logs. NOT_FOUND. */
MUST bool evm_keep_opening(struct evm *m, const struct hash *id, const json_t *logs, struct err *e);

/* ---- evm_event.c ---- */
enum log_next {
	LOG_OVER,  /* it tells nothing */
	LOG_WAITS, /* something was asked for: then it is looked at again */
	LOG_TELL
};
/* The log at hand: all that its present event wants is there, or asked for. */
enum log_next event_look(struct evm *m);
/* A log begins; its present event is told, unless it was; it has another one, which begins. */
void event_begin(struct evm *m);
void event_tell(struct evm *m);
MUST bool event_more(struct evm *m);
/* The deal as the logs read so far leave it, or NULL. */
struct seen *seen_of(const struct evm *m, const struct hash *deal);

/* ---- evm_follow.c ---- */
/* The head has moved: reads on, unless it is reading. */
void follow_head(struct evm *m, unsigned endpoint);
void follow_done(struct follow *f);
/* Asks for what the log at hand wants; follow_pump() looks at it again. */
void follow_ask(struct evm *m, const char *method, json_t *params, evm_done done);
void follow_pump(struct evm *m);
void follow_give_up(struct evm *m, const struct err *why);
void follow_failed(struct evm *m, const struct evm_answer *a);

/* ---- evm_back.c ---- */
/* Looks whether the chain still has the blocks that were read; goes back if not. Then follow_on(). */
void back_check(struct evm *m);
/* A balance of the ring that is still to be told is asked for. */
MUST bool back_mends(struct evm *m);
/* A range was read, or will be told of now: the file is brought up to date where that matters. */
void back_keep(struct evm *m, uint64_t block, const struct hash *hash, bool now);
/* What is read next. */
void follow_on(struct evm *m);

/* ---- evm_ready.c ---- */
void ready_submit(struct evm *m, const struct action *a, const struct hash *id);
void ready_start(struct evm *m);
void ready_free(struct ready *r);

#endif
