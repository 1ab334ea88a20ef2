/* judged.c - a mediator gives the output that it judged to the JC (protocol 6.8): asked for after a ruling, where
 * this process has no right output of its own. What is given is kept beyond this process; what is not given in
 * time ends the job without it, and `lilypad job get` may ask again. */
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "creator/creator_own.h"
#include "port/outcome.h"

/* Whose turn it is among the deal's mediators that can be asked; NULL: none can. */
static const struct peer *whom(const struct creator *c, const struct job *j, const struct deal *d)
{
	const struct peer *known[MEDIATORS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < c->c.mediators_n && n < COUNT(known); i++) {
		for (uint32_t k = 0; k < d->cold.mediators.n; k++) {
			if (addr_eq(&d->cold.mediators.v[k], &c->c.mediators[i].addr))
				known[n++] = &c->c.mediators[i];
		}
	}
	return n ? known[j->tries % n] : NULL;
}

bool job_wants_judged(struct creator *c, const struct job *j)
{
	struct creator_deal d = {.id = j->j.deal};
	bool rejected = j->j.ledger == DEAL_MEDIATION_REJECTED && !j->j.own_status;
	bool accepted = j->j.ledger == DEAL_MEDIATION_ACCEPTED && !j->j.had;

	return (rejected || accepted) && creator_get(c, creator_deal_record(), &d) &&
	       whom(c, j, &d.deal);
}

void job_judged(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};
	const struct peer *p;

	if (j->fetching)
		return;
	p = creator_get(c, creator_deal_record(), &d) ? whom(c, j, &d.deal) : NULL;
	if (!p) {
		job_end_ruled(c, j, ev, fx);
		return;
	}
	j->fetching = true;
	fx_call(fx, (struct tag){.what = TAG_CASE, .key = j->j.id}, p, "GET",
	        fx_path(fx, "/v1/cases/", &j->j.deal, ""), NULL);
}

/* Again, or without it. */
static void not_given(struct creator *c, struct job *j, const struct err *why,
        const struct event *ev, struct effects *fx)
{
	job_note(c, j, ev, fx, "MEDIATOR", "the judged output is not here: %s", why->msg);
	if (job_again(j, fx))
		job_end_ruled(c, j, ev, fx);
}

static bool is_submitted(const struct job *j, const struct hash *tree)
{
	struct hash output;

	outcome_output_hash(tree, &output);
	return hash_eq(&output, &j->j.sub_output);
}

/* Which tree is right by the ruling: the one of the verdict where the provider was at fault, else the one that
 * is on the ledger, whoever names it. Zero: the mediator did not run the job. */
static bool right_tree(struct creator *c, const struct job *j, const struct deal *d,
        const json_t *body, struct hash *out, struct err *e)
{
	struct verdict v;
	struct cid shown;
	struct sig sig;
	bool named = false;

	TRY(json_get_record(body, "verdict", verdict_record(), &v, e), e);
	TRY(json_get_sig(body, "verdictSignature", &sig, e), e);
	for (uint32_t i = 0; i < d->cold.mediators.n; i++)
		named = named || addr_eq(&d->cold.mediators.v[i], &v.mediator);
	if (!named || !hash_eq(&v.deal, &j->j.deal))
		return FAIL(e, PEER, "the verdict is of another deal, or of another mediator");
	TRY(signed_check(&c->c.domain, verdict_record(), &v, &sig, &v.mediator, e), e);
	*out = v.output;
	if (j->j.ledger == DEAL_MEDIATION_REJECTED || is_submitted(j, out))
		return true;
	TRY(cid_parse(str_of(json_text(json_object_get(body, "provider"), "output")), &shown, e),
	        e);
	if (!is_submitted(j, &shown.digest))
		return FAIL(e, PEER, "the mediator names another output than the result");
	*out = shown.digest;
	return true;
}

/* What the mediator's own run said, where that is what the buyer gets. */
static bool take_run(struct job *j, const json_t *run, struct err *e)
{
	uint8_t status;
	uint64_t count, bytes;

	TRY(json_get_u64(run, "count", &count, e), e);
	TRY(json_get_u64(run, "bytes", &bytes, e), e);
	if (!enum_by_name(&status_names, str_of(json_text(run, "status")), &status))
		return FAIL(e, PEER, "the mediator's run has no status");
	j->j.status = status;
	j->j.count = count;
	j->j.bytes = bytes;
	return true;
}

static bool read_case(struct creator *c, struct job *j, const struct deal *d, const struct reply *r,
        struct hash *tree, struct err *e)
{
	json_t *body OWN(json_own) = NULL;

	if (!r->ok || r->status >= 400) {
		*e = r->err;
		return false;
	}
	TRY(json_parse(bytes_str(r->body), &body, e), e);
	TRY(right_tree(c, j, d, body, tree, e), e);
	if (j->j.ledger == DEAL_MEDIATION_REJECTED && !hash_is_zero(tree))
		TRY(take_run(j, json_object_get(body, "run"), e), e);
	return true;
}

void job_on_case(struct creator *c, const struct event *ev, struct effects *fx)
{
	struct job *j = job_by_id(c, &ev->reply->tag.key);
	struct creator_deal d = {0};
	struct hash tree;
	struct err e;
	struct fx *f;

	if (!j || j->j.state != JOB_DISPUTED || !j->fetching)
		return;
	d.id = j->j.deal;
	j->fetching = false;
	if (!creator_get(c, creator_deal_record(), &d) || !whom(c, j, &d.deal)) {
		job_end_ruled(c, j, ev, fx);
		return;
	}
	if (!read_case(c, j, &d.deal, ev->reply, &tree, &e)) {
		not_given(c, j, &e, ev, fx);
		return;
	}
	if (hash_is_zero(&tree)) {
		job_end_ruled(c, j, ev, fx);
		return;
	}
	j->fetching = true;
	f = fx_add(fx, FX_FETCH, (struct tag){.what = TAG_JUDGED, .key = j->j.id});
	f->url = whom(c, j, &d.deal)->url;
	f->audience = whom(c, j, &d.deal)->addr;
	f->root = cid_tree(&tree);
	f->limit = d.deal.hot.byte_limit;
}

void job_on_judged(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct tree_done *t = ev->tree;
	struct job *j = job_by_id(c, &t->tag.key);

	if (!j || j->j.state != JOB_DISPUTED || !j->fetching)
		return;
	j->fetching = false;
	if (!t->ok) {
		not_given(c, j, &t->err, ev, fx);
		return;
	}
	j->j.tree = t->root.digest;
	j->j.had = JOB_HAD_JUDGED;
	if (j->j.status == STATUS_COMPLETED)
		j->j.exit_code = job_exit_code(c, &j->j.tree);
	job_note(c, j, ev, fx, "MEDIATOR", "the output that the mediator judged is here");
	creator_keep_output(c, &j->j.tree);
	job_end_ruled(c, j, ev, fx);
}
