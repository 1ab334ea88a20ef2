/* doctor_cmd.c - `lilypad doctor`: what of this machine, its keys and its network would keep a role from
 * working, each finding with what mends it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/module_find.h"
#include "cli/remote.h"
#include "codec/json.h"

enum { DISK_LOW = 1u << 30, SKEW_S = 30, KEYS_MAX = 4096, DOCTOR_EXIT = 3 };

enum finding { FINE, NOTE, PROBLEM };

struct doctor {
	struct cli *c;
	const char *role; /* NULL: all */
	unsigned problems;
	json_t *list;
};

static void finding(struct doctor *d, enum finding f, const char *name, const char *fix,
        const char *fmt, ...) PRINTF_LIKE(5, 6);

static void finding(
        struct doctor *d, enum finding f, const char *name, const char *fix, const char *fmt, ...)
{
	static const char *const marks[] = {[FINE] = "✓", [NOTE] = "○", [PROBLEM] = "✗"};
	static const char *const words[] = {
	        [FINE] = "fine", [NOTE] = "note", [PROBLEM] = "problem"};
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	d->problems += f == PROBLEM;
	if (d->c->json) {
		json_array_append_new(d->list,
		        json_pack("{s:s, s:s, s:o, s:s}", "check", name, "finding", words[f],
		                "text", json_of_str(str_of(text)), "fix", fix ? fix : ""));
		return;
	}
	printf("%s %-12s %s\n", marks[f], name, text);
	if (fix && f != FINE)
		printf("  → %s\n", fix);
}

static bool is_for(const struct doctor *d, const char *role)
{
	return !d->role || strcmp(d->role, role) == 0;
}

/* ---- this machine ---------------------------------------------------------------------------------- */

static void check_engine(struct doctor *d)
{
	char path[CLI_PATH_MAX];
	struct err e;

	if (engine_path(d->c, path, &e))
		finding(d, FINE, "engine", NULL, "%s", path);
	else
		finding(d, PROBLEM, "engine", e.hint, "%s", e.msg);
}

static void check_modules(struct doctor *d)
{
	char names[MODULE_NAMES_MAX][NAME_MAX_ + 1];
	size_t n = module_names(d->c, names);

	if (n)
		finding(d, FINE, "modules", NULL, "%zu modules are here", n);
	else
		finding(d, NOTE, "modules", "make modules",
		        "no module is here: only paths can be run");
}

/* In a child: the filter cannot be taken off again. A filter that allows everything is enough to see. */
static bool seccomp_works(void)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		bool ok = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;

		/* EFAULT: the mode is known, only our filter is missing. */
		ok = ok && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) != 0 &&
		     errno == EFAULT;
		_exit(ok ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

static void check_sandbox(struct doctor *d)
{
	if (seccomp_works())
		finding(d, FINE, "sandbox", NULL, "seccomp filters can be set");
	else
		finding(d, PROBLEM, "sandbox",
		        "use a kernel with CONFIG_SECCOMP_FILTER, outside of a nested sandbox",
		        "seccomp filters are not available: no job can be run here");
	finding(d, NOTE, "cgroups", NULL, "cgroup v2 is %s",
	        access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0 ? "there" : "not there");
	finding(d, NOTE, "namespaces", NULL, "user namespaces are %s",
	        access("/proc/self/ns/user", F_OK) == 0 ? "there" : "not there");
}

static void check_place(struct doctor *d, const char *name, const char *path)
{
	struct statvfs fs;
	char fix[CLI_PATH_MAX + 32];
	uint64_t left = 0;

	if (access(path, R_OK | W_OK | X_OK) != 0) {
		snprintf(fix, sizeof fix, "chown -R \"$USER\" %s", path);
		finding(d, PROBLEM, name, fix, "%s cannot be written", path);
		return;
	}
	if (statvfs(path, &fs) == 0)
		left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left < DISK_LOW)
		finding(d, PROBLEM, name, "lilypad gc", "%s: only %llu MiB are free", path,
		        (unsigned long long)(left >> 20));
	else
		finding(d, FINE, name, NULL, "%s: %llu MiB free", path,
		        (unsigned long long)(left >> 20));
}

/* ---- keys ------------------------------------------------------------------------------------------ */

static unsigned loose_keys(struct doctor *d, int dir, const char *at, const char *name)
{
	char fix[CLI_PATH_MAX + 300];
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
	        (st.st_mode & 077) == 0)
		return 0;
	snprintf(fix, sizeof fix, "chmod 600 %s/%.255s", at, name);
	finding(d, PROBLEM, "keys", fix, "others on this machine can use %s (mode %o)", name,
	        (unsigned)(st.st_mode & 0777));
	return 1;
}

static void check_keys(struct doctor *d)
{
	const char *name = settings_text(d->c->settings, "wallet.name");
	char dir[CLI_PATH_MAX], fix[NAME_MAX_ + 32], file[NAME_MAX_ + 8];
	unsigned n = 0, loose = 0;
	struct dirent *f;
	DIR *k;

	snprintf(dir, sizeof dir, "%.900s/keys", d->c->places.data);
	k = opendir(dir);
	for (unsigned i = 0; k && i < KEYS_MAX && (f = readdir(k)) != NULL; i++) {
		n += strstr(f->d_name, ".json") != NULL;
		loose += loose_keys(d, dirfd(k), dir, f->d_name);
	}
	snprintf(file, sizeof file, "%.63s.json", name);
	if (k && faccessat(dirfd(k), file, R_OK, 0) == 0) {
		finding(d, loose ? NOTE : FINE, "keys", NULL, "%u keys, %s is in use", n, name);
	} else {
		snprintf(fix, sizeof fix, "lilypad wallet new %.63s", name);
		finding(d, NOTE, "keys", fix,
		        "there is no key named %s yet; it is made when it is needed", name);
	}
	if (k)
		closedir(k);
}

/* ---- the network ----------------------------------------------------------------------------------- */

static void check_server(struct doctor *d, const char *role, const char *setting, const char *path)
{
	const char *url = settings_text(d->c->settings, setting);
	json_t *j OWN(json_own) = NULL;
	struct err e;

	/* An answer that is an error shows that the server is there. */
	if (remote_get(d->c, url, path, &j, &e) || (e.code != E_UNREACHABLE && e.code != E_TIMEOUT))
		finding(d, FINE, role, NULL, "%s answers", url);
	else
		finding(d, PROBLEM, role, e.hint, "%s", e.msg);
}

/* A ledger of a test has a clock of its own: only told, never a problem by itself. */
static void check_clock(struct doctor *d, const struct genesis *g)
{
	json_t *j OWN(json_own) = NULL;
	uint64_t then, now = (uint64_t)time(NULL);
	uint64_t off;
	struct err e;

	if (!remote_get(d->c, settings_text(d->c->settings, "ledger.url"), "/v1/head", &j, &e) ||
	        !json_get_u64(j, "time", &then, &e))
		return;
	off = now > then ? now - then : then - now;
	finding(d, off > SKEW_S ? NOTE : FINE, "clock",
	        g->test ? "a test ledger may have been set ahead"
	                : "set the clock: timedatectl set-ntp true",
	        "this machine is %llu s %s the ledger's newest time", (unsigned long long)off,
	        now > then ? "ahead of" : "behind");
}

static void check_network(struct doctor *d)
{
	struct network_file n;
	struct err e;

	if (!network_load(d->c, &n, &e)) {
		finding(d, PROBLEM, "network", e.hint, "%s", e.msg);
		return;
	}
	finding(d, FINE, "network", NULL, "%s, its file is signed by the ledger's operator",
	        n.name);
	if (!is_for(d, "ledger") || !d->role)
		check_server(d, "ledger", "ledger.url", "/v1/head");
	if (strcmp(d->role ? d->role : "", "ledger") == 0)
		return;
	check_clock(d, &n.genesis);
	if (!d->role || strcmp(d->role, "solver") != 0)
		check_server(d, "solver", "solver.url", "/v1/status");
	if (!d->role || strcmp(d->role, "directory") != 0)
		check_server(d, "directory", "directory.url", "/v1/status");
}

/* ---- all ------------------------------------------------------------------------------------------- */

static bool role_of(struct doctor *d, struct err *e)
{
	static const char *const roles[] = {"creator", "provider", "solver", "directory", "ledger"};

	d->role = args_get(&d->c->args, "role");
	for (size_t i = 0; d->role && i < COUNT(roles); i++) {
		if (strcmp(d->role, roles[i]) == 0)
			return true;
	}
	return !d->role ||
	       FAIL(e, USAGE, "\"%s\" is no role: creator, provider, solver, directory or ledger",
	               d->role);
}

int cmd_doctor(struct cli *c)
{
	struct doctor d = {.c = c};
	struct err e;

	if (!role_of(&d, &e))
		return cli_fail(c, &e);
	d.list = json_array();
	if (is_for(&d, "provider")) {
		check_engine(&d);
		check_sandbox(&d);
	}
	if (is_for(&d, "creator"))
		check_modules(&d);
	check_place(&d, "config", c->places.config);
	check_place(&d, "data", c->places.data);
	check_place(&d, "state", c->places.state);
	check_place(&d, "cache", c->places.cache);
	check_keys(&d);
	check_network(&d);
	if (c->json)
		cli_print_json(
		        json_pack("{s:O, s:i}", "checks", d.list, "problems", (int)d.problems));
	else
		printf("\n%u %s\n", d.problems, d.problems == 1 ? "problem" : "problems");
	json_decref(d.list);
	return d.problems ? DOCTOR_EXIT : 0;
}
