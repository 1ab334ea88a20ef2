/* out.c - what a person or a script sees: errors, sentences, JSON, help. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "codec/json.h"
#include "module/nearest.h"

bool cli_is_terminal(void)
{
	return isatty(STDERR_FILENO) != 0;
}

static void trail(const struct err *e)
{
	for (int i = 0; i < e->trail_n; i++)
		fprintf(stderr, "    at %s:%d\n", e->trail[i].file, e->trail[i].line);
}

/* Whoever failed without advice gets the command that tells more. */
static void complete(const struct cli *c, struct err *e)
{
	if (e->hint[0])
		return;
	if (e->code == E_USAGE && c && c->command)
		(void)err_hint(e, "lilypad %s --help", c->command->name);
	else
		(void)err_hint(e, "lilypad help %s", err_name(e->code));
}

int cli_fail(const struct cli *c, const struct err *why)
{
	const char *mark = getenv("NO_COLOR") || !cli_is_terminal() ? "" : "\033[31m";
	struct err full = *why, *e = &full;
	int code = err_exit(e->code);

	complete(c, e);
	if (c && (c->json || c->jsonl)) {
		cli_print_json(json_pack("{s:o}", "error", err_to_json(e)));
		return code;
	}
	fprintf(stderr, "%s✗ %s%s  %s\n", mark, err_name(e->code), *mark ? "\033[0m" : "", e->msg);
	fprintf(stderr, "  → %s\n", e->hint);
	if (c && c->verbose)
		trail(e);
	return code;
}

/* ---- foreign text ----------------------------------------------------------------------------------- */

enum { TEXT_MAX = 64 << 20 };

/* Bytes of the character at s when a terminal may be shown it; else 0. */
static size_t shown(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t n = str_char(s);

	if (p[0] == '\n' || p[0] == '\t')
		return 1;
	if (p[0] < 0x20 || p[0] == 0x7f || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0))
		return 0;
	/* U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows. */
	if (n == 3 && p[0] == 0xe2 &&
	        ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
	                (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
		return 0;
	return n;
}

void cli_shown(struct str foreign, struct buf *out)
{
	while (foreign.n) {
		size_t n = shown(foreign);

		buf_put(out, n ? foreign.p : "?", n ? n : 1);
		n = MAX2(n, (size_t)1);
		foreign = (struct str){foreign.p + n, foreign.n - n};
	}
}

bool cli_put(FILE *to, struct str foreign)
{
	struct buf b OWN(buf_done) = {0};

	buf_init(&b, TEXT_MAX);
	if (isatty(fileno(to))) {
		cli_shown(foreign, &b);
		foreign = buf_view(&b);
	}
	return foreign.n == 0 || fwrite(foreign.p, 1, foreign.n, to) == foreign.n;
}

static void put_formatted(FILE *to, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static void put_formatted(FILE *to, const char *fmt, va_list ap)
{
	struct buf b OWN(buf_done) = {0};

	buf_init(&b, TEXT_MAX);
	buf_vfmt(&b, fmt, ap);
	(void)!cli_put(to, buf_view(&b));
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet || c->json || c->jsonl)
		return;
	va_start(ap, fmt);
	put_formatted(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void cli_print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_formatted(stdout, fmt, ap);
	va_end(ap);
}

void cli_print_json(json_t *j)
{
	struct buf b OWN(buf_done) = {0};

	buf_init(&b, 64u << 20);
	json_canonical(j, &b);
	json_decref(j);
	printf("%s\n", buf_cstr(&b));
	fflush(stdout);
}

static void options_help(const struct option_row *rows, FILE *to)
{
	for (; rows && rows->name; rows++) {
		char left[64], env[80];
		int n = rows->letter ? snprintf(left, sizeof left, "-%c, ", rows->letter)
		                     : snprintf(left, sizeof left, "    ");

		snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", rows->name,
		        rows->arg ? " " : "", rows->arg ? rows->arg : "");
		fprintf(to, "  %-30s %s%s", left, rows->help,
		        rows->many ? " (may be repeated)" : "");
		if (rows->setting)
			fprintf(to, " [%s]", settings_env_name(rows->setting, env));
		fputc('\n', to);
	}
}

void cli_help(const struct command *cmd, FILE *to)
{
	fprintf(to, "lilypad %s %s\n\n%s\n", cmd->name, cmd->usage, cmd->summary);
	if (cmd->alias)
		fprintf(to, "Also called: lilypad %s\n", cmd->alias);
	fprintf(to, "\nOptions:\n");
	options_help(cmd->options, to);
	options_help(args_common, to);
}

void cli_help_all(FILE *to)
{
	fprintf(to,
	        "lilypad: an open market for outsourced computation\n\n"
	        "  lilypad demo                            the whole market on this machine, one job, paid\n"
	        "  lilypad run cowsay -i Message=moo       buy one job\n\nCommands:\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		if (!cli_commands[i].hidden)
			fprintf(to, "  %-18s %s\n", cli_commands[i].name, cli_commands[i].summary);
	}
	fprintf(to, "\n`lilypad COMMAND --help` tells the rest.\n");
}

/* Two words first, then one; an alias is as good as a name. */
static const struct command *exact(const char *name)
{
	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct command *cmd = &cli_commands[i];

		if (strcmp(cmd->name, name) == 0 || (cmd->alias && strcmp(cmd->alias, name) == 0))
			return cmd;
	}
	return NULL;
}

/* "job" alone: the words that may follow. */
static bool is_group(const char *word, struct buf *seconds)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct command *cmd = &cli_commands[i];

		if (!cmd->hidden && strncmp(cmd->name, word, n) == 0 && cmd->name[n] == ' ')
			buf_fmt(seconds, "%s%s", seconds->n ? ", " : "", cmd->name + n + 1);
	}
	return seconds->n > 0;
}

static bool only_group(const char *word, const char *second, struct err *e)
{
	struct buf seconds OWN(buf_done) = {0};

	buf_init(&seconds, 512);
	if (!is_group(word, &seconds))
		return false;
	if (second)
		FAIL(e, USAGE, "%s has no command %s: %s", word, second, buf_cstr(&seconds));
	else
		FAIL(e, USAGE, "%s needs one of: %s", word, buf_cstr(&seconds));
	(void)err_hint(e, "lilypad help %s", word);
	return true;
}

bool cli_find(int argc, char **argv, const struct command **out, int *words, struct err *e)
{
	const char *best = NULL;
	size_t cost = 4;
	char two[80];

	if (argc >= 2 && argv[1][0] != '-') {
		snprintf(two, sizeof two, "%s %s", argv[0], argv[1]);
		*out = exact(two);
		*words = 2;
		if (*out)
			return true;
	} else {
		snprintf(two, sizeof two, "%s", argv[0]);
	}
	*out = exact(argv[0]);
	*words = 1;
	if (*out)
		return true;
	for (size_t i = 0; i < cli_commands_n; i++) {
		size_t d = nearest_distance(str_of(two), str_of(cli_commands[i].name));
		size_t d1 = nearest_distance(str_of(argv[0]), str_of(cli_commands[i].name));

		d = MIN2(d, d1);
		if (d < cost && !cli_commands[i].hidden) {
			cost = d;
			best = cli_commands[i].name;
		}
	}
	if (only_group(argv[0], argc >= 2 && argv[1][0] != '-' ? argv[1] : NULL, e))
		return best && strchr(best, ' ') && argc >= 2
		               ? err_hint(e, "did you mean `lilypad %s`?", best)
		               : false;
	FAIL(e, USAGE, "no command is named %s", two);
	if (best)
		return err_hint(e, "did you mean `lilypad %s`?", best);
	return err_hint(e, "`lilypad --help` lists the commands");
}
