/* ledger_bench.c - how many transitions a core makes: deals that are opened, get a result and are accepted,
 * three transitions with four signatures each. With signatures the limit is the recovery of four signers,
 * measured here on the same digests; without, the hashing of the documents and the rules remain. And how many
 * deals of a channel are settled by acceptances in full lists, with one signature each. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/secp.h"
#include "ledger/ledger_channel_play.h"

enum { DEALS = 1500, STEPS = 3, SIGS = 4, ROUNDS = 3 };

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static NORETURN void quit(const char *what)
{
	fprintf(stderr, "ledger_bench: %s\n", what);
	exit(1);
}

static void real_sign(struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	struct seckey k = {{0}};

	k.b[31] = (uint8_t)(by + 1);
	if (!secp_sign(&k, digest, out, &p->e))
		quit(p->e.msg);
}

static bool trust(void *ctx, const struct hash *digest, const struct sig *sig,
        const struct addr *who, struct err *e)
{
	(void)ctx, (void)digest, (void)sig, (void)who, (void)e;
	return true;
}

static void init(struct play *p)
{
	memset(p, 0, sizeof *p);
	for (int i = 0; i < PARTIES; i++) {
		struct seckey k = {{0}};

		k.b[31] = (uint8_t)(i + 1);
		if (!seckey_addr(&k, &p->who[i], &p->e))
			quit(p->e.msg);
	}
	p->sign = real_sign;
	play_genesis(p);
	for (uint32_t i = 0; i < p->genesis.allocations.n; i++)
		p->genesis.allocations.v[i].amount = amount_of(UINT64_MAX / 16);
}

static void ledger(struct play *p, const struct ledger_options *o)
{
	p->l = ledger_free(p->l);
	p->now = p->genesis.time;
	if (!ledger_new(&p->genesis, o, &p->l, &p->e))
		quit(p->e.msg);
}

static struct action *prepare(struct play *p)
{
	struct action *list = malloc(sizeof *list * DEALS * STEPS), *a = list;

	if (!list)
		quit("out of memory");
	for (uint64_t i = 0; i < DEALS; i++) {
		struct deal d = play_deal(p, i);
		struct hash id = play_id(deal_record(), &d);

		play_open(p, &d);
		*a++ = p->a;
		play_result(p, &id, 100, 50);
		*a++ = p->a;
		play_accept(p, &id, 100, 50, false);
		*a++ = p->a;
	}
	return list;
}

/* Transitions per second, the best of some rounds. */
static double play(struct play *p, const struct action *list, const struct ledger_options *o)
{
	const struct hash id = {{1}};
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start, rate;
		size_t n;

		ledger(p, o);
		start = now_s();
		for (size_t i = 0; i < (size_t)DEALS * STEPS; i++) {
			if (!ledger_apply(p->l, &list[i], &id, p->now, 1, &p->ev, 1, &n, &p->e) ||
			        n != 1)
				quit(p->e.msg);
		}
		rate = DEALS * STEPS / (now_s() - start);
		best = rate > best ? rate : best;
	}
	return best;
}

/* Recoveries per second, on as many signatures as the deals have. */
static double recoveries(struct play *p)
{
	struct hash digest = {{3}};
	struct addr who;
	struct sig sig;
	double start;

	real_sign(p, JC, &digest, &sig);
	start = now_s();
	for (int i = 0; i < DEALS * SIGS; i++) {
		if (!secp_recover(&digest, &sig, &who, &p->e))
			quit(p->e.msg);
	}
	return DEALS * SIGS / (now_s() - start);
}

/* Deals per second that full lists settle, the best of some rounds. */
static double settled(struct play *p)
{
	enum { LISTS = DEALS / ACTION_SETTLE_MAX };
	static struct settle_item items[LISTS][ACTION_SETTLE_MAX];
	static struct ledger_event events[LEDGER_EVENTS_MAX];
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct hash channel;
		double start;

		ledger(p, NULL);
		memset(p->sends, 0, sizeof p->sends);
		p->more = events;
		play_open_channel(p, CHANNEL_ACCEPTANCES, 1, DEALS * 1000, 0);
		if (!play_do(p))
			quit(p->e.msg);
		channel = p->ev.channel.id;
		for (uint64_t i = 0; i < LISTS * ACTION_SETTLE_MAX && round == 0; i++) {
			struct deal d = play_channel_deal(p, &channel, i + 1);

			items[i / ACTION_SETTLE_MAX][i % ACTION_SETTLE_MAX] =
			        play_item(p, &d, 1, 100, 50);
		}
		start = now_s();
		for (int i = 0; i < LISTS; i++) {
			play_settle(p, RP, items[i], ACTION_SETTLE_MAX);
			if (!play_do(p) || p->n != 1 + ACTION_SETTLE_MAX)
				quit("a list was not settled whole");
			p->sends[RP]++;
		}
		best = MAX2(best, LISTS * ACTION_SETTLE_MAX / (now_s() - start));
	}
	p->more = NULL;
	return best;
}

int main(void)
{
	static struct play p;
	const struct ledger_options none = {.verify = trust};
	struct action *list;
	double with, without, limit;

	init(&p);
	ledger(&p, NULL);
	list = prepare(&p);
	with = play(&p, list, NULL);
	without = play(&p, list, &none);
	limit = recoveries(&p) * STEPS / SIGS;
	printf("{\"name\": \"ledger: transitions with signatures\", \"unit\": \"1/s\", \"ours\": %.0f, "
	       "\"peer\": %.0f, \"peer_name\": \"recovering the signers alone\", \"goal\": 0.8}\n",
	        with, limit);
	printf("{\"name\": \"ledger: transitions, signatures trusted (replay)\", \"unit\": \"1/s\", "
	       "\"ours\": %.0f, \"goal\": \">= 50000\"}\n",
	        without);
	free(list);
	limit = limit / STEPS * SIGS;
	printf("{\"name\": \"ledger: deals of a channel settled in lists of %d\", \"unit\": \"1/s\", "
	       "\"ours\": %.0f, \"peer\": %.0f, \"peer_name\": \"recovering the signers alone\", "
	       "\"goal\": 0.8}\n",
	        ACTION_SETTLE_MAX, settled(&p), limit);
	ledger_free(p.l);
	return 0;
}
