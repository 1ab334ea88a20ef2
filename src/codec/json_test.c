/* json_test.c - strictness of the parser, canonical text, the walkers, the error object. The records
 * of the protocol are walked in src/model/record_test.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bounds.h"
#include "codec/json.h"

/* One member of every kind. */
enum colour { RED = 1, BLUE = 4 };
static const struct enum_value colour_values[] = {{"red", RED, ""}, {"blue", BLUE, ""}};
static const struct enum_names colour_names = {"colour", colour_values, COUNT(colour_values)};

struct leaf {
	struct amount pay;
	uint16_t share;
};
struct tree {
	struct addr addr;
	struct hash hash, file, folder;
	struct amount amount;
	uint64_t u64;
	uint32_t u32;
	uint8_t u8;
	struct btime time;
	uint8_t colour;
	bool yes;
	uint8_t nonce[16];
	char text[9];
	struct {
		uint32_t n;
		struct addr v[3];
	} sorted;
	struct {
		uint32_t n;
		struct hash v[2];
	} hashes;
	struct leaf leaf;
	struct {
		uint32_t n;
		struct leaf v[2];
	} leaves;
	struct sig sig;
	char note[5];
};

#define ROW(k, T, m, bound, flags, rec, names)                                                     \
	{                                                                                          \
		k, #m, offsetof(T, m), sizeof(((T *)0)->m), bound, flags, rec, names, ""           \
	}

static const struct record *leaf_record(void)
{
	static const struct field f[] = {
	        ROW(K_AMOUNT, struct leaf, pay, 0, 0, NULL, NULL),
	        ROW(K_U16, struct leaf, share, 0, 0, NULL, NULL),
	};
	static const struct record r = {"leaf", "Leaf", "", f, COUNT(f), sizeof(struct leaf)};
	return &r;
}

static const struct record *tree_record(void)
{
	static const struct field f[] = {
	        ROW(K_ADDR, struct tree, addr, 0, 0, NULL, NULL),
	        ROW(K_HASH, struct tree, hash, 0, 0, NULL, NULL),
	        ROW(K_CIDRAW, struct tree, file, 0, 0, NULL, NULL),
	        ROW(K_CIDTREE, struct tree, folder, 0, 0, NULL, NULL),
	        ROW(K_AMOUNT, struct tree, amount, 0, 0, NULL, NULL),
	        ROW(K_U64, struct tree, u64, 0, 0, NULL, NULL),
	        ROW(K_U32, struct tree, u32, 0, 0, NULL, NULL),
	        ROW(K_U8, struct tree, u8, 0, 0, NULL, NULL),
	        ROW(K_TIME, struct tree, time, 0, 0, NULL, NULL),
	        ROW(K_ENUM, struct tree, colour, 0, 0, NULL, &colour_names),
	        ROW(K_BOOL, struct tree, yes, 0, 0, NULL, NULL),
	        ROW(K_NONCE, struct tree, nonce, 0, 0, NULL, NULL),
	        ROW(K_TEXT, struct tree, text, 8, 0, NULL, NULL),
	        ROW(K_ADDRS, struct tree, sorted, 3, FF_SORTED, NULL, NULL),
	        ROW(K_HASHES, struct tree, hashes, 2, 0, NULL, NULL),
	        ROW(K_REC, struct tree, leaf, 0, 0, leaf_record, NULL),
	        ROW(K_RECS, struct tree, leaves, 2, 0, leaf_record, NULL),
	        ROW(K_SIG, struct tree, sig, 0, 0, NULL, NULL),
	        ROW(K_TEXT, struct tree, note, 4, FF_OPTIONAL, NULL, NULL),
	};
	static const struct record r = {"tree", "Tree", "", f, COUNT(f), sizeof(struct tree)};
	return &r;
}

/* The CIDs are those of the block "hello\n" (ipfs add --cid-version=1) and of the empty directory. */
#define GOOD                                                                                                     \
	"{\"addr\":\"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\",\"amount\":\"79228162514264337593543950335\"," \
	"\"colour\":4,\"file\":\"bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am\","                 \
	"\"folder\":\"bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354\","                            \
	"\"hash\":\"0x00000000000000000000000000000000000000000000000000000000000000ff\","                       \
	"\"hashes\":[\"0x0000000000000000000000000000000000000000000000000000000000000000\"],"                   \
	"\"leaf\":{\"pay\":\"1\",\"share\":65535},\"leaves\":[{\"pay\":\"0\",\"share\":0}],"                     \
	"\"nonce\":\"0x000102030405060708090a0b0c0d0e0f\",\"note\":\"\",\"sig\":\"0x\","                         \
	"\"sorted\":[\"0x0000000000000000000000000000000000000001\","                                            \
	"\"0x0000000000000000000000000000000000000002\"],\"text\":\"h\\u0001\\n\\\"é\","                        \
	"\"time\":1099511627775,\"u32\":4294967295,\"u64\":\"18446744073709551615\",\"u8\":255,"                 \
	"\"yes\":true}"

static void test_round_trip(void **state)
{
	struct tree t, again;
	struct err e = {0};
	struct buf text;

	(void)state;
	if (!record_parse(tree_record(), STR(GOOD), &t, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(t.addr.b[0], 0xcd);
	assert_int_equal(t.u64, UINT64_MAX);
	assert_int_equal(t.time.s, BTIME_MAX);
	assert_int_equal(t.colour, BLUE);
	assert_int_equal(t.nonce[15], 15);
	assert_int_equal(t.sorted.n, 2);
	assert_int_equal(t.sorted.v[1].b[19], 2);
	assert_int_equal(t.leaf.share, 65535);
	assert_string_equal(t.text, "h\x01\n\"é");
	assert_string_equal(t.note, "");
	buf_init(&text, 4096);
	record_canonical(tree_record(), &t, &text);
	assert_string_equal(buf_cstr(&text), GOOD);
	assert_true(record_parse(tree_record(), buf_view(&text), &again, &e));
	assert_memory_equal(&t, &again, sizeof t);
	buf_done(&text);
}

/* GOOD with the member `key` replaced by `value`; NULL removes it. */
static struct err parse_with(const char *key, const char *value, bool *ok)
{
	json_t *j = json_loads(GOOD, 0, NULL);
	struct tree t = {.u8 = 77};
	struct err e = {0};

	if (value)
		assert_int_equal(
		        json_object_set_new(j, key, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
	else
		assert_int_equal(json_object_del(j, key), 0);
	*ok = record_from_json(tree_record(), j, &t, &e);
	/* The row is written only on success. */
	assert_int_equal(t.u8 == 77, !*ok);
	json_decref(j);
	return e;
}

/* A member of GOOD, a value that it cannot have, and the whole message. */
static const struct {
	const char *key, *value, *message;
} wrong_rows[] = {
        {"amount", "\"12x\"", "amount: \"12x\" is not a decimal amount below 2^96"},
        {"amount", "\"79228162514264337593543950336\"",
                "amount: \"79228162514264337593543950336\" is not a decimal amount below 2^96"},
        {"amount", "\"012\"", "amount: \"012\" is not a decimal amount below 2^96"},
        {"amount", "\"\"", "amount: \"\" is not a decimal amount below 2^96"},
        {"amount", "12", "amount: 12 is not a decimal amount below 2^96"},
        {"amount", "\"-1\"", "amount: \"-1\" is not a decimal amount below 2^96"},
        {"u64", "\"18446744073709551616\"",
                "u64: \"18446744073709551616\" is not a decimal string below 2^64 without leading zeros"},
        {"u64", "\"00\"", "u64: \"00\" is not a decimal string below 2^64 without leading zeros"},
        {"u64", "5", "u64: 5 is not a decimal string below 2^64 without leading zeros"},
        {"u32", "4294967296", "u32: 4294967296 is not an integer from 0 to 4294967295"},
        {"u8", "256", "u8: 256 is not an integer from 0 to 255"},
        {"u8", "-1", "u8: -1 is not an integer from 0 to 255"},
        {"u8", "1.0", "u8: 1 is not an integer from 0 to 255"},
        {"u8", "\"1\"", "u8: \"1\" is not an integer from 0 to 255"},
        {"time", "1099511627776", "time: 1099511627776 is not an integer of seconds below 2^40"},
        {"colour", "2", "colour: 2 is not one of 1 (red), 4 (blue)"},
        {"colour", "260", "colour: 260 is not one of 1 (red), 4 (blue)"},
        {"yes", "1", "yes: 1 is not true or false"},
        {"yes", "null", "yes: null is not true or false"},
        {"hash", "\"0x12\"", "hash: \"0x12\" is not 0x and 64 hex digits"},
        {"nonce", "\"0x00\"", "nonce: \"0x00\" is not 0x and 32 hex digits"},
        {"text", "\"123456789\"",
                "text: \"123456789\" is not a string of at most 8 bytes without NUL"},
        {"text", "[]", "text: an array is not a string of at most 8 bytes without NUL"},
        {"addr", "\"0xcD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\"",
                "addr: \"0xcD2a3d9F938E13CD947Ec05AbC7FE734Df8DD8…\" is not an address: 0x and 40 "
                "hex digits with the EIP-55 checksum"},
        {"file", "\"bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354\"",
                "file: \"bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3go…\" is not a CIDv1 in base32 with "
                "the raw codec (bafk…)"},
        {"folder", "\"QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn\"",
                "folder: \"QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67…\" is not a CIDv1 in base32 with "
                "the dag-pb codec (bafy…)"},
        {"folder", "5", "folder: 5 is not a CIDv1 in base32 with the dag-pb codec (bafy…)"},
        {"sig", "\"0x1234\"", "sig: \"0x1234\" is not a signature: 0x and 130 or 128 hex digits"},
        {"sorted", "{}", "sorted: an object is not an array of at most 3 items"},
        {"sorted", "[1]",
                "sorted[0]: 1 is not an address: 0x and 40 hex digits with the EIP-55 checksum"},
        {"hashes", "[\"\",\"\",\"\"]", "hashes has 3 items: at most 2 are allowed"},
        {"hashes", "[\"0x\"]", "hashes[0]: \"0x\" is not 0x and 64 hex digits"},
        {"leaf", "7", "leaf: 7 is not an object: Leaf"},
        {"leaf", "{\"share\":1}", "leaf.pay is missing"},
        {"leaf", "{\"share\":1,\"pay\":\"1\",\"x\":1}", "leaf: \"x\" is not a member of Leaf"},
        {"leaves", "[{\"share\":1,\"pay\":\"1\"},{\"share\":1,\"pay\":\"x\"}]",
                "leaves[1].pay: \"x\" is not a decimal amount below 2^96"},
        {"other\n", "1", "\"other?\" is not a member of Tree"},
        {"u8", NULL, "u8 is missing"},
};

static void test_wrong_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong_rows); i++) {
		bool ok;
		struct err e = parse_with(wrong_rows[i].key, wrong_rows[i].value, &ok);

		if (ok)
			fail_msg("%s = %s was accepted", wrong_rows[i].key, wrong_rows[i].value);
		assert_string_equal(e.msg, wrong_rows[i].message);
		assert_int_equal(e.code, E_JSON_VALUE);
	}
}

static void test_good_members(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
	        {"note", NULL},
	        {"note", "\"é\""},
	        {"file", "\"\""},
	        {"addr", "\"0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826\""},
	        {"amount", "\"0\""},
	        {"sorted", "[]"},
	        {"leaves", "[]"},
	};
	bool ok;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = parse_with(rows[i].key, rows[i].value, &ok);

		if (!ok)
			fail_msg("%s = %s: %s", rows[i].key, rows[i].value, e.msg);
	}
}

static void test_sorted_lists(void **state)
{
	static const char *const bad[] = {
	        "[\"0x0000000000000000000000000000000000000002\",\"0x0000000000000000000000000000000000000001\"]",
	        "[\"0x0000000000000000000000000000000000000002\",\"0x0000000000000000000000000000000000000002\"]",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		bool ok;
		struct err e = parse_with("sorted", bad[i], &ok);

		assert_false(ok);
		assert_non_null(strstr(e.msg, "sorted[1]: "));
		assert_non_null(strstr(e.msg, "strictly ascending"));
	}
}

static void test_hints(void **state)
{
	bool ok;
	struct err e = parse_with("leaf", "{\"share\":1,\"pay\":\"1\",\"x\":1}", &ok);

	(void)state;
	assert_string_equal(e.hint, "its members: pay, share");
	e = parse_with("amount", NULL, &ok);
	assert_string_equal(e.hint, "give a decimal amount below 2^96");
}

static void refuse(struct str text, const char *part)
{
	json_t *j = NULL;
	struct err e = {0};

	if (json_parse(text, &j, &e))
		fail_msg("accepted: %.*s", STR_ARG(text));
	assert_null(j);
	assert_int_equal(e.code, E_JSON_SYNTAX);
	if (!strstr(e.msg, part))
		fail_msg("\"%s\" does not say \"%s\"", e.msg, part);
	for (const char *c = e.msg; *c; c++)
		assert_true((unsigned char)*c >= 0x20);
}

static void test_strict(void **state)
{
	char deep[2 * JSON_DEPTH_MAX + 3];
	json_t *j;
	struct err e;

	(void)state;
	refuse(STR(""), "line 1, column 0");
	refuse(STR("{\"a\":1,\"a\":2}"), "duplicate object key");
	refuse(STR("{\n  \"a\": 1,\n  \"b\": x}"), "line 3, column ");
	refuse(STR("{} {}"), "end of file expected");
	refuse(STR("{\"a\":\"\\u0000\"}"), "\\u0000 is not allowed");
	refuse(STR("\"a\0b\""), "line 1");
	refuse(STR("{\"a\":\"\xff\"}"), "line 1");
	refuse(STR("\"\\ud800\""), "line 1");
	refuse(STR("\"\xed\xa0\x80\""), "line 1");
	refuse(STR("[1,]"), "line 1");
	refuse(STR("[01]"), "line 1");
	refuse(STR("[+1]"), "line 1");
	refuse(STR("[NaN]"), "line 1");
	refuse(STR("[99999999999999999999]"), "too big integer");
	refuse(STR("{a:1}"), "line 1");
	refuse(STR("{'a':1}"), "line 1");
	refuse(STR("[1] // x"), "line 1");
	refuse(STR("[\"\x01\x1b[31m"), "line 1");
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	refuse((struct str){deep, 2 * JSON_DEPTH_MAX + 2},
	        "line 1, column 33: nested deeper than 32 levels");
	assert_true(json_parse((struct str){deep + 1, 2 * JSON_DEPTH_MAX}, &j, &e));
	json_decref(j);
	/* Brackets in strings are no nesting. */
	assert_true(json_parse(STR("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]"), &j, &e));
	json_decref(j);
}

static void test_canonical(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	        {" { \"b\" : [ 1 , 2.50, -0.1, 1e400 ] } ", NULL},
	        {" { \"b\" : [ 1 , 2.50, -0.1, 1e30, true, null ] , \"a\" : "
	         "{ } , \"aa\":\"\\/\\u00e9\", \"A\":\"\\u007f\\u001F\\b\\t\" }",
	                "{\"A\":\"\x7f\\u001f\\b\\t\",\"a\":{},\"aa\":\"/é\",\"b\":[1,2.5,-0.1,1e30,true,null]}"},
	        {"{\"\xf0\x9f\x98\x80\":1,\"\xef\xbf\xbd\":2,\"\":3}",
	                "{\"\":3,\"\xef\xbf\xbd\":2,\"\xf0\x9f\x98\x80\":1}"},
	        {"\"x\"", "\"x\""},
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *j = NULL;
		struct err e;

		if (!rows[i].out) {
			assert_false(json_parse(str_of(rows[i].in), &j, &e));
			continue;
		}
		assert_true(json_parse(str_of(rows[i].in), &j, &e));
		buf_init(&b, 4096);
		json_canonical(j, &b);
		assert_string_equal(buf_cstr(&b), rows[i].out);
		buf_done(&b);
		json_decref(j);
	}
}

static void test_many_keys(void **state)
{
	OWN(json_own) json_t *j = json_object();
	struct buf b;

	(void)state;
	for (int i = 999; i >= 100; i--) {
		char key[8];

		snprintf(key, sizeof key, "%d", i);
		json_object_set_new(j, key, json_null());
	}
	buf_init(&b, 1 << 16);
	json_canonical(j, &b);
	assert_true(buf_ok(&b));
	assert_true(str_starts(buf_view(&b), "{\"100\":null,\"101\":null,"));
	assert_non_null(strstr(buf_cstr(&b), "\"998\":null,\"999\":null}"));
	buf_done(&b);
	buf_init(&b, 10);
	json_canonical(j, &b);
	assert_false(buf_ok(&b));
	buf_done(&b);
	buf_init(&b, 10);
	json_pretty(j, &b);
	assert_false(buf_ok(&b));
	buf_done(&b);
}

static void test_getters(void **state)
{
	OWN(json_own)
	json_t *j = json_loads("{\"s\":\"x\",\"n\":7,\"m\":\"18446744073709551615\",\"neg\":-1,"
	                       "\"leaf\":{\"pay\":\"1\",\"share\":2,\"z\":3},"
	                       "\"good\":{\"pay\":\"1\",\"share\":2}}",
	        0, NULL);
	struct leaf leaf;
	struct str s;
	uint64_t n;
	struct sig sig;
	struct addr a;
	struct err e;

	(void)state;
	assert_true(json_get_str(j, "s", &s, &e));
	assert_true(str_is(s, "x"));
	assert_true(json_get_u64(j, "n", &n, &e));
	assert_int_equal(n, 7);
	assert_true(json_get_u64(j, "m", &n, &e));
	assert_int_equal(n, UINT64_MAX);
	assert_false(json_get_u64(j, "neg", &n, &e));
	assert_string_equal(
	        e.msg, "neg: -1 is not a number below 2^64 without sign or leading zeros");
	assert_false(json_get_str(j, "n", &s, &e));
	assert_string_equal(e.msg, "n: 7 is not a string");
	assert_false(json_get_str(j, "zz", &s, &e));
	assert_string_equal(e.msg, "zz is missing");
	assert_false(json_get_addr(j, "s", &a, &e));
	assert_false(json_get_sig(j, "s", &sig, &e));
	assert_false(json_get_record(j, "leaf", leaf_record(), &leaf, &e));
	assert_string_equal(e.msg, "leaf: \"z\" is not a member of Leaf");
	assert_false(json_get_record(j, "n", leaf_record(), &leaf, &e));
	assert_string_equal(e.msg, "n: 7 is not an object: Leaf");
	assert_true(json_get_record(j, "good", leaf_record(), &leaf, &e));
	assert_int_equal(leaf.share, 2);
	assert_false(json_get_str(NULL, "s", &s, &e));
	assert_false(json_get_record(NULL, "s", leaf_record(), &leaf, &e));
}

static void test_builders(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	        {"", ""},
	        {"abc é € 😀", "abc é € 😀"},
	        {"a\xff"
	         "b",
	                "a\xef\xbf\xbd"
	                "b"},
	        {"\xc3", "\xef\xbf\xbd"},
	        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	        {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
	        {"\xf4\x90\x80\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"},
	};
	json_t *j;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		j = json_of_str(str_of(rows[i].in));
		assert_non_null(j);
		assert_string_equal(json_string_value(j), rows[i].out);
		json_decref(j);
	}
	j = json_of_str((struct str){"a\0b", 3});
	assert_string_equal(json_string_value(j), "a\xef\xbf\xbd"
	                                          "b");
	json_decref(j);
	j = json_of_u64(UINT64_MAX);
	assert_string_equal(json_string_value(j), "18446744073709551615");
	json_decref(j);
}

static void test_errors(void **state)
{
	struct err e = {0}, back;
	struct buf b;
	json_t *j;

	(void)state;
	FAIL(&e, FUNDS, "free balance 3 is below 5");
	err_hint(&e, "deposit 2 more");
	j = err_to_json(&e);
	buf_init(&b, 4096);
	json_canonical(j, &b);
	json_decref(j);
	assert_string_equal(buf_cstr(&b),
	        "{\"charged\":\"0\",\"code\":\"FUNDS\",\"fault\":\"requester\",\"hint\":\"deposit 2 more\","
	        "\"message\":\"free balance 3 is below 5\",\"retryable\":true}");
	assert_true(err_from_json(buf_view(&b), &back));
	assert_int_equal(back.code, E_FUNDS);
	assert_string_equal(back.msg, e.msg);
	assert_string_equal(back.hint, e.hint);
	buf_done(&b);
	assert_true(err_from_json(
	        STR("{\"error\":{\"code\":\"NEWER\",\"message\":\"a\\u001b[31m\",\"charged\":\"12\"}}"),
	        &back));
	assert_int_equal(back.code, E_PEER);
	assert_string_equal(back.msg, "\"NEWER\": a?[31m");
	assert_string_equal(back.charged, "12");
	assert_false(err_from_json(STR("{\"code\":\"FUNDS\"}"), &back));
	assert_false(err_from_json(STR("<html>"), &back));
	assert_false(err_from_json(STR("[1]"), &back));
	assert_false(err_from_json(STR(""), &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_round_trip),
	        cmocka_unit_test(test_wrong_members),
	        cmocka_unit_test(test_good_members),
	        cmocka_unit_test(test_sorted_lists),
	        cmocka_unit_test(test_hints),
	        cmocka_unit_test(test_strict),
	        cmocka_unit_test(test_canonical),
	        cmocka_unit_test(test_many_keys),
	        cmocka_unit_test(test_getters),
	        cmocka_unit_test(test_builders),
	        cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
