/* difference.c - two trees side by side. Directories are merged by name; two files are two stacks of nodes
 * that are not read yet, taken apart only where their content ids differ. */
#include "verify/difference.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bounds.h"
#include "model/model.h"
#include "verify/alike.h"

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
	size_t read;   /* of both */
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

	f->read++;
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

/* ---- trees -------------------------------------------------------------------------------------------- */

/* Two directories that are merged by name. */
struct level {
	struct node own, other;
	size_t i, k;   /* links that are done */
	size_t path_n; /* length of the path of both */
};

struct difference_search {
	struct finding f;
	struct cid own, other; /* roots */
	bool begun;
	struct level *levels[TREE_DEPTH_MAX + 1];
	unsigned depth; /* levels that are open */
	struct likeness like;
	bool in_file;
	struct cid own_file, other_file;
	struct reader a, b; /* of the file */
	uint64_t own_bytes, other_bytes;
};

static void level_free(struct level *l)
{
	node_done(&l->own);
	node_done(&l->other);
	free(l);
}

static void begin_file(struct difference_search *s, const struct cid *own, const struct cid *other,
        const struct level *l)
{
	reader_init(&s->a, NULL);
	reader_init(&s->b, &s->f);
	buf_put(&s->a.todo, own, sizeof *own);
	buf_put(&s->b.todo, other, sizeof *other);
	s->own_file = *own;
	s->other_file = *other;
	s->own_bytes = l->own.b.file_bytes;
	s->other_bytes = l->other.b.file_bytes;
	s->in_file = true;
}

static void end_file(struct difference_search *s)
{
	reader_done(&s->a);
	reader_done(&s->b);
	s->in_file = false;
}

/* What two content ids that differ stand for: a level more, or a file. */
static bool enter_pair(struct difference_search *s, const struct cid *own, const struct cid *other,
        struct level *l, bool *level, struct err *e)
{
	struct finding *f = &s->f;

	*level = false;
	TRY(node_read(f, own, &l->own, e), e);
	TRY(node_read(f, other, &l->other, e), e);
	if (f->d.kind != DIFFERENCE_NONE)
		return true;
	*level = l->own.b.dir && l->other.b.dir;
	if (l->own.b.dir != l->other.b.dir)
		found(f, DIFFERENCE_KIND);
	else if (!*level)
		begin_file(s, own, other, l);
	return true;
}

static bool enter(
        struct difference_search *s, const struct cid *own, const struct cid *other, struct err *e)
{
	struct level *l;
	bool level, ok;

	/* An own tree is not deeper, and of the other only what it has is gone into. */
	if (s->depth > TREE_DEPTH_MAX)
		return FAIL(e, INTERNAL, "an own tree deeper than %d levels", TREE_DEPTH_MAX);
	l = calloc(1, sizeof *l);
	if (!l)
		return FAIL(e, MEMORY, "no memory for a directory");
	node_init(&l->own, NULL);
	node_init(&l->other, &s->f);
	l->path_n = s->f.path.n;
	ok = enter_pair(s, own, other, l, &level, e);
	if (ok && level)
		s->levels[s->depth++] = l;
	else
		level_free(l);
	return ok;
}

/* The bytes of a file, as far as a comparator reads: one more than that and no further. */
static bool read_whole(struct finding *f, const struct cid *file, struct finding *foreign,
        struct buf *out, struct err *e)
{
	struct reader r OWN(reader_done);

	reader_init(&r, foreign);
	buf_put(&r.todo, file, sizeof *file);
	while (f->d.kind == DIFFERENCE_NONE && !is_empty(&r) && buf_ok(out)) {
		TRY(read_next(f, &r, e), e);
		buf_put(out, r.piece.p, r.piece.n);
	}
	return true;
}

/* Their bytes differ: are they the same all the same? The exit code is no number that was computed. */
static bool compare_values(struct difference_search *s, struct err *e)
{
	struct buf own OWN(buf_done) = {0}, other OWN(buf_done) = {0};
	struct difference bytes = s->f.d;

	if (s->like.comparator != COMPARATOR_JSON || str_is(buf_view(&s->f.path), "exitCode"))
		return true;
	s->f.d = (struct difference){.kind = DIFFERENCE_NONE};
	buf_init(&own, ALIKE_MAX);
	buf_init(&other, ALIKE_MAX);
	TRY(read_whole(&s->f, &s->own_file, NULL, &own, e), e);
	TRY(read_whole(&s->f, &s->other_file, &s->f, &other, e), e);
	if (s->f.d.kind != DIFFERENCE_NONE)
		return true;
	if (buf_ok(&own) && buf_ok(&other) &&
	        alike_json(buf_view(&own), buf_view(&other), s->like.tolerance))
		end_file(s);
	else
		s->f.d = bytes;
	return true;
}

static bool go_on_file(struct difference_search *s, struct err *e)
{
	bool done = false;

	TRY(step(&s->f, &s->a, &s->b, &done, e), e);
	if (s->f.d.kind == DIFFERENCE_BYTES || s->f.d.kind == DIFFERENCE_LENGTH)
		TRY(compare_values(s, e), e);
	/* The same bytes, but not as many as it says. */
	if (done && s->b.given != s->other_bytes)
		found(&s->f, DIFFERENCE_MALFORMED);
	if (s->f.d.kind != DIFFERENCE_NONE) {
		s->f.d.own_bytes = s->own_bytes;
		s->f.d.other_bytes = s->other_bytes;
	}
	if (done)
		end_file(s);
	return true;
}

static bool go_on_entry(struct difference_search *s, const struct unixfs_link *own,
        const struct unixfs_link *other, struct err *e)
{
	struct finding *f = &s->f;

	if (own && other && cid_eq(&own->cid, &other->cid))
		return true;
	if (f->path.n)
		buf_byte(&f->path, '/');
	buf_str(&f->path, own ? own->name : other->name);
	if (!buf_ok(&f->path))
		return FAIL(e, MEMORY, "no memory for a path");
	if (own && other)
		return enter(s, &own->cid, &other->cid, e);
	found(f, own ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA);
	return true;
}

/* The next name of the directory that was entered last, or back to the one above. */
static bool go_on_dir(struct difference_search *s, struct err *e)
{
	struct level *l = s->levels[s->depth - 1];
	const struct unixfs_block *own = &l->own.b, *other = &l->other.b;
	const struct unixfs_link *a = l->i < own->n ? &own->links[l->i] : NULL;
	const struct unixfs_link *b = l->k < other->n ? &other->links[l->k] : NULL;
	int c = !a ? 1 : !b ? -1 : str_cmp(a->name, b->name);

	s->f.path.n = l->path_n;
	if (!a && !b) {
		s->depth--;
		level_free(l);
		return true;
	}
	l->i += c <= 0;
	l->k += c >= 0;
	return go_on_entry(s, c <= 0 ? a : NULL, c >= 0 ? b : NULL, e);
}

bool difference_begin(const struct cid *own, const struct cid *other, const struct likeness *like,
        struct difference_search **out, struct err *e)
{
	struct difference_search *s = calloc(1, sizeof *s);

	if (!s)
		return FAIL(e, MEMORY, "no memory to compare two trees");
	buf_init(&s->f.path, TREE_DEPTH_MAX * (PATH_TEXT_MAX + 1) + 1);
	s->own = *own;
	s->other = *other;
	if (like)
		s->like = *like;
	*out = s;
	return true;
}

bool difference_go_on(struct difference_search *s, const struct block_source *src, unsigned blocks,
        bool *over, struct difference *out, struct err *e)
{
	size_t until = s->f.read + blocks;

	s->f.src = src;
	if (!s->begun && !cid_eq(&s->own, &s->other))
		TRY(enter(s, &s->own, &s->other, e), e);
	s->begun = true;
	while (s->f.d.kind == DIFFERENCE_NONE && (s->in_file || s->depth)) {
		if (s->f.read >= until) {
			*over = false;
			return true;
		}
		TRY(s->in_file ? go_on_file(s, e) : go_on_dir(s, e), e);
	}
	*over = true;
	*out = s->f.d;
	return true;
}

struct difference_search *difference_free(struct difference_search *s)
{
	if (!s)
		return NULL;
	if (s->in_file)
		end_file(s);
	while (s->depth)
		level_free(s->levels[--s->depth]);
	buf_done(&s->f.path);
	free(s);
	return NULL;
}

bool difference_find(const struct block_source *src, const struct cid *own, const struct cid *other,
        const struct likeness *like, struct difference *out, struct err *e)
{
	struct difference_search *s;
	bool over, ok;

	TRY(difference_begin(own, other, like, &s, e), e);
	ok = difference_go_on(s, src, UINT32_MAX, &over, out, e);
	difference_free(s);
	return ok;
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
