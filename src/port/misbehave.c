/* misbehave.c - the two hands of a test instrument. */
#include "port/misbehave.h"

#include "codec/unixfs.h"

void fx_drop(struct effects *fx, bool (*drop)(const void *ctx, const struct fx *f), const void *ctx)
{
	struct fx **at = &fx->first;

	while (*at) {
		if (drop(ctx, *at)) {
			*at = (*at)->next;
			fx->n--;
		} else {
			at = &(*at)->next;
		}
	}
	fx->last = at;
}

bool fx_submits(const struct fx *f, unsigned kind)
{
	return f->kind == FX_SUBMIT && f->action->kind == kind;
}

bool false_output(const struct blobs *b, struct cid *tree, uint64_t *tree_bytes, struct err *e)
{
	const struct unixfs_path files[] = {
	        {STR("stdout"), str_bytes(STR("trust me\n")), false},
	        {STR("stderr"), str_bytes(STR("")), false},
	        {STR("exitCode"), str_bytes(STR("0\n")), false},
	        {STR("outputs"), str_bytes(STR("")), true},
	};
	const struct block_sink sink = {b->self, b->put};
	struct unixfs_node node;

	TRY(unixfs_add_tree(&sink, files, COUNT(files), &node, e), e);
	*tree = node.cid;
	*tree_bytes = node.tree_bytes;
	return true;
}
