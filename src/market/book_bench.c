/* book_bench.c - matches per second of the order book, against the plain reading of protocol 3 in the
 * same run. Per second of CPU time, so that what else the machine does counts little.
 * Usage: book_bench [small|large] [SET]
 *
 * Sets:  spread  every provider has prices of its own; jobs in 200 shapes (module, limits, size)
 *        unique  as spread, and no two jobs have the same limits
 *        mixed   as spread, and most pairs do not go together (module, size, price, terms)
 *        tied    every pair goes together at one price, so that the hash of 3.13 decides each time */
#include <stdlib.h>
#include <time.h>

#include "market/book.h"
#include "market/sample.h"

enum set { SPREAD, UNIQUE, MIXED, TIED, SETS };
static const char *const set_names[] = {"spread", "unique", "mixed", "tied"};

struct market {
	uint32_t resources_n, jobs_n;
	struct resource_offer *resources;
	struct job_offer *jobs;
	struct hash *resource_ids, *job_ids;
	struct book *book;
};

static const struct btime now = {SAMPLE_NOW};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct resource_offer make_resource(struct random_ *x, enum set set, uint32_t i)
{
	struct resource_offer r = sample_resource();

	r.provider = addr_no(1000000 + i);
	r.free.cpu = 64000;
	r.free.ram = (uint64_t)256 << 30;
	r.free.disk = (uint64_t)4 << 40;
	r.most.pay = amount_of((uint64_t)1 << 60);
	r.time_per_instruction = 100 + below_n(x, 400);
	r.prices = (struct prices){amount_of(1000), amount_of(100), amount_of(10)};
	if (set != TIED) {
		r.prices.base = amount_of(500 + below_n(x, 1000));
		r.prices.per_instruction = amount_of(50 + below_n(x, 100000) / 1000);
		r.prices.per_byte = amount_of(5 + below_n(x, 10));
	}
	if (set == MIXED) {
		r.modules.n = 8;
		for (uint32_t k = 0; k < 8; k++)
			r.modules.v[k] = hash_no(10 + (uint32_t)(below_n(x, 5) * 4 + k % 4));
		r.free.cpu = 1000u << below_n(x, 7);
		if (once_in(x, 5))
			r.most.damages = amount_of(1000);
	}
	return r;
}

static struct job_offer make_job(struct random_ *x, enum set set, uint32_t i)
{
	struct job_offer j = sample_job();
	uint64_t shape = below_n(x, 200);

	j.job_creator = addr_no(2000000 + i % 500);
	j.nonce = i;
	j.module = hash_no(10 + (uint32_t)(shape % 20));
	j.resources.cpu = 500u << (shape / 20 % 3);
	j.resources.ram = (uint64_t)1 << (29 + shape / 20 % 3);
	j.resources.disk = 1 << 30;
	j.instruction_limit = 1000000 * (1 + shape / 20);
	j.byte_limit = 1000000;
	j.terms.pay = amount_of(1000000000000);
	j.terms.job_bond = amount_of(2000000);
	j.prices = (struct prices){amount_of(2000), amount_of(200), amount_of(20)};
	if (set == UNIQUE) {
		j.instruction_limit += below_n(x, 1000000);
		j.byte_limit += below_n(x, 1000000);
	}
	if (set == MIXED)
		j.prices.per_instruction = amount_of(70 + below_n(x, 80));
	return j;
}

static void balances(struct market *m)
{
	uint8_t be[32] = {0};
	struct amount rich;
	struct err e;

	be[21] = 1; /* 2^80 */
	rich = amount_from_be(be);
	for (uint32_t i = 0; i < m->resources_n; i++) {
		struct addr a = addr_no(1000000 + i);

		if (!book_set_balance(m->book, &a, rich, &e))
			exit(1);
	}
	for (uint32_t i = 0; i < 500; i++) {
		struct addr a = addr_no(2000000 + i);

		if (!book_set_balance(m->book, &a, rich, &e))
			exit(1);
	}
}

static void make(struct market *m, enum set set, uint32_t resources_n, uint32_t jobs_n)
{
	struct random_ x = {42};
	struct addr solver = addr_no(SOLVER_NO);

	*m = (struct market){.resources_n = resources_n, .jobs_n = jobs_n};
	m->resources = calloc(resources_n, sizeof *m->resources);
	m->resource_ids = calloc(resources_n, sizeof *m->resource_ids);
	m->jobs = calloc(jobs_n, sizeof *m->jobs);
	m->job_ids = calloc(jobs_n, sizeof *m->job_ids);
	m->book = book_new(&solver, MAX2(resources_n, jobs_n) + 1, 1);
	if (!m->resources || !m->resource_ids || !m->jobs || !m->job_ids || !m->book)
		exit(1);
	for (uint32_t i = 0; i < resources_n; i++) {
		m->resources[i] = make_resource(&x, set, i);
		m->resource_ids[i] = resource_id(&m->resources[i]);
	}
	for (uint32_t i = 0; i < jobs_n; i++) {
		m->jobs[i] = make_job(&x, set, i);
		m->job_ids[i] = job_id(&m->jobs[i]);
	}
	balances(m);
}

static void drop(struct market *m)
{
	book_free(m->book);
	free(m->resources);
	free(m->resource_ids);
	free(m->jobs);
	free(m->job_ids);
}

/* One JSON object a line, as tools/bench reads them. goal: a bound on the ratio where there is a peer, on
 * ours where there is none; NULL: none. */
static void row(const char *what, const struct market *m, enum set set, double ours, double plain,
        const char *goal)
{
	printf("{\"name\": \"market: %s, %u x %u, %s\", \"unit\": \"1/s\", \"ours\": %.0f", what,
	        m->resources_n, m->jobs_n, set_names[set], ours);
	if (plain > 0)
		printf(", \"peer\": %.0f, \"peer_name\": \"plain scan\"", plain);
	if (goal)
		printf(", \"goal\": \"%s\"", goal);
	printf("}\n");
	fflush(stdout);
}

/* 3.13 by looking at every resource offer, for some of the jobs; matches per second. */
static double plain(const struct market *m, uint32_t sample)
{
	double t = seconds();
	uint32_t n = 0;

	for (uint32_t k = 0; k < sample; k++) {
		uint32_t i = (uint32_t)((uint64_t)k * m->jobs_n / sample);
		const struct job_offer *j = &m->jobs[i];
		struct hash best = {{0}}, rank;
		struct amount cost = amount_of(0);
		bool found = false;

		for (uint32_t l = 0; l < m->resources_n; l++) {
			const struct resource_offer *r = &m->resources[l];

			if (pair_refusal(j, r, now, NULL, NULL) != PAIR_NONE)
				continue;
			struct prices p = pair_prices(j, r);
			struct amount c = pair_cost(j, &p);
			int order = found ? amount_cmp(c, cost) : -1;

			if (order > 0)
				continue;
			pair_rank(&m->job_ids[i], &m->resource_ids[l], &rank);
			if (order == 0 && hash_cmp(&rank, &best) > 0)
				continue;
			best = rank;
			cost = c;
			found = true;
		}
		n += found;
	}
	return n / (seconds() - t);
}

/* Of all pairs, the share that does not go together, in per cent; from a part of the jobs. */
static double mismatched(const struct market *m)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < 100; k++) {
		const struct job_offer *j = &m->jobs[(uint64_t)k * m->jobs_n / 100];

		for (uint32_t l = 0; l < m->resources_n; l++)
			n += pair_refusal(j, &m->resources[l], now, NULL, NULL) != PAIR_NONE;
	}
	return n / (double)m->resources_n;
}

static double add_resources(struct market *m)
{
	double t = seconds();
	struct hash replaced;
	struct err e;

	for (uint32_t i = 0; i < m->resources_n; i++) {
		if (!book_add_resource(
		            m->book, &m->resource_ids[i], &m->resources[i], 1 + i, &replaced, &e))
			exit(1);
	}
	return m->resources_n / (seconds() - t);
}

static double add_jobs(struct market *m)
{
	double t = seconds();
	struct err e;

	for (uint32_t i = 0; i < m->jobs_n; i++) {
		if (!book_add_job(m->book, &m->job_ids[i], &m->jobs[i], m->resources_n + 1 + i, &e))
			exit(1);
	}
	return m->jobs_n / (seconds() - t);
}

/* What each waiting job would get, nothing taken. */
static double choose(struct market *m, uint32_t sample)
{
	double t = seconds();
	uint32_t n = 0;
	struct book_match match;

	for (uint32_t k = 0; k < sample; k++) {
		uint32_t i = (uint32_t)((uint64_t)k * m->jobs_n / sample);

		n += book_match_job(m->book, &m->job_ids[i], now, &match);
	}
	return n / (seconds() - t);
}

/* One pass over the whole book: every match made, its capacity and money taken. */
static double match_all(struct market *m, uint32_t max, uint32_t *made)
{
	double t = seconds();
	uint32_t n = 0;
	struct book_match match;
	struct err e;

	while (n < max && book_next(m->book, now, &match)) {
		struct hash deal = match.job;

		deal.b[1] ^= 3;
		if (!book_take(m->book, &deal, &match.job, &match.resource, &e))
			exit(1);
		n++;
	}
	*made = n;
	return n / (seconds() - t);
}

/* Deals end one by one, and what waits takes their place. */
static double churn(struct market *m, uint32_t rounds)
{
	double t = seconds();
	uint32_t n = 0;
	struct book_match match;
	struct err e;

	for (uint32_t i = 0; i < rounds; i++) {
		struct hash deal = m->job_ids[(uint64_t)i * 7919 % m->jobs_n];

		deal.b[1] ^= 3;
		if (!book_end(m->book, &deal, false))
			continue;
		n++;
		while (book_next(m->book, now, &match)) {
			deal = match.job;
			deal.b[1] ^= 3;
			if (!book_take(m->book, &deal, &match.job, &match.resource, &e))
				exit(1);
		}
	}
	return n / (seconds() - t);
}

static void run(enum set set, uint32_t resources_n, uint32_t jobs_n, bool with_plain)
{
	struct market m;
	uint32_t made;
	double slow;

	make(&m, set, resources_n, jobs_n);
	slow = with_plain ? plain(&m, 100) : 0;
	row("add resource offers", &m, set, add_resources(&m), 0, NULL);
	row("add job offers", &m, set, add_jobs(&m), 0, NULL);
	row("choose", &m, set, choose(&m, jobs_n), slow,
	        set == TIED ? NULL
	        : slow > 0  ? ">= 100"
	                    : ">= 1000000");
	row("match and take", &m, set, match_all(&m, jobs_n, &made), slow,
	        slow > 0 ? ">= 2" : NULL);
	printf("%.0f %% of pairs do not go together; %u of %u jobs matched; %u supplies, %u demands\n",
	        mismatched(&m), made, jobs_n, book_size(m.book).supplies,
	        book_size(m.book).demands);
	row("end and rematch", &m, set, churn(&m, jobs_n / 2), 0, NULL);
	drop(&m);
}

int main(int argc, char **argv)
{
	bool small = true, large = true;
	int only = -1;

	for (int i = 1; i < argc; i++) {
		large = large && strcmp(argv[i], "small") != 0;
		small = small && strcmp(argv[i], "large") != 0;
		for (int set = 0; set < SETS; set++)
			only = strcmp(argv[i], set_names[set]) == 0 ? set : only;
	}
	for (int set = 0; set < SETS; set++) {
		/* Tied ones cost a hash per resource offer and job: fewer jobs say enough. */
		uint32_t most = set == TIED ? 5000 : 100000;

		if (only >= 0 && only != set)
			continue;
		if (small)
			run((enum set)set, 1000, MIN2(most, 10000u), true);
		if (large)
			run((enum set)set, 10000, most, false);
	}
	return 0;
}
