/* folder.c - the block store: its port, its index, and what is collected. */
#include "blobs/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "blobs/folder_own.h"
#include "os/file.h"

/* ---- the index ---------------------------------------------------------------------------------------- */

static uint64_t extent(const struct place *p)
{
	return sizeof(struct record_head) + p->len;
}

void folder_forget(struct blobs_folder *f, const struct hash *digest)
{
	const struct place *p = map_get(&f->index, digest);
	struct segment *s;

	if (!p)
		return;
	s = segment_of(f, p->segment);
	assert(s && s->live >= extent(p) && f->bytes >= p->len);
	s->live -= extent(p);
	f->bytes -= p->len;
	map_del(&f->index, digest);
}

bool folder_learn(
        struct blobs_folder *f, const struct hash *digest, const struct place *p, struct err *e)
{
	struct place *at;

	folder_forget(f, digest);
	at = map_put(&f->index, digest, NULL);
	if (!at && f->index.n >= f->index.max)
		return FAIL(e, QUOTA, "%s has %u blocks: more are not possible", f->path,
		        FOLDER_BLOCKS_MAX);
	if (!at)
		return FAIL(e, MEMORY, "no memory for the index of %s", f->path);
	*at = *p;
	segment_of(f, p->segment)->live += extent(p);
	f->bytes += p->len;
	return true;
}

/* ---- the port ----------------------------------------------------------------------------------------- */

static bool has(void *self, const struct cid *cid)
{
	const struct blobs_folder *f = self;

	return map_get(&f->index, &cid->digest) != NULL;
}

/* A block that failed its digest: it must not be found again, not even after a restart. */
static bool set_aside(struct blobs_folder *f, const struct cid *cid, struct err *e)
{
	struct record_head h = {.kind = RECORD_DEAD, .codec = cid->codec, .digest = cid->digest};
	char text[CID_TEXT_MAX];
	struct err ignored;
	uint32_t at;

	f->corrupt++;
	folder_forget(f, &cid->digest);
	/* When not even this can be written it is found to be corrupt again. */
	(void)!segment_append(f, &h, bytes_of(NULL, 0), &at, &ignored);
	cid_format(cid, text);
	return FAIL(e, BLOCK_CORRUPT,
	        "block %s is damaged on disk, in %s: it must be fetched again", text, f->path);
}

static bool get(void *self, const struct cid *cid, struct buf *out, struct err *e)
{
	struct blobs_folder *f = self;
	struct place *p = map_get(&f->index, &cid->digest);
	size_t before = out->n;
	char text[CID_TEXT_MAX];
	uint8_t *to;

	if (!p) {
		cid_format(cid, text);
		return FAIL(e, NOT_FOUND, "there is no block %s in %s", text, f->path);
	}
	to = buf_room(out, p->len);
	if (!to)
		return FAIL(e, TOO_LARGE, "a block of %u bytes does not fit into %zu", p->len,
		        out->max - before);
	if (!segment_read(f, segment_of(f, p->segment), p->at + sizeof(struct record_head), to,
	            p->len, e)) {
		out->n = before;
		return false;
	}
	if (!cid_matches(cid, bytes_of(to, p->len))) {
		out->n = before;
		return set_aside(f, cid, e);
	}
	p->checked = true;
	return true;
}

/* Whether the bytes that are there are those that are put; p is known. */
static bool same(struct blobs_folder *f, const struct place *p, struct bytes data)
{
	struct err ignored;
	uint8_t *to;

	if (p->checked)
		return true;
	buf_reset(&f->scratch);
	to = buf_room(&f->scratch, p->len);
	return to && p->len == data.n &&
	       segment_read(f, segment_of(f, p->segment), p->at + sizeof(struct record_head), to,
	               p->len, &ignored) &&
	       (data.n == 0 || memcmp(to, data.p, data.n) == 0);
}

static bool put(void *self, const struct cid *cid, struct bytes data, struct err *e)
{
	struct record_head h = {.kind = RECORD_BLOCK,
	        .codec = cid->codec,
	        .len = (uint32_t)data.n,
	        .digest = cid->digest};
	struct blobs_folder *f = self;
	struct place *known, p = {.len = (uint32_t)data.n,
	                             .codec = cid->codec,
	                             .checked = true,
	                             .turn = f->turn};
	char text[CID_TEXT_MAX];

	if (data.n > BLOCK_MAX || !cid_matches(cid, data)) {
		cid_format(cid, text);
		if (data.n > BLOCK_MAX)
			return FAIL(e, TOO_LARGE, "block %s has %zu bytes: at most %u are stored",
			        text, data.n, BLOCK_MAX);
		return FAIL(e, BLOCK_CORRUPT, "the bytes given as block %s are others", text);
	}
	known = map_get(&f->index, &cid->digest);
	if (known && same(f, known, data)) {
		known->checked = true;
		known->turn = f->turn;
		return true;
	}
	TRY(segment_append(f, &h, data, &p.at, e), e);
	p.segment = f->segments[f->segments_n - 1].id;
	TRY(folder_learn(f, &cid->digest, &p, e), e);
	return true;
}

/* The mark need not be durable itself: it only spares the next start some work. */
static bool sync_all(void *self, struct err *e)
{
	struct record_head h = {.kind = RECORD_SYNC};
	struct blobs_folder *f = self;
	struct err ignored;
	uint32_t at;

	if (!f->dirty && !f->dir_dirty)
		return true;
	TRY(segment_sync(f, e), e);
	(void)!segment_append(f, &h, bytes_of(NULL, 0), &at, &ignored);
	f->dirty = false;
	return true;
}

struct blobs blobs_folder_port(struct blobs_folder *f)
{
	return (struct blobs){f, has, get, put, sync_all};
}

/* ---- opening ------------------------------------------------------------------------------------------ */

static bool take_lock(struct blobs_folder *f, struct err *e)
{
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0)
		return file_fail(e, errno, "open", f->path);
	f->lock = openat(f->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (f->lock < 0)
		return FAIL_SYS(e, IO, errno, "cannot open %s/lock", f->path);
	if (!fd_lock(f->lock, LOCK_EX)) {
		FAIL(e, STORE_LOCKED, "another process uses the blocks in %s", f->path);
		return err_hint(e, "stop it, or give this one a state directory of its own");
	}
	return true;
}

static bool open_all(struct blobs_folder *f, const char *path, struct err *e)
{
	f->path = strdup(path);
	if (!f->path)
		return FAIL(e, MEMORY, "no memory for a block store");
	TRY(dir_make(path, e), e);
	TRY(take_lock(f, e), e);
	TRY(folder_scan(f, e), e);
	return true;
}

bool blobs_folder_open(const char *path, struct blobs_folder **out, struct err *e)
{
	struct blobs_folder *f = calloc(1, sizeof *f);

	if (!f)
		return FAIL(e, MEMORY, "no memory for a block store");
	f->dir = f->lock = -1;
	f->turn = 2;
	/* Keys are digests of blocks that were checked: they cannot be chosen to collide. */
	map_init(&f->index, sizeof(struct hash), sizeof(struct place), FOLDER_BLOCKS_MAX, 0);
	buf_init(&f->scratch, BLOCK_MAX);
	if (!open_all(f, path, e)) {
		blobs_folder_free(f);
		return false;
	}
	*out = f;
	return true;
}

struct blobs_folder *blobs_folder_free(struct blobs_folder *f)
{
	if (!f)
		return NULL;
	for (size_t i = 0; i < f->segments_n; i++)
		fd_close(&f->segments[i].fd);
	fd_close(&f->lock);
	fd_close(&f->dir);
	map_done(&f->index);
	buf_done(&f->scratch);
	free(f->segments);
	free(f->path);
	free(f);
	return NULL;
}

void blobs_folder_stat(const struct blobs_folder *f, struct blobs_folder_stat *out)
{
	*out = (struct blobs_folder_stat){.blocks = f->index.n,
	        .bytes = f->bytes,
	        .segments = f->segments_n,
	        .corrupt = f->corrupt};
	for (size_t i = 0; i < f->segments_n; i++)
		out->disk += f->segments[i].size;
}
