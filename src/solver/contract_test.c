/* contract_test.c - a job creator that is a contract: its judge's key signs and listens, and what was ordered pays. */
#include "solver/solver_suite.h"

static const struct addr contract = {{0xc0, 0xff, 0xee}};

/* What the chain says of every signature that is not its account's own. */
static struct {
	enum vouch says;
	uint64_t number, funds; /* of the job that is vouched for */
	unsigned asked;
} chain;

static enum vouch says(void *self, const struct vouch_for *v, struct amount *funds)
{
	(void)self;
	chain.asked++;
	if (!addr_eq(&v->account, &contract) || v->number != chain.number)
		return VOUCH_NO;
	*funds = amount_of(chain.funds);
	return chain.says;
}

static int set_up(void **state)
{
	struct bench *b;

	if (setup(state) != 0)
		return -1;
	b = *state;
	b->world.contracts = (struct contracts){.ask = says};
	chain.says = VOUCH_YES;
	chain.funds = 1000000000;
	chain.asked = 0;
	return 0;
}

static struct job_offer order(struct bench *b)
{
	struct job_offer j = job_of(b, JC);

	j.job_creator = contract;
	chain.number = j.nonce;
	return j;
}

static void supply(struct bench *b)
{
	struct resource_offer r = resource_of(b, RP);

	assert_int_equal(post_resource(b, RP, &r), 200);
}

static void test_bought(void **state)
{
	struct bench *b = *state;
	struct job_offer j = order(b);
	struct deal d;
	struct hash id;

	supply(b);
	assert_int_equal(post_job(b, JC, &j), 200);
	id = published(b, &d);
	assert_true(addr_eq(&d.hot.job_creator, &contract));
	/* Whoever signed for it hears of it. */
	assert_true(told(fx_of(b, FX_EMIT, "deal", 0), &b->addr[JC]));
	assert_true(told(fx_of(b, FX_EMIT, "deal", 0), &b->addr[RP]));
	assert_int_equal(post_signature(b, JC, &id, &d), 200);
	assert_string_equal(state_of(b), "JC_SIGNED");
	assert_int_equal(post_signature(b, RP, &id, &d), 200);
	assert_true(told(fx_of(b, FX_EMIT, "signed", 0), &b->addr[JC]));
	/* It reads what a party reads, and a stranger does not. */
	assert_int_equal(ask(b, JC, "GET", path_of("/v1/deals/%s", &id), ""), 200);
	assert_non_null(json_object_get(b->reply, "providerSignature"));
	assert_int_equal(ask(b, STRANGER, "GET", path_of("/v1/deals/%s", &id), ""), 200);
	assert_null(json_object_get(b->reply, "providerSignature"));
}

static void test_signed_by_another(void **state)
{
	struct bench *b = *state;
	struct job_offer j = order(b);
	struct deal d;
	struct hash id;

	chain.says = VOUCH_NO;
	assert_int_not_equal(post_job(b, JC, &j), 200);
	assert_err(b, E_SIGNATURE);
	chain.says = VOUCH_LATER;
	assert_int_not_equal(post_job(b, JC, &j), 200);
	assert_err(b, E_BUSY);
	/* Vouched for is the job, not the contract. */
	chain.says = VOUCH_YES;
	chain.number++;
	assert_int_not_equal(post_job(b, JC, &j), 200);
	assert_err(b, E_SIGNATURE);
	chain.number--;
	supply(b);
	assert_int_equal(post_job(b, JC, &j), 200);
	id = published(b, &d);
	chain.says = VOUCH_NO;
	assert_int_not_equal(post_signature(b, STRANGER, &id, &d), 200);
	assert_err(b, E_SIGNATURE);
}

/* On a ledger without contracts nobody is asked. */
static void test_no_contracts(void **state)
{
	struct bench *b = *state;
	struct job_offer j = order(b);

	b->world.contracts = (struct contracts){.ask = NULL};
	assert_int_not_equal(post_job(b, JC, &j), 200);
	assert_err(b, E_SIGNATURE);
	assert_int_equal(chain.asked, 0);
}

static void test_what_was_ordered_pays(void **state)
{
	struct bench *b = *state;
	struct job_offer j = order(b);
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};
	struct deal d;

	chain.funds = 1;
	assert_int_not_equal(post_job(b, JC, &j), 200);
	assert_err(b, E_FUNDS);
	chain.funds = 1000000000;
	assert_int_equal(post_job(b, JC, &j), 200);
	/* What it has on the ledger is of other jobs. */
	n.event.seq = ++b->seq;
	n.event.time = b->ledger;
	n.event.changes_n = 1;
	n.event.changes[0] = (struct balance_change){.account = contract, .free = amount_of(0)};
	ledger_note_of(b, &n);
	supply(b);
	published(b, &d);
	assert_true(addr_eq(&d.hot.job_creator, &contract));
}

static void test_restart(void **state)
{
	struct bench *b = *state;
	struct job_offer j = order(b);
	struct deal d;

	assert_int_equal(post_job(b, JC, &j), 200);
	restart(b);
	clock_note(b);
	supply(b);
	published(b, &d);
	assert_true(told(fx_of(b, FX_EMIT, "deal", 0), &b->addr[JC]));
}

static void test_taken_back(void **state)
{
	struct bench *b = *state;
	struct job_offer j = order(b);
	struct hash id;

	assert_int_equal(post_job(b, JC, &j), 200);
	eip712_hash(job_offer_record(), &j, &id);
	chain.says = VOUCH_NO;
	assert_int_not_equal(post_cancel(b, &id, &id, STRANGER), 200);
	assert_err(b, E_SIGNATURE);
	chain.says = VOUCH_YES;
	assert_int_equal(post_cancel(b, &id, &id, JC), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_bought, set_up, teardown),
	        cmocka_unit_test_setup_teardown(test_signed_by_another, set_up, teardown),
	        cmocka_unit_test_setup_teardown(test_no_contracts, set_up, teardown),
	        cmocka_unit_test_setup_teardown(test_what_was_ordered_pays, set_up, teardown),
	        cmocka_unit_test_setup_teardown(test_restart, set_up, teardown),
	        cmocka_unit_test_setup_teardown(test_taken_back, set_up, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
