/* network_hostile_test.c - a network's file that takes the name of another. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/remove.h"

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(self, digest, out, e);
}

/* A file of a ledger with an operator of its own. */
static void make(const char *path, const char *name)
{
	struct network_file n = {0};
	struct seckey key;
	struct signer s = {&key, {{0}}, sign};
	struct err e;

	assert_true(seckey_new(&key, &e));
	assert_true(seckey_addr(&key, &s.addr, &e));
	snprintf(n.name, sizeof n.name, "%s", name);
	snprintf(n.genesis.name, sizeof n.genesis.name, "%s", name);
	snprintf(n.genesis.symbol, sizeof n.genesis.symbol, "LP");
	n.genesis.operator_ = s.addr;
	snprintf(n.ledger_url, sizeof n.ledger_url, "http://127.0.0.1:1");
	snprintf(n.solver_url, sizeof n.solver_url, "http://127.0.0.1:2");
	snprintf(n.directory_url, sizeof n.directory_url, "http://127.0.0.1:3");
	n.solver = n.directory = s.addr;
	if (!network_write(path, &n, &s, &e))
		fail_msg("%s", e.msg);
}

static void test_a_name_that_is_taken(void **state)
{
	char dir[] = "/tmp/network_hostile_XXXXXX", ours[64], theirs[64];
	struct cli c = {0};
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(c.places.config, sizeof c.places.config, "%s", dir);
	snprintf(ours, sizeof ours, "%s/ours.json", dir);
	snprintf(theirs, sizeof theirs, "%s/theirs.json", dir);
	make(ours, "main");
	make(theirs, "main");
	assert_true(network_import(&c, ours, NULL, &e));
	assert_true(network_import(&c, ours, NULL, &e)); /* again */
	assert_false(network_import(&c, theirs, NULL, &e));
	assert_int_equal(e.code, E_CONFLICT);
	assert_true(network_import(&c, theirs, "other", &e));
	assert_false(network_import(&c, ours, "other", &e));
	assert_false(network_import(&c, ours, "../other", &e));
	assert_false(network_import(&c, ours, ".", &e));
	assert_true(remove_all(dir, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_name_that_is_taken)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
