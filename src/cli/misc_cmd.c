/* misc_cmd.c - version and help. */
#include <curl/curl.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <seccomp.h>
#include <sqlite3.h>
#include <uv.h>

#include "cli/cli.h"
#include "cli/version.h"
#include "exec/wasm.h"

/* ---- version --------------------------------------------------------------------------------------- */

struct library {
	const char *name;
	char version[64];
};

static size_t libraries(struct library out[8])
{
	const struct scmp_version *s = seccomp_version();
	size_t n = 0;

	out[n++] = (struct library){.name = "libuv"};
	snprintf(out[n - 1].version, sizeof out->version, "%s", uv_version_string());
	out[n++] = (struct library){.name = "libcurl"};
	snprintf(out[n - 1].version, sizeof out->version, "%s",
	        curl_version_info(CURLVERSION_NOW)->version);
	out[n++] = (struct library){.name = "libmicrohttpd"};
	snprintf(out[n - 1].version, sizeof out->version, "%s", MHD_get_version());
	out[n++] = (struct library){.name = "jansson"};
	snprintf(out[n - 1].version, sizeof out->version, "%s", jansson_version_str());
	out[n++] = (struct library){.name = "sqlite"};
	snprintf(out[n - 1].version, sizeof out->version, "%s", sqlite3_libversion());
	out[n++] = (struct library){.name = "openssl"};
	snprintf(out[n - 1].version, sizeof out->version, "%s",
	        OpenSSL_version(OPENSSL_VERSION_STRING));
	out[n++] = (struct library){.name = "libseccomp"};
	if (s)
		snprintf(out[n - 1].version, sizeof out->version, "%u.%u.%u", s->major, s->minor,
		        s->micro);
	return n;
}

int cmd_version(struct cli *c)
{
	struct library lib[8];
	size_t n = libraries(lib);
	json_t *j;

	if (c->json) {
		j = json_object();
		for (size_t i = 0; i < n; i++)
			json_object_set_new(j, lib[i].name, json_string(lib[i].version));
		cli_print_json(json_pack("{s:s, s:s, s:o}", "version", LILYPAD_VERSION, "engine",
		        exec_wasm_class(), "libraries", j));
		return 0;
	}
	printf("lilypad %s\nengine  %s\n", LILYPAD_VERSION, exec_wasm_class());
	for (size_t i = 0; i < n; i++)
		printf("%-14s %s\n", lib[i].name, lib[i].version);
	return 0;
}

/* ---- help ------------------------------------------------------------------------------------------ */

static const char *retry_text(enum err_retry r)
{
	return r == RETRY_NOW     ? "at once"
	       : r == RETRY_LATER ? "later"
	                          : "no: it fails the same way again";
}

static int help_error(const struct cli *c, enum err_code code)
{
	if (c->json)
		cli_print_json(json_pack("{s:s, s:s, s:i, s:i, s:s}", "code", err_name(code),
		        "meaning", err_meaning(code), "exit", err_exit(code), "http",
		        err_http(code), "fault", err_fault_name(err_fault(code))));
	else
		printf("%s\n%s\n\nexit code  %d\nHTTP       %d\nfault      %s\nretry      %s\n",
		        err_name(code), err_meaning(code), err_exit(code), err_http(code),
		        err_fault_name(err_fault(code)), retry_text(err_retry(code)));
	return 0;
}

static int help_errors(void)
{
	for (int i = E_NONE + 1; i < E_COUNT; i++)
		printf("%-16s %3d  %s\n", err_name((enum err_code)i), err_exit((enum err_code)i),
		        err_meaning((enum err_code)i));
	return 0;
}

/* "job" alone: every command that begins with it. */
static bool help_group(const char *word)
{
	size_t n = strlen(word);
	bool any = false;

	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct command *cmd = &cli_commands[i];

		if (!cmd->hidden && strncmp(cmd->name, word, n) == 0 && cmd->name[n] == ' ') {
			printf("  %-18s %s\n", cmd->name, cmd->summary);
			any = true;
		}
	}
	return any;
}

int cmd_help(struct cli *c)
{
	char *words[2] = {NULL, NULL};
	const struct command *cmd;
	enum err_code code;
	int used, n = (int)MIN2(c->args.positional_n, COUNT(words));
	struct err e;

	if (n == 0) {
		cli_help_all(stdout);
		return 0;
	}
	if (strcmp(c->args.positional[0], "errors") == 0)
		return help_errors();
	if (err_by_name(c->args.positional[0], &code))
		return help_error(c, code);
	/* cli_find() takes main's words, which it does not change. */
	for (int i = 0; i < n; i++)
		words[i] = (char *)(uintptr_t)c->args.positional[i];
	if (cli_find(n, words, &cmd, &used, &e)) {
		cli_help(cmd, stdout);
		return 0;
	}
	if (n == 1 && help_group(words[0]))
		return 0;
	err_hint(&e, "`lilypad help` lists the commands, `lilypad help errors` the error codes");
	return cli_fail(c, &e);
}
