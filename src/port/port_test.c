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

static void what_passes(void **state)
{
	static const enum err_code later[] = {
	        E_UNREACHABLE, E_TIMEOUT, E_PEER, E_BUSY, E_RATE, E_STALE, E_INTERNAL, E_DISK_FULL};
	static const enum err_code never[] = {
	        E_FUNDS, E_TOO_LATE, E_STATE, E_NONCE, E_SIGNATURE, E_NOT_FOUND};

	(void)state;
	for (size_t i = 0; i < COUNT(later); i++)
		assert_true(err_passes(&(struct err){.code = later[i]}));
	for (size_t i = 0; i < COUNT(never); i++)
		assert_false(err_passes(&(struct err){.code = never[i]}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(query_values),
	        cmocka_unit_test(what_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
