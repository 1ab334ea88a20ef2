/* ledger.h - the rules of protocol 4, 5 and 6.6 as a pure machine: an action and a time go in, one event
 * or an error comes out. No clock, no I/O. The embedded ledger, the simulator and the tests are drivers.
 *
 * Every transition moves exactly what its row of protocol 5 says (money.c); the invariants 5.15 (a) to
 * (c) are asserted after each. */
#ifndef LILYPAD_LEDGER_LEDGER_H
#define LILYPAD_LEDGER_LEDGER_H

#include "port/action.h"

struct ledger;

/* How signatures are checked: NULL means secp256k1 over the digest. Tests of millions of sequences put a
 * cheap scheme here. */
typedef bool (*ledger_verify)(const struct hash *digest, const struct sig *sig, const struct addr *who,
	struct err *e);

/* RANGE: MIN below 60 s outside a test ledger (4.2), unbonding not longer than LIFE (5.16), or
 * allocations that overflow. seed: of the hash tables, random. */
MUST bool ledger_new(const struct genesis *g, ledger_verify verify, uint64_t seed, struct ledger **out,
	struct err *e);
struct ledger *ledger_free(struct ledger *l);
const struct hash *ledger_domain(const struct ledger *l);
const struct genesis *ledger_genesis(const struct ledger *l);

/* Apply one action at block time `now`. true: it took effect and *ev tells what happened (seq is not
 * filled), or it repeats what is recorded already (protocol 4.3): ev->action is 0 then. false: refused,
 * nothing changed, *e is the first clause that fails. */
MUST bool ledger_apply(struct ledger *l, const struct action *a, struct btime now, struct ledger_event *ev,
	struct err *e);

/* What is recorded. */
struct ledger_account {
	struct amount free, locked, withdrawing;
	struct btime  withdraw_at;  /* from then on it can be withdrawn */
	struct addr   payout;       /* zero: itself */
	uint64_t      send_nonce;   /* the next one of its Sends */
	struct amount stake, unbonding;
	bool          mediator, paused;
};
void ledger_account(const struct ledger *l, const struct addr *who, struct ledger_account *out);

struct ledger_deal {
	uint8_t       state;        /* enum deal_state; 0: unknown */
	struct btime  deadline;     /* 0: none */
	struct addr   job_creator, provider;
	uint64_t      nonce;
	struct hash   result;       /* result hash; zero: none */
	uint8_t       status;
	uint64_t      count, bytes;
	struct amount cost;         /* paid, or what 5.6 would pay */
};
MUST bool ledger_deal(const struct ledger *l, const struct hash *id, struct ledger_deal *out);

struct ledger_totals {
	struct amount counter;      /* deposits less withdrawals: 5.15 (a) */
	struct amount sink;
	uint64_t      accounts, deals, live;
};
void ledger_totals(const struct ledger *l, struct ledger_totals *out);
/* 5.15 (a) to (c) over everything; for tests and `ledger verify`: TAMPERED says which fails. */
MUST bool ledger_check(const struct ledger *l, struct err *e);
/* COST of a result under a deal, saturating at PAY (protocol 5). */
struct amount ledger_cost(const struct hot *h, uint64_t count, uint64_t bytes);

#endif
