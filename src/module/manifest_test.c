/* manifest_test.c - the modules that are shipped parse; every mistake an author can make is named. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "crypto/keccak.h"
#include "module/manifest.h"

static const char good[] =
        "{\"name\":\"echo\",\"version\":\"1.2.3\",\"description\":\"says it\",\"executor\":\"wasm\","
        "\"args\":[\"echo\",\"{Text}\",\"--n={N}\"],"
        "\"inputs\":[{\"name\":\"Text\",\"type\":\"string\",\"required\":true},"
        "{\"name\":\"N\",\"type\":\"integer\",\"default\":\"3\",\"min\":\"1\",\"max\":\"9\"},"
        "{\"name\":\"Book\",\"type\":\"file\",\"path\":\"books/one.txt\"}],"
        "\"outputs\":[{\"path\":\"out.txt\"}],"
        "\"resources\":{\"cpu\":100,\"ram\":\"1000000\",\"disk\":\"0\"},"
        "\"limits\":{\"instructions\":\"1000\",\"outputBytes\":\"1000\"},\"determinism\":\"exact\"}";

static struct module m; /* large */

static void parse(const char *text)
{
	struct err e;

	if (!module_parse(str_of(text), &m, &e))
		fail_msg("%s", e.msg);
}

/* `good` with the first `from` replaced by `to` is refused with these words. */
static void refused(const char *from, const char *to, const char *words)
{
	const char *at = strstr(good, from);
	char text[4096];
	struct err e;

	assert_non_null(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	if (module_parse(str_of(text), &m, &e))
		fail_msg("%s -> %s was taken", from, to);
	if (e.code != E_MODULE_BAD || strncmp(e.msg, "module.json: ", 13) != 0 ||
	        !strstr(e.msg, words))
		fail_msg("%s -> %s: %s \"%s\"", from, to, err_name(e.code), e.msg);
}

static void test_good(void **state)
{
	(void)state;
	parse(good);
	assert_string_equal(m.m.name, "echo");
	assert_int_equal(m.args_n, 3);
	assert_string_equal(m.args[2], "--n={N}");
	assert_int_equal(m.executor, EXECUTOR_WASM);
	assert_int_equal(m.determinism, DETERMINISM_EXACT);
	assert_int_equal(m.comparator, COMPARATOR_BYTES);
	assert_int_equal(m.network, NETWORK_NONE);
	assert_int_equal(m.types[1], INPUT_INTEGER);
	assert_string_equal(module_input_path(&m, 2), "books/one.txt");
	assert_true(hash_is_zero(&m.m.program.cid));
}

/* The id is that of the content, not of the layout of the text. */
static void test_id(void **state)
{
	OWN(json_own) json_t *j = NULL;
	OWN(buf_done) struct buf text;
	struct hash id, want;
	struct err e;

	(void)state;
	parse(good);
	id = m.id;
	assert_true(json_parse(STR(good), &j, &e));
	buf_init(&text, 8192);
	json_canonical(j, &text);
	keccak256(text.p, text.n, &want);
	assert_true(hash_eq(&id, &want));
	buf_reset(&text);
	json_pretty(j, &text);
	parse(buf_cstr(&text));
	assert_true(hash_eq(&id, &m.id));
	json_object_set_new(j, "description", json_string("says it loudly"));
	buf_reset(&text);
	json_canonical(j, &text);
	parse(buf_cstr(&text));
	assert_false(hash_eq(&id, &m.id));
}

static void test_with_program(void **state)
{
	struct cid cid = {CID_DAG_PB, {{1, 2, 3}}}, other = {CID_DAG_PB, {{9}}};
	OWN(buf_done) struct buf one, two;
	struct err e;

	(void)state;
	buf_init(&one, 8192);
	buf_init(&two, 8192);
	assert_true(module_with_program(STR(good), &cid, 777, &one, &e));
	parse(buf_cstr(&one));
	assert_true(hash_eq(&m.m.program.cid, &cid.digest));
	assert_int_equal(m.m.program.bytes, 777);
	/* Filling in again replaces. */
	assert_true(module_with_program(buf_view(&one), &other, 5, &two, &e));
	parse(buf_cstr(&two));
	assert_true(hash_eq(&m.m.program.cid, &other.digest));
}

static void test_syntax(void **state)
{
	struct err e;

	(void)state;
	assert_false(module_parse(STR("{\n  \"name\": \"echo\",\n  oops\n}"), &m, &e));
	assert_int_equal(e.code, E_MODULE_BAD);
	if (!strstr(e.msg, "module.json: ") || !strstr(e.msg, "line 3"))
		fail_msg("%s", e.msg);
	assert_false(module_parse(STR(""), &m, &e));
	assert_int_equal(e.code, E_MODULE_BAD);
	assert_false(module_parse(STR("[]"), &m, &e));
	assert_int_equal(e.code, E_MODULE_BAD);
	refused("\"version\"", "\"name\":\"twice\",\"version\"", "name");
}

static void test_members(void **state)
{
	(void)state;
	refused("\"description\"", "\"price\":1,\"description\"", "price");
	refused("\"description\":\"says it\",", "", "description");
	refused("\"name\":\"echo\"", "\"name\":7", "name");
	refused("\"name\":\"echo\"", "\"name\":\"Echo\"", "name is \"Echo\": small letters");
	refused("\"name\":\"echo\"", "\"name\":\"\"", "name is \"\"");
	refused("1.2.3", "1.2", "version is \"1.2\"");
	refused("1.2.3", "1.2.3.4", "version is");
	refused("1.2.3", "v1.2.3", "version is");
	refused("1.2.3", "1.02.3", "version is");
	refused("1.2.3", "1.2.3-", "version is");
	refused("\"wasm\"", "\"wasi\"", "executor is \"wasi\": one of wasm, docker, bacalhau");
	refused("\"wasm\"", "\"docker\"", "image is \"\": an image with its digest");
	refused("\"wasm\"", "\"wasm\",\"image\":\"a@sha256:1\"", "a WASM module runs its program");
	refused("\"exact\"", "\"perhaps\"", "determinism is \"perhaps\"");
	refused("\"exact\"", "\"exact\",\"network\":\"full\"", "a job with network has \"none\"");
	refused("\"exact\"", "\"exact\",\"comparator\":\"json\"", "\"exact\" compares bytes");
	refused("\"cpu\":100", "\"cpu\":0", "resources.cpu is 0");
	refused("\"instructions\":\"1000\"", "\"instructions\":\"0\"", "limits.instructions is 0");
	refused("\"instructions\":\"1000\"", "\"instructions\":\"-5\"", "limits.instructions");
}

static void test_args(void **state)
{
	(void)state;
	refused("[\"echo\",\"{Text}\",\"--n={N}\"]", "[]", "args: a list of 1 to 64");
	refused("[\"echo\",\"{Text}\",\"--n={N}\"]", "\"echo\"", "args: a list of 1 to 64");
	refused("\"args\":[\"echo\",\"{Text}\",\"--n={N}\"],", "", "args: a list of 1 to 64");
	refused("\"{Text}\"", "5", "args[1]: a string");
	refused("\"{Text}\"", "\"{Txt}\"", "args[1]: there is no input for the placeholder {Txt}");
	refused("\"{Text}\"", "\"{Text\"", "args[1]: a { is not closed");
	refused("\"{Text}\"", "\"{}\"", "args[1]: there is no input for the placeholder {}");
	refused("\"inputs\"", "\"env\":[{\"name\":\"A=\",\"value\":\"\"}],\"inputs\"",
	        "env[0].name");
	refused("\"inputs\"", "\"env\":[{\"name\":\"A\",\"value\":\"{B}\"}],\"inputs\"",
	        "env[0].value: there is no input");
}

static void test_inputs(void **state)
{
	static const char n[] =
	        "\"type\":\"integer\",\"default\":\"3\",\"min\":\"1\",\"max\":\"9\"";

	(void)state;
	refused("\"string\"", "\"text\"", "inputs[0] (\"Text\") type is \"text\": one of string");
	refused("\"name\":\"N\"", "\"name\":\"Text\"", "has the name of inputs[0]");
	refused("\"name\":\"N\"", "\"name\":\"N-1\"", "needs a name of letters");
	refused("\"name\":\"N\"", "\"name\":\"1N\"", "needs a name of letters");
	refused(n, "\"type\":\"integer\"", "neither required nor has a default");
	refused(n, "\"type\":\"integer\",\"required\":true,\"default\":\"3\"", "one of the two");
	refused("\"default\":\"3\"", "\"default\":\"x\"", "N is \"x\": an integer from 1 to 9");
	refused("\"default\":\"3\"", "\"default\":\"10\"", "N is \"10\": an integer from 1 to 9");
	refused("\"min\":\"1\"", "\"min\":\"one\"", "has min \"one\", which is no integer");
	refused("\"max\":\"9\"", "\"max\":\"9.5\"", "has max \"9.5\", which is no integer");
	refused("\"min\":\"1\"", "\"min\":\"10\"", "has min 10 above max 9");
	refused("\"min\":\"1\"", "\"maxLength\":5", "maxLength, which only strings have");
	refused("\"required\":true", "\"required\":true,\"min\":\"1\"",
	        "only integers and numbers");
	refused("\"required\":true", "\"required\":true,\"maxLength\":5000", "at most 4095");
	refused("\"required\":true", "\"path\":\"x\"", "a path, which only files");
	refused("books/one.txt", "../one.txt", "one below /inputs is wanted");
	refused("books/one.txt", ".", "which only a folder can have");
	refused("\"path\":\"books/one.txt\"", "\"default\":\"x\"", "files and folders cannot have");
	refused("out.txt", "/out.txt", "outputs[0].path is \"/out.txt\"");
	refused("{\"path\":\"out.txt\"}", "{\"path\":\"a\",\"type\":\"dir\"}", "file or folder");
	refused("{\"path\":\"out.txt\"}", "{\"path\":\"a\"},{\"path\":\"a\"}",
	        "that of outputs[0]");
}

static void test_paths(void **state)
{
	static const char *const yes[] = {"a", "a/b", "a.b/c d", "..a", "a../b"};
	static const char *const no[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a"};

	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++)
		assert_true(module_path_ok(str_of(yes[i])));
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(module_path_ok(str_of(no[i])));
	assert_false(module_path_ok((struct str){"a\0b", 3}));
}

static bool join(void *ctx, struct str part, bool key, struct err *e)
{
	(void)e;
	buf_fmt(ctx, key ? "<%.*s>" : "%.*s|", STR_ARG(part));
	return true;
}

static void test_templates(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	        {"", ""},
	        {"plain", "plain|"},
	        {"{A}", "<A>"},
	        {"a{A}b{B}", "a|<A>b|<B>"},
	        {"{{A}", "{|A}|"},
	        {"{\"k\"}", "<\"k\">"},
	        {"x}y", "x}y|"},
	        {"{{{A}}", "{|<A>}|"},
	};
	OWN(buf_done) struct buf out;
	struct err e;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_reset(&out);
		assert_true(module_template(str_of(cases[i].text), join, &out, &e));
		assert_string_equal(buf_cstr(&out), cases[i].want);
	}
	assert_false(module_template(STR("a{b"), join, &out, &e));
	assert_int_equal(e.code, E_MODULE_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_good),
	        cmocka_unit_test(test_id),
	        cmocka_unit_test(test_with_program),
	        cmocka_unit_test(test_syntax),
	        cmocka_unit_test(test_members),
	        cmocka_unit_test(test_args),
	        cmocka_unit_test(test_inputs),
	        cmocka_unit_test(test_paths),
	        cmocka_unit_test(test_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
