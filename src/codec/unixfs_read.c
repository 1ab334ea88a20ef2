/* unixfs_read.c - decoding blocks and walking trees: every byte may come from a stranger. */
#include "base/bounds.h"
#include "codec/pb.h"
#include "codec/unixfs.h"
#include "codec/unixfs_own.h"

/* ---- one block -------------------------------------------------------------------------------------- */

static bool decode_link(struct bytes in, struct unixfs_link *out, struct err *e)
{
	struct pb_field f;
	unsigned last = 0;
	size_t used;

	while (in.n) {
		if (!pb_read(&in, &f) || f.number <= last || f.number > LINK_TSIZE)
			return FAIL(e, PEER, "a dag-pb link is malformed");
		last = f.number;
		if ((f.number == LINK_TSIZE) != (f.wire == PB_VARINT))
			return FAIL(e, PEER, "a dag-pb link has a field of the wrong type");
		if (f.number == LINK_HASH && (!cid_decode(f.bytes, &out->cid, &used, e) || used != f.bytes.n))
			return FAIL(e, PEER, "a dag-pb link has no valid content id");
		if (f.number == LINK_NAME)
			out->name = bytes_str(f.bytes);
		if (f.number == LINK_TSIZE)
			out->tsize = f.value;
	}
	if (out->cid.codec == CID_NONE)
		return FAIL(e, PEER, "a dag-pb link has no content id");
	return true;
}

/* The UnixFS message inside a node: type, inline data, sizes that must add up. */
static bool decode_data(struct bytes in, struct unixfs_block *out, struct err *e)
{
	uint64_t type = UINT64_MAX, sizes = 0;
	size_t blocks = 0;
	struct pb_field f;
	bool sized = false;

	while (in.n) {
		if (!pb_read(&in, &f) || (f.number == FS_DATA) != (f.wire == PB_BYTES))
			return FAIL(e, PEER, "the UnixFS data of a block is malformed");
		switch (f.number) {
		case FS_TYPE: type = f.value; break;
		case FS_DATA: out->data = f.bytes; break;
		case FS_FILESIZE:
			out->file_bytes = f.value;
			sized = true;
			break;
		case FS_BLOCKSIZE:
			blocks++;
			if (__builtin_add_overflow(sizes, f.value, &sizes))
				return FAIL(e, PEER, "the sizes of a file overflow");
			break;
		default: return FAIL(e, PEER, "UnixFS field %u is not known here", f.number);
		}
	}
	if (type != FS_DIRECTORY && type != FS_FILE && type != FS_RAW)
		return FAIL(e, PEER, "UnixFS type %llu is not known here", (unsigned long long)type);
	out->dir = type == FS_DIRECTORY;
	if (out->dir)
		return true;
	if (blocks != out->n)
		return FAIL(e, PEER, "a file node has %zu links and %zu sizes", out->n, blocks);
	if (__builtin_add_overflow(sizes, out->data.n, &sizes) || (sized && sizes != out->file_bytes))
		return FAIL(e, PEER, "the sizes of a file do not add up");
	out->file_bytes = sizes;
	return true;
}

static bool dir_name_ok(struct str s)
{
	return s.n > 0 && s.n <= PATH_TEXT_MAX && !str_is(s, ".") && !str_is(s, "..") &&
		!memchr(s.p, '/', s.n) && !memchr(s.p, '\0', s.n);
}

static bool check_names(const struct unixfs_block *b, struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		struct str s = b->links[i].name, before = i ? b->links[i - 1].name : STR("");
		int c = memcmp(before.p, s.p, MIN2(before.n, s.n));

		if (!dir_name_ok(s))
			return FAIL(e, PEER, "a directory has an entry with an impossible name");
		if (i > 0 && (c > 0 || (c == 0 && before.n >= s.n)))
			return FAIL(e, PEER, "a directory is not sorted, or has a name twice");
	}
	return true;
}

static size_t count_links(struct bytes in)
{
	struct pb_field f;
	size_t n = 0;

	while (in.n && pb_read(&in, &f))
		n += f.number == NODE_LINK;
	return n;
}

bool unixfs_decode(const struct cid *cid, struct bytes block, struct arena *a, struct unixfs_block *out,
	struct err *e)
{
	struct unixfs_block b = {0};
	struct bytes in = block;
	struct pb_field f;
	bool data = false;
	size_t links;

	if (cid->codec == CID_RAW) {
		*out = (struct unixfs_block){.file_bytes = block.n, .data = block};
		return true;
	}
	links = count_links(block);
	b.links = arena_alloc(a, (links + 1) * sizeof *b.links);
	if (!b.links)
		return FAIL(e, TOO_LARGE, "a block has %zu links", links);
	while (in.n) {
		if (!pb_read(&in, &f) || f.wire != PB_BYTES || (f.number != NODE_DATA && f.number != NODE_LINK))
			return FAIL(e, PEER, "a dag-pb block is malformed");
		/* Kubo writes the links first, although their number is the higher one. */
		if (data)
			return FAIL(e, PEER, "a dag-pb block goes on after its data");
		if (f.number == NODE_LINK)
			TRY(decode_link(f.bytes, &b.links[b.n++], e), e);
		else
			data = true;
		if (f.number == NODE_DATA)
			TRY(decode_data(f.bytes, &b, e), e);
	}
	if (!data)
		return FAIL(e, PEER, "a dag-pb block has no UnixFS data");
	if (b.dir)
		TRY(check_names(&b, e), e);
	*out = b;
	return true;
}

/* ---- walking ---------------------------------------------------------------------------------------- */

struct walk {
	const struct block_source    *src;
	const struct unixfs_visitor  *v;
	bool (*each)(void *self, const struct cid *cid, struct bytes block, struct err *e);
	void                         *each_self;
	uint64_t                      max, bytes, entries;
	struct buf                    path;
};

static void walk_done(struct walk *w)
{
	buf_done(&w->path);
}

static bool visit(struct walk *w, const struct cid *cid, unsigned depth, bool inside, struct err *e);

static bool visit_dir(struct walk *w, const struct unixfs_block *b, unsigned depth, struct err *e)
{
	size_t keep = w->path.n;

	if (w->v && w->v->dir)
		TRY(w->v->dir(w->v->self, buf_view(&w->path), e), e);
	for (size_t i = 0; i < b->n; i++) {
		if (++w->entries > TREE_ENTRIES_MAX)
			return FAIL(e, TOO_LARGE, "the tree has more than %d entries", TREE_ENTRIES_MAX);
		if (keep)
			buf_byte(&w->path, '/');
		buf_str(&w->path, b->links[i].name);
		if (!buf_ok(&w->path))
			return FAIL(e, TOO_LARGE, "a path in the tree is too long");
		TRY(visit(w, &b->links[i].cid, depth + 1, false, e), e);
		w->path.n = keep;
	}
	return true;
}

static bool visit_file(struct walk *w, const struct unixfs_block *b, unsigned depth, bool inside,
	struct err *e)
{
	if (!inside && w->v && w->v->file)
		TRY(w->v->file(w->v->self, buf_view(&w->path), b->file_bytes, e), e);
	if (b->data.n && w->v && w->v->data)
		TRY(w->v->data(w->v->self, b->data, e), e);
	for (size_t i = 0; i < b->n; i++)
		TRY(visit(w, &b->links[i].cid, depth + 1, true, e), e);
	return true;
}

/* inside: a part of a file, not an entry of a directory. */
static bool visit(struct walk *w, const struct cid *cid, unsigned depth, bool inside, struct err *e)
{
	struct buf block OWN(buf_done);
	struct arena a OWN(arena_done);
	struct unixfs_block b;

	buf_init(&block, BLOCK_MAX);
	arena_init(&a, 8u << 20);
	if (depth > TREE_DEPTH_MAX)
		return FAIL(e, TOO_LARGE, "the tree is deeper than %d", TREE_DEPTH_MAX);
	TRY(w->src->get(w->src->self, cid, &block, e), e);
	w->bytes += block.n;
	if (w->bytes > w->max)
		return FAIL(e, TOO_LARGE, "the tree has more than %llu bytes", (unsigned long long)w->max);
	if (w->each)
		TRY(w->each(w->each_self, cid, buf_bytes(&block), e), e);
	TRY(unixfs_decode(cid, buf_bytes(&block), &a, &b, e), e);
	if (b.dir && inside)
		return FAIL(e, PEER, "a directory stands where a part of a file must be");
	if (b.dir)
		return visit_dir(w, &b, depth, e);
	return visit_file(w, &b, depth, inside, e);
}

bool unixfs_walk(const struct block_source *src, const struct cid *root, uint64_t max,
	const struct unixfs_visitor *v, struct err *e)
{
	struct walk w OWN(walk_done) = {.src = src, .v = v, .max = max};

	buf_init(&w.path, 16384);
	return visit(&w, root, 0, false, e);
}

bool unixfs_blocks(const struct block_source *src, const struct cid *root, uint64_t max,
	bool (*each)(void *self, const struct cid *cid, struct bytes block, struct err *e), void *self,
	uint64_t *bytes, struct err *e)
{
	struct walk w OWN(walk_done) = {.src = src, .each = each, .each_self = self, .max = max};

	buf_init(&w.path, 16384);
	TRY(visit(&w, root, 0, false, e), e);
	*bytes = w.bytes;
	return true;
}

/* ---- one file --------------------------------------------------------------------------------------- */

static bool append(void *self, struct bytes piece, struct err *e)
{
	struct buf *out = self;

	buf_put(out, piece.p, piece.n);
	if (!buf_ok(out))
		return FAIL(e, TOO_LARGE, "the file has more than %zu bytes", out->max);
	return true;
}

static bool not_a_file(void *self, struct str path, struct err *e)
{
	(void)self;
	(void)path;
	return FAIL(e, NOT_FOUND, "it is a directory, not a file");
}

/* Down one name at a time, decoding only the directories on the way. */
static bool descend(const struct block_source *src, struct cid *at, struct str path, struct err *e)
{
	while (path.n) {
		struct buf block OWN(buf_done);
		struct arena a OWN(arena_done);
		struct str part = str_cut(path, '/', &path);
		struct unixfs_block b;
		bool found = false;

		buf_init(&block, BLOCK_MAX);
		arena_init(&a, 8u << 20);
		TRY(src->get(src->self, at, &block, e), e);
		TRY(unixfs_decode(at, buf_bytes(&block), &a, &b, e), e);
		for (size_t i = 0; b.dir && !found && i < b.n; i++) {
			if (str_eq(b.links[i].name, part)) {
				*at = b.links[i].cid;
				found = true;
			}
		}
		if (!found)
			return FAIL(e, NOT_FOUND, "the tree has no \"%.*s\"", STR_ARG(part));
	}
	return true;
}

bool unixfs_read(const struct block_source *src, const struct cid *root, struct str path,
	struct buf *out, struct err *e)
{
	struct unixfs_visitor v = {.self = out, .dir = not_a_file, .data = append};
	struct cid at = *root;

	TRY(descend(src, &at, path, e), e);
	return unixfs_walk(src, &at, UINT64_MAX, &v, e);
}
