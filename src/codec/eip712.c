/* eip712.c - encodeType, hashStruct and digests, walked from the rows of a record (EIP-712, EIP-191;
 * protocol 2.0.1 and 2.0.2). */
#include "codec/eip712.h"

#include <stdio.h>

#include "crypto/keccak.h"

#define TYPES_MAX      32   /* records that one type uses, itself included */
#define TYPE_TEXT_MAX  8192 /* bytes of an encodeType */
#define TYPE_CACHE_MAX 256  /* a power of two, above twice the number of signed types */

static const char *const atomic_types[] = {
        [K_ADDR] = "address",
        [K_HASH] = "bytes32",
        [K_CIDRAW] = "bytes32",
        [K_CIDTREE] = "bytes32",
        [K_AMOUNT] = "uint96",
        [K_U64] = "uint64",
        [K_U32] = "uint32",
        [K_U16] = "uint16",
        [K_U8] = "uint8",
        [K_TIME] = "uint40",
        [K_ENUM] = "uint8",
        [K_BOOL] = "bool",
        [K_NONCE] = "bytes16",
        [K_TEXT] = "string",
        [K_ADDRS] = "address[]",
        [K_HASHES] = "bytes32[]",
        [K_SIG] = NULL,
};

static void put_member(const struct field *f, struct buf *out)
{
	assert(f->kind != K_SIG); /* a signature is never part of what is signed */
	if (f->kind == K_REC || f->kind == K_RECS)
		buf_fmt(out, "%s%s %s", f->rec()->type, f->kind == K_RECS ? "[]" : "", f->name);
	else
		buf_fmt(out, "%s %s", atomic_types[f->kind], f->name);
}

struct types {
	const struct record *r[TYPES_MAX];
	size_t n;
};

/* Add what r uses, and what that uses; r itself is already there or stands apart. */
static void collect(const struct record *r, struct types *t)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct record *used;
		size_t k = 0;

		if (r->f[i].kind != K_REC && r->f[i].kind != K_RECS)
			continue;
		used = r->f[i].rec();
		while (k < t->n && t->r[k] != used)
			k++;
		if (k < t->n)
			continue;
		assert(t->n < TYPES_MAX);
		t->r[t->n++] = used;
		collect(used, t);
	}
}

static void sort_types(struct types *t)
{
	for (size_t i = 1; i < t->n; i++) {
		const struct record *r = t->r[i];
		size_t k = i;

		for (; k > 0 && strcmp(t->r[k - 1]->type, r->type) > 0; k--)
			t->r[k] = t->r[k - 1];
		t->r[k] = r;
	}
}

static void put_type(const struct record *r, struct buf *out)
{
	buf_fmt(out, "%s(", r->type);
	for (size_t i = 0; i < r->n; i++) {
		if (i > 0)
			buf_byte(out, ',');
		put_member(&r->f[i], out);
	}
	buf_byte(out, ')');
}

void eip712_type(const struct record *r, struct buf *out)
{
	struct types used = {0};

	collect(r, &used);
	sort_types(&used);
	put_type(r, out);
	for (size_t i = 0; i < used.n; i++) {
		assert(used.r[i] != r); /* no record holds itself */
		put_type(used.r[i], out);
	}
}

static void compute_type_hash(const struct record *r, struct hash *out)
{
	OWN(buf_done) struct buf text;

	buf_init(&text, TYPE_TEXT_MAX);
	eip712_type(r, &text);
	/* Tables are part of the program: a type too long for the bound is a bug, and so is a machine
	 * that has no 8 KiB left at the first use of a type. */
	assert(buf_ok(&text));
	keccak256(text.p, text.n, out);
}

/* Records are static tables, so their addresses are keys that stay. One table per thread: hashing
 * threads need no lock. */
static _Thread_local struct {
	const struct record *r;
	struct hash h;
} type_cache[TYPE_CACHE_MAX];

static size_t cache_slot(const struct record *r)
{
	return (size_t)(((uint64_t)(uintptr_t)r * 0x9e3779b97f4a7c15u) >> 56) % TYPE_CACHE_MAX;
}

void eip712_type_hash(const struct record *r, struct hash *out)
{
	size_t at = cache_slot(r);

	for (size_t tries = 0; tries < TYPE_CACHE_MAX / 2;
	        tries++, at = (at + 1) % TYPE_CACHE_MAX) {
		if (type_cache[at].r == r) {
			*out = type_cache[at].h;
			return;
		}
		if (!type_cache[at].r) {
			compute_type_hash(r, &type_cache[at].h);
			type_cache[at].r = r;
			*out = type_cache[at].h;
			return;
		}
	}
	compute_type_hash(r, out);
}

static void hash_list(const struct field *f, const void *member, struct hash *out)
{
	const uint8_t *items = (const uint8_t *)member + field_items_at(f);
	size_t size = field_item_size(f);
	uint32_t n = *(const uint32_t *)member;
	struct keccak k;

	assert(n <= f->bound);
	keccak_init(&k);
	for (uint32_t i = 0; i < n; i++) {
		struct hash word = {0};

		if (f->kind == K_RECS)
			eip712_hash(f->rec(), items + i * size, &word);
		else
			memcpy(word.b + sizeof word.b - size, items + i * size, size);
		keccak_add(&k, word.b, sizeof word.b);
	}
	keccak_end(&k, out);
}

static void put_number(struct hash *word, uint64_t v)
{
	uint64_t be = __builtin_bswap64(v);

	memcpy(word->b + 24, &be, sizeof be);
}

/* encodeData of one member: 32 bytes. */
static void encode_member(const struct field *f, const void *p, struct hash *word)
{
	*word = (struct hash){0};
	switch (f->kind) {
	case K_ADDR: memcpy(word->b + 12, p, sizeof(struct addr)); break;
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE: memcpy(word->b, p, sizeof *word); break;
	case K_AMOUNT: amount_to_be(*(const struct amount *)p, word->b); break;
	case K_U64: put_number(word, *(const uint64_t *)p); break;
	case K_U32: put_number(word, *(const uint32_t *)p); break;
	case K_U16: put_number(word, *(const uint16_t *)p); break;
	case K_U8:
	case K_ENUM: put_number(word, *(const uint8_t *)p); break;
	case K_TIME: put_number(word, ((const struct btime *)p)->s); break;
	case K_BOOL: word->b[31] = *(const bool *)p; break;
	case K_NONCE: memcpy(word->b, p, f->size); break; /* bytesN stand at the left */
	case K_TEXT: keccak256(p, strnlen(p, (size_t)f->bound), word); break;
	case K_ADDRS:
	case K_HASHES:
	case K_RECS: hash_list(f, p, word); break;
	case K_REC: eip712_hash(f->rec(), p, word); break;
	case K_SIG:
		assert(false); /* never part of what is signed */
		break;
	}
}

static void start_struct(const struct record *r, struct keccak *k)
{
	struct hash type;

	eip712_type_hash(r, &type);
	keccak_init(k);
	keccak_add(k, type.b, sizeof type.b);
}

void eip712_hash(const struct record *r, const void *row, struct hash *out)
{
	struct keccak k;
	struct hash word;

	start_struct(r, &k);
	for (size_t i = 0; i < r->n; i++) {
		encode_member(&r->f[i], field_at(row, &r->f[i]), &word);
		keccak_add(&k, word.b, sizeof word.b);
	}
	keccak_end(&k, out);
}

void eip712_hash_part(const struct record *r, const void *row, const char *part,
        const struct hash *part_hash, struct hash *out)
{
	const struct field *hidden = record_field(r, str_of(part));
	struct keccak k;
	struct hash word;

	assert(hidden && hidden->kind == K_REC);
	start_struct(r, &k);
	for (size_t i = 0; i < r->n; i++) {
		if (&r->f[i] == hidden)
			word = *part_hash;
		else
			encode_member(&r->f[i], field_at(row, &r->f[i]), &word);
		keccak_add(&k, word.b, sizeof word.b);
	}
	keccak_end(&k, out);
}

void eip712_hash_words(const struct record *r, const struct hash *words, size_t n, struct hash *out)
{
	struct keccak k;

	assert(n == r->n);
	start_struct(r, &k);
	keccak_add(&k, words, n * sizeof *words);
	keccak_end(&k, out);
}

/* The domain's members after name and version; both are fixed (2.0.1). */
static void domain(const char *type, const struct hash *rest, size_t n, struct hash *out)
{
	struct hash word;
	struct keccak k;

	keccak_init(&k);
	keccak256(type, strlen(type), &word);
	keccak_add(&k, word.b, sizeof word.b);
	keccak256("lilypad", 7, &word);
	keccak_add(&k, word.b, sizeof word.b);
	keccak256("1", 1, &word);
	keccak_add(&k, word.b, sizeof word.b);
	keccak_add(&k, rest, n * sizeof *rest);
	keccak_end(&k, out);
}

void eip712_domain_embedded(const struct hash *genesis, struct hash *out)
{
	struct hash salt = *genesis;

	domain("EIP712Domain(string name,string version,bytes32 salt)", &salt, 1, out);
}

void eip712_domain_evm(uint64_t chain_id, const struct addr *controller, struct hash *out)
{
	struct hash rest[2] = {0};

	put_number(&rest[0], chain_id);
	memcpy(rest[1].b + 12, controller->b, sizeof controller->b);
	domain("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
	        rest, COUNT(rest), out);
}

void eip712_digest(const struct hash *domain_hash, const struct hash *struct_hash, struct hash *out)
{
	struct keccak k;

	keccak_init(&k);
	keccak_add(&k, "\x19\x01", 2);
	keccak_add(&k, domain_hash->b, sizeof domain_hash->b);
	keccak_add(&k, struct_hash->b, sizeof struct_hash->b);
	keccak_end(&k, out);
}

void eip191_digest(struct bytes message, struct hash *out)
{
	char head[64];
	int n = snprintf(head, sizeof head,
	        "\x19"
	        "Ethereum Signed Message:\n%zu",
	        message.n);
	struct keccak k;

	assert(n > 0 && (size_t)n < sizeof head);
	keccak_init(&k);
	keccak_add(&k, head, (size_t)n);
	keccak_add(&k, message.p, message.n);
	keccak_end(&k, out);
}
