/* market.c - the ledger as the checks see it, and the one that has the manners of a chain. */
#include "chain/fake.h"
#include "ledger/ledger.h"
#include "ledgerd/ledgerd_own.h"
#include "sim.h"

enum { LOOK_MS = 50 };

static void on_look(struct sim *s, struct node *n, void *ctx)
{
	(void)n, (void)ctx;
	fake_run(s->chain, (struct mono){s->now});
	check_block(s);
	sim_after(s, LOOK_MS * MS, NULL, on_look, NULL, NULL);
}

void market_chain(struct sim *s)
{
	const struct scenario *sc = s->sc;
	struct fake_options o = {.genesis = &s->genesis,
	        .seed = sim_draw(s, 0) + s->seed,
	        .delay = sc->chain.delay,
	        .jitter = sc->chain.jitter,
	        .block_every = sc->chain.block,
	        .depth = sc->chain.depth,
	        .lose = sc->chain.lose,
	        .shuffle = sc->chain.shuffle,
	        .keep_failed = sc->chain.keep_failed};
	struct err e;

	if (!fake_new(&o, &s->chain, &e)) {
		sim_fail(s, "no chain: %s", e.msg);
		return;
	}
	on_look(s, NULL, NULL);
}

void market_port(struct node *n, struct ledger_port *out)
{
	if (!n->chain_port.self)
		fake_port(n->sim->chain, &n->chain_port);
	*out = n->chain_port;
}

const struct ledger *market_rules(const struct sim *s)
{
	const struct ledgerd *d;

	if (s->chain)
		return fake_rules(s->chain);
	d = s->ledger && s->ledger->up ? s->ledger->self : NULL;
	return d ? d->l : NULL;
}

void market_reorg(struct sim *s, unsigned blocks, unsigned lose)
{
	if (s->chain)
		sim_note(s, NULL, "%u blocks vanish", fake_reorg(s->chain, blocks, lose));
}

void market_pass(struct sim *s, uint64_t seconds)
{
	char body[64];
	int n = snprintf(body, sizeof body, "{\"advance\":%llu}", (unsigned long long)seconds);

	if (s->chain)
		fake_pass(s->chain, seconds);
	else if (s->ledger->up)
		net_ask(s->ledger, &(struct ask){.url = s->ledger->url,
		                           .method = "POST",
		                           .path = "/v1/clock",
		                           .body = {(const uint8_t *)body, (size_t)n}});
}

void market_done(struct sim *s)
{
	s->chain = fake_free(s->chain);
}
