/* offers.c - signed offers in, signed Acks out (protocol 1.2, 2.2, 2.3). */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "market/deal_valid.h"
#include "solver/solver_own.h"

enum { FRESH_S = 300, LIFE_S = 86400 };

/* ---- what is checked -------------------------------------------------------------------------------- */

static bool check_times(struct btime created, struct btime expiry, uint64_t now, struct err *e)
{
	if (created.s + FRESH_S < now || created.s > now + FRESH_S) {
		FAIL(e, STALE, "the offer was created at %llu, it is %llu here",
		        (unsigned long long)created.s, (unsigned long long)now);
		return err_hint(e, "is the clock of this machine right?");
	}
	if (expiry.s <= now || expiry.s > now + LIFE_S)
		return FAIL(e, RANGE,
		        "the offer expires at %llu; that must be within %d s after %llu",
		        (unsigned long long)expiry.s, LIFE_S, (unsigned long long)now);
	return true;
}

static bool check_solver(struct solver *s, const struct addr *named, struct err *e)
{
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	if (addr_eq(named, &s->world->signer.addr))
		return true;
	addr_format(named, a);
	addr_format(&s->world->signer.addr, b);
	return FAIL(e, PARTY, "the offer is for solver %s, this is %s", a, b);
}

/* 3.12 early: a job that its creator cannot pay is refused at once. */
static bool check_funds(struct solver *s, const struct job_offer *o, struct err *e)
{
	struct amount need, have = book_available(s->book, &o->job_creator);
	char n[AMOUNT_DEC_MAX], h[AMOUNT_DEC_MAX];

	if (!amount_add(o->terms.pay, o->terms.job_bond, &need))
		return FAIL(e, RANGE, "PAY + JB overflows");
	if (amount_cmp(have, need) >= 0)
		return true;
	amount_format(need, n);
	amount_format(have, h);
	FAIL(e, FUNDS, "the job locks %s (PAY + JB), %s is free", n, h);
	return err_hint(e, "lilypad wallet balance");
}

static bool check_job(struct solver *s, const struct job_offer *o, const struct sig *sig,
        uint64_t now, struct err *e)
{
	TRY(signed_check(&s->c.domain, job_offer_record(), o, sig, &o->job_creator, e), e);
	TRY(check_solver(s, &o->solver, e), e);
	TRY(check_times(o->created_at, o->expiry, now, e), e);
	TRY(terms_valid(&o->terms, o->mediation, e), e);
	TRY(check_funds(s, o, e), e);
	return true;
}

static bool check_resource(struct solver *s, const struct resource_offer *o, const struct sig *sig,
        uint64_t now, struct err *e)
{
	TRY(signed_check(&s->c.domain, resource_offer_record(), o, sig, &o->provider, e), e);
	TRY(check_solver(s, &o->solver, e), e);
	TRY(check_times(o->created_at, o->expiry, now, e), e);
	return true;
}

/* ---- the Ack ---------------------------------------------------------------------------------------- */

static void reply_ack(
        struct solver *s, struct conn_id conn, const struct solver_offer *row, struct effects *fx)
{
	struct ack ack = {row->id, row->sequence, row->time};
	struct sig sig;
	struct err e;

	if (!world_sign(s->world, &s->c.domain, ack_record(), &ack, &sig, &e)) {
		fx_reply_err(fx, conn, &e);
		return;
	}
	fx_reply(fx, conn, 200,
	        json_pack("{s:o, s:o}", "ack", record_to_json(ack_record(), &ack), "signature",
	                json_of_sig(&sig)));
}

static void refuse(struct solver *s, struct conn_id conn, const struct err *e, struct effects *fx)
{
	s->n.refused++;
	fx_reply_err(fx, conn, e);
}

static bool read_offer(const struct http_req *r, const struct record *rec, void *doc,
        struct sig *sig, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(json_get_record(j, "offer", rec, doc, e), e);
	TRY(json_get_sig(j, "signature", sig, e), e);
	return true;
}

static void file(struct solver *s, struct solver_offer *row, const struct event *ev)
{
	row->state = OFFER_OPEN;
	row->sequence = s->sequence = solver_next(s, "sequence");
	row->time.s = wall_seconds(ev->wall);
}

void on_job_offer(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_job doc = {0};
	struct solver_offer row = {.kind = OFFER_JOB};
	struct err e;

	if (!read_offer(r, job_offer_record(), &doc.offer, &row.sig, &e)) {
		refuse(s, r->conn, &e, fx);
		return;
	}
	eip712_hash(job_offer_record(), &doc.offer, &doc.id);
	row.id = doc.id;
	if (solver_get(s, solver_offer_record(), &row)) {
		reply_ack(s, r->conn, &row, fx); /* the same offer again: the same Ack */
		return;
	}
	if (!check_job(s, &doc.offer, &row.sig, wall_seconds(ev->wall), &e)) {
		refuse(s, r->conn, &e, fx);
		return;
	}
	file(s, &row, ev);
	if (!offer_remember(s, &row.id, row.sequence, OFFER_JOB, &doc.offer, &e)) {
		refuse(s, r->conn, &e, fx);
		return;
	}
	if (!book_add_job(s->book, &row.id, &doc.offer, row.sequence, &e)) {
		offer_forget(s, &row.id, OFFER_CANCELLED);
		refuse(s, r->conn, &e, fx);
		return;
	}
	solver_put(s, solver_job_record(), &doc);
	solver_put(s, solver_offer_record(), &row);
	s->n.job_offers++;
	reply_ack(s, r->conn, &row, fx);
}

void on_resource_offer(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_resource *doc = ARENA_NEW(fx->arena, struct solver_resource);
	struct solver_offer row = {.kind = OFFER_RESOURCE};
	struct hash replaced = {{0}};
	struct err e;

	assert(doc);
	if (!read_offer(r, resource_offer_record(), &doc->offer, &row.sig, &e)) {
		refuse(s, r->conn, &e, fx);
		return;
	}
	eip712_hash(resource_offer_record(), &doc->offer, &doc->id);
	row.id = doc->id;
	if (solver_get(s, solver_offer_record(), &row)) {
		reply_ack(s, r->conn, &row, fx);
		return;
	}
	if (!check_resource(s, &doc->offer, &row.sig, wall_seconds(ev->wall), &e)) {
		refuse(s, r->conn, &e, fx);
		return;
	}
	file(s, &row, ev);
	if (!book_add_resource(s->book, &row.id, &doc->offer, row.sequence, &replaced, &e) ||
	        !offer_remember(s, &row.id, row.sequence, OFFER_RESOURCE, &doc->offer, &e)) {
		book_remove(s->book, &row.id);
		refuse(s, r->conn, &e, fx);
		return;
	}
	if (!hash_is_zero(&replaced))
		offer_forget(s, &replaced, OFFER_DONE);
	solver_put(s, solver_resource_record(), doc);
	solver_put(s, solver_offer_record(), &row);
	s->n.resource_offers++;
	reply_ack(s, r->conn, &row, fx);
}

void on_offer_cancel(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	json_t *j OWN(json_own) = NULL;
	struct offer_cancel doc;
	struct open_offer *o;
	struct hash id;
	struct sig sig;
	struct err e;

	if (!hash_parse(r->params[0], &id, &e) || !json_parse(bytes_str(r->body), &j, &e) ||
	        !json_get_record(j, "cancel", offer_cancel_record(), &doc, &e) ||
	        !json_get_sig(j, "signature", &sig, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	o = offer_find(s, &id);
	if (!o || !hash_eq(&doc.offer, &id)) {
		FAIL(&e, NOT_FOUND, "no open offer has that id");
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	if (!signed_check(&s->c.domain, offer_cancel_record(), &doc, &sig,
	            o->kind == OFFER_JOB ? &o->of.job->job_creator : &o->of.resource->provider,
	            &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	if (book_state_of(s->book, &id) == BOOK_TAKEN) {
		FAIL(&e, STATE, "the offer is matched already");
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	book_remove(s->book, &id);
	offer_forget(s, &id, OFFER_CANCELLED);
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:b}", "offer", json_of_hash(&id), "cancelled", 1));
}
