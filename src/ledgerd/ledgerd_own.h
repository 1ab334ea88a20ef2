/* ledgerd_own.h - what the files of this folder share. */
#ifndef LILYPAD_LEDGERD_LEDGERD_OWN_H
#define LILYPAD_LEDGERD_LEDGERD_OWN_H

#include "ledger/ledger.h"
#include "ledgerd/ledgerd.h"
#include "port/peer.h"

#include "model/record_struct.h"
#include "ledgerd/tables.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "ledgerd/tables.def"
#include "model/record_end.h"

struct ledgerd {
	struct world  *world;
	struct genesis g;
	struct ledger *l;
	struct block   head;
	struct hash    head_hash;
	struct sig     head_sig;
	uint64_t       seq;        /* of the last event */
	uint64_t       actions;
	uint64_t       time_ms;    /* block time with its fraction */
	struct mono    served;     /* until when time_ms has been counted */
	bool           serving;
};

/* journal.c */
MUST bool journal_replay(struct ledgerd *d, struct err *e);
/* One applied action, to be sealed. */
struct sealed {
	struct hash          id;
	struct ledger_event  event;
	struct bytes         action;  /* canonical JSON */
	struct bytes         text;    /* of the event, canonical JSON, once sealed */
};
/* Make, sign and store the next block. Texts are put into the arena. */
MUST bool journal_seal(struct ledgerd *d, struct sealed *s, size_t n, struct arena *a, struct err *e);
/* What the Merkle root of a block is over: H(action id, H(event)). */
void journal_leaf(const struct hash *id, struct bytes event, struct hash *out);
struct btime ledgerd_now(const struct ledgerd *d);

/* api.c */
extern const struct route ledgerd_routes[];
extern const size_t       ledgerd_routes_n;
void ledgerd_on_request(struct ledgerd *d, const struct event *ev, struct effects *fx);
void ledgerd_emit(struct ledgerd *d, const struct sealed *s, struct effects *fx);
void ledgerd_emit_clock(struct ledgerd *d, struct effects *fx);

#endif
