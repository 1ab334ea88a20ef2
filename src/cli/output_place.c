/* output_place.c - looking at a folder that is to be made. */
#include "cli/output_place.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static bool empty(const char *path, bool *out, struct err *e)
{
	DIR *d = opendir(path);
	struct dirent *f;
	bool found = false;

	if (!d)
		return FAIL_SYS(e, IO, errno, "cannot list the output folder %s", path);
	while (!found && (f = readdir(d)) != NULL)
		found = strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0;
	closedir(d);
	*out = !found;
	return true;
}

static bool can_write(const char *dir, const char *path, struct err *e)
{
	if (access(dir, W_OK | X_OK) == 0)
		return true;
	FAIL_SYS(e, IO, errno, "the output folder %s cannot be written in %s. Nothing was sent",
	        path, dir);
	return err_hint(e, "choose another folder with -O DIR");
}

static bool check_there(const char *path, const struct stat *st, struct err *e)
{
	bool is_empty = false;

	if (S_ISDIR(st->st_mode))
		TRY(empty(path, &is_empty, e), e);
	if (is_empty)
		return can_write(path, path, e);
	FAIL(e, CONFLICT,
	        S_ISDIR(st->st_mode) ? "the output folder %s is not empty. Nothing was sent"
	                             : "%s is no folder. Nothing was sent",
	        path);
	return err_hint(e,
	        "choose another folder with -O DIR; `lilypad job get` gives the output of a "
	        "job of before");
}

bool output_place_check(const char *path, struct err *e)
{
	char at[CLI_PATH_MAX];
	struct stat st;

	if (path[0] != '/' || strlen(path) >= sizeof at)
		return FAIL(e, IO, "the path of the output folder is too long");
	if (lstat(path, &st) == 0 && stat(path, &st) == 0)
		return check_there(path, &st, e);
	snprintf(at, sizeof at, "%s", path);
	while (stat(at, &st) != 0) {
		char *end = strrchr(at, '/');

		if (errno != ENOENT || end == at + strlen(at)) {
			FAIL_SYS(e, IO, errno,
			        "the output folder %s cannot be made. Nothing was sent", path);
			return err_hint(e, "choose another folder with -O DIR");
		}
		end[end == at] = '\0'; /* the root keeps its slash, and exists */
	}
	if (!S_ISDIR(st.st_mode)) {
		FAIL(e, IO,
		        "the output folder %s cannot be made: %s is no folder. Nothing was sent",
		        path, at);
		return err_hint(e, "choose another folder with -O DIR");
	}
	return can_write(at, path, e);
}
