/* receipt_rig.h - for the tests of receipts: one of every ending, on the embedded ledger and on a chain, with all that
 * its parties sign. Include after cmocka.h. */
#ifndef LILYPAD_CLI_RECEIPT_RIG_H
#define LILYPAD_CLI_RECEIPT_RIG_H

#include <stdlib.h>

#include "chain/contracts.h"
#include "cli/receipt.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/mpt.h"
#include "codec/rlp.h"
#include "codec/signed.h"
#include "crypto/keccak.h"
#include "crypto/secp.h"
#include "market/deal_of.h"
#include "market/sample.h"
#include "model/parts.h"
#include "port/action_json.h"

enum { JC, RP, SOLVER, DIRECTORY, OPERATOR, MEDIATOR, KEYS };

struct world_ {
	struct seckey key[KEYS];
	struct addr addr[KEYS];
	struct hash domain;
	struct receipt r;
};

static void sign(
        struct world_ *w, int who, const struct record *rec, const void *row, struct sig *out)
{
	struct hash digest;
	struct err e;

	signed_digest(&w->domain, rec, row, &digest);
	assert_true(secp_sign(&w->key[who], &digest, out, &e));
}

static void make_deal(struct world_ *w, bool single)
{
	struct receipt *r = &w->r;
	struct resource_offer offer = sample_resource();
	struct deal_making making = {.open_by = {SAMPLE_NOW + 600}};
	struct err e;

	r->offer = sample_job();
	r->offer.job_creator = w->addr[JC];
	r->offer.solver = offer.solver = w->addr[SOLVER];
	r->offer.directory = offer.directories.v[0] = w->addr[DIRECTORY];
	offer.provider = w->addr[RP];
	if (single) {
		r->offer.mediation = MEDIATION_SINGLE;
		r->offer.terms.seats = 1;
		r->offer.mediators.n = offer.mediators.n = 1;
		r->offer.mediators.v[0] = offer.mediators.v[0] = w->addr[MEDIATOR];
	}
	making.job_offer = job_id(&r->offer);
	making.resource_offer = resource_id(&offer);
	if (!deal_from_offers(&r->offer, &offer, &making, &r->deal, &e))
		fail_msg("%s", e.msg);
	sign(w, JC, job_offer_record(), &r->offer, &r->offer_sig);
	sign(w, JC, deal_record(), &r->deal, &r->jc_sig);
	sign(w, RP, deal_record(), &r->deal, &r->rp_sig);
	r->acked.ack = (struct ack){.offer = making.job_offer, .sequence = 7, .time = {SAMPLE_NOW}};
	sign(w, SOLVER, ack_record(), &r->acked.ack, &r->acked.sig);
	r->match = (struct match){.job_offer = making.job_offer,
	        .resource_offer = making.resource_offer,
	        .sequence = 7,
	        .time = {SAMPLE_NOW}};
	eip712_hash(deal_record(), &r->deal, &r->match.deal);
	sign(w, SOLVER, match_record(), &r->match, &r->match_sig);
}

static void make_result(struct world_ *w)
{
	struct receipt *r = &w->r;

	r->resulted = true;
	r->result = (struct result){
	        .deal = r->match.deal, .status = STATUS_COMPLETED, .count = 1000, .bytes = 200};
	r->result.output.tree = hash_no(77);
	sign(w, RP, result_record(), &r->result, &r->result_sig);
	r->stored = (struct stored){.deal = r->match.deal,
	        .output = hash_no(77),
	        .bytes = 200,
	        .keep_until = {SAMPLE_NOW + 86400}};
	sign(w, DIRECTORY, stored_record(), &r->stored, &r->stored_sig);
	eip712_hash(output_record(), &r->result.output, &r->output_hash);
	r->shown = true;
}

/* How a deal ends, and what of COST it pays. */
struct ending {
	const char *name;
	uint8_t kind, ruling, from, to;
	bool hidden; /* the result was not shown */
	unsigned halves;
	bool none; /* no result */
};
/* clang-format off */
static const struct ending endings[] = {
	{"accept",        ACTION_ACCEPT,  0,                       DEAL_RESULTS_SUBMITTED, DEAL_RESULTS_ACCEPTED,    false, 2, false},
	{"accept early",  ACTION_ACCEPT,  0,                       DEAL_AGREED,            DEAL_RESULTS_ACCEPTED,    false, 2, false},
	{"accept unseen", ACTION_ACCEPT,  0,                       DEAL_RESULTS_SUBMITTED, DEAL_RESULTS_ACCEPTED,    true,  2, false},
	{"correct",       ACTION_VERDICT, RULING_RESULT_CORRECT,   DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_ACCEPTED,  false, 2, false},
	{"faulty",        ACTION_VERDICT, RULING_JOB_FAULTY,       DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_JOB_FAULTY, false, 0, false},
	{"wrong",         ACTION_VERDICT, RULING_RESULT_WRONG,     DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_REJECTED,  false, 0, false},
	{"too much",      ACTION_VERDICT, RULING_TOO_MUCH_CHARGED, DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_REJECTED,  false, 0, false},
	{"not found",     ACTION_VERDICT, RULING_RESULT_NOT_FOUND, DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_REJECTED,  true,  0, false},
	{"pass",          ACTION_PASS,    0,                       DEAL_RESULTS_CHECKED,   DEAL_TIMEOUT_MEDIATE,     false, 1, false},
	{"judge late",    ACTION_TIMEOUT, 0,                       DEAL_RESULTS_SUBMITTED, DEAL_TIMEOUT_JUDGE,       false, 2, false},
	{"mediate late",  ACTION_TIMEOUT, 0,                       DEAL_RESULTS_CHECKED,   DEAL_TIMEOUT_MEDIATE,     false, 1, false},
	{"declined",      ACTION_DECLINE, 0,                       DEAL_AGREED,            DEAL_DECLINED,            false, 0, true},
	{"submit late",   ACTION_TIMEOUT, 0,                       DEAL_AGREED,            DEAL_TIMEOUT_SUBMIT,      false, 0, true},
};
/* clang-format on */
enum {
	ACCEPTED,
	EARLY,
	CORRECT = 3,
	WRONG = 5,
	NOT_FOUND = 7,
	PASSED,
	JUDGE_LATE,
	MEDIATE_LATE,
	REFUSED,
	SUBMIT_LATE
};

static void hide(struct receipt *r)
{
	r->shown = false;
	r->result.output = (struct output){0};
	r->stored = (struct stored){0};
	r->stored_sig = (struct sig){0};
}

static void make_end(struct world_ *w, const struct ending *x)
{
	struct receipt *r = &w->r;

	r->end = x->kind;
	if (x->kind == ACTION_ACCEPT) {
		r->acceptance.deal = r->match.deal;
		eip712_hash(result_record(), &r->result, &r->acceptance.result);
		sign(w, JC, acceptance_record(), &r->acceptance, &r->end_sig);
	} else if (x->kind == ACTION_VERDICT) {
		r->verdict = (struct verdict){.deal = r->match.deal,
		        .mediator = w->addr[MEDIATOR],
		        .ruling = x->ruling,
		        .output = hash_no(78),
		        .count = 900,
		        .bytes = 200,
		        .salt = hash_no(79)};
		sign(w, MEDIATOR, verdict_record(), &r->verdict, &r->end_sig);
	} else if (x->kind == ACTION_PASS) {
		r->pass = (struct pass){.deal = r->match.deal, .mediator = w->addr[MEDIATOR]};
		sign(w, MEDIATOR, pass_record(), &r->pass, &r->end_sig);
	} else if (x->kind == ACTION_DECLINE) {
		r->decline = (struct decline){.deal = r->match.deal, .reason = 1};
		sign(w, RP, decline_record(), &r->decline, &r->end_sig);
	}
}

/* ---- the embedded ledger --------------------------------------------------------------------------- */

/* A block of two actions, ours the first. */
static void seal(struct world_ *w)
{
	struct receipt *r = &w->r;
	struct hash pair[2], leaves[2], scratch[2];
	struct action *a = calloc(1, sizeof *a);
	struct buf b OWN(buf_done) = {0};
	json_t *j;

	assert_non_null(a);
	receipt_action(r, a);
	action_id(a, &r->event.action_id);
	free(a);
	j = ledger_event_to_json(&r->event);
	buf_init(&b, 1 << 16);
	json_canonical(j, &b);
	json_decref(j);
	pair[0] = r->event.action_id;
	keccak256(b.p, b.n, &pair[1]);
	keccak256(pair, sizeof pair, &leaves[0]);
	leaves[1] = hash_no(5);
	merkle_root(leaves, 2, scratch, &r->block.root);
	merkle_prove(leaves, 2, 0, scratch, &r->path);
	sign(w, OPERATOR, block_record(), &r->block, &r->block_sig);
}

static struct amount cost_of(const struct receipt *r)
{
	const struct hot *h = &r->deal.hot;
	struct amount cost, x;

	assert_true(amount_mul(h->per_instruction, 1000, &cost));
	assert_true(amount_mul(h->per_byte, 200, &x));
	assert_true(amount_add(cost, x, &cost));
	assert_true(amount_add(cost, h->base, &cost));
	return cost;
}

static void make_event(struct world_ *w, const struct ending *x)
{
	struct receipt *r = &w->r;
	struct amount cost = cost_of(r);

	r->block = (struct block){.number = 12, .parent = hash_no(3), .time = {SAMPLE_NOW + 30}};
	r->event = (struct ledger_event){.seq = 40,
	        .block = 12,
	        .time = {SAMPLE_NOW + 30},
	        .action = x->kind,
	        .deal = r->match.deal,
	        .from = x->from,
	        .to = x->to,
	        .status = r->result.status,
	        .count = r->result.count,
	        .bytes = r->result.bytes,
	        .output = r->output_hash,
	        .amount = x->halves == 2   ? cost
	                  : x->halves == 1 ? amount_half(cost)
	                                   : amount_of(0)};
	if (r->resulted)
		eip712_hash(result_record(), &r->result, &r->event.result);
	if (x->hidden)
		hide(r);
	seal(w);
}

/* ---- a chain ---------------------------------------------------------------------------------------- */

enum { CHAIN = 31337, RECEIPTS = 3, OURS = 1 /* the receipt, and the log in it */ };

/* `bits` of v from bit `at` of a big-endian word on. */
static void put_bits(uint8_t word[32], unsigned at, unsigned bits, struct amount v)
{
	uint8_t be[32];

	amount_to_be(v, be);
	for (unsigned i = 0; i < bits / 8; i++)
		word[31 - at / 8 - i] = be[31 - i];
}

static void put_log(struct buf *out, const struct addr *who, const char *event,
        const struct hash *deal, struct bytes data)
{
	struct buf log OWN(buf_done) = {0}, topics OWN(buf_done) = {0};
	struct hash id;

	abi_id(event, &id);
	buf_init(&log, 1024);
	buf_init(&topics, 1024);
	rlp_put_bytes(&topics, bytes_of(id.b, 32));
	rlp_put_bytes(&topics, bytes_of(deal->b, 32));
	rlp_put_bytes(&log, bytes_of(who->b, 20));
	rlp_put_list(&log, buf_bytes(&topics));
	rlp_put_bytes(&log, data);
	rlp_put_list(out, buf_bytes(&log));
}

/* A receipt of EIP-1559 with those logs. */
static void put_receipt(struct buf *out, struct bytes logs)
{
	static const uint8_t bloom[256];
	struct buf items OWN(buf_done) = {0};

	buf_init(&items, 4096);
	rlp_put_u64(&items, 1);
	rlp_put_u64(&items, 21000);
	rlp_put_bytes(&items, bytes_of(bloom, sizeof bloom));
	rlp_put_list(&items, logs);
	buf_byte(out, 2);
	rlp_put_list(out, buf_bytes(&items));
}

static void put_header(struct eth_proof *p, const struct hash *receipts, uint64_t number)
{
	struct buf items OWN(buf_done) = {0}, header OWN(buf_done) = {0};
	struct hash other = hash_no(66);

	buf_init(&items, 4096);
	buf_init(&header, 4096);
	for (unsigned i = 0; i < 16; i++) {
		if (i == 5)
			rlp_put_bytes(&items, bytes_of(receipts->b, 32));
		else if (i == 8)
			rlp_put_u64(&items, number);
		else if (i == 11)
			rlp_put_u64(&items, SAMPLE_NOW + number);
		else
			rlp_put_bytes(&items, bytes_of(other.b, 32));
	}
	rlp_put_list(&header, buf_bytes(&items));
	p->header_n = header.n;
	memcpy(p->header, header.p, header.n);
	keccak256(p->header, p->header_n, &p->block);
}

/* A block whose second receipt has, behind a log of somebody else, this one. */
static void seal_log(struct world_ *w, enum receipt_log which, const struct addr *who,
        const char *event, const struct hash *deal, struct bytes data)
{
	struct eth_proof *p = &w->r.chain.log[which];
	struct buf logs OWN(buf_done) = {0}, path OWN(buf_done) = {0}, all[RECEIPTS] = {0};
	struct mpt_item items[RECEIPTS];
	uint8_t key[RECEIPTS][ETH_KEY_MAX];
	struct hash root, other = hash_no(65);
	struct err e;

	buf_init(&logs, 4096);
	buf_init(&path, ETH_PATH_MAX);
	put_log(&logs, &w->addr[SOLVER], ev_Moved, &other, data);
	put_log(&logs, who, event, deal, data);
	for (unsigned i = 0; i < RECEIPTS; i++) {
		buf_init(&all[i], 4096);
		put_receipt(&all[i], i == OURS ? buf_bytes(&logs) : bytes_of(NULL, 0));
		items[i].key = bytes_of(key[i], eth_index_key(i, key[i]));
		items[i].value = buf_bytes(&all[i]);
	}
	assert_true(mpt_prove(items, RECEIPTS, OURS, &root, &path, &e));
	put_header(p, &root, 12 + which);
	p->tx = p->log = OURS;
	p->path_n = path.n;
	memcpy(p->path, path.p, path.n);
	for (unsigned i = 0; i < RECEIPTS; i++)
		buf_done(&all[i]);
}

static void outcome(const struct receipt *r, uint8_t data[64])
{
	struct hash result;

	memset(data, 0, 64);
	result_hash_of(&r->result, &r->output_hash, &result);
	memcpy(data, result.b, 32);
	put_bits(data + 32, 0, 8, amount_of(r->result.status));
	put_bits(data + 32, 8, 64, amount_of(r->result.count));
	put_bits(data + 32, 72, 64, amount_of(r->result.bytes));
	put_bits(data + 32, 136, 96, cost_of(r));
}

static void seal_moved(struct world_ *w, uint8_t from, uint8_t to, struct amount paid)
{
	uint8_t word[32] = {0};

	put_bits(word, 0, 8, amount_of(from));
	put_bits(word, 8, 8, amount_of(to));
	put_bits(word, 64, 96, paid);
	seal_log(w, RECEIPT_LOG_END, &w->r.chain.controller, ev_Moved, &w->r.match.deal,
	        bytes_of(word, sizeof word));
	receipt_read_logs(&w->r);
}

/* As the contract tells it: a result that came with its acceptance by one log, anything else by that of the result,
 * if there is one, and that of the end. */
static void make_logs(struct world_ *w, const struct ending *x)
{
	struct receipt *r = &w->r;
	struct amount cost = cost_of(r);
	bool early = x->kind == ACTION_ACCEPT && x->from == DEAL_AGREED;
	uint8_t data[64];

	outcome(r, data);
	if (x->hidden)
		hide(r);
	r->chain.submitted = r->resulted && !early;
	if (r->resulted)
		seal_log(w, early ? RECEIPT_LOG_END : RECEIPT_LOG_RESULT, &r->chain.controller,
		        early ? ev_Accepted : ev_Submitted, &r->match.deal,
		        bytes_of(data, sizeof data));
	if (!early)
		seal_moved(w, x->from, x->to,
		        x->halves == 2   ? cost
		        : x->halves == 1 ? amount_half(cost)
		                         : amount_of(0));
	receipt_read_logs(r);
}

/* ---- a receipt -------------------------------------------------------------------------------------- */

static struct world_ *make_on(const struct ending *x, bool chain)
{
	struct world_ *w = calloc(1, sizeof *w);
	struct err e;

	assert_non_null(w);
	for (int i = 0; i < KEYS; i++) {
		w->key[i].b[31] = (uint8_t)(i + 1);
		assert_true(seckey_addr(&w->key[i], &w->addr[i], &e));
	}
	if (chain) {
		w->r.chain.id = CHAIN;
		w->r.chain.controller = w->addr[OPERATOR];
	} else {
		w->r.genesis = (struct genesis){.name = "test",
		        .operator_ = w->addr[OPERATOR],
		        .symbol = "LP",
		        .decimals = 18,
		        .min = {30},
		        .life = {86400},
		        .unbonding = {90000},
		        .test = true};
	}
	receipt_domain(&w->r, &w->domain);
	make_deal(w, x->kind != ACTION_ACCEPT);
	if (!x->none)
		make_result(w);
	make_end(w, x);
	if (chain)
		make_logs(w, x);
	else
		make_event(w, x);
	return w;
}

/* 0: it holds. */
static unsigned wrong(const struct receipt *r)
{
	struct receipt_check c[RECEIPT_CHECKS_MAX];
	size_t n = receipt_check(r, c);
	unsigned bad = 0;

	for (size_t i = 0; i < n; i++)
		bad += !c[i].ok;
	return bad;
}

static bool holds(struct str text)
{
	struct receipt *r = calloc(1, sizeof *r);
	struct err e;
	bool ok;

	assert_non_null(r);
	ok = receipt_parse(text, r, &e) && wrong(r) == 0;
	free(r);
	return ok;
}

static void assert_holds(const struct ending *x, bool chain)
{
	struct receipt_check c[RECEIPT_CHECKS_MAX];
	struct world_ *w = make_on(x, chain);
	struct buf b OWN(buf_done) = {0};
	size_t n;

	n = receipt_check(&w->r, c);
	assert_true(n > 15);
	for (size_t i = 0; i < n; i++) {
		if (!c[i].ok)
			fail_msg("%s: %s: %s", x->name, c[i].what, c[i].why);
	}
	buf_init(&b, RECEIPT_BYTES_MAX);
	receipt_format(&w->r, &b);
	assert_true(holds(buf_view(&b)));
	buf_byte(&b, '\n');
	assert_true(holds(buf_view(&b)));
	buf_byte(&b, '\n');
	assert_false(holds(buf_view(&b)));
	free(w);
}

/* Bytes become another digit or letter, so that most changes are well-formed still. */
static void some_bytes(const struct ending *x, bool chain, size_t first, size_t step)
{
	struct world_ *w = make_on(x, chain);
	struct buf b OWN(buf_done) = {0};

	buf_init(&b, RECEIPT_BYTES_MAX);
	receipt_format(&w->r, &b);
	for (size_t i = first; i < b.n; i += step) {
		uint8_t old = b.p[i];

		b.p[i] = old == '1' ? '2' : old == 'a' ? 'b' : old >= '0' && old <= '9' ? '1' : 'a';
		if (holds(buf_view(&b)))
			fail_msg("%s: byte %zu, from %c to %c in %.60s", x->name, i, old, b.p[i],
			        (const char *)b.p + (i > 30 ? i - 30 : 0));
		b.p[i] = old;
	}
	free(w);
}

#endif
