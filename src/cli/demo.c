/* demo.c - `lilypad demo`: the whole market on this machine in a temporary directory. An honest job from offer
 * to receipt; then a provider that lies, the check that notices it, and the mediator that rules. */
#include "cli/demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/remote.h"
#include "cli/remove.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"

enum { RUN_ARGS_MAX = 24 };

static const char *const party_names[DEMO_PARTIES] = {
        "job creator", "provider", "2nd provider", "mediator", "solver", "sink"};

static double since(const struct demo *d)
{
	return (double)mono_since(clock_mono(), d->start).ms / 1000;
}

void demo_step(struct demo *d, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	cli_say(d->c, "[%5.2fs] %s", since(d), text);
}

/* ---- money ------------------------------------------------------------------------------------------ */

static bool balance(struct demo *d, const struct addr *who, struct amount *out, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct amount locked;

	TRY(remote_account(d->net.c, who, &j, e), e);
	TRY(account_amount(j, "free", out, e), e);
	TRY(account_amount(j, "locked", &locked, e), e);
	if (!amount_add(*out, locked, out))
		return FAIL(e, PEER, "the ledger's answer is not understood");
	return true;
}

bool demo_money(struct demo *d, struct demo_money *out, struct err *e)
{
	for (unsigned i = 0; i < DEMO_PARTIES; i++)
		TRY(balance(d, &d->addr[i], &out->of[i], e), e);
	return true;
}

static bool find_parties(struct demo *d, struct err *e)
{
	static const char *const wallets[DEMO_PARTIES] = {
	        NULL, "provider", DEMO_SECOND_NAME, "mediator", "solver", NULL};

	for (unsigned i = 0; i < DEMO_SINK; i++) {
		struct wallet w;

		TRY(wallet_open(d->net.c, wallets[i], false, &w, e), e);
		d->addr[i] = w.addr;
		wallet_close(&w);
	}
	return true; /* account zero is the sink */
}

const char *demo_change(const struct demo *d, const struct demo_money *before,
        const struct demo_money *after, enum demo_party who, char out[DEMO_AMOUNT_MAX])
{
	struct amount a = before->of[who], b = after->of[who], change = {{{0}}};
	bool less = amount_cmp(b, a) < 0;
	char text[AMOUNT_DEC_MAX + 2];
	bool ok = less ? amount_sub(a, b, &change) : amount_sub(b, a, &change);

	assert(ok);
	amount_format_display(change, d->net.network.genesis.decimals, text);
	snprintf(out, DEMO_AMOUNT_MAX, "%s%s",
	        amount_is_zero(change) ? ""
	        : less                 ? "-"
	                               : "+",
	        text);
	return out;
}

void demo_show_money(
        struct demo *d, const struct demo_money *before, const struct demo_money *after)
{
	unsigned dec = d->net.network.genesis.decimals;

	cli_say(d->c, "\n  %-12s %-42s %24s %24s %24s", d->net.network.genesis.symbol, "account",
	        "before", "after", "change");
	for (unsigned i = 0; i < DEMO_PARTIES; i++) {
		char who[ADDR_TEXT_MAX], x[AMOUNT_DEC_MAX + 2], y[AMOUNT_DEC_MAX + 2];
		char change[DEMO_AMOUNT_MAX];

		addr_format(&d->addr[i], who);
		amount_format_display(before->of[i], dec, x);
		amount_format_display(after->of[i], dec, y);
		cli_say(d->c, "  %-12s %-42s %24s %24s %24s", party_names[i],
		        i == DEMO_SINK ? "(nobody's)" : who, x, y,
		        demo_change(d, before, after, (enum demo_party)i, change));
	}
	cli_say(d->c, "%s", "");
}

bool demo_conserved(const struct demo_money *before, const struct demo_money *after, struct err *e)
{
	struct amount x = amount_of(0), y = amount_of(0);

	for (unsigned i = 0; i < DEMO_PARTIES; i++) {
		if (!amount_add(x, before->of[i], &x) || !amount_add(y, after->of[i], &y))
			return FAIL(e, TAMPERED, "a sum of balances overflows");
	}
	if (!amount_eq(x, y))
		return FAIL(e, TAMPERED, "the parties hold another sum than before");
	return true;
}

/* ---- jobs ------------------------------------------------------------------------------------------- */

bool demo_run(struct demo *d, const char *const *args, void (*waiting)(void *ctx), void *ctx,
        int *code, struct err *e)
{
	const char *all[RUN_ARGS_MAX] = {"run"};
	size_t n = 1;

	for (; *args && n < RUN_ARGS_MAX - 1; args++)
		all[n++] = *args;
	all[n] = NULL;
	return local_net_run(&d->net, all, waiting, ctx, code, e);
}

/* ---- the honest job --------------------------------------------------------------------------------- */

static bool verify(struct demo *d, const char *out, struct err *e)
{
	char receipt[320];
	const char *args[] = {"verify", receipt, NULL, d->net.network.ledger_url, NULL};
	int code;

	snprintf(receipt, sizeof receipt, "%s/receipt.json", out);
	/* On a chain a node is asked for its blocks. */
	if (d->net.network.chain_id)
		args[2] = "--rpc";
	demo_step(d, "lilypad verify receipt.json%s%s", args[2] ? " --rpc " : "",
	        args[2] ? args[3] : "");
	TRY(local_net_run(&d->net, args, NULL, NULL, &code, e), e);
	return code == 0 || FAIL(e, TAMPERED, "the receipt does not verify");
}

static bool honest_job(struct demo *d, struct err *e)
{
	char out[300];
	const char *run[] = {"cowsay", "-i", "Message=Computation, bought and paid for.", "--yes",
	        "--output", out, NULL};
	int code;

	snprintf(out, sizeof out, "%s/output", d->root);
	demo_step(d, "lilypad run cowsay -i Message=…");
	TRY(demo_run(d, run, NULL, NULL, &code, e), e);
	if (code != 0)
		return FAIL(e, INTERNAL,
		        "the job ended with exit code %d; %s/state/*.log tells more", code,
		        d->root);
	return verify(d, out, e);
}

static void tell_honest(struct demo *d, const struct demo_money *a, const struct demo_money *b)
{
	char x[DEMO_AMOUNT_MAX];

	demo_show_money(d, a, b);
	cli_say(d->c, "  The job creator paid the provider %s %s; both bonds went back.\n",
	        demo_change(d, a, b, DEMO_HONEST, x) + 1, d->net.network.genesis.symbol);
}

/* ---- the provider that lies --------------------------------------------------------------------------- */

static bool false_job(struct demo *d, struct err *e)
{
	char who[ADDR_TEXT_MAX], out[300];
	const char *run[] = {"cowsay", "-i", "Message=What do you say?", "--yes", "--target", who,
	        "--check", "always", "--output", out, NULL};
	int code;

	demo_step(d, "a second provider starts; it sells outputs that are not the job's");
	TRY(local_net_begin(&d->net, DEMO_SECOND_NAME, "wrong-output", e), e);
	addr_format(&d->addr[DEMO_SECOND], who);
	snprintf(out, sizeof out, "%s/false", d->root);
	demo_step(d, "lilypad run cowsay --target %.10s… --check always", who);
	TRY(demo_run(d, run, NULL, NULL, &code, e), e);
	local_net_end(&d->net, DEMO_SECOND_NAME);
	if (code != err_exit(E_REJECTED))
		return FAIL(e, INTERNAL,
		        "the false result ended with exit code %d, not with %d; %s/state/*.log tells more",
		        code, err_exit(E_REJECTED), d->root);
	return verify(d, out, e);
}

static void tell_false(struct demo *d, const struct demo_money *a, const struct demo_money *b)
{
	const char *symbol = d->net.network.genesis.symbol;
	char x[DEMO_AMOUNT_MAX];

	demo_show_money(d, a, b);
	cli_say(d->c,
	        "  The job creator ran the job again, saw another output and opened a dispute;");
	cli_say(d->c, "  the mediator ran it a third time and ruled against the provider.");
	cli_say(d->c, "  The provider lost its bond: %s %s.", demo_change(d, a, b, DEMO_SECOND, x),
	        symbol);
	cli_say(d->c, "  The job creator paid nothing and got the damages: %s %s.",
	        demo_change(d, a, b, DEMO_BUYER, x), symbol);
	cli_say(d->c, "  The mediator earned its fee: %s %s.",
	        demo_change(d, a, b, DEMO_MEDIATOR, x), symbol);
	if (!amount_eq(a->of[DEMO_SINK], b->of[DEMO_SINK]))
		cli_say(d->c, "  What is left of the bond nobody can ever spend: %s %s.",
		        demo_change(d, a, b, DEMO_SINK, x), symbol);
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static bool play(struct demo *d, struct err *e)
{
	struct demo_money start, paid, ruled;

	TRY(find_parties(d, e), e);
	if (args_has(&d->c->args, "adversarial"))
		return demo_adversarial(d, e);
	TRY(demo_money(d, &start, e), e);
	TRY(honest_job(d, e), e);
	TRY(demo_money(d, &paid, e), e);
	tell_honest(d, &start, &paid);
	TRY(false_job(d, e), e);
	TRY(demo_money(d, &ruled, e), e);
	tell_false(d, &paid, &ruled);
	TRY(demo_conserved(&start, &paid, e), e);
	TRY(demo_conserved(&paid, &ruled, e), e);
	if (d->c->json) {
		char x[DEMO_AMOUNT_MAX], y[DEMO_AMOUNT_MAX];

		cli_print_json(json_pack("{s:s, s:s, s:s, s:f}", "schema", "lilypad.demo/2",
		        "honest", demo_change(d, &start, &paid, DEMO_HONEST, x), "cheat",
		        demo_change(d, &paid, &ruled, DEMO_SECOND, y), "seconds", since(d)));
	}
	return true;
}

int cmd_demo(struct cli *c)
{
	const struct local_plan plan = {
	        .providers = 1, .wallets = 2, .chain = args_has(&c->args, "chain")};
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
	demo_step(d,
	        "keys, genesis; ledger, directory, solver, mediator and provider start as processes of their own");
	ok = places_find(d->root, &inner.places, &e) &&
	     local_net_start(&d->net, &inner, d->root, &plan, &e);
	if (ok) {
		demo_step(d, "the network is up; the provider's offer stands");
		ok = play(d, &e);
		local_net_stop(&d->net);
	}
	if (!ok)
		rc = cli_fail(c, &e);
	else
		demo_step(d, "done. All sums agree. `lilypad up` keeps such a network running.");
	if (args_has(&c->args, "keep") || !ok)
		cli_say(c, "  files are in %s", d->root);
	else if (!remove_all(d->root, &e))
		rc = cli_fail(c, &e);
	free(d);
	return rc;
}
