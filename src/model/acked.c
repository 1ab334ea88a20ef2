/* acked.c - an Ack, its path and the signed batch (protocol 1.2). */
#include "model/acked.h"

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/merkle.h"
#include "codec/signed.h"

bool acked_in_batch(const struct acked *a, struct err *e)
{
	struct merkle_path path = {.count = a->batch.count, .n = a->path.n};
	struct hash leaf;

	if (a->batch.count == 0)
		return true;
	if (a->batch.count > ACK_BATCH_MAX || a->path.n > ACK_PATH_MAX)
		return FAIL(e, SIGNATURE, "a batch of %u Acks: at most %d have one signature",
		        a->batch.count, ACK_BATCH_MAX);
	/* Below the first it wraps, and is past the last as well. */
	path.index = a->ack.sequence - a->batch.first;
	memcpy(path.siblings, a->path.v, path.n * sizeof *path.siblings);
	eip712_hash(ack_record(), &a->ack, &leaf);
	if (!merkle_check(&leaf, &path, &a->batch.root))
		return FAIL(e, SIGNATURE,
		        "Ack %llu is not in the signed batch of %u Acks from %llu on",
		        (unsigned long long)a->ack.sequence, a->batch.count,
		        (unsigned long long)a->batch.first);
	return true;
}

const struct record *acked_document(const struct acked *a, const void **row)
{
	*row = a->batch.count ? (const void *)&a->batch : &a->ack;
	return a->batch.count ? ack_batch_record() : ack_record();
}

bool acked_check(
        const struct acked *a, const struct hash *domain, const struct addr *solver, struct err *e)
{
	const void *row;
	const struct record *r = acked_document(a, &row);

	TRY(acked_in_batch(a, e), e);
	return signed_check(domain, r, row, &a->sig, solver, e);
}

bool acked_take_batch(
        struct acked *a, const json_t *obj, const char *batch, const char *path, struct err *e)
{
	const json_t *list = json_object_get(obj, path);
	size_t n = json_array_size(list);
	struct ack_path p = {0};
	struct err why;

	a->batch = (struct ack_batch){0};
	a->path = p;
	if (!list && !json_object_get(obj, batch))
		return true;
	TRY(json_get_record(obj, batch, ack_batch_record(), &a->batch, e), e);
	if (a->batch.count == 0 || a->batch.count > ACK_BATCH_MAX)
		return FAIL(e, JSON_VALUE, "%s.count is %u: a batch has 1 to %d Acks", batch,
		        a->batch.count, ACK_BATCH_MAX);
	if (!json_is_array(list) || n > ACK_PATH_MAX)
		return FAIL(e, JSON_VALUE, "%s is not an array of at most %d hashes", path,
		        ACK_PATH_MAX);
	for (; p.n < n; p.n++) {
		if (!hash_parse(json_text_of(json_array_get(list, p.n)), &p.v[p.n], &why))
			return FAIL(e, JSON_VALUE, "%s[%u] is not 0x and 64 hex digits", path, p.n);
	}
	a->path = p;
	return true;
}

json_t *ack_path_to_json(const struct ack_path *p)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < p->n; i++)
		json_array_append_new(list, json_of_hash(&p->v[i]));
	return list;
}
