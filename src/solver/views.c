/* views.c - one offer or deal: state, timeline, and why a job has no match (3.15). */
#include "codec/hex.h"
#include "codec/json.h"
#include "solver/solver_own.h"

/* ---- why -------------------------------------------------------------------------------------------- */

static json_t *gap_json(const struct pair_gap *gap)
{
	struct buf text OWN(buf_done);

	buf_init(&text, 1024);
	pair_gap_text(gap, &text);
	return json_string(buf_cstr(&text));
}

/* The change of the job offer that would have satisfied one provider more, as numbers and in words. */
static void add_gap(json_t *row, const char *name, const struct pair_gap *gap)
{
	if (gap->reason == PAIR_NONE)
		return;
	json_object_set_new(row, "have", json_of_amount(gap->have));
	json_object_set_new(row, name, json_of_amount(gap->need));
	if (!json_object_get(row, "wouldMatch"))
		json_object_set_new(row, "wouldMatch", gap_json(gap));
}

static json_t *reasons_json(const struct book_why *why)
{
	json_t *list = json_array();

	for (unsigned i = 1; i < PAIR_REASONS; i++) {
		json_t *row;

		if (why->count[i] == 0)
			continue;
		row = json_pack("{s:s, s:s, s:s, s:I}", "reason", pair_reason_name(i), "clause",
		        pair_reason_clause(i), "text", pair_reason_text(i), "count",
		        (json_int_t)why->count[i]);
		add_gap(row, "atMost", &why->at_most[i]);
		add_gap(row, "atLeast", &why->at_least[i]);
		json_array_append_new(list, row);
	}
	return list;
}

static bool find_offer(
        struct solver *s, const struct http_req *r, struct solver_offer *row, struct err *e)
{
	TRY(hash_parse(r->params[0], &row->id, e), e);
	if (!solver_get(s, solver_offer_record(), row))
		return FAIL(e, NOT_FOUND, "no offer has the id %.*s", STR_ARG(r->params[0]));
	return true;
}

void view_job_offer(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_offer row = {0};
	struct solver_deal d = {0};
	struct book_why *why = ARENA_NEW(fx->arena, struct book_why);
	json_t *j;
	struct err e;

	assert(why);
	if (!find_offer(s, r, &row, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	j = json_pack("{s:o, s:s, s:o, s:I}", "id", json_of_hash(&row.id), "state",
	        offer_state_name(row.state), "sequence", json_of_u64(row.sequence), "acknowledged",
	        (json_int_t)row.time.s);
	if (row.state == OFFER_OPEN && book_why(s->book, &row.id, solver_now(s, ev), why, &e)) {
		json_object_set_new(j, "providers", json_integer((json_int_t)why->offers));
		json_object_set_new(j, "reasons", reasons_json(why));
	}
	d.id = row.deal;
	if (!hash_is_zero(&row.deal) && deal_read(s, &d) && is_jc(s, &d, &r->account))
		json_object_update_missing_new(j, deal_json(&d));
	fx_reply(fx, r->conn, 200, j);
}

struct explaining {
	json_t *list;
};

static bool explain_one(void *ctx, const struct hash *resource, const struct addr *provider,
        const struct pair_gap *gap)
{
	struct explaining *x = ctx;

	json_array_append_new(
	        x->list, json_pack("{s:o, s:o, s:s, s:s, s:o}", "offer", json_of_hash(resource),
	                         "provider", json_of_addr(provider), "reason",
	                         gap->reason ? pair_reason_name(gap->reason) : "", "clause",
	                         pair_reason_clause(gap->reason), "text",
	                         gap->reason ? gap_json(gap) : json_string("matches")));
	return json_array_size(x->list) < 1000;
}

void view_explain(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_offer row = {0};
	struct explaining x = {json_array()};
	struct err e;

	if (!find_offer(s, r, &row, &e) ||
	        !book_explain(s->book, &row.id, solver_now(s, ev), explain_one, &x, &e)) {
		json_decref(x.list);
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:o}", "id", json_of_hash(&row.id), "providers", x.list));
}

/* ---- deals ------------------------------------------------------------------------------------------ */

static json_t *timeline(struct solver *s, const struct solver_step *step)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < step->notes; i++) {
		struct solver_note row = {.deal = step->id, .n = i};

		if (solver_get(s, solver_note_record(), &row))
			json_array_append_new(list, json_pack("{s:s, s:I, s:o}", "event", row.name,
			                                    "wallMs", (json_int_t)row.wall_ms,
			                                    "text", json_of_str(str_of(row.text))));
	}
	return list;
}

/* Members: JC, RP, and the deal's mediators once the ledger has shown a check (9.2). */
static bool is_member(struct solver *s, const struct solver_deal *d, const struct solver_step *step,
        const struct addr *who)
{
	const struct cold *c = &d->deal.cold;
	bool disputed = step->ledger == DEAL_RESULTS_CHECKED || step->ledger == DEAL_RULED ||
	                step->ledger == DEAL_TIMEOUT_MEDIATE ||
	                step->ledger == DEAL_MEDIATION_ACCEPTED ||
	                step->ledger == DEAL_MEDIATION_REJECTED ||
	                step->ledger == DEAL_MEDIATION_JOB_FAULTY;

	if (is_jc(s, d, who) || addr_eq(who, &d->provider))
		return true;
	for (uint32_t i = 0; disputed && i < c->mediators.n; i++) {
		if (addr_eq(who, &c->mediators.v[i]))
			return true;
	}
	return false;
}

/* Terms and state for anybody; what names the output only for its members (2.5, 9.2). */
void view_deal(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_deal d = {0};
	struct solver_step step = {0};
	struct solver_accepted accepted = {0};
	struct solver_result res = {0};
	bool member;
	json_t *j;
	struct err e;

	if (!deal_find(s, r, &d, &step, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	res.id = accepted.id = d.id;
	member = is_member(s, &d, &step, &r->account);
	j = deal_json(&d);
	json_object_set_new(j, "state", json_string(sm_name(&match_states, step.state)));
	json_object_set_new(
	        j, "ledger", json_string(step.ledger ? sm_name(&deal_states, step.ledger) : ""));
	json_object_set_new(j, "cost", json_of_amount(step.cost));
	json_object_set_new(j, "why", json_of_str(str_of(step.why)));
	json_object_set_new(j, "timeline", timeline(s, &step));
	if (member && step.jc_sig.n)
		json_object_set_new(j, "jobCreatorSignature", json_of_sig(&step.jc_sig));
	if (member && step.rp_sig.n)
		json_object_set_new(j, "providerSignature", json_of_sig(&step.rp_sig));
	if (member && solver_get(s, solver_result_record(), &res))
		json_object_update_missing_new(j, result_json(&res));
	if (member && solver_get(s, solver_accepted_record(), &accepted))
		json_object_set_new(j, "accepted", accepted_json(&accepted));
	fx_reply(fx, r->conn, 200, j);
}
