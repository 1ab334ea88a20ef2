/* deal_valid.h - would the ledger open it (protocol 4.2, 5.14)? For those who sign deals or offers; the
 * ledger has its own order of checks in src/ledger. */
#ifndef LILYPAD_MARKET_DEAL_VALID_H
#define LILYPAD_MARKET_DEAL_VALID_H

#include "model/model.h"

/* The conditions of 5.14 that do not depend on time or balances. JC and RP the same, or an unsorted,
 * wrong or too short list of mediators: PANEL; bonds: BONDS; shares: SHARES; an enumeration that is
 * none: RANGE. The message names the values. */
MUST bool deal_valid(const struct deal *d, struct err *e);
/* The same for terms that stand in a job offer, before a deal is known. */
MUST bool terms_valid(const struct terms *t, unsigned mediation, struct err *e);
/* 4.2 and 2.4: every timeout at least MIN, their sum at most LIFE (CLOCKS); now < open_by (TOO_LATE);
 * open_by + submit timeout + MIN at most LIFE ahead of now (CLOCKS). now is block time. */
MUST bool deal_open_in_time(
        const struct deal *d, const struct genesis *g, struct btime now, struct err *e);

#endif
