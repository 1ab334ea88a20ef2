/* unixfs_read.c - decodes UnixFS blocks and walks trees. Blocks are foreign bytes: every rule of the
 * form is checked, and every walk is bounded in blocks, entries, depth, bytes and memory. */
#include "codec/unixfs.h"

#include <stdlib.h>

#include "base/bounds.h"
#include "codec/unixfs_own.h"

enum {
	FILE_DEPTH_MAX = 16, /* nodes from a file's root to a leaf */
	WALK_HELD_MAX =
	        64 << 20,    /* bytes of blocks and their links, over all levels that are open */
	WALK_PATH_MAX = 4095 /* bytes of a path: what Linux opens */
};

/* ---- one block -------------------------------------------------------------------------------------- */

static bool decode_link(struct bytes in, struct unixfs_link *out, struct err *e)
{
	struct pb_member hash, name = {0}, tsize;
	size_t used;

	if (!pb_next(&in, &hash) || hash.member != LINK_HASH || !hash.is_bytes)
		return FAIL(e, PEER, "dag-pb: a link does not begin with a content id");
	if (!pb_next(&in, &tsize))
		return FAIL(e, PEER, "dag-pb: a link has no size");
	if (tsize.member == LINK_NAME && tsize.is_bytes) {
		name = tsize;
		if (!pb_next(&in, &tsize))
			return FAIL(e, PEER, "dag-pb: a link has no size");
	}
	if (tsize.member != LINK_TSIZE || tsize.is_bytes || in.n)
		return FAIL(e, PEER,
		        "dag-pb: a link must have a content id, a name and a size, in this order");
	if (!cid_decode(hash.b, &out->cid, &used, e)) {
		e->code = E_PEER;
		err_prefix(e, "dag-pb: ");
		return false;
	}
	if (used != hash.b.n)
		return FAIL(e, PEER, "dag-pb: bytes follow the content id of a link");
	out->name = name.b.n ? bytes_str(name.b) : STR("");
	return true;
}

/* Links first, then the data, and nothing else; *fs is the UnixFS message. */
static bool decode_node(struct bytes block, struct arena *a, struct unixfs_block *out,
        struct bytes *fs, struct err *e)
{
	struct bytes rest = block;
	struct pb_member m = {0};
	size_t n = 0;

	while (rest.n) {
		if (m.member == NODE_DATA)
			return FAIL(e, PEER, "dag-pb: bytes follow the data");
		if (!pb_next(&rest, &m) || !m.is_bytes ||
		        (m.member != NODE_LINKS && m.member != NODE_DATA))
			return FAIL(e, PEER, "dag-pb: malformed at byte %zu of %zu",
			        block.n - rest.n, block.n);
		n += m.member == NODE_LINKS;
	}
	if (m.member != NODE_DATA)
		return FAIL(e, PEER, "dag-pb: a node without UnixFS data");
	*fs = m.b;
	out->links = n ? arena_alloc(a, n * sizeof *out->links) : NULL;
	if (n && !out->links)
		return FAIL(e, MEMORY, "no memory for %zu links", n);
	rest = block;
	for (out->n = 0; out->n < n; out->n++) {
		bool ok = pb_next(&rest, &m);

		assert(ok);
		TRY(decode_link(m.b, &out->links[out->n], e), e);
	}
	return true;
}

struct fs {
	uint64_t type;
	struct bytes data;
	bool has_size;
	uint64_t size;
	uint64_t sum; /* of the block sizes */
	size_t blocks;
};

static bool fs_member(struct fs *f, const struct pb_member *m, struct err *e)
{
	switch (m->member) {
	case FS_DATA:
		if (!m->is_bytes)
			break;
		f->data = m->b;
		return true;
	case FS_FILESIZE:
		if (m->is_bytes)
			break;
		f->size = m->v;
		f->has_size = true;
		return true;
	case FS_BLOCKSIZES:
		if (m->is_bytes)
			break;
		f->blocks++;
		if (!__builtin_add_overflow(f->sum, m->v, &f->sum))
			return true;
		return FAIL(e, PEER, "UnixFS: the block sizes add up to more than 64 bits");
	default: break;
	}
	return FAIL(e, PEER, "UnixFS: unknown member %u", m->member);
}

/* Members in ascending order; all but the block sizes at most once. */
static bool decode_fs(struct bytes in, struct fs *f, struct err *e)
{
	unsigned last = FS_TYPE;
	struct pb_member m;

	if (!pb_next(&in, &m) || m.member != FS_TYPE || m.is_bytes)
		return FAIL(e, PEER, "UnixFS: the message does not begin with a type");
	f->type = m.v;
	while (in.n) {
		if (!pb_next(&in, &m))
			return FAIL(e, PEER, "UnixFS: the message is cut off");
		if (m.member < last || (m.member == last && last != FS_BLOCKSIZES))
			return FAIL(e, PEER, "UnixFS: member %u is out of order", m.member);
		last = m.member;
		TRY(fs_member(f, &m, e), e);
	}
	return true;
}

static bool check_file(const struct fs *f, struct unixfs_block *b, struct err *e)
{
	uint64_t size;

	if (f->type == FS_RAW && b->n)
		return FAIL(e, PEER, "UnixFS: a raw leaf has %zu links", b->n);
	if (f->blocks != b->n)
		return FAIL(e, PEER, "UnixFS: %zu block sizes for %zu links", f->blocks, b->n);
	if (__builtin_add_overflow(f->sum, f->data.n, &size) || !f->has_size || size != f->size)
		return FAIL(e, PEER, "UnixFS: the size of a file is not that of its parts");
	for (size_t i = 0; i < b->n; i++) {
		if (b->links[i].name.n)
			return FAIL(e, PEER, "UnixFS: a part of a file has a name");
	}
	b->file_bytes = size;
	b->data = f->data;
	return true;
}

static bool check_dir(const struct fs *f, struct unixfs_block *b, struct err *e)
{
	if (f->data.n || f->has_size || f->blocks)
		return FAIL(e, PEER, "UnixFS: a directory with content");
	for (size_t i = 0; i < b->n; i++) {
		if (!unixfs_name_ok(b->links[i].name))
			return FAIL(e, PEER,
			        "UnixFS: entry %zu of a directory has a name that is not allowed",
			        i);
		if (i && str_cmp(b->links[i - 1].name, b->links[i].name) >= 0)
			return FAIL(
			        e, PEER, "UnixFS: a directory is not sorted, or has a name twice");
	}
	b->dir = true;
	return true;
}

bool unixfs_decode(const struct cid *cid, struct bytes block, struct arena *a,
        struct unixfs_block *out, struct err *e)
{
	struct unixfs_block b = {.dir = false};
	struct fs f = {.type = FS_FILE};
	struct bytes fs;

	if (block.n > BLOCK_MAX)
		return FAIL(
		        e, PEER, "a block of %zu bytes: at most %u are read", block.n, BLOCK_MAX);
	if (cid->codec == CID_RAW) {
		*out = (struct unixfs_block){.file_bytes = block.n, .data = block};
		return true;
	}
	if (cid->codec != CID_DAG_PB)
		return FAIL(e, PEER, "a block with codec 0x%x is no part of a tree", cid->codec);
	TRY(decode_node(block, a, &b, &fs, e), e);
	TRY(decode_fs(fs, &f, e), e);
	switch (f.type) {
	case FS_RAW:
	case FS_FILE: TRY(check_file(&f, &b, e), e); break;
	case FS_DIRECTORY: TRY(check_dir(&f, &b, e), e); break;
	case FS_SYMLINK: return FAIL(e, PEER, "UnixFS: symbolic links are not read");
	case FS_SHARD: return FAIL(e, PEER, "UnixFS: sharded directories are not read");
	default: return FAIL(e, PEER, "UnixFS: unknown type %llu", (unsigned long long)f.type);
	}
	*out = b;
	return true;
}

/* ---- walking ---------------------------------------------------------------------------------------- */

struct walk {
	const struct block_source *src;
	uint64_t max;
	uint64_t bytes; /* of blocks so far */
	uint64_t blocks;
	uint64_t entries;
	size_t held;
	struct buf path;
	const struct unixfs_visitor *v;
	/* Of unixfs_blocks(). */
	bool (*each)(void *self, const struct cid *cid, struct bytes block, struct err *e);
	void *each_self;
};

static void walk_done(struct walk *w)
{
	buf_done(&w->path);
}

/* A block that is open: its bytes, and what they decode to, which points into them. */
struct open {
	struct walk *w;
	struct buf bytes;
	struct arena links;
	size_t held;
	struct unixfs_block b;
};

static void open_done(struct open *o)
{
	o->w->held -= o->held;
	buf_done(&o->bytes);
	arena_done(&o->links);
}

static void show_path(struct walk *w, struct err *e)
{
	if (w->path.n)
		err_prefix(e, "%.*s: ", (int)MIN2(w->path.n, (size_t)120), (const char *)w->path.p);
}

static bool count_block(struct walk *w, size_t n, struct err *e)
{
	if (n > w->max - w->bytes)
		return FAIL(e, TOO_LARGE, "the tree has more than %llu bytes",
		        (unsigned long long)w->max);
	w->bytes += n;
	if (++w->blocks > HTTP_TREE_BLOCKS)
		return FAIL(e, TOO_LARGE, "the tree has more than %u blocks", HTTP_TREE_BLOCKS);
	return true;
}

static bool open_block(struct walk *w, const struct cid *cid, struct open *o, struct err *e)
{
	*o = (struct open){.w = w};
	buf_init(&o->bytes, BLOCK_MAX);
	arena_init(&o->links, WALK_HELD_MAX);
	if (!w->src->get(w->src->self, cid, &o->bytes, e) || !count_block(w, o->bytes.n, e) ||
	        !unixfs_decode(cid, buf_bytes(&o->bytes), &o->links, &o->b, e)) {
		show_path(w, e);
		return false;
	}
	o->held = o->bytes.cap + o->links.used;
	w->held += o->held;
	if (w->held > WALK_HELD_MAX)
		return FAIL(e, TOO_LARGE,
		        "the tree is wide and deep at once: its open levels take more "
		        "than %d bytes",
		        WALK_HELD_MAX);
	return true;
}

/* The content of a file in order; *left is what its root promised and did not give yet. */
static bool walk_content(
        struct walk *w, const struct unixfs_block *b, uint64_t *left, unsigned depth, struct err *e)
{
	if (depth > FILE_DEPTH_MAX)
		return FAIL(e, TOO_LARGE, "a file of more than %d levels", FILE_DEPTH_MAX);
	if (b->data.n > *left)
		return FAIL(e, PEER, "a file is longer than it says");
	*left -= b->data.n;
	if (b->data.n && w->v->data)
		TRY(w->v->data(w->v->self, b->data, e), e);
	for (size_t i = 0; i < b->n; i++) {
		OWN(open_done) struct open part = {.w = w};

		TRY(open_block(w, &b->links[i].cid, &part, e), e);
		if (part.b.dir)
			return FAIL(e, PEER, "a part of a file is a directory");
		TRY(walk_content(w, &part.b, left, depth + 1, e), e);
	}
	return true;
}

static bool walk_file(struct walk *w, const struct unixfs_block *b, struct err *e)
{
	uint64_t left = b->file_bytes;

	if (w->v->file)
		TRY(w->v->file(w->v->self, buf_view(&w->path), b->file_bytes, e), e);
	TRY(walk_content(w, b, &left, 0, e), e);
	if (left) {
		FAIL(e, PEER, "a file is shorter than it says");
		show_path(w, e);
		return false;
	}
	return true;
}

static bool walk_any(struct walk *w, const struct cid *cid, unsigned depth, struct err *e);

static bool walk_dir(struct walk *w, const struct unixfs_block *b, unsigned depth, struct err *e)
{
	size_t at = w->path.n;

	if (w->v->dir)
		TRY(w->v->dir(w->v->self, buf_view(&w->path), e), e);
	for (size_t i = 0; i < b->n; i++) {
		w->path.n = at;
		if (at)
			buf_byte(&w->path, '/');
		buf_str(&w->path, b->links[i].name);
		if (!buf_ok(&w->path))
			return FAIL(e, TOO_LARGE, "a path of more than %d bytes", WALK_PATH_MAX);
		TRY(walk_any(w, &b->links[i].cid, depth + 1, e), e);
	}
	w->path.n = at;
	return true;
}

static bool walk_any(struct walk *w, const struct cid *cid, unsigned depth, struct err *e)
{
	OWN(open_done) struct open o = {.w = w};

	if (depth > TREE_DEPTH_MAX)
		return FAIL(e, TOO_LARGE, "a tree of more than %u levels", TREE_DEPTH_MAX);
	if (++w->entries > TREE_ENTRIES_MAX)
		return FAIL(e, TOO_LARGE, "a tree of more than %u files and directories",
		        TREE_ENTRIES_MAX);
	TRY(open_block(w, cid, &o, e), e);
	if (o.b.dir)
		TRY(walk_dir(w, &o.b, depth, e), e);
	else
		TRY(walk_file(w, &o.b, e), e);
	return true;
}

bool unixfs_walk(const struct block_source *src, const struct cid *root, uint64_t max,
        const struct unixfs_visitor *v, struct err *e)
{
	OWN(walk_done) struct walk w = {.src = src, .max = max, .v = v};

	buf_init(&w.path, WALK_PATH_MAX);
	TRY(walk_any(&w, root, 0, e), e);
	return true;
}

/* ---- one file --------------------------------------------------------------------------------------- */

static const struct unixfs_link *entry_of(const struct unixfs_block *b, struct str name)
{
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(b->links[mid].name, name);

		if (c == 0)
			return &b->links[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool find(struct walk *w, struct cid *at, struct str path, struct err *e)
{
	struct str rest = path;

	for (unsigned depth = 0; rest.n; depth++) {
		OWN(open_done) struct open o = {.w = w};
		struct str name = str_cut(rest, '/', &rest);
		const struct unixfs_link *link;

		if (depth > TREE_DEPTH_MAX)
			return FAIL(e, TOO_LARGE, "a path of more than %u levels", TREE_DEPTH_MAX);
		TRY(open_block(w, at, &o, e), e);
		link = o.b.dir ? entry_of(&o.b, name) : NULL;
		if (!link)
			return FAIL(e, NOT_FOUND, "there is no \"%.*s\" in the tree",
			        (int)MIN2(path.n, (size_t)200), path.p);
		*at = link->cid;
	}
	return true;
}

static bool append(void *self, struct bytes piece, struct err *e)
{
	struct buf *out = self;

	buf_put(out, piece.p, piece.n);
	if (!buf_ok(out))
		return FAIL(e, MEMORY, "no memory for the content of a file");
	return true;
}

bool unixfs_read(const struct block_source *src, const struct cid *root, struct str path,
        struct buf *out, struct err *e)
{
	const struct unixfs_visitor v = {.self = out, .data = append};
	OWN(walk_done) struct walk w = {.src = src, .max = UINT64_MAX, .v = &v};
	OWN(open_done) struct open o = {.w = &w};
	struct cid at = *root;
	size_t before = out->n;

	TRY(find(&w, &at, path, e), e);
	TRY(open_block(&w, &at, &o, e), e);
	if (o.b.dir)
		return FAIL(e, NOT_FOUND, "\"%.*s\" is a directory", (int)MIN2(path.n, (size_t)200),
		        path.p);
	if (o.b.file_bytes > out->max - out->n)
		return FAIL(e, TOO_LARGE, "\"%.*s\" has %llu bytes: at most %zu are read",
		        (int)MIN2(path.n, (size_t)200), path.p, (unsigned long long)o.b.file_bytes,
		        out->max - out->n);
	if (!walk_file(&w, &o.b, e)) {
		out->n = before;
		return false;
	}
	return true;
}

/* ---- all blocks ------------------------------------------------------------------------------------- */

static bool visit(struct walk *w, const struct cid *cid, unsigned depth, struct err *e)
{
	OWN(open_done) struct open o = {.w = w};

	if (depth > TREE_DEPTH_MAX + FILE_DEPTH_MAX)
		return FAIL(e, TOO_LARGE, "a tree of more than %d levels",
		        TREE_DEPTH_MAX + FILE_DEPTH_MAX);
	TRY(open_block(w, cid, &o, e), e);
	if (w->each)
		TRY(w->each(w->each_self, cid, buf_bytes(&o.bytes), e), e);
	for (size_t i = 0; i < o.b.n; i++)
		TRY(visit(w, &o.b.links[i].cid, depth + 1, e), e);
	return true;
}

bool unixfs_blocks(const struct block_source *src, const struct cid *root, uint64_t max,
        bool (*each)(void *self, const struct cid *cid, struct bytes block, struct err *e),
        void *self, uint64_t *bytes, struct err *e)
{
	OWN(walk_done) struct walk w = {.src = src, .max = max, .each = each, .each_self = self};

	TRY(visit(&w, root, 0, e), e);
	*bytes = w.bytes;
	return true;
}
