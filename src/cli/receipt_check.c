/* receipt_check.c - what a receipt proves, check by check. Pure. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/evm_prove.h"
#include "cli/receipt.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "ledger/proof.h"
#include "market/deal_of.h"
#include "model/channel_rules.h"
#include "model/deal_rules.h"
#include "model/parts.h"
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
	        [TRUST_OPERATOR] = "ledger operator",
	        [TRUST_BLOCK] = "block hash"};

	return texts[t];
}

static void signed_hash(struct checks *c, const char *document, const char *role, const char *type,
        const struct hash *h, const struct sig *sig, const struct addr *who)
{
	char what[160], text[ADDR_TEXT_MAX];
	struct err e = {0};
	bool ok = signed_check_hash(&c->domain, type, h, sig, who, &e);

	addr_format(who, text);
	snprintf(what, sizeof what, "%s is signed by the %s %s", document, role, text);
	add(c, TRUST_SIGNATURE, what, ok, e.msg);
}

static void signed_(struct checks *c, const char *document, const char *role,
        const struct record *r, const void *row, const struct sig *sig, const struct addr *who)
{
	struct hash h;

	eip712_hash(r, row, &h);
	signed_hash(c, document, role, r->type, &h, sig, who);
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

/* Signed alone, or with others. */
static void check_ack(struct checks *c, const struct acked *a, const struct addr *solver)
{
	struct err e = {0};
	const void *row;
	const struct record *r = acked_document(a, &row);

	signed_(c, a->batch.count ? "batch of acknowledgements" : "acknowledgement", "solver", r,
	        row, &a->sig, solver);
	if (a->batch.count)
		add(c, TRUST_NOTHING, "the acknowledgement is in the batch", acked_in_batch(a, &e),
		        e.msg);
}

static void check_signatures(struct checks *c, const struct receipt *r, const struct hash *result)
{
	const struct hot *h = &r->deal.hot;

	signed_(c, "job offer", "job creator", job_offer_record(), &r->offer, &r->offer_sig,
	        &h->job_creator);
	check_ack(c, &r->acked, &h->solver);
	signed_(c, "match", "solver", match_record(), &r->match, &r->match_sig, &h->solver);
	signed_(c, "deal", "job creator", deal_record(), &r->deal, &r->jc_sig, &h->job_creator);
	signed_(c, "deal", "provider", deal_record(), &r->deal, &r->rp_sig, &h->provider);
	if (r->resulted)
		signed_hash(c, "result", "provider", result_record()->type, result, &r->result_sig,
		        &h->provider);
	if (r->shown)
		signed_(c, "storage of the output", "directory", stored_record(), &r->stored,
		        &r->stored_sig, &r->deal.cold.directory);
}

static void check_links(struct checks *c, const struct receipt *r, const struct hash *deal)
{
	struct hash offer;
	struct err e = {0};
	bool ok;

	eip712_hash(job_offer_record(), &r->offer, &offer);
	ok = deal_follows_job_offer(&r->deal, &r->offer, &e);
	add(c, TRUST_NOTHING, "every term of the deal follows from the job offer", ok, e.msg);
	same(c, TRUST_NOTHING, "the acknowledgement names the job offer", &r->acked.ack.offer,
	        &offer);
	same(c, TRUST_NOTHING, "the match names the job offer", &r->match.job_offer, &offer);
	same(c, TRUST_NOTHING, "the match names the deal's resource offer",
	        &r->match.resource_offer, &r->deal.cold.resource_offer);
	same(c, TRUST_NOTHING, "the match names the deal", &r->match.deal, deal);
	if (r->resulted)
		same(c, TRUST_NOTHING, "the result names the deal", &r->result.deal, deal);
	if (!r->shown)
		return;
	same(c, TRUST_NOTHING, "the storage names the deal", &r->stored.deal, deal);
	same(c, TRUST_NOTHING, "the stored output is that of the result", &r->stored.output,
	        &r->result.output.tree);
}

/* ---- the ending ------------------------------------------------------------------------------------- */

static void check_acceptance(struct checks *c, const struct receipt *r, const struct hash *deal,
        const struct hash *result)
{
	const struct hot *h = &r->deal.hot;
	struct channel_acceptance in_channel;

	/* In a channel what is signed says the deal's terms as well. */
	channel_acceptance_of(h, deal, &r->acceptance.result,
	        deal_cost(h, r->result.count, r->result.bytes), &in_channel);
	if (hash_is_zero(&h->channel))
		signed_(c, "acceptance", "job creator", acceptance_record(), &r->acceptance,
		        &r->end_sig, &h->job_creator);
	else
		signed_(c, "acceptance", "job creator", channel_acceptance_record(), &in_channel,
		        &r->end_sig, &h->job_creator);
	same(c, TRUST_NOTHING, "the acceptance names the deal", &r->acceptance.deal, deal);
	same(c, TRUST_NOTHING, "the acceptance names the result", &r->acceptance.result, result);
}

/* Protocol 6.6: the deal names the one mediator, whose word in round 0 is the last. A deal without one has
 * the zero address there, which signs nothing. */
static void check_mediator(
        struct checks *c, const struct receipt *r, const struct addr *who, unsigned round)
{
	const struct deal *d = &r->deal;
	bool ok = d->hot.mediation == MEDIATION_SINGLE && d->cold.mediators.n == 1 &&
	          addr_eq(who, &d->cold.mediators.v[0]) && round == 0;

	add(c, TRUST_NOTHING, "it is the deal's single mediator, in the only round there is", ok,
	        "the deal names another mediator, none or several, or the round is not 0");
}

static void check_verdict(struct checks *c, const struct receipt *r, const struct hash *deal)
{
	signed_(c, "verdict", "mediator", verdict_record(), &r->verdict, &r->end_sig,
	        &r->deal.cold.mediators.v[0]);
	same(c, TRUST_NOTHING, "the verdict names the deal", &r->verdict.deal, deal);
	check_mediator(c, r, &r->verdict.mediator, r->verdict.round);
}

static void check_pass(struct checks *c, const struct receipt *r, const struct hash *deal)
{
	signed_(c, "pass", "mediator", pass_record(), &r->pass, &r->end_sig,
	        &r->deal.cold.mediators.v[0]);
	same(c, TRUST_NOTHING, "the pass names the deal", &r->pass.deal, deal);
	check_mediator(c, r, &r->pass.mediator, r->pass.round);
}

static void check_decline(struct checks *c, const struct receipt *r, const struct hash *deal)
{
	signed_(c, "decline", "provider", decline_record(), &r->decline, &r->end_sig,
	        &r->deal.hot.provider);
	same(c, TRUST_NOTHING, "the decline names the deal", &r->decline.deal, deal);
}

static void check_end(struct checks *c, const struct receipt *r, const struct hash *deal,
        const struct hash *result)
{
	if (r->end == ACTION_ACCEPT)
		check_acceptance(c, r, deal, result);
	else if (r->end == ACTION_VERDICT)
		check_verdict(c, r, deal);
	else if (r->end == ACTION_PASS)
		check_pass(c, r, deal);
	else if (r->end == ACTION_DECLINE)
		check_decline(c, r, deal);
}

/* What the provider settles with, of a deal that was never on the ledger. */
static void check_channel(struct checks *c, const struct receipt *r, const struct hash *deal,
        const struct hash *result)
{
	const struct hot *h = &r->deal.hot;
	struct amount cost = deal_cost(h, r->result.count, r->result.bytes);
	char what[160], units[AMOUNT_DEC_MAX];
	struct channel_acceptance due;
	struct hash is, must;

	amount_format(cost, units);
	add(c, TRUST_NOTHING, "a deal that ends so draws on a channel, and has a result",
	        !hash_is_zero(&h->channel) && r->resulted, "it is one of escrow, or has none");
	add(c, TRUST_NOTHING, "count and bytes are within the deal's limits",
	        r->result.count <= h->instruction_limit && r->result.bytes <= h->byte_limit,
	        "the result charges more than the deal allows");
	if (r->end == ACTION_REDEEM) {
		signed_(c, "voucher", "job creator", voucher_record(), &r->voucher, &r->end_sig,
		        &h->job_creator);
		same(c, TRUST_NOTHING, "the voucher is of the deal's channel", &r->voucher.channel,
		        &h->channel);
		snprintf(what, sizeof what,
		        "it counts the deal's number, and holds what the deal's prices give: %.60s units",
		        units);
		add(c, TRUST_NOTHING, what,
		        r->voucher.number >= h->nonce && amount_cmp(r->voucher.sum, cost) >= 0,
		        "its number is lower, or its sum less");
		return;
	}
	channel_acceptance_of(h, deal, result, cost, &due);
	eip712_hash(channel_acceptance_record(), &due, &must);
	eip712_hash(channel_acceptance_record(), &r->in_channel, &is);
	signed_(c, "acceptance", "job creator", channel_acceptance_record(), &r->in_channel,
	        &r->end_sig, &h->job_creator);
	snprintf(what, sizeof what,
	        "the acceptance says what follows from deal and result: %.60s units", units);
	same(c, TRUST_NOTHING, what, &is, &must);
}

/* The enum deal_state that the ending leads to (5.5 to 5.7, 5.10 to 5.13); 0: to none. */
static uint8_t end_state(const struct receipt *r)
{
	switch (r->end) {
	case ACTION_ACCEPT: return DEAL_RESULTS_ACCEPTED;
	case ACTION_VERDICT: return deal_ruled(r->verdict.ruling);
	case ACTION_PASS: return DEAL_TIMEOUT_MEDIATE;
	case ACTION_DECLINE: return DEAL_DECLINED;
	case ACTION_TIMEOUT:
		if (r->event.from == DEAL_AGREED)
			return DEAL_TIMEOUT_SUBMIT;
		if (r->event.from == DEAL_RESULTS_SUBMITTED)
			return DEAL_TIMEOUT_JUDGE;
		return r->event.from == DEAL_RESULTS_CHECKED ? DEAL_TIMEOUT_MEDIATE : 0;
	default: return 0;
	}
}

/* What ended the deal, as a noun. */
static void end_text(const struct receipt *r, char out[80])
{
	switch (r->end) {
	case ACTION_ACCEPT: snprintf(out, 80, "the job creator's acceptance"); break;
	case ACTION_VERDICT:
		snprintf(out, 80, "the mediator's ruling %s",
		        enum_name(&ruling_names, r->verdict.ruling));
		break;
	case ACTION_PASS: snprintf(out, 80, "the mediator's pass"); break;
	case ACTION_DECLINE: snprintf(out, 80, "the provider's decline"); break;
	default:
		snprintf(out, 80, "the passing of the %s deadline",
		        end_state(r) == DEAL_TIMEOUT_SUBMIT  ? "submit"
		        : end_state(r) == DEAL_TIMEOUT_JUDGE ? "judge"
		                                             : "mediate");
		break;
	}
}

/* ---- money ----------------------------------------------------------------------------------------- */

/* Who delivers nothing is paid nothing (5.5). */
static void check_unpaid(struct checks *c, const struct receipt *r)
{
	uint8_t to = end_state(r);

	add(c, TRUST_NOTHING, "a deal that ends so has no result",
	        to == DEAL_DECLINED || to == DEAL_TIMEOUT_SUBMIT, "the result is missing");
	add(c, TRUST_NOTHING, "the ledger paid nothing", amount_is_zero(r->event.amount),
	        "it paid something");
}

static void check_money(struct checks *c, const struct receipt *r)
{
	struct amount cost = deal_cost(&r->deal.hot, r->result.count, r->result.bytes);
	struct amount due = deal_paid(end_state(r), cost);
	char all[AMOUNT_DEC_MAX], want[AMOUNT_DEC_MAX], got[AMOUNT_DEC_MAX], what[160], why[200];
	bool within = r->result.count <= r->deal.hot.instruction_limit &&
	              r->result.bytes <= r->deal.hot.byte_limit;

	amount_format(cost, all);
	amount_format(due, want);
	amount_format(r->event.amount, got);
	add(c, TRUST_NOTHING, "a deal that ends so has a result",
	        end_state(r) != DEAL_DECLINED && end_state(r) != DEAL_TIMEOUT_SUBMIT,
	        "a result where none can be");
	add(c, TRUST_NOTHING, "count and bytes are within the deal's limits", within,
	        "the result charges more than the deal allows");
	if (amount_eq(due, cost))
		snprintf(what, sizeof what,
		        "the ledger paid what the deal's prices give: %.80s units", want);
	else
		snprintf(what, sizeof what,
		        "of the %.50s units that the deal's prices give the ledger paid %.50s", all,
		        want);
	snprintf(why, sizeof why, "it paid %s", got);
	add(c, TRUST_NOTHING, what, amount_eq(due, r->event.amount), why);
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

/* What the event says of the result is what the result says. */
static bool same_outcome(const struct receipt *r)
{
	const struct ledger_event *ev = &r->event;

	return ev->status == r->result.status && ev->count == r->result.count &&
	       ev->bytes == r->result.bytes &&
	       (r->chain.id || hash_eq(&ev->output, &r->output_hash));
}

static void check_result_event(struct checks *c, const struct receipt *r, const struct hash *result)
{
	const struct ledger_event *ev = &r->event;

	if (!r->resulted) {
		add(c, TRUST_NOTHING, "the ledger's event names no result",
		        hash_is_zero(&ev->result) && !ev->status, "it names one");
		return;
	}
	same(c, TRUST_NOTHING, "the ledger's event names the result", &ev->result, result);
	add(c, TRUST_NOTHING, "the ledger's event says of the result what the result says",
	        same_outcome(r), "status, count, bytes or output of the event is another");
}

static void check_event(struct checks *c, const struct receipt *r, const struct hash *action,
        const struct hash *deal, const struct hash *result)
{
	const struct ledger_event *ev = &r->event;
	char what[160], end[80];
	uint8_t to = end_state(r);

	end_text(r, end);
	snprintf(what, sizeof what, "the ledger's event is of %s", end);
	same(c, TRUST_NOTHING, what, &ev->action_id, action);
	same(c, TRUST_NOTHING, "the ledger's event names the deal", &ev->deal, deal);
	check_result_event(c, r, result);
	snprintf(what, sizeof what, "the event ends the deal as %s, in the block's time",
	        to ? sm_name(&deal_states, to) : "nothing does");
	add(c, TRUST_NOTHING, what,
	        to && ev->action == r->end && ev->to == to && sm_may(&deal_states, ev->from, to) &&
	                ev->block == r->block.number && ev->time.s == r->block.time.s,
	        "action, state, block or time of the event is another");
}

static void check_ledger(struct checks *c, const struct receipt *r, const struct hash *deal,
        const struct hash *result)
{
	struct action *a = calloc(1, sizeof *a);
	struct hash id, leaf = {{0}};
	char what[160];
	bool ok;

	assert(a);
	receipt_action(r, a);
	action_id(a, &id);
	free(a);
	check_event(c, r, &id, deal, result);
	ok = leaf_of(r, &id, &leaf) && merkle_check(&leaf, &r->path, &r->block.root);
	add(c, TRUST_NOTHING, "the event is in the block", ok,
	        "its Merkle path leads to another root");
	snprintf(what, sizeof what, "block %llu", (unsigned long long)r->block.number);
	signed_(c, what, "ledger operator", block_record(), &r->block, &r->block_sig,
	        &r->genesis.operator_);
	c->v[c->n - 1].trust = TRUST_OPERATOR;
}

/* ---- chain ----------------------------------------------------------------------------------------- */

/* Is the log that of our contract about the deal? */
static bool right_log(const struct receipt *r, const struct eth_proof *p,
        const struct eth_head *head, const struct hash *deal, struct err *e)
{
	struct bytes receipt;
	struct eth_log l;
	struct evm_log log;
	struct hash of;

	TRY(eth_proof_receipt(p, &head->receipts_root, &receipt, e), e);
	TRY(eth_receipt_log(receipt, p->log, &l, e), e);
	TRY(evm_log_of(&l, &log, e), e);
	if (!addr_eq(&l.account, &r->chain.controller))
		return FAIL(e, TAMPERED, "the log is of another contract");
	evm_log_deal(&log, &of);
	return hash_eq(&of, deal) || FAIL(e, TAMPERED, "the log is of another deal, or of none");
}

static void check_log(
        struct checks *c, const struct receipt *r, const struct hash *deal, enum receipt_log which)
{
	const char *name = which == RECEIPT_LOG_END ? "of the end" : "of the result";
	const struct eth_proof *p = &r->chain.log[which];
	char what[160], who[ADDR_TEXT_MAX];
	unsigned long long number;
	struct err e = {0}, in = {0}, of = {0};
	struct eth_head head = {0};
	struct bytes receipt;
	bool hashed, read, found;

	read = eth_head_read(bytes_of(p->header, p->header_n), &head, &e);
	hashed = read && eth_proof_hash(p, &e);
	found = read && eth_proof_receipt(p, &head.receipts_root, &receipt, &in);
	number = head.number;
	addr_format(&r->chain.controller, who);
	snprintf(what, sizeof what, "the log %s: the header of block %llu has the block's hash",
	        name, number);
	add(c, TRUST_NOTHING, what, hashed, e.msg);
	snprintf(what, sizeof what, "the log %s: the receipt of transaction %u is in block %llu",
	        name, p->tx, number);
	add(c, TRUST_NOTHING, what, found, read ? in.msg : e.msg);
	snprintf(what, sizeof what, "the log %s: log %u of it is of the contract %s and the deal",
	        name, p->log, who);
	add(c, TRUST_NOTHING, what, read && right_log(r, p, &head, deal, &of),
	        read ? of.msg : e.msg);
}

/* The result must be the one that the ledger has: the end's log says it, or that of the submission before it. */
static void check_chain(struct checks *c, const struct receipt *r, const struct hash *deal,
        const struct hash *result)
{
	const struct ledger_event *ev = &r->event;
	char what[160], end[80];
	uint8_t to = end_state(r);

	if (r->chain.submitted)
		check_log(c, r, deal, RECEIPT_LOG_RESULT);
	check_log(c, r, deal, RECEIPT_LOG_END);
	end_text(r, end);
	snprintf(what, sizeof what, "the log of the end is of %s and ends the deal as %s", end,
	        to ? sm_name(&deal_states, to) : "nothing does");
	add(c, TRUST_NOTHING, what, to && ev->to == to, "the state of the log is another");
	check_result_event(c, r, result);
}

void receipt_domain(const struct receipt *r, struct hash *out)
{
	struct hash genesis;

	if (r->chain.id) {
		eip712_domain_evm(r->chain.id, &r->chain.controller, out);
		return;
	}
	eip712_hash(genesis_record(), &r->genesis, &genesis);
	eip712_domain_embedded(&genesis, out);
}

size_t receipt_check(const struct receipt *r, struct receipt_check out[RECEIPT_CHECKS_MAX])
{
	struct checks c = {.v = out};
	struct hash deal, result = {{0}};

	receipt_domain(r, &c.domain);
	eip712_hash(deal_record(), &r->deal, &deal);
	if (r->resulted)
		result_hash_of(&r->result, &r->output_hash, &result);
	check_signatures(&c, r, &result);
	check_links(&c, r, &deal);
	if (receipt_off_ledger(r)) {
		check_channel(&c, r, &deal, &result);
		return c.n;
	}
	check_end(&c, r, &deal, &result);
	if (r->resulted)
		check_money(&c, r);
	else
		check_unpaid(&c, r);
	if (r->chain.id)
		check_chain(&c, r, &deal, &result);
	else
		check_ledger(&c, r, &deal, &result);
	return c.n;
}
