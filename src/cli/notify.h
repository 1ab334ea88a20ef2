/* notify.h - the command that an operator wants run when a daemon warns (notify.command). */
#ifndef LILYPAD_CLI_NOTIFY_H
#define LILYPAD_CLI_NOTIFY_H

#include <uv.h>

#include "port/port.h"

struct notify {
	uv_loop_t *loop;
	const struct logger *log;
	const char *command; /* for /bin/sh; empty: none */
	bool busy;           /* one at a time: what comes meanwhile is in the log only */
	uv_process_t process;
};

void notify_init(struct notify *n, uv_loop_t *loop, const struct logger *log, const char *command);
/* For host_options.on_emit, with a struct notify for ctx: runs the command for every warning, which it finds as JSON
 * in its environment, in LILYPAD_WARNING. */
void notify_on_emit(void *ctx, const char *name, struct str data);

#endif
