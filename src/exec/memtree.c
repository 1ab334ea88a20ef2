/* memtree.c - nodes of the in-memory tree. They live as long as the job's process. */
#include "exec/memtree.h"

#include <stdlib.h>
#include <unistd.h>

#include "exec/run_job.h"

/* Where the name is or belongs. */
static size_t place(const struct mem_node *dir, struct str name, bool *found)
{
	size_t lo = 0, hi = dir->kids_n;

	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(dir->kids[mid]->name, name);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct mem_node *node_new(struct memtree *t, struct str name, bool dir, bool writable)
{
	struct mem_node *n = calloc(1, sizeof *n);
	char *copy = malloc(name.n + 1);

	if (!n || !copy)
		_exit(JOB_HOST); /* only the count of nodes is the same on every machine */
	memcpy(copy, name.p, name.n);
	copy[name.n] = '\0';
	n->name = (struct str){copy, name.n};
	n->dir = dir;
	n->writable = writable;
	n->inode = ++t->next_inode;
	buf_init(&n->data, SIZE_MAX / 4);
	t->nodes++;
	n->older = t->newest;
	t->newest = n;
	return n;
}

void memtree_init(struct memtree *t, uint64_t limit)
{
	*t = (struct memtree){.limit = limit};
	t->inputs = node_new(t, STR("inputs"), true, false);
	t->outputs = node_new(t, STR("outputs"), true, true);
	t->tmp = node_new(t, STR("tmp"), true, true);
}

void memtree_done(struct memtree *t)
{
	while (t->newest) {
		struct mem_node *n = t->newest;

		t->newest = n->older;
		free(n->kids);
		buf_done(&n->data);
		free((void *)(uintptr_t)n->name.p);
		free(n);
	}
}

struct mem_node *mem_find(const struct mem_node *dir, struct str name)
{
	bool found;
	size_t i = place(dir, name, &found);

	return found ? dir->kids[i] : NULL;
}

struct mem_node *mem_add(
        struct memtree *t, struct mem_node *dir, struct str name, bool is_dir, bool writable)
{
	struct mem_node *n;
	bool found;
	size_t i;

	if (t->nodes >= MEMTREE_NODES_MAX)
		return NULL;
	if (dir->kids_n == dir->kids_cap) {
		size_t cap = dir->kids_cap ? dir->kids_cap * 2 : 8;
		struct mem_node **kids = realloc(dir->kids, cap * sizeof *kids);

		if (!kids)
			_exit(JOB_HOST);
		dir->kids = kids;
		dir->kids_cap = cap;
	}
	n = node_new(t, name, is_dir, writable);
	i = place(dir, n->name, &found);
	assert(!found);
	memmove(dir->kids + i + 1, dir->kids + i, (dir->kids_n - i) * sizeof *dir->kids);
	dir->kids[i] = n;
	dir->kids_n++;
	n->parent = dir;
	return n;
}

void mem_remove(struct mem_node *n)
{
	struct mem_node *dir = n->parent;
	bool found;
	size_t i = place(dir, n->name, &found);

	assert(found && dir->kids[i] == n);
	memmove(dir->kids + i, dir->kids + i + 1, (dir->kids_n - i - 1) * sizeof *dir->kids);
	dir->kids_n--;
	n->parent = NULL;
	n->gone = true;
}

bool mem_put(struct memtree *t, struct mem_node *root, struct str path, struct bytes data, bool dir)
{
	struct mem_node *at = root;

	while (path.n) {
		struct str part = str_cut(path, '/', &path);
		bool last = path.n == 0;
		struct mem_node *next = mem_find(at, part);

		if (!next)
			next = mem_add(t, at, part, !last || dir, false);
		if (!next || (!last && !next->dir))
			return false;
		if (last && next->dir != dir)
			return false;
		if (last && !dir)
			next->fixed = data;
		at = next;
	}
	return true;
}
