/* move_own.h - what the moves of deals and those of channels share. */
#ifndef LILYPAD_DIFF_MOVE_OWN_H
#define LILYPAD_DIFF_MOVE_OWN_H

#include "move.h"

/* ---- move.c ---- */
struct amount amount_for(const struct sides *w, const struct move *m);
/* Who has the account; a stranger where none of ours does. */
enum who party(const struct sides *w, const struct addr *who);
enum who jc_of(const struct sides *w, const struct move *m); /* of the move's deal */
enum who rp_of(const struct sides *w, const struct move *m);
/* w->p.a carries a Send: its kind counts. */
bool carries_send(const struct action *a);
/* That Send, with what the move twists; its body is that. */
void send_of(struct sides *w, enum who by, unsigned kind, const struct hash *body);
void send_row(
        struct sides *w, enum who by, unsigned kind, const struct record *body, const void *row);
/* The result that the move means, into w->p.a, and its hash. */
struct hash put_result(struct sides *w, const struct move *m);
/* The Check of it, and its signature. */
void put_check(struct sides *w, const struct move *m, const struct hash *result);

/* ---- channel_move.c: each puts its action into w->p.a ---- */
void do_top_up(struct sides *w, const struct move *m);
void do_leave_channel(struct sides *w, const struct move *m);
void do_open_channel(struct sides *w, const struct move *m);
void do_close_channel(struct sides *w, const struct move *m);
void do_close_now(struct sides *w, const struct move *m);
void do_settle(struct sides *w, const struct move *m);
void do_settle_list(struct sides *w, const struct move *m);
void do_redeem(struct sides *w, const struct move *m);
void do_claim(struct sides *w, const struct move *m);
void do_claim_check(struct sides *w, const struct move *m);
/* What the JC signs to accept a result of a channel's deal (2.6). */
struct channel_acceptance acceptance_in(
        const struct sides *w, const struct move *m, const struct hash *result);

#endif
