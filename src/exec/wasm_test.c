/* wasm_test.c - jobs run as a provider runs them: in the executor's own process, through the one-shot call
 * and through the port on a loop. The program is tests/wasm/probe.c, which does what its arguments say. */
#include "exec/exec_suite.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "exec/wasmtime_api.h"

/* ---- the jobs -------------------------------------------------------------------------------------- */

static struct unixfs_node probe, fill_program; /* allow-listed static: of a test program */

/* Of the repository, which is where tests run. */
static void read_whole(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	char part[16384];
	size_t n;

	if (!f)
		fail_msg("%s is not there: tests run in the root of the repository", path);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_put(out, part, n);
	fclose(f);
	assert_true(buf_ok(out));
}

static struct unixfs_node add_program(const char *path)
{
	struct buf program OWN(buf_done);

	buf_init(&program, 1 << 20);
	read_whole(path, &program);
	return add(&(struct unixfs_path){STR("program.wasm"), buf_bytes(&program), false}, 1);
}

static int set_up(void **state)
{
	(void)state;
	bench_open(getenv("LILYPAD_PATHS_ENGINE"));
	probe = add_program("build/wasm/probe.wasm");
	fill_program = add_program("build/wasm/fill.wasm");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bench_close();
	return 0;
}

/* A job of the probe with the words of `line` as arguments. */
static struct job_spec *job(const char *line)
{
	struct job_spec *s = calloc(1, sizeof *s);
	struct str rest = str_of(line);

	assert_non_null(s);
	s->program = probe.cid.digest;
	s->program_bytes = probe.tree_bytes;
	snprintf(s->entrypoint, sizeof s->entrypoint, "_start");
	snprintf(s->args.v[s->args.n++].text, sizeof s->args.v[0].text, "probe");
	while (rest.n) {
		struct str word = str_cut(rest, ' ', &rest);

		snprintf(s->args.v[s->args.n++].text, sizeof s->args.v[0].text, "%.*s",
		        STR_ARG(word));
	}
	s->resources.ram = 16 << 20;
	s->resources.disk = 1 << 20;
	s->instruction_limit = 100000000;
	s->output_limit = 1 << 20;
	return s;
}

static void free_spec(struct job_spec **s)
{
	free(*s);
}

static struct run_done run(const char *line)
{
	struct job_spec *s OWN(free_spec) = job(line);

	return run_spec(s);
}

/* A file of an output tree. */
static const char *output(const struct run_done *d, const char *path)
{
	static char text[1 << 16];
	const struct block_source src = added();
	struct buf b OWN(buf_done);
	struct err e;

	buf_init(&b, sizeof text - 1);
	if (!unixfs_read(&src, &d->tree, str_of(path), &b, &e))
		fail_msg("%s: %s", path, e.msg);
	snprintf(text, sizeof text, "%s", buf_cstr(&b));
	return text;
}

static void expect_status(const struct run_done *d, unsigned status)
{
	if (d->status != status)
		fail_msg("%s \"%s\", not %s", enum_name(&status_names, d->status), d->trap,
		        enum_name(&status_names, status));
}

static void expect_line(const char *text, const char *line)
{
	struct str rest = str_of(text);

	while (rest.n) {
		if (str_is(str_cut(rest, '\n', &rest), line))
			return;
	}
	fail_msg("there is no line \"%s\" in\n%s", line, text);
}

/* ---- what a program is given ------------------------------------------------------------------------ */

static void test_arguments(void **state)
{
	struct job_spec *s OWN(free_spec) = job("show two");
	struct run_done d;

	(void)state;
	snprintf(s->args.v[s->args.n++].text, sizeof s->args.v[0].text,
	        "with a space, and \xc3\xa9");
	s->env.n = 1;
	snprintf(s->env.v[0].name, sizeof s->env.v[0].name, "COLOUR");
	snprintf(s->env.v[0].value, sizeof s->env.v[0].value, "green=blue");
	d = run_spec(s);
	expect_status(&d, STATUS_COMPLETED);
	assert_string_equal(output(&d, "stdout"),
	        "arg probe\narg show\narg two\narg with a space, and \xc3\xa9\n"
	        "env COLOUR=green=blue\nstdin 0\n");
	assert_string_equal(output(&d, "stderr"), "to standard error\n");
	assert_string_equal(output(&d, "exitCode"), "0\n");
	assert_int_equal(d.exit_code, 0);
	assert_true(d.count > 0 && d.count < 1000000);
}

/* A raw file, a file in a tree and a folder, in this order; a program sees them by name. */
static void give_inputs(struct job_spec *s)
{
	const struct unixfs_path folder[] = {{STR("sub/z"), str_bytes(STR("zed")), false},
	        {STR("sub/empty"), {NULL, 0}, true}, {STR("a"), str_bytes(STR("first")), false},
	        {STR("B"), str_bytes(STR("second")), false}};
	const struct block_sink sink = {bench.memory, bench.blobs.put};
	struct unixfs_node file, tree = add(folder, COUNT(folder));
	struct err e;

	assert_true(unixfs_add_file(&sink, str_bytes(STR("one")), &file, &e));
	assert_int_equal(file.cid.codec, CID_RAW);
	s->inputs.n = 2;
	snprintf(s->inputs.v[0].path, sizeof s->inputs.v[0].path, "one.txt");
	s->inputs.v[0].file = file.cid.digest;
	s->inputs.v[0].bytes = file.tree_bytes;
	snprintf(s->inputs.v[1].path, sizeof s->inputs.v[1].path, "folder");
	s->inputs.v[1].tree = tree.cid.digest;
	s->inputs.v[1].bytes = tree.tree_bytes;
}

static void test_inputs(void **state)
{
	struct job_spec *s OWN(free_spec) = job("list");
	struct run_done d;

	(void)state;
	give_inputs(s);
	d = run_spec(s);
	expect_status(&d, STATUS_COMPLETED);
	/* By the bytes of the name, whatever order they came in; every file is of the same age. */
	assert_string_equal(output(&d, "stdout"),
	        "/inputs/folder/ ino 5\n"
	        "/inputs/folder/B ino 6 size 6 mtime 946684800: second\n"
	        "/inputs/folder/a ino 7 size 5 mtime 946684800: first\n"
	        "/inputs/folder/sub/ ino 8\n"
	        "/inputs/folder/sub/empty/ ino 9\n"
	        "/inputs/folder/sub/z ino 10 size 3 mtime 946684800: zed\n"
	        "/inputs/one.txt ino 4 size 3 mtime 946684800: one\n");
	assert_int_equal(d.input_bytes, s->inputs.v[0].bytes + s->inputs.v[1].bytes);
}

struct listing {
	struct buf text;
};

static bool list_dir(void *self, struct str path, struct err *e)
{
	struct listing *l = self;

	(void)e;
	buf_fmt(&l->text, "%.*s/\n", STR_ARG(path));
	return true;
}

static bool list_file(void *self, struct str path, uint64_t bytes, struct err *e)
{
	struct listing *l = self;

	(void)e;
	buf_fmt(&l->text, "%.*s %d\n", STR_ARG(path), (int)bytes);
	return true;
}

/* The whole tree, without standard output. */
static void expect_tree(const struct run_done *d, const char *want)
{
	const struct block_source src = added();
	struct listing l;
	const struct unixfs_visitor v = {&l, list_dir, list_file, NULL};
	const char *at;
	struct err e;

	buf_init(&l.text, 4096);
	if (!unixfs_walk(&src, &d->tree, 1 << 20, &v, &e))
		fail_msg("%s", e.msg);
	at = strstr(buf_cstr(&l.text), "outputs/");
	assert_non_null(at);
	assert_memory_equal(at, want, strlen(want));
	buf_done(&l.text);
}

static void test_outputs(void **state)
{
	struct job_spec *s OWN(free_spec) = job("tree");
	struct run_done d = run_spec(s);

	(void)state;
	expect_status(&d, STATUS_COMPLETED);
	expect_tree(&d, "outputs/\noutputs/B.txt 16\noutputs/a/\noutputs/a/b/\n"
	                "outputs/a/b/deep.txt 4\noutputs/empty/\noutputs/none 0\noutputs/z.txt 4\n"
	                "stderr 0\n");
	assert_string_equal(output(&d, "outputs/a/b/deep.txt"), "deep");
	expect_line(
	        output(&d, "stdout"), "/tmp/kept-nowhere ino 11 size 7 mtime 946684800: scratch");
	/* Only what the spec names. */
	s->outputs.n = 2;
	snprintf(s->outputs.v[0].path, sizeof s->outputs.v[0].path, "a");
	snprintf(s->outputs.v[1].path, sizeof s->outputs.v[1].path, "z");
	d = run_spec(s);
	expect_tree(&d, "outputs/\noutputs/a/\noutputs/a/b/\noutputs/a/b/deep.txt 4\nstderr 0\n");
}

static void test_time_and_chance(void **state)
{
	struct job_spec *s OWN(free_spec) = job("chance");
	struct run_done d = run_spec(s), again = run_spec(s);
	const char *text = output(&d, "stdout");
	char first[4096];

	(void)state;
	expect_status(&d, STATUS_COMPLETED);
	expect_line(text, "clock 946684800.001000000");
	expect_line(text, "clock 0.002000000");
	expect_line(text, "clock 946684800.003000000");
	/* An hour's sleep takes no time and an hour of the virtual clock. */
	expect_line(text, "slept 3600.004000000");
	/* SHA-256 of the seed and a counter of eight bytes, little-endian: with Python,
	 * sha256(bytes(40)).hexdigest() + sha256(bytes(32) + b"\1" + bytes(7)).hexdigest()[:16] */
	expect_line(text, "random 2c34ce1df23b838c5abf2a7f6437cca3d3067ed509ff25f11df6b11b582b51eb"
	                  "19ea44be89eece0f");
	assert_true(cid_eq(&d.tree, &again.tree));
	assert_int_equal(d.count, again.count);
	snprintf(first, sizeof first, "%s", text);
	s->seed.b[31] = 1;
	again = run_spec(s);
	assert_false(cid_eq(&d.tree, &again.tree));
	assert_string_not_equal(
	        strstr(output(&again, "stdout"), "random"), strstr(first, "random"));
	assert_memory_equal(text, first, (size_t)(strstr(first, "random") - first));
}

/* ---- files ------------------------------------------------------------------------------------------ */

static void test_moves(void **state)
{
	struct job_spec *s OWN(free_spec) = job("moves");
	struct run_done d;

	(void)state;
	give_inputs(s);
	d = run_spec(s);
	expect_status(&d, STATUS_COMPLETED);
	assert_string_equal(output(&d, "stdout"), "rename over a file: done\n"
	                                          "read what was replaced: done\n"
	                                          "it was: from b\n"
	                                          "the old name: No such file or directory\n"
	                                          "unlink while open: done\n"
	                                          "write to what is unlinked: done\n"
	                                          "unlink again: No such file or directory\n"
	                                          "into itself: Invalid argument\n"
	                                          "remove what is not empty: Directory not empty\n"
	                                          "unlink a directory: Is a directory\n"
	                                          "from /tmp to /outputs: done\n"
	                                          "exclusive: File exists\n"
	                                          "write an input: Read-only file system\n"
	                                          "remove an input: Read-only file system\n"
	                                          "move an input: Read-only file system\n"
	                                          "truncate an input: Read-only file system\n"
	                                          "link: Not supported\n"
	                                          "symlink: Not supported\n"
	                                          "/outputs/d/ ino 13\n"
	                                          "/outputs/d/e/ ino 14\n");
	expect_tree(&d, "outputs/\noutputs/d/\noutputs/d/e/\nstderr 0\n");
}

/* Of the host nothing can be named, by no path. */
static void test_escape(void **state)
{
	struct job_spec *s OWN(free_spec) = job("escape");
	struct str rest;
	struct run_done d;
	int n = 0;

	(void)state;
	give_inputs(s);
	d = run_spec(s);
	expect_status(&d, STATUS_COMPLETED);
	for (rest = str_of(output(&d, "stdout")); rest.n; n++) {
		struct str line = str_cut(rest, '\n', &rest);

		if (line.n < 4 || memcmp(line.p + line.n - 4, "done", 4) == 0)
			fail_msg("%.*s", STR_ARG(line));
	}
	assert_int_equal(n, 9);
}

/* ---- how it ends ------------------------------------------------------------------------------------ */

static void test_exit_status(void **state)
{
	struct run_done d = run("exit 3");

	(void)state;
	expect_status(&d, STATUS_COMPLETED);
	assert_int_equal(d.exit_code, 3);
	assert_string_equal(output(&d, "exitCode"), "3\n");
	assert_string_equal(d.trap, "");
}

static void test_trap(void **state)
{
	struct run_done d = run("trap");

	(void)state;
	expect_status(&d, STATUS_EXCEPTION_OCCURRED);
	assert_string_equal(d.trap, "unreachable code was reached");
	assert_true(d.count > 0);
}

static void test_endless(void **state)
{
	struct job_spec *s OWN(free_spec) = job("spin");
	struct run_done first = {0};

	(void)state;
	s->instruction_limit = 3000001;
	for (int i = 0; i < 20; i++) {
		struct run_done d = run_spec(s);

		expect_status(&d, STATUS_INSTRUCTIONS_EXCEEDED);
		assert_int_equal(d.count, 3000001);
		if (i == 0)
			first = d;
		assert_true(cid_eq(&d.tree, &first.tree));
	}
}

/* The engine asks where a function or a loop begins: a program that ends before it comes to the next such
 * place has completed, and then its count is the limit. Nobody ever counts more than the limit. */
static void test_limit(void **state)
{
	struct job_spec *s OWN(free_spec) = job("tree");
	struct run_done whole = run_spec(s);
	unsigned last = STATUS_COMPLETED;

	(void)state;
	for (uint64_t less = 0; less <= 4096; less = less ? less * 2 : 1) {
		struct run_done d, again;

		s->instruction_limit = whole.count - less;
		d = run_spec(s);
		again = run_spec(s);
		assert_int_equal(d.count, s->instruction_limit);
		assert_int_equal(d.status, again.status);
		assert_true(cid_eq(&d.tree, &again.tree));
		if (last != STATUS_COMPLETED)
			expect_status(&d, last);
		else if (d.status != STATUS_COMPLETED)
			expect_status(&d, STATUS_INSTRUCTIONS_EXCEEDED);
		last = d.status;
	}
	assert_int_equal(last, STATUS_INSTRUCTIONS_EXCEEDED);
}

static struct run_done fill(const char *bytes)
{
	struct job_spec *s OWN(free_spec) = job(bytes);

	s->program = fill_program.cid.digest;
	return run_spec(s);
}

/* One instruction that works for long counts for as much; both texts have six digits. */
static void test_bulk(void **state)
{
	struct run_done little = fill("100000"), much = fill("900000");

	(void)state;
	expect_status(&much, STATUS_COMPLETED);
	assert_int_equal(much.exit_code, 0);
	assert_int_equal(much.count - little.count, 800000);
}

static void test_memory(void **state)
{
	struct run_done d = run("hog 65536 1"), again;

	(void)state;
	expect_status(&d, STATUS_MEMORY_EXCEEDED);
	again = run("hog 65536 1");
	assert_int_equal(again.count, d.count);
	d = run("hog-trap 65536");
	expect_status(&d, STATUS_MEMORY_EXCEEDED);
	/* Whoever copes with it has completed. */
	d = run("hog 65536 0");
	expect_status(&d, STATUS_COMPLETED);
	/* A wish that the memory could never hold leaves most of it free: the program's own failure. */
	d = run("hog 100000000 5");
	expect_status(&d, STATUS_COMPLETED);
	assert_int_equal(d.exit_code, 5);
}

static void test_too_little_memory_to_begin(void **state)
{
	struct job_spec *s OWN(free_spec) = job("exit 0");
	struct run_done d;

	(void)state;
	s->resources.ram = 65536;
	d = run_spec(s);
	expect_status(&d, STATUS_EXCEPTION_OCCURRED);
	assert_non_null(strstr(d.trap, "cannot be instantiated"));
	assert_int_equal(d.count, 0);
}

static void test_flood(void **state)
{
	static const char *const lines[] = {"flood", "flood /outputs/f", "flood /tmp/f"};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct run_done d = run(lines[i]), again = run(lines[i]);

		expect_status(&d, STATUS_STORAGE_EXCEEDED);
		assert_int_equal(d.count, again.count);
		assert_true(cid_eq(&d.tree, &again.tree));
	}
}

static void test_canonical_nan(void **state)
{
	struct run_done d = run("floats");

	(void)state;
	expect_line(output(&d, "stdout"), "0/0 7ff8000000000000");
	expect_line(output(&d, "stdout"), "inf-inf 7ff8000000000000");
}

/* ---- many at once ----------------------------------------------------------------------------------- */

struct many {
	uv_loop_t loop;
	struct exec_port port;
	struct run_done done[16];
	unsigned n, want;
};

static void on_done(void *self, const struct run_done *d)
{
	struct many *m = self;

	assert_true(d->tag.n < COUNT(m->done));
	m->done[d->tag.n] = *d;
	if (++m->n == m->want)
		uv_stop(&m->loop);
}

static void open_many(struct many *m)
{
	struct err e;

	memset(m, 0, sizeof *m);
	assert_int_equal(uv_loop_init(&m->loop), 0);
	if (!exec_wasm_open(
	            &m->loop, &bench.blobs, bench.cache, bench.engine, bench.self, &m->port, &e))
		fail_msg("%s", e.msg);
}

static void close_many(struct many *m)
{
	exec_wasm_close(&m->port);
	uv_run(&m->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&m->loop), 0);
}

static struct tag tag_of(unsigned n)
{
	struct tag t = {.what = 7, .n = n};

	t.key.b[0] = (uint8_t)n;
	return t;
}

static void begin(struct many *m, unsigned n, const char *line)
{
	const struct inbox in = {.self = m, .run = on_done};
	struct job_spec *s OWN(free_spec) = job(line);

	m->port.run(m->port.self, tag_of(n), s, &in);
}

static void wait_for(struct many *m, unsigned n)
{
	m->want = n;
	if (m->n < n)
		uv_run(&m->loop, UV_RUN_DEFAULT);
	assert_int_equal(m->n, n);
}

static void test_parallel(void **state)
{
	struct many *m = calloc(1, sizeof *m);
	struct run_done one = run("tree");

	(void)state;
	assert_non_null(m);
	open_many(m);
	for (unsigned i = 0; i < 16; i++) {
		char line[32];

		snprintf(line, sizeof line, "exit %u", i);
		begin(m, i, i % 4 ? line : "tree");
	}
	wait_for(m, 16);
	for (unsigned i = 0; i < 16; i++) {
		assert_true(m->done[i].ok);
		expect_status(&m->done[i], STATUS_COMPLETED);
		assert_int_equal(m->done[i].exit_code, i % 4 ? i : 0);
		if (i % 4 == 0) {
			assert_int_equal(m->done[i].count, one.count);
			assert_true(cid_eq(&m->done[i].tree, &one.tree));
		}
	}
	close_many(m);
	free(m);
}

/* A job that is stopped is no outcome; those beside it go on. */
static void test_kill(void **state)
{
	const struct inbox in = {.self = NULL, .run = on_done};
	struct job_spec *s OWN(free_spec) = job("spin");
	struct many *m = calloc(1, sizeof *m);
	struct inbox own = in;

	(void)state;
	assert_non_null(m);
	own.self = m;
	open_many(m);
	s->instruction_limit = 1ull << 40;
	m->port.run(m->port.self, tag_of(0), s, &own);
	begin(m, 1, "exit 4");
	wait_for(m, 1);
	assert_true(m->done[1].ok);
	m->port.kill(m->port.self, tag_of(0));
	wait_for(m, 2);
	assert_false(m->done[0].ok);
	assert_int_equal(m->done[0].err.code, E_TIMEOUT);
	m->port.kill(m->port.self, tag_of(0)); /* of a job that has ended: nothing */
	begin(m, 2, "exit 5");
	wait_for(m, 3);
	assert_int_equal(m->done[2].exit_code, 5);
	close_many(m);
	free(m);
}

static pid_t executor(void)
{
	char path[64];
	long pid = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld", &pid), 1);
	fclose(f);
	return (pid_t)pid;
}

/* All jobs under way are lost with the executor, each is told so once, and the next ones run. */
static void test_executor_killed(void **state)
{
	struct many *m = calloc(1, sizeof *m);

	(void)state;
	assert_non_null(m);
	open_many(m);
	for (unsigned i = 0; i < 3; i++)
		begin(m, i, "spin");
	assert_int_equal(kill(executor(), SIGKILL), 0);
	wait_for(m, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(m->done[i].ok);
		assert_int_equal(m->done[i].err.code, E_EXECUTOR);
	}
	for (unsigned i = 3; i < 6; i++)
		begin(m, i, "exit 6");
	wait_for(m, 6);
	for (unsigned i = 3; i < 6; i++)
		assert_int_equal(m->done[i].exit_code, 6);
	close_many(m);
	free(m);
}

/* ---- what is missing on this host ------------------------------------------------------------------- */

static void test_no_engine(void **state)
{
	struct job_spec *s OWN(free_spec) = job("exit 0");
	struct run_done d;
	struct err e;

	(void)state;
	assert_false(exec_wasm_once(
	        &bench.blobs, bench.cache, "/nonexistent/engine.so", bench.self, s, &d, &e));
	assert_int_equal(e.code, E_MISSING_PART);
	/* A library that is none of ours. */
	assert_false(exec_wasm_once(&bench.blobs, bench.cache, "libm.so.6", bench.self, s, &d, &e));
	assert_int_equal(e.code, E_MISSING_PART);
}

static void test_input_that_is_not_here(void **state)
{
	struct job_spec *s OWN(free_spec) = job("list");
	struct run_done d;
	struct err e;

	(void)state;
	give_inputs(s);
	s->inputs.v[1].tree.b[0] ^= 1;
	assert_false(
	        exec_wasm_once(&bench.blobs, bench.cache, bench.engine, bench.self, s, &d, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
}

/* ---- the document ----------------------------------------------------------------------------------- */

/* The rows `| name | value |` of docs/engine-class.md in order are the settings, whose digest is in the
 * class's name; so the document cannot differ from what runs. */
static void test_document(void **state)
{
	struct buf doc OWN(buf_done);
	struct buf rows OWN(buf_done);
	struct str rest;

	(void)state;
	buf_init(&doc, 1 << 20);
	buf_init(&rows, 1 << 16);
	read_whole("docs/engine-class.md", &doc);
	rest = buf_view(&doc);
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest), cell, after;

		if (line.n < 3 || memcmp(line.p, "| =", 3) == 0 || memcmp(line.p, "| `", 3) != 0)
			continue;
		(void)str_cut(line, '`', &after);
		cell = str_cut(after, '`', &after);
		if (after.n < 4 || memcmp(after.p, " | `", 4) != 0)
			continue;
		buf_fmt(&rows, "%s%.*s=", rows.n ? ";" : "", STR_ARG(cell));
		(void)str_cut(after, '`', &after);
		buf_str(&rows, str_cut(after, '`', &after));
	}
	assert_string_equal(buf_cstr(&rows), wasm_class_settings());
	if (!strstr(buf_cstr(&doc), exec_wasm_class()))
		fail_msg("docs/engine-class.md does not name %s", exec_wasm_class());
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_arguments),
	        cmocka_unit_test(test_inputs), cmocka_unit_test(test_outputs),
	        cmocka_unit_test(test_time_and_chance), cmocka_unit_test(test_moves),
	        cmocka_unit_test(test_escape), cmocka_unit_test(test_exit_status),
	        cmocka_unit_test(test_trap), cmocka_unit_test(test_endless),
	        cmocka_unit_test(test_limit), cmocka_unit_test(test_bulk),
	        cmocka_unit_test(test_memory), cmocka_unit_test(test_too_little_memory_to_begin),
	        cmocka_unit_test(test_flood), cmocka_unit_test(test_canonical_nan),
	        cmocka_unit_test(test_parallel), cmocka_unit_test(test_kill),
	        cmocka_unit_test(test_executor_killed), cmocka_unit_test(test_no_engine),
	        cmocka_unit_test(test_input_that_is_not_here), cmocka_unit_test(test_document)};

	/* The executor starts itself: this program plays `lilypad exec-wasm`. */
	if (argc > 1 && strcmp(argv[1], "exec-wasm") == 0)
		return exec_wasm_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
