/* wasmtime_api.h - the part of wasmtime 48's C API that the executor uses. The engine is loaded with
 * dlopen() in the executor's process only, so its headers are not needed to build: the prototypes below
 * are facts of that interface, and engine_load() refuses a library that lacks one of them. */
#ifndef LILYPAD_EXEC_WASMTIME_API_H
#define LILYPAD_EXEC_WASMTIME_API_H

#include "base/err.h"

struct wasm_config;
struct wasm_engine;
struct wasm_trap;
struct wasm_functype;
struct wasm_valtype;
struct wt_error;
struct wt_module;
struct wt_store;
struct wt_context;
struct wt_linker;
struct wt_caller;

struct wasm_bytes {
	size_t size;
	char *data;
};
struct wasm_valtypes {
	size_t size;
	struct wasm_valtype **data;
};

enum { WASM_I32 = 0, WASM_I64 = 1 };
enum { WT_EXTERN_FUNC = 0, WT_EXTERN_MEMORY = 3 };
enum { WT_OPT_SPEED = 1 };
enum {
	WT_TRAP_STACK_OVERFLOW = 0,
	WT_TRAP_NULL_CALL = 4,
	WT_TRAP_CALL_TYPE = 5,
	WT_TRAP_UNREACHABLE = 9,
	WT_TRAP_OUT_OF_FUEL = 11
};

/* Handles that the engine fills in and only it reads. */
struct wt_func {
	uint64_t store;
	void *own;
};
struct wt_memory {
	uint64_t store;
	uint32_t own1;
	uint32_t pad1;
	uint32_t own2;
	uint32_t pad2;
};
struct wt_instance {
	uint64_t store;
	size_t own;
};
struct wt_extern {
	uint8_t kind;
	union {
		struct wt_func func;
		struct wt_memory memory;
	} of;
};
union wt_raw {
	int32_t i32;
	int64_t i64;
	uint8_t v128[16];
};
typedef struct wasm_trap *(*wt_host_func)(
        void *env, struct wt_caller *caller, union wt_raw *args, size_t n);

_Static_assert(sizeof(struct wt_extern) == 32, "as the engine has it");
_Static_assert(sizeof(union wt_raw) == 16, "as the engine has it");

/* X(result, name, arguments) */
#define WASMTIME_API(X)                                                                            \
	X(struct wasm_config *, wasm_config_new, (void))                                           \
	X(struct wasm_engine *, wasm_engine_new_with_config, (struct wasm_config *))               \
	X(void, wasm_byte_vec_delete, (struct wasm_bytes *))                                       \
	X(struct wasm_valtype *, wasm_valtype_new, (uint8_t kind))                                 \
	X(void, wasm_valtype_vec_new,                                                              \
	        (struct wasm_valtypes *, size_t n, struct wasm_valtype *const *))                  \
	X(const struct wasm_valtypes *, wasm_functype_params, (const struct wasm_functype *))      \
	X(const struct wasm_valtypes *, wasm_functype_results, (const struct wasm_functype *))     \
	X(struct wasm_functype *, wasm_functype_new,                                               \
	        (struct wasm_valtypes *, struct wasm_valtypes *))                                  \
	X(void, wasm_functype_delete, (struct wasm_functype *))                                    \
	X(struct wt_error *, wasmtime_config_target_set, (struct wasm_config *, const char *))     \
	X(void, wasmtime_config_consume_fuel_set, (struct wasm_config *, bool))                    \
	X(void, wasmtime_config_max_wasm_stack_set, (struct wasm_config *, size_t))                \
	X(void, wasmtime_config_wasm_threads_set, (struct wasm_config *, bool))                    \
	X(void, wasmtime_config_wasm_tail_call_set, (struct wasm_config *, bool))                  \
	X(void, wasmtime_config_wasm_function_references_set, (struct wasm_config *, bool))        \
	X(void, wasmtime_config_wasm_gc_set, (struct wasm_config *, bool))                         \
	X(void, wasmtime_config_wasm_relaxed_simd_set, (struct wasm_config *, bool))               \
	X(void, wasmtime_config_wasm_multi_memory_set, (struct wasm_config *, bool))               \
	X(void, wasmtime_config_wasm_memory64_set, (struct wasm_config *, bool))                   \
	X(void, wasmtime_config_wasm_exceptions_set, (struct wasm_config *, bool))                 \
	X(void, wasmtime_config_parallel_compilation_set, (struct wasm_config *, bool))            \
	X(void, wasmtime_config_cranelift_nan_canonicalization_set, (struct wasm_config *, bool))  \
	X(void, wasmtime_config_cranelift_opt_level_set, (struct wasm_config *, uint8_t))          \
	X(void, wasmtime_config_memory_reservation_set, (struct wasm_config *, uint64_t))          \
	X(void, wasmtime_config_memory_guard_size_set, (struct wasm_config *, uint64_t))           \
	X(void, wasmtime_config_memory_may_move_set, (struct wasm_config *, bool))                 \
	X(struct wt_error *, wasmtime_module_validate,                                             \
	        (struct wasm_engine *, const uint8_t *, size_t))                                   \
	X(struct wt_error *, wasmtime_module_new,                                                  \
	        (struct wasm_engine *, const uint8_t *, size_t, struct wt_module **))              \
	X(struct wt_error *, wasmtime_module_serialize, (struct wt_module *, struct wasm_bytes *)) \
	X(struct wt_error *, wasmtime_module_deserialize,                                          \
	        (struct wasm_engine *, const uint8_t *, size_t, struct wt_module **))              \
	X(struct wt_error *, wasmtime_module_deserialize_file,                                     \
	        (struct wasm_engine *, const char *, struct wt_module **))                         \
	X(struct wt_store *, wasmtime_store_new, (struct wasm_engine *, void *, void (*)(void *))) \
	X(struct wt_context *, wasmtime_store_context, (struct wt_store *))                        \
	X(void, wasmtime_store_limiter,                                                            \
	        (struct wt_store *, int64_t memory, int64_t elements, int64_t instances,           \
	                int64_t tables, int64_t memories))                                         \
	X(struct wt_error *, wasmtime_context_set_fuel, (struct wt_context *, uint64_t))           \
	X(struct wt_error *, wasmtime_context_get_fuel, (const struct wt_context *, uint64_t *))   \
	X(struct wt_linker *, wasmtime_linker_new, (struct wasm_engine *))                         \
	X(struct wt_error *, wasmtime_linker_define_func_unchecked,                                \
	        (struct wt_linker *, const char *, size_t, const char *, size_t,                   \
	                const struct wasm_functype *, wt_host_func, void *, void (*)(void *)))     \
	X(struct wt_error *, wasmtime_linker_instantiate,                                          \
	        (const struct wt_linker *, struct wt_context *, const struct wt_module *,          \
	                struct wt_instance *, struct wasm_trap **))                                \
	X(bool, wasmtime_instance_export_get,                                                      \
	        (struct wt_context *, const struct wt_instance *, const char *, size_t,            \
	                struct wt_extern *))                                                       \
	X(bool, wasmtime_caller_export_get,                                                        \
	        (struct wt_caller *, const char *, size_t, struct wt_extern *))                    \
	X(struct wt_context *, wasmtime_caller_context, (struct wt_caller *))                      \
	X(struct wasm_functype *, wasmtime_func_type,                                              \
	        (const struct wt_context *, const struct wt_func *))                               \
	X(struct wt_error *, wasmtime_func_call_unchecked,                                         \
	        (struct wt_context *, const struct wt_func *, union wt_raw *, size_t,              \
	                struct wasm_trap **))                                                      \
	X(uint8_t *, wasmtime_memory_data, (const struct wt_context *, const struct wt_memory *))  \
	X(size_t, wasmtime_memory_data_size,                                                       \
	        (const struct wt_context *, const struct wt_memory *))                             \
	X(struct wasm_trap *, wasmtime_trap_new, (const char *, size_t))                           \
	X(bool, wasmtime_trap_code, (const struct wasm_trap *, uint8_t *))                         \
	X(void, wasmtime_error_message, (const struct wt_error *, struct wasm_bytes *))            \
	X(void, wasmtime_error_delete, (struct wt_error *))

struct wasmtime_api {
#define X(result, name, args) result(*name) args;
	WASMTIME_API(X)
#undef X
};

/* MISSING_PART: the library cannot be loaded or is another version. */
MUST bool wasmtime_load(const char *path, struct wasmtime_api *out, struct err *e);

/* The settings of the engine class (protocol 7.1), as text: whatever can change an outcome or a count.
 * docs/engine-class.md is the same in prose. */
const char *wasm_class_settings(void);
#define WASM_CLASS_ID_MAX 17
/* The first 16 hex digits of their SHA-256: the end of the class's name, and of that of a compiled form. */
void wasm_class_id(char out[WASM_CLASS_ID_MAX]);
#define WASM_STACK_BYTES (1u << 20)
#define WASM_RESERVATION (4ull << 30)
#define WASM_GUARD       (32u << 20)
#define WASI_CALL_FUEL   200                   /* instructions that any WASI call costs */
#define WASI_CLOCK_START 946684800000000000ull /* 2000-01-01T00:00:00Z, nanoseconds */
#define WASI_CLOCK_STEP  1000000ull            /* every reading of a clock moves it by so much */
#define WASM_TABLE_MAX   1000000               /* elements */

struct wasm_engine *engine_new(const struct wasmtime_api *w, struct err *e);
/* Takes the error: its text goes into e. Returns false. */
bool wasmtime_fail(const struct wasmtime_api *w, struct wt_error *error, enum err_code code,
        const char *what, struct err *e);

#endif
