/* ledger_cmd.c - `lilypad ledger`, and checking and exporting its journal. */
#include <stdio.h>
#include <unistd.h>

#include "cli/daemon.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "ledger/ledger.h"
#include "ledgerd/ledgerd.h"
#include "os/file.h"

enum { GENESIS_MAX = 65536 };

/* The genesis lies beside the journal; a new ledger is given one. */
static bool read_genesis(const struct cli *c, struct genesis *out, struct err *e)
{
	const char *given = args_get(&c->args, "genesis");
	struct buf text OWN(buf_done) = {0};
	char path[CLI_PATH_MAX + 32];

	buf_init(&text, GENESIS_MAX);
	snprintf(path, sizeof path, "%s/ledger/genesis.json", c->places.state);
	if (access(path, F_OK) != 0) {
		if (!given) {
			FAIL(e, CONFIG, "there is no ledger here: %s is missing", path);
			return err_hint(e,
			        "lilypad ledger --genesis FILE makes one; `lilypad up` does all of it");
		}
		TRY(file_read(given, GENESIS_MAX, &text, e), e);
		TRY(record_parse(genesis_record(), buf_view(&text), out, e), e);
		TRY(file_write(path, buf_bytes(&text), 0644, e), e);
		return true;
	}
	return genesis_read(path, out, e);
}

static bool open_journal(struct daemon *d, struct cli *c, struct genesis *out, struct err *e)
{
	struct genesis g;
	struct hash id;
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	TRY(daemon_open(d, c, "ledger", "operator", ledgerd_tables, 0, e), e);
	TRY(read_genesis(c, &g, e), e);
	if (!addr_eq(&g.operator_, &d->wallet.addr)) {
		addr_format(&g.operator_, a);
		addr_format(&d->wallet.addr, b);
		return FAIL(e, KEY, "the genesis names operator %s, the key here is %s", a, b);
	}
	eip712_hash(genesis_record(), &g, &id);
	eip712_domain_embedded(&id, &d->domain);
	d->options.domain = d->domain;
	*out = g;
	return true;
}

static bool open_ledger(struct daemon *d, struct cli *c, struct ledgerd **out, struct err *e)
{
	struct genesis g;

	TRY(open_journal(d, c, &g, e), e);
	return ledgerd_new(&d->world, &g, out, e);
}

int cmd_ledger(struct cli *c)
{
	struct ledgerd *l = NULL;
	struct daemon d;
	struct role role;
	struct err e;
	int rc;

	if (!open_ledger(&d, c, &l, &e)) {
		rc = daemon_failed(&d, &e);
	} else {
		role = ledgerd_role(l);
		d.options.metrics = ledgerd_metrics;
		d.options.metrics_ctx = l;
		rc = daemon_serve(&d, &role);
	}
	daemon_close(&d);
	ledgerd_free(l);
	return rc;
}

int cmd_ledger_verify(struct cli *c)
{
	struct genesis g;
	struct ledgerd_summary s;
	struct daemon d;
	char head[HASH_TEXT_MAX];
	struct err e;
	int rc = 0;

	if (!open_journal(&d, c, &g, &e) || !ledgerd_verify(&d.world, &g, &s, &e)) {
		rc = cli_fail(c, &e);
	} else {
		hash_format(&s.head, head);
		if (c->json)
			cli_print_json(json_pack("{s:o, s:o, s:I, s:s}", "blocks",
			        json_of_u64(s.blocks), "actions", json_of_u64(s.actions), "time",
			        (json_int_t)s.time.s, "head", head));
		else
			printf("✓ %llu blocks, %llu actions replayed; every link, signature and root holds\n"
			       "✓ balances add up to deposits less withdrawals\n  head %s\n",
			        (unsigned long long)s.blocks, (unsigned long long)s.actions, head);
	}
	daemon_close(&d);
	return rc;
}

static bool print_line(void *ctx, struct str text)
{
	(void)ctx;
	return printf("%.*s\n", STR_ARG(text)) > 0;
}

int cmd_ledger_export(struct cli *c)
{
	struct ledgerd *l = NULL;
	struct daemon d;
	struct err e;
	int rc = 0;

	if (!open_ledger(&d, c, &l, &e) || !ledgerd_export(l, print_line, NULL, &e))
		rc = cli_fail(c, &e);
	daemon_close(&d);
	ledgerd_free(l);
	return rc;
}
