/* chain.h - the contracts on a node of our own: made once, put back to their first state before each trace, played
 * on one transaction a block, and read in one call. */
#ifndef LILYPAD_DIFF_CHAIN_H
#define LILYPAD_DIFF_CHAIN_H

#include "chain/evm_json.h"
#include "crypto/secp.h"
#include "model/model.h"
#include "node.h"

#define CHAIN_PARTIES  7
#define CHAIN_DEALS    3
#define CHAIN_CHANNELS 4
#define CHAIN_NUMBERS  512 /* of each, from 0 on */
#define CHAIN_LOGS_MAX 4   /* of one action: more is PEER */

/* Who sends a transaction: one who has no part in anything, the holder of all tokens, or party i. */
enum hand { CARRIER, TREASURY, PARTY_0, HANDS = PARTY_0 + CHAIN_PARTIES };
static inline enum hand hand_of(unsigned party)
{
	assert(party < CHAIN_PARTIES);
	return (enum hand)(PARTY_0 + party);
}

struct chain {
	struct node node;
	uint64_t chain_id;
	struct addr token, controller;
	struct hash domain; /* of every signature (2.0.1) */
	struct addr parties[CHAIN_PARTIES];
	struct {
		struct seckey key;
		struct addr addr;
		uint64_t nonce, first; /* the next one; the one at the first state */
	} hands[HANDS];
	char snapshot[24];
	uint64_t gas; /* all that was used */
};

/* Deploys token and Controller with the constants of g, and makes its allocations as deposits. */
MUST bool chain_start(struct chain *c, const char *program, const struct genesis *g,
        const struct seckey keys[CHAIN_PARTIES], struct err *e);
void chain_stop(struct chain *c); /* usable with OWN() */
MUST bool chain_fresh(struct chain *c, struct err *e);

struct outcome {
	bool ok;
	struct err why; /* !ok: of our table, from the contract's error */
	size_t n;
	struct evm_log logs[CHAIN_LOGS_MAX]; /* the Controller's */
};
/* Calls the Controller in a block of its own at that time, not before the block before. False: the node failed. */
MUST bool chain_play(struct chain *c, enum hand by, struct bytes data, struct btime time,
        struct outcome *out, struct err *e);
/* deposit(to, amount) of the operator's tokens (5.16). !out->ok in an empty block: the amount does not fit a call. */
MUST bool chain_deposit(struct chain *c, const struct addr *to, struct amount n, struct btime time,
        struct outcome *out, struct err *e);

/* A block without a call, so that time goes on. */
MUST bool chain_idle(struct chain *c, struct btime time, struct err *e);

/* All that the contracts tell, as of the last block. */
struct chain_view {
	struct {
		struct amount free, locked, withdrawing, stake;
		struct btime withdraw_at;
		bool paused;
		uint64_t send_nonce;
		struct addr payout, next_payout;
		struct btime payout_at;
		struct amount tokens; /* outside the Controller */
		uint8_t nonces[32];   /* used or burnt: big-endian bits 0 to 255 */
	} who[CHAIN_PARTIES];
	struct {
		uint8_t state;
		bool rp_agreed;
		struct btime deadline;
	} deals[CHAIN_DEALS];
	struct {
		struct amount job, provider, paid;
		struct btime close_at;
		uint8_t state; /* 0: never opened, 1: open, 2: closed */
		uint64_t floor, claims;
		uint8_t numbers[CHAIN_NUMBERS / 256][32]; /* taken: big-endian bits */
	} channels[CHAIN_CHANNELS];
	struct amount supply, sink, sink_account, held;
};
MUST bool chain_read(struct chain *c, const struct hash deals[CHAIN_DEALS],
        const struct hash channels[CHAIN_CHANNELS], struct chain_view *out, struct err *e);

#endif
