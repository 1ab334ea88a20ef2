/* solver_own.h - what the files of this folder share. */
#ifndef LILYPAD_SOLVER_SOLVER_OWN_H
#define LILYPAD_SOLVER_SOLVER_OWN_H

#include "base/map.h"
#include "market/book.h"
#include "market/roster.h"
#include "port/peer.h"
#include "solver/packed.h"
#include "solver/solver.h"

#include "model/record_struct.h"
#include "solver/tables.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "solver/tables.def"
#include "model/record_end.h"

enum offer_kind { OFFER_JOB = 1, OFFER_RESOURCE = 2 };
enum offer_state {
#define O(name, value, text, meaning) OFFER_##name = (value),
#include "solver/offer_state.def"
#undef O
};
const char *offer_state_name(unsigned state);

enum match_state {
#define S(name, value, flags, next, meaning) MATCH_##name = (value),
#include "solver/match_state.def"
#undef S
};
extern const struct sm match_states;

enum solver_tag {
	TAG_UNSIGNED = 1, /* timer: a signature is due; key: deal */
	TAG_SWEEP,        /* timer: expiry, and what did not fit into the last event */
	TAG_AGAIN,        /* timer: unfinished deals are told again after a start */
	TAG_BATCH,        /* timer: the batch of `cleared` job offers is over */
	TAG_PARDON        /* timer: a provider that was only busy may be matched again; key: deal */
};

enum solver_cursor_of { CURSOR_LEDGER = 1, CURSOR_MADE = 2, CURSOR_CLEARINGS = 3 };

/* Pairs of a batch, which clears at once when so many are there: deals of one event are bounded. */
#define BATCH_MAX 32

/* Signatures that an RP may let slip before its offer leaves the book. */
#define STRIKES_MAX 2
/* Book roots are made anew for each match up to so many changed lines, else that often. */
#define ROOT_LINES_MAX 4096
#define ROOT_EVERY_MS  250

/* An offer that is open or whose deal is not on the ledger yet. */
struct open_offer {
	uint64_t sequence;
	uint8_t kind;
	uint8_t strikes;
	struct packed *doc;
};

/* A job offer that has left the book with a deal, or with nothing. */
struct past_job {
	struct packed *offer;
	struct mono at;
	struct addr provider; /* who got it; zero: nobody */
};
#define PAST_JOBS_MAX 1024 /* the newest; a restart forgets them */
#define PAST_S        3600

/* What was answered to a provider that asked why it is idle. */
struct idle_answer {
	struct hash offer;
	struct mono at;
	json_t *json;
};
#define IDLE_ANSWERS 64

struct signer_bucket {
	int64_t milli; /* thousandths of an offer that may still be filed */
	struct mono then;
};

/* An offer that was filed and whose Ack is not signed yet. */
struct filed {
	struct conn_id conn;
	struct ack ack;
	uint8_t state; /* enum offer_state */
};

struct solver {
	struct world *world;
	struct solver_config c;
	struct book *book;
	struct roster roster;
	struct hash root; /* of the book as it was read last */
	uint64_t root_sequence;
	struct mono root_at;
	struct map offers; /* offer id -> struct open_offer */
	struct btime ledger_time;
	uint64_t ledger_cursor;
	bool ledger_clock; /* its present time was heard: all events of before have been */
	uint64_t sequence; /* of the last Ack: the highest that is stored */
	struct filed filed[ACK_BATCH_MAX]; /* of one turn; their sequences follow each other */
	uint32_t filed_n;
	uint64_t made;       /* matches, ever */
	uint64_t clearings;  /* batches, ever */
	uint64_t last_event; /* id of the last event of the stream */
	/* After a start: unfinished deals, told again bit by bit. */
	struct hash *again;
	size_t again_n, again_at, again_cap;
	struct mono now; /* of the present event */
	struct past_job past[PAST_JOBS_MAX];
	size_t past_at;
	struct idle_answer idle[IDLE_ANSWERS];
	struct mono idle_from; /* counts since then */
	unsigned idle_n;
	struct hash batch[BATCH_MAX]; /* job offers of pairs that wait for their price */
	size_t batch_n;
	struct map live;      /* deal id -> struct live_deal *: of live.c */
	struct map open_of;   /* account -> uint32_t: its open offers */
	struct map signers;   /* account -> struct signer_bucket */
	struct map contracts; /* account -> nothing: of contract.c */
	struct solver_counts {
		uint64_t job_offers, resource_offers, refused, matches, dissolved, opened, results;
	} n;
};

/* keep.c: what is stored and said. Store failures end the process: its state is on disk. */
void solver_put(struct solver *s, const struct record *r, const void *row);
MUST bool solver_get(struct solver *s, const struct record *r, void *row);
uint64_t solver_next(struct solver *s, const char *counter);
/* Goes on with numbers of events that were never given. */
void solver_event_block(struct solver *s);
/* Wall clock or block time, whichever is ahead: what expiry is measured by. */
struct btime solver_now(const struct solver *s, const struct event *ev);
/* Whether the ledger has been read up to the present. */
bool solver_caught_up(const struct solver *s, const struct event *ev);
/* Appends to the event stream; a and b (may be NULL) are who gets it. j is taken. */
void solver_emit(struct solver *s, struct effects *fx, const char *name, json_t *j,
        const struct addr *a, const struct addr *b);
/* A line of a deal's timeline; the step is stored. Everybody may follow the states of deals. */
void solver_note(struct solver *s, struct solver_step *step, const struct event *ev,
        struct effects *fx, const char *name, const char *fmt, ...) PRINTF_LIKE(6, 7);
/* Move, note, store. */
void solver_move(struct solver *s, struct solver_step *step, enum match_state to,
        const struct event *ev, struct effects *fx, const char *fmt, ...) PRINTF_LIKE(6, 7);
struct hash public_topic(void);
MUST bool offer_remember(struct solver *s, const struct hash *id, uint64_t sequence,
        enum offer_kind kind, const void *doc, struct err *e);
void offer_forget(struct solver *s, const struct hash *id, enum offer_state state);
struct open_offer *offer_find(struct solver *s, const struct hash *id);
/* How many open offers it has. */
uint32_t offers_of(const struct solver *s, const struct addr *signer);
void offer_job(const struct open_offer *o, struct job_offer *out);
void offer_resource(const struct open_offer *o, struct resource_offer *out);

/* live.c: deals and how far they are; the id says which. */
#define LIVE_DEALS_MAX 16384 /* in memory, some 3 KB each; those past it are read from the store */
void live_init(struct solver *s, uint64_t seed);
void live_done(struct solver *s);
/* A deal that is not over and is stored, and how far it is. */
void live_add(struct solver *s, const struct solver_deal *d, const struct solver_step *step);
MUST bool deal_read(struct solver *s, struct solver_deal *d);
MUST bool step_read(struct solver *s, struct solver_step *step);
void step_write(struct solver *s, const struct solver_step *step);

/* load.c: after a start. */
/* A job offer that was acknowledged, in whatever state it is; false: there is none. */
MUST bool job_document(struct solver *s, const struct hash *id, struct solver_filed *out);
MUST bool solver_load(struct solver *s, struct wall now, struct err *e);
/* What a deal takes of book and balances. locked: its money is on the ledger. */
MUST bool deal_restore(struct solver *s, const struct solver_deal *d, bool locked, struct err *e);

/* offers.c */
void on_job_offer(struct solver *s, const struct event *ev, struct effects *fx);
void on_resource_offer(struct solver *s, const struct event *ev, struct effects *fx);
void on_offer_cancel(struct solver *s, const struct event *ev, struct effects *fx);

/* acks.c */
/* Answers with an Ack that is signed alone. */
void ack_alone(
        struct solver *s, struct conn_id conn, const struct solver_offer *row, struct effects *fx);
/* The offer has been filed just now; its Ack is signed with the others of this turn. */
void ack_later(struct solver *s, struct conn_id conn, const struct solver_offer *row,
        const struct event *ev, struct effects *fx);
/* Signs and answers all that wait. */
void ack_all(struct solver *s, const struct event *ev, struct effects *fx);

/* match.c */
void solver_match_all(struct solver *s, const struct event *ev, struct effects *fx);
/* A match becomes a deal, at the price of its batch where there is one; two that make none are kept apart. */
void match_make(struct solver *s, const struct book_match *m, const struct prices *cleared,
        const struct event *ev, struct effects *fx);
/* Never opened: both learn why; the job offer becomes `job`: OPEN is back in the book, without this
 * provider. */
void deal_dissolve(struct solver *s, struct solver_deal *d, struct solver_step *step,
        enum offer_state job, const char *why, const struct event *ev, struct effects *fx);
/* Both learn that the match was given up, and why. */
void tell_dissolved(
        struct solver *s, const struct solver_deal *d, const char *why, struct effects *fx);
json_t *deal_json(const struct solver_deal *d);

/* batch.c: pricing `cleared` (3.14) */
/* Keeps a match for the batch; false: its job offer is not of that pricing. */
MUST bool batch_take(struct solver *s, const struct book_match *m, struct effects *fx);
void on_batch(struct solver *s, const struct event *ev, struct effects *fx);

/* channel.c: deals that draw on the sums of a channel (8.3). */
/* Which channel and number the deal of a job offer is to have; both parties' signatures bind them. */
MUST bool channel_of_offer(const struct http_req *r, struct solver_filed *doc, struct err *e);
/* That channel is on the ledger, nobody leaves it, and its sums cover the job. */
MUST bool channel_fits(struct solver *s, const struct solver_filed *doc, struct err *e);
void channel_note(struct solver *s, const struct channel_change *c);
/* A deal was made with that number. */
void channel_used(struct solver *s, const struct hash *channel, uint64_t number);
/* RP has signed: it draws on its channel, and the ledger is not told. */
void channel_opened(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx);
/* Such a deal, when its timer fires: past its last claim instant it is over. */
void channel_look(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx);
void on_acceptance(struct solver *s, const struct event *ev, struct effects *fx);
json_t *accepted_json(const struct solver_accepted *row);
void view_channel(struct solver *s, const struct event *ev, struct effects *fx);

/* deals.c */
/* The answer to a party that has sent something: the state that its deal is in then, or why not. */
typedef bool taker(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx, struct err *e);
void deal_answer(struct solver *s, const struct event *ev, struct effects *fx, taker *take);
/* It is looked at again after a while. */
void deal_timer(struct effects *fx, const struct hash *deal, struct span delay);
void on_signature(struct solver *s, const struct event *ev, struct effects *fx);
void on_refuse(struct solver *s, const struct event *ev, struct effects *fx);
void on_result(struct solver *s, const struct event *ev, struct effects *fx);
void on_decline(struct solver *s, const struct event *ev, struct effects *fx);
void on_pardon(struct solver *s, const struct hash *deal);
void on_unsigned(
        struct solver *s, const struct hash *deal, const struct event *ev, struct effects *fx);
/* What the parties of an unfinished deal have to know, as the last message said it. */
void emit_again(struct solver *s, const struct hash *deal, struct effects *fx);
json_t *result_json(const struct solver_result *row);
MUST bool deal_find(struct solver *s, const struct http_req *r, struct solver_deal *d,
        struct solver_step *step, struct err *e);

/* contract.c */
#define CONTRACTS_MAX 4096 /* that buy jobs: BUSY past it */
bool contract_known(const struct solver *s, const struct addr *account);
/* Its balance on the ledger says nothing from now on: it brings the money of a job when the deal is opened. */
MUST bool contract_remember(struct solver *s, const struct addr *account, struct err *e);
/* The same after a start, where an offer that is filed again was signed by another key than its JC's. */
MUST bool contract_recall(
        struct solver *s, const struct hash *offer, const struct job_offer *o, struct err *e);
/* FUNDS: less is kept for the job than it locks. */
MUST bool contract_pays(
        struct solver *s, const struct job_offer *o, struct amount funds, struct err *e);
/* Who listens to the stream for the JC: itself, or the key that signed the offer for it. */
struct addr jc_key(struct solver *s, const struct solver_deal *d);
bool is_jc(struct solver *s, const struct solver_deal *d, const struct addr *who);

/* follow.c */
/* Both have agreed: nothing is reserved of free balances any more, and the job offer is done. */
void deal_opened(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx, const char *text);
/* The end, with what was paid; state: that of the ledger, or the one that it comes to. */
void deal_ended(struct solver *s, struct solver_deal *d, struct solver_step *step, uint8_t state,
        struct amount cost, const struct event *ev, struct effects *fx);
void on_ledger(struct solver *s, const struct event *ev, struct effects *fx);

/* idle.c */
/* Takes over the document of a job offer that is about to be forgotten; provider NULL: nobody got it. */
void past_keep(struct solver *s, const struct hash *job, const struct addr *provider);
void idle_done(struct solver *s);
void view_idle(struct solver *s, const struct event *ev, struct effects *fx);

/* views.c, lists.c */
void view_job_offer(struct solver *s, const struct event *ev, struct effects *fx);
void view_explain(struct solver *s, const struct event *ev, struct effects *fx);
void view_deal(struct solver *s, const struct event *ev, struct effects *fx);
void view_offers(struct solver *s, const struct event *ev, struct effects *fx);
void view_resource_offers(struct solver *s, const struct event *ev, struct effects *fx);
void view_deals(struct solver *s, const struct event *ev, struct effects *fx);
void view_book(struct solver *s, const struct event *ev, struct effects *fx);
void view_account(struct solver *s, const struct event *ev, struct effects *fx);
void view_clearings(struct solver *s, const struct event *ev, struct effects *fx);
void view_info(struct solver *s, const struct event *ev, struct effects *fx);
void view_ready(struct solver *s, const struct event *ev, struct effects *fx);
void view_events(struct solver *s, const struct event *ev, struct effects *fx);

#endif
