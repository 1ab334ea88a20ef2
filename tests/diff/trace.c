/* trace.c - playing, shortening, and files. */
#include "trace.h"

#include <string.h>

#include "base/draw_suite.h"
#include "codec/packed.h"
#include "draw.h"

enum { DEAL_BYTES_MAX = 4096 };

/* ---- playing ------------------------------------------------------------------------------------ */

static void count(struct figures *f, const struct move *m, const struct told *t)
{
	f->moves++;
	f->differences += t->differs;
	switch (t->result) {
	case HAD_EFFECT: f->effects[m->what]++; break;
	case HAD_NONE: f->nones[m->what]++; break;
	case REFUSED: f->refused[m->what]++; break;
	case BY_ONE: f->by_one[m->what]++; break;
	}
	if (t->result == REFUSED)
		f->codes[t->code]++;
}

static void count_ends(struct figures *f, const struct sides *w)
{
	f->traces++;
	for (unsigned i = 0; i < DEALS; i++) {
		const struct agreement *d = ledger_agreement(w->p.l, &w->ids[i]);

		f->ends[d ? d->state : 0]++;
	}
}

bool trace_play(struct sides *w, const struct trace *t, struct figures *f, unsigned *at,
        struct told *out, struct err *e)
{
	bool ok = sides_start(w, t->deals, e);

	*out = (struct told){0};
	for (unsigned i = 0; ok && i < t->n && !out->differs; i++) {
		*at = i;
		ok = both_play(w, &t->moves[i], out, e);
		if (ok && f)
			count(f, &t->moves[i], out);
	}
	if (ok && f)
		count_ends(f, w);
	sides_end(w);
	TRY(ok, e);
	return true;
}

bool trace_draw(struct sides *w, uint64_t seed, unsigned moves, struct trace *t, struct figures *f,
        struct told *out, struct err *e)
{
	bool ok;

	*t = (struct trace){0};
	*out = (struct told){0};
	sides_parties(w, w->c);
	draw_deals(&seed, w, t->deals);
	ok = sides_start(w, t->deals, e);
	while (ok && t->n < moves && !out->differs) {
		struct move *m = &t->moves[t->n++];

		draw_move(&seed, w, m);
		ok = both_play(w, m, out, e);
		if (ok)
			count(f, m, out);
	}
	if (ok)
		count_ends(f, w);
	sides_end(w);
	TRY(ok, e);
	return true;
}

/* ---- shortening --------------------------------------------------------------------------------- */

/* Without moves from..from + n, if that still differs. */
static bool leave_out(struct sides *w, struct trace *t, unsigned from, unsigned n, bool *done,
        struct told *out, struct err *e)
{
	struct trace less = *t;
	struct told told;
	unsigned at = 0;

	memmove(&less.moves[from], &less.moves[from + n], (t->n - from - n) * sizeof less.moves[0]);
	less.n -= n;
	TRY(trace_play(w, &less, NULL, &at, &told, e), e);
	*done = told.differs;
	if (!told.differs)
		return true;
	less.n = at + 1;
	*t = less;
	*out = told;
	return true;
}

/* One member of one move becomes zero, if that still differs: what stays is what matters. */
static bool simplify(struct sides *w, struct trace *t, unsigned i, struct told *out, struct err *e)
{
	static const struct {
		size_t at, n;
	} members[] = {{offsetof(struct move, forge), 1}, {offsetof(struct move, twist), 1},
	        {offsetof(struct move, clock), 1}, {offsetof(struct move, late), 1},
	        {offsetof(struct move, wait), 4}, {offsetof(struct move, variant), 1},
	        {offsetof(struct move, slot), 1}, {offsetof(struct move, signer), 1},
	        {offsetof(struct move, plus), 1}, {offsetof(struct move, of), 1},
	        {offsetof(struct move, channel), 1}, {offsetof(struct move, n), 8}};

	for (size_t k = 0; k < COUNT(members); k++) {
		struct trace less = *t;
		uint8_t *at = (uint8_t *)&less.moves[i] + members[k].at;
		struct told told;
		unsigned last;

		memset(at, 0, members[k].n);
		if (memcmp(&less.moves[i], &t->moves[i], sizeof less.moves[i]) == 0)
			continue;
		TRY(trace_play(w, &less, NULL, &last, &told, e), e);
		if (!told.differs || last != less.n - 1)
			continue;
		*t = less;
		*out = told;
	}
	return true;
}

bool trace_shrink(struct sides *w, struct trace *t, struct told *out, struct err *e)
{
	bool done;

	/* Halves, quarters and so on, then single moves until none can go. */
	for (unsigned n = t->n / 2; n > 1; n /= 2) {
		for (unsigned from = 0; from + n < t->n;) {
			TRY(leave_out(w, t, from, n, &done, out, e), e);
			from += done ? 0 : n;
		}
	}
	do {
		done = false;
		for (unsigned from = 0; from + 1 < t->n;) {
			bool went;

			TRY(leave_out(w, t, from, 1, &went, out, e), e);
			from += went ? 0 : 1;
			done = done || went;
		}
	} while (done);
	for (unsigned i = 0; i < t->n; i++)
		TRY(simplify(w, t, i, out, e), e);
	return true;
}

/* ---- files -------------------------------------------------------------------------------------- */

/* Packed, as calls carry it: a document as JSON cannot have what is out of bounds. */
static json_t *deal_to_json(const struct deal *d)
{
	struct buf packed OWN(buf_done) = {0};

	buf_init(&packed, DEAL_BYTES_MAX);
	packed_put(deal_record(), d, &packed);
	return evm_data(buf_bytes(&packed));
}

static bool deal_from_json(const json_t *j, struct deal *out, struct err *e)
{
	struct buf packed OWN(buf_done) = {0};
	struct bytes rest;

	buf_init(&packed, DEAL_BYTES_MAX);
	TRY(evm_read_data(j, &packed, e), e);
	rest = buf_bytes(&packed);
	return packed_take(deal_record(), &rest, out, e);
}

json_t *trace_to_json(const struct trace *t, const char *note)
{
	json_t *deals = json_array(), *moves = json_array();

	for (unsigned i = 0; i < DEALS; i++)
		json_array_append_new(deals, deal_to_json(&t->deals[i]));
	for (unsigned i = 0; i < t->n; i++)
		json_array_append_new(moves, move_to_json(&t->moves[i]));
	return json_pack("{s:s, s:o, s:o}", "note", note, "deals", deals, "moves", moves);
}

bool trace_from_json(const json_t *j, struct trace *out, struct err *e)
{
	const json_t *deals = json_object_get(j, "deals"), *moves = json_object_get(j, "moves");

	*out = (struct trace){0};
	if (json_array_size(deals) != DEALS || json_array_size(moves) > MOVES_MAX)
		return FAIL(e, JSON_VALUE,
		        "a trace has %d deals and at most %d moves, not %zu and %zu", DEALS,
		        MOVES_MAX, json_array_size(deals), json_array_size(moves));
	for (unsigned i = 0; i < DEALS; i++)
		TRY(deal_from_json(json_array_get(deals, i), &out->deals[i], e), e);
	for (out->n = 0; out->n < json_array_size(moves); out->n++)
		TRY(move_from_json(json_array_get(moves, out->n), &out->moves[out->n], e), e);
	return true;
}
