/* inputs_test.c - values against a manifest, and the job spec they make. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "module/inputs.h"

static const char text[] =
        "{\"name\":\"echo\",\"version\":\"1.2.3\",\"description\":\"says it\",\"executor\":\"wasm\","
        "\"program\":{\"cid\":\"%s\",\"bytes\":\"100\"},"
        "\"args\":[\"echo\",\"{Text}\",\"--n={N}\",\"{{{F}}\",\"{Book}\"],"
        "\"env\":[{\"name\":\"MODE\",\"value\":\"m-{Text}\"}],"
        "\"inputs\":[{\"name\":\"Text\",\"type\":\"string\",\"required\":true,\"maxLength\":10,"
        "\"description\":\"what is said\"},"
        "{\"name\":\"N\",\"type\":\"integer\",\"default\":\"3\",\"min\":\"-5\",\"max\":\"9\"},"
        "{\"name\":\"F\",\"type\":\"number\",\"default\":\"0.5\",\"min\":\"0\"},"
        "{\"name\":\"Big\",\"type\":\"integer\",\"default\":\"0\",\"max\":\"18446744073709551615\"},"
        "{\"name\":\"Book\",\"type\":\"file\",\"path\":\"books/one.txt\"},"
        "{\"name\":\"All\",\"type\":\"folder\",\"path\":\".\"}],"
        "\"outputs\":[{\"path\":\"out.txt\"}],"
        "\"resources\":{\"cpu\":100,\"ram\":\"1000000\",\"disk\":\"5\"},"
        "\"limits\":{\"instructions\":\"1000\",\"outputBytes\":\"2000\"},\"determinism\":\"exact\"}";

static struct module *m;
static struct job_spec *spec;

static int start(void **state)
{
	struct cid cid = {CID_DAG_PB, {{7}}};
	char cid_text[CID_TEXT_MAX], full[4096];
	struct err e;

	(void)state;
	m = calloc(1, sizeof *m);
	spec = calloc(1, sizeof *spec);
	cid_format(&cid, cid_text);
	snprintf(full, sizeof full, text, cid_text);
	if (!module_parse(str_of(full), m, &e)) {
		print_error("%s\n", e.msg);
		return -1;
	}
	return 0;
}

static int stop(void **state)
{
	(void)state;
	free(m);
	free(spec);
	return 0;
}

/* Pairs from "Key=Value", ended by NULL. */
static size_t pairs_of(const char *const *given, struct input_pair *pairs)
{
	size_t n = 0;

	for (; given[n]; n++)
		pairs[n].key = str_cut(str_of(given[n]), '=', &pairs[n].value);
	return n;
}

#define GIVEN(...) ((const char *const[]){__VA_ARGS__, NULL})

static void check(const char *const *given, struct inputs *in)
{
	struct input_pair pairs[16];
	size_t n = pairs_of(given, pairs);
	struct err e;

	if (!inputs_check(m, pairs, n, 0, in, &e))
		fail_msg("%s", e.msg);
}

static void refused(const char *const *given, const char *words, const char *hint)
{
	struct input_pair pairs[16];
	size_t n = pairs_of(given, pairs);
	struct inputs in;
	struct err e;

	assert_false(inputs_check(m, pairs, n, 0, &in, &e));
	if (e.code != E_MODULE_INPUT || !strstr(e.msg, words) || !strstr(e.hint, hint))
		fail_msg("%s \"%s\" (%s)", err_name(e.code), e.msg, e.hint);
}

static void test_values(void **state)
{
	struct inputs in;

	(void)state;
	check(GIVEN("Text=a=b"), &in);
	assert_true(str_is(in.value[0], "a=b"));
	assert_true(str_is(in.value[1], "3")); /* the default */
	check(GIVEN("Text=", "N=-5", "F=1e3", "Big=18446744073709551615"), &in);
	assert_int_equal(in.value[0].n, 0);
	assert_true(str_is(in.value[1], "-5"));
	check(GIVEN("N=0", "Text=\xc3\xa9"), &in);
}

static void test_refusals(void **state)
{
	static const char *const wrong_n[] = {"", "x", "1.5", "+1", "01", "-0", "10", "-6", " 1",
	        "1 ", "0x1", "99999999999999999999"};
	static const char *const wrong_f[] = {
	        "", "x", "1.", ".5", "01", "1e", "inf", "nan", "1e999", "0x1p3", "-0.1"};
	char pair[64];

	(void)state;
	refused(GIVEN("N=1"), "echo needs the input Text (what is said)", "-i Text=TEXT");
	refused(GIVEN("Text=a", "txet=b"), "echo has no input \"txet\"", "did you mean Text?");
	refused(GIVEN("Text=a", "zzz=b"), "echo has no input \"zzz\"",
	        "Text, N, F, Big, Book, All");
	refused(GIVEN("Text=a", "Text=b"), "given twice", "");
	refused(GIVEN("Text=01234567890"), "Text has 11 bytes: at most 10", "what is said");
	refused(GIVEN("Text=\xff"), "Text is \"?\": text of UTF-8 is wanted", "");
	refused(GIVEN("Text=a", "F=-1"), "a number of at least 0 is wanted", "");
	refused(GIVEN("Text=a", "Big=18446744073709551616"), "an integer of at most", "");
	for (size_t i = 0; i < COUNT(wrong_n); i++) {
		snprintf(pair, sizeof pair, "N=%s", wrong_n[i]);
		refused(GIVEN("Text=a", pair), "an integer from -5 to 9 is wanted", "");
	}
	for (size_t i = 0; i < COUNT(wrong_f); i++) {
		snprintf(pair, sizeof pair, "F=%s", wrong_f[i]);
		refused(GIVEN("Text=a", pair), "a number of at least 0 is wanted", "");
	}
}

static struct spec_input file_at(const char *path)
{
	struct spec_input f = {.file = {{1}}, .bytes = 10};

	snprintf(f.path, sizeof f.path, "%s", path);
	return f;
}

static void test_render(void **state)
{
	struct hash seed = {{5}};
	struct spec_input files[2] = {file_at("books/one.txt"), file_at("more")};
	OWN(buf_done) struct buf json;
	struct job_spec *again = calloc(1, sizeof *again);
	struct inputs in;
	struct err e;

	(void)state;
	check(GIVEN("Text={N};$(x)", "N=7"), &in);
	if (!inputs_render(m, &in, "wasm/test", files, 2, &seed, spec, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(spec->args.n, 5);
	assert_string_equal(spec->args.v[0].text, "echo");
	/* A value is never read again as a template, and no shell sees it. */
	assert_string_equal(spec->args.v[1].text, "{N};$(x)");
	assert_string_equal(spec->args.v[2].text, "--n=7");
	assert_string_equal(spec->args.v[3].text, "{0.5}");
	assert_string_equal(spec->args.v[4].text, "/inputs/books/one.txt");
	assert_string_equal(spec->env.v[0].name, "MODE");
	assert_string_equal(spec->env.v[0].value, "m-{N};$(x)");
	assert_int_equal(spec->version, 1);
	assert_int_equal(spec->executor, EXECUTOR_WASM);
	assert_string_equal(spec->engine, "wasm/test");
	assert_string_equal(spec->entrypoint, "_start");
	assert_true(hash_eq(&spec->module, &m->id));
	assert_int_equal(spec->program.b[0], 7);
	assert_int_equal(spec->program_bytes, 100);
	assert_int_equal(spec->resources.ram, 1000000);
	assert_int_equal(spec->instruction_limit, 1000);
	assert_int_equal(spec->output_limit, 2000);
	assert_int_equal(spec->inputs.n, 2);
	assert_string_equal(spec->outputs.v[0].path, "out.txt");
	assert_true(hash_eq(&spec->seed, &seed));
	/* It is a document: its JSON reads back as the same spec. */
	buf_init(&json, 1u << 20);
	record_canonical(job_spec_record(), spec, &json);
	if (!record_parse(job_spec_record(), buf_view(&json), again, &e))
		fail_msg("%s", e.msg);
	assert_memory_equal(again, spec, sizeof *spec);
	free(again);
}

static void render_refused(const struct spec_input *files, size_t n, const char *words)
{
	struct hash seed = {{0}};
	struct inputs in;
	struct err e;

	check(GIVEN("Text=a", "Book=one.txt", "All=."), &in);
	assert_false(inputs_render(m, &in, "wasm/test", files, n, &seed, spec, &e));
	if (e.code != E_MODULE_INPUT || !strstr(e.msg, words))
		fail_msg("%s \"%s\"", err_name(e.code), e.msg);
}

static void test_files(void **state)
{
	struct spec_input files[SPEC_INPUTS_MAX + 1] = {file_at("a/b"), file_at("a")};

	(void)state;
	render_refused(files, 2, "two inputs at one place: a/b and a");
	files[1] = file_at("a/b");
	render_refused(files, 2, "two inputs at one place");
	files[1] = file_at("../x");
	render_refused(files, 2, "\"../x\" is no path below /inputs");
	files[1] = file_at("a/bc"); /* a name that only begins alike is another place */
	files[1].file = (struct hash){{0}};
	render_refused(files, 2, "the input at a/bc has no content");
	render_refused(files, SPEC_INPUTS_MAX + 1, "at most 64");
	m->m.inputs.v[4].required = true;
	render_refused(files, 1, "echo needs the input Book");
	m->m.inputs.v[4].required = false;
	m->m.inputs.v[5].required = true;
	render_refused(files, 0, "echo needs the input All");
	m->m.inputs.v[5].required = false;
}

/* A required folder that is the whole of /inputs: any file will do. */
static void test_whole_of_inputs(void **state)
{
	struct input_pair pair = {STR("Text"), STR("a")};
	struct inputs in;
	struct err e;

	(void)state;
	m->m.inputs.v[5].required = true;
	assert_false(inputs_check(m, &pair, 1, 0, &in, &e));
	assert_true(strstr(e.hint, "-i All=FOLDER") != NULL);
	assert_true(inputs_check(m, &pair, 1, 1, &in, &e));
	m->m.inputs.v[5].required = false;
}

static void test_no_program(void **state)
{
	struct hash seed = {{0}}, program = m->m.program.cid;
	struct inputs in;
	struct err e;

	(void)state;
	check(GIVEN("Text=a"), &in);
	m->m.program.cid = seed;
	assert_false(inputs_render(m, &in, "wasm/test", NULL, 0, &seed, spec, &e));
	assert_int_equal(e.code, E_MODULE_BAD);
	m->m.program.cid = program;
}

static void test_too_long(void **state)
{
	struct hash seed = {{0}};
	struct inputs in;
	struct err e;
	char *long_text = calloc(1, 1100);

	(void)state;
	memset(long_text, 'x', 1099);
	check(GIVEN("Text=a"), &in);
	in.value[0] = str_of(long_text); /* longer than an environment value may be */
	assert_false(inputs_render(m, &in, "wasm/test", NULL, 0, &seed, spec, &e));
	assert_int_equal(e.code, E_MODULE_INPUT);
	free(long_text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_values),
	        cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_render),
	        cmocka_unit_test(test_files),
	        cmocka_unit_test(test_whole_of_inputs),
	        cmocka_unit_test(test_no_program),
	        cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
