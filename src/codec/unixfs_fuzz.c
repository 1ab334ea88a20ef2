/* unixfs_fuzz.c - decodes foreign blocks, and walks a tree whose every dag-pb block is the input itself
 * and whose every raw block is its first bytes, so that the walk meets what the decoder let through. */
#include <stdlib.h>

#include "base/bounds.h"
#include "codec/unixfs_own.h"

static bool get(void *self, const struct cid *cid, struct buf *out, struct err *e)
{
	const struct bytes *b = self;

	buf_put(out, b->p, cid->codec == CID_RAW ? MIN2(b->n, (size_t)cid->digest.b[31]) : b->n);
	if (!buf_ok(out))
		return FAIL(e, NOT_FOUND, "too large");
	return true;
}

/* Names are those that may become paths, and nothing is more than the input holds. */
static void check_shape(const struct unixfs_block *b, struct bytes in)
{
	OWN(buf_done) struct buf names;

	buf_init(&names, in.n);
	for (size_t i = 0; i < b->n; i++) {
		if (b->dir && !unixfs_name_ok(b->links[i].name))
			abort();
		buf_str(&names, b->links[i].name);
	}
	if (!buf_ok(&names) || b->data.n > in.n || b->n * CID_BINARY_LEN > in.n + 2 * b->n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cid cid = {.codec = CID_DAG_PB};
	const struct unixfs_visitor v = {.self = NULL};
	struct bytes in = bytes_of(p, n);
	struct block_source src = {&in, get};
	OWN(arena_done) struct arena a;
	OWN(buf_done) struct buf out;
	struct unixfs_block b;
	uint64_t bytes;
	struct err e;

	arena_init(&a, 64u << 20);
	buf_init(&out, 1u << 20);
	if (!unixfs_decode(&cid, in, &a, &b, &e)) {
		if (e.code != E_PEER)
			abort();
		return 0;
	}
	check_shape(&b, in);
	(void)!unixfs_walk(&src, &cid, 1u << 20, &v, &e);
	(void)!unixfs_blocks(&src, &cid, 1u << 20, NULL, NULL, &bytes, &e);
	(void)!unixfs_read(&src, &cid, b.n ? b.links[b.n - 1].name : STR(""), &out, &e);
	return 0;
}
