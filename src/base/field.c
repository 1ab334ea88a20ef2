/* field.c - look-ups in record and enumeration tables. */
#include "base/field.h"

const char *enum_name(const struct enum_names *names, unsigned value)
{
	for (size_t i = 0; i < names->n; i++) {
		if (names->v[i].value == value)
			return names->v[i].name;
	}
	return "?";
}

bool enum_by_name(const struct enum_names *names, struct str name, uint8_t *out)
{
	for (size_t i = 0; i < names->n; i++) {
		if (str_is(name, names->v[i].name)) {
			*out = names->v[i].value;
			return true;
		}
	}
	return false;
}

bool enum_has(const struct enum_names *names, unsigned value)
{
	for (size_t i = 0; i < names->n; i++) {
		if (names->v[i].value == value)
			return true;
	}
	return false;
}

size_t field_item_size(const struct field *f)
{
	switch (f->kind) {
	case K_ADDRS: return sizeof(struct addr);
	case K_HASHES: return sizeof(struct hash);
	case K_RECS: return f->rec()->size;
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_AMOUNT:
	case K_U64:
	case K_U32:
	case K_U16:
	case K_U8:
	case K_TIME:
	case K_ENUM:
	case K_BOOL:
	case K_NONCE:
	case K_TEXT:
	case K_REC:
	case K_SIG: break;
	}
	return f->size;
}

size_t field_items_at(const struct field *f)
{
	/* Items of bytes may leave padding after the last one, less than the 4 bytes that n is aligned to. */
	return (f->size - field_item_size(f) * (size_t)f->bound) & ~(size_t)3;
}

const struct field *record_field(const struct record *r, struct str name)
{
	for (size_t i = 0; i < r->n; i++) {
		if (str_is(name, r->f[i].name))
			return &r->f[i];
	}
	return NULL;
}

static void copy_list(const struct field *f, uint8_t *dst, const uint8_t *src)
{
	size_t at = field_items_at(f), size = field_item_size(f);
	uint32_t n;

	memcpy(&n, src, sizeof n);
	assert(n <= f->bound);
	memcpy(dst, &n, sizeof n);
	for (uint32_t i = 0; i < n; i++) {
		if (f->kind == K_RECS)
			record_copy(f->rec(), dst + at + i * size, src + at + i * size);
		else
			memcpy(dst + at + i * size, src + at + i * size, size);
	}
}

static void copy_sig(struct sig *dst, const struct sig *src)
{
	assert(src->n <= sizeof src->b);
	dst->n = src->n;
	memcpy(dst->b, src->b, src->n);
}

void record_copy(const struct record *r, void *dst, const void *src)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];
		const uint8_t *from = field_at(src, f);
		uint8_t *to = field_in(dst, f);

		switch (f->kind) {
		case K_TEXT: memcpy(to, from, strnlen((const char *)from, f->bound)); break;
		case K_ADDRS:
		case K_HASHES:
		case K_RECS: copy_list(f, to, from); break;
		case K_REC: record_copy(f->rec(), to, from); break;
		case K_SIG: copy_sig((struct sig *)to, (const struct sig *)from); break;
		case K_ADDR:
		case K_HASH:
		case K_CIDRAW:
		case K_CIDTREE:
		case K_AMOUNT:
		case K_U64:
		case K_U32:
		case K_U16:
		case K_U8:
		case K_TIME:
		case K_ENUM:
		case K_BOOL:
		case K_NONCE: memcpy(to, from, f->size); break;
		}
	}
}
