/* job_find.h - the creator's store as commands read it, and jobs by the start of their id. */
#ifndef LILYPAD_CLI_JOB_FIND_H
#define LILYPAD_CLI_JOB_FIND_H

#include "cli/cli.h"
#include "creator/creator.h"
#include "store/sqlite.h"

struct job_store {
	struct store_sqlite *sqlite; /* owned; NULL: closed */
	struct store store;
};

#define JOB_NAME_MAX 16 /* "j-" + 10 hex digits + NUL */

/* STATE/creator/store.db, shared with other processes; made when it is not there. */
MUST bool job_store_open(const struct cli *c, struct job_store *out, struct err *e);
void job_store_close(struct job_store *s); /* usable with OWN(); safe on a zeroed one */
/* By "j-" or "0x" and the first hex digits of its id, at least one. NOT_FOUND; USAGE lists the jobs when
 * several begin so. */
MUST bool job_find(
        const struct job_store *s, const char *text, struct creator_job *out, struct err *e);
/* By the whole or the start of a deal id, or by job. */
MUST bool job_find_deal(
        const struct job_store *s, const char *text, struct creator_deal *out, struct err *e);
/* What people type: "j-" and the first ten digits. */
const char *job_name(const struct hash *id, char out[JOB_NAME_MAX]);

#endif
