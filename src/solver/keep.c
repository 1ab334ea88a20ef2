/* keep.c - the solver's store, its open offers, its event stream, the timelines of its deals. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "crypto/keccak.h"
#include "solver/solver_own.h"

static const struct sm_state states[] = {
#define S(name, value, flags, next, meaning) {#name, value, flags, next, meaning},
#include "solver/match_state.def"
#undef S
};
const struct sm match_states = {"match", states, COUNT(states)};

#include "model/record_table.h"
#include "solver/tables.def"
#include "model/record_end.h"

const struct record *(*const solver_tables[])(void) = {
#define RECORD(tag, type, meaning) tag##_record,
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "solver/tables.def"
#include "model/record_end.h"
        NULL,
};

const char *offer_state_name(unsigned state)
{
	static const char *const names[] = {
#define O(name, value, text, meaning) [value] = text,
#include "solver/offer_state.def"
#undef O
	};

	return state < COUNT(names) && names[state] ? names[state] : "?";
}

/* ---- store ------------------------------------------------------------------------------------------ */

static void must(struct solver *s, bool ok, const struct err *e)
{
	if (!ok)
		log_line(&s->world->log, LOG_BROKEN, "store: %s", e->msg);
	assert(ok);
}

void solver_put(struct solver *s, const struct record *r, const void *row)
{
	struct err e;

	must(s, s->world->store.put(s->world->store.self, r, row, &e), &e);
}

bool solver_get(struct solver *s, const struct record *r, void *row)
{
	struct err e;
	bool ok = s->world->store.get(s->world->store.self, r, row, &e);

	if (!ok && e.code != E_NOT_FOUND)
		must(s, false, &e);
	return ok;
}

uint64_t solver_next(struct solver *s, const char *counter)
{
	uint64_t v = 0;
	struct err e;

	must(s, s->world->store.next(s->world->store.self, counter, &v, &e), &e);
	return v;
}

/* ---- time ------------------------------------------------------------------------------------------- */

struct btime solver_now(const struct solver *s, const struct event *ev)
{
	uint64_t wall = wall_seconds(ev->wall);

	return (struct btime){MAX2(wall, s->ledger_time.s)};
}

/* Past events carry the time of their blocks: once that is near the present, or the ledger has told its
 * own time, nothing of the past is missing. */
bool solver_caught_up(const struct solver *s, const struct event *ev)
{
	enum { NEAR_S = 300 };

	return s->ledger_time.s != 0 &&
	       (s->ledger_clock || s->ledger_time.s + NEAR_S > wall_seconds(ev->wall));
}

/* ---- the stream ------------------------------------------------------------------------------------- */

/* Numbers are taken from the store by the block: what a restart leaves of one is never given, and a number
 * never comes twice. */
enum { EVENTS_OF_A_BLOCK = 64 };

void solver_event_block(struct solver *s)
{
	s->last_event = solver_next(s, "event") * EVENTS_OF_A_BLOCK;
}

static uint64_t next_event(struct solver *s)
{
	if ((s->last_event + 1) % EVENTS_OF_A_BLOCK == 0)
		solver_event_block(s);
	else
		s->last_event++;
	return s->last_event;
}

static struct fx *append(struct solver *s, struct effects *fx, const char *name, json_t *j)
{
	struct fx *f = fx_add(fx, FX_EMIT, (struct tag){0});

	f->name = name;
	f->id = next_event(s);
	f->body = fx_json(fx, j);
	return f;
}

void solver_emit(struct solver *s, struct effects *fx, const char *name, json_t *j,
        const struct addr *a, const struct addr *b)
{
	struct fx *f = append(s, fx, name, j);

	f->topics[0] = account_topic(a);
	if (b)
		f->topics[1] = account_topic(b);
}

struct hash public_topic(void)
{
	struct hash h;

	keccak256("public", 6, &h);
	return h;
}

static void note(struct solver *s, struct solver_step *step, const struct event *ev,
        struct effects *fx, const char *name, const char *fmt, va_list ap) PRINTF_LIKE(6, 0);

static void note(struct solver *s, struct solver_step *step, const struct event *ev,
        struct effects *fx, const char *name, const char *fmt, va_list ap)
{
	struct solver_note row = {
	        .deal = step->id, .n = step->notes++, .wall_ms = (uint64_t)ev->wall.ms};
	struct fx *f;

	snprintf(row.name, sizeof row.name, "%s", name);
	vsnprintf(row.text, sizeof row.text, fmt, ap);
	solver_put(s, solver_note_record(), &row);
	step_write(s, step);
	f = append(s, fx, "state",
	        json_pack("{s:o, s:s, s:s, s:I}", "id", json_of_hash(&step->id), "state",
	                sm_name(&match_states, step->state), "event", row.name, "wallMs",
	                (json_int_t)row.wall_ms));
	f->topics[0] = public_topic();
}

void solver_note(struct solver *s, struct solver_step *step, const struct event *ev,
        struct effects *fx, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(s, step, ev, fx, name, fmt, ap);
	va_end(ap);
}

void solver_move(struct solver *s, struct solver_step *step, enum match_state to,
        const struct event *ev, struct effects *fx, const char *fmt, ...)
{
	struct err e;
	va_list ap;

	must(s, sm_move(&match_states, &step->state, to, &e), &e);
	va_start(ap, fmt);
	note(s, step, ev, fx, sm_name(&match_states, to), fmt, ap);
	va_end(ap);
}

/* ---- open offers ------------------------------------------------------------------------------------ */

static const struct addr *signer_of(enum offer_kind kind, const void *doc)
{
	const struct job_offer *j = doc;
	const struct resource_offer *r = doc;

	return kind == OFFER_JOB ? &j->job_creator : &r->provider;
}

/* There are no more accounts than open offers, for which there is room. */
static void count_open(struct solver *s, const struct addr *signer, int more)
{
	uint32_t *n = map_put(&s->open_of, signer, NULL);

	if (!n)
		return;
	*n += (uint32_t)more;
	if (*n == 0)
		map_del(&s->open_of, signer);
}

uint32_t offers_of(const struct solver *s, const struct addr *signer)
{
	const uint32_t *n = map_get(&s->open_of, signer);

	return n ? *n : 0;
}

bool offer_remember(struct solver *s, const struct hash *id, uint64_t sequence,
        enum offer_kind kind, const void *doc, struct err *e)
{
	size_t n = kind == OFFER_JOB ? sizeof(struct job_offer) : sizeof(struct resource_offer);
	struct packed *copy = packed_of(doc, n);
	struct open_offer *o = copy ? map_put(&s->offers, id, NULL) : NULL;

	if (!o || !roster_add(&s->roster, sequence, id)) {
		free(copy);
		map_del(&s->offers, id);
		return FAIL(e, BUSY, "the book is full");
	}
	*o = (struct open_offer){.sequence = sequence, .kind = (uint8_t)kind, .doc = copy};
	count_open(s, signer_of(kind, doc), 1);
	return true;
}

struct open_offer *offer_find(struct solver *s, const struct hash *id)
{
	return map_get(&s->offers, id);
}

void offer_job(const struct open_offer *o, struct job_offer *out)
{
	assert(o->kind == OFFER_JOB);
	packed_open(o->doc, out, sizeof *out);
}

void offer_resource(const struct open_offer *o, struct resource_offer *out)
{
	assert(o->kind == OFFER_RESOURCE);
	packed_open(o->doc, out, sizeof *out);
}

void offer_forget(struct solver *s, const struct hash *id, enum offer_state state)
{
	struct open_offer *o = offer_find(s, id);
	struct solver_offer row = {.id = *id};

	if (solver_get(s, solver_offer_record(), &row)) {
		row.state = (uint8_t)state;
		solver_put(s, solver_offer_record(), &row);
	}
	if (!o)
		return;
	count_open(s, &row.account, -1);
	roster_remove(&s->roster, o->sequence);
	free(o->doc);
	map_del(&s->offers, id);
}
