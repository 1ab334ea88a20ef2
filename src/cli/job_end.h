/* job_end.h - what is told and left of a job that is over. */
#ifndef LILYPAD_CLI_JOB_END_H
#define LILYPAD_CLI_JOB_END_H

#include "cli/cli.h"
#include "creator/creator.h"

/* Did the job end with an error? Then *out is that one, with what the job cost. */
MUST bool job_error(const struct creator_job *j, struct err *out);
/* "output", or whose it is where that is not plain: after a dispute it may be that of our own run. */
const char *job_output_name(const struct creator_job *j);
/* Is the output in the job's own folder? `whole`: with the receipt, which is written last, so that a run that
 * was killed has not left a part of it. */
MUST bool job_output_there(const struct creator_job *j, bool whole);
/* The receipt as DIR/receipt.json, unless it is there already or the deal gives none; the folder is made.
 * What is in the way is said, for an output without a receipt is an output all the same. path: where the
 * receipt is, or "". */
void job_leave_receipt(struct cli *c, const struct store *s, const struct creator_job *j,
        const char *dir, char path[CLI_PATH_MAX + 16]);

#endif
