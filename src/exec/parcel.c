/* parcel.c - packing what a job reads, unpacking what it leaves. */
#include "exec/parcel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"
#include "codec/unixfs.h"
#include "crypto/sha256.h"
#include "os/file.h"
#include "port/spec.h"

enum { OUTPUT_OVERHEAD = 64 << 20 }; /* bytes: directories and paths of an output tree, at most */

/* ---- inputs ----------------------------------------------------------------------------------------- */

struct packing {
	struct arena arena;
	struct str prefix; /* of the input under way */
	struct frame_file *files;
	size_t n, cap;
	struct buf content; /* of all files, in order; offsets until the end */
	size_t start;       /* of the file under way */
};

static void packing_done(struct packing *p)
{
	arena_done(&p->arena);
	buf_done(&p->content);
	free(p->files);
}

static struct str join(struct packing *p, struct str path)
{
	struct buf b OWN(buf_done);
	char *text;

	buf_init(&b, 16384);
	buf_str(&b, p->prefix);
	if (path.n && p->prefix.n)
		buf_byte(&b, '/');
	buf_str(&b, path);
	text = buf_ok(&b) ? arena_str(&p->arena, buf_view(&b)) : NULL;
	return text ? str_of(text) : (struct str){NULL, 0};
}

/* Sizes are known only once a file has been walked: its length is what was added since it began. */
static void end_file(struct packing *p)
{
	if (p->n && !p->files[p->n - 1].dir)
		p->files[p->n - 1].data.n = p->content.n - p->start;
}

/* Grows with what is there: room for all that may be would be zeroed for every job. */
static bool room(struct packing *p, struct err *e)
{
	size_t cap = p->cap ? MIN2(p->cap * 2, (size_t)FRAME_FILES_MAX) : 16;
	struct frame_file *files;

	if (p->n < p->cap)
		return true;
	files = reallocarray(p->files, cap, sizeof *files);
	if (!files)
		return FAIL(e, MEMORY, "no memory for the inputs");
	p->files = files;
	p->cap = cap;
	return true;
}

static bool add_entry(struct packing *p, struct str path, bool dir, struct err *e)
{
	struct str full = join(p, path);

	end_file(p);
	if (!full.p || p->n >= FRAME_FILES_MAX)
		return FAIL(e, TOO_LARGE, "the inputs have more than %d files", FRAME_FILES_MAX);
	TRY(room(p, e), e);
	p->start = p->content.n;
	if (!full.n && !dir)
		return FAIL(e, MODULE_INPUT, "a file cannot be all of the inputs: it needs a name");
	if (full.n)
		p->files[p->n++] = (struct frame_file){full, {NULL, 0}, dir};
	return true;
}

static bool on_dir(void *self, struct str path, struct err *e)
{
	return add_entry(self, path, true, e);
}

static bool on_file(void *self, struct str path, uint64_t bytes, struct err *e)
{
	(void)bytes;
	return add_entry(self, path, false, e);
}

static bool on_data(void *self, struct bytes piece, struct err *e)
{
	struct packing *p = self;

	buf_put(&p->content, piece.p, piece.n);
	if (!buf_ok(&p->content))
		return FAIL(e, TOO_LARGE, "the inputs are too large for memory");
	return true;
}

static bool pack_inputs(
        struct packing *p, const struct blobs *blobs, const struct job_spec *spec, struct err *e)
{
	struct unixfs_visitor v = {p, on_dir, on_file, on_data};
	struct block_source src = {blobs->self, blobs->get};
	size_t at = 0;

	for (uint32_t i = 0; i < spec->inputs.n; i++) {
		const struct spec_input *in = &spec->inputs.v[i];
		struct cid root = spec_input_root(in);

		p->prefix = str_of(in->path);
		if (str_is(p->prefix, "."))
			p->prefix.n = 0;
		TRY(unixfs_walk(&src, &root, in->bytes, &v, e), e);
	}
	end_file(p);
	for (size_t i = 0; i < p->n; i++) {
		if (p->files[i].dir)
			continue;
		p->files[i].data.p = p->content.p + at;
		at += p->files[i].data.n;
	}
	return true;
}

static bool texts(
        const struct job_spec *spec, struct packing *p, struct job_frame *f, struct err *e)
{
	f->args.v = arena_alloc(&p->arena, (spec->args.n + 1) * sizeof(struct str));
	f->env.v = arena_alloc(&p->arena, (spec->env.n + 1) * sizeof(struct str));
	if (!f->args.v || !f->env.v)
		return FAIL(e, MEMORY, "no memory for the arguments");
	for (; f->args.n < spec->args.n; f->args.n++)
		f->args.v[f->args.n] = str_of(spec->args.v[f->args.n].text);
	for (; f->env.n < spec->env.n; f->env.n++) {
		const struct spec_env *v = &spec->env.v[f->env.n];
		struct buf b OWN(buf_done);
		char *text;

		buf_init(&b, 4096);
		buf_fmt(&b, "%s=%s", v->name, v->value);
		text = arena_str(&p->arena, buf_view(&b));
		if (!text)
			return FAIL(e, MEMORY, "no memory for the environment");
		f->env.v[f->env.n] = str_of(text);
	}
	return true;
}

/* What is written is held in memory, and what is left of it must fit into one upload with its directories:
 * a program that writes more is stopped (StorageExceeded), whatever its spec allows. */
static uint64_t storage_limit(const struct job_spec *spec)
{
	uint64_t limit = MIN2(spec->output_limit, spec->resources.disk);

	return MIN2(limit, (uint64_t)HTTP_TREE_MAX - OUTPUT_OVERHEAD);
}

bool parcel_pack(const struct blobs *blobs, const struct job_spec *spec, int fd, struct err *e)
{
	struct block_source src = {blobs->self, blobs->get};
	struct packing p OWN(packing_done) = {0};
	struct buf program OWN(buf_done);
	struct buf frame OWN(buf_done);
	struct cid root = {CID_DAG_PB, spec->program};
	struct job_frame f = {.instruction_limit = spec->instruction_limit,
	        .ram = spec->resources.ram,
	        .output_limit = storage_limit(spec),
	        .seed = spec->seed,
	        .entrypoint = str_of(spec->entrypoint)};

	arena_init(&p.arena, 64u << 20);
	buf_init(&p.content, SIZE_MAX / 4);
	buf_init(&program, WASM_MODULE_MAX);
	buf_init(&frame, SIZE_MAX / 4);
	TRY(unixfs_read(&src, &root, STR("program.wasm"), &program, e), e);
	TRY(pack_inputs(&p, blobs, spec, e), e);
	TRY(texts(spec, &p, &f, e), e);
	sha256(program.p, program.n, &f.program_id);
	f.program = buf_bytes(&program);
	f.inputs = p.files;
	f.inputs_n = p.n;
	job_frame_encode(&f, &frame);
	if (!buf_ok(&frame))
		return FAIL(e, MEMORY, "no memory for the job");
	if (!fd_write(fd, buf_bytes(&frame)))
		return FAIL_SYS(e, IO, errno, "the job cannot be handed over");
	return true;
}

/* ---- outputs ---------------------------------------------------------------------------------------- */

struct mapping {
	void *p;
	size_t n;
};

static void mapping_done(struct mapping *m)
{
	if (m->p)
		munmap(m->p, m->n);
}

static bool wanted(const struct job_spec *spec, struct str path)
{
	if (spec->outputs.n == 0)
		return true;
	for (uint32_t i = 0; i < spec->outputs.n; i++) {
		struct str o = str_of(spec->outputs.v[i].path);

		if (path.n >= o.n && memcmp(path.p, o.p, o.n) == 0 &&
		        (path.n == o.n || path.p[o.n] == '/'))
			return true;
	}
	return false;
}

static void free_paths(struct unixfs_path **p)
{
	free(*p);
}

static bool build_tree(const struct blobs *blobs, const struct job_spec *spec,
        const struct outcome_frame *f, struct arena *a, struct unixfs_node *out, struct err *e)
{
	struct block_sink sink = {blobs->self, blobs->put};
	struct unixfs_path *paths OWN(free_paths) = calloc(f->files_n + 4, sizeof *paths);
	char code[16];
	size_t n = 0;

	if (!paths)
		return FAIL(e, MEMORY, "no memory for the output");
	snprintf(code, sizeof code, "%u\n", (unsigned)f->exit_code); /* of WASI: 32 bits unsigned */
	paths[n++] = (struct unixfs_path){STR("stdout"), f->out, false};
	paths[n++] = (struct unixfs_path){STR("stderr"), f->err, false};
	paths[n++] = (struct unixfs_path){STR("exitCode"), str_bytes(str_of(code)), false};
	paths[n++] = (struct unixfs_path){STR("outputs"), {NULL, 0}, true};
	for (size_t i = 0; i < f->files_n; i++) {
		struct buf b OWN(buf_done);
		char *text;

		buf_init(&b, 16384);
		if (!wanted(spec, f->files[i].path))
			continue;
		buf_z(&b, "outputs/");
		buf_str(&b, f->files[i].path);
		text = arena_str(a, buf_view(&b));
		if (!text)
			return FAIL(e, MEMORY, "no memory for the output");
		paths[n++] = (struct unixfs_path){str_of(text), f->files[i].data, f->files[i].dir};
	}
	TRY(unixfs_add_tree(&sink, paths, n, out, e), e);
	return blobs->sync(blobs->self, e);
}

static bool finish(const struct blobs *blobs, const struct job_spec *spec,
        const struct outcome_frame *f, struct arena *a, struct run_done *out, struct err *e)
{
	struct unixfs_node node;
	struct err words; /* keeps of foreign words what may be shown */

	TRY(build_tree(blobs, spec, f, a, &node, e), e);
	out->status = f->status;
	out->exit_code = f->exit_code;
	out->count = f->count;
	out->tree = node.cid;
	out->tree_bytes = node.tree_bytes;
	out->input_bytes = spec_input_bytes(spec);
	FAIL(&words, MODULE_BAD, "%.*s", (int)MIN2(f->trap.n, sizeof words.msg - 1),
	        f->trap.p ? f->trap.p : "");
	str_keep(out->trap, sizeof out->trap, str_of(words.msg));
	return true;
}

bool parcel_refused(const struct blobs *blobs, const struct job_spec *spec, const char *why,
        struct run_done *out, struct err *e)
{
	const struct outcome_frame f = {.status = STATUS_EXCEPTION_OCCURRED, .trap = str_of(why)};
	struct arena a OWN(arena_done);

	arena_init(&a, 1u << 20);
	TRY(finish(blobs, spec, &f, &a, out, e), e);
	return true;
}

bool parcel_unpack(const struct blobs *blobs, const struct job_spec *spec, int fd,
        struct run_done *out, struct err *e)
{
	struct mapping m OWN(mapping_done) = {0};
	struct arena a OWN(arena_done);
	struct outcome_frame f;
	struct stat st;

	arena_init(&a, 64u << 20);
	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return FAIL(e, EXECUTOR, "the executor left no outcome");
	m.n = (size_t)st.st_size;
	m.p = mmap(NULL, m.n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m.p == MAP_FAILED) {
		m.p = NULL;
		return FAIL_SYS(e, EXECUTOR, errno, "the outcome cannot be read");
	}
	TRY(outcome_frame_decode(bytes_of(m.p, m.n), &a, &f, e), e);
	if (f.count > spec->instruction_limit)
		return FAIL(e, EXECUTOR, "the executor counted more than the limit");
	TRY(finish(blobs, spec, &f, &a, out, e), e);
	return true;
}
