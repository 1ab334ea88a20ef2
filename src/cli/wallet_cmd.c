/* wallet_cmd.c - `lilypad wallet …`: keys, and what is on their accounts. */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/actions.h"
#include "cli/chain.h"
#include "cli/remote.h"
#include "cli/wallet.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/keystore.h"
#include "os/file.h"

enum { PROFILE_MAX = 1 << 16, PASS_MAX = 1024, SECRET_MAX = 4096, KEYS_MAX = 4096 };

/* One of the chain's coin. */
#define GAS_WEI 1000000000000000000u

static const char *word(const struct cli *c, size_t i)
{
	return i < c->args.positional_n ? c->args.positional[i] : NULL;
}

/* ---- new, list, use ---------------------------------------------------------------------------- */

static int show_new(const struct cli *c, const char *name, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	if (c->json)
		cli_print_json(json_pack("{s:s, s:s}", "name", name, "account", text));
	else
		printf("%s  %s\n", name, text);
	return 0;
}

int cmd_wallet_new(struct cli *c)
{
	const char *name = word(c, 0) ? word(c, 0) : settings_text(c->settings, "wallet.name");
	struct seckey key OWN(seckey_wipe) = {{0}};
	struct addr addr;
	struct err e;

	if (!seckey_new(&key, &e) || !wallet_save(c, name, &key, &e) ||
	        !seckey_addr(&key, &addr, &e))
		return cli_fail(c, &e);
	return show_new(c, name, &addr);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the keys, sorted; the caller frees each and the list. */
static char **key_names(const char *dir, size_t *n)
{
	char **names = calloc(KEYS_MAX, sizeof *names);
	DIR *d = opendir(dir);
	struct dirent *f;

	*n = 0;
	while (names && d && *n < KEYS_MAX && (f = readdir(d)) != NULL) {
		size_t len = strlen(f->d_name);

		if (len > 5 && strcmp(f->d_name + len - 5, ".json") == 0)
			names[(*n)++] = strndup(f->d_name, len - 5);
	}
	if (d)
		closedir(d);
	if (names)
		qsort(names, *n, sizeof *names, by_name);
	return names;
}

/* One key: name, account, whether it is the one in use. */
static void list_one(const struct cli *c, const char *name, json_t *list)
{
	bool used = strcmp(name, settings_text(c->settings, "wallet.name")) == 0;
	struct buf text OWN(buf_done) = {0};
	char path[CLI_PATH_MAX], account[ADDR_TEXT_MAX] = "?";
	struct addr a;
	struct err e;

	buf_init(&text, KEYSTORE_TEXT_MAX);
	wallet_path(c, name, ".json", path);
	if (file_read(path, KEYSTORE_TEXT_MAX, &text, &e) && keystore_addr(buf_view(&text), &a))
		addr_format(&a, account);
	if (c->json)
		json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "name", name, "account",
		                                    account, "inUse", (int)used));
	else
		printf("%s %-16s %s\n", used ? "*" : " ", name, account);
}

int cmd_wallet_list(struct cli *c)
{
	char dir[CLI_PATH_MAX + 8];
	json_t *list = json_array();
	size_t n;
	char **names;

	snprintf(dir, sizeof dir, "%s/keys", c->places.data);
	names = key_names(dir, &n);
	for (size_t i = 0; names && i < n; i++) {
		list_one(c, names[i], list);
		free(names[i]);
	}
	free(names);
	if (c->json)
		cli_print_json(json_pack("{s:O}", "wallets", list));
	else if (n == 0)
		cli_say(c, "no key yet: `lilypad wallet new` makes one");
	json_decref(list);
	return 0;
}

static struct str trim(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct str){s.p + 1, s.n - 1};
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* The profile with wallet.name set; every other line stays as a person wrote it. */
static void set_wallet(struct str old, const char *name, struct buf *out)
{
	bool inside = false, done = false;

	while (old.n) {
		struct str value, line = str_cut(old, '\n', &old), t = trim(line);

		if (t.n && t.p[0] == '[')
			inside = str_is(t, "[wallet]");
		else if (inside && str_is(trim(str_cut(t, '=', &value)), "name"))
			continue;
		buf_str(out, line);
		buf_byte(out, '\n');
		if (inside && !done && str_is(t, "[wallet]")) {
			buf_fmt(out, "name = %s\n", name);
			done = true;
		}
	}
	if (!done)
		buf_fmt(out, "[wallet]\nname = %s\n", name);
}

static bool use(const struct cli *c, const char *name, struct err *e)
{
	struct buf old OWN(buf_done) = {0};
	struct buf text OWN(buf_done) = {0};
	char path[CLI_PATH_MAX + 16];

	buf_init(&old, PROFILE_MAX);
	buf_init(&text, PROFILE_MAX + 256);
	if (!name)
		return FAIL(e, USAGE, "which wallet? lilypad wallet use NAME");
	TRY(wallet_name_ok(name, e), e);
	wallet_path(c, name, ".json", path);
	if (access(path, F_OK) != 0) {
		FAIL(e, KEY, "there is no wallet named %s", name);
		return err_hint(e,
		        "`lilypad wallet list` lists them, `lilypad wallet new %s` makes it", name);
	}
	snprintf(path, sizeof path, "%s/lilypad.ini", c->places.config);
	if (access(path, F_OK) == 0)
		TRY(file_read(path, PROFILE_MAX, &old, e), e);
	set_wallet(buf_view(&old), name, &text);
	TRY(file_write(path, buf_bytes(&text), 0600, e), e);
	return true;
}

int cmd_wallet_use(struct cli *c)
{
	char where[CLI_PATH_MAX + 100];
	struct err e;

	if (!use(c, word(c, 0), &e))
		return cli_fail(c, &e);
	if (c->json)
		cli_print_json(json_pack("{s:s}", "wallet", word(c, 0)));
	else
		cli_say(c, "%s is in use from now on", word(c, 0));
	if (settings_source(c->settings, "wallet.name") > FROM_PROFILE)
		cli_say(c, "but here %s says %s",
		        settings_source_text(c->settings, "wallet.name", where, sizeof where),
		        settings_text(c->settings, "wallet.name"));
	return 0;
}

/* ---- balance, fund ------------------------------------------------------------------------------ */

/* An account as text, or the one of a wallet (NULL: that in use) without unlocking its key. */
static bool account_of(const struct cli *c, const char *text, struct addr *out, struct err *e)
{
	struct buf key OWN(buf_done) = {0};
	char path[CLI_PATH_MAX];
	const char *name = text ? text : settings_text(c->settings, "wallet.name");

	if (text && strncmp(text, "0x", 2) == 0)
		return addr_parse(str_of(text), out, e);
	TRY(wallet_name_ok(name, e), e);
	wallet_path(c, name, ".json", path);
	buf_init(&key, KEYSTORE_TEXT_MAX);
	if (access(path, F_OK) != 0) {
		FAIL(e, KEY, "there is no wallet named %s", name);
		return err_hint(e, "lilypad wallet new %s", name);
	}
	TRY(file_read(path, KEYSTORE_TEXT_MAX, &key, e), e);
	if (!keystore_addr(buf_view(&key), out))
		return FAIL(e, KEY, "%s does not say whose key it is", path);
	return true;
}

static bool show_amount(const json_t *j, const char *key, const struct genesis *g, struct err *e)
{
	char text[AMOUNT_DEC_MAX + 2];
	struct amount a;
	struct str s;

	TRY(json_get_str(j, key, &s, e), e);
	if (!amount_parse(s, &a))
		return FAIL(e, PEER, "the ledger says %s is \"%.*s\"", key, STR_ARG(s));
	amount_format_display(a, g->decimals, text);
	printf("%-12s %s %s\n", key, text, g->symbol);
	return true;
}

int cmd_wallet_balance(struct cli *c)
{
	json_t *j OWN(json_own) = NULL;
	struct network_file n;
	struct addr who;
	char text[ADDR_TEXT_MAX];
	struct err e;

	if (!network_load(c, &n, &e) || !account_of(c, word(c, 0), &who, &e) ||
	        !remote_account(c, &who, &j, &e) || !remote_channels(c, &who, j, &e))
		return cli_fail(c, &e);
	if (c->json) {
		json_object_set_new(j, "symbol", json_string(n.genesis.symbol));
		json_object_set_new(j, "decimals", json_integer(n.genesis.decimals));
		cli_print_json(json_incref(j));
		return 0;
	}
	addr_format(&who, text);
	printf("%-12s %s\n", "account", text);
	if (!show_amount(j, "free", &n.genesis, &e) || !show_amount(j, "locked", &n.genesis, &e) ||
	        (json_object_get(j, "channels") && !show_amount(j, "channels", &n.genesis, &e)) ||
	        !show_amount(j, "withdrawing", &n.genesis, &e))
		return cli_fail(c, &e);
	return 0;
}

static bool fund(
        struct cli *c, struct network_file *n, struct mint *m, json_t **answer, struct err *e)
{
	const char *name = args_get(&c->args, "operator");
	struct wallet op;
	struct action *a = calloc(1, sizeof *a);
	bool ok;

	if (!a)
		return FAIL(e, MEMORY, "no memory for an action");
	if (!wallet_open(c, name ? name : "operator", false, &op, e)) {
		free(a);
		return err_hint(
		        e, "the operator's key must be here: --operator NAME says which it is");
	}
	ok = addr_eq(&op.addr, &n->genesis.operator_) ||
	     FAIL(e, FORBIDDEN, "the wallet %s is not that of the ledger's operator", op.name);
	a->body.mint = *m;
	ok = ok && action_send_by(c, n, &op, SEND_MINT, mint_record(), a, e) &&
	     action_submit(c, a, answer, e);
	wallet_close(&op);
	free(a);
	return ok;
}

static bool fund_args(struct cli *c, struct network_file *n, struct mint *m, struct err *e)
{
	const char *tokens = word(c, 0);

	if (!tokens)
		return FAIL(e, USAGE, "how much? lilypad wallet fund TOKENS");
	TRY(network_load(c, n, e), e);
	if (!n->genesis.test && !n->chain_id)
		return FAIL(e, FORBIDDEN,
		        "%s is no test ledger: nobody mints tokens there with this command",
		        n->genesis.name);
	if (!amount_parse_display(str_of(tokens), n->genesis.decimals, &m->amount) ||
	        !amount_fits_document(m->amount))
		return FAIL(e, USAGE, "\"%s\" is no amount of tokens such as 0.25", tokens);
	TRY(account_of(c, args_get(&c->args, "to"), &m->to, e), e);
	return true;
}

/* On a chain nobody mints: tokens of the operator's, on other than test ledgers of the wallet in use, are deposited;
 * on a test ledger it sends coin for gas as well. */
static bool deposit(
        struct cli *c, const struct network_file *n, struct mint *m, json_t **answer, struct err *e)
{
	const char *name = args_get(&c->args, "operator");
	struct wallet w;
	struct hash tx;
	bool ok, gas = false;

	TRY(wallet_open(c, name || !n->genesis.test ? name : "operator", false, &w, e), e);
	ok = chain_deposit(c, &w, n, &m->to, m->amount, &tx, e);
	if (ok && n->genesis.test && !addr_eq(&w.addr, &m->to))
		ok = chain_gas(c, &w, &m->to, u256_of(GAS_WEI), &gas, e);
	wallet_close(&w);
	TRY(ok, e);
	*answer = json_pack("{s:o, s:b}", "transaction", json_of_hash(&tx), "gas", gas);
	return true;
}

int cmd_wallet_fund(struct cli *c)
{
	json_t *answer OWN(json_own) = NULL;
	struct network_file n;
	struct mint m = {0};
	char who[ADDR_TEXT_MAX], text[AMOUNT_DEC_MAX + 2];
	struct err e;

	if (!fund_args(c, &n, &m, &e) ||
	        !(n.chain_id ? deposit(c, &n, &m, &answer, &e) : fund(c, &n, &m, &answer, &e)))
		return cli_fail(c, &e);
	addr_format(&m.to, who);
	amount_format_display(m.amount, n.genesis.decimals, text);
	if (c->json)
		cli_print_json(json_pack("{s:s, s:o, s:O}", "account", who, "amount",
		        json_of_amount(m.amount), "ledger", answer));
	else
		cli_say(c, "%s %s for %s", text, n.genesis.symbol, who);
	return 0;
}

/* ---- export, import ------------------------------------------------------------------------------ */

static bool export(const struct cli *c, struct err *e)
{
	const char *out = args_get(&c->args, "out");
	struct buf pass OWN(buf_done) = {0};
	struct buf json OWN(buf_done) = {0};
	struct wallet w;
	bool ok;

	buf_init(&pass, PASS_MAX);
	buf_init(&json, KEYSTORE_TEXT_MAX);
	TRY(wallet_open(c, word(c, 0), false, &w, e), e);
	ok = wallet_password(args_get(&c->args, "password-file"),
	             "password for the exported key: ", &pass, e) &&
	     keystore_encode(&w.key, buf_view(&pass), KEYSTORE_STRONG, &json, e);
	wallet_close(&w);
	if (pass.p)
		explicit_bzero(pass.p, pass.n);
	TRY(ok, e);
	if (!out) {
		printf("%s\n", buf_cstr(&json));
		return true;
	}
	if (access(out, F_OK) == 0)
		return FAIL(e, CONFLICT, "%s is there already", out);
	return file_write(out, buf_bytes(&json), 0600, e);
}

int cmd_wallet_export(struct cli *c)
{
	struct err e;

	return export(c, &e) ? 0 : cli_fail(c, &e);
}

/* 64 hex digits from standard input: never from the command line, where others could read them. */
static bool read_secret(struct seckey *key, struct err *e)
{
	char text[SECRET_MAX];
	size_t n = fread(text, 1, sizeof text, stdin);
	bool ok;

	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	ok = seckey_parse((struct str){text, n}, key, e);
	explicit_bzero(text, sizeof text);
	return ok;
}

static bool read_key(const struct cli *c, const char *file, struct seckey *key, struct err *e)
{
	struct buf json OWN(buf_done) = {0};
	struct buf pass OWN(buf_done) = {0};
	struct err why;
	bool ok;

	if (strcmp(file, "-") == 0)
		return read_secret(key, e);
	buf_init(&json, KEYSTORE_TEXT_MAX);
	buf_init(&pass, PASS_MAX);
	TRY(file_read(file, KEYSTORE_TEXT_MAX, &json, e), e);
	/* A file of words instead of JSON: say what it is rather than what it lacks. */
	if (!seckey_parse(buf_view(&json), key, &why) && why.code == E_KEY_SEED_PHRASE) {
		*e = why;
		return false;
	}
	TRY(wallet_password(
	            args_get(&c->args, "password-file"), "password of the key file: ", &pass, e),
	        e);
	ok = keystore_decode(buf_view(&json), buf_view(&pass), key, e);
	if (pass.p)
		explicit_bzero(pass.p, pass.n);
	if (!ok)
		err_prefix(e, "%s: ", file);
	return ok;
}

int cmd_wallet_import(struct cli *c)
{
	const char *name = word(c, 1) ? word(c, 1) : settings_text(c->settings, "wallet.name");
	struct seckey key OWN(seckey_wipe) = {{0}};
	struct addr addr;
	struct err e;

	if (!word(c, 0)) {
		FAIL(&e, USAGE, "which key? lilypad wallet import FILE [NAME]");
		return cli_fail(c, &e);
	}
	if (!wallet_name_ok(name, &e) || !read_key(c, word(c, 0), &key, &e) ||
	        !wallet_save(c, name, &key, &e) || !seckey_addr(&key, &addr, &e))
		return cli_fail(c, &e);
	return show_new(c, name, &addr);
}
