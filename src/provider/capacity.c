/* capacity.c - what the machine has promised: nothing is signed that it cannot hold besides what it has
 * signed already, or cannot finish in time after it (3.2, 3.10). */
#include "market/pair.h"
#include "provider/provider_own.h"

/* Room for the spec of one job. */
enum { SPEC_ARENA_MAX = 4 << 20 };

/* Of the deals that are signed and unfinished. */
struct load {
	uint64_t cpu, ram, disk, gpus;
	uint64_t instructions; /* of those that have not run */
	unsigned ahead;        /* how many they are */
};

static uint64_t plus(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static bool is_ahead(const struct work *k)
{
	return k->w.state == WORK_SIGNED || k->w.state == WORK_RUNNING;
}

/* A declined job has the machine until its process has ended. */
static bool holds(const struct work *k)
{
	return is_ahead(k) || k->w.state == WORK_RAN || k->running;
}

/* After a start it is read again. A spec that is gone needs nothing: its deal will be declined. */
static void read_need(struct provider *p, struct work *k)
{
	struct arena a OWN(arena_done);
	const struct job_spec *spec;
	struct err e;

	arena_init(&a, SPEC_ARENA_MAX);
	spec = work_spec(p, k, &a, &e);
	if (spec)
		k->need = spec->resources;
	k->need_known = true;
}

static void add(struct provider *p, struct work *k, struct load *l)
{
	const struct resources *r = &k->need;

	if (!k->need_known)
		read_need(p, k);
	l->cpu = plus(l->cpu, r->cpu);
	l->ram = plus(l->ram, r->ram);
	l->disk = plus(l->disk, r->disk);
	l->gpus = plus(l->gpus, r->gpus);
}

static bool fits(const char *what, uint64_t need, uint64_t free, struct err *e)
{
	if (need <= free)
		return true;
	return FAIL(e, BUSY,
	        "with the deals that are signed already it takes %llu %s, this machine has %llu",
	        (unsigned long long)need, what, (unsigned long long)free);
}

/* 3.10, with what is signed already: as long as a slot is free nothing waits, and no slot is free before
 * all of them have shared the work ahead. */
static bool in_time(
        const struct provider *p, const struct hot *hot, const struct load *l, struct err *e)
{
	unsigned parallel = p->c.parallel ? p->c.parallel : 1;
	uint64_t wait = 0, s;

	if (l->ahead >= parallel)
		wait = l->instructions / parallel + (l->instructions % parallel != 0);
	s = pair_run_seconds(p->c.offer.time_per_instruction, plus(wait, hot->instruction_limit));
	if (s <= hot->submit_timeout.s)
		return true;
	return FAIL(e, BUSY,
	        "after the %llu instructions that are signed already it may end %llu s from "
	        "now; the submit timeout is %llu s",
	        (unsigned long long)l->instructions, (unsigned long long)s,
	        (unsigned long long)hot->submit_timeout.s);
}

bool provider_has_room(struct provider *p, struct work *k, struct err *e)
{
	const struct resources *free = &p->c.offer.free;
	struct load l = {0};
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&p->works, &i, &key, &val);) {
		struct work *one = *(struct work **)val;

		if (one == k || !holds(one))
			continue;
		add(p, one, &l);
		if (!is_ahead(one))
			continue;
		l.ahead++;
		l.instructions = plus(l.instructions, one->deal.deal.hot.instruction_limit);
	}
	add(p, k, &l);
	TRY(fits("milli-cores", l.cpu, free->cpu, e), e);
	TRY(fits("bytes of memory", l.ram, free->ram, e), e);
	TRY(fits("bytes of disk", l.disk, free->disk, e), e);
	TRY(fits("GPUs", l.gpus, free->gpus, e), e);
	return in_time(p, &k->deal.deal.hot, &l, e);
}
