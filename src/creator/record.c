/* record.c - what each provider has done for this job creator (protocol 7.6). */
#include "creator/creator_own.h"

static struct creator_provider row_of(struct creator *c, const struct addr *provider)
{
	struct creator_provider row = {.provider = *provider};

	if (!creator_get(c, creator_provider_record(), &row))
		row = (struct creator_provider){.provider = *provider};
	return row;
}

uint64_t creator_good(struct creator *c, const struct addr *provider)
{
	return row_of(c, provider).good;
}

void creator_record(
        struct creator *c, const struct addr *provider, enum record_of what, const struct event *ev)
{
	struct creator_provider row = row_of(c, provider);

	switch (what) {
	case RECORD_RIGHT:
		row.good++;
		row.right++;
		break;
	case RECORD_FAULT:
		row.good = 0;
		row.faults++;
		break;
	case RECORD_UNCHECKED: row.unchecked++; break;
	case RECORD_VINDICATED: row.vindicated++; break;
	case RECORD_UNRULED: row.unruled++; break;
	case RECORD_DECLINED: row.declined++; break;
	case RECORD_LATE: row.late++; break;
	}
	row.last_ms = (uint64_t)ev->wall.ms;
	creator_put(c, creator_provider_record(), &row);
}
