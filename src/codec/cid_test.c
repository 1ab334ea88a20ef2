/* cid_test.c - content ids as text and bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/cid.h"

/* The empty raw block and the empty directory, as `ipfs add` of Kubo 0.32.1 names them in each of its
 * forms (ipfs cid format -b base32 | base58btc, -v 0). */
static const struct {
	const char *text, *canonical;
	uint8_t codec;
} known[] = {
        {"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
                "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", CID_RAW},
        {"bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354",
                "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354", CID_DAG_PB},
        {"QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",
                "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354", CID_DAG_PB},
        {"zdj7WbTaiJT1fgatdet9Ei9iDB5hdCxkbVyhyh8YTUnXMiwYi",
                "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354", CID_DAG_PB},
};

static void known_ids_are_read_and_written(void **state)
{
	uint8_t raw[CID_BINARY_LEN];
	char text[CID_TEXT_MAX];
	struct cid c, d;
	size_t used;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		assert_true(cid_parse(str_of(known[i].text), &c, &e));
		assert_int_equal(c.codec, known[i].codec);
		assert_int_equal(cid_format(&c, text), strlen(known[i].canonical));
		assert_string_equal(text, known[i].canonical);
		cid_encode(&c, raw);
		assert_true(cid_decode(bytes_of(raw, sizeof raw), &d, &used, &e));
		assert_int_equal(used, sizeof raw);
		assert_true(cid_eq(&c, &d));
	}
	c = cid_of(CID_RAW, bytes_of("", 0));
	cid_format(&c, text);
	assert_string_equal(text, known[0].canonical);
	assert_true(cid_matches(&c, bytes_of("", 0)));
	assert_false(cid_matches(&c, bytes_of("x", 1)));
	assert_int_equal(cid_format(&(struct cid){0}, text), 0);
	assert_string_equal(text, "");
}

static void other_texts_are_refused(void **state)
{
	static const char *const bad[] = {
	        "",
	        "b",
	        "z",
	        "Qm",
	        "bafk",
	        /* upper case, padding, a character too few, one too many, another base */
	        "BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU",
	        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku=",
	        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk",
	        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykua",
	        "f01551220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	        "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3N",
	        "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3N0",
	        /* dag-cbor */
	        "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua",
	        "hello",
	};
	struct cid c = {.codec = CID_RAW};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(cid_parse(str_of(bad[i]), &c, &e));
		assert_int_equal(e.code, E_ENCODING);
		assert_int_equal(c.codec, CID_RAW);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(known_ids_are_read_and_written),
	        cmocka_unit_test(other_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
