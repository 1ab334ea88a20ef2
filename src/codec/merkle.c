/* merkle.c - roots and paths (protocol 2.0.2). */
#include "codec/merkle.h"

#include "crypto/keccak.h"

void merkle_leaf(const struct hash *item, struct hash *out)
{
	uint8_t b[33];

	b[0] = 0x00;
	memcpy(b + 1, item->b, 32);
	keccak256(b, sizeof b, out);
}

void merkle_node(const struct hash *left, const struct hash *right, struct hash *out)
{
	uint8_t b[65];

	b[0] = 0x01;
	memcpy(b + 1, left->b, 32);
	memcpy(b + 33, right->b, 32);
	keccak256(b, sizeof b, out);
}

/* One level up, in place; gives how many nodes it has. */
static size_t up(struct hash *level, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		merkle_node(&level[i], &level[i + 1], &level[i / 2]);
	if (n % 2)
		level[n / 2] = level[n - 1];
	return n / 2 + n % 2;
}

void merkle_root(const struct hash *items, size_t n, struct hash *scratch, struct hash *out)
{
	if (n == 0) {
		*out = (struct hash){{0}};
		return;
	}
	for (size_t i = 0; i < n; i++)
		merkle_leaf(&items[i], &scratch[i]);
	while (n > 1)
		n = up(scratch, n);
	*out = scratch[0];
}

void merkle_prove(
        const struct hash *items, size_t n, size_t i, struct hash *scratch, struct merkle_path *out)
{
	assert(i < n);
	*out = (struct merkle_path){.index = i, .count = n};
	for (size_t k = 0; k < n; k++)
		merkle_leaf(&items[k], &scratch[k]);
	for (; n > 1; i /= 2) {
		if ((i ^ 1) < n)
			out->siblings[out->n++] = scratch[i ^ 1];
		n = up(scratch, n);
	}
}

size_t merkle_levels(const struct hash *items, size_t n, struct hash *nodes)
{
	size_t at = 0;

	assert(n);
	for (size_t i = 0; i < n; i++)
		merkle_leaf(&items[i], &nodes[i]);
	while (n > 1) {
		memcpy(nodes + at + n, nodes + at, n * sizeof *nodes);
		at += n;
		n = up(nodes + at, n);
	}
	return at + 1;
}

void merkle_path_of(const struct hash *nodes, size_t n, size_t i, struct merkle_path *out)
{
	assert(i < n);
	out->index = i;
	out->count = n;
	out->n = 0;
	for (; n > 1; i /= 2, nodes += n, n = n / 2 + n % 2) {
		if ((i ^ 1) < n)
			out->siblings[out->n++] = nodes[i ^ 1];
	}
}

bool merkle_check(const struct hash *item, const struct merkle_path *path, const struct hash *root)
{
	uint64_t i = path->index, n = path->count;
	uint32_t used = 0;
	struct hash h;

	if (i >= n || path->n > MERKLE_PATH_MAX)
		return false;
	merkle_leaf(item, &h);
	for (; n > 1; i /= 2, n = n / 2 + n % 2) {
		/* The last node of an odd level is promoted as it is. */
		if ((i ^ 1) >= n)
			continue;
		if (used == path->n)
			return false;
		if (i % 2)
			merkle_node(&path->siblings[used], &h, &h);
		else
			merkle_node(&h, &path->siblings[used], &h);
		used++;
	}
	return used == path->n && hash_eq(&h, root);
}
