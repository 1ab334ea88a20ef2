/* links.c - walks over trees that read no leaves. */
#include "codec/unixfs.h"
#include "directory/directory_own.h"

enum { LINKS_ARENA_MAX = 32 << 20 }; /* a block that is nothing but the shortest links takes less */

void links_init(struct links *l, size_t max)
{
	buf_init(&l->todo, max * sizeof(struct cid));
	/* Keys are digests of blocks that were checked: they cannot be chosen to collide. */
	map_init(&l->seen, sizeof(struct hash), sizeof(uint8_t), max, 0);
}

void links_done(struct links *l)
{
	buf_done(&l->todo);
	map_done(&l->seen);
}

bool links_add(struct links *l, const struct cid *cid, struct err *e)
{
	buf_put(&l->todo, cid, sizeof *cid);
	if (!buf_ok(&l->todo))
		return FAIL(e, TOO_LARGE, "a walk over more than %zu blocks",
		        l->todo.max / sizeof(struct cid));
	return true;
}

/* The same bytes may stand in a tree as a leaf and as a node with links. */
enum { SEEN_LEAF = 1, SEEN_NODE = 2 };

static uint8_t kind_of(const struct cid *cid)
{
	return cid->codec == CID_RAW ? SEEN_LEAF : SEEN_NODE;
}

static bool is_new(const struct links *l, const struct cid *cid)
{
	const uint8_t *seen = map_get(&l->seen, &cid->digest);

	return !seen || !(*seen & kind_of(cid));
}

static bool add_links(
        struct links *l, const struct blobs *blobs, const struct cid *cid, struct err *e)
{
	OWN(buf_done) struct buf block;
	OWN(arena_done) struct arena a;
	struct unixfs_block b;

	buf_init(&block, BLOCK_MAX);
	arena_init(&a, LINKS_ARENA_MAX);
	TRY(blobs->get(blobs->self, cid, &block, e), e);
	TRY(unixfs_decode(cid, buf_bytes(&block), &a, &b, e), e);
	for (size_t i = 0; i < b.n; i++) {
		if (is_new(l, &b.links[i].cid))
			TRY(links_add(l, &b.links[i].cid, e), e);
	}
	return true;
}

bool links_step(struct links *l, const struct blobs *blobs, size_t budget,
        bool (*see)(void *ctx, const struct cid *cid), void *ctx, bool *done, struct err *e)
{
	*done = false;
	while (l->todo.n && budget) {
		struct cid next;
		uint8_t *seen;

		l->todo.n -= sizeof next;
		memcpy(&next, l->todo.p + l->todo.n, sizeof next);
		seen = map_put(&l->seen, &next.digest, NULL);
		if (!seen)
			return FAIL(e, TOO_LARGE, "a walk over more than %zu blocks", l->seen.max);
		if (*seen & kind_of(&next))
			continue;
		*seen |= kind_of(&next);
		if (see && !see(ctx, &next))
			return true;
		if (next.codec == CID_RAW)
			continue;
		budget--;
		TRY(add_links(l, blobs, &next, e), e);
	}
	*done = l->todo.n == 0;
	return true;
}

static bool is_here(void *ctx, const struct cid *cid)
{
	const struct blobs *blobs = ctx;

	return blobs->has(blobs->self, cid);
}

bool tree_is_whole(const struct blobs *blobs, const struct cid *root)
{
	OWN(links_done) struct links l;
	struct blobs b = *blobs;
	struct err ignored;
	bool done;

	links_init(&l, HTTP_TREE_BLOCKS);
	return links_add(&l, root, &ignored) &&
	       links_step(&l, blobs, HTTP_TREE_BLOCKS, is_here, &b, &done, &ignored) && done;
}

struct sought {
	struct hash digest;
	bool found;
};

static bool is_other(void *ctx, const struct cid *cid)
{
	struct sought *s = ctx;

	s->found = hash_eq(&s->digest, &cid->digest);
	return !s->found;
}

bool tree_has(const struct blobs *blobs, const struct cid *root, const struct cid *block, bool *out,
        struct err *e)
{
	OWN(links_done) struct links l;
	struct sought s = {.digest = block->digest};
	bool done;

	links_init(&l, HTTP_TREE_BLOCKS);
	TRY(links_add(&l, root, e), e);
	TRY(links_step(&l, blobs, HTTP_TREE_BLOCKS, is_other, &s, &done, e), e);
	*out = s.found;
	return true;
}
