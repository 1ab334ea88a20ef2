/* job_build.h - from a command line to a job: module, inputs, program and files in the blob store. */
#ifndef LILYPAD_CLI_JOB_BUILD_H
#define LILYPAD_CLI_JOB_BUILD_H

#include "cli/cli.h"
#include "module/inputs.h"

struct built_job {
	struct job_spec *spec; /* owned */
	struct module *module; /* owned; with its program's content id and the id that follows */
};

/* Reads -i, -f and --inputs-path of the command, checks them against the manifest of `module` (a name or
 * path, see module_find()), puts program, files and folders into blobs, and renders the spec. Nothing
 * of a folder is followed out of it: a symbolic link in it is refused. MODULE_UNKNOWN, MODULE_INPUT,
 * MODULE_BAD, USAGE, IO. */
MUST bool job_build(struct cli *c, const struct blobs *blobs, const char *module,
        struct built_job *out, struct err *e);
void built_job_done(struct built_job *b); /* usable with OWN(); safe on a zeroed one */

#endif
