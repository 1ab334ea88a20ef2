/* log.c - a line is one write(2), so that lines of several processes do not mix. */
#include "os/log.h"

#include <stdio.h>
#include <unistd.h>

#include "os/clock.h"

enum { LINE_MAX_ = 1200 };

static const char *const names[] = {
        [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_ODD] = "odd", [LOG_BROKEN] = "broken"};

const char *log_level_name(enum log_level level)
{
	assert((size_t)level < COUNT(names));
	return names[level];
}

bool log_level_parse(struct str s, enum log_level *out)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (str_is(s, names[i])) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void line(void *self, enum log_level level, const char *text)
{
	struct log_os *l = self;
	char out[LINE_MAX_], when[WALL_TEXT_MAX];
	size_t n;
	int k;

	if (level == LOG_BROKEN)
		l->broken++;
	if (level < l->least)
		return;
	wall_format(clock_wall(), when);
	k = snprintf(
	        out, sizeof out - 1, "%s %s %s: %s", when, log_level_name(level), l->name, text);
	n = k < 0 ? 0 : MIN2((size_t)k, sizeof out - 2);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)out[i];

		if (c < 0x20 || c == 0x7f)
			out[i] = '?';
	}
	out[n++] = '\n';
	/* A log that cannot be written has nowhere to be reported. */
	if (write(l->fd, out, n) < 0)
		return;
}

struct logger log_os_init(struct log_os *l, int fd, enum log_level least, const char *name)
{
	*l = (struct log_os){.fd = fd, .least = least};
	snprintf(l->name, sizeof l->name, "%s", name);
	return (struct logger){l, line};
}
