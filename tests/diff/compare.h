/* compare.h - what both sides have and tell, member by member. */
#ifndef LILYPAD_DIFF_COMPARE_H
#define LILYPAD_DIFF_COMPARE_H

#include "both.h"

/* Notes the first difference; always false, so that a comparison can end with it. */
bool differ(struct told *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* All balances, deals, nonces and sums. False: they differ. */
MUST bool compare_state(const struct sides *w, const struct chain_view *v, struct told *t);
/* The event of src/ledger with the contracts' logs, and its balances with the views. w->seen has taken the
 * logs. */
MUST bool compare_event(
        const struct sides *w, const struct outcome *o, const struct chain_view *v, struct told *t);

#endif
