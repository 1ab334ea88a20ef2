/* rule.c - from what is here to a ruling, and from a ruling to the ledger. The signed answer is in the store
 * before it is submitted, and is submitted as it is until the ledger shows an end. */
#include <stdio.h>

#include "mediator/mediator_own.h"
#include "port/outcome.h"

enum { COMPARE_BLOCKS = 16 /* of one turn of the loop */ };

/* ---- the case -------------------------------------------------------------------------------------------- */

/* How a part is called in a sentence. */
static void name_part(const struct dispute *k, unsigned i, char out[RULING_PART_MAX + 1])
{
	char what[48];

	if (i == PART_SPEC)
		snprintf(what, sizeof what, "the spec");
	else if (i == PART_PROGRAM)
		snprintf(what, sizeof what, "the program");
	else
		snprintf(what, sizeof what, "input %u", i - PART_INPUTS + 1);
	snprintf(out, RULING_PART_MAX + 1, "%s (%.70s)", what, k->parts[i].why);
	str_keep(out, RULING_PART_MAX + 1, str_of(out));
}

static void judge_job(
        const struct dispute *k, struct ruling_case *c, char name[RULING_PART_MAX + 1])
{
	unsigned n = k->parts_n - k->has_output;

	/* Once it ran, everything was here. */
	c->job = k->c.ran || k->listed ? SUPPLY_GIVEN : SUPPLY_SILENT;
	for (unsigned i = 0; i < n && !k->c.ran && c->job != SUPPLY_NONE; i++) {
		if (k->parts[i].supply == SUPPLY_GIVEN)
			continue;
		name_part(k, i, name);
		c->job = k->parts[i].supply;
	}
}

/* The own run gave the very tree that the result names. */
static bool is_same(const struct dispute *k)
{
	struct hash own;

	outcome_output_hash(&k->c.own_tree, &own);
	return k->c.ran && hash_eq(&own, &k->c.output);
}

static void keep_difference(struct dispute *k, const struct difference *d)
{
	k->c.diff_kind = (uint8_t)d->kind;
	str_keep(k->c.diff_path, sizeof k->c.diff_path, str_of(d->path));
	k->c.diff_offset = d->offset;
	k->c.diff_own = d->own_bytes;
	k->c.diff_other = d->other_bytes;
}

/* Equal bytes are always the same, others are not so in class `exact` and under `bytes`; of the other comparators
 * only `json` is here (7.4). */
static void judge_output(
        struct dispute *k, struct ruling_case *c, char words[DIFFERENCE_TEXT_MAX + 1])
{
	const struct difference *d = &k->difference;

	c->outputs = is_same(k) ? SAMENESS_SAME : SAMENESS_UNKNOWN;
	if (c->outputs == SAMENESS_SAME)
		return;
	if (!k->compared) {
		snprintf(words, DIFFERENCE_TEXT_MAX + 1, "%.*s", DIFFERENCE_TEXT_MAX,
		        k->not_compared[0] ? k->not_compared
		                           : "the outputs have not been compared to their end");
		return;
	}
	keep_difference(k, d);
	difference_text(d, words);
	if (d->kind == DIFFERENCE_NONE)
		c->outputs = SAMENESS_SAME;
	else if (k->f.deal.cold.determinism == DETERMINISM_EXACT ||
	         k->c.comparator == COMPARATOR_BYTES || k->c.comparator == COMPARATOR_JSON)
		c->outputs = SAMENESS_DIFFERENT;
	else
		snprintf(words, DIFFERENCE_TEXT_MAX + 1, "this mediator has no comparator %s",
		        enum_name(&comparator_names, k->c.comparator));
}

static enum supply supply_of_output(const struct dispute *k)
{
	const struct part *p = parts_output(k);

	/* The own run gives the same bytes: then this is a source (6.8). */
	if (is_same(k))
		return SUPPLY_GIVEN;
	return p ? p->supply : SUPPLY_SILENT;
}

static void decide(struct dispute *k, struct decision *out)
{
	char part[RULING_PART_MAX + 1] = "", words[DIFFERENCE_TEXT_MAX + 1] = "";
	struct ruling_case c = {.stored = k->f.stored_sig.n ? SUPPLY_GIVEN : SUPPLY_NONE,
	        .part = part,
	        .output = supply_of_output(k),
	        .status = k->c.status,
	        .count = k->c.count,
	        .bytes = k->c.bytes,
	        .ran = k->c.ran,
	        .failure = "it has not ended",
	        .own_status = k->c.own_status,
	        .own_count = k->c.own_count,
	        .executor = EXECUTOR_WASM,
	        .tolerance = k->f.deal.cold.tolerance,
	        .difference = words};

	judge_job(k, &c, part);
	if (k->c.ran && c.stored == SUPPLY_GIVEN)
		judge_output(k, &c, words);
	if (is_same(k))
		k->c.tree_bytes = k->c.own_bytes;
	k->c.due_bytes = ruling_bytes(c.status, k->c.input_bytes, k->c.tree_bytes);
	c.due_bytes = k->c.due_bytes;
	ruling_of(&c, out);
}

/* ---- the answer ------------------------------------------------------------------------------------------ */

/* Test instrument: the other side is right. */
static void lie(struct decision *d)
{
	d->ruling = ruling_side(d->ruling) == SIDE_PROVIDER ? RULING_RESULT_WRONG
	                                                    : RULING_RESULT_CORRECT;
}

static void answer(struct mediator *m, struct dispute *k, const struct decision *d,
        enum case_state to, struct effects *fx)
{
	k->c.ruling = d->ruling;
	str_keep(k->c.why, sizeof k->c.why, str_of(d->why));
	dispute_keep_answer(m, k);
	dispute_move(m, k, to);
	rule_submit(m, k, fx);
}

static void rule(struct mediator *m, struct dispute *k, struct decision *d, struct effects *fx)
{
	struct verdict *v = &k->a.verdict;
	struct err e;

	if (m->c.fault == MEDIATOR_LIES)
		lie(d);
	*v = (struct verdict){.deal = k->c.id,
	        .mediator = m->world->signer.addr,
	        .ruling = d->ruling,
	        .output = k->c.own_tree,
	        .count = k->c.own_count,
	        .bytes = k->c.ran ? k->c.due_bytes : 0};
	m->world->rng.fill(m->world->rng.self, v->salt.b, sizeof v->salt.b);
	if (!world_sign(m->world, &m->c.domain, verdict_record(), v, &k->a.sig, &e)) {
		log_line(&m->world->log, LOG_BROKEN, "cannot sign a verdict: %s", e.msg);
		return;
	}
	answer(m, k, d, CASE_RULING, fx);
}

void rule_pass(struct mediator *m, struct dispute *k, const char *why, struct effects *fx)
{
	struct pass p = {.deal = k->c.id, .mediator = m->world->signer.addr};
	struct decision d = {.ruling = RULING_CANNOT_RULE};
	struct err e;

	/* Without the deal there is nothing to show the ledger with a pass: the clock decides (5.13). */
	if (k->f.jc_sig.n == 0)
		return;
	str_keep(d.why, sizeof d.why, str_of(why));
	log_line(&m->world->log, LOG_ODD, "passing a dispute: %s", d.why);
	run_kill(m, k, fx);
	k->a.passed = true;
	k->a.verdict = (struct verdict){
	        .deal = k->c.id, .mediator = p.mediator, .ruling = RULING_CANNOT_RULE};
	if (!world_sign(m->world, &m->c.domain, pass_record(), &p, &k->a.sig, &e)) {
		log_line(&m->world->log, LOG_BROKEN, "cannot sign a pass: %s", e.msg);
		return;
	}
	answer(m, k, &d, CASE_PASSING, fx);
}

/* ---- the outputs, side by side ------------------------------------------------------------------------- */

/* What is not here yet is fetched first. */
static bool to_compare(const struct mediator *m, const struct dispute *k)
{
	const struct blobs *b = &m->world->blobs;
	struct cid other = cid_tree(&k->c.tree);

	return k->c.ran && k->f.stored_sig.n && !is_same(k) && !k->compared &&
	       !k->not_compared[0] && b->has(b->self, &other);
}

static void not_compared(struct dispute *k, const struct err *why)
{
	k->search = difference_free(k->search);
	str_keep(k->not_compared, sizeof k->not_compared, str_of(why->msg));
}

/* A foreign tree may be of any size and shape: other disputes and requests have their turns in between. */
static void begin_comparison(struct dispute *k, struct effects *fx)
{
	struct cid own = cid_tree(&k->c.own_tree), other = cid_tree(&k->c.tree);
	bool alike = k->f.deal.cold.determinism == DETERMINISM_COMPARABLE;
	struct likeness like = {k->c.comparator, k->f.deal.cold.tolerance};
	struct err e;

	if (!difference_begin(&own, &other, alike ? &like : NULL, &k->search, &e))
		not_compared(k, &e);
	fx_add(fx, FX_TIMER, dispute_tag(k, TAG_COMPARE, 0));
}

void rule_compare(struct mediator *m, struct dispute *k, struct effects *fx)
{
	struct block_source src = {m->world->blobs.self, m->world->blobs.get};
	bool over = true;
	struct err e;

	if (k->c.state != CASE_RAN || (!k->search && !k->not_compared[0]))
		return;
	if (k->search &&
	        !difference_go_on(k->search, &src, COMPARE_BLOCKS, &over, &k->difference, &e)) {
		not_compared(k, &e);
	} else if (!over) {
		fx_add(fx, FX_TIMER, dispute_tag(k, TAG_COMPARE, 0));
		return;
	} else if (k->search) {
		k->search = difference_free(k->search);
		k->compared = true;
	}
	rule_step(m, k, false, fx);
}

/* ---- the step ------------------------------------------------------------------------------------------- */

void rule_step(struct mediator *m, struct dispute *k, bool last, struct effects *fx)
{
	struct decision d;

	if (!last && k->search)
		return; /* its timer goes on */
	if (!last && to_compare(m, k)) {
		begin_comparison(k, fx);
		return;
	}
	decide(k, &d);
	if (d.ruling != RULING_CANNOT_RULE) {
		rule(m, k, &d, fx);
	} else if (last || supply_of_output(k) != SUPPLY_SILENT) {
		rule_pass(m, k, d.why, fx);
	} else {
		k->not_compared[0] = '\0'; /* what was missing may be here by then */
		dispute_keep(m, k);
		dispute_again(k, fx);
	}
}

void rule_submit(struct mediator *m, struct dispute *k, struct effects *fx)
{
	struct action *a = fx_action(fx, k->a.passed ? ACTION_PASS : ACTION_VERDICT);

	a->deal = k->f.deal;
	a->doc_sig = k->a.sig;
	if (k->a.passed)
		a->pass = (struct pass){.deal = k->c.id, .mediator = m->world->signer.addr};
	else
		a->verdict = k->a.verdict;
	k->action = fx_submit(fx, a, &k->c.id);
	k->asked = true;
}
