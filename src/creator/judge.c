/* judge.c - the second half of a job: the result is looked at, fetched, verified, accepted. Its signatures,
 * limits and blocks are looked at for every result; check.c runs again what is drawn for that. */
#include <stdio.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "codec/unixfs.h"
#include "creator/creator_own.h"
#include "model/deal_rules.h"

enum { ASKED_ENOUGH = 3 };

static bool read_result(struct creator *c, const struct creator_deal *d, const json_t *data,
        struct creator_result *out, struct err *e)
{
	const struct hot *h = &d->deal.hot;

	TRY(json_get_record(data, "result", result_record(), &out->result, e), e);
	TRY(json_get_sig(data, "signature", &out->sig, e), e);
	TRY(json_get_record(data, "stored", stored_record(), &out->stored, e), e);
	TRY(json_get_sig(data, "storedSignature", &out->stored_sig, e), e);
	if (!hash_eq(&out->result.deal, &d->id) || !hash_eq(&out->stored.deal, &d->id))
		return FAIL(e, RESULT, "the result is of another deal");
	TRY(signed_check(&c->c.domain, result_record(), &out->result, &out->sig, &h->provider, e),
	        e);
	TRY(signed_check(&c->c.domain, stored_record(), &out->stored, &out->stored_sig,
	            &d->deal.cold.directory, e),
	        e);
	if (!hash_eq(&out->stored.output, &out->result.output.tree))
		return FAIL(e, RESULT, "the directory stored another output than the result names");
	if (out->result.count > h->instruction_limit || out->result.bytes > h->byte_limit)
		return FAIL(e, LIMITS,
		        "the result charges %llu instructions and %llu bytes, above the limits",
		        (unsigned long long)out->result.count,
		        (unsigned long long)out->result.bytes);
	return true;
}

static void fetch_output(struct creator *c, struct job *j, const struct creator_result *r,
        const struct creator_deal *d, struct effects *fx)
{
	struct fx *f;

	/* A result that is known to be wrong is not looked at again. */
	if (j->fetching || j->j.error)
		return;
	j->fetching = true;
	f = fx_add(fx, FX_FETCH, (struct tag){.what = TAG_FETCH, .key = j->j.id});
	f->url = c->c.directory.url;
	f->audience = c->c.directory.addr;
	f->root = cid_tree(&j->j.tree);
	f->limit = MIN2(r->stored.bytes, d->deal.hot.byte_limit);
	f->body = fx_deal(fx, &d->deal, &d->jc_sig, &d->rp_sig);
}

void job_on_result(struct creator *c, struct job *j, const json_t *data, const struct event *ev,
        struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};
	struct creator_result r = {.id = j->j.deal};
	struct err e;

	if (j->j.state >= JOB_FETCHING || j->j.state < JOB_MATCHED ||
	        !creator_get(c, creator_deal_record(), &d))
		return;
	if (!read_result(c, &d, data, &r, &e)) {
		job_note(c, j, ev, fx, "BAD_RESULT", "%s", e.msg);
		return;
	}
	j->later.result = r;
	j->j.status = r.result.status;
	j->j.count = r.result.count;
	j->j.bytes = r.result.bytes;
	j->j.tree = r.result.output.tree;
	if (j->j.state == JOB_MATCHED)
		job_move(c, j, JOB_SUBMITTED, ev, fx, "a result is signed: %s",
		        enum_name(&status_names, j->j.status));
	job_move(c, j, JOB_FETCHING, ev, fx, "%s, %llu instructions; fetching %llu bytes",
	        enum_name(&status_names, j->j.status), (unsigned long long)j->j.count,
	        (unsigned long long)r.stored.bytes);
	fetch_output(c, j, &r, &d, fx);
}

void job_fetch(struct creator *c, struct job *j, struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};
	struct creator_result r;

	if (creator_result_of(c, j, &r) && creator_get(c, creator_deal_record(), &d))
		fetch_output(c, j, &r, &d, fx);
}

/* The program's exit status is a file of the output; UINT32_MAX: it does not say. */
uint32_t job_exit_code(struct creator *c, const struct hash *tree)
{
	struct block_source src = {c->world->blobs.self, c->world->blobs.get};
	struct buf text OWN(buf_done);
	struct cid root = cid_tree(tree);
	struct str s;
	uint64_t v;
	struct err e;

	buf_init(&text, 64);
	if (!unixfs_read(&src, &root, STR("exitCode"), &text, &e))
		return UINT32_MAX;
	s = buf_view(&text);
	while (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	return str_u64(s, UINT32_MAX, &v) ? (uint32_t)v : UINT32_MAX;
}

/* 2.5: the inputs, plus the output tree if Completed; it may charge less. `tree`: as it was fetched. */
static bool charges_too_much(
        const struct job *j, uint64_t tree, struct effects *fx, const char **why)
{
	uint64_t due, output = j->j.status == STATUS_COMPLETED ? tree : 0;

	if (!__builtin_add_overflow(j->j.input_bytes, output, &due) && j->j.bytes <= due)
		return false;
	*why = fx_text(fx, "it charges %llu bytes; %llu of inputs and %llu of output are due",
	        (unsigned long long)j->j.bytes, (unsigned long long)j->j.input_bytes,
	        (unsigned long long)output);
	return true;
}

/* The directory has answered: asked more often it would say the same. */
static bool says_no(enum err_code code)
{
	return code == E_NOT_FOUND || code == E_FORBIDDEN || code == E_BLOCK_CORRUPT;
}

/* The output cannot be had. Where the job can be run again, that decides: a provider that did it right is paid.
 * Else it counts whether the directory says that it is not there, or says nothing. */
static void not_fetched(struct creator *c, struct job *j, const struct err *why,
        const struct event *ev, struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};

	if (!creator_get(c, creator_deal_record(), &d))
		return;
	if (!job_not_checkable(c, &d))
		job_judge(c, j, true, ev, fx);
	else if (says_no(why->code))
		job_dispute(c, j, RULING_RESULT_NOT_FOUND, why->msg, ev, fx);
	else
		log_line(&c->world->log, LOG_ODD, "output not fetched: %s", why->msg);
}

void job_on_fetched(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct tree_done *t = ev->tree;
	struct job *j = job_by_id(c, &t->tag.key);
	const char *why;

	if (!j || j->j.state != JOB_FETCHING)
		return;
	j->fetching = false;
	if (!t->ok) {
		job_note(c, j, ev, fx, "FETCH_FAILED", "%s", t->err.msg);
		if ((says_no(t->err.code) && j->tries >= ASKED_ENOUGH) || job_again(j, fx))
			not_fetched(c, j, &t->err, ev, fx);
		return;
	}
	j->j.had = JOB_HAD;
	if (charges_too_much(j, t->bytes, fx, &why)) {
		job_dispute(c, j, RULING_TOO_MUCH_CHARGED, why, ev, fx);
		return;
	}
	if (j->j.status == STATUS_COMPLETED)
		j->j.exit_code = job_exit_code(c, &j->j.tree);
	job_judge(c, j, false, ev, fx);
}

void job_accept_unchecked(struct creator *c, struct job *j, enum job_audit audit,
        const struct event *ev, struct effects *fx, const char *text)
{
	j->j.audit = (uint8_t)audit;
	job_move(c, j, JOB_JUDGED, ev, fx, "%s", text);
	creator_record(c, &j->j.provider, RECORD_UNCHECKED, ev);
	job_accept(c, j, fx);
}

/* What is accepted: the result that was shown to us; or the one on the ledger, where only that was found
 * right, or nothing was shown. */
static bool accepted(
        struct creator *c, const struct job *j, struct creator_result *r, struct hash *out)
{
	*out = j->j.submitted;
	if (!creator_result_of(c, j, r))
		return false;
	eip712_hash(result_record(), &r->result, out);
	if (hash_is_zero(&j->j.submitted) || j->j.audit != JOB_AUDIT_GOOD)
		return true;
	if (hash_eq(out, &j->j.submitted))
		return true;
	*out = j->j.submitted;
	return false;
}

/* In a channel what is signed says COST as well: of the result that comes along, else of the one there. */
static bool sign_acceptance(struct creator *c, const struct job *j, struct action *a,
        const struct creator_result *shown, struct err *e)
{
	struct creator_deal d = {.id = j->j.deal};

	if (!in_channel(j))
		return world_sign(c->world, &c->c.domain, acceptance_record(), &a->acceptance,
		        &a->doc_sig, e);
	if (!creator_get(c, creator_deal_record(), &d))
		return FAIL(e, STORE, "the deal is not stored");
	a->cost = shown ? deal_cost(&d.deal.hot, shown->result.count, shown->result.bytes)
	                : deal_cost(&d.deal.hot, j->j.sub_count, j->j.sub_bytes);
	return channel_acceptance(c, &d, &a->acceptance.result, a->cost, &a->doc_sig, e);
}

/* With the signed result along, the acceptance closes the deal whether or not it is submitted yet. */
void job_accept(struct creator *c, struct job *j, struct effects *fx)
{
	struct action *a = fx_action(fx, ACTION_ACCEPT);
	struct creator_result r;
	bool shown = accepted(c, j, &r, &a->acceptance.result);
	struct err e;

	if (in_channel(j) && !j->j.ledger) {
		channel_accept(c, j, fx);
		return;
	}
	if (hash_is_zero(&a->acceptance.result))
		return;
	a->acceptance.deal = j->j.deal;
	if (shown) {
		a->result = r.result;
		eip712_hash(output_record(), &r.result.output, &a->output_hash);
		a->result_sig = r.sig;
	}
	if (!sign_acceptance(c, j, a, shown ? &r : NULL, &e)) {
		log_line(&c->world->log, LOG_ODD, "cannot sign the acceptance: %s", e.msg);
		return;
	}
	if (shown && !r.accept_sig.n) {
		r.accept_sig = a->doc_sig;
		creator_put(c, creator_result_record(), &r);
	}
	j->action = fx_submit(fx, a, &j->j.deal);
}
