/* args.h - command lines from tables: options, help and shell completion come from the same rows. */
#ifndef LILYPAD_CLI_ARGS_H
#define LILYPAD_CLI_ARGS_H

#include "base/err.h"
#include "base/str.h"

#define ARGS_REPEATS_MAX    128 /* values of repeatable options, all together */
#define ARGS_POSITIONAL_MAX 16

struct cli;

struct option_row {
	const char *name;    /* long, without dashes */
	char letter;         /* 0: none */
	const char *arg;     /* "FILE"; NULL: a flag */
	const char *setting; /* key that it overrides; NULL: read by the command itself */
	bool many;           /* may be repeated */
	const char *help;
};

struct command {
	const char *name;                 /* "job list": at most two words */
	const char *alias;                /* NULL: none */
	const char *usage;                /* after the name */
	const char *summary;              /* one line */
	const struct option_row *options; /* ends with a NULL name; NULL: none */
	int (*run)(struct cli *c);
	bool hidden;
};

struct given {
	const struct option_row *row;
	const char *value; /* "" for a flag */
};

struct args {
	struct given given[ARGS_REPEATS_MAX];
	size_t given_n;
	const char *positional[ARGS_POSITIONAL_MAX];
	size_t positional_n;
};

struct cli;

/* Options that every command has. */
extern const struct option_row args_common[];

/* argv without the command's own words. USAGE names the word and the nearest option. */
MUST bool args_parse(
        const struct option_row *own, int argc, char **argv, struct args *out, struct err *e);
/* The last value given, or NULL. */
const char *args_get(const struct args *a, const char *name);
MUST bool args_has(const struct args *a, const char *name);
/* The i-th value of a repeatable option, or NULL. */
const char *args_nth(const struct args *a, const char *name, size_t i);

#endif
