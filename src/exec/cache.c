/* cache.c - which compiled programs go when there are too many. */
#include "exec/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"

struct entry {
	int64_t used_ns;
	uint64_t bytes;
	char name[NAME_MAX + 1];
};

void wasm_cache_used(int fd)
{
	/* Without the right to say so it counts as used when it was made. */
	(void)!futimens(fd, NULL);
}

static bool is_compiled(const char *name)
{
	static const char end[] = ".cwasm";
	size_t n = strlen(name);

	return name[0] != '.' && n > sizeof end - 1 &&
	       strcmp(name + n - (sizeof end - 1), end) == 0;
}

static size_t list(const char *dir, struct entry *v, size_t max)
{
	DIR *d = opendir(dir);
	const struct dirent *f;
	struct stat st;
	size_t n = 0;

	while (d && n < max && (f = readdir(d)) != NULL) {
		if (!is_compiled(f->d_name) ||
		        fstatat(dirfd(d), f->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		        !S_ISREG(st.st_mode))
			continue;
		v[n].used_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
		v[n].bytes = (uint64_t)st.st_size;
		snprintf(v[n++].name, sizeof v->name, "%s", f->d_name);
	}
	if (d)
		closedir(d);
	return n;
}

static int earlier(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->used_ns > y->used_ns) - (x->used_ns < y->used_ns);
}

void wasm_cache_excess(
        const char *dir, uint64_t max, bool (*each)(void *ctx, const char *path), void *ctx)
{
	struct entry *v = calloc(WASM_CACHE_FILES, sizeof *v);
	size_t n = v ? list(dir, v, WASM_CACHE_FILES) : 0;
	char path[PATH_MAX];
	uint64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += v[i].bytes;
	if (all > max)
		qsort(v, n, sizeof *v, earlier);
	for (size_t i = 0; i < n && all > max; i++) {
		all -= v[i].bytes;
		snprintf(path, sizeof path, "%s/%s", dir, v[i].name);
		if (!each(ctx, path))
			break;
	}
	free(v);
}

static bool drop(void *ctx, const char *path)
{
	(void)ctx;
	(void)!unlink(path); /* another executor was quicker */
	return true;
}

void wasm_cache_trim(const char *dir, uint64_t max)
{
	wasm_cache_excess(dir, max, drop, NULL);
}
