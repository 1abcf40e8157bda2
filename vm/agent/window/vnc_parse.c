/* What a viewer says: its greeting in stages, then messages, each of which a row of a table knows.
 */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "vm/agent/window/vnc_impl.h"
#include "vm/agent/x11/windows.h"

#include <string.h>

#define ENCODINGS_MAX 512
#define CUT_TEXT_MAX (16u << 20)

/* ---- messages: m is whole ---- */

static bool take_format(struct vnc_server *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)len;
	v->whole = true;
	return rfb_format_read(&v->how.format, m + 4, err);
}

static bool take_encodings(struct vnc_server *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)err;
	v->how.tight = v->takes_size = v->draws_pointer = false;
	v->how.quality = RFB_LOSSLESS;
	for (size_t at = 4; at < len; at += 4) {
		int32_t encoding = (int32_t)bytes_get_u32(m + at);
		v->how.tight = v->how.tight || encoding == RFB_TIGHT;
		v->takes_size = v->takes_size || encoding == ENCODING_SIZE;
		v->draws_pointer = v->draws_pointer || encoding == ENCODING_CURSOR;
		if (encoding >= QUALITY_0 && encoding <= QUALITY_9) {
			v->how.quality = encoding - QUALITY_0;
		}
	}
	v->cursor_sent = UINT64_MAX;
	return true;
}

static bool take_request(struct vnc_server *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)len;
	(void)err;
	v->wanted = true;
	if (!m[1]) {
		window_capture_touch(v->capture,
			(struct rect){ (int)bytes_get_u16(m + 2), (int)bytes_get_u16(m + 4),
				(int)bytes_get_u16(m + 6), (int)bytes_get_u16(m + 8) });
	}
	return true;
}

static bool take_key(struct vnc_server *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)len;
	(void)err;
	window_input_key(v->input, bytes_get_u32(m + 4), m[1] != 0);
	return true;
}

static int clip(int value, int max)
{
	return value < max ? value : max > 0 ? max - 1 : 0;
}

static bool take_pointer(struct vnc_server *v, const uint8_t *m, size_t len, struct err *err)
{
	struct point at = { v->offset.x + clip((int)bytes_get_u16(m + 2), v->size.width),
		v->offset.y + clip((int)bytes_get_u16(m + 4), v->size.height) };
	(void)len;
	(void)err;
	window_input_pointer(v->input, at, m[1]);
	return true;
}

/* A clipboard is the whole desktop's; and a window's size is not for a viewer to choose. */
static size_t cut_text_length(const uint8_t *head)
{
	uint32_t n = bytes_get_u32(head + 4);
	n = n & 0x80000000u ? 0u - n : n;
	return n > CUT_TEXT_MAX ? SIZE_MAX : 8 + (size_t)n;
}

static size_t size_length(const uint8_t *head)
{
	return 8 + 16 * (size_t)head[6];
}

static size_t encodings_length(const uint8_t *head)
{
	size_t n = bytes_get_u16(head + 2);
	return n > ENCODINGS_MAX ? SIZE_MAX : 4 + 4 * n;
}

static const struct rfb_message {
	uint8_t type;
	uint8_t head; /* bytes that tell its length; without a length(), all of it */
	size_t (*length)(const uint8_t *head); /* SIZE_MAX: too long */
	bool (*take)(struct vnc_server *v, const uint8_t *m, size_t len, struct err *err);
} messages[] = {
	{ 0, 20, NULL, take_format },
	{ 2, 4, encodings_length, take_encodings },
	{ 3, 10, NULL, take_request },
	{ 4, 8, NULL, take_key },
	{ 5, 6, NULL, take_pointer },
	{ 6, 8, cut_text_length, NULL },
	{ 251, 8, size_length, NULL },
};

/* ---- the handshake ---- */

static bool take_hello(struct vnc_server *v, const uint8_t *m, struct err *err)
{
	if (memcmp(m, VNC_HELLO, strlen(VNC_HELLO)) != 0) {
		return err_set(err, ERR_ARGUMENT, "a viewer must speak RFB 3.8");
	}
	buf_append(&v->out, "\1\1", 2);
	return true;
}

static bool take_security(struct vnc_server *v, const uint8_t *m, struct err *err)
{
	if (m[0] != 1) {
		return err_set(err, ERR_ARGUMENT,
			"a viewer must choose the security type None, not %u", m[0]);
	}
	bytes_append_u32(&v->out, 0);
	return true;
}

static bool take_init(struct vnc_server *v, const uint8_t *m, struct err *err)
{
	struct window_info info;
	uint8_t format[16];
	(void)m;
	if (!windows_describe(v->display, window_capture_window(v->capture), &info)) {
		return err_set(err, ERR_NOT_FOUND, "the window was closed");
	}
	window_capture_refresh(v->capture);
	v->offset = window_capture_offset(v->capture);
	v->size = window_capture_picture(v->capture)->size;
	bytes_append_u16(&v->out, (uint16_t)v->size.width);
	bytes_append_u16(&v->out, (uint16_t)v->size.height);
	rfb_format_write(&v->how.format, format);
	buf_append(&v->out, format, sizeof(format));
	bytes_append_u32(&v->out, (uint32_t)strlen(info.title));
	buf_append(&v->out, info.title, strlen(info.title));
	return true;
}

static const struct stage {
	size_t length;
	bool (*take)(struct vnc_server *v, const uint8_t *m, struct err *err);
} stages[] = {
	{ sizeof(VNC_HELLO) - 1, take_hello },
	{ 1, take_security },
	{ 1, take_init },
};

#define STAGES ((int)(sizeof(stages) / sizeof(*stages)))

/* ---- taking bytes ---- */

static const struct rfb_message *find_message(uint8_t type)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		if (messages[i].type == type) {
			return &messages[i];
		}
	}
	return NULL;
}

/* How many bytes of m were used; 0: not all of it is there; SIZE_MAX with err: it is none. */
static size_t take_stage(struct vnc_server *v, const uint8_t *m, size_t len, struct err *err)
{
	const struct stage *stage = &stages[v->stage];
	if (len < stage->length) {
		return 0;
	}
	v->stage++;
	return stage->take(v, m, err) ? stage->length : SIZE_MAX;
}

static size_t take_message(struct vnc_server *v, const uint8_t *m, size_t len, struct err *err)
{
	const struct rfb_message *row = find_message(m[0]);
	if (!row) {
		err_set(err, ERR_ARGUMENT, "a viewer sent a message of type %u, which is not known",
			m[0]);
		return SIZE_MAX;
	}
	if (len < row->head) {
		return 0;
	}
	size_t whole = row->length ? row->length(m) : row->head;
	if (whole == SIZE_MAX) {
		err_set(err, ERR_ARGUMENT, "a viewer's message of type %u is too long", row->type);
		return SIZE_MAX;
	}
	if (!row->take) {
		v->skip = whole - row->head;
		return row->head;
	}
	if (len < whole) {
		return 0;
	}
	return row->take(v, m, whole, err) ? whole : SIZE_MAX;
}

static size_t take_next(struct vnc_server *v, const uint8_t *m, size_t len, struct err *err)
{
	if (v->skip > 0) {
		size_t n = v->skip < len ? v->skip : len;
		v->skip -= n;
		return n;
	}
	return (v->stage < STAGES ? take_stage : take_message)(v, m, len, err);
}

void vnc_server_take_all(struct vnc_server *v)
{
	struct err err;
	size_t at = 0, used = 1;
	while (used > 0 && at < v->in.len && !v->over) {
		used = take_next(v, v->in.data + at, v->in.len - at, &err);
		if (used == SIZE_MAX) {
			vnc_server_end(v, &err);
			return;
		}
		at += used;
	}
	buf_consume(&v->in, at);
}
