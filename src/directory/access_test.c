/* access_test.c - who is given which tree (protocol 9.2), one rule after the other. */
#include "directory/directory_suite.h"

#include "codec/eip712.h"

#define NO_DEAL ((struct str){"", 0})

static void private_uploads_are_the_uploaders(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000);

	store_private(f, &node, &f->jc);
	assert_true(can_get(f, &node.cid, &f->jc, NO_DEAL));
	assert_false(can_get(f, &node.cid, &f->rp, NO_DEAL));
	assert_false(can_get(f, &node.cid, &f->operator_, NO_DEAL));
	assert_false(can_get(f, &node.cid, &f->self, NO_DEAL));
	assert_false(can_get(f, &node.cid, NULL, NO_DEAL));
	/* Whoever has shown the same bytes has the same right. */
	store_private(f, &node, &f->other);
	assert_true(can_get(f, &node.cid, &f->other, NO_DEAL));
	assert_true(can_get(f, &node.cid, &f->jc, NO_DEAL));
}

static void published_trees_are_everybodys(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node a = tree_of(f, 1, 1000), b = tree_of(f, 2, 1000);

	assert_int_equal(code_of(post(f, &a, &f->other, "public=1", NO_DEAL)), E_FORBIDDEN);
	assert_int_equal(code_of(get(f, &a.cid, NULL, NO_DEAL)), E_NOT_FOUND);
	assert_int_equal(post(f, &a, &f->operator_, "public=1", NO_DEAL)->status, 201);
	assert_int_equal(post(f, &b, &f->self, "public=1", NO_DEAL)->status, 201);
	assert_true(can_get(f, &a.cid, NULL, NO_DEAL));
	assert_true(can_get(f, &b.cid, &f->other, NO_DEAL));
	assert_int_equal(code_of(post(f, &a, &f->operator_, "public=yes", NO_DEAL)), E_RANGE);
}

static void outputs_are_the_members(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node out = tree_of(f, 1, 1000), in = tree_of(f, 2, 10);
	struct cid spec = spec_of(f, &in.cid, &in.cid, &in.cid);
	struct deal d = deal_of(f, &spec);
	struct str shown = show_deal(f, &d, &f->jc, &f->rp);
	struct ledger_note note = {.stage = LEDGER_EVENT, .event = {.seq = 7}};
	struct event ev = {.kind = EV_LEDGER, .ledger = &note};
	uint64_t cursor;
	struct err e;

	assert_int_equal(post(f, &out, &f->rp, NULL, shown)->status, 201);
	assert_true(can_get(f, &out.cid, &f->jc, NO_DEAL));
	assert_true(can_get(f, &out.cid, &f->rp, NO_DEAL));
	assert_true(can_get(f, &out.cid, &f->jc, shown));
	assert_false(can_get(f, &out.cid, &f->other, NO_DEAL));
	/* The deal is no key to its output. */
	assert_false(can_get(f, &out.cid, &f->other, shown));
	assert_false(can_get(f, &out.cid, NULL, shown));
	/* Mediators: once the ledger has a check of this deal, and not of another. */
	assert_false(can_get(f, &out.cid, &f->mediator, NO_DEAL));
	note.event.to = DEAL_RESULTS_CHECKED;
	note.event.deal = (struct hash){{1}};
	give_event(f, &ev);
	assert_false(can_get(f, &out.cid, &f->mediator, NO_DEAL));
	eip712_hash(deal_record(), &d, &note.event.deal);
	note.event.to = DEAL_RESULTS_SUBMITTED;
	note.event.seq = 8;
	give_event(f, &ev);
	assert_false(can_get(f, &out.cid, &f->mediator, NO_DEAL));
	note.event.to = DEAL_RESULTS_CHECKED;
	note.event.seq = 9;
	give_event(f, &ev);
	assert_true(can_get(f, &out.cid, &f->mediator, NO_DEAL));
	assert_false(can_get(f, &out.cid, &f->other, NO_DEAL));
	/* And after a restart; the output that comes again does not take it back. */
	start_role(f);
	assert_true(directory_start_cursor(f->d, &cursor, &e));
	assert_int_equal(cursor, 9);
	assert_int_equal(post(f, &out, &f->rp, NULL, shown)->status, 201);
	assert_true(can_get(f, &out.cid, &f->mediator, NO_DEAL));
}

/* Two deals with the same output: access is per (deal, root). */
static void one_tree_of_two_deals(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node out = tree_of(f, 1, 1000);
	struct cid spec = block_of(f, bytes_of("spec", 4));
	struct deal a = deal_of(f, &spec), b = deal_of(f, &spec);
	struct party second;

	make_party(&second, 20);
	b.hot.job_creator = second.addr;
	assert_int_equal(
	        post(f, &out, &f->rp, NULL, show_deal(f, &a, &f->jc, &f->rp))->status, 201);
	assert_false(can_get(f, &out.cid, &second, NO_DEAL));
	assert_int_equal(
	        post(f, &out, &f->rp, NULL, show_deal(f, &b, &second, &f->rp))->status, 201);
	assert_true(can_get(f, &out.cid, &second, NO_DEAL));
	assert_true(can_get(f, &out.cid, &f->jc, NO_DEAL));
	assert_int_equal(suite_count(f, directory_grant_record()), 2);
}

struct parts {
	struct unixfs_node program, tree;
	struct cid file, spec;
	struct deal deal;
};

/* The JC stores a program, an input tree, an input file and the spec that names them. */
static struct parts store_parts(struct fixture *f)
{
	struct parts p = {.program = tree_of(f, 1, 1000), .tree = tree_of(f, 2, 100)};
	struct unixfs_node node = {.tree_bytes = 4};

	p.file = node.cid = block_of(f, bytes_of("file", 4));
	p.spec = spec_of(f, &p.program.cid, &p.tree.cid, &p.file);
	p.deal = deal_of(f, &p.spec);
	store_private(f, &p.program, &f->jc);
	store_private(f, &p.tree, &f->jc);
	store_private(f, &node, &f->jc);
	node.cid = p.spec;
	store_private(f, &node, &f->jc);
	return p;
}

static void a_deal_opens_what_its_spec_names(void **state)
{
	struct fixture *f = *state;
	struct parts p = store_parts(f);
	struct unixfs_node secret = tree_of(f, 9, 50);
	struct str shown = show_deal(f, &p.deal, &f->jc, NULL);
	const struct cid *named[] = {&p.spec, &p.program.cid, &p.tree.cid, &p.file};

	store_private(f, &secret, &f->jc);
	for (size_t i = 0; i < COUNT(named); i++) {
		assert_false(can_get(f, named[i], &f->rp, NO_DEAL));
		assert_true(can_get(f, named[i], &f->rp, shown));
		assert_true(can_get(f, named[i], NULL, shown));
	}
	assert_false(can_get(f, &secret.cid, &f->rp, shown));
	/* The same digest under the other codec is another root. */
	assert_int_equal(
	        code_of(get(f, &(struct cid){CID_RAW, p.program.cid.digest}, &f->rp, shown)),
	        E_NOT_FOUND);
}

/* What the chain says of signatures that are not the JC's own. */
static enum vouch chain_says;

static enum vouch says(void *self, const struct vouch_for *v, struct amount *funds)
{
	(void)self;
	assert_int_equal(v->number, 1);
	*funds = amount_of(0);
	return chain_says;
}

/* 1.1: what its judge stored, in its own name, is the contract's; and the output is the judge's to read. */
static void a_jc_that_is_a_contract(void **state)
{
	struct fixture *f = *state;
	struct parts p = store_parts(f);
	struct unixfs_node out = tree_of(f, 5, 1000);
	struct str shown, both, other;

	p.deal.hot.job_creator = (struct addr){{0xc0}};
	shown = show_deal(f, &p.deal, &f->jc, NULL);
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, shown)), E_SIGNATURE);
	f->world.contracts.ask = says;
	chain_says = VOUCH_LATER;
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, shown)), E_BUSY);
	chain_says = VOUCH_NO;
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, shown)), E_SIGNATURE);
	chain_says = VOUCH_YES;
	assert_true(can_get(f, &p.tree.cid, &f->rp, shown));
	/* Another judge of the same contract cannot give away what is not its own. */
	other = show_deal(f, &p.deal, &f->other, NULL);
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, other)), E_FORBIDDEN);
	both = show_deal(f, &p.deal, &f->jc, &f->rp);
	assert_int_equal(post(f, &out, &f->rp, NULL, both)->status, 201);
	assert_true(can_get(f, &out.cid, &f->jc, NO_DEAL));
	assert_false(can_get(f, &out.cid, &f->other, NO_DEAL));
	assert_false(can_get(f, &out.cid, NULL, NO_DEAL));
}

static void a_deal_that_does_not_count(void **state)
{
	struct fixture *f = *state;
	struct parts p = store_parts(f);
	struct str other, shown = show_deal(f, &p.deal, &f->jc, NULL);
	struct deal d = p.deal;
	char *text = malloc(shown.n + 20);

	/* Signed by somebody else than its JC. */
	other = show_deal(f, &p.deal, &f->other, NULL);
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, other)), E_SIGNATURE);
	/* Signed, then changed. */
	memcpy(text, shown.p, shown.n);
	*(char *)memmem(text, shown.n, "\"nonce\":\"1\"", 11) = '"';
	((char *)memmem(text, shown.n, "\"nonce\":\"1\"", 11))[9] = '2';
	assert_int_equal(
	        code_of(get(f, &p.tree.cid, &f->rp, (struct str){text, shown.n})), E_SIGNATURE);
	/* For another ledger. */
	f->config.domain.b[0]++;
	other = show_deal(f, &p.deal, &f->jc, NULL);
	f->config.domain.b[0]--;
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, other)), E_SIGNATURE);
	/* Not a deal at all, or with more than a deal. */
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, STR("{"))), E_JSON_SYNTAX);
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, STR("[]"))), E_JSON_VALUE);
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, STR("{}"))), E_JSON_VALUE);
	snprintf(text, shown.n + 20, "%.*s,\"more\":1}", (int)shown.n - 1, shown.p);
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, str_of(text))), E_JSON_VALUE);
	/* By a JC who cannot read the tree himself: nobody gives away what is not his. */
	d.hot.job_creator = f->other.addr;
	other = show_deal(f, &d, &f->other, NULL);
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, other)), E_FORBIDDEN);
	/* Whose spec is not here, or is none. */
	d = p.deal;
	d.cold.spec = (struct hash){{3}};
	assert_int_equal(
	        code_of(get(f, &p.tree.cid, &f->rp, show_deal(f, &d, &f->jc, NULL))), E_NOT_FOUND);
	d.cold.spec = block_of(f, bytes_of("no spec", 7)).digest;
	assert_int_equal(code_of(get(f, &p.tree.cid, &f->rp, show_deal(f, &d, &f->jc, NULL))),
	        E_JSON_SYNTAX);
	free(text);
}

/* An output that feeds the next job: the JC may pass on what the first deal gave him. */
static void an_output_can_be_an_input(void **state)
{
	struct fixture *f = *state;
	struct parts p = store_parts(f);
	struct unixfs_node out = tree_of(f, 77, 500);
	struct party second;
	struct deal next;
	struct cid spec;

	make_party(&second, 21);
	assert_int_equal(
	        post(f, &out, &f->rp, NULL, show_deal(f, &p.deal, &f->jc, &f->rp))->status, 201);
	spec = spec_of(f, &p.program.cid, &out.cid, &p.file);
	next = deal_of(f, &spec);
	next.hot.provider = second.addr;
	assert_false(can_get(f, &out.cid, &second, NO_DEAL));
	assert_true(can_get(f, &out.cid, &second, show_deal(f, &next, &f->jc, NULL)));
}

static void blocks_are_given_as_their_tree_is(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000), other = tree_of(f, 2, 1000);
	struct cid leaf;
	char query[100] = "root=";
	uint8_t data[1000];
	const struct fx *x;

	memset(data, 1, sizeof data);
	leaf = cid_of(CID_RAW, bytes_of(data, sizeof data));
	cid_format(&node.cid, query + 5);
	store_private(f, &node, &f->jc);
	store_private(f, &other, &f->jc);
	x = ask(f, (struct ask){"GET", "/v1/blocks/{cid}", &leaf, query, NO_DEAL, &f->jc});
	assert_int_equal(x->kind, FX_REPLY_RAW);
	assert_int_equal(x->body.n, sizeof data);
	assert_memory_equal(x->body.p, data, sizeof data);
	x = ask(f, (struct ask){"GET", "/v1/blocks/{cid}", &node.cid, query, NO_DEAL, &f->jc});
	assert_int_equal(x->kind, FX_REPLY_RAW);
	x = ask(f, (struct ask){"GET", "/v1/blocks/{cid}", &leaf, query, NO_DEAL, &f->rp});
	assert_int_equal(code_of(x), E_FORBIDDEN);
	/* A block of another tree, though the caller may read that one too. */
	x = ask(f, (struct ask){"GET", "/v1/blocks/{cid}", &other.cid, query, NO_DEAL, &f->jc});
	assert_int_equal(code_of(x), E_NOT_FOUND);
	x = ask(f, (struct ask){"GET", "/v1/blocks/{cid}", &leaf, "", NO_DEAL, &f->jc});
	assert_int_equal(code_of(x), E_USAGE);
	x = ask(f, (struct ask){"GET", "/v1/blocks/{cid}", &leaf, "root=bafy", NO_DEAL, &f->jc});
	assert_int_equal(code_of(x), E_ENCODING);
}

static void a_damaged_block_is_told(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = tree_of(f, 1, 1000);
	struct cid leaf;
	char query[100] = "root=";
	uint8_t data[1000];
	const struct fx *x;

	memset(data, 1, sizeof data);
	leaf = cid_of(CID_RAW, bytes_of(data, sizeof data));
	cid_format(&node.cid, query + 5);
	store_private(f, &node, &f->jc);
	assert_int_equal(f->odd, 0);
	assert_true(blobs_memory_damage(f->blocks, &leaf));
	x = ask(f, (struct ask){"GET", "/v1/blocks/{cid}", &leaf, query, NO_DEAL, &f->jc});
	assert_int_equal(code_of(x), E_BLOCK_CORRUPT);
	assert_int_equal(f->odd, 1);
}

static void what_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct cid none = {CID_RAW, {{1}}}, bad = {CID_NONE, {{0}}};

	assert_int_equal(code_of(get(f, &none, &f->jc, NO_DEAL)), E_NOT_FOUND);
	assert_int_equal(code_of(get(f, &bad, &f->jc, NO_DEAL)), E_ENCODING);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(private_uploads_are_the_uploaders),
	        T(published_trees_are_everybodys),
	        T(outputs_are_the_members),
	        T(one_tree_of_two_deals),
	        T(a_deal_opens_what_its_spec_names),
	        T(a_jc_that_is_a_contract),
	        T(a_deal_that_does_not_count),
	        T(an_output_can_be_an_input),
	        T(blocks_are_given_as_their_tree_is),
	        T(a_damaged_block_is_told),
	        T(what_is_not_there),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
