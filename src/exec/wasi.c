/* wasi.c - the table of functions, the way a call takes, and all functions that are not about files. */
#include "exec/wasi_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bounds.h"
#include "crypto/sha256.h"
#include "exec/run_job.h"
#include "model/model.h"

/* ---- guest memory ----------------------------------------------------------------------------------- */

uint8_t *guest(struct wasi *w, int32_t ptr, uint64_t n)
{
	uint64_t at = (uint32_t)ptr;

	if (!w->base || at + n > w->size)
		return NULL;
	return w->base + at;
}

bool guest_u32(struct wasi *w, int32_t ptr, uint32_t v)
{
	uint8_t *p = guest(w, ptr, 4);

	if (p)
		memcpy(p, &v, 4);
	return p != NULL;
}

bool guest_u64(struct wasi *w, int32_t ptr, uint64_t v)
{
	uint8_t *p = guest(w, ptr, 8);

	if (p)
		memcpy(p, &v, 8);
	return p != NULL;
}

bool wasi_room(struct wasi *w, uint64_t n)
{
	if (n <= w->tree.limit - w->tree.written) {
		w->tree.written += n;
		return true;
	}
	w->ended = STATUS_STORAGE_EXCEEDED;
	return false;
}

_Noreturn void wasi_no_memory(void)
{
	_exit(JOB_HOST);
}

bool wasi_pays(struct wasi *w, uint64_t n)
{
	uint64_t fuel = 0;
	struct wt_error *error = w->api->wasmtime_context_get_fuel(w->context, &fuel);

	assert(!error);
	if (fuel >= WASI_CALL_FUEL && w->moved <= fuel - WASI_CALL_FUEL &&
	        n <= fuel - WASI_CALL_FUEL - w->moved)
		return true;
	w->ended = STATUS_INSTRUCTIONS_EXCEEDED;
	return false;
}

/* ---- arguments and environment ---------------------------------------------------------------------- */

static uint32_t list_sizes(struct wasi *w, const struct frame_list *l, const union wt_raw *a)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < l->n; i++)
		bytes += l->v[i].n + 1;
	if (!guest_u32(w, a[0].i32, (uint32_t)l->n) || !guest_u32(w, a[1].i32, (uint32_t)bytes))
		return W_FAULT;
	return W_SUCCESS;
}

static uint32_t list_get(struct wasi *w, const struct frame_list *l, const union wt_raw *a)
{
	uint32_t text = (uint32_t)a[1].i32;

	for (size_t i = 0; i < l->n; i++) {
		uint8_t *p = guest(w, (int32_t)text, l->v[i].n + 1);

		if (!p || !guest_u32(w, guest_at(a[0].i32, (uint32_t)(4 * i)), text))
			return W_FAULT;
		memcpy(p, l->v[i].p, l->v[i].n);
		p[l->v[i].n] = '\0';
		text += (uint32_t)l->v[i].n + 1;
		w->moved += l->v[i].n + 1;
	}
	return W_SUCCESS;
}

static uint32_t args_sizes_get(struct wasi *w, const union wt_raw *a)
{
	return list_sizes(w, &w->job->args, a);
}

static uint32_t args_get(struct wasi *w, const union wt_raw *a)
{
	return list_get(w, &w->job->args, a);
}

static uint32_t environ_sizes_get(struct wasi *w, const union wt_raw *a)
{
	return list_sizes(w, &w->job->env, a);
}

static uint32_t environ_get(struct wasi *w, const union wt_raw *a)
{
	return list_get(w, &w->job->env, a);
}

/* ---- time and chance -------------------------------------------------------------------------------- */

static uint32_t clock_res_get(struct wasi *w, const union wt_raw *a)
{
	if ((uint32_t)a[0].i32 > 3)
		return W_INVAL;
	return guest_u64(w, a[1].i32, WASI_CLOCK_STEP) ? W_SUCCESS : W_FAULT;
}

/* Realtime starts at a fixed date, the others at zero; each reading moves all of them. */
static uint32_t clock_time_get(struct wasi *w, const union wt_raw *a)
{
	uint32_t id = (uint32_t)a[0].i32;

	if (id > 3)
		return W_INVAL;
	w->clock_ns += WASI_CLOCK_STEP;
	return guest_u64(w, a[2].i32, id == 0 ? WASI_CLOCK_START + w->clock_ns : w->clock_ns)
	               ? W_SUCCESS
	               : W_FAULT;
}

static void next_random(struct wasi *w)
{
	uint8_t in[40];
	struct hash h;

	memcpy(in, w->job->seed.b, 32);
	memcpy(in + 32, &w->random_n, 8);
	w->random_n++;
	sha256(in, sizeof in, &h);
	memcpy(w->random, h.b, 32);
	w->random_left = 32;
}

static uint32_t random_get(struct wasi *w, const union wt_raw *a)
{
	uint32_t n = (uint32_t)a[1].i32;
	uint8_t *p = guest(w, a[0].i32, n);

	if (!p)
		return W_FAULT;
	if (!wasi_pays(w, n))
		return W_IO;
	w->moved += n;
	for (uint32_t i = 0; i < n; i++) {
		if (w->random_left == 0)
			next_random(w);
		p[i] = w->random[32 - w->random_left--];
	}
	return W_SUCCESS;
}

/* Clocks only: the virtual time jumps to the earliest; file descriptors are always ready. */
static uint32_t poll_oneoff(struct wasi *w, const union wt_raw *a)
{
	uint32_t n = (uint32_t)a[2].i32, done = 0;
	uint64_t least = UINT64_MAX;
	uint8_t *in = guest(w, a[0].i32, (uint64_t)n * 48),
	        *out = guest(w, a[1].i32, (uint64_t)n * 32);

	if (n == 0 || n > 1024)
		return W_INVAL;
	if (!in || !out)
		return W_FAULT;
	w->moved += (uint64_t)n * 80;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *s = in + 48 * i, *ev = out + 32 * done;
		uint64_t timeout, now;
		uint32_t clock;
		uint16_t flags;
		uint8_t row[48];

		memcpy(row, s, sizeof row); /* the two lists may overlap */
		memset(ev, 0, 32);
		memcpy(ev, row, 8);
		ev[10] = row[8];
		done++;
		if (row[8] != 0)
			continue;
		memcpy(&clock, row + 16, 4);
		memcpy(&timeout, row + 24, 8);
		memcpy(&flags, row + 40, 2);
		now = clock == 0 ? WASI_CLOCK_START + w->clock_ns : w->clock_ns;
		if (flags & 1)
			timeout = timeout > now ? timeout - now : 0;
		least = MIN2(least, timeout);
	}
	if (least != UINT64_MAX)
		w->clock_ns += MIN2(least, (uint64_t)1 << 60);
	return guest_u32(w, a[3].i32, done) ? W_SUCCESS : W_FAULT;
}

static uint32_t sched_yield_(struct wasi *w, const union wt_raw *a)
{
	(void)w;
	(void)a;
	return W_SUCCESS;
}

static uint32_t proc_exit(struct wasi *w, const union wt_raw *a)
{
	w->exited = true;
	w->exit_code = a[0].i32;
	return W_SUCCESS;
}

/* clang-format off */
static const struct wasi_row rows[] = {
	{"args_get", "ii", args_get},            {"args_sizes_get", "ii", args_sizes_get},
	{"environ_get", "ii", environ_get},      {"environ_sizes_get", "ii", environ_sizes_get},
	{"clock_res_get", "ii", clock_res_get},  {"clock_time_get", "iIi", clock_time_get},
	{"random_get", "ii", random_get},        {"poll_oneoff", "iiii", poll_oneoff},
	{"sched_yield", "", sched_yield_},       {"proc_exit", "i", proc_exit},
	{"proc_raise", "i", NULL},               {"sock_accept", "iii", NULL},
	{"sock_recv", "iiiiii", NULL},           {"sock_send", "iiiii", NULL},
	{"sock_shutdown", "ii", NULL},
};
/* clang-format on */

/* ---- a call ----------------------------------------------------------------------------------------- */

struct bound {
	struct wasi *w;
	const struct wasi_row *row;
};

static struct wasm_trap *stop(const struct wasi *w, const char *why)
{
	return w->api->wasmtime_trap_new(why, strlen(why));
}

static void find_memory(struct wasi *w, struct wt_caller *caller)
{
	struct wt_extern x;

	if (!w->have_memory && w->api->wasmtime_caller_export_get(caller, "memory", 6, &x) &&
	        x.kind == WT_EXTERN_MEMORY) {
		w->memory = x.of.memory;
		w->have_memory = true;
	}
	w->base = w->have_memory ? w->api->wasmtime_memory_data(w->context, &w->memory) : NULL;
	w->size = w->have_memory ? w->api->wasmtime_memory_data_size(w->context, &w->memory) : 0;
}

/* A fixed amount and every byte that was moved (protocol 7.1). */
static bool charge(struct wasi *w)
{
	uint64_t fuel = 0, cost = WASI_CALL_FUEL + w->moved;
	struct wt_error *error = w->api->wasmtime_context_get_fuel(w->context, &fuel);

	assert(!error);
	if (cost > fuel) {
		w->ended = STATUS_INSTRUCTIONS_EXCEEDED;
		return false;
	}
	error = w->api->wasmtime_context_set_fuel(w->context, fuel - cost);
	assert(!error);
	return true;
}

static struct wasm_trap *call(void *env, struct wt_caller *caller, union wt_raw *args, size_t n)
{
	struct bound *b = env;
	struct wasi *w = b->w;
	uint32_t rc;

	(void)n;
	w->moved = 0;
	w->context = w->api->wasmtime_caller_context(caller);
	find_memory(w, caller);
	rc = b->row->fn ? b->row->fn(w, args) : W_NOTSUP;
	if (w->ended)
		return stop(w, "a limit was reached");
	if (!charge(w))
		return stop(w, "out of instructions");
	if (w->exited)
		return stop(w, "exit");
	args[0].i32 = (int32_t)rc;
	return NULL;
}

static struct wasm_functype *type_of(const struct wasmtime_api *api, const struct wasi_row *row)
{
	struct wasm_valtype *in[16], *out[1];
	struct wasm_valtypes params, results;
	size_t n = strlen(row->params);
	bool gives = strcmp(row->name, "proc_exit") != 0;

	for (size_t i = 0; i < n; i++)
		in[i] = api->wasm_valtype_new(row->params[i] == 'I' ? WASM_I64 : WASM_I32);
	if (gives)
		out[0] = api->wasm_valtype_new(WASM_I32);
	api->wasm_valtype_vec_new(&params, n, in);
	api->wasm_valtype_vec_new(&results, gives ? 1 : 0, out);
	return api->wasm_functype_new(&params, &results);
}

static bool define(
        struct wasi *w, struct wt_linker *linker, const struct wasi_row *row, struct err *e)
{
	static const char module[] = "wasi_snapshot_preview1";
	struct bound *b = malloc(sizeof *b); /* lives as long as the process of the job */
	struct wasm_functype *type = type_of(w->api, row);
	struct wt_error *error;

	if (!b)
		return FAIL(e, MEMORY, "no memory for WASI");
	*b = (struct bound){w, row};
	error = w->api->wasmtime_linker_define_func_unchecked(linker, module, sizeof module - 1,
	        row->name, strlen(row->name), type, call, b, NULL);
	w->api->wasm_functype_delete(type);
	if (error)
		return wasmtime_fail(w->api, error, E_EXECUTOR, row->name, e);
	return true;
}

bool wasi_define(struct wasi *w, struct wt_linker *linker, struct err *e)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		TRY(define(w, linker, &rows[i], e), e);
	for (size_t i = 0; i < wasi_file_rows_n; i++)
		TRY(define(w, linker, &wasi_file_rows[i], e), e);
	return true;
}

bool wasi_init(
        struct wasi *w, const struct wasmtime_api *api, const struct job_frame *job, struct err *e)
{
	struct mem_node *pre[3];

	memset(w, 0, sizeof *w);
	w->api = api;
	w->job = job;
	buf_init(&w->out, STDOUT_MAX);
	buf_init(&w->err, STDOUT_MAX);
	memtree_init(&w->tree, job->output_limit);
	for (size_t i = 0; i < job->inputs_n; i++) {
		if (!mem_put(&w->tree, w->tree.inputs, job->inputs[i].path, job->inputs[i].data,
		            job->inputs[i].dir))
			return FAIL(e, MODULE_INPUT, "the input %.*s cannot be placed",
			        STR_ARG(job->inputs[i].path));
	}
	for (int i = 0; i < 3; i++)
		w->fds[i] = (struct wasi_fd){.open = true, .readable = i == 0, .writable = i > 0};
	pre[0] = w->tree.inputs;
	pre[1] = w->tree.outputs;
	pre[2] = w->tree.tmp;
	for (int i = 0; i < 3; i++)
		w->fds[3 + i] = (struct wasi_fd){
		        .node = pre[i], .open = true, .readable = true, .preopen = true};
	return true;
}
