/* journal_fuzz.c - a journal of foreign rows, a line of JSON for each as `ledger export` writes them: as they are, and
 * with every block mended and signed by the operator, since no mutation finds a signature. It is refused with
 * words, or it is a ledger whose books balance. */
#include "codec/eip712.h"
#include "codec/merkle.h"
#include "codec/signed.h"
#include "ledgerd/ledgerd_fuzz_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCKS_MAX = 64 };

static struct journal_block blocks[BLOCKS_MAX]; /* allow-listed static: of a test program */
static size_t blocks_n;

static void put(struct fuzz_rig *g, const struct record *r, const void *row)
{
	struct err e;
	bool ok = g->world.store.put(g->world.store.self, r, row, &e);

	assert(ok);
}

static void read_rows(struct fuzz_rig *g, struct str text)
{
	struct journal_action *action = calloc(1, sizeof *action);
	struct err e;

	assert(action);
	blocks_n = 0;
	while (text.n) {
		struct str line = str_cut(text, '\n', &text);

		if (blocks_n < BLOCKS_MAX &&
		        record_parse(journal_block_record(), line, &blocks[blocks_n], &e))
			put(g, journal_block_record(), &blocks[blocks_n++]);
		else if (record_parse(journal_action_record(), line, action, &e))
			put(g, journal_action_record(), action);
	}
	free(action);
}

/* ---- mending ---------------------------------------------------------------------------------------- */

static void root_of(struct fuzz_rig *g, struct journal_block *b)
{
	struct journal_action *row = calloc(1, sizeof *row);
	struct hash leaves[LEDGERD_BATCH_MAX] = {{{0}}}, scratch[LEDGERD_BATCH_MAX];
	struct store *s = &g->world.store;
	size_t n = MIN2(b->actions, (uint32_t)LEDGERD_BATCH_MAX);
	struct err e;

	assert(row);
	for (size_t i = 0; i < n; i++) {
		row->seq = b->first_seq + i;
		if (s->get(s->self, journal_action_record(), row, &e))
			block_leaf(&row->id, str_bytes(str_of(row->event)), &leaves[i]);
	}
	merkle_root(leaves, n, scratch, &b->block.root);
	free(row);
}

static void mend(struct fuzz_rig *g)
{
	struct hash genesis, domain, digest;
	struct block head;

	eip712_hash(genesis_record(), &g->p.genesis, &genesis);
	eip712_domain_embedded(&genesis, &domain);
	block_genesis(&g->p.genesis, &head);
	for (size_t i = 0; i < blocks_n; i++) {
		struct journal_block *b = &blocks[i];
		struct err e;
		bool ok;

		b->number = b->block.number = i + 1;
		b->block.parent = head.parent;
		if (i > 0)
			eip712_hash(block_record(), &head, &b->block.parent);
		else
			b->block.parent = genesis;
		root_of(g, b);
		signed_digest(&domain, block_record(), &b->block, &digest);
		ok = fuzz_signs(NULL, &digest, &b->sig, &e);
		assert(ok);
		put(g, journal_block_record(), b);
		head = b->block;
	}
}

/* ---- what must hold --------------------------------------------------------------------------------- */

static bool verify(struct fuzz_rig *g)
{
	struct ledgerd_summary seen;
	struct err e = {0};

	if (ledgerd_verify(&g->world, &g->p.genesis, &seen, &e)) {
		assert(seen.actions <= store_memory_count(g->rows, journal_action_record()));
		return true;
	}
	assert(e.code == E_TAMPERED && e.msg[0]);
	return false;
}

/* Who trusts the operator's signature takes what one who checks all takes. */
static void serve(struct fuzz_rig *g, bool verified)
{
	struct ledgerd *d;
	struct err e = {0};

	if (ledgerd_new(&g->world, &g->p.genesis, &d, &e))
		ledgerd_free(d);
	else
		assert(!verified && e.code == E_TAMPERED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_rig *g OWN(fuzz_rig_free) = fuzz_rig_new();

	read_rows(g, (struct str){(const char *)data, size});
	serve(g, verify(g));
	if (blocks_n > 0) {
		mend(g);
		serve(g, verify(g));
	}
	return 0;
}
