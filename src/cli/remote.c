/* remote.c - asking servers from a command, and finding what lies beside the program. */
#include "cli/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/contracts.h"
#include "chain/evm.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/file.h"

enum {
	READY_MAX = 4096,
	JOB_NONCE_WORDS = 1 << 16 /* 16 million jobs of one account */
};

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

/* ---- the ledger, of either kind ------------------------------------------------------------------------ */

/* Above every job nonce that is used or burnt: they are consecutive (8.4). */
static bool chain_job_nonce(
        const struct evm_place *p, const struct addr *who, uint64_t *out, struct err *e)
{
	uint64_t next = 1;

	for (uint64_t word = 0; word < JOB_NONCE_WORDS; word++) {
		struct abi_leaf args[] = {abi_addr(who), abi_u64(word)}, l;
		struct buf data OWN(buf_done) = {0};
		unsigned bits;
		size_t n;

		TRY(evm_view(p, &p->controller, fn_controller_nonces, args, COUNT(args),
		            out_controller_nonces, &data, &l, 1, &n, e),
		        e);
		bits = u256_bits(abi_get_u256(&l));
		if (bits == 0)
			break;
		next = MAX2(next, word * 256 + bits);
	}
	*out = next;
	return true;
}

static bool chain_account(
        const struct evm_place *p, const struct addr *who, json_t **out, struct err *e)
{
	struct abi_leaf arg = abi_addr(who), l[8];
	struct buf data OWN(buf_done) = {0};
	uint64_t nonce;
	size_t n;

	TRY(evm_view(p, &p->controller, fn_controller_account, &arg, 1, out_controller_account,
	            &data, l, COUNT(l), &n, e),
	        e);
	TRY(chain_job_nonce(p, who, &nonce, e), e);
	*out = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "account", json_of_addr(who),
	        "free", json_of_amount(abi_get_amount(&l[0])), "locked",
	        json_of_amount(abi_get_amount(&l[1])), "withdrawing",
	        json_of_amount(abi_get_amount(&l[2])), "stake",
	        json_of_amount(abi_get_amount(&l[4])), "sendNonce", json_of_u64(abi_get_u64(&l[6])),
	        "nextJobNonce", json_of_u64(nonce));
	return *out || FAIL(e, MEMORY, "no memory for an account");
}

bool remote_account(const struct cli *c, const struct addr *who, json_t **out, struct err *e)
{
	char path[ADDR_TEXT_MAX + 32], text[ADDR_TEXT_MAX];

	if (c->place.chain_id)
		return chain_account(&c->place, who, out, e);
	addr_format(who, text);
	snprintf(path, sizeof path, "/v1/accounts/%s", text);
	return remote_get(c, settings_text(c->settings, "ledger.url"), path, out, e);
}

bool remote_head(const struct cli *c, uint64_t *seq, uint64_t *time, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct evm_header h;

	if (c->place.chain_id) {
		TRY(evm_view_head(&c->place, &h, e), e);
		if (seq)
			*seq = evm_seq_of(h.number - MIN2(h.number, (uint64_t)c->place.depth));
		if (time)
			*time = h.time.s;
		return true;
	}
	TRY(remote_get(c, settings_text(c->settings, "ledger.url"), "/v1/head", &j, e), e);
	if (seq)
		TRY(json_get_u64(j, "seq", seq, e), e);
	if (time)
		TRY(json_get_u64(j, "time", time, e), e);
	return true;
}

bool remote_deal(const struct cli *c, const struct hash *deal, json_t **out, struct err *e)
{
	char path[HASH_TEXT_MAX + 20], hex[HASH_TEXT_MAX];
	struct evm_deal d;

	hash_format(deal, hex);
	if (!c->place.chain_id) {
		snprintf(path, sizeof path, "/v1/agreements/%s", hex);
		return remote_get(c, settings_text(c->settings, "ledger.url"), path, out, e);
	}
	TRY(evm_view_deal(&c->place, deal, &d, e), e);
	if (!d.state)
		return FAIL(e, NOT_FOUND, "deal %s is not on the ledger", hex);
	*out = json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "id", hex, "state",
	        sm_name(&deal_states, d.state), "deadline", (json_int_t)d.deadline.s, "jobCreator",
	        json_of_addr(&d.jc), "provider", json_of_addr(&d.rp), "result",
	        json_of_hash(&d.result), "paid", json_of_amount(d.paid));
	return *out || FAIL(e, MEMORY, "no memory for a deal");
}

static json_t *channel_json(const struct evm_channel *c)
{
	const struct channel_change *now = &c->now;
	json_t *j = json_pack("{s:o, s:o, s:o, s:o, s:s, s:b, s:I}", "channel",
	        json_of_hash(&now->id), "jobCreator", json_of_addr(&c->parts.job_creator),
	        "provider", json_of_addr(&c->parts.provider), "serial",
	        json_of_u64(c->parts.serial), "kind", enum_name(&channel_kind_names, c->parts.kind),
	        "closed", (int)now->closed, "closeAt", (json_int_t)now->close_at.s);

	json_object_set_new(j, "jobSum", json_of_amount(now->job));
	json_object_set_new(j, "providerSum", json_of_amount(now->provider));
	json_object_set_new(j, "jobCreatorLock", json_of_amount(c->job_lock));
	json_object_set_new(j, "providerLock", json_of_amount(c->provider_lock));
	json_object_set_new(j, "paid", json_of_amount(now->paid));
	json_object_set_new(j, "floor", json_of_u64(now->floor));
	json_object_set_new(j, "claims", json_of_u64(now->claims));
	return j;
}

bool remote_channel(const struct cli *c, const struct hash *id, json_t **out, struct err *e)
{
	char path[HASH_TEXT_MAX + 32], text[HASH_TEXT_MAX];
	struct evm_channel ch;

	if (!c->place.chain_id) {
		hash_format(id, text);
		snprintf(path, sizeof path, "/v1/channels/%s", text);
		return remote_get(c, settings_text(c->settings, "ledger.url"), path, out, e);
	}
	TRY(evm_view_channel(&c->place, id, &ch, e), e);
	*out = channel_json(&ch);
	return *out || FAIL(e, MEMORY, "no memory for a channel");
}

bool remote_channels(const struct cli *c, const struct addr *who, json_t *account, struct err *e)
{
	struct amount all;

	if (!c->place.chain_id)
		return true;
	TRY(evm_view_channels(&c->place, who, &all, e), e);
	json_object_set_new(account, "channels", json_of_amount(all));
	return true;
}

bool account_amount(const json_t *account, const char *key, struct amount *out, struct err *e)
{
	struct str s;

	TRY(json_get_str(account, key, &s, e), e);
	if (!amount_parse(s, out))
		return FAIL(e, PEER, "the ledger's answer is not understood");
	return true;
}

void tokens_of(const json_t *j, const char *key, unsigned decimals, char out[AMOUNT_DEC_MAX + 2])
{
	struct amount a;

	if (!amount_parse(str_of(json_text(j, key)), &a))
		a = amount_of(0);
	amount_format_display(a, decimals, out);
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
