/* unixfs_test.c - trees against the roots that Kubo gives them (tests/vectors/unixfs.json), reading them
 * back, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/draw_suite.h"
#include "blobs/memory.h"
#include "codec/car.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/unixfs_own.h"

static bool nowhere(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	(void)self;
	(void)cid;
	(void)block;
	(void)e;
	return true;
}

/* ---- content: splitmix64, as tests/vectors/unixfs.py has it ------------------------------------------- */

static struct bytes content(size_t n, uint64_t seed)
{
	uint8_t *p = malloc(n + 8);

	assert_non_null(p);
	for (size_t i = 0; i < n; i += 8) {
		uint64_t z = draw(&seed);

		memcpy(p + i, &z, 8);
	}
	return bytes_of(p, n);
}

static void content_free(struct bytes b)
{
	free((void *)(uintptr_t)b.p);
}

/* ---- vectors ------------------------------------------------------------------------------------------- */

struct tree {
	struct unixfs_path *v;
	size_t n;
	char (*names)[64];
};

static void tree_load(const json_t *row, struct tree *t)
{
	const json_t *wide = json_object_get(row, "wide"), *paths = json_object_get(row, "paths"),
	             *p;
	size_t i;

	t->n = wide ? (size_t)json_integer_value(json_array_get(wide, 0)) : json_array_size(paths);
	t->v = calloc(t->n + 1, sizeof *t->v);
	t->names = calloc(t->n + 1, sizeof *t->names);
	assert_non_null(t->v);
	assert_non_null(t->names);
	for (i = 0; wide && i < t->n; i++) {
		snprintf(t->names[i], sizeof t->names[i], "%0*zu",
		        (int)json_integer_value(json_array_get(wide, 1)), i);
		t->v[i] = (struct unixfs_path){str_of(t->names[i]), content(i % 5, i), false};
	}
	if (wide)
		return;
	json_array_foreach (paths, i, p) {
		struct str path = str_of(json_string_value(json_array_get(p, 0)));

		if (json_array_size(p) == 1) {
			t->v[i] = (struct unixfs_path){{path.p, path.n - 1}, {NULL, 0}, true};
			continue;
		}
		t->v[i].path = path;
		t->v[i].data = content((size_t)json_integer_value(json_array_get(p, 1)),
		        (uint64_t)json_integer_value(json_array_get(p, 2)));
	}
}

static void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		content_free(t->v[i].data);
	free(t->v);
	free(t->names);
}

static bool tree_add(
        const struct tree *t, const struct block_sink *sink, struct unixfs_node *out, struct err *e)
{
	if (t->n == 1 && t->v[0].path.n == 0)
		return unixfs_add_file(sink, t->v[0].data, out, e);
	return unixfs_add_tree(sink, t->v, t->n, out, e);
}

/* What is read back is what was written. */
static void check_back(const struct tree *t, struct blobs *b, const struct unixfs_node *root)
{
	struct block_source src = {b->self, b->get};
	uint64_t bytes = 0;
	struct err e;

	for (size_t i = 0; i < t->n; i++) {
		OWN(buf_done) struct buf out;

		buf_init(&out, 1u << 27);
		if (t->v[i].dir) {
			assert_false(unixfs_read(&src, &root->cid, t->v[i].path, &out, &e));
			assert_int_equal(e.code, E_NOT_FOUND);
			continue;
		}
		assert_true(unixfs_read(&src, &root->cid, t->v[i].path, &out, &e));
		assert_int_equal(out.n, t->v[i].data.n);
		assert_true(out.n == 0 || memcmp(out.p, t->v[i].data.p, out.n) == 0);
	}
	assert_true(unixfs_blocks(&src, &root->cid, UINT64_MAX, NULL, NULL, &bytes, &e));
	assert_int_equal(bytes, root->tree_bytes);
}

static void check_row(const json_t *row)
{
	struct unixfs_node node;
	char text[CID_TEXT_MAX];
	struct blobs b = blobs_memory_port(blobs_memory_new(1u << 20));
	struct tree t;
	struct err e;

	tree_load(row, &t);
	if (json_is_true(json_object_get(row, "sharded"))) {
		assert_false(tree_add(&t, &(struct block_sink){b.self, b.put}, &node, &e));
		assert_int_equal(e.code, E_TOO_LARGE);
	} else {
		assert_true(tree_add(&t, &(struct block_sink){b.self, b.put}, &node, &e));
		cid_format(&node.cid, text);
		assert_string_equal(text, json_string_value(json_object_get(row, "root")));
		assert_int_equal(
		        node.tree_bytes, json_integer_value(json_object_get(row, "bytes")));
		check_back(&t, &b, &node);
	}
	tree_free(&t);
	blobs_memory_free(b.self);
}

static void kubo_gives_the_same_roots(void **state)
{
	OWN(json_own) json_t *j = json_load_file("tests/vectors/unixfs.json", 0, NULL);
	const json_t *rows = json_object_get(j, "trees"), *row;
	size_t i, sharded = 0;

	(void)state;
	assert_non_null(j);
	assert_true(json_array_size(rows) >= 20);
	json_array_foreach (rows, i, row) {
		sharded += json_is_true(json_object_get(row, "sharded"));
		check_row(row);
	}
	assert_int_equal(sharded, 1);
}

static void a_stream_gives_the_same_root_as_memory(void **state)
{
	static const size_t sizes[] = {
	        0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES};
	struct block_sink sink = {NULL, nowhere};
	struct unixfs_node a, b;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct bytes data = content(sizes[i], i);
		FILE *f = tmpfile();

		assert_non_null(f);
		assert_int_equal(write(fileno(f), data.p, data.n), data.n);
		assert_int_equal(lseek(fileno(f), 0, SEEK_SET), 0);
		assert_true(unixfs_add_file(&sink, data, &a, &e));
		assert_true(unixfs_add_fd(&sink, fileno(f), data.n, &b, &e));
		assert_true(cid_eq(&a.cid, &b.cid));
		assert_int_equal(b.file_bytes, data.n);
		if (data.n) {
			assert_int_equal(lseek(fileno(f), 0, SEEK_SET), 0);
			assert_false(unixfs_add_fd(&sink, fileno(f), data.n - 1, &b, &e));
			assert_int_equal(e.code, E_TOO_LARGE);
		}
		fclose(f);
		content_free(data);
	}
}

/* ---- what Kubo exports ----------------------------------------------------------------------------------- */

static void file_load(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	uint8_t piece[4096];
	size_t n;

	assert_non_null(f);
	buf_init(out, 1u << 24);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_put(out, piece, n);
	fclose(f);
	assert_true(buf_ok(out));
}

static struct cid car_load(const char *path, struct blobs *b)
{
	OWN(buf_done) struct buf car;
	struct car_reader r;
	struct cid root;
	struct err e;

	file_load(path, &car);
	car_reader_init(&r, 1u << 24, b->put, b->self);
	assert_true(car_reader_feed(&r, buf_bytes(&car), &e));
	assert_true(car_reader_end(&r, &e));
	root = r.root;
	car_reader_done(&r);
	return root;
}

struct seen {
	size_t dirs, files;
	uint64_t promised, given;
};

static bool see_dir(void *self, struct str path, struct err *e)
{
	struct seen *s = self;

	(void)e;
	assert_true(s->dirs > 0 || path.n == 0);
	s->dirs++;
	return true;
}

static bool see_file(void *self, struct str path, uint64_t bytes, struct err *e)
{
	struct seen *s = self;

	(void)e;
	assert_true(path.n > 0);
	assert_true(s->promised == s->given);
	s->files++;
	s->promised += bytes;
	return true;
}

static bool see_data(void *self, struct bytes piece, struct err *e)
{
	struct seen *s = self;

	(void)e;
	s->given += piece.n;
	return true;
}

static bool send_block(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	(void)e;
	car_write_block(self, cid, block);
	return true;
}

static void exports_are_read(void **state)
{
	static const char *const paths[] = {
	        "tests/vectors/kubo-v0.car", "tests/vectors/kubo-v1.car"};
	OWN(buf_done) struct buf ours, theirs;
	uint64_t bytes;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct seen s = {0};
		struct unixfs_visitor v = {&s, see_dir, see_file, see_data};
		struct block_source src;
		struct bytes image;
		struct blobs b = blobs_memory_port(blobs_memory_new(1u << 20));
		struct cid root;

		root = car_load(paths[i], &b);
		src = (struct block_source){b.self, b.get};
		assert_true(unixfs_walk(&src, &root, UINT64_MAX, &v, &e));
		assert_int_equal(s.dirs, 2);
		assert_int_equal(s.files, 4);
		assert_int_equal(s.given, 20 + 0 + 1 + 70000);
		assert_int_equal(s.promised, s.given);
		image = content(70000, 4);
		buf_init(&ours, 1u << 20);
		assert_true(unixfs_read(&src, &root, STR("outputs/x.png"), &ours, &e));
		assert_memory_equal(ours.p, image.p, image.n);
		buf_reset(&ours);
		assert_false(unixfs_read(&src, &root, STR("outputs/x.png/y"), &ours, &e));
		assert_int_equal(e.code, E_NOT_FOUND);
		assert_false(unixfs_read(&src, &root, STR("outputs//x.png"), &ours, &e));
		assert_int_equal(e.code, E_NOT_FOUND);
		content_free(image);
		/* The order of the blocks and so the whole file is the same as Kubo's. */
		car_write_header(&ours, &root);
		assert_true(unixfs_blocks(&src, &root, UINT64_MAX, send_block, &ours, &bytes, &e));
		file_load(paths[i], &theirs);
		if (i == 1) {
			assert_int_equal(ours.n, theirs.n);
			assert_memory_equal(ours.p, theirs.p, ours.n);
		}
		buf_done(&ours);
		buf_done(&theirs);
		blobs_memory_free(b.self);
	}
}

/* ---- what is refused ------------------------------------------------------------------------------------- */

static void bad_names_are_refused(void **state)
{
	static const char *const bad[] = {
	        "", ".", "..", "a/b", "\xff", "a//b", "/a", "a/", "a/../b"};
	struct block_sink sink = {NULL, nowhere};
	char longer[PATH_TEXT_MAX + 1];
	struct unixfs_entry entry = {0};
	struct unixfs_node node;
	struct err e;

	(void)state;
	assert_true(unixfs_add_file(&sink, bytes_of("x", 1), &entry.node, &e));
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct unixfs_path p = {str_of(bad[i]), {NULL, 0}, false};

		entry.name = str_of(bad[i]);
		assert_false(unixfs_add_dir(&sink, &entry, 1, &node, &e));
		assert_int_equal(e.code, E_ENCODING);
		if (i == 3) /* a path, but no name */
			continue;
		assert_false(unixfs_add_tree(&sink, &p, 1, &node, &e));
		assert_int_equal(e.code, E_ENCODING);
	}
	entry.name = (struct str){"a\0b", 3};
	assert_false(unixfs_add_dir(&sink, &entry, 1, &node, &e));
	memset(longer, 'n', sizeof longer);
	entry.name = (struct str){longer, sizeof longer};
	assert_false(unixfs_add_dir(&sink, &entry, 1, &node, &e));
	entry.name.n--;
	assert_true(unixfs_add_dir(&sink, &entry, 1, &node, &e));
}

static void what_contradicts_itself_is_refused(void **state)
{
	static const struct unixfs_path twice[][3] = {
	        {{STR("a"), {NULL, 0}, false}, {STR("a"), {NULL, 0}, false}},
	        {{STR("a"), {NULL, 0}, true}, {STR("a"), {NULL, 0}, true}},
	        {{STR("a"), {NULL, 0}, false}, {STR("a/b"), {NULL, 0}, false}},
	        {{STR("a/b"), {NULL, 0}, false}, {STR("a"), {NULL, 0}, false}},
	        {{STR("a"), {NULL, 0}, true}, {STR("a"), {NULL, 0}, false}},
	};
	static const struct unixfs_path fine[] = {{STR("a/b"), {NULL, 0}, false},
	        {STR("a"), {NULL, 0}, true}, {STR("a-b"), {NULL, 0}, false}};
	struct block_sink sink = {NULL, nowhere};
	struct unixfs_node node;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(twice); i++) {
		assert_false(unixfs_add_tree(&sink, twice[i], 2, &node, &e));
		assert_int_equal(e.code, E_CONFLICT);
	}
	assert_true(unixfs_add_tree(&sink, fine, COUNT(fine), &node, &e));
}

static void trees_have_a_depth(void **state)
{
	struct block_sink sink = {NULL, nowhere};
	struct unixfs_path p = {{NULL, 0}, {NULL, 0}, false};
	char path[2 * (TREE_DEPTH_MAX + 1) + 1];
	struct unixfs_node node;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof path; i++)
		path[i] = i % 2 ? '/' : 'd';
	p.path = (struct str){path, sizeof path - 2};
	assert_true(unixfs_add_tree(&sink, &p, 1, &node, &e));
	p.path.n += 2;
	assert_false(unixfs_add_tree(&sink, &p, 1, &node, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
}

/* Blocks as hex, made of content ids and the data of an empty directory. */
#define EMPTY "01551220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BLAKE "01551b20e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CBOR  "01711220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIR   "0a020801"

/* clang-format off */
static const struct {
	const char *what, *hex;
	bool ok;
} malformed[] = {
	{"an empty directory", DIR, true},
	{"a directory with one entry", "122b0a24" EMPTY "1201611800" DIR, true},
	{"a link without a name member, in a file", "12280a24" EMPTY "1800" "0a0608021800" "2000", true},
	{"a file with data inside", "0a0a0802120468657921" "1804", true},
	{"a raw leaf", "0a0a0800120468657921" "1804", true},
	{"nothing", "", false},
	{"links only", "122b0a24" EMPTY "1201611800", false},
	{"the data before the links", DIR "122b0a24" EMPTY "1201611800", false},
	{"data twice", DIR DIR, false},
	{"an unknown member of the node", "1a020801", false},
	{"a 64-bit member", "0901020304050607080a020801", false},
	{"a length that is not minimal", "0a82000801", false},
	{"a length past the end", "0a030801", false},
	{"a link without a content id", "12051201611800" DIR, false},
	{"a link without a size", "12290a24" EMPTY "120161" DIR, false},
	{"a link with its members out of order", "122b0a24" EMPTY "1800120161" DIR, false},
	{"a link with an unknown member", "122d0a24" EMPTY "12016118002001" DIR, false},
	{"a link by another hash", "122b0a24" BLAKE "1201611800" DIR, false},
	{"a link by another codec", "122b0a24" CBOR "1201611800" DIR, false},
	{"bytes after a content id", "122c0a25" EMPTY "00" "1201611800" DIR, false},
	{"an entry without a name", "122a0a24" EMPTY "12001800" DIR, false},
	{"an entry named ..", "122c0a24" EMPTY "12022e2e1800" DIR, false},
	{"an entry with a slash", "122b0a24" EMPTY "12012f1800" DIR, false},
	{"an entry that is not UTF-8", "122b0a24" EMPTY "1201ff1800" DIR, false},
	{"an entry twice", "122b0a24" EMPTY "1201611800" "122b0a24" EMPTY "1201611800" DIR, false},
	{"entries not sorted", "122b0a24" EMPTY "1201621800" "122b0a24" EMPTY "1201611800" DIR, false},
	{"UnixFS without a type", "0a021800", false},
	{"UnixFS with an unknown type", "0a020807", false},
	{"a symbolic link", "0a070804120361622f", false},
	{"a sharded directory", "0a020805", false},
	{"UnixFS with mode", "0a040801" "3801", false},
	{"UnixFS out of order", "0a0608021800" "1200", false},
	{"UnixFS with two sizes", "0a0608021800" "1800", false},
	{"a directory with content", "0a0608011202" "6869", false},
	{"a file without a size", "0a020802", false},
	{"a file with a size that is wrong", "0a0a0802120468657921" "1805", false},
	{"more block sizes than links", "0a0608021800" "2000", false},
	{"a part of a file with a name", "122b0a24" EMPTY "1201611800" "0a0608021800" "2000", false},
	{"block sizes that overflow", "12280a24" EMPTY "1800" "12280a24" EMPTY "1800"
		"0a1a08021800" "20ffffffffffffffffff01" "20ffffffffffffffffff01", false},
};
/* clang-format on */

static void malformed_blocks_are_refused(void **state)
{
	struct cid cid = {.codec = CID_DAG_PB};
	struct unixfs_block b;
	struct arena a;
	struct err e;

	(void)state;
	arena_init(&a, 1u << 20);
	for (size_t i = 0; i < COUNT(malformed); i++) {
		OWN(buf_done) struct buf text;
		uint8_t raw[512];
		size_t n;

		buf_init(&text, 2048);
		buf_fmt(&text, "0x%s", malformed[i].hex);
		assert_true(hex_parse_upto(buf_view(&text), raw, sizeof raw, &n, &e));
		if (malformed[i].ok) {
			assert_true(unixfs_decode(&cid, bytes_of(raw, n), &a, &b, &e));
			continue;
		}
		assert_false(unixfs_decode(&cid, bytes_of(raw, n), &a, &b, &e));
		assert_int_equal(e.code, E_PEER);
	}
	arena_done(&a);
}

/* ---- trees made to hurt ---------------------------------------------------------------------------------- */

static struct unixfs_node file_of(struct blobs *b, const struct unixfs_node *part, size_t times)
{
	OWN(buf_done) struct buf block, fs;
	struct unixfs_node node = {.tree_bytes = 0};
	uint8_t raw[CID_BINARY_LEN];
	struct err e;

	buf_init(&block, BLOCK_MAX);
	buf_init(&fs, BLOCK_MAX);
	cid_encode(&part->cid, raw);
	for (size_t i = 0; i < times; i++) {
		varint_put(&block, NODE_LINKS << 3 | 2);
		varint_put(&block,
		        pb_bytes_size(LINK_HASH, sizeof raw) + pb_varint_size(LINK_TSIZE, 0));
		pb_put_bytes(&block, LINK_HASH, bytes_of(raw, sizeof raw));
		pb_put_varint(&block, LINK_TSIZE, 0);
	}
	pb_put_varint(&fs, FS_TYPE, FS_FILE);
	pb_put_varint(&fs, FS_FILESIZE, times * part->file_bytes);
	for (size_t i = 0; i < times; i++)
		pb_put_varint(&fs, FS_BLOCKSIZES, part->file_bytes);
	pb_put_bytes(&block, NODE_DATA, buf_bytes(&fs));
	assert_true(buf_ok(&block));
	node.cid = cid_of(CID_DAG_PB, buf_bytes(&block));
	node.file_bytes = times * part->file_bytes;
	assert_true(b->put(b->self, &node.cid, buf_bytes(&block), &e));
	return node;
}

static void bombs_are_defused(void **state)
{
	const struct unixfs_visitor v = {.self = NULL};
	struct block_source src;
	struct unixfs_node leaf, bomb;
	struct blobs b = blobs_memory_port(blobs_memory_new(1u << 20));
	uint64_t bytes;
	struct err e;

	(void)state;
	src = (struct block_source){b.self, b.get};
	/* A thousand thousand thousand empty leaves in three small blocks. */
	assert_true(
	        unixfs_add_file(&(struct block_sink){b.self, b.put}, bytes_of("", 0), &leaf, &e));
	bomb = file_of(&b, &leaf, 1000);
	bomb = file_of(&b, &bomb, 1000);
	bomb = file_of(&b, &bomb, 1000);
	assert_false(unixfs_walk(&src, &bomb.cid, UINT64_MAX, &v, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	assert_false(unixfs_blocks(&src, &bomb.cid, UINT64_MAX, NULL, NULL, &bytes, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	/* One that only nests. */
	bomb = leaf;
	for (int i = 0; i < 100; i++)
		bomb = file_of(&b, &bomb, 1);
	assert_false(unixfs_walk(&src, &bomb.cid, UINT64_MAX, &v, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	assert_false(unixfs_blocks(&src, &bomb.cid, UINT64_MAX, NULL, NULL, &bytes, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	blobs_memory_free(b.self);
}

static void files_that_lie_about_their_size_are_refused(void **state)
{
	const struct unixfs_visitor v = {.self = NULL};
	struct block_source src;
	struct unixfs_node leaf, lie;
	struct blobs b = blobs_memory_port(blobs_memory_new(1u << 20));
	struct err e;

	(void)state;
	src = (struct block_source){b.self, b.get};
	assert_true(unixfs_add_file(
	        &(struct block_sink){b.self, b.put}, bytes_of("four", 4), &leaf, &e));
	for (uint64_t says = 3; says <= 5; says++) {
		leaf.file_bytes = says;
		lie = file_of(&b, &leaf, 1);
		assert_true(unixfs_walk(&src, &lie.cid, UINT64_MAX, &v, &e) == (says == 4));
		if (says != 4)
			assert_int_equal(e.code, E_PEER);
	}
	blobs_memory_free(b.self);
}

static void limits_are_kept_to_the_byte(void **state)
{
	struct bytes data = content(600000, 1);
	struct unixfs_path p = {STR("d/f"), data, false};
	const struct unixfs_visitor v = {.self = NULL};
	OWN(buf_done) struct buf out;
	struct block_source src;
	struct unixfs_node node;
	struct blobs b = blobs_memory_port(blobs_memory_new(1u << 20));
	uint64_t bytes;
	struct err e;

	(void)state;
	src = (struct block_source){b.self, b.get};
	assert_true(unixfs_add_tree(&(struct block_sink){b.self, b.put}, &p, 1, &node, &e));
	assert_true(unixfs_walk(&src, &node.cid, node.tree_bytes, &v, &e));
	assert_false(unixfs_walk(&src, &node.cid, node.tree_bytes - 1, &v, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	assert_true(unixfs_blocks(&src, &node.cid, node.tree_bytes, NULL, NULL, &bytes, &e));
	assert_false(unixfs_blocks(&src, &node.cid, node.tree_bytes - 1, NULL, NULL, &bytes, &e));
	buf_init(&out, data.n - 1);
	assert_false(unixfs_read(&src, &node.cid, p.path, &out, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	assert_int_equal(out.n, 0);
	out.max = data.n;
	assert_true(unixfs_read(&src, &node.cid, p.path, &out, &e));
	content_free(data);
	blobs_memory_free(b.self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(kubo_gives_the_same_roots),
	        cmocka_unit_test(a_stream_gives_the_same_root_as_memory),
	        cmocka_unit_test(exports_are_read),
	        cmocka_unit_test(bad_names_are_refused),
	        cmocka_unit_test(what_contradicts_itself_is_refused),
	        cmocka_unit_test(trees_have_a_depth),
	        cmocka_unit_test(malformed_blocks_are_refused),
	        cmocka_unit_test(bombs_are_defused),
	        cmocka_unit_test(files_that_lie_about_their_size_are_refused),
	        cmocka_unit_test(limits_are_kept_to_the_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
