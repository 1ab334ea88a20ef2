/* packed_test.c - deals in the form in which contracts take them. It lies here for the tables of documents. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/packed.h"
#include "model/model.h"

enum { HOT_BYTES = 288 };

static struct deal sample(void)
{
	struct deal d = {0};

	d.hot.job_creator.b[19] = 1;
	d.hot.provider.b[0] = 2;
	assert_true(amount_parse(STR("79228162514264337593543950335"), &d.hot.pay));
	d.hot.per_byte = amount_of(7);
	d.hot.instruction_limit = UINT64_MAX - 1;
	d.hot.mediation = MEDIATION_SINGLE;
	d.hot.royalty = 999;
	d.hot.agree_timeout.s = BTIME_MAX;
	d.hot.nonce = 258;
	snprintf(d.cold.engine, sizeof d.cold.engine, "wasm/x");
	d.cold.tolerance = 10;
	d.cold.mediators.n = 2;
	d.cold.mediators.v[0].b[0] = 0xaa;
	d.cold.mediators.v[1].b[0] = 0xbb;
	return d;
}

static void a_deal_comes_back(void **state)
{
	struct deal d = sample(), back;
	struct buf out OWN(buf_done) = {0};
	struct hash a, b;
	struct bytes rest;
	struct err e;

	(void)state;
	buf_init(&out, 4096);
	packed_put(deal_record(), &d, &out);
	assert_true(buf_ok(&out));
	assert_int_equal(out.n, HOT_BYTES + 4 * 32 + 1 + 6 + 1 + 20 + 2 + 20 + 1 + 2 * 20);
	rest = buf_bytes(&out);
	assert_true(packed_take(deal_record(), &rest, &back, &e));
	assert_int_equal(rest.n, 0);
	eip712_hash(deal_record(), &d, &a);
	eip712_hash(deal_record(), &back, &b);
	assert_true(hash_eq(&a, &b));
	for (size_t n = 0; n < out.n; n++) {
		rest = bytes_of(out.p, n);
		assert_false(packed_take(deal_record(), &rest, &back, &e));
		assert_int_equal(e.code, E_ENCODING);
		assert_int_equal(rest.n, n);
	}
}

/* The places that docs/contracts.md names. */
static void members_stand_where_contracts_read_them(void **state)
{
	struct deal d = sample();
	struct buf out OWN(buf_done) = {0};

	(void)state;
	buf_init(&out, 4096);
	packed_put(deal_record(), &d, &out);
	assert_int_equal(out.p[19], 1);
	assert_int_equal(out.p[20], 2);
	assert_int_equal(out.p[80], 0xff); /* pay, 12 bytes */
	assert_int_equal(out.p[91], 0xff);
	assert_int_equal(out.p[199], 7);    /* perByte */
	assert_int_equal(out.p[207], 0xfe); /* instructionLimit */
	assert_int_equal(out.p[216], MEDIATION_SINGLE);
	assert_int_equal(out.p[219] << 8 | out.p[220], 999);
	assert_int_equal(out.p[223], 0xff); /* agreeTimeout, 5 bytes */
	assert_int_equal(out.p[286] << 8 | out.p[287], 258);
	assert_int_equal(out.p[HOT_BYTES + 128], 6); /* engine */
	assert_memory_equal(out.p + HOT_BYTES + 129, "wasm/x", 6);
}

/* Cut to its width, a number would be another one. */
static void what_does_not_fit_is_not_cut(void **state)
{
	struct deal d = sample();
	struct buf out OWN(buf_done) = {0};
	struct err e;

	(void)state;
	buf_init(&out, 4096);
	assert_true(packed_fits(deal_record(), &d, &e));
	assert_true(amount_parse(STR("79228162514264337593543950336"), &d.hot.fee));
	assert_false(packed_fits(deal_record(), &d, &e));
	assert_int_equal(e.code, E_RANGE);
	assert_non_null(strstr(e.msg, "fee is not below 2^96"));
	packed_put(deal_record(), &d, &out);
	assert_false(buf_ok(&out));
	d = sample();
	d.hot.open_by.s = BTIME_MAX + 1;
	assert_false(packed_fits(deal_record(), &d, &e));
	assert_non_null(strstr(e.msg, "openBy is not below 2^40"));
}

static void what_is_out_of_bounds_is_refused(void **state)
{
	struct deal d = sample(), back;
	struct buf out OWN(buf_done) = {0};
	struct bytes rest;
	struct err e;

	(void)state;
	buf_init(&out, 16384);
	packed_put(deal_record(), &d, &out);
	assert_non_null(buf_room(&out, 8000));
	out.p[HOT_BYTES + 128] = ENGINE_NAME_MAX + 1;
	rest = buf_bytes(&out);
	assert_false(packed_take(deal_record(), &rest, &back, &e));
	out.p[HOT_BYTES + 128] = 6;
	out.p[HOT_BYTES + 129] = 0xff; /* no UTF-8 */
	assert_false(packed_take(deal_record(), &rest, &back, &e));
	out.p[HOT_BYTES + 129] = 'w';
	assert_true(packed_take(deal_record(), &rest, &back, &e));
	out.p[HOT_BYTES + 129 + 6 + 43] = MEDIATORS_MAX + 1;
	rest = buf_bytes(&out);
	assert_false(packed_take(deal_record(), &rest, &back, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_deal_comes_back),
	        cmocka_unit_test(members_stand_where_contracts_read_them),
	        cmocka_unit_test(what_does_not_fit_is_not_cut),
	        cmocka_unit_test(what_is_out_of_bounds_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
