/* field.h - a record is declared once, as rows; struct, JSON, EIP-712, SQL, docs and test values are
 * all made from the rows by walkers that know only the kinds below.
 *
 * A .def file lists records:
 *
 *   RECORD(tag, TypeName, "meaning")
 *   F(KIND, member, name, arg, flags, "meaning")
 *   END(tag, TypeName)
 *
 * and is expanded by model/record_struct.h into `struct tag` and by model/record_table.h into
 * `const struct record *tag_record(void)`. `name` is the JSON key, the SQL column and the EIP-712
 * member; `arg` is what the kind needs: a bound, a record, an enumeration, or 0. */
#ifndef LILYPAD_BASE_FIELD_H
#define LILYPAD_BASE_FIELD_H

#include "base/amount.h"
#include "base/when.h"

/* kind       C type                      JSON                        EIP-712    SQL
 * ADDR       struct addr                 EIP-55 string               address    BLOB(20)
 * HASH       struct hash                 0x + 64 hex                 bytes32    BLOB(32)
 * CIDRAW     struct hash (its SHA-256)   CIDv1 base32, raw codec     bytes32    BLOB(32)
 * CIDTREE    struct hash (its SHA-256)   CIDv1 base32, dag-pb        bytes32    BLOB(32)
 * AMOUNT     struct amount  < 2^96       decimal string              uint96     BLOB(32) big-endian
 * U64        uint64_t                    decimal string              uint64     BLOB(8) big-endian
 * U32 U16 U8 uint32_t uint16_t uint8_t   integer                     uint32/16/8 INTEGER
 * TIME       struct btime   < 2^40       integer, seconds            uint40     INTEGER
 * ENUM       uint8_t                     integer                     uint8      INTEGER
 * BOOL       bool                        true/false                  bool       INTEGER
 * NONCE      uint8_t[16]                 0x + 32 hex                 bytes16    BLOB(16)
 * TEXT       char[arg + 1]               string, UTF-8, no NUL       string     TEXT
 * ADDRS      {uint32_t n; addr v[arg]}   array of strings            address[]  BLOB
 * HASHES     {uint32_t n; hash v[arg]}   array of 0x hex             bytes32[]  BLOB
 * REC        struct arg                  object                      arg        (not stored)
 * RECS       {uint32_t n; struct v[..]}  array of objects            arg[]      (not stored)
 * SIG        struct sig                  0x hex, 64 or 65 bytes      (never)    BLOB
 * CID and hash zero mean "none": JSON null is not used; the all-zero value is written out. A zero
 * CID is written "". */
enum field_kind {
	K_ADDR,
	K_HASH,
	K_CIDRAW,
	K_CIDTREE,
	K_AMOUNT,
	K_U64,
	K_U32,
	K_U16,
	K_U8,
	K_TIME,
	K_ENUM,
	K_BOOL,
	K_NONCE,
	K_TEXT,
	K_ADDRS,
	K_HASHES,
	K_REC,
	K_RECS,
	K_SIG
};

/* 65 bytes r, s, v or 64 bytes EIP-2098 (protocol 2.0.1). */
struct sig {
	uint8_t n; /* 0 none, 64 or 65 */
	uint8_t b[65];
};

enum field_flags {
	FF_KEY = 1,      /* part of the primary key in a store */
	FF_INDEX = 2,    /* indexed in a store */
	FF_OPTIONAL = 4, /* may be absent in JSON: zero then */
	FF_SORTED = 8    /* a list that must be strictly ascending */
};

/* One named value of an enumeration. */
struct enum_value {
	const char *name; /* as the protocol writes it */
	uint8_t value;
	const char *meaning;
};
struct enum_names {
	const char *name;
	const struct enum_value *v;
	size_t n;
};

struct record;
struct field {
	enum field_kind kind;
	const char *name;
	size_t off;
	size_t size;    /* of the whole member */
	uint64_t bound; /* TEXT: bytes; lists: items */
	unsigned flags;
	const struct record *(*rec)(void); /* REC, RECS */
	const struct enum_names *names;    /* ENUM */
	const char *meaning;
};
struct record {
	const char *tag;  /* C name; SQL table name */
	const char *type; /* EIP-712 type name */
	const char *meaning;
	const struct field *f;
	size_t n;
	size_t size; /* of the struct */
};

/* Name of an enumeration's value, or "?" */
const char *enum_name(const struct enum_names *names, unsigned value);
MUST bool enum_by_name(const struct enum_names *names, struct str name, uint8_t *out);
MUST bool enum_has(const struct enum_names *names, unsigned value);

static inline const void *field_at(const void *row, const struct field *f)
{
	return (const uint8_t *)row + f->off;
}
static inline void *field_in(void *row, const struct field *f)
{
	return (uint8_t *)row + f->off;
}
/* Where the items of ADDRS, HASHES and RECS start in the member (after its uint32_t n and padding)
 * and how many bytes one takes. */
size_t field_items_at(const struct field *f);
size_t field_item_size(const struct field *f);
/* dst, which is all zero, becomes src, without what no field means: padding, what follows a text's NUL or a list's
 * last item is not touched. They do not overlap; src is within its bounds. */
void record_copy(const struct record *r, void *dst, const void *src);
/* The field of that name, or NULL. */
const struct field *record_field(const struct record *r, struct str name);

#endif
