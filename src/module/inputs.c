/* inputs.c - values for a manifest's inputs, and their way into the job spec. Substitution is pure:
 * a value is put where its {Key} stands, once, and is never read again as a template. */
#include "module/inputs.h"

#include <stdlib.h>

#include "module/nearest.h"
#include "module/value.h"

/* ---- checking -------------------------------------------------------------------------------------- */

static bool find(const struct module *m, struct str key, size_t *out)
{
	for (uint32_t i = 0; i < m->m.inputs.n; i++) {
		if (str_is(key, m->m.inputs.v[i].name)) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool unknown(const struct module *m, struct str key, struct err *e)
{
	const char *names[MANIFEST_INPUTS_MAX], *near;
	OWN(buf_done) struct buf list;

	buf_init(&list, 160);
	for (uint32_t i = 0; i < m->m.inputs.n; i++) {
		names[i] = m->m.inputs.v[i].name;
		buf_fmt(&list, "%s%s", i ? ", " : "", names[i]);
	}
	near = nearest_name(key, names, m->m.inputs.n);
	FAIL(e, MODULE_INPUT, "%s has no input \"%.*s\"", m->m.name, (int)MIN2(key.n, (size_t)80),
	        key.p);
	if (near)
		return err_hint(e, "did you mean %s?", near);
	if (m->m.inputs.n == 0)
		return err_hint(e, "this module takes no inputs");
	return err_hint(e, "its inputs are: %s", buf_cstr(&list));
}

static bool missing(const struct module *m, size_t i, struct err *e)
{
	const struct manifest_input *in = &m->m.inputs.v[i];
	const char *about = in->description[0] ? in->description : in->type;

	FAIL(e, MODULE_INPUT, "%s needs the input %s (%s)", m->m.name, in->name, about);
	switch (m->types[i]) {
	case INPUT_FILE: return err_hint(e, "add -i %s=FILE", in->name);
	case INPUT_FOLDER: return err_hint(e, "add -i %s=FOLDER", in->name);
	case INPUT_INTEGER: return err_hint(e, "add -i %s=NUMBER", in->name);
	case INPUT_NUMBER: return err_hint(e, "add -i %s=NUMBER", in->name);
	default: break;
	}
	return err_hint(e, "add -i %s=TEXT", in->name);
}

bool inputs_check(const struct module *m, const struct input_pair *pairs, size_t n, size_t files_n,
        struct inputs *out, struct err *e)
{
	bool given[MANIFEST_INPUTS_MAX] = {false};
	struct inputs in = {0};
	size_t at;

	for (size_t i = 0; i < n; i++) {
		if (!find(m, pairs[i].key, &at))
			return unknown(m, pairs[i].key, e);
		if (given[at])
			return FAIL(e, MODULE_INPUT, "the input %s is given twice",
			        m->m.inputs.v[at].name);
		given[at] = true;
		in.value[at] = pairs[i].value;
	}
	for (size_t i = 0; i < m->m.inputs.n; i++) {
		const struct manifest_input *row = &m->m.inputs.v[i];
		enum input_type type = (enum input_type)m->types[i];

		if (!given[i] && row->required && !(files_n && strcmp(row->path, ".") == 0))
			return missing(m, i, e);
		if (!given[i])
			in.value[i] = str_of(row->default_);
		else if (!value_check(row, type, in.value[i], E_MODULE_INPUT, e))
			return err_hint(e, "%s", row->description);
	}
	*out = in;
	return true;
}

/* ---- rendering ------------------------------------------------------------------------------------- */

struct render {
	const struct module *m;
	const struct inputs *in;
	char *to; /* NUL-terminated, max bytes before it */
	size_t n;
	size_t max;
};

static bool put(struct render *r, struct str s, struct err *e)
{
	if (s.n > r->max - r->n)
		return FAIL(e, MODULE_INPUT,
		        "an argument is longer than %zu bytes with its inputs in place", r->max);
	memcpy(r->to + r->n, s.p, s.n);
	r->n += s.n;
	return true;
}

static bool put_part(void *ctx, struct str part, bool key, struct err *e)
{
	struct render *r = ctx;
	size_t i = 0;

	if (!key)
		return put(r, part, e);
	if (!find(r->m, part, &i)) {
		assert(false && "module_parse() knows every placeholder");
		return false;
	}
	if (r->m->types[i] == INPUT_FILE || r->m->types[i] == INPUT_FOLDER) {
		TRY(put(r, STR("/inputs/"), e), e);
		return put(r, str_of(module_input_path(r->m, i)), e);
	}
	return r->in->value[i].n == 0 || put(r, r->in->value[i], e);
}

static bool render(const struct module *m, const struct inputs *in, const char *text, char *to,
        size_t max, struct err *e)
{
	struct render r = {m, in, to, 0, max};

	memset(to, 0, max + 1);
	return module_template(str_of(text), put_part, &r, e);
}

static bool put_texts(
        const struct module *m, const struct inputs *in, struct job_spec *s, struct err *e)
{
	for (uint32_t i = 0; i < m->args_n; i++) {
		TRY(render(m, in, m->args[i], s->args.v[i].text, SPEC_ARG_MAX, e), e);
		s->args.n++;
	}
	for (uint32_t i = 0; i < m->m.env.n; i++) {
		struct spec_env *to = &s->env.v[i];

		memcpy(to->name, m->m.env.v[i].name, sizeof to->name);
		TRY(render(m, in, m->m.env.v[i].value, to->value, sizeof to->value - 1, e), e);
		s->env.n++;
	}
	return true;
}

/* One path is the other, or lies below it. */
static bool collide(const char *a, const char *b)
{
	size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

	return memcmp(a, b, n) == 0 && strchr("/", a[n]) && strchr("/", b[n]);
}

static bool put_files(struct job_spec *s, const struct spec_input *files, size_t n, struct err *e)
{
	if (n > SPEC_INPUTS_MAX)
		return FAIL(e, MODULE_INPUT,
		        "%zu input files and folders: at most %d, put them into one", n,
		        SPEC_INPUTS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (!module_path_ok(str_of(files[i].path)))
			return FAIL(
			        e, MODULE_INPUT, "\"%s\" is no path below /inputs", files[i].path);
		if (hash_is_zero(&files[i].file) == hash_is_zero(&files[i].tree))
			return FAIL(
			        e, MODULE_INPUT, "the input at %s has no content", files[i].path);
		for (size_t j = 0; j < i; j++) {
			if (collide(files[i].path, files[j].path))
				return FAIL(e, MODULE_INPUT, "two inputs at one place: %s and %s",
				        files[j].path, files[i].path);
		}
		s->inputs.v[s->inputs.n++] = files[i];
	}
	return true;
}

static bool has_file(const struct job_spec *s, const char *path)
{
	for (uint32_t i = 0; i < s->inputs.n; i++) {
		if (strcmp(s->inputs.v[i].path, path) == 0)
			return true;
	}
	return false;
}

static bool check_files(const struct module *m, const struct job_spec *s, struct err *e)
{
	for (size_t i = 0; i < m->m.inputs.n; i++) {
		const struct manifest_input *in = &m->m.inputs.v[i];

		if ((m->types[i] != INPUT_FILE && m->types[i] != INPUT_FOLDER) || !in->required)
			continue;
		if (strcmp(in->path, ".") == 0 ? s->inputs.n == 0
		                               : !has_file(s, module_input_path(m, i)))
			return missing(m, i, e);
	}
	return true;
}

static void put_fixed(const struct module *m, struct job_spec *s)
{
	const struct manifest *f = &m->m;

	s->version = 1;
	s->executor = m->executor;
	memcpy(s->name, f->name, sizeof s->name);
	s->module = m->id;
	s->program = f->program.cid;
	s->program_bytes = f->program.bytes;
	memcpy(s->entrypoint, f->entrypoint[0] ? f->entrypoint : "_start",
	        f->entrypoint[0] ? sizeof s->entrypoint : sizeof "_start");
	s->resources.cpu = f->resources.cpu;
	s->resources.ram = f->resources.ram;
	s->resources.disk = f->resources.disk;
	s->resources.gpus = f->resources.gpus;
	s->resources.vram = f->resources.vram;
	memcpy(s->resources.gpu_model, f->resources.gpu_model, sizeof s->resources.gpu_model);
	s->network = m->network;
	s->instruction_limit = f->limits.instructions;
	s->output_limit = f->limits.output_bytes;
	s->determinism = m->determinism;
	s->comparator = m->comparator;
	for (uint32_t i = 0; i < f->outputs.n; i++)
		memcpy(s->outputs.v[i].path, f->outputs.v[i].path, sizeof s->outputs.v[i].path);
	s->outputs.n = f->outputs.n;
}

static void free_spec(struct job_spec **s)
{
	free(*s);
}

bool inputs_render(const struct module *m, const struct inputs *in, const char *engine,
        const struct spec_input *files, size_t files_n, const struct hash *seed,
        struct job_spec *out, struct err *e)
{
	OWN(free_spec) struct job_spec *s = calloc(1, sizeof *s);

	assert(strlen(engine) <= ENGINE_NAME_MAX);
	if (!s)
		return FAIL(e, MEMORY, "no memory for a job spec");
	if (m->executor == EXECUTOR_WASM && hash_is_zero(&m->m.program.cid))
		return FAIL(
		        e, MODULE_BAD, "the module %s has no program: build it first", m->m.name);
	put_fixed(m, s);
	memcpy(s->engine, engine, strlen(engine));
	s->seed = *seed;
	TRY(put_texts(m, in, s, e), e);
	TRY(put_files(s, files, files_n, e), e);
	TRY(check_files(m, s, e), e);
	*out = *s;
	return true;
}
