/* pair.c - the conditions of protocol 3, one by one, in the order of reasons.def. */
#include "market/pair.h"

#include "crypto/keccak.h"

static const struct {
	const char *name;
	const char *clause;
	const char *text;
} reasons[] = {
#define R(name, value, clause, sentence) [value] = {#name, clause, sentence},
#define T(name, value, member, sentence) [value] = {#name, "3.16", sentence},
#include "market/reasons.def"
#undef R
#undef T
};

const char *pair_reason_name(unsigned reason)
{
	return reason < PAIR_REASONS ? reasons[reason].name : "?";
}

const char *pair_reason_clause(unsigned reason)
{
	return reason < PAIR_REASONS ? reasons[reason].clause : "?";
}

const char *pair_reason_text(unsigned reason)
{
	return reason < PAIR_REASONS ? reasons[reason].text : "?";
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static struct amount of_amount(struct amount a)
{
	return a;
}

static struct amount of_time(struct btime t)
{
	return amount_of(t.s);
}

#define NUMBER(x)                                                                                  \
	_Generic((x), struct amount : of_amount, struct btime : of_time, default : amount_of)(x)

/* All return whether the condition fails. */
static bool above(struct pair_gap *g, enum pair_reason why, struct amount have, struct amount most)
{
	if (amount_cmp(have, most) <= 0)
		return false;
	*g = (struct pair_gap){why, PAIR_AT_MOST, have, most};
	return true;
}

static bool below(struct pair_gap *g, enum pair_reason why, struct amount have, struct amount least)
{
	if (amount_cmp(have, least) >= 0)
		return false;
	*g = (struct pair_gap){why, PAIR_AT_LEAST, have, least};
	return true;
}

static bool when(struct pair_gap *g, enum pair_reason why, bool fails)
{
	if (fails)
		*g = (struct pair_gap){.reason = why, .move = PAIR_FIXED};
	return fails;
}

/* ---- lists --------------------------------------------------------------------------------------- */

static bool listed(const struct addr *v, uint32_t n, const struct addr *a)
{
	for (uint32_t i = 0; i < n; i++) {
		if (addr_eq(&v[i], a))
			return true;
	}
	return false;
}

unsigned pair_min_mutual(unsigned min_mutual, unsigned listed_n)
{
	return min_mutual ? min_mutual : (2 * listed_n + 2) / 3;
}

unsigned pair_panel_least(unsigned seats, unsigned appeal)
{
	return appeal ? 3 * seats + 4 : seats + 3;
}

unsigned pair_mutual(const struct job_offer *j, const struct resource_offer *r, struct addr *out)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < j->mediators.n; i++) {
		const struct addr *m = &j->mediators.v[i];

		/* A name that stands twice in the list counts once. */
		if (listed(j->mediators.v, i, m) || !listed(r->mediators.v, r->mediators.n, m))
			continue;
		if (addr_eq(m, &j->job_creator) || addr_eq(m, &r->provider) ||
		        addr_eq(m, &j->solver))
			continue;
		if (out)
			out[n] = *m;
		n++;
	}
	return n;
}

bool pair_runs_module(const struct resource_offer *r, const struct hash *module, const char *engine)
{
	if (r->modules.n == 0)
		return str_starts(str_of(engine), "wasm/");
	for (uint32_t i = 0; i < r->modules.n; i++) {
		if (hash_eq(&r->modules.v[i], module))
			return true;
	}
	return false;
}

__extension__ typedef unsigned __int128 wide;
static const uint64_t second = 1000000000000; /* in picoseconds */

uint64_t pair_run_seconds(uint64_t picoseconds, uint64_t instructions)
{
	wide t = (wide)picoseconds * instructions;
	wide s = t / second + (t % second != 0);

	return s > UINT64_MAX ? UINT64_MAX : (uint64_t)s;
}

uint64_t pair_slowest(uint64_t seconds, uint64_t instructions)
{
	wide t;

	if (instructions == 0)
		return UINT64_MAX;
	t = (wide)seconds * second / instructions;
	return t > UINT64_MAX ? UINT64_MAX : (uint64_t)t;
}

/* ---- prices -------------------------------------------------------------------------------------- */

const struct prices *pair_ask(const struct resource_offer *r, const struct hash *module)
{
	for (uint32_t i = 0; i < r->module_prices.n; i++) {
		if (hash_eq(&r->module_prices.v[i].module, module))
			return &r->module_prices.v[i].prices;
	}
	return &r->prices;
}

struct prices pair_prices(const struct job_offer *j, const struct resource_offer *r)
{
	return j->pricing == PRICING_FIXED ? j->prices : *pair_ask(r, &j->module);
}

struct amount pair_cost(const struct job_offer *j, const struct prices *p)
{
	struct amount run, move, sum;

	/* Amounts are below 2^96 and limits below 2^64, so that neither product nor sum leaves 256 bits. */
	bool ok = amount_mul(p->per_instruction, j->instruction_limit, &run) &&
	          amount_mul(p->per_byte, j->byte_limit, &move) && amount_add(p->base, run, &sum) &&
	          amount_add(sum, move, &sum);

	return ok ? amount_min(sum, j->terms.pay) : j->terms.pay;
}

void pair_rank(const struct hash *job, const struct hash *resource, struct hash *out)
{
	struct hash both[2] = {*job, *resource};

	keccak256(both, sizeof both, out);
}

/* ---- the conditions, group by group -------------------------------------------------------------- */

static bool lacks_machine(
        const struct job_offer *j, const struct resource_offer *r, struct pair_gap *g)
{
	const struct resources *want = &j->resources;
	const struct resources *free = &r->free;

	if (above(g, PAIR_CPU, amount_of(want->cpu), amount_of(free->cpu)) ||
	        above(g, PAIR_RAM, amount_of(want->ram), amount_of(free->ram)) ||
	        above(g, PAIR_DISK, amount_of(want->disk), amount_of(free->disk)) ||
	        above(g, PAIR_GPUS, amount_of(want->gpus), amount_of(free->gpus)))
		return true;
	if (want->gpus == 0)
		return false;
	return above(g, PAIR_VRAM, amount_of(want->vram), amount_of(free->vram)) ||
	       when(g, PAIR_GPU_MODEL,
	               want->gpu_model[0] && strcmp(want->gpu_model, free->gpu_model) != 0);
}

static bool exceeds_limits(
        const struct job_offer *j, const struct resource_offer *r, struct pair_gap *g)
{
	const struct prices *ask = pair_ask(r, &j->module);

	return above(g, PAIR_INSTRUCTION_LIMIT, amount_of(j->instruction_limit),
	               amount_of(r->instruction_limit)) ||
	       above(g, PAIR_BYTE_LIMIT, amount_of(j->byte_limit), amount_of(r->byte_limit)) ||
	       below(g, PAIR_PRICE_BASE, j->prices.base, ask->base) ||
	       below(g, PAIR_PRICE_INSTRUCTION, j->prices.per_instruction, ask->per_instruction) ||
	       below(g, PAIR_PRICE_BYTE, j->prices.per_byte, ask->per_byte);
}

static bool lacks_mediators(
        const struct job_offer *j, const struct resource_offer *r, struct pair_gap *g)
{
	unsigned need = 1;

	if (when(g, PAIR_MEDIATION, j->mediation > 7 || !(r->mediations >> j->mediation & 1)))
		return true;
	if (j->mediation == MEDIATION_NONE)
		return false;
	if (j->mediation == MEDIATION_CONSORTIUM) {
		unsigned jc = pair_min_mutual(j->min_mutual, j->mediators.n);
		unsigned rp = pair_min_mutual(r->min_mutual, r->mediators.n);

		need = pair_panel_least(j->terms.seats, j->terms.appeal);
		need = MAX2(need, jc);
		need = MAX2(need, rp);
	}
	return below(g, PAIR_MEDIATORS, amount_of(pair_mutual(j, r, NULL)), amount_of(need));
}

static bool lacks_service(
        const struct job_offer *j, const struct resource_offer *r, struct pair_gap *g)
{
	return when(g, PAIR_MODULE, !pair_runs_module(r, &j->module, j->engine)) ||
	       when(g, PAIR_ENGINE, strcmp(j->engine, r->engine) != 0) ||
	       when(g, PAIR_SOLVER, !addr_eq(&j->solver, &r->solver)) || lacks_mediators(j, r, g) ||
	       when(g, PAIR_DIRECTORY,
	               !listed(r->directories.v, r->directories.n, &j->directory)) ||
	       below(g, PAIR_TOO_SLOW, of_time(j->terms.submit_timeout),
	               amount_of(pair_run_seconds(r->time_per_instruction, j->instruction_limit)));
}

static bool unwanted(const struct job_offer *j, const struct resource_offer *r, struct btime now,
        struct pair_gap *g)
{
	return when(g, PAIR_SELF, addr_eq(&j->job_creator, &r->provider)) ||
	       when(g, PAIR_DENIED,
	               listed(j->deny.v, j->deny.n, &r->provider) ||
	                       listed(r->deny.v, r->deny.n, &j->job_creator)) ||
	       when(g, PAIR_TARGET,
	               !addr_is_zero(&j->target) && !addr_eq(&j->target, &r->provider)) ||
	       when(g, PAIR_EXPIRED, now.s >= j->expiry.s || now.s >= r->expiry.s);
}

static bool lacks_money(
        const struct job_offer *j, const struct pair_money *money, struct pair_gap *g)
{
	struct amount lock;

	if (!money || j->settlement == SETTLEMENT_CHANNEL)
		return false;
	if (!amount_add(j->terms.pay, j->terms.job_bond, &lock))
		return when(g, PAIR_JC_FUNDS, true);
	return below(g, PAIR_JC_FUNDS, money->jc_free, lock) ||
	       above(g, PAIR_RP_FUNDS, j->terms.result_bond, money->rp_free);
}

static bool outside_terms(
        const struct job_offer *j, const struct resource_offer *r, struct pair_gap *g)
{
#define R(name, value, clause, sentence)
#define T(name, value, member, sentence)                                                           \
	if (below(g, PAIR_##name, NUMBER(j->terms.member), NUMBER(r->least.member)) ||             \
	        above(g, PAIR_##name, NUMBER(j->terms.member), NUMBER(r->most.member)))            \
		return true;
#include "market/reasons.def"
#undef R
#undef T
	return when(g, PAIR_DETERMINISM,
	               j->determinism > 7 || !(r->determinisms >> j->determinism & 1)) ||
	       when(g, PAIR_ISSUER,
	               !addr_is_zero(&j->issuer) &&
	                       !listed(r->issuers.v, r->issuers.n, &j->issuer)) ||
	       when(g, PAIR_SETTLEMENT,
	               j->settlement > 7 || !(r->settlements >> j->settlement & 1));
}

enum pair_reason pair_refusal(const struct job_offer *j, const struct resource_offer *r,
        struct btime now, const struct pair_money *money, struct pair_gap *gap)
{
	struct pair_gap g = {.reason = PAIR_NONE};

	if (!lacks_machine(j, r, &g) && !exceeds_limits(j, r, &g) && !lacks_service(j, r, &g) &&
	        !unwanted(j, r, now, &g) && !lacks_money(j, money, &g))
		(void)outside_terms(j, r, &g);
	if (gap)
		*gap = g;
	return g.reason;
}

void pair_gap_text(const struct pair_gap *gap, struct buf *out)
{
	char have[AMOUNT_DEC_MAX], need[AMOUNT_DEC_MAX];

	buf_z(out, pair_reason_text(gap->reason));
	if (gap->move == PAIR_FIXED)
		return;
	amount_format(gap->have, have);
	amount_format(gap->need, need);
	buf_fmt(out, ": %s or %s would match, it is %s", need,
	        gap->move == PAIR_AT_MOST ? "less" : "more", have);
}
