/* unixfs.c - writes UnixFS trees as Kubo does with --cid-version=1.
 *
 * A dag-pb block is PBNode {2: PBLink links, 1: bytes data}, the links first; a PBLink is {1: bytes
 * hash, 2: string name, 3: varint tsize}. Its data is a UnixFS message {1: type, 2: bytes, 3: filesize,
 * 4: blocksizes}. Reading is in unixfs_read.c. */
#include "codec/unixfs.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bounds.h"
#include "codec/unixfs_own.h"

/* 174^8 chunks are more than 64 bits can count. */
enum { FILE_LEVELS = 8 };

/* ---- one dag-pb block ------------------------------------------------------------------------------ */

static void put_link(struct buf *out, const struct cid *cid, struct str name, uint64_t tsize)
{
	size_t n = pb_bytes_size(LINK_HASH, CID_BINARY_LEN) + pb_bytes_size(LINK_NAME, name.n) +
	           pb_varint_size(LINK_TSIZE, tsize);
	uint8_t raw[CID_BINARY_LEN];

	cid_encode(cid, raw);
	varint_put(out, NODE_LINKS << 3 | 2);
	varint_put(out, n);
	pb_put_bytes(out, LINK_HASH, bytes_of(raw, sizeof raw));
	pb_put_bytes(out, LINK_NAME, str_bytes(name));
	pb_put_varint(out, LINK_TSIZE, tsize);
}

static bool put_block(const struct block_sink *sink, enum cid_codec codec, struct bytes block,
        struct cid *out, struct err *e)
{
	struct cid cid;

	if (block.n > BLOCK_MAX)
		return FAIL(e, TOO_LARGE, "a block of %zu bytes: at most %u are stored", block.n,
		        BLOCK_MAX);
	cid = cid_of(codec, block);
	TRY(sink->put(sink->self, &cid, block, e), e);
	*out = cid;
	return true;
}

/* The node's tree_bytes hold the sum of its children on entry. */
static bool put_node(const struct block_sink *sink, const struct buf *block,
        struct unixfs_node *node, struct err *e)
{
	if (!buf_ok(block))
		return FAIL(e, TOO_LARGE, "a node of a tree is larger than a block of %u bytes",
		        BLOCK_MAX);
	TRY(put_block(sink, CID_DAG_PB, buf_bytes(block), &node->cid, e), e);
	if (__builtin_add_overflow(node->tree_bytes, block->n, &node->tree_bytes))
		return FAIL(e, TOO_LARGE, "a tree of more bytes than 64 bits can count");
	return true;
}

/* ---- files ------------------------------------------------------------------------------------------ */

/* What waits for its parent, by height: leaves at 0. A level that is full becomes one node of the next. */
struct levels {
	const struct block_sink *sink;
	struct {
		size_t n;
		struct unixfs_node v[DAG_LINKS_MAX];
	} at[FILE_LEVELS];
};

static void levels_free(struct levels **l)
{
	free(*l);
}

static bool levels_new(const struct block_sink *sink, struct levels **out, struct err *e)
{
	struct levels *l = calloc(1, sizeof *l);

	if (!l)
		return FAIL(e, MEMORY, "no memory to add a file");
	l->sink = sink;
	*out = l;
	return true;
}

static bool parent_of(const struct block_sink *sink, const struct unixfs_node *v, size_t n,
        struct unixfs_node *out, struct err *e)
{
	struct unixfs_node node = {.tree_bytes = 0};
	OWN(buf_done) struct buf fs, block;

	buf_init(&fs, BLOCK_MAX);
	buf_init(&block, BLOCK_MAX);
	for (size_t i = 0; i < n; i++) {
		put_link(&block, &v[i].cid, STR(""), v[i].tree_bytes);
		node.tree_bytes += v[i].tree_bytes;
		node.file_bytes += v[i].file_bytes;
	}
	pb_put_varint(&fs, FS_TYPE, FS_FILE);
	pb_put_varint(&fs, FS_FILESIZE, node.file_bytes);
	for (size_t i = 0; i < n; i++)
		pb_put_varint(&fs, FS_BLOCKSIZES, v[i].file_bytes);
	pb_put_bytes(&block, NODE_DATA, buf_bytes(&fs));
	TRY(put_node(sink, &block, &node, e), e);
	*out = node;
	return true;
}

/* All that waits at this height goes under one node of the next. */
static bool levels_close(struct levels *l, size_t height, struct err *e)
{
	struct unixfs_node node;

	assert(height + 1 < FILE_LEVELS && l->at[height + 1].n < DAG_LINKS_MAX);
	TRY(parent_of(l->sink, l->at[height].v, l->at[height].n, &node, e), e);
	l->at[height].n = 0;
	l->at[height + 1].v[l->at[height + 1].n++] = node;
	return true;
}

static bool levels_add(struct levels *l, struct bytes chunk, struct err *e)
{
	struct unixfs_node leaf = {.tree_bytes = chunk.n, .file_bytes = chunk.n};

	TRY(put_block(l->sink, CID_RAW, chunk, &leaf.cid, e), e);
	l->at[0].v[l->at[0].n++] = leaf;
	for (size_t i = 0; l->at[i].n == DAG_LINKS_MAX; i++)
		TRY(levels_close(l, i, e), e);
	return true;
}

static bool levels_end(struct levels *l, struct unixfs_node *out, struct err *e)
{
	size_t top = FILE_LEVELS - 1;

	/* Without a byte the file is one empty leaf. */
	while (top > 0 && l->at[top].n == 0)
		top--;
	if (l->at[top].n == 0)
		TRY(levels_add(l, bytes_of("", 0), e), e);
	for (size_t i = 0;; i++) {
		if (i >= top && l->at[i].n == 1)
			break;
		if (l->at[i].n)
			TRY(levels_close(l, i, e), e);
		top = MAX2(top, l->at[i + 1].n ? i + 1 : 0);
	}
	*out = l->at[top].v[0];
	return true;
}

bool unixfs_add_file(
        const struct block_sink *sink, struct bytes data, struct unixfs_node *out, struct err *e)
{
	OWN(levels_free) struct levels *l = NULL;

	TRY(levels_new(sink, &l, e), e);
	for (size_t at = 0; at < data.n; at += CHUNK_BYTES)
		TRY(levels_add(l, bytes_of(data.p + at, MIN2((size_t)CHUNK_BYTES, data.n - at)), e),
		        e);
	TRY(levels_end(l, out, e), e);
	return true;
}

/* Reads until the chunk is full or the file ends. */
static bool read_chunk(int fd, uint8_t *p, size_t *n, struct err *e)
{
	*n = 0;
	while (*n < CHUNK_BYTES) {
		ssize_t got = read(fd, p + *n, CHUNK_BYTES - *n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return FAIL_SYS(e, IO, errno, "a file cannot be read");
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return true;
}

bool unixfs_add_fd(
        const struct block_sink *sink, int fd, uint64_t max, struct unixfs_node *out, struct err *e)
{
	OWN(levels_free) struct levels *l = NULL;
	OWN(buf_done) struct buf chunk;
	uint64_t total = 0;
	uint8_t *p;
	size_t n;

	buf_init(&chunk, CHUNK_BYTES);
	p = buf_room(&chunk, CHUNK_BYTES);
	if (!p)
		return FAIL(e, MEMORY, "no memory for a chunk");
	TRY(levels_new(sink, &l, e), e);
	do {
		TRY(read_chunk(fd, p, &n, e), e);
		if (n > max - total)
			return FAIL(e, TOO_LARGE, "the file has more than %llu bytes",
			        (unsigned long long)max);
		total += n;
		if (n)
			TRY(levels_add(l, bytes_of(p, n), e), e);
	} while (n == CHUNK_BYTES);
	TRY(levels_end(l, out, e), e);
	return true;
}

/* ---- directories ------------------------------------------------------------------------------------ */

bool unixfs_name_ok(struct str name)
{
	return name.n > 0 && name.n <= PATH_TEXT_MAX && !memchr(name.p, '/', name.n) &&
	       !memchr(name.p, '\0', name.n) && !str_is(name, ".") && !str_is(name, "..") &&
	       str_is_utf8(name);
}

static int by_name(const void *a, const void *b)
{
	const struct unixfs_entry *x = a, *y = b;

	return str_cmp(x->name, y->name);
}

/* Names are checked and sorted. Kubo turns a directory into a sharded one when names and content ids
 * together reach SHARD_BYTES; the plain form then has another content id than Kubo's. */
static bool check_entries(const struct unixfs_entry *v, size_t n, struct err *e)
{
	size_t shown = 0;

	for (size_t i = 0; i < n; i++) {
		shown += v[i].name.n + CID_BINARY_LEN;
		if (i && str_cmp(v[i - 1].name, v[i].name) == 0)
			return FAIL(e, CONFLICT, "\"%.*s\" is there twice in one directory",
			        STR_ARG(v[i].name));
	}
	if (shown >= SHARD_BYTES)
		return FAIL(e, TOO_LARGE,
		        "a directory with %zu entries: names and content ids take %zu bytes, less than %u "
		        "are possible",
		        n, shown, SHARD_BYTES);
	return true;
}

static bool put_dir(const struct block_sink *sink, const struct unixfs_entry *v, size_t n,
        struct unixfs_node *out, struct err *e)
{
	struct unixfs_node node = {.tree_bytes = 0};
	OWN(buf_done) struct buf block, fs;

	buf_init(&block, BLOCK_MAX);
	buf_init(&fs, 16);
	for (size_t i = 0; i < n; i++) {
		put_link(&block, &v[i].node.cid, v[i].name, v[i].node.tree_bytes);
		if (__builtin_add_overflow(node.tree_bytes, v[i].node.tree_bytes, &node.tree_bytes))
			return FAIL(e, TOO_LARGE, "a tree of more bytes than 64 bits can count");
	}
	pb_put_varint(&fs, FS_TYPE, FS_DIRECTORY);
	pb_put_bytes(&block, NODE_DATA, buf_bytes(&fs));
	TRY(put_node(sink, &block, &node, e), e);
	*out = node;
	return true;
}

bool unixfs_add_dir(const struct block_sink *sink, const struct unixfs_entry *entries, size_t n,
        struct unixfs_node *out, struct err *e)
{
	OWN(buf_done) struct buf sorted;

	buf_init(&sorted, n * sizeof *entries);
	if (n > TREE_ENTRIES_MAX)
		return FAIL(e, TOO_LARGE, "a directory with %zu entries: at most %u are possible",
		        n, TREE_ENTRIES_MAX);
	for (size_t i = 0; i < n; i++) {
		if (!unixfs_name_ok(entries[i].name))
			return FAIL(e, ENCODING,
			        "\"%.*s\" is no name of a file: 1 to %u bytes of UTF-8 without '/' and NUL, "
			        "not \".\" or \"..\"",
			        (int)MIN2(entries[i].name.n, (size_t)80), entries[i].name.p,
			        PATH_TEXT_MAX);
		assert(entries[i].node.cid.codec != CID_NONE);
	}
	buf_put(&sorted, entries, n * sizeof *entries);
	if (!buf_ok(&sorted))
		return FAIL(e, MEMORY, "no memory for a directory with %zu entries", n);
	if (n)
		qsort(sorted.p, n, sizeof *entries, by_name);
	TRY(check_entries((const struct unixfs_entry *)sorted.p, n, e), e);
	TRY(put_dir(sink, (const struct unixfs_entry *)sorted.p, n, out, e), e);
	return true;
}

/* ---- whole trees ------------------------------------------------------------------------------------ */

/* '/' sorts before every other byte, so that what is under "a" follows "a" at once. */
static int by_path(const void *a, const void *b)
{
	const struct unixfs_path *x = *(const struct unixfs_path *const *)a;
	const struct unixfs_path *y = *(const struct unixfs_path *const *)b;
	size_t n = MIN2(x->path.n, y->path.n), i = 0;

	while (i < n && x->path.p[i] == y->path.p[i])
		i++;
	if (i == n)
		return (x->path.n > y->path.n) - (x->path.n < y->path.n);
	if (x->path.p[i] == '/' || y->path.p[i] == '/')
		return x->path.p[i] == '/' ? -1 : 1;
	return (uint8_t)x->path.p[i] < (uint8_t)y->path.p[i] ? -1 : 1;
}

/* A run of sorted paths that are equal in their first `at` bytes: what one directory holds. */
struct span_of {
	const struct unixfs_path *const *v;
	size_t n;
	size_t at;
	unsigned depth;
};

static struct str component(const struct unixfs_path *p, size_t at)
{
	struct str rest;

	return str_cut((struct str){p->path.p + at, p->path.n - at}, '/', &rest);
}

static bool add_span(
        const struct block_sink *sink, struct span_of s, struct unixfs_node *out, struct err *e);

/* The paths that share their next component: one file, or a directory with what is in it. */
static bool add_child(
        const struct block_sink *sink, struct span_of s, struct unixfs_entry *out, struct err *e)
{
	struct str name = component(s.v[0], s.at);
	const struct unixfs_path *first = s.v[0];
	bool ends = first->path.n == s.at + name.n;

	*out = (struct unixfs_entry){.name = name, .dir = !ends || first->dir};
	if (ends && s.n > 1 && (!first->dir || s.v[1]->path.n == first->path.n))
		return FAIL(e, CONFLICT, "\"%.*s\" is there twice", STR_ARG(first->path));
	if (!out->dir) {
		TRY(unixfs_add_file(sink, first->data, &out->node, e), e);
		return true;
	}
	if (ends) {
		s.v++;
		s.n--;
	}
	s.at += name.n + 1;
	s.depth++;
	TRY(add_span(sink, s, &out->node, e), e);
	return true;
}

static bool add_span(
        const struct block_sink *sink, struct span_of s, struct unixfs_node *out, struct err *e)
{
	OWN(buf_done) struct buf entries;

	buf_init(&entries, s.n * sizeof(struct unixfs_entry));
	if (s.depth > TREE_DEPTH_MAX)
		return FAIL(e, TOO_LARGE, "a tree of more than %u levels", TREE_DEPTH_MAX);
	for (size_t i = 0, j; i < s.n; i = j) {
		struct str name = component(s.v[i], s.at);
		struct unixfs_entry entry;

		for (j = i + 1; j < s.n && str_eq(component(s.v[j], s.at), name);)
			j++;
		TRY(add_child(sink, (struct span_of){s.v + i, j - i, s.at, s.depth}, &entry, e), e);
		buf_put(&entries, &entry, sizeof entry);
	}
	if (!buf_ok(&entries))
		return FAIL(e, MEMORY, "no memory for a directory");
	TRY(unixfs_add_dir(sink, (const struct unixfs_entry *)entries.p,
	            entries.n / sizeof(struct unixfs_entry), out, e),
	        e);
	return true;
}

bool unixfs_add_tree(const struct block_sink *sink, const struct unixfs_path *paths, size_t n,
        struct unixfs_node *out, struct err *e)
{
	OWN(buf_done) struct buf sorted;

	buf_init(&sorted, n * sizeof(const struct unixfs_path *));
	if (n > TREE_ENTRIES_MAX)
		return FAIL(e, TOO_LARGE, "a tree with %zu entries: at most %u are possible", n,
		        TREE_ENTRIES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct unixfs_path *p = &paths[i];

		buf_put(&sorted, &p, sizeof p);
	}
	if (!buf_ok(&sorted))
		return FAIL(e, MEMORY, "no memory for a tree with %zu entries", n);
	if (n)
		qsort(sorted.p, n, sizeof(const struct unixfs_path *), by_path);
	TRY(add_span(sink, (struct span_of){(const struct unixfs_path *const *)sorted.p, n, 0, 0},
	            out, e),
	        e);
	return true;
}
