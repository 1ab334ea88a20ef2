/* packed.h - documents as the calls of our contracts carry them: the members in order, each in the bytes that
 * its kind needs, big-endian (docs/contracts.md). A text is a byte that counts its bytes, a list of accounts a
 * byte that counts them; a record in a record stands in its place. */
#ifndef LILYPAD_CODEC_PACKED_H
#define LILYPAD_CODEC_PACKED_H

#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"

/* Appends the row; one that does not fit, see packed_fits(), makes the buffer bad. A record with other members than
 * accounts, hashes, numbers, texts of at most 255 bytes and lists of accounts is a bug. */
void packed_put(const struct record *r, const void *row, struct buf *out);
/* RANGE names the member: an amount that is not below 2^96, or a time that is not below 2^40. */
MUST bool packed_fits(const struct record *r, const void *row, struct err *e);
/* The row that the bytes begin with; *rest moves on. ENCODING: cut off, a text that is not UTF-8 or too long, or
 * too many accounts. *row is written only on success. */
MUST bool packed_take(const struct record *r, struct bytes *rest, void *row, struct err *e);

#endif
