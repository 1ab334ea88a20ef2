/* eip712_test.c - published vectors of EIP-712 and EIP-191, and what each kind of field encodes to.
 * The signed types of the protocol are checked against a second implementation in
 * src/model/vectors_test.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "crypto/keccak.h"

#define ROW(k, T, m, bound, rec)                                                                   \
	{                                                                                          \
		k, #m, offsetof(T, m), sizeof(((T *)0)->m), bound, 0, rec, NULL, ""                \
	}

/* The example of EIP-712 (Example.js of the EIP's assets). */
struct person {
	char name[33];
	struct addr wallet;
};
struct mail {
	struct person from, to;
	char contents[65];
};
static const struct record *person_record(void)
{
	static const struct field f[] = {
	        ROW(K_TEXT, struct person, name, 32, NULL),
	        ROW(K_ADDR, struct person, wallet, 0, NULL),
	};
	static const struct record r = {"person", "Person", "", f, COUNT(f), sizeof(struct person)};
	return &r;
}
static const struct record *mail_record(void)
{
	static const struct field f[] = {
	        ROW(K_REC, struct mail, from, 0, person_record),
	        ROW(K_REC, struct mail, to, 0, person_record),
	        ROW(K_TEXT, struct mail, contents, 64, NULL),
	};
	static const struct record r = {"mail", "Mail", "", f, COUNT(f), sizeof(struct mail)};
	return &r;
}

/* The example with arrays that wallets test with (eth_signTypedData_v4). */
struct group_person {
	char name[33];
	struct {
		uint32_t n;
		struct addr v[4];
	} wallets;
};
struct group_mail {
	struct group_person from;
	struct {
		uint32_t n;
		struct group_person v[3];
	} to;
	char contents[65];
};
static const struct record *group_person_record(void)
{
	static const struct field f[] = {
	        ROW(K_TEXT, struct group_person, name, 32, NULL),
	        ROW(K_ADDRS, struct group_person, wallets, 4, NULL),
	};
	static const struct record r = {
	        "group_person", "Person", "", f, COUNT(f), sizeof(struct group_person)};
	return &r;
}
static const struct record *group_mail_record(void)
{
	static const struct field f[] = {
	        ROW(K_REC, struct group_mail, from, 0, group_person_record),
	        ROW(K_RECS, struct group_mail, to, 3, group_person_record),
	        ROW(K_TEXT, struct group_mail, contents, 64, NULL),
	};
	static const struct record r = {
	        "group_mail", "Mail", "", f, COUNT(f), sizeof(struct group_mail)};
	return &r;
}

static struct addr addr_from(const char *text)
{
	struct addr a;
	struct err e;

	assert_true(hex_parse(str_of(text), a.b, sizeof a.b, &e));
	return a;
}

static void assert_hash(const struct hash *h, const char *hex)
{
	char text[HASH_TEXT_MAX];

	hash_format(h, text);
	assert_string_equal(text + 2, hex);
}

/* The domain separator of both examples: {Ether Mail, 1, 1, 0xCcCC…}. */
static struct hash ether_mail_domain(void)
{
	struct hash h;
	struct err e;

	assert_true(hash_parse(
	        STR("0xf2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f"), &h, &e));
	return h;
}

static void test_mail(void **state)
{
	struct mail m = {.from = {.name = "Cow",
	                         .wallet = addr_from("0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826")},
	        .to = {.name = "Bob",
	                .wallet = addr_from("0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB")},
	        .contents = "Hello, Bob!"};
	struct hash h, domain = ether_mail_domain();
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	eip712_type(mail_record(), &text);
	assert_string_equal(buf_cstr(&text), "Mail(Person from,Person to,string contents)"
	                                     "Person(string name,address wallet)");
	buf_done(&text);
	eip712_type_hash(mail_record(), &h);
	assert_hash(&h, "a0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2");
	eip712_hash(person_record(), &m.from, &h);
	assert_hash(&h, "fc71e5fa27ff56c350aa531bc129ebdf613b772b6604664f5d8dbe21b85eb0c8");
	eip712_hash(person_record(), &m.to, &h);
	assert_hash(&h, "cd54f074a4af31b4411ff6a60c9719dbd559c221c8ac3492d9d872b041d703d1");
	eip712_hash(mail_record(), &m, &h);
	assert_hash(&h, "c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
	eip712_digest(&domain, &h, &h);
	assert_hash(&h, "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
}

static void test_arrays(void **state)
{
	struct group_mail m = {.from = {.name = "Cow"}, .contents = "Hello, Bob!"};
	struct hash h, domain = ether_mail_domain();

	(void)state;
	m.from.wallets.n = 2;
	m.from.wallets.v[0] = addr_from("0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");
	m.from.wallets.v[1] = addr_from("0xDeaDbeefdEAdbeefdEadbEEFdeadbeEFdEaDbeeF");
	m.to.n = 1;
	memcpy(m.to.v[0].name, "Bob", 4);
	m.to.v[0].wallets.n = 3;
	m.to.v[0].wallets.v[0] = addr_from("0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB");
	m.to.v[0].wallets.v[1] = addr_from("0xB0BdaBea57B0BDABeA57b0bdABEA57b0BDabEa57");
	m.to.v[0].wallets.v[2] = addr_from("0xB0B0b0b0b0b0B000000000000000000000000000");
	eip712_type_hash(group_mail_record(), &h);
	assert_hash(&h, "4bd8a9a2b93427bb184aca81e24beb30ffa3c747e2a33d4225ec08bf12e2e753");
	eip712_hash(group_person_record(), &m.from, &h);
	assert_hash(&h, "9b4846dd48b866f0ac54d61b9b21a9e746f921cefa4ee94c4c0a1c49c774f67f");
	eip712_hash(group_mail_record(), &m, &h);
	assert_hash(&h, "eb4221181ff3f1a83ea7313993ca9218496e424604ba9492bb4052c03d5c3df8");
	eip712_digest(&domain, &h, &h);
	assert_hash(&h, "a85c2e2b118698e88db68a8105b794a8cc7cec074e89ef991cb4f5f533819cc2");
}

/* Every kind that is one word, against words written by hand. */
struct words {
	struct addr addr;
	struct hash hash;
	struct amount amount;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;
	struct btime time;
	uint8_t choice;
	bool yes;
	uint8_t nonce[16];
};
static const struct record *words_record(void)
{
	static const struct field f[] = {
	        ROW(K_ADDR, struct words, addr, 0, NULL),
	        ROW(K_HASH, struct words, hash, 0, NULL),
	        ROW(K_AMOUNT, struct words, amount, 0, NULL),
	        ROW(K_U64, struct words, u64, 0, NULL),
	        ROW(K_U32, struct words, u32, 0, NULL),
	        ROW(K_U16, struct words, u16, 0, NULL),
	        ROW(K_U8, struct words, u8, 0, NULL),
	        ROW(K_TIME, struct words, time, 0, NULL),
	        ROW(K_ENUM, struct words, choice, 0, NULL),
	        ROW(K_BOOL, struct words, yes, 0, NULL),
	        ROW(K_NONCE, struct words, nonce, 0, NULL),
	};
	static const struct record r = {"words", "Words", "", f, COUNT(f), sizeof(struct words)};
	return &r;
}

static void test_words(void **state)
{
	static const char type[] =
	        "Words(address addr,bytes32 hash,uint96 amount,uint64 u64,uint32 u32,uint16 u16,"
	        "uint8 u8,uint40 time,uint8 choice,bool yes,bytes16 nonce)";
	static const char *const expected[] = {
	        "0x0000000000000000000000001111111111111111111111111111111111111111",
	        "0x2222222222222222222222222222222222222222222222222222222222222222",
	        "0x0000000000000000000000000000000000000000ffffffffffffffffffffffff",
	        "0x0000000000000000000000000000000000000000000000000123456789abcdef",
	        "0x0000000000000000000000000000000000000000000000000000000089abcdef",
	        "0x000000000000000000000000000000000000000000000000000000000000cdef",
	        "0x00000000000000000000000000000000000000000000000000000000000000ef",
	        "0x000000000000000000000000000000000000000000000000000000ffffffffff",
	        "0x0000000000000000000000000000000000000000000000000000000000000007",
	        "0x0000000000000000000000000000000000000000000000000000000000000001",
	        "0x3333333333333333333333333333333300000000000000000000000000000000",
	};
	struct words w = {.u64 = 0x0123456789abcdef,
	        .u32 = 0x89abcdef,
	        .u16 = 0xcdef,
	        .u8 = 0xef,
	        .time = {BTIME_MAX},
	        .choice = 7,
	        .yes = true};
	struct hash data[1 + COUNT(expected)], want, h;
	struct err e;

	(void)state;
	memset(&w.addr, 0x11, sizeof w.addr);
	memset(&w.hash, 0x22, sizeof w.hash);
	memset(w.nonce, 0x33, sizeof w.nonce);
	assert_true(amount_parse(STR("79228162514264337593543950335"), &w.amount));
	keccak256(type, sizeof type - 1, &data[0]);
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_true(hash_parse(str_of(expected[i]), &data[i + 1], &e));
	keccak256(data, sizeof data, &want);
	eip712_hash(words_record(), &w, &h);
	assert_memory_equal(&h, &want, sizeof h);
	eip712_hash_words(words_record(), data + 1, COUNT(expected), &h);
	assert_memory_equal(&h, &want, sizeof h);
}

static void test_part(void **state)
{
	struct mail m = {.from = {.name = "Cow"}, .contents = "x"}, hidden = m;
	struct hash from, whole, h;

	(void)state;
	eip712_hash(mail_record(), &m, &whole);
	eip712_hash(person_record(), &m.from, &from);
	memset(&hidden.from, 0xff, sizeof hidden.from);
	eip712_hash_part(mail_record(), &hidden, "from", &from, &h);
	assert_memory_equal(&h, &whole, sizeof h);
}

static void test_domains(void **state)
{
	struct hash genesis, data[5] = {0}, want, h;
	struct addr controller;

	(void)state;
	memset(&genesis, 0xab, sizeof genesis);
	memset(&controller, 0xcd, sizeof controller);
	keccak256("EIP712Domain(string name,string version,bytes32 salt)", 53, &data[0]);
	keccak256("lilypad", 7, &data[1]);
	keccak256("1", 1, &data[2]);
	data[3] = genesis;
	keccak256(data, 4 * sizeof *data, &want);
	eip712_domain_embedded(&genesis, &h);
	assert_memory_equal(&h, &want, sizeof h);
	keccak256(
	        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
	        82, &data[0]);
	data[3] = (struct hash){0};
	data[3].b[30] = 0x7a;
	data[3].b[31] = 0x69;
	memcpy(data[4].b + 12, controller.b, sizeof controller.b);
	keccak256(data, sizeof data, &want);
	eip712_domain_evm(31337, &controller, &h);
	assert_memory_equal(&h, &want, sizeof h);
}

/* ethers: hashMessage("Hello World"). */
static void test_personal_message(void **state)
{
	struct hash h;

	(void)state;
	eip191_digest(str_bytes(STR("Hello World")), &h);
	assert_hash(&h, "a1de988600a42c4b4ab089b619297c17d53cffae5d5120d82d8a92d0bb3b78f2");
}

/* More records than the cache keeps: the hashes stay right. */
static void test_cache_overflow(void **state)
{
	static struct record many[600];
	struct hash first, again;

	(void)state;
	eip712_type_hash(words_record(), &first);
	for (size_t i = 0; i < COUNT(many); i++) {
		many[i] = *words_record();
		eip712_type_hash(&many[i], &again);
		assert_memory_equal(&first, &again, sizeof first);
	}
	eip712_type_hash(&many[COUNT(many) - 1], &again);
	assert_memory_equal(&first, &again, sizeof first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_mail),
	        cmocka_unit_test(test_arrays),
	        cmocka_unit_test(test_words),
	        cmocka_unit_test(test_part),
	        cmocka_unit_test(test_domains),
	        cmocka_unit_test(test_personal_message),
	        cmocka_unit_test(test_cache_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
