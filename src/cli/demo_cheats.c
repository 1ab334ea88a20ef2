/* demo_cheats.c - `lilypad demo --adversarial`: every test instrument plays its part once, and the money tells
 * whether cheating paid. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/demo.h"
#include "cli/misbehave.h"
#include "cli/remote.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "creator/creator.h"
#include "provider/provider.h"

/* Who cheats; the others are honest, and every result is checked. */
struct scene {
	const char *role; /* of the table of instruments */
	enum demo_party cheat;
	enum demo_party profits; /* from it, if anybody does */
	/* Of the second provider: a mediator has nothing to rule on unless somebody lies. NULL: the honest
	 * provider works. */
	const char *provider;
};

static const struct scene scenes[] = {
        {"provider", DEMO_SECOND, DEMO_SECOND, NULL},
        {"creator", DEMO_BUYER, DEMO_BUYER, NULL},
        {"directory", DEMO_SINK, DEMO_HONEST, NULL},
        {"mediator", DEMO_MEDIATOR, DEMO_SECOND, "wrong-output"},
};

enum { PATIENCE = 30 /* ticks of 100 ms before the ledger's clock is moved on */, STRIDE_S = 6 };

/* A job that hangs waits for a deadline: on a test ledger time can be made to pass. */
struct patience {
	struct demo *d;
	unsigned ticks;
};

static void move_on(void *ctx)
{
	struct patience *p = ctx;
	json_t *answer = NULL;
	struct err e;

	if (++p->ticks < PATIENCE || p->ticks % 5 != 0)
		return;
	if (!remote_post(p->d->net.c, p->d->net.network.ledger_url, "/v1/clock",
	            json_pack("{s:i}", "advance", STRIDE_S), &answer, &e))
		cli_say(p->d->c, "  the ledger's clock stands still: %s", e.msg);
	json_decref(answer);
}

/* cowsay is known to everybody after the first job; what a job creator withholds must be new. */
static bool job(struct demo *d, const struct scene *s, const struct misbehaviour *m,
        const char *message, int *code, struct err *e)
{
	bool second = s->cheat == DEMO_SECOND || s->provider;
	bool withholds = s->cheat == DEMO_BUYER && m->value == CREATOR_WITHHOLDS;
	struct patience p = {.d = d};
	char who[ADDR_TEXT_MAX], out[300];
	const char *args[] = {withholds ? "matmul" : "cowsay", "-i", withholds ? "N=10" : message,
	        "--yes", "--quiet", "--check", "always", "--queue", "5s", "--target", who,
	        "--output", out, s->cheat == DEMO_BUYER ? "--test-misbehave" : NULL, m->name, NULL};

	addr_format(&d->addr[second ? DEMO_SECOND : DEMO_HONEST], who);
	snprintf(out, sizeof out, "%s/%s-%s-%s", d->root, s->role, m->name, message);
	return demo_run(d, args, move_on, &p, code, e);
}

/* A lazy provider needs an output to sell again. */
static bool rehearse(
        struct demo *d, const struct scene *s, const struct misbehaviour *m, struct err *e)
{
	int code = 0;

	if (s->cheat == DEMO_SECOND && m->value == PROVIDER_LAZY)
		TRY(job(d, s, m, "Message=once", &code, e), e);
	return code == 0 || FAIL(e, INTERNAL, "the first job ended with exit code %d", code);
}

/* The processes of a scene, and back to honest ones. */
static bool set_up(
        struct demo *d, const struct scene *s, const struct misbehaviour *m, struct err *e)
{
	bool service = s->cheat == DEMO_MEDIATOR || s->cheat == DEMO_SINK;

	if (service) {
		local_net_end(&d->net, s->role);
		TRY(local_net_begin(&d->net, s->role, m->name, e), e);
	}
	if (s->cheat == DEMO_SECOND)
		TRY(local_net_begin(&d->net, DEMO_SECOND_NAME, m->name, e), e);
	if (s->provider)
		TRY(local_net_begin(&d->net, DEMO_SECOND_NAME, s->provider, e), e);
	return true;
}

static bool clear_up(struct demo *d, const struct scene *s, struct err *e)
{
	local_net_end(&d->net, DEMO_SECOND_NAME);
	if (s->cheat == DEMO_MEDIATOR || s->cheat == DEMO_SINK) {
		local_net_end(&d->net, s->role);
		TRY(local_net_begin(&d->net, s->role, NULL, e), e);
	}
	return true;
}

/* An honest provider has its price. A job creator does better than to pay it when it gains tokens, or has the
 * output for less. */
static bool pays(const struct scene *s, struct amount price, bool has_output,
        const struct demo_money *a, const struct demo_money *b)
{
	struct amount honest = a->of[s->profits], have = b->of[s->profits];
	bool ok = true;

	if (s->profits != DEMO_BUYER)
		ok = amount_add(honest, price, &honest);
	else if (has_output)
		ok = amount_sub(honest, price, &honest);
	assert(ok);
	return amount_cmp(have, honest) > 0;
}

static void tell(struct demo *d, const struct scene *s, const struct misbehaviour *m, bool paid,
        const struct demo_money *a, const struct demo_money *b)
{
	static const enum demo_party shown[] = {
	        DEMO_BUYER, DEMO_HONEST, DEMO_SECOND, DEMO_MEDIATOR, DEMO_SINK};
	static const char *const keys[] = {
	        "jobCreator", "provider", "secondProvider", "mediator", "sink"};
	json_t *j = d->c->json ? json_pack("{s:s, s:s, s:s, s:s, s:b}", "schema", "lilypad.cheat/1",
	                                 "role", s->role, "mode", m->name, "what", m->meaning,
	                                 "pays", (int)paid)
	                       : NULL;
	char x[DEMO_AMOUNT_MAX];

	if (!j)
		cli_print("%-9s %-16s", s->role, m->name);
	for (size_t i = 0; i < COUNT(shown); i++) {
		demo_change(d, a, b, shown[i], x);
		if (j)
			json_object_set_new(j, keys[i], json_string(x));
		else
			cli_print(" %21s", x);
	}
	if (j)
		cli_print_json(j);
	else
		cli_print("  %s\n", paid ? "yes" : "no");
}

/* What an honest job costs. */
static bool price_of(struct demo *d, struct amount *out, struct err *e)
{
	const char *args[] = {
	        "cowsay", "-i", "Message=honest", "--yes", "--quiet", "--output", NULL, NULL};
	struct demo_money before, after;
	char dir[300];
	int code;

	snprintf(dir, sizeof dir, "%s/honest", d->root);
	args[6] = dir;
	TRY(demo_money(d, &before, e), e);
	TRY(demo_run(d, args, NULL, NULL, &code, e), e);
	TRY(demo_money(d, &after, e), e);
	if (code != 0 || !amount_sub(after.of[DEMO_HONEST], before.of[DEMO_HONEST], out))
		return FAIL(e, INTERNAL, "the honest job ended with exit code %d", code);
	return true;
}

static bool play(struct demo *d, const struct scene *s, const struct misbehaviour *m,
        struct amount price, struct err *e)
{
	struct demo_money before, after;
	int code;

	TRY(set_up(d, s, m, e), e);
	TRY(rehearse(d, s, m, e), e);
	TRY(demo_money(d, &before, e), e);
	TRY(job(d, s, m, "Message=twice", &code, e), e);
	TRY(clear_up(d, s, e), e);
	TRY(demo_money(d, &after, e), e);
	tell(d, s, m, pays(s, price, code == 0, &before, &after), &before, &after);
	return demo_conserved(&before, &after, e);
}

bool demo_adversarial(struct demo *d, struct err *e)
{
	struct amount price;

	/* What is waited for is short: the deadlines of the jobs, as the daemons and the buyer read them. */
	setenv("LILYPAD_JOB_SUBMIT_TIMEOUT", "60s", 1);
	setenv("LILYPAD_JOB_JUDGE_TIMEOUT", "30s", 1);
	setenv("LILYPAD_JOB_MEDIATE_TIMEOUT", "30s", 1);
	TRY(price_of(d, &price, e), e);
	if (!d->c->json)
		cli_print("%-9s %-16s %21s %21s %21s %21s %21s  %s\n", "WHO", "CHEATS BY",
		        "JOB CREATOR", "PROVIDER", "2ND PROVIDER", "MEDIATOR", "SINK", "BETTER?");
	for (size_t i = 0; i < COUNT(scenes); i++) {
		size_t n;
		const struct misbehaviour *rows = misbehaviours(scenes[i].role, &n);

		for (size_t k = 0; k < n; k++)
			TRY(play(d, &scenes[i], &rows[k], price, e), e);
	}
	cli_say(d->c,
	        "\n  A single mediator is trusted by both sides (protocol 6.6): one that takes the provider's");
	cli_say(d->c,
	        "  bribe is the one way to profit, and is chosen by whoever names it in an offer.");
	return true;
}
