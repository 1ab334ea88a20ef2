/* parts.h - documents of which the ledger sees a part only by its hash (protocol 2.4, 2.5). */
#ifndef LILYPAD_MODEL_PARTS_H
#define LILYPAD_MODEL_PARTS_H

#include "model/model.h"

/* The id of a Deal from the struct hashes of its Hot and its Cold. */
void deal_id_of(const struct hash *hot, const struct hash *cold, struct hash *out);
/* The same from the Hot itself. */
void deal_id_of_hot(const struct hot *hot, const struct hash *cold, struct hash *out);
/* The hash of a Result whose Output is known only by its struct hash: r->output is not looked at. */
void result_hash_of(const struct result *r, const struct hash *output, struct hash *out);

#endif
