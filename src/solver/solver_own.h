/* solver_own.h - what the files of this folder share. */
#ifndef LILYPAD_SOLVER_SOLVER_OWN_H
#define LILYPAD_SOLVER_SOLVER_OWN_H

#include "base/map.h"
#include "market/book.h"
#include "market/roster.h"
#include "port/peer.h"
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
	OFFER_OPEN = 1,
	OFFER_TAKEN = 2,
	OFFER_DONE = 3,
	OFFER_CANCELLED = 4,
	OFFER_EXPIRED = 5
};
enum match_state {
#define S(name, value, flags, next, meaning) MATCH_##name = (value),
#include "solver/match_state.def"
#undef S
};
extern const struct sm match_states;

enum solver_tag { TAG_UNSIGNED = 1, TAG_SWEEP };

/* An offer that is open or whose deal is not on the ledger yet. */
struct open_offer {
	uint64_t sequence;
	uint8_t kind;
	union {
		struct job_offer *job;
		struct resource_offer *resource;
	} of;
};

struct solver {
	struct world *world;
	struct solver_config c;
	struct book *book;
	struct roster roster;
	struct map offers; /* offer id -> struct open_offer */
	struct btime ledger_time;
	uint64_t sequence;   /* of the last Ack */
	uint64_t last_event; /* id of the last event of the stream */
	struct solver_counts {
		uint64_t job_offers, resource_offers, refused, matches, dissolved, opened, paid;
	} n;
};

/* keep.c */
void solver_put(struct solver *s, const struct record *r, const void *row);
MUST bool solver_get(struct solver *s, const struct record *r, void *row);
uint64_t solver_next(struct solver *s, const char *counter);
MUST bool offer_remember(struct solver *s, const struct hash *id, uint64_t sequence,
        enum offer_kind kind, const void *doc, struct err *e);
void offer_forget(struct solver *s, const struct hash *id, enum offer_state state);
struct open_offer *offer_find(struct solver *s, const struct hash *id);
MUST bool solver_load(struct solver *s, struct err *e);
/* Appends to the event stream; a and b (may be NULL) are who gets it. j is taken. */
void solver_emit(struct solver *s, struct effects *fx, const char *name, json_t *j,
        const struct addr *a, const struct addr *b);

/* offers.c */
void on_job_offer(struct solver *s, const struct event *ev, struct effects *fx);
void on_resource_offer(struct solver *s, const struct event *ev, struct effects *fx);
void on_offer_cancel(struct solver *s, const struct event *ev, struct effects *fx);

/* deals.c */
void solver_match_all(struct solver *s, const struct event *ev, struct effects *fx);
void on_signature(struct solver *s, const struct event *ev, struct effects *fx);
void on_refuse(struct solver *s, const struct event *ev, struct effects *fx);
void on_result(struct solver *s, const struct event *ev, struct effects *fx);
void on_decline(struct solver *s, const struct event *ev, struct effects *fx);
void on_unsigned(
        struct solver *s, const struct hash *deal, const struct event *ev, struct effects *fx);
void on_ledger(struct solver *s, const struct event *ev, struct effects *fx);
void emit_again(struct solver *s, const struct solver_step *step, struct effects *fx);
json_t *deal_json(const struct solver_deal *d);

/* views.c */
void view_job_offer(struct solver *s, const struct event *ev, struct effects *fx);
void view_explain(struct solver *s, const struct event *ev, struct effects *fx);
void view_deal(struct solver *s, const struct event *ev, struct effects *fx);
void view_offers(struct solver *s, const struct event *ev, struct effects *fx);
void view_info(struct solver *s, const struct event *ev, struct effects *fx);
void view_events(const struct event *ev, struct effects *fx);

#endif
