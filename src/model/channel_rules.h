/* channel_rules.h - what a side of a channel may sign (protocol 8.3): a deal only while the sums, less what the
 * ledger will still pay from them, cover every deal that is open on its side, and nothing that ends later
 * than LIFE from now. For job creators and providers; the ledger has its own order of checks in src/ledger. */
#ifndef LILYPAD_MODEL_CHANNEL_RULES_H
#define LILYPAD_MODEL_CHANNEL_RULES_H

#include "model/model.h"

/* A channel as the ledger has it. */
struct channel_sums {
	struct amount job, provider; /* what the sums hold */
	struct btime close_at;       /* from when on anyone can close it; 0: nobody is leaving */
	bool closed;
};

/* What is spoken for of the two sums, as one side sees it. Starts with zeros. */
struct channel_load {
	struct amount job, provider;
};

/* 2.4: a claim is refused from this instant on; a deal that is not settled is open until then. */
struct btime channel_claim_until(const struct hot *h);
/* What a deal draws on the job creator's sum: PAY + JB. Amounts of documents, as in all below: they add up
 * without overflow. */
struct amount channel_draws(const struct hot *h);
/* A deal that is open on this side: PAY + JB and RB. */
void channel_load_open(struct channel_load *l, struct amount job, struct amount provider);
/* COST of a deal that is over and accepted, and that the ledger has not paid yet. */
void channel_load_owed(struct channel_load *l, struct amount cost);
/* FUNDS, naming the sum that falls short, and both values. */
MUST bool channel_covers(const struct channel_sums *c, const struct channel_load *l, struct err *e);
/* May a side sign this deal beside what is spoken for already? STATE: the channel is closed or being left;
 * TOO_LATE: now is openBy or later; CLOCKS: its last claim instant and MIN are not within LIFE from now, which
 * is what leaving takes; FUNDS. now is block time. */
MUST bool channel_may_sign(const struct channel_sums *c, const struct channel_load *l,
        const struct hot *h, const struct genesis *g, struct btime now, struct err *e);
/* What the job creator signs for a result of a deal (2.6). The result's hash is not looked at. */
void channel_acceptance_of(const struct hot *h, const struct hash *deal, const struct hash *result,
        struct amount cost, struct channel_acceptance *out);

#endif
