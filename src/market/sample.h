/* sample.h - offers for the tests and benchmarks of this folder: a pair that matches, and random ones
 * from small ranges, so that matches, ties and each refusal are frequent. */
#ifndef LILYPAD_MARKET_SAMPLE_H
#define LILYPAD_MARKET_SAMPLE_H

#include <stdio.h>

#include "codec/eip712.h"
#include "market/pair.h"

#define SAMPLE_NOW    1000000
#define SAMPLE_EXPIRY 1003600

/* xorshift64*: small, the same everywhere. */
struct random_ {
	uint64_t s;
};

static inline uint64_t random_u64(struct random_ *r)
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return r->s * 0x2545f4914f6cdd1du;
}

/* 0 .. n - 1 */
static inline uint64_t below_n(struct random_ *r, uint64_t n)
{
	return (random_u64(r) >> 16) % n;
}

static inline bool once_in(struct random_ *r, uint64_t n)
{
	return below_n(r, n) == 0;
}

static inline struct addr addr_no(uint32_t n)
{
	struct addr a = {{0xaa}};

	for (unsigned i = 0; i < 4; i++)
		a.b[19 - i] = (uint8_t)(n >> 8 * i);
	return a;
}

static inline struct hash hash_no(uint32_t n)
{
	struct hash h = {{0xbb}};

	for (unsigned i = 0; i < 4; i++)
		h.b[31 - i] = (uint8_t)(n >> 8 * i);
	return h;
}

enum {
	SOLVER_NO = 1,
	JC_NO = 100,
	RP_NO = 200,
	MEDIATOR_NO = 300,
	DIRECTORY_NO = 400,
	ISSUER_NO = 500
};

static inline struct terms sample_terms(void)
{
	return (struct terms){
	        .pay = amount_of(1000000),
	        .job_bond = amount_of(2000000),
	        .result_bond = amount_of(2000000),
	        .late_judge = amount_of(1000),
	        .late_submit = amount_of(1000),
	        .damages = amount_of(1000000),
	        .fee = amount_of(100),
	        .seats = 3,
	        .appeal = 0,
	        .royalty = 50,
	        .solver_share = 20,
	        .tolerance = 0,
	        .agree_timeout = {60},
	        .submit_timeout = {600},
	        .judge_timeout = {600},
	        .mediate_timeout = {600},
	};
}

static inline struct job_offer sample_job(void)
{
	struct job_offer j = {
	        .job_creator = addr_no(JC_NO),
	        .spec = hash_no(1),
	        .module = hash_no(10),
	        .author = addr_no(50),
	        .pricing = PRICING_MARKET,
	        .prices = {amount_of(100), amount_of(2), amount_of(3)},
	        .terms = sample_terms(),
	        .engine = "wasm/wasmtime-48.0.0/x86_64/0123456789abcdef",
	        .determinism = DETERMINISM_EXACT,
	        .settlement = SETTLEMENT_ESCROW,
	        .instruction_limit = 100000,
	        .byte_limit = 10000,
	        .resources = {.cpu = 1000, .ram = 1 << 30, .disk = 1 << 30},
	        .mediation = MEDIATION_CONSORTIUM,
	        .directory = addr_no(DIRECTORY_NO),
	        .solver = addr_no(SOLVER_NO),
	        .created_at = {SAMPLE_NOW},
	        .nonce = 1,
	        .expiry = {SAMPLE_EXPIRY},
	};

	j.mediators.n = 8;
	for (uint32_t i = 0; i < 8; i++)
		j.mediators.v[i] = addr_no(MEDIATOR_NO + 7 - i);
	return j;
}

static inline struct resource_offer sample_resource(void)
{
	struct resource_offer r = {
	        .provider = addr_no(RP_NO),
	        .machine = hash_no(7),
	        .free = {.cpu = 4000,
	                .ram = (uint64_t)8 << 30,
	                .disk = (uint64_t)100 << 30,
	                .gpus = 1,
	                .vram = (uint64_t)16 << 30,
	                .gpu_model = "NVIDIA L4"},
	        .instruction_limit = 1000000000,
	        .byte_limit = 1000000000,
	        .prices = {amount_of(10), amount_of(1), amount_of(1)},
	        .time_per_instruction = 1000,
	        .engine = "wasm/wasmtime-48.0.0/x86_64/0123456789abcdef",
	        .determinisms = 1 << DETERMINISM_NONE | 1 << DETERMINISM_EXACT,
	        .settlements = 1 << SETTLEMENT_ESCROW,
	        .mediations =
	                1 << MEDIATION_NONE | 1 << MEDIATION_SINGLE | 1 << MEDIATION_CONSORTIUM,
	        .solver = addr_no(SOLVER_NO),
	        .created_at = {SAMPLE_NOW},
	        .nonce = 1,
	        .expiry = {SAMPLE_EXPIRY},
	};
	struct terms most = sample_terms();

	r.least = (struct terms){.agree_timeout = {30},
	        .submit_timeout = {60},
	        .judge_timeout = {60},
	        .mediate_timeout = {60}};
	most.pay = most.job_bond = most.result_bond = amount_of(1000000000);
	most.damages = most.fee = most.late_judge = most.late_submit = amount_of(1000000000);
	most.seats = 7;
	most.appeal = 1;
	most.royalty = 100;
	most.solver_share = 10;
	most.tolerance = 50;
	most.agree_timeout.s = most.submit_timeout.s = 3600;
	most.judge_timeout.s = most.mediate_timeout.s = 3600;
	r.most = most;
	r.mediators.n = 8;
	for (uint32_t i = 0; i < 8; i++)
		r.mediators.v[i] = addr_no(MEDIATOR_NO + i);
	r.directories.n = 1;
	r.directories.v[0] = addr_no(DIRECTORY_NO);
	return r;
}

static inline struct hash job_id(const struct job_offer *j)
{
	struct hash h;

	eip712_hash(job_offer_record(), j, &h);
	return h;
}

static inline struct hash resource_id(const struct resource_offer *r)
{
	struct hash h;

	eip712_hash(resource_offer_record(), r, &h);
	return h;
}

/* ---- random ones --------------------------------------------------------------------------------- */

static inline void random_gpu(struct random_ *x, struct resources *r, bool offered)
{
	static const char *const models[] = {"", "NVIDIA L4", "NVIDIA H100"};

	r->gpus = (uint16_t)below_n(x, offered ? 3 : 2);
	r->vram = (uint64_t)(8 + 8 * below_n(x, 3)) << 30;
	snprintf(r->gpu_model, sizeof r->gpu_model, "%s",
	        models[offered ? 1 + below_n(x, 2) : below_n(x, 3)]);
}

/* About one in eight members leaves the value that always fits. */
static inline struct job_offer random_job(struct random_ *x, uint32_t jcs)
{
	struct job_offer j = sample_job();

	j.job_creator = addr_no(JC_NO + (uint32_t)below_n(x, jcs));
	j.nonce = random_u64(x) >> 20;
	j.pricing = once_in(x, 4) ? PRICING_FIXED : PRICING_MARKET;
	j.prices.base = amount_of(20 + below_n(x, 30));
	j.prices.per_instruction = amount_of(1 + below_n(x, 4));
	j.prices.per_byte = amount_of(1 + below_n(x, 4));
	j.module = hash_no(10 + (uint32_t)below_n(x, 3));
	j.resources.cpu = 500 * (1 + (uint32_t)below_n(x, 4));
	j.instruction_limit = 100 * (1 + below_n(x, 4));
	j.byte_limit = 10 * (1 + below_n(x, 4));
	j.terms.pay = amount_of(200 + below_n(x, 3) * 400);
	j.terms.damages = amount_of(1000 * (1 + below_n(x, 2)));
	if (once_in(x, 8))
		random_gpu(x, &j.resources, false);
	if (once_in(x, 8))
		j.resources.ram = (uint64_t)(1 + below_n(x, 12)) << 30;
	if (once_in(x, 16))
		snprintf(j.engine, sizeof j.engine, "container/cpu-ms/x86_64");
	if (once_in(x, 8))
		j.mediators.n = 5 + (uint32_t)below_n(x, 4);
	if (once_in(x, 16))
		j.min_mutual = (uint8_t)(1 + below_n(x, 9));
	if (once_in(x, 16))
		j.mediators.v[below_n(x, j.mediators.n)] = once_in(x, 2) ? j.job_creator : j.solver;
	if (once_in(x, 16)) {
		j.mediation = once_in(x, 2) ? MEDIATION_SINGLE : MEDIATION_NONE;
		j.terms.seats = j.mediation == MEDIATION_SINGLE;
	}
	if (once_in(x, 16))
		j.terms.appeal = 1;
	if (once_in(x, 16))
		j.directory = addr_no(DIRECTORY_NO + 1);
	if (once_in(x, 16))
		j.determinism = (uint8_t)below_n(x, 3);
	if (once_in(x, 16))
		j.issuer = addr_no(ISSUER_NO + (uint32_t)below_n(x, 2));
	if (once_in(x, 16))
		j.terms.submit_timeout.s = 1 + below_n(x, 100);
	if (once_in(x, 16))
		j.terms.royalty = (uint16_t)below_n(x, 150);
	if (once_in(x, 8))
		j.target = addr_no(RP_NO + (uint32_t)below_n(x, 8));
	if (once_in(x, 8)) {
		j.deny.n = 1;
		j.deny.v[0] = addr_no(RP_NO + (uint32_t)below_n(x, 8));
	}
	if (once_in(x, 16))
		j.expiry.s = SAMPLE_NOW + below_n(x, 2);
	return j;
}

static inline struct resource_offer random_resource(struct random_ *x, uint32_t rps)
{
	struct resource_offer r = sample_resource();

	r.provider = addr_no(RP_NO + (uint32_t)below_n(x, rps));
	r.machine = hash_no((uint32_t)random_u64(x));
	r.nonce = random_u64(x) >> 20;
	r.prices.base = amount_of(10 + below_n(x, 20));
	r.prices.per_instruction = amount_of(1 + below_n(x, 2));
	r.prices.per_byte = amount_of(1 + below_n(x, 2));
	r.free.cpu = 500 * (uint32_t)below_n(x, 8);
	r.time_per_instruction = once_in(x, 8) ? 1000000000000 / 10 : 1000;
	random_gpu(x, &r.free, true);
	if (once_in(x, 8))
		r.free.ram = (uint64_t)(1 + below_n(x, 12)) << 30;
	if (once_in(x, 16))
		snprintf(r.engine, sizeof r.engine, "container/cpu-ms/x86_64");
	if (once_in(x, 4)) {
		r.modules.n = 1 + (uint32_t)below_n(x, 2);
		for (uint32_t i = 0; i < r.modules.n; i++)
			r.modules.v[i] = hash_no(10 + (uint32_t)below_n(x, 3));
	}
	if (once_in(x, 4)) {
		r.module_prices.n = 1 + (uint32_t)below_n(x, 2);
		for (uint32_t i = 0; i < r.module_prices.n; i++) {
			r.module_prices.v[i].module = hash_no(10 + (uint32_t)below_n(x, 3));
			r.module_prices.v[i].prices = (struct prices){
			        amount_of(5 + below_n(x, 40)), amount_of(1), amount_of(1)};
		}
	}
	if (once_in(x, 8))
		r.mediators.n = 5 + (uint32_t)below_n(x, 4);
	if (once_in(x, 16))
		r.min_mutual = (uint8_t)(1 + below_n(x, 9));
	if (once_in(x, 16))
		r.mediators.v[below_n(x, r.mediators.n)] = once_in(x, 2) ? r.provider : r.solver;
	if (once_in(x, 16)) {
		r.directories.n = 2;
		r.directories.v[1] = addr_no(DIRECTORY_NO + 1);
	}
	if (once_in(x, 8)) {
		r.issuers.n = 1;
		r.issuers.v[0] = addr_no(ISSUER_NO);
	}
	if (once_in(x, 8))
		r.most.damages = amount_of(1500);
	if (once_in(x, 16))
		r.instruction_limit = 300;
	if (once_in(x, 8)) {
		r.deny.n = 1;
		r.deny.v[0] = addr_no(JC_NO + (uint32_t)below_n(x, 4));
	}
	if (once_in(x, 16))
		r.expiry.s = SAMPLE_NOW + below_n(x, 2);
	return r;
}

#endif
