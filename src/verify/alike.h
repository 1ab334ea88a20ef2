/* alike.h - the comparator `json` of protocol 7.4: are two files the same but for rounding? Values only. */
#ifndef LILYPAD_VERIFY_ALIKE_H
#define LILYPAD_VERIFY_ALIKE_H

#include "base/str.h"

/* Bytes of a file that the comparator reads, since values weigh 30 times their text; a longer one is compared by
 * its bytes alone. */
#define ALIKE_MAX (2u << 20)

/* Both are JSON (strictly: no duplicate names, no NUL), with the same values in the same places, numbers
 * within the deal's tolerance: |a - b| · 1000 <= tolerance · max(|a|, |b|). The order of an object's members
 * does not count. Integers of up to 64 bits are compared exactly, other numbers as IEEE doubles. What is no
 * JSON is alike to nothing; equal bytes are for the caller to see. */
MUST bool alike_json(struct str a, struct str b, unsigned tolerance);

#endif
