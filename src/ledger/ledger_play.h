/* ledger_play.h - for tests and benchmarks of the rules: parties, deals and documents at hand, and a
 * signature scheme that costs nothing: a signature is the signer's address and the digest. */
#ifndef LILYPAD_LEDGER_LEDGER_PLAY_H
#define LILYPAD_LEDGER_LEDGER_PLAY_H

#include "codec/eip712.h"
#include "ledger/ledger.h"
#include "model/parts.h"

enum who { OPERATOR, JC, RP, SOLVER, AUTHOR, MEDIATOR, MALLORY, PARTIES };

struct play {
	struct genesis genesis;
	struct ledger *l;
	struct btime now;
	uint64_t block;
	struct addr who[PARTIES];
	uint64_t sends[PARTIES]; /* next nonces */
	void (*sign)(struct play *p, enum who by, const struct hash *digest, struct sig *out);
	struct action a;
	struct ledger_event ev; /* the first event of the last action */
	struct ledger_event
	        *more; /* all events of a list: of the caller, LEDGER_EVENTS_MAX; or NULL */
	size_t n;      /* events of the last action */
	struct err e;
};

static inline void play_fake_sign(
        struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	*out = (struct sig){.n = 65};
	memcpy(out->b, p->who[by].b, 20);
	memcpy(out->b + 20, digest->b, 32);
}

static inline bool play_fake_verify(void *ctx, const struct hash *digest, const struct sig *sig,
        const struct addr *who, struct err *e)
{
	(void)ctx;
	if ((sig->n == 65 || sig->n == 64) && memcmp(sig->b, who->b, 20) == 0 &&
	        memcmp(sig->b + 20, digest->b, 32) == 0)
		return true;
	return FAIL(e, SIGNATURE, "not signed by the party");
}

/* A test ledger with MIN 60 s, LIFE 10 000 s; every party has a million. */
static inline void play_genesis(struct play *p)
{
	struct genesis *g = &p->genesis;

	*g = (struct genesis){.operator_ = p->who[OPERATOR],
	        .symbol = "LP",
	        .decimals = 18,
	        .min = {60},
	        .life = {10000},
	        .unbonding = {20000},
	        .time = {1000000}};
	memcpy(g->name, "play", 5);
	for (int i = 0; i < PARTIES; i++)
		g->allocations.v[g->allocations.n++] =
		        (struct allocation){p->who[i], amount_of(1000000)};
	p->now = g->time;
	p->block = 1;
}

static inline void play_init(struct play *p)
{
	const struct ledger_options o = {.verify = play_fake_verify};
	bool ok;

	memset(p, 0, sizeof *p);
	for (int i = 0; i < PARTIES; i++)
		memset(p->who[i].b, i + 1, 20);
	p->sign = play_fake_sign;
	play_genesis(p);
	ok = ledger_new(&p->genesis, &o, &p->l, &p->e);
	assert(ok);
}

static inline void play_done(struct play *p)
{
	p->l = ledger_free(p->l);
}

/* PAY 1 000, JB 500, RB 400, Cj 20, Cs 30, D 100, FEE 10; COST 100 + 3 · count + 1 · bytes; ROY 50 ‰ and
 * SOL 30 ‰; single mediation; each timeout 100 s except submit, 200 s. */
static inline struct deal play_deal(const struct play *p, uint64_t nonce)
{
	struct deal d = {.hot = {.job_creator = p->who[JC],
	                         .provider = p->who[RP],
	                         .solver = p->who[SOLVER],
	                         .author = p->who[AUTHOR],
	                         .pay = amount_of(1000),
	                         .job_bond = amount_of(500),
	                         .result_bond = amount_of(400),
	                         .late_judge = amount_of(20),
	                         .late_submit = amount_of(30),
	                         .damages = amount_of(100),
	                         .fee = amount_of(10),
	                         .base = amount_of(100),
	                         .per_instruction = amount_of(3),
	                         .per_byte = amount_of(1),
	                         .instruction_limit = 1000,
	                         .byte_limit = 500,
	                         .mediation = MEDIATION_SINGLE,
	                         .seats = 1,
	                         .royalty = 50,
	                         .solver_share = 30,
	                         .agree_timeout = {100},
	                         .submit_timeout = {200},
	                         .judge_timeout = {100},
	                         .mediate_timeout = {100},
	                         .open_by = {p->now.s + 1000},
	                         .nonce = nonce}};

	d.cold.determinism = DETERMINISM_EXACT;
	d.cold.mediators.n = 1;
	d.cold.mediators.v[0] = p->who[MEDIATOR];
	return d;
}

static inline struct hash play_id(const struct record *r, const void *row)
{
	struct hash h;

	eip712_hash(r, row, &h);
	return h;
}

static inline void play_sign_hash(
        struct play *p, enum who by, const struct hash *doc, struct sig *out)
{
	struct hash digest;

	eip712_digest(ledger_domain(p->l), doc, &digest);
	p->sign(p, by, &digest, out);
}

static inline void play_sign(
        struct play *p, enum who by, const struct record *r, const void *row, struct sig *out)
{
	struct hash h = play_id(r, row);

	play_sign_hash(p, by, &h, out);
}

/* p->a goes to the ledger. */
static inline bool play_do(struct play *p)
{
	struct hash id = {{0x42}};

	p->n = 0;
	err_clear(&p->e);
	if (!p->more)
		return ledger_apply(p->l, &p->a, &id, p->now, p->block++, &p->ev, 1, &p->n, &p->e);
	if (!ledger_apply(
	            p->l, &p->a, &id, p->now, p->block++, p->more, LEDGER_EVENTS_MAX, &p->n, &p->e))
		return false;
	p->ev = p->more[0];
	return true;
}

/* ---- actions: each prepares p->a --------------------------------------------------------------- */

static inline void play_open(struct play *p, const struct deal *d)
{
	p->a = (struct action){.kind = ACTION_OPEN, .deal = *d};
	play_sign(p, JC, deal_record(), d, &p->a.jc_sig);
	play_sign(p, RP, deal_record(), d, &p->a.rp_sig);
}

/* The body, or the deal, is in p->a. */
static inline void play_send_of(struct play *p, enum who by, unsigned kind, const struct hash *body)
{
	p->a.send = (struct send){.account = p->who[by],
	        .kind = (uint8_t)kind,
	        .body = *body,
	        .nonce = p->sends[by],
	        .expiry = {p->now.s + 60}};
	play_sign(p, by, send_record(), &p->a.send, &p->a.send_sig);
}

static inline void play_send(
        struct play *p, enum who by, unsigned kind, const struct record *body, const void *row)
{
	struct hash h = play_id(body, row);

	p->a.kind = ACTION_SEND;
	play_send_of(p, by, kind, &h);
}

static inline void play_agree(struct play *p, enum who by, const struct deal *d)
{
	p->a = (struct action){.deal = *d};
	play_send(p, by, SEND_AGREE, deal_record(), &p->a.deal);
}

static inline void play_amount(struct play *p, enum who by, unsigned kind, uint64_t n)
{
	p->a = (struct action){.body.withdrawal.amount = amount_of(n)};
	play_send(p, by, kind, withdrawal_record(), &p->a.body);
}

static inline void play_result(
        struct play *p, const struct hash *deal, uint64_t count, uint64_t bytes)
{
	struct hash h;

	p->a = (struct action){.kind = ACTION_RESULT,
	        .result = {.deal = *deal,
	                .status = STATUS_COMPLETED,
	                .count = count,
	                .bytes = bytes,
	                .secret_hash = {{7}}},
	        .output_hash = {{9}}};
	result_hash_of(&p->a.result, &p->a.output_hash, &h);
	play_sign_hash(p, RP, &h, &p->a.result_sig);
}

static inline struct hash play_result_hash(const struct hash *deal, uint64_t count, uint64_t bytes)
{
	struct result r = {.deal = *deal,
	        .status = STATUS_COMPLETED,
	        .count = count,
	        .bytes = bytes,
	        .secret_hash = {{7}}};
	struct hash output = {{9}}, h;

	result_hash_of(&r, &output, &h);
	return h;
}

/* with: the result comes along, signed. */
static inline void play_accept(
        struct play *p, const struct hash *deal, uint64_t count, uint64_t bytes, bool with)
{
	if (with)
		play_result(p, deal, count, bytes);
	else
		p->a = (struct action){0};
	p->a.kind = ACTION_ACCEPT;
	p->a.acceptance =
	        (struct acceptance){.deal = *deal, .result = play_result_hash(deal, count, bytes)};
	play_sign(p, JC, acceptance_record(), &p->a.acceptance, &p->a.doc_sig);
}

static inline void play_check(struct play *p, const struct hash *deal, const struct hash *result)
{
	p->a = (struct action){.kind = ACTION_CHECK,
	        .check = {.deal = *deal,
	                .result = *result,
	                .claim = RULING_RESULT_WRONG,
	                .salt = {{5}}}};
	play_sign(p, JC, check_record(), &p->a.check, &p->a.doc_sig);
}

static inline void play_verdict(struct play *p, const struct deal *d, unsigned ruling)
{
	p->a = (struct action){.kind = ACTION_VERDICT,
	        .deal.cold = d->cold,
	        .verdict = {.deal = play_id(deal_record(), d),
	                .mediator = p->who[MEDIATOR],
	                .ruling = (uint8_t)ruling}};
	play_sign(p, MEDIATOR, verdict_record(), &p->a.verdict, &p->a.doc_sig);
}

static inline void play_pass(struct play *p, const struct deal *d)
{
	p->a = (struct action){.kind = ACTION_PASS,
	        .deal.cold = d->cold,
	        .pass = {.deal = play_id(deal_record(), d), .mediator = p->who[MEDIATOR]}};
	play_sign(p, MEDIATOR, pass_record(), &p->a.pass, &p->a.doc_sig);
}

static inline void play_decline(struct play *p, const struct hash *deal)
{
	p->a = (struct action){
	        .kind = ACTION_DECLINE, .decline = {.deal = *deal, .reason = REASON_HOST_FAILURE}};
	play_sign(p, RP, decline_record(), &p->a.decline, &p->a.doc_sig);
}

static inline void play_cancel(struct play *p, const struct hash *deal, uint64_t expiry)
{
	p->a = (struct action){
	        .kind = ACTION_CANCEL, .cancel = {.deal = *deal, .expiry = {expiry}}};
	play_sign(p, JC, cancel_record(), &p->a.cancel, &p->a.jc_sig);
	play_sign(p, RP, cancel_record(), &p->a.cancel, &p->a.rp_sig);
}

static inline void play_timeout(struct play *p, const struct hash *deal)
{
	p->a = (struct action){.kind = ACTION_TIMEOUT, .deal_id = *deal};
}

#endif
