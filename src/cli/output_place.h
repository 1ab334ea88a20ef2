/* output_place.h - can a job's output be written where it is asked for? Looked at before anything is signed. */
#ifndef LILYPAD_CLI_OUTPUT_PLACE_H
#define LILYPAD_CLI_OUTPUT_PLACE_H

#include "base/err.h"

/* The folder is an empty one that can be written, or is absent and can be made: the nearest of its parents
 * that exists is a folder that can be written. Makes nothing. path: absolute. CONFLICT: something is there;
 * IO: it cannot be made or written. */
MUST bool output_place_check(const char *path, struct err *e);

#endif
