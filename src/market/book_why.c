/* book_why.c - why a job offer waits (protocol 3.15), and what the book says about itself. Here every
 * condition is tested in the order of reasons.def, as pair_refusal() does. */
#include "market/book_own.h"

struct pair {
	const struct book *b;
	const struct queue_spec *q;
	const struct demand *d;
	const struct resource *r;
	const wide *price; /* own or default */
	bool runs;         /* the module */
	const struct supply_spec *s;
	struct pair_gap *gap;
};

/* All return whether the condition fails. */
static bool above(struct pair *p, enum pair_reason why, wide have, wide most)
{
	if (have <= most)
		return false;
	*p->gap = (struct pair_gap){why, PAIR_AT_MOST, amount_of_wide(have), amount_of_wide(most)};
	return true;
}

static bool below(struct pair *p, enum pair_reason why, wide have, wide least)
{
	if (have >= least)
		return false;
	*p->gap =
	        (struct pair_gap){why, PAIR_AT_LEAST, amount_of_wide(have), amount_of_wide(least)};
	return true;
}

static bool when(struct pair *p, enum pair_reason why, bool fails)
{
	if (fails)
		*p->gap = (struct pair_gap){.reason = why, .move = PAIR_FIXED};
	return fails;
}

static bool machine_lacks(struct pair *p)
{
	const struct machine *m = machine_at(p->b, p->r->machine);

	if (above(p, PAIR_CPU, p->q->cpu, left(p->r->cpu, m->cpu)) ||
	        above(p, PAIR_RAM, p->q->ram, left(p->r->ram, m->ram)) ||
	        above(p, PAIR_DISK, p->q->disk, left(p->r->disk, m->disk)) ||
	        above(p, PAIR_GPUS, p->q->gpus, left(p->r->gpus, m->gpus)))
		return true;
	return above(p, PAIR_VRAM, p->q->vram, p->r->vram) ||
	       when(p, PAIR_GPU_MODEL, p->d->spec.model && p->d->spec.model != p->s->model);
}

static bool limits_lack(struct pair *p)
{
	return above(p, PAIR_INSTRUCTION_LIMIT, p->q->instruction_limit, p->r->instruction_limit) ||
	       above(p, PAIR_BYTE_LIMIT, p->q->byte_limit, p->r->byte_limit) ||
	       below(p, PAIR_PRICE_BASE, p->q->ceiling[0], p->price[0]) ||
	       below(p, PAIR_PRICE_INSTRUCTION, p->q->ceiling[1], p->price[1]) ||
	       below(p, PAIR_PRICE_BYTE, p->q->ceiling[2], p->price[2]);
}

static bool service_lacks(struct pair *p)
{
	const struct demand_spec *d = &p->d->spec;
	unsigned mutual = mutual_of(d, p->s, p->q->creator, p->r->provider);

	return when(p, PAIR_MODULE, !p->runs) || when(p, PAIR_ENGINE, d->engine != p->s->engine) ||
	       when(p, PAIR_MEDIATION,
	               d->mediation > 7 || !(p->s->mediations >> d->mediation & 1)) ||
	       below(p, PAIR_MEDIATORS, mutual, mutual_need(d, p->s)) ||
	       when(p, PAIR_DIRECTORY, !set_has(&p->s->directories, d->directory)) ||
	       below(p, PAIR_TOO_SLOW, d->term[TERM_SUBMIT_TIMEOUT],
	               pair_run_seconds(p->r->picoseconds, p->q->instruction_limit));
}

static bool persons_refuse(struct pair *p, const struct job *j, struct btime now)
{
	const struct queue_spec *q = p->q;
	uint32_t target = p->d->spec.target, rp = p->r->provider;

	return when(p, PAIR_SELF, q->creator == rp) ||
	       when(p, PAIR_DENIED,
	               id_in(q->deny, q->deny_n, rp) ||
	                       id_in(p->r->deny.v, p->r->deny.n, q->creator)) ||
	       when(p, PAIR_TARGET, target && target != rp) ||
	       when(p, PAIR_EXPIRED, now.s >= j->expiry || now.s >= p->r->expiry) ||
	       below(p, PAIR_JC_FUNDS, available(account_at(p->b, q->creator)), p->d->jc_lock) ||
	       above(p, PAIR_RP_FUNDS, p->d->rp_lock, available(account_at(p->b, rp)));
}

static bool terms_refuse(struct pair *p)
{
	const struct demand_spec *d = &p->d->spec;

#define R(name, value, clause, sentence)
#define T(name, value, member, sentence)                                                           \
	if (below(p, PAIR_##name, d->term[TERM_##name], p->s->least[TERM_##name]) ||               \
	        above(p, PAIR_##name, d->term[TERM_##name], p->s->most[TERM_##name]))              \
		return true;
#include "market/reasons.def"
#undef R
#undef T
	return when(p, PAIR_DETERMINISM,
	               d->determinism > 7 || !(p->s->determinisms >> d->determinism & 1)) ||
	       when(p, PAIR_ISSUER, d->issuer && !set_has(&p->s->issuers, d->issuer)) ||
	       when(p, PAIR_SETTLEMENT,
	               d->settlement > 7 || !(p->s->settlements >> d->settlement & 1));
}

static struct pair_gap gap_of(
        const struct book *b, const struct job *j, const struct resource *r, struct btime now)
{
	struct pair_gap gap = {.reason = PAIR_NONE};
	const struct queue_spec *q = &queue_at(b, j->queue)->spec;
	struct pair p = {.b = b, .q = q, .d = demand_at(b, q->demand), .r = r, .gap = &gap};

	const struct ask *ask = ask_for(r, p.d->spec.module);

	/* The supplies of one offer differ in nothing but the module. */
	p.s = &supply_at(b, (ask ? ask : &r->asks[0])->supply)->spec;
	p.runs = ask && (p.s->listed || p.d->spec.wasm);
	p.price = r->price;
	for (uint32_t i = 0; i < r->own_n; i++) {
		if (r->own[i].module == p.d->spec.module)
			p.price = r->own[i].price;
	}
	if (!machine_lacks(&p) && !limits_lack(&p) && !service_lacks(&p) &&
	        !persons_refuse(&p, j, now) && !terms_refuse(&p) && job_excludes(j, r))
		/* It said so itself, or the other side did, when a deal was to be signed. */
		gap.reason = PAIR_DENIED;
	return gap;
}

bool book_explain(const struct book *b, const struct hash *job, struct btime now,
        bool (*each)(void *ctx, const struct hash *resource, const struct addr *provider,
                const struct pair_gap *gap),
        void *ctx, struct err *e)
{
	const uint32_t *at = map_get(&b->by_offer, job);

	if (!at || *at & HEAP_RESOURCE)
		return FAIL(e, NOT_FOUND, "the job offer is not in the book");
	for (uint32_t i = 0; i < b->expiries.n; i++) {
		uint32_t h = b->expiries.v[i];
		struct pair_gap gap;

		if (!(h & HEAP_RESOURCE))
			continue;
		const struct resource *r = resource_at(b, h & ~HEAP_RESOURCE);
		gap = gap_of(b, job_at(b, *at), r, now);
		if (!each(ctx, &r->id, &account_at(b, r->provider)->addr, &gap))
			break;
	}
	return true;
}

static bool count(void *ctx, const struct hash *resource, const struct addr *provider,
        const struct pair_gap *gap)
{
	struct book_why *w = ctx;
	struct pair_gap *most = &w->at_most[gap->reason], *least = &w->at_least[gap->reason];

	(void)resource, (void)provider;
	w->offers++;
	w->count[gap->reason]++;
	if (gap->move == PAIR_AT_MOST &&
	        (most->reason == PAIR_NONE || amount_cmp(gap->need, most->need) > 0))
		*most = *gap;
	if (gap->move == PAIR_AT_LEAST &&
	        (least->reason == PAIR_NONE || amount_cmp(gap->need, least->need) < 0))
		*least = *gap;
	return true;
}

bool book_why(const struct book *b, const struct hash *job, struct btime now, struct book_why *out,
        struct err *e)
{
	struct book_why w = {0};

	TRY(book_explain(b, job, now, count, &w, e), e);
	*out = w;
	return true;
}

enum book_state book_state_of(const struct book *b, const struct hash *id)
{
	const uint32_t *at = map_get(&b->by_offer, id);

	if (!at)
		return BOOK_ABSENT;
	if (*at & HEAP_RESOURCE)
		return BOOK_OPEN;
	return job_at(b, *at)->taken ? BOOK_TAKEN : BOOK_WAITING;
}

struct book_size book_size(const struct book *b)
{
	return (struct book_size){
	        .jobs = b->jobs.live,
	        .waiting = b->waiting,
	        .taken = b->jobs.live - b->waiting,
	        .resources = b->resources.live,
	        .supplies = b->supplies.live,
	        .demands = b->demands.live,
	        .queues = b->queues.live,
	        .holds = b->holds.live,
	};
}

bool book_free_capacity(const struct book *b, const struct hash *resource, struct resources *out)
{
	const uint32_t *at = map_get(&b->by_offer, resource);

	if (!at || !(*at & HEAP_RESOURCE))
		return false;
	const struct resource *r = resource_at(b, *at & ~HEAP_RESOURCE);
	const struct machine *m = machine_at(b, r->machine);
	*out = (struct resources){
	        .cpu = (uint32_t)left(r->cpu, m->cpu),
	        .ram = left(r->ram, m->ram),
	        .disk = left(r->disk, m->disk),
	        .gpus = (uint16_t)left(r->gpus, m->gpus),
	        .vram = r->vram,
	};
	return true;
}
