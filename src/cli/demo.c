/* demo.c - `lilypad demo`: the whole market on this machine in a temporary directory, one honest job from
 * offer to receipt, and every token accounted for. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/local_net.h"
#include "cli/remote.h"
#include "cli/remove.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"

enum { PARTIES = 5, OUTPUT_MAX = 1 << 20 };

struct party {
	const char *name;
	struct addr addr;
	struct amount before, after;
};

struct demo {
	struct cli *c;
	struct local_net net;
	char root[256];
	struct party parties[PARTIES];
	struct mono start;
};

static double since(const struct demo *d)
{
	return (double)mono_since(clock_mono(), d->start).ms / 1000;
}

static void step(struct demo *d, const char *text)
{
	cli_say(d->c, "[%5.2fs] %s", since(d), text);
}

/* ---- money ------------------------------------------------------------------------------------------ */

static bool balance(struct demo *d, const struct addr *who, struct amount *out, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct amount locked;

	TRY(remote_account(d->net.c, d->net.network.ledger_url, who, &j, e), e);
	TRY(account_amount(j, "free", out, e), e);
	TRY(account_amount(j, "locked", &locked, e), e);
	if (!amount_add(*out, locked, out))
		return FAIL(e, PEER, "the ledger's answer is not understood");
	return true;
}

static bool balances(struct demo *d, bool after, struct err *e)
{
	for (size_t i = 0; i < PARTIES; i++)
		TRY(balance(d, &d->parties[i].addr,
		            after ? &d->parties[i].after : &d->parties[i].before, e),
		        e);
	return true;
}

static bool name_parties(struct demo *d, struct err *e)
{
	static const char *const names[PARTIES] = {
	        "job creator", "provider", "solver", "mediator", "operator"};
	static const char *const wallets[PARTIES] = {
	        NULL, "provider", "solver", "mediator", "operator"};

	for (size_t i = 0; i < PARTIES; i++) {
		struct wallet w;

		TRY(wallet_open(d->net.c, wallets[i], false, &w, e), e);
		d->parties[i].name = names[i];
		d->parties[i].addr = w.addr;
		wallet_close(&w);
	}
	return true;
}

static void show_money(struct demo *d)
{
	unsigned dec = d->net.network.genesis.decimals;
	const char *symbol = d->net.network.genesis.symbol;

	cli_say(d->c, "\n  %-12s %-44s %22s %22s", "", "account", "before", "after");
	for (size_t i = 0; i < PARTIES; i++) {
		char who[ADDR_TEXT_MAX], before[AMOUNT_DEC_MAX + 2], after[AMOUNT_DEC_MAX + 2];

		addr_format(&d->parties[i].addr, who);
		amount_format_display(d->parties[i].before, dec, before);
		amount_format_display(d->parties[i].after, dec, after);
		cli_say(d->c, "  %-12s %-44s %22s %22s %s", d->parties[i].name, who, before, after,
		        symbol);
	}
}

/* Nothing came from nowhere: what they hold together is what they held before. */
static bool conserved(const struct demo *d, struct err *e)
{
	struct amount before = amount_of(0), after = amount_of(0);

	for (size_t i = 0; i < PARTIES; i++) {
		if (!amount_add(before, d->parties[i].before, &before) ||
		        !amount_add(after, d->parties[i].after, &after))
			return FAIL(e, TAMPERED, "a sum of balances overflows");
	}
	if (!amount_eq(before, after))
		return FAIL(e, TAMPERED, "the parties hold another sum than before");
	return true;
}

/* ---- the job ---------------------------------------------------------------------------------------- */

static bool run_job(struct demo *d, struct err *e)
{
	char out[300], receipt[320];
	const char *run[] = {"run", "cowsay", "-i", "Message=Computation, bought and paid for.",
	        "--yes", "--output", out, NULL};
	const char *verify[] = {"verify", receipt, NULL};
	int code;

	snprintf(out, sizeof out, "%s/output", d->root);
	snprintf(receipt, sizeof receipt, "%s/receipt.json", out);
	step(d, "lilypad run cowsay -i Message=…");
	TRY(local_net_run(&d->net, run, &code, e), e);
	if (code != 0)
		return FAIL(e, INTERNAL,
		        "the job ended with exit code %d; %s/state/*.log tells more", code,
		        d->root);
	step(d, "lilypad verify receipt.json");
	TRY(local_net_run(&d->net, verify, &code, e), e);
	if (code != 0)
		return FAIL(e, TAMPERED, "the receipt does not verify");
	return true;
}

static bool play(struct demo *d, struct err *e)
{
	TRY(name_parties(d, e), e);
	TRY(balances(d, false, e), e);
	TRY(run_job(d, e), e);
	TRY(balances(d, true, e), e);
	show_money(d);
	return conserved(d, e);
}

static void report(struct demo *d)
{
	struct amount paid = amount_of(0);
	char text[AMOUNT_DEC_MAX + 2];

	if (!amount_sub(d->parties[0].before, d->parties[0].after, &paid))
		paid = amount_of(0);
	amount_format_display(paid, d->net.network.genesis.decimals, text);
	if (d->c->json)
		cli_print_json(json_pack("{s:s, s:o, s:f}", "schema", "lilypad.demo/1", "paid",
		        json_of_amount(paid), "seconds", since(d)));
	cli_say(d->c,
	        "\n  The job creator paid %s %s to the provider; the bonds went back; all sums agree.",
	        text, d->net.network.genesis.symbol);
	cli_say(d->c, "[%5.2fs] done. `lilypad up` keeps such a network running.", since(d));
}

int cmd_demo(struct cli *c)
{
	struct demo *d = calloc(1, sizeof *d);
	struct cli inner = *c;
	struct err e;
	int rc = 0;
	bool ok;

	assert(d);
	d->c = c;
	d->start = clock_mono();
	snprintf(d->root, sizeof d->root, "%s/lilypad-demo-XXXXXX",
	        getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(d->root)) {
		FAIL(&e, IO, "no temporary directory like %s can be made", d->root);
		free(d);
		return cli_fail(c, &e);
	}
	step(d, "keys, genesis; ledger, directory, solver and provider start as processes of their own");
	ok = places_find(d->root, &inner.places, &e) &&
	     local_net_start(&d->net, &inner, d->root, 1, false, &e);
	if (ok) {
		step(d, "the network is up; the provider's offer stands");
		ok = play(d, &e);
		local_net_stop(&d->net);
	}
	if (!ok)
		rc = cli_fail(c, &e);
	else
		report(d);
	if (args_has(&c->args, "keep") || !ok)
		cli_say(c, "  files are in %s", d->root);
	else if (!remove_all(d->root, &e))
		rc = cli_fail(c, &e);
	free(d);
	return rc;
}
