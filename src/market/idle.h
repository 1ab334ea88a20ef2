/* idle.h - why a resource offer has no job: 3.15 seen from the provider's side. Over many job offers: how
 * often each reason comes first, and which change of one number of the resource offer would have matched
 * how many. A change counts only if with it all of pair_refusal() holds. Pure. */
#ifndef LILYPAD_MARKET_IDLE_H
#define LILYPAD_MARKET_IDLE_H

#include "market/pair.h"

#define IDLE_JOBS_MAX 4096 /* job offers that one count looks at */
#define IDLE_STEPS    3    /* nearest, median, farthest change */

struct idle_step {
	struct amount value; /* what the offer's number would have to be */
	uint32_t jobs;       /* how many job offers match then, by this change alone */
};
struct idle_reason {
	uint32_t jobs; /* whose first reason it is */
	/* Of the provider's number: it would have to be at most, or at least, the steps' values. FIXED: no
	 * single number would have matched any of them. Prices in token units, machine and limits in the
	 * units of their fields, TOO_SLOW picoseconds per instruction, RP_FUNDS free balance. */
	enum pair_move move;
	struct amount have; /* what it is now; with prices of single modules: one of them */
	uint32_t steps_n;
	struct idle_step steps[IDLE_STEPS];
};

struct idle;
/* r: with the capacity that is free now; copied. NULL: out of memory. */
MUST struct idle *idle_new(const struct resource_offer *r);
struct idle *idle_free(struct idle *x); /* returns NULL */
/* One job offer more; money as for pair_refusal(). PAIR_NONE: it matches as things are. Past IDLE_JOBS_MAX
 * it is not counted. */
enum pair_reason idle_add(struct idle *x, const struct job_offer *j, struct btime now,
        const struct pair_money *money);
/* How many were counted. */
uint32_t idle_jobs(const struct idle *x);
/* The counts by reason; out[PAIR_NONE].jobs are those that match. */
void idle_take(struct idle *x, struct idle_reason out[PAIR_REASONS]);

#endif
