/* daemon.h - what every daemon is made of: key, store, blocks, network, loop; wired here and only here. */
#ifndef LILYPAD_CLI_DAEMON_H
#define LILYPAD_CLI_DAEMON_H

#include <uv.h>

#include "blobs/folder.h"
#include "cli/cli.h"
#include "cli/notify.h"
#include "host/host.h"
#include "http/client.h"
#include "os/log.h"
#include "store/sqlite.h"

struct daemon {
	struct cli *cli;
	const char *role;
	char dir[CLI_PATH_MAX]; /* STATE/ROLE */
	uv_loop_t loop;
	bool loop_ready;
	bool hosted; /* a host has had the ports */
	struct wallet wallet;
	struct network_file network;
	struct hash domain;
	struct log_os log;
	struct store_sqlite *store;
	struct blobs_folder *blobs;
	char own_blobs[CLI_PATH_MAX + 64]; /* a folder that goes with the process; or "" */
	struct http_client *client;        /* for the adapters */
	struct http_identity identity;
	struct world world;
	struct notify notify;
	struct peer solver, directory;
	struct host_options options; /* filled as far as it is the same for all */
};

enum daemon_parts {
	DAEMON_NETWORK = 1, /* the network in use is loaded, with its peers */
	DAEMON_BLOBS = 2,   /* a blob store under STATE/ROLE/blobs */
	DAEMON_SHARED =
	        4, /* the store is shared with other processes; blobs-PID is this one's own */
	DAEMON_CLIENT = 8 /* an HTTP client for adapters */
};

/* wallet: which key, unless the command line names one; NULL: the one in use. Made when there is none. */
MUST bool daemon_open(struct daemon *d, struct cli *c, const char *role, const char *wallet,
        const struct record *(*const *tables)(void), unsigned parts, struct err *e);
/* The ledger of the network: the embedded one, or the contracts on a chain, which are asked whether they are the
 * right ones. WRONG_LEDGER, UNREACHABLE. */
MUST bool daemon_ledger(struct daemon *d, struct err *e);
/* How long what is in a block takes to be final there, seconds. */
unsigned daemon_confirm_s(const struct daemon *d);
/* The executor, with what it compiled kept in the cache. MISSING_PART: there is no engine here. */
MUST bool daemon_engine(struct daemon *d, struct err *e);
/* What --test-misbehave asks of the role (cli/misbehave.h); 0: nothing. */
MUST bool daemon_misbehaves(struct daemon *d, unsigned *how, struct err *e);
/* Run to the end: host, ready file, exit code. Prints one line with the address. */
int daemon_serve(struct daemon *d, const struct role *role);
/* Its exit code when it could not be opened. HOST_AGAIN, after a second, when that may pass: a peer is not there
 * yet, or it is started anew for want of space and there is still none. */
int daemon_failed(struct daemon *d, const struct err *e);
void daemon_close(struct daemon *d);

#endif
