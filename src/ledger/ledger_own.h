/* ledger_own.h - what the files of this folder share. */
#ifndef LILYPAD_LEDGER_LEDGER_OWN_H
#define LILYPAD_LEDGER_LEDGER_OWN_H

#include "base/map.h"
#include "ledger/ledger.h"

struct account {
	struct amount free, locked, withdrawing, stake, unbonding;
	struct btime  withdraw_at, unbond_at, payout_at;
	struct addr   payout, payout_next;
	uint64_t      send_nonce;
	bool          mediator, paused;
};

/* A deal that is not final. */
struct agreement {
	struct hot   hot;
	struct hash  cold;       /* struct hash of the rest */
	bool         rp_locked;  /* false while only the JC has agreed */
	struct hash  result;
	uint8_t      status;
	uint64_t     count, bytes;
	struct hash  check;      /* struct hash of the Check */
};

/* Every deal for ever; `live` is NULL once it is final. */
struct slot {
	uint8_t           state;
	uint8_t           status;
	struct btime      deadline;
	struct addr       job_creator, provider;
	uint64_t          nonce, count, bytes;
	struct hash       result, document; /* result; what ended it, to recognise a repetition */
	struct amount     cost;
	struct agreement *live;
};

struct nonce_key {
	struct addr jc;
	uint8_t     pad[4];
	uint64_t    nonce;
};

struct ledger {
	struct genesis g;
	struct hash    domain;
	ledger_verify  verify;
	struct map     accounts;  /* addr -> struct account */
	struct map     deals;     /* deal id -> struct slot */
	struct map     nonces;    /* struct nonce_key -> deal id; zero: burnt */
	struct amount  counter;   /* deposits less withdrawals */
	struct amount  holdings;  /* the other side of 5.15 (a), kept step by step */
	uint64_t       live;
};

/* One step under way: who was touched, so that the event can tell. */
struct step {
	struct ledger       *l;
	const struct action *a;
	struct btime         now;
	struct ledger_event *ev;
};

/* accounts.c */
struct account *account_of(struct ledger *l, const struct addr *who);        /* NULL: the table is full */
const struct account *account_peek(const struct ledger *l, const struct addr *who);
extern const struct addr sink_account; /* 0x…dEaD: nobody can withdraw from it */
MUST bool account_lock(struct step *s, const struct addr *who, struct amount v, const char *what,
	struct err *e);
void account_unlock(struct step *s, const struct addr *who, struct amount v);
void account_credit(struct step *s, const struct addr *who, struct amount v);
void step_touch(struct step *s, const struct addr *who);
MUST bool send_apply(struct step *s, struct err *e);

/* money.c: the rows of protocol 5. */
struct split {
	struct amount jc, rp, author, solver, mediator, sink;
};
void split_row(const struct hot *h, bool rp_locked, enum deal_state to, struct amount cost, bool voted,
	struct split *out);
struct amount deal_jc_lock(const struct hot *h); /* PAY + JB */

/* deals.c */
MUST bool open_valid(const struct ledger *l, const struct deal *d, struct btime now, struct err *e);
struct slot *slot_of(struct ledger *l, const struct hash *deal);
MUST bool deal_apply(struct step *s, struct err *e);
MUST bool open_apply(struct step *s, struct err *e);
MUST bool agree_apply(struct step *s, struct err *e);

/* rules of signatures */
MUST bool ledger_signed(const struct ledger *l, const struct record *r, const void *row,
	const struct sig *sig, const struct addr *who, struct err *e);

#endif
