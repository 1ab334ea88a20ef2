/* host_lost_test.c - a store that cannot be written, for a while or for good. */
#include "host/host_suite.h"

/* What happens while host_run() has the loop: a call, then the next step when it is answered. */
struct play {
	struct fixture *f;
	uv_timer_t t;
	unsigned step, puts;
	struct got g[2];
};

static void play_start(struct play *p, struct fixture *f, uv_timer_cb step)
{
	*p = (struct play){.f = f};
	p->t.data = p;
	uv_timer_init(&f->loop, &p->t);
	uv_timer_start(&p->t, step, 5, 5);
}

static void host_made(struct fixture *f, uint16_t port)
{
	struct err e;

	f->options.listen_port = port;
	assert_true(host_new(&f->options, &f->host, &e));
	snprintf(f->self.url, sizeof f->self.url, "http://127.0.0.1:%u", host_port(f->host));
}

static void full_for_a_while(uv_timer_t *t)
{
	struct play *p = t->data;
	struct fixture *f = p->f;

	if (p->step > 0 && p->step <= COUNT(p->g) && !p->g[p->step - 1].done)
		return;
	switch (p->step++) {
	case 0:
		f->put_fails = E_DISK_FULL;
		start_call(f, "POST", "/v1/write", STR("{}"), false, &p->g[0]);
		break;
	case 1:
		expect_err(&p->g[0], 507, E_DISK_FULL);
		assert_non_null(strstr(p->g[0].err.msg, "the echo cannot write its store"));
		assert_non_null(strstr(p->g[0].err.hint, "goes on by itself"));
		p->puts = f->puts;
		/* The role hears of nothing any more, not even of what writes nothing. */
		start_call(f, "GET", "/v1/echo/x", STR(""), false, &p->g[1]);
		break;
	case 2:
		expect_err(&p->g[1], 507, E_DISK_FULL);
		assert_int_equal(f->puts, p->puts);
		f->put_fails = E_NONE;
		uv_timer_stop(t);
		break;
	default: break;
	}
}

/* Everybody is told; when there is room again the role is made anew, on the same port. */
static void full_disk(void **state)
{
	struct fixture *f = *state;
	static struct play p; /* large */
	static struct got g;
	uint16_t port;

	host_made(f, 0);
	port = host_port(f->host);
	play_start(&p, f, full_for_a_while);
	assert_int_equal(host_run(f->host), HOST_AGAIN);
	assert_int_equal(p.step, 3);
	assert_int_equal(f->stops, 0);
	assert_int_equal(f->broken, 0);
	assert_true(f->odd >= 1);
	uv_close((uv_handle_t *)&p.t, NULL);
	host_free(f->host);
	host_up(f, port);
	ask(f, "POST", "/v1/write", "{}", false, &g);
	assert_int_equal(g.status, 200);
}

static void commit_that_fails(uv_timer_t *t)
{
	struct play *p = t->data;
	struct fixture *f = p->f;

	if (p->step == 0) {
		p->step++;
		f->commit_fails = E_IO;
		start_call(f, "POST", "/v1/write", STR("{}"), false, &p->g[0]);
		start_call(f, "POST", "/v1/write", STR("{}"), false, &p->g[1]);
	} else if (p->g[0].done && p->g[1].done) {
		uv_timer_stop(t);
		expect_err(&p->g[0], 500, E_IO);
		expect_err(&p->g[1], 500, E_IO);
		host_stop(f->host);
	}
}

/* Every answer of the turn waits for the commit: none says that it was written. While it waits it can be
 * stopped like any other. */
static void no_commit(void **state)
{
	struct fixture *f = *state;
	static struct play p;

	host_made(f, 0);
	play_start(&p, f, commit_that_fails);
	assert_int_equal(host_run(f->host), 0);
	assert_int_equal(f->broken, 0);
	uv_close((uv_handle_t *)&p.t, NULL);
}

/* A role inside a command does not wait: whoever gave the command learns why. */
static void full_disk_of_a_command(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct got g;
	int code;

	host_up(f, 0);
	assert_false(host_failed(f->host, &e));
	f->put_fails = E_DISK_FULL;
	start_call(f, "POST", "/v1/write", STR("{}"), false, &g);
	for (int i = 0; i < 200 && !host_exited(f->host, &code); i++)
		turn_for(f, 5);
	assert_true(host_exited(f->host, &code));
	assert_int_equal(code, err_exit(E_DISK_FULL));
	assert_true(host_failed(f->host, &e));
	assert_int_equal(e.code, E_DISK_FULL);
	assert_non_null(strstr(e.hint, "try again"));
	assert_int_equal(f->broken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(full_disk),
	        T(no_commit),
	        T(full_disk_of_a_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
