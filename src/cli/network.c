/* network.c - the signed file that brings a network, and the one that is in use. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "os/file.h"

#include "model/record_table.h"
#include "cli/network.def"
#include "model/record_end.h"

enum { NETWORK_FILE_MAX = 1 << 20, GENESIS_MAX = 65536 };

void network_domain(const struct network_file *n, struct hash *out)
{
	struct hash genesis;

	if (n->chain_id) {
		eip712_domain_evm(n->chain_id, &n->controller, out);
		return;
	}
	eip712_hash(genesis_record(), &n->genesis, &genesis);
	eip712_domain_embedded(&genesis, out);
}

bool genesis_read(const char *path, struct genesis *out, struct err *e)
{
	struct buf text OWN(buf_done) = {0};

	buf_init(&text, GENESIS_MAX);
	TRY(file_read(path, GENESIS_MAX, &text, e), e);
	if (record_parse(genesis_record(), buf_view(&text), out, e))
		return true;
	err_prefix(e, "%s: ", path);
	return false;
}

bool genesis_write(const struct genesis *g, const char *path, struct err *e)
{
	struct buf text OWN(buf_done) = {0};

	buf_init(&text, GENESIS_MAX);
	record_canonical(genesis_record(), g, &text);
	if (!buf_ok(&text))
		return FAIL(e, TOO_LARGE, "the genesis has more than %d bytes", GENESIS_MAX);
	return file_write(path, buf_bytes(&text), 0644, e);
}

bool network_read(const char *path, struct network_file *out, struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	json_t *j OWN(json_own) = NULL;
	struct network_file n;
	struct hash domain;
	struct sig sig;

	buf_init(&text, NETWORK_FILE_MAX);
	TRY(file_read(path, NETWORK_FILE_MAX, &text, e), e);
	if (!json_parse(buf_view(&text), &j, e) ||
	        !json_get_record(j, "network", network_file_record(), &n, e) ||
	        !json_get_sig(j, "signature", &sig, e)) {
		err_prefix(e, "%s: ", path);
		return false;
	}
	network_domain(&n, &domain);
	if (!signed_check(&domain, network_file_record(), &n, &sig, &n.genesis.operator_, e)) {
		err_prefix(e, "%s: ", path);
		return false;
	}
	*out = n;
	return true;
}

bool network_write(
        const char *path, const struct network_file *n, struct signer *operator_, struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	struct hash domain, digest;
	struct sig sig;
	json_t *j;

	network_domain(n, &domain);
	signed_digest(&domain, network_file_record(), n, &digest);
	TRY(operator_->sign(operator_->self, &digest, &sig, e), e);
	j = json_pack("{s:o, s:o}", "network", record_to_json(network_file_record(), n),
	        "signature", json_of_sig(&sig));
	buf_init(&text, NETWORK_FILE_MAX);
	json_pretty(j, &text);
	json_decref(j);
	TRY(file_write(path, buf_bytes(&text), 0644, e), e);
	return true;
}

static void network_path(const struct cli *c, const char *name, char out[CLI_PATH_MAX])
{
	snprintf(out, CLI_PATH_MAX, "%.900s/networks/%.63s.json", c->places.config, name);
}

bool network_use(const struct cli *c, const char *file, const char *name, struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	struct network_file n;
	char path[CLI_PATH_MAX];

	TRY(network_read(file, &n, e), e);
	if (!name)
		name = n.name;
	if (!*name || strpbrk(name, "/\\ ") || name[0] == '.')
		return FAIL(e, CONFIG, "\"%s\" is no name for a network", name);
	snprintf(path, sizeof path, "%.900s/networks", c->places.config);
	TRY(dir_make(path, e), e);
	buf_init(&text, NETWORK_FILE_MAX);
	TRY(file_read(file, NETWORK_FILE_MAX, &text, e), e);
	network_path(c, name, path);
	TRY(file_write(path, buf_bytes(&text), 0644, e), e);
	snprintf(path, sizeof path, "%.900s/networks/current", c->places.config);
	TRY(file_write(path, str_bytes(str_of(name)), 0644, e), e);
	return true;
}

/* A file names itself: it must not take the place of another ledger that is known by that name. */
bool network_import(const struct cli *c, const char *file, const char *name, struct err *e)
{
	struct network_file n, known;
	struct hash ours, theirs;
	char path[CLI_PATH_MAX];
	struct err ignored;

	TRY(network_read(file, &n, e), e);
	network_path(c, name ? name : n.name, path);
	if (network_read(path, &known, &ignored)) {
		network_domain(&known, &ours);
		network_domain(&n, &theirs);
		if (!hash_eq(&ours, &theirs)) {
			FAIL(e, CONFLICT, "a network with another ledger is known as \"%s\": %s",
			        name ? name : n.name, path);
			return err_hint(
			        e, "lilypad network import FILE NAME gives it another name");
		}
	}
	TRY(network_use(c, file, name, e), e);
	return true;
}

static bool current_name(const struct cli *c, char out[NAME_MAX_ + 1], struct err *e)
{
	const char *name = settings_text(c->settings, "network.name");
	struct buf text OWN(buf_done) = {0};
	char path[CLI_PATH_MAX + 32];

	if (*name) {
		snprintf(out, NAME_MAX_ + 1, "%s", name);
		return true;
	}
	buf_init(&text, NAME_MAX_);
	snprintf(path, sizeof path, "%.900s/networks/current", c->places.config);
	if (access(path, F_OK) != 0) {
		FAIL(e, CONFIG, "no network is in use");
		return err_hint(
		        e, "`lilypad up` starts one here, `lilypad network import FILE` joins one");
	}
	TRY(file_read(path, NAME_MAX_, &text, e), e);
	snprintf(out, NAME_MAX_ + 1, "%s", buf_cstr(&text));
	return true;
}

static void from_network(struct cli *c, const struct network_file *n)
{
	char addr[ADDR_TEXT_MAX];

	settings_from_network(c->settings, "ledger.kind", n->chain_id ? "evm" : "embedded");
	settings_from_network(
	        c->settings, n->chain_id ? "ledger.rpc" : "ledger.url", n->ledger_url);
	settings_from_network(c->settings, "solver.url", n->solver_url);
	settings_from_network(c->settings, "directory.url", n->directory_url);
	addr_format(&n->solver, addr);
	settings_from_network(c->settings, "solver.account", addr);
	addr_format(&n->directory, addr);
	settings_from_network(c->settings, "directory.account", addr);
}

/* The kind is a property of the network: a setting that names another one is for another network. */
static bool place_of(struct cli *c, const struct network_file *n, struct err *e)
{
	const char *kind = settings_text(c->settings, "ledger.kind");
	const char *is = n->chain_id ? "evm" : "embedded", *rpc;
	struct evm_place *p = &c->place;
	uint64_t depth = 0;

	*p = (struct evm_place){0};
	if (strcmp(kind, is) != 0)
		return FAIL(e, CONFIG, "ledger.kind is \"%.40s\"; the network %s has the kind %s",
		        kind, n->name, is);
	if (!n->chain_id)
		return true;
	rpc = settings_text(c->settings, "ledger.rpc");
	TRY(settings_number(c->settings, "ledger.depth", UINT16_MAX, &depth, e), e);
	if (strlen(rpc) >= sizeof p->urls)
		return FAIL(e, CONFIG, "ledger.rpc has more than %zu bytes", sizeof p->urls - 1);
	snprintf(p->urls, sizeof p->urls, "%s", rpc);
	p->chain_id = n->chain_id;
	p->genesis = n->chain_genesis;
	p->controller = n->controller;
	p->from_block = n->from_block;
	p->depth = depth ? (unsigned)depth : n->depth;
	return true;
}

bool network_load(struct cli *c, struct network_file *out, struct err *e)
{
	const char *file = args_get(&c->args, "network-file");
	char name[NAME_MAX_ + 1], path[CLI_PATH_MAX];

	if (!file) {
		TRY(current_name(c, name, e), e);
		network_path(c, name, path);
		file = path;
		if (access(path, F_OK) != 0) {
			FAIL(e, CONFIG, "the network \"%s\" is not known here: %s is missing", name,
			        path);
			return err_hint(e, "lilypad network import FILE %s", name);
		}
	}
	TRY(network_read(file, out, e), e);
	from_network(c, out);
	return place_of(c, out, e);
}

bool cli_peers(const struct cli *c, struct peer *solver, struct peer *directory, struct err *e)
{
	snprintf(solver->url, sizeof solver->url, "%s", settings_text(c->settings, "solver.url"));
	snprintf(directory->url, sizeof directory->url, "%s",
	        settings_text(c->settings, "directory.url"));
	TRY(settings_addr(c->settings, "solver.account", &solver->addr, e), e);
	TRY(settings_addr(c->settings, "directory.account", &directory->addr, e), e);
	return true;
}
