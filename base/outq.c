/*
 * A queue of bytes to write.  A push writes what the descriptor accepts and appends the rest to one
 * growing buffer with a read position, so a slow reader costs one copy per byte, however long the
 * queue.
 */
#include "base/outq.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#define KEEP (1u << 20) /* an empty queue frees a larger buffer */

struct outq {
	sd_event *event;
	/* a duplicate: epoll accepts a descriptor once, and the caller reads from its own */
	int fd;
	sd_event_source *writable, *report;
	struct buf waiting;
	size_t done; /* bytes of waiting that have been written */
	bool broken;
	struct err why;
	outq_failed_fn *failed;
	outq_drained_fn *drained;
	void *data;
};

static int on_report(sd_event_source *source, void *data)
{
	struct outq *q = data;
	(void)source;
	loop_drop(&q->report);
	q->failed(&q->why, q->data);
	return 0;
}

static void fail(struct outq *q)
{
	q->broken = true;
	err_errno(&q->why, "cannot write");
	q->why.kind = ERR_GONE;
	loop_drop(&q->writable);
	buf_done(&q->waiting);
	q->done = 0;
	q->report = loop_defer(q->event, on_report, q);
}

struct outq *outq_new(
	sd_event *event, int fd, outq_failed_fn *failed, outq_drained_fn *drained, void *data)
{
	struct outq *q = must(calloc(1, sizeof(*q)));
	q->event = event;
	q->failed = failed;
	q->drained = drained;
	q->data = data;
	q->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int flags = fcntl(q->fd, F_GETFL);
	if (flags < 0 || fcntl(q->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		fail(q);
	}
	return q;
}

void outq_free(struct outq *q)
{
	if (!q) {
		return;
	}
	loop_drop(&q->writable);
	loop_drop(&q->report);
	buf_done(&q->waiting);
	if (q->fd >= 0) {
		close(q->fd);
	}
	free(q);
}

size_t outq_pending(const struct outq *q)
{
	return q->waiting.len - q->done;
}

/* Writes until the descriptor is full.  Returns the number of bytes written.  An error of the
 * descriptor fails the queue. */
static size_t write_some(struct outq *q, struct iovec *iov, int count)
{
	size_t total = 0;
	while (count > 0) {
		ssize_t n = writev(q->fd, iov, count);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno != EAGAIN) {
			fail(q);
		}
		if (n <= 0) {
			break;
		}
		total += (size_t)n;
		for (; count > 0 && (size_t)n >= iov->iov_len; iov++, count--) {
			n -= (ssize_t)iov->iov_len;
		}
		if (count > 0) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return total;
}

static int on_writable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct outq *q = data;
	struct iovec iov = { q->waiting.data + q->done, outq_pending(q) };
	(void)source;
	(void)fd;
	(void)events;
	size_t n = write_some(q, &iov, 1);
	if (q->broken) {
		return 0;
	}
	q->done += n;
	if (outq_pending(q)) {
		return 0;
	}
	q->waiting.len = q->done = 0;
	if (q->waiting.cap > KEEP) {
		buf_done(&q->waiting);
	}
	loop_enable(q->writable, false);
	if (q->drained) {
		q->drained(q->data); /* may free q */
	}
	return 0;
}

static void keep(struct outq *q, const struct iovec *piece)
{
	if (q->done > q->waiting.len / 2) {
		buf_consume(&q->waiting, q->done);
		q->done = 0;
	}
	buf_append(&q->waiting, piece->iov_base, piece->iov_len);
}

void outq_push2(struct outq *q, const void *a, size_t a_len, const void *b, size_t b_len)
{
	struct iovec iov[2] = { { (void *)a, a_len }, { (void *)b, b_len } };
	if (q->broken) {
		return;
	}
	size_t n = outq_pending(q) ? 0 : write_some(q, iov, 2);
	if (q->broken || n == a_len + b_len) {
		return;
	}
	/* write_some() has advanced the pieces, except one that was written completely. */
	if (n < a_len) {
		keep(q, &iov[0]);
	}
	keep(q, &iov[1]);
	if (!q->writable) {
		q->writable = loop_add_io(q->event, q->fd, EPOLLOUT, on_writable, q);
	}
	loop_enable(q->writable, true);
}

void outq_push(struct outq *q, const void *bytes, size_t len)
{
	outq_push2(q, bytes, len, NULL, 0);
}
