/* script.h - the course of actions: channels from their opening to their close, and deals in and out of them. */
#ifndef LILYPAD_EVMPORT_SCRIPT_H
#define LILYPAD_EVMPORT_SCRIPT_H

#include "ledger/ledger_channel_play.h"

struct script {
	struct play p; /* first */
	/* p.a goes to both ledgers, whatever they make of it. */
	void (*play)(struct script *s, const char *what);
};

void script_run(struct script *s);
/* The Send of p.a was taken: its account's next one has the next nonce. */
void script_sent(struct script *s);

#endif
