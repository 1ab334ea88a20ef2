/* gen_docs_cli.c - settings, commands and routes as Markdown, commands as manual pages. */
#include "gen_docs.h"

#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/version.h"
#include "creator/creator.h"
#include "directory/directory.h"
#include "host/host.h"
#include "ledgerd/ledgerd.h"
#include "mediator/mediator.h"
#include "provider/provider.h"
#include "relay/relay.h"
#include "solver/solver.h"

enum { PAGE_MAX = 1 << 16 };

/* ---- settings -------------------------------------------------------------------------------------- */

void put_settings(struct buf *out)
{
	char env[80];

	buf_z(out, "\n| key | environment | default | kind | meaning |\n"
	           "| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < setting_rows_n; i++) {
		const struct setting_row *r = &setting_rows[i];

		buf_z(out, "|");
		put_fmt_cell(out, "`%s`", r->key);
		put_fmt_cell(out, "`%s`", settings_env_name(r->key, env));
		if (r->standard[0])
			put_fmt_cell(out, "`%s`", r->standard);
		else
			put_cell(out, "");
		put_cell(out, setting_kind_name(r->kind));
		put_cell(out, r->meaning);
		buf_z(out, "\n");
	}
}

/* ---- commands -------------------------------------------------------------------------------------- */

static void put_options(struct buf *out, const struct option_row *rows)
{
	buf_z(out, "| option | setting | meaning |\n| --- | --- | --- |\n");
	for (; rows->name; rows++) {
		char letter[8] = "";

		if (rows->letter)
			snprintf(letter, sizeof letter, "-%c, ", rows->letter);
		buf_z(out, "|");
		put_fmt_cell(out, "`%s--%s%s%s`", letter, rows->name, rows->arg ? " " : "",
		        rows->arg ? rows->arg : "");
		if (rows->setting)
			put_fmt_cell(out, "`%s`", rows->setting);
		else
			put_cell(out, "");
		put_fmt_cell(out, "%s%s", rows->help, rows->many ? " (may be repeated)" : "");
		buf_z(out, "\n");
	}
}

void put_commands(struct buf *out)
{
	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct command *cmd = &cli_commands[i];

		if (cmd->hidden)
			continue;
		buf_fmt(out, "\n## lilypad %s\n\n```\nlilypad %s%s%s\n```\n\n", cmd->name,
		        cmd->name, cmd->usage[0] ? " " : "", cmd->usage);
		buf_fmt(out, "What it does: %s.", cmd->summary);
		if (cmd->alias)
			buf_fmt(out, " Also called `lilypad %s`.", cmd->alias);
		buf_z(out, "\n");
		if (cmd->options) {
			buf_z(out, "\n");
			put_options(out, cmd->options);
		}
	}
}

void put_common_options(struct buf *out)
{
	buf_z(out, "\n");
	put_options(out, args_common);
}

/* ---- routes ---------------------------------------------------------------------------------------- */

static void put_route(struct buf *out, const struct route *r)
{
	static const char *const auths[] = {
	        [AUTH_NONE] = "none", [AUTH_OPTIONAL] = "optional", [AUTH_REQUEST] = "signed"};
	static const char *const bodies[] = {
	        [BODY_NONE] = "none", [BODY_JSON] = "JSON", [BODY_TREE] = "a tree as CAR"};

	buf_z(out, "|");
	put_fmt_cell(out, "`%s`", r->method);
	put_fmt_cell(out, "`%s`", r->path);
	put_cell(out, auths[r->auth]);
	if (r->body_max)
		put_fmt_cell(
		        out, "%s, %llu bytes", bodies[r->body], (unsigned long long)r->body_max);
	else
		put_cell(out, bodies[r->body]);
	put_cell(out, r->meaning);
	buf_z(out, "\n");
}

static void put_role(struct buf *out, const char *name, const struct route *rows, size_t n)
{
	buf_fmt(out, "\n## %s\n\n", name);
	buf_z(out, "| method | path | request is | body | meaning |\n"
	           "| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < n; i++)
		put_route(out, &rows[i]);
}

/* Which routes a role has does not depend on an instance. */
void put_routes(struct buf *out)
{
	const struct role roles[] = {ledgerd_role(NULL), solver_role(NULL), directory_role(NULL),
	        provider_role(NULL), creator_role(NULL), mediator_role(NULL), relay_role(NULL)};

	for (size_t i = 0; i < COUNT(roles); i++)
		put_role(out, roles[i].name, roles[i].routes, roles[i].routes_n);
	put_role(out, "every daemon", host_routes, host_routes_n);
}

/* ---- manual pages ---------------------------------------------------------------------------------- */

/* As roff text: a hyphen is a hyphen, no line begins with a control character. */
static void put_roff(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_z(out, "\\&");
	for (; *text; text++) {
		if (*text == '-')
			buf_z(out, "\\-");
		else if (*text == '\\')
			buf_z(out, "\\e");
		else
			buf_byte(out, (uint8_t)*text);
	}
}

/* "job list" as "lilypad-job-list". */
static const char *page_name(const struct command *cmd, char out[64])
{
	int n = snprintf(out, 64, "lilypad-%s", cmd->name);

	for (int i = 0; i < n; i++) {
		if (out[i] == ' ')
			out[i] = '-';
	}
	return out;
}

static void put_head(struct buf *out, const char *page, const char *summary)
{
	buf_z(out, ".TH \"");
	put_roff(out, page);
	buf_fmt(out, "\" 1 \"\" \"lilypad %s\" \"User commands\"\n.SH NAME\n", LILYPAD_VERSION);
	put_roff(out, page);
	buf_z(out, " \\- ");
	put_roff(out, summary);
	buf_z(out, "\n");
}

static void put_option_paragraphs(struct buf *out, const struct option_row *rows)
{
	char env[80];

	for (; rows && rows->name; rows++) {
		buf_z(out, ".TP\n.B ");
		if (rows->letter)
			buf_fmt(out, "\\-%c, ", rows->letter);
		buf_z(out, "\\-\\-");
		put_roff(out, rows->name);
		if (rows->arg) {
			buf_z(out, " \\fI");
			put_roff(out, rows->arg);
			buf_z(out, "\\fR");
		}
		buf_z(out, "\n");
		put_roff(out, rows->help);
		buf_z(out, rows->many ? " (may be repeated)\n" : "\n");
		if (rows->setting)
			buf_fmt(out, ".br\nSetting %s, environment %s.\n", rows->setting,
			        settings_env_name(rows->setting, env));
	}
}

static void put_exit_statuses(struct buf *out)
{
	buf_z(out, ".SH EXIT STATUS\n0 when done; otherwise the exit code of the error that is "
	           "printed.\n.B lilypad help errors\nlists all of them.\n");
}

static void put_page(struct buf *out, const struct command *cmd)
{
	char page[64];

	put_head(out, page_name(cmd, page), cmd->summary);
	buf_z(out, ".SH SYNOPSIS\n.B lilypad ");
	put_roff(out, cmd->name);
	buf_z(out, "\n");
	put_roff(out, cmd->usage);
	buf_z(out, cmd->usage[0] ? "\n" : "");
	if (cmd->alias) {
		buf_z(out, ".SH DESCRIPTION\nAlso called\n.BR \"lilypad ");
		put_roff(out, cmd->alias);
		buf_z(out, "\" .\n");
	}
	if (cmd->options) {
		buf_z(out, ".SH OPTIONS\n");
		put_option_paragraphs(out, cmd->options);
	}
	buf_z(out, ".SH COMMON OPTIONS\n");
	put_option_paragraphs(out, args_common);
	put_exit_statuses(out);
	buf_z(out, ".SH SEE ALSO\n.BR lilypad (1)\n");
}

static void put_main_page(struct buf *out)
{
	char text[80];

	put_head(out, "lilypad", "an open market for outsourced computation");
	buf_z(out, ".SH SYNOPSIS\n.B lilypad\n\\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.SH COMMANDS\n");
	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct command *cmd = &cli_commands[i];

		if (cmd->hidden)
			continue;
		buf_z(out, ".TP\n.BR ");
		put_roff(out, page_name(cmd, text));
		buf_z(out, " (1)\n");
		put_roff(out, cmd->summary);
		buf_z(out, "\n");
	}
	buf_z(out, ".SH COMMON OPTIONS\n");
	put_option_paragraphs(out, args_common);
	buf_z(out, ".SH ENVIRONMENT\n");
	for (size_t i = 0; i < setting_rows_n; i++) {
		buf_fmt(out, ".TP\n.B %s\n", settings_env_name(setting_rows[i].key, text));
		put_roff(out, setting_rows[i].meaning);
		buf_fmt(out, ". Default: ");
		put_roff(out, setting_rows[i].standard[0] ? setting_rows[i].standard : "none");
		buf_z(out, ".\n");
	}
	put_exit_statuses(out);
}

static bool write_page(const char *dir, const char *page, struct buf *text, struct err *e)
{
	char path[1024];
	FILE *f;
	bool ok;

	if (!buf_ok(text))
		return FAIL(e, TOO_LARGE, "%s has more than %d bytes", page, PAGE_MAX);
	snprintf(path, sizeof path, "%.900s/%.64s.1", dir, page);
	f = fopen(path, "w");
	if (!f)
		return FAIL_SYS(e, IO, errno, "%s", path);
	ok = fwrite(buf_cstr(text), 1, text->n, f) == text->n;
	ok = fclose(f) == 0 && ok;
	return ok || FAIL(e, IO, "%s cannot be written", path);
}

bool write_man_pages(const char *dir, struct err *e)
{
	OWN(buf_done) struct buf text;
	char page[64];

	buf_init(&text, PAGE_MAX);
	put_main_page(&text);
	TRY(write_page(dir, "lilypad", &text, e), e);
	for (size_t i = 0; i < cli_commands_n; i++) {
		if (cli_commands[i].hidden)
			continue;
		buf_reset(&text);
		put_page(&text, &cli_commands[i]);
		TRY(write_page(dir, page_name(&cli_commands[i], page), &text, e), e);
	}
	return true;
}
