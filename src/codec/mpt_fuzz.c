/* mpt_fuzz.c - a tree of any items: each of them has a path, and what a path was changed to holds no longer. A path
 * that is not ours is read all the same, under the root that its first node has. */
#include <stdlib.h>

#include "codec/mpt.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"

enum { ITEMS_MAX = 24 };

static size_t items_of(struct bytes in, struct mpt_item items[ITEMS_MAX])
{
	size_t n = 0;

	while (n < ITEMS_MAX && in.n >= 2) {
		size_t key = in.p[0] % 6, value = 1 + in.p[1] % 48;

		if (in.n < 2 + key + value)
			break;
		items[n++] =
		        (struct mpt_item){bytes_of(in.p + 2, key), bytes_of(in.p + 2 + key, value)};
		in = bytes_of(in.p + 2 + key + value, in.n - 2 - key - value);
	}
	return n;
}

static void built(struct bytes in, unsigned seed)
{
	struct mpt_item items[ITEMS_MAX];
	struct buf path OWN(buf_done) = {0};
	size_t n = items_of(in, items), which;
	struct bytes value;
	struct hash root;
	struct err e;

	if (!n)
		return;
	which = seed % n;
	buf_init(&path, 1u << 16);
	if (!mpt_prove(items, n, which, &root, &path, &e))
		return; /* a key that is there twice */
	if (!mpt_check(&root, items[which].key, buf_bytes(&path), &value, &e) ||
	        !str_eq(bytes_str(value), bytes_str(items[which].value)))
		abort();
	path.p[seed % path.n] ^= 1;
	if (mpt_check(&root, items[which].key, buf_bytes(&path), &value, &e))
		abort();
}

static void foreign(struct bytes path, unsigned seed)
{
	uint8_t key = (uint8_t)seed;
	struct bytes rest = path, first, value;
	struct hash root;
	struct err e;

	if (!rlp_next_bytes(&rest, path.n, &first, &e))
		return;
	keccak256(first.p, first.n, &root);
	if (mpt_check(&root, bytes_of(&key, 1), path, &value, &e) && !value.n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 2 || n > 1u << 14)
		return 0;
	built(bytes_of(p + 2, n - 2), (unsigned)p[0] << 8 | p[1]);
	foreign(bytes_of(p + 2, n - 2), p[1]);
	return 0;
}
