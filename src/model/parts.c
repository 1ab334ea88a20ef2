/* parts.c - hashes of documents from their parts. */
#include "model/parts.h"

#include "codec/eip712.h"

void deal_id_of(const struct hash *hot, const struct hash *cold, struct hash *out)
{
	const struct hash words[] = {*hot, *cold};

	eip712_hash_words(deal_record(), words, COUNT(words), out);
}

void deal_id_of_hot(const struct hot *hot, const struct hash *cold, struct hash *out)
{
	struct hash h;

	eip712_hash(hot_record(), hot, &h);
	deal_id_of(&h, cold, out);
}

void result_hash_of(const struct result *r, const struct hash *output, struct hash *out)
{
	eip712_hash_part(result_record(), r, "output", output, out);
}
