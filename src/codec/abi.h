/* abi.h - the arguments, answers, events and errors of contracts (Solidity contract ABI 2), by the types that a
 * signature names.
 *
 * A signature is canonical text, "submit(bytes,bytes32,(uint8,uint64,uint64,bytes32,bytes32),bytes)". Its
 * values are a flat row of leaves: a word for each elementary type, text and bytes as bytes, a tuple as its
 * members in order, an array of fixed length as its items, a list as its count and then its items. Types: address,
 * bool, uintN, bytesN, bytes, string, tuples, arrays and lists of these. */
#ifndef LILYPAD_CODEC_ABI_H
#define LILYPAD_CODEC_ABI_H

#include "base/amount.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"

#define ABI_LEAVES_MAX 4096       /* of one call: RANGE past it */
#define ABI_DATA_MAX   (1u << 20) /* bytes: TOO_LARGE past it */

struct abi_leaf {
	struct hash word;   /* big-endian; of a list its count */
	struct bytes bytes; /* of bytes and string: borrowed */
};

struct abi_leaf abi_u64(uint64_t v); /* also bool and the count of a list */
struct abi_leaf abi_u256(struct u256 v);
struct abi_leaf abi_amount(struct amount v);
struct abi_leaf abi_addr(const struct addr *a);
struct abi_leaf abi_hash(const struct hash *h);
struct abi_leaf abi_bytes(struct bytes b);
struct abi_leaf abi_sig(const struct sig *s);
/* The reverse; what does not fit was refused when it was decoded. */
uint64_t abi_get_u64(const struct abi_leaf *l);
struct u256 abi_get_u256(const struct abi_leaf *l);
struct amount abi_get_amount(const struct abi_leaf *l);
struct addr abi_get_addr(const struct abi_leaf *l);

/* "name(types)": the types, without the brackets around them. */
struct str abi_types(const char *signature);
/* Keccak-256 of the signature: of an event its first topic, of functions and errors the first four bytes
 * are the selector. */
void abi_id(const char *signature, struct hash *out);
/* The first four bytes of the data are the selector of that signature. */
MUST bool abi_is(const char *signature, struct bytes data);

/* Appends the values, encoded. RANGE: a word does not fit its type; INTERNAL: too few or too many leaves, or a
 * type that is none of the above. */
MUST bool abi_encode(
        struct str types, const struct abi_leaf *leaves, size_t n, struct buf *out, struct err *e);
/* Selector, then the values. */
MUST bool abi_encode_call(const char *signature, const struct abi_leaf *leaves, size_t n,
        struct buf *out, struct err *e);
/* *n is how many leaves there are, at most max. ENCODING: cut off, an offset outside, or a word that its
 * type does not allow; what Solidity accepts besides (gaps, shared tails, bytes behind the end) is accepted.
 * TOO_LARGE past max leaves. Leaves borrow from the data. */
MUST bool abi_decode(struct str types, struct bytes data, struct abi_leaf *leaves, size_t max,
        size_t *n, struct err *e);

#endif
