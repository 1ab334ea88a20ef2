/* host_held_test.c - events that wait for what the chain says of a signature. */
#include "host/host_suite.h"

/* A chain that answers when the test says so. */
struct chain {
	struct fixture *f;
	enum vouch says;
	unsigned asked, stopped, given;
	void (*answered)(void *ctx);
	void *ctx;
};
static struct chain chain;

static enum vouch says(void *self, const struct vouch_for *v, struct amount *funds)
{
	struct chain *c = self;

	assert_int_equal(v->number, 7);
	c->asked++;
	*funds = amount_of(5);
	return c->says;
}

static void listen_to(void *self, void (*answered)(void *ctx), void *ctx)
{
	(void)self;
	chain.answered = answered;
	chain.ctx = ctx;
}

static void stop(void *self)
{
	((struct chain *)self)->stopped++;
}

/* Answers with the body that came, once it is known whose it is. */
static void on_asking(void *self, const struct event *ev, struct effects *fx)
{
	struct fixture *f = self;
	const struct vouch_for v = {.number = 7};
	struct amount funds;
	struct err e;
	enum vouch said;

	if (ev->kind != EV_REQUEST)
		return;
	chain.given++;
	said = f->world.contracts.ask(f->world.contracts.self, &v, &funds);
	if (said == VOUCH_YES) {
		assert_true(amount_eq(funds, amount_of(5)));
		fx_reply(fx, ev->request->conn, 200,
		        json_pack("{s:o, s:o, s:o}", "body",
		                json_of_str(bytes_str(ev->request->body)), "path",
		                json_of_str(ev->request->path), "name",
		                json_of_str(ev->request->params[0])));
		return;
	}
	if (said == VOUCH_NO)
		FAIL(&e, SIGNATURE, "not its");
	else
		FAIL(&e, BUSY, "not known yet");
	fx_reply_err(fx, ev->request->conn, &e);
}

static int set_up(void **state)
{
	struct fixture *f;

	if (setup(state) != 0)
		return -1;
	f = *state;
	chain = (struct chain){.f = f, .says = VOUCH_LATER};
	f->world.contracts = (struct contracts){&chain, says, listen_to, stop};
	f->options.role.on_event = on_asking;
	f->options.role.on_turn = NULL;
	host_up(f, 0);
	return 0;
}

static int tear_down(void **state)
{
	int rc = teardown(state);

	assert_int_equal(chain.stopped, 1);
	assert_null(chain.answered);
	return rc;
}

static void test_given_again(void **state)
{
	struct fixture *f = *state;
	struct got a, b;

	start_call(f, "POST", "/v1/echo?x=1", STR("{\"a\":1}"), false, &a);
	start_call(f, "GET", "/v1/echo/you", STR(""), false, &b);
	wait_count(f, &chain.given, 2);
	turn_for(f, 50);
	assert_false(a.done || b.done);
	/* An answer that is none of theirs changes nothing. */
	chain.answered(chain.ctx);
	assert_int_equal(chain.given, 4);
	turn_for(f, 50);
	assert_false(a.done || b.done);
	chain.says = VOUCH_YES;
	chain.answered(chain.ctx);
	wait_until(f, &a.done);
	wait_until(f, &b.done);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "{\\\"a\\\":1}"));
	assert_non_null(strstr(a.body, "/v1/echo?x=1"));
	assert_non_null(strstr(b.body, "\"name\":\"you\""));
	assert_int_equal(chain.given, 6);
	/* Nothing waits any more. */
	chain.answered(chain.ctx);
	assert_int_equal(chain.given, 6);
}

static void test_no(void **state)
{
	struct fixture *f = *state;
	struct got a;

	start_call(f, "POST", "/v1/echo", STR("{}"), false, &a);
	wait_count(f, &chain.given, 1);
	chain.says = VOUCH_NO;
	chain.answered(chain.ctx);
	wait_until(f, &a.done);
	expect_err(&a, 401, E_SIGNATURE);
}

/* What is known at once is answered at once. */
static void test_known(void **state)
{
	struct fixture *f = *state;
	struct got a;

	chain.says = VOUCH_YES;
	ask(f, "POST", "/v1/echo", "{}", false, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(chain.given, 1);
}

/* So many wait; one more is told that it is not known. What waits when the host ends goes with it. */
static void test_bound(void **state)
{
	struct fixture *f = *state;
	struct got *g = calloc(257, sizeof *g);
	struct http_client *first = f->client;
	struct err e;

	assert_non_null(g);
	for (unsigned i = 0; i < 256; i++)
		start_call(f, "POST", "/v1/echo", STR("{}"), false, &g[i]);
	wait_count(f, &chain.given, 256);
	/* One client has no more connections than that. */
	assert_true(http_client_new(&f->loop, &f->who, &f->client, &e));
	start_call(f, "POST", "/v1/echo", STR("{}"), false, &g[256]);
	wait_until(f, &g[256].done);
	expect_err(&g[256], 503, E_BUSY);
	for (unsigned i = 0; i < 256; i++)
		assert_false(g[i].done);
	http_client_free(first);
	turn_for(f, 20);
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_given_again, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_no, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_known, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_bound, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
