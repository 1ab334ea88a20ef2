/* module_pack.c - a step of `make modules`: checks a module.json, puts the content id of the program
 * that was built into it, and writes it in canonical form.
 *
 *   module_pack MODULE.JSON PROGRAM.WASM OUT.JSON
 *
 * The id names a UnixFS directory with the program as program.wasm (protocol 2.1). */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "codec/unixfs.h"
#include "module/manifest.h"

static bool read_file(const char *path, size_t max, struct buf *out, struct err *e)
{
	FILE *f = fopen(path, "rb");
	size_t got = 1;

	if (!f)
		return FAIL(e, IO, "cannot open %s", path);
	buf_init(out, max);
	while (got > 0) {
		uint8_t block[16384];

		got = fread(block, 1, sizeof block, f);
		buf_put(out, block, got);
	}
	fclose(f);
	if (!buf_ok(out))
		return FAIL(e, TOO_LARGE, "%s has more than %zu bytes", path, max);
	return true;
}

/* Only the ids are wanted: a provider makes the blocks again from the program. */
static bool drop(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	(void)self;
	(void)cid;
	(void)block;
	(void)e;
	return true;
}

static bool pack(char **argv, struct err *e)
{
	static const struct block_sink sink = {NULL, drop};
	OWN(buf_done) struct buf text = {0}, program = {0}, out = {0};
	struct unixfs_entry entry = {.name = STR("program.wasm")};
	struct unixfs_node root;
	FILE *f;

	TRY(read_file(argv[1], MANIFEST_BYTES_MAX, &text, e), e);
	TRY(read_file(argv[2], WASM_MODULE_MAX, &program, e), e);
	TRY(unixfs_add_file(&sink, buf_bytes(&program), &entry.node, e), e);
	TRY(unixfs_add_dir(&sink, &entry, 1, &root, e), e);
	buf_init(&out, MANIFEST_BYTES_MAX);
	TRY(module_with_program(buf_view(&text), &root.cid, root.tree_bytes, &out, e), e);
	f = fopen(argv[3], "wb");
	if (!f)
		return FAIL(e, IO, "cannot write %s", argv[3]);
	fprintf(f, "%s\n", buf_cstr(&out));
	if (fclose(f))
		return FAIL(e, IO, "cannot write %s", argv[3]);
	return true;
}

int main(int argc, char **argv)
{
	struct err e;

	if (argc != 4) {
		fputs("usage: module_pack MODULE.JSON PROGRAM.WASM OUT.JSON\n", stderr);
		return 2;
	}
	if (pack(argv, &e))
		return 0;
	fprintf(stderr, "module_pack: %s: %s\n", argv[1], e.msg);
	return 1;
}
