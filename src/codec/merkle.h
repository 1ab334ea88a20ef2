/* merkle.h - the tree of protocol 2.0.2: Keccak-256, leaf prefix 0x00, node prefix 0x01, an odd node
 * is promoted. */
#ifndef LILYPAD_CODEC_MERKLE_H
#define LILYPAD_CODEC_MERKLE_H

#include "base/err.h"

#define MERKLE_PATH_MAX 64

/* The two hashes of the tree. out may be one of the nodes that it is made of. */
void merkle_leaf(const struct hash *item, struct hash *out);
void merkle_node(const struct hash *left, const struct hash *right, struct hash *out);

/* items are the 32-byte contents of the leaves; n may be 0: the root is then all zero. `scratch` has
 * room for n hashes. */
void merkle_root(const struct hash *items, size_t n, struct hash *scratch, struct hash *out);

/* The way from item i to the root: sibling hashes bottom-up; a promoted level has no sibling. */
struct merkle_path {
	uint64_t index;
	uint64_t count;
	uint32_t n;
	struct hash siblings[MERKLE_PATH_MAX];
};
void merkle_prove(const struct hash *items, size_t n, size_t i, struct hash *scratch,
        struct merkle_path *out);
/* All levels of the tree, leaves first: for paths to many of its items. `nodes` has room for
 * MERKLE_NODES(n) hashes; n is not 0. Gives how many there are; the last is the root. */
#define MERKLE_NODES(n) (2 * (n) + MERKLE_PATH_MAX)
size_t merkle_levels(const struct hash *items, size_t n, struct hash *nodes);
/* The way from item i to the root, through the levels of a tree of n items. */
void merkle_path_of(const struct hash *nodes, size_t n, size_t i, struct merkle_path *out);
/* True iff item is at path->index under root, in a tree of path->count items. A root does not tell how
 * many items it has: who needs to know takes count from where the root is signed. */
MUST bool merkle_check(
        const struct hash *item, const struct merkle_path *path, const struct hash *root);

#endif
