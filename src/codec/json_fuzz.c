/* json_fuzz.c - what the parser accepts is read back unchanged from both of its texts. */
#include <stdlib.h>

#include "codec/json.h"

static void again(const json_t *j, const struct buf *text, struct buf *canonical)
{
	OWN(json_own) json_t *k = NULL;
	OWN(buf_done) struct buf second;
	struct err e;

	if (!buf_ok(text) || !json_parse(buf_view(text), &k, &e))
		abort();
	buf_init(&second, 1u << 24);
	json_canonical(j, canonical);
	json_canonical(k, &second);
	if (!buf_ok(&second) || !str_eq(buf_view(canonical), buf_view(&second)))
		abort();
	buf_reset(canonical);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	OWN(json_own) json_t *j = NULL;
	OWN(buf_done) struct buf text, scratch;
	struct err e;

	buf_init(&text, 1u << 24);
	buf_init(&scratch, 1u << 24);
	(void)!err_from_json((struct str){(const char *)p, n}, &e);
	if (!json_parse((struct str){(const char *)p, n}, &j, &e))
		return 0;
	json_canonical(j, &text);
	again(j, &text, &scratch);
	buf_reset(&text);
	json_pretty(j, &text);
	again(j, &text, &scratch);
	return 0;
}
