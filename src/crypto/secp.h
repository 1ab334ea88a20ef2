/* secp.h - secp256k1 keys and signatures as Ethereum uses them (protocol 2.0.1). */
#ifndef LILYPAD_CRYPTO_SECP_H
#define LILYPAD_CRYPTO_SECP_H

#include "base/err.h"
#include "base/field.h"

struct seckey {
	uint8_t b[32];
};

/* Random key from the operating system. */
MUST bool seckey_new(struct seckey *out, struct err *e);
MUST bool seckey_valid(const struct seckey *k);
void seckey_wipe(struct seckey *k); /* usable with OWN() */
/* The account of a key. KEY when the key is not valid. */
MUST bool seckey_addr(const struct seckey *k, struct addr *out, struct err *e);

/* Sign a 32-byte digest: 65 bytes r, s, v (27 or 28), low s, RFC 6979. */
MUST bool secp_sign(
        const struct seckey *k, const struct hash *digest, struct sig *out, struct err *e);
/* The same signature in 64 bytes (EIP-2098); one that has 64 already, or a v other than 27 and 28, is taken as
 * it is. */
void sig_compact(struct sig *s);
/* The account that signed. SIGNATURE unless 65 bytes (v 27 or 28) or 64 bytes EIP-2098, low s, r and s
 * in range, signer not zero. */
MUST bool secp_recover(
        const struct hash *digest, const struct sig *sig, struct addr *out, struct err *e);
/* SIGNATURE unless `who` signed. */
MUST bool secp_check(
        const struct hash *digest, const struct sig *sig, const struct addr *who, struct err *e);

#endif
