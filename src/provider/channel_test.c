/* channel_test.c - what a provider signs of channels: within its settings, each id once, and their end. */
#include "provider/provider_suite.h"

enum { R_CHANNEL = 2, R_LEAVE = 3 };

static struct channel channel_of(struct stage *s, uint64_t serial, uint64_t job, uint64_t provider)
{
	return (struct channel){.id = {.job_creator = s->b->addr[JC],
	                                .provider = s->b->addr[RP],
	                                .serial = serial,
	                                .kind = CHANNEL_ACCEPTANCES},
	        .job_sum = amount_of(job),
	        .provider_sum = amount_of(provider),
	        .open_by = {s->b->ledger.s + 600}};
}

/* The answer's body; its status. */
static json_t *ask(
        struct stage *s, unsigned route, const struct hash *id, json_t *body, int *status)
{
	char text[HASH_TEXT_MAX] = "";
	char *dumped = json_dumps(body, 0);
	struct http_req r = {.route = route, .body = str_bytes(str_of(dumped))};
	const struct fx *f;

	if (id)
		hash_format(id, text);
	r.params[0] = str_of(text);
	send_event(s->b, &(struct event){.kind = EV_REQUEST, .request = &r});
	json_decref(body);
	free(dumped);
	f = need(s->b, FX_REPLY, 0);
	*status = f->status;
	return body_of(f);
}

static void says(struct stage *s, const struct channel *c, enum party by, const char *code)
{
	struct sig sig = sign_as(s->b, by, channel_record(), c), rp;
	int status;
	json_t *j = ask(s, R_CHANNEL, NULL,
	        json_pack("{s:o, s:o}", "channel", record_to_json(channel_record(), c),
	                "jobCreatorSignature", json_of_sig(&sig)),
	        &status);
	struct err e;

	if (code) {
		assert_int_not_equal(status, 200);
		assert_string_equal(json_text(j, "code"), code);
	} else {
		if (status != 200)
			fail_msg("%s: %s", json_text(j, "code"), json_text(j, "message"));
		assert_true(json_get_sig(j, "providerSignature", &rp, &e));
		assert_true(
		        signed_check(&s->b->domain, channel_record(), c, &rp, &s->b->addr[RP], &e));
	}
	json_decref(j);
}

static void offers(struct stage *s, uint64_t sum, uint64_t total)
{
	s->config.channel_sum = amount_of(sum);
	s->config.channel_total = amount_of(total);
	restart(s);
	send_clock(s->b);
}

static struct hash id_of(const struct channel *c)
{
	struct hash id;

	eip712_hash(channel_id_record(), &c->id, &id);
	return id;
}

static void tell(struct stage *s, const struct channel *c, bool closed)
{
	struct ledger_note n = {.stage = LEDGER_EVENT,
	        .time = s->b->ledger,
	        .event = {.seq = 900 + closed,
	                .action = ACTION_OPEN_CHANNEL,
	                .channel = {.id = id_of(c), .closed = closed}}};

	send_event(s->b, &(struct event){.kind = EV_LEDGER, .ledger = &n});
}

static void no_channels_unless_set(void **state)
{
	struct stage *s = *state;
	struct channel c = channel_of(s, 1, 100, 50);

	says(s, &c, JC, "FORBIDDEN");
	offers(s, 50, 0);
	says(s, &c, JC, NULL);
}

static void within_its_settings(void **state)
{
	struct stage *s = *state;
	struct channel c = channel_of(s, 1, 100, 51);

	offers(s, 50, 120);
	says(s, &c, JC, "RANGE");
	/* The job creator locks as much. */
	c = channel_of(s, 1, 49, 50);
	says(s, &c, JC, "RANGE");
	c = channel_of(s, 1, 50, 50);
	c.open_by.s = s->b->ledger.s;
	says(s, &c, JC, "CLOCKS");
	c.open_by.s = s->b->ledger.s + 3601;
	says(s, &c, JC, "CLOCKS");
	c = channel_of(s, 1, 50, 50);
	says(s, &c, RP, "SIGNATURE");
	c.id.provider = s->b->addr[SOLVER];
	says(s, &c, JC, "PARTY");
	c = channel_of(s, 1, 50, 50);
	says(s, &c, JC, NULL);
	c.id.serial = 2;
	says(s, &c, JC, NULL);
	c.id.serial = 3;
	says(s, &c, JC, "QUOTA");
	c.provider_sum = amount_of(20);
	says(s, &c, JC, NULL);
}

/* An id is signed once, also across a restart; the same document again has the same answer. */
static void an_id_once(void **state)
{
	struct stage *s = *state;
	struct channel c = channel_of(s, 1, 50, 50);

	offers(s, 50, 50);
	says(s, &c, JC, NULL);
	says(s, &c, JC, NULL);
	restart(s);
	send_clock(s->b);
	says(s, &c, JC, NULL);
	c.job_sum = amount_of(60);
	says(s, &c, JC, "CONFLICT");
}

/* What was not opened in time, and what is closed, binds nobody. */
static void room_again(void **state)
{
	struct stage *s = *state;
	struct channel first = channel_of(s, 1, 50, 50), c;

	offers(s, 50, 50);
	says(s, &first, JC, NULL);
	c = channel_of(s, 2, 50, 50);
	says(s, &c, JC, "QUOTA");
	s->b->ledger.s += 600;
	send_clock(s->b);
	c = channel_of(s, 2, 50, 50);
	says(s, &c, JC, NULL);
	tell(s, &c, false);
	s->b->ledger.s += 600;
	send_clock(s->b);
	first = channel_of(s, 3, 50, 50);
	says(s, &first, JC, "QUOTA");
	tell(s, &c, true);
	says(s, &first, JC, NULL);
}

static void end(
        struct stage *s, const struct channel *c, uint64_t expiry, enum party by, const char *code)
{
	struct channel_leave doc = {.channel = id_of(c), .expiry = {expiry}};
	struct sig sig = sign_as(s->b, by, channel_leave_record(), &doc), rp;
	struct err e;
	int status;
	json_t *j = ask(s, R_LEAVE, &doc.channel,
	        json_pack("{s:o, s:o}", "leave", record_to_json(channel_leave_record(), &doc),
	                "jobCreatorSignature", json_of_sig(&sig)),
	        &status);

	if (code) {
		assert_string_equal(json_text(j, "code"), code);
	} else {
		assert_int_equal(status, 200);
		assert_true(json_get_sig(j, "providerSignature", &rp, &e));
		assert_true(signed_check(
		        &s->b->domain, channel_leave_record(), &doc, &rp, &s->b->addr[RP], &e));
	}
	json_decref(j);
}

static void leaves_at_once(void **state)
{
	struct stage *s = *state;
	struct channel c = channel_of(s, 1, 50, 50);
	uint64_t soon;

	offers(s, 50, 0);
	soon = s->b->ledger.s + 60;
	end(s, &c, soon, JC, "NOT_FOUND");
	says(s, &c, JC, NULL);
	end(s, &c, soon, JC, "STATE");
	tell(s, &c, false);
	end(s, &c, soon, SOLVER, "SIGNATURE");
	end(s, &c, s->b->ledger.s, JC, "CLOCKS");
	end(s, &c, soon, JC, NULL);
	tell(s, &c, true);
	end(s, &c, soon, JC, "STATE");
}

static void bad_requests(void **state)
{
	struct stage *s = *state;
	int status;

	offers(s, 50, 0);
	json_decref(ask(s, R_CHANNEL, NULL, json_object(), &status));
	assert_int_equal(status, 400);
	json_decref(ask(s, R_CHANNEL, NULL, json_pack("{s:s}", "channel", "x"), &status));
	assert_int_equal(status, 400);
	json_decref(ask(s, R_LEAVE, NULL, json_object(), &status));
	assert_int_equal(status, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(no_channels_unless_set),
	        T(within_its_settings),
	        T(an_id_once),
	        T(room_again),
	        T(leaves_at_once),
	        T(bad_requests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
