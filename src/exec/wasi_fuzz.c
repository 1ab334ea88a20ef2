/* wasi_fuzz.c - a program of calls into WASI, whatever they are, over an engine that is only a memory and a
 * counter: nothing outside that memory is touched, the limits hold, and the tree of files stays one. */
#include <stdlib.h>

#include "base/bounds.h"
#include "exec/wasi.h"

enum { MEMORY = 1 << 16, FUNCTIONS_MAX = 64, ARGS_MAX = 10, LIMIT = 1 << 16, FUEL = 1 << 22 };

struct function {
	wt_host_func fn;
	void *env;
	size_t params;
};

struct machine {
	struct function functions[FUNCTIONS_MAX];
	size_t functions_n;
	size_t params; /* of the type made last */
	uint8_t *memory;
	uint64_t fuel;
	struct wasi wasi;
	struct wasmtime_api api;
};

static struct machine m; /* allow-listed static: of a test program */

/* ---- an engine that is none ------------------------------------------------------------------------- */

static struct wasm_valtype *valtype_new(uint8_t kind)
{
	static uint8_t kinds[2];

	return (struct wasm_valtype *)(void *)&kinds[kind & 1];
}

static void valtype_vec_new(struct wasm_valtypes *out, size_t n, struct wasm_valtype *const *v)
{
	(void)v;
	out->size = n;
}

static struct wasm_functype *functype_new(struct wasm_valtypes *in, struct wasm_valtypes *out)
{
	(void)out;
	m.params = in->size;
	return (struct wasm_functype *)(void *)&m.params;
}

static void functype_delete(struct wasm_functype *t)
{
	(void)t;
}

static struct wt_error *define(struct wt_linker *linker, const char *module, size_t module_n,
        const char *name, size_t name_n, const struct wasm_functype *type, wt_host_func fn,
        void *env, void (*done)(void *))
{
	(void)linker, (void)module, (void)module_n, (void)name, (void)name_n, (void)type,
	        (void)done;
	assert(m.functions_n < FUNCTIONS_MAX && m.params <= ARGS_MAX);
	m.functions[m.functions_n++] = (struct function){fn, env, m.params};
	return NULL;
}

static bool export_get(struct wt_caller *caller, const char *name, size_t n, struct wt_extern *out)
{
	(void)caller, (void)name, (void)n;
	*out = (struct wt_extern){.kind = WT_EXTERN_MEMORY};
	return true;
}

static struct wt_context *context(struct wt_caller *caller)
{
	(void)caller;
	return NULL;
}

static uint8_t *memory_data(const struct wt_context *c, const struct wt_memory *memory)
{
	(void)c, (void)memory;
	return m.memory;
}

static size_t memory_size(const struct wt_context *c, const struct wt_memory *memory)
{
	(void)c, (void)memory;
	return MEMORY;
}

static struct wt_error *get_fuel(const struct wt_context *c, uint64_t *out)
{
	(void)c;
	*out = m.fuel;
	return NULL;
}

static struct wt_error *set_fuel(struct wt_context *c, uint64_t fuel)
{
	(void)c;
	assert(fuel < m.fuel); /* no call is for nothing */
	m.fuel = fuel;
	return NULL;
}

static struct wasm_trap *trap_new(const char *text, size_t n)
{
	(void)text, (void)n;
	return (struct wasm_trap *)(void *)&m;
}

static void make_engine(void)
{
	struct err e;
	bool ok;

	m.api = (struct wasmtime_api){.wasm_valtype_new = valtype_new,
	        .wasm_valtype_vec_new = valtype_vec_new,
	        .wasm_functype_new = functype_new,
	        .wasm_functype_delete = functype_delete,
	        .wasmtime_linker_define_func_unchecked = define,
	        .wasmtime_caller_export_get = export_get,
	        .wasmtime_caller_context = context,
	        .wasmtime_memory_data = memory_data,
	        .wasmtime_memory_data_size = memory_size,
	        .wasmtime_context_get_fuel = get_fuel,
	        .wasmtime_context_set_fuel = set_fuel,
	        .wasmtime_trap_new = trap_new};
	m.wasi.api = &m.api;
	ok = wasi_define(&m.wasi, NULL, &e);
	assert(ok && m.functions_n > 40);
}

/* ---- a program -------------------------------------------------------------------------------------- */

struct input {
	const uint8_t *p;
	size_t n;
};

static uint8_t next(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

/* Small numbers, addresses, what lies at an address, and anything. */
static union wt_raw argument(struct input *in)
{
	uint8_t how = next(in);
	union wt_raw v = {.v128 = {0}};

	if (how < 0xc0) {
		v.i64 = how;
	} else if (how < 0xe0) {
		v.i64 = (how & 31) * 256 + next(in);
	} else if (how < 0xf0) {
		memcpy(&v.i32, m.memory + (how & 15) * 4, 4);
	} else {
		for (int i = 0; i < 8; i++)
			v.v128[i] = next(in);
	}
	return v;
}

/* false: the program has ended. */
static bool step(struct input *in)
{
	uint8_t what = next(in);
	const struct function *f;
	union wt_raw args[ARGS_MAX + 1] = {0};

	if (what >= 128) {
		size_t at = (size_t)next(in) * 16, n = MIN2((size_t)what & 63, in->n);

		memcpy(m.memory + at, in->p, n);
		*in = (struct input){in->p + n, in->n - n};
		return true;
	}
	f = &m.functions[what % m.functions_n];
	for (size_t i = 0; i < f->params; i++)
		args[i] = argument(in);
	return f->fn(f->env, NULL, args, f->params) == NULL;
}

/* ---- what must hold --------------------------------------------------------------------------------- */

static size_t check_tree(const struct mem_node *n, unsigned depth)
{
	size_t all = 1;

	assert(depth <= MEMTREE_NODES_MAX && !n->gone && (n->dir || n->kids_n == 0));
	for (size_t i = 0; i < n->kids_n; i++) {
		assert(n->kids[i]->parent == n && n->kids[i]->name.n > 0);
		assert(i == 0 || str_cmp(n->kids[i - 1]->name, n->kids[i]->name) < 0);
		assert(!memchr(n->kids[i]->name.p, '/', n->kids[i]->name.n));
		all += check_tree(n->kids[i], depth + 1);
	}
	return all;
}

static void check(const struct wasi *w)
{
	size_t n = check_tree(w->tree.inputs, 0) + check_tree(w->tree.outputs, 0) +
	           check_tree(w->tree.tmp, 0);

	assert(n <= w->tree.nodes && w->tree.nodes <= MEMTREE_NODES_MAX);
	assert(w->tree.written <= LIMIT && w->out.n + w->err.n <= LIMIT);
	for (int i = 0; i < WASI_FDS_MAX; i++) {
		const struct wasi_fd *f = &w->fds[i];

		assert(!f->open || !f->node || !f->writable ||
		        (f->node->writable && !f->node->dir));
	}
	assert(mem_find(w->tree.inputs, STR("a")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_file files[] = {
	        {STR("a"), {(const uint8_t *)"content", 7}, false}, {STR("d/b"), {NULL, 0}, false}};
	struct str words[] = {STR("program"), STR("A=1")};
	struct job_frame job = {.args = {words, 2},
	        .env = {words + 1, 1},
	        .inputs = files,
	        .inputs_n = COUNT(files),
	        .output_limit = LIMIT};
	struct input in = {data, size};
	struct err e;
	bool ok;

	if (m.functions_n == 0)
		make_engine();
	m.memory = calloc(1, MEMORY); /* of its own, so that what lies beyond is seen */
	assert(m.memory);
	m.fuel = FUEL;
	ok = wasi_init(&m.wasi, &m.api, &job, &e);
	assert(ok);
	while (in.n && step(&in))
		continue;
	check(&m.wasi);
	memtree_done(&m.wasi.tree);
	buf_done(&m.wasi.out);
	buf_done(&m.wasi.err);
	free(m.memory);
	return 0;
}
