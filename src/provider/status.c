/* status.c - what the provider tells its operator: earnings, load, and why it is idle. */
#include "codec/hex.h"
#include "codec/json.h"
#include "provider/provider_own.h"

enum { ROUTE_STATUS, ROUTE_DEALS, ROUTE_CHANNEL, ROUTE_LEAVE };

const struct route provider_routes[] = {
        {"GET", "/v1/status", AUTH_NONE, BODY_NONE, 0, "load, earnings, why it is idle"},
        {"GET", "/v1/deals", AUTH_NONE, BODY_NONE, 0,
                "every deal with its state and what it earned, 1000 at once in order of id; ?after=DEAL"},
        {"POST", "/v1/channels", AUTH_NONE, BODY_JSON, 8192,
                "sign a channel, {channel, jobCreatorSignature}, if it is within our settings"},
        {"POST", "/v1/channels/{channel}/leave", AUTH_NONE, BODY_JSON, 8192,
                "sign that a channel ends at once, {leave, jobCreatorSignature}"},
};
const size_t provider_routes_n = COUNT(provider_routes);

static const char *state_of(const struct provider *p)
{
	if (p->running > 0)
		return "EARNING";
	return p->posted ? "IDLE" : "OFFLINE";
}

static const char *why_idle(const struct provider *p)
{
	if (p->running > 0)
		return "";
	if (p->last_refusal[0])
		return p->last_refusal;
	return p->posted ? "the offer stands; no job has matched it"
	                 : "the offer is not acknowledged yet";
}

static json_t *status_json(const struct provider *p, const struct event *ev)
{
	const struct provider_totals *t = &p->totals;

	return json_pack("{s:s, s:s, s:o, s:I, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:o, s:o,"
	                 " s:I, s:O?, s:s}",
	        "state", state_of(p), "why", why_idle(p), "account",
	        json_of_addr(&p->world->signer.addr), "upSeconds",
	        (json_int_t)((ev->wall.ms - p->started.ms) / 1000), "running", (int)p->running,
	        "parallel", (int)p->c.parallel, "unfinished", (int)p->works.n, "jobs",
	        (json_int_t)t->jobs, "paid", (json_int_t)t->paid, "failed", (json_int_t)t->failed,
	        "declined", (json_int_t)t->declined, "lost", (json_int_t)t->lost, "earned",
	        json_of_amount(t->earned), "free",
	        p->balance_known ? json_of_amount(p->free_balance) : json_null(), "idleSeconds",
	        (json_int_t)(p->running ? 0 : (ev->wall.ms - p->idle_since.ms) / 1000), "idle",
	        p->running ? NULL : p->idle.json, "idleUnknown", p->running ? "" : p->idle.missing);
}

void provider_reply_status(
        struct provider *p, struct conn_id conn, const struct event *ev, struct effects *fx)
{
	fx_reply(fx, conn, 200, status_json(p, ev));
}

/* ---- deals ------------------------------------------------------------------------------------------- */

enum { DEALS_MAX = 1000 };

struct listing {
	struct provider *p;
	struct hash after;
	json_t *list;
	bool more;
};

static bool add_deal(void *ctx, const void *row)
{
	const struct provider_work *w = row;
	struct provider_deal d = {.id = w->id};
	struct listing *l = ctx;
	struct store *st = &l->p->world->store;
	struct err e;
	json_t *j;

	if (hash_cmp(&w->id, &l->after) <= 0)
		return true;
	l->more = json_array_size(l->list) == DEALS_MAX;
	if (l->more)
		return false;
	j = json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:s}", "id", json_of_hash(&w->id),
	        "state", sm_name(&work_states, w->state), "ledger",
	        w->ledger ? sm_name(&deal_states, w->ledger) : "", "status",
	        enum_name(&status_names, w->status), "count", json_of_u64(w->count), "bytes",
	        json_of_u64(w->bytes), "earned", json_of_amount(w->earned), "wallMicroseconds",
	        (json_int_t)w->wall_us, "why", w->why);
	if (st->get(st->self, provider_deal_record(), &d, &e)) {
		json_object_set_new(j, "created", json_integer((json_int_t)d.created.s));
		json_object_set_new(j, "jobCreator", json_of_addr(&d.deal.hot.job_creator));
		json_object_set_new(j, "module", json_of_hash(&d.deal.cold.module));
	}
	json_array_append_new(l->list, j);
	return true;
}

static bool list_deals(
        struct provider *p, const struct http_req *r, struct listing *l, struct err *e)
{
	struct store *st = &p->world->store;
	struct str value, key = str_cut(r->query, '=', &value);

	l->p = p;
	if (str_is(key, "after"))
		TRY(hash_parse(value, &l->after, e), e);
	else if (key.n)
		return FAIL(e, RANGE, "unknown query %.*s; there is after", STR_ARG(key));
	return st->each(st->self, provider_work_record(), NULL, NULL, add_deal, l, e);
}

/* ---- routes ------------------------------------------------------------------------------------------ */

void provider_on_request(struct provider *p, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct listing l = {.list = NULL};
	struct err e;

	if (r->route == ROUTE_STATUS) {
		if (!provider_ask_idle(p, r->conn, ev, fx))
			provider_reply_status(p, r->conn, ev, fx);
		return;
	}
	if (r->route == ROUTE_CHANNEL || r->route == ROUTE_LEAVE) {
		(r->route == ROUTE_CHANNEL ? provider_on_channel : provider_on_leave)(p, ev, fx);
		return;
	}
	l.list = json_array();
	if (!list_deals(p, r, &l, &e)) {
		json_decref(l.list);
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	fx_reply(fx, r->conn, 200, json_pack("{s:o, s:b}", "deals", l.list, "more", l.more));
}
