/* json_show.c - foreign values in error messages. */
#include "codec/json_show.h"

#include <stdio.h>

void json_show_text(struct str s, char out[JSON_SHOW_MAX])
{
	size_t n = MIN2(s.n, (size_t)JSON_SHOW_TEXT), at = 0;

	/* Never cut a character in half. */
	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	out[at++] = '"';
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		out[at++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	snprintf(out + at, JSON_SHOW_MAX - at, "%s\"", n < s.n ? "…" : "");
}

void json_show(const json_t *v, char out[JSON_SHOW_MAX])
{
	const char *what = "null";

	switch (json_typeof(v)) {
	case JSON_STRING:
		json_show_text((struct str){json_string_value(v), json_string_length(v)}, out);
		return;
	case JSON_INTEGER:
		snprintf(out, JSON_SHOW_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return;
	case JSON_REAL: snprintf(out, JSON_SHOW_MAX, "%.17g", json_real_value(v)); return;
	case JSON_OBJECT: what = "an object"; break;
	case JSON_ARRAY: what = "an array"; break;
	case JSON_TRUE: what = "true"; break;
	case JSON_FALSE: what = "false"; break;
	case JSON_NULL: break;
	}
	snprintf(out, JSON_SHOW_MAX, "%s", what);
}
