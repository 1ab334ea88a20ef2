/* out.c - what a person or a script sees: errors, sentences, JSON, help. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "codec/json.h"

bool cli_is_terminal(void)
{
	return isatty(STDERR_FILENO) != 0;
}

static void trail(const struct err *e)
{
	for (int i = 0; i < e->trail_n; i++)
		fprintf(stderr, "    at %s:%d\n", e->trail[i].file, e->trail[i].line);
}

int cli_fail(const struct cli *c, const struct err *e)
{
	const char *mark = getenv("NO_COLOR") || !cli_is_terminal() ? "" : "\033[31m";
	int code = err_exit(e->code);

	if (c && (c->json || c->jsonl)) {
		struct buf b OWN(buf_done) = {0};
		json_t *j = json_pack("{s:o}", "error", err_to_json(e));

		buf_init(&b, 1 << 16);
		json_canonical(j, &b);
		json_decref(j);
		printf("%s\n", buf_cstr(&b));
		return code;
	}
	fprintf(stderr, "%s✗ %s%s  %s\n", mark, err_name(e->code), *mark ? "\033[0m" : "", e->msg);
	if (e->hint[0])
		fprintf(stderr, "  → %s\n", e->hint);
	if (c && c->verbose)
		trail(e);
	return code;
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet || c->json || c->jsonl)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
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
		size_t d = edit_distance(two, cli_commands[i].name);
		size_t d1 = edit_distance(argv[0], cli_commands[i].name);

		d = MIN2(d, d1);
		if (d < cost && !cli_commands[i].hidden) {
			cost = d;
			best = cli_commands[i].name;
		}
	}
	FAIL(e, USAGE, "no command is named %s", two);
	if (best)
		return err_hint(e, "did you mean `lilypad %s`?", best);
	return err_hint(e, "`lilypad --help` lists the commands");
}
