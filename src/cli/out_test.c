/* out_test.c - foreign text on a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "cli/cli.h"

static void shown_as(const char *foreign, const char *expected)
{
	struct buf b OWN(buf_done);

	buf_init(&b, 256);
	cli_shown(str_of(foreign), &b);
	assert_string_equal(buf_cstr(&b), expected);
}

static void test_shown(void **state)
{
	(void)state;
	shown_as("plain\ttext, Zürich 水\n", "plain\ttext, Zürich 水\n");
	shown_as("\033[2J\033]0;title\a", "?[2J?]0;title?");
	shown_as("paid 0\rpaid 9\b\b", "paid 0?paid 9??");
	shown_as("\302\2332J", "?"
	                       "?2J"); /* CSI as one C1 character: both bytes are foreign */
	shown_as("\342\200\256gpj.exe", "??"
	                                "?gpj.exe"); /* right-to-left override */
	shown_as("\377\376 \303", "?? ?");
	shown_as("\177", "?");
}

/* What is no terminal gets every byte. */
static void test_put_to_a_file(void **state)
{
	FILE *f = tmpfile();
	char back[16] = {0};

	(void)state;
	assert_non_null(f);
	assert_true(cli_put(f, STR("\033[2J\377")));
	rewind(f);
	assert_int_equal(fread(back, 1, sizeof back, f), 5);
	assert_memory_equal(back, "\033[2J\377", 5);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_shown), cmocka_unit_test(test_put_to_a_file)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
