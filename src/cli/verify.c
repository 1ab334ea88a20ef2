/* verify.c - `lilypad verify RECEIPT`: offline; what was checked, line by line, and what it trusts. */
#include <dirent.h>
#include <stdlib.h>

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
        const struct cli *c, const struct hash *genesis, char name[NAME_MAX_ + 1])
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
		eip712_hash(genesis_record(), &n.genesis, &h);
		found = hash_eq(&h, genesis) ? KNOWN_YES : KNOWN_OTHERS;
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

static unsigned check_ledger(const struct cli *c, const struct receipt *r, json_t *list)
{
	char name[NAME_MAX_ + 1] = "", hex[HASH_TEXT_MAX], what[200];
	struct hash genesis;

	eip712_hash(genesis_record(), &r->genesis, &genesis);
	hash_format(&genesis, hex);
	switch (known_ledger(c, &genesis, name)) {
	case KNOWN_YES:
		snprintf(what, sizeof what, "its ledger is that of the network %s, known here",
		        name);
		line(c, list, "✓", what, "network file", "");
		return 0;
	case KNOWN_OTHERS:
		snprintf(what, sizeof what, "its ledger %s is none that is known here", hex);
		line(c, list, "✗", what, "network file",
		        "`lilypad network import FILE` if you know it to be right");
		return 1;
	case KNOWN_NONE: break;
	}
	snprintf(what, sizeof what, "its ledger is %s: no network is known here to compare with",
	        hex);
	line(c, list, "○", what, "the receipt itself", "");
	return 0;
}

static unsigned check_all(const struct cli *c, const struct receipt *r, json_t *list)
{
	struct receipt_check checks[RECEIPT_CHECKS_MAX];
	size_t n = receipt_check(r, checks);
	unsigned wrong = check_ledger(c, r, list);

	for (size_t i = 0; i < n; i++) {
		line(c, list, checks[i].ok ? "✓" : "✗", checks[i].what,
		        receipt_trust_text(checks[i].trust), checks[i].why);
		wrong += !checks[i].ok;
	}
	return wrong;
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
	ok = load(c, r, &e);
	if (ok)
		wrong = check_all(c, r, list);
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
