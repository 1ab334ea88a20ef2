/* gather.c - the documents of a case (protocol 9.3), from whoever shows them. The ledger's event says what the
 * result is, but for its Output; the solver has the deal with both signatures, the result and the Stored, and
 * so has the directory, but for the result. Nothing is believed: the deal has the id that the ledger knows and
 * both signatures, the Stored the directory's, and its output the hash that the ledger has. So one party's
 * silence decides nothing. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "mediator/mediator_own.h"
#include "port/outcome.h"

enum {
	NOES_MIN = 2,     /* times that the directory says that nothing is stored */
	SOLVER_TRIES = 3, /* rounds in which a silent solver is waited for */
	ASK_S = 10        /* seconds for an answer */
};

static bool has_deal(const struct dispute *k)
{
	return k->f.jc_sig.n > 0;
}

static bool is_published(const struct dispute *k)
{
	return k->f.stored_sig.n > 0;
}

/* ---- what is shown --------------------------------------------------------------------------------------- */

/* Both signatures, and the id that the ledger knows. */
static bool take_deal(struct mediator *m, struct dispute *k, const json_t *j, struct err *e)
{
	struct sig jc, rp;
	struct hash id;
	struct deal d;

	TRY(json_get_record(j, "deal", deal_record(), &d, e), e);
	TRY(json_get_sig(j, "jobCreatorSignature", &jc, e), e);
	TRY(json_get_sig(j, "providerSignature", &rp, e), e);
	eip712_hash(deal_record(), &d, &id);
	if (!hash_eq(&id, &k->c.id))
		return FAIL(e, PEER, "another deal than the disputed one");
	TRY(world_check(m->world, &m->c.domain, deal_record(), &d, d.hot.nonce, &jc,
	            &d.hot.job_creator, NULL, e),
	        e);
	TRY(signed_check(&m->c.domain, deal_record(), &d, &rp, &d.hot.provider, e), e);
	k->f.deal = d;
	k->f.jc_sig = jc;
	k->f.rp_sig = rp;
	dispute_keep_file(m, k);
	return true;
}

/* The result that the ledger has the hash of, signed by RP. It can be ruled on without. */
static bool take_result(struct mediator *m, struct dispute *k, const json_t *j, struct err *e)
{
	struct result r;
	struct hash hash;
	struct sig sig;

	TRY(json_get_record(j, "result", result_record(), &r, e), e);
	TRY(json_get_sig(j, "signature", &sig, e), e);
	eip712_hash(result_record(), &r, &hash);
	if (!hash_eq(&hash, &k->c.result))
		return FAIL(e, PEER, "another result than the disputed one");
	TRY(signed_check(&m->c.domain, result_record(), &r, &sig, &k->f.deal.hot.provider, e), e);
	k->f.has_result = true;
	k->f.result = r;
	k->f.result_sig = sig;
	dispute_keep_file(m, k);
	return true;
}

/* 6.8: kept for LIFE from when RP was told, which was after the deal was opened. What RP could not see to be
 * too short is not held against it: the earliest instant counts at which it can have been. */
static bool long_enough(const struct mediator *m, const struct dispute *k, const struct stored *st)
{
	const struct hot *h = &k->f.deal.hot;
	uint64_t late = h->judge_timeout.s + h->submit_timeout.s;
	uint64_t earliest = k->c.checked.s - MIN2(late, k->c.checked.s);

	return st->keep_until.s >= earliest + m->c.genesis.life.s;
}

/* The Stored of the deal's directory for the output that the result names. */
static bool take_stored(
        struct mediator *m, struct dispute *k, const json_t *j, const char *sig_key, struct err *e)
{
	struct stored st;
	struct hash h;
	struct sig sig;

	TRY(json_get_record(j, "stored", stored_record(), &st, e), e);
	TRY(json_get_sig(j, sig_key, &sig, e), e);
	if (!hash_eq(&st.deal, &k->c.id))
		return FAIL(e, PEER, "a Stored of another deal");
	TRY(signed_check(&m->c.domain, stored_record(), &st, &sig, &k->f.deal.cold.directory, e),
	        e);
	outcome_output_hash(&st.output, &h);
	if (!hash_eq(&h, &k->c.output))
		return FAIL(e, PEER, "a Stored of another output than the result's");
	if (!long_enough(m, k, &st))
		return FAIL(e, PEER, "the directory keeps the output until %llu only",
		        (unsigned long long)st.keep_until.s);
	k->f.stored = st;
	k->f.stored_sig = sig;
	k->c.tree = st.output;
	k->c.tree_bytes = st.bytes;
	dispute_keep_file(m, k);
	dispute_keep(m, k);
	return true;
}

static void odd(
        const struct mediator *m, const struct dispute *k, const char *who, const struct err *e)
{
	char id[HASH_TEXT_MAX];

	hash_format(&k->c.id, id);
	log_line(&m->world->log, LOG_ODD, "deal %s: %s: %s", id, who, e->msg);
}

/* ---- putting together ------------------------------------------------------------------------------------ */

/* The directory says, more than once, that it has not signed for that output; what the solver may have of it
 * was asked for as well. */
static bool nothing_published(const struct dispute *k)
{
	return !is_published(k) && k->noes >= NOES_MIN &&
	       (k->solver_answered || k->tries >= SOLVER_TRIES);
}

static bool is_ours(const struct mediator *m, const struct deal *d)
{
	return d->hot.mediation == MEDIATION_SINGLE && d->cold.mediators.n == 1 &&
	       addr_eq(&d->cold.mediators.v[0], &m->world->signer.addr);
}

static bool in_queue(const struct mediator *m, const struct dispute *k, struct err *e)
{
	unsigned before = 0;
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&m->disputes, &i, &key, &val);) {
		const struct dispute *one = *(struct dispute **)val;

		before += one != k && one->c.state <= CASE_RAN && dispute_before(one, k);
	}
	if (before < m->c.queue)
		return true;
	return FAIL(e, BUSY, "%u disputes wait for an earlier deadline", before);
}

/* Can it be ruled on here, whatever it is about? */
static bool admissible(const struct mediator *m, const struct dispute *k, struct err *e)
{
	const struct deal *d = &k->f.deal;
	char pays[AMOUNT_DEC_MAX], asks[AMOUNT_DEC_MAX];

	if (m->c.fault == MEDIATOR_CANNOT_FETCH)
		return FAIL(e, UNREACHABLE, "no source gives anything");
	if (amount_cmp(d->hot.fee, m->c.fee) < 0) {
		amount_format(d->hot.fee, pays);
		amount_format(m->c.fee, asks);
		return FAIL(e, TERMS, "a vote on this deal is paid with %s, this mediator asks %s",
		        pays, asks);
	}
	if (!m->c.engine[0])
		return FAIL(e, MISSING_PART, "this mediator has no executor");
	if (strcmp(d->cold.engine, m->c.engine) != 0)
		return FAIL(e, EXECUTOR, "engine class %s is not run here, %s is", d->cold.engine,
		        m->c.engine);
	if (k->f.has_result && !hash_is_zero(&k->f.result.output.checkpoint))
		return FAIL(e, EXECUTOR, "stepped jobs are not run here");
	return in_queue(m, k, e);
}

/* True: the case is on its way, or over. */
static bool decided(struct mediator *m, struct dispute *k, struct effects *fx)
{
	struct err e;

	if (!has_deal(k))
		return false;
	if (!is_ours(m, &k->f.deal)) {
		str_keep(k->c.why, sizeof k->c.why, STR("the deal names another mediator"));
		dispute_finish(m, k);
		return true;
	}
	if (!admissible(m, k, &e)) {
		rule_pass(m, k, e.msg, fx);
		return true;
	}
	if (!is_published(k) && !nothing_published(k))
		return false;
	dispute_move(m, k, CASE_FETCHING);
	parts_step(m, k, fx);
	return true;
}

/* ---- asking ---------------------------------------------------------------------------------------------- */

static void ask(struct dispute *k, struct tag tag, const struct peer *p, const char *what,
        struct effects *fx)
{
	fx_call(fx, tag, p, "GET", fx_path(fx, "/v1/deals/", &k->c.id, what), NULL)->delay =
	        span_s(ASK_S);
	k->calls++;
}

static void ask_directories(struct mediator *m, struct dispute *k, struct effects *fx)
{
	for (size_t i = 0; i < m->c.directories_n; i++) {
		const struct peer *p = &m->c.directories[i];

		if (has_deal(k) && !addr_eq(&p->addr, &k->f.deal.cold.directory))
			continue;
		ask(k, dispute_tag(k, TAG_DIRECTORY, (unsigned)i), p, "/stored", fx);
	}
}

void gather_step(struct mediator *m, struct dispute *k, struct effects *fx)
{
	if (k->calls || decided(m, k, fx))
		return;
	if (m->c.solver.url[0])
		ask(k, dispute_tag(k, TAG_SOLVER, 0), &m->c.solver, "", fx);
	ask_directories(m, k, fx);
	/* Nobody can be asked: the clock decides. */
	if (!k->calls)
		dispute_again(k, fx);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static bool on_solver(struct mediator *m, struct dispute *k, const json_t *j, struct err *e)
{
	/* Until it has seen the check it keeps the signatures to the parties: that is no answer yet. */
	if (!json_object_get(j, "providerSignature"))
		return true;
	if (!has_deal(k))
		TRY(take_deal(m, k, j, e), e);
	k->solver_answered = true;
	if (!json_object_get(j, "result"))
		return true;
	if (!k->f.has_result)
		TRY(take_result(m, k, j, e), e);
	if (!json_object_get(j, "stored"))
		return true;
	return is_published(k) || take_stored(m, k, j, "storedSignature", e);
}

static bool on_directory(
        struct mediator *m, struct dispute *k, unsigned which, const json_t *j, struct err *e)
{
	const struct peer *p = &m->c.directories[which];
	const json_t *one;
	struct err why;
	size_t i;

	if (!has_deal(k))
		TRY(take_deal(m, k, j, e), e);
	if (is_published(k) || !addr_eq(&p->addr, &k->f.deal.cold.directory))
		return true;
	json_array_foreach (json_object_get(j, "stored"), i, one) {
		if (take_stored(m, k, one, "signature", &why))
			return true;
	}
	/* Other outputs, or none: this one is not stored. */
	k->noes++;
	return true;
}

static bool take_answer(struct mediator *m, struct dispute *k, const struct reply *r, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	TRY(json_parse(bytes_str(r->body), &j, e), e);
	if (r->tag.what == TAG_SOLVER)
		return on_solver(m, k, j, e);
	return on_directory(m, k, r->tag.n, j, e);
}

/* A no counts when it comes from the one that would know. */
static void take_refusal(struct mediator *m, struct dispute *k, const struct reply *r)
{
	bool knows = r->tag.what == TAG_DIRECTORY && has_deal(k) &&
	             addr_eq(&m->c.directories[r->tag.n].addr, &k->f.deal.cold.directory);

	if (!r->ok || r->err.code != E_NOT_FOUND)
		odd(m, k, r->tag.what == TAG_SOLVER ? "solver" : "directory", &r->err);
	else if (r->tag.what == TAG_SOLVER)
		k->solver_answered = true;
	else
		k->noes += knows;
}

/* The result's own words, for the file, when the case is on its way without them. */
static void take_late(struct mediator *m, struct dispute *k, const struct reply *r)
{
	json_t *j OWN(json_own) = NULL;
	struct err e;

	if (r->tag.what != TAG_SOLVER || !r->ok || r->status >= 400 || k->f.has_result)
		return;
	if (json_parse(bytes_str(r->body), &j, &e) && json_object_get(j, "result") &&
	        !take_result(m, k, j, &e))
		odd(m, k, "solver", &e);
}

void gather_on_reply(struct mediator *m, const struct event *ev, struct effects *fx)
{
	const struct reply *r = ev->reply;
	struct dispute *k = dispute_get(m, &r->tag.key);
	struct err e;

	if (!k)
		return;
	if (k->calls)
		k->calls--;
	if (k->c.state != CASE_GATHERING) {
		take_late(m, k, r);
		return;
	}
	if (!r->ok || r->status >= 400)
		take_refusal(m, k, r);
	else if (!take_answer(m, k, r, &e))
		odd(m, k, r->tag.what == TAG_SOLVER ? "solver" : "directory", &e);
	/* What is enough is enough: who has not answered yet is not waited for. */
	if (decided(m, k, fx) || k->calls)
		return;
	dispute_again(k, fx);
}
