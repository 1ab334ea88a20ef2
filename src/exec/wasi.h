/* wasi.h - WASI preview 1 over the in-memory tree: what the program can know is its arguments, its
 * inputs and what it has written. Clock and random source are functions of the job alone. */
#ifndef LILYPAD_EXEC_WASI_H
#define LILYPAD_EXEC_WASI_H

#include "exec/frame.h"
#include "exec/memtree.h"
#include "exec/wasmtime_api.h"

enum { WASI_FDS_MAX = 1024 };

struct wasi_fd {
	struct mem_node *node; /* NULL for the standard streams */
	bool open, readable, writable, append, preopen;
	uint64_t at;
};

struct wasi {
	const struct wasmtime_api *api;
	const struct job_frame *job;
	struct memtree tree;
	struct wasi_fd fds[WASI_FDS_MAX];
	struct buf out, err;
	uint64_t clock_ns;
	uint64_t random_n; /* blocks of the random stream that have been made */
	uint8_t random[32];
	size_t random_left;
	struct wt_context *context;
	struct wt_memory memory;
	bool have_memory;
	uint8_t *base; /* of the memory, during a call */
	size_t size;
	uint64_t moved; /* bytes that the present call moved */
	bool exited;
	int32_t exit_code;
	uint8_t ended; /* enum status that a limit has decided; 0: none */
};

MUST bool wasi_init(
        struct wasi *w, const struct wasmtime_api *api, const struct job_frame *job, struct err *e);
/* Defines all functions of "wasi_snapshot_preview1". */
MUST bool wasi_define(struct wasi *w, struct wt_linker *linker, struct err *e);

#endif
