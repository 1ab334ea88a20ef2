/* os_test.c - files, the log line, clocks and random bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/rng.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/lilypad-os-XXXXXX");
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
	snprintf(out, 128, "%.60s/%s", dir, name);
}

static void file_is_written_whole(void **state)
{
	OWN(buf_done) struct buf b = {0};
	char path[128];
	struct stat st;
	struct err e;

	(void)state;
	path_of(path, "key.json");
	assert_true(file_write(path, bytes_of("old", 3), 0644, &e));
	assert_true(file_write(path, bytes_of("newer", 5), 0600, &e));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_init(&b, 100);
	assert_true(file_read(path, 5, &b, &e));
	assert_true(str_is(buf_view(&b), "newer"));
	buf_reset(&b);
	assert_false(file_read(path, 4, &b, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
}

static void missing_file_is_named(void **state)
{
	OWN(buf_done) struct buf b = {0};
	char path[128];
	struct err e;

	(void)state;
	buf_init(&b, 100);
	path_of(path, "none");
	assert_false(file_read(path, 5, &b, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
	assert_non_null(strstr(e.msg, path));
	path_of(path, "no/dir/file");
	assert_false(file_write(path, bytes_of("x", 1), 0600, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
}

/* A write that fails leaves the file as it was, and nothing beside it. The limit on file size stands in
 * for a full disk. */
static void failed_write_leaves_the_old_file(void **state)
{
	OWN(buf_done) struct buf b = {0};
	char path[128], big[4096] = "";
	struct rlimit was, small = {100, 100};
	struct err e;

	(void)state;
	path_of(path, "state");
	assert_true(file_write(path, bytes_of("old", 3), 0600, &e));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_false(file_write(path, bytes_of(big, sizeof big), 0600, &e));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(e.code, E_DISK_FULL);
	assert_non_null(strstr(e.hint, "free some space"));
	buf_init(&b, 100);
	assert_true(file_read(path, 100, &b, &e));
	assert_true(str_is(buf_view(&b), "old"));
}

static void directories_are_private(void **state)
{
	char path[128];
	struct stat st;
	struct err e;

	(void)state;
	path_of(path, "a/b/c");
	assert_true(dir_make(path, &e));
	assert_true(dir_make(path, &e));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	path_of(path, "a/file");
	assert_true(file_write(path, bytes_of("x", 1), 0600, &e));
	assert_false(dir_make(path, &e));
	assert_int_equal(e.code, E_IO);
	path_of(path, "a/file/below");
	assert_false(dir_make(path, &e));
}

static void log_line_is_one_line(void **state)
{
	OWN(buf_done) struct buf b = {0};
	struct log_os l;
	struct logger log;
	char path[128];
	struct err e;
	int fd;

	(void)state;
	path_of(path, "log");
	fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	assert_true(fd >= 0);
	log = log_os_init(&l, fd, LOG_INFO, "solver");
	log_line(&log, LOG_DEBUG, "not wanted");
	log_line(&log, LOG_INFO, "match %d\n2026 info forged", 7);
	log_line(&log, LOG_BROKEN, "store is damaged");
	close(fd);
	buf_init(&b, 1000);
	assert_true(file_read(path, 1000, &b, &e));
	assert_null(strstr(buf_cstr(&b), "not wanted"));
	assert_non_null(strstr(buf_cstr(&b), "Z info solver: match 7?2026 info forged\n"));
	assert_non_null(strstr(buf_cstr(&b), "Z broken solver: store is damaged\n"));
	assert_int_equal(l.broken, 1);
}

static void levels_have_names(void **state)
{
	enum log_level level;

	(void)state;
	for (int i = LOG_DEBUG; i <= LOG_BROKEN; i++) {
		assert_true(log_level_parse(str_of(log_level_name((enum log_level)i)), &level));
		assert_int_equal(level, i);
	}
	assert_false(log_level_parse(STR("loud"), &level));
}

static void clocks_move(void **state)
{
	struct mono a = clock_mono();
	struct wall w = clock_wall();

	(void)state;
	usleep(3000);
	assert_true(mono_since(clock_mono(), a).ms >= 2);
	assert_true(clock_wall().ms - w.ms >= 2);
	assert_true(w.ms > 1600000000000);
}

/* A child process gives other bytes than its parent: nonces would repeat else. */
static void random_bytes_differ_across_fork(void **state)
{
	struct rng r = rng_os();
	uint8_t mine[16], theirs[16];
	int p[2], status;
	pid_t pid;

	(void)state;
	r.fill(r.self, mine, sizeof mine);
	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		r.fill(r.self, theirs, sizeof theirs);
		_exit(write(p[1], theirs, sizeof theirs) == (ssize_t)sizeof theirs ? 0 : 1);
	}
	r.fill(r.self, mine, sizeof mine);
	assert_int_equal(read(p[0], theirs, sizeof theirs), (int)sizeof theirs);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_not_equal(mine, theirs, sizeof mine);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(file_is_written_whole),
	        cmocka_unit_test(missing_file_is_named),
	        cmocka_unit_test(failed_write_leaves_the_old_file),
	        cmocka_unit_test(directories_are_private),
	        cmocka_unit_test(log_line_is_one_line),
	        cmocka_unit_test(levels_have_names),
	        cmocka_unit_test(clocks_move),
	        cmocka_unit_test(random_bytes_differ_across_fork),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
