/* receipt.c - receipts as text. */
#include "cli/receipt.h"

#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "ledger/proof.h"
#include "port/action_json.h"

/* Each signed document of a receipt: one row serves both directions. */
struct row {
	const char *name;
	const struct record *(*rec)(void);
	size_t at;
};
struct sig_row {
	const char *name;
	size_t at;
};
#define AT(member) offsetof(struct receipt, member)
/* clang-format off */
static const struct row rows[] = {
	{"genesis",    genesis_record,    AT(genesis)},
	{"jobOffer",   job_offer_record,  AT(offer)},
	{"ack",        ack_record,        AT(ack)},
	{"match",      match_record,      AT(match)},
	{"deal",       deal_record,       AT(deal)},
	{"result",     result_record,     AT(result)},
	{"stored",     stored_record,     AT(stored)},
	{"acceptance", acceptance_record, AT(acceptance)},
};
static const struct sig_row sigs[] = {
	{"jobOfferSignature",   AT(offer_sig)},
	{"ackSignature",        AT(ack_sig)},
	{"matchSignature",      AT(match_sig)},
	{"jobCreatorSignature", AT(jc_sig)},
	{"providerSignature",   AT(rp_sig)},
	{"resultSignature",     AT(result_sig)},
	{"storedSignature",     AT(stored_sig)},
	{"acceptanceSignature", AT(accept_sig)},
};
/* clang-format on */

void receipt_action(const struct receipt *r, struct action *out)
{
	memset(out, 0, sizeof *out);
	out->kind = ACTION_ACCEPT;
	out->acceptance = r->acceptance;
	out->doc_sig = r->accept_sig;
	out->result = r->result;
	eip712_hash(output_record(), &r->result.output, &out->output_hash);
	out->result_sig = r->result_sig;
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

void receipt_format(const struct receipt *r, struct buf *out)
{
	const uint8_t *base = (const uint8_t *)r;
	json_t *j = json_pack("{s:s, s:s, s:o}", "schema", RECEIPT_SCHEMA, "network",
	        r->genesis.name, "proof", proof_json(r));

	for (size_t i = 0; i < COUNT(rows); i++)
		json_object_set_new(
		        j, rows[i].name, record_to_json(rows[i].rec(), base + rows[i].at));
	for (size_t i = 0; i < COUNT(sigs); i++) {
		const struct sig *s = (const void *)(base + sigs[i].at);

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

static bool take_all(const json_t *j, struct receipt *r, struct err *e)
{
	uint8_t *base = (uint8_t *)r;
	struct str schema;

	TRY(json_get_str(j, "schema", &schema, e), e);
	if (!str_is(schema, RECEIPT_SCHEMA))
		return FAIL(e, VERSION, "its schema is \"%.*s\", not %s",
		        (int)MIN2(schema.n, (size_t)80), schema.p, RECEIPT_SCHEMA);
	for (size_t i = 0; i < COUNT(rows); i++)
		TRY(json_get_record(j, rows[i].name, rows[i].rec(), base + rows[i].at, e), e);
	for (size_t i = 0; i < COUNT(sigs); i++)
		TRY(json_get_sig(j, sigs[i].name, (void *)(base + sigs[i].at), e), e);
	return receipt_take_proof(json_object_get(j, "proof"), r, e);
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
