/* network_cmd.c - `lilypad network …`: joining a network, and what is known about it. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "http/client.h"
#include "os/file.h"

enum { NETWORK_TEXT_MAX = 1 << 20 };

static bool is_url(const char *s)
{
	return strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

static bool fetch(const char *url, const char *to, struct err *e)
{
	struct http_call call = {.method = "GET", .url = url, .answer_max = NETWORK_TEXT_MAX};
	struct buf body OWN(buf_done) = {0};
	struct http_answer a;

	buf_init(&body, NETWORK_TEXT_MAX);
	TRY(http_call_sync(NULL, &call, &a, &body, e), e);
	TRY(http_answer_check(&a, e), e);
	TRY(file_write(to, buf_bytes(&body), 0600, e), e);
	return true;
}

static bool import(const struct cli *c, const char *from, const char *name, struct err *e)
{
	char path[CLI_PATH_MAX + 64];
	bool ok;

	if (!is_url(from))
		return network_import(c, from, name, e);
	snprintf(path, sizeof path, "%s/network-%ld.tmp", c->places.cache, (long)getpid());
	TRY(fetch(from, path, e), e);
	ok = network_import(c, path, name, e);
	unlink(path);
	return ok;
}

static void show(const struct network_file *n)
{
	char text[ADDR_TEXT_MAX];
	struct hash domain;
	char hex[HASH_TEXT_MAX];

	network_domain(n, &domain);
	hash_format(&domain, hex);
	addr_format(&n->genesis.operator_, text);
	printf("network    %s\nledger     %s  %s%s\noperator   %s\ndomain     %s\n", n->name,
	        n->ledger_url, n->genesis.name, n->genesis.test ? " (test)" : "", text, hex);
	printf("token      %s, %u decimals\n", n->genesis.symbol, n->genesis.decimals);
	addr_format(&n->solver, text);
	printf("solver     %s  %s\n", n->solver_url, text);
	addr_format(&n->directory, text);
	printf("directory  %s  %s\n", n->directory_url, text);
	for (uint32_t i = 0; i < n->mediators.n; i++) {
		addr_format(&n->mediators.v[i].account, text);
		printf("mediator   %s  %s\n", text, n->mediators.v[i].url);
	}
}

static int show_either(const struct cli *c, const struct network_file *n)
{
	if (c->json)
		cli_print_json(record_to_json(network_file_record(), n));
	else
		show(n);
	return 0;
}

int cmd_network_import(struct cli *c)
{
	const char *name = c->args.positional_n > 1 ? c->args.positional[1] : NULL;
	struct network_file n;
	struct err e;

	if (c->args.positional_n == 0) {
		FAIL(&e, USAGE, "which network? lilypad network import FILE|URL [NAME]");
		return cli_fail(c, &e);
	}
	if (!import(c, c->args.positional[0], name, &e) || !network_load(c, &n, &e))
		return cli_fail(c, &e);
	return show_either(c, &n);
}

int cmd_network_show(struct cli *c)
{
	struct network_file n;
	struct err e;

	if (!network_load(c, &n, &e))
		return cli_fail(c, &e);
	return show_either(c, &n);
}
