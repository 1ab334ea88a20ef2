/* channel_cmd.c - `lilypad channel …`: sums that a job creator and a provider lock for their deals (protocol
 * 8.3). What needs both signatures is signed here first, and then shown to the provider's daemon. */
#include <stdlib.h>

#include "cli/actions.h"
#include "cli/remote.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"

enum {
	OPEN_BY_S = 600, /* how long the provider's signature is good */
	SERIALS_MAX = 256
};

static const char *word(const struct cli *c, size_t i)
{
	return i < c->args.positional_n ? c->args.positional[i] : NULL;
}

/* ---- arguments ---------------------------------------------------------------------------------- */

static bool tokens(const struct genesis *g, const char *text, struct amount *out, struct err *e)
{
	if (text && amount_parse_display(str_of(text), g->decimals, out) &&
	        amount_fits_document(*out))
		return true;
	return FAIL(e, USAGE, "\"%s\" is no amount of tokens such as 0.25", text ? text : "");
}

static bool channel_arg(const struct cli *c, struct hash *out, struct err *e)
{
	const char *text = word(c, 0);

	if (!text)
		return FAIL(e, USAGE, "which channel? `lilypad channel open` says its id");
	if (hash_parse(str_of(text), out, e))
		return true;
	err_prefix(e, "CHANNEL: ");
	return false;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool print_amount(
        const json_t *j, const char *key, const char *name, const struct genesis *g, struct err *e)
{
	char text[AMOUNT_DEC_MAX + 2];
	struct amount a;

	TRY(account_amount(j, key, &a, e), e);
	amount_format_display(a, g->decimals, text);
	cli_print("%-14s %s %s\n", name, text, g->symbol);
	return true;
}

static void print_state(const json_t *j)
{
	long long at = json_number(j, "closeAt");
	char when[WALL_TEXT_MAX];

	wall_format((struct wall){at * 1000}, when);
	if (json_is_true(json_object_get(j, "closed")))
		cli_print("%-14s closed\n", "state");
	else if (at)
		cli_print("%-14s being left: it can be closed from %s on\n", "state", when);
	else
		cli_print("%-14s open\n", "state");
}

static bool print_channel(const json_t *j, const struct genesis *g, struct err *e)
{
	cli_print("%-14s %s\n", "channel", json_text(j, "channel"));
	cli_print("%-14s %s\n", "job creator", json_text(j, "jobCreator"));
	cli_print("%-14s %s\n", "provider", json_text(j, "provider"));
	cli_print("%-14s %s, serial %s\n", "kind", json_text(j, "kind"), json_text(j, "serial"));
	print_state(j);
	TRY(print_amount(j, "jobSum", "its sum", g, e), e);
	TRY(print_amount(j, "jobCreatorLock", "locked of it", g, e), e);
	TRY(print_amount(j, "providerSum", "provider's sum", g, e), e);
	TRY(print_amount(j, "providerLock", "locked of it", g, e), e);
	if (strcmp(json_text(j, "kind"), "vouchers") == 0) {
		TRY(print_amount(j, "paid", "by vouchers", g, e), e);
		cli_print("%-14s %s, %s claims\n", "last number", json_text(j, "floor"),
		        json_text(j, "claims"));
	}
	return true;
}

static bool show(struct cli *c, const struct network_file *n, const struct hash *id, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	TRY(remote_channel(c, id, &j, e), e);
	if (!c->json)
		return print_channel(j, &n->genesis, e);
	json_object_set_new(j, "symbol", json_string(n->genesis.symbol));
	json_object_set_new(j, "decimals", json_integer(n->genesis.decimals));
	cli_print_json(json_incref(j));
	return true;
}

int cmd_channel_show(struct cli *c)
{
	struct network_file n;
	struct hash id;
	struct err e;

	if (!channel_arg(c, &id, &e) || !network_load(c, &n, &e) || !show(c, &n, &id, &e))
		return cli_fail(c, &e);
	return 0;
}

/* ---- the provider's signature ------------------------------------------------------------------- */

static bool sign_own(const struct network_file *n, const struct wallet *w, const struct record *r,
        const void *row, struct sig *out, struct err *e)
{
	struct hash domain, digest;

	network_domain(n, &domain);
	signed_digest(&domain, r, row, &digest);
	TRY(secp_sign(&w->key, &digest, out, e), e);
	return true;
}

/* Asks for it, and checks it before anything depends on it. */
static bool provider_signs(const struct cli *c, const struct network_file *n, const char *url,
        const char *path, const char *name, const struct record *r, const void *row,
        const struct sig *own, const struct addr *provider, struct sig *out, struct err *e)
{
	json_t *answer OWN(json_own) = NULL;
	struct hash domain;

	TRY(remote_post(c, url, path,
	            json_pack("{s:o, s:o}", name, record_to_json(r, row), "jobCreatorSignature",
	                    json_of_sig(own)),
	            &answer, e),
	        e);
	network_domain(n, &domain);
	TRY(json_get_sig(answer, "providerSignature", out, e), e);
	TRY(signed_check(&domain, r, row, out, provider, e), e);
	return true;
}

/* ---- open --------------------------------------------------------------------------------------- */

struct opening {
	struct network_file n;
	struct wallet w;
	const char *url;
	struct action a; /* its channel is what is signed */
};

static bool provider_account(const struct cli *c, const char *url, struct addr *out, struct err *e)
{
	json_t *status OWN(json_own) = NULL;

	TRY(remote_get(c, url, "/v1/status", &status, e), e);
	if (json_get_addr(status, "account", out, e))
		return true;
	err_prefix(e, "%s is no provider: ", url);
	return false;
}

/* The first serial that the ledger does not know. */
static bool free_serial(const struct cli *c, struct channel_id *id, struct err *e)
{
	for (id->serial = 1; id->serial <= SERIALS_MAX; id->serial++) {
		json_t *j = NULL;
		struct hash h;
		bool known;

		eip712_hash(channel_id_record(), id, &h);
		known = remote_channel(c, &h, &j, e);
		json_decref(j);
		if (!known)
			return e->code == E_NOT_FOUND;
	}
	FAIL(e, CONFLICT, "the first %d serials of these two are used", SERIALS_MAX);
	return err_hint(e, "--serial N says which to use");
}

static bool kind_arg(const struct cli *c, uint8_t *out, struct err *e)
{
	const char *kind = args_get(&c->args, "kind");

	*out = CHANNEL_ACCEPTANCES;
	if (!kind || enum_by_name(&channel_kind_names, str_of(kind), out))
		return true;
	return FAIL(e, USAGE, "--kind is \"%s\": acceptances or vouchers", kind);
}

static bool opening_args(struct cli *c, struct opening *o, struct err *e)
{
	const char *sum = args_get(&c->args, "provider-sum"),
	           *serial = args_get(&c->args, "serial");
	struct channel *ch = &o->a.channel;

	o->url = word(c, 0);
	if (!o->url || !word(c, 1))
		return FAIL(e, USAGE, "with whom, and how much? lilypad channel open URL TOKENS");
	TRY(kind_arg(c, &ch->id.kind, e), e);
	if (serial && !str_u64(str_of(serial), UINT64_MAX, &ch->id.serial))
		return FAIL(e, USAGE, "--serial is \"%s\", no number", serial);
	TRY(network_load(c, &o->n, e), e);
	TRY(tokens(&o->n.genesis, word(c, 1), &ch->job_sum, e), e);
	TRY(tokens(&o->n.genesis, sum ? sum : "0", &ch->provider_sum, e), e);
	TRY(wallet_open(c, NULL, false, &o->w, e), e);
	ch->id.job_creator = o->w.addr;
	TRY(provider_account(c, o->url, &ch->id.provider, e), e);
	if (!serial)
		TRY(free_serial(c, &ch->id, e), e);
	return true;
}

static bool open_channel(struct cli *c, struct opening *o, struct hash *id, struct err *e)
{
	struct channel *ch = &o->a.channel;
	json_t *answer OWN(json_own) = NULL;

	TRY(opening_args(c, o, e), e);
	TRY(ledger_now(c, &ch->open_by, e), e);
	ch->open_by.s += OPEN_BY_S;
	o->a.kind = ACTION_OPEN_CHANNEL;
	TRY(sign_own(&o->n, &o->w, channel_record(), ch, &o->a.jc_sig, e), e);
	TRY(provider_signs(c, &o->n, o->url, "/v1/channels", "channel", channel_record(), ch,
	            &o->a.jc_sig, &ch->id.provider, &o->a.rp_sig, e),
	        e);
	TRY(action_submit(c, &o->a, &answer, e), e);
	eip712_hash(channel_id_record(), &ch->id, id);
	return true;
}

int cmd_channel_open(struct cli *c)
{
	struct opening *o = calloc(1, sizeof *o);
	struct hash id;
	struct err e;
	bool ok;

	if (!o) {
		(void)FAIL(&e, MEMORY, "no memory for a channel");
		return cli_fail(c, &e);
	}
	ok = open_channel(c, o, &id, &e) && show(c, &o->n, &id, &e);
	wallet_close(&o->w);
	free(o);
	return ok ? 0 : cli_fail(c, &e);
}

/* ---- top-up, leave ------------------------------------------------------------------------------ */

/* A Send of the wallet in use about a channel; then what has become of it. */
static bool send_about(struct cli *c, enum send_kind kind, struct err *e)
{
	bool top_up = kind == SEND_TOP_UP;
	json_t *answer OWN(json_own) = NULL;
	struct action *a = calloc(1, sizeof *a);
	struct network_file n;
	struct wallet w = {0};
	struct hash id = {{0}};
	bool ok;

	if (!a)
		return FAIL(e, MEMORY, "no memory for an action");
	ok = channel_arg(c, &id, e) && network_load(c, &n, e) &&
	     (!top_up || tokens(&n.genesis, word(c, 1), &a->body.top_up.amount, e)) &&
	     wallet_open(c, NULL, false, &w, e);
	if (top_up)
		a->body.top_up.channel = id;
	else
		a->body.leave.channel = id;
	ok = ok &&
	     action_send_by(c, &n, &w, kind, top_up ? top_up_record() : leave_record(), a, e) &&
	     action_submit(c, a, &answer, e) && show(c, &n, &id, e);
	wallet_close(&w);
	free(a);
	return ok;
}

int cmd_channel_top_up(struct cli *c)
{
	struct err e;

	return send_about(c, SEND_TOP_UP, &e) ? 0 : cli_fail(c, &e);
}

int cmd_channel_leave(struct cli *c)
{
	struct err e;

	return send_about(c, SEND_LEAVE_CHANNEL, &e) ? 0 : cli_fail(c, &e);
}

/* ---- close -------------------------------------------------------------------------------------- */

/* Both signatures of a ChannelLeave: the job creator's here, the provider's from its daemon. */
static bool both_leave(struct cli *c, const struct network_file *n, const char *url,
        struct action *a, struct err *e)
{
	char path[HASH_TEXT_MAX + 32], text[HASH_TEXT_MAX];
	json_t *j OWN(json_own) = NULL;
	struct addr provider;
	struct wallet w;
	bool ok;

	TRY(remote_channel(c, &a->leave.channel, &j, e), e);
	TRY(json_get_addr(j, "provider", &provider, e), e);
	TRY(ledger_now(c, &a->leave.expiry, e), e);
	a->leave.expiry.s += OPEN_BY_S;
	hash_format(&a->leave.channel, text);
	snprintf(path, sizeof path, "/v1/channels/%s/leave", text);
	TRY(wallet_open(c, NULL, false, &w, e), e);
	ok = sign_own(n, &w, channel_leave_record(), &a->leave, &a->jc_sig, e) &&
	     provider_signs(c, n, url, path, "leave", channel_leave_record(), &a->leave, &a->jc_sig,
	             &provider, &a->rp_sig, e);
	wallet_close(&w);
	return ok;
}

static bool close_channel(struct cli *c, struct action *a, struct err *e)
{
	const char *url = args_get(&c->args, "provider-url");
	json_t *answer OWN(json_own) = NULL;
	struct network_file n;

	a->kind = ACTION_CLOSE_CHANNEL;
	TRY(channel_arg(c, &a->leave.channel, e), e);
	TRY(network_load(c, &n, e), e);
	if (url)
		TRY(both_leave(c, &n, url, a, e), e);
	if (!action_submit(c, a, &answer, e)) {
		if (!url && e->code == E_STATE)
			err_hint(e, "`lilypad channel leave` first, or --provider-url URL to close "
			            "it at once");
		return false;
	}
	return show(c, &n, &a->leave.channel, e);
}

int cmd_channel_close(struct cli *c)
{
	struct action *a = calloc(1, sizeof *a);
	struct err e;
	bool ok;

	if (!a) {
		(void)FAIL(&e, MEMORY, "no memory for an action");
		return cli_fail(c, &e);
	}
	ok = close_channel(c, a, &e);
	free(a);
	return ok ? 0 : cli_fail(c, &e);
}
