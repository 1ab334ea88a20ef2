/* mpt_test.c - the roots of Ethereum's own trie tests; every item of each tree has a path that holds, and no byte of it
 * can be another. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "codec/hex.h"
#include "codec/mpt.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"

enum { ITEMS = 8 };

struct tree {
	const char *root;
	struct {
		const char *key, *value; /* text, or hex after "0x" */
	} items[ITEMS];
};

/* ethereum/tests, TrieTests: trieanyorder.json (singleItem, dogs, puppy, foo, smallValues), and trietest.json
 * (emptyValues and jeff as they are in the end, insert-middle-leaf). */
static const struct tree trees[] = {
        {"0xd23786fb4a010da3ce639d66d5e904a11dbc02746d1ce25029e53290cabf28ab",
                {{"A", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}},
        {"0x8aad789dff2f538bca5d8ea56e8abe10f4c7ba3a5dea95fea4cd6e7c3a1168d3",
                {{"doe", "reindeer"}, {"dog", "puppy"}, {"dogglesworth", "cat"}}},
        {"0x5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84",
                {{"do", "verb"}, {"horse", "stallion"}, {"doge", "coin"}, {"dog", "puppy"}}},
        {"0x17beaa1648bafa633cda809c90c04af50fc8aed3cb40d16efbddee6fdf63c4c3",
                {{"foo", "bar"}, {"food", "bass"}}},
        {"0x3f67c7a47520f79faa29255d2d3c084a7a6df0453116ed7232ff10277a8be68b",
                {{"be", "e"}, {"dog", "puppy"}, {"bed", "d"}}},
        {"0xcb65032e2f76c48b82b5c24b3db8f670ce73982869d38cd39a624f23d62a9e89",
                {{"key1aa", "0123456789012345678901234567890123456789xxx"},
                        {"key1", "0123456789012345678901234567890123456789Very_Long"},
                        {"key2bb", "aval3"}, {"key2", "short"}, {"key3cc", "aval3"},
                        {"key3", "1234567890123456789012345678901"}}},
        {"0x9f6221ebb8efe7cff60a716ecb886e67dd042014be444669f0159d8e68b42100",
                {{"0x0000000000000000000000000000000000000000000000000000000000000045",
                         "0x22b224a1420a802ab51d326e29fa98e34c4f24ea"},
                        {"0x0000000000000000000000000000000000000000000000000000000000000046",
                                "0x67706c2076330000000000000000000000000000000000000000000000000000"},
                        {"0x000000000000000000000000697c7b8c961b56f675d570498424ac8de1a918f6",
                                "0x6f6f6f6820736f2067726561742c207265616c6c6c793f000000000000000000"},
                        {"0x0000000000000000000000007ef9e639e2733cb34e4dfc576d4b23f72db776b2",
                                "0x4655474156000000000000000000000000000000000000000000000000000000"},
                        {"0x000000000000000000000000ec4f34c97e43fbb2816cfd95e388353c7181dab1",
                                "0x4e616d6552656700000000000000000000000000000000000000000000000000"},
                        {"0x4655474156000000000000000000000000000000000000000000000000000000",
                                "0x7ef9e639e2733cb34e4dfc576d4b23f72db776b2"},
                        {"0x4e616d6552656700000000000000000000000000000000000000000000000000",
                                "0xec4f34c97e43fbb2816cfd95e388353c7181dab1"},
                        {"0x6f6f6f6820736f2067726561742c207265616c6c6c793f000000000000000000",
                                "0x697c7b8c961b56f675d570498424ac8de1a918f6"}}},
};

struct loaded {
	struct mpt_item item[ITEMS];
	size_t n;
	uint8_t raw[2 * ITEMS][64];
};

static struct bytes load_text(const char *text, uint8_t raw[64])
{
	struct err e;
	size_t n = 0;

	if (strncmp(text, "0x", 2) != 0)
		return str_bytes(str_of(text));
	assert_true(hex_parse_upto(str_of(text), raw, 64, &n, &e));
	return bytes_of(raw, n);
}

static void load(const struct tree *t, struct loaded *out)
{
	for (out->n = 0; out->n < ITEMS && t->items[out->n].key; out->n++) {
		size_t i = out->n;

		out->item[i].key = load_text(t->items[i].key, out->raw[2 * i]);
		out->item[i].value = load_text(t->items[i].value, out->raw[2 * i + 1]);
	}
}

static void prove(const struct loaded *l, size_t which, struct hash *root, struct buf *path)
{
	struct err e;

	buf_init(path, 4096);
	assert_true(mpt_prove(l->item, l->n, which, root, path, &e));
}

static bool holds(const struct hash *root, struct bytes key, struct bytes path)
{
	struct bytes value;
	struct err e;

	if (mpt_check(root, key, path, &value, &e))
		return true;
	assert_int_equal(e.code, E_TAMPERED);
	return false;
}

static void roots_are_those_of_ethereum(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(trees); t++) {
		struct loaded l;

		load(&trees[t], &l);
		for (size_t i = 0; i < l.n; i++) {
			struct buf path OWN(buf_done) = {0};
			char text[HASH_TEXT_MAX];
			struct bytes value;
			struct hash root;
			struct err e;

			prove(&l, i, &root, &path);
			hash_format(&root, text);
			assert_string_equal(text, trees[t].root);
			assert_true(mpt_check(&root, l.item[i].key, buf_bytes(&path), &value, &e));
			assert_true(str_eq(bytes_str(value), bytes_str(l.item[i].value)));
		}
	}
}

static void no_byte_can_be_another(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(trees); t++) {
		struct loaded l;

		load(&trees[t], &l);
		for (size_t i = 0; i < l.n; i++) {
			struct buf path OWN(buf_done) = {0};
			struct hash root;

			prove(&l, i, &root, &path);
			for (size_t at = 0; at < path.n; at++) {
				for (unsigned bit = 0; bit < 8; bit++) {
					path.p[at] ^= (uint8_t)(1u << bit);
					assert_false(holds(&root, l.item[i].key, buf_bytes(&path)));
					path.p[at] ^= (uint8_t)(1u << bit);
				}
			}
			root.b[7] ^= 1;
			assert_false(holds(&root, l.item[i].key, buf_bytes(&path)));
		}
	}
}

static void no_node_is_missing_or_too_many(void **state)
{
	struct buf path OWN(buf_done) = {0};
	struct bytes cut, first, rest;
	struct loaded l;
	struct hash root;
	struct err e;

	(void)state;
	load(&trees[5], &l);
	prove(&l, 0, &root, &path);
	rest = buf_bytes(&path);
	assert_true(rlp_next_bytes(&rest, 4096, &first, &e) && rest.n);
	assert_false(holds(&root, l.item[0].key, rest));
	assert_false(holds(&root, l.item[0].key, bytes_of(path.p, path.n - rest.n)));
	for (size_t n = 0; n < path.n; n++) {
		cut = bytes_of(path.p, n);
		assert_false(holds(&root, l.item[0].key, cut));
	}
	rlp_put_bytes(&path, first);
	assert_false(holds(&root, l.item[0].key, buf_bytes(&path)));
}

static void another_key_is_not_there(void **state)
{
	static const char *const others[] = {"", "do", "dot", "dogg", "dogglesworthy", "e"};
	struct loaded l;

	(void)state;
	load(&trees[1], &l);
	for (size_t i = 0; i < l.n; i++) {
		struct buf path OWN(buf_done) = {0};
		uint8_t longer[MPT_KEY_MAX + 1] = {0};
		struct hash root;

		prove(&l, i, &root, &path);
		for (size_t k = 0; k < COUNT(others); k++)
			assert_false(holds(&root, str_bytes(str_of(others[k])), buf_bytes(&path)));
		assert_false(holds(&root, bytes_of(longer, sizeof longer), buf_bytes(&path)));
	}
}

/* A tree that anyone could have made, with a root of its own, but in another form than its only one. */
static void is_refused(const char *node, const char *why)
{
	struct buf path OWN(buf_done) = {0};
	struct bytes value;
	uint8_t raw[256];
	struct hash root;
	struct err e;
	size_t n;

	assert_true(hex_parse_upto(str_of(node), raw, sizeof raw, &n, &e));
	keccak256(raw, n, &root);
	buf_init(&path, 512);
	rlp_put_bytes(&path, bytes_of(raw, n));
	assert_false(mpt_check(&root, bytes_of("\x12", 1), buf_bytes(&path), &value, &e));
	assert_int_equal(e.code, E_TAMPERED);
	if (!strstr(e.msg, why))
		fail_msg("%s: \"%s\" without \"%s\"", node, e.msg, why);
}

static void other_forms_are_refused(void **state)
{
	(void)state;
	is_refused("0xc0", "neither 2 nor 17 items");
	is_refused("0xc22001", "no such key");
	is_refused("0xc58322123401", "another form"); /* an even part with a nibble before it */
	is_refused("0xc482401201", "another form");   /* flags of no kind */
	is_refused("0xc5822012c101", "no value");     /* a list */
	is_refused("0xc482201280", "no value");       /* an empty one */
	is_refused("0xc600c482201201", "extension by nothing");
	is_refused("0xc411c23201", "another form"); /* an extension, and behind it no branch */
	is_refused("0xc21120", "a child that is no hash");
	is_refused("0xc3110101", "neither 2 nor 17 items");
	is_refused("0xd380c23201808080808080808080808080808080", "less than two ways");
	is_refused("0xc48220120100", "bytes behind");
	is_refused("0x821234", "string where a list");
	is_refused("0xc4822012", "ends within");
}

static void what_cannot_be_a_tree_is_refused(void **state)
{
	uint8_t longer[MPT_KEY_MAX + 1] = {0};
	struct mpt_item twice[] = {{bytes_of("a", 1), bytes_of("x", 1)},
	        {bytes_of("b", 1), bytes_of("x", 1)}, {bytes_of("a", 1), bytes_of("y", 1)}};
	struct mpt_item too_long = {bytes_of(longer, sizeof longer), bytes_of("x", 1)};
	struct buf path OWN(buf_done) = {0};
	struct hash root;
	struct err e;

	(void)state;
	buf_init(&path, 4);
	assert_false(mpt_prove(twice, 3, 0, &root, &path, &e));
	assert_int_equal(e.code, E_RANGE);
	assert_false(mpt_prove(&too_long, 1, 0, &root, &path, &e));
	assert_int_equal(e.code, E_RANGE);
	assert_false(mpt_prove(twice, 2, 0, &root, &path, &e));
	assert_int_equal(e.code, E_TOO_LARGE); /* of the path */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(roots_are_those_of_ethereum),
	        cmocka_unit_test(no_byte_can_be_another),
	        cmocka_unit_test(no_node_is_missing_or_too_many),
	        cmocka_unit_test(another_key_is_not_there),
	        cmocka_unit_test(other_forms_are_refused),
	        cmocka_unit_test(what_cannot_be_a_tree_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
