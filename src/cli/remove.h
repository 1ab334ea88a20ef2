/* remove.h - folders that this program made and that are not wanted any more. */
#ifndef LILYPAD_CLI_REMOVE_H
#define LILYPAD_CLI_REMOVE_H

#include "base/bounds.h"
#include "base/err.h"

#define REMOVE_DEPTH_MAX                                                                           \
	(TREE_DEPTH_MAX + 4) /* deeper than anything that is made here: what lies below stays */

/* Bytes of all files below (or of the file itself); links are not followed. */
uint64_t remove_size(const char *path);
/* The file, or the folder with all that is in it; links are removed, not followed. IO. */
MUST bool remove_all(const char *path, struct err *e);

#endif
