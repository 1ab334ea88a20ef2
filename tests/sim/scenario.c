/* scenario.c - reading a story. */
#include "scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char *const fault_names[FAULT_KINDS] = {
#define FAULT(id, name, meaning) [FAULT_##id] = name,
#include "fault.def"
#undef FAULT
};

/* ---- the words of a line ------------------------------------------------------------------------------- */

struct line {
	struct scenario *sc;
	struct str rest;
	int number;
};

/* The next word; "name=value" is cut at the sign. */
static bool next_word(struct line *l, struct str *name, struct str *value)
{
	struct str word;

	while (l->rest.n && (l->rest.p[0] == ' ' || l->rest.p[0] == '\t'))
		l->rest = (struct str){l->rest.p + 1, l->rest.n - 1};
	if (l->rest.n == 0)
		return false;
	word = str_cut(l->rest, ' ', &l->rest);
	*name = str_cut(word, '=', value);
	return true;
}

static bool unknown(struct str name, struct err *e)
{
	return FAIL(e, CONFIG, "\"%.*s\" is not known here", STR_ARG(name));
}

static bool number(struct str value, uint64_t max, uint64_t *out, struct err *e)
{
	if (str_u64(value, max, out))
		return true;
	return FAIL(e, CONFIG, "\"%.*s\" is no number up to %llu", STR_ARG(value),
	        (unsigned long long)max);
}

static bool small(struct str value, unsigned max, unsigned *out, struct err *e)
{
	uint64_t v;

	TRY(number(value, max, &v, e), e);
	*out = (unsigned)v;
	return true;
}

static bool span(struct str value, struct span *out, struct err *e)
{
	if (span_parse(value, out))
		return true;
	return FAIL(e, CONFIG, "\"%.*s\" is no span such as 90s or 500ms", STR_ARG(value));
}

static bool name_of(struct line *l, char out[NAME_MAX_ + 1], struct err *e)
{
	struct str name, value;

	if (!next_word(l, &name, &value) || value.n || name.n > NAME_MAX_)
		return FAIL(e, CONFIG, "a name is missing");
	snprintf(out, NAME_MAX_ + 1, "%.*s", STR_ARG(name));
	return true;
}

/* ---- statements ---------------------------------------------------------------------------------------- */

static bool read_market(struct line *l, struct err *e)
{
	struct scenario *sc = l->sc;
	struct str name, v;

	while (next_word(l, &name, &v)) {
		uint64_t n = 0;

		if (str_is(name, "min"))
			TRY(span(v, &sc->min, e), e);
		else if (str_is(name, "submit"))
			TRY(span(v, &sc->submit, e), e);
		else if (str_is(name, "judge"))
			TRY(span(v, &sc->judge, e), e);
		else if (str_is(name, "mediate"))
			TRY(span(v, &sc->mediate, e), e);
		else if (str_is(name, "limit"))
			TRY(span(v, &sc->limit, e), e);
		else if (str_is(name, "mediators"))
			TRY(small(v, 1, &sc->mediators, e), e);
		else if (str_is(name, "backlog"))
			TRY(number(v, SSE_BACKLOG_MAX, &n, e), e);
		else
			return unknown(name, e);
		if (n)
			sc->backlog = (size_t)n;
	}
	return true;
}

static bool read_ledger(struct line *l, struct err *e)
{
	struct scenario *sc = l->sc;
	struct str name, v;

	while (next_word(l, &name, &v)) {
		if (str_is(name, "chain"))
			sc->chain.on = true;
		else if (str_is(name, "shuffle"))
			sc->chain.shuffle = true;
		else if (str_is(name, "keep-failed"))
			sc->chain.keep_failed = true;
		else if (str_is(name, "block"))
			TRY(span(v, &sc->chain.block, e), e);
		else if (str_is(name, "delay"))
			TRY(span(v, &sc->chain.delay, e), e);
		else if (str_is(name, "jitter"))
			TRY(span(v, &sc->chain.jitter, e), e);
		else if (str_is(name, "depth"))
			TRY(small(v, 100, &sc->chain.depth, e), e);
		else if (str_is(name, "lose"))
			TRY(small(v, 100, &sc->chain.lose, e), e);
		else
			return unknown(name, e);
	}
	return true;
}

static bool add_party(struct scenario *sc, enum node_kind kind, struct party **out, struct err *e)
{
	if (sc->parties_n == PARTIES_MAX)
		return FAIL(e, CONFIG, "more than %d parties", PARTIES_MAX);
	*out = &sc->parties[sc->parties_n++];
	**out = (struct party){.kind = kind, .parallel = 1, .price = 1};
	return true;
}

static bool party_words(struct line *l, struct party *p, struct err *e)
{
	struct str name, v;

	while (next_word(l, &name, &v)) {
		if (str_is(name, "misbehaves") && v.n < sizeof p->misbehaves)
			memcpy(p->misbehaves, v.p, v.n);
		else if (str_is(name, "parallel"))
			TRY(small(v, 64, &p->parallel, e), e);
		else if (str_is(name, "price"))
			TRY(number(v, 1000, &p->price, e), e);
		else if (str_is(name, "broken"))
			p->broken = true;
		else if (str_is(name, "silent"))
			p->silent = true;
		else if (str_is(name, "daemon"))
			p->daemon = true;
		else
			return unknown(name, e);
	}
	return true;
}

static bool read_party(struct line *l, enum node_kind kind, struct err *e)
{
	struct party *p = NULL;

	TRY(add_party(l->sc, kind, &p, e), e);
	TRY(name_of(l, p->name, e), e);
	return party_words(l, p, e);
}

static bool read_provider(struct line *l, struct err *e)
{
	return read_party(l, NODE_PROVIDER, e);
}

static bool read_creator(struct line *l, struct err *e)
{
	return read_party(l, NODE_CREATOR, e);
}

static bool read_mediator(struct line *l, struct err *e)
{
	struct party *p = NULL;

	TRY(add_party(l->sc, NODE_MEDIATOR, &p, e), e);
	snprintf(p->name, sizeof p->name, "mediator");
	return party_words(l, p, e);
}

static bool read_directory(struct line *l, struct err *e)
{
	for (size_t i = 0; i < l->sc->parties_n; i++) {
		if (l->sc->parties[i].kind == NODE_DIRECTORY)
			return party_words(l, &l->sc->parties[i], e);
	}
	return FAIL(e, CONFIG, "there is no directory");
}

static bool job_words(
        struct line *l, struct wanted_job *j, unsigned *copies, struct span *every, struct err *e)
{
	struct str name, v;

	while (next_word(l, &name, &v)) {
		if (str_is(name, "at"))
			TRY(span(v, &j->at, e), e);
		else if (str_is(name, "queue"))
			TRY(span(v, &j->queue, e), e);
		else if (str_is(name, "again"))
			TRY(span(v, &j->again, e), e);
		else if (str_is(name, "cancel"))
			TRY(span(v, &j->cancel, e), e);
		else if (str_is(name, "every"))
			TRY(span(v, every, e), e);
		else if (str_is(name, "count"))
			TRY(number(v, 1000000000000, &j->count, e), e);
		else if (str_is(name, "price"))
			TRY(number(v, 1000, &j->price, e), e);
		else if (str_is(name, "copies"))
			TRY(small(v, JOBS_MAX, copies, e), e);
		else if (str_is(name, "check"))
			TRY(audit_parse(v, &j->check, e), e);
		else if (str_is(name, "detach"))
			j->detach = true;
		else if (str_is(name, "key") && v.n < sizeof j->key)
			memcpy(j->key, v.p, v.n);
		else
			return unknown(name, e);
	}
	return true;
}

static const struct party *party_named(const struct scenario *sc, const char *name)
{
	for (size_t i = 0; i < sc->parties_n; i++) {
		if (strcmp(sc->parties[i].name, name) == 0)
			return &sc->parties[i];
	}
	return NULL;
}

static bool read_job(struct line *l, struct err *e)
{
	struct wanted_job j = {
	        .at = {1000}, .queue = {60000}, .count = 1000000, .price = 10, .number = 1};
	struct scenario *sc = l->sc;
	struct span every = {0};
	unsigned copies = 1;
	char name[NAME_MAX_ + 1];

	TRY(name_of(l, name, e), e);
	j.creator = party_named(sc, name);
	if (!j.creator || j.creator->kind != NODE_CREATOR)
		return FAIL(e, CONFIG, "no creator before this line is called \"%s\"", name);
	TRY(job_words(l, &j, &copies, &every, e), e);
	for (size_t i = 0; i < sc->jobs_n; i++)
		j.number += sc->jobs[i].creator == j.creator;
	for (; copies; copies--, j.number++, j.at.ms += every.ms) {
		if (sc->jobs_n == JOBS_MAX)
			return FAIL(e, CONFIG, "more than %d jobs", JOBS_MAX);
		sc->jobs[sc->jobs_n++] = j;
	}
	return true;
}

static bool read_faults(struct line *l, struct err *e)
{
	struct scenario *sc = l->sc;
	struct str name, v;

	while (next_word(l, &name, &v)) {
		bool found = false;

		for (size_t i = 0; i < FAULT_KINDS && !found; i++) {
			if (!str_is(name, fault_names[i]))
				continue;
			TRY(small(v, 1000, &sc->faults[i], e), e);
			found = true;
		}
		if (found)
			continue;
		if (str_is(name, "delay"))
			TRY(span(v, &sc->delay, e), e);
		else if (str_is(name, "down"))
			TRY(span(v, &sc->down, e), e);
		else if (str_is(name, "from"))
			TRY(span(v, &sc->from, e), e);
		else if (str_is(name, "until"))
			TRY(span(v, &sc->until, e), e);
		else
			return unknown(name, e);
	}
	return true;
}

static bool read_wild(struct line *l, struct err *e)
{
	struct str name, v;

	if (!next_word(l, &name, &v))
		return FAIL(e, CONFIG, "how many mishaps?");
	return small(name, WILD_MAX, &l->sc->wild, e);
}

static bool mishap_words(struct line *l, struct mishap *m, struct err *e)
{
	struct str name, v;

	while (next_word(l, &name, &v)) {
		if (str_is(name, "at"))
			TRY(span(v, &m->at, e), e);
		else if (str_is(name, "for") || str_is(name, "by"))
			TRY(span(v, &m->how_long, e), e);
		else if (str_is(name, "back"))
			m->how_long.ms = -m->how_long.ms;
		else if (str_is(name, "blocks"))
			TRY(small(v, 1000, &m->blocks, e), e);
		else if (str_is(name, "lose"))
			TRY(small(v, 100, &m->lose, e), e);
		else if (str_is(name, "each") && m->kind == MISHAP_CRASH)
			memcpy(l->sc->each, m->a, sizeof l->sc->each);
		else
			return unknown(name, e);
	}
	return true;
}

static bool read_mishap(struct line *l, enum mishap_kind kind, int names, struct err *e)
{
	struct mishap m = {.kind = kind, .how_long = {2000}, .blocks = 1};
	struct scenario *sc = l->sc;

	if (names > 0)
		TRY(name_of(l, m.a, e), e);
	if (names > 1)
		TRY(name_of(l, m.b, e), e);
	TRY(mishap_words(l, &m, e), e);
	if (sc->each[0] && strcmp(sc->each, m.a) == 0 && kind == MISHAP_CRASH) {
		sc->each_down = m.how_long;
		return true;
	}
	if (sc->mishaps_n == MISHAPS_MAX)
		return FAIL(e, CONFIG, "more than %d mishaps", MISHAPS_MAX);
	sc->mishaps[sc->mishaps_n++] = m;
	return true;
}

static bool read_partition(struct line *l, struct err *e)
{
	return read_mishap(l, MISHAP_PARTITION, 2, e);
}

static bool read_crash(struct line *l, struct err *e)
{
	return read_mishap(l, MISHAP_CRASH, 1, e);
}

static bool read_stop(struct line *l, struct err *e)
{
	return read_mishap(l, MISHAP_STOP, 1, e);
}

static bool read_jump(struct line *l, struct err *e)
{
	return read_mishap(l, MISHAP_JUMP, 1, e);
}

static bool read_pass(struct line *l, struct err *e)
{
	return read_mishap(l, MISHAP_PASS, 0, e);
}

static bool read_reorg(struct line *l, struct err *e)
{
	return read_mishap(l, MISHAP_REORG, 0, e);
}

static bool read_deals(struct line *l, struct err *e)
{
	struct str name, v;

	while (next_word(l, &name, &v)) {
		bool found = false;

		for (size_t i = 0; i < deal_states.n; i++) {
			if (!str_is(name, deal_states.states[i].name))
				continue;
			l->sc->ends |= SM_BIT(deal_states.states[i].value);
			found = true;
		}
		if (!found)
			return unknown(name, e);
	}
	return true;
}

static bool read_expect(struct line *l, struct err *e)
{
	struct scenario *sc = l->sc;
	struct str name, v;

	sc->expects = true;
	while (next_word(l, &name, &v)) {
		if (str_is(name, "done"))
			TRY(small(v, JOBS_MAX, &sc->done, e), e);
		else if (str_is(name, "failed"))
			TRY(small(v, JOBS_MAX, &sc->failed, e), e);
		else if (str_is(name, "cancelled"))
			TRY(small(v, JOBS_MAX, &sc->cancelled, e), e);
		else if (str_is(name, "at-least"))
			sc->at_least = true;
		else
			return unknown(name, e);
	}
	return true;
}

static bool read_seeds(struct line *l, struct err *e)
{
	struct str name, v;

	if (!next_word(l, &name, &v))
		return FAIL(e, CONFIG, "how many seeds?");
	return small(name, 10000, &l->sc->seeds, e);
}

static bool read_story(struct line *l, struct err *e)
{
	(void)e;
	while (l->rest.n && l->rest.p[0] == ' ')
		l->rest = (struct str){l->rest.p + 1, l->rest.n - 1};
	snprintf(l->sc->story, sizeof l->sc->story, "%.*s", STR_ARG(l->rest));
	return true;
}

/* ---- the file ------------------------------------------------------------------------------------------ */

static bool read_line(struct line *l, struct err *e)
{
	static const struct {
		const char *name;
		bool (*read)(struct line *, struct err *);
	} statements[] = {{"story", read_story}, {"seeds", read_seeds}, {"market", read_market},
	        {"ledger", read_ledger}, {"provider", read_provider}, {"creator", read_creator},
	        {"mediator", read_mediator}, {"directory", read_directory}, {"job", read_job},
	        {"faults", read_faults}, {"wild", read_wild}, {"partition", read_partition},
	        {"crash", read_crash}, {"stop", read_stop}, {"jump", read_jump},
	        {"pass", read_pass}, {"reorg", read_reorg}, {"deals", read_deals},
	        {"expect", read_expect}};
	struct str name, value;

	l->rest = str_cut(l->rest, '#', &value);
	if (!next_word(l, &name, &value))
		return true;
	for (size_t i = 0; i < COUNT(statements); i++) {
		if (str_is(name, statements[i].name))
			return statements[i].read(l, e);
	}
	return unknown(name, e);
}

static bool read_all(struct scenario *sc, struct str text, struct err *e)
{
	struct line l = {.sc = sc};

	while (text.n) {
		l.rest = str_cut(text, '\n', &text);
		l.number++;
		if (!read_line(&l, e)) {
			err_prefix(e, "%s:%d: ", sc->file, l.number);
			return false;
		}
	}
	return true;
}

bool scenario_read(const char *path, struct scenario *out, struct err *e)
{
	static const enum node_kind always[] = {NODE_LEDGER, NODE_SOLVER, NODE_DIRECTORY};
	static const char *const names[] = {"ledger", "solver", "directory"};
	static char text[SCENARIO_MAX];
	FILE *f = fopen(path, "re");
	struct party *p = NULL;
	size_t n;

	if (!f)
		return FAIL_SYS(e, IO, errno, "%s cannot be read", path);
	n = fread(text, 1, sizeof text, f);
	fclose(f);
	if (n == sizeof text)
		return FAIL(e, TOO_LARGE, "%s has more than %u bytes", path, SCENARIO_MAX);
	memset(out, 0, sizeof *out);
	snprintf(out->file, sizeof out->file, "%s", path);
	out->seeds = 5;
	out->min = span_s(10);
	out->submit = out->judge = out->mediate = span_s(300);
	out->limit = span_s(2 * 3600);
	out->mediators = 1;
	out->down = span_s(3);
	out->until = span_s(60);
	out->ends = SM_BIT(DEAL_RESULTS_ACCEPTED);
	for (size_t i = 0; i < COUNT(always); i++) {
		TRY(add_party(out, always[i], &p, e), e);
		snprintf(p->name, sizeof p->name, "%s", names[i]);
	}
	return read_all(out, (struct str){text, n}, e);
}

struct span scenario_quiet(const struct scenario *sc)
{
	struct span last = {0};

	/* What is drawn may begin just before the end, and last. */
	if (sc->wild)
		last.ms = sc->until.ms + WILD_FOR_S * 1000;
	for (size_t i = 0; i < FAULT_KINDS; i++) {
		if (sc->faults[i])
			last.ms = MAX2(last.ms, sc->until.ms);
	}
	for (size_t i = 0; i < sc->mishaps_n; i++) {
		const struct mishap *m = &sc->mishaps[i];
		bool lasts = m->kind == MISHAP_PARTITION || m->kind == MISHAP_CRASH ||
		             m->kind == MISHAP_STOP;

		last.ms = MAX2(last.ms, m->at.ms + (lasts ? m->how_long.ms : 0));
	}
	for (size_t i = 0; i < sc->jobs_n; i++)
		last.ms = MAX2(last.ms, sc->jobs[i].at.ms);
	return last;
}
