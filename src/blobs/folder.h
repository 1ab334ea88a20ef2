/* folder.h - the block store in a directory (struct blobs of port/port.h).
 *
 * Blocks are appended to segment files (blocks-00000001.log, …), each behind a header with its digest;
 * an index in memory, rebuilt from the headers when the store is opened, says where each one is. So
 * any number of blocks becomes durable with one fdatasync for each segment that they reach into. What
 * was put after the last sync may be gone after a power failure, and nothing else: the torn end of the
 * last segment is cut off when the store is opened.
 *
 * Every block is verified against its digest whenever it is read. One that fails is forgotten, on disk
 * as well, and reported as BLOCK_CORRUPT once; from then on it is NOT_FOUND until it is put again.
 *
 * One process at a time, one thread: the directory is locked. */
#ifndef LILYPAD_BLOBS_FOLDER_H
#define LILYPAD_BLOBS_FOLDER_H

#include "port/port.h"

#define FOLDER_BLOCKS_MAX                                                                          \
	(64u << 20) /* blocks of one store: QUOTA past it; 64 to 130 bytes of memory each */

struct blobs_folder;

/* Makes the directory when it is not there. STORE_LOCKED: another process has it open; IO, MEMORY. */
MUST bool blobs_folder_open(const char *path, struct blobs_folder **out, struct err *e);
/* Does not sync. Returns NULL. */
struct blobs_folder *blobs_folder_free(struct blobs_folder *f);
/* put, sync: DISK_FULL, IO. After a sync that failed nothing can be put any more, since the kernel may
 * have dropped what it could not write: open the store again. */
struct blobs blobs_folder_port(struct blobs_folder *f);

struct blobs_folder_stat {
	uint64_t blocks; /* that can be read */
	uint64_t bytes;  /* of them */
	uint64_t disk;   /* bytes of the segment files */
	uint64_t segments;
	uint64_t corrupt; /* blocks that failed their digest since it was opened */
};
void blobs_folder_stat(const struct blobs_folder *f, struct blobs_folder_stat *out);

/* Forgets every block that `keep` refuses. Blocks that were put, or put again, since the call before the
 * last one are kept without asking: they may belong to a tree that is still arriving, which must be here
 * within the time between two calls. self: struct blobs_folder. */
MUST bool blobs_folder_collect(void *self, bool (*keep)(void *ctx, const struct cid *cid),
        void *ctx, uint64_t *freed, struct err *e);
/* Gives the disk space of one segment that is mostly forgotten blocks back; *more: there may be
 * another. Moves at most 64 MiB. self: struct blobs_folder. */
MUST bool blobs_folder_compact(void *self, bool *more, struct err *e);

#endif
