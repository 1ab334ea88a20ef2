/* upload_test.c - what may be stored, what is signed for it, and how much of it. */
#include "codec/eip712.h"
#include "directory/directory_suite.h"

#define NO_DEAL ((struct str){"", 0})

static const struct record *grants(void)
{
	return directory_grant_record();
}

/* The Stored of an answer, after its signature was checked. */
static struct stored stored_of(struct fixture *f, const struct fx *x)
{
	OWN(json_own) json_t *j = NULL;
	struct stored s;
	struct sig sig;
	struct err e;

	assert_int_equal(x->kind, FX_REPLY);
	assert_int_equal(x->status, 201);
	assert_true(json_parse(bytes_str(x->body), &j, &e));
	assert_int_equal(json_object_size(j), 2);
	assert_true(json_get_record(j, "stored", stored_record(), &s, &e));
	assert_true(json_get_sig(j, "signature", &sig, &e));
	assert_true(signed_check(&f->config.domain, stored_record(), &s, &sig, &f->self.addr, &e));
	return s;
}

static const struct fx *keep(
        struct fixture *f, const struct unixfs_node *node, const struct party *who, struct str deal)
{
	return ask(f, (struct ask){"POST", "/v1/trees/{root}/keep", &node->cid, NULL, deal, who});
}

static struct deal some_deal(struct fixture *f)
{
	struct cid spec = block_of(f, bytes_of("spec", 4));

	return deal_of(f, &spec);
}

static void outputs_are_signed_for(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node out = tree_of(f, 1, 1000);
	struct deal d = some_deal(f);
	struct str shown = show_deal(f, &d, &f->jc, &f->rp);
	struct stored s;
	struct hash id;

	eip712_hash(deal_record(), &d, &id);
	s = stored_of(f, post(f, &out, &f->rp, NULL, shown));
	assert_true(hash_eq(&s.deal, &id));
	assert_true(hash_eq(&s.output, &out.cid.digest));
	assert_int_equal(s.bytes, out.tree_bytes);
	assert_true(s.keep_until.s >= START_S + LIFE_S);
	/* Again, a day later: the bytes need not come, and the promise reaches further. */
	f->wall.ms += 86400000;
	s = stored_of(f, keep(f, &out, &f->rp, shown));
	assert_int_equal(s.bytes, out.tree_bytes);
	assert_true(s.keep_until.s >= START_S + 86400 + LIFE_S);
	assert_int_equal(suite_count(f, grants()), 1);
	assert_int_equal(code_of(keep(f, &out, &f->jc, shown)), E_PARTY);
	assert_int_equal(code_of(keep(f, &out, &f->jc, NO_DEAL)), E_NOT_FOUND);
	/* But they have to when a block has been lost since. */
	assert_true(blobs_memory_lose(f->blocks, &out.cid));
	assert_int_equal(code_of(keep(f, &out, &f->rp, shown)), E_NOT_FOUND);
	out = tree_of(f, 1, 1000);
	s = stored_of(f, post(f, &out, &f->rp, NULL, shown));
	assert_int_equal(suite_count(f, grants()), 1);
}

static void private_uploads_are_kept_longer(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, QUOTA - 1000);

	assert_int_equal(code_of(keep(f, &node, &f->jc, NO_DEAL)), E_NOT_FOUND);
	store_private(f, &node, &f->jc);
	assert_int_equal(keep(f, &node, &f->jc, NO_DEAL)->status, 201);
	assert_int_equal(code_of(keep(f, &node, &f->other, NO_DEAL)), E_NOT_FOUND);
	/* Damaged here, it may come again, although the quota has no room for it twice. */
	assert_true(blobs_memory_lose(f->blocks, &node.cid));
	assert_int_equal(code_of(keep(f, &node, &f->jc, NO_DEAL)), E_NOT_FOUND);
	node = tree_of(f, 1, QUOTA - 1000);
	store_private(f, &node, &f->jc);
	assert_int_equal(keep(f, &node, &f->jc, NO_DEAL)->status, 201);
}

static void the_longer_promise_counts(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node out = tree_of(f, 1, 1000);
	struct deal d = some_deal(f);

	f->config.keep = span_s(30 * 86400);
	start_role(f);
	assert_true(stored_of(f, post(f, &out, &f->rp, NULL, show_deal(f, &d, &f->jc, &f->rp)))
	                    .keep_until.s >= START_S + 30 * 86400);
}

static enum err_code refused(struct fixture *f, const struct deal *d, const struct party *jc,
        const struct party *rp, const struct party *who, const struct cid *root)
{
	const struct fx *x = ask(f,
	        (struct ask){"POST", "/v1/trees/{root}", root, NULL, show_deal(f, d, jc, rp), who});

	assert_int_equal(suite_count(f, grants()), 0);
	return code_of(x);
}

static void outputs_need_both_signatures(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node out = tree_of(f, 1, 1000);
	struct cid raw = {CID_RAW, out.cid.digest};
	struct deal d = some_deal(f);

	assert_int_equal(refused(f, &d, &f->jc, NULL, &f->rp, &out.cid), E_JSON_VALUE);
	assert_int_equal(refused(f, &d, &f->jc, &f->jc, &f->rp, &out.cid), E_SIGNATURE);
	assert_int_equal(refused(f, &d, &f->rp, &f->rp, &f->rp, &out.cid), E_SIGNATURE);
	/* Uploaded by another than its provider; for another directory; no tree. */
	assert_int_equal(refused(f, &d, &f->jc, &f->rp, &f->jc, &out.cid), E_PARTY);
	assert_int_equal(refused(f, &d, &f->jc, &f->rp, &f->rp, &raw), E_ENCODING);
	d.cold.directory = f->other.addr;
	assert_int_equal(refused(f, &d, &f->jc, &f->rp, &f->rp, &out.cid), E_TERMS);
	d = some_deal(f);
	assert_int_equal(
	        code_of(post(f, &out, &f->operator_, "public=1", show_deal(f, &d, &f->jc, &f->rp))),
	        E_USAGE);
	assert_int_equal(refused(f, &d, &f->jc, &f->rp, &f->rp, &out.cid), E_NONE);
}

static void private_uploads_are_answered(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000);
	const struct fx *x = post(f, &node, &f->jc, NULL, NO_DEAL);
	OWN(json_own) json_t *j = NULL;
	char text[CID_TEXT_MAX];
	uint64_t v;
	struct err e;

	cid_format(&node.cid, text);
	assert_int_equal(x->status, 201);
	assert_true(json_parse(bytes_str(x->body), &j, &e));
	assert_string_equal(json_string_value(json_object_get(j, "root")), text);
	assert_true(json_get_u64(j, "bytes", &v, &e));
	assert_int_equal(v, node.tree_bytes);
	assert_true(json_get_u64(j, "keepUntil", &v, &e));
	assert_true(v >= START_S + LIFE_S);
	assert_true(json_is_false(json_object_get(j, "public")));
}

static const struct fx *come(struct fixture *f, uint64_t conn, const struct tree_done *done)
{
	struct tree_done t = *done;
	struct event ev = {.kind = EV_TREE_IN, .tree = &t};

	t.conn.v = conn;
	give_event(f, &ev);
	return answer_of(f);
}

static void trees_that_do_not_come_whole(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000), other = tree_of(f, 2, 1000);
	struct tree_done done = {.ok = false};
	const struct fx *x;

	x = ask(f, (struct ask){"POST", "/v1/trees/{root}", &node.cid, NULL, NO_DEAL, &f->jc});
	assert_int_equal(x->kind, FX_TAKE_TREE);
	FAIL(&done.err, BLOCK_CORRUPT, "wrong bytes");
	assert_int_equal(code_of(come(f, f->conns, &done)), E_BLOCK_CORRUPT);
	/* It is told once. */
	assert_ptr_equal(come(f, f->conns, &done), &no_answer);
	ask(f, (struct ask){"POST", "/v1/trees/{root}", &node.cid, NULL, NO_DEAL, &f->jc});
	assert_int_equal(code_of(arrive(f, &other)), E_CONFLICT);
	assert_int_equal(suite_count(f, grants()), 0);
	assert_int_equal(code_of(get(f, &node.cid, &f->jc, NO_DEAL)), E_NOT_FOUND);
}

static void slow_trees_are_given_up(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000);

	ask(f, (struct ask){"POST", "/v1/trees/{root}", &node.cid, NULL, NO_DEAL, &f->jc});
	tick(f, UPLOAD_S - 1);
	assert_ptr_equal(answer_of(f), &no_answer);
	tick(f, 2);
	assert_int_equal(code_of(answer_of(f)), E_TIMEOUT);
	assert_int_equal(answer_of(f)->conn.v, f->conns);
	assert_ptr_equal(arrive(f, &node), &no_answer);
	assert_int_equal(suite_count(f, grants()), 0);
}

static uint64_t used(struct fixture *f, const struct party *who)
{
	const struct fx *x = ask(f, (struct ask){"GET", "/v1/usage", NULL, NULL, NO_DEAL, who});
	OWN(json_own) json_t *j = NULL;
	uint64_t v;
	struct err e;

	assert_true(json_parse(bytes_str(x->body), &j, &e));
	assert_true(json_get_u64(j, "quota", &v, &e));
	assert_int_equal(v, QUOTA);
	assert_true(json_get_u64(j, "used", &v, &e));
	return v;
}

static void quotas_are_kept_to_the_byte(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node small = tree_of(f, 1, 1000), rest = tree_of(f, 2, QUOTA - 1000 - 200);
	struct unixfs_node more = tree_of(f, 3, 1);
	struct tree_done done = {.ok = false};
	const struct fx *x;

	store_private(f, &small, &f->jc);
	assert_int_equal(used(f, &f->jc), small.tree_bytes);
	/* The same tree again takes no more. */
	store_private(f, &small, &f->jc);
	assert_int_equal(used(f, &f->jc), small.tree_bytes);
	x = ask(f, (struct ask){"POST", "/v1/trees/{root}", &rest.cid, NULL, NO_DEAL, &f->jc});
	assert_int_equal(x->kind, FX_TAKE_TREE);
	assert_int_equal(x->limit, QUOTA - small.tree_bytes);
	assert_int_equal(arrive(f, &rest)->status, 201);
	assert_true(used(f, &f->jc) <= QUOTA);
	/* What is left is the limit; a tree that passes it met the quota and not the size of a tree. */
	x = ask(f, (struct ask){"POST", "/v1/trees/{root}", &more.cid, NULL, NO_DEAL, &f->jc});
	assert_int_equal(x->kind, FX_TAKE_TREE);
	assert_int_equal(x->limit, QUOTA - small.tree_bytes - rest.tree_bytes);
	FAIL(&done.err, TOO_LARGE, "more than the limit");
	assert_int_equal(code_of(come(f, f->conns, &done)), E_QUOTA);
	/* Others are not concerned. */
	store_private(f, &more, &f->other);
	assert_int_equal(used(f, &f->other), more.tree_bytes);
}

/* Two uploads at once that fit one by one and not together. */
static void quotas_hold_for_uploads_at_once(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node a = tree_of(f, 1, 60000), b = tree_of(f, 2, 60000);
	struct tree_done done = {.ok = true, .root = b.cid, .bytes = b.tree_bytes};
	uint64_t first;

	ask(f, (struct ask){"POST", "/v1/trees/{root}", &b.cid, NULL, NO_DEAL, &f->jc});
	first = f->conns;
	ask(f, (struct ask){"POST", "/v1/trees/{root}", &a.cid, NULL, NO_DEAL, &f->jc});
	assert_int_equal(arrive(f, &a)->status, 201);
	assert_int_equal(code_of(come(f, first, &done)), E_QUOTA);
	assert_int_equal(used(f, &f->jc), a.tree_bytes);
}

static void a_full_account_is_told_at_once(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 100);
	struct deal d = some_deal(f);

	f->config.quota = 0;
	start_role(f);
	assert_int_equal(code_of(ask(f, (struct ask){"POST", "/v1/trees/{root}", &node.cid, NULL,
	                                        NO_DEAL, &f->jc})),
	        E_QUOTA);
	assert_int_equal(
	        code_of(post(f, &node, &f->rp, NULL, show_deal(f, &d, &f->jc, &f->rp))), E_QUOTA);
	/* The operator's own trees are not counted. */
	assert_int_equal(post(f, &node, &f->operator_, "public=1", NO_DEAL)->status, 201);
}

static const struct fx *delete (
        struct fixture *f, const struct cid *cid, const struct party *who, const char *query)
{
	return ask(f, (struct ask){"DELETE", "/v1/trees/{root}", cid, query, NO_DEAL, who});
}

static void uploads_can_be_given_up(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000), out = tree_of(f, 2, 100);
	struct deal d = some_deal(f);

	store_private(f, &node, &f->jc);
	store_private(f, &node, &f->other);
	assert_int_equal(code_of(delete (f, &node.cid, &f->rp, NULL)), E_NOT_FOUND);
	assert_int_equal(delete (f, &node.cid, &f->jc, NULL)->status, 200);
	assert_int_equal(used(f, &f->jc), 0);
	assert_false(can_get(f, &node.cid, &f->jc, NO_DEAL));
	assert_true(can_get(f, &node.cid, &f->other, NO_DEAL));
	assert_int_equal(code_of(delete (f, &node.cid, &f->jc, NULL)), E_NOT_FOUND);
	/* What was signed for stays, and what is published is the operator's. */
	assert_int_equal(
	        post(f, &out, &f->rp, NULL, show_deal(f, &d, &f->jc, &f->rp))->status, 201);
	assert_int_equal(code_of(delete (f, &out.cid, &f->rp, NULL)), E_NOT_FOUND);
	assert_int_equal(post(f, &node, &f->operator_, "public=1", NO_DEAL)->status, 201);
	assert_int_equal(code_of(delete (f, &node.cid, &f->other, "public=1")), E_FORBIDDEN);
	assert_int_equal(delete (f, &node.cid, &f->operator_, "public=1")->status, 200);
	assert_false(can_get(f, &node.cid, NULL, NO_DEAL));
}

static void many_at_once_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000);
	const struct ask a = {"POST", "/v1/trees/{root}", &node.cid, NULL, NO_DEAL, &f->jc};

	for (int i = 0; i < UPLOADS_MAX; i++)
		assert_int_equal(ask(f, a)->kind, FX_TAKE_TREE);
	assert_int_equal(code_of(ask(f, a)), E_BUSY);
}

static void the_info_says_what_counts(void **state)
{
	struct fixture *f = *state;
	const struct fx *x = ask(f, (struct ask){"GET", "/v1/info", NULL, NULL, NO_DEAL, NULL});
	OWN(json_own) json_t *j = NULL;
	struct addr a;
	uint64_t v;
	struct err e;

	assert_true(json_parse(bytes_str(x->body), &j, &e));
	assert_true(json_get_addr(j, "account", &a, &e));
	assert_true(addr_eq(&a, &f->self.addr));
	assert_true(json_get_u64(j, "life", &v, &e));
	assert_int_equal(v, LIFE_S);
	assert_true(json_get_u64(j, "quota", &v, &e));
	assert_int_equal(v, QUOTA);
	assert_string_equal(json_string_value(json_object_get(j, "version")), "0.1");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(outputs_are_signed_for),
	        T(private_uploads_are_kept_longer),
	        T(the_longer_promise_counts),
	        T(outputs_need_both_signatures),
	        T(private_uploads_are_answered),
	        T(trees_that_do_not_come_whole),
	        T(slow_trees_are_given_up),
	        T(quotas_are_kept_to_the_byte),
	        T(quotas_hold_for_uploads_at_once),
	        T(a_full_account_is_told_at_once),
	        T(uploads_can_be_given_up),
	        T(many_at_once_are_bounded),
	        T(the_info_says_what_counts),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
