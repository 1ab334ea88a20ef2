/* sync_count.c - counts the durable commits of every process that preloads it, in a file of one number
 * that they share ($SYNC_COUNT_FILE). */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t *count;

static void count_one(void)
{
	if (!count) {
		const char *path = getenv("SYNC_COUNT_FILE");
		int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
		void *p = fd < 0 ? MAP_FAILED
		                 : mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (fd >= 0)
			close(fd);
		if (p == MAP_FAILED)
			return;
		count = p;
	}
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

static int next_of(const char *name, int fd)
{
	int (*f)(int) = (int (*)(int))(uintptr_t)dlsym(RTLD_NEXT, name);

	count_one();
	return f ? f(fd) : -1;
}

int fsync(int fd)
{
	return next_of("fsync", fd);
}

int fdatasync(int fd)
{
	return next_of("fdatasync", fd);
}
