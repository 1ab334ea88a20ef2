/* alike.c - two JSON values side by side; the parser bounds their depth. */
#include "verify/alike.h"

#include <math.h>

#include "codec/json.h"

static uint64_t magnitude(json_int_t v)
{
	return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* Of two signed 64-bit numbers; the difference has 65 bits. */
static bool integers(json_int_t a, json_int_t b, unsigned tolerance)
{
	unsigned __int128 gap =
	        a > b ? (unsigned __int128)((__int128)a - b) : (unsigned __int128)((__int128)b - a);
	uint64_t most = MAX2(magnitude(a), magnitude(b));

	return gap * 1000 <= (unsigned __int128)most * tolerance;
}

static bool numbers(const json_t *a, const json_t *b, unsigned tolerance)
{
	double x, y;

	if (json_is_integer(a) && json_is_integer(b))
		return integers(json_integer_value(a), json_integer_value(b), tolerance);
	x = json_number_value(a);
	y = json_number_value(b);
	/* Divided first: the product of a large number would be infinite. */
	return fabs(x / 2 - y / 2) <= MAX2(fabs(x), fabs(y)) / 2000 * tolerance;
}

static bool values(json_t *a, json_t *b, unsigned tolerance);

static bool arrays(json_t *a, json_t *b, unsigned tolerance)
{
	size_t n = json_array_size(a);

	if (json_array_size(b) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!values(json_array_get(a, i), json_array_get(b, i), tolerance))
			return false;
	}
	return true;
}

static bool objects(json_t *a, json_t *b, unsigned tolerance)
{
	const char *key;
	json_t *v;

	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach (a, key, v) {
		if (!values(v, json_object_get(b, key), tolerance))
			return false;
	}
	return true;
}

static bool values(json_t *a, json_t *b, unsigned tolerance)
{
	if (json_is_number(a) && json_is_number(b))
		return numbers(a, b, tolerance);
	if (!a || !b || json_typeof(a) != json_typeof(b))
		return false;
	switch (json_typeof(a)) {
	case JSON_OBJECT: return objects(a, b, tolerance);
	case JSON_ARRAY: return arrays(a, b, tolerance);
	case JSON_STRING: return str_eq(json_text_of(a), json_text_of(b));
	case JSON_INTEGER:
	case JSON_REAL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL: break;
	}
	return true;
}

bool alike_json(struct str a, struct str b, unsigned tolerance)
{
	json_t *x OWN(json_own) = NULL, *y OWN(json_own) = NULL;
	struct err e;

	return a.n <= ALIKE_MAX && b.n <= ALIKE_MAX && json_parse(a, &x, &e) &&
	       json_parse(b, &y, &e) && values(x, y, tolerance);
}
