/* run_job.c - what happens inside a job's process. */
#include "exec/run_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bounds.h"
#include "exec/jail.h"
#include "exec/wasi.h"
#include "model/model.h"

#define COMPILE_BYTES (2048ull << 20) /* memory of a compilation */

enum {
	ENGINE_BYTES = 512 << 20, /* what the engine itself may need beside the job */
	COMPILE_CPU_S = 120,
	FAILED = 1,
	JAIL_FAILED = 2
};

static bool write_all(int fd, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		n -= (size_t)done;
	}
	return true;
}

static int say(int fd, const struct err *e, int code)
{
	return write_all(fd, e->msg, strlen(e->msg)) ? code : code;
}

int compile_job(const struct wasmtime_api *w, struct wasm_engine *engine, struct bytes in, int fd)
{
	const struct jail_limits limits = {COMPILE_BYTES, 512u << 20, COMPILE_CPU_S};
	struct arena arena;
	struct job_frame job;
	struct wt_module *module;
	struct wasm_bytes out = {0};
	struct wt_error *error;
	struct err e;

	arena_init(&arena, 64u << 20);
	if (!job_frame_decode(in, &arena, &job, &e))
		return say(fd, &e, FAILED);
	if (!jail_enter(&limits, &fd, 1, &e) || !jail_filter(&e))
		return say(fd, &e, JAIL_FAILED);
	error = w->wasmtime_module_new(engine, job.program.p, job.program.n, &module);
	if (!error)
		error = w->wasmtime_module_serialize(module, &out);
	if (error) {
		wasmtime_fail(w, error, E_MODULE_BAD, "the program is not accepted", &e);
		return say(fd, &e, FAILED);
	}
	return write_all(fd, out.data, out.size) ? 0 : FAILED;
}

/* ---- running ---------------------------------------------------------------------------------------- */

struct run {
	const struct wasmtime_api *w;
	struct wasi *wasi;
	struct wt_context *context;
	const struct job_frame *job;
	struct wt_memory memory;
	bool have_memory;
	struct outcome_frame out;
	char trap[256];
};

/* A growth that was refused shows in how the program ends: it fails with its memory all but used up.
 * Deterministic, since growth fails at the limit and nowhere else (docs/engine-class.md). */
static bool memory_used_up(const struct run *r)
{
	size_t size = r->have_memory ? r->w->wasmtime_memory_data_size(r->context, &r->memory) : 0;

	return size + (1u << 20) > r->job->ram;
}

static void set_trap(struct run *r, const struct wasm_trap *trap)
{
	struct wasm_bytes text = {0};

	r->w->wasm_trap_message(trap, &text);
	snprintf(r->trap, sizeof r->trap, "%.*s", (int)MIN2(text.size, sizeof r->trap - 1),
	        text.data);
	/* The first line says what; the rest is a list of frames. */
	r->trap[strcspn(r->trap, "\n")] = '\0';
	r->out.trap = str_of(r->trap);
}

static void judge_trap(struct run *r, const struct wasm_trap *trap)
{
	uint8_t code = 0;

	if (r->wasi->ended) {
		r->out.status = r->wasi->ended;
	} else if (r->wasi->exited) {
		r->out.status = STATUS_COMPLETED;
		r->out.exit_code = r->wasi->exit_code;
		if (r->out.exit_code != 0 && memory_used_up(r))
			r->out.status = STATUS_MEMORY_EXCEEDED;
	} else if (r->w->wasmtime_trap_code(trap, &code) && code == WT_TRAP_OUT_OF_FUEL) {
		r->out.status = STATUS_INSTRUCTIONS_EXCEEDED;
	} else {
		r->out.status =
		        memory_used_up(r) ? STATUS_MEMORY_EXCEEDED : STATUS_EXCEPTION_OCCURRED;
		set_trap(r, trap);
	}
}

static void count_fuel(struct run *r)
{
	uint64_t left = 0;
	struct wt_error *error = r->w->wasmtime_context_get_fuel(r->context, &left);

	assert(!error);
	r->out.count = r->out.status == STATUS_INSTRUCTIONS_EXCEEDED
	                       ? r->job->instruction_limit
	                       : r->job->instruction_limit - left;
}

static bool start(struct run *r, struct wasm_engine *engine, struct wt_module *module,
        struct wasm_trap **trap, struct err *e)
{
	struct wt_linker *linker = r->w->wasmtime_linker_new(engine);
	struct wt_instance instance;
	struct wt_extern x;
	struct wt_error *error;
	union wt_raw none;

	TRY(wasi_define(r->wasi, linker, e), e);
	error = r->w->wasmtime_linker_instantiate(linker, r->context, module, &instance, trap);
	if (error) {
		wasmtime_fail(r->w, error, E_MODULE_BAD, "the program cannot be instantiated", e);
		return false;
	}
	if (*trap)
		return true;
	if (r->w->wasmtime_instance_export_get(r->context, &instance, "memory", 6, &x) &&
	        x.kind == WT_EXTERN_MEMORY) {
		r->memory = x.of.memory;
		r->have_memory = true;
	}
	if (!r->w->wasmtime_instance_export_get(
	            r->context, &instance, r->job->entrypoint.p, r->job->entrypoint.n, &x) ||
	        x.kind != WT_EXTERN_FUNC)
		return FAIL(e, MODULE_BAD, "the program exports no function \"%.*s\"",
		        STR_ARG(r->job->entrypoint));
	error = r->w->wasmtime_func_call_unchecked(r->context, &x.of.func, &none, 1, trap);
	if (error)
		return wasmtime_fail(r->w, error, E_MODULE_BAD, "the program cannot be called", e);
	return true;
}

/* ---- the outcome ------------------------------------------------------------------------------------ */

struct files {
	struct frame_file *v;
	size_t n, cap;
	struct arena *a;
};

static bool collect(struct files *f, const struct mem_node *dir, struct str prefix)
{
	for (size_t i = 0; i < dir->kids_n; i++) {
		const struct mem_node *k = dir->kids[i];
		struct buf path OWN(buf_done);
		char *text;

		buf_init(&path, 65536);
		if (prefix.n) {
			buf_str(&path, prefix);
			buf_byte(&path, '/');
		}
		buf_str(&path, k->name);
		text = arena_str(f->a, buf_view(&path));
		if (!text || f->n == f->cap)
			return false;
		if (!k->dir || k->kids_n == 0)
			f->v[f->n++] = (struct frame_file){str_of(text), mem_content(k), k->dir};
		if (k->dir && !collect(f, k, str_of(text)))
			return false;
	}
	return true;
}

static int give(struct run *r, struct arena *a, int fd)
{
	struct files f = {.cap = MEMTREE_NODES_MAX, .a = a};
	struct buf b;
	struct err e;

	buf_init(&b, SIZE_MAX / 4);
	f.v = arena_alloc(a, f.cap * sizeof *f.v);
	if (!f.v || !collect(&f, r->wasi->tree.outputs, STR(""))) {
		FAIL(&e, EXECUTOR, "the outputs are too many");
		return say(fd, &e, FAILED);
	}
	r->out.out = buf_bytes(&r->wasi->out);
	r->out.err = buf_bytes(&r->wasi->err);
	r->out.files = f.v;
	r->out.files_n = f.n;
	outcome_frame_encode(&r->out, &b);
	if (!buf_ok(&b) || !write_all(fd, b.p, b.n))
		return FAILED;
	return 0;
}

static bool prepare(struct run *r, struct wasm_engine *engine, int compiled,
        struct wt_module **module, struct err *e)
{
	char path[64];
	struct wt_store *store;
	struct wt_error *error;

	/* The last thing that is opened: the compiled form, by its descriptor. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", compiled);
	error = r->w->wasmtime_module_deserialize_file(engine, path, module);
	if (error)
		return wasmtime_fail(
		        r->w, error, E_EXECUTOR, "the compiled program cannot be loaded", e);
	store = r->w->wasmtime_store_new(engine, NULL, NULL);
	r->w->wasmtime_store_limiter(
	        store, (int64_t)MIN2(r->job->ram, WASM_RESERVATION), WASM_TABLE_MAX, 1, 16, 1);
	r->context = r->w->wasmtime_store_context(store);
	error = r->w->wasmtime_context_set_fuel(r->context, r->job->instruction_limit);
	if (error)
		return wasmtime_fail(r->w, error, E_EXECUTOR, "fuel", e);
	return true;
}

int run_job(const struct wasmtime_api *w, struct wasm_engine *engine, struct bytes in, int compiled,
        int fd)
{
	struct arena arena;
	struct job_frame job;
	struct run r = {.w = w, .job = &job, .out = {.status = STATUS_COMPLETED}};
	struct wasm_trap *trap = NULL;
	struct wt_module *module;
	struct jail_limits limits;
	int keep[2] = {MIN2(compiled, fd), MAX2(compiled, fd)};
	struct err e;

	arena_init(&arena, 256u << 20);
	r.wasi = calloc(1, sizeof *r.wasi);
	if (!r.wasi || !job_frame_decode(in, &arena, &job, &e) || !wasi_init(r.wasi, w, &job, &e))
		return say(fd, &e, FAILED);
	limits = (struct jail_limits){job.ram + job.output_limit * 3 + ENGINE_BYTES,
	        job.output_limit + (64u << 20), job.instruction_limit / 10000000 + 60};
	if (!jail_enter(&limits, keep, 2, &e))
		return say(fd, &e, JAIL_FAILED);
	if (!prepare(&r, engine, compiled, &module, &e))
		return say(fd, &e, FAILED);
	if (!jail_filter(&e))
		return say(fd, &e, JAIL_FAILED);
	if (!start(&r, engine, module, &trap, &e)) {
		/* The program's own fault: an outcome, with the engine's words. */
		r.out.status = STATUS_EXCEPTION_OCCURRED;
		snprintf(r.trap, sizeof r.trap, "%.250s", e.msg);
		r.out.trap = str_of(r.trap);
	} else if (trap) {
		judge_trap(&r, trap);
	}
	count_fuel(&r);
	return give(&r, &arena, fd);
}
