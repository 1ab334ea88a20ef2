/* alike_test.c - what the comparator `json` calls the same, and what it does not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/defs.h"
#include "verify/alike.h"

static const struct {
	const char *a, *b;
	unsigned tolerance;
	bool same;
} rows[] = {
        {"{\"a\":1,\"b\":[true,null,\"x\"]}", " { \"b\" : [true, null, \"x\"], \"a\": 1 }", 0,
                true},
        {"1", "1.0", 0, true},
        {"0.1", "1e-1", 0, true},
        {"0", "-0.0", 0, true},
        {"100", "101", 9, false},
        {"100", "101", 10, true},
        {"-100", "-101", 10, true},
        {"100", "-100", 1000, false},
        {"1.0", "1.0000001", 0, false},
        {"1.0", "1.0000001", 1, true},
        {"0", "0.0001", 999, false}, /* all of it: only the whole tolerance covers it */
        {"0", "0.0001", 1000, true},
        /* As doubles they would be equal. */
        {"9007199254740993", "9007199254740992", 0, false},
        {"9223372036854775807", "-9223372036854775808", 1000, false},
        {"-9223372036854775808", "-9223372036854775807", 1, true},
        {"1e308", "-1e308", 1000, false},
        {"1.7e308", "1.69e308", 10, true},
        {"\"1\"", "1", 1000, false},
        {"true", "false", 1000, false},
        {"true", "1", 1000, false},
        {"null", "false", 1000, false},
        {"\"a\"", "\"b\"", 1000, false},
        {"\"a\\u0062\"", "\"ab\"", 0, true},
        {"[1,2]", "[1,2,3]", 1000, false},
        {"[1,2]", "[2,1]", 100, false},
        {"{\"a\":1}", "{\"b\":1}", 1000, false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", 1000, false},
        {"{}", "[]", 1000, false},
        {"{\"a\":{\"b\":[0.5]}}", "{\"a\":{\"b\":[0.5001]}}", 1, true},
        /* No JSON. */
        {"", "", 1000, false},
        {"nan", "nan", 1000, false},
        {"1e999", "1e999", 1000, false},
        {"{\"a\":1,\"a\":1}", "{\"a\":1,\"a\":1}", 1000, false},
        {"1 2", "1 2", 1000, false},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (alike_json(str_of(rows[i].a), str_of(rows[i].b), rows[i].tolerance) !=
		                rows[i].same ||
		        alike_json(str_of(rows[i].b), str_of(rows[i].a), rows[i].tolerance) !=
		                rows[i].same)
			fail_msg("%s and %s at %u", rows[i].a, rows[i].b, rows[i].tolerance);
	}
}

static void test_bounds(void **state)
{
	char *text = malloc(ALIKE_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', ALIKE_MAX + 1);
	text[0] = '7';
	assert_true(alike_json((struct str){text, ALIKE_MAX}, STR("7"), 0));
	assert_false(alike_json((struct str){text, ALIKE_MAX + 1}, STR("7"), 0));
	memset(text, '[', 100);
	assert_false(alike_json((struct str){text, 100}, (struct str){text, 100}, 0));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows),
	        cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
