/* canonical.h - records as canonical text (protocol 2.0.3) in one pass, without a tree in between. Reading knows
 * nothing but the text that writing gives; whoever has any other goes by way of the tree (json.h), which also
 * says what is wrong with it. */
#ifndef LILYPAD_CODEC_CANONICAL_H
#define LILYPAD_CODEC_CANONICAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"

/* Appends the record. Out of memory, and texts that are not UTF-8 and for which there is no memory, make the buffer
 * bad. */
void canonical_write(const struct record *r, const void *row, struct buf *out);
/* The row is written only if the text is all of it, and the canonical text of a record. False says nothing about
 * whether the text is JSON of one. */
MUST bool canonical_read(const struct record *r, struct str text, void *row);
/* {member: record, "signature": …}, the member's name being before "signature". */
MUST bool canonical_read_signed(
        const char *member, const struct record *r, struct str text, void *row, struct sig *sig);

#endif
