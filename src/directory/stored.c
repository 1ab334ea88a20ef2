/* stored.c - what this directory signed for a deal, again, for its members: so that neither the provider's
 * silence nor the solver's hides whether an output was published (protocol 6.8, 9.3). */
#include "codec/hex.h"
#include "codec/json.h"
#include "directory/directory_own.h"

struct listing {
	struct directory *d;
	json_t *list;
	bool ok;
	struct err *e;
};

static bool add(void *ctx, const void *row)
{
	const struct directory_grant *g = row;
	struct listing *l = ctx;
	struct stored st;
	struct sig sig;

	l->ok = stored_sign(l->d, &g->deal, &g->root, g->bytes, g->keep_until, &st, &sig, l->e);
	if (!l->ok)
		return false;
	json_array_append_new(
	        l->list, json_pack("{s:o, s:o}", "stored", record_to_json(stored_record(), &st),
	                         "signature", json_of_sig(&sig)));
	return json_array_size(l->list) < STORED_MAX;
}

static bool find(
        struct directory *d, const struct http_req *r, struct directory_deal *out, struct err *e)
{
	struct store *s = &d->world->store;
	char who[ADDR_TEXT_MAX];

	TRY(hash_parse(r->params[0], &out->id, e), e);
	if (!s->get(s->self, directory_deal_record(), out, e)) {
		if (e->code != E_NOT_FOUND)
			return false;
		return FAIL(e, NOT_FOUND, "no output of deal %.*s is stored here",
		        STR_ARG(r->params[0]));
	}
	if (is_member(d, out, &r->account))
		return true;
	addr_format(&r->account, who);
	FAIL(e, FORBIDDEN, "%s is no member of that deal, or not yet", who);
	return err_hint(e, "a mediator becomes one when the ledger shows a check of the deal");
}

bool directory_get_stored(
        struct directory *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	const struct record *rec = directory_grant_record();
	json_t *list OWN(json_own) = json_array();
	struct listing l = {.d = d, .list = list, .ok = true, .e = e};
	struct store *s = &d->world->store;
	struct directory_grant row = {.keep_until = {0}};
	struct directory_deal deal = {.checked = false};

	TRY(find(d, r, &deal, e), e);
	row.deal = deal.id;
	TRY(s->each(s->self, rec, record_field(rec, STR("deal")), &row, add, &l, e), e);
	TRY(l.ok, e);
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:o, s:o, s:O}", "deal", record_to_json(deal_record(), &deal.deal),
	                "jobCreatorSignature", json_of_sig(&deal.jc_sig), "providerSignature",
	                json_of_sig(&deal.rp_sig), "stored", list));
	return true;
}
