/* auth_test.c - signed requests: what is accepted, and every way to be refused (protocol 9.1). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codec/hex.h"
#include "crypto/keccak.h"
#include "crypto/secp.h"
#include "http/auth.h"

enum { START_S = 1800000000 };

static struct seckey alice_key = {{1, 2, 3}};
static const struct addr server = {{0x5e}};
static const struct hash domain = {{0xd0}};
static uint64_t drawn;

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(self, digest, out, e);
}

static void draw(void *self, void *out, size_t n)
{
	(void)self;
	memset(out, 0, n);
	drawn++;
	memcpy(out, &drawn, MIN2(n, sizeof drawn));
}

static struct http_identity alice(void)
{
	struct http_identity who = {
	        .signer = {&alice_key, {{0}}, sign}, .rng = {NULL, draw}, .domain = domain};
	struct err e;

	assert_true(seckey_addr(&alice_key, &who.signer.addr, &e));
	return who;
}

static struct wall at(int64_t seconds)
{
	return (struct wall){((int64_t)START_S + seconds) * 1000};
}

struct request_sent {
	struct buf header;
	const char *method, *path, *body;
};

static void send_at(struct request_sent *r, const struct http_identity *who, int64_t seconds)
{
	struct hash hash;
	struct err e;

	r->method = "POST";
	r->path = "/v1/deals/7?x=1";
	r->body = "{\"a\":1}";
	buf_init(&r->header, 10000);
	keccak256(r->body, strlen(r->body), &hash);
	assert_true(auth_sign(
	        who, &server, r->method, str_of(r->path), &hash, at(seconds), &r->header, &e));
}

static bool receive(struct auth_check *c, const struct request_sent *r, int64_t seconds,
        struct addr *who, struct err *e)
{
	struct hash hash;

	keccak256(r->body, strlen(r->body), &hash);
	return auth_verify(
	        c, buf_view(&r->header), r->method, str_of(r->path), &hash, at(seconds), who, e);
}

static int setup(void **state)
{
	static struct auth_check c;

	auth_check_init(&c, &domain, &server, at(0), 5);
	*state = &c;
	return 0;
}

static int teardown(void **state)
{
	auth_check_done(*state);
	return 0;
}

static void signer_is_known(void **state)
{
	struct http_identity a = alice();
	struct request_sent r;
	struct addr who;
	struct err e;

	send_at(&r, &a, 100);
	assert_true(receive(*state, &r, 100, &who, &e));
	assert_true(addr_eq(&who, &a.signer.addr));
	buf_done(&r.header);
}

static void replay_is_refused(void **state)
{
	struct http_identity a = alice();
	struct request_sent r;
	struct addr who;
	struct err e;

	send_at(&r, &a, 100);
	assert_true(receive(*state, &r, 50, &who, &e));
	for (int64_t s = 40; s <= 160; s += 10) {
		assert_false(receive(*state, &r, s, &who, &e));
		assert_int_equal(e.code, E_REPLAYED);
	}
	buf_done(&r.header);
}

/* Over two windows and more: while the time is right the nonce is known, whatever the clock does. */
static void replay_is_refused_when_the_clock_jumps(void **state)
{
	struct http_identity a = alice();
	struct request_sent r, other;
	struct addr who;
	struct err e;

	send_at(&r, &a, 100);
	assert_true(receive(*state, &r, 100, &who, &e));
	send_at(&other, &a, 100000);
	assert_true(receive(*state, &other, 100000, &who, &e));
	assert_false(receive(*state, &r, 100, &who, &e));
	assert_int_equal(e.code, E_STALE);
	assert_false(receive(*state, &other, 100000, &who, &e));
	assert_int_equal(e.code, E_REPLAYED);
	buf_done(&r.header);
	buf_done(&other.header);
}

static void stale_and_future_are_refused(void **state)
{
	struct http_identity a = alice();
	struct request_sent r;
	struct addr who;
	struct err e;

	send_at(&r, &a, 200);
	assert_false(receive(*state, &r, 261, &who, &e));
	assert_int_equal(e.code, E_STALE);
	assert_false(receive(*state, &r, 139, &who, &e));
	assert_int_equal(e.code, E_STALE);
	assert_true(e.hint[0]);
	/* A refusal does not use the nonce up. */
	assert_true(receive(*state, &r, 260, &who, &e));
	buf_done(&r.header);
	send_at(&r, &a, 0);
	assert_false(receive(*state, &r, 1, &who, &e));
	assert_int_equal(e.code, E_STALE);
	assert_non_null(strstr(e.msg, "it has started since"));
	buf_done(&r.header);
}

static void another_request_is_refused(void **state)
{
	struct http_identity a = alice();
	struct request_sent r;
	struct addr who;
	struct err e;

	send_at(&r, &a, 100);
	r.body = "{\"a\":2}";
	assert_false(receive(*state, &r, 100, &who, &e));
	assert_int_equal(e.code, E_SIGNATURE);
	assert_non_null(strstr(e.msg, "another body"));
	r.body = "{\"a\":1}";
	r.path = "/v1/deals/7?x=2";
	assert_false(receive(*state, &r, 100, &who, &e));
	assert_int_equal(e.code, E_SIGNATURE);
	assert_non_null(strstr(e.msg, "/v1/deals/7?x=1"));
	r.path = "/v1/deals/7?x=1";
	r.method = "PUT";
	assert_false(receive(*state, &r, 100, &who, &e));
	assert_int_equal(e.code, E_SIGNATURE);
	r.method = "POST";
	assert_true(receive(*state, &r, 100, &who, &e));
	buf_done(&r.header);
}

static void another_server_is_refused(void **state)
{
	struct http_identity a = alice();
	struct auth_check other;
	struct addr elsewhere = {{0x77}}, who;
	struct hash foreign = {{0xf0}};
	struct request_sent r;
	struct err e;

	(void)state;
	send_at(&r, &a, 100);
	auth_check_init(&other, &domain, &elsewhere, at(0), 5);
	assert_false(receive(&other, &r, 100, &who, &e));
	assert_int_equal(e.code, E_FORBIDDEN);
	auth_check_done(&other);
	/* Signed for another ledger: some other account seems to have signed it. */
	auth_check_init(&other, &foreign, &server, at(0), 5);
	if (receive(&other, &r, 100, &who, &e))
		assert_false(addr_eq(&who, &a.signer.addr));
	auth_check_done(&other);
	buf_done(&r.header);
}

static void malformed_headers_are_refused(void **state)
{
	static const char *const texts[] = {"", "Bearer abc", "Lilypad", "Lilypad ", "Lilypad !!!",
	        "Lilypad e30", "Lilypad eyJyZXF1ZXN0Ijp7fX0", "lilypad e30"};
	struct hash hash = {{0}};
	struct addr who;
	struct err e;

	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_false(auth_verify(
		        *state, str_of(texts[i]), "GET", STR("/"), &hash, at(100), &who, &e));
		assert_int_equal(e.code, E_SIGNATURE);
		assert_true(e.msg[0]);
	}
}

/* Every bit of the header that is turned makes it another account's request, or none at all. */
static void tampered_header_is_refused(void **state)
{
	struct http_identity a = alice();
	struct request_sent r;
	struct auth_claim claim, changed;
	uint8_t json[AUTH_HEADER_MAX];
	char text[AUTH_HEADER_MAX + 16] = "Lilypad ";
	struct addr who;
	struct err e;
	size_t n;

	send_at(&r, &a, 100);
	assert_true(auth_parse(buf_view(&r.header), &claim, &e));
	assert_true(base64url_parse(
	        (struct str){(char *)r.header.p + 8, r.header.n - 8}, json, sizeof json, &n));
	for (size_t i = 0; i < n; i++) {
		struct hash hash;

		keccak256(r.body, strlen(r.body), &hash);
		json[i] ^= 1;
		base64url_format(json, n, text + 8);
		json[i] ^= 1;
		if (!auth_verify(*state, str_of(text), r.method, str_of(r.path), &hash, at(100),
		            &who, &e))
			continue;
		assert_true(auth_parse(str_of(text), &changed, &e));
		/* What still verifies as hers says the same: hex digits in the other case, say. */
		if (addr_eq(&who, &a.signer.addr))
			assert_memory_equal(&changed.request, &claim.request, sizeof claim.request);
	}
	buf_done(&r.header);
}

static void long_paths_cannot_be_signed(void **state)
{
	struct http_identity a = alice(), nobody = {0};
	struct hash hash = {{0}};
	char path[1200];
	struct err e;
	OWN(buf_done) struct buf out = {0};

	(void)state;
	buf_init(&out, 10000);
	memset(path, 'x', sizeof path);
	assert_false(auth_sign(
	        &a, &server, "GET", (struct str){path, sizeof path}, &hash, at(1), &out, &e));
	assert_int_equal(e.code, E_RANGE);
	assert_false(auth_sign(&nobody, &server, "GET", STR("/"), &hash, at(1), &out, &e));
	assert_int_equal(e.code, E_KEY);
}

/* ---- over restarts ------------------------------------------------------------------------------------- */

static char kept[64];

static int setup_kept(void **state)
{
	(void)state;
	snprintf(kept, sizeof kept, "/tmp/auth_test.%ld.served", (long)getpid());
	unlink(kept);
	return 0;
}

static int teardown_kept(void **state)
{
	(void)state;
	unlink(kept);
	return 0;
}

static void up(struct auth_check *c, int64_t seconds)
{
	struct err e;

	auth_check_init(c, &domain, &server, at(seconds), 5);
	assert_true(auth_check_keep(c, kept, at(seconds), &e));
}

static void expect(struct auth_check *c, const struct request_sent *r, int64_t seconds, int code)
{
	struct addr who;
	struct err e = {0};

	assert_int_equal(receive(c, r, seconds, &who, &e), code == 0);
	assert_int_equal(code ? (int)e.code : 0, code);
}

static void first_start_accepts_at_once(void **state)
{
	struct http_identity a = alice();
	struct request_sent before, now;
	struct auth_check c;

	(void)state;
	send_at(&before, &a, 99);
	send_at(&now, &a, 100);
	up(&c, 100);
	expect(&c, &before, 100, E_STALE);
	expect(&c, &now, 100, 0);
	expect(&c, &now, 100, E_REPLAYED);
	auth_check_done(&c);
	buf_done(&before.header);
	buf_done(&now.header);
}

/* What the one before accepted is refused, what it cannot have accepted is not. */
static void restart_refuses_what_was_accepted(void **state)
{
	struct http_identity a = alice();
	struct request_sent r, same, next;
	struct auth_check c;

	(void)state;
	send_at(&r, &a, 100);
	send_at(&same, &a, 100);
	send_at(&next, &a, 101);
	up(&c, 100);
	expect(&c, &r, 100, 0);
	auth_check_done(&c); /* no more than the end of the process does */
	up(&c, 105);
	expect(&c, &r, 105, E_STALE);
	expect(&c, &same, 105, E_STALE);
	expect(&c, &next, 105, 0);
	expect(&c, &next, 105, E_REPLAYED);
	auth_check_done(&c);
	up(&c, 105);
	expect(&c, &next, 105, E_STALE);
	auth_check_done(&c);
	buf_done(&r.header);
	buf_done(&same.header);
	buf_done(&next.header);
}

/* One that was signed ahead shuts nobody out longer than the start's second. */
static void signed_ahead(void **state)
{
	struct http_identity a = alice();
	struct request_sent ahead, present;
	struct auth_check c;

	(void)state;
	send_at(&ahead, &a, 130);
	send_at(&present, &a, 103);
	up(&c, 100);
	expect(&c, &ahead, 100, 0);
	auth_check_done(&c);
	up(&c, 102);
	expect(&c, &present, 103, 0);
	auth_check_done(&c);
	up(&c, 130);
	expect(&c, &ahead, 130, E_STALE);
	auth_check_done(&c);
	buf_done(&ahead.header);
	buf_done(&present.header);
}

/* Another boot, a copy, rubbish, an empty file: nothing is proved, the start's second is refused. */
static void what_proves_nothing(void **state)
{
	struct http_identity a = alice();
	struct request_sent r, next;
	struct auth_check c;
	char line[200];
	size_t n;

	(void)state;
	send_at(&r, &a, 100);
	send_at(&next, &a, 101);
	up(&c, 50);
	auth_check_done(&c);
	FILE *f = fopen(kept, "r");
	assert_non_null(f);
	n = fread(line, 1, sizeof line, f);
	fclose(f);
	for (int i = 0; i < 4; i++) {
		char bad[200];

		memcpy(bad, line, n);
		if (i == 0)
			bad[10] ^= 1; /* the boot */
		else if (i == 1)
			bad[60] ^= 1; /* the inode */
		else if (i == 2)
			memset(bad, 'x', n);
		f = fopen(kept, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(bad, 1, i == 3 ? 0 : n, f), i == 3 ? 0 : n);
		fclose(f);
		up(&c, 100);
		expect(&c, &r, 100, E_STALE);
		expect(&c, &next, 100, 0);
		auth_check_done(&c);
	}
	buf_done(&r.header);
	buf_done(&next.header);
}

static void no_folder_no_server(void **state)
{
	struct auth_check c;
	struct err e;

	(void)state;
	auth_check_init(&c, &domain, &server, at(0), 5);
	assert_false(auth_check_keep(&c, "/proc/no/such/folder", at(0), &e));
	assert_int_equal(e.code, E_IO);
	auth_check_done(&c);
}

#define KEPT(f) cmocka_unit_test_setup_teardown(f, setup_kept, teardown_kept)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(signer_is_known, setup, teardown),
	        cmocka_unit_test_setup_teardown(replay_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                replay_is_refused_when_the_clock_jumps, setup, teardown),
	        cmocka_unit_test_setup_teardown(stale_and_future_are_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(another_request_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(another_server_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(malformed_headers_are_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(tampered_header_is_refused, setup, teardown),
	        cmocka_unit_test(long_paths_cannot_be_signed),
	        KEPT(first_start_accepts_at_once),
	        KEPT(restart_refuses_what_was_accepted),
	        KEPT(signed_ahead),
	        KEPT(what_proves_nothing),
	        cmocka_unit_test(no_folder_no_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
