/* channel_test.c - channels through the role: what can be read of them, lists with many events, their rows in
 * the journal, and a journal that somebody has changed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/ledger_channel_play.h"
#include "ledgerd/ledgerd_rig.h"

static struct settle_item items[ACTION_SETTLE_MAX];

/* Channel 1 of the kind. */
static struct hash a_channel(struct rig *g, unsigned kind)
{
	g->p.now = ledgerd_now(g->d);
	play_open_channel(&g->p, kind, 1, 100000, 5000);
	accepted(g);
	return play_channel(&g->p, kind, 1);
}

/* A list of n acceptances, numbers from 1, of which every fourth is signed by a stranger. */
static void a_list(struct rig *g, const struct hash *channel, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct deal d = play_channel_deal(&g->p, channel, i + 1);

		items[i] = play_item(&g->p, &d, 1, 100, 50);
		if (i % 4 == 3)
			play_sign_item(&g->p, MALLORY, &items[i]);
	}
	play_settle(&g->p, RP, items, n);
}

static bool has_topic(const struct fx *f, const struct addr *a)
{
	struct hash t = account_topic(a);

	for (size_t i = 0; i < COUNT(f->topics); i++) {
		if (hash_eq(&f->topics[i], &t))
			return true;
	}
	return false;
}

static void test_read(void **state)
{
	struct rig *g = rig_new();
	struct hash id = a_channel(g, CHANNEL_VOUCHERS);
	char text[HASH_TEXT_MAX], who[ADDR_TEXT_MAX];

	(void)state;
	play_redeem(&g->p, RP, &id, 300, 4, 0);
	accepted(g);
	play_leave(&g->p, JC, &id);
	accepted(g);
	get(g, "/v1/channels/{channel}", hash_text(&id, text), NULL);
	assert_int_equal(g->status, 200);
	assert_string_equal(text_at(g->answer, "jobSum"), "99700");
	assert_string_equal(text_at(g->answer, "providerSum"), "5000");
	assert_string_equal(text_at(g->answer, "paid"), "300");
	assert_string_equal(text_at(g->answer, "floor"), "4");
	assert_string_equal(text_at(g->answer, "kind"), "vouchers");
	assert_int_equal(json_integer_value(json_object_get(g->answer, "closeAt")),
	        g->p.now.s + g->p.genesis.life.s);
	assert_true(json_is_false(json_object_get(g->answer, "closed")));
	get(g, "/v1/accounts/{account}", addr_text(g, JC, who), NULL);
	assert_string_equal(text_at(g->answer, "channels"), "99700");
	assert_string_equal(text_at(g->answer, "free"), "900000");
	id.b[0] ^= 1;
	get(g, "/v1/channels/{channel}", hash_text(&id, text), NULL);
	assert_int_equal(g->status, 404);
	get(g, "/v1/channels/{channel}", "0x12", NULL);
	assert_int_equal(g->status, 400);
	rig_free(g);
}

/* A full list: an event for each acceptance that counts, to whom it concerns, and all of it again after a
 * restart and for who trusts nobody. */
static void test_list(void **state)
{
	struct rig *g = rig_new();
	struct hash id = a_channel(g, CHANNEL_ACCEPTANCES), action;
	struct ledgerd_summary before, after;
	char text[HASH_TEXT_MAX];
	const struct fx *f;
	struct err e;

	(void)state;
	a_list(g, &id, ACTION_SETTLE_MAX);
	action_id(&g->p.a, &action);
	accepted(g);
	assert_int_equal(ledger_seq(g->d->l), 1 + 1 + ACTION_SETTLE_MAX * 3 / 4);
	f = fx_of(g, FX_EMIT, 0);
	assert_true(has_topic(f, &g->p.who[RP]) && !has_topic(f, &g->p.who[JC]));
	f = fx_of(g, FX_EMIT, 1);
	assert_true(has_topic(f, &g->p.who[RP]) && has_topic(f, &g->p.who[JC]));
	assert_true(has_topic(f, &g->p.who[AUTHOR]) && !has_topic(f, &g->p.who[MALLORY]));
	assert_non_null(fx_of(g, FX_EMIT, ACTION_SETTLE_MAX * 3 / 4));
	assert_null(fx_of(g, FX_EMIT, ACTION_SETTLE_MAX * 3 / 4 + 1));
	/* Its text does not fit one row. */
	assert_true(store_memory_count(g->rows, journal_part_record()) > 2);
	/* The carrier that sends it once more is told that it is in a block. */
	post(g, action_to_json(&g->p.a));
	assert_true(json_is_true(json_object_get(result_at(g, 0), "repeated")));
	ledgerd_summary(g->d, &before);
	restart(g);
	ledgerd_summary(g->d, &after);
	assert_memory_equal(&before, &after, sizeof before);
	assert_true(ledgerd_verify(&g->world, &g->p.genesis, &after, &e));
	assert_memory_equal(&before, &after, sizeof before);
	get(g, "/v1/channels/{channel}", hash_text(&id, text), NULL);
	assert_string_equal(text_at(g->answer, "jobSum"), "66250");
	rig_free(g);
}

static void test_list_read(void **state)
{
	struct rig *g = rig_new();
	struct hash id = a_channel(g, CHANNEL_ACCEPTANCES), action, again;
	struct arena arena;
	struct action *a = calloc(1, sizeof *a);
	char text[HASH_TEXT_MAX];
	const json_t *list;
	struct err e;

	(void)state;
	assert_non_null(a);
	arena_init(&arena, 1 << 20);
	a_list(g, &id, 20);
	action_id(&g->p.a, &action);
	accepted(g);
	get(g, "/v1/actions/{action}", hash_text(&action, text), NULL);
	assert_int_equal(g->status, 200);
	assert_true(action_from_json(json_object_get(g->answer, "action"), &arena, a, &e));
	action_id(a, &again);
	assert_true(hash_eq(&action, &again));
	assert_string_equal(text_at(json_object_get(g->answer, "event"), "amount"), "6750");
	get(g, "/v1/blocks/{number}", "2", NULL);
	list = json_object_get(g->answer, "actions");
	assert_int_equal(json_array_size(list), 16);
	assert_true(json_is_object(json_object_get(json_array_get(list, 0), "action")));
	assert_true(json_is_null(json_object_get(json_array_get(list, 1), "action")));
	get(g, "/v1/events/page", NULL, "after=1");
	list = json_object_get(g->answer, "events");
	assert_int_equal(json_array_size(list), 16);
	assert_string_equal(
	        text_at(json_object_get(json_array_get(list, 15), "channel"), "number"), "19");
	arena_done(&arena);
	free(a);
	rig_free(g);
}

/* Several lists and single actions in one request are one block. */
static void test_batch(void **state)
{
	struct rig *g = rig_new();
	struct hash id = a_channel(g, CHANNEL_ACCEPTANCES);
	json_t *all = json_array();

	(void)state;
	a_list(g, &id, 8);
	json_array_append_new(all, action_to_json(&g->p.a));
	g->p.sends[RP]++;
	play_top_up(&g->p, RP, &id, 5);
	json_array_append_new(all, action_to_json(&g->p.a));
	g->p.sends[RP]++;
	a_list(g, &id, 12);
	json_array_append_new(all, action_to_json(&g->p.a));
	post(g, json_pack("{s:o}", "actions", all));
	assert_int_equal(g->status, 202);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(text_at(result_at(g, i), "stage"), "final");
	/* 7, 1, and of the second list what the first one left. */
	assert_int_equal(ledger_seq(g->d->l), 1 + 7 + 1 + 4);
	assert_int_equal(g->d->head.number, 2);
	restart(g);
	assert_int_equal(ledger_seq(g->d->l), 13);
	rig_free(g);
}

/* More events than a block may hold. */
static void test_too_many(void **state)
{
	struct rig *g = rig_new();
	json_t *all = json_array(), *list = json_array();

	(void)state;
	for (int i = 0; i < ACTION_SETTLE_MAX; i++)
		json_array_append_new(list, json_null());
	for (int i = 0; i <= LEDGERD_ROWS_MAX / (1 + ACTION_SETTLE_MAX); i++)
		json_array_append_new(all, json_pack("{s:O}", "items", list));
	json_decref(list);
	post(g, json_pack("{s:o}", "actions", all));
	assert_int_equal(g->status, 413);
	assert_string_equal(text_at(g->answer, "code"), "TOO_LARGE");
	rig_free(g);
}

/* ---- a journal that somebody has changed -------------------------------------------------------- */

static struct journal_action row_at(struct rig *g, uint64_t seq)
{
	struct store *s = &g->world.store;
	struct journal_action a = {.seq = seq};

	assert_true(s->get(s->self, journal_action_record(), &a, &g->p.e));
	return a;
}

static struct journal_part part_of(struct rig *g)
{
	struct store *s = &g->world.store;
	struct journal_part p = {.seq = 2, .part = 1};

	assert_true(s->get(s->self, journal_part_record(), &p, &g->p.e));
	return p;
}

static void put(struct rig *g, const struct record *r, const void *row)
{
	struct store *s = &g->world.store;

	assert_true(s->put(s->self, r, row, &g->p.e));
}

static void spoil_part(struct rig *g)
{
	struct journal_part p = part_of(g);
	char *at = strstr(p.text, "\"cost\":\"450\"");

	assert_non_null(at);
	at[8] = '5';
	put(g, journal_part_record(), &p);
}

static void lose_part(struct rig *g)
{
	struct store *s = &g->world.store;
	struct journal_part p = part_of(g);

	assert_true(s->del(s->self, journal_part_record(), &p, &g->p.e));
}

static void spoil_event(struct rig *g)
{
	struct journal_action a = row_at(g, 4);
	char *at = strstr(a.event, "\"amount\":\"450\"");

	assert_non_null(at);
	at[10] = '5';
	put(g, journal_action_record(), &a);
}

static void spoil_id(struct rig *g)
{
	struct journal_action a = row_at(g, 4);

	a.id.b[0] ^= 1;
	put(g, journal_action_record(), &a);
}

static void add_action(struct rig *g)
{
	struct journal_action a = row_at(g, 4);

	memcpy(a.action, "{}", 3);
	put(g, journal_action_record(), &a);
}

static void lose_row(struct rig *g)
{
	struct store *s = &g->world.store;
	struct journal_action a = row_at(g, 4);

	assert_true(s->del(s->self, journal_action_record(), &a, &g->p.e));
}

static void fewer_rows(struct rig *g)
{
	struct store *s = &g->world.store;
	struct journal_block b = {.number = 2};

	assert_true(s->get(s->self, journal_block_record(), &b, &g->p.e));
	b.actions = 3;
	put(g, journal_block_record(), &b);
}

static void test_tampered(void **state)
{
	static void (*const spoilers[])(struct rig * g) = {
	        spoil_part, lose_part, spoil_event, spoil_id, add_action, lose_row, fewer_rows};

	(void)state;
	for (size_t i = 0; i < COUNT(spoilers); i++) {
		struct rig *g = rig_new();
		struct hash id = a_channel(g, CHANNEL_ACCEPTANCES);
		struct ledgerd *d = NULL;
		struct err e;

		a_list(g, &id, 20);
		accepted(g);
		restart(g);
		spoilers[i](g);
		if (ledgerd_new(&g->world, &g->p.genesis, &d, &e))
			fail_msg("case %zu: replayed", i);
		assert_int_equal(e.code, E_TAMPERED);
		assert_non_null(strstr(e.msg, "block 2"));
		rig_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_read),
	        cmocka_unit_test(test_list),
	        cmocka_unit_test(test_list_read),
	        cmocka_unit_test(test_batch),
	        cmocka_unit_test(test_too_many),
	        cmocka_unit_test(test_tampered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
