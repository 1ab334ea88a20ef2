/* channel.c - deals that draw on the sums of a channel (protocol 8.3). The ledger is not told of them: both
 * signatures open one, and what the job creator signs for its result ends it as far as it concerns the book. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "model/channel_rules.h"
#include "model/deal_rules.h"
#include "solver/solver_own.h"

enum { LOOK_AGAIN_S = 5 };

/* ---- what the ledger has ------------------------------------------------------------------------------ */

void channel_note(struct solver *s, const struct channel_change *c)
{
	struct solver_channel row = {.id = c->id};

	if (hash_is_zero(&c->id))
		return;
	if (!solver_get(s, solver_channel_record(), &row))
		row.number = 0;
	row.job = c->job;
	row.provider = c->provider;
	row.close_at = c->close_at;
	row.closed = c->closed;
	solver_put(s, solver_channel_record(), &row);
}

void channel_used(struct solver *s, const struct hash *channel, uint64_t number)
{
	struct solver_channel row = {.id = *channel};

	if (hash_is_zero(channel) || !solver_get(s, solver_channel_record(), &row) ||
	        row.number >= number)
		return;
	row.number = number;
	solver_put(s, solver_channel_record(), &row);
}

static bool read_channel(
        struct solver *s, const struct hash *id, struct solver_channel *row, struct err *e)
{
	char text[HASH_TEXT_MAX];

	row->id = *id;
	if (solver_get(s, solver_channel_record(), row))
		return true;
	hash_format(id, text);
	return FAIL(e, NOT_FOUND, "channel %s is not on the ledger that this solver follows", text);
}

void view_channel(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_channel row = {0};
	struct hash id;
	struct err e;

	if (!hash_parse(r->params[0], &id, &e) || !read_channel(s, &id, &row, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:o}", "channel", json_of_hash(&id), "lastNumber",
	                json_of_u64(row.number)));
}

/* ---- job offers --------------------------------------------------------------------------------------- */

static bool of_parties(const struct channel_id *id, const struct job_offer *o, struct err *e)
{
	if (!addr_eq(&id->job_creator, &o->job_creator))
		return FAIL(e, PARTY, "the channel is that of another job creator");
	if (!addr_eq(&id->provider, &o->target))
		return FAIL(e, PARTY, "the offer's target is not the provider of its channel");
	if (id->kind == CHANNEL_VOUCHERS && (o->terms.royalty || o->terms.solver_share))
		return FAIL(e, SHARES,
		        "royalty is %u and solverShare %u: in a channel of vouchers both are 0",
		        o->terms.royalty, o->terms.solver_share);
	return true;
}

bool channel_of_offer(const struct http_req *r, struct solver_filed *doc, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct channel_id id;

	if (doc->offer.settlement != SETTLEMENT_CHANNEL)
		return true;
	TRY(json_parse(bytes_str(r->body), &j, e), e);
	if (!json_object_get(j, "channel"))
		return FAIL(e, JSON_VALUE,
		        "settlement is `channel`: `channel` must say which, and `number` the deal's number in it");
	TRY(json_get_record(j, "channel", channel_id_record(), &id, e), e);
	TRY(json_get_u64(j, "number", &doc->number, e), e);
	if (doc->number == 0)
		return FAIL(e, NONCE, "number is 0: the numbers of a channel begin at 1");
	eip712_hash(channel_id_record(), &id, &doc->channel);
	return of_parties(&id, &doc->offer, e);
}

bool channel_fits(struct solver *s, const struct solver_filed *doc, struct err *e)
{
	const struct terms *t = &doc->offer.terms;
	struct solver_channel row = {0};
	struct channel_load load = {0};
	struct amount draws;

	TRY(read_channel(s, &doc->channel, &row, e), e);
	if (row.closed || row.close_at.s)
		return FAIL(e, STATE, "the channel is %s", row.closed ? "closed" : "being left");
	if (!amount_add(t->pay, t->job_bond, &draws))
		return FAIL(e, RANGE, "PAY + JB overflows");
	channel_load_open(&load, draws, t->result_bond);
	return channel_covers(
	        &(struct channel_sums){.job = row.job, .provider = row.provider}, &load, e);
}

/* ---- deals -------------------------------------------------------------------------------------------- */

void channel_opened(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx)
{
	if (step->state != MATCH_JC_SIGNED) {
		step_write(s, step);
		return;
	}
	deal_opened(s, d, step, ev, fx, "both have signed: it draws on the sums of its channel");
	deal_timer(fx, &d->id, span_s(LOOK_AGAIN_S));
}

void channel_look(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx)
{
	if (step->ledger)
		return; /* there its clocks run */
	if (s->ledger_time.s < channel_claim_until(&d->deal.hot).s) {
		deal_timer(fx, &d->id, span_s(LOOK_AGAIN_S));
		return;
	}
	step->end_ms = (uint64_t)ev->wall.ms;
	solver_move(s, step, MATCH_ENDED, ev, fx, "nothing was accepted or claimed in time");
	book_end(s->book, &d->id, false);
}

/* ---- what the job creator signs for a result ------------------------------------------------------------ */

json_t *accepted_json(const struct solver_accepted *row)
{
	bool voucher = row->kind == CHANNEL_VOUCHERS;

	return json_pack("{s:o, s:o, s:o}", "id", json_of_hash(&row->id),
	        voucher ? "voucher" : "acceptance",
	        voucher ? record_to_json(voucher_record(), &row->voucher)
	                : record_to_json(channel_acceptance_record(), &row->acceptance),
	        "signature", json_of_sig(&row->sig));
}

/* It says what follows from the deal and the result that was relayed. */
static bool check_acceptance(struct solver *s, const struct solver_deal *d,
        const struct solver_result *res, struct solver_accepted *row, struct err *e)
{
	const struct hot *h = &d->deal.hot;
	struct channel_acceptance due;
	struct hash result, is, must;

	eip712_hash(result_record(), &res->result, &result);
	channel_acceptance_of(
	        h, &d->id, &result, deal_cost(h, res->result.count, res->result.bytes), &due);
	eip712_hash(channel_acceptance_record(), &row->acceptance, &is);
	eip712_hash(channel_acceptance_record(), &due, &must);
	if (!hash_eq(&is, &must))
		return FAIL(
		        e, RESULT, "the acceptance does not say what follows from deal and result");
	return signed_check(&s->c.domain, channel_acceptance_record(), &row->acceptance, &row->sig,
	        &h->job_creator, e);
}

static bool check_voucher(
        struct solver *s, const struct solver_deal *d, struct solver_accepted *row, struct err *e)
{
	const struct hot *h = &d->deal.hot;

	if (!hash_eq(&row->voucher.channel, &h->channel))
		return FAIL(e, CONFLICT, "the voucher is of another channel than the deal");
	return signed_check(
	        &s->c.domain, voucher_record(), &row->voucher, &row->sig, &h->job_creator, e);
}

static bool read_accepted(struct solver *s, const struct http_req *r, const struct solver_deal *d,
        const struct solver_result *res, struct solver_accepted *row, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(json_get_sig(j, "signature", &row->sig, e), e);
	if (json_object_get(j, "voucher")) {
		row->kind = CHANNEL_VOUCHERS;
		TRY(json_get_record(j, "voucher", voucher_record(), &row->voucher, e), e);
		return check_voucher(s, d, row, e);
	}
	row->kind = CHANNEL_ACCEPTANCES;
	TRY(json_get_record(j, "acceptance", channel_acceptance_record(), &row->acceptance, e), e);
	return check_acceptance(s, d, res, row, e);
}

static bool take_acceptance(struct solver *s, struct solver_deal *d, struct solver_step *step,
        const struct event *ev, struct effects *fx, struct err *e)
{
	struct solver_accepted row = {0};
	struct solver_result res = {0};
	const struct hot *h = &d->deal.hot;

	TRY(deal_find(s, ev->request, d, step, e), e);
	row.id = res.id = d->id;
	if (hash_is_zero(&h->channel))
		return FAIL(e, STATE, "a deal of escrow is accepted on the ledger");
	if (!solver_get(s, solver_result_record(), &res))
		return FAIL(e, STATE, "no result of this deal was relayed");
	TRY(read_accepted(s, ev->request, d, &res, &row, e), e);
	solver_put(s, solver_accepted_record(), &row);
	solver_emit(s, fx, "accepted", accepted_json(&row), &d->provider, NULL);
	if (step->state == MATCH_OPEN && !step->ledger)
		deal_ended(s, d, step, DEAL_RESULTS_ACCEPTED,
		        deal_cost(h, res.result.count, res.result.bytes), ev, fx);
	return true;
}

void on_acceptance(struct solver *s, const struct event *ev, struct effects *fx)
{
	deal_answer(s, ev, fx, take_acceptance);
}
