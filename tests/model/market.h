/* market.h - the smallest market that has everything in it: one job creator, one provider, one mediator, a
 * stranger; two deals
 * that both sides signed, for one job nonce or for two; and every action that anybody could send for
 * them, true and forged. The ledger is the real one of src/ledger; time passes in ticks of one second;
 * each clock has a length of its own, at least two, so that it has an instant, a last instant and a too
 * late. */
#ifndef LILYPAD_MODEL_MARKET_H
#define LILYPAD_MODEL_MARKET_H

#include "ledger/ledger_play.h"

enum {
	DEALS = 2, /* of one nonce: at most one may ever be on the ledger; or of two */
	AGREE_S = 2,
	SUBMIT_S = 3,
	JUDGE_S = 4,
	MEDIATE_S = 5,
	LIFE_S = AGREE_S + SUBMIT_S + 2 * JUDGE_S + 6 * MEDIATE_S,
	OPEN_BY_S = 3, /* from the start */
	CANCEL_S =
	        4, /* from the start: when the short-lived cancel expires; the other one never does */
	MOVES_MAX = 128
};

/* The two results that the provider may sign: the right one, and a wrong one that charges more. */
enum { RESULT_NONE, RIGHT, WRONG, RESULTS };

/* Who can cause a move alone, which is whose signature it needs. */
enum actor { BY_JC, BY_RP, BY_BOTH, BY_MEDIATOR, BY_ANYONE };

enum what {
	DO_BURN,  /* cancel(nonce) */
	DO_DRAIN, /* requestWithdraw of all that is free: a party without money */
	DO_AGREE,
	DO_OPEN,
	DO_CANCEL,
	DO_RESULT,
	DO_DECLINE,
	DO_ACCEPT,
	DO_ACCEPT_WITH, /* with the result beside it (2.6) */
	DO_CHECK,
	DO_VERDICT,
	DO_PASS,
	DO_TIMEOUT,
	DO_FORGERY /* what no ledger may ever take */
};

struct market;

struct move {
	const char *name;
	uint8_t actor; /* enum actor */
	uint8_t what;  /* enum what */
	uint8_t arg;   /* a result, a ruling, or which of several */
	uint8_t deal;
	void (*make)(struct market *m, const struct move *v); /* m->p.a */
};

struct market {
	struct play p;
	bool mediated; /* SingleMediator; else m = 0 */
	bool pair;     /* the two deals have a nonce each, and there is money for both */
	struct btime start;
	struct deal deals[DEALS];
	struct hash ids[DEALS];
	struct move moves[MOVES_MAX];
	struct hash result_ids[DEALS][RESULTS];
	struct hash
	        docs[MOVES_MAX]; /* struct hash of a check, or of what ends a deal; zero: other */
	struct action ready[MOVES_MAX]; /* all but Sends, which name the account's next nonce */
	unsigned n;
};

/* Whose balances count, in the order of struct view. */
enum { HOLD_JC, HOLD_RP, HOLD_AUTHOR, HOLD_SOLVER, HOLD_MEDIATOR, HOLD_SINK, HOLDERS };

/* What a deal is to the rules; times as what is left of them, none below 0. */
struct view_deal {
	int32_t state; /* enum deal_state; 0: not on the ledger */
	int32_t rp_agreed, left, result, submitted, check, end;
	int32_t jc_lock, rp_lock, cost, paid;
};

/* A state of the market: two ledgers with one view behave alike. Left out are the nonces of Sends, since a
 * move always takes the next one, and the withdrawal clock, since nobody withdraws. No padding. */
struct view {
	struct view_deal deal[DEALS];
	int32_t burnt, open_left, cancel_left;
	int32_t free[HOLDERS], locked[2], withdrawing[2];
	uint32_t done[MOVES_MAX /
	              32]; /* the moves that had an effect on a deal: they may be repeated */
};

/* The deals, the moves and their documents; no ledger yet. */
void market_init(struct market *m, bool mediated, bool pair);
/* A fresh ledger at the start. */
void market_begin(struct market *m);
void market_done(struct market *m);
/* Send move k now. *effect: an event. False: refused, m->p.e says why. */
bool market_do(struct market *m, unsigned k, bool *effect);
/* done is taken over from `last`. */
void market_view(const struct market *m, const struct view *last, struct view *out);

const char *actor_name(unsigned actor);
const char *result_name(int32_t result); /* "-", "right", "wrong" */
const char *view_state_name(const struct view *v, unsigned deal);
bool view_is_final(const struct view *v, unsigned deal);
/* The terms of either deal, in token units. */
enum { PAY = 1000, JB = 500, RB = 400, CJ = 20, CS = 30, DAMAGES = 100, FEE = 10 };

#endif
