/* sides.h - the rules in C and the contracts side by side: the same parties with the same keys, the same constants,
 * the same balances, the same domain of signatures, the same time; so that the same action, byte for byte, can be
 * played on both. */
#ifndef LILYPAD_DIFF_SIDES_H
#define LILYPAD_DIFF_SIDES_H

#include "chain.h"
#include "chain/evm_deal.h"
#include "ledger/ledger_play.h"

enum {
	DEALS = CHAIN_DEALS,
	CHANNELS = CHAIN_CHANNELS,
	KEPT = 8,
	ITEMS_MAX = ACTION_SETTLE_MAX + 1 /* of a list: one too many */
};
_Static_assert(PARTIES == CHAIN_PARTIES, "the parties of ledger_play.h are on both sides");

struct move;

/* The channels there can be: all are opened by moves. */
struct pair {
	enum who jc, rp;
	uint64_t serial;
	uint8_t kind; /* enum channel_kind */
};
extern const struct pair channel_pairs[CHANNELS];

/* An action to repeat. */
struct kept {
	struct action a, for_chain;
	bool sent, own;
	enum who sender;
	uint64_t uncounted; /* of the account of a Send, then */
	struct settle_item items[ITEMS_MAX];
};

struct sides {
	struct play p; /* first: signing finds the sides by it */
	struct chain *c;
	struct seckey keys[PARTIES];
	struct deal deals[DEALS];
	struct hash ids[DEALS];
	struct hash channels[CHANNELS];
	struct evm_deal seen[DEALS]; /* as the contracts' logs tell them */
	struct evm_deal_step step;   /* of the last log */
	struct action for_chain;     /* that of p.a as a chain wants it: see move_make() */
	bool sent;                   /* by `sender` itself, not carried */
	bool own;                    /* sent: as what a Send would carry, and not beside one */
	enum who sender;
	size_t unshown;                      /* sent: where in the action its signature is */
	struct settle_item items[ITEMS_MAX]; /* of p.a */
	struct ledger_event events[LEDGER_EVENTS_MAX];
	struct kept kept[KEPT]; /* the last ones that were played */
	unsigned kept_n;
	const struct move *now; /* being made */
	unsigned signed_n;
	/* Sends that no chain counts: the operator's mints, and what a party sent itself. */
	uint64_t uncounted[PARTIES];
	struct amount outside[PARTIES]; /* tokens that were withdrawn to it */
};

/* The parties, with keys that are the same in every run, and the genesis. */
void sides_parties(struct sides *w, struct chain *c);
/* Both sides as they are before a trace with these deals. */
MUST bool sides_start(struct sides *w, const struct deal deals[DEALS], struct err *e);
void sides_end(struct sides *w);
/* Which deal has that id; -1: none. */
int sides_deal(const struct sides *w, const struct hash *id);
/* Which channel; -1: none. */
int sides_channel(const struct sides *w, const struct hash *id);
struct hash sides_channel_id(const struct sides *w, const struct pair *p);

#endif
