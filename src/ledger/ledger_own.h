/* ledger_own.h - what the files of this folder share. */
#ifndef LILYPAD_LEDGER_LEDGER_OWN_H
#define LILYPAD_LEDGER_LEDGER_OWN_H

#include "base/map.h"
#include "ledger/ledger.h"

struct account {
	struct amount free, locked, withdrawing, channels, stake;
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

/* The key of 256 bits of a channel's numbers. */
struct number_key {
	struct hash channel;
	uint8_t be[8];
};

struct ledger {
	struct genesis genesis;
	struct hash domain;
	ledger_verify verify;
	void *verify_ctx;
	struct map accounts; /* addr -> struct account */
	struct map
	        agreements; /* deal id -> struct agreement *, owned: a table that doubles moves no deals */
	struct map nonces;   /* nonce_key -> struct agreement * */
	struct map burnt;    /* nonce_key of nonce / 256 -> bitmap of 32 bytes (8.4) */
	struct map channels; /* channel id -> struct ledger_channel */
	struct map numbers;  /* number_key of number / 256 -> bitmap of 32 bytes (8.4) */
	struct ledger_totals totals;
	/* 5.15 (b): the sum of all jc_lock and rp_lock, counted where those are set and not where accounts
	 * change, so that it equals totals.locked only if both sides were moved. */
	struct amount deal_locks;
	/* The same of totals.channels: the sums of channels, and what deals have locked from them. */
	struct amount channel_sums, channel_locks;
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
	struct ledger_event *ev; /* the one that is being written */
	struct ledger_event *events;
	size_t max;
	bool changed; /* false: a repetition */
};

/* NULL: no such deal. It stays where it is. */
struct agreement *agreement_get(const struct ledger *l, const struct hash *id);
void agreement_free(struct agreement *a); /* may be NULL */

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
void money_to_channel(struct ledger *l, const struct addr *who, struct amount n);
void money_from_channel(
        struct ledger *l, const struct addr *who, struct amount n); /* to nobody yet */
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
/* RANGE, STATE: mediation that is not offered. */
MUST bool deal_offered(struct step *s, const struct hot *h, struct err *e);
/* 5.14 from m to the clocks, and from JC = RP on: what stands before and after the nonce. */
MUST bool terms_admitted(
        const struct step *s, const struct deal *d, struct btime open_by, struct err *e);
MUST bool parties_admitted(const struct deal *d, struct err *e);
/* The deal comes onto the ledger, with nothing locked yet. In a channel the caller has taken the number. BUSY. */
MUST bool deal_record_new(struct step *s, const struct deal *d, const struct hash *id,
        struct agreement **out, struct err *e);

/* ---- deals.c: the other rows of 5 ---- */
MUST bool apply_cancel(struct step *s, struct err *e);
MUST bool apply_result(struct step *s, struct err *e);
MUST bool apply_decline(struct step *s, struct err *e);
MUST bool apply_accept(struct step *s, struct err *e);
MUST bool apply_check(struct step *s, struct err *e);
MUST bool apply_verdict(struct step *s, struct err *e);
MUST bool apply_pass(struct step *s, struct err *e);
MUST bool apply_timeout(struct step *s, struct err *e);
/* 4.3: the deal stands as a Result, or a Check, of that hash leaves it: the same again is a repetition. What came
 * later has taken its place, as the contracts keep of a deal only what its next step needs. */
MUST bool result_stands(const struct agreement *d, const struct hash *h);
MUST bool check_stands(const struct agreement *d, const struct hash *h);
/* LIMITS: count or bytes of the action's Result (5.4). */
MUST bool result_fits(const struct step *s, const struct hot *h, struct err *e);
/* The action's Result, of hash h, is submitted (5.4); and checked in the same step (5.8). */
void submit_result(struct step *s, struct agreement *d, const struct hash *h);
void record_check(
        struct step *s, struct agreement *d, const struct hash *result, const struct hash *check);

/* ---- channels.c: 8.3 and 8.4 ---- */
MUST bool apply_open_channel(struct step *s, struct err *e);
MUST bool apply_close_channel(struct step *s, struct err *e);
MUST bool apply_top_up(struct step *s, struct err *e);
MUST bool apply_leave(struct step *s, struct err *e);
MUST bool apply_settle(struct step *s, struct err *e);
MUST bool apply_redeem(struct step *s, struct err *e);
struct ledger_channel *channel_get(const struct ledger *l, const struct hash *id);
/* NOT_FOUND. */
MUST bool channel_there(const struct step *s, const struct hash *id,
        const struct ledger_channel **out, struct err *e);
/* NOT_FOUND, STATE: it is closed. */
MUST bool channel_open(
        const struct step *s, const struct hash *id, struct ledger_channel **out, struct err *e);
/* NONCE unless the number is above 0 and the floor, and its bit unset. */
MUST bool number_free(
        const struct ledger *l, const struct ledger_channel *c, uint64_t number, struct err *e);
/* Its bit is set. BUSY. */
MUST bool number_take(
        struct ledger *l, const struct ledger_channel *c, uint64_t number, struct err *e);
/* The channel of the event, as it is now. */
void step_channel(struct step *s, const struct ledger_channel *c, uint64_t number);
/* From a channel's sums, for a deal; and all of it back: what returns to the sums, the rest is the caller's
 * to credit. The sums of a closed channel are `free`. */
void channel_lock(struct ledger *l, struct ledger_channel *c, struct amount jc, struct amount rp);
void channel_unlock(
        struct ledger *l, const struct agreement *d, struct amount jc_back, struct amount rp_back);

/* ---- claims.c: a channel's deal comes onto the ledger, or never will ---- */
MUST bool apply_claim(struct step *s, struct err *e);
MUST bool apply_claim_check(struct step *s, struct err *e);
/* `open` by its JC, which is an Agree with RP's signature; the Send itself is in order. */
MUST bool apply_open_in(struct step *s, struct err *e);
/* 5.3: the deal that the action shows is not on the ledger. */
MUST bool cancel_number(struct step *s, struct err *e);

/* ---- sends.c: actions that a party itself sends ---- */
MUST bool apply_send(struct step *s, struct err *e);
/* A Send of this kind whose body is s->body: SIGNATURE, NONCE, STALE, CONFLICT; RANGE before them: it is of
 * another kind. */
MUST bool send_fits(const struct step *s, uint8_t kind, struct err *e);
/* It has had its effect: its nonce is used. */
void send_done(struct step *s);
void told(struct step *s, const struct addr *who, struct amount n);
void nonce_key(const struct addr *jc, uint64_t nonce, struct nonce_key *out);
/* The account's job nonce is above this one from now on. */
void use_nonce(struct ledger *l, const struct addr *jc, uint64_t nonce);

/* ---- apply.c ---- */
/* STATE: actions, kinds of Send and deals that need what is not offered. */
bool no_consortium(struct step *s, struct err *e);
/* RANGE unless amounts are below 2^96, times below 2^40 and enumerations known, nested records too. */
MUST bool document_in_bounds(const struct record *r, const void *row, struct err *e);
/* SIGNATURE, with the name of the document before it, unless `who` signed its hash. */
MUST bool document_signed(const struct ledger *l, const struct hash *doc, const struct sig *sig,
        const struct addr *who, const char *what, struct err *e);
/* A new event of the action, after the present one, which is complete. */
void step_next(struct step *s);
/* The deal's next state, its clock and the event that tells it. Final states settle the money. */
void step_move(struct step *s, struct agreement *d, unsigned to, uint64_t timeout);

#endif
