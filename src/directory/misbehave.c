/* misbehave.c - a directory that signs that it stores an output and serves it to nobody, for tests of what the
 * others do about it. */
#include "port/misbehave.h"

#include <stdlib.h>

#include "directory/directory_own.h"

struct misbehaving {
	struct directory *d;
	struct role honest;
};

static bool is_of_a_deal(void *ctx, const void *row)
{
	const struct directory_grant *g = row;
	bool *found = ctx;

	*found = !hash_is_zero(&g->deal);
	return !*found;
}

static bool is_dropped(const void *ctx, const struct fx *f)
{
	const struct misbehaving *m = ctx;
	const struct record *r = directory_grant_record();
	struct directory_grant row = {.root = f->root.digest};
	struct store *s = &m->d->world->store;
	bool output = false;
	struct err e;

	return f->kind == FX_GIVE_TREE &&
	       s->each(s->self, r, record_field(r, STR("root")), &row, is_of_a_deal, &output, &e) &&
	       output;
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct misbehaving *m = self;
	struct err e;

	m->honest.on_event(m->honest.self, ev, fx);
	for (const struct fx *f = fx->first; f; f = f->next) {
		if (!is_dropped(m, f))
			continue;
		FAIL(&e, NOT_FOUND, "there is no such tree here");
		fx_reply_err(fx, f->conn, &e);
	}
	fx_drop(fx, is_dropped, m);
}

struct role directory_misbehaving(struct directory *d, enum directory_misbehaviour how)
{
	struct role role = directory_role(d);

	if (how == DIRECTORY_HONEST)
		return role;
	d->instrument = calloc(1, sizeof *d->instrument);
	assert(d->instrument);
	*d->instrument = (struct misbehaving){.d = d, .honest = role};
	role.self = d->instrument;
	role.on_event = on_event;
	return role;
}
