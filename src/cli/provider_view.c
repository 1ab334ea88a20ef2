/* provider_view.c - `lilypad provider status` and `lilypad provider jobs`: what a provider earns with what,
 * and why it is idle. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/idle_text.h"
#include "cli/remote.h"
#include "codec/json.h"

/* The network in use, and where this machine's provider serves. */
static bool find_provider(
        struct cli *c, struct network_file *n, char url[URL_MAX + 1], struct err *e)
{
	return network_load(c, n, e) && ready_url(c, "provider", url, e);
}

static bool ask(const struct cli *c, const char *url, const char *path, json_t **out, struct err *e)
{
	if (remote_get(c, url, path, out, e))
		return true;
	if (e->code == E_UNREACHABLE)
		(void)err_hint(e, "lilypad provider");
	return false;
}

/* ---- status ------------------------------------------------------------------------------------------- */

static void show_idle(const json_t *j, unsigned decimals)
{
	const json_t *idle = json_object_get(j, "idle");
	struct buf b OWN(buf_done) = {0};

	if (strcmp(json_text(j, "state"), "EARNING") == 0)
		return;
	buf_init(&b, 65536);
	idle_time(json_number(j, "idleSeconds"), &b);
	buf_z(&b, ": ");
	if (json_is_object(idle))
		idle_text(idle, decimals, &b);
	else
		buf_fmt(&b, "%s\n", json_text(j, "why"));
	if (*json_text(j, "idleUnknown"))
		buf_fmt(&b, "        the solver does not say more: %s\n",
		        json_text(j, "idleUnknown"));
	cli_print("idle    %s", buf_cstr(&b));
}

static void show(const json_t *j, unsigned decimals)
{
	char earned[AMOUNT_DEC_MAX + 2];

	tokens_of(j, "earned", decimals, earned);
	cli_print("%s  %s\n", json_text(j, "account"), json_text(j, "state"));
	cli_print("load    %lld/%lld running, %lld unfinished\n", json_number(j, "running"),
	        json_number(j, "parallel"), json_number(j, "unfinished"));
	cli_print(
	        "jobs    %lld taken · %lld paid · %lld declined · %lld failed · %lld never opened\n",
	        json_number(j, "jobs"), json_number(j, "paid"), json_number(j, "declined"),
	        json_number(j, "failed"), json_number(j, "lost"));
	cli_print("earned  %s\n", earned);
	show_idle(j, decimals);
}

int cmd_provider_status(struct cli *c)
{
	json_t *j OWN(json_own) = NULL;
	char url[URL_MAX + 1];
	struct network_file n;
	struct err e;

	if (!find_provider(c, &n, url, &e) || !ask(c, url, "/v1/status", &j, &e))
		return cli_fail(c, &e);
	if (c->json)
		cli_print_json(json_incref(j));
	else
		show(j, n.genesis.decimals);
	return 0;
}

/* ---- jobs --------------------------------------------------------------------------------------------- */

enum { PAGES_MAX = 1000 };

/* All pages of GET /v1/deals. */
static bool all_jobs(const struct cli *c, const char *url, json_t *list, struct err *e)
{
	char path[128] = "/v1/deals";

	for (int i = 0; i < PAGES_MAX; i++) {
		json_t *j OWN(json_own) = NULL;
		const json_t *page;
		size_t count;

		TRY(ask(c, url, path, &j, e), e);
		page = json_object_get(j, "deals");
		count = json_array_size(page);
		json_array_extend(list, json_object_get(j, "deals"));
		if (count == 0 || !json_is_true(json_object_get(j, "more")))
			return true;
		snprintf(path, sizeof path, "/v1/deals?after=%.66s",
		        json_text(json_array_get(page, count - 1), "id"));
	}
	return FAIL(e, LIMITS, "the provider has more than %d pages of jobs", PAGES_MAX);
}

static int newest_first(const void *a, const void *b)
{
	long long x = json_number(*(json_t *const *)a, "created");
	long long y = json_number(*(json_t *const *)b, "created");

	return x < y ? 1 : x > y ? -1 : 0;
}

/* RFC 4180. A text that a spreadsheet would take for a formula is made plain text. */
static void csv_text(const char *s, struct buf *out)
{
	buf_z(out, *s && strchr("=+-@\t", *s) ? "\"'" : "\"");
	for (; *s; s++) {
		if (*s == '"')
			buf_z(out, "\"");
		buf_fmt(out, "%c", *s);
	}
	buf_z(out, "\"");
}

static void print_json(json_t *const *rows, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append(list, rows[i]);
	cli_print_json(json_pack("{s:o}", "jobs", list));
}

static void print_csv(json_t *const *rows, size_t n, unsigned decimals)
{
	cli_print("deal,created,module,jobCreator,state,ledger,status,instructions,bytes,earned,"
	          "runSeconds,why\n");
	for (size_t i = 0; i < n; i++) {
		const json_t *j = rows[i];
		char earned[AMOUNT_DEC_MAX + 2], when[WALL_TEXT_MAX];
		struct buf why OWN(buf_done) = {0};

		buf_init(&why, 4096);
		csv_text(json_text(j, "why"), &why);
		tokens_of(j, "earned", decimals, earned);
		wall_format((struct wall){json_number(j, "created") * 1000}, when);
		cli_print("%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%.6f,%s\n", json_text(j, "id"), when,
		        json_text(j, "module"), json_text(j, "jobCreator"), json_text(j, "state"),
		        json_text(j, "ledger"), json_text(j, "status"), json_text(j, "count"),
		        json_text(j, "bytes"), earned,
		        (double)json_number(j, "wallMicroseconds") / 1e6, buf_cstr(&why));
	}
}

static void print_table(json_t *const *rows, size_t n, unsigned decimals)
{
	cli_print("%-14s %-20s %-14s %-19s %16s %14s  %s\n", "DEAL", "MATCHED", "MODULE", "STATE",
	        "INSTRUCTIONS", "EARNED", "RUN");
	for (size_t i = 0; i < n; i++) {
		const json_t *j = rows[i];
		const char *ledger = json_text(j, "ledger");
		char earned[AMOUNT_DEC_MAX + 2], when[WALL_TEXT_MAX];

		tokens_of(j, "earned", decimals, earned);
		wall_format((struct wall){json_number(j, "created") * 1000}, when);
		cli_print("%-14.14s %.19sZ %-14.14s %-19s %16s %14s  %.3f s%s%s\n",
		        json_text(j, "id"), when, json_text(j, "module"),
		        *ledger ? ledger : json_text(j, "state"), json_text(j, "count"), earned,
		        (double)json_number(j, "wallMicroseconds") / 1e6,
		        *json_text(j, "why") ? "  " : "", json_text(j, "why"));
	}
}

int cmd_provider_jobs(struct cli *c)
{
	json_t *list OWN(json_own) = json_array();
	char url[URL_MAX + 1];
	struct network_file n;
	json_t **rows;
	size_t count;
	struct err e;

	if (!find_provider(c, &n, url, &e) || !all_jobs(c, url, list, &e))
		return cli_fail(c, &e);
	count = json_array_size(list);
	rows = calloc(count + 1, sizeof(json_t *));
	if (!rows) {
		FAIL(&e, MEMORY, "no memory for %zu jobs", count);
		return cli_fail(c, &e);
	}
	for (size_t i = 0; i < count; i++)
		rows[i] = json_array_get(list, i);
	qsort(rows, count, sizeof(json_t *), newest_first);
	if (c->json)
		print_json(rows, count);
	else if (args_has(&c->args, "csv"))
		print_csv(rows, count, n.genesis.decimals);
	else
		print_table(rows, count, n.genesis.decimals);
	free(rows);
	return 0;
}
