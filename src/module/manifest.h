/* manifest.h - module.json: what a module is, what it takes and what it may use. Pure.
 *
 * A module's id is the Keccak-256 of its manifest in canonical JSON, with its program's content id
 * inside (protocol 2.1), so that an id names one program with one interface. */
#ifndef LILYPAD_MODULE_MANIFEST_H
#define LILYPAD_MODULE_MANIFEST_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/cid.h"
#include "model/model.h"

/* clang-format off */
#include "model/record_struct.h"
#include "module/manifest.def"
#include "model/record_end.h"

#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "module/manifest.def"
#include "model/record_end.h"
/* clang-format on */

enum input_type { INPUT_STRING, INPUT_INTEGER, INPUT_NUMBER, INPUT_FILE, INPUT_FOLDER };
extern const struct enum_names input_type_names;

/* A manifest that was read and checked; about 150 KiB: keep it on the heap or in an arena. */
struct module {
	struct manifest m;
	uint32_t args_n;
	char args[SPEC_ARGS_MAX][MANIFEST_ARG_MAX + 1]; /* with {Key} placeholders */
	struct hash id;
	uint8_t executor; /* enum executor, and so on: the words as values */
	uint8_t determinism;
	uint8_t comparator;
	uint8_t network;
	uint8_t types[MANIFEST_INPUTS_MAX]; /* enum input_type of each input */
};

/* Reads module.json, at most MANIFEST_BYTES_MAX. A manifest without a program (a source, before it is
 * built) is read as well: its program is zero. MODULE_BAD names line and column of a syntax error, or
 * the member ("inputs[2].min") with its value and what would be right. *out is written on success. */
MUST bool module_parse(struct str text, struct module *out, struct err *e);

/* The manifest with its program filled in, as canonical JSON, appended to out: what a build writes.
 * MODULE_BAD as above, or when the executor is not wasm. */
MUST bool module_with_program(
        struct str text, const struct cid *program, uint64_t bytes, struct buf *out, struct err *e);

/* Where the tree of a file or folder input goes under /inputs. */
const char *module_input_path(const struct module *m, size_t input);

/* A path below /inputs or /outputs: relative, not empty, no empty part, "." or "..", no NUL. */
MUST bool module_path_ok(struct str path);

/* The placeholders of a template text: {Key} stands for an input, {{ for a brace. Calls `each` for every
 * run of literal text (key false) and every Key, in order. MODULE_BAD when a { is not closed; e is
 * filled by `each` when that returns false. */
MUST bool module_template(struct str text,
        bool (*each)(void *ctx, struct str part, bool key, struct err *e), void *ctx,
        struct err *e);

#endif
