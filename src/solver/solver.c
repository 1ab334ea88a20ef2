/* solver.c - the solver's routes and its step function. */
#include "solver/solver.h"

#include <stdlib.h>

#include "solver/solver_own.h"

enum { SWEEP_MS = 1000, AGAIN_OF_A_TURN = 32 };

/* Signed documents need no other authentication (9.1). X(METHOD, path, auth, body, bytes, function,
 * "meaning") */
#define ROUTES(X)                                                                                               \
	X("POST", "/v1/job-offers", NONE, JSON, 65536, on_job_offer,                                            \
	        "a signed job offer, in a channel with its `channel` and `number`; answers its Ack")            \
	X("POST", "/v1/resource-offers", NONE, JSON, 65536, on_resource_offer,                                  \
	        "a signed resource offer; answers its Ack")                                                     \
	X("POST", "/v1/offers/{offer}/cancel", NONE, JSON, 4096, on_offer_cancel,                               \
	        "a signed OfferCancel")                                                                         \
	X("POST", "/v1/deals/{deal}/signature", NONE, JSON, 4096, on_signature,                                 \
	        "a party's signature over the deal")                                                            \
	X("POST", "/v1/deals/{deal}/refuse", REQUEST, JSON, 8192, on_refuse,                                    \
	        "why a party does not sign")                                                                    \
	X("POST", "/v1/deals/{deal}/result", NONE, JSON, 8192, on_result,                                       \
	        "a signed Result and Stored, for the job creator")                                              \
	X("POST", "/v1/deals/{deal}/decline", NONE, JSON, 4096, on_decline,                                     \
	        "a signed Decline, for the job creator")                                                        \
	X("POST", "/v1/deals/{deal}/acceptance", NONE, JSON, 8192, on_acceptance,                               \
	        "in a channel: a signed ChannelAcceptance or Voucher, for the provider")                        \
	X("GET", "/v1/channels/{channel}", NONE, NONE, 0, view_channel,                                         \
	        "the highest number that a deal in the channel was made with")                                  \
	X("GET", "/v1/events", OPTIONAL, NONE, 0, view_events,                                                  \
	        "stream of the caller's deals, signatures, results; unsigned: of the states of all deals")      \
	X("GET", "/v1/job-offers/{offer}", OPTIONAL, NONE, 0, view_job_offer,                                   \
	        "state of a job offer; counts of refusals by reason")                                           \
	X("GET", "/v1/resource-offers", NONE, NONE, 0, view_resource_offers,                                    \
	        "open resource offers; ?account=, ?offset=, ?limit=")                                           \
	X("GET", "/v1/resource-offers/{offer}/idle", REQUEST, NONE, 0, view_idle,                               \
	        "for its provider: why no job matches, and what change would have matched how many")            \
	X("GET", "/v1/explain/{offer}", NONE, NONE, 0, view_explain,                                            \
	        "every provider with the reason against it")                                                    \
	X("GET", "/v1/deals/{deal}", OPTIONAL, NONE, 0, view_deal, "a deal with its timeline")                  \
	X("GET", "/v1/deals", NONE, NONE, 0, view_deals,                                                        \
	        "deals, without what is private; ?account=, ?offset=, ?limit=")                                 \
	X("GET", "/v1/offers", NONE, NONE, 0, view_offers, "size and root of the book")                         \
	X("GET", "/v1/book", NONE, NONE, 0, view_book,                                                          \
	        "ids of the open offers in order of sequence; ?offset=, ?limit=")                               \
	X("GET", "/v1/clearings", NONE, NONE, 0, view_clearings,                                                \
	        "batches of pricing `cleared`, the newest first, with bids, asks and price; ?offset=, ?limit=") \
	X("GET", "/v1/accounts/{account}", NONE, NONE, 0, view_account,                                         \
	        "{account, jobNonce, resourceNonce}: the highest acknowledged (protocol 9.5)")                  \
	X("GET", "/v1/info", NONE, NONE, 0, view_info, "account, ledger, readiness")                            \
	X("GET", "/v1/ready", NONE, NONE, 0, view_ready, "200 when offers are matched, else 503")

static const struct route routes[] = {
#define X(method, path, auth, body, max, function, meaning)                                        \
	{method, path, AUTH_##auth, BODY_##body, max, meaning},
        ROUTES(X)
#undef X
};

static void (*const functions[])(struct solver *s, const struct event *ev, struct effects *fx) = {
#define X(method, path, auth, body, max, function, meaning) function,
        ROUTES(X)
#undef X
};

static void on_start(struct solver *s, const struct event *ev, struct effects *fx)
{
	struct err e;

	if (!solver_load(s, ev->wall, &e)) {
		log_line(&s->world->log, LOG_BROKEN, "store cannot be read: %s", e.msg);
		fx_add(fx, FX_EXIT, (struct tag){0})->status = err_exit(e.code);
		return;
	}
	/* So that whoever asks for the present cursor is told one that was never given before. */
	solver_event_block(s);
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP})->delay = span_ms(SWEEP_MS);
	if (s->again_n)
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_AGAIN});
}

/* Unfinished deals are told again: their parties may have missed what was on its way. */
static void on_again(struct solver *s, struct effects *fx)
{
	for (int i = 0; i < AGAIN_OF_A_TURN && s->again_at < s->again_n; i++)
		emit_again(s, &s->again[s->again_at++], fx);
	if (s->again_at < s->again_n) {
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_AGAIN});
		return;
	}
	free(s->again);
	s->again = NULL;
	s->again_n = s->again_at = s->again_cap = 0;
}

/* Offers expire without an event: once a second they are looked at, and nothing else waits for it. */
static void on_timer(struct solver *s, const struct event *ev, struct effects *fx)
{
	if (ev->timer.what == TAG_UNSIGNED)
		on_unsigned(s, &ev->timer.key, ev, fx);
	else if (ev->timer.what == TAG_AGAIN)
		on_again(s, fx);
	else if (ev->timer.what == TAG_BATCH)
		on_batch(s, ev, fx);
	else if (ev->timer.what == TAG_PARDON)
		on_pardon(s, &ev->timer.key);
	else
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP})->delay = span_ms(SWEEP_MS);
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct solver *s = self;

	s->now = ev->now;
	fx->soft = ev->kind == EV_LEDGER;
	switch (ev->kind) {
	case EV_START: on_start(s, ev, fx); break;
	case EV_TIMER:
		on_timer(s, ev, fx);
		if (ev->timer.what == TAG_BATCH)
			return; /* effects of one event are bounded: a sweep follows */
		break;
	case EV_REQUEST:
		assert(ev->request->route < COUNT(functions));
		functions[ev->request->route](s, ev, fx);
		break;
	case EV_LEDGER: on_ledger(s, ev, fx); break;
	case EV_TREE_IN:
	case EV_REPLY:
	case EV_MESSAGE:
	case EV_TREE:
	case EV_RUN:
	case EV_STOP: return;
	}
	solver_match_all(s, ev, fx);
}

static void on_turn(void *self, const struct event *now, struct effects *fx)
{
	ack_all(self, now, fx);
}

bool solver_new(struct world *w, const struct solver_config *c, struct solver **out, struct err *e)
{
	struct solver *s = calloc(1, sizeof *s);
	uint32_t max = c->offers_max ? c->offers_max : BOOK_OFFERS_MAX;
	uint64_t seed;

	if (!s)
		return FAIL(e, MEMORY, "no memory for the solver");
	s->world = w;
	s->c = *c;
	w->rng.fill(w->rng.self, &seed, sizeof seed);
	s->book = book_new(&w->signer.addr, max, seed);
	roster_init(&s->roster);
	live_init(s, seed);
	map_init(&s->open_of, sizeof(struct addr), sizeof(uint32_t), (size_t)max * 2, seed);
	map_init(&s->contracts, sizeof(struct addr), 1, CONTRACTS_MAX, seed);
	map_init(&s->signers, sizeof(struct addr), sizeof(struct signer_bucket), RATE_KEYS_MAX,
	        seed);
	map_init(&s->offers, sizeof(struct hash), sizeof(struct open_offer), (size_t)max * 2, seed);
	if (!s->book) {
		solver_free(s);
		return FAIL(e, MEMORY, "no memory for the book");
	}
	*out = s;
	return true;
}

bool solver_start_cursor(struct solver *s, uint64_t *out, struct err *e)
{
	struct solver_cursor row = {.which = CURSOR_LEDGER};
	struct store *st = &s->world->store;

	if (st->get(st->self, solver_cursor_record(), &row, e)) {
		*out = row.cursor;
		return true;
	}
	if (e->code != E_NOT_FOUND)
		return false;
	*out = 0;
	return true;
}

struct role solver_role(struct solver *s)
{
	return (struct role){"solver", routes, COUNT(routes), solver_tables, s, on_event, on_turn};
}

struct solver *solver_free(struct solver *s)
{
	const void *key;
	void *val;

	if (!s)
		return NULL;
	for (size_t i = 0; map_next(&s->offers, &i, &key, &val);) {
		struct open_offer *o = val;

		free(o->doc);
	}
	map_done(&s->offers);
	roster_done(&s->roster);
	book_free(s->book);
	idle_done(s);
	live_done(s);
	map_done(&s->open_of);
	map_done(&s->signers);
	map_done(&s->contracts);
	free(s->again);
	free(s);
	return NULL;
}

void solver_metrics(void *solver, struct buf *out)
{
	const struct solver *s = solver;
	struct book_size n = book_size(s->book);
	const struct {
		const char *name;
		const char *type;
		const char *help;
		uint64_t v;
	} rows[] = {
	        {"job_offers_total", "counter", "Job offers acknowledged.", s->n.job_offers},
	        {"resource_offers_total", "counter", "Resource offers acknowledged.",
	                s->n.resource_offers},
	        {"offers_refused_total", "counter", "Offers refused.", s->n.refused},
	        {"matches_total", "counter", "Matches published.", s->n.matches},
	        {"dissolved_total", "counter", "Matches given up unopened.", s->n.dissolved},
	        {"opened_total", "counter", "Deals seen on the ledger.", s->n.opened},
	        {"results_total", "counter", "Results relayed.", s->n.results},
	        {"waiting_job_offers", "gauge", "Job offers without a match.", n.waiting},
	        {"open_resource_offers", "gauge", "Resource offers in the book.", n.resources},
	        {"unfinished_deals", "gauge", "Matches and deals that are not over.", n.holds},
	        {"ledger_event", "gauge", "Last ledger event taken up.", s->ledger_cursor},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		buf_fmt(out,
		        "# HELP lilypad_solver_%s %s\n# TYPE lilypad_solver_%s %s\nlilypad_solver_%s %llu\n",
		        rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
		        (unsigned long long)rows[i].v);
}
