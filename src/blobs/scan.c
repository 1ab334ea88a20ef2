/* scan.c - rebuilds the index of the block store from its segments.
 *
 * Only headers are read, and the bytes of blocks behind the last mark of a sync: those may have been
 * lost in a power failure although their header is there. Behind a damaged header the next one that
 * belongs to a good block is searched; what lies between is lost, and put again when it is needed. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "blobs/folder_own.h"

enum { WINDOW = 16 << 10, SEARCH = 1 << 20 };

struct scan {
	struct blobs_folder *f;
	uint32_t id;
	uint64_t size;
	uint8_t window[WINDOW];
	uint64_t at; /* of the window */
	size_t n;
};

static bool head_at(struct scan *s, uint64_t at, struct record_head *h, struct err *e)
{
	if (at < s->at || at + sizeof *h > s->at + s->n) {
		s->n = MIN2((size_t)WINDOW, (size_t)(s->size - at));
		s->at = at;
		TRY(segment_read(s->f, segment_of(s->f, s->id), at, s->window, s->n, e), e);
	}
	memcpy(h, s->window + (at - s->at), sizeof *h);
	return true;
}

/* True when a whole record begins there. */
static bool record_at(struct scan *s, uint64_t at, struct record_head *h, bool *ok, struct err *e)
{
	*ok = false;
	if (s->size - at < sizeof *h)
		return true;
	TRY(head_at(s, at, h, e), e);
	*ok = record_valid(h) && h->len <= s->size - at - sizeof *h;
	return true;
}

static bool block_good(
        struct scan *s, uint64_t at, const struct record_head *h, bool *good, struct err *e)
{
	struct cid cid = {h->codec, h->digest};
	uint8_t *p;

	buf_reset(&s->f->scratch);
	p = buf_room(&s->f->scratch, h->len);
	if (!p)
		return FAIL(e, MEMORY, "no memory for a block");
	TRY(segment_read(s->f, segment_of(s->f, s->id), at + sizeof *h, p, h->len, e), e);
	*good = cid_matches(&cid, bytes_of(p, h->len));
	return true;
}

static bool learn(
        struct scan *s, uint64_t at, const struct record_head *h, bool checked, struct err *e)
{
	struct place p = {.segment = s->id,
	        .at = (uint32_t)at,
	        .len = h->len,
	        .codec = h->codec,
	        .checked = checked};

	return folder_learn(s->f, &h->digest, &p, e);
}

/* The next good block behind a damaged header; *at = size when there is none. */
static bool search(struct scan *s, uint64_t *at, struct err *e)
{
	const uint32_t magic = RECORD_MAGIC;
	OWN(buf_done) struct buf piece;
	struct record_head h;
	uint64_t from = *at + 1;

	buf_init(&piece, SEARCH);
	while (from + sizeof h <= s->size) {
		size_t n = MIN2((size_t)SEARCH, (size_t)(s->size - from));
		const uint8_t *hit;
		uint8_t *p;
		bool ok, good = false;

		buf_reset(&piece);
		p = buf_room(&piece, n);
		if (!p)
			return FAIL(e, MEMORY, "no memory to search a segment");
		TRY(segment_read(s->f, segment_of(s->f, s->id), from, p, n, e), e);
		hit = memmem(p, n, &magic, sizeof magic);
		if (!hit) {
			from += n < SEARCH ? n : n - sizeof magic + 1;
			continue;
		}
		from += (uint64_t)(hit - p);
		TRY(record_at(s, from, &h, &ok, e), e);
		if (ok && h.kind == RECORD_BLOCK)
			TRY(block_good(s, from, &h, &good, e), e);
		if (good) {
			*at = from;
			return true;
		}
		from++;
	}
	*at = s->size;
	return true;
}

/* What one pass over the headers finds. */
struct findings {
	uint64_t synced; /* behind the last mark of a sync */
	uint64_t end;    /* behind the last record */
};

static bool pass(struct scan *s, struct findings *x, struct err *e)
{
	uint64_t at = 0;

	*x = (struct findings){0};
	while (at < s->size) {
		struct record_head h;
		bool ok;

		TRY(record_at(s, at, &h, &ok, e), e);
		if (!ok) {
			TRY(search(s, &at, e), e);
			continue;
		}
		if (h.kind == RECORD_BLOCK)
			TRY(learn(s, at, &h, false, e), e);
		else if (h.kind == RECORD_DEAD)
			folder_forget(s->f, &h.digest);
		at += sizeof h + h.len;
		x->end = at;
		if (h.kind == RECORD_SYNC)
			x->synced = at;
	}
	return true;
}

/* Blocks behind the last mark are believed only by their bytes. */
static bool check_tail(struct scan *s, const struct findings *x, struct err *e)
{
	for (uint64_t at = x->synced; at < x->end;) {
		struct place *p;
		struct record_head h;
		bool ok, good;

		TRY(record_at(s, at, &h, &ok, e), e);
		if (!ok) {
			TRY(search(s, &at, e), e);
			continue;
		}
		p = map_get(&s->f->index, &h.digest);
		if (h.kind == RECORD_BLOCK && p && p->segment == s->id && p->at == at) {
			TRY(block_good(s, at, &h, &good, e), e);
			p->checked = good;
			if (!good)
				folder_forget(s->f, &h.digest);
		}
		at += sizeof h + h.len;
	}
	return true;
}

static bool scan_segment(struct blobs_folder *f, uint32_t id, bool last, struct err *e)
{
	struct scan *s = calloc(1, sizeof *s);
	struct findings x;
	bool ok;

	if (!s)
		return FAIL(e, MEMORY, "no memory to scan a segment");
	s->f = f;
	s->id = id;
	s->size = segment_of(f, id)->size;
	ok = pass(s, &x, e) && (!last || check_tail(s, &x, e));
	if (ok && last && x.end < s->size)
		ok = segment_cut(f, segment_of(f, id), x.end, e);
	free(s);
	return ok;
}

/* ---- the directory ------------------------------------------------------------------------------------ */

static bool id_of(const char *name, uint32_t *out)
{
	uint32_t id = 0;

	if (strlen(name) != 19 || memcmp(name, "blocks-", 7) != 0 || strcmp(name + 15, ".log") != 0)
		return false;
	for (size_t i = 7; i < 15; i++) {
		const char *digits = "0123456789abcdef", *d = strchr(digits, name[i]);

		if (!d)
			return false;
		id = id << 4 | (uint32_t)(d - digits);
	}
	*out = id;
	return true;
}

static int by_id(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool list(struct blobs_folder *f, struct buf *ids, struct err *e)
{
	DIR *d = opendir(f->path);
	struct dirent *entry;

	if (!d)
		return FAIL_SYS(e, IO, errno, "cannot list %s", f->path);
	while ((entry = readdir(d)) != NULL) {
		uint32_t id;

		if (id_of(entry->d_name, &id))
			buf_put(ids, &id, sizeof id);
	}
	closedir(d);
	if (!buf_ok(ids))
		return FAIL(
		        e, QUOTA, "%s has more than %d segments of blocks", f->path, SEGMENTS_MAX);
	if (ids->n)
		qsort(ids->p, ids->n / sizeof(uint32_t), sizeof(uint32_t), by_id);
	return true;
}

bool folder_scan(struct blobs_folder *f, struct err *e)
{
	OWN(buf_done) struct buf ids;
	const uint32_t *id;
	size_t n;

	buf_init(&ids, SEGMENTS_MAX * sizeof(uint32_t));
	TRY(list(f, &ids, e), e);
	id = (const uint32_t *)ids.p;
	n = ids.n / sizeof *id;
	for (size_t i = 0; i < n; i++) {
		off_t size;
		int fd;

		TRY(segment_known(f, id[i], 0, e), e);
		TRY(segment_open(f, &f->segments[i], &fd, e), e);
		size = lseek(fd, 0, SEEK_END);
		if (size < 0 || size > UINT32_MAX)
			return FAIL(e, IO, "segment %u of the blocks in %s has an impossible size",
			        id[i], f->path);
		f->segments[i].size = (uint64_t)size;
	}
	for (size_t i = 0; i < n; i++)
		TRY(scan_segment(f, id[i], i + 1 == n, e), e);
	if (n == 0)
		TRY(segment_new(f, 1, e), e);
	return true;
}
