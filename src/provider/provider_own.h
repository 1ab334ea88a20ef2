/* provider_own.h - what the files of this folder share. */
#ifndef LILYPAD_PROVIDER_PROVIDER_OWN_H
#define LILYPAD_PROVIDER_PROVIDER_OWN_H

#include "base/map.h"
#include "provider/provider.h"

#include "model/record_struct.h"
#include "provider/tables.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "provider/tables.def"
#include "model/record_end.h"

/* How far a deal has come. */
enum work_state {
#define S(name, value, flags, next, meaning) WORK_##name = (value),
#include "provider/work_state.def"
#undef S
};
extern const struct sm work_states;

/* What the tags of its effects mean; tag.key is the deal id where one is concerned. */
enum provider_tag {
	TAG_POST_OFFER = 1, /* call: the offer to the solver */
	TAG_RENEW,          /* timer */
	TAG_SOLVER,         /* follow: its events */
	TAG_FETCH_SPEC,     /* fetch */
	TAG_FETCH_PART,     /* fetch: program, inputs */
	TAG_SIGNATURE,      /* call: our signature to the solver */
	TAG_RUN,            /* run */
	TAG_PUSH,           /* push: the output to the directory */
	TAG_RESULT,         /* call: the result to the solver */
	TAG_REFUSE,         /* call; timer: once more */
	TAG_RETRY,          /* timer: try the present step again */
	TAG_DECLINE,        /* call */
	TAG_IDLE,           /* call: why no job matches our offer */
	TAG_CANCEL,         /* call: our offer out of the book */
	TAG_TELL,           /* timer: what the solver has not taken yet is sent again */
	TAG_RESUME,         /* timer: the deals of before the start, some more of them */
	TAG_TRY,            /* run: does the program compile here? */
	TAG_NONCES,         /* call: what the solver has seen of us */
	TAG_LOOK,           /* call: what the solver knows of a deal in a channel */
	TAG_LEARN           /* call, timer: what it has of a deal that this store does not know */
};

struct work {
	struct provider_deal deal;
	struct provider_work w;
	unsigned waiting;    /* fetches that are under way */
	unsigned tries;      /* of the present step */
	unsigned rounds;     /* in which parts were looked for */
	bool gathered;       /* the parts are all here, and not looked at again */
	bool running;        /* handed to the executor */
	bool trying;         /* the same, for its program to be compiled */
	bool compiles;       /* it did */
	bool pausing;        /* until its retry timer: not run before */
	bool loaded;         /* of before the start, and not gone on with yet */
	bool told_signature; /* the solver has it, or will not have it */
	bool told_result;
	bool listed; /* in a list that was included: settled alone, which says what is wrong with it */
	bool unsettled; /* the ledger does not take its acceptance: it is claimed */
	uint64_t
	        told_s; /* ledger time from which on the JC is silent about its result; 0: not yet */
	uint64_t
	        asked_jc_s; /* ledger time at which the solver was asked for what the JC has signed */
	struct hash action;    /* id of the action that was submitted last */
	uint64_t asked_s;      /* ledger time at which a passed deadline was last acted on */
	struct resources need; /* of its spec */
	bool need_known;       /* not yet after a start */
};

/* A deal of ours that the ledger has open and this store does not know (9.5). */
struct strange {
	uint8_t ledger; /* enum deal_state */
	struct btime deadline;
	struct hash result; /* that the ledger has; zero: none */
	bool asked;         /* the solver, at least once */
	unsigned tries;     /* that gave nothing */
};

/* What the solver said last about our offer, and who waits for it. */
#define IDLE_WAITING_MAX 16 /* others get what is known */
struct idle_view {
	bool known;
	struct mono at;
	json_t *json;              /* NULL: no answer, see `missing` */
	char missing[ERR_MSG_MAX]; /* why */
	unsigned waiting_n;
	struct conn_id waiting[IDLE_WAITING_MAX];
};

/* How far a stream has been read. A commit for the cursor alone is not worth it: what is read again after
 * a crash had written nothing, or it would have taken the cursor along. */
enum cursor_of { CURSOR_SOLVER, CURSOR_LEDGER, CURSORS };
#define CURSOR_BEHIND_MAX 64 /* events */
struct cursor_view {
	uint64_t at;
	unsigned behind; /* events since it was stored */
};

/* Our Sends have consecutive nonces: one is under way at a time. */
struct sending {
	struct hash action;  /* zero: none is */
	struct hash deal;    /* that it is about; zero: a list */
	uint32_t left;       /* acceptances in it that no event has told of */
	uint64_t included_s; /* time of its block; 0: not included */
	uint64_t since_s;
	uint64_t pause_s; /* no next one before */
	uint64_t nonce;   /* of the next one */
};

#define PROGRAMS_MAX 4096 /* that are known to compile; past it all are forgotten */

struct provider {
	struct world *world;
	struct provider_config c;
	struct peer open_solver;     /* for documents that carry their own signature (9.1) */
	struct provider_offer offer; /* id zero: none yet */
	bool posted;                 /* acknowledged by the solver */
	bool counted;                /* the solver has said what it has seen of us (9.5) */
	uint64_t least_nonce;        /* of the next offer */
	struct map works;            /* deal id -> struct work *, unfinished ones */
	struct map
	        strange; /* deal id -> struct strange: while there are any, the ledger's cursor stands */
	struct map programs; /* digests of those that compile here */
	unsigned running;
	unsigned trying;
	struct btime ledger_time; /* of the confirmed head */
	uint64_t no_directory_s;  /* ledger time at which it did not take an output; 0: it does */
	struct cursor_view cursors[CURSORS];
	bool wrote; /* this event: its commit takes the cursors along */
	struct sending sending;
	bool room_wanted; /* a deal waits until what is accepted is settled */
	struct amount free_balance;
	bool balance_known;
	struct provider_totals {
		uint64_t jobs, paid, failed, declined, lost;
		struct amount earned;
	} totals;
	struct wall started;
	struct wall idle_since;
	char last_refusal[256];
	struct idle_view idle;
	struct misbehaving *instrument; /* owned; NULL: honest */
};

/* offer.c */
void provider_post_offer(struct provider *p, const struct event *ev, struct effects *fx);
void provider_on_ack(struct provider *p, const struct event *ev, struct effects *fx);
void provider_on_nonces(struct provider *p, const struct event *ev, struct effects *fx);
/* Nobody is to be matched with a provider that is gone. */
void provider_cancel_offer(struct provider *p, const struct event *ev, struct effects *fx);
/* deals.c */
/* The end of a deal by the ledger's event. */
void provider_paid(
        struct provider *p, struct work *k, const struct ledger_event *le, struct effects *fx);
void provider_on_message(struct provider *p, const struct event *ev, struct effects *fx);
void provider_on_tree(struct provider *p, const struct event *ev, struct effects *fx);
void provider_on_run(struct provider *p, const struct event *ev, struct effects *fx);
void provider_on_ledger(struct provider *p, const struct event *ev, struct effects *fx);
void provider_on_retry(struct provider *p, const struct event *ev, struct effects *fx);
void provider_on_tell(struct provider *p, const struct event *ev, struct effects *fx);
void provider_told_signature(struct provider *p, struct work *k, bool taken, struct effects *fx);
/* steps.c: one function per step of a deal. */
void step_fetch(struct provider *p, struct work *k, struct effects *fx);
/* The program has been compiled here, or why it was not. */
void step_tried(struct provider *p, struct work *k, const struct run_done *r, struct effects *fx);
void step_sign(struct provider *p, struct work *k, struct effects *fx);
void step_open(struct provider *p, struct work *k, struct effects *fx);
void step_timeout(struct work *k, struct effects *fx);
void step_run(struct provider *p, struct work *k, struct effects *fx);
void step_push(struct provider *p, struct work *k, struct effects *fx);
/* Once: a result that is signed stays. */
MUST bool step_sign_result(struct provider *p, struct work *k, struct err *e);
void step_submit(struct provider *p, struct work *k, struct effects *fx);
/* Our signature and our result to the solver, as far as it has not taken them. */
void step_tell(struct provider *p, struct work *k, struct effects *fx);
void step_decline(
        struct provider *p, struct work *k, uint8_t reason, const char *why, struct effects *fx);
void step_refuse(struct provider *p, struct work *k, const struct err *why, struct effects *fx);
/* What was refused before, if it was: a solver that did not hear of it would wait until open_by. */
void step_refuse_again(struct provider *p, const struct hash *deal, struct effects *fx);
/* The job's process is ended; the slot is free when the executor says so. */
void step_kill(struct work *k, struct effects *fx);
/* The spec, from the blob store; NULL + e when it is not there or is not one. */
struct job_spec *work_spec(
        struct provider *p, const struct work *k, struct arena *a, struct err *e);
/* capacity.c */
/* BUSY: with what is signed already the job does not fit into the offered machine, or ends too late. */
MUST bool provider_has_room(struct provider *p, struct work *k, struct err *e);
/* keep.c: the journal. */
void provider_keep(struct provider *p, struct work *k);
void provider_move(struct provider *p, struct work *k, enum work_state to);
void provider_put(struct provider *p, const struct record *r, const void *row);
void provider_keep_deal(struct provider *p, const struct provider_deal *d);
MUST bool provider_keep_offer(struct provider *p, const struct provider_offer *o, struct err *e);
void provider_saw(struct provider *p, enum cursor_of which, uint64_t cursor);
/* The end of an event: the cursors go with what it wrote, or when they are too far behind. */
void provider_keep_cursors(struct provider *p);
struct work *provider_work_new(struct provider *p, const struct hash *id);
struct work *provider_work_get(struct provider *p, const struct hash *id);
void provider_finish(struct provider *p, struct work *k, enum work_state end, const char *why);
/* Counts a deal by the ledger's final state; true when it was paid in full. */
bool provider_count(struct provider *p, uint8_t end);
MUST bool provider_load(struct provider *p, struct err *e);
/* The result document of a deal that has run. */
void work_result(const struct work *k, struct result *out);
/* {"deal", "jobCreatorSignature", "providerSignature"} in the event's arena. */
struct bytes work_deal_json(struct effects *fx, const struct work *k);
/* idle.c */
/* True: the solver is asked, and provider_reply_status() follows. */
bool provider_ask_idle(
        struct provider *p, struct conn_id conn, const struct event *ev, struct effects *fx);
void provider_on_idle(struct provider *p, const struct event *ev, struct effects *fx);
/* learn.c */
/* True: the event is of a deal that this store does not know, or knows as unsigned, and the ledger has open. */
MUST bool provider_note_strange(struct provider *p, const struct ledger_event *le);
bool provider_is_strange(const struct provider *p, const struct hash *deal);
/* Once all events of before the start are read: those that are still open are asked for. */
void provider_ask_strange(struct provider *p, struct effects *fx);
void provider_ask_again(struct provider *p, const struct hash *deal, struct effects *fx);
void provider_on_learned(struct provider *p, const struct event *ev, struct effects *fx);
/* channel.c */
void provider_on_channel(struct provider *p, const struct event *ev, struct effects *fx);
void provider_on_leave(struct provider *p, const struct event *ev, struct effects *fx);
/* What the ledger tells of our channels. */
void provider_note_channel(struct provider *p, const struct ledger_event *le);
/* The row of a channel; NOT_FOUND. */
MUST bool channel_row(
        struct provider *p, const struct hash *id, struct provider_channel *out, struct err *e);
/* Is it on the ledger, with that state of a row? */
bool channel_is_open(const struct provider_channel *row);
/* draws.c: deals that draw on a channel (8.3). */
static inline bool work_draws(const struct work *k)
{
	return !hash_is_zero(&k->deal.deal.hot.channel);
}
/* The ledger does not know it, and nothing of it is settled. */
static inline bool work_off_ledger(const struct work *k)
{
	return work_draws(k) && k->w.ledger == 0;
}
/* May we sign it? The number is kept as that of this deal when we do. FUNDS and BUSY pass. */
MUST bool draws_may_sign(struct provider *p, const struct work *k, struct err *e);
void draws_signed(struct provider *p, const struct work *k);
/* Not signed for now: tried again, unless too little time would be left; true then. */
MUST bool draws_wait(struct provider *p, struct work *k, const struct err *why, struct effects *fx);
void draws_room(struct provider *p, const struct work *k);
/* Deals that are open on our side in a channel, and the sums' state; for its end. */
unsigned draws_open(struct provider *p, const struct hash *channel);
void draws_on_accepted(struct provider *p, const json_t *j, struct effects *fx);
/* Asks the solver for what the JC has signed. */
void draws_look(struct provider *p, struct work *k, struct effects *fx);
void draws_on_look(struct provider *p, const struct event *ev, struct effects *fx);
/* voucher.c: channels of vouchers. */
/* The voucher of {"voucher", "signature"} is kept as the latest: it counts k and all that is accepted. RESULT,
 * CONFLICT, SIGNATURE. */
MUST bool voucher_take(struct provider *p, const struct work *k, const json_t *j, struct err *e);
/* Its row, if its voucher says something new, and closes nothing that is not in it. */
MUST bool voucher_to_redeem(
        struct provider *p, const struct hash *channel, struct provider_channel *row);
/* What a voucher that was redeemed has closed is paid, or lost. */
void voucher_on_redeemed(struct provider *p, const struct ledger_event *le, struct effects *fx);
/* settle.c: what is settled, and what is claimed, and when. */
void settle_on_time(struct provider *p, struct effects *fx);
/* An event of the ledger, an action that was included, or one that will not be. */
void settle_on_event(struct provider *p, const struct ledger_event *le);
void settle_on_dropped(struct provider *p, const struct ledger_note *n);
/* status.c */
void provider_reply_status(
        struct provider *p, struct conn_id conn, const struct event *ev, struct effects *fx);
void provider_on_request(struct provider *p, const struct event *ev, struct effects *fx);
extern const struct route provider_routes[];
extern const size_t provider_routes_n;

#endif
