/* request.c - requests on their way to the role: rate limits, and the two routes that every role has. */
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "host/host_own.h"
#include "os/clock.h"

const struct route host_routes[] = {
        {"GET", "/v1/health", AUTH_NONE, BODY_NONE, 0, "whether this service answers"},
        {"GET", "/metrics", AUTH_NONE, BODY_NONE, 0, "its figures, as Prometheus text"},
};
const size_t host_routes_n = COUNT(host_routes);

void host_add_routes(struct host *h)
{
	const struct role *r = &h->o.role;

	assert(r->routes_n + COUNT(host_routes) <= ROUTES_MAX);
	for (size_t i = 0; i < r->routes_n; i++)
		h->routes[h->routes_n++] = r->routes[i];
	/* The router takes the first of two equal rows: the role's own comes before. */
	for (size_t i = 0; i < COUNT(host_routes); i++)
		h->routes[h->routes_n++] = host_routes[i];
}

/* ---- rates --------------------------------------------------------------------------------------------- */

struct rate_key {
	uint8_t b[64];
};
struct bucket {
	int64_t milli; /* thousandths of a request that may still be made */
	int64_t then_ms;
};

static struct rate_key key_of(const struct http_req *req)
{
	struct rate_key k = {{0}};

	if (addr_is_zero(&req->account)) {
		memcpy(k.b, req->peer, sizeof k.b);
	} else {
		k.b[0] = 1;
		memcpy(k.b + 1, req->account.b, sizeof req->account.b);
	}
	return k;
}

static bool admit(struct host *h, const struct http_req *req, struct mono now, struct err *e)
{
	int64_t full = (int64_t)MAX2(h->o.rate_burst, 1u) * 1000, now_ms = now.ns / 1000000;
	struct rate_key key = key_of(req);
	struct bucket *b;
	bool fresh;

	if (!h->o.rate_per_s)
		return true;
	if (h->rates.n >= RATE_KEYS_MAX)
		map_clear(&h->rates);
	b = map_put(&h->rates, &key, &fresh);
	if (!b)
		return FAIL(e, BUSY, "no memory to count requests");
	if (fresh)
		*b = (struct bucket){full, now_ms};
	b->milli = MIN2(full, b->milli + (now_ms - b->then_ms) * (int64_t)h->o.rate_per_s);
	b->then_ms = now_ms;
	if (b->milli < 1000) {
		h->figures.limited++;
		return FAIL(e, RATE, "more than %u requests per second from one key or address",
		        h->o.rate_per_s);
	}
	b->milli -= 1000;
	return true;
}

/* ---- figures ------------------------------------------------------------------------------------------- */

static const char *const event_names[] = {[EV_START] = "start",
        [EV_TIMER] = "timer",
        [EV_REQUEST] = "request",
        [EV_TREE_IN] = "tree_in",
        [EV_REPLY] = "reply",
        [EV_MESSAGE] = "message",
        [EV_LEDGER] = "ledger",
        [EV_TREE] = "tree",
        [EV_RUN] = "run",
        [EV_STOP] = "stop"};

static const char *const effect_names[] = {[FX_REPLY] = "reply",
        [FX_REPLY_RAW] = "reply_raw",
        [FX_STREAM] = "stream",
        [FX_EMIT] = "emit",
        [FX_TAKE_TREE] = "take_tree",
        [FX_GIVE_TREE] = "give_tree",
        [FX_CALL] = "call",
        [FX_FOLLOW] = "follow",
        [FX_SUBMIT] = "submit",
        [FX_FETCH] = "fetch",
        [FX_PUSH] = "push",
        [FX_RUN] = "run",
        [FX_KILL_RUN] = "kill_run",
        [FX_TIMER] = "timer",
        [FX_EXIT] = "exit"};

static void counter(struct buf *out, const char *name, const char *help)
{
	buf_fmt(out, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
}

static void by_kind(struct buf *out, const char *name, const char *help, const char *const *names,
        const uint64_t *v, size_t n)
{
	counter(out, name, help);
	for (size_t i = 0; i < n; i++) {
		if (v[i])
			buf_fmt(out, "%s{kind=\"%s\"} %llu\n", name, names[i],
			        (unsigned long long)v[i]);
	}
}

static void one(struct buf *out, const char *name, const char *help, uint64_t v)
{
	counter(out, name, help);
	buf_fmt(out, "%s %llu\n", name, (unsigned long long)v);
}

/* The names that every Prometheus client gives these. */
static void process_figures(const struct host *h, struct buf *out)
{
	struct timespec cpu = {0};
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	counter(out, "process_cpu_seconds_total", "CPU time used.");
	buf_fmt(out, "process_cpu_seconds_total %lld.%03ld\n", (long long)cpu.tv_sec,
	        cpu.tv_nsec / 1000000);
	buf_fmt(out,
	        "# HELP process_resident_memory_bytes Memory in use.\n"
	        "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %llu\n"
	        "# HELP process_start_time_seconds Unix time of the start.\n"
	        "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %llu\n",
	        pages * (unsigned long long)sysconf(_SC_PAGESIZE),
	        (unsigned long long)wall_seconds(h->start));
}

static void give_metrics(struct host *h, struct conn_id conn)
{
	OWN(buf_done) struct buf b = {0};

	buf_init(&b, HTTP_BODY_MAX);
	process_figures(h, &b);
	http_server_metrics(h->server, &b);
	by_kind(&b, "lilypad_events_total", "Events given to the role.", event_names,
	        h->figures.events, COUNT(event_names));
	by_kind(&b, "lilypad_effects_total", "Effects that the role asked for.", effect_names,
	        h->figures.effects, COUNT(effect_names));
	one(&b, "lilypad_commits_total", "Store transactions.", h->figures.commits);
	one(&b, "lilypad_rate_limited_total", "Requests refused for their rate.",
	        h->figures.limited);
	if (h->o.metrics)
		h->o.metrics(h->o.metrics_ctx, &b);
	http_server_reply(h->server, conn, 200, "text/plain; version=0.0.4", buf_bytes(&b));
}

static void give_health(struct host *h, struct conn_id conn)
{
	OWN(buf_done) struct buf b = {0};
	char addr[ADDR_TEXT_MAX];

	addr_format(&h->world->signer.addr, addr);
	buf_init(&b, 1024);
	buf_fmt(&b, "{\"account\":\"%s\",\"ok\":true,\"role\":\"%s\",\"started\":%llu}", addr,
	        h->o.role.name, (unsigned long long)wall_seconds(h->start));
	http_server_reply(h->server, conn, 200, NULL, buf_bytes(&b));
}

void host_on_request(void *ctx, const struct http_req *req)
{
	struct event ev = {.kind = EV_REQUEST, .request = req};
	struct host *h = ctx;
	struct err e;

	if (h->phase == HOST_WAITING) {
		http_server_reply_err(h->server, req->conn, &h->lost);
	} else if (h->phase != HOST_RUNNING) {
		FAIL(&e, BUSY, "%s is %s", h->o.role.name,
		        h->phase == HOST_NEW ? "starting" : "stopping");
		http_server_reply_err(h->server, req->conn, &e);
	} else if (!admit(h, req, clock_mono(), &e)) {
		http_server_reply_err(h->server, req->conn, &e);
	} else if (req->route == h->o.role.routes_n) {
		give_health(h, req->conn);
	} else if (req->route == h->o.role.routes_n + 1) {
		give_metrics(h, req->conn);
	} else {
		host_event(h, &ev);
	}
}
