/* judge.c - the second half of a job: the result is verified, fetched, judged. Here a result is
 * accepted when it is the one that the provider signed, lies within the limits of the deal, charges the
 * bytes that there are, and its every block has the digest that it is named by. */
#include <stdio.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "codec/unixfs.h"
#include "creator/creator_own.h"

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
static uint32_t exit_code(struct creator *c, const struct job *j)
{
	struct block_source src = {c->world->blobs.self, c->world->blobs.get};
	struct buf text OWN(buf_done);
	struct cid root = cid_tree(&j->j.tree);
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

/* 2.5: the inputs, plus the output tree if Completed. `tree`: as it was fetched. */
static bool check_bytes(struct creator *c, const struct job *j, uint64_t tree, struct err *e)
{
	struct creator_result r;
	uint64_t output, due;

	if (!creator_result_of(c, j, &r))
		return FAIL(e, RESULT, "the result is not in the store");
	if (r.stored.bytes != tree)
		return FAIL(e, RESULT,
		        "the directory signed for an output of %llu bytes, it has %llu",
		        (unsigned long long)r.stored.bytes, (unsigned long long)tree);
	output = r.result.status == STATUS_COMPLETED ? tree : 0;
	if (__builtin_add_overflow(j->j.input_bytes, output, &due) || r.result.bytes != due)
		return FAIL(e, RESULT,
		        "the result charges %llu bytes; %llu of inputs and %llu of output are due",
		        (unsigned long long)r.result.bytes, (unsigned long long)j->j.input_bytes,
		        (unsigned long long)output);
	return true;
}

/* Not accepted, and kept: the deal runs into the judge timeout. */
static void bad_result(struct creator *c, struct job *j, const struct err *why,
        const struct event *ev, struct effects *fx)
{
	j->j.error = E_RESULT;
	snprintf(j->j.why, sizeof j->j.why, "%s", why->msg);
	job_note(c, j, ev, fx, "BAD_RESULT", "%s; not accepted", why->msg);
	creator_keep(c, j);
}

void job_on_fetched(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct tree_done *t = ev->tree;
	struct job *j = job_by_id(c, &t->tag.key);
	struct err e;

	if (!j || j->j.state != JOB_FETCHING)
		return;
	j->fetching = false;
	if (!t->ok) {
		job_note(c, j, ev, fx, "FETCH_FAILED", "%s", t->err.msg);
		/* The money stays locked until the judge timeout; disputes come with the mediator. */
		if (job_again(j, fx))
			log_line(&c->world->log, LOG_ODD, "output not fetched: %s", t->err.msg);
		return;
	}
	if (!check_bytes(c, j, t->bytes, &e)) {
		bad_result(c, j, &e, ev, fx);
		return;
	}
	if (j->j.status == STATUS_COMPLETED)
		j->j.exit_code = exit_code(c, j);
	job_move(c, j, JOB_JUDGED, ev, fx,
	        "%llu bytes verified by content id; accepted, not re-run",
	        (unsigned long long)t->bytes);
	job_accept(c, j, fx);
}

/* With the signed result along, the acceptance closes the deal whether or not it is submitted yet. */
void job_accept(struct creator *c, struct job *j, struct effects *fx)
{
	struct action *a = fx_action(fx, ACTION_ACCEPT);
	struct creator_result r;
	struct err e;

	if (!creator_result_of(c, j, &r))
		return;
	a->acceptance.deal = j->j.deal;
	eip712_hash(result_record(), &r.result, &a->acceptance.result);
	a->result = r.result;
	eip712_hash(output_record(), &r.result.output, &a->output_hash);
	a->result_sig = r.sig;
	if (!world_sign(
	            c->world, &c->c.domain, acceptance_record(), &a->acceptance, &a->doc_sig, &e)) {
		log_line(&c->world->log, LOG_ODD, "cannot sign the acceptance: %s", e.msg);
		return;
	}
	if (!r.accept_sig.n) {
		r.accept_sig = a->doc_sig;
		creator_put(c, creator_result_record(), &r);
	}
	j->action = fx_submit(fx, a, &j->j.deal);
}
