/* difference.c - two trees side by side. Directories are merged by name; two files are two stacks of nodes
 * that are not read yet, taken apart only where their content ids differ. */
#include "verify/difference.h"

#include <stdio.h>

#include "base/bounds.h"

enum {
	LINKS_ARENA_MAX = 8 << 20, /* of one block: nothing but the shortest links takes less */
	TODO_MAX = 1 << 20         /* nodes of one file that wait to be read */
};

static const char *const names[] = {[DIFFERENCE_NONE] = "none",
        [DIFFERENCE_MISSING] = "missing",
        [DIFFERENCE_EXTRA] = "extra",
        [DIFFERENCE_KIND] = "kind",
        [DIFFERENCE_BYTES] = "bytes",
        [DIFFERENCE_LENGTH] = "length",
        [DIFFERENCE_MALFORMED] = "malformed"};

const char *difference_name(enum difference_kind k)
{
	return names[k];
}

struct finding {
	const struct block_source *src;
	struct buf path;
	size_t blocks; /* read of the other tree */
	size_t held;   /* bytes of it */
	struct difference d;
};

/* A block and what it says. */
struct node {
	struct buf block;
	struct arena links;
	struct unixfs_block b;
	struct finding *foreign; /* NULL: of the own tree */
};

static void node_init(struct node *n, struct finding *foreign)
{
	*n = (struct node){.foreign = foreign};
	buf_init(&n->block, BLOCK_MAX);
	arena_init(&n->links, LINKS_ARENA_MAX);
}

static size_t held_by(const struct node *n)
{
	return n->block.n + n->links.used;
}

static void node_done(struct node *n)
{
	if (n->foreign)
		n->foreign->held -= held_by(n);
	arena_done(&n->links);
	buf_done(&n->block);
}

/* What is found here decides. */
static void found(struct finding *f, enum difference_kind kind)
{
	struct str at = buf_view(&f->path);
	size_t over = at.n > DIFFERENCE_PATH_MAX ? at.n - DIFFERENCE_PATH_MAX : 0;

	f->d.kind = kind;
	/* The end of a path says more than its beginning. */
	while (over < at.n && over > 0 && ((uint8_t)at.p[over] & 0xC0) == 0x80)
		over++;
	str_keep(f->d.path, sizeof f->d.path, (struct str){at.p ? at.p + over : "", at.n - over});
}

static bool too_much(struct finding *f, const struct node *n)
{
	f->held += held_by(n);
	return ++f->blocks > DIFFERENCE_BLOCKS || f->held > DIFFERENCE_HELD_MAX;
}

/* Reads a block; one of the other tree that cannot be understood is what differs. */
static bool node_read(struct finding *f, const struct cid *cid, struct node *n, struct err *e)
{
	bool ok;

	TRY(f->src->get(f->src->self, cid, &n->block, e), e);
	ok = unixfs_decode(cid, buf_bytes(&n->block), &n->links, &n->b, e);
	if (n->foreign) {
		if (too_much(f, n) || (!ok && e->code == E_PEER)) {
			found(f, DIFFERENCE_MALFORMED);
			return true;
		}
		return ok;
	}
	if (!ok && e->code == E_PEER)
		e->code = E_INTERNAL;
	return ok;
}

/* ---- files -------------------------------------------------------------------------------------------- */

/* One of two files that are read in step. */
struct reader {
	struct buf todo; /* struct cid: nodes that are not read yet, the next one last */
	struct node node;
	struct bytes piece; /* of the node: not compared yet */
	uint64_t given;     /* bytes that were, and those of nodes that were skipped */
};

static void reader_init(struct reader *r, struct finding *foreign)
{
	*r = (struct reader){.given = 0};
	buf_init(&r->todo, TODO_MAX * sizeof(struct cid));
	node_init(&r->node, foreign);
}

static void reader_done(struct reader *r)
{
	node_done(&r->node);
	buf_done(&r->todo);
}

static bool is_empty(const struct reader *r)
{
	return r->todo.n == 0;
}

static struct cid top(const struct reader *r)
{
	struct cid c;

	memcpy(&c, r->todo.p + r->todo.n - sizeof c, sizeof c);
	return c;
}

/* What a node holds: its data first, then its links. */
static bool take_apart(struct finding *f, struct reader *r, struct err *e)
{
	const struct unixfs_block *b = &r->node.b;

	r->piece = b->data;
	for (size_t i = b->n; i-- > 0;)
		buf_put(&r->todo, &b->links[i].cid, sizeof b->links[i].cid);
	if (b->dir || !buf_ok(&r->todo)) {
		if (!r->node.foreign)
			return FAIL(e, INTERNAL, "a file of the own tree is no file");
		found(f, DIFFERENCE_MALFORMED);
	}
	return true;
}

static bool read_next(struct finding *f, struct reader *r, struct err *e)
{
	struct finding *foreign = r->node.foreign;
	struct cid next = top(r);

	r->todo.n -= sizeof next;
	node_done(&r->node);
	node_init(&r->node, foreign);
	TRY(node_read(f, &next, &r->node, e), e);
	if (f->d.kind == DIFFERENCE_NONE)
		TRY(take_apart(f, r, e), e);
	return true;
}

static void compare_pieces(struct finding *f, struct reader *own, struct reader *other)
{
	size_t n = MIN2(own->piece.n, other->piece.n), i = 0;

	while (i < n && own->piece.p[i] == other->piece.p[i])
		i++;
	if (i < n) {
		f->d.offset = own->given + i;
		f->d.own_byte = own->piece.p[i];
		f->d.other_byte = other->piece.p[i];
		found(f, DIFFERENCE_BYTES);
		return;
	}
	own->piece = (struct bytes){own->piece.p + n, own->piece.n - n};
	other->piece = (struct bytes){other->piece.p + n, other->piece.n - n};
	own->given += n;
	other->given += n;
}

/* Both go on with the same node: how long it is says its first block. */
static bool skip(struct finding *f, struct reader *own, struct reader *other, struct err *e)
{
	struct node n OWN(node_done);
	struct cid same = top(own);

	node_init(&n, NULL);
	own->todo.n -= sizeof same;
	other->todo.n -= sizeof same;
	TRY(node_read(f, &same, &n, e), e);
	own->given += n.b.file_bytes;
	other->given += n.b.file_bytes;
	return true;
}

/* One step; false with *done when both are at their end. */
static bool step(
        struct finding *f, struct reader *own, struct reader *other, bool *done, struct err *e)
{
	bool a = own->piece.n == 0, b = other->piece.n == 0;
	struct cid x, y;

	*done = a && b && is_empty(own) && is_empty(other);
	if (*done)
		return true;
	if (!a && !b) {
		compare_pieces(f, own, other);
		return true;
	}
	if ((!a && is_empty(other)) || (!b && is_empty(own))) {
		f->d.offset = own->given;
		found(f, DIFFERENCE_LENGTH);
		return true;
	}
	if (a && b && !is_empty(own) && !is_empty(other)) {
		x = top(own);
		y = top(other);
		if (cid_eq(&x, &y))
			return skip(f, own, other, e);
	}
	if (a && !is_empty(own))
		TRY(read_next(f, own, e), e);
	if (b && !is_empty(other) && f->d.kind == DIFFERENCE_NONE)
		TRY(read_next(f, other, e), e);
	return true;
}

static bool compare_files(struct finding *f, const struct cid *own, const struct cid *other,
        uint64_t own_bytes, uint64_t other_bytes, struct err *e)
{
	struct reader a OWN(reader_done), b OWN(reader_done);
	bool done = false;

	reader_init(&a, NULL);
	reader_init(&b, f);
	buf_put(&a.todo, own, sizeof *own);
	buf_put(&b.todo, other, sizeof *other);
	while (!done && f->d.kind == DIFFERENCE_NONE)
		TRY(step(f, &a, &b, &done, e), e);
	/* The same bytes, but not as many as it says. */
	if (done && b.given != other_bytes)
		found(f, DIFFERENCE_MALFORMED);
	f->d.own_bytes = own_bytes;
	f->d.other_bytes = other_bytes;
	return true;
}

/* ---- directories -------------------------------------------------------------------------------------- */

static bool compare(struct finding *f, const struct cid *own, const struct cid *other,
        unsigned depth, struct err *e);

static bool compare_entry(struct finding *f, const struct unixfs_link *own,
        const struct unixfs_link *other, unsigned depth, struct err *e)
{
	size_t before = f->path.n;

	if (own && other && cid_eq(&own->cid, &other->cid))
		return true;
	if (before)
		buf_byte(&f->path, '/');
	buf_str(&f->path, own ? own->name : other->name);
	if (!buf_ok(&f->path))
		return FAIL(e, MEMORY, "no memory for a path");
	if (!own || !other)
		found(f, own ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA);
	else
		TRY(compare(f, &own->cid, &other->cid, depth + 1, e), e);
	f->path.n = before;
	return true;
}

static bool compare_dirs(struct finding *f, const struct unixfs_block *own,
        const struct unixfs_block *other, unsigned depth, struct err *e)
{
	size_t i = 0, k = 0;

	while (f->d.kind == DIFFERENCE_NONE && (i < own->n || k < other->n)) {
		const struct unixfs_link *a = i < own->n ? &own->links[i] : NULL;
		const struct unixfs_link *b = k < other->n ? &other->links[k] : NULL;
		int c = !a ? 1 : !b ? -1 : str_cmp(a->name, b->name);

		TRY(compare_entry(f, c <= 0 ? a : NULL, c >= 0 ? b : NULL, depth, e), e);
		i += c <= 0;
		k += c >= 0;
	}
	return true;
}

static bool compare(struct finding *f, const struct cid *own, const struct cid *other,
        unsigned depth, struct err *e)
{
	struct node a OWN(node_done), b OWN(node_done);

	node_init(&a, NULL);
	node_init(&b, f);
	/* An own tree is not deeper, and of the other only what it has is gone into. */
	if (depth > TREE_DEPTH_MAX)
		return FAIL(e, INTERNAL, "an own tree deeper than %d levels", TREE_DEPTH_MAX);
	TRY(node_read(f, own, &a, e), e);
	TRY(node_read(f, other, &b, e), e);
	if (f->d.kind != DIFFERENCE_NONE)
		return true;
	if (a.b.dir && b.b.dir)
		return compare_dirs(f, &a.b, &b.b, depth, e);
	if (a.b.dir != b.b.dir) {
		found(f, DIFFERENCE_KIND);
		return true;
	}
	return compare_files(f, own, other, a.b.file_bytes, b.b.file_bytes, e);
}

static void finding_done(struct finding *f)
{
	buf_done(&f->path);
}

bool difference_find(const struct block_source *src, const struct cid *own, const struct cid *other,
        struct difference *out, struct err *e)
{
	struct finding f OWN(finding_done) = {.src = src};

	buf_init(&f.path, TREE_DEPTH_MAX * (PATH_TEXT_MAX + 1) + 1);
	if (!cid_eq(own, other))
		TRY(compare(&f, own, other, 0, e), e);
	*out = f.d;
	return true;
}

/* ---- words -------------------------------------------------------------------------------------------- */

void difference_text(const struct difference *d, char out[DIFFERENCE_TEXT_MAX + 1])
{
	enum { PATH_SHOWN = 140 };
	size_t n = strlen(d->path), from = n > PATH_SHOWN ? n - PATH_SHOWN : 0;
	char at[PATH_SHOWN + 8];
	unsigned long long offset = d->offset, own = d->own_bytes, other = d->other_bytes;

	while (from < n && from > 0 && ((uint8_t)d->path[from] & 0xC0) == 0x80)
		from++;
	snprintf(at, sizeof at, "%s%s", from ? "…" : "", n ? d->path + from : "the tree");
	switch (d->kind) {
	case DIFFERENCE_NONE:
		snprintf(out, DIFFERENCE_TEXT_MAX + 1, "the same names and bytes");
		break;
	case DIFFERENCE_MISSING: snprintf(out, DIFFERENCE_TEXT_MAX + 1, "%s is missing", at); break;
	case DIFFERENCE_EXTRA:
		snprintf(out, DIFFERENCE_TEXT_MAX + 1, "%s must not be there", at);
		break;
	case DIFFERENCE_KIND:
		snprintf(out, DIFFERENCE_TEXT_MAX + 1,
		        "%s is a file in one tree and a directory in the other", at);
		break;
	case DIFFERENCE_BYTES:
		snprintf(out, DIFFERENCE_TEXT_MAX + 1,
		        "%s differs from byte %llu on: 0x%02x is right, 0x%02x is there", at,
		        offset, d->own_byte, d->other_byte);
		break;
	case DIFFERENCE_LENGTH:
		snprintf(out, DIFFERENCE_TEXT_MAX + 1,
		        "%s is the same up to byte %llu: %llu bytes are right, %llu are there", at,
		        offset, own, other);
		break;
	case DIFFERENCE_MALFORMED:
		snprintf(
		        out, DIFFERENCE_TEXT_MAX + 1, "%s is no well-formed file or directory", at);
		break;
	}
}
