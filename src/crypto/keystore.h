/* keystore.h - keys in the Web3 Secret Storage format, version 3 (scrypt or PBKDF2, AES-128-CTR,
 * Keccak-256 MAC), so that they move to and from wallets. */
#ifndef LILYPAD_CRYPTO_KEYSTORE_H
#define LILYPAD_CRYPTO_KEYSTORE_H

#include "base/buf.h"
#include "crypto/secp.h"

enum keystore_cost {
	KEYSTORE_STRONG, /* scrypt N 262144: for passwords that people choose; about a second */
	KEYSTORE_QUICK /* scrypt N 2: only for random 32-byte passwords from a file of mode 0600 */
};

/* JSON text of the key, appended to out. */
MUST bool keystore_encode(const struct seckey *k, struct str password, enum keystore_cost cost,
        struct buf *out, struct err *e);
#define KEYSTORE_TEXT_MAX 16384 /* bytes of JSON */
#define KEYSTORE_ROUNDS_MAX                                                                        \
	((uint64_t)1 << 23) /* of PBKDF2; scrypt's bounds are those of scrypt.h */
/* KEY: wrong password, unknown cipher, malformed, a cost above the bounds, or the key of another account
 * than "address" says. MEMORY. Takes as long as the file's cost asks for, some seconds at the bounds. */
MUST bool keystore_decode(struct str json, struct str password, struct seckey *out, struct err *e);
/* The "address" member without decrypting; false when absent or malformed. */
MUST bool keystore_addr(struct str json, struct addr *out);
/* A pasted secret: 64 hex digits with or without 0x, spaces around them ignored. KEY_SEED_PHRASE when it
 * is 12 to 24 words, else KEY; no message repeats the text. */
MUST bool seckey_parse(struct str text, struct seckey *out, struct err *e);

#endif
