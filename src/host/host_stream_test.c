/* host_stream_test.c - event streams between hosts: cursors, restarts, slow readers. */
#include "host/host_suite.h"

/* ---- streams -------------------------------------------------------------------------------------------- */

static void follow_and_resume(void **state)
{
	struct fixture *f = *state;
	struct got g;
	uint16_t port;

	host_up(f, 0);
	port = host_port(f->host);
	ask(f, "POST", "/v1/emit/3", "{\"before\":1}", false, &g);
	host_free(f->host);
	/* It comes back on the same port, its log empty; a follower that knows event 3 waits. */
	f->follow_at_start = true;
	f->follow_cursor = 3;
	host_up(f, port);
	wait_count(f, &f->connects, 1);
	ask(f, "POST", "/v1/emit/2", "{\"after\":1}", false, &g);
	wait_count(f, &f->messages, 2);
	assert_int_equal(f->message_id, 5);
	assert_string_equal(f->message, "{\"after\":1}");
	assert_int_equal(f->lost, 0);
}

/* The server of another process goes away and comes back: the follower loses nothing. */
static void reconnect_with_cursor(void **state)
{
	struct fixture *f = *state;
	struct fixture *other;
	struct got g;
	uint16_t port;
	void *second = NULL;

	assert_int_equal(setup(&second), 0);
	other = second;
	host_up(f, 0);
	port = host_port(f->host);
	other->self = f->self;
	ask(f, "POST", "/v1/emit/4", "{}", false, &g);
	/* The follower's own host has no server. */
	other->follow_at_start = true;
	other->follow_cursor = 2;
	other->options.listen_ip = NULL;
	{
		struct err e;

		assert_true(host_new(&other->options, &other->host, &e));
		assert_int_equal(host_port(other->host), 0);
		assert_true(host_start(other->host, &e));
	}
	for (int i = 0; i < 1000 && other->messages < 2; i++) {
		turn_for(f, 1);
		turn_for(other, 1);
	}
	assert_int_equal(other->messages, 2);
	assert_int_equal(other->message_id, 4);
	host_free(f->host);
	f->host = NULL;
	turn_for(other, 50);
	assert_int_equal(other->downs, 1);
	assert_int_equal(other->down, E_UNREACHABLE);
	host_up(f, port);
	ask(f, "POST", "/v1/emit/2", "{}", false, &g);
	for (int i = 0; i < 3000 && other->messages < 4; i++) {
		turn_for(f, 1);
		turn_for(other, 1);
	}
	assert_int_equal(other->messages, 4);
	assert_int_equal(other->message_id, 6);
	assert_int_equal(other->connects, 2);
	assert_int_equal(other->lost, 0);
	teardown(&second);
}

static void old_cursor_starts_over(void **state)
{
	struct fixture *f = *state;
	struct got g;

	f->last_id = 10;
	host_up(f, 0);
	ask(f, "POST", "/v1/emit/3", "{}", false, &g);
	ask(f, "GET", "/v1/events?cursor=5", NULL, false, &g);
	expect_err(&g, 409, E_CONFLICT);
	f->host = host_free(f->host);
	f->follow_at_start = true;
	f->follow_cursor = 5;
	host_up(f, 0);
	wait_count(f, &f->connects, 1);
	ask(f, "POST", "/v1/emit/1", "{}", false, &g);
	/* It was behind: cut, refused, and from the oldest again. */
	wait_count(f, &f->messages, 1);
	assert_int_equal(f->message_id, 14);
	assert_int_equal(f->lost, 1);
}

static void slow_reader_is_cut(void **state)
{
	struct fixture *f = *state;
	size_t n = 800000;
	char *large = calloc(1, n + 1);
	struct got g;
	int fd;

	assert_non_null(large);
	memset(large, 'x', n);
	host_up(f, 0);
	fd = open_socket(f, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", 4096);
	turn_for(f, 20);
	ask(f, "GET", "/metrics", NULL, false, &g);
	assert_non_null(strstr(g.body, "lilypad_http_streams 1\n"));
	for (int i = 0; i < 20; i++)
		ask(f, "POST", "/v1/emit/1", large, false, &g);
	turn_for(f, 20);
	ask(f, "GET", "/metrics", NULL, false, &g);
	assert_non_null(strstr(g.body, "lilypad_http_streams 0\n"));
	assert_non_null(strstr(g.body, "lilypad_http_streams_cut_total 1\n"));
	close(fd);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(follow_and_resume),
	        T(reconnect_with_cursor),
	        T(old_cursor_starts_over),
	        T(slow_reader_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
