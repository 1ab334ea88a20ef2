/* http_tree.h - the tree port (port/adapters.h) over the HTTP API of a directory (protocol 9.2):
 *
 *   fetch   GET  {url}/v1/trees/{root}   CAR stream into the block store, durable, and then walked
 *   push    POST {url}/v1/trees/{root}   the CAR stream of the tree; what the directory answers is
 *                                        tree_done.body, valid in the callback. Without a deal the
 *                                        directory is asked first, by POST …/keep, whether it has the
 *                                        tree from us already
 *
 * Both carry a signed Request (9.1) and, when a deal is given, its JSON in base64url as Lilypad-Deal.
 *
 * fetch: a tree that is here whole is not asked for again. PEER: the tree that came is another one or
 * not whole; TOO_LARGE past max bytes of blocks, each occurrence counted; BLOCK_CORRUPT when bytes did
 * not have their content id twice in a row. push: NOT_FOUND or BLOCK_CORRUPT when the tree is not here
 * whole. Both: UNREACHABLE, TIMEOUT after 30 s without a byte, or the directory's own error. Nothing
 * else is tried again here: that is the role's decision. */
#ifndef LILYPAD_BLOBS_HTTP_TREE_H
#define LILYPAD_BLOBS_HTTP_TREE_H

#include "http/client.h"
#include "port/adapters.h"

/* All are borrowed and must outlive the port. stop() ends every transfer without its answer; the loop
 * must run once more to close the handles. */
MUST bool http_tree_open(uv_loop_t *loop, struct http_client *client, const struct blobs *blobs,
        struct tree_port *out, struct err *e);
/* Stops and frees it. Nothing happens when it was not opened. */
void http_tree_close(struct tree_port *p);

#endif
