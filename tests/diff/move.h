/* move.h - one move of a trace: who does what, when, and what is wrong with it. A move says nothing about the state
 * that it meets, so that those before it can be left out and it still has a meaning. */
#ifndef LILYPAD_DIFF_MOVE_H
#define LILYPAD_DIFF_MOVE_H

#include <jansson.h>

#include "base/err.h"
#include "sides.h"

enum what {
#define M(NAME, name, deal) DO_##NAME,
#include "moves.def"
#undef M
	WHATS
};

/* The time moves on before it, if that is not back. */
enum clock {
	AT_ONCE,
	AFTER,       /* `wait` seconds */
	AT_DEADLINE, /* of the deal; `late` seconds after it, or before */
	AT_OPEN_BY,  /* of the deal */
	AT_EXPIRY,   /* of the Send, Cancel of the move that `again` repeats */
	AT_WITHDRAW, /* when what `by` withdraws comes free */
	AT_PAYOUT,   /* when the payout address of `by` changes */
	AT_CLOSE,    /* when anyone can close the channel */
	AT_CLAIM_BY, /* of the deal: openBy and the submit timeout */
	CLOCKS
};

/* Of which an amount is; `plus` more or less. */
enum base { OF_NUMBER, OF_FREE, OF_WITHDRAWING, OF_STAKE, OF_2_96, OF_HEADROOM, BASES };

/* What is wrong with a signature. */
enum forge {
	GENUINE,
	BY_STRANGER, /* `signer` signs instead */
	EMPTY,
	COMPACT, /* nothing: EIP-2098 */
	HIGH_S,
	RAW_V, /* 0 or 1 */
	ZEROS,
	PARITY,   /* EIP-2098 with the other parity */
	OF_OTHER, /* of another document */
	SENT, /* nothing, if it is the right one: `signer` sends the transaction, which is signature enough (2.0.4);
	           * of a Send its account, without the Send */
	FORGES
};

/* What is wrong with a document, which its party signs. */
enum twist {
	STRAIGHT,
	NONCE_HIGH, /* Sends */
	NONCE_LOW,
	STALE_NOW,
	GOOD_NOW, /* nothing: it expires in the next second */
	OTHER_BODY,
	CHANGED, /* the deal, after it was signed */
	ROUND_1, /* Verdict, Pass */
	OTHER_COLD,
	TO_NOBODY,  /* a deposit */
	ONE_PARTY,  /* a channel with itself */
	OTHER_KIND, /* a channel of no kind */
	OLDER,      /* a voucher */
	OTHER_COST, /* an acceptance on the ledger says another COST */
	TWISTS
};

enum { RESULT_VARIANTS = 8 };

struct move {
	uint8_t what;    /* enum what */
	uint8_t deal;    /* which */
	uint8_t channel; /* which */
	uint8_t by;      /* enum who: whose Send, who is named as mediator */
	uint8_t clock;   /* enum clock */
	uint8_t of;      /* enum base */
	uint8_t forge;   /* enum forge */
	uint8_t slot;    /* which signature of the action is forged */
	uint8_t signer;  /* enum who */
	uint8_t twist;   /* enum twist */
	uint8_t variant; /* of the result: its count, bytes, status; of a list: its items */
	int8_t late, plus;
	uint32_t wait; /* seconds */
	uint64_t n;    /* amount, nonce, ruling, reason, claim, expiry, flaw, seed: see move.c */
};

const char *what_name(unsigned what);
/* As an object with what is not zero. */
json_t *move_to_json(const struct move *m);
MUST bool move_from_json(const json_t *j, struct move *out, struct err *e);

/* The time of the move, then its action in w->p.a, and what a chain gets in w->for_chain: the same bytes, but for the
 * nonce of a Send where some were not counted there, and without the signature of whoever sends the transaction.
 * False: there is nothing to repeat. */
MUST bool move_make(struct sides *w, const struct move *m);

#endif
