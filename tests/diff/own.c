/* own.c - one function of the Controller for each kind of Send that a chain knows. */
#include "own.h"

#include "chain/contracts.h"
#include "codec/packed.h"

enum { DEAL_BYTES_MAX = 4096 };

static bool own_register(const struct registration *g, struct buf *out, struct err *e)
{
	struct abi_leaf l[6 + COUNT(g->classes.v)];
	size_t n = 0;

	l[n++] = abi_amount(g->stake);
	l[n++] = abi_u64(g->classes.n);
	for (uint32_t i = 0; i < g->classes.n; i++)
		l[n++] = abi_hash(&g->classes.v[i]);
	l[n++] = abi_amount(g->base_fee);
	l[n++] = abi_amount(g->per_instruction);
	l[n++] = abi_bytes(str_bytes(str_of(g->url)));
	return abi_encode_call(fn_controller_registerMediator, l, n, out, e);
}

static bool own_agree(
        const struct action *a, const struct channel_id *ch, struct buf *out, struct err *e)
{
	struct buf full OWN(buf_done) = {0};
	struct abi_leaf l[4];

	buf_init(&full, DEAL_BYTES_MAX);
	packed_put(deal_record(), &a->deal, &full);
	l[0] = abi_bytes(buf_bytes(&full));
	if (hash_is_zero(&a->deal.hot.channel))
		return abi_encode_call(fn_controller_agree, l, 1, out, e);
	l[1] = abi_u64(ch->serial);
	l[2] = abi_u64(ch->kind);
	l[3] = abi_sig(&a->rp_sig);
	return abi_encode_call(fn_controller_openIn, l, COUNT(l), out, e);
}

/* Whoever acts names the other party. */
static bool own_channel(
        const struct action *a, const struct channel_id *ch, struct buf *out, struct err *e)
{
	bool is_jc = addr_eq(&a->send.account, &ch->job_creator);
	bool adds = a->send.kind == SEND_TOP_UP;
	struct abi_leaf l[] = {abi_addr(is_jc ? &ch->provider : &ch->job_creator), abi_u64(is_jc),
	        abi_u64(ch->serial), abi_u64(ch->kind), abi_amount(a->body.top_up.amount)};

	return abi_encode_call(adds ? fn_controller_topUp : fn_controller_leaveChannel, l,
	        adds ? COUNT(l) : COUNT(l) - 1, out, e);
}

bool own_call(const struct action *a, const struct channel_id *ch, struct buf *out, struct err *e)
{
	struct abi_leaf amount = abi_amount(a->body.withdrawal.amount);
	struct abi_leaf to = abi_addr(&a->body.payout.to);
	struct abi_leaf nonce = abi_u64(a->body.nonce_cancel.nonce);
	struct abi_leaf paused = abi_u64(a->body.pause.paused);

	switch (a->send.kind) {
	case SEND_REQUEST_WITHDRAW:
		return abi_encode_call(fn_controller_requestWithdraw, &amount, 1, out, e);
	case SEND_WITHDRAW: return abi_encode_call(fn_controller_withdraw, &amount, 1, out, e);
	case SEND_UNBOND_STAKE:
		return abi_encode_call(fn_controller_unbondStake, &amount, 1, out, e);
	case SEND_SET_PAYOUT: return abi_encode_call(fn_controller_setPayout, &to, 1, out, e);
	case SEND_CANCEL_NONCE:
		return abi_encode_call(fn_controller_cancelNonce, &nonce, 1, out, e);
	case SEND_PAUSE_MEDIATOR:
		return abi_encode_call(fn_controller_pauseMediator, &paused, 1, out, e);
	case SEND_REGISTER_MEDIATOR: return own_register(&a->body.registration, out, e);
	case SEND_AGREE: return own_agree(a, ch, out, e);
	case SEND_TOP_UP:
	case SEND_LEAVE_CHANNEL: return own_channel(a, ch, out, e);
	default: break;
	}
	return FAIL(e, STATE, "a party sends no %u itself", a->send.kind);
}
