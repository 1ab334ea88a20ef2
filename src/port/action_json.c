/* action_json.c - which documents an action of each kind carries is a table; both directions walk it. */
#include "port/action_json.h"

#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/json_show.h"
#include "crypto/keccak.h"
#include "model/parts.h"

enum part_kind { PART_RECORD, PART_SIG, PART_HASH, PART_RESULT };

struct part {
	const char *name;
	enum part_kind kind;
	size_t off;
	const struct record *(*rec)(void);
	bool optional; /* a signature that may be absent; a result that may be absent with it */
};

#define REC(name, member, record)                                                                  \
	{                                                                                          \
		name, PART_RECORD, offsetof(struct action, member), record, false                  \
	}
#define SIG(name, member)                                                                          \
	{                                                                                          \
		name, PART_SIG, offsetof(struct action, member), NULL, false                       \
	}
#define HASH(name, member)                                                                         \
	{                                                                                          \
		name, PART_HASH, offsetof(struct action, member), NULL, false                      \
	}
#define RESULT(name, opt)                                                                          \
	{                                                                                          \
		name, PART_RESULT, offsetof(struct action, result), NULL, opt                      \
	}
#define SIG_OPT(name, member)                                                                      \
	{                                                                                          \
		name, PART_SIG, offsetof(struct action, member), NULL, true                        \
	}

/* clang-format off */
static const struct part open_parts[]    = {REC("deal", deal, deal_record), SIG("jobCreatorSignature", jc_sig), SIG("providerSignature", rp_sig)};
static const struct part cancel_parts[]  = {REC("cancel", cancel, cancel_record), SIG("jobCreatorSignature", jc_sig), SIG("providerSignature", rp_sig)};
static const struct part result_parts[]  = {RESULT("result", false), SIG("resultSignature", result_sig)};
static const struct part decline_parts[] = {REC("decline", decline, decline_record), SIG("signature", doc_sig)};
static const struct part accept_parts[]  = {REC("acceptance", acceptance, acceptance_record), SIG("signature", doc_sig), RESULT("result", true), SIG_OPT("resultSignature", result_sig)};
static const struct part check_parts[]   = {REC("check", check, check_record), SIG("signature", doc_sig)};
static const struct part verdict_parts[] = {REC("verdict", verdict, verdict_record), REC("cold", deal.cold, cold_record), SIG("signature", doc_sig)};
static const struct part pass_parts[]    = {REC("pass", pass, pass_record), REC("cold", deal.cold, cold_record), SIG("signature", doc_sig)};
static const struct part timeout_parts[] = {HASH("dealId", deal_id)};
static const struct part agree_parts[]   = {REC("deal", deal, deal_record)};

struct body { uint8_t kind; const struct record *(*rec)(void); };
static const struct body bodies[] = {
	{SEND_MINT, mint_record}, {SEND_REQUEST_WITHDRAW, withdrawal_record}, {SEND_WITHDRAW, withdrawal_record},
	{SEND_SET_PAYOUT, payout_record}, {SEND_CANCEL_NONCE, nonce_cancel_record},
	{SEND_REGISTER_MEDIATOR, registration_record}, {SEND_PAUSE_MEDIATOR, pause_record},
	{SEND_UNBOND_STAKE, withdrawal_record}, {SEND_TOP_UP, top_up_record}, {SEND_LEAVE_CHANNEL, leave_record},
	{SEND_ANSWER, answer_record},
};

struct layout { uint8_t kind; const struct part *parts; size_t n; };
#define ROW(kind, parts) {kind, parts, COUNT(parts)}
static const struct layout layouts[] = {
	ROW(ACTION_OPEN, open_parts), ROW(ACTION_CANCEL, cancel_parts), ROW(ACTION_RESULT, result_parts),
	ROW(ACTION_DECLINE, decline_parts), ROW(ACTION_ACCEPT, accept_parts), ROW(ACTION_CHECK, check_parts),
	ROW(ACTION_VERDICT, verdict_parts), ROW(ACTION_PASS, pass_parts), ROW(ACTION_TIMEOUT, timeout_parts),
};
/* clang-format on */

static const struct layout *layout_of(uint8_t kind)
{
	for (size_t i = 0; i < COUNT(layouts); i++) {
		if (layouts[i].kind == kind)
			return &layouts[i];
	}
	return NULL;
}

static const struct record *body_of(uint8_t kind)
{
	for (size_t i = 0; i < COUNT(bodies); i++) {
		if (bodies[i].kind == kind)
			return bodies[i].rec();
	}
	return NULL;
}

/* ---- out ------------------------------------------------------------------------------------------ */

static json_t *result_json(const struct action *a)
{
	const struct result *r = &a->result;

	return json_pack("{s:o, s:i, s:o, s:o, s:o, s:o}", "deal", json_of_hash(&r->deal), "status",
	        (int)r->status, "count", json_of_u64(r->count), "bytes", json_of_u64(r->bytes),
	        "secretHash", json_of_hash(&r->secret_hash), "outputHash",
	        json_of_hash(&a->output_hash));
}

static void put_part(json_t *j, const struct action *a, const struct part *p)
{
	const void *at = (const uint8_t *)a + p->off;

	switch (p->kind) {
	case PART_RECORD: json_object_set_new(j, p->name, record_to_json(p->rec(), at)); break;
	case PART_HASH: json_object_set_new(j, p->name, json_of_hash(at)); break;
	case PART_SIG:
		if (!p->optional || ((const struct sig *)at)->n)
			json_object_set_new(j, p->name, json_of_sig(at));
		break;
	case PART_RESULT:
		if (!p->optional || a->result_sig.n)
			json_object_set_new(j, p->name, result_json(a));
		break;
	}
}

static void put_send(json_t *j, const struct action *a)
{
	const struct record *body = body_of(a->send.kind);

	json_object_set_new(j, "send", record_to_json(send_record(), &a->send));
	json_object_set_new(j, "signature", json_of_sig(&a->send_sig));
	if (a->send.kind == SEND_AGREE)
		put_part(j, a, &agree_parts[0]);
	else if (body)
		json_object_set_new(j, "body", record_to_json(body, &a->body));
}

json_t *action_to_json(const struct action *a)
{
	const struct layout *l = layout_of(a->kind);
	json_t *j = json_pack("{s:s}", "kind", enum_name(&action_kind_names, a->kind));

	if (a->kind == ACTION_SEND)
		put_send(j, a);
	for (size_t i = 0; l && i < l->n; i++)
		put_part(j, a, &l->parts[i]);
	return j;
}

void action_id(const struct action *a, struct hash *out)
{
	struct buf b OWN(buf_done);
	json_t *j = action_to_json(a);

	buf_init(&b, HTTP_BODY_MAX);
	json_canonical(j, &b);
	json_decref(j);
	assert(buf_ok(&b));
	keccak256(b.p, b.n, out);
}

/* ---- in ------------------------------------------------------------------------------------------- */

/* Protocol 2.0.3: a decimal string, unlike a number that is no part of a document. */
static bool get_count(const json_t *o, const char *key, uint64_t *out, struct err *e)
{
	if (json_is_integer(json_object_get(o, key)))
		return FAIL(e, JSON_VALUE, "%s: must be a decimal string, not a number", key);
	TRY(json_get_u64(o, key, out, e), e);
	return true;
}

static bool get_status(const json_t *o, uint8_t *out, struct err *e)
{
	const json_t *v = json_object_get(o, "status");
	json_int_t is = json_integer_value(v);

	if (!json_is_integer(v) || is < 0 || is > UINT8_MAX ||
	        !enum_has(&status_names, (unsigned)is))
		return FAIL(e, JSON_VALUE, "status: must be the number of a result status");
	*out = (uint8_t)is;
	return true;
}

static bool get_result_members(const json_t *o, struct action *a, struct err *e)
{
	struct result *r = &a->result;

	TRY(json_get_hash(o, "deal", &r->deal, e), e);
	TRY(get_status(o, &r->status, e), e);
	TRY(get_count(o, "count", &r->count, e), e);
	TRY(get_count(o, "bytes", &r->bytes, e), e);
	TRY(json_get_hash(o, "secretHash", &r->secret_hash, e), e);
	TRY(json_get_hash(o, "outputHash", &a->output_hash, e), e);
	if (json_object_size(o) != 6)
		return FAIL(e, JSON_VALUE,
		        "it has a member beside deal, status, count, bytes, secretHash, outputHash");
	return true;
}

static bool get_result(const json_t *j, const char *key, struct action *a, struct err *e)
{
	const json_t *o = json_object_get(j, key);

	if (!json_is_object(o))
		return FAIL(e, JSON_VALUE, "%s: missing; it must be an object", key);
	if (get_result_members(o, a, e))
		return true;
	err_prefix(e, "%s: ", key);
	return false;
}

static bool get_part(
        const json_t *j, const struct part *p, struct action *a, size_t *used, struct err *e)
{
	void *at = (uint8_t *)a + p->off;

	if (p->optional && !json_object_get(j, p->name))
		return true;
	++*used;
	switch (p->kind) {
	case PART_RECORD: return json_get_record(j, p->name, p->rec(), at, e);
	case PART_HASH: return json_get_hash(j, p->name, at, e);
	case PART_SIG: return json_get_sig(j, p->name, at, e);
	case PART_RESULT: return get_result(j, p->name, a, e);
	}
	return false;
}

static bool get_send(const json_t *j, struct action *a, size_t *used, struct err *e)
{
	const struct record *body;

	TRY(json_get_record(j, "send", send_record(), &a->send, e), e);
	TRY(json_get_sig(j, "signature", &a->send_sig, e), e);
	*used += 3;
	if (a->send.kind == SEND_AGREE)
		return json_get_record(j, "deal", deal_record(), &a->deal, e);
	body = body_of(a->send.kind);
	assert(body);
	return json_get_record(j, "body", body, &a->body, e);
}

static bool get_action(const json_t *j, struct action *a, struct err *e)
{
	const struct layout *l;
	struct str kind;
	size_t used = 1;

	if (!json_is_object(j))
		return FAIL(e, JSON_VALUE, "an action is an object with a kind");
	TRY(json_get_str(j, "kind", &kind, e), e);
	if (!enum_by_name(&action_kind_names, kind, &a->kind)) {
		char shown[JSON_SHOW_MAX];

		json_show_text(kind, shown);
		return FAIL(e, JSON_VALUE, "kind: %s is no kind of action", shown);
	}
	l = layout_of(a->kind);
	if (a->kind != ACTION_SEND && !l)
		return FAIL(e, STATE,
		        "channels are not offered by this ledger yet: no action \"%.*s\"",
		        STR_ARG(kind));
	if (a->kind == ACTION_SEND)
		TRY(get_send(j, a, &used, e), e);
	for (size_t i = 0; l && i < l->n; i++)
		TRY(get_part(j, &l->parts[i], a, &used, e), e);
	if (a->kind == ACTION_ACCEPT && !json_object_get(j, "result") != !a->result_sig.n)
		return FAIL(e, JSON_VALUE, "result and resultSignature go together");
	if (json_object_size(j) != used)
		return FAIL(e, JSON_VALUE,
		        "an action of kind %.*s has a member that it must not have", STR_ARG(kind));
	if (a->kind != ACTION_TIMEOUT)
		action_deal(a, &a->deal_id);
	return true;
}

bool action_from_json(const json_t *j, struct action *out, struct err *e)
{
	struct action a = {0};

	TRY(get_action(j, &a, e), e);
	*out = a;
	return true;
}

void action_deal(const struct action *a, struct hash *out)
{
	*out = (struct hash){{0}};
	switch ((enum action_kind)a->kind) {
	case ACTION_OPEN: eip712_hash(deal_record(), &a->deal, out); break;
	case ACTION_CANCEL: *out = a->cancel.deal; break;
	case ACTION_RESULT: *out = a->result.deal; break;
	case ACTION_DECLINE: *out = a->decline.deal; break;
	case ACTION_ACCEPT: *out = a->acceptance.deal; break;
	case ACTION_CHECK: *out = a->check.deal; break;
	case ACTION_VERDICT: *out = a->verdict.deal; break;
	case ACTION_PASS: *out = a->pass.deal; break;
	case ACTION_TIMEOUT: *out = a->deal_id; break;
	case ACTION_SEND:
		if (a->send.kind == SEND_AGREE)
			eip712_hash(deal_record(), &a->deal, out);
		break;
	case ACTION_SETTLE:
	case ACTION_REDEEM:
	case ACTION_CLAIM:
	case ACTION_CLAIM_CHECK:
	case ACTION_OPEN_CHANNEL:
	case ACTION_CLOSE_CHANNEL: break;
	}
}

void action_result_hash(const struct action *a, struct hash *out)
{
	result_hash_of(&a->result, &a->output_hash, out);
}

/* ---- events --------------------------------------------------------------------------------------- */

static json_t *change_json(const struct balance_change *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "account", json_of_addr(&c->account), "free",
	        json_of_amount(c->free), "locked", json_of_amount(c->locked), "withdrawing",
	        json_of_amount(c->withdrawing), "sendNonce", json_of_u64(c->send_nonce));
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
	if (!hash_is_zero(&ev->result))
		json_object_set_new(out, "outcome",
		        json_pack("{s:s, s:o, s:o, s:o}", "status",
		                enum_name(&status_names, ev->status), "count",
		                json_of_u64(ev->count), "bytes", json_of_u64(ev->bytes), "output",
		                json_of_hash(&ev->output)));
	return out;
}

static bool get_amount(const json_t *j, const char *key, struct amount *out, struct err *e)
{
	struct str s;

	TRY(json_get_str(j, key, &s, e), e);
	if (!amount_parse(s, out))
		return FAIL(e, JSON_VALUE, "%s: \"%.*s\" is no amount", key,
		        (int)MIN2(s.n, (size_t)90), s.p);
	return true;
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
	TRY(get_amount(j, "free", &out->free, e), e);
	TRY(get_amount(j, "locked", &out->locked, e), e);
	TRY(get_amount(j, "withdrawing", &out->withdrawing, e), e);
	TRY(json_get_u64(j, "sendNonce", &out->send_nonce, e), e);
	return true;
}

/* What the result says, where there is one. */
static bool get_outcome(const json_t *j, struct ledger_event *ev, struct err *e)
{
	struct str status;

	if (hash_is_zero(&ev->result))
		return true;
	j = json_object_get(j, "outcome");
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
	TRY(get_amount(j, "amount", &ev.amount, e), e);
	TRY(json_get_u64(j, "deadline", &ev.deadline.s, e), e);
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
