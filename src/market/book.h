/* book.h - the order book (protocol 3): files offers, says which resource offer a job offer gets, and
 * which waiting job offer a resource offer can take, without looking at all of them.
 *
 * Everything that two offers must agree on besides numbers is kept once: a `supply` for resource
 * offers, a `demand` for job offers; which go together is worked out once. The numbers of the offers of
 * one supply are on a shelf (shelf.h), from which a job offer takes the cheapest that fits. Waiting
 * job offers that no provider could tell apart share a queue; the queues of a demand are on a shelf
 * as well, from which a resource offer takes the one that has waited longest. The choice is the one
 * of pair_refusal() and 3.13 over all pairs; a test compares the two.
 *
 * Pure: no clock, no I/O. A book may be copied nowhere and is not thread-safe. */
#ifndef LILYPAD_MARKET_BOOK_H
#define LILYPAD_MARKET_BOOK_H

#include "market/pair.h"

struct book;

/* seed: of the hash maps. max: offers of each side (BOOK_OFFERS_MAX at most). NULL: out of memory. */
MUST struct book *book_new(const struct addr *solver, uint32_t max, uint64_t seed);
struct book *book_free(struct book *b); /* returns NULL */

/* ---- what the ledger says ------------------------------------------------------------------------- */

/* The free balance of an account (unknown ones have 0). MEMORY. */
MUST bool book_set_balance(
        struct book *b, const struct addr *account, struct amount free, struct err *e);
/* Free balance less what matches have reserved that are not on the ledger yet. */
struct amount book_available(const struct book *b, const struct addr *account);
/* 3.13: good results of an RP for a JC since its last fault. MEMORY. */
MUST bool book_set_reputation(
        struct book *b, const struct addr *jc, const struct addr *rp, uint32_t good, struct err *e);
uint32_t book_reputation(const struct book *b, const struct addr *jc, const struct addr *rp);

/* ---- offers --------------------------------------------------------------------------------------- */

/* File an offer. sequence: of its Ack, unique; the order in which job offers are served. PARTY: for
 * another solver. CONFLICT: filed already. RANGE: an amount of 2^96 or more. BUSY: the book is full.
 * A resource offer replaces that of the same RP and machine if its nonce is higher, else NONCE;
 * *replaced is its id, or zero; deals made on it stand and go on taking the machine's capacity. */
MUST bool book_add_job(struct book *b, const struct hash *id, const struct job_offer *j,
        uint64_t sequence, struct err *e);
MUST bool book_add_resource(struct book *b, const struct hash *id, const struct resource_offer *r,
        uint64_t sequence, struct hash *replaced, struct err *e);
/* Either kind; false when it is not there. A match that holds it stands. */
bool book_remove(struct book *b, const struct hash *id);
/* Take out one offer that has expired; false when none has. */
MUST bool book_expire(struct book *b, struct btime now, struct hash *id);
/* Never match these two (again). LIMITS after BOOK_EXCLUDED_MAX for one job; NOT_FOUND. */
MUST bool book_exclude(
        struct book *b, const struct hash *job, const struct hash *resource, struct err *e);
#define BOOK_EXCLUDED_MAX 32
/* They may be matched again. False: one of them is not there, or they were not excluded. */
bool book_pardon(struct book *b, const struct hash *job, const struct hash *resource);

/* ---- matching ------------------------------------------------------------------------------------- */

struct book_match {
	struct hash job, resource;
	struct amount cost; /* of the job at its limits (3.13) */
	uint32_t reputation;
	bool tied; /* another offer had the same cost and reputation: the hash decided */
};

/* What 3.13 chooses for a job offer now; false when nothing matches, or it is not there or taken. */
MUST bool book_match_job(
        struct book *b, const struct hash *job, struct btime now, struct book_match *out);
/* The next match to be made after changes of any kind: call until it is false, and after each match
 * book_take() it or book_exclude() it, else it is given again. Offers that have expired must have been
 * taken out: one at the head of its queue would hide those behind it. */
MUST bool book_next(struct book *b, struct btime now, struct book_match *out);

/* A deal takes capacity from the match on, and free balance until the ledger has locked it. */
struct book_hold {
	struct hash deal;
	struct hash job; /* offer id; zero: gone */
	struct addr provider;
	struct hash machine;
	struct resources taken; /* cpu, ram, disk, gpus */
	struct addr job_creator;
	struct amount jc_lock; /* zero once it is on the ledger */
	struct amount rp_lock;
};
/* Make the match: the job offer is taken. CONFLICT: that deal is there; NOT_FOUND; BUSY; MEMORY. */
MUST bool book_take(struct book *b, const struct hash *deal, const struct hash *job,
        const struct hash *resource, struct err *e);
/* The same after a restart, from what was kept of it. */
MUST bool book_restore(struct book *b, const struct book_hold *h, struct err *e);
/* The ledger has locked the money: nothing is reserved any more, and the job offer is done. */
bool book_opened(struct book *b, const struct hash *deal);
/* The deal is over, or never opened: its capacity is free. back: the job offer waits again. */
bool book_end(struct book *b, const struct hash *deal, bool back);
MUST bool book_hold_of(const struct book *b, const struct hash *deal, struct book_hold *out);

/* ---- what it says about itself --------------------------------------------------------------------- */

enum book_state { BOOK_ABSENT, BOOK_WAITING, BOOK_TAKEN, BOOK_OPEN };
/* BOOK_OPEN: a resource offer. */
enum book_state book_state_of(const struct book *b, const struct hash *id);

/* 3.15: every resource offer with the first reason against it, PAIR_NONE included; `each` returns false
 * to stop. NOT_FOUND: no such job offer here. Reads the whole book. */
MUST bool book_explain(const struct book *b, const struct hash *job, struct btime now,
        bool (*each)(void *ctx, const struct hash *resource, const struct addr *provider,
                const struct pair_gap *gap),
        void *ctx, struct err *e);

/* The same as one table: how often each reason came first, and the least change of the job offer's
 * number for which that condition would have held with one provider more. */
struct book_why {
	uint64_t offers; /* resource offers */
	uint64_t count[PAIR_REASONS];
	struct pair_gap at_most[PAIR_REASONS]; /* reason 0: none of this kind */
	struct pair_gap at_least[PAIR_REASONS];
};
MUST bool book_why(const struct book *b, const struct hash *job, struct btime now,
        struct book_why *out, struct err *e);

struct book_size {
	uint32_t jobs, waiting, taken, resources, supplies, demands, queues, holds;
};
struct book_size book_size(const struct book *b);
/* A resource offer's capacity that no deal takes. */
MUST bool book_free_capacity(
        const struct book *b, const struct hash *resource, struct resources *out);

#endif
