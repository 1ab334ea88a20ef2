/* creator_own.h - what the files of this folder share. */
#ifndef LILYPAD_CREATOR_CREATOR_OWN_H
#define LILYPAD_CREATOR_CREATOR_OWN_H

#include "base/map.h"
#include "creator/creator.h"

enum creator_tag {
	TAG_SOLVER = 1, /* follow */
	TAG_PUSH_PART,  /* push: spec, program, inputs; key: job */
	TAG_OFFER,      /* call: the offer to the solver; key: offer */
	TAG_SIGNATURE,  /* call; key: job */
	TAG_FETCH,      /* fetch: the output; key: job */
	TAG_QUEUE,      /* timer: no match in time; key: job */
	TAG_WHY,        /* call: why there is no match; key: job */
	TAG_WITHDRAW,   /* call: the offer is taken out of the book; key: job */
	TAG_RETRY,      /* timer: the present step again; key: job */
	TAG_ADOPT,      /* timer of the daemon */
	TAG_LOOK,       /* call, timer: what the solver knows of a job; key: job */
	TAG_CANCEL,     /* timer */
	TAG_KEEP,       /* timer: what may wait is written */
	TAG_PART,       /* fetch: program or input, for a check; key: job */
	TAG_CHECK,      /* run; key: job */
	TAG_CASE,       /* call: what a mediator has of a dispute; key: job */
	TAG_JUDGED,     /* fetch: the output that it judged; key: job */
	TAG_ACCEPT,     /* call: in a channel, what we signed for a result; key: job */
	TAG_NONCES,     /* call: what the solver has seen of us */
	TAG_VOUCHER     /* call: the voucher of before anew, since the provider has claimed */
};

/* A number of a channel (8.3), until it is used on the ledger. */
enum number_state {
	NUMBER_DRAWN = 1, /* no deal bears it yet; what its job can draw is kept free */
	NUMBER_SIGNED,    /* we are bound until its last claim instant */
	NUMBER_GIVEN,     /* accepted: COST is due whenever the provider settles */
	NUMBER_ON_LEDGER  /* claimed, disputed or opened there: what it draws is out of the sums */
};

#define CREATOR_LATER_MAX 8 /* lines of a timeline that wait for a write; one more is one */

/* What another process learns again from solver and ledger need not be durable at once: it goes with the
 * next write that must be, or with the one after TAG_KEEP. */
struct later {
	bool dirty;
	struct acked acked; /* of the present offer */
	struct sig rp_sig;  /* over the present deal */
	struct creator_result result;
	uint32_t lines_n;
	struct creator_event lines[CREATOR_LATER_MAX];
};

struct job {
	struct creator_job j;
	unsigned waiting;      /* pushes or fetches under way */
	uint32_t round;        /* of those pushes: others belong to a try that was given up */
	unsigned tries;        /* of the present step */
	unsigned looks;        /* at the solver that got no answer, in a row */
	uint64_t asked_s;      /* ledger time at which a passed deadline was last acted on */
	uint64_t events;       /* in its timeline */
	struct hash action;    /* submitted last */
	uint64_t open_by;      /* of the deal that is signed and not open; 0: not read yet */
	uint64_t least_number; /* of its channel: as in the request */
	enum err_code
	        let_down; /* why the provider before the present offer failed; E_NONE: none did */
	uint8_t reason; /* enum reason of the provider of the present deal, as it has signed it; 0: not told */
	bool fetching;
	bool cancelling;
	bool declined;    /* in a channel: the provider has signed that it does not deliver */
	bool running;     /* handed to the executor */
	uint64_t spare_s; /* acts that much before the judge deadline; 0: not known yet */
	uint64_t
	        seen_s; /* ledger time at which a result was on it that nobody has shown us; 0: none */
	struct later later;
};

/* The last thing that the ledger said of a deal. */
struct deal_news {
	struct hash job;
	uint64_t seq;
	struct hash action;        /* that caused it */
	struct hash submit_action; /* that submitted the result; zero: none has */
	uint8_t to;                /* enum deal_state */
	struct amount amount;
	struct btime deadline;
	struct hash result, output; /* as in struct ledger_event */
	uint8_t status;
	uint64_t count, bytes;
};

struct creator {
	struct world *world;
	struct creator_config c;
	struct map jobs;     /* job id -> struct job *, unfinished ones of this process */
	struct map by_offer; /* offer id -> job id */
	struct map by_deal;  /* deal id -> job id */
	struct map news;     /* deal id -> struct deal_news, of jobs that may be taken over */
	uint64_t ledger_seq; /* of the last event that was told */
	struct btime ledger_time;
	bool ledger_clock;    /* its present time was heard: all events of before have been */
	uint64_t send_nonce;  /* of our next Send */
	bool started;         /* `first` has been taken up */
	bool heard;           /* the solver's stream has been open */
	struct err no_stream; /* why not; code E_NONE: nobody has said */
	bool want_cancel;
	uint64_t drop[CREATOR_DROPS_MAX]; /* numbers of a contract's jobs to be cancelled */
	size_t drop_n;
	bool keep_set;                  /* TAG_KEEP runs */
	unsigned checking;              /* runs that are under way */
	struct misbehaving *instrument; /* owned; NULL: honest */
	struct peer
	        book; /* the solver, for calls whose signed document is all the authority they need */
};

/* keep.c: what is stored, said and found. Store failures end the process: its state is on disk. */
void creator_keep(struct creator *c, struct job *j);
/* Soon: when nothing that must be durable is written before. */
void creator_keep_later(struct creator *c, struct job *j, struct effects *fx);
/* All that waits. */
void creator_keep_all(struct creator *c);
/* The result of the present deal, written or not. */
MUST bool creator_result_of(struct creator *c, const struct job *j, struct creator_result *out);
/* An output of the blob store beyond this process, as far as it has a place for it. */
void creator_keep_output(struct creator *c, const struct hash *tree);
void creator_put(struct creator *c, const struct record *r, const void *row);
MUST bool creator_get(struct creator *c, const struct record *r, void *row);
struct job *job_new(struct creator *c, const struct hash *id);
struct job *job_by_id(struct creator *c, const struct hash *id);
struct job *job_by_offer(struct creator *c, const struct hash *offer);
struct job *job_by_deal(struct creator *c, const struct hash *deal);
void job_index(struct creator *c, struct job *j);
/* Move, write the timeline, tell whoever follows. text: one sentence. */
void job_move(struct creator *c, struct job *j, enum job_state to, const struct event *ev,
        struct effects *fx, const char *fmt, ...) PRINTF_LIKE(6, 7);
void job_note(struct creator *c, struct job *j, const struct event *ev, struct effects *fx,
        const char *name, const char *fmt, ...) PRINTF_LIKE(6, 7);
/* The end: FAILED or CANCELLED with an error, or DONE. The job is forgotten here, kept in the store. */
void job_end(struct creator *c, struct job *j, enum job_state end, const struct err *why,
        const struct event *ev, struct effects *fx, const char *text);
#define CREATOR_AMOUNT_MAX (AMOUNT_DEC_MAX + 2 + 16)
/* As people read it: with the token's decimals and symbol. */
void creator_amount(const struct creator *c, struct amount a, char out[CREATOR_AMOUNT_MAX]);
/* Repeat the step once more, after the longest wait. */
void job_later(struct job *j, struct effects *fx);
/* Repeat the step later; true when it has been tried too often. */
MUST bool job_again(struct job *j, struct effects *fx);

/* post.c: storing and offering. */
/* The end of a process that can do nothing of what it was asked: whoever follows is told. */
void creator_fail(struct effects *fx, const struct err *e);
void job_start(struct creator *c, const struct creator_request *r, const struct event *ev,
        struct effects *fx);
void job_store_parts(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
void job_on_pushed(struct creator *c, const struct event *ev, struct effects *fx);
void job_post(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
void job_on_ack(struct creator *c, const struct event *ev, struct effects *fx);
/* The provider let us down: a fresh offer that denies it, or the end. */
void job_next_provider(struct creator *c, struct job *j, const struct err *why,
        const struct event *ev, struct effects *fx);
void job_on_queue(struct creator *c, struct job *j, struct effects *fx);
/* The solver's clock has ended the offer before ours did. */
void job_on_expired(
        struct creator *c, const json_t *data, const struct event *ev, struct effects *fx);
void job_on_why(struct creator *c, const struct event *ev, struct effects *fx);
void job_withdraw(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);

/* deal.c: messages of the solver. */
void job_on_message(struct creator *c, const struct event *ev, struct effects *fx);
void job_on_look(struct creator *c, const struct event *ev, struct effects *fx);
void job_sign(struct creator *c, struct job *j, struct effects *fx);

/* judge.c: the result. */
void job_on_result(struct creator *c, struct job *j, const json_t *data, const struct event *ev,
        struct effects *fx);
void job_fetch(struct creator *c, struct job *j, struct effects *fx);
void job_on_fetched(struct creator *c, const struct event *ev, struct effects *fx);
void job_accept(struct creator *c, struct job *j, struct effects *fx);

/* Accepts without a check: text says why. */
void job_accept_unchecked(struct creator *c, struct job *j, enum job_audit audit,
        const struct event *ev, struct effects *fx, const char *text);
/* The program's exit status, from the output in the blob store. */
uint32_t job_exit_code(struct creator *c, const struct hash *tree);

/* check.c: what is drawn for audit is run again here; what differs is disputed (7.6, 7.7). */
/* Accept, or check: by the policy; always when `always`. */
void job_judge(
        struct creator *c, struct job *j, bool always, const struct event *ev, struct effects *fx);
/* The run of a job that is CHECKING, now or again; its parts are fetched first where they are not here. */
void job_check(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
void job_on_part(struct creator *c, const struct event *ev, struct effects *fx);
void job_on_checked(struct creator *c, const struct event *ev, struct effects *fx);
/* claim: enum ruling. Without a mediator the result is only not accepted. */
void job_dispute(struct creator *c, struct job *j, uint8_t claim, const char *why,
        const struct event *ev, struct effects *fx);
/* The Check of a job that is DISPUTED to the ledger, as soon as it can be there; or what was disputed is not
 * what was submitted, and is judged anew. */
void job_send_check(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
/* May a result of this deal be disputed, and can it be run here? NULL: yes; else why not. */
const char *job_not_checkable(const struct creator *c, const struct creator_deal *d);

/* record.c: what providers have done for us. */
enum record_of {
	RECORD_RIGHT,
	RECORD_UNCHECKED,
	RECORD_FAULT,
	RECORD_VINDICATED,
	RECORD_UNRULED,
	RECORD_DECLINED,
	RECORD_LATE
};
/* After a first write of the event: other processes keep the same record. */
void creator_record(struct creator *c, const struct addr *provider, enum record_of what,
        const struct event *ev);
/* n of 7.6. */
uint64_t creator_good(struct creator *c, const struct addr *provider);

/* channel.c: deals that draw on the sums of a channel (8.3). */
static inline bool in_channel(const struct job *j)
{
	return !hash_is_zero(&j->j.channel);
}
/* A job that draws on one begins: what is known of it is kept. */
MUST bool channel_begin(
        struct creator *c, struct job *j, const struct creator_request *r, struct err *e);
/* The job has its number, drawn now or before; else the sums do not cover it yet, and it is tried again. */
MUST bool channel_number(struct creator *c, struct job *j, const struct job_offer *o,
        const struct event *ev, struct effects *fx);
/* Is the deal the one of our number, and do the sums cover it beside all that is open? When it is signed, that
 * is kept before the signature leaves us. */
MUST bool channel_may(
        struct creator *c, const struct job *j, const struct creator_deal *d, struct err *e);
void channel_signed(struct creator *c, const struct job *j, const struct creator_deal *d);
/* The provider has signed: the deal draws on the channel, and nothing waits for the ledger. */
void channel_agreed(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
/* The ChannelAcceptance of a result, signed; of a deal that is on the ledger as well. */
MUST bool channel_acceptance(struct creator *c, const struct creator_deal *d,
        const struct hash *result, struct amount cost, struct sig *out, struct err *e);
/* The result was found good: the provider is given what it settles with. */
void channel_accept(struct creator *c, struct job *j, struct effects *fx);
void channel_on_accepted(
        struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
/* The dispute of a result that is not on the ledger: claim and check. */
void channel_check(struct creator *c, struct job *j, struct effects *fx);
/* The ledger told of a channel. */
void channel_on_event(struct creator *c, const struct ledger_event *le, struct effects *fx);
void channel_on_declined(
        struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
/* A deal that was never on the ledger was paid from its channel. */
void channel_paid(struct creator *c, struct job *j, const struct ledger_event *le,
        const struct event *ev, struct effects *fx);
/* A provider claims what our job was over for: the job is taken up again, so that the claim is judged in time.
 * NULL: it is no such event. */
struct job *channel_revive(struct creator *c, const struct creator_deal *d,
        const struct ledger_event *le, const struct event *ev, struct effects *fx);
/* Its deadlines, while the ledger does not know the deal; true: it is over, so that the job is to end. */
MUST bool channel_on_time(struct creator *c, struct job *j, struct effects *fx);
/* The job ends: a number that no deal bears is given up. */
void channel_let_go(struct creator *c, const struct job *j);

/* settle.c: the ledger. */
void job_on_ledger(struct creator *c, const struct event *ev, struct effects *fx);
/* What the ledger said of a job before it was taken over; may end it. */
void job_catch_up(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
/* The end of a dispute, as the ledger's state says it (5.10 to 5.13). */
void job_end_ruled(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
/* Forget what was said of deals whose job is over. */
void creator_forget_news(struct creator *c);

/* judged.c: what the mediator judged. */
/* Is there a right output that is not here, and a mediator that can be asked for it? */
bool job_wants_judged(struct creator *c, const struct job *j);
/* Asks for it, now or again; the job ends when it is here, or cannot be had. */
void job_judged(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);
void job_on_case(struct creator *c, const struct event *ev, struct effects *fx);
void job_on_judged(struct creator *c, const struct event *ev, struct effects *fx);

/* creator.c */
/* Asks the solver what it knows of a job, now or after a while. */
void job_look(struct creator *c, struct job *j, struct effects *fx);
void job_look_later(struct job *j, struct effects *fx);
/* Its timeline goes on after what is stored of it. */
void job_count_events(struct creator *c, struct job *j);
void job_resume(struct creator *c, struct job *j, const struct event *ev, struct effects *fx);

#endif
