/* counter.c - the next number, above what others have seen of it. */
#include "port/counter.h"

bool counter_next(
        const struct store *s, const char *counter, uint64_t least, uint64_t *out, struct err *e)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < COUNTER_BEHIND_MAX; i++) {
		TRY(s->next(s->self, counter, &n, e), e);
		if (n < least)
			continue;
		*out = n;
		return true;
	}
	FAIL(e, STORE, "this store is at %s %llu; others have seen up to %llu of this account",
	        counter, (unsigned long long)n, (unsigned long long)least - 1);
	return err_hint(e, "it is an old one: restore a newer backup");
}
