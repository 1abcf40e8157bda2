#ifndef VM_AGENT_PROCESS_OUTPUT_LOG_H
#define VM_AGENT_PROCESS_OUTPUT_LOG_H

#include "base/buf.h"

/*
 * The newest bytes of an output.  A short one is in memory, a longer one in a file without a name
 * that is used as a ring.  A zeroed struct is empty.
 */
struct output_log {
	struct buf head; /* all that is kept, while that is little */
	int fd;          /* the file; 0: none */
	int64_t total;   /* bytes so far */
	int64_t from;    /* offset of the first that is kept */
};

void output_log_add(struct output_log *log, const void *bytes, size_t len);
/* Appends at most max of the kept bytes from `offset` on, and returns the offset of the first: a
 * later one if older bytes are dropped, the total if there are none. */
int64_t output_log_read(const struct output_log *log, int64_t offset, size_t max, struct buf *to);
int64_t output_log_file_bytes(const struct output_log *log);
void output_log_done(struct output_log *log);

#endif
