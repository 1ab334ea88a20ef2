/* collect.c - gives back the space of blocks that nobody needs.
 *
 * A block that is forgotten gets a record that says so. When a segment goes, such records in it go as
 * well, though the block may still lie in an older segment: the next start then finds it again, which
 * the next collection mends. */
#include <unistd.h>

#include "blobs/folder_own.h"

/* Digests of the blocks that go, so that the index is not changed while it is walked. */
static bool choose(const struct blobs_folder *f, bool (*keep)(void *ctx, const struct cid *cid),
        void *ctx, struct buf *gone, struct err *e)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&f->index, &i, &key, &val);) {
		const struct place *p = val;
		struct cid cid = {.codec = p->codec};

		memcpy(&cid.digest, key, sizeof cid.digest);
		/* Turns are counted modulo 2^16; a block that old only stays a turn longer. */
		if ((uint16_t)(f->turn - p->turn) < 2 || keep(ctx, &cid))
			continue;
		buf_put(gone, &cid, sizeof cid);
	}
	if (!buf_ok(gone))
		return FAIL(e, MEMORY, "no memory to collect blocks");
	return true;
}

static bool forget(struct blobs_folder *f, const struct buf *gone, uint64_t *freed, struct err *e)
{
	for (size_t at = 0; at < gone->n; at += sizeof(struct cid)) {
		struct record_head h = {.kind = RECORD_DEAD};
		uint64_t before = f->bytes;
		struct cid cid;
		uint32_t where;

		memcpy(&cid, gone->p + at, sizeof cid);
		h.codec = cid.codec;
		h.digest = cid.digest;
		TRY(segment_append(f, &h, bytes_of(NULL, 0), &where, e), e);
		folder_forget(f, &cid.digest);
		*freed += before - f->bytes;
	}
	return true;
}

static bool move_block(
        struct blobs_folder *f, const struct hash *digest, struct place p, struct err *e)
{
	struct record_head h = {
	        .kind = RECORD_BLOCK, .codec = p.codec, .len = p.len, .digest = *digest};
	uint8_t *to;

	buf_reset(&f->scratch);
	to = buf_room(&f->scratch, p.len);
	if (!to)
		return FAIL(e, MEMORY, "no memory for a block");
	TRY(segment_read(f, segment_of(f, p.segment), p.at + sizeof h, to, p.len, e), e);
	TRY(segment_append(f, &h, bytes_of(to, p.len), &p.at, e), e);
	p.segment = f->segments[f->segments_n - 1].id;
	TRY(folder_learn(f, digest, &p, e), e);
	return true;
}

/* What is still needed of a segment goes to the last one; then the file can go. */
static bool empty_segment(struct blobs_folder *f, uint32_t id, struct err *e)
{
	OWN(buf_done) struct buf digests;
	const void *key;
	void *val;

	buf_init(&digests, (size_t)UINT32_MAX);
	for (size_t i = 0; map_next(&f->index, &i, &key, &val);) {
		if (((const struct place *)val)->segment == id)
			buf_put(&digests, key, sizeof(struct hash));
	}
	if (!buf_ok(&digests))
		return FAIL(e, MEMORY, "no memory to move blocks");
	for (size_t at = 0; at < digests.n; at += sizeof(struct hash)) {
		struct hash digest;

		memcpy(&digest, digests.p + at, sizeof digest);
		TRY(move_block(f, &digest, *(struct place *)map_get(&f->index, &digest), e), e);
	}
	TRY(segment_sync(f, e), e);
	TRY(segment_drop(f, segment_of(f, id), e), e);
	return true;
}

bool blobs_folder_compact(void *self, bool *more, struct err *e)
{
	struct blobs_folder *f = self;

	*more = false;
	for (size_t i = 0; i + 1 < f->segments_n; i++) {
		if (f->segments[i].live > f->segments[i].size / 2)
			continue;
		TRY(empty_segment(f, f->segments[i].id, e), e);
		*more = true;
		break;
	}
	return true;
}

bool blobs_folder_collect(void *self, bool (*keep)(void *ctx, const struct cid *cid), void *ctx,
        uint64_t *freed, struct err *e)
{
	struct blobs_folder *f = self;
	OWN(buf_done) struct buf gone;

	buf_init(&gone, (size_t)FOLDER_BLOCKS_MAX * sizeof(struct cid));
	*freed = 0;
	TRY(choose(f, keep, ctx, &gone, e), e);
	f->turn++;
	TRY(forget(f, &gone, freed, e), e);
	TRY(segment_sync(f, e), e);
	return true;
}
