/* tree.h - trees on the wire as CAR streams, in bounded memory: received block by block into a block
 * store, and sent block by block out of one. For servers and clients alike. */
#ifndef LILYPAD_HTTP_TREE_H
#define LILYPAD_HTTP_TREE_H

#include "port/port.h"

/* ---- receiving ------------------------------------------------------------------------------------ */

struct tree_in;

/* blobs: borrowed. max: bytes of the blocks of the tree, each occurrence counted. */
MUST bool tree_in_new(const struct blobs *blobs, uint64_t max, struct tree_in **out, struct err *e);
struct tree_in *tree_in_free(struct tree_in *t);
/* Every block must come: one that is in the block store only is missing. Who cannot show the bytes of a
 * tree must not be given a right to them (protocol 9.2). */
void tree_in_demand_all(struct tree_in *t);
/* Pieces of any size. PEER, BLOCK_CORRUPT, TOO_LARGE, or why the block store refused. After a failure
 * it must only be freed. */
MUST bool tree_in_feed(struct tree_in *t, struct bytes piece, struct err *e);
/* At the end of the stream: makes the blocks durable and walks the tree. *bytes are those of all its
 * blocks, each occurrence counted (protocol 2.5). PEER names the first block that neither came nor was
 * there already; TOO_LARGE. */
MUST bool tree_in_end(struct tree_in *t, struct cid *root, uint64_t *bytes, struct err *e);

/* ---- sending -------------------------------------------------------------------------------------- */

struct tree_out;

/* Every block of the tree once, parents first. NOT_FOUND when the root is not there. */
MUST bool tree_out_new(
        const struct blobs *blobs, const struct cid *root, struct tree_out **out, struct err *e);
struct tree_out *tree_out_free(struct tree_out *t);
/* The next bytes of the stream, at most max; *n = 0 at its end. At most one block is read ahead. */
MUST bool tree_out_read(struct tree_out *t, uint8_t *out, size_t max, size_t *n, struct err *e);

#endif
