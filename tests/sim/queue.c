/* queue.c - what happens next: a heap of steps by (time, a tie-break that the seed decides), and the draws
 * of the seed. */
#include <stdlib.h>

#include "sim.h"

static bool before(const struct item *a, const struct item *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	return a->tie != b->tie ? a->tie < b->tie : a->number < b->number;
}

static void swap(struct item *a, struct item *b)
{
	struct item t = *a;

	*a = *b;
	*b = t;
}

void sim_after(struct sim *s, int64_t delay_ns, struct node *n, step_fn *fn, void *ctx,
        void (*drop)(void *ctx))
{
	struct queue *q = &s->queue;
	size_t i = q->n;

	/* What a life asked for after its end belongs to no other. */
	if (n && !n->up) {
		if (drop)
			drop(ctx);
		return;
	}
	if (q->n == q->cap) {
		q->cap = q->cap ? 2 * q->cap : 256;
		q->v = reallocarray(q->v, q->cap, sizeof *q->v);
		assert(q->v);
	}
	q->v[q->n++] = (struct item){s->now + MAX2(delay_ns, (int64_t)0), sim_draw(s, UINT64_MAX),
	        q->number++, n, n ? n->life : 0, fn, ctx, drop};
	for (; i && before(&q->v[i], &q->v[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&q->v[i], &q->v[(i - 1) / 2]);
}

static struct item take_first(struct queue *q)
{
	struct item first = q->v[0];

	q->v[0] = q->v[--q->n];
	for (size_t i = 0, next; (next = 2 * i + 1) < q->n; i = next) {
		if (next + 1 < q->n && before(&q->v[next + 1], &q->v[next]))
			next++;
		if (!before(&q->v[next], &q->v[i]))
			break;
		swap(&q->v[i], &q->v[next]);
	}
	return first;
}

bool sim_step(struct sim *s)
{
	struct item x;

	if (s->queue.n == 0)
		return false;
	x = take_first(&s->queue);
	assert(x.at >= s->now);
	s->now = x.at;
	s->n.steps++;
	if (!x.node || (x.node->up && x.node->life == x.life))
		x.fn(s, x.node, x.ctx);
	if (x.drop)
		x.drop(x.ctx);
	return true;
}

void queue_done(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++) {
		if (q->v[i].drop)
			q->v[i].drop(q->v[i].ctx);
	}
	free(q->v);
	*q = (struct queue){0};
}

/* ---- chance -------------------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t sim_draw(struct sim *s, uint64_t n)
{
	uint64_t z = (s->chance += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return n ? z % n : 0;
}

bool sim_chance(struct sim *s, unsigned per_mille)
{
	return sim_draw(s, 1000) < per_mille;
}

bool sim_fault(struct sim *s, enum fault_kind which)
{
	const struct scenario *sc = s->sc;

	if (s->rates[which] == 0 || s->now < sc->from.ms * MS || s->now >= sc->until.ms * MS ||
	        !sim_chance(s, s->rates[which]))
		return false;
	s->n.faults[which]++;
	return true;
}

int64_t sim_latency(struct sim *s)
{
	int64_t ns = (int64_t)sim_draw(s, 4 * MS) + MS / 4;

	if (sim_fault(s, FAULT_LATE))
		ns += (int64_t)sim_draw(s, (uint64_t)s->sc->delay.ms * MS + 1);
	return ns;
}
