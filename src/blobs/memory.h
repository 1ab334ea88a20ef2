/* memory.h - the block store of port/port.h in memory, for tests and the simulator: what is put and
 * what is got is verified, and nothing outlives it. */
#ifndef LILYPAD_BLOBS_MEMORY_H
#define LILYPAD_BLOBS_MEMORY_H

#include "port/port.h"

struct blobs_memory;

/* Up to max blocks: QUOTA past it. NULL: out of memory. */
MUST struct blobs_memory *blobs_memory_new(size_t max);
struct blobs_memory *blobs_memory_free(struct blobs_memory *m); /* returns NULL */

struct blobs blobs_memory_port(struct blobs_memory *m);
MUST size_t blobs_memory_count(const struct blobs_memory *m);

/* Whether the block was there, and is gone. */
bool blobs_memory_lose(struct blobs_memory *m, const struct cid *cid);
/* Whether the block was there: its bytes become others, which the next get() reports as the folder does. */
bool blobs_memory_damage(struct blobs_memory *m, const struct cid *cid);
/* As blobs_folder_collect(), but what was just put is asked for as well. self: struct blobs_memory. */
MUST bool blobs_memory_collect(void *self, bool (*keep)(void *ctx, const struct cid *cid),
        void *ctx, uint64_t *freed, struct err *e);

#endif
