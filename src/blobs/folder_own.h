/* folder_own.h - what the files of the block store share. */
#ifndef LILYPAD_BLOBS_FOLDER_OWN_H
#define LILYPAD_BLOBS_FOLDER_OWN_H

#include "base/map.h"
#include "blobs/folder.h"

enum {
	SEGMENT_BYTES = 128 << 20, /* a segment is full from here on */
	SEGMENTS_MAX = 1 << 20,
	OPEN_MAX = 64, /* descriptors that are kept open */
	FOLDER_PATH = 4096,
};

enum record_kind {
	RECORD_BLOCK = 1, /* len bytes follow */
	RECORD_DEAD = 2,  /* what came before under this digest does not count */
	RECORD_SYNC = 3   /* what came before is durable */
};

/* In front of every block, in the byte order of the machine; a store does not travel. */
struct record_head {
	uint32_t magic;
	uint8_t kind;
	uint8_t codec;
	uint16_t zero;
	uint32_t len;
	uint32_t check; /* over the rest of the header */
	struct hash digest;
};
static_assert(sizeof(struct record_head) == 48, "the header is a file format");
#define RECORD_MAGIC 0x3142504cu /* "LPB1" */

struct segment {
	uint32_t id;
	int fd; /* -1: not open */
	uint64_t size;
	uint64_t live; /* bytes of the records that the index knows, headers included */
	uint64_t used; /* when its descriptor was last used */
};

/* Where a block is. */
struct place {
	uint32_t segment; /* id */
	uint32_t at;      /* of the header */
	uint32_t len;
	uint8_t codec;
	bool checked;  /* its bytes were compared with its digest in this run */
	uint16_t turn; /* of the collection in which it was last put */
};

struct blobs_folder {
	char *path;
	int dir; /* descriptor */
	int lock;
	struct map index;         /* digest -> struct place */
	struct segment *segments; /* in ascending order of their ids; the last one is written to */
	size_t segments_n, segments_cap;
	size_t open_n;
	uint64_t ticks;
	bool dirty;     /* the last segment has bytes that are not durable */
	bool dir_dirty; /* a segment was made since the directory was last synced */
	bool broken;    /* a sync failed */
	uint16_t turn;
	uint64_t bytes;
	uint64_t corrupt;
	struct buf scratch; /* a block that is compared, moved or scanned */
};

/* ---- segment.c: files ---- */
void record_seal(struct record_head *h);
MUST bool record_valid(const struct record_head *h);
struct segment *segment_of(struct blobs_folder *f, uint32_t id);
/* A new, empty one at the end. */
MUST bool segment_new(struct blobs_folder *f, uint32_t id, struct err *e);
/* One that is there already. */
MUST bool segment_known(struct blobs_folder *f, uint32_t id, uint64_t size, struct err *e);
/* Its descriptor, opened when it is not. */
MUST bool segment_open(struct blobs_folder *f, struct segment *s, int *fd, struct err *e);
/* Exactly n bytes. */
MUST bool segment_read(
        struct blobs_folder *f, struct segment *s, uint64_t at, void *p, size_t n, struct err *e);
/* Appends one record to the last segment; *at is where its header is. */
MUST bool segment_append(struct blobs_folder *f, struct record_head *h, struct bytes data,
        uint32_t *at, struct err *e);
MUST bool segment_cut(struct blobs_folder *f, struct segment *s, uint64_t size, struct err *e);
MUST bool segment_drop(struct blobs_folder *f, struct segment *s, struct err *e);
MUST bool segment_sync(struct blobs_folder *f, struct err *e);

/* ---- scan.c: the index from the files ---- */
MUST bool folder_scan(struct blobs_folder *f, struct err *e);

/* ---- folder.c ---- */
/* The index knows this place from now on, and not the one it knew before. */
MUST bool folder_learn(
        struct blobs_folder *f, const struct hash *digest, const struct place *p, struct err *e);
void folder_forget(struct blobs_folder *f, const struct hash *digest);

#endif
