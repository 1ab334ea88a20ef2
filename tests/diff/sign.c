/* sign.c - genuine signatures, and each way in which one is not. */
#include "sign.h"

#include "move.h"

static void genuine(const struct sides *w, enum who by, const struct hash *digest, struct sig *out)
{
	struct err e;
	bool ok = secp_sign(&w->keys[by], digest, out, &e);

	assert(ok);
}

void plain_sign(const struct sides *w, enum who by, const struct hash *doc, struct sig *out)
{
	struct hash digest;

	eip712_digest(ledger_domain(w->p.l), doc, &digest);
	genuine(w, by, &digest, out);
	sig_compact(out);
}

/* EIP-2098: the parity in the highest bit of s, which low s leaves free. */
static void compact(struct sig *s)
{
	s->b[32] |= (uint8_t)((s->b[64] - 27) << 7);
	s->n = 64;
}

/* The other s of the same signature, n - s, with the other parity: valid on the curve, refused by 2.0.1. */
static void high_s(struct sig *s)
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0,
	        0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
	struct u256 rest;
	bool ok = u256_sub(u256_from_be(order), u256_from_be(s->b + 32), &rest);

	assert(ok);
	u256_to_be(rest, s->b + 32);
	s->b[64] ^= 27 ^ 28;
}

/* Who signs where that one sends the transaction; the chain is not shown the signature. Beside an acceptance a Result
 * without a signature would be none at all, and an item of RP's must show one. */
static enum who sends(struct sides *w, enum who by, const struct sig *out)
{
	const struct action *a = &w->p.a;

	if ((out == &a->result_sig && a->kind == ACTION_ACCEPT) || out == &w->items[0].sig)
		return by;
	w->sent = true;
	w->own = out == &a->send_sig;
	w->sender = w->own ? by : (enum who)w->now->signer;
	w->unshown = (size_t)((const uint8_t *)out - (const uint8_t *)a);
	return w->sender;
}

void forging_sign(struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	struct sides *w = (struct sides *)p;
	const struct move *m = w->now;
	struct hash other = *digest;
	bool is_it = w->signed_n++ == m->slot;

	if (is_it && m->forge == SENT)
		by = sends(w, by, out);
	genuine(w, is_it && m->forge == BY_STRANGER ? (enum who)m->signer : by, digest, out);
	if (!is_it)
		return;
	switch ((enum forge)m->forge) {
	case EMPTY: *out = (struct sig){0}; break;
	case COMPACT: compact(out); break;
	case HIGH_S: high_s(out); break;
	case RAW_V: out->b[64] = (uint8_t)(out->b[64] - 27); break;
	case ZEROS: memset(out->b, 0, sizeof out->b); break;
	case PARITY:
		compact(out);
		out->b[32] ^= 0x80;
		break;
	case OF_OTHER:
		other.b[31] ^= 1;
		genuine(w, by, &other, out);
		break;
	case GENUINE:
	case SENT:
	case BY_STRANGER:
	case FORGES: break;
	}
}
