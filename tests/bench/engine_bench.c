/* engine_bench.c - `matmul` in the executor, with its process, jail, metering and output tree, beside the
 * same program in a bare engine with the same settings in this process; and whether a hundred runs, on a
 * machine under load, with other environments, as another user and on one core, give one output and count.
 *
 * engine_bench [N [RUNS]] */
#include <dlfcn.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "blobs/folder.h"
#include "cli/job_build.h"
#include "cli/remove.h"
#include "codec/unixfs.h"
#include "exec/wasm.h"
#include "exec/wasmtime_api.h"
#include "os/clock.h"
#include "build_dir.h"

enum { RUNS_MAX = 1000, SAME_N = 150 };

struct outcome {
	struct hash tree;
	uint64_t count, wall_us;
};

struct bench {
	char self[CLI_PATH_MAX], engine[CLI_PATH_MAX], module[CLI_PATH_MAX];
};

/* An executor with its own folder. */
struct machine {
	char dir[64];
	struct cli c;
	struct blobs_folder *folder;
	struct blobs blobs;
	struct exec_port exec;
	struct built_job job;
	uv_loop_t loop;
	struct outcome last;
};

static NORETURN void quit(const char *why)
{
	fprintf(stderr, "engine_bench: %s\n", why);
	_exit(1);
}

/* ---- the executor ---------------------------------------------------------------------------------------- */

static void on_run(void *self, const struct run_done *d)
{
	struct machine *m = self;

	if (!d->ok)
		quit(d->err.msg);
	if (d->status != STATUS_COMPLETED || d->exit_code != 0) {
		fprintf(stderr, "engine_bench: status %u, exit code %d: %s\n", d->status,
		        d->exit_code, d->trap);
		_exit(1);
	}
	m->last = (struct outcome){d->tree.digest, d->count, d->wall_us};
	uv_stop(&m->loop);
}

static void machine_open(struct machine *m, const struct bench *b, unsigned n)
{
	static const struct option_row input = {"input", 'i', "KEY=VALUE", NULL, true, ""};
	static char value[32];
	char path[96];
	struct err e;

	memset(m, 0, sizeof *m);
	snprintf(m->dir, sizeof m->dir, "/tmp/lilypad-bench-XXXXXX");
	snprintf(value, sizeof value, "N=%u", n);
	m->c.args.given[0] = (struct given){&input, value};
	m->c.args.given_n = 1;
	m->c.quiet = true;
	if (!mkdtemp(m->dir) || !places_find(m->dir, &m->c.places, &e) ||
	        !settings_new("/nonexistent", &m->c.args, &m->c.settings, &e))
		quit("no folder");
	snprintf(path, sizeof path, "%s/blobs", m->dir);
	if (!blobs_folder_open(path, &m->folder, &e))
		quit(e.msg);
	m->blobs = blobs_folder_port(m->folder);
	if (!job_build(&m->c, &m->blobs, b->module, &m->job, &e))
		quit(e.msg);
	uv_loop_init(&m->loop);
	snprintf(path, sizeof path, "%s/wasm", m->dir);
	if (!exec_wasm_open(&m->loop, &m->blobs, path, b->engine, b->self, &m->exec, &e))
		quit(e.msg);
}

static struct outcome machine_run(struct machine *m)
{
	const struct inbox in = {.self = m, .run = on_run};

	m->exec.run(m->exec.self, (struct tag){.what = 1}, m->job.spec, &in);
	uv_run(&m->loop, UV_RUN_DEFAULT);
	return m->last;
}

static void machine_close(struct machine *m)
{
	struct err e;

	exec_wasm_close(&m->exec);
	uv_run(&m->loop, UV_RUN_DEFAULT);
	built_job_done(&m->job);
	blobs_folder_free(m->folder);
	if (!remove_all(m->dir, &e))
		quit(e.msg);
}

/* ---- the bare engine -------------------------------------------------------------------------------------- */

struct bare {
	struct wasmtime_api w;
	struct wasm_engine *engine;
	struct wasm_bytes compiled;
	void *lib;
};

static void *symbol(const struct bare *x, const char *name)
{
	void *p = dlsym(x->lib, name);

	if (!p)
		quit(name);
	return p;
}

static void bare_open(struct bare *x, const struct bench *b)
{
	char path[CLI_PATH_MAX + 32];
	struct wt_module *module;
	struct wt_error *error;
	static uint8_t program[1 << 20];
	struct err e;
	FILE *f;
	size_t n;

	if (!wasmtime_load(b->engine, &x->w, &e))
		quit(e.msg);
	x->lib = dlopen(b->engine, RTLD_NOW | RTLD_LOCAL);
	x->engine = engine_new(&x->w, &e);
	snprintf(path, sizeof path, "%s/matmul.wasm", b->module);
	f = fopen(path, "re");
	if (!f || !x->engine || !x->lib)
		quit(path);
	n = fread(program, 1, sizeof program, f);
	fclose(f);
	error = x->w.wasmtime_module_new(x->engine, program, n, &module);
	if (error || x->w.wasmtime_module_serialize(module, &x->compiled))
		quit("the program does not compile");
}

/* Arguments and an output folder, by the engine's own WASI. */
static void give_wasi(struct bare *x, struct wt_context *context, struct wt_linker *linker,
        unsigned n, const char *dir)
{
	void *(*new)(void) = (void *(*)(void))(uintptr_t)symbol(x, "wasi_config_new");
	bool (*argv)(void *, size_t, const char **) = (bool (*)(void *, size_t, const char **))(
	        uintptr_t)symbol(x, "wasi_config_set_argv");
	bool (*preopen)(void *, const char *, const char *, size_t, size_t) =
	        (bool (*)(void *, const char *, const char *, size_t, size_t))(uintptr_t)symbol(
	                x, "wasi_config_preopen_dir");
	struct wt_error *(*set)(struct wt_context *, void *) =
	        (struct wt_error * (*)(struct wt_context *, void *))(uintptr_t)symbol(
	                x, "wasmtime_context_set_wasi");
	struct wt_error *(*define)(struct wt_linker *) =
	        (struct wt_error * (*)(struct wt_linker *))(uintptr_t)symbol(
	                x, "wasmtime_linker_define_wasi");
	char text[16];
	const char *args[] = {"matmul", text, "1"};
	void *config = new ();

	snprintf(text, sizeof text, "%u", n);
	if (!argv(config, 3, args) || !preopen(config, dir, "/outputs", 3, 3) ||
	        set(context, config) || define(linker))
		quit("no WASI");
}

static struct outcome bare_run(struct bare *x, unsigned n, const char *dir)
{
	const uint64_t fuel = 20000000000;
	uint64_t start = (uint64_t)clock_mono().ns, left = 0;
	struct wasm_trap *trap = NULL;
	struct wt_instance instance;
	struct wt_context *context;
	struct wt_linker *linker;
	struct wt_module *module;
	struct wt_store *store;
	struct wt_extern entry;
	union wt_raw none;

	if (x->w.wasmtime_module_deserialize(
	            x->engine, (const uint8_t *)x->compiled.data, x->compiled.size, &module))
		quit("the compiled program cannot be loaded");
	store = x->w.wasmtime_store_new(x->engine, NULL, NULL);
	context = x->w.wasmtime_store_context(store);
	linker = x->w.wasmtime_linker_new(x->engine);
	give_wasi(x, context, linker, n, dir);
	if (x->w.wasmtime_context_set_fuel(context, fuel) ||
	        x->w.wasmtime_linker_instantiate(linker, context, module, &instance, &trap) ||
	        !x->w.wasmtime_instance_export_get(context, &instance, "_start", 6, &entry))
		quit("the program cannot be instantiated");
	/* An exit comes back as an error; that the work was done shows in the fuel. */
	(void)!x->w.wasmtime_func_call_unchecked(context, &entry.of.func, &none, 1, &trap);
	if (x->w.wasmtime_context_get_fuel(context, &left))
		quit("no fuel is counted");
	return (struct outcome){
	        .count = fuel - left, .wall_us = ((uint64_t)clock_mono().ns - start) / 1000};
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Alternately, so that both see the same machine; the fastest run of each is what it can do. */
static void speed(const struct bench *b, unsigned n, int rounds)
{
	uint64_t ours[RUNS_MAX], theirs[RUNS_MAX], count = 0, bare_count = 0;
	struct machine m;
	struct bare x;

	bare_open(&x, b);
	machine_open(&m, b, n);
	machine_run(&m); /* compiles */
	for (int i = 0; i < rounds; i++) {
		struct outcome o = machine_run(&m), p = bare_run(&x, n, m.dir);

		ours[i] = o.wall_us;
		theirs[i] = p.wall_us;
		count = o.count;
		bare_count = p.count;
	}
	machine_close(&m);
	qsort(ours, (size_t)rounds, sizeof ours[0], by_size);
	qsort(theirs, (size_t)rounds, sizeof theirs[0], by_size);
	printf("{\"name\":\"matmul %u, the fastest of %d\",\"unit\":\"ms\",\"ours\":%.2f,\"peer\":%.2f,"
	       "\"peer_name\":\"bare engine\",\"goal\":\"<= 1.02\"}\n",
	        n, rounds, (double)ours[0] / 1e3, (double)theirs[0] / 1e3);
	printf("{\"name\":\"matmul %u, the median of %d\",\"unit\":\"ms\",\"ours\":%.2f,\"peer\":%.2f,"
	       "\"peer_name\":\"bare engine\"}\n",
	        n, rounds, (double)ours[rounds / 2] / 1e3, (double)theirs[rounds / 2] / 1e3);
	printf("{\"name\":\"matmul %u, instructions counted\",\"unit\":\"\",\"ours\":%llu,\"peer\":%llu,"
	       "\"peer_name\":\"bare engine\"}\n",
	        n, (unsigned long long)count, (unsigned long long)bare_count);
	fflush(stdout);
}

/* ---- one output, one count --------------------------------------------------------------------------------- */

static void one_core(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		quit("no affinity");
}

static void other_user(void)
{
	if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
		quit("no other user");
}

static void other_clock(void)
{
	setenv("TZ", "Pacific/Chatham", 1);
	tzset();
}

static void other_locale(void)
{
	setenv("LC_ALL", "tr_TR.UTF-8", 1);
	setenv("LANG", "tr_TR.UTF-8", 1);
}

static void as_is(void) {}

static const struct {
	const char *name;
	void (*change)(void);
} worlds[] = {{"as it is", as_is}, {"another time zone", other_clock},
        {"another locale", other_locale}, {"another user", other_user}, {"one core", one_core}};

/* Runs in a child with that change; its outcomes come through a pipe. */
static void in_world(const struct bench *b, size_t world, int runs, struct outcome *out)
{
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) != 0 || (pid = fork()) < 0)
		quit("no process");
	if (pid == 0) {
		struct machine m;

		worlds[world].change();
		machine_open(&m, b, SAME_N);
		for (int i = 0; i < runs; i++) {
			struct outcome o = machine_run(&m);

			if (write(fds[1], &o, sizeof o) != sizeof o)
				_exit(1);
		}
		machine_close(&m);
		_exit(0);
	}
	close(fds[1]);
	for (int i = 0; i < runs; i++) {
		if (read(fds[0], &out[i], sizeof out[i]) != sizeof out[i])
			quit(worlds[world].name);
	}
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		quit(worlds[world].name);
}

static void same(const struct bench *b, int runs)
{
	static struct outcome o[RUNS_MAX];
	int n = 0, each = runs / (int)COUNT(worlds), odd = 0;
	pid_t load[2];

	for (size_t i = 0; i < COUNT(load); i++) {
		load[i] = fork();
		if (load[i] == 0)
			for (;;)
				;
	}
	for (size_t i = 0; i < COUNT(worlds); i++, n += each)
		in_world(b, i, each, o + n);
	for (size_t i = 0; i < COUNT(load); i++) {
		kill(load[i], SIGKILL);
		waitpid(load[i], NULL, 0);
	}
	for (int i = 1; i < n; i++)
		odd += !hash_eq(&o[i].tree, &o[0].tree) || o[i].count != o[0].count;
	printf("{\"name\":\"%d runs under load in %zu environments, unlike\",\"unit\":\"runs\",\"ours\":%d,"
	       "\"goal\":\"<= 0\"}\n",
	        n, COUNT(worlds), odd);
}

static void find_parts(struct bench *b)
{
	char build[BUILD_DIR_MAX];

	build_dir(build);
	snprintf(b->self, sizeof b->self, "%s/lilypad", build);
	snprintf(b->engine, sizeof b->engine, "%s/wasmtime/lib/libwasmtime.so", build);
	snprintf(b->module, sizeof b->module, "%s/modules/matmul", build);
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 500;
	int runs = argc > 2 ? atoi(argv[2]) : 100;
	struct bench b;

	find_parts(&b);
	speed(&b, n, 15);
	same(&b, MIN2(runs, RUNS_MAX));
	return 0;
}
