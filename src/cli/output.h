/* output.h - an output tree, which a stranger made, into a folder of this machine. */
#ifndef LILYPAD_CLI_OUTPUT_H
#define LILYPAD_CLI_OUTPUT_H

#include "port/port.h"

/* Writes the tree below dir, which is made when it is missing. No name of the tree leads out of it: each
 * part is opened without following links. Nothing is ever overwritten: a file that is there
 * already is CONFLICT, unless it is the same or the beginning of the same, as a run that was killed leaves
 * it. PEER, NOT_FOUND, DISK_FULL, IO; what was written before a failure stays. */
MUST bool output_write(
        const struct blobs *blobs, const struct cid *root, const char *dir, struct err *e);
/* Copies a folder of files and folders in the same way; links are left out. */
MUST bool output_copy(const char *from, const char *dir, struct err *e);

#endif
