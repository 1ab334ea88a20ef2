/* job_bench.c - a no-op job from its signed offer to its payment, every role a process of its own on this
 * machine, the job creator's role in this process.
 *
 *   one after another: latencies, durable commits of all processes, and beside them as many bare
 *   fdatasyncs of 4 KiB appends as a job has commits;
 *   many at once: jobs a second, everything on cores 0 and 1.
 *
 * job_bench [JOBS [PARALLEL [JOBS_PARALLEL]]] */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/buy.h"
#include "cli/job_build.h"
#include "cli/local_net.h"
#include "cli/remove.h"
#include "codec/json.h"
#include "codec/json_pool.h"
#include "os/clock.h"
#include "build_dir.h"

enum { WARM = 10, JOBS_MAX = 100000, BARE = 200, GIVE_UP_S = 120 };

struct bench {
	struct cli c;
	char dir[64];
	char self[CLI_PATH_MAX], module[CLI_PATH_MAX], preload[CLI_PATH_MAX];
	struct local_net net;
	struct daemon d;
	struct creator *creator;
	struct host *host;
	struct creator_request req;
	size_t want, parallel;
	size_t begun, ended, failed;
	uint64_t *start_ns, *took_ns;
	uint64_t *syncs, syncs_at_first;
	uint64_t first_ns, last_ns;
};

/* Whatever ends this program, its daemons end with it. */
static struct local_net *started;

static void stop_started(void)
{
	if (started)
		local_net_stop(started);
	started = NULL;
}

static NORETURN void quit(const struct err *e)
{
	fprintf(stderr, "job_bench: %s\n", e->msg);
	exit(1);
}

static uint64_t now(void)
{
	return (uint64_t)clock_mono().ns;
}

/* ---- the role is fed --------------------------------------------------------------------------------- */

static const struct creator_request *next(void *ctx, size_t unfinished)
{
	struct bench *b = ctx;

	if (b->begun == b->want || unfinished >= b->parallel)
		return NULL;
	if (b->begun == WARM) {
		b->first_ns = now();
		b->syncs_at_first = __atomic_load_n(b->syncs, __ATOMIC_RELAXED);
	}
	b->start_ns[b->begun++] = now();
	return &b->req;
}

static void on_emit(void *ctx, const char *name, struct str data)
{
	struct bench *b = ctx;
	json_t *j OWN(json_own) = NULL;
	struct err e;
	const char *what;

	if (strcmp(name, "error") == 0) {
		fprintf(stderr, "job_bench: %.*s\n", STR_ARG(data));
		exit(1);
	}
	if (!json_parse(data, &j, &e))
		quit(&e);
	what = json_string_value(json_object_get(j, "event"));
	if (!what || (strcmp(what, "DONE") != 0 && strcmp(what, "FAILED") != 0))
		return;
	if (strcmp(what, "FAILED") == 0 && b->failed++ < 3)
		fprintf(stderr, "job_bench: %.*s\n", STR_ARG(data));
	/* One after another, ends come in the order of beginnings; in parallel only the rate counts. */
	b->took_ns[b->ended] = now() - b->start_ns[b->ended];
	b->last_ns = now();
	if (++b->ended == b->want) {
		host_stop(b->host);
		uv_stop(&b->d.loop);
	}
}

static void make_request(struct bench *b)
{
	struct built_job built = {0};
	struct err e;

	if (!job_build(&b->c, &b->d.world.blobs, b->module, &built, &e) ||
	        !buy_terms(&b->d, built.spec, &b->req.offer, &e))
		quit(&e);
	b->req.spec = built.spec; /* lives as long as the program */
	b->req.queue = span_ms(GIVE_UP_S * 1000);
	snprintf(b->req.out, sizeof b->req.out, "%s/out", b->dir);
}

static void give_up(uv_timer_t *t)
{
	struct bench *b = t->data;

	fprintf(stderr, "job_bench: %zu of %zu jobs ended in %d s\n", b->ended, b->want, GIVE_UP_S);
	stop_started();
	exit(1);
}

static void play(struct bench *b, size_t jobs, size_t parallel)
{
	struct creator_config config = {.next = next, .next_ctx = b};
	uv_timer_t limit = {.data = b};
	struct err e;
	int lock;

	b->want = jobs + WARM;
	b->parallel = parallel;
	b->begun = b->ended = b->failed = 0;
	if (!daemon_open(&b->d, &b->c, "creator", NULL, creator_tables,
	            DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT | DAEMON_SHARED, &e) ||
	        !buy_prepare(&b->d, &config, &e) || !buy_own(&b->d, config.owner, &lock, &e))
		quit(&e);
	make_request(b);
	if (!creator_new(&b->d.world, &config, &b->creator, &e))
		quit(&e);
	b->d.options.role = creator_role(b->creator);
	b->d.options.listen_ip = NULL;
	b->d.options.on_emit = on_emit;
	b->d.options.emit_ctx = b;
	if (!host_new(&b->d.options, &b->host, &e) || !host_start(b->host, &e))
		quit(&e);
	uv_timer_init(&b->d.loop, &limit);
	uv_timer_start(&limit, give_up, GIVE_UP_S * 1000, 0);
	uv_run(&b->d.loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&limit, NULL);
	host_free(b->host);
	daemon_close(&b->d);
	creator_free(b->creator);
	close(lock);
}

/* ---- figures ------------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Milliseconds of n bare 4 KiB appends, each durable: the median of BARE of them, n times. */
static double bare_ms(const struct bench *b, double n)
{
	uint64_t took[BARE];
	char path[96], page[4096] = {1};
	int fd;

	snprintf(path, sizeof path, "%s/bare", b->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	for (int i = 0; i < BARE; i++) {
		uint64_t t = now();

		if (write(fd, page, sizeof page) != sizeof page || fdatasync(fd) != 0)
			exit(1);
		took[i] = now() - t;
	}
	close(fd);
	qsort(took, BARE, sizeof took[0], by_size);
	return (double)took[BARE / 2] / 1e6 * n;
}

static void one_after_another(struct bench *b, size_t jobs)
{
	uint64_t *t = b->took_ns + WARM;
	double syncs, p50, bare;

	play(b, jobs, 1);
	syncs = (double)(__atomic_load_n(b->syncs, __ATOMIC_RELAXED) - b->syncs_at_first) /
	        (double)jobs;
	bare = bare_ms(b, syncs);
	qsort(t, jobs, sizeof *t, by_size);
	p50 = (double)t[jobs / 2] / 1e6;
	printf("{\"name\":\"no-op job, offer to paid, p50\",\"unit\":\"ms\",\"ours\":%.2f,"
	       "\"goal\":\"<= 15\"}\n",
	        p50);
	printf("{\"name\":\"no-op job, offer to paid, p99\",\"unit\":\"ms\",\"ours\":%.2f}\n",
	        (double)t[jobs * 99 / 100] / 1e6);
	printf("{\"name\":\"no-op job, durable commits\",\"unit\":\"commits\",\"ours\":%.1f}\n",
	        syncs);
	printf("{\"name\":\"no-op job beside its bare fdatasyncs\",\"unit\":\"ms\",\"ours\":%.2f,"
	       "\"peer\":%.2f,\"peer_name\":\"as many 4 KiB appends\"}\n",
	        p50, bare);
	if (b->failed)
		printf("%zu jobs failed\n", b->failed);
	fflush(stdout);
}

/* Seconds of processor that a process has used until now, its ended children included. */
static double cpu_s(pid_t pid)
{
	unsigned long long t[4] = {0};
	char path[64], text[1024] = "", *at;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(text, sizeof text, f))
		text[0] = '\0';
	fclose(f);
	at = strrchr(text, ')');
	for (int i = 0; at && i < 11; i++)
		at = strchr(at + 1, ' ');
	if (at)
		for (int i = 0; i < 4; i++)
			t[i] = strtoull(at, &at, 10);
	return (double)(t[0] + t[1] + t[2] + t[3]) / (double)sysconf(_SC_CLK_TCK);
}

/* The executor is a child of the provider that lives as long as it, and its jobs are children of that. */
static pid_t executor_of(pid_t provider)
{
	char path[96], text[32] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)provider, (long)provider);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (!fgets(text, sizeof text, f))
		text[0] = '\0';
	fclose(f);
	return (pid_t)strtol(text, NULL, 10);
}

/* What a job costs each role: what the machine's other load does not change. */
static void costs(struct bench *b, double *before, size_t jobs, bool print)
{
	double solver = 0, ledger = 0, all = 0;

	for (size_t i = 0; i <= b->net.n + 1; i++) {
		pid_t pid = i < b->net.n    ? b->net.procs[i].pid
		            : i == b->net.n ? executor_of(b->net.procs[b->net.n - 1].pid)
		                            : getpid();
		const char *role = i < b->net.n    ? b->net.procs[i].role
		                   : i == b->net.n ? "executor"
		                                   : "creator";
		double s = cpu_s(pid);

		if (!print) {
			before[i] = s;
			continue;
		}
		s = (s - before[i]) / (double)jobs;
		all += s;
		solver = strcmp(role, "solver") == 0 ? s : solver;
		ledger = strcmp(role, "ledger") == 0 ? s : ledger;
		printf("{\"name\":\"no-op job, processor time, %s\",\"unit\":\"ms\",\"ours\":%.3f}\n",
		        role, s * 1e3);
	}
	if (!print)
		return;
	printf("{\"name\":\"no-op jobs a two-core second pays for\",\"unit\":\"jobs/s\",\"ours\":%.0f,"
	       "\"goal\":\">= 500\"}\n",
	        2 / all);
	printf("{\"name\":\"life cycles, solver and ledger a core each\",\"unit\":\"jobs/s\","
	       "\"ours\":%.0f,\"goal\":\">= 2000\"}\n",
	        1 / (solver > ledger ? solver : ledger));
}

static void at_once(struct bench *b, size_t jobs, size_t parallel)
{
	double s, before[8 + LOCAL_PROVIDERS_MAX] = {0};

	costs(b, before, jobs, false);
	play(b, jobs, parallel);
	costs(b, before, jobs + WARM, true);
	s = (double)(b->last_ns - b->first_ns) / 1e9;
	printf("{\"name\":\"no-op jobs, %zu at once, two cores\",\"unit\":\"jobs/s\",\"ours\":%.1f,"
	       "\"goal\":\">= 500\"}\n",
	        parallel, (double)(jobs - b->failed) / s);
	if (b->failed)
		printf("%zu jobs failed\n", b->failed);
}

/* ---- the network ----------------------------------------------------------------------------------------- */

/* Counting is preloaded into this process and those that it starts. */
static void preload(char **argv, struct bench *b)
{
	char path[64];
	int fd;
	void *p;

	if (!getenv("SYNC_COUNT_FILE")) {
		snprintf(path, sizeof path, "/tmp/lilypad-bench-%ld", (long)getpid());
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || ftruncate(fd, 8) != 0)
			exit(1);
		setenv("SYNC_COUNT_FILE", path, 1);
		setenv("LD_PRELOAD", b->preload, 1);
		execv("/proc/self/exe", argv);
		exit(1);
	}
	fd = open(getenv("SYNC_COUNT_FILE"), O_RDWR | O_CLOEXEC);
	p = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		exit(1);
	b->syncs = p;
}

static void find_parts(struct bench *b)
{
	char build[BUILD_DIR_MAX];

	build_dir(build);
	snprintf(b->self, sizeof b->self, "%s/lilypad", build);
	snprintf(b->module, sizeof b->module, "%s/bench/noop", build);
	snprintf(b->preload, sizeof b->preload, "%s/bench/sync_count.so", build);
}

static size_t number(int argc, char **argv, int i, size_t standard)
{
	size_t n = i < argc ? strtoul(argv[i], NULL, 10) : standard;

	return n > JOBS_MAX ? JOBS_MAX : n;
}

static void two_cores(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CPU_SET(1, &set);
	(void)!sched_setaffinity(0, sizeof set, &set);
}

int main(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof *b);
	size_t jobs = number(argc, argv, 1, 200), parallel = number(argc, argv, 2, 64);
	size_t many = number(argc, argv, 3, 2000);
	const struct local_plan plan = {.providers = 1, .background = true};
	struct err e;

	if (!b)
		return 1;
	json_pool_use(); /* as the program does */
	find_parts(b);
	preload(argv, b);
	two_cores();
	b->c.self = b->self;
	b->c.quiet = true;
	started = &b->net;
	atexit(stop_started);
	b->start_ns = calloc(JOBS_MAX + WARM, sizeof *b->start_ns);
	b->took_ns = calloc(JOBS_MAX + WARM, sizeof *b->took_ns);
	snprintf(b->dir, sizeof b->dir, "%s/lilypad-bench-XXXXXX",
	        getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	setenv("LILYPAD_OFFER_CPU", "100000", 1);
	setenv("LILYPAD_OFFER_PARALLEL", "64", 1);
	setenv("LILYPAD_SERVER_RATE", "0", 1);
	setenv("LILYPAD_SOLVER_RATE_OFFERS", "0", 1);
	if (!mkdtemp(b->dir) || !places_find(b->dir, &b->c.places, &e) ||
	        !settings_new("/nonexistent", &b->c.args, &b->c.settings, &e) ||
	        !local_net_start(&b->net, &b->c, b->dir, &plan, &e))
		quit(&e);
	if (jobs)
		one_after_another(b, jobs);
	if (many)
		at_once(b, many, parallel);
	stop_started();
	unlink(getenv("SYNC_COUNT_FILE"));
	if (!getenv("KEEP") && !remove_all(b->dir, &e))
		quit(&e);
	return 0;
}
