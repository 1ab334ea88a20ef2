/* proof_test.c - links of blocks, and proofs as strangers send them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "ledger/ledger_play.h"
#include "ledger/proof.h"

static const struct seckey operator_key = {{[31] = 1}};

static void sign_block(const struct hash *domain, const struct block *b, struct sig *out)
{
	struct hash digest;
	struct err e;

	signed_digest(domain, block_record(), b, &digest);
	assert_true(secp_sign(&operator_key, &digest, out, &e));
}

static void next_block(const struct block *before, uint64_t seconds, struct block *out)
{
	*out = (struct block){
	        .number = before->number + 1, .parent = play_id(block_record(), before)};
	out->time.s = before->time.s + seconds;
}

struct link {
	struct play p;
	struct block zero, one;
	struct hash domain;
	struct sig sig;
};

static void link_init(struct link *k)
{
	play_init(&k->p);
	assert_true(seckey_addr(&operator_key, &k->p.genesis.operator_, &k->p.e));
	k->domain = *ledger_domain(k->p.l);
	block_genesis(&k->p.genesis, &k->zero);
	next_block(&k->zero, 60, &k->one);
	sign_block(&k->domain, &k->one, &k->sig);
}

static bool follows(struct link *k)
{
	return block_follows(&k->one, &k->sig, &k->zero, &k->p.genesis, &k->domain, &k->p.e);
}

static void breaks(struct link *k)
{
	sign_block(&k->domain, &k->one, &k->sig);
	assert_false(follows(k));
	assert_int_equal(k->p.e.code, E_TAMPERED);
	assert_non_null(strstr(k->p.e.msg, "block "));
	next_block(&k->zero, 60, &k->one);
	sign_block(&k->domain, &k->one, &k->sig);
}

static void test_links(void **state)
{
	struct link k;

	(void)state;
	link_init(&k);
	assert_int_equal(k.zero.number, 0);
	assert_int_equal(k.zero.time.s, k.p.genesis.time.s);
	assert_true(follows(&k));
	k.one.number = 2;
	breaks(&k);
	k.one.parent.b[0] ^= 1;
	breaks(&k);
	k.one.time.s = k.zero.time.s - 1;
	breaks(&k);
	k.one.time.s++;
	breaks(&k);
	k.p.genesis.operator_.b[0] ^= 1;
	assert_false(follows(&k));
	k.p.genesis.operator_.b[0] ^= 1;
	/* A test ledger's clock may be set by hand, but not back. */
	k.p.genesis.test = true;
	next_block(&k.zero, 100000, &k.one);
	sign_block(&k.domain, &k.one, &k.sig);
	assert_true(follows(&k));
	k.one.time.s = k.zero.time.s - 1;
	breaks(&k);
	play_done(&k.p);
}

/* Two ledgers never have a block in common: block 1 names the genesis. */
static void test_genesis(void **state)
{
	struct link a;
	struct block other;
	struct genesis g;

	(void)state;
	link_init(&a);
	g = a.p.genesis;
	g.decimals++;
	block_genesis(&g, &other);
	assert_false(hash_eq(&other.parent, &a.zero.parent));
	play_done(&a.p);
}

static struct proof a_proof(struct link *k, const struct hash *action, struct bytes event)
{
	struct hash leaves[3] = {{{1}}, {{2}}, {{3}}}, scratch[3];
	struct proof p = {.block = k->one};

	block_leaf(action, event, &leaves[2]);
	merkle_root(leaves, 3, scratch, &p.block.root);
	sign_block(&k->domain, &p.block, &p.sig);
	merkle_prove(leaves, 3, 2, scratch, &p.path);
	return p;
}

static void test_json(void **state)
{
	static const char *const wrong[] = {
	        "{}",
	        "{\"path\":{\"siblings\":[\"0x12\"]}}",
	        "{\"path\":{\"siblings\":[7]}}",
	        "{\"path\":{\"siblings\":{}}}",
	        "{\"path\":{\"index\":\"-1\"}}",
	        "{\"path\":7}",
	        "{\"signature\":\"0x\"}",
	        "{\"block\":7}",
	};
	const struct hash action = {{7}};
	const struct bytes event = str_bytes(STR("{}"));
	struct link k;
	struct proof p, back;
	json_t *j;

	(void)state;
	link_init(&k);
	p = a_proof(&k, &action, event);
	assert_true(proof_check(&p, &action, event, &k.p.genesis.operator_, &k.domain, &k.p.e));
	j = proof_to_json(&p);
	assert_true(proof_from_json(j, &back, &k.p.e));
	assert_true(proof_check(&back, &action, event, &k.p.genesis.operator_, &k.domain, &k.p.e));
	for (size_t i = 1; i < COUNT(wrong); i++) {
		json_t *bad = json_deep_copy(j), *more = json_loads(wrong[i], 0, NULL);

		json_object_update_recursive(bad, more);
		if (proof_from_json(bad, &back, &k.p.e))
			fail_msg("accepted: %s", wrong[i]);
		json_decref(bad);
		json_decref(more);
	}
	json_decref(j);
	j = json_loads(wrong[0], 0, NULL);
	assert_false(proof_from_json(j, &back, &k.p.e));
	json_decref(j);
	play_done(&k.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_links),
	        cmocka_unit_test(test_genesis),
	        cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
