/* action.h - what is submitted to a ledger, and what a ledger tells (protocol 8).
 * The port never answers by return value: an action is pending, then included, then final, or
 * dropped, and every role lives with all four. */
#ifndef LILYPAD_PORT_ACTION_H
#define LILYPAD_PORT_ACTION_H

#include "base/err.h"
#include "model/model.h"

#define ACTION_SETTLE_MAX 100 /* acceptances of one list: JSON_VALUE past it */
/* 8.3: one acceptance, with what its channel's id is made of beside its provider, who sends it. */
struct settle_item {
	struct addr job_creator;
	uint64_t serial;
	struct channel_acceptance doc;
	struct sig sig; /* JC; of a list in 64 bytes (EIP-2098) */
};

/* One action with the signed documents that it carries; which members count depends on the kind
 * (enum action_kind). Its id is Keccak-256 of its canonical JSON. */
struct action {
	uint8_t kind; /* enum action_kind */
	/* ACTION_SEND; SETTLE, REDEEM and CLAIM, which their provider sends (8.3) */
	struct send send;
	struct sig send_sig;
	union {
		struct mint mint;
		struct withdrawal withdrawal;
		struct payout payout;
		struct nonce_cancel nonce_cancel;
		struct registration registration;
		struct pause pause;
		struct top_up top_up;
		struct leave leave;
		struct answer answer;
	} body; /* by send.kind; Agree uses `deal` */
	/* ACTION_OPEN, CLAIM, CLAIM_CHECK, SEND_AGREE; CANCEL of a channel's deal that is not on the ledger;
	 * cold is needed by ACTION_VERDICT and ACTION_PASS as well */
	struct deal deal;
	/* OPEN, CLAIM: over the deal; SEND_AGREE in a channel: RP's over the deal; CANCEL, OPEN_CHANNEL: over
	 * that document; CLOSE_CHANNEL: over the ChannelLeave, both empty once LIFE is over */
	struct sig jc_sig, rp_sig;
	struct hash deal_id; /* TIMEOUT, and all that name a deal */
	struct cancel cancel;
	struct result result;    /* output only as output_hash when it came from JSON */
	struct hash output_hash; /* struct hash of result.output */
	struct sig result_sig;   /* RP; empty in ACCEPT: the submitted one is meant */
	struct decline decline;
	struct acceptance acceptance;
	struct amount cost; /* ACCEPT in a channel: COST as the ChannelAcceptance says it */
	struct check check;
	struct verdict verdict;
	struct pass pass;
	struct channel channel;
	struct channel_leave leave; /* CLOSE_CHANNEL; without signatures only its channel counts */
	struct voucher voucher;
	/* Over decline, acceptance (in a channel the ChannelAcceptance), check, verdict, pass or voucher. */
	struct sig doc_sig;
	/* SETTLE: one, or a list of which what cannot be settled is skipped. Not owned. */
	const struct settle_item *items;
	uint32_t items_n;
};

enum ledger_stage {
	LEDGER_PENDING,  /* accepted for a block */
	LEDGER_INCLUDED, /* in a block that may still vanish */
	LEDGER_FINAL,    /* irrevocable */
	LEDGER_DROPPED,  /* will never be in a block: err says why; may be submitted again */
	LEDGER_EVENT,    /* something happened on the ledger, see the members below */
	LEDGER_CLOCK,    /* block time moved on */
	LEDGER_DOWN,     /* the ledger does not answer: err */
	LEDGER_UP        /* and does again; events since the cursor follow */
};

#define LEDGER_CHANGES_MAX 8 /* JC, RP, author, solver, mediator, sink at most in one action */
struct balance_change {
	struct addr account;
	struct amount free, locked, withdrawing;
	uint64_t send_nonce; /* the next one of its Sends */
};

/* A channel as an event leaves it. */
struct channel_change {
	struct hash id;              /* zero: no channel is concerned */
	uint64_t number;             /* of the deal; 0: none */
	struct amount job, provider; /* what the sums hold */
	struct amount paid;          /* by vouchers */
	uint64_t floor, claims;      /* number of the last voucher; claims that RP has made */
	struct btime close_at;       /* from when on anyone can close it; 0: nobody is leaving */
	bool closed;
};

/* One event of the ledger: the same on every implementation. */
struct ledger_event {
	uint64_t seq; /* ascending, no gaps: the cursor */
	uint64_t block;
	struct btime time; /* of the block */
	uint8_t action;    /* enum action_kind that caused it */
	struct hash action_id;
	struct hash deal;   /* zero: an action of an account or of a channel */
	uint8_t from, to;   /* enum deal_state; 0: none */
	struct hash result; /* result hash once one is submitted */
	/* With a result: what it says, so that the JC can judge and a mediator rule whatever is kept from
	 * them (9.3). */
	uint8_t status; /* enum status */
	uint64_t count, bytes;
	struct hash output;    /* struct hash of its Output */
	struct addr account;   /* account actions: whose */
	struct amount amount;  /* COST paid, or the amount of another action */
	struct btime deadline; /* of the new state; 0: none */
	struct channel_change channel;
	/* The balances of every account that it touched, as they are after it: so a follower's copy is
	 * exact without asking. */
	uint32_t changes_n;
	struct balance_change changes[LEDGER_CHANGES_MAX];
};

struct ledger_note {
	enum ledger_stage stage;
	struct hash action_id;
	struct hash
	        tx; /* INCLUDED, FINAL, on a chain: the transaction that it is in; zero: not known */
	bool failed; /* INCLUDED, FINAL: included, but the action itself failed: err */
	struct err err;
	struct btime time;         /* block time of the confirmed head */
	struct ledger_event event; /* LEDGER_EVENT */
	bool final;                /* LEDGER_EVENT: in a final block */
};

#endif
