#ifndef VM_WIRE_FRAME_H
#define VM_WIRE_FRAME_H

#include "base/buf.h"

/*
 * The link's framing: {u32 length, u32 number, u8 type, payload}, integers little-endian; length
 * counts the payload only.  Pure functions over bytes, for both ends and for fuzzing.
 */

#define FRAME_HEADER 9
#define FRAME_MAX (4u << 20) /* largest payload of a message: JSON and the bytes of an image */
#define FRAME_CHUNK \
	(32u << 10) /* largest payload of a conversation's frame, so that a request never waits long */
#define FRAME_HEADER_JSON_MAX (1u << 20)

enum frame_type {
	FRAME_REQUEST = 1, /* stream = request id.  {u32 json length, json, tail} */
	FRAME_REPLY,       /* stream = request id.  {u32 json length, json, tail} */
	FRAME_EVENT,       /* stream = 0.           {u32 json length, json, tail} */
	FRAME_CANCEL, /* stream = request id.  No payload; the request is still answered, once */
	/* Of a conversation; stream = request id. */
	FRAME_DATA,    /* {u8 channel, bytes}: at most FRAME_CHUNK bytes, within the credit */
	FRAME_CREDIT,  /* {u32 bytes}: the receiver has consumed so many */
	FRAME_END,     /* the sender's direction is complete */
	FRAME_MESSAGE, /* {u32 json length, json, tail}, within the credit */
	FRAME_TYPES,
};

struct frame {
	enum frame_type type;
	uint32_t stream;
	const uint8_t *payload; /* points into the parsed bytes */
	uint32_t len;
};

enum frame_status { FRAME_OK, FRAME_MORE, FRAME_BAD };

/* Parses the first frame; on FRAME_OK *ret_used is its length in bytes.  FRAME_BAD sets err. */
enum frame_status frame_parse(const uint8_t *bytes, size_t len, struct frame *ret_frame,
	size_t *ret_used, struct err *err);

/* Writes the header for a payload of len bytes. */
void frame_header(
	uint8_t ret_bytes[FRAME_HEADER], enum frame_type type, uint32_t stream, uint32_t len);

/* Integers in payloads. */
uint32_t frame_get_u32(const uint8_t *bytes);
void frame_put_u32(uint8_t *ret_bytes, uint32_t n);

#endif
