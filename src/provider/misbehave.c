/* misbehave.c - providers that cheat, break or fall silent, for tests of what the others do about it. */
#include "port/misbehave.h"

#include <stdlib.h>

#include "provider/provider_own.h"

struct misbehaving {
	struct provider *p;
	struct role honest;
	enum provider_misbehaviour how;
	/* PROVIDER_LAZY: the outcome of the first job, which is sold again and again. */
	bool have;
	struct run_done first;
};

/* ---- what it does not do -------------------------------------------------------------------------------- */

static bool runs_the_job(const struct fx *f)
{
	return f->kind == FX_RUN && f->tag.what == TAG_RUN;
}

static bool is_dropped(const void *ctx, const struct fx *f)
{
	const struct misbehaving *m = ctx;

	switch (m->how) {
	case PROVIDER_NEVER_SIGNS:
		return fx_submits(f, ACTION_OPEN) ||
		       (f->kind == FX_CALL && f->tag.what == TAG_SIGNATURE);
	case PROVIDER_NEVER_OPENS: return fx_submits(f, ACTION_OPEN);
	case PROVIDER_NEVER_RUNS: return runs_the_job(f) || fx_submits(f, ACTION_DECLINE);
	case PROVIDER_DECLINES_LATE: return runs_the_job(f);
	case PROVIDER_NEVER_SUBMITS:
		return fx_submits(f, ACTION_RESULT) || fx_submits(f, ACTION_DECLINE) ||
		       fx_submits(f, ACTION_CLAIM) ||
		       (f->kind == FX_CALL && f->tag.what == TAG_RESULT);
	case PROVIDER_HIDES: return f->kind == FX_CALL && f->tag.what == TAG_RESULT;
	case PROVIDER_NEVER_PUBLISHES: return f->kind == FX_PUSH;
	case PROVIDER_HONEST:
	case PROVIDER_WRONG_OUTPUT:
	case PROVIDER_WRONG_COUNT:
	case PROVIDER_WRONG_STATUS:
	case PROVIDER_LAZY: break;
	}
	return false;
}

/* Submitted as if the directory had signed. */
static void submit_unpublished(struct misbehaving *m, struct effects *fx)
{
	struct err e;

	for (const struct fx *f = fx->first; f; f = f->next) {
		struct work *k = f->kind == FX_PUSH ? provider_work_get(m->p, &f->tag.key) : NULL;

		if (!k || k->w.state != WORK_RAN)
			continue;
		if (!step_sign_result(m->p, k, &e))
			continue;
		provider_move(m->p, k, WORK_STORED);
		step_submit(m->p, k, fx);
	}
}

/* ---- what it says ----------------------------------------------------------------------------------------- */

static void falsify(struct misbehaving *m, struct run_done *r)
{
	struct work *k = provider_work_get(m->p, &r->tag.key);
	struct err e;

	if (!k || !r->ok || r->tag.what != TAG_RUN)
		return;
	if (m->how == PROVIDER_WRONG_OUTPUT &&
	        !false_output(&m->p->world->blobs, &r->tree, &r->tree_bytes, &e))
		log_line(&m->p->world->log, LOG_ODD, "no false output: %s", e.msg);
	if (m->how == PROVIDER_WRONG_COUNT)
		r->count = MIN2(2 * r->count, k->deal.deal.hot.instruction_limit);
	if (m->how == PROVIDER_WRONG_STATUS)
		r->status = STATUS_EXCEPTION_OCCURRED;
	if (m->how != PROVIDER_LAZY)
		return;
	if (m->have) {
		m->first.tag = r->tag;
		*r = m->first;
	}
	m->first = *r;
	m->have = true;
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct misbehaving *m = self;
	struct event changed = *ev;
	struct run_done run;

	if (ev->kind == EV_RUN) {
		run = *ev->run;
		falsify(m, &run);
		changed.run = &run;
	}
	m->honest.on_event(m->honest.self, &changed, fx);
	if (m->how == PROVIDER_NEVER_PUBLISHES)
		submit_unpublished(m, fx);
	fx_drop(fx, is_dropped, m);
}

struct role provider_misbehaving(struct provider *p, enum provider_misbehaviour how)
{
	struct role role = provider_role(p);

	if (how == PROVIDER_HONEST)
		return role;
	p->instrument = calloc(1, sizeof *p->instrument);
	assert(p->instrument);
	*p->instrument = (struct misbehaving){.p = p, .honest = role, .how = how};
	role.self = p->instrument;
	role.on_event = on_event;
	return role;
}
