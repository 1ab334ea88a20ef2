/* audit.h - which results a job creator checks (protocol 7.6). */
#ifndef LILYPAD_VERIFY_AUDIT_H
#define LILYPAD_VERIFY_AUDIT_H

#include "base/err.h"
#include "model/model.h"

/* A probability in millionths. */
#define PPM_ONE 1000000u

enum audit_mode {
	AUDIT_NEVER,     /* no result is checked */
	AUDIT_RATE,      /* each with exactly that probability */
	AUDIT_CERTAINTY, /* with the probability of 7.6, whose floor it is */
	AUDIT_MODES
};
struct audit_policy {
	uint8_t mode; /* enum audit_mode */
	uint32_t ppm; /* AUDIT_RATE: 1 to PPM_ONE; AUDIT_CERTAINTY: 0 to PPM_ONE */
};

/* "never", "always", a probability ("0.05", "5%", "1/20") or "certainty=" and a probability. USAGE. */
MUST bool audit_parse(struct str text, struct audit_policy *out, struct err *e);
#define AUDIT_TEXT_MAX 32
/* As audit_parse() reads it. */
void audit_format(const struct audit_policy *p, char out[AUDIT_TEXT_MAX]);

/* The least probability at which a false result does not pay (7.6). A provider that does not run the job
 * saves at most what running it costs, share ppm of COST; found out it loses COST and RB. So
 * p = share * COST / (COST + RB), rounded up, at most PPM_ONE. */
uint32_t audit_bound(struct amount cost, struct amount result_bond, uint32_t share_ppm);

/* What decides whether one result is checked. */
struct audit_case {
	uint8_t status;            /* enum status, of the result */
	struct amount cost;        /* COST of the result */
	struct amount result_bond; /* RB */
	uint32_t share_ppm;        /* what running a job costs a provider at most, of COST */
	uint64_t good; /* n: results of this provider found right since its last fault */
};
/* The probability with which the policy has it checked. A status other than Completed that is charged is
 * always checked, unless nothing ever is. */
uint32_t audit_probability(const struct audit_policy *p, const struct audit_case *c);
/* Is it drawn? random: 64 uniform bits that nobody knew when the result was signed. */
bool audit_drawn(uint32_t ppm, uint64_t random);

#endif
