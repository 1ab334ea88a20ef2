/* ledgerd_own.h - what the files of this folder share. */
#ifndef LILYPAD_LEDGERD_LEDGERD_OWN_H
#define LILYPAD_LEDGERD_LEDGERD_OWN_H

#include "ledger/ledger.h"
#include "ledger/proof.h"
#include "ledgerd/ledgerd.h"
#include "port/peer.h"

/* clang-format off */
#include "model/record_struct.h"
#include "ledgerd/tables.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "ledgerd/tables.def"
#include "model/record_end.h"
/* clang-format on */

struct ledgerd {
	struct world *world;
	struct ledger *l;
	struct block head;
	struct hash head_hash;
	struct sig head_sig; /* n 0: block 0 */
	uint64_t time_ms;    /* block time with its fraction */
	struct mono served;  /* until when time_ms has been counted */
	bool serving;
	struct btime told;           /* block time that the clock's listeners know */
	struct journal_action *row;  /* for look-ups: too large for the stack */
	struct journal_part *part;   /* the same */
	struct ledger_event *events; /* of one action: LEDGER_EVENTS_MAX */
};

/* An action that has been applied, with its event; or a further event of the entry before. */
struct entry {
	struct hash id;
	struct ledger_event event;
	struct addr concerned[LEDGER_CONCERNED_MAX];
	size_t concerned_n;
	struct bytes action; /* canonical JSON, as is the event's; empty: of the entry before */
	struct bytes text;
};

/* ---- journal.c ---- */
/* check: the signatures of the actions too. */
MUST bool journal_replay(struct ledgerd *d, bool check, struct err *e);
/* Applies an action at the present time, for the block that is sealed next. *n entries are written: 1, of a
 * list at most 1 + its items; 0: a repetition, of which out[0].id is written only, as of a refusal. Their
 * texts are in the arena. */
MUST bool journal_apply(struct ledgerd *d, const struct action *a, struct arena *arena,
        struct entry *out, size_t *n, struct err *e);
/* Makes, signs and stores the next block. */
MUST bool journal_seal(
        struct ledgerd *d, const struct entry *list, size_t n, struct arena *arena, struct err *e);
/* The row of an action, by seq or by id; NOT_FOUND. Valid until the next look-up. */
MUST bool journal_by_seq(
        struct ledgerd *d, uint64_t seq, const struct journal_action **out, struct err *e);
MUST bool journal_by_id(
        struct ledgerd *d, const struct hash *id, const struct journal_action **out, struct err *e);
/* The whole text of the action of a row that was looked up; in the arena. */
MUST bool journal_text(struct ledgerd *d, const struct journal_action *row, struct arena *arena,
        struct str *out, struct err *e);
MUST bool journal_block_get(
        struct ledgerd *d, uint64_t number, struct journal_block *out, struct err *e);
/* The proof of an action whose row was looked up, which says block and seq. Another look-up. */
MUST bool journal_prove(struct ledgerd *d, uint64_t block, uint64_t seq, struct arena *arena,
        struct proof *out, struct err *e);
struct btime ledgerd_now(const struct ledgerd *d);

/* ---- api.c ---- */
extern const struct route ledgerd_routes[];
extern const size_t ledgerd_routes_n;
void ledgerd_on_request(struct ledgerd *d, const struct event *ev, struct effects *fx);

/* ---- submit.c ---- */
void ledgerd_on_actions(struct ledgerd *d, const struct http_req *r, struct effects *fx);
void ledgerd_on_clock(struct ledgerd *d, const struct http_req *r, struct effects *fx);
/* Tells those who listen. */
void ledgerd_emit(const struct entry *x, struct effects *fx);
/* Block time, when it has moved on since they were told. */
void ledgerd_emit_clock(struct ledgerd *d, struct effects *fx);
/* The topic under which it is emitted. */
struct hash ledgerd_clock_topic(void);
/* A block without actions, where time has gone on. What is in memory is ahead of the journal when that
 * fails: the process ends, and a replay makes them equal again. */
void ledgerd_beat(struct ledgerd *d, struct effects *fx);
void ledgerd_give_up(struct ledgerd *d, const struct err *e, struct effects *fx);
json_t *ledgerd_head_json(const struct ledgerd *d);

#endif
