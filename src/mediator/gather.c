/* gather.c - the documents of a case (protocol 9.3), from whoever shows them: the solver has both signatures,
 * the result and the Stored; a directory the deal and what it signed for; the ledger the result without its
 * Output. Nothing is believed: the deal has the id that the ledger knows and both signatures, the result its
 * hash, the Stored the directory's signature. So one party's silence decides nothing. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "mediator/mediator_own.h"
#include "model/parts.h"
#include "port/action_json.h"

enum {
	NOES_MIN = 2,       /* times that the directory says that nothing is stored */
	SOLVER_TRIES = 3,   /* rounds in which a silent solver is waited for */
	PAGE_EVENTS = 1000, /* of the ledger, of one look back */
	PAGES_BACK_MAX = 64 /* looks back */
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
	TRY(signed_check(&m->c.domain, deal_record(), &d, &jc, &d.hot.job_creator, e), e);
	TRY(signed_check(&m->c.domain, deal_record(), &d, &rp, &d.hot.provider, e), e);
	k->f.deal = d;
	k->f.jc_sig = jc;
	k->f.rp_sig = rp;
	dispute_keep_file(m, k);
	return true;
}

static void keep_result(
        struct mediator *m, struct dispute *k, const struct result *r, const struct sig *sig)
{
	k->f.has_result = true;
	k->f.result = *r;
	k->f.result_sig = *sig;
	k->c.tree = r->output.tree;
	dispute_keep_file(m, k);
	dispute_keep(m, k);
}

/* The result that the ledger has the hash of, signed by RP. */
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
	keep_result(m, k, &r, &sig);
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

/* A Stored of the deal's directory is kept until it is known whether it is of the result's output. */
static bool take_stored(
        struct mediator *m, struct dispute *k, const json_t *j, const char *sig_key, struct err *e)
{
	struct signed_stored s;

	TRY(json_get_record(j, "stored", stored_record(), &s.stored, e), e);
	TRY(json_get_sig(j, sig_key, &s.sig, e), e);
	if (!hash_eq(&s.stored.deal, &k->c.id))
		return FAIL(e, PEER, "a Stored of another deal");
	TRY(signed_check(
	            &m->c.domain, stored_record(), &s.stored, &s.sig, &k->f.deal.cold.directory, e),
	        e);
	if (!long_enough(m, k, &s.stored))
		return FAIL(e, PEER, "the directory keeps the output until %llu only",
		        (unsigned long long)s.stored.keep_until.s);
	for (unsigned i = 0; i < k->stored_n; i++) {
		if (hash_eq(&k->stored[i].stored.output, &s.stored.output))
			return true;
	}
	if (k->stored_n == STORED_MAX)
		return FAIL(e, PEER, "more than %d outputs of one deal", STORED_MAX);
	k->stored[k->stored_n++] = s;
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

/* The result from the ledger's side: its Output is the one of a Stored whose hash is the same. */
static void complete_result(struct mediator *m, struct dispute *k)
{
	for (unsigned i = 0; i < k->stored_n && !k->f.has_result && k->has_action; i++) {
		struct result r = k->bare;
		struct hash h;

		r.output = (struct output){.tree = k->stored[i].stored.output};
		eip712_hash(output_record(), &r.output, &h);
		if (hash_eq(&h, &k->output_hash))
			keep_result(m, k, &r, &k->bare_sig);
	}
}

static void choose_stored(struct mediator *m, struct dispute *k)
{
	for (unsigned i = 0; i < k->stored_n && !is_published(k) && k->f.has_result; i++) {
		const struct signed_stored *s = &k->stored[i];

		if (!hash_eq(&s->stored.output, &k->f.result.output.tree))
			continue;
		k->f.stored = s->stored;
		k->f.stored_sig = s->sig;
		k->c.tree_bytes = s->stored.bytes;
		dispute_keep_file(m, k);
		dispute_keep(m, k);
	}
}

/* The directory says, more than once, that it has not signed for that output; what others may have of it was
 * asked for as well. */
static bool nothing_published(const struct dispute *k)
{
	bool asked = k->solver_answered || k->tries >= SOLVER_TRIES;
	bool none = k->stored_n == 0 || k->f.has_result || k->has_action;

	return !is_published(k) && none && asked && k->noes >= NOES_MIN;
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
	complete_result(m, k);
	choose_stored(m, k);
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

static void ask_directories(struct mediator *m, struct dispute *k, struct effects *fx)
{
	for (size_t i = 0; i < m->c.directories_n; i++) {
		const struct peer *p = &m->c.directories[i];

		if (has_deal(k) && !addr_eq(&p->addr, &k->f.deal.cold.directory))
			continue;
		fx_call(fx, dispute_tag(k, TAG_DIRECTORY, (unsigned)i), p, "GET",
		        fx_path(fx, "/v1/deals/", &k->c.id, "/stored"), NULL);
		k->waiting++;
	}
}

static void ask_page(struct mediator *m, struct dispute *k, unsigned n, struct effects *fx)
{
	uint64_t back = (uint64_t)(n + 1) * PAGE_EVENTS;
	char who[ADDR_TEXT_MAX];

	addr_format(&m->world->signer.addr, who);
	fx_call(fx, dispute_tag(k, TAG_PAGE, n), &m->c.ledger, "GET",
	        fx_text(fx, "/v1/events/page?account=%s&after=%llu&limit=%d", who,
	                (unsigned long long)(k->c.seq - MIN2(back, k->c.seq)), PAGE_EVENTS),
	        NULL);
	k->waiting++;
}

/* Somebody stored an output, and nobody shows the result: the ledger tells which output it is. */
static bool wants_action(const struct mediator *m, const struct dispute *k)
{
	return !k->f.has_result && !k->has_action && !k->looked_back && k->stored_n > 0 &&
	       m->c.ledger.url[0];
}

void gather_step(struct mediator *m, struct dispute *k, struct effects *fx)
{
	if (k->waiting || decided(m, k, fx))
		return;
	if (m->c.solver.url[0]) {
		fx_call(fx, dispute_tag(k, TAG_SOLVER, 0), &m->c.solver, "GET",
		        fx_path(fx, "/v1/deals/", &k->c.id, ""), NULL);
		k->waiting++;
	}
	ask_directories(m, k, fx);
	if (wants_action(m, k))
		ask_page(m, k, 0, fx);
	/* Nobody can be asked: the clock decides. */
	if (!k->waiting)
		dispute_again(k, fx);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

/* A solver that has not seen the check yet keeps the signatures to itself. */
static bool on_solver(struct mediator *m, struct dispute *k, const json_t *j, struct err *e)
{
	if (!has_deal(k))
		TRY(take_deal(m, k, j, e), e);
	k->solver_answered = true;
	if (!json_object_get(j, "result"))
		return true;
	if (!k->f.has_result)
		TRY(take_result(m, k, j, e), e);
	return is_published(k) || take_stored(m, k, j, "storedSignature", e);
}

static bool on_directory(
        struct mediator *m, struct dispute *k, unsigned which, const json_t *j, struct err *e)
{
	const struct peer *p = &m->c.directories[which];
	const json_t *one;
	bool found = false;
	size_t i;

	if (!has_deal(k))
		TRY(take_deal(m, k, j, e), e);
	if (!addr_eq(&p->addr, &k->f.deal.cold.directory))
		return true;
	json_array_foreach (json_object_get(j, "stored"), i, one) {
		if (!take_stored(m, k, one, "signature", e))
			odd(m, k, "directory", e);
	}
	complete_result(m, k);
	for (unsigned n = 0; n < k->stored_n; n++)
		found = found || !k->f.has_result ||
		        hash_eq(&k->stored[n].stored.output, &k->f.result.output.tree);
	/* Other outputs, or none: this one is not stored. */
	k->noes += !found || (!k->f.has_result && k->has_action);
	return true;
}

static bool on_page(struct mediator *m, struct dispute *k, unsigned n, const json_t *j,
        struct effects *fx, struct err *e)
{
	uint64_t back = (uint64_t)(n + 1) * PAGE_EVENTS;
	struct ledger_event le;
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(j, "events"), i, one) {
		TRY(ledger_event_from_json(one, &le, e), e);
		if (!hash_eq(&le.deal, &k->c.id) || le.to != DEAL_RESULTS_SUBMITTED)
			continue;
		fx_call(fx, dispute_tag(k, TAG_ACTION, 0), &m->c.ledger, "GET",
		        fx_path(fx, "/v1/actions/", &le.action_id, ""), NULL);
		k->waiting++;
		return true;
	}
	k->looked_back = back >= k->c.seq || n + 1 >= PAGES_BACK_MAX;
	if (!k->looked_back)
		ask_page(m, k, n + 1, fx);
	return true;
}

static bool on_action(struct dispute *k, const json_t *j, struct arena *a, struct err *e)
{
	struct action *act = ARENA_NEW(a, struct action);
	struct hash hash;

	assert(act);
	TRY(action_from_json(json_object_get(j, "action"), act, e), e);
	if (act->kind != ACTION_RESULT)
		return FAIL(e, PEER, "the action did not bring a result");
	result_hash_of(&act->result, &act->output_hash, &hash);
	if (!hash_eq(&hash, &k->c.result))
		return FAIL(e, PEER, "another result than the disputed one");
	k->bare = act->result;
	k->bare_sig = act->result_sig;
	k->output_hash = act->output_hash;
	k->has_action = true;
	return true;
}

static bool take_answer(struct mediator *m, struct dispute *k, const struct reply *r,
        struct effects *fx, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	TRY(json_parse(bytes_str(r->body), &j, e), e);
	switch ((enum mediator_tag)r->tag.what) {
	case TAG_SOLVER: return on_solver(m, k, j, e);
	case TAG_DIRECTORY: return on_directory(m, k, r->tag.n, j, e);
	case TAG_PAGE: return on_page(m, k, r->tag.n, j, fx, e);
	case TAG_ACTION: return on_action(k, j, fx->arena, e);
	case TAG_PART:
	case TAG_RUN:
	case TAG_RETRY:
	case TAG_TICK: break;
	}
	return true;
}

/* A no counts when it comes from the one that would know. */
static void take_refusal(struct mediator *m, struct dispute *k, const struct reply *r)
{
	bool knows = r->tag.what == TAG_DIRECTORY && has_deal(k) &&
	             addr_eq(&m->c.directories[r->tag.n].addr, &k->f.deal.cold.directory);

	if (!r->ok || r->err.code != E_NOT_FOUND)
		odd(m, k, r->tag.what == TAG_SOLVER ? "solver" : "source", &r->err);
	else if (r->tag.what == TAG_SOLVER)
		k->solver_answered = true;
	else
		k->noes += knows;
}

void gather_on_reply(struct mediator *m, const struct event *ev, struct effects *fx)
{
	const struct reply *r = ev->reply;
	struct dispute *k = dispute_get(m, &r->tag.key);
	struct err e;

	if (!k)
		return;
	if (k->waiting)
		k->waiting--;
	if (k->c.state != CASE_GATHERING)
		return;
	if (!r->ok || r->status >= 400)
		take_refusal(m, k, r);
	else if (!take_answer(m, k, r, fx, &e))
		odd(m, k, r->tag.what == TAG_SOLVER ? "solver" : "source", &e);
	if (k->waiting || decided(m, k, fx))
		return;
	dispute_again(k, fx);
}
