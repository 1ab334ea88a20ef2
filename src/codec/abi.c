/* abi.c - types are read from the signature as the values are walked; heads first, then tails. */
#include "codec/abi.h"

#include "crypto/keccak.h"

enum { WORD = 32, SELECTOR = 4 };

/* ---- leaves ------------------------------------------------------------------------------------- */

struct abi_leaf abi_u64(uint64_t v)
{
	return abi_u256(u256_of(v));
}

struct abi_leaf abi_u256(struct u256 v)
{
	struct abi_leaf l = {0};

	u256_to_be(v, l.word.b);
	return l;
}

struct abi_leaf abi_amount(struct amount v)
{
	struct abi_leaf l = {0};

	amount_to_be(v, l.word.b);
	return l;
}

struct abi_leaf abi_addr(const struct addr *a)
{
	struct abi_leaf l = {0};

	memcpy(l.word.b + WORD - sizeof a->b, a->b, sizeof a->b);
	return l;
}

struct abi_leaf abi_hash(const struct hash *h)
{
	return (struct abi_leaf){.word = *h};
}

struct abi_leaf abi_bytes(struct bytes b)
{
	return (struct abi_leaf){.bytes = b};
}

struct abi_leaf abi_sig(const struct sig *s)
{
	return abi_bytes(bytes_of(s->b, s->n));
}

uint64_t abi_get_u64(const struct abi_leaf *l)
{
	return u256_from_be(l->word.b).w[0];
}

struct u256 abi_get_u256(const struct abi_leaf *l)
{
	return u256_from_be(l->word.b);
}

struct amount abi_get_amount(const struct abi_leaf *l)
{
	return amount_from_be(l->word.b);
}

struct addr abi_get_addr(const struct abi_leaf *l)
{
	struct addr a;

	memcpy(a.b, l->word.b + WORD - sizeof a.b, sizeof a.b);
	return a;
}

/* ---- types -------------------------------------------------------------------------------------- */

struct str abi_types(const char *signature)
{
	const char *open = strchr(signature, '(');
	size_t n = open ? strlen(open) : 0;

	assert(n >= 2 && open[n - 1] == ')');
	return (struct str){open + 1, n - 2};
}

/* Takes the first type of a list, with its brackets. */
static struct str take_type(struct str *types)
{
	struct str t = *types;
	size_t depth = 0, i = 0;

	for (; i < t.n && (depth || t.p[i] != ','); i++)
		depth += (size_t)(t.p[i] == '(') - (size_t)(t.p[i] == ')');
	*types = i < t.n ? (struct str){t.p + i + 1, t.n - i - 1} : (struct str){t.p + i, 0};
	return (struct str){t.p, i};
}

static bool is_list(struct str t, struct str *item)
{
	if (t.n < 2 || memcmp(t.p + t.n - 2, "[]", 2) != 0)
		return false;
	*item = (struct str){t.p, t.n - 2};
	return true;
}

static bool is_tuple(struct str t, struct str *members)
{
	if (t.n < 2 || t.p[0] != '(' || t.p[t.n - 1] != ')')
		return false;
	*members = (struct str){t.p + 1, t.n - 2};
	return true;
}

/* "T[9]": as a tuple of so many T. */
static bool is_array(struct str t, struct str *item, uint64_t *n)
{
	size_t at = t.n;

	if (t.n < 3 || t.p[t.n - 1] != ']')
		return false;
	while (at && t.p[at - 1] != '[')
		at--;
	if (at < 2 || !str_u64((struct str){t.p + at, t.n - 1 - at}, ABI_LEAVES_MAX, n))
		return false;
	*item = (struct str){t.p, at - 1};
	return true;
}

static bool is_dynamic(struct str t)
{
	struct str in;
	uint64_t n;

	if (is_array(t, &in, &n))
		return is_dynamic(in);

	if (is_list(t, &in) || str_is(t, "bytes") || str_is(t, "string"))
		return true;
	if (is_tuple(t, &in)) {
		while (in.n) {
			if (is_dynamic(take_type(&in)))
				return true;
		}
	}
	return false;
}

/* Bytes of the head. */
static size_t head_of(struct str t)
{
	struct str in;
	uint64_t times;
	size_t n = 0;

	if (is_dynamic(t))
		return WORD;
	if (is_array(t, &in, &times))
		return head_of(in) * (size_t)times;
	if (!is_tuple(t, &in))
		return WORD;
	while (in.n)
		n += head_of(take_type(&in));
	return n;
}

/* How many of the 32 bytes an elementary type uses, and where; 0: no such type. */
static size_t width_of(struct str t, bool *left)
{
	uint64_t n;

	*left = false;
	if (str_is(t, "address"))
		return 20;
	if (str_is(t, "bool"))
		return 1;
	if (str_starts(t, "uint") && str_u64((struct str){t.p + 4, t.n - 4}, 256, &n))
		return n % 8 ? 0 : (size_t)n / 8;
	*left = true;
	if (str_starts(t, "bytes") && str_u64((struct str){t.p + 5, t.n - 5}, 32, &n))
		return (size_t)n;
	return 0;
}

static bool word_fits(struct str t, const struct hash *word, bool *known)
{
	bool left;
	size_t width = width_of(t, &left);
	size_t from = left ? width : 0, to = left ? WORD : WORD - width;

	*known = width > 0;
	for (size_t i = from; i < to; i++) {
		if (word->b[i])
			return false;
	}
	return !str_is(t, "bool") || word->b[WORD - 1] <= 1;
}

void abi_id(const char *signature, struct hash *out)
{
	keccak256(signature, strlen(signature), out);
}

bool abi_is(const char *signature, struct bytes data)
{
	struct hash id;

	abi_id(signature, &id);
	return data.n >= SELECTOR && memcmp(data.p, id.b, SELECTOR) == 0;
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* What is left of the leaves, and where they go. */
struct writer {
	const struct abi_leaf *leaf, *end;
	struct buf *out;
	struct err *e;
};

/* A row of values that share a base: the types of a list one after another, or one type `times` times. */
struct row {
	struct str types;
	bool repeats;
	uint64_t times;
};

static bool row_next(struct row *r, struct str *t)
{
	if (r->repeats) {
		*t = r->types;
		return r->times-- > 0;
	}
	if (r->types.n == 0)
		return false;
	*t = take_type(&r->types);
	return true;
}

static size_t row_head(struct row r)
{
	struct str t;
	size_t n = 0;

	if (r.repeats)
		return head_of(r.types) * (size_t)r.times;
	while (row_next(&r, &t))
		n += head_of(t);
	return n;
}

static bool write_row(struct writer *w, struct row r);

static bool next_leaf(struct writer *w, const struct abi_leaf **out)
{
	if (w->leaf == w->end)
		return FAIL(w->e, INTERNAL, "too few values for the types of a contract");
	*out = w->leaf++;
	return true;
}

static bool write_word(struct writer *w, struct str t, size_t at)
{
	const struct abi_leaf *l = NULL;
	bool known, fits;

	TRY(next_leaf(w, &l), w->e);
	fits = word_fits(t, &l->word, &known);
	if (!known)
		return FAIL(w->e, INTERNAL, "%.*s is no type that is known", STR_ARG(t));
	if (!fits)
		return FAIL(w->e, RANGE, "a value does not fit into %.*s", STR_ARG(t));
	if (buf_ok(w->out))
		memcpy(w->out->p + at, l->word.b, WORD);
	return true;
}

static void put_count(struct buf *out, uint64_t n)
{
	struct abi_leaf l = abi_u64(n);

	buf_put(out, l.word.b, WORD);
}

static bool write_tail(struct writer *w, struct str t)
{
	static const uint8_t zeros[WORD];
	const struct abi_leaf *l = NULL;
	struct str in;
	uint64_t times;

	if (is_tuple(t, &in))
		return write_row(w, (struct row){.types = in});
	if (is_array(t, &in, &times))
		return write_row(w, (struct row){in, true, times});
	TRY(next_leaf(w, &l), w->e);
	if (is_list(t, &in)) {
		uint64_t n = abi_get_u64(l);

		if (n > (size_t)(w->end - w->leaf))
			return FAIL(w->e, INTERNAL, "a list of %llu without its items",
			        (unsigned long long)n);
		put_count(w->out, n);
		return write_row(w, (struct row){in, true, n});
	}
	put_count(w->out, l->bytes.n);
	buf_put(w->out, l->bytes.p, l->bytes.n);
	buf_put(w->out, zeros, (WORD - l->bytes.n % WORD) % WORD);
	return true;
}

/* Static members lie in the head of whatever they are in. */
static bool write_static(struct writer *w, struct str t, size_t at)
{
	struct str in;
	uint64_t times;

	if (is_array(t, &in, &times)) {
		for (uint64_t i = 0; i < times; i++)
			TRY(write_static(w, in, at + (size_t)i * head_of(in)), w->e);
		return true;
	}
	if (!is_tuple(t, &in))
		return write_word(w, t, at);
	while (in.n) {
		struct str member = take_type(&in);

		TRY(write_static(w, member, at), w->e);
		at += head_of(member);
	}
	return true;
}

static bool write_row(struct writer *w, struct row r)
{
	size_t base = w->out->n, at = base, head = row_head(r);
	struct abi_leaf offset;
	struct str t;

	if (!buf_room(w->out, head) && head)
		return FAIL(w->e, TOO_LARGE, "a call of more than %zu bytes", w->out->max);
	while (row_next(&r, &t)) {
		if (!is_dynamic(t)) {
			TRY(write_static(w, t, at), w->e);
		} else {
			offset = abi_u64(w->out->n - base);
			memcpy(w->out->p + at, offset.word.b, WORD);
			TRY(write_tail(w, t), w->e);
			if (!buf_ok(w->out))
				return FAIL(w->e, TOO_LARGE, "a call of more than %zu bytes",
				        w->out->max);
		}
		at += head_of(t);
	}
	return true;
}

bool abi_encode(
        struct str types, const struct abi_leaf *leaves, size_t n, struct buf *out, struct err *e)
{
	struct writer w = {leaves, leaves + n, out, e};

	TRY(write_row(&w, (struct row){.types = types}), e);
	if (w.leaf != w.end)
		return FAIL(e, INTERNAL, "too many values for %.*s", STR_ARG(types));
	return true;
}

bool abi_encode_call(const char *signature, const struct abi_leaf *leaves, size_t n,
        struct buf *out, struct err *e)
{
	struct hash id;

	abi_id(signature, &id);
	buf_put(out, id.b, SELECTOR);
	TRY(abi_encode(abi_types(signature), leaves, n, out, e), e);
	if (!buf_ok(out))
		return FAIL(e, TOO_LARGE, "a call of more than %zu bytes", out->max);
	return true;
}

/* ---- reading ------------------------------------------------------------------------------------ */

struct reader {
	struct abi_leaf *leaf, *end;
	struct err *e;
};

static bool read_row(struct reader *d, struct row r, struct bytes data);

static bool cut_off(struct err *e)
{
	return FAIL(e, ENCODING, "a contract's data ends within a value");
}

static bool add_leaf(struct reader *d, struct abi_leaf l)
{
	if (d->leaf == d->end)
		return FAIL(d->e, TOO_LARGE, "a contract's data has too many values");
	*d->leaf++ = l;
	return true;
}

/* A count, an offset or a length, which must be below the bytes that are there. */
static bool read_size(struct bytes data, size_t at, size_t *out, struct err *e)
{
	struct u256 v;

	if (data.n < WORD || at > data.n - WORD)
		return cut_off(e);
	v = u256_from_be(data.p + at);
	if (u256_bits(v) > 32 || v.w[0] > data.n)
		return FAIL(e, ENCODING, "a size or offset in a contract's data is out of bounds");
	*out = (size_t)v.w[0];
	return true;
}

static bool read_word(struct reader *d, struct str t, struct bytes data, size_t at)
{
	struct abi_leaf l = {0};
	bool known, fits;

	if (data.n < WORD || at > data.n - WORD)
		return cut_off(d->e);
	memcpy(l.word.b, data.p + at, WORD);
	fits = word_fits(t, &l.word, &known);
	if (!known)
		return FAIL(d->e, INTERNAL, "%.*s is no type that is known", STR_ARG(t));
	if (!fits)
		return FAIL(d->e, ENCODING, "a word in a contract's data is no %.*s", STR_ARG(t));
	return add_leaf(d, l);
}

static bool read_tail(struct reader *d, struct str t, struct bytes data)
{
	struct bytes rest;
	struct str in;
	uint64_t times;
	size_t n;

	if (is_tuple(t, &in))
		return read_row(d, (struct row){.types = in}, data);
	if (is_array(t, &in, &times))
		return read_row(d, (struct row){in, true, times}, data);
	TRY(read_size(data, 0, &n, d->e), d->e);
	rest = bytes_of(data.p + WORD, data.n - WORD);
	if (is_list(t, &in)) {
		if (n > rest.n / WORD)
			return cut_off(d->e);
		TRY(add_leaf(d, abi_u64(n)), d->e);
		return read_row(d, (struct row){in, true, n}, rest);
	}
	if (n > rest.n)
		return cut_off(d->e);
	return add_leaf(d, abi_bytes(bytes_of(rest.p, n)));
}

static bool read_static(struct reader *d, struct str t, struct bytes data, size_t at)
{
	struct str in;
	uint64_t times;

	if (is_array(t, &in, &times)) {
		for (uint64_t i = 0; i < times; i++)
			TRY(read_static(d, in, data, at + (size_t)i * head_of(in)), d->e);
		return true;
	}
	if (!is_tuple(t, &in))
		return read_word(d, t, data, at);
	while (in.n) {
		struct str member = take_type(&in);

		TRY(read_static(d, member, data, at), d->e);
		at += head_of(member);
	}
	return true;
}

static bool read_row(struct reader *d, struct row r, struct bytes data)
{
	size_t at = 0, offset;
	struct str t;

	while (row_next(&r, &t)) {
		if (!is_dynamic(t)) {
			TRY(read_static(d, t, data, at), d->e);
		} else {
			TRY(read_size(data, at, &offset, d->e), d->e);
			TRY(read_tail(d, t, bytes_of(data.p + offset, data.n - offset)), d->e);
		}
		at += head_of(t);
	}
	return true;
}

bool abi_decode(struct str types, struct bytes data, struct abi_leaf *leaves, size_t max, size_t *n,
        struct err *e)
{
	struct reader d = {leaves, leaves + max, e};

	if (data.n > ABI_DATA_MAX)
		return FAIL(e, TOO_LARGE, "a contract's data has %zu bytes, more than %u", data.n,
		        ABI_DATA_MAX);
	TRY(read_row(&d, (struct row){.types = types}, data), e);
	*n = (size_t)(d.leaf - leaves);
	return true;
}
