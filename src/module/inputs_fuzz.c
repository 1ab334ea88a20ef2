/* inputs_fuzz.c - what a user gives, a line for each Key=Value: refused with words, or a job spec whose texts are
 * within their bounds and which is read again as it was written. */
#include <stdlib.h>

#include "codec/json.h"
#include "module/inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAIRS_MAX = 40 };

static const char manifest[] =
        "{\"name\":\"echo\",\"version\":\"1.2.3\",\"description\":\"says it\",\"executor\":\"wasm\","
        "\"program\":{\"cid\":\"bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354\","
        "\"bytes\":\"100\"},"
        "\"args\":[\"echo\",\"{Text}\",\"--n={N}\",\"{{{F}}\",\"{Book}{Text}{Text}\"],"
        "\"env\":[{\"name\":\"MODE\",\"value\":\"m-{Text}\"}],"
        "\"inputs\":[{\"name\":\"Text\",\"type\":\"string\",\"required\":true,\"maxLength\":100},"
        "{\"name\":\"N\",\"type\":\"integer\",\"default\":\"3\",\"min\":\"-5\",\"max\":\"9\"},"
        "{\"name\":\"F\",\"type\":\"number\",\"default\":\"0.5\",\"min\":\"0\",\"max\":\"1e9\"},"
        "{\"name\":\"Big\",\"type\":\"integer\",\"default\":\"0\",\"max\":\"18446744073709551615\"},"
        "{\"name\":\"Book\",\"type\":\"file\",\"path\":\"books/one.txt\"}],"
        "\"outputs\":[{\"path\":\"out.txt\"}],"
        "\"resources\":{\"cpu\":100,\"ram\":\"1000000\",\"disk\":\"5\"},"
        "\"limits\":{\"instructions\":\"1000\",\"outputBytes\":\"2000\"},\"determinism\":\"exact\"}";

static void render(const struct module *m, const struct inputs *in, struct job_spec *spec)
{
	const struct spec_input file = {.path = "books/one.txt", .file = {{1}}, .bytes = 5};
	struct job_spec *again = calloc(1, sizeof *again);
	struct buf text OWN(buf_done) = {0};
	struct hash seed = {{9}};
	struct err e;
	bool ok;

	assert(again);
	if (inputs_render(m, in, "wasm/test", &file, 1, &seed, spec, &e)) {
		buf_init(&text, 1 << 22);
		record_canonical(job_spec_record(), spec, &text);
		ok = buf_ok(&text) && record_parse(job_spec_record(), buf_view(&text), again, &e);
		assert(ok && memcmp(spec, again, sizeof *again) == 0);
	} else {
		assert(e.code == E_MODULE_INPUT && e.msg[0]);
	}
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct module m; /* allow-listed static: of a test program */
	struct job_spec *spec = calloc(1, sizeof *spec);
	struct input_pair pairs[PAIRS_MAX];
	struct str rest = {(const char *)data, size};
	struct inputs in;
	struct err e;
	size_t n = 0;

	if (!m.m.name[0]) {
		bool ok = module_parse(str_of(manifest), &m, &e);

		assert(ok);
	}
	assert(spec);
	while (rest.n && n < PAIRS_MAX) {
		struct str line = str_cut(rest, '\n', &rest);

		pairs[n].key = str_cut(line, '=', &pairs[n].value);
		n++;
	}
	if (inputs_check(&m, pairs, n, 1, &in, &e))
		render(&m, &in, spec);
	else
		assert(e.code == E_MODULE_INPUT && e.msg[0]);
	free(spec);
	return 0;
}
