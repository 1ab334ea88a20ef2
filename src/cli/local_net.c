/* local_net.c - starting and stopping a network on loopback. */
#include "cli/local_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/remote.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"

enum { READY_MS = 15000, STEP_MS = 10, ARGS_MAX = 32, STOP_MS = 5000, WAITING_MS = 100 };

/* ---- setting up ------------------------------------------------------------------------------------- */

bool local_free_port(uint16_t *out, struct err *e)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
	          getsockname(fd, (struct sockaddr *)&a, &n) == 0;

	if (fd >= 0)
		close(fd);
	if (!ok)
		return FAIL_SYS(e, IO, errno, "no free port on loopback");
	*out = ntohs(a.sin_port);
	return true;
}

static bool account(const struct cli *c, const char *name, struct addr *out, struct err *e)
{
	struct wallet w;

	TRY(wallet_open(c, name, true, &w, e), e);
	*out = w.addr;
	wallet_close(&w);
	return true;
}

static void allocate(struct genesis *g, const struct addr *who)
{
	struct amount v;

	if (amount_parse_display(STR("10000"), g->decimals, &v))
		g->allocations.v[g->allocations.n++] = (struct allocation){*who, v};
}

void local_provider_name(unsigned i, char out[32])
{
	if (i == 0)
		snprintf(out, 32, "provider");
	else
		snprintf(out, 32, "provider-%u", i + 1);
}

static bool make_genesis(const struct cli *c, unsigned providers, struct genesis *g, struct err *e)
{
	struct addr who;
	char name[32];

	*g = (struct genesis){.name = "local",
	        .symbol = "LILY",
	        .decimals = 18,
	        .min.s = 5,
	        .life.s = 7 * 86400,
	        .unbonding.s = 8 * 86400,
	        .test = true,
	        .time.s = wall_seconds(clock_wall())};
	TRY(account(c, "operator", &g->operator_, e), e);
	TRY(account(c, settings_text(c->settings, "wallet.name"), &who, e), e);
	allocate(g, &who);
	for (unsigned i = 0; i < providers; i++) {
		local_provider_name(i, name);
		TRY(account(c, name, &who, e), e);
		allocate(g, &who);
	}
	return true;
}

static bool url(char out[URL_MAX + 1], struct err *e)
{
	uint16_t port = 0;

	TRY(local_free_port(&port, e), e);
	snprintf(out, URL_MAX + 1, "http://127.0.0.1:%u", port);
	return true;
}

/* A network that was here before goes on: same genesis, same keys, new ports. */
static bool make_network(struct local_net *l, unsigned providers, struct err *e)
{
	struct cli *c = l->c;
	struct network_file *n = &l->network;
	struct wallet op;
	struct signer signer;
	bool ok;

	snprintf(l->file, sizeof l->file, "%s/network.json", c->places.config);
	if (access(l->file, F_OK) == 0) {
		TRY(network_read(l->file, n, e), e);
	} else {
		TRY(make_genesis(c, providers, &n->genesis, e), e);
		snprintf(n->name, sizeof n->name, "local");
		TRY(account(c, "solver", &n->solver, e), e);
		TRY(account(c, "directory", &n->directory, e), e);
		n->mediators.n = 1;
		TRY(account(c, "mediator", &n->mediators.v[0].account, e), e);
	}
	TRY(url(n->ledger_url, e), e);
	TRY(url(n->solver_url, e), e);
	TRY(url(n->directory_url, e), e);
	TRY(url(n->mediators.v[0].url, e), e);
	TRY(wallet_open(c, "operator", false, &op, e), e);
	signer = wallet_signer(&op);
	ok = network_write(l->file, n, &signer, e);
	wallet_close(&op);
	return ok && network_use(c, l->file, "local", e);
}

/* ---- processes -------------------------------------------------------------------------------------- */

static const char *port_of(const char *u)
{
	return strrchr(u, ':') + 1;
}

/* The same directory as this process has, unless it is the XDG one. */
static void command_line(
        const struct local_net *l, const char *const *args, const char *argv[ARGS_MAX])
{
	size_t n = 0;

	argv[n++] = "lilypad";
	for (; *args && n < ARGS_MAX - 3; args++)
		argv[n++] = *args;
	if (l->dir) {
		argv[n++] = "--dir";
		argv[n++] = l->dir;
	}
	argv[n] = NULL;
}

static void become(struct local_net *l, const char *role, const char *const *argv)
{
	char log[CLI_PATH_MAX + 64];
	int fd;

	snprintf(log, sizeof log, "%s/%s.log", l->c->places.state, role);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		close(fd);
	}
	fd = open("/dev/null", O_RDONLY);
	if (fd >= 0)
		dup2(fd, STDIN_FILENO);
	if (l->background)
		setsid();
	execv(l->c->self, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static bool spawn(struct local_net *l, const char *role, const char *const *args, struct err *e)
{
	const char *argv[ARGS_MAX];
	pid_t pid;

	command_line(l, args, argv);
	pid = fork();
	if (pid == 0)
		become(l, role, argv);
	if (pid < 0)
		return FAIL_SYS(e, IO, errno, "%s cannot be started", role);
	snprintf(l->procs[l->n].role, sizeof l->procs[0].role, "%s", role);
	l->procs[l->n++].pid = pid;
	return true;
}

/* The last lines of a log, for the message of a failure. */
static void tail(const struct local_net *l, const char *role, char *out, size_t n)
{
	char path[CLI_PATH_MAX + 64];
	FILE *f;
	size_t got;

	snprintf(path, sizeof path, "%s/%s.log", l->c->places.state, role);
	f = fopen(path, "re");
	out[0] = '\0';
	if (!f)
		return;
	if (fseek(f, -(long)n + 1, SEEK_END) != 0)
		rewind(f);
	got = fread(out, 1, n - 1, f);
	out[got] = '\0';
	fclose(f);
}

/* Has any of them ended? Then nothing is worth waiting for. */
static bool died(struct local_net *l, struct err *e)
{
	char said[300];
	int status;

	for (size_t i = 0; i < l->n; i++) {
		struct local_process *p = &l->procs[i];

		if (p->pid <= 0 || waitpid(p->pid, &status, WNOHANG) != p->pid)
			continue;
		p->pid = 0;
		tail(l, p->role, said, sizeof said);
		FAIL(e, INTERNAL, "%s ended while it started: %s", p->role, said);
		return true;
	}
	return false;
}

/* Asks until the answer satisfies, or a process is dead, or it takes too long. */
static bool wait_for(struct local_net *l, const char *role, const char *base, const char *path,
        bool (*enough)(const json_t *j, void *ctx), void *ctx, struct err *e)
{
	struct mono until = mono_plus(clock_mono(), span_ms(READY_MS));

	while (clock_mono().ns < until.ns) {
		json_t *j OWN(json_own) = NULL;

		if (remote_get(l->c, base, path, &j, e) && (!enough || enough(j, ctx)))
			return true;
		if (died(l, e))
			return false;
		clock_sleep(span_ms(STEP_MS));
	}
	return FAIL(e, TIMEOUT, "%s is not ready after %d s", role, READY_MS / 1000);
}

static bool offers_stand(const json_t *j, void *ctx)
{
	return json_integer_value(json_object_get(j, "resourceOffers")) >= *(unsigned *)ctx;
}

static bool is_ready(const json_t *j, void *ctx)
{
	(void)ctx;
	return json_is_true(json_object_get(j, "ready"));
}

/* args with "--test-misbehave MODE" where there is one. */
static bool spawn_as(struct local_net *l, const char *role, const char *const *args,
        const char *misbehave, struct err *e)
{
	const char *all[ARGS_MAX];
	size_t n = 0;

	for (; *args && n < ARGS_MAX - 3; args++)
		all[n++] = *args;
	if (misbehave) {
		all[n++] = "--test-misbehave";
		all[n++] = misbehave;
	}
	all[n] = NULL;
	return spawn(l, role, all, e);
}

static bool start_directory(struct local_net *l, const char *misbehave, struct err *e)
{
	const char *url = l->network.directory_url;
	const char *args[] = {
	        "directory", "--server-port", port_of(url), "--network-file", l->file, NULL};

	TRY(spawn_as(l, "directory", args, misbehave, e), e);
	return wait_for(l, "directory", url, "/v1/health", NULL, NULL, e);
}

static bool start_mediator(struct local_net *l, const char *misbehave, struct err *e)
{
	const char *url = l->network.mediators.v[0].url;
	const char *args[] = {
	        "mediator", "--server-port", port_of(url), "--network-file", l->file, NULL};

	return spawn_as(l, "mediator", args, misbehave, e);
}

static bool mediator_ready(struct local_net *l, struct err *e)
{
	return wait_for(l, "mediator", l->network.mediators.v[0].url, "/v1/health", NULL, NULL, e);
}

static bool start_provider(struct local_net *l, unsigned i, const char *misbehave, struct err *e)
{
	char name[32];
	const char *args[] = {"provider", "--wallet", name, "--network-file", l->file, NULL};

	local_provider_name(i, name);
	return spawn_as(l, name, args, misbehave, e);
}

static bool offers_are(struct local_net *l, unsigned n, struct err *e)
{
	return wait_for(l, "provider", l->network.solver_url, "/v1/offers", offers_stand, &n, e);
}

/* A chain that was here before goes on as well. */
static bool start_chain(struct local_net *l, unsigned providers, struct err *e)
{
	struct mono until = mono_plus(clock_mono(), span_ms(2 * READY_MS));
	char ready[CLI_PATH_MAX + 32], count[8];
	const char *args[] = {"chain", "dev", "--providers", count, "--ready-file", ready, NULL};

	snprintf(count, sizeof count, "%u", providers);
	snprintf(ready, sizeof ready, "%s/chain.ready", l->c->places.state);
	(void)unlink(ready);
	TRY(spawn(l, "chain", args, e), e);
	while (access(ready, F_OK) != 0) {
		if (died(l, e))
			return false;
		if (clock_mono().ns > until.ns)
			return FAIL(e, TIMEOUT, "the chain is not ready after %d s",
			        2 * READY_MS / 1000);
		clock_sleep(span_ms(STEP_MS));
	}
	return network_load(l->c, &l->network, e);
}

static bool start_ledger(struct local_net *l, unsigned providers, struct err *e)
{
	char genesis[CLI_PATH_MAX + 32];
	const char *args[] = {"ledger", "--genesis", genesis, "--server-port", NULL, NULL};

	TRY(make_network(l, providers, e), e);
	TRY(network_load(l->c, &l->network, e), e);
	snprintf(genesis, sizeof genesis, "%s/genesis.json", l->c->places.config);
	TRY(genesis_write(&l->network.genesis, genesis, e), e);
	args[4] = port_of(l->network.ledger_url);
	TRY(spawn(l, "ledger", args, e), e);
	return wait_for(l, "ledger", l->network.ledger_url, "/v1/head", NULL, NULL, e);
}

static bool start_all(struct local_net *l, unsigned providers, struct err *e)
{
	const struct network_file *n = &l->network;
	const char *solver[] = {
	        "solver", "--server-port", port_of(n->solver_url), "--network-file", l->file, NULL};

	TRY(start_directory(l, NULL, e), e);
	TRY(spawn(l, "solver", solver, e), e);
	TRY(wait_for(l, "solver", n->solver_url, "/v1/info", is_ready, NULL, e), e);
	/* It gets ready while the providers do. */
	TRY(start_mediator(l, NULL, e), e);
	for (unsigned i = 0; i < providers; i++)
		TRY(start_provider(l, i, NULL, e), e);
	TRY(offers_are(l, providers, e), e);
	return mediator_ready(l, e);
}

bool local_net_start(struct local_net *l, struct cli *c, const char *dir,
        const struct local_plan *plan, struct err *e)
{
	unsigned wallets = MAX2(plan->providers, plan->wallets);
	bool known, chain = plan->chain;

	memset(l, 0, sizeof *l);
	l->c = c;
	l->dir = dir;
	l->background = plan->background;
	snprintf(l->file, sizeof l->file, "%s/network.json", c->places.config);
	known = access(l->file, F_OK) == 0;
	if (known) {
		TRY(network_read(l->file, &l->network, e), e);
		if (chain && !l->network.chain_id)
			return FAIL(e, CONFLICT, "%s is of a network with the embedded ledger",
			        l->file);
		chain = l->network.chain_id != 0;
	}
	if ((chain ? start_chain(l, wallets, e) : start_ledger(l, wallets, e)) &&
	        start_all(l, plan->providers, e))
		return true;
	local_net_stop(l);
	return false;
}

/* SIGTERM, then SIGKILL when it takes too long. */
static void end(struct local_process *p, struct mono until)
{
	while (p->pid > 0 && waitpid(p->pid, NULL, WNOHANG) == 0) {
		if (clock_mono().ns > until.ns)
			kill(p->pid, SIGKILL);
		clock_sleep(span_ms(2));
	}
	p->pid = 0;
}

bool local_net_end(struct local_net *l, const char *role)
{
	for (size_t i = 0; i < l->n; i++) {
		struct local_process *p = &l->procs[i];

		if (strcmp(p->role, role) != 0)
			continue;
		if (p->pid > 0)
			kill(p->pid, SIGTERM);
		end(p, mono_plus(clock_mono(), span_ms(STOP_MS)));
		l->procs[i] = l->procs[--l->n];
		return true;
	}
	return false;
}

bool local_net_begin(struct local_net *l, const char *role, const char *misbehave, struct err *e)
{
	if (l->n == COUNT(l->procs))
		return FAIL(e, BUSY, "%zu processes run already", l->n);
	if (strcmp(role, "directory") == 0)
		return start_directory(l, misbehave, e);
	if (strcmp(role, "mediator") == 0)
		return start_mediator(l, misbehave, e) && mediator_ready(l, e);
	for (unsigned i = 0; i < LOCAL_PROVIDERS_MAX; i++) {
		char name[32];

		local_provider_name(i, name);
		if (strcmp(role, name) == 0)
			return start_provider(l, i, misbehave, e) && offers_are(l, i + 1, e);
	}
	return FAIL(e, NOT_FOUND, "%s cannot be started here", role);
}

void local_net_stop(struct local_net *l)
{
	struct mono until;

	for (size_t i = 0; i < l->n; i++) {
		if (l->procs[i].pid > 0)
			kill(l->procs[i].pid, SIGTERM);
	}
	until = mono_plus(clock_mono(), span_ms(STOP_MS));
	for (size_t i = 0; i < l->n; i++)
		end(&l->procs[i], until);
}

bool local_net_run(struct local_net *l, const char *const *args, void (*waiting)(void *ctx),
        void *ctx, int *code, struct err *e)
{
	const char *argv[ARGS_MAX];
	pid_t pid, done = 0;
	int status = 0;

	command_line(l, args, argv);
	pid = fork();
	if (pid == 0) {
		execv(l->c->self, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (pid > 0 && (done = waitpid(pid, &status, waiting ? WNOHANG : 0)) == 0) {
		clock_sleep(span_ms(WAITING_MS));
		waiting(ctx);
	}
	if (pid < 0 || done != pid)
		return FAIL_SYS(e, IO, errno, "%s cannot be run", argv[1]);
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}
