/* run_job.c - what happens inside a job's process. */
#include "exec/run_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bounds.h"
#include "codec/cid.h"
#include "exec/jail.h"
#include "exec/wasi.h"
#include "model/model.h"
#include "os/file.h"

enum {
	ENGINE_BYTES = 512 << 20,               /* what the engine itself may need beside the job */
	OUTPUT_LEVELS_MAX = TREE_DEPTH_MAX - 2, /* below outputs/ */
	OUTPUT_PATH_MAX = 3072,                 /* bytes; frames and walks carry 4095 */
	OUTPUT_PATHS_BYTES = 16 << 20,          /* of all paths together */
	OUTPUT_ENTRIES_MAX = TREE_ENTRIES_MAX - 64,
	OUTPUT_DIR_BYTES = 262144 - 1024 /* names and content ids of one directory */
};

/* Words that cannot be written are missed by nobody: the code is what counts. */
static int say(int fd, const struct err *e, int code)
{
	(void)!fd_write(fd, str_bytes(str_of(e->msg)));
	return code;
}

/* Whether the compiler failed for want of something that another machine may have. */
static bool is_of_this_host(const struct err *e)
{
	return strstr(e->msg, "(os error") || strstr(e->msg, "allocate") ||
	       strstr(e->msg, "out of memory");
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
		return say(fd, &e, JOB_REFUSED);
	if (!jail_enter(&limits, &fd, 1, &e) || !jail_filter(&e))
		return say(fd, &e, JOB_JAIL);
	error = w->wasmtime_module_validate(engine, job.program.p, job.program.n);
	if (error) {
		wasmtime_fail(w, error, E_MODULE_BAD, "the program is not accepted", &e);
		return say(fd, &e, JOB_REFUSED);
	}
	/* Validation knows proposals that the compiler does not: then it fails the same on every machine. For
	 * want of memory the engine does not come back at all, but for that of its code. */
	error = w->wasmtime_module_new(engine, job.program.p, job.program.n, &module);
	if (!error)
		error = w->wasmtime_module_serialize(module, &out);
	if (error) {
		wasmtime_fail(w, error, E_MODULE_BAD, "the program is not accepted", &e);
		return say(fd, &e, is_of_this_host(&e) ? JOB_HOST : JOB_REFUSED);
	}
	return fd_write(fd, bytes_of(out.data, out.size)) ? JOB_DONE : JOB_HOST;
}

/* ---- running ---------------------------------------------------------------------------------------- */

struct run {
	const struct wasmtime_api *w;
	struct wasi *wasi;
	struct wt_context *context;
	const struct job_frame *job;
	struct wt_memory memory;
	bool have_memory;
	bool stopped;   /* by WASI: the program ended itself, or a limit did */
	bool uncounted; /* it ended where the engine had not written down what it used */
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

/* Between calls the engine keeps the count in a register, which a trap of the processor loses. If that were
 * free, a program could work for days, tell by such a trap what it found, and cost nothing: so it costs the
 * limit. `unreachable` (what a panic and abort() are), calls and the stack's end are counted exactly. */
static bool is_counted(const struct run *r, const struct wasm_trap *trap)
{
	uint8_t code = 0;

	return r->w->wasmtime_trap_code(trap, &code) &&
	       (code == WT_TRAP_STACK_OVERFLOW || code == WT_TRAP_NULL_CALL ||
	               code == WT_TRAP_CALL_TYPE || code == WT_TRAP_UNREACHABLE);
}

/* The words of a trap are ours: the engine's hold names that the program chose. */
static void set_trap(struct run *r, const struct wasm_trap *trap)
{
	static const char *const words[] = {"stack overflow", "memory access out of bounds",
	        "unaligned atomic access", "table access out of bounds", "indirect call to null",
	        "indirect call of another type", "integer overflow", "integer division by zero",
	        "conversion of no number to an integer", "unreachable code was reached"};
	uint8_t code = 0;
	bool known = r->w->wasmtime_trap_code(trap, &code) && code < COUNT(words);

	r->out.trap = str_of(known ? words[code] : "the program trapped");
}

/* NULL: the program was stopped by a call of its own. */
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
		r->uncounted = !is_counted(r, trap);
		set_trap(r, trap);
	}
}

static void count_fuel(struct run *r)
{
	uint64_t left = 0;
	struct wt_error *error = r->w->wasmtime_context_get_fuel(r->context, &left);

	assert(!error);
	r->out.count = r->uncounted || r->out.status == STATUS_INSTRUCTIONS_EXCEEDED
	                       ? r->job->instruction_limit
	                       : r->job->instruction_limit - left;
}

/* What a call into WASI raises comes back as an error, not as a trap; what it means is in the state. */
static bool was_stopped(struct run *r, struct wt_error *error)
{
	if (!r->wasi->ended && !r->wasi->exited)
		return false;
	r->w->wasmtime_error_delete(error);
	r->stopped = true;
	return true;
}

/* It is called with room for nothing: a function of another type would read and write our stack. */
static bool is_plain(const struct run *r, const struct wt_func *f)
{
	struct wasm_functype *type = r->w->wasmtime_func_type(r->context, f);
	bool plain = r->w->wasm_functype_params(type)->size == 0 &&
	             r->w->wasm_functype_results(type)->size == 0;

	r->w->wasm_functype_delete(type);
	return plain;
}

static bool find_entry(
        struct run *r, const struct wt_instance *instance, struct wt_func *out, struct err *e)
{
	struct wt_extern x;

	if (r->w->wasmtime_instance_export_get(r->context, instance, "memory", 6, &x) &&
	        x.kind == WT_EXTERN_MEMORY) {
		r->memory = x.of.memory;
		r->have_memory = true;
	}
	if (!r->w->wasmtime_instance_export_get(
	            r->context, instance, r->job->entrypoint.p, r->job->entrypoint.n, &x) ||
	        x.kind != WT_EXTERN_FUNC)
		return FAIL(e, MODULE_BAD, "the program exports no function \"%.*s\"",
		        STR_ARG(r->job->entrypoint));
	if (!is_plain(r, &x.of.func))
		return FAIL(e, MODULE_BAD, "the function \"%.*s\" takes arguments or gives results",
		        STR_ARG(r->job->entrypoint));
	*out = x.of.func;
	return true;
}

static bool start(struct run *r, struct wasm_engine *engine, struct wt_module *module,
        struct wasm_trap **trap, struct err *e)
{
	struct wt_linker *linker = r->w->wasmtime_linker_new(engine);
	struct wt_instance instance;
	struct wt_func entry;
	struct wt_error *error;
	union wt_raw none;

	TRY(wasi_define(r->wasi, linker, e), e);
	error = r->w->wasmtime_linker_instantiate(linker, r->context, module, &instance, trap);
	if (error && was_stopped(r, error))
		return true;
	if (error)
		return wasmtime_fail(
		        r->w, error, E_MODULE_BAD, "the program cannot be instantiated", e);
	if (*trap)
		return true;
	TRY(find_entry(r, &instance, &entry, e), e);
	error = r->w->wasmtime_func_call_unchecked(r->context, &entry, &none, 1, trap);
	if (error && !was_stopped(r, error))
		return wasmtime_fail(r->w, error, E_MODULE_BAD, "the program cannot be called", e);
	return true;
}

/* ---- the outcome ------------------------------------------------------------------------------------ */

struct files {
	struct frame_file *v;
	size_t n, cap;
	size_t entries, path_bytes;
	struct arena *a;
};

/* false: the tree is deeper, longer or wider than an output may be (codec/unixfs.h). */
static bool collect(struct files *f, const struct mem_node *dir, struct str prefix, unsigned depth)
{
	size_t shown = 0;

	f->entries += dir->kids_n;
	if (depth > OUTPUT_LEVELS_MAX || f->entries > OUTPUT_ENTRIES_MAX)
		return false;
	for (size_t i = 0; i < dir->kids_n; i++) {
		const struct mem_node *k = dir->kids[i];
		size_t n = prefix.n + (prefix.n ? 1 : 0) + k->name.n;
		char *text;

		shown += k->name.n + CID_BINARY_LEN;
		f->path_bytes += n;
		if (shown > OUTPUT_DIR_BYTES || n > OUTPUT_PATH_MAX ||
		        f->path_bytes > OUTPUT_PATHS_BYTES)
			return false;
		text = arena_alloc(f->a, n + 1);
		if (!text || f->n == f->cap)
			return false;
		if (prefix.n) {
			memcpy(text, prefix.p, prefix.n);
			text[prefix.n] = '/';
		}
		memcpy(text + n - k->name.n, k->name.p, k->name.n);
		if (!k->dir || k->kids_n == 0)
			f->v[f->n++] = (struct frame_file){{text, n}, mem_content(k), k->dir};
		if (k->dir && !collect(f, k, (struct str){text, n}, depth + 1))
			return false;
	}
	return true;
}

static int give(struct run *r, struct arena *a, int fd)
{
	/* No more than the tree has: what is allotted is also zeroed, page by page. */
	struct files f = {.cap = r->wasi->tree.nodes + 1, .a = a};
	struct buf b;
	struct err e;

	buf_init(&b, SIZE_MAX / 4);
	f.v = arena_alloc(a, f.cap * sizeof *f.v);
	if (!f.v) {
		FAIL(&e, MEMORY, "no memory for the outputs");
		return say(fd, &e, JOB_HOST);
	}
	/* What no output tree can hold is the program's doing and the same everywhere. */
	if (!collect(&f, r->wasi->tree.outputs, STR(""), 0)) {
		f.n = 0;
		if (r->out.status == STATUS_COMPLETED)
			r->out.status = STATUS_STORAGE_EXCEEDED;
		r->out.trap =
		        STR("the output has too many files, or its paths are too long or too deep");
	}
	r->out.out = buf_bytes(&r->wasi->out);
	r->out.err = buf_bytes(&r->wasi->err);
	r->out.files = f.v;
	r->out.files_n = f.n;
	outcome_frame_encode(&r->out, &b);
	if (!buf_ok(&b) || !fd_write(fd, buf_bytes(&b)))
		return JOB_HOST;
	return JOB_DONE;
}

/* A growth of the memory within its limit must not fail: a host that cannot give it says so before. */
static bool host_has(uint64_t ram, struct err *e)
{
	size_t all = WASM_RESERVATION + 2ull * WASM_GUARD;
	void *p = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool ok = p != MAP_FAILED &&
	          mprotect(p, (size_t)MIN2(ram, WASM_RESERVATION), PROT_READ | PROT_WRITE) == 0;
	int why = errno;

	if (p != MAP_FAILED)
		munmap(p, all);
	if (!ok)
		return FAIL_SYS(e, EXECUTOR, why, "this machine does not give %llu bytes of memory",
		        (unsigned long long)ram);
	return true;
}

/* JOB_DONE when the job can start. */
static int prepare(struct run *r, struct wasm_engine *engine, int compiled,
        struct wt_module **module, struct err *e)
{
	char path[64];
	struct wt_store *store;
	struct wt_error *error;

	/* The last thing that is opened: the compiled form, by its descriptor. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", compiled);
	error = r->w->wasmtime_module_deserialize_file(engine, path, module);
	if (error) {
		wasmtime_fail(r->w, error, E_EXECUTOR, "the compiled program cannot be loaded", e);
		return JOB_STALE;
	}
	if (!host_has(r->job->ram, e))
		return JOB_HOST;
	store = r->w->wasmtime_store_new(engine, NULL, NULL);
	r->w->wasmtime_store_limiter(
	        store, (int64_t)MIN2(r->job->ram, WASM_RESERVATION), WASM_TABLE_MAX, 1, 16, 1);
	r->context = r->w->wasmtime_store_context(store);
	error = r->w->wasmtime_context_set_fuel(r->context, r->job->instruction_limit);
	assert(!error);
	return JOB_DONE;
}

/* Saturating, so that a huge limit is not a small one. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	uint64_t all;

	return __builtin_add_overflow(a, b, &all) ? UINT64_MAX : all;
}

static struct jail_limits limits_of(const struct job_frame *job)
{
	/* A file that grows is held twice while it moves, and once more in the frame. */
	uint64_t files = job->output_limit > UINT64_MAX / 4 ? UINT64_MAX : job->output_limit * 4;

	return (struct jail_limits){sum(sum(job->ram, files), ENGINE_BYTES),
	        sum(job->output_limit, 64u << 20),
	        job->instruction_limit / (1000000000 / NS_PER_INSTRUCTION) + 60};
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
	int rc;

	arena_init(&arena, 256u << 20);
	r.wasi = calloc(1, sizeof *r.wasi);
	if (!r.wasi)
		return JOB_HOST;
	if (!job_frame_decode(in, &arena, &job, &e) || !wasi_init(r.wasi, w, &job, &e))
		return say(fd, &e, e.code == E_MEMORY ? JOB_HOST : JOB_REFUSED);
	limits = limits_of(&job);
	if (!jail_enter(&limits, keep, 2, &e))
		return say(fd, &e, JOB_JAIL);
	rc = prepare(&r, engine, compiled, &module, &e);
	if (rc != JOB_DONE)
		return say(fd, &e, rc);
	if (!jail_filter(&e))
		return say(fd, &e, JOB_JAIL);
	if (!start(&r, engine, module, &trap, &e)) {
		/* The program's own fault: an outcome, with the engine's words. */
		r.out.status = STATUS_EXCEPTION_OCCURRED;
		str_keep(r.trap, sizeof r.trap, str_of(e.msg));
		r.out.trap = str_of(r.trap);
	} else if (trap || r.stopped) {
		judge_trap(&r, trap);
	}
	count_fuel(&r);
	return give(&r, &arena, fd);
}
