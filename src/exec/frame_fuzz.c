/* frame_fuzz.c - foreign bytes as both kinds of frame: what is taken lies within them, names no place
 * outside its root, and is written again as the same frame. */
#include <stdlib.h>

#include "exec/frame.h"
#include "model/model.h"

static void within(struct bytes in, const void *p, size_t n)
{
	uintptr_t at = (uintptr_t)p, from = (uintptr_t)in.p;

	if (n && (at < from || at > from + in.n || n > from + in.n - at))
		abort();
}

static void check_files(struct bytes in, const struct frame_file *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str rest = f[i].path;

		within(in, f[i].path.p, f[i].path.n);
		within(in, f[i].data.p, f[i].data.n);
		if (rest.n == 0 || rest.p[rest.n - 1] == '/')
			abort();
		while (rest.n) {
			struct str part = str_cut(rest, '/', &rest);

			if (part.n == 0 || str_is(part, ".") || str_is(part, "..") ||
			        memchr(part.p, '\0', part.n))
				abort();
		}
	}
}

/* Only the flag of a directory has several spellings; a frame with the plain ones is the only one. */
static void check_job(struct bytes in, const struct job_frame *f)
{
	struct arena a OWN(arena_done);
	struct buf b OWN(buf_done);
	struct job_frame again;
	struct err e;

	arena_init(&a, 64u << 20);
	buf_init(&b, in.n);
	within(in, f->program.p, f->program.n);
	for (size_t i = 0; i < f->args.n; i++)
		within(in, f->args.v[i].p, f->args.v[i].n);
	check_files(in, f->inputs, f->inputs_n);
	job_frame_encode(f, &b);
	if (!buf_ok(&b) || b.n != in.n || !job_frame_decode(buf_bytes(&b), &a, &again, &e))
		abort();
}

static void check_outcome(struct bytes in, const struct outcome_frame *f)
{
	struct arena a OWN(arena_done);
	struct buf b OWN(buf_done);
	struct outcome_frame again;
	struct err e;

	arena_init(&a, 64u << 20);
	buf_init(&b, in.n);
	within(in, f->out.p, f->out.n);
	within(in, f->err.p, f->err.n);
	if (!enum_has(&status_names, f->status))
		abort();
	check_files(in, f->files, f->files_n);
	outcome_frame_encode(f, &b);
	if (!buf_ok(&b) || b.n != in.n || !outcome_frame_decode(buf_bytes(&b), &a, &again, &e))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bytes in = bytes_of(p, n);
	struct arena a OWN(arena_done);
	struct outcome_frame outcome;
	struct job_frame job;
	struct err e;

	arena_init(&a, 64u << 20);
	if (job_frame_decode(in, &a, &job, &e))
		check_job(in, &job);
	if (outcome_frame_decode(in, &a, &outcome, &e))
		check_outcome(in, &outcome);
	return 0;
}
