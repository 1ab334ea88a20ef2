/* difference_fuzz.c - a foreign output against an own one. The input is the foreign tree's blocks, each behind
 * two bytes of length; a content id that is none of the own tree's names the block that its first digest byte
 * points to, so that nodes can point to each other and to themselves. */
#include <stdlib.h>

#include "base/bounds.h"
#include "model/model.h"
#include "verify/difference.h"

enum { OWN_MAX = 16, FOREIGN_MAX = 32 };

struct own_block {
	struct cid cid;
	struct buf data;
};

static struct own_block own[OWN_MAX];
static size_t own_n;

struct world {
	struct bytes foreign[FOREIGN_MAX];
	size_t n;
};

static bool put_own(void *self, const struct cid *cid, struct bytes data, struct err *e)
{
	(void)self, (void)e;
	if (own_n == OWN_MAX)
		abort();
	own[own_n].cid = *cid;
	buf_init(&own[own_n].data, BLOCK_MAX);
	buf_put(&own[own_n].data, data.p, data.n);
	own_n++;
	return true;
}

static struct cid make_own(void)
{
	static const struct unixfs_path paths[] = {
	        {STR("exitCode"), {(const uint8_t *)"0\n", 2}, false},
	        {STR("outputs/a.txt"), {(const uint8_t *)"abcdef", 6}, false},
	        {STR("outputs/b/c"), {(const uint8_t *)"", 0}, false},
	        {STR("stdout"), {(const uint8_t *)"moo\n", 4}, false}};
	struct block_sink sink = {NULL, put_own};
	struct unixfs_node node;
	struct err e;

	if (!unixfs_add_tree(&sink, paths, COUNT(paths), &node, &e))
		abort();
	return node.cid;
}

static bool get(void *self, const struct cid *cid, struct buf *out, struct err *e)
{
	const struct world *w = self;
	struct bytes b;

	for (size_t i = 0; i < own_n; i++) {
		if (!cid_eq(&own[i].cid, cid))
			continue;
		buf_put(out, own[i].data.p, own[i].data.n);
		return true;
	}
	if (w->n == 0)
		return FAIL(e, NOT_FOUND, "no such block");
	b = w->foreign[cid->digest.b[0] % w->n];
	buf_put(out, b.p, b.n);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct cid mine;
	const struct cid other = {.codec = CID_DAG_PB};
	const struct likeness like = {COMPARATOR_JSON, 100};
	struct world w = {.n = 0};
	struct block_source src = {&w, get};
	char text[DIFFERENCE_TEXT_MAX + 1];
	struct difference d;
	struct err e;

	if (own_n == 0)
		mine = make_own();
	while (n >= 2 && w.n < FOREIGN_MAX) {
		size_t len = MIN2((size_t)p[0] << 8 | p[1], n - 2);

		w.foreign[w.n++] = bytes_of(p + 2, len);
		p += 2 + len;
		n -= 2 + len;
	}
	if (!difference_find(&src, &mine, &other, NULL, &d, &e) ||
	        !difference_find(&src, &mine, &other, &like, &d, &e)) {
		/* Every block is there: whatever it holds, it is a finding. */
		if (w.n)
			abort();
		return 0;
	}
	difference_text(&d, text);
	if (!str_is_utf8(str_of(d.path)) || !str_is_utf8(str_of(text)) || !text[0])
		abort();
	return 0;
}
