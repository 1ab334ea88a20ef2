/* auth.c - building and checking the Authorization header of protocol 9.1. */
#include "http/auth.h"

#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"

static const char scheme[] = "Lilypad ";

/* A nonce lives for two windows at most, and for one at least: longer than its Request is accepted. */
enum { WINDOW_S = 2 * AUTH_WINDOW_S };

struct used {
	struct addr signer;
	uint8_t nonce[16];
};

static bool text_of(char *out, size_t size, struct str s, const char *what, struct err *e)
{
	if (s.n >= size)
		return FAIL(e, RANGE, "%s of %zu bytes is too long to be signed, at most %zu", what,
		        s.n, size - 1);
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

bool auth_sign(const struct http_identity *who, const struct addr *audience, const char *method,
        struct str path, const struct hash *body_hash, struct wall now, struct buf *out,
        struct err *e)
{
	struct request r = {.audience = *audience, .body_hash = *body_hash};
	OWN(buf_done) struct buf json = {0};
	char sig_text[sizeof(struct sig) * 2 + 3], text[AUTH_HEADER_MAX];
	struct hash digest;
	struct sig sig;

	if (!who || !who->signer.sign)
		return FAIL(e, KEY, "%s %.*s must be signed, and there is no key", method,
		        STR_ARG(path));
	TRY(text_of(r.method, sizeof r.method, str_of(method), "method", e), e);
	TRY(text_of(r.path, sizeof r.path, path, "path", e), e);
	r.time.s = wall_seconds(now);
	who->rng.fill(who->rng.self, r.nonce, sizeof r.nonce);
	signed_digest(&who->domain, request_record(), &r, &digest);
	TRY(who->signer.sign(who->signer.self, &digest, &sig, e), e);

	buf_init(&json, AUTH_HEADER_MAX);
	buf_z(&json, "{\"request\":");
	record_canonical(request_record(), &r, &json);
	hex_format(sig.b, sig.n, sig_text);
	buf_fmt(&json, ",\"signature\":\"%s\"}", sig_text);
	if (!buf_ok(&json) || json.n > (AUTH_HEADER_MAX - sizeof scheme) / 4 * 3)
		return FAIL(e, RANGE, "a Request of %zu bytes does not fit into a header", json.n);
	base64url_format(json.p, json.n, text);
	buf_z(out, scheme);
	buf_z(out, text);
	if (!buf_ok(out))
		return FAIL(e, MEMORY, "no memory for a header");
	return true;
}

bool auth_parse(struct str header, struct auth_claim *out, struct err *e)
{
	uint8_t text[AUTH_HEADER_MAX];
	OWN(json_own) json_t *j = NULL;
	struct auth_claim claim;
	struct str coded;
	size_t n;

	if (!str_starts(header, scheme))
		return FAIL(e, ENCODING, "the Authorization header must begin with 'Lilypad '");
	coded = (struct str){header.p + sizeof scheme - 1, header.n - (sizeof scheme - 1)};
	if (coded.n > AUTH_HEADER_MAX)
		return FAIL(e, ENCODING, "an Authorization header of %zu bytes, at most %d",
		        header.n, AUTH_HEADER_MAX);
	if (!base64url_parse(coded, text, sizeof text, &n))
		return FAIL(
		        e, ENCODING, "the Authorization header is not base64url without padding");
	TRY(json_parse((struct str){(const char *)text, n}, &j, e), e);
	TRY(json_get_record(j, "request", request_record(), &claim.request, e), e);
	TRY(json_get_sig(j, "signature", &claim.sig, e), e);
	if (json_object_size(j) != 2)
		return FAIL(e, JSON_VALUE,
		        "the Authorization header has members besides request and "
		        "signature");
	*out = claim;
	return true;
}

void auth_check_init(struct auth_check *c, const struct hash *domain, const struct addr *audience,
        struct wall start, uint64_t seed)
{
	*c = (struct auth_check){.domain = *domain, .audience = *audience};
	served_init(&c->served, start, &c->floor_s);
	c->window = wall_seconds(start) / WINDOW_S;
	for (int i = 0; i < 2; i++)
		map_init(
		        &c->nonces[i], sizeof(struct used), 1, AUTH_NONCES_MAX, seed + (uint64_t)i);
}

bool auth_check_keep(struct auth_check *c, const char *path, struct wall start, struct err *e)
{
	assert(c->served.fd < 0 && c->nonces[0].n == 0 && c->nonces[1].n == 0);
	return served_open(&c->served, path, start, &c->floor_s, e);
}

void auth_check_done(struct auth_check *c)
{
	served_done(&c->served);
	map_done(&c->nonces[0]);
	map_done(&c->nonces[1]);
}

/* Forgets the older window. Whatever was signed up to its newest time is refused from now on, so that
 * a clock that is set back brings no used nonce to life again. */
static void rotate(struct auth_check *c)
{
	struct map swap = c->nonces[1];

	c->floor_s = MAX2(c->floor_s, c->newest_s[1] + 1);
	c->nonces[1] = c->nonces[0];
	c->newest_s[1] = c->newest_s[0];
	c->nonces[0] = swap;
	c->newest_s[0] = 0;
	map_clear(&c->nonces[0]);
}

static void move_on(struct auth_check *c, uint64_t now_s)
{
	uint64_t window = now_s / WINDOW_S;

	if (window <= c->window)
		return;
	rotate(c);
	if (window > c->window + 1)
		rotate(c);
	c->window = window;
}

static bool says(const struct auth_check *c, const struct request *r, const char *method,
        struct str path, const struct hash *body_hash, struct err *e)
{
	char mine[ADDR_TEXT_MAX], theirs[ADDR_TEXT_MAX];

	if (!addr_eq(&r->audience, &c->audience)) {
		addr_format(&c->audience, mine);
		addr_format(&r->audience, theirs);
		return FAIL(e, FORBIDDEN, "the request is signed for server %s, this is %s", theirs,
		        mine);
	}
	if (strcmp(r->method, method) != 0 || !str_is(path, r->path))
		return FAIL(e, SIGNATURE, "the request is %s %.*s, the signature is for %s %.200s",
		        method, (int)MIN2(path.n, (size_t)200), path.p, r->method, r->path);
	if (!hash_eq(&r->body_hash, body_hash))
		return FAIL(e, SIGNATURE, "the signature is for another body");
	return true;
}

static bool fresh(
        const struct auth_check *c, const struct request *r, uint64_t now_s, struct err *e)
{
	uint64_t t = r->time.s;

	if (t + AUTH_WINDOW_S < now_s || t > now_s + AUTH_WINDOW_S) {
		FAIL(e, STALE,
		        "signed at %llu, it is %llu here: the clocks are %llu s apart, at most %d are allowed",
		        (unsigned long long)t, (unsigned long long)now_s,
		        (unsigned long long)(t > now_s ? t - now_s : now_s - t), AUTH_WINDOW_S);
		return err_hint(e,
		        "set the clock of one of the two machines, as by `timedatectl set-ntp true`");
	}
	if (t < c->floor_s) {
		FAIL(e, STALE,
		        "signed at %llu, this server accepts from %llu on: it has started since",
		        (unsigned long long)t, (unsigned long long)c->floor_s);
		return err_hint(e, "sign the request again");
	}
	return true;
}

static bool use_nonce(struct auth_check *c, const struct auth_claim *claim,
        const struct addr *signer, struct err *e)
{
	struct used key = {.signer = *signer};
	char who[ADDR_TEXT_MAX];
	bool is_new;

	TRY(served_note(&c->served, claim->request.time.s, e), e);
	memcpy(key.nonce, claim->request.nonce, sizeof key.nonce);
	if (!map_get(&c->nonces[1], &key)) {
		if (!map_put(&c->nonces[0], &key, &is_new))
			return FAIL(e, BUSY, "more than %u signed requests in %d s",
			        AUTH_NONCES_MAX, WINDOW_S);
		if (is_new) {
			c->newest_s[0] = MAX2(c->newest_s[0], claim->request.time.s);
			return true;
		}
	}
	addr_format(signer, who);
	return FAIL(e, REPLAYED, "%s has sent this request before", who);
}

bool auth_verify(struct auth_check *c, struct str header, const char *method, struct str path,
        const struct hash *body_hash, struct wall now, struct addr *out, struct err *e)
{
	struct auth_claim claim;
	struct addr signer;

	if (!auth_parse(header, &claim, e)) {
		/* Whatever is wrong with its form: the caller is not identified. */
		e->code = E_SIGNATURE;
		return false;
	}
	move_on(c, wall_seconds(now));
	TRY(says(c, &claim.request, method, path, body_hash, e), e);
	TRY(fresh(c, &claim.request, wall_seconds(now), e), e);
	/* Last but one, since recovering a signer costs more than all the rest. */
	TRY(signed_by(&c->domain, request_record(), &claim.request, &claim.sig, &signer, e), e);
	TRY(use_nonce(c, &claim, &signer, e), e);
	*out = signer;
	return true;
}
