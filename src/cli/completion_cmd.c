/* completion_cmd.c - `lilypad completion SHELL`: scripts from the tables of commands and options. */
#include <string.h>

#include "cli/cli.h"

/* The first word of a command, and the second or "". */
static struct str first(const struct command *cmd, struct str *second)
{
	return str_cut(str_of(cmd->name), ' ', second);
}

/* Is it the first row that begins with its word? */
static bool begins_group(size_t i)
{
	struct str rest, word = first(&cli_commands[i], &rest);

	for (size_t k = 0; k < i; k++) {
		if (!cli_commands[k].hidden && str_eq(first(&cli_commands[k], &rest), word))
			return false;
	}
	return true;
}

static void first_words(void)
{
	struct str rest;

	for (size_t i = 0; i < cli_commands_n; i++) {
		if (!cli_commands[i].hidden && begins_group(i))
			printf("%.*s ", STR_ARG(first(&cli_commands[i], &rest)));
	}
	for (size_t i = 0; i < cli_commands_n; i++) {
		if (!cli_commands[i].hidden && cli_commands[i].alias &&
		        !strchr(cli_commands[i].alias, ' '))
			printf("%s ", cli_commands[i].alias);
	}
}

/* "    job) words="list show …" ;;" for every group. */
static void second_words(void)
{
	for (size_t i = 0; i < cli_commands_n; i++) {
		struct str rest, word = first(&cli_commands[i], &rest);
		bool any = false;

		if (cli_commands[i].hidden || !begins_group(i))
			continue;
		for (size_t k = i; k < cli_commands_n; k++) {
			struct str second, other = first(&cli_commands[k], &second);

			if (cli_commands[k].hidden || !str_eq(other, word) || second.n == 0)
				continue;
			if (!any)
				printf("    %.*s) words=\"", STR_ARG(word));
			printf("%.*s ", STR_ARG(second));
			any = true;
		}
		if (any)
			printf("\" ;;\n");
	}
}

static void option_words(const struct option_row *rows)
{
	for (; rows && rows->name; rows++)
		printf("--%s ", rows->name);
}

/* Two words before one, since "ledger" begins "ledger verify" as well. */
static void option_cases(void)
{
	for (int two = 1; two >= 0; two--) {
		for (size_t i = 0; i < cli_commands_n; i++) {
			const struct command *cmd = &cli_commands[i];

			if (cmd->hidden || (strchr(cmd->name, ' ') != NULL) != two)
				continue;
			printf("    \"%s \"*", cmd->name);
			if (cmd->alias)
				printf("|\"%s \"*", cmd->alias);
			printf(") words=\"");
			option_words(cmd->options);
			option_words(args_common);
			printf("\" ;;\n");
		}
	}
}

/* Modules are what `run` takes first. */
#define MODULES "lilypad module list 2>/dev/null | cut -d' ' -f1"
#define SHELLS  "bash zsh fish"

/* The cases of a second word, and what is no table's. */
static void second_cases(void)
{
	second_words();
	printf("    completion) words=\"" SHELLS "\" ;;\n"
	       "    run) words=\"$(" MODULES ")\" ;;\n"
	       "    esac\n  fi\n");
}

static void bash(void)
{
	printf("# bash completion of lilypad: source it, or keep it as a file named lilypad among the "
	       "completions\n_lilypad() {\n"
	       "  local cur=${COMP_WORDS[COMP_CWORD]} line=\"${COMP_WORDS[1]} ${COMP_WORDS[2]} \" words=\n"
	       "  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"");
	first_words();
	printf("\"\n  elif [ \"${cur#-}\" != \"$cur\" ]; then\n    case \"$line\" in\n");
	option_cases();
	printf("    esac\n  elif [ \"$COMP_CWORD\" -eq 2 ]; then\n    case \"${COMP_WORDS[1]}\" in\n");
	second_cases();
	printf("  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	       "complete -o default -F _lilypad lilypad\n");
}

static void zsh(void)
{
	printf("#compdef lilypad\n_lilypad() {\n"
	       "  local cur=\"${words[CURRENT]}\" line=\"${words[2]} ${words[3]} \" given=\"${words[2]}\"\n"
	       "  local n=$CURRENT\n  local words=\n  if [ \"$n\" -eq 2 ]; then words=\"");
	first_words();
	printf("\"\n  elif [ \"${cur#-}\" != \"$cur\" ]; then\n    case \"$line\" in\n");
	option_cases();
	printf("    esac\n  elif [ \"$n\" -eq 3 ]; then\n    case \"$given\" in\n");
	second_cases();
	printf("  if [ -n \"$words\" ]; then compadd -- ${=words}; else _files; fi\n}\n"
	       "compdef _lilypad lilypad\n");
}

/* In single quotes, where fish takes \\ and \' as escapes. */
static void quoted(const char *s)
{
	putchar('\'');
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('\'');
}

static void fish_options(const struct command *cmd, const struct option_row *rows)
{
	struct str second, word = first(cmd, &second);

	for (; rows && rows->name; rows++) {
		printf("complete -c lilypad -n '__fish_seen_subcommand_from %.*s", STR_ARG(word));
		if (second.n)
			printf("; and __fish_seen_subcommand_from %.*s", STR_ARG(second));
		printf("' -l %s", rows->name);
		if (rows->letter)
			printf(" -s %c", rows->letter);
		printf("%s -d ", rows->arg ? " -r" : "");
		quoted(rows->help);
		putchar('\n');
	}
}

static void fish(void)
{
	/* -f: no file names where the tables say which words there are. */
	printf("complete -c lilypad -f -n __fish_use_subcommand\n"
	       "complete -c lilypad -f -n '__fish_seen_subcommand_from completion' -a '" SHELLS
	       "'\n"
	       "complete -c lilypad -f -n '__fish_seen_subcommand_from run' -a '(");
	for (const char *p = MODULES; *p; p++) {
		if (*p == '\'')
			putchar('\\');
		putchar(*p);
	}
	printf(")'\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct command *cmd = &cli_commands[i];
		struct str second, word = first(cmd, &second);

		if (cmd->hidden)
			continue;
		if (begins_group(i)) {
			printf("complete -c lilypad -n __fish_use_subcommand -a %.*s -d ",
			        STR_ARG(word));
			quoted(second.n ? "" : cmd->summary);
			putchar('\n');
		}
		if (second.n) {
			printf("complete -c lilypad -f -n '__fish_seen_subcommand_from %.*s' -a %.*s -d ",
			        STR_ARG(word), STR_ARG(second));
			quoted(cmd->summary);
			putchar('\n');
		}
		fish_options(cmd, cmd->options);
	}
	for (const struct option_row *r = args_common; r->name; r++) {
		printf("complete -c lilypad -l %s%s -d ", r->name, r->arg ? " -r" : "");
		quoted(r->help);
		putchar('\n');
	}
}

int cmd_completion(struct cli *c)
{
	const char *shell = c->args.positional_n == 1 ? c->args.positional[0] : "";
	struct err e;

	if (strcmp(shell, "bash") == 0)
		bash();
	else if (strcmp(shell, "zsh") == 0)
		zsh();
	else if (strcmp(shell, "fish") == 0)
		fish();
	else {
		FAIL(&e, USAGE, "\"%s\" is no shell that is known: bash, zsh or fish", shell);
		return cli_fail(c, &e);
	}
	return 0;
}
