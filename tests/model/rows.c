/* rows.c - the table of transitions: what moved a deal, from which state to which, before its deadline or
 * from it on, how far the next deadline is, and whose free and locked balances changed by how much. The
 * Promela model must give the same table. */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>

/* NONE and BURNT have the clock of openBy. */
static bool before_deadline(const struct view *v, unsigned deal)
{
	return (v->deal[deal].state ? v->deal[deal].left : v->open_left) > 0;
}

static void put_row(
        const struct graph *g, const struct step *s, unsigned deal, char *out, size_t cap)
{
	const struct move *k = &g->m.moves[s->k];
	const struct view *a = s->before, *b = &s->after;
	int32_t d[HOLDERS];

	for (unsigned i = 0; i < HOLDERS; i++)
		d[i] = b->free[i] - a->free[i];
	snprintf(out, cap,
	        "%s %s | %s %s | %s | %s %s %d | JC %+d %+d RP %+d %+d author %+d solver %+d "
	        "mediator %+d sink %+d",
	        view_state_name(a, deal), result_name(a->deal[deal].result), actor_name(k->actor),
	        k->name, before_deadline(a, deal) ? "before" : "from", view_state_name(b, deal),
	        result_name(b->deal[deal].result), b->deal[deal].left, d[HOLD_JC],
	        b->locked[0] - a->locked[0], d[HOLD_RP], b->locked[1] - a->locked[1],
	        d[HOLD_AUTHOR], d[HOLD_SOLVER], d[HOLD_MEDIATOR], d[HOLD_SINK]);
}

void row_add(struct graph *g, const struct step *s)
{
	const struct move *k = &g->m.moves[s->k];
	char row[ROW_MAX] = {0};

	if (!g->run->rows || k->what == DO_DRAIN)
		return;
	put_row(g, s, k->deal, row, sizeof row);
	if (!map_put(&g->rows, row, NULL))
		abort();
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool rows_write(const struct graph *g, const char *path)
{
	const char **rows = calloc(g->rows.n + 1, sizeof *rows);
	FILE *f = fopen(path, "w");
	const void *key;
	void *val;
	size_t n = 0;
	bool ok = rows && f;

	for (size_t i = 0; ok && map_next(&g->rows, &i, &key, &val);)
		rows[n++] = key;
	if (n)
		qsort(rows, n, sizeof *rows, by_text);
	for (size_t i = 0; i < n; i++)
		ok = fprintf(f, "%s\n", rows[i]) > 0 && ok;
	if (f && fclose(f) != 0)
		ok = false;
	free(rows);
	return ok;
}
