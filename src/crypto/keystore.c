/* keystore.c - Web3 Secret Storage, version 3: a password gives a derived key of 32 bytes; its first half
 * encrypts (AES-128-CTR), its second half authenticates the ciphertext (Keccak-256). */
#include "crypto/keystore.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "crypto/keccak.h"
#include "crypto/scrypt.h"

enum { DERIVED = 32, IV = 16, SALT_MAX = 128, PASSWORD_MAX = 1 << 20, ADDR_DIGITS = 40 };

/* What a file says, before the password. */
struct sealed {
	uint8_t iv[IV];
	uint8_t text[32];
	size_t text_n;
	uint8_t mac[32];
	uint8_t salt[SALT_MAX];
	size_t salt_n;
	bool is_scrypt;
	struct scrypt_cost cost;
	uint64_t rounds; /* of PBKDF2 */
};

struct derived {
	uint8_t b[DERIVED];
};

static void derived_wipe(struct derived *d)
{
	explicit_bzero(d->b, sizeof d->b);
}

static void own_json(json_t **j)
{
	json_decref(*j);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex digits with or without 0x, to at most max bytes. */
static bool unhex(struct str s, uint8_t *out, size_t max, size_t *n)
{
	if (str_starts(s, "0x") || str_starts(s, "0X"))
		s = (struct str){s.p + 2, s.n - 2};
	if (s.n % 2 || s.n / 2 > max)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (nibble(s.p[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < s.n / 2; i++)
		out[i] = (uint8_t)(nibble(s.p[2 * i]) << 4 | nibble(s.p[2 * i + 1]));
	*n = s.n / 2;
	return true;
}

/* AES-128-CTR, which is its own inverse. */
static bool cipher(
        const struct derived *d, const uint8_t iv[IV], const uint8_t *in, size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int len = 0;
	bool ok = c && EVP_EncryptInit_ex(c, EVP_aes_128_ctr(), NULL, d->b, iv) == 1 &&
	          EVP_EncryptUpdate(c, out, &len, in, (int)n) == 1 && (size_t)len == n;

	EVP_CIPHER_CTX_free(c);
	return ok;
}

static void mac_of(const struct derived *d, const uint8_t *text, size_t n, struct hash *out)
{
	struct keccak k;

	keccak_init(&k);
	keccak_add(&k, d->b + 16, 16);
	keccak_add(&k, text, n);
	keccak_end(&k, out);
}

static bool derive(const struct sealed *s, struct str password, struct derived *out, struct err *e)
{
	if (password.n > PASSWORD_MAX)
		return FAIL(e, KEY, "the password is longer than %d bytes", PASSWORD_MAX);
	if (s->is_scrypt)
		return scrypt(password, bytes_of(s->salt, s->salt_n), s->cost, out->b, DERIVED, e);
	if (PKCS5_PBKDF2_HMAC(password.n ? password.p : "", (int)password.n, s->salt,
	            (int)s->salt_n, (int)s->rounds, EVP_sha256(), DERIVED, out->b) != 1)
		return FAIL(e, MEMORY, "no memory for PBKDF2");
	return true;
}

static void write_json(
        const struct sealed *s, const struct addr *a, const uint8_t id[16], struct buf *out)
{
	buf_z(out, "{\"address\":\"");
	buf_hex(out, a->b, sizeof a->b);
	buf_z(out, "\",\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":\"");
	buf_hex(out, s->iv, IV);
	buf_z(out, "\"},\"ciphertext\":\"");
	buf_hex(out, s->text, s->text_n);
	buf_fmt(out,
	        "\",\"kdf\":\"scrypt\",\"kdfparams\":{\"dklen\":%d,\"n\":%llu,\"p\":%llu,\"r\":%llu,\"salt\":\"",
	        DERIVED, (unsigned long long)s->cost.n, (unsigned long long)s->cost.p,
	        (unsigned long long)s->cost.r);
	buf_hex(out, s->salt, s->salt_n);
	buf_z(out, "\"},\"mac\":\"");
	buf_hex(out, s->mac, sizeof s->mac);
	buf_z(out, "\"},\"id\":\"");
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf_byte(out, '-');
		buf_hex(out, id + i, 1);
	}
	buf_z(out, "\",\"version\":3}");
}

bool keystore_encode(const struct seckey *k, struct str password, enum keystore_cost cost,
        struct buf *out, struct err *e)
{
	struct sealed s = {.is_scrypt = true, .text_n = 32, .salt_n = 32};
	struct derived d OWN(derived_wipe);
	struct seckey random[2];
	struct addr a;
	struct hash mac;

	TRY(seckey_addr(k, &a, e), e);
	/* Two random keys are 64 random bytes: the salt; iv and id. */
	TRY(seckey_new(&random[0], e), e);
	TRY(seckey_new(&random[1], e), e);
	memcpy(s.salt, random[0].b, 32);
	memcpy(s.iv, random[1].b, IV);
	/* RFC 4122: version 4, variant 1. */
	random[1].b[22] = (uint8_t)(0x40 | (random[1].b[22] & 0x0f));
	random[1].b[24] = (uint8_t)(0x80 | (random[1].b[24] & 0x3f));
	s.cost = (struct scrypt_cost){cost == KEYSTORE_STRONG ? 262144 : 2, 8, 1};
	TRY(derive(&s, password, &d, e), e);
	if (!cipher(&d, s.iv, k->b, sizeof k->b, s.text))
		return FAIL(e, MEMORY, "no memory to encrypt a key");
	mac_of(&d, s.text, s.text_n, &mac);
	memcpy(s.mac, mac.b, sizeof s.mac);
	write_json(&s, &a, random[1].b + 16, out);
	if (!buf_ok(out))
		return FAIL(e, TOO_LARGE, "the text of a key does not fit in %zu bytes", out->max);
	return true;
}

static const char *text_of(const json_t *obj, const char *key)
{
	const char *z = json_string_value(json_object_get(obj, key));

	return z ? z : "";
}

static bool get_hex(const json_t *obj, const char *key, uint8_t *out, size_t least, size_t most,
        size_t *n, struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	struct str s = {json_string_value(v), json_string_length(v)};

	if (!s.p || !unhex(s, out, most, n) || *n < least)
		return FAIL(e, KEY, "\"%s\" of the key file is not hex of %zu to %zu bytes", key,
		        least, most);
	return true;
}

static bool get_count(const json_t *obj, const char *key, uint64_t *out, struct err *e)
{
	const json_t *v = json_object_get(obj, key);

	if (!json_is_integer(v) || json_integer_value(v) < 1)
		return FAIL(e, KEY,
		        "\"%s\" of the key file's kdfparams is not a whole number above 0", key);
	*out = (uint64_t)json_integer_value(v);
	return true;
}

static bool parse_kdf(const json_t *crypto, struct sealed *s, struct err *e)
{
	const json_t *params = json_object_get(crypto, "kdfparams");
	const char *kdf = text_of(crypto, "kdf");
	uint64_t length;

	TRY(get_hex(params, "salt", s->salt, 0, SALT_MAX, &s->salt_n, e), e);
	TRY(get_count(params, "dklen", &length, e), e);
	/* Longer keys begin with the 32 bytes that are used. */
	if (length < DERIVED)
		return FAIL(e, KEY, "dklen of the key file is %llu: it must be %d or more",
		        (unsigned long long)length, DERIVED);
	if (strcmp(kdf, "scrypt") == 0) {
		s->is_scrypt = true;
		TRY(get_count(params, "n", &s->cost.n, e), e);
		TRY(get_count(params, "r", &s->cost.r, e), e);
		TRY(get_count(params, "p", &s->cost.p, e), e);
		return true;
	}
	if (strcmp(kdf, "pbkdf2") != 0)
		return FAIL(e, KEY, "the key file's kdf is \"%.40s\": scrypt and pbkdf2 are known",
		        kdf);
	if (strcmp(text_of(params, "prf"), "hmac-sha256") != 0)
		return FAIL(e, KEY, "the key file's prf is \"%.40s\": hmac-sha256 is known",
		        text_of(params, "prf"));
	TRY(get_count(params, "c", &s->rounds, e), e);
	if (s->rounds > KEYSTORE_ROUNDS_MAX)
		return FAIL(e, KEY,
		        "the key file asks for %llu rounds of PBKDF2: at most %llu are done",
		        (unsigned long long)s->rounds, (unsigned long long)KEYSTORE_ROUNDS_MAX);
	return true;
}

static bool parse_sealed(const json_t *file, struct sealed *s, struct err *e)
{
	const json_t *version = json_object_get(file, "version");
	const json_t *crypto = json_object_get(file, "crypto");
	size_t n;

	/* Some wallets write the member with a capital. */
	if (!crypto)
		crypto = json_object_get(file, "Crypto");
	if (!json_is_object(crypto))
		return FAIL(e, KEY,
		        "the key file has no object \"crypto\": it is no Web3 Secret Storage");
	if (!json_is_integer(version) || json_integer_value(version) != 3)
		return FAIL(e, KEY, "the key file is not of version 3");
	if (strcmp(text_of(crypto, "cipher"), "aes-128-ctr") != 0)
		return FAIL(e, KEY, "the key file's cipher is \"%.40s\": aes-128-ctr is known",
		        text_of(crypto, "cipher"));
	TRY(get_hex(json_object_get(crypto, "cipherparams"), "iv", s->iv, IV, IV, &n, e), e);
	/* Old wallets left out leading zeros of the key. */
	TRY(get_hex(crypto, "ciphertext", s->text, 1, sizeof s->text, &s->text_n, e), e);
	TRY(get_hex(crypto, "mac", s->mac, sizeof s->mac, sizeof s->mac, &n, e), e);
	return parse_kdf(crypto, s, e);
}

static bool load(struct str text, json_t **out, struct err *e)
{
	json_error_t at;

	if (text.n > KEYSTORE_TEXT_MAX)
		return FAIL(e, KEY, "the key file has %zu bytes: at most %d are read", text.n,
		        KEYSTORE_TEXT_MAX);
	*out = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &at);
	if (!*out)
		return FAIL(
		        e, KEY, "the key file is not JSON: line %d, column %d", at.line, at.column);
	return true;
}

/* *present: there is an address and it says something. */
static bool parse_addr(const json_t *file, struct addr *out, bool *present, struct err *e)
{
	const json_t *v = json_object_get(file, "address");
	struct str s = {json_string_value(v), json_string_length(v)};
	struct addr a;
	size_t n;

	*present = v && !(s.p && s.n == 0);
	if (!*present)
		return true;
	if (!s.p || !unhex(s, a.b, sizeof a.b, &n) || n != sizeof a.b)
		return FAIL(
		        e, KEY, "\"address\" of the key file is not %d hex digits", ADDR_DIGITS);
	*out = a;
	return true;
}

static bool open_sealed(
        const struct sealed *s, struct str password, struct seckey *out, struct err *e)
{
	struct derived d OWN(derived_wipe);
	struct hash mac;

	if (!derive(s, password, &d, e)) {
		/* A cost out of bounds is the file's fault. */
		if (e->code == E_RANGE)
			return FAIL(e, KEY, "the key file asks for %s", e->msg);
		return false;
	}
	mac_of(&d, s->text, s->text_n, &mac);
	if (CRYPTO_memcmp(mac.b, s->mac, sizeof mac.b) != 0)
		return FAIL(e, KEY, "wrong password, or the key file is damaged");
	memset(out->b, 0, sizeof out->b);
	if (!cipher(&d, s->iv, s->text, s->text_n, out->b + sizeof out->b - s->text_n))
		return FAIL(e, MEMORY, "no memory to decrypt a key");
	return true;
}

bool keystore_decode(struct str json, struct str password, struct seckey *out, struct err *e)
{
	json_t *file OWN(own_json) = NULL;
	struct seckey k OWN(seckey_wipe) = {{0}};
	struct sealed s = {.rounds = 0};
	struct addr said, is;
	bool present;

	TRY(load(json, &file, e), e);
	TRY(parse_sealed(file, &s, e), e);
	TRY(parse_addr(file, &said, &present, e), e);
	TRY(open_sealed(&s, password, &k, e), e);
	TRY(seckey_addr(&k, &is, e), e);
	/* The MAC does not cover the address: without this a file could show one account and be another. */
	if (present && !addr_eq(&said, &is))
		return FAIL(e, KEY, "the key in the file is not that of the file's \"address\"");
	*out = k;
	return true;
}

bool keystore_addr(struct str json, struct addr *out)
{
	json_t *file OWN(own_json) = NULL;
	struct addr a;
	struct err e;
	bool present;

	if (!load(json, &file, &e) || !parse_addr(file, &a, &present, &e) || !present)
		return false;
	*out = a;
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Words of letters, with space between them; 0 when anything else is there. */
static size_t words(struct str s)
{
	size_t n = 0;
	bool in = false;

	for (size_t i = 0; i < s.n; i++) {
		char low = (char)(s.p[i] | 0x20);
		bool letter = low >= 'a' && low <= 'z';

		if (!letter && !is_space(s.p[i]))
			return 0;
		n += letter && !in;
		in = letter;
	}
	return n;
}

bool seckey_parse(struct str text, struct seckey *out, struct err *e)
{
	struct seckey k OWN(seckey_wipe) = {{0}};
	size_t n = words(text);

	if (n >= 12 && n <= 24) {
		FAIL(e, KEY_SEED_PHRASE,
		        "this is a seed phrase of %zu words: it opens all your accounts", n);
		return err_hint(e, "give the private key of one account: 64 hex digits");
	}
	while (text.n && is_space(text.p[0]))
		text = (struct str){text.p + 1, text.n - 1};
	while (text.n && is_space(text.p[text.n - 1]))
		text.n--;
	if (!unhex(text, k.b, sizeof k.b, &n) || n != sizeof k.b) {
		FAIL(e, KEY, "this is no private key: it has %zu characters", text.n);
		return err_hint(e, "64 hex digits, with or without 0x");
	}
	if (!seckey_valid(&k))
		return FAIL(e, KEY,
		        "a key is a number from 1 to the order of secp256k1 - 1: this one is not");
	*out = k;
	return true;
}
