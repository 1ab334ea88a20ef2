/* manifest.c - reads module.json: the rows by the JSON walker, then what rows cannot say. */
#include "module/manifest.h"

#include <stdlib.h>

#include "codec/json.h"
#include "crypto/keccak.h"
#include "module/nearest.h"
#include "module/value.h"

/* clang-format off */
#include "model/record_table.h"
#include "module/manifest.def"
#include "model/record_end.h"
/* clang-format on */

static const struct enum_value input_types[] = {
        {"string", INPUT_STRING, "text of UTF-8"},
        {"integer", INPUT_INTEGER, "a whole number of up to 64 bits"},
        {"number", INPUT_NUMBER, "a number as JSON writes one"},
        {"file", INPUT_FILE, "a file under /inputs"},
        {"folder", INPUT_FOLDER, "a folder under /inputs"},
};
const struct enum_names input_type_names = {"input type", input_types, COUNT(input_types)};

static const char *const words_of_files[] = {"file", "folder"};

/* ---- words and names ------------------------------------------------------------------------------- */

static bool word(const struct enum_names *names, const char *member, const char *text, uint8_t *out,
        struct err *e)
{
	OWN(buf_done) struct buf list;

	buf_init(&list, 512);
	if (enum_by_name(names, str_of(text), out))
		return true;
	for (size_t i = 0; i < names->n; i++)
		buf_fmt(&list, "%s%s", i ? ", " : "", names->v[i].name);
	FAIL(e, MODULE_BAD, "%s is \"%s\": one of %s is wanted", member, text, buf_cstr(&list));
	return false;
}

static bool only(const char *text, const char *set)
{
	return text[strspn(text, set)] == '\0';
}

#define SMALL  "abcdefghijklmnopqrstuvwxyz"
#define LARGE  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool check_name(const char *name, struct err *e)
{
	if (strchr(SMALL, name[0]) && name[0] && only(name, SMALL DIGITS "-"))
		return true;
	return FAIL(e, MODULE_BAD,
	        "name is \"%s\": small letters, digits and \"-\" are wanted, a letter first", name);
}

/* Three numbers with dots, and perhaps "-" and letters, digits, dots. */
static bool check_version(const char *text, struct err *e)
{
	struct str rest, v = str_cut(str_of(text), '-', &rest);
	bool ok = rest.n > 0 || v.n == strlen(text);
	uint64_t n;

	for (int i = 0; i < 3; i++)
		ok = str_u64(str_cut(v, '.', &v), UINT32_MAX, &n) && ok;
	ok = ok && v.n == 0 && strchr(text, '.') && text[strlen(text) - 1] != '.';
	if (ok && only(text, SMALL LARGE DIGITS ".-"))
		return true;
	return FAIL(
	        e, MODULE_BAD, "version is \"%s\": three numbers as in \"1.0.0\" are wanted", text);
}

bool module_path_ok(struct str path)
{
	struct str rest = path;

	if (path.n == 0 || path.n > PATH_TEXT_MAX || memchr(path.p, 0, path.n) ||
	        path.p[path.n - 1] == '/')
		return false;
	while (rest.n) {
		struct str part = str_cut(rest, '/', &rest);

		if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
			return false;
	}
	return true;
}

/* ---- templates ------------------------------------------------------------------------------------- */

bool module_template(struct str text,
        bool (*each)(void *ctx, struct str part, bool key, struct err *e), void *ctx, struct err *e)
{
	while (text.n) {
		const char *open = memchr(text.p, '{', text.n);
		size_t n = open ? (size_t)(open - text.p) : text.n;
		struct str rest = {text.p + n, text.n - n};

		if (n)
			TRY(each(ctx, (struct str){text.p, n}, false, e), e);
		if (str_starts(rest, "{{")) {
			TRY(each(ctx, (struct str){rest.p, 1}, false, e), e);
			rest = (struct str){rest.p + 2, rest.n - 2};
		} else if (rest.n) {
			const char *close = memchr(rest.p, '}', rest.n);
			size_t len = close ? (size_t)(close - rest.p) : 0;

			if (!close)
				return FAIL(e, MODULE_BAD,
				        "a { is not closed in \"%.*s\" ({{ stands for a brace)",
				        STR_ARG(rest));
			TRY(each(ctx, (struct str){rest.p + 1, len - 1}, true, e), e);
			rest = (struct str){rest.p + len + 1, rest.n - len - 1};
		}
		text = rest;
	}
	return true;
}

static size_t names_of(const struct module *m, const char *names[MANIFEST_INPUTS_MAX])
{
	for (uint32_t i = 0; i < m->m.inputs.n; i++)
		names[i] = m->m.inputs.v[i].name;
	return m->m.inputs.n;
}

static bool known_key(void *ctx, struct str part, bool key, struct err *e)
{
	const char *names[MANIFEST_INPUTS_MAX], *near;
	size_t n = names_of(ctx, names);

	for (size_t i = 0; i < n; i++) {
		if (str_is(part, names[i]))
			return true;
	}
	if (!key)
		return true;
	near = nearest_name(part, names, n);
	FAIL(e, MODULE_BAD, "there is no input for the placeholder {%.*s}", STR_ARG(part));
	return near ? err_hint(e, "did you mean {%s}?", near) : false;
}

static bool check_templates(struct module *m, struct err *e)
{
	for (uint32_t i = 0; i < m->args_n; i++) {
		if (!module_template(str_of(m->args[i]), known_key, m, e)) {
			err_prefix(e, "args[%u]: ", i);
			return false;
		}
	}
	for (uint32_t i = 0; i < m->m.env.n; i++) {
		const struct manifest_env *v = &m->m.env.v[i];

		if (!v->name[0] || strchr(v->name, '='))
			return FAIL(e, MODULE_BAD,
			        "env[%u].name is \"%s\": a name without = is wanted", i, v->name);
		if (!module_template(str_of(v->value), known_key, m, e)) {
			err_prefix(e, "env[%u].value: ", i);
			return false;
		}
	}
	return true;
}

/* ---- inputs and outputs ---------------------------------------------------------------------------- */

static bool is_file(const struct module *m, size_t i)
{
	return m->types[i] == INPUT_FILE || m->types[i] == INPUT_FOLDER;
}

static bool is_counted(const struct module *m, size_t i)
{
	return m->types[i] == INPUT_INTEGER || m->types[i] == INPUT_NUMBER;
}

const char *module_input_path(const struct module *m, size_t input)
{
	const struct manifest_input *in = &m->m.inputs.v[input];

	assert(is_file(m, input));
	return in->path[0] && strcmp(in->path, ".") != 0 ? in->path : in->name;
}

/* Members that mean nothing for the input's type are mistakes. */
static bool check_members(const struct module *m, size_t i, struct err *e)
{
	const struct manifest_input *in = &m->m.inputs.v[i];

	if ((in->min[0] || in->max[0]) && !is_counted(m, i))
		return FAIL(e, MODULE_BAD, "has min or max, which only integers and numbers have");
	if (in->max_length && m->types[i] != INPUT_STRING)
		return FAIL(e, MODULE_BAD, "has maxLength, which only strings have");
	if (in->max_length > SPEC_ARG_MAX)
		return FAIL(e, MODULE_BAD, "has maxLength %u: at most %d", in->max_length,
		        SPEC_ARG_MAX);
	if (in->path[0] && !is_file(m, i))
		return FAIL(e, MODULE_BAD, "has a path, which only files and folders have");
	if (is_file(m, i) && in->default_[0])
		return FAIL(e, MODULE_BAD, "has a default, which files and folders cannot have");
	if (in->required && in->default_[0])
		return FAIL(e, MODULE_BAD, "is required and has a default: one of the two");
	if (!in->required && !in->default_[0] && is_counted(m, i))
		return FAIL(e, MODULE_BAD, "is neither required nor has a default");
	if (is_file(m, i) && strcmp(in->path, ".") != 0 && !module_path_ok(str_of(in->path)) &&
	        in->path[0])
		return FAIL(e, MODULE_BAD, "has the path \"%s\": one below /inputs is wanted",
		        in->path);
	if (strcmp(in->path, ".") == 0 && m->types[i] != INPUT_FOLDER)
		return FAIL(e, MODULE_BAD, "has the path \".\", which only a folder can have");
	return true;
}

static bool check_bounds(const struct module *m, size_t i, struct err *e)
{
	const struct manifest_input *in = &m->m.inputs.v[i];
	enum input_type type = (enum input_type)m->types[i];

	if (in->min[0] && !value_is(type, str_of(in->min)))
		return FAIL(e, MODULE_BAD, "has min \"%s\", which is no %s", in->min, in->type);
	if (in->max[0] && !value_is(type, str_of(in->max)))
		return FAIL(e, MODULE_BAD, "has max \"%s\", which is no %s", in->max, in->type);
	if (in->min[0] && in->max[0] && value_cmp(type, str_of(in->min), str_of(in->max)) > 0)
		return FAIL(e, MODULE_BAD, "has min %s above max %s", in->min, in->max);
	if (in->default_[0] && !value_check(in, type, str_of(in->default_), E_MODULE_BAD, e)) {
		err_prefix(e, "has a wrong default: ");
		return false;
	}
	return true;
}

static bool check_input(struct module *m, size_t i, struct err *e)
{
	const struct manifest_input *in = &m->m.inputs.v[i];

	if (!in->name[0] || strchr(DIGITS, in->name[0]) || !only(in->name, SMALL LARGE DIGITS "_"))
		return FAIL(e, MODULE_BAD, "needs a name of letters, digits and _, no digit first");
	for (size_t j = 0; j < i; j++) {
		if (strcmp(m->m.inputs.v[j].name, in->name) == 0)
			return FAIL(e, MODULE_BAD, "has the name of inputs[%zu]", j);
	}
	TRY(word(&input_type_names, "type", in->type, &m->types[i], e), e);
	TRY(check_members(m, i, e), e);
	return check_bounds(m, i, e);
}

static bool check_inputs(struct module *m, struct err *e)
{
	for (uint32_t i = 0; i < m->m.inputs.n; i++) {
		if (!check_input(m, i, e)) {
			err_prefix(e, "inputs[%u] (\"%s\") ", i, m->m.inputs.v[i].name);
			return false;
		}
	}
	return true;
}

static bool check_outputs(const struct module *m, struct err *e)
{
	for (uint32_t i = 0; i < m->m.outputs.n; i++) {
		const struct manifest_output *o = &m->m.outputs.v[i];

		if (!module_path_ok(str_of(o->path)))
			return FAIL(e, MODULE_BAD,
			        "outputs[%u].path is \"%s\": a path below /outputs is wanted", i,
			        o->path);
		if (o->type[0] && strcmp(o->type, words_of_files[0]) != 0 &&
		        strcmp(o->type, words_of_files[1]) != 0)
			return FAIL(e, MODULE_BAD,
			        "outputs[%u].type is \"%s\": file or folder is wanted", i, o->type);
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(m->m.outputs.v[j].path, o->path) == 0)
				return FAIL(e, MODULE_BAD,
				        "outputs[%u].path is that of outputs[%u]", i, j);
		}
	}
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------------- */

static bool check_kind(struct module *m, struct err *e)
{
	const struct manifest *f = &m->m;

	TRY(word(&executor_names, "executor", f->executor, &m->executor, e), e);
	TRY(word(&determinism_names, "determinism", f->determinism, &m->determinism, e), e);
	TRY(word(&comparator_names, "comparator", f->comparator[0] ? f->comparator : "bytes",
	            &m->comparator, e),
	        e);
	TRY(word(&network_names, "network", f->network[0] ? f->network : "none", &m->network, e),
	        e);
	if (m->executor == EXECUTOR_WASM && f->image[0])
		return FAIL(e, MODULE_BAD, "image is \"%s\", but a WASM module runs its program",
		        f->image);
	if (m->executor != EXECUTOR_WASM && !strstr(f->image, "@sha256:"))
		return FAIL(e, MODULE_BAD,
		        "image is \"%s\": an image with its digest, name@sha256:..., is wanted",
		        f->image);
	if (m->executor != EXECUTOR_WASM && !hash_is_zero(&f->program.cid))
		return FAIL(e, MODULE_BAD, "program is given, but only a WASM module has one");
	if (m->network != NETWORK_NONE && m->determinism != DETERMINISM_NONE)
		return FAIL(e, MODULE_BAD,
		        "determinism is \"%s\", but a job with network has \"none\" (protocol 7.2)",
		        f->determinism);
	if (m->determinism == DETERMINISM_EXACT && m->comparator != COMPARATOR_BYTES)
		return FAIL(e, MODULE_BAD, "comparator is \"%s\", but \"exact\" compares bytes",
		        f->comparator);
	return true;
}

static bool check_sizes(const struct manifest *f, struct err *e)
{
	if (f->resources.cpu == 0 || f->resources.ram == 0)
		return FAIL(e, MODULE_BAD, "resources.%s is 0: a job needs some",
		        f->resources.cpu ? "ram" : "cpu");
	if (f->limits.instructions == 0 || f->limits.output_bytes == 0)
		return FAIL(e, MODULE_BAD, "limits.%s is 0: a job needs some",
		        f->limits.instructions ? "outputBytes" : "instructions");
	if (hash_is_zero(&f->program.cid) != (f->program.bytes == 0))
		return FAIL(e, MODULE_BAD, "program needs both cid and bytes");
	return true;
}

static bool take_args(json_t *j, struct module *m, struct err *e)
{
	const json_t *list = json_object_get(j, "args"), *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) < 1 ||
	        json_array_size(list) > SPEC_ARGS_MAX)
		return FAIL(e, MODULE_BAD,
		        "args: a list of 1 to %d strings is wanted, the first is the program's name",
		        SPEC_ARGS_MAX);
	json_array_foreach (list, i, item) {
		size_t n = json_string_length(item);

		if (!json_is_string(item) || n > MANIFEST_ARG_MAX)
			return FAIL(e, MODULE_BAD,
			        "args[%zu]: a string of at most %d bytes is wanted", i,
			        MANIFEST_ARG_MAX);
		memcpy(m->args[i], json_string_value(item), n);
		m->args_n++;
	}
	json_object_del(j, "args");
	return true;
}

static bool read_json(json_t *j, struct module *m, struct err *e)
{
	OWN(buf_done) struct buf text;

	buf_init(&text, MANIFEST_BYTES_MAX);
	if (!json_is_object(j))
		return FAIL(e, MODULE_BAD, "an object is wanted");
	json_canonical(j, &text);
	if (!buf_ok(&text))
		return FAIL(e, MEMORY, "no memory for a manifest");
	keccak256(text.p, text.n, &m->id);
	TRY(take_args(j, m, e), e);
	if (!record_from_json(manifest_record(), j, &m->m, e)) {
		e->code = e->code == E_MEMORY ? E_MEMORY : E_MODULE_BAD;
		return false;
	}
	TRY(check_name(m->m.name, e), e);
	TRY(check_version(m->m.version, e), e);
	TRY(check_kind(m, e), e);
	TRY(check_sizes(&m->m, e), e);
	TRY(check_inputs(m, e), e);
	TRY(check_outputs(m, e), e);
	return check_templates(m, e);
}

static bool open_json(struct str text, json_t **out, struct err *e)
{
	if (text.n > MANIFEST_BYTES_MAX)
		return FAIL(e, MODULE_BAD, "has %zu bytes: at most %u are read", text.n,
		        MANIFEST_BYTES_MAX);
	if (json_parse(text, out, e))
		return true;
	e->code = e->code == E_MEMORY ? E_MEMORY : E_MODULE_BAD;
	return false;
}

static void free_module(struct module **m)
{
	free(*m);
}

bool module_parse(struct str text, struct module *out, struct err *e)
{
	OWN(json_own) json_t *j = NULL;
	OWN(free_module) struct module *m = calloc(1, sizeof *m);

	if (!m)
		return FAIL(e, MEMORY, "no memory for a manifest");
	if (!open_json(text, &j, e) || !read_json(j, m, e)) {
		err_prefix(e, "module.json: ");
		return false;
	}
	*out = *m;
	return true;
}

bool module_with_program(
        struct str text, const struct cid *program, uint64_t bytes, struct buf *out, struct err *e)
{
	OWN(json_own) json_t *j = NULL;
	OWN(free_module) struct module *m = calloc(1, sizeof *m);
	struct manifest_program p = {program->digest, bytes};
	json_t *member;

	assert(program->codec == CID_DAG_PB && bytes > 0);
	if (!m)
		return FAIL(e, MEMORY, "no memory for a manifest");
	TRY(module_parse(text, m, e), e);
	if (m->executor != EXECUTOR_WASM)
		return FAIL(e, MODULE_BAD,
		        "module.json: executor is \"%s\": only WASM has a program", m->m.executor);
	TRY(json_parse(text, &j, e), e);
	member = record_to_json(manifest_program_record(), &p);
	if (!member || json_object_set_new(j, "program", member))
		return FAIL(e, MEMORY, "no memory for a manifest");
	json_canonical(j, out);
	if (!buf_ok(out))
		return FAIL(e, MEMORY, "no memory for a manifest");
	return true;
}
