/* sse_reader_fuzz.c - an event stream gives the same events however it is cut into pieces. */
#include "http/sse_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t sum, n;
};

static void event(void *self, uint64_t id, struct str name, struct str data)
{
	struct seen *s = self;

	assert(name.n > 0);
	s->n++;
	s->sum = s->sum * 31 + id;
	for (size_t i = 0; i < name.n; i++)
		s->sum = s->sum * 31 + (uint8_t)name.p[i];
	for (size_t i = 0; i < data.n; i++)
		s->sum = s->sum * 31 + (uint8_t)data.p[i];
}

static struct seen read_all(const uint8_t *data, size_t size, size_t step)
{
	struct seen s = {0};
	struct sse_reader r;
	struct err e;

	sse_reader_init(&r, 0, event, &s);
	for (size_t i = 0; i < size; i += step) {
		if (!sse_reader_feed(&r, bytes_of(data + i, MIN2(step, size - i)), &e))
			break;
	}
	sse_reader_done(&r);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = read_all(data, size, size ? size : 1), pieces = read_all(data, size, 3);

	assert(whole.n == pieces.n && whole.sum == pieces.sum);
	return 0;
}
