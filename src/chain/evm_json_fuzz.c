/* evm_json_fuzz.c - whatever a node answers is read within bounds, and a log of a deal changes no other deal. */
#include <stdlib.h>

#include "chain/evm_channel.h"
#include "chain/evm_deal.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	json_t *j OWN(json_own) = NULL;
	static struct evm_log log;
	struct evm_deal d = {0}, before;
	static struct settle_item items[8];
	struct evm_channel_step channel;
	struct channel_id parts;
	struct evm_deal_step step;
	size_t settled = 0;
	struct evm_receipt receipt;
	struct evm_header header;
	struct u256 v;
	struct err e;

	if (n > 1u << 16 || !json_parse((struct str){(const char *)p, n}, &j, &e))
		return 0;
	if (evm_read_header(j, &header, &e) && header.time.s > BTIME_MAX)
		abort();
	(void)!evm_read_receipt(j, &receipt, &e);
	(void)!evm_read_u256(j, &v, &e);
	if (!evm_read_log(j, &log, &e))
		return 0;
	if (log.topics_n > EVM_TOPICS_MAX || log.n > EVM_LOG_DATA_MAX || log.index >> 20)
		abort();
	if (evm_channel_take(&log, &channel, &e) && !evm_log_of_channel(&log))
		abort();
	(void)!evm_channel_parts(&log, &parts, &e);
	if (evm_log_of_channel(&log) && log.topics_n == 2 &&
	        evm_list_find(bytes_of(p, n), &log, 0, items, COUNT(items), &settled) &&
	        settled > COUNT(items))
		abort();
	evm_log_deal(&log, &d.id);
	before = d;
	if (!evm_deal_take(&d, &log, &step, &e) && memcmp(&d, &before, sizeof d) != 0)
		abort();
	return 0;
}
