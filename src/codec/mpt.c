/* mpt.c - a node is a leaf or an extension, two items of which the first is a part of the key in hex-prefix
 * encoding, or a branch of seventeen: one child for each nibble, and a value. A child of less than 32 bytes
 * stands in its parent itself, any other by its hash. */
#include "codec/mpt.h"

#include <stdlib.h>

#include "codec/rlp.h"
#include "crypto/keccak.h"

enum {
	BRANCH_ITEMS = 17,
	VALUE_AT = 16,
	NIBBLES_MAX = 2 * MPT_KEY_MAX,
	HASH_BYTES = 32, /* a shorter child is not hashed */
	LEAF_FLAG = 0x20,
	ODD_FLAG = 0x10
};

static unsigned nibble(struct bytes key, size_t i)
{
	return i % 2 ? key.p[i / 2] & 15u : key.p[i / 2] >> 4;
}

/* ---- building ----------------------------------------------------------------------------------- */

struct build {
	const struct mpt_item **sorted;
	const struct mpt_item *wanted;
	struct buf path; /* of the wanted item; the deepest node last */
};

static int by_key(const void *a, const void *b)
{
	const struct mpt_item *const *x = a, *const *y = b;

	return str_cmp(bytes_str((*x)->key), bytes_str((*y)->key));
}

/* The nibbles of the key from `from` up to `to`. */
static void put_part(struct buf *out, struct bytes key, size_t from, size_t to, bool leaf)
{
	uint8_t part[1 + MPT_KEY_MAX] = {leaf ? LEAF_FLAG : 0};
	size_t n = 1;

	if ((to - from) % 2)
		part[0] |= (uint8_t)(ODD_FLAG | nibble(key, from++));
	for (; from < to; from += 2)
		part[n++] = (uint8_t)(nibble(key, from) << 4 | nibble(key, from + 1));
	rlp_put_bytes(out, bytes_of(part, n));
}

/* How many nibbles the keys of a range have in common; they are sorted, so its ends tell. */
static size_t common(const struct build *b, size_t lo, size_t hi, size_t from)
{
	struct bytes x = b->sorted[lo]->key, y = b->sorted[hi - 1]->key;
	size_t n = 2 * MIN2(x.n, y.n);

	while (from < n && nibble(x, from) == nibble(y, from))
		from++;
	return from;
}

static bool on_the_way(const struct build *b, size_t lo, size_t hi)
{
	for (size_t i = lo; i < hi; i++) {
		if (b->sorted[i] == b->wanted)
			return true;
	}
	return false;
}

static void put_node(
        struct build *b, size_t lo, size_t hi, size_t depth, bool root, struct buf *out);

static void put_child(struct build *b, size_t lo, size_t hi, size_t depth, struct buf *out)
{
	struct buf node OWN(buf_done) = {0};
	struct hash h;

	buf_init(&node, MPT_NODE_MAX);
	put_node(b, lo, hi, depth, false, &node);
	if (!buf_ok(&node)) {
		out->bad = true;
	} else if (node.n < HASH_BYTES) {
		buf_put(out, node.p, node.n);
	} else {
		keccak256(node.p, node.n, &h);
		rlp_put_bytes(out, bytes_of(h.b, sizeof h.b));
	}
}

static void put_branch(struct build *b, size_t lo, size_t hi, size_t depth, struct buf *items)
{
	struct bytes value = {0};

	/* The key that ends here is the first of them. */
	if (2 * b->sorted[lo]->key.n == depth)
		value = b->sorted[lo++]->value;
	for (unsigned i = 0; i < 16; i++) {
		size_t from = lo;

		while (lo < hi && nibble(b->sorted[lo]->key, depth) == i)
			lo++;
		if (lo > from)
			put_child(b, from, lo, depth + 1, items);
		else
			rlp_put_bytes(items, bytes_of("", 0));
	}
	rlp_put_bytes(items, value);
}

/* The node over the sorted items from lo up to hi, whose keys have their first `depth` nibbles in common. */
static void put_node(
        struct build *b, size_t lo, size_t hi, size_t depth, bool root, struct buf *out)
{
	struct buf items OWN(buf_done) = {0}, rest OWN(buf_done) = {0};
	struct bytes key = b->sorted[lo]->key;
	size_t to = common(b, lo, hi, depth);

	buf_init(&items, MPT_NODE_MAX);
	buf_init(&rest, SIZE_MAX / 2);
	if (hi - lo == 1) {
		put_part(&items, key, depth, 2 * key.n, true);
		rlp_put_bytes(&items, b->sorted[lo]->value);
	} else if (to > depth) {
		put_part(&items, key, depth, to, false);
		put_child(b, lo, hi, to, &items);
	} else {
		put_branch(b, lo, hi, depth, &items);
	}
	rlp_put_list(out, buf_bytes(&items));
	out->bad = out->bad || !buf_ok(&items);
	if (!on_the_way(b, lo, hi) || !buf_ok(out) || (out->n < HASH_BYTES && !root))
		return;
	/* Those below it are there already. */
	rlp_put_bytes(&rest, buf_bytes(out));
	buf_put(&rest, b->path.p, b->path.n);
	buf_reset(&b->path);
	buf_put(&b->path, rest.p, rest.n);
	b->path.bad = b->path.bad || !buf_ok(&rest);
}

static bool sort(struct build *b, const struct mpt_item *items, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		assert(items[i].value.n);
		if (items[i].key.n > MPT_KEY_MAX)
			return FAIL(e, RANGE, "a key of %zu bytes, more than %d", items[i].key.n,
			        MPT_KEY_MAX);
		b->sorted[i] = &items[i];
	}
	qsort(b->sorted, n, sizeof *b->sorted, by_key);
	for (size_t i = 1; i < n; i++) {
		if (by_key(&b->sorted[i - 1], &b->sorted[i]) == 0)
			return FAIL(
			        e, RANGE, "a key of %zu bytes is there twice", b->sorted[i]->key.n);
	}
	return true;
}

bool mpt_prove(const struct mpt_item *items, size_t n, size_t which, struct hash *root,
        struct buf *path, struct err *e)
{
	struct buf top OWN(buf_done) = {0};
	struct build b = {.wanted = &items[which]};
	bool ok;

	assert(which < n);
	if (n > MPT_ITEMS_MAX)
		return FAIL(e, TOO_LARGE, "%zu items in a tree, more than %d", n, MPT_ITEMS_MAX);
	b.sorted = calloc(n, sizeof *b.sorted);
	if (!b.sorted)
		return FAIL(e, MEMORY, "no memory for a tree of %zu items", n);
	buf_init(&top, MPT_NODE_MAX);
	buf_init(&b.path, path->max);
	ok = sort(&b, items, n, e);
	if (ok) {
		put_node(&b, 0, n, 0, true, &top);
		buf_put(path, b.path.p, b.path.n);
		ok = (buf_ok(&top) && buf_ok(&b.path) && buf_ok(path)) ||
		     FAIL(e, TOO_LARGE, "a tree's path of more than %zu bytes", path->max);
	}
	if (ok)
		keccak256(top.p, top.n, root);
	buf_done(&b.path);
	free(b.sorted);
	return ok;
}

/* ---- checking ----------------------------------------------------------------------------------- */

struct node {
	size_t n;
	struct rlp item[BRANCH_ITEMS];
	struct bytes whole[BRANCH_ITEMS]; /* each with its prefix */
};

struct walk {
	struct bytes key, path;
	size_t at;         /* nibbles of the key that are behind */
	struct bytes here; /* the node's encoding */
	bool extended;     /* an extension led here: a branch must follow */
	bool found;
	struct bytes value;
};

static bool bad(struct err *e, const char *what)
{
	return FAIL(e, TAMPERED, "the tree's path has %s", what);
}

static bool read_node(struct bytes whole, struct node *out, struct err *e)
{
	struct bytes rest = whole, items;

	out->n = 0;
	TRY(rlp_next_list(&rest, &items, e), e);
	TRY(rlp_end(rest, e), e);
	while (items.n) {
		const uint8_t *from = items.p;

		if (out->n == BRANCH_ITEMS)
			return bad(e, "a node of more than 17 items");
		TRY(rlp_next(&items, &out->item[out->n], e), e);
		out->whole[out->n++] = bytes_of(from, (size_t)(items.p - from));
	}
	if (out->n == 2 || out->n == BRANCH_ITEMS)
		return true;
	return bad(e, "a node of neither 2 nor 17 items");
}

/* By its hash: the next one of the path. */
static bool next_of_path(struct walk *w, const struct hash *want, bool root, struct err *e)
{
	struct hash h;

	if (w->path.n == 0)
		return bad(e, "too few nodes");
	TRY(rlp_next_bytes(&w->path, MPT_NODE_MAX, &w->here, e), e);
	keccak256(w->here.p, w->here.n, &h);
	if (!hash_eq(&h, want))
		return bad(e, "a node of another hash than its parent, or the root, says");
	return w->here.n >= HASH_BYTES || root || bad(e, "a node by its hash that is too short");
}

static bool go_down(struct walk *w, const struct rlp *child, struct bytes whole, struct err *e)
{
	struct hash h;

	if (child->list) {
		w->here = whole;
		return whole.n < HASH_BYTES || bad(e, "a node in its parent that is too long");
	}
	if (child->b.n == 0)
		return bad(e, "no such key");
	if (child->b.n != HASH_BYTES)
		return bad(e, "a child that is no hash");
	memcpy(h.b, child->b.p, sizeof h.b);
	return next_of_path(w, &h, false, e);
}

static bool take_value(struct walk *w, const struct rlp *v, struct err *e)
{
	if (v->list || v->b.n == 0)
		return bad(e, "no value at that key");
	w->value = v->b;
	w->found = true;
	return true;
}

static bool in_branch(struct walk *w, const struct node *node, struct err *e)
{
	unsigned children = 0, i;

	for (i = 0; i < BRANCH_ITEMS; i++)
		children += node->item[i].list || node->item[i].b.n;
	if (children < 2)
		return bad(e, "a branch of less than two ways");
	w->extended = false;
	if (w->at == 2 * w->key.n)
		return take_value(w, &node->item[VALUE_AT], e);
	i = nibble(w->key, w->at++);
	return go_down(w, &node->item[i], node->whole[i], e);
}

/* A leaf or an extension: its part of the key, and what is behind it. */
static bool in_part(struct walk *w, const struct node *node, struct err *e)
{
	struct bytes part = node->item[0].b;
	unsigned flags;
	size_t i = 2, n;

	if (node->item[0].list || part.n == 0 || part.n > 1 + MPT_KEY_MAX)
		return bad(e, "a part of a key that is none");
	flags = part.p[0] & 0xf0u;
	if (flags & ODD_FLAG)
		i = 1;
	n = 2 * part.n;
	if (flags > (LEAF_FLAG | ODD_FLAG) || (i == 2 && (part.p[0] & 15u)) || w->extended)
		return bad(e, "a part of a key in another form than its own");
	for (; i < n; i++) {
		if (w->at == 2 * w->key.n || nibble(w->key, w->at++) != nibble(part, i))
			return bad(e, "no such key");
	}
	if (flags & LEAF_FLAG)
		return w->at == 2 * w->key.n ? take_value(w, &node->item[1], e)
		                             : bad(e, "no such key");
	if (n == 2 && !(flags & ODD_FLAG))
		return bad(e, "an extension by nothing");
	w->extended = true;
	return go_down(w, &node->item[1], node->whole[1], e);
}

static bool walk(struct walk *w, const struct hash *root, struct err *e)
{
	struct node node;

	TRY(next_of_path(w, root, true, e), e);
	/* A node takes a nibble of the key, or is the last. */
	for (unsigned i = 0; i <= NIBBLES_MAX && !w->found; i++) {
		TRY(read_node(w->here, &node, e), e);
		if (node.n == 2)
			TRY(in_part(w, &node, e), e);
		else
			TRY(in_branch(w, &node, e), e);
	}
	if (!w->found)
		return bad(e, "more nodes than the key has nibbles");
	return w->path.n == 0 || bad(e, "nodes behind the value's");
}

bool mpt_check(const struct hash *root, struct bytes key, struct bytes path, struct bytes *value,
        struct err *e)
{
	struct walk w = {.key = key, .path = path};
	struct err why;

	if (key.n > MPT_KEY_MAX)
		return FAIL(e, TAMPERED, "a key of %zu bytes, more than %d", key.n, MPT_KEY_MAX);
	if (!walk(&w, root, &why))
		return FAIL(e, TAMPERED, "%s", why.msg);
	*value = w.value;
	return true;
}
