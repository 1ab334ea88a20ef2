/* frame.h - how a job goes to the executor's child and its outcome comes back: flat, bounded, checked.
 * Numbers are little-endian 64-bit, texts and bytes are length-prefixed. */
#ifndef LILYPAD_EXEC_FRAME_H
#define LILYPAD_EXEC_FRAME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define FRAME_FILES_MAX 65536
#define FRAME_TEXTS_MAX 256

struct frame_file {
	struct str path; /* relative to its root, no dot segments */
	struct bytes data;
	bool dir;
};
struct frame_list {
	struct str *v;
	size_t n;
};

struct job_frame {
	struct hash program_id; /* SHA-256 of the program: key of the compiled form */
	struct bytes program;
	struct str entrypoint;
	struct frame_list args;
	struct frame_list env; /* NAME=VALUE */
	struct frame_file *inputs;
	size_t inputs_n;
	uint64_t instruction_limit, ram, output_limit;
	struct hash seed;
};

struct outcome_frame {
	uint8_t status; /* enum status */
	int32_t exit_code;
	uint64_t count;
	struct str trap;
	struct bytes out, err;    /* standard output and error */
	struct frame_file *files; /* below /outputs */
	size_t files_n;
};

void job_frame_encode(const struct job_frame *f, struct buf *out);
/* Views into `in`; lists in the arena. PEER when malformed. */
MUST bool job_frame_decode(struct bytes in, struct arena *a, struct job_frame *out, struct err *e);
void outcome_frame_encode(const struct outcome_frame *f, struct buf *out);
MUST bool outcome_frame_decode(
        struct bytes in, struct arena *a, struct outcome_frame *out, struct err *e);

#endif
