/* sha256.c - SHA-256 by OpenSSL. A failure here is out of memory inside OpenSSL or a build of it
 * without SHA-256: neither has a way on, so both stop the program. */
#include "crypto/sha256.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

struct sha256 {
	EVP_MD_CTX *ctx;
};

/* Fetching takes OpenSSL longer than hashing a block does: once in a process is enough. Never freed,
 * since a thread may still hash while the process exits. */
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm;

static void fetch(void)
{
	algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	assert(algorithm);
}

static const EVP_MD *md(void)
{
	pthread_once(&fetch_once, fetch);
	return algorithm;
}

void sha256(const void *p, size_t n, struct hash *out)
{
	int ok = EVP_Digest(p, n, out->b, NULL, md(), NULL);

	assert(ok == 1);
}

struct sha256 *sha256_new(void)
{
	struct sha256 *s = malloc(sizeof *s);

	if (!s)
		return NULL;
	s->ctx = EVP_MD_CTX_new();
	if (!s->ctx || EVP_DigestInit_ex2(s->ctx, md(), NULL) != 1)
		return sha256_free(s);
	return s;
}

struct sha256 *sha256_free(struct sha256 *s)
{
	if (s) {
		EVP_MD_CTX_free(s->ctx);
		free(s);
	}
	return NULL;
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
	int ok = EVP_DigestUpdate(s->ctx, p, n);

	assert(ok == 1);
}

void sha256_end(struct sha256 *s, struct hash *out)
{
	int ok = EVP_DigestFinal_ex(s->ctx, out->b, NULL);

	assert(ok == 1);
	ok = EVP_DigestInit_ex2(s->ctx, NULL, NULL);
	assert(ok == 1);
}
