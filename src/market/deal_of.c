/* deal_of.c - making a deal of two offers, and checking one against an offer. */
#include "market/deal_of.h"

#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/hex.h"

/* ---- making -------------------------------------------------------------------------------------- */

static int by_addr(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

static void name_mediators(
        const struct job_offer *j, const struct resource_offer *r, struct cold *c)
{
	if (j->mediation == MEDIATION_NONE)
		return;
	c->mediators.n = pair_mutual(j, r, c->mediators.v);
	if (j->mediation == MEDIATION_SINGLE) {
		c->mediators.n = 1;
		memset(&c->mediators.v[1], 0, sizeof c->mediators.v - sizeof c->mediators.v[0]);
		return;
	}
	qsort(c->mediators.v, c->mediators.n, sizeof c->mediators.v[0], by_addr);
}

static uint16_t solver_share(const struct job_offer *j, const struct resource_offer *r)
{
	unsigned share = addr_is_zero(&j->solver) ? 0 : j->terms.solver_share;
	unsigned left = j->terms.royalty < 1000 ? 1000u - j->terms.royalty : 0;

	if (share > r->most.solver_share)
		share = r->most.solver_share;
	return (uint16_t)MIN2(share, left);
}

static struct hot hot_of(const struct job_offer *j, const struct resource_offer *r,
        const struct deal_making *m, const struct prices *p)
{
	const struct terms *t = &j->terms;
	bool channel = j->settlement == SETTLEMENT_CHANNEL;
	uint64_t expiry = MIN2(j->expiry.s, r->expiry.s);

	return (struct hot){
	        .job_creator = j->job_creator,
	        .provider = r->provider,
	        .solver = j->solver,
	        .author = j->author,
	        .pay = t->pay,
	        .job_bond = t->job_bond,
	        .result_bond = t->result_bond,
	        .late_judge = t->late_judge,
	        .late_submit = t->late_submit,
	        .damages = t->damages,
	        .fee = t->fee,
	        .base = p->base,
	        .per_instruction = p->per_instruction,
	        .per_byte = p->per_byte,
	        .instruction_limit = j->instruction_limit,
	        .byte_limit = j->byte_limit,
	        .mediation = j->mediation,
	        .seats = t->seats,
	        .appeal = t->appeal,
	        .royalty = t->royalty,
	        .solver_share = solver_share(j, r),
	        .agree_timeout = t->agree_timeout,
	        .submit_timeout = t->submit_timeout,
	        .judge_timeout = t->judge_timeout,
	        .mediate_timeout = t->mediate_timeout,
	        .open_by = {MIN2(m->open_by.s, expiry)},
	        .channel = channel ? m->channel : (struct hash){{0}},
	        .nonce = channel ? m->number : j->nonce,
	};
}

static bool agreed_prices(const struct job_offer *j, const struct resource_offer *r,
        const struct deal_making *m, struct prices *out, struct err *e)
{
	*out = pair_prices(j, r);
	if (j->pricing != PRICING_CLEARED)
		return true;
	if (!m->cleared)
		return FAIL(e, TERMS, "pricing is `cleared`, and no batch price is given");
	*out = *m->cleared;
	return true;
}

bool deal_from_offers(const struct job_offer *j, const struct resource_offer *r,
        const struct deal_making *m, struct deal *out, struct err *e)
{
	struct pair_gap gap;
	struct prices p;
	struct deal d = {0};

	if (pair_refusal(j, r, (struct btime){0}, NULL, &gap) != PAIR_NONE)
		return FAIL(e, TERMS, "the offers do not match: %s", pair_reason_text(gap.reason));
	TRY(agreed_prices(j, r, m, &p, e), e);
	d.hot = hot_of(j, r, m, &p);
	d.cold = (struct cold){
	        .job_offer = m->job_offer,
	        .resource_offer = m->resource_offer,
	        .spec = j->spec,
	        .module = j->module,
	        .determinism = j->determinism,
	        .issuer = j->issuer,
	        .tolerance = j->terms.tolerance,
	        .directory = j->directory,
	};
	memcpy(d.cold.engine, j->engine, sizeof d.cold.engine);
	name_mediators(j, r, &d.cold);
	TRY(deal_valid(&d, e), e);
	*out = d;
	return true;
}

/* ---- checking: values ------------------------------------------------------------------------------ */

static bool same_addr(
        const char *term, const struct addr *deal, const struct addr *offer, struct err *e)
{
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	if (addr_eq(deal, offer))
		return true;
	addr_format(deal, a);
	addr_format(offer, b);
	return FAIL(e, TERMS, "%s is %s, the offer says %s", term, a, b);
}

static bool same_hash(
        const char *term, const struct hash *deal, const struct hash *offer, struct err *e)
{
	char a[HASH_TEXT_MAX], b[HASH_TEXT_MAX];

	if (hash_eq(deal, offer))
		return true;
	hash_format(deal, a);
	hash_format(offer, b);
	return FAIL(e, TERMS, "%s is %s, the offer says %s", term, a, b);
}

static bool same_text(const char *term, const char *deal, const char *offer, struct err *e)
{
	return strcmp(deal, offer) == 0 ||
	       FAIL(e, TERMS, "%s is \"%s\", the offer says \"%s\"", term, deal, offer);
}

static bool within(const char *term, struct amount deal, struct amount least, struct amount most,
        struct err *e)
{
	char v[AMOUNT_DEC_MAX], lo[AMOUNT_DEC_MAX], hi[AMOUNT_DEC_MAX];

	if (amount_cmp(deal, least) >= 0 && amount_cmp(deal, most) <= 0)
		return true;
	amount_format(deal, v);
	amount_format(least, lo);
	amount_format(most, hi);
	if (amount_eq(least, most))
		return FAIL(e, TERMS, "%s is %s, the offer says %s", term, v, lo);
	return FAIL(e, TERMS, "%s is %s, the offer says %s to %s", term, v, lo, hi);
}

static bool same_number(const char *term, uint64_t deal, uint64_t offer, struct err *e)
{
	return within(term, amount_of(deal), amount_of(offer), amount_of(offer), e);
}

static bool at_most(const char *term, uint64_t deal, uint64_t most, struct err *e)
{
	return within(term, amount_of(deal), amount_of(0), amount_of(most), e);
}

static bool in_set(const char *term, unsigned value, unsigned set, const struct enum_names *names,
        struct err *e)
{
	if (value < 8 && (set >> value & 1))
		return true;
	return FAIL(
	        e, TERMS, "%s is %s, which the offer does not take", term, enum_name(names, value));
}

static bool listed(
        const char *term, const struct addr *a, const struct addr *v, uint32_t n, struct err *e)
{
	char text[ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < n; i++) {
		if (addr_eq(&v[i], a))
			return true;
	}
	addr_format(a, text);
	return FAIL(e, TERMS, "%s %s does not stand in the offer", term, text);
}

static bool not_denied(const struct addr *a, const struct addr *v, uint32_t n, struct err *e)
{
	char text[ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < n; i++) {
		if (!addr_eq(&v[i], a))
			continue;
		addr_format(a, text);
		return FAIL(e, TERMS, "%s is on the offer's deny list", text);
	}
	return true;
}

/* Terms stand under the same names in Terms, in Hot and (tolerance) in Cold; so the records are walked. */
static struct amount number_at(const struct field *f, const void *row)
{
	const void *p = field_at(row, f);

	switch (f->kind) {
	case K_AMOUNT: return *(const struct amount *)p;
	case K_TIME: return amount_of(((const struct btime *)p)->s);
	case K_U16: return amount_of(*(const uint16_t *)p);
	case K_U8: return amount_of(*(const uint8_t *)p);
	case K_U32:
	case K_U64:
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_ENUM:
	case K_BOOL:
	case K_NONCE:
	case K_TEXT:
	case K_ADDRS:
	case K_HASHES:
	case K_REC:
	case K_RECS:
	case K_SIG: break;
	}
	assert(false && "Terms has amounts, times and small numbers only");
	return amount_of(0);
}

static bool terms_hold(
        const struct deal *d, const struct terms *least, const struct terms *most, struct err *e)
{
	const struct record *t = terms_record();

	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->f[i];
		struct str name = str_of(f->name);
		const struct field *in = record_field(hot_record(), name);
		const void *row = &d->hot;
		bool ceiling = str_is(name, "solverShare");

		if (!in) {
			in = record_field(cold_record(), name);
			row = &d->cold;
		}
		assert(in);
		TRY(within(f->name, number_at(in, row),
		            ceiling ? amount_of(0) : number_at(f, least), number_at(f, most), e),
		        e);
	}
	return true;
}

static bool panel_follows(
        const struct deal *d, const struct addr *v, uint32_t n, unsigned min_mutual, struct err *e)
{
	for (uint32_t i = 0; i < d->cold.mediators.n; i++)
		TRY(listed("mediator", &d->cold.mediators.v[i], v, n, e), e);
	if (d->hot.mediation != MEDIATION_CONSORTIUM)
		return true;
	if (d->cold.mediators.n < pair_min_mutual(min_mutual, n))
		return FAIL(e, TERMS, "mediators are %u, the offer wants at least %u of its %u",
		        d->cold.mediators.n, pair_min_mutual(min_mutual, n), n);
	return true;
}

static bool no_more(const char *term, struct amount deal, struct amount most, struct err *e)
{
	return within(term, deal, amount_of(0), most, e);
}

/* ---- checking: the two sides ------------------------------------------------------------------------ */

static bool job_prices_follow(const struct hot *h, const struct job_offer *j, struct err *e)
{
	bool fixed = j->pricing == PRICING_FIXED;
	const struct prices *p = &j->prices;

	TRY(within("base", h->base, fixed ? p->base : amount_of(0), p->base, e), e);
	TRY(within("perInstruction", h->per_instruction, fixed ? p->per_instruction : amount_of(0),
	            p->per_instruction, e),
	        e);
	TRY(within("perByte", h->per_byte, fixed ? p->per_byte : amount_of(0), p->per_byte, e), e);
	return true;
}

static bool job_hot_follows(const struct hot *h, const struct job_offer *j, struct err *e)
{
	bool channel = j->settlement == SETTLEMENT_CHANNEL;

	TRY(same_addr("jobCreator", &h->job_creator, &j->job_creator, e), e);
	TRY(same_addr("solver", &h->solver, &j->solver, e), e);
	TRY(same_addr("author", &h->author, &j->author, e), e);
	if (!addr_is_zero(&j->target))
		TRY(same_addr("provider", &h->provider, &j->target, e), e);
	TRY(not_denied(&h->provider, j->deny.v, j->deny.n, e), e);
	TRY(job_prices_follow(h, j, e), e);
	TRY(same_number("instructionLimit", h->instruction_limit, j->instruction_limit, e), e);
	TRY(same_number("byteLimit", h->byte_limit, j->byte_limit, e), e);
	TRY(same_text("mediation", enum_name(&mediation_names, h->mediation),
	            enum_name(&mediation_names, j->mediation), e),
	        e);
	if (channel == hash_is_zero(&h->channel))
		return FAIL(e, TERMS, "channel is %s, the offer's settlement is %s",
		        channel ? "zero" : "set", enum_name(&settlement_names, j->settlement));
	if (!channel)
		TRY(same_number("nonce", h->nonce, j->nonce, e), e);
	TRY(at_most("openBy", h->open_by.s, j->expiry.s, e), e);
	if (addr_is_zero(&j->solver))
		TRY(same_number("solverShare", h->solver_share, 0, e), e);
	return true;
}

bool deal_follows_job_offer(const struct deal *d, const struct job_offer *j, struct err *e)
{
	const struct cold *c = &d->cold;
	struct hash id;

	eip712_hash(job_offer_record(), j, &id);
	TRY(same_hash("jobOffer", &c->job_offer, &id, e), e);
	TRY(job_hot_follows(&d->hot, j, e), e);
	TRY(terms_hold(d, &j->terms, &j->terms, e), e);
	TRY(same_hash("spec", &c->spec, &j->spec, e), e);
	TRY(same_hash("module", &c->module, &j->module, e), e);
	TRY(same_text("engine", c->engine, j->engine, e), e);
	TRY(same_number("determinism", c->determinism, j->determinism, e), e);
	TRY(same_addr("issuer", &c->issuer, &j->issuer, e), e);
	TRY(same_addr("directory", &c->directory, &j->directory, e), e);
	TRY(panel_follows(d, j->mediators.v, j->mediators.n, j->min_mutual, e), e);
	TRY(deal_valid(d, e), e);
	return true;
}

/* The job's own number may be larger only where the provider said so. */
static bool resource_hot_follows(const struct hot *h, const struct resource_offer *r,
        const struct prices *ask, struct err *e)
{
	bool channel = !hash_is_zero(&h->channel);
	uint64_t run = pair_run_seconds(r->time_per_instruction, h->instruction_limit);

	TRY(same_addr("provider", &h->provider, &r->provider, e), e);
	TRY(same_addr("solver", &h->solver, &r->solver, e), e);
	TRY(not_denied(&h->job_creator, r->deny.v, r->deny.n, e), e);
	TRY(no_more("the ask for base", ask->base, h->base, e), e);
	TRY(no_more("the ask for perInstruction", ask->per_instruction, h->per_instruction, e), e);
	TRY(no_more("the ask for perByte", ask->per_byte, h->per_byte, e), e);
	TRY(at_most("instructionLimit", h->instruction_limit, r->instruction_limit, e), e);
	TRY(at_most("byteLimit", h->byte_limit, r->byte_limit, e), e);
	TRY(in_set("mediation", h->mediation, r->mediations, &mediation_names, e), e);
	TRY(in_set("settlement", channel ? SETTLEMENT_CHANNEL : SETTLEMENT_ESCROW, r->settlements,
	            &settlement_names, e),
	        e);
	TRY(at_most("openBy", h->open_by.s, r->expiry.s, e), e);
	if (run > h->submit_timeout.s)
		return FAIL(e, TERMS,
		        "submitTimeout is %llu s, and this machine needs up to %llu s for instructionLimit",
		        (unsigned long long)h->submit_timeout.s, (unsigned long long)run);
	if (addr_is_zero(&r->solver))
		TRY(same_number("solverShare", h->solver_share, 0, e), e);
	return true;
}

bool deal_follows_resource_offer(
        const struct deal *d, const struct resource_offer *r, struct err *e)
{
	const struct cold *c = &d->cold;
	struct hash id;

	eip712_hash(resource_offer_record(), r, &id);
	TRY(same_hash("resourceOffer", &c->resource_offer, &id, e), e);
	TRY(resource_hot_follows(&d->hot, r, pair_ask(r, &c->module), e), e);
	TRY(terms_hold(d, &r->least, &r->most, e), e);
	TRY(same_text("engine", c->engine, r->engine, e), e);
	if (!pair_runs_module(r, &c->module, c->engine))
		return FAIL(e, TERMS, "the module does not stand in the offer's allow-list");
	TRY(in_set("determinism", c->determinism, r->determinisms, &determinism_names, e), e);
	if (!addr_is_zero(&c->issuer))
		TRY(listed("issuer", &c->issuer, r->issuers.v, r->issuers.n, e), e);
	TRY(listed("directory", &c->directory, r->directories.v, r->directories.n, e), e);
	TRY(panel_follows(d, r->mediators.v, r->mediators.n, r->min_mutual, e), e);
	TRY(deal_valid(d, e), e);
	return true;
}
