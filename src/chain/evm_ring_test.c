/* evm_ring_test.c - blocks that were read, in a file and back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/evm_ring.h"
#include "os/file.h"

static struct evm_ring ring, back;

static struct hash hash_of(uint64_t n)
{
	struct hash h = {{(uint8_t)(n >> 8), (uint8_t)n}};

	return h;
}

static struct addr account_of(uint64_t n)
{
	struct addr a = {{(uint8_t)(n >> 8), (uint8_t)n}};

	return a;
}

static void fill(uint64_t blocks, uint64_t accounts)
{
	memset(&ring, 0, sizeof ring);
	for (uint64_t i = 1; i <= blocks; i++) {
		struct hash h = hash_of(i);

		evm_ring_add(&ring, 10 * i, &h);
	}
	for (uint64_t i = 1; i <= accounts; i++) {
		struct addr a = account_of(i);

		evm_ring_touch(&ring, 10 * i, &a);
	}
}

static void the_oldest_are_forgotten(void **state)
{
	struct addr again = account_of(300);
	struct hash h = hash_of(1);

	(void)state;
	fill(300, 300);
	assert_int_equal(ring.n, EVM_RING_BLOCKS);
	assert_int_equal(ring.blocks[0].number, 10 * (300 - EVM_RING_BLOCKS + 1));
	assert_int_equal(ring.blocks[ring.n - 1].number, 3000);
	evm_ring_add(&ring, 3000, &h);
	assert_int_equal(ring.n, EVM_RING_BLOCKS);
	assert_false(hash_eq(&ring.blocks[ring.n - 1].hash, &h));
	assert_int_equal(ring.accounts_n, EVM_RING_ACCOUNTS);
	for (size_t i = 0; i < ring.accounts_n; i++)
		assert_true(ring.accounts[i].number > 10 * (300 - EVM_RING_ACCOUNTS));
	evm_ring_touch(&ring, 9999, &again);
	assert_int_equal(ring.accounts_n, EVM_RING_ACCOUNTS);
	evm_ring_cut(&ring, 2995);
	assert_int_equal(ring.blocks[ring.n - 1].number, 2990);
	evm_ring_cut(&ring, 0);
	assert_int_equal(ring.n, 0);
}

static void a_full_one_comes_back(void **state)
{
	char path[] = "/tmp/evm-ring-XXXXXX";
	int fd = mkstemp(path);
	struct err e;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	assert_true(evm_ring_load(path, &back, &e)); /* no file */
	assert_int_equal(back.n, 0);
	fill(300, 300);
	ring.shift = 7;
	ring.mend_above = 12;
	assert_true(evm_ring_save(path, &ring, &e));
	assert_true(evm_ring_load(path, &back, &e));
	assert_memory_equal(&back, &ring, sizeof ring);
	assert_true(file_write(path, str_bytes(STR("{\"shift\":")), 0600, &e));
	assert_false(evm_ring_load(path, &back, &e));
	assert_int_equal(e.code, E_ENCODING);
	assert_non_null(strstr(e.msg, path));
	unlink(path);
}

static void what_is_no_ring_is_refused(void **state)
{
	static const char *const bad[] = {"", "[]", "{}", "{\"shift\":\"0\"}",
	        "{\"shift\":\"0\",\"mendAbove\":\"0\",\"blocks\":[[\"1\"]],\"accounts\":[]}",
	        "{\"shift\":\"0\",\"mendAbove\":\"0\",\"blocks\":[[\"x\",\"0x12\"]],\"accounts\":[]}",
	        "{\"shift\":\"0\",\"mendAbove\":\"0\",\"blocks\":[],\"accounts\":[[\"1\",\"0x12\"]]}"};
	struct err e;

	(void)state;
	fill(2, 1);
	back = ring;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(evm_ring_parse(str_of(bad[i]), &back, &e));
		assert_memory_equal(&back, &ring, sizeof ring);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_oldest_are_forgotten),
	        cmocka_unit_test(a_full_one_comes_back),
	        cmocka_unit_test(what_is_no_ring_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
