/* tree_fuzz.c - trees on the wire. The first byte chooses: a stream of foreign bytes, whole and in pieces; or a
 * tree made of the input, which must arrive as it was sent, and never as another one when a byte is changed. */
#include <stdlib.h>

#include "blobs/memory.h"
#include "codec/unixfs.h"
#include "http/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATHS_MAX = 64, TREE_MAX = 1 << 22, BLOCKS_MAX = 4096 };

static void memory_done(struct blobs_memory **m)
{
	blobs_memory_free(*m);
}

struct arrived {
	bool ok;
	struct cid root;
	uint64_t bytes;
	enum err_code why;
};

static struct arrived receive(struct bytes car, size_t piece, bool all)
{
	struct blobs_memory *m OWN(memory_done) = blobs_memory_new(BLOCKS_MAX);
	struct arrived a = {0};
	struct blobs blobs;
	struct tree_in *t;
	struct err e = {0};

	assert(m);
	blobs = blobs_memory_port(m);
	a.ok = tree_in_new(&blobs, TREE_MAX, &t, &e);
	assert(a.ok);
	if (all)
		tree_in_demand_all(t);
	for (size_t at = 0; a.ok && at < car.n; at += piece)
		a.ok = tree_in_feed(t, bytes_of(car.p + at, MIN2(piece, car.n - at)), &e);
	a.ok = a.ok && tree_in_end(t, &a.root, &a.bytes, &e);
	a.why = a.ok ? E_NONE : e.code;
	assert(a.ok || e.msg[0]);
	tree_in_free(t);
	return a;
}

static void foreign(struct bytes car, size_t piece)
{
	struct arrived whole = receive(car, car.n ? car.n : 1, true),
	               pieces = receive(car, piece, true);

	assert(whole.ok == pieces.ok && whole.why == pieces.why);
	assert(!whole.ok || (cid_eq(&whole.root, &pieces.root) && whole.bytes == pieces.bytes));
}

/* ---- a tree of ours --------------------------------------------------------------------------------- */

static bool build(const struct blobs *blobs, struct bytes in, struct unixfs_node *out)
{
	const struct block_sink sink = {blobs->self, blobs->put};
	struct unixfs_path paths[PATHS_MAX];
	struct str rest = bytes_str(in);
	struct err e;
	size_t n = 0;

	while (rest.n && n < PATHS_MAX) {
		struct str content, line = str_cut(rest, '\n', &rest);
		struct str path = str_cut(line, '=', &content);

		paths[n++] = (struct unixfs_path){
		        path, str_bytes(content), content.n == 0 && path.n % 2};
	}
	return unixfs_add_tree(&sink, paths, n, out, &e);
}

static void send_all(
        const struct blobs *blobs, const struct cid *root, size_t piece, struct buf *out)
{
	struct tree_out *t;
	uint8_t room[512];
	size_t n = 1;
	struct err e;
	bool ok = tree_out_new(blobs, root, &t, &e);

	while (ok && n > 0) {
		ok = tree_out_read(t, room, MIN2(piece, sizeof room), &n, &e);
		buf_put(out, room, n);
	}
	assert(ok && buf_ok(out));
	tree_out_free(t);
}

static void ours(struct bytes in, size_t piece, uint16_t where, uint8_t change)
{
	struct blobs_memory *m OWN(memory_done) = blobs_memory_new(BLOCKS_MAX);
	struct buf car OWN(buf_done) = {0};
	struct unixfs_node node;
	struct arrived a;
	struct blobs blobs;

	assert(m);
	blobs = blobs_memory_port(m);
	if (!build(&blobs, in, &node))
		return;
	buf_init(&car, TREE_MAX * 2);
	send_all(&blobs, &node.cid, piece, &car);
	a = receive(buf_bytes(&car), piece, true);
	assert(a.ok && cid_eq(&a.root, &node.cid) && a.bytes == node.tree_bytes);
	if (change == 0)
		return;
	car.p[where % car.n] ^= change;
	a = receive(buf_bytes(&car), piece, true);
	/* Only the root's name and the header's own bytes can change to another tree that is all there. */
	assert(!a.ok || !cid_eq(&a.root, &node.cid) || a.bytes == node.tree_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 5)
		return 0;
	if (data[0] & 1)
		ours(bytes_of(data + 5, size - 5), 1 + data[1] % 200,
		        (uint16_t)(data[2] << 8 | data[3]), data[4]);
	else
		foreign(bytes_of(data + 2, size - 2), 1 + data[1]);
	return 0;
}
