/* car.h - CAR version 1 streams (one root): how trees travel between directories and parties. */
#ifndef LILYPAD_CODEC_CAR_H
#define LILYPAD_CODEC_CAR_H

#include "base/buf.h"
#include "codec/cid.h"

void car_write_header(struct buf *out, const struct cid *root);
void car_write_block(struct buf *out, const struct cid *cid, struct bytes block);

/* An incremental reader of foreign bytes: feed pieces of any size; `block` is called for each whole
 * block after its digest was checked (BLOCK_CORRUPT otherwise). PEER: malformed, more than one root,
 * a block above BLOCK_MAX. TOO_LARGE past max bytes of blocks. */
struct car_reader {
	struct buf pending;
	uint64_t max;
	uint64_t bytes; /* of blocks so far */
	uint64_t blocks;
	bool have_root;
	struct cid root;
	void *self;
	bool (*block)(void *self, const struct cid *cid, struct bytes block, struct err *e);
};
void car_reader_init(struct car_reader *r, uint64_t max,
        bool (*block)(void *self, const struct cid *cid, struct bytes block, struct err *e),
        void *self);
void car_reader_done(struct car_reader *r);
MUST bool car_reader_feed(struct car_reader *r, struct bytes piece, struct err *e);
/* At the end of the stream: PEER when a block is cut off or there was no header. */
MUST bool car_reader_end(struct car_reader *r, struct err *e);

#endif
