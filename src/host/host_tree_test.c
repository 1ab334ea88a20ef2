/* host_tree_test.c - trees through a server, in and out. */
#include "host/host_suite.h"

#include "codec/car.h"
#include "codec/unixfs.h"
#include "http/tree.h"

/* ---- trees ---------------------------------------------------------------------------------------------- */

struct carried {
	struct got got;
	struct tree_out *out;
	struct tree_in *in;
};

static bool read_tree(void *ctx, uint8_t *out, size_t max, size_t *n, struct err *e)
{
	return tree_out_read(((struct carried *)ctx)->out, out, max, n, e);
}

static bool take_tree(void *ctx, struct bytes piece, struct err *e)
{
	return tree_in_feed(((struct carried *)ctx)->in, piece, e);
}

static void on_carried(void *ctx, const struct http_answer *a)
{
	on_done(&((struct carried *)ctx)->got, a);
}

static bool sink_put(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	return fake_block(self, cid, block, e);
}

/* A tree of some files in the blocks of f. */
static struct unixfs_node make_tree(struct fixture *f, size_t file_bytes)
{
	struct block_sink sink = {f, sink_put};
	uint8_t *file = malloc(file_bytes);
	struct unixfs_node node;
	struct err e;

	assert_non_null(file);
	for (size_t i = 0; i < file_bytes; i++)
		file[i] = (uint8_t)(i * 7 + i / 251);
	struct unixfs_path paths[] = {
	        {STR("stdout"), str_bytes(STR("moo\n")), false},
	        {STR("outputs/again"), bytes_of(file, file_bytes), false},
	        {STR("outputs/large"), bytes_of(file, file_bytes), false},
	        {STR("empty"), {NULL, 0}, true},
	};
	assert_true(unixfs_add_tree(&sink, paths, COUNT(paths), &node, &e));
	free(file);
	return node;
}

static void put_tree(struct fixture *f, struct fixture *from, const char *where,
        const struct cid *root, struct carried *c)
{
	struct http_call call = {.method = "PUT",
	        .url = f->url,
	        .type = "application/vnd.ipld.car",
	        .audience = f->self.addr,
	        .read = read_tree,
	        .done = on_carried,
	        .ctx = c};
	char text[CID_TEXT_MAX];
	struct err e;

	memset(c, 0, sizeof *c);
	cid_format(root, text);
	call.root = str_of(text);
	snprintf(f->url, sizeof f->url, "%s%s%s", f->self.url, where, text);
	assert_true(tree_out_new(&from->world.blobs, root, &c->out, &e));
	assert_true(http_client_call(f->client, &call).v != 0);
	wait_until(f, &c->got.done);
	c->out = tree_out_free(c->out);
}

static void trees_go_in_and_out(void **state)
{
	struct fixture *f = *state, *mine;
	struct unixfs_node tree;
	struct carried c;
	uint64_t bytes;
	struct cid root;
	char want[64];
	struct err e;
	void *second = NULL;

	setup(&second);
	mine = second;
	tree = make_tree(mine, 700000);
	host_up(f, 0);
	turn_for(f, 1100); /* streams cannot be signed again by themselves */
	put_tree(f, mine, "/v1/trees/", &tree.cid, &c);
	assert_int_equal(c.got.status, 201);
	snprintf(want, sizeof want, "\"bytes\":%llu", (unsigned long long)tree.tree_bytes);
	assert_non_null(strstr(c.got.body, want));
	assert_int_equal(f->blocks_n, mine->blocks_n);
	assert_int_equal(f->syncs, 1);
	/* And back, into an empty store. */
	struct http_call call = {
	        .method = "GET", .url = f->url, .data = take_tree, .done = on_carried, .ctx = &c};
	for (size_t i = 0; i < mine->blocks_n; i++)
		buf_done(&mine->blocks[i].data);
	mine->blocks_n = 0;
	c.got.done = false;
	assert_true(tree_in_new(&mine->world.blobs, 4 << 20, &c.in, &e));
	assert_true(http_client_call(f->client, &call).v != 0);
	wait_until(f, &c.got.done);
	assert_int_equal(c.got.status, 200);
	assert_true(tree_in_end(c.in, &root, &bytes, &e));
	assert_true(cid_eq(&root, &tree.cid));
	assert_int_equal(bytes, tree.tree_bytes);
	tree_in_free(c.in);
	teardown(&second);
}

/* The block store finds one block damaged: the last that a reader of the tree comes to, or the root. */
static struct cid damaged;

static bool damaged_get(void *self, const struct cid *cid, struct buf *out, struct err *e)
{
	if (cid_eq(cid, &damaged))
		return FAIL(e, BLOCK_CORRUPT, "block %02x is damaged", cid->digest.b[0]);
	return fake_get(self, cid, out, e);
}

static int get_tree(struct fixture *f, const struct cid *root, struct carried *c)
{
	struct http_call call = {
	        .method = "GET", .url = f->url, .data = take_tree, .done = on_carried, .ctx = c};
	char text[CID_TEXT_MAX];
	struct err e;

	memset(c, 0, sizeof *c);
	cid_format(root, text);
	snprintf(f->url, sizeof f->url, "%s/v1/trees/%s", f->self.url, text);
	assert_true(tree_in_new(&f->world.blobs, 4 << 20, &c->in, &e));
	assert_true(http_client_call(f->client, &call).v != 0);
	wait_until(f, &c->got.done);
	c->in = tree_in_free(c->in);
	return c->got.status;
}

static void damaged_blocks(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node small, large;
	struct carried c;

	small = make_tree(f, 5000);
	damaged = f->blocks[0].cid; /* the leaf of stdout */
	f->world.blobs.get = damaged_get;
	host_up(f, 0);
	/* Nothing was sent yet: the answer says it. The second time the log does not. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(get_tree(f, &small.cid, &c), 502);
		expect_err(&c.got, 502, E_BLOCK_CORRUPT);
		assert_int_equal(f->odd, 1);
	}
	damaged = small.cid;
	assert_int_equal(get_tree(f, &small.cid, &c), 502);
	expect_err(&c.got, 502, E_BLOCK_CORRUPT);
	assert_int_equal(f->odd, 2);
	damaged = (struct cid){0};
	assert_int_equal(get_tree(f, &small.cid, &c), 200);
	assert_true(c.got.ok);
	/* Under way it can only be cut. */
	large = make_tree(f, 700000);
	assert_int_equal(get_tree(f, &large.cid, &c), 200);
	assert_true(c.got.ok);
	damaged = f->blocks[0].cid;
	assert_false(get_tree(f, &large.cid, &c) == 200 && c.got.ok);
	assert_int_equal(f->odd, 3);
	assert_int_equal(f->broken, 0);
}

static void unwanted_trees(void **state)
{
	struct fixture *f = *state, *mine;
	struct unixfs_node tree;
	struct carried c;
	struct cid none = {CID_RAW, {{1}}};
	struct got g;
	char path[100], text[CID_TEXT_MAX];
	void *second = NULL;

	setup(&second);
	mine = second;
	host_up(f, 0);
	turn_for(f, 1100);
	/* Refused at its headers, before its bytes. */
	tree = make_tree(mine, 3000000);
	put_tree(f, mine, "/v1/refused/", &tree.cid, &c);
	expect_err(&c.got, 403, E_FORBIDDEN);
	assert_int_equal(f->blocks_n, 0);
	/* Larger than the route's limit. */
	put_tree(f, mine, "/v1/trees/", &tree.cid, &c);
	expect_err(&c.got, 413, E_TOO_LARGE);
	/* Not there. */
	cid_format(&none, text);
	snprintf(path, sizeof path, "/v1/trees/%s", text);
	ask(f, "GET", path, NULL, false, &g);
	expect_err(&g, 404, E_NOT_FOUND);
	/* No CAR at all. */
	ask(f, "PUT", path, "this is no tree", true, &g);
	assert_int_equal(g.status, 401); /* a body is signed by its bytes, a tree by its root */
	teardown(&second);
}

static void corrupt_block_is_refused(void **state)
{
	struct fixture *f = *state, *mine;
	struct unixfs_node tree;
	struct carried c;
	void *second = NULL;

	setup(&second);
	mine = second;
	host_up(f, 0);
	turn_for(f, 1100);
	tree = make_tree(mine, 600000);
	for (size_t i = 0; i < mine->blocks_n; i++) {
		struct kept_block *b = &mine->blocks[i];

		if (b->cid.codec == CID_RAW) {
			b->data.p[b->data.n / 2] ^= 1;
			break;
		}
	}
	put_tree(f, mine, "/v1/trees/", &tree.cid, &c);
	expect_err(&c.got, 400, E_ENCODING);
	teardown(&second);
}

struct bytes_sent {
	struct got got;
	struct bytes left;
};

static bool read_bytes(void *ctx, uint8_t *out, size_t max, size_t *n, struct err *e)
{
	struct bytes_sent *s = ctx;

	(void)e;
	*n = MIN2(max, s->left.n);
	if (*n == 0)
		return true;
	memcpy(out, s->left.p, *n);
	s->left = bytes_of(s->left.p + *n, s->left.n - *n);
	return true;
}

static void on_sent(void *ctx, const struct http_answer *a)
{
	on_done(&((struct bytes_sent *)ctx)->got, a);
}

static void put_bytes(
        struct fixture *f, const struct cid *root, struct bytes b, struct bytes_sent *s)
{
	struct http_call call = {.method = "PUT",
	        .url = f->url,
	        .audience = f->self.addr,
	        .read = read_bytes,
	        .done = on_sent,
	        .ctx = s};
	char text[CID_TEXT_MAX];

	memset(s, 0, sizeof *s);
	s->left = b;
	cid_format(root, text);
	call.root = str_of(text);
	snprintf(f->url, sizeof f->url, "%s/v1/trees/%s", f->self.url, text);
	assert_true(http_client_call(f->client, &call).v != 0);
	wait_until(f, &s->got.done);
}

/* The first block is well; those that it names never come. */
static void tree_with_holes_is_refused(void **state)
{
	OWN(buf_done) struct buf car = {0};
	struct fixture *f = *state, *mine;
	struct unixfs_node tree;
	struct bytes_sent s;
	struct kept_block *root;
	void *second = NULL;

	setup(&second);
	mine = second;
	host_up(f, 0);
	turn_for(f, 1100);
	tree = make_tree(mine, 1000);
	root = find_block(mine, &tree.cid);
	assert_non_null(root);
	buf_init(&car, 1 << 20);
	car_write_header(&car, &tree.cid);
	put_bytes(f, &tree.cid, buf_bytes(&car), &s);
	expect_err(&s.got, 400, E_ENCODING);
	car_write_block(&car, &tree.cid, buf_bytes(&root->data));
	put_bytes(f, &tree.cid, bytes_of(car.p, car.n - 1), &s);
	expect_err(&s.got, 400, E_ENCODING);
	put_bytes(f, &tree.cid, buf_bytes(&car), &s);
	expect_err(&s.got, 400, E_ENCODING);
	assert_non_null(strstr(s.got.err.msg, "not whole"));
	put_bytes(f, &tree.cid, str_bytes(STR("this is no tree")), &s);
	expect_err(&s.got, 400, E_ENCODING);
	put_bytes(f, &tree.cid, bytes_of(NULL, 0), &s);
	expect_err(&s.got, 400, E_ENCODING);
	teardown(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(trees_go_in_and_out),
	        T(damaged_blocks),
	        T(unwanted_trees),
	        T(corrupt_block_is_refused),
	        T(tree_with_holes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
