/* module_cmd.c - `lilypad module …`: what modules there are, a new one, and one run here. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blobs/folder.h"
#include "cli/job_build.h"
#include "cli/module_find.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/remove.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/unixfs.h"
#include "exec/wasm.h"
#include "os/file.h"
#include "port/peer.h"

/* ---- list and show --------------------------------------------------------------------------------- */

int cmd_module_list(struct cli *c)
{
	char names[MODULE_NAMES_MAX][NAME_MAX_ + 1];
	size_t n = module_names(c, names);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		char dir[CLI_PATH_MAX], id[HASH_TEXT_MAX];
		struct module *m = NULL;
		struct err e;

		if (!module_find(c, names[i], &m, dir, &e)) {
			cli_say(c, "%s cannot be read: %s", names[i], e.msg);
			continue;
		}
		hash_format(&m->id, id);
		if (c->json)
			json_array_append_new(
			        list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", m->m.name,
			                      "version", m->m.version, "description",
			                      m->m.description, "id", id, "folder", dir));
		else
			cli_print("%-16s %-8s %s\n", m->m.name, m->m.version, m->m.description);
		free(m);
	}
	if (c->json)
		cli_print_json(json_pack("{s:O}", "modules", list));
	json_decref(list);
	return 0;
}

static void show_input(const struct module *m, uint32_t i)
{
	const struct manifest_input *in = &m->m.inputs.v[i];

	cli_print("  -i %s=%s", in->name, in->type);
	if (in->required)
		cli_print("  required");
	else if (in->default_[0])
		cli_print("  default %s", in->default_);
	if (in->min[0] || in->max[0])
		cli_print("  from %s to %s", in->min[0] ? in->min : "any",
		        in->max[0] ? in->max : "any");
	cli_print("  %s\n", in->description);
}

static void show(const struct module *m, const char *dir)
{
	char id[HASH_TEXT_MAX];

	hash_format(&m->id, id);
	cli_print("%s %s\n%s\n\nid         %s\nfolder     %s\nexecutor   %s, %s\n", m->m.name,
	        m->m.version, m->m.description, id, dir, m->m.executor, m->m.determinism);
	if (!addr_is_zero(&m->m.author)) {
		char text[ADDR_TEXT_MAX];

		addr_format(&m->m.author, text);
		cli_print("author     %s\n", text);
	}
	cli_print("needs      %u milli-cores, %llu bytes of memory, %llu of disk\n",
	        m->m.resources.cpu, (unsigned long long)m->m.resources.ram,
	        (unsigned long long)m->m.resources.disk);
	cli_print("stops at   %llu instructions, %llu bytes of output\n",
	        (unsigned long long)m->m.limits.instructions,
	        (unsigned long long)m->m.limits.output_bytes);
	cli_print("\nInputs:%s\n", m->m.inputs.n ? "" : " none");
	for (uint32_t i = 0; i < m->m.inputs.n; i++)
		show_input(m, i);
	cli_print("Outputs:%s\n", m->m.outputs.n ? "" : " everything under /outputs");
	for (uint32_t i = 0; i < m->m.outputs.n; i++)
		cli_print("  outputs/%s  %s\n", m->m.outputs.v[i].path,
		        m->m.outputs.v[i].description);
}

int cmd_module_show(struct cli *c)
{
	char dir[CLI_PATH_MAX];
	struct module *m = NULL;
	struct err e;

	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "which module? lilypad module show MODULE");
		return cli_fail(c, &e);
	}
	if (!module_find(c, c->args.positional[0], &m, dir, &e))
		return cli_fail(c, &e);
	if (c->json)
		cli_print_json(json_pack("{s:o, s:o, s:s}", "id", json_of_hash(&m->id), "manifest",
		        record_to_json(manifest_record(), &m->m), "folder", dir));
	else
		show(m, dir);
	free(m);
	return 0;
}

/* ---- init ------------------------------------------------------------------------------------------ */

static const char init_json[] =
        "{\n"
        "  \"name\": \"%1$s\",\n"
        "  \"version\": \"0.1.0\",\n"
        "  \"description\": \"Says hello, and counts the letters of a name.\",\n"
        "  \"author\": \"0x0000000000000000000000000000000000000000\",\n"
        "  \"executor\": \"wasm\",\n"
        "  \"entrypoint\": \"_start\",\n"
        "  \"args\": [\"%1$s\", \"{Name}\"],\n"
        "  \"inputs\": [\n"
        "    {\"name\": \"Name\", \"type\": \"string\", \"default\": \"world\", \"maxLength\": 200, "
        "\"description\": \"who is greeted\"}\n"
        "  ],\n"
        "  \"outputs\": [{\"path\": \"hello.txt\", \"description\": \"the greeting\"}],\n"
        "  \"resources\": {\"cpu\": 100, \"ram\": \"16777216\", \"disk\": \"1048576\"},\n"
        "  \"limits\": {\"instructions\": \"50000000\", \"outputBytes\": \"1048576\"},\n"
        "  \"determinism\": \"exact\"\n"
        "}\n";

static const char init_c[] =
        "/* %1$s.c - greets whom its argument names. Inputs are under /inputs, results go to /outputs. */\n"
        "#include <stdio.h>\n"
        "#include <string.h>\n"
        "\n"
        "int main(int argc, char **argv)\n"
        "{\n"
        "\tconst char *name = argc > 1 ? argv[1] : \"world\";\n"
        "\tFILE *f = fopen(\"/outputs/hello.txt\", \"w\");\n"
        "\n"
        "\tif (!f) {\n"
        "\t\tperror(\"/outputs/hello.txt\");\n"
        "\t\treturn 1;\n"
        "\t}\n"
        "\tfprintf(f, \"Hello, %%s!\\n\", name);\n"
        "\tprintf(\"Hello, %%s! Your name has %%zu bytes.\\n\", name, strlen(name));\n"
        "\treturn fclose(f) ? 1 : 0;\n"
        "}\n";

static const char init_make[] =
        "# Builds the module; `lilypad module run .` runs it here, `lilypad run .` buys a run.\n"
        "CC     := clang-14\n"
        "CFLAGS := --target=wasm32-wasi --sysroot=/usr -std=c17 -O2 -Wall -Wextra -fno-ident -Wl,--strip-all\n"
        "\n"
        "%1$s.wasm: %1$s.c\n"
        "\t$(CC) $(CFLAGS) -o $@ $<\n";

static bool write_new(
        const char *dir, const char *file, const char *fmt, const char *name, struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	char path[CLI_PATH_MAX];

	buf_init(&text, 1 << 16);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	/* The three templates above, each with the name as its only argument. */
	buf_fmt(&text, fmt, name);
#pragma GCC diagnostic pop
	snprintf(path, sizeof path, "%.900s/%.100s", dir, file);
	return file_write(path, buf_bytes(&text), 0644, e);
}

static bool name_ok(const char *name, struct err *e)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (n > 0 && n <= NAME_MAX_ - 8 && name[n] == '\0' && name[0] != '-')
		return true;
	return FAIL(e, USAGE, "\"%s\" is no name for a module: small letters, digits and -", name);
}

static bool init(const char *name, struct err *e)
{
	char file[NAME_MAX_ + 8];

	TRY(name_ok(name, e), e);
	if (access(name, F_OK) == 0)
		return FAIL(e, CONFLICT, "%s is there already", name);
	if (mkdir(name, 0755) != 0)
		return FAIL(e, IO, "cannot make the folder %s", name);
	TRY(write_new(name, "module.json", init_json, name, e), e);
	snprintf(file, sizeof file, "%.55s.c", name);
	TRY(write_new(name, file, init_c, name, e), e);
	TRY(write_new(name, "Makefile", init_make, name, e), e);
	return true;
}

int cmd_module_init(struct cli *c)
{
	struct err e;

	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "which name? lilypad module init NAME");
		return cli_fail(c, &e);
	}
	if (!init(c->args.positional[0], &e))
		return cli_fail(c, &e);
	if (c->json)
		cli_print_json(json_pack("{s:s}", "folder", c->args.positional[0]));
	cli_say(c,
	        "%s is a module now. Build it and run it here:\n  make -C %s && lilypad module run ./%s",
	        c->args.positional[0], c->args.positional[0], c->args.positional[0]);
	return 0;
}

/* ---- run ------------------------------------------------------------------------------------------- */

static bool read_part(const struct blobs *blobs, const struct run_done *d, const char *name,
        struct buf *out, struct err *e)
{
	const struct block_source src = {blobs->self, blobs->get};

	buf_init(out, STDOUT_MAX);
	TRY(unixfs_read(&src, &d->tree, str_of(name), out, e), e);
	return true;
}

static json_t *done_json(const struct run_done *d, const struct buf *out, const struct buf *err)
{
	char cid[CID_TEXT_MAX];

	cid_format(&d->tree, cid);
	return json_pack("{s:s, s:i, s:o, s:o, s:s, s:o, s:o, s:s}", "status",
	        enum_name(&status_names, d->status), "exitCode", (int)d->exit_code, "instructions",
	        json_of_u64(d->count), "wallUs", json_of_u64(d->wall_us), "output", cid, "stdout",
	        json_of_str(buf_view(out)), "stderr", json_of_str(buf_view(err)), "trap", d->trap);
}

static bool tell(
        const struct cli *c, const struct blobs *blobs, const struct run_done *d, struct err *e)
{
	const char *dir = args_get(&c->args, "output");
	struct buf out OWN(buf_done) = {0};
	struct buf err OWN(buf_done) = {0};

	if (d->tree.codec != CID_NONE) {
		TRY(read_part(blobs, d, "stdout", &out, e), e);
		TRY(read_part(blobs, d, "stderr", &err, e), e);
	}
	if (c->json) {
		cli_print_json(done_json(d, &out, &err));
	} else {
		if (!cli_put(stdout, buf_view(&out)) || fflush(stdout) != 0 ||
		        !cli_put(stderr, buf_view(&err)))
			return FAIL(e, IO, "standard output is closed");
		cli_say(c, "%s, exit status %d%s%s · %llu instructions · %llu.%03llu ms",
		        enum_name(&status_names, d->status), (int)d->exit_code,
		        d->trap[0] ? " · " : "", d->trap, (unsigned long long)d->count,
		        (unsigned long long)(d->wall_us / 1000),
		        (unsigned long long)(d->wall_us % 1000));
	}
	if (dir && d->tree.codec != CID_NONE)
		TRY(output_write(blobs, &d->tree, dir, e), e);
	return true;
}

static int exit_of(const struct run_done *d)
{
	if (d->status == STATUS_COMPLETED && d->exit_code == 0)
		return 0;
	if (d->status == STATUS_COMPLETED || d->status == STATUS_EXCEPTION_OCCURRED)
		return err_exit(E_JOB_STATUS);
	return err_exit(E_JOB_LIMIT);
}

static bool run(struct cli *c, const struct blobs *blobs, int *rc, struct err *e)
{
	struct built_job job OWN(built_job_done) = {0};
	char cache[CLI_PATH_MAX], engine[CLI_PATH_MAX];
	struct run_done d;

	TRY(engine_path(c, engine, e), e);
	TRY(job_build(c, blobs, c->args.positional[0], &job, e), e);
	snprintf(cache, sizeof cache, "%.900s/wasm", c->places.cache);
	TRY(exec_wasm_once(blobs, cache, engine, c->self, job.spec, &d, e), e);
	if (!d.ok) {
		*e = d.err;
		return false;
	}
	*rc = exit_of(&d);
	return tell(c, blobs, &d, e);
}

int cmd_module_run(struct cli *c)
{
	struct blobs_folder *folder;
	struct blobs blobs;
	char path[CLI_PATH_MAX];
	struct err e, ignored;
	int rc = 0;
	bool ok;

	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "which module? lilypad module run MODULE [-i KEY=VALUE]…");
		return cli_fail(c, &e);
	}
	snprintf(path, sizeof path, "%.900s/run-%ld", c->places.cache, (long)getpid());
	if (!blobs_folder_open(path, &folder, &e))
		return cli_fail(c, &e);
	blobs = blobs_folder_port(folder);
	ok = run(c, &blobs, &rc, &e);
	blobs_folder_free(folder);
	/* What stays behind after a crash goes with `lilypad gc`. */
	if (!remove_all(path, &ignored))
		cli_say(c, "%s", ignored.msg);
	return ok ? rc : cli_fail(c, &e);
}
