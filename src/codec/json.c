/* json.c - strict parsing, canonical text, and the members of replies that are no record. */
#include "codec/json.h"

#include <stdlib.h>

#include "base/bounds.h"
#include "codec/hex.h"
#include "codec/json_own.h"
#include "codec/json_show.h"

/* The library would recurse 2048 levels: a scan that knows only strings and brackets stops foreign
 * text before that. Where the bracket too many is; without one, the end. */
static size_t too_deep(struct str text)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if ((c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX)
			return i;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return text.n;
}

/* Columns are characters, as the library counts them. */
static bool fail_deep(struct str text, size_t at, struct err *e)
{
	size_t line = 1, column = 0;

	for (size_t i = 0; i <= at; i++) {
		if (((unsigned char)text.p[i] & 0xc0) != 0x80)
			column++;
		if (text.p[i] == '\n') {
			line++;
			column = 0;
		}
	}
	return FAIL(e, JSON_SYNTAX, "line %zu, column %zu: nested deeper than %d levels", line,
	        column, JSON_DEPTH_MAX);
}

/* The library quotes the text near the mistake: it must not carry control characters on. */
static void make_printable(char *text)
{
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

bool json_parse(struct str text, json_t **out, struct err *e)
{
	json_error_t je;
	size_t at;
	json_t *j;

	if (text.n > JSON_TEXT_MAX)
		return FAIL(e, TOO_LARGE, "JSON text of %zu bytes: at most %u are read", text.n,
		        JSON_TEXT_MAX);
	at = too_deep(text);
	if (at < text.n)
		return fail_deep(text, at, e);
	j = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (!j && json_error_code(&je) == json_error_out_of_memory)
		return FAIL(e, MEMORY, "out of memory while parsing JSON of %zu bytes", text.n);
	if (!j) {
		make_printable(je.text);
		return FAIL(e, JSON_SYNTAX, "line %d, column %d: %s", MAX2(je.line, 1),
		        MAX2(je.column, 0), je.text);
	}
	*out = j;
	return true;
}

/* Only what must be escaped is, in the form of RFC 8785. */
void json_put_string(struct str s, struct buf *out)
{
	static const char letter[32] = {
	        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	size_t from = 0;

	buf_byte(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_put(out, s.p + from, i - from);
		from = i + 1;
		if (c >= 0x20)
			buf_fmt(out, "\\%c", c);
		else if (letter[c])
			buf_fmt(out, "\\%c", letter[c]);
		else
			buf_fmt(out, "\\u%04x", c);
	}
	buf_put(out, s.p + from, s.n - from);
	buf_byte(out, '"');
}

/* The fewest digits that read back as the same number. No document has a fraction in it. */
static void put_real(const json_t *j, struct buf *out)
{
	char text[48];

	for (size_t digits = 15; digits <= 17; digits++) {
		size_t n = json_dumpb(
		        j, text, sizeof text - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));

		assert(n > 0 && n < sizeof text);
		text[n] = '\0';
		if (strtod(text, NULL) == json_real_value(j))
			break;
	}
	buf_z(out, text);
}

struct member {
	struct str key;
	const json_t *value;
};

static int member_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void free_members(struct member **m)
{
	free(*m);
}

static void put_object(const json_t *j, struct buf *out)
{
	struct member few[48], *m = few;
	OWN(free_members) struct member *many = NULL;
	size_t n = json_object_size(j), i = 0;
	/* The library wants its iterator from a plain pointer, and changes nothing through it. */
	json_t *obj = (json_t *)(uintptr_t)j;

	if (n > COUNT(few)) {
		m = many = malloc(n * sizeof *many);
		if (!many) {
			out->bad = true;
			return;
		}
	}
	for (void *it = json_object_iter(obj); it; it = json_object_iter_next(obj, it)) {
		m[i].key = (struct str){json_object_iter_key(it), json_object_iter_key_len(it)};
		m[i++].value = json_object_iter_value(it);
	}
	qsort(m, n, sizeof *m, member_cmp);
	buf_byte(out, '{');
	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_byte(out, ',');
		json_put_string(m[i].key, out);
		buf_byte(out, ':');
		json_canonical(m[i].value, out);
	}
	buf_byte(out, '}');
}

void json_canonical(const json_t *j, struct buf *out)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT: put_object(j, out); break;
	case JSON_ARRAY:
		buf_byte(out, '[');
		for (size_t i = 0; i < json_array_size(j); i++) {
			if (i > 0)
				buf_byte(out, ',');
			json_canonical(json_array_get(j, i), out);
		}
		buf_byte(out, ']');
		break;
	case JSON_STRING:
		json_put_string((struct str){json_string_value(j), json_string_length(j)}, out);
		break;
	case JSON_INTEGER: buf_fmt(out, "%" JSON_INTEGER_FORMAT, json_integer_value(j)); break;
	case JSON_REAL: put_real(j, out); break;
	case JSON_TRUE: buf_z(out, "true"); break;
	case JSON_FALSE: buf_z(out, "false"); break;
	case JSON_NULL: buf_z(out, "null"); break;
	}
}

static int to_buf(const char *p, size_t n, void *out)
{
	buf_put(out, p, n);
	return buf_ok(out) ? 0 : -1;
}

void json_pretty(const json_t *j, struct buf *out)
{
	if (json_dump_callback(j, to_buf, out, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY) !=
	        0)
		out->bad = true;
}

/* The member, or NULL with the error filled. */
static const json_t *member_of(const json_t *obj, const char *key, struct err *e)
{
	char shown[JSON_SHOW_MAX];
	const json_t *v;

	if (!json_is_object(obj)) {
		if (obj)
			json_show(obj, shown);
		FAIL(e, JSON_VALUE, "%s is not an object with a member \"%s\"",
		        obj ? shown : "nothing", key);
		return NULL;
	}
	v = json_object_get(obj, key);
	if (!v)
		FAIL(e, JSON_VALUE, "%s is missing", key);
	return v;
}

static bool not_that(const char *key, const json_t *v, const char *right, struct err *e)
{
	char shown[JSON_SHOW_MAX];

	json_show(v, shown);
	return FAIL(e, JSON_VALUE, "%s: %s is not %s", key, shown, right);
}

struct str json_text_of(const json_t *v)
{
	return json_is_string(v) ? (struct str){json_string_value(v), json_string_length(v)}
	                         : STR("");
}

bool json_get_str(const json_t *obj, const char *key, struct str *out, struct err *e)
{
	const json_t *v = member_of(obj, key, e);

	TRY(v, e);
	if (!json_is_string(v))
		return not_that(key, v, "a string", e);
	*out = json_text_of(v);
	return true;
}

const char *json_text(const json_t *obj, const char *key)
{
	const char *text = json_string_value(json_object_get(obj, key));

	return text ? text : "";
}

long long json_number(const json_t *obj, const char *key)
{
	return (long long)json_integer_value(json_object_get(obj, key));
}

bool json_get_u64(const json_t *obj, const char *key, uint64_t *out, struct err *e)
{
	const json_t *v = member_of(obj, key, e);

	TRY(v, e);
	if (json_is_integer(v) && json_integer_value(v) >= 0) {
		*out = (uint64_t)json_integer_value(v);
		return true;
	}
	if (!str_u64(json_text_of(v), UINT64_MAX, out))
		return not_that(key, v, "a number below 2^64 without sign or leading zeros", e);
	return true;
}

bool json_get_addr(const json_t *obj, const char *key, struct addr *out, struct err *e)
{
	const json_t *v = member_of(obj, key, e);
	struct err why;

	TRY(v, e);
	if (!addr_parse(json_text_of(v), out, &why))
		return not_that(
		        key, v, "an address: 0x and 40 hex digits with the EIP-55 checksum", e);
	return true;
}

bool json_get_hash(const json_t *obj, const char *key, struct hash *out, struct err *e)
{
	const json_t *v = member_of(obj, key, e);
	struct err why;

	TRY(v, e);
	if (!hash_parse(json_text_of(v), out, &why))
		return not_that(key, v, "0x and 64 hex digits", e);
	return true;
}

bool json_get_amount(const json_t *obj, const char *key, struct amount *out, struct err *e)
{
	const json_t *v = member_of(obj, key, e);

	TRY(v, e);
	if (!json_is_string(v) || !amount_parse(json_text_of(v), out))
		return not_that(key, v, "token units as a decimal string", e);
	return true;
}

bool json_get_sig(const json_t *obj, const char *key, struct sig *out, struct err *e)
{
	const json_t *v = member_of(obj, key, e);
	struct sig s = {0};
	struct err why;
	size_t n;

	TRY(v, e);
	if (!hex_parse_upto(json_text_of(v), s.b, sizeof s.b, &n, &why) || (n != 64 && n != 65))
		return not_that(key, v, "a signature: 0x and 130 or 128 hex digits", e);
	s.n = (uint8_t)n;
	*out = s;
	return true;
}

json_t *json_of_addr(const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	addr_format(a, text);
	return json_string_nocheck(text);
}

json_t *json_of_hash(const struct hash *h)
{
	char text[HASH_TEXT_MAX];

	hash_format(h, text);
	return json_string_nocheck(text);
}

json_t *json_of_sig(const struct sig *s)
{
	char text[2 * sizeof s->b + 3];

	assert(s->n <= sizeof s->b);
	hex_format(s->b, s->n, text);
	return json_string_nocheck(text);
}

json_t *json_of_amount(struct amount a)
{
	char text[AMOUNT_DEC_MAX];

	amount_format(a, text);
	return json_string_nocheck(text);
}

json_t *json_of_u64(uint64_t v)
{
	char text[U256_DEC_MAX];

	u256_format(u256_of(v), text);
	return json_string_nocheck(text);
}

json_t *json_of_str(struct str s)
{
	OWN(buf_done) struct buf fixed;
	size_t n;

	/* Each bad byte becomes three. */
	buf_init(&fixed, 3 * s.n);
	if (s.n == 0 || (str_is_utf8(s) && !memchr(s.p, '\0', s.n)))
		return json_stringn_nocheck(s.n ? s.p : "", s.n);
	for (size_t i = 0; i < s.n; i += MAX2(n, (size_t)1)) {
		/* A NUL counts as malformed, since strict readers refuse it. */
		n = s.p[i] ? str_char((struct str){s.p + i, s.n - i}) : 0;
		if (n > 0)
			buf_put(&fixed, s.p + i, n);
		else
			buf_z(&fixed, "\xef\xbf\xbd");
	}
	return buf_ok(&fixed) ? json_stringn_nocheck((const char *)fixed.p, fixed.n) : NULL;
}
