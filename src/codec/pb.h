/* pb.h - the little of Protocol Buffers that dag-pb and UnixFS are made of: varints, and members with a
 * number that hold a varint or bytes. Only the shortest form of a varint is accepted, so that what is
 * read and written again has the same bytes and so the same content id. */
#ifndef LILYPAD_CODEC_PB_H
#define LILYPAD_CODEC_PB_H

#include "base/buf.h"

#define VARINT_MAX 10 /* bytes */

/* How many bytes v takes. */
size_t varint_size(uint64_t v);
void varint_put(struct buf *out, uint64_t v);
enum varint_read {
	VARINT_OK,
	VARINT_SHORT, /* more bytes are needed */
	VARINT_BAD    /* not the shortest form, or above 64 bits */
};
/* At the start of b; *used says how many bytes it took. */
MUST enum varint_read varint_get(struct bytes b, uint64_t *out, size_t *used);

void pb_put_varint(struct buf *out, unsigned member, uint64_t v);
void pb_put_bytes(struct buf *out, unsigned member, struct bytes b);
size_t pb_varint_size(unsigned member, uint64_t v);
size_t pb_bytes_size(unsigned member, size_t n);

/* One member: its number, and a varint or bytes borrowed from the message. */
struct pb_member {
	unsigned member;
	bool is_bytes;
	uint64_t v;
	struct bytes b;
};
/* The next member; *rest moves on. False when malformed, of another wire type or cut off. */
MUST bool pb_next(struct bytes *rest, struct pb_member *out);

#endif
