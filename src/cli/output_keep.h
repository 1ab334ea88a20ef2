/* output_keep.h - outputs that may be on this machine alone: of a creator's own runs, and those that a mediator
 * gave. Each is a folder named by its content id, until `lilypad gc` finds it older than gc.keep. */
#ifndef LILYPAD_CLI_OUTPUT_KEEP_H
#define LILYPAD_CLI_OUTPUT_KEEP_H

#include "cli/cli.h"
#include "port/port.h"

#define OUTPUT_PART "part-" /* PID: what is being written; left behind by a process that died */

/* Where they are: STATE/creator/outputs. */
void output_keep_dir(const struct cli *c, char out[CLI_PATH_MAX]);
/* Writes the tree there, all or nothing; one that is there is kept for longer. As output_write(). */
MUST bool output_keep(
        const struct cli *c, const struct blobs *blobs, const struct cid *root, struct err *e);
/* Its folder; false: it is not kept here. */
MUST bool output_kept(const struct cli *c, const struct cid *root, char out[CLI_PATH_MAX]);

#endif
