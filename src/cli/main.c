/* main.c - one binary: from a command line to the command. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "codec/json_pool.h"
#include "host/host.h"

static bool make_places(struct cli *c, struct err *e)
{
	const char *dir = args_get(&c->args, "dir");

	if (!dir)
		dir = getenv("LILYPAD_PATHS_DIR");
	return places_find(dir, &c->places, e);
}

/* Also a wrong command line is answered in the form that it asks for. */
static void read_form(struct cli *c, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		c->json = c->json || strcmp(argv[i], "--json") == 0;
		c->jsonl = c->jsonl || strcmp(argv[i], "--jsonl") == 0;
	}
}

int main(int argc, char **argv)
{
	struct cli c = {.self = "/proc/self/exe"};
	char profile[CLI_PATH_MAX + 16];
	struct err e;
	int words = 0, rc;

	json_pool_use();
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		cli_help_all(argc < 2 ? stderr : stdout);
		return argc < 2 ? err_exit(E_USAGE) : 0;
	}
	if (strcmp(argv[1], "--version") == 0)
		argv[1] = (char[]){"version"};
	read_form(&c, argc, argv);
	if (!cli_find(argc - 1, argv + 1, &c.command, &words, &e))
		return cli_fail(&c, &e);
	if (c.command->hidden)
		return cmd_exec_wasm_main(argc - 1, argv + 1);
	if (!args_parse(c.command->options, argc - 1 - words, argv + 1 + words, &c.args, &e))
		return cli_fail(&c, &e);
	if (args_has(&c.args, "help")) {
		cli_help(c.command, stdout);
		return 0;
	}
	c.json = args_has(&c.args, "json");
	c.jsonl = args_has(&c.args, "jsonl");
	c.quiet = args_has(&c.args, "quiet");
	c.verbose = args_has(&c.args, "verbose");
	if (!make_places(&c, &e))
		return cli_fail(&c, &e);
	snprintf(profile, sizeof profile, "%s/lilypad.ini", c.places.config);
	if (!settings_new(profile, &c.args, &c.settings, &e))
		return cli_fail(&c, &e);
	while ((rc = c.command->run(&c)) == HOST_AGAIN)
		c.again = true;
	settings_free(c.settings);
	return rc;
}
