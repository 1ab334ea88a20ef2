/* mediator_own.h - what the files of this folder share. */
#ifndef LILYPAD_MEDIATOR_MEDIATOR_OWN_H
#define LILYPAD_MEDIATOR_MEDIATOR_OWN_H

#include "base/map.h"
#include "mediator/mediator.h"
#include "verify/difference.h"
#include "verify/ruling.h"

#include "model/record_struct.h"
#include "mediator/tables.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "mediator/tables.def"
#include "model/record_end.h"

/* How far a dispute has come. */
enum case_state {
#define S(name, value, flags, next, meaning) CASE_##name = (value),
#include "mediator/case_state.def"
#undef S
};
extern const struct sm case_states;

/* What the tags of its effects mean; tag.key is the deal id. */
enum mediator_tag {
	TAG_SOLVER = 1, /* call: what the solver has of a deal */
	TAG_DIRECTORY,  /* call: what a directory has stored for it; tag.n: which one */
	TAG_PART,       /* fetch; tag.n: which part */
	TAG_RUN,        /* run */
	TAG_RETRY,      /* timer: try the present step again */
	TAG_TICK,       /* timer: look at the clock */
	TAG_SWEEP,      /* timer: what is not needed goes */
	TAG_COMPARE     /* timer: the two outputs are compared, a little more of them */
};

/* What a job is made of, and what it gave. */
enum { PART_SPEC, PART_PROGRAM, PART_INPUTS, PARTS_MAX = PART_INPUTS + SPEC_INPUTS_MAX + 1 };
struct part {
	struct cid root;
	uint64_t limit; /* bytes */
	enum supply supply;
	unsigned source; /* how many were asked: whose turn it is */
	bool knows;      /* the one that was asked last is the deal's directory */
	unsigned noes;   /* times that this one said that it does not have it */
	bool waiting;
	char why[128]; /* of the last failure */
};

/* The documents that are here, each verified against what the ledger has. */
struct case_file {
	struct deal deal;
	struct sig jc_sig, rp_sig; /* none: the deal is not here yet */
	bool has_result;
	struct result result;
	struct sig result_sig;
	struct stored stored;
	struct sig stored_sig; /* none: the output is not published, as far as is known */
};

struct dispute {
	struct mediator_case c;
	struct case_file f;
	struct mediator_answer a; /* sig.n: signed */
	/* gathering */
	bool woken;     /* its present step is under way: after a start not at once */
	unsigned calls; /* under way */
	unsigned tries; /* rounds of the present step */
	unsigned noes;  /* directories that said that nothing is stored for the deal */
	bool solver_answered;
	/* fetching */
	unsigned waiting; /* fetches under way */
	bool listed;      /* the parts are listed */
	unsigned parts_n;
	struct part parts[PARTS_MAX]; /* the last one is the output when has_output */
	bool has_output;
	bool needs_known;
	uint64_t ram; /* bytes that the run asks for */
	/* comparing: its own output with the provider's */
	struct difference_search *search; /* owned; NULL: none is under way */
	bool compared;                    /* `difference` says how they part */
	struct difference difference;
	char not_compared[ERR_MSG_MAX]; /* why; "": not tried since the last step */
	/* running */
	bool running; /* handed to the executor */
	bool pausing; /* until its retry timer */
	unsigned runs;
	struct hash action; /* id of the action that was submitted last */
	bool asked;         /* and it is on its way */
};

#define CURSOR_BEHIND_MAX 64 /* events: see provider/provider_own.h */

struct mediator {
	struct world *world;
	struct mediator_config c;
	struct map disputes; /* deal id -> struct dispute *, unfinished ones */
	unsigned running;
	struct btime ledger_time; /* of the confirmed head */
	struct mono heard;        /* when it was told */
	bool ledger_down;
	struct mono now; /* of the present event */
	uint64_t cursor;
	unsigned behind;
	bool wrote;
	bool ticking;
	bool compacting; /* disk space is being given back */
	struct mediator_totals {
		uint64_t cases, ruled, passed, missed;
		struct amount earned;
	} totals;
	struct wall started;
};

/* keep.c: the journal. */
void dispute_keep(struct mediator *m, struct dispute *k);
/* Its documents, as far as they are here. */
void dispute_keep_file(struct mediator *m, struct dispute *k);
MUST bool case_file_read(
        struct mediator *m, const struct hash *id, struct case_file *out, struct err *e);
void dispute_keep_answer(struct mediator *m, struct dispute *k);
void dispute_move(struct mediator *m, struct dispute *k, enum case_state to);
struct dispute *dispute_new(struct mediator *m, const struct hash *id);
struct dispute *dispute_get(struct mediator *m, const struct hash *id);
/* The end: the dispute is forgotten here, kept in the store. */
void dispute_finish(struct mediator *m, struct dispute *k);
/* What unfinished disputes hold beside themselves is given back. */
void mediator_forget(struct mediator *m);
void mediator_saw(struct mediator *m, uint64_t cursor);
void mediator_keep_cursor(struct mediator *m);
MUST bool mediator_load(struct mediator *m, struct err *e);

/* follow.c: the ledger and the clock. */
void mediator_on_ledger(struct mediator *m, const struct event *ev, struct effects *fx);
void mediator_on_tick(struct mediator *m, struct effects *fx);
void mediator_tick(struct mediator *m, struct effects *fx);
/* After a start: the next disputes go on, as many as one event's effects allow. */
void mediator_wake(struct mediator *m, struct effects *fx);
/* Seconds until the dispute has to be answered; 0: it is time, or too late. */
uint64_t dispute_time_left(const struct mediator *m, const struct dispute *k);
/* Does what its state asks for, now or again. */
void dispute_go(struct mediator *m, struct dispute *k, struct effects *fx);
/* The present step again, after a while that grows. */
void dispute_again(struct dispute *k, struct effects *fx);
/* The deal that an effect is about: "deal 0x12…" for the log. */
static inline struct tag dispute_tag(const struct dispute *k, enum mediator_tag what, unsigned n)
{
	return (struct tag){.what = what, .n = n, .key = k->c.id};
}

/* gather.c: the documents. */
void gather_step(struct mediator *m, struct dispute *k, struct effects *fx);
void gather_on_reply(struct mediator *m, const struct event *ev, struct effects *fx);

/* parts.c: the bytes. */
void parts_step(struct mediator *m, struct dispute *k, struct effects *fx);
void parts_on_tree(struct mediator *m, const struct event *ev, struct effects *fx);
/* Asks for the output again; nothing when it is here or known to be nowhere. */
void parts_fetch_output(struct mediator *m, struct dispute *k, struct effects *fx);
const struct part *parts_output(const struct dispute *k); /* NULL: none is published */
/* The spec of the deal in the event's arena; NULL + e when it is not here or is none. */
struct job_spec *dispute_spec(
        struct mediator *m, const struct dispute *k, struct arena *a, struct err *e);

/* run.c: places, and the own run. */
void run_next(struct mediator *m, struct effects *fx);
void run_kill(struct mediator *m, struct dispute *k, struct effects *fx);
void run_on_done(struct mediator *m, const struct event *ev, struct effects *fx);
/* Is it to be answered before that one? By deadline, then by id. */
bool dispute_before(const struct dispute *a, const struct dispute *b);

/* rule.c: what it comes to. */
/* Rules if what is here decides; else it goes on looking. last: there is no time for that. */
void rule_step(struct mediator *m, struct dispute *k, bool last, struct effects *fx);
void rule_pass(struct mediator *m, struct dispute *k, const char *why, struct effects *fx);
void rule_submit(struct mediator *m, struct dispute *k, struct effects *fx);

/* Goes on with a comparison; what it comes to is ruled on. */
void rule_compare(struct mediator *m, struct dispute *k, struct effects *fx);

/* sweep.c: on EV_START, and then by its timer. */
void mediator_sweep(struct mediator *m, const struct event *ev, struct effects *fx);

/* cases.c: routes. */
void mediator_on_request(struct mediator *m, const struct event *ev, struct effects *fx);
extern const struct route mediator_routes[];
extern const size_t mediator_routes_n;

#endif
