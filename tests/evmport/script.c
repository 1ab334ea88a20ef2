/* script.c - each part begins with a channel or deal of its own. */
#include "script.h"

void script_sent(struct script *s)
{
	for (unsigned i = 0; i < PARTIES; i++)
		s->p.sends[i] += addr_eq(&s->p.who[i], &s->p.a.send.account);
}

static void go(struct script *s, const char *what)
{
	s->play(s, what);
}

/* ---- channels themselves ------------------------------------------------------------------------ */

static void sums(struct script *s)
{
	struct play *p = &s->p;
	struct hash ch = play_channel(p, CHANNEL_ACCEPTANCES, 1), none = {{0x12}};

	play_top_up(p, JC, &ch, 10);
	go(s, "top-up of a channel that is not there");
	play_open_channel(p, CHANNEL_ACCEPTANCES, 1, 2000000, 50000);
	go(s, "open with more than the job creator has");
	play_open_channel(p, CHANNEL_ACCEPTANCES, 1, 100000, 50000);
	p->a.rp_sig = p->a.jc_sig;
	go(s, "open without the provider's signature");
	play_open_channel(p, CHANNEL_ACCEPTANCES, 1, 100000, 50000);
	go(s, "open");
	play_open_channel(p, CHANNEL_ACCEPTANCES, 1, 100000, 50000);
	go(s, "open the same id again");
	play_open_channel(p, CHANNEL_ACCEPTANCES, 2, 30000, 0);
	go(s, "open the next");
	play_open_channel(p, CHANNEL_VOUCHERS, 1, 40000, 20000);
	go(s, "open for vouchers");
	play_top_up(p, JC, &ch, 1000);
	go(s, "top-up by the job creator");
	play_top_up(p, RP, &ch, 500);
	go(s, "top-up by the provider");
	play_top_up(p, MALLORY, &ch, 500);
	go(s, "top-up by a stranger");
	play_top_up(p, JC, &ch, 5000000);
	go(s, "top-up with more than there is");
	play_leave(p, JC, &none);
	go(s, "leave what is not there");
}

/* ---- acceptances -------------------------------------------------------------------------------- */

static struct settle_item item(struct script *s, uint64_t serial, uint64_t number, uint64_t count)
{
	struct hash ch = play_channel(&s->p, CHANNEL_ACCEPTANCES, serial);
	struct deal d = play_channel_deal(&s->p, &ch, number);

	return play_item(&s->p, &d, serial, count, 50);
}

static void acceptances(struct script *s)
{
	struct play *p = &s->p;
	struct settle_item x[12];

	x[0] = item(s, 1, 1, 100);
	play_settle(p, RP, x, 1);
	go(s, "settle");
	play_settle(p, RP, x, 1);
	go(s, "settle the same again");
	x[0] = item(s, 1, 2, 100);
	x[0].doc.cost = amount_of(7);
	play_settle(p, RP, x, 1);
	go(s, "settle what was not signed");
	/* Two channels in turn; number 1 is used, 5 is not signed. */
	for (unsigned i = 0; i < 9; i++)
		x[i] = item(s, 1, i + 1, 10 * i);
	x[4].doc.cost = amount_of(1);
	x[9] = item(s, 2, 1, 40);
	x[10] = item(s, 2, 300, 41);
	x[11] = item(s, 1, 10, 42);
	play_settle(p, RP, x, 12);
	go(s, "settle a list");
	play_settle(p, RP, x, 12);
	go(s, "settle the list again: nothing of it");
}

/* ---- vouchers ----------------------------------------------------------------------------------- */

static void vouchers(struct script *s)
{
	struct play *p = &s->p;
	struct hash ch = play_channel(p, CHANNEL_VOUCHERS, 1);
	struct deal d = play_channel_deal(p, &ch, 4);
	struct hash id;

	play_redeem(p, RP, &ch, 1500, 3, 0);
	go(s, "redeem");
	play_redeem(p, RP, &ch, 1500, 3, 0);
	go(s, "redeem the same again");
	play_redeem(p, RP, &ch, 2500, 3, 1);
	go(s, "redeem for a claim that was not made");
	play_claim(p, RP, &d, 100, 50);
	go(s, "claim beside vouchers");
	play_redeem(p, RP, &ch, 2500, 5, 1);
	go(s, "redeem that knows of the claim");
	id = play_id(deal_record(), &d);
	play_accept_in(p, &d, 100, 50, false);
	go(s, "accept the claimed deal");
	play_timeout(p, &id);
	go(s, "timeout of a deal that has ended");
	play_redeem(p, RP, &ch, 1000000, 6, 1);
	go(s, "redeem more than the sum holds");
}

/* ---- deals of a channel on the ledger ------------------------------------------------------------ */

static struct deal deal_of(struct script *s, uint64_t number)
{
	struct hash ch = play_channel(&s->p, CHANNEL_ACCEPTANCES, 1);

	return play_channel_deal(&s->p, &ch, number);
}

static void claims(struct script *s)
{
	struct play *p = &s->p;
	struct deal d = deal_of(s, 20);
	struct hash id = play_id(deal_record(), &d);

	play_claim(p, MALLORY, &d, 100, 50);
	go(s, "claim by a stranger");
	play_claim(p, RP, &d, 5000, 50);
	go(s, "claim above the limits");
	play_claim(p, RP, &d, 100, 50);
	go(s, "claim");
	play_timeout(p, &id);
	go(s, "timeout too early");
	p->now.s += 120;
	play_timeout(p, &id);
	go(s, "timeout: the job creator did not judge");
	d = deal_of(s, 21);
	play_claim(p, RP, &d, 100, 50);
	go(s, "claim another");
	play_accept_in(p, &d, 100, 50, false);
	go(s, "accept it, with shares");
}

static void disputes(struct script *s)
{
	struct play *p = &s->p;
	struct deal d = deal_of(s, 30);

	play_claim_check(p, &d, 100, 50);
	p->a.doc_sig = p->a.result_sig;
	go(s, "claim and check without the job creator");
	play_claim_check(p, &d, 100, 50);
	go(s, "claim and check");
	play_verdict(p, &d, RULING_RESULT_WRONG);
	go(s, "the mediator rules for the job creator");
	d = deal_of(s, 31);
	play_claim_check(p, &d, 100, 50);
	go(s, "claim and check another");
	play_verdict(p, &d, RULING_RESULT_CORRECT);
	go(s, "the mediator rules for the provider");
	d = deal_of(s, 32);
	play_claim_check(p, &d, 100, 50);
	go(s, "claim and check a third");
	play_pass(p, &d);
	go(s, "the mediator passes");
}

static void opened(struct script *s)
{
	struct play *p = &s->p;
	struct deal d = deal_of(s, 40);
	struct hash id = play_id(deal_record(), &d);

	if (!s->by_rp) { /* its Send has another nonce than the chain's */
		play_open_in(p, RP, &d);
		go(s, "the provider opens in a channel");
	}
	play_open_in(p, JC, &d);
	go(s, "the job creator opens in a channel");
	play_decline(p, &id);
	go(s, "the provider declines");
	play_decline(p, &id);
	p->a.decline.reason = REASON_OUT_OF_TIME;
	play_sign(p, RP, decline_record(), &p->a.decline, &p->a.doc_sig);
	go(s, "another decline of what was declined");
	d = deal_of(s, 41);
	id = play_id(deal_record(), &d);
	play_open_in(p, JC, &d);
	go(s, "open another");
	play_cancel(p, &id, p->now.s + 100);
	go(s, "cancel it");
	play_cancel(p, &id, p->now.s + 99);
	go(s, "another cancel of what was cancelled");
	d = deal_of(s, 42);
	play_cancel_in(p, &d, p->now.s + 100);
	go(s, "cancel what is not on the ledger");
	play_cancel_in(p, &d, p->now.s + 100);
	go(s, "cancel it again");
	d = deal_of(s, 43);
	id = play_id(deal_record(), &d);
	play_open_in(p, JC, &d);
	go(s, "open a third");
	p->now.s += 220;
	play_timeout(p, &id);
	go(s, "timeout: the provider was late");
}

/* ---- escrow ------------------------------------------------------------------------------------- */

static void escrow(struct script *s)
{
	struct play *p = &s->p;
	struct deal d = play_deal(p, 1);
	struct hash id = play_id(deal_record(), &d), h;

	play_open(p, &d);
	go(s, "open in escrow");
	play_open(p, &d);
	go(s, "open it again");
	play_result(p, &id, 100, 50);
	go(s, "a result");
	play_accept(p, &id, 100, 50, false);
	go(s, "accept, with shares");
	play_accept(p, &id, 100, 50, false);
	go(s, "accept again");
	d = play_deal(p, 2);
	id = play_id(deal_record(), &d);
	play_agree(p, JC, &d);
	go(s, "agree");
	play_open(p, &d);
	go(s, "open what the job creator agreed to");
	play_result(p, &id, 100, 50);
	go(s, "a result");
	h = play_result_hash(&id, 100, 50);
	play_check(p, &id, &h);
	go(s, "check");
	play_check(p, &id, &h);
	go(s, "check again");
	play_verdict(p, &d, RULING_RESULT_CORRECT);
	go(s, "a verdict");
	play_verdict(p, &d, RULING_RESULT_CORRECT);
	go(s, "the verdict again");
	play_verdict(p, &d, RULING_JOB_FAULTY);
	go(s, "another verdict");
	play_amount(p, AUTHOR, SEND_REQUEST_WITHDRAW, 5);
	go(s, "a withdrawal");
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void leaving(struct script *s)
{
	struct play *p = &s->p;
	struct hash ch = play_channel(p, CHANNEL_ACCEPTANCES, 1),
	            now = play_channel(p, CHANNEL_ACCEPTANCES, 2);
	struct settle_item x;

	play_close(p, &ch);
	go(s, "close what nobody has left");
	play_leave(p, s->by_rp ? JC : RP, &ch);
	go(s, "leave");
	play_leave(p, JC, &ch);
	go(s, "leave what is being left");
	play_top_up(p, JC, &ch, 5);
	go(s, "top-up of what is being left");
	x = item(s, 1, 50, 100);
	play_settle(p, RP, &x, 1);
	go(s, "settle while it is being left");
	play_close(p, &ch);
	go(s, "close too early");
	play_close_now(p, &now, p->now.s + 1);
	go(s, "close at once too late");
	play_close_now(p, &now, p->now.s + 100);
	go(s, "close at once");
	play_close_now(p, &now, p->now.s + 100);
	go(s, "close at once again");
	p->now.s += 10000;
	play_close(p, &ch);
	go(s, "close after LIFE");
	x = item(s, 1, 51, 100);
	play_settle(p, RP, &x, 1);
	go(s, "settle in a closed channel");
}

void script_run(struct script *s)
{
	sums(s);
	acceptances(s);
	vouchers(s);
	claims(s);
	disputes(s);
	opened(s);
	escrow(s);
	leaving(s);
}
