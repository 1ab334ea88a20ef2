/* http_tree_test.c - trees between two block stores, through a real server and a real client. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blobs/folder.h"
#include "blobs/http_tree.h"
#include "codec/car.h"
#include "codec/unixfs.h"
#include "crypto/secp.h"
#include "http/server.h"
#include "os/clock.h"
#include "os/rng.h"

enum { GET_TREE, POST_TREE, KEEP_TREE };

static const struct route routes[] = {
        [GET_TREE] = {"GET", "/v1/trees/{root}", AUTH_REQUEST, BODY_NONE, 0, ""},
        [POST_TREE] = {"POST", "/v1/trees/{root}", AUTH_REQUEST, BODY_TREE, 8 << 20, ""},
        [KEEP_TREE] = {"POST", "/v1/trees/{root}/keep", AUTH_REQUEST, BODY_NONE, 0, ""},
};

struct fixture {
	uv_loop_t loop;
	char dir[64];
	struct blobs_folder *here, *there;
	struct blobs mine, theirs;
	struct seckey key;
	struct http_identity who;
	struct auth_check auth;
	struct addr directory;
	struct http_server *server;
	struct http_client *client;
	struct tree_port port;
	struct inbox inbox;
	char url[64];
	/* what the server does and saw */
	unsigned corrupt; /* answers in which a byte is wrong */
	bool refuse, cut_off, other;
	struct cid instead;
	unsigned gets, posts, asks, gone;
	bool has_it;
	/* a stream of the test's own */
	struct buf car;
	size_t sent;
	struct http_answer answer;
	char deal[2000];
	struct addr account;
	/* what came back */
	unsigned answers;
	struct tree_done done;
	char body[200];
};

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(&((struct fixture *)self)->key, digest, out, e);
}

/* ---- the directory -------------------------------------------------------------------------------------- */

static bool add_block(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	(void)e;
	car_write_block(self, cid, block);
	return true;
}

/* The tree with its last byte wrong, or without it. */
static void reply_damaged(struct fixture *f, struct conn_id conn, const struct cid *root)
{
	struct block_source src = {f->theirs.self, f->theirs.get};
	OWN(buf_done) struct buf car;
	uint64_t bytes;
	struct err e;

	buf_init(&car, 16 << 20);
	car_write_header(&car, root);
	assert_true(unixfs_blocks(&src, root, 16 << 20, add_block, &car, &bytes, &e));
	assert_true(buf_ok(&car));
	if (f->cut_off)
		car.n--;
	else
		car.p[car.n - 1] ^= 1;
	http_server_reply(f->server, conn, 200, "application/vnd.ipld.car", buf_bytes(&car));
}

static void on_request(void *ctx, const struct http_req *r)
{
	struct fixture *f = ctx;
	struct cid root;
	struct err e;

	f->account = r->account;
	snprintf(f->deal, sizeof f->deal, "%.*s", STR_ARG(r->deal));
	assert_true(cid_parse(r->params[0], &root, &e));
	f->posts += r->route == POST_TREE;
	f->gets += r->route == GET_TREE;
	f->asks += r->route == KEEP_TREE;
	if (r->route == KEEP_TREE && f->has_it) {
		http_server_reply(f->server, r->conn, 200, NULL, str_bytes(STR("{\"kept\":true}")));
	} else if (r->route == KEEP_TREE) {
		FAIL(&e, NOT_FOUND, "send it");
		http_server_reply_err(f->server, r->conn, &e);
	} else if (f->refuse) {
		FAIL(&e, FORBIDDEN, "not for you");
		http_server_reply_err(f->server, r->conn, &e);
	} else if (r->route == POST_TREE) {
		http_server_take_tree(f->server, r->conn, 0);
	} else if (f->corrupt || f->cut_off) {
		reply_damaged(f, r->conn, &root);
		f->corrupt -= f->corrupt ? 1 : 0;
	} else {
		http_server_give_tree(f->server, r->conn, f->other ? &f->instead : &root);
	}
}

static void on_tree(void *ctx, const struct tree_done *t)
{
	struct fixture *f = ctx;

	f->gone += !t->ok && t->err.code == E_UNREACHABLE;
	if (t->ok)
		http_server_reply(
		        f->server, t->conn, 200, NULL, str_bytes(STR("{\"stored\":true}")));
	else
		http_server_reply_err(f->server, t->conn, &t->err);
}

static void on_turn(void *ctx)
{
	(void)ctx;
}

/* ---- the fixture ------------------------------------------------------------------------------------------ */

static void on_done(void *self, const struct tree_done *done)
{
	struct fixture *f = self;

	f->answers++;
	f->done = *done;
	snprintf(f->body, sizeof f->body, "%.*s", (int)done->body.n, (const char *)done->body.p);
}

static void open_server(struct fixture *f, struct wall start)
{
	struct http_server_options o = {.loop = &f->loop,
	        .ip = "127.0.0.1",
	        .routes = routes,
	        .routes_n = COUNT(routes),
	        .blobs = &f->theirs,
	        .auth = &f->auth,
	        .request = on_request,
	        .tree = on_tree,
	        .turn = on_turn,
	        .ctx = f};
	struct err e;

	auth_check_init(&f->auth, &f->who.domain, &f->directory, start, 1);
	assert_true(http_server_new(&o, &f->server, &e));
	snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u", http_server_port(f->server));
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct wall start = clock_wall();
	char path[100];
	struct err e;

	assert_non_null(f);
	*state = f;
	uv_loop_init(&f->loop);
	snprintf(f->dir, sizeof f->dir, "/tmp/http_tree_test_XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof path, "%s/here", f->dir);
	assert_true(blobs_folder_open(path, &f->here, &e));
	snprintf(path, sizeof path, "%s/there", f->dir);
	assert_true(blobs_folder_open(path, &f->there, &e));
	f->mine = blobs_folder_port(f->here);
	f->theirs = blobs_folder_port(f->there);
	assert_true(seckey_new(&f->key, &e));
	f->who = (struct http_identity){{f, {{0}}, sign}, rng_os(), {{7}}};
	assert_true(seckey_addr(&f->key, &f->who.signer.addr, &e));
	f->directory = (struct addr){{9}};
	start.ms -= 10000;
	open_server(f, start);
	assert_true(http_client_new(&f->loop, &f->who, &f->client, &e));
	assert_true(http_tree_open(&f->loop, f->client, &f->mine, &f->port, &e));
	f->inbox = (struct inbox){.self = f, .tree = on_done};
	return 0;
}

static int drop(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st;
	(void)what;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	http_tree_close(&f->port);
	http_client_free(f->client);
	http_server_free(f->server);
	auth_check_done(&f->auth);
	for (int i = 0; i < 20; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	blobs_folder_free(f->here);
	blobs_folder_free(f->there);
	nftw(f->dir, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static bool put(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	struct blobs *b = self;

	return b->put(b->self, cid, block, e);
}

static struct unixfs_node make_tree(struct blobs *b, uint8_t fill)
{
	static uint8_t large[700000];
	struct unixfs_path paths[] = {
	        {STR("stdout"), bytes_of(large, 4), false},
	        {STR("outputs/a"), bytes_of(large, sizeof large), false},
	        {STR("outputs/b"), bytes_of(large, 300), false},
	};
	struct unixfs_node node;
	struct err e;

	memset(large, fill, sizeof large);
	assert_true(unixfs_add_tree(&(struct block_sink){b, put}, paths, COUNT(paths), &node, &e));
	return node;
}

static bool is_whole(const struct blobs *b, const struct unixfs_node *node)
{
	struct block_source src = {b->self, b->get};
	uint64_t bytes;
	struct err e;

	return unixfs_blocks(&src, &node->cid, UINT64_MAX, NULL, NULL, &bytes, &e) &&
	       bytes == node->tree_bytes;
}

static void wait_for(struct fixture *f, unsigned answers)
{
	struct mono start = clock_mono();

	while (f->answers < answers && mono_since(clock_mono(), start).ms < 20000)
		uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(f->answers, answers);
}

static const struct tag tag = {.what = 3, .n = 4, .key = {{5}}};

static void fetch(struct fixture *f, const struct unixfs_node *node, const char *deal, uint64_t max)
{
	unsigned before = f->answers;

	f->port.fetch(f->port.self, tag, f->url, &f->directory, &node->cid, str_bytes(str_of(deal)),
	        max, &f->inbox);
	assert_int_equal(f->answers, before);
	wait_for(f, before + 1);
	assert_int_equal(f->done.tag.what, tag.what);
	assert_true(cid_eq(&f->done.root, &node->cid));
}

static void push(struct fixture *f, const struct unixfs_node *node, const char *deal)
{
	unsigned before = f->answers;

	f->port.push(f->port.self, tag, f->url, &f->directory, &node->cid, str_bytes(str_of(deal)),
	        &f->inbox);
	assert_int_equal(f->answers, before);
	wait_for(f, before + 1);
	assert_true(cid_eq(&f->done.root, &node->cid));
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void trees_are_pushed(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = make_tree(&f->mine, 1);

	push(f, &node, "{\"deal\":\"with quotes, \xc3\xa4 and more\"}");
	assert_true(f->done.ok);
	assert_string_equal(f->body, "{\"stored\":true}");
	assert_string_equal(f->deal, "{\"deal\":\"with quotes, \xc3\xa4 and more\"}");
	assert_true(addr_eq(&f->account, &f->who.signer.addr));
	assert_true(is_whole(&f->theirs, &node));
	assert_int_equal(f->asks, 0);
	push(f, &node, "");
	assert_true(f->done.ok);
	assert_string_equal(f->deal, "");
	assert_int_equal(f->asks, 1);
	assert_int_equal(f->posts, 2);
	/* What the directory has from us already is not sent. */
	f->has_it = true;
	push(f, &node, "");
	assert_true(f->done.ok);
	assert_string_equal(f->body, "{\"kept\":true}");
	assert_int_equal(f->asks, 2);
	assert_int_equal(f->posts, 2);
	push(f, &node, "{}");
	assert_string_equal(f->body, "{\"stored\":true}");
	assert_int_equal(f->posts, 3);
}

static void trees_are_fetched_once(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = make_tree(&f->theirs, 2);

	fetch(f, &node, "{}", 8 << 20);
	assert_true(f->done.ok);
	assert_int_equal(f->done.bytes, node.tree_bytes);
	assert_string_equal(f->deal, "{}");
	assert_true(is_whole(&f->mine, &node));
	fetch(f, &node, "{}", 8 << 20);
	assert_true(f->done.ok);
	assert_int_equal(f->done.bytes, node.tree_bytes);
	assert_int_equal(f->gets, 1);
	/* A limit holds for what is here as well. */
	fetch(f, &node, "{}", node.tree_bytes - 1);
	assert_false(f->done.ok);
	assert_int_equal(f->done.err.code, E_TOO_LARGE);
}

static void corrupt_bytes_are_asked_for_again_once(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = make_tree(&f->theirs, 3);

	f->corrupt = 1;
	fetch(f, &node, "", 8 << 20);
	assert_true(f->done.ok);
	assert_int_equal(f->gets, 2);
	assert_true(is_whole(&f->mine, &node));
	node = make_tree(&f->theirs, 4);
	f->corrupt = 2;
	fetch(f, &node, "", 8 << 20);
	assert_false(f->done.ok);
	assert_int_equal(f->done.err.code, E_BLOCK_CORRUPT);
	assert_int_equal(f->gets, 4);
}

static void other_trees_and_halves_are_refused(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = make_tree(&f->theirs, 5), other = make_tree(&f->theirs, 6);

	f->other = true;
	f->instead = other.cid;
	fetch(f, &node, "", 8 << 20);
	assert_false(f->done.ok);
	assert_int_equal(f->done.err.code, E_PEER);
	f->other = false;
	f->cut_off = true;
	fetch(f, &node, "", 8 << 20);
	assert_false(f->done.ok);
	assert_int_equal(f->done.err.code, E_PEER);
	f->cut_off = false;
	fetch(f, &node, "", 100000);
	assert_false(f->done.ok);
	assert_int_equal(f->done.err.code, E_TOO_LARGE);
	f->refuse = true;
	fetch(f, &node, "", 8 << 20);
	assert_false(f->done.ok);
	assert_int_equal(f->done.err.code, E_FORBIDDEN);
	push(f, &(struct unixfs_node){.cid = {CID_RAW, {{1}}}}, "");
	assert_int_equal(f->done.err.code, E_NOT_FOUND);
	node = make_tree(&f->mine, 5);
	push(f, &node, "");
	assert_false(f->done.ok);
	assert_int_equal(f->done.err.code, E_FORBIDDEN);
}

static void a_directory_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = make_tree(&f->mine, 7);

	snprintf(f->url, sizeof f->url, "http://127.0.0.1:1");
	push(f, &node, "");
	assert_false(f->done.ok);
	assert_int_equal(f->done.err.code, E_UNREACHABLE);
	fetch(f, &(struct unixfs_node){.cid = {CID_RAW, {{1}}}}, "", 1000);
	assert_false(f->done.ok);
	assert_int_equal(f->done.err.code, E_UNREACHABLE);
}

/* A directory that started in the second of the signature refuses it: the stream is sent again. */
static void a_directory_that_has_only_just_started(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = make_tree(&f->mine, 8);

	http_server_free(f->server);
	auth_check_done(&f->auth);
	open_server(f, clock_wall());
	push(f, &node, "");
	assert_true(f->done.ok);
	assert_true(is_whole(&f->theirs, &node));
}

/* ---- streams that are no trees ------------------------------------------------------------------------------ */

static bool read_car(void *ctx, uint8_t *out, size_t max, size_t *n, struct err *e)
{
	struct fixture *f = ctx;

	(void)e;
	*n = f->car.n - f->sent < 100 ? f->car.n - f->sent : 100;
	assert_true(*n <= max);
	memcpy(out, f->car.p + f->sent, *n);
	f->sent += *n;
	return true;
}

static void on_sent(void *ctx, const struct http_answer *a)
{
	struct fixture *f = ctx;

	f->answers++;
	f->answer = *a;
}

static struct http_handle send_car(struct fixture *f, const struct cid *root)
{
	char text[CID_TEXT_MAX], url[200];
	struct http_call c = {.method = "POST",
	        .url = url,
	        .type = "application/vnd.ipld.car",
	        .audience = f->directory,
	        .read = read_car,
	        .done = on_sent,
	        .ctx = f};

	cid_format(root, text);
	snprintf(url, sizeof url, "%s/v1/trees/%s", f->url, text);
	c.root = str_of(text);
	f->sent = 0;
	return http_client_call(f->client, &c);
}

/* Who knows the name of a tree only, or its root's block, must not be taken for its owner: every block
 * has to come, also when the directory has it already. */
static void who_cannot_show_the_bytes_gains_nothing(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = make_tree(&f->theirs, 11);
	OWN(buf_done) struct buf root;
	struct err e;

	buf_init(&root, BLOCK_MAX);
	assert_true(f->theirs.get(f->theirs.self, &node.cid, &root, &e));
	buf_init(&f->car, 1 << 20);
	car_write_header(&f->car, &node.cid);
	for (unsigned i = 1; i <= 2; i++) {
		send_car(f, &node.cid);
		wait_for(f, i);
		assert_int_equal(f->answer.status, 400);
		assert_non_null(strstr(f->answer.err.msg, "did not come"));
		car_write_block(&f->car, &node.cid, buf_bytes(&root));
	}
	buf_done(&f->car);
	push(f, &node, "");
	assert_int_equal(f->done.err.code, E_NOT_FOUND); /* it is not here */
	node = make_tree(&f->mine, 11);
	push(f, &node, "");
	assert_true(f->done.ok);
}

static void a_sender_that_goes_away_is_told(void **state)
{
	static uint8_t data[BLOCK_MAX];
	struct fixture *f = *state;
	struct mono start = clock_mono();
	struct http_handle call;
	struct cid cid;

	buf_init(&f->car, 16 << 20);
	for (uint8_t i = 0; i < 6; i++) {
		data[0] = i;
		cid = cid_of(CID_RAW, bytes_of(data, sizeof data));
		if (i == 0)
			car_write_header(&f->car, &cid);
		car_write_block(&f->car, &cid, bytes_of(data, sizeof data));
	}
	call = send_car(f, &cid);
	while (f->sent < 100000 && mono_since(clock_mono(), start).ms < 20000)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_true(f->sent < f->car.n);
	assert_int_equal(f->gone, 0);
	http_client_cancel(f->client, call);
	while (f->gone == 0 && mono_since(clock_mono(), start).ms < 20000)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(f->gone, 1);
	buf_done(&f->car);
}

static void stopping_ends_without_answers(void **state)
{
	struct fixture *f = *state;
	struct unixfs_node node = make_tree(&f->mine, 9), other = make_tree(&f->theirs, 10);
	struct bytes none = {NULL, 0};

	for (int turns = 0; turns < 12; turns++) {
		f->port.push(f->port.self, tag, f->url, &f->directory, &node.cid, none, &f->inbox);
		f->port.fetch(f->port.self, tag, f->url, &f->directory, &other.cid, none, 8 << 20,
		        &f->inbox);
		f->answers = 0;
		for (int i = 0; i < turns && f->answers == 0; i++)
			uv_run(&f->loop, UV_RUN_NOWAIT);
		f->answers = 0;
		f->port.stop(f->port.self);
		for (int i = 0; i < 50; i++)
			uv_run(&f->loop, UV_RUN_NOWAIT);
		assert_int_equal(f->answers, 0);
	}
}

static void many_at_once(void **state)
{
	struct fixture *f = *state;
	struct bytes none = {NULL, 0};

	for (uint8_t i = 0; i < 20; i++) {
		struct unixfs_node node = make_tree(&f->theirs, i + 100);

		f->port.fetch(f->port.self, tag, f->url, &f->directory, &node.cid, none, 8 << 20,
		        &f->inbox);
	}
	wait_for(f, 20);
	for (uint8_t i = 0; i < 20; i++) {
		struct unixfs_node node = make_tree(&f->theirs, i + 100);

		assert_true(is_whole(&f->mine, &node));
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(trees_are_pushed),
	        T(trees_are_fetched_once),
	        T(corrupt_bytes_are_asked_for_again_once),
	        T(other_trees_and_halves_are_refused),
	        T(a_directory_that_is_not_there),
	        T(a_directory_that_has_only_just_started),
	        T(who_cannot_show_the_bytes_gains_nothing),
	        T(a_sender_that_goes_away_is_told),
	        T(stopping_ends_without_answers),
	        T(many_at_once),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
