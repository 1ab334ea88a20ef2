/* frame_test.c - frames come back as they went, and none that is cut or wrong is taken. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "exec/frame.h"
#include "model/model.h"

static void sample_job(struct job_frame *f)
{
	static struct str args[] = {{"prog", 4}, {"", 0}, {"two words", 9}}, env[] = {{"A=b", 3}};
	static struct frame_file inputs[] = {{{"a/b.txt", 7}, {(const uint8_t *)"x\0y", 3}, false},
	        {{"dir", 3}, {NULL, 0}, true}, {{"empty", 5}, {NULL, 0}, false}};

	*f = (struct job_frame){.program = str_bytes(STR("\0asm")),
	        .entrypoint = STR("_start"),
	        .args = {args, COUNT(args)},
	        .env = {env, COUNT(env)},
	        .inputs = inputs,
	        .inputs_n = COUNT(inputs),
	        .instruction_limit = UINT64_MAX,
	        .ram = 1 << 20,
	        .output_limit = 7};
	f->program_id.b[0] = 1;
	f->seed.b[31] = 2;
}

static void expect_files(
        const struct frame_file *a, size_t an, const struct frame_file *b, size_t bn)
{
	assert_int_equal(an, bn);
	for (size_t i = 0; i < an; i++) {
		assert_true(str_eq(a[i].path, b[i].path));
		assert_int_equal(a[i].dir, b[i].dir);
		assert_int_equal(a[i].data.n, b[i].data.n);
		if (a[i].data.n)
			assert_memory_equal(a[i].data.p, b[i].data.p, a[i].data.n);
	}
}

static void expect_list(const struct frame_list *a, const struct frame_list *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_true(str_eq(a->v[i], b->v[i]));
}

static void test_job(void **state)
{
	struct arena a OWN(arena_done);
	struct buf b OWN(buf_done);
	struct job_frame in, out;
	struct err e;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	sample_job(&in);
	job_frame_encode(&in, &b);
	assert_true(job_frame_decode(buf_bytes(&b), &a, &out, &e));
	assert_true(hash_eq(&in.program_id, &out.program_id));
	assert_true(hash_eq(&in.seed, &out.seed));
	assert_true(in.instruction_limit == out.instruction_limit);
	assert_int_equal(in.ram, out.ram);
	assert_int_equal(in.output_limit, out.output_limit);
	assert_true(str_eq(in.entrypoint, out.entrypoint));
	assert_int_equal(out.program.n, 4);
	expect_list(&in.args, &out.args);
	expect_list(&in.env, &out.env);
	expect_files(in.inputs, in.inputs_n, out.inputs, out.inputs_n);
}

static void test_job_cut(void **state)
{
	struct arena a OWN(arena_done);
	struct buf b OWN(buf_done);
	struct job_frame f, out = {.ram = 99};
	struct err e;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	sample_job(&f);
	job_frame_encode(&f, &b);
	for (size_t n = 0; n < b.n; n++) {
		assert_false(job_frame_decode(bytes_of(b.p, n), &a, &out, &e));
		assert_int_equal(e.code, E_PEER);
	}
	assert_int_equal(out.ram, 99);
	buf_byte(&b, 0); /* and nothing may follow */
	assert_false(job_frame_decode(buf_bytes(&b), &a, &out, &e));
}

static bool outcome_with(uint64_t status, struct str path)
{
	struct frame_file file = {path, str_bytes(STR("data")), false};
	struct outcome_frame f = {.status = (uint8_t)status,
	        .exit_code = -1,
	        .count = 12,
	        .trap = STR("why"),
	        .out = str_bytes(STR("out")),
	        .files = &file,
	        .files_n = 1};
	struct arena a OWN(arena_done);
	struct buf b OWN(buf_done);
	struct outcome_frame out;
	struct err e;
	bool ok;

	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	outcome_frame_encode(&f, &b);
	b.p[1] = (uint8_t)(status >> 8);
	ok = outcome_frame_decode(buf_bytes(&b), &a, &out, &e);
	if (!ok)
		return false;
	assert_int_equal(out.status, status);
	assert_int_equal(out.exit_code, -1);
	assert_int_equal(out.count, 12);
	assert_true(str_is(out.trap, "why"));
	assert_int_equal(out.out.n, 3);
	assert_int_equal(out.err.n, 0);
	expect_files(out.files, out.files_n, &file, 1);
	return true;
}

/* A child that a program has taken over writes what it likes: no path of it leaves outputs/. */
static void test_outcome(void **state)
{
	static const char *const bad[] = {
	        "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/.."};

	(void)state;
	assert_true(outcome_with(STATUS_COMPLETED, STR("a/b")));
	assert_true(outcome_with(STATUS_STORAGE_EXCEEDED, STR("..a/...")));
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (outcome_with(STATUS_COMPLETED, str_of(bad[i])))
			fail_msg("\"%s\" was taken", bad[i]);
	}
	assert_false(outcome_with(STATUS_COMPLETED, (struct str){"a\0b", 3}));
	assert_false(outcome_with(0, STR("a")));
	assert_false(outcome_with(200, STR("a")));
	assert_false(outcome_with(256 + STATUS_COMPLETED, STR("a")));
}

/* Counts that the frame cannot hold are refused before anything is allotted for them. */
static void test_counts(void **state)
{
	struct arena a OWN(arena_done);
	struct buf b OWN(buf_done);
	struct outcome_frame f = {.status = STATUS_COMPLETED}, out;
	const uint64_t counts[] = {1, FRAME_FILES_MAX, FRAME_FILES_MAX + 1, UINT64_MAX};
	struct err e;

	(void)state;
	arena_init(&a, 4096);
	buf_init(&b, 1 << 20);
	outcome_frame_encode(&f, &b);
	assert_true(outcome_frame_decode(buf_bytes(&b), &a, &out, &e));
	for (size_t i = 0; i < COUNT(counts); i++) {
		memcpy(b.p + b.n - 8, &counts[i], 8); /* the number of files is last */
		assert_false(outcome_frame_decode(buf_bytes(&b), &a, &out, &e));
		assert_int_equal(e.code, E_PEER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_job),
	        cmocka_unit_test(test_job_cut), cmocka_unit_test(test_outcome),
	        cmocka_unit_test(test_counts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
