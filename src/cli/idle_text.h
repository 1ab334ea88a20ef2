/* idle_text.h - for people: why a provider is idle, from what its solver counted. */
#ifndef LILYPAD_CLI_IDLE_TEXT_H
#define LILYPAD_CLI_IDLE_TEXT_H

#include <jansson.h>

#include "base/buf.h"

/* Appends lines of the solver's GET /v1/resource-offers/{offer}/idle; the commonest reason first.
 * decimals: of the token. Members that are missing or of another type are taken as 0 or "". */
void idle_text(const json_t *idle, unsigned decimals, struct buf *out);
/* "45 s", "12 m", "3 h", "2 d" */
void idle_time(int64_t s, struct buf *out);

#endif
