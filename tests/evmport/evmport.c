/* evmport.c - one course of actions of every kind through the ledger port of a chain (src/chain/evm.h), on our
 * contracts under an anvil of its own, and on the rules of src/ledger beside it: what the port says has become of each
 * action, and every event that it tells, must be what the rules say.
 *
 *   evmport --anvil PROGRAM [--must]    --must: fail where anvil is not there */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "chain/evm.h"
#include "codec/json.h"
#include "ledger/ledger_channel_play.h"
#include "ledger/ledger_own.h"
#include "os/clock.h"
#include "script.h"

enum { WAIT_MS = 20000, EVENTS_MAX = 1024, POLL_MS = 100, DEPTH = 1 };

/* One life of the port. */
struct life {
	uv_loop_t loop;
	struct http_client *client;
	struct ledger_port port;
	/* of the action at hand */
	struct hash id;
	bool pending, included, final, dropped;
	struct err why;
	/* all that was told */
	struct ledger_event *events; /* EVENTS_MAX */
	size_t n;
};

struct course {
	struct script s; /* first: signing finds the course by it */
	struct chain c;
	struct seckey keys[PARTIES];
	struct hash genesis;
	char dir[64];
	struct life *at; /* NULL between two */
	size_t compared; /* events of the present life */
	struct ledger_event *more;
	unsigned actions, refused, failed;
};

/* ---- the parties -------------------------------------------------------------------------------- */

static void sign(struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	struct course *w = (struct course *)p;
	struct err e;
	bool ok = secp_sign(&w->keys[by], digest, out, &e);

	assert(ok);
}

static bool carry(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(self, digest, out, e);
}

static bool parties(struct course *w, const char *anvil, struct err *e)
{
	struct play *p = &w->s.p;
	json_t *first OWN(json_own) = NULL;
	struct evm_header h;

	for (unsigned i = 0; i < PARTIES; i++) {
		memset(w->keys[i].b, 0x5b, sizeof w->keys[i].b);
		w->keys[i].b[31] = (uint8_t)(i + 1);
		TRY(seckey_addr(&w->keys[i], &p->who[i], e), e);
	}
	play_genesis(p);
	p->sign = sign;
	p->more = w->more;
	TRY(chain_start(&w->c, anvil, &p->genesis, w->keys, e), e);
	TRY(ledger_new(&p->genesis, NULL, &p->l, e), e);
	p->l->domain = w->c.domain;
	TRY(node_ask(&w->c.node, "eth_getBlockByNumber", json_pack("[s,b]", "0x0", 0), &first, e),
	        e);
	TRY(evm_read_header(first, &h, e), e);
	w->genesis = h.hash;
	return true;
}

/* ---- the port ----------------------------------------------------------------------------------- */

static void on_note(void *self, const struct ledger_note *n)
{
	struct life *t = self;

	if (n->stage == LEDGER_EVENT) {
		assert(t->n < EVENTS_MAX);
		t->events[t->n++] = n->event;
		return;
	}
	if (n->stage == LEDGER_DOWN)
		t->why = n->err;
	if (!hash_eq(&n->action_id, &t->id))
		return;
	t->pending |= n->stage == LEDGER_PENDING;
	t->included |= n->stage == LEDGER_INCLUDED;
	t->final |= n->stage == LEDGER_FINAL;
	t->dropped |= n->stage == LEDGER_DROPPED || n->failed;
	if (n->stage == LEDGER_DROPPED || n->failed)
		t->why = n->err;
}

static void line(void *self, enum log_level level, const char *text)
{
	(void)self;
	if (level >= LOG_ODD)
		fprintf(stderr, "evmport: %s\n", text);
}

static bool life_begin(
        struct course *w, struct life *t, uint64_t after, const struct addr *only, struct err *e)
{
	enum hand by = w->s.by_rp ? hand_of(RP) : CARRIER;
	struct evm_options o = {.loop = &t->loop,
	        .urls = w->c.node.url,
	        .chain_id = w->c.chain_id,
	        .genesis = w->genesis,
	        .controller = w->c.controller,
	        .domain = w->c.domain,
	        .from_block = 1,
	        .depth = DEPTH,
	        .dir = w->dir,
	        .signer = {&w->c.hands[by].key, w->c.hands[by].addr, carry},
	        .log = {NULL, line},
	        .max_fee_wei = 100000000000,
	        .stuck = span_s(60),
	        .poll = span_ms(POLL_MS)};
	struct inbox in = {.self = t, .ledger = on_note};

	*t = (struct life){.events = calloc(EVENTS_MAX, sizeof *t->events)};
	if (!t->events || uv_loop_init(&t->loop) != 0)
		return FAIL(e, MEMORY, "no memory for a life of the port");
	TRY(http_client_new(&t->loop, NULL, &t->client, e), e);
	o.client = t->client;
	TRY(evm_open(&o, &t->port, e), e);
	w->at = t;
	w->compared = 0;
	return t->port.start(t->port.self, after, only, &in, e);
}

static void life_end(struct course *w, struct life *t)
{
	evm_close(&t->port);
	http_client_free(t->client);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	uv_loop_close(&t->loop);
	free(t->events);
	w->at = NULL;
}

static void turn(struct life *t)
{
	uv_run(&t->loop, UV_RUN_NOWAIT);
	usleep(2000);
}

static bool wait_for(struct life *t, size_t n, const char *what, struct err *e)
{
	struct mono until = mono_plus(clock_mono(), span_ms(WAIT_MS));

	while (t->n < n && clock_mono().ns < until.ns)
		turn(t);
	return t->n >= n || FAIL(e, TIMEOUT, "%s: %zu events in %d ms, not %zu: %s", what, t->n,
	                            WAIT_MS, n, t->why.msg);
}

/* The node has it: PENDING is told when it is written down. */
static bool has_arrived(struct course *w, bool *out, struct err *e)
{
	json_t *pool OWN(json_own) = NULL;
	uint64_t n;

	TRY(node_ask(&w->c.node, "txpool_status", NULL, &pool, e), e);
	TRY(evm_get_quantity(pool, "pending", &n, e), e);
	*out = n > 0;
	return true;
}

/* A block when the transaction waits for one, and one upon it. */
static bool settle(struct course *w, struct err *e)
{
	struct mono until = mono_plus(clock_mono(), span_ms(WAIT_MS));
	struct life *t = w->at;
	bool arrived = false, mined = false, covered = false;

	while (!t->dropped && !t->final) {
		turn(t);
		if (t->pending && !mined)
			TRY(has_arrived(w, &arrived, e), e);
		if (arrived && !mined) {
			TRY(chain_idle(&w->c, w->s.p.now, e), e);
			mined = true;
		}
		if (t->included && mined && !covered) {
			w->s.p.now.s++;
			TRY(chain_idle(&w->c, w->s.p.now, e), e);
			covered = true;
		}
		if (clock_mono().ns > until.ns)
			return FAIL(e, TIMEOUT, "nothing has become of it within %d ms: %s",
			        WAIT_MS, t->why.msg);
	}
	return true;
}

/* ---- comparing ---------------------------------------------------------------------------------- */

static bool differs(struct err *e, const char *what, uint64_t rules, uint64_t port)
{
	return FAIL(e, INTERNAL, "%s: %llu by the rules, %llu by the port", what,
	        (unsigned long long)rules, (unsigned long long)port);
}

#define SAME(what, a, b)                                                                           \
	do {                                                                                       \
		if ((a) != (b))                                                                    \
			return differs(e, what, (uint64_t)(a), (uint64_t)(b));                     \
	} while (0)

static uint64_t low(struct amount a)
{
	return a.raw.w[0];
}

static bool same_hash(const char *what, const struct hash *a, const struct hash *b, struct err *e)
{
	return hash_eq(a, b) || FAIL(e, INTERNAL, "%s differs", what);
}

static bool same_channel(
        const struct channel_change *a, const struct channel_change *b, struct err *e)
{
	TRY(same_hash("the channel", &a->id, &b->id, e), e);
	SAME("number", a->number, b->number);
	SAME("the job creator's sum", low(a->job), low(b->job));
	SAME("the provider's sum", low(a->provider), low(b->provider));
	SAME("paid by vouchers", low(a->paid), low(b->paid));
	SAME("the last voucher", a->floor, b->floor);
	SAME("claims", a->claims, b->claims);
	SAME("closeAt", a->close_at.s, b->close_at.s);
	SAME("closed", a->closed, b->closed);
	return true;
}

/* uncounted: whose Sends the chain does not count; NULL: nobody's. */
static bool same_balances(const struct ledger_event *a, const struct ledger_event *b,
        const struct addr *uncounted, struct err *e)
{
	for (uint32_t i = 0; i < a->changes_n; i++) {
		const struct balance_change *x = &a->changes[i], *y = NULL;

		if (addr_is_zero(&x->account))
			continue; /* the sink */
		for (uint32_t k = 0; k < b->changes_n; k++) {
			if (addr_eq(&b->changes[k].account, &x->account))
				y = &b->changes[k];
		}
		if (!y)
			return FAIL(e, INTERNAL, "balance %u of %u is not told", i, a->changes_n);
		SAME("free", low(x->free), low(y->free));
		SAME("locked", low(x->locked), low(y->locked));
		SAME("withdrawing", low(x->withdrawing), low(y->withdrawing));
		if (!uncounted || !addr_eq(&x->account, uncounted))
			SAME("the next Send", x->send_nonce, y->send_nonce);
	}
	return true;
}

/* last: of the events of one block, whose balances are those at its end. */
static bool same_event(const struct ledger_event *a, const struct ledger_event *b, bool last,
        const struct addr *uncounted, struct err *e)
{
	SAME("action", a->action, b->action);
	SAME("from", a->from, b->from);
	SAME("to", a->to, b->to);
	SAME("time", a->time.s, b->time.s);
	SAME("deadline", a->deadline.s, b->deadline.s);
	SAME("amount", low(a->amount), low(b->amount));
	SAME("status", a->status, b->status);
	SAME("count", a->count, b->count);
	SAME("bytes", a->bytes, b->bytes);
	TRY(same_hash("the deal", &a->deal, &b->deal, e), e);
	TRY(same_hash("the result", &a->result, &b->result, e), e);
	TRY(same_hash("the output", &a->output, &b->output, e), e);
	if (!addr_eq(&a->account, &b->account))
		return FAIL(e, INTERNAL, "the account differs");
	if (!last)
		return same_hash("the channel", &a->channel.id, &b->channel.id, e);
	TRY(same_channel(&a->channel, &b->channel, e), e);
	return same_balances(a, b, uncounted, e);
}

static bool same_events(struct course *w, struct err *e)
{
	const struct play *p = &w->s.p;
	struct life *t = w->at;
	struct mono until = mono_plus(clock_mono(), span_ms(WAIT_MS));

	while (t->n < w->compared + p->n && clock_mono().ns < until.ns)
		turn(t);
	for (int i = 0; i < 3 * POLL_MS / 2 && p->n == 0; i++)
		turn(t);
	SAME("events", p->n, t->n - w->compared);
	for (size_t i = 0; i < p->n; i++) {
		bool last = i + 1 == p->n;

		TRY(same_hash("the action's id", &t->id, &t->events[w->compared + i].action_id, e),
		        e);
		if (!same_event(&p->more[i], &t->events[w->compared + i], last,
		            w->s.by_rp ? &p->who[RP] : NULL, e)) {
			err_prefix(e, "event %zu of %zu: ", i, p->n);
			return false;
		}
	}
	w->compared = t->n;
	return true;
}

/* ---- one action --------------------------------------------------------------------------------- */

static void wrong(struct course *w, const char *what, const struct err *e)
{
	fprintf(stderr, "evmport: action %u, %s: %s\n", w->actions, what, e->msg);
	w->failed++;
}

/* The hook of the script: p->a on both sides. */
static void play_both(struct script *s, const char *what)
{
	struct course *w = (struct course *)s;
	struct play *p = &s->p;
	struct life *t = w->at;
	struct err e;
	bool ok;

	if (w->failed)
		return;
	p->now.s += 3;
	/* What is estimated is estimated upon the last block. */
	if (!chain_idle(&w->c, (struct btime){p->now.s - 1}, &e)) {
		wrong(w, what, &e);
		return;
	}
	ok = play_do(p);
	if (ok && p->a.send.account.b[0] && p->n) /* its Send is used */
		script_sent(s);
	w->actions++;
	w->refused += !ok;
	t->id = (struct hash){{0}};
	memcpy(t->id.b, &w->actions, sizeof w->actions);
	t->pending = t->included = t->final = t->dropped = false;
	t->why.code = E_NONE;
	t->port.submit(t->port.self, &p->a, &t->id);
	if (!settle(w, &e)) {
		wrong(w, what, &e);
	} else if (ok == t->dropped) {
		fprintf(stderr, "evmport: %s: the rules %s (%s), the port %s (%s)\n", what,
		        ok ? "take it" : "refuse it", ok ? "" : p->e.msg,
		        t->dropped ? "drops it" : "takes it", t->dropped ? t->why.msg : "");
		w->failed++;
	} else if (!ok && p->e.code != t->why.code) {
		fprintf(stderr, "evmport: %s: %s by the rules (%s), %s by the port (%s)\n", what,
		        err_name(p->e.code), p->e.msg, err_name(t->why.code), t->why.msg);
		w->failed++;
	} else if (!same_events(w, &e)) {
		wrong(w, what, &e);
	}
}

/* ---- again from a cursor ------------------------------------------------------------------------ */

static bool concerned(const struct ledger_event *ev, const struct addr *who)
{
	for (uint32_t i = 0; i < ev->changes_n; i++) {
		if (addr_eq(&ev->changes[i].account, who))
			return true;
	}
	return addr_is_zero(who);
}

/* Another process that has read as far as event `from` is told the rest, the same. */
static bool again(struct course *w, const struct life *first, size_t from, const struct addr *only,
        struct err *e)
{
	struct mono until = mono_plus(clock_mono(), span_ms(WAIT_MS));
	uint64_t after = from ? first->events[from - 1].seq : 0;
	struct life t;
	size_t want = 0, k = 0;
	bool ok = true;

	for (size_t i = from; i < first->n; i++)
		want += concerned(&first->events[i], only);
	TRY(life_begin(w, &t, after, only, e), e);
	while (t.n < want && clock_mono().ns < until.ns)
		turn(&t);
	for (int i = 0; i < 3 * POLL_MS / 2; i++)
		turn(&t);
	for (size_t i = from; i < first->n && ok; i++) {
		if (!concerned(&first->events[i], only))
			continue;
		ok = k < t.n && t.events[k].seq == first->events[i].seq &&
		     same_event(&first->events[i], &t.events[k], addr_is_zero(only), NULL, e);
		k++;
	}
	if (!ok && k > t.n)
		FAIL(e, INTERNAL, "%zu events were told again, not %zu", t.n, want);
	ok = ok && t.n == want;
	life_end(w, &t);
	return ok || FAIL(e, INTERNAL, "after event %zu other things are told: %s", from, e->msg);
}

static void all_again(struct course *w, const struct life *first)
{
	static const struct addr nobody;
	struct err e = {0};

	for (size_t from = 0; from < first->n && !w->failed; from += MAX2(first->n / 7, (size_t)1))
		if (!again(w, first, from, &nobody, &e))
			wrong(w, "told again", &e);
	if (!w->failed && !again(w, first, 0, &w->s.p.who[AUTHOR], &e))
		wrong(w, "told to the author", &e);
}

/* ---- the course --------------------------------------------------------------------------------- */

static bool run(struct course *w, const char *anvil, struct err *e)
{
	static const struct addr nobody;
	struct life t;

	TRY(parties(w, anvil, e), e);
	snprintf(w->dir, sizeof w->dir, "/tmp/evmport-XXXXXX");
	if (!mkdtemp(w->dir))
		return FAIL(e, IO, "no folder in /tmp");
	TRY(life_begin(w, &t, 0, &nobody, e), e);
	TRY(chain_idle(&w->c, w->s.p.now, e), e);
	TRY(wait_for(&t, PARTIES, "the deposits", e), e);
	w->compared = t.n;
	w->s.play = play_both;
	script_run(&w->s);
	if (!w->failed)
		all_again(w, &t);
	w->at = &t;
	life_end(w, &t);
	return true;
}

/* Everything anew, with that account as the one that sends. */
static bool course(const char *anvil, bool by_rp, unsigned *passed)
{
	struct course *w = calloc(1, sizeof *w);
	char command[96];
	struct err e;
	bool ok = false;

	if (!w)
		return false;
	w->s.by_rp = by_rp;
	w->more = calloc(LEDGER_EVENTS_MAX, sizeof *w->more);
	ok = w->more && run(w, anvil, &e);
	if (w->more && !ok)
		fprintf(stderr, "evmport: %s\n", e.msg);
	if (w->s.p.l)
		play_done(&w->s.p);
	chain_stop(&w->c);
	if (w->dir[0]) {
		snprintf(command, sizeof command, "rm -r %s", w->dir);
		ok = system(command) == 0 && ok;
	}
	ok = ok && !w->failed;
	*passed += w->actions - w->failed;
	free(w->more);
	free(w);
	return ok;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"anvil", required_argument, NULL, 'a'},
	        {"must", no_argument, NULL, 'm'}, {NULL, 0, NULL, 0}};
	const char *anvil = "anvil";
	unsigned passed = 0, failed = 0;
	bool must = false;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'a')
			anvil = optarg;
		else if (o == 'm')
			must = true;
		else
			return 2;
	}
	if (access(anvil, X_OK) != 0) {
		printf("0 passed, %d failed, %d skipped: anvil is not there\n", must, !must);
		return must;
	}
	failed += !course(anvil, false, &passed);
	failed += !course(anvil, true, &passed);
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
