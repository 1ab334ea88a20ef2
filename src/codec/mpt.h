/* mpt.h - the modified Merkle-Patricia trie of Ethereum (Yellow Paper, appendices C and D): a root over keys with
 * their values, and the way from the root to one of them. Pure; the reader takes no form but the one that a tree
 * of these keys and values has. */
#ifndef LILYPAD_CODEC_MPT_H
#define LILYPAD_CODEC_MPT_H

#include "base/buf.h"
#include "base/err.h"

#define MPT_KEY_MAX   32         /* bytes: RANGE past it */
#define MPT_ITEMS_MAX 65536      /* of one tree: TOO_LARGE past it */
#define MPT_NODE_MAX  (8u << 20) /* bytes of a node with its value: TOO_LARGE past it */

struct mpt_item {
	struct bytes key, value; /* the value is not empty */
};

/* The root over the items, in any order, and the nodes on the way to items[which], from the root down, each as an RLP
 * string, appended to path. RANGE: a key that is too long, or there twice; TOO_LARGE; MEMORY. n is at least 1. */
MUST bool mpt_prove(const struct mpt_item *items, size_t n, size_t which, struct hash *root,
        struct buf *path, struct err *e);

/* The value at a key under that root, by such a path; it borrows from the path. TAMPERED: a node that has another
 * hash, no such key, a node that is none, or one too many. */
MUST bool mpt_check(const struct hash *root, struct bytes key, struct bytes path,
        struct bytes *value, struct err *e);

#endif
