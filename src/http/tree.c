/* tree.c - CAR streams between the wire and a block store. */
#include "http/tree.h"

#include <stdlib.h>

#include "base/map.h"
#include "codec/car.h"
#include "codec/unixfs.h"

/* A decoded block of BLOCK_MAX bytes that is nothing but the shortest links takes less. */
enum { LINKS_ARENA_MAX = 32 << 20 };

struct todo {
	struct cid cid;
	bool seen; /* its children are known: add them up */
};

/* What is left to visit: the next one is the last in the buffer. */
static bool push(struct buf *stack, const struct cid *cid, bool seen, struct err *e)
{
	struct todo t = {*cid, seen};

	buf_put(stack, &t, sizeof t);
	if (!buf_ok(stack))
		return FAIL(e, TOO_LARGE, "a tree of more than %u blocks", HTTP_TREE_BLOCKS);
	return true;
}

static struct todo pop(struct buf *stack)
{
	struct todo t;

	stack->n -= sizeof t;
	memcpy(&t, stack->p + stack->n, sizeof t);
	return t;
}

static void walk_init(struct buf *stack, struct map *blocks, size_t val_size, struct arena *links)
{
	buf_init(stack, (size_t)HTTP_TREE_BLOCKS * sizeof(struct todo));
	/* Keys hold digests of blocks that were checked: they cannot be chosen to collide. The codec belongs
	 * to the key: the same bytes may stand in a tree as a leaf and as a node with links. */
	map_init(blocks, sizeof(struct cid), val_size, HTTP_TREE_BLOCKS, 0);
	arena_init(links, LINKS_ARENA_MAX);
}

/* ---- receiving -------------------------------------------------------------------------------------- */

struct extent {
	uint64_t bytes; /* of the block */
	uint64_t total; /* of the tree below and with it; 0: not known yet */
};

struct tree_in {
	struct blobs blobs;
	bool demand_all;
	uint64_t max;
	struct car_reader car;
	struct map extents;
	struct buf stack;
	struct arena links;
	struct buf block;
};

static bool keep_block(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	struct tree_in *t = self;
	struct extent *x = map_put(&t->extents, cid, NULL);

	if (!x)
		return FAIL(e, TOO_LARGE, "a tree of more than %u blocks", HTTP_TREE_BLOCKS);
	x->bytes = block.n;
	TRY(t->blobs.put(t->blobs.self, cid, block, e), e);
	return true;
}

bool tree_in_new(const struct blobs *blobs, uint64_t max, struct tree_in **out, struct err *e)
{
	struct tree_in *t = calloc(1, sizeof *t);

	if (!t)
		return FAIL(e, MEMORY, "no memory to receive a tree");
	t->blobs = *blobs;
	t->max = max;
	car_reader_init(&t->car, max, keep_block, t);
	walk_init(&t->stack, &t->extents, sizeof(struct extent), &t->links);
	buf_init(&t->block, BLOCK_MAX);
	*out = t;
	return true;
}

struct tree_in *tree_in_free(struct tree_in *t)
{
	if (!t)
		return NULL;
	car_reader_done(&t->car);
	map_done(&t->extents);
	buf_done(&t->stack);
	arena_done(&t->links);
	buf_done(&t->block);
	free(t);
	return NULL;
}

void tree_in_demand_all(struct tree_in *t)
{
	t->demand_all = true;
}

bool tree_in_feed(struct tree_in *t, struct bytes piece, struct err *e)
{
	TRY(car_reader_feed(&t->car, piece, e), e);
	return true;
}

static bool missing(const struct cid *cid, struct err *e)
{
	char text[CID_TEXT_MAX];

	cid_format(cid, text);
	return FAIL(e, PEER, "the tree is not whole: block %s did not come", text);
}

static bool load(struct tree_in *t, const struct cid *cid, struct err *e)
{
	buf_reset(&t->block);
	if (t->blobs.get(t->blobs.self, cid, &t->block, e))
		return true;
	if (e->code != E_NOT_FOUND)
		return false;
	return missing(cid, e);
}

/* First visit: leaves are done, of others the children come first. */
static bool expand(struct tree_in *t, const struct cid *cid, struct err *e)
{
	struct unixfs_block b;
	struct extent *x;
	bool fresh;

	x = map_put(&t->extents, cid, &fresh);
	if (!x)
		return FAIL(e, TOO_LARGE, "a tree of more than %u blocks", HTTP_TREE_BLOCKS);
	if (fresh && t->demand_all)
		return missing(cid, e);
	if (x->total)
		return true;
	if (cid->codec == CID_RAW) {
		if (!x->bytes) {
			TRY(load(t, cid, e), e);
			x->bytes = t->block.n;
		}
		x->total = x->bytes;
		return true;
	}
	TRY(load(t, cid, e), e);
	x->bytes = t->block.n;
	arena_reset(&t->links);
	TRY(unixfs_decode(cid, buf_bytes(&t->block), &t->links, &b, e), e);
	TRY(push(&t->stack, cid, true, e), e);
	for (size_t i = b.n; i > 0; i--)
		TRY(push(&t->stack, &b.links[i - 1].cid, false, e), e);
	return true;
}

/* Second visit: every child's total is known. */
static bool add_up(struct tree_in *t, const struct cid *cid, struct err *e)
{
	struct extent *x = map_get(&t->extents, cid);
	struct unixfs_block b;
	uint64_t total;

	assert(x);
	if (x->total)
		return true;
	TRY(load(t, cid, e), e);
	arena_reset(&t->links);
	TRY(unixfs_decode(cid, buf_bytes(&t->block), &t->links, &b, e), e);
	total = x->bytes;
	for (size_t i = 0; i < b.n; i++) {
		const struct extent *child = map_get(&t->extents, &b.links[i].cid);

		assert(child);
		if (child->total > t->max - MIN2(total, t->max))
			return FAIL(e, TOO_LARGE, "the tree has more than %llu bytes",
			        (unsigned long long)t->max);
		total += child->total;
	}
	x->total = total;
	return true;
}

bool tree_in_end(struct tree_in *t, struct cid *root, uint64_t *bytes, struct err *e)
{
	const struct extent *x;

	TRY(car_reader_end(&t->car, e), e);
	TRY(t->blobs.sync(t->blobs.self, e), e);
	TRY(push(&t->stack, &t->car.root, false, e), e);
	while (t->stack.n) {
		struct todo next = pop(&t->stack);

		if (next.seen)
			TRY(add_up(t, &next.cid, e), e);
		else
			TRY(expand(t, &next.cid, e), e);
	}
	x = map_get(&t->extents, &t->car.root);
	assert(x);
	if (x->total > t->max)
		return FAIL(e, TOO_LARGE, "the tree has more than %llu bytes",
		        (unsigned long long)t->max);
	*root = t->car.root;
	*bytes = x->total;
	return true;
}

/* ---- sending ---------------------------------------------------------------------------------------- */

struct tree_out {
	struct blobs blobs;
	struct map sent;
	struct buf stack;
	struct arena links;
	struct buf block;
	struct buf pending;
	size_t at; /* of pending, already given */
};

bool tree_out_new(
        const struct blobs *blobs, const struct cid *root, struct tree_out **out, struct err *e)
{
	char text[CID_TEXT_MAX];
	struct tree_out *t;

	if (!blobs->has(blobs->self, root)) {
		cid_format(root, text);
		return FAIL(e, NOT_FOUND, "there is no block %s here", text);
	}
	t = calloc(1, sizeof *t);
	if (!t)
		return FAIL(e, MEMORY, "no memory to send a tree");
	t->blobs = *blobs;
	walk_init(&t->stack, &t->sent, 1, &t->links);
	buf_init(&t->block, BLOCK_MAX);
	buf_init(&t->pending, BLOCK_MAX + 256);
	car_write_header(&t->pending, root);
	if (!push(&t->stack, root, false, e)) {
		tree_out_free(t);
		return false;
	}
	*out = t;
	return true;
}

struct tree_out *tree_out_free(struct tree_out *t)
{
	if (!t)
		return NULL;
	map_done(&t->sent);
	buf_done(&t->stack);
	arena_done(&t->links);
	buf_done(&t->block);
	buf_done(&t->pending);
	free(t);
	return NULL;
}

static bool next_block(struct tree_out *t, struct err *e)
{
	struct todo next = pop(&t->stack);
	struct unixfs_block b;
	bool fresh;

	if (!map_put(&t->sent, &next.cid, &fresh))
		return FAIL(e, TOO_LARGE, "a tree of more than %u blocks", HTTP_TREE_BLOCKS);
	if (!fresh)
		return true;
	buf_reset(&t->block);
	TRY(t->blobs.get(t->blobs.self, &next.cid, &t->block, e), e);
	car_write_block(&t->pending, &next.cid, buf_bytes(&t->block));
	if (next.cid.codec == CID_RAW)
		return true;
	arena_reset(&t->links);
	TRY(unixfs_decode(&next.cid, buf_bytes(&t->block), &t->links, &b, e), e);
	for (size_t i = b.n; i > 0; i--)
		TRY(push(&t->stack, &b.links[i - 1].cid, false, e), e);
	return true;
}

bool tree_out_read(struct tree_out *t, uint8_t *out, size_t max, size_t *n, struct err *e)
{
	size_t give;

	while (t->at == t->pending.n) {
		buf_reset(&t->pending);
		t->at = 0;
		if (t->stack.n == 0) {
			*n = 0;
			return true;
		}
		TRY(next_block(t, e), e);
	}
	if (!buf_ok(&t->pending))
		return FAIL(e, MEMORY, "no memory for a block");
	give = MIN2(max, t->pending.n - t->at);
	memcpy(out, t->pending.p + t->at, give);
	t->at += give;
	*n = give;
	return true;
}
