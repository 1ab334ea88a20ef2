/* check.c - what must be so whatever went wrong: the ledger adds up, everything comes to its end, nobody
 * honest loses money, and what a creator is told of its jobs is true. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "creator/creator.h"
#include "ledger/ledger.h"
#include "model/deal_rules.h"
#include "sim.h"

/* ---- while it runs ------------------------------------------------------------------------------------- */

void check_block(struct sim *s)
{
	const struct ledger *l = market_rules(s);
	struct err e;

	if (l && !ledger_check(l, &e))
		sim_fail(s, "the ledger: %s", e.msg);
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

struct rows {
	void *v;
	size_t n, size;
};

static bool add_row(void *ctx, const void *row)
{
	struct rows *r = ctx;

	r->v = reallocarray(r->v, r->n + 1, r->size);
	assert(r->v);
	memcpy((uint8_t *)r->v + r->n++ * r->size, row, r->size);
	return true;
}

static void rows_done(struct rows *r)
{
	free(r->v);
}

static struct rows rows_of(struct sim *s, const struct account *a, const struct record *r)
{
	struct rows out = {.size = r->size};
	struct store st = store_memory_port(a->rows);
	struct err e;

	if (!st.each(st.self, r, NULL, NULL, add_row, &out, &e))
		sim_fail(s, "%s: %s", a->name, e.msg);
	return out;
}

static const struct creator_job *job_at(const struct rows *r, size_t i)
{
	return (const struct creator_job *)r->v + i;
}

static const struct creator_deal *deal_at(const struct rows *r, size_t i)
{
	return (const struct creator_deal *)r->v + i;
}

/* The table of that name, by the value of its field `state`. */
static bool all_in(struct sim *s, const struct account *a, const struct record *r, uint32_t states,
        char *why, size_t size)
{
	struct rows rows OWN(rows_done) = rows_of(s, a, r);
	const struct field *f = record_field(r, STR("state"));

	for (size_t i = 0; i < rows.n; i++) {
		uint8_t state =
		        *(const uint8_t *)field_at((const uint8_t *)rows.v + i * rows.size, f);

		if (states & SM_BIT(state))
			continue;
		snprintf(why, size, "%s has a row of %s in state %u", a->name, r->tag, state);
		return false;
	}
	return true;
}

/* ---- the end of everything ------------------------------------------------------------------------------ */

static bool ledger_settled(struct sim *s, char *why, size_t size)
{
	const struct ledger *l = market_rules(s);
	struct ledger_totals t;

	if (!l) {
		snprintf(why, size, "the ledger is down");
		return false;
	}
	ledger_totals(l, &t);
	if (amount_is_zero(t.locked))
		return true;
	snprintf(why, size, "money is locked");
	return false;
}

static bool processes_settled(struct sim *s, char *why, size_t size)
{
	for (size_t i = 0; i < s->nodes_n; i++) {
		const struct node *n = s->nodes[i];
		bool daemon = n->kind != NODE_RUN;

		if (n->begun && !n->restarts && n->up == daemon && (!daemon || n->started))
			continue;
		snprintf(why, size, "%s is %s", n->name, n->up ? "running" : "down");
		return false;
	}
	return true;
}

bool check_settled(struct sim *s, char *why, size_t size)
{
	if (!ledger_settled(s, why, size) || !processes_settled(s, why, size))
		return false;
	for (size_t i = 0; i < s->accounts_n; i++) {
		const struct account *a = &s->accounts[i];
		const struct party *p = i < s->sc->parties_n ? &s->sc->parties[i] : NULL;
		const struct record *r;
		uint32_t states;

		/* Who misbehaves may leave its own work undone. */
		if (!p || wire_mode(p) || !wire_ends(p->kind, &r, &states))
			continue;
		if (!all_in(s, a, r, states, why, size))
			return false;
	}
	return true;
}

/* ---- the truth ------------------------------------------------------------------------------------------ */

/* What the ledger has of the deals of one job. */
struct told {
	unsigned paid_n;
	struct amount paid;
	bool ruled;       /* one of them went to a mediator, or to the judge timeout */
	bool misbehaving; /* a provider that was paid is dishonest */
};

static bool is_misbehaving(const struct sim *s, const struct addr *who)
{
	for (size_t i = 0; i < s->sc->parties_n; i++) {
		if (addr_eq(&s->accounts[i].addr, who))
			return wire_mode(&s->sc->parties[i]) != 0;
	}
	return false;
}

static void deals_of(const struct sim *s, const struct ledger *l, const struct rows *deals,
        const struct hash *job, struct told *out)
{
	*out = (struct told){0};
	for (size_t i = 0; i < deals->n; i++) {
		const struct creator_deal *d = deal_at(deals, i);
		const struct agreement *a = ledger_agreement(l, &d->id);

		if (!a || !hash_eq(&d->job, job))
			continue;
		out->ruled =
		        out->ruled || !hash_is_zero(&a->check) || a->state == DEAL_TIMEOUT_JUDGE;
		if (amount_is_zero(a->paid))
			continue;
		out->paid_n++;
		out->paid = a->paid;
		out->misbehaving = out->misbehaving || is_misbehaving(s, &a->rp);
	}
}

static const struct wanted_job *wanted_of(const struct sim *s, const struct creator_job *j)
{
	for (size_t i = 0; i < s->sc->jobs_n; i++) {
		const struct wanted_job *w = &s->sc->jobs[i];
		char name[NAME_MAX_ + 1];

		snprintf(name, sizeof name, "%.50s-%u", w->creator->name, w->number);
		if (strcmp(name, j->module) == 0)
			return w;
	}
	return NULL;
}

static bool output_is_right(struct sim *s, const struct creator_job *j)
{
	const struct wanted_job *w = wanted_of(s, j);
	struct blobs_memory *m = blobs_memory_new(BLOCKS_MAX);
	struct job_spec *spec = malloc(sizeof *spec);
	struct blobs b = blobs_memory_port(m);
	struct run_done d = {0};
	struct err e;
	bool ok;

	assert(spec && m);
	ok = w && wire_spec(s, w, &b, spec, &e) && executor_outcome(spec, NULL, &d, &e) &&
	     hash_eq(&d.tree.digest, &j->tree) && d.count == j->count &&
	     j->status == STATUS_COMPLETED && j->exit_code == 0;
	free(spec);
	blobs_memory_free(m);
	return ok;
}

/* DONE without an error is paid for and right; DONE with one was ruled on; all else cost nothing, but for a
 * result that is known to be wrong and was paid all the same. */
static void check_job(struct sim *s, const struct ledger *l, const struct rows *deals,
        const struct creator_job *j)
{
	bool well = j->state == JOB_DONE && !j->error;
	/* Who was away for longer than the judge timeout may have paid for what it never saw, and says so. */
	bool unseen = j->error == E_TIMEOUT && !j->had;
	struct told t;
	char id[16];

	deals_of(s, l, deals, &j->id, &t);
	sim_short(&j->id, id);
	sim_note(s, NULL, "%s is %s at attempt %u: %s", j->module, sm_name(&job_states, j->state),
	        j->attempt, j->why);
	if (t.paid_n > 1)
		sim_fail(s, "job %s was paid for %u times", id, t.paid_n);
	else if (!amount_eq(j->cost, t.paid))
		sim_fail(s, "job %s is told another cost than was paid", id);
	else if (well && t.paid_n == 0)
		sim_fail(s, "job %s is DONE, and nobody was paid", id);
	else if (well && !t.misbehaving && !output_is_right(s, j))
		sim_fail(s, "job %s is DONE with another output than its program writes", id);
	else if (j->state == JOB_DONE && !well && !t.ruled && !(unseen && t.paid_n == 1))
		sim_fail(s, "job %s is DONE with an error, and nobody ruled on it", id);
	else if (j->state != JOB_DONE && t.paid_n && !(t.ruled && j->error == E_RESULT))
		sim_fail(s, "job %s is %s, and was paid for", id, sm_name(&job_states, j->state));
}

/* ---- the money ------------------------------------------------------------------------------------------ */

struct purse {
	struct amount plus, minus;
};

static void add(struct amount *to, struct amount a)
{
	bool ok = amount_add(*to, a, to);

	assert(ok);
}

/* 5.6 */
static void book_pay(const struct hot *h, const struct agreement *a, bool jc, struct purse *p)
{
	add(jc ? &p->minus : &p->plus, a->paid);
	if (jc)
		return;
	add(&p->minus, amount_per_mille(a->paid, h->royalty));
	add(&p->minus, amount_per_mille(a->paid, h->solver_share));
}

/* What 5.5 to 5.7 and 5.10 to 5.13 give and take of the two parties of a deal. */
static void book_deal(const struct hot *h, const struct agreement *a, bool jc, struct purse *p)
{
	switch ((enum deal_state)a->state) {
	case DEAL_TIMEOUT_SUBMIT:
	case DEAL_DECLINED: add(jc ? &p->plus : &p->minus, h->late_submit); break;
	case DEAL_TIMEOUT_JUDGE:
		add(jc ? &p->minus : &p->plus, h->late_judge);
		book_pay(h, a, jc, p);
		break;
	case DEAL_RESULTS_ACCEPTED: book_pay(h, a, jc, p); break;
	case DEAL_MEDIATION_ACCEPTED:
		book_pay(h, a, jc, p);
		add(jc ? &p->minus : &p->plus, jc ? h->job_bond : h->damages);
		break;
	case DEAL_MEDIATION_JOB_FAULTY:
		add(jc ? &p->minus : &p->plus, jc ? h->job_bond : h->damages);
		break;
	case DEAL_MEDIATION_REJECTED:
		add(jc ? &p->plus : &p->minus, jc ? h->damages : h->result_bond);
		break;
	case DEAL_TIMEOUT_MEDIATE: add(jc ? &p->minus : &p->plus, a->paid); break;
	case DEAL_NEGOTIATING:
	case DEAL_AGREED:
	case DEAL_RESULTS_SUBMITTED:
	case DEAL_RESULTS_CHECKED:
	case DEAL_RULED:
	case DEAL_TIMEOUT_AGREE:
	case DEAL_CANCELLED: break;
	}
}

static void check_deal(struct sim *s, const struct creator_deal *d, const struct agreement *a)
{
	struct amount due = deal_cost(&d->deal.hot, a->count, a->bytes);
	bool paid = a->state == DEAL_RESULTS_ACCEPTED || a->state == DEAL_TIMEOUT_JUDGE ||
	            a->state == DEAL_MEDIATION_ACCEPTED;
	char id[16];

	sim_short(&d->id, id);
	sim_note(s, NULL, "deal %s ended as %s", id, sm_name(&deal_states, a->state));
	if (!(s->sc->ends & SM_BIT(a->state)))
		sim_fail(s, "deal %s ends as %s, which the scenario does not allow", id,
		        sm_name(&deal_states, a->state));
	if (paid && !amount_eq(a->paid, due))
		sim_fail(s, "deal %s is paid otherwise than its terms say", id);
}

/* All deals, looked at by the account's part in them. */
static void book_deals(struct sim *s, const struct ledger *l, const struct account *who,
        struct purse *p, uint64_t *deals)
{
	for (size_t i = 0; i < s->sc->parties_n; i++) {
		struct rows rows = {0};

		if (s->sc->parties[i].kind != NODE_CREATOR)
			continue;
		rows = rows_of(s, &s->accounts[i], creator_deal_record());
		for (size_t k = 0; k < rows.n; k++) {
			const struct creator_deal *d = deal_at(&rows, k);
			const struct agreement *a = ledger_agreement(l, &d->id);

			if (!a)
				continue;
			++*deals;
			if (addr_eq(&d->deal.hot.job_creator, &who->addr))
				book_deal(&d->deal.hot, a, true, p);
			if (addr_eq(&d->deal.hot.provider, &who->addr))
				book_deal(&d->deal.hot, a, false, p);
		}
		rows_done(&rows);
	}
}

static void check_money(struct sim *s, const struct ledger *l, const struct account *who)
{
	struct amount want = amount_of(WIRE_ALLOCATION);
	char is[AMOUNT_DEC_MAX], must[AMOUNT_DEC_MAX];
	struct ledger_account a;
	struct ledger_totals t;
	struct purse p = {0};
	uint64_t deals = 0;
	bool ok;

	book_deals(s, l, who, &p, &deals);
	ledger_totals(l, &t);
	if (t.deals != deals)
		sim_fail(s, "the ledger has %zu deals, their creators know of %llu", t.deals,
		        (unsigned long long)deals);
	s->n.deals = deals;
	ok = amount_add(want, p.plus, &want) && amount_sub(want, p.minus, &want);
	ledger_account(l, &who->addr, ledger_time(l), &a);
	if (ok && amount_eq(a.free, want))
		return;
	amount_format(a.free, is);
	amount_format(want, must);
	sim_fail(s, "%s has %s, and its deals say %s", who->name, is, must);
}

/* ---- all of it ------------------------------------------------------------------------------------------ */

static void check_expectations(struct sim *s, unsigned done, unsigned failed, unsigned cancelled)
{
	const struct scenario *sc = s->sc;
	bool ok = sc->at_least
	                  ? done >= sc->done && failed >= sc->failed && cancelled >= sc->cancelled
	                  : done == sc->done && failed == sc->failed && cancelled == sc->cancelled;

	if (sc->expects && !s->o.crash_at && !ok)
		sim_fail(s, "%u jobs are done, %u failed, %u cancelled; %u, %u, %u were expected",
		        done, failed, cancelled, sc->done, sc->failed, sc->cancelled);
}

void check_end(struct sim *s)
{
	const struct ledger *l = market_rules(s);
	unsigned ended[3] = {0};

	if (!l) {
		sim_fail(s, "the ledger is down at the end");
		return;
	}
	for (size_t i = 0; i < s->sc->parties_n; i++) {
		enum node_kind kind = s->sc->parties[i].kind;
		struct rows jobs, deals;

		if (kind == NODE_CREATOR || kind == NODE_PROVIDER)
			check_money(s, l, &s->accounts[i]);
		if (kind != NODE_CREATOR)
			continue;
		jobs = rows_of(s, &s->accounts[i], creator_job_record());
		deals = rows_of(s, &s->accounts[i], creator_deal_record());
		for (size_t k = 0; k < jobs.n; k++) {
			const struct creator_job *j = job_at(&jobs, k);

			check_job(s, l, &deals, j);
			ended[j->state == JOB_DONE ? 0 : j->state == JOB_FAILED ? 1 : 2]++;
		}
		for (size_t k = 0; k < deals.n; k++) {
			const struct creator_deal *d = deal_at(&deals, k);
			const struct agreement *a = ledger_agreement(l, &d->id);

			if (a)
				check_deal(s, d, a);
		}
		s->n.jobs += jobs.n;
		rows_done(&jobs);
		rows_done(&deals);
	}
	s->n.done = ended[0];
	check_expectations(s, ended[0], ended[1], ended[2]);
}
