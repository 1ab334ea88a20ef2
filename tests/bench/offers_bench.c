/* offers_bench.c - signed job offers that a solver on one core accepts over HTTP. The documents are made
 * and signed beforehand; many connections stay open, each with one request on its way. Beside it stands what
 * no solver can do without: the recovery of the signer of one offer and the signature of one Ack, in the
 * same run. Both are counted in processor time too, which other load on the machine does not change.
 *
 * offers_bench [OFFERS [CONNECTIONS]] */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "cli/buy.h"
#include "cli/job_build.h"
#include "cli/local_net.h"
#include "cli/remove.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "os/clock.h"
#include "build_dir.h"

enum { OFFERS_MAX = 100000, CONNS_MAX = 512, SIGNATURES = 3000, ANSWER_MAX = 16384 };

struct conn {
	int fd;
	size_t sent, doc;
	char answer[ANSWER_MAX];
	size_t n;
	bool idle;
};

struct bench {
	struct cli c;
	char dir[64];
	char self[CLI_PATH_MAX], module[CLI_PATH_MAX];
	struct local_net net;
	struct daemon d;
	struct job_offer offer;
	struct buf *docs;
	size_t docs_n, next, done, refused;
	uint64_t nonce;
	pid_t solver;
	uint16_t port;
};

/* Whatever ends this program, its daemons end with it. */
static struct local_net *started;

static void stop_started(void)
{
	if (started)
		local_net_stop(started);
	started = NULL;
}

static NORETURN void quit(const char *why)
{
	fprintf(stderr, "offers_bench: %s\n", why);
	exit(1);
}

static double now_s(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_of(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0)
		quit("no processor clock of the solver");
	return now_s(clock);
}

static void pin(pid_t pid, int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	(void)!sched_setaffinity(pid, sizeof set, &set);
}

/* ---- documents ------------------------------------------------------------------------------------------ */

static void make_doc(struct bench *b, const struct job_offer *o, struct buf *out)
{
	struct buf body OWN(buf_done);
	struct sig sig;
	struct err e;
	json_t *j;

	if (!world_sign(&b->d.world, &b->d.domain, job_offer_record(), o, &sig, &e))
		quit(e.msg);
	j = json_pack("{s:o, s:o}", "offer", record_to_json(job_offer_record(), o), "signature",
	        json_of_sig(&sig));
	buf_init(&body, 65536);
	json_canonical(j, &body);
	json_decref(j);
	buf_init(out, 65536 + 512);
	buf_fmt(out,
	        "POST /v1/job-offers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
	        "Content-Length: %zu\r\n\r\n",
	        body.n);
	buf_put(out, body.p, body.n);
}

/* Returns the bytes of one document. */
static size_t make_docs(struct bench *b, size_t n, uint32_t denied)
{
	struct job_offer o = b->offer;
	char *end;

	o.created_at.s = wall_seconds(clock_wall());
	o.expiry.s = o.created_at.s + 3600;
	o.deny.n = denied;
	for (uint32_t i = 0; i < denied; i++)
		memset(o.deny.v[i].b, (int)i + 1, sizeof o.deny.v[i].b);
	for (size_t i = 0; i < b->docs_n; i++)
		buf_done(&b->docs[i]);
	b->docs_n = n;
	for (size_t i = 0; i < n; i++) {
		o.nonce = ++b->nonce;
		make_doc(b, &o, &b->docs[i]);
	}
	end = memmem(b->docs[0].p, b->docs[0].n, "\r\n\r\n", 4);
	return b->docs[0].n - (size_t)(end + 4 - (char *)b->docs[0].p);
}

/* ---- load ------------------------------------------------------------------------------------------------ */

static int dial(const struct bench *b)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	        .sin_port = htons(b->port),
	        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
		quit("the solver takes no connection");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void begin(struct bench *b, struct conn *c)
{
	const struct buf *doc;
	ssize_t n;

	c->idle = b->next == b->docs_n;
	if (c->idle)
		return;
	c->doc = b->next++;
	c->n = 0;
	doc = &b->docs[c->doc];
	n = send(c->fd, doc->p, doc->n, MSG_NOSIGNAL);
	if (n != (ssize_t)doc->n)
		quit("a document does not fit into the socket");
}

/* Is the whole answer there? */
static bool whole(const struct conn *c)
{
	const char *head = memmem(c->answer, c->n, "\r\n\r\n", 4), *length;

	if (!head)
		return false;
	length = strcasestr(c->answer, "content-length:");
	if (!length || length > head)
		quit("an answer without its length");
	return c->n >= (size_t)(head + 4 - c->answer) + strtoul(length + 15, NULL, 10);
}

static void receive(struct bench *b, struct conn *c)
{
	ssize_t n = recv(c->fd, c->answer + c->n, ANSWER_MAX - 1 - c->n, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		quit("the solver closed a connection");
	c->n += (size_t)n;
	c->answer[c->n] = '\0';
	if (!whole(c))
		return;
	b->done++;
	if (strncmp(c->answer, "HTTP/1.1 200", 12) != 0 && b->refused++ == 0)
		fprintf(stderr, "offers_bench: %s\n", c->answer);
	begin(b, c);
}

/* Gives the wall seconds until the last answer. */
static double load(struct bench *b, struct conn *conns, size_t n)
{
	struct pollfd p[CONNS_MAX];
	double t = now_s(CLOCK_MONOTONIC);

	b->next = b->done = b->refused = 0;
	for (size_t i = 0; i < n; i++) {
		p[i] = (struct pollfd){conns[i].fd, POLLIN, 0};
		begin(b, &conns[i]);
	}
	while (b->done < b->docs_n) {
		if (poll(p, n, 10000) <= 0)
			quit("the solver does not answer");
		for (size_t i = 0; i < n; i++) {
			if (p[i].revents)
				receive(b, &conns[i]);
		}
	}
	return now_s(CLOCK_MONOTONIC) - t;
}

/* ---- figures ---------------------------------------------------------------------------------------------- */

/* Recoveries of an offer's signer, each with a signature of an Ack, a second of processor. */
static double bare(const struct bench *b)
{
	struct ack ack = {.sequence = 1};
	struct hash digest;
	struct addr who;
	struct sig sig, given;
	struct err e;
	double t;

	signed_digest(&b->d.domain, job_offer_record(), &b->offer, &digest);
	if (!b->d.world.signer.sign(b->d.world.signer.self, &digest, &sig, &e))
		quit(e.msg);
	t = now_s(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < SIGNATURES; i++) {
		if (!secp_recover(&digest, &sig, &who, &e))
			quit(e.msg);
		ack.sequence++;
		if (!world_sign(&b->d.world, &b->d.domain, ack_record(), &ack, &given, &e))
			quit(e.msg);
	}
	return SIGNATURES / (now_s(CLOCK_PROCESS_CPUTIME_ID) - t);
}

static void measure(struct bench *b, struct conn *conns, size_t conns_n, size_t n, uint32_t denied,
        const char *goal)
{
	size_t bytes = make_docs(b, n, denied);
	double signatures = bare(b), cpu = cpu_of(b->solver);
	double s = load(b, conns, conns_n);

	cpu = cpu_of(b->solver) - cpu;
	printf("{\"name\":\"offers of %zu B accepted over HTTP\",\"unit\":\"offers/s\",\"ours\":%.0f,"
	       "\"peer\":%.0f,\"peer_name\":\"bare recover + sign\"}\n",
	        bytes, (double)(n - b->refused) / s, signatures);
	printf("{\"name\":\"offers of %zu B, a processor second\",\"unit\":\"offers/s\",\"ours\":%.0f,"
	       "\"peer\":%.0f,\"peer_name\":\"bare recover + sign\"%s}\n",
	        bytes, (double)(n - b->refused) / cpu, signatures, goal);
	if (b->refused)
		printf("%zu offers were refused\n", b->refused);
	fflush(stdout);
}

static void make_offer(struct bench *b)
{
	struct built_job built = {0};
	struct err e;

	if (!job_build(&b->c, &b->d.world.blobs, b->module, &built, &e) ||
	        !buy_terms(&b->d, built.spec, &b->offer, &e))
		quit(e.msg);
	b->offer.job_creator = b->d.world.signer.addr;
	b->offer.spec.b[0] = 1;
	built_job_done(&built);
}

static void find_parts(struct bench *b)
{
	char build[BUILD_DIR_MAX];

	build_dir(build);
	snprintf(b->self, sizeof b->self, "%s/lilypad", build);
	snprintf(b->module, sizeof b->module, "%s/bench/noop", build);
}

static void start(struct bench *b)
{
	const struct local_plan nobody = {.background = true};
	struct err e;

	snprintf(b->dir, sizeof b->dir, "%s/lilypad-bench-XXXXXX",
	        getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	setenv("LILYPAD_SERVER_RATE", "0", 1);
	setenv("LILYPAD_SOLVER_RATE_OFFERS", "0", 1);
	b->c.self = b->self;
	b->c.quiet = true;
	started = &b->net;
	atexit(stop_started);
	/* No provider: an offer is filed and waits. */
	if (!mkdtemp(b->dir) || !places_find(b->dir, &b->c.places, &e) ||
	        !settings_new("/nonexistent", &b->c.args, &b->c.settings, &e) ||
	        !local_net_start(&b->net, &b->c, b->dir, &nobody, &e) ||
	        !daemon_open(&b->d, &b->c, "creator", NULL, creator_tables,
	                DAEMON_NETWORK | DAEMON_BLOBS, &e))
		quit(e.msg);
	for (size_t i = 0; i < b->net.n; i++) {
		if (strcmp(b->net.procs[i].role, "solver") == 0)
			b->solver = b->net.procs[i].pid;
	}
	b->port = (uint16_t)strtoul(strrchr(b->d.solver.url, ':') + 1, NULL, 10);
	make_offer(b);
}

int main(int argc, char **argv)
{
	static struct conn conns[CONNS_MAX];
	struct bench *b = calloc(1, sizeof *b);
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	size_t conns_n = argc > 2 ? strtoul(argv[2], NULL, 10) : 128;
	struct err e;

	n = MIN2(n, (size_t)OFFERS_MAX);
	conns_n = MIN2(conns_n, (size_t)CONNS_MAX);
	if (!b || n == 0 || conns_n == 0)
		return 2;
	b->docs = calloc(n, sizeof *b->docs);
	find_parts(b);
	start(b);
	pin(b->solver, 1);
	pin(0, 0);
	for (size_t i = 0; i < conns_n; i++)
		conns[i].fd = dial(b);
	measure(b, conns, conns_n, n, 0, ",\"goal\":0.7");
	measure(b, conns, conns_n, n, DENY_MAX, "");
	daemon_close(&b->d);
	stop_started();
	if (!remove_all(b->dir, &e))
		quit(e.msg);
	return 0;
}
