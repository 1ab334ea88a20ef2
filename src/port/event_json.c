/* event_json.c - events of a ledger on the wire, see action_json.h. */
#include "codec/json.h"
#include "port/action_json.h"

static json_t *change_json(const struct balance_change *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "account", json_of_addr(&c->account), "free",
	        json_of_amount(c->free), "locked", json_of_amount(c->locked), "withdrawing",
	        json_of_amount(c->withdrawing), "sendNonce", json_of_u64(c->send_nonce));
}

static json_t *channel_json(const struct channel_change *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b}", "id",
	        json_of_hash(&c->id), "number", json_of_u64(c->number), "jobSum",
	        json_of_amount(c->job), "providerSum", json_of_amount(c->provider), "paid",
	        json_of_amount(c->paid), "floor", json_of_u64(c->floor), "claims",
	        json_of_u64(c->claims), "closeAt", (json_int_t)c->close_at.s, "closed",
	        (int)c->closed);
}

json_t *ledger_event_to_json(const struct ledger_event *ev)
{
	json_t *changes = json_array(), *out;

	for (uint32_t i = 0; i < ev->changes_n; i++)
		json_array_append_new(changes, change_json(&ev->changes[i]));
	out = json_pack("{s:o, s:o, s:I, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:I, s:o}", "seq",
	        json_of_u64(ev->seq), "block", json_of_u64(ev->block), "time",
	        (json_int_t)ev->time.s, "action", enum_name(&action_kind_names, ev->action),
	        "actionId", json_of_hash(&ev->action_id), "deal", json_of_hash(&ev->deal), "from",
	        ev->from ? sm_name(&deal_states, ev->from) : "", "to",
	        ev->to ? sm_name(&deal_states, ev->to) : "", "result", json_of_hash(&ev->result),
	        "account", json_of_addr(&ev->account), "amount", json_of_amount(ev->amount),
	        "deadline", (json_int_t)ev->deadline.s, "changes", changes);
	if (!hash_is_zero(&ev->channel.id))
		json_object_set_new(out, "channel", channel_json(&ev->channel));
	if (ev->status)
		json_object_set_new(out, "outcome",
		        json_pack("{s:s, s:o, s:o, s:o}", "status",
		                enum_name(&status_names, ev->status), "count",
		                json_of_u64(ev->count), "bytes", json_of_u64(ev->bytes), "output",
		                json_of_hash(&ev->output)));
	return out;
}

static bool get_state(const json_t *j, const char *key, uint8_t *out, struct err *e)
{
	struct str s;

	*out = 0;
	TRY(json_get_str(j, key, &s, e), e);
	if (s.n == 0)
		return true;
	for (size_t i = 0; i < deal_states.n; i++) {
		if (str_is(s, deal_states.states[i].name)) {
			*out = deal_states.states[i].value;
			return true;
		}
	}
	return FAIL(
	        e, JSON_VALUE, "%s: \"%.*s\" is no state", key, (int)MIN2(s.n, (size_t)40), s.p);
}

static bool get_change(const json_t *j, struct balance_change *out, struct err *e)
{
	TRY(json_get_addr(j, "account", &out->account, e), e);
	TRY(json_get_amount(j, "free", &out->free, e), e);
	TRY(json_get_amount(j, "locked", &out->locked, e), e);
	TRY(json_get_amount(j, "withdrawing", &out->withdrawing, e), e);
	TRY(json_get_u64(j, "sendNonce", &out->send_nonce, e), e);
	return true;
}

/* An event that concerns no channel has none. */
static bool get_channel(const json_t *j, struct channel_change *out, struct err *e)
{
	const json_t *closed;

	j = json_object_get(j, "channel");
	if (!j)
		return true;
	TRY(json_get_hash(j, "id", &out->id, e), e);
	TRY(json_get_u64(j, "number", &out->number, e), e);
	TRY(json_get_amount(j, "jobSum", &out->job, e), e);
	TRY(json_get_amount(j, "providerSum", &out->provider, e), e);
	TRY(json_get_amount(j, "paid", &out->paid, e), e);
	TRY(json_get_u64(j, "floor", &out->floor, e), e);
	TRY(json_get_u64(j, "claims", &out->claims, e), e);
	TRY(json_get_u64(j, "closeAt", &out->close_at.s, e), e);
	closed = json_object_get(j, "closed");
	if (hash_is_zero(&out->id) || out->close_at.s > BTIME_MAX || !json_is_boolean(closed))
		return FAIL(e, JSON_VALUE,
		        "channel: it has an id, closed is true or false, closeAt below 2^40");
	out->closed = json_is_true(closed);
	return true;
}

/* What the result says, where there is one; of a deal that an acceptance settled only its hash is known. */
static bool get_outcome(const json_t *j, struct ledger_event *ev, struct err *e)
{
	struct str status;

	j = json_object_get(j, "outcome");
	if (hash_is_zero(&ev->result) || (!j && ev->action == ACTION_SETTLE))
		return true;
	TRY(json_get_str(j, "status", &status, e), e);
	if (!enum_by_name(&status_names, status, &ev->status))
		return FAIL(e, JSON_VALUE, "status: \"%.*s\" is no status of a result",
		        (int)MIN2(status.n, (size_t)40), status.p);
	TRY(json_get_u64(j, "count", &ev->count, e), e);
	TRY(json_get_u64(j, "bytes", &ev->bytes, e), e);
	TRY(json_get_hash(j, "output", &ev->output, e), e);
	return true;
}

bool ledger_event_from_json(const json_t *j, struct ledger_event *out, struct err *e)
{
	struct ledger_event ev = {0};
	const json_t *changes = json_object_get(j, "changes");
	struct str action;

	TRY(json_get_u64(j, "seq", &ev.seq, e), e);
	TRY(json_get_u64(j, "block", &ev.block, e), e);
	TRY(json_get_u64(j, "time", &ev.time.s, e), e);
	TRY(json_get_str(j, "action", &action, e), e);
	if (!enum_by_name(&action_kind_names, action, &ev.action))
		return FAIL(e, JSON_VALUE, "action: \"%.*s\" is no kind of action",
		        (int)MIN2(action.n, (size_t)40), action.p);
	TRY(json_get_hash(j, "actionId", &ev.action_id, e), e);
	TRY(json_get_hash(j, "deal", &ev.deal, e), e);
	TRY(get_state(j, "from", &ev.from, e), e);
	TRY(get_state(j, "to", &ev.to, e), e);
	TRY(json_get_hash(j, "result", &ev.result, e), e);
	TRY(get_outcome(j, &ev, e), e);
	TRY(json_get_addr(j, "account", &ev.account, e), e);
	TRY(json_get_amount(j, "amount", &ev.amount, e), e);
	TRY(json_get_u64(j, "deadline", &ev.deadline.s, e), e);
	TRY(get_channel(j, &ev.channel, e), e);
	if (ev.time.s > BTIME_MAX || ev.deadline.s > BTIME_MAX)
		return FAIL(e, JSON_VALUE, "time and deadline are below 2^40");
	if (!json_is_array(changes) || json_array_size(changes) > LEDGER_CHANGES_MAX)
		return FAIL(
		        e, JSON_VALUE, "changes: must be a list of at most %d", LEDGER_CHANGES_MAX);
	for (; ev.changes_n < json_array_size(changes); ev.changes_n++)
		TRY(get_change(json_array_get(changes, ev.changes_n), &ev.changes[ev.changes_n], e),
		        e);
	*out = ev;
	return true;
}
