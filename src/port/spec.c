/* spec.c - a job spec as it lies in the block store. */
#include "port/spec.h"

#include "codec/json.h"
#include "codec/unixfs.h"
#include "port/peer.h"

bool spec_read(
        const struct blobs *b, const struct hash *digest, struct job_spec *out, struct err *e)
{
	struct cid cid = cid_raw(digest);
	struct buf text OWN(buf_done);

	buf_init(&text, BLOCK_MAX);
	TRY(b->get(b->self, &cid, &text, e), e);
	TRY(record_parse_new(job_spec_record(), buf_view(&text), out, e), e);
	return true;
}

struct cid spec_input_root(const struct spec_input *in)
{
	return hash_is_zero(&in->file) ? cid_tree(&in->tree) : cid_raw(&in->file);
}

bool spec_part(const struct job_spec *s, size_t i, struct cid *root, uint64_t *max)
{
	if (i > s->inputs.n)
		return false;
	*root = i ? spec_input_root(&s->inputs.v[i - 1]) : cid_tree(&s->program);
	*max = i ? s->inputs.v[i - 1].bytes : WASM_MODULE_MAX * 2;
	return true;
}

bool tree_here(const struct blobs *b, const struct cid *root, uint64_t max, uint64_t *bytes)
{
	struct block_source src = {b->self, b->get};
	struct err e;

	return unixfs_blocks(&src, root, max, NULL, NULL, bytes, &e);
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
