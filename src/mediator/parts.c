/* parts.c - the bytes of a case: spec, program, inputs and output, each by its content id from any source that
 * gives them (protocol 6.8). The directory of the deal is the one that knows whether there are any: what it
 * says it does not have, more than once, no source gives. A source that is silent says nothing. */
#include <stdio.h>

#include "mediator/mediator_own.h"
#include "port/spec.h"

enum {
	NOES_MIN = 2,    /* times that the deal's directory says that it has no such tree */
	OUTPUT_TRIES = 3 /* rounds in which a run waits for an output that may still come */
};

struct job_spec *dispute_spec(
        struct mediator *m, const struct dispute *k, struct arena *a, struct err *e)
{
	struct job_spec *spec = ARENA_NEW(a, struct job_spec);

	assert(spec);
	return spec_read(&m->world->blobs, &k->f.deal.cold.spec, spec, e) ? spec : NULL;
}

/* ---- the list -------------------------------------------------------------------------------------------- */

static struct part *add(struct dispute *k, struct cid root, uint64_t limit)
{
	struct part *p = &k->parts[k->parts_n++];

	assert(k->parts_n <= PARTS_MAX);
	*p = (struct part){.root = root, .limit = limit};
	return p;
}

static struct part *output_of(struct dispute *k)
{
	return k->has_output ? &k->parts[k->parts_n - 1] : NULL;
}

const struct part *parts_output(const struct dispute *k)
{
	return k->has_output ? &k->parts[k->parts_n - 1] : NULL;
}

static void add_output(struct dispute *k)
{
	if (!k->f.stored_sig.n)
		return;
	add(k, cid_tree(&k->f.stored.output), k->f.stored.bytes);
	k->has_output = true;
}

/* Does the spec say what the deal says? JC wrote both; RP should not have signed it (2.4). */
static bool fits(const struct dispute *k, const struct job_spec *s, struct err *e)
{
	const struct cold *cold = &k->f.deal.cold;

	if (strcmp(s->engine, cold->engine) != 0 || s->determinism != cold->determinism ||
	        !hash_eq(&s->module, &cold->module) ||
	        s->instruction_limit != k->f.deal.hot.instruction_limit)
		return FAIL(e, TERMS,
		        "the spec has another engine, class, module or limit than the deal");
	if (spec_input_bytes(s) == UINT64_MAX)
		return FAIL(e, TERMS, "the spec's input sizes overflow");
	return true;
}

static bool can_run(const struct mediator *m, const struct job_spec *s, struct err *e)
{
	if (s->executor != EXECUTOR_WASM)
		return FAIL(e, EXECUTOR, "executor %s is not run here",
		        enum_name(&executor_names, s->executor));
	if (m->c.ram && s->resources.ram > m->c.ram)
		return FAIL(e, EXECUTOR,
		        "the job asks for %llu bytes of memory, this mediator gives %llu",
		        (unsigned long long)s->resources.ram, (unsigned long long)m->c.ram);
	return true;
}

/* What the spec names. Its own supply is settled here: bytes that are no spec of this deal are not given. */
static void list_parts(struct dispute *k, const struct job_spec *s)
{
	struct cid root;
	uint64_t max;

	k->parts_n = PART_PROGRAM;
	for (size_t i = 0; spec_part(s, i, &root, &max); i++)
		add(k, root, max);
	add_output(k);
	k->ram = s->resources.ram;
	k->c.comparator = s->comparator;
	k->listed = true;
}

/* ---- fetching -------------------------------------------------------------------------------------------- */

/* The directory of the deal first, and again every other time; between, the others in turn. */
static unsigned source_for(const struct mediator *m, const struct dispute *k, struct part *p)
{
	unsigned n = (unsigned)m->c.directories_n, turn = p->source++, own = n;

	for (unsigned i = 0; i < n; i++) {
		if (addr_eq(&m->c.directories[i].addr, &k->f.deal.cold.directory))
			own = i;
	}
	p->knows = own < n && (turn % 2 == 0 || n == 1);
	return p->knows ? own : turn / 2 % n;
}

static void fetch(struct mediator *m, struct dispute *k, struct part *p, struct effects *fx)
{
	const struct peer *dir;
	struct fx *f;

	if (p->supply != SUPPLY_SILENT || p->waiting || m->c.directories_n == 0)
		return;
	dir = &m->c.directories[source_for(m, k, p)];
	f = fx_add(fx, FX_FETCH, dispute_tag(k, TAG_PART, (unsigned)(p - k->parts)));
	f->url = dir->url;
	f->audience = dir->addr;
	f->root = p->root;
	f->limit = p->limit;
	f->body = fx_deal(fx, &k->f.deal, &k->f.jc_sig, &k->f.rp_sig);
	p->waiting = true;
	k->waiting++;
}

void parts_fetch_output(struct mediator *m, struct dispute *k, struct effects *fx)
{
	if (!k->listed && !k->parts_n) {
		/* After a start all others are here: the run has been made of them. */
		add_output(k);
		k->listed = true;
	}
	if (output_of(k))
		fetch(m, k, output_of(k), fx);
}

/* The worst supply of all but the output. */
static enum supply job_supply(const struct dispute *k)
{
	enum supply worst = k->listed ? SUPPLY_GIVEN : SUPPLY_SILENT;

	for (unsigned i = 0; i < k->parts_n - k->has_output; i++) {
		if (k->parts[i].supply == SUPPLY_NONE)
			return SUPPLY_NONE;
		if (k->parts[i].supply == SUPPLY_SILENT)
			worst = SUPPLY_SILENT;
	}
	return worst;
}

/* All that was asked for has ended: does it do? */
static void look(struct mediator *m, struct dispute *k, struct effects *fx)
{
	const struct part *out = output_of(k);
	enum supply job = job_supply(k);
	bool may_come = out && out->supply == SUPPLY_SILENT && k->tries < OUTPUT_TRIES;

	if (job == SUPPLY_NONE || (job == SUPPLY_GIVEN && !out)) {
		rule_step(m, k, false, fx);
	} else if (job == SUPPLY_GIVEN && !may_come) {
		dispute_move(m, k, CASE_READY);
		run_next(m, fx);
	} else {
		dispute_again(k, fx);
	}
}

/* The spec is here: what else is wanted? False: the case is passed. */
static bool read_spec(struct mediator *m, struct dispute *k, struct effects *fx)
{
	struct part *spec = &k->parts[PART_SPEC];
	struct job_spec *s;
	struct err e;

	s = dispute_spec(m, k, fx->arena, &e);
	if (!s || !fits(k, s, &e)) {
		spec->supply = SUPPLY_NONE;
		str_keep(spec->why, sizeof spec->why, str_of(e.msg));
		return true;
	}
	if (!can_run(m, s, &e)) {
		rule_pass(m, k, e.msg, fx);
		return false;
	}
	list_parts(k, s);
	return true;
}

void parts_step(struct mediator *m, struct dispute *k, struct effects *fx)
{
	if (k->waiting)
		return;
	if (k->parts_n == 0)
		add(k, cid_raw(&k->f.deal.cold.spec), BLOCK_MAX);
	if (!k->listed && k->parts[PART_SPEC].supply == SUPPLY_GIVEN && !read_spec(m, k, fx))
		return;
	for (unsigned i = 0; i < k->parts_n; i++)
		fetch(m, k, &k->parts[i], fx);
	if (!k->waiting)
		look(m, k, fx);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

/* Is it the mediator's right to read that may only not be known yet? Then a refusal is no answer. */
static bool says_no(const struct dispute *k, const struct part *p, enum err_code code)
{
	if (code == E_NOT_FOUND)
		return true;
	/* More than the spec says it has: what it names is not there. */
	return p != parts_output(k) && (code == E_FORBIDDEN || code == E_TOO_LARGE);
}

static void not_given(const struct dispute *k, struct part *p, const struct err *why)
{
	str_keep(p->why, sizeof p->why, str_of(why->msg));
	if (p->knows && says_no(k, p, why->code) && ++p->noes >= NOES_MIN)
		p->supply = SUPPLY_NONE;
}

/* An input has as many bytes as the spec says: less is another input. */
static void given(struct dispute *k, struct part *p, uint64_t bytes)
{
	bool is_input = p >= k->parts + PART_INPUTS && p != parts_output(k);

	p->supply = SUPPLY_GIVEN;
	if (is_input && bytes != p->limit) {
		p->supply = SUPPLY_NONE;
		snprintf(p->why, sizeof p->why, "it has %llu bytes, the spec says %llu",
		        (unsigned long long)bytes, (unsigned long long)p->limit);
	}
	if (p == parts_output(k))
		k->c.tree_bytes = bytes;
}

void parts_on_tree(struct mediator *m, const struct event *ev, struct effects *fx)
{
	const struct tree_done *t = ev->tree;
	struct dispute *k = dispute_get(m, &t->tag.key);
	struct part *p;

	/* After a start of the case's own the numbers may mean others: the root tells. */
	if (!k || t->tag.n >= k->parts_n || !k->parts[t->tag.n].waiting)
		return;
	p = &k->parts[t->tag.n];
	p->waiting = false;
	k->waiting--;
	if (t->ok)
		given(k, p, t->bytes);
	else
		not_given(k, p, &t->err);
	if (k->waiting)
		return;
	if (k->c.state == CASE_RAN)
		rule_step(m, k, false, fx);
	else if (k->c.state == CASE_FETCHING && !k->listed && p->supply == SUPPLY_GIVEN)
		parts_step(m, k, fx);
	else if (k->c.state == CASE_FETCHING)
		look(m, k, fx);
}
