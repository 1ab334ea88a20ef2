/* auth.h - signed requests (protocol 9.1):
 *
 *   Authorization: Lilypad base64url(canonical JSON {"request":{Request},"signature":"0x…"})
 *
 * The Request names the server's account, the method, the path with its query, the Keccak-256 of the
 * body, the time and 16 random bytes. Of a streamed body the hash is that of its declared root, the
 * text of the path's {root}. */
#ifndef LILYPAD_HTTP_AUTH_H
#define LILYPAD_HTTP_AUTH_H

#include "base/map.h"
#include "http/served.h"
#include "port/port.h"

#define AUTH_HEADER_MAX 4096 /* bytes of the header's value: ENCODING past it */
#define AUTH_WINDOW_S   60   /* protocol 9.1: accepted within so many seconds */

/* Who signs requests, and under which ledger's domain. */
struct http_identity {
	struct signer signer;
	struct rng rng;
	struct hash domain;
};

/* The value of the Authorization header, appended to out. KEY when there is no signer; RANGE when
 * method or path are too long to be signed. */
MUST bool auth_sign(const struct http_identity *who, const struct addr *audience,
        const char *method, struct str path, const struct hash *body_hash, struct wall now,
        struct buf *out, struct err *e);

/* A header that was read; nothing but its form is checked. */
struct auth_claim {
	struct request request;
	struct sig sig;
};
/* The value of the header, with its scheme. ENCODING, JSON_SYNTAX or JSON_VALUE say what is wrong. */
MUST bool auth_parse(struct str header, struct auth_claim *out, struct err *e);

/* What a server checks claims against. */
struct auth_check {
	struct hash domain;
	struct addr audience;
	uint64_t floor_s; /* Requests signed before it are STALE: their nonces are forgotten */
	uint64_t window;  /* index of the present 120 s */
	struct map
	        nonces[2]; /* by signer and nonce: of the present window, and of the one before */
	uint64_t newest_s[2]; /* the latest time that was signed in each */
	struct served served; /* what outlives the process */
};
/* start: Requests signed up to that second are refused. seed: random. */
void auth_check_init(struct auth_check *c, const struct hash *domain, const struct addr *audience,
        struct wall start, uint64_t seed);
void auth_check_done(struct auth_check *c);
/* Before the first request: a file tells this server and the next one which seconds were served, so that
 * only what was signed in those is refused; without a file so far, what was signed before the start's
 * second. IO. */
MUST bool auth_check_keep(struct auth_check *c, const char *path, struct wall start, struct err *e);
/* Who signed. FORBIDDEN: for another server; SIGNATURE: another method, path or body, or malformed;
 * STALE; REPLAYED; BUSY past AUTH_NONCES_MAX, since a forgotten nonce could be used again; IO when the
 * next server could not be told. The nonce counts as used only when all else holds. */
MUST bool auth_verify(struct auth_check *c, struct str header, const char *method, struct str path,
        const struct hash *body_hash, struct wall now, struct addr *out, struct err *e);

#endif
