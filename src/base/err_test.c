/* err_test.c - the error object: what it says, how it grows on its way up, what it never lets through. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

static bool inner(struct err *e)
{
	return FAIL(e, RANGE, "%d is above %d", 7, 5);
}

static bool outer(struct err *e)
{
	TRY(inner(e), e);
	return true;
}

static void test_fail_and_trail(void **state)
{
	struct err e;

	(void)state;
	memset(&e, 0x5a, sizeof e);
	assert_false(outer(&e));
	assert_int_equal(e.code, E_RANGE);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.msg, "7 is above 5");
	assert_string_equal(e.hint, "");
	assert_string_equal(e.charged, "");
	assert_int_equal(e.trail_n, 2);
	assert_true(e.trail[1].line > e.trail[0].line);
	assert_non_null(strstr(e.trail[0].file, "err_test.c"));
	assert_false(err_hint(&e, "give at most %d", 5));
	assert_string_equal(e.hint, "give at most 5");
	err_prefix(&e, "offer %s: ", "0x12");
	assert_string_equal(e.msg, "offer 0x12: 7 is above 5");
	for (int i = 0; i < 20; i++)
		err_note(&e, __FILE__, __LINE__);
	assert_int_equal(e.trail_n, ERR_TRAIL_MAX);
	err_clear(&e);
	assert_int_equal(e.code, E_NONE);
	assert_string_equal(e.msg, "");
	assert_int_equal(e.trail_n, 0);
}

static void test_sys(void **state)
{
	struct err e;

	(void)state;
	assert_false(FAIL_SYS(&e, IO, ENOENT, "cannot open %s", "x.json"));
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.msg, "cannot open x.json: No such file or directory");
}

/* The old message may be a part of the new one. */
static void test_own_message(void **state)
{
	struct err e;

	(void)state;
	(void)outer(&e);
	err_hint(&e, "less");
	assert_false(FAIL(&e, PEER, "the peer says: %s (%s)", e.msg, e.hint));
	assert_string_equal(e.msg, "the peer says: 7 is above 5 (less)");
	assert_string_equal(e.hint, "");
	err_prefix(&e, "%s / ", e.msg);
	assert_string_equal(
	        e.msg, "the peer says: 7 is above 5 (less) / the peer says: 7 is above 5 (less)");
	err_hint(&e, "a");
	err_hint(&e, "%s%s", e.hint, e.hint);
	assert_string_equal(e.hint, "aa");
}

static void test_long(void **state)
{
	char big[2 * ERR_MSG_MAX];
	struct err e;

	(void)state;
	memset(big, 'x', sizeof big);
	big[sizeof big - 1] = '\0';
	FAIL(&e, PEER, "%s", big);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	err_hint(&e, "%s", big);
	assert_int_equal(strlen(e.hint), ERR_HINT_MAX - 1);
	FAIL_SYS(&e, IO, ENOENT, "%s", big);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	err_prefix(&e, "ab");
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	assert_int_equal(strncmp(e.msg, "abxx", 4), 0);
	/* A character that does not fit whole is left out whole. */
	for (size_t shift = 0; shift < 3; shift++) {
		memset(big, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof big; i += 3)
			memcpy(big + i, "\xe2\x82\xac", 3);
		FAIL(&e, PEER, "%s", big);
		assert_true(str_is_utf8(str_of(e.msg)));
		assert_true(strlen(e.msg) > ERR_MSG_MAX - 4);
		assert_null(strchr(e.msg, '?'));
	}
}

static void test_foreign_bytes(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	        {"a\x1b[2Jb\x07", "a?[2Jb?"},
	        {"two\r\n lines\t", "two   lines "},
	        {"\x7f", "?"},
	        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb8",
	                "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb8"},
	        {"\xff\xfe z", "?? z"},
	        {"\xc0\x80z", "??z"},
	        {"\xed\xa0\x80z", "???z"},
	        {"\xc2\x9b"
	         "31mz",
	                "??31mz"}, /* CSI as one character */
	        {"\xe2\x82z", "??z"},
	        {"z\xe2\x82", "z"},
	        {"z\x80", "z?"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		FAIL(&e, PEER, "%s", rows[i].in);
		assert_string_equal(e.msg, rows[i].out);
		err_hint(&e, "%s", rows[i].in);
		assert_string_equal(e.hint, rows[i].out);
		e.msg[0] = '\0';
		err_prefix(&e, "%s", rows[i].in);
		assert_string_equal(e.msg, rows[i].out);
	}
}

static void test_table(void **state)
{
	enum err_code code = E_NONE;

	(void)state;
	for (int i = 0; i < E_COUNT; i++) {
		assert_true(err_by_name(err_name((enum err_code)i), &code));
		assert_int_equal(code, i);
		assert_true(strlen(err_meaning(code)) > 5);
		assert_true(err_http(code) >= 200 && err_http(code) < 600);
		assert_true(err_exit(code) >= 0 && err_exit(code) <= 130);
		/* Only "no error" ends a command with 0. */
		assert_int_equal(err_exit(code) == 0, code == E_NONE);
		assert_true(strlen(err_fault_name(err_fault(code))) > 3);
		assert_true(err_retry(code) <= RETRY_NOW);
	}
	/* What passes is never the fault of what was asked. */
	static const enum err_code later[] = {
	        E_UNREACHABLE, E_TIMEOUT, E_PEER, E_BUSY, E_RATE, E_STALE, E_INTERNAL, E_DISK_FULL};
	static const enum err_code never[] = {
	        E_NONE, E_FUNDS, E_TOO_LATE, E_STATE, E_NONCE, E_SIGNATURE, E_NOT_FOUND};

	for (size_t i = 0; i < COUNT(later); i++)
		assert_true(err_passes(later[i]));
	for (size_t i = 0; i < COUNT(never); i++)
		assert_false(err_passes(never[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_fail_and_trail),
	        cmocka_unit_test(test_sys),
	        cmocka_unit_test(test_own_message),
	        cmocka_unit_test(test_long),
	        cmocka_unit_test(test_foreign_bytes),
	        cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
