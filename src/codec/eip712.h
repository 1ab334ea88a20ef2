/* eip712.h - struct hashes and typed-data digests of records (EIP-712; protocol 2.0.1). */
#ifndef LILYPAD_CODEC_EIP712_H
#define LILYPAD_CODEC_EIP712_H

#include "base/buf.h"
#include "base/field.h"

/* encodeType: the record's type with the types it uses, sorted by name. A record with a SIG in it is
 * no signed type: giving one to any function here is a bug. */
void eip712_type(const struct record *r, struct buf *out);
void eip712_type_hash(const struct record *r, struct hash *out);
/* hashStruct: the identity of a document. Type hashes are computed once per record and thread, and
 * kept; nothing is allocated after that. */
void eip712_hash(const struct record *r, const void *row, struct hash *out);
/* hashStruct where the member `part`, of kind REC, is known by its struct hash only and what the row
 * holds there is not looked at: a Deal by its Cold, a Result by its Output (see model/parts.h). */
void eip712_hash_part(const struct record *r, const void *row, const char *part,
        const struct hash *part_hash, struct hash *out);
/* hashStruct of a record from the encoded 32-byte words of its members, in order; n is r->n. */
void eip712_hash_words(
        const struct record *r, const struct hash *words, size_t n, struct hash *out);

/* The domain separator of a ledger: embedded {name, version, salt} or EVM {name, version, chainId,
 * verifyingContract}. */
void eip712_domain_embedded(const struct hash *genesis, struct hash *out);
void eip712_domain_evm(uint64_t chain_id, const struct addr *controller, struct hash *out);
/* keccak256(0x1901 ‖ domain ‖ structHash). */
void eip712_digest(const struct hash *domain, const struct hash *struct_hash, struct hash *out);
/* EIP-191 "personal message" digest, version 0x45. */
void eip191_digest(struct bytes message, struct hash *out);

#endif
