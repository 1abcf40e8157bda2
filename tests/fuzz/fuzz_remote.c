// USES server
/*
 * The frames of a remote operation (server/remote/frame.h), in pieces of any size, with a reader that
 * takes any part of a channel's bytes: nothing is lost, doubled or reordered.
 */
#include "base/cleanup.h"
#include "server/remote/frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct reader {
	struct buf heard; /* frames again, in one piece for each call */
	uint8_t appetite; /* how much of a channel's bytes it takes */
};

static size_t on_frame(unsigned kind, const uint8_t *bytes, size_t len, void *data)
{
	struct reader *reader = data;
	size_t taken = kind < REMOTE_CHANNELS && len > reader->appetite ? reader->appetite : len;
	reader->appetite = (uint8_t)(reader->appetite * 5 + 3);
	for (size_t i = 0; i < taken; i++) {
		const uint8_t one[] = { (uint8_t)kind, bytes[i] };
		buf_append(&reader->heard, one, sizeof(one));
	}
	return taken;
}

/* Hears everything at once. */
static size_t on_whole(unsigned kind, const uint8_t *bytes, size_t len, void *data)
{
	struct buf *heard = data;
	for (size_t i = 0; i < len; i++) {
		const uint8_t one[] = { (uint8_t)kind, bytes[i] };
		buf_append(heard, one, sizeof(one));
	}
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct remote_frames whole = { 0 }, pieces = { 0 };
	auto_buf struct buf wanted = { 0 };
	struct reader reader = { .appetite = len ? bytes[0] : 1 };
	struct err err;
	bool good = remote_frames_add(&whole, bytes, len, on_whole, &wanted, &err), same = true;
	for (size_t at = 0; at < len && same; at += 7) {
		size_t n = len - at < 7 ? len - at : 7;
		same = remote_frames_add(&pieces, bytes + at, n, on_frame, &reader, &err);
		for (int i = 0; same && pieces.stopped && i < 10000; i++) {
			same = remote_frames_resume(&pieces, on_frame, &reader, &err);
		}
	}
	if (good != same || reader.heard.len != wanted.len ||
		(wanted.len && memcmp(reader.heard.data, wanted.data, wanted.len) != 0)) {
		abort();
	}
	buf_done(&reader.heard);
	buf_done(&whole.pending);
	buf_done(&pieces.pending);
	return 0;
}
