/* utf8.c - whether bytes are UTF-8 (RFC 3629), and cutting it. */
#include "base/str.h"

bool str_is_utf8(struct str s)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};

	for (size_t i = 0; i < s.n;) {
		uint8_t c = (uint8_t)s.p[i++];
		unsigned more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
		uint32_t point = more ? c & (0x3Fu >> more) : c;

		if ((c >= 0x80 && c < 0xC2) || c > 0xF4 || more > s.n - i)
			return false;
		for (unsigned k = 0; k < more; k++, i++) {
			if (((uint8_t)s.p[i] & 0xC0) != 0x80)
				return false;
			point = point << 6 | ((uint8_t)s.p[i] & 0x3Fu);
		}
		if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
			return false;
	}
	return true;
}

size_t str_char(struct str s)
{
	uint8_t c = s.n ? (uint8_t)s.p[0] : 0;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return n <= s.n && str_is_utf8((struct str){s.p, n}) ? n : 0;
}

struct str str_within(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max > 0 && ((uint8_t)s.p[max] & 0xC0) == 0x80)
		max--;
	return (struct str){s.p, max};
}

void str_keep(char *field, size_t size, struct str s)
{
	s = str_within(s, size - 1);
	if (s.n)
		memmove(field, s.p, s.n);
	field[s.n] = '\0';
}
