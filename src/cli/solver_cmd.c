/* solver_cmd.c - `lilypad solver`. */
#include "cli/daemon.h"
#include "solver/solver.h"

enum { JC_SIGNS_S = 10, RP_SIGNS_S = 60, OPEN_IN_S = 300 };

static bool prepare(struct daemon *d, struct solver **out, struct err *e)
{
	struct solver_config c = {.domain = d->domain,
	        .genesis = d->network.genesis,
	        .jc_signs_in = span_s(JC_SIGNS_S),
	        .rp_signs_in = span_s(RP_SIGNS_S),
	        .open_in_s = OPEN_IN_S};
	uint64_t rate, max;

	TRY(daemon_ledger(d, e), e);
	TRY(settings_number(d->cli->settings, "solver.rate-offers", 1000000, &rate, e), e);
	TRY(settings_number(d->cli->settings, "solver.offers-max", BOOK_OFFERS_MAX, &max, e), e);
	c.rate_offers = (unsigned)rate;
	c.offers_max = (uint32_t)max;
	TRY(settings_number(d->cli->settings, "solver.offers-each", BOOK_OFFERS_MAX, &max, e), e);
	c.offers_each = (uint32_t)max;
	TRY(settings_span(d->cli->settings, "solver.batch", &c.batch, e), e);
	d->options.ledger_all = true;
	TRY(solver_new(&d->world, &c, out, e), e);
	TRY(solver_start_cursor(*out, &d->options.ledger_cursor, e), e);
	d->options.metrics = solver_metrics;
	d->options.metrics_ctx = *out;
	return true;
}

int cmd_solver(struct cli *c)
{
	struct solver *s = NULL;
	struct daemon d;
	struct role role;
	struct err e;
	int rc;

	if (!daemon_open(
	            &d, c, "solver", "solver", solver_tables, DAEMON_NETWORK | DAEMON_CLIENT, &e) ||
	        !prepare(&d, &s, &e)) {
		rc = daemon_failed(&d, &e);
	} else {
		role = solver_role(s);
		rc = daemon_serve(&d, &role);
	}
	daemon_close(&d);
	solver_free(s);
	return rc;
}
