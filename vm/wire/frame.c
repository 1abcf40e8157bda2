/* The link's framing.  One table row defines the valid frames of each type. */
#include "vm/wire/frame.h"

static const struct shape {
	const char *name;
	uint32_t least, most; /* bytes of payload */
	bool numbered;        /* has a stream or request number */
} shapes[FRAME_TYPES] = {
	[FRAME_REQUEST] = { "request", 4, FRAME_MAX, true },
	[FRAME_REPLY] = { "reply", 4, FRAME_MAX, true },
	[FRAME_EVENT] = { "event", 4, FRAME_MAX, false },
	[FRAME_CANCEL] = { "cancel", 0, 0, true },
	[FRAME_DATA] = { "data", 2, 1 + FRAME_CHUNK, true },
	[FRAME_CREDIT] = { "credit", 4, 4, true },
	[FRAME_END] = { "end", 0, 0, true },
	[FRAME_MESSAGE] = { "message", 4, FRAME_CHUNK, true },
};

uint32_t frame_get_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

void frame_put_u32(uint8_t *ret_bytes, uint32_t n)
{
	for (int i = 0; i < 4; i++) {
		ret_bytes[i] = (uint8_t)(n >> (8 * i));
	}
}

static bool is_well_formed(uint8_t type, uint32_t stream, uint32_t len, struct err *err)
{
	const struct shape *shape = &shapes[type < FRAME_TYPES ? type : 0];
	if (!shape->name) {
		return err_set(err, ERR_HOST, "a frame must have a type from 1 to %d; got %d",
			FRAME_TYPES - 1, type);
	}
	if (len < shape->least || len > shape->most) {
		return err_set(err, ERR_HOST, "a %s frame must hold %u to %u bytes; got %u",
			shape->name, shape->least, shape->most, len);
	}
	if ((stream != 0) != shape->numbered) {
		return err_set(err, ERR_HOST, "a %s frame must %s; got number %u", shape->name,
			shape->numbered ? "have a number" : "be on stream 0", stream);
	}
	return true;
}

enum frame_status frame_parse(const uint8_t *bytes, size_t len, struct frame *ret_frame,
	size_t *ret_used, struct err *err)
{
	if (len < FRAME_HEADER) {
		return FRAME_MORE;
	}
	uint32_t payload = frame_get_u32(bytes), stream = frame_get_u32(bytes + 4);
	uint8_t type = bytes[8];
	/* Checked before the payload arrives, so that nothing waits for the 4 GiB of a bad header. */
	if (!is_well_formed(type, stream, payload, err)) {
		return FRAME_BAD;
	}
	if (len - FRAME_HEADER < payload) {
		return FRAME_MORE;
	}
	*ret_frame = (struct frame){ (enum frame_type)type, stream, bytes + FRAME_HEADER, payload };
	*ret_used = FRAME_HEADER + payload;
	return FRAME_OK;
}

void frame_header(
	uint8_t ret_bytes[FRAME_HEADER], enum frame_type type, uint32_t stream, uint32_t len)
{
	frame_put_u32(ret_bytes, len);
	frame_put_u32(ret_bytes + 4, stream);
	ret_bytes[8] = (uint8_t)type;
}
