/* directory_cmd.c - `lilypad directory`. */
#include "cli/daemon.h"
#include "cli/version.h"
#include "directory/directory.h"

static bool prepare(struct daemon *d, struct directory **out, struct err *e)
{
	struct directory_config c = {.domain = d->domain,
	        .genesis = d->network.genesis,
	        .operator_ = d->network.genesis.operator_,
	        .version = LILYPAD_VERSION,
	        .collector = {d->blobs, blobs_folder_collect, blobs_folder_compact}};

	TRY(settings_size(d->cli->settings, "directory.quota", &c.quota, e), e);
	TRY(settings_span(d->cli->settings, "directory.keep", &c.keep, e), e);
	TRY(daemon_ledger(d, e), e);
	/* Mediators read an output once the ledger shows a check: the events of all are wanted. */
	d->options.ledger_all = true;
	TRY(directory_new(&d->world, &c, out, e), e);
	return directory_start_cursor(*out, &d->options.ledger_cursor, e);
}

int cmd_directory(struct cli *c)
{
	struct directory *x = NULL;
	struct daemon d;
	struct role role;
	unsigned how;
	struct err e;
	int rc;

	if (!daemon_open(&d, c, "directory", "directory", directory_tables,
	            DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT, &e) ||
	        !daemon_misbehaves(&d, &how, &e) || !prepare(&d, &x, &e)) {
		rc = daemon_failed(&d, &e);
	} else {
		role = directory_misbehaving(x, (enum directory_misbehaviour)how);
		rc = daemon_serve(&d, &role);
	}
	daemon_close(&d);
	directory_free(x);
	return rc;
}
