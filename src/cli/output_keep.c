/* output_keep.c - outputs beyond the process whose run or fetch gave them. */
#include "cli/output_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/remove.h"
#include "os/file.h"

void output_keep_dir(const struct cli *c, char out[CLI_PATH_MAX])
{
	snprintf(out, CLI_PATH_MAX, "%.800s/creator/outputs", c->places.state);
}

static void path_of(const struct cli *c, const struct cid *root, char out[CLI_PATH_MAX])
{
	char dir[CLI_PATH_MAX], text[CID_TEXT_MAX];

	output_keep_dir(c, dir);
	cid_format(root, text);
	snprintf(out, CLI_PATH_MAX, "%.880s/%.100s", dir, text);
}

bool output_kept(const struct cli *c, const struct cid *root, char out[CLI_PATH_MAX])
{
	path_of(c, root, out);
	return access(out, R_OK | X_OK) == 0;
}

/* What was written is on the disk before its name says that it is whole. */
static bool put_in_place(const char *part, const char *path, struct err *e)
{
	int fd = open(part, O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && syncfs(fd) == 0;

	if (fd >= 0)
		close(fd);
	if (!ok)
		return file_fail(e, errno, "write", part);
	if (rename(part, path) == 0 || errno == EEXIST || errno == ENOTEMPTY)
		return true; /* another process was quicker with the same */
	return file_fail(e, errno, "make", path);
}

bool output_keep(
        const struct cli *c, const struct blobs *blobs, const struct cid *root, struct err *e)
{
	char dir[CLI_PATH_MAX], path[CLI_PATH_MAX], part[CLI_PATH_MAX];
	struct err ignored;
	bool ok;

	if (output_kept(c, root, path)) {
		(void)utimensat(AT_FDCWD, path, NULL, 0);
		return true;
	}
	output_keep_dir(c, dir);
	snprintf(part, sizeof part, "%.900s/" OUTPUT_PART "%ld", dir, (long)getpid());
	TRY(dir_make(dir, e), e);
	ok = output_write(blobs, root, part, e) && put_in_place(part, path, e);
	if (access(part, F_OK) == 0 && !remove_all(part, &ignored))
		err_clear(&ignored);
	return ok;
}
