/* exec_hostile_test.c - programs that mean harm, run as a provider runs them: in the executor's own
 * process with its jail. Each is text that the engine itself assembles. */
#include "exec/exec_suite.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "exec/wasmtime_api.h"

/* ---- one run ---------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	(void)state;
	bench_open(getenv("LILYPAD_PATHS_ENGINE"));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bench_close();
	return 0;
}

/* wasmtime_wat2wasm() gives an error or NULL. */
static void assemble(const char *text, struct buf *out)
{
	void *lib = dlopen(bench.engine, RTLD_NOW | RTLD_LOCAL);
	void *(*wat)(const char *, size_t, struct wasm_bytes *);
	void (*done)(struct wasm_bytes *);
	struct wasm_bytes bytes = {0};

	assert_non_null(lib);
	*(void **)&wat = dlsym(lib, "wasmtime_wat2wasm");
	*(void **)&done = dlsym(lib, "wasm_byte_vec_delete");
	assert_non_null(wat);
	assert_non_null(done);
	if (wat(text, strlen(text), &bytes))
		fail_msg("not assembled: %.200s", text);
	buf_put(out, bytes.data, bytes.size);
	done(&bytes);
}

static struct job_spec *new_spec(struct bytes program)
{
	struct unixfs_path path = {STR("program.wasm"), program, false};
	struct job_spec *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->program = add(&path, 1).cid.digest;
	snprintf(s->entrypoint, sizeof s->entrypoint, "_start");
	s->resources.ram = 1 << 20;
	s->resources.disk = 1 << 20;
	s->instruction_limit = 50000000;
	s->output_limit = 1 << 20;
	return s;
}

static struct run_done run_bytes(struct bytes program)
{
	struct job_spec *s = new_spec(program);
	struct run_done d = run_spec(s);

	free(s);
	return d;
}

static struct run_done run(const char *text)
{
	struct buf program OWN(buf_done);

	buf_init(&program, 1 << 20);
	assemble(text, &program);
	return run_bytes(buf_bytes(&program));
}

static void expect(const char *text, unsigned status, const char *words)
{
	struct run_done d = run(text);

	if (d.status != status || !strstr(d.trap, words))
		fail_msg(
		        "%s \"%s\" after %.300s", enum_name(&status_names, d.status), d.trap, text);
}

#define IMPORT(name, type)                                                                         \
	"(import \"wasi_snapshot_preview1\" \"" name "\" (func $" name " " type "))"
#define PATH_OPEN IMPORT("path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)")
#define FD_WRITE  IMPORT("fd_write", "(param i32 i32 i32 i32) (result i32)")
#define PROC_EXIT IMPORT("proc_exit", "(param i32)")
#define I3        "(param i32 i32 i32) (result i32)"

/* ---- the entry -------------------------------------------------------------------------------------- */

/* Called with one slot for all values: these would read our stack, and write over it. */
static void test_entry_of_another_type(void **state)
{
	(void)state;
	expect("(module (func (export \"_start\") (param i64 i64 i64)))", STATUS_EXCEPTION_OCCURRED,
	        "takes arguments");
	expect("(module (func (export \"_start\") (result i64 i64) i64.const 1 i64.const 2))",
	        STATUS_EXCEPTION_OCCURRED, "takes arguments");
	expect("(module (memory (export \"_start\") 1))", STATUS_EXCEPTION_OCCURRED, "no function");
	expect("(module (func (export \"main\")))", STATUS_EXCEPTION_OCCURRED, "no function");
}

static void test_start_function(void **state)
{
	(void)state;
	expect("(module (func $s unreachable) (start $s) (func (export \"_start\")))",
	        STATUS_EXCEPTION_OCCURRED, "unreachable");
	expect("(module (func $s (loop br 0)) (start $s) (func (export \"_start\")))",
	        STATUS_INSTRUCTIONS_EXCEEDED, "");
	expect("(module " PROC_EXIT
	       "(func $s (call $proc_exit (i32.const 0))) (start $s) (func (export \"_start\") unreachable))",
	        STATUS_COMPLETED, "");
}

/* ---- what ends a program ---------------------------------------------------------------------------- */

static void test_exit_status(void **state)
{
	const struct block_source src = added();
	struct buf text OWN(buf_done);
	struct run_done d;
	struct err e;

	(void)state;
	d = run("(module " PROC_EXIT
	        "(func (export \"_start\") (call $proc_exit (i32.const 7)) unreachable))");
	assert_int_equal(d.status, STATUS_COMPLETED);
	assert_int_equal(d.exit_code, 7);
	assert_string_equal(d.trap, "");
	d = run("(module " PROC_EXIT
	        "(func (export \"_start\") (call $proc_exit (i32.const -1))))");
	buf_init(&text, 16);
	assert_true(unixfs_read(&src, &d.tree, STR("exitCode"), &text, &e));
	assert_string_equal(buf_cstr(&text), "4294967295\n"); /* a creator reads no sign */
}

static void test_limits(void **state)
{
	(void)state;
	expect("(module (func (export \"_start\") (loop br 0)))", STATUS_INSTRUCTIONS_EXCEEDED, "");
	expect("(module (memory (export \"memory\") 1) (func (export \"_start\")"
	       "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable))",
	        STATUS_MEMORY_EXCEEDED, "");
	expect("(module " FD_WRITE "(memory (export \"memory\") 2) (func (export \"_start\")"
	       "(i32.store (i32.const 4) (i32.const 65536))"
	       "(loop (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
	       "(br 0))))",
	        STATUS_STORAGE_EXCEEDED, "");
	expect("(module (func $f (export \"_start\") call $f))", STATUS_EXCEPTION_OCCURRED,
	        "stack overflow");
}

/* The depth at which a program's stack ends is the engine's, not that of the shell that started us. */
static void test_stack_of_the_host(void **state)
{
	const char *text = "(module (func $f (export \"_start\") call $f))";
	struct rlimit old, small;
	uint64_t count = run(text).count;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_STACK, &old), 0);
	small = (struct rlimit){256 << 10, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_STACK, &small), 0);
	assert_int_equal(run(text).count, count);
	assert_int_equal(setrlimit(RLIMIT_STACK, &old), 0);
}

/* ---- programs that no machine runs ------------------------------------------------------------------ */

/* Whoever runs one has an outcome, and does not decline what nobody can run. */
static void test_no_program(void **state)
{
	static const char *const texts[] = {"(module (memory i64 1) (func (export \"_start\")))",
	        "(module (memory 1 2 shared) (func (export \"_start\")))",
	        "(module (memory 1) (memory 1) (func (export \"_start\")))",
	        "(module (memory 1) (func (export \"_start\") (drop (i32.atomic.load (i32.const 0)))))",
	        "(module (func $f (export \"_start\") return_call $f))",
	        "(module (tag $e) (func (export \"_start\") (throw $e)))"};
	struct run_done d = run_bytes(str_bytes(STR("\177ELF is no WebAssembly")));

	(void)state;
	assert_int_equal(d.status, STATUS_EXCEPTION_OCCURRED);
	assert_int_equal(d.count, 0);
	for (size_t i = 0; i < COUNT(texts); i++)
		expect(texts[i], STATUS_EXCEPTION_OCCURRED, "is not accepted");
	expect("(module (import \"env\" \"system\" (func)) (func (export \"_start\")))",
	        STATUS_EXCEPTION_OCCURRED, "unknown import");
	expect("(module (import \"env\" \"m\" (memory 1)) (func (export \"_start\")))",
	        STATUS_EXCEPTION_OCCURRED, "unknown import");
	expect("(module (table 4000000000 funcref) (func (export \"_start\")))",
	        STATUS_EXCEPTION_OCCURRED, "table");
}

/* An import of a kind that validation lets pass and the compiler does not know (an exact function type): that
 * is the program's doing, the same everywhere, and no host's failure. */
static void test_compiler_refuses(void **state)
{
	static const uint8_t program[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 9,
	        1, 3, 'e', 'n', 'v', 1, 'x', 0x20, 0};
	struct run_done d = run_bytes(bytes_of(program, sizeof program));

	(void)state;
	assert_int_equal(d.status, STATUS_EXCEPTION_OCCURRED);
	assert_int_equal(d.count, 0);
	assert_non_null(strstr(d.trap, "is not accepted"));
}

/* The engine quotes names that the program chose: what is kept of them is whole characters. */
static void test_words(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		struct buf text OWN(buf_done);
		struct run_done d;

		buf_init(&text, 4096);
		buf_fmt(&text, "(module (import \"env\" \"%.*s", (int)shift, "xx");
		for (int i = 0; i < 200; i++)
			buf_z(&text, "\u20ac");
		buf_z(&text, "\\1b[2J\" (func)) (func (export \"_start\")))");
		d = run(buf_cstr(&text));
		assert_int_equal(d.status, STATUS_EXCEPTION_OCCURRED);
		assert_non_null(strstr(d.trap, "\u20ac"));
		assert_true(str_is_utf8(str_of(d.trap)));
	}
	expect("(module (import \"env\" \"\\1b[2J\" (func)) (func (export \"_start\")))",
	        STATUS_EXCEPTION_OCCURRED, "env::?[2J");
}

/* From here on programs are laid out by hand. */
/* clang-format off */

/* ---- outputs that no tree can hold ------------------------------------------------------------------ */

#define MAKE_CHAIN(n) \
	"(module " PATH_OPEN IMPORT("path_create_directory", I3) IMPORT("fd_close", \
	        "(param i32) (result i32)") "(memory (export \"memory\") 1) (data (i32.const 64) \"d\")" \
	        "(func (export \"_start\") (local i32 i32) (local.set 1 (i32.const 4)) (loop" \
	        "(drop (call $path_create_directory (local.get 1) (i32.const 64) (i32.const 1)))" \
	        "(drop (call $path_open (local.get 1) (i32.const 0) (i32.const 64) (i32.const 1)" \
	        "(i32.const 2) (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 100)))" \
	        "(if (i32.ne (local.get 1) (i32.const 4)) (then (drop (call $fd_close (local.get 1)))))" \
	        "(local.set 1 (i32.load (i32.const 100)))" \
	        "(local.set 0 (i32.add (local.get 0) (i32.const 1)))" \
	        "(br_if 0 (i32.lt_u (local.get 0) (i32.const " n \
	        "))))))"

static void test_deep_output(void **state)
{
	(void)state;
	expect(MAKE_CHAIN("62"), STATUS_COMPLETED, "");
	expect(MAKE_CHAIN("63"), STATUS_STORAGE_EXCEEDED, "too deep");
	expect(MAKE_CHAIN("60000"), STATUS_STORAGE_EXCEEDED, "too deep");
}

/* Names of four bytes; n empty files in one directory. */
#define MAKE_FILES(n) \
	"(module " PATH_OPEN IMPORT("fd_close", \
	        "(param i32) (result i32)") "(memory (export \"memory\") 1) (func (export \"_start\") (local i32) (loop" \
	        "(i32.store (i32.const 64) (i32.add (i32.const 0x30303030) (i32.or" \
	        "(i32.and (local.get 0) (i32.const 15)) (i32.or" \
	        "(i32.shl (i32.and (local.get 0) (i32.const 0xf0)) (i32.const 4)) (i32.or" \
	        "(i32.shl (i32.and (local.get 0) (i32.const 0xf00)) (i32.const 8))" \
	        "(i32.shl (i32.and (local.get 0) (i32.const 0xf000)) (i32.const 12)))))))" \
	        "(drop (call $path_open (i32.const 4) (i32.const 0) (i32.const 64) (i32.const 4)" \
	        "(i32.const 1) (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 100)))" \
	        "(drop (call $fd_close (i32.load (i32.const 100))))" \
	        "(local.set 0 (i32.add (local.get 0) (i32.const 1)))" \
	        "(br_if 0 (i32.lt_u (local.get 0) (i32.const " n \
	        "))))))"

static void test_wide_output(void **state)
{
	(void)state;
	expect(MAKE_FILES("6000"), STATUS_COMPLETED, "");
	expect(MAKE_FILES("7000"), STATUS_STORAGE_EXCEEDED, "too many files");
	expect(MAKE_FILES("65535"), STATUS_STORAGE_EXCEEDED, "too many files");
}

/* The exit status is the error number. */
#define OPEN_NEW(name, n)                                                                          \
	"(module " PATH_OPEN PROC_EXIT "(memory (export \"memory\") 1)"                            \
	"(data (i32.const 64) \"" name "\") (func (export \"_start\") (call $proc_exit"            \
	"(call $path_open (i32.const 4) (i32.const 0) (i32.const 64) (i32.const " n ")"            \
	"(i32.const 1) (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 100)))))"

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(run(OPEN_NEW("ok", "2")).exit_code, 0);
	assert_int_equal(run(OPEN_NEW("\\ff\\fe", "2")).exit_code, 25);   /* ILSEQ */
	assert_int_equal(run(OPEN_NEW("../x", "4")).exit_code, 76);       /* NOTCAPABLE */
	assert_int_equal(run(OPEN_NEW("/etc/x", "6")).exit_code, 76);     /* NOTCAPABLE */
	assert_int_equal(run(OPEN_NEW("a\\00b", "3")).exit_code, 44);     /* NOENT */
	assert_int_equal(run(OPEN_NEW("x", "70000")).exit_code, 21);      /* FAULT */
	assert_int_equal(run(OPEN_NEW("x", "0xffffffff")).exit_code, 21); /* FAULT */
}

/* What a program can learn from these is the job alone, and that they succeed is said as 0. */
static void test_world(void **state)
{
	static const char *const calls[] = {"args_sizes_get", "args_get", "environ_sizes_get",
	        "environ_get", "clock_res_get", "random_get"};

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++) {
		char text[1024];
		struct run_done d;

		snprintf(text, sizeof text,
		        "(module " PROC_EXIT "(import \"wasi_snapshot_preview1\" \"%s\""
		        "(func $f (param i32 i32) (result i32))) (memory (export \"memory\") 1)"
		        "(func (export \"_start\") (call $proc_exit (call $f (i32.const 0)"
		        "(i32.const 64)))))",
		        calls[i]);
		d = run(text);
		assert_int_equal(d.status, STATUS_COMPLETED);
		assert_int_equal(d.exit_code, 0);
	}
}

/* ---- work that nobody pays -------------------------------------------------------------------------- */

static void test_work_is_paid_before(void **state)
{
	(void)state;
	/* A gigabyte of random bytes for the price of a call. */
	struct buf program OWN(buf_done);
	struct job_spec *s;
	struct run_done d;

	buf_init(&program, 1 << 20);
	assemble(
	        "(module " IMPORT("random_get",
	                "(param i32 i32) (result i32)") "(memory (export \"memory\") 16000) (func (export \"_start\")"
	        "(drop (call $random_get (i32.const 0) (i32.const 1000000000)))))",
	        &program);
	s = new_spec(buf_bytes(&program));
	s->resources.ram = 1 << 30;
	s->instruction_limit = 100000;
	d = run_spec(s);
	assert_int_equal(d.status, STATUS_INSTRUCTIONS_EXCEEDED);
	assert_int_equal(d.count, 100000);
	assert_true(d.wall_us < 5000000); /* it takes ten seconds and more */
	free(s);
}

/* Where a trap loses the engine's count, work must not be free: the program would say by it what it found. */
static void test_work_before_a_trap(void **state)
{
#define WORK                                                                                       \
	"(local i32) (loop (local.set 0 (i32.add (local.get 0) (i32.const 1)))"                    \
	"(br_if 0 (i32.lt_u (local.get 0) (i32.const 1000000))))"
	(void)state;
	assert_int_equal(run("(module (func (export \"_start\")" WORK
	                     "(drop (i32.div_s (i32.const 1) (i32.const 0)))))")
	                         .count,
	        50000000);
	assert_int_equal(run("(module (memory (export \"memory\") 1) (func (export \"_start\")" WORK
	                     "(drop (i32.load (i32.const -4)))))")
	                         .count,
	        50000000);
	assert_int_equal(
	        run("(module (func (export \"_start\")" WORK "unreachable))").count, 8000001);
	assert_int_equal(run("(module (table 1 funcref) (func (export \"_start\")" WORK
	                     "(call_indirect (i32.const 0))))")
	                         .count,
	        8000003);
	assert_true(
	        run("(module (func $f call $f) (func (export \"_start\")" WORK "call $f))").count <
	        9000000);
#undef WORK
}

/* What a call wrote before its second buffer turned out to be nowhere is charged all the same. */
static void test_partial_write_is_paid(void **state)
{
	struct run_done d = run("(module " PATH_OPEN FD_WRITE
	        "(memory (export \"memory\") 4) (data (i32.const 64) \"f\")"
	        "(func (export \"_start\")"
	        "(drop (call $path_open (i32.const 5) (i32.const 0) (i32.const 64)"
	        "(i32.const 1) (i32.const 1) (i64.const 66) (i64.const 66)"
	        "(i32.const 0) (i32.const 100)))"
	        "(i32.store (i32.const 0) (i32.const 1024))"
	        "(i32.store (i32.const 4) (i32.const 100000))"
	        "(i32.store (i32.const 8) (i32.const -16))"
	        "(i32.store (i32.const 12) (i32.const 1000))"
	        "(drop (call $fd_write (i32.const 6) (i32.const 0) (i32.const 2)"
	        "(i32.const 104)))))");

	(void)state;
	assert_int_equal(d.status, STATUS_COMPLETED);
	assert_true(d.count > 100000);
}

/* ---- descriptors ------------------------------------------------------------------------------------ */

/* A renumbered directory that is renamed: what is made through its descriptor is in the new place. */
static void test_renumbered_directory(void **state)
{
	static const char text[] = "(module " PATH_OPEN PROC_EXIT IMPORT("path_create_directory",
	        I3) IMPORT("fd_renumber", "(param i32 i32) (result i32)") IMPORT("path_rename",
	        "(param i32 i32 i32 i32 i32 i32) (result i32)") "(memory (export \"memory\") 1) (data (i32.const 64) \"abf\")"
	        "(func $at (param i32 i32 i32) (result i32)"
	        "(call $path_open (local.get 0) (i32.const 0) (local.get 1) (i32.const 1)"
	        "(local.get 2) (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 100)))"
	        "(func (export \"_start\")"
	        "(drop (call $path_create_directory (i32.const 4) (i32.const 64) (i32.const 1)))"
	        "(drop (call $at (i32.const 4) (i32.const 64) (i32.const 2)))"
	        "(drop (call $fd_renumber (i32.const 6) (i32.const 3)))"
	        "(drop (call $path_rename (i32.const 4) (i32.const 64) (i32.const 1)"
	        "(i32.const 4) (i32.const 65) (i32.const 1)))"
	        "(call $proc_exit (call $at (i32.const 3) (i32.const 66) (i32.const 1)))))";
	const struct block_source src = added();
	struct buf content OWN(buf_done);
	struct run_done d = run(text);
	struct err e;

	(void)state;
	assert_int_equal(d.status, STATUS_COMPLETED);
	assert_int_equal(d.exit_code, 0);
	buf_init(&content, 16);
	assert_true(unixfs_read(&src, &d.tree, STR("outputs/b/f"), &content, &e));
}

/* ---- the host --------------------------------------------------------------------------------------- */

static void damage(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

/* A cache that the power failure left is made again, and nobody else's file is run. */
static void test_damaged_cache(void **state)
{
	const char *text = "(module (func (export \"_start\") nop))";

	(void)state;
	expect(text, STATUS_COMPLETED, "");
	each_cached(damage);
	expect(text, STATUS_COMPLETED, "");
}

static void open_up(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(chmod(path, 0666), 0);
}

static void test_foreign_cache(void **state)
{
	const char *text = "(module (func (export \"_start\") nop nop))";

	(void)state;
	expect(text, STATUS_COMPLETED, "");
	each_cached(open_up);
	expect(text, STATUS_COMPLETED, "");
}

/* Limits that no sum holds must not become small ones. */
static void test_huge_limits(void **state)
{
	struct buf program OWN(buf_done);
	struct job_spec *s;

	(void)state;
	buf_init(&program, 1 << 20);
	assemble("(module (func (export \"_start\")))", &program);
	s = new_spec(buf_bytes(&program));
	s->output_limit = UINT64_MAX;
	s->resources.disk = UINT64_MAX;
	s->instruction_limit = UINT64_MAX;
	assert_int_equal(run_spec(s).status, STATUS_COMPLETED);
	free(s);
}

/* Sixteen gigabytes of zeros for the price of a call, where the spec allows an exabyte. */
static void test_storage(void **state)
{
	struct buf program OWN(buf_done);
	struct job_spec *s;

	(void)state;
	buf_init(&program, 1 << 20);
	assemble(
	        "(module " PATH_OPEN IMPORT("fd_filestat_set_size",
	                "(param i32 i64) (result i32)") "(memory (export \"memory\") 1) (data (i32.const 64) \"f\")"
	        "(func (export \"_start\")"
	        "(drop (call $path_open (i32.const 4) (i32.const 0) (i32.const 64)"
	        "(i32.const 1) (i32.const 1) (i64.const 66) (i64.const 66) (i32.const 0)"
	        "(i32.const 100)))"
	        "(drop (call $fd_filestat_set_size (i32.const 6) (i64.const 0x400000000)))))",
	        &program);
	s = new_spec(buf_bytes(&program));
	s->output_limit = 1ull << 60;
	s->resources.disk = 1ull << 60;
	assert_int_equal(run_spec(s).status, STATUS_STORAGE_EXCEEDED);
	s->resources.disk = 4096; /* and what is written stays within the disk that was asked for */
	assert_int_equal(run_spec(s).status, STATUS_STORAGE_EXCEEDED);
	free(s);
}

/* Without an instruction a program is compiled, has its memory, and stops: whether this machine can run
 * it is known before anything is signed. */
static void test_no_instruction(void **state)
{
	struct buf program OWN(buf_done);
	struct job_spec *s;
	struct run_done d;

	(void)state;
	buf_init(&program, 1 << 20);
	assemble("(module (memory (export \"memory\") 1) (func (export \"_start\") (loop br 0)))",
	        &program);
	s = new_spec(buf_bytes(&program));
	s->instruction_limit = 0;
	d = run_spec(s);
	assert_int_equal(d.status, STATUS_INSTRUCTIONS_EXCEEDED);
	assert_int_equal(d.count, 0);
	free(s);
}

/* clang-format on */

/* ---- an executor that is gone ----------------------------------------------------------------------- */

struct ended {
	unsigned n;
	bool ok;
	uv_loop_t *loop;
};

static void on_ended(void *self, const struct run_done *d)
{
	struct ended *x = self;

	x->n++;
	x->ok = d->ok;
	uv_stop(x->loop);
}

static pid_t child_of_ours(void)
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

/* The machine may kill it for want of memory: the job under way is lost, the next one starts another. */
static void test_executor_is_killed(void **state)
{
	struct buf program OWN(buf_done);
	struct ended x = {0};
	const struct inbox in = {.self = &x, .run = on_ended};
	struct exec_port port;
	struct job_spec *s;
	uv_loop_t loop;
	struct err e;

	(void)state;
	x.loop = &loop;
	buf_init(&program, 1 << 20);
	assemble("(module (func (export \"_start\") (loop br 0)))", &program);
	s = new_spec(buf_bytes(&program));
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_true(exec_wasm_open(
	        &loop, &bench.blobs, bench.cache, bench.engine, bench.self, &port, &e));
	s->instruction_limit = 1ull << 40;
	port.run(port.self, (struct tag){0}, s, &in);
	assert_int_equal(kill(child_of_ours(), SIGKILL), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(x.n, 1);
	assert_false(x.ok);
	s->instruction_limit = 1000;
	port.run(port.self, (struct tag){0}, s, &in);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(x.n, 2);
	assert_true(x.ok);
	exec_wasm_close(&port);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	free(s);
}

/* A spec whose program is nowhere: whoever asked hears of it from the loop, not from within its call. */
static void test_refused_later(void **state)
{
	struct ended x = {.ok = true};
	const struct inbox in = {.self = &x, .run = on_ended};
	struct exec_port port;
	struct job_spec *s = new_spec(str_bytes(STR("")));
	uv_loop_t loop;
	struct err e;

	(void)state;
	x.loop = &loop;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_true(exec_wasm_open(
	        &loop, &bench.blobs, bench.cache, bench.engine, bench.self, &port, &e));
	memset(s->program.b, 0xee, sizeof s->program.b);
	port.run(port.self, (struct tag){0}, s, &in);
	port.run(port.self, (struct tag){0}, s, &in);
	assert_int_equal(x.n, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(x.n, 2);
	assert_false(x.ok);
	port.run(port.self, (struct tag){0}, s, &in); /* and what nobody waits for is freed */
	exec_wasm_close(&port);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(x.n, 2);
	assert_int_equal(uv_loop_close(&loop), 0);
	free(s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_entry_of_another_type),
	        cmocka_unit_test(test_start_function), cmocka_unit_test(test_exit_status),
	        cmocka_unit_test(test_limits), cmocka_unit_test(test_stack_of_the_host),
	        cmocka_unit_test(test_no_program), cmocka_unit_test(test_compiler_refuses),
	        cmocka_unit_test(test_words), cmocka_unit_test(test_deep_output),
	        cmocka_unit_test(test_wide_output), cmocka_unit_test(test_names),
	        cmocka_unit_test(test_world), cmocka_unit_test(test_work_is_paid_before),
	        cmocka_unit_test(test_work_before_a_trap),
	        cmocka_unit_test(test_partial_write_is_paid),
	        cmocka_unit_test(test_renumbered_directory), cmocka_unit_test(test_damaged_cache),
	        cmocka_unit_test(test_foreign_cache), cmocka_unit_test(test_huge_limits),
	        cmocka_unit_test(test_storage), cmocka_unit_test(test_no_instruction),
	        cmocka_unit_test(test_executor_is_killed), cmocka_unit_test(test_refused_later)};

	/* The executor starts itself: this program plays `lilypad exec-wasm`. */
	if (argc > 1 && strcmp(argv[1], "exec-wasm") == 0)
		return exec_wasm_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
