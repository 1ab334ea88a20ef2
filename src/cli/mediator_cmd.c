/* mediator_cmd.c - `lilypad mediator`: runs disputed jobs again and rules. */
#include <stdio.h>
#include <unistd.h>

#include "blobs/http_tree.h"
#include "cli/daemon.h"
#include "cli/version.h"
#include "exec/wasm.h"
#include "mediator/mediator.h"

enum { PARALLEL_MAX = 1024 };

/* ---- settings ------------------------------------------------------------------------------------------- */

/* As many runs at once, and as much memory for them, as the machine has. */
static bool limits(const struct settings *s, struct mediator_config *c, struct err *e)
{
	uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES), page = (uint64_t)sysconf(_SC_PAGESIZE);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t parallel, queue;

	TRY(settings_number(s, "mediator.parallel", PARALLEL_MAX, &parallel, e), e);
	TRY(settings_number(s, "mediator.queue", MEDIATOR_CASES_MAX, &queue, e), e);
	TRY(settings_size(s, "mediator.ram", &c->ram, e), e);
	c->parallel = parallel ? (unsigned)parallel : (unsigned)MAX2(cores, 1L);
	c->queue = (unsigned)queue;
	if (c->ram == 0)
		c->ram = pages * page / 4 * 3;
	return true;
}

static bool terms(struct daemon *d, struct mediator_config *c, struct err *e)
{
	const struct settings *s = d->cli->settings;
	const struct genesis *g = &d->network.genesis;
	unsigned fault;

	c->solver = d->solver;
	c->directories[0] = d->directory;
	c->directories_n = 1;
	c->domain = d->domain;
	c->genesis = *g;
	c->version = LILYPAD_VERSION;
	c->collector =
	        (struct mediator_collector){d->blobs, blobs_folder_collect, blobs_folder_compact};
	snprintf(c->engine, sizeof c->engine, "%s", exec_wasm_class());
	TRY(settings_amount(s, "mediator.fee", g->decimals, &c->fee, e), e);
	TRY(settings_span(s, "mediator.keep", &c->keep, e), e);
	TRY(limits(s, c, e), e);
	TRY(daemon_misbehaves(d, &fault, e), e);
	c->fault = (enum mediator_fault)fault;
	return true;
}

/* ---- the daemon ----------------------------------------------------------------------------------------- */

static bool prepare(struct daemon *d, struct mediator **out, struct err *e)
{
	struct mediator_config c = {.confirm_s = daemon_confirm_s(d)};

	TRY(terms(d, &c, e), e);
	TRY(daemon_engine(d, e), e);
	TRY(http_tree_open(&d->loop, d->client, &d->world.blobs, &d->options.tree, e), e);
	TRY(daemon_ledger(d, e), e);
	TRY(mediator_new(&d->world, &c, out, e), e);
	TRY(mediator_start_cursor(*out, &d->options.ledger_cursor, e), e);
	d->options.metrics = mediator_metrics;
	d->options.metrics_ctx = *out;
	return true;
}

int cmd_mediator(struct cli *c)
{
	struct mediator *m = NULL;
	struct daemon d;
	struct role role;
	struct err e;
	int rc;

	if (!daemon_open(&d, c, "mediator", "mediator", mediator_tables,
	            DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT, &e) ||
	        !prepare(&d, &m, &e)) {
		rc = daemon_failed(&d, &e);
	} else {
		role = mediator_role(m);
		rc = daemon_serve(&d, &role);
	}
	daemon_close(&d);
	mediator_free(m);
	return rc;
}
