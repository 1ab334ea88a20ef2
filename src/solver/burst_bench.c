/* burst_bench.c - a burst of job offers of many creators that nobody takes: what an open offer takes of
 * memory, what an Ack's signature costs beside the rest, and what it costs to say why a provider is idle.
 * The store takes everything and gives nothing back: only the role is measured, in processor time.
 *
 * burst_bench [OFFERS] */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "market/sample.h"
#include "port/peer.h"
#include "solver/solver.h"

enum { CREATORS = 100, COUNTS = 20, SIGNATURES = 2000 };

struct bench {
	struct world world;
	struct role role;
	struct arena arena;
	struct effects fx;
	struct seckey solver, provider, creators[CREATORS];
	struct hash domain;
	struct event ev;
	uint64_t counter;
	int status; /* of the last answer */
};

static NORETURN void quit(const char *why)
{
	fprintf(stderr, "burst_bench: %s\n", why);
	exit(1);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void row(const char *name, const char *unit, double ours, double peer, const char *peer_name)
{
	printf("{\"name\": \"solver: %s\", \"unit\": \"%s\", \"ours\": %.0f", name, unit, ours);
	if (peer_name)
		printf(", \"peer\": %.0f, \"peer_name\": \"%s\"", peer, peer_name);
	printf("}\n");
	fflush(stdout);
}

/* ---- the world ---------------------------------------------------------------------------------------- */

static bool no_get(void *self, const struct record *r, void *out, struct err *e)
{
	(void)self, (void)r, (void)out;
	return FAIL(e, NOT_FOUND, "nothing is kept here");
}

static bool no_put(void *self, const struct record *r, const void *in, struct err *e)
{
	(void)self, (void)r, (void)in, (void)e;
	return true;
}

static bool no_each(void *self, const struct record *r, const struct field *by, const void *like,
        bool (*cb)(void *ctx, const void *in), void *ctx, struct err *e)
{
	(void)self, (void)r, (void)by, (void)like, (void)cb, (void)ctx, (void)e;
	return true;
}

static bool next(void *self, const char *counter, uint64_t *out, struct err *e)
{
	struct bench *b = self;

	(void)counter, (void)e;
	*out = ++b->counter;
	return true;
}

static void fill(void *self, void *out, size_t n)
{
	(void)self;
	memset(out, 0x5a, n);
}

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	struct bench *b = self;

	return secp_sign(&b->solver, digest, out, e);
}

static void say(void *self, enum log_level level, const char *text)
{
	(void)self;
	if (level >= LOG_ODD)
		quit(text);
}

static void give(struct bench *b)
{
	arena_reset(&b->arena);
	fx_init(&b->fx, &b->arena);
	b->role.on_event(b->role.self, &b->ev, &b->fx);
	b->role.on_turn(b->role.self, &b->ev, &b->fx);
}

/* The role's answer to a request; its body is good until the next. */
static struct str ask(struct bench *b, const char *method, const char *path, struct http_req *r)
{
	for (r->route = 0; r->route < b->role.routes_n; r->route++) {
		if (strcmp(b->role.routes[r->route].path, path) == 0 &&
		        strcmp(b->role.routes[r->route].method, method) == 0)
			break;
	}
	b->ev.kind = EV_REQUEST;
	b->ev.request = r;
	give(b);
	for (struct fx *f = b->fx.first; f; f = f->next) {
		if (f->kind != FX_REPLY)
			continue;
		b->status = f->status;
		return bytes_str(f->body);
	}
	quit("no answer");
}

static void addr_of(const struct seckey *k, struct addr *out)
{
	struct err e;

	if (!seckey_addr(k, out, &e))
		quit(e.msg);
}

static void open_world(struct bench *b, uint64_t now_s)
{
	struct solver_config c = {.genesis = {.min = {60}, .life = {604800}},
	        .jc_signs_in = span_s(10),
	        .rp_signs_in = span_s(60),
	        .open_in_s = 300};
	struct ledger_note n = {.stage = LEDGER_CLOCK, .time = {now_s}};
	struct solver *s;
	struct err e;

	b->domain = c.domain = hash_no(99);
	memset(b->solver.b, 1, sizeof b->solver.b);
	memset(b->provider.b, 2, sizeof b->provider.b);
	arena_init(&b->arena, 64 << 20);
	b->world.store = (struct store){b, no_put, no_get, no_put, no_each, next};
	b->world.rng = (struct rng){b, fill};
	b->world.log = (struct logger){b, say};
	b->world.signer.self = b;
	b->world.signer.sign = sign;
	addr_of(&b->solver, &b->world.signer.addr);
	if (!solver_new(&b->world, &c, &s, &e))
		quit(e.msg);
	b->role = solver_role(s);
	b->ev = (struct event){.kind = EV_START, .wall = {(int64_t)now_s * 1000}, .now = {1}};
	give(b);
	b->ev.kind = EV_LEDGER;
	b->ev.ledger = &n;
	give(b);
	n.stage = LEDGER_EVENT;
	n.event.changes_n = 1;
	for (unsigned i = 0; i < CREATORS; i++) {
		memset(b->creators[i].b, (int)(i + 10), sizeof b->creators[i].b);
		n.event.seq = i + 1;
		addr_of(&b->creators[i], &n.event.changes[0].account);
		n.event.changes[0].free = amount_of((uint64_t)1 << 60);
		give(b);
	}
}

/* ---- offers ------------------------------------------------------------------------------------------- */

static char *signed_text(struct bench *b, const struct record *r, const void *doc,
        const struct seckey *k, struct hash *id)
{
	struct hash digest;
	struct sig sig;
	struct err e;
	json_t *j;
	char *text;

	signed_digest(&b->domain, r, doc, &digest);
	if (!secp_sign(k, &digest, &sig, &e))
		quit(e.msg);
	eip712_hash(r, doc, id);
	j = json_pack(
	        "{s:o, s:o}", "offer", record_to_json(r, doc), "signature", json_of_sig(&sig));
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

static void post(struct bench *b, const char *path, const char *text)
{
	struct http_req r = {.conn = {1}, .body = str_bytes(str_of(text))};
	struct str answer = ask(b, "POST", path, &r);

	if (b->status != 200) {
		fprintf(stderr, "%.*s\n", STR_ARG(answer));
		quit("an offer was refused");
	}
}

/* Jobs that no two providers could tell apart, or of many shapes and ceilings; all above what is offered
 * or below its price. */
static double file_jobs(struct bench *b, uint32_t n, uint64_t now_s, bool shapes)
{
	struct job_offer j = sample_job();
	struct hash id;
	double spent = 0;

	j.solver = b->world.signer.addr;
	j.created_at.s = now_s;
	j.expiry.s = now_s + 3600;
	for (uint32_t i = 0; i < n; i++) {
		const struct seckey *k = &b->creators[i % CREATORS];
		char *text;
		double t;

		addr_of(k, &j.job_creator);
		j.nonce++;
		j.prices.base = amount_of(shapes ? 10 + i % 5000 : 10);
		j.resources.ram = shapes && i % 3 == 0 ? (uint64_t)1 << 40 : 1 << 30;
		j.instruction_limit = shapes ? 100000 + i : 100000;
		text = signed_text(b, job_offer_record(), &j, k, &id);
		t = seconds();
		post(b, "/v1/job-offers", text);
		spent += seconds() - t;
		free(text);
	}
	return spent;
}

static void why_idle(struct bench *b, uint64_t now_s)
{
	struct resource_offer r = sample_resource();
	struct http_req req = {.conn = {1}};
	char hex[HASH_TEXT_MAX];
	struct hash id;
	double t = 0;
	char *text;

	addr_of(&b->provider, &r.provider);
	r.solver = b->world.signer.addr;
	r.created_at.s = now_s;
	r.expiry.s = now_s + 3600;
	r.prices.base = amount_of(1000000);
	text = signed_text(b, resource_offer_record(), &r, &b->provider, &id);
	post(b, "/v1/resource-offers", text);
	free(text);
	hash_format(&id, hex);
	req.params[0] = str_of(hex);
	req.account = r.provider;
	for (int i = 0; i < COUNTS; i++) {
		double from = seconds();

		b->ev.now.ns += (int64_t)10000000000;
		ask(b, "GET", "/v1/resource-offers/{offer}/idle", &req);
		t += seconds() - from;
		if (b->status != 200)
			quit("not told why it is idle");
	}
	row("why is a provider idle, many shapes", "us", t / COUNTS * 1e6, 0, NULL);
}

/* ---- signatures --------------------------------------------------------------------------------------- */

static void signatures(struct bench *b)
{
	struct ack ack = {.sequence = 1};
	struct addr who;
	struct sig sig;
	struct hash digest;
	double sign_s = 0, recover_s = 0;
	struct err e;

	for (int i = 0; i < SIGNATURES; i++) {
		double t = seconds();

		ack.sequence++;
		signed_digest(&b->domain, ack_record(), &ack, &digest);
		if (!secp_sign(&b->solver, &digest, &sig, &e))
			quit(e.msg);
		sign_s += seconds() - t;
		t = seconds();
		if (!secp_recover(&digest, &sig, &who, &e))
			quit(e.msg);
		recover_s += seconds() - t;
	}
	row("the signature of an Ack", "ns", sign_s / SIGNATURES * 1e9,
	        recover_s / SIGNATURES * 1e9, "recovery of an offer's signer");
}

static void burst(uint32_t n, bool shapes)
{
	static struct bench b;
	uint64_t now_s = 2000000;
	size_t before;
	double t;

	memset(&b, 0, sizeof b);
	open_world(&b, now_s);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	t = file_jobs(&b, n, now_s, shapes);
	row(shapes ? "memory of an open job offer, many shapes"
	           : "memory of an open job offer, one shape",
	        "bytes", (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / n,
	        (double)sizeof(struct job_offer), "the document itself");
	row(shapes ? "job offers filed, many shapes" : "job offers filed, one shape", "1/s", n / t,
	        0, NULL);
	if (shapes)
		why_idle(&b, now_s);
	else
		signatures(&b);
	solver_free(b.role.self);
	arena_done(&b.arena);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;

	if (n < 1 || n > 1000000)
		quit("OFFERS is 1 to 1000000");
	burst((uint32_t)n, false);
	burst((uint32_t)n, true);
	return 0;
}
