/* receipt.c - receipts as text. */
#include "cli/receipt.h"

#include <stdlib.h>

#include "base/arena.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "ledger/proof.h"
#include "model/deal_rules.h"
#include "port/action_json.h"

/* Which receipts have a member. */
enum when {
	ALWAYS,
	IF_EMBEDDED,
	IF_BATCHED,
	IF_RESULT,
	IF_SHOWN,
	IF_ACCEPTED,
	IF_RULED,
	IF_PASSED,
	IF_DECLINED,
	IF_SETTLED,
	IF_REDEEMED
};

/* Each signed document of a receipt: one row serves both directions. */
struct row {
	const char *name;
	const struct record *(*rec)(void);
	size_t at;
	enum when when;
};
struct sig_row {
	const char *name;
	size_t at;
	enum when when;
};
#define AT(member) offsetof(struct receipt, member)
/* clang-format off */
static const struct row rows[] = {
	{"genesis",    genesis_record,    AT(genesis),    IF_EMBEDDED},
	{"jobOffer",   job_offer_record,  AT(offer),      ALWAYS},
	{"ack",        ack_record,        AT(acked.ack),  ALWAYS},
	{"ackBatch",   ack_batch_record,  AT(acked.batch), IF_BATCHED},
	{"match",      match_record,      AT(match),      ALWAYS},
	{"deal",       deal_record,       AT(deal),       ALWAYS},
	{"result",     result_record,     AT(result),     IF_SHOWN}, /* else with outputHash in place of output */
	{"stored",     stored_record,     AT(stored),     IF_SHOWN},
	{"acceptance", acceptance_record, AT(acceptance), IF_ACCEPTED},
	{"verdict",    verdict_record,    AT(verdict),    IF_RULED},
	{"pass",       pass_record,       AT(pass),       IF_PASSED},
	{"decline",    decline_record,    AT(decline),    IF_DECLINED},
	{"channelAcceptance", channel_acceptance_record, AT(in_channel), IF_SETTLED},
	{"voucher",    voucher_record,    AT(voucher),    IF_REDEEMED},
};
static const struct sig_row sigs[] = {
	{"jobOfferSignature",   AT(offer_sig),  ALWAYS},
	{"ackSignature",        AT(acked.sig),  ALWAYS},
	{"matchSignature",      AT(match_sig),  ALWAYS},
	{"jobCreatorSignature", AT(jc_sig),     ALWAYS},
	{"providerSignature",   AT(rp_sig),     ALWAYS},
	{"resultSignature",     AT(result_sig), IF_RESULT},
	{"storedSignature",     AT(stored_sig), IF_SHOWN},
	{"acceptanceSignature", AT(end_sig),    IF_ACCEPTED},
	{"verdictSignature",    AT(end_sig),    IF_RULED},
	{"passSignature",       AT(end_sig),    IF_PASSED},
	{"declineSignature",    AT(end_sig),    IF_DECLINED},
	{"channelAcceptanceSignature", AT(end_sig), IF_SETTLED},
	{"voucherSignature",    AT(end_sig),    IF_REDEEMED},
};
/* clang-format on */

static bool has(const struct receipt *r, enum when when)
{
	switch (when) {
	case ALWAYS: return true;
	case IF_BATCHED: return r->acked.batch.count > 0;
	case IF_EMBEDDED: return !r->chain.id;
	case IF_RESULT: return r->resulted;
	case IF_SHOWN: return r->shown;
	case IF_ACCEPTED: return r->end == ACTION_ACCEPT;
	case IF_RULED: return r->end == ACTION_VERDICT;
	case IF_PASSED: return r->end == ACTION_PASS;
	case IF_DECLINED: return r->end == ACTION_DECLINE;
	case IF_SETTLED: return r->end == ACTION_SETTLE;
	case IF_REDEEMED: return r->end == ACTION_REDEEM;
	}
	return false;
}

static bool is_end(unsigned kind)
{
	return kind == ACTION_ACCEPT || kind == ACTION_VERDICT || kind == ACTION_PASS ||
	       kind == ACTION_DECLINE || kind == ACTION_TIMEOUT;
}

static void put_result(const struct receipt *r, struct action *out)
{
	out->result = r->result;
	out->output_hash = r->output_hash;
	out->result_sig = r->result_sig;
}

void receipt_action(const struct receipt *r, struct action *out)
{
	assert(is_end(r->end));
	memset(out, 0, sizeof *out);
	out->kind = r->end;
	out->doc_sig = r->end_sig;
	if (r->end == ACTION_ACCEPT) {
		out->acceptance = r->acceptance;
		if (!hash_is_zero(&r->deal.hot.channel))
			out->cost = deal_cost(&r->deal.hot, r->result.count, r->result.bytes);
		if (r->shown)
			put_result(r, out);
	} else if (r->end == ACTION_TIMEOUT) {
		eip712_hash(deal_record(), &r->deal, &out->deal_id);
	} else if (r->end == ACTION_DECLINE) {
		out->decline = r->decline;
	} else {
		out->verdict = r->verdict;
		out->pass = r->pass;
		out->deal.cold = r->deal.cold;
	}
}

/* ---- out ------------------------------------------------------------------------------------------- */

static json_t *path_json(const struct merkle_path *p)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < p->n; i++)
		json_array_append_new(list, json_of_hash(&p->siblings[i]));
	return json_pack("{s:I, s:I, s:o}", "index", (json_int_t)p->index, "count",
	        (json_int_t)p->count, "siblings", list);
}

/* As the ledger has it, without its output. */
static json_t *hidden_result_json(const struct receipt *r)
{
	struct action *a = calloc(1, sizeof *a);
	json_t *j, *out;

	assert(a);
	a->kind = ACTION_RESULT;
	put_result(r, a);
	j = action_to_json(a);
	out = json_incref(json_object_get(j, "result"));
	json_decref(j);
	free(a);
	return out;
}

/* As the ledger answers; action and its id follow from the documents. */
static json_t *proof_json(const struct receipt *r)
{
	struct action *a = calloc(1, sizeof *a);
	struct hash id;
	json_t *out;

	assert(a);
	receipt_action(r, a);
	action_id(a, &id);
	out = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_of_hash(&id), "action",
	        action_to_json(a), "event", ledger_event_to_json(&r->event), "block",
	        record_to_json(block_record(), &r->block), "signature", json_of_sig(&r->block_sig),
	        "path", path_json(&r->path));
	free(a);
	return out;
}

/* What a receipt has beside its documents. */
static json_t *frame_json(const struct receipt *r)
{
	const char *ending = enum_name(&action_kind_names, r->end);
	bool off = receipt_off_ledger(r);

	if (r->chain.id)
		return json_pack("{s:s, s:{s:o, s:o}, s:s, s:o}", "schema", RECEIPT_SCHEMA_EVM,
		        "chain", "chainId", json_of_u64(r->chain.id), "controller",
		        json_of_addr(&r->chain.controller), "ending", ending, "proof",
		        off ? json_null() : receipt_logs_to_json(&r->chain));
	return json_pack("{s:s, s:s, s:s, s:o}", "schema", RECEIPT_SCHEMA, "network",
	        r->genesis.name, "ending", ending, "proof", off ? json_null() : proof_json(r));
}

void receipt_format(const struct receipt *r, struct buf *out)
{
	const uint8_t *base = (const uint8_t *)r;
	json_t *j = frame_json(r);

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (has(r, rows[i].when))
			json_object_set_new(
			        j, rows[i].name, record_to_json(rows[i].rec(), base + rows[i].at));
	}
	if (r->acked.batch.count)
		json_object_set_new(j, "ackPath", ack_path_to_json(&r->acked.path));
	if (r->resulted && !r->shown)
		json_object_set_new(j, "result", hidden_result_json(r));
	for (size_t i = 0; i < COUNT(sigs); i++) {
		const struct sig *s = (const void *)(base + sigs[i].at);

		if (has(r, sigs[i].when))
			json_object_set_new(j, sigs[i].name, s->n ? json_of_sig(s) : json_null());
	}
	json_canonical(j, out);
	json_decref(j);
}

/* ---- in -------------------------------------------------------------------------------------------- */

bool receipt_take_proof(const json_t *proof, struct receipt *r, struct err *e)
{
	struct proof p;

	TRY(ledger_event_from_json(json_object_get(proof, "event"), &r->event, e), e);
	TRY(proof_from_json(proof, &p, e), e);
	r->block = p.block;
	r->block_sig = p.sig;
	r->path = p.path;
	return true;
}

enum { ACTION_LISTS_MAX = 1 << 20 };

static void own_action(struct action **a)
{
	free(*a);
}

static bool read_action(const json_t *j, struct action **out, struct err *e)
{
	struct action *a OWN(own_action) = calloc(1, sizeof *a);
	struct arena lists OWN(arena_done);

	arena_init(&lists, ACTION_LISTS_MAX);
	if (!a)
		return FAIL(e, MEMORY, "no memory for an action");
	TRY(action_from_json(j, &lists, a, e), e);
	a->items = NULL; /* no end of a deal has a list */
	a->items_n = 0;
	*out = a;
	a = NULL;
	return true;
}

bool receipt_take_end(const json_t *proof, struct receipt *r, struct err *e)
{
	struct action *a OWN(own_action) = NULL;

	TRY(read_action(json_object_get(proof, "action"), &a, e), e);
	if (!is_end(a->kind))
		return FAIL(e, STATE, "of a deal that ended by \"%s\" there is no receipt",
		        enum_name(&action_kind_names, a->kind));
	r->end = a->kind;
	r->acceptance = a->acceptance;
	r->verdict = a->verdict;
	r->pass = a->pass;
	r->decline = a->decline;
	r->end_sig = a->doc_sig;
	return true;
}

bool receipt_take_result(const json_t *proof, struct receipt *r, struct err *e)
{
	struct action *a OWN(own_action) = NULL;

	TRY(read_action(json_object_get(proof, "action"), &a, e), e);
	if (a->kind != ACTION_RESULT && a->kind != ACTION_CLAIM)
		return FAIL(e, JSON_VALUE, "kind: \"%s\" where a result was submitted",
		        enum_name(&action_kind_names, a->kind));
	r->resulted = true;
	r->shown = false;
	r->result = a->result;
	r->output_hash = a->output_hash;
	r->result_sig = a->result_sig;
	return true;
}

static bool take_ending(const json_t *j, struct receipt *r, struct err *e)
{
	struct str ending;

	TRY(json_get_str(j, "ending", &ending, e), e);
	if (enum_by_name(&action_kind_names, ending, &r->end) &&
	        (is_end(r->end) || receipt_off_ledger(r)))
		return true;
	return FAIL(e, JSON_VALUE, "ending: \"%.*s\" is none", (int)MIN2(ending.n, (size_t)40),
	        ending.p);
}

/* A result that was not shown is read as the action that submitted it. */
static bool take_hidden_result(const json_t *j, struct receipt *r, struct err *e)
{
	json_t *proof OWN(json_own) = json_pack("{s:{s:s, s:O, s:o}}", "action", "kind",
	        enum_name(&action_kind_names, ACTION_RESULT), "result",
	        json_object_get(j, "result"), "resultSignature", json_of_sig(&r->result_sig));

	TRY(receipt_take_result(proof, r, e), e);
	return true;
}

static bool take_schema(const json_t *j, struct receipt *r, struct err *e)
{
	const json_t *chain = json_object_get(j, "chain");
	struct str schema;

	TRY(json_get_str(j, "schema", &schema, e), e);
	if (str_is(schema, RECEIPT_SCHEMA))
		return true;
	if (!str_is(schema, RECEIPT_SCHEMA_EVM))
		return FAIL(e, VERSION, "its schema is \"%.*s\", not %s or %s",
		        (int)MIN2(schema.n, (size_t)80), schema.p, RECEIPT_SCHEMA,
		        RECEIPT_SCHEMA_EVM);
	TRY(json_get_u64(chain, "chainId", &r->chain.id, e), e);
	TRY(json_get_addr(chain, "controller", &r->chain.controller, e), e);
	return r->chain.id != 0 || FAIL(e, JSON_VALUE, "chainId: 0 is no chain");
}

static bool take_all_results(const json_t *j, struct receipt *r, struct err *e)
{
	if (r->shown)
		eip712_hash(output_record(), &r->result.output, &r->output_hash);
	else if (r->resulted)
		TRY(take_hidden_result(j, r, e), e);
	return true;
}

static bool take_all(const json_t *j, struct receipt *r, struct err *e)
{
	const json_t *result = json_object_get(j, "result"), *proof = json_object_get(j, "proof");
	uint8_t *base = (uint8_t *)r;

	TRY(take_schema(j, r, e), e);
	TRY(take_ending(j, r, e), e);
	TRY(acked_take_batch(&r->acked, j, "ackBatch", "ackPath", e), e);
	r->resulted = result != NULL;
	r->shown = result && !json_object_get(result, "outputHash");
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (has(r, rows[i].when))
			TRY(json_get_record(j, rows[i].name, rows[i].rec(), base + rows[i].at, e),
			        e);
	}
	for (size_t i = 0; i < COUNT(sigs); i++) {
		if (has(r, sigs[i].when))
			TRY(json_get_sig(j, sigs[i].name, (void *)(base + sigs[i].at), e), e);
	}
	TRY(take_all_results(j, r, e), e);
	if (receipt_off_ledger(r))
		return true;
	if (!r->chain.id)
		return receipt_take_proof(proof, r, e);
	TRY(receipt_logs_from_json(proof, &r->chain, e), e);
	receipt_read_logs(r);
	return true;
}

static void own_receipt(struct receipt **r)
{
	free(*r);
}

/* What is not a member of the documents, or is written in another way, would not be covered by any
 * check: so the text must be the one that follows from the documents. */
static bool is_canonical(struct str text, const struct receipt *r, struct err *e)
{
	struct buf again OWN(buf_done) = {0};

	buf_init(&again, RECEIPT_BYTES_MAX);
	receipt_format(r, &again);
	if (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (buf_ok(&again) && str_eq(text, buf_view(&again)))
		return true;
	return FAIL(e, TAMPERED, "the receipt is not written as its documents are");
}

bool receipt_parse(struct str text, struct receipt *out, struct err *e)
{
	struct receipt *r OWN(own_receipt) = calloc(1, sizeof *r);
	json_t *j OWN(json_own) = NULL;
	struct err why;

	if (!r)
		return FAIL(e, MEMORY, "no memory for a receipt");
	if (text.n > RECEIPT_BYTES_MAX)
		return FAIL(e, TAMPERED, "a receipt has at most %u bytes, this one %zu",
		        RECEIPT_BYTES_MAX, text.n);
	if (!json_parse(text, &j, &why) || !take_all(j, r, &why))
		return FAIL(e, TAMPERED, "no receipt: %s", why.msg);
	TRY(is_canonical(text, r, e), e);
	*out = *r;
	return true;
}
