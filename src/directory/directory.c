/* directory.c - the directory's step function: which event goes where. */
#include "directory/directory.h"

#include <stdlib.h>

#include "directory/directory_own.h"

#include "model/record_table.h"
#include "directory/tables.def"
#include "model/record_end.h"

enum {
	CURSOR_EVERY = 1000
}; /* events of the ledger that a restart may read again: no harm is done */

const struct record *(*const directory_tables[])(void) = {directory_grant_record,
        directory_deal_record, directory_account_record, directory_state_record, NULL};

static bool keep_cursor(struct directory *d, struct err *e)
{
	struct directory_state row = {.which = STATE_LEDGER, .value = d->ledger_cursor};
	struct store *s = &d->world->store;

	TRY(s->put(s->self, directory_state_record(), &row, e), e);
	d->ledger_written = d->ledger_cursor;
	return true;
}

/* A check lets the deal's mediators read its output. */
static bool on_checked(struct directory *d, const struct hash *id, struct err *e)
{
	struct directory_deal row = {.id = *id};
	struct store *s = &d->world->store;

	if (!s->get(s->self, directory_deal_record(), &row, e))
		return e->code == E_NOT_FOUND;
	if (row.checked)
		return true;
	row.checked = true;
	TRY(s->put(s->self, directory_deal_record(), &row, e), e);
	TRY(keep_cursor(d, e), e);
	return true;
}

static void on_ledger(struct directory *d, const struct ledger_note *n)
{
	bool ok = true;
	struct err e;

	if (n->stage != LEDGER_EVENT)
		return;
	d->ledger_cursor = MAX2(d->ledger_cursor, n->event.seq);
	if (n->event.to == DEAL_RESULTS_CHECKED)
		ok = on_checked(d, &n->event.deal, &e);
	if (ok && d->ledger_cursor - d->ledger_written >= CURSOR_EVERY)
		ok = keep_cursor(d, &e);
	if (!ok)
		log_line(&d->world->log, LOG_BROKEN, "store: %s", e.msg);
}

static void on_start(struct directory *d, const struct event *ev, struct effects *fx)
{
	/* What a process before this one left behind is not known. */
	d->garbage = true;
	d->collected = ev->now;
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_TICK});
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct directory *d = self;

	switch (ev->kind) {
	case EV_START: on_start(d, ev, fx); break;
	case EV_TIMER: directory_on_tick(d, ev, fx); break;
	case EV_REQUEST: directory_on_request(d, ev, fx); break;
	case EV_TREE_IN: directory_on_tree_in(d, ev, fx); break;
	case EV_LEDGER: on_ledger(d, ev->ledger); break;
	case EV_REPLY:
	case EV_MESSAGE:
	case EV_TREE:
	case EV_RUN:
	case EV_STOP: break;
	}
}

bool directory_new(
        struct world *w, const struct directory_config *c, struct directory **out, struct err *e)
{
	struct directory *d = calloc(1, sizeof *d);
	uint64_t seed;

	if (!d)
		return FAIL(e, MEMORY, "no memory for the directory");
	d->world = w;
	d->c = *c;
	d->c.tree_max = c->tree_max ? c->tree_max : HTTP_TREE_MAX;
	w->rng.fill(w->rng.self, &seed, sizeof seed);
	map_init(&d->uploads, sizeof(uint64_t), sizeof(struct upload *), UPLOADS_MAX, seed);
	links_init(&d->marks, MARKS_MAX);
	*out = d;
	return true;
}

struct role directory_role(struct directory *d)
{
	return (struct role){"directory", directory_routes, directory_routes_n, directory_tables, d,
	        on_event, NULL};
}

struct directory *directory_free(struct directory *d)
{
	if (!d)
		return NULL;
	uploads_done(d);
	links_done(&d->marks);
	free(d->instrument);
	free(d);
	return NULL;
}

bool directory_start_cursor(struct directory *d, uint64_t *out, struct err *e)
{
	struct directory_state row = {.which = STATE_LEDGER};
	struct store *s = &d->world->store;

	if (!s->get(s->self, directory_state_record(), &row, e) && e->code != E_NOT_FOUND)
		return false;
	d->ledger_cursor = d->ledger_written = *out = row.value;
	return true;
}
