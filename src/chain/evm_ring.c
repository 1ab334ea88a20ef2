/* evm_ring.c - {shift, mendAbove, blocks: [[number, hash], …], accounts: [[number, account], …]}. */
#include "chain/evm_ring.h"

#include <stdlib.h>

#include "base/buf.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/file.h"

enum { FILE_MAX = 128 << 10 };

void evm_ring_add(struct evm_ring *r, uint64_t number, const struct hash *hash)
{
	if (r->n && r->blocks[r->n - 1].number >= number)
		return;
	if (r->n == EVM_RING_BLOCKS) {
		r->n--;
		memmove(r->blocks, r->blocks + 1, r->n * sizeof r->blocks[0]);
	}
	r->blocks[r->n++] = (struct evm_ring_block){number, *hash};
}

void evm_ring_touch(struct evm_ring *r, uint64_t number, const struct addr *who)
{
	size_t at = 0;

	for (size_t i = 0; i < r->accounts_n; i++) {
		if (addr_eq(&r->accounts[i].account, who)) {
			r->accounts[i].number = number;
			return;
		}
		if (r->accounts[i].number < r->accounts[at].number)
			at = i;
	}
	if (r->accounts_n < EVM_RING_ACCOUNTS)
		at = r->accounts_n++;
	r->accounts[at] = (struct evm_ring_account){number, *who};
}

void evm_ring_cut(struct evm_ring *r, uint64_t number)
{
	while (r->n && r->blocks[r->n - 1].number > number)
		r->n--;
}

/* ---- the file ----------------------------------------------------------------------------------- */

static bool read_number(const json_t *pair, uint64_t *out)
{
	return json_array_size(pair) == 2 &&
	       str_u64(json_text_of(json_array_get(pair, 0)), UINT64_MAX, out);
}

static bool read_all(const json_t *j, struct evm_ring *r, struct err *e)
{
	const json_t *blocks = json_object_get(j, "blocks"),
	             *accounts = json_object_get(j, "accounts"), *v;
	struct evm_ring_account a;
	struct evm_ring_block b;
	size_t i;

	TRY(json_get_u64(j, "shift", &r->shift, e), e);
	TRY(json_get_u64(j, "mendAbove", &r->mend_above, e), e);
	if (json_array_size(blocks) > EVM_RING_BLOCKS ||
	        json_array_size(accounts) > EVM_RING_ACCOUNTS)
		return FAIL(e, ENCODING, "more blocks or accounts than are kept");
	json_array_foreach (blocks, i, v) {
		if (!read_number(v, &b.number))
			return FAIL(e, ENCODING, "blocks: %zu is no block", i);
		TRY(hash_parse(json_text_of(json_array_get(v, 1)), &b.hash, e), e);
		evm_ring_add(r, b.number, &b.hash);
	}
	json_array_foreach (accounts, i, v) {
		if (!read_number(v, &a.number))
			return FAIL(e, ENCODING, "accounts: %zu is no account", i);
		TRY(addr_parse(json_text_of(json_array_get(v, 1)), &a.account, e), e);
		evm_ring_touch(r, a.number, &a.account);
	}
	return true;
}

bool evm_ring_parse(struct str text, struct evm_ring *out, struct err *e)
{
	struct evm_ring *r = calloc(1, sizeof *r);
	json_t *j OWN(json_own) = NULL;
	bool ok;

	if (!r)
		return FAIL(e, MEMORY, "no memory for a ring of blocks");
	ok = json_parse(text, &j, e) && read_all(j, r, e);
	if (ok)
		*out = *r;
	free(r);
	return ok;
}

bool evm_ring_load(const char *path, struct evm_ring *out, struct err *e)
{
	struct buf text OWN(buf_done) = {0};

	buf_init(&text, FILE_MAX);
	if (!file_read(path, FILE_MAX, &text, e)) {
		if (e->code != E_NOT_FOUND)
			return false;
		*out = (struct evm_ring){0};
		return true;
	}
	if (evm_ring_parse(buf_view(&text), out, e))
		return true;
	return FAIL(e, ENCODING, "%s is not understood: %s", path, e->msg);
}

bool evm_ring_save(const char *path, const struct evm_ring *r, struct err *e)
{
	json_t *j OWN(json_own) = NULL, *blocks = json_array(), *accounts = json_array();
	struct buf text OWN(buf_done) = {0};

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(blocks, json_pack("[o,o]", json_of_u64(r->blocks[i].number),
		                                      json_of_hash(&r->blocks[i].hash)));
	for (size_t i = 0; i < r->accounts_n; i++)
		json_array_append_new(
		        accounts, json_pack("[o,o]", json_of_u64(r->accounts[i].number),
		                          json_of_addr(&r->accounts[i].account)));
	j = json_pack("{s:o, s:o, s:o, s:o}", "shift", json_of_u64(r->shift), "mendAbove",
	        json_of_u64(r->mend_above), "blocks", blocks, "accounts", accounts);
	buf_init(&text, FILE_MAX);
	json_canonical(j, &text);
	if (!buf_ok(&text))
		return FAIL(e, MEMORY, "no memory for a ring of blocks");
	return file_write(path, buf_bytes(&text), 0600, e);
}
