/* What a viewer sends: the handshake in stages, then messages, each of which a row of a table knows. */
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/rfb/server_impl.h"

#include <string.h>

#define ENCODINGS_MAX 512
#define CUT_TEXT_MAX (16u << 20)
#define FENCE_MAX 64 /* bytes */

enum {
	ENCODING_SIZE = -223,
	ENCODING_FENCE = -312,
	ENCODING_CONTINUOUS = -313,
	ENCODING_CLIPBOARD = (int32_t)0xc0a1e5ce,
	QUALITY_0 = -32,
	QUALITY_9 = -23,
};
enum { FENCE_REQUEST = 1u << 31, FENCE_KEPT = 3 }; /* BlockBefore, BlockAfter */

/* ---- messages: m is whole ---- */

static bool take_format(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)len;
	if (!rfb_format_read(&v->key.how.format, m + 4, err)) {
		return false;
	}
	v->cursor_sent = UINT64_MAX;
	rfb_viewer_forget(v);
	return true;
}

static void take_encoding(struct rfb_viewer *v, int32_t encoding)
{
	v->key.how.tight |= encoding == RFB_TIGHT;
	v->key.moves |= encoding == RFB_COPY_RECT;
	v->key.video |= encoding == RFB_VP9;
	v->resizes |= encoding == ENCODING_SIZE;
	v->fences |= encoding == ENCODING_FENCE;
	if (encoding >= QUALITY_0 && encoding <= QUALITY_9) {
		v->key.how.quality = encoding - QUALITY_0;
	}
	/* With alpha rather than without. */
	if (encoding == CURSOR_VMWARE || encoding == CURSOR_ALPHA ||
		(encoding == CURSOR_MASK && v->cursor == CURSOR_NONE)) {
		v->cursor = (enum rfb_cursor_encoding)encoding;
	}
}

static bool lists(const uint8_t *m, size_t len, int32_t encoding)
{
	for (size_t at = 4; at < len; at += 4) {
		if ((int32_t)bytes_get_u32(m + at) == encoding) {
			return true;
		}
	}
	return false;
}

/* The answer says that the extension is there: the viewer switches it on. */
static void offer_continuous(struct rfb_viewer *v, const uint8_t *m, size_t len)
{
	static const uint8_t end_of_updates = 150;
	if (!v->offered && lists(m, len, ENCODING_CONTINUOUS)) {
		v->offered = true;
		rfb_viewer_put(v, &end_of_updates, 1);
	}
}

static bool take_encodings(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	struct rfb_kind_key before = v->key;
	enum rfb_cursor_encoding cursor = v->cursor;
	(void)err;
	v->key.how.tight = v->key.moves = v->key.video = v->resizes = v->fences = false;
	v->key.how.quality = RFB_LOSSLESS;
	v->cursor = CURSOR_NONE;
	for (size_t at = 4; at < len; at += 4) {
		take_encoding(v, (int32_t)bytes_get_u32(m + at));
	}
	v->key.video &= v->key.how.tight && v->key.how.quality != RFB_LOSSLESS;
	v->key.pointer = !rfb_viewer_draws_pointer(v);
	if (cursor != v->cursor) {
		v->cursor_sent = UINT64_MAX;
	}
	if (!rfb_kind_key_equal(&before, &v->key)) {
		rfb_viewer_forget(v);
	}
	offer_continuous(v, m, len);
	v->lists_clipboard = lists(m, len, ENCODING_CLIPBOARD);
	rfb_viewer_offer_clipboard(v);
	return true;
}

static bool take_request(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)len;
	(void)err;
	rfb_viewer_want(v, !m[1]);
	return true;
}

static bool take_key(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	(void)len;
	(void)err;
	if (v->control) {
		v->fns->key(bytes_get_u32(m + 4), m[1] != 0, v->data);
	} else if (m[1]) {
		v->fns->refused(v->data);
	}
	return true;
}

static int clip(int value, int max)
{
	return value < max ? value : max > 0 ? max - 1 : 0;
}

static bool take_pointer(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	struct point at = { clip((int)bytes_get_u16(m + 2), v->key.size.width),
		clip((int)bytes_get_u16(m + 4), v->key.size.height) };
	(void)len;
	(void)err;
	unsigned pressed = m[1] & ~v->buttons;
	v->buttons = m[1];
	v->refused = m[1] & (v->control ? v->refused : v->refused | pressed);
	if (v->control) {
		v->fns->pointer(at, m[1] & ~v->refused, v->data);
	} else if (pressed) {
		v->fns->refused(v->data);
	}
	return true;
}

static bool take_continuous(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	static const uint8_t end_of_updates = 150;
	(void)len;
	(void)err;
	bool ends = v->continuous && !m[1];
	v->continuous = m[1];
	if (ends) {
		rfb_viewer_hold_back(v);
		rfb_viewer_put(v, &end_of_updates, 1);
	}
	v->flow = (struct flow){ .sent = v->flow.sent, .taken = v->flow.sent };
	return true;
}

static bool take_fence(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	uint32_t flags = bytes_get_u32(m + 4);
	uint8_t answer[9 + FENCE_MAX];
	(void)err;
	if (flags & FENCE_REQUEST) {
		memcpy(answer, m, len);
		memset(answer + 4, 0, 3);
		answer[7] = flags & FENCE_KEPT;
		rfb_viewer_put(v, answer, len);
	} else if (m[8] == 4) {
		uint32_t number = bytes_get_u32(m + 9);
		uint64_t now = loop_now_us();
		if (flow_taken(&v->flow, number, now)) {
			rate_taken(&v->rate, number, now);
		}
	}
	return true;
}

/* ---- their lengths ---- */

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

static size_t fence_length(const uint8_t *head)
{
	return head[8] > FENCE_MAX ? SIZE_MAX : 9 + (size_t)head[8];
}

static const struct rfb_message {
	uint8_t type;
	uint8_t head; /* bytes that tell its length; without a length(), all of it */
	size_t (*length)(const uint8_t *head); /* SIZE_MAX: too long */
	/* NULL: it is skipped. */
	bool (*take)(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err);
	size_t most; /* bytes; a longer one is skipped; 0: any */
} messages[] = {
	{ 0, 20, NULL, take_format },
	{ 2, 4, encodings_length, take_encodings },
	{ 3, 10, NULL, take_request },
	{ 4, 8, NULL, take_key },
	{ 5, 6, NULL, take_pointer },
	{ 6, 8, cut_text_length, rfb_viewer_take_cut_text, 8 + RFB_CUT_TEXT_MAX },
	{ 150, 10, NULL, take_continuous },
	{ 248, 9, fence_length, take_fence },
	{ 251, 8, size_length, NULL },
};

/* ---- the handshake ---- */

static bool take_hello(struct rfb_viewer *v, const uint8_t *m, struct err *err)
{
	if (memcmp(m, RFB_HELLO, strlen(RFB_HELLO)) != 0) {
		return err_set(err, ERR_ARGUMENT, "the viewer must speak RFB 3.8");
	}
	rfb_viewer_put(v, "\1\1", 2);
	return true;
}

static bool take_security(struct rfb_viewer *v, const uint8_t *m, struct err *err)
{
	if (m[0] != 1) {
		return err_set(err, ERR_ARGUMENT,
			"the viewer must choose the security type None (1), not %u", m[0]);
	}
	rfb_viewer_put(v, "\0\0\0\0", 4);
	return true;
}

static bool take_init(struct rfb_viewer *v, const uint8_t *m, struct err *err)
{
	const char *name = v->server->source->name(v->server->data);
	size_t len = strlen(name);
	struct size size = v->server->scene.picture->size;
	(void)m;
	(void)err;
	uint8_t head[24];
	bytes_put_u16(head, (uint16_t)size.width);
	bytes_put_u16(head + 2, (uint16_t)size.height);
	rfb_format_write(&v->key.how.format, head + 4);
	bytes_put_u32(head + 20, (uint32_t)len);
	rfb_viewer_put(v, head, sizeof(head));
	rfb_viewer_put(v, name, len);
	v->key.size = size;
	return true;
}

static const struct stage {
	size_t length;
	bool (*take)(struct rfb_viewer *v, const uint8_t *m, struct err *err);
} stages[] = {
	{ sizeof(RFB_HELLO) - 1, take_hello },
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
static size_t take_stage(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	const struct stage *stage = &stages[v->stage];
	if (len < stage->length) {
		return 0;
	}
	v->stage++;
	return stage->take(v, m, err) ? stage->length : SIZE_MAX;
}

static size_t take_message(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	const struct rfb_message *row = find_message(m[0]);
	if (!row) {
		err_set(err, ERR_ARGUMENT, "the viewer sent a message of the unknown type %u",
			m[0]);
		return SIZE_MAX;
	}
	if (len < row->head) {
		return 0;
	}
	size_t whole = row->length ? row->length(m) : row->head;
	if (whole == SIZE_MAX) {
		err_set(err, ERR_ARGUMENT, "the viewer's message of type %u is too long",
			row->type);
		return SIZE_MAX;
	}
	if (!row->take || (row->most && whole > row->most)) {
		v->skip = whole - row->head;
		return row->head;
	}
	if (len < whole) {
		return 0;
	}
	return row->take(v, m, whole, err) ? whole : SIZE_MAX;
}

static size_t take_next(struct rfb_viewer *v, const uint8_t *m, size_t len, struct err *err)
{
	if (v->skip > 0) {
		size_t n = v->skip < len ? v->skip : len;
		v->skip -= n;
		return n;
	}
	return (v->stage < STAGES ? take_stage : take_message)(v, m, len, err);
}

void rfb_viewer_parse(struct rfb_viewer *v)
{
	struct err err;
	size_t at = 0, used = 1;
	while (used > 0 && at < v->in.len && !v->over && !v->fns->is_full(v->data)) {
		used = take_next(v, v->in.data + at, v->in.len - at, &err);
		if (used == SIZE_MAX) {
			rfb_viewer_end(v, &err);
			return;
		}
		at += used;
	}
	buf_consume(&v->in, at);
}
