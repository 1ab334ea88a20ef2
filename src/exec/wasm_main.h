/* wasm_main.h - the executor's process, `lilypad exec-wasm ENGINE CACHE`: it loads the engine once and
 * forks a jailed child for each job. It talks over descriptor 3, a SOCK_SEQPACKET. */
#ifndef LILYPAD_EXEC_WASM_MAIN_H
#define LILYPAD_EXEC_WASM_MAIN_H

#include <stdint.h>

#define EXEC_SOCKET_FD 3
#define EXEC_JOBS_MAX  256 /* under way at a time */

enum exec_order { EXEC_RUN = 1, EXEC_KILL = 2 };
/* To the executor; EXEC_RUN carries two descriptors: the job frame and the empty outcome. */
struct exec_request {
	uint32_t order;
	uint32_t job;
};
/* From it. code: as run_job.h, with words in the outcome unless an outcome frame was written; below 0: the
 * child was killed by that signal. job 0, code 0: ready. */
struct exec_answer {
	uint32_t job;
	int32_t code;
};

int exec_wasm_main(int argc, char **argv);

#endif
