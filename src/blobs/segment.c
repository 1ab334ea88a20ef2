/* segment.c - the files of the block store: opened on demand, appended to, cut, dropped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "blobs/folder_own.h"
#include "os/file.h"

static bool fail(
        const struct blobs_folder *f, int sys, const char *verb, uint32_t id, struct err *e)
{
	if (no_room(sys)) {
		FAIL_SYS(e, DISK_FULL, sys, "no space is left for blocks in %s", f->path);
		return err_hint(e, "free some space on that disk, then try again");
	}
	return FAIL_SYS(e, IO, sys, "cannot %s segment %u of the blocks in %s", verb, id, f->path);
}

/* ---- headers ---------------------------------------------------------------------------------------- */

/* Tells a header from other bytes and sees a flipped bit; it is no defence against intent, and need not
 * be: a block is believed by its digest only. */
static uint32_t check_of(const struct record_head *h)
{
	struct record_head plain = *h;
	uint64_t w[sizeof plain / 8], sum = 0x9e3779b97f4a7c15u;

	plain.check = 0;
	memcpy(w, &plain, sizeof plain);
	for (size_t i = 0; i < COUNT(w); i++) {
		sum = (sum ^ w[i]) * 0xff51afd7ed558ccdu;
		sum ^= sum >> 32;
	}
	return (uint32_t)sum;
}

void record_seal(struct record_head *h)
{
	h->magic = RECORD_MAGIC;
	h->zero = 0;
	h->check = check_of(h);
}

bool record_valid(const struct record_head *h)
{
	return h->magic == RECORD_MAGIC && h->zero == 0 && h->check == check_of(h) &&
	       h->kind >= RECORD_BLOCK && h->kind <= RECORD_SYNC && h->len <= BLOCK_MAX &&
	       (h->kind == RECORD_BLOCK || h->len == 0);
}

/* ---- the list ----------------------------------------------------------------------------------------- */

struct segment *segment_of(struct blobs_folder *f, uint32_t id)
{
	size_t lo = 0, hi = f->segments_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->segments[mid].id == id)
			return &f->segments[mid];
		if (f->segments[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

bool segment_known(struct blobs_folder *f, uint32_t id, uint64_t size, struct err *e)
{
	if (f->segments_n == SEGMENTS_MAX)
		return FAIL(e, QUOTA, "%s has %d segments of blocks: more are not possible",
		        f->path, SEGMENTS_MAX);
	if (f->segments_n == f->segments_cap) {
		size_t cap = f->segments_cap ? f->segments_cap * 2 : 16;
		struct segment *more = realloc(f->segments, cap * sizeof *more);

		if (!more)
			return FAIL(e, MEMORY, "no memory for the list of segments");
		f->segments = more;
		f->segments_cap = cap;
	}
	assert(f->segments_n == 0 || f->segments[f->segments_n - 1].id < id);
	f->segments[f->segments_n++] = (struct segment){.id = id, .fd = -1, .size = size};
	return true;
}

static void name_of(uint32_t id, char out[32])
{
	snprintf(out, 32, "blocks-%08x.log", id);
}

/* ---- descriptors ---------------------------------------------------------------------------------------- */

static void close_one(struct blobs_folder *f, struct segment *s)
{
	if (s->fd >= 0) {
		close(s->fd);
		s->fd = -1;
		f->open_n--;
	}
}

/* The last one is never closed: it may hold bytes whose fate only its descriptor tells. */
static void make_room(struct blobs_folder *f)
{
	struct segment *oldest = NULL;

	if (f->open_n < OPEN_MAX)
		return;
	for (size_t i = 0; i + 1 < f->segments_n; i++) {
		struct segment *s = &f->segments[i];

		if (s->fd >= 0 && (!oldest || s->used < oldest->used))
			oldest = s;
	}
	if (oldest)
		close_one(f, oldest);
}

static bool open_with(struct blobs_folder *f, struct segment *s, int flags, struct err *e)
{
	char name[32];

	make_room(f);
	name_of(s->id, name);
	s->fd = openat(f->dir, name, O_RDWR | O_CLOEXEC | flags, 0600);
	if (s->fd < 0)
		return fail(f, errno, "open", s->id, e);
	f->open_n++;
	return true;
}

bool segment_open(struct blobs_folder *f, struct segment *s, int *fd, struct err *e)
{
	if (s->fd < 0)
		TRY(open_with(f, s, 0, e), e);
	s->used = ++f->ticks;
	*fd = s->fd;
	return true;
}

bool segment_new(struct blobs_folder *f, uint32_t id, struct err *e)
{
	TRY(segment_known(f, id, 0, e), e);
	if (!open_with(f, &f->segments[f->segments_n - 1], O_CREAT | O_TRUNC, e)) {
		f->segments_n--;
		return false;
	}
	f->dir_dirty = true;
	return true;
}

/* ---- bytes ------------------------------------------------------------------------------------------------ */

bool segment_read(
        struct blobs_folder *f, struct segment *s, uint64_t at, void *p, size_t n, struct err *e)
{
	uint8_t *to = p;
	int fd;

	TRY(segment_open(f, s, &fd, e), e);
	while (n) {
		ssize_t got = pread(fd, to, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(f, errno, "read", s->id, e);
		if (got == 0)
			return FAIL(e, IO, "segment %u of the blocks in %s ends before byte %llu",
			        s->id, f->path, (unsigned long long)(at + n));
		to += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

static bool write_at(int fd, struct iovec iov[2], uint64_t at)
{
	size_t i = 0;

	while (i < 2) {
		ssize_t n = pwritev(fd, iov + i, (int)(2 - i), (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += (uint64_t)n;
		for (; i < 2 && (size_t)n >= iov[i].iov_len; i++)
			n -= (ssize_t)iov[i].iov_len;
		if (i < 2) {
			iov[i].iov_base = (uint8_t *)iov[i].iov_base + n;
			iov[i].iov_len -= (size_t)n;
		}
	}
	return true;
}

bool segment_append(struct blobs_folder *f, struct record_head *h, struct bytes data, uint32_t *at,
        struct err *e)
{
	struct segment *s = &f->segments[f->segments_n - 1];
	int fd;

	assert(h->len == data.n);
	if (f->broken)
		return FAIL(e, IO, "%s could not be synced: it must be opened again", f->path);
	if (s->size >= SEGMENT_BYTES) {
		TRY(segment_sync(f, e), e);
		TRY(segment_new(f, s->id + 1, e), e);
		s = &f->segments[f->segments_n - 1];
	}
	record_seal(h);
	TRY(segment_open(f, s, &fd, e), e);

	/* The kernel does not write to what it is given to write. */
	struct iovec iov[2] = {{h, sizeof *h}, {(void *)(uintptr_t)data.p, data.n}};
	f->dirty = true;
	if (!write_at(fd, iov, s->size)) {
		int sys = errno;

		/* The next record goes to the same place; this only gives the space back. */
		(void)!ftruncate(fd, (off_t)s->size);
		return fail(f, sys, "write", s->id, e);
	}
	*at = (uint32_t)s->size;
	s->size += sizeof *h + data.n;
	return true;
}

bool segment_cut(struct blobs_folder *f, struct segment *s, uint64_t size, struct err *e)
{
	int fd;

	TRY(segment_open(f, s, &fd, e), e);
	if (ftruncate(fd, (off_t)size))
		return fail(f, errno, "cut", s->id, e);
	s->size = size;
	return true;
}

bool segment_drop(struct blobs_folder *f, struct segment *s, struct err *e)
{
	size_t i = (size_t)(s - f->segments);
	char name[32];

	assert(i + 1 < f->segments_n && s->live == 0);
	name_of(s->id, name);
	if (unlinkat(f->dir, name, 0) && errno != ENOENT)
		return fail(f, errno, "remove", s->id, e);
	close_one(f, s);
	memmove(s, s + 1, (f->segments_n - i - 1) * sizeof *s);
	f->segments_n--;
	return true;
}

bool segment_sync(struct blobs_folder *f, struct err *e)
{
	struct segment *s = &f->segments[f->segments_n - 1];
	int fd;

	if (f->broken)
		return FAIL(e, IO, "%s could not be synced: it must be opened again", f->path);
	TRY(segment_open(f, s, &fd, e), e);
	if ((f->dirty && fdatasync(fd)) || (f->dir_dirty && fsync(f->dir))) {
		f->broken = true;
		return fail(f, errno, "sync", s->id, e);
	}
	f->dirty = f->dir_dirty = false;
	return true;
}
