/* value.c - integers with sign and 64 bits, numbers as JSON has them, strings of UTF-8. */
#include "module/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX 63 /* bytes of a number's text */

static bool whole(struct str s, bool *negative, uint64_t *size)
{
	*negative = str_starts(s, "-");
	if (*negative)
		s = (struct str){s.p + 1, s.n - 1};
	return str_u64(s, UINT64_MAX, size) && !(*negative && *size == 0);
}

static size_t digits(struct str s, size_t at)
{
	size_t n = 0;

	while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
		n++;
	return n;
}

/* RFC 8259, 6: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool json_number(struct str s)
{
	size_t at = str_starts(s, "-") ? 1 : 0;
	size_t n = digits(s, at);

	if (n == 0 || (n > 1 && s.p[at] == '0'))
		return false;
	at += n;
	if (at < s.n && s.p[at] == '.') {
		n = digits(s, at + 1);
		if (n == 0)
			return false;
		at += 1 + n;
	}
	if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
		at++;
		if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
			at++;
		n = digits(s, at);
		if (n == 0)
			return false;
		at += n;
	}
	return at == s.n;
}

static bool real(struct str s, double *out)
{
	char text[NUMBER_MAX + 1];

	if (s.n > NUMBER_MAX || !json_number(s))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	*out = strtod(text, NULL);
	return isfinite(*out);
}

bool value_is(enum input_type type, struct str text)
{
	bool negative;
	uint64_t size;
	double d;

	switch (type) {
	case INPUT_INTEGER: return whole(text, &negative, &size);
	case INPUT_NUMBER: return real(text, &d);
	case INPUT_STRING:
	case INPUT_FILE:
	case INPUT_FOLDER: break;
	}
	return str_is_utf8(text) && !(text.n && memchr(text.p, 0, text.n));
}

int value_cmp(enum input_type type, struct str a, struct str b)
{
	bool an = false, bn = false;
	uint64_t as = 0, bs = 0;
	double ad = 0, bd = 0;
	int c;

	if (type == INPUT_NUMBER) {
		bool ok = real(a, &ad) && real(b, &bd);

		assert(ok);
		return ad < bd ? -1 : ad > bd;
	}
	c = whole(a, &an, &as) && whole(b, &bn, &bs);
	assert(c);
	if (an != bn)
		return an ? -1 : 1;
	c = as < bs ? -1 : as > bs;
	return an ? -c : c;
}

/* "an integer from 10 to 200" */
static void wanted(const struct manifest_input *in, enum input_type type, char out[160])
{
	const char *what = type == INPUT_INTEGER  ? "an integer"
	                   : type == INPUT_NUMBER ? "a number"
	                                          : "text of UTF-8";
	const char *lo = in->min, *hi = in->max;

	if (*lo && *hi)
		snprintf(out, 160, "%s from %s to %s", what, lo, hi);
	else if (*lo)
		snprintf(out, 160, "%s of at least %s", what, lo);
	else if (*hi)
		snprintf(out, 160, "%s of at most %s", what, hi);
	else
		snprintf(out, 160, "%s", what);
}

static bool in_range(const struct manifest_input *in, enum input_type type, struct str value)
{
	return (!*in->min || value_cmp(type, value, str_of(in->min)) >= 0) &&
	       (!*in->max || value_cmp(type, value, str_of(in->max)) <= 0);
}

#define SHOWN_MAX 80 /* bytes of a wrong value that are shown */

bool value_check(const struct manifest_input *in, enum input_type type, struct str value,
        enum err_code code, struct err *e)
{
	size_t most = in->max_length ? in->max_length : SPEC_ARG_MAX;
	struct str shown = {value.p, MIN2(value.n, (size_t)SHOWN_MAX)};
	char want[160];

	if ((type == INPUT_FILE || type == INPUT_FOLDER) && value.n == 0 && in->required)
		return err_set(e, code, 0, __FILE__, __LINE__, "%s is empty: a %s is wanted",
		        in->name, in->type);
	if (type == INPUT_FILE || type == INPUT_FOLDER)
		return true;
	if (value_is(type, value) && (type == INPUT_STRING || in_range(in, type, value))) {
		if (type != INPUT_STRING || value.n <= most)
			return true;
		return err_set(e, code, 0, __FILE__, __LINE__,
		        "%s has %zu bytes: at most %zu are taken", in->name, value.n, most);
	}
	wanted(in, type, want);
	return err_set(e, code, 0, __FILE__, __LINE__, "%s is \"%.*s\"%s: %s is wanted", in->name,
	        STR_ARG(shown), shown.n < value.n ? "..." : "", want);
}
