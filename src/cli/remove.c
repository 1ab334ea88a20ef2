/* remove.c - sizes and removal of folders, without following links. */
#include "cli/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

static uint64_t size_at(int at, const char *name, int depth)
{
	struct stat st;
	uint64_t sum = 0;
	struct dirent *f;
	DIR *d;

	if (depth > REMOVE_DEPTH_MAX || fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return (uint64_t)st.st_size;
	d = open_dir(at, name);
	while (d && (f = readdir(d)) != NULL) {
		if (!dots(f->d_name))
			sum += size_at(dirfd(d), f->d_name, depth + 1);
	}
	if (d)
		closedir(d);
	return sum;
}

uint64_t remove_size(const char *path)
{
	return size_at(AT_FDCWD, path, 0);
}

static bool remove_at(int at, const char *name, int depth, struct err *e)
{
	struct stat st;
	struct dirent *f;
	bool ok = true;
	DIR *d;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || FAIL_SYS(e, IO, errno, "cannot look at %s", name);
	if (!S_ISDIR(st.st_mode))
		return unlinkat(at, name, 0) == 0 ||
		       FAIL_SYS(e, IO, errno, "cannot remove %s", name);
	if (depth > REMOVE_DEPTH_MAX)
		return FAIL(e, IO, "%s is more than %d folders deep", name, REMOVE_DEPTH_MAX);
	d = open_dir(at, name);
	if (!d)
		return FAIL_SYS(e, IO, errno, "cannot list %s", name);
	while (ok && (f = readdir(d)) != NULL)
		ok = dots(f->d_name) || remove_at(dirfd(d), f->d_name, depth + 1, e);
	closedir(d);
	TRY(ok, e);
	return unlinkat(at, name, AT_REMOVEDIR) == 0 ||
	       FAIL_SYS(e, IO, errno, "cannot remove %s", name);
}

bool remove_all(const char *path, struct err *e)
{
	return remove_at(AT_FDCWD, path, 0, e);
}
