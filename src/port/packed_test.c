/* packed_test.c - the bytes of a list as contracts read them, written out once by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/keccak.h"
#include "port/packed.h"

static void fill(struct settle_item *x, uint8_t jc, uint64_t serial, uint8_t seed)
{
	memset(x, 0, sizeof *x);
	memset(x->job_creator.b, jc, 20);
	x->serial = serial;
	memset(x->doc.deal.b, seed, 32);
	memset(x->doc.result.b, seed + 1, 32);
	memset(x->doc.channel.b, 0xee, 32);
	x->doc.number = 0x0102030405060708u;
	x->doc.cost = amount_of(0x0a0b);
	x->doc.royalty = 0x0102;
	memset(x->doc.author.b, seed + 2, 20);
	x->doc.solver_share = 0x0304;
	memset(x->doc.solver.b, seed + 3, 20);
	x->sig.n = 64;
	memset(x->sig.b, seed + 4, 64);
}

static size_t group(uint8_t *p, uint8_t jc, uint8_t serial, uint8_t n)
{
	memset(p, jc, 20);
	memset(p + 20, 0, 7);
	p[27] = serial;
	p[28] = n;
	return 29;
}

static size_t item(uint8_t *p, uint8_t seed)
{
	static const uint8_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, /* number */
	        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0x0b /* cost, 12 bytes */};

	memset(p, seed, 32);
	memset(p + 32, seed + 1, 32);
	memcpy(p + 64, numbers, 20);
	p[84] = 1;
	p[85] = 2;
	memset(p + 86, seed + 2, 20);
	p[106] = 3;
	p[107] = 4;
	memset(p + 108, seed + 3, 20);
	memset(p + 128, seed + 4, 64);
	return 192;
}

/* Two groups of one channel with another between them: order counts. */
static void test_bytes(void **state)
{
	struct settle_item x[4];
	uint8_t bytes[4 * 221];
	struct hash is, must;
	size_t n = 0;

	(void)state;
	fill(&x[0], 0x11, 7, 0x20);
	fill(&x[1], 0x11, 7, 0x30);
	fill(&x[2], 0x11, 8, 0x40);
	fill(&x[3], 0x11, 7, 0x50);
	n += group(bytes + n, 0x11, 7, 2);
	n += item(bytes + n, 0x20);
	n += item(bytes + n, 0x30);
	n += group(bytes + n, 0x11, 8, 1);
	n += item(bytes + n, 0x40);
	n += group(bytes + n, 0x11, 7, 1);
	n += item(bytes + n, 0x50);
	keccak256(bytes, n, &must);
	packed_list_hash(x, 4, &is);
	assert_memory_equal(&is, &must, sizeof is);
}

/* All of an item counts but for its channel, which JC, serial and sender make. */
static void test_members(void **state)
{
	struct settle_item x[2], y[2];
	struct hash a, b;

	(void)state;
	fill(&x[0], 1, 1, 1);
	fill(&x[1], 2, 1, 9);
	packed_list_hash(x, 2, &a);
	memcpy(y, x, sizeof y);
	y[1].doc.channel.b[3] ^= 1;
	packed_list_hash(y, 2, &b);
	assert_true(hash_eq(&a, &b));
	y[1].sig.b[63] ^= 1;
	packed_list_hash(y, 2, &b);
	assert_false(hash_eq(&a, &b));
	memcpy(y, x, sizeof y);
	y[1].doc.cost = amount_of(1);
	packed_list_hash(y, 2, &b);
	assert_false(hash_eq(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_bytes), cmocka_unit_test(test_members)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
