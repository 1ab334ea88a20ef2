/* creator_cmd.c - `lilypad creator`: looks after jobs whose process has gone. */
#include "cli/buy.h"
#include "cli/daemon.h"

int cmd_creator(struct cli *c)
{
	struct creator_config config = {0};
	struct creator *role_state = NULL;
	struct daemon d;
	struct role role;
	unsigned how;
	struct err e;
	int rc;

	config.alive = buy_owner_alive;
	config.ctx = &d;
	config.patient = true;
	if (!daemon_open(&d, c, "creator", NULL, creator_tables,
	            DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT | DAEMON_SHARED, &e) ||
	        !daemon_misbehaves(&d, &how, &e) || !buy_prepare(&d, &config, &e) ||
	        !buy_engine(&d, &config, &e) || !buy_read_on(&d, &config, &e) ||
	        !creator_new(&d.world, &config, &role_state, &e)) {
		rc = daemon_failed(&d, &e);
	} else {
		role = creator_misbehaving(role_state, (enum creator_misbehaviour)how);
		rc = daemon_serve(&d, &role);
	}
	daemon_close(&d);
	creator_free(role_state);
	return rc;
}
