/* ledger_own.h - what the files of this folder share. */
#ifndef LILYPAD_LEDGER_LEDGER_OWN_H
#define LILYPAD_LEDGER_LEDGER_OWN_H

#include "base/map.h"
#include "ledger/ledger.h"

struct account {
	struct amount free, locked, withdrawing, stake;
	struct btime withdraw_at, payout_at;
	struct addr payout, next_payout; /* zero: the account itself; no change */
	uint64_t send_nonce, job_nonce;  /* job_nonce 0: none used yet */
	bool paused;
};

/* The key of a job nonce, and of 256 bits of burnt ones: no padding. */
struct nonce_key {
	struct addr jc;
	uint8_t be[8];
};

struct ledger {
	struct genesis genesis;
	struct hash domain;
	ledger_verify verify;
	void *verify_ctx;
	struct map accounts;   /* addr -> struct account */
	struct map agreements; /* deal id -> struct agreement */
	struct map nonces;     /* nonce_key -> deal id */
	struct map burnt;      /* nonce_key of nonce / 256 -> bitmap of 32 bytes (8.4) */
	struct ledger_totals totals;
	/* 5.15 (b): the sum of all jc_lock and rp_lock, counted where those are set and not where accounts
	 * change, so that it equals totals.locked only if both sides were moved. */
	struct amount deal_locks;
	uint64_t seq;
	struct btime time;
	/* Whose balances the present action changed. */
	struct addr touched[LEDGER_CHANGES_MAX];
	uint32_t touched_n;
};

/* One action under way. */
struct step {
	struct ledger *l;
	const struct action *a;
	struct btime now;
	uint64_t block;
	struct hash body; /* of a Send: the struct hash of its body; of `agree` the deal's id */
	struct ledger_event *ev;
	bool changed; /* false: a repetition */
};

/* ---- accounts.c: balances; nothing else changes one ---- */
struct account *account_get(const struct ledger *l, const struct addr *who); /* NULL: unknown */
/* It exists afterwards, so that a later credit cannot fail. BUSY. */
MUST bool account_ready(struct ledger *l, const struct addr *who, struct err *e);
/* FUNDS unless its free balance covers the amount. */
MUST bool account_covers(const struct ledger *l, const struct addr *who, struct amount need,
        const char *what, struct err *e);
void account_touch(struct ledger *l, const struct addr *who);
/* All of these assert that there is enough: whoever calls has looked. */
void money_deposit(struct ledger *l, const struct addr *to, struct amount n);
void money_lock(struct ledger *l, const struct addr *who, struct amount n);
void money_unlock(struct ledger *l, const struct addr *who, struct amount n); /* to nobody yet */
void money_credit(struct ledger *l, const struct addr *to, struct amount n);  /* zero: the sink */
void money_to_withdrawing(struct ledger *l, const struct addr *who, struct amount n);
void money_withdraw(struct ledger *l, const struct addr *who, struct amount n);
void money_to_stake(struct ledger *l, const struct addr *who, struct amount n);
void money_from_stake(
        struct ledger *l, const struct addr *who, struct amount n); /* to withdrawing */
struct amount amount_plus(struct amount a, struct amount b);
struct amount amount_less(struct amount a, struct amount b);

/* ---- money.c: protocol 5, row by row ---- */
/* Pays out the locks of d as the row of the final state `to` says. */
void money_settle(struct ledger *l, struct agreement *d, unsigned to);

/* ---- open.c: 5.1 and 5.14 ---- */
MUST bool apply_open(struct step *s, struct err *e);
MUST bool apply_agree(struct step *s, struct err *e);
/* STATE: the deal needs what is not offered. */
MUST bool deal_offered(struct step *s, const struct hot *h, struct err *e);

/* ---- deals.c: the other rows of 5 ---- */
MUST bool apply_cancel(struct step *s, struct err *e);
MUST bool apply_result(struct step *s, struct err *e);
MUST bool apply_decline(struct step *s, struct err *e);
MUST bool apply_accept(struct step *s, struct err *e);
MUST bool apply_check(struct step *s, struct err *e);
MUST bool apply_verdict(struct step *s, struct err *e);
MUST bool apply_pass(struct step *s, struct err *e);
MUST bool apply_timeout(struct step *s, struct err *e);

/* ---- sends.c: actions that a party itself sends ---- */
MUST bool apply_send(struct step *s, struct err *e);
void nonce_key(const struct addr *jc, uint64_t nonce, struct nonce_key *out);
/* The account's job nonce is above this one from now on. */
void use_nonce(struct ledger *l, const struct addr *jc, uint64_t nonce);

/* ---- apply.c ---- */
/* STATE: actions, kinds of Send and deals that need what is not offered. */
bool no_channels(struct step *s, struct err *e);
bool no_consortium(struct step *s, struct err *e);
/* RANGE unless amounts are below 2^96, times below 2^40 and enumerations known, nested records too. */
MUST bool document_in_bounds(const struct record *r, const void *row, struct err *e);
/* SIGNATURE, with the name of the document before it, unless `who` signed its hash. */
MUST bool document_signed(const struct ledger *l, const struct hash *doc, const struct sig *sig,
        const struct addr *who, const char *what, struct err *e);
/* The deal's next state, its clock and the event that tells it. Final states settle the money. */
void step_move(struct step *s, struct agreement *d, unsigned to, uint64_t timeout);

#endif
