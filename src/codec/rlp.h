/* rlp.h - Recursive Length Prefix, the encoding of Ethereum's transactions and headers (Yellow Paper,
 * appendix B). An item is a string of bytes or a list of items; it has exactly one encoding, and no other is
 * read. */
#ifndef LILYPAD_CODEC_RLP_H
#define LILYPAD_CODEC_RLP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/u256.h"

void rlp_put_bytes(struct buf *out, struct bytes b);
/* An integer is a string without leading zeros; zero is the empty string. */
void rlp_put_u64(struct buf *out, uint64_t v);
void rlp_put_u256(struct buf *out, struct u256 v);
/* A big-endian number of n bytes, without its leading zeros. */
void rlp_put_number(struct buf *out, const uint8_t *be, size_t n);
/* A list whose items, encoded one after another, are `items`. */
void rlp_put_list(struct buf *out, struct bytes items);

/* An item that was read: what the string holds, or the encoded items of the list. Borrowed. */
struct rlp {
	bool list;
	struct bytes b;
};

/* The next item; *rest moves on. ENCODING: cut off, or not in the shortest form. */
MUST bool rlp_next(struct bytes *rest, struct rlp *out, struct err *e);
/* The same for an item that must be of a kind. ENCODING names what was expected. */
MUST bool rlp_next_bytes(struct bytes *rest, size_t max, struct bytes *out, struct err *e);
MUST bool rlp_next_list(struct bytes *rest, struct bytes *items, struct err *e);
/* Exactly n bytes. */
MUST bool rlp_next_fixed(struct bytes *rest, void *out, size_t n, struct err *e);
/* A number of at most 64 or 256 bits, without leading zeros. */
MUST bool rlp_next_u64(struct bytes *rest, uint64_t *out, struct err *e);
MUST bool rlp_next_u256(struct bytes *rest, struct u256 *out, struct err *e);
/* Nothing may follow. */
MUST bool rlp_end(struct bytes rest, struct err *e);

#endif
