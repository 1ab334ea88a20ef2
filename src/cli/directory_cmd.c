/* directory_cmd.c - `lilypad directory`. */
#include "cli/daemon.h"
#include "directory/directory.h"

static bool prepare(struct daemon *d, struct directory **out, struct err *e)
{
	struct directory_config c = {.domain = d->domain, .genesis = d->network.genesis};

	TRY(settings_size(d->cli->settings, "directory.quota", &c.quota, e), e);
	TRY(settings_span(d->cli->settings, "directory.keep", &c.keep, e), e);
	return directory_new(&d->world, &c, out, e);
}

int cmd_directory(struct cli *c)
{
	struct directory *x = NULL;
	struct daemon d;
	struct role role;
	struct err e;
	int rc;

	if (!daemon_open(&d, c, "directory", args_get(&c->args, "wallet") ? NULL : "directory",
	            directory_tables, DAEMON_NETWORK | DAEMON_BLOBS, &e) ||
	        !prepare(&d, &x, &e)) {
		rc = cli_fail(c, &e);
	} else {
		role = directory_role(x);
		rc = daemon_serve(&d, &role);
	}
	daemon_close(&d);
	directory_free(x);
	return rc;
}
