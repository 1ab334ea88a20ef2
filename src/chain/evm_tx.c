/* evm_tx.c - 0x02 ‖ rlp([chain id, nonce, tip, fee, gas, to, value, data, access list, y parity, r, s]); the
 * first nine are what is signed. */
#include "chain/evm_tx.h"

#include "codec/rlp.h"
#include "crypto/keccak.h"
#include "crypto/secp.h"

enum { TYPE = 0x02, V_BASE = 27 };

/* ---- writing ------------------------------------------------------------------------------------ */

static void put_members(const struct evm_tx *tx, struct buf *out)
{
	rlp_put_u64(out, tx->chain_id);
	rlp_put_u64(out, tx->nonce);
	rlp_put_u64(out, tx->tip_wei);
	rlp_put_u64(out, tx->max_fee_wei);
	rlp_put_u64(out, tx->gas);
	rlp_put_bytes(out, bytes_of(tx->to.b, tx->creates ? 0 : sizeof tx->to.b));
	rlp_put_u256(out, tx->value);
	rlp_put_bytes(out, tx->data);
	rlp_put_list(out, (struct bytes){0});
}

static bool typed(const struct buf *members, struct buf *out, struct err *e)
{
	buf_byte(out, TYPE);
	rlp_put_list(out, buf_bytes(members));
	if (!buf_ok(members) || !buf_ok(out))
		return FAIL(e, TOO_LARGE, "a transaction of more than %u bytes", EVM_TX_MAX);
	return true;
}

bool evm_tx_digest(const struct evm_tx *tx, struct hash *out, struct err *e)
{
	struct buf members OWN(buf_done) = {0}, whole OWN(buf_done) = {0};

	buf_init(&members, EVM_TX_MAX);
	buf_init(&whole, EVM_TX_MAX);
	put_members(tx, &members);
	TRY(typed(&members, &whole, e), e);
	keccak256(whole.p, whole.n, out);
	return true;
}

bool evm_tx_sign(const struct evm_tx *tx, const struct signer *who, struct buf *raw,
        struct hash *hash, struct err *e)
{
	struct buf members OWN(buf_done) = {0}, whole OWN(buf_done) = {0};
	struct hash digest;
	struct sig sig;

	TRY(evm_tx_digest(tx, &digest, e), e);
	TRY(who->sign(who->self, &digest, &sig, e), e);
	if (sig.n != 65)
		return FAIL(e, KEY, "the key gave a signature of %u bytes", sig.n);
	buf_init(&members, EVM_TX_MAX);
	buf_init(&whole, EVM_TX_MAX);
	put_members(tx, &members);
	rlp_put_u64(&members, (uint64_t)(sig.b[64] - V_BASE));
	rlp_put_number(&members, sig.b, 32);
	rlp_put_number(&members, sig.b + 32, 32);
	TRY(typed(&members, &whole, e), e);
	keccak256(whole.p, whole.n, hash);
	buf_put(raw, whole.p, whole.n);
	if (!buf_ok(raw))
		return FAIL(e, TOO_LARGE, "no room for a transaction of %zu bytes", whole.n);
	return true;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool read_to(struct bytes *rest, struct evm_tx *tx, struct err *e)
{
	struct bytes to;

	TRY(rlp_next_bytes(rest, sizeof tx->to.b, &to, e), e);
	tx->creates = to.n == 0;
	if (to.n == sizeof tx->to.b)
		memcpy(tx->to.b, to.p, to.n);
	else if (to.n)
		return FAIL(e, ENCODING, "a transaction to an account of %zu bytes", to.n);
	return true;
}

static bool read_members(struct bytes *rest, struct evm_tx *tx, struct err *e)
{
	struct bytes access;

	TRY(rlp_next_u64(rest, &tx->chain_id, e), e);
	TRY(rlp_next_u64(rest, &tx->nonce, e), e);
	TRY(rlp_next_u64(rest, &tx->tip_wei, e), e);
	TRY(rlp_next_u64(rest, &tx->max_fee_wei, e), e);
	TRY(rlp_next_u64(rest, &tx->gas, e), e);
	TRY(read_to(rest, tx, e), e);
	TRY(rlp_next_u256(rest, &tx->value, e), e);
	TRY(rlp_next_bytes(rest, EVM_TX_MAX, &tx->data, e), e);
	TRY(rlp_next_list(rest, &access, e), e);
	if (access.n)
		return FAIL(e, ENCODING, "a transaction with an access list");
	return true;
}

static bool read_sig(struct bytes *rest, struct sig *out, struct err *e)
{
	uint64_t parity;
	struct u256 r, s;

	TRY(rlp_next_u64(rest, &parity, e), e);
	TRY(rlp_next_u256(rest, &r, e), e);
	TRY(rlp_next_u256(rest, &s, e), e);
	if (parity > 1)
		return FAIL(e, SIGNATURE, "a transaction's signature has parity %llu",
		        (unsigned long long)parity);
	out->n = 65;
	u256_to_be(r, out->b);
	u256_to_be(s, out->b + 32);
	out->b[64] = (uint8_t)(V_BASE + parity);
	return true;
}

bool evm_tx_read(
        struct bytes raw, struct evm_tx *tx, struct addr *from, struct hash *hash, struct err *e)
{
	struct evm_tx t = {0};
	struct hash digest;
	struct bytes rest, items;
	struct addr who;
	struct sig sig;

	if (raw.n == 0 || raw.n > EVM_TX_MAX || raw.p[0] != TYPE)
		return FAIL(e, ENCODING, "%zu bytes that are no transaction of EIP-1559", raw.n);
	rest = bytes_of(raw.p + 1, raw.n - 1);
	TRY(rlp_next_list(&rest, &items, e), e);
	TRY(rlp_end(rest, e), e);
	TRY(read_members(&items, &t, e), e);
	TRY(read_sig(&items, &sig, e), e);
	TRY(rlp_end(items, e), e);
	TRY(evm_tx_digest(&t, &digest, e), e);
	TRY(secp_recover(&digest, &sig, &who, e), e);
	*tx = t;
	*from = who;
	keccak256(raw.p, raw.n, hash);
	return true;
}

void evm_created(const struct addr *who, uint64_t nonce, struct addr *out)
{
	struct buf items OWN(buf_done) = {0}, list OWN(buf_done) = {0};
	struct hash h;

	buf_init(&items, 64);
	buf_init(&list, 64);
	rlp_put_bytes(&items, bytes_of(who->b, sizeof who->b));
	rlp_put_u64(&items, nonce);
	rlp_put_list(&list, buf_bytes(&items));
	keccak256(list.p, list.n, &h);
	memcpy(out->b, h.b + 12, sizeof out->b);
}
