/* eth_proof_fuzz.c - headers and receipts come from strangers: whatever is read lies within the input. */
#include <stdlib.h>

#include "codec/eth_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct eth_head head;
	struct eth_log log;
	struct err e;

	(void)!eth_head_read(bytes_of(p, n), &head, &e);
	if (!n || !eth_receipt_log(bytes_of(p + 1, n - 1), p[0], &log, &e))
		return 0;
	if (log.topics_n > ETH_TOPICS_MAX)
		abort();
	if (log.data.n && (log.data.p < p || log.data.p + log.data.n > p + n))
		abort();
	return 0;
}
