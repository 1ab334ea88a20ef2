/* port_test.c - what roles read of a request. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "port/peer.h"

static void query_values(void **state)
{
	struct str v;

	(void)state;
	assert_true(query_find(STR("a=1&cursor=22&b"), "cursor", &v));
	assert_true(str_is(v, "22"));
	assert_true(query_find(STR("a=1&b"), "b", &v));
	assert_int_equal(v.n, 0);
	assert_false(query_find(STR("acursor=1"), "cursor", &v));
	assert_false(query_find(STR(""), "cursor", &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(query_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
