/* See output_log.h.  If the file cannot be written, what was kept is dropped, and memory is used
 * again. */
#include "vm/agent/process/output_log.h"

#include "base/cleanup.h"
#include "vm/wire/messages_process.h"

#include <fcntl.h>
#include <unistd.h>

#define HEAD_MAX 16384

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The part of a range that is in one piece in the ring. */
static size_t piece(int64_t offset, size_t len)
{
	return (size_t)smaller(PROCESS_KEPT - offset % PROCESS_KEPT, (int64_t)len);
}

static bool put(const struct output_log *log, int64_t offset, const uint8_t *bytes, size_t len)
{
	while (len) {
		ssize_t n = pwrite(log->fd, bytes, piece(offset, len), offset % PROCESS_KEPT);
		if (n <= 0) {
			return false;
		}
		offset += n;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool move_to_file(struct output_log *log)
{
	char path[] = "/tmp/.output-XXXXXX"; /* memfd_create() is not permitted everywhere */
	log->fd = mkostemp(path, O_CLOEXEC);
	if (log->fd < 0) {
		log->fd = 0;
		return false;
	}
	bool good = unlink(path) == 0 &&
		    put(log, log->total - (int64_t)log->head.len, log->head.data, log->head.len);
	buf_done(&log->head);
	return good;
}

static void drop_all(struct output_log *log)
{
	int64_t total = log->total;
	output_log_done(log);
	log->total = log->from = total;
}

void output_log_add(struct output_log *log, const void *bytes, size_t len)
{
	bool to_file = log->fd || log->head.len + len > HEAD_MAX;
	if (to_file && ((!log->fd && !move_to_file(log)) || !put(log, log->total, bytes, len))) {
		log->total += (int64_t)len;
		drop_all(log);
		return;
	}
	if (!to_file) {
		buf_append(&log->head, bytes, len);
	}
	log->total += (int64_t)len;
	if (log->total - log->from > PROCESS_KEPT) {
		log->from = log->total - PROCESS_KEPT;
	}
}

static void read_file(const struct output_log *log, int64_t offset, size_t len, struct buf *to)
{
	buf_reserve(to, len);
	while (len) {
		ssize_t n = pread(
			log->fd, to->data + to->len, piece(offset, len), offset % PROCESS_KEPT);
		if (n <= 0) {
			return;
		}
		to->len += (size_t)n;
		offset += n;
		len -= (size_t)n;
	}
}

int64_t output_log_read(const struct output_log *log, int64_t offset, size_t max, struct buf *to)
{
	offset = offset < log->from ? log->from : smaller(offset, log->total);
	size_t len = (size_t)smaller(log->total - offset, (int64_t)max);
	if (log->fd) {
		read_file(log, offset, len, to);
	} else if (len) {
		buf_append(
			to, log->head.data + (offset - (log->total - (int64_t)log->head.len)), len);
	}
	return offset;
}

int64_t output_log_file_bytes(const struct output_log *log)
{
	return log->fd ? log->total - log->from : 0;
}

void output_log_done(struct output_log *log)
{
	buf_done(&log->head);
	if (log->fd) {
		close(log->fd);
	}
	*log = (struct output_log){ 0 };
}
