/* proof.c - hashes, links and paths of blocks. */
#include "ledger/proof.h"

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/keccak.h"

void block_genesis(const struct genesis *g, struct block *out)
{
	*out = (struct block){.time = g->time};
	eip712_hash(genesis_record(), g, &out->parent);
}

void block_leaf(const struct hash *action, struct bytes event, struct hash *out)
{
	struct hash pair[2] = {*action};

	keccak256(event.p, event.n, &pair[1]);
	keccak256(pair, sizeof pair, out);
}

static bool signed_by_operator(const struct block *b, const struct sig *sig,
        const struct addr *operator_, const struct hash *domain, struct err *e)
{
	struct err why;

	if (signed_check(domain, block_record(), b, sig, operator_, &why))
		return true;
	return FAIL(e, TAMPERED, "block %llu: %s", (unsigned long long)b->number, why.msg);
}

bool block_follows(const struct block *b, const struct sig *sig, const struct block *before,
        const struct genesis *g, const struct hash *domain, struct err *e)
{
	unsigned long long number = b->number;
	struct hash parent;

	eip712_hash(block_record(), before, &parent);
	if (b->number != before->number + 1)
		return FAIL(e, TAMPERED, "block %llu comes after block %llu", number,
		        (unsigned long long)before->number);
	if (!hash_eq(&b->parent, &parent))
		return FAIL(e, TAMPERED, "block %llu does not name the block before it", number);
	if (b->time.s < before->time.s)
		return FAIL(e, TAMPERED, "block %llu goes back in time, to %llu", number,
		        (unsigned long long)b->time.s);
	if (!g->test && b->time.s - before->time.s > BLOCK_STEP_S)
		return FAIL(e, TAMPERED, "block %llu is %llu s after the one before, more than %d",
		        number, (unsigned long long)(b->time.s - before->time.s), BLOCK_STEP_S);
	TRY(signed_by_operator(b, sig, &g->operator_, domain, e), e);
	return true;
}

bool proof_check(const struct proof *p, const struct hash *action, struct bytes event,
        const struct addr *operator_, const struct hash *domain, struct err *e)
{
	struct hash leaf;

	TRY(signed_by_operator(&p->block, &p->sig, operator_, domain, e), e);
	block_leaf(action, event, &leaf);
	if (merkle_check(&leaf, &p->path, &p->block.root))
		return true;
	return FAIL(e, TAMPERED, "the action with its event is not in block %llu",
	        (unsigned long long)p->block.number);
}

json_t *proof_to_json(const struct proof *p)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < p->path.n; i++)
		json_array_append_new(list, json_of_hash(&p->path.siblings[i]));
	return json_pack("{s:o, s:o, s:{s:o, s:o, s:o}}", "block",
	        record_to_json(block_record(), &p->block), "signature", json_of_sig(&p->sig),
	        "path", "index", json_of_u64(p->path.index), "count", json_of_u64(p->path.count),
	        "siblings", list);
}

bool proof_from_json(const json_t *j, struct proof *out, struct err *e)
{
	const json_t *path = json_object_get(j, "path"), *list = json_object_get(path, "siblings");
	struct proof p = {0};

	TRY(json_get_record(j, "block", block_record(), &p.block, e), e);
	TRY(json_get_sig(j, "signature", &p.sig, e), e);
	if (!json_is_object(path) || !json_is_array(list) ||
	        json_array_size(list) > MERKLE_PATH_MAX)
		return FAIL(e, JSON_VALUE,
		        "path: an object with index, count and at most %d siblings",
		        MERKLE_PATH_MAX);
	TRY(json_get_u64(path, "index", &p.path.index, e), e);
	TRY(json_get_u64(path, "count", &p.path.count, e), e);
	for (; p.path.n < json_array_size(list); p.path.n++) {
		const char *text = json_string_value(json_array_get(list, p.path.n));

		if (!text)
			return FAIL(e, JSON_VALUE, "path.siblings: item %u is no string", p.path.n);
		TRY(hash_parse(str_of(text), &p.path.siblings[p.path.n], e), e);
	}
	*out = p;
	return true;
}
