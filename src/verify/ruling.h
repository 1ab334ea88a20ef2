/* ruling.h - what a mediator rules (protocol 2.9): from what sources gave, what the provider says and what
 * the mediator's own run did, to one ruling and one sentence that says what decides. Values only. */
#ifndef LILYPAD_VERIFY_RULING_H
#define LILYPAD_VERIFY_RULING_H

#include "model/model.h"

/* Did any source give it? */
enum supply {
	SUPPLY_SILENT, /* no, but not every source that may have it has answered: nothing follows */
	SUPPLY_GIVEN,  /* yes, all of it */
	SUPPLY_NONE /* no, and the sources say that they do not have it, or not as it was named */
};

/* How two output trees compare under the comparator of the job (7.4). */
enum sameness { SAMENESS_UNKNOWN, SAMENESS_SAME, SAMENESS_DIFFERENT };

#define RULING_PART_MAX 127 /* bytes of the name of a part */
#define RULING_WHY_MAX  255 /* bytes of a sentence */

struct ruling_case {
	/* Row 1: spec, module and inputs, all of them: the worst of their supplies, SILENT only when none is
	 * NONE. part names the one that is missing: "the input data". */
	enum supply job;
	const char *part;
	/* Row 2: the directory's Stored, in force (6.8), and the bytes of the output that the result names. */
	enum supply stored, output;
	/* The provider's result (2.5). */
	uint8_t status; /* enum status */
	uint64_t count, bytes;
	/* The mediator's own run; !ran: why not, in failure. */
	bool ran;
	const char *failure;
	uint8_t own_status;
	uint64_t own_count;
	/* Container classes (7.1): how much of the limit that the provider's status names the own run used, per
	 * mille of it; the deal's tolerance, per mille. */
	uint8_t executor; /* enum executor */
	uint32_t own_use;
	uint16_t tolerance;
	/* The two outputs; difference says what decides, in words, when they are DIFFERENT. */
	enum sameness outputs;
	const char *difference;
	uint64_t due_bytes; /* ruling_bytes() */
};

struct decision {
	uint8_t ruling; /* enum ruling */
	char why[RULING_WHY_MAX + 1];
};

/* The first row of 2.9 that holds, from top to bottom. A row that cannot be decided is CannotRule: what
 * lies below it is not looked at, and nobody is worse off for it. */
void ruling_of(const struct ruling_case *c, struct decision *out);

/* 2.5, 2.9: the bytes that a result of that status may charge: those of the inputs and, if Completed, of the
 * provider's published tree. UINT64_MAX: more than can be counted. */
uint64_t ruling_bytes(uint8_t status, uint64_t inputs, uint64_t tree);

/* Is the provider right, at fault, or neither (JobFaulty, CannotRule)? 5.10 to 5.12. */
enum ruling_side { SIDE_NONE, SIDE_PROVIDER, SIDE_FAULT };
enum ruling_side ruling_side(unsigned ruling);

#endif
