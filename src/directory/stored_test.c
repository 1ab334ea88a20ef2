/* stored_test.c - whom the directory tells again what it signed for. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "directory/directory_suite.h"

static const char *id_text(const struct deal *d)
{
	static char text[HASH_TEXT_MAX];
	struct hash id;

	eip712_hash(deal_record(), d, &id);
	hash_format(&id, text);
	return text;
}

static const struct fx *stored_of(struct fixture *f, const char *id, const struct party *who)
{
	return ask_of(f,
	        (struct ask){.method = "GET", .path = "/v1/deals/{deal}/stored", .who = who}, id);
}

static const struct fx *stored(struct fixture *f, const struct deal *d, const struct party *who)
{
	return stored_of(f, id_text(d), who);
}

static void check_of(struct fixture *f, const struct deal *d)
{
	struct ledger_note note = {.stage = LEDGER_EVENT, .event = {.seq = 3}};
	struct event ev = {.kind = EV_LEDGER, .ledger = &note};

	note.event.to = DEAL_RESULTS_CHECKED;
	eip712_hash(deal_record(), d, &note.event.deal);
	give_event(f, &ev);
}

/* Both signatures over the deal, and a good one over each Stored; gives their number. */
static size_t check_answer(
        struct fixture *f, const struct fx *x, const struct deal *d, struct stored *last)
{
	json_t *j OWN(json_own) = NULL;
	struct deal shown;
	const json_t *one;
	struct sig sig;
	size_t i, n;
	struct err e;

	assert_int_equal(code_of(x), E_NONE);
	assert_true(json_parse(bytes_str(x->body), &j, &e));
	assert_true(json_get_record(j, "deal", deal_record(), &shown, &e));
	assert_memory_equal(&shown.hot.job_creator, &d->hot.job_creator, 20);
	assert_true(json_get_sig(j, "jobCreatorSignature", &sig, &e));
	assert_true(signed_check(&f->config.domain, deal_record(), &shown, &sig, &f->jc.addr, &e));
	assert_true(json_get_sig(j, "providerSignature", &sig, &e));
	assert_true(signed_check(&f->config.domain, deal_record(), &shown, &sig, &f->rp.addr, &e));
	n = json_array_size(json_object_get(j, "stored"));
	json_array_foreach (json_object_get(j, "stored"), i, one) {
		assert_true(json_get_record(one, "stored", stored_record(), last, &e));
		assert_true(json_get_sig(one, "signature", &sig, &e));
		assert_true(signed_check(
		        &f->config.domain, stored_record(), last, &sig, &f->self.addr, &e));
	}
	return n;
}

static void members(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node out = tree_of(f, 1, 1000);
	struct cid spec = block_of(f, bytes_of("spec", 4));
	struct deal d = deal_of(f, &spec);
	const struct party *const parties[] = {&f->jc, &f->rp, &f->mediator};
	struct stored st;
	struct hash id;

	eip712_hash(deal_record(), &d, &id);
	/* Nothing is stored: that is said to anybody, and gives nothing away. */
	assert_int_equal(code_of(stored(f, &d, &f->mediator)), E_NOT_FOUND);
	post(f, &out, &f->rp, NULL, show_deal(f, &d, &f->jc, &f->rp));
	assert_int_equal(code_of(stored(f, &d, &f->mediator)), E_FORBIDDEN);
	assert_int_equal(code_of(stored(f, &d, &f->other)), E_FORBIDDEN);
	assert_int_equal(check_answer(f, stored(f, &d, &f->jc), &d, &st), 1);
	check_of(f, &d);
	start_role(f);
	for (size_t i = 0; i < COUNT(parties); i++) {
		assert_int_equal(check_answer(f, stored(f, &d, parties[i]), &d, &st), 1);
		assert_true(hash_eq(&st.deal, &id));
		assert_true(hash_eq(&st.output, &out.cid.digest));
		assert_int_equal(st.bytes, out.tree_bytes);
		assert_true(st.keep_until.s >= START_S + LIFE_S);
	}
	assert_int_equal(code_of(stored(f, &d, &f->other)), E_FORBIDDEN);
	assert_int_equal(code_of(stored(f, &d, &f->operator_)), E_FORBIDDEN);
}

/* Of this deal and of no other; more than a few are not told of. */
static void many(void **state)
{
	struct fixture *f = *state;
	struct cid spec = block_of(f, bytes_of("spec", 4));
	struct deal d = deal_of(f, &spec), other = deal_of(f, &spec);
	struct str shown = show_deal(f, &d, &f->jc, &f->rp);
	struct stored st;

	other.hot.nonce = 2;
	for (uint8_t i = 0; i < STORED_MAX + 2; i++) {
		struct unixfs_node out = tree_of(f, i, 10);

		assert_int_equal(post(f, &out, &f->rp, NULL, shown)->status, 201);
		assert_int_equal(
		        check_answer(f, stored(f, &d, &f->rp), &d, &st), MIN2(i + 1, STORED_MAX));
	}
	assert_int_equal(code_of(stored(f, &other, &f->rp)), E_NOT_FOUND);
	assert_int_equal(code_of(stored_of(f, "0x12", &f->rp)), E_ENCODING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(members, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
