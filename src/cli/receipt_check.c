/* receipt_check.c - what a receipt proves, check by check. Pure. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/receipt.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "ledger/proof.h"
#include "market/deal_of.h"
#include "model/deal_rules.h"
#include "port/action_json.h"

struct checks {
	struct receipt_check *v;
	size_t n;
	struct hash domain;
};

static struct receipt_check *add(
        struct checks *c, enum receipt_trust trust, const char *what, bool ok, const char *why)
{
	struct receipt_check *x = &c->v[c->n++];

	assert(c->n <= RECEIPT_CHECKS_MAX);
	memset(x, 0, sizeof *x);
	x->ok = ok;
	x->trust = trust;
	snprintf(x->what, sizeof x->what, "%s", what);
	if (!ok)
		snprintf(x->why, sizeof x->why, "%s", why);
	return x;
}

const char *receipt_trust_text(enum receipt_trust t)
{
	static const char *const texts[] = {[TRUST_SIGNATURE] = "signature",
	        [TRUST_NOTHING] = "hash and arithmetic",
	        [TRUST_OPERATOR] = "ledger operator"};

	return texts[t];
}

static void signed_(struct checks *c, const char *document, const char *role,
        const struct record *r, const void *row, const struct sig *sig, const struct addr *who)
{
	char what[160], text[ADDR_TEXT_MAX];
	struct err e = {0};
	bool ok = signed_check(&c->domain, r, row, sig, who, &e);

	addr_format(who, text);
	snprintf(what, sizeof what, "%s is signed by the %s %s", document, role, text);
	add(c, TRUST_SIGNATURE, what, ok, e.msg);
}

static void same(struct checks *c, enum receipt_trust trust, const char *what, const struct hash *a,
        const struct hash *b)
{
	char x[HASH_TEXT_MAX], y[HASH_TEXT_MAX], why[200];

	hash_format(a, x);
	hash_format(b, y);
	snprintf(why, sizeof why, "%s is not %s", x, y);
	add(c, trust, what, hash_eq(a, b), why);
}

/* ---- documents ------------------------------------------------------------------------------------- */

static void check_signatures(struct checks *c, const struct receipt *r)
{
	const struct hot *h = &r->deal.hot;

	signed_(c, "job offer", "job creator", job_offer_record(), &r->offer, &r->offer_sig,
	        &h->job_creator);
	signed_(c, "acknowledgement", "solver", ack_record(), &r->ack, &r->ack_sig, &h->solver);
	signed_(c, "match", "solver", match_record(), &r->match, &r->match_sig, &h->solver);
	signed_(c, "deal", "job creator", deal_record(), &r->deal, &r->jc_sig, &h->job_creator);
	signed_(c, "deal", "provider", deal_record(), &r->deal, &r->rp_sig, &h->provider);
	signed_(c, "result", "provider", result_record(), &r->result, &r->result_sig, &h->provider);
	signed_(c, "storage of the output", "directory", stored_record(), &r->stored,
	        &r->stored_sig, &r->deal.cold.directory);
	signed_(c, "acceptance", "job creator", acceptance_record(), &r->acceptance, &r->accept_sig,
	        &h->job_creator);
}

static void check_links(struct checks *c, const struct receipt *r, const struct hash *deal,
        const struct hash *result)
{
	struct hash offer;
	struct err e = {0};
	bool ok;

	eip712_hash(job_offer_record(), &r->offer, &offer);
	ok = deal_follows_job_offer(&r->deal, &r->offer, &e);
	add(c, TRUST_NOTHING, "every term of the deal follows from the job offer", ok, e.msg);
	same(c, TRUST_NOTHING, "the acknowledgement names the job offer", &r->ack.offer, &offer);
	same(c, TRUST_NOTHING, "the match names the job offer", &r->match.job_offer, &offer);
	same(c, TRUST_NOTHING, "the match names the deal's resource offer",
	        &r->match.resource_offer, &r->deal.cold.resource_offer);
	same(c, TRUST_NOTHING, "the match names the deal", &r->match.deal, deal);
	same(c, TRUST_NOTHING, "the result names the deal", &r->result.deal, deal);
	same(c, TRUST_NOTHING, "the storage names the deal", &r->stored.deal, deal);
	same(c, TRUST_NOTHING, "the stored output is that of the result", &r->stored.output,
	        &r->result.output.tree);
	same(c, TRUST_NOTHING, "the acceptance names the deal", &r->acceptance.deal, deal);
	same(c, TRUST_NOTHING, "the acceptance names the result", &r->acceptance.result, result);
}

/* ---- money ----------------------------------------------------------------------------------------- */

static void check_money(struct checks *c, const struct receipt *r)
{
	struct amount cost = deal_cost(&r->deal.hot, r->result.count, r->result.bytes);
	char want[AMOUNT_DEC_MAX], got[AMOUNT_DEC_MAX], what[160], why[200];
	bool within = r->result.count <= r->deal.hot.instruction_limit &&
	              r->result.bytes <= r->deal.hot.byte_limit;

	amount_format(cost, want);
	amount_format(r->event.amount, got);
	add(c, TRUST_NOTHING, "count and bytes are within the deal's limits", within,
	        "the result charges more than the deal allows");
	snprintf(what, sizeof what, "the ledger paid what the deal's prices give: %.80s units",
	        want);
	snprintf(why, sizeof why, "it paid %s", got);
	add(c, TRUST_NOTHING, what, amount_eq(cost, r->event.amount), why);
}

/* ---- ledger ---------------------------------------------------------------------------------------- */

static bool leaf_of(const struct receipt *r, const struct hash *id, struct hash *out)
{
	struct buf b OWN(buf_done) = {0};
	json_t *j = ledger_event_to_json(&r->event);

	buf_init(&b, 1 << 16);
	json_canonical(j, &b);
	json_decref(j);
	block_leaf(id, buf_bytes(&b), out);
	return buf_ok(&b);
}

static void check_ledger(struct checks *c, const struct receipt *r, const struct hash *deal,
        const struct hash *result)
{
	const struct ledger_event *ev = &r->event;
	struct action *a = calloc(1, sizeof *a);
	struct hash id, leaf = {{0}};
	char what[160];
	bool ok;

	assert(a);
	receipt_action(r, a);
	action_id(a, &id);
	free(a);
	same(c, TRUST_NOTHING, "the ledger's event is of this acceptance", &ev->action_id, &id);
	same(c, TRUST_NOTHING, "the ledger's event names the deal", &ev->deal, deal);
	same(c, TRUST_NOTHING, "the ledger's event names the result", &ev->result, result);
	ok = ev->action == ACTION_ACCEPT && ev->to == DEAL_RESULTS_ACCEPTED &&
	     ev->block == r->block.number && ev->time.s == r->block.time.s;
	add(c, TRUST_NOTHING, "the event ends the deal as paid, in the block's time", ok,
	        "action, state, block or time of the event is another");
	ok = leaf_of(r, &id, &leaf) && merkle_check(&leaf, &r->path, &r->block.root);
	add(c, TRUST_NOTHING, "the event is in the block", ok,
	        "its Merkle path leads to another root");
	snprintf(what, sizeof what, "block %llu", (unsigned long long)r->block.number);
	signed_(c, what, "ledger operator", block_record(), &r->block, &r->block_sig,
	        &r->genesis.operator_);
	c->v[c->n - 1].trust = TRUST_OPERATOR;
}

size_t receipt_check(const struct receipt *r, struct receipt_check out[RECEIPT_CHECKS_MAX])
{
	struct checks c = {.v = out};
	struct hash genesis, deal, result;

	eip712_hash(genesis_record(), &r->genesis, &genesis);
	eip712_domain_embedded(&genesis, &c.domain);
	eip712_hash(deal_record(), &r->deal, &deal);
	eip712_hash(result_record(), &r->result, &result);
	check_signatures(&c, r);
	check_links(&c, r, &deal, &result);
	check_money(&c, r);
	check_ledger(&c, r, &deal, &result);
	return c.n;
}
