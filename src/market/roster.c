/* roster.c - lines in order of sequence; levels of hashes that are renewed from the first change on. */
#include "market/roster.h"

#include <stdlib.h>
#include <string.h>

#include "codec/merkle.h"

void roster_init(struct roster *r)
{
	*r = (struct roster){0};
}

void roster_done(struct roster *r)
{
	free(r->lines);
	for (unsigned l = 0; l < ROSTER_LEVELS; l++)
		free(r->level[l]);
	roster_init(r);
}

bool roster_add(struct roster *r, uint64_t sequence, const struct hash *id)
{
	assert(r->n == 0 || sequence > r->lines[r->n - 1].sequence);
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 64;
		struct roster_line *lines = realloc(r->lines, cap * sizeof *lines);

		if (!lines)
			return false;
		r->lines = lines;
		r->cap = cap;
	}
	r->dirty = MIN2(r->dirty, r->n);
	r->lines[r->n++] = (struct roster_line){sequence, *id, false};
	r->last = sequence;
	return true;
}

/* Close the lines up. Those before the first change stay where they are. */
static void compact(struct roster *r)
{
	size_t to = r->dirty;

	for (size_t from = r->dirty; from < r->n; from++) {
		if (!r->lines[from].gone)
			r->lines[to++] = r->lines[from];
	}
	r->n = to;
	r->gone = 0;
}

bool roster_remove(struct roster *r, uint64_t sequence)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->lines[mid].sequence < sequence)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == r->n || r->lines[lo].sequence != sequence || r->lines[lo].gone)
		return false;
	r->lines[lo].gone = true;
	r->gone++;
	r->dirty = MIN2(r->dirty, lo);
	if (r->gone > 64 + r->n / 2)
		compact(r);
	return true;
}

static bool room(struct roster *r, unsigned l, size_t n)
{
	struct hash *v;

	if (n <= r->level_cap[l])
		return true;
	v = realloc(r->level[l], (n + n / 2) * sizeof *v);
	if (!v)
		return false;
	r->level[l] = v;
	r->level_cap[l] = n + n / 2;
	return true;
}

bool roster_root(struct roster *r, struct hash *out)
{
	size_t n, from;

	if (r->gone)
		compact(r);
	n = r->n;
	from = r->dirty;
	if (n == 0) {
		*out = (struct hash){{0}};
		return true;
	}
	if (!room(r, 0, n))
		return false;
	for (size_t i = from; i < n; i++)
		merkle_leaf(&r->lines[i].id, &r->level[0][i]);
	for (unsigned l = 0; n > 1; l++) {
		size_t up = (n + 1) / 2;

		if (!room(r, l + 1, up))
			return false;
		for (size_t i = from / 2; i < up; i++) {
			if (2 * i + 1 < n)
				merkle_node(&r->level[l][2 * i], &r->level[l][2 * i + 1],
				        &r->level[l + 1][i]);
			else
				r->level[l + 1][i] = r->level[l][2 * i];
		}
		/* The node that was last before may have got a sibling. */
		from /= 2;
		n = up;
		*out = r->level[l + 1][0];
	}
	if (r->n == 1)
		*out = r->level[0][0];
	r->dirty = r->n;
	return true;
}

size_t roster_work(const struct roster *r)
{
	return r->n - r->dirty;
}
