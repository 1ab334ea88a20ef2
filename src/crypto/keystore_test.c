/* keystore_test.c - published key files, files that wallets must not trust, and pasted secrets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/keystore.h"

/* Web3 Secret Storage Definition, "Test Vectors": PBKDF2, then scrypt. */
#define WIKI_PBKDF2                                                                                \
	"{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"                        \
	"\"6087dab2f9fdbbfaddc31a909735c1e6\"},\"ciphertext\":"                                    \
	"\"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46\",\"kdf\":\"pbkdf2\"," \
	"\"kdfparams\":{\"c\":262144,\"dklen\":32,\"prf\":\"hmac-sha256\",\"salt\":"               \
	"\"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd\"},\"mac\":"           \
	"\"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2\"},\"id\":"            \
	"\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}"
#define WIKI_SCRYPT                                                                                \
	"{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"                        \
	"\"83dbcc02d8ccb40e466191a123791e0e\"},\"ciphertext\":"                                    \
	"\"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c\",\"kdf\":\"scrypt\"," \
	"\"kdfparams\":{\"dklen\":32,\"n\":262144,\"p\":8,\"r\":1,\"salt\":"                       \
	"\"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19\"},\"mac\":"           \
	"\"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097\"},\"id\":"            \
	"\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}"
/* go-ethereum, accounts/keystore/testdata/v3_test_vector.json: "31_byte_key" and "30_byte_key", of a time
 * when leading zeros of a key were left out. */
#define GETH_31                                                                                    \
	"{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"                        \
	"\"e0c41130a323adc1446fc82f724bca2f\"},\"ciphertext\":"                                    \
	"\"9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984\",\"kdf\":\"scrypt\","   \
	"\"kdfparams\":{\"dklen\":32,\"n\":2,\"r\":8,\"p\":1,\"salt\":"                            \
	"\"711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63\"},\"mac\":"           \
	"\"d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5\"},\"id\":"            \
	"\"fecfc4ce-e956-48fd-953b-30f8b52ed66c\",\"version\":3}"
#define GETH_30                                                                                    \
	"{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"                        \
	"\"3ca92af36ad7c2cd92454c59cea5ef00\"},\"ciphertext\":"                                    \
	"\"108b7d34f3442fc26ab1ab90ca91476ba6bfa8c00975a49ef9051dc675aa\",\"kdf\":\"scrypt\","     \
	"\"kdfparams\":{\"dklen\":32,\"n\":2,\"r\":8,\"p\":1,\"salt\":"                            \
	"\"d0769e608fb86cda848065642a9c6fa046845c928175662b8e356c77f914cd3b\"},\"mac\":"           \
	"\"75d0e6759f7b3cefa319c3be41680ab6beea7d8328653474bd06706d4cc67420\"},\"id\":"            \
	"\"a37e1559-5955-450d-8075-7b8931b392b2\",\"version\":3}"

static void is_hex(const struct seckey *k, const char *hex)
{
	struct buf b OWN(buf_done);

	buf_init(&b, 64);
	buf_hex(&b, k->b, sizeof k->b);
	assert_string_equal(buf_cstr(&b), hex);
}

static void test_published(void **state)
{
	static const struct {
		const char *json, *password, *key;
	} rows[] = {
	        {WIKI_PBKDF2, "testpassword",
	                "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"},
	        {WIKI_SCRYPT, "testpassword",
	                "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"},
	        {GETH_31, "foo",
	                "00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35"},
	        {GETH_30, "foo",
	                "000081c29e8142bb6a81bef5a92bda7a8328a5c85bb2f9542e76f9b0f94fc018"},
	};
	struct seckey k;
	struct addr a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(
		        keystore_decode(str_of(rows[i].json), str_of(rows[i].password), &k, &e));
		is_hex(&k, rows[i].key);
		assert_false(keystore_addr(str_of(rows[i].json), &a));
	}
}

/* text with the first `from` replaced by `to`. */
static struct str with(const char *text, const char *from, const char *to, struct buf *out)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	buf_reset(out);
	buf_put(out, text, (size_t)(at - text));
	buf_z(out, to);
	buf_z(out, at + strlen(from));
	assert_true(buf_ok(out));
	return buf_view(out);
}

static void must_refuse(struct str json, struct str password, enum err_code code)
{
	struct seckey k = {{7}}, same = k;
	struct err e;

	assert_false(keystore_decode(json, password, &k, &e));
	assert_int_equal(e.code, code);
	assert_true(e.msg[0]);
	assert_memory_equal(k.b, same.b, sizeof k.b);
}

static void test_wrong_password(void **state)
{
	struct buf b OWN(buf_done);

	(void)state;
	buf_init(&b, 4096);
	must_refuse(STR(GETH_31), STR("bar"), E_KEY);
	must_refuse(STR(GETH_31), STR(""), E_KEY);
	must_refuse(STR(GETH_31), STR("foo "), E_KEY);
	/* One bit of the ciphertext, of the MAC, of the salt. */
	must_refuse(with(GETH_31, "9517cd", "9517cc", &b), STR("foo"), E_KEY);
	must_refuse(with(GETH_31, "d5e116", "d5e117", &b), STR("foo"), E_KEY);
	must_refuse(with(GETH_31, "711f81", "711f80", &b), STR("foo"), E_KEY);
}

/* Each change makes GETH_31 a file that must not open. */
static const struct {
	const char *from, *to;
} malformed[] = {
        {"\"version\":3", "\"version\":1"},
        {"\"version\":3", "\"version\":\"3\""},
        {",\"version\":3", ""},
        {"\"version\":3", "\"version\":3,\"version\":3"},
        {"\"crypto\":{", "\"crypt\":{"},
        {"{\"crypto\"", "{\"crypto\":1,\"x\""},
        {"aes-128-ctr", "aes-128-cbc"},
        {"\"cipher\":\"aes-128-ctr\"", "\"cipher\":5"},
        {"\"iv\":\"e0", "\"iv\":\""},
        {"\"iv\":\"e0", "\"iv\":\"e000"},
        {"\"iv\":\"e0", "\"iv\":\"g0"},
        {"\"iv\":\"e0", "\"iv\":\"e"},
        {"\"ciphertext\":\"95", "\"ciphertext\":\"959595"},
        {"\"ciphertext\":\"9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984\"",
                "\"ciphertext\":\"\""},
        {"\"mac\":\"d5", "\"mac\":\""},
        {"\"kdf\":\"scrypt\"", "\"kdf\":\"argon2id\""},
        {"\"kdf\":\"scrypt\"", "\"kdf\":\"pbkdf2\""},
        {"\"kdfparams\"", "\"params\""},
        {"\"dklen\":32", "\"dklen\":16"},
        {"\"dklen\":32", "\"dklen\":-32"},
        {"\"dklen\":32,", ""},
        {"\"n\":2", "\"n\":0"},
        {"\"n\":2", "\"n\":1"},
        {"\"n\":2", "\"n\":3"},
        {"\"n\":2", "\"n\":2.0"},
        {"\"n\":2", "\"n\":\"2\""},
        {"\"n\":2", "\"n\":-2"},
        {"\"n\":2", "\"n\":2097152"},
        {"\"n\":2", "\"n\":9223372036854775807"},
        {"\"n\":2", "\"n\":92233720368547758070"},
        {"\"r\":8", "\"r\":0"},
        {"\"r\":8", "\"r\":4611686018427387904"},
        {"\"p\":1", "\"p\":1000000"},
        {"\"p\":1,", ""},
        {"\"id\"", "\"address\":7,\"id\""},
        {"\"id\"", "\"address\":\"00\",\"id\""},
        {"\"id\"", "\"address\":\"zz8aeeda4d805471df9b2a5b0f38a0c3bcba786b\",\"id\""},
        /* Well-formed, and another key's account. */
        {"\"id\"", "\"address\":\"008aeeda4d805471df9b2a5b0f38a0c3bcba786b\",\"id\""},
        {"\"version\":3}", "\"version\":3"},
        {"\"version\":3}", "\"version\":3}x"},
};

static void test_malformed(void **state)
{
	struct buf b OWN(buf_done);

	(void)state;
	buf_init(&b, KEYSTORE_TEXT_MAX + 100);
	for (size_t i = 0; i < COUNT(malformed); i++)
		must_refuse(
		        with(GETH_31, malformed[i].from, malformed[i].to, &b), STR("foo"), E_KEY);
	must_refuse(with(WIKI_PBKDF2, "262144", "8388609", &b), STR("testpassword"), E_KEY);
	must_refuse(with(WIKI_PBKDF2, "262144", "0", &b), STR("testpassword"), E_KEY);
	must_refuse(
	        with(WIKI_PBKDF2, "hmac-sha256", "hmac-sha512", &b), STR("testpassword"), E_KEY);
	must_refuse((struct str){NULL, 0}, STR("x"), E_KEY);
	must_refuse(STR("[]"), STR("x"), E_KEY);
	must_refuse(STR("\"\""), STR("x"), E_KEY);
	must_refuse(STR("\xff{}"), STR("x"), E_KEY);
	/* Above the bound even where it is only white space. */
	buf_reset(&b);
	buf_z(&b, GETH_31);
	while (b.n <= KEYSTORE_TEXT_MAX)
		buf_byte(&b, ' ');
	must_refuse(buf_view(&b), STR("foo"), E_KEY);
}

/* Spellings that wallets use: a capital, 0x, an empty address. */
static void test_spellings(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
	        {"\"crypto\"", "\"Crypto\""},
	        {"\"iv\":\"e0", "\"iv\":\"0xE0"},
	        {"\"dklen\":32", "\"dklen\":64"},
	        {"\"id\"", "\"address\":\"\",\"id\""},
	        {"\"id\"", "\"x-note\":[1,{}],\"id\""},
	};
	struct buf b OWN(buf_done);
	struct seckey k;
	struct err e;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(keystore_decode(
		        with(GETH_31, rows[i].from, rows[i].to, &b), STR("foo"), &k, &e));
		is_hex(&k, "00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35");
	}
}

static void test_addr(void **state)
{
	static const char *const good[] = {
	        "{\"address\":\"008aeeda4d805471df9b2a5b0f38a0c3bcba786b\"}",
	        "{\"address\":\"0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b\",\"x\":1}"};
	static const char *const bad[] = {"", "{}", "{\"address\":\"\"}", "{\"address\":5}", "[]",
	        "{\"address\":\"008aeeda4d805471df9b2a5b0f38a0c3bcba78\"}",
	        "{\"address\":\"008aeeda4d805471df9b2a5b0f38a0c3bcba786b6b\"}"};
	struct addr a = {{9}}, same = a;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(keystore_addr(str_of(bad[i]), &a));
	assert_true(addr_eq(&a, &same));
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(keystore_addr(str_of(good[i]), &a));
		assert_memory_equal(a.b,
		        "\x00\x8a\xee\xda\x4d\x80\x54\x71\xdf\x9b\x2a\x5b\x0f\x38\xa0\xc3"
		        "\xbc\xba\x78\x6b",
		        20);
	}
}

static void round_trip(enum keystore_cost cost, const char *n)
{
	struct buf json OWN(buf_done), again OWN(buf_done);
	struct seckey k, back;
	struct addr a, said;
	struct err e;

	buf_init(&json, KEYSTORE_TEXT_MAX);
	buf_init(&again, KEYSTORE_TEXT_MAX);
	assert_true(seckey_new(&k, &e));
	assert_true(seckey_addr(&k, &a, &e));
	assert_true(keystore_encode(&k, STR("p\xc3\xa4ss word"), cost, &json, &e));
	assert_non_null(strstr(buf_cstr(&json), n));
	assert_true(keystore_decode(buf_view(&json), STR("p\xc3\xa4ss word"), &back, &e));
	assert_memory_equal(k.b, back.b, sizeof k.b);
	assert_true(keystore_addr(buf_view(&json), &said));
	assert_true(addr_eq(&a, &said));
	if (cost == KEYSTORE_STRONG)
		return;
	must_refuse(buf_view(&json), STR("password"), E_KEY);
	/* Salt, iv and id are fresh each time. */
	assert_true(keystore_encode(&k, STR("p\xc3\xa4ss word"), cost, &again, &e));
	assert_int_equal(again.n, json.n);
	assert_string_not_equal(buf_cstr(&again), buf_cstr(&json));
}

static void test_round_trips(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		round_trip(KEYSTORE_QUICK, "\"n\":2,");
	round_trip(KEYSTORE_STRONG, "\"n\":262144,");
}

static void test_encode_refused(void **state)
{
	struct buf small OWN(buf_done), json OWN(buf_done);
	struct seckey k = {{0}};
	struct err e;

	(void)state;
	buf_init(&json, KEYSTORE_TEXT_MAX);
	buf_init(&small, 100);
	assert_false(keystore_encode(&k, STR("x"), KEYSTORE_QUICK, &json, &e));
	assert_int_equal(e.code, E_KEY);
	assert_int_equal(json.n, 0);
	k.b[31] = 1;
	assert_false(keystore_encode(&k, STR("x"), KEYSTORE_QUICK, &small, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
}

static void test_pasted(void **state)
{
	static const char *const good[] = {
	        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
	        "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
	        " \t0xAC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80\r\n"};
	static const char *const bad[] = {"", " ", "0x", "hello", "test test test",
	        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff",
	        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff8",
	        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff8000",
	        "gc0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
	        "0x0xc0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
	        "0000000000000000000000000000000000000000000000000000000000000000",
	        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
	        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", /* an account, not a key */
	        "one two three four five six seven eight nine ten eleven",
	        "one two three four five six seven eight nine ten eleven 12"};
	static const char *const phrases[] = {
	        "test test test test test test test test test test test junk",
	        "\ntest test test test test  test\ttest test\r\ntest test test junk ",
	        "Test test test test test test test test test test test junk",
	        "a b c d e f g h i j k l m n o p q r s t u v w x"};
	struct seckey k = {{7}}, same = k;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(seckey_parse(str_of(bad[i]), &k, &e));
		assert_int_equal(e.code, E_KEY);
		/* A mistyped secret is a secret still. */
		assert_true(strlen(bad[i]) < 12 || !strstr(e.msg, bad[i]));
	}
	for (size_t i = 0; i < COUNT(phrases); i++) {
		assert_false(seckey_parse(str_of(phrases[i]), &k, &e));
		assert_int_equal(e.code, E_KEY_SEED_PHRASE);
		assert_null(strstr(e.msg, "junk"));
		assert_true(e.hint[0]);
	}
	assert_memory_equal(k.b, same.b, sizeof k.b);
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(seckey_parse(str_of(good[i]), &k, &e));
		is_hex(&k, good[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_published),
	        cmocka_unit_test(test_wrong_password),
	        cmocka_unit_test(test_malformed),
	        cmocka_unit_test(test_spellings),
	        cmocka_unit_test(test_addr),
	        cmocka_unit_test(test_round_trips),
	        cmocka_unit_test(test_encode_refused),
	        cmocka_unit_test(test_pasted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
