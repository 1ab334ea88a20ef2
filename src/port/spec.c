/* spec.c - a job spec as it lies in the block store. */
#include "port/spec.h"

#include "codec/json.h"
#include "port/peer.h"

bool spec_read(
        const struct blobs *b, const struct hash *digest, struct job_spec *out, struct err *e)
{
	struct cid cid = cid_raw(digest);
	struct buf text OWN(buf_done);

	buf_init(&text, BLOCK_MAX);
	TRY(b->get(b->self, &cid, &text, e), e);
	TRY(record_parse(job_spec_record(), buf_view(&text), out, e), e);
	return true;
}

struct cid spec_input_root(const struct spec_input *in)
{
	return hash_is_zero(&in->file) ? cid_tree(&in->tree) : cid_raw(&in->file);
}

uint64_t spec_input_bytes(const struct job_spec *s)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s->inputs.n; i++) {
		if (__builtin_add_overflow(sum, s->inputs.v[i].bytes, &sum))
			return UINT64_MAX;
	}
	return sum;
}
