/* run_job.h - one job in its own process: from a job frame to an outcome frame. */
#ifndef LILYPAD_EXEC_RUN_JOB_H
#define LILYPAD_EXEC_RUN_JOB_H

#include "exec/frame.h"
#include "exec/wasmtime_api.h"

/* Compiles the program of the job that is mapped at `in`; its serialised form is written to fd. Called
 * in a forked child; enters the jail. Gives the exit code: 0; 1 the engine refuses the program, its words
 * are in fd; 2 the jail. */
int compile_job(const struct wasmtime_api *w, struct wasm_engine *engine, struct bytes in, int fd);
/* Runs it; `compiled` is a descriptor of the serialised form. Gives 0 with an outcome frame in fd, or an
 * exit code above 0 with words in fd. */
int run_job(const struct wasmtime_api *w, struct wasm_engine *engine, struct bytes in, int compiled,
        int fd);

#endif
