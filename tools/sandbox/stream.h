#ifndef TOOLS_SANDBOX_STREAM_H
#define TOOLS_SANDBOX_STREAM_H

#include "base/buf.h"
#include "tools/call/tool.h"
#include "tools/sandbox/streams.h"

/* Shared by the toolsets "stream" and "control": creating a link, and formatting times. */

/* Opens a new stream of the caller's sandbox and appends its link to out.  NULL with err on
 * failure. */
const struct stream *stream_open_link(struct call *call, struct vm *vm, enum stream_mode mode,
	int64_t window, int64_t expires_s, struct buf *out, struct err *err) NODISCARD;

/* "15:04:05 UTC (in 1 h 0 min)", or "(2 min ago)"; ms of CLOCK_REALTIME. */
void stream_format_time(struct buf *out, int64_t at);
/* The connected viewers, over all streams of the caller's sandbox. */
struct stream_audience {
	unsigned viewers;    /* on any of them */
	unsigned can_act;    /* on those with control */
	bool control_stream; /* one with control exists, with or without viewers */
};
struct stream_audience stream_audience(struct call *call, const struct vm *vm);

#endif
