/* hex_fuzz.c - what a parser takes, its writer gives back letter for letter (hex: case aside). */
#include "codec/hex.h"

#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES = 128 };

typedef size_t format_fn(const void *, size_t, char *);
typedef bool parse_fn(struct str, void *, size_t, size_t *);

static void same(format_fn *format, parse_fn *parse, struct str s)
{
	uint8_t bytes[BYTES];
	char text[2 * BYTES + 3];
	size_t n;

	if (!parse(s, bytes, sizeof bytes, &n))
		return;
	assert(n <= sizeof bytes);
	assert(str_eq((struct str){text, format(bytes, n, text)}, s));
}

/* Bytes, whatever they are, have a text that is read back as they are. */
static void back(format_fn *format, parse_fn *parse, const uint8_t *data, size_t size)
{
	uint8_t bytes[BYTES];
	char text[2 * BYTES + 3];
	size_t n, len = format(data, size, text);
	bool ok = parse((struct str){text, len}, bytes, sizeof bytes, &n);

	assert(ok && n == size && memcmp(bytes, data, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};
	uint8_t bytes[BYTES];
	char text[2 * BYTES + 3];
	struct addr a;
	struct err e;
	size_t n;

	if (hex_parse_upto(s, bytes, sizeof bytes, &n, &e))
		assert(hex_format(bytes, n, text) == size && strncasecmp(text, s.p, size) == 0);
	else
		assert(e.code == E_ENCODING && e.msg[0]);
	if (addr_parse(s, &a, &e))
		assert(addr_format(&a, text) == size && strncasecmp(text, s.p, size) == 0);
	else
		assert(e.code == E_ENCODING && e.msg[0]);
	same(base32_format, base32_parse, s);
	same(base58_format, base58_parse, s);
	same(base64url_format, base64url_parse, s);
	if (size <= BYTES) {
		back(base32_format, base32_parse, data, size);
		back(base58_format, base58_parse, data, size);
		back(base64url_format, base64url_parse, data, size);
	}
	return 0;
}
