/* args.c - reading a command line by its table. */
#include "cli/args.h"

#include <string.h>

#include "module/nearest.h"

const struct option_row args_common[] = {
        {"help", 'h', NULL, NULL, false, "show this help"},
        {"json", 0, NULL, NULL, false, "one JSON object on standard output"},
        {"jsonl", 0, NULL, NULL, false, "one JSON object per event on standard output"},
        {"quiet", 'q', NULL, NULL, false, "no progress"},
        {"verbose", 'v', NULL, NULL, false, "more: where an error arose, what was decided"},
        {"network", 'n', "NAME", "network.name", false, "which network (lilypad network show)"},
        {"wallet", 'w', "NAME", "wallet.name", false, "which key (lilypad wallet list)"},
        {"dir", 0, "DIR", "paths.dir", false, "keep all files of this program under DIR"},
        {"log-level", 0, "LEVEL", "log.level", false, "debug, info, odd or broken"},
        {NULL, 0, NULL, NULL, false, NULL},
};

static const struct option_row *find(const struct option_row *rows, struct str name, char letter)
{
	for (; rows && rows->name; rows++) {
		if (letter ? rows->letter == letter : str_is(name, rows->name))
			return rows;
	}
	return NULL;
}

static void nearest(
        const struct option_row *rows, const char *word, const char **best, size_t *cost)
{
	for (; rows && rows->name; rows++) {
		size_t d = nearest_distance(str_of(word), str_of(rows->name));

		if (d < *cost) {
			*cost = d;
			*best = rows->name;
		}
	}
}

static bool unknown(const struct option_row *own, const char *word, struct err *e)
{
	const char *best = NULL;
	size_t cost = 4;

	FAIL(e, USAGE, "unknown option %s", word);
	nearest(own, word + strspn(word, "-"), &best, &cost);
	nearest(args_common, word + strspn(word, "-"), &best, &cost);
	if (best)
		return err_hint(e, "did you mean --%s?", best);
	return err_hint(e, "--help lists the options");
}

static bool keep(struct args *out, const struct option_row *row, const char *value, struct err *e)
{
	if (!row->many && args_get(out, row->name))
		return FAIL(e, USAGE, "--%s is given twice", row->name);
	if (out->given_n >= ARGS_REPEATS_MAX)
		return FAIL(e, USAGE, "more than %d options", ARGS_REPEATS_MAX);
	out->given[out->given_n++] = (struct given){row, value};
	return true;
}

/* One word that starts with '-'; *used says whether the next word was its value. */
static bool option(const struct option_row *own, const char *word, const char *next,
        struct args *out, bool *used, struct err *e)
{
	struct str value = {NULL, 0};
	bool has_value = false;
	const struct option_row *row;

	*used = false;
	if (word[1] == '-') {
		struct str name = str_of(word + 2);
		const char *eq = strchr(word, '=');

		if (eq) {
			name.n = (size_t)(eq - word) - 2;
			value = str_of(eq + 1);
			has_value = true;
		}
		row = find(own, name, 0);
		if (!row)
			row = find(args_common, name, 0);
	} else {
		row = find(own, STR(""), word[1]);
		if (!row)
			row = find(args_common, STR(""), word[1]);
		if (row && word[2] != '\0') {
			value = str_of(word + 2);
			has_value = true;
		}
	}
	if (!row)
		return unknown(own, word, e);
	if (!row->arg) {
		if (has_value)
			return FAIL(e, USAGE, "--%s takes no value", row->name);
		return keep(out, row, "", e);
	}
	if (!has_value) {
		if (!next)
			return FAIL(e, USAGE, "--%s needs a value: %s", row->name, row->arg);
		*used = true;
		value = str_of(next);
	}
	return keep(out, row, value.p, e);
}

bool args_parse(
        const struct option_row *own, int argc, char **argv, struct args *out, struct err *e)
{
	bool options = true;

	memset(out, 0, sizeof *out);
	for (int i = 0; i < argc; i++) {
		const char *w = argv[i];
		bool used;

		if (options && strcmp(w, "--") == 0) {
			options = false;
		} else if (options && w[0] == '-' && w[1] != '\0') {
			TRY(option(own, w, i + 1 < argc ? argv[i + 1] : NULL, out, &used, e), e);
			i += used;
		} else if (out->positional_n < ARGS_POSITIONAL_MAX) {
			out->positional[out->positional_n++] = w;
		} else {
			return FAIL(e, USAGE, "more than %d words", ARGS_POSITIONAL_MAX);
		}
	}
	return true;
}

const char *args_get(const struct args *a, const char *name)
{
	for (size_t i = a->given_n; i-- > 0;) {
		if (strcmp(a->given[i].row->name, name) == 0)
			return a->given[i].value;
	}
	return NULL;
}

bool args_has(const struct args *a, const char *name)
{
	return args_get(a, name) != NULL;
}

const char *args_nth(const struct args *a, const char *name, size_t n)
{
	for (size_t i = 0; i < a->given_n; i++) {
		if (strcmp(a->given[i].row->name, name) == 0 && n-- == 0)
			return a->given[i].value;
	}
	return NULL;
}
