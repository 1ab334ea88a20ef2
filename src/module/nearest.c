/* nearest.c - edit distance with swaps (optimal string alignment), three rows at a time. */
#include "module/nearest.h"

#define LONG 63

static char low(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

size_t nearest_distance(struct str a, struct str b)
{
	size_t rows[3][LONG + 1];

	if (a.n > LONG || b.n > LONG)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *now = rows[i % 3];
		const size_t *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t same = low(a.p[i - 1]) == low(b.p[j - 1]) ? 0 : 1;
			size_t d = up[j - 1] + same;

			d = MIN2(d, up[j] + 1);
			d = MIN2(d, now[j - 1] + 1);
			if (i > 1 && j > 1 && low(a.p[i - 1]) == low(b.p[j - 2]) &&
			        low(a.p[i - 2]) == low(b.p[j - 1]))
				d = MIN2(d, up2[j - 2] + 1);
			now[j] = d;
		}
	}
	return rows[a.n % 3][b.n];
}

static bool starts(struct str name, struct str typed)
{
	for (size_t i = 0; i < typed.n; i++) {
		if (i >= name.n || low(name.p[i]) != low(typed.p[i]))
			return false;
	}
	return typed.n >= 2;
}

const char *nearest_name(struct str typed, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t cost = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		struct str name = str_of(names[i]);
		size_t d = nearest_distance(typed, name);
		size_t most = MAX2(typed.n, name.n) / 3;

		if (d <= MAX2(most, (size_t)1) && d < MAX2(typed.n, name.n) && d < cost) {
			best = names[i];
			cost = d;
		}
	}
	for (size_t i = 0; !best && i < n; i++) {
		if (starts(str_of(names[i]), typed))
			best = names[i];
	}
	return best;
}
