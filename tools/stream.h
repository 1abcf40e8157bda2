#ifndef TOOLS_STREAM_H
#define TOOLS_STREAM_H

#include "base/buf.h"
#include "tools/streams.h"
#include "tools/tool.h"

/* What the toolsets "stream" and "control" share: making a link, and telling of times. */

/* A new stream of the caller's sandbox; its link is appended to out.  NULL: why not. */
const struct stream *stream_open_link(struct call *call, struct vm *vm, enum stream_mode mode,
	int64_t window, int64_t expires_s, struct buf *out, struct err *err) NODISCARD;

/* "15:04:05 UTC (in 1 h 0 min)", or "(2 min ago)"; ms of CLOCK_REALTIME. */
void stream_tell_time(struct buf *out, int64_t at);
/* Who is there now, over all streams of a sandbox that the caller has. */
struct stream_audience {
	unsigned viewers;    /* on any of them */
	unsigned can_act;    /* on those with control */
	bool control_stream; /* one with control exists, watched or not */
};
struct stream_audience stream_audience(struct call *call, const struct vm *vm);

#endif
