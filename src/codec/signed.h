/* signed.h - documents and the signatures over them (protocol 2.0.1). */
#ifndef LILYPAD_CODEC_SIGNED_H
#define LILYPAD_CODEC_SIGNED_H

#include "base/err.h"
#include "base/field.h"

/* What is signed: the typed-data hash of the record under the ledger's domain. */
void signed_digest(
        const struct hash *domain, const struct record *r, const void *row, struct hash *out);
/* SIGNATURE, naming the type and both accounts, unless `who` signed. */
MUST bool signed_check(const struct hash *domain, const struct record *r, const void *row,
        const struct sig *sig, const struct addr *who, struct err *e);
/* The same of a document of that type which is known by its struct hash only. */
MUST bool signed_check_hash(const struct hash *domain, const char *type,
        const struct hash *struct_hash, const struct sig *sig, const struct addr *who,
        struct err *e);
/* Who signed; SIGNATURE when malformed. */
MUST bool signed_by(const struct hash *domain, const struct record *r, const void *row,
        const struct sig *sig, struct addr *out, struct err *e);

#endif
