/* memory_test.c - what the twin in memory promises as the folder does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "blobs/memory.h"

enum { MAX = 3 };

static int setup(void **state)
{
	*state = blobs_memory_new(MAX);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	*state = blobs_memory_free(*state);
	return 0;
}

static struct cid put(struct blobs_memory *m, const char *text)
{
	struct blobs b = blobs_memory_port(m);
	struct bytes data = str_bytes(str_of(text));
	struct cid cid = cid_of(CID_RAW, data);
	struct err e;

	assert_true(b.put(b.self, &cid, data, &e));
	return cid;
}

/* What get() fails with; E_NONE: the block is there and is the text. */
static enum err_code look(struct blobs_memory *m, const struct cid *cid, const char *text)
{
	struct blobs b = blobs_memory_port(m);
	OWN(buf_done) struct buf out;
	struct err e;

	buf_init(&out, BLOCK_MAX);
	if (!b.get(b.self, cid, &out, &e))
		return e.code;
	assert_string_equal(buf_cstr(&out), text);
	return E_NONE;
}

static void test_there_and_gone(void **state)
{
	struct blobs b = blobs_memory_port(*state);
	struct cid one = put(*state, "one"), none = put(*state, "");

	put(*state, "one");
	assert_int_equal(blobs_memory_count(*state), 2);
	assert_int_equal(look(*state, &one, "one"), E_NONE);
	assert_int_equal(look(*state, &none, ""), E_NONE);
	assert_true(blobs_memory_lose(*state, &one));
	assert_false(blobs_memory_lose(*state, &one));
	assert_false(b.has(b.self, &one));
	assert_int_equal(look(*state, &one, ""), E_NOT_FOUND);
}

static void test_bytes_of_another(void **state)
{
	struct blobs b = blobs_memory_port(*state);
	struct cid cid = cid_of(CID_RAW, str_bytes(STR("one")));
	struct err e;

	assert_false(b.put(b.self, &cid, str_bytes(STR("two")), &e));
	assert_int_equal(e.code, E_BLOCK_CORRUPT);
	assert_int_equal(blobs_memory_count(*state), 0);
}

/* Told once; put again it is whole. */
static void test_damage(void **state)
{
	struct cid one = put(*state, "one");

	assert_true(blobs_memory_damage(*state, &one));
	assert_int_equal(look(*state, &one, ""), E_BLOCK_CORRUPT);
	assert_int_equal(look(*state, &one, ""), E_NOT_FOUND);
	put(*state, "one");
	assert_int_equal(look(*state, &one, "one"), E_NONE);
}

static void test_full(void **state)
{
	struct blobs b = blobs_memory_port(*state);
	struct bytes more = str_bytes(STR("four"));
	struct cid cid = cid_of(CID_RAW, more);
	struct err e;

	put(*state, "one");
	put(*state, "two");
	put(*state, "three");
	put(*state, "three");
	assert_false(b.put(b.self, &cid, more, &e));
	assert_int_equal(e.code, E_QUOTA);
}

static bool keep_that(void *ctx, const struct cid *cid)
{
	return cid_eq(cid, ctx);
}

static void test_collect(void **state)
{
	struct cid one = put(*state, "one"), three;
	uint64_t freed = 0;
	struct err e;

	put(*state, "two");
	three = put(*state, "three");
	assert_true(blobs_memory_collect(*state, keep_that, &one, &freed, &e));
	assert_int_equal(freed, 8);
	assert_int_equal(blobs_memory_count(*state), 1);
	assert_int_equal(look(*state, &one, "one"), E_NONE);
	assert_int_equal(look(*state, &three, ""), E_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_there_and_gone, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_bytes_of_another, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_collect, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
