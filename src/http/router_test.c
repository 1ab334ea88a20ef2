/* router_test.c - which row a request means, and what is said when none does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/router.h"

static const struct route routes[] = {
        {"GET", "/", AUTH_NONE, BODY_NONE, 0, ""},
        {"GET", "/v1/deals", AUTH_NONE, BODY_NONE, 0, ""},
        {"POST", "/v1/deals", AUTH_NONE, BODY_JSON, 0, ""},
        {"GET", "/v1/deals/{id}", AUTH_NONE, BODY_NONE, 0, ""},
        {"GET", "/v1/deals/open", AUTH_NONE, BODY_NONE, 0, ""},
        {"POST", "/v1/deals/{id}/signature", AUTH_NONE, BODY_JSON, 0, ""},
        {"GET", "/v1/trees/{root}/{path...}", AUTH_NONE, BODY_NONE, 0, ""},
};

static int setup(void **state)
{
	struct router *r;
	struct err e;

	if (!router_new(routes, COUNT(routes), &r, &e))
		return -1;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	router_free(*state);
	return 0;
}

static unsigned row_of(void **state, const char *method, const char *path, struct routed *out)
{
	struct err e;

	assert_true(router_find(*state, str_of(method), str_of(path), out, &e));
	return out->route;
}

static void literal_and_parameter(void **state)
{
	struct routed to;

	assert_int_equal(row_of(state, "GET", "/", &to), 0);
	assert_int_equal(row_of(state, "GET", "/v1/deals", &to), 1);
	assert_int_equal(row_of(state, "POST", "/v1/deals", &to), 2);
	assert_int_equal(row_of(state, "GET", "/v1/deals/0x12", &to), 3);
	assert_int_equal(to.params_n, 1);
	assert_true(str_is(to.params[0], "0x12"));
	assert_int_equal(row_of(state, "GET", "/v1/deals/open", &to), 4);
	assert_int_equal(row_of(state, "HEAD", "/v1/deals/open", &to), 4);
	assert_int_equal(row_of(state, "POST", "/v1/deals/0x12/signature", &to), 5);
	assert_int_equal(row_of(state, "GET", "/v1/trees/bafy/a/b", &to), 6);
	assert_true(str_is(to.params[0], "bafy"));
	assert_true(str_is(to.params[1], "a/b"));
}

static void unknown_path_is_named(void **state)
{
	static const char *const paths[] = {"/v2", "/v1/deals/", "/v1/deals/a/b", "/v1", "", "x",
	        "//v1/deals", "/v1/trees/bafy/"};
	struct routed to;
	struct err e;

	for (size_t i = 0; i < COUNT(paths); i++) {
		assert_false(router_find(*state, STR("GET"), str_of(paths[i]), &to, &e));
		assert_int_equal(e.code, E_NOT_FOUND);
		assert_non_null(strstr(e.msg, paths[i]));
	}
}

static void wrong_method_says_the_right_ones(void **state)
{
	struct routed to;
	struct err e;

	assert_false(router_find(*state, STR("DELETE"), STR("/v1/deals"), &to, &e));
	assert_int_equal(e.code, E_METHOD);
	assert_string_equal(to.allow, "GET, POST");
	assert_non_null(strstr(e.hint, "GET, POST"));
	assert_false(router_find(*state, STR("GET"), STR("/v1/deals/0x12/signature"), &to, &e));
	assert_int_equal(e.code, E_METHOD);
}

static void percent_text(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {{"abc", "abc"}, {"a%20b", "a b"}, {"%2Fx%2f", "/x/"}, {"%41", "A"}, {"", ""},
	        {"%", NULL}, {"a%2", NULL}, {"%zz", NULL}, {"%00", NULL}, {"%4", NULL},
	        {"x%4g", NULL}};
	struct arena a;
	struct str out;
	struct err e;

	(void)state;
	arena_init(&a, 10000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool ok = percent_decode(&a, str_of(rows[i].in), &out, &e);

		assert_int_equal(ok, rows[i].out != NULL);
		if (ok)
			assert_true(str_is(out, rows[i].out));
		else
			assert_int_equal(e.code, E_ENCODING);
	}
	assert_false(percent_decode(&a, STR("a\0b"), &out, &e)); /* with no escape in it */
	assert_int_equal(e.code, E_ENCODING);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(literal_and_parameter),
	        cmocka_unit_test(unknown_path_is_named),
	        cmocka_unit_test(wrong_method_says_the_right_ones),
	        cmocka_unit_test(percent_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
