/* wasi_own.h - what the files of WASI share. */
#ifndef LILYPAD_EXEC_WASI_OWN_H
#define LILYPAD_EXEC_WASI_OWN_H

#include "exec/wasi.h"

/* Error numbers of the WASI preview 1 witx definition. */
enum wasi_errno {
	W_SUCCESS = 0,
	W_BADF = 8,
	W_EXIST = 20,
	W_FAULT = 21,
	W_ILSEQ = 25,
	W_INVAL = 28,
	W_IO = 29,
	W_ISDIR = 31,
	W_MFILE = 33,
	W_NAMETOOLONG = 37,
	W_NOENT = 44,
	W_NOSPC = 51,
	W_NOTDIR = 54,
	W_NOTEMPTY = 55,
	W_NOTSUP = 58,
	W_ROFS = 69,
	W_SPIPE = 70,
	W_NOTCAPABLE = 76
};
enum { TYPE_CHARACTER = 2, TYPE_DIRECTORY = 3, TYPE_REGULAR = 4 };

typedef uint32_t (*wasi_fn)(struct wasi *w, const union wt_raw *a);
struct wasi_row {
	const char *name;
	const char *params; /* i: 32 bits, I: 64 bits */
	wasi_fn fn;         /* NULL: NOTSUP */
};
extern const struct wasi_row wasi_file_rows[];
extern const size_t wasi_file_rows_n;

/* Guest memory: NULL unless [ptr, ptr + n) lies in it. */
uint8_t *guest(struct wasi *w, int32_t ptr, uint64_t n);
MUST bool guest_u32(struct wasi *w, int32_t ptr, uint32_t v);
MUST bool guest_u64(struct wasi *w, int32_t ptr, uint64_t v);
struct wasi_fd *wasi_fd_of(struct wasi *w, int32_t fd);
/* Pointers of the guest wrap, as its own arithmetic does. */
static inline int32_t guest_at(int32_t ptr, uint32_t more)
{
	return (int32_t)((uint32_t)ptr + more);
}
/* Whether the fuel that is left pays for n more bytes; asked before they are moved, so that nothing is
 * done that nobody pays. false: the job ends with InstructionsExceeded. */
MUST bool wasi_pays(struct wasi *w, uint64_t n);
/* Memory that a job may have is not there: this host cannot run it. Does not return. */
_Noreturn void wasi_no_memory(void);
/* Counts n bytes against the output limit; false: the job ends with StorageExceeded. */
MUST bool wasi_room(struct wasi *w, uint64_t n);

#endif
