/* deal_of.h - the one deal that follows from two offers (protocol 2.4), and the check that each side
 * makes before it signs. Pure. */
#ifndef LILYPAD_MARKET_DEAL_OF_H
#define LILYPAD_MARKET_DEAL_OF_H

#include "market/deal_valid.h"
#include "market/pair.h"

/* What does not stand in the offers. */
struct deal_making {
	struct hash job_offer; /* offer ids */
	struct hash resource_offer;
	struct btime open_by;         /* lowered to the earlier expiry if that is before it */
	const struct prices *cleared; /* the batch's price; needed iff pricing is `cleared` */
	struct hash channel;          /* settlement `channel` only: its id and the deal's number */
	uint64_t number;
};

/* TERMS, naming the first reason, when the offers do not match (balances and time are not looked at:
 * see pair_refusal); what deal_valid() says when the ledger would refuse the deal. SOL is the lower of
 * the two ceilings, less what would bring the shares above the whole. */
MUST bool deal_from_offers(const struct job_offer *j, const struct resource_offer *r,
        const struct deal_making *m, struct deal *out, struct err *e);

/* 2.4: every term of the deal follows from this side's own offer, whose struct hash the deal names, and
 * the ledger would open it. TERMS names the term, its value and what the offer says; else as
 * deal_valid(). That the list of mediators is the whole mutual one is visible to neither side alone:
 * each checks its own half. A deal in a channel is checked but for channel and number. */
MUST bool deal_follows_job_offer(const struct deal *d, const struct job_offer *j, struct err *e);
MUST bool deal_follows_resource_offer(
        const struct deal *d, const struct resource_offer *r, struct err *e);

#endif
