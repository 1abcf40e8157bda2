#ifndef BASE_OUTQ_H
#define BASE_OUTQ_H

#include "base/err.h"

#include <stddef.h>
#include <systemd/sd-event.h>

/* Bytes on their way to one descriptor: written at once as far as it takes them, the rest when it
 * can take more. */

struct outq;

/* The peer is gone (EPIPE and its like).  Fires at most once, from the loop; afterwards pushes are
 * dropped. */
typedef void outq_failed_fn(const struct err *why, void *data);
/* Everything pushed has been written.  Fires from the loop, only after the queue had something
 * waiting. */
typedef void outq_drained_fn(void *data);

/* fd stays the caller's; it is made non-blocking.  drained may be NULL. */
struct outq *outq_new(
	sd_event *event, int fd, outq_failed_fn *failed, outq_drained_fn *drained, void *data);
void outq_free(struct outq *q);
void outq_push(
	struct outq *q, const void *bytes, size_t len); /* copies what cannot be written now */
/* As one piece: a header and its payload, without joining them first when both can be written now.
 */
void outq_push2(struct outq *q, const void *a, size_t a_len, const void *b, size_t b_len);
size_t outq_pending(const struct outq *q); /* bytes waiting */

#endif
