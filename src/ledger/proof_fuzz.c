/* proof_fuzz.c - a proof from a stranger's receipt: read or refused, and whatever was read can be checked. */
#include <stdlib.h>

#include "codec/json.h"
#include "ledger/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct proof proof, again;
	struct hash h = {{0}};
	struct addr who = {{0}};
	json_t *j, *out;
	struct err e;

	if (!json_parse((struct str){(const char *)p, n}, &j, &e))
		return 0;
	if (proof_from_json(j, &proof, &e)) {
		out = proof_to_json(&proof);
		if (!proof_from_json(out, &again, &e) || again.path.n != proof.path.n ||
		        again.path.index != proof.path.index)
			abort();
		json_decref(out);
		/* Nobody signs as account zero. */
		if (proof_check(&proof, &h, bytes_of(p, n), &who, &h, &e))
			abort();
	}
	json_decref(j);
	return 0;
}
