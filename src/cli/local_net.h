/* local_net.h - a whole network on this machine: keys, genesis, network file, and every role as a process
 * of its own on free loopback ports. */
#ifndef LILYPAD_CLI_LOCAL_NET_H
#define LILYPAD_CLI_LOCAL_NET_H

#include <sys/types.h>

#include "cli/cli.h"

#define LOCAL_PROVIDERS_MAX 16

/* A port of loopback that nothing listens on now. */
MUST bool local_free_port(uint16_t *out, struct err *e);
/* The wallet of the i-th provider, from 0: "provider", "provider-2", … */
void local_provider_name(unsigned i, char out[32]);

struct local_process {
	char role[32];
	pid_t pid;
};

struct local_net {
	struct cli *c;                /* whose places are the network's */
	const char *dir;              /* given to every process as --dir; NULL: the XDG places */
	char file[CLI_PATH_MAX + 32]; /* network.json */
	struct network_file network;
	struct local_process procs[5 + LOCAL_PROVIDERS_MAX];
	size_t n;
	bool background; /* children outlive this process, logs go to files */
};

struct local_plan {
	unsigned providers; /* that are started */
	unsigned
	        wallets; /* providers that the genesis gives tokens to: more may be started later */
	bool background;
	bool chain; /* the ledger is contracts on a chain of its own (`lilypad chain dev`) */
};
/* Makes what is missing and starts everything; returns when every provider's offer stands. On failure
 * what was started is stopped. CONFLICT: the folder has a ledger of the other kind. */
MUST bool local_net_start(struct local_net *l, struct cli *c, const char *dir,
        const struct local_plan *plan, struct err *e);
/* One process of it by its role: "mediator", "directory", "provider", "provider-2", …; misbehave: as a test
 * instrument (cli/misbehave.h), NULL: honest. Returns when it serves. */
MUST bool local_net_begin(
        struct local_net *l, const char *role, const char *misbehave, struct err *e);
/* Stops it; false: it does not run. */
bool local_net_end(struct local_net *l, const char *role);
/* SIGTERM to each, waits, SIGKILL after 5 s. */
void local_net_stop(struct local_net *l);
/* Runs this program with the network's directory; what it says is shown. Gives the exit code. waiting: called
 * every 100 ms until it ends, or NULL. */
MUST bool local_net_run(struct local_net *l, const char *const *args, void (*waiting)(void *ctx),
        void *ctx, int *code, struct err *e);

#endif
