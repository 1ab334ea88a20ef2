/* sides.c - the start of a trace. */
#include "sides.h"

#include "ledger/ledger_own.h"

#include "sign.h"

const struct pair channel_pairs[CHANNELS] = {{JC, RP, 1, CHANNEL_ACCEPTANCES},
        {JC, RP, 1, CHANNEL_VOUCHERS}, {MALLORY, RP, 4, CHANNEL_ACCEPTANCES},
        {JC, SOLVER, 9, CHANNEL_VOUCHERS}};

struct hash sides_channel_id(const struct sides *w, const struct pair *p)
{
	const struct channel_id id = {.job_creator = w->p.who[p->jc],
	        .provider = w->p.who[p->rp],
	        .serial = p->serial,
	        .kind = p->kind};

	return play_id(channel_id_record(), &id);
}

void sides_parties(struct sides *w, struct chain *c)
{
	struct err e;
	bool ok;

	*w = (struct sides){.c = c};
	for (unsigned i = 0; i < PARTIES; i++) {
		memset(w->keys[i].b, 0x5b, sizeof w->keys[i].b);
		w->keys[i].b[31] = (uint8_t)(i + 1);
		ok = seckey_addr(&w->keys[i], &w->p.who[i], &e);
		assert(ok);
	}
	for (unsigned i = 0; i < CHANNELS; i++)
		w->channels[i] = sides_channel_id(w, &channel_pairs[i]);
	play_genesis(&w->p);
}

bool sides_start(struct sides *w, const struct deal deals[DEALS], struct err *e)
{
	struct chain *c = w->c;

	sides_parties(w, c);
	w->p.sign = forging_sign;
	w->p.more = w->events;
	TRY(chain_fresh(c, e), e);
	TRY(ledger_new(&w->p.genesis, NULL, &w->p.l, e), e);
	/* The contract's in place of the genesis': what the parties sign is then the same on both sides. */
	w->p.l->domain = c->domain;
	for (unsigned i = 0; i < DEALS; i++) {
		w->deals[i] = deals[i];
		w->ids[i] = play_id(deal_record(), &deals[i]);
		w->seen[i] = (struct evm_deal){.id = w->ids[i],
		        .jc = deals[i].hot.job_creator,
		        .rp = deals[i].hot.provider};
	}
	return true;
}

void sides_end(struct sides *w)
{
	play_done(&w->p);
}

int sides_deal(const struct sides *w, const struct hash *id)
{
	for (int i = 0; i < DEALS; i++) {
		if (hash_eq(&w->ids[i], id))
			return i;
	}
	return -1;
}

int sides_channel(const struct sides *w, const struct hash *id)
{
	for (int i = 0; i < CHANNELS; i++) {
		if (hash_eq(&w->channels[i], id))
			return i;
	}
	return -1;
}
