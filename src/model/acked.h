/* acked.h - that a solver has filed an offer: an Ack signed alone, or with those of other offers under one
 * signature (protocol 1.2). */
#ifndef LILYPAD_MODEL_ACKED_H
#define LILYPAD_MODEL_ACKED_H

#include <jansson.h>

#include "base/bounds.h"
#include "model/model.h"

struct acked {
	struct ack ack;
	struct ack_batch batch; /* count 0: signed alone */
	struct ack_path {
		uint32_t n;
		struct hash v[ACK_PATH_MAX]; /* from the Ack to the batch's root, lowest first */
	} path;
	struct sig sig; /* over the batch; over the Ack if there is none */
};

/* The Ack is where its sequence puts it in its batch. True without a batch. SIGNATURE: it is not in it, or the
 * batch has more than ACK_BATCH_MAX. */
MUST bool acked_in_batch(const struct acked *a, struct err *e);
/* That, and the solver's signature. SIGNATURE. */
MUST bool acked_check(
        const struct acked *a, const struct hash *domain, const struct addr *solver, struct err *e);
/* Takes batch and path from the members of an object that are called so; neither there: signed alone. JSON_VALUE. */
MUST bool acked_take_batch(
        struct acked *a, const json_t *obj, const char *batch, const char *path, struct err *e);
json_t *ack_path_to_json(const struct ack_path *p);
/* What is signed: the record and the row of it. */
const struct record *acked_document(const struct acked *a, const void **row);

#endif
