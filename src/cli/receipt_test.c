/* receipt_test.c - a receipt of every ending that holds, and that no byte of it can be changed. */
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
};
/* clang-format off */
static const struct ending endings[] = {
	{"accept",        ACTION_ACCEPT,  0,                       DEAL_RESULTS_SUBMITTED, DEAL_RESULTS_ACCEPTED,    false, 2},
	{"accept early",  ACTION_ACCEPT,  0,                       DEAL_AGREED,            DEAL_RESULTS_ACCEPTED,    false, 2},
	{"accept unseen", ACTION_ACCEPT,  0,                       DEAL_RESULTS_SUBMITTED, DEAL_RESULTS_ACCEPTED,    true,  2},
	{"correct",       ACTION_VERDICT, RULING_RESULT_CORRECT,   DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_ACCEPTED,  false, 2},
	{"faulty",        ACTION_VERDICT, RULING_JOB_FAULTY,       DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_JOB_FAULTY, false, 0},
	{"wrong",         ACTION_VERDICT, RULING_RESULT_WRONG,     DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_REJECTED,  false, 0},
	{"too much",      ACTION_VERDICT, RULING_TOO_MUCH_CHARGED, DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_REJECTED,  false, 0},
	{"not found",     ACTION_VERDICT, RULING_RESULT_NOT_FOUND, DEAL_RESULTS_CHECKED,   DEAL_MEDIATION_REJECTED,  true,  0},
	{"pass",          ACTION_PASS,    0,                       DEAL_RESULTS_CHECKED,   DEAL_TIMEOUT_MEDIATE,     false, 1},
	{"judge late",    ACTION_TIMEOUT, 0,                       DEAL_RESULTS_SUBMITTED, DEAL_TIMEOUT_JUDGE,       false, 2},
	{"mediate late",  ACTION_TIMEOUT, 0,                       DEAL_RESULTS_CHECKED,   DEAL_TIMEOUT_MEDIATE,     false, 1},
};
/* clang-format on */
enum { ACCEPTED = 0, CORRECT = 3, WRONG = 5, NOT_FOUND = 7, PASSED, JUDGE_LATE, MEDIATE_LATE };

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
	}
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
	eip712_hash(result_record(), &r->result, &r->event.result);
	if (x->hidden)
		hide(r);
	seal(w);
}

static struct world_ *make_of(const struct ending *x)
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
	make_deal(w, x->kind != ACTION_ACCEPT);
	make_result(w);
	make_end(w, x);
	make_event(w, x);
	return w;
}

static struct world_ *make(void)
{
	return make_of(&endings[ACCEPTED]);
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

static void assert_holds(const struct ending *x)
{
	struct receipt_check c[RECEIPT_CHECKS_MAX];
	struct world_ *w = make_of(x);
	struct buf b OWN(buf_done) = {0};
	size_t n;

	n = receipt_check(&w->r, c);
	assert_true(n > 20);
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

/* The acknowledgement as the second of three under one signature. */
static void in_batch(struct world_ *w)
{
	struct hash leaves[3] = {hash_no(61), {{0}}, hash_no(62)}, nodes[MERKLE_NODES(3)];
	struct acked *a = &w->r.acked;
	struct merkle_path path;

	eip712_hash(ack_record(), &a->ack, &leaves[1]);
	a->batch = (struct ack_batch){
	        .first = a->ack.sequence - 1, .count = 3, .time = {SAMPLE_NOW + 1}};
	a->batch.root = nodes[merkle_levels(leaves, 3, nodes) - 1];
	merkle_path_of(nodes, 3, 1, &path);
	a->path.n = path.n;
	memcpy(a->path.v, path.siblings, path.n * sizeof *path.siblings);
	sign(w, SOLVER, ack_batch_record(), &a->batch, &a->sig);
}

static void test_batch(void **state)
{
	struct world_ *w = make();
	struct buf b OWN(buf_done) = {0};
	size_t from, to;

	(void)state;
	in_batch(w);
	assert_int_equal(wrong(&w->r), 0);
	buf_init(&b, RECEIPT_BYTES_MAX);
	receipt_format(&w->r, &b);
	assert_true(holds(buf_view(&b)));
	/* Its members are the first of the text. */
	from = (size_t)((uint8_t *)memmem(b.p, b.n, "\"ackBatch", 9) - b.p);
	to = (size_t)((uint8_t *)memmem(b.p, b.n, "\"deal\":{", 8) - b.p);
	assert_true(from < to && to < b.n);
	for (size_t i = from; i < to; i++) {
		uint8_t old = b.p[i];

		b.p[i] = old == '1' ? '2' : '1';
		assert_false(holds(buf_view(&b)));
		b.p[i] = old;
	}
	/* The signature over a batch is none over what is not in it. */
	w->r.acked.ack.sequence++;
	assert_int_equal(wrong(&w->r), 1);
	free(w);
}

static void test_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(endings); i++)
		assert_holds(&endings[i]);
}

/* Bytes become another digit or letter, so that most changes are well-formed still. */
static void some_bytes(const struct ending *x, size_t first, size_t step)
{
	struct world_ *w = make_of(x);
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

/* All bytes of the first ending; of the others, which share most members with it, one in seven. */
static void test_every_byte(void **state)
{
	(void)state;
	some_bytes(&endings[ACCEPTED], 0, 1);
	for (size_t i = 1; i < COUNT(endings); i++)
		some_bytes(&endings[i], i % 7, 7);
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
	w->r.acked.ack.offer = hash_no(9);
	sign(w, SOLVER, ack_record(), &w->r.acked.ack, &w->r.acked.sig);
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

/* Changes a receipt of that ending and has whoever profits sign and seal it anew. */
struct forgery {
	const char *what;
	unsigned of; /* endings[] */
	void (*change)(struct world_ *w);
	unsigned wrong; /* checks that notice */
};

static void sign_verdict(struct world_ *w, int who)
{
	sign(w, who, verdict_record(), &w->r.verdict, &w->r.end_sig);
	seal(w);
}
static void by_another(struct world_ *w)
{
	sign_verdict(w, SOLVER);
}
static void names_another(struct world_ *w)
{
	w->r.verdict.mediator = w->addr[SOLVER];
	sign_verdict(w, MEDIATOR);
}
static void second_round(struct world_ *w)
{
	w->r.verdict.round = 1;
	sign_verdict(w, MEDIATOR);
}
static void of_another_deal(struct world_ *w)
{
	w->r.verdict.deal = hash_no(4);
	sign_verdict(w, MEDIATOR);
}
static void other_ruling(struct world_ *w)
{
	w->r.verdict.ruling = RULING_RESULT_CORRECT; /* another state, another sum */
	sign_verdict(w, MEDIATOR);
}
static void cannot_rule(struct world_ *w)
{
	w->r.verdict.ruling = RULING_CANNOT_RULE;
	sign_verdict(w, MEDIATOR);
}
static void other_state(struct world_ *w)
{
	w->r.event.to = DEAL_MEDIATION_REJECTED;
	seal(w);
}
static void undisputed(struct world_ *w)
{
	w->r.event.from = DEAL_RESULTS_SUBMITTED;
	seal(w);
}
static void paid_all(struct world_ *w)
{
	w->r.event.amount = cost_of(&w->r);
	seal(w);
}
static void paid_more_than_half(struct world_ *w)
{
	assert_true(amount_add(w->r.event.amount, amount_of(1), &w->r.event.amount));
	seal(w);
}
static void paid_nothing(struct world_ *w)
{
	w->r.event.amount = amount_of(0);
	seal(w);
}
static void says_less(struct world_ *w)
{
	w->r.event.count--;
	seal(w);
}
static void pass_by_another(struct world_ *w)
{
	sign(w, RP, pass_record(), &w->r.pass, &w->r.end_sig);
	seal(w);
}
static void pass_of_another_deal(struct world_ *w)
{
	w->r.pass.deal = hash_no(4);
	sign(w, MEDIATOR, pass_record(), &w->r.pass, &w->r.end_sig);
	seal(w);
}
static void pass_names_another(struct world_ *w)
{
	w->r.pass.mediator = w->addr[RP];
	sign(w, MEDIATOR, pass_record(), &w->r.pass, &w->r.end_sig);
	seal(w);
}
static void submit_late(struct world_ *w)
{
	w->r.event.from = DEAL_AGREED;
	w->r.event.to = DEAL_TIMEOUT_SUBMIT;
	seal(w);
}
static void another_action(struct world_ *w)
{
	w->r.event.action = ACTION_CANCEL;
	seal(w);
}
static void other_hidden_output(struct world_ *w)
{
	w->r.output_hash = hash_no(8);
	seal(w);
}
static void hidden_by_another(struct world_ *w)
{
	w->r.result_sig = w->r.jc_sig;
	seal(w);
}

static void test_forgeries(void **state)
{
	static const struct forgery all[] = {
	        {"the verdict is another's", WRONG, by_another, 1},
	        {"the verdict names another mediator", WRONG, names_another, 1},
	        {"the verdict is of an appeal", WRONG, second_round, 1},
	        {"the verdict is of another deal", WRONG, of_another_deal, 1},
	        {"the ruling leads elsewhere", WRONG, other_ruling, 2},
	        {"no ruling", WRONG, cannot_rule, 1},
	        {"the ledger ruled otherwise", CORRECT, other_state, 1},
	        {"nobody had disputed it", CORRECT, undisputed, 1},
	        {"a rejected result was paid", WRONG, paid_all, 1},
	        {"a good result was not paid", CORRECT, paid_nothing, 1},
	        {"the ledger's count is another", CORRECT, says_less, 1},
	        {"the pass is another's", PASSED, pass_by_another, 1},
	        {"the pass is of another deal", PASSED, pass_of_another_deal, 1},
	        {"the pass names another", PASSED, pass_names_another, 1},
	        {"a pass paid all", PASSED, paid_all, 1},
	        {"half, rounded up", MEDIATE_LATE, paid_more_than_half, 1},
	        {"a late judge paid nothing", JUDGE_LATE, paid_nothing, 1},
	        {"no result at the deadline", JUDGE_LATE, submit_late, 2},
	        {"another action", MEDIATE_LATE, another_action, 1},
	        {"another output", NOT_FOUND, other_hidden_output, 3},
	        {"a result of the creator", NOT_FOUND, hidden_by_another, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct world_ *w = make_of(&endings[all[i].of]);
		unsigned n;

		all[i].change(w);
		n = wrong(&w->r);
		if (n != all[i].wrong)
			fail_msg("%s: %u checks fail, not %u", all[i].what, n, all[i].wrong);
		free(w);
	}
}

/* A deal with several mediators, or none, is ended by no single one's verdict. */
static void test_no_single_mediator(void **state)
{
	struct world_ *w = make_of(&endings[WRONG]);

	(void)state;
	w->r.deal.cold.mediators.n = 2;
	w->r.deal.cold.mediators.v[1] = w->addr[SOLVER];
	assert_true(wrong(&w->r) > 1);
	w->r.deal.cold.mediators.n = 0;
	w->r.deal.cold.mediators.v[0] = (struct addr){{0}};
	assert_true(wrong(&w->r) > 1);
	free(w);
}

/* Exactly the documents of its own ending. */
static void test_members_of_other_endings(void **state)
{
	static const char *const names[] = {"acceptance", "acceptanceSignature", "verdict",
	        "verdictSignature", "pass", "passSignature", "stored", "storedSignature"};
	struct receipt *r = calloc(1, sizeof *r);

	(void)state;
	assert_non_null(r);
	for (size_t i = 0; i < COUNT(endings); i++) {
		struct world_ *w = make_of(&endings[i]);
		struct buf b OWN(buf_done) = {0};
		json_t *j OWN(json_own) = NULL;
		struct err e;

		buf_init(&b, RECEIPT_BYTES_MAX);
		receipt_format(&w->r, &b);
		assert_true(json_parse(buf_view(&b), &j, &e));
		for (size_t k = 0; k < COUNT(names); k++) {
			json_t *had = json_incref(json_object_get(j, names[k]));

			if (had)
				json_object_del(j, names[k]);
			else
				json_object_set_new(j, names[k], json_null());
			buf_reset(&b);
			json_canonical(j, &b);
			if (receipt_parse(buf_view(&b), r, &e))
				fail_msg("%s: %s %s", endings[i].name, names[k],
				        had ? "is not missed" : "is taken");
			assert_int_equal(e.code, E_TAMPERED);
			if (had)
				json_object_set_new(j, names[k], had);
			else
				json_object_del(j, names[k]);
		}
		free(w);
	}
	free(r);
}

static void test_ledger_answers(void **state)
{
	struct receipt *r = calloc(1, sizeof *r);
	json_t *check = json_pack("{s:{s:s, s:s}}", "action", "kind", "timeout", "dealId",
	        "0x0000000000000000000000000000000000000000000000000000000000000001");
	struct err e;

	(void)state;
	assert_non_null(r);
	assert_true(receipt_take_end(check, r, &e));
	assert_int_equal(r->end, ACTION_TIMEOUT);
	assert_false(receipt_take_result(check, r, &e));
	assert_int_equal(e.code, E_JSON_VALUE);
	assert_false(receipt_take_end(json_object_get(check, "action"), r, &e));
	assert_int_equal(e.code, E_JSON_VALUE);
	json_decref(check);
	free(r);
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
	        cmocka_unit_test(test_batch),
	        cmocka_unit_test(test_every_byte),
	        cmocka_unit_test(test_lies),
	        cmocka_unit_test(test_forgeries),
	        cmocka_unit_test(test_no_single_mediator),
	        cmocka_unit_test(test_members_of_other_endings),
	        cmocka_unit_test(test_ledger_answers),
	        cmocka_unit_test(test_not_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
