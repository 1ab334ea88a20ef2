/* buyer.c - buys the same small job at a rate from a market that runs: the job creator's role in one process,
 * as a program would hold it that buys for days. A line of JSON each five seconds, and one at the end.
 *
 *   buyer DIR MODULE SECONDS RATE [PARALLEL] */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/buy.h"
#include "cli/job_build.h"
#include "codec/json.h"
#include "os/clock.h"

enum { PARALLEL = 64, TELL_MS = 5000, GIVE_UP_S = 120, STEP_MS = 5 };

struct buyer {
	struct cli c;
	struct daemon d;
	struct creator *creator;
	struct host *host;
	struct creator_request req;
	struct mono began;
	int64_t seconds;
	double rate;
	size_t parallel, begun, ended, failed;
	uv_timer_t tell, step;
};

static NORETURN void quit(const struct err *e)
{
	fprintf(stderr, "buyer: %s: %s\n", err_name(e->code), e->msg);
	exit(1);
}

static double elapsed(const struct buyer *b)
{
	return (double)mono_since(clock_mono(), b->began).ms / 1000;
}

static bool is_over(const struct buyer *b)
{
	return elapsed(b) >= (double)b->seconds;
}

/* As many as the rate asks for, and no more at once than are allowed. */
static const struct creator_request *next(void *ctx, size_t unfinished)
{
	struct buyer *b = ctx;

	if (is_over(b) || unfinished >= b->parallel || (double)b->begun >= elapsed(b) * b->rate)
		return NULL;
	b->begun++;
	return &b->req;
}

static void say(const struct buyer *b, const char *what)
{
	printf("{\"event\":\"%s\",\"seconds\":%.1f,\"begun\":%zu,\"ended\":%zu,\"failed\":%zu}\n",
	        what, elapsed(b), b->begun, b->ended, b->failed);
	fflush(stdout);
}

static void on_emit(void *ctx, const char *name, struct str data)
{
	struct buyer *b = ctx;
	json_t *j OWN(json_own) = NULL;
	const char *what;
	struct err e;

	if (strcmp(name, "error") == 0) {
		fprintf(stderr, "buyer: %.*s\n", STR_ARG(data));
		exit(1);
	}
	if (!json_parse(data, &j, &e))
		quit(&e);
	what = json_string_value(json_object_get(j, "event"));
	if (!what || (strcmp(what, "DONE") != 0 && strcmp(what, "FAILED") != 0))
		return;
	b->ended++;
	if (strcmp(what, "FAILED") == 0 && b->failed++ < 3)
		fprintf(stderr, "buyer: %.*s\n", STR_ARG(data));
}

static void on_tell(uv_timer_t *t)
{
	say(t->data, "running");
}

/* The end: when the time is over and the last job too, or some time after. */
static void on_step(uv_timer_t *t)
{
	struct buyer *b = t->data;

	if (!is_over(b) || (b->ended < b->begun && elapsed(b) < (double)(b->seconds + GIVE_UP_S)))
		return;
	uv_close((uv_handle_t *)&b->tell, NULL);
	uv_close((uv_handle_t *)&b->step, NULL);
	host_stop(b->host);
}

static void make_request(struct buyer *b, const char *module)
{
	struct built_job built = {0};
	struct err e;

	if (!job_build(&b->c, &b->d.world.blobs, module, &built, &e) ||
	        !buy_terms(&b->d, built.spec, &b->req.offer, &e))
		quit(&e);
	b->req.spec = built.spec; /* lives as long as the program */
	b->req.queue = span_ms(GIVE_UP_S * 1000);
	snprintf(b->req.out, sizeof b->req.out, "%.900s/out", b->d.dir);
}

static void buy(struct buyer *b, const char *module)
{
	struct creator_config config = {.next = next, .next_ctx = b};
	struct err e;
	int lock;

	if (!daemon_open(&b->d, &b->c, "creator", NULL, creator_tables,
	            DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT | DAEMON_SHARED, &e) ||
	        !buy_prepare(&b->d, &config, &e) || !buy_own(&b->d, config.owner, &lock, &e))
		quit(&e);
	make_request(b, module);
	b->began = clock_mono();
	if (!creator_new(&b->d.world, &config, &b->creator, &e))
		quit(&e);
	b->d.options.role = creator_role(b->creator);
	b->d.options.listen_ip = NULL;
	b->d.options.on_emit = on_emit;
	b->d.options.emit_ctx = b;
	if (!host_new(&b->d.options, &b->host, &e) || !host_start(b->host, &e))
		quit(&e);
	b->d.hosted = true;
	uv_timer_init(&b->d.loop, &b->tell);
	uv_timer_init(&b->d.loop, &b->step);
	b->tell.data = b->step.data = b;
	uv_timer_start(&b->tell, on_tell, TELL_MS, TELL_MS);
	uv_timer_start(&b->step, on_step, STEP_MS, STEP_MS);
	uv_run(&b->d.loop, UV_RUN_DEFAULT);
	host_free(b->host);
	daemon_close(&b->d);
	creator_free(b->creator);
	close(lock);
}

int main(int argc, char **argv)
{
	struct buyer *b = calloc(1, sizeof *b);
	struct err e;

	if (!b || argc < 5) {
		fprintf(stderr, "buyer DIR MODULE SECONDS RATE [PARALLEL]\n");
		return 2;
	}
	b->c.self = argv[0];
	b->c.quiet = true;
	b->seconds = strtol(argv[3], NULL, 10);
	b->rate = strtod(argv[4], NULL);
	b->parallel = argc > 5 ? strtoul(argv[5], NULL, 10) : PARALLEL;
	if (!places_find(argv[1], &b->c.places, &e) ||
	        !settings_new("/nonexistent", &b->c.args, &b->c.settings, &e))
		quit(&e);
	buy(b, argv[2]);
	say(b, "over");
	return b->failed || b->ended < b->begun ? 1 : 0;
}
