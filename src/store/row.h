/* row.h - what both stores need to know about a row: its order, its meaning bytes, and whether it
 * could be read back. */
#ifndef LILYPAD_STORE_ROW_H
#define LILYPAD_STORE_ROW_H

#include "base/err.h"
#include "base/field.h"

/* dst becomes src with every byte that no field means (padding, text after its NUL, list items after
 * the last) zero, so that rows compare by memcmp. dst and src do not overlap; src passed row_check(). */
void row_copy(const struct record *r, void *dst, const void *src);
/* RANGE, naming "tag.member" and the value, unless every list, text and signature is within its bound
 * and every nested record is one that JSON can carry (protocol 2.0.3): what is put can be got. */
MUST bool row_check(const struct record *r, const void *row, struct err *e);
/* Order of one field of two rows: numbers as numbers, bytes and text by memcmp, as SQLite's BINARY
 * collation does. Not for lists and nested records. */
MUST int field_cmp(const struct field *f, const void *a, const void *b);
/* Order by the FF_KEY fields, in the order of the rows. */
MUST int row_key_cmp(const struct record *r, const void *a, const void *b);

#endif
