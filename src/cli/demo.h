/* demo.h - the market on this machine as `lilypad demo` shows it: scenes played in a network of its own, and
 * what each of them did to every party's money. */
#ifndef LILYPAD_CLI_DEMO_H
#define LILYPAD_CLI_DEMO_H

#include "cli/local_net.h"

/* Rows of the money table. */
enum demo_party {
	DEMO_BUYER,
	DEMO_HONEST, /* the provider */
	DEMO_SECOND, /* a provider that is there for some scenes only, and cheats */
	DEMO_MEDIATOR,
	DEMO_SOLVER,
	DEMO_SINK, /* forfeits that nobody can ever spend */
	DEMO_PARTIES
};
#define DEMO_SECOND_NAME "provider-2" /* its process and its key */

struct demo_money {
	struct amount of[DEMO_PARTIES]; /* free and locked */
};

struct demo {
	struct cli *c;
	struct local_net net;
	char root[256];
	struct addr addr[DEMO_PARTIES];
	struct mono start;
};

void demo_step(struct demo *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
MUST bool demo_money(struct demo *d, struct demo_money *out, struct err *e);
/* One row a party that has or had something: before, after, the difference. */
void demo_show_money(
        struct demo *d, const struct demo_money *before, const struct demo_money *after);
#define DEMO_AMOUNT_MAX (AMOUNT_DEC_MAX + 24)
/* What a party gained, or lost: "+0.0105 LILY". */
const char *demo_change(const struct demo *d, const struct demo_money *before,
        const struct demo_money *after, enum demo_party who, char out[DEMO_AMOUNT_MAX]);
/* TAMPERED: what all hold together is not what they held before. */
MUST bool demo_conserved(
        const struct demo_money *before, const struct demo_money *after, struct err *e);
/* Buys one job; args follow "run". code: of `lilypad run`. waiting: as local_net_run() has it. */
MUST bool demo_run(struct demo *d, const char *const *args, void (*waiting)(void *ctx), void *ctx,
        int *code, struct err *e);

/* Every way to cheat that there is an instrument for, one after the other (demo_cheats.c). */
MUST bool demo_adversarial(struct demo *d, struct err *e);

#endif
