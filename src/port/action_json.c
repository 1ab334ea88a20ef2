/* action_json.c - which documents an action of each kind carries is a table; both directions walk it. */
#include "port/action_json.h"

#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/json_show.h"
#include "crypto/keccak.h"
#include "model/parts.h"

enum part_kind { PART_RECORD, PART_SIG, PART_HASH, PART_RESULT, PART_COST, PART_DEAL, PART_ITEMS };

struct part {
	const char *name;
	enum part_kind kind;
	size_t off;
	const struct record *(*rec)(void);
	/* A signature that may be absent, a result that may be absent with it. */
	bool optional;
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

/* What stands in a channel only: a COST of zero and a deal of escrow are left out. */
#define COST_OPT(name, member)                                                                     \
	{                                                                                          \
		name, PART_COST, offsetof(struct action, member), NULL, true                       \
	}
#define DEAL_OPT(name, member)                                                                     \
	{                                                                                          \
		name, PART_DEAL, offsetof(struct action, member), deal_record, true                \
	}
#define ITEMS(name)                                                                                \
	{                                                                                          \
		name, PART_ITEMS, 0, NULL, false                                                   \
	}

/* clang-format off */
static const struct part open_parts[]    = {REC("deal", deal, deal_record), SIG("jobCreatorSignature", jc_sig), SIG("providerSignature", rp_sig)};
static const struct part cancel_parts[]  = {REC("cancel", cancel, cancel_record), SIG("jobCreatorSignature", jc_sig), SIG("providerSignature", rp_sig), DEAL_OPT("deal", deal)};
static const struct part result_parts[]  = {RESULT("result", false), SIG("resultSignature", result_sig)};
static const struct part decline_parts[] = {REC("decline", decline, decline_record), SIG("signature", doc_sig)};
static const struct part accept_parts[]  = {REC("acceptance", acceptance, acceptance_record), SIG("signature", doc_sig), RESULT("result", true), SIG_OPT("resultSignature", result_sig), COST_OPT("cost", cost)};
static const struct part check_parts[]   = {REC("check", check, check_record), SIG("signature", doc_sig)};
static const struct part verdict_parts[] = {REC("verdict", verdict, verdict_record), REC("cold", deal.cold, cold_record), SIG("signature", doc_sig)};
static const struct part pass_parts[]    = {REC("pass", pass, pass_record), REC("cold", deal.cold, cold_record), SIG("signature", doc_sig)};
static const struct part timeout_parts[] = {HASH("dealId", deal_id)};
static const struct part agree_parts[]   = {REC("deal", deal, deal_record), SIG_OPT("providerSignature", rp_sig)};
static const struct part settle_parts[]  = {REC("send", send, send_record), SIG("sendSignature", send_sig), ITEMS("items")};
static const struct part redeem_parts[]  = {REC("send", send, send_record), SIG("sendSignature", send_sig), REC("voucher", voucher, voucher_record), SIG("signature", doc_sig)};
static const struct part claim_parts[]   = {REC("send", send, send_record), SIG("sendSignature", send_sig), REC("deal", deal, deal_record), SIG("jobCreatorSignature", jc_sig), RESULT("result", false)};
static const struct part claim_check_parts[] = {REC("deal", deal, deal_record), RESULT("result", false), SIG("resultSignature", result_sig), REC("check", check, check_record), SIG("signature", doc_sig)};
static const struct part open_channel_parts[] = {REC("channel", channel, channel_record), SIG("jobCreatorSignature", jc_sig), SIG("providerSignature", rp_sig)};
static const struct part close_channel_parts[] = {REC("leave", leave, channel_leave_record), SIG_OPT("jobCreatorSignature", jc_sig), SIG_OPT("providerSignature", rp_sig)};

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
	ROW(ACTION_SETTLE, settle_parts), ROW(ACTION_REDEEM, redeem_parts), ROW(ACTION_CLAIM, claim_parts),
	ROW(ACTION_CLAIM_CHECK, claim_check_parts), ROW(ACTION_OPEN_CHANNEL, open_channel_parts),
	ROW(ACTION_CLOSE_CHANNEL, close_channel_parts),
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

static json_t *items_json(const struct action *a)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < a->items_n; i++) {
		const struct settle_item *x = &a->items[i];

		json_array_append_new(list,
		        json_pack("{s:o, s:o, s:o, s:o}", "jobCreator",
		                json_of_addr(&x->job_creator), "serial", json_of_u64(x->serial),
		                "acceptance", record_to_json(channel_acceptance_record(), &x->doc),
		                "signature", json_of_sig(&x->sig)));
	}
	return list;
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
	case PART_COST:
		if (!amount_is_zero(a->cost))
			json_object_set_new(j, p->name, json_of_amount(a->cost));
		break;
	case PART_DEAL:
		if (!hash_is_zero(&a->deal.hot.channel))
			json_object_set_new(j, p->name, record_to_json(p->rec(), at));
		break;
	case PART_ITEMS: json_object_set_new(j, p->name, items_json(a)); break;
	}
}

static void put_send(json_t *j, const struct action *a)
{
	const struct record *body = body_of(a->send.kind);

	json_object_set_new(j, "send", record_to_json(send_record(), &a->send));
	json_object_set_new(j, "signature", json_of_sig(&a->send_sig));
	for (size_t i = 0; a->send.kind == SEND_AGREE && i < COUNT(agree_parts); i++)
		put_part(j, a, &agree_parts[i]);
	if (body)
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

static bool get_cost(const json_t *j, struct action *a, struct err *e)
{
	TRY(json_get_amount(j, "cost", &a->cost, e), e);
	if (amount_is_zero(a->cost) || !amount_fits_document(a->cost))
		return FAIL(
		        e, JSON_VALUE, "cost: must be below 2^96, and left out where it is zero");
	return true;
}

static bool get_channel_deal(const json_t *j, struct action *a, struct err *e)
{
	TRY(json_get_record(j, "deal", deal_record(), &a->deal, e), e);
	if (hash_is_zero(&a->deal.hot.channel))
		return FAIL(e, JSON_VALUE, "deal: a cancel carries the deal in a channel only");
	return true;
}

static bool get_item(const json_t *o, bool list, struct settle_item *x, struct err *e)
{
	TRY(json_get_addr(o, "jobCreator", &x->job_creator, e), e);
	TRY(get_count(o, "serial", &x->serial, e), e);
	TRY(json_get_record(o, "acceptance", channel_acceptance_record(), &x->doc, e), e);
	TRY(json_get_sig(o, "signature", &x->sig, e), e);
	if (list && x->sig.n != 64)
		return FAIL(e, JSON_VALUE, "signature: in a list it has 64 bytes (EIP-2098)");
	if (json_object_size(o) != 4)
		return FAIL(e, JSON_VALUE,
		        "it has a member beside jobCreator, serial, acceptance, signature");
	return true;
}

static bool get_items(
        const json_t *j, const char *key, struct arena *arena, struct action *a, struct err *e)
{
	const json_t *list = json_object_get(j, key);
	size_t n = json_array_size(list);
	struct settle_item *items;

	if (n == 0 || n > ACTION_SETTLE_MAX)
		return FAIL(e, JSON_VALUE, "%s: must be a list of 1 to %d acceptances", key,
		        ACTION_SETTLE_MAX);
	items = arena_alloc(arena, n * sizeof *items);
	if (!items)
		return FAIL(e, MEMORY, "no memory for a list of %zu acceptances", n);
	for (size_t i = 0; i < n; i++) {
		if (get_item(json_array_get(list, i), n > 1, &items[i], e))
			continue;
		err_prefix(e, "%s: %zu: ", key, i);
		return false;
	}
	a->items = items;
	a->items_n = (uint32_t)n;
	return true;
}

static bool get_part(const json_t *j, const struct part *p, struct arena *arena, struct action *a,
        size_t *used, struct err *e)
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
	case PART_COST: return get_cost(j, a, e);
	case PART_DEAL: return get_channel_deal(j, a, e);
	case PART_ITEMS: return get_items(j, p->name, arena, a, e);
	}
	return false;
}

static bool get_send(const json_t *j, struct action *a, size_t *used, struct err *e)
{
	const struct record *body;

	TRY(json_get_record(j, "send", send_record(), &a->send, e), e);
	TRY(json_get_sig(j, "signature", &a->send_sig, e), e);
	*used += 2;
	for (size_t i = 0; a->send.kind == SEND_AGREE && i < COUNT(agree_parts); i++)
		TRY(get_part(j, &agree_parts[i], NULL, a, used, e), e);
	if (a->send.kind == SEND_AGREE)
		return true;
	body = body_of(a->send.kind);
	if (!body)
		return FAIL(e, JSON_VALUE, "send.kind: %s belongs to another kind of action",
		        enum_name(&send_kind_names, a->send.kind));
	++*used;
	return json_get_record(j, "body", body, &a->body, e);
}

static bool get_action(const json_t *j, struct arena *arena, struct action *a, struct err *e)
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
	assert(l || a->kind == ACTION_SEND);
	if (a->kind == ACTION_SEND)
		TRY(get_send(j, a, &used, e), e);
	for (size_t i = 0; l && i < l->n; i++)
		TRY(get_part(j, &l->parts[i], arena, a, &used, e), e);
	if (a->kind == ACTION_ACCEPT && !json_object_get(j, "result") != !a->result_sig.n)
		return FAIL(e, JSON_VALUE, "result and resultSignature go together");
	if (json_object_size(j) != used)
		return FAIL(e, JSON_VALUE,
		        "an action of kind %.*s has a member that it must not have", STR_ARG(kind));
	if (a->kind != ACTION_TIMEOUT)
		action_deal(a, &a->deal_id);
	return true;
}

bool action_from_json(const json_t *j, struct arena *arena, struct action *out, struct err *e)
{
	struct action a = {0};

	TRY(get_action(j, arena, &a, e), e);
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
	case ACTION_CLAIM:
	case ACTION_CLAIM_CHECK: eip712_hash(deal_record(), &a->deal, out); break;
	case ACTION_SETTLE:
		if (a->items_n == 1)
			*out = a->items[0].doc.deal;
		break;
	case ACTION_REDEEM:
	case ACTION_OPEN_CHANNEL:
	case ACTION_CLOSE_CHANNEL: break;
	}
}

void action_result_hash(const struct action *a, struct hash *out)
{
	result_hash_of(&a->result, &a->output_hash, out);
}
