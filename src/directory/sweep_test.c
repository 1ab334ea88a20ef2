/* sweep_test.c - trees go when their time is over and not before, and blocks when no tree needs them. */
#include "directory/directory_suite.h"

#define NO_DEAL ((struct str){"", 0})
enum { HOUR = 3600, DAY = 86400 };

static int delete_of(struct fixture *f, const struct cid *cid, const struct party *who)
{
	return ask(f, (struct ask){"DELETE", "/v1/trees/{root}", cid, NULL, NO_DEAL, who})->status;
}

static void trees_are_kept_as_long_as_promised(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000), out = tree_of(f, 2, 1000);
	struct cid spec = block_of(f, bytes_of("spec", 4));
	struct deal d = deal_of(f, &spec);

	store_private(f, &node, &f->jc);
	assert_int_equal(
	        post(f, &out, &f->rp, NULL, show_deal(f, &d, &f->jc, &f->rp))->status, 201);
	tick(f, LIFE_S);
	assert_true(can_get(f, &node.cid, &f->jc, NO_DEAL));
	assert_true(can_get(f, &out.cid, &f->jc, NO_DEAL));
	tick(f, 2 * HOUR);
	assert_int_equal(code_of(get(f, &node.cid, &f->jc, NO_DEAL)), E_NOT_FOUND);
	assert_int_equal(code_of(get(f, &out.cid, &f->jc, NO_DEAL)), E_NOT_FOUND);
	assert_int_equal(suite_count(f, directory_grant_record()), 0);
	assert_int_equal(suite_count(f, directory_deal_record()), 0);
	assert_int_equal(suite_count(f, directory_account_record()), 0);
}

static void a_promise_that_is_renewed_counts(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000), other = tree_of(f, 2, 1000);

	store_private(f, &node, &f->jc);
	store_private(f, &other, &f->jc);
	tick(f, 3 * DAY);
	store_private(f, &node, &f->jc);
	tick(f, LIFE_S - 3 * DAY + 2 * HOUR);
	assert_true(can_get(f, &node.cid, &f->jc, NO_DEAL));
	assert_int_equal(code_of(get(f, &other.cid, &f->jc, NO_DEAL)), E_NOT_FOUND);
	tick(f, 3 * DAY);
	assert_int_equal(code_of(get(f, &node.cid, &f->jc, NO_DEAL)), E_NOT_FOUND);
}

static void published_trees_stay(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000);

	assert_int_equal(post(f, &node, &f->operator_, "public=1", NO_DEAL)->status, 201);
	tick(f, 400 * DAY);
	assert_true(can_get(f, &node.cid, NULL, NO_DEAL));
}

/* A directory that was switched off for a month makes up for it. */
static void what_expired_meanwhile_goes(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000);

	store_private(f, &node, &f->jc);
	tick(f, 60);
	f->wall.ms += (int64_t)30 * DAY * 1000;
	start_role(f);
	tick(f, 60);
	assert_int_equal(code_of(get(f, &node.cid, &f->jc, NO_DEAL)), E_NOT_FOUND);
}

static void many_expire_in_pieces(void **state)
{
	struct fixture *f = *state;

	f->config.quota = 1 << 30;
	start_role(f);
	for (int i = 0; i < 3 * EXPIRE_MAX + 1; i++) {
		struct unixfs_node node = tree_of(f, 1, (size_t)i);

		store_private(f, &node, &f->jc);
	}
	tick(f, LIFE_S + 2 * HOUR);
	assert_int_equal(suite_count(f, directory_grant_record()), 0);
	assert_int_equal(suite_count(f, directory_account_record()), 0);
}

static void blocks_go_with_their_last_tree(void **state)
{
	struct fixture *f = *state;
	struct block_sink sink = suite_sink(f);
	struct unixfs_node gone = tree_of(f, 1, 1000), shared = tree_of(f, 2, 1000), kept;
	struct unixfs_entry in[2] = {{.name = STR("a"), .node = shared, .dir = true}};
	uint8_t data[1000];
	struct cid leaf;
	struct err e;

	in[1] = (struct unixfs_entry){.name = STR("b"), .node = tree_of(f, 3, 1000), .dir = true};
	assert_true(unixfs_add_dir(&sink, in, 2, &kept, &e));
	store_private(f, &gone, &f->jc);
	store_private(f, &shared, &f->jc);
	store_private(f, &kept, &f->other);
	assert_int_equal(delete_of(f, &gone.cid, &f->jc), 200);
	assert_int_equal(delete_of(f, &shared.cid, &f->jc), 200);
	/* Not at once: a tree may be on its way. */
	tick(f, 60);
	assert_int_equal(f->collections, 0);
	f->compact_more = true;
	tick(f, COLLECT_EVERY_S);
	assert_int_equal(f->collections, 1);
	assert_int_equal(f->compactions, 2);
	memset(data, 1, sizeof data);
	leaf = cid_of(CID_RAW, bytes_of(data, sizeof data));
	assert_false(suite_has(f, &gone.cid));
	assert_false(suite_has(f, &leaf));
	assert_true(tree_is_whole(&f->world.blobs, &kept.cid));
	assert_int_equal(blobs_memory_count(f->blocks), 5);
	/* Nothing has changed: nothing is done. */
	tick(f, 10 * COLLECT_EVERY_S);
	assert_int_equal(f->collections, 1);
}

/* The same bytes as a leaf of one tree and as a node of another: what is below the node stays. */
static void a_leaf_that_is_also_a_node(void **state)
{
	struct fixture *f = *state;
	struct block_sink sink = suite_sink(f);
	struct unixfs_node inner = tree_of(f, 1, 1000), dir, other = tree_of(f, 5, 10);
	struct unixfs_entry in[2];
	struct err e;

	in[0] = (struct unixfs_entry){.name = STR("a"), .node = inner};
	in[0].node.cid.codec = CID_RAW;
	in[1] = (struct unixfs_entry){.name = STR("b"), .node = inner, .dir = true};
	assert_true(unixfs_add_dir(&sink, in, 2, &dir, &e));
	store_private(f, &dir, &f->jc);
	store_private(f, &other, &f->jc);
	assert_int_equal(delete_of(f, &other.cid, &f->jc), 200);
	tick(f, COLLECT_EVERY_S + 60);
	assert_int_equal(f->collections, 1);
	assert_int_equal(blobs_memory_count(f->blocks), 3);
	assert_true(tree_is_whole(&f->world.blobs, &inner.cid));
}

/* A tree that comes while the blocks in use are being marked. */
static void a_tree_that_comes_while_marking(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node first = tree_of(f, 1, 1000), late = tree_of(f, 2, 1000);
	struct event ev = {.kind = EV_TIMER, .timer = {.what = TAG_TICK}};

	store_private(f, &first, &f->jc);
	assert_int_equal(delete_of(f, &first.cid, &f->jc), 200);
	f->wall.ms += (int64_t)COLLECT_EVERY_S * 1000;
	f->now.ns += (int64_t)COLLECT_EVERY_S * 1000000000;
	for (int i = 0; i < 10 && !f->d->marking; i++)
		give_event(f, &ev);
	assert_true(f->d->marking);
	store_private(f, &late, &f->jc);
	tick(f, 1);
	assert_int_equal(f->collections, 1);
	assert_true(tree_is_whole(&f->world.blobs, &late.cid));
	assert_false(suite_has(f, &first.cid));
}

/* A tree with a hole does not cost the others, nor what is left of itself. */
static void a_tree_that_is_damaged(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node a = tree_of(f, 1, 1000), b = tree_of(f, 2, 300000),
	                   gone = tree_of(f, 3, 5);
	size_t before;

	f->config.quota = 1 << 30;
	f->config.tree_max = 0;
	start_role(f);
	store_private(f, &a, &f->jc);
	store_private(f, &b, &f->jc);
	store_private(f, &gone, &f->jc);
	assert_int_equal(delete_of(f, &gone.cid, &f->jc), 200);
	assert_true(blobs_memory_lose(f->blocks, &a.cid));
	before = blobs_memory_count(f->blocks);
	tick(f, COLLECT_EVERY_S + 60);
	assert_int_equal(f->collections, 1);
	assert_true(tree_is_whole(&f->world.blobs, &b.cid));
	assert_int_equal(blobs_memory_count(f->blocks),
	        before - 3); /* two of `gone`, and the leaf that nothing names */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(trees_are_kept_as_long_as_promised),
	        T(a_promise_that_is_renewed_counts),
	        T(published_trees_stay),
	        T(what_expired_meanwhile_goes),
	        T(many_expire_in_pieces),
	        T(blocks_go_with_their_last_tree),
	        T(a_leaf_that_is_also_a_node),
	        T(a_tree_that_comes_while_marking),
	        T(a_tree_that_is_damaged),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
