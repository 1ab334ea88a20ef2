/* idle.c - counts refusals of one resource offer, and tries the one change that each asks for. */
#include "market/idle.h"

#include <stdlib.h>

struct wish {
	uint8_t reason;
	uint8_t move; /* enum pair_move of the provider's number */
	struct amount value;
};

struct idle {
	struct resource_offer offer;
	struct resource_offer trial; /* the same but while a change is tried */
	uint32_t jobs;
	uint32_t count[PAIR_REASONS];
	struct amount have[PAIR_REASONS];
	uint32_t wishes_n;
	struct wish wishes[IDLE_JOBS_MAX];
};

struct idle *idle_new(const struct resource_offer *r)
{
	struct idle *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->offer = *r;
	x->trial = *r;
	return x;
}

struct idle *idle_free(struct idle *x)
{
	free(x);
	return NULL;
}

uint32_t idle_jobs(const struct idle *x)
{
	return x->jobs;
}

/* ---- one change --------------------------------------------------------------------------------------- */

static struct prices *ask_of(struct resource_offer *r, const struct hash *module)
{
	for (uint32_t i = 0; i < r->module_prices.n; i++) {
		if (hash_eq(&r->module_prices.v[i].module, module))
			return &r->module_prices.v[i].prices;
	}
	return &r->prices;
}

static uint64_t slowest(const struct job_offer *j)
{
	return pair_slowest(j->terms.submit_timeout.s, j->instruction_limit);
}

/* The machine's numbers: false when the reason is none of them. */
static bool change_machine(
        struct resource_offer *r, const struct job_offer *j, enum pair_reason why)
{
	switch ((int)why) {
	case PAIR_CPU: r->free.cpu = j->resources.cpu; return true;
	case PAIR_RAM: r->free.ram = j->resources.ram; return true;
	case PAIR_DISK: r->free.disk = j->resources.disk; return true;
	case PAIR_GPUS: r->free.gpus = j->resources.gpus; return true;
	case PAIR_VRAM: r->free.vram = j->resources.vram; return true;
	case PAIR_INSTRUCTION_LIMIT: r->instruction_limit = j->instruction_limit; return true;
	case PAIR_BYTE_LIMIT: r->byte_limit = j->byte_limit; return true;
	case PAIR_TOO_SLOW: r->time_per_instruction = slowest(j); return true;
	default: return false;
	}
}

static bool change_price(struct resource_offer *r, const struct job_offer *j, enum pair_reason why)
{
	struct prices *ask = ask_of(r, &j->module);

	switch ((int)why) {
	case PAIR_PRICE_BASE: ask->base = j->prices.base; return true;
	case PAIR_PRICE_INSTRUCTION: ask->per_instruction = j->prices.per_instruction; return true;
	case PAIR_PRICE_BYTE: ask->per_byte = j->prices.per_byte; return true;
	default: return false;
	}
}

/* The end of a range of 3.16 that J's value lies outside of. */
static bool change_term(
        struct resource_offer *r, const struct job_offer *j, const struct pair_gap *gap)
{
	struct terms *end = gap->move == PAIR_AT_LEAST ? &r->least : &r->most;

	switch ((int)gap->reason) {
#define R(name, value, clause, sentence)
#define T(name, value, member, sentence)                                                           \
	case PAIR_##name:                                                                          \
		end->member = j->terms.member;                                                     \
		return true;
#include "market/reasons.def"
#undef R
#undef T
	default: return false;
	}
}

static void undo(struct idle *x)
{
	struct resource_offer *t = &x->trial;

	t->free = x->offer.free;
	t->instruction_limit = x->offer.instruction_limit;
	t->byte_limit = x->offer.byte_limit;
	t->time_per_instruction = x->offer.time_per_instruction;
	t->prices = x->offer.prices;
	t->module_prices = x->offer.module_prices;
	t->least = x->offer.least;
	t->most = x->offer.most;
}

/* Whether the pair matches once the number behind `gap` is what J needs, and nothing else changes. */
static bool try_change(struct idle *x, const struct job_offer *j, struct btime now,
        const struct pair_money *money, const struct pair_gap *gap)
{
	struct pair_money enough;
	bool ok;

	if (gap->reason == PAIR_RP_FUNDS && money) {
		enough = (struct pair_money){money->jc_free, gap->have};
		return pair_refusal(j, &x->trial, now, &enough, NULL) == PAIR_NONE;
	}
	ok = change_machine(&x->trial, j, gap->reason) || change_price(&x->trial, j, gap->reason) ||
	     change_term(&x->trial, j, gap);
	ok = ok && pair_refusal(j, &x->trial, now, money, NULL) == PAIR_NONE;
	undo(x);
	return ok;
}

enum pair_reason idle_add(
        struct idle *x, const struct job_offer *j, struct btime now, const struct pair_money *money)
{
	struct pair_gap gap;
	enum pair_reason why = pair_refusal(j, &x->offer, now, money, &gap);
	bool slow = why == PAIR_TOO_SLOW;

	if (x->jobs == IDLE_JOBS_MAX)
		return why;
	x->jobs++;
	if (x->count[why]++ == 0)
		x->have[why] = slow ? amount_of(x->offer.time_per_instruction) : gap.need;
	if (why == PAIR_NONE || gap.move == PAIR_FIXED || !try_change(x, j, now, money, &gap))
		return why;
	/* What J may at most ask for, R must at least offer, and the other way round. */
	x->wishes[x->wishes_n++] = (struct wish){
	        .reason = (uint8_t)why,
	        .move = (uint8_t)(gap.move == PAIR_AT_MOST ? PAIR_AT_LEAST : PAIR_AT_MOST),
	        .value = slow ? amount_of(slowest(j)) : gap.have,
	};
	return why;
}

/* ---- the table ---------------------------------------------------------------------------------------- */

/* By reason; of one reason, the smallest change first. */
static int by_nearness(const void *va, const void *vb)
{
	const struct wish *a = va, *b = vb;

	if (a->reason != b->reason)
		return a->reason < b->reason ? -1 : 1;
	if (a->move != b->move)
		return a->move < b->move ? -1 : 1;
	return a->move == PAIR_AT_LEAST ? amount_cmp(a->value, b->value)
	                                : amount_cmp(b->value, a->value);
}

/* n wishes of one reason and direction. */
static void take_steps(const struct wish *w, uint32_t n, struct idle_reason *out)
{
	const uint32_t places[IDLE_STEPS] = {0, (n - 1) / 2, n - 1};

	out->move = (enum pair_move)w->move;
	out->steps_n = 0;
	for (unsigned i = 0; i < IDLE_STEPS; i++) {
		struct amount v = w[places[i]].value;
		uint32_t end = places[i] + 1;

		while (end < n && amount_eq(w[end].value, v))
			end++;
		if (out->steps_n && out->steps[out->steps_n - 1].jobs == end)
			continue;
		out->steps[out->steps_n++] = (struct idle_step){v, end};
	}
}

void idle_take(struct idle *x, struct idle_reason out[PAIR_REASONS])
{
	memset(out, 0, PAIR_REASONS * sizeof out[0]);
	for (unsigned i = 0; i < PAIR_REASONS; i++) {
		out[i].jobs = x->count[i];
		out[i].have = x->have[i];
	}
	qsort(x->wishes, x->wishes_n, sizeof x->wishes[0], by_nearness);
	for (uint32_t from = 0, to; from < x->wishes_n; from = to) {
		const struct wish *w = &x->wishes[from];
		struct idle_reason *r = &out[w->reason];

		for (to = from + 1; to < x->wishes_n && x->wishes[to].reason == w->reason &&
		                    x->wishes[to].move == w->move;)
			to++;
		/* A range can be missed at both ends: the end that more job offers miss is shown. */
		if (r->steps_n == 0 || r->steps[r->steps_n - 1].jobs < to - from)
			take_steps(w, to - from, r);
	}
}
