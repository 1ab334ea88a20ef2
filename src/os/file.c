/* file.c - files as values. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"
#include "os/clock.h"

enum { LOCK_STEP_MS = 5 };

void fd_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

bool fd_write(int fd, struct bytes data)
{
	while (data.n > 0) {
		ssize_t n = write(fd, data.p, data.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data.p += n;
		data.n -= (size_t)n;
	}
	return true;
}

bool no_room(int sys)
{
	return sys == ENOSPC || sys == EDQUOT || sys == EFBIG;
}

bool file_fail(struct err *e, int sys, const char *verb, const char *path)
{
	if (sys == ENOENT)
		return FAIL(e, NOT_FOUND, "cannot %s %s: there is no such file", verb, path);
	if (no_room(sys)) {
		FAIL_SYS(e, DISK_FULL, sys, "cannot %s %s: no space is left there", verb, path);
		return err_hint(e, "free some space on that disk, then try again");
	}
	FAIL_SYS(e, IO, sys, "cannot %s %s", verb, path);
	if (sys == EROFS || sys == EACCES || sys == EPERM)
		err_hint(e,
		        "make it readable and writable for user id %u, or keep the files elsewhere with --dir",
		        (unsigned)geteuid());
	return false;
}

bool file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	OWN(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t piece[16384];
	size_t n = 0;

	if (fd < 0)
		return file_fail(e, errno, "read", path);
	for (;;) {
		ssize_t got = read(fd, piece, sizeof piece);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_fail(e, errno, "read", path);
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > max)
			return FAIL(e, TOO_LARGE, "%s is larger than %zu bytes", path, max);
		buf_put(out, piece, (size_t)got);
	}
	if (!buf_ok(out))
		return FAIL(e, TOO_LARGE, "%s does not fit into %zu bytes", path, out->max);
	return true;
}

/* The directory part of a path. */
static bool parent_of(const char *path, char out[PATH_MAX], struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= PATH_MAX)
		return FAIL(e, IO, "path of %zu bytes is too long", strlen(path));
	if (!slash) {
		memcpy(out, ".", 2);
	} else {
		n = n ? n : 1; /* "/name" is in "/" */
		memcpy(out, path, n);
		out[n] = '\0';
	}
	return true;
}

bool dir_sync(const char *path, struct err *e)
{
	OWN(fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return file_fail(e, errno, "open", path);
	if (fsync(fd))
		return file_fail(e, errno, "sync", path);
	return true;
}

bool file_write(const char *path, struct bytes data, unsigned mode, struct err *e)
{
	char temp[PATH_MAX], dir[PATH_MAX];
	int k = snprintf(temp, sizeof temp, "%s.XXXXXX", path);

	if (k < 0 || (size_t)k >= sizeof temp)
		return FAIL(e, IO, "path of %zu bytes is too long", strlen(path));
	TRY(parent_of(path, dir, e), e);

	OWN(fd_close) int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return file_fail(e, errno, "write", path);
	if (!fd_write(fd, data) || fchmod(fd, mode) || fsync(fd) || rename(temp, path)) {
		int sys = errno;

		unlink(temp);
		return file_fail(e, sys, "write", path);
	}
	TRY(dir_sync(dir, e), e);
	return true;
}

bool fd_lock(int fd, int how)
{
	struct mono end = mono_plus(clock_mono(), span_ms(LOCK_WAIT_MS));

	while (flock(fd, how | LOCK_NB)) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || clock_mono().ns >= end.ns)
			return false;
		clock_sleep(span_ms(LOCK_STEP_MS));
	}
	return true;
}

bool dir_make(const char *path, struct err *e)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	struct stat st;

	if (n == 0 || n >= sizeof part)
		return FAIL(e, IO, "'%s' cannot be a directory", path);
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0700) && errno != EEXIST)
			return file_fail(e, errno, "make the directory", part);
		part[i] = path[i];
	}
	if (stat(path, &st))
		return file_fail(e, errno, "read", path);
	if (!S_ISDIR(st.st_mode))
		return FAIL(e, IO, "%s is no directory", path);
	return true;
}
