/* outcome.h - what a run of a job comes to under a deal (protocol 2.5, 2.8): the same for the provider that
 * charges it, the JC that checks it and the mediator that rules on it. */
#ifndef LILYPAD_PORT_OUTCOME_H
#define LILYPAD_PORT_OUTCOME_H

#include "port/port.h"

struct outcome {
	uint8_t status; /* enum status */
	struct hash tree;
	uint64_t count;
	uint64_t bytes; /* of the inputs, plus the output tree if Completed */
};

/* r->ok must hold. An output that does not fit into byte_limit beside the inputs is BandwidthExceeded. */
void outcome_of_run(const struct run_done *r, uint64_t byte_limit, struct outcome *out);
/* The struct hash of the Output of a job that is not stepped. */
void outcome_output_hash(const struct hash *tree, struct hash *out);

#endif
