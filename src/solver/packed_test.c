/* packed_test.c - whatever is packed comes out again; empty lists take no room. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "market/sample.h"
#include "solver/packed.h"

static void assert_same(const uint8_t *doc, size_t size)
{
	struct packed *p = packed_of(doc, size);
	uint8_t *out = malloc(size + 1);

	assert_non_null(p);
	assert_non_null(out);
	memset(out, 0xee, size + 1);
	packed_open(p, out, size);
	assert_memory_equal(out, doc, size);
	assert_int_equal(out[size], 0xee);
	free(out);
	free(p);
}

static void test_lengths(void **state)
{
	static uint8_t doc[PACKED_MAX];

	(void)state;
	for (size_t n = 0; n < 64; n++)
		assert_same(doc, n);
	assert_same(doc, sizeof doc);
	doc[sizeof doc - 1] = 1;
	assert_same(doc, sizeof doc);
	memset(doc, 7, sizeof doc);
	assert_same(doc, sizeof doc);
	doc[0] = 0;
	assert_same(doc, sizeof doc);
}

/* Runs of zeros and of others of random lengths, around the lengths where something changes. */
static void test_runs(void **state)
{
	struct random_ r = {42};
	uint8_t doc[600];

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t n = below_n(&r, sizeof doc);

		for (size_t at = 0; at < n;) {
			size_t end = MIN2(n, at + 1 + below_n(&r, 20));
			uint8_t byte = (uint8_t)(once_in(&r, 2) ? 0 : 1 + below_n(&r, 255));

			for (; at < end; at++)
				doc[at] = byte;
		}
		assert_same(doc, n);
	}
}

static void test_offers(void **state)
{
	struct random_ r = {43};

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct job_offer j = random_job(&r, 10);
		struct resource_offer o = random_resource(&r, 10);

		assert_same((const uint8_t *)&j, sizeof j);
		assert_same((const uint8_t *)&o, sizeof o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_lengths),
	        cmocka_unit_test(test_runs),
	        cmocka_unit_test(test_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
