/* job_build.c - inputs from the command line, files into blocks, and the spec that names them. */
#include "cli/job_build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/module_find.h"
#include "codec/unixfs.h"
#include "crypto/keccak.h"
#include "exec/wasm.h"
#include "os/file.h"

enum { PAIRS_MAX = MANIFEST_INPUTS_MAX + 1, VALUE_MAX = SPEC_ARG_MAX };

struct work {
	struct cli *c;
	struct block_sink sink;
	struct built_job *job;
	struct input_pair pairs[PAIRS_MAX];
	size_t pairs_n;
	struct buf values[PAIRS_MAX]; /* of KEY=@FILE */
	struct spec_input *files;     /* SPEC_INPUTS_MAX */
	size_t files_n;
	size_t entries; /* of all folders, against TREE_ENTRIES_MAX */
};

/* ---- files and folders into blocks --------------------------------------------------------------- */

static bool add_any(struct work *w, int at, const char *name, int follow, unsigned depth,
        struct unixfs_entry *out, struct err *e);

/* Directory entries in memory, with the names that they point to. */
struct listing {
	struct unixfs_entry *v;
	size_t n, cap;
};

static void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free((void *)(uintptr_t)l->v[i].name.p);
	free(l->v);
}

static bool listing_add(
        struct listing *l, const struct unixfs_entry *x, const char *name, struct err *e)
{
	char *copy;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct unixfs_entry *v = reallocarray(l->v, cap, sizeof *v);

		if (!v)
			return FAIL(e, MEMORY, "no memory for a folder");
		l->v = v;
		l->cap = cap;
	}
	copy = strdup(name);
	if (!copy)
		return FAIL(e, MEMORY, "no memory for a name");
	l->v[l->n] = *x;
	l->v[l->n++].name = str_of(copy);
	return true;
}

static bool add_entries(struct work *w, DIR *d, unsigned depth, struct listing *l, struct err *e)
{
	struct dirent *f;

	while ((f = readdir(d)) != NULL) {
		struct unixfs_entry x = {0};

		if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0)
			continue;
		if (++w->entries > TREE_ENTRIES_MAX)
			return FAIL(
			        e, TOO_LARGE, "more than %d files in the inputs", TREE_ENTRIES_MAX);
		TRY(add_any(w, dirfd(d), f->d_name, O_NOFOLLOW, depth + 1, &x, e), e);
		TRY(listing_add(l, &x, f->d_name, e), e);
	}
	return true;
}

static bool add_folder(
        struct work *w, int fd, unsigned depth, struct unixfs_node *out, struct err *e)
{
	struct listing l OWN(listing_done) = {0};
	DIR *d = fdopendir(fd);
	bool ok;

	if (!d) {
		close(fd);
		return FAIL_SYS(e, IO, errno, "cannot list a folder");
	}
	ok = add_entries(w, d, depth, &l, e);
	closedir(d);
	TRY(ok, e);
	TRY(unixfs_add_dir(&w->sink, l.v, l.n, out, e), e);
	return true;
}

/* One file or folder, opened once and judged by its descriptor. */
static bool add_any(struct work *w, int at, const char *name, int follow, unsigned depth,
        struct unixfs_entry *out, struct err *e)
{
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);
	struct stat st;
	bool ok;

	if (fd < 0 && errno == ELOOP)
		return FAIL(e, MODULE_INPUT,
		        "%s is a symbolic link: a job takes files and folders only", name);
	if (fd < 0)
		return FAIL_SYS(e, MODULE_INPUT, errno, "cannot open the input %s", name);
	if (fstat(fd, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		close(fd);
		return FAIL(e, MODULE_INPUT, "%s is neither a file nor a folder", name);
	}
	out->dir = S_ISDIR(st.st_mode);
	if (!out->dir) {
		ok = unixfs_add_fd(&w->sink, fd, HTTP_TREE_MAX, &out->node, e);
		close(fd);
	} else if (depth >= TREE_DEPTH_MAX) {
		close(fd);
		ok = FAIL(e, TOO_LARGE, "%s is more than %d folders deep", name, TREE_DEPTH_MAX);
	} else {
		ok = add_folder(w, fd, depth, &out->node, e);
	}
	if (!ok)
		err_prefix(e, "%s: ", name);
	return ok;
}

static bool add_input(struct work *w, const char *path, struct str place,
        const struct unixfs_entry *x, struct err *e)
{
	struct spec_input *in;

	if (w->files_n >= SPEC_INPUTS_MAX) {
		FAIL(e, MODULE_INPUT, "more than %d input files", SPEC_INPUTS_MAX);
		return err_hint(e, "put them into one folder and give that with -f");
	}
	if (place.n == 0 || place.n > PATH_TEXT_MAX)
		return FAIL(e, MODULE_INPUT, "the name of %s cannot be used under /inputs", path);
	in = &w->files[w->files_n++];
	memset(in, 0, sizeof *in);
	memcpy(in->path, place.p, place.n);
	if (x->node.cid.codec == CID_RAW)
		in->file = x->node.cid.digest;
	else
		in->tree = x->node.cid.digest;
	in->bytes = x->node.tree_bytes;
	return true;
}

/* The last part of a path, which is its place under /inputs. */
static struct str base_name(const char *path)
{
	struct str s = str_of(path);
	size_t i;

	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	i = s.n;
	while (i && s.p[i - 1] != '/')
		i--;
	return (struct str){s.p + i, s.n - i};
}

static bool add_given(struct work *w, const char *path, struct str place, struct err *e)
{
	struct unixfs_entry x = {0};

	TRY(add_any(w, AT_FDCWD, path, 0, 0, &x, e), e);
	return add_input(w, path, place, &x, e);
}

/* --inputs-path: what the folder holds, each at its own name. */
static bool add_contents(struct work *w, const char *dir, struct err *e)
{
	struct listing l OWN(listing_done) = {0};
	DIR *d = opendir(dir);
	bool ok;

	if (!d)
		return FAIL_SYS(e, MODULE_INPUT, errno, "cannot list %s", dir);
	ok = add_entries(w, d, 0, &l, e);
	closedir(d);
	TRY(ok, e);
	for (size_t i = 0; i < l.n; i++)
		TRY(add_input(w, dir, l.v[i].name, &l.v[i], e), e);
	return true;
}

/* ---- the command line ------------------------------------------------------------------------------ */

static bool read_value(struct input_pair *p, struct buf *value, struct err *e)
{
	char path[CLI_PATH_MAX];

	snprintf(path, sizeof path, "%.*s", (int)MIN2(p->value.n - 1, sizeof path - 1),
	        p->value.p + 1);
	buf_init(value, VALUE_MAX);
	if (!file_read(path, VALUE_MAX, value, e)) {
		err_prefix(e, "-i %.*s: ", STR_ARG(p->key));
		return err_hint(e, "larger values go into a file input: -f FILE");
	}
	p->value = value->n ? buf_view(value) : STR("");
	return true;
}

static bool read_pairs(struct work *w, struct err *e)
{
	const char *text;

	for (size_t i = 0; (text = args_nth(&w->c->args, "input", i)) != NULL; i++) {
		struct input_pair *p = &w->pairs[w->pairs_n];

		if (w->pairs_n >= PAIRS_MAX)
			return FAIL(e, MODULE_INPUT, "more than %d inputs", MANIFEST_INPUTS_MAX);
		if (!strchr(text, '=')) {
			FAIL(e, USAGE, "-i %s has no value", text);
			return err_hint(
			        e, "-i KEY=VALUE, or -i KEY=@FILE to read the value from a file");
		}
		p->key = str_cut(str_of(text), '=', &p->value);
		if (p->value.n > 1 && p->value.p[0] == '@')
			TRY(read_value(p, &w->values[w->pairs_n], e), e);
		w->pairs_n++;
	}
	return true;
}

static size_t count(const struct cli *c, const char *name)
{
	size_t n = 0;

	while (args_nth(&c->args, name, n))
		n++;
	return n;
}

/* Inputs of type file and folder, then -f, then --inputs-path. */
static bool add_files(struct work *w, const struct inputs *in, struct err *e)
{
	const struct module *m = w->job->module;
	const char *path;

	for (uint32_t i = 0; i < m->m.inputs.n; i++) {
		char text[CLI_PATH_MAX];

		if ((m->types[i] != INPUT_FILE && m->types[i] != INPUT_FOLDER) ||
		        in->value[i].n == 0)
			continue;
		snprintf(text, sizeof text, "%.*s", STR_ARG(in->value[i]));
		TRY(add_given(w, text, str_of(module_input_path(m, i)), e), e);
	}
	for (size_t i = 0; (path = args_nth(&w->c->args, "file", i)) != NULL; i++)
		TRY(add_given(w, path, base_name(path), e), e);
	path = args_get(&w->c->args, "inputs-path");
	return !path || add_contents(w, path, e);
}

/* ---- the program ----------------------------------------------------------------------------------- */

/* A manifest as it is in a source folder has no program yet: its id follows from the one that is there. */
static bool with_program(
        struct module *m, const char *dir, const struct unixfs_node *root, struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	struct buf full OWN(buf_done) = {0};
	char path[CLI_PATH_MAX];

	if (hash_eq(&m->m.program.cid, &root->cid.digest))
		return true;
	if (!hash_is_zero(&m->m.program.cid)) {
		FAIL(e, MODULE_BAD, "the program in %s is not the one that its module.json names",
		        dir);
		return err_hint(e, "build the module again");
	}
	buf_init(&text, MANIFEST_BYTES_MAX);
	buf_init(&full, MANIFEST_BYTES_MAX);
	snprintf(path, sizeof path, "%.1000s/module.json", dir);
	TRY(file_read(path, MANIFEST_BYTES_MAX, &text, e), e);
	TRY(module_with_program(buf_view(&text), &root->cid, root->tree_bytes, &full, e), e);
	return module_parse(buf_view(&full), m, e);
}

static bool add_program(struct work *w, const char *dir, struct err *e)
{
	struct unixfs_entry entry = {.name = STR("program.wasm")};
	struct unixfs_node root;
	char path[CLI_PATH_MAX];
	int fd;
	bool ok;

	TRY(module_program(w->job->module, dir, path, e), e);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return FAIL_SYS(e, IO, errno, "cannot open %s", path);
	ok = unixfs_add_fd(&w->sink, fd, WASM_MODULE_MAX, &entry.node, e);
	close(fd);
	TRY(ok, e);
	TRY(unixfs_add_dir(&w->sink, &entry, 1, &root, e), e);
	return with_program(w->job->module, dir, &root, e);
}

/* ---- the spec -------------------------------------------------------------------------------------- */

/* The same command gives the same job: the random source follows from module and arguments. */
static void seed_of(const struct job_spec *s, struct hash *out)
{
	struct keccak k;

	keccak_init(&k);
	keccak_add(&k, s->module.b, sizeof s->module.b);
	for (uint32_t i = 0; i < s->args.n; i++)
		keccak_add(&k, s->args.v[i].text, strlen(s->args.v[i].text) + 1);
	keccak_end(&k, out);
}

static bool build(struct work *w, const char *name, struct err *e)
{
	struct built_job *job = w->job;
	struct hash seed = {{0}};
	char dir[CLI_PATH_MAX];
	struct inputs in;

	TRY(module_find(w->c, name, &job->module, dir, e), e);
	if (job->module->executor != EXECUTOR_WASM)
		return FAIL(e, MODULE_BAD,
		        "%s is for the executor %s: this program runs WebAssembly", name,
		        job->module->m.executor);
	TRY(read_pairs(w, e), e);
	TRY(inputs_check(job->module, w->pairs, w->pairs_n,
	            count(w->c, "file") + count(w->c, "inputs-path"), &in, e),
	        e);
	TRY(add_files(w, &in, e), e);
	TRY(add_program(w, dir, e), e);
	/* add_program() may have read the manifest again, with which the defaults in `in` moved. */
	TRY(inputs_check(job->module, w->pairs, w->pairs_n,
	            count(w->c, "file") + count(w->c, "inputs-path"), &in, e),
	        e);
	job->spec = calloc(1, sizeof *job->spec);
	if (!job->spec)
		return FAIL(e, MEMORY, "no memory for a job spec");
	TRY(inputs_render(
	            job->module, &in, exec_wasm_class(), w->files, w->files_n, &seed, job->spec, e),
	        e);
	seed_of(job->spec, &job->spec->seed);
	return true;
}

bool job_build(struct cli *c, const struct blobs *blobs, const char *module, struct built_job *out,
        struct err *e)
{
	struct built_job job = {0};
	struct work w = {.c = c, .sink = {blobs->self, blobs->put}, .job = &job};
	bool ok;

	w.files = calloc(SPEC_INPUTS_MAX, sizeof *w.files);
	if (!w.files)
		return FAIL(e, MEMORY, "no memory for the inputs");
	ok = build(&w, module, e);
	for (size_t i = 0; i < COUNT(w.values); i++)
		buf_done(&w.values[i]);
	free(w.files);
	ok = ok && blobs->sync(blobs->self, e);
	if (!ok) {
		err_note(e, __FILE__, __LINE__);
		built_job_done(&job);
		return false;
	}
	*out = job;
	return true;
}

void built_job_done(struct built_job *b)
{
	free(b->spec);
	free(b->module);
	*b = (struct built_job){0};
}
