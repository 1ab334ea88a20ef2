/* memory.c - blocks in a map from their digests. */
#include "blobs/memory.h"

#include <stdlib.h>

#include "base/map.h"

struct blobs_memory {
	struct map map; /* digest -> struct kept * */
};

struct kept {
	struct cid cid;
	size_t n;
	uint8_t p[];
};

static struct kept *find(const struct blobs_memory *m, const struct cid *cid)
{
	struct kept **at = map_get(&m->map, &cid->digest);

	return at ? *at : NULL;
}

static bool has(void *self, const struct cid *cid)
{
	return find(self, cid) != NULL;
}

static bool get(void *self, const struct cid *cid, struct buf *out, struct err *e)
{
	const struct kept *b = find(self, cid);

	if (!b)
		return FAIL(e, NOT_FOUND, "no such block");
	if (!cid_matches(cid, bytes_of(b->p, b->n))) {
		blobs_memory_lose(self, cid);
		return FAIL(e, BLOCK_CORRUPT, "the block is damaged");
	}
	buf_put(out, b->p, b->n);
	return true;
}

static bool put(void *self, const struct cid *cid, struct bytes data, struct err *e)
{
	struct blobs_memory *m = self;
	struct kept *b, **at;
	char text[CID_TEXT_MAX];

	if (!cid_matches(cid, data)) {
		cid_format(cid, text);
		return FAIL(e, BLOCK_CORRUPT, "the bytes given as block %s are others", text);
	}
	if (find(m, cid))
		return true;
	b = malloc(sizeof *b + data.n);
	if (!b)
		return FAIL(e, MEMORY, "no memory for a block");
	at = map_put(&m->map, &cid->digest, NULL);
	if (!at) {
		free(b);
		return FAIL(e, QUOTA, "the store holds %zu blocks and takes no more", m->map.max);
	}
	b->cid = *cid;
	b->n = data.n;
	if (data.n)
		memcpy(b->p, data.p, data.n);
	*at = b;
	return true;
}

static bool sync_(void *self, struct err *e)
{
	(void)self, (void)e;
	return true;
}

struct blobs blobs_memory_port(struct blobs_memory *m)
{
	return (struct blobs){m, has, get, put, sync_};
}

size_t blobs_memory_count(const struct blobs_memory *m)
{
	return m->map.n;
}

bool blobs_memory_lose(struct blobs_memory *m, const struct cid *cid)
{
	free(find(m, cid));
	return map_del(&m->map, &cid->digest);
}

bool blobs_memory_damage(struct blobs_memory *m, const struct cid *cid)
{
	struct kept *b = find(m, cid);

	if (b && b->n)
		b->p[b->n - 1] ^= 1;
	return b != NULL;
}

static struct kept *unwanted(
        struct blobs_memory *m, bool (*keep)(void *ctx, const struct cid *cid), void *ctx)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&m->map, &i, &key, &val);) {
		struct kept *b = *(struct kept **)val;

		if (!keep(ctx, &b->cid))
			return b;
	}
	return NULL;
}

bool blobs_memory_collect(void *self, bool (*keep)(void *ctx, const struct cid *cid), void *ctx,
        uint64_t *freed, struct err *e)
{
	struct blobs_memory *m = self;
	struct kept *b;

	(void)e;
	*freed = 0;
	while ((b = unwanted(m, keep, ctx)) != NULL) {
		struct cid cid = b->cid;

		*freed += b->n;
		blobs_memory_lose(m, &cid);
	}
	return true;
}

struct blobs_memory *blobs_memory_new(size_t max)
{
	struct blobs_memory *m = calloc(1, sizeof *m);

	if (m)
		map_init(&m->map, sizeof(struct hash), sizeof(struct kept *), max, 0);
	return m;
}

struct blobs_memory *blobs_memory_free(struct blobs_memory *m)
{
	if (m)
		map_done_owned(&m->map);
	free(m);
	return NULL;
}
