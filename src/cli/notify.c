/* notify.c - telling an operator by a command of his. */
#include "cli/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/warn.h"

enum { WARNING_MAX = 4096 };

void notify_init(struct notify *n, uv_loop_t *loop, const struct logger *log, const char *command)
{
	*n = (struct notify){.loop = loop, .log = log, .command = command};
}

static void on_closed(uv_handle_t *h)
{
	struct notify *n = h->data;

	n->busy = false;
}

static void on_exit_(uv_process_t *p, int64_t status, int signal)
{
	struct notify *n = p->data;

	if (status || signal)
		log_line(n->log, LOG_ODD, "notify.command ended with status %lld, signal %d",
		        (long long)status, signal);
	uv_close((uv_handle_t *)p, on_closed);
}

static void run(struct notify *n, const char *warning)
{
	char variable[WARNING_MAX + 32], path[4096], *env[3] = {variable, path, NULL};
	char shell[] = "/bin/sh", flag[] = "-c";
	char *args[] = {shell, flag, (char *)(uintptr_t)n->command, NULL};
	uv_stdio_container_t io[3] = {
	        {.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_INHERIT_FD, .data.fd = 2}};
	uv_process_options_t o = {.file = shell,
	        .args = args,
	        .env = env,
	        .stdio = io,
	        .stdio_count = 3,
	        .exit_cb = on_exit_};
	int rc;

	snprintf(variable, sizeof variable, "LILYPAD_WARNING=%s", warning);
	snprintf(path, sizeof path, "PATH=%.4000s",
	        getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	n->busy = true;
	n->process.data = n;
	rc = uv_spawn(n->loop, &n->process, &o);
	if (rc == 0) {
		uv_unref((uv_handle_t *)&n->process);
		return;
	}
	log_line(n->log, LOG_ODD, "notify.command cannot be run: %s", uv_strerror(rc));
	uv_close((uv_handle_t *)&n->process, on_closed);
}

void notify_on_emit(void *ctx, const char *name, struct str data)
{
	struct notify *n = ctx;
	char text[WARNING_MAX];

	if (strcmp(name, WARNING_EVENT) != 0 || !*n->command || n->busy || data.n >= sizeof text)
		return;
	memcpy(text, data.p, data.n);
	text[data.n] = '\0';
	run(n, text);
}
