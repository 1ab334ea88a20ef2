/* memtree.h - the file system of a job: a tree in memory, with limits; nothing of the host is in it. */
#ifndef LILYPAD_EXEC_MEMTREE_H
#define LILYPAD_EXEC_MEMTREE_H

#include "base/buf.h"

struct mem_node {
	struct str name;
	bool dir, writable;
	uint64_t inode;     /* in order of creation: the same on every run */
	struct bytes fixed; /* content of an input */
	struct buf data;    /* content of a file that was written */
	struct mem_node *parent;
	struct mem_node **kids; /* sorted by name */
	size_t kids_n, kids_cap;
	bool gone;              /* unlinked while open */
	struct mem_node *older; /* the one made before it */
};

struct memtree {
	struct mem_node *inputs, *outputs, *tmp;
	uint64_t next_inode;
	uint64_t written, limit; /* bytes of written files and logs */
	size_t nodes;
	struct mem_node *newest;
};

enum { MEMTREE_NODES_MAX = 65536 };

/* Without memory the process ends, as below. */
void memtree_init(struct memtree *t, uint64_t limit);
/* Frees all nodes, also those that are gone. A job's process does without. */
void memtree_done(struct memtree *t);
struct mem_node *mem_find(const struct mem_node *dir, struct str name);
/* NULL: too many nodes, which is the same on every machine. Without memory the process ends: JOB_HOST. */
struct mem_node *mem_add(
        struct memtree *t, struct mem_node *dir, struct str name, bool is_dir, bool writable);
void mem_remove(struct mem_node *n);
/* An input at a path below root; missing directories are made. */
MUST bool mem_put(
        struct memtree *t, struct mem_node *root, struct str path, struct bytes data, bool dir);
static inline struct bytes mem_content(const struct mem_node *n)
{
	return n->data.p ? buf_bytes(&n->data) : n->fixed;
}

#endif
