/* auth_fuzz.c - the Authorization header, as foreign bytes and behind a well-formed base64url coat. */
#include "codec/hex.h"
#include "http/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char coated[AUTH_HEADER_MAX + 16];
	struct auth_claim claim;
	struct err e;
	bool ok;

	ok = auth_parse((struct str){(const char *)data, size}, &claim, &e);
	if (!ok)
		assert(e.code != E_NONE && e.msg[0]);
	if (size > 3000)
		return 0;
	memcpy(coated, "Lilypad ", 8);
	base64url_format(data, size, coated + 8);
	ok = auth_parse(str_of(coated), &claim, &e);
	if (ok)
		assert(claim.sig.n == 64 || claim.sig.n == 65);
	return 0;
}
