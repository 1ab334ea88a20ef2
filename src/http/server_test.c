/* server_test.c - the server against raw sockets: what no well-behaved client does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"
#include "os/clock.h"

enum { CONNS = 20 };

struct fixture {
	uv_loop_t loop;
	struct http_server *server;
	unsigned requests, turns, trees;
	struct conn_id last;
	bool take; /* the tree of `last`, at the end of the turn */
	struct blobs blobs;
};

static const struct route routes[] = {
        {"GET", "/now", AUTH_NONE, BODY_NONE, 0, ""},
        {"GET", "/never", AUTH_NONE, BODY_NONE, 0, ""},
        {"POST", "/body", AUTH_NONE, BODY_JSON, 100, ""},
        {"POST", "/tree", AUTH_NONE, BODY_TREE, 1000, ""},
};

static void on_request(void *ctx, const struct http_req *r)
{
	struct fixture *f = ctx;

	f->requests++;
	f->last = r->conn;
	f->take = r->route == 3;
	if (r->route == 0 || r->route == 2)
		http_server_reply(f->server, r->conn, 200, NULL, bytes_of("{}", 2));
}

static void on_tree(void *ctx, const struct tree_done *t)
{
	struct fixture *f = ctx;

	f->trees++;
	if (!t->ok)
		http_server_reply_err(f->server, t->conn, &t->err);
}

/* As a host does after a commit. */
static void on_turn(void *ctx)
{
	struct fixture *f = ctx;

	f->turns++;
	if (f->take)
		http_server_take_tree(f->server, f->last, 0);
	f->take = false;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct http_server_options o = {
	        .loop = &f->loop,
	        .ip = "127.0.0.1",
	        .routes = routes,
	        .routes_n = COUNT(routes),
	        .conns_max = CONNS,
	        .answer_s = 1,
	        .read_s = 2,
	        .request = on_request,
	        .tree = on_tree,
	        .turn = on_turn,
	        .ctx = f,
	        .blobs = &f->blobs,
	};
	struct err e;

	*state = f;
	uv_loop_init(&f->loop);
	return http_server_new(&o, &f->server, &e) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_server_free(f->server);
	for (int i = 0; i < 10; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	free(f);
	return 0;
}

static void turn_for(struct fixture *f, int64_t ms)
{
	struct mono start = clock_mono();

	while (mono_since(clock_mono(), start).ms < ms) {
		uv_run(&f->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
}

static int dial(struct fixture *f)
{
	struct sockaddr_in at = {
	        .sin_family = AF_INET, .sin_port = htons(http_server_port(f->server))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)(void *)&at, sizeof at), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

/* What has come within a second, or until the other side closed. */
static const char *hear(struct fixture *f, int fd, const char *until)
{
	static char text[20000];
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < 1000 && !strstr(text, until); i++) {
		ssize_t got = recv(fd, text + n, sizeof text - 1 - n, MSG_DONTWAIT);

		if (got == 0)
			break;
		if (got > 0)
			n += (size_t)got;
		text[n] = '\0';
		turn_for(f, 1);
	}
	return text;
}

static bool is_closed(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

static void requests_in_one_packet(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	say(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\nPOST /body HTTP/1.1\r\nHost: x\r\n"
	        "Content-Length: 2\r\n\r\n{}GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(hear(f, fd, "NOT_FOUND"), "200 OK"));
	assert_int_equal(f->requests, 2);
	close(fd);
}

static void request_byte_by_byte(void **state)
{
	static const char text[] =
	        "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n{  }";
	struct fixture *f = *state;
	int fd = dial(f);

	for (size_t i = 0; i < sizeof text - 1; i++) {
		assert_int_equal(send(fd, text + i, 1, MSG_NOSIGNAL), 1);
		turn_for(f, 1);
	}
	assert_non_null(strstr(hear(f, fd, "{}"), "200 OK"));
	close(fd);
}

static void garbage_is_refused(void **state)
{
	static const char *const texts[] = {"\r\n\r\n\r\n", "GARBAGE\r\n\r\n", "GET\r\n\r\n",
	        "GET /now HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00",
	        "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
	        "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
	        "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
	struct fixture *f = *state;
	int fd;

	for (size_t i = 0; i < COUNT(texts); i++) {
		fd = dial(f);
		say(fd, texts[i]);
		turn_for(f, 10);
		close(fd);
		turn_for(f, 2);
	}
	assert_int_equal(f->requests, 0);
	fd = dial(f);
	say(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(hear(f, fd, "{}"), "200 OK"));
	close(fd);
}

static void endless_header_is_refused(void **state)
{
	struct fixture *f = *state;
	char line[1100] = "X-Long: ";
	int fd = dial(f);

	memset(line + 8, 'x', 1000);
	memcpy(line + 1008, "\r\n", 3);
	say(fd, "GET /now HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 100; i++) {
		if (send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		turn_for(f, 1);
	}
	assert_int_equal(f->requests, 0);
	assert_non_null(strstr(hear(f, fd, "HTTP/1.1 4"), "HTTP/1.1 4"));
	close(fd);
}

static void endless_body_is_cut(void **state)
{
	static char piece[70000];
	struct fixture *f = *state;
	int fd = dial(f);
	ssize_t n = 1;
	size_t sent = 0;

	memset(piece, 'x', sizeof piece);
	memcpy(piece, "fff0\r\n", 6);
	memcpy(piece + 6 + 0xfff0, "\r\n", 2);
	say(fd, "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 2000 && n > 0; i++) {
		size_t at = sent % (6 + 0xfff0 + 2);

		n = send(fd, piece + at, 6 + 0xfff0 + 2 - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			sent += (size_t)n;
		n = n < 0 && errno == EAGAIN ? 1 : n;
		turn_for(f, 1);
	}
	assert_true(n < 0);
	assert_int_equal(f->requests, 0);
	close(fd);
}

static void caller_that_left(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	say(fd, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_for(f, 20);
	assert_int_equal(f->requests, 1);
	assert_int_equal(http_server_pending(f->server), 1);
	close(fd);
	turn_for(f, 5);
	/* It is answered to nobody; a second answer is for nobody either. */
	http_server_reply(f->server, f->last, 200, NULL, bytes_of("{}", 2));
	turn_for(f, 20);
	http_server_reply(f->server, f->last, 200, NULL, bytes_of("{}", 2));
	http_server_reply(f->server, (struct conn_id){12345}, 200, NULL, bytes_of("{}", 2));
	assert_int_equal(http_server_pending(f->server), 0);
}

static void silence_of_the_role_has_an_end(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	say(fd, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_for(f, 2100);
	assert_non_null(strstr(hear(f, fd, "}"), "504 "));
	close(fd);
}

/* A byte now and then keeps a connection from being silent, and still its request has an end: in its head,
 * in a body, and in a tree that comes by the byte. Others are served meanwhile. */
static void slow_sender_is_cut(void **state)
{
	static const char *const begins[] = {"GET /now HTTP/1.1\r\nX: ",
	        "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n",
	        "POST /tree HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"};
	struct fixture *f = *state;
	int fd[COUNT(begins)], other = dial(f);
	unsigned cut = 0;

	for (size_t i = 0; i < COUNT(begins); i++) {
		fd[i] = dial(f);
		say(fd[i], begins[i]);
	}
	for (int t = 0; t < 80 && cut < COUNT(begins); t++) {
		cut = 0;
		for (size_t i = 0; i < COUNT(begins); i++)
			cut += send(fd[i], "x", 1, MSG_NOSIGNAL) < 0;
		turn_for(f, 100);
		assert_true(t > 10 || cut == 0);
	}
	assert_int_equal(cut, COUNT(begins));
	say(other, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(hear(f, other, "{}"), "200 OK"));
	for (size_t i = 0; i < COUNT(begins); i++)
		close(fd[i]);
	close(other);
}

static void longest_idle_makes_room(void **state)
{
	struct fixture *f = *state;
	int fd[CONNS * 2], last;
	unsigned closed = 0;

	for (int i = 0; i < CONNS * 2; i++) {
		fd[i] = dial(f);
		turn_for(f, 2);
	}
	last = dial(f);
	say(last, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(hear(f, last, "{}"), "200 OK"));
	for (int i = 0; i < CONNS * 2; i++) {
		/* The oldest are gone, the newest are there. */
		closed += is_closed(fd[i]);
		assert_true(i >= CONNS || is_closed(fd[i]));
		close(fd[i]);
	}
	assert_int_equal(closed, CONNS + 1);
	close(last);
}

/* The role wants the tree only after its commit, and by then the whole body lies in one packet: nothing
 * more will come that could wake the connection. */
static void tree_wanted_late(void **state)
{
	static const char *const bodies[] = {
	        "3\r\nabc\r\n0\r\n\r\n", "0\r\n\r\n", "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(bodies); i++) {
		int fd = dial(f);

		say(fd, "POST /tree HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
		        "Expect: 100-continue\r\n\r\n");
		assert_non_null(strstr(hear(f, fd, "\r\n\r\n"), "100 Continue"));
		say(fd, bodies[i]);
		assert_non_null(strstr(hear(f, fd, "}"), "400 "));
		assert_int_equal(f->trees, i + 1);
		close(fd);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(requests_in_one_packet),
	        T(request_byte_by_byte),
	        T(garbage_is_refused),
	        T(endless_header_is_refused),
	        T(endless_body_is_cut),
	        T(caller_that_left),
	        T(silence_of_the_role_has_an_end),
	        T(slow_sender_is_cut),
	        T(longest_idle_makes_room),
	        T(tree_wanted_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
