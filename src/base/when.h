/* when.h - four kinds of time that cannot be mixed.
 *   wall  Unix milliseconds, may jump; for display and signed requests
 *   mono  nanoseconds since some start, never goes back; for local waits
 *   span  milliseconds between two instants
 *   btime seconds on the ledger's clock (protocol 4.1): what deadlines are measured on */
#ifndef LILYPAD_BASE_WHEN_H
#define LILYPAD_BASE_WHEN_H

#include "base/str.h"

struct wall {
	int64_t ms;
};
struct mono {
	int64_t ns;
};
struct span {
	int64_t ms;
};
struct btime {
	uint64_t s;
};

#define BTIME_MAX (((uint64_t)1 << 40) - 1) /* protocol 2.0.3: times are below 2^40 */

static inline struct span span_ms(int64_t ms)
{
	return (struct span){ms};
}
static inline struct span span_s(int64_t s)
{
	return (struct span){s * 1000};
}
static inline struct mono mono_plus(struct mono t, struct span d)
{
	return (struct mono){t.ns + d.ms * 1000000};
}
static inline struct span mono_since(struct mono now, struct mono then)
{
	return (struct span){(now.ns - then.ns) / 1000000};
}
static inline uint64_t wall_seconds(struct wall w)
{
	return w.ms < 0 ? 0 : (uint64_t)(w.ms / 1000);
}

#define WALL_TEXT_MAX 32
/* RFC 3339 UTC with milliseconds: 2026-11-25T07:13:46.120Z. Returns the length. */
size_t wall_format(struct wall w, char out[WALL_TEXT_MAX]);
/* 139 years: an instant plus it is still an instant in nanoseconds. */
#define SPAN_MAX_MS ((int64_t)1 << 42)
/* "90s", "10m", "2h", "500ms", "3d"; a bare number is seconds. At most SPAN_MAX_MS. */
MUST bool span_parse(struct str s, struct span *out);

#endif
