/* nearest.h - "did you mean": the known name that is closest to what was typed. Pure. */
#ifndef LILYPAD_MODULE_NEAREST_H
#define LILYPAD_MODULE_NEAREST_H

#include "base/str.h"

/* Edits (insert, delete, replace, swap of neighbours) from a to b without regard to ASCII case; names
 * above 63 bytes are far from everything: SIZE_MAX. */
size_t nearest_distance(struct str a, struct str b);

/* The closest of n names; NULL unless it is within a third of the length, or starts with what was
 * typed. Ties go to the earlier one. */
const char *nearest_name(struct str typed, const char *const *names, size_t n);

#endif
