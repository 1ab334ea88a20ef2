/* ledger.h - the rules of protocol 4 and 5 as values: a ledger, an action and the time go in, events or
 * the first failing clause come out. No I/O, no clock, no randomness of its own; the same actions at the
 * same times give the same ledger everywhere.
 *
 * Offered: settlement `escrow` and `channel` (8.3), mediation none and `SingleMediator` (6.6), accounts,
 * stakes as accounting. `MediatorConsortium` (6.1 to 6.5) is refused with STATE.
 *
 * Order of checks (4.3): the members of the documents are in bounds (RANGE); what is not offered (STATE);
 * the deal is on the ledger (NOT_FOUND) and the documents shown belong to it (CONFLICT); a repetition ends
 * here, without an effect; then the columns of the row of 5 from left to right: `from` (STATE), `who`
 * (PARTY, SIGNATURE, and for 5.8 PANEL where m = 0), `until` (TOO_LATE, TOO_EARLY), `what moves` (RESULT,
 * LIMITS, FUNDS); then 5.14 in the order of its text: m and class PANEL, bonds BONDS, shares SHARES, 4.2
 * CLOCKS, openBy TOO_LATE, nonce NONCE, JC = RP PARTY, mediators PANEL. A Send is tested before its body:
 * SIGNATURE, NONCE, STALE, CONFLICT. An action that is refused changes nothing.
 *
 * Of channels (8.3), which have no row. A deal that draws on one (`claim`, `claim and check`, `open` by its
 * JC): the channel is there (NOT_FOUND) and that of its parties (CONFLICT); it is not on the ledger (STATE);
 * who (PARTY, SIGNATURE; PANEL where a check needs m > 0); LIMITS; the channel is not closed (STATE); in a
 * voucher channel ROY = SOL = 0 (SHARES) and its number is above the last voucher's (NONCE); the sums cover
 * it (FUNDS, JC first); number 0 (NONCE); then 5.14, with the channel's bit for the nonce. An
 * acceptance: NOT_FOUND, STATE, NONCE, SHARES, FUNDS, SIGNATURE. A voucher: NOT_FOUND, STATE, its claims
 * (CONFLICT), a number or sum that is not new (NONCE), nothing left to pay it (FUNDS), SIGNATURE. A cancel
 * of a deal that is not on the ledger: NOT_FOUND, CONFLICT, SIGNATURE, TOO_LATE, STATE, NONCE. Opening:
 * SIGNATURE, TOO_LATE, an id that was used (STATE), FUNDS, PARTY. Top-up and leave: NOT_FOUND, STATE,
 * PARTY, FUNDS. Closing: NOT_FOUND, SIGNATURE and TOO_LATE of a ChannelLeave, STATE, TOO_EARLY. */
#ifndef LILYPAD_LEDGER_LEDGER_H
#define LILYPAD_LEDGER_LEDGER_H

#include "port/action.h"

struct ledger;

/* Did `who` sign the digest? SIGNATURE when not. A test may put a scheme of its own here: signatures are
 * what takes the time. */
typedef bool (*ledger_verify)(void *ctx, const struct hash *digest, const struct sig *sig,
        const struct addr *who, struct err *e);

struct ledger_options {
	ledger_verify verify; /* NULL: secp_check() */
	void *ctx;
	uint64_t seed; /* of the hash tables: random where strangers choose the keys */
};

/* o may be NULL. The allocations of the genesis are its first deposits. CLOCKS: MIN below 60 s on what is
 * no test ledger, or an unbonding time that is not above LIFE (4.2, 5.16); RANGE: an allocation to account
 * zero, or all of them together not below 2^96. */
MUST bool ledger_new(const struct genesis *g, const struct ledger_options *o, struct ledger **out,
        struct err *e);
struct ledger *ledger_free(struct ledger *l); /* returns NULL */
/* From now on signatures are checked by o: a replay of a signed journal need not check them again. */
void ledger_set_verify(struct ledger *l, const struct ledger_options *o);

/* Of one action: 1; of a list of acceptances one of its own, and one for each that it settled. */
#define LEDGER_EVENTS_MAX (1 + ACTION_SETTLE_MAX)

/* Apply one action at block time `now` in block number `block`. id is the action's id, which its events
 * carry. *n events are written; max is at least 1, and for a list at least 1 + its items. 0 events mean that
 * the same documents had this effect before (4.3). now must not go back: CLOCK. BUSY: LEDGER_ACCOUNTS_MAX,
 * LEDGER_CHANNELS_MAX or LEDGER_DEALS_MAX reached. */
MUST bool ledger_apply(struct ledger *l, const struct action *a, const struct hash *id,
        struct btime now, uint64_t block, struct ledger_event *events, size_t max, size_t *n,
        struct err *e);

/* ---- reading ------------------------------------------------------------------------------------ */

const struct genesis *ledger_genesis(const struct ledger *l);
const struct hash *ledger_domain(const struct ledger *l); /* of every signature */
uint64_t ledger_seq(const struct ledger *l);              /* of the last event; 0: none yet */
struct btime ledger_time(const struct ledger *l);         /* of the last action */

/* An account; one that is unknown has nothing. Account zero is the sink: all it has is `free`. */
struct ledger_account {
	struct amount free, locked, withdrawing, stake; /* locked: for deals of escrow */
	struct amount
	        channels; /* in the sums of its channels, and for the deals that draw on them */
	struct btime withdraw_at; /* from when on `withdrawing` can be withdrawn; 0: nothing is */
	struct addr payout; /* where withdrawals go (1.1); the account itself until it is set */
	struct addr next_payout; /* and from payout_at on; zero: no change is under way */
	struct btime payout_at;
	uint64_t send_nonce; /* of its next Send, from 0 */
	uint64_t job_nonce;  /* above every job nonce that is used or burnt; from 1 */
	bool paused;         /* as a mediator */
};
void ledger_account(const struct ledger *l, const struct addr *who, struct btime now,
        struct ledger_account *out);

/* A deal on the ledger; never deleted (8.4). */
struct agreement {
	struct hash id;
	uint8_t state; /* enum deal_state */
	bool rp_agreed;
	struct addr jc, rp, solver, author, mediator; /* mediator zero: none */
	struct hash channel;                          /* zero: escrow */
	uint64_t nonce;                               /* in a channel its number */
	struct btime since;                           /* of the last transition */
	struct btime deadline;                        /* of the state; 0: it is final */
	uint64_t block;                               /* of the last transition */
	struct hash result;                           /* the one that counts; zero: none yet */
	struct hash submitted; /* the one of 5.4; differs when another was accepted (2.6) */
	struct hash check;     /* struct hash of the Check; zero: none */
	struct hash end; /* struct hash of the Verdict, Pass, Decline or Cancel that ended it */
	uint8_t status;  /* enum status, of the result */
	uint64_t count, bytes;          /* of the result */
	struct hash output;             /* struct hash of the result's Output */
	struct amount cost;             /* COST of the result */
	struct amount paid;             /* of COST, once it is final */
	struct amount jc_lock, rp_lock; /* what is locked for it now */
	struct hash cold;               /* struct hash */
	struct hot *hot;                /* owned; NULL once it is final */
};
/* NULL when it is not on the ledger. Valid until the next action. */
const struct agreement *ledger_agreement(const struct ledger *l, const struct hash *id);
/* Of escrow: the one that used the nonce. */
const struct agreement *ledger_agreement_of(
        const struct ledger *l, const struct addr *jc, uint64_t nonce);
/* Used by a deal, or burnt. */
MUST bool ledger_nonce_used(const struct ledger *l, const struct addr *jc, uint64_t nonce);

/* A channel (8.3); never deleted, so that its id is never used twice. */
struct ledger_channel {
	struct hash id; /* struct hash of its ChannelId */
	struct addr jc, rp;
	uint64_t serial;
	uint8_t kind;                /* enum channel_kind */
	bool closed;                 /* what deals lock returns to `free` */
	struct btime close_at;       /* from when on anyone can close it; 0: nobody is leaving */
	struct amount job, provider; /* what the sums hold */
	struct amount job_lock, rp_lock; /* what deals of it that are on the ledger have locked */
	struct amount paid;              /* by vouchers */
	uint64_t floor;                  /* number of the last voucher */
	uint64_t claims;                 /* that RP has made in a voucher channel */
};
/* NULL when there is none. Valid until the next action. */
const struct ledger_channel *ledger_channel(const struct ledger *l, const struct hash *id);
/* Its bit is set, or a voucher has closed it; of an unknown channel: false. */
MUST bool ledger_number_used(const struct ledger *l, const struct hash *channel, uint64_t number);

#define LEDGER_CONCERNED_MAX 8
/* Whom an event concerns: the parties of its deal and channel, its account, and whose balance changed. */
size_t ledger_concerned(const struct ledger *l, const struct ledger_event *ev,
        struct addr out[LEDGER_CONCERNED_MAX]);

/* 5.15 (a): supply = free + locked + withdrawing + channels + stakes + sink. */
struct ledger_totals {
	struct amount supply; /* deposits less withdrawals */
	struct amount free, locked, withdrawing, channels, stakes, sink;
	size_t accounts, deals, opened; /* opened: channels, closed ones too */
};
void ledger_totals(const struct ledger *l, struct ledger_totals *out);
/* Protocol 5.15 (a), (b) and (c) from scratch, over all accounts and deals; after each action the ledger
 * itself asserts them on its counters. INTERNAL says which does not hold. Linear: for tests. */
MUST bool ledger_check(const struct ledger *l, struct err *e);

#endif
