/* local_net.h - a whole network on this machine: keys, genesis, network file, and every role as a process
 * of its own on free loopback ports. */
#ifndef LILYPAD_CLI_LOCAL_NET_H
#define LILYPAD_CLI_LOCAL_NET_H

#include <sys/types.h>

#include "cli/cli.h"

#define LOCAL_PROVIDERS_MAX 16

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

/* Makes what is missing and starts everything; returns when every provider's offer stands. On failure
 * what was started is stopped. */
MUST bool local_net_start(struct local_net *l, struct cli *c, const char *dir, unsigned providers,
        bool background, struct err *e);
/* SIGTERM to each, waits, SIGKILL after 5 s. */
void local_net_stop(struct local_net *l);
/* Runs this program with the network's directory; what it says is shown. Gives the exit code. */
MUST bool local_net_run(struct local_net *l, const char *const *args, int *code, struct err *e);

#endif
