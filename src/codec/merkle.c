/* merkle.c - the one Merkle tree of the protocol. */
#include "codec/merkle.h"

#include "crypto/keccak.h"

static void leaf(const struct hash *item, struct hash *out)
{
	uint8_t b[33] = {0x00};

	memcpy(b + 1, item->b, 32);
	keccak256(b, sizeof b, out);
}

static void node(const struct hash *left, const struct hash *right, struct hash *out)
{
	uint8_t b[65] = {0x01};

	memcpy(b + 1, left->b, 32);
	memcpy(b + 33, right->b, 32);
	keccak256(b, sizeof b, out);
}

static size_t level_up(struct hash *level, size_t n)
{
	size_t up = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		node(&level[i], &level[i + 1], &level[up++]);
	if (n % 2)
		level[up++] = level[n - 1];
	return up;
}

void merkle_root(const struct hash *items, size_t n, struct hash *scratch, struct hash *out)
{
	if (n == 0) {
		*out = (struct hash){{0}};
		return;
	}
	for (size_t i = 0; i < n; i++)
		leaf(&items[i], &scratch[i]);
	while (n > 1)
		n = level_up(scratch, n);
	*out = scratch[0];
}

void merkle_prove(const struct hash *items, size_t n, size_t i, struct hash *scratch,
	struct merkle_path *out)
{
	assert(i < n);
	out->index = i;
	out->count = n;
	out->n = 0;
	for (size_t k = 0; k < n; k++)
		leaf(&items[k], &scratch[k]);
	while (n > 1) {
		size_t sibling = i ^ 1;

		if (sibling < n)
			out->siblings[out->n++] = scratch[sibling];
		n = level_up(scratch, n);
		i /= 2;
	}
}

bool merkle_check(const struct hash *item, const struct merkle_path *path, const struct hash *root)
{
	uint64_t i = path->index, n = path->count;
	struct hash at;
	uint32_t used = 0;

	if (i >= n)
		return false;
	leaf(item, &at);
	for (; n > 1; n = n / 2 + n % 2, i /= 2) {
		if ((i ^ 1) >= n)
			continue;
		if (used >= path->n || used >= MERKLE_PATH_MAX)
			return false;
		if (i % 2)
			node(&path->siblings[used], &at, &at);
		else
			node(&at, &path->siblings[used], &at);
		used++;
	}
	return used == path->n && hash_eq(&at, root);
}
