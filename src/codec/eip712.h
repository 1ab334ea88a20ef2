/* eip712.h - struct hashes and typed-data digests of records (EIP-712; protocol 2.0.1). */
#ifndef LILYPAD_CODEC_EIP712_H
#define LILYPAD_CODEC_EIP712_H

#include "base/buf.h"
#include "base/field.h"

/* encodeType: the record's type with the types it uses, sorted by name. */
void eip712_type(const struct record *r, struct buf *out);
void eip712_type_hash(const struct record *r, struct hash *out);
/* hashStruct: the identity of a document. Type hashes are computed once per record and kept. */
void eip712_hash(const struct record *r, const void *row, struct hash *out);
/* hashStruct of a Deal whose Cold is known only by its hash, and of a Result whose Output is. */
void eip712_deal_hash(const struct hash *hot, const struct hash *cold, struct hash *out);

/* The domain separator of a ledger: embedded {name, version, salt} or EVM {name, version, chainId,
 * verifyingContract}. */
void eip712_domain_embedded(const struct hash *genesis, struct hash *out);
void eip712_domain_evm(uint64_t chain_id, const struct addr *controller, struct hash *out);
/* keccak256(0x1901 ‖ domain ‖ structHash). */
void eip712_digest(const struct hash *domain, const struct hash *struct_hash, struct hash *out);
/* EIP-191 "personal message" digest, version 0x45. */
void eip191_digest(struct bytes message, struct hash *out);

#endif
