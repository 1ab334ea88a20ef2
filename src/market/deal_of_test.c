/* deal_of_test.c - the deal of two offers, and that no term of it can be changed unseen. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "market/deal_of.h"
#include "market/sample.h"

struct two {
	struct job_offer j;
	struct resource_offer r;
	struct deal d;
};

static struct deal_making making(const struct two *t)
{
	return (struct deal_making){.job_offer = job_id(&t->j),
	        .resource_offer = resource_id(&t->r),
	        .open_by = {SAMPLE_NOW + 60}};
}

static struct two sample(void)
{
	struct two t = {.j = sample_job(), .r = sample_resource()};
	struct deal_making m = making(&t);
	struct err e;

	if (!deal_from_offers(&t.j, &t.r, &m, &t.d, &e))
		fail_msg("%s", e.msg);
	return t;
}

static void test_follows_from_both(void **state)
{
	struct two t = sample();
	struct err e;

	(void)state;
	assert_true(deal_follows_job_offer(&t.d, &t.j, &e));
	assert_true(deal_follows_resource_offer(&t.d, &t.r, &e));
	assert_true(amount_eq(t.d.hot.base, amount_of(10))); /* market: the ask */
	assert_int_equal(t.d.hot.solver_share, 10);          /* the lower ceiling */
	assert_int_equal(t.d.hot.open_by.s, SAMPLE_NOW + 60);
	assert_int_equal(t.d.hot.nonce, 1);
	assert_int_equal(t.d.cold.mediators.n, 8);
	for (uint32_t i = 1; i < 8; i++)
		assert_true(addr_cmp(&t.d.cold.mediators.v[i - 1], &t.d.cold.mediators.v[i]) < 0);
}

static void test_random_pairs(void **state)
{
	struct random_ x = {77};
	unsigned made = 0;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct two t = {.j = random_job(&x, 4), .r = random_resource(&x, 8)};
		struct deal_making m = making(&t);
		bool match = pair_refusal(&t.j, &t.r, (struct btime){0}, NULL, NULL) == PAIR_NONE &&
		             terms_valid(&t.j.terms, t.j.mediation, &e);

		assert_int_equal(deal_from_offers(&t.j, &t.r, &m, &t.d, &e), match);
		if (!match)
			continue;
		made++;
		assert_true(deal_follows_job_offer(&t.d, &t.j, &e));
		assert_true(deal_follows_resource_offer(&t.d, &t.r, &e));
	}
	assert_true(made > 500);
}

/* Every field of a deal, changed alone, is refused by the side (or sides) that it binds; what only one
 * side states is named here. */
static bool free_for(const char *side, const char *name)
{
	static const char *const rows[][2] = {
	        /* The JC does not see the resource offer, the provider not the job offer. */
	        {"jc", "resourceOffer"},
	        {"jc", "provider"},
	        {"rp", "jobOffer"},
	        {"rp", "jobCreator"},
	        {"rp", "author"},
	        {"rp", "spec"},
	        {"rp", "nonce"},
	        {"rp", "module"}, /* this offer takes all */
	        {"rp", "base"},   /* more than it asks */
	        {"rp", "perInstruction"},
	        {"rp", "perByte"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strcmp(rows[i][0], side) == 0 && strcmp(rows[i][1], name) == 0)
			return true;
	}
	return false;
}

static bool change(const struct field *f, void *row)
{
	uint8_t *p = field_in(row, f);

	switch (f->kind) {
	case K_AMOUNT: *(struct amount *)(void *)p = amount_of(1u << 31); return true;
	case K_TIME: ((struct btime *)(void *)p)->s += 100000; return true;
	case K_U64: *(uint64_t *)(void *)p += (uint64_t)1 << 40; return true;
	case K_U32: *(uint32_t *)(void *)p += 5000; return true;
	case K_U16: *(uint16_t *)(void *)p = (uint16_t)(*(uint16_t *)(void *)p + 200); return true;
	case K_U8: *p = (uint8_t)(*p + 10); return true;
	case K_ENUM: *p = (uint8_t)(*p == 1 ? 2 : *p == 2 ? 3 : 7); return true;
	case K_ADDRS: *(uint32_t *)(void *)p = 0; return true;
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_TEXT: p[0] ^= 1; return true;
	case K_BOOL:
	case K_NONCE:
	case K_HASHES:
	case K_REC:
	case K_RECS:
	case K_SIG: break;
	}
	return false;
}

static void change_each(const struct record *r, size_t off)
{
	for (size_t i = 0; i < r->n; i++) {
		struct two t = sample();
		struct err e = {0};

		assert_true(change(&r->f[i], (uint8_t *)&t.d + off));
		if (!free_for("jc", r->f[i].name) && deal_follows_job_offer(&t.d, &t.j, &e))
			fail_msg("the job creator signs a deal with another %s", r->f[i].name);
		if (!free_for("rp", r->f[i].name) && deal_follows_resource_offer(&t.d, &t.r, &e))
			fail_msg("the provider signs a deal with another %s", r->f[i].name);
		assert_true(e.msg[0] != '\0');
	}
}

static void test_no_term_can_be_changed(void **state)
{
	(void)state;
	change_each(hot_record(), offsetof(struct deal, hot));
	change_each(cold_record(), offsetof(struct deal, cold));
}

static void test_errors_name_the_term(void **state)
{
	struct two t = sample();
	struct err e;

	(void)state;
	t.d.hot.royalty = 77;
	assert_false(deal_follows_job_offer(&t.d, &t.j, &e));
	assert_int_equal(e.code, E_TERMS);
	assert_string_equal(e.msg, "royalty is 77, the offer says 50");
	t = sample();
	t.d.hot.submit_timeout.s = 4000;
	assert_false(deal_follows_resource_offer(&t.d, &t.r, &e));
	assert_string_equal(e.msg, "submitTimeout is 4000, the offer says 60 to 3600");
	t = sample();
	t.d.hot.base = amount_of(9);
	assert_false(deal_follows_resource_offer(&t.d, &t.r, &e));
	assert_string_equal(e.msg, "the ask for base is 10, the offer says 0 to 9");
}

static void test_pricing(void **state)
{
	struct two t = sample();
	struct deal_making m;
	struct err e;

	(void)state;
	t.j.pricing = PRICING_FIXED;
	m = making(&t);
	assert_true(deal_from_offers(&t.j, &t.r, &m, &t.d, &e));
	assert_true(amount_eq(t.d.hot.base, amount_of(100)));
	t.d.hot.base = amount_of(99); /* not even a lower price: it is fixed */
	assert_false(deal_follows_job_offer(&t.d, &t.j, &e));
	t.j.pricing = PRICING_CLEARED;
	m = making(&t);
	assert_false(deal_from_offers(&t.j, &t.r, &m, &t.d, &e));
	m.cleared = &(struct prices){amount_of(50), amount_of(2), amount_of(1)};
	assert_true(deal_from_offers(&t.j, &t.r, &m, &t.d, &e));
	assert_true(deal_follows_job_offer(&t.d, &t.j, &e));
	assert_true(deal_follows_resource_offer(&t.d, &t.r, &e));
	m.cleared = &(struct prices){amount_of(101), amount_of(2), amount_of(1)};
	assert_true(deal_from_offers(&t.j, &t.r, &m, &t.d, &e));
	assert_false(deal_follows_job_offer(&t.d, &t.j, &e)); /* above the JC's */
}

static void test_single_mediator(void **state)
{
	struct two t = sample();
	struct deal_making m;
	struct err e;

	(void)state;
	t.j.mediation = MEDIATION_SINGLE;
	t.j.terms.seats = 1;
	t.j.mediators.v[0] = addr_no(999); /* not in the provider's list */
	m = making(&t);
	assert_true(deal_from_offers(&t.j, &t.r, &m, &t.d, &e));
	assert_int_equal(t.d.cold.mediators.n, 1);
	assert_true(
	        addr_eq(&t.d.cold.mediators.v[0], &t.j.mediators.v[1])); /* the JC's next choice */
	assert_true(deal_follows_job_offer(&t.d, &t.j, &e));
	assert_true(deal_follows_resource_offer(&t.d, &t.r, &e));
	t.d.cold.mediators.v[0] = addr_no(998);
	assert_false(deal_follows_job_offer(&t.d, &t.j, &e));
	assert_false(deal_follows_resource_offer(&t.d, &t.r, &e));
}

static void test_no_mediation(void **state)
{
	struct two t = sample();
	struct deal_making m;
	struct err e;

	(void)state;
	t.j.mediation = MEDIATION_NONE;
	t.j.terms.seats = 0;
	t.j.determinism = DETERMINISM_NONE;
	m = making(&t);
	assert_true(deal_from_offers(&t.j, &t.r, &m, &t.d, &e));
	assert_int_equal(t.d.cold.mediators.n, 0);
	assert_true(deal_follows_job_offer(&t.d, &t.j, &e));
	assert_true(deal_follows_resource_offer(&t.d, &t.r, &e));
}

static void test_open_by_is_before_expiries(void **state)
{
	struct two t = sample();
	struct deal_making m;
	struct err e;

	(void)state;
	t.r.expiry.s = SAMPLE_NOW + 20;
	m = making(&t);
	assert_true(deal_from_offers(&t.j, &t.r, &m, &t.d, &e));
	assert_int_equal(t.d.hot.open_by.s, SAMPLE_NOW + 20);
}

static void test_shares_stay_whole(void **state)
{
	struct two t = sample();
	struct deal_making m;
	struct err e;

	(void)state;
	t.j.terms.royalty = 995;
	t.r.most.royalty = 1000;
	m = making(&t);
	assert_true(deal_from_offers(&t.j, &t.r, &m, &t.d, &e));
	assert_int_equal(t.d.hot.solver_share, 5);
	t.j.solver = t.r.solver = (struct addr){{0}};
	m = making(&t);
	assert_true(deal_from_offers(&t.j, &t.r, &m, &t.d, &e));
	assert_int_equal(t.d.hot.solver_share, 0); /* bilateral */
	t.d.hot.solver_share = 1;
	assert_false(deal_follows_job_offer(&t.d, &t.j, &e));
}

static void expect(struct deal *d, enum err_code code)
{
	struct err e = {0};

	assert_false(deal_valid(d, &e));
	assert_string_equal(err_name(e.code), err_name(code));
}

static void fresh(struct deal *d)
{
	struct two t = sample();

	*d = t.d;
}

static void test_valid(void **state)
{
	struct deal d;
	struct err e;

	(void)state;
#define BAD(code, ...)                                                                             \
	do {                                                                                       \
		fresh(&d);                                                                         \
		__VA_ARGS__;                                                                       \
		expect(&d, code);                                                                  \
	} while (0)
	/* Φ + D = 3 * 100 + 1000000 */
	BAD(E_BONDS, d.hot.job_bond = amount_of(1000299));
	BAD(E_BONDS, d.hot.result_bond = amount_of(1000299));
	BAD(E_BONDS, d.hot.late_judge = amount_of(2000001));
	BAD(E_BONDS, d.hot.late_submit = amount_of(2000001));
	BAD(E_SHARES, d.hot.royalty = 995);
	BAD(E_SHARES, d.hot.royalty = 1001);
	BAD(E_PANEL, d.hot.seats = 2);
	BAD(E_PANEL, d.hot.seats = 0);
	BAD(E_PANEL, d.hot.mediation = MEDIATION_NONE);
	BAD(E_PANEL, d.hot.mediation = MEDIATION_NONE; d.hot.appeal = 1);
	BAD(E_RANGE, d.hot.mediation = 9);
	BAD(E_RANGE, d.hot.appeal = 2);
	BAD(E_PANEL, d.hot.appeal = 1; d.hot.job_bond = d.hot.result_bond = amount_of(1u << 30));
	BAD(E_PANEL, d.cold.mediators.n = 5);
	BAD(E_PANEL, d.cold.mediators.v[1] = d.cold.mediators.v[0]);
	BAD(E_PANEL, d.cold.mediators.v[0] = d.cold.mediators.v[1]);
	BAD(E_PANEL, d.hot.job_creator = d.cold.mediators.v[3]);
	BAD(E_PANEL, d.hot.provider = d.cold.mediators.v[3]);
	BAD(E_PANEL, d.hot.solver = d.cold.mediators.v[3]);
	BAD(E_PANEL, d.hot.provider = d.hot.job_creator);
	BAD(E_PANEL, d.hot.mediation = MEDIATION_SINGLE; d.hot.seats = 1);
#undef BAD
	fresh(&d);
	d.hot.job_bond = d.hot.result_bond = amount_of(1000300);
	assert_true(deal_valid(&d, &e));
}

static void test_in_time(void **state)
{
	struct genesis g = {.min = {60}, .life = {10000}};
	struct btime now = {SAMPLE_NOW};
	struct deal d;
	struct err e = {0};

	(void)state;
	fresh(&d);
	assert_true(deal_open_in_time(&d, &g, now, &e));
	assert_true(deal_open_in_time(&d, &g, (struct btime){SAMPLE_NOW + 59}, &e));
	assert_false(deal_open_in_time(&d, &g, (struct btime){SAMPLE_NOW + 60}, &e));
	assert_int_equal(e.code, E_TOO_LATE);
	g.life.s = 60 + 600 + 2 * 600 + 6 * 600;
	assert_true(deal_open_in_time(&d, &g, now, &e));
	g.life.s--;
	assert_false(deal_open_in_time(&d, &g, now, &e));
	assert_int_equal(e.code, E_CLOCKS);
	g.life.s = 10000;
	d.hot.open_by.s = SAMPLE_NOW + 10000 - 600 - 60;
	assert_true(deal_open_in_time(&d, &g, now, &e));
	d.hot.open_by.s++;
	assert_false(deal_open_in_time(&d, &g, now, &e));
	assert_int_equal(e.code, E_CLOCKS);
	fresh(&d);
	d.hot.agree_timeout.s = 59;
	assert_false(deal_open_in_time(&d, &g, now, &e));
	assert_string_equal(e.msg, "agreeTimeout is 59 s, below this ledger's MIN of 60 s");
	fresh(&d);
	d.hot.mediate_timeout.s = UINT64_MAX / 2;
	assert_false(deal_open_in_time(&d, &g, now, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_follows_from_both),
	        cmocka_unit_test(test_random_pairs),
	        cmocka_unit_test(test_no_term_can_be_changed),
	        cmocka_unit_test(test_errors_name_the_term),
	        cmocka_unit_test(test_pricing),
	        cmocka_unit_test(test_single_mediator),
	        cmocka_unit_test(test_no_mediation),
	        cmocka_unit_test(test_open_by_is_before_expiries),
	        cmocka_unit_test(test_shares_stay_whole),
	        cmocka_unit_test(test_valid),
	        cmocka_unit_test(test_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
