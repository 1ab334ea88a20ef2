/* action_json.h - actions and ledger events on the wire. An action's id is the Keccak-256 of its
 * canonical JSON, so that the same documents are the same action everywhere. */
#ifndef LILYPAD_PORT_ACTION_JSON_H
#define LILYPAD_PORT_ACTION_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "port/action.h"

/* New reference. A Result goes out with its Output as a hash (protocol 2.5). */
json_t *action_to_json(const struct action *a);
/* JSON_VALUE names the member. What the kind does not need is refused. The items of a list are in the arena. */
MUST bool action_from_json(const json_t *j, struct arena *arena, struct action *out, struct err *e);
void action_id(const struct action *a, struct hash *out);
/* The deal that the action is about; zero for actions of accounts and channels, and for a list. */
void action_deal(const struct action *a, struct hash *out);
/* Struct hash of the action's Result, from its Output's hash. */
void action_result_hash(const struct action *a, struct hash *out);

json_t *ledger_event_to_json(const struct ledger_event *ev);
MUST bool ledger_event_from_json(const json_t *j, struct ledger_event *out, struct err *e);

#endif
