/* warn.h - money is at stake and a deadline nears, or cannot be watched: told in the log, to whoever follows the
 * role, and to the command that its operator has named (notify.command). */
#ifndef LILYPAD_PORT_WARN_H
#define LILYPAD_PORT_WARN_H

#include <jansson.h>

#include "port/port.h"

#define WARNING_EVENT "warning" /* FX_EMIT: {role, deal, deadline, text}; deal null: several */

/* What is told: a new reference. deal NULL: not of one alone. */
json_t *warning_json(
        const char *role, const struct hash *deal, struct btime deadline, const char *text);
/* deal NULL: not of one alone. deadline: ledger's time, 0: none. The text is one sentence. */
void fx_warn(struct effects *fx, const struct logger *log, const char *role,
        const struct hash *deal, struct btime deadline, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* The ledger is out of reach; so many deals have deadlines there, the first of them at that time. */
void fx_warn_blind(struct effects *fx, const struct logger *log, const char *role, unsigned deals,
        struct btime first);

#endif
