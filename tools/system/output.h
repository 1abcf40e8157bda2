#ifndef TOOLS_SYSTEM_OUTPUT_H
#define TOOLS_SYSTEM_OUTPUT_H

#include "base/buf.h"
#include "tools/call/call.h"

/* The output of commands and processes, as a terminal would show it: labels appear only for what is
 * not as clear there. */

void output_format(struct buf *out, const struct guest_exec *res);
void output_format_started(struct buf *out, int64_t pid);
/* Appends a line break unless there is one. */
void output_start_line(struct buf *out);
/* "exit code 3", "killed by signal 15, SIGTERM".  signal 0: it has exited. */
void output_format_status(struct buf *out, int64_t status, int64_t signal);
/* The same as a line in brackets; nothing for success. */
void output_format_end(struct buf *out, int64_t status, int64_t signal);
/* "12,345" */
void output_format_count(struct buf *out, int64_t n);

/* Reports output as progress while it comes, its newest bytes, a few times per second at most.  Zeroed;
 * output_progress_done() belongs into call_on_end(). */
struct output_progress {
	struct call *call;
	uint64_t sent_us;
	double bytes;
	uint8_t pending[1000];
	size_t len;
	sd_event_source *due;
};
void output_progress(struct output_progress *p, struct call *call, const void *bytes, size_t len);
void output_progress_done(struct output_progress *p);

#endif
