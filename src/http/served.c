/* served.c - the file of served.h: one line `served BOOT INODE SECOND`, each of fixed width, so that it is
 * rewritten in place by one write. */
#include "http/served.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"

enum { BOOT_N = 36, LINE_N = 7 + BOOT_N + 1 + 20 + 1 + 20 + 1 };

/* The kernel's name for the time since the machine started. */
static bool boot_id(char out[BOOT_N + 1])
{
	OWN(fd_close) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, out, BOOT_N) != BOOT_N)
		return false;
	out[BOOT_N] = '\0';
	return true;
}

static bool write_line(const struct served *s, uint64_t until_s, struct err *e)
{
	char boot[BOOT_N + 1], line[LINE_N + 1];
	struct stat st;

	if (!boot_id(boot)) /* fits no other */
		snprintf(boot, sizeof boot, "%-*s", BOOT_N, "-");
	if (fstat(s->fd, &st) != 0)
		return FAIL(e, IO, "the file of the last second served: %s", strerror(errno));
	snprintf(line, sizeof line, "served %s %020" PRIu64 " %020" PRIu64 "\n", boot,
	        (uint64_t)st.st_ino, until_s);
	if (pwrite(s->fd, line, LINE_N, 0) != LINE_N)
		return FAIL(e, IO, "the file of the last second served cannot be written: %s",
		        strerror(errno));
	return true;
}

/* Whether the line is one that this machine wrote into this very file since it started. */
static bool read_line(int fd, uint64_t *until_s)
{
	char boot[BOOT_N + 1], line[LINE_N + 1], want[LINE_N + 1];
	struct str second;
	struct stat st;
	uint64_t v;

	if (!boot_id(boot) || fstat(fd, &st) != 0 || st.st_size != LINE_N ||
	        pread(fd, line, LINE_N, 0) != LINE_N)
		return false;
	line[LINE_N] = '\0';
	/* The number without its leading zeros: what it was is compared below. */
	second = str_of(line + LINE_N - 21);
	second.n = 20;
	while (second.n > 1 && second.p[0] == '0')
		second = (struct str){second.p + 1, second.n - 1};
	if (!str_u64(second, UINT64_MAX, &v))
		return false;
	snprintf(want, sizeof want, "served %s %020" PRIu64 " %020" PRIu64 "\n", boot,
	        (uint64_t)st.st_ino, v);
	if (strcmp(line, want) != 0)
		return false;
	*until_s = v;
	return true;
}

void served_init(struct served *s, struct wall start, uint64_t *floor_s)
{
	*s = (struct served){.fd = -1, .until_s = wall_seconds(start)};
	*floor_s = s->until_s + 1;
}

bool served_open(
        struct served *s, const char *path, struct wall start, uint64_t *floor_s, struct err *e)
{
	struct served new = {.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
	bool first = new.fd >= 0;

	if (!first)
		new.fd = open(path, O_RDWR | O_CLOEXEC);
	if (new.fd < 0)
		return FAIL(e, IO, "%s: %s", path, strerror(errno));
	/* The first start of all: nobody can have accepted anything in its second. */
	if (first)
		new.until_s = wall_seconds(start) - 1;
	else if (!read_line(new.fd, &new.until_s))
		new.until_s = wall_seconds(start);
	if (!write_line(&new, new.until_s, e)) {
		served_done(&new);
		return false;
	}
	*s = new;
	/* One request that was signed ahead of time must not shut out all others after each start. */
	*floor_s = MIN2(new.until_s, wall_seconds(start)) + 1;
	return true;
}

void served_done(struct served *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

bool served_note(struct served *s, uint64_t time_s, struct err *e)
{
	if (s->fd < 0 || time_s <= s->until_s)
		return true;
	TRY(write_line(s, time_s, e), e);
	s->until_s = time_s;
	return true;
}
