/* run.c - the own run of a job: in the same sandbox and with the same limits as the provider's, one at a time
 * for each place, the earliest deadline first. */
#include "mediator/mediator_own.h"
#include "port/outcome.h"

enum { RUNS_MAX = 3 /* of one job, when the host fails */ };

bool dispute_before(const struct dispute *a, const struct dispute *b)
{
	if (a->c.deadline.s != b->c.deadline.s)
		return a->c.deadline.s < b->c.deadline.s;
	return hash_cmp(&a->c.id, &b->c.id) < 0;
}

/* Memory that the runs under way asked for. */
static uint64_t ram_in_use(const struct mediator *m)
{
	const void *key;
	uint64_t sum = 0;
	void *val;

	for (size_t i = 0; map_next(&m->disputes, &i, &key, &val);) {
		const struct dispute *k = *(struct dispute **)val;

		if (k->running)
			sum += k->ram;
	}
	return sum;
}

/* What is to be run next; NULL: nothing waits, or it does not fit beside what runs. One that needs much is not
 * overtaken by those with a later deadline. */
static struct dispute *next(const struct mediator *m)
{
	struct dispute *best = NULL;
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&m->disputes, &i, &key, &val);) {
		struct dispute *k = *(struct dispute **)val;

		if (k->c.state != CASE_READY || k->running || k->pausing)
			continue;
		if (!best || dispute_before(k, best))
			best = k;
	}
	if (best && m->c.ram && ram_in_use(m) + best->ram > m->c.ram)
		return NULL;
	return best;
}

void run_next(struct mediator *m, struct effects *fx)
{
	struct dispute *k;

	while (m->running < m->c.parallel && fx->n < EFFECTS_MAX / 2 && (k = next(m))) {
		struct job_spec *spec;
		struct err e;

		spec = dispute_spec(m, k, fx->arena, &e);
		if (!spec) {
			rule_pass(m, k, e.msg, fx);
			continue;
		}
		k->running = true;
		m->running++;
		fx_add(fx, FX_RUN, dispute_tag(k, TAG_RUN, 0))->spec = spec;
	}
}

void run_kill(struct mediator *m, struct dispute *k, struct effects *fx)
{
	(void)m;
	if (k->running)
		fx_add(fx, FX_KILL_RUN, dispute_tag(k, TAG_RUN, 0));
}

static void take_outcome(struct dispute *k, const struct run_done *r)
{
	struct outcome o;

	outcome_of_run(r, k->f.deal.hot.byte_limit, &o);
	k->c.ran = true;
	k->c.own_status = o.status;
	k->c.own_count = o.count;
	k->c.own_tree = o.tree;
	k->c.own_bytes = r->tree_bytes;
	k->c.input_bytes = r->input_bytes;
	k->c.wall_us = r->wall_us;
}

void run_on_done(struct mediator *m, const struct event *ev, struct effects *fx)
{
	const struct run_done *r = ev->run;
	struct dispute *k = dispute_get(m, &r->tag.key);

	assert(m->running > 0);
	m->running--;
	if (k)
		k->running = false;
	/* Otherwise it was passed, or is over: how the run ended tells nothing any more. */
	if (k && k->c.state == CASE_READY) {
		if (r->ok) {
			take_outcome(k, r);
			dispute_move(m, k, CASE_RAN);
			rule_step(m, k, false, fx);
		} else if (++k->runs < RUNS_MAX) {
			k->pausing = true;
			dispute_again(k, fx);
		} else {
			rule_pass(m, k, r->err.msg, fx);
		}
	}
	run_next(m, fx);
}
