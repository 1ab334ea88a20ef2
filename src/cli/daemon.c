/* daemon.c - opening, serving and closing a role as a process of its own. */
#include "cli/daemon.h"

#include <stdio.h>
#include <unistd.h>

#include "blobs/http_tree.h"
#include "chain/embedded.h"
#include "chain/evm.h"
#include "chain/evm_contracts.h"
#include "cli/misbehave.h"
#include "cli/remote.h"
#include "cli/remove.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "exec/wasm.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/rng.h"
#include "port/warn.h"

enum { AGAIN_MS = 1000 };

static bool open_log(struct daemon *d, struct err *e)
{
	const char *text = settings_text(d->cli->settings, "log.level");
	enum log_level level;

	if (!log_level_parse(str_of(text), &level))
		return FAIL(e, CONFIG, "log.level is \"%s\"; it must be debug, info, odd or broken",
		        text);
	d->world.log = log_os_init(&d->log, STDERR_FILENO, level, d->role);
	return true;
}

static bool open_store(struct daemon *d, const struct record *(*const *tables)(void),
        unsigned parts, struct err *e)
{
	char path[CLI_PATH_MAX + 32];

	snprintf(path, sizeof path, "%s/store.db", d->dir);
	if (parts & DAEMON_SHARED)
		TRY(store_sqlite_open_shared(path, tables, &d->store, e), e);
	else
		TRY(store_sqlite_open(path, tables, &d->store, e), e);
	d->world.store = store_sqlite_port(d->store);
	d->options.tx = store_sqlite_tx(d->store);
	return true;
}

static bool open_blobs(struct daemon *d, unsigned parts, struct err *e)
{
	char path[CLI_PATH_MAX + 64];

	/* Processes that share a store (every `run`, and the creator's daemon) have a blob folder each, which
	 * goes with them: what matters is in the directory. One that crashed leaves its own to `gc`. */
	if (parts & DAEMON_SHARED)
		snprintf(path, sizeof path, "%s/blobs-%ld", d->dir, (long)getpid());
	else
		snprintf(path, sizeof path, "%s/blobs", d->dir);
	TRY(blobs_folder_open(path, &d->blobs, e), e);
	if (parts & DAEMON_SHARED)
		snprintf(d->own_blobs, sizeof d->own_blobs, "%s", path);
	d->world.blobs = blobs_folder_port(d->blobs);
	return true;
}

static bool open_server(struct daemon *d, struct err *e)
{
	uint64_t port, rate;

	TRY(settings_number(d->cli->settings, "server.port", 65535, &port, e), e);
	TRY(settings_number(d->cli->settings, "server.rate", 1000000000, &rate, e), e);
	d->options.listen_ip = settings_text(d->cli->settings, "server.host");
	d->options.listen_port = (uint16_t)port;
	d->options.state_dir = d->dir;
	d->options.rate_per_s = (unsigned)rate;
	d->options.rate_burst = (unsigned)rate * 2;
	return true;
}

/* The network file names who holds a role: with another key nobody would heed it. */
static bool holds_role(const struct daemon *d, const struct addr *holders, size_t n, struct err *e)
{
	char is[ADDR_TEXT_MAX], must[ADDR_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		if (addr_eq(&d->wallet.addr, &holders[i]))
			return true;
	}
	addr_format(&d->wallet.addr, is);
	if (n)
		addr_format(&holders[0], must);
	FAIL(e, PARTY, "the key %s is %s, which is not the %s of the network %s: that is %s%s",
	        d->wallet.name, is, d->role, d->network.name, n ? must : "nobody",
	        n > 1 ? ", or another" : "");
	return err_hint(e, "-w NAME uses another key; `lilypad network new` names who is what");
}

static bool check_role(const struct daemon *d, struct err *e)
{
	struct addr mediators[MEDIATORS_MAX];
	size_t n = 0;

	if (strcmp(d->role, "solver") == 0)
		return holds_role(d, &d->solver.addr, 1, e);
	if (strcmp(d->role, "directory") == 0)
		return holds_role(d, &d->directory.addr, 1, e);
	if (strcmp(d->role, "mediator") != 0)
		return true;
	for (; n < d->network.mediators.n; n++)
		mediators[n] = d->network.mediators.v[n].account;
	return holds_role(d, mediators, n, e);
}

bool daemon_open(struct daemon *d, struct cli *c, const char *role, const char *wallet,
        const struct record *(*const *tables)(void), unsigned parts, struct err *e)
{
	const struct misbehaviour *misbehaves;

	memset(d, 0, sizeof *d);
	d->cli = c;
	d->role = role;
	TRY(misbehave_known(&c->args, role, &misbehaves, e), e);
	TRY(open_log(d, e), e);
	/* Another key is another party, with a store of its own. */
	const char *named = args_get(&c->args, "wallet");
	if (named && strcmp(named, role) != 0)
		snprintf(d->dir, sizeof d->dir, "%.800s/%.60s-%.60s", c->places.state, role, named);
	else
		snprintf(d->dir, sizeof d->dir, "%.900s/%.60s", c->places.state, role);
	TRY(dir_make(d->dir, e), e);
	if (parts & DAEMON_NETWORK) {
		TRY(network_load(c, &d->network, e), e);
		TRY(cli_peers(c, &d->solver, &d->directory, e), e);
		network_domain(&d->network, &d->domain);
	}
	TRY(wallet_open(c, named ? NULL : wallet, true, &d->wallet, e), e);
	if (parts & DAEMON_NETWORK)
		TRY(check_role(d, e), e);
	d->world.signer = wallet_signer(&d->wallet);
	d->world.rng = rng_os();
	TRY(open_store(d, tables, parts, e), e);
	if (parts & DAEMON_BLOBS)
		TRY(open_blobs(d, parts, e), e);
	TRY(open_server(d, e), e);
	if (uv_loop_init(&d->loop) != 0)
		return FAIL(e, IO, "no event loop");
	d->loop_ready = true;
	d->identity = (struct http_identity){
	        .signer = d->world.signer, .rng = d->world.rng, .domain = d->domain};
	if (parts & DAEMON_CLIENT)
		TRY(http_client_new(&d->loop, &d->identity, &d->client, e), e);
	d->options.loop = &d->loop;
	d->options.world = &d->world;
	d->options.domain = d->domain;
	return true;
}

/* What a role would say as well: to the log and to the operator's command. */
static void warn(void *ctx, const struct hash *deal, struct btime deadline, const char *text)
{
	struct daemon *d = ctx;
	struct buf body OWN(buf_done) = {0};
	json_t *j = warning_json(d->role, hash_is_zero(deal) ? NULL : deal, deadline, text);

	log_line(&d->world.log, LOG_ODD, "money is at stake: %s", text);
	buf_init(&body, 4096);
	json_canonical(j, &body);
	json_decref(j);
	/* `run` has no such command. */
	if (buf_ok(&body) && d->notify.command)
		notify_on_emit(&d->notify, WARNING_EVENT, buf_view(&body));
}

/* Who sends our transactions: a relay, unless this is one. */
static bool relay_of(struct daemon *d, char url[URL_MAX + 1], struct evm_options *o, struct err *e)
{
	const struct settings *s = d->cli->settings;
	struct str account = str_of(settings_text(s, "ledger.relay-account"));
	json_t *j OWN(json_own) = NULL;
	size_t n;

	snprintf(url, URL_MAX + 1, "%s", settings_text(s, "ledger.relay"));
	for (n = strlen(url); n && url[n - 1] == '/'; n--)
		url[n - 1] = '\0';
	if (!url[0] || strcmp(d->role, "relay") == 0)
		return true;
	o->relay = url;
	if (account.n)
		return addr_parse(account, &o->relay_addr, e);
	if (remote_get(d->cli, url, "/v1/health", &j, e))
		return json_get_addr(j, "account", &o->relay_addr, e);
	err_prefix(e, "the relay: ");
	return false;
}

static bool open_chain(struct daemon *d, struct err *e)
{
	const struct settings *s = d->cli->settings;
	const struct evm_place *p = &d->cli->place;
	char dir[CLI_PATH_MAX + 8], ring[CLI_PATH_MAX + 16], relay[URL_MAX + 1];
	struct evm_options o = {.loop = &d->loop,
	        .client = d->client,
	        .urls = p->urls,
	        .chain_id = p->chain_id,
	        .genesis = p->genesis,
	        .controller = p->controller,
	        .domain = d->domain,
	        .from_block = p->from_block,
	        .depth = p->depth,
	        .dir = dir,
	        .signer = d->world.signer,
	        .log = d->world.log,
	        .warn = warn,
	        .warn_ctx = d};
	struct evm_rpc_options r = {.loop = &d->loop,
	        .client = d->client,
	        .urls = p->urls,
	        .chain_id = p->chain_id,
	        .genesis = p->genesis};

	/* The account's transactions, whichever role sends them. */
	snprintf(dir, sizeof dir, "%s/chain", d->cli->places.state);
	/* Who shares its store with others has no cursor of its own that they could go by. */
	snprintf(ring, sizeof ring, "%s/blocks.json", d->dir);
	if (!d->own_blobs[0])
		o.ring = ring;
	TRY(settings_number(s, "ledger.max-fee", UINT64_MAX, &o.max_fee_wei, e), e);
	TRY(settings_span(s, "ledger.stuck", &o.stuck, e), e);
	TRY(evm_view_check(p, &d->domain, e), e);
	TRY(relay_of(d, relay, &o, e), e);
	TRY(evm_contracts_open(&r, &d->world.contracts, e), e);
	return evm_open(&o, &d->options.ledger, e);
}

bool daemon_ledger(struct daemon *d, struct err *e)
{
	if (d->cli->place.chain_id)
		return open_chain(d, e);
	return embedded_open(&d->loop, d->client, settings_text(d->cli->settings, "ledger.url"),
	        &d->options.ledger, e);
}

unsigned daemon_confirm_s(const struct daemon *d)
{
	return d->cli->place.depth * d->network.block_time;
}

bool daemon_engine(struct daemon *d, struct err *e)
{
	char cache[CLI_PATH_MAX + 32], engine[CLI_PATH_MAX];

	snprintf(cache, sizeof cache, "%s/wasm", d->cli->places.cache);
	TRY(engine_path(d->cli, engine, e), e);
	TRY(exec_wasm_open(
	            &d->loop, &d->world.blobs, cache, engine, d->cli->self, &d->options.exec, e),
	        e);
	return true;
}

bool daemon_misbehaves(struct daemon *d, unsigned *how, struct err *e)
{
	return misbehave_read(&d->cli->args, d->role, &d->network.genesis, &d->world.log, how, e);
}

/* {url, account, pid}, written when requests are answered. */
static bool write_ready(const struct daemon *d, uint16_t port, struct err *e)
{
	const char *path = args_get(&d->cli->args, "ready-file");
	const char *url = settings_text(d->cli->settings, "server.url");
	struct buf text OWN(buf_done) = {0};
	char standard[CLI_PATH_MAX + 32];
	json_t *j;

	snprintf(standard, sizeof standard, "%s/ready.json", d->dir);
	j = json_pack("{s:o, s:o, s:i, s:s}", "url", json_null(), "account",
	        json_of_addr(&d->wallet.addr), "pid", (int)getpid(), "role", d->role);
	buf_init(&text, CLI_PATH_MAX);
	if (url[0])
		buf_z(&text, url);
	else
		buf_fmt(&text, "http://%s:%u", d->options.listen_ip, port);
	json_object_set_new(j, "url", json_string(buf_cstr(&text)));
	buf_reset(&text);
	text.max = 4096;
	json_canonical(j, &text);
	json_decref(j);
	TRY(file_write(path ? path : standard, buf_bytes(&text), 0644, e), e);
	return true;
}

int daemon_serve(struct daemon *d, const struct role *role)
{
	char who[ADDR_TEXT_MAX];
	struct host *h;
	struct err e;
	int rc;

	d->options.role = *role;
	notify_init(&d->notify, &d->loop, &d->world.log,
	        settings_text(d->cli->settings, "notify.command"));
	d->options.on_emit = notify_on_emit;
	d->options.emit_ctx = &d->notify;
	if (!host_new(&d->options, &h, &e))
		return daemon_failed(d, &e);
	d->hosted = true;
	if (!write_ready(d, host_port(h), &e)) {
		host_free(h);
		return daemon_failed(d, &e);
	}
	addr_format(&d->wallet.addr, who);
	log_line(&d->world.log, LOG_INFO, "%s serves at http://%s:%u as %s", d->role,
	        d->options.listen_ip, host_port(h), who);
	rc = host_run(h);
	host_free(h);
	return rc;
}

/* A daemon does not give up for a peer that is not there yet, nor, once it has run, for want of space. */
static bool may_pass(const struct cli *c, enum err_code code)
{
	return code == E_UNREACHABLE || code == E_TIMEOUT ||
	       (c->again && (code == E_DISK_FULL || code == E_IO || code == E_BUSY));
}

int daemon_failed(struct daemon *d, const struct err *e)
{
	struct cli *c = d->cli;

	if (!may_pass(c, e->code))
		return cli_fail(c, e);
	if (strcmp(c->waits_for, e->msg) != 0)
		log_line(&d->world.log, LOG_ODD, "waits: %s%s%s", e->msg, e->hint[0] ? "; " : "",
		        e->hint);
	str_keep(c->waits_for, sizeof c->waits_for, str_of(e->msg));
	clock_sleep(span_ms(AGAIN_MS));
	return HOST_AGAIN;
}

static void close_blobs(struct daemon *d)
{
	struct err e;

	if (d->blobs)
		blobs_folder_free(d->blobs);
	if (d->own_blobs[0] && !remove_all(d->own_blobs, &e))
		log_line(&d->world.log, LOG_ODD, "%s", e.msg);
}

void daemon_close(struct daemon *d)
{
	/* A host has stopped these two, and they are gone by now. */
	if (!d->hosted) {
		if (d->options.ledger.self)
			d->options.ledger.stop(d->options.ledger.self);
		if (d->world.contracts.stop)
			d->world.contracts.stop(d->world.contracts.self);
		exec_wasm_close(&d->options.exec);
	}
	http_tree_close(&d->options.tree);
	if (d->client)
		http_client_free(d->client);
	if (d->loop_ready) {
		uv_run(&d->loop, UV_RUN_DEFAULT);
		uv_loop_close(&d->loop);
	}
	close_blobs(d);
	if (d->store)
		store_sqlite_free(d->store);
	wallet_close(&d->wallet);
}
