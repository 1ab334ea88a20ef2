/* merkle_test.c - roots against RFC 6962's recursive definition (whose trees promote odd nodes too, with
 * the same prefixes), and every path of every small tree. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/merkle.h"
#include "crypto/keccak.h"

enum { N = 70 };

static struct hash items[N];

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++)
		keccak256(&i, sizeof i, &items[i]);
	return 0;
}

/* RFC 6962 section 2.1 with Keccak-256: split at the largest power of two below n. */
static struct hash tree(const struct hash *from, size_t n)
{
	uint8_t b[65];
	struct hash h, left, right;
	size_t k = 1;

	if (n == 1) {
		b[0] = 0;
		memcpy(b + 1, from, 32);
		keccak256(b, 33, &h);
		return h;
	}
	while (k * 2 < n)
		k *= 2;
	left = tree(from, k);
	right = tree(from + k, n - k);
	b[0] = 1;
	memcpy(b + 1, &left, 32);
	memcpy(b + 33, &right, 32);
	keccak256(b, 65, &h);
	return h;
}

static void test_roots(void **state)
{
	struct hash scratch[N], root, expect;

	(void)state;
	merkle_root(NULL, 0, NULL, &root);
	assert_true(hash_is_zero(&root));
	for (size_t n = 1; n <= N; n++) {
		merkle_root(items, n, scratch, &root);
		expect = tree(items, n);
		assert_true(hash_eq(&root, &expect));
	}
}

static void test_paths(void **state)
{
	struct hash scratch[N], levels[MERKLE_NODES(N)], root;

	(void)state;
	for (size_t n = 1; n <= N; n++) {
		size_t nodes = merkle_levels(items, n, levels);

		merkle_root(items, n, scratch, &root);
		assert_true(nodes <= COUNT(levels) && hash_eq(&levels[nodes - 1], &root));
		for (size_t i = 0; i < n; i++) {
			struct merkle_path p, q;

			merkle_prove(items, n, i, scratch, &p);
			merkle_path_of(levels, n, i, &q);
			assert_true(q.n == p.n && q.index == i && q.count == n);
			assert_memory_equal(p.siblings, q.siblings, p.n * sizeof *p.siblings);
			assert_true(p.n <= 7 && p.index == i && p.count == n);
			assert_true(merkle_check(&items[i], &p, &root));
			assert_false(merkle_check(&items[(i + 1) % N], &p, &root));
			for (uint32_t k = 0; k < p.n; k++) {
				q = p;
				q.siblings[k].b[31] ^= 1;
				assert_false(merkle_check(&items[i], &q, &root));
			}
			q = p;
			q.n++;
			assert_false(merkle_check(&items[i], &q, &root));
			if (p.n) {
				q.n = p.n - 1;
				assert_false(merkle_check(&items[i], &q, &root));
			}
			/* Another place of the same tree is another claim. */
			for (size_t other = 0; other < n; other++) {
				q = p;
				q.index = other;
				assert_int_equal(merkle_check(&items[i], &q, &root), other == i);
			}
			q = p;
			q.index = n;
			assert_false(merkle_check(&items[i], &q, &root));
			q.count = 0;
			assert_false(merkle_check(&items[i], &q, &root));
		}
	}
}

/* A path is foreign bytes: its numbers may be anything. */
static void test_bounds(void **state)
{
	static struct merkle_path p;
	struct hash root = {{1}};

	(void)state;
	p = (struct merkle_path){
	        .index = UINT64_MAX - 1, .count = UINT64_MAX, .n = MERKLE_PATH_MAX};
	assert_false(merkle_check(&items[0], &p, &root));
	p.index = 0;
	assert_false(merkle_check(&items[0], &p, &root));
	p.n = MERKLE_PATH_MAX + 1;
	assert_false(merkle_check(&items[0], &p, &root));
	p.n = UINT32_MAX;
	assert_false(merkle_check(&items[0], &p, &root));
}

/* An inner node is no item: the prefixes keep them apart. */
static void test_node_as_item(void **state)
{
	struct hash scratch[4], root, node;
	struct merkle_path p = {.index = 0, .count = 2, .n = 1};

	(void)state;
	merkle_root(items, 4, scratch, &root);
	node = tree(items, 2);
	p.siblings[0] = tree(items + 2, 2);
	assert_false(merkle_check(&node, &p, &root));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_roots),
	        cmocka_unit_test(test_paths),
	        cmocka_unit_test(test_bounds),
	        cmocka_unit_test(test_node_as_item),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
