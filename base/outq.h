#ifndef BASE_OUTQ_H
#define BASE_OUTQ_H

#include "base/err.h"

#include <stddef.h>
#include <systemd/sd-event.h>

/* A queue of bytes to write to one descriptor.  Bytes are written immediately if possible, the
 * others when it becomes writable. */

struct outq;

/* The peer has closed the connection (EPIPE and similar).  Called at most once, from the loop;
 * later pushes are dropped. */
typedef void outq_failed_fn(const struct err *why, void *data);
/* All bytes have been written.  Called from the loop, only after bytes had to wait. */
typedef void outq_drained_fn(void *data);

/* The caller keeps fd, which is made non-blocking.  drained may be NULL. */
struct outq *outq_new(
	sd_event *event, int fd, outq_failed_fn *failed, outq_drained_fn *drained, void *data);
void outq_free(struct outq *q);
void outq_push(
	/* copies what cannot be written immediately */
	struct outq *q, const void *bytes, size_t len);
/* Pushes a header and its payload without joining them first if both can be written immediately. */
void outq_push2(struct outq *q, const void *a, size_t a_len, const void *b, size_t b_len);
size_t outq_pending(const struct outq *q); /* bytes waiting */

#endif
