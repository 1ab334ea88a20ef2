/* job_end.c - the error, the output's owner and the receipt of a job that is over. */
#include "cli/job_end.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/receipt_write.h"
#include "os/file.h"

bool job_error(const struct creator_job *j, struct err *out)
{
	if (j->state == JOB_DONE && !j->error)
		return false;
	(void)err_set(out, (enum err_code)(j->error ? j->error : E_INTERNAL), 0, __FILE__, __LINE__,
	        "%s", j->why);
	amount_format(j->cost, out->charged);
	return true;
}

const char *job_output_name(const struct creator_job *j)
{
	if (j->error == E_REJECTED && j->own_status)
		return "output of your own run of the job";
	if (j->error == E_REJECTED && j->had == JOB_HAD_JUDGED)
		return "output of the mediator's run of the job";
	return j->error ? "output of the provider" : "output";
}

bool job_output_there(const struct creator_job *j, bool whole)
{
	char path[CLI_PATH_MAX + 16];

	if (!j->out[0])
		return false;
	snprintf(path, sizeof path, "%s/receipt.json", j->out);
	if (whole && access(path, R_OK) != 0)
		return false;
	snprintf(path, sizeof path, "%s/stdout", j->out); /* every output has one */
	return access(path, R_OK) == 0;
}

void job_leave_receipt(struct cli *c, const struct store *s, const struct creator_job *j,
        const char *dir, char path[CLI_PATH_MAX + 16])
{
	struct err e;

	snprintf(path, CLI_PATH_MAX + 16, "%s/receipt.json", dir);
	if (receipt_is_of(j) &&
	        (access(path, R_OK) == 0 ||
	                (dir_make(dir, &e) && receipt_write(c, s, &j->id, path, &e))))
		return;
	if (receipt_is_of(j))
		cli_say(c, "  no receipt: %s", e.msg);
	path[0] = '\0';
}
