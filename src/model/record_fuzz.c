/* record_fuzz.c - every record from foreign text: what is accepted is read back unchanged, with the
 * same hash, and by way of a tree the same. The first byte chooses the record. */
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "model/model.h"

static const struct record *choose(uint8_t which)
{
	size_t n = 0;

	while (model_documents[n])
		n++;
	/* The job spec is no signed document, but comes from strangers all the same. */
	which = (uint8_t)(which % (n + 1));
	return which < n ? model_documents[which]() : job_spec_record();
}

static void free_row(void **row)
{
	free(*row);
}

/* The reader and the writer of one pass say what those by way of a tree say. */
static void same_by_tree(const struct record *r, struct str text, const void *row, struct str canon)
{
	OWN(free_row) void *other = calloc(1, r->size);
	OWN(json_own) json_t *j = NULL, *made = record_to_json(r, row);
	OWN(buf_done) struct buf out;
	struct err e;

	buf_init(&out, 1u << 24);
	if (!json_parse(text, &j, &e) || !record_from_json(r, j, other, &e) || !made)
		abort();
	json_canonical(made, &out);
	if (memcmp(row, other, r->size) != 0 || !str_eq(buf_view(&out), canon))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct record *r = choose(n > 0 ? p[0] : 0);
	OWN(free_row) void *row = calloc(1, r->size);
	OWN(free_row) void *again = calloc(1, r->size);
	OWN(buf_done) struct buf text;
	struct hash a, b;
	struct err e;

	buf_init(&text, 1u << 24);
	if (n == 0 || !record_parse(r, (struct str){(const char *)p + 1, n - 1}, row, &e))
		return 0;
	record_canonical(r, row, &text);
	if (!buf_ok(&text) || !record_parse(r, buf_view(&text), again, &e))
		abort();
	if (memcmp(row, again, r->size) != 0)
		abort();
	same_by_tree(r, (struct str){(const char *)p + 1, n - 1}, row, buf_view(&text));
	eip712_hash(r, row, &a);
	eip712_hash(r, again, &b);
	if (!hash_eq(&a, &b))
		abort();
	return 0;
}
