/* sse_test.c - the event log and its listeners, read back by the receiving side. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "http/sse.h"
#include "http/sse_reader.h"

struct ear {
	struct sse_sub *sub;
	struct sse_reader reader;
	unsigned wakes, cuts, events;
	uint64_t ids[16];
	char last[64], last_name[32];
};

static const struct hash none[SSE_TOPICS];

static void on_wake(void *ctx)
{
	((struct ear *)ctx)->wakes++;
}

static void on_cut(void *ctx)
{
	((struct ear *)ctx)->cuts++;
}

static void on_event(void *self, uint64_t id, struct str name, struct str data)
{
	struct ear *ear = self;

	ear->ids[ear->events++ % 16] = id;
	snprintf(ear->last, sizeof ear->last, "%.*s", STR_ARG(data));
	snprintf(ear->last_name, sizeof ear->last_name, "%.*s", STR_ARG(name));
}

static struct hash topic(uint8_t n)
{
	return (struct hash){{n, 1}};
}

static struct sse_hub *hub(void)
{
	struct sse_hub *h;
	struct err e;

	assert_true(sse_hub_new(7, &h, &e));
	return h;
}

static bool listen_to(
        struct sse_hub *h, struct ear *ear, struct hash t, uint64_t cursor, struct err *e)
{
	struct sse_listener l = {on_wake, on_cut, ear};

	memset(ear, 0, sizeof *ear);
	if (!sse_subscribe(h, &t, cursor, &l, &ear->sub, e))
		return false;
	sse_reader_init(&ear->reader, cursor, on_event, ear);
	return true;
}

static void leave(struct ear *ear)
{
	ear->sub = sse_unsubscribe(ear->sub);
	sse_reader_done(&ear->reader);
}

static void hear(struct ear *ear, size_t step)
{
	char piece[4096];
	struct err e;
	size_t n;

	while ((n = sse_read(ear->sub, piece, step)) > 0)
		assert_true(sse_reader_feed(&ear->reader, bytes_of(piece, n), &e));
}

static void say(struct sse_hub *h, uint64_t id, struct hash t, const char *data)
{
	struct hash topics[SSE_TOPICS] = {t};
	struct err e;

	assert_true(sse_emit(h, id, STR("deal"), topics, str_of(data), &e));
}

static void framing(void **state)
{
	struct sse_hub *h = hub();
	char text[256];
	struct ear ear;
	struct err e;
	size_t n;

	(void)state;
	assert_true(listen_to(h, &ear, none[0], 0, &e));
	n = sse_read(ear.sub, text, sizeof text);
	assert_memory_equal(text, "retry: 500\n\n", n);
	assert_true(sse_emit(h, 12, STR("match"), none, STR("{\"a\":1}"), &e));
	assert_true(sse_emit(h, 13, STR("note"), none, STR("one\ntwo"), &e));
	n = sse_read(ear.sub, text, sizeof text);
	text[n] = '\0';
	assert_string_equal(text, "id: 12\nevent: match\ndata: {\"a\":1}\n\n"
	                          "id: 13\nevent: note\ndata: one\ndata: two\n\n");
	leave(&ear);
	sse_hub_free(h);
}

static void pieces_of_any_size(void **state)
{
	struct sse_hub *h = hub();
	struct ear ear;
	struct err e;

	(void)state;
	for (size_t step = 1; step < 40; step++) {
		uint64_t id = sse_last_id(h) + 1;

		assert_true(listen_to(h, &ear, none[0], id - 1, &e));
		say(h, id, topic(1), "x\ny");
		hear(&ear, step);
		assert_int_equal(ear.events, 1);
		assert_int_equal(ear.ids[0], id);
		assert_string_equal(ear.last, "x\ny");
		assert_string_equal(ear.last_name, "deal");
		leave(&ear);
	}
	sse_hub_free(h);
}

static void topics_are_kept_apart(void **state)
{
	struct sse_hub *h = hub();
	struct hash both[SSE_TOPICS] = {{{1, 1}}, {{0}}, {{2, 1}}, {{1, 1}}};
	struct ear one, two, all;
	struct err e;

	(void)state;
	assert_true(listen_to(h, &one, topic(1), 0, &e) && listen_to(h, &two, topic(2), 0, &e) &&
	            listen_to(h, &all, none[0], 0, &e));
	say(h, 1, topic(1), "first");
	say(h, 2, topic(2), "second");
	say(h, 3, topic(3), "third");
	assert_true(sse_emit(h, 4, STR("both"), both, STR("4"), &e));
	sse_flush(h);
	hear(&one, 100);
	hear(&two, 100);
	hear(&all, 100);
	assert_int_equal(one.events, 2);
	assert_int_equal(two.events, 2);
	assert_int_equal(all.events, 4);
	assert_int_equal(one.wakes, 1);
	assert_string_equal(one.last, "4");
	leave(&one);
	say(h, 5, topic(1), "to nobody but all");
	hear(&all, 100);
	assert_int_equal(all.events, 5);
	leave(&two);
	leave(&all);
	assert_int_equal(sse_subscribers(h), 0);
	sse_hub_free(h);
}

static void cursor_resumes(void **state)
{
	struct sse_hub *h = hub();
	struct ear ear;
	struct err e;

	(void)state;
	for (uint64_t id = 10; id <= 20; id += 2)
		say(h, id, topic(1), "x");
	assert_true(listen_to(h, &ear, topic(1), 15, &e));
	hear(&ear, 100);
	assert_int_equal(ear.events, 3);
	assert_int_equal(ear.ids[0], 16);
	say(h, 22, topic(1), "live");
	sse_flush(h);
	assert_int_equal(ear.wakes, 1);
	hear(&ear, 100);
	assert_int_equal(ear.ids[3], 22);
	leave(&ear);
	/* The last one was heard: nothing until the next. */
	assert_true(listen_to(h, &ear, topic(1), 22, &e));
	hear(&ear, 100);
	assert_int_equal(ear.events, 0);
	leave(&ear);
	/* Whatever is there. */
	assert_true(listen_to(h, &ear, topic(1), 0, &e));
	hear(&ear, 100);
	assert_int_equal(ear.events, 7);
	leave(&ear);
	sse_hub_free(h);
}

static void old_cursor_is_refused(void **state)
{
	struct sse_hub *h = hub();
	struct ear ear;
	struct err e;

	(void)state;
	for (uint64_t id = 1; id <= SSE_BACKLOG_MAX + 10; id++)
		say(h, id, topic(1), "x");
	assert_false(listen_to(h, &ear, none[0], 9, &e));
	assert_int_equal(e.code, E_CONFLICT);
	assert_non_null(strstr(e.msg, "cursor too old"));
	assert_true(listen_to(h, &ear, none[0], 10, &e));
	hear(&ear, 4096);
	assert_int_equal(ear.events, SSE_BACKLOG_MAX);
	leave(&ear);
	assert_false(listen_to(h, &ear, none[0], SSE_BACKLOG_MAX + 11, &e));
	assert_int_equal(e.code, E_CONFLICT);
	sse_hub_free(h);
}

/* After a restart the log is empty: whoever was up to date waits, whoever was not is told at the first
 * event that shows it. */
static void empty_log_after_a_restart(void **state)
{
	struct sse_hub *h = hub();
	struct ear ready, behind;
	struct err e;

	(void)state;
	assert_true(
	        listen_to(h, &ready, topic(1), 40, &e) && listen_to(h, &behind, topic(1), 38, &e));
	say(h, 41, topic(1), "x");
	sse_flush(h);
	hear(&ready, 100);
	assert_int_equal(ready.events, 1);
	assert_int_equal(ready.cuts, 0);
	assert_int_equal(behind.cuts, 1);
	leave(&behind);
	leave(&ready);
	assert_false(listen_to(h, &behind, topic(1), 38, &e));
	assert_int_equal(e.code, E_CONFLICT);
	sse_hub_free(h);
}

static void slow_reader_is_cut(void **state)
{
	size_t n = 60000;
	char *text = calloc(1, n + 1);
	struct sse_hub *h = hub();
	struct ear slow, quick;
	struct err e;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	assert_true(listen_to(h, &slow, none[0], 0, &e) && listen_to(h, &quick, none[0], 0, &e));
	for (uint64_t id = 1; id < SSE_QUEUE_MAX / n + 4; id++) {
		say(h, id, topic(1), text);
		hear(&quick, 4096);
	}
	sse_flush(h);
	assert_int_equal(slow.cuts, 1);
	assert_int_equal(quick.cuts, 0);
	assert_int_equal(sse_read(slow.sub, text, n), 0);
	/* It comes back and loses nothing. */
	leave(&slow);
	assert_true(listen_to(h, &slow, none[0], 1, &e));
	hear(&slow, 4096);
	assert_int_equal(slow.events, quick.events - 1);
	assert_int_equal(slow.cuts, 0);
	leave(&slow);
	leave(&quick);
	sse_hub_free(h);
	free(text);
}

/* A silent stream carries the newest id, so that its reader's cursor does not age. */
static void keep_alive_moves_the_cursor(void **state)
{
	struct sse_hub *h = hub();
	struct ear ear;
	struct err e;

	(void)state;
	assert_true(listen_to(h, &ear, topic(1), 0, &e));
	hear(&ear, 100);
	for (uint64_t id = 1; id < 9; id++)
		say(h, id, topic(2), "not for it");
	for (int i = 0; i < SSE_KEEPALIVE_S; i++)
		sse_tick(h);
	sse_flush(h);
	assert_int_equal(ear.wakes, 1);
	hear(&ear, 100);
	assert_int_equal(ear.events, 0);
	assert_int_equal(ear.reader.id, 8);
	leave(&ear);
	sse_hub_free(h);
}

static void ids_must_ascend(void **state)
{
	struct sse_hub *h = hub();
	struct ear ear;
	struct err e;

	(void)state;
	say(h, 5, topic(1), "x");
	assert_false(sse_emit(h, 5, STR("deal"), none, STR("x"), &e));
	assert_int_equal(e.code, E_INTERNAL);
	/* Without an id: for those who listen now only. */
	assert_true(listen_to(h, &ear, none[0], 5, &e));
	assert_true(sse_emit(h, 0, STR("blink"), none, STR("x"), &e));
	hear(&ear, 100);
	assert_int_equal(ear.events, 1);
	assert_int_equal(ear.ids[0], 5);
	leave(&ear);
	sse_hub_free(h);
}

/* The rules of WHATWG HTML 9.2.6 that a peer may use and our server does not. */
static void foreign_streams(void **state)
{
	static const char text[] = "\xEF\xBB\xBF"
	                           "data:no space\r\n\r\n"
	                           ": comment\rid: 7\revent: x\rdata\rdata: b\r\r"
	                           "event: empty\n\n"
	                           "id: not a number\nunknown: field\ndata: last\n\n"
	                           "data: cut off";
	struct ear ear = {0};
	struct err e;

	(void)state;
	sse_reader_init(&ear.reader, 3, on_event, &ear);
	assert_true(sse_reader_feed(&ear.reader, bytes_of(text, sizeof text - 1), &e));
	assert_int_equal(ear.events, 3);
	assert_int_equal(ear.ids[0], 3);
	assert_int_equal(ear.ids[1], 7);
	assert_int_equal(ear.ids[2], 7);
	assert_string_equal(ear.last, "last");
	assert_string_equal(ear.last_name, "message");
	sse_reader_restart(&ear.reader);
	assert_true(sse_reader_feed(&ear.reader, str_bytes(STR("data: again\n\n")), &e));
	assert_string_equal(ear.last, "again");
	sse_reader_done(&ear.reader);
}

static void endless_event_is_refused(void **state)
{
	static const uint8_t piece[65536] = "data: ";
	struct ear ear = {0};
	struct err e;
	unsigned i = 0;

	(void)state;
	sse_reader_init(&ear.reader, 0, on_event, &ear);
	while (i < 100 && sse_reader_feed(&ear.reader, bytes_of(piece, sizeof piece), &e))
		i++;
	assert_int_equal(i, HTTP_BODY_MAX / sizeof piece);
	assert_int_equal(e.code, E_PEER);
	sse_reader_done(&ear.reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(framing),
	        cmocka_unit_test(pieces_of_any_size),
	        cmocka_unit_test(topics_are_kept_apart),
	        cmocka_unit_test(cursor_resumes),
	        cmocka_unit_test(old_cursor_is_refused),
	        cmocka_unit_test(empty_log_after_a_restart),
	        cmocka_unit_test(slow_reader_is_cut),
	        cmocka_unit_test(keep_alive_moves_the_cursor),
	        cmocka_unit_test(ids_must_ascend),
	        cmocka_unit_test(foreign_streams),
	        cmocka_unit_test(endless_event_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
