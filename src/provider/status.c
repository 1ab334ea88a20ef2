/* status.c - what the provider tells its operator: earnings, load, and why it is idle. */
#include "codec/hex.h"
#include "codec/json.h"
#include "provider/provider_own.h"

enum { ROUTE_STATUS, ROUTE_DEALS };

const struct route provider_routes[] = {
        {"GET", "/v1/status", AUTH_NONE, BODY_NONE, 0, "load, earnings, why it is idle"},
        {"GET", "/v1/deals", AUTH_NONE, BODY_NONE, 0,
                "every deal with its state and what it earned"},
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

	return json_pack("{s:s, s:s, s:o, s:I, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
	        "state", state_of(p), "why", why_idle(p), "account",
	        json_of_addr(&p->world->signer.addr), "upSeconds",
	        (json_int_t)((ev->wall.ms - p->started.ms) / 1000), "running", (int)p->running,
	        "parallel", (int)p->c.parallel, "unfinished", (int)p->works.n, "jobs",
	        (json_int_t)t->jobs, "paid", (json_int_t)t->paid, "failed", (json_int_t)t->failed,
	        "declined", (json_int_t)t->declined, "lost", (json_int_t)t->lost, "earned",
	        json_of_amount(t->earned), "free",
	        p->balance_known ? json_of_amount(p->free_balance) : json_null());
}

static bool add_deal(void *ctx, const void *row)
{
	const struct provider_work *w = row;
	json_t *list = ctx;

	json_array_append_new(
	        list, json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:s}", "id",
	                      json_of_hash(&w->id), "state", sm_name(&work_states, w->state),
	                      "ledger", w->ledger ? sm_name(&deal_states, w->ledger) : "", "status",
	                      enum_name(&status_names, w->status), "count", json_of_u64(w->count),
	                      "bytes", json_of_u64(w->bytes), "earned", json_of_amount(w->earned),
	                      "wallMicroseconds", (json_int_t)w->wall_us, "why", w->why));
	return json_array_size(list) < 1000;
}

void provider_on_request(struct provider *p, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	json_t *list;
	struct err e;

	if (r->route == ROUTE_STATUS) {
		fx_reply(fx, r->conn, 200, status_json(p, ev));
		return;
	}
	list = json_array();
	if (!p->world->store.each(
	            p->world->store.self, provider_work_record(), NULL, NULL, add_deal, list, &e)) {
		json_decref(list);
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	fx_reply(fx, r->conn, 200, json_pack("{s:o}", "deals", list));
}
