/* folder_test.c - the block store: what was synced is there after any cut, what is damaged is found and
 * healed, what is collected gives its space back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blobs/folder_own.h"

/* ---- a store in a directory of its own ------------------------------------------------------------------ */

struct place_for {
	char dir[64];
	struct blobs_folder *f;
	struct blobs b;
};

static void reopen(struct place_for *t)
{
	struct err e;

	t->f = blobs_folder_free(t->f);
	assert_true(blobs_folder_open(t->dir, &t->f, &e));
	t->b = blobs_folder_port(t->f);
}

static int set_up(void **state)
{
	struct place_for *t = calloc(1, sizeof *t);

	assert_non_null(t);
	snprintf(t->dir, sizeof t->dir, "/tmp/folder_test_XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	reopen(t);
	*state = t;
	return 0;
}

static int drop(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st;
	(void)what;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct place_for *t = *state;

	blobs_folder_free(t->f);
	nftw(t->dir, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(t);
	return 0;
}

static void segment_path(const struct place_for *t, uint32_t id, char out[128])
{
	snprintf(out, 128, "%s/blocks-%08x.log", t->dir, id);
}

static off_t file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* Block number i: i % 7 * 100 + 10 bytes that name it. */
static struct bytes block(unsigned i, uint8_t out[1024])
{
	size_t n = (i % 7) * 100 + 10;

	memset(out, (int)(i * 31), n);
	memcpy(out, &i, sizeof i);
	return bytes_of(out, n);
}

static struct cid put_block(struct place_for *t, unsigned i)
{
	uint8_t data[1024];
	struct bytes b = block(i, data);
	struct cid cid = cid_of(i % 2 ? CID_RAW : CID_DAG_PB, b);
	struct err e;

	assert_true(t->b.put(t->b.self, &cid, b, &e));
	return cid;
}

static struct cid cid_no(unsigned i)
{
	uint8_t data[1024];

	return cid_of(i % 2 ? CID_RAW : CID_DAG_PB, block(i, data));
}

/* E_NONE when it is there with its bytes. */
static enum err_code look(struct place_for *t, unsigned i)
{
	uint8_t data[1024];
	struct bytes b = block(i, data);
	struct cid cid = cid_no(i);
	OWN(buf_done) struct buf out;
	struct err e;

	buf_init(&out, BLOCK_MAX);
	buf_z(&out, "x");
	if (!t->b.get(t->b.self, &cid, &out, &e)) {
		assert_int_equal(out.n, 1);
		return e.code;
	}
	assert_int_equal(out.n, 1 + b.n);
	assert_memory_equal(out.p + 1, b.p, b.n);
	return E_NONE;
}

static void put_all(struct place_for *t, unsigned from, unsigned to)
{
	struct err e;

	for (unsigned i = from; i < to; i++)
		put_block(t, i);
	assert_true(t->b.sync(t->b.self, &e));
}

/* ---- the port -------------------------------------------------------------------------------------------- */

static void blocks_are_kept(void **state)
{
	struct place_for *t = *state;
	struct blobs_folder_stat s;
	struct cid other = cid_no(1000);

	put_all(t, 0, 500);
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < 500; i++)
			assert_int_equal(look(t, i), E_NONE);
		assert_false(t->b.has(t->b.self, &other));
		assert_int_equal(look(t, 1000), E_NOT_FOUND);
		blobs_folder_stat(t->f, &s);
		assert_int_equal(s.blocks, 500);
		assert_true(s.disk >= s.bytes + 500 * sizeof(struct record_head));
		reopen(t);
	}
}

static void the_same_block_takes_no_more_room(void **state)
{
	struct place_for *t = *state;
	struct blobs_folder_stat before, after;

	put_all(t, 0, 50);
	blobs_folder_stat(t->f, &before);
	put_all(t, 0, 50);
	reopen(t);
	put_all(t, 0, 50);
	blobs_folder_stat(t->f, &after);
	assert_int_equal(before.bytes, after.bytes);
	assert_int_equal(before.disk, after.disk);
}

static void other_bytes_and_sizes_are_refused(void **state)
{
	struct place_for *t = *state;
	uint8_t *large = calloc(1, BLOCK_MAX + 1);
	struct cid cid = cid_no(1);
	OWN(buf_done) struct buf out;
	struct err e;

	assert_non_null(large);
	assert_false(t->b.put(t->b.self, &cid, bytes_of("x", 1), &e));
	assert_int_equal(e.code, E_BLOCK_CORRUPT);
	cid = cid_of(CID_RAW, bytes_of(large, BLOCK_MAX + 1));
	assert_false(t->b.put(t->b.self, &cid, bytes_of(large, BLOCK_MAX + 1), &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	cid = cid_of(CID_RAW, bytes_of(large, BLOCK_MAX));
	assert_true(t->b.put(t->b.self, &cid, bytes_of(large, BLOCK_MAX), &e));
	buf_init(&out, BLOCK_MAX - 1);
	assert_false(t->b.get(t->b.self, &cid, &out, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	/* The empty block is a block. */
	cid = cid_of(CID_RAW, bytes_of("", 0));
	assert_true(t->b.put(t->b.self, &cid, bytes_of("", 0), &e));
	reopen(t);
	buf_reset(&out);
	assert_true(t->b.get(t->b.self, &cid, &out, &e));
	assert_int_equal(out.n, 0);
	free(large);
}

static void one_process_at_a_time(void **state)
{
	struct place_for *t = *state;
	struct blobs_folder *second;
	struct err e;

	assert_false(blobs_folder_open(t->dir, &second, &e));
	assert_int_equal(e.code, E_STORE_LOCKED);
}

/* ---- power failures ---------------------------------------------------------------------------------------- */

/* Whatever of the last batch reached the disk: everything before it is there, and of the batch itself
 * whole blocks or none. */
static void a_torn_end_is_cut_off(void **state)
{
	struct place_for *t = *state;
	char path[128], copy[160], command[400];
	off_t synced, end;

	segment_path(t, 1, path);
	put_all(t, 0, 20);
	synced = file_size(path);
	for (unsigned i = 20; i < 25; i++)
		put_block(t, i);
	end = file_size(path);
	t->f = blobs_folder_free(t->f);
	snprintf(copy, sizeof copy, "%s.whole", path);
	snprintf(command, sizeof command, "cp %s %s", path, copy);
	assert_int_equal(system(command), 0);
	for (off_t cut = synced; cut <= end; cut++) {
		bool gone = false;

		if (cut % 7 && cut != end)
			continue;
		snprintf(command, sizeof command, "head -c %lld %s > %s", (long long)cut, copy,
		        path);
		assert_int_equal(system(command), 0);
		reopen(t);
		for (unsigned i = 0; i < 20; i++)
			assert_int_equal(look(t, i), E_NONE);
		for (unsigned i = 20; i < 25; i++) {
			enum err_code c = look(t, i);

			assert_true(c == E_NOT_FOUND || (c == E_NONE && !gone));
			gone = c == E_NOT_FOUND;
		}
		assert_int_equal(gone, cut != end);
		/* And it goes on from there. */
		put_all(t, 20, 30);
		reopen(t);
		for (unsigned i = 0; i < 30; i++)
			assert_int_equal(look(t, i), E_NONE);
		t->f = blobs_folder_free(t->f);
	}
	reopen(t);
}

/* The size of a file can be there before its bytes. */
static void pages_that_were_never_written_are_no_blocks(void **state)
{
	struct place_for *t = *state;
	off_t synced, end;
	uint8_t zeros[256] = {0};
	char path[128];
	int fd;

	segment_path(t, 1, path);
	put_all(t, 0, 10);
	synced = file_size(path);
	put_block(t, 10);
	put_block(t, 11);
	end = file_size(path);
	t->f = blobs_folder_free(t->f);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	/* The header of the first is there and its bytes are not; the second is whole. */
	assert_int_equal(pwrite(fd, zeros, 100, synced + (off_t)sizeof(struct record_head)), 100);
	close(fd);
	reopen(t);
	assert_int_equal(look(t, 9), E_NONE);
	assert_false(t->b.has(t->b.self, &(struct cid){CID_DAG_PB, cid_no(10).digest}));
	assert_int_equal(look(t, 11), E_NONE);
	t->f = blobs_folder_free(t->f);
	/* Nothing of the batch is there but its length. */
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	for (off_t i = synced; i < end; i += 1)
		assert_int_equal(pwrite(fd, zeros, 1, i), 1);
	close(fd);
	reopen(t);
	assert_int_equal(look(t, 9), E_NONE);
	assert_int_equal(look(t, 11), E_NOT_FOUND);
	assert_int_equal(file_size(path), synced);
}

static void a_killed_process_loses_nothing_that_was_synced(void **state)
{
	struct place_for *t = *state;
	unsigned done = 0;
	int pipes[2];
	pid_t child;

	t->f = blobs_folder_free(t->f);
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct place_for mine = *t;
		struct err e;

		if (!blobs_folder_open(mine.dir, &mine.f, &e))
			_exit(1);
		mine.b = blobs_folder_port(mine.f);
		for (unsigned i = 0;; i += 10) {
			put_all(&mine, i, i + 10);
			if (write(pipes[1], &i, sizeof i) != sizeof i)
				_exit(2);
		}
	}
	close(pipes[1]);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(read(pipes[0], &done, sizeof done), sizeof done);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	while (read(pipes[0], &done, sizeof done) == sizeof done)
		continue;
	close(pipes[0]);
	reopen(t);
	for (unsigned i = 0; i < done + 10; i++)
		assert_int_equal(look(t, i), E_NONE);
}

/* ---- damage ------------------------------------------------------------------------------------------------ */

static off_t find_block(const char *path, unsigned i)
{
	struct record_head h;
	int fd = open(path, O_RDONLY);
	off_t at = 0;
	struct cid cid = cid_no(i);

	assert_true(fd >= 0);
	while (pread(fd, &h, sizeof h, at) == sizeof h) {
		if (h.kind == RECORD_BLOCK && hash_eq(&h.digest, &cid.digest))
			break;
		at += (off_t)(sizeof h + h.len);
	}
	close(fd);
	return at;
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t c;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x10;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void damage_is_found_once_and_healed(void **state)
{
	struct place_for *t = *state;
	struct blobs_folder_stat s;
	char path[128];

	segment_path(t, 1, path);
	put_all(t, 0, 30);
	flip(path, find_block(path, 13) + (off_t)sizeof(struct record_head) + 5);
	assert_int_equal(look(t, 13), E_BLOCK_CORRUPT);
	assert_int_equal(look(t, 13), E_NOT_FOUND);
	blobs_folder_stat(t->f, &s);
	assert_int_equal(s.corrupt, 1);
	assert_int_equal(s.blocks, 29);
	reopen(t);
	assert_int_equal(look(t, 13), E_NOT_FOUND);
	put_all(t, 13, 14);
	assert_int_equal(look(t, 13), E_NONE);
	reopen(t);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(look(t, i), E_NONE);
}

/* A block that is put while a damaged copy is there is not taken for stored. */
static void a_put_does_not_trust_a_damaged_copy(void **state)
{
	struct place_for *t = *state;
	char path[128];

	segment_path(t, 1, path);
	put_all(t, 0, 30);
	put_all(t, 30, 31);
	flip(path, find_block(path, 13) + (off_t)sizeof(struct record_head) + 5);
	reopen(t);
	put_all(t, 13, 14);
	assert_int_equal(look(t, 13), E_NONE);
	reopen(t);
	assert_int_equal(look(t, 13), E_NONE);
}

/* Any byte of any header: the block is lost at most, its neighbours never. */
static void a_damaged_header_costs_one_block(void **state)
{
	struct place_for *t = *state;
	char path[128];

	segment_path(t, 1, path);
	put_all(t, 0, 12);
	t->f = blobs_folder_free(t->f);
	for (size_t byte = 0; byte < sizeof(struct record_head); byte++) {
		off_t at = find_block(path, 5) + (off_t)byte;

		flip(path, at);
		reopen(t);
		for (unsigned i = 0; i < 12; i++)
			assert_int_equal(look(t, i), i == 5 ? E_NOT_FOUND : E_NONE);
		t->f = blobs_folder_free(t->f);
		flip(path, at);
	}
	reopen(t);
	assert_int_equal(look(t, 5), E_NONE);
}

static void a_write_that_fails_leaves_the_rest(void **state)
{
	struct rlimit old, small;
	struct place_for *t = *state;
	uint8_t *large = calloc(1, BLOCK_MAX);
	struct cid cid = cid_of(CID_RAW, bytes_of(large, BLOCK_MAX));
	struct err e;

	assert_non_null(large);
	put_all(t, 0, 10);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){100000, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_false(t->b.put(t->b.self, &cid, bytes_of(large, BLOCK_MAX), &e));
	assert_int_equal(e.code, E_DISK_FULL);
	assert_false(t->b.has(t->b.self, &cid));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	put_all(t, 10, 20);
	assert_true(t->b.put(t->b.self, &cid, bytes_of(large, BLOCK_MAX), &e));
	reopen(t);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(look(t, i), E_NONE);
	assert_true(t->b.has(t->b.self, &cid));
	free(large);
}

/* ---- collecting ---------------------------------------------------------------------------------------------- */

static bool keep_none(void *self, const struct cid *cid)
{
	(void)self;
	(void)cid;
	return false;
}

static bool keep_third(void *self, const struct cid *cid)
{
	unsigned *asked = self;

	++*asked;
	for (unsigned i = 0; i < 300; i += 3) {
		struct cid c = cid_no(i);

		if (cid_eq(&c, cid))
			return true;
	}
	return false;
}

static void what_is_not_kept_goes_but_not_what_is_new(void **state)
{
	struct place_for *t = *state;
	struct blobs_folder_stat before, after;
	unsigned asked = 0;
	uint64_t freed;
	struct err e;

	put_all(t, 0, 300);
	blobs_folder_stat(t->f, &before);
	for (int i = 0; i < 2; i++) {
		assert_true(blobs_folder_collect(t->f, keep_third, &asked, &freed, &e));
		assert_int_equal(asked, 0);
		assert_int_equal(freed, 0);
	}
	put_block(t, 1); /* again: as good as new */
	assert_true(blobs_folder_collect(t->f, keep_third, &asked, &freed, &e));
	assert_int_equal(asked, 299);
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < 300; i++)
			assert_int_equal(look(t, i), i % 3 == 0 || i == 1 ? E_NONE : E_NOT_FOUND);
		blobs_folder_stat(t->f, &after);
		assert_int_equal(after.blocks, 101);
		assert_int_equal(before.bytes - freed, after.bytes);
		reopen(t);
	}
}

static void empty_segments_give_their_space_back(void **state)
{
	struct place_for *t = *state;
	uint8_t *large = calloc(1, BLOCK_MAX);
	struct blobs_folder_stat s;
	uint64_t freed, total = 0;
	struct err e;
	bool more;

	assert_non_null(large);
	put_all(t, 0, 3);
	for (unsigned i = 0; i < 300; i++) {
		struct cid cid;

		memcpy(large, &i, sizeof i);
		cid = cid_of(CID_RAW, bytes_of(large, BLOCK_MAX));
		assert_true(t->b.put(t->b.self, &cid, bytes_of(large, BLOCK_MAX), &e));
	}
	put_all(t, 3, 6);
	blobs_folder_stat(t->f, &s);
	assert_int_equal(s.segments, 3);
	reopen(t);
	for (unsigned i = 0; i < 6; i++)
		put_block(t, i);
	for (int i = 0; i < 2; i++) {
		assert_true(blobs_folder_collect(t->f, keep_none, NULL, &freed, &e));
		total += freed;
	}
	blobs_folder_stat(t->f, &s);
	assert_int_equal(s.segments, 3);
	do
		assert_true(blobs_folder_compact(t->f, &more, &e));
	while (more);
	assert_int_equal(total, 300ull * BLOCK_MAX);
	for (int pass = 0; pass < 2; pass++) {
		blobs_folder_stat(t->f, &s);
		assert_int_equal(s.segments, 1);
		assert_int_equal(s.blocks, 6);
		for (unsigned i = 0; i < 6; i++)
			assert_int_equal(look(t, i), E_NONE);
		reopen(t);
	}
	free(large);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(blocks_are_kept),
	        T(the_same_block_takes_no_more_room),
	        T(other_bytes_and_sizes_are_refused),
	        T(one_process_at_a_time),
	        T(a_torn_end_is_cut_off),
	        T(pages_that_were_never_written_are_no_blocks),
	        T(a_killed_process_loses_nothing_that_was_synced),
	        T(damage_is_found_once_and_healed),
	        T(a_put_does_not_trust_a_damaged_copy),
	        T(a_damaged_header_costs_one_block),
	        T(a_write_that_fails_leaves_the_rest),
	        T(what_is_not_kept_goes_but_not_what_is_new),
	        T(empty_segments_give_their_space_back),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
