/* wasm.h - the WebAssembly executor as the exec port: jobs go to a process of its own
 * (exec/wasm_main.h), their outcome comes back as a tree in the blob store (protocol 2.5, 7.1). */
#ifndef LILYPAD_EXEC_WASM_H
#define LILYPAD_EXEC_WASM_H

#include <uv.h>

#include "port/adapters.h"

/* "wasm/wasmtime-48.0.0/x86_64/" and 16 hex digits of the SHA-256 of all settings (7.1). */
const char *exec_wasm_class(void);

/* Starts `self exec-wasm engine cache`. blobs is borrowed. MISSING_PART, JAIL, IO. */
MUST bool exec_wasm_open(uv_loop_t *loop, const struct blobs *blobs, const char *cache,
        const char *engine, const char *self, struct exec_port *out, struct err *e);
/* Ends the process; the loop must run once more to close the handles. */
void exec_wasm_close(struct exec_port *p);

/* One job, waited for: for `lilypad module run`. */
MUST bool exec_wasm_once(const struct blobs *blobs, const char *cache, const char *engine,
        const char *self, const struct job_spec *spec, struct run_done *out, struct err *e);

#endif
