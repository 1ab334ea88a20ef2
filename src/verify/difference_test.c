/* difference_test.c - trees that differ in one thing, and foreign ones that are no trees. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bounds.h"
#include "base/draw_suite.h"
#include "blobs/memory.h"
#include "model/model.h"
#include "verify/alike.h"
#include "verify/difference.h"

struct stage {
	struct blobs_memory *blocks;
	struct blobs port;
	size_t reads;
};

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->blocks = blobs_memory_new(200000);
	assert_non_null(s->blocks);
	s->port = blobs_memory_port(s->blocks);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;

	blobs_memory_free(s->blocks);
	free(s);
	return 0;
}

static bool get(void *self, const struct cid *cid, struct buf *out, struct err *e)
{
	struct stage *s = self;

	s->reads++;
	return s->port.get(s->port.self, cid, out, e);
}

static struct block_sink sink_of(struct stage *s)
{
	return (struct block_sink){s->port.self, s->port.put};
}

static struct cid tree(struct stage *s, const struct unixfs_path *paths, size_t n)
{
	struct block_sink sink = sink_of(s);
	struct unixfs_node out;
	struct err e;

	if (!unixfs_add_tree(&sink, paths, n, &out, &e))
		fail_msg("%s", e.msg);
	return out.cid;
}

static struct difference find(struct stage *s, const struct cid *own, const struct cid *other)
{
	struct block_source src = {s, get};
	struct difference d;
	struct err e;

	s->reads = 0;
	if (!difference_find(&src, own, other, NULL, &d, &e))
		fail_msg("%s", e.msg);
	return d;
}

static void says(const struct difference *d, const char *word)
{
	char text[DIFFERENCE_TEXT_MAX + 1];

	difference_text(d, text);
	if (!strstr(text, word))
		fail_msg("\"%s\" lacks \"%s\"", text, word);
}

#define FILE_AT(path, text)                                                                        \
	{                                                                                          \
		STR(path), {(const uint8_t *)(text), sizeof(text) - 1}, false                      \
	}
#define DIR_AT(path)                                                                               \
	{                                                                                          \
		STR(path), {NULL, 0}, true                                                         \
	}

static const struct unixfs_path own_paths[] = {FILE_AT("exitCode", "0\n"),
        FILE_AT("outputs/a.txt", "abcdef"), FILE_AT("outputs/deep/b.txt", "bb"), DIR_AT("stderr")};

/* The same tree but for one entry; NULL: without it. */
static struct cid changed(struct stage *s, size_t which, const struct unixfs_path *to)
{
	struct unixfs_path paths[COUNT(own_paths)];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(own_paths); i++) {
		if (i != which)
			paths[n++] = own_paths[i];
		else if (to)
			paths[n++] = *to;
	}
	return tree(s, paths, n);
}

static const struct {
	const char *name;
	size_t which;
	bool gone;
	struct unixfs_path to;
	enum difference_kind kind;
	const char *path;
	uint64_t offset;
	const char *word;
} changes[] = {
        {"a byte", 1, false, FILE_AT("outputs/a.txt", "abcxef"), DIFFERENCE_BYTES, "outputs/a.txt",
                3, "byte 3 on: 0x64 is right, 0x78 is there"},
        {"the first byte", 2, false, FILE_AT("outputs/deep/b.txt", "ab"), DIFFERENCE_BYTES,
                "outputs/deep/b.txt", 0, "byte 0"},
        {"shorter", 1, false, FILE_AT("outputs/a.txt", "abc"), DIFFERENCE_LENGTH, "outputs/a.txt",
                3, "6 bytes are right, 3 are there"},
        {"longer", 1, false, FILE_AT("outputs/a.txt", "abcdefgh"), DIFFERENCE_LENGTH,
                "outputs/a.txt", 6, "8 are there"},
        {"empty", 1, false, FILE_AT("outputs/a.txt", ""), DIFFERENCE_LENGTH, "outputs/a.txt", 0,
                "0 are there"},
        {"missing", 1, true, DIR_AT(""), DIFFERENCE_MISSING, "outputs/a.txt", 0, "missing"},
        {"another name", 1, false, FILE_AT("outputs/A.txt", "abcdef"), DIFFERENCE_EXTRA,
                "outputs/A.txt", 0, "must not be there"},
        {"a directory for a file", 1, false, DIR_AT("outputs/a.txt"), DIFFERENCE_KIND,
                "outputs/a.txt", 0, "a directory in the other"},
        {"a file for a directory", 3, false, FILE_AT("stderr", ""), DIFFERENCE_KIND, "stderr", 0,
                "a file in one"},
};

static void test_changes(void **state)
{
	struct stage *s = *state;
	struct cid own = tree(s, own_paths, COUNT(own_paths));

	for (size_t i = 0; i < COUNT(changes); i++) {
		struct cid other =
		        changed(s, changes[i].which, changes[i].gone ? NULL : &changes[i].to);
		struct difference d = find(s, &own, &other);

		print_message("           %s\n", changes[i].name);
		assert_int_equal(d.kind, changes[i].kind);
		assert_string_equal(d.path, changes[i].path);
		assert_int_equal(d.offset, changes[i].offset);
		says(&d, changes[i].word);
	}
}

static void test_same(void **state)
{
	struct stage *s = *state;
	struct cid own = tree(s, own_paths, COUNT(own_paths));
	struct difference d = find(s, &own, &own);

	assert_int_equal(d.kind, DIFFERENCE_NONE);
	assert_int_equal(s->reads, 0);
	says(&d, "same");
}

/* Of several differences the first in sorted order decides. */
static void test_first(void **state)
{
	struct stage *s = *state;
	const struct unixfs_path paths[] = {FILE_AT("exitCode", "0\n"),
	        FILE_AT("outputs/a.txt", "abcdef"), FILE_AT("outputs/deep/b.txt", "bx"),
	        DIR_AT("stderr"), FILE_AT("zzz", "")};
	struct cid own = tree(s, own_paths, COUNT(own_paths)), other = tree(s, paths, COUNT(paths));
	struct difference d = find(s, &own, &other);

	assert_string_equal(d.path, "outputs/deep/b.txt");
	d = find(s, &other, &own);
	assert_string_equal(d.path, "outputs/deep/b.txt");
	says(&d, "0x78 is right, 0x62 is there");
}

/* ---- large files ---------------------------------------------------------------------------------------- */

enum { LARGE = 60 * CHUNK_BYTES * 3 + 17 }; /* two levels of nodes */

static struct cid large(struct stage *s, uint8_t *data, size_t n)
{
	struct unixfs_path p = {STR("outputs/large"), bytes_of(data, n), false};

	return tree(s, &p, 1);
}

/* One byte of 45 MiB: found, and hardly anything is read for it. */
static void test_large(void **state)
{
	struct stage *s = *state;
	uint8_t *data = malloc(LARGE);
	const size_t at[] = {0, CHUNK_BYTES - 1, CHUNK_BYTES, 100 * CHUNK_BYTES + 5, LARGE - 1};
	uint64_t seed = 7;
	struct cid own;

	assert_non_null(data);
	draw_bytes(&seed, data, LARGE);
	own = large(s, data, LARGE);
	for (size_t i = 0; i < COUNT(at); i++) {
		struct difference d;
		struct cid other;

		data[at[i]] ^= 1;
		other = large(s, data, LARGE);
		data[at[i]] ^= 1;
		d = find(s, &own, &other);
		assert_int_equal(d.kind, DIFFERENCE_BYTES);
		assert_int_equal(d.offset, at[i]);
		assert_string_equal(d.path, "outputs/large");
		assert_int_equal(d.own_byte ^ d.other_byte, 1);
		assert_true(s->reads < 200);
	}
	{
		struct cid other = large(s, data, LARGE - CHUNK_BYTES);
		struct difference d = find(s, &own, &other);

		assert_int_equal(d.kind, DIFFERENCE_LENGTH);
		assert_int_equal(d.offset, LARGE - CHUNK_BYTES);
		assert_int_equal(d.own_bytes, LARGE);
		assert_int_equal(d.other_bytes, LARGE - CHUNK_BYTES);
	}
	free(data);
}

/* ---- foreign trees -------------------------------------------------------------------------------------- */

static struct cid put(struct stage *s, enum cid_codec codec, const void *p, size_t n)
{
	struct cid cid = cid_of(codec, bytes_of(p, n));
	struct err e;

	assert_true(s->port.put(s->port.self, &cid, bytes_of(p, n), &e));
	return cid;
}

/* A file node over raw leaves of the given sizes, written by hand. */
static struct cid file_of(
        struct stage *s, const struct cid *leaves, const size_t *sizes, size_t n, uint64_t says_n)
{
	struct buf b OWN(buf_done), fs OWN(buf_done);

	buf_init(&b, BLOCK_MAX);
	buf_init(&fs, 4096);
	buf_put(&fs, "\x08\x02\x18", 3);
	assert_true(says_n < 128);
	buf_byte(&fs, (uint8_t)says_n);
	for (size_t i = 0; i < n; i++) {
		uint8_t bin[CID_BINARY_LEN];

		assert_true(sizes[i] < 128);
		cid_encode(&leaves[i], bin);
		buf_put(&b, "\x12\x2a\x0a\x24", 4);
		buf_put(&b, bin, sizeof bin);
		buf_put(&b, "\x12\x00\x18", 3);
		buf_byte(&b, (uint8_t)sizes[i]);
		buf_put(&fs, "\x20", 1);
		buf_byte(&fs, (uint8_t)sizes[i]);
	}
	buf_put(&b, "\x0a", 1);
	buf_byte(&b, (uint8_t)fs.n);
	buf_put(&b, fs.p, fs.n);
	return put(s, CID_DAG_PB, b.p, b.n);
}

static struct cid in_dir(struct stage *s, const struct cid *file)
{
	struct unixfs_entry entry = {.name = STR("f"), .node = {*file, 100, 6}};
	struct block_sink sink = sink_of(s);
	struct unixfs_node out;
	struct err e;

	assert_true(unixfs_add_dir(&sink, &entry, 1, &out, &e));
	return out.cid;
}

static struct cid plain(struct stage *s, const char *text)
{
	struct unixfs_path p = {STR("f"), str_bytes(str_of(text)), false};

	return tree(s, &p, 1);
}

/* Cut into other blocks, the same bytes are the same file. */
static void test_other_layout(void **state)
{
	struct stage *s = *state;
	const struct cid leaves[] = {
	        put(s, CID_RAW, "ab", 2), put(s, CID_RAW, "cde", 3), put(s, CID_RAW, "f", 1)};
	const size_t sizes[] = {2, 3, 1};
	struct cid file = file_of(s, leaves, sizes, 3, 6);
	struct cid other = in_dir(s, &file), own = plain(s, "abcdef");
	struct difference d = find(s, &own, &other);

	assert_int_equal(d.kind, DIFFERENCE_NONE);
	own = plain(s, "abcdEf");
	d = find(s, &own, &other);
	assert_int_equal(d.kind, DIFFERENCE_BYTES);
	assert_int_equal(d.offset, 4);
	own = plain(s, "abcde");
	d = find(s, &own, &other);
	assert_int_equal(d.kind, DIFFERENCE_LENGTH);
	assert_int_equal(d.offset, 5);
}

/* A leaf that is shorter than its node says. */
static void test_false_size(void **state)
{
	struct stage *s = *state;
	const struct cid leaves[] = {put(s, CID_RAW, "abc", 3), put(s, CID_RAW, "def", 3)};
	const size_t sizes[] = {3, 4};
	struct cid file = file_of(s, leaves, sizes, 2, 7);
	struct cid other = in_dir(s, &file), own = plain(s, "abcdef");
	struct difference d = find(s, &own, &other);

	assert_int_equal(d.kind, DIFFERENCE_MALFORMED);
	assert_string_equal(d.path, "f");
	says(&d, "no well-formed");
}

static void test_garbage(void **state)
{
	struct stage *s = *state;
	struct cid garbage = put(s, CID_DAG_PB, "\xff\xff\xff", 3);
	struct cid own = plain(s, "abcdef"), other = in_dir(s, &garbage);
	struct difference d = find(s, &own, &other);

	assert_int_equal(d.kind, DIFFERENCE_MALFORMED);
	assert_string_equal(d.path, "f");
	d = find(s, &own, &garbage);
	assert_int_equal(d.kind, DIFFERENCE_MALFORMED);
	says(&d, "the tree");
}

/* Nodes over nodes over nothing: it ends, and it is no file. */
static void test_endless(void **state)
{
	struct stage *s = *state;
	struct cid leaf = put(s, CID_RAW, "abcdef", 6), own = plain(s, "abcdef"), other;
	const size_t six = 6;
	struct difference d;

	for (unsigned i = 0; i <= DIFFERENCE_BLOCKS; i++)
		leaf = file_of(s, &leaf, &six, 1, 6);
	other = in_dir(s, &leaf);
	d = find(s, &own, &other);
	assert_int_equal(d.kind, DIFFERENCE_MALFORMED);
	assert_true(s->reads < DIFFERENCE_BLOCKS + 10);
}

/* The same in turns of which none reads more than it may; how many they were. */
static unsigned in_turns(struct stage *s, const struct cid *own, const struct cid *other,
        unsigned blocks, struct difference *out)
{
	struct block_source src = {s, get};
	struct difference_search *x;
	unsigned turns = 0;
	bool over = false;
	struct err e;

	assert_true(difference_begin(own, other, NULL, &x, &e));
	while (!over) {
		size_t before = s->reads;

		turns++;
		if (!difference_go_on(x, &src, blocks, &over, out, &e))
			fail_msg("%s", e.msg);
		assert_true(s->reads - before <= blocks + 1); /* two are read together */
	}
	difference_free(x);
	return turns;
}

/* A thousand files of which the last differs, in directories, and a foreign file that is cut into single bytes. */
static void test_turns(void **state)
{
	enum { FILES = 500, BYTES = 60 };
	struct stage *s = *state;
	static struct unixfs_path paths[2 * FILES];
	static char names[2 * FILES][24], text[BYTES + 1];
	static struct cid leaves[BYTES];
	static size_t sizes[BYTES];
	struct difference d, whole;
	struct cid own, other;

	for (unsigned i = 0; i < 2 * FILES; i++) {
		snprintf(names[i], sizeof names[i], "%c/%04u", i < FILES ? 'a' : 'b', i);
		paths[i] =
		        (struct unixfs_path){str_of(names[i]), str_bytes(str_of(names[i])), false};
	}
	own = tree(s, paths, COUNT(paths));
	/* Every file differs in its blocks, and the last one alone in its bytes. */
	for (unsigned i = 0; i < BYTES; i++) {
		text[i] = (char)('a' + i % 26);
		leaves[i] = put(s, CID_RAW, &text[i], 1);
		sizes[i] = 1;
	}
	paths[2 * FILES - 1].data = str_bytes(STR("another"));
	other = tree(s, paths, COUNT(paths));
	whole = find(s, &own, &other);
	assert_int_equal(whole.kind, DIFFERENCE_BYTES);
	assert_true(in_turns(s, &own, &other, 2, &d) >= 3);
	assert_memory_equal(&d, &whole, sizeof d);
	other = file_of(s, leaves, sizes, BYTES, BYTES);
	other = in_dir(s, &other);
	own = plain(s, text);
	assert_true(in_turns(s, &own, &other, 16, &d) >= BYTES / 16);
	assert_int_equal(d.kind, DIFFERENCE_NONE);
	assert_int_equal(in_turns(s, &own, &own, 1, &d), 1);
}

/* One that is given up half way leaves nothing behind. */
static void test_given_up(void **state)
{
	struct stage *s = *state;
	struct block_source src = {s, get};
	struct difference_search *x;
	struct difference d;
	struct cid own = plain(s, "abcdef"), other = plain(s, "abcdeg");
	bool over;
	struct err e;

	assert_true(difference_begin(&own, &other, NULL, &x, &e));
	assert_true(difference_go_on(x, &src, 1, &over, &d, &e));
	assert_false(over);
	assert_null(difference_free(x));
}

/* Two trees of one file each, compared under `json` with so much tolerance. */
static struct difference alike(
        struct stage *s, const char *path, const char *own, const char *other, uint16_t tolerance)
{
	struct block_source src = {s, get};
	struct unixfs_path a = {str_of(path), str_bytes(str_of(own)), false};
	struct unixfs_path b = {str_of(path), str_bytes(str_of(other)), false};
	struct cid x = tree(s, &a, 1), y = tree(s, &b, 1);
	struct difference d;
	struct err e;

	if (!difference_find(&src, &x, &y, &(struct likeness){COMPARATOR_JSON, tolerance}, &d, &e))
		fail_msg("%s", e.msg);
	return d;
}

static void test_json(void **state)
{
	struct stage *s = *state;
	struct difference d;

	assert_int_equal(
	        alike(s, "outputs/a", "{\"x\":1.000}", "{\"x\": 1.001}", 1).kind, DIFFERENCE_NONE);
	d = alike(s, "outputs/a", "{\"x\":1.000}", "{\"x\": 1.01}", 1);
	assert_int_equal(d.kind, DIFFERENCE_BYTES);
	assert_string_equal(d.path, "outputs/a");
	assert_int_equal(d.offset, 5);
	assert_int_equal(alike(s, "outputs/a", "[1]", "[1,2]", 999).kind, DIFFERENCE_BYTES);
	assert_int_equal(alike(s, "outputs/a", "words", "word", 999).kind, DIFFERENCE_LENGTH);
	/* An exit code is the same or it is not. */
	assert_int_equal(alike(s, "exitCode", "1000", "1001", 1).kind, DIFFERENCE_BYTES);
	assert_int_equal(alike(s, "outputs/exitCode", "1000", "1001", 1).kind, DIFFERENCE_NONE);
}

/* What is alike does not end the search; what is too long to be read is compared by its bytes. */
static void test_json_goes_on(void **state)
{
	struct stage *s = *state;
	struct block_source src = {s, get};
	struct likeness like = {COMPARATOR_JSON, 1};
	struct unixfs_path a[] = {{STR("outputs/a"), str_bytes(STR("1.000")), false},
	        {STR("outputs/b"), str_bytes(STR("x")), false}};
	struct unixfs_path b[] = {{STR("outputs/a"), str_bytes(STR("1.0001")), false},
	        {STR("outputs/b"), str_bytes(STR("y")), false}};
	struct cid x = tree(s, a, 2), y = tree(s, b, 2);
	char *text = malloc(ALIKE_MAX + 1), *more = malloc(ALIKE_MAX + 1);
	struct difference d;
	struct err e;

	assert_true(difference_find(&src, &x, &y, &like, &d, &e));
	assert_string_equal(d.path, "outputs/b");
	assert_true(text && more);
	memset(text, ' ', ALIKE_MAX + 1);
	memset(more, ' ', ALIKE_MAX + 1);
	text[0] = '1';
	more[1] = '1';
	a[0].data = (struct bytes){(const uint8_t *)text, ALIKE_MAX};
	b[0].data = (struct bytes){(const uint8_t *)more, ALIKE_MAX};
	x = tree(s, a, 1);
	y = tree(s, b, 1);
	assert_true(difference_find(&src, &x, &y, &like, &d, &e));
	assert_int_equal(d.kind, DIFFERENCE_NONE);
	a[0].data.n = b[0].data.n = ALIKE_MAX + 1;
	x = tree(s, a, 1);
	y = tree(s, b, 1);
	assert_true(difference_find(&src, &x, &y, &like, &d, &e));
	assert_int_equal(d.kind, DIFFERENCE_BYTES);
	free(text);
	free(more);
}

/* A block that is not here is no difference. */
static void test_gaps(void **state)
{
	struct stage *s = *state;
	struct block_source src = {s, get};
	struct cid away = cid_of(CID_RAW, str_bytes(STR("never put")));
	struct cid own = plain(s, "abcdef"), other = in_dir(s, &away);
	struct difference d = {.offset = 99};
	struct err e;

	assert_false(difference_find(&src, &own, &other, NULL, &d, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
	assert_int_equal(d.offset, 99);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {T(test_changes), T(test_same), T(test_first),
	        T(test_large), T(test_other_layout), T(test_false_size), T(test_garbage),
	        T(test_endless), T(test_turns), T(test_given_up), T(test_gaps), T(test_json),
	        T(test_json_goes_on)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
