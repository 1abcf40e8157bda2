// USES wire
/*
 * Bytes into the frame parser: as they are, and behind a header made from the first of them.  The
 * answer for a frame must not depend on how much of it has arrived.
 */
#include "base/cleanup.h"
#include "vm/wire/frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define ALL_MAX 4096

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static enum frame_status parse(const uint8_t *bytes, size_t len)
{
	struct frame frame;
	struct err err = { 0 };
	size_t used = 0;
	enum frame_status status = frame_parse(bytes, len, &frame, &used, &err);
	if (status == FRAME_OK) {
		check(used <= len && used == FRAME_HEADER + frame.len);
		check(frame.payload == bytes + FRAME_HEADER && frame.len <= FRAME_MAX);
		check(frame.type >= FRAME_REQUEST && frame.type < FRAME_TYPES);
	}
	check((status == FRAME_BAD) == (err.text[0] != '\0'));
	return status;
}

static void check_every_length(const uint8_t *bytes, size_t len)
{
	enum frame_status last = parse(bytes, len);
	for (size_t i = 0; i < len; i++) {
		enum frame_status status = parse(bytes, i);
		check(status == FRAME_MORE || status == last);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t made[FRAME_HEADER + ALL_MAX];
	len = len < ALL_MAX ? len : ALL_MAX;
	check_every_length(bytes, len);
	if (len >= 2) {
		enum frame_type type = (enum frame_type)(bytes[0] % (FRAME_TYPES + 1));
		frame_header(made, type, bytes[1] % 3, (uint32_t)(len - 2));
		memcpy(made + FRAME_HEADER, bytes + 2, len - 2);
		check_every_length(made, FRAME_HEADER + len - 2);
	}
	return 0;
}
