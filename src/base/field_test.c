/* field_test.c - enumerations, look-ups, and where the items of a list lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/field.h"

#define LIST(type, bound)                                                                          \
	struct {                                                                                   \
		uint32_t n;                                                                        \
		type v[bound];                                                                     \
	}

struct odd {
	char text[65];
};
struct pair {
	uint16_t a, b, c;
};
struct wide {
	uint64_t a;
	char b;
};
struct row {
	LIST(struct addr, 3) addrs;
	LIST(struct hash, 3) hashes;
	LIST(struct odd, 3) odds;
	LIST(struct pair, 5) pairs;
	LIST(struct wide, 3) wides;
	LIST(struct odd, 1) one;
	uint8_t small;
};

#define SIZED(tag)                                                                                 \
	static const struct record *tag##_record(void)                                             \
	{                                                                                          \
		static const struct record r = {#tag, #tag, "", NULL, 0, sizeof(struct tag)};      \
		return &r;                                                                         \
	}
SIZED(odd)
SIZED(pair)
SIZED(wide)

#define ROW(kind, member, bound, rec)                                                              \
	{                                                                                          \
		kind, #member, offsetof(struct row, member), sizeof((struct row *)0)->member,      \
		        bound, 0, rec, NULL, ""                                                    \
	}

static const struct field fields[] = {
        ROW(K_ADDRS, addrs, 3, NULL),
        ROW(K_HASHES, hashes, 3, NULL),
        ROW(K_RECS, odds, 3, odd_record),
        ROW(K_RECS, pairs, 5, pair_record),
        ROW(K_RECS, wides, 3, wide_record),
        ROW(K_RECS, one, 1, odd_record),
        ROW(K_U8, small, 0, NULL),
};
static const struct record record = {"row", "Row", "", fields, COUNT(fields), sizeof(struct row)};

static void test_items(void **state)
{
	static struct row r;
	const void *const first[] = {
	        r.addrs.v, r.hashes.v, r.odds.v, r.pairs.v, r.wides.v, r.one.v};
	const size_t sizes[] = {20, 32, 65, 6, 16, 65, 1};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++)
		assert_int_equal(field_item_size(&fields[i]), sizes[i]);
	for (size_t i = 0; i < COUNT(first); i++)
		assert_ptr_equal(
		        (const uint8_t *)field_at(&r, &fields[i]) + field_items_at(&fields[i]),
		        first[i]);
	assert_ptr_equal(field_in(&r, &fields[6]), &r.small);
}

static void test_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(record_field(&record, STR("odds")), &fields[2]);
	assert_ptr_equal(record_field(&record, STR("small")), &fields[6]);
	assert_null(record_field(&record, STR("odd")));
	assert_null(record_field(&record, STR("oddss")));
	assert_null(record_field(&record, STR("")));
}

static void test_enum(void **state)
{
	static const struct enum_value values[] = {{"Red", 1, ""}, {"Blue", 5, ""}, {"Any", 0, ""}};
	static const struct enum_names colours = {"colour", values, COUNT(values)};
	uint8_t v = 77;

	(void)state;
	assert_string_equal(enum_name(&colours, 5), "Blue");
	assert_string_equal(enum_name(&colours, 2), "?");
	assert_string_equal(enum_name(&colours, 256), "?");
	assert_true(enum_has(&colours, 0) && enum_has(&colours, 1) && !enum_has(&colours, 261));
	assert_false(enum_by_name(&colours, STR("red"), &v));
	assert_false(enum_by_name(&colours, STR("Re"), &v));
	assert_false(enum_by_name(&colours, STR(""), &v));
	assert_int_equal(v, 77);
	assert_true(enum_by_name(&colours, STR("Any"), &v));
	assert_int_equal(v, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_items),
	        cmocka_unit_test(test_by_name),
	        cmocka_unit_test(test_enum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
