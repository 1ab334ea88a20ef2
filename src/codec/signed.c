/* signed.c - digests of documents, and who signed them. */
#include "codec/signed.h"

#include "codec/eip712.h"
#include "codec/hex.h"
#include "crypto/secp.h"

void signed_digest(
        const struct hash *domain, const struct record *r, const void *row, struct hash *out)
{
	struct hash h;

	eip712_hash(r, row, &h);
	eip712_digest(domain, &h, out);
}

bool signed_by(const struct hash *domain, const struct record *r, const void *row,
        const struct sig *sig, struct addr *out, struct err *e)
{
	struct hash digest;

	signed_digest(domain, r, row, &digest);
	TRY(secp_recover(&digest, sig, out, e), e);
	return true;
}

bool signed_check_hash(const struct hash *domain, const char *type, const struct hash *struct_hash,
        const struct sig *sig, const struct addr *who, struct err *e)
{
	struct addr signer;
	struct hash digest;
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	eip712_digest(domain, struct_hash, &digest);
	if (!secp_recover(&digest, sig, &signer, e)) {
		err_prefix(e, "%s: ", type);
		return false;
	}
	if (addr_eq(&signer, who))
		return true;
	addr_format(&signer, a);
	addr_format(who, b);
	FAIL(e, SIGNATURE, "%s is signed by %s and not by %s", type, a, b);
	return err_hint(e, "sign it under this ledger's domain with the key of %s", b);
}

bool signed_check(const struct hash *domain, const struct record *r, const void *row,
        const struct sig *sig, const struct addr *who, struct err *e)
{
	struct hash h;

	eip712_hash(r, row, &h);
	return signed_check_hash(domain, r->type, &h, sig, who, e);
}
