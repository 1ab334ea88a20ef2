/* difference.h - where two output trees part (protocol 2.9, 7.4): the first path in sorted order at which they
 * are not the same, and the first byte. Equal blocks are skipped by their content ids, so that only what
 * differs is read. Files are compared by their bytes: how they are cut into blocks makes no difference. */
#ifndef LILYPAD_VERIFY_DIFFERENCE_H
#define LILYPAD_VERIFY_DIFFERENCE_H

#include "base/err.h"
#include "codec/unixfs.h"

#define DIFFERENCE_PATH_MAX 1023 /* bytes that are kept of a path */
/* Blocks that are read of the other tree, and bytes of it and its links that are held at once. What is built
 * as this program builds it stays far below: 1 GiB of file is 4120 blocks. Past it: MALFORMED. */
#define DIFFERENCE_BLOCKS   (1u << 16)
#define DIFFERENCE_HELD_MAX (64u << 20)

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
	uint64_t own_bytes, other_bytes;    /* BYTES, LENGTH: sizes of the two files, as they say */
	uint8_t own_byte, other_byte;       /* BYTES */
};

/* A comparison that is taken up again and again: a foreign tree may be large, and nothing else waits for it. */
struct difference_search;
/* What counts as the same (7.4): equal bytes always do; under `json` files that alike_json() calls so, except the
 * exit code. NULL: nothing but equal bytes. The other comparators are not here: they compare bytes. */
struct likeness {
	uint8_t comparator; /* enum comparator */
	uint16_t tolerance; /* per mille */
};
MUST bool difference_begin(const struct cid *own, const struct cid *other,
        const struct likeness *like, struct difference_search **out, struct err *e); /* MEMORY */
/* Goes on for about `blocks` blocks of both trees. *over: out says what was found. As difference_find(); after a
 * failure it can only be freed. */
MUST bool difference_go_on(struct difference_search *s, const struct block_source *src,
        unsigned blocks, bool *over, struct difference *out, struct err *e);
struct difference_search *difference_free(struct difference_search *s); /* returns NULL */

/* The whole of it at once. own is well-formed; other is foreign. Both are read through src, which gives verified
 * blocks. What src says (NOT_FOUND, BLOCK_CORRUPT, IO) when it does not give a block, of whichever tree; MEMORY;
 * INTERNAL: own is not well-formed. Neither is written on failure. */
MUST bool difference_find(const struct block_source *src, const struct cid *own,
        const struct cid *other, const struct likeness *like, struct difference *out,
        struct err *e);

#define DIFFERENCE_TEXT_MAX 255
/* "outputs/a.txt differs from byte 3 on: 0x61 is right, 0x62 is there"; of a long path the end is kept. */
void difference_text(const struct difference *d, char out[DIFFERENCE_TEXT_MAX + 1]);

#endif
