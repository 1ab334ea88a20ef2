/* creator.c - the job creator's step function: which event goes where. */
#include "creator/creator.h"

#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "creator/creator_own.h"

enum { CONNECT_MS = 10000, ADOPT_MS = 1000, LOOK_MS = 1000, LOOKS_SHIFT_MAX = 4 };

static const struct route routes[] = {
        {"GET", "/v1/jobs", AUTH_NONE, BODY_NONE, 0, "the unfinished jobs of this process"},
};

/* ---- jobs that are taken over ------------------------------------------------------------------------ */

void job_look(struct creator *c, struct job *j, struct effects *fx)
{
	const char *path = hash_is_zero(&j->j.deal)
	                           ? fx_path(fx, "/v1/job-offers/", &j->j.offer, "")
	                           : fx_path(fx, "/v1/deals/", &j->j.deal, "");

	fx_call(fx, (struct tag){.what = TAG_LOOK, .key = j->j.id}, &c->c.solver, "GET", path,
	        NULL);
}

void job_look_later(struct job *j, struct effects *fx)
{
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_LOOK, .key = j->j.id})->delay =
	        span_ms((int64_t)LOOK_MS << MIN2(j->looks, (unsigned)LOOKS_SHIFT_MAX));
}

static bool count_event(void *ctx, const void *row)
{
	struct job *j = ctx;
	const struct creator_event *ev = row;

	j->events = MAX2(j->events, ev->n);
	return true;
}

void job_count_events(struct creator *c, struct job *j)
{
	const struct record *lines = creator_event_record();
	struct creator_event of_job = {.job = j->j.id};
	struct store *s = &c->world->store;
	struct err e;

	if (!s->each(s->self, lines, record_field(lines, STR("job")), &of_job, count_event, j, &e))
		log_line(&c->world->log, LOG_BROKEN, "store: %s", e.msg);
}

static void take(struct creator *c, const struct creator_job *row, const struct event *ev,
        struct effects *fx)
{
	struct job *j = job_new(c, &row->id);

	if (!j)
		return;
	j->j = *row;
	memcpy(j->j.owner, c->c.owner, sizeof j->j.owner);
	job_count_events(c, j);
	job_index(c, j);
	job_note(c, j, ev, fx, "TAKEN_OVER", "goes on from %s", sm_name(&job_states, j->j.state));
	creator_keep(c, j);
	job_catch_up(c, j, ev, fx);
	j = job_by_id(c, &row->id);
	if (!j)
		return;
	job_look(c, j, fx);
	job_resume(c, j, ev, fx);
}

struct orphans {
	struct creator *c;
	struct creator_job rows[16];
	size_t n;
};

static bool find_orphan(void *ctx, const void *row)
{
	const struct creator_job *j = row;
	struct orphans *o = ctx;
	struct creator *c = o->c;

	if (job_by_id(c, &j->id))
		return true;
	bool asked = hash_eq(&j->id, &c->c.resume);
	bool free_one = c->c.alive && !c->c.alive(c->c.ctx, j->owner);
	if (asked || free_one)
		o->rows[o->n++] = *j;
	return o->n < COUNT(o->rows);
}

/* The unfinished jobs are few among all that were ever made. */
static bool find_orphans(struct orphans *o, struct err *e)
{
	const struct record *r = creator_job_record();
	struct store *s = &o->c->world->store;

	for (size_t i = 0; i < job_states.n && o->n < COUNT(o->rows); i++) {
		struct creator_job like = {.state = job_states.states[i].value};

		if (sm_is_final(&job_states, like.state))
			continue;
		TRY(s->each(s->self, r, record_field(r, STR("state")), &like, find_orphan, o, e),
		        e);
	}
	return true;
}

static void adopt(struct creator *c, const struct event *ev, struct effects *fx)
{
	struct orphans *o;
	struct err e;

	if (!c->c.alive && hash_is_zero(&c->c.resume))
		return;
	o = ARENA_NEW(fx->arena, struct orphans);
	assert(o);
	o->c = c;
	if (!find_orphans(o, &e))
		log_line(&c->world->log, LOG_BROKEN, "store: %s", e.msg);
	for (size_t i = 0; i < o->n; i++)
		take(c, &o->rows[i], ev, fx);
	creator_forget_news(c);
	if (c->c.alive)
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_ADOPT})->delay = span_ms(ADOPT_MS);
}

/* Does what the state of a job asks for, now or again. */
void job_resume(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	switch ((enum job_state)j->j.state) {
	case JOB_STORING: job_store_parts(c, j, ev, fx); break;
	case JOB_POSTED: job_post(c, j, ev, fx); break;
	case JOB_MATCHED: job_sign(c, j, fx); break;
	case JOB_FETCHING: job_fetch(c, j, fx); break;
	case JOB_CHECKING: job_check(c, j, ev, fx); break;
	case JOB_DISPUTED:
		if (sm_is_final(&deal_states, j->j.ledger))
			job_judged(c, j, ev, fx);
		else
			job_send_check(c, j, ev, fx);
		break;
	case JOB_JUDGED: job_accept(c, j, fx); break;
	case JOB_AGREED:
	case JOB_SUBMITTED: job_look(c, j, fx); break;
	case JOB_DONE:
	case JOB_FAILED:
	case JOB_CANCELLED: break;
	}
}

/* ---- events ------------------------------------------------------------------------------------------ */

static void on_start(struct creator *c, const struct event *ev, struct effects *fx)
{
	struct fx *f = fx_add(fx, FX_FOLLOW, (struct tag){.what = TAG_SOLVER});

	f->url = c->c.solver.url;
	f->audience = c->c.solver.addr;
	f->path = "/v1/events";
	f->id = c->c.solver_cursor;
	/* A person waits for it: not for ever. */
	if (c->c.exit_when_done)
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SOLVER})->delay = span_ms(CONNECT_MS);
	if (c->c.patient) {
		c->started = true;
		adopt(c, ev, fx);
	}
}

static void cancel_one(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	struct err e;

	if (j->cancelling)
		return;
	if (j->j.state == JOB_STORING || j->j.state == JOB_POSTED) {
		FAIL(&e, CANCELLED, "cancelled before a match; nothing was charged");
		if (j->j.state == JOB_POSTED)
			job_withdraw(c, j, ev, fx);
		job_end(c, j, JOB_CANCELLED, &e, ev, fx, e.msg);
		return;
	}
	j->cancelling = true;
	job_note(c, j, ev, fx, "CANCEL",
	        "too late to cancel for free: the deal is signed; it goes on");
}

static void cancel_all(struct creator *c, const struct event *ev, struct effects *fx)
{
	struct hash ids[16];
	const void *key;
	void *val;
	size_t n = 0;

	c->want_cancel = false;
	for (size_t i = 0; n < COUNT(ids) && map_next(&c->jobs, &i, &key, &val);)
		memcpy(&ids[n++], key, sizeof ids[0]);
	for (size_t i = 0; i < n; i++) {
		struct job *j = job_by_id(c, &ids[i]);

		if (j)
			cancel_one(c, j, ev, fx);
	}
}

static bool is_dropped(struct creator *c, const struct job *j)
{
	struct creator_offer o = {.id = j->j.offer};

	if (!creator_get(c, creator_offer_record(), &o))
		return false;
	for (size_t i = 0; i < c->drop_n; i++) {
		if (c->drop[i] == o.offer.nonce)
			return true;
	}
	return false;
}

static void drop_some(struct creator *c, const struct event *ev, struct effects *fx)
{
	struct hash ids[CREATOR_DROPS_MAX];
	const void *key;
	void *val;
	size_t n = 0;

	for (size_t i = 0; n < COUNT(ids) && map_next(&c->jobs, &i, &key, &val);) {
		if (is_dropped(c, *(struct job **)val))
			memcpy(&ids[n++], key, sizeof ids[0]);
	}
	c->drop_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct job *j = job_by_id(c, &ids[i]);

		if (j)
			cancel_one(c, j, ev, fx);
	}
}

/* Messages are lost for good: the solver is asked for what they told. Each by a timer: one event's effects are
 * bounded. */
static void look_at_all(struct creator *c, struct effects *fx)
{
	const void *key;
	void *val;

	for (size_t i = 0; fx->n < EFFECTS_MAX / 2 && map_next(&c->jobs, &i, &key, &val);) {
		const struct job *j = *(struct job **)val;

		if (j->j.state != JOB_STORING)
			fx_add(fx, FX_TIMER, (struct tag){.what = TAG_LOOK, .key = j->j.id});
	}
}

/* 9.5: it may not have been there when this process began. */
static void ask_nonces(struct creator *c, struct effects *fx)
{
	char who[ADDR_TEXT_MAX];

	addr_format(&c->world->signer.addr, who);
	fx_call(fx, (struct tag){.what = TAG_NONCES}, &c->book, "GET",
	        fx_text(fx, "/v1/accounts/%s", who), NULL);
}

static void on_nonces(struct creator *c, const struct reply *r)
{
	json_t *j OWN(json_own) = NULL;
	uint64_t seen = 0;
	struct err e = r->err;

	if (r->ok && r->status < 400 && json_parse(bytes_str(r->body), &j, &e) &&
	        json_get_u64(j, "jobNonce", &seen, &e) && seen < UINT64_MAX)
		c->c.least_nonce = MAX2(c->c.least_nonce, seen + 1);
	else
		log_line(&c->world->log, LOG_ODD,
		        "the solver does not say what it has seen of us: %s", e.msg);
}

/* Only with an open stream is a new job started: no message about it can be missed then. Of jobs that were taken
 * over before that, the solver is asked what it knows. */
static void on_connected(struct creator *c, const struct event *ev, struct effects *fx)
{
	if (!c->started) {
		c->started = true;
		if (c->c.first)
			job_start(c, c->c.first, ev, fx);
		adopt(c, ev, fx);
		if (c->c.cancel_at_once)
			cancel_all(c, ev, fx);
		if (c->jobs.n == 0 && c->c.exit_when_done)
			fx_add(fx, FX_EXIT, (struct tag){0});
	} else if (ev->message->lost || !c->heard) {
		look_at_all(c, fx);
	}
	if (!c->heard && c->c.patient)
		ask_nonces(c, fx);
	c->heard = true;
}

/* Nothing has been signed; what is taken over is as far as it was. */
static void give_up(struct creator *c, struct effects *fx)
{
	struct err e = c->no_stream;

	if (e.code == E_NONE)
		FAIL(&e, TIMEOUT, "it has not answered for %d s", CONNECT_MS / 1000);
	if (e.code == E_STALE)
		e.code = E_CLOCK;
	err_prefix(&e, "the events of the solver at %s cannot be followed: ", c->c.solver.url);
	creator_fail(fx, &e);
}

static void on_timer(struct creator *c, const struct event *ev, struct effects *fx)
{
	struct job *j = job_by_id(c, &ev->timer.key);

	switch ((enum creator_tag)ev->timer.what) {
	case TAG_ADOPT: adopt(c, ev, fx); break;
	case TAG_KEEP:
		c->keep_set = false;
		creator_keep_all(c);
		break;
	case TAG_QUEUE:
		if (j)
			job_on_queue(c, j, fx);
		break;
	case TAG_RETRY:
		if (j)
			job_resume(c, j, ev, fx);
		break;
	case TAG_LOOK:
		if (j)
			job_look(c, j, fx);
		break;
	case TAG_SOLVER:
		if (!c->started)
			give_up(c, fx);
		break;
	case TAG_CANCEL:
	case TAG_PUSH_PART:
	case TAG_OFFER:
	case TAG_SIGNATURE:
	case TAG_FETCH:
	case TAG_WHY:
	case TAG_WITHDRAW:
	case TAG_PART:
	case TAG_CHECK:
	case TAG_CASE:
	case TAG_JUDGED:
	case TAG_ACCEPT:
	case TAG_NONCES:
	case TAG_VOUCHER: break;
	}
}

static void on_reply(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct reply *r = ev->reply;
	struct job *j = job_by_id(c, &r->tag.key);

	if (r->tag.what == TAG_OFFER) {
		job_on_ack(c, ev, fx);
	} else if (r->tag.what == TAG_WHY) {
		job_on_why(c, ev, fx);
	} else if (r->tag.what == TAG_NONCES) {
		on_nonces(c, r);
	} else if (r->tag.what == TAG_CASE) {
		job_on_case(c, ev, fx);
	} else if (r->tag.what == TAG_LOOK) {
		job_on_look(c, ev, fx);
	} else if (j && r->ok && r->status < 400 && r->tag.what == TAG_ACCEPT) {
		channel_on_accepted(c, j, ev, fx);
	} else if (j && (!r->ok || r->status >= 400)) {
		job_note(c, j, ev, fx, "SOLVER", "%s", r->err.msg);
		if (!r->ok && !job_again(j, fx))
			return;
		/* The match was given up, and we have not been told. */
		if (r->ok && r->tag.what == TAG_SIGNATURE && j->j.state == JOB_MATCHED)
			job_look(c, j, fx);
	}
}

static bool list_job(const struct job *j, json_t *list)
{
	return json_array_append_new(list, creator_job_json(&j->j)) == 0;
}

static void on_request(struct creator *c, const struct event *ev, struct effects *fx)
{
	json_t *list = json_array();
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&c->jobs, &i, &key, &val);) {
		if (!list_job(*(struct job **)val, list))
			break;
	}
	fx_reply(fx, ev->request->conn, 200, json_pack("{s:o}", "jobs", list));
}

/* A quarter of the effects of an event is left to what the event itself asked for. */
static void start_more(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct creator_request *r;

	while (fx->n < EFFECTS_MAX / 4 * 3 && (r = c->c.next(c->c.next_ctx, c->jobs.n)) != NULL)
		job_start(c, r, ev, fx);
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct creator *c = self;

	if (c->want_cancel)
		cancel_all(c, ev, fx);
	if (c->drop_n)
		drop_some(c, ev, fx);
	switch (ev->kind) {
	case EV_START: on_start(c, ev, fx); break;
	case EV_TIMER: on_timer(c, ev, fx); break;
	case EV_REQUEST: on_request(c, ev, fx); break;
	case EV_REPLY: on_reply(c, ev, fx); break;
	case EV_MESSAGE:
		if (ev->message->connected)
			on_connected(c, ev, fx);
		else if (ev->message->why)
			c->no_stream = *ev->message->why;
		else
			job_on_message(c, ev, fx);
		break;
	case EV_LEDGER: job_on_ledger(c, ev, fx); break;
	case EV_TREE:
		if (ev->tree->tag.what == TAG_PUSH_PART)
			job_on_pushed(c, ev, fx);
		else if (ev->tree->tag.what == TAG_PART)
			job_on_part(c, ev, fx);
		else if (ev->tree->tag.what == TAG_JUDGED)
			job_on_judged(c, ev, fx);
		else
			job_on_fetched(c, ev, fx);
		break;
	case EV_RUN: job_on_checked(c, ev, fx); break;
	case EV_STOP: creator_keep_all(c); break;
	case EV_TREE_IN: break;
	}
	if (c->started && c->c.next && ev->kind != EV_STOP)
		start_more(c, ev, fx);
}

bool creator_drop(struct creator *c, uint64_t number)
{
	if (c->drop_n == CREATOR_DROPS_MAX)
		return false;
	c->drop[c->drop_n++] = number;
	return true;
}

void creator_cancel(struct creator *c)
{
	c->want_cancel = true;
}

bool creator_new(
        struct world *w, const struct creator_config *config, struct creator **out, struct err *e)
{
	struct creator *c = calloc(1, sizeof *c);
	uint64_t seed;

	if (!c)
		return FAIL(e, MEMORY, "no memory for the job creator");
	c->world = w;
	c->c = *config;
	c->book = config->solver;
	memset(&c->book.addr, 0, sizeof c->book.addr);
	w->rng.fill(w->rng.self, &seed, sizeof seed);
	map_init(&c->jobs, sizeof(struct hash), sizeof(struct job *), CREATOR_JOBS_MAX, seed);
	map_init(&c->by_offer, sizeof(struct hash), sizeof(struct hash), CREATOR_JOBS_MAX, seed);
	map_init(&c->by_deal, sizeof(struct hash), sizeof(struct hash), CREATOR_JOBS_MAX, seed);
	map_init(&c->news, sizeof(struct hash), sizeof(struct deal_news), CREATOR_JOBS_MAX, seed);
	c->ledger_seq = config->ledger_seq;
	c->send_nonce = config->send_nonce;
	*out = c;
	return true;
}

struct role creator_role(struct creator *c)
{
	return (struct role){"creator", routes, COUNT(routes), creator_tables, c, on_event, NULL};
}

struct creator *creator_free(struct creator *c)
{
	if (!c)
		return NULL;
	map_done_owned(&c->jobs);
	map_done(&c->by_offer);
	map_done(&c->by_deal);
	map_done(&c->news);
	free(c->instrument);
	free(c);
	return NULL;
}
