/* check.c - a result that is drawn for audit is run again here; what differs becomes a dispute (protocol 7.6,
 * 7.7). What is judged is what the ledger has, once it has something: a provider may show us another one. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/eip712.h"
#include "creator/creator_own.h"
#include "model/deal_rules.h"
#include "port/outcome.h"
#include "port/spec.h"
#include "verify/difference.h"
#include "verify/ruling.h"

enum { PARTS_ROUNDS_MAX = 12, PARTING_BLOCKS = 64, ALIKE_BLOCKS = 4096 };

/* ---- what the provider says ----------------------------------------------------------------------------- */

struct said {
	uint8_t status; /* enum status */
	uint64_t count, bytes;
	struct hash output; /* struct hash */
};

/* On the ledger or, before that, to us. */
static bool what_it_says(struct creator *c, const struct job *j, struct said *out)
{
	struct creator_result r;

	*out = (struct said){j->j.sub_status, j->j.sub_count, j->j.sub_bytes, j->j.sub_output};
	if (!hash_is_zero(&j->j.submitted))
		return true;
	if (!creator_result_of(c, j, &r))
		return false;
	*out = (struct said){r.result.status, r.result.count, r.result.bytes, {{0}}};
	eip712_hash(output_record(), &r.result.output, &out->output);
	return true;
}

/* Of a tree that somebody else made only so much is read for the words: that the two differ is known. A comparator
 * has to see all of it; what is larger differs, and the mediator looks. */
static bool find_parting(struct creator *c, const struct job *j, const struct likeness *like,
        struct difference *out, struct err *e)
{
	struct block_source src = {c->world->blobs.self, c->world->blobs.get};
	struct cid own = cid_tree(&j->j.own_tree), other = cid_tree(&j->j.tree);
	struct difference_search *s;
	bool over = false, ok;

	TRY(difference_begin(&own, &other, like, &s, e), e);
	ok = difference_go_on(s, &src, like ? ALIKE_BLOCKS : PARTING_BLOCKS, &over, out, e);
	difference_free(s);
	return ok && over;
}

/* Where our tree and the provider's part; both are here, unless the provider showed us none. */
static void parting(struct creator *c, const struct job *j, char out[DIFFERENCE_TEXT_MAX + 1])
{
	struct difference d;
	struct err e;

	if (!hash_is_zero(&j->j.tree) && find_parting(c, j, NULL, &d, &e) &&
	        d.kind != DIFFERENCE_NONE)
		difference_text(&d, out);
	else
		snprintf(out, DIFFERENCE_TEXT_MAX + 1, "not the one that the job gives here");
}

/* The same under the comparator of the job's spec (7.4), the bytes being others. *bytes: what they may charge then. */
static bool is_alike(struct creator *c, const struct job *j, uint64_t *bytes)
{
	struct job_spec *spec = calloc(1, sizeof *spec);
	struct creator_deal d = {.id = j->j.deal};
	struct creator_result shown;
	struct difference parting;
	struct likeness like;
	struct err e;
	bool ok = spec && creator_get(c, creator_deal_record(), &d) &&
	          d.deal.cold.determinism == DETERMINISM_COMPARABLE &&
	          creator_result_of(c, j, &shown) &&
	          spec_read(&c->world->blobs, &j->j.spec, spec, &e) &&
	          spec->comparator == COMPARATOR_JSON;

	free(spec);
	if (!ok || hash_is_zero(&j->j.tree))
		return false;
	like = (struct likeness){COMPARATOR_JSON, d.deal.cold.tolerance};
	if (!find_parting(c, j, &like, &parting, &e) || parting.kind != DIFFERENCE_NONE)
		return false;
	*bytes = ruling_bytes(shown.result.status, j->j.input_bytes, shown.stored.bytes);
	return true;
}

/* 2.9 from StatusWrong on, with our own run for the mediator's. */
static void find_fault(
        struct creator *c, const struct job *j, const struct said *s, struct decision *out)
{
	char text[DIFFERENCE_TEXT_MAX + 1] = "";
	struct hash output;
	struct ruling_case r = {.job = SUPPLY_GIVEN,
	        .stored = SUPPLY_GIVEN,
	        .output = SUPPLY_GIVEN,
	        .status = s->status,
	        .count = s->count,
	        .bytes = s->bytes,
	        .ran = true,
	        .own_status = j->j.own_status,
	        .own_count = j->j.own_count,
	        .executor = EXECUTOR_WASM,
	        .outputs = SAMENESS_SAME,
	        .difference = text,
	        .due_bytes = j->j.own_bytes};

	outcome_output_hash(&j->j.own_tree, &output);
	if (!hash_eq(&output, &s->output) && !is_alike(c, j, &r.due_bytes)) {
		r.outputs = SAMENESS_DIFFERENT;
		parting(c, j, text);
	}
	ruling_of(&r, out);
}

/* ---- whether ---------------------------------------------------------------------------------------------- */

const char *job_not_checkable(const struct creator *c, const struct creator_deal *d)
{
	if (d->deal.hot.seats == 0)
		return "the deal has no mediator";
	if (d->deal.cold.determinism == DETERMINISM_NONE)
		return "the job is not deterministic";
	if (!c->c.can_run)
		return "there is no engine here to run it again";
	return NULL;
}

/* "1 in 20" */
static const char *one_in(struct effects *fx, uint32_t ppm)
{
	uint32_t n = (PPM_ONE + ppm / 2) / ppm;

	return ppm == PPM_ONE ? "always" : fx_text(fx, "1 in %u", n);
}

static uint32_t probability(
        struct creator *c, struct job *j, const struct creator_deal *d, const struct said *s)
{
	const struct audit_policy p = {j->j.check_mode, j->j.check_ppm};
	const struct audit_case one = {.status = s->status,
	        .cost = deal_cost(&d->deal.hot, s->count, s->bytes),
	        .result_bond = d->deal.hot.result_bond,
	        .share_ppm = c->c.share_ppm,
	        .good = creator_good(c, &d->deal.hot.provider)};

	return audit_probability(&p, &one);
}

void job_judge(
        struct creator *c, struct job *j, bool always, const struct event *ev, struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};
	const char *bar;
	struct said s;
	uint64_t random;

	if (!what_it_says(c, j, &s) || !creator_get(c, creator_deal_record(), &d))
		return;
	if (!always && j->j.check_mode == AUDIT_NEVER) {
		job_accept_unchecked(c, j, JOB_AUDIT_NOT_DRAWN, ev, fx,
		        "accepted, not checked: its creator asked for no check");
		return;
	}
	bar = job_not_checkable(c, &d);
	if (bar) {
		job_accept_unchecked(c, j, JOB_AUDIT_NOT_DRAWN, ev, fx,
		        fx_text(fx, "accepted, not checked: %s", bar));
		return;
	}
	j->j.audit_ppm = always ? PPM_ONE : probability(c, j, &d, &s);
	c->world->rng.fill(c->world->rng.self, &random, sizeof random);
	if (!audit_drawn(j->j.audit_ppm, random)) {
		job_accept_unchecked(c, j, JOB_AUDIT_NOT_DRAWN, ev, fx,
		        fx_text(fx, "accepted, not drawn for audit (%s)",
		                one_in(fx, j->j.audit_ppm)));
		return;
	}
	j->j.audit = JOB_AUDIT_DRAWN;
	job_move(c, j, JOB_CHECKING, ev, fx, "drawn for audit (%s): it is run again here",
	        one_in(fx, j->j.audit_ppm));
	job_check(c, j, ev, fx);
}

/* ---- the run ------------------------------------------------------------------------------------------------ */

static void give_up(struct creator *c, struct job *j, const struct err *why, const struct event *ev,
        struct effects *fx)
{
	job_accept_unchecked(c, j, JOB_AUDIT_IMPOSSIBLE, ev, fx,
	        fx_text(fx, "accepted, not checked: it cannot be run here: %.150s", why->msg));
}

/* True: spec and parts are here; else what is missing is being fetched. */
static bool gather(
        struct creator *c, struct job *j, struct job_spec *spec, struct effects *fx, struct err *e)
{
	struct blobs *b = &c->world->blobs;
	struct cid root = cid_raw(&j->j.spec);
	uint64_t max = BLOCK_MAX, bytes;
	bool have = b->has(b->self, &root) && spec_read(b, &j->j.spec, spec, e);

	for (size_t i = 0; have ? spec_part(spec, i, &root, &max) : i == 0; i++) {
		struct fx *f;

		if (have && tree_here(b, &root, max, &bytes))
			continue;
		f = fx_add(fx, FX_FETCH, (struct tag){.what = TAG_PART, .key = j->j.id});
		f->url = c->c.directory.url;
		f->audience = c->c.directory.addr;
		f->root = root;
		f->limit = max;
		j->waiting++;
	}
	return j->waiting == 0;
}

void job_check(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	struct job_spec *spec = ARENA_NEW(fx->arena, struct job_spec);
	struct err e;
	struct fx *f;

	assert(spec);
	if (j->j.state != JOB_CHECKING || j->running || j->waiting || !gather(c, j, spec, fx, &e) ||
	        c->checking >= MAX2(c->c.checks, 1u))
		return;
	if (!c->c.can_run) {
		FAIL(&e, MISSING_PART, "this process has no engine");
		give_up(c, j, &e, ev, fx);
		return;
	}
	c->checking++;
	j->running = true;
	f = fx_add(fx, FX_RUN, (struct tag){.what = TAG_CHECK, .key = j->j.id});
	f->spec = spec;
}

/* A directory that is away may be back before the judge deadline, shortly before which the job is accepted. */
static void no_part(struct creator *c, struct job *j, const struct err *why, const struct event *ev,
        struct effects *fx)
{
	if (err_passes(why->code))
		job_later(j, fx);
	else
		give_up(c, j, why, ev, fx);
}

void job_on_part(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct tree_done *t = ev->tree;
	struct job *j = job_by_id(c, &t->tag.key);

	if (!j || j->j.state != JOB_CHECKING)
		return;
	if (j->waiting)
		j->waiting--;
	if (j->waiting)
		return;
	if (t->ok && ++j->tries < PARTS_ROUNDS_MAX)
		job_check(c, j, ev, fx);
	else if (job_again(j, fx))
		no_part(c, j, &t->err, ev, fx);
}

/* A run has ended: the next one that waits for its turn. */
static void check_waiting(struct creator *c, const struct event *ev, struct effects *fx)
{
	const void *key;
	void *val;

	for (size_t i = 0;
	        c->checking < MAX2(c->c.checks, 1u) && map_next(&c->jobs, &i, &key, &val);)
		job_check(c, *(struct job **)val, ev, fx);
}

/* The result at issue against our own run. */
static void compare(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	struct decision d;
	struct said s;

	if (!what_it_says(c, j, &s))
		return;
	find_fault(c, j, &s, &d);
	if (d.ruling != RULING_RESULT_CORRECT) {
		job_dispute(c, j, d.ruling, d.why, ev, fx);
		return;
	}
	/* The same output: whoever did not show us his has nothing that we lack. */
	j->j.status = s.status;
	j->j.count = s.count;
	j->j.bytes = s.bytes;
	j->j.tree = j->j.own_tree;
	if (!j->j.had)
		creator_keep_output(c, &j->j.own_tree);
	if (s.status == STATUS_COMPLETED)
		j->j.exit_code = job_exit_code(c, &j->j.tree);
	j->j.audit = JOB_AUDIT_GOOD;
	j->j.had = JOB_HAD;
	j->j.claim = 0;
	job_move(c, j, JOB_JUDGED, ev, fx, "run again here: the same %s and count; accepted",
	        s.status == STATUS_COMPLETED ? "output" : "status");
	creator_record(c, &j->j.provider, RECORD_RIGHT, ev);
	job_accept(c, j, fx);
}

void job_on_checked(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct run_done *r = ev->run;
	struct job *j = job_by_id(c, &r->tag.key);
	struct creator_deal d = {0};
	struct outcome own;

	assert(c->checking > 0);
	c->checking--;
	if (j)
		j->running = false;
	/* Otherwise the deadline was quicker, or the deal is over. */
	if (j && j->j.state == JOB_CHECKING) {
		d.id = j->j.deal;
		if (r->ok && creator_get(c, creator_deal_record(), &d)) {
			outcome_of_run(r, d.deal.hot.byte_limit, &own);
			j->j.own_status = own.status;
			j->j.own_count = own.count;
			j->j.own_bytes = own.bytes;
			j->j.own_tree = own.tree;
			compare(c, j, ev, fx);
		} else if (job_again(j, fx)) {
			give_up(c, j, &r->err, ev, fx);
		}
	}
	check_waiting(c, ev, fx);
}

/* ---- the dispute ---------------------------------------------------------------------------------------------- */

/* Not accepted, and kept: the deal runs into the judge timeout. */
static void not_accepted(struct creator *c, struct job *j, const char *why, const struct event *ev,
        struct effects *fx)
{
	j->j.error = E_RESULT;
	snprintf(j->j.why, sizeof j->j.why, "%s", why);
	job_note(c, j, ev, fx, "BAD_RESULT", "%s; not accepted", why);
	creator_keep(c, j);
}

void job_dispute(struct creator *c, struct job *j, uint8_t claim, const char *why,
        const struct event *ev, struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};

	if (!creator_get(c, creator_deal_record(), &d))
		return;
	j->j.audit = JOB_AUDIT_BAD;
	j->j.claim = claim;
	if (d.deal.hot.seats == 0) {
		not_accepted(c, j, why, ev, fx);
		return;
	}
	if (j->j.own_status)
		creator_keep_output(c, &j->j.own_tree);
	c->world->rng.fill(c->world->rng.self, j->j.salt.b, sizeof j->j.salt.b);
	job_move(c, j, JOB_DISPUTED, ev, fx, "%s: %s", enum_name(&ruling_names, claim), why);
	job_send_check(c, j, ev, fx);
}

/* Did the provider submit what it had shown to us? Without a run of our own that is what was judged. */
static bool same_as_shown(struct creator *c, const struct job *j)
{
	struct creator_result r;
	struct hash shown;

	if (j->j.own_status || !creator_result_of(c, j, &r))
		return true;
	eip712_hash(result_record(), &r.result, &shown);
	return hash_eq(&shown, &j->j.submitted);
}

void job_send_check(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	struct decision d = {0};
	struct action *a;
	struct said s;
	struct err e;

	if (j->j.state == JOB_DISPUTED && in_channel(j) && !j->j.ledger) {
		channel_check(c, j, fx);
		return;
	}
	if (j->j.state != JOB_DISPUTED || j->j.ledger != DEAL_RESULTS_SUBMITTED ||
	        !what_it_says(c, j, &s))
		return;
	if (j->j.own_status)
		find_fault(c, j, &s, &d);
	if (d.ruling == RULING_RESULT_CORRECT) {
		job_note(c, j, ev, fx, "ODD", "what it submitted is not what it had shown to us");
		compare(c, j, ev, fx);
		return;
	}
	if (!same_as_shown(c, j)) {
		job_note(c, j, ev, fx, "ODD", "what it submitted is not what it had shown to us");
		job_judge(c, j, true, ev, fx);
		return;
	}
	a = fx_action(fx, ACTION_CHECK);
	a->check = (struct check){.deal = j->j.deal,
	        .result = j->j.submitted,
	        .claim = j->j.claim,
	        .salt = j->j.salt};
	if (!world_sign(c->world, &c->c.domain, check_record(), &a->check, &a->doc_sig, &e)) {
		log_line(&c->world->log, LOG_ODD, "cannot sign the check: %s", e.msg);
		return;
	}
	j->action = fx_submit(fx, a, &j->j.deal);
}
