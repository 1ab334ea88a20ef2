/* json_own.h - what the two readers and the two writers of records share (json_record.c by way of a tree,
 * canonical.c in one pass). */
#ifndef LILYPAD_CODEC_JSON_OWN_H
#define LILYPAD_CODEC_JSON_OWN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"

/* In quotes, only what must be escaped being so. s is UTF-8. */
void json_put_string(struct str s, struct buf *out);
/* A field whose JSON is a string: everything but numbers, booleans, lists and records. */
MUST bool field_is_string(const struct field *f);
/* What such a field holds when its JSON is that string. False: the text is wrong; out may be changed then. */
MUST bool field_of_text(const struct field *f, struct str s, void *out);
/* The largest integer of a field whose JSON is one. */
uint64_t field_integer_max(const struct field *f);
/* False: no value of its enumeration. */
MUST bool field_of_integer(const struct field *f, uint64_t n, void *out);

#endif
