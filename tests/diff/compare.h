/* compare.h - what both sides have and tell, member by member. */
#ifndef LILYPAD_DIFF_COMPARE_H
#define LILYPAD_DIFF_COMPARE_H

#include "both.h"

/* Notes the first difference; always false, so that a comparison can end with it. */
bool differ(struct told *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* In all of these the first value is that of src/ledger. */
bool same_u64(struct told *t, const char *of, const char *what, uint64_t a, uint64_t b);
bool same_amount(
        struct told *t, const char *of, const char *what, struct amount a, struct amount b);
bool same_addr(struct told *t, const char *of, const char *what, const struct addr *a,
        const struct addr *b);
bool same_hash(struct told *t, const char *of, const char *what, const struct hash *a,
        const struct hash *b);

/* All balances, channels, deals, nonces and sums. False: they differ. */
MUST bool compare_state(const struct sides *w, const struct chain_view *v, struct told *t);
/* The event of src/ledger with the contracts' logs, and its balances with the views. w->seen has taken the
 * logs. */
MUST bool compare_event(
        const struct sides *w, const struct outcome *o, const struct chain_view *v, struct told *t);

#endif
