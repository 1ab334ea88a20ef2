/* lock.c - an flock(2) on a side file that holds the id of who took it last. */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "os/file.h"

static bool held(int fd, const char *path, struct err *e)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		FAIL(e, STORE_LOCKED, "process %ld uses this store (%s)", pid, path);
	else
		FAIL(e, STORE_LOCKED, "another process uses this store (%s)", path);
	return err_hint(e, "stop that process, or give this one a folder of its own with --dir");
}

bool lock_take(const char *path, enum lock_mode mode, int *out, struct err *e)
{
	OWN(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char text[24];
	int n;

	if (fd < 0)
		return file_fail(e, errno, "open", path);
	if (!fd_lock(fd, mode == LOCK_ALONE ? LOCK_EX : LOCK_SH)) {
		if (errno == EWOULDBLOCK)
			return held(fd, path, e);
		return FAIL_SYS(e, IO, errno, "cannot lock %s", path);
	}
	/* The id only serves the message above: a full disk must not keep a store from opening. */
	n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (pwrite(fd, text, (size_t)n, 0) == n && ftruncate(fd, n) != 0)
		return FAIL_SYS(e, IO, errno, "cannot write %s", path);
	*out = fd;
	fd = -1;
	return true;
}

/* A byte-range lock of the open file (not of the process), independent of flock(2). */
static void door(int fd, short type)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = 1000, .l_len = 1};

	while (fcntl(fd, F_OFD_SETLKW, &l) && errno == EINTR)
		continue;
}

void lock_door(int fd)
{
	door(fd, F_WRLCK);
}

void lock_door_end(int fd)
{
	door(fd, F_UNLCK);
}
