/* keep.c - the creator's store, its indexes, the timeline, and what followers are told. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "creator/creator_own.h"

static const struct sm_state states[] = {
#define S(name, value, flags, next, meaning) {#name, value, flags, next, meaning},
#include "creator/job_state.def"
#undef S
};
const struct sm job_states = {"job", states, COUNT(states)};

#include "model/record_table.h"
#include "creator/tables.def"
#include "model/record_end.h"

const struct record *(*const creator_tables[])(void) = {creator_job_record, creator_offer_record,
        creator_deal_record, creator_result_record, creator_event_record, creator_provider_record,
        creator_channel_record, creator_number_record, creator_voucher_record, NULL};

enum { TRIES_MAX = 6, RETRY_MS = 250, KEEP_MS = 100 };

void creator_put(struct creator *c, const struct record *r, const void *row)
{
	struct err e;
	bool ok = c->world->store.put(c->world->store.self, r, row, &e);

	if (!ok)
		log_line(&c->world->log, LOG_BROKEN, "store: %s", e.msg);
	assert(ok);
}

bool creator_get(struct creator *c, const struct record *r, void *row)
{
	struct err e;

	if (c->world->store.get(c->world->store.self, r, row, &e))
		return true;
	if (e.code != E_NOT_FOUND)
		log_line(&c->world->log, LOG_BROKEN, "store: %s", e.msg);
	return false;
}

void creator_keep(struct creator *c, struct job *j)
{
	struct later *l = &j->later;
	struct creator_offer o = {.id = j->j.offer};
	struct creator_deal d = {.id = j->j.deal};

	creator_put(c, creator_job_record(), &j->j);
	for (uint32_t i = 0; i < l->lines_n; i++)
		creator_put(c, creator_event_record(), &l->lines[i]);
	if (l->acked.sig.n && creator_get(c, creator_offer_record(), &o)) {
		o.ack = l->acked.ack;
		o.ack_sig = l->acked.sig;
		o.ack_batch = l->acked.batch;
		static_assert(sizeof o.ack_path == sizeof l->acked.path, "one path");
		memcpy(&o.ack_path, &l->acked.path, sizeof o.ack_path);
		creator_put(c, creator_offer_record(), &o);
	}
	if (l->rp_sig.n && creator_get(c, creator_deal_record(), &d)) {
		d.rp_sig = l->rp_sig;
		creator_put(c, creator_deal_record(), &d);
	}
	if (l->result.sig.n)
		creator_put(c, creator_result_record(), &l->result);
	memset(l, 0, sizeof *l);
}

void creator_keep_later(struct creator *c, struct job *j, struct effects *fx)
{
	j->later.dirty = true;
	if (c->keep_set)
		return;
	c->keep_set = true;
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_KEEP})->delay = span_ms(KEEP_MS);
}

void creator_keep_all(struct creator *c)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&c->jobs, &i, &key, &val);) {
		struct job *j = *(struct job **)val;

		if (j->later.dirty)
			creator_keep(c, j);
	}
}

void creator_keep_output(struct creator *c, const struct hash *tree)
{
	struct cid root = cid_tree(tree);
	struct err e;

	if (c->c.keep_output && !c->c.keep_output(c->c.keep_ctx, &root, &e))
		log_line(&c->world->log, LOG_ODD, "an output is not kept: %s", e.msg);
}

bool creator_result_of(struct creator *c, const struct job *j, struct creator_result *out)
{
	*out = (struct creator_result){.id = j->j.deal};
	if (!j->later.result.sig.n)
		return creator_get(c, creator_result_record(), out);
	*out = j->later.result;
	return true;
}

struct job *job_new(struct creator *c, const struct hash *id)
{
	struct job **slot = map_put(&c->jobs, id, NULL);
	struct job *j = slot ? calloc(1, sizeof *j) : NULL;

	if (!j) {
		if (slot)
			map_del(&c->jobs, id);
		return NULL;
	}
	assert(!*slot);
	j->j.id = *id;
	*slot = j;
	return j;
}

struct job *job_by_id(struct creator *c, const struct hash *id)
{
	struct job **slot = map_get(&c->jobs, id);

	return slot ? *slot : NULL;
}

struct job *job_by_offer(struct creator *c, const struct hash *offer)
{
	struct hash *id = map_get(&c->by_offer, offer);

	return id ? job_by_id(c, id) : NULL;
}

struct job *job_by_deal(struct creator *c, const struct hash *deal)
{
	struct hash *id = map_get(&c->by_deal, deal);

	return id ? job_by_id(c, id) : NULL;
}

void job_index(struct creator *c, struct job *j)
{
	struct hash *id = map_put(&c->by_offer, &j->j.offer, NULL);

	if (id)
		*id = j->j.id;
	if (hash_is_zero(&j->j.deal))
		return;
	id = map_put(&c->by_deal, &j->j.deal, NULL);
	if (id)
		*id = j->j.id;
}

const char *job_audit_name(unsigned audit)
{
	static const char *const names[JOB_AUDITS] = {[JOB_AUDIT_OPEN] = "",
	        [JOB_AUDIT_NOT_DRAWN] = "not drawn",
	        [JOB_AUDIT_DRAWN] = "drawn",
	        [JOB_AUDIT_GOOD] = "found right",
	        [JOB_AUDIT_BAD] = "found wrong",
	        [JOB_AUDIT_IMPOSSIBLE] = "not possible"};

	return audit < JOB_AUDITS ? names[audit] : "";
}

static json_t *when_json(uint64_t ms)
{
	char text[WALL_TEXT_MAX];

	if (ms == 0)
		return json_null();
	wall_format((struct wall){(int64_t)ms}, text);
	return json_string(text);
}

json_t *creator_job_json(const struct creator_job *j)
{
	json_t *out = json_pack("{s:o, s:s, s:s, s:o, s:o, s:i, s:o, s:o, s:o, s:s, s:s, s:i}",
	        "id", json_of_hash(&j->id), "state", sm_name(&job_states, j->state), "module",
	        j->module, "created", when_json(j->created_ms), "ended", when_json(j->ended_ms),
	        "attempt", (int)j->attempt, "offer", json_of_hash(&j->offer), "deal",
	        hash_is_zero(&j->deal) ? json_null() : json_of_hash(&j->deal), "provider",
	        addr_is_zero(&j->provider) ? json_null() : json_of_addr(&j->provider), "ledger",
	        j->ledger ? sm_name(&deal_states, j->ledger) : "", "status",
	        j->status ? enum_name(&status_names, j->status) : "", "exitCode",
	        (int)j->exit_code);

	json_object_set_new(out, "count", json_of_u64(j->count));
	json_object_set_new(out, "bytes", json_of_u64(j->bytes));
	json_object_set_new(out, "pay", json_of_amount(j->pay));
	json_object_set_new(out, "cost", json_of_amount(j->cost));
	json_object_set_new(out, "out", json_string(j->out));
	if (!hash_is_zero(&j->tree)) {
		char text[CID_TEXT_MAX];
		struct cid cid = cid_tree(&j->tree);

		cid_format(&cid, text);
		json_object_set_new(out, "output", json_string(text));
	}
	if (j->audit)
		json_object_set_new(out, "audit",
		        json_pack("{s:s, s:f, s:s}", "outcome", job_audit_name(j->audit),
		                "probability", (double)j->audit_ppm / PPM_ONE, "claim",
		                j->claim ? enum_name(&ruling_names, j->claim) : ""));
	if (j->error)
		json_object_set_new(out, "error",
		        json_pack("{s:s, s:o}", "code", err_name((enum err_code)j->error),
		                "message", json_of_str(str_of(j->why))));
	return out;
}

/* One line of the timeline, and the same to whoever follows. */
static void say(struct creator *c, struct job *j, const struct event *ev, struct effects *fx,
        const char *name, const char *text)
{
	json_t *body = creator_job_json(&j->j);
	struct creator_event *row;
	struct fx *f;

	if (j->later.lines_n == CREATOR_LATER_MAX)
		creator_keep(c, j);
	row = &j->later.lines[j->later.lines_n++];
	*row = (struct creator_event){
	        .job = j->j.id, .n = ++j->events, .wall_ms = (uint64_t)ev->wall.ms};
	snprintf(row->name, sizeof row->name, "%s", name);
	snprintf(row->text, sizeof row->text, "%s", text);
	creator_keep_later(c, j, fx);
	json_object_set_new(body, "event", json_string(name));
	json_object_set_new(body, "text", json_of_str(str_of(text)));
	json_object_set_new(body, "wallMs", json_integer(ev->wall.ms));
	json_object_set_new(body, "n", json_integer((json_int_t)row->n));
	f = fx_add(fx, FX_EMIT, (struct tag){0});
	f->name = "job";
	/* Told as it happens and never again: whoever comes later reads the timeline. */
	f->id = 0;
	f->topics[0] = j->j.id;
	f->body = fx_json(fx, body);
}

void job_note(struct creator *c, struct job *j, const struct event *ev, struct effects *fx,
        const char *name, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	say(c, j, ev, fx, name, text);
}

/* From POSTED on the parts are at the directory, MATCHED is signed, JUDGED is accepted: what lies between, a
 * process that takes over is told again, by the ledger from ledger_seq on and by the solver when asked. */
static bool told_again(enum job_state s)
{
	return s == JOB_AGREED || s == JOB_SUBMITTED || s == JOB_FETCHING;
}

void job_move(struct creator *c, struct job *j, enum job_state to, const struct event *ev,
        struct effects *fx, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	struct err e;
	bool ok = sm_move(&job_states, &j->j.state, to, &e);

	if (!ok)
		log_line(&c->world->log, LOG_BROKEN, "%s", e.msg);
	assert(ok);
	j->tries = 0;
	if (sm_is_final(&job_states, to))
		j->j.ended_ms = (uint64_t)ev->wall.ms;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	say(c, j, ev, fx, sm_name(&job_states, to), text);
	if (!told_again(to))
		creator_keep(c, j);
}

void job_end(struct creator *c, struct job *j, enum job_state end, const struct err *why,
        const struct event *ev, struct effects *fx, const char *text)
{
	struct hash id = j->j.id;

	channel_let_go(c, j);
	if (why) {
		j->j.error = (uint8_t)why->code;
		snprintf(j->j.why, sizeof j->j.why, "%s", why->msg);
	}
	job_move(c, j, end, ev, fx, "%s", text);
	map_del(&c->by_offer, &j->j.offer);
	if (!hash_is_zero(&j->j.deal))
		map_del(&c->by_deal, &j->j.deal);
	map_del(&c->jobs, &id);
	free(j);
	if (c->jobs.n == 0 && c->c.exit_when_done)
		fx_add(fx, FX_EXIT, (struct tag){0});
}

void creator_amount(const struct creator *c, struct amount a, char out[CREATOR_AMOUNT_MAX])
{
	char text[AMOUNT_DEC_MAX + 2];

	amount_format_display(a, c->c.genesis.decimals, text);
	snprintf(out, CREATOR_AMOUNT_MAX, "%s%s%.15s", text, c->c.genesis.symbol[0] ? " " : "",
	        c->c.genesis.symbol);
}

void job_later(struct job *j, struct effects *fx)
{
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_RETRY, .key = j->j.id})->delay =
	        span_ms((int64_t)RETRY_MS << TRIES_MAX);
}

bool job_again(struct job *j, struct effects *fx)
{
	if (++j->tries > TRIES_MAX)
		return true;
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_RETRY, .key = j->j.id})->delay =
	        span_ms((int64_t)RETRY_MS << (j->tries - 1));
	return false;
}
