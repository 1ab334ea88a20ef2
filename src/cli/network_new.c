/* network_new.c - `lilypad network new`: the genesis of a ledger and the signed file of a network, for daemons on
 * as many machines as there are. */
#include "cli/network_new.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"

static bool missing(const char *option, const char *example, struct err *e)
{
	FAIL(e, USAGE, "--%s is missing", option);
	return err_hint(e, "%s", example);
}

static bool url_of(const struct args *a, const char *option, char out[URL_MAX + 1], struct err *e)
{
	const char *v = args_get(a, option);

	if (!v)
		return missing(
		        option, "an address that every machine reaches: http://HOST:PORT", e);
	if (strncmp(v, "http://", 7) != 0 && strncmp(v, "https://", 8) != 0)
		return FAIL(e, USAGE, "--%s is \"%.100s\", which is no http:// or https:// URL",
		        option, v);
	if (strlen(v) > URL_MAX || v[strlen(v) - 1] == '/')
		return FAIL(e, USAGE, "--%s has at most %d bytes and no slash at its end", option,
		        URL_MAX);
	snprintf(out, URL_MAX + 1, "%s", v);
	return true;
}

static bool account_of(const struct args *a, const char *option, struct addr *out, struct err *e)
{
	const char *v = args_get(a, option);

	if (!v)
		return missing(option,
		        "`lilypad wallet new NAME` on the daemon's machine makes and shows it", e);
	TRY(addr_parse(str_of(v), out, e), e);
	return true;
}

static bool seconds(const struct args *a, const char *option, uint64_t standard, struct btime *out,
        struct err *e)
{
	const char *v = args_get(a, option);
	struct span s = span_s((int64_t)standard);

	if (v && (!span_parse(str_of(v), &s) || s.ms < 1000 || s.ms % 1000))
		return FAIL(e, USAGE,
		        "--%s is \"%.40s\"; it must be whole seconds such as 60s or 7d", option, v);
	out->s = (uint64_t)s.ms / 1000;
	return true;
}

/* "ACCOUNT=TOKENS" */
static bool allocate(struct genesis *g, const char *text, struct err *e)
{
	struct allocation *to = &g->allocations.v[g->allocations.n];
	struct str tokens, who = str_cut(str_of(text), '=', &tokens);

	if (g->allocations.n == COUNT(g->allocations.v))
		return FAIL(e, USAGE, "more than %zu allocations", COUNT(g->allocations.v));
	TRY(addr_parse(who, &to->account, e), e);
	if (!amount_parse_display(tokens, g->decimals, &to->amount) ||
	        !amount_fits_document(to->amount))
		return FAIL(e, USAGE,
		        "--allocate %.100s: what follows = must be an amount of tokens", text);
	g->allocations.n++;
	return true;
}

bool network_new_genesis(const struct cli *c, const char *name, const struct addr *operator_,
        struct genesis *g, struct err *e)
{
	const struct args *a = &c->args;
	const char *symbol = args_get(a, "symbol"), *decimals = args_get(a, "decimals"), *to;
	uint64_t d = 18;

	if (decimals && !str_u64(str_of(decimals), 36, &d))
		return FAIL(e, USAGE, "--decimals is \"%.20s\"; it must be 0 to 36", decimals);
	*g = (struct genesis){.operator_ = *operator_,
	        .decimals = (uint8_t)d,
	        .test = args_has(a, "test"),
	        .time.s = wall_seconds(clock_wall())};
	if (strlen(name) >= sizeof g->name || (symbol && strlen(symbol) >= sizeof g->symbol))
		return FAIL(e, USAGE, "the name has at most %zu bytes, the symbol %zu",
		        sizeof g->name - 1, sizeof g->symbol - 1);
	snprintf(g->name, sizeof g->name, "%s", name);
	snprintf(g->symbol, sizeof g->symbol, "%s", symbol ? symbol : "LILY");
	TRY(seconds(a, "min", g->test ? 5 : 60, &g->min, e), e);
	TRY(seconds(a, "life", 7 * 86400, &g->life, e), e);
	TRY(seconds(a, "unbonding", 8 * 86400, &g->unbonding, e), e);
	if (!g->test && g->min.s < 60)
		return FAIL(
		        e, CLOCKS, "--min is below 60s, which only a test ledger may have (4.2)");
	if (g->unbonding.s <= g->life.s)
		return FAIL(e, CLOCKS, "--unbonding must be longer than --life (5.16)");
	for (size_t i = 0; (to = args_nth(a, "allocate", i)) != NULL; i++)
		TRY(allocate(g, to, e), e);
	return true;
}

/* One that serves already: other addresses, the same ledger. */
static bool known_genesis(
        const char *path, const struct addr *operator_, struct genesis *g, struct err *e)
{
	char is[ADDR_TEXT_MAX], must[ADDR_TEXT_MAX];

	TRY(genesis_read(path, g, e), e);
	if (addr_eq(&g->operator_, operator_))
		return true;
	addr_format(operator_, is);
	addr_format(&g->operator_, must);
	FAIL(e, KEY,
	        "the key here is %s; the ledger's operator is %s, who alone signs its network file",
	        is, must);
	return err_hint(e, "lilypad network new … -w NAME");
}

/* "ACCOUNT=URL", or an account that is reached through the ledger only. */
static bool add_mediator(struct network_file *n, const char *text, struct err *e)
{
	struct network_mediator *m = &n->mediators.v[n->mediators.n];
	struct str url, who = str_cut(str_of(text), '=', &url);

	if (n->mediators.n == MEDIATORS_MAX)
		return FAIL(e, USAGE, "more than %d mediators", MEDIATORS_MAX);
	TRY(addr_parse(who, &m->account, e), e);
	if (url.n > URL_MAX)
		return FAIL(e, USAGE, "--mediator: an URL has at most %d bytes", URL_MAX);
	memcpy(m->url, url.p, url.n);
	m->url[url.n] = '\0';
	n->mediators.n++;
	return true;
}

bool network_new_parties(
        const struct cli *c, const char *name, struct network_file *n, struct err *e)
{
	const struct args *a = &c->args;
	const char *m;

	if (!*name || strlen(name) >= sizeof n->name || strpbrk(name, "/\\ ") || name[0] == '.')
		return FAIL(e, USAGE, "\"%.80s\" is no name for a network", name);
	snprintf(n->name, sizeof n->name, "%s", name);
	TRY(url_of(a, "solver-url", n->solver_url, e), e);
	TRY(account_of(a, "solver", &n->solver, e), e);
	TRY(url_of(a, "directory-url", n->directory_url, e), e);
	TRY(account_of(a, "directory", &n->directory, e), e);
	for (size_t i = 0; (m = args_nth(a, "mediator", i)) != NULL; i++)
		TRY(add_mediator(n, m, e), e);
	return true;
}

static bool make_network(const struct cli *c, const char *name, const struct addr *operator_,
        struct network_file *n, struct err *e)
{
	const char *known = args_get(&c->args, "genesis");

	TRY(url_of(&c->args, "ledger-url", n->ledger_url, e), e);
	TRY(network_new_parties(c, name, n, e), e);
	return known ? known_genesis(known, operator_, &n->genesis, e)
	             : network_new_genesis(c, name, operator_, &n->genesis, e);
}

static bool absent(const char *path, struct err *e)
{
	if (access(path, F_OK) != 0)
		return true;
	return FAIL(e, CONFLICT, "%s is there already", path);
}

static bool write_all(const struct cli *c, const struct network_file *n, struct wallet *w,
        char file[CLI_PATH_MAX], char genesis[CLI_PATH_MAX], struct err *e)
{
	const char *out = args_get(&c->args, "output");
	struct signer signer = wallet_signer(w);
	bool known = args_has(&c->args, "genesis");

	if (out)
		snprintf(file, CLI_PATH_MAX, "%.1000s", out);
	else
		snprintf(file, CLI_PATH_MAX, "%.63s.network.json", n->name);
	snprintf(genesis, CLI_PATH_MAX, "%.63s.genesis.json", n->name);
	TRY(absent(file, e), e);
	TRY(known || absent(genesis, e), e);
	TRY(known || genesis_write(&n->genesis, genesis, e), e);
	return network_write(file, n, &signer, e);
}

static void say(const struct cli *c, const char *file, const char *genesis)
{
	const char *g = args_get(&c->args, "genesis");

	if (c->json) {
		cli_print_json(
		        json_pack("{s:s, s:s}", "network", file, "genesis", g ? g : genesis));
		return;
	}
	cli_say(c, "%s  for every machine: lilypad network import %s", file, file);
	if (!g)
		cli_say(c, "%s  for the ledger's: lilypad ledger --genesis %s", genesis, genesis);
}

int cmd_network_new(struct cli *c)
{
	const char *named = args_get(&c->args, "wallet");
	char file[CLI_PATH_MAX], genesis[CLI_PATH_MAX];
	struct network_file n = {0};
	struct wallet w = {0};
	struct err e;
	bool ok;

	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "what is its name? lilypad network new NAME --ledger-url URL …");
		return cli_fail(c, &e);
	}
	/* The ledger's daemon opens the same key. */
	ok = wallet_open(c, named ? NULL : "operator", true, &w, &e) &&
	     make_network(c, c->args.positional[0], &w.addr, &n, &e) &&
	     write_all(c, &n, &w, file, genesis, &e);
	wallet_close(&w);
	if (!ok)
		return cli_fail(c, &e);
	say(c, file, genesis);
	return 0;
}
