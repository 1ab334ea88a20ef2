/* output_test.c - an output goes into its folder and nowhere else, and replaces nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blobs/folder.h"
#include "cli/output.h"
#include "cli/remove.h"
#include "codec/unixfs.h"
#include "os/file.h"

struct here {
	char top[64];
	char out[128];
	struct blobs_folder *folder;
	struct blobs blobs;
	struct cid root;
};

static int open_here(void **state)
{
	static const struct unixfs_path tree[] = {
	        {STR("stdout"), {(const uint8_t *)"hi\n", 3}, false},
	        {STR("outputs/deep/file"), {(const uint8_t *)"x", 1}, false},
	        {STR("outputs/empty"), {NULL, 0}, true},
	};
	struct here *h = calloc(1, sizeof *h);
	struct block_sink sink;
	struct unixfs_node node;
	char path[128];
	struct err e;

	assert_non_null(h);
	snprintf(h->top, sizeof h->top, "/tmp/lilypad-output-XXXXXX");
	assert_non_null(mkdtemp(h->top));
	snprintf(path, sizeof path, "%s/blobs", h->top);
	snprintf(h->out, sizeof h->out, "%s/out", h->top);
	assert_true(blobs_folder_open(path, &h->folder, &e));
	h->blobs = blobs_folder_port(h->folder);
	sink = (struct block_sink){h->blobs.self, h->blobs.put};
	assert_true(unixfs_add_tree(&sink, tree, COUNT(tree), &node, &e));
	h->root = node.cid;
	*state = h;
	return 0;
}

static int close_here(void **state)
{
	struct here *h = *state;
	struct err e;
	bool ok;

	blobs_folder_free(h->folder);
	ok = remove_all(h->top, &e);
	free(h);
	return ok ? 0 : -1;
}

static void has(const char *dir, const char *name, const char *text)
{
	struct buf b OWN(buf_done) = {0};
	char path[256];
	struct err e;

	buf_init(&b, 100);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_true(file_read(path, 100, &b, &e));
	assert_string_equal(buf_cstr(&b), text);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_written(void **state)
{
	struct here *h = *state;
	char path[256];
	struct stat st;
	struct err e;

	assert_true(output_write(&h->blobs, &h->root, h->out, &e));
	has(h->out, "stdout", "hi\n");
	has(h->out, "outputs/deep/file", "x");
	snprintf(path, sizeof path, "%s/outputs/empty", h->out);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(remove_size(h->out), 4);

	snprintf(path, sizeof path, "%s/copy", h->top);
	assert_true(output_copy(h->out, path, &e));
	has(path, "outputs/deep/file", "x");
}

/* A run that was killed while it wrote left a beginning, which is brought to its end. */
static void test_cut_off(void **state)
{
	static const char *const beginnings[] = {"", "h", "hi", "hi\n"};
	struct here *h = *state;
	char copy[128];
	struct err e;

	snprintf(copy, sizeof copy, "%s/copy", h->top);
	assert_true(output_write(&h->blobs, &h->root, h->out, &e));
	assert_true(output_copy(h->out, copy, &e));
	for (size_t i = 0; i < COUNT(beginnings); i++) {
		put(h->out, "stdout", beginnings[i]);
		put(copy, "stdout", beginnings[i]);
		assert_true(output_write(&h->blobs, &h->root, h->out, &e));
		has(h->out, "stdout", "hi\n");
		assert_true(output_copy(h->out, copy, &e));
		has(copy, "stdout", "hi\n");
	}
}

/* What somebody else wrote stays as it is. */
static void test_taken(void **state)
{
	static const char *const others[] = {"hi\n.", "ho\n", "h.", "\n"};
	struct here *h = *state;
	char copy[128], path[256];
	struct err e;

	snprintf(copy, sizeof copy, "%s/copy", h->top);
	assert_true(output_write(&h->blobs, &h->root, copy, &e));
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_true(remove_all(h->out, &e));
		assert_int_equal(mkdir(h->out, 0700), 0);
		put(h->out, "stdout", others[i]);
		assert_false(output_write(&h->blobs, &h->root, h->out, &e));
		assert_int_equal(e.code, E_CONFLICT);
		has(h->out, "stdout", others[i]);
		assert_false(output_copy(copy, h->out, &e));
		assert_int_equal(e.code, E_CONFLICT);
		has(h->out, "stdout", others[i]);
	}

	/* Nor is a pipe waited for. */
	snprintf(path, sizeof path, "%s/stdout", h->out);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(output_write(&h->blobs, &h->root, h->out, &e));
	assert_int_equal(e.code, E_CONFLICT);
}

/* Somebody put links where the output has a folder and a file: they are not followed. */
static void test_links(void **state)
{
	struct here *h = *state;
	char link[256], aside[256], file[280];
	struct err e;

	snprintf(aside, sizeof aside, "%s/aside", h->top);
	assert_int_equal(mkdir(aside, 0700), 0);
	assert_int_equal(mkdir(h->out, 0700), 0);
	snprintf(link, sizeof link, "%s/outputs", h->out);
	assert_int_equal(symlink(aside, link), 0);
	assert_false(output_write(&h->blobs, &h->root, h->out, &e));
	assert_int_equal(remove_size(aside), 0);
	assert_int_equal(unlink(link), 0);

	snprintf(file, sizeof file, "%s/victim", aside);
	snprintf(link, sizeof link, "%s/stdout", h->out);
	unlink(link);
	assert_int_equal(symlink(file, link), 0);
	assert_false(output_write(&h->blobs, &h->root, h->out, &e));
	assert_int_not_equal(access(file, F_OK), 0);

	/* Removal takes the link away, not what it names. */
	assert_int_equal(symlink(aside, file), 0);
	assert_true(remove_all(h->out, &e));
	assert_int_equal(access(aside, F_OK), 0);
	assert_true(remove_all(h->out, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_written, open_here, close_here),
	        cmocka_unit_test_setup_teardown(test_cut_off, open_here, close_here),
	        cmocka_unit_test_setup_teardown(test_taken, open_here, close_here),
	        cmocka_unit_test_setup_teardown(test_links, open_here, close_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
