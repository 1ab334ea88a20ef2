/* provider.h - the resource provider (protocol 1): posts offers, fetches and verifies everything a
 * deal needs before it signs last (2.4), runs, publishes, submits, and takes its money. */
#ifndef LILYPAD_PROVIDER_PROVIDER_H
#define LILYPAD_PROVIDER_PROVIDER_H

#include "port/peer.h"

#define PROVIDER_DEALS_MAX    4096 /* unfinished deals: more are refused with BUSY */
#define PROVIDER_CHANNELS_MAX 1024 /* channels that are not closed: more are refused with BUSY */

struct provider_config {
	struct peer solver;
	struct peer directories[DIRECTORIES_MAX];
	size_t directories_n;
	struct hash domain;     /* of the ledger */
	struct genesis genesis; /* MIN, LIFE */
	/* What is offered: createdAt, nonce and expiry are filled in by the role. */
	struct resource_offer offer;
	struct span offer_life; /* an offer is renewed at half of it */
	unsigned parallel;      /* jobs at once */
	/* The most that we lock in one channel, and in all together; zero: no channels, no such limit. */
	struct amount channel_sum, channel_total;
	/* Acceptances are settled when so many wait (at most ACTION_SETTLE_MAX), or the oldest is so old; sooner where
	 * a deadline asks for it. */
	uint32_t settle_count;
	struct span settle_after;
	uint64_t send_nonce; /* of our next Send, as the ledger has it */
	unsigned confirm_s;  /* how much earlier than the ledger's deadlines it acts (4.1) */
};

struct provider;
MUST bool provider_new(
        struct world *w, const struct provider_config *c, struct provider **out, struct err *e);
struct role provider_role(struct provider *p);
/* Test instruments: what a provider can do wrong on purpose. */
enum provider_misbehaviour {
	PROVIDER_HONEST,
	PROVIDER_WRONG_OUTPUT,
	PROVIDER_WRONG_COUNT,
	PROVIDER_WRONG_STATUS,
	PROVIDER_LAZY,
	PROVIDER_NEVER_PUBLISHES,
	PROVIDER_HIDES,
	PROVIDER_DECLINES_LATE,
	PROVIDER_NEVER_SIGNS,
	PROVIDER_NEVER_OPENS,
	PROVIDER_NEVER_RUNS,
	PROVIDER_NEVER_SUBMITS
};
/* The role with that done to it; lives as long as p. */
struct role provider_misbehaving(struct provider *p, enum provider_misbehaviour how);
/* Every table of the role; ends with NULL. */
extern const struct record *(*const provider_tables[])(void);
/* Up to which ledger event the journal has seen; before the host starts. */
MUST bool provider_start_cursor(struct provider *p, uint64_t *out, struct err *e);
struct provider *provider_free(struct provider *p);

#endif
