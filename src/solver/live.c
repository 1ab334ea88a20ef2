/* live.c - deals that are not over, in memory beside the store: each is looked at some ten times, and reading
 * its row back costs more than the rest of a step. All that is written goes to the store at once; past
 * LIVE_DEALS_MAX, and of deals that are over, it is read there. */
#include <stdlib.h>

#include "solver/solver_own.h"

struct live_deal {
	struct solver_deal deal;
	struct solver_step step;
};

static struct live_deal *find(const struct solver *s, const struct hash *id)
{
	struct live_deal **l = map_get(&s->live, id);

	return l ? *l : NULL;
}

static bool is_over(const struct solver_step *step)
{
	return step->state == MATCH_ENDED || step->state == MATCH_DISSOLVED;
}

void live_init(struct solver *s, uint64_t seed)
{
	map_init(&s->live, sizeof(struct hash), sizeof(struct live_deal *), LIVE_DEALS_MAX, seed);
}

void live_done(struct solver *s)
{
	map_done_owned(&s->live);
}

void live_add(struct solver *s, const struct solver_deal *d, const struct solver_step *step)
{
	struct live_deal *l = find(s, &d->id), **at;

	if (l)
		return;
	l = calloc(1, sizeof *l);
	at = l ? map_put(&s->live, &d->id, NULL) : NULL;
	if (!at) {
		free(l);
		return; /* the store has it */
	}
	*at = l;
	l->deal = *d;
	l->step = *step;
}

bool deal_read(struct solver *s, struct solver_deal *d)
{
	const struct live_deal *l = find(s, &d->id);

	if (!l)
		return solver_get(s, solver_deal_record(), d);
	*d = l->deal;
	return true;
}

bool step_read(struct solver *s, struct solver_step *step)
{
	const struct live_deal *l = find(s, &step->id);

	if (!l)
		return solver_get(s, solver_step_record(), step);
	*step = l->step;
	return true;
}

void step_write(struct solver *s, const struct solver_step *step)
{
	struct live_deal *l = find(s, &step->id);

	solver_put(s, solver_step_record(), step);
	if (!l)
		return;
	if (is_over(step)) {
		map_del(&s->live, &step->id);
		free(l);
		return;
	}
	l->step = *step;
}
