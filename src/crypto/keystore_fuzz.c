/* keystore_fuzz.c - key files and pasted secrets as foreign bytes. A cost that a file may ask for takes
 * seconds, so files with a high one are left out here; their bounds are in keystore_test.c. */
#include <jansson.h>

#include "crypto/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every cost in the file is small. */
static bool is_quick(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"n", "r", "p", "c"};
	json_t *file = json_loadb((const char *)data, size, 0, NULL);
	json_t *crypto =
	        json_object_get(file, json_object_get(file, "crypto") ? "crypto" : "Crypto");
	json_t *params = json_object_get(crypto, "kdfparams");
	json_int_t cost = 1;

	for (size_t i = 0; i < COUNT(names); i++) {
		json_int_t v = json_integer_value(json_object_get(params, names[i]));

		if (v > 1)
			cost *= MIN2(v, (json_int_t)4096);
	}
	json_decref(file);
	return cost <= 4096;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};
	struct seckey k;
	struct addr a, is;
	struct err e;
	bool ok;

	if (seckey_parse(s, &k, &e))
		assert(seckey_valid(&k));
	else
		assert(e.code == E_KEY || e.code == E_KEY_SEED_PHRASE);
	if (!is_quick(data, size))
		return 0;
	if (!keystore_decode(s, STR("foo"), &k, &e)) {
		assert(e.code == E_KEY || e.code == E_MEMORY);
		return 0;
	}
	ok = seckey_addr(&k, &is, &e);
	assert(ok);
	/* An address in a file that opened is that of its key. */
	if (keystore_addr(s, &a))
		assert(addr_eq(&a, &is));
	return 0;
}
