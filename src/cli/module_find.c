/* module_find.c - modules by path or by name. */
#include "cli/module_find.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "module/nearest.h"
#include "os/file.h"

enum { PLACES = 3 };

/* As built (build/modules), as installed (share/lilypad/modules), and a person's own. */
static void place(const struct cli *c, size_t i, char out[CLI_PATH_MAX])
{
	static const char *const beside[] = {"modules", "../share/lilypad/modules"};
	char self[PATH_MAX];

	if (i == 2) {
		snprintf(out, CLI_PATH_MAX, "%.900s/modules", c->places.data);
		return;
	}
	program_dir(self);
	snprintf(out, CLI_PATH_MAX, "%.900s/%s", self, beside[i]);
}

static bool has_manifest(const char *dir)
{
	char path[CLI_PATH_MAX];

	snprintf(path, sizeof path, "%.1000s/module.json", dir);
	return access(path, R_OK) == 0;
}

bool module_load(const char *dir, struct module **out, struct err *e)
{
	struct module *m = calloc(1, sizeof *m);
	struct buf text OWN(buf_done) = {0};
	char path[CLI_PATH_MAX];
	bool ok;

	if (!m)
		return FAIL(e, MEMORY, "no memory for a module");
	buf_init(&text, MANIFEST_BYTES_MAX);
	snprintf(path, sizeof path, "%.1000s/module.json", dir);
	ok = file_read(path, MANIFEST_BYTES_MAX, &text, e);
	if (ok) {
		ok = module_parse(buf_view(&text), m, e);
		if (!ok)
			err_prefix(e, "%s: ", path);
	}
	if (!ok) {
		free(m);
		return false;
	}
	*out = m;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool listed(char names[][NAME_MAX_ + 1], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

size_t module_names(const struct cli *c, char names[MODULE_NAMES_MAX][NAME_MAX_ + 1])
{
	char dir[CLI_PATH_MAX], path[CLI_PATH_MAX];
	size_t n = 0;

	for (size_t i = 0; i < PLACES; i++) {
		struct dirent *f;
		DIR *d;

		place(c, i, dir);
		d = opendir(dir);
		while (d && n < MODULE_NAMES_MAX && (f = readdir(d)) != NULL) {
			if (f->d_name[0] == '.' || strlen(f->d_name) > NAME_MAX_ ||
			        listed(names, n, f->d_name))
				continue;
			snprintf(path, sizeof path, "%.900s/%.63s", dir, f->d_name);
			if (has_manifest(path))
				snprintf(names[n++], NAME_MAX_ + 1, "%.63s", f->d_name);
		}
		if (d)
			closedir(d);
	}
	qsort(names, n, sizeof names[0], by_name);
	return n;
}

static bool unknown(const struct cli *c, const char *name, struct err *e)
{
	char names[MODULE_NAMES_MAX][NAME_MAX_ + 1];
	const char *list[MODULE_NAMES_MAX], *near;
	size_t n = module_names(c, names);

	for (size_t i = 0; i < n; i++)
		list[i] = names[i];
	FAIL(e, MODULE_UNKNOWN,
	        "no module is named %s, and no folder of that name has a module.json", name);
	near = nearest_name(str_of(name), list, n);
	if (near)
		return err_hint(e, "did you mean %s?", near);
	return err_hint(e, "`lilypad module list` lists them");
}

bool module_find(const struct cli *c, const char *name, struct module **out, char dir[CLI_PATH_MAX],
        struct err *e)
{
	char at[CLI_PATH_MAX];

	/* A path has a slash (or is a dot); a plain word is a name first. */
	if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		if (strlen(name) > CLI_PATH_MAX - 64 || !has_manifest(name)) {
			FAIL(e, MODULE_UNKNOWN, "%s has no module.json", name);
			return err_hint(e, "`lilypad module init NAME` makes a module");
		}
		snprintf(dir, CLI_PATH_MAX, "%s", name);
		return module_load(dir, out, e);
	}
	for (size_t i = 0; i < PLACES && strlen(name) <= NAME_MAX_; i++) {
		place(c, i, at);
		snprintf(dir, CLI_PATH_MAX, "%.900s/%.63s", at, name);
		if (has_manifest(dir))
			return module_load(dir, out, e);
	}
	if (has_manifest(name)) {
		snprintf(dir, CLI_PATH_MAX, "./%.1000s", name);
		return module_load(dir, out, e);
	}
	return unknown(c, name, e);
}

bool module_program(const struct module *m, const char *dir, char path[CLI_PATH_MAX], struct err *e)
{
	snprintf(path, CLI_PATH_MAX, "%.900s/%.63s.wasm", dir, m->m.name);
	if (access(path, R_OK) == 0)
		return true;
	snprintf(path, CLI_PATH_MAX, "%.900s/program.wasm", dir);
	if (access(path, R_OK) == 0)
		return true;
	FAIL(e, MODULE_BAD, "%s has neither %s.wasm nor program.wasm", dir, m->m.name);
	return err_hint(e, "make -C %s", dir);
}
