/* acked_test.c - Acks alone and in batches: every place of every batch, and what is not in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/merkle.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "model/acked.h"

enum { FIRST = 41 };

static const struct hash domain = {{1}};
static struct seckey key = {{7}};
static struct addr solver;
static struct acked all[ACK_BATCH_MAX];

static struct sig sign(const struct record *r, const void *row)
{
	struct hash digest;
	struct sig sig;
	struct err e;

	signed_digest(&domain, r, row, &digest);
	assert_true(secp_sign(&key, &digest, &sig, &e));
	return sig;
}

static void make(uint32_t n)
{
	struct hash leaves[ACK_BATCH_MAX], nodes[MERKLE_NODES(ACK_BATCH_MAX)];
	struct ack_batch b = {.first = FIRST, .count = n, .time = {1000}};
	struct merkle_path path;
	size_t nodes_n;

	for (uint32_t i = 0; i < n; i++) {
		all[i] = (struct acked){.ack = {.offer = {{(uint8_t)(i + 1)}},
		                                .sequence = FIRST + i,
		                                .time = {999}}};
		eip712_hash(ack_record(), &all[i].ack, &leaves[i]);
	}
	nodes_n = merkle_levels(leaves, n, nodes);
	b.root = nodes[nodes_n - 1];
	for (uint32_t i = 0; i < n; i++) {
		merkle_path_of(nodes, n, i, &path);
		assert_true(path.n <= ACK_PATH_MAX);
		all[i].batch = b;
		all[i].path.n = path.n;
		memcpy(all[i].path.v, path.siblings, path.n * sizeof *path.siblings);
		all[i].sig = sign(ack_batch_record(), &b);
	}
}

static void refused(const struct acked *a)
{
	struct err e;

	assert_false(acked_check(a, &domain, &solver, &e));
	assert_int_equal(e.code, E_SIGNATURE);
}

static void test_alone(void **state)
{
	struct acked a = {.ack = {.offer = {{5}}, .sequence = 3, .time = {9}}};
	struct err e;

	(void)state;
	a.sig = sign(ack_record(), &a.ack);
	assert_true(acked_check(&a, &domain, &solver, &e));
	a.ack.sequence++;
	refused(&a);
}

static void test_every_place(void **state)
{
	struct acked a;
	struct err e;

	(void)state;
	for (uint32_t n = 1; n <= ACK_BATCH_MAX; n++) {
		make(n);
		for (uint32_t i = 0; i < n; i++)
			assert_true(acked_in_batch(&all[i], &e));
		assert_true(acked_check(&all[n - 1], &domain, &solver, &e));
	}
	/* Another offer, number, time, path or signer. */
	a = all[9];
	a.ack.offer.b[31] ^= 1;
	refused(&a);
	for (uint64_t s = 0; s < FIRST + ACK_BATCH_MAX + 2; s++) {
		a = all[9];
		a.ack.sequence = s;
		assert_int_equal(acked_in_batch(&a, &e), s == FIRST + 9);
	}
	a = all[9];
	a.ack.time.s++;
	refused(&a);
	a = all[9];
	a.path = all[10].path;
	refused(&a);
	a = all[9];
	a.path.n--;
	refused(&a);
	a = all[9];
	a.sig = sign(ack_record(), &a.ack);
	refused(&a);
}

/* What is signed cannot be changed, nor be more than a batch. */
static void test_batch_is_signed(void **state)
{
	struct acked a;

	(void)state;
	make(3);
	a = all[1];
	a.batch.time.s++;
	refused(&a);
	a = all[1];
	a.batch.first--;
	a.ack.sequence--;
	refused(&a);
	a = all[1];
	a.batch.count = ACK_BATCH_MAX + 1;
	a.sig = sign(ack_batch_record(), &a.batch);
	refused(&a);
	a = all[1];
	a.path.n = UINT32_MAX;
	refused(&a);
}

static void test_json(void **state)
{
	static const char *const wrong[] = {
	        "{\"batch\": 1, \"path\": []}",
	        "{\"path\": []}",
	        "{\"batch\": %s}",
	        "{\"batch\": %s, \"path\": {}}",
	        "{\"batch\": %s, \"path\": [\"0x12\"]}",
	        "{\"batch\": %s, \"path\": [1]}",
	        "{\"batch\": %s, \"path\": [1, 2, 3, 4, 5, 6, 7]}",
	};
	struct buf batch OWN(buf_done) = {0};
	struct acked a = {.ack = {.sequence = 1}};
	struct err e;
	json_t *j;

	(void)state;
	make(5);
	j = json_pack("{s:o, s:o}", "batch", record_to_json(ack_batch_record(), &all[2].batch),
	        "path", ack_path_to_json(&all[2].path));
	assert_true(acked_take_batch(&a, j, "batch", "path", &e));
	assert_memory_equal(&a.batch, &all[2].batch, sizeof a.batch);
	assert_memory_equal(&a.path, &all[2].path, sizeof a.path);
	json_decref(j);
	buf_init(&batch, 4096);
	record_canonical(ack_batch_record(), &all[2].batch, &batch);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct buf text OWN(buf_done) = {0};
		const char *hole = strstr(wrong[i], "%s");

		buf_init(&text, 4096);
		buf_put(&text, wrong[i], hole ? (size_t)(hole - wrong[i]) : strlen(wrong[i]));
		buf_str(&text, hole ? buf_view(&batch) : STR(""));
		buf_z(&text, hole ? hole + 2 : "");
		assert_true(json_parse(buf_view(&text), &j, &e));
		assert_false(acked_take_batch(&a, j, "batch", "path", &e));
		assert_int_equal(e.code, E_JSON_VALUE);
		json_decref(j);
	}
	j = json_object();
	assert_true(acked_take_batch(&a, j, "batch", "path", &e));
	assert_int_equal(a.batch.count, 0);
	json_decref(j);
}

static int setup(void **state)
{
	struct err e;

	(void)state;
	return seckey_addr(&key, &solver, &e) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_alone),
	        cmocka_unit_test(test_every_place),
	        cmocka_unit_test(test_batch_is_signed),
	        cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
