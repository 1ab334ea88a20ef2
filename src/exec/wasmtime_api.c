/* wasmtime_api.c - loading the engine and setting it up as the class says. */
#include "exec/wasmtime_api.h"

#include <dlfcn.h>

#include "codec/hex.h"
#include "crypto/sha256.h"

bool wasmtime_load(const char *path, struct wasmtime_api *out, struct err *e)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	struct wasmtime_api w;

	if (!lib)
		return FAIL(
		        e, MISSING_PART, "the WebAssembly engine cannot be loaded: %s", dlerror());
#define X(result, name, args)                                                                      \
	*(void **)&w.name = dlsym(lib, #name);                                                     \
	if (!w.name)                                                                               \
		return FAIL(e, MISSING_PART, "%s has no %s: it is not wasmtime 48", path, #name);
	WASMTIME_API(X)
#undef X
	*out = w;
	return true;
}

const char *wasm_class_settings(void)
{
	return "engine=wasmtime-48.0.0;target=x86_64-unknown-linux-gnu;host-cpu-detection=off;"
	       "compiler=cranelift;opt-level=speed;nan-canonicalization=on;fuel=on;epochs=off;"
	       "threads=off;shared-memory=off;relaxed-simd=off;simd=on;bulk-memory=on;multi-value=on;"
	       "reference-types=on;tail-call=off;function-references=off;gc=off;exceptions=off;"
	       "multi-memory=off;memory64=off;stack-bytes=1048576;memory-reservation=4294967296;"
	       "memory-guard=33554432;memory-may-move=off;table-elements=1000000;instances=1;memories=1;"
	       "wasi=preview1;wasi-call-fuel=200;wasi-byte-fuel=1;clock-start=2000-01-01T00:00:00Z;"
	       "clock-step-ns=1000000;random=sha256-counter;uncounted-trap=limit";
}

void wasm_class_id(char out[WASM_CLASS_ID_MAX])
{
	const char *s = wasm_class_settings();
	char text[HASH_TEXT_MAX];
	struct hash h;

	sha256(s, strlen(s), &h);
	hash_format(&h, text);
	memcpy(out, text + 2, WASM_CLASS_ID_MAX - 1); /* without 0x */
	out[WASM_CLASS_ID_MAX - 1] = '\0';
}

bool wasmtime_fail(const struct wasmtime_api *w, struct wt_error *error, enum err_code code,
        const char *what, struct err *e)
{
	struct wasm_bytes text = {0};

	w->wasmtime_error_message(error, &text);
	err_set(e, code, 0, __FILE__, __LINE__, "%s: %.*s", what, (int)MIN2(text.size, (size_t)400),
	        text.data);
	w->wasm_byte_vec_delete(&text);
	w->wasmtime_error_delete(error);
	return false;
}

struct wasm_engine *engine_new(const struct wasmtime_api *w, struct err *e)
{
	struct wasm_config *c = w->wasm_config_new();
	struct wasm_engine *engine;
	struct wt_error *error;

	/* Naming the target turns host detection off: every x86_64 machine compiles the same code. */
	error = w->wasmtime_config_target_set(c, "x86_64-unknown-linux-gnu");
	if (error) {
		wasmtime_fail(w, error, E_MISSING_PART, "engine", e);
		return NULL;
	}
	w->wasmtime_config_consume_fuel_set(c, true);
	w->wasmtime_config_cranelift_nan_canonicalization_set(c, true);
	w->wasmtime_config_cranelift_opt_level_set(c, WT_OPT_SPEED);
	w->wasmtime_config_parallel_compilation_set(c, false);
	w->wasmtime_config_max_wasm_stack_set(c, WASM_STACK_BYTES);
	w->wasmtime_config_wasm_threads_set(c, false);
	w->wasmtime_config_wasm_relaxed_simd_set(c, false);
	w->wasmtime_config_wasm_tail_call_set(c, false);
	w->wasmtime_config_wasm_function_references_set(c, false);
	w->wasmtime_config_wasm_gc_set(c, false);
	w->wasmtime_config_wasm_exceptions_set(c, false);
	w->wasmtime_config_wasm_multi_memory_set(c, false);
	w->wasmtime_config_wasm_memory64_set(c, false);
	w->wasmtime_config_memory_reservation_set(c, WASM_RESERVATION);
	w->wasmtime_config_memory_guard_size_set(c, WASM_GUARD);
	w->wasmtime_config_memory_may_move_set(c, false);
	engine = w->wasm_engine_new_with_config(c);
	if (!engine)
		FAIL(e, MISSING_PART, "the engine refuses its settings");
	return engine;
}
