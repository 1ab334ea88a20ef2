/* evm_send_keep.c - the folder of transactions on their way. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "chain/evm_send_own.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"

enum { FILE_MAX = 8 << 20 };

/* ---- entries ------------------------------------------------------------------------------------ */

struct sending *sending_new(struct evm_send *s)
{
	struct sending *x = calloc(1, sizeof *x), **at = &s->first;

	if (!x)
		return NULL;
	/* In the order in which they came. */
	while (*at)
		at = &(*at)->next;
	x->s = s;
	x->at = at;
	*at = x;
	buf_init(&x->data, EVM_DATA_MAX);
	s->n++;
	return x;
}

void sending_free(struct sending *x)
{
	*x->at = x->next;
	if (x->next)
		x->next->at = x->at;
	x->s->n--;
	for (unsigned i = 0; i < x->attempts_n; i++)
		buf_done(&x->attempts[i].raw);
	buf_done(&x->data);
	free(x);
}

/* ---- files -------------------------------------------------------------------------------------- */

static void path_of(const struct evm_send *s, uint64_t nonce, char out[SEND_PATH_MAX + 32])
{
	snprintf(out, SEND_PATH_MAX + 32, "%s/%020llu.json", s->dir, (unsigned long long)nonce);
}

static bool lock(const struct evm_send *s, int *fd, struct err *e)
{
	char path[SEND_PATH_MAX + 32];

	snprintf(path, sizeof path, "%s/lock", s->dir);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* Held for a file or two at a time. */
	if (*fd < 0 || flock(*fd, LOCK_EX) != 0) {
		int sys = errno;

		fd_close(fd);
		return FAIL_SYS(e, IO, sys, "%s cannot be locked", path);
	}
	return true;
}

static json_t *attempts_json(const struct sending *x)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < x->attempts_n; i++) {
		const struct attempt *a = &x->attempts[i];

		json_array_append_new(list,
		        json_pack("{s:o, s:o, s:o, s:o}", "hash", json_of_hash(&a->hash), "maxFee",
		                json_of_u64(a->max_fee_wei), "tip", json_of_u64(a->tip_wei), "raw",
		                evm_data(buf_bytes(&a->raw))));
	}
	return list;
}

static bool write_down(const struct sending *x, struct err *e)
{
	char path[SEND_PATH_MAX + 32];
	struct buf text OWN(buf_done) = {0};
	json_t *j = json_pack("{s:o, s:o, s:o, s:o, s:o}", "action", json_of_hash(&x->id), "nonce",
	        json_of_u64(x->nonce), "since", json_of_u64(x->since.s), "deadline",
	        json_of_u64(x->deadline.s), "attempts", attempts_json(x));

	if (!hash_is_zero(&x->deal))
		json_object_set_new(j, "deal", json_of_hash(&x->deal));
	buf_init(&text, FILE_MAX);
	json_canonical(j, &text);
	json_decref(j);
	if (!buf_ok(&text))
		return FAIL(e, MEMORY, "no memory to write a transaction down");
	path_of(x->s, x->nonce, path);
	return file_write(path, buf_bytes(&text), 0600, e);
}

static bool sign(struct sending *x, uint64_t max_fee_wei, uint64_t tip_wei, struct err *e)
{
	struct attempt *a = &x->attempts[x->attempts_n];
	struct evm_tx tx = {.chain_id = x->s->o.chain_id,
	        .nonce = x->nonce,
	        .tip_wei = tip_wei,
	        .max_fee_wei = max_fee_wei,
	        .gas = x->gas,
	        .creates = x->creates,
	        .to = x->to,
	        .value = x->value,
	        .data = buf_bytes(&x->data)};

	*a = (struct attempt){.max_fee_wei = max_fee_wei, .tip_wei = tip_wei};
	buf_init(&a->raw, EVM_TX_MAX);
	if (!evm_tx_sign(&tx, &x->s->o.signer, &a->raw, &a->hash, e)) {
		buf_done(&a->raw);
		err_note(e, __FILE__, __LINE__);
		return false;
	}
	x->attempts_n++;
	return true;
}

static void unsign(struct sending *x)
{
	buf_done(&x->attempts[--x->attempts_n].raw);
}

/* The number in a file's name; false for other files. */
static bool nonce_of(const char *name, uint64_t *out)
{
	struct str rest, digits = str_cut(str_of(name), '.', &rest);

	if (!str_is(rest, "json") || digits.n != 20)
		return false;
	while (digits.n > 1 && digits.p[0] == '0')
		digits = (struct str){digits.p + 1, digits.n - 1};
	return str_u64(digits, UINT64_MAX, out);
}

static bool next_nonce(const struct evm_send *s, uint64_t *out, struct err *e)
{
	DIR *d = opendir(s->dir);
	uint64_t n;

	if (!d)
		return FAIL_SYS(e, IO, errno, "%s cannot be read", s->dir);
	for (const struct dirent *f; (f = readdir(d));) {
		if (nonce_of(f->d_name, &n) && n >= *out)
			*out = n + 1;
	}
	closedir(d);
	return true;
}

bool sending_begin(struct sending *x, uint64_t least, struct err *e)
{
	int fd OWN(fd_close) = -1;

	TRY(lock(x->s, &fd, e), e);
	x->nonce = least;
	TRY(next_nonce(x->s, &x->nonce, e), e);
	TRY(sign(x, x->max_fee_wei, x->tip_wei, e), e);
	if (!write_down(x, e)) {
		unsign(x);
		err_note(e, __FILE__, __LINE__);
		return false;
	}
	return true;
}

bool sending_replace(struct sending *x, uint64_t max_fee_wei, uint64_t tip_wei, struct err *e)
{
	int fd OWN(fd_close) = -1;

	if (x->attempts_n == EVM_ATTEMPTS_MAX)
		return FAIL(e, RANGE, "it has been replaced %d times", EVM_ATTEMPTS_MAX);
	TRY(lock(x->s, &fd, e), e);
	TRY(sign(x, max_fee_wei, tip_wei, e), e);
	if (!write_down(x, e)) {
		unsign(x);
		err_note(e, __FILE__, __LINE__);
		return false;
	}
	return true;
}

void sending_forget(struct sending *x)
{
	char path[SEND_PATH_MAX + 32];

	path_of(x->s, x->nonce, path);
	(void)unlink(path);
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool read_attempt(struct sending *x, const json_t *j, struct err *e)
{
	struct attempt *a = &x->attempts[x->attempts_n];
	struct evm_tx tx;
	struct addr from;

	*a = (struct attempt){0};
	buf_init(&a->raw, EVM_TX_MAX);
	x->attempts_n++;
	TRY(evm_read_data(json_object_get(j, "raw"), &a->raw, e), e);
	TRY(evm_tx_read(buf_bytes(&a->raw), &tx, &from, &a->hash, e), e);
	if (!addr_eq(&from, &x->s->o.signer.addr) || tx.chain_id != x->s->o.chain_id ||
	        tx.nonce != x->nonce)
		return FAIL(e, CONFLICT, "a transaction of another account, chain or nonce");
	a->max_fee_wei = tx.max_fee_wei;
	a->tip_wei = tx.tip_wei;
	x->creates = tx.creates;
	x->to = tx.to;
	x->value = tx.value;
	x->gas = tx.gas;
	buf_reset(&x->data);
	buf_put(&x->data, tx.data.p, tx.data.n);
	return true;
}

static bool read_file(struct sending *x, const json_t *j, struct err *e)
{
	const json_t *list = json_object_get(j, "attempts"), *one;
	size_t i;

	TRY(json_get_hash(j, "action", &x->id, e), e);
	TRY(json_get_u64(j, "nonce", &x->nonce, e), e);
	TRY(json_get_u64(j, "since", &x->since.s, e), e);
	TRY(json_get_u64(j, "deadline", &x->deadline.s, e), e);
	if (json_object_get(j, "deal"))
		TRY(json_get_hash(j, "deal", &x->deal, e), e);
	if (json_array_size(list) == 0 || json_array_size(list) > EVM_ATTEMPTS_MAX)
		return FAIL(e, ENCODING, "attempts: must be 1 to %d", EVM_ATTEMPTS_MAX);
	json_array_foreach (list, i, one)
		TRY(read_attempt(x, one, e), e);
	x->step = SEND_SENT;
	/* Sent again as it is before anything dearer is. */
	x->bumped_at = clock_mono();
	return true;
}

static bool load_one(struct evm_send *s, uint64_t nonce, struct err *e)
{
	struct sending *x = sending_new(s);
	char path[SEND_PATH_MAX + 32];
	struct buf text OWN(buf_done) = {0};
	json_t *j OWN(json_own) = NULL;

	if (!x)
		return FAIL(e, MEMORY, "no memory for a transaction");
	path_of(s, nonce, path);
	buf_init(&text, FILE_MAX);
	if (file_read(path, FILE_MAX, &text, e) && json_parse(buf_view(&text), &j, e) &&
	        read_file(x, j, e) && x->nonce == nonce)
		return true;
	err_prefix(e, "%s: ", path);
	sending_free(x);
	return false;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool sendings_load(struct evm_send *s, struct err *e)
{
	int fd OWN(fd_close) = -1;
	uint64_t nonces[EVM_SENDS_MAX];
	size_t n = 0;
	DIR *d;

	TRY(lock(s, &fd, e), e);
	d = opendir(s->dir);
	if (!d)
		return FAIL_SYS(e, IO, errno, "%s cannot be read", s->dir);
	for (const struct dirent *f; n < EVM_SENDS_MAX && (f = readdir(d));)
		n += nonce_of(f->d_name, &nonces[n]);
	closedir(d);
	qsort(nonces, n, sizeof nonces[0], by_number);
	for (size_t i = 0; i < n; i++)
		TRY(load_one(s, nonces[i], e), e);
	return true;
}
