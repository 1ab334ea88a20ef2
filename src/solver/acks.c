/* acks.c - offers that were filed and wait for their Ack: those of one turn share a signature (protocol 1.2).
 * Nothing of a batch is stored: who asks again for its Ack gets one that is signed alone. */
#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/merkle.h"
#include "model/acked.h"
#include "solver/solver_own.h"

enum { ANSWER_MAX = 4096 };

/* {"ack", "batch", "path", "signature", "state"}: the members in their order. */
static void reply(const struct filed *f, const struct acked *a, struct effects *fx)
{
	struct buf text OWN(buf_done);

	buf_init(&text, ANSWER_MAX);
	buf_z(&text, "{\"ack\":");
	record_canonical(ack_record(), &a->ack, &text);
	if (a->batch.count) {
		buf_z(&text, ",\"batch\":");
		record_canonical(ack_batch_record(), &a->batch, &text);
		buf_z(&text, ",\"path\":[");
		for (uint32_t i = 0; i < a->path.n; i++) {
			buf_z(&text, i ? ",\"0x" : "\"0x");
			buf_hex(&text, a->path.v[i].b, sizeof a->path.v[i].b);
			buf_byte(&text, '"');
		}
		buf_byte(&text, ']');
	}
	buf_z(&text, ",\"signature\":\"0x");
	buf_hex(&text, a->sig.b, a->sig.n);
	buf_fmt(&text, "\",\"state\":\"%s\"}", offer_state_name(f->state));
	fx_reply_text(fx, f->conn, 200, &text);
}

static bool sign(struct solver *s, struct acked *a, struct err *e)
{
	const void *row;
	const struct record *r = acked_document(a, &row);

	return world_sign(s->world, &s->c.domain, r, row, &a->sig, e);
}

void ack_alone(
        struct solver *s, struct conn_id conn, const struct solver_offer *row, struct effects *fx)
{
	struct filed f = {conn, {row->id, row->sequence, row->time}, row->state};
	struct acked a = {.ack = f.ack};
	struct err e;

	if (sign(s, &a, &e))
		reply(&f, &a, fx);
	else
		fx_reply_err(fx, conn, &e);
}

void ack_later(struct solver *s, struct conn_id conn, const struct solver_offer *row,
        const struct event *ev, struct effects *fx)
{
	s->filed[s->filed_n++] =
	        (struct filed){conn, {row->id, row->sequence, row->time}, row->state};
	if (s->filed_n == ACK_BATCH_MAX)
		ack_all(s, ev, fx);
}

static void refuse_all(struct solver *s, const struct err *e, struct effects *fx)
{
	for (uint32_t i = 0; i < s->filed_n; i++)
		fx_reply_err(fx, s->filed[i].conn, e);
}

static bool batch(
        struct solver *s, const struct hash *nodes, size_t nodes_n, struct acked *a, struct err *e)
{
	a->batch.root = nodes[nodes_n - 1];
	a->batch.first = s->filed[0].ack.sequence;
	a->batch.count = s->filed_n;
	return sign(s, a, e);
}

void ack_all(struct solver *s, const struct event *ev, struct effects *fx)
{
	struct hash leaves[ACK_BATCH_MAX], nodes[MERKLE_NODES(ACK_BATCH_MAX)];
	struct acked a = {.batch.time.s = wall_seconds(ev->wall)};
	struct merkle_path path;
	uint32_t n = s->filed_n;
	struct err e;

	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		eip712_hash(ack_record(), &s->filed[i].ack, &leaves[i]);
	/* One alone is its own document: that is the shorter answer. */
	a.ack = s->filed[0].ack;
	if (n == 1 ? !sign(s, &a, &e) : !batch(s, nodes, merkle_levels(leaves, n, nodes), &a, &e)) {
		refuse_all(s, &e, fx);
		n = 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		a.ack = s->filed[i].ack;
		merkle_path_of(nodes, n, i, &path);
		a.path.n = path.n;
		memcpy(a.path.v, path.siblings, path.n * sizeof *path.siblings);
		reply(&s->filed[i], &a, fx);
	}
	s->filed_n = 0;
}
