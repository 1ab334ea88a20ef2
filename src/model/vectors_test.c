/* vectors_test.c - every signed type against tests/vectors/documents.json, which another implementation
 * wrote (tests/vectors/make_documents.py). Runs from the root of the repository. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "model/model.h"

#define VECTORS "tests/vectors/documents.json"

static struct {
	json_t *j;
	struct seckey key;
	struct addr account;
	struct hash embedded, evm;
} v;

static struct hash hash_in(const json_t *obj, const char *key)
{
	struct hash h;
	struct err e;

	if (!json_get_hash(obj, key, &h, &e))
		fail_msg("%s", e.msg);
	return h;
}

static struct str text_in(const json_t *obj, const char *key)
{
	struct str s;
	struct err e;

	if (!json_get_str(obj, key, &s, &e))
		fail_msg("%s", e.msg);
	return s;
}

static int load(void **state)
{
	struct hash h;
	struct buf text;
	struct err e = {0};
	FILE *f = fopen(VECTORS, "r");
	char part[4096];
	size_t n;

	(void)state;
	if (!f) {
		print_error("%s: not found; run from the root of the repository\n", VECTORS);
		return -1;
	}
	buf_init(&text, 8u << 20);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_put(&text, part, n);
	fclose(f);
	if (!json_parse(buf_view(&text), &v.j, &e)) {
		print_error("%s: %s\n", VECTORS, e.msg);
		return -1;
	}
	buf_done(&text);
	h = hash_in(v.j, "key");
	memcpy(v.key.b, h.b, sizeof v.key.b);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	json_decref(v.j);
	return 0;
}

static void test_head(void **state)
{
	const json_t *domains = json_object_get(v.j, "domains");
	struct hash genesis = hash_in(v.j, "genesis"), want;
	struct addr controller, account;
	uint64_t chain_id;
	struct err e;

	(void)state;
	assert_true(json_get_addr(v.j, "controller", &controller, &e));
	assert_true(json_get_addr(v.j, "account", &v.account, &e));
	assert_true(json_get_u64(v.j, "chainId", &chain_id, &e));
	assert_true(seckey_addr(&v.key, &account, &e));
	assert_true(addr_eq(&account, &v.account));
	eip712_domain_embedded(&genesis, &v.embedded);
	eip712_domain_evm(chain_id, &controller, &v.evm);
	want = hash_in(domains, "embedded");
	assert_memory_equal(&v.embedded, &want, sizeof want);
	want = hash_in(domains, "evm");
	assert_memory_equal(&v.evm, &want, sizeof want);
}

static const struct record *record_of(struct str type)
{
	for (size_t i = 0; model_documents[i]; i++) {
		if (str_is(type, model_documents[i]()->type))
			return model_documents[i]();
	}
	fail_msg("%s holds a type that src/model does not: %.*s", VECTORS, STR_ARG(type));
	return NULL;
}

static void check_domain(
        const struct record *r, const void *row, const struct hash *domain, const json_t *expected)
{
	struct hash digest, want = hash_in(expected, "digest");
	struct sig ours, theirs;
	struct addr signer;
	struct err e;

	signed_digest(domain, r, row, &digest);
	assert_memory_equal(&digest, &want, sizeof want);
	assert_true(json_get_sig(expected, "signature", &theirs, &e));
	/* RFC 6979: both sign alike. */
	assert_true(secp_sign(&v.key, &digest, &ours, &e));
	assert_int_equal(ours.n, theirs.n);
	assert_memory_equal(ours.b, theirs.b, theirs.n);
	assert_true(signed_by(domain, r, row, &theirs, &signer, &e));
	assert_true(addr_eq(&signer, &v.account));
	assert_true(signed_check(domain, r, row, &theirs, &v.account, &e));
}

static void check_document(const json_t *doc)
{
	const struct record *r = record_of(text_in(doc, "type"));
	struct str json = text_in(doc, "json");
	struct hash h, want = hash_in(doc, "structHash");
	void *row = calloc(1, r->size);
	struct err e = {0};
	struct buf text;

	buf_init(&text, 1u << 20);
	eip712_type(r, &text);
	if (!str_eq(buf_view(&text), text_in(doc, "encodeType")))
		fail_msg("%s: encodeType differs; was %s made for these tables?", r->type, VECTORS);
	if (!record_parse(r, json, row, &e))
		fail_msg("%s %s: %s", r->type, json_string_value(json_object_get(doc, "what")),
		        e.msg);
	buf_reset(&text);
	record_canonical(r, row, &text);
	assert_int_equal(text.n, json.n);
	assert_memory_equal(text.p, json.p, json.n);
	eip712_hash(r, row, &h);
	if (!hash_eq(&h, &want))
		fail_msg("%s %s: struct hash differs", r->type,
		        json_string_value(json_object_get(doc, "what")));
	check_domain(r, row, &v.embedded, json_object_get(doc, "embedded"));
	check_domain(r, row, &v.evm, json_object_get(doc, "evm"));
	buf_done(&text);
	free(row);
}

static void test_documents(void **state)
{
	const json_t *docs = json_object_get(v.j, "documents");

	(void)state;
	assert_true(json_array_size(docs) > 0);
	for (size_t i = 0; i < json_array_size(docs); i++)
		check_document(json_array_get(docs, i));
}

/* At least two documents of each type. */
static void test_coverage(void **state)
{
	const json_t *docs = json_object_get(v.j, "documents");

	(void)state;
	for (size_t i = 0; model_documents[i]; i++) {
		size_t n = 0;

		for (size_t k = 0; k < json_array_size(docs); k++)
			n += str_is(text_in(json_array_get(docs, k), "type"),
			        model_documents[i]()->type);
		if (n < 2)
			fail_msg("%s has %zu vectors: run tests/vectors/make_documents.py",
			        model_documents[i]()->type, n);
	}
}

/* A signature for one ledger is worthless on another, and one document is not another (2.0.1). */
static void test_signature_is_bound(void **state)
{
	const json_t *doc = json_array_get(json_object_get(v.j, "documents"), 0);
	const struct record *r = record_of(text_in(doc, "type"));
	struct prices row;
	struct sig sig;
	struct err e = {0};

	(void)state;
	assert_ptr_equal(r, prices_record());
	assert_true(record_parse(r, text_in(doc, "json"), &row, &e));
	assert_true(json_get_sig(json_object_get(doc, "embedded"), "signature", &sig, &e));
	assert_true(signed_check(&v.embedded, r, &row, &sig, &v.account, &e));
	assert_false(signed_check(&v.evm, r, &row, &sig, &v.account, &e));
	assert_int_equal(e.code, E_SIGNATURE);
	row.base = amount_of(1);
	assert_false(signed_check(&v.embedded, r, &row, &sig, &v.account, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_head),
	        cmocka_unit_test(test_documents),
	        cmocka_unit_test(test_coverage),
	        cmocka_unit_test(test_signature_is_bound),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
