/* misbehave.c - job creators that cheat or fall silent, for tests of what the others do about it. */
#include "port/misbehave.h"

#include <stdlib.h>

#include "creator/creator_own.h"

struct misbehaving {
	struct creator *c;
	struct role honest;
	enum creator_misbehaviour how;
};

static bool is_dropped(const void *ctx, const struct fx *f)
{
	const struct misbehaving *m = ctx;

	switch (m->how) {
	case CREATOR_WITHHOLDS: return f->kind == FX_PUSH && f->root.codec == CID_DAG_PB;
	case CREATOR_NEVER_JUDGES:
		return fx_submits(f, ACTION_ACCEPT) || fx_submits(f, ACTION_CHECK) ||
		       fx_submits(f, ACTION_CLAIM_CHECK) ||
		       (f->kind == FX_CALL && f->tag.what == TAG_ACCEPT);
	case CREATOR_HONEST:
	case CREATOR_REJECTS_FALSELY: break;
	}
	return false;
}

/* What is withheld is said to be stored. */
static void pretend_pushed(struct misbehaving *m, const struct event *ev, struct effects *fx)
{
	struct tag tags[EFFECTS_MAX];
	unsigned n = 0;

	for (const struct fx *f = fx->first; f && n < COUNT(tags); f = f->next) {
		if (is_dropped(m, f))
			tags[n++] = f->tag;
	}
	for (unsigned i = 0; i < n; i++) {
		struct tree_done t = {.tag = tags[i], .ok = true};
		struct event pushed = {
		        .kind = EV_TREE, .wall = ev->wall, .now = ev->now, .tree = &t};

		m->honest.on_event(m->honest.self, &pushed, fx);
	}
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct misbehaving *m = self;
	struct event changed = *ev;
	struct run_done run;

	/* An honest charge is disputed: the own run is said to have taken nothing. */
	if (ev->kind == EV_RUN && m->how == CREATOR_REJECTS_FALSELY) {
		run = *ev->run;
		run.count = 0;
		changed.run = &run;
	}
	m->honest.on_event(m->honest.self, &changed, fx);
	if (m->how == CREATOR_WITHHOLDS)
		pretend_pushed(m, ev, fx);
	fx_drop(fx, is_dropped, m);
}

struct role creator_misbehaving(struct creator *c, enum creator_misbehaviour how)
{
	struct role role = creator_role(c);

	if (how == CREATOR_HONEST)
		return role;
	c->instrument = calloc(1, sizeof *c->instrument);
	assert(c->instrument);
	*c->instrument = (struct misbehaving){.c = c, .honest = role, .how = how};
	role.self = c->instrument;
	role.on_event = on_event;
	return role;
}
