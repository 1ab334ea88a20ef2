/* relay.h - a relay (protocol 2.0.4, 4.3): carries signed actions to a ledger on a chain, and pays for their gas.
 *
 * It is trusted with nothing: what it carries is signed, so it can delay and refuse, and whoever handed an action in
 * may hand it in elsewhere or send it. What the contract would refuse is never sent: the ledger port tries it first. An
 * action is known by its id: handed in again, also after a restart, it is the same one. Who hands in signs the request
 * (9.1) and is counted; whose documents are carried does not matter. */
#ifndef LILYPAD_RELAY_RELAY_H
#define LILYPAD_RELAY_RELAY_H

#include "port/port.h"

#include "model/record_struct.h"
#include "relay/tables.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "relay/tables.def"
#include "model/record_end.h"

#define RELAY_ACCOUNTS_MAX 1024 /* that may be listed */
#define RELAY_QUEUE_MAX    200  /* actions on their way at once: BUSY past it */

enum relay_state {
	RELAY_TAKEN = 1, /* tried on the chain before it is sent */
	RELAY_PENDING,   /* sent */
	RELAY_INCLUDED,  /* in a block that may still vanish */
	RELAY_FINAL,     /* in a final block, with effect */
	RELAY_FAILED,    /* in a final block, refused by the contract */
	RELAY_DROPPED /* refused before it was sent, or never in a block: may be handed in again */
};
/* "taken", …; "?" of another value. */
const char *relay_state_name(unsigned state);

struct relay_config {
	const struct addr *accounts; /* who may hand in; borrowed */
	size_t accounts_n;           /* 0: anybody */
	uint32_t quota;              /* actions of one account on one day (UTC): QUOTA past it */
	uint32_t quota_all;          /* the same of all accounts together */
	uint32_t queue;              /* as RELAY_QUEUE_MAX, which is its most; 0: that */
};

struct relay;
MUST bool relay_new(
        struct world *w, const struct relay_config *c, struct relay **out, struct err *e);
struct role relay_role(struct relay *r);
struct relay *relay_free(struct relay *r); /* returns NULL */
/* Every table of the role; ends with NULL. */
extern const struct record *(*const relay_tables[])(void);
/* Prometheus lines. */
void relay_metrics(void *relay, struct buf *out);

#endif
