/* memtree_test.c - the file system of a job: order, numbers, limits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "exec/memtree.h"

static void test_order(void **state)
{
	static const char *const names[] = {"b", "a", "B", "ab", "\xc3\xa9", "a-", "aa"};
	static const char *const sorted[] = {"B", "a", "a-", "aa", "ab", "b", "\xc3\xa9"};
	struct memtree t;

	(void)state;
	memtree_init(&t, 100);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct mem_node *n = mem_add(&t, t.tmp, str_of(names[i]), false, true);

		assert_non_null(n);
		assert_int_equal(n->inode, 4 + i); /* after the three roots, in order of creation */
		assert_ptr_equal(n->parent, t.tmp);
		assert_ptr_equal(mem_find(t.tmp, str_of(names[i])), n);
	}
	assert_int_equal(t.tmp->kids_n, COUNT(sorted));
	for (size_t i = 0; i < COUNT(sorted); i++)
		assert_true(str_is(t.tmp->kids[i]->name, sorted[i]));
	assert_null(mem_find(t.tmp, STR("A")));
	assert_null(mem_find(t.tmp, STR("")));
	assert_null(mem_find(t.outputs, STR("a")));
	memtree_done(&t);
}

static void test_remove(void **state)
{
	struct mem_node *a, *b;
	struct memtree t;

	(void)state;
	memtree_init(&t, 100);
	a = mem_add(&t, t.tmp, STR("a"), false, true);
	b = mem_add(&t, t.tmp, STR("b"), false, true);
	mem_remove(a);
	assert_true(a->gone);
	assert_null(a->parent);
	assert_null(mem_find(t.tmp, STR("a")));
	assert_ptr_equal(mem_find(t.tmp, STR("b")), b);
	a = mem_add(&t, t.tmp, STR("a"), false, true);
	assert_int_equal(a->inode, 6); /* a number is never given twice */
	memtree_done(&t);
}

static void test_put(void **state)
{
	struct memtree t;
	struct mem_node *x;

	(void)state;
	memtree_init(&t, 100);
	assert_true(mem_put(&t, t.inputs, STR("a/b/c"), str_bytes(STR("text")), false));
	assert_true(mem_put(&t, t.inputs, STR("a/d"), (struct bytes){NULL, 0}, true));
	assert_true(mem_put(&t, t.inputs, STR("a"), (struct bytes){NULL, 0}, true)); /* again */
	x = mem_find(mem_find(mem_find(t.inputs, STR("a")), STR("b")), STR("c"));
	assert_non_null(x);
	assert_false(x->dir);
	assert_false(x->writable);
	assert_int_equal(mem_content(x).n, 4);
	assert_true(mem_find(mem_find(t.inputs, STR("a")), STR("d"))->dir);
	/* What is a file cannot be a directory, nor the other way round. */
	assert_false(mem_put(&t, t.inputs, STR("a/b/c/e"), str_bytes(STR("x")), false));
	assert_false(mem_put(&t, t.inputs, STR("a/b/c"), (struct bytes){NULL, 0}, true));
	assert_false(mem_put(&t, t.inputs, STR("a/b"), str_bytes(STR("x")), false));
	memtree_done(&t);
}

static void test_most_nodes(void **state)
{
	struct memtree t;
	char name[16];
	size_t n;

	(void)state;
	memtree_init(&t, 100);
	for (n = 0; n < 2u * MEMTREE_NODES_MAX; n++) {
		snprintf(name, sizeof name, "%zu", n);
		if (!mem_add(&t, t.tmp, str_of(name), false, true))
			break;
	}
	assert_int_equal(n, MEMTREE_NODES_MAX - 3);
	assert_int_equal(t.tmp->kids_n, n);
	assert_non_null(mem_find(t.tmp, STR("40000")));
	assert_false(mem_put(&t, t.inputs, STR("x"), str_bytes(STR("x")), false));
	memtree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order),
	        cmocka_unit_test(test_remove), cmocka_unit_test(test_put),
	        cmocka_unit_test(test_most_nodes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
