/* unixfs.h - files and directories as dag-pb blocks, with Kubo's defaults for --cid-version=1: raw
 * leaves, 262 144-byte chunks, balanced, 174 links a node, plain (unsharded) directories. */
#ifndef LILYPAD_CODEC_UNIXFS_H
#define LILYPAD_CODEC_UNIXFS_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/cid.h"

/* Where blocks go and come from. */
struct block_sink {
	void *self;
	bool (*put)(void *self, const struct cid *cid, struct bytes block, struct err *e);
};
struct block_source {
	void *self;
	bool (*get)(void *self, const struct cid *cid, struct buf *out, struct err *e);
};

struct unixfs_node {
	struct cid cid;
	uint64_t
	        tree_bytes; /* of all blocks under and with it: dag-pb's Tsize; what protocol 2.5 calls bytes */
	uint64_t file_bytes; /* of a file's content */
};

/* A file from memory. One that fits a chunk is a single raw block. */
MUST bool unixfs_add_file(
        const struct block_sink *sink, struct bytes data, struct unixfs_node *out, struct err *e);
/* A file from a descriptor, streamed; at most max bytes. */
MUST bool unixfs_add_fd(const struct block_sink *sink, int fd, uint64_t max,
        struct unixfs_node *out, struct err *e);

struct unixfs_entry {
	struct str name;
	struct unixfs_node node;
	bool dir;
};
/* A directory; entries may be in any order and are sorted by bytes. ENCODING: a name that is not 1 to
 * PATH_TEXT_MAX bytes of UTF-8, has a '/' or NUL, or is "." or ".."; CONFLICT: a name twice. TOO_LARGE
 * from where Kubo makes a sharded directory, which has another root: when names and content ids (36
 * bytes each) together reach 256 KiB, about 4000 entries. */
MUST bool unixfs_add_dir(const struct block_sink *sink, const struct unixfs_entry *entries,
        size_t n, struct unixfs_node *out, struct err *e);

/* A whole tree from a flat list of "a/b/c" paths in any order; an entry with dir = true makes a
 * directory that may be empty. Without an entry it is an empty directory. Fails as unixfs_add_dir();
 * TOO_LARGE past TREE_ENTRIES_MAX paths or TREE_DEPTH_MAX levels. */
struct unixfs_path {
	struct str path;
	struct bytes data;
	bool dir;
};
MUST bool unixfs_add_tree(const struct block_sink *sink, const struct unixfs_path *paths, size_t n,
        struct unixfs_node *out, struct err *e);

/* One dag-pb or raw block, decoded: the links are in the arena, names and data point into the block.
 * PEER when it is malformed, not in the order in which Kubo writes it, has unknown members, sizes that
 * contradict each other, names that unixfs_add_dir() refuses, or is a symbolic link or a sharded
 * directory. A file may carry data in its node (what Kubo makes without raw leaves). */
struct unixfs_link {
	struct str name;
	struct cid cid;
};
struct unixfs_block {
	bool dir;
	uint64_t file_bytes;
	struct bytes data; /* inline content of a file */
	struct unixfs_link *links;
	size_t n;
};
MUST bool unixfs_decode(const struct cid *cid, struct bytes block, struct arena *a,
        struct unixfs_block *out, struct err *e);

/* Walk a tree depth first in link order. `path` is "" for the root. For a file `data` is called with
 * pieces in order; open/close may be NULL. Limits: TREE_ENTRIES_MAX, TREE_DEPTH_MAX, max bytes of all
 * blocks, HTTP_TREE_BLOCKS; a cycle cannot exist, a repeated block is counted each time. A file whose
 * parts are not as long as it says ends with PEER, after its data was given. */
struct unixfs_visitor {
	void *self;
	bool (*dir)(void *self, struct str path, struct err *e);
	bool (*file)(void *self, struct str path, uint64_t bytes, struct err *e);
	bool (*data)(void *self, struct bytes piece, struct err *e);
};
MUST bool unixfs_walk(const struct block_source *src, const struct cid *root, uint64_t max,
        const struct unixfs_visitor *v, struct err *e);
/* The whole content of the file at `path` under root ("" : root itself is the file). NOT_FOUND,
 * TOO_LARGE. */
MUST bool unixfs_read(const struct block_source *src, const struct cid *root, struct str path,
        struct buf *out, struct err *e);
/* Every block of the tree once per occurrence, parents first, with the sum of their sizes. */
MUST bool unixfs_blocks(const struct block_source *src, const struct cid *root, uint64_t max,
        bool (*each)(void *self, const struct cid *cid, struct bytes block, struct err *e),
        void *self, uint64_t *bytes, struct err *e);

#endif
