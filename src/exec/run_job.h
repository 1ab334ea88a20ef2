/* run_job.h - one job in its own process: from a job frame to an outcome frame. */
#ifndef LILYPAD_EXEC_RUN_JOB_H
#define LILYPAD_EXEC_RUN_JOB_H

#include "exec/frame.h"
#include "exec/wasmtime_api.h"

/* Exit codes of a job's process. Only JOB_REFUSED says something about the program, and the same on every
 * machine: it is an outcome. All others are about this host, which cannot run the job. */
enum {
	JOB_DONE = 0,
	JOB_REFUSED = 1, /* the engine does not accept the program, or the frame is no job */
	JOB_JAIL = 2,
	JOB_HOST = 3, /* memory, descriptors, a write */
	JOB_STALE = 4 /* the compiled form cannot be loaded: it is to be made again */
};

enum { NS_PER_INSTRUCTION = 250 }; /* of the slowest: a load that no cache holds */

/* What one compilation may take: a program can be made so that it takes hours. 64 MiB of ordinary functions
 * take five seconds and a fifth of the memory. */
#define COMPILE_BYTES (2048ull << 20)
#define COMPILE_CPU_S 60

/* Compiles the program of the job that is mapped at `in`; its serialised form is written to fd. Called
 * in a forked child; enters the jail. Gives the exit code; above 0 words are in fd. */
int compile_job(const struct wasmtime_api *w, struct wasm_engine *engine, struct bytes in, int fd);
/* Runs it; `compiled` is a descriptor of the serialised form. Gives JOB_DONE with an outcome frame in fd,
 * or another exit code with words in fd. */
int run_job(const struct wasmtime_api *w, struct wasm_engine *engine, struct bytes in, int compiled,
        int fd);

#endif
