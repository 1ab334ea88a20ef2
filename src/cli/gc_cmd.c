/* gc_cmd.c - `lilypad gc`: what dead processes and old programs left behind. Output folders are a
 * person's own and are never touched. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/bounds.h"
#include "cli/cli.h"
#include "cli/output_keep.h"
#include "cli/remove.h"
#include "exec/cache.h"
#include "os/clock.h"

enum { ENTRIES_MAX = 100000 };

struct gc {
	struct cli *c;
	bool dry;
	struct span keep;
	uint64_t bytes, things;
	json_t *list;
};

/* "PREFIX1234SUFFIX" of a process that is gone. */
static bool of_dead(const char *name, const char *prefix, const char *suffix)
{
	size_t n = strlen(prefix);
	struct str rest = str_of(name), end = str_of(suffix);
	uint64_t pid;

	if (strncmp(name, prefix, n) != 0 || rest.n < n + end.n ||
	        strcmp(name + rest.n - end.n, suffix) != 0)
		return false;
	rest = (struct str){name + n, rest.n - n - end.n};
	if (!str_u64(rest, INT32_MAX, &pid) || pid == 0)
		return false;
	return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static bool drop(struct gc *g, const char *path, const char *why, struct err *e)
{
	uint64_t bytes = remove_size(path);

	if (!g->dry)
		TRY(remove_all(path, e), e);
	g->bytes += bytes;
	g->things++;
	if (g->c->json)
		json_array_append_new(g->list, json_pack("{s:s, s:s, s:I}", "path", path, "why",
		                                       why, "bytes", (json_int_t)bytes));
	else
		printf("%s  %llu bytes  %s\n", path, (unsigned long long)bytes, why);
	return true;
}

static bool is_old(const struct gc *g, const char *path)
{
	int64_t now = (int64_t)wall_seconds(clock_wall());
	struct stat st;

	return lstat(path, &st) == 0 && now - st.st_mtime > g->keep.ms / 1000;
}

/* Everything in a folder that `why` gives a reason against. */
static bool sweep(struct gc *g, const char *dir,
        const char *(*why)(const struct gc *, const char *, const char *), struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *f;
	bool ok = true;

	for (int n = 0; ok && d && n < ENTRIES_MAX && (f = readdir(d)) != NULL; n++) {
		char path[CLI_PATH_MAX + 300];
		const char *reason;

		if (f->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%.1000s/%.255s", dir, f->d_name);
		reason = why(g, f->d_name, path);
		if (reason)
			ok = drop(g, path, reason, e);
	}
	if (d)
		closedir(d);
	return ok;
}

static const char *dead_blobs(const struct gc *g, const char *name, const char *path)
{
	(void)g;
	(void)path;
	return of_dead(name, "blobs-", "") ? "blocks of a process that has ended" : NULL;
}

static const char *dead_cache(const struct gc *g, const char *name, const char *path)
{
	(void)g;
	(void)path;
	if (of_dead(name, "run-", "") || of_dead(name, "network-", ".tmp"))
		return "left by a process that has ended";
	return NULL;
}

static const char *old_output(const struct gc *g, const char *name, const char *path)
{
	if (of_dead(name, OUTPUT_PART, ""))
		return "left by a process that has ended";
	return is_old(g, path) ? "output that was kept for long" : NULL;
}

static const char *old_wasm(const struct gc *g, const char *name, const char *path)
{
	(void)name;
	return is_old(g, path) ? "compiled module that was not used for long" : NULL;
}

struct excess {
	struct gc *gc;
	struct err *e;
	bool failed;
};

static bool drop_excess(void *ctx, const char *path)
{
	struct excess *x = ctx;

	x->failed = !drop(x->gc, path, "compiled modules take too much space", x->e);
	return !x->failed;
}

static bool all(struct gc *g, struct err *e)
{
	struct excess x = {0};
	char dir[CLI_PATH_MAX];

	TRY(settings_span(g->c->settings, "gc.keep", &g->keep, e), e);
	snprintf(dir, sizeof dir, "%.900s/onchain", g->c->places.state);
	TRY(sweep(g, dir, dead_blobs, e), e);
	snprintf(dir, sizeof dir, "%.900s/creator", g->c->places.state);
	TRY(sweep(g, dir, dead_blobs, e), e);
	output_keep_dir(g->c, dir);
	TRY(sweep(g, dir, old_output, e), e);
	TRY(sweep(g, g->c->places.cache, dead_cache, e), e);
	snprintf(dir, sizeof dir, "%.900s/wasm", g->c->places.cache);
	TRY(sweep(g, dir, old_wasm, e), e);
	x.gc = g;
	x.e = e;
	wasm_cache_excess(dir, WASM_CACHE_MAX, drop_excess, &x);
	return !x.failed;
}

int cmd_gc(struct cli *c)
{
	struct gc g = {.c = c, .dry = args_has(&c->args, "dry-run"), .list = json_array()};
	struct err e;
	bool ok = all(&g, &e);

	if (ok && c->json)
		cli_print_json(json_pack("{s:O, s:I, s:b}", "removed", g.list, "bytes",
		        (json_int_t)g.bytes, "dryRun", (int)g.dry));
	json_decref(g.list);
	if (!ok)
		return cli_fail(c, &e);
	cli_say(c, "%llu things, %llu bytes %s", (unsigned long long)g.things,
	        (unsigned long long)g.bytes, g.dry ? "would go" : "removed");
	return 0;
}
