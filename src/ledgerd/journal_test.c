/* journal_test.c - restarts, and a journal that somebody has changed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledgerd/ledgerd_rig.h"

/* ---- the journal -------------------------------------------------------------------------------- */

static void same_account(struct rig *g, enum who who, const struct ledger_account *before)
{
	struct ledger_account now;

	ledger_account(g->d->l, &g->p.who[who], ledgerd_now(g->d), &now);
	assert_memory_equal(&now, before, sizeof now);
}

static void test_restart(void **state)
{
	struct rig *g = rig_new();
	struct ledger_account before[PARTIES];
	struct ledgerd_summary a, b, c;
	struct hash id, burnt;
	struct err e;

	(void)state;
	id = a_deal(g, 1);
	play_accept(&g->p, &id, 100, 50, false);
	accepted(g);
	id = a_deal(g, 2);
	play_amount(&g->p, RP, SEND_REQUEST_WITHDRAW, 77);
	accepted(g);
	pass(g, 20000);
	burnt = g->d->head_hash;
	for (int i = 0; i < PARTIES; i++)
		ledger_account(g->d->l, &g->p.who[i], ledgerd_now(g->d), &before[i]);
	ledgerd_summary(g->d, &a);
	restart(g);
	ledgerd_summary(g->d, &b);
	assert_memory_equal(&a, &b, sizeof a);
	assert_true(hash_eq(&burnt, &g->d->head_hash));
	for (int i = 0; i < PARTIES; i++)
		same_account(g, (enum who)i, &before[i]);
	assert_true(ledgerd_check(g->d, &e));
	assert_true(ledgerd_verify(&g->world, &g->p.genesis, &c, &e));
	assert_memory_equal(&a, &c, sizeof a);
	/* It goes on where it was. */
	play_accept(&g->p, &id, 100, 50, false);
	accepted(g);
	assert_int_equal(ledger_seq(g->d->l), 7);
	restart(g);
	rig_free(g);
}

static struct journal_block block_at(struct rig *g, uint64_t number)
{
	struct store *s = &g->world.store;
	struct journal_block b = {.number = number};

	assert_true(s->get(s->self, journal_block_record(), &b, &g->p.e));
	return b;
}

static struct journal_action action_at(struct rig *g, uint64_t seq)
{
	struct store *s = &g->world.store;
	struct journal_action a = {.seq = seq};

	assert_true(s->get(s->self, journal_action_record(), &a, &g->p.e));
	return a;
}

static void put(struct rig *g, const struct record *r, const void *row)
{
	struct store *s = &g->world.store;

	assert_true(s->put(s->self, r, row, &g->p.e));
}

static void lose(struct rig *g, const struct record *r, uint64_t key)
{
	struct store *s = &g->world.store;
	size_t before = store_memory_count(g->rows, r);

	if (r == journal_block_record())
		assert_true(s->del(s->self, r, &(struct journal_block){.number = key}, &g->p.e));
	else
		assert_true(s->del(s->self, r, &(struct journal_action){.seq = key}, &g->p.e));
	assert_int_equal(store_memory_count(g->rows, r), before - 1);
}

static void replace(char *text, const char *what, const char *by)
{
	char *at = strstr(text, what);

	assert_non_null(at);
	assert_int_equal(strlen(what), strlen(by));
	memcpy(at, by, strlen(by));
}

static void spoil_time(struct rig *g)
{
	struct journal_block b = block_at(g, 3);

	b.block.time.s++;
	put(g, journal_block_record(), &b);
}

static void spoil_signature(struct rig *g)
{
	struct journal_block b = block_at(g, 3);

	b.sig.b[5] ^= 1;
	put(g, journal_block_record(), &b);
}

static void spoil_root(struct rig *g)
{
	struct journal_block b = block_at(g, 3);

	b.block.root.b[5] ^= 1;
	put(g, journal_block_record(), &b);
}

static void spoil_parent(struct rig *g)
{
	struct journal_block b = block_at(g, 3);

	b.block.parent.b[5] ^= 1;
	put(g, journal_block_record(), &b);
}

/* By somebody who can change rows, and hash, but cannot sign. */
static void spoil_action(struct rig *g)
{
	struct journal_action a = action_at(g, 3);

	replace(a.action, "\"pay\":\"1000\"", "\"pay\":\"1001\"");
	keccak256(a.action, strlen(a.action), &a.id);
	put(g, journal_action_record(), &a);
}

static void spoil_id(struct rig *g)
{
	struct journal_action a = action_at(g, 3);

	a.id.b[3] ^= 1;
	put(g, journal_action_record(), &a);
}

static void spoil_event(struct rig *g)
{
	struct journal_action a = action_at(g, 3);

	replace(a.event, "\"free\":\"9", "\"free\":\"8");
	put(g, journal_action_record(), &a);
}

static void spoil_text(struct rig *g)
{
	struct journal_action a = action_at(g, 3);

	a.action[0] = '[';
	put(g, journal_action_record(), &a);
}

static void spoil_order(struct rig *g)
{
	struct journal_action a = action_at(g, 3), b = action_at(g, 4);

	a.seq = 4;
	b.seq = 3;
	put(g, journal_action_record(), &a);
	put(g, journal_action_record(), &b);
}

static void lose_action(struct rig *g)
{
	lose(g, journal_action_record(), 3);
}

static void lose_block(struct rig *g)
{
	lose(g, journal_block_record(), 3);
}

static void fewer_actions(struct rig *g)
{
	struct journal_block b = block_at(g, 3);

	b.actions = 0;
	put(g, journal_block_record(), &b);
}

static void more_actions(struct rig *g)
{
	struct journal_block b = block_at(g, 3);

	b.actions = 1u << 31;
	put(g, journal_block_record(), &b);
}

static void cut_tail(struct rig *g)
{
	lose(g, journal_block_record(), 4);
}

static void other_genesis(struct rig *g)
{
	g->p.genesis.life.s++;
}

/* clang-format off */
static const struct {
	void (*spoil)(struct rig *g);
	const char *block;
} spoiled[] = {
	{spoil_time, "block 3"}, {spoil_signature, "block 3"}, {spoil_root, "block 3"},
	{spoil_parent, "block 3"}, {spoil_action, "block 3"}, {spoil_id, "block 3"},
	{spoil_event, "block 3"}, {spoil_text, "block 3"}, {spoil_order, "block 3"},
	{lose_action, "block 3"}, {lose_block, "block 3"}, {fewer_actions, "block 3"},
	{more_actions, "block 3"}, {cut_tail, "block 4"}, {other_genesis, "block 1"},
};
/* clang-format on */

/* 8.1: a tampered journal is refused at the first bad link. */
static void test_tampered(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(spoiled); i++) {
		struct rig *g = rig_new();
		struct ledgerd *d = NULL;
		struct err e;

		a_deal(g, 1);
		a_deal(g, 2);
		restart(g);
		spoiled[i].spoil(g);
		if (ledgerd_new(&g->world, &g->p.genesis, &d, &e))
			fail_msg("case %zu: replayed", i);
		assert_int_equal(e.code, E_TAMPERED);
		if (!strstr(e.msg, spoiled[i].block))
			fail_msg("case %zu: %s", i, e.msg);
		rig_free(g);
	}
}

static void test_operator(void **state)
{
	struct rig *g = rig_new();
	struct ledgerd *d;
	struct err e;

	(void)state;
	g->world.signer.addr = g->p.who[MALLORY];
	assert_false(ledgerd_new(&g->world, &g->p.genesis, &d, &e));
	assert_int_equal(e.code, E_PARTY);
	rig_free(g);
}

/* An operator that makes an action up can sign the block; who verifies in full sees it. */
static void test_operator_cheats(void **state)
{
	struct rig *g = rig_new();
	struct ledgerd_summary sum;
	struct ledger_options all = {.verify = play_fake_verify};
	struct deal d = play_deal(&g->p, 1);
	struct err e;

	(void)state;
	ledger_set_verify(g->d->l, &all);
	g->p.sign = play_fake_sign;
	play_open(&g->p, &d);
	accepted(g);
	restart(g);
	assert_false(ledgerd_verify(&g->world, &g->p.genesis, &sum, &e));
	assert_int_equal(e.code, E_TAMPERED);
	assert_non_null(strstr(e.msg, "block 1: an action is refused"));
	rig_free(g);
}

static bool count_line(void *ctx, struct str text)
{
	json_t *j;
	struct err e;

	assert_true(json_parse(text, &j, &e));
	json_decref(j);
	++*(unsigned *)ctx;
	return true;
}

static void test_export(void **state)
{
	struct rig *g = rig_new();
	struct buf b OWN(buf_done);
	unsigned lines = 0;
	struct err e;

	(void)state;
	a_deal(g, 1);
	assert_true(ledgerd_export(g->d, count_line, &lines, &e));
	assert_int_equal(lines, 4);
	buf_init(&b, 4096);
	ledgerd_metrics(g->d, &b);
	assert_non_null(strstr(buf_cstr(&b), "lilypad_ledger_blocks 2\n"));
	rig_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_restart),
	        cmocka_unit_test(test_tampered),
	        cmocka_unit_test(test_operator),
	        cmocka_unit_test(test_operator_cheats),
	        cmocka_unit_test(test_export),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
