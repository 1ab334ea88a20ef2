/* post.c - the first half of a job: its parts go to the directory, its offer to the solver. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "creator/creator_own.h"
#include "port/counter.h"
#include "port/spec.h"

enum { OFFER_LIFE_S = 3600, TAKEN_MS = 2000 };

/* ---- a new job ------------------------------------------------------------------------------------ */

struct spent {
	uint64_t since_ms;
	struct amount sum;
	bool overflow;
};

static bool add_spent(void *ctx, const void *row)
{
	const struct creator_job *j = row;
	struct spent *s = ctx;

	if (j->created_ms < s->since_ms || j->state == JOB_CANCELLED)
		return true;
	/* An ended job counts what it cost, one that runs what it can cost. */
	if (!amount_add(s->sum, sm_is_final(&job_states, j->state) ? j->cost : j->pay, &s->sum))
		s->overflow = true;
	return true;
}

static bool check_cap(
        struct creator *c, const struct creator_request *r, const struct event *ev, struct err *e)
{
	struct spent s = {.since_ms = (uint64_t)ev->wall.ms - 86400000};
	struct amount total;
	char cap[CREATOR_AMOUNT_MAX], have[CREATOR_AMOUNT_MAX], pay[CREATOR_AMOUNT_MAX];

	if (amount_is_zero(c->c.cap_per_day))
		return true;
	TRY(c->world->store.each(
	            c->world->store.self, creator_job_record(), NULL, NULL, add_spent, &s, e),
	        e);
	if (!s.overflow && amount_add(s.sum, r->offer.terms.pay, &total) &&
	        amount_cmp(total, c->c.cap_per_day) <= 0)
		return true;
	creator_amount(c, c->c.cap_per_day, cap);
	creator_amount(c, s.sum, have);
	creator_amount(c, r->offer.terms.pay, pay);
	FAIL(e, CAP,
	        "the cap is %s a day; %s is spent or promised since yesterday, this job may cost %s",
	        cap, have, pay);
	return err_hint(e, "raise creator.cap-per-day, or wait");
}

/* Sign the offer of an attempt. */
static bool sign_offer(struct creator *c, const struct job_offer *template, uint64_t number,
        const struct hash *spec, const struct event *ev, struct creator_offer *out, struct err *e)
{
	struct creator_offer o = {.offer = *template};
	uint64_t now = wall_seconds(ev->wall);

	o.offer.nonce = number;
	o.offer.job_creator = c->c.contract;
	if (addr_is_zero(&c->c.contract)) {
		TRY(counter_next(
		            &c->world->store, "job-nonce", c->c.least_nonce, &o.offer.nonce, e),
		        e);
		o.offer.job_creator = c->world->signer.addr;
	}
	o.offer.spec = *spec;
	o.offer.solver = c->c.solver.addr;
	o.offer.directory = c->c.directory.addr;
	o.offer.created_at.s = now;
	o.offer.expiry.s = now + OFFER_LIFE_S;
	eip712_hash(job_offer_record(), &o.offer, &o.id);
	TRY(world_sign(c->world, &c->c.domain, job_offer_record(), &o.offer, &o.sig, e), e);
	*out = o;
	return true;
}

bool creator_put_spec(
        const struct blobs *b, const struct job_spec *spec, struct hash *out, struct err *e)
{
	struct buf text OWN(buf_done);
	struct cid cid;

	buf_init(&text, BLOCK_MAX);
	record_canonical(job_spec_record(), spec, &text);
	if (!buf_ok(&text))
		return FAIL(e, TOO_LARGE, "the job spec takes more than %u bytes", BLOCK_MAX);
	cid = cid_of(CID_RAW, buf_bytes(&text));
	TRY(b->put(b->self, &cid, buf_bytes(&text), e), e);
	TRY(b->sync(b->self, e), e);
	*out = cid.digest;
	return true;
}

struct by_key {
	struct creator_job *row;
	bool found;
};

static bool take_key(void *ctx, const void *row)
{
	const struct creator_job *j = row;
	struct by_key *k = ctx;

	k->found =
	        (j->state != JOB_FAILED && j->state != JOB_CANCELLED) || !amount_is_zero(j->cost);
	if (k->found)
		*k->row = *j;
	return !k->found;
}

bool creator_job_by_key(
        const struct store *s, const char *key, struct creator_job *out, bool *found, struct err *e)
{
	const struct record *r = creator_job_record();
	struct creator_job like = {.state = 0};
	struct by_key k = {.row = out};

	*found = false;
	if (!key[0] || strlen(key) >= sizeof like.key)
		return true;
	memcpy(like.key, key, strlen(key));
	TRY(s->each(s->self, r, record_field(r, STR("key")), &like, take_key, &k, e), e);
	*found = k.found;
	return true;
}

/* The first write of a turn begins the store's transaction, which shuts other processes out: whatever is
 * looked at from here on stands until the job is started. */
static bool alone(struct creator *c, struct err *e)
{
	uint64_t ignored;

	return c->world->store.next(c->world->store.self, "jobs-asked-for", &ignored, e);
}

/* One key, one job: looked at within the transaction that starts it, since another process may have been
 * quicker than whoever looked before. */
static bool check_key(struct creator *c, const struct creator_request *r, struct err *e)
{
	struct creator_job before;
	char id[HASH_TEXT_MAX];
	bool found;

	TRY(creator_job_by_key(&c->world->store, r->key, &before, &found, e), e);
	if (!found)
		return true;
	hash_format(&before.id, id);
	FAIL(e, CONFLICT, "the key %s names job %s, which another process has started", r->key, id);
	return err_hint(e, "lilypad job watch j-%.10s", id + 2);
}

void creator_fail(struct effects *fx, const struct err *e)
{
	struct fx *f = fx_add(fx, FX_EMIT, (struct tag){0});

	f->name = "error";
	f->body = fx_json(fx, err_to_json(e));
	fx_add(fx, FX_EXIT, (struct tag){0})->status = err_exit(e->code);
}

/* Each attempt has the whole queue time. */
static void set_match_by(struct job *j, const struct event *ev)
{
	j->j.match_by_ms = j->j.queue_ms ? (uint64_t)ev->wall.ms + j->j.queue_ms : 0;
}

static void push(struct creator *c, struct job *j, const struct cid *root, struct effects *fx)
{
	struct fx *f = fx_add(
	        fx, FX_PUSH, (struct tag){.what = TAG_PUSH_PART, .n = j->round, .key = j->j.id});

	f->url = c->c.directory.url;
	f->audience = c->c.directory.addr;
	f->root = *root;
	j->waiting++;
}

static void push_parts(
        struct creator *c, struct job *j, const struct job_spec *spec, struct effects *fx)
{
	struct cid root = cid_raw(&j->j.spec);

	push(c, j, &root, fx);
	if (!hash_is_zero(&spec->program)) {
		root = cid_tree(&spec->program);
		push(c, j, &root, fx);
	}
	for (uint32_t i = 0; i < spec->inputs.n; i++) {
		root = spec_input_root(&spec->inputs.v[i]);
		push(c, j, &root, fx);
	}
}

/* What cannot be bought is no reason for a daemon to end: the contract goes on waiting, until its clock ends it. */
static void not_started(
        struct creator *c, const struct creator_request *r, const struct err *e, struct effects *fx)
{
	if (r->number)
		log_line(&c->world->log, LOG_ODD, "job %llu of the contract: %s",
		        (unsigned long long)r->number, e->msg);
	else
		creator_fail(fx, e);
}

void job_start(struct creator *c, const struct creator_request *r, const struct event *ev,
        struct effects *fx)
{
	struct creator_offer offer;
	struct hash spec;
	struct job *j;
	struct err e;

	if (!alone(c, &e) || !check_key(c, r, &e) || !check_cap(c, r, ev, &e) ||
	        !creator_put_spec(&c->world->blobs, r->spec, &spec, &e) ||
	        !sign_offer(c, &r->offer, r->number, &spec, ev, &offer, &e)) {
		not_started(c, r, &e, fx);
		return;
	}
	j = job_new(c, &offer.id);
	if (!j) {
		FAIL(&e, BUSY, "%d jobs are under way in this process", CREATOR_JOBS_MAX);
		not_started(c, r, &e, fx);
		return;
	}
	if (!channel_begin(c, j, r, &e)) {
		map_del(&c->jobs, &offer.id);
		free(j);
		not_started(c, r, &e, fx);
		return;
	}
	offer.job = offer.id;
	memcpy(j->j.owner, c->c.owner, sizeof j->j.owner);
	j->j.state = JOB_STORING;
	j->j.spec = spec;
	j->j.input_bytes = spec_input_bytes(r->spec);
	j->j.attempt = 1;
	j->j.offer = offer.id;
	j->j.pay = r->offer.terms.pay;
	j->j.check_mode = r->check.mode;
	j->j.check_ppm = r->check.ppm;
	j->j.created_ms = (uint64_t)ev->wall.ms;
	j->j.ledger_seq = c->ledger_seq;
	j->j.queue_ms = (uint64_t)r->queue.ms;
	set_match_by(j, ev);
	snprintf(j->j.module, sizeof j->j.module, "%s", r->spec->name);
	snprintf(j->j.key, sizeof j->j.key, "%s", r->key);
	snprintf(j->j.out, sizeof j->j.out, "%s", r->out);
	creator_put(c, creator_offer_record(), &offer);
	job_index(c, j);
	if (r->number) {
		job_move(c, j, JOB_POSTED, ev, fx, "job %llu of a contract; the offer is posted",
		        (unsigned long long)r->number);
		job_post(c, j, ev, fx);
		return;
	}
	job_note(c, j, ev, fx, "STORING", "spec, program and inputs go to the directory");
	creator_keep(c, j);
	push_parts(c, j, r->spec, fx);
}

/* ---- parts ---------------------------------------------------------------------------------------- */

void job_store_parts(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	struct job_spec *spec = ARENA_NEW(fx->arena, struct job_spec);
	struct err e;

	assert(spec);
	if (!spec_read(&c->world->blobs, &j->j.spec, spec, &e)) {
		/* Blobs are a process's own: they went with the one that was to store them. */
		FAIL(&e, IO,
		        "the job was cut off before its parts were stored and its offer was "
		        "posted; nothing was charged");
		job_end(c, j, JOB_FAILED, &e, ev, fx, "its parts are gone with its process");
		return;
	}
	push_parts(c, j, spec, fx);
}

/* Something answered; was it the directory? */
static bool is_pushed(const struct tree_done *t, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	if (!t->ok) {
		*e = t->err;
		return false;
	}
	if (json_parse(bytes_str(t->body), &j, e) && json_is_object(j))
		return true;
	return FAIL(e, PEER, "what answered for the directory is no directory");
}

void job_on_pushed(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct tree_done *t = ev->tree;
	struct job *j = job_by_id(c, &t->tag.key);
	struct err e;

	if (!j || j->j.state != JOB_STORING || t->tag.n != j->round)
		return;
	if (j->waiting)
		j->waiting--;
	if (!is_pushed(t, &e)) {
		/* A clock that is wrong at the second try will be so at the sixth. */
		bool passes = err_passes(e.code) && (e.code != E_STALE || j->tries == 0);

		/* The others of this round are forgotten: the whole step is repeated. */
		j->round++;
		if (!passes || job_again(j, fx))
			job_end(c, j, JOB_FAILED, &e, ev, fx,
			        "the directory does not take the job's parts");
		else
			j->waiting = 0;
		return;
	}
	if (j->waiting == 0) {
		job_move(c, j, JOB_POSTED, ev, fx, "parts stored; the offer is posted");
		job_post(c, j, ev, fx);
	}
}

/* ---- the offer ------------------------------------------------------------------------------------ */

/* Which channel its deal is to draw on, and the deal's number in it: the deal binds both of us to them. */
static void name_channel(struct creator *c, const struct job *j, json_t *body)
{
	struct creator_channel row = {.id = j->j.channel};

	if (!creator_get(c, creator_channel_record(), &row))
		return;
	json_object_set_new(body, "channel", record_to_json(channel_id_record(), &row.channel));
	json_object_set_new(body, "number", json_of_u64(j->j.number));
}

void job_post(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	struct creator_offer o = {.id = j->j.offer};
	json_t *body;

	if (!creator_get(c, creator_offer_record(), &o) ||
	        (in_channel(j) && !channel_number(c, j, &o.offer, ev, fx)))
		return;
	body = json_pack("{s:o, s:o}", "offer", record_to_json(job_offer_record(), &o.offer),
	        "signature", json_of_sig(&o.sig));
	if (in_channel(j))
		name_channel(c, j, body);
	fx_call(fx, (struct tag){.what = TAG_OFFER, .key = o.id}, &c->book, "POST",
	        "/v1/job-offers", body);
}

/* state: of the offer as the solver sees it: posted again, it may be in the book no more. */
static bool read_ack(
        struct creator *c, const struct reply *r, struct acked *acked, bool *in_book, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	const char *state;

	TRY(json_parse(bytes_str(r->body), &j, e), e);
	state = json_string_value(json_object_get(j, "state"));
	*in_book = !state || strcmp(state, "open") == 0 || strcmp(state, "taken") == 0 ||
	           strcmp(state, "done") == 0;
	TRY(acked_from_json(j, &c->c.domain, &c->c.solver.addr, &r->tag.key, acked, e), e);
	return true;
}

/* No answer, a refusal, or none that is understood. */
static void on_no_ack(struct creator *c, struct job *j, const struct err *why,
        const struct event *ev, struct effects *fx)
{
	/* The createdAt of an offer that is too old stays what it is. */
	bool passes = why->code == E_JSON_SYNTAX || (err_passes(why->code) && why->code != E_STALE);

	/* A match that was quicker says that the offer is filed. */
	if (j->j.state != JOB_POSTED)
		return;
	if (passes && !job_again(j, fx))
		return;
	if (passes && c->c.patient &&
	        (!j->j.match_by_ms || ev->wall.ms < (int64_t)j->j.match_by_ms))
		job_later(j, fx);
	else
		job_end(c, j, JOB_FAILED, why, ev, fx,
		        passes ? "the solver does not answer" : "the solver refused the offer");
}

void job_on_ack(struct creator *c, const struct event *ev, struct effects *fx)
{
	const struct reply *r = ev->reply;
	struct job *j = job_by_offer(c, &r->tag.key);
	struct acked acked;
	struct err e = r->err;
	bool in_book = true;

	if (!j)
		return;
	if (!r->ok || r->status >= 400 || !read_ack(c, r, &acked, &in_book, &e)) {
		on_no_ack(c, j, &e, ev, fx);
		return;
	}
	j->later.acked = acked;
	creator_keep_later(c, j, fx);
	if (!in_book && j->j.state == JOB_POSTED) {
		FAIL(&e, MATCH_NONE, "the offer is in the solver's book no more");
		job_next_provider(c, j, &e, ev, fx);
		return;
	}
	j->tries = 0;
	job_note(c, j, ev, fx, "ACKED", "filed as number %llu",
	        (unsigned long long)acked.ack.sequence);
	if (c->c.detach) {
		memset(j->j.owner, 0, sizeof j->j.owner);
		creator_keep(c, j);
		fx_add(fx, FX_EXIT, (struct tag){0});
		return;
	}
	if (j->j.match_by_ms && j->j.state == JOB_POSTED) {
		int64_t left = (int64_t)j->j.match_by_ms - ev->wall.ms;

		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_QUEUE, .key = j->j.id})->delay =
		        span_ms(MAX2(left, (int64_t)0));
	}
}

/* What is known of the present deal, its result and what we did about it. */
static void forget_deal(struct job *j)
{
	struct creator_job *row = &j->j;

	row->deal = row->submitted = row->sub_output = row->salt = (struct hash){{0}};
	row->submit_action = row->end_action = (struct hash){{0}};
	row->tree = row->own_tree = (struct hash){{0}};
	row->provider = (struct addr){{0}};
	row->ledger = row->status = row->sub_status = row->own_status = 0;
	row->count = row->bytes = row->sub_count = row->sub_bytes = 0;
	row->own_count = row->own_bytes = 0;
	row->audit_ppm = row->audit = row->claim = row->had = 0;
	row->deadline.s = 0;
	row->number = 0; /* good for one deal */
	row->error = 0;
	row->why[0] = '\0';
	j->reason = 0;
	j->open_by = j->spare_s = j->seen_s = j->asked_s = 0;
	j->declined = false;
}

/* What its directory did not take, the next one's would not either. */
static bool blamed(const struct job *j)
{
	return j->reason != REASON_DIRECTORY_UNAVAILABLE && !addr_is_zero(&j->j.provider);
}

/* Only the provider that failed was asked for: no other may take it. In a channel there is no other, and a match
 * that was given up is no failure of a deal. Nor may one take a contract's job whose deal was
 * opened: its number is used. */
static bool nobody_else(const struct creator *c, const struct job *j, const struct job_offer *o,
        const struct err *why)
{
	if (in_channel(j))
		return why->code != E_MATCH_NONE;
	if (!addr_is_zero(&c->c.contract) && j->j.ledger)
		return true;
	return blamed(j) && addr_eq(&o->target, &j->j.provider);
}

void job_next_provider(struct creator *c, struct job *j, const struct err *why,
        const struct event *ev, struct effects *fx)
{
	struct creator_offer old = {.id = j->j.offer};
	struct creator_offer next;
	struct err e;

	if (j->j.attempt >= CREATOR_ATTEMPTS_MAX || j->cancelling ||
	        !creator_get(c, creator_offer_record(), &old) ||
	        nobody_else(c, j, &old.offer, why)) {
		job_end(c, j, JOB_FAILED, why, ev, fx, why->msg);
		return;
	}
	channel_let_go(c, j);
	if (blamed(j) && !in_channel(j) && old.offer.deny.n < DENY_MAX)
		old.offer.deny.v[old.offer.deny.n++] = j->j.provider;
	if (!sign_offer(c, &old.offer, old.offer.nonce, &j->j.spec, ev, &next, &e)) {
		job_end(c, j, JOB_FAILED, &e, ev, fx, "the next offer cannot be signed");
		return;
	}
	next.job = j->j.id;
	/* What waits belongs to the old offer and its deal. */
	creator_keep(c, j);
	creator_put(c, creator_offer_record(), &next);
	map_del(&c->by_offer, &j->j.offer);
	map_del(&c->by_deal, &j->j.deal);
	j->j.offer = next.id;
	forget_deal(j);
	if (why->code == E_DECLINED || why->code == E_PROVIDER_LATE)
		j->let_down = why->code;
	j->j.attempt++;
	if (why->code != E_MATCH_NONE)
		set_match_by(j, ev);
	job_index(c, j);
	job_move(c, j, JOB_POSTED, ev, fx, "%s; %s", why->msg,
	        in_channel(j) ? "it is offered again" : "the next provider is tried");
	job_post(c, j, ev, fx);
}

/* Its time is over by a clock that is ahead of ours; ours says whether the job may wait for longer. */
void job_on_expired(
        struct creator *c, const json_t *data, const struct event *ev, struct effects *fx)
{
	struct hash offer;
	struct job *j;
	struct err e;

	if (!json_get_hash(data, "offer", &offer, &e))
		return;
	j = job_by_offer(c, &offer);
	if (!j || j->j.state != JOB_POSTED)
		return;
	FAIL(&e, MATCH_NONE, "the offer has expired by the solver's clock");
	if (j->j.match_by_ms && ev->wall.ms >= (int64_t)j->j.match_by_ms)
		job_end(c, j, JOB_FAILED, &e, ev, fx, "no match in time");
	else
		job_next_provider(c, j, &e, ev, fx);
}

/* ---- no match ------------------------------------------------------------------------------------- */

void job_on_queue(struct creator *c, struct job *j, struct effects *fx)
{
	if (j->j.state != JOB_POSTED)
		return;
	fx_call(fx, (struct tag){.what = TAG_WHY, .key = j->j.id}, &c->c.solver, "GET",
	        fx_path(fx, "/v1/job-offers/", &j->j.offer, ""), NULL);
}

/* "2 lack cpu, 1 asks more": the solver's counts as one sentence. */
static void reasons_text(const json_t *reasons, struct buf *out)
{
	const char *sep = "";
	const json_t *row;
	size_t i;

	json_array_foreach (reasons, i, row) {
		const char *what = json_string_value(json_object_get(row, "text"));
		uint64_t n;
		struct err e;

		if (!what)
			what = json_string_value(json_object_get(row, "reason"));
		if (!what || !json_get_u64(row, "count", &n, &e))
			continue;
		buf_fmt(out, "%s%llu: %s", sep, (unsigned long long)n, what);
		sep = "; ";
	}
}

static enum err_code no_match_code(const json_t *reasons)
{
	bool price_only = json_array_size(reasons) > 0;
	const json_t *row;
	size_t i;

	json_array_foreach (reasons, i, row) {
		const char *what = json_string_value(json_object_get(row, "reason"));

		if (!what || strncmp(what, "PRICE", 5) != 0)
			price_only = false;
	}
	return price_only ? E_PRICE_LOW : E_MATCH_NONE;
}

void job_on_why(struct creator *c, const struct event *ev, struct effects *fx)
{
	struct job *j = job_by_id(c, &ev->reply->tag.key);
	json_t *body OWN(json_own) = NULL;
	struct buf text OWN(buf_done) = {0};
	const json_t *reasons;
	struct err e;

	if (!j || j->j.state != JOB_POSTED)
		return;
	buf_init(&text, 400);
	if (!ev->reply->ok) {
		e = ev->reply->err;
		job_end(c, j, JOB_FAILED, &e, ev, fx, "no match in time, and no solver to ask why");
		return;
	}
	if (!json_parse(bytes_str(ev->reply->body), &body, &e))
		body = json_object();
	if (strcmp(json_text(body, "state"), "taken") == 0) {
		/* A match is on its way to us, or got lost. */
		job_look(c, j, fx);
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_QUEUE, .key = j->j.id})->delay =
		        span_ms(TAKEN_MS);
		return;
	}
	reasons = json_object_get(body, "reasons");
	reasons_text(reasons, &text);
	FAIL(&e, MATCH_NONE, "no provider takes this job within its queue time: %s",
	        text.n ? buf_cstr(&text) : "there is none in the book");
	e.code = no_match_code(reasons);
	if (j->let_down) {
		e.code = j->let_down;
		err_prefix(&e, "%s, and then: ", err_meaning(e.code));
	}
	job_withdraw(c, j, ev, fx);
	job_end(c, j, JOB_FAILED, &e, ev, fx, "no match in time");
}

void job_withdraw(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	struct offer_cancel doc = {j->j.offer, {wall_seconds(ev->wall)}};
	struct sig sig;
	struct err e;

	if (!world_sign(c->world, &c->c.domain, offer_cancel_record(), &doc, &sig, &e)) {
		log_line(&c->world->log, LOG_ODD, "cannot sign the cancellation: %s", e.msg);
		return;
	}
	fx_call(fx, (struct tag){.what = TAG_WITHDRAW, .key = j->j.id}, &c->book, "POST",
	        fx_path(fx, "/v1/offers/", &j->j.offer, "/cancel"),
	        json_pack("{s:o, s:o}", "cancel", record_to_json(offer_cancel_record(), &doc),
	                "signature", json_of_sig(&sig)));
}
