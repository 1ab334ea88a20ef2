/* outcome.c - from a run to what is charged. */
#include "port/outcome.h"

#include "codec/eip712.h"

void outcome_of_run(const struct run_done *r, uint64_t byte_limit, struct outcome *out)
{
	uint64_t all;

	assert(r->ok);
	*out = (struct outcome){.status = r->status,
	        .tree = r->tree.digest,
	        .count = r->count,
	        .bytes = r->input_bytes};
	if (r->status != STATUS_COMPLETED)
		return;
	if (__builtin_add_overflow(r->input_bytes, r->tree_bytes, &all) || all > byte_limit)
		out->status = STATUS_BANDWIDTH_EXCEEDED;
	else
		out->bytes = all;
}

void outcome_output_hash(const struct hash *tree, struct hash *out)
{
	const struct output o = {.tree = *tree};

	eip712_hash(output_record(), &o, out);
}
