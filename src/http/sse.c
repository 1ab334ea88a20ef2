/* sse.c - the ring of framed events and the queues of those who listen. */
#include "http/sse.h"

#include <stdio.h>
#include <stdlib.h>

struct frame {
	uint64_t id;
	unsigned refs;
	unsigned topics_n;
	size_t n;
	struct hash topics[SSE_TOPICS];
	char text[];
};

struct sse_sub {
	struct sse_hub *hub;
	struct sse_listener on;
	struct hash topic;
	bool filtered;
	bool live;  /* gets frames queued; else it still reads the ring */
	bool dirty; /* is on the list of those to wake */
	bool is_cut;
	uint64_t cursor;      /* that it came with */
	uint64_t at;          /* !live: place in the ring */
	struct frame **queue; /* ring of its own; cap is a power of two */
	size_t cap, first, count;
	size_t bytes; /* of the queue */
	size_t given; /* bytes of the first frame that are read already */
	unsigned quiet_s;
	struct sse_sub *next, *prev;             /* of the hub */
	struct sse_sub *topic_next, *topic_prev; /* of its topic, or of the unfiltered */
	struct sse_sub *dirty_next;
};

struct sse_hub {
	struct frame *ring[SSE_BACKLOG_MAX];
	uint64_t head, tail; /* places: [tail, head) are kept */
	size_t bytes;
	uint64_t last_id, lost_id;
	bool emitted;
	struct map topics;   /* topic -> first of its list */
	struct sse_sub *all; /* the unfiltered */
	struct sse_sub *subs;
	size_t subs_n;
	struct sse_sub *dirty;
};

static void unref(struct frame *f)
{
	if (--f->refs == 0)
		free(f);
}

static struct frame *frame_new(size_t n)
{
	struct frame *f = calloc(1, sizeof *f + n);

	if (f) {
		f->n = n;
		f->refs = 1;
	}
	return f;
}

bool sse_hub_new(uint64_t seed, struct sse_hub **out, struct err *e)
{
	struct sse_hub *h = calloc(1, sizeof *h);

	if (!h)
		return FAIL(e, MEMORY, "no memory for an event log");
	map_init(&h->topics, sizeof(struct hash), sizeof(struct sse_sub *), SSE_TOPICS_MAX, seed);
	*out = h;
	return true;
}

struct sse_hub *sse_hub_free(struct sse_hub *h)
{
	if (!h)
		return NULL;
	assert(!h->subs);
	for (uint64_t i = h->tail; i < h->head; i++)
		unref(h->ring[i % SSE_BACKLOG_MAX]);
	map_done(&h->topics);
	free(h);
	return NULL;
}

/* ---- frames ------------------------------------------------------------------------------------------ */

/* A line break inside the data starts another data line, as the format wants it. */
static struct frame *frame_of(uint64_t id, struct str name, struct str data)
{
	char head[96];
	size_t lines = 1, n;
	struct frame *f;
	char *p;
	int k = 0;

	for (size_t i = 0; i < data.n; i++)
		lines += data.p[i] == '\n';
	if (id)
		k = snprintf(head, sizeof head, "id: %llu\n", (unsigned long long)id);
	n = (size_t)k + 7 + name.n + 1 + lines * 7 + (data.n - (lines - 1)) + 1;
	f = frame_new(n);
	if (!f)
		return NULL;
	p = f->text;
	memcpy(p, head, (size_t)k);
	p += k;
	p = stpcpy(p, "event: ");
	memcpy(p, name.p, name.n);
	p += name.n;
	*p++ = '\n';
	for (size_t i = 0; i < lines; i++) {
		struct str line = str_cut(data, '\n', &data);

		memcpy(p, "data: ", 6);
		p += 6;
		if (line.n)
			memcpy(p, line.p, line.n);
		p += line.n;
		*p++ = '\n';
	}
	*p++ = '\n';
	assert((size_t)(p - f->text) == n);
	f->id = id;
	return f;
}

static bool wanted(const struct sse_sub *s, const struct frame *f)
{
	if (!s->filtered)
		return true;
	for (unsigned i = 0; i < f->topics_n; i++) {
		if (hash_eq(&f->topics[i], &s->topic))
			return true;
	}
	return false;
}

/* ---- listeners --------------------------------------------------------------------------------------- */

static void mark(struct sse_sub *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	s->dirty_next = s->hub->dirty;
	s->hub->dirty = s;
}

static void cut(struct sse_sub *s)
{
	if (s->is_cut)
		return;
	s->is_cut = true;
	mark(s);
}

static bool queue_grow(struct sse_sub *s)
{
	size_t cap = s->cap ? s->cap * 2 : 8;
	struct frame **q = malloc(cap * sizeof *q);

	if (!q)
		return false;
	for (size_t i = 0; i < s->count; i++)
		q[i] = s->queue[(s->first + i) & (s->cap - 1)];
	free(s->queue);
	s->queue = q;
	s->cap = cap;
	s->first = 0;
	return true;
}

static void enqueue(struct sse_sub *s, struct frame *f)
{
	if (s->is_cut)
		return;
	if (s->bytes + f->n > SSE_QUEUE_MAX || (s->count == s->cap && !queue_grow(s))) {
		cut(s);
		return;
	}
	s->queue[(s->first + s->count++) & (s->cap - 1)] = f;
	s->bytes += f->n;
	f->refs++;
}

/* Those that still read the ring find the frame there. */
static void offer(struct sse_sub *s, struct frame *f)
{
	if (s->live)
		enqueue(s, f);
	mark(s);
}

static void offer_list(struct sse_sub *s, struct frame *f)
{
	for (; s; s = s->topic_next)
		offer(s, f);
}

static void deliver(struct sse_hub *h, struct frame *f)
{
	offer_list(h->all, f);
	for (unsigned i = 0; i < f->topics_n; i++) {
		struct sse_sub **first = map_get(&h->topics, &f->topics[i]);

		if (first)
			offer_list(*first, f);
	}
}

/* ---- the ring ---------------------------------------------------------------------------------------- */

static void forget_oldest(struct sse_hub *h)
{
	struct frame *f = h->ring[h->tail % SSE_BACKLOG_MAX];

	h->lost_id = f->id;
	h->bytes -= f->n;
	h->tail++;
	unref(f);
}

static void keep(struct sse_hub *h, struct frame *f)
{
	while (h->head > h->tail &&
	        (h->head - h->tail == SSE_BACKLOG_MAX || h->bytes + f->n > SSE_BACKLOG_BYTES))
		forget_oldest(h);
	h->ring[h->head % SSE_BACKLOG_MAX] = f;
	h->head++;
	h->bytes += f->n;
	f->refs++;
	h->last_id = f->id;
}

/* The first event of a process: what was before it is known to nobody here, so those who wait with an
 * older cursor may have missed something. */
static void first_event(struct sse_hub *h, uint64_t id)
{
	h->emitted = true;
	h->lost_id = id - 1;
	for (struct sse_sub *s = h->subs; s; s = s->next) {
		if (s->cursor && s->cursor < h->lost_id)
			cut(s);
	}
}

bool sse_emit(struct sse_hub *h, uint64_t id, struct str name, const struct hash topics[SSE_TOPICS],
        struct str data, struct err *e)
{
	struct frame *f;

	if (id && h->emitted && id <= h->last_id)
		return FAIL(e, INTERNAL, "event %llu (%.*s) after event %llu",
		        (unsigned long long)id, STR_ARG(name), (unsigned long long)h->last_id);
	f = frame_of(id, name, data);
	if (!f)
		return FAIL(e, MEMORY, "no memory for an event of %zu bytes", data.n);
	for (int i = 0; topics && i < SSE_TOPICS; i++) {
		bool twice = hash_is_zero(&topics[i]);

		for (unsigned k = 0; k < f->topics_n; k++)
			twice = twice || hash_eq(&topics[i], &f->topics[k]);
		if (!twice)
			f->topics[f->topics_n++] = topics[i];
	}
	if (id && !h->emitted)
		first_event(h, id);
	deliver(h, f);
	if (id)
		keep(h, f);
	unref(f);
	return true;
}

/* The place of the first kept event after the cursor. */
static uint64_t place_after(const struct sse_hub *h, uint64_t cursor)
{
	uint64_t low = h->tail, high = h->head;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (h->ring[mid % SSE_BACKLOG_MAX]->id <= cursor)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool cursor_ok(const struct sse_hub *h, uint64_t cursor, struct err *e)
{
	if (cursor == 0 || !h->emitted || (cursor >= h->lost_id && cursor <= h->last_id))
		return true;
	if (cursor > h->last_id)
		FAIL(e, CONFLICT, "cursor %llu is ahead of the last event %llu",
		        (unsigned long long)cursor, (unsigned long long)h->last_id);
	else
		FAIL(e, CONFLICT, "cursor too old: %llu, events up to %llu are forgotten",
		        (unsigned long long)cursor, (unsigned long long)h->lost_id);
	return err_hint(e, "load the state anew, then listen without a cursor");
}

static struct sse_sub *sub_free(struct sse_sub *s)
{
	for (size_t i = 0; i < s->count; i++)
		unref(s->queue[(s->first + i) & (s->cap - 1)]);
	free(s->queue);
	free(s);
	return NULL;
}

/* Browsers come back after 0.5 s; and the first bytes say that the stream is open. */
static struct sse_sub *sub_new(void)
{
	static const char retry[] = "retry: 500\n\n";
	struct sse_sub *s = calloc(1, sizeof *s);
	struct frame *hello = s ? frame_new(sizeof retry - 1) : NULL;

	if (hello) {
		memcpy(hello->text, retry, sizeof retry - 1);
		enqueue(s, hello);
		unref(hello);
	}
	if (s && s->count == 0)
		s = sub_free(s);
	return s;
}

bool sse_subscribe(struct sse_hub *h, const struct hash *topic, uint64_t cursor,
        const struct sse_listener *l, struct sse_sub **out, struct err *e)
{
	struct sse_sub *s, **list;

	TRY(cursor_ok(h, cursor, e), e);
	s = sub_new();
	if (!s)
		return FAIL(e, MEMORY, "no memory for a stream");
	list = hash_is_zero(topic) ? &h->all : map_put(&h->topics, topic, NULL);
	if (!list) {
		sub_free(s);
		return FAIL(e, BUSY, "more than %d topics are listened to", SSE_TOPICS_MAX);
	}
	s->hub = h;
	s->on = *l;
	s->topic = *topic;
	s->filtered = !hash_is_zero(topic);
	s->cursor = cursor;
	s->at = place_after(h, cursor);
	s->live = s->at == h->head;
	s->topic_next = *list;
	if (*list)
		(*list)->topic_prev = s;
	*list = s;
	s->next = h->subs;
	if (h->subs)
		h->subs->prev = s;
	h->subs = s;
	h->subs_n++;
	*out = s;
	return true;
}

static void leave_topic(struct sse_sub *s)
{
	struct sse_sub **list = s->filtered ? map_get(&s->hub->topics, &s->topic) : &s->hub->all;

	assert(list);
	if (s->topic_prev)
		s->topic_prev->topic_next = s->topic_next;
	else
		*list = s->topic_next;
	if (s->topic_next)
		s->topic_next->topic_prev = s->topic_prev;
	if (s->filtered && !*list)
		map_del(&s->hub->topics, &s->topic);
}

struct sse_sub *sse_unsubscribe(struct sse_sub *s)
{
	struct sse_hub *h;

	if (!s)
		return NULL;
	h = s->hub;
	leave_topic(s);
	if (s->prev)
		s->prev->next = s->next;
	else
		h->subs = s->next;
	if (s->next)
		s->next->prev = s->prev;
	h->subs_n--;
	for (struct sse_sub **d = &h->dirty; *d; d = &(*d)->dirty_next) {
		if (*d == s) {
			*d = s->dirty_next;
			break;
		}
	}
	return sub_free(s);
}

/* ---- reading ----------------------------------------------------------------------------------------- */

/* Moves the next wanted event of the ring into the queue; at the end of the ring it is live. */
static void catch_up(struct sse_sub *s)
{
	struct sse_hub *h = s->hub;

	if (s->at < h->tail) {
		cut(s);
		return;
	}
	while (s->at < h->head && s->count == 0) {
		struct frame *f = h->ring[s->at++ % SSE_BACKLOG_MAX];

		if (wanted(s, f))
			enqueue(s, f);
	}
	if (s->at == h->head)
		s->live = true;
}

size_t sse_read(struct sse_sub *s, char *out, size_t max)
{
	size_t n = 0;

	while (n < max && !s->is_cut) {
		struct frame *f;
		size_t k;

		if (s->count == 0 && !s->live)
			catch_up(s);
		if (s->count == 0)
			break;
		f = s->queue[s->first];
		k = MIN2(max - n, f->n - s->given);
		memcpy(out + n, f->text + s->given, k);
		n += k;
		s->given += k;
		if (s->given == f->n) {
			s->first = (s->first + 1) & (s->cap - 1);
			s->count--;
			s->bytes -= f->n;
			s->given = 0;
			unref(f);
		}
	}
	if (n)
		s->quiet_s = 0;
	return n;
}

void sse_flush(struct sse_hub *h)
{
	while (h->dirty) {
		struct sse_sub *s = h->dirty;

		h->dirty = s->dirty_next;
		s->dirty = false;
		if (s->is_cut)
			s->on.cut(s->on.ctx);
		else
			s->on.wake(s->on.ctx);
	}
}

/* An id without data is told to nobody but moves the reader's cursor: one that hears little does not fall
 * behind what is kept. */
static struct frame *keepalive(uint64_t last_id)
{
	char text[48];
	int n = last_id ? snprintf(text, sizeof text, "id: %llu\n\n", (unsigned long long)last_id)
	                : snprintf(text, sizeof text, ": \n\n");
	struct frame *f = frame_new((size_t)n);

	if (f)
		memcpy(f->text, text, (size_t)n);
	return f;
}

void sse_tick(struct sse_hub *h)
{
	struct frame *f = NULL;

	for (struct sse_sub *s = h->subs; s; s = s->next) {
		if (++s->quiet_s < SSE_KEEPALIVE_S || s->count || !s->live)
			continue;
		f = f ? f : keepalive(h->last_id);
		if (!f)
			return;
		offer(s, f);
		s->quiet_s = 0;
	}
	if (f)
		unref(f);
}

size_t sse_subscribers(const struct sse_hub *h)
{
	return h->subs_n;
}

uint64_t sse_last_id(const struct sse_hub *h)
{
	return h->last_id;
}
