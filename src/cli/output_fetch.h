/* output_fetch.h - the output of a job once more: from where it is kept, from the directory of the network in
 * use, or from the mediator that judged it. */
#ifndef LILYPAD_CLI_OUTPUT_FETCH_H
#define LILYPAD_CLI_OUTPUT_FETCH_H

#include "cli/job_find.h"

/* Asks with the wallet in use and the deal as the right to read (protocol 9.2), verifies every block, and
 * writes the tree into dir as output_write() does. STATE: the job has no output; NOT_FOUND: the directory
 * does not keep it any more; FORBIDDEN: the wallet is not of that deal; CONFLICT: dir holds such files. */
MUST bool output_fetch(struct cli *c, const struct job_store *s, const struct creator_job *j,
        const char *dir, struct err *e);

#endif
