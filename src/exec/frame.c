/* frame.c - writing and reading frames; what a child writes is as foreign as the job that ran in it. */
#include "exec/frame.h"

#include "model/model.h"

static void put_u64(struct buf *b, uint64_t v)
{
	buf_put(b, &v, sizeof v); /* x86_64 only, as the engine class says */
}

static void put_bytes(struct buf *b, const void *p, size_t n)
{
	put_u64(b, n);
	buf_put(b, p, n);
}

static void put_list(struct buf *b, const struct frame_list *l)
{
	put_u64(b, l->n);
	for (size_t i = 0; i < l->n; i++)
		put_bytes(b, l->v[i].p, l->v[i].n);
}

static void put_files(struct buf *b, const struct frame_file *f, size_t n)
{
	put_u64(b, n);
	for (size_t i = 0; i < n; i++) {
		put_bytes(b, f[i].path.p, f[i].path.n);
		put_u64(b, f[i].dir);
		put_bytes(b, f[i].data.p, f[i].data.n);
	}
}

void job_frame_encode(const struct job_frame *f, struct buf *out)
{
	buf_put(out, f->program_id.b, sizeof f->program_id.b);
	buf_put(out, f->seed.b, sizeof f->seed.b);
	put_u64(out, f->instruction_limit);
	put_u64(out, f->ram);
	put_u64(out, f->output_limit);
	put_bytes(out, f->entrypoint.p, f->entrypoint.n);
	put_list(out, &f->args);
	put_list(out, &f->env);
	put_files(out, f->inputs, f->inputs_n);
	put_bytes(out, f->program.p, f->program.n);
}

void outcome_frame_encode(const struct outcome_frame *f, struct buf *out)
{
	put_u64(out, f->status);
	put_u64(out, (uint64_t)(int64_t)f->exit_code);
	put_u64(out, f->count);
	put_bytes(out, f->trap.p, f->trap.n);
	put_bytes(out, f->out.p, f->out.n);
	put_bytes(out, f->err.p, f->err.n);
	put_files(out, f->files, f->files_n);
}

/* ---- reading: sticky, like a writer ----------------------------------------------------------------- */

struct reader {
	struct bytes in;
	struct arena *a;
	bool bad;
};

static struct bytes get(struct reader *r, size_t n)
{
	struct bytes out = {r->in.p, n};

	if (r->bad || n > r->in.n) {
		r->bad = true;
		return (struct bytes){NULL, 0};
	}
	r->in = bytes_of(r->in.p + n, r->in.n - n);
	return out;
}

static uint64_t get_u64(struct reader *r)
{
	struct bytes b = get(r, 8);
	uint64_t v = 0;

	if (b.p)
		memcpy(&v, b.p, 8);
	return v;
}

static struct bytes get_bytes(struct reader *r)
{
	uint64_t n = get_u64(r);

	if (n > r->in.n) {
		r->bad = true;
		n = 0;
	}
	return get(r, (size_t)n);
}

static struct str get_text(struct reader *r, size_t max)
{
	struct bytes b = get_bytes(r);

	if (b.n > max || (b.n && memchr(b.p, '\0', b.n)))
		r->bad = true;
	return bytes_str(b);
}

static void get_hash(struct reader *r, struct hash *out)
{
	struct bytes b = get(r, sizeof out->b);

	if (b.p)
		memcpy(out->b, b.p, sizeof out->b);
}

static struct frame_list get_list(struct reader *r)
{
	uint64_t n = get_u64(r);
	struct frame_list l = {0};

	if (n > FRAME_TEXTS_MAX)
		r->bad = true;
	if (r->bad)
		return l;
	l.v = arena_alloc(r->a, (size_t)(n + 1) * sizeof *l.v);
	if (!l.v) {
		r->bad = true;
		return l;
	}
	for (; l.n < n; l.n++)
		l.v[l.n] = get_text(r, 8192);
	return l;
}

static bool path_ok(struct str p)
{
	if (p.n == 0 || p.p[p.n - 1] == '/')
		return false;
	while (p.n) {
		struct str part = str_cut(p, '/', &p);

		if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
			return false;
	}
	return true;
}

static struct frame_file *get_files(struct reader *r, size_t *n)
{
	uint64_t count = get_u64(r);
	struct frame_file *f;

	*n = 0;
	/* Each takes 24 bytes at least: a count beyond that is a lie. */
	if (count > FRAME_FILES_MAX || count > r->in.n / 24) {
		r->bad = true;
		return NULL;
	}
	f = arena_alloc(r->a, (size_t)(count + 1) * sizeof *f);
	if (!f) {
		r->bad = true;
		return NULL;
	}
	for (uint64_t i = 0; i < count && !r->bad; i++) {
		f[i].path = get_text(r, 4096);
		f[i].dir = get_u64(r) != 0;
		f[i].data = get_bytes(r);
		r->bad = r->bad || !path_ok(f[i].path);
	}
	*n = (size_t)count;
	return f;
}

bool job_frame_decode(struct bytes in, struct arena *a, struct job_frame *out, struct err *e)
{
	struct reader r = {in, a, false};
	struct job_frame f = {0};

	get_hash(&r, &f.program_id);
	get_hash(&r, &f.seed);
	f.instruction_limit = get_u64(&r);
	f.ram = get_u64(&r);
	f.output_limit = get_u64(&r);
	f.entrypoint = get_text(&r, 256);
	f.args = get_list(&r);
	f.env = get_list(&r);
	f.inputs = get_files(&r, &f.inputs_n);
	f.program = get_bytes(&r);
	if (r.bad || r.in.n)
		return FAIL(e, PEER, "a job frame is malformed");
	*out = f;
	return true;
}

bool outcome_frame_decode(
        struct bytes in, struct arena *a, struct outcome_frame *out, struct err *e)
{
	struct reader r = {in, a, false};
	struct outcome_frame f = {0};
	uint64_t status = get_u64(&r);

	f.exit_code = (int32_t)(int64_t)get_u64(&r);
	f.count = get_u64(&r);
	f.trap = get_text(&r, 1024);
	f.out = get_bytes(&r);
	f.err = get_bytes(&r);
	f.files = get_files(&r, &f.files_n);
	if (r.bad || r.in.n || status > UINT8_MAX || !enum_has(&status_names, (unsigned)status))
		return FAIL(e, PEER, "an outcome frame is malformed");
	f.status = (uint8_t)status;
	*out = f;
	return true;
}
