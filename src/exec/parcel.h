/* parcel.h - between blob store and executor: a spec with its trees becomes a job frame, an outcome
 * frame becomes an output tree. */
#ifndef LILYPAD_EXEC_PARCEL_H
#define LILYPAD_EXEC_PARCEL_H

#include "exec/frame.h"
#include "port/port.h"

/* Writes the frame to fd. NOT_FOUND, BLOCK_CORRUPT: a tree is not whole in the store. */
MUST bool parcel_pack(
        const struct blobs *blobs, const struct job_spec *spec, int fd, struct err *e);
/* Reads the outcome from fd and puts its tree into the store, durable. */
MUST bool parcel_unpack(const struct blobs *blobs, const struct job_spec *spec, int fd,
        struct run_done *out, struct err *e);

/* The outcome of a program that cannot run anywhere: ExceptionOccurred, no instruction, no output. */
MUST bool parcel_refused(const struct blobs *blobs, const struct job_spec *spec, const char *why,
        struct run_done *out, struct err *e);

#endif
