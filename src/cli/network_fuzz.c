/* network_fuzz.c - the file that brings a network. A signature is not found by chance, so a file that lacks only
 * that is written anew with a key of ours: then it must be read, and be the same. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cli.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "os/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_bytes(struct bytes in, struct network_file *out, struct err *e)
{
	int fd OWN(fd_close) = memfd_create("network", MFD_CLOEXEC);
	char path[64];
	bool ok = fd >= 0 && fd_write(fd, in);

	assert(ok);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return network_read(path, out, e);
}

static void write_and_read(struct network_file *n)
{
	struct seckey key = {{[31] = 7}};
	struct buf text OWN(buf_done) = {0};
	struct network_file again;
	struct hash domain, digest;
	struct err e;
	struct sig sig;
	json_t *j;
	bool ok = seckey_addr(&key, &n->genesis.operator_, &e);

	assert(ok);
	network_domain(n, &domain);
	signed_digest(&domain, network_file_record(), n, &digest);
	ok = secp_sign(&key, &digest, &sig, &e);
	assert(ok);
	j = json_pack("{s:o, s:o}", "network", record_to_json(network_file_record(), n),
	        "signature", json_of_sig(&sig));
	buf_init(&text, 1 << 20);
	json_pretty(j, &text);
	json_decref(j);
	ok = read_bytes(buf_bytes(&text), &again, &e);
	assert(ok && memcmp(&again, n, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct network_file *n = calloc(1, sizeof *n);
	json_t *j OWN(json_own) = NULL;
	struct err e;

	assert(n);
	if (!read_bytes(bytes_of(data, size), n, &e))
		assert(e.code != E_NONE && e.msg[0]);
	if (json_parse((struct str){(const char *)data, size}, &j, &e) &&
	        json_get_record(j, "network", network_file_record(), n, &e))
		write_and_read(n);
	free(n);
	return 0;
}
