/* offers_test.c - offers in and Acks out; everything that can be wrong with an offer. */
#include "solver/solver_suite.h"

static void test_ack(void **state)
{
	struct bench *b = *state;
	struct job_offer j = job_of(b, JC);
	struct hash id = job_id(&j);
	struct ack ack, again;
	struct sig sig;
	struct err e;

	assert_int_equal(post_job(b, JC, &j), 200);
	assert_true(json_get_record(b->reply, "ack", ack_record(), &ack, &e));
	assert_true(json_get_sig(b->reply, "signature", &sig, &e));
	assert_true(signed_check(&b->domain, ack_record(), &ack, &sig, &b->addr[SOLVER], &e));
	assert_true(hash_eq(&ack.offer, &id));
	assert_int_equal(ack.time.s, NOW_S);
	/* The same offer again, later: the same Ack, and nothing else happens. */
	pass(b, 400);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_true(json_get_record(b->reply, "ack", ack_record(), &again, &e));
	assert_memory_equal(&ack, &again, sizeof ack);
	assert_int_equal(private_events(b), 0);
	/* Sequences ascend. */
	j = job_of(b, JC);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_true(json_get_record(b->reply, "ack", ack_record(), &again, &e));
	assert_true(again.sequence > ack.sequence);
}

/* n offers in one turn, and its end. */
static void post_together(struct bench *b, struct job_offer *jobs, unsigned n)
{
	struct event now = {.wall = b->wall, .now = b->mono};

	b->same_turn = true;
	for (unsigned i = 0; i < n; i++) {
		jobs[i] = job_of(b, JC);
		assert_int_equal(post_job(b, JC, &jobs[i]), 0);
	}
	b->same_turn = false;
	arena_reset(&b->arena);
	fx_init(&b->fx, &b->arena);
	b->role.on_turn(b->role.self, &now, &b->fx);
}

/* The k-th answer of the last turn is a good Ack of that offer; whether it is one of a batch. */
static bool acked_by(struct bench *b, unsigned k, const struct job_offer *j, struct acked *a)
{
	struct fx *f = fx_of(b, FX_REPLY, NULL, k);
	struct hash id = job_id(j);
	json_t *text;
	struct err e;

	assert_non_null(f);
	assert_int_equal(f->status, 200);
	assert_true(json_parse(bytes_str(f->body), &text, &e));
	if (!acked_from_json(text, &b->domain, &b->addr[SOLVER], &id, a, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(json_text(text, "state"), "open");
	json_decref(text);
	return a->batch.count > 0;
}

static void test_acks_of_one_turn(void **state)
{
	struct bench *b = *state;
	struct job_offer jobs[5];
	struct acked a, alone;
	struct hash root;

	post_together(b, jobs, 5);
	assert_int_equal(fx_count(b, FX_REPLY, NULL), 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(acked_by(b, i, &jobs[i], &a));
		assert_int_equal(a.batch.count, 5);
		assert_int_equal(a.ack.sequence, a.batch.first + i);
		if (i > 0)
			assert_true(hash_eq(&a.batch.root, &root));
		root = a.batch.root;
	}
	/* Asked for again: the same Ack, signed alone. */
	assert_int_equal(post_job(b, JC, &jobs[4]), 200);
	assert_false(acked_by(b, 0, &jobs[4], &alone));
	assert_memory_equal(&alone.ack, &a.ack, sizeof a.ack);
	/* Nobody waits: the end of a turn says nothing. */
	post_together(b, jobs, 0);
	assert_int_equal(b->fx.n, 0);
	/* One alone has its own signature. */
	post_together(b, jobs, 1);
	assert_false(acked_by(b, 0, &jobs[0], &a));
}

/* As many as fit into a batch do not wait for the end of the turn. */
static void test_full_batch(void **state)
{
	static struct job_offer jobs[ACK_BATCH_MAX + 1];
	struct bench *b = *state;
	struct acked a;

	balance(b, JC, 1000000000000);
	b->same_turn = true;
	for (unsigned i = 0; i < ACK_BATCH_MAX; i++) {
		jobs[i] = job_of(b, JC);
		ask(b, PARTIES, "POST", "/v1/job-offers",
		        signed_text(b, "offer", job_offer_record(), &jobs[i], JC));
		if (i + 1 == ACK_BATCH_MAX)
			break;
		assert_int_equal(fx_count(b, FX_REPLY, NULL), 0);
	}
	assert_int_equal(fx_count(b, FX_REPLY, NULL), ACK_BATCH_MAX);
	for (unsigned i = 0; i < ACK_BATCH_MAX; i++) {
		assert_true(acked_by(b, i, &jobs[i], &a));
		assert_int_equal(a.batch.count, ACK_BATCH_MAX);
	}
}

static void test_bad_bodies(void **state)
{
	static const struct {
		const char *body;
		enum err_code code;
	} rows[] = {
	        {"", E_JSON_SYNTAX},
	        {"{", E_JSON_SYNTAX},
	        {"[]", E_JSON_VALUE},
	        {"{}", E_JSON_VALUE},
	        {"{\"offer\":{}}", E_JSON_VALUE},
	        {"{\"offer\":{},\"signature\":\"0x00\"}", E_JSON_VALUE},
	        {"{\"offer\":1,\"offer\":2}", E_JSON_SYNTAX},
	        {"null", E_JSON_VALUE},
	};
	static const char *const paths[] = {"/v1/job-offers", "/v1/resource-offers",
	        "/v1/offers/0x1111111111111111111111111111111111111111111111111111111111111111/cancel"};
	struct bench *b = *state;

	for (size_t p = 0; p < COUNT(paths); p++) {
		for (size_t i = 0; i < COUNT(rows); i++) {
			ask(b, PARTIES, "POST", paths[p], rows[i].body);
			assert_err(b, rows[i].code);
			assert_int_equal(b->fx.n, 1);
		}
	}
}

/* One change to a good job offer, and what the solver says of it. */
#define BAD_JOB(name, code, change)                                                                \
	static void test_job_##name(void **state)                                                  \
	{                                                                                          \
		struct bench *b = *state;                                                          \
		struct job_offer j = job_of(b, JC);                                                \
		enum party signer = JC;                                                            \
		change;                                                                            \
		post_job(b, signer, &j);                                                           \
		assert_err(b, code);                                                               \
		assert_int_equal(b->fx.n, 1);                                                      \
	}

/* clang-format off */
BAD_JOB(signed_by_another, E_SIGNATURE, signer = JC2)
BAD_JOB(for_another_solver, E_PARTY, j.solver = b->addr[STRANGER])
BAD_JOB(created_long_ago, E_STALE, j.created_at.s -= 301)
BAD_JOB(created_in_the_future, E_STALE, j.created_at.s += 301)
BAD_JOB(expired, E_RANGE, j.expiry.s = NOW_S)
BAD_JOB(lives_too_long, E_RANGE, j.expiry.s = NOW_S + 86401)
BAD_JOB(bond_too_small, E_BONDS, j.terms.job_bond = amount_of(1000))
BAD_JOB(even_panel, E_PANEL, j.terms.seats = 2)
BAD_JOB(zero_mediator, E_PANEL, j.mediators.v[2] = (struct addr){{0}})
BAD_JOB(timeout_below_min, E_CLOCKS, j.terms.judge_timeout.s = 59)
BAD_JOB(timeouts_above_life, E_CLOCKS, j.terms.mediate_timeout.s = 604800)
BAD_JOB(channel_not_named, E_JSON_VALUE, j.settlement = SETTLEMENT_CHANNEL)
BAD_JOB(no_determinism_but_mediated, E_RANGE, j.determinism = DETERMINISM_NONE)
BAD_JOB(too_dear, E_FUNDS, j.terms.pay = amount_of(98000001))
BAD_JOB(without_money, E_FUNDS, j.job_creator = b->addr[STRANGER]; signer = STRANGER)
/* clang-format on */

static void test_job_of_another_ledger(void **state)
{
	struct bench *b = *state;
	struct job_offer j = job_of(b, JC);

	b->domain = hash_no(98);
	post_job(b, JC, &j);
	assert_err(b, E_SIGNATURE);
}

static void test_not_before_the_ledger_was_read(void **state)
{
	struct bench *b = *state;
	struct job_offer j = job_of(b, JC);
	struct resource_offer r = resource_of(b, RP);
	struct ledger_note old = {.stage = LEDGER_UP};

	solver_free(b->solver);
	start(b);
	assert_int_equal(ask(b, PARTIES, "GET", "/v1/ready", ""), 503);
	post_job(b, JC, &j);
	assert_err(b, E_BUSY);
	assert_int_equal(post_resource(b, RP, &r), 200);
	/* Events of long ago are not the present. */
	struct event ev = {.kind = EV_LEDGER, .ledger = &old};
	old.time.s = 1000;
	bench_event(b, &ev);
	post_job(b, JC, &j);
	assert_err(b, E_BUSY);
	clock_note(b);
	assert_int_equal(ask(b, PARTIES, "GET", "/v1/ready", ""), 200);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
}

static void test_nonces(void **state)
{
	struct bench *b = *state;
	struct job_offer j = job_of(b, JC), k = job_of(b, JC), other = job_of(b, JC2);
	struct hash id = job_id(&j);

	k.nonce = other.nonce = j.nonce;
	assert_int_equal(post_job(b, JC, &j), 200);
	post_job(b, JC, &k);
	assert_true(k.byte_limit == j.byte_limit); /* the same offer, so the same Ack */
	k.byte_limit++;
	post_job(b, JC, &k);
	assert_err(b, E_NONCE);
	/* Another creator has its own nonces. */
	assert_int_equal(post_job(b, JC2, &other), 200);
	/* A nonce of a cancelled offer is free again. */
	assert_int_equal(post_cancel(b, &id, &id, JC), 200);
	assert_int_equal(post_job(b, JC, &k), 200);
}

/* Two more kinds of resource offers that are refused, and what is not looked at. */
static void assert_seen(struct bench *b, enum party who, const char *job, const char *resource)
{
	char path[ADDR_TEXT_MAX + 32], text[ADDR_TEXT_MAX];

	addr_format(&b->addr[who], text);
	snprintf(path, sizeof path, "/v1/accounts/%s", text);
	assert_int_equal(ask(b, PARTIES, "GET", path, ""), 200);
	assert_string_equal(json_text(b->reply, "account"), text);
	assert_string_equal(json_text(b->reply, "jobNonce"), job);
	assert_string_equal(json_text(b->reply, "resourceNonce"), resource);
}

/* 9.5: the highest of what was acknowledged, whatever became of it, in whatever order, after a restart too. */
static void test_what_was_seen(void **state)
{
	struct bench *b = *state;
	struct job_offer j = job_of(b, JC);
	struct resource_offer r = resource_of(b, RP);

	assert_seen(b, JC, "0", "0");
	j.nonce = 7;
	assert_int_equal(post_job(b, JC, &j), 200);
	j.nonce = 5;
	assert_int_equal(post_job(b, JC, &j), 200);
	j.nonce = 9;
	assert_int_equal(post_job(b, STRANGER, &j), 401);
	r.nonce = 3;
	assert_int_equal(post_resource(b, RP, &r), 200);
	assert_seen(b, JC, "7", "0");
	assert_seen(b, RP, "0", "3");
	restart(b);
	assert_seen(b, JC, "7", "0");
	assert_seen(b, RP, "0", "3");
	ask(b, PARTIES, "GET", "/v1/accounts/0x12", "");
	assert_true(b->status >= 400);
}

static void test_resource_offers(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP), older = r, newer = r;
	struct hash id, newer_id;

	post_resource(b, RP2, &r);
	assert_err(b, E_SIGNATURE);
	r.solver = b->addr[STRANGER];
	post_resource(b, RP, &r);
	assert_err(b, E_PARTY);
	r = resource_of(b, RP);
	r.mediators.v[0] = (struct addr){{0}};
	post_resource(b, RP, &r);
	assert_err(b, E_PANEL);
	r = resource_of(b, RP);
	r.expiry.s = NOW_S - 1;
	post_resource(b, RP, &r);
	assert_err(b, E_RANGE);
	/* A higher nonce replaces, a lower one is refused. */
	r = resource_of(b, RP);
	older.nonce = r.nonce - 1;
	newer.nonce = r.nonce + 1;
	id = resource_id(&r);
	newer_id = resource_id(&newer);
	assert_int_equal(post_resource(b, RP, &r), 200);
	post_resource(b, RP, &older);
	assert_err(b, E_NONCE);
	assert_int_equal(post_resource(b, RP, &newer), 200);
	ask(b, PARTIES, "GET", "/v1/resource-offers", "");
	json_t *list = json_object_get(b->reply, "offers");
	struct hash listed;
	struct err e;
	assert_int_equal(json_array_size(list), 1);
	assert_true(json_get_hash(json_array_get(list, 0), "id", &listed, &e));
	assert_true(hash_eq(&listed, &newer_id));
	assert_int_equal(post_resource(b, RP, &r), 200); /* its old Ack still */
	assert_string_equal(state_of(b), "replaced");
	(void)id;
}

static void test_cancel(void **state)
{
	struct bench *b = *state;
	struct job_offer j = job_of(b, JC), k = job_of(b, JC);
	struct resource_offer r = resource_of(b, RP);
	struct hash jid = job_id(&j), kid = job_id(&k), rid = resource_id(&r), none = hash_no(1);

	assert_int_equal(post_job(b, JC, &j), 200);
	post_cancel(b, &none, &none, JC);
	assert_err(b, E_NOT_FOUND);
	post_cancel(b, &jid, &jid, JC2);
	assert_err(b, E_SIGNATURE);
	assert_int_equal(post_job(b, JC, &k), 200);
	post_cancel(b, &kid, &jid, JC);
	assert_err(b, E_JSON_VALUE);
	ask(b, PARTIES, "POST", "/v1/offers/0x12/cancel", "{}");
	assert_err(b, E_ENCODING);
	assert_int_equal(post_cancel(b, &jid, &jid, JC), 200);
	assert_int_equal(post_cancel(b, &jid, &jid, JC), 200); /* again: no harm */
	assert_int_equal(post_cancel(b, &kid, &kid, JC), 200);
	/* Nothing is left to be matched. */
	assert_int_equal(post_resource(b, RP, &r), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	assert_int_equal(post_cancel(b, &rid, &rid, RP), 200);
	j = job_of(b, JC);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
}

static void test_expiry(void **state)
{
	struct bench *b = *state;
	struct job_offer j = job_of(b, JC);
	struct hash id = job_id(&j);

	assert_int_equal(post_job(b, JC, &j), 200);
	pass(b, 3600);
	timer(b, TAG_SWEEP, NULL);
	assert_int_equal(ask(b, PARTIES, "GET", path_of("/v1/job-offers/%s", &id), ""), 200);
	assert_string_equal(state_of(b), "expired");
	post_cancel(b, &id, &id, JC);
	assert_err(b, E_STATE);
	ask(b, PARTIES, "GET", "/v1/offers", "");
	assert_int_equal(json_integer_value(json_object_get(b->reply, "jobOffers")), 0);
}

static void test_why_it_waits(void **state)
{
	struct bench *b = *state;
	struct job_offer j = job_of(b, JC);
	struct resource_offer r = resource_of(b, RP);
	struct hash id = job_id(&j);
	json_t *row;

	r.prices.base = amount_of(150);
	assert_int_equal(post_resource(b, RP, &r), 200);
	r = resource_of(b, RP2);
	r.prices.base = amount_of(120);
	assert_int_equal(post_resource(b, RP2, &r), 200);
	r.machine = hash_no(77);
	r.free.cpu = 10;
	assert_int_equal(post_resource(b, RP2, &r), 200);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(ask(b, PARTIES, "GET", path_of("/v1/job-offers/%s", &id), ""), 200);
	assert_string_equal(state_of(b), "open");
	assert_int_equal(json_integer_value(json_object_get(b->reply, "providers")), 3);
	json_t *reasons = json_object_get(b->reply, "reasons");
	assert_int_equal(json_array_size(reasons), 2);
	row = json_array_get(reasons, 0);
	assert_string_equal(json_string_value(json_object_get(row, "reason")), "CPU");
	assert_string_equal(json_string_value(json_object_get(row, "atMost")), "10");
	row = json_array_get(reasons, 1);
	assert_string_equal(json_string_value(json_object_get(row, "reason")), "PRICE_BASE");
	assert_int_equal(json_integer_value(json_object_get(row, "count")), 2);
	assert_string_equal(json_string_value(json_object_get(row, "have")), "100");
	assert_string_equal(json_string_value(json_object_get(row, "atLeast")), "120");
	assert_string_equal(json_string_value(json_object_get(row, "clause")), "3.4");
	assert_int_equal(ask(b, PARTIES, "GET", path_of("/v1/explain/%s", &id), ""), 200);
	assert_int_equal(json_array_size(json_object_get(b->reply, "providers")), 3);
	/* What it said would match does. */
	j = job_of(b, JC);
	j.prices.base = amount_of(120);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
}

static void test_bad_questions(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *path;
		enum err_code code;
	} rows[] = {
	        {"/v1/job-offers/0x1234", E_ENCODING},
	        {"/v1/job-offers/0x1111111111111111111111111111111111111111111111111111111111111111",
	                E_NOT_FOUND},
	        {"/v1/explain/xyz", E_ENCODING},
	        {"/v1/explain/0x1111111111111111111111111111111111111111111111111111111111111111",
	                E_NOT_FOUND},
	        {"/v1/deals/xyz", E_ENCODING},
	        {"/v1/deals/0x1111111111111111111111111111111111111111111111111111111111111111",
	                E_NOT_FOUND},
	        {"/v1/deals?limit=0", E_RANGE},
	        {"/v1/deals?limit=101", E_RANGE},
	        {"/v1/deals?limit=x", E_RANGE},
	        {"/v1/deals?offset=-1", E_RANGE},
	        {"/v1/deals?account=0x12", E_ENCODING},
	        {"/v1/deals?colour=red", E_RANGE},
	        {"/v1/resource-offers?limit=1000", E_RANGE},
	        {"/v1/book?limit=10001", E_RANGE},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		ask(b, PARTIES, "GET", rows[i].path, "");
		assert_err(b, rows[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_ack),
	        T(test_acks_of_one_turn),
	        T(test_full_batch),
	        T(test_bad_bodies),
	        T(test_job_signed_by_another),
	        T(test_job_for_another_solver),
	        T(test_job_created_long_ago),
	        T(test_job_created_in_the_future),
	        T(test_job_expired),
	        T(test_job_lives_too_long),
	        T(test_job_bond_too_small),
	        T(test_job_even_panel),
	        T(test_job_zero_mediator),
	        T(test_job_timeout_below_min),
	        T(test_job_timeouts_above_life),
	        T(test_job_channel_not_named),
	        T(test_job_no_determinism_but_mediated),
	        T(test_job_too_dear),
	        T(test_job_without_money),
	        T(test_job_of_another_ledger),
	        T(test_not_before_the_ledger_was_read),
	        T(test_nonces),
	        T(test_what_was_seen),
	        T(test_resource_offers),
	        T(test_cancel),
	        T(test_expiry),
	        T(test_why_it_waits),
	        T(test_bad_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
