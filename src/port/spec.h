/* spec.h - what every side does with a job spec and the inputs that it names. */
#ifndef LILYPAD_PORT_SPEC_H
#define LILYPAD_PORT_SPEC_H

#include "port/port.h"

/* The spec of that digest, from the block store, into a spec that is all zero; it may hold anything after a failure.
 * As blobs.get says when it is not there, as record_parse() when it is none. */
MUST bool spec_read(
        const struct blobs *b, const struct hash *digest, struct job_spec *out, struct err *e);
/* One file, or a directory. */
struct cid spec_input_root(const struct spec_input *in);
/* What a run takes besides the spec, from i = 0 on: the program's tree, then every input. *max: bytes that it
 * may take, of an input exactly those. False: no more. */
MUST bool spec_part(const struct job_spec *s, size_t i, struct cid *root, uint64_t *max);
/* Is the whole tree here, every block with the digest that it is named by, within max bytes? */
MUST bool tree_here(const struct blobs *b, const struct cid *root, uint64_t max, uint64_t *bytes);
/* Of all inputs; UINT64_MAX: more than can be counted. */
uint64_t spec_input_bytes(const struct job_spec *s);

#endif
