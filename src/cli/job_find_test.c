/* job_find_test.c - jobs by the start of their id. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cli/job_find.h"
#include "store/memory.h"

static void add(const struct store *s, uint8_t first, uint8_t second, uint8_t deal)
{
	struct creator_job j = {.id = {{first, second}}, .deal = {{deal}}, .state = 1};
	struct creator_deal d = {.id = {{deal}}, .job = j.id};
	struct err e;

	assert_true(s->put(s->self, creator_job_record(), &j, &e));
	if (deal)
		assert_true(s->put(s->self, creator_deal_record(), &d, &e));
}

static void test_find(void **state)
{
	struct store_memory *m;
	struct job_store s = {0};
	struct creator_job j;
	struct creator_deal d;
	char name[JOB_NAME_MAX];
	struct err e;

	(void)state;
	m = store_memory_new(creator_tables);
	assert_non_null(m);
	s.store = store_memory_port(m);
	add(&s.store, 0x12, 0xab, 0xd1);
	add(&s.store, 0x12, 0xcd, 0);
	add(&s.store, 0x34, 0x00, 0xd2);

	assert_true(job_find(&s, "j-12a", &j, &e));
	assert_int_equal(j.id.b[1], 0xab);
	assert_string_equal(job_name(&j.id, name), "j-12ab000000");
	assert_true(job_find(&s, "0x34", &j, &e));
	assert_true(job_find(&s, "12CD", &j, &e));

	assert_false(job_find(&s, "j-12", &j, &e));
	assert_int_equal(e.code, E_USAGE);
	assert_non_null(strstr(e.msg, "0x12ab"));
	assert_non_null(strstr(e.msg, "0x12cd"));
	assert_false(job_find(&s, "j-9", &j, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
	assert_false(job_find(&s, "j-", &j, &e));
	assert_int_equal(e.code, E_USAGE);
	assert_false(job_find(&s, "j-xy", &j, &e));
	assert_int_equal(e.code, E_USAGE);

	assert_true(job_find_deal(&s, "0xd1", &d, &e));
	assert_int_equal(d.job.b[1], 0xab);
	assert_true(job_find_deal(&s, "j-34", &d, &e));
	assert_int_equal(d.id.b[0], 0xd2);
	assert_false(job_find_deal(&s, "j-12cd", &d, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
	store_memory_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_find)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
