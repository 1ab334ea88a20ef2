/* chain_dev.c - `lilypad chain dev`: a chain of one's own on this machine (anvil), with our contracts, keys that
 * have tokens and gas, and the network file. It lasts as long as the command does. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/chain.h"
#include "cli/local_net.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"

enum {
	READY_MS = 20000,
	STEP_MS = 50,
	STOP_MS = 3000,
	BLOCK_TIME = 1,
	DEPTH = 2,
	CHAIN_ID = 31337,
	MIN_S = 5
};

#define COIN_WEI "0x3635c9adc5dea00000" /* 10^21: 1 000 of the chain's coin for each key */
#define TOKENS   "10000"                /* for the job creator, and for each provider */

struct dev {
	struct cli *c;
	struct chain_plan plan;
	struct network_file n;
	struct wallet op;
	unsigned providers, block_time, depth;
	uint16_t port;
	char url[64], file[CLI_PATH_MAX], log[CLI_PATH_MAX + 32];
	pid_t pid;
};

/* ---- anvil --------------------------------------------------------------------------------------- */

/* --anvil, beside the program as it is built, or in the PATH. */
static bool find_anvil(const struct cli *c, char out[PATH_MAX + 128], struct err *e)
{
	const char *given = args_get(&c->args, "anvil");
	const char *path = getenv("PATH");
	struct str rest = str_of(path ? path : "");
	char self[PATH_MAX];

	program_dir(self);
	snprintf(out, PATH_MAX + 128, "%s/evm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil",
	        self);
	if (given)
		snprintf(out, PATH_MAX + 128, "%s", given);
	if (access(out, X_OK) == 0)
		return true;
	while (!given && rest.n) {
		struct str dir = str_cut(rest, ':', &rest);

		snprintf(out, PATH_MAX + 128, "%.*s/anvil", (int)MIN2(dir.n, (size_t)1000), dir.p);
		if (access(out, X_OK) == 0)
			return true;
	}
	FAIL(e, MISSING_PART, "anvil, the chain for development, is not here%s%s",
	        given ? ": " : "", given ? given : "");
	return err_hint(e, "tools/setup_tests.d/contracts fetches it; --anvil FILE names another");
}

/* What anvil keeps of the chain when it ends. */
static void state_path(const struct dev *d, char out[CLI_PATH_MAX + 32])
{
	snprintf(out, CLI_PATH_MAX + 32, "%s/chain/anvil.json", d->c->places.state);
}

static void become_anvil(const struct dev *d, const char *anvil)
{
	char port[8], id[16], state[CLI_PATH_MAX + 32];
	const char *argv[] = {anvil, "--host", "127.0.0.1", "--port", port, "--chain-id", id,
	        "--silent", "--accounts", "1", "--state", state, NULL};
	int fd = open(d->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	snprintf(port, sizeof port, "%u", d->port);
	snprintf(id, sizeof id, "%d", CHAIN_ID);
	state_path(d, state);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
	}
	/* It keeps its own files under its home; and it ends with us, however we end. */
	setenv("HOME", d->c->places.state, 1);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execv(anvil, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static bool ask(const struct dev *d, const char *method, json_t *params, struct err *e)
{
	struct evm_rpc_options o = {.urls = d->url};
	json_t *j OWN(json_own) = NULL;

	return evm_ask(&o, method, params, &j, e);
}

static bool ended(struct dev *d, struct err *e)
{
	int status;

	if (waitpid(d->pid, &status, WNOHANG) != d->pid)
		return false;
	d->pid = 0;
	FAIL(e, INTERNAL, "anvil ended (status %d); it wrote to %s", status, d->log);
	return true;
}

static bool start_anvil(struct dev *d, struct err *e)
{
	struct mono until = mono_plus(clock_mono(), span_ms(READY_MS));
	char anvil[PATH_MAX + 128], dir[CLI_PATH_MAX + 8];

	TRY(find_anvil(d->c, anvil, e), e);
	snprintf(d->log, sizeof d->log, "%s/anvil.log", d->c->places.state);
	snprintf(dir, sizeof dir, "%s/chain", d->c->places.state);
	TRY(dir_make(dir, e), e);
	d->pid = fork();
	if (d->pid == 0)
		become_anvil(d, anvil);
	if (d->pid < 0)
		return FAIL_SYS(e, IO, errno, "anvil cannot be started");
	while (clock_mono().ns < until.ns) {
		if (ask(d, "eth_chainId", NULL, e))
			return true;
		if (ended(d, e))
			return false;
		clock_sleep(span_ms(STEP_MS));
	}
	return FAIL(e, TIMEOUT, "anvil is not ready after %d s", READY_MS / 1000);
}

static void stop_anvil(struct dev *d)
{
	struct mono until = mono_plus(clock_mono(), span_ms(STOP_MS));

	if (d->pid <= 0)
		return;
	kill(d->pid, SIGTERM);
	while (waitpid(d->pid, NULL, WNOHANG) == 0) {
		if (clock_mono().ns > until.ns)
			kill(d->pid, SIGKILL);
		clock_sleep(span_ms(STEP_MS));
	}
	d->pid = 0;
}

/* ---- keys ---------------------------------------------------------------------------------------- */

static bool key(const struct dev *d, const char *name, struct addr *out, struct err *e)
{
	struct wallet w;

	TRY(wallet_open(d->c, name, true, &w, e), e);
	*out = w.addr;
	wallet_close(&w);
	return true;
}

static bool coin(const struct dev *d, const struct addr *who, struct err *e)
{
	char text[ADDR_TEXT_MAX];

	addr_format(who, text);
	return ask(d, "anvil_setBalance", json_pack("[s,s]", text, COIN_WEI), e);
}

static bool tokens(struct dev *d, const struct addr *who, struct err *e)
{
	struct amount v;

	if (!amount_parse_display(str_of(TOKENS), d->n.genesis.decimals, &v))
		return FAIL(e, INTERNAL, "no amount");
	return chain_deposit(d->c, &d->op, &d->n, who, v, NULL, e);
}

static bool parties(struct dev *d, struct err *e)
{
	struct network_file *n = &d->n;

	TRY(key(d, "solver", &n->solver, e), e);
	TRY(key(d, "directory", &n->directory, e), e);
	n->mediators.n = 1;
	TRY(key(d, "mediator", &n->mediators.v[0].account, e), e);
	TRY(coin(d, &n->mediators.v[0].account, e), e);
	return coin(d, &d->op.addr, e);
}

static bool give(struct dev *d, struct err *e)
{
	struct addr who;
	char name[32];

	TRY(key(d, settings_text(d->c->settings, "wallet.name"), &who, e), e);
	TRY(coin(d, &who, e), e);
	TRY(tokens(d, &who, e), e);
	for (unsigned i = 0; i < d->providers; i++) {
		local_provider_name(i, name);
		TRY(key(d, name, &who, e), e);
		TRY(coin(d, &who, e), e);
		TRY(tokens(d, &who, e), e);
	}
	return true;
}

/* ---- the network --------------------------------------------------------------------------------- */

static bool url(const struct cli *c, const char *option, char out[URL_MAX + 1], struct err *e)
{
	const char *given = args_get(&c->args, option);
	uint16_t port;

	if (given) {
		snprintf(out, URL_MAX + 1, "%s", given);
		return true;
	}
	TRY(local_free_port(&port, e), e);
	snprintf(out, URL_MAX + 1, "http://127.0.0.1:%u", port);
	return true;
}

static void place(struct dev *d)
{
	const struct network_file *n = &d->n;

	d->c->place = (struct evm_place){.chain_id = n->chain_id,
	        .genesis = n->chain_genesis,
	        .controller = n->controller,
	        .from_block = n->from_block};
	snprintf(d->c->place.urls, sizeof d->c->place.urls, "%s", d->url);
}

static bool deploy(struct dev *d, struct err *e)
{
	struct network_file *n = &d->n;

	snprintf(n->name, sizeof n->name, "local");
	n->genesis = (struct genesis){.name = "local",
	        .symbol = "LILY",
	        .decimals = 18,
	        .min.s = MIN_S,
	        .life.s = 7 * 86400,
	        .unbonding.s = 8 * 86400,
	        .test = true};
	TRY(parties(d, e), e);
	TRY(chain_deploy(d->c, &d->op, &d->plan, n, e), e);
	place(d);
	return give(d, e);
}

/* The chain that was here before, if it is the one of the network file. */
static bool go_on(struct dev *d, struct err *e)
{
	struct hash domain;

	TRY(network_read(d->file, &d->n, e), e);
	place(d);
	network_domain(&d->n, &domain);
	if (d->n.chain_id && evm_view_check(&d->c->place, &domain, e))
		return true;
	return FAIL(
	        e, CONFLICT, "%s is of another ledger than the one that was kept here", d->file);
}

static bool set_up(struct dev *d, struct err *e)
{
	struct network_file *n = &d->n;
	struct signer signer = wallet_signer(&d->op);

	TRY(access(d->file, F_OK) == 0 ? go_on(d, e) : deploy(d, e), e);
	/* What has been set up is final for those who come now. */
	TRY(ask(d, "anvil_mine", json_pack("[i]", (int)d->depth + 1), e), e);
	snprintf(n->ledger_url, sizeof n->ledger_url, "%s", d->url);
	TRY(url(d->c, "solver-url", n->solver_url, e), e);
	TRY(url(d->c, "directory-url", n->directory_url, e), e);
	TRY(url(d->c, "mediator-url", n->mediators.v[0].url, e), e);
	n->depth = (uint16_t)d->depth;
	n->block_time = (uint16_t)MAX2(d->block_time, 1u);
	if (d->block_time)
		TRY(ask(d, "evm_setIntervalMining", json_pack("[i]", (int)d->block_time), e), e);
	TRY(network_write(d->file, n, &signer, e), e);
	return network_use(d->c, d->file, "local", e);
}

static bool number(const struct args *a, const char *option, uint64_t standard, uint64_t max,
        uint64_t *out, struct err *e)
{
	const char *v = args_get(a, option);

	*out = standard;
	if (v && !str_u64(str_of(v), max, out))
		return FAIL(e, USAGE, "--%s is \"%.20s\"; it must be 0 to %llu", option, v,
		        (unsigned long long)max);
	return true;
}

static bool options(struct dev *d, struct err *e)
{
	const struct args *a = &d->c->args;
	const char *out = args_get(a, "output");
	uint64_t v;

	TRY(number(a, "port", 0, UINT16_MAX, &v, e), e);
	d->port = (uint16_t)v;
	if (!d->port)
		TRY(local_free_port(&d->port, e), e);
	snprintf(d->url, sizeof d->url, "http://127.0.0.1:%u", d->port);
	TRY(number(a, "block-time", BLOCK_TIME, 3600, &v, e), e);
	d->block_time = (unsigned)v;
	TRY(number(a, "depth", DEPTH, 1000, &v, e), e);
	/* While it is set up a block comes with each transaction, and no other. */
	d->plan = (struct chain_plan){.urls = d->url};
	d->depth = (unsigned)v;
	TRY(number(a, "providers", 1, LOCAL_PROVIDERS_MAX, &v, e), e);
	d->providers = (unsigned)v;
	if (out)
		snprintf(d->file, sizeof d->file, "%.1000s", out);
	else
		snprintf(d->file, sizeof d->file, "%.1000s/network.json", d->c->places.config);
	return wallet_open(d->c, "operator", true, &d->op, e);
}

static bool ready(const struct dev *d, struct err *e)
{
	const char *path = args_get(&d->c->args, "ready-file");
	struct buf text OWN(buf_done) = {0};
	json_t *j = json_pack("{s:s, s:i, s:i, s:s, s:s, s:o}", "url", d->url, "pid", (int)getpid(),
	        "anvil", (int)d->pid, "role", "chain", "network", d->file, "controller",
	        json_of_addr(&d->n.controller));
	bool ok;

	if (d->c->json)
		cli_print_json(json_incref(j));
	fflush(stdout);
	buf_init(&text, 4096);
	json_canonical(j, &text);
	json_decref(j);
	ok = !path || file_write(path, buf_bytes(&text), 0644, e);
	cli_say(d->c, "a chain serves at %s; the network is %s; Ctrl-C ends both", d->url, d->file);
	return ok;
}

/* Until a signal, or until anvil ends. */
static bool serve(struct dev *d, const sigset_t *signals, struct err *e)
{
	const struct timespec step = {.tv_nsec = 200000000};

	while (sigtimedwait(signals, NULL, &step) < 0) {
		if (ended(d, e))
			return false;
	}
	return true;
}

int cmd_chain_dev(struct cli *c)
{
	struct dev *d = calloc(1, sizeof *d);
	sigset_t signals, before;
	struct err e;
	bool ok;

	if (!d) {
		FAIL(&e, MEMORY, "no memory for a chain");
		return cli_fail(c, &e);
	}
	d->c = c;
	ok = options(d, &e) && start_anvil(d, &e);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	ok = ok && set_up(d, &e) && ready(d, &e) && serve(d, &signals, &e);
	stop_anvil(d);
	sigprocmask(SIG_SETMASK, &before, NULL);
	wallet_close(&d->op);
	free(d);
	return ok ? 0 : cli_fail(c, &e);
}
