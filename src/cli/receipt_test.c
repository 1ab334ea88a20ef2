/* receipt_test.c - a receipt that holds, and that no byte of it can be changed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "cli/receipt.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/keccak.h"
#include "crypto/secp.h"
#include "market/deal_of.h"
#include "market/sample.h"
#include "port/action_json.h"

enum { JC, RP, SOLVER, DIRECTORY, OPERATOR, KEYS };

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

static void make_deal(struct world_ *w)
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
	making.job_offer = job_id(&r->offer);
	making.resource_offer = resource_id(&offer);
	if (!deal_from_offers(&r->offer, &offer, &making, &r->deal, &e))
		fail_msg("%s", e.msg);
	sign(w, JC, job_offer_record(), &r->offer, &r->offer_sig);
	sign(w, JC, deal_record(), &r->deal, &r->jc_sig);
	sign(w, RP, deal_record(), &r->deal, &r->rp_sig);
	r->ack = (struct ack){.offer = making.job_offer, .sequence = 7, .time = {SAMPLE_NOW}};
	sign(w, SOLVER, ack_record(), &r->ack, &r->ack_sig);
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

	r->result = (struct result){
	        .deal = r->match.deal, .status = STATUS_COMPLETED, .count = 1000, .bytes = 200};
	r->result.output.tree = hash_no(77);
	sign(w, RP, result_record(), &r->result, &r->result_sig);
	r->stored = (struct stored){.deal = r->match.deal,
	        .output = hash_no(77),
	        .bytes = 200,
	        .keep_until = {SAMPLE_NOW + 86400}};
	sign(w, DIRECTORY, stored_record(), &r->stored, &r->stored_sig);
	r->acceptance.deal = r->match.deal;
	eip712_hash(result_record(), &r->result, &r->acceptance.result);
	sign(w, JC, acceptance_record(), &r->acceptance, &r->accept_sig);
}

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

static void make_event(struct world_ *w)
{
	struct receipt *r = &w->r;
	const struct prices p = {
	        r->deal.hot.base, r->deal.hot.per_instruction, r->deal.hot.per_byte};
	struct amount x;

	r->block = (struct block){.number = 12, .parent = hash_no(3), .time = {SAMPLE_NOW + 30}};
	r->event = (struct ledger_event){.seq = 40,
	        .block = 12,
	        .time = {SAMPLE_NOW + 30},
	        .action = ACTION_ACCEPT,
	        .deal = r->match.deal,
	        .from = DEAL_RESULTS_SUBMITTED,
	        .to = DEAL_RESULTS_ACCEPTED,
	        .result = r->acceptance.result,
	        .status = r->result.status,
	        .count = r->result.count,
	        .bytes = r->result.bytes};
	eip712_hash(output_record(), &r->result.output, &r->event.output);
	assert_true(amount_mul(p.per_instruction, 1000, &r->event.amount));
	assert_true(amount_mul(p.per_byte, 200, &x));
	assert_true(amount_add(r->event.amount, x, &r->event.amount));
	assert_true(amount_add(r->event.amount, p.base, &r->event.amount));
	seal(w);
}

static struct world_ *make(void)
{
	struct world_ *w = calloc(1, sizeof *w);
	struct hash genesis;
	struct err e;

	assert_non_null(w);
	for (int i = 0; i < KEYS; i++) {
		w->key[i].b[31] = (uint8_t)(i + 1);
		assert_true(seckey_addr(&w->key[i], &w->addr[i], &e));
	}
	w->r.genesis = (struct genesis){.name = "test",
	        .operator_ = w->addr[OPERATOR],
	        .symbol = "LP",
	        .decimals = 18,
	        .min = {30},
	        .life = {86400},
	        .unbonding = {90000},
	        .test = true};
	eip712_hash(genesis_record(), &w->r.genesis, &genesis);
	eip712_domain_embedded(&genesis, &w->domain);
	make_deal(w);
	make_result(w);
	make_event(w);
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

static void test_holds(void **state)
{
	struct receipt_check c[RECEIPT_CHECKS_MAX];
	struct world_ *w = make();
	struct buf b OWN(buf_done) = {0};
	size_t n;

	(void)state;
	n = receipt_check(&w->r, c);
	assert_true(n > 20);
	for (size_t i = 0; i < n; i++) {
		if (!c[i].ok)
			fail_msg("%s: %s", c[i].what, c[i].why);
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

/* Every byte becomes another digit or letter, so that most changes are well-formed still. */
static void test_every_byte(void **state)
{
	struct world_ *w = make();
	struct buf b OWN(buf_done) = {0};

	(void)state;
	buf_init(&b, RECEIPT_BYTES_MAX);
	receipt_format(&w->r, &b);
	for (size_t i = 0; i < b.n; i++) {
		uint8_t old = b.p[i];

		b.p[i] = old == '1' ? '2' : old == 'a' ? 'b' : old >= '0' && old <= '9' ? '1' : 'a';
		if (holds(buf_view(&b)))
			fail_msg("byte %zu, from %c to %c in %.60s", i, old, b.p[i],
			        (const char *)b.p + (i > 30 ? i - 30 : 0));
		b.p[i] = old;
	}
	free(w);
}

/* Each a lie that its teller signs or seals as well. */
static void test_lies(void **state)
{
	struct world_ *w = make();

	(void)state;
	/* The operator says that less was paid than the deal's prices give. */
	w->r.event.amount = amount_of(1);
	seal(w);
	assert_int_equal(wrong(&w->r), 1);
	free(w);

	/* The solver acknowledges another offer. */
	w = make();
	w->r.ack.offer = hash_no(9);
	sign(w, SOLVER, ack_record(), &w->r.ack, &w->r.ack_sig);
	assert_int_equal(wrong(&w->r), 1);
	free(w);

	/* The directory stored another output. */
	w = make();
	w->r.stored.output = hash_no(78);
	sign(w, DIRECTORY, stored_record(), &w->r.stored, &w->r.stored_sig);
	assert_int_equal(wrong(&w->r), 1);
	free(w);

	/* Somebody else is the operator. */
	w = make();
	sign(w, SOLVER, block_record(), &w->r.block, &w->r.block_sig);
	assert_int_equal(wrong(&w->r), 1);
	free(w);

	/* The deal ended otherwise. */
	w = make();
	w->r.event.to = DEAL_TIMEOUT_JUDGE;
	seal(w);
	assert_int_equal(wrong(&w->r), 1);
	free(w);
}

static void test_not_canonical(void **state)
{
	struct world_ *w = make();
	struct buf b OWN(buf_done) = {0};
	struct buf more OWN(buf_done) = {0};
	struct receipt *r = calloc(1, sizeof *r);
	struct err e;

	(void)state;
	assert_non_null(r);
	buf_init(&b, RECEIPT_BYTES_MAX);
	buf_init(&more, RECEIPT_BYTES_MAX);
	receipt_format(&w->r, &b);
	/* A member that no check looks at. */
	buf_z(&more, "{\"a\":1,");
	buf_str(&more, (struct str){(const char *)b.p + 1, b.n - 1});
	assert_false(receipt_parse(buf_view(&more), r, &e));
	assert_int_equal(e.code, E_TAMPERED);
	buf_reset(&more);
	buf_z(&more, "{ ");
	buf_str(&more, (struct str){(const char *)b.p + 1, b.n - 1});
	assert_false(receipt_parse(buf_view(&more), r, &e));
	assert_int_equal(e.code, E_TAMPERED);
	assert_false(receipt_parse(STR("{}"), r, &e));
	assert_int_equal(e.code, E_TAMPERED);
	assert_false(receipt_parse(STR(""), r, &e));
	free(r);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_holds),
	        cmocka_unit_test(test_every_byte),
	        cmocka_unit_test(test_lies),
	        cmocka_unit_test(test_not_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
