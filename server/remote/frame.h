#ifndef SERVER_REMOTE_FRAME_H
#define SERVER_REMOTE_FRAME_H

#include "base/buf.h"

/*
 * The frames in the WebSocket of a remote operation, both ways: a length (4 bytes, network byte
 * order, without this header), a kind (1 byte), the bytes.
 *
 *   client: [TAIL] REQUEST {"op", "args"}, then bytes on channels, MESSAGE, END
 *   server: bytes on channels, MESSAGE, then [TAIL] ANSWER or ERROR {"kind", "text"}
 *
 * Operations, messages and channels are those of docs/link.md.
 */
enum remote_kind {
	REMOTE_CHANNELS = 4, /* kinds below: bytes on that channel */
	REMOTE_REQUEST = 'R',
	REMOTE_TAIL = 'T',    /* bytes behind the request or the answer */
	REMOTE_MESSAGE = 'M', /* {"message", "args"} */
	REMOTE_END = 'E',     /* nothing follows on the channels */
	REMOTE_ANSWER = 'A',
	REMOTE_ERROR = 'X',
};
#define REMOTE_FRAME_MAX (2u << 20)
#define REMOTE_HEADER 5

void remote_frame_append(struct buf *to, unsigned kind, const void *bytes, size_t len);

/* Returns how many of the bytes were taken.  Fewer than len, which only a channel may do, stops the
 * reading until remote_frames_resume(). */
typedef size_t remote_frame_fn(unsigned kind, const uint8_t *bytes, size_t len, void *data);

/* Cuts a stream into frames.  Zeroed: empty. */
struct remote_frames {
	struct buf pending;
	bool stopped;
};
/* False: a frame is too long. */
bool remote_frames_add(struct remote_frames *frames, const void *bytes, size_t len,
	remote_frame_fn *fn, void *data, struct err *err) NODISCARD;
bool remote_frames_resume(
	struct remote_frames *frames, remote_frame_fn *fn, void *data, struct err *err) NODISCARD;

#endif
