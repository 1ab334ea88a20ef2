/* chain_cmd.c - `lilypad chain deploy` and `lilypad chain status`. */
#include <stdio.h>
#include <unistd.h>

#include "chain/contracts.h"
#include "cli/chain.h"
#include "cli/network_new.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"

enum { DEPTH = 12, BLOCK_TIME = 12, DEPTH_MAX = 10000, BLOCK_TIME_MAX = 3600 };

/* ---- deploy -------------------------------------------------------------------------------------- */

static bool number(const struct args *a, const char *option, uint64_t standard, uint64_t max,
        unsigned *out, struct err *e)
{
	const char *v = args_get(a, option);
	uint64_t n = standard;

	if (v && !str_u64(str_of(v), max, &n))
		return FAIL(e, USAGE, "--%s is \"%.20s\"; it must be 0 to %llu", option, v,
		        (unsigned long long)max);
	*out = (unsigned)n;
	return true;
}

static bool account(const struct args *a, const char *option, struct addr *out, struct err *e)
{
	const char *v = args_get(a, option);

	if (v && !addr_parse(str_of(v), out, e)) {
		err_prefix(e, "--%s: ", option);
		return false;
	}
	return true;
}

static bool plan_of(struct cli *c, struct chain_plan *p, struct err *e)
{
	const struct args *a = &c->args;

	*p = (struct chain_plan){.urls = args_get(a, "rpc")};
	if (!p->urls) {
		FAIL(e, USAGE, "of which chain? --rpc is missing");
		return err_hint(e, "lilypad chain deploy NAME --rpc http://127.0.0.1:8545 …");
	}
	TRY(number(a, "depth", DEPTH, DEPTH_MAX, &p->depth, e), e);
	TRY(number(a, "block-time", BLOCK_TIME, BLOCK_TIME_MAX, &p->block_time, e), e);
	TRY(account(a, "token", &p->token, e), e);
	return account(a, "pauser", &p->pauser, e);
}

static bool deploy(struct cli *c, struct wallet *w, struct network_file *n, char file[CLI_PATH_MAX],
        struct err *e)
{
	const char *out = args_get(&c->args, "output");
	struct signer signer = wallet_signer(w);
	struct chain_plan p;

	TRY(plan_of(c, &p, e), e);
	TRY(network_new_parties(c, c->args.positional[0], n, e), e);
	TRY(network_new_genesis(c, n->name, &w->addr, &n->genesis, e), e);
	if (out)
		snprintf(file, CLI_PATH_MAX, "%.1000s", out);
	else
		snprintf(file, CLI_PATH_MAX, "%.63s.network.json", n->name);
	if (access(file, F_OK) == 0)
		return FAIL(e, CONFLICT, "%s is there already", file);
	TRY(chain_deploy(c, w, &p, n, e), e);
	return network_write(file, n, &signer, e);
}

int cmd_chain_deploy(struct cli *c)
{
	const char *named = args_get(&c->args, "wallet");
	char file[CLI_PATH_MAX], text[ADDR_TEXT_MAX];
	struct network_file n = {0};
	struct wallet w = {0};
	struct err e;
	bool ok;

	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "what is its name? lilypad chain deploy NAME --rpc URL …");
		return cli_fail(c, &e);
	}
	ok = wallet_open(c, named ? NULL : "operator", true, &w, &e) && deploy(c, &w, &n, file, &e);
	wallet_close(&w);
	if (!ok)
		return cli_fail(c, &e);
	if (c->json) {
		cli_print_json(json_pack("{s:s, s:I, s:o, s:o}", "network", file, "chainId",
		        (json_int_t)n.chain_id, "controller", json_of_addr(&n.controller), "token",
		        json_of_addr(&n.token)));
		return 0;
	}
	addr_format(&n.controller, text);
	cli_say(c, "chain %llu has the ledger %s", (unsigned long long)n.chain_id, text);
	cli_say(c, "%s  for every machine: lilypad network import %s", file, file);
	return 0;
}

/* ---- status -------------------------------------------------------------------------------------- */

/* Each node by itself: they may be of different minds. */
static json_t *node_json(const struct evm_place *whole, struct str url, unsigned n)
{
	struct evm_place p = *whole;
	struct evm_rpc_options o = {.urls = p.urls};
	struct evm_rpc *rpc = NULL;
	struct evm_header h;
	json_t *j = json_object();
	struct err e;

	snprintf(p.urls, sizeof p.urls, "%.*s", STR_ARG(url));
	json_object_set_new(j, "n", json_integer(n));
	/* Of its URL what is no secret. */
	if (evm_rpc_new(&o, &rpc, &e))
		json_object_set_new(j, "url", json_string(evm_rpc_name(rpc, 0)));
	evm_rpc_free(rpc);
	if (evm_view_head(&p, &h, &e)) {
		json_object_set_new(j, "block", json_integer((json_int_t)h.number));
		json_object_set_new(j, "time", json_integer((json_int_t)h.time.s));
		json_object_set_new(j, "baseFee", json_of_u64(h.base_fee_wei));
	} else {
		json_object_set_new(j, "error", err_to_json(&e));
	}
	return j;
}

static json_t *nodes_json(const struct evm_place *p)
{
	struct str rest = str_of(p->urls);
	json_t *list = json_array();

	for (unsigned n = 1; rest.n && n <= EVM_ENDPOINTS_MAX;) {
		struct str url = str_cut(rest, ',', &rest);

		if (url.n)
			json_array_append_new(list, node_json(p, url, n++));
	}
	return list;
}

static bool totals(const struct evm_place *p, json_t *j, struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l[2];
	size_t n;

	TRY(evm_view(p, &p->controller, fn_controller_totals, NULL, 0, out_controller_totals, &data,
	            l, COUNT(l), &n, e),
	        e);
	json_object_set_new(j, "deposited", json_of_amount(abi_get_amount(&l[0])));
	json_object_set_new(j, "sink", json_of_amount(abi_get_amount(&l[1])));
	return true;
}

static bool own_account(struct cli *c, json_t *j, struct err *e)
{
	char wei[U256_DEC_MAX];
	struct wallet w = {0};
	struct u256 coin;
	bool ok;

	/* Without a key there is nothing to say about it. */
	if (!wallet_open(c, NULL, false, &w, e))
		return true;
	ok = evm_view_coin(&c->place, &w.addr, &coin, e);
	if (ok) {
		u256_format(coin, wei);
		json_object_set_new(j, "account", json_of_addr(&w.addr));
		json_object_set_new(j, "coin", json_string(wei));
	}
	wallet_close(&w);
	return ok;
}

static bool gather(struct cli *c, const struct network_file *n, json_t *j, struct err *e)
{
	struct hash domain;

	network_domain(n, &domain);
	json_object_set_new(j, "chainId", json_integer((json_int_t)n->chain_id));
	json_object_set_new(j, "controller", json_of_addr(&n->controller));
	json_object_set_new(j, "token", json_of_addr(&n->token));
	json_object_set_new(j, "depth", json_integer(c->place.depth));
	json_object_set_new(j, "nodes", nodes_json(&c->place));
	TRY(evm_view_check(&c->place, &domain, e), e);
	TRY(totals(&c->place, j, e), e);
	return own_account(c, j, e);
}

static void show(const struct network_file *n, const json_t *j)
{
	const json_t *node, *error;
	char text[AMOUNT_DEC_MAX + 2];
	struct amount a;
	size_t i;

	cli_print("%-12s %llu\n", "chain", (unsigned long long)n->chain_id);
	cli_print("%-12s %s\n", "controller", json_text(j, "controller"));
	cli_print("%-12s %s, %s\n", "token", json_text(j, "token"), n->genesis.symbol);
	cli_print("%-12s %lld blocks\n", "final after", json_number(j, "depth"));
	json_array_foreach (json_object_get(j, "nodes"), i, node) {
		error = json_object_get(node, "error");
		if (error)
			cli_print("%-12s %s: %s\n", i ? "" : "nodes", json_text(node, "url"),
			        json_text(error, "message"));
		else
			cli_print("%-12s %s: block %lld, %lld s ago, base fee %s wei\n",
			        i ? "" : "nodes", json_text(node, "url"),
			        json_number(node, "block"),
			        (long long)wall_seconds(clock_wall()) - json_number(node, "time"),
			        json_text(node, "baseFee"));
	}
	if (amount_parse(str_of(json_text(j, "deposited")), &a)) {
		amount_format_display(a, n->genesis.decimals, text);
		cli_print("%-12s %s %s\n", "deposited", text, n->genesis.symbol);
	}
	if (json_object_get(j, "account"))
		cli_print("%-12s %s has %s wei of the chain's coin\n", "wallet",
		        json_text(j, "account"), json_text(j, "coin"));
}

int cmd_chain_status(struct cli *c)
{
	json_t *j OWN(json_own) = json_object();
	struct network_file n;
	struct err e;

	if (!network_load(c, &n, &e))
		return cli_fail(c, &e);
	if (!n.chain_id) {
		FAIL(&e, STATE, "the network %s has the embedded ledger: there is no chain",
		        n.name);
		return cli_fail(c, &e);
	}
	if (!gather(c, &n, j, &e)) {
		/* What is known of the nodes tells why. */
		if (!c->json)
			show(&n, j);
		return cli_fail(c, &e);
	}
	if (c->json)
		cli_print_json(json_incref(j));
	else
		show(&n, j);
	return 0;
}
