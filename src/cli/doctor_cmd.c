/* doctor_cmd.c - `lilypad doctor`: what of this machine, its keys and its network would keep a role from
 * working, each finding with what mends it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/module_find.h"
#include "cli/remote.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"

enum { DISK_LOW = 1u << 30, SKEW_S = 30, KEYS_MAX = 4096, FILES_MIN = 1024, DOCTOR_EXIT = 3 };
enum { TRIAL_MS = 20000, TRIAL_LOOK_MS = 10 };

enum finding { FINE, NOTE, PROBLEM };

struct doctor {
	struct cli *c;
	const char *role; /* NULL: all */
	unsigned problems;
	bool key_opens;      /* without a question */
	struct addr account; /* of that key */
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
		finding(d, PROBLEM, "engine",
		        e.hint[0] ? e.hint : "lilypad config explain paths.engine", "%s", e.msg);
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

/* A real job, in the sandbox that a provider uses: the exit code of `lilypad module run`; -1: not ended. */
static int trial(const struct doctor *d)
{
	char *argv[] = {(char[]){"lilypad"}, (char[]){"module"}, (char[]){"run"},
	        (char[]){"cowsay"}, (char[]){"-i"}, (char[]){"Message=moo"}, (char[]){"--quiet"},
	        (char[]){"--dir"}, NULL, NULL};
	const char *dir = args_get(&d->c->args, "dir");
	posix_spawn_file_actions_t files;
	int status, ok, waited = 0;
	pid_t pid, got;

	/* posix_spawn() takes words that it does not change. */
	argv[dir ? 8 : 7] = (char *)(uintptr_t)dir;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	ok = posix_spawn(&pid, d->c->self, &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (ok != 0)
		return -1;
	while ((got = waitpid(pid, &status, WNOHANG)) == 0 && waited < TRIAL_MS) {
		clock_sleep(span_ms(TRIAL_LOOK_MS));
		waited += TRIAL_LOOK_MS;
	}
	if (got == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -1;
	}
	return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_trial(struct doctor *d)
{
	static const char fix[] = "lilypad module run cowsay -i Message=moo -v";
	char dir[CLI_PATH_MAX];
	struct module *m = NULL;
	struct err e;
	int rc;

	if (!module_find(d->c, "cowsay", &m, dir, &e)) {
		finding(d, NOTE, "trial", "make modules",
		        "the module cowsay is not here: no job was tried");
		return;
	}
	free(m);
	rc = trial(d);
	if (rc == 0)
		finding(d, FINE, "trial", NULL, "a job ran in the sandbox");
	else if (rc < 0)
		finding(d, PROBLEM, "trial", fix, "a job in the sandbox did not end within %d s",
		        TRIAL_MS / 1000);
	else
		finding(d, PROBLEM, "trial", fix, "a job in the sandbox failed with exit code %d",
		        rc);
}

static void check_files(struct doctor *d)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	if (r.rlim_cur < FILES_MIN)
		finding(d, PROBLEM, "open files", "ulimit -n 4096",
		        "a process may open %llu files at once: a daemon needs one for each connection",
		        (unsigned long long)r.rlim_cur);
	else
		finding(d, FINE, "open files", NULL, "up to %llu at once",
		        (unsigned long long)r.rlim_cur);
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

/* A daemon has a key of its role's name unless --wallet names another. */
static const char *key_in_use(const struct doctor *d)
{
	if (!d->role || strcmp(d->role, "creator") == 0 || args_has(&d->c->args, "wallet"))
		return settings_text(d->c->settings, "wallet.name");
	return strcmp(d->role, "ledger") == 0 ? "operator" : d->role;
}

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

/* Can it be used? One whose password a person chose is left alone. */
static void try_key(struct doctor *d, int dir, const char *name)
{
	char file[NAME_MAX_ + 8];
	struct wallet w;
	struct err e;

	snprintf(file, sizeof file, "%.63s.pass", name);
	if (faccessat(dir, file, R_OK, 0) != 0 &&
	        !*settings_text(d->c->settings, "wallet.password-file")) {
		finding(d, NOTE, "key", NULL, "%s has a password of your own: not tried", name);
		return;
	}
	if (wallet_open(d->c, name, false, &w, &e)) {
		char who[ADDR_TEXT_MAX];

		addr_format(&w.addr, who);
		finding(d, FINE, "key", NULL, "%s opens: %s", name, who);
		d->key_opens = true;
		d->account = w.addr;
		wallet_close(&w);
	} else {
		finding(d, PROBLEM, "key", e.hint[0] ? e.hint : "lilypad wallet list", "%s", e.msg);
	}
}

static void loose_dir(struct doctor *d, const char *dir)
{
	char fix[CLI_PATH_MAX + 32];
	struct stat st;

	if (stat(dir, &st) != 0 || (st.st_mode & 022) == 0)
		return;
	snprintf(fix, sizeof fix, "chmod 700 %s", dir);
	finding(d, PROBLEM, "keys", fix, "others on this machine can replace keys in %s (mode %o)",
	        dir, (unsigned)(st.st_mode & 0777));
}

static void check_keys(struct doctor *d)
{
	const char *name = key_in_use(d);
	char dir[CLI_PATH_MAX], fix[NAME_MAX_ + 32], file[NAME_MAX_ + 8];
	unsigned n = 0, loose = 0;
	struct dirent *f;
	DIR *k;

	snprintf(dir, sizeof dir, "%.900s/keys", d->c->places.data);
	k = opendir(dir);
	loose_dir(d, dir);
	for (unsigned i = 0; k && i < KEYS_MAX && (f = readdir(k)) != NULL; i++) {
		n += strstr(f->d_name, ".json") != NULL;
		loose += loose_keys(d, dirfd(k), dir, f->d_name);
	}
	snprintf(file, sizeof file, "%.63s.json", name);
	if (k && faccessat(dirfd(k), file, R_OK, 0) == 0) {
		finding(d, loose ? NOTE : FINE, "keys", NULL, "%u keys, %s is in use", n, name);
		try_key(d, dirfd(k), name);
	} else {
		snprintf(fix, sizeof fix, "lilypad wallet new %.63s", name);
		finding(d, NOTE, "keys", fix,
		        "there is no key named %s yet; it is made when it is needed", name);
	}
	if (k)
		closedir(k);
}

/* ---- the network ----------------------------------------------------------------------------------- */

static void check_url(struct doctor *d, const char *role, const char *url, const struct addr *who)
{
	json_t *j OWN(json_own) = NULL;
	char want[ADDR_TEXT_MAX], got[ADDR_TEXT_MAX];
	struct addr there;
	struct err e;

	if (!remote_get(d->c, url, "/v1/health", &j, &e) ||
	        !json_get_addr(j, "account", &there, &e)) {
		finding(d, PROBLEM, role, e.hint[0] ? e.hint : "lilypad network show", "%s", e.msg);
		return;
	}
	addr_format(who, want);
	addr_format(&there, got);
	if (addr_eq(who, &there))
		finding(d, FINE, role, NULL, "%s answers as %s", url, got);
	else
		finding(d, PROBLEM, role, "lilypad network import FILE",
		        "%s answers as %s, and the network file names %s", url, got, want);
}

static void check_server(
        struct doctor *d, const char *role, const char *setting, const struct addr *who)
{
	check_url(d, role, settings_text(d->c->settings, setting), who);
}

static void check_mediators(struct doctor *d, const struct network_file *n)
{
	for (uint32_t i = 0; i < n->mediators.n; i++) {
		if (n->mediators.v[i].url[0])
			check_url(d, "mediator", n->mediators.v[i].url, &n->mediators.v[i].account);
	}
}

static void check_ready(struct doctor *d)
{
	json_t *j OWN(json_own) = NULL;
	struct err e;

	if (!remote_get(d->c, settings_text(d->c->settings, "solver.url"), "/v1/ready", &j, &e) &&
	        e.code == E_BUSY)
		finding(d, NOTE, "solver", "lilypad doctor", "it matches no offers yet: %s", e.msg);
}

/* The newest block of an idle ledger may be old: only a clock that is behind it is surely wrong. A ledger
 * of a test has a clock of its own. */
static void check_clock(struct doctor *d, const struct genesis *g)
{
	uint64_t then, now = wall_seconds(clock_wall());
	struct err e;

	if (!remote_head(d->c, NULL, &then, &e))
		return;
	if (then > now + SKEW_S && g->test)
		finding(d, NOTE, "clock", NULL,
		        "the ledger's time is %llu s ahead of this machine: a test has set it so",
		        (unsigned long long)(then - now));
	else if (then > now + SKEW_S)
		finding(d, PROBLEM, "clock", "timedatectl set-ntp true",
		        "this machine is %llu s behind the ledger",
		        (unsigned long long)(then - now));
	else
		finding(d, FINE, "clock", NULL, "not behind the ledger's newest block");
}

/* What the key in use can pay. */
static void check_money(struct doctor *d, const struct genesis *g)
{
	char fix[ADDR_TEXT_MAX + 32], who[ADDR_TEXT_MAX], text[AMOUNT_DEC_MAX + 40];
	json_t *j OWN(json_own) = NULL;
	struct amount free_;
	struct err e;

	if (!d->key_opens)
		return;
	if (!remote_account(d->c, &d->account, &j, &e) || !account_amount(j, "free", &free_, &e))
		return;
	addr_format(&d->account, who);
	amount_format_display(free_, g->decimals, text);
	if (!amount_is_zero(free_)) {
		finding(d, FINE, "money", NULL, "%s has %s %s free", key_in_use(d), text,
		        g->symbol);
		return;
	}
	snprintf(fix, sizeof fix, "lilypad wallet fund 100 --to %s", who);
	finding(d, PROBLEM, "money", g->test ? fix : "ask the operator of the ledger for tokens",
	        "%s has no %s: no bond and no price can be paid", key_in_use(d), g->symbol);
}

/* The provider of this machine, if there is one. */
static void check_provider(struct doctor *d)
{
	char url[URL_MAX + 1], state[32] = "", why[256] = "";
	json_t *j OWN(json_own) = NULL;
	struct str text;
	struct err e;

	if (!ready_url(d->c, "provider", url, &e) || !remote_get(d->c, url, "/v1/status", &j, &e)) {
		finding(d, NOTE, "provider", "lilypad provider", "none runs here now");
		return;
	}
	if (json_get_str(j, "state", &text, &e))
		snprintf(state, sizeof state, "%.*s", STR_ARG(text));
	if (json_get_str(j, "why", &text, &e))
		snprintf(why, sizeof why, "%.*s", STR_ARG(text));
	finding(d, strcmp(state, "OFFLINE") == 0 ? PROBLEM : FINE, "provider",
	        "lilypad provider status", "%s%s%s", state, why[0] ? ": " : "", why);
}

/* The contracts are where they must be, on the chain that it must be; and the key can pay for gas. */
static void check_chain(struct doctor *d, const struct network_file *n)
{
	char who[ADDR_TEXT_MAX];
	struct hash domain;
	struct u256 wei;
	struct err e;

	network_domain(n, &domain);
	if (!evm_view_check(&d->c->place, &domain, &e)) {
		finding(d, PROBLEM, "chain", "lilypad chain status", "%s", e.msg);
		return;
	}
	finding(d, FINE, "chain", NULL, "chain %llu, its contract is the right one",
	        (unsigned long long)n->chain_id);
	if (!d->key_opens || !evm_view_coin(&d->c->place, &d->account, &wei, &e) ||
	        !u256_is_zero(wei))
		return;
	addr_format(&d->account, who);
	finding(d, PROBLEM, "gas", "send the chain's coin to the account",
	        "%s (%s) has none of the chain's coin: no transaction can be paid", key_in_use(d),
	        who);
}

static void check_network(struct doctor *d)
{
	struct network_file n;
	struct err e;

	if (!network_load(d->c, &n, &e)) {
		finding(d, PROBLEM, "network", e.hint[0] ? e.hint : "lilypad network show", "%s",
		        e.msg);
		return;
	}
	finding(d, FINE, "network", NULL, "%s, its file is signed by the ledger's operator",
	        n.name);
	if (strcmp(d->role ? d->role : "", "ledger") == 0)
		return;
	if (n.chain_id)
		check_chain(d, &n);
	else
		check_server(d, "ledger", "ledger.url", &n.genesis.operator_);
	check_clock(d, &n.genesis);
	if (!d->role || strcmp(d->role, "solver") != 0) {
		check_server(d, "solver", "solver.url", &n.solver);
		check_ready(d);
	}
	if (!d->role || strcmp(d->role, "directory") != 0)
		check_server(d, "directory", "directory.url", &n.directory);
	if (is_for(d, "creator") || is_for(d, "provider"))
		check_money(d, &n.genesis);
	if (is_for(d, "provider"))
		check_provider(d);
	if (is_for(d, "mediator"))
		check_mediators(d, &n);
}

/* ---- all ------------------------------------------------------------------------------------------- */

static bool role_of(struct doctor *d, struct err *e)
{
	static const char *const roles[] = {
	        "creator", "provider", "mediator", "solver", "directory", "ledger"};

	d->role = args_get(&d->c->args, "role");
	for (size_t i = 0; d->role && i < COUNT(roles); i++) {
		if (strcmp(d->role, roles[i]) == 0)
			return true;
	}
	return !d->role ||
	       FAIL(e, USAGE,
	               "\"%s\" is no role: creator, provider, mediator, solver, directory or ledger",
	               d->role);
}

int cmd_doctor(struct cli *c)
{
	struct doctor d = {.c = c};
	struct err e;

	if (!role_of(&d, &e))
		return cli_fail(c, &e);
	d.list = json_array();
	if (is_for(&d, "provider") || is_for(&d, "mediator")) {
		check_engine(&d);
		check_sandbox(&d);
		check_trial(&d);
	}
	if (is_for(&d, "creator"))
		check_modules(&d);
	check_files(&d);
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
