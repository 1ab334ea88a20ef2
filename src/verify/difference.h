/* difference.h - where two output trees part (protocol 2.9, 7.4): the first path in sorted order at which they
 * are not the same, and the first byte. Equal blocks are skipped by their content ids, so that only what
 * differs is read. Files are compared by their bytes: how they are cut into blocks makes no difference. */
#ifndef LILYPAD_VERIFY_DIFFERENCE_H
#define LILYPAD_VERIFY_DIFFERENCE_H

#include "base/err.h"
#include "codec/unixfs.h"

#define DIFFERENCE_PATH_MAX 1023       /* bytes that are kept of a path */
#define DIFFERENCE_BLOCKS   (1u << 16) /* read of both trees together: TOO_LARGE past it */

enum difference_kind {
	DIFFERENCE_NONE,     /* the same names, the same bytes */
	DIFFERENCE_MISSING,  /* the other tree has no such path */
	DIFFERENCE_EXTRA,    /* only the other tree has it */
	DIFFERENCE_KIND,     /* a file in one, a directory in the other */
	DIFFERENCE_BYTES,    /* the first byte that differs is at `offset` */
	DIFFERENCE_LENGTH,   /* one file ends at `offset`, the other goes on */
	DIFFERENCE_MALFORMED /* what the other tree has there is no file or directory */
};
const char *difference_name(enum difference_kind k); /* "bytes" */

struct difference {
	enum difference_kind kind;
	char path[DIFFERENCE_PATH_MAX + 1]; /* "outputs/a.txt"; "": the root */
	uint64_t offset;                    /* BYTES, LENGTH */
	uint64_t own_bytes, other_bytes;    /* sizes of the two files there; BYTES, LENGTH */
	uint8_t own_byte, other_byte;       /* BYTES */
};

/* own is well-formed; other is foreign. Both are read through src, which gives verified blocks. NOT_FOUND,
 * BLOCK_CORRUPT, IO: a block is not there, of whichever tree; TOO_LARGE: too many blocks differ, or the
 * paths are nested deeper than TREE_DEPTH_MAX; MEMORY. PEER is never given: it is MALFORMED. */
MUST bool difference_find(const struct block_source *src, const struct cid *own,
        const struct cid *other, struct difference *out, struct err *e);

#define DIFFERENCE_TEXT_MAX 255
/* "outputs/a.txt differs from byte 3 on: 0x61, not 0x62", in at most that many bytes; the last of the path
 * are kept. */
void difference_text(const struct difference *d, char out[DIFFERENCE_TEXT_MAX + 1]);

#endif
