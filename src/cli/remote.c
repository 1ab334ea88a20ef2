/* remote.c - asking servers from a command, and finding what lies beside the program. */
#include "cli/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "os/file.h"

enum { READY_MAX = 4096 };

static const char *starter(const struct cli *c, const char *url)
{
	if (strcmp(url, settings_text(c->settings, "ledger.url")) == 0)
		return "ledger";
	if (strcmp(url, settings_text(c->settings, "solver.url")) == 0)
		return "solver";
	if (strcmp(url, settings_text(c->settings, "directory.url")) == 0)
		return "directory";
	return NULL;
}

static bool call(const struct cli *c, const struct http_identity *who, const char *url,
        struct http_call *req, const char *path, json_t **out, struct err *e)
{
	struct http_answer a;
	struct buf body OWN(buf_done) = {0};
	char full[URL_MAX + 1100];
	const char *role = starter(c, url);

	buf_init(&body, 64u << 20);
	snprintf(full, sizeof full, "%s%s", url, path);
	req->url = full;
	req->answer_max = 64u << 20;
	if (!http_call_sync(who, req, &a, &body, e)) {
		if (role)
			err_hint(e,
			        "is the %s up? `lilypad %s` starts it, `lilypad up` a whole network",
			        role, role);
		return false;
	}
	TRY(http_answer_check(&a, e), e);
	TRY(json_parse(buf_view(&body), out, e), e);
	return true;
}

bool remote_get(const struct cli *c, const char *url, const char *path, json_t **out, struct err *e)
{
	struct http_call req = {.method = "GET"};

	return call(c, NULL, url, &req, path, out, e);
}

bool remote_get_as(const struct cli *c, const struct http_identity *who, const struct addr *server,
        const char *url, const char *path, json_t **out, struct err *e)
{
	struct http_call req = {.method = "GET", .audience = *server};

	return call(c, who, url, &req, path, out, e);
}

bool remote_post(const struct cli *c, const char *url, const char *path, json_t *body, json_t **out,
        struct err *e)
{
	struct http_call req = {.method = "POST"};
	struct buf text OWN(buf_done) = {0};

	buf_init(&text, HTTP_BODY_MAX);
	json_canonical(body, &text);
	json_decref(body);
	req.body = buf_bytes(&text);
	return call(c, NULL, url, &req, path, out, e);
}

bool remote_account(const struct cli *c, const char *ledger, const struct addr *who, json_t **out,
        struct err *e)
{
	char path[ADDR_TEXT_MAX + 32], text[ADDR_TEXT_MAX];

	addr_format(who, text);
	snprintf(path, sizeof path, "/v1/accounts/%s", text);
	return remote_get(c, ledger, path, out, e);
}

bool account_amount(const json_t *account, const char *key, struct amount *out, struct err *e)
{
	struct str s;

	TRY(json_get_str(account, key, &s, e), e);
	if (!amount_parse(s, out))
		return FAIL(e, PEER, "the ledger's answer is not understood");
	return true;
}

bool ready_url(const struct cli *c, const char *role, char out[URL_MAX + 1], struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	json_t *j OWN(json_own) = NULL;
	char path[CLI_PATH_MAX + 64];
	struct str url;

	buf_init(&text, READY_MAX);
	snprintf(path, sizeof path, "%s/%s/ready.json", c->places.state, role);
	if (!file_read(path, READY_MAX, &text, e)) {
		FAIL(e, UNREACHABLE, "no %s has run here: %s is missing", role, path);
		return err_hint(e, "lilypad %s", role);
	}
	TRY(json_parse(buf_view(&text), &j, e), e);
	TRY(json_get_str(j, "url", &url, e), e);
	snprintf(out, URL_MAX + 1, "%.*s", STR_ARG(url));
	return true;
}

/* Beside the program as it is built (wasmtime/lib) and as it is installed (../lib/lilypad). */
bool engine_path(const struct cli *c, char out[CLI_PATH_MAX], struct err *e)
{
	static const char *const places[] = {
	        "wasmtime/lib/libwasmtime.so", "../lib/lilypad/libwasmtime.so"};
	const char *set = settings_text(c->settings, "paths.engine");
	char self[PATH_MAX];

	if (*set) {
		snprintf(out, CLI_PATH_MAX, "%s", set);
		if (access(out, R_OK) == 0)
			return true;
		return FAIL(e, MISSING_PART, "paths.engine is %s, which cannot be read", set);
	}
	program_dir(self);
	for (size_t i = 0; i < COUNT(places); i++) {
		snprintf(out, CLI_PATH_MAX, "%.800s/%s", self, places[i]);
		if (access(out, R_OK) == 0)
			return true;
	}
	FAIL(e, MISSING_PART, "the WebAssembly engine (libwasmtime.so) is not beside %s", self);
	return err_hint(e, "tools/get_wasmtime fetches it; ./quickstart does all of it");
}
