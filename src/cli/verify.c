/* verify.c - `lilypad verify RECEIPT`: offline; what was checked, line by line, and what it trusts. Of a receipt on a
 * chain the hashes of its blocks are trusted, unless they are given or a node is asked. */
#include <dirent.h>
#include <stdlib.h>

#include "chain/evm_prove.h"
#include "cli/cli.h"
#include "cli/receipt.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/file.h"

enum { NETWORKS_MAX = 256 };

enum known { KNOWN_NONE, KNOWN_OTHERS, KNOWN_YES };

/* A receipt brings its own ledger: is that one a ledger that this machine was told of? */
static enum known known_ledger(
        const struct cli *c, const struct hash *domain, char name[NAME_MAX_ + 1])
{
	char dir[CLI_PATH_MAX], path[CLI_PATH_MAX + 300];
	enum known found = KNOWN_NONE;
	struct dirent *f;
	DIR *d;

	snprintf(dir, sizeof dir, "%.900s/networks", c->places.config);
	d = opendir(dir);
	for (int i = 0; d && i < NETWORKS_MAX && found != KNOWN_YES && (f = readdir(d)) != NULL;
	        i++) {
		struct network_file n;
		struct hash h;
		struct err e;

		snprintf(path, sizeof path, "%.1000s/%.255s", dir, f->d_name);
		if (f->d_name[0] == '.' || !strstr(f->d_name, ".json") ||
		        !network_read(path, &n, &e))
			continue;
		network_domain(&n, &h);
		found = hash_eq(&h, domain) ? KNOWN_YES : KNOWN_OTHERS;
		snprintf(name, NAME_MAX_ + 1, "%s", n.name);
	}
	if (d)
		closedir(d);
	return found;
}

static void line(const struct cli *c, json_t *list, const char *mark, const char *what,
        const char *trust, const char *why)
{
	if (c->json)
		json_array_append_new(
		        list, json_pack("{s:b, s:s, s:s, s:s}", "ok", (int)(strcmp(mark, "✗") != 0),
		                      "what", what, "trust", trust, "why", why));
	else
		printf("%s %s [%s]%s%s\n", mark, what, trust, *why ? ": " : "", why);
}

enum { LEDGER_TEXT_MAX = 120 };

static void ledger_text(const struct receipt *r, char out[LEDGER_TEXT_MAX])
{
	char hex[HASH_TEXT_MAX];
	struct hash genesis;

	if (r->chain.id) {
		addr_format(&r->chain.controller, hex);
		snprintf(out, LEDGER_TEXT_MAX, "the contract %s on chain %llu", hex,
		        (unsigned long long)r->chain.id);
		return;
	}
	eip712_hash(genesis_record(), &r->genesis, &genesis);
	hash_format(&genesis, hex);
	snprintf(out, LEDGER_TEXT_MAX, "%s", hex);
}

static unsigned check_ledger(const struct cli *c, const struct receipt *r, json_t *list)
{
	char name[NAME_MAX_ + 1] = "", is[LEDGER_TEXT_MAX], what[240];
	struct hash domain;

	receipt_domain(r, &domain);
	ledger_text(r, is);
	switch (known_ledger(c, &domain, name)) {
	case KNOWN_YES:
		snprintf(what, sizeof what, "its ledger is that of the network %s, known here",
		        name);
		line(c, list, "✓", what, "network file", "");
		return 0;
	case KNOWN_OTHERS:
		snprintf(what, sizeof what, "its ledger %s is none that is known here", is);
		line(c, list, "✗", what, "network file",
		        "`lilypad network import FILE` if you know it to be right");
		return 1;
	case KNOWN_NONE: break;
	}
	snprintf(what, sizeof what, "its ledger is %s: no network is known here to compare with",
	        is);
	line(c, list, "○", what, "the receipt itself", "");
	return 0;
}

/* ---- the blocks of a chain ------------------------------------------------------------------------ */

/* What is known of the chain from elsewhere. */
struct pins {
	const char *rpc; /* NULL: no node is asked */
	size_t n;
	struct hash given[RECEIPT_LOGS];
};

static bool read_pins(const struct cli *c, const struct receipt *r, struct pins *p, struct err *e)
{
	const char *text;

	p->rpc = args_get(&c->args, "rpc");
	for (; (text = args_nth(&c->args, "block-hash", p->n)) != NULL; p->n++) {
		if (p->n == COUNT(p->given))
			return FAIL(e, USAGE, "--block-hash: a receipt has at most %d blocks",
			        RECEIPT_LOGS);
		if (!hash_parse(str_of(text), &p->given[p->n], e)) {
			err_prefix(e, "--block-hash: ");
			return false;
		}
	}
	if (!r->chain.id && (p->rpc || p->n)) {
		FAIL(e, USAGE, "the receipt is of an embedded ledger: it has no block of a chain");
		return err_hint(e, "lilypad verify FILE");
	}
	if (p->rpc && strlen(p->rpc) > URL_MAX)
		return FAIL(e, USAGE, "--rpc: a URL of more than %d bytes", URL_MAX);
	return true;
}

static bool is_given(const struct pins *p, const struct hash *h)
{
	for (size_t i = 0; i < p->n; i++) {
		if (hash_eq(&p->given[i], h))
			return true;
	}
	return false;
}

static unsigned check_given(const struct cli *c, const struct pins *p, const struct eth_proof *log,
        const char *what, json_t *list)
{
	bool ok = is_given(p, &log->block);

	line(c, list, ok ? "✓" : "✗", what, "block hash, as given",
	        ok ? "" : "it is not the one given");
	return !ok;
}

static bool check_asked(const struct cli *c, const struct pins *p, const struct receipt *r,
        const struct eth_proof *log, const char *what, json_t *list, unsigned *wrong, struct err *e)
{
	struct evm_place place = {.chain_id = r->chain.id, .controller = r->chain.controller};
	char is[HASH_TEXT_MAX], why[160] = "";
	struct eth_head head;
	struct hash h = {{0}};

	if (!eth_head_read(bytes_of(log->header, log->header_n), &head, e))
		return true; /* there is another line about that */
	snprintf(place.urls, sizeof place.urls, "%s", p->rpc);
	if (!evm_block_hash(&place, head.number, &h, e)) {
		if (e->code != E_NOT_FOUND)
			return false;
		snprintf(why, sizeof why, "%.150s", e->msg);
	} else if (!hash_eq(&h, &log->block)) {
		hash_format(&h, is);
		snprintf(why, sizeof why, "the chain has %s there", is);
	}
	line(c, list, *why ? "✗" : "✓", what, "the node asked", why);
	*wrong += *why != '\0';
	return true;
}

/* Whether the chain has the blocks. Nothing in the receipt can tell. */
static bool check_blocks(const struct cli *c, const struct receipt *r, const struct pins *p,
        json_t *list, unsigned *wrong, struct err *e)
{
	for (unsigned i = r->chain.submitted ? 0 : RECEIPT_LOG_END; i < RECEIPT_LOGS; i++) {
		const struct eth_proof *log = &r->chain.log[i];
		char hex[HASH_TEXT_MAX], what[160];

		hash_format(&log->block, hex);
		snprintf(what, sizeof what, "the chain has the block %s of the log of the %s", hex,
		        i == RECEIPT_LOG_END ? "end" : "result");
		if (p->n)
			*wrong += check_given(c, p, log, what, list);
		if (p->rpc)
			TRY(check_asked(c, p, r, log, what, list, wrong, e), e);
		if (!p->n && !p->rpc)
			line(c, list, "○", what, receipt_trust_text(TRUST_BLOCK),
			        "not checked: --block-hash HASH or --rpc URL does");
	}
	return true;
}

static bool check_all(
        const struct cli *c, const struct receipt *r, json_t *list, unsigned *wrong, struct err *e)
{
	struct receipt_check checks[RECEIPT_CHECKS_MAX];
	size_t n = receipt_check(r, checks);
	struct pins pins = {0};

	TRY(read_pins(c, r, &pins, e), e);
	*wrong = check_ledger(c, r, list);
	for (size_t i = 0; i < n; i++) {
		line(c, list, checks[i].ok ? "✓" : "✗", checks[i].what,
		        receipt_trust_text(checks[i].trust), checks[i].why);
		*wrong += !checks[i].ok;
	}
	return !r->chain.id || check_blocks(c, r, &pins, list, wrong, e);
}

static bool load(const struct cli *c, struct receipt *r, struct err *e)
{
	struct buf text OWN(buf_done) = {0};

	if (c->args.positional_n != 1)
		return FAIL(e, USAGE, "which receipt? lilypad verify FILE");
	buf_init(&text, RECEIPT_BYTES_MAX);
	TRY(file_read(c->args.positional[0], RECEIPT_BYTES_MAX, &text, e), e);
	if (receipt_parse(buf_view(&text), r, e))
		return true;
	err_prefix(e, "%s: ", c->args.positional[0]);
	return false;
}

int cmd_verify(struct cli *c)
{
	struct receipt *r = calloc(1, sizeof *r);
	json_t *list = json_array();
	unsigned wrong = 0;
	struct err e;
	bool ok;

	assert(r);
	ok = load(c, r, &e) && check_all(c, r, list, &wrong, &e);
	free(r);
	if (ok && c->json)
		cli_print_json(json_pack("{s:b, s:O}", "valid", (int)(wrong == 0), "checks", list));
	json_decref(list);
	if (!ok)
		return cli_fail(c, &e);
	if (wrong == 0) {
		cli_say(c, "the receipt holds");
		return 0;
	}
	FAIL(&e, TAMPERED, "%u of the receipt's checks fail", wrong);
	return c->json ? err_exit(e.code) : cli_fail(c, &e);
}
