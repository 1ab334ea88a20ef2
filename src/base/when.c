/* when.c - times as text. */
#include "base/when.h"

#include <stdio.h>

/* Days since 1970-01-01 to a civil date (proleptic Gregorian). */
static void civil(int64_t days, int *y, int *m, int *d)
{
	int64_t z = days + 719468; /* days from 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

size_t wall_format(struct wall w, char out[WALL_TEXT_MAX])
{
	int64_t day_ms = 86400000;
	/* Rounded towards the past, before 1970 too. */
	int64_t rest = w.ms % day_ms + (w.ms % day_ms < 0 ? day_ms : 0);
	int64_t days = w.ms / day_ms - (w.ms % day_ms < 0);
	int y, m, d;

	civil(days, &y, &m, &d);
	return (size_t)snprintf(out, WALL_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	        y % 10000, m, d, (int)(rest / 3600000), (int)(rest / 60000 % 60),
	        (int)(rest / 1000 % 60), (int)(rest % 1000));
}

bool span_parse(struct str s, struct span *out)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
	        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"", 1000}};
	size_t n = 0;
	uint64_t v;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	if (!str_u64((struct str){s.p, n}, SPAN_MAX_MS, &v))
		return false;
	for (size_t i = 0; i < COUNT(units); i++) {
		if (str_is((struct str){s.p + n, s.n - n}, units[i].unit)) {
			if ((int64_t)v > SPAN_MAX_MS / units[i].ms)
				return false;
			out->ms = (int64_t)v * units[i].ms;
			return true;
		}
	}
	return false;
}
