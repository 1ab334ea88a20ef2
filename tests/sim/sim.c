/* sim.c - one run of a scenario, from the first process to the last look at the money. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOOK_MS = 1000, QUIET_S = 120, ASKS_EACH = 2 };

/* ---- what goes wrong by plan ------------------------------------------------------------------------------ */

static struct node *node_named(struct sim *s, const char *name)
{
	for (size_t i = 0; i < s->nodes_n; i++) {
		if (strcmp(s->nodes[i]->name, name) == 0)
			return s->nodes[i];
	}
	return NULL;
}

static size_t index_named(struct sim *s, const char *name)
{
	size_t i = 0;

	while (i < s->nodes_n && strcmp(s->nodes[i]->name, name) != 0)
		i++;
	return i;
}

static void part(struct sim *s, const struct mishap *m, bool apart)
{
	size_t a = index_named(s, m->a), b = index_named(s, m->b);

	sim_note(s, NULL, "%s and %s are %s", m->a, m->b, apart ? "apart" : "together again");
	s->apart[a][b] = apart;
	if (apart)
		stream_part(s, s->nodes[a], s->nodes[b]);
}

static void on_together(struct sim *s, struct node *none, void *ctx)
{
	(void)none;
	part(s, ctx, false);
}

static void on_mishap(struct sim *s, struct node *none, void *ctx)
{
	struct mishap *m = ctx;
	struct node *n = node_named(s, m->a);

	(void)none;
	switch (m->kind) {
	case MISHAP_PARTITION:
		part(s, m, true);
		sim_after(s, m->how_long.ms * MS, NULL, on_together, m, NULL);
		break;
	case MISHAP_CRASH: node_crash(n, m->how_long.ms * MS); break;
	case MISHAP_STOP: node_stop(n, m->how_long.ms * MS); break;
	case MISHAP_JUMP:
		sim_note(s, n, "its clock jumps by %lld ms", (long long)m->how_long.ms);
		n->skew_ms += m->how_long.ms;
		break;
	case MISHAP_PASS: market_pass(s, (uint64_t)m->how_long.ms / 1000); break;
	case MISHAP_REORG: market_reorg(s, m->blocks, m->lose); break;
	}
}

/* Half of the kinds of faults do not happen at all, so that each is also seen without the others. */
static void draw_rates(struct sim *s)
{
	static const unsigned most[FAULT_KINDS] = {[FAULT_LOSE] = 60,
	        [FAULT_UNANSWERED] = 60,
	        [FAULT_TWICE] = 60,
	        [FAULT_LATE] = 200,
	        [FAULT_CUT] = 40,
	        [FAULT_GARBAGE] = 20,
	        [FAULT_FULL] = 5,
	        [FAULT_CRASH] = 6};

	for (size_t i = 0; i < FAULT_KINDS; i++)
		s->rates[i] = sim_chance(s, 500) ? 0 : (unsigned)sim_draw(s, most[i]);
}

static void draw_mishaps(struct sim *s)
{
	static const enum mishap_kind kinds[] = {MISHAP_PARTITION, MISHAP_CRASH, MISHAP_STOP};
	size_t n = (size_t)sim_draw(s, s->sc->wild + 1);

	for (size_t i = 0; i < n; i++) {
		struct mishap *m = &s->drawn[i];
		const struct node *a = s->nodes[sim_draw(s, s->nodes_n)];
		const struct node *b = s->nodes[sim_draw(s, s->nodes_n)];

		*m = (struct mishap){.kind = kinds[sim_draw(s, COUNT(kinds))]};
		m->at.ms = (int64_t)sim_draw(s, (uint64_t)s->sc->until.ms);
		m->how_long.ms = 100 + (int64_t)sim_draw(s, WILD_FOR_S * 1000 - 100);
		memcpy(m->a, a->name, sizeof m->a);
		memcpy(m->b, b->name, sizeof m->b);
		if (a != b && !(m->kind == MISHAP_STOP && a->kind == NODE_RUN))
			sim_after(s, m->at.ms * MS, NULL, on_mishap, m, NULL);
	}
}

static bool plan(struct sim *s)
{
	memcpy(s->rates, s->sc->faults, sizeof s->rates);
	if (s->sc->wild) {
		draw_rates(s);
		draw_mishaps(s);
	}
	for (size_t i = 0; i < s->sc->mishaps_n; i++) {
		const struct mishap *m = &s->sc->mishaps[i];

		if ((m->a[0] && !node_named(s, m->a)) || (m->b[0] && !node_named(s, m->b))) {
			sim_fail(s, "there is no %s or no %s", m->a, m->b);
			return false;
		}
		sim_after(s, m->at.ms * MS, NULL, on_mishap, (void *)(uintptr_t)m, NULL);
	}
	if (s->sc->each[0] && !node_named(s, s->sc->each))
		sim_fail(s, "there is no %s", s->sc->each);
	return !s->failed;
}

/* ---- until everything is quiet ----------------------------------------------------------------------------- */

static void on_look(struct sim *s, struct node *none, void *ctx)
{
	(void)none, (void)ctx;
	if (s->settled_at == 0 && s->now > scenario_quiet(s->sc).ms * MS &&
	        check_settled(s, s->open, sizeof s->open)) {
		sim_note(s, NULL, "everything is settled");
		s->settled_at = s->now;
		s->settled_submits = s->submits;
		s->settled_asks = s->asks;
	}
	if (s->settled_at && s->now - s->settled_at > QUIET_S * SEC)
		s->over = true;
	sim_after(s, LOOK_MS * MS, NULL, on_look, NULL, NULL);
}

/* Offers are renewed, a stream may break; more is nobody's business then. */
static bool is_quiet(struct sim *s)
{
	uint64_t asks = s->asks - s->settled_asks;

	if (s->submits != s->settled_submits)
		sim_fail(s, "actions go to the ledger though everything is settled");
	for (size_t i = 0; i < s->sc->parties_n; i++)
		asks = s->sc->parties[i].silent ? 0 : asks;
	if (asks > ASKS_EACH * s->nodes_n)
		sim_fail(s, "%llu requests within %d s though everything is settled",
		        (unsigned long long)asks, QUIET_S);
	return !s->failed;
}

static void play(struct sim *s)
{
	sim_after(s, 0, NULL, on_look, NULL, NULL);
	while (!s->failed && !s->over && sim_step(s)) {
		if (s->now > s->sc->limit.ms * MS)
			sim_fail(s, "not at an end after %lld s: %s",
			        (long long)s->sc->limit.ms / 1000, s->open);
	}
	if (s->failed)
		return;
	if (!is_quiet(s))
		return;
	if (!check_settled(s, s->open, sizeof s->open))
		sim_fail(s, "it was settled, and is no more: %s", s->open);
	else
		check_end(s);
}

/* ---- one run ------------------------------------------------------------------------------------------------ */

static void sum_up(const struct sim *s, struct figures *sum)
{
	sum->steps += s->n.steps;
	sum->events += s->n.events;
	sum->effects += s->n.effects;
	sum->crashes += s->n.crashes;
	sum->jobs += s->n.jobs;
	sum->done += s->n.done;
	sum->deals += s->n.deals;
	sum->runs += s->n.runs;
	for (size_t i = 0; i < FAULT_KINDS; i++)
		sum->faults[i] += s->n.faults[i];
}

static void release(struct sim *s)
{
	for (size_t i = 0; i < s->nodes_n; i++)
		node_end(s->nodes[i]);
	queue_done(&s->queue);
	for (size_t i = 0; i < s->nodes_n; i++)
		free(s->nodes[i]);
	net_done(s);
	stream_done(s);
	market_done(s);
	for (size_t i = 0; i < s->accounts_n; i++) {
		if (s->accounts[i].rows)
			store_memory_free(s->accounts[i].rows);
		blobs_memory_free(s->accounts[i].blobs);
	}
	free(s);
}

bool sim_run(const struct scenario *sc, uint64_t seed, const struct options *o, struct figures *sum,
        struct ending *out)
{
	struct sim *s = calloc(1, sizeof *s);
	const struct node *each;
	bool ok;

	assert(s);
	s->sc = sc;
	s->o = *o;
	s->seed = seed;
	s->chance = seed * 0x9e3779b97f4a7c15u + 1;
	wire_market(s);
	if (plan(s))
		play(s);
	sum_up(s, sum);
	ok = !s->failed;
	if (!ok)
		sim_show(s);
	each = sc->each[0] ? node_named(s, sc->each) : NULL;
	*out = (struct ending){each ? each->boundaries : 0, s->digest};
	release(s);
	return ok;
}
