/* output_place_test.c - folders that take an output, and those that do not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/output_place.h"
#include "cli/remove.h"

static char dir[64];

static const char *in(const char *name)
{
	static char path[200];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/output_place_XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct err e;

	(void)state;
	return remove_all(dir, &e) ? 0 : -1;
}

static void refused(const char *name, enum err_code code, const char *word)
{
	struct err e;

	assert_false(output_place_check(in(name), &e));
	assert_int_equal(e.code, code);
	if (!strstr(e.msg, word))
		fail_msg("\"%s\" lacks \"%s\"", e.msg, word);
	assert_non_null(strstr(e.hint, "-O DIR"));
}

static void make_file(const char *name)
{
	int fd = open(in(name), O_WRONLY | O_CREAT, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static void absent(void **state)
{
	struct err e;

	(void)state;
	assert_true(output_place_check(in("o"), &e));
	assert_true(output_place_check(in("a/b/c"), &e));
	assert_int_equal(access(in("o"), F_OK), -1);
	assert_int_equal(access(in("a"), F_OK), -1);
}

static void an_empty_folder(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(mkdir(in("o"), 0700), 0);
	assert_true(output_place_check(in("o"), &e));
	assert_true(output_place_check(in("o/"), &e));
}

static void something_is_there(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(mkdir(in("o"), 0700), 0);
	make_file("o/stdout");
	refused("o", E_CONFLICT, "not empty");
	assert_false(output_place_check(in("o"), &e));
	assert_non_null(strstr(e.hint, "lilypad job get"));
	refused("o/stdout", E_CONFLICT, "no folder");
	refused("o/stdout/below", E_IO, "cannot be made");
}

static void no_right_to_write(void **state)
{
	bool root = geteuid() == 0; /* may write everywhere */
	struct err e;

	(void)state;
	assert_int_equal(mkdir(in("o"), 0500), 0);
	assert_int_equal(output_place_check(in("o/a"), &e), root);
	assert_int_equal(output_place_check(in("o"), &e), root);
}

static void names_that_are_none(void **state)
{
	char path[4200];
	struct err e;

	(void)state;
	assert_false(output_place_check("", &e));
	assert_false(output_place_check("o", &e));
	memset(path, 'a', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	assert_false(output_place_check(path, &e));
	path[300] = '\0'; /* a name longer than any */
	assert_false(output_place_check(path, &e));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(absent),
	        T(an_empty_folder),
	        T(something_is_there),
	        T(no_right_to_write),
	        T(names_that_are_none),
	};

	return cmocka_run_group_tests_name("output place", tests, NULL, NULL);
}
