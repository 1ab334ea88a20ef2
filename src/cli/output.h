/* output.h - an output tree, which a stranger made, into a folder of this machine. */
#ifndef LILYPAD_CLI_OUTPUT_H
#define LILYPAD_CLI_OUTPUT_H

#include "port/port.h"

/* Writes the tree below dir, which is made when it is missing. No name of the tree leads out of it: each
 * part is opened without following links. CONFLICT when a file is there already; nothing is ever
 * overwritten. PEER, NOT_FOUND, DISK_FULL, IO; what was written before a failure stays. */
MUST bool output_write(
        const struct blobs *blobs, const struct cid *root, const char *dir, struct err *e);
/* Copies a folder of files and folders in the same way; links are left out. */
MUST bool output_copy(const char *from, const char *dir, struct err *e);

#endif
