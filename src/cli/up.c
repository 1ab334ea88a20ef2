/* up.c - `lilypad up` keeps a local network running, `lilypad down` stops it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/local_net.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"

enum { UP_FILE_MAX = 65536, STOP_MS = 5000 };

/* What runs, for `down` and for scripts. */
static void up_file(const struct cli *c, char out[CLI_PATH_MAX + 32])
{
	snprintf(out, CLI_PATH_MAX + 32, "%s/up.json", c->places.state);
}

static bool write_up(const struct cli *c, const struct local_net *l, struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	char path[CLI_PATH_MAX + 32];
	json_t *list = json_array(), *j;

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:i}", "role", l->procs[i].role, "pid",
		                                    (int)l->procs[i].pid));
	j = json_pack("{s:o, s:s, s:s, s:s, s:s}", "processes", list, "network", l->file, "ledger",
	        l->network.ledger_url, "solver", l->network.solver_url, "directory",
	        l->network.directory_url);
	buf_init(&text, UP_FILE_MAX);
	json_canonical(j, &text);
	if (c->json)
		cli_print_json(json_incref(j));
	json_decref(j);
	up_file(c, path);
	return file_write(path, buf_bytes(&text), 0644, e);
}

/* Is that process one of ours? A number may have been given to another since. */
static bool is_ours(pid_t pid, const char *role)
{
	struct buf text OWN(buf_done) = {0};
	char path[64], first[32];
	struct err e;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	snprintf(first, sizeof first, "%.8s", role);
	buf_init(&text, 16384);
	if (!file_read(path, 16383, &text, &e) || text.n < 9)
		return false;
	return strcmp((const char *)text.p, "lilypad") == 0 &&
	       strncmp((const char *)text.p + 8, first, 6) == 0;
}

static bool read_up(const struct cli *c, json_t **out, struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	char path[CLI_PATH_MAX + 32];

	buf_init(&text, UP_FILE_MAX);
	up_file(c, path);
	TRY(file_read(path, UP_FILE_MAX - 1, &text, e), e);
	return json_parse(buf_view(&text), out, e);
}

enum { PROCESSES_MAX = 32 };

/* Those of the list that run and are ours. */
static size_t running(const json_t *list, pid_t out[PROCESSES_MAX])
{
	const json_t *p;
	size_t i, n = 0;

	json_array_foreach (list, i, p) {
		pid_t pid = (pid_t)json_integer_value(json_object_get(p, "pid"));
		const char *role = json_string_value(json_object_get(p, "role"));

		if (n < PROCESSES_MAX && pid > 0 && role && is_ours(pid, role))
			out[n++] = pid;
	}
	return n;
}

/* A process that ends has no command line any more before it lets go of its files and ports. */
static bool is_gone(pid_t pid)
{
	struct buf text OWN(buf_done) = {0};
	char path[64];
	const char *state;
	struct err e;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	buf_init(&text, 4096);
	if (!file_read(path, 4095, &text, &e))
		return true;
	state = strrchr(buf_cstr(&text), ')');
	return !state || strncmp(state, ") Z", 3) == 0 || strncmp(state, ") X", 3) == 0;
}

static void conflict(struct err *e)
{
	FAIL(e, CONFLICT, "a local network runs already");
	err_hint(e, "lilypad down stops it");
}

/* Commands to paste: they find the same files. */
static void say_next(const struct cli *c)
{
	const char *dir = args_get(&c->args, "dir") ? c->places.state : "";
	char option[CLI_PATH_MAX + 16] = "";

	/* places.state is DIR/state. */
	if (*dir)
		snprintf(option, sizeof option, " --dir %.*s", (int)(strrchr(dir, '/') - dir), dir);
	cli_say(c,
	        "From any shell:  lilypad run%s cowsay -i Message=moo\n"
	        "                 lilypad wallet balance%s\n"
	        "                 lilypad down%s",
	        option, option, option);
}

int cmd_up(struct cli *c)
{
	struct local_net *l = calloc(1, sizeof *l);
	const char *providers = args_get(&c->args, "providers");
	json_t *old OWN(json_own) = NULL;
	pid_t pids[PROCESSES_MAX];
	uint64_t n = 1;
	struct err e;
	int rc = 0;

	assert(l);
	if (providers && (!str_u64(str_of(providers), LOCAL_PROVIDERS_MAX, &n) || n == 0))
		FAIL(&e, USAGE, "--providers %s: a number from 1 to %d", providers,
		        LOCAL_PROVIDERS_MAX);
	else if (read_up(c, &old, &e) && running(json_object_get(old, "processes"), pids) > 0)
		conflict(&e);
	else if (local_net_start(l, c, args_get(&c->args, "dir"),
	                 &(struct local_plan){.providers = (unsigned)n,
	                         .background = true,
	                         .chain = args_has(&c->args, "chain")},
	                 &e) &&
	         write_up(c, l, &e)) {
		cli_say(c, "ledger %s · solver %s · directory %s · %llu provider%s",
		        l->network.ledger_url, l->network.solver_url, l->network.directory_url,
		        (unsigned long long)n, n > 1 ? "s" : "");
		say_next(c);
		free(l);
		return 0;
	}
	local_net_stop(l);
	rc = cli_fail(c, &e);
	free(l);
	return rc;
}

int cmd_down(struct cli *c)
{
	json_t *j OWN(json_own) = NULL;
	pid_t pids[PROCESSES_MAX];
	struct mono until;
	char path[CLI_PATH_MAX + 32];
	size_t n;
	struct err e;

	if (!read_up(c, &j, &e)) {
		FAIL(&e, NOT_FOUND, "no local network was started here: %s/up.json is missing",
		        c->places.state);
		(void)err_hint(&e, "lilypad up");
		return cli_fail(c, &e);
	}
	n = running(json_object_get(j, "processes"), pids);
	for (size_t i = 0; i < n; i++)
		kill(pids[i], SIGTERM);
	until = mono_plus(clock_mono(), span_ms(STOP_MS));
	for (size_t i = 0; i < n; i++) {
		while (!is_gone(pids[i])) {
			if (clock_mono().ns > until.ns)
				kill(pids[i], SIGKILL);
			clock_sleep(span_ms(10));
		}
	}
	up_file(c, path);
	unlink(path);
	cli_say(c, "%zu processes stopped; their files stay in %s", n, c->places.state);
	return 0;
}
