/* packed.h - a document in memory without its zeros: most of an offer's lists, texts and amounts are empty,
 * and open offers are many. */
#ifndef LILYPAD_SOLVER_PACKED_H
#define LILYPAD_SOLVER_PACKED_H

#include "base/defs.h"

#define PACKED_MAX 65535 /* bytes of a document as a struct */

struct packed;
/* size bytes at doc, at most PACKED_MAX. NULL: out of memory. free() ends it. */
MUST struct packed *packed_of(const void *doc, size_t size);
/* The same bytes again; size as it was packed. */
void packed_open(const struct packed *p, void *doc, size_t size);

#endif
