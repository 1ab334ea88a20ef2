/* host_test.c - requests and answers, transactions, calls, limits and the end of a host. */
#include "host/host_suite.h"
#include "http/easy.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "port/action_json.h"

/* ---- requests ------------------------------------------------------------------------------------------- */

static void request_and_reply(void **state)
{
	struct fixture *f = *state;
	struct got g;

	host_up(f, 0);
	ask(f, "GET", "/v1/echo/a%20b?x=1&cursor=7", NULL, false, &g);
	assert_int_equal(g.status, 200);
	assert_non_null(strstr(g.body, "\"name\":\"a b\""));
	assert_non_null(strstr(g.body, "\"query\":\"x=1&cursor=7\""));
	assert_non_null(strstr(g.body, "\"cursor\":\"7\""));
	assert_non_null(strstr(g.body, "\"peer\":\"127.0.0.1\""));
	ask(f, "POST", "/v1/echo", "hello", false, &g);
	assert_int_equal(g.status, 201);
	assert_string_equal(g.body, "hello");
	ask(f, "GET", "/v1/later", NULL, false, &g);
	assert_string_equal(g.body, "{\"later\":true}");
	ask(f, "HEAD", "/v1/echo/x", NULL, false, &g);
	assert_int_equal(g.status, 200);
	assert_int_equal(f->starts, 1);
	assert_int_equal(f->begins, 0);
}

static void errors_are_error_objects(void **state)
{
	struct fixture *f = *state;
	char large[2000];
	struct got g;

	host_up(f, 0);
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	ask(f, "GET", "/v2/nothing", NULL, false, &g);
	expect_err(&g, 404, E_NOT_FOUND);
	assert_non_null(strstr(g.body, "/v2/nothing"));
	ask(f, "DELETE", "/v1/echo", NULL, false, &g);
	expect_err(&g, 405, E_METHOD);
	assert_non_null(strstr(g.err.hint, "POST"));
	ask(f, "POST", "/v1/echo", large, false, &g);
	expect_err(&g, 413, E_TOO_LARGE);
	assert_non_null(strstr(g.err.msg, "1000"));
	ask(f, "POST", "/v1/exit", "x", false, &g);
	expect_err(&g, 413, E_TOO_LARGE);
	ask(f, "GET", "/v1/echo/%zz", NULL, false, &g);
	expect_err(&g, 400, E_ENCODING);
	ask(f, "GET", "/v1/echo/x?cursor=-1", NULL, false, &g);
	expect_err(&g, 400, E_RANGE);
	/* And the server is well. */
	ask(f, "GET", "/v1/echo/x", NULL, false, &g);
	assert_int_equal(g.status, 200);
}

/* A body of unknown length is counted while it comes. */
struct dripping {
	struct got g;
	size_t left;
};

static bool drip(void *ctx, uint8_t *out, size_t max, size_t *n, struct err *e)
{
	struct dripping *d = ctx;

	(void)e;
	*n = MIN2(max, (size_t)700);
	*n = MIN2(*n, d->left);
	memset(out, 'x', *n);
	d->left -= *n;
	return true;
}

static void on_dripped(void *ctx, const struct http_answer *a)
{
	on_done(&((struct dripping *)ctx)->g, a);
}

static void chunked_body_is_counted(void **state)
{
	struct fixture *f = *state;
	struct dripping d = {.left = 1500};
	struct http_call c = {
	        .method = "POST", .url = f->url, .read = drip, .done = on_dripped, .ctx = &d};

	host_up(f, 0);
	snprintf(f->url, sizeof f->url, "%s/v1/echo", f->self.url);
	assert_true(http_client_call(f->client, &c).v != 0);
	wait_until(f, &d.g.done);
	expect_err(&d.g, 413, E_TOO_LARGE);
	/* Below the limit it is taken. */
	d = (struct dripping){.left = 900};
	assert_true(http_client_call(f->client, &c).v != 0);
	wait_until(f, &d.g.done);
	assert_int_equal(d.g.status, 201);
	assert_int_equal(strlen(d.g.body), 900);
}

static void signed_requests(void **state)
{
	struct fixture *f = *state;
	char addr[ADDR_TEXT_MAX], want[80];
	struct got g;

	host_up(f, 0);
	addr_format(&f->who.signer.addr, addr);
	snprintf(want, sizeof want, "\"account\":\"%s\"", addr);
	/* Signed in the second of the start: the client signs again by itself. */
	ask(f, "POST", "/v1/signed", "{}", true, &g);
	assert_int_equal(g.status, 200);
	assert_non_null(strstr(g.body, want));
	ask(f, "GET", "/v1/who?a=1", NULL, true, &g);
	assert_non_null(strstr(g.body, want));
	ask(f, "GET", "/v1/who", NULL, false, &g);
	assert_int_equal(g.status, 200);
	assert_null(strstr(g.body, want));
	ask(f, "POST", "/v1/signed", "{}", false, &g);
	expect_err(&g, 401, E_SIGNATURE);
	f->self.addr.b[0] ^= 1;
	ask(f, "POST", "/v1/signed", "{}", true, &g);
	expect_err(&g, 403, E_FORBIDDEN);
}

/* The first start of all takes what is signed in its second; where the account served before, the file
 * says since when. */
static void state_dir_is_kept(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/host_test.XXXXXX", file[64];
	struct mono from;
	struct got g;

	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/served", dir);
	f->options.state_dir = dir;
	host_up(f, 0);
	from = clock_mono();
	ask(f, "POST", "/v1/signed", "{}", true, &g);
	assert_int_equal(g.status, 200);
	/* Sooner than the client would sign again. */
	assert_in_range(mono_since(clock_mono(), from).ms, 0, EASY_STALE_MS - 1);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void deal_header_is_decoded(void **state)
{
	struct fixture *f = *state;
	struct got g = {0};
	struct http_call c = {.method = "GET",
	        .url = f->url,
	        .headers = "Lilypad-Deal: eyJhIjoxfQ\nX-Other: 1",
	        .done = on_done,
	        .ctx = &g};

	host_up(f, 0);
	snprintf(f->url, sizeof f->url, "%s/v1/deal", f->self.url);
	assert_true(http_client_call(f->client, &c).v != 0);
	wait_until(f, &g.done);
	assert_string_equal(g.body, "{\"deal\":\"{\\\"a\\\":1}\"}");
	g.done = false;
	c.headers = "Lilypad-Deal: ==";
	assert_true(http_client_call(f->client, &c).v != 0);
	wait_until(f, &g.done);
	expect_err(&g, 400, E_ENCODING);
}

/* Answers to what was written wait for the commit, and one commit serves a turn. */
static void writes_are_committed_before_answers(void **state)
{
	struct fixture *f = *state;
	static struct got g[20];
	unsigned commits;

	host_up(f, 0);
	for (size_t i = 0; i < COUNT(g); i++)
		start_call(f, "POST", "/v1/write", STR("{}"), false, &g[i]);
	for (size_t i = 0; i < COUNT(g); i++) {
		wait_until(f, &g[i].done);
		assert_int_equal(g[i].status, 200);
	}
	commits = f->commits;
	assert_int_equal(f->puts, COUNT(g));
	assert_true(commits >= 1 && commits <= COUNT(g));
	assert_int_equal(f->begins, commits);
	assert_int_equal(f->turns, commits);
	assert_false(f->in_tx);
	ask(f, "GET", "/v1/echo/x", NULL, false, &g[0]);
	assert_int_equal(f->begins, commits);
	assert_int_equal(f->turns, commits);
}

/* Of a damaged store, that is; lost.c knows of those that time mends. */
/* What is done once for all events of a turn is answered after its commit. */
static void the_end_of_a_turn_answers(void **state)
{
	struct fixture *f = *state;
	struct got later = {0}, g = {0};

	host_up(f, 0);
	start_call(f, "GET", "/v1/silent", STR(""), false, &later);
	for (int i = 0; i < 1000 && !f->waiting.v; i++)
		uv_run(&f->loop, UV_RUN_ONCE);
	assert_true(f->waiting.v);
	start_call(f, "POST", "/v1/write", STR("{}"), false, &g);
	wait_until(f, &later.done);
	assert_string_equal(later.body, "{\"turned\":true}");
	assert_int_equal(f->commits, f->turns);
	wait_until(f, &g.done);
}

/* Soft writes are answered at once, and durable soon; a signature after them waits for both. */
static void soft_writes_are_committed_soon(void **state)
{
	struct fixture *f = *state;
	struct got g = {0};

	host_up(f, 0);
	ask(f, "POST", "/v1/soft", "", false, &g);
	assert_int_equal(g.status, 200);
	assert_int_equal(f->puts, 1);
	assert_true(f->in_tx && f->commits == 0);
	for (int i = 0; i < 100 && f->in_tx; i++)
		uv_run(&f->loop, UV_RUN_ONCE);
	assert_true(!f->in_tx && f->commits == 1);
	ask(f, "POST", "/v1/soft", "", false, &g);
	ask(f, "POST", "/v1/soft-sign", "", false, &g);
	assert_true(f->puts == 3 && !f->in_tx && f->commits == 2);
	/* Another's write takes them along. */
	ask(f, "POST", "/v1/soft", "", false, &g);
	ask(f, "POST", "/v1/write", "{}", false, &g);
	assert_true(f->puts == 5 && !f->in_tx && f->commits == 3);
}

static void soft_writes_are_committed_at_a_stop(void **state)
{
	struct fixture *f = *state;
	struct got g = {0};

	host_up(f, 0);
	ask(f, "POST", "/v1/soft", "", false, &g);
	assert_true(f->in_tx);
	host_stop(f->host);
	for (int i = 0; i < 100 && f->in_tx; i++)
		uv_run(&f->loop, UV_RUN_ONCE);
	assert_true(!f->in_tx && f->commits == 1 && f->stops == 1);
}

static void failed_commit_ends_the_process(void **state)
{
	struct fixture *f = *state;
	struct got g;
	int code;

	host_up(f, 0);
	f->commit_fails = E_STORE;
	start_call(f, "POST", "/v1/write", STR("{}"), false, &g);
	for (int i = 0; i < 200 && !host_exited(f->host, &code); i++)
		turn_for(f, 5);
	assert_true(host_exited(f->host, &code));
	assert_int_equal(code, 1);
	assert_int_equal(f->broken, 1);
	assert_false(g.done);
}

static void calls_of_the_role(void **state)
{
	struct fixture *f = *state;
	char addr[ADDR_TEXT_MAX];
	struct got g;

	host_up(f, 0);
	addr_format(&f->self.addr, addr);
	ask(f, "GET", "/v1/call", NULL, false, &g);
	assert_int_equal(g.status, 200);
	/* It signed as itself. */
	assert_non_null(strstr(g.body, addr));
}

static void nobody_there(void **state)
{
	struct fixture *f = *state;
	struct got g;

	host_up(f, 0);
	snprintf(f->self.url, sizeof f->self.url, "http://127.0.0.1:1");
	ask(f, "GET", "/v1/echo/x", NULL, false, &g);
	assert_false(g.ok);
	assert_int_equal(g.err.code, E_UNREACHABLE);
	assert_non_null(strstr(g.err.msg, "http://127.0.0.1:1/v1/echo/x"));
}

static void deadline_of_a_call(void **state)
{
	struct fixture *f = *state;
	struct got g = {0};
	struct http_call c = {.method = "GET",
	        .url = f->url,
	        .deadline = span_ms(100),
	        .done = on_done,
	        .ctx = &g};

	host_up(f, 0);
	snprintf(f->url, sizeof f->url, "%s/v1/silent", f->self.url);
	assert_true(http_client_call(f->client, &c).v != 0);
	wait_until(f, &g.done);
	assert_false(g.ok);
	assert_int_equal(g.err.code, E_TIMEOUT);
}

static void cancelled_call_is_silent(void **state)
{
	struct fixture *f = *state;
	struct got g = {0};
	struct http_call c = {.method = "GET", .url = f->url, .done = on_done, .ctx = &g};
	struct http_handle h;

	host_up(f, 0);
	snprintf(f->url, sizeof f->url, "%s/v1/later", f->self.url);
	h = http_client_call(f->client, &c);
	turn_for(f, 10);
	http_client_cancel(f->client, h);
	http_client_cancel(f->client, h);
	turn_for(f, 60);
	assert_false(g.done);
	assert_int_equal(http_client_pending(f->client), 0);
}

static void rates_are_limited(void **state)
{
	struct fixture *f = *state;
	unsigned refused = 0;
	struct got g;

	f->options.rate_per_s = 1;
	f->options.rate_burst = 5;
	host_up(f, 0);
	for (int i = 0; i < 10; i++) {
		ask(f, "GET", "/v1/echo/x", NULL, false, &g);
		refused += g.status == 429;
		if (g.status == 429)
			expect_err(&g, 429, E_RATE);
	}
	assert_true(refused >= 4 && refused <= 5);
	/* Another key has its own. */
	ask(f, "GET", "/v1/who", NULL, true, &g);
	assert_int_equal(g.status, 200);
}

static void health_and_metrics(void **state)
{
	struct fixture *f = *state;
	struct got g;

	host_up(f, 0);
	ask(f, "GET", "/v1/health", NULL, false, &g);
	assert_int_equal(g.status, 200);
	assert_non_null(strstr(g.body, "\"role\":\"echo\""));
	ask(f, "GET", "/v1/echo/x", NULL, false, &g);
	ask(f, "GET", "/v2", NULL, false, &g);
	ask(f, "GET", "/metrics", NULL, false, &g);
	assert_non_null(
	        strstr(g.body, "lilypad_http_requests_total{method=\"GET\",route=\"/v1/echo/"
	                       "{name}\",status=\"200\"} 1\n"));
	assert_non_null(strstr(g.body, "route=\"\",status=\"404\"} 1\n"));
	assert_non_null(strstr(g.body, "lilypad_events_total{kind=\"request\"} 1\n"));
	assert_non_null(strstr(g.body, "lilypad_effects_total{kind=\"reply\"} 1\n"));
}

static void timers_fire_in_order(void **state)
{
	struct fixture *f = *state;

	f->set_timers = true;
	host_up(f, 0);
	wait_count(f, &f->order_n, 4);
	assert_int_equal(f->order[0], 1);
	assert_int_equal(f->order[1], 2);
	assert_int_equal(f->order[2], 3);
	assert_int_equal(f->order[3], 0);
	turn_for(f, 20);
	assert_int_equal(f->order_n, 4);
}

/* ---- many, and the end ---------------------------------------------------------------------------------- */

enum { IDLE = 2000 };

static void idle_connections(void **state)
{
	struct fixture *f = *state;
	struct rlimit r;
	static int fd[IDLE];
	struct got g;

	host_up(f, 0);
	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur < 2 * IDLE + 200) {
		print_message("only %llu descriptors: the limit of this machine\n",
		        (unsigned long long)r.rlim_cur);
		fail();
	}
	for (int i = 0; i < IDLE; i++) {
		fd[i] = open_socket(f, NULL, 0);
		if (i % 100 == 99)
			turn_for(f, 1);
	}
	turn_for(f, 20);
	ask(f, "GET", "/metrics", NULL, false, &g);
	assert_non_null(strstr(g.body, "lilypad_http_connections 2001\n"));
	for (int i = 0; i < IDLE; i++)
		close(fd[i]);
	/* Closing 2 000 takes a slow machine more than one look. */
	for (int i = 0; i < 100; i++) {
		turn_for(f, 50);
		ask(f, "GET", "/metrics", NULL, false, &g);
		if (strstr(g.body, "lilypad_http_connections 1\n"))
			break;
	}
	assert_non_null(strstr(g.body, "lilypad_http_connections 1\n"));
}

static void exit_of_the_role(void **state)
{
	struct fixture *f = *state;
	struct got g;
	struct err e;

	assert_true(host_new(&f->options, &f->host, &e));
	snprintf(f->self.url, sizeof f->self.url, "http://127.0.0.1:%u", host_port(f->host));
	start_call(f, "POST", "/v1/exit", STR(""), false, &g);
	assert_int_equal(host_run(f->host), 7);
	turn_for(f, 20);
	assert_true(g.done);
	assert_int_equal(g.status, 200);
	assert_int_equal(f->stops, 1);
}

static void send_term(uv_timer_t *t)
{
	(void)t;
	raise(SIGTERM);
}

static void signal_stops(void **state)
{
	struct fixture *f = *state;
	uv_timer_t timer;
	struct got g;
	struct err e;

	assert_true(host_new(&f->options, &f->host, &e));
	snprintf(f->self.url, sizeof f->self.url, "http://127.0.0.1:%u", host_port(f->host));
	uv_timer_init(&f->loop, &timer);
	uv_timer_start(&timer, send_term, 50, 0);
	/* An open stream does not hold it up. */
	start_call(f, "GET", "/v1/events", STR(""), false, &g);
	assert_int_equal(host_run(f->host), 0);
	assert_int_equal(f->stops, 1);
	uv_close((uv_handle_t *)&timer, NULL);
}

/* A server at 127.0.0.1 that is not ours. */
static int listen_somewhere(struct fixture *f)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	snprintf(f->last_peer.url, sizeof f->last_peer.url, "http://127.0.0.1:%u",
	        ntohs(a.sin_port));
	return fd;
}

/* Takes one request and answers it after a while. */
static void *answer_slowly(void *arg)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
	                             "Connection: close\r\n\r\n{}";
	static char got[4096];
	int fd = accept(*(int *)arg, NULL, NULL);
	size_t have = 0;
	ssize_t n = 1;

	while (n > 0 && have < sizeof got - 1 && !strstr(got, "\r\n\r\n{}")) {
		n = read(fd, got + have, sizeof got - 1 - have);
		have += n > 0 ? (size_t)n : 0;
	}
	usleep(300000);
	if (write(fd, answer, sizeof answer - 1) < 0)
		have = 0;
	close(fd);
	return have ? got : NULL;
}

static int64_t run_until_stopped(struct fixture *f)
{
	struct err e;
	struct mono from;

	assert_true(host_new(&f->options, &f->host, &e));
	from = clock_mono();
	assert_true(host_start(f->host, &e));
	host_stop(f->host);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(f->stops, 1);
	assert_int_equal(f->order_n, 0);
	return mono_since(clock_mono(), from).ms;
}

static void last_call_is_answered(void **state)
{
	struct fixture *f = *state;
	int fd = listen_somewhere(f);
	pthread_t peer;
	int64_t took;
	void *got;

	assert_int_equal(pthread_create(&peer, NULL, answer_slowly, &fd), 0);
	took = run_until_stopped(f);
	pthread_join(peer, &got);
	close(fd);
	assert_non_null(got);
	assert_int_equal(strncmp(got, "POST /v1/last HTTP/1.1\r\n", 24), 0);
	assert_in_range(took, 300, 1900);
}

/* A peer that does not answer holds the end up for two seconds, no longer. */
static void last_call_is_not_answered(void **state)
{
	struct fixture *f = *state;
	int fd = listen_somewhere(f);

	assert_in_range(run_until_stopped(f), 1900, 4000);
	close(fd);
}

static void taken_port(void **state)
{
	struct fixture *f = *state;
	struct host_options o = f->options;
	struct host *second;
	struct err e;

	host_up(f, 0);
	o.listen_port = host_port(f->host);
	assert_false(host_new(&o, &second, &e));
	assert_int_equal(e.code, E_IO);
	o.listen_ip = "localhost.invalid";
	assert_false(host_new(&o, &second, &e));
	assert_int_equal(e.code, E_CONFIG);
	turn_for(f, 5);
}

/* ---- ports ---- */

static bool ledger_start(void *self, uint64_t after, const struct addr *account,
        const struct inbox *in, struct err *e)
{
	struct fixture *f = self;

	(void)e;
	f->cursor = after;
	f->followed = *account;
	f->inbox_copy = *in;
	return true;
}

static void ledger_submit(void *self, const struct action *a, const struct hash *id)
{
	struct fixture *f = self;

	assert_int_equal(a->kind, ACTION_TIMEOUT);
	f->submitted = *id;
	f->submits++;
}

static void tree_fetch(void *self, struct tag tag, const char *url, const struct addr *audience,
        const struct cid *root, struct bytes deal, uint64_t max, const struct inbox *in)
{
	struct fixture *f = self;

	assert_string_equal(url, "http://directory");
	assert_true(addr_eq(audience, &f->self.addr) && root->digest.b[0] == 4);
	assert_int_equal(deal.n, 2);
	assert_int_equal(max, HTTP_TREE_MAX);
	assert_int_equal(tag.n, 3);
	f->inbox_copy = *in;
	f->fetches++;
}

static void tree_push(void *self, struct tag tag, const char *url, const struct addr *audience,
        const struct cid *root, struct bytes deal, const struct inbox *in)
{
	tree_fetch(self, tag, url, audience, root, deal, HTTP_TREE_MAX, in);
	((struct fixture *)self)->pushes++;
}

static void exec_run(
        void *self, struct tag tag, const struct job_spec *spec, const struct inbox *in)
{
	(void)in;
	assert_non_null(spec);
	assert_int_equal(tag.what, 9);
	((struct fixture *)self)->runs++;
}

static void exec_kill(void *self, struct tag tag)
{
	assert_int_equal(tag.what, 9);
	((struct fixture *)self)->kills++;
}

static void port_stop(void *self)
{
	((struct fixture *)self)->stopped++;
}

static void effects_reach_the_ports(void **state)
{
	struct fixture *f = *state;
	struct ledger_note note = {.stage = LEDGER_FINAL};
	struct tree_done tree = {.ok = true};
	struct run_done run = {.ok = true};
	struct hash id;
	struct got g;

	f->options.ledger = (struct ledger_port){f, ledger_start, ledger_submit, port_stop};
	f->options.tree = (struct tree_port){f, tree_fetch, tree_push, port_stop};
	f->options.exec = (struct exec_port){f, exec_run, exec_kill, port_stop};
	f->options.ledger_cursor = 12;
	host_up(f, 0);
	assert_int_equal(f->cursor, 12);
	assert_true(addr_eq(&f->followed, &f->self.addr));
	ask(f, "POST", "/v1/ports", NULL, false, &g);
	assert_int_equal(f->submits, 1);
	assert_int_equal(f->fetches, 2);
	assert_int_equal(f->pushes, 1);
	assert_int_equal(f->runs, 1);
	assert_int_equal(f->kills, 1);
	action_id(&(struct action){.kind = ACTION_TIMEOUT, .deal_id = {{7}}}, &id);
	assert_true(hash_eq(&id, &f->submitted));
	f->inbox_copy.ledger(f->inbox_copy.self, &note);
	f->inbox_copy.tree(f->inbox_copy.self, &tree);
	f->inbox_copy.run(f->inbox_copy.self, &run);
	assert_int_equal(f->notes, 1);
	assert_int_equal(f->trees, 1);
	assert_int_equal(f->results, 1);
	f->host = host_free(f->host);
	assert_int_equal(f->stopped, 3);
}

/* ---- calls that are waited for ---- */

static void *run_host(void *ctx)
{
	struct fixture *f = ctx;

	return host_run(f->host) == 7 ? f : NULL;
}

static void call_that_is_waited_for(void **state)
{
	struct fixture *f = *state;
	OWN(buf_done) struct buf body = {0};
	struct http_call c = {.method = "GET", .url = f->url};
	struct http_answer a;
	pthread_t thread;
	struct err e;
	void *ok;

	/* On this machine no proxy is used, whatever the environment says. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_true(host_new(&f->options, &f->host, &e));
	snprintf(f->self.url, sizeof f->self.url, "http://127.0.0.1:%u", host_port(f->host));
	assert_int_equal(pthread_create(&thread, NULL, run_host, f), 0);
	buf_init(&body, 10000);
	snprintf(f->url, sizeof f->url, "%s/v1/echo/waited", f->self.url);
	assert_true(http_call_sync(NULL, &c, &a, &body, &e));
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(buf_cstr(&body), "\"name\":\"waited\""));
	assert_true(http_answer_check(&a, &e));
	/* Signed; again when the server has only just started. */
	c.audience = f->self.addr;
	snprintf(f->url, sizeof f->url, "%s/v1/who", f->self.url);
	buf_reset(&body);
	assert_true(http_call_sync(&f->who, &c, &a, &body, &e));
	assert_int_equal(a.status, 200);
	assert_false(http_call_sync(NULL, &c, &a, &body, &e));
	assert_int_equal(e.code, E_KEY);
	c.audience = (struct addr){{0}};
	snprintf(f->url, sizeof f->url, "%s/v2", f->self.url);
	buf_reset(&body);
	assert_true(http_call_sync(NULL, &c, &a, &body, &e));
	assert_false(http_answer_check(&a, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
	c.method = "POST";
	snprintf(f->url, sizeof f->url, "%s/v1/exit", f->self.url);
	buf_reset(&body);
	assert_true(http_call_sync(NULL, &c, &a, &body, &e));
	assert_int_equal(pthread_join(thread, &ok), 0);
	assert_non_null(ok);
	unsetenv("http_proxy");
}

static void *serve_unix(void *ctx)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere";
	int fd = accept(*(int *)ctx, NULL, NULL);
	char request[2000];

	if (fd < 0 || recv(fd, request, sizeof request, 0) <= 0)
		return NULL;
	if (send(fd, text, sizeof text - 1, 0) < 0)
		return NULL;
	close(fd);
	return ctx;
}

static void unix_socket(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct http_call c = {.method = "GET", .url = "http://docker/v1", .done = on_done};
	struct got g = {0};
	pthread_t thread;
	void *ok;

	host_up(f, 0);
	snprintf(at.sun_path, sizeof at.sun_path, "/tmp/lilypad-host-%d", (int)getpid());
	unlink(at.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)(void *)&at, sizeof at), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve_unix, &listener), 0);
	c.unix_socket = at.sun_path;
	c.ctx = &g;
	assert_true(http_client_call(f->client, &c).v != 0);
	wait_until(f, &g.done);
	assert_true(g.ok);
	assert_string_equal(g.body, "here");
	assert_int_equal(pthread_join(thread, &ok), 0);
	assert_non_null(ok);
	close(listener);
	unlink(at.sun_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(request_and_reply),
	        T(errors_are_error_objects),
	        T(chunked_body_is_counted),
	        T(signed_requests),
	        T(state_dir_is_kept),
	        T(deal_header_is_decoded),
	        T(writes_are_committed_before_answers),
	        T(the_end_of_a_turn_answers),
	        T(soft_writes_are_committed_soon),
	        T(soft_writes_are_committed_at_a_stop),
	        T(failed_commit_ends_the_process),
	        T(calls_of_the_role),
	        T(nobody_there),
	        T(deadline_of_a_call),
	        T(cancelled_call_is_silent),
	        T(rates_are_limited),
	        T(health_and_metrics),
	        T(timers_fire_in_order),
	        T(idle_connections),
	        T(exit_of_the_role),
	        T(signal_stops),
	        T(last_call_is_answered),
	        T(last_call_is_not_answered),
	        T(taken_port),
	        T(effects_reach_the_ports),
	        T(call_that_is_waited_for),
	        T(unix_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
