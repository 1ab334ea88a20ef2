/* mediator_view.c - `lilypad mediator queue` and `lilypad mediator case`: the disputes of this machine's
 * mediator, how they ended, and what decided. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/remote.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/rng.h"

enum { PAGES_MAX = 1000, DIGITS_MIN = 4 };

struct view {
	struct cli *c;
	struct network_file network;
	char url[URL_MAX + 1];
	json_t *cases; /* all of them */
};

static void view_done(struct view *v)
{
	json_decref(v->cases);
}

static bool ask(const struct view *v, const char *path, json_t **out, struct err *e)
{
	if (remote_get(v->c, v->url, path, out, e))
		return true;
	if (e->code == E_UNREACHABLE)
		(void)err_hint(e, "lilypad mediator");
	return false;
}

/* All pages of GET /v1/cases. */
static bool all_cases(struct view *v, struct err *e)
{
	char path[128] = "/v1/cases";

	v->cases = json_array();
	for (int i = 0; i < PAGES_MAX; i++) {
		json_t *j OWN(json_own) = NULL;
		const json_t *page;
		size_t count;

		TRY(ask(v, path, &j, e), e);
		page = json_object_get(j, "cases");
		count = json_array_size(page);
		json_array_extend(v->cases, json_object_get(j, "cases"));
		if (count == 0 || !json_is_true(json_object_get(j, "more")))
			return true;
		snprintf(path, sizeof path, "/v1/cases?after=%.66s",
		        json_text(json_array_get(page, count - 1), "id"));
	}
	return FAIL(e, LIMITS, "the mediator has more than %d pages of disputes", PAGES_MAX);
}

/* The network in use, where this machine's mediator serves, and its disputes. */
static bool view_open(struct view *v, struct cli *c, struct err *e)
{
	v->c = c;
	TRY(network_load(c, &v->network, e), e);
	TRY(ready_url(c, "mediator", v->url, e), e);
	return all_cases(v, e);
}

/* ---- queue ----------------------------------------------------------------------------------------------- */

/* What waits by deadline, before what is over, the newest first. */
static int by_urgency(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	bool x_over = strcmp(json_text(x, "state"), "OVER") == 0;
	bool y_over = strcmp(json_text(y, "state"), "OVER") == 0;
	long long i = json_number(x, "deadline"), k = json_number(y, "deadline");

	if (x_over != y_over)
		return x_over ? 1 : -1;
	return i == k ? 0 : (i < k) != x_over ? -1 : 1;
}

static void show_line(const json_t *j, unsigned decimals)
{
	const char *state = json_text(j, "state"), *ruling = json_text(j, "ruling");
	char earned[AMOUNT_DEC_MAX + 2], due[WALL_TEXT_MAX];

	tokens_of(j, "earned", decimals, earned);
	wall_format((struct wall){json_number(j, "deadline") * 1000}, due);
	cli_print("%-14.14s %-18s %.19sZ %-15s %10s  %s\n", json_text(j, "id"),
	        strcmp(state, "OVER") == 0 ? json_text(j, "ledger") : state, due,
	        *ruling ? ruling : "-", earned, json_text(j, "why"));
}

static void show_queue(const struct view *v, const json_t *status, json_t *const *rows)
{
	unsigned decimals = v->network.genesis.decimals;
	size_t n = json_array_size(v->cases);
	char earned[AMOUNT_DEC_MAX + 2];

	tokens_of(status, "earned", decimals, earned);
	cli_print("%s\n", json_text(status, "account"));
	cli_print("load    %lld/%lld running, %lld of at most %lld waiting\n",
	        json_number(status, "running"), json_number(status, "parallel"),
	        json_number(status, "waiting"), json_number(status, "queue"));
	cli_print("cases   %lld · %lld ruled · %lld passed · %lld missed\n",
	        json_number(status, "cases"), json_number(status, "ruled"),
	        json_number(status, "passed"), json_number(status, "missed"));
	cli_print("earned  %s\n", earned);
	if (n)
		cli_print("\n%-14s %-18s %-20s %-15s %10s  %s\n", "DEAL", "STATE", "DEADLINE",
		        "RULING", "EARNED", "WHY");
	for (size_t i = 0; i < n; i++)
		show_line(rows[i], decimals);
}

static bool queue(struct cli *c, struct view *v, struct err *e)
{
	json_t *status OWN(json_own) = NULL;
	json_t **rows;
	size_t n;

	TRY(view_open(v, c, e), e);
	TRY(ask(v, "/v1/status", &status, e), e);
	n = json_array_size(v->cases);
	rows = calloc(n + 1, sizeof(json_t *));
	if (!rows)
		return FAIL(e, MEMORY, "no memory for %zu disputes", n);
	for (size_t i = 0; i < n; i++)
		rows[i] = json_array_get(v->cases, i);
	qsort(rows, n, sizeof(json_t *), by_urgency);
	if (c->json) {
		json_t *list = json_array();

		for (size_t i = 0; i < n; i++)
			json_array_append(list, rows[i]);
		json_object_set_new(status, "disputes", list);
		cli_print_json(json_incref(status));
	} else {
		show_queue(v, status, rows);
	}
	free(rows);
	return true;
}

int cmd_mediator_queue(struct cli *c)
{
	struct view v OWN(view_done) = {.cases = NULL};
	struct err e;

	return queue(c, &v, &e) ? 0 : cli_fail(c, &e);
}

/* ---- one case -------------------------------------------------------------------------------------------- */

/* The deal whose id begins with those digits. */
static bool find_deal(const struct view *v, const char *text, struct str *out, struct err *e)
{
	struct str want = str_of(text);
	const json_t *j;
	size_t i, n = 0;

	if (str_starts(want, "0x"))
		want = (struct str){want.p + 2, want.n - 2};
	if (want.n < DIGITS_MIN || want.n > 64)
		return FAIL(e, USAGE, "\"%s\" is no deal: at least %d of its 64 hex digits", text,
		        DIGITS_MIN);
	json_array_foreach (v->cases, i, j) {
		const char *id = json_text(j, "id");

		if (strncasecmp(id + 2, want.p, want.n) != 0)
			continue;
		*out = str_of(id);
		n++;
	}
	if (n == 1)
		return true;
	if (n > 1)
		return FAIL(e, USAGE, "%zu disputed deals begin with %s", n, text);
	FAIL(e, NOT_FOUND, "there was no dispute here about a deal that begins with %s", text);
	return err_hint(e, "`lilypad mediator queue` lists them");
}

/* Signed by the mediator's own key, or by that of a party. */
static bool fetch_case(struct view *v, struct str id, json_t **out, struct err *e)
{
	struct cli *c = v->c;
	struct http_identity who = {.rng = rng_os()};
	json_t *info OWN(json_own) = NULL;
	struct addr server;
	struct wallet w;
	char path[128];
	bool ok;

	TRY(ask(v, "/v1/info", &info, e), e);
	TRY(json_get_addr(info, "account", &server, e), e);
	TRY(wallet_open(c, args_has(&c->args, "wallet") ? NULL : "mediator", false, &w, e), e);
	who.signer = wallet_signer(&w);
	network_domain(&v->network, &who.domain);
	snprintf(path, sizeof path, "/v1/cases/%.*s", STR_ARG(id));
	ok = remote_get_as(c, &who, &server, v->url, path, out, e);
	wallet_close(&w);
	return ok;
}

static void show_run(const json_t *j)
{
	const json_t *run = json_object_get(j, "run"), *provider = json_object_get(j, "provider");

	cli_print("%-12s %-22s %16s %12s  %s\n", "", "STATUS", "INSTRUCTIONS", "BYTES", "OUTPUT");
	cli_print("%-12s %-22s %16s %12s  %s\n", "provider", json_text(provider, "status"),
	        json_text(provider, "count"), json_text(provider, "bytes"),
	        json_text(provider, "output"));
	if (run)
		cli_print("%-12s %-22s %16s %12s  %s\n", "run again", json_text(run, "status"),
		        json_text(run, "count"), json_text(run, "bytes"), json_text(run, "output"));
}

static void show_case(const struct view *v, const json_t *j)
{
	const json_t *hot = json_object_get(json_object_get(j, "deal"), "hot");
	const char *ruling = json_text(j, "ruling"), *ledger = json_text(j, "ledger");
	char earned[AMOUNT_DEC_MAX + 2], t[WALL_TEXT_MAX];

	tokens_of(j, "earned", v->network.genesis.decimals, earned);
	wall_format((struct wall){json_number(j, "checked") * 1000}, t);
	cli_print("deal        %s\nstate       %s, ledger %s\n", json_text(j, "id"),
	        json_text(j, "state"), ledger);
	cli_print("creator     %s\nprovider    %s\n", json_text(hot, "jobCreator"),
	        json_text(hot, "provider"));
	cli_print("disputed    %s\n", t);
	wall_format((struct wall){json_number(j, "deadline") * 1000}, t);
	cli_print("deadline    %s\n\n", t);
	show_run(j);
	cli_print("\nruling      %s\n", *ruling ? ruling : "none yet");
	if (*json_text(j, "why"))
		cli_print("why         %s\n", json_text(j, "why"));
	cli_print("earned      %s\n", earned);
}

static bool show_one(struct cli *c, struct view *v, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct str id = {NULL, 0};

	if (c->args.positional_n != 1)
		return FAIL(e, USAGE, "say which deal: lilypad mediator case DEAL");
	TRY(view_open(v, c, e), e);
	TRY(find_deal(v, c->args.positional[0], &id, e), e);
	TRY(fetch_case(v, id, &j, e), e);
	if (c->json)
		cli_print_json(json_incref(j));
	else
		show_case(v, j);
	return true;
}

int cmd_mediator_case(struct cli *c)
{
	struct view v OWN(view_done) = {.cases = NULL};
	struct err e;

	return show_one(c, &v, &e) ? 0 : cli_fail(c, &e);
}
