/* relay_cmd.c - `lilypad relay`: carries actions for accounts that have no gas. */
#include "cli/daemon.h"
#include "cli/remote.h"
#include "codec/hex.h"
#include "relay/relay.h"

struct listed {
	struct addr v[RELAY_ACCOUNTS_MAX];
	size_t n;
};

static bool accounts(const struct settings *s, struct listed *out, struct err *e)
{
	struct str rest = str_of(settings_text(s, "relay.accounts"));

	while (rest.n) {
		struct str one = str_cut(rest, ',', &rest);

		if (out->n == RELAY_ACCOUNTS_MAX)
			return FAIL(e, CONFIG, "relay.accounts has more than %d accounts",
			        RELAY_ACCOUNTS_MAX);
		if (!addr_parse(one, &out->v[out->n++], e)) {
			err_prefix(e, "relay.accounts: ");
			return false;
		}
	}
	return true;
}

static bool prepare(struct daemon *d, struct listed *l, struct relay **out, struct err *e)
{
	const struct settings *s = d->cli->settings;
	struct relay_config c = {.accounts = l->v};
	uint64_t n;

	if (!d->network.chain_id) {
		FAIL(e, STATE, "the network %s has the embedded ledger, where nothing costs gas",
		        d->network.name);
		return err_hint(e, "lilypad network import FILE of a network on a chain");
	}
	TRY(accounts(s, l, e), e);
	c.accounts_n = l->n;
	TRY(settings_number(s, "relay.quota", UINT32_MAX, &n, e), e);
	c.quota = (uint32_t)n;
	TRY(settings_number(s, "relay.quota-all", UINT32_MAX, &n, e), e);
	c.quota_all = (uint32_t)n;
	TRY(settings_number(s, "relay.queue", RELAY_QUEUE_MAX, &n, e), e);
	c.queue = (uint32_t)n;
	TRY(remote_head(d->cli, &d->options.ledger_cursor, NULL, e), e);
	TRY(daemon_ledger(d, e), e);
	TRY(relay_new(&d->world, &c, out, e), e);
	d->options.metrics = relay_metrics;
	d->options.metrics_ctx = *out;
	return true;
}

int cmd_relay(struct cli *c)
{
	static struct listed list;
	struct relay *r = NULL;
	struct daemon d;
	struct role role;
	struct err e;
	int rc;

	list.n = 0;
	if (!daemon_open(
	            &d, c, "relay", "relay", relay_tables, DAEMON_NETWORK | DAEMON_CLIENT, &e) ||
	        !prepare(&d, &list, &r, &e)) {
		rc = daemon_failed(&d, &e);
	} else {
		role = relay_role(r);
		rc = daemon_serve(&d, &role);
	}
	daemon_close(&d);
	relay_free(r);
	return rc;
}
