/* idle_text_test.c - what people read about an idle provider. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/idle_text.h"
#include "codec/json.h"

static void assert_text(const char *json, const char *want)
{
	json_t *j OWN(json_own) = NULL;
	struct buf b OWN(buf_done) = {0};
	struct err e;

	assert_true(json_parse(str_of(json), &j, &e));
	buf_init(&b, 65536);
	idle_text(j, 18, &b);
	assert_string_equal(buf_cstr(&b), want);
}

static void test_reasons(void **state)
{
	(void)state;
	assert_text(
	        "{\"waiting\":50,\"lookedAt\":50,\"past\":11,\"taken\":0,\"matching\":0,\"reasons\":["
	        "{\"reason\":\"PRICE_BASE\",\"text\":\"asks more\",\"jobs\":21,"
	        "\"have\":\"1000000000000000\",\"atMost\":[{\"value\":\"900000000000000\",\"jobs\":1},"
	        "{\"value\":\"800000000000000\",\"jobs\":12}]},"
	        "{\"reason\":\"RAM\",\"text\":\"too little\",\"jobs\":40,"
	        "\"have\":\"17179869184\",\"atLeast\":[{\"value\":\"34359738368\",\"jobs\":40}]}]}",
	        "50 jobs waiting, 11 went by in the last hour\n"
	        "      40  too little (16 GiB): 32 GiB would have matched 40\n"
	        "      21  asks more (0.001): 0.0009 would have matched 1, 0.0008 12\n");
}

static void test_units(void **state)
{
	(void)state;
	assert_text("{\"waiting\":9000,\"lookedAt\":3072,\"past\":0,\"taken\":3,\"matching\":1,"
	            "\"reasons\":["
	            "{\"reason\":\"CPU\",\"text\":\"a\",\"jobs\":4,\"have\":\"500\","
	            "\"atLeast\":[{\"value\":\"2500\",\"jobs\":4}]},"
	            "{\"reason\":\"DISK\",\"text\":\"b\",\"jobs\":3,\"have\":\"1000\","
	            "\"atLeast\":[{\"value\":\"123456789\",\"jobs\":3}]},"
	            "{\"reason\":\"TOO_SLOW\",\"text\":\"c\",\"jobs\":2,\"have\":\"1000\","
	            "\"atMost\":[{\"value\":\"10\",\"jobs\":2}]},"
	            "{\"reason\":\"MODULE\",\"text\":\"d\",\"jobs\":1}]}",
	        "9000 jobs waiting (3072 of them looked at), 0 went by in the last hour\n"
	        "       4  a (0.5 cores): 2.5 cores would have matched 4\n"
	        "       3  b (1000 bytes): 117.74 MiB would have matched 3\n"
	        "       2  c (1000 ps an instruction): 10 ps an instruction would have matched 2\n"
	        "       1  d\n"
	        "       3  matched the offer and went to another provider\n"
	        "       1  match the offer as it is\n");
}

/* A solver may say anything. */
static void test_nonsense(void **state)
{
	(void)state;
	assert_text("{}", "0 jobs waiting, 0 went by in the last hour\n");
	assert_text("{\"waiting\":\"x\",\"reasons\":[1,{\"reason\":3,\"jobs\":\"y\"},"
	            "{\"reason\":\"RAM\",\"jobs\":1,\"have\":\"-1\",\"atLeast\":[7]}]}",
	        "0 jobs waiting, 0 went by in the last hour\n"
	        "       1   (-1):  would have matched 0\n"
	        "       0  \n"
	        "       0  \n");
}

static void test_time(void **state)
{
	static const struct {
		int64_t s;
		const char *text;
	} rows[] = {{0, "0 s"}, {59, "59 s"}, {60, "1 m"}, {720, "12 m"}, {7200, "2 h"},
	        {200000, "2 d"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b OWN(buf_done) = {0};

		buf_init(&b, 64);
		idle_time(rows[i].s, &b);
		assert_string_equal(buf_cstr(&b), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_reasons),
	        cmocka_unit_test(test_units),
	        cmocka_unit_test(test_nonsense),
	        cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
