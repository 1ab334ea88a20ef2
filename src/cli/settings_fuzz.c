/* settings_fuzz.c - a profile of foreign bytes: refused with a place, or each setting read as what it is. */
#include <stdio.h>
#include <sys/mman.h>

#include "cli/settings.h"
#include "os/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_as(const struct settings *s, const struct setting_row *row, struct err *e)
{
	struct amount amount;
	struct span span;
	struct addr addr;
	uint64_t n;

	switch (row->kind) {
	case SETTING_NUMBER: return settings_number(s, row->key, 1000, &n, e) ? n <= 1000 : false;
	case SETTING_AMOUNT: return settings_amount(s, row->key, 18, &amount, e);
	case SETTING_SPAN: return settings_span(s, row->key, &span, e);
	case SETTING_SIZE: return settings_size(s, row->key, &n, e);
	case SETTING_ADDR: return settings_addr(s, row->key, &addr, e);
	case SETTING_TEXT:
	case SETTING_FILE: break;
	}
	return true;
}

static void look(const struct settings *s)
{
	for (size_t i = 0; i < setting_rows_n; i++) {
		const struct setting_row *row = &setting_rows[i];
		struct err e = {0};
		char text[512];

		assert(settings_text(s, row->key));
		assert(settings_source_text(s, row->key, text, sizeof text));
		if (!read_as(s, row, &e))
			assert(e.code == E_CONFIG && e.msg[0]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd OWN(fd_close) = memfd_create("profile", MFD_CLOEXEC);
	const struct args none = {0};
	struct settings *s;
	char path[64];
	struct err e;
	bool ok = fd >= 0 && fd_write(fd, bytes_of(data, size));

	assert(ok);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (settings_new(path, &none, &s, &e)) {
		look(s);
		settings_free(s);
	} else {
		assert(e.code != E_NONE && e.msg[0]);
	}
	return 0;
}
