/* keccak.h - Keccak-256 as Ethereum uses it (original padding 0x01, not SHA3-256). */
#ifndef LILYPAD_CRYPTO_KECCAK_H
#define LILYPAD_CRYPTO_KECCAK_H

#include "base/str.h"

struct keccak {
	uint64_t state[25];
	uint8_t block[136];
	size_t n;
};

/* The constants of the rounds, for those who permute several states side by side. */
extern const uint64_t keccak_iota[24];

void keccak_init(struct keccak *k);
void keccak_add(struct keccak *k, const void *p, size_t n);
void keccak_end(struct keccak *k, struct hash *out);
/* One call; `out` may overlap the input. */
void keccak256(const void *p, size_t n, struct hash *out);

#endif
