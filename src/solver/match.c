/* match.c - what the book says is made a deal, published, and taken back when nobody opens it. */
#include "codec/eip712.h"
#include "codec/json.h"
#include "market/deal_of.h"
#include "solver/solver_own.h"

enum { MATCHES_OF_A_TURN = 32 }; /* effects of one event are bounded; a zero timer goes on */

json_t *deal_json(const struct solver_deal *d)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "id", json_of_hash(&d->id), "deal",
	        record_to_json(deal_record(), &d->deal), "match",
	        record_to_json(match_record(), &d->match), "matchSignature",
	        json_of_sig(&d->match_sig));
}

/* The book as it is read (1.2). A large book that changes much is read anew a few times a second: then
 * `sequence` says up to where. */
static bool read_book(struct solver *s, const struct event *ev, struct match *m, struct err *e)
{
	bool stale = mono_since(ev->now, s->root_at).ms >= ROOT_EVERY_MS;

	if (s->root_sequence == 0 || stale || roster_work(&s->roster) <= ROOT_LINES_MAX) {
		if (!roster_root(&s->roster, &s->root))
			return FAIL(e, MEMORY, "no memory for the book's root");
		s->root_sequence = s->roster.last;
		s->root_at = ev->now;
	}
	m->book_root = s->root;
	m->sequence = s->root_sequence;
	return true;
}

static uint64_t open_by(const struct solver *s, const struct job_offer *j)
{
	/* No longer than both have to sign: until then a dissolved match could still be opened. In a channel the
	 * JC must still be able to open when the provider has let the submit timeout pass. */
	uint64_t both = (uint64_t)(s->c.jc_signs_in.ms + s->c.rp_signs_in.ms) / 1000 + 10;
	uint64_t work = j->settlement == SETTLEMENT_CHANNEL ? j->terms.submit_timeout.s : 0;

	return s->ledger_time.s + MIN2(both, (uint64_t)s->c.open_in_s) + work;
}

static bool make_deal(struct solver *s, const struct book_match *m, const struct prices *cleared,
        const struct event *ev, struct solver_deal *d, struct err *e)
{
	struct open_offer *j = offer_find(s, &m->job), *r = offer_find(s, &m->resource);
	struct deal_making making = {
	        .job_offer = m->job, .resource_offer = m->resource, .cleared = cleared};
	struct solver_filed doc;
	struct job_offer job;
	struct resource_offer resource;

	if (!j || !r)
		return FAIL(e, INTERNAL, "the book matched an offer that is not open");
	offer_job(j, &job);
	offer_resource(r, &resource);
	making.open_by.s = open_by(s, &job);
	if (job.settlement == SETTLEMENT_CHANNEL && job_document(s, &m->job, &doc)) {
		making.channel = doc.channel;
		making.number = doc.number;
	}
	TRY(deal_from_offers(&job, &resource, &making, &d->deal, e), e);
	TRY(deal_open_in_time(&d->deal, &s->c.genesis, s->ledger_time, e), e);
	eip712_hash(deal_record(), &d->deal, &d->id);
	d->job_creator = d->deal.hot.job_creator;
	d->provider = d->deal.hot.provider;
	d->match = (struct match){.deal = d->id,
	        .job_offer = m->job,
	        .resource_offer = m->resource,
	        .time.s = wall_seconds(ev->wall)};
	TRY(read_book(s, ev, &d->match, e), e);
	return world_sign(s->world, &s->c.domain, match_record(), &d->match, &d->match_sig, e);
}

static void count(struct solver *s, const struct hash *deal)
{
	struct solver_made row = {.n = ++s->made, .deal = *deal};
	struct solver_cursor made = {.which = CURSOR_MADE, .cursor = s->made};

	solver_put(s, solver_made_record(), &row);
	solver_put(s, solver_cursor_record(), &made);
	s->n.matches++;
}

static bool match_one(struct solver *s, const struct book_match *m, const struct prices *cleared,
        const struct event *ev, struct effects *fx, struct err *e)
{
	struct solver_deal d = {0};
	struct solver_step step = {.state = MATCH_MATCHED, .matched_ms = (uint64_t)ev->wall.ms};
	struct solver_offer row = {.id = m->job};
	struct addr ear;
	char cost[AMOUNT_DEC_MAX];

	TRY(make_deal(s, m, cleared, ev, &d, e), e);
	TRY(book_take(s->book, &d.id, &m->job, &m->resource, e), e);
	step.id = d.id;
	solver_put(s, solver_deal_record(), &d);
	live_add(s, &d, &step);
	count(s, &d.id);
	channel_used(s, &d.deal.hot.channel, d.deal.hot.nonce);
	if (solver_get(s, solver_offer_record(), &row)) {
		row.state = OFFER_TAKEN;
		row.deal = d.id;
		solver_put(s, solver_offer_record(), &row);
	}
	ear = jc_key(s, &d);
	solver_emit(s, fx, "deal", deal_json(&d), &ear, &d.provider);
	amount_format(m->cost, cost);
	solver_note(s, &step, ev, fx, "MATCHED", "at most %s at the limits of the job%s", cost,
	        m->tied ? "; the hash decided between equals" : "");
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_UNSIGNED, .key = d.id})->delay =
	        s->c.jc_signs_in;
	return true;
}

void match_make(struct solver *s, const struct book_match *m, const struct prices *cleared,
        const struct event *ev, struct effects *fx)
{
	struct err e;

	if (match_one(s, m, cleared, ev, fx, &e))
		return;
	log_line(&s->world->log, LOG_ODD, "two offers that match make no deal: %s", e.msg);
	if (book_exclude(s->book, &m->job, &m->resource, &e))
		return;
	book_remove(s->book, &m->job);
	offer_forget(s, &m->job, OFFER_REFUSED);
}

/* Its creator would wait for a match of an offer that is in no book any more. */
static void tell_expired(struct solver *s, const struct hash *id, struct effects *fx)
{
	const struct open_offer *o = offer_find(s, id);
	struct job_offer job;

	if (!o || o->kind != OFFER_JOB)
		return;
	offer_job(o, &job);
	solver_emit(s, fx, "expired", json_pack("{s:o}", "offer", json_of_hash(id)),
	        &job.job_creator, NULL);
}

static bool expire(struct solver *s, struct btime now, struct effects *fx)
{
	struct hash id;

	for (int i = 0; i < MATCHES_OF_A_TURN; i++) {
		if (!book_expire(s->book, now, &id))
			return true;
		tell_expired(s, &id, fx);
		past_keep(s, &id, NULL);
		offer_forget(s, &id, OFFER_EXPIRED);
	}
	return false;
}

static void go_on(struct effects *fx)
{
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP});
}

void solver_match_all(struct solver *s, const struct event *ev, struct effects *fx)
{
	struct btime now = solver_now(s, ev);
	struct book_match m;

	if (!expire(s, now, fx)) {
		go_on(fx);
		return;
	}
	if (!solver_caught_up(s, ev))
		return; /* without the ledger's clock no deal has an open_by, without its events no balance */
	/* While a batch is full the book would give what is for the next one again and again. */
	for (int i = 0; s->batch_n < BATCH_MAX && book_next(s->book, now, &m); i++) {
		if (i == MATCHES_OF_A_TURN) {
			go_on(fx);
			return;
		}
		if (!batch_take(s, &m, fx))
			match_make(s, &m, NULL, ev, fx);
	}
}

void tell_dissolved(
        struct solver *s, const struct solver_deal *d, const char *why, struct effects *fx)
{
	struct addr ear = jc_key(s, d);

	solver_emit(s, fx, "dissolved",
	        json_pack("{s:o, s:o}", "id", json_of_hash(&d->id), "reason",
	                json_of_str(str_of(why))),
	        &ear, &d->provider);
}

void deal_dissolve(struct solver *s, struct solver_deal *d, struct solver_step *step,
        enum offer_state job, const char *why, const struct event *ev, struct effects *fx)
{
	struct solver_offer row = {.id = d->deal.cold.job_offer};
	struct err e;

	/* A number of a channel is good for one deal, and this one may have been signed. */
	if (job == OFFER_OPEN && !hash_is_zero(&d->deal.hot.channel))
		job = OFFER_REFUSED;
	/* Excluded first: the book must not make the same match again. */
	if (job == OFFER_OPEN &&
	        !book_exclude(s->book, &row.id, &d->deal.cold.resource_offer, &e) &&
	        e.code == E_LIMITS)
		job = OFFER_REFUSED;
	str_keep(step->why, sizeof step->why, str_of(why));
	step->end_ms = (uint64_t)ev->wall.ms;
	solver_move(s, step, MATCH_DISSOLVED, ev, fx, "%s", why);
	book_end(s->book, &d->id, job == OFFER_OPEN);
	if (job == OFFER_OPEN && book_state_of(s->book, &row.id) == BOOK_ABSENT)
		job = OFFER_EXPIRED; /* while it was taken */
	if (job != OFFER_OPEN) {
		offer_forget(s, &row.id, job);
	} else if (solver_get(s, solver_offer_record(), &row)) {
		row.state = OFFER_OPEN;
		solver_put(s, solver_offer_record(), &row);
	}
	tell_dissolved(s, d, why, fx);
	s->n.dissolved++;
}
