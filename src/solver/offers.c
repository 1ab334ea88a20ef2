/* offers.c - signed offers in, to be acknowledged (protocol 1.2, 2.2, 2.3). */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "market/deal_valid.h"
#include "solver/solver_own.h"

enum { FRESH_S = 300, LIFE_S = 86400, BURST_S = 10 };

/* ---- what is checked -------------------------------------------------------------------------------- */

static bool check_times(struct btime created, struct btime expiry, const struct solver *s,
        const struct event *ev, struct err *e)
{
	uint64_t wall = wall_seconds(ev->wall), now = solver_now(s, ev).s;

	if (created.s + FRESH_S < wall || created.s > wall + FRESH_S) {
		FAIL(e, STALE, "the offer was created at %llu, it is %llu here",
		        (unsigned long long)created.s, (unsigned long long)wall);
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

static bool check_mediators(const struct addr *v, uint32_t n, struct err *e)
{
	for (uint32_t i = 0; i < n; i++) {
		if (addr_is_zero(&v[i]))
			return FAIL(e, PANEL, "mediator %u is the zero address", i);
	}
	return true;
}

/* Combinations that no ledger opens. */
static bool check_kind(const struct job_offer *o, struct err *e)
{
	if (o->determinism == DETERMINISM_NONE && o->mediation != MEDIATION_NONE)
		return FAIL(e, RANGE,
		        "determinism is `none`, which no mediator can judge, and "
		        "mediation is `%s`",
		        enum_name(&mediation_names, o->mediation));
	return check_mediators(o->mediators.v, o->mediators.n, e);
}

/* 4.2 with this ledger's constants: what could never be opened is refused at once. */
static bool check_clocks(const struct solver *s, const struct terms *t, struct err *e)
{
	struct deal d = {
	        .hot =
	                {
	                        .agree_timeout = t->agree_timeout,
	                        .submit_timeout = t->submit_timeout,
	                        .judge_timeout = t->judge_timeout,
	                        .mediate_timeout = t->mediate_timeout,
	                        .appeal = t->appeal,
	                        .open_by.s = s->ledger_time.s + 1,
	                },
	};

	return deal_open_in_time(&d, &s->c.genesis, s->ledger_time, e);
}

/* 3.12 early: a job that its creator cannot pay is refused at once. */
static bool check_funds(
        struct solver *s, const struct job_offer *o, struct amount funds, struct err *e)
{
	struct amount need, have = book_available(s->book, &o->job_creator);
	char n[AMOUNT_DEC_MAX], h[AMOUNT_DEC_MAX];

	if (!amount_is_zero(funds))
		return contract_pays(s, o, funds, e);
	if (!amount_add(o->terms.pay, o->terms.job_bond, &need))
		return FAIL(e, RANGE, "PAY + JB overflows");
	if (amount_cmp(have, need) >= 0)
		return true;
	amount_format(need, n);
	amount_format(have, h);
	FAIL(e, FUNDS, "the job locks %s (PAY + JB), %s is free", n, h);
	return err_hint(e, "lilypad wallet balance");
}

/* 2.2: one nonce, one deal. A nonce whose offer came to nothing may be used again. */
static bool check_nonce(
        struct solver *s, const struct job_offer *o, const struct hash *id, struct err *e)
{
	struct solver_nonce row = {.account = o->job_creator, .nonce = o->nonce};
	struct solver_offer other = {0};
	char text[HASH_TEXT_MAX];

	if (!solver_get(s, solver_nonce_record(), &row) || hash_eq(&row.offer, id))
		return true;
	other.id = row.offer;
	hash_format(&row.offer, text);
	if (!solver_get(s, solver_offer_record(), &other))
		return true;
	if (other.state == OFFER_DONE)
		return FAIL(e, NONCE,
		        "nonce %llu was used by offer %s, whose deal is on the ledger",
		        (unsigned long long)o->nonce, text);
	if (other.state == OFFER_OPEN || other.state == OFFER_TAKEN) {
		FAIL(e, NONCE, "nonce %llu is that of offer %s, which is %s",
		        (unsigned long long)o->nonce, text, offer_state_name(other.state));
		return err_hint(e, "take the next nonce, or cancel that offer first");
	}
	return true;
}

/* The offer's id is at hand: it is the struct hash that was signed. Who signed otherwise is worked out again,
 * for the words. */
static bool check_signer(struct solver *s, const struct record *rec, const void *doc,
        const struct hash *id, const struct sig *sig, const struct addr *who, struct err *e)
{
	struct hash digest;

	eip712_digest(&s->c.domain, id, &digest);
	return secp_check(&digest, sig, who, e) ||
	       signed_check(&s->c.domain, rec, doc, sig, who, e);
}

static bool check_creator(struct solver *s, const struct job_offer *o, const struct hash *id,
        const struct sig *sig, struct amount *funds, struct err *e)
{
	struct hash digest;

	*funds = amount_of(0);
	eip712_digest(&s->c.domain, id, &digest);
	return secp_check(&digest, sig, &o->job_creator, e) ||
	       world_check(s->world, &s->c.domain, job_offer_record(), o, o->nonce, sig,
	               &o->job_creator, funds, e);
}

/* The signer has been verified: nobody can use up what another may file. One that came before costs
 * nothing. Ten seconds' worth may come at once. */
static bool take_rate(struct solver *s, const struct addr *signer, struct mono now, struct err *e)
{
	int64_t rate = s->c.rate_offers, full = rate * BURST_S * 1000, passed_ms;
	char text[ADDR_TEXT_MAX];
	struct signer_bucket *b;
	bool fresh;

	if (rate == 0)
		return true;
	if (s->signers.n >= RATE_KEYS_MAX)
		map_clear(&s->signers);
	b = map_put(&s->signers, signer, &fresh);
	if (!b)
		return FAIL(e, BUSY, "no memory to count offers");
	if (fresh)
		*b = (struct signer_bucket){full, now};
	/* No longer than fills it: a product that cannot overflow. */
	passed_ms = MIN2(mono_since(now, b->then).ms, (int64_t)BURST_S * 1000);
	b->milli = MIN2(full, b->milli + passed_ms * rate);
	b->then = now;
	if (b->milli < 1000) {
		addr_format(signer, text);
		return FAIL(
		        e, RATE, "%s files more than %u offers per second", text, s->c.rate_offers);
	}
	b->milli -= 1000;
	return true;
}

/* One signer alone cannot fill the book. */
static bool check_share(const struct solver *s, const struct addr *signer, struct err *e)
{
	char text[ADDR_TEXT_MAX];

	if (s->c.offers_each == 0 || offers_of(s, signer) < s->c.offers_each)
		return true;
	addr_format(signer, text);
	FAIL(e, RATE, "%s has %u open offers, more than that are not filed of one account", text,
	        s->c.offers_each);
	return err_hint(e, "wait until some are matched, or cancel them");
}

static bool check_job(struct solver *s, const struct solver_filed *doc, const struct hash *id,
        const struct sig *sig, const struct event *ev, struct err *e)
{
	const struct job_offer *o = &doc->offer;
	struct amount funds;

	TRY(check_creator(s, o, id, sig, &funds, e), e);
	TRY(take_rate(s, &o->job_creator, ev->now, e), e);
	TRY(check_share(s, &o->job_creator, e), e);
	TRY(check_solver(s, &o->solver, e), e);
	TRY(check_times(o->created_at, o->expiry, s, ev, e), e);
	if (!solver_caught_up(s, ev))
		return FAIL(e, BUSY, "starting: the ledger is still being read");
	TRY(check_kind(o, e), e);
	TRY(terms_valid(&o->terms, o->mediation, e), e);
	TRY(check_clocks(s, &o->terms, e), e);
	TRY(check_nonce(s, o, id, e), e);
	if (o->settlement == SETTLEMENT_CHANNEL)
		TRY(channel_fits(s, doc, e), e);
	else
		TRY(check_funds(s, o, funds, e), e);
	return true;
}

static bool check_resource(struct solver *s, const struct solver_resource *doc,
        const struct sig *sig, const struct event *ev, struct err *e)
{
	const struct resource_offer *o = &doc->offer;

	TRY(check_signer(s, resource_offer_record(), o, &doc->id, sig, &o->provider, e), e);
	TRY(take_rate(s, &o->provider, ev->now, e), e);
	TRY(check_share(s, &o->provider, e), e);
	TRY(check_solver(s, &o->solver, e), e);
	TRY(check_times(o->created_at, o->expiry, s, ev, e), e);
	TRY(check_mediators(o->mediators.v, o->mediators.n, e), e);
	return true;
}

static void refuse(struct solver *s, struct conn_id conn, const struct err *e, struct effects *fx)
{
	s->n.refused++;
	fx_reply_err(fx, conn, e);
}

/* 9.5: what a party whose store is an old one asks before it signs again. */
static void saw(struct solver *s, const struct addr *account, uint64_t job, uint64_t resource)
{
	struct solver_seen row = {.account = *account};

	if (solver_get(s, solver_seen_record(), &row) && job <= row.job && resource <= row.resource)
		return;
	row.job = MAX2(row.job, job);
	row.resource = MAX2(row.resource, resource);
	solver_put(s, solver_seen_record(), &row);
}

/* ---- filing ----------------------------------------------------------------------------------------- */

static bool read_offer(const struct http_req *r, const struct record *rec, void *doc,
        struct sig *sig, struct err *e)
{
	return record_parse_signed("offer", rec, bytes_str(r->body), doc, sig, e);
}

/* Acknowledged before: the same Ack, however often it comes. Only an offer whose party fell silent is
 * filed again, since it speaks again; it goes to the end. */
static bool known(
        struct solver *s, const struct http_req *r, struct solver_offer *row, struct effects *fx)
{
	struct solver_offer old = {.id = row->id};

	if (!solver_get(s, solver_offer_record(), &old) || old.state == OFFER_SILENT)
		return false;
	ack_alone(s, r->conn, &old, fx);
	return true;
}

/* The next number; it is taken once the offer is filed, so that none is left out. */
static void number(struct solver *s, struct solver_offer *row, const struct event *ev)
{
	row->state = OFFER_OPEN;
	row->sequence = s->sequence + 1;
	row->time.s = wall_seconds(ev->wall);
}

static bool file_job(struct solver *s, struct solver_filed *doc, struct solver_offer *row,
        const struct event *ev, struct err *e)
{
	struct solver_nonce nonce = {doc->offer.job_creator, doc->offer.nonce, row->id};

	TRY(check_job(s, doc, &row->id, &row->sig, ev, e), e);
	number(s, row, ev);
	TRY(book_add_job(s->book, &row->id, &doc->offer, row->sequence, e), e);
	if (!offer_remember(s, &row->id, row->sequence, OFFER_JOB, &doc->offer, e)) {
		book_remove(s->book, &row->id);
		return false;
	}
	row->account = doc->offer.job_creator;
	s->sequence = doc->sequence = row->sequence;
	solver_put(s, solver_filed_record(), doc);
	solver_put(s, solver_nonce_record(), &nonce);
	saw(s, &row->account, doc->offer.nonce, 0);
	solver_put(s, solver_offer_record(), row);
	s->n.job_offers++;
	return true;
}

void on_job_offer(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_filed doc = {0};
	struct solver_offer row = {.kind = OFFER_JOB};
	struct err e;

	if (!read_offer(r, job_offer_record(), &doc.offer, &row.sig, &e)) {
		refuse(s, r->conn, &e, fx);
		return;
	}
	eip712_hash(job_offer_record(), &doc.offer, &row.id);
	if (known(s, r, &row, fx))
		return;
	if (!channel_of_offer(r, &doc, &e) || !file_job(s, &doc, &row, ev, &e)) {
		refuse(s, r->conn, &e, fx);
		return;
	}
	ack_later(s, r->conn, &row, ev, fx);
}

static bool file_resource(struct solver *s, struct solver_resource *doc, struct solver_offer *row,
        const struct event *ev, struct err *e)
{
	struct hash replaced = {{0}};

	TRY(check_resource(s, doc, &row->sig, ev, e), e);
	number(s, row, ev);
	TRY(book_add_resource(s->book, &row->id, &doc->offer, row->sequence, &replaced, e), e);
	if (!hash_is_zero(&replaced))
		offer_forget(s, &replaced, OFFER_REPLACED);
	if (!offer_remember(s, &row->id, row->sequence, OFFER_RESOURCE, &doc->offer, e)) {
		book_remove(s->book, &row->id);
		return false;
	}
	row->account = doc->offer.provider;
	s->sequence = row->sequence;
	solver_put(s, solver_resource_record(), doc);
	saw(s, &row->account, 0, doc->offer.nonce);
	solver_put(s, solver_offer_record(), row);
	s->n.resource_offers++;
	return true;
}

void on_resource_offer(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_resource *doc = ARENA_NEW(fx->arena, struct solver_resource);
	struct solver_offer row = {.kind = OFFER_RESOURCE};
	struct err e;

	assert(doc);
	if (!read_offer(r, resource_offer_record(), &doc->offer, &row.sig, &e)) {
		refuse(s, r->conn, &e, fx);
		return;
	}
	eip712_hash(resource_offer_record(), &doc->offer, &doc->id);
	row.id = doc->id;
	if (known(s, r, &row, fx))
		return;
	if (!file_resource(s, doc, &row, ev, &e)) {
		refuse(s, r->conn, &e, fx);
		return;
	}
	ack_later(s, r->conn, &row, ev, fx);
}

/* ---- out again -------------------------------------------------------------------------------------- */

/* The nonce of a job offer, by which a contract knows its own. */
static uint64_t number_of(struct solver *s, const struct solver_offer *row)
{
	struct solver_filed job;

	if (row->kind != OFFER_JOB || !job_document(s, &row->id, &job))
		return 0;
	return job.offer.nonce;
}

static bool read_cancel(
        struct solver *s, const struct http_req *r, struct solver_offer *row, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct offer_cancel doc;
	struct sig sig;

	TRY(hash_parse(r->params[0], &row->id, e), e);
	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(json_get_record(j, "cancel", offer_cancel_record(), &doc, e), e);
	TRY(json_get_sig(j, "signature", &sig, e), e);
	if (!solver_get(s, solver_offer_record(), row))
		return FAIL(e, NOT_FOUND, "no offer has the id %.*s", STR_ARG(r->params[0]));
	if (!hash_eq(&doc.offer, &row->id))
		return FAIL(e, JSON_VALUE, "cancel.offer is not the offer that the path names");
	return world_check(s->world, &s->c.domain, offer_cancel_record(), &doc, number_of(s, row),
	        &sig, &row->account, NULL, e);
}

/* A match that its JC has not signed binds nobody: it goes with the offer. */
static bool cancel_taken(struct solver *s, const struct solver_offer *row, const struct event *ev,
        struct effects *fx, struct err *e)
{
	struct solver_deal d = {.id = row->deal};
	struct solver_step step = {.id = row->deal};

	if (!deal_read(s, &d) || !step_read(s, &step))
		return FAIL(e, STORE, "the deal of the offer is not stored");
	if (step.state != MATCH_MATCHED)
		return FAIL(e, STATE,
		        "the offer is matched and its deal signed; a deal is cancelled on "
		        "the ledger, by both");
	deal_dissolve(s, &d, &step, OFFER_CANCELLED, "the job creator cancelled its offer", ev, fx);
	return true;
}

static bool cancel(struct solver *s, const struct solver_offer *row, const struct event *ev,
        struct effects *fx, struct err *e)
{
	switch ((enum offer_state)row->state) {
	case OFFER_TAKEN: return cancel_taken(s, row, ev, fx, e);
	case OFFER_OPEN:
		book_remove(s->book, &row->id);
		past_keep(s, &row->id, NULL); /* mostly of creators whose patience ended */
		offer_forget(s, &row->id, OFFER_CANCELLED);
		return true;
	case OFFER_CANCELLED: return true;
	case OFFER_SILENT: offer_forget(s, &row->id, OFFER_CANCELLED); return true;
	case OFFER_DONE:
	case OFFER_EXPIRED:
	case OFFER_REPLACED:
	case OFFER_REFUSED: break;
	}
	return FAIL(
	        e, STATE, "the offer is not open any more: it is %s", offer_state_name(row->state));
}

void on_offer_cancel(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_offer row = {0};
	struct err e;

	if (!read_cancel(s, r, &row, &e) || !cancel(s, &row, ev, fx, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:b}", "offer", json_of_hash(&row.id), "cancelled", 1));
}
