/* cache_test.c - what goes of the compiled programs, and what stays. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exec/cache.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/lilypad-cache-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[96];

	(void)state;
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd);
}

static void path_of(char out[128], const char *name)
{
	snprintf(out, 128, "%.60s/%.60s", dir, name);
}

/* Used `age` seconds ago. */
static void put(const char *name, long bytes, long age)
{
	struct timespec t[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};
	char path[128];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(futimens(fd, t), 0);
	close(fd);
}

static bool there(const char *name)
{
	char path[128];

	path_of(path, name);
	return access(path, F_OK) == 0;
}

static void least_recently_used_go_first(void **state)
{
	char path[128];
	int fd;

	(void)state;
	put("a.cwasm", 1000, 400);
	put("b.cwasm", 1000, 300);
	put("c.cwasm", 1000, 200);
	put("d.cwasm", 1000, 100);
	put("notes.txt", 100000, 500);
	wasm_cache_trim(dir, 4000);
	assert_true(there("a.cwasm"));
	/* The oldest was used just now. */
	path_of(path, "a.cwasm");
	fd = open(path, O_RDONLY);
	wasm_cache_used(fd);
	close(fd);
	wasm_cache_trim(dir, 2999);
	assert_true(there("a.cwasm") && there("d.cwasm"));
	assert_false(there("b.cwasm") || there("c.cwasm"));
	assert_true(there("notes.txt")); /* none of ours */
	wasm_cache_trim(dir, 0);
	assert_false(there("a.cwasm") || there("d.cwasm"));
}

static bool first(void *ctx, const char *path)
{
	snprintf(ctx, 128, "%.127s", path);
	return false;
}

static void they_are_told_and_stay(void **state)
{
	char path[128] = "", want[128];

	(void)state;
	put("x.cwasm", 10, 20);
	put("y.cwasm", 10, 30);
	wasm_cache_excess(dir, 5, first, path);
	path_of(want, "y.cwasm");
	assert_string_equal(path, want);
	assert_true(there("x.cwasm") && there("y.cwasm"));
	wasm_cache_trim("/nowhere/at/all", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(least_recently_used_go_first, setup, teardown),
	        cmocka_unit_test_setup_teardown(they_are_told_and_stay, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
