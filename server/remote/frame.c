#include "server/remote/frame.h"

#include "base/bytes.h"

void remote_frame_append(struct buf *to, unsigned kind, const void *bytes, size_t len)
{
	uint8_t byte = (uint8_t)kind;
	bytes_append_u32(to, (uint32_t)len);
	buf_append(to, &byte, 1);
	if (len) {
		buf_append(to, bytes, len);
	}
}

/* The rest of a frame becomes a frame of its own, in the place of what was taken. */
static void keep_rest(uint8_t *frame, size_t taken, size_t len)
{
	uint8_t kind = frame[REMOTE_HEADER - 1], *rest = frame + taken;
	bytes_put_u32(rest, (uint32_t)(len - taken));
	rest[REMOTE_HEADER - 1] = kind;
}

/* Returns the bytes of the frame that are done, 0: it is not complete. */
static size_t take_frame(
	struct remote_frames *frames, size_t at, remote_frame_fn *fn, void *data, struct err *err)
{
	uint8_t *frame = frames->pending.data + at;
	size_t left = frames->pending.len - at;
	size_t len = left >= REMOTE_HEADER ? bytes_get_u32(frame) : 0;
	if (len > REMOTE_FRAME_MAX) {
		err_set(err, ERR_ARGUMENT, "a frame of %zu bytes; the limit is %u", len,
			REMOTE_FRAME_MAX);
		return 0;
	}
	if (left < REMOTE_HEADER + len) {
		return 0;
	}
	size_t taken = fn(frame[REMOTE_HEADER - 1], frame + REMOTE_HEADER, len, data);
	if (taken < len) {
		keep_rest(frame, taken, len);
		frames->stopped = true;
		return taken;
	}
	return REMOTE_HEADER + len;
}

bool remote_frames_resume(
	struct remote_frames *frames, remote_frame_fn *fn, void *data, struct err *err)
{
	size_t at = 0, done = 0;
	*err = (struct err){ 0 };
	frames->stopped = false;
	do {
		done = frames->pending.len > at ? take_frame(frames, at, fn, data, err) : 0;
		at += done;
	} while (done && !frames->stopped);
	buf_consume(&frames->pending, at);
	return err->kind == ERR_NONE;
}

bool remote_frames_add(struct remote_frames *frames, const void *bytes, size_t len,
	remote_frame_fn *fn, void *data, struct err *err)
{
	buf_append(&frames->pending, bytes, len);
	return frames->stopped || remote_frames_resume(frames, fn, data, err);
}
