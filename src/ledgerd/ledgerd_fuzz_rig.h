/* ledgerd_fuzz_rig.h - for the fuzz targets of the role: a world with rows in memory and an operator's key, and the
 * genesis of ledger_play.h with parties whose keys are 1, 2, 3 … */
#ifndef LILYPAD_LEDGERD_LEDGERD_FUZZ_RIG_H
#define LILYPAD_LEDGERD_LEDGERD_FUZZ_RIG_H

#include <stdlib.h>

#include "codec/json.h"
#include "crypto/secp.h"
#include "ledger/ledger_play.h"
#include "ledgerd/ledgerd_own.h"
#include "store/memory.h"

struct fuzz_rig {
	struct play p; /* genesis and accounts; no ledger */
	struct store_memory *rows;
	struct world world;
};

static inline bool fuzz_signs(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	struct seckey k = {{[31] = OPERATOR + 1}};

	(void)self;
	return secp_sign(&k, digest, out, e);
}

static inline void fuzz_random(void *self, void *out, size_t n)
{
	(void)self;
	memset(out, 0x5a, n);
}

/* A role that says broken is a bug. */
static inline void fuzz_log(void *self, enum log_level level, const char *text)
{
	(void)self, (void)text;
	assert(level != LOG_BROKEN);
}

static inline struct fuzz_rig *fuzz_rig_new(void)
{
	static struct addr who[PARTIES]; /* allow-listed static: constant once made */
	struct fuzz_rig *g = calloc(1, sizeof *g);

	assert(g);
	for (int i = 0; i < PARTIES && addr_is_zero(&who[i]); i++) {
		struct seckey k = {{[31] = (uint8_t)(i + 1)}};
		bool ok = seckey_addr(&k, &who[i], &g->p.e);

		assert(ok);
	}
	memcpy(g->p.who, who, sizeof who);
	play_genesis(&g->p);
	g->rows = store_memory_new(ledgerd_tables);
	assert(g->rows);
	g->world.store = store_memory_port(g->rows);
	g->world.signer = (struct signer){NULL, g->p.who[OPERATOR], fuzz_signs};
	g->world.rng = (struct rng){NULL, fuzz_random};
	g->world.log = (struct logger){NULL, fuzz_log};
	return g;
}

static inline void fuzz_rig_free(struct fuzz_rig **g)
{
	store_memory_free((*g)->rows);
	free(*g);
}

#endif
